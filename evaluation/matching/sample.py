"""A matched sample: sets of one treated unit and its comparison units inside one entry period.

What every matcher returns and every matched estimator takes. How sets are found lives in the matchers.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedSample:
    """Matched sets with raw weights, balance before and after, and why treated units were left out.

    Attributes
    ----------
    panel : Panel
    method : str
        The matcher in words that a methods section may print.
    set_treated : ndarray of int, shape (n_sets,)
        Row of the treated unit in `panel.units`.
    set_entry : ndarray of int, shape (n_sets,)
        Entry period (column) of the set: event time of its members counts from here.
    pair_set, pair_comparison : ndarray of int, shape (n_pairs,)
        Set of each pair, and row of its comparison unit in `panel.units`. A unit may serve several sets.
    pair_weight : ndarray of float, shape (n_pairs,)
        Raw set weights; they sum to 1 (the treated unit's weight) inside every set.
    candidates : DataFrame, one row per unit and entry period at risk that entered matching
        `unit` (row in panel.units), `entry` (column), `treated` bool, `score` (linear predictor; NaN when no score was used).
    balance : DataFrame, one row per covariate
        `covariate`, `mean_treated`, `mean_comparison_before`, `mean_comparison_after`, `sd_treated`, `smd_before`, `smd_after`,
        `variance_ratio_before`, `variance_ratio_after` (NaN for a binary covariate).
    dropped : DataFrame
        `unit` (row), `entry`, `reason` ('outside_caliper', 'no_comparison_in_stratum', 'stratum_missing', 'covariate_missing', 'no_comparison_left').
    caliper_width : float
        Absolute width used on the score; NaN without a caliper.
    notes : tuple of str
        What a reader must know about the candidates, in sentences (rows left out for a missing covariate, ...).
    """

    panel: Panel
    method: str
    set_treated: np.ndarray
    set_entry: np.ndarray
    pair_set: np.ndarray
    pair_comparison: np.ndarray
    pair_weight: np.ndarray
    candidates: pd.DataFrame
    balance: pd.DataFrame
    dropped: pd.DataFrame
    caliper_width: float = float("nan")
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.set_treated) == 0:
            raise CommonSupportError("No treated unit has a comparison unit that satisfies the plan. "
                                     "Widen `matching.caliper`, take columns out of `matching.exact`, or add comparison pools.")

    @property
    def n_treated(self) -> int:
        """Number of matched treated units (one set each)."""
        return len(self.set_treated)

    def effective_sample_size(self) -> float:
        """Kish size of the comparison units, after adding up the weights of units used more than once."""
        total = np.bincount(self.pair_comparison, weights=self.pair_weight, minlength=len(self.panel))
        return float(total.sum() ** 2 / (total**2).sum())
