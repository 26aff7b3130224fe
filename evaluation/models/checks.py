"""Checks of a comparison: numbers and verdicts, no sentences. One function each, listed in `CHECKS`."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import fdtrc, fdtri, ncfdtr

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.balance import common_support_share, overlap_histogram, risk_set_weights
from evaluation.matching.sample import MatchedSample
from evaluation.matching.thresholds import Thresholds
from evaluation.models.contrasts import Base
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import (
    Assignment,
    Clusters,
    Summary,
    average,
    cluster_codes,
    cluster_names,
    complete_cohorts,
    covariance_of,
    degrees_of_freedom,
    estimate_of,
    event_study,
    mean_of,
    overall,
)
from evaluation.models.unmatched import UnmatchedDiD

Verdict = Literal["passed", "failed", "not testable", "information"]
SIZE, POWER = 0.05, 0.80


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """What a check may look at: one outcome's effects and where they come from.

    Attributes
    ----------
    sample : MatchedSample
    estimator : object
        The spec that made `effects`; checks that fit again change its base.
    effects : Effects
    calendar : tuple of int
        Quarters of the year in which the outcome is collected; empty for all.
    quarters, cohorts, clusters, assignment
        As in `overall`.
    matched_history : tuple of int
        Event times whose outcomes entered the score (`NearestNeighbour.used_event_times`).
    limits : Thresholds
        Of balance after matching.
    """

    sample: MatchedSample
    estimator: object
    effects: Effects
    calendar: tuple[int, ...] = ()
    quarters: tuple[int, int] = (1, 4)
    cohorts: tuple[int, ...] | Literal["complete"] | None = "complete"
    clusters: Clusters = "auto"
    assignment: Assignment = "unit"
    matched_history: tuple[int, ...] = ()
    limits: Thresholds = Thresholds(variance_ratio=None)

    def __post_init__(self) -> None:
        """Rows that the clusters asked for need, once for all checks."""
        object.__setattr__(self, "effects", self.effects.at(cluster_names(self.effects, self.clusters, self.assignment)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    name : str
    verdict : 'passed', 'failed', 'not testable' or 'information'
    table : DataFrame
    numbers : mapping of str to float
        Named in each check's docstring; NaN where there is none.
    reason : str
        Why it is not testable; '' otherwise.
    judged_by : str
        The limits that decided, in words, where the plan may set them.
    """

    name: str
    verdict: Verdict
    table: pd.DataFrame
    numbers: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    judged_by: str = ""


def pre_trend(given: CheckInput) -> CheckResult:
    """Are all effects before entry zero? Only on periods that entered neither the score nor the base.

    Numbers: `f`, `df1`, `df2`, `p_value`, `largest` (largest absolute effect before), `slope_detectable` (the linear trend per period, in the
    outcome's unit, that the test finds with 80% power), `slope` (generalised least-squares trend through the base), `n_cells`, `n_clusters`.

    Notes
    -----
    Wald statistic W of the k effects with their cluster-robust covariance and G clusters (with areas, those of the smaller arm);
    F = W (G - k) / (k (G - 1)) on k and G - k degrees of freedom (Hotelling), which with few clusters is far from chi-squared. The detectable slope
    solves the power of the non-central F (Roth 2022, DOI 10.1257/aeri.20210236). With areas, `permute_areas(before=...)` is the test to prefer.
    """
    effects = given.effects
    if effects.base is None or effects.row_weight is None:
        return _not_testable("pre_trend", "the estimator has no single base period before entry")
    times = [int(e) for e in effects.event_times if e < -effects.anticipation and e not in given.matched_history]
    parts = {e: part for e in times if not (part := _at(given, e)).reason and part.contribution.any()}
    table = event_study(effects, cohorts=_cohorts(given), quarters=given.quarters, clusters=given.clusters, assignment=given.assignment)
    table = table[table["event_time"].isin(list(parts))].reset_index(drop=True)
    if not parts:
        held = "is the base or entered the score" if given.matched_history else "is the base"
        held = f"every period before entry that was observed {held}"
        return _not_testable("pre_trend", held, table)
    theta = np.array([part.value for part in parts.values()])
    v, g = _covariance(given, list(parts.values()))
    k = len(theta)
    if g <= k or np.linalg.matrix_rank(v) < k:
        return _not_testable("pre_trend", f"{g} clusters cannot test {k} periods together", table)
    precision = np.linalg.inv(v)
    shrink = (g - k) / (k * (g - 1))
    f = float(theta @ precision @ theta) * shrink
    p_value = float(fdtrc(k, g - k, f))
    trend = np.array(list(parts), dtype=float) - effects.base
    information = float(trend @ precision @ trend)
    numbers = {"f": f, "df1": k, "df2": g - k, "p_value": p_value, "largest": float(np.abs(theta).max()), "n_cells": k, "n_clusters": g,
               "slope": float(trend @ precision @ theta) / information, "slope_detectable": float(np.sqrt(_detectable(k, g - k) / information))}
    return CheckResult(name="pre_trend", verdict="failed" if p_value < SIZE else "passed", table=table, numbers=numbers)


def dip(given: CheckInput) -> CheckResult:
    """Did treated units move away from their comparison units just before entry? The last periods before entry against all earlier ones.

    'Last' are the anticipation's periods, or the one before entry where there is no anticipation. Numbers: `estimate`, `std_error`,
    `lower`, `upper`, `p_value`.
    """
    effects = given.effects
    if effects.base is None or effects.row_weight is None:
        return _not_testable("dip", "the estimator has no single base period before entry")
    last = -max(effects.anticipation, 1)
    late = [_at(given, e, base_too=True) for e in range(last, 0)]
    early = [_at(given, int(e), base_too=True) for e in effects.event_times if e < last]
    late, early = ([part for part in side if not part.reason] for side in (late, early))
    if not late or not early:
        return _not_testable("dip", "the periods just before entry, or the earlier ones, are not observed")
    weights = np.concatenate([np.full(len(late), 1 / len(late)), np.full(len(early), -1 / len(early))])
    found = estimate_of(effects, mean_of([*late, *early], weights), clusters=given.clusters, assignment=given.assignment)
    if found.reason:
        return _not_testable("dip", found.reason)
    numbers = {name: getattr(found, name) for name in ("estimate", "std_error", "lower", "upper", "p_value")}
    return CheckResult(name="dip", verdict="failed" if found.p_value < SIZE else "passed", table=pd.DataFrame([numbers]), numbers=numbers)


def base_period(given: CheckInput) -> CheckResult:
    """The estimate with base -1, -2, -4, the plan's and the mean of the periods before, matched and unmatched, side by side.

    Table: `base`, `matched`, `matched_lower`, `matched_upper`, `unmatched`, `unmatched_lower`, `unmatched_upper`. Numbers: `spread_matched`,
    `spread_unmatched` (largest less smallest estimate).
    """
    if not _has_base(given.estimator):
        return _not_testable("base_period", "the estimator has no base period to move")
    table = pd.DataFrame([
        {"base": base} | {f"{name}{end}": getattr(found, part) for name, found in (("matched", matched), ("unmatched", unmatched))
                          for end, part in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper"))}
        for base, (matched, unmatched) in estimates_by_base(given).items()])
    if table.empty:
        return _not_testable("base_period", "no base period is observed")
    numbers = {f"spread_{name}": float(table[name].max() - table[name].min()) for name in ("matched", "unmatched")}
    return CheckResult(name="base_period", verdict="information", table=table, numbers=numbers)


def estimates_by_base(given: CheckInput) -> dict[Base, tuple[Estimate, Estimate]]:
    """The matched and the unmatched estimate with base -1, -2, -4, the estimator's own and the mean of the periods before.

    A base nearer to entry than the anticipation leaves the anticipation only the periods after that base. A base with which nothing can be
    estimated is left out; an estimator without a base period to move gives an empty dict.
    """
    if not _has_base(given.estimator):
        return {}
    own, first = given.estimator.base, given.estimator.window[0]
    wanted: list[Base] = sorted({b for b in (-1, -2, -4, own) if isinstance(b, int) and b >= first}, reverse=True)
    return {base: pair for base in [*wanted, "pre_mean"] if (pair := _with_base(given, base)) is not None}


def balance(given: CheckInput) -> CheckResult:
    """Is every covariate after matching within the plan's limits, the standardised mean difference above all?

    Numbers: `largest_before`, `largest_after` (absolute standardised differences), `n_over` (covariates beyond a limit), `n` (covariates). The score
    counts as a covariate. Limits on distribution functions or on overlap are judged on the whole study's match.
    """
    table, limits = given.sample.balance, given.limits
    whole = limits.ecdf_mean is not None or limits.ks is not None or limits.overlap is not None
    if whole and given.sample.match is None:               # a council's part of the study: what its table holds is judged
        limits, whole = replace(limits, ecdf_mean=None, ks=None, overlap=None), False
    judged = limits.judge(given.sample.match.diagnostics(overlap=limits.overlap is not None).drop(columns="type") if whole else table)
    numbers = {"largest_before": float(table["smd_before"].abs().max()), "largest_after": float(table["smd_after"].abs().max()),
               "n_over": judged.n_judged - judged.n_within, "n": judged.n_judged}
    return CheckResult(name="balance", verdict="passed" if judged.passed else "failed", table=table, numbers=numbers, judged_by=limits.in_words())


def overlap(given: CheckInput) -> CheckResult:
    """Where the scores of treated and comparison units lie, and how many treated units found comparison units.

    Table: `overlap_histogram` of the scores. Numbers: `share_matched`, `share_in_support`, `n_treated`, `n_matched`, `ess` (effective comparison
    units), and `dropped_<reason>`.
    """
    sample = given.sample
    at_risk = sample.candidates[np.isfinite(sample.candidates["score"])]
    if at_risk.empty:
        return _not_testable("overlap", "this way of matching has no score")
    treated = at_risk["treated"].to_numpy()
    weights = risk_set_weights(at_risk["entry"].to_numpy(), treated)
    total = sample.n_treated + len(sample.dropped)
    numbers = {"share_matched": sample.n_treated / total, "share_in_support": common_support_share(at_risk["score"].to_numpy(), treated),
               "n_treated": total, "n_matched": sample.n_treated, "ess": sample.effective_sample_size()}
    numbers |= {f"dropped_{reason}": int(count) for reason, count in sample.dropped["reason"].value_counts().sort_index().items()}
    return CheckResult(name="overlap", verdict="information", table=overlap_histogram(at_risk["score"].to_numpy(), treated, weights), numbers=numbers)


CHECKS: dict[str, Callable[[CheckInput], CheckResult]] = {
    "pre_trend": pre_trend,
    "dip": dip,
    "base_period": base_period,
    "balance": balance,
    "overlap": overlap,
}


def _not_testable(name: str, reason: str, table: pd.DataFrame | None = None) -> CheckResult:
    return CheckResult(name=name, verdict="not testable", table=pd.DataFrame() if table is None else table, reason=reason)


def _cohorts(given: CheckInput) -> Sequence[int] | None:
    return complete_cohorts(given.effects, given.quarters) if given.cohorts == "complete" else given.cohorts


def _at(given: CheckInput, event_time: int, *, base_too: bool = False) -> Summary:
    cells = given.effects.cells
    mask = (cells["event_time"] == event_time).to_numpy()
    if (cohorts := _cohorts(given)) is not None:
        mask = mask & cells["cohort"].isin(list(cohorts)).to_numpy()
    return average(given.effects, mask, base_too=base_too)


def _covariance(given: CheckInput, parts: Sequence[Summary]) -> tuple[np.ndarray, int]:
    """Cluster-robust covariance of several summaries, and the number of clusters (of two dimensions, or of the two arms of areas, the smaller)."""
    enters = np.logical_or.reduce([part.enters for part in parts])
    names = cluster_names(given.effects, given.clusters, given.assignment)
    v = covariance_of(np.column_stack([part.contribution[enters] for part in parts]), [cluster_codes(given.effects, name)[enters] for name in names])
    return v, degrees_of_freedom(given.effects, enters, names) + 1


def _detectable(df1: int, df2: int) -> float:
    """Non-centrality at which an F test of size 5% has 80% power."""
    critical = float(fdtri(df1, df2, 1 - SIZE))
    upper = 10.0
    while ncfdtr(df1, df2, upper, critical) > 1 - POWER:
        upper *= 2
    return float(brentq(lambda nc: ncfdtr(df1, df2, nc, critical) - (1 - POWER), 1e-6, upper))


def _has_base(estimator: object) -> bool:
    """Whether an estimator's base is an event time or the mean of those before, not a rule ('universal', 'varying') or nothing."""
    own = getattr(estimator, "base", None)
    return hasattr(estimator, "window") and (isinstance(own, int) or own == "pre_mean")


def _with_base(given: CheckInput, base: Base) -> tuple[Estimate, Estimate] | None:
    """The matched and the unmatched estimate with a base; None where nothing can be estimated with it."""
    window, anticipation = given.estimator.window, given.estimator.anticipation
    room = anticipation if base == "pre_mean" else min(anticipation, -base - 1)
    try:
        specs = replace(given.estimator, base=base, anticipation=room), UnmatchedDiD(base=base, window=window, anticipation=room)
        matched, unmatched = (_overall(given, spec.fit(given.sample, given.effects.outcome, calendar=given.calendar)) for spec in specs)
    except (EstimationError, PlanError):
        return None
    return (matched, unmatched) if np.isfinite(matched.estimate) else None


def _overall(given: CheckInput, effects: Effects) -> Estimate:
    clusters = given.clusters if given.clusters not in ("set", "unit_and_set") or (effects.rows["set"] >= 0).all() else "auto"
    return overall(effects, quarters=given.quarters, cohorts=given.cohorts, clusters=clusters, assignment=given.assignment)
