"""Result rules on families that can be checked by hand: entry in column 4 of ten quarters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import DictionaryError
from evaluation.locations import project_file
from evaluation.panel.types import Panel
from evaluation.payment_by_results import read_framework, results_claimed
from evaluation.periods import Periods

NAN = np.nan


@pytest.fixture
def framework():
    return read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml")


def panel(**outcomes: list) -> Panel:
    arrays = {name: np.array(rows, dtype=float) for name, rows in outcomes.items()}
    n = len(next(iter(arrays.values())))
    units = pd.DataFrame(
        {"unit_id": [f"f{i}" for i in range(n)], "council_code": "E1", "area": "E1", "pool": "", "entry": 4, "eligible_from": 0, "eligible_to": 9}
    )
    return Panel(unit="family", periods=Periods.between("2011-Q1", "2013-Q2", kind="quarter"), units=units, outcomes=arrays)


def test_anti_social_behaviour_must_fall_by_sixty_per_cent(framework):
    families = panel(
        asb_incidents=[
            [0, 0, 3, 2, 9, 1, 1, 5, 5, 0],  # 5 before; 2 in quarters 1 and 2: a fall of 60%: result
            [0, 0, 3, 2, 9, 2, 1, 2, 2, 0],  # 5 before; never under 3: no result
            [0, 0, 0, 0, 9, 0, 0, 0, 0, 0],  # nothing before: no problem to solve
            [0, 0, NAN, 2, 0, 0, 0, 0, 0, 0],  # not known whether there was a problem
        ]
    )
    found = results_claimed(families, framework, "asb_incidents", np.arange(4))
    assert (found.n_problem, found.n_result, found.n_undetermined) == (2, 1, 1)


def test_a_result_after_the_time_for_claims_does_not_count(framework):
    late = panel(asb_incidents=[[0, 0, 3, 2, 9, 5, 5, 5, 5, 0]])  # zero only in quarter 5
    assert results_claimed(late, framework, "asb_incidents", np.arange(1)).n_result == 0


def test_offending_uses_the_number_of_offences(framework):
    families = panel(any_offence=[[0, 0, 100, 100, 0, 100, 0, 0, 0, 0]], offences=[[0, 0, 2, 1, 0, 2, 0, 0, 0, 0]])
    assert results_claimed(families, framework, "any_offence", np.arange(1)).n_result == 1


def test_absence_must_stay_below_fifteen_per_cent_for_three_collected_terms(framework):
    families = panel(
        unauthorised_absence_rate=[
            [20, 20, NAN, 20, 20, 14, 10, NAN, 14, 30],  # three collected terms after entry, all under 15: result
            [20, 20, NAN, 20, 20, 14, 16, NAN, 14, 30],  # one of them over
            [10, 10, NAN, 10, 20, 14, 10, NAN, 14, 30],  # no problem before joining
        ]
    )
    found = results_claimed(families, framework, "unauthorised_absence_rate", np.arange(3))
    assert (found.n_problem, found.n_result, found.n_undetermined) == (2, 1, 0)


def test_no_adult_on_benefits_for_two_quarters_in_a_row(framework):
    families = panel(
        out_of_work_benefit=[
            [100, 100, 100, 100, 100, 100, 0, 0, 100, 100],
            [100, 100, 100, 100, 100, 0, 100, 0, 100, 0],
            [0, 0, 0, 0, 100, 0, 0, 0, 0, 0],
        ]
    )
    found = results_claimed(families, framework, "out_of_work_benefit", np.arange(3))
    assert (found.n_problem, found.n_result) == (2, 1)


def test_an_outcome_without_a_rule_has_no_rate(framework):
    assert results_claimed(panel(adult_in_work=[[0] * 10]), framework, "adult_in_work", np.arange(1)) is None


def test_an_unknown_framework_names_the_known_ones():
    with pytest.raises(DictionaryError, match="known: .*troubled_families_2012"):
        read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_1066.yml")
