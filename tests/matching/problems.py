"""Small matching problems as arrays, and what a plain program makes of them."""
from __future__ import annotations

import numpy as np

from evaluation.matching.candidates import Candidates
from evaluation.matching.problem import Problem


def problem_of(score, stratum, focal, ids=None, *, width=float("inf"), capacity=1, limits=(), differ=()) -> Problem:
    """A problem on a score; `ids` are the places of the rows in the order of identifiers."""
    score, focal = np.asarray(score, dtype=float), np.asarray(focal, dtype=bool)
    n = len(score)
    ids = np.arange(n) if ids is None else np.asarray(ids)
    rows = Candidates(treated=focal, period=np.zeros(n, dtype=np.int64), unit=np.arange(n), id=ids, weights=np.ones(n), column=lambda name: score)
    return Problem(rows=rows, focal=focal, stratum=np.asarray(stratum), x=np.empty((n, 0)), names=(), score=score, probability=score, width=width,
                   limits=tuple(limits), differ=tuple(differ), capacity=np.broadcast_to(np.asarray(capacity), n).astype(np.int64))


def greedy(problem: Problem, wanted, order: str, *, seed: int = 0, ties: str = "id") -> dict[int, list[int]]:
    """The rule, word for word: rounds in the order asked for, the smallest (distance, id) of what is left and allowed; choices by focal row."""
    ids, score, left = problem.rows.id, problem.score, problem.capacity.copy()
    others = np.flatnonzero(~problem.focal)
    chosen = {i: [] for i in np.flatnonzero(problem.focal).tolist()}
    draw = np.random.default_rng(seed).random(int(ids.max()) + 1)
    rank = {"largest": -score, "smallest": score, "random": draw[ids]}.get(order, np.zeros(len(score)))

    def gap(i, j):
        return abs(score[i] - score[j])

    def nearest(i):
        there = [j for j in others[problem.admissible(i, others) & (left[others] > 0)].tolist() if j not in chosen[i]]
        return min(there, key=lambda j: (gap(i, j), ids[j]), default=None)

    def take(i, j):
        chosen[i].append(j)
        left[j] -= 1

    active = list(chosen)
    for k in range(int(max(wanted))):
        active = [i for i in active if wanted[i] > k]
        turn = sorted(active, key=lambda i: (rank[i], ids[i]))
        if order == "farthest":
            at = {i: nearest(i) for i in active}
            turn = sorted((i for i in active if at[i] is not None), key=lambda i: (-gap(i, at[i]), ids[i]))
        while turn:
            if order == "closest":
                found = [(gap(i, j), ids[i], ids[j], i, j) for i in turn if (j := nearest(i)) is not None]
                if not found:
                    break
                i, j = min(found)[3:]
                turn.remove(i)
            else:
                i = turn.pop(0)
                j = nearest(i)
            if j is not None:
                take(i, j)
        active = [i for i in active if len(chosen[i]) > k]
    if ties == "share":
        for i, js in chosen.items():
            last = max((gap(i, j) for j in js), default=-1.0)
            js += [j for j in others[problem.admissible(i, others)].tolist() if gap(i, j) <= last and j not in js]
    return {i: js for i, js in chosen.items() if js}


def as_lists(pairs) -> dict[int, list[int]]:
    """Comparison rows by focal row, in the order of choice."""
    out: dict[int, list[int]] = {}
    for i, j in zip(pairs.focal.tolist(), pairs.other.tolist(), strict=True):
        out.setdefault(i, []).append(j)
    return out
