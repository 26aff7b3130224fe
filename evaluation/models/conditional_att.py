"""Two groups, two dates, given covariates: outcome regression, inverse probability weights, doubly robust. Arrays in, arrays out.

All three are sums of outcomes with weights that do not depend on the outcome, so that any number of dates cost one pass over the outcomes, and
influence can be added up by place without ever being written out unit by unit.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.propensity import fit_logit

Method = Literal["reg", "ipw", "dr"]
NEARLY_ONE = 1 - 1e-6          # probabilities are cut here, as in DRDID
SINGULAR = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalATT:
    """ATT given covariates between several pairs of dates, for the same rows.

    Attributes
    ----------
    att : ndarray, shape (m,)
    weight : ndarray, shape (n,)
        A treated row's own weight; comparison rows' (implied by the regression, or by the score) add up to that of the treated.
    loading : ndarray, shape (n,)
    features : ndarray, shape (n, q)
    coefficients : ndarray, shape (q, m)
        The influence of row i on cell j is loading[i] times its change, plus features[i] @ coefficients[:, j]; its squares add up to the variance.
    """

    att: np.ndarray
    weight: np.ndarray
    loading: np.ndarray
    features: np.ndarray
    coefficients: np.ndarray

    def influence(self, change: np.ndarray) -> np.ndarray:
        """Influence of every row, shape (n, m), from its changes, shape (n, m)."""
        return self.loading[:, None] * change + self.features @ self.coefficients


def conditional_att(y: np.ndarray, now: np.ndarray, then: np.ndarray, treated: np.ndarray, x: np.ndarray, *, method: Method, names: Sequence[str],
                    weights: np.ndarray | None = None, trim: float = 0.995) -> ConditionalATT:
    """ATT given covariates between dates `now` and dates `then`.

    Parameters
    ----------
    y : ndarray, shape (n, n_periods)
        Outcomes; no missing values in the columns used.
    now, then : ndarray of int, shape (m,)
        Columns compared.
    treated : ndarray of bool, shape (n,)
    x : ndarray, shape (n, p)
        Covariates without an intercept.
    method : 'reg', 'ipw' or 'dr'
    weights : ndarray, shape (n,), optional
        Sampling (or matching) weights above 0; 1 each by default.
    trim : float
        Comparison rows at least this likely to be treated get no weight.

    Raises
    ------
    EstimationError
        The comparison rows do not determine the regression, or the score cannot be estimated.

    Notes
    -----
    Sant'Anna and Zhao (2020): outcome regression eq. 2.2, inverse probability weights normalised to 1 (Hajek), doubly robust eq. 3.1 with influence
    function 3.3 including both nuisance estimates. The score is the logit, the outcome model least squares on the comparison rows; both are fitted
    once for all dates (a regression of differences is the difference of regressions). Checked against R `did` and csdid.

    References
    ----------
    Sant'Anna and Zhao (2020), DOI 10.1016/j.jeconom.2020.06.003.
    """
    n = len(y)
    own = np.ones(n) if weights is None else weights / weights.mean()
    d, comparison = own * treated, own * ~treated
    z = np.column_stack([np.ones(n), x])
    change = _Changes(y, now, then)
    inverse, slope = (None, np.zeros((z.shape[1], len(now)))) if method == "ipw" else _regression(change, comparison, z)
    mean_treated = (change.sum(d[:, None])[0] - d @ z @ slope) / d.sum()
    loading, features, coefficients = d / d.mean(), [d], [-mean_treated / d.mean()]
    gradient = d @ z / d.sum()
    att, weight = mean_treated, d
    if method == "reg":
        weight = weight + comparison * (z @ (inverse @ (d @ z))) / n
    else:
        odds, pull = _odds(treated, x, z, names, own, trim)
        w = comparison * odds
        if not w.sum() > 0:
            raise EstimationError(f"No comparison unit is less likely than {trim} to be treated. Take covariates out of `estimator.covariates`, or "
                                  "raise `estimator.trim`.")
        mean_comparison = (change.sum(w[:, None])[0] - w @ z @ slope) / w.sum()
        by_score = (change.sum(z * w[:, None]) - (z * w[:, None]).T @ z @ slope - np.outer(w @ z, mean_comparison)) / n
        loading = loading - w / w.mean()
        features += [w, pull]
        coefficients += [mean_comparison / w.mean(), -by_score / w.mean()]
        gradient = gradient - w @ z / w.sum()
        att, weight = mean_treated - mean_comparison, weight + w * d.sum() / w.sum()
    if inverse is not None:
        loading = loading - comparison * (z @ (inverse @ gradient))
    features, coefficients = np.column_stack([*features, loading[:, None] * z]), np.vstack([*coefficients, -slope])
    return ConditionalATT(att=att, weight=weight if weights is None else weight * weights.mean(), loading=loading / n, features=features / n,
                          coefficients=coefficients)


@dataclass(frozen=True, slots=True)
class _Changes:
    """Weighted sums of changes, from one pass over the outcomes."""

    y: np.ndarray
    now: np.ndarray
    then: np.ndarray

    def sum(self, weights: np.ndarray) -> np.ndarray:
        """Sums over rows of each column of weights times the changes, shape (k, m)."""
        total = weights.T @ self.y
        return total[:, self.now] - total[:, self.then]


def _regression(change: _Changes, comparison: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse moment matrix of the comparison rows, and the coefficients of all changes on the covariates, shape (p + 1, m)."""
    weighted = z * comparison[:, None]
    moment = weighted.T @ z / len(z)
    if np.linalg.cond(moment) > SINGULAR:
        raise EstimationError(f"The comparison units must determine the outcome regression of {z.shape[1]:,} coefficients: they are too few, or "
                              "covariates are collinear among them. Take covariates out of `estimator.covariates`.")
    inverse = np.linalg.inv(moment)
    return inverse, inverse @ change.sum(weighted) / len(z)


def _odds(treated: np.ndarray, x: np.ndarray, z: np.ndarray, names: Sequence[str], own: np.ndarray, trim: float) -> tuple[np.ndarray, np.ndarray]:
    """Odds of treatment (0 beyond the trimming bound for comparison rows) and the influence of the logit's coefficients, shape (n, p + 1)."""
    p = np.minimum(fit_logit(x, treated, names=names, weights=own).probability, NEARLY_ONE)
    information = (z * (own * p * (1 - p))[:, None]).T @ z / len(z)
    return np.where(treated | (p < trim), p / (1 - p), 0.0), (z * (own * (treated - p))[:, None]) @ np.linalg.inv(information)
