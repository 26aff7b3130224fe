"""The nearest pair of a seeker and a free place, one after the other, on a score.

In the order of the score the nearest pair that is left is always one of neighbours. So it is enough to keep the gaps between neighbours of either
kind in a heap, and when a pair is taken to look at the gap that it leaves: O(n log n), however crowded either kind is.
"""
from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from evaluation.matching.search.free import FreeOnScore
from evaluation.matching.search.places import NONE, stable_order

NO_RUN = -4                    # its code differs from that of any run in more than the last bit
Gap = tuple[float, int, int, int, int, int, int]    # width; ids of the seeker and of the place; the two runs from left to right, and the head of each


def closest_pairs(search: FreeOnScore, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of seekers (each once) and places in the order of (distance, id of the seeker, id of the place), until none is left within the caliper.

    Parameters
    ----------
    search : FreeOnScore
        What is left; it is used up.
    sequence : ndarray of int
        The seekers that take part.
    """
    who, found = np.sort(sequence), []
    while True:
        place = search.first(who)
        who, place = who[place != NONE], place[place != NONE]
        sure = _each_others_nearest(search, who, place)
        found.append((who[sure], place[sure]))
        search.take(place[sure])
        who = who[~sure]
        if 2 * np.count_nonzero(sure) < len(sure) or not len(who):
            break
    if len(who):
        line = _Line(search, who)
        found.append(np.array([line.take(gap) for gap in line.gaps()], dtype=np.int64).reshape(-1, 2).T)
    return tuple(np.concatenate(side) for side in zip(*found, strict=True))


def _each_others_nearest(search: FreeOnScore, who: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Whether no other seeker is as near as this one to the place that is nearest to it: then they are paired whatever comes before; shape (n_who,).

    `who` goes along the score, so the seekers nearest to a place are those that stand just before and just behind it.
    """
    seekers = search.seekers.keep(who)
    behind = np.searchsorted(seekers.start, place, side="right")

    def gap(number: np.ndarray) -> np.ndarray:
        inside = np.clip(number, 0, len(who) - 1)
        same = (number == inside) & (seekers.stratum[inside] == search.pool.stratum[place])
        return np.where(same, np.abs(seekers.score[inside] - search.pool.score[place]), np.inf)
    one, two, three, four = (gap(behind + step) for step in (-2, -1, 0, 1))
    number = np.arange(len(who))
    return ((number == behind - 1) & (two < one) & (two < three)) | ((number == behind) & (three < two) & (three < four))


class _Line:
    """Seekers and free places in the order of (stratum, score), those of one kind and score as one run whose members go in the order of id.

    Members are numbered along the line, and runs too. The last run is none: the end of both ways.
    """

    def __init__(self, search: FreeOnScore, who: np.ndarray) -> None:
        pool, seekers = search.pool, search.seekers.keep(who)
        is_free = np.asarray(search.left)[:-1] > 0
        free, n = np.flatnonzero(is_free), len(who) + np.count_nonzero(is_free)
        is_seeker = np.zeros(n, dtype=bool)
        is_seeker[np.append(0, np.cumsum(is_free))[seekers.start] + np.arange(len(who))] = True

        def along(of_seekers: np.ndarray, of_places: np.ndarray) -> np.ndarray:
            out = np.empty(n, dtype=of_places.dtype)
            out[is_seeker], out[~is_seeker] = of_seekers, of_places
            return out
        score, code = along(seekers.score, pool.score[free]), along(2 * seekers.stratum + 1, 2 * pool.stratum[free])
        number, ids = along(who, free), along(seekers.turn, pool.id[free])
        starts = np.flatnonzero(np.append(True, (code[1:] != code[:-1]) | (score[1:] != score[:-1])))
        score, code, head, last = score[starts], np.append(code[starts], NO_RUN), np.append(starts, -1), len(starts)
        self._first = _sorted_gaps(score, code, head, ids, search.width)
        self._head, self._end, self._after, self._before = (
            memoryview(values) for values in (head, np.append(starts, n)[1:], np.arange(1, last + 2), np.arange(-1, last)))
        self._score, self._code, self._id, self._number = (memoryview(values) for values in (score, code, ids, number))
        self._left, self._width, self._new = search.left, search.width, []

    def gaps(self) -> Iterator[Gap]:
        """The narrowest gap that is left, again and again; whoever asks takes the pair beside it before asking on."""
        head, new = self._head, self._new
        for gap in self._first:
            while new and new[0] < gap:
                old = heapq.heappop(new)
                if head[old[3]] == old[5] and head[old[4]] == old[6]:
                    yield old
            if head[gap[3]] == gap[5] and head[gap[4]] == gap[6]:
                yield gap
        while new:
            old = heapq.heappop(new)
            if head[old[3]] == old[5] and head[old[4]] == old[6]:
                yield old

    def take(self, gap: Gap) -> tuple[int, int]:
        """Pair the heads of the two runs beside a gap; returns the seeker and the place."""
        a, b, head_a, head_b = gap[3:]
        before, after = self._before[a], self._after[b]
        seeker, place = (head_a, head_b) if self._code[a] & 1 else (head_b, head_a)
        seeker, place = self._number[seeker], self._number[place]
        left = self._left[place] = self._left[place] - 1
        chain = [before]
        for run in (a, b):
            if self._code[run] & 1 or not left:
                self._leave(run)
            if self._head[run] >= 0:
                chain.append(run)
        for one, other in zip(chain, [*chain[1:], after], strict=True):
            self._look_between(one, other)
        return seeker, place

    def _leave(self, run: int) -> None:
        """The head of a run goes; with its last member the run does."""
        head = self._head[run] + 1
        if head < self._end[run]:
            self._head[run] = head
            return
        self._head[run] = -1
        before, after = self._before[run], self._after[run]
        self._after[before], self._before[after] = after, before

    def _look_between(self, a: int, b: int) -> None:
        """Remember the gap between two neighbours of one stratum and different kind."""
        if self._code[a] ^ self._code[b] == 1 and self._score[b] - self._score[a] <= self._width:
            heads = self._head[a], self._head[b]
            ids = [self._id[head] for head in (heads if self._code[a] & 1 else heads[::-1])]
            heapq.heappush(self._new, (self._score[b] - self._score[a], *ids, a, b, *heads))


def _sorted_gaps(score: np.ndarray, code: np.ndarray, head: np.ndarray, ids: np.ndarray, width: float) -> list[Gap]:
    """The gaps at the outset, narrowest first."""
    a = np.flatnonzero(((code[1:-1] ^ code[:-2]) == 1) & (score[1:] - score[:-1] <= width))
    seeker = np.where(code[a] & 1, a, a + 1)
    gap, one, other = score[a + 1] - score[a], ids[head[seeker]], ids[head[2 * a + 1 - seeker]]
    order = stable_order(gap, then=one * (int(ids.max(initial=0)) + 1) + other)
    columns = (gap, one, other, a, a + 1, head[a], head[a + 1])
    return list(zip(*(column[order].tolist() for column in columns), strict=True))
