"""What the rating looks at: verdicts of checks by the names that checks have, and what a passed test of the trend could have missed."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from evaluation.findings.numbers import OutcomeNumbers, TrendBefore
from evaluation.findings.strength import MOVED
from evaluation.findings.study import BaseRow, CheckLine, OtherEstimate, OutcomeStudy
from evaluation.locations import project_file
from evaluation.models.effects import Estimate
from evaluation.pipeline.checking import NAMES, not_asked, placebo_lines
from evaluation.pipeline.evidence import (
    OTHER_CHOICES,
    hidden_drift,
    judged_by_base,
    judged_by_estimators,
    largest_difference,
    verdicts_on,
    why_untested,
)
from evaluation.plan import read_plan


def estimate(value: float, half: float = 2.0) -> Estimate:
    return Estimate(
        estimate=value, std_error=half / 2, lower=value - half, upper=value + half, df=100, p_value=0.5, n_treated=200, n_comparison=200,
        clusters="matched sets", n_clusters=200, method="CR1 cluster-robust",
    )  # fmt: skip


def trend(verdict: str = "passed", slope_detectable: float = 1.0) -> TrendBefore:
    return TrendBefore(verdict=verdict, n_periods=3, p_value=0.5, drift_p=0.5, slope=0.3, slope_detectable=slope_detectable, adjusted=None)


@pytest.fixture
def study(dictionary):
    def made(trend_before: TrendBefore | None = None, level: float = 40.0, **changed) -> OutcomeStudy:
        numbers = OutcomeNumbers(
            outcome=dictionary.outcomes["out_of_work_benefit"], primary=True, status="estimated", effect=estimate(-5.0), before=48.0, after=40.0,
            n_before_after=200, comparison_level=level, detectable=3.0, trend=trend_before or trend(), fewest=60,
        )  # fmt: skip
        return OutcomeStudy(numbers=numbers, **changed)

    return made


@pytest.fixture(scope="module")
def plan():
    """Base four quarters before joining, effects in quarters 1 to 4: from one to the middle of the other lie 6.5 quarters."""
    return read_plan(project_file("studies/demonstration/plan.yml"))


def test_a_drift_that_the_test_would_miss_goes_on_to_the_middle_of_the_headline(study, plan):
    one, two = study(level=40.0).numbers, study(trend(slope_detectable=-2.0), level=40.0).numbers
    assert hidden_drift(plan, [one]) == pytest.approx(6.5 * 1.0 / 40) and hidden_drift(plan, [one, two]) == pytest.approx(6.5 * 2.0 / 40)


def test_what_a_test_could_have_seen_is_asked_of_passed_tests_only_and_unknown_power_is_unknown(study, plan):
    failed, passed = study(trend("failed", 9.0)).numbers, study().numbers
    assert hidden_drift(plan, [failed, passed]) == pytest.approx(6.5 / 40)
    assert all(math.isnan(hidden_drift(plan, some)) for some in ([], [failed], [passed, study(trend("passed", math.nan)).numbers],
                                                                 [study(level=0.0).numbers]))  # fmt: skip


@pytest.mark.parametrize("name", [*OTHER_CHOICES, "contamination", "attrition"])
def test_every_check_that_the_rating_asks_is_a_check_and_its_verdicts_are_found(study, name):
    line = CheckLine(name=NAMES[name], verdict="failed", sentence="It failed.")
    assert verdicts_on([study(checks=(line,)), study()], name) == ("failed",)


def test_another_base_that_concludes_otherwise_speaks_against_a_result(study):
    own, same, other = (BaseRow(base=base, matched=estimate(value), unmatched=estimate(value)) for base, value in (("4", -5), ("2", -4.5), ("1", 3)))
    assert [judged_by_base(study(bases=bases)) for bases in ((own, same), (own, other))] == ["passed", "failed"]
    assert [judged_by_base(study(bases=bases)) for bases in ((own,), ())] == ["not testable", "not testable"]


def test_another_base_that_only_moves_the_estimate_is_told_apart_from_one_that_concludes_otherwise(study):
    own, far = (BaseRow(base=f"{value}", matched=estimate(value), unmatched=estimate(value), is_plans=value == -5.0) for value in (-5.0, -9.0))
    assert judged_by_base(study(bases=(own, far))) == MOVED


def second(value: float, half: float = 2.0, n: int = 200) -> OtherEstimate:
    return OtherEstimate(label="another", estimate=replace(estimate(value, half), n_treated=n))


@pytest.mark.parametrize(("others", "verdict"), [
    ((), "not testable"), ((second(math.nan),), "not testable"), ((second(-4.0),), "passed"), ((second(-4.0), second(-4.0, 6.0)), "failed"),
    ((second(4.0),), "failed"), ((second(-4.0, 6.0, n=9),), "not testable")])
def test_a_second_estimator_that_concludes_otherwise_speaks_against_a_result(study, others, verdict):
    assert judged_by_estimators(study(others=others), 10, "families") == verdict


def test_why_the_trend_was_not_tested_is_told_once_and_without_counts(study):
    asked = [study(replace(trend("not testable"), reason=reason)).numbers for reason in ("Not asked.", "Not asked.", "5 clusters cannot.")]
    assert why_untested([*asked, study().numbers]) == ("Not asked.",)


def test_a_plan_with_a_weighted_mix_says_that_the_earlier_periods_went_into_it(plan):
    assert not_asked(plan) == "The plan does not ask for the test."
    assert not_asked(read_plan(project_file("studies/whole_place/plan.yml"))).startswith("The earlier periods were used to fit the weighted mix")


@pytest.mark.parametrize(("p", "words"), [(0.002, "none gave"), (0.004, "under 1% gave"), (0.236, "23% gave"), (0.998, "over 99% gave")])
def test_placebo_assignments_that_gave_as_much_are_never_told_as_nought(study, p, words):
    numbers = replace(study().numbers, permutation_p=p, trend=replace(trend(), placebo_p=p))
    lines = placebo_lines(numbers, 499)
    assert words in lines[0].sentence and lines[1].sentence.lower().startswith(words.removesuffix(" gave") + " of the placebo assignments moved")
    assert placebo_lines(replace(numbers, permutation_p=math.nan), 0)[0].verdict == "not testable"


def test_balance_is_judged_by_the_whole_sample_and_by_the_sets_behind_each_main_outcome(study):
    whole, complete = (SimpleNamespace(balance=pd.DataFrame({"smd_after": values})) for values in ([0.05, -0.08, float("nan")], [0.02, -0.17]))
    numbers = study().numbers
    matched, mixed = (SimpleNamespace(estimator=lambda one=one: one) for one in (SimpleNamespace(), SimpleNamespace(weigh=None)))
    analysis = SimpleNamespace(estimating=matched, sample=whole, sets=SimpleNamespace(own={numbers.outcome.name: complete, "any_asb": whole}))
    assert largest_difference(analysis, [numbers]) == pytest.approx(0.17)
    assert largest_difference(analysis, []) == pytest.approx(0.08)
    assert math.isnan(largest_difference(SimpleNamespace(estimating=mixed), [numbers]))                # matching is not what it compares with
    nobody = SimpleNamespace(estimating=matched, sample=None, sets=SimpleNamespace(own={numbers.outcome.name: None}))
    assert math.isnan(largest_difference(nobody, [numbers]))
