"""Nearest neighbours on the linear predictor of joining, inside entry periods and exact strata."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.balance import balance_table, risk_set_weights
from evaluation.matching.pairing import Pairs, pair_nearest
from evaluation.matching.risk_sets import Eligibility, RiskSets, covariate_matrix, entry_score, risk_sets, strata
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel

SCORE_DECIMALS = 10            # scores nearer than this are ties: sums over rows differ in their last digits with the order of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbour:
    """The nearest comparison units of each treated unit, on the score of a pooled discrete-time logit of entry.

    The estimand is the effect on the treated who can be matched: those left out are listed with their reason.

    Attributes
    ----------
    covariates : tuple of str
        Columns of `panel.units` (fixed) or arrays of `panel.varying` (taken at the entry period).
    ratio : int
        Comparison units wanted per treated unit.
    caliper : float or None
        Largest distance, in standard deviations (n - 1) of the linear predictor over all rows at risk; the bound itself is inside.
    replacement : bool
        Whether a unit may serve several treated units of one entry period. It may always serve several entry periods.
    exact : tuple of str
        Fixed columns or varying arrays on which units must agree; the entry period always is one. A missing key is matched with nothing.
    history : tuple of str
        Outcomes whose mean over `history_window` joins the score. Off by default: matching on outcome history brings regression to the mean into a
        difference-in-differences whose base lies inside that history.
    history_window : (int, int)
        First and last event time of the history.
    eligibility : 'auto', 'before' or 'at'
        See `risk_sets`.

    Notes
    -----
    Ties go to the smaller `unit_id`; scores are compared to 10 decimals. Without replacement treated units choose from the largest score down and
    everyone gets a first comparison before anyone a second.

    References
    ----------
    Austin (2011), DOI 10.1002/pst.433 (caliper on the logit scale).
    Li, Propert and Rosenbaum (2001), DOI 10.1198/016214501753208573 (risk-set matching).
    """

    covariates: tuple[str, ...] = ()
    ratio: int = 3
    caliper: float | None = 0.2
    replacement: bool = True
    exact: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    history_window: tuple[int, int] = (-8, -3)
    eligibility: Eligibility = "auto"

    def __post_init__(self) -> None:
        for name in ("covariates", "exact", "history", "history_window"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise PlanError(f"`matching.{name}` must be a list: it is the text {value!r}. Mend the plan.")
            object.__setattr__(self, name, tuple(value))
        object.__setattr__(self, "exact", tuple(name for name in self.exact if name != "entry_period"))
        if self.ratio < 1:
            raise PlanError(f"`matching.ratio` must be at least 1: it is {self.ratio}. Mend the plan.")
        if self.caliper is not None and not self.caliper > 0:
            raise PlanError(f"`matching.caliper` must be above 0, or none for no caliper: it is {self.caliper}. Mend the plan.")
        if not self.history_window[0] <= self.history_window[1] < 0:
            raise PlanError(f"`matching.history_window` must end before entry (event time -1): it is {self.history_window}. Mend the plan.")

    def used_event_times(self) -> tuple[int, ...]:
        """Event times whose outcomes entered the score; a test of trends before must leave them out."""
        return tuple(range(self.history_window[0], self.history_window[1] + 1)) if self.history else ()

    def fit(self, panel: Panel) -> MatchedSample:
        """Match every treated unit inside its entry period.

        Raises
        ------
        CommonSupportError
            Nobody enters, nobody is at risk beside those who enter, or no treated unit can be matched.
        EstimationError
            The score cannot be estimated (constant, collinear or separating covariates; they are named).
        """
        rows = risk_sets(panel, eligibility=self.eligibility)
        x, names = covariate_matrix(panel, rows, self.covariates, self.history, self.history_window)
        complete = np.isfinite(x).all(axis=1)
        notes = _missing_note(x, names, complete)
        lost = rows.keep(~complete & rows.treated)
        rows, x = rows.keep(complete), x[complete]
        stratum = strata(panel, rows, self.exact)
        scored = _entry_periods_with_both(rows)
        score = np.full(len(rows), np.nan)
        score[scored] = entry_score(panel, rows.keep(scored), x[scored], names).linear_predictor
        score = np.round(score, SCORE_DECIMALS)
        width = float("inf") if self.caliper is None else self.caliper * float(np.std(score[scored], ddof=1))
        pairs = self.pair(panel, rows, np.where(scored, score, 0.0), stratum, width)
        return _sample(panel, self.in_words(), rows, x, names, score, pairs, width, lost, notes)

    def pair(self, panel: Panel, rows: RiskSets, score: np.ndarray, stratum: np.ndarray, width: float) -> Pairs:
        """Pair candidate rows on a score already known (as placebo areas do)."""
        return pair_nearest(score, stratum, rows.treated, _tie_order(panel)[rows.unit], ratio=self.ratio, width=width, replacement=self.replacement)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        caliper = "no caliper" if self.caliper is None else f"a caliper of {self.caliper:g} standard deviations of the linear predictor"
        exact = ["entry period", *(name.replace("_", " ") for name in self.exact)]
        how = "with" if self.replacement else "without"
        past = f", and mean {', '.join(self.history)} over event times {self.history_window[0]} to {self.history_window[1]}" if self.history else ""
        return (f"{self.ratio}:1 nearest-neighbour matching {how} replacement on the linear predictor of a logit of entry "
                f"({', '.join(self.covariates)}{past}), {caliper}, exact on {', '.join(exact)}")


def sample_of_pairs(panel: Panel, method: str, rows: RiskSets, score: np.ndarray, pairs: Pairs, width: float, *, balance: pd.DataFrame,
                    dropped: pd.DataFrame, notes: tuple[str, ...] = ()) -> MatchedSample:
    """A matched sample from pairs of candidate rows; weights are 1 / (comparison units of the set)."""
    firsts, set_of_pair, size = np.unique(pairs.treated, return_inverse=True, return_counts=True)
    return MatchedSample(
        panel=panel, method=method, set_treated=rows.unit[firsts], set_entry=rows.entry[firsts], pair_set=set_of_pair,
        pair_comparison=rows.unit[pairs.comparison], pair_weight=1.0 / size[set_of_pair],
        candidates=pd.DataFrame({"unit": rows.unit, "entry": rows.entry, "treated": rows.treated, "score": score}),
        balance=balance, dropped=dropped, caliper_width=width if np.isfinite(width) else float("nan"), notes=notes)


def _sample(panel, method, rows, x, names, score, pairs, width, lost, notes) -> MatchedSample:
    after = np.zeros(len(rows))
    size = np.bincount(pairs.treated, minlength=len(rows))
    after[pairs.treated] = 1.0
    after += np.bincount(pairs.comparison, weights=1.0 / size[pairs.treated], minlength=len(rows))
    scored = np.isfinite(score)
    table = balance_table(np.column_stack([x, score])[scored], [*names, "linear predictor"], treated=rows.treated[scored],
                          before=risk_set_weights(rows.entry, rows.treated)[scored], after=after[scored])
    focal, why = np.flatnonzero(rows.treated), pairs.reason
    out = focal[why != ""]
    dropped = pd.DataFrame({"unit": np.concatenate([rows.unit[out], lost.unit]), "entry": np.concatenate([rows.entry[out], lost.entry]),
                            "reason": [*why[why != ""], *["covariate_missing"] * len(lost)]})
    dropped = dropped.sort_values(["unit", "entry"], ignore_index=True)
    return sample_of_pairs(panel, method, rows, score, pairs, width, balance=table, dropped=dropped, notes=notes)


def _entry_periods_with_both(rows: RiskSets) -> np.ndarray:
    """Rows of entry periods with both treated and comparison rows: others say nothing about the score and would separate it."""
    periods, code = np.unique(rows.entry, return_inverse=True)
    n_treated, n = np.bincount(code, weights=rows.treated, minlength=len(periods)), np.bincount(code, minlength=len(periods))
    return ((n_treated > 0) & (n_treated < n))[code]


def _tie_order(panel: Panel) -> np.ndarray:
    """Place of each unit in the order of `unit_id`; the rows themselves where the panel is sorted, as it should be."""
    ids = panel.units["unit_id"]
    if ids.is_monotonic_increasing:
        return np.arange(len(ids))
    place = np.empty(len(ids), dtype=int)
    place[np.argsort(ids.to_numpy(), kind="stable")] = np.arange(len(ids))
    return place


def _missing_note(x: np.ndarray, names: tuple[str, ...], complete: np.ndarray) -> tuple[str, ...]:
    if complete.all():
        return ()
    by_name = ", ".join(f"{name} {count:,}" for name, count in zip(names, (~np.isfinite(x)).sum(axis=0), strict=True) if count)
    return (f"{(~complete).sum():,} of {len(complete):,} candidate rows lack a covariate and were left out ({by_name}).",)
