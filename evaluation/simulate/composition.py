"""Families and their members: who lives with whom, from when to when, and the slow characteristics that do not move with events.

Shares follow the published profile of families on the national programme (guide/domain.md 1.1, source S9 there).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.streams import stream

N_CHILDREN = (0.29, 0.32, 0.21, 0.10, 0.05, 0.03)    # one to six children
LONE_PARENT = 0.42
ETHNICITY = {"white": 0.80, "mixed": 0.05, "asian": 0.06, "black": 0.06, "other": 0.03}
ETHNICITY_UNKNOWN = 0.03                               # of people
SEN = {"none": 0.72, "support": 0.20, "statement": 0.08}
JOINS_LATE = LEAVES = 0.04                             # of members other than the main carer
MOVES_AWAY = 0.01                                      # of families in a year
FAMILIES_PER_AREA = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Families (sorted by council) and people (sorted by family, main carer first).

    Attributes
    ----------
    council : ndarray of int, shape (n_families,)
        Place in `Simulation.councils`.
    area : ndarray of int, shape (n_families,)
        Small area, numbered over all councils.
    first_person, n_people, n_children : ndarray of int, shape (n_families,)
    lone_parent, any_sen : ndarray of bool, shape (n_families,)
    workless : ndarray of bool, shape (n_families,)
        Whether the household is out of work for long; a lasting type, not a state.
    deprivation : ndarray of float, shape (n_families,)
        Of the small area; mean 0, standard deviation 1. Not delivered: it stands for what no one measures.
    eligible : ndarray of datetime64[D], shape (n_families,)
        First eligible date; independent of crises.
    moves : ndarray of datetime64[D], shape (n_families,)
        Day on which the family leaves the council, NaT where it stays.
    family, role, birth_month, member_from, member_to, sex, sen, free_school_meals, ethnicity : ndarray, shape (n_people,)
        `role` True for adults; `birth_month` as `12 * year + month - 1`; `free_school_meals` 1, 0 or -1 (adults).
    joins, leaves : ndarray of int, shape (n_people,)
        First and last column that membership covers wholly.
    """

    council: np.ndarray
    area: np.ndarray
    first_person: np.ndarray
    n_people: np.ndarray
    n_children: np.ndarray
    lone_parent: np.ndarray
    any_sen: np.ndarray
    workless: np.ndarray
    deprivation: np.ndarray
    eligible: np.ndarray
    moves: np.ndarray
    family: np.ndarray
    role: np.ndarray
    birth_month: np.ndarray
    member_from: np.ndarray
    member_to: np.ndarray
    sex: np.ndarray
    sen: np.ndarray
    free_school_meals: np.ndarray
    ethnicity: np.ndarray
    joins: np.ndarray
    leaves: np.ndarray

    @property
    def n_families(self) -> int:
        return len(self.council)

    def aged(self, low: int, high: int, months: np.ndarray) -> np.ndarray:
        """Whether each person is `low` to `high` years old on the first day of each column; shape (n_people, n_columns)."""
        age = months[None, :] - self.birth_month[:, None]
        return (age >= 12 * low) & (age < 12 * (high + 1))

    def present(self, n_columns: int) -> np.ndarray:
        """Whether membership covers each column wholly; shape (n_people, n_columns)."""
        columns = np.arange(n_columns)
        return (columns >= self.joins[:, None]) & (columns <= self.leaves[:, None])


def compose(sizes: np.ndarray, calendar: Calendar, seed: int) -> Composition:
    """Draw families and their members.

    Parameters
    ----------
    sizes : ndarray of int, shape (n_councils,)
        Families in each council.
    """
    rng = stream(seed, "families")
    n = int(sizes.sum())
    council = np.repeat(np.arange(len(sizes)), sizes)
    n_areas = np.maximum(sizes // FAMILIES_PER_AREA, 1)
    area = (np.cumsum(n_areas) - n_areas)[council] + (rng.random(n) * n_areas[council]).astype(int)
    deprivation = 0.3 * rng.normal(size=len(sizes))[council] + 0.95 * rng.normal(size=n_areas.sum())[area]
    lone_parent = rng.random(n) < LONE_PARENT
    workless = rng.random(n) < 1 / (1 + np.exp(-(0.5 * lone_parent + 0.3 * deprivation)))
    n_children = 1 + rng.choice(len(N_CHILDREN), size=n, p=N_CHILDREN)
    people = _people(n_children, lone_parent, workless, calendar, seed)
    n_people = np.bincount(people["family"], minlength=n)
    any_sen = np.bincount(people["family"], weights=(people["sen"] > 0), minlength=n) > 0
    return Composition(council=council, area=area, first_person=np.cumsum(n_people) - n_people, n_people=n_people, n_children=n_children,
                       lone_parent=lone_parent, any_sen=any_sen, workless=workless, deprivation=deprivation,
                       eligible=_eligible_dates(n, calendar, rng), moves=_moves(n, calendar, rng), **people)


def _eligible_dates(n: int, calendar: Calendar, rng: np.random.Generator) -> np.ndarray:
    """Six families in ten are eligible before the first period, the others at some day up to a year before the end."""
    first, last = calendar.starts[HISTORY], calendar.starts[max(len(calendar) - 4, HISTORY + 1)]
    before = first - (1 + 360 * rng.random(n)).astype("timedelta64[D]")
    within = first + (rng.random(n) * (last - first).astype(int)).astype("timedelta64[D]")
    return np.where(rng.random(n) < 0.6, before, within)


def _moves(n: int, calendar: Calendar, rng: np.random.Generator) -> np.ndarray:
    first, end = calendar.starts[HISTORY], calendar.starts[-1]
    days = (rng.exponential(365.25 / MOVES_AWAY, size=n)).clip(max=1e6).astype("timedelta64[D]")
    moves = first + np.maximum(days, np.timedelta64(1, "D"))
    return np.where(moves < end, moves, np.datetime64("NaT", "D"))


def _people(n_children: np.ndarray, lone_parent: np.ndarray, workless: np.ndarray, calendar: Calendar, seed: int) -> dict[str, np.ndarray]:
    rng = stream(seed, "people")
    n_adults = 2 - lone_parent
    family = np.repeat(np.arange(len(n_children)), n_adults + n_children)
    place = np.arange(len(family)) - np.searchsorted(family, family)       # 0: main carer
    adult = place < n_adults[family]
    start = calendar.months[0]
    birth = start - np.where(adult, 0, 12 + (rng.random(len(family)) * 14 * 12).astype(int))
    eldest = np.full(len(n_children), start)
    np.minimum.at(eldest, family[~adult], birth[~adult])
    birth = np.where(adult, np.maximum(eldest[family] - 12 * 17 - (rng.random(len(family)) * 12 * 18).astype(int), start - 12 * 50), birth)
    born = (birth - 12 * 1970).astype("datetime64[M]")
    first_day = born.astype("datetime64[D]") + (rng.random(len(family)) * 27).astype("timedelta64[D]")
    first_child = np.full(len(n_children), np.datetime64("2100-01-01"))
    np.minimum.at(first_child, family[~adult], first_day[~adult])
    member_from = np.where(adult, first_child[family], first_day)
    member_to = np.full(len(family), np.datetime64("NaT", "D"))
    turn, window = rng.random(len(family)), calendar.starts[-1] - calendar.starts[HISTORY]
    someday = calendar.starts[HISTORY] + (rng.random(len(family)) * window.astype(int)).astype("timedelta64[D]")
    late, leaves = (place > 0) & (turn < JOINS_LATE), (place > 0) & (turn >= JOINS_LATE) & (turn < JOINS_LATE + LEAVES)
    member_from, member_to = np.where(late, someday, member_from), np.where(leaves, someday, member_to)
    joins = np.searchsorted(calendar.starts[:-1], member_from, side="left")
    last = np.searchsorted(calendar.starts[1:], np.where(leaves, someday + np.timedelta64(1, "D"), calendar.starts[-1]), side="right") - 1
    names = list(ETHNICITY)
    of_family = rng.choice(len(names), size=len(n_children), p=list(ETHNICITY.values()))
    return {
        "family": family, "role": adult, "birth_month": birth, "member_from": member_from, "member_to": member_to,
        "sex": np.where(adult & (place == 0), rng.random(len(family)) < 0.12, rng.random(len(family)) < 0.54).astype(int),   # 1: male
        "sen": np.where(adult, -1, rng.choice(3, size=len(family), p=list(SEN.values()))),
        "free_school_meals": np.where(adult, -1, rng.random(len(family)) < np.where(workless, 0.8, 0.25)[family]).astype(int),
        "ethnicity": np.where(rng.random(len(family)) < ETHNICITY_UNKNOWN, len(names), of_family[family]),
        "joins": joins, "leaves": last,
    }
