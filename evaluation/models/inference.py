"""Readings of effects with their intervals: overall, by event time, cohort and calendar period; by council in `places.py`.

Pointwise 95% intervals from cluster sums of influence. Permutation of areas is in `permutation.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from evaluation.models.clusters import IN_WORDS, Assignment, Clusters, cluster_names, count_units
from evaluation.models.effects import Effects, Estimate
from evaluation.models.summaries import (
    Summary,
    average,
    chosen_cells,
    cohort_mask,
    estimated,
    followed,
    mean_of,
    of_fixed_weights,
    phase,
)
from evaluation.models.uncertainty import Errors, uncertainty_of

LEVEL = 0.95
NO_SPREAD = 1e-12              # a standard error below this share of the number is rounding, not sampling
TABLE = ("outcome", "cohort", "period", "event_time", "estimate", "std_error", "lower", "upper", "n_treated", "n_comparison")


def overall(effects: Effects, *, quarters: tuple[int, int] = (1, 4), cohorts: Sequence[int] | Literal["complete"] | None = "complete",
            clusters: Clusters = "auto", assignment: Assignment = "unit", errors: Errors = "auto",
            weights: np.ndarray | None = None) -> Estimate:
    """One average effect over event times and entry cohorts, weighted by treated units.

    Parameters
    ----------
    quarters : (int, int)
        First and last event time, both included. Counts the panel's periods, whatever they are.
    cohorts : 'complete', None or sequence of int
        Cohorts whose every collected event time of `quarters` is estimated (the headline), all, or entry columns.
    clusters : 'auto', 'set', 'unit', 'unit_and_set', 'area' or 'council'
        'auto': areas where assignment is by area; else matched sets, or units and sets two-way where a unit serves more than one set; else units.
    assignment : 'unit' or 'area'
        What the programme was assigned to.
    errors : 'auto' or 'CR1'
        By the rule of `uncertainty.py`, or the usual cluster-robust ones with G / (G - 1) and the smaller arm's clusters less 1.
    weights : ndarray, shape (n_cells,), optional
        Own fixed weights of the cells of `effects.cells`, >= 0, instead of treated units.

    Notes
    -----
    Sets and units: sum over clusters of squared sums of influence, times G / (G - 1) (CR1, fixest's convention with nested effects not counted);
    two-way: unit + set - both (Cameron, Gelbach and Miller 2011, each term with its own factor); t with G - 1 degrees of freedom, of the smaller
    dimension. Areas and councils: CR2 with Satterthwaite's degrees of freedom. The rule and its reasons are in `uncertainty.py`. With weights by
    treated units the influence of the cohorts' shares is in it. A single treated cluster, a single cluster or a standard error of zero gives NaN
    and a reason.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    if weights is not None:
        found = of_fixed_weights(effects, np.asarray(weights, dtype=float))
    else:
        found = average(effects, chosen_cells(effects, quarters=quarters, cohorts=cohorts))
    return estimate_of(effects, found, clusters=clusters, assignment=assignment, errors=errors)


def event_study(effects: Effects, *, cohorts: Sequence[int] | Literal["complete"] | None = None, quarters: tuple[int, int] = (1, 4),
                clusters: Clusters = "auto", assignment: Assignment = "unit", errors: Errors = "auto") -> pd.DataFrame:
    """Average effect at every event time, weighted by treated units; one row per event time.

    Parameters
    ----------
    cohorts, quarters
        'complete' keeps the composition of the headline over `quarters`; None takes at each event time the cohorts there are.

    Returns
    -------
    DataFrame
        `outcome, cohort` (-1: several), `period` (-1), `event_time, estimate, std_error, lower, upper, n_treated, n_comparison`, `phase` ('before',
        'base', 'left_out', 'after') and `reason`. The base is an exact 0 without an interval.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    mask = cohort_mask(effects, cohorts, quarters)
    rows = []
    for e in effects.event_times:
        cells = mask & (effects.cells["event_time"].to_numpy() == e)
        is_base = bool((cells & (effects.cells["status"] == "base").to_numpy()).any()) and not (cells & estimated(effects)).any()
        found = estimate_of(effects, average(effects, cells, base_too=is_base), clusters=clusters, assignment=assignment, errors=errors)
        if is_base:
            found = replace(found, estimate=0.0, std_error=float("nan"), lower=float("nan"), upper=float("nan"), reason="base period")
        rows.append((effects.outcome, -1, -1, int(e), found.estimate, found.std_error, found.lower, found.upper, found.n_treated, found.n_comparison,
                     "base" if is_base else phase(int(e), effects.anticipation), found.reason))
    return pd.DataFrame(rows, columns=[*TABLE, "phase", "reason"])


def aggregate(effects: Effects, kind: Literal["simple", "event", "cohort", "calendar"], *, balanced: int | None = None, clusters: Clusters = "auto",
              assignment: Assignment = "unit", errors: Errors = "auto") -> tuple[pd.DataFrame, Estimate]:
    """The four summaries of Callaway and Sant'Anna (2021, section 3) of the cells from entry on: parts, and their average.

    'simple' weights cells by treated units; 'event' and 'calendar' average their parts equally; 'cohort' by treated units.

    Parameters
    ----------
    balanced : int, optional
        With 'event': only cohorts that the panel follows for so many periods after entry, at event times up to it (and from as many periods
        before as every such cohort has), so that the same cohorts stand behind every event time.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    if balanced is not None:
        effects = followed(effects, balanced)
    cells = estimated(effects) & (effects.cells["event_time"].to_numpy() >= 0)
    if kind == "simple":
        whole = estimate_of(effects, average(effects, cells), clusters=clusters, assignment=assignment, errors=errors)
        return pd.DataFrame(columns=["value", "estimate", "std_error"]), whole
    label = effects.cells[{"event": "event_time", "cohort": "cohort", "calendar": "period"}[kind]].to_numpy()
    within = estimated(effects) if kind == "event" else cells
    scale = np.ones(len(label))
    if kind == "cohort":                       # equal weights inside a cohort, treated units between cohorts
        size = pd.Series(cells.astype(float)).groupby(label).transform("sum").to_numpy()
        scale = np.divide(1.0, size, out=np.zeros(len(size)), where=size > 0)
    parts = {value: average(effects, within & (label == value)) for value in np.unique(label[within])}
    after = [part for value, part in parts.items() if kind != "event" or value >= 0]
    whole = average(effects, cells, scale=scale) if kind == "cohort" else mean_of(after)
    shown = {value: estimate_of(effects, part, clusters=clusters, assignment=assignment, errors=errors) for value, part in parts.items()}
    table = pd.DataFrame([(value, found.estimate, found.std_error) for value, found in shown.items()], columns=["value", "estimate", "std_error"])
    return table, estimate_of(effects, whole, clusters=clusters, assignment=assignment, errors=errors)


def estimate_of(effects: Effects, summary: Summary, *, clusters: Clusters = "auto", assignment: Assignment = "unit",
                errors: Errors = "auto") -> Estimate:
    """A summary with its interval, by the rule of `uncertainty.py`."""
    treated = effects.rows["treated"].to_numpy()
    n_treated, n_comparison = (count_units(effects, summary.enters & side) for side in (treated, ~treated))
    if summary.reason:
        words = " and ".join(IN_WORDS[name] for name in cluster_names(effects, clusters, assignment))
        return _without_interval(summary.value, n_treated, n_comparison, words, 0, summary.reason)
    found = uncertainty_of(effects, [summary], clusters=clusters, assignment=assignment, errors=errors)
    std_error, df = np.sqrt(max(float(found.covariance[0, 0]), 0.0)), float(found.df[0])
    reason = found.reason
    if not reason and not std_error > NO_SPREAD * max(abs(summary.value), np.finfo(float).tiny):
        reason = "a standard error of zero is no measure of uncertainty"
    if reason:
        return _without_interval(summary.value, n_treated, n_comparison, found.words, found.n_clusters, reason)
    half = float(stdtrit(df, 0.5 + LEVEL / 2)) * std_error
    return Estimate(estimate=summary.value, std_error=float(std_error), lower=summary.value - half, upper=summary.value + half, df=df,
                    p_value=float(2 * stdtr(df, -abs(summary.value) / std_error)), n_treated=n_treated, n_comparison=n_comparison,
                    clusters=found.words, n_clusters=found.n_clusters, method=found.method, caution=found.caution)


def _without_interval(value: float, n_treated: int, n_comparison: int, clusters: str, n_clusters: int, reason: str) -> Estimate:
    nan = float("nan")
    return Estimate(estimate=value, std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, n_treated=n_treated, n_comparison=n_comparison,
                    clusters=clusters, n_clusters=n_clusters, method="none", reason=reason)
