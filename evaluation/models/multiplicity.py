"""p values of several tests taken together: Holm, Benjamini-Hochberg, and Romano-Wolf from joint draws of the statistics."""
from __future__ import annotations

import numpy as np

from evaluation.errors import EstimationError

TIE = 1e-9                     # relative: draws that repeat the sample's statistic to rounding count as ties


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values: the chance of any false finding stays below the size, whatever the tests' dependence.

    Parameters
    ----------
    p_values : ndarray, shape (k,)
        NaN where there is no test; it stays NaN and is not counted.

    Notes
    -----
    In increasing order, the running largest of (k - i) p_(i), i from 0, at most 1. Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    Checked against statsmodels.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjusted(p_values, lambda ordered: np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1)))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's adjusted p values: the expected share of false findings among the findings.

    For secondary and exploratory outcomes. NaN as in `holm`. Holds for independent or positively dependent tests.

    Notes
    -----
    From the largest down, the running smallest of k / i p_(i). Benjamini and Hochberg (1995), DOI 10.1111/j.2517-6161.1995.tb02031.x.
    Checked against statsmodels.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    return _adjusted(p_values, lambda ordered: np.minimum.accumulate((ordered * len(ordered) / np.arange(1, len(ordered) + 1))[::-1])[::-1])


def romano_wolf(statistics: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Romano and Wolf's stepdown p values, two-sided: like Holm's, but smaller where the tests depend on each other.

    Parameters
    ----------
    statistics : ndarray, shape (k,)
        t statistics; NaN where there is no test.
    draws : ndarray, shape (n_draws, k)
        Their joint distribution under all nulls: multiplier draws over their standard errors, or wild bootstrap statistics of several outcomes made
        from the same multipliers (`WildSample.statistics` with the same seed).

    Returns
    -------
    ndarray, shape (k,)
        (1 + draws whose largest |t| among the tests not yet stepped over reaches |t_j|) / (1 + draws), never below the p value of a larger |t|.

    References
    ----------
    Romano and Wolf (2005), DOI 10.1111/j.1468-0262.2005.00615.x; (2016), DOI 10.1016/j.spl.2016.02.012, algorithm 4.2. Checked against a plain loop.
    """
    t = np.abs(np.asarray(statistics, dtype=float))
    tested = np.flatnonzero(np.isfinite(t))
    if draws.ndim != 2 or draws.shape[1] != len(t) or np.isnan(draws[:, tested]).any():
        raise EstimationError(f"Draws for {len(t)} statistics must have as many columns, without gaps for those tested. Mend the draws.")
    order = tested[np.argsort(-t[tested], kind="stable")]
    reach = np.maximum.accumulate(np.abs(draws[:, order[::-1]]), axis=1)[:, ::-1]        # largest among this test and those after it
    share = (1 + (reach >= t[order] * (1 - TIE)).sum(axis=0)) / (1 + len(draws))
    out = np.full(len(t), np.nan)
    out[order] = np.maximum.accumulate(share)
    return out


def _adjusted(p_values: np.ndarray, rule) -> np.ndarray:
    p = np.asarray(p_values, dtype=float)
    tested = np.flatnonzero(~np.isnan(p))
    if ((p[tested] < 0) | (p[tested] > 1)).any():
        raise EstimationError("p values must lie from 0 to 1: some do not. Mend the call.")
    order = tested[np.argsort(p[tested], kind="stable")]
    out = np.full(p.shape, np.nan)
    out[order] = np.minimum(rule(p[order]), 1.0) if len(order) else p[order]
    return out
