"""Optimal full matching on a score inside strata: arrays in, pairs out. Knows no panels.

Rows stand in the order of (stratum, score); a run is a stretch of one side. Every row needs a row of the other side, and some best solution only
joins rows of neighbouring runs: a pair that spans a whole run of each side is never better than the two shorter ones inside it. So each row looks
to the run on its left or on its right, and only how many of a run look to the left must be found.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Rows in order, cut into runs of one side.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Scores in order.
    start, end : ndarray of int, shape (n_runs,)
        First place of each run, and one past the last.
    gap : ndarray, shape (n_runs,)
        Distance from the last row of the run before; inf where that is in another stratum or out of reach.
    common : ndarray of int, shape (n_runs,)
        How many of a run and of the one before can be paired with each other one to one inside the caliper: always the nearest ones.
    """

    x: np.ndarray
    start: np.ndarray
    end: np.ndarray
    gap: np.ndarray
    common: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, stratum: np.ndarray, side: np.ndarray, width: float) -> Runs:
        """Rows that stand in the order of (stratum, score) and each have a row of the other side within `width`."""
        start = np.flatnonzero(np.append(True, (stratum[1:] != stratum[:-1]) | (side[1:] != side[:-1]))[:len(x)])
        end = np.append(start, len(x))[1:]
        gap = np.full(len(start), np.inf)
        gap[1:] = np.where(stratum[start[1:]] == stratum[start[1:] - 1], x[start[1:]] - x[start[1:] - 1], np.inf)
        gap[gap > width] = np.inf
        size = end - start
        common = np.minimum(size, np.append(0, size)[:-1]) * np.isfinite(gap)
        for run in np.flatnonzero(common > 1) if np.isfinite(width) else ():
            before, after = x[start[run] - common[run]:start[run]], x[start[run]:start[run] + common[run]]
            if after[-1] - before[0] > width:
                common[run] = _most_paired(before, after, width)
        return cls(x=x, start=start, end=end, gap=gap, common=common)


def full_pairs(score: np.ndarray, stratum: np.ndarray, focal: np.ndarray, open_: np.ndarray, ids: np.ndarray, *,
               width: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an optimal full matching: stars of one focal row and some others, or of one other and some focal rows, in which all rows are that
    have any of the other side within reach, with the smallest sum of distances to the middles of the stars.

    Parameters
    ----------
    score : ndarray, shape (n,)
    stratum : ndarray of int, shape (n,)
        -1: in none.
    focal, open_ : ndarray of bool, shape (n,)
        The two sides.
    ids : ndarray of int, shape (n,)
        Order of units of equal score.
    width : float
        Largest distance to the middle of a star, included; inf without a caliper.

    Returns
    -------
    ndarray of int, shape (n_pairs,), twice
        Focal row and other row of each pair.

    Notes
    -----
    O(n log n) time, O(n) memory. With q(0), q(1), ... the rows of one run from its end backwards, and p(0), p(1), ... those of the next from its
    start, s and t rows that look across the gap between them cost the sum of their distances to the gap's edges plus the gap times
    s + t - min(s, t, m), m being how many can be paired one to one. That is convex in s and t, and so what it costs p(k) more to look to the left
    than to the right hangs on one row only, q(k).

    References
    ----------
    Rosenbaum (1991), DOI 10.1111/j.2517-6161.1991.tb01848.x (full matching).
    Hansen and Klopfer (2006), DOI 10.1198/106186006X137047 (as a flow).
    Colannino and others (2007), DOI 10.1007/s00373-007-0714-3 (many-to-many matching on a line).
    """
    row = np.flatnonzero((focal | open_) & (stratum >= 0))
    row = row[np.lexsort((ids[row], focal[row], score[row], stratum[row]))]
    near = nearest_opposite(score[row], stratum[row], focal[row])[1]
    row = row[(near <= width) & np.isfinite(near)]
    runs = Runs.of(score[row], stratum[row], focal[row], width)
    a, b = without_chains(*_joined(runs, _to_the_left(runs, width)))
    return tuple(row[np.where(focal[row[a]] == side, a, b)] for side in (True, False))


def nearest_opposite(x: np.ndarray, stratum: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of the nearest row of the other side in the same stratum, and its distance; -1 and inf without any.

    Rows stand in the order of (stratum, score); of two equally near ones the one before is taken.
    """
    place, n = np.arange(len(x)), len(x)
    nearest, distance = np.full(n, -1), np.full(n, np.inf)
    for own in (True, False):
        before = np.maximum.accumulate(np.where(side != own, place, -1))
        after = np.minimum.accumulate(np.where(side != own, place, n)[::-1])[::-1]
        for there, valid in ((before, before >= 0), (after, after < n)):
            use = np.flatnonzero((side == own) & valid)
            use = use[stratum[use] == stratum[there[use]]]
            far = np.abs(x[use] - x[there[use]])
            nearer = far < distance[use]
            nearest[use[nearer]], distance[use[nearer]] = there[use[nearer]], far[nearer]
    return nearest, distance


def _to_the_left(runs: Runs, width: float) -> np.ndarray:
    """How many of each run look to the left; shape (n_runs,)."""
    x, start, end = runs.x, runs.start, runs.end
    size = end - start
    place, run = np.arange(len(x)), np.repeat(np.arange(len(start)), size)
    gap_after = np.append(runs.gap, np.inf)[1:]
    left = x - x[np.maximum(start - 1, 0)][run]                      # what it costs alone: the distance to the run before
    left[~(left <= width) | np.isinf(runs.gap)[run]] = np.inf
    across = x[np.minimum(end, len(x) - 1)][run] - x
    right = x[end - 1][run] - x                                      # the same to the right, without the gap
    right[~(across <= width) | np.isinf(gap_after)[run]] = np.inf
    rank = place - start[run]
    later = np.flatnonzero(rank < runs.common[run])                  # rows with a partner in the run before
    partner = start[run[later]] - 1 - rank[later]
    turn = right - left                                              # what looking to the right costs more
    gap = runs.gap[run[later]]
    steps = list(zip(later.tolist(), partner.tolist(), gap.tolist(), strict=True))
    value, alone, own = turn.tolist(), left.tolist(), right.tolist()
    for p, q, wide in steps:
        saved = value[q]
        value[p] = own[p] - (alone[p] + (0.0 if saved > 0 else -wide if saved < -wide else saved))
    turned = (np.array(value) < -gap_after[run]).tolist()
    for p, q, wide in reversed(steps):
        turned[q] = value[q] < (-wide if turned[p] else 0.0)
    return size - np.add.reduceat(np.array(turned, dtype=np.int64), start) if len(start) else size


def _joined(runs: Runs, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places, given how many of each run look to the left: across each gap the nearest one to one, the others with the gap's edge."""
    before = np.append(0, (runs.end - runs.start - left))[:-1]        # of the run before, looking to the right
    both = np.minimum(np.minimum(before, left), runs.common)
    pairs = [(_ranges(runs.start - both, both), _ranges(runs.start, both)),
             (_ranges(runs.start - before, before - both), np.repeat(runs.start, before - both)),
             (np.repeat(runs.start - 1, left - both), _ranges(runs.start + both, left - both))]
    return tuple(np.concatenate(side) for side in zip(*pairs, strict=True))


def _ranges(start: np.ndarray, count: np.ndarray) -> np.ndarray:
    """`count` places from each start on, one after the other."""
    return np.arange(int(count.sum())) + np.repeat(start - (np.cumsum(count) - count), count)


def without_chains(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs without those of which both rows have another, the first such pairs first: then every set is a star.

    In a smallest total distance only pairs of no distance are such.
    """
    n = max(int(a.max(initial=-1)), int(b.max(initial=-1))) + 1
    degree = np.bincount(a, minlength=n) + np.bincount(b, minlength=n)
    keep = np.ones(len(a), dtype=bool)
    for pair in np.flatnonzero((degree[a] > 1) & (degree[b] > 1)):
        if degree[a[pair]] > 1 and degree[b[pair]] > 1:
            keep[pair] = False
            degree[a[pair]] -= 1
            degree[b[pair]] -= 1
    return a[keep], b[keep]


def _most_paired(before: np.ndarray, after: np.ndarray, width: float) -> int:
    """How many of the last of one run and the first of the next can be paired in order within the width."""
    low, high = 1, len(after)
    while low < high:
        m = (low + high + 1) // 2
        if (after[:m] - before[len(before) - m:] <= width).all():
            low = m
        else:
            high = m - 1
    return low
