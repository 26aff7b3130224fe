"""Page one: headline, shared sentences, what could have been seen, strength of evidence, and how thinly an effect is spread."""

from __future__ import annotations

import math

import pytest

from evaluation.disclosure.release import OutcomeResult, Shown, ShownInterval, Strength, StrengthPoint
from evaluation.findings.present import Nouns
from evaluation.findings.spread import most_possible, sentence, spread
from evaluation.findings.strength import Evidence, rate
from evaluation.findings.summary import Context, could_have_seen, printed_share, summarise, two_figures
from evaluation.plan.question import Helped

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
            "In Mere, absence came out better than among similar families, and no effect on crime could be detected (evidence: 2 out of 5, weak).",
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


def test_nulls_are_listed_with_or_and_findings_with_and():
    labels = ("Absence", "Crime", "Work")
    null = summarise([result(one) for one in labels], STRENGTH, context()).headline
    assert null == "In Mere, no effect on absence, crime or work could be detected."
    worse = summarise([result(one, "worse") for one in labels], STRENGTH, context()).headline
    assert worse.startswith("In Mere, absence, crime and work came out worse than among similar families")


def test_outcomes_without_a_number_for_the_same_reason_share_a_sentence():
    told = summarise([result("Crime", status="not_available"), result("Work", status="not_available")], STRENGTH, context()).findings
    assert told == ("Crime and work: not available in published data, so nothing can be said about them here.",)


def test_outcomes_too_small_to_show_share_a_sentence_that_reads_well():
    hidden = [result(label, status="not_shown") for label in ("Crime", "Work", "ASB")]
    told = "not shown, because fewer than 10 families stand behind the number in one of the two groups."
    hidden = [one.model_copy(update={"sentence": f"{one.label}: {told}"}) for one in hidden]
    assert summarise(hidden, STRENGTH, context()).findings == (f"Crime, work and ASB: {told}",)


def test_outcomes_that_could_not_be_estimated_keep_their_own_reasons():
    reasons = {"Crime": "Nobody was observed.", "Work": "No base."}
    results = [result(label, status="not_estimable").model_copy(update={"sentence": f"{label}: {why}"}) for label, why in reasons.items()]
    assert summarise(results, STRENGTH, context()).findings == ("Crime: Nobody was observed.", "Work: No base.")


def test_secondary_outcomes_stay_off_page_one():
    secondary = result("Work", "better").model_copy(update={"primary": False})
    page = summarise([result("Absence"), secondary], STRENGTH, context())
    assert "work" not in page.model_dump_json().lower() and "evidence" not in page.headline


def test_a_secondary_outcome_that_came_out_worse_is_told_on_page_one():
    secondary = result("Work", "worse").model_copy(update={"primary": False, "sentence": "Work: a worse outcome (1 instead of 2)."})
    told = summarise([result("Absence"), secondary], STRENGTH, context()).findings
    assert told[1:] == ("Work: a worse outcome (1 instead of 2). It is not one of the main outcomes.",)


@pytest.mark.parametrize(
    "verdict, words",
    [
        ("worse", "Look first at the outcome that was worse"),
        ("explained_by_trend", "Do not quote the gap as the programme's effect"),
        ("better", "Repeat the comparison before relying on the better outcome."),
        ("not_detectable", "To see a change of 10% in absence"),
    ],
)
def test_every_verdict_leads_to_a_next_step(verdict, words):
    assert summarise([result("Absence", verdict)], STRENGTH, context()).next_steps[0].startswith(words)


def test_a_study_that_could_have_seen_a_tenth_asks_for_no_more_units():
    assert summarise([result("Absence", detectable=0.9)], STRENGTH, context()).next_steps == ("Repeat the comparison when more records are in.",)


def test_page_one_has_at_most_three_caveats_with_the_studys_own_first():
    strength = Strength(
        score=1,
        label="very weak",
        points=tuple(StrengthPoint(criterion=name, lost=lost, reason=f"{name}.") for name, lost in
                     (("Design", 2), ("Size", 1), ("Balance", 1), ("Coverage", 0), ("Places", 1))),
    )  # fmt: skip
    assert summarise([result("Absence")], strength, context()).caveats == ("Design.", "Balance.", "Places.")  # size has a line of its own
    assert summarise([result("Absence")], strength, context(extra_caveats=("One.", "Two."))).caveats == ("One.", "Two.", "Design.")


def test_a_payment_rate_is_told_with_the_warning_that_it_is_no_effect():
    paid = result("Absence").model_copy(update={"payment_by_results": Shown(value=40.0, text="40%")})
    told = summarise([paid], STRENGTH, context()).payment_by_results
    assert "40% (absence)" in told and "not an effect" in told
    hidden = result("Absence").model_copy(update={"payment_by_results": Shown(value=None, text="[c]", symbol="[c]")})
    assert "too few families" in summarise([hidden], STRENGTH, context()).payment_by_results
    assert "applies no rule of payment" in summarise([result("Absence")], STRENGTH, context()).payment_by_results


def test_what_could_have_been_seen_is_a_share_of_the_rate_or_nothing():
    seen = summarise([result("Absence"), result("Crime", detectable=12.0)], STRENGTH, context()).could_have_seen
    assert "50% (absence) of the rate" in seen and "For crime not even a complete reduction could have been detected." in seen


def test_a_detectable_difference_that_is_withheld_asks_for_no_number_of_units():
    held = result("Absence").model_copy(update={"detectable": Shown(value=None, text="[c]", symbol="[c]")})
    found = summarise([held, result("Crime")], STRENGTH, context())
    assert "in crime" in found.next_steps[0] and not any("absence" in step for step in found.next_steps)


def test_when_more_units_are_needed_than_there_are_the_design_is_said_to_be_unable():
    able, unable = context(n_available=10_000, available_noun="families in the study"), context(
        n_available=150, available_noun="families in the study"
    )
    assert "2,500 families would be needed" in summarise([result("Absence")], STRENGTH, able).next_steps[0]
    assert "cannot answer the question" in summarise([result("Absence")], STRENGTH, unable).next_steps[0]


def test_a_null_says_that_it_does_not_mean_that_nothing_changed():
    assert "does not mean that nothing changed" in summarise([result("Absence")], STRENGTH, context()).paragraphs[0]


@pytest.mark.parametrize("verdict", ["better", "worse", "not_detectable", "explained_by_trend"])
def test_page_one_holds_no_p_value(verdict):
    page = summarise([result("Absence", verdict)], STRENGTH, context()).model_dump_json().lower()
    assert not any(words in page for words in ("p =", "p <", "p-value", "p value", "significant"))


@pytest.mark.parametrize(
    "value, text", [(12.1, "13"), (320.4, "330"), (89_123, "90,000"), (0, "an unknown number of"), (math.inf, "an unknown number of")]
)
def test_two_figures_round_up(value, text):
    assert two_figures(value) == text


GOOD = dict(
    many="families", randomised=True, detectable_share=0.1, worst_smd=0.05, matched_share=0.95, trends=("passed",), n_places=None, hidden_drift=0.1,
    other_choices={"placebo start": ("passed",)}, contamination=("passed",),
)  # fmt: skip


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
    assert "moved the rate there by 0.09 points; 0.10 was needed" in told, "the move of the council whose sessions are told"


def test_whether_it_could_be_seen_is_the_programmes_question_not_one_councils():
    small_council = spread(0.08, 0.03, 600_000, 300, HELPED, outcome="absence", unit="points", things="sessions missed")
    assert small_council.needed < small_council.whole and not small_council.could_be_seen
    assert spread(0.08, 0.09, 600_000, 300, HELPED, outcome="absence", unit="points", things="sessions missed").could_be_seen


def test_the_most_that_is_possible_is_a_mean_over_councils():
    # 30 families x 2 children x 300 sessions x 15% = 2,700 sessions: 0.09 points of 3,000,000 and 0.27 of 1,000,000
    assert most_possible([3e6, 1e6], [300, 300], HELPED, "absence") == pytest.approx(0.18)


def test_an_outcome_without_a_stated_problem_has_no_spread():
    assert spread(0.1, 0.1, 3e6, 300, HELPED, outcome="crime", unit="points", things="x") is None


def test_a_finding_smaller_than_what_could_be_relied_on_is_told_as_such():
    small = summarise([result("Absence", "better", detectable=5.0), result("Crime")], STRENGTH, context()).could_have_seen
    assert small.endswith("The finding on absence is smaller than that; such findings tend to look larger than they are.")
    both = summarise([result("Absence", "better"), result("Crime", "worse")], STRENGTH, context())
    assert "The findings on absence and crime are smaller than that" in both.could_have_seen
    assert both.next_steps[0].startswith("Look first at the outcome that was worse") and both.next_steps[-1].endswith("on the better outcome.")
    twice = summarise([result(one, verdict) for verdict in ("better", "worse") for one in ("Absence", "Crime")], STRENGTH, context()).next_steps
    assert twice[0].startswith("Look first at the outcomes that were worse") and twice[-1].endswith("on the better outcomes.")
    assert "finding on" not in summarise([result("Absence", "better", detectable=0.5)], STRENGTH, context()).could_have_seen
    assert "finding on" not in summarise([result("Absence")], STRENGTH, context()).could_have_seen


def test_the_rating_of_size_uses_the_share_that_the_pages_print():
    printed = [result("Absence", detectable=3.9, level=7.7), result("Crime", detectable=1.0, level=10.0)]
    assert printed_share(printed, 0.496) == pytest.approx(3.9 / 7.7) and "51% (absence)" in could_have_seen(printed)
    assert printed_share([result("Absence", level=0.0)], 0.496) == 0.496 and printed_share([], 0.496) == 0.496, "where one is not printed"
