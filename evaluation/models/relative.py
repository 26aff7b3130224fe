"""An effect as a share of what would have been: the ratio of the treated units' mean with the programme to their mean without it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evaluation.models.clusters import Assignment, Clusters
from evaluation.models.contrasts import at_columns, outcome_array
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import estimate_of
from evaluation.models.summaries import Grid, Observations, Summary, average, chosen_cells, whole_cells
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeEffect:
    """Absolute and relative effect of the same units and event times.

    Attributes
    ----------
    level : float
        Mean of the treated units with the programme, in the outcome's unit.
    counterfactual : float
        The level less the effect: their mean without it.
    effect : Estimate
        The difference.
    ratio : Estimate
        Level over counterfactual; its interval is symmetric on the log scale, `std_error` is that of the log, `p_value` tests a ratio of 1.
    """

    level: float
    counterfactual: float
    effect: Estimate
    ratio: Estimate


def relative_effect(effects: Effects, panel: Panel, *, quarters: tuple[int, int] = (1, 4),
                    cohorts: Sequence[int] | Literal["complete"] | None = "complete", clusters: Clusters = "auto",
                    assignment: Assignment = "unit") -> RelativeEffect:
    """The average effect and its ratio to the level without the programme.

    Parameters
    ----------
    panel : Panel
        The panel the effects were estimated on; the treated units' outcomes are read from it.
    quarters, cohorts, clusters, assignment
        As in `overall`.

    Notes
    -----
    With L the level, A the effect and C = L - A: the influence on log(L / C) is dL / L - (dL - dA) / C (delta method), so that the ratio and the
    difference have the same clusters and, as contrasts of means of what each row contributes, the same kind of error. No ratio is given where the
    level without the programme is not above 0.
    """
    effects = effects.each_unit()
    cells = chosen_cells(effects, quarters=quarters, cohorts=cohorts)
    found = average(effects, cells)
    effect = estimate_of(effects, found, clusters=clusters, assignment=assignment)
    level = treated_level(effects, panel, cells)
    without = level.value - found.value
    if found.reason or level.reason or not (without > 0 and level.value > 0):
        reason = found.reason or level.reason or "the mean with or without the programme is not above 0, so that there is no ratio"
        return RelativeEffect(level=level.value, counterfactual=without, effect=effect, ratio=_none(effect, reason))
    logged = _logged(effects, level, found, without)
    return RelativeEffect(level=level.value, counterfactual=without, effect=effect,
                          ratio=_exponential(estimate_of(effects, logged, clusters=clusters, assignment=assignment)))


def _logged(effects: Effects, level: Summary, effect: Summary, without: float) -> Summary:
    """The logarithm of the ratio: its influence, and the observations whose means move it so."""
    whole, share = whole_cells(effects) if level.over is not None and effect.cells is not None else None, 1 / level.value - 1 / without
    over = None if whole is None else Observations(weight=whole.weight, weighted=level.over.weighted * share + whole.weighted / without)
    return Summary(value=float(np.log(level.value / without)), enters=effect.enters | level.enters, over=over,
                   contribution=level.contribution * share + effect.contribution / without, cells=None if over is None else effect.cells)


def treated_level(effects: Effects, panel: Panel, cells: np.ndarray) -> Summary:
    """Mean outcome of the treated units behind some cells, with the weights that the effect gives them."""
    y, rows, e = outcome_array(panel, effects.outcome), effects.rows, effects.event_times
    none = np.zeros(len(rows))
    if effects.row_weight is None:
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="the estimator has no weights of treated units")
    asked = np.zeros((len(rows), len(e)), dtype=bool)
    chosen = effects.cells[cells]
    for g, here in chosen.groupby("cohort"):
        asked[np.ix_((rows["cohort"] == g).to_numpy(), np.isin(e, here["event_time"]))] = True
    weight = np.where(asked & rows["treated"].to_numpy()[:, None], effects.row_weight, 0.0)
    values = at_columns(y, rows["unit"].to_numpy()[:, None], rows["cohort"].to_numpy()[:, None] + e)
    values, total = np.where(weight > 0, values, 0.0), weight.sum()
    if not total > 0:
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="no treated unit is observed")
    value, grid = float((weight * values).sum() / total), Grid.of(effects)
    mean = grid.means(weight, values)
    return Summary(value=value, contribution=(weight * (values - value)).sum(axis=1) / total, enters=(weight > 0).any(axis=1),
                   over=Observations(weight=weight, weighted=weight * (values - mean)))


def _exponential(logged: Estimate) -> Estimate:
    """A ratio from its logarithm."""
    return replace(logged, estimate=float(np.exp(logged.estimate)), lower=float(np.exp(logged.lower)), upper=float(np.exp(logged.upper)))


def _none(effect: Estimate, reason: str) -> Estimate:
    nan = float("nan")
    return replace(effect, estimate=nan, std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, method="none", reason=reason)
