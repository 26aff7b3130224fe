"""One council beside all others: what is shown, of whom, in which words."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from evaluation.disclosure.ledger import Ledger, Repair
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import RULES
from evaluation.findings.beside import Beside, may_show, of_council
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.present import Nouns, present
from evaluation.models.effects import Estimate

MINUS = "\N{MINUS SIGN}"
FAMILIES = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)


def estimate(n):
    return Estimate(estimate=-4.0, std_error=2.0, lower=-8.0, upper=0.0, df=50, p_value=0.1, n_treated=n, n_comparison=3 * n, clusters="matched sets",
                    n_clusters=n, method="CR1 cluster-robust")


def beside(sizes=(200, 60, 30, 12, 8), fewest=1_000, own_share=0.7, p_value=0.4):
    n = len(sizes)
    shrunk = np.linspace(-5.0, -3.0, n)
    return Beside(codes=tuple(f"E{i}" for i in range(n)), own=tuple(estimate(size) for size in sizes), shrunk=shrunk, std_error=np.full(n, 1.04),
                  lower=shrunk - 2, upper=shrunk + 2, own_share=np.full(n, own_share), fewest=np.full(n, fewest), mean=-4.0, new_lower=-6.0,
                  new_upper=-2.0, p_value=p_value)


@pytest.fixture
def told(dictionary):
    def made(found, code="E1", outcome="out_of_work_benefit", repairs=MappingProxyType({})):
        ledger = Ledger(profile=RULES["ten_five"], repairs=repairs)
        numbers = OutcomeNumbers(outcome=dictionary.outcomes[outcome], primary=True, status="estimated", effect=estimate(60), before=48.0, after=40.0,
                                 n_before_after=60, comparison_level=45.0, detectable=3.0, fewest=60)
        return of_council(found, code, numbers, present(numbers, ledger, FAMILIES), ledger, FAMILIES), ledger
    return made


def test_only_the_reports_own_council_is_told_apart_and_none_is_ordered_by_its_effect(told):
    made, _ = told(beside())
    assert [point.is_own for point in made.points] == [False, True, False, False]
    assert [point.effect.estimate.value for point in made.points] == [-5.0, -4.5, -4.0, -3.5]      # as given: by families
    assert made.n_hidden == 1 and "1 more council has too few families to be shown." in made.sentence


def test_the_words_say_from_whom_it_is_known_and_where_another_council_would_lie(told):
    made, _ = told(beside())
    assert f"is {MINUS}4.5 ({MINUS}6.5 to {MINUS}2.5) percentage points; what is known of it comes mostly from its own families" in made.sentence
    assert f"probably lie between {MINUS}6.0 and {MINUS}2.0 percentage points" in made.sentence
    assert "mostly from the other councils" in told(beside(own_share=0.2))[0].sentence
    assert "about half" in told(beside(own_share=0.5))[0].sentence
    assert "2 more councils have too few families to be shown." in told(beside(sizes=(90, 80, 70, 9, 8)))[0].sentence


def test_a_council_too_small_to_show_is_not_told_and_is_no_mark(told):
    made, ledger = told(beside(), code="E4")
    assert not any(point.is_own for point in made.points) and made.sentence.startswith("This council's own effect is not shown.")
    assert all(entry.what != "shrunken effect, estimate" for entry in ledger.entries if entry.who.where == (("council", frozenset({"E4"})),))


def test_a_council_that_the_audit_withholds_is_hidden_in_every_report(told):
    _, ledger = told(beside())
    key = next(entry.key for entry in ledger.entries if entry.what == "shrunken effect, estimate")
    for code in ("E0", "E1"):
        made, second = told(beside(), code=code, repairs={key: Repair(hidden=True)})
        assert len(made.points) == 3 and made.n_hidden == 2 and all(entry.key != key for entry in second.entries)


def test_few_occurrences_hide_a_council_and_fewer_than_three_councils_are_not_compared(told):
    found = beside()
    found.fewest[:2] = 9
    behind = [Population(name=code) for code in found.codes]
    assert may_show(found, behind, Ledger(profile=RULES["ten_five"])).tolist() == [False, False, True, True, False]
    assert told(found)[0] is None


@pytest.mark.parametrize("p_value, title", [
    (0.01, "Effects on out-of-work benefits differ between councils by more than chance"),
    (0.05, "No difference between councils in the effect on out-of-work benefits could be detected"),
])
def test_the_title_says_whether_a_difference_could_be_detected(told, p_value, title):
    assert told(beside(p_value=p_value))[0].title == title


def test_the_report_on_all_places_has_no_council_of_its_own(told):
    made, _ = told(beside(), code="all")
    assert not any(point.is_own for point in made.points) and made.sentence.startswith("The mean of the councils' effects is")
    assert made.spread is None                                                                      # not estimated here


def test_how_far_councils_differ_is_told_in_the_report_on_all_places_alone_and_stands_in_the_ledger(told):
    found = replace(beside(), tau=1.26, tau_lower=0.0, tau_upper=3.14, i2=0.375)
    assert told(found)[0].spread is None
    made, ledger = told(found, code="all")
    assert (made.spread.tau.text, made.spread.tau_lower.text, made.spread.tau_upper.text, made.spread.share.text) == ("1.3", "0.0", "3.1", "38")
    assert sum(entry.what.startswith("spread of councils") for entry in ledger.entries) == 3


def test_areas_are_told_as_areas(told):
    found = replace(beside(), place="area")
    found.shrunk[3] = np.nan
    made, _ = told(found, code="all")
    assert made.title == "No difference between areas in the effect on out-of-work benefits could be detected"
    assert made.sentence.startswith("The mean of the areas' effects is") and "true effect in another area of this kind" in made.sentence
    assert made.sentence.endswith("2 more areas have no figures to compare.")
