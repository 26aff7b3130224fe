"""Constant geography: councils that were replaced by others inside the data are added to them, so that a unit means one place in every period.

Which councils replaced which is read from the dictionary; nothing here knows a council by name.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Geography:
    """Councils in constant geography.

    Attributes
    ----------
    unit_of : council code -> unit id
        The council's own code, or the joined code (`E06000055+E06000056`) of a reorganised one.
    members : unit id -> codes of the councils after reorganisation, in order
    before : frozenset of str
        Codes of councils that were replaced inside the data.
    notes : tuple of str
        One sentence per joined unit.
    """

    unit_of: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    before: frozenset[str]
    notes: tuple[str, ...]


def constant_geography(codes: Iterable[str], dictionary: Dictionary) -> Geography:
    """Units that stay the same over all periods in which these councils report.

    A council and its successors become one unit if both are among `codes`; a reorganisation that these data do not show joins nothing.
    """
    present = sorted(set(codes))
    unknown = [code for code in present if code not in dictionary.councils]
    if unknown:
        raise ContractError(f"Every council of the tables must be in the dictionary: {len(unknown)} codes are not. "
                            "Mend data_dictionary/councils.csv.")
    root = {code: code for code in present}

    def find(code: str) -> str:
        while root[code] != code:
            code = root[code]
        return code

    before = {code for code in present if any(after in root for after in dictionary.councils[code].successors)}
    for code in sorted(before):
        for after in dictionary.councils[code].successors:
            if after in root:
                root[find(after)] = find(code)
    groups: dict[str, list[str]] = {}
    for code in present:
        groups.setdefault(find(code), []).append(code)
    unit_of, members, notes = {}, {}, []
    for group in groups.values():
        after = tuple(code for code in group if code not in before)
        unit = "+".join(after)
        members[unit] = after
        unit_of.update(dict.fromkeys(group, unit))
        if len(group) > 1:
            old = names_of([code for code in group if code in before], dictionary)
            notes.append(f"{old} was replaced by {names_of(after, dictionary)} inside these years: "
                         "their counts are added together over all years and form one unit.")
    return Geography(unit_of=unit_of, members=members, before=frozenset(before), notes=tuple(notes))


def names_of(codes: Sequence[str], dictionary: Dictionary) -> str:
    """Names of councils in a sentence."""
    return " and ".join(dictionary.councils[code].name for code in codes)
