"""A matched sample: sets of treated and comparison units inside one entry period, ready for effects.

What every matcher's `fit` returns and every matched estimator takes. How sets are found lives in the matchers.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError
from evaluation.matching.match import Match, reason_names
from evaluation.panel.types import Panel
from evaluation.showing import Face, Showing, face_of

BALANCE_NAMES = {"mean_treated_matched": "treated", "mean_comparison_before": "comparison before", "mean_comparison_after": "comparison after",
                 "smd_before": "difference before (SD)", "smd_after": "difference after (SD)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedSample(Showing):
    """Matched sets with raw weights, balance before and after, and why treated units were left out.

    Attributes
    ----------
    panel : Panel
    method : str
        The matcher in words that a methods section may print.
    kind : 'pairs', 'strata' or 'weights'
        What a set is; only sets of pairs are clusters of dependence.
    set_entry : ndarray of int, shape (n_sets,)
        Entry period (column) of the set: event time of its members counts from here.
    treated_unit, treated_set : ndarray of int, shape (n_treated,)
        Row in `panel.units` and set of each treated member.
    treated_weight : ndarray of float, shape (n_treated,)
        1 each, unless the estimand or sampling weights say otherwise.
    comparison_unit, comparison_set : ndarray of int, shape (n_comparison,)
        Row in `panel.units` and set of each comparison member. A unit may serve several sets.
    comparison_weight : ndarray of float, shape (n_comparison,)
        Raw set weights; inside every set they add up to the treated members' weight.
    origin : ndarray of str, shape (n_comparison,), or None
        Where each comparison member was found, when nearby ones were sought first.
    candidates : DataFrame, one row per unit and entry period at risk that entered matching
        `unit` (row in panel.units), `entry` (column), `treated` bool, `score` (on the scale that was matched; NaN when no score was used).
    balance : DataFrame, one row per covariate
        `covariate`, `mean_treated`, `mean_comparison_before`, `mean_comparison_after`, `sd_treated`, `smd_before`, `smd_after`,
        `variance_ratio_before`, `variance_ratio_after` (NaN for a binary covariate).
    dropped : DataFrame
        `unit` (row), `entry`, `reason`: one of `REASONS`.
    caliper_width : float
        Absolute width used on the score; NaN without a caliper.
    notes : tuple of str
        What a reader must know about the candidates, in sentences (rows left out for a missing covariate, ...).
    match : Match or None
        The match of candidate rows behind it, for full diagnostics.
    set_number : ndarray of int, shape (n_sets,), or None
        The sets' numbers in the sample that they were taken from, where only complete sets were kept; None where they are the sample's own.
    """

    panel: Panel
    method: str
    set_entry: np.ndarray
    treated_unit: np.ndarray
    treated_set: np.ndarray
    treated_weight: np.ndarray
    comparison_unit: np.ndarray
    comparison_set: np.ndarray
    comparison_weight: np.ndarray
    candidates: pd.DataFrame
    balance: pd.DataFrame
    dropped: pd.DataFrame
    kind: str = "pairs"
    origin: np.ndarray | None = None
    caliper_width: float = float("nan")
    notes: tuple[str, ...] = ()
    match: Match | None = None
    set_number: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.treated_unit) == 0:
            raise CommonSupportError("No treated unit has a comparison unit that satisfies the plan. "
                                     "Widen `matching.caliper`, take columns out of `matching.exact`, or add comparison pools.")

    @classmethod
    def of(cls, panel: Panel, match: Match, *, balance: pd.DataFrame | None = None) -> MatchedSample:
        """The sample of a match of the panel's candidate rows.

        Parameters
        ----------
        balance : DataFrame, optional
            Known already.
        """
        match = match.with_shared_weights()
        rows = match.rows
        entry = np.empty(match.n_sets, dtype=np.int64)
        entry[match.treated_set] = rows.period[match.treated]
        complete = np.isfinite(match.x).all(axis=1)
        order = np.lexsort((rows.period[match.left_out], rows.unit[match.left_out]))
        left_out = match.left_out[order]
        return cls(
            panel=panel, method=match.method, kind=match.kind, set_entry=entry, treated_unit=rows.unit[match.treated], treated_set=match.treated_set,
            treated_weight=match.treated_weight, comparison_unit=rows.unit[match.comparison], comparison_set=match.comparison_set,
            comparison_weight=match.comparison_weight, origin=match.origin, caliper_width=match.width, notes=match.notes, match=match,
            candidates=pd.DataFrame({"unit": rows.unit[complete], "entry": rows.period[complete], "treated": rows.treated[complete],
                                     "score": match.score[complete]}),
            balance=match.balance() if balance is None else balance,
            dropped=pd.DataFrame({"unit": rows.unit[left_out], "entry": rows.period[left_out], "reason": reason_names(match.reason[order])}))

    def __repr__(self) -> str:
        return (f"<MatchedSample: {self.n_treated:,} treated of {self.n_treated + len(self.dropped):,} in {self.n_sets:,} sets ({self.kind}); "
                f"{self.method}>")

    def face(self) -> Face:
        """How alike both sides are, covariate by covariate, under how many could be matched."""
        sizes = (f"{self.n_treated:,} of {self.n_treated + len(self.dropped):,} treated units matched in {self.n_sets:,} sets; "
                 f"{len(np.unique(self.comparison_unit)):,} comparison units, worth {self.effective_sample_size():,.0f} of equal weight")
        left = "; ".join(f"{reason.replace('_', ' ')}: {count:,}" for reason, count in self.dropped["reason"].value_counts().sort_index().items())
        columns = ["covariate", "mean_treated_matched", "mean_comparison_before", "mean_comparison_after", "smd_before", "smd_after"]
        return face_of(sizes, self.balance[[name for name in columns if name in self.balance]], names=BALANCE_NAMES,
                       notes=(f"Method: {self.method}.", f"Left out: {left}." if left else "", *self.notes))

    @property
    def n_treated(self) -> int:
        """Number of matched treated units (in each entry period a unit is treated once)."""
        return len(self.treated_unit)

    @property
    def n_sets(self) -> int:
        """Number of matched sets."""
        return len(self.set_entry)

    @property
    def numbers(self) -> np.ndarray:
        """Number of each set in the sample that it was taken from, or its own; shape (n_sets,)."""
        return np.arange(self.n_sets) if self.set_number is None else self.set_number

    @property
    def treated_entry(self) -> np.ndarray:
        """Entry period of each treated member, shape (n_treated,)."""
        return self.set_entry[self.treated_set]

    @property
    def comparison_entry(self) -> np.ndarray:
        """Entry period of each comparison member's set, shape (n_comparison,)."""
        return self.set_entry[self.comparison_set]

    def effective_sample_size(self) -> float:
        """Kish size of the comparison units, after adding up the weights of units used more than once."""
        total = np.bincount(self.comparison_unit, weights=self.comparison_weight, minlength=len(self.panel))
        return float(total.sum() ** 2 / (total**2).sum())

    def keep(self, treated: np.ndarray, at_risk: np.ndarray | None = None) -> MatchedSample | None:
        """The sample for some treated members only; None without any.

        Parameters
        ----------
        treated : ndarray of bool, shape (n_treated,)
            Sets with none of them are dropped; in a set that keeps some, comparison weights shrink in proportion.
        at_risk : ndarray of bool, shape (n_units,), optional
            Units that stay among the candidates.
        """
        if not treated.any():
            return None
        whole, part = (np.bincount(self.treated_set[side], weights=self.treated_weight[side], minlength=self.n_sets)
                       for side in (slice(None), treated))
        stays = part > 0
        number = np.cumsum(stays) - 1
        members = stays[self.comparison_set]
        of = self.comparison_set[members]
        inside = slice(None) if at_risk is None else at_risk[self.candidates["unit"].to_numpy()]
        return replace(self, set_entry=self.set_entry[stays], treated_unit=self.treated_unit[treated], treated_set=number[self.treated_set[treated]],
                       treated_weight=self.treated_weight[treated], comparison_unit=self.comparison_unit[members], comparison_set=number[of],
                       comparison_weight=self.comparison_weight[members] * (part / whole)[of],
                       origin=None if self.origin is None else self.origin[members], match=None,
                       set_number=None if self.set_number is None else self.set_number[stays],
                       candidates=self.candidates[inside].reset_index(drop=True))

    def within(self, rows: np.ndarray) -> MatchedSample:
        """The same sets on a panel of fewer units: what does not concern them is left behind, so that work grows with the units kept.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_units,)
            Units to keep; members of sets are kept in any case. Candidates and units left out that are not kept go.
        """
        rows = rows.copy()
        rows[self.treated_unit] = rows[self.comparison_unit] = True
        number = np.cumsum(rows) - 1
        tables = {}
        for name in ("candidates", "dropped"):
            table = getattr(self, name)
            table = table[rows[table["unit"].to_numpy(dtype=int)]].reset_index(drop=True)
            tables[name] = table.assign(unit=number[table["unit"].to_numpy(dtype=int)])
        return replace(self, panel=self.panel.keep(rows), treated_unit=number[self.treated_unit], comparison_unit=number[self.comparison_unit],
                       match=None, **tables)
