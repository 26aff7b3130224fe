"""The specification curve's joint test: whether many analyses of one outcome, taken together, say more than chance would."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveTest:
    """Three tests of one null: that no specification has an effect.

    Attributes
    ----------
    n : int
        Specifications in the test.
    median : float
        Of the estimates; `p_median` is the share of draws whose median is as far from zero.
    n_same_sign_significant : int
        Specifications that are significant at 5% with the sign of the median; `p_share` is the share of draws with as many.
    mean_z : float
        Mean of the estimates over their errors; `p_mean_z` is the share of draws with one as far from zero.
    """

    n: int
    median: float
    p_median: float
    n_same_sign_significant: int
    p_share: float
    mean_z: float
    p_mean_z: float


def curve_test(values: np.ndarray, std_errors: np.ndarray, draws: np.ndarray, *, critical: float = 1.96) -> CurveTest:
    """Test a specification curve against joint draws of its sampling error.

    Parameters
    ----------
    values, std_errors : ndarray, shape (k,)
        One estimate for each specification, and its standard error.
    draws : ndarray, shape (n_draws, k)
        Their joint sampling error under the null: multiplier draws over the same clusters.
    critical : float
        |t| from which a specification counts as significant.

    Notes
    -----
    p = (1 + draws at least as extreme) / (1 + draws). Specifications share their data, so that their number adds little evidence; the draws know by
    how much. Simonsohn, Simmons and Nelson (2020), DOI 10.1038/s41562-020-0912-z, with the null imposed on influence functions instead of on data
    drawn again.

    Examples
    --------
    >>> alike = np.random.default_rng(1).normal(size=(999, 1)) @ np.ones((1, 5))    # five specifications that are one
    >>> round(curve_test(np.full(5, 2.5), np.ones(5), alike).p_median, 2)
    0.01
    """
    if draws.ndim != 2 or draws.shape[1] != len(values) or not (np.isfinite(values).all() and (std_errors > 0).all()):
        raise EstimationError(f"A curve of {len(values)} specifications needs a finite estimate, an error above 0 and a column of draws for each. "
                              "Leave out those without a number.")
    z, z_draws = values / std_errors, draws / std_errors
    count, counts = same_sign(values[None], z[None], critical)[0], same_sign(draws, z_draws, critical)
    medians = np.median(draws, axis=1)
    return CurveTest(n=len(values), median=float(np.median(values)), p_median=_p(np.abs(medians), abs(np.median(values))),
                     n_same_sign_significant=int(count), p_share=_p(counts, count), mean_z=float(z.mean()),
                     p_mean_z=_p(np.abs(z_draws.mean(axis=1)), abs(z.mean())))


def same_sign(values: np.ndarray, z: np.ndarray, critical: float) -> np.ndarray:
    """Significant specifications that have the sign of the median, shape (n,)."""
    sign = np.sign(np.median(values, axis=1, keepdims=True))
    return ((np.abs(z) > critical) & (np.sign(z) == sign)).sum(axis=1)


def _p(draws: np.ndarray, told: float) -> float:
    return float((1 + (draws >= told * (1 - 1e-9)).sum()) / (1 + len(draws)))
