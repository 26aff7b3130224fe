"""Two groups, two dates, given covariates: outcome regression, inverse probability weights, doubly robust. Arrays in, arrays out."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.propensity import fit_logit

Method = Literal["reg", "ipw", "dr"]
NEARLY_ONE = 1 - 1e-6          # probabilities are cut here, as in DRDID
SINGULAR = 1e15


def conditional_att(change: np.ndarray, treated: np.ndarray, x: np.ndarray, *, method: Method, names: Sequence[str],
                    weights: np.ndarray | None = None, trim: float = 0.995) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ATT given covariates, for several outcomes of the same rows at once.

    Parameters
    ----------
    change : ndarray, shape (n, m)
        Change of each row from the base date, one column per cell; no missing values.
    treated : ndarray of bool, shape (n,)
    x : ndarray, shape (n, p)
        Covariates without an intercept.
    method : 'reg', 'ipw' or 'dr'
    weights : ndarray, shape (n,), optional
        Sampling (or matching) weights above 0; 1 each by default.
    trim : float
        Comparison rows at least this likely to be treated get no weight.

    Returns
    -------
    att : ndarray, shape (m,)
    influence : ndarray, shape (n, m)
        Divided by n, so that its sum of squares is the variance.
    weight : ndarray, shape (n,)
        A treated row's own weight; comparison rows' (implied by the regression, or by the score) add up to that of the treated.

    Raises
    ------
    EstimationError
        The comparison rows do not determine the regression, or the score cannot be estimated.

    Notes
    -----
    Sant'Anna and Zhao (2020): outcome regression eq. 2.2, inverse probability weights normalised to 1 (Hajek), doubly robust eq. 3.1 with influence
    function 3.3 including both nuisance estimates. The score is the logit, the outcome model least squares on the comparison rows. Regression
    coefficients of all cells come from one Gram matrix, the score is fitted once. Checked against R `did` and csdid.

    References
    ----------
    Sant'Anna and Zhao (2020), DOI 10.1016/j.jeconom.2020.06.003.
    """
    n = len(change)
    own = np.ones(n) if weights is None else weights / weights.mean()
    d = own * treated
    z = np.column_stack([np.ones(n), x])
    mean_d = d.mean()
    left, reach = (change, None) if method == "ipw" else _residuals(change, own * ~treated, z)
    eta_treated = d @ left / d.sum()
    influence = d[:, None] * (left - eta_treated)
    if method == "reg":
        influence -= _by_regression(left, own * ~treated, z, reach, d @ z / n)
        influence /= mean_d * n
        implied = own * ~treated * (z @ (reach @ (d @ z))) / n
        return eta_treated, influence, _in_units((d + implied), own, weights)
    odds, pull = _odds(treated, x, z, names, own, trim)
    w = own * odds * ~treated
    if not w.sum() > 0:
        raise EstimationError(f"No comparison unit is less likely than {trim} to be treated. Take covariates out of `estimator.covariates`, or raise "
                              "`estimator.trim`.")
    eta_comparison = w @ left / w.sum()
    apart = w[:, None] * (left - eta_comparison)
    influence /= mean_d
    influence -= (apart + pull @ (z.T @ apart / n)) / w.mean()
    if reach is not None:
        gradient = d @ z / n / mean_d - w @ z / n / w.mean()
        influence -= _by_regression(left, own * ~treated, z, reach, gradient)
    return eta_treated - eta_comparison, influence / n, _in_units(d + w * d.sum() / w.sum(), own, weights)


def _in_units(weight: np.ndarray, own: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Row weights on the scale of the weights given."""
    return weight if weights is None else weight * weights.mean()


def _residuals(change: np.ndarray, comparison: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes less the regression of the comparison rows, and the inverse of its moment matrix."""
    weighted = z * comparison[:, None]
    moment = weighted.T @ z / len(z)
    if np.linalg.cond(moment) > SINGULAR:
        raise EstimationError(f"The comparison units must determine the outcome regression of {z.shape[1]:,} coefficients: they are too few, or "
                              "covariates are collinear among them. Take covariates out of `estimator.covariates`.")
    inverse = np.linalg.inv(moment)
    return change - z @ (inverse @ (weighted.T @ change / len(z))), inverse


def _by_regression(left: np.ndarray, comparison: np.ndarray, z: np.ndarray, inverse: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Influence of rows through the regression's coefficients on something with this gradient in them, shape (n, m)."""
    return (comparison * (z @ (inverse @ gradient)))[:, None] * left


def _odds(treated: np.ndarray, x: np.ndarray, z: np.ndarray, names: Sequence[str], own: np.ndarray, trim: float) -> tuple[np.ndarray, np.ndarray]:
    """Odds of treatment (0 beyond the trimming bound for comparison rows) and the influence of the logit's coefficients, shape (n, p + 1)."""
    p = np.minimum(fit_logit(x, treated, names=names, weights=own).probability, NEARLY_ONE)
    information = (z * (own * p * (1 - p))[:, None]).T @ z / len(z)
    return np.where(treated | (p < trim), p / (1 - p), 0.0), (z * (own * (treated - p))[:, None]) @ np.linalg.inv(information)
