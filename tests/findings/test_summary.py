"""Page one: headline, shared sentences, what could have been seen, strength of evidence, and how thinly an effect is spread."""

from __future__ import annotations

import math

import pytest

from evaluation.disclosure.release import OutcomeResult, Shown, ShownInterval, Strength, StrengthPoint
from evaluation.findings.present import Nouns
from evaluation.findings.spread import most_possible, sentence, spread
from evaluation.findings.strength import Evidence, rate
from evaluation.findings.summary import Context, summarise, two_figures
from evaluation.plan import Helped

NOUNS = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)
STRENGTH = Strength(score=2, label="weak", points=(StrengthPoint(criterion="Design", lost=2, reason="Not drawn at random."),))


def context(**changed) -> Context:
    base = dict(programme="P", nouns=NOUNS, scope="In Mere,", who="Who.", compared_with="With whom.", n_effective=100, effective_noun="families")
    return Context(**{**base, **changed})


def result(label: str, verdict: str = "not_detectable", status: str = "estimated", detectable: float = 5.0, level: float = 10.0) -> OutcomeResult:
    number = Shown(value=1.0, text="1.0")
    shown = status == "estimated"
    return OutcomeResult(
        outcome=label.lower(), label=label, domain="Truancy", measure="m", unit="%", change_unit="points", primary=True, status=status,
        verdict=verdict if shown else "none", title="t", sentence=f"{label}: not available in published data, so nothing can be said about it here.",
        effect=ShownInterval(estimate=number, lower=number, upper=number, method="m") if shown else None,
        comparison_level=Shown(value=level, text=f"{level}") if shown else None,
        detectable=Shown(value=detectable, text=f"{detectable}") if shown else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "results, words",
    [
        ([result("Absence")], "In Mere, no effect on absence could be detected."),
        (
            [result("Absence", "better"), result("Crime")],
            "In Mere, absence came out better than among similar families and no effect on crime could be detected (evidence: 2 out of 5, weak).",
        ),
        ([result("Absence", "worse")], "In Mere, absence came out worse than among similar families (evidence: 2 out of 5, weak)."),
        ([result("Absence", "explained_by_trend")], "In Mere, the gap in absence cannot be told apart from the trend before."),
        (
            [result("Absence"), result("Crime", status="not_available")],
            "In Mere, no effect on absence could be detected; one of the two main outcomes could not be measured.",
        ),
        ([result("Absence", status="not_shown")], "In Mere, nothing can be shown: too few families stand behind the numbers."),
        ([result("Absence", status="not_available")], "In Mere, nothing can be estimated: no main outcome could be measured."),
    ],
)  # fmt: skip
def test_the_headline_follows_the_verdicts(results, words):
    assert summarise(results, STRENGTH, context()).headline == words


def test_outcomes_without_a_number_for_the_same_reason_share_a_sentence():
    told = summarise([result("Crime", status="not_available"), result("Work", status="not_available")], STRENGTH, context()).findings
    assert told == ("Crime and work: not available in published data, so nothing can be said about them here.",)


def test_what_could_have_been_seen_is_a_share_of_the_rate_or_nothing():
    seen = summarise([result("Absence"), result("Crime", detectable=12.0)], STRENGTH, context()).could_have_seen
    assert "50% (absence) of the rate" in seen and "For crime not even a complete reduction could have been detected." in seen


def test_when_more_units_are_needed_than_there_are_the_design_is_said_to_be_unable():
    able, unable = context(n_available=10_000, available_noun="families in the study"), context(
        n_available=150, available_noun="families in the study"
    )
    assert "2,500 families would be needed" in summarise([result("Absence")], STRENGTH, able).next_steps[0]
    assert "cannot answer the question" in summarise([result("Absence")], STRENGTH, unable).next_steps[0]


def test_a_null_says_that_it_does_not_mean_that_nothing_changed():
    assert "does not mean that nothing changed" in summarise([result("Absence")], STRENGTH, context()).paragraphs[0]


def test_page_one_holds_no_p_value():
    assert "p =" not in summarise([result("Absence", "better")], STRENGTH, context()).model_dump_json().lower()


@pytest.mark.parametrize(
    "value, text", [(12.1, "13"), (320.4, "330"), (89_123, "90,000"), (0, "an unknown number of"), (math.inf, "an unknown number of")]
)
def test_two_figures_round_up(value, text):
    assert two_figures(value) == text


GOOD = dict(many="families", randomised=True, detectable_share=0.1, worst_smd=0.05, matched_share=0.95, trends=("passed",), n_places=None)


@pytest.mark.parametrize(
    "changed, score",
    [
        ({}, 5), ({"randomised": False}, 3), ({"detectable_share": 0.3}, 4), ({"detectable_share": math.nan}, 4), ({"worst_smd": 0.11}, 4),
        ({"matched_share": 0.79}, 4), ({"trends": ("passed", "failed")}, 4), ({"trends": ("not testable",)}, 4), ({"trends": ()}, 4),
        ({"n_places": 16}, 4), ({"n_places": 30}, 5),
        ({"randomised": False, "detectable_share": 2.0, "worst_smd": 1, "matched_share": 0.1, "trends": ("failed",), "n_places": 2}, 0),
    ],
)  # fmt: skip
def test_each_failed_criterion_loses_its_points(changed, score):
    found = rate(Evidence(**{**GOOD, **changed}))
    assert found.score == score and sum(point.lost for point in found.points) == (5 - score if score else 7)


def test_a_share_that_cannot_be_shown_names_no_band():
    reason = next(point.reason for point in rate(Evidence(**{**GOOD, "matched_share": math.nan})).points if point.criterion == "Coverage")
    assert "%" not in reason and "cannot be shown" in reason


HELPED = Helped(families=30, children_of_school_age=2, problem_level={"absence": 15}, basis="as one pilot planned", source="a paper")


def test_the_spread_of_an_effect_is_what_each_family_would_have_to_change():
    # 0.1 points of 3,000,000 sessions are 3,000 sessions: 100 a family of 30; two children of 300 sessions miss 90 at 15%
    found = spread(0.1, 0.03, 3_000_000, 300, HELPED, outcome="absence", unit="points", things="sessions missed")
    assert (found.needed, found.whole, found.could_be_seen) == (pytest.approx(100), pytest.approx(90), False)
    told = sentence(found, "Absence", HELPED, "Mere")
    assert (
        "could not have been seen even if every family's problem had ended" in told and "If it was 30 in each council, as one pilot planned" in told
    )
    assert "moved the rate by 0.03 points; 0.10 was needed" in told


def test_whether_it_could_be_seen_is_the_programmes_question_not_one_councils():
    small_council = spread(0.08, 0.03, 600_000, 300, HELPED, outcome="absence", unit="points", things="sessions missed")
    assert small_council.needed < small_council.whole and not small_council.could_be_seen
    assert spread(0.08, 0.09, 600_000, 300, HELPED, outcome="absence", unit="points", things="sessions missed").could_be_seen


def test_the_most_that_is_possible_is_a_mean_over_councils():
    # 30 families x 2 children x 300 sessions x 15% = 2,700 sessions: 0.09 points of 3,000,000 and 0.27 of 1,000,000
    assert most_possible([3e6, 1e6], [300, 300], HELPED, "absence") == pytest.approx(0.18)


def test_an_outcome_without_a_stated_problem_has_no_spread():
    assert spread(0.1, 0.1, 3e6, 300, HELPED, outcome="crime", unit="points", things="x") is None
