"""Nearest free rows in several dimensions: what greedy pairing on covariates asks, again and again, while rows are used up.

The answer is exact, in the order of (distance, id). Two ways find candidates and neither decides anything: all distances inside a small window of
the narrowest caliper, or kd-trees of slabs as wide as that caliper, so that however narrow it is most of what a tree gives lies inside it.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.matching.problem import Problem

DECIMALS = 1e8                 # distances, over the spread of the coordinates, agree to 8 decimals: sums of squares differ in their last digits
CERTAIN = 2e-8                 # a kd-tree's distance may differ from ours by so much
DENSE, ALONE = 256, 8192       # windows of up to so many free rows are searched whole: of many focal rows together, of one alone
CELLS = 1 << 18                # distances held at once
KEPT = 16                      # candidates kept per focal row
NEAREST, ROWS = 8, 16          # points asked of each kd-tree when one is wanted, and rows of each point
LOOK = 64                      # rows of the nearest points that one focal row looks at first
WASTE = 4                      # weight of a point that a tree gave for nothing, against a row of a tree to be made anew
TWO_WORKERS = 256              # searches of a tree from which a second core pays
NONE = -1
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where to look, when comparison rows stand in the order of (stratum, key).

    Attributes
    ----------
    block : ndarray of int, shape (n_pool,)
        Slab of each comparison row: a stretch of one stratum, as wide as the caliper.
    low, high : ndarray of int, shape (n_focal,)
        First comparison row within reach of each focal row, and one past the last; a little wider than the caliper, never narrower.
    """

    block: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, stratum: np.ndarray, key: np.ndarray, width: float, n_pool: int) -> Places:
        """Of `n_pool` sorted comparison rows and the focal rows after them."""
        reach = width if np.isfinite(width) else 0.0
        key = key - key.min()
        step = 1.01 * (key.max() + 2 * reach) or 1.0                       # strata lie farther apart than any caliper reaches
        along = stratum * step + key
        slack = reach + 8 * np.spacing(along.max())
        pool, focal = along[:n_pool], along[n_pool:]
        slab = np.floor(key[:n_pool] / reach) if reach else np.zeros(n_pool)
        starts = (np.diff(stratum[:n_pool], prepend=-1) != 0) | (np.diff(slab, prepend=-1) != 0)
        return cls(block=np.cumsum(starts) - 1, low=np.searchsorted(pool, focal - slack, side="left"),
                   high=np.searchsorted(pool, focal + slack, side="right"))


class Tree:
    """A kd-tree of the distinct points of some rows: equal rows would fill a whole search.

    Point p stands for `places[start[p]:start[p + 1]]`, in the order of rank.
    """

    def __init__(self, places: np.ndarray, z: np.ndarray, rank: np.ndarray) -> None:
        from scipy.spatial import cKDTree

        points = z[places]
        mixed = sum((np.sqrt(2 + column) * values for column, values in enumerate(points.T)), np.zeros(len(places)))   # brings equal rows together
        order = np.lexsort((rank[places], mixed))
        points = points[order]
        new = np.ones(len(places), dtype=bool)
        new[1:] = (points[1:] != points[:-1]).any(axis=1)
        self.tree, self.n_points = cKDTree(points[new]), int(new.sum())
        self.places, self.start = places[order], np.append(np.flatnonzero(new), len(places))

    def nearest(self, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and numbers of the k nearest points, or of all where there are fewer; shape (n, k)."""
        k = min(k, self.n_points)
        if k == 0:
            return np.empty((len(z), 0)), np.empty((len(z), 0), dtype=np.int64)
        return self.tree.query(z, k=np.arange(1, k + 1), workers=2 if len(z) >= TWO_WORKERS else 1)

    def rows_of(self, points: np.ndarray) -> np.ndarray:
        """Places of points."""
        size = self.start[points + 1] - self.start[points]
        return self.places[np.repeat(self.start[points] - np.cumsum(size) + size, size) + np.arange(size.sum())]

    def first_rows_of(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Up to `ROWS` places of each point, shape (n, k, at most ROWS), -1 where there are fewer; and whether a point has more, shape (n, k)."""
        size = self.start[points + 1] - self.start[points]
        n = min(ROWS, int(size.max(initial=0)))
        if n == 0:
            return np.empty((*points.shape, 0), dtype=np.int64), size > 0
        number = self.start[points][:, :, None] + np.arange(n)
        return np.where(np.arange(n) < size[:, :, None], self.places[np.minimum(number, len(self.places) - 1)], NONE), size > n

    def drop_used(self, free: np.ndarray) -> None:
        """Take used rows out of points that stand for several."""
        if len(self.places) > self.n_points and not (stays := free[self.places]).all():
            self.start = np.append(0, np.cumsum(stays))[self.start]
            self.places = self.places[stays]


class Neighbours:
    """Free comparison rows in the order of (distance, id) for each focal row: `best` gives the first, `take` uses it up.

    Rows of `problem` and of the coordinates `z` are the comparison rows, in the order that `places` wants, then the focal ones; both are numbered
    from 0 here. A candidate is one integer: its distance in units of 10^-8, then the rank of its id, so that the smaller comes first.
    """

    def __init__(self, problem: Problem, z: np.ndarray, places: Places, *, ratio: int) -> None:
        n, n_focal = len(places.block), len(places.low)
        self.problem, self.pool, self.focal = problem, z[:n], z[n:]
        self.low, self.high, self.block = places.low, places.high, places.block
        self.block_start = np.append(np.flatnonzero(np.diff(self.block, prepend=-1)), n)
        self.trees: dict[int, Tree] = {}
        self.wasted = np.zeros(len(self.block_start), dtype=np.int64)      # points without a free row that a slab's tree gave
        self.bits = n.bit_length()
        self.by_rank = np.argsort(problem.rows.id[:n], kind="stable")
        self.rank = np.empty(n, dtype=np.int64)
        self.rank[self.by_rank] = np.arange(n)
        self.left, self.free = problem.capacity[:n].copy(), problem.capacity[:n] > 0
        self.all_may = problem.is_plain and not np.isfinite(problem.width)
        self.mine: dict[int, list[int]] | None = {} if ratio > 1 else None
        self.n_points = NEAREST + ratio - 1                                # asked of each kd-tree
        self.candidate = np.empty((n_focal, KEPT + ratio - 1), dtype=np.int64)
        self.next, self.count = np.zeros(n_focal, dtype=np.int64), np.zeros(n_focal, dtype=np.int64)
        self.limit = np.zeros(n_focal, dtype=np.int64)                     # candidates from here on are not known; NEVER where all are
        self.met_any = np.zeros(n_focal, dtype=bool)
        self.n_alone = 0                                                   # searches for one focal row

    def prepare(self, batch: np.ndarray) -> None:
        """Find candidates for focal rows together, where none are left from before."""
        batch = batch[(self.next[batch] >= self.count[batch]) & (self.limit[batch] < NEVER)]
        if not len(batch):
            return
        start = self.low[batch].min()
        free = start + np.flatnonzero(self.free[start:self.high[batch].max()])
        low, high = np.searchsorted(free, self.low[batch]), np.searchsorted(free, self.high[batch])
        small = high - low <= DENSE
        self._search_windows(batch[small], free, low[small], high[small])
        self._search_trees(batch[~small])

    def best(self, i: int) -> int:
        """The first free comparison row of focal row `i` that is not yet its own, as a candidate; NEVER if there is none."""
        while (found := self.best_known(i)) == NEVER and self.limit[i] < NEVER:
            self._search_alone(i)
        return found

    def best_known(self, i: int) -> int:
        """`best` among the candidates that were found before; NEVER where none of them is left."""
        start = self.next[i]
        for step, found in enumerate(self.candidate[i, start:self.count[i]].tolist()):
            if self.is_free(found):
                self.next[i] = start + step
                return found
        self.next[i] = self.count[i]
        return NEVER

    def is_free(self, found: int) -> bool:
        """Whether a candidate's row is not used up."""
        return self.free[self.place(found)]

    def place(self, found: int) -> int:
        """A candidate's row."""
        return self.by_rank[found & ((1 << self.bits) - 1)]

    def distance(self, found: int) -> int:
        """A candidate's distance, in units of 10^-8."""
        return found >> self.bits

    def take(self, i: int, found: int) -> int:
        """Pair focal row `i` with its best candidate's row, and say which that is."""
        j = int(self.place(found))
        self.left[j] -= 1
        self.free[j] = self.left[j] > 0
        if self.mine is not None:
            self.mine.setdefault(i, []).append(j)
        self.next[i] += 1
        return j

    def has_any(self, i: int) -> bool:
        """Whether any comparison row, used or not, may be matched with focal row `i`."""
        if self.all_may or self.met_any[i]:
            return True
        return bool(self.problem.admissible(len(self.pool) + i, np.arange(self.low[i], self.high[i])).any())

    def _search_windows(self, batch: np.ndarray, free: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """All distances to `free[low:high]` of each focal row, windows of like size together."""
        order = np.argsort(high - low, kind="stable")
        sizes = (high - low)[order]
        while len(order):
            n = max(1, int(np.searchsorted(sizes * np.arange(1, len(order) + 1), CELLS, side="right")))
            part, size, order, sizes = order[:n], sizes[n - 1], order[n:], sizes[n:]
            number = low[part][:, None] + np.arange(size)
            there = number < high[part][:, None]
            self._keep(batch[part], free[np.where(there, number, 0)] if size else number, there, np.full(n, NEVER))

    def _search_alone(self, i: int) -> None:
        """More candidates of one focal row: from the trees, and at last from its whole window."""
        self.n_alone += 1
        low, high = self.low[i], self.high[i]
        for k in (4 * self.n_points, 32 * self.n_points) if np.count_nonzero(self.free[low:high]) > ALONE else ():
            self._search_points(i, k)
            if self.count[i]:
                return
        self._keep_of_one(i, low + np.flatnonzero(self.free[low:high]), NEVER)

    def _search_points(self, i: int, k: int) -> None:
        """Candidates of one focal row among the k nearest points of every slab within reach: no more points than it takes to find some."""
        asked, limit = [], NEVER
        for block in range(self.block[self.low[i]], self.block[self.high[i] - 1] + 1):
            tree = self._tree(block)
            gap, point = tree.nearest(self.focal[i:i + 1], k)
            asked.append((block, tree, gap[0], point[0]))
            limit = min(limit, self._certain(gap[0, -1])) if gap.shape[1] < tree.n_points else limit
        gaps = np.concatenate([gap for _, _, gap, _ in asked])
        sizes = np.concatenate([tree.start[point + 1] - tree.start[point] for _, tree, _, point in asked])
        order = np.argsort(gaps)
        gaps, total = gaps[order], np.cumsum(sizes[order])
        for wanted in (LOOK, 16 * LOOK, total[-1]):
            last = gaps[min(np.searchsorted(total, wanted), len(gaps) - 1)] * (1 + 1e-12) + CERTAIN
            beyond = np.searchsorted(gaps, last, side="right")
            places = [tree.rows_of(point[gap <= last]) for _, tree, gap, point in asked]
            self._keep_of_one(i, np.concatenate(places), self._certain(gaps[beyond]) if beyond < len(gaps) else limit)
            if self.count[i]:
                break
        for (block, _, _, point), place in zip(asked, places, strict=True):
            self.wasted[block] += min(np.count_nonzero(~self.free[place]), len(point))

    def _search_trees(self, batch: np.ndarray) -> None:
        """The nearest points of every slab within reach, and of each point the first rows."""
        if not len(batch):
            return
        first, last = self.block[self.low[batch]], self.block[self.high[batch] - 1]
        parts, limit = [], np.full(len(batch), NEVER)
        for step in range(int((last - first).max()) + 1):
            block = first + step
            near = np.flatnonzero(block <= last)
            near = near[np.argsort(block[near], kind="stable")]
            found = np.full((len(batch), self.n_points * ROWS), NONE)
            bounds = np.flatnonzero(np.diff(block[near], prepend=-1, append=-1))
            for a, b in zip(bounds[:-1], bounds[1:], strict=True):
                who = near[a:b]
                place, limit_here = self._ask_tree(int(block[near[a]]), batch[who])
                found[who, :place.shape[1]] = place
                limit[who] = np.minimum(limit[who], limit_here)
            parts.append(found[:, (found != NONE).any(axis=0)])
        place = np.concatenate(parts, axis=1)
        self._keep(batch, place, place != NONE, limit)

    def _ask_tree(self, block: int, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the nearest rows in one slab, -1 where there are fewer; and where what is known of it ends."""
        tree = self._tree(block)
        tree.drop_used(self.free)
        gap, point = tree.nearest(self.focal[numbers], self.n_points)
        limit = self._certain(gap[:, -1]) if gap.shape[1] < tree.n_points else np.full(len(numbers), NEVER)
        place, more = tree.first_rows_of(point)
        if more.any():
            ends = np.where(more, self._codes(numbers, np.maximum(place[:, :, -1], 0)) + 1, NEVER)
            limit = np.minimum(limit, ends.min(axis=1))
        self.wasted[block] += np.count_nonzero(~((place != NONE) & self.free[place]).any(axis=2))
        return place.reshape(len(numbers), -1), limit

    def _tree(self, block: int) -> Tree:
        """The tree of a slab's free rows; made anew when the points that it gave for nothing have cost as much."""
        if block not in self.trees or WASTE * self.wasted[block] > len(self.trees[block].places):
            a, b = self.block_start[block:block + 2]
            self.trees[block] = Tree(a + np.flatnonzero(self.free[a:b]), self.pool, self.rank)
            self.wasted[block] = 0
        return self.trees[block]

    def _codes(self, numbers: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Candidates of focal rows, shape (b,), and comparison rows, shape (b, c); always added up in the same order."""
        there, here = self.pool[place], self.focal[numbers]
        total = np.zeros(place.shape)
        for column in range(here.shape[1]):
            gap = there[..., column] - here[:, None, column]
            total += gap * gap
        return self._coded(np.rint(np.sqrt(total) * DECIMALS)) | self.rank[place]

    def _coded(self, units: np.ndarray) -> np.ndarray:
        return np.minimum(units, (1 << 62 - self.bits) - 1).astype(np.int64) << self.bits

    def _certain(self, gap: np.ndarray) -> np.ndarray:
        """No row is nearer than this, as a candidate, when the last distance of a kd-tree is `gap`."""
        return self._coded(np.maximum((gap * (1 - 1e-12) - CERTAIN) * DECIMALS, 0))

    def _keep_of_one(self, i: int, place: np.ndarray, limit: int) -> None:
        """Keep candidates of one focal row."""
        self._keep(np.array([i]), place[None], np.ones((1, len(place)), dtype=bool), np.full(1, limit))

    def _keep(self, batch: np.ndarray, place: np.ndarray, there: np.ndarray, limit: np.ndarray) -> None:
        """Keep the first candidates of each focal row, as far as they are known to be the first."""
        may = self._may(batch, place, there)
        code = np.where(may, self._codes(batch, place), NEVER)
        self.met_any[batch] |= may.any(axis=1)
        n = min(self.candidate.shape[1], code.shape[1])
        if code.shape[1] > n:
            code = np.partition(code, n, axis=1)
            limit = np.minimum(limit, code[:, n])
        code = np.sort(code[:, :n], axis=1)
        self.candidate[batch, :n], self.limit[batch] = code, limit
        self.next[batch], self.count[batch] = 0, (code < limit[:, None]).sum(axis=1)

    def _may(self, batch: np.ndarray, place: np.ndarray, there: np.ndarray) -> np.ndarray:
        """Whether each focal row may be matched now with each place."""
        may = there & self.free[place]
        if not self.all_may:
            may &= self.problem.admissible(len(self.pool) + batch[:, None], place)
        for row, i in enumerate(batch.tolist() if self.mine else ()):
            if i in self.mine:
                may[row] &= ~np.isin(place[row], self.mine[i])
        return may
