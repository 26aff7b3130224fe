"""Two-way fixed effects with linearmodels' PanelOLS: a second, named estimator, and a plain check of the first."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import at_columns, collected, outcome_array, rows_frame
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.panel.types import Panel

DUMMIES = 20_000_000           # above as many dummy entries linearmodels solves iteratively instead (160 MB)

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

    Notes
    -----
    PanelOLS gives coefficient and residuals; the influence of a unit is the sum of its (weighted residual treatment times residual) over the sum of
    squares. Standard errors, as everywhere here, are CR1 with G / (G - 1) and no other small-sample factor; linearmodels' own counts
    the absorbed effects (but for `auto_df=False, count_effects=False`) and has no G / (G - 1). Checked against linearmodels' covariance and pyfixest.
    """

    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1
    quarters: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        if self.quarters is not None and not 0 <= self.quarters[0] <= self.quarters[1]:
            raise PlanError(f"`estimator.quarters` must run from an event time of 0 or more to a later one: it is {self.quarters}. Mend the plan.")

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """One cell (cohort -1, event time 0) with influence rows per unit, or per (unit, matched set).

        Parameters
        ----------
        sample : MatchedSample or Panel
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        y = np.where(collected(panel.periods, calendar), outcome_array(panel, outcome), np.nan)
        stack = self._of_panel(sample, y) if isinstance(sample, Panel) else self._of_sample(sample, y)
        att, influence = _panel_ols(stack, outcome)
        inside = np.bincount(stack.row, minlength=len(stack.unit)) > 0
        unit, treated = stack.unit[inside], stack.treated[inside]
        rows = rows_frame(panel, unit, stack.sets[inside], np.full(len(unit), -1), treated)
        n_treated, n_comparison = (len(np.unique(unit[side])) for side in (treated, ~treated))
        cells = pd.DataFrame({"cohort": [-1], "period": [-1], "event_time": [0], "estimate": [att], "n_treated": [n_treated],
                              "n_comparison": [n_comparison], "weight": [float(n_treated)], "status": ["estimated"]})
        return Effects(outcome=outcome, estimator=self.in_words(), base=None, anticipation=self.anticipation, cells=cells, rows=rows,
                       event_times=np.array([0]), influence=influence[inside][:, None], notes=stack.notes)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return "two-way fixed effects (linearmodels PanelOLS)"

    def _used(self, e: np.ndarray) -> np.ndarray:
        last = self.window[1]
        first, until = (0, last) if self.quarters is None else self.quarters
        return (e >= self.window[0]) & (e <= last) & (((e < 0) & (e < -self.anticipation)) | ((e >= first) & (e <= until)))

    def _of_sample(self, sample: MatchedSample, y: np.ndarray) -> _Stack:
        unit = np.concatenate([sample.treated_unit, sample.comparison_unit])
        sets = np.concatenate([sample.treated_set, sample.comparison_set])
        treated = np.arange(len(unit)) < sample.n_treated
        entry, weight = sample.set_entry[sets], np.concatenate([sample.treated_weight, sample.comparison_weight])
        e = np.arange(self.window[0], self.window[1] + 1)
        values = at_columns(y, unit[:, None], entry[:, None] + e)
        own = sample.panel.entry[unit]
        joined = (~treated & (own >= 0))[:, None] & (entry[:, None] + e >= own[:, None])
        row, j = np.nonzero(np.isfinite(values) & ~joined & self._used(e))
        return _Stack(unit=unit, sets=sets, treated=treated, row=row, time=entry[row] * 1000 + (e[j] - self.window[0]), y=values[row, j],
                      d=(treated[row] & (e[j] >= 0)).astype(float), weight=weight[row])

    def _of_panel(self, panel: Panel, y: np.ndarray) -> _Stack:
        entry = panel.entry
        treated, column = entry >= 0, np.arange(y.shape[1])
        e = column - entry[:, None]
        row, t = np.nonzero(np.isfinite(y) & (~treated[:, None] | self._used(e)))
        staggered = len(np.unique(entry[treated])) > 1
        notes = ("Entry is staggered: a two-way estimate on the panel also compares units with units already treated.",) if staggered else ()
        return _Stack(unit=np.arange(len(panel)), sets=np.full(len(panel), -1), treated=treated, row=row, time=t, y=y[row, t],
                      d=(treated[row] & (e[row, t] >= 0)).astype(float), weight=np.ones(len(row)), notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stack:
    """Long data: `row` points to the entity (unit, or unit of a set) of each observation."""

    unit: np.ndarray
    sets: np.ndarray
    treated: np.ndarray
    row: np.ndarray
    time: np.ndarray
    y: np.ndarray
    d: np.ndarray
    weight: np.ndarray
    notes: tuple[str, ...] = ()


def _panel_ols(stack: _Stack, outcome: str) -> tuple[float, np.ndarray]:
    """Coefficient of treatment, and the influence of each entity."""
    from linearmodels.panel import PanelOLS

    index = pd.MultiIndex.from_arrays([stack.row, stack.time], names=["entity", "time"])
    y, d, w = (pd.Series(values, index=index, name=name) for values, name in ((stack.y, "y"), (stack.d, "d"), (stack.weight, "w")))
    if not 0 < stack.d.sum() < len(stack.d):
        raise EstimationError(f"A two-way estimate of {outcome!r} needs treated observations after entry and others: {int(stack.d.sum()):,} of "
                              f"{len(stack.d):,} are treated. Mend `periods` or `estimator.window` in the plan.")
    one = pd.Series(1.0, index=index, name="one").to_frame()
    how = {"debiased": False, "low_memory": len(y) * len(np.unique(stack.time)) > DUMMIES}
    try:
        fit = PanelOLS(y, d.to_frame(), weights=w, entity_effects=True, time_effects=True).fit(**how)
        residual_d = PanelOLS(d, one, weights=w, entity_effects=True, time_effects=True).fit(**how).resids.to_numpy()
    except (ValueError, np.linalg.LinAlgError) as error:
        raise EstimationError(f"A two-way estimate of {outcome!r} cannot be computed: treatment does not vary within units and periods. "
                              "Mend `periods`, `estimator.window` or the comparison pools in the plan.") from error
    score = stack.weight * residual_d * fit.resids.to_numpy()
    spread = float(stack.weight @ residual_d**2)
    return float(fit.params.iloc[0]), np.bincount(stack.row, weights=score / spread, minlength=len(stack.unit))
