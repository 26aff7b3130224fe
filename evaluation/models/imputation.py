"""The imputation estimator of Borusyak, Jaravel and Spiess on a panel, without covariates, from additive sums.

Unit and period effects are estimated on untreated observations only; an effect is what a treated unit has beyond them.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.sample import MatchedSample
from evaluation.models.cell_sums import CellSums, Groups
from evaluation.models.contrasts import (
    ESTIMATED,
    NO_BASE,
    NO_COMPARISON,
    NOT_COLLECTED,
    NOT_ESTIMABLE,
    NOT_OBSERVED,
    OUTSIDE,
    divide,
)
from evaluation.models.effects import Effects
from evaluation.models.event_study_regression import event_effects
from evaluation.models.panel_effects import Contribution, panel_effects
from evaluation.models.untreated_cells import cells_of_parts, check_leads, contribution_of_parts, event_times_of, leads_of, untreated_columns
from evaluation.models.within_regression import (
    PanelSums,
    WithinFit,
    always_treated,
    fit_within,
    panel_sums,
    period_effects,
    refuse_nothing,
    units_in_use,
)
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Imputation:
    """ATT by entry cohort and event time: the outcome less the unit effect and the period effect of untreated observations.

    Assumes parallel trends between all cohorts in all periods before treatment, and no anticipation beyond `anticipation` periods.

    Attributes
    ----------
    anticipation : int
        Periods before entry that are not counted as untreated; they have cells of their own.
    leads : int
        Event times before the anticipation that are held out of the first step and imputed as if treated: placebo cells, which should be 0.
        A cohort keeps at least one period before them.
    window : (int, int) or None
        Event times kept; None for all that the panel has.
    weights : str or None
        Column of `panel.units` with weights of 0 or more.

    Notes
    -----
    With a and b the effects estimated on untreated observations, ATT(g,e) is the weighted mean of y(i,g+e) - a(i) - b(g+e) over the cohort's units
    observed then, and observed untreated at all. Influence is that of the whole two-step estimate, linear in outcomes: a treated unit adds its
    deviation from the mean of its own cohort and event time, every unit its share of the error of b. For a cell, and for any average of cells with
    fixed weights, its sum of squares by cluster is the variance of Borusyak, Jaravel and Spiess (2024, eq. 8) with effects averaged by cohort and
    event time (conservative: R `didimputation`). With the influence of cohort shares, as in `overall`, it is that of two-stage least squares
    (Gardner; R `did2s`). Neither has G / (G - 1), which is added here.

    References
    ----------
    Borusyak, Jaravel and Spiess (2024), DOI 10.1093/restud/rdae007; Gardner (2022), arXiv 2207.05943. Checked against R `didimputation` 0.5.0, and
    against least squares on unit and period dummies.
    """

    anticipation: int = 0
    leads: int = 4
    window: tuple[int, int] | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        check_leads(self.anticipation, self.leads, self.window)

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT(g,e) with influence by place, by unit for errors, and unit by unit (`Effects.each_unit`).

        Parameters
        ----------
        sample : Panel, or MatchedSample (its panel is used)
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.

        Raises
        ------
        EstimationError
            No cell can be estimated.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        given = panel_sums(panel, outcome, calendar=calendar, weights=self.weights)
        sums, event_times = given.sums, event_times_of(self.window, len(panel.periods), self.leads + self.anticipation)
        untreated = untreated_columns(sums.cohort, sums.n_periods, self.anticipation)
        held_out = leads_of(sums.cohort, given.is_collected, self.anticipation, self.leads)
        fits = [_first_step(sums, untreated & ~held_out), _first_step(sums, untreated)]
        before = event_times < -self.anticipation
        parts = {int(g): tuple(_imputed(given, fit, int(g), event_times[side]) for fit, side in zip(fits, (before, ~before), strict=True))
                 for g in sums.cohorts()}
        for g, (placebo, _) in parts.items():
            placebo.status[(placebo.status == ESTIMATED) & placebo.fit.use[sums.cohort == g][:, placebo.column].any(axis=0)] = NO_BASE
        table = cells_of_parts(parts, event_times) if parts else None
        refuse_nothing(table is not None and (table["status"] == "estimated").any(), outcome, "effect", "`periods` or the comparison pools")
        return panel_effects(panel, outcome, sums, table, event_times, lambda groups, g: contribution_of_parts(parts[g], groups), units=given.units,
                             estimator=self.in_words(), base=None, anticipation=self.anticipation, notes=self._notes(sums, given, untreated),
                             adjusted=True)

    def pre_trends(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """The test of parallel trends of Borusyak, Jaravel and Spiess (2024, section 4.4): leads common to all cohorts, on untreated observations.

        Cells of cohort -1 by event time from `leads` periods before the anticipation on; all should be 0. The base is all that lies before.
        """
        if not self.leads:
            raise EstimationError("A test of trends before entry needs `estimator.leads` of 1 or more: it is 0. Mend the plan.")
        panel = sample if isinstance(sample, Panel) else sample.panel
        given = panel_sums(panel, outcome, calendar=calendar, weights=self.weights)
        use = given.sums.seen & untreated_columns(given.sums.cohort, given.sums.n_periods, self.anticipation)
        event_times = np.arange(-self.leads, 0) - self.anticipation
        return event_effects(panel, outcome, given, use, event_times, bases=np.empty(0, dtype=int), anticipation=self.anticipation, notes=(),
                             estimator=f"regression on {self.leads:,} leads, unit and period effects, untreated observations only", clip=False)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        weighted = f", weighted by {self.weights}" if self.weights else ""
        return f"imputation from unit and period effects of untreated observations (Borusyak, Jaravel and Spiess){weighted}"

    def _notes(self, sums: CellSums, given: PanelSums, untreated: np.ndarray) -> tuple[str, ...]:
        always, notes = always_treated(sums, given.is_collected, self.anticipation)
        without = (sums.cohort >= 0) & ~always & ~(sums.seen & untreated).any(axis=1)
        n = round(sums.by_place.count[without[sums.by_place.kind]].sum())
        return notes + ((f"{n:,} treated units are never observed untreated and are left out.",) if n else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Imputed:
    """Cells of one cohort imputed from one first step.

    Attributes
    ----------
    fit : WithinFit
    column : ndarray of int, shape (n_cells,)
        Period of each cell, clipped to the panel.
    enters : ndarray of bool, shape (n_kinds, n_cells)
        Kinds of the cohort that are averaged.
    numbers : ndarray, shape (n_periods, n_cells)
        Gradient of the cell with respect to period effects.
    row_weight : ndarray, shape (n_kinds, n_cells)
        Weight in the cell by unit weight: 1 for the treated, that of untreated units of other cohorts in the cell's period adds up to theirs.
    estimate, weight, n_treated, n_comparison : ndarray, shape (n_cells,)
    status : ndarray of int, shape (n_cells,)
    """

    fit: WithinFit
    column: np.ndarray
    enters: np.ndarray
    numbers: np.ndarray
    row_weight: np.ndarray
    estimate: np.ndarray
    weight: np.ndarray
    n_treated: np.ndarray
    n_comparison: np.ndarray
    status: np.ndarray

    def contribution(self, groups: Groups) -> Contribution:
        """What groups add to the cells."""
        shown, scale = self.status == ESTIMATED, np.where(self.weight > 0, self.weight, 1.0)
        deviation = _beyond(groups, self.fit)[:, self.column] - groups.weight[:, None] * np.nan_to_num(self.estimate)
        influence = np.where(self.enters[groups.kind], deviation / scale, 0.0) + self.fit.influence(groups, self.numbers)
        return Contribution(influence=np.where(shown, influence, 0.0),
                            weight=np.where(shown, groups.weight[:, None] * self.row_weight[groups.kind], 0.0))


def _first_step(sums: CellSums, use: np.ndarray) -> WithinFit:
    return fit_within(sums, period_effects(len(np.unique(sums.cohort)), sums.n_periods), sums.seen & use)


def _beyond(groups: Groups, fit: WithinFit) -> np.ndarray:
    """Weighted outcomes beyond the period effects and the unit's own mean of that in the first step, shape (n_groups, n_periods)."""
    use = fit.use[groups.kind]
    values = groups.total - groups.weight[:, None] * fit.coefficients
    own = np.where(use, values, 0.0).sum(axis=1) / np.maximum(use.sum(axis=1), 1)
    return values - own[:, None]


def _imputed(given: PanelSums, fit: WithinFit, cohort: int, event_times: np.ndarray) -> _Imputed:
    """Cells of a cohort at some event times."""
    sums, groups = given.sums, given.sums.by_place
    inside = (cohort + event_times >= 0) & (cohort + event_times < sums.n_periods)
    column = np.clip(cohort + event_times, 0, sums.n_periods - 1)
    own, seen = (sums.cohort == cohort)[:, None], sums.seen[:, column] & inside
    enters, compared = seen & own & fit.use.any(axis=1)[:, None], fit.use[:, column] & inside & ~own
    by_kind = np.bincount(groups.kind, weights=groups.weight, minlength=len(own))
    weight, pool = by_kind @ enters, by_kind @ compared
    mine = sums.cohort[groups.kind] == cohort
    effect = np.where(enters[groups.kind[mine]], _beyond(_some(groups, mine), fit)[:, column], 0.0)
    share = fit.use * (by_kind / np.maximum(fit.use.sum(axis=1), 1))[:, None]
    numbers = np.nan_to_num(divide(share.T @ enters, weight)) - (np.arange(sums.n_periods)[:, None] == column)
    n_treated, n_comparison = (units_in_use(sums, side).sum(axis=0) for side in (enters, compared))
    status = np.where(n_comparison == 0, NO_COMPARISON, np.where(fit.normal.identifies(numbers), ESTIMATED, NOT_ESTIMABLE))
    status[n_treated == 0] = NOT_OBSERVED
    status[inside & (not (fit.use & own).any())] = NO_BASE
    status[inside & ~given.is_collected[column]] = NOT_COLLECTED
    status[~inside] = OUTSIDE
    return _Imputed(fit=fit, column=column, enters=enters, numbers=numbers, row_weight=enters + compared * np.nan_to_num(divide(weight, pool)),
                    estimate=divide(effect.sum(axis=0), weight), weight=weight, n_treated=np.rint(n_treated).astype(int),
                    n_comparison=np.rint(n_comparison).astype(int), status=status)


def _some(groups: Groups, mine: np.ndarray) -> Groups:
    return Groups(**{name: getattr(groups, name)[mine] for name in Groups.__slots__})
