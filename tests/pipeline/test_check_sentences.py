"""What a check's line says follows from its numbers, and tells nothing of a small group of people."""
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.dictionary import load_dictionary
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore
from evaluation.findings.study import CheckLine, OutcomeStudy
from evaluation.models.checks import CHECKS, CheckResult
from evaluation.models.permutation import Null
from evaluation.pipeline.check_sentences import Wording, about, power_of_trend, protected
from evaluation.pipeline.checking import NAMES, SENTENCES, SHOWN_ELSEWHERE, near_entry, not_held_out, score_history, sentence_of, with_trend_verdict
from evaluation.pipeline.placebo import Placebos
from evaluation.pipeline.recipe import with_placebos
from evaluation.plan import read_plan

DEMONSTRATION, COUNCILS = (read_plan(Path(f"studies/{name}/plan.yml")) for name in ("demonstration", "community_budgets_2011"))
OUTCOMES = load_dictionary().outcomes
BY_FAMILY = Wording.of(DEMONSTRATION, OUTCOMES["any_offence"], (OUTCOMES["adult_in_work"],))
ESTIMATE = {"estimate": 1.04, "std_error": 0.5, "lower": 0.06, "upper": 2.02, "p_value": 0.04, "detectable": 1.4, "n_treated": 200,
            "n_comparison": 300}


def found(name, verdict, **numbers):
    return CheckResult(name=name, verdict=verdict, table=pd.DataFrame(), numbers=numbers, judged_by="a difference within 5 percentage points")


def test_every_check_has_a_name_and_a_sentence_or_a_table_of_its_own():
    assert set(NAMES) == set(CHECKS)
    assert set(SENTENCES) | {"pre_trend", *SHOWN_ELSEWHERE} == set(CHECKS)


@pytest.mark.parametrize(("share", "n", "threshold", "words"), [
    (0.10, 400, 10, "about 10%"), (0.13, 90, 10, "about 15%"),
    (0.10, 90, 10, "under 15%"),            # nine units
    (0.02, 400, 10, "under 5%"),            # eight, but so might be nineteen
    (0.0, 400, 10, "under 5%"), (1.0, 400, 10, "over 95%"), (0.95, 100, 10, "over 90%"), (0.4, 16, 10, "at most half"),
    (0.0, 30, 0, "none"), (1.0, 30, 0, "all"), (0.1, 30, 0, "about 10%")])
def test_a_share_tells_no_group_under_the_threshold(share, n, threshold, words):
    assert about(share, n, threshold) == words


def test_no_coarse_share_singles_out_a_small_count():
    """Whatever the words are, they do not single out a count between 1 and 9 (or as many from the whole)."""
    for n in range(10, 700):
        same = {}
        for count in range(n + 1):
            same.setdefault(about(count / n, n, 10), []).append(count)
        for counts in same.values():
            small = [count for count in counts if 0 < count < 10 or 0 < n - count < 10]
            assert not small or len(counts) >= 5


def test_few_people_behind_a_check_make_it_not_testable():
    few = found("placebo_date", "failed", **{**ESTIMATE, "n_treated": 9, "shift": 8})
    hidden = protected("placebo_date", few, BY_FAMILY)
    assert hidden.verdict == "not testable" and sentence_of("placebo_date", hidden, BY_FAMILY) == "Not testable: too few families stand behind it."
    councils = Wording.of(COUNCILS, OUTCOMES["unauthorised_absence_rate"])
    assert protected("placebo_date", few, councils).verdict == "failed"


def test_a_placebo_start_says_what_it_found_and_could_have_found():
    passed = sentence_of("placebo_date", found("placebo_date", "passed", **ESTIMATE, shift=8), BY_FAMILY)
    assert passed == ("With the start dated 8 quarters too early, no effect should be found, and none is clear: +1.04 percentage points (95% interval"
                      " +0.06 to +2.02). A difference of 1.40 percentage points or more would usually have shown.")
    failed = sentence_of("placebo_date", found("placebo_date", "failed", **ESTIMATE, shift=1), BY_FAMILY)
    assert failed.startswith("With the start dated 1 quarter too early") and "yet the same method finds +1.04" in failed


def test_a_placebo_outcome_is_told_in_its_own_unit():
    line = sentence_of("placebo_outcome", found("placebo_outcome", "failed", **ESTIMATE, place=0), BY_FAMILY)
    assert line.startswith("No effect on adult employment should be found, yet")


@pytest.mark.parametrize(("n", "wording", "told"), [(4, BY_FAMILY, False), (10, BY_FAMILY, True),
                                                    (3, Wording.of(COUNCILS, OUTCOMES["any_offence"]), True)])
def test_how_far_one_council_moves_the_estimate_is_told_only_where_it_tells_no_neighbours_number(n, wording, told):
    numbers = {"n_councils": n, "n_changes": 0, "n_without": 0, "largest_move": 0.8, "headline_error": 0.5}
    for verdict, changes in (("passed", 0), ("failed", 1)):
        line = sentence_of("leave_one_council_out", found("leave_one_council_out", verdict, **{**numbers, "n_changes": changes}), wording)
        assert ("0.80" in line) == told and ("E0" not in line)


def test_contamination_is_told_in_coarse_shares_and_with_what_would_have_shown():
    numbers = {"share_joined": 0.118, "share_supported": 0.026, "n_supported": 300, "n_free": 250} | ESTIMATE
    passed = sentence_of("contamination", found("contamination", "passed", **numbers), BY_FAMILY)
    assert "about 10% was left out" in passed and "under 5% had other support" in passed and "1.40 percentage points or more" in passed
    few = sentence_of("contamination", found("contamination", "failed", **{**numbers, "n_free": 4}), BY_FAMILY)
    assert "Too few families" in few and "1.04" not in few
    unknown = sentence_of("contamination", found("contamination", "information", **{**numbers, "share_supported": float("nan")}), BY_FAMILY)
    assert "whether they had other support is not recorded." in unknown
    for line in (passed, few, unknown):
        assert line.endswith("those still compared with then had fewer troubles, and the effect looks worse than it is.")
    little = sentence_of("contamination", found("contamination", "passed", **{**numbers, "share_joined": 0.04}), BY_FAMILY)
    small = sentence_of("contamination", found("contamination", "passed", **{**numbers, "n_comparison": 80}), BY_FAMILY)          # nine families
    assert "joining matters" not in little + small


def test_a_dip_downwards_fell_by_a_number_without_a_sign():
    line = sentence_of("dip", found("dip", "failed", **{**ESTIMATE, "estimate": -1.04, "lower": -2.02, "upper": -0.06}), BY_FAMILY)
    assert line.startswith("Just before joining the gap fell by 1.04 percentage points")


def test_attrition_names_the_arm_that_lost_more():
    numbers = {**ESTIMATE, "estimate": -0.08, "headline_error": 0.5, "bound_lower": -2.0, "bound_upper": -1.0, "n_trimmed": 12.0}
    assert "More comparison than programme families" in sentence_of("attrition", found("attrition", "failed", **numbers), BY_FAMILY)
    passed = sentence_of("attrition", found("attrition", "passed", **numbers), BY_FAMILY)
    assert "About as many" in passed and "between \N{MINUS SIGN}2.00 and \N{MINUS SIGN}1.00" in passed


@pytest.mark.parametrize("trimmed", [0.0, 0.4, 1.0, 9.9, float("nan")])
def test_bounds_that_leave_out_a_few_extreme_families_are_not_shown(trimmed):
    """The estimate less a bound would be the largest value of one family."""
    numbers = {**ESTIMATE, "headline_error": 0.5, "bound_lower": -2.0, "bound_upper": -1.0, "n_trimmed": trimmed}
    assert "extreme" not in sentence_of("attrition", found("attrition", "passed", **numbers), BY_FAMILY)


@pytest.mark.parametrize("name", ["placebo_date", "placebo_outcome"])
def test_a_placebo_that_few_families_with_an_event_stand_behind_is_not_shown(name):
    few = protected(name, found(name, "passed", **ESTIMATE, n_events=9, shift=8, place=0), BY_FAMILY)
    assert few.verdict == "not testable" and "too few families" in few.reason
    assert protected(name, found(name, "passed", **ESTIMATE, n_events=10, shift=8, place=0), BY_FAMILY).verdict == "passed"
    rate = Wording.of(DEMONSTRATION, OUTCOMES["unauthorised_absence_rate"])
    assert protected(name, found(name, "passed", **ESTIMATE, n_events=0, shift=8), rate).verdict == "passed"


def test_what_other_support_does_is_not_shown_where_few_families_had_an_event():
    numbers = {**ESTIMATE, "share_joined": 0.1, "share_supported": 0.1, "n_supported": 40, "n_free": 200, "n_events": 3}
    hidden = protected("contamination", found("contamination", "failed", **numbers), BY_FAMILY)
    assert hidden.verdict == "information" and "1.04" not in sentence_of("contamination", hidden, BY_FAMILY)


def test_weight_on_few_units_and_other_choices_are_told_from_their_numbers():
    share = {"ess_ratio": 0.61, "n_comparison": 300, "largest": 0.02}
    assert "about 60% of them" in sentence_of("concentration", found("concentration", "passed", **share), BY_FAMILY)
    assert "over 5%" in sentence_of("concentration", found("concentration", "failed", **share), BY_FAMILY)
    curve = {"n": 5, "lowest": -2.0, "highest": 1.0, "n_same_sign": 4, "n_same_conclusion": 5, "headline_error": 0.5}
    line = sentence_of("specifications", found("specifications", "information", **curve), BY_FAMILY)
    assert "between \N{MINUS SIGN}2.00 and +1.00 percentage points" in line
    assert line.endswith("4 of 5 share the plan's direction; all 5 agree with it on whether zero is excluded.")


@pytest.mark.parametrize(("n", "direction", "zero", "words"), [
    (4, 1, 0, "1 of 4 shares the plan's direction; none agrees with it"), (4, 4, 3, "All 4 share the plan's direction; 3 of 4 agree with it"),
    (1, 1, 0, "Under 1 other choice (base")])
def test_other_choices_that_agree_are_counted_in_singular_and_plural(n, direction, zero, words):
    curve = {"n": n, "lowest": -2.0, "highest": 1.0, "n_same_sign": direction, "n_same_conclusion": zero, "headline_error": 0.5}
    assert words in sentence_of("specifications", found("specifications", "information", **curve), BY_FAMILY)


@pytest.mark.parametrize(("breakdown", "excludes", "words"), [
    (float("nan"), 0, "no finding that a departure could undo"), (float("nan"), 1, "Zero is excluded only if"), (0.01, 1, "Zero is excluded only if"),
    (1.23, 1, "at most 1.2 times its largest earlier step (0.70 percentage points from one quarter"), (float("inf"), 1, "however far")])
def test_a_breakdown_value_is_told_as_what_it_stands_for(breakdown, excludes, words):
    numbers = {"breakdown": breakdown, "excludes_zero": excludes, "step_before": 0.7, "headline_error": 0.5}
    assert words in sentence_of("honest", found("honest", "information", **numbers), BY_FAMILY)


def test_a_passed_trend_says_what_a_missed_drift_would_do():
    nan = float("nan")
    trend = TrendBefore(verdict="passed", n_periods=4, p_value=0.5, drift_p=0.5, slope=0.0, slope_detectable=1.0, adjusted=None)
    result = found("pre_trend", "passed", slope_detectable_50=0.54, bias_50=3.5, bound=2.26)
    assert "missed a drift of 0.54 percentage points from one quarter to the next" in power_of_trend(result, trend, BY_FAMILY)
    assert power_of_trend(result, trend, BY_FAMILY).endswith(
        "with 95% confidence (one-sided, so that 95% intervals reach further) is that no earlier gap was over 2.3."
    )
    failed = TrendBefore(verdict="failed", n_periods=4, p_value=0.01, drift_p=0.5, slope=0.0, slope_detectable=1.0, adjusted=None)
    assert power_of_trend(result, failed, BY_FAMILY) == ""
    assert power_of_trend(found("pre_trend", "passed", slope_detectable_50=nan, bias_50=nan, bound=nan), trend, BY_FAMILY) == ""


def test_no_sentence_shows_a_number_that_does_not_exist():
    for name in ("placebo_date", "placebo_outcome"):
        line = sentence_of(name, found(name, "passed", **ESTIMATE, shift=8, place=0), BY_FAMILY)
        assert not re.search(r"nan|inf|\[x\]", line)


def test_periods_in_the_score_and_periods_near_entry_are_kept_apart():
    history = DEMONSTRATION.matching.score.model_copy(update={"history": ("offences",), "history_window": (-8, -6)})
    plan = DEMONSTRATION.model_copy(update={"matching": DEMONSTRATION.matching.model_copy(update={"score": history})})
    assert (score_history(plan), near_entry(plan)) == ((-8, -7, -6), (-3, -2, -1))
    assert not_held_out(plan) == (-8, -7, -6, -3, -2, -1) and score_history(DEMONSTRATION) == ()


@pytest.mark.parametrize(("gamma", "words"), [(float("nan"), "the least hidden difference"), (1.02, "the least hidden difference"),
                                              (1.37, "differ 1.4 times in their odds"), (float("inf"), "No hidden difference")])
def test_gamma_is_told_as_odds_of_joining(gamma, words):
    assert words in sentence_of("rosenbaum", found("rosenbaum", "information", gamma=gamma), BY_FAMILY)


def test_an_e_value_is_told_only_where_there_is_something_to_explain():
    numbers = {"e_value": 2.31, "e_value_limit": 1.24, "excludes_zero": 1}
    line = sentence_of("e_value", found("e_value", "information", **numbers), BY_FAMILY)
    assert "2.3 times as common among programme families" in line and "1.2 times would bring zero" in line
    assert "nothing unrecorded" in sentence_of("e_value", found("e_value", "information", **{**numbers, "excludes_zero": 0}), BY_FAMILY)


def test_the_permutation_of_areas_can_fail_a_trend_that_the_other_tests_let_pass():
    plain = TrendBefore(verdict="passed", n_periods=3, p_value=0.2, drift_p=0.1, slope=-0.04, slope_detectable=0.06, adjusted=None)
    first = CheckLine(name=NAMES["pre_trend"], verdict="passed", sentence="as before")
    lines = (first, CheckLine(name="Balance", verdict="passed", sentence="other"))
    for p_value, verdict in ((0.06, "passed"), (0.04, "failed")):
        trend = plain.with_placebo(p_value)
        numbers = OutcomeNumbers(outcome=OUTCOMES["any_offence"], primary=True, status="estimated", trend=trend)
        first, second = with_trend_verdict(lines, numbers, COUNCILS)
        assert trend.verdict == first.verdict == verdict and second == lines[1]
        assert ("were not moving alike" in first.sentence) == (verdict == "failed") and (first.sentence == "as before") == (verdict == "passed")


def test_a_study_takes_the_verdict_of_its_placebo_assignments():
    trend = TrendBefore(verdict="passed", n_periods=3, p_value=0.2, drift_p=0.1, slope=-0.04, slope_detectable=0.06, adjusted=None)
    numbers = OutcomeNumbers(outcome=OUTCOMES["any_offence"], primary=True, status="estimated", trend=trend)
    study = OutcomeStudy(numbers=numbers, checks=(CheckLine(name=NAMES["pre_trend"], verdict="passed", sentence="as before"),))
    null = Null(outcome="any_offence", name="", estimate=0.1, draws=np.zeros(9), p_value=0.3, lower=-1.0, upper=1.0, n_failed=0, n_councils=3,
                before_times=(-4,), before_p_value=0.01)
    found = with_placebos(study, Placebos(programme=null, areas={}, factor=1.0), COUNCILS)
    assert found.numbers.trend.verdict == "failed" and found.checks[0].verdict == "failed"
