"""When effects and costs fall."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import PlanError
from evaluation.periods import Periods
from evaluation.value import calculate
from evaluation.value.timeline import timeline, years_of_effect
from tests.value.cases import BOOK, OUTCOMES, QUARTERS, case


def test_every_quarter_of_every_family_is_in_one_year_and_none_is_lost():
    entries, weights = np.array([3, 8, 17]), np.array([10.0, 4.0, 1.0])
    found = years_of_effect(QUARTERS, entries, weights, (1, 4))
    assert sum(found.values()) == pytest.approx(15.0) and min(found.values()) > 0
    longer = years_of_effect(QUARTERS, entries, weights, (0, 7))
    assert sum(longer.values()) == pytest.approx(30.0)


def test_school_years_begin_in_the_financial_year_of_their_september():
    years = Periods.between("2010/11", "2012/13", kind="school_year")
    assert years_of_effect(years, np.array([1]), np.array([3.0]), (0, 0)) == {2011: 3.0}


def test_years_without_effect_or_cost_stand_between_those_that_have_one():
    made = timeline({2014: 1.0}, {2011: 5.0, 2010: 0.0})
    assert made.labels() == ["2011/12", "2012/13", "2013/14", "2014/15"]
    assert made.costs.tolist() == [5.0, 0, 0, 0] and made.unit_years.tolist() == [0, 0, 0, 1.0]


def test_a_negative_cost_is_refused():
    with pytest.raises(PlanError, match="cost of a programme is 0 or more pounds in every year.*value.fees"):
        timeline({2012: 1.0}, {2012: -5.0})


def test_an_appraisal_without_matched_families_is_refused():
    with pytest.raises(PlanError, match="needs matched programme units: there are none"):
        case(weights=np.array([0.0]))


def test_the_calculators_saving_is_what_others_had_too_what_goes_with_the_base_and_the_effect():
    # offences fell by 0.10 in programme families and by 0.06 in the others over the same periods; against an earlier base the effect is 0.03
    price = 4 * 609 * 100 / 93.3782 * (75 + 25 / 1.035)
    found = calculate(case(), np.array([-0.10, 0.0]), np.array([-0.06, 0.0]), np.array([-0.03, 0.0]), OUTCOMES)
    assert found.gross == pytest.approx(0.10 * price) and found.comparison == pytest.approx(0.06 * price)
    assert found.net == pytest.approx(0.03 * price) and found.crisis == pytest.approx(0.01 * price)
    assert found.gross == pytest.approx(found.comparison + found.crisis + found.net)
    assert BOOK.valuation("offences").grade == 3  # and yet nothing is scaled down here
