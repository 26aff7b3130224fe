"""Absence of children by school term, with and without the programme.

In a term a child is truanting or not, with the family's chance; sessions missed follow from that state. Every figure made from terms of
single children (rates, shares above a threshold) is then linear in the chance, and keeps its parallel trends in levels.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.simulate.composition import Composition
from evaluation.simulate.quarters import Calendar

POSSIBLE = {4: 140, 1: 118, 2: 112}                   # half-day sessions of the autumn, spring and summer terms
SETTLED = {"authorised": 0.045, "unauthorised": 0.012}
TRUANTING = {"authorised": 0.080, "unauthorised": (2.0, 5.0)}   # second: parameters of a beta distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """One row per child aged 5 to 15 at the start of the quarter and school term, by child and term.

    Attributes
    ----------
    person, column : ndarray of int, shape (n_rows,)
    possible : ndarray of int
    authorised, unauthorised : (untreated, treated), ndarrays of int
    counted : ndarray of bool
        Whether membership covers the quarter wholly, so that the row counts for the family.
    """

    person: np.ndarray
    column: np.ndarray
    possible: np.ndarray
    authorised: tuple[np.ndarray, np.ndarray]
    unauthorised: tuple[np.ndarray, np.ndarray]
    counted: np.ndarray


def draw_absence(families: Composition, chances: tuple[np.ndarray, np.ndarray], calendar: Calendar, rng: np.random.Generator) -> Absence:
    """Sessions possible and missed by child and term; both worlds share all draws of a state they share."""
    school_age = families.aged(5, 15, calendar.months) & ~families.role[:, None]
    person, column = np.nonzero(school_age & calendar.school)
    cell = (families.family[person], column)
    possible = np.array([0, POSSIBLE[1], POSSIBLE[2], 0, POSSIBLE[4]])[calendar.quarters[column]] - rng.integers(0, 7, size=len(person))
    draw = rng.random(len(person))
    without, treated = draw < chances[0][cell], draw < chances[1][cell]
    settled = _sessions(possible, SETTLED["unauthorised"], SETTLED["authorised"], rng)
    ever = np.flatnonzero(without | treated)
    truanting = [part.copy() for part in settled]
    drawn = _sessions(possible[ever], rng.beta(*TRUANTING["unauthorised"], size=len(ever)), TRUANTING["authorised"], rng)
    for part, values in zip(truanting, drawn, strict=True):
        part[ever] = values
    both = zip(truanting, settled, strict=True)
    unauthorised, authorised = (tuple(np.where(state, bad, good) for state in (without, treated)) for bad, good in both)
    counted = (column >= families.joins[person]) & (column <= families.leaves[person])
    return Absence(person=person, column=column, possible=possible, authorised=authorised, unauthorised=unauthorised, counted=counted)


def _sessions(possible: np.ndarray, unauthorised: float | np.ndarray, authorised: float, rng: np.random.Generator) -> list[np.ndarray]:
    without_leave = rng.binomial(possible, unauthorised)
    return [without_leave, rng.binomial(possible - without_leave, authorised)]
