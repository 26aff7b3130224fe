"""What a reader of a release is told, and which small groups it lies between: hidden counts, differences of nested populations, what parts leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.disclosure.bounds import Claim, Target
from evaluation.disclosure.ledger import Entry
from evaluation.disclosure.population import Population
from evaluation.errors import DisclosureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A count as a reader knows it, with the truth that only the audit knows."""

    who: Population
    low: float
    high: float
    true: float
    entry: Entry
    earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """Numbers that together tell too much of a small group."""

    what: str
    why: str
    numbers: tuple[Entry, ...]  # of this release, those that tell most standing first


def told(entries: Sequence[Entry], out: set[int] = frozenset()) -> list[Told]:
    """Each count, and the part of each share, once a population.

    Raises
    ------
    DisclosureError
        One population has two counts: it is named wrongly.
    """
    found: dict[str, Told] = {}
    for entry in entries:
        if entry.statistic not in ("count", "share") or entry.true is None or (entry.statistic == "share" and entry.base == 0):
            continue
        who = entry.who if entry.statistic == "count" else entry.who.part(f"share: {entry.what}", "yes", f"{entry.population}: {entry.what}")
        one = Told(who=who, low=entry.low, high=entry.high, true=entry.true, entry=entry, earlier=id(entry) in out)
        before = found.get(who.identity)
        if before is None:
            found[who.identity] = one
        elif before.true != one.true:
            raise DisclosureError(
                f"{entry.population}: {entry.what} is a count of a population that has another count elsewhere in the release. Name one of them"
                " apart. Nothing may leave."
            )
        else:  # what is out stays out: a reader keeps the narrower of the two
            found[who.identity] = replace(before, low=max(before.low, one.low), high=min(before.high, one.high), entry=one.entry, earlier=one.earlier)
    return list(found.values())


def small_groups(known: Sequence[Told], threshold: int) -> list[Target]:
    """Small groups that a reader could try to count: hidden counts, differences of nested populations, and what published parts leave over."""
    found: dict[frozenset, Target] = {}

    def add(true: float, whole: Told, parts: Sequence[Told]) -> None:
        if 0 < true < threshold:
            target = ((whole.who, 1), *((part.who, -1) for part in parts))
            found.setdefault(frozenset((who.identity, sign) for who, sign in target), target)

    for one in known:
        add(one.true, one, ())
    for whole, part in nested(known, threshold):
        add(whole.true - part.true, whole, (part,))
    for whole, parts in leftovers(known):
        add(whole.true - sum(part.true for part in parts), whole, parts)
    return list(found.values())


def nested(known: Sequence[Told], threshold: int) -> list[tuple[Told, Told]]:
    """Pairs of populations, one a part of the other, that differ by a small group."""
    ordered = sorted(known, key=lambda one: (one.who.group, one.true))
    pairs = []
    for at, part in enumerate(ordered):
        for whole in ordered[at + 1 :]:
            if whole.who.group != part.who.group or whole.true - part.true >= threshold:
                break
            if whole.true > part.true and whole.who.holds(part.who):
                pairs.append((whole, part))
    return pairs


def leftovers(known: Sequence[Told]) -> list[tuple[Told, tuple[Told, ...]]]:
    """Populations with published parts along one dimension or split that do not overlap: what they leave is known too."""
    by_split, by_dimension, whole_of = defaultdict(list), defaultdict(list), {}
    for one in known:
        who = one.who
        whole_of[who.group, who.where, who.path] = one
        if who.path:
            by_split[who.group, who.where, who.path[:-1], who.path[-1][0]].append(one)
        for dimension, values in who.where:
            rest = tuple(limit for limit in who.where if limit[0] != dimension)
            by_dimension[who.group, rest, who.path, dimension].append((values, one))
    found = [(whole_of[key[:3]], tuple(parts)) for key, parts in by_split.items() if key[:3] in whole_of and len(parts) > 1]
    for (group, rest, path, _), parts in by_dimension.items():
        wholes = [(None, whole_of[group, rest, path])] if (group, rest, path) in whole_of else []
        for values, whole in [*wholes, *parts]:
            inside = [(few, part) for few, part in parts if values is None or few < values]
            for inner in ([pair for pair in inside if len(pair[0]) == 1], [pair for pair in inside if len(pair[0]) > 1]):
                if len(inner) > 1 and len(frozenset().union(*(few for few, _ in inner))) == sum(len(few) for few, _ in inner):
                    found.append((whole, tuple(part for _, part in inner)))
    return found


def adding_up(known: Sequence[Told]) -> list[Claim]:
    """Parts that leave nobody over: a reader who sees all of them knows that they add up to the whole."""
    return [
        Claim(target=((whole.who, 1), *((part.who, -1) for part in parts)), low=0, high=0)
        for whole, parts in leftovers(known)
        if whole.true == sum(part.true for part in parts)
    ]


def in_words(target: Target) -> str:
    """A small group in words."""
    (whole, _), *parts = target
    if not parts:
        return f"The hidden count of {whole.name}"
    return f"What {parts[0][0].name if len(parts) == 1 else f'{len(parts)} parts'} leave{'s' if len(parts) == 1 else ''} of {whole.name}"
