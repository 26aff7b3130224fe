"""Every wording of an outcome, from its numbers: verdict, sentence, what is shown and what is not."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore
from evaluation.findings.present import Nouns, lower_first, present, verdict
from evaluation.payment_by_results import ResultsClaimed
from tests.findings.estimates import estimate

NAN = math.nan
NUMBER = re.compile(r"[\N{MINUS SIGN}+]?\d+(?:,\d{3})*(?:\.\d+)?")
NOUNS = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)


def trend(verdict: str = "passed") -> TrendBefore:
    return TrendBefore(verdict=verdict, n_periods=3, p_value=0.5, drift_p=0.5, slope=0.0, slope_detectable=1.0, adjusted=None)


@pytest.fixture
def numbers(dictionary):
    def made(outcome: str = "out_of_work_benefit", value: float = -5.0, half: float = 2.0, **changed) -> OutcomeNumbers:
        base = dict(
            outcome=dictionary.outcomes[outcome], primary=True, status="estimated", effect=estimate(value, half), before=48.0, after=40.0,
            n_before_after=200, comparison_level=45.0, detectable=3.0, trend=trend(), fewest=60,
        )  # fmt: skip
        return OutcomeNumbers(**{**base, **changed})

    return made


@pytest.fixture
def ledger():
    return Ledger(profile=RULES["ten_five"])


@pytest.mark.parametrize(
    "outcome, value, half, changed, found",
    [
        ("out_of_work_benefit", -5.0, 2.0, {}, "better"),
        ("out_of_work_benefit", 5.0, 2.0, {}, "worse"),
        ("adult_in_work", 5.0, 2.0, {}, "better"),
        ("adult_in_work", -5.0, 2.0, {}, "worse"),
        ("out_of_work_benefit", -1.0, 2.0, {}, "not_detectable"),
        ("out_of_work_benefit", -5.0, 2.0, {"trend": trend("failed")}, "explained_by_trend"),
        ("out_of_work_benefit", -5.0, 2.0, {"trend": trend("not testable")}, "better"),
        ("out_of_work_benefit", -5.0, 2.0, {"permutation_p": 0.2}, "not_detectable"),
        ("out_of_work_benefit", -5.0, 2.0, {"permutation_p": 0.01}, "better"),
        ("out_of_work_benefit", -2.01, 2.0, {}, "not_detectable"),  # from -4.0 to 0.0 as printed
        ("out_of_work_benefit", NAN, 2.0, {}, "none"),
    ],
)
def test_the_verdict_follows_interval_direction_trend_and_permutation(numbers, outcome, value, half, changed, found):
    assert verdict(numbers(outcome, value, half, **changed)) == found


def test_a_better_outcome_is_told_in_natural_frequencies_with_its_interval(numbers, ledger):
    result = present(numbers(), ledger, NOUNS)
    assert (
        result.sentence
        == "Out-of-work benefits: a better outcome (40 of every 100 families instead of 45; the difference is likely to lie between "
        "\N{MINUS SIGN}7.0 and \N{MINUS SIGN}3.0 percentage points)."
    )
    assert result.title == "Out-of-work benefits: lower than expected from similar families, a better outcome"


def test_a_worse_outcome_is_said_as_plainly(numbers, ledger):
    result = present(numbers(value=5.0), ledger, NOUNS)
    assert "a worse outcome" in result.sentence and "higher than expected from similar families, a worse outcome" in result.title


def test_no_detectable_effect_is_never_worded_as_no_effect(numbers, ledger):
    result = present(numbers(value=-1.0), ledger, NOUNS)
    assert "no effect could be detected" in result.sentence and "had no effect" not in result.sentence


@pytest.mark.parametrize("value", [-5.0, -1.0])
def test_a_trend_before_is_told_with_the_finding_and_nothing_is_claimed(numbers, ledger, value):
    result = present(numbers(value=value, trend=trend("failed")), ledger, NOUNS)
    assert "before the programme" in result.sentence and "better" not in result.sentence + result.title


VERDICTS = {
    "better": {}, "worse": {"value": 5.0}, "not_detectable": {"value": -1.0}, "explained_by_trend": {"trend": trend("failed")},
    "not_detectable, drifting": {"value": -1.0, "trend": trend("failed")}, "by area": {"permutation_p": 0.3},
}  # fmt: skip


@pytest.mark.parametrize("outcome", ["out_of_work_benefit", "adult_in_work", "asb_incidents", "unauthorised_absence_rate", "annual_earnings"])
@pytest.mark.parametrize("name", VERDICTS)
def test_every_number_of_every_wording_was_published(numbers, ledger, outcome, name):
    result = present(numbers(outcome, **VERDICTS[name], truth=-1.04), ledger, NOUNS)
    share = f"{100 * result.detectable.value / result.comparison_level.value:.0f}"  # of two published numbers
    told = " ".join([result.title, result.sentence, result.detectable_sentence]).replace("100 families", "families")
    assert set(NUMBER.findall(told)) <= {entry.shown.text for entry in ledger.entries} | {share}
    assert " p " not in told and "p value" not in told and "p =" not in told and "significant" not in told


@pytest.mark.parametrize("value", [-50.0, -5.0, 5.0, 50.0])
@pytest.mark.parametrize("outcome", ["out_of_work_benefit", "adult_in_work"])
def test_a_failed_trend_never_gives_a_better_or_a_worse_outcome(numbers, outcome, value):
    assert verdict(numbers(outcome, value, trend=trend("failed"))) == "explained_by_trend"


@pytest.mark.parametrize("p, found", [(0.05, "not_detectable"), (0.049, "better"), (1.0, "not_detectable"), (NAN, "not_detectable")])
def test_where_areas_were_assigned_an_interval_without_zero_is_not_enough(numbers, p, found):
    assert verdict(numbers(permutation_p=p)) == found


@pytest.mark.parametrize("lower, upper", [(0.0, 4.0), (-4.0, 0.0)])
def test_an_interval_that_ends_at_zero_holds_zero(numbers, lower, upper):
    touching = dataclasses.replace(estimate(2.0, 2.0), lower=lower, upper=upper)
    assert verdict(numbers(effect=touching)) == "not_detectable"


@pytest.mark.parametrize(
    "outcome, value, words",
    [
        ("adult_in_work", 5.0, "higher than expected from similar families, a better outcome"),
        ("adult_in_work", -5.0, "lower than expected from similar families, a worse outcome"),
        ("out_of_work_benefit", 5.0, "higher than expected from similar families, a worse outcome"),
    ],
)
def test_titles_tell_direction_and_judgement_apart(numbers, ledger, outcome, value, words):
    result = present(numbers(outcome, value), ledger, NOUNS)
    assert result.title.endswith(words) and words.rpartition(", ")[2] in result.sentence


@pytest.mark.parametrize("name", ["better", "worse", "not_detectable", "explained_by_trend"])
def test_no_title_says_how_the_groups_levels_stand_to_each_other(numbers, ledger, name):
    # the effect is a difference of changes: 40 against an expected 45 (or 35) says nothing of the comparison families' own level
    assert "than in " not in present(numbers(**VERDICTS[name]), ledger, NOUNS).title


def test_what_was_not_delivered_is_worded_apart_from_what_is_not_published(numbers, ledger):
    result = present(numbers(status="not_available", effect=None), ledger, NOUNS)
    assert "not in the data delivered" in result.sentence and "published" not in result.sentence


def test_an_effect_without_an_interval_is_not_shown_as_a_number(numbers, ledger):
    unbounded = dataclasses.replace(estimate(-5.0, 2.0), lower=NAN, upper=NAN, reason="Only one area joined.")
    result = present(numbers(effect=unbounded), ledger, NOUNS)
    assert result.status == "not_estimable" and result.effect is None
    assert result.sentence.endswith("no interval could be computed. Only one area joined.")


@pytest.mark.parametrize("side", ["n_treated", "n_comparison"])
def test_ten_families_are_needed_on_either_side(numbers, ledger, side):
    few = dataclasses.replace(estimate(-5.0, 2.0), **{side: 9})
    assert present(numbers(effect=few), ledger, NOUNS).status == "not_shown"
    assert present(numbers(effect=dataclasses.replace(few, **{side: 10})), ledger, NOUNS).status == "estimated"


def test_a_gain_where_more_is_better_is_not_told_as_a_share_of_the_rate(numbers, ledger):
    told = present(numbers("adult_in_work", detectable=50.0), ledger, NOUNS).detectable_sentence
    assert "no reduction" not in told and "% of the rate" not in told


def test_what_is_not_in_published_data_says_so_and_has_no_number(numbers, ledger):
    made = numbers(status="not_available", effect=None)
    result = present(made, ledger, dataclasses.replace(NOUNS, published=True))
    assert result.status == "not_available" and "not available in published data" in result.sentence
    assert result.effect is None and result.before is None and not ledger.entries


def test_what_cannot_be_estimated_says_why(numbers, ledger):
    result = present(numbers(status="not_estimable", effect=None, reason="No family was observed."), ledger, NOUNS)
    assert result.sentence.endswith("could not be estimated. No family was observed.")


@pytest.mark.parametrize("changed", [{"effect": estimate(-5, 2, n=9)}, {"fewest": 9}, {"fewest": 0}])
def test_few_families_behind_a_number_or_few_with_the_occurrence_hide_it(numbers, ledger, changed):
    result = present(numbers(**changed), ledger, NOUNS)
    assert result.status == "not_shown" and result.effect is None and not ledger.entries and "10 families" in result.sentence


def test_a_rate_has_no_occurrences_to_count(numbers, ledger):
    assert present(numbers("unauthorised_absence_rate", fewest=None), ledger, NOUNS).status == "estimated"


def test_councils_are_no_people_and_are_shown(numbers, ledger):
    assert present(numbers(effect=estimate(-5, 2, n=4)), ledger, dataclasses.replace(NOUNS, many="councils")).status == "estimated"


def test_a_detectable_effect_as_large_as_the_rate_means_that_no_reduction_could_be_seen(numbers, ledger):
    result = present(numbers(detectable=50.0), ledger, NOUNS)
    assert result.detectable_sentence.endswith("more than the whole rate of 45: no reduction could have been detected.")
    assert "as much as the whole rate of 45" in present(numbers(detectable=45.0), ledger, NOUNS).detectable_sentence


def test_both_levels_of_a_rate_have_their_unit(numbers, ledger):
    made = present(numbers("unauthorised_absence_rate", fewest=None), ledger, NOUNS)
    assert f"({made.programme_level.text}% of possible sessions instead of {made.comparison_level.text}%; " in made.sentence


def test_a_detectable_effect_is_told_as_a_share_of_the_rate(numbers, ledger):
    assert "7% of the rate without the programme" in present(numbers(detectable=3.0), ledger, NOUNS).detectable_sentence


def test_a_level_that_cannot_be_is_worded_as_none(numbers, ledger):
    assert "instead of none" in present(numbers("asb_incidents", comparison_level=-0.3), ledger, NOUNS).sentence


def test_every_number_of_a_sentence_is_in_the_ledger(numbers, ledger):
    result = present(numbers(), ledger, NOUNS)
    told = set(re.findall(r"[\N{MINUS SIGN}+]?\d+(?:\.\d+)?", result.sentence.replace("every 100", "")))
    assert told <= {entry.shown.text for entry in ledger.entries}


def test_the_before_after_change_is_the_difference_of_the_shown_levels(numbers, ledger):
    result = present(numbers(before=48.04, after=40.06), ledger, NOUNS)
    assert result.before_after.value == pytest.approx(result.after.value - result.before.value)


@pytest.mark.parametrize("n_result, n_problem, text", [(50, 100, "50%"), (5, 100, "[c]"), (96, 100, "[c]"), (4, 9, "[c]")])
def test_the_payment_rate_is_protected(numbers, ledger, n_result, n_problem, text):
    claimed = ResultsClaimed(n_problem=n_problem, n_result=n_result, n_undetermined=0, words="the rule is met", departs="")
    assert present(numbers(results=claimed), ledger, NOUNS).payment_by_results.text == text


@pytest.mark.parametrize("label, inside", [("Any offence", "any offence"), ("ASB", "ASB"), ("A child", "a child")])
def test_a_label_inside_a_sentence_begins_small_unless_it_is_an_abbreviation(label, inside):
    assert lower_first(label) == inside
