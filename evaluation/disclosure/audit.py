"""The audit of a whole release: what its numbers tell together, with those of earlier releases, before anything is rendered.

It takes the place of a reader who has every report, and asks how narrowly each small group can be placed (`bounds.py`), and whether two populations
for which the same is published differ by a few units. What is unsafe is repaired by a coarser base or a hidden number, or held. Fails closed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaluation.disclosure.averages import averages, remainders, vintages
from evaluation.disclosure.bounds import Claim, Reader
from evaluation.disclosure.known import Unsafe, adding_up, in_words, small_groups, told
from evaluation.disclosure.ledger import Entry, Ledger, Repair, with_repair
from evaluation.disclosure.rules import NARROWEST, PEOPLE, Profile
from evaluation.errors import DisclosureError

Made = TypeVar("Made")
ROUNDS = 40
SECONDS = 300.0  # for one look at a release
LAST = 1000


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
    unsafe += averages(entries, earlier, known, ledger.profile) + remainders(entries, earlier, known, ledger.profile)
    unsafe += vintages(entries, changed, ledger.profile)
    unsafe = [one for one in unsafe if not any(waiver.covers(entry) for waiver in waivers for entry in one.numbers)]
    return Look(cells=len(targets), narrowest=min((found.width for found in ranges), default=float("inf")), unsafe=tuple(unsafe))


def coarsens(entry: Entry) -> bool:
    """Whether a number can still be rounded further."""
    return entry.shown.symbol != "[c]" and bool(entry.true)


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
    if entry.statistic == "mean" and entry.step < 1:
        return Repair(whole=True, reason=why)
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
        rounded=tuple((named[key], repair.base or 1) for key, repair in sorted(repairs.items()) if not repair.hidden and key in named),
        withheld=sum(repair.hidden and key in named for key, repair in repairs.items()),
        exceptions=tuple(waivers),
    )
