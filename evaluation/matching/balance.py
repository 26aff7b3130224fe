"""Balance before and after matching, and overlap of the scores. Numbers only; verdicts are in `models/checks.py`."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

COLUMNS = ("covariate", "mean_treated", "mean_treated_matched", "mean_comparison_before", "mean_comparison_after", "sd_treated", "smd_before",
           "smd_after", "variance_ratio_before", "variance_ratio_after")


def balance_table(x: np.ndarray, names: Sequence[str], *, treated: np.ndarray, before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Standardised mean differences and variance ratios, one row per covariate.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_covariates)
        Candidate rows of all entry periods.
    treated : ndarray of bool, shape (n_rows,)
    before, after : ndarray, shape (n_rows,)
        Weights of the rows before matching (see `risk_set_weights`) and after (1 for a matched treated row, the sum of its pair weights for a
        comparison row, 0 for a row that is not used).

    Returns
    -------
    DataFrame
        Columns of `MatchedSample.balance`, and `mean_treated_matched`. Both differences are divided by the standard deviation of the treated before
        matching, so that a difference falls only when means draw nearer; NaN where it is 0. Variance ratios are NaN for a binary covariate.

    Notes
    -----
    A binary covariate (0 and 1 only) has variance p (1 - p), with no n - 1; another has the weighted variance with the factor
    sum w / ((sum w)^2 - sum w^2), which is 1 / (n - 1) for equal weights. Cobalt's conventions for the ATT.
    """
    rows = [_balance_line(name, x[:, j], treated, before, after) for j, name in enumerate(names)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def risk_set_weights(entry: np.ndarray, treated: np.ndarray, sampling: np.ndarray | None = None) -> np.ndarray:
    """Weights before matching: 1 for a treated row; a comparison row's entry period counts as much as its treated units do; times sampling weights.

    The comparison rows of an entry period share the number of its treated rows equally. Without this, periods late in the study, with few treated
    units and as many candidates, would decide what the comparison group looks like.
    """
    w = np.ones(len(treated)) if sampling is None else sampling
    code = np.unique(entry, return_inverse=True)[1] if np.any(entry) else np.zeros(len(entry), dtype=np.int64)
    n_treated, n_comparison = np.bincount(code, weights=w * treated), np.bincount(code, weights=w * ~treated)
    share = np.divide(n_treated, n_comparison, out=np.zeros(len(n_treated)), where=n_comparison > 0)
    return w * np.where(treated, 1.0, share[code])


def weighted_variance(x: np.ndarray, weights: np.ndarray) -> float:
    """Weighted variance; p (1 - p) for a binary covariate."""
    total = weights.sum()
    if not total > 0:
        return float("nan")
    mean = weights @ x / total
    if is_binary(x):
        return float(mean * (1 - mean))
    room = total**2 - weights @ weights
    return float(weights @ (x - mean) ** 2 * total / room) if room > 0 else float("nan")


def is_binary(x: np.ndarray) -> bool:
    """Whether a covariate takes the values 0 and 1 only."""
    return bool(np.isin(x, (0.0, 1.0)).all())


def _balance_line(name: str, x: np.ndarray, treated: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple:
    def mean(rows: np.ndarray, weights: np.ndarray) -> float:
        total = weights[rows].sum()
        return float(weights[rows] @ x[rows] / total) if total > 0 else float("nan")

    def ratio(weights: np.ndarray) -> float:
        if is_binary(x):
            return float("nan")
        comparison = weighted_variance(x[~treated], weights[~treated])
        return weighted_variance(x[treated], weights[treated]) / comparison if comparison > 0 else float("nan")

    binary = is_binary(x)
    p = mean(treated, before)
    spread = np.sqrt(p * (1 - p) if binary else weighted_variance(x[treated], before[treated]))
    scale = spread if spread > 0 else float("nan")
    matched, old, new = mean(treated, after), mean(~treated, before), mean(~treated, after)
    return name, p, matched, old, new, float(spread), (p - old) / scale, (matched - new) / scale, ratio(before), ratio(after)


def overlap_histogram(score: np.ndarray, treated: np.ndarray, weights: np.ndarray | None = None, *, bins: int = 20) -> pd.DataFrame:
    """Shares of treated and comparison rows by bin of the score.

    Returns
    -------
    DataFrame, one row per bin
        `low`, `high`, `treated`, `comparison` (shares that sum to 1 each), `n_treated`, `n_comparison` (rows). Bins are of equal width over the
        middle 99.8% of the scores; the outer bins take what lies beyond.
    """
    weights = np.ones(len(score)) if weights is None else weights
    low, high = np.quantile(score, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, bins - 1)
    table = {"low": edges[:-1], "high": edges[1:]}
    counts = {}
    for name, rows in (("treated", treated), ("comparison", ~treated)):
        total = np.bincount(place[rows], weights=weights[rows], minlength=bins)
        table[name] = total / total.sum()
        counts[f"n_{name}"] = np.bincount(place[rows], minlength=bins)
    return pd.DataFrame({**table, **counts})


def common_support_share(score: np.ndarray, treated: np.ndarray) -> float:
    """Share of treated rows whose score lies inside the range of the comparison rows' scores."""
    low, high = score[~treated].min(), score[~treated].max()
    return float(((score[treated] >= low) & (score[treated] <= high)).mean())
