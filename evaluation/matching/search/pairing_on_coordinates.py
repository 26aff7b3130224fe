"""Pairing in several dimensions: who chooses when. Where free rows stand, and which are nearest, is in `neighbours.py`."""
from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np

from evaluation.matching.problem import (
    COVARIATE_MISSING,
    MATCHED,
    NO_COMPARISON_IN_STRATUM,
    NO_COMPARISON_LEFT,
    OUTSIDE_CALIPER,
    STRATUM_MISSING,
    Pairs,
    Problem,
)
from evaluation.matching.search.neighbours import NEVER, Neighbours, Places

FEWEST, MOST = 64, 16_384      # focal rows that look for candidates together
RARE = 50                      # fewer of them when more than one in so many had to look again alone


def pair_on_coordinates(problem: Problem, z: np.ndarray, *, first: np.ndarray, ratio: int, by_distance: int = 0) -> Pairs:
    """Nearest comparison rows in several dimensions.

    Parameters
    ----------
    problem : Problem
        Who is focal, who may be matched with whom, and how often a row may be used.
    z : ndarray, shape (n, q)
        Coordinates whose Euclidean distance counts; a row with NaN is never matched.
    first : ndarray, shape (n,)
        Focal rows choose in this order, smallest first; then in the order of id.
    ratio : int
        Comparison rows wanted per focal row; everyone gets a first before anyone a second.
    by_distance : 1, -1 or 0
        Focal rows choose from the nearest pair up, from the farthest down, or as `first` says.
    """
    complete = np.isfinite(z).all(axis=1)
    key, width = _narrowest(problem)
    pool = np.flatnonzero(~problem.focal & (problem.stratum >= 0) & complete)
    reason = _reasons_before(problem, complete, pool, key)
    focal, pool = np.flatnonzero(problem.focal & (reason == MATCHED)), pool[~np.isnan(key[pool])]
    if not len(focal) or not len(pool):
        reason[focal] = OUTSIDE_CALIPER
        return Pairs(focal=focal[:0], other=pool[:0], reason=reason)
    ids, stratum = problem.rows.id, problem.stratum
    focal = focal[np.lexsort((stratum[focal], ids[focal]) if by_distance else (ids[focal], first[focal], stratum[focal]))]
    pool = pool[np.lexsort((key[pool], stratum[pool]))]
    rows = np.concatenate([pool, focal])
    search = Neighbours(replace(problem, x=problem.x[:, :0]).keep(rows), _in_own_units(z[rows]),
                        Places.of(stratum[rows], key[rows], width, len(pool)), ratio=ratio)
    unlimited = bool((search.left >= len(focal)).all())
    i, j = _by_distance(search, ratio, by_distance) if by_distance and not unlimited else _in_order(search, ratio, unlimited)
    alone = np.setdiff1d(np.arange(len(focal)), i)
    reason[focal[alone]] = [NO_COMPARISON_LEFT if search.has_any(number) else OUTSIDE_CALIPER for number in alone.tolist()]
    return Pairs(focal=focal[i], other=pool[j], reason=reason)


def _in_order(search: Neighbours, ratio: int, unlimited: bool) -> tuple[list[int], list[int]]:
    """Focal rows choose one after the other, in rounds; where nothing is ever used up, one round of `ratio` choices is the same."""
    chosen, size = ([], []), 8 * FEWEST
    order = np.arange(len(search.focal))
    for _ in range(1 if unlimited else ratio):
        start, found = 0, len(chosen[0])
        while start < len(order):
            batch, n_alone = order[start:start + size], search.n_alone
            search.prepare(batch)
            for i in batch.tolist():
                _choose(search, i, ratio if unlimited else 1, chosen)
            start += len(batch)
            size = max(size // 2, FEWEST) if search.n_alone - n_alone > len(batch) / RARE else min(2 * size, MOST)
        order = np.array(chosen[0][found:], dtype=np.int64)
    return chosen


def _choose(search: Neighbours, i: int, n: int, chosen: tuple[list[int], list[int]]) -> None:
    """Up to n choices of one focal row."""
    for _ in range(n):
        best = search.best(i)
        if best == NEVER:
            return
        chosen[0].append(i)
        chosen[1].append(search.take(i, best))


def _by_distance(search: Neighbours, ratio: int, sign: int) -> tuple[list[int], list[int]]:
    """The focal row whose nearest free comparison row is nearest (1) or farthest (-1) chooses first, in rounds; ties by id.

    What is nearest is looked up when a round begins and when the row found has been taken, as in MatchIt: from the nearest up that is the plain
    greedy choice of the nearest pair left.
    """
    chosen = [], []
    order = np.arange(len(search.focal))
    for _ in range(ratio):
        found = len(chosen[0])
        (_from_nearest if sign > 0 else _from_farthest)(search, order, chosen)
        order = np.sort(np.array(chosen[0][found:], dtype=np.int64))
    return chosen


def _from_nearest(search: Neighbours, order: np.ndarray, chosen: tuple[list[int], list[int]]) -> None:
    """One round. Those without a known candidate wait, with a bound on their distance, until the bound is next; then many search together."""
    heap, waiting = [], [(0, i) for i in order.tolist()]
    while heap or waiting:
        if waiting and (not heap or waiting[0][0] <= heap[0][0]):
            together = [heapq.heappop(waiting)[1] for _ in range(min(MOST, len(waiting)))]
            search.prepare(np.array(together))
            for i in together:
                if (best := search.best(i)) != NEVER:
                    heapq.heappush(heap, (search.distance(best), i, best))
            continue
        _, i, best = heapq.heappop(heap)
        if search.is_free(best):
            chosen[0].append(i)
            chosen[1].append(search.take(i, best))
        elif (best := search.best_known(i)) != NEVER:
            heapq.heappush(heap, (search.distance(best), i, best))
        elif search.limit[i] < NEVER:
            heapq.heappush(waiting, (search.distance(int(search.limit[i])), i))


def _from_farthest(search: Neighbours, order: np.ndarray, chosen: tuple[list[int], list[int]]) -> None:
    """One round. Who has to look again finds someone farther off, and so is still the next."""
    for start in range(0, len(order), MOST):
        search.prepare(order[start:start + MOST])
    turns = sorted((-search.distance(best), i) for i in order.tolist() if (best := search.best(i)) != NEVER)
    for _, i in turns:
        _choose(search, i, 1, chosen)


def _narrowest(problem: Problem) -> tuple[np.ndarray, float]:
    """Values and width of the caliper that leaves the fewest within reach: the score's, or a named column's; zeros without any."""
    calipers = [(limit.values, limit.width) for limit in problem.limits if limit.width >= 0]
    if np.isfinite(problem.width):
        calipers.append((problem.score, problem.width))
    if not calipers:
        return np.zeros(len(problem)), np.inf
    return min(calipers, key=lambda caliper: caliper[1] / (np.nanstd(caliper[0]) or 1.0))


def _reasons_before(problem: Problem, complete: np.ndarray, pool: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Why focal rows need not be looked at, int8 of shape (n,)."""
    has_pool = np.zeros(int(problem.stratum.max(initial=0)) + 2, dtype=bool)
    has_pool[problem.stratum[pool]] = True
    why = np.select([problem.stratum < 0, ~complete, ~has_pool[problem.stratum], np.isnan(key)],
                    [STRATUM_MISSING, COVARIATE_MISSING, NO_COMPARISON_IN_STRATUM, OUTSIDE_CALIPER], MATCHED)
    return np.where(problem.focal, why, MATCHED).astype(np.int8)


def _in_own_units(z: np.ndarray) -> np.ndarray:
    """Coordinates over their spread, to the nearest power of two: no digit changes, and ties mean the same whatever the unit."""
    spread = float(np.sqrt(np.square(z - z.mean(axis=0)).mean())) if z.size else 0.0
    return z / 2.0 ** np.round(np.log2(spread)) if spread > 0 else z
