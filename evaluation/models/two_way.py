"""Two-way fixed effects: one average effect from a regression on unit and period effects, and a plain check of the other estimators.

From additive sums on a panel, from own arrays on matched sets; linearmodels' PanelOLS is a named backend for both. Effects by event time are in
`event_study_regression.py`, what a two-way estimate is made of in `bacon.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.cell_sums import CellSums, Groups
from evaluation.models.contrasts import at_columns, collected, outcome_array, rows_frame
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.panel_effects import Contribution, panel_effects
from evaluation.models.stacked_regression import Stack, linearmodels_two_way, no_variation, own_two_way, refuse_untreated
from evaluation.models.within_regression import WithinFit, always_treated, entry_effects, fit_within, panel_sums, unit_weights, units_in_use
from evaluation.panel.types import Panel

STAGGERED = "Entry is staggered: a two-way estimate on the panel also compares units with units already treated."
BACKENDS = {"sums": "", "linearmodels": " (linearmodels PanelOLS)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWay:
    """One average effect from a regression on unit and period effects.

    On a matched sample: rows of (unit, set) by event time, weighted by set weights, with effects of each such unit and of each entry cohort by event
    time (a stacked regression: no already treated unit serves as a comparison). On a panel: effects of units and of calendar periods, every unit from
    the first period to the last; where entry is staggered and effects differ this mixes effects of other cohorts into the comparison, and a note
    says so.

    Attributes
    ----------
    window : (int, int)
        Event times of treated units and matched comparison units used.
    anticipation : int
        Event times -anticipation to -1 are left out.
    quarters : (int, int) or None
        Event times after entry used; None for all from 0 to the window's end.
    weights : str or None
        Column of `panel.units` with weights of 0 or more; on a panel only, as matched sets have their own.
    backend : 'sums' or 'linearmodels'
        Own algebra, or linearmodels' PanelOLS on the same observations (slow beyond some 100,000 units).

    Notes
    -----
    The influence of a unit is the sum of its weighted residual treatment times residual over the weighted sum of squares of residual treatment.
    Standard errors, as everywhere here, are CR1 with G / (G - 1) and no other small-sample factor. Fixest's and pyfixest's default is ours times
    sqrt((N - 1) / (N - K)), K counting the coefficient and the period effects but not the unit effects nested in clusters; linearmodels' own counts
    the absorbed effects (but for `auto_df=False, count_effects=False`) and has no G / (G - 1). Cohorts treated from the first period on are left out,
    and units used once only have no part in the estimate and are not counted. Checked against linearmodels 7.1 and pyfixest 0.60.

    References
    ----------
    Frisch and Waugh (1933), DOI 10.2307/1907330; Goodman-Bacon (2021), DOI 10.1016/j.jeconom.2021.03.014, for what it averages.
    """

    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1
    quarters: tuple[int, int] | None = None
    weights: str | None = None
    backend: Literal["sums", "linearmodels"] = "sums"

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        if self.quarters is not None and not 0 <= self.quarters[0] <= self.quarters[1]:
            raise PlanError(f"`estimator.quarters` must run from an event time of 0 or more to a later one: it is {self.quarters}. Mend the plan.")
        if self.backend not in BACKENDS:
            raise PlanError(f"`estimator.backend` must be one of {', '.join(BACKENDS)}: it is {self.backend!r}. Mend the plan.")

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """One cell (cohort -1, event time 0) with influence by place, by unit or by (unit, matched set).

        Parameters
        ----------
        sample : MatchedSample or Panel
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
        """
        if isinstance(sample, Panel) and self.backend == "sums":
            return self._from_sums(sample, outcome, calendar)
        if self.weights is not None and not isinstance(sample, Panel):
            raise PlanError(f"`estimator.weights: {self.weights}` is for panels: matched sets have weights of their own. Mend the plan.")
        panel = sample if isinstance(sample, Panel) else sample.panel
        is_collected = collected(panel.periods, calendar)
        y = np.where(is_collected, outcome_array(panel, outcome), np.nan)
        stack, notes = self._of_panel(panel, y, is_collected) if isinstance(sample, Panel) else (self._of_sample(sample, y), ())
        att, influence = {"sums": own_two_way, "linearmodels": linearmodels_two_way}[self.backend](stack, outcome)
        inside = np.isfinite(stack.y).sum(axis=1) > 1
        unit, treated = stack.unit[inside], stack.treated[inside]
        rows = rows_frame(panel, unit, stack.sets[inside], np.full(len(unit), -1), treated)
        cells = _one_cell(att, *(len(np.unique(unit[side])) for side in (treated, ~treated)))
        return Effects(outcome=outcome, estimator=self.in_words(), base=None, anticipation=self.anticipation, cells=cells, rows=rows,
                       event_times=np.array([0]), influence=influence[inside][:, None], notes=notes)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return f"two-way fixed effects{BACKENDS[self.backend]}{f', weighted by {self.weights}' if self.weights else ''}"

    def _used(self, e: np.ndarray) -> np.ndarray:
        last = self.window[1]
        first, until = (0, last) if self.quarters is None else self.quarters
        return (e >= self.window[0]) & (e <= last) & (((e < 0) & (e < -self.anticipation)) | ((e >= first) & (e <= until)))

    def _from_sums(self, panel: Panel, outcome: str, calendar: Sequence[int]) -> Effects:
        given = panel_sums(panel, outcome, calendar=calendar, weights=self.weights)
        sums = given.sums
        left_out, notes = always_treated(sums, given.is_collected, self.anticipation)
        use = sums.seen & ~left_out[:, None] & ((sums.cohort < 0)[:, None] | self._used(np.arange(sums.n_periods) - sums.cohort[:, None]))
        fit = two_way_fit(sums, use, outcome)
        number = np.zeros((len(fit.coefficients), 1))
        number[-1] = 1.0
        enters = use.sum(axis=1) > 1

        def contribution(groups: Groups, _: int) -> Contribution:
            return Contribution(influence=fit.influence(groups, number), weight=enters[groups.kind].astype(float)[:, None])

        n = np.bincount(sums.by_place.kind, weights=sums.by_place.count, minlength=len(enters))
        cells = _one_cell(float(fit.coefficients[-1]), *(round(n[enters & side].sum()) for side in (sums.cohort >= 0, sums.cohort < 0)))
        return panel_effects(panel, outcome, sums, cells, np.array([0]), contribution, units=given.units, estimator=self.in_words(), base=None,
                             anticipation=self.anticipation, notes=_notes(sums.cohorts()) + notes, has_weights=False)

    def _of_panel(self, panel: Panel, y: np.ndarray, is_collected: np.ndarray) -> tuple[Stack, tuple[str, ...]]:
        weight = unit_weights(panel, self.weights)
        weight = np.ones(len(panel)) if weight is None else weight
        entry, column = panel.entry, np.arange(y.shape[1])
        there = np.isfinite(y).any(axis=1) & (weight > 0)
        always = there & (entry >= 0) & ~(is_collected & (column < entry[:, None] - self.anticipation)).any(axis=1)
        e = column - entry[:, None]
        use = ((entry < 0)[:, None] | self._used(e)) & (there & ~always)[:, None]
        note = (f"{always.sum():,} units are treated from the first period on and are left out.",) if always.any() else ()
        stack = Stack(unit=np.arange(len(panel)), sets=np.full(len(panel), -1), treated=entry >= 0, block=np.zeros(len(panel), dtype=int),
                      y=np.where(use, y, np.nan), d=(entry >= 0)[:, None] & (e >= 0), weight=weight)
        return stack, _notes(np.unique(entry[entry >= 0])) + note

    def _of_sample(self, sample: MatchedSample, y: np.ndarray) -> Stack:
        unit = np.concatenate([sample.treated_unit, sample.comparison_unit])
        sets = np.concatenate([sample.treated_set, sample.comparison_set])
        treated = np.arange(len(unit)) < sample.n_treated
        entry, weight = sample.set_entry[sets], np.concatenate([sample.treated_weight, sample.comparison_weight])
        e = np.arange(self.window[0], self.window[1] + 1)
        values = at_columns(y, unit[:, None], entry[:, None] + e)
        own = sample.panel.entry[unit]
        joined = (~treated & (own >= 0))[:, None] & (entry[:, None] + e >= own[:, None])
        return Stack(unit=unit, sets=sets, treated=treated, block=entry, y=np.where(~joined & self._used(e), values, np.nan),
                     d=treated[:, None] & (e >= 0), weight=weight)


def two_way_fit(sums: CellSums, use: np.ndarray, outcome: str) -> WithinFit:
    """Regression on period effects and treatment (the last coefficient), with unit effects; `use` are the observations, (n_kinds, n_periods)."""
    observations = units_in_use(sums, use)
    after = (sums.cohort >= 0)[:, None] & (np.arange(sums.n_periods) >= sums.cohort[:, None])
    refuse_untreated(outcome, round(observations[after].sum()), round(observations.sum()))
    fit = fit_within(sums, entry_effects(np.unique(sums.cohort), sums.n_periods, lambda e: np.where(e >= 0, 0, -1), 1), use)
    if not fit.normal.identifies(np.eye(len(fit.coefficients))[:, -1:])[0]:
        raise no_variation(outcome)
    return fit


def _one_cell(att: float, n_treated: int, n_comparison: int) -> pd.DataFrame:
    return pd.DataFrame({"cohort": [-1], "period": [-1], "event_time": [0], "estimate": [att], "n_treated": [n_treated],
                         "n_comparison": [n_comparison], "weight": [float(n_treated)], "status": ["estimated"]})


def _notes(cohorts: np.ndarray) -> tuple[str, ...]:
    return (STAGGERED,) if len(cohorts) > 1 else ()
