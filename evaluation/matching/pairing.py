"""Pairing on a score inside strata: arrays in, pairs out. Knows no panels.

One sort of the comparison rows by (stratum, score, id); then binary search with replacement, or 'next free' pointers without.
Ties go to the smaller distance, then the smaller id, so that the order of rows never matters.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, OUTSIDE_CALIPER, STRATUM_MISSING

NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Comparison rows sorted by (stratum, score, id), with the bounds of runs of equal scores.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Original row of each place.
    stratum, score, id : ndarray, shape (n,)
    run_start, run_end : ndarray of int, shape (n,)
        First place, and one past the last, of the run of equal (stratum, score) that holds each place.
    """

    row: np.ndarray
    stratum: np.ndarray
    score: np.ndarray
    id: np.ndarray
    run_start: np.ndarray
    run_end: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, stratum: np.ndarray, score: np.ndarray, ids: np.ndarray) -> Pool:
        """Sort the rows `rows` of full-length arrays."""
        row = rows[np.lexsort((ids[rows], score[rows], stratum[rows]))]
        s, x = stratum[row], score[row]
        new = np.ones(len(row), dtype=bool)
        new[1:] = (s[1:] != s[:-1]) | (x[1:] != x[:-1])
        starts = np.flatnonzero(new)
        run = np.cumsum(new) - 1
        ends = np.append(starts[1:], len(row))
        return cls(row=row, stratum=s, score=x, id=ids[row], run_start=starts[run] if len(row) else starts, run_end=ends[run] if len(row) else starts)

    def bounds(self, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First place, and one past the last, of each stratum asked for."""
        return np.searchsorted(self.stratum, stratum, side="left"), np.searchsorted(self.stratum, stratum, side="right")

    def places(self, stratum: np.ndarray, score: np.ndarray) -> np.ndarray:
        """First place in its stratum whose score is at least each score asked for."""
        order = np.lexsort((np.concatenate([np.ones(len(self.row)), np.zeros(len(score))]), np.concatenate([self.score, score]),
                            np.concatenate([self.stratum, stratum])))      # asked rows come before comparison rows of equal score
        is_pool = order < len(self.row)
        before = np.cumsum(is_pool)
        out = np.empty(len(score), dtype=int)
        out[order[~is_pool] - len(self.row)] = before[~is_pool]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of rows: `treated[i]` is compared with `comparison[i]`; in each treated row's order of choice.

    `reason` has one entry per row (place in `REASONS`): 0 where a treated row is paired, and for rows that are not treated.
    """

    treated: np.ndarray
    comparison: np.ndarray
    reason: np.ndarray


def pair_nearest(score: np.ndarray, stratum: np.ndarray, treated: np.ndarray, ids: np.ndarray, *, ratio: int, width: float,
                 replacement: bool) -> Pairs:
    """Nearest comparison rows on a score inside strata.

    Parameters
    ----------
    score : ndarray, shape (n,)
    stratum : ndarray of int, shape (n,)
        -1 where a key is missing: such a row is never paired.
    treated : ndarray of bool, shape (n,)
    ids : ndarray of int, shape (n,)
        Order of units for ties.
    ratio : int >= 1
        Comparison rows wanted per treated row; fewer where fewer are within reach.
    width : float
        Largest distance allowed, included; inf without a caliper.
    replacement : bool
        Whether a comparison row may serve several treated rows. Without, treated rows choose from the largest score down, and everyone
        gets a first comparison before anyone a second.
    """
    focal = np.flatnonzero(treated)
    pool = Pool.of(np.flatnonzero(~treated & (stratum >= 0)), stratum, score, ids)
    reason = np.zeros(len(score), dtype=np.int8)
    why = np.where(stratum[focal] < 0, STRATUM_MISSING, 0).astype(np.int8)
    low, high = pool.bounds(stratum[focal])
    why[(why == 0) & (low == high)] = NO_COMPARISON_IN_STRATUM
    open_ = np.flatnonzero(why == 0)
    who, x = focal[open_], score[focal[open_]]
    start = pool.places(stratum[who], x)
    with_replacement = _nearest_with_replacement(pool, x, start, low[open_], high[open_], ratio if replacement else 1, width)
    why[open_[with_replacement[:, 0] == NONE]] = OUTSIDE_CALIPER
    if replacement:
        chosen = with_replacement
    else:
        chosen = _nearest_without_replacement(pool, x, ids[who], start, low[open_], high[open_], ratio, width)
        why[open_[(chosen[:, 0] == NONE) & (with_replacement[:, 0] != NONE)]] = NO_COMPARISON_LEFT
    reason[focal] = why
    found = chosen != NONE
    return Pairs(treated=np.repeat(who, found.sum(axis=1)), comparison=pool.row[chosen[found]], reason=reason)


def _nearest_with_replacement(pool, x, start, low, high, ratio, width) -> np.ndarray:
    """Places of the `ratio` nearest, shape (n_treated, ratio), -1 where none is within reach: two pointers per row, all rows at once."""
    chosen = np.full((len(x), ratio), NONE)
    if not len(x) or not len(pool.row):
        return chosen
    right = start.copy()
    left = _run_before(pool, start, low)
    for j in range(ratio):
        safe_left, safe_right = np.maximum(left, 0), np.minimum(right, len(pool.row) - 1)
        to_left = np.where(left >= 0, x - pool.score[safe_left], np.inf)
        to_right = np.where(right < high, pool.score[safe_right] - x, np.inf)
        go_left = (to_left < to_right) | ((to_left == to_right) & (left >= 0) & (pool.id[safe_left] < pool.id[safe_right]))
        distance = np.where(go_left, to_left, to_right)
        taken = np.isfinite(distance) & (distance <= width)
        chosen[taken, j] = np.where(go_left, safe_left, safe_right)[taken]
        after = safe_left + 1
        left = np.where(go_left & taken, np.where(after < pool.run_end[safe_left], after, _run_before(pool, pool.run_start[safe_left], low)), left)
        right = np.where(~go_left & taken, right + 1, right)
    return chosen


def _run_before(pool: Pool, place: np.ndarray, low: np.ndarray) -> np.ndarray:
    """First place of the run of equal scores that ends just before `place`; -1 where the stratum begins there."""
    return np.where(place > low, pool.run_start[np.maximum(place - 1, 0)], NONE)


def _nearest_without_replacement(pool, x, ids, start, low, high, ratio, width) -> np.ndarray:
    """Greedy in rounds, largest score first, with two path-compressed 'next free place' pointers."""
    n, m = len(x), len(pool.row)
    up, down = list(range(m + 1)), list(range(m + 1))        # up[p]: a free place >= p (m: none); down[p + 1]: a free place <= p, plus one (0: none)
    score, identity, run_start = pool.score.tolist(), pool.id.tolist(), pool.run_start.tolist()
    chosen = np.full((n, ratio), NONE)
    order = np.lexsort((ids, -x)).tolist()
    values, starts, lows, highs = x.tolist(), start.tolist(), low.tolist(), high.tolist()
    for j in range(ratio):
        still = []
        for i in order:
            here, best = values[i], NONE
            r = _find(up, starts[i])
            to_right = score[r] - here if r < highs[i] else np.inf
            left = _find(down, starts[i]) - 1
            to_left = here - score[left] if left >= lows[i] else np.inf
            if to_left <= to_right and to_left <= width and to_left < np.inf:
                first = _find(up, run_start[left])           # the smallest free id of the run of equal scores
                best = first if to_left < to_right or identity[first] < identity[r] else r
            elif to_right <= width and to_right < np.inf:
                best = r
            if best == NONE:
                continue
            chosen[i, j] = best
            up[best], down[best + 1] = best + 1, best
            still.append(i)
        order = still
    return chosen


def _find(pointer: list[int], place: int) -> int:
    """Follow pointers to a free place, then let every place on the way point there."""
    end = place
    while pointer[end] != end:
        end = pointer[end]
    while pointer[place] != end:
        pointer[place], place = end, pointer[place]
    return end
