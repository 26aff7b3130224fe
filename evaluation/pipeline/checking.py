"""The plan's checks for one outcome, from results to lines that a report can print."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from evaluation.dictionary import Outcome
from evaluation.errors import EstimationError
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore, scaled
from evaluation.findings.present import Nouns
from evaluation.findings.study import CheckLine
from evaluation.findings.texts import adjusted_sentence, trend_before
from evaluation.models import ESTIMATORS
from evaluation.models.checks import CHECKS, SIZE, CheckInput, CheckResult
from evaluation.models.effects import Effects
from evaluation.models.trend import drift_before, less_continued_trend
from evaluation.pipeline.check_sentences import (
    Wording,
    attrition_sentence,
    balance_sentence,
    concentration_sentence,
    contamination_sentence,
    councils_sentence,
    dip_sentence,
    e_value_sentence,
    honest_sentence,
    overlap_sentence,
    placebo_date_sentence,
    placebo_outcome_sentence,
    power_of_trend,
    protected,
    rosenbaum_sentence,
    specifications_sentence,
)
from evaluation.pipeline.choices import base_of
from evaluation.plan import Plan

SHOWN_ELSEWHERE = ("base_period",)  # has a table of its own
NAMES = {
    "pre_trend": "Trend before",
    "dip": "Dip before joining",
    "base_period": "Base period",
    "balance": "Balance",
    "overlap": "Overlap",
    "placebo_date": "Placebo start",
    "placebo_outcome": "Placebo outcome",
    "leave_one_council_out": "One council left out",
    "contamination": "Comparison kept apart",
    "attrition": "Lost from sight",
    "concentration": "Weight on few units",
    "honest": "Trends that part",
    "rosenbaum": "Hidden differences in joining",
    "e_value": "Hidden differences, E-value",
    "specifications": "Other choices",
}
SENTENCES: Mapping[str, Callable[[CheckResult, Wording], str]] = {
    "dip": dip_sentence,
    "balance": lambda result, _: balance_sentence(result),
    "overlap": overlap_sentence,
    "placebo_date": placebo_date_sentence,
    "placebo_outcome": placebo_outcome_sentence,
    "leave_one_council_out": councils_sentence,
    "contamination": contamination_sentence,
    "attrition": attrition_sentence,
    "concentration": concentration_sentence,
    "honest": honest_sentence,
    "rosenbaum": rosenbaum_sentence,
    "e_value": e_value_sentence,
    "specifications": specifications_sentence,
}


def run_checks(
    given: CheckInput, plan: Plan, outcome: Outcome, factor: float, placebos: Sequence[Outcome] = ()
) -> tuple[TrendBefore, tuple[CheckLine, ...]]:
    """Run every check of the plan on one outcome.

    Parameters
    ----------
    placebos : sequence of Outcome
        Outcomes that the programme cannot move, in the order of `given.placebo_outcomes`.
    """
    wording = Wording.of(plan, outcome, placebos)
    results = {name: protected(name, CHECKS[name](given), wording) for name in plan.checks if name not in SHOWN_ELSEWHERE}
    trend = trend_of(plan, given.effects, results.get("pre_trend"), factor)
    numbers = OutcomeNumbers(outcome=outcome, primary=outcome.name in plan.outcomes.primary, status="estimated", trend=trend)
    nouns = Nouns(one=plan.unit, many="", started=plan.programme.started, scope="", published=False)
    lines = [
        CheckLine(
            name=NAMES[name],
            verdict=trend.verdict if name == "pre_trend" else result.verdict,
            sentence=(
                trend_before(numbers, nouns) + power_of_trend(result, trend, wording)
                if name == "pre_trend"
                else sentence_of(name, result, wording)
            ),
        )
        for name, result in results.items()
    ]
    if trend.adjusted is not None and (sentence := adjusted_sentence(numbers)):
        lines.append(CheckLine(name="Earlier drift continued", verdict="information", sentence=sentence))
    return trend, tuple(lines)


def with_trend_verdict(lines: Sequence[CheckLine], numbers: OutcomeNumbers, plan: Plan) -> tuple[CheckLine, ...]:
    """Lines of which the one on the trend before says what its verdict now is."""
    nouns = Nouns(one=plan.unit, many="", started=plan.programme.started, scope="", published=False)
    verdict = None if numbers.trend is None else numbers.trend.verdict
    return tuple(
        replace(line, verdict=verdict, sentence=trend_before(numbers, nouns)) if line.name == NAMES["pre_trend"] and line.verdict != verdict else line
        for line in lines
    )


def placebo_lines(numbers: OutcomeNumbers, n_draws: int) -> tuple[CheckLine, ...]:
    """What placebo assignments of areas say about the effect and about the trend before."""
    lines = [CheckLine(name="Placebo assignments", verdict="not testable", sentence="Not testable: no placebo assignment could be estimated.")]
    if math.isfinite(numbers.permutation_p):
        as_large = part_of_draws(numbers.permutation_p, n_draws)
        found = f"Of {n_draws:,} placebo assignments of areas of the same sizes, {as_large} gave a gap at least as large by chance alone."
        lines = [CheckLine(name="Placebo assignments", verdict="information", sentence=found)]
    if numbers.trend is not None and numbers.trend.placebo_p is not None and math.isfinite(numbers.trend.placebo_p):
        told = part_of_draws(numbers.trend.placebo_p, n_draws)
        lines.append(
            CheckLine(
                name="Placebo trend before",
                verdict="information",
                sentence=f"{told[:1].upper()}{told[1:]} of the placebo assignments moved as far apart before the programme as these areas did.",
            )
        )
    return tuple(lines)


def part_of_draws(p_value: float, n_draws: int) -> str:
    """The share of placebo assignments behind a p value, never 0% where some did, nor 100% where some did not.

    >>> part_of_draws(0.002, 499), part_of_draws(0.004, 499), part_of_draws(0.236, 499), part_of_draws(1.0, 499)
    ('none', 'under 1%', '23%', 'all')
    """
    part = round(p_value * (n_draws + 1)) - 1  # a p value counts the programme's own assignment too
    if part <= 0 or part >= n_draws:
        return "none" if part <= 0 else "all"
    share = 100 * part / n_draws
    return "under 1%" if share < 1 else "over 99%" if share > 99 else f"{share:.0f}%"


def sentence_of(name: str, result: CheckResult, wording: Wording) -> str:
    """A check's finding in words."""
    return f"Not testable: {result.reason}." if result.verdict == "not testable" else SENTENCES[name](result, wording)


def score_history(plan: Plan) -> tuple[int, ...]:
    """Event times whose outcomes entered the score."""
    score = plan.matching.score
    return tuple(range(score.history_window[0], score.history_window[1] + 1)) if score.history else ()


def near_entry(plan: Plan) -> tuple[int, ...]:
    """Event times between the base and entry: the dip has its own test."""
    return tuple(range(base_of(plan) + 1, 0))


def not_held_out(plan: Plan) -> tuple[int, ...]:
    """Event times that a test of the trend before may not use."""
    return tuple(sorted({*score_history(plan), *near_entry(plan)}))


def trend_of(plan: Plan, effects: Effects, result: CheckResult | None, factor: float) -> TrendBefore:
    """What the periods before say."""
    nan = float("nan")
    if result is None or result.verdict == "not testable":
        reason = not_asked(plan) if result is None else f"{result.reason[:1].upper()}{result.reason[1:]}."
        return TrendBefore(
            verdict="not testable", n_periods=0, p_value=nan, drift_p=nan, slope=nan, slope_detectable=nan, adjusted=None, reason=reason
        )
    before, assignment = held_out(plan, effects), plan.programme.assignment
    try:
        drift = drift_before(effects, before=before, assignment=assignment)
        adjusted = scaled(less_continued_trend(effects, before=before, quarters=plan.estimator.headline.event_times, assignment=assignment), factor)
        drift_p, slope = drift.p_value, drift.estimate
    except EstimationError:
        adjusted, drift_p, slope = None, nan, result.numbers["slope"]
    failed = result.verdict == "failed" or drift_p < SIZE
    return TrendBefore(
        verdict="failed" if failed else "passed",
        n_periods=int(result.numbers["n_cells"]),
        p_value=result.numbers["p_value"],
        drift_p=drift_p,
        slope=slope * factor,
        slope_detectable=result.numbers["slope_detectable"] * factor,
        adjusted=adjusted,
    )


def not_asked(plan: Plan) -> str:
    """Why a plan has no test of the trend before, as a sentence."""
    if hasattr(ESTIMATORS[plan.estimator.method], "weigh"):
        return "The earlier periods were used to fit the weighted mix that is compared with, and the plan does not ask for the test."
    return "The plan does not ask for the test."


def held_out(plan: Plan, effects: Effects) -> tuple[int, ...]:
    """Event times before the base that a test of the trend may use; none where there is no single base."""
    if effects.base is None:
        return ()
    return tuple(int(e) for e in effects.event_times if e < effects.base and e not in not_held_out(plan))
