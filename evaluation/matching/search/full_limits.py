"""Optimal full matching on a score with limits on how large a set may be: arrays in, pairs out. Knows no panels."""
from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from evaluation.matching.search.full_line import without_chains
from evaluation.matching.search.optimal_line import Reach, cheapest

Group = tuple[float, int, int]         # value, place, how many


def limited_pairs(score: np.ndarray, stratum: np.ndarray, focal: np.ndarray, open_: np.ndarray, ids: np.ndarray, *, most_focal: int | None,
                  most_other: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an optimal full matching in which no set has more than so many rows of a side; None: any number.

    A stratum in which one side is too many, for all sets at their largest, leaves out as few of that side as can be, those that make the total
    distance smallest. Parameters and what is returned: as `full_pairs`.

    Notes
    -----
    O(n log n) time for limits of a few rows. The sweep is that of `optimal_line`, where both sides may now be taken more than once.
    """
    row = np.flatnonzero((focal | open_) & (stratum >= 0))
    row = row[np.lexsort((ids[row], focal[row], score[row], stratum[row]))]
    first, second = [row[:0]], [row[:0]]
    for part in np.split(row, np.flatnonzero(np.diff(stratum[row])) + 1):
        f, o = part[focal[part]], part[~focal[part]]
        if len(f) and len(o):
            a, b = _in_stratum(score, f, o, min(most_focal or len(f), len(f)), min(most_other or len(o), len(o)))
            first.append(a)
            second.append(b)
    return np.concatenate(first), np.concatenate(second)


def _in_stratum(score: np.ndarray, focal: np.ndarray, other: np.ndarray, most_focal: int, most_other: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of one stratum; both sides in order."""
    if len(other) > most_other * len(focal):
        return _all_full(score, focal, other, most_other)
    if len(focal) > most_focal * len(other):
        return _all_full(score, other, focal, most_focal)[::-1]
    both = np.concatenate([focal, other])
    is_focal = np.arange(len(both)) < len(focal)
    order = np.argsort(score[both], kind="stable")
    times = np.empty(len(both), dtype=np.int64)
    times[order] = degrees(score[both[order]].tolist(), is_focal[order].tolist(), most_focal, most_other)
    pairs = np.column_stack([np.repeat(np.arange(len(focal)), times[is_focal]), len(focal) + np.repeat(np.arange(len(other)), times[~is_focal])])
    a, b = without_chains(*np.unique(pairs, axis=0).T)
    return both[a], both[b]


def _all_full(score: np.ndarray, few: np.ndarray, many: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Each of the few with as many as it may have."""
    alike = np.zeros(len(few), dtype=np.int64), np.zeros(len(many), dtype=np.int64)
    chosen = cheapest(Reach.of(score[few], score[many], *alike, np.inf).copies(most))
    return np.repeat(few, most), many[chosen]


def degrees(x: list[float], focal: list[bool], most_focal: int, most_other: int) -> list[int]:
    """In how many pairs each row is, in the cheapest way to give each focal row 1 to `most_other` pairs and each other row 1 to `most_focal`.

    Parameters
    ----------
    x : list of float, not falling
    focal : list of bool
        Such a way must exist.

    Notes
    -----
    The state of the sweep is how many pairs the focal rows so far have more than the other rows so far; the cost of each state is convex, and kept
    as sorted differences, below 0 in `left` and from 0 up in `right`. Each belongs to one pair more of a focal row, or one fewer of another row, of
    which the lowest state has the most.
    """
    left: list[Group] = []
    right: list[Group] = []
    short = owed = sunk = 0            # differences of +inf in `left`; of -inf in `right`, and in `left`
    times = [1 if own else most_focal for own in focal]
    for k, at in enumerate(x):
        if focal[k]:
            if short:
                short -= 1
            elif left:
                _shift(left, right, 1, at)
            else:
                sunk, owed = max(sunk - 1, 0), owed + 1
        new = (most_other if focal[k] else most_focal) - 1
        taken = min(short, new)
        short -= taken
        while taken < new and left and -left[0][0] > at:
            taken += _shift(left, right, new - taken, at)
        if taken:
            heappush(left, (-at, k, taken))
        if new > taken:
            heappush(right, (-at, k, new - taken))
        if not focal[k]:
            moved = min(owed, most_focal)
            owed, sunk = owed - moved, sunk + moved
            while moved < most_focal and right:
                moved += _shift(right, left, most_focal - moved, at)
            short += most_focal - moved
    for _, k, count in left:
        times[k] += count if focal[k] else -count
    return times


def _shift(source: list[Group], target: list[Group], most: int, at: float) -> int:
    """Move at most so many of the group on top of one list to the other; how many."""
    value, place, count = heappop(source)
    moved = min(count, most)
    heappush(target, (-value - 2 * at, place, moved))
    if count > moved:
        heappush(source, (value, place, count - moved))
    return moved
