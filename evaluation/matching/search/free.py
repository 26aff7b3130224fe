"""Which places of a pool are still free, and which of them is nearest to whom. Who chooses when is decided in `turns.py`.

Two searches answer the same questions. Where the score alone decides, `FreeOnScore` follows path-compressed pointers to the next free place. Where
limits on other columns forbid some pairs, `FreeWithinLimits` looks at windows of free neighbours that grow until some are allowed.
"""
from __future__ import annotations

import copy
import heapq
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from evaluation.errors import PlanError
from evaluation.matching.problem import Problem
from evaluation.matching.search.places import NONE, Pool, Seekers, nearest_places, order_of_codes, stable_order

INFINITY = float("inf")
MOST_SHARED = 50_000_000       # pairs that sharing ties may make: what fits in a few gigabytes
SPAN = 4                       # places on either side that are looked at first
WIDER = 4                      # how much more when those are too few
CELLS = 1 << 18                # places looked at together
STEPS = 64                     # places that a seeker alone looks at one by one


def free_places(problem: Problem, pool: Pool, seekers: Seekers) -> Free:
    """The search that a problem needs."""
    return (FreeOnScore if problem.is_plain else FreeWithinLimits)(problem, pool, seekers)


class Free:
    """Free places of a pool, and the nearest of them to each seeker. Seekers and places are numbers from 0 up.

    Attributes
    ----------
    left : memoryview of int, length n_places + 1
        How many more seekers each place may serve. The last entry is always 1: the end of both ways, since places end at -1 and n_places.
    reused : bool
        Whether any place may serve several seekers.
    """

    def __init__(self, problem: Problem, pool: Pool, seekers: Seekers) -> None:
        self.pool, self.seekers, self.width = pool, seekers, problem.width
        self._left = np.append(np.minimum(problem.capacity[pool.row], len(seekers)), 1).astype(np.int32)
        self.left = memoryview(self._left)
        self.reused = bool((self._left > 1).any())
        self.chosen, self.own = np.empty((len(seekers), 0), dtype=np.int64), None
        n = len(pool)
        self._up, self._down = (memoryview(np.arange(step, n + step, dtype=np.int32)) for step in (1, -1))
        self._score, self._id, self._run_start = memoryview(pool.score), memoryview(pool.id), memoryview(np.append(pool.run_start, n))
        self._x = memoryview(seekers.score)

    def distance(self, who: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Distances on the score."""
        return np.abs(self.seekers.score[who] - self.pool.score[place])

    def take(self, place: np.ndarray) -> None:
        """Use some places, each once."""
        self._left[place] -= 1

    def remember(self, chosen: np.ndarray) -> None:
        """Do not offer to seekers again what they have chosen; shape (n_seekers, n_rounds)."""
        self.chosen = chosen
        self.own = chosen.tolist() if self.reused and chosen.shape[1] else None

    def first(self, who: np.ndarray) -> np.ndarray:
        """The nearest free place of each of these seekers, by (distance, id); -1 if there is none within reach."""
        raise NotImplementedError

    def nearest(self, i: int) -> int:
        """The same of one seeker."""
        raise NotImplementedError

    def within_reach(self, who: np.ndarray) -> np.ndarray:
        """Whether these seekers could have any place if all were free."""
        raise NotImplementedError

    def with_replacement(self, wanted: np.ndarray, *, ties: str) -> tuple[np.ndarray, np.ndarray]:
        """Seekers and places of the nearest `wanted` of each seeker when nothing is ever used up; with `ties='share'` all as near as the last."""
        raise NotImplementedError

    def _next_free(self, place: int, own) -> int:
        """The first free place from `place` up that is not one's own."""
        place = _follow(self._up, self.left, place)
        while place in own:
            place = _follow(self._up, self.left, place + 1)
        return place

    def _run_before(self, place: int, low: int, own) -> int:
        """The first free place of the nearest run of equal scores from `place` down to `low` that has one which is not one's own."""
        place = _follow(self._down, self.left, place)
        while place >= low:
            first = self._next_free(self._run_start[place], own)
            if first <= place:
                return first
            place = _follow(self._down, self.left, self._run_start[place] - 1)
        return NONE


class FreeOnScore(Free):
    """Free places where the score and its caliper decide."""

    def __init__(self, problem: Problem, pool: Pool, seekers: Seekers) -> None:
        super().__init__(problem, pool, seekers)
        self._start, self._low, self._high = (memoryview(values) for values in (seekers.start, seekers.low, seekers.high))

    def first(self, who: np.ndarray) -> np.ndarray:
        found = np.empty(len(self.seekers), dtype=np.int64)
        along = np.sort(who)                               # neighbours look at neighbouring places
        found[along] = self._first_of(along)
        return found[who]

    def _first_of(self, who: np.ndarray) -> np.ndarray:
        is_free, seekers = self._left[:-1] > 0, self.seekers.keep(who)
        if is_free.all() and self.own is None:
            return nearest_places(self.pool, seekers, 1, self.width)[:, 0]
        pool, seekers, places = self._only(is_free, seekers)
        if self.own is not None:
            return self._first_but_own(who, pool, seekers, places)
        return places[nearest_places(pool, seekers, 1, self.width)[:, 0]]

    def _only(self, is_free: np.ndarray, seekers: Seekers) -> tuple[Pool, Seekers, np.ndarray]:
        """The free places as a pool of their own, seekers as they stand in it, and the place of each; the last for 'none'."""
        places = np.flatnonzero(is_free)
        before = np.append(0, np.cumsum(is_free))
        pool = self.pool
        return (Pool(row=places, stratum=places, score=pool.score[places], id=pool.id[places], run_start=before[pool.run_start[places]]),
                replace(seekers, start=before[seekers.start], low=before[seekers.low], high=before[seekers.high]), np.append(places, NONE))

    def _first_but_own(self, who: np.ndarray, pool: Pool, seekers: Seekers, places: np.ndarray) -> np.ndarray:
        """One more of the nearest than were chosen before holds one that was not."""
        own = self.chosen[who]
        near = places[nearest_places(pool, seekers, own.shape[1] + 1, self.width)]
        new = (near[:, :, None] != own[:, None, :]).all(axis=2)
        return near[np.arange(len(who)), new.argmax(axis=1)]

    def nearest(self, i: int) -> int:
        here, start, high = self._x[i], self._start[i], self._high[i]
        own = () if self.own is None else self.own[i]
        right = self._next_free(start, own)
        left = self._run_before(start - 1, self._low[i], own)
        to_right = self._score[right] - here if right < high else INFINITY
        to_left = here - self._score[left] if left != NONE else INFINITY
        place, gap = (left, to_left) if to_left < to_right else (right, to_right)
        if to_left == to_right < INFINITY and self._id[left] < self._id[right]:
            place = left
        return place if gap <= self.width and gap < INFINITY else NONE

    def within_reach(self, who: np.ndarray) -> np.ndarray:
        return nearest_places(self.pool, self.seekers.keep(who), 1, self.width)[:, 0] != NONE

    def with_replacement(self, wanted: np.ndarray, *, ties: str) -> tuple[np.ndarray, np.ndarray]:
        near = nearest_places(self.pool, self.seekers, int(wanted.max()), self.width)
        near[np.arange(near.shape[1]) >= wanted[:, None]] = NONE
        if ties == "share":
            return self._sharing(near)
        found = near != NONE
        return np.repeat(np.arange(len(near)), found.sum(axis=1)), near[found]

    def _sharing(self, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All places as near as the last of `near`: those nearer, and on both sides the whole run at that distance; together one stretch."""
        pool, seekers = self.pool, self.seekers
        some = np.flatnonzero(near[:, 0] != NONE)
        near, start, x = near[some], seekers.start[some], seekers.score[some]
        gap = np.where(near == NONE, -1.0, np.abs(x[:, None] - pool.score[near]))
        last = gap.max(axis=1)
        nearer = (gap < last[:, None]) & (near != NONE)
        begin = start - (nearer & (near < start[:, None])).sum(axis=1)
        end = start + (nearer & (near >= start[:, None])).sum(axis=1)
        left, right = np.maximum(begin - 1, 0), np.minimum(end, len(pool) - 1)
        more_left = (begin > seekers.low[some]) & (x - pool.score[left] == last)
        more_right = (end < seekers.high[some]) & (pool.score[right] - x == last)
        begin, end = np.where(more_left, pool.run_start[left], begin), np.where(more_right, pool.run_end(right), end)
        return np.repeat(some, _refuse_many(end - begin)), _stretches(begin, end)


class FreeWithinLimits(Free):
    """Free places where limits on other columns forbid some pairs.

    Places stand in the order of (cell, score, id), where a cell is a stratum cut by the columns with the narrowest limits, in pieces as wide as
    these: a seeker looks into its own cell and those beside it. Many seekers look together, at windows that grow until each has found enough; one
    alone walks from place to place, and after `STEPS` of them looks at windows too.
    """

    def __init__(self, problem: Problem, pool: Pool, seekers: Seekers) -> None:
        cell, around = cells_of(problem, pool, seekers)
        order, n_cells = order_of_codes(cell), int(cell.max(initial=0)) + 1
        bounds, there = np.append(0, np.cumsum(np.bincount(cell, minlength=n_cells))), around >= 0
        self._low, self._high = np.where(there, bounds[around], 0), np.where(there, bounds[around + 1], 0)
        before = np.searchsorted(cell[order] * (len(pool) + 1) + order, around * (len(pool) + 1) + seekers.start[:, None])
        self._start = np.where(there, before, 0)
        super().__init__(problem, replace(pool, stratum=cell).keep(order), seekers)
        self._found = np.full(len(seekers), NONE)
        self._renew()
        rows = np.concatenate([self.pool.row, seekers.row])
        self._limits = tuple(replace(limit, values=limit.values[rows]) for limit in problem.limits)
        self._differ = tuple(code[rows] for code in problem.differ)
        self._limit_views = [(memoryview(np.asarray(limit.values, dtype=float)), limit.width) for limit in self._limits]
        self._differ_views = [memoryview(np.asarray(code, dtype=np.int64)) for code in self._differ]

    def first(self, who: np.ndarray) -> np.ndarray:
        self._found[who] = NONE
        for row, place, gap in self._hits(who, 1):
            new = np.append(True, row[1:] != row[:-1])
            starts, number = np.flatnonzero(new), np.cumsum(new) - 1
            ids = np.where(gap == np.minimum.reduceat(gap, starts)[number], self.pool.id[place], np.iinfo(np.int64).max)
            best = ids == np.minimum.reduceat(ids, starts)[number]
            self._found[row[best]] = place[best]
        return self._found[who]

    def nearest(self, i: int) -> int:
        own = () if self.own is None else self.own[i]
        for step, place in enumerate(self._walk(i)):
            if step == STEPS:
                return int(self.first(np.array([i]))[0])
            if place not in own and self._may_one(i, place):
                return place
        return NONE

    def within_reach(self, who: np.ndarray) -> np.ndarray:
        anew = copy.copy(self)
        anew._left, anew.own = np.ones_like(self._left), None
        anew._renew()
        return anew.first(who) != NONE

    def with_replacement(self, wanted: np.ndarray, *, ties: str) -> tuple[np.ndarray, np.ndarray]:
        parts = list(self._hits(np.arange(len(wanted)), int(wanted.max())))
        who, place, gap = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else (np.empty(0, dtype=np.int64),) * 3
        order = stable_order(gap, then=self.pool.id[place])
        order = order[order_of_codes(who[order])]
        who, place, gap = who[order], place[order], gap[order]
        taken = np.arange(len(who)) - np.searchsorted(who, who) < wanted[who]
        if ties == "share":
            last = np.full(len(wanted), -1.0)
            last[who[taken]] = gap[taken]                                  # the last one written stays
            taken = gap <= last[who]
        return who[taken], place[taken]

    def _renew(self) -> None:
        """List the free places, and count those before each place."""
        is_free = self._left[:-1] > 0
        self._places, self._before, self._n_used = np.flatnonzero(is_free), np.append(0, np.cumsum(is_free)), 0

    def _hits(self, who: np.ndarray, enough: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Seekers with the places that each may have and their distances, nearer than any other: at least `enough` each, or all; one seeker after the
        other."""
        if len(who) > 1 or self._n_used > len(self._places) // 8:
            self._renew()
        span = SPAN
        while len(who):
            size, again = max(1, CELLS // (2 * span * self._start.shape[1])), []
            for k in range(0, len(who), size):
                part = who[k:k + size]
                row, place, gap, is_all = self._window(part, span)
                done = is_all | (np.bincount(row, minlength=len(part)) >= enough)
                own = np.flatnonzero(done[row])
                if len(own):
                    yield part[row[own]], place[own], gap[own]
                again.append(part[~done])
            who, span = np.concatenate(again), span * WIDER

    def _window(self, who: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Allowed free places within `span` places on either side that are nearer than any outside: position in `who`, place and distance of each;
        and whether nothing within reach lies outside."""
        places, x = self._places, self.seekers.score[who]
        at, low, high = (self._before[values[who]] for values in (self._start, self._low, self._high))
        span = min(span, int((high - low).max()))
        outside = np.minimum(np.where(at - span > low, x[:, None] - self._score_at(at - span - 1), np.inf),
                             np.where(at + span < high, self._score_at(at + span) - x[:, None], np.inf)).min(axis=1)
        is_all = (outside > self.width) | np.isinf(outside)
        number = at[:, :, None] + np.arange(-span, span)
        row, cell, column = np.nonzero((number >= low[:, :, None]) & (number < high[:, :, None]))
        place = places[number[row, cell, column]]
        gap = np.abs(x[row] - self.pool.score[place])
        free = self._left[place] > 0
        self._n_used += len(free) - int(np.count_nonzero(free))
        near = np.flatnonzero(free & (gap <= self.width) & (is_all[row] | (gap < outside[row])))
        near = near[self._may(who[row[near]], place[near])]
        return row[near], place[near], gap[near], is_all

    def _score_at(self, number: np.ndarray) -> np.ndarray:
        """Score of the free place with each number, which is brought into range."""
        if not len(self._places):
            return np.zeros(number.shape)
        return self.pool.score[self._places[np.clip(number, 0, len(self._places) - 1)]]

    def _may(self, who: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Whether limits and columns that must differ allow pairs, and the seeker has not chosen the place before."""
        i = len(self.pool) + who
        may = np.ones(len(place), dtype=bool)
        for limit in self._limits:
            may &= limit.holds(i, place)
        for code in self._differ:
            may &= (code[i] != code[place]) | (code[i] < 0)
        if self.own is not None:
            may &= (self.chosen[who] != place[:, None]).all(axis=1)
        return may

    def _may_one(self, i: int, place: int) -> bool:
        """The same of one pair, its own choices apart."""
        i += len(self.pool)
        for values, width in self._limit_views:
            gap = abs(values[i] - values[place])
            if not (gap <= width if width >= 0 else gap > -width):
                return False
        return all(code[i] != code[place] or code[i] < 0 for code in self._differ_views)

    def _walk(self, i: int) -> Iterator[int]:
        """Free places within the caliper in the order of (distance, id), allowed or not: two ways from the seeker in each cell, nearer head first."""
        here, heads = self._x[i], []
        for start, low, high in zip(self._start[i].tolist(), self._low[i].tolist(), self._high[i].tolist(), strict=True):
            for place, end in ((self._next_free(start, ()), high), (self._run_before(start - 1, low, ()), -low - 1)):
                self._come(heads, here, place, end)
        while heads:
            _, _, place, end = heapq.heappop(heads)
            yield place
            after = self._next_free(place + 1, ())
            if end < 0 and self._run_start[after] != self._run_start[place]:
                after = self._run_before(self._run_start[place] - 1, -end - 1, ())
            self._come(heads, here, after, end)

    def _come(self, heads: list[tuple[float, int, int, int]], here: float, place: int, end: int) -> None:
        """Put a place on a way if it lies on it and within the caliper. `end` is one past a way up, and -1 less the last place of a way down."""
        if place < end or 0 > end >= -place - 1:
            gap = abs(self._score[place] - here)
            if gap <= self.width and gap < INFINITY:
                heapq.heappush(heads, (gap, self._id[place], place, end))


def cells_of(problem: Problem, pool: Pool, seekers: Seekers) -> tuple[np.ndarray, np.ndarray]:
    """Cells of places, shape (n_places,), and the cells where each seeker may find a place, shape (n_seekers, 3 ** columns); -1 where nobody is.

    A cell is a stratum cut by at most two columns, those whose limits are narrowest, into pieces a little wider than the limit: so what is allowed
    lies in the same piece or in one beside it.
    """
    cell, around = pool.stratum, seekers.stratum[:, None]
    for piece, n_pieces in _pieces(problem, int(cell.max(initial=0)) + 1):
        own, there = piece[pool.row], piece[seekers.row][:, None, None] + np.arange(-1, 2)
        cell = np.where((own > 0) & (cell >= 0), cell * n_pieces + own, -1)
        around = np.where((there > 0) & (around[:, :, None] >= 0), around[:, :, None] * n_pieces + there, -1).reshape(len(around), -1)
    names, cell = np.unique(cell, return_inverse=True)
    number = np.minimum(np.searchsorted(names, around), len(names) - 1)
    return cell, np.where((names[number] == around) & (around >= 0), number, -1)


def _pieces(problem: Problem, n_strata: int) -> list[tuple[np.ndarray, int]]:
    """Piece of each row from 1 up, -9 where the column is missing, and the number of pieces: of the two limits that leave least of a column's range,
    if they leave less than half."""
    spans = [np.nanmax(limit.values) - np.nanmin(limit.values) if np.isfinite(limit.values).any() else 0.0 for limit in problem.limits]
    narrow = [(limit.width / span, k) for k, (limit, span) in enumerate(zip(problem.limits, spans, strict=True)) if 0 < 6 * limit.width < span]
    found, n_cells = [], n_strata
    for _, k in sorted(narrow)[:2]:
        values, low = problem.limits[k].values, np.nanmin(problem.limits[k].values)
        size = problem.limits[k].width * (1 + 1e-6) + 8 * np.spacing(np.nanmax(np.abs(values)))
        n_pieces = int(spans[k] / size) + 4
        n_cells *= n_pieces
        if n_cells < 2**62:
            found.append((np.where(np.isnan(values), -10, np.floor((values - low) / size)).astype(np.int64) + 1, n_pieces))
    return found


def _follow(pointer: memoryview, left: memoryview, place: int) -> int:
    """Follow pointers to a free place; every place on the way is made to point further."""
    while not left[place]:
        after = pointer[place]
        if not left[after]:
            after = pointer[place] = pointer[after]
        place = after
    return place


def _stretches(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The places from each `begin` up to its `end`, one stretch after the other."""
    size = end - begin
    return np.repeat(begin - np.cumsum(size) + size, size) + np.arange(int(size.sum()))


def _refuse_many(size: np.ndarray) -> np.ndarray:
    if size.sum() > MOST_SHARED:
        raise PlanError(f"Comparison rows that are equally near must be few enough to be listed: {int(size.sum()):,} pairs would share ties, more "
                        f"than {MOST_SHARED:,}. Set `matching.ties` to id, or match on strata of the score.")
    return size
