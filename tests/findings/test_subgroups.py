"""Effects by group of families: one test of difference each, adjusted for their number; nothing of a group that is small or follows from others."""

from dataclasses import replace

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.present import Nouns, present
from evaluation.findings.study import OutcomeStudy, SubgroupStudy
from evaluation.findings.subgroups import tables
from evaluation.models.effects import Estimate

FAMILIES = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)


def estimate(value, n=60):
    return Estimate(estimate=value, std_error=2.04, lower=value - 4, upper=value + 4, df=50, p_value=0.1, n_treated=n, n_comparison=3 * n,
                    clusters="matched sets", n_clusters=n, method="CR1 cluster-robust")


def parts(label="Lone parent", sizes=(60, 40), fewest=(1_000, 1_000), p_value=0.4):
    values = (-4.0, -1.0, 0.0)[: len(sizes)]
    return SubgroupStudy(label=label, groups=("no", "yes", "not known")[: len(sizes)], p_value=p_value, fewest=fewest,
                         estimates=tuple(estimate(value, n) for value, n in zip(values, sizes, strict=True)))


@pytest.fixture
def made(dictionary):
    def table(*subgroups, primary=True):
        numbers = OutcomeNumbers(outcome=dictionary.outcomes["out_of_work_benefit"], primary=primary, status="estimated", effect=estimate(-3.0, 100),
                                 before=48.0, after=40.0, n_before_after=100, comparison_level=45.0, detectable=3.0, fewest=60)
        ledger = Ledger(profile=RULES["ten_five"])
        result = present(numbers, ledger, FAMILIES)
        return tables([(OutcomeStudy(numbers=numbers, subgroups=subgroups), result)], FAMILIES, ledger)
    return table


def test_every_group_has_a_row_and_one_test_tells_whether_they_differ(made):
    (table,) = made(parts())
    assert table.rows == (("Lone parent: no", "60", "\u22124.0 (\u22128.0 to 0.0)"), ("Lone parent: yes", "40", "\u22121.0 (\u22125.0 to +3.0)"))
    assert table.title == "Effects on out-of-work benefits: no difference between groups of families could be detected"
    assert "No difference could be detected by lone parent (p = 0.40), which does not show that there is none." in table.notes
    assert not any("Holm" in note for note in table.notes)


def test_p_values_are_adjusted_for_the_number_of_tests(made):
    (table,) = made(parts(p_value=0.02), parts("Ethnicity", p_value=0.04), parts("Age", p_value=0.5))
    assert table.title.endswith("no difference between groups of families could be detected")          # 0.02 x 3
    assert any("3 tests of difference" in note for note in table.notes)
    (alone,) = made(parts(p_value=0.02))
    assert alone.title == "Effects on out-of-work benefits differ by lone parent" and "lone parent (p = 0.020)" in alone.notes[1]


@pytest.mark.parametrize("small", [parts("Ethnicity", sizes=(60, 9)), parts("Ethnicity", fewest=(9, 1_000)), parts("Ethnicity", sizes=(60, 40, 2),
                                                                                                              fewest=(99, 99, 99))])
def test_a_characteristic_with_one_small_group_is_not_shown_at_all(made, small):
    """The hidden group's effect would follow from the others' and the whole."""
    (table,) = made(parts(), replace(small, fewest=small.fewest))
    assert not any(row[0].startswith("Ethnicity") for row in table.rows)
    assert "By ethnicity: not shown, because too few families stand behind one of the groups." in table.notes
    (hidden,) = made(small)
    assert hidden.rows == (("All groups", "[c]", "[c]"),) and hidden.title.endswith("are not shown")


def test_only_main_outcomes_have_groups(made):
    assert made(parts(), primary=False) == () and made() == ()
