"""The audit of a whole release: what its numbers tell together, with those of earlier releases, before anything is rendered.

It takes the place of a reader who has every report, and asks how narrowly each small group can be placed (`bounds.py`), and whether two populations
for which the same is published differ by a few units. What is unsafe is repaired by a coarser base or a hidden number, or held. Fails closed.
"""

from __future__ import annotations

import fnmatch
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from evaluation.disclosure.bounds import Claim, Reader, Target
from evaluation.disclosure.ledger import Entry, Ledger, Repair, with_repair
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import NARROWEST, PEOPLE, Profile
from evaluation.disclosure.whose import MEASURED
from evaluation.errors import DisclosureError

Made = TypeVar("Made")
ROUNDS = 40
SECONDS = 300.0  # for one look at a release
LAST = 1000
WHOLE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception: who lets a number out, why, and when. Printed in the release's record."""

    number: str  # a pattern of 'population: what', as in the ledger
    name: str
    reason: str
    date: str

    def covers(self, entry: Entry) -> bool:
        """Whether it speaks about a number."""
        return fnmatch.fnmatchcase(f"{entry.population}: {entry.what}", self.number)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a release."""

    cells: int  # small groups that a reader could try to count
    narrowest: float
    unsafe: tuple[Unsafe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was looked at, what was repaired, and what was let out by exception."""

    rule: str
    numbers: int
    unlinked: int
    earlier: int  # numbers that are out already and not in this release
    cells: int
    narrowest: float | None
    rounded: tuple[tuple[str, int], ...]  # population: what; to the nearest
    withheld: int
    exceptions: tuple[Waiver, ...]

    def as_json(self) -> dict[str, object]:
        """The record that goes with the release. It does not say which numbers are withheld: a reader could tell them from small counts."""
        return {
            "rule": self.rule,
            "numbers_looked_at": self.numbers,
            "counts_not_linked": self.unlinked,
            "numbers_of_earlier_releases": self.earlier,
            "small_groups_looked_for": self.cells,
            "narrowest_interval": self.narrowest,
            "rounded_further": [{"number": number, "to": base} for number, base in self.rounded],
            "withheld": self.withheld,
            "exceptions": [{"number": one.number, "name": one.name, "reason": one.reason, "date": one.date} for one in self.exceptions],
        }


def audited(
    make: Callable[[Ledger], Made], profile: Profile, *, earlier: Sequence[Entry] = (), changed: Sequence[Entry] = (), waivers: Sequence[Waiver] = ()
) -> tuple[Made, Ledger]:
    """Make a release, look at it, and make it again with repairs until it is safe. The ledger carries the record.

    Parameters
    ----------
    make : callable
        Makes the release with a ledger; asked again after each look that finds something.
    earlier : sequence of Entry
        Numbers already out about the same data.
    changed : sequence of Entry
        Numbers already out about earlier states of the data.

    Raises
    ------
    DisclosureError
        It cannot be made safe, or the audit cannot decide: nothing may leave.
    """
    repairs: dict[str, Repair] = {}
    doubtful: frozenset[str] | None = None  # repairs only widen what a reader can think of: what was safe stays so
    for _ in range(ROUNDS):
        ledger = with_repair(Ledger(profile=profile), repairs)
        made = make(ledger)
        look = look_at(ledger, earlier=earlier, changed=changed, waivers=waivers, only=doubtful)
        if not look.unsafe and doubtful is not None:
            doubtful = None
            look = look_at(ledger, earlier=earlier, changed=changed, waivers=waivers)
        if not look.unsafe:
            ledger.audit = record(ledger, look, earlier, repairs, waivers)
            return made, ledger
        if not (more := repaired(look.unsafe, repairs, profile)):
            break
        repairs |= more
        doubtful = frozenset(one.what for one in look.unsafe)
    raise DisclosureError(
        f"The release is held: {len(look.unsafe)} of its numbers tell too much together and cannot be repaired. {look.unsafe[0].why} Publish fewer"
        " breakdowns, or name an exception in the plan (disclosure.exceptions)."
    )


def look_at(
    ledger: Ledger,
    *,
    earlier: Sequence[Entry] = (),
    changed: Sequence[Entry] = (),
    waivers: Sequence[Waiver] = (),
    only: frozenset[str] | None = None,
) -> Look:
    """What a reader of all these numbers could tell; with `only`, about the small groups named there."""
    if not ledger.profile.protects:
        return Look(cells=0, narrowest=float("inf"), unsafe=())
    entries = [entry for entry in ledger.entries if entry.who.linked and entry.of in PEOPLE]
    known = told([*earlier, *entries], {id(entry) for entry in earlier})
    targets = [target for target in small_groups(known, ledger.profile.threshold) if only is None or in_words(target) in only]
    claims = [Claim.about(one.who, one.low, one.high) for one in known] + adding_up(known)
    reader = Reader.of(claims, targets, seconds=SECONDS) if targets else None
    ranges = reader.ranges(targets, enough=NARROWEST) if reader else []
    of = {one.who.identity: one for one in known}
    unsafe = [
        Unsafe(
            what=in_words(target),
            why=f"{in_words(target)} could be counted too closely.",
            numbers=tuple(of[name].entry for name in reader.binding(target) if not of[name].earlier),
        )
        for target, found in zip(targets, ranges, strict=True)
        if found.width < NARROWEST
    ]
    unsafe += averages(entries, earlier, known, ledger.profile) + vintages(entries, changed, ledger.profile)
    unsafe = [one for one in unsafe if not any(waiver.covers(entry) for waiver in waivers for entry in one.numbers)]
    return Look(cells=len(targets), narrowest=min((found.width for found in ranges), default=float("inf")), unsafe=tuple(unsafe))


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


def coarsens(entry: Entry) -> bool:
    """Whether a number can still be rounded further."""
    return entry.shown.symbol != "[c]" and bool(entry.true)


def total(entry: Entry, sizes: Mapping[str, Told]) -> tuple[float, float]:
    """Between what a reader can place the events behind a mean; no bounds where the number of units is nowhere."""
    size = next((sizes[key] for key in (entry.who.identity, up(entry.who).identity) if key in sizes), None)
    if size is None or not entry.base or entry.shown.value is None:
        return 0.0, math.inf
    low, high = ((entry.shown.value + sign * entry.step / 2) / entry.base for sign in (-1, 1))
    least, most = max(low * size.low, 0.0), high * size.high
    counted = entry.true is not None and abs(entry.true - round(entry.true)) < WHOLE  # events of one period: a reader tries whole numbers
    return (math.ceil(least - WHOLE), math.floor(most + WHOLE)) if counted else (least, most)


def left_over(whole: Entry, part: Entry, sizes: Mapping[str, Told]) -> float:
    """How widely a reader can place the events of those who are in one population and not in the other: none at least."""
    (least, most), (low, high) = total(whole, sizes), total(part, sizes)
    return most - low - max(least - high, 0.0)


def up(who: Population) -> Population:
    """What a population is the last split of."""
    return replace(who, path=who.path[:-1])


def averages(entries: Sequence[Entry], earlier: Sequence[Entry], known: Sequence[Told], profile: Profile) -> list[Unsafe]:
    """Means and estimates of the same thing for two populations that differ by a small group, or by few events."""
    sizes, by_what = {one.who.identity: one for one in known}, defaultdict(dict)
    for entry in [*earlier, *entries]:
        if entry.statistic in ("mean", "estimate") and entry.shown.value is not None and entry.n is not None:
            by_what[entry.statistic, entry.what, quantity(entry)][entry.who.identity] = entry
    ours, found = {id(entry) for entry in entries}, []
    for alike in by_what.values():
        ordered = sorted(alike.values(), key=lambda entry: entry.n)
        for at, part in enumerate(ordered):
            for whole in ordered[at + 1 :]:
                if not few_between(whole, part, profile.threshold) or not contains(whole.who, part.who):
                    continue
                if part.statistic == "estimate" or math.floor(left_over(whole, part, sizes)) < NARROWEST:
                    why = f"{part.what} is shown for {whole.population} and for all but a few of them."
                    found.append(Unsafe(what=why, why=why, numbers=tuple(entry for entry in (whole, part) if id(entry) in ours)))
    return found


def few_between(whole: Entry, part: Entry, threshold: int) -> bool:
    """Whether two numbers differ by a small group: by few units, or by few units with (or without) an event."""
    units = whole.n - part.n
    if units == 0 or whole.true is None or part.true is None:
        return 0 < units < threshold
    events = max(whole.true - part.true, 0.0)
    return min(units, events, max(units - events, 0.0)) < threshold


def quantity(entry: Entry) -> str:
    """What is measured, where the measured units are a part of their population; '' where they are all of it."""
    return entry.who.path[-1][0] if entry.who.path and entry.who.path[-1][0].startswith(MEASURED) else ""


def contains(whole: Population, part: Population) -> bool:
    """Whether one population holds the other, or the populations they are the measured part of do."""
    both = all(who.path and who.path[-1][0].startswith(MEASURED) for who in (whole, part))
    return whole.holds(part) or (both and up(whole).holds(up(part)))


def vintages(entries: Sequence[Entry], changed: Sequence[Entry], profile: Profile) -> list[Unsafe]:
    """Numbers that are out already for the same population before a few units joined or left it."""
    before, found = defaultdict(list), []
    for entry in changed:
        before[entry.key].append(entry)
    for entry in entries:
        for old in before.get(entry.key, ()):
            if entry.n is None or old.n is None or not moved(entry, old, profile.threshold):
                continue
            if entry.statistic in ("count", "share"):
                unsafe = (entry.high - entry.low) + (old.high - old.low) < NARROWEST
            else:
                unsafe = entry.shown.value is not None and old.shown.value is not None
            if unsafe:
                why = f"{entry.population}: {entry.what} was released before a few units changed."
                found.append(Unsafe(what=why, why=why, numbers=(entry,)))
                break
    return found


def moved(entry: Entry, old: Entry, threshold: int) -> bool:
    """Whether a few members, and not many, changed between two releases: by their number, or with the same number by who they are."""
    if entry.n != old.n:
        return abs(entry.n - old.n) < threshold
    return bool(entry.who.fingerprint and old.who.fingerprint) and entry.who.fingerprint != old.who.fingerprint


def repaired(unsafe: Sequence[Unsafe], repairs: Mapping[str, Repair], profile: Profile) -> dict[str, Repair]:
    """One step more for the first number of each finding that can take one."""
    found: dict[str, Repair] = {}
    for one in unsafe:
        if any(entry.key in found for entry in one.numbers):  # mended in this round already: look again first
            continue
        for entry in sorted(one.numbers, key=lambda entry: order_of(entry, repairs.get(entry.key), profile)):
            following = coarser(entry, repairs.get(entry.key), profile, one.why)
            if following is not None:
                found[entry.key] = following
                break
    return found


def order_of(entry: Entry, repair: Repair | None, profile: Profile) -> int:
    """Numbers that can be rounded come before those that can only be hidden."""
    return steps_taken(repair, profile) + (0 if coarsens(entry) else LAST)


def steps_taken(repair: Repair | None, profile: Profile) -> int:
    """How far a number has been repaired."""
    return 0 if repair is None else LAST if repair.hidden else repair.base // profile.base


def coarser(entry: Entry, repair: Repair | None, profile: Profile, why: str) -> Repair | None:
    """The next repair of a number; None where it is hidden already."""
    if repair and repair.hidden:
        return None
    if entry.statistic != "count" or not coarsens(entry):
        return Repair(hidden=True, reason=why)
    start = max(profile.base, NARROWEST)
    base = repair.base if repair else profile.base
    following = start if base < start else 2 * base
    further = following <= 4 * start and entry.true and entry.true >= 2 * following
    return Repair(base=following, reason=why) if further else Repair(hidden=True, reason=why)


def record(ledger: Ledger, look: Look, earlier: Sequence[Entry], repairs: Mapping[str, Repair], waivers: Sequence[Waiver]) -> Audit:
    """The record of a release that is safe."""
    people = [entry for entry in ledger.entries if entry.of in PEOPLE]
    named = {entry.key: f"{entry.population}: {entry.what}" for entry in people}
    return Audit(
        rule=ledger.profile.name,
        numbers=len(ledger.entries),
        unlinked=sum(entry.statistic == "count" and not entry.who.linked for entry in people),
        earlier=len({(entry.key, entry.shown.text) for entry in earlier} - {(entry.key, entry.shown.text) for entry in people}),
        cells=look.cells,
        narrowest=look.narrowest if look.cells else None,
        rounded=tuple((named[key], repair.base) for key, repair in sorted(repairs.items()) if not repair.hidden and key in named),
        withheld=sum(repair.hidden and key in named for key, repair in repairs.items()),
        exceptions=tuple(waivers),
    )
