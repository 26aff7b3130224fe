"""One outcome of one matched sample, from effects to everything a report says about it. No wording of results: that is `findings`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.errors import CommonSupportError, EstimationError
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore, factor_of, happens, scaled
from evaluation.findings.study import BaseRow, EventRow, GroupLine, OtherEstimate, OutcomeStudy
from evaluation.matching.sample import MatchedSample
from evaluation.matching.thresholds import Thresholds
from evaluation.models import event_study, minimum_detectable_effect
from evaluation.models.before_after import before_after
from evaluation.models.checks import CheckInput, estimates_by_base
from evaluation.models.descriptive import group_means, units_behind
from evaluation.models.effects import Effects, Estimate
from evaluation.models.summaries import complete_cohorts, treated_behind
from evaluation.panel.types import Panel
from evaluation.payment_by_results import results_claimed
from evaluation.pipeline.beside import beside_of
from evaluation.pipeline.checking import near_entry, run_checks, score_history
from evaluation.pipeline.choices import base_of, estimator
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.outcome_sets import OutcomeSets
from evaluation.pipeline.subgroups import subgroups_of
from evaluation.pipeline.synthetic import is_synthetic
from evaluation.pipeline.windows import windows_of
from evaluation.plan import Plan

HARDLY = 0.01  # of the level before: a change that no chart shows
NOTES = {"two_way": "its base is the mean of all earlier periods, so a trend before is part of it"}


def study_outcome(estimating: Estimating, outcome: Outcome, sets: OutcomeSets, joined: np.ndarray, *, deep: bool = True) -> OutcomeStudy:
    """Everything about one outcome of one sample.

    Parameters
    ----------
    sets : OutcomeSets
        The sets the report speaks about: all that is said of the outcome rests on those behind it.
    joined : ndarray of int
        Rows of the panel of all programme units in scope, matched or not: before/after and results rules speak about them.
    deep : bool
        Whether other bases, other estimators and checks are worked out too.
    """
    primary = outcome.name in estimating.plan.outcomes.primary
    if estimating.plan.unit not in outcome.sources:
        return OutcomeStudy(numbers=OutcomeNumbers(outcome=outcome, primary=primary, status="not_available"))
    sample = sets.own[outcome.name]
    if sample is None:
        return unestimated(outcome, primary, sets.why_none())
    source = outcome.sources[estimating.plan.unit]
    try:
        effects = estimating.estimator().fit(sample, outcome.name, calendar=source.calendar)
    except (EstimationError, CommonSupportError) as fault:
        return unestimated(outcome, primary, fault.for_report())
    factor, effect = factor_of(outcome), estimating.summarised(effects)
    if not np.isfinite(effect.estimate):
        return unestimated(outcome, primary, f"{effect.reason[:1].upper()}{effect.reason[1:]}.")
    given = CheckInput(
        sample=sample,
        estimator=estimating.estimator(),
        effects=effects,
        calendar=tuple(source.calendar),
        quarters=estimating.headline,
        assignment=estimating.plan.programme.assignment,
        matched_history=score_history(estimating.plan),
        set_aside=near_entry(estimating.plan),
        placebo_outcomes={one.name: tuple(one.sources[estimating.plan.unit].calendar) for one in estimating.placebos},
        limits=Thresholds(**estimating.plan.balance.model_dump()),
    )
    trend, checks = run_checks(given, estimating.plan, outcome, factor, estimating.placebos)
    numbers = numbers_of(estimating, outcome, sample, effects, effect, trend, joined)
    axis, lines, marks = lines_of(estimating, outcome, sample, factor)
    study = OutcomeStudy(
        numbers=numbers,
        events=events_of(estimating, outcome, effects, sample),
        axis=axis,
        moves=moves_of(estimating, outcome, sample, effects),
        lines=lines,
        marks=marks,
        checks=checks,
        later_note=later_note(estimating.plan),
    )
    if not deep:
        return study

    def behind(outcome: Outcome, part: MatchedSample) -> int | None:
        return fewest_behind(estimating, outcome, part)

    return replace(
        study,
        bases=bases_of(given, estimating.plan, factor),
        others=others_of(estimating, sample, outcome, factor),
        windows=windows_of(estimating, outcome, effects, sample),
        beside=beside_of(estimating, outcome, effects, sample, behind) if primary else None,
        subgroups=subgroups_of(estimating, outcome, effects, sample, behind) if primary else (),
    )


def unestimated(outcome: Outcome, primary: bool, reason: str) -> OutcomeStudy:
    """An outcome without an estimate, with the reason."""
    return OutcomeStudy(numbers=OutcomeNumbers(outcome=outcome, primary=primary, status="not_estimable", reason=reason))


def numbers_of(
    estimating: Estimating, outcome: Outcome, sample: MatchedSample, effects: Effects, effect: Estimate, trend: TrendBefore, joined: np.ndarray
) -> OutcomeNumbers:
    """The three numbers and what stands around them, on the printed scale."""
    factor, panel, name = factor_of(outcome), sample.panel, outcome.name
    only = np.zeros(len(panel), dtype=bool)
    only[joined] = True
    change = before_after(panel, name, before=estimating.before_window(), after=estimating.headline, only=only)
    units, columns, weights = treated_behind(effects, estimating.headline)
    ids = panel.units["unit_id"].to_numpy()
    level = level_of(panel, name, units, columns, weights)
    results = results_claimed(panel, estimating.framework, name, joined) if estimating.framework else None
    return OutcomeNumbers(
        outcome=outcome,
        primary=name in estimating.plan.outcomes.primary,
        status="estimated",
        effect=scaled(effect, factor),
        before=change.before * factor,
        after=change.after * factor,
        n_before_after=change.change.n_treated,
        comparison_level=(level - effect.estimate) * factor,
        detectable=minimum_detectable_effect(effect.std_error, effect.df) * factor,
        trend=trend,
        results=results,
        truth=None if estimating.truth_of is None or not len(units) else factor * estimating.truth_of(name, ids[units], columns),
        fewest=fewest_behind(estimating, outcome, sample),
    )


def fewest_behind(estimating: Estimating, outcome: Outcome, sample: MatchedSample) -> int | None:
    """The smallest number of units with, or without, an occurrence before or after, on either side; None where the outcome is no occurrence."""
    if not happens(outcome):
        return None
    first, last = estimating.before_window()
    windows = (range(first, last + 1), range(estimating.headline[0], estimating.headline[1] + 1))
    return min(int(side[0]) for window in windows for side in units_behind(sample, outcome.name, window, occurrence=True, together=True))


def level_of(panel: Panel, name: str, units: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> float:
    """Mean of the treated units behind the headline, at the periods of the headline: the level that belongs to the effect."""
    values = panel.outcomes[name][units, columns]
    return float(values.mean() if (weights == 1).all() else np.average(values, weights=weights)) if len(units) else float("nan")


def event_label(plan: Plan, panel: Panel, event_time: int) -> str:
    """The period itself where all start together, else the distance from joining."""
    if plan.programme.first_full_period is not None:
        return panel.periods.label(panel.periods.index(plan.programme.first_full_period) + event_time)
    if event_time == 0:
        return "joining"
    return f"{abs(event_time)} {'before' if event_time < 0 else 'after'}"


def later_from(plan: Plan) -> int | None:
    """First event time at which comparison places had started too."""
    programme = plan.programme
    if programme.later_start_elsewhere is None or programme.first_full_period is None:
        return None
    periods = plan.resolved_periods()
    return periods.index(programme.later_start_elsewhere) - periods.index(programme.first_full_period)


def later_note(plan: Plan) -> str:
    """Why later points are no effect of the programme."""
    if later_from(plan) is None:
        return ""
    return (
        f"From {plan.programme.later_start_elsewhere} the comparison places had a programme of the same kind too: later points compare an early start"
        " with a later start and are never the programme's effect."
    )


def events_of(estimating: Estimating, outcome: Outcome, effects: Effects, sample: MatchedSample) -> tuple[EventRow, ...]:
    """The event study as rows on the printed scale."""
    table = event_study(effects, quarters=estimating.headline, assignment=estimating.plan.programme.assignment)
    behind, _ = units_behind(sample, outcome.name, table["event_time"].to_numpy(), occurrence=happens(outcome))
    factor, panel, later = factor_of(outcome), sample.panel, later_from(estimating.plan)
    rows = []
    for row, units in zip(table.itertuples(), behind, strict=True):
        if not np.isfinite(row.estimate):
            continue
        phase = "later" if later is not None and row.event_time >= later else row.phase
        lower, upper = (0.0, 0.0) if phase == "base" else (row.lower * factor, row.upper * factor)
        rows.append(
            EventRow(
                event_time=int(row.event_time),
                label=event_label(estimating.plan, panel, int(row.event_time)),
                phase=phase,
                estimate=row.estimate * factor,
                lower=lower,
                upper=upper,
                behind=min(int(row.n_treated), int(units)),
            )
        )
    return tuple(rows)


def lines_of(
    estimating: Estimating, outcome: Outcome, sample: MatchedSample, factor: float
) -> tuple[tuple[str, ...], tuple[GroupLine, ...], tuple[tuple[int, str], ...]]:
    """Means of both groups: by period where all start together, else by event time."""
    plan, panel = estimating.plan, sample.panel
    many = {"family": "families", "person": "people", "school": "schools", "council": "councils", "small_area": "small areas"}[plan.unit]
    first, last = plan.estimator.window
    if plan.programme.first_full_period is not None:
        start = panel.periods.index(plan.programme.first_full_period)
        first, last = -start, len(panel.periods) - 1 - start
    times = np.arange(first, last + 1)
    treated, comparison = group_means(sample, outcome.name, times)
    seen = np.isfinite(treated)
    if not seen.any():
        return (), (), ()
    times, treated, comparison = times[seen], treated[seen], comparison[seen]
    behind = units_behind(sample, outcome.name, times, occurrence=happens(outcome))
    lines = (
        GroupLine(name=f"Programme {many}", values=treated * factor, behind=behind[0]),
        GroupLine(name=f"{'Nearest' if is_synthetic(estimating) else 'Matched'} comparison {many}", values=comparison * factor, behind=behind[1]),
    )
    marks: list[tuple[int, str]] = []
    if plan.programme.first_full_period is not None:
        marks = [(int(np.searchsorted(times, column - start)), words) for column, words in panel.breaks if has_breaks(outcome, plan.unit)]
        marks += [(int(np.searchsorted(times, -plan.estimator.anticipation)), f"Programme starts, {plan.programme.started}")]
    elif (times >= 0).any():
        marks = [(int(np.searchsorted(times, 0)), "Joining")]
    axis = tuple(event_label(plan, panel, int(time)) for time in times)
    return axis, lines, tuple(sorted(mark for mark in marks if 0 < mark[0] < len(times)))


def moves_of(estimating: Estimating, outcome: Outcome, sample: MatchedSample, effects: Effects) -> tuple[int, int]:
    """Sign of each group's change from the base period to the periods of the headline; 0 where it cannot be told.

    It is told where all sets, which the chart draws, and those followed through the headline, which the effect is of, moved the same way.
    """
    followed = np.isin(sample.treated_entry, complete_cohorts(effects, estimating.headline))
    parts = [sample] if followed.all() else [sample, sample.keep(followed)]
    signs = [signs_of(estimating, outcome, part) for part in parts if part is not None]
    return tuple(one[0] if len(set(one)) == 1 else 0 for one in zip(*signs, strict=True))


def signs_of(estimating: Estimating, outcome: Outcome, sample: MatchedSample) -> tuple[int, int]:
    """Signs of the changes of both groups' means; 0 for one of less than a hundredth of the level before, which no chart shows."""
    before = group_means(sample, outcome.name, [base_of(estimating.plan)])
    after = group_means(sample, outcome.name, range(estimating.headline[0], estimating.headline[1] + 1))
    signs = []
    for then, now in zip(before, after, strict=True):
        known = np.isfinite(now).any() and np.isfinite(then).any()
        change, level = (np.nanmean(now) - np.nanmean(then), abs(np.nanmean(then))) if known else (0.0, 0.0)
        signs.append(int(np.sign(change)) if abs(change) >= HARDLY * level else 0)
    return signs[0], signs[1]


def has_breaks(outcome: Outcome, unit: str) -> bool:
    """Whether a series break of the school census concerns an outcome: it is counted from sessions or enrolments."""
    return outcome.sources[unit].denominator in ("possible_sessions", "enrolments")


def bases_of(given: CheckInput, plan: Plan, factor: float) -> tuple[BaseRow, ...]:
    """The headline with other bases on the printed scale, matched and unmatched."""

    def words(base: int | str) -> str:
        label = "mean of the periods before" if base == "pre_mean" else event_label(plan, given.sample.panel, base)
        return label + (" (the plan's)" if base == base_of(plan) else "")

    return tuple(
        BaseRow(base=words(base), matched=scaled(matched, factor), unmatched=scaled(unmatched, factor), is_plans=base == base_of(plan))
        for base, (matched, unmatched) in estimates_by_base(given).items()
    )


def others_of(estimating: Estimating, sample: MatchedSample, outcome: Outcome, factor: float) -> tuple[OtherEstimate, ...]:
    """The plan's second estimators."""
    rows = []
    for second in estimating.plan.second_estimators:
        try:
            spec = estimator(estimating.plan, second)
            found = estimating.summarised(spec.fit(sample, outcome.name, calendar=outcome.sources[estimating.plan.unit].calendar))
        except EstimationError as fault:
            rows.append(OtherEstimate(label=second.method.replace("_", " ").capitalize(), estimate=missing_estimate(fault.for_report())))
            continue
        rows.append(OtherEstimate(label=spec.in_words(), estimate=scaled(found, factor), note=NOTES.get(second.method, "")))
    return tuple(rows)


def missing_estimate(reason: str) -> Estimate:
    """No number, with the reason."""
    nan = float("nan")
    return Estimate(
        estimate=nan,
        std_error=nan,
        lower=nan,
        upper=nan,
        df=nan,
        p_value=nan,
        n_treated=0,
        n_comparison=0,
        clusters="",
        n_clusters=0,
        method="none",
        reason=reason,
    )
