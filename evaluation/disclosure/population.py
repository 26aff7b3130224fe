"""Whose number it is: the identity of a published population, so that an audit can find which are parts of which.

A population is a group (`programme`, `comparison`, ...), where (values of dimensions such as council or cohort; a dimension that is not named: all
of it) and a path of splits into it: joined -> matched -> measured. A population with no group cannot be linked with any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

Where = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A set of people or families, by how it was chosen.

    Attributes
    ----------
    name : str
        In words; what the ledger prints.
    group : str
        Units of different groups are never the same; '' where the population is not linked with others.
    where : tuple of (dimension, values)
        What it is limited to.
    path : tuple of (split, value)
        Subsets of subsets: (('fate', 'matched'), ('any_offence', 'measured')).
    fingerprint : str
        A keyed hash of its members, kept inside: tells whether a later release speaks about the same ones. '' where unknown.
    """

    name: str
    group: str = ""
    where: Where = ()
    path: tuple[tuple[str, str], ...] = ()
    fingerprint: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, group: str, where: Mapping[str, Iterable[str]] | None = None, *path: tuple[str, str], fingerprint: str = "") -> Population:
        """A population from plain values, in one order."""
        limits = tuple(sorted((dimension, frozenset(values)) for dimension, values in (where or {}).items()))
        return cls(name=name, group=group, where=limits, path=tuple(path), fingerprint=fingerprint)

    def part(self, split: str, value: str, name: str = "") -> Population:
        """One part of a split of this population."""
        return replace(self, name=name or self.name, path=(*self.path, (split, value)))

    @property
    def linked(self) -> bool:
        """Whether it can be set beside others."""
        return bool(self.group)

    @property
    def identity(self) -> str:
        """One text for one set, whatever its name."""
        limits = ";".join(f"{dimension}={','.join(sorted(values))}" for dimension, values in self.where)
        return "|".join((self.group, limits, "/".join(f"{split}={value}" for split, value in self.path))) if self.linked else f"?{self.name}"

    def holds(self, other: Population) -> bool:
        """Whether the other is a part of it, or the same."""
        if not self.linked or self.group != other.group or self.path != other.path[: len(self.path)]:
            return False
        inner = dict(other.where)
        return all(dimension in inner and inner[dimension] <= values for dimension, values in self.where)

    def as_json(self) -> dict[str, object]:
        """For the register of releases."""
        return {
            "name": self.name,
            "group": self.group,
            "where": {dimension: sorted(values) for dimension, values in self.where},
            "path": [list(step) for step in self.path],
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_json(cls, read: Mapping) -> Population:
        """Read what `as_json` wrote."""
        return cls.of(read["name"], read["group"], read["where"], *(tuple(step) for step in read["path"]), fingerprint=read["fingerprint"])


def as_population(given: str | Population) -> Population:
    """A population as it is; a plain name stands for one that is not linked."""
    return given if isinstance(given, Population) else Population(name=given)
