"""Optimal pairs where a line is not enough: distances on several covariates, calipers on columns, columns that must differ.

Lists the pairs that are allowed, then solves an assignment problem in each connected part of them. Arrays in, arrays out.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from evaluation.errors import EstimationError
from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, OUTSIDE_CALIPER, STRATUM_MISSING, Pairs, Problem
from evaluation.matching.search.optimal_line import Reach

MOST_PAIRS = 20_000_000        # allowed pairs that are weighed against each other: about 2 GB
MOST_LOOKS = 2_000_000_000     # pairs looked at to find them: two minutes or so
AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Pairs of rows that may be matched.

    Attributes
    ----------
    focal, other : ndarray of int, shapes (n,), (m,)
        Rows of the problem, in an order that does not hang on theirs.
    i, j : ndarray of int, shape (n_pairs,)
        Places in `focal` and in `other`, in the order of `i`.
    distance : ndarray, shape (n_pairs,)
    """

    focal: np.ndarray
    other: np.ndarray
    i: np.ndarray
    j: np.ndarray
    distance: np.ndarray

    @classmethod
    def of(cls, problem: Problem, coordinates: np.ndarray | None = None) -> Allowed:
        """Every allowed pair, with the distance on the score, or between coordinates, shape (n_rows, q).

        Raises
        ------
        EstimationError
            There are too many.
        """
        score = np.where(np.isfinite(problem.score), problem.score, 0.0)
        focal, other = sides(problem, score)
        reach = Reach.of(score[focal], score[other], problem.stratum[focal], problem.stratum[other], problem.width)
        count = reach.high - reach.low
        refuse_more(int(count.sum()), MOST_LOOKS)
        parts, kept = [], 0
        for rows in _in_chunks(count):
            i, j = spread(rows, reach.low[rows], count[rows])
            may = problem.admissible(focal[i], other[j])
            i, j = i[may], j[may]
            kept += len(i)
            refuse_more(kept, MOST_PAIRS)
            a, b = focal[i], other[j]
            far = np.abs(score[a] - score[b]) if coordinates is None else np.sqrt(np.square(coordinates[a] - coordinates[b]).sum(axis=1))
            parts.append((i, j, far))
        i, j, far = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        return cls(focal=focal, other=other, i=i, j=j, distance=far)

    def reasons(self, problem: Problem) -> np.ndarray:
        """Why each row of the problem can't be matched, or might not be, were others to take what it could have; shape (n_rows,)."""
        reason = np.zeros(len(problem), dtype=np.int8)
        reason[problem.focal] = STRATUM_MISSING
        reason[self.focal] = np.where(np.isin(problem.stratum[self.focal], problem.stratum[self.other]), OUTSIDE_CALIPER, NO_COMPARISON_IN_STRATUM)
        reason[self.focal[np.unique(self.i)]] = NO_COMPARISON_LEFT
        return reason

    def pairs(self, problem: Problem, taken: np.ndarray) -> Pairs:
        """Those taken (places among the pairs), and why the others' focal rows are in none."""
        first, second = self.focal[self.i[taken]], self.other[self.j[taken]]
        order = np.lexsort((problem.rows.id[second], problem.rows.id[first]))
        reason = self.reasons(problem)
        reason[first] = 0
        return Pairs(focal=first[order], other=second[order], reason=reason)


def sides(problem: Problem, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both sides that have a stratum, in the order of (stratum, score, id); the second only where it may still be used."""
    inside = problem.stratum >= 0
    return tuple(rows[np.lexsort((problem.rows.id[rows], score[rows], problem.stratum[rows]))] for rows in
                 (np.flatnonzero(problem.focal & inside), np.flatnonzero(~problem.focal & inside & (problem.capacity > 0))))


def spread(rows: np.ndarray, low: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row with each of `count` places from `low` on."""
    start = np.cumsum(count) - count
    return np.repeat(rows, count), np.arange(int(count.sum())) + np.repeat(low - start, count)


def pair_by_assignment(problem: Problem, coordinates: np.ndarray | None, *, ratio: int) -> Pairs:
    """Pairs without replacement: as many focal rows as can be, then as many pairs as can be, then the smallest total distance.

    Parameters
    ----------
    coordinates : ndarray, shape (n_rows, q), or None
        Their Euclidean distance counts; None: the distance on the score.
    ratio : int
        Others wanted per focal row.

    Raises
    ------
    EstimationError
        More than 20 million pairs are allowed.
    """
    allowed = Allowed.of(problem, coordinates)
    far = float(allowed.distance.max(initial=0.0)) or 1.0
    once = np.tile(np.arange(ratio) == 0, len(allowed.focal))
    price = np.where(once, 2.0, 1.0) * far * (2 * min(len(once), len(allowed.other)) + 1)
    edge = np.arange(len(allowed.i))
    i, edge = (np.repeat(allowed.i * ratio, ratio) + np.tile(np.arange(ratio), len(edge)), np.repeat(edge, ratio)) if ratio > 1 else (allowed.i, edge)
    return allowed.pairs(problem, edge[assigned(i, allowed.j[edge], allowed.distance[edge], price, len(allowed.other))])


def assigned(i: np.ndarray, j: np.ndarray, cost: np.ndarray, price: np.ndarray, n_columns: int) -> np.ndarray:
    """Which pairs to take, each row and each column at most once, so that the costs, and the prices of rows left alone, are smallest.

    Parameters
    ----------
    i, j : ndarray of int, shape (n_pairs,)
        Row and column of each pair.
    cost : ndarray, shape (n_pairs,)
    price : ndarray, shape (n_rows,)

    Returns
    -------
    ndarray of int
        Places among the pairs.

    Notes
    -----
    Every row has a column of its own at its price, so that a full assignment exists. Solved by shortest augmenting paths.

    References
    ----------
    Jonker and Volgenant (1987), DOI 10.1007/BF02278710.
    """
    n = len(price)
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, n + j)), shape=(n + n_columns, n + n_columns))
    part = connected_components(graph, directed=False)[1]
    rows = np.bincount(part[:n], minlength=part.max(initial=-1) + 1)
    alone = rows[part[i]] == 1
    cheap = np.flatnonzero(alone & (cost < price[i]))
    cheap = cheap[np.lexsort((j[cheap], cost[cheap], i[cheap]))]
    taken = [cheap[np.append(True, i[cheap][1:] != i[cheap][:-1])[:len(cheap)]]]
    rest = np.flatnonzero(~alone)
    rest = rest[np.argsort(part[i[rest]], kind="stable")]
    for edges in np.split(rest, np.flatnonzero(np.diff(part[i[rest]])) + 1) if len(rest) else ():
        taken.append(edges[_solved(i[edges], j[edges], cost[edges], price)])
    return np.concatenate(taken)


def _solved(i: np.ndarray, j: np.ndarray, cost: np.ndarray, price: np.ndarray) -> np.ndarray:
    """`assigned` in one connected part."""
    (rows, a), (columns, b) = (np.unique(side, return_inverse=True) for side in (i, j))
    own = price[rows]
    shift = max(-cost.min(), 0.0) + max(np.abs(cost).max(), own.max() * 1e-9)      # the solver knows no 0
    values = np.concatenate([cost, own]) + shift
    number = np.arange(len(rows))
    where = np.concatenate([a, number]), np.concatenate([b, len(columns) + number])
    row, column = min_weight_full_bipartite_matching(csr_array((values, where), shape=(len(rows), len(columns) + len(rows))))
    partner = np.full(len(rows), -1)
    partner[row] = column
    return partner[a] == b


def _in_chunks(count: np.ndarray) -> list[np.ndarray]:
    """Rows in runs of at most `AT_ONCE` pairs, or of one row."""
    chunk = (np.cumsum(count) - 1) // AT_ONCE
    return np.split(np.arange(len(count)), np.flatnonzero(np.diff(chunk)) + 1) if len(count) else []


def refuse_more(n: int, most: int) -> None:
    """Raise where there are more pairs than can be weighed."""
    if n > most:
        raise EstimationError(f"Optimal matching with a distance on several covariates, a caliper on a column, columns that must differ or fine "
                              f"balance weighs at most {most:,} pairs: more are allowed here. Narrow `matching.caliper`, add `matching.exact`, or "
                              "use the methods nearest_covariates or generalised_full.")
