"""The rating: which criterion loses a point at which limit, and that its reason says what was found."""

from __future__ import annotations

import math

import pytest

from evaluation.dictionary import load_dictionary
from evaluation.findings.strength import BASES, ESTIMATORS, LABELS, MOVED, Evidence, rate
from evaluation.findings.texts import methods
from evaluation.locations import project_file
from evaluation.pipeline.choices import estimator, matcher
from evaluation.plan import read_plan

GOOD = dict(
    many="families", randomised=True, detectable_share=0.1, worst_smd=0.05, matched_share=0.95, trends=("passed",), n_places=None, hidden_drift=0.1,
    other_choices={"other base periods": ("passed",), "placebo start": ("passed", "not testable")}, contamination=("passed",), attrition=("passed",),
)  # fmt: skip


def rated(**changed):
    return rate(Evidence(**{**GOOD, **changed}))


def lost(**changed) -> dict[str, float]:
    return {point.criterion: point.lost for point in rated(**changed).points if point.lost}


def reason(criterion: str, **changed) -> str:
    return next(point.reason for point in rated(**changed).points if point.criterion == criterion)


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"randomised": False}, {"Design": 2}),
        ({"detectable_share": 0.25}, {}), ({"detectable_share": 0.2501}, {"Size": 1}), ({"detectable_share": math.nan}, {"Size": 1}),
        ({"worst_smd": 0.1}, {}), ({"worst_smd": 0.1001}, {"Balance": 1}), ({"worst_smd": math.nan}, {"Balance": 1}),
        ({"matched_share": 0.8}, {}), ({"matched_share": 0.7999}, {"Coverage": 1}), ({"matched_share": math.nan}, {"Coverage": 1}),
        ({"trends": ("passed", "passed")}, {}), ({"trends": ("passed", "not testable")}, {"Trend before": 1}),
        ({"trends": ("failed", "not testable")}, {"Trend before": 1}), ({"trends": ()}, {"Trend before": 1}),
        ({"n_places": 20}, {}), ({"n_places": 19}, {"Places": 1}),
        ({"hidden_drift": 0.25}, {}), ({"hidden_drift": 0.2501}, {"Trend before": 0.5}), ({"hidden_drift": math.nan}, {"Trend before": 0.5}),
        ({"hidden_drift": 9.0, "trends": ("failed",)}, {"Trend before": 1}),
        ({"other_choices": {"placebo start": ("passed", "failed")}}, {"Sensitivity": 1}),
        ({"other_choices": {BASES: ("failed",)}}, {"Sensitivity": 0.5}),
        ({"other_choices": {BASES: ("failed",), "placebo start": ("failed",)}}, {"Sensitivity": 1}),
        ({"other_choices": {BASES: (MOVED,), ESTIMATORS: ("passed",)}}, {"Sensitivity": 0.5}),
        ({"other_choices": {BASES: ("passed",), ESTIMATORS: ("failed",)}}, {"Sensitivity": 0.5}),
        ({"other_choices": {BASES: ("failed",), ESTIMATORS: ("failed",)}}, {"Sensitivity": 1}),
        ({"other_choices": {BASES: ("not testable",), ESTIMATORS: ("passed",)}}, {}),
        ({"other_choices": {"placebo start": ("not testable",)}}, {"Sensitivity": 0.5}), ({"other_choices": {}}, {"Sensitivity": 0.5}),
        ({"contamination": ("passed", "failed")}, {"Contamination": 1}), ({"contamination": ("information", "passed")}, {}),
        ({"contamination": ("information",)}, {"Contamination": 0.5}), ({"contamination": ()}, {"Contamination": 0.5}),
        ({"attrition": ("failed", "passed")}, {"Coverage": 1}), ({"attrition": ("not testable",)}, {}),
    ],
)  # fmt: skip
def test_each_criterion_loses_its_point_at_its_limit(changed, expected):
    assert lost(**changed) == expected


def test_the_best_is_five_and_the_worst_is_none():
    worst = dict(
        randomised=False, detectable_share=2.0, worst_smd=1.0, matched_share=0.1, trends=("failed",), n_places=2,
        other_choices={"placebo start": ("failed",)}, contamination=("failed",),
    )  # fmt: skip
    assert (rated().score, rated().label) == (5, "very strong")
    assert (rated(**worst).score, rated(**worst).label) == (0, "cannot support a conclusion")
    assert len(LABELS) == 6


def test_every_criterion_is_named_with_a_reason_whether_or_not_it_lost():
    names = ["Design", "Size", "Balance", "Coverage", "Trend before", "Sensitivity", "Contamination", "Places"]
    assert [point.criterion for point in rated().points] == names
    assert all(point.reason.endswith(".") for point in rated().points)


@pytest.mark.parametrize(
    "share, words",
    [(0.1, "a change of 10% to be detected"), (1.0, "not even its complete disappearance"), (math.nan, "nothing could have been detected")],
)
def test_the_size_is_told_against_the_level(share, words):
    assert words in reason("Size", detectable_share=share)


@pytest.mark.parametrize(
    "share, words", [(1.0, "All or nearly all"), (0.93, "Over 90%"), (0.85, "80 to 90%"), (0.6, "Between half and 80%"), (0.2, "Under half")]
)
def test_coverage_is_told_in_bands_that_give_no_count_away(share, words):
    assert reason("Coverage", matched_share=share).startswith(words)


def test_a_failed_trend_is_told_before_one_that_could_not_be_tested():
    assert "already changing" in reason("Trend before", trends=("not testable", "failed"))


@pytest.mark.parametrize(
    ("points", "score"),
    [
        ({"contamination": ()}, 5),
        ({"contamination": (), "other_choices": {}}, 4),
        ({"hidden_drift": 1.0, "contamination": (), "other_choices": {}}, 4),
        ({"hidden_drift": 1.0, "contamination": ("failed",), "other_choices": {}}, 3),
    ],
)
def test_what_is_left_is_rounded_up(points, score):
    assert rated(**points).score == score


def test_what_speaks_against_the_result_is_named_and_what_held_is_not():
    told = reason("Sensitivity", other_choices={"other base periods": ("failed",), "placebo start": ("passed",)})
    assert told == "For at least one outcome told on page one another choice would conclude otherwise: other base periods."
    assert reason("Sensitivity").endswith("any outcome told on page one: other base periods, placebo start.")
    two = reason("Sensitivity", other_choices={"other base periods": ("failed",), "placebo start": ("failed",)})
    assert two == "For at least one outcome told on page one this speaks against the result: other base periods, placebo start."


def test_an_estimate_that_only_moves_with_the_base_is_not_said_to_conclude_otherwise():
    told = reason("Sensitivity", other_choices={BASES: (MOVED, "passed")})
    assert told == (
        "No other choice that could be tried would conclude otherwise, but for at least one main outcome the estimate moves: the interval by other"
        " base periods leaves the plan's estimate out."
    )


def test_a_trend_that_was_not_tested_is_told_with_why():
    told = reason("Trend before", trends=("not testable",), why_untested=("The plan does not ask for the test.",))
    assert told.endswith("whether the groups moved alike before the programme. The plan does not ask for the test.") and "no earlier" not in told


@pytest.mark.parametrize(
    ("drift", "words"),
    [(0.3, "over a quarter of the level"), (0.6, "over half of the level"), (1.5, "more than the whole level"), (math.nan, "is not known")],
)
def test_a_weak_test_of_the_trend_says_what_it_could_have_missed_in_bands_that_give_no_number_away(drift, words):
    told = reason("Trend before", hidden_drift=drift)
    assert ("usually have been seen (in four studies out of five)" in told) == (drift > 0), "of the same power as what the checks print"
    assert words in told and "moved alike" in told and not any(letter.isdigit() for letter in told)


@pytest.mark.parametrize(("n", "words"), [(1, "1 place;"), (4, "4 places;")])
def test_places_are_counted_in_singular_and_plural(n, words):
    assert words in reason("Places", n_places=n)


def test_a_group_lost_from_sight_more_often_is_told_beside_the_share_matched():
    assert reason("Coverage", attrition=("failed",)).startswith("Over 90%") and "lost from sight" in reason("Coverage", attrition=("failed",))


def test_the_published_rule_names_what_every_criterion_asks_and_its_limits():
    rule = dict(methods_of_a_plan())["Strength of evidence"]
    for words in ("random assignment", "25% of the level", "over 0.1", "under 80% matched", "lost from sight", "trend before",
                  "a placebo", "another base", "other support", "fewer than 20", "Half a point", "rounded up"):
        assert words in rule, words


def methods_of_a_plan() -> tuple[tuple[str, str], ...]:
    plan = read_plan(project_file("studies/demonstration/plan.yml"))
    return methods(plan, load_dictionary(), matcher(plan), estimator(plan), [])
