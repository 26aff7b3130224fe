"""E-values, against R EValue and by hand."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import PlanError
from evaluation.models.unmeasured import e_value, e_value_of_difference

R = json.loads((Path(__file__).parents[1] / "reference" / "rbounds" / "results.json").read_text())["evalue"]
CALLS = {
    "RR": lambda: e_value(10.73, 8.02, 14.36), "RR_below": lambda: e_value(0.8, 0.71, 0.91), "RR_holds": lambda: e_value(1.2, 0.9, 1.6),
    "RR_true": lambda: e_value(2.5, 2, 3.1, null=1.4), "OR_common": lambda: e_value(0.86, 0.75, 0.99, scale="odds_ratio_common"),
    "OR_rare": lambda: e_value(1.7, 1.2, 2.4, scale="odds_ratio_rare"), "MD": lambda: e_value_of_difference(0.5, 0.25, 1.0),
    "MD_clear": lambda: e_value_of_difference(-0.42, 0.14, 1.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_e_values_equal_r_evalue(name):
    found, expected = CALLS[name](), R[name]
    assert [found.ratio, found.lower, found.upper] == pytest.approx(expected["ratio"])
    assert found.estimate == pytest.approx(expected["evalue"][0])
    assert found.limit == pytest.approx(next(one for one in expected["evalue"][1:] if one != "NA"))


def test_a_ratio_of_two_needs_two_and_the_root_of_two():
    assert e_value(2, 2, 2).estimate == pytest.approx(2 + 2 ** 0.5)


@given(st.floats(1.01, 20), st.floats(1.01, 3))
def test_a_ratio_and_its_inverse_have_one_e_value(ratio, width):
    up, down = e_value(ratio, ratio / width, ratio * width), e_value(1 / ratio, 1 / ratio / width, width / ratio)
    assert up.estimate == pytest.approx(down.estimate)
    assert up.limit == pytest.approx(down.limit, abs=1e-7)
    assert up.limit <= up.estimate


def test_the_unit_of_a_difference_does_not_matter():
    assert e_value_of_difference(5, 2, 10) == e_value_of_difference(0.5, 0.2, 1)


def test_approximations_are_named_and_exact_ratios_are_not():
    assert e_value(2, 1, 3, scale="rate_ratio").approximation == ""
    assert "odds ratio" in e_value(2, 1, 3, scale="odds_ratio_common").approximation
    assert "standard deviations" in e_value_of_difference(1, 1, 1).approximation


@pytest.mark.parametrize("call", [
    lambda: e_value(-0.2, -0.4, 0.1), lambda: e_value(2, 2.5, 3), lambda: e_value(2, 1, 3, scale="hazard"), lambda: e_value(2, 1, 3, null=0),
    lambda: e_value_of_difference(1, 1, 0)])
def test_what_is_no_ratio_is_refused(call):
    with pytest.raises(PlanError, match="E-value|standardised"):
        call()
