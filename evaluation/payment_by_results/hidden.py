"""How far a cause that no record holds could move the comparison share, measured by what the recorded ones would have done.

Matching takes away what is recorded. Had the most telling recorded characteristic not been, the share would be off by how much it differs between
those who join and the others, times how much it matters for the rule: a hidden cause as strong as that would do the same. The thought is the
benchmark of Cinelli and Hazlett (2020, DOI 10.1111/rssb.12348), on the scale of the share.
"""

from __future__ import annotations

import numpy as np

from evaluation.matching.sample import MatchedSample
from evaluation.payment_by_results.results import Results


def most_telling(sample: MatchedSample, comparison: Results, pattern: np.ndarray) -> float:
    """Points of the comparison share by which it would be off without the most telling of the covariates matched on.

    Parameters
    ----------
    comparison : Results
        Rows in the order of the sample's comparison members.
    pattern : ndarray, shape (n_families, n_columns)
        The problems before each column: compared inside each.

    Returns
    -------
    float
        As a fraction of 1, without sign; NaN where too few are followed to tell.
    """
    match = sample.match
    problems = pattern[match.rows.unit, match.rows.period]
    complete = np.isfinite(match.x).all(axis=1) & np.isfinite(problems)
    strata = np.unique(problems, return_inverse=True)[1]
    gap = gaps(match.x[complete], match.rows.treated[complete], strata[complete])
    known = comparison.known & (sample.comparison_weight > 0)
    rows, weight = match.comparison[known], sample.comparison_weight[known]
    if len(rows) <= 2 * len(gap):
        return float("nan")
    slope = slopes(match.x[rows], (comparison.met > 0)[known].astype(float), strata[rows], weight)
    return float(np.abs(gap * slope).max())


def gaps(x: np.ndarray, treated: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Mean of those who join less that of the others, inside strata, by the number who join; shape (n_covariates,)."""
    n = strata.max() + 1
    joined, others = (np.bincount(strata[side], minlength=n).astype(float) for side in (treated, ~treated))
    weight = np.where(treated, 1.0, -np.divide(joined, others, out=np.zeros(n), where=others > 0)[strata]) * (others[strata] > 0)
    return weight @ x / weight[treated].sum()


def slopes(x: np.ndarray, y: np.ndarray, strata: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted least squares of `y` on `x` and the strata: change of `y` with each covariate; shape (n_covariates,)."""
    total = np.bincount(strata, weights=weight)
    both = np.column_stack([x, y])
    means = np.stack([np.bincount(strata, weights=weight * column) for column in both.T], axis=1) / np.where(total > 0, total, 1.0)[:, None]
    inside = (both - means[strata]) * np.sqrt(weight)[:, None]
    scale = np.sqrt((inside[:, :-1] ** 2).sum(axis=0))
    scaled = np.divide(inside[:, :-1], scale, out=np.zeros_like(inside[:, :-1]), where=scale > 0)
    found = np.linalg.lstsq(scaled, inside[:, -1], rcond=None)[0]
    return np.divide(found, scale, out=np.zeros_like(found), where=scale > 0)
