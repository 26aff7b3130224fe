"""The rating: which criterion loses a point at which limit, and that its reason says what was found."""

from __future__ import annotations

import math

import pytest

from evaluation.findings.strength import LABELS, Evidence, rate

GOOD = dict(many="families", randomised=True, detectable_share=0.1, worst_smd=0.05, matched_share=0.95, trends=("passed",), n_places=None)


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
    ],
)  # fmt: skip
def test_each_criterion_loses_its_point_at_its_limit(changed, expected):
    assert lost(**changed) == expected


def test_the_best_is_five_and_the_worst_is_none():
    worst = dict(randomised=False, detectable_share=2.0, worst_smd=1.0, matched_share=0.1, trends=("failed",), n_places=2)
    assert (rated().score, rated().label) == (5, "very strong")
    assert (rated(**worst).score, rated(**worst).label) == (0, "cannot support a conclusion")
    assert len(LABELS) == 6


def test_every_criterion_is_named_with_a_reason_whether_or_not_it_lost():
    assert [point.criterion for point in rated().points] == ["Design", "Size", "Balance", "Coverage", "Trend before", "Places"]
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
