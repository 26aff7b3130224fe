"""Who chooses when, where comparison rows are used up: rounds, the order inside a round, and the greedy choice itself.

`data` is the order of id; `random` draws a number for every id, so that neither the order of rows nor that of strata matters. `closest` takes the
nearest pair that is left, one after the other: on a score that is always a pair of neighbours, see `closest.py`. `farthest` begins with the seekers
whose nearest free comparison row is farthest when the round begins, as MatchIt does.
"""
from __future__ import annotations

import heapq

import numpy as np

from evaluation.matching.search.closest import closest_pairs
from evaluation.matching.search.free import Free, FreeOnScore
from evaluation.matching.search.places import NONE, Seekers, stable_order

ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest")


def choose_in_rounds(search: Free, wanted: np.ndarray, *, order: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Seekers and the places they chose, each seeker's in the order of choice.

    Everyone gets a first place before anyone a second; who gets none in a round is out of the later ones.

    Parameters
    ----------
    search : Free
        What is left; it is used up.
    wanted : ndarray of int, shape (n_seekers,)
    order : one of `ORDERS`
    seed : int
    """
    chosen = np.full((len(wanted), int(wanted.max())), NONE)
    sequence = sequence_of(search.seekers, order, seed)
    for j in range(chosen.shape[1]):
        search.remember(chosen[:, :j])
        asking = sequence[wanted[sequence] > j]
        if not len(asking):
            break
        who, place = _choose_once(search, asking, order)
        chosen[who, j] = place
        sequence = sequence[chosen[sequence, j] != NONE]
    found = chosen != NONE
    return np.repeat(np.arange(len(chosen)), found.sum(axis=1)), chosen[found]


def sequence_of(seekers: Seekers, order: str, seed: int) -> np.ndarray:
    """Seekers in the order in which they choose, ties by id; by id where the order hangs on what is left."""
    by_id = seekers.by_id()
    if order == "largest":
        return by_id[stable_order(-seekers.score[by_id])]
    if order == "smallest":
        return by_id[stable_order(seekers.score[by_id])]
    if order == "random":
        draw = np.random.default_rng(seed).random(int(seekers.id.max()) + 1)
        return by_id[stable_order(draw[seekers.id[by_id]])]
    return by_id


def _choose_once(search: Free, sequence: np.ndarray, order: str) -> tuple[np.ndarray, np.ndarray]:
    """One round."""
    if order == "closest" and isinstance(search, FreeOnScore) and search.own is None:
        return closest_pairs(search, sequence)
    first = search.first(sequence)
    sequence, first = sequence[first != NONE], first[first != NONE]
    if order == "closest":
        return _nearest_pairs(search, sequence, first)
    if order == "farthest":
        down = stable_order(-search.distance(sequence, first))
        sequence, first = sequence[down], first[down]
    place = np.array(_in_turn(sequence.tolist(), first.tolist(), search), dtype=np.int64)
    return sequence[place != NONE], place[place != NONE]


def _in_turn(sequence: list[int], first: list[int], search: Free) -> list[int]:
    """Each seeker takes the place that was nearest when the round began, or if it is used up the nearest that is left."""
    left, nearest, out = search.left, search.nearest, []
    for i, place in zip(sequence, first, strict=True):
        if not left[place]:
            place = nearest(i)
        if place != NONE:
            left[place] -= 1
        out.append(place)
    return out


def _nearest_pairs(search: Free, sequence: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pair that is left, one after the other; ties by id. A place found earlier is looked up again when it has been taken."""
    gap, turn = search.distance(sequence, first), search.seekers.turn[sequence]
    heap = sorted(zip(gap.tolist(), turn.tolist(), sequence.tolist(), first.tolist(), strict=True))
    who, places = [], []
    while heap:
        _, order, i, place = heap[0]
        if search.left[place]:
            heapq.heappop(heap)
            search.left[place] -= 1
            who.append(i)
            places.append(place)
            continue
        place = search.nearest(i)
        if place == NONE:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (float(search.distance(i, place)), order, i, place))
    return np.array(who, dtype=np.int64), np.array(places, dtype=np.int64)
