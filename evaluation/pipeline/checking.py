"""The plan's checks for one outcome, from results to lines that a report can print."""

from __future__ import annotations

import math

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.disclosure.ledger import decimals, number
from evaluation.errors import EstimationError
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore, change_unit_of, scaled
from evaluation.findings.present import Nouns
from evaluation.findings.strength import near_limit
from evaluation.findings.study import CheckLine
from evaluation.findings.texts import adjusted_sentence, trend_before
from evaluation.models.checks import CHECKS, SIZE, CheckInput, CheckResult
from evaluation.models.effects import Effects
from evaluation.models.trend import drift_before, less_continued_trend
from evaluation.plan import Plan

SHOWN_ELSEWHERE = ("base_period",)  # has a table of its own
NAMES = {"pre_trend": "Trend before", "dip": "Dip before joining", "balance": "Balance", "overlap": "Overlap", "base_period": "Base period"}


def run_checks(given: CheckInput, plan: Plan, outcome: Outcome, factor: float) -> tuple[TrendBefore, tuple[CheckLine, ...]]:
    """Run every check of the plan on one outcome."""
    results = {name: CHECKS[name](given) for name in plan.checks if name not in SHOWN_ELSEWHERE}
    trend = trend_of(plan, given.effects, results.get("pre_trend"), factor)
    numbers = OutcomeNumbers(outcome=outcome, primary=outcome.name in plan.outcomes.primary, status="estimated", trend=trend)
    nouns = Nouns(one=plan.unit, many="", started=plan.programme.started, scope="", published=False)
    lines = [
        CheckLine(
            name=NAMES[name],
            verdict=trend.verdict if name == "pre_trend" else result.verdict,
            sentence=sentence_of(name, result, numbers, nouns, factor),
        )
        for name, result in results.items()
    ]
    if trend.adjusted is not None and (sentence := adjusted_sentence(numbers)):
        lines.append(CheckLine(name="Earlier drift continued", verdict="information", sentence=sentence))
    return trend, tuple(lines)


def placebo_lines(numbers: OutcomeNumbers, n_draws: int) -> tuple[CheckLine, ...]:
    """What placebo assignments of areas say about the effect and about the trend before."""
    lines = [
        CheckLine(
            name="Placebo assignments",
            verdict="information",
            sentence=(
                f"Of {n_draws:,} placebo assignments of areas of the same sizes, {100 * numbers.permutation_p:.0f}% gave a gap at least as large by"
                " chance alone."
            ),
        )
    ]
    if numbers.trend is not None and numbers.trend.placebo_p is not None and math.isfinite(numbers.trend.placebo_p):
        lines.append(
            CheckLine(
                name="Placebo trend before",
                verdict="information",
                sentence=f"{100 * numbers.trend.placebo_p:.0f}% of placebo assignments moved as far apart before the programme as these areas did.",
            )
        )
    return tuple(lines)


def not_held_out(plan: Plan) -> tuple[int, ...]:
    """Event times that a test of the trend before may not use: those in the score, and those between the base and entry (the dip has its test)."""
    score, base = plan.matching.score, plan.estimator.base
    history = set(range(score.history_window[0], score.history_window[1] + 1)) if score.history else set()
    return tuple(sorted(history | set(range(base + 1, 0))))


def trend_of(plan: Plan, effects: Effects, result: CheckResult | None, factor: float) -> TrendBefore:
    """What the periods before say."""
    nan = float("nan")
    if result is None or result.verdict == "not testable":
        reason = "The plan does not ask for the test." if result is None else f"{result.reason[:1].upper()}{result.reason[1:]}."
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


def held_out(plan: Plan, effects: Effects) -> tuple[int, ...]:
    """Event times before the base that a test of the trend may use."""
    return tuple(int(e) for e in effects.event_times if e < effects.base and e not in not_held_out(plan))


def balance_sentence(result: CheckResult) -> str:
    """Whether characteristics are alike enough, against the plan's limits."""
    largest, over, limits = near_limit(result.numbers["largest_after"], 0.1), int(result.numbers["n_over"]), result.judged_by
    only = limits.removeprefix("standardised mean difference below ")
    if "," not in limits and only != limits:
        if not over:
            return f"Every characteristic is balanced after matching: the largest standardised difference is {largest}, under {only}."
        return (
            f"{over} characteristic{'s differ' if over != 1 else ' differs'} by {only} or more standard deviations after matching; the largest"
            f" difference is {largest}."
        )
    what = "Every characteristic is" if not over else f"{over} of {result.numbers['n']:.0f} characteristics {'is' if over == 1 else 'are'} not"
    return f"{what} within the plan's limits after matching ({limits}); the largest standardised difference is {largest}."


def sentence_of(name: str, result: CheckResult, numbers: OutcomeNumbers, nouns: Nouns, factor: float) -> str:
    """A check's finding in words."""
    if name == "pre_trend":
        return trend_before(numbers, nouns)
    if result.verdict == "not testable":
        return f"Not testable: {result.reason}."
    if name == "dip":
        return dip_sentence(result, numbers, factor)
    if name == "balance":
        return balance_sentence(result)
    share = 100 * result.numbers["share_in_support"]
    words = "All" if share >= 99.95 else "Nearly all" if share >= 99 else f"About {5 * round(share / 5)}% of"
    return f"{words} programme units have a score inside the range of the comparison units."


def dip_sentence(result: CheckResult, numbers: OutcomeNumbers, factor: float) -> str:
    """Whether units were in crisis just before joining."""
    estimate, error = result.numbers["estimate"] * factor, result.numbers["std_error"] * factor
    if not math.isfinite(estimate) or not np.isfinite(error):
        return "The periods just before joining could not be compared."
    shown = number(estimate, decimals(error), signed=True).text
    unit = change_unit_of(numbers.outcome)
    if result.verdict == "passed":
        low, high = (number(result.numbers[side] * factor, decimals(error), signed=True).text for side in ("lower", "upper"))
        return f"No clear sign of a crisis just before joining: the gap moved by {shown} {unit} (95% interval {low} to {high})."
    direction = "rose" if estimate > 0 else "fell"
    return (
        f"Just before joining the gap {direction} by {shown.lstrip('+')} {unit}: units join at a turning point. A comparison with the last period"
        " before joining would mistake the return to normal for an effect; the plan's base lies earlier."
    )
