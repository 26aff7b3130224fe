"""Optimal pairs on a score inside strata, without replacement: arrays in, pairs out. Knows no panels.

Both sides are sorted by (stratum, score, id). On a line some cheapest matching never crosses, and the caliper is kept when two pairs are
uncrossed (none of the new pairs is longer than the longer of the old), so that who is chosen says who is paired: first with first, second with
second. What can't all be matched is split off first (Dulmage and Mendelsohn): a part where focal rows are too many and every other row is used,
and a part where every focal row is matched. In both one side is wholly matched, and a single sweep chooses on the other side.
"""
from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace

import numpy as np

from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, OUTSIDE_CALIPER, STRATUM_MISSING, Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Two sides in order, and the run of the second side that each row of the first may be matched with.

    Attributes
    ----------
    x, z : ndarray, shapes (n,), (m,)
        Scores of both sides, in the order of (stratum, score).
    low, high : ndarray of int, shape (n,)
        First place of the second side within reach, and one past the last. Never falling.
    at, after : ndarray of int, shape (n,)
        First place of the second side, in the stratum, with a score of at least `x`, and above `x`.
    """

    x: np.ndarray
    z: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, z: np.ndarray, stratum_x: np.ndarray, stratum_z: np.ndarray, width: float) -> Reach:
        """Rows that are sorted already; `width` is the largest distance, included."""
        at, after, low, high = (np.zeros(len(x), dtype=np.int64) for _ in range(4))
        begin = np.flatnonzero(np.diff(stratum_x, prepend=stratum_x[:1] - 1))
        first, last = (np.searchsorted(stratum_z, stratum_x[begin], side=side) for side in ("left", "right"))
        for a, b, c, d in zip(begin, np.append(begin, len(x))[1:], first, last, strict=True):
            inside = z[c:d]
            at[a:b], after[a:b] = (c + np.searchsorted(inside, x[a:b], side=side) for side in ("left", "right"))
            if np.isfinite(width):
                low[a:b], high[a:b] = c + np.searchsorted(inside, x[a:b] - width), c + np.searchsorted(inside, x[a:b] + width, side="right")
            else:
                low[a:b], high[a:b] = c, d
        if np.isfinite(width):
            size = np.diff(np.append(begin, len(x)))
            low, high = _to_the_last_digit(x, z, low, high, np.repeat(first, size), np.repeat(last, size), width)
        return cls(x=x, z=z, low=low, high=high, at=at, after=after)

    def keep(self, first: np.ndarray, second: np.ndarray) -> Reach:
        """Some rows of both sides (masks)."""
        rank = np.concatenate([[0], np.cumsum(second)])
        return Reach(x=self.x[first], z=self.z[second], low=rank[self.low[first]], high=rank[self.high[first]], at=rank[self.at[first]],
                     after=rank[self.after[first]])

    def copies(self, k: int) -> Reach:
        """Each row of the first side k times."""
        x, low, high, at, after = (np.repeat(each, k) for each in (self.x, self.low, self.high, self.at, self.after))
        return Reach(x=x, z=self.z, low=low, high=high, at=at, after=after)

    def furthest(self) -> tuple[np.ndarray, np.ndarray]:
        """The place that each row would get if all went to the left, and to the right: in some cheapest matching nobody goes further.

        Not bounded by reach, nor by the stratum.
        """
        place = np.arange(len(self.x))
        left = place + np.minimum.accumulate((self.after - 1 - place)[::-1])[::-1]
        right = place + np.maximum.accumulate(self.at - place)
        return np.minimum(left, right), right                # among equal scores both stop where they begin to be equal

    def mirrored(self) -> Reach:
        """The second side as the first."""
        place = np.arange(len(self.z))
        low, high, at, after = (np.searchsorted(each, place, side="right") for each in (self.high, self.low, self.after, self.at))
        return Reach(x=self.z, z=self.x, low=low, high=high, at=at, after=after)


def _to_the_last_digit(x: np.ndarray, z: np.ndarray, low: np.ndarray, high: np.ndarray, first: np.ndarray, last: np.ndarray,
                       width: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of reach moved, by whole runs of equal scores, to where the distance as a difference of two scores obeys the width.

    They were found from `x - width` and `x + width`, which are rounded otherwise.
    """
    if not len(z):
        return low, high
    place, new = np.arange(len(z)), np.append(True, z[1:] != z[:-1])
    begin = np.maximum.accumulate(np.where(new, place, 0))
    end = np.append(np.flatnonzero(new), len(z))[np.cumsum(new)]

    def far(at: np.ndarray) -> np.ndarray:
        return np.abs(x - z[at]) > width

    while True:
        before, here = np.maximum(low - 1, 0), np.minimum(low, len(z) - 1)
        ends, beyond = np.maximum(high - 1, 0), np.minimum(high, len(z) - 1)
        wider, narrower = (low > first) & ~far(before), (low < last) & far(here) & (z[here] < x)
        low = np.where(wider, np.maximum(begin[before], first), np.where(narrower, np.minimum(end[here], last), low))
        more, less = (high < last) & ~far(beyond), (high > first) & far(ends) & (z[ends] > x)
        high = np.where(more, np.minimum(end[beyond], last), np.where(less, np.maximum(begin[ends], first), high))
        if not (wider | narrower | more | less).any():
            return low, high


def pair_optimally(score: np.ndarray, stratum: np.ndarray, focal: np.ndarray, open_: np.ndarray, ids: np.ndarray, *, ratio: int,
                   width: float) -> Pairs:
    """Pairs without replacement: as many focal rows as can be, then as many pairs as can be, then the smallest total distance.

    Parameters
    ----------
    score : ndarray, shape (n,)
    stratum : ndarray of int, shape (n,)
        -1 where a key is missing: such a row is never paired.
    focal, open_ : ndarray of bool, shape (n,)
        Rows for which others are sought, and the others that may be used.
    ids : ndarray of int, shape (n,)
        Order of units: of rows with the same score and stratum the smaller ids are taken.
    ratio : int >= 1
        Others wanted per focal row. A row gets fewer, but at least one, only where more can't be had.
    width : float
        Largest distance allowed, included; inf without a caliper.

    Notes
    -----
    O(n log n) time, O(n) memory. First all focal rows that can be matched at all are, once (a largest matching of rows to others is also part of
    some largest matching of `ratio` copies of each row, so both are had at once). A sweep over the sorted rows then keeps the convex cost of every
    surplus of others chosen so far as a sorted list of its differences, each belonging to one row.

    References
    ----------
    Dulmage and Mendelsohn (1958), DOI 10.4153/CJM-1958-052-0 (which rows can't all be matched).
    Rosenbaum (1989), DOI 10.1080/01621459.1989.10478868 (optimal matching in observational studies).
    """
    row_x, row_z = (rows[np.lexsort((ids[rows], score[rows], stratum[rows]))] for rows in
                    (np.flatnonzero(focal & (stratum >= 0)), np.flatnonzero(open_ & (stratum >= 0))))
    whole = Reach.of(score[row_x], score[row_z], stratum[row_x], stratum[row_z], width)
    near = whole.low < whole.high
    first, second = _paired(whole.keep(near, np.ones(len(row_z), dtype=bool)), ratio)
    first = row_x[_first_of_equals(np.flatnonzero(near)[first], score[row_x], stratum[row_x])]
    second = row_z[_first_of_equals(second, score[row_z], stratum[row_z])]
    reason = np.zeros(len(score), dtype=np.int8)
    reason[focal] = NO_COMPARISON_LEFT
    reason[focal & (stratum < 0)] = STRATUM_MISSING
    reason[row_x[~near]] = np.where(np.isin(stratum[row_x[~near]], stratum[row_z]), OUTSIDE_CALIPER, NO_COMPARISON_IN_STRATUM)
    reason[first] = 0
    order = np.lexsort((ids[second], ids[first]))
    return Pairs(focal=first[order], other=second[order], reason=reason)


def _first_of_equals(places: np.ndarray, score: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Places moved so that of rows with the same score and stratum the first are taken."""
    new = np.append(True, (score[1:] != score[:-1]) | (stratum[1:] != stratum[:-1]))[:len(score)]
    start = np.flatnonzero(new)[np.cumsum(new) - 1]
    taken, number = np.unique(places, return_inverse=True)
    begin = start[taken]
    rank = np.arange(len(taken)) - np.searchsorted(begin, begin)
    return (begin + rank)[number]


def _paired(reach: Reach, ratio: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of both sides of every pair."""
    rare, used = shortage(reach.low, reach.high, len(reach.z))
    parts = [_chosen_first(reach, rare, used, None)]
    if ratio == 1:
        return _joined([*parts, _chosen_second(reach, ~rare, ~used)])
    rest = np.flatnonzero(~rare)
    places = np.flatnonzero(~used)
    more = reach.keep(~rare, ~used).copies(ratio)
    of = np.repeat(rest, ratio)
    rare, used = shortage(more.low, more.high, len(more.z))
    once = np.tile(np.arange(ratio) == 0, len(rest))
    parts += [(of[first], places[second]) for first, second in (_chosen_first(more, rare, used, once[rare]), _chosen_second(more, ~rare, ~used))]
    return _joined(parts)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.concatenate(side) for side in zip(*parts, strict=True))


def _chosen_first(reach: Reach, first: np.ndarray, second: np.ndarray, needed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Match every row of the second side, choosing on the first."""
    chosen = cheapest(reach.keep(first, second).mirrored(), needed)
    return np.flatnonzero(first)[chosen], np.flatnonzero(second)


def _chosen_second(reach: Reach, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match every row of the first side, choosing on the second."""
    return np.flatnonzero(first), np.flatnonzero(second)[cheapest(reach.keep(first, second))]


def shortage(low: np.ndarray, high: np.ndarray, n_second: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the first side that some largest matching leaves out, and all rows of the second within their reach, as masks.

    Every largest matching uses all of those of the second side, for these rows only; every row that isn't here is matched in all of them.

    Parameters
    ----------
    low, high : ndarray of int, shape (n,)
        Run of the second side within reach of each row of the first; never falling; not empty.
    """
    place = np.arange(len(low))
    partner = place + np.maximum.accumulate(low - place) if len(low) else low
    if (partner < high).all():
        return np.zeros(len(low), dtype=bool), np.zeros(n_second, dtype=bool)
    partner = np.array(_first_come(low.tolist(), high.tolist()))
    free = partner < 0
    owner = np.full(n_second, -1)
    owner[partner[~free]] = place[~free]
    edge = np.zeros(n_second + 1, dtype=np.int64)
    for start, end in _ranges(low.tolist(), high.tolist(), owner.tolist(), np.flatnonzero(free).tolist()):
        edge[start] += 1
        edge[end] -= 1
    used = np.cumsum(edge[:-1]) > 0
    return free | used[partner], used


def _first_come(low: list[int], high: list[int]) -> list[int]:
    """A largest matching: each row of the first side takes the first free place within reach; -1 where there is none."""
    partner, last = [-1] * len(low), -1
    for i, start in enumerate(low):
        take = start if start > last else last + 1
        if take < high[i]:
            partner[i] = last = take
    return partner


def _ranges(low: list[int], high: list[int], owner: list[int], free: list[int]) -> list[tuple[int, int]]:
    """Runs of places that alternating paths from unmatched rows reach: from a row's reach to those of the owners, always to the left."""
    found: list[tuple[int, int]] = []
    for i in free:
        start, end = low[i], high[i]
        while True:
            while found and start <= found[-1][1]:
                start = min(start, found.pop()[0])
            before = low[owner[start]]
            if before == start:
                break
            start = before
        found.append((start, end))
    return found


def cheapest(reach: Reach, needed: np.ndarray | None = None) -> np.ndarray:
    """Which rows of the second side to take, one for each row of the first, all within reach, so that the total distance is smallest.

    Parameters
    ----------
    reach : Reach
        Such a choice must exist.
    needed : ndarray of bool, shape (m,), optional
        Rows that must be among those taken.

    Returns
    -------
    ndarray of bool, shape (m,)
        With as many trues as rows of the first side.
    """
    n = len(reach.x)
    chosen = np.zeros(len(reach.z), dtype=bool)
    if not n:
        return chosen
    left, right = reach.furthest() if needed is None else (reach.low - 1, reach.high)
    low, high = np.maximum(left, reach.low), np.minimum(right, reach.high - 1)
    start = np.flatnonzero(np.append(True, low[1:] > high[:-1]))          # here somebody begins who is in nobody's way before
    end = np.append(start[1:], n)
    bound = np.logical_or.reduceat((left < reach.low) | (right >= reach.high), start)
    alone = (end - start == 1) & (needed is None)
    spans = np.column_stack([start, end, low[start], high[end - 1] + 1])
    chosen[_nearest(reach, start[alone], low[start[alone]], high[start[alone]])] = True
    chosen[_swept(reach, spans[~alone & ~bound].tolist())] = True
    chosen[_swept_within(reach, spans[~alone & bound].tolist(), needed)] = True
    return chosen


def _nearest(reach: Reach, one: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The nearest place of each row between two, both included."""
    before, after = np.clip(reach.after[one] - 1, low, high), np.clip(reach.at[one], low, high)
    x = reach.x[one]
    return np.where(np.abs(x - reach.z[before]) <= np.abs(reach.z[after] - x), before, after)


def _swept(reach: Reach, spans: list[list[int]]) -> list[int]:
    """Places taken when nothing but the distance decides.

    `left` and `right` hold the differences of the cost in the surplus (others taken so far, less rows passed), for a surplus below and from 0 up:
    below 0 a difference falls as the sweep moves on, above it rises, so each is kept less, or plus, the position. Each difference belongs to the row
    whose being taken makes it. At the end the surplus is 0: those in `left` are taken.
    """
    x, z = reach.x.tolist(), reach.z.tolist()
    taken: list[int] = []
    for i, end, first, last in spans:
        left: list[tuple[float, int]] = []
        right: list[tuple[float, int]] = []
        short = 0                                            # rows passed for which nothing has come yet
        for j in range(first, last):
            at = z[j]
            while i < end and x[i] < at:
                if right:
                    value, k = heappop(right)
                    heappush(left, (-value - 2 * x[i], k))
                else:
                    short += 1
                i += 1
            if short:
                short -= 1
                heappush(left, (-at, j))
            elif left and -left[0][0] > at:
                value, k = heapreplace(left, (-at, j))
                heappush(right, (-value - 2 * at, k))
            else:
                heappush(right, (-at, j))
        taken.extend(k for _, k in left)
        taken.extend(heappop(right)[1] for _ in range(i, end))
    return taken


class _Ends:
    """A list of (value, place) open at both ends."""

    __slots__ = ("bottom", "held", "top")

    def __init__(self) -> None:
        self.bottom: list[tuple[float, int]] = []
        self.top: list[tuple[float, int]] = []               # both with minus signs
        self.held: dict[int, float] = {}

    def push(self, value: float, place: int) -> None:
        self.held[place] = value
        heappush(self.bottom, (value, place))
        heappush(self.top, (-value, -place))

    def lowest(self) -> tuple[float, int]:
        """The lowest, taken out."""
        value, place = heappop(self.bottom)
        while self.held.get(place) != value:                 # taken out at the other end before
            value, place = heappop(self.bottom)
        return self.held.pop(place), place

    def highest(self) -> tuple[float, int]:
        """The highest, taken out."""
        value, place = heappop(self.top)
        while self.held.get(-place) != -value:
            value, place = heappop(self.top)
        return self.held.pop(-place), -place


def _swept_within(reach: Reach, spans: list[list[int]], needed: np.ndarray | None) -> list[int]:
    """As `_swept`, where reach decides too: it bounds the surplus on both sides, and differences beyond are settled at once, taken or not."""
    x, z = reach.x.tolist(), reach.z.tolist()
    place = np.arange(len(z))
    begun, ended = (np.searchsorted(bound, place, side=side).tolist() for bound, side in ((reach.low, "left"), (reach.high, "right")))
    value_of = [0.0] * len(z) if needed is None else np.where(needed, -np.inf, 0.0).tolist()
    taken: list[int] = []
    for i, end, first, last in spans:
        left, right = _Ends(), _Ends()
        short = done = 0
        start = i
        for j in range(first, last):
            at = z[j]
            while i < end and x[i] < at:
                if right.held:
                    value, k = right.lowest()
                    left.push(value + 2 * x[i], k)
                else:
                    short += 1
                i += 1
            while done < ended[j] - start:                   # whose reach ends before here must have theirs by now
                taken.append(left.lowest()[1])
                done += 1
            while done + len(left.held) + len(right.held) > begun[j] - start:          # so far, no more can be taken than rows reach back
                if right.held:
                    right.highest()
                else:
                    left.highest()
                    short += 1
            value = value_of[j]
            if short:
                short -= 1
                left.push(value + at, j)
            else:
                left.push(value + at, j)
                value, k = left.highest()
                right.push(value - 2 * at, k)
        taken.extend(left.held)
        taken.extend(right.lowest()[1] for _ in range(i, end))
    return taken
