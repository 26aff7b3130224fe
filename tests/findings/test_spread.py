"""How thinly an effect is spread: which studies have the table, and that it answers like the sentence."""

from __future__ import annotations

import dataclasses
import math

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.present import Nouns, present
from evaluation.findings.spread import most_possible, of_study, place_of, sentence, table
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.locations import project_file
from evaluation.models.effects import Estimate
from evaluation.plan import read_plan

COUNCILS = Nouns(one="council", many="councils", started="April 2011", scope="E1", published=True)
MERE = Scope(code="E1", name="Mere", region="", area="", area_members=(), words="In Mere,", sample=None, counts={})


@pytest.fixture(scope="module")
def plan():
    return read_plan(project_file("studies/community_budgets_2011/plan.yml"))


@pytest.fixture
def study(dictionary):
    """Unauthorised absence; 0.08 points detectable in a council of 3,000,000 sessions, 300 a pupil."""

    def made(name: str = "unauthorised_absence_rate", most: float = 0.03, **changed) -> OutcomeStudy:
        effect = Estimate(
            estimate=0.01, std_error=0.03, lower=-0.05, upper=0.07, df=15, p_value=0.7, n_treated=28, n_comparison=60, clusters="areas",
            n_clusters=16, method="CR1",
        )  # fmt: skip
        numbers = OutcomeNumbers(
            outcome=dictionary.outcomes[name], primary=True, status="estimated", effect=effect, before=1.0, after=1.0, n_before_after=28,
            comparison_level=1.0, detectable=0.08,
        )  # fmt: skip
        return dataclasses.replace(OutcomeStudy(numbers=numbers, denominator=3e6, per_pupil=300.0, most=most), **changed)

    return made


# 0.08% of 3,000,000 sessions are 2,400: 80 for each of 30 families; 2 children x 300 sessions x 15% = 90, of 30 families 0.09% of the council's
ANSWERS = [
    (6e6, 0.03, "160", "no", "could not have been seen even if every family's problem had ended: that would have moved the rate there by 0.045"),
    (3e6, 0.03, "80", "no: enough here, too little in the mean of all", "would have moved by 0.090 percentage points and the mean of all councils"),
    (6e6, 0.09, "160", "yes, though not from here alone", "would have moved by 0.045 percentage points and the mean of all councils"),
    (3e6, 0.09, "80", "yes, if most of it ended", "could only have been seen if most of every family's problem had ended: that would have moved"),
]


@pytest.mark.parametrize("sessions, most, needed, cell, words", ANSWERS)
def test_table_and_sentence_give_the_same_answer(study, plan, sessions, most, needed, cell, words):
    ledger, made = Ledger(profile=RULES["published"]), study(most=most, denominator=sessions)
    (content,) = table([(made, present(made.numbers, ledger, COUNCILS))], plan, ledger, MERE)
    assert content.rows == (("Unauthorised absence (sessions missed)", needed, "90", cell),)
    told = sentence(of_study(made, plan), "Unauthorised absence", plan.programme.helped, "Mere")
    assert words in told and f"{needed} fewer sessions missed a year" in told and "about 90" in told and "0.080 was needed" in told
    assert ("could not have been seen" in told) == (float(needed) > 90 and most < 0.08), "only where a council's own figures say so"
    assert {needed, "90"} <= {entry.shown.text for entry in ledger.entries}


def test_the_figures_of_all_places_are_those_of_a_council_of_average_size():
    assert place_of(dataclasses.replace(MERE, code="all")) == "a council of average size" and place_of(MERE) == "Mere"


def test_it_is_said_that_the_number_of_families_is_an_assumption(study, plan):
    assert sentence(of_study(study(), plan), "Absence", plan.programme.helped, "Mere").startswith("How many families were helped is not published.")


@pytest.mark.parametrize("changed", [{"denominator": math.nan}, {"per_pupil": math.nan}, {"most": math.nan}])
def test_without_the_size_of_a_council_nothing_is_said(study, plan, changed):
    assert of_study(study(**changed), plan) is None


def test_without_a_stated_problem_or_a_stated_number_of_families_nothing_is_said(study, plan):
    assert of_study(study("permanent_exclusion_rate"), plan) is None
    silent = plan.model_copy(update={"programme": plan.programme.model_copy(update={"helped": None})})
    assert of_study(study(), silent) is None
    assert table([], plan, Ledger(profile=RULES["published"]), MERE) == ()


def test_councils_without_figures_are_left_out_of_the_mean(plan):
    helped = plan.programme.helped
    whole = most_possible([3e6], [300], helped, "unauthorised_absence_rate")
    assert whole == pytest.approx(100 * 0.15 * 2 * 300 * 30 / 3e6)
    assert most_possible([3e6, math.nan, 0.0], [300, math.nan, 300], helped, "unauthorised_absence_rate") == pytest.approx(whole)
    assert math.isnan(most_possible([], [], helped, "unauthorised_absence_rate"))
