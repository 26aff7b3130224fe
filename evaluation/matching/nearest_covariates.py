"""Nearest neighbours on several covariates at once, inside entry periods and exact strata; also inside a caliper on the score of joining."""
from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from evaluation.matching.coordinates import WORDS
from evaluation.matching.distances import KINDS, Kind, distance_columns, whitened
from evaluation.matching.matcher import PairMatcher, as_tuple, listed, refuse
from evaluation.matching.neighbours import NEVER, Neighbours, Places
from evaluation.matching.problem import (
    COVARIATE_MISSING,
    MATCHED,
    NO_COMPARISON_IN_STRATUM,
    NO_COMPARISON_LEFT,
    OUTSIDE_CALIPER,
    STRATUM_MISSING,
    Problem,
    Sets,
)

ORDERS = ("auto", "largest", "smallest", "data", "random", "closest", "farthest")
FEWEST, MOST = 64, 16_384      # focal rows that look for candidates together
RARE = 50                      # fewer of them when more than one in so many had to look again alone


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestCovariates(PairMatcher):
    """The nearest comparison units of each treated unit, on a distance over several covariates.

    With a caliper, those inside it on the score of joining: then the distance chooses among comparison units that were about as likely to join.
    The estimand is the effect on the treated who can be matched: those left out are listed with their reason.

    Attributes
    ----------
    distance : 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        See `whitened`; moments are those of all rows, never of a stratum.
    on : tuple of str
        Columns of the distance, text with an indicator for every level; `covariates` (and the history) where empty.
    caliper : float or None
        Largest distance on the score; without one no score is fitted, unless `discard` or `order` needs it.
    replacement : bool
        Whether a unit may serve several treated units of one entry period. It may always serve several entry periods.
    reuse_max : int or None
        With replacement, how many it may serve at most.
    order : 'auto', 'largest', 'smallest', 'data', 'random', 'closest' or 'farthest'
        Who chooses first where units are used up: by score, in the order of `unit_id`, by a draw for each unit, the nearest pair that is left, or
        those whose nearest unit is farthest when a round begins. 'auto' is data, or with a score largest for ATT and smallest for ATC.
    seed : int
        Of the random order.

    Notes
    -----
    Everyone gets a first comparison before anyone a second. Distances, over their spread, are compared to 8 decimals; ties go to the smaller
    `unit_id`, and so the order of rows never matters. Checked against MatchIt 4.7.2, whose ties go by the order of rows; with exact strata and a
    caliper on a covariate it alters that caliper from the second stratum on (its issue 236), and we do not. `outside_caliper` is the reason of
    those without a comparison unit that every caliper and `anti_exact` allow.

    References
    ----------
    Rubin (1980), DOI 10.2307/2529981 (Mahalanobis distance). Rosenbaum and Rubin (1985), DOI 10.2307/2683903 (inside a caliper on the score).
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    distance: Kind = "mahalanobis"
    on: tuple[str, ...] = ()
    caliper: float | None = None
    replacement: bool = False
    reuse_max: int | None = None
    order: Literal["auto", "largest", "smallest", "data", "random", "closest", "farthest"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        PairMatcher.__post_init__(self)
        as_tuple(self, "on")
        refuse(self.distance not in KINDS, f"`matching.distance` must be {', '.join(KINDS[:-1])} or {KINDS[-1]}: it is {self.distance!r}.")
        refuse(not (self.on or self.covariates or self.history), "A distance needs at least one column: name them in `matching.covariates` or "
               "`matching.on`.")
        refuse(self.order not in ORDERS, f"`matching.order` must be {', '.join(ORDERS[:-1])} or {ORDERS[-1]}: it is {self.order!r}.")
        refuse(self.reuse_max is not None and (self.reuse_max < 1 or not self.replacement),
               f"`matching.reuse_max` must be at least 1, and needs `matching.replacement`: it is {self.reuse_max}.")
        for name, given in (("formula", self.formula is not None), ("history", bool(self.history and self.on))):
            refuse(given and not self.uses_score(), f"`matching.{name}` is for a score here, and this match uses none: give `matching.caliper`, or "
                   f"take `matching.{name}` out.")

    def uses_score(self) -> bool:
        return self.caliper is not None or self.discard != "none" or self.order in ("largest", "smallest")

    def capacities(self, n: int) -> np.ndarray:
        return np.full(n, (self.reuse_max or n) if self.replacement else 1, dtype=np.int64)

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """As every pair matcher, with the distance measured once, over all rows."""
        return PairMatcher.solve_in_tiers(self, replace(problem, x=self._coordinates(problem), names=()))

    def solve(self, problem: Problem) -> Sets:
        """Pairs of a problem whose `x` holds coordinates."""
        order = self._order()
        pairs = pair_on_coordinates(problem, problem.x, first=self._first(problem, order), ratio=self.ratio,
                                    by_distance={"closest": 1, "farthest": -1}.get(order, 0))
        return Sets.of_pairs(pairs.focal, pairs.other, pairs.reason)

    def columns_used(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*PairMatcher.columns_used(self), *self.on)))

    def in_words(self) -> str:
        on, exact = self.common_words()
        how = f"{'with' if self.replacement else 'without'} replacement{f' (each unit at most {self.reuse_max} times)' if self.reuse_max else ''}"
        inside = self.caliper_words() if not self.uses_score() else f"{self.caliper_words()}, the score being {self.score.in_words()} {on}"
        return (f"{self.ratio}:1 nearest-neighbour matching {how} on the {WORDS[self.distance]} distance over {', '.join(self._names())}, {inside}, "
                f"{exact}")

    def plain_method(self) -> str:
        caliper = "" if self.caliper is None else f", no further than {self.plain_caliper()} apart"
        reuse = "a unit may be used again" if self.replacement else "no unit is used twice in an entry period"
        return (f"Each programme unit has up to {self.ratio} nearest neighbour{'s' if self.ratio > 1 else ''} on {listed(self._names())} together"
                f"{caliper}; {reuse}.")

    def _names(self) -> tuple[str, ...]:
        """What the distance is over."""
        return self.on or (*self.covariates, *(f"history of {name}" for name in self.history))

    def _order(self) -> str:
        if self.order != "auto":
            return self.order
        if not self.uses_score():
            return "data"
        return "smallest" if self.estimand == "ATC" else "largest"

    def _first(self, problem: Problem, order: str) -> np.ndarray:
        """Focal rows choose in the order of this, smallest first."""
        if order in ("largest", "smallest"):
            return -problem.score if order == "largest" else problem.score
        if order == "random":
            return np.random.default_rng(self.seed).random(int(problem.rows.id.max()) + 1)[problem.rows.id]
        return np.zeros(len(problem))

    def _coordinates(self, problem: Problem) -> np.ndarray:
        """Coordinates of the distance, shape (n, q); NaN where a column is missing."""
        rows = problem.rows
        columns = distance_columns(rows, self.on or self.covariates)
        if self.history and not self.on:
            columns = np.column_stack([columns, problem.x[:, -len(self.history):]])
        complete = np.isfinite(columns).all(axis=1)
        by_id = np.lexsort((rows.period, rows.id))         # moments are added up in one order, whatever that of the rows
        by_id = by_id[complete[by_id]]
        z = whitened(columns[by_id], rows.treated[by_id], rows.weights[by_id], self.distance)
        out = np.full((len(rows), z.shape[1]), np.nan)
        out[by_id] = z
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """`focal[k]` is paired with `other[k]`, in the order of choice; `reason` has one entry per row."""

    focal: np.ndarray
    other: np.ndarray
    reason: np.ndarray


def pair_on_coordinates(problem: Problem, z: np.ndarray, *, first: np.ndarray, ratio: int, by_distance: int = 0) -> Pairing:
    """Nearest comparison rows in several dimensions.

    Parameters
    ----------
    problem : Problem
        Who is focal, who may be matched with whom, and how often a row may be used.
    z : ndarray, shape (n, q)
        Coordinates whose Euclidean distance counts; a row with NaN is never matched.
    first : ndarray, shape (n,)
        Focal rows choose in this order, smallest first; then in the order of id.
    ratio : int
        Comparison rows wanted per focal row; everyone gets a first before anyone a second.
    by_distance : 1, -1 or 0
        Focal rows choose from the nearest pair up, from the farthest down, or as `first` says.
    """
    complete = np.isfinite(z).all(axis=1)
    key, width = _narrowest(problem)
    pool = np.flatnonzero(~problem.focal & (problem.stratum >= 0) & complete)
    reason = _reasons_before(problem, complete, pool, key)
    focal, pool = np.flatnonzero(problem.focal & (reason == MATCHED)), pool[~np.isnan(key[pool])]
    if not len(focal) or not len(pool):
        reason[focal] = OUTSIDE_CALIPER
        return Pairing(focal=focal[:0], other=pool[:0], reason=reason)
    ids, stratum = problem.rows.id, problem.stratum
    focal = focal[np.lexsort((stratum[focal], ids[focal]) if by_distance else (ids[focal], first[focal], stratum[focal]))]
    pool = pool[np.lexsort((key[pool], stratum[pool]))]
    rows = np.concatenate([pool, focal])
    search = Neighbours(replace(problem, x=problem.x[:, :0]).keep(rows), _in_own_units(z[rows]),
                        Places.of(stratum[rows], key[rows], width, len(pool)), ratio=ratio)
    unlimited = bool((search.left >= len(focal)).all())
    i, j = _by_distance(search, ratio, by_distance) if by_distance and not unlimited else _in_order(search, ratio, unlimited)
    alone = np.setdiff1d(np.arange(len(focal)), i)
    reason[focal[alone]] = [NO_COMPARISON_LEFT if search.has_any(number) else OUTSIDE_CALIPER for number in alone.tolist()]
    return Pairing(focal=focal[i], other=pool[j], reason=reason)


def _in_order(search: Neighbours, ratio: int, unlimited: bool) -> tuple[list[int], list[int]]:
    """Focal rows choose one after the other, in rounds; where nothing is ever used up, one round of `ratio` choices is the same."""
    chosen, size = ([], []), 8 * FEWEST
    order = np.arange(len(search.focal))
    for _ in range(1 if unlimited else ratio):
        start, found = 0, len(chosen[0])
        while start < len(order):
            batch, n_alone = order[start:start + size], search.n_alone
            search.prepare(batch)
            for i in batch.tolist():
                _choose(search, i, ratio if unlimited else 1, chosen)
            start += len(batch)
            size = max(size // 2, FEWEST) if search.n_alone - n_alone > len(batch) / RARE else min(2 * size, MOST)
        order = np.array(chosen[0][found:], dtype=np.int64)
    return chosen


def _choose(search: Neighbours, i: int, n: int, chosen: tuple[list[int], list[int]]) -> None:
    """Up to n choices of one focal row."""
    for _ in range(n):
        best = search.best(i)
        if best == NEVER:
            return
        chosen[0].append(i)
        chosen[1].append(search.take(i, best))


def _by_distance(search: Neighbours, ratio: int, sign: int) -> tuple[list[int], list[int]]:
    """The focal row whose nearest free comparison row is nearest (1) or farthest (-1) chooses first, in rounds; ties by id.

    What is nearest is looked up when a round begins and when the row found has been taken, as in MatchIt: from the nearest up that is the plain
    greedy choice of the nearest pair left.
    """
    chosen = [], []
    order = np.arange(len(search.focal))
    for _ in range(ratio):
        found = len(chosen[0])
        (_from_nearest if sign > 0 else _from_farthest)(search, order, chosen)
        order = np.sort(np.array(chosen[0][found:], dtype=np.int64))
    return chosen


def _from_nearest(search: Neighbours, order: np.ndarray, chosen: tuple[list[int], list[int]]) -> None:
    """One round. Those without a known candidate wait, with a bound on their distance, until the bound is next; then many search together."""
    heap, waiting = [], [(0, i) for i in order.tolist()]
    while heap or waiting:
        if waiting and (not heap or waiting[0][0] <= heap[0][0]):
            together = [heapq.heappop(waiting)[1] for _ in range(min(MOST, len(waiting)))]
            search.prepare(np.array(together))
            for i in together:
                if (best := search.best(i)) != NEVER:
                    heapq.heappush(heap, (search.distance(best), i, best))
            continue
        _, i, best = heapq.heappop(heap)
        if search.is_free(best):
            chosen[0].append(i)
            chosen[1].append(search.take(i, best))
        elif (best := search.best_known(i)) != NEVER:
            heapq.heappush(heap, (search.distance(best), i, best))
        elif search.limit[i] < NEVER:
            heapq.heappush(waiting, (search.distance(int(search.limit[i])), i))


def _from_farthest(search: Neighbours, order: np.ndarray, chosen: tuple[list[int], list[int]]) -> None:
    """One round. Who has to look again finds someone farther off, and so is still the next."""
    for start in range(0, len(order), MOST):
        search.prepare(order[start:start + MOST])
    turns = sorted((-search.distance(best), i) for i in order.tolist() if (best := search.best(i)) != NEVER)
    for _, i in turns:
        _choose(search, i, 1, chosen)


def _narrowest(problem: Problem) -> tuple[np.ndarray, float]:
    """Values and width of the caliper that leaves the fewest within reach: the score's, or a named column's; zeros without any."""
    calipers = [(limit.values, limit.width) for limit in problem.limits if limit.width >= 0]
    if np.isfinite(problem.width):
        calipers.append((problem.score, problem.width))
    if not calipers:
        return np.zeros(len(problem)), np.inf
    return min(calipers, key=lambda caliper: caliper[1] / (np.nanstd(caliper[0]) or 1.0))


def _reasons_before(problem: Problem, complete: np.ndarray, pool: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Why focal rows need not be looked at, int8 of shape (n,)."""
    has_pool = np.zeros(int(problem.stratum.max(initial=0)) + 2, dtype=bool)
    has_pool[problem.stratum[pool]] = True
    why = np.select([problem.stratum < 0, ~complete, ~has_pool[problem.stratum], np.isnan(key)],
                    [STRATUM_MISSING, COVARIATE_MISSING, NO_COMPARISON_IN_STRATUM, OUTSIDE_CALIPER], MATCHED)
    return np.where(problem.focal, why, MATCHED).astype(np.int8)


def _in_own_units(z: np.ndarray) -> np.ndarray:
    """Coordinates over their spread, to the nearest power of two: no digit changes, and ties mean the same whatever the unit."""
    spread = float(np.sqrt(np.square(z - z.mean(axis=0)).mean())) if z.size else 0.0
    return z / 2.0 ** np.round(np.log2(spread)) if spread > 0 else z
