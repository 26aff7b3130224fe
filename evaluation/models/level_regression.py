"""How far two groups matched on earlier outcomes drift apart by regression to the mean alone: a warning, not an effect."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evaluation.matching.balance import risk_set_weights
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import at_columns, outcome_array

FAR = 2 / 3                    # share of the window's length from which two periods share the permanent level and little else


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRegression:
    """What matching on the history of an outcome does to its difference-in-differences.

    Attributes
    ----------
    outcome : str
    gap : float
        Mean of the treated over the history less that of all candidates at risk, in the outcome's unit.
    reliability : float
        Share of the variance of that mean that is permanent, inside groups and entry periods; NaN where the history is too short to tell.
    expected : float
        (1 - reliability) times the gap: how far matched groups drift apart afterwards without any effect.
    n_treated, n_comparison : int
        Distinct units whose history stands behind it.
    """

    outcome: str
    gap: float
    reliability: float
    expected: float
    n_treated: int = 0
    n_comparison: int = 0


def level_regression(sample: MatchedSample, outcome: str, window: tuple[int, int]) -> LevelRegression:
    """The gap of unmatched means over the history, its reliability, and the drift to expect.

    Parameters
    ----------
    window : (int, int)
        First and last event time of the matched history.

    Notes
    -----
    Groups with means m1 and m0 that are matched on an observed mean of reliability r differ by (1 - r)(m1 - m0) in their permanent levels (Kelley's
    regression to each group's own mean). The permanent variance is the mean covariance of two periods at least two thirds of the window apart:
    nearer ones share passing trouble.

    References
    ----------
    Daw and Hatfield (2018), DOI 10.1111/1475-6773.12993 (matching on the past in a difference-in-differences).
    """
    rows = sample.candidates
    unit, entry, treated = (rows[name].to_numpy() for name in ("unit", "entry", "treated"))
    e = np.arange(window[0], window[1] + 1)
    values = at_columns(outcome_array(sample.panel, outcome), unit[:, None], entry[:, None] + e)
    seen = np.isfinite(values).all(axis=1)
    unit, values, entry, treated = unit[seen], values[seen], entry[seen], treated[seen]
    nan = float("nan")
    if not treated.any() or treated.all():
        return LevelRegression(outcome=outcome, gap=nan, reliability=nan, expected=nan)
    mean, weights = values.mean(axis=1), risk_set_weights(entry, treated)
    gap = float(mean[treated].mean() - np.average(mean[~treated], weights=weights[~treated])) if weights[~treated].sum() > 0 else nan
    group = np.unique(entry * 2 + treated, return_inverse=True)[1]
    size = np.bincount(group)
    inside = values - (np.column_stack([np.bincount(group, weights=column) for column in values.T]) / size[:, None])[group]
    covariance = inside.T @ inside / max(len(inside) - len(size), 1)
    i, j = np.triu_indices(len(e), k=max(1, math.ceil(FAR * (len(e) - 1))))
    spread = float(covariance.mean())                  # of the mean over the window
    reliability = float(np.clip(covariance[i, j].mean() / spread, 0, 1)) if len(i) and spread > 0 else nan
    return LevelRegression(outcome=outcome, gap=gap, reliability=reliability, expected=(1 - reliability) * gap,
                           n_treated=len(np.unique(unit[treated])), n_comparison=len(np.unique(unit[~treated])))
