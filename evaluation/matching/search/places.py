"""Where comparison rows stand on a score: the order of (stratum, score, id), in which what is near a row is near its place. Arrays in, arrays out."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.matching.problem import Problem

NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Comparison rows in the order of (stratum, score, id). A place is a position in that order.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Row of the problem at each place.
    stratum, score, id : ndarray, shape (n,)
    run_start : ndarray of int, shape (n,)
        First place of the run of equal (stratum, score) that holds each place: there the smallest id stands.
    """

    row: np.ndarray
    stratum: np.ndarray
    score: np.ndarray
    id: np.ndarray
    run_start: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def keep(self, places: np.ndarray) -> Pool:
        """Some places, or all in another order; runs are found anew."""
        stratum, score = self.stratum[places], self.score[places]
        return Pool(row=self.row[places], stratum=stratum, score=score, id=self.id[places], run_start=_run_starts(stratum, score))

    def run_end(self, place: np.ndarray) -> np.ndarray:
        """One past the last place of the run that holds each place."""
        starts = np.append(np.flatnonzero(self.run_start == np.arange(len(self))), len(self))
        return starts[np.searchsorted(starts, place, side="right")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seekers:
    """Focal rows whose stratum is known, in the order of (stratum, score, id), and where each stands in the pool.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
    stratum, score, id : ndarray, shape (n,)
    turn : ndarray of int, shape (n,)
        Position in the order of id; no two are equal.
    start : ndarray of int, shape (n,)
        First place of its stratum whose score is at least its own.
    low, high : ndarray of int, shape (n,)
        First place, and one past the last, of its stratum.
    """

    row: np.ndarray
    stratum: np.ndarray
    score: np.ndarray
    id: np.ndarray
    turn: np.ndarray
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def by_id(self) -> np.ndarray:
        """Seekers in the order of id."""
        return np.argsort(self.turn)

    def keep(self, which: np.ndarray) -> Seekers:
        """Some of them."""
        return Seekers(row=self.row[which], stratum=self.stratum[which], score=self.score[which], id=self.id[which], turn=self.turn[which],
                       start=self.start[which], low=self.low[which], high=self.high[which])


def line_up(problem: Problem) -> tuple[Pool, Seekers]:
    """Comparison rows and focal rows in the order of (stratum, score, id); rows without a stratum are in neither."""
    score, stratum, ids, inside = problem.score, problem.stratum, problem.rows.id, problem.stratum >= 0
    others, asking = (in_order_of_id(np.flatnonzero(inside & side), ids) for side in (~problem.focal, problem.focal))
    others, turn = others[stable_order(score[others])], stable_order(score[asking])
    asking = asking[turn]
    start = np.searchsorted(score[others], score[asking])
    n_strata = int(stratum.max(initial=0)) + 1
    if n_strata > 1:
        into, also = order_of_codes(stratum[others]), order_of_codes(stratum[asking])
        length = len(others) + 1
        others, asking, turn, start = others[into], asking[also], turn[also], start[also]
        start = np.searchsorted(stratum[others] * length + into, stratum[asking] * length + start)
    bounds = np.append(0, np.cumsum(np.bincount(stratum[others], minlength=n_strata)))
    s, x, own = stratum[others], score[others], stratum[asking]
    pool = Pool(row=others, stratum=s, score=x, id=ids[others], run_start=_run_starts(s, x))
    return pool, Seekers(row=asking, stratum=own, score=score[asking], id=ids[asking], turn=turn, start=start, low=bounds[own],
                         high=bounds[own + 1])


def nearest_places(pool: Pool, seekers: Seekers, k: int, width: float) -> np.ndarray:
    """Places of the k nearest of each seeker, nearest first, shape (n, k); -1 where there are fewer within `width`.

    Two pointers per seeker, all seekers at once: one runs to the right, one to the left by runs of equal scores.
    """
    chosen = np.full((len(seekers), k), NONE)
    if not len(pool):
        return chosen
    last, x, low, high = len(pool) - 1, seekers.score, seekers.low, seekers.high
    right = seekers.start
    left = _run_before(pool, right, low)
    for j in range(k):
        right_place = np.minimum(right, last)
        to_left = np.where(left >= 0, x - pool.score[left], np.inf)
        to_right = np.where(right < high, pool.score[right_place] - x, np.inf)
        go_left = to_left < to_right
        tied = np.flatnonzero((to_left == to_right) & (left >= 0))
        go_left[tied] = pool.id[left[tied]] < pool.id[right_place[tied]]
        gap = np.where(go_left, to_left, to_right)
        taken = (gap <= width) & (gap < np.inf)
        chosen[:, j] = np.where(taken, np.where(go_left, left, right_place), NONE)
        if j + 1 < k:
            after = np.minimum(left + 1, last)
            same = (pool.run_start[after] == pool.run_start[left]) & (after > left)
            left = np.where(go_left & taken, np.where(same, after, _run_before(pool, pool.run_start[left], low)), left)
            right = np.where(~go_left & taken, right + 1, right)
    return chosen


def stable_order(x: np.ndarray, then: np.ndarray | None = None) -> np.ndarray:
    """What sorts an array, ties by another one of whole numbers, else in the order given: a fast sort, then only runs of ties put right."""
    order = np.argsort(x)
    y = x[order]
    tie = y[1:] == y[:-1]
    if tie.any():
        tied = np.flatnonzero(np.append(tie, False) | np.append(False, tie))
        run, members = np.append(0, np.cumsum(~tie))[tied], order[tied]
        order[tied] = np.sort(run * len(x) + members) - run * len(x) if then is None else members[np.lexsort((then[members], run))]
    return order


def order_of_codes(code: np.ndarray) -> np.ndarray:
    """What sorts codes from 0 up, ties in the order given: by their lower 16 bits, then by the next, for which numpy counts instead of comparing."""
    order = np.argsort((code & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, int(code.max(initial=0)).bit_length(), 16):
        order = order[np.argsort(((code[order] >> shift) & 0xFFFF).astype(np.uint16), kind="stable")]
    return order


def in_order_of_id(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Rows in the order of their ids."""
    own = ids[rows]
    return rows if (own[1:] >= own[:-1]).all() else rows[np.argsort(own, kind="stable")]


def _run_starts(stratum: np.ndarray, score: np.ndarray) -> np.ndarray:
    """First place of the run of equal (stratum, score) that holds each place."""
    new = np.ones(len(score), dtype=bool)
    new[1:] = (score[1:] != score[:-1]) | (stratum[1:] != stratum[:-1])
    return np.maximum.accumulate(np.where(new, np.arange(len(score)), 0))


def _run_before(pool: Pool, place: np.ndarray, low: np.ndarray) -> np.ndarray:
    """First place of the run of equal scores that ends just before `place`; -1 where the stratum begins there."""
    return np.where(place > low, pool.run_start[place - 1], NONE)
