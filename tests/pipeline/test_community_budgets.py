"""Community Budgets on published data: the traps of the English school data handled and shown."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.pipeline.studied import assert_answers_the_four_questions, contents


@pytest.fixture(scope="module")
def councils(open_data, dictionary, tmp_path_factory):
    return contents("studies/community_budgets_2011/plan.yml", dictionary, tmp_path_factory.mktemp("councils"))


def test_each_of_the_28_councils_has_a_report(councils):
    assert len({content.council.code for content in councils}) == 28
    assert len({content.council.area for content in councils}) == 16
    manchester = next(content for content in councils if content.council.code == "E08000001")
    assert len(manchester.council.area_members) == 10


def test_every_report_answers_the_four_questions_and_says_that_there_are_no_claims(councils):
    for content in councils:
        assert_answers_the_four_questions(content)
        assert content.summary.payment_by_results == "No rate is shown: published figures hold no claims of single families."


def test_no_outcome_is_claimed_as_an_effect(councils):
    verdicts = {(outcome.outcome, outcome.verdict) for content in councils for outcome in content.outcomes}
    assert not [pair for pair in verdicts if pair[1] in ("better", "worse")]


def test_every_report_speaks_of_16_areas(councils):
    assert all("in 16 areas (28 councils)" in content.summary.paragraphs[0] for content in councils)
    places = [next(point for point in content.strength.points if point.criterion == "Places") for content in councils]
    assert {(point.lost, "16 places" in point.reason) for point in places} == {(1.0, True)}


def test_page_one_of_every_council_holds_no_p_value_and_no_claim(councils):
    for content in councils:
        page = content.summary.model_dump_json()
        assert not re.search(r"\bp\s*[=<]|p[- ]value|significan", page), content.council.name
        assert "came out better" not in page and "a better outcome" not in page


def test_what_is_not_in_the_published_data_reads_so(councils):
    of = {outcome.outcome: outcome for outcome in councils[0].outcomes}
    for name in ("asb_incidents", "out_of_work_benefit"):
        assert of[name].status == "not_available" and "not available in published data" in of[name].sentence


def test_2010_11_is_left_out_2011_12_is_the_only_year_after_and_later_years_are_no_effect(councils):
    points = {point.label: point.phase for point in councils[0].event_studies[0].points}
    assert points["2009/10"] == "base" and points["2010/11"] == "left_out" and points["2011/12"] == "after"
    assert {phase for label, phase in points.items() if label > "2011/12"} == {"later"}
    assert "never the programme's effect" in councils[0].event_studies[0].later_note


def test_the_trend_before_is_told_on_page_one(councils):
    assert "already changing before the programme" in councils[0].summary.findings[0]


def test_the_series_break_and_the_reorganised_councils_are_told(councils):
    assert any("six half terms from 2012/13" in warning.sentence for warning in councils[0].warnings)
    methods = " ".join(text for _, text in councils[0].methods)
    assert "Bedfordshire was replaced by" in methods and "Cheshire was replaced by" in methods
    marks = {trend.outcome: [words for _, words in trend.marks] for trend in councils[0].trends}
    assert any("six half terms" in words for words in marks["unauthorised_absence_rate"])
    assert not any("half terms" in words for words in marks["fixed_exclusion_rate"])


def test_every_council_says_that_ending_every_familys_problem_could_not_have_been_seen(councils):
    assert all("could not have been seen even if every family's problem had ended" in content.summary.caveats[0] for content in councils)


def test_the_headline_is_clustered_on_areas_with_the_errors_that_few_unequal_areas_need(councils):
    effect = next(outcome for outcome in councils[0].outcomes if outcome.outcome == "unauthorised_absence_rate").effect
    # checked apart with R clubSandwich (CR2, Satterthwaite) on the same rows: -0.0233 (-0.0833 to +0.0368), 7.86 degrees of freedom
    assert (effect.estimate.value, effect.lower.value, effect.upper.value) == (-0.023, -0.083, 0.037) and "areas" in effect.method


def test_the_levels_beside_an_effect_are_those_of_the_councils_behind_it(councils):
    offending = next(outcome for outcome in councils[0].outcomes if outcome.outcome == "looked_after_offending")
    # recomputed apart from the published files, on the 23 councils observed in both years: 7.145 with, 7.665 without
    assert (offending.programme_level.value, offending.comparison_level.value, offending.n_treated.value) == (7.1, 7.7, 23)


def test_a_content_is_frozen(councils):
    with pytest.raises((dataclasses.FrozenInstanceError, ValueError)):
        councils[0].study.name = "other"
