"""A match: sets of candidate rows with weights, and for every row left out the reason. What follows for a panel is in `sample.py`."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.matching.balance import balance_table, risk_set_weights
from evaluation.matching.candidates import Candidates
from evaluation.matching.problem import REASONS
from evaluation.matching.propensity import LogitFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Matched sets of candidate rows.

    Attributes
    ----------
    method : str
        In words that a methods section may print.
    kind : 'pairs', 'strata' or 'weights'
        What a set is: few rows found for each other, a cell of covariates, or everyone weighted.
    estimand : 'ATT', 'ATC', 'ATE', 'ATO' or 'ATM'
    rows : Candidates
        All that were given. Other integers here are places in it.
    x : ndarray, shape (n_rows, n_covariates); names : tuple of str
        Covariates; NaN where missing.
    score : ndarray, shape (n_rows,)
        NaN where a row has none.
    model : LogitFit or None
    treated, treated_set : ndarray of int; treated_weight : ndarray
        Treated members of sets.
    comparison, comparison_set, comparison_weight
        Comparison members. Raw weights: inside every set both sides add up to the same, sampling weights apart.
    origin : ndarray of str, or None
        Where each comparison member was found, when nearby ones were sought first.
    left_out, reason : ndarray of int
        Rows that should have been matched and were not, and why (place in `REASONS`).
    discarded : ndarray of int
        Rows of either side outside common support.
    width : float
        Absolute caliper on the score; NaN without.
    notes : tuple of str
        What a reader must know about the candidates, in sentences.
    matcher : Matcher or None
        The spec that made it.
    """

    method: str
    kind: str
    estimand: str
    rows: Candidates
    x: np.ndarray
    names: tuple[str, ...]
    score: np.ndarray
    model: LogitFit | None
    treated: np.ndarray
    treated_set: np.ndarray
    treated_weight: np.ndarray
    comparison: np.ndarray
    comparison_set: np.ndarray
    comparison_weight: np.ndarray
    left_out: np.ndarray
    reason: np.ndarray
    discarded: np.ndarray
    origin: np.ndarray | None = None
    width: float = float("nan")
    notes: tuple[str, ...] = ()
    matcher: object = None

    @property
    def n_sets(self) -> int:
        """Number of sets."""
        return int(self.treated_set.max()) + 1

    def raw_weights(self) -> np.ndarray:
        """Weight of each row over its sets, without sampling weights; 0 where it is in none; shape (n_rows,)."""
        n = len(self.rows)
        return (np.bincount(self.treated, weights=self.treated_weight, minlength=n)
                + np.bincount(self.comparison, weights=self.comparison_weight, minlength=n))

    def weights(self) -> np.ndarray:
        """Weights for display and for weighted regressions: mean 1 among the matched rows of each side, times sampling weights; shape (n_rows,).

        MatchIt's normalisation: a comparison row of a 2:1 match shows 1, not 0.5.
        """
        raw = self.raw_weights()
        for side in (self.rows.treated, ~self.rows.treated):
            used = side & (raw > 0)
            raw[used] /= raw[used].mean()
        return raw * self.rows.weights

    def subclass(self) -> np.ndarray:
        """The set of each row; -1 where it is in none; shape (n_rows,). Only where no row is in two sets."""
        out = np.full(len(self.rows), -1, dtype=np.int64)
        out[self.treated] = self.treated_set
        out[self.comparison] = self.comparison_set
        return out

    def pairs(self) -> pd.DataFrame:
        """One row per comparison member of a set with one focal row: `treated`, `comparison` (rows), `set`, `weight`, `distance` on the score."""
        one = np.full(self.n_sets, -1, dtype=np.int64)
        one[self.treated_set] = self.treated
        focal = one[self.comparison_set]
        return pd.DataFrame({"treated": focal, "comparison": self.comparison, "set": self.comparison_set, "weight": self.comparison_weight,
                             "distance": np.abs(self.score[focal] - self.score[self.comparison])})

    def before(self) -> np.ndarray:
        """Weights of rows before matching, for balance; see `risk_set_weights`; shape (n_rows,)."""
        weights = risk_set_weights(self.rows.period, self.rows.treated, self.rows.weights)
        return np.where(np.isfinite(self.x).all(axis=1), weights, 0.0)

    def balance(self) -> pd.DataFrame:
        """Balance of the covariates and of the score, before and after."""
        scored = np.isfinite(self.score)
        use = scored if scored.any() else np.isfinite(self.x).all(axis=1)
        x, names = (np.column_stack([self.x, self.score]), (*self.names, "linear predictor")) if scored.any() else (self.x, self.names)
        return balance_table(x[use], names, treated=self.rows.treated[use], before=self.before()[use],
                             after=(self.raw_weights() * self.rows.weights)[use])

    def audit(self) -> pd.DataFrame:
        """How many rows should have been matched, were, and were not for which reason: `outcome`, `count`; the counts add up."""
        return audit_table(len(self.left_out), self.reason, self._n_focal())

    def _n_focal(self) -> int:
        if self.estimand == "ATC":
            return len(np.unique(self.comparison))
        return len(np.unique(self.treated)) + (len(np.unique(self.comparison)) if self.estimand == "ATE" else 0)

    def effective_sample_size(self, side: str = "comparison") -> float:
        """Kish size of one side's rows by weight."""
        w = (self.raw_weights() * self.rows.weights)[self.rows.treated == (side == "treated")]
        return float(w.sum() ** 2 / (w**2).sum())

    def sample_sizes(self) -> pd.DataFrame:
        """Rows by side: all, matched (and by Kish size), unmatched, discarded. One row each; columns `treated`, `comparison`."""
        raw, treated = self.raw_weights(), self.rows.treated
        gone = np.zeros(len(treated), dtype=bool)
        gone[self.discarded] = True
        table = {}
        for name, side in (("treated", treated), ("comparison", ~treated)):
            table[name] = [int(side.sum()), self.effective_sample_size(name), int((side & (raw > 0)).sum()),
                           int((side & (raw == 0) & ~gone).sum()), int((side & gone).sum())]
        return pd.DataFrame(table, index=["all", "matched (effective)", "matched", "unmatched", "discarded"])


def audit_table(n_left_out: int, reason: np.ndarray, n_matched: int) -> pd.DataFrame:
    """Counts of what became of those who should have been matched."""
    count = np.bincount(reason, minlength=len(REASONS))
    rows = [("asked for", n_left_out + n_matched), ("matched", n_matched), *((REASONS[k], int(count[k])) for k in range(1, len(REASONS)) if count[k])]
    return pd.DataFrame(rows, columns=["outcome", "count"])


def reason_names(codes: Sequence[int] | np.ndarray) -> list[str]:
    """Names of reasons."""
    return [REASONS[code] for code in codes]
