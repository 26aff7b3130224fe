"""Subclassification: rows cut at quantiles of the score, and compared inside each subclass."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.matching.cells import sets_of_cells, with_both_sides
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import as_tuple, refuse
from evaluation.matching.problem import Problem, Sets

FUZZ = 4 * np.finfo(float).eps     # a place in the order that is this near a whole number is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Subclassification(Matcher):
    """Subclasses of the score, cut at quantiles of the focal rows' scores (of all rows' for the effect on all).

    Cut points come from the scores of all entry periods and exact strata; subclasses then lie inside them. Where a subclass lacks rows of one side,
    the nearest ones on the score are moved into it from its neighbours. An exact stratum with too few rows for all its subclasses has neighbouring
    ones joined, evenly, until each can have its share. A subclass without focal rows is left out.

    Attributes
    ----------
    subclasses : int
        How many, at equal shares of the focal rows.
    quantiles : tuple of float
        Shares between 0 and 1 at which to cut, instead of equal ones.
    cutpoints : tuple of float
        Points of the score at which to cut, instead of quantiles.
    minimum : int
        Rows of each side that every subclass must have; 0 leaves out subclasses with one side only.

    Notes
    -----
    Weights: for the effect on the treated, 1 and n_treated / n_comparison of the subclass; for the effect on all, n / n_side. Quantiles are R's type
    7; a score equal to a cut point falls above it. Rows are moved by the rule of MatchIt 4.7.2, against which weights and subclasses were checked;
    of equal scores the smaller id counts as the smaller. Differences: MatchIt knows no exact strata here, takes cut points from discarded rows too,
    moves focal rows into a subclass without any, and with a `minimum` above 1 lets a row jump over nearer ones that it has set apart (as many rows
    are in each subclass, but not in the order of the score).

    References
    ----------
    Rosenbaum and Rubin (1984), DOI 10.1080/01621459.1984.10478078.

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> import pandas as pd
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "age": [30, 20, 50, 52, 25]})
    >>> method = Subclassification(covariates=("age",), subclasses=2)
    >>> method.match(Candidates.of_table(table, treated="joined")).subclass().tolist()
    [0, 0, 1, 1, 0]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    KIND: ClassVar[str] = "strata"
    subclasses: int = 6
    quantiles: tuple[float, ...] = ()
    cutpoints: tuple[float, ...] = ()
    minimum: int = 1

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        as_tuple(self, "quantiles")
        as_tuple(self, "cutpoints")
        refuse(self.subclasses < 2, f"`matching.subclasses` must be at least 2: it is {self.subclasses}.")
        refuse(self.minimum < 0, f"`matching.minimum` must be at least 0: it is {self.minimum}.")
        refuse(not all(0 < share < 1 for share in self.quantiles), f"`matching.quantiles` must be shares between 0 and 1: they are {self.quantiles}.")

    def shares(self) -> np.ndarray:
        """Shares of the focal rows at which subclasses begin and end, from 0 to 1."""
        return np.linspace(0, 1, self.subclasses + 1) if not self.quantiles else np.array([0.0, *sorted(set(self.quantiles)), 1.0])

    def solve(self, problem: Problem) -> Sets:
        """Subclasses of the score inside strata."""
        whole = self.estimand == "ATE"
        can = with_both_sides(problem.stratum, problem.focal, least=max(self.minimum, 1))
        if not can.any():
            return sets_of_cells(problem, np.full(len(problem), -1), self.estimand)
        cuts = np.unique(self.cutpoints) if self.cutpoints else quantile_cuts(problem.score[can & (problem.focal | whole)], self.shares())[1:-1]
        found = subclassify(problem.score, np.where(can, problem.stratum, -1), problem.focal, problem.rows.id, cuts=cuts, minimum=self.minimum,
                            whole=whole)
        return sets_of_cells(problem, found.number, self.estimand, notes=found.in_words())

    def in_words(self) -> str:
        on, exact = self.common_words()
        of = {"ATT": "treated", "ATC": "comparison rows"}.get(self.estimand, "treated and comparison rows together")
        at = f"{len(self.cutpoints)} given points" if self.cutpoints else f"{len(self.shares()) - 2} quantiles, among the {of},"
        least = "" if self.minimum == 1 else f", at least {self.minimum} of each side" if self.minimum else ", those with one side left out"
        return f"subclassification at {at} of {self.score.in_words()} {on}{least}, {exact}"

    def plain_method(self) -> str:
        n = len(self.cutpoints) + 1 if self.cutpoints else len(self.shares()) - 1
        return f"Units are put into {n} groups by their score, and compared inside each group."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subclasses:
    """Subclasses of rows.

    Attributes
    ----------
    number : ndarray of int, shape (n,)
        Another for every stratum and subclass; -1 in none.
    n_asked, n_cut : int
        Subclasses asked for, and those that differ where cut points are equal.
    n_strata, n_joined, n_filled : int
        Strata; those where neighbours were joined; those where rows were moved.
    """

    number: np.ndarray
    n_asked: int
    n_cut: int
    n_strata: int
    n_joined: int
    n_filled: int

    def in_words(self) -> tuple[str, ...]:
        """What became of the subclasses asked for, in sentences."""
        said = []
        if self.n_cut < self.n_asked:
            said.append(f"The score has ties: only {self.n_cut} subclasses of the {self.n_asked} asked for differ.")
        if self.n_joined:
            said.append(f"In {self.n_joined:,} of {self.n_strata:,} strata there were too few rows for all their subclasses: neighbours were joined.")
        if self.n_filled:
            said.append(f"In {self.n_filled:,} of {self.n_strata:,} strata rows were moved to the next subclass, so that each has both sides.")
        return tuple(said)


def subclassify(score: np.ndarray, stratum: np.ndarray, focal: np.ndarray, ids: np.ndarray, *, cuts: np.ndarray, minimum: int,
                whole: bool) -> Subclasses:
    """Cut rows at points of the score, inside strata, with a least number of rows of each side in every subclass.

    Parameters
    ----------
    score : ndarray, shape (n,)
    stratum : ndarray of int, shape (n,)
        -1: in no subclass. Every other stratum has `minimum` rows of each side.
    focal : ndarray of bool, shape (n,)
        One of the two sides.
    ids : ndarray of int, shape (n,)
        Order of units for ties.
    cuts : ndarray
        Inner cut points, in order.
    minimum : int >= 0
    whole : bool
        Whether every subclass with rows of either side is wanted, or only those with focal rows.
    """
    k, used = len(cuts) + 1, stratum >= 0
    cell = np.where(used, stratum * k + np.searchsorted(cuts, score, side="right"), 0)
    n_strata = int(stratum.max(initial=-1)) + 1
    own, rest = (np.bincount(cell[used & side], minlength=n_strata * k).reshape(-1, k) for side in (focal, ~focal))
    wanted = (own + rest > 0) if whole else own > 0
    least = np.minimum(own, rest)
    short = (wanted & (least < minimum)).any(axis=1)
    number = np.where(used & (wanted & (least > 0)).ravel()[cell], cell, -1)
    n_joined = 0
    if short.any():
        number, n_joined = _mended(number, score, stratum, focal, ids, own, rest, wanted, short, minimum)
    return Subclasses(number=number, n_asked=k, n_cut=len(np.unique(cuts)) + 1, n_strata=len(np.unique(stratum[used])), n_joined=n_joined,
                      n_filled=int(short.sum()))


def quantile_cuts(values: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Quantiles by R's type 7, which interpolates between the order statistics about place (n - 1) p; shape (len(shares),)."""
    x = np.sort(values)
    place = (len(x) - 1) * np.asarray(shares, dtype=float)
    low = np.floor(place + FUZZ * len(x)).astype(np.int64)
    part = np.where(np.abs(place - low) < FUZZ * len(x), 0.0, place - low)
    high = np.minimum(low + 1, len(x) - 1)
    return np.where(x[high] == x[low], x[low], (1 - part) * x[low] + part * x[high])


def filled(count: Sequence[int], wanted: Sequence[bool], minimum: int) -> list[int]:
    """Rows of one side in neighbouring subclasses after moves that give every wanted one the least number.

    Parameters
    ----------
    count : sequence of int
        Rows of the side in each subclass, in the order of the score; together at least `minimum` for each wanted one.
    wanted : sequence of bool
        Subclasses that must have them; the others only give.

    Notes
    -----
    The first empty one is filled from the nearest that is not empty, on the side where more can be spared, each counted by its nearness
    (MatchIt 4.7.2, `subclass_scoot`); then one of each is set apart, and so on `minimum` times. Only counts are needed: what moves is always the row
    of the giver that is nearest on the score, so the order of rows stays.
    """
    total, spare = list(count), list(count)
    for _ in range(minimum):
        while (empty := next((s for s, want in enumerate(wanted) if want and not spare[s]), None)) is not None:
            giver = _giver(spare, wanted, empty)
            for place, change in ((empty, 1), (giver, -1)):
                total[place] += change
                spare[place] += change
        spare = [left - want for left, want in zip(spare, wanted, strict=True)]
    return total


def _giver(spare: list[int], wanted: Sequence[bool], empty: int) -> int:
    """From which subclass an empty one takes a row."""
    pull = sum((left - wanted[s]) / (s - empty) for s, left in enumerate(spare) if s != empty and left > wanted[s])
    below = empty == len(spare) - 1 or (empty > 0 and pull <= 0)
    return next(s for s in (range(empty - 1, -1, -1) if below else range(empty + 1, len(spare))) if spare[s] > 0)


def _mended(number, score, stratum, focal, ids, own, rest, wanted, short, minimum) -> tuple[np.ndarray, int]:
    """Subclasses of rows where those of `short` strata are filled or joined, and in how many strata some were joined."""
    k, labels, n_joined = own.shape[1], [], 0
    for s in np.flatnonzero(short):
        start = _joined_starts(own[s], rest[s], wanted[s], minimum)
        n_joined += len(start) < int((own[s] + rest[s] > 0).sum())
        want = np.logical_or.reduceat(wanted[s], start)
        name = np.where(want, s * k + start, -1)
        for side in (rest[s], own[s]):
            labels.append(np.repeat(name, filled(np.add.reduceat(side, start).tolist(), want.tolist(), minimum)))
    rows = np.flatnonzero((stratum >= 0) & short[stratum])
    order = rows[np.lexsort((ids[rows], score[rows], focal[rows], stratum[rows]))]
    out = number.copy()
    out[order] = np.concatenate(labels)
    return out, n_joined


def _joined_starts(own: np.ndarray, rest: np.ndarray, wanted: np.ndarray, minimum: int) -> np.ndarray:
    """First subclass of every run that is joined into one, so that no more are wanted than there are rows for."""
    there = own + rest > 0
    first = np.arange(len(own))
    places = np.flatnonzero(wanted)
    fits = int(min(own.sum(), rest.sum())) // minimum
    if fits < len(places):
        group = np.arange(len(places)) * fits // len(places)
        for g in range(fits):
            run = places[group == g]
            first[run[0]:run[-1] + 1] = run[0]
    return np.unique(first[there])
