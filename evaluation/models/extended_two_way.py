"""The extended two-way model of Wooldridge: cohort effects, period effects, and an effect of its own for every treated cohort and period.

Linear, Poisson or logit; without covariates the regression is one on the table of cohorts by periods (`cell_regression.py`).
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.cell_regression import LINKS, Family, fit_cells
from evaluation.models.contrasts import base_column, outcome_array
from evaluation.models.effects import Effects
from evaluation.models.panel_effects import panel_effects
from evaluation.models.saturated_cells import Exposure, Report, Table, saturated_cells
from evaluation.models.untreated_cells import cells_of_parts, check_leads, contribution_of_parts, event_times_of, leads_of, untreated_columns
from evaluation.models.within_regression import refuse_nothing
from evaluation.panel.types import Panel

MODELS = {"gaussian": "linear", "poisson": "Poisson", "logit": "logit"}
RATIOS = {"poisson": "log rate ratio", "logit": "log odds ratio"}
EXPOSURES = {"none": "", "count": ", counts with their exposure", "rate": ", rates weighted by exposure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedTwoWay:
    """ATT by entry cohort and event time from a saturated model with cohort and period effects.

    Assumes that the linear predictor of untreated outcomes would have moved in parallel: means ('gaussian'), logarithms of means ('poisson') or
    log-odds ('logit'). These cannot all hold where cohorts differ in level; choose before the outcome is opened.

    Attributes
    ----------
    family : 'gaussian', 'poisson' or 'logit'
        'poisson' is quasi-likelihood: for counts and other outcomes of 0 or more, whatever their variance. 'logit' is for outcomes from 0 to 1.
    control : 'never' or 'notyet'
        What decides the untreated course: the never treated and each cohort's base alone, or every untreated observation.
    exposure : 'none', 'count' or 'rate'
        For 'poisson'. What `panel.denominators` of the outcome are: nothing, the exposure of a count, or what the outcome is a rate of.
    report : 'difference' or 'ratio'
        Cells on the outcome's own scale (mean of the treated less their mean without the programme; of a rate, by exposure), or as logarithms of the
        rate ratio or odds ratio.
    anticipation : int
        Periods before entry that are not counted as untreated; they have cells of their own.
    leads : int
        With 'notyet': event times before the anticipation that get an effect of their own, in a second regression: placebo cells, which should be 0.
        With 'never' every period before entry has one.
    window : (int, int) or None
        Event times kept; None for all that the panel has.
    weights : str or None
        Column of `panel.units` with weights of 0 or more.

    Notes
    -----
    The likelihood's equations make a treated cell's fitted mean its own mean, so that cohort effects a(g) and period effects b(t) come from untreated
    cells alone, and ATT(g,e) = mean y - h(a(g) + b(g+e)) with h the inverse link (times exposure). Influence by the delta method; without exposure
    it is the sandwich of the saturated regression. A cohort effect, not a unit effect: units seen in some periods only change the composition of
    cells, and units without any event count. Cohorts treated from the first period on are left out. Where outcomes of 0 (or 1) leave no finite
    estimate, the cells concerned are 'not_estimable'.

    References
    ----------
    Wooldridge (2021), DOI 10.2139/ssrn.3906345, eq. 6.33; Wooldridge (2023), DOI 10.1093/ectj/utad016, eq. 3.6 and 3.8. Checked against pyfixest
    `fepois` and `feols`, statsmodels' GLM, and R `etwfe` 0.6.2.
    """

    family: Family = "gaussian"
    control: Literal["never", "notyet"] = "notyet"
    exposure: Exposure = "none"
    report: Report = "difference"
    anticipation: int = 0
    leads: int = 4
    window: tuple[int, int] | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        choices = {"family": tuple(MODELS), "control": ("never", "notyet"), "exposure": tuple(EXPOSURES), "report": ("difference", "ratio")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise PlanError(f"`estimator.{name}` must be one of {', '.join(allowed)}: it is {getattr(self, name)!r}. Mend the plan.")
        if self.exposure != "none" and self.family != "poisson":
            raise PlanError(f"`estimator.exposure: {self.exposure}` belongs to `family: poisson`: the family is {self.family}. Mend the plan.")
        if self.report == "ratio" and self.family == "gaussian":
            raise PlanError("`estimator.report: ratio` belongs to `family: poisson` or `logit`: the family is gaussian. Mend the plan.")
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
        PlanError
            `exposure` is asked for and the panel has no denominators of the outcome.
        EstimationError
            The outcome lies outside the family's range, or no cell can be estimated.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        _refuse_out_of_range(outcome_array(panel, outcome), outcome, self.family)
        table = Table.of(panel, outcome, calendar=calendar, weights=self.weights, measure=self.exposure)
        event_times = event_times_of(self.window, table.n_periods, self.leads + self.anticipation if self.control == "notyet" else table.n_periods)
        base = base_column(table.cohorts, -1 - self.anticipation, table.is_collected)
        steps = self._steps(table, event_times, base)
        fits = [fit_cells(table.events, table.exposure, untreated, self.family) for untreated, _ in steps]
        parts = {int(g): tuple(saturated_cells(table, fit, untreated, int(g), event_times[side], report=self.report,
                                               base=int(base[c]) if self.control == "never" else -1)
                               for fit, (untreated, side) in zip(fits, steps, strict=True))
                 for c, g in enumerate(table.cohorts) if g >= 0}
        cells = cells_of_parts(parts, event_times) if parts else None
        refuse_nothing(cells is not None and (cells["status"] == "estimated").any(), outcome, "effect",
                       "`periods`, `estimator.control` or the comparison pools")
        return panel_effects(panel, outcome, table.sums, cells, event_times, lambda groups, g: contribution_of_parts(parts[g], groups),
                             units=table.units, estimator=self.in_words(), base=-1 - self.anticipation if self.control == "never" else None,
                             anticipation=self.anticipation, notes=_notes(table, self.anticipation), adjusted=True)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        against = {"never": "never treated", "notyet": "not yet treated"}[self.control]
        scale = f", {RATIOS[self.family]}" if self.report == "ratio" else ""
        weighted = f", weighted by {self.weights}" if self.weights else ""
        return f"extended two-way {MODELS[self.family]} model (Wooldridge), against {against} units{EXPOSURES[self.exposure]}{scale}{weighted}"

    def _steps(self, table: Table, event_times: np.ndarray, base: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Untreated cells, shape (n_cohorts, n_periods), of each regression, and the event times that it serves."""
        never, column = (table.cohorts < 0)[:, None], np.arange(table.n_periods)
        if self.control == "never":
            return [(never | (column == base[:, None]), np.ones(len(event_times), dtype=bool))]
        untreated, before = untreated_columns(table.cohorts, table.n_periods, self.anticipation), event_times < -self.anticipation
        held_out = leads_of(table.cohorts, table.is_collected, self.anticipation, self.leads)
        return [(untreated & ~held_out, before), (untreated, ~before)]


def _refuse_out_of_range(y: np.ndarray, outcome: str, family: Family) -> None:
    link = LINKS[family]
    if np.nanmin(y, initial=0.0) < link.bottom or np.nanmax(y, initial=0.0) > link.top:
        wrong = int(((y < link.bottom) | (y > link.top)).sum())
        raise EstimationError(f"A {family} model needs outcomes of 0 or more{' and at most 1' if family == 'logit' else ''}: {wrong:,} of "
                              f"{int(np.isfinite(y).sum()):,} values of {outcome!r} are not. Choose another `estimator.family` in the plan.")


def _notes(table: Table, anticipation: int) -> tuple[str, ...]:
    n_before = np.concatenate([[0], np.cumsum(table.is_collected)])[np.maximum(table.cohorts - anticipation, 0)]
    n = round(table.sums.by_place.count[((table.cohorts >= 0) & (n_before == 0))[table.code[table.sums.by_place.kind]]].sum())
    return (f"{n:,} units are treated from the first period on and are left out.",) if n else ()
