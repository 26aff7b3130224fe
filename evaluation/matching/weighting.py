"""What weighting methods share: everyone of a stratum in one set, with weights on both sides that add up to the same."""
from __future__ import annotations

import numpy as np

from evaluation.matching.problem import MATCHED, NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, STRATUM_MISSING, Problem, Sets

TARGETS = {"ATT": "those who joined", "ATC": "those who did not join", "ATE": "everyone", "ATO": "the overlap of both sides",
           "ATM": "those whom pairs would keep"}


def totals(stratum: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum of `values` over `rows` in each stratum from 0 up; shape (n_strata,)."""
    use = rows & (stratum >= 0)
    return np.bincount(stratum[use], weights=values[use], minlength=int(stratum.max(initial=-1)) + 1)


def weighted_sets(problem: Problem, weight: np.ndarray, reason: np.ndarray, *, everyone: bool = False) -> Sets:
    """One set of each stratum in which both sides have weight.

    Parameters
    ----------
    weight : ndarray, shape (n,)
        Before sampling weights, >= 0; 0 for a row that is not used. Those of the other side are scaled so that, times sampling weights, they add up
        in each set to those of the focal rows; where `everyone`, both sides add up to the sampling weights of the set's rows.
    reason : ndarray of int8, shape (n,)
        Of rows left out so far; strata that lack a side are added.
    """
    sampling, focal, stratum = problem.rows.weights, problem.focal, problem.stratum
    own, rest = (totals(stratum, weight * sampling, side & (weight > 0)) for side in (focal, ~focal))
    good = (own > 0) & (rest > 0)
    use = (weight > 0) & (stratum >= 0) & np.append(good, False)[stratum]
    goal = totals(stratum, sampling, use) if everyone else own
    number = np.cumsum(good) - 1
    members = [np.flatnonzero(use & side) for side in (focal, ~focal)]
    scaled = [weight[rows] * (goal[stratum[rows]] / there[stratum[rows]]) for rows, there in zip(members, (own, rest), strict=True)]
    return Sets(focal=members[0], focal_set=number[stratum[members[0]]], focal_weight=scaled[0], other=members[1],
                other_set=number[stratum[members[1]]], other_weight=scaled[1], reason=_with_missing_side(problem, use, reason, everyone))


def _with_missing_side(problem: Problem, use: np.ndarray, reason: np.ndarray, everyone: bool) -> np.ndarray:
    """Reasons, with those of rows in strata without the other side, now or from the start; 0 for rows that nobody asked for."""
    stratum = problem.stratum
    n_own, n_rest = (totals(stratum, np.ones(len(problem)), side) for side in (problem.focal, ~problem.focal))
    never = np.append((n_own == 0) | (n_rest == 0), False)[stratum]
    why = np.where(stratum < 0, STRATUM_MISSING, np.where(never, NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT))
    asked = (problem.focal | everyone) & ~use
    return np.where(asked, np.where(reason != MATCHED, reason, why), MATCHED).astype(np.int8)
