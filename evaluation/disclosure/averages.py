"""Averages and effects that tell of a small group only together: of nested populations, of a whole and its parts, of one before and after a few
units changed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluation.disclosure.known import Told, Unsafe, leftovers
from evaluation.disclosure.ledger import Entry
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import NARROWEST, Profile
from evaluation.disclosure.whose import MEASURED

WHOLE = 1e-6  # further from a whole number than this, a mean is of several periods


def total(entry: Entry, sizes: Mapping[str, Told]) -> tuple[float, float]:
    """Between what a reader can place the events behind a mean; no bounds where the number of units is nowhere."""
    size = next((sizes[key] for key in (entry.who.identity, up(entry.who).identity) if key in sizes), None)
    if size is None or not entry.base or entry.shown.value is None:
        return 0.0, math.inf
    low, high = ((entry.shown.value + sign * entry.step / 2) / entry.base for sign in (-1, 1))
    least, most = max(low * size.low, 0.0), high * size.high
    counted = entry.true is not None and abs(entry.true - round(entry.true)) < WHOLE  # events of one period: a reader tries whole numbers
    if counted:
        return math.ceil(least - WHOLE), math.floor(most + WHOLE) if math.isfinite(most) else most
    return least, most


def left_over(whole: Entry, parts: Sequence[Entry], sizes: Mapping[str, Told]) -> float:
    """How widely a reader can place the events of those who are in one population and in none of its parts: none at least."""
    (least, most), inside = total(whole, sizes), [total(part, sizes) for part in parts]
    return most - sum(low for low, _ in inside) - max(least - sum(high for _, high in inside), 0.0)


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
                if not few_left(whole, (part,), profile.threshold) or not contains(whole.who, part.who):
                    continue
                if part.statistic == "estimate" or left_over(whole, (part,), sizes) < NARROWEST:
                    why = f"{part.what} is shown for {whole.population} and for all but a few of them."
                    found.append(Unsafe(what=why, why=why, numbers=tuple(entry for entry in (whole, part) if id(entry) in ours)))
    return found


def remainders(entries: Sequence[Entry], earlier: Sequence[Entry], known: Sequence[Told], profile: Profile) -> list[Unsafe]:
    """Rates of a whole and of several of its parts that leave a small group, or one with few events: those whose own rate is hidden."""
    sizes, by_what = {one.who.identity: one for one in known}, defaultdict(dict)
    for entry in [*earlier, *entries]:
        if entry.statistic == "mean" and entry.base and entry.shown.value is not None and entry.n is not None and entry.true is not None:
            by_what[entry.what, quantity(entry)][entry.who.identity] = entry
    ours, found = {id(entry) for entry in entries}, []
    for alike in by_what.values():
        for whole, parts in leftovers(list(alike.values())):
            if few_left(whole, parts, profile.threshold) and left_over(whole, parts, sizes) < NARROWEST:
                why = f"{whole.what} is shown for {whole.population} and for {len(parts)} parts that leave a few of them."
                found.append(Unsafe(what=why, why=why, numbers=tuple(entry for entry in (whole, *parts) if id(entry) in ours)))
    return found


def few_left(whole: Entry, parts: Sequence[Entry], threshold: int) -> bool:
    """Whether parts leave a small group of a whole: few units, or few with (or without) an event."""
    units = whole.n - sum(part.n for part in parts)
    if units <= 0 or whole.true is None or any(part.true is None for part in parts):
        return 0 < units < threshold
    events = max(whole.true - sum(part.true for part in parts), 0.0)
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
