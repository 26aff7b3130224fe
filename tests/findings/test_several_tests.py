"""The table of tests: how many there were, what is left of each, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.several_tests import OutcomeTest, caveats, others, table, title
from evaluation.findings.study import OutcomeStudy
from evaluation.models.effects import Estimate


def one(name, p, q, family="primary", method="holm"):
    return OutcomeTest(outcome=name, family=family, method=method, p_value=p, adjusted=q)


def shown(*names):
    bases = (SimpleNamespace(is_plans=True), SimpleNamespace(is_plans=False))
    study = SimpleNamespace(bases=bases, others=(1,), windows=(1, 2), checks=(1, 2, 3))
    return [(study, SimpleNamespace(outcome=name, label=name.capitalize())) for name in names]


@pytest.fixture
def ledger():
    return Ledger(profile=RULES["ten_five"])


@pytest.mark.parametrize(
    "adjusted, words",
    [
        ([0.2], "The one effect tested does not differ from zero by more than chance"),
        ([0.01], "The one effect tested differs from zero by more than chance"),
        ([0.2, 0.3], "With all tests counted, none of the two effects differs from zero by more than chance"),
        ([0.01, 0.3], "With all tests counted, one of the two effects differs from zero by more than chance"),
        ([0.01, 0.02, 0.3], "With all tests counted, two of the three effects differ from zero by more than chance"),
    ],
)
def test_the_title_counts_what_is_left(adjusted, words):
    assert title([one(f"o{i}", q, q) for i, q in enumerate(adjusted)]) == words


def test_each_row_shows_both_p_values_and_the_ledger_holds_them(ledger):
    tests = [one("a", 0.0004, 0.0008), one("b", 0.026, 0.088, "secondary", "none")]
    (made,) = table(tests, shown("a", "b"), 2, ledger, charted=(), one_of_many=False)
    assert made.rows == (("A", "main", "under 0.001", "under 0.001"), ("B", "secondary", "0.026", "0.088"))
    assert [entry.shown.text for entry in ledger.entries if entry.statistic != "text"] == ["under 0.001", "under 0.001", "0.026", "0.088"]


def test_the_notes_count_tests_ways_and_checks_and_name_what_is_lost(ledger):
    (made,) = table([one("a", 0.03, 0.06), one("b", 0.5, 0.5)], shown("a", "b"), 4, ledger, charted=shown("a", "b"), one_of_many=True)
    assert made.notes[0] == (
        "Two effects were tested in this report (two main). Two more planned outcomes could not be tested or shown."
        " Reports of other councils make tests of their own, which are not counted here."
    )
    assert made.notes[1].startswith("Main outcomes: Holm")
    (edge,) = table([one("a", 0.0498, 0.15)], shown("a"), 1, ledger, charted=(), one_of_many=False)
    assert not any("Looked at alone" in note for note in edge.notes), "0.050 as printed; page one says that no effect could be detected"
    assert made.notes[3] == "Looked at alone, a would differ from zero by more than chance; with all tests of the family counted, not."


def test_the_other_estimates_are_counted_as_the_tables_print_them():
    both = shown("a", "b")
    told = "Besides, this report gives 12 more estimates of the same effects with other bases, comparisons, windows and estimators ("
    assert others(both, both).startswith(told), "of each outcome: 1 matched and 2 unmatched, 2 windows, 1 estimator"
    assert "(a row of the table of bases holds two" in others(both, both) and "and 6 checks; none" in others(both, both)
    assert "gives 7 more estimates" in others(both, both[:1]), "by base and window only where the tables may show them"
    assert "gives 2 more estimates of the same effects with other estimators, and" in others(both, ())
    assert others([(SimpleNamespace(bases=(), others=(), windows=(), checks=(1,)), None)], ()).startswith("Besides, this report gives 1 check; none")


def test_an_outcome_that_may_not_be_shown_is_in_no_row(ledger):
    (made,) = table([one("a", 0.2, 0.4), one("b", 0.3, 0.4)], shown("a"), 2, ledger, charted=shown("a"), one_of_many=False)
    assert [row[0] for row in made.rows] == ["A"]
    assert table([one("b", 0.3, 0.3)], shown("a"), 2, ledger, charted=(), one_of_many=False) == ()


def test_a_run_adjusts_its_main_outcomes_by_holm_and_the_others_by_benjamini_and_hochberg(analysed):
    import numpy as np

    from evaluation.models.multiplicity import benjamini_hochberg, holm
    from evaluation.pipeline.several_tests import tests_of

    analysis, sets, studies = analysed
    found = tests_of(analysis, sets, studies)
    for family, method in (("primary", holm), ("secondary", benjamini_hochberg)):
        members = [test for test in found if test.family == family]
        assert len(members) > 1
        np.testing.assert_allclose([test.adjusted for test in members], method(np.array([test.p_value for test in members])), rtol=1e-12)


def test_romano_and_wolf_lie_between_the_p_value_alone_and_bonferronis(analysed):
    from evaluation.pipeline.several_tests import tests_of

    analysis, sets, studies = analysed
    plan = analysis.plan.model_copy(update={"multiplicity": analysis.plan.multiplicity.model_copy(update={"primary": "romano_wolf"})})
    found = [test for test in tests_of(replace(analysis, plan=plan), sets, studies) if test.family == "primary"]
    assert {test.method for test in found} == {"romano_wolf"}
    assert sets.own["unauthorised_absence_rate"] is not sets.own["asb_incidents"]          # of other families, and still drawn together
    slack = 0.02  # 9,999 draws
    assert all(test.p_value <= test.adjusted <= min(1.0, len(found) * test.p_value + slack) for test in found)


def test_an_outcome_without_an_estimate_is_no_test(analysed):
    from evaluation.pipeline.several_tests import tests_of

    analysis, sets, studies = analysed
    first = studies[0]
    fewer = (OutcomeStudy(numbers=replace(first.numbers, status="not_estimable", effect=None)), *studies[1:])
    assert first.numbers.outcome.name not in {test.outcome for test in tests_of(analysis, sets, fewer)}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """A small study, estimated, with the sets behind its outcomes, and these."""
    from evaluation.pipeline.recipe import evaluate
    from evaluation.pipeline.run import checked_plan
    from tests.pipeline.conftest import small_plan

    folder = tmp_path_factory.mktemp("tests")
    path = small_plan(folder, lambda plan: plan["data"].update(families={"E06000022": 300}) or plan.update(checks=[]))
    plan, dictionary = checked_plan(path, ())
    analysis = evaluate(plan, folder, dictionary, folder, lambda text: None)
    return analysis, analysis.sets, tuple(analysis.studies.values())


@pytest.fixture
def studied(dictionary):
    """A study of one outcome whose effect has an interval without zero, or with it."""

    def made(name: str, value: float = -8.0, primary: bool = True, n: int = 60) -> OutcomeStudy:
        effect = Estimate(estimate=value, std_error=2.0, lower=value - 4, upper=value + 4, df=50, p_value=0.1, n_treated=n, n_comparison=3 * n,
                          clusters="matched sets", n_clusters=n, method="CR1 cluster-robust")  # fmt: skip
        return OutcomeStudy(numbers=OutcomeNumbers(outcome=dictionary.outcomes[name], primary=primary, status="estimated", effect=effect, fewest=n))

    return made


def test_page_one_says_when_a_finding_could_be_chance_once_all_main_outcomes_are_counted(studied):
    absence, work = "unauthorised_absence_rate", "out_of_work_benefit"
    tests = (one(absence, 0.03, 0.09), one(work, 0.02, 0.09), one("asb_incidents", 0.5, 0.6))
    both = caveats(tests, (studied(absence), studied(work)), 10, "families")
    assert both == ("With all three main outcomes counted, the findings on unauthorised absence and out-of-work benefits could be chance.",)
    assert caveats(tests, (studied(absence), studied(work, 1.0)), 10, "families")[0].endswith("the finding on unauthorised absence could be chance.")
    assert caveats((one(absence, 0.001, 0.004),), (studied(absence),), 10, "families") == (), "still there with all counted"
    assert caveats(tests, (studied(absence, n=9),), 10, "families") == (), "not shown, so not told"
    assert caveats((one(absence, 0.03, 0.09, "secondary"),), (studied(absence, primary=False),), 10, "families") == ()
