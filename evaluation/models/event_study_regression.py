"""The regression event study: unit effects, period effects and an indicator for every event time but the base.

One coefficient by event time for all cohorts. Averages of cohorts' own effects by event time are `inference.event_study` of the other estimators.
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
from evaluation.models.contrasts import BASE, ESTIMATED, NO_COMPARISON, NOT_COLLECTED, NOT_ESTIMABLE, NOT_OBSERVED, OUTSIDE, cells_frame
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.panel_effects import Contribution, panel_effects
from evaluation.models.within_regression import (
    PanelSums,
    WithinFit,
    always_treated,
    entry_effects,
    fit_within,
    panel_sums,
    refuse_nothing,
    units_in_use,
)
from evaluation.panel.types import Panel

ENDS = {"binned": ", ends binned", "left_out": ", event times outside the window left out"}
MIXED = ("Entry is staggered: where effects differ by cohort, a coefficient of this regression carries effects of other event times "
         "(Sun and Abraham 2021).")
BINNED = "The first and the last event time stand for all that lie beyond them as well."


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWayEventStudy:
    """Coefficients by event time of a regression on unit and period effects.

    Assumes parallel trends, no effect at the base, and one course of effects by event time for all cohorts.

    Attributes
    ----------
    base : int or tuple of int
        Event times held at 0; two or more where nobody is never treated, as event time, period and unit effects then share a line.
    window : (int, int) or None
        First and last event time; None for all that the panel has.
    ends : 'binned' or 'left_out'
        Whether event times beyond the window join its first and last, or leave the regression.
    anticipation : int
        Periods before entry that tables show as left out; it changes no coefficient.
    weights : str or None
        Column of `panel.units` with weights of 0 or more.

    Notes
    -----
    Cohorts treated from the first period on are left out. Checked against pyfixest `i(event_time)`.

    References
    ----------
    Sun and Abraham (2021), DOI 10.1016/j.jeconom.2020.09.006; Schmidheiny and Siegloch (2023), DOI 10.1002/jae.2971, on binned ends.
    """

    base: int | tuple[int, ...] = -1
    window: tuple[int, int] | None = None
    ends: Literal["binned", "left_out"] = "binned"
    anticipation: int = 0
    weights: str | None = None

    def __post_init__(self) -> None:
        bases = (self.base,) if isinstance(self.base, int) else tuple(int(e) for e in self.base)
        object.__setattr__(self, "base", bases[0] if len(bases) == 1 else bases)
        if self.window is not None:
            object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        if not bases or min(bases) >= 0 or self.window is not None and not all(self.window[0] <= e <= self.window[1] for e in bases):
            raise PlanError(f"`estimator.base` must hold event times inside the window, one before entry at least: it is {self.base} and the window "
                            f"{self.window}. Mend the plan.")
        if self.ends not in ENDS or self.anticipation < 0:
            raise PlanError(f"`estimator.ends` must be one of {', '.join(ENDS)} and `anticipation` 0 or more: they are {self.ends!r} and "
                            f"{self.anticipation}. Mend the plan.")

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """Cells of cohort -1 by event time, with influence by place, by unit for errors, and unit by unit.

        Parameters
        ----------
        sample : Panel, or MatchedSample (its panel is used)
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        given = panel_sums(panel, outcome, calendar=calendar, weights=self.weights)
        sums = given.sums
        left_out, notes = always_treated(sums, given.is_collected, 0)
        event_times, e = self._event_times(sums.n_periods), np.arange(sums.n_periods) - sums.cohort[:, None]
        inside = (e >= event_times[0]) & (e <= event_times[-1]) | (self.ends == "binned")
        use = sums.seen & ~left_out[:, None] & ((sums.cohort < 0)[:, None] | inside)
        notes = ((MIXED,) if len(sums.cohorts()) > 1 else ()) + notes + ((BINNED,) if self.window is not None and self.ends == "binned" else ())
        return event_effects(panel, outcome, given, use, event_times, bases=np.atleast_1d(self.base), estimator=self.in_words(),
                             anticipation=self.anticipation, notes=notes)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        at = " and ".join(f"{e:d}" for e in np.atleast_1d(self.base))
        ends = "" if self.window is None else ENDS[self.ends]
        return f"two-way fixed effects by event time, base at {at}{ends}{f', weighted by {self.weights}' if self.weights else ''}"

    def _event_times(self, n_periods: int) -> np.ndarray:
        first, last = self.window or (1 - n_periods, n_periods - 1)
        return np.arange(first, last + 1)


def event_effects(panel: Panel, outcome: str, given: PanelSums, use: np.ndarray, event_times: np.ndarray, *, bases: np.ndarray, estimator: str,
                  anticipation: int, notes: tuple[str, ...], clip: bool = True) -> Effects:
    """The regression on the observations in `use`, shape (n_kinds, n_periods), as `Effects` with one cell by event time.

    Parameters
    ----------
    event_times : ndarray of int, ascending without gaps
    bases : ndarray of int
        Event times without an indicator; where empty, those outside `event_times` are the base.
    clip : bool
        Whether treated observations outside `event_times` belong to the nearest of them; otherwise to none.
    """
    sums = given.sums
    fit = _fit(sums, use, event_times, bases, clip)
    numbers = np.vstack([np.zeros((sums.n_periods, len(event_times))), np.eye(len(event_times))])
    n_treated, n_comparison = _counts(sums, use, event_times, clip)
    status = _status(fit, numbers, sums, given.is_collected, event_times, bases, n_treated, n_comparison)
    refuse_nothing((status == ESTIMATED).any(), outcome, "coefficient by event time", "`periods`, `estimator.window`, `estimator.base` (two event "
                   "times where nobody is never treated) or the comparison pools")
    cells = _cells(event_times, fit.coefficients[sums.n_periods:], status, n_treated, n_comparison)
    enters, shown = fit.use.sum(axis=1) > 1, np.isin(status, (ESTIMATED, BASE))

    def contribution(groups: Groups, _: int) -> Contribution:
        influence = np.where(status == ESTIMATED, fit.influence(groups, numbers), 0.0)
        return Contribution(influence=influence, weight=(enters[groups.kind][:, None] & shown).astype(float))

    return panel_effects(panel, outcome, sums, cells, event_times, contribution, units=given.units, estimator=estimator,
                         base=int(bases[0]) if len(bases) == 1 else None, anticipation=anticipation, notes=notes, has_weights=False)


def _fit(sums: CellSums, use: np.ndarray, event_times: np.ndarray, bases: np.ndarray, clip: bool) -> WithinFit:
    def column_of(e: np.ndarray) -> np.ndarray:
        place = np.clip(e - event_times[0], 0, len(event_times) - 1) if clip else e - event_times[0]
        outside = (place < 0) | (place >= len(event_times))
        return np.where(outside | np.isin(event_times[np.clip(place, 0, len(event_times) - 1)], bases), -1, place)
    return fit_within(sums, entry_effects(np.unique(sums.cohort), sums.n_periods, column_of, len(event_times)), use)


def _counts(sums: CellSums, use: np.ndarray, event_times: np.ndarray, clip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Treated units observed at every event time, and never treated units."""
    observed = units_in_use(sums, use)
    e = np.where((sums.cohort >= 0)[:, None], np.arange(sums.n_periods) - sums.cohort[:, None], event_times[0] - sums.n_periods - 1)
    treated = (sums.cohort >= 0)[:, None]
    n_comparison = round(observed[sums.cohort < 0].max(axis=1, initial=0).sum())
    at = np.clip(e, event_times[0], event_times[-1]) if clip else e
    n_treated = np.array([np.where(treated & (at == k), observed, 0.0).max(axis=1).sum() for k in event_times])
    return np.rint(n_treated).astype(int), np.full(len(event_times), n_comparison)


def _status(fit: WithinFit, numbers: np.ndarray, sums: CellSums, is_collected: np.ndarray, event_times: np.ndarray, bases: np.ndarray,
            n_treated: np.ndarray, n_comparison: np.ndarray) -> np.ndarray:
    cohorts = sums.cohorts()
    column = cohorts[:, None] + event_times
    inside = (column >= 0) & (column < sums.n_periods)
    status = np.where(fit.normal.identifies(numbers), ESTIMATED, np.where(n_comparison > 0, NOT_ESTIMABLE, NO_COMPARISON))
    status[np.isin(event_times, bases)] = BASE
    status[n_treated == 0] = NOT_OBSERVED
    status[(n_treated == 0) & ~(inside & is_collected[np.clip(column, 0, sums.n_periods - 1)]).any(axis=0)] = NOT_COLLECTED
    status[(n_treated == 0) & ~inside.any(axis=0)] = OUTSIDE
    return status


def _cells(event_times: np.ndarray, estimate: np.ndarray, status: np.ndarray, n_treated: np.ndarray, n_comparison: np.ndarray) -> pd.DataFrame:
    values = {"estimate": estimate, "weight": n_treated.astype(float), "n_treated": n_treated, "n_comparison": n_comparison, "status": status}
    table = cells_frame(np.array([-1]), event_times, **{name: value[None, :] for name, value in values.items()})
    return table.assign(period=-1)
