"""Fine balance: pairs of which the comparison rows have the levels of a nominal column as often as the focal rows, whoever is paired with whom.

A linear programme over allowed pairs, solved inside each entry period. Its vertices are whole numbers, because it is a flow: from a focal row to a
comparison row, on to that row's level, and from there to focal rows of the same level. Arrays in, arrays out.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, csr_array, eye_array

from evaluation.errors import EstimationError
from evaluation.matching.problem import Pairs, Problem
from evaluation.matching.search.assignment import MOST_PAIRS, Allowed, refuse_more, sides, spread
from evaluation.matching.search.optimal_line import Reach

TOLERANCE = 1e-9               # of the solver; distances are measured in the largest
ADDED = 5                      # pairs per focal row that join the programme at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class FinePairs:
    """Pairs, and how far they are from fine balance.

    Attributes
    ----------
    pairs : Pairs
    deviation : int
        Sum over levels of the difference between both sides' rows (a focal row counting once per pair), over all entry periods; 0 is fine balance.
    """

    pairs: Pairs
    deviation: int


def pair_finely(problem: Problem, level: np.ndarray, coordinates: np.ndarray | None, *, ratio: int) -> FinePairs:
    """Pairs without replacement: as many focal rows as can be, then as many pairs, then the smallest deviation, then the smallest total distance.

    Parameters
    ----------
    level : ndarray of int >= 0, shape (n_rows,)
        Not shared by rows of different entry periods.
    coordinates : ndarray, shape (n_rows, q), or None
        Their Euclidean distance counts; None: the distance on the score.
    ratio : int
        Others wanted per focal row.

    Raises
    ------
    EstimationError
        There are too many allowed pairs, or the solver finds no optimum.

    References
    ----------
    Rosenbaum (1989), DOI 10.1080/01621459.1989.10478868 (fine balance).
    Yang, Small, Silber and Rosenbaum (2012), DOI 10.1111/j.1541-0420.2011.01691.x (near-fine balance).
    """
    on_line = problem.is_plain and coordinates is None
    allowed = nearby_by_level(problem, level, ratio) if on_line else Allowed.of(problem, coordinates)
    period = problem.rows.period[allowed.focal[allowed.i]]
    taken, deviation = [np.zeros(0, dtype=np.int64)], 0
    for s in np.unique(period):
        part = np.flatnonzero(period == s)
        i, j = allowed.i[part], allowed.j[part]
        levels = np.unique(np.concatenate([level[allowed.focal[i]], level[allowed.other[j]]]), return_inverse=True)[1]
        solution = Programme(*(np.unique(side, return_inverse=True)[1] for side in (i, j)), allowed.distance[part], *np.split(levels, 2),
                             ratio).solved()
        taken.append(part[solution.taken])
        deviation += solution.deviation
    return FinePairs(pairs=allowed.pairs(problem, np.concatenate(taken)), deviation=deviation)


def nearby_by_level(problem: Problem, level: np.ndarray, ratio: int) -> Allowed:
    """Allowed pairs on the score that some best solution needs.

    Whoever is matched inside one level needs to go no further there than if all focal rows went to that level: see `Reach.furthest`. Pulling
    somebody nearer leaves all counts as they were.
    """
    score = np.where(np.isfinite(problem.score), problem.score, 0.0)
    focal, other = sides(problem, score)
    parts, n_pairs = [], 0
    for one in np.unique(level[other]):
        places = np.flatnonzero(level[other] == one)
        reach = Reach.of(score[focal], score[other[places]], problem.stratum[focal], problem.stratum[other[places]], problem.width).copies(ratio)
        left, right = reach.furthest()
        low, high = np.maximum(left, reach.low)[::ratio], np.minimum(right + 1, reach.high)[ratio - 1::ratio]
        count = np.maximum(high - low, 0)
        n_pairs += int(count.sum())
        refuse_more(n_pairs, MOST_PAIRS)
        i, j = spread(np.arange(len(focal)), low, count)
        parts.append((i, places[j]))
    i, j = (np.concatenate(side) for side in zip(*parts, strict=True)) if parts else (np.zeros(0, dtype=np.int64),) * 2
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    return Allowed(focal=focal, other=other, i=i, j=j, distance=np.abs(score[focal[i]] - score[other[j]]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What a programme finds: which pairs, how many focal rows and pairs there are, and the deviation."""

    taken: np.ndarray
    covered: int
    n_pairs: int
    deviation: int


class Programme:
    """The linear programme of one entry period. Variables: pairs, surplus and shortage of each level, and whether a focal row has any.

    Only a few pairs take part at first; those that the prices of a solution show to be worth while join until none is.

    Parameters
    ----------
    i, j : ndarray of int, shape (n_pairs,)
        Focal row and other row of each pair, numbered from 0 up.
    distance : ndarray, shape (n_pairs,)
    level_i, level_j : ndarray of int, shape (n_pairs,)
        Levels of both, numbered from 0 up.
    ratio : int
    """

    def __init__(self, i: np.ndarray, j: np.ndarray, distance: np.ndarray, level_i: np.ndarray, level_j: np.ndarray, ratio: int) -> None:
        self.i, self.j, self.level_i, self.level_j, self.ratio = i, j, level_i, level_j, ratio
        self.distance = distance / (distance.max() or 1.0)
        self.n_focal, self.n_other, self.n_levels = (int(side.max()) + 1 for side in (i, j, np.maximum(level_i, level_j)))
        self.active = best_of_each(i, self.distance, ratio + ADDED) | best_of_each(i, self.distance + 2.0 * (level_i != level_j), ratio + ADDED)

    def solved(self) -> Solution:
        """First how many can be paired and how small the deviation can be, then the smallest distance that leaves both as they are."""
        best = self._cheapest(distance=0.0, deviation=1.0, alone=3.0)         # another row, or another pair, moves the deviation by 2 at most
        weight = 4.0
        while True:
            found = self._cheapest(distance=1.0, deviation=weight, alone=3 * weight)
            if (found.covered, found.n_pairs, found.deviation) == (best.covered, best.n_pairs, best.deviation):
                return found
            if weight > 100 * (self.n_focal + self.n_other):
                raise EstimationError("The solver found no pairs in fine balance of which the total distance is smallest. Name fewer columns in "
                                      "`matching.fine`, or narrow `matching.caliper`.")
            weight *= 8

    def _cheapest(self, *, distance: float, deviation: float, alone: float) -> Solution:
        """The cheapest of all pairs at these prices per unit; `alone` is that of every pair, and of every focal row, that is not had."""
        while True:
            use = np.flatnonzero(self.active)
            x, worth_i, worth_j, worth_level = self._solve(use, distance * self.distance[use] - alone, deviation, alone)
            taken = use[x > 0.5]
            surplus = np.bincount(self.level_j[taken], minlength=self.n_levels) - np.bincount(self.level_i[taken], minlength=self.n_levels)
            found = Solution(taken=taken, covered=len(np.unique(self.i[taken])), n_pairs=len(taken), deviation=int(np.abs(surplus).sum()))
            if not distance and found.n_pairs == self.n_focal * self.ratio and not found.deviation:
                return found
            gain = distance * self.distance - alone - worth_i[self.i] - worth_j[self.j] - worth_level[self.level_j] + worth_level[self.level_i]
            better = np.flatnonzero(~self.active & (gain < -10 * TOLERANCE))
            if not len(better):
                return found
            self.active[better[best_of_each(self.i[better], gain[better] + TOLERANCE * self.distance[better], ADDED)]] = True

    def _solve(self, use: np.ndarray, cost: np.ndarray, deviation: float, alone: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Share taken of some pairs, and what a unit of each focal row, other row and level is worth."""
        n, number = len(use), np.arange(len(use))
        per_focal, per_other, of_other, of_focal = (
            csr_array((np.ones(n), (side[use], number)), shape=(size, n)) for side, size in
            ((self.i, self.n_focal), (self.j, self.n_other), (self.level_j, self.n_levels), (self.level_i, self.n_levels)))
        levels, rows = eye_array(self.n_levels, format="csr"), eye_array(self.n_focal, format="csr")
        at_most = block_array([[per_focal, csr_array((self.n_focal, 2 * self.n_levels)), None], [-per_focal, None, rows], [per_other, None, None]],
                              format="csr")
        even = block_array([[of_other - of_focal, -levels, levels, csr_array((self.n_levels, self.n_focal))]], format="csr")
        found = linprog(np.concatenate([cost, np.full(2 * self.n_levels, deviation), np.full(self.n_focal, -alone)]),
                        A_ub=at_most, b_ub=np.repeat([self.ratio, 0.0, 1.0], [self.n_focal, self.n_focal, self.n_other]),
                        A_eq=even, b_eq=np.zeros(self.n_levels),
                        bounds=np.column_stack([np.zeros(at_most.shape[1]), np.repeat([np.inf, 1.0], [n + 2 * self.n_levels, self.n_focal])]),
                        method="highs-ds", options={"dual_feasibility_tolerance": TOLERANCE, "primal_feasibility_tolerance": TOLERANCE})
        if not found.success:
            raise EstimationError(f"The solver of fine balance stopped without an optimum ({found.message}). Name fewer columns in `matching.fine`, "
                                  "or narrow `matching.caliper`.")
        worth = found.ineqlin.marginals
        first, second = worth[:self.n_focal], worth[self.n_focal:2 * self.n_focal]
        return found.x[:n], first - second, worth[2 * self.n_focal:], found.eqlin.marginals


def best_of_each(i: np.ndarray, cost: np.ndarray, n: int) -> np.ndarray:
    """The `n` cheapest pairs of each row, as a mask; `i` never falls."""
    order = np.lexsort((cost, i))
    start = np.flatnonzero(np.append(True, i[1:] != i[:-1]))[:len(i)]
    rank = np.arange(len(i)) - np.repeat(start, np.diff(np.append(start, len(i))))
    out = np.zeros(len(i), dtype=bool)
    out[order[rank < n]] = True
    return out
