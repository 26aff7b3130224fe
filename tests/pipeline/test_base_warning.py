"""What page one says when the headline depends on the base period, and where the reader finds the figures; of how many years a mix is made."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.study import BaseRow, GroupLine, OutcomeStudy
from evaluation.models.effects import Estimate
from evaluation.pipeline.area_words import synthetic_caveats
from evaluation.pipeline.limits import base_caveat, base_warning


def estimate(value: float) -> Estimate:
    return Estimate(estimate=value, std_error=1.0, lower=value - 2, upper=value + 2, df=50, p_value=0.1, n_treated=60, n_comparison=180,
                    clusters="matched sets", n_clusters=60, method="CR1 cluster-robust")  # fmt: skip


@pytest.fixture
def study(dictionary):
    def made(name: str, other: float, behind: int) -> OutcomeStudy:
        numbers = OutcomeNumbers(outcome=dictionary.outcomes[name], primary=True, status="estimated", effect=estimate(-5.0), fewest=60)
        line = GroupLine(name="Programme families", values=np.array([1.0]), behind=np.array([behind]))
        return OutcomeStudy(numbers=numbers, lines=(line,), bases=(BaseRow(base="1", matched=estimate(other), unmatched=estimate(other)),))

    return made


def told(*studies: OutcomeStudy) -> str:
    return " ".join(warned.sentence for warned in base_warning(studies, 10, "families"))


def test_the_table_of_bases_is_named_where_it_shows_the_outcome(study):
    assert told(study("out_of_work_benefit", 0.0, 60)).endswith("with another base the conclusion would differ (see the table of bases).")


def test_where_single_periods_may_not_be_shown_the_reader_is_not_sent_to_a_table_without_them(study):
    assert told(study("out_of_work_benefit", 0.0, 9)).endswith("figures by base are not shown, as few stand behind some.")
    mixed = told(study("out_of_work_benefit", 0.0, 9), study("unauthorised_absence_rate", 0.0, 60))
    assert mixed.endswith("out-of-work benefits and unauthorised absence: with another base the conclusion would differ.")


def test_an_estimate_that_moves_while_the_conclusion_stays_is_not_said_to_conclude_otherwise(study):
    moved = told(study("out_of_work_benefit", -9.0, 60))
    assert moved.endswith("the interval with another base leaves the estimate out, though it says the same about zero (see the table of bases).")
    both = told(study("out_of_work_benefit", -9.0, 60), study("unauthorised_absence_rate", 0.0, 60))
    assert "for unauthorised absence: with another base the conclusion would differ" in both and "for out-of-work benefits: the interval" in both
    assert both.count("out-of-work benefits") == 1 == both.count("unauthorised absence")


def test_page_one_tells_both_in_one_sentence(study):
    moved, otherwise = study("out_of_work_benefit", -9.0, 60), study("unauthorised_absence_rate", 0.0, 60)
    assert base_caveat([moved, otherwise], 10, "families") == (
        "With another base period the conclusion would differ for unauthorised absence, and the estimate would move for out-of-work benefits.",)
    assert base_caveat([moved], 10, "families") == ("With another base period the estimate would move for out-of-work benefits.",)
    assert base_caveat([study("out_of_work_benefit", -5.0, 60)], 10, "families") == ()


def test_another_base_on_the_other_side_of_zero_concludes_otherwise(study):
    assert "the conclusion would differ" in told(study("out_of_work_benefit", 5.0, 60))


def test_nothing_is_said_where_no_base_changes_the_conclusion(study):
    assert told(study("out_of_work_benefit", -5.0, 60)) == ""


@pytest.mark.parametrize(("years", "words"), [
    ((6, 6), "the six years before; so few"), ((3, 6), "the three to six years before, by outcome and area; so few"),
    ((0, 6), "the six years before;")])
def test_the_years_that_a_mix_of_councils_reproduces_are_those_of_each_outcome_and_area(years, words):
    areas = SimpleNamespace(synthetic=SimpleNamespace(areas={"n_before": list(years)}))
    analysis = SimpleNamespace(placebos={"a": areas, "b": SimpleNamespace(synthetic=None)})
    assert words in synthetic_caveats(analysis)[0]
    assert synthetic_caveats(SimpleNamespace(placebos={})) == ()
