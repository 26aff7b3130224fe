"""What is drawn once for both worlds: who is behind each event and of which kind it is, and on which days of a quarter spells begin and end.

An event of both worlds is the same event in both, so that every outcome made from kinds and members (offences of minors, custody, permanent
exclusions, continuous employment) has an exact truth.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.simulate.composition import Composition
from evaluation.simulate.quarters import Calendar
from evaluation.simulate.streams import stream
from evaluation.simulate.world import World

ADULT_OFFENDS = 0.95         # odds of an adult against one child aged 10 or over
PERMANENT = 0.03             # share of first exclusions of a term that are followed by a permanent one
DISPOSALS = {"caution": 0.35, "discharge": 0.15, "fine": 0.15, "community": 0.25, "custody": 0.05, "other": 0.05}
BENEFITS = {"jsa": 0.30, "esa": 0.25, "income_support": 0.30, "incapacity": 0.05, "carers_allowance": 0.08, "severe_disablement": 0.02}


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events that happen in at least one of the two worlds, by family and column.

    Attributes
    ----------
    family, column, place, person : ndarray of int, shape (n_events,)
        `place` counts the events of a family and column (0, 1, ...).
    found : ndarray of bool
        Whether the family has anyone who could be behind it; others are never recorded.
    kinds : code -> ndarray of bool
        Which events carry a code of the delivered table.
    """

    family: np.ndarray
    column: np.ndarray
    place: np.ndarray
    person: np.ndarray
    found: np.ndarray
    kinds: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Events with their kinds and members, and days of spells.

    Attributes
    ----------
    events : process -> Events
    benefit : ndarray of str, shape (n_families,)
        The benefit that a family claims when it claims one.
    early, late : ndarray of float32, shape (n_families, n_columns)
        How far through a quarter a spell begins that begins in it, and ends that ends in it; `early` is the lower.
    """

    events: Mapping[str, Events]
    benefit: np.ndarray
    early: np.ndarray
    late: np.ndarray


def draw_details(families: Composition, world: World, calendar: Calendar, seed: int) -> Details:
    """Members, kinds and days, for the events and spells of both worlds."""
    rng = stream(seed, "spell days")
    days = np.sort(rng.random((2, families.n_families, len(calendar)), dtype=np.float32), axis=0)
    return Details(events={"offences": _offences(families, world, calendar, stream(seed, "offenders")),
                           "exclusions": _exclusions(families, world, calendar, stream(seed, "excluded"))},
                   benefit=draw_codes(BENEFITS, families.n_families, stream(seed, "benefit claimed")), early=days[0], late=days[1])


def draw_codes(shares: Mapping[str, float], size: int, rng: np.random.Generator) -> np.ndarray:
    """Codes drawn by their shares, which add up to one after scaling."""
    total = sum(shares.values())
    return np.array(list(shares), dtype=object)[rng.choice(len(shares), size=size, p=[share / total for share in shares.values()])]


def events(states: Mapping[str, np.ndarray], counts: Mapping[str, np.ndarray], process: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Family, column and place (0, 1, ...) of every event of a process, by family and column."""
    family, column = np.nonzero(states[process])
    number = counts[process][family, column]
    rows = np.repeat(np.arange(len(family)), number)
    return family[rows], column[rows], np.arange(len(rows)) - np.repeat(np.cumsum(number) - number, number)


def _of_both(world: World, process: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return events({process: world.without[process] | world.with_programme[process]}, world.counts, process)


def _offences(families: Composition, world: World, calendar: Calendar, rng: np.random.Generator) -> Events:
    family, column, place = _of_both(world, "offences")
    person, found = pick_members(families, calendar.months, family, column, low=10, high=120, adult_odds=ADULT_OFFENDS, rng=rng)
    disposal = draw_codes(DISPOSALS, len(family), rng)
    return Events(family=family, column=column, place=place, person=person, found=found, kinds={code: disposal == code for code in DISPOSALS})


def _exclusions(families: Composition, world: World, calendar: Calendar, rng: np.random.Generator) -> Events:
    family, column, place = _of_both(world, "exclusions")
    person, found = pick_members(families, calendar.months, family, column, low=5, high=15, adult_odds=0.0, rng=rng)
    permanent = (place == 0) & (rng.random(len(family)) < PERMANENT)
    return Events(family=family, column=column, place=place, person=person, found=found,
                  kinds={"fixed": np.ones(len(family), dtype=bool), "permanent": permanent})


def pick_members(f: Composition, months: np.ndarray, family: np.ndarray, column: np.ndarray, *, low: int, high: int, adult_odds: float,
                 rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A member for every event among those aged `low` to `high` who are in the family throughout the quarter, and whether there is one."""
    best, chosen = np.full(len(family), -1.0), np.zeros(len(family), dtype=int)
    for place in range(int(f.n_people.max())):
        person = f.first_person[family] + np.minimum(place, f.n_people[family] - 1)
        age = months[column] - f.birth_month[person]
        fits = (place < f.n_people[family]) & (age >= 12 * low) & (age < 12 * (high + 1)) & (column >= f.joins[person]) & (column <= f.leaves[person])
        odds = np.where(f.role[person], adult_odds, 1.0)
        lot = np.where(fits & (odds > 0), rng.random(len(family)) ** (1 / np.maximum(odds, 1e-9)), -1.0)
        better = lot > best
        best, chosen = np.where(better, lot, best), np.where(better, person, chosen)
    return chosen, best >= 0


def spell_days(details: Details, calendar: Calendar, family: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of spells from a column to a column."""
    return calendar.day(first, details.early[family, first]), calendar.day(last, details.late[family, last])


def sustained(state: np.ndarray, details: Details, calendar: Calendar, weeks: int) -> np.ndarray:
    """Whether on the last day of each column a state has gone on for `weeks`; shape (n_families, n_columns).

    A state that holds in column 0 began long before; one that holds in the last column goes on.
    """
    n, width = state.shape
    family, column = np.nonzero(state)
    goes_on = np.concatenate([state[:, 1:], np.ones((n, 1), bool)], axis=1)[family, column]
    begins = np.where(state & ~np.concatenate([np.zeros((n, 1), bool), state[:, :-1]], axis=1), np.arange(width), 0)
    first = np.maximum.accumulate(begins, axis=1)[family, column]
    start, end = spell_days(details, calendar, family, first, column)
    last_day = calendar.starts[column + 1] - np.timedelta64(1, "D")
    long_enough = (first == 0) | (last_day - start >= np.timedelta64(7 * weeks - 1, "D"))
    found = np.zeros(state.shape, dtype=bool)
    found[family, column] = long_enough & (goes_on | (end == last_day))
    return found


def without_activity(families: Composition, state: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Who is in none of education, employment and training: the first member of 16 to 18 in a family's quarter of it; shape (n_people, n_columns)."""
    young = families.aged(16, 18, calendar.months) & families.present(len(calendar))
    before = np.cumsum(young, axis=0, dtype=np.int32)
    of_others = (before - young)[families.first_person][families.family]           # young people in the families before
    return young & (before - of_others == 1) & state[families.family]
