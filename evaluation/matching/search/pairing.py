"""Pairing on a score inside strata: arrays in, pairs out. Knows no panels.

Ties go to the smaller distance, then the smaller id, so that the order of rows never matters. Where comparison rows stand is in `places.py`, which of
them are still free in `free.py`, and who chooses when in `turns.py`.
"""
from __future__ import annotations

import numpy as np

from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, OUTSIDE_CALIPER, STRATUM_MISSING, Pairs, Problem
from evaluation.matching.search.free import free_places
from evaluation.matching.search.places import in_order_of_id, line_up, stable_order
from evaluation.matching.search.turns import choose_in_rounds


def pair_nearest(problem: Problem, *, wanted: np.ndarray, order: str = "largest", seed: int = 0, ties: str = "id") -> Pairs:
    """Nearest comparison rows on the score inside strata.

    Parameters
    ----------
    problem : Problem
        Scores, strata, the caliper and other limits, and how many focal rows a comparison row may serve. Where that is at least the number of
        focal rows for every one, nobody ever takes a row from another.
    wanted : ndarray of int, shape (n,)
        Comparison rows wanted by each focal row, >= 1; fewer where fewer are within reach.
    order : 'largest', 'smallest', 'data', 'random', 'closest' or 'farthest'
        Who chooses first; see `turns.py`. Everyone gets a first comparison row before anyone a second.
    seed : int
        Of the random order.
    ties : 'id' or 'share'
        Whether of equally near comparison rows the smaller ids are taken, or all join that are as near as the last one wanted; only where nothing is
        used up.

    Raises
    ------
    PlanError
        Sharing ties would make more than 50 million pairs.
    """
    pool, everyone = line_up(problem)
    reason = np.zeros(len(problem), dtype=np.int8)
    reason[problem.focal] = STRATUM_MISSING
    reason[everyone.row] = NO_COMPARISON_IN_STRATUM
    seekers = everyone.keep(everyone.low < everyone.high)
    if not len(seekers):
        return Pairs(focal=seekers.row, other=seekers.row, reason=reason)
    search = free_places(problem, pool, seekers)
    wanted = wanted[seekers.row]
    if (problem.capacity[pool.row] >= len(seekers)).all():
        who, place = search.with_replacement(wanted, ties=ties)
    else:
        who, place = choose_in_rounds(search, wanted, order=order, seed=seed)
    alone = np.ones(len(seekers), dtype=bool)
    alone[who] = False
    reason[seekers.row[~alone]] = 0
    reason[seekers.row[alone]] = np.where(search.within_reach(np.flatnonzero(alone)), NO_COMPARISON_LEFT, OUTSIDE_CALIPER)
    focal = seekers.row[who]
    by_row = np.argsort(focal, kind="stable")
    return Pairs(focal=focal[by_row], other=search.pool.row[place[by_row]], reason=reason)


def extremal_ratios(problem: Problem, *, mean: int, least: int, most: int) -> np.ndarray:
    """How many comparison rows each focal row wants when the mean is fixed and most want the least or the most; shape (n,).

    The focal rows least like the comparison rows (those with the largest scores where the focal mean is larger, ties by id) want `least`, the others
    `most`, and one what is left over.

    References
    ----------
    Ming and Rosenbaum (2000), DOI 10.1111/j.0006-341X.2000.00118.x. As `min.controls` and `max.controls` of MatchIt 4.7.2.
    """
    focal = in_order_of_id(np.flatnonzero(problem.focal), problem.rows.id)
    x, others, n = problem.score[focal], problem.score[~problem.focal], len(focal)
    wanted = np.ones(len(problem), dtype=np.int64)
    if not n or not len(others):
        return wanted
    many = (mean - least) * n // (most - least)            # the number that can have the most
    share = np.full(n, least)
    share[n - many:] = most
    if many < n:
        share[n - many - 1] += mean * n - share.sum()
    wanted[focal[stable_order(-x if x.mean() > others.mean() else x)]] = share
    return wanted
