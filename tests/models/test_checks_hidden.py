"""Rosenbaum bounds and E-values: what the checks hand to the functions of arrays."""
import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, overall
from evaluation.models.relative import relative_effect
from evaluation.models.rosenbaum import matched_set_bounds
from evaluation.models.unmeasured import e_value, e_value_of_difference
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_checks_sets import by_hand

QUARTERS = (0, 1)


def given(sample, estimator=None, **changes):
    estimator = estimator or MatchedDiD(base=-2, window=(-4, 2))
    return CheckInput(sample=sample, estimator=estimator, effects=estimator.fit(sample, "y"), quarters=QUARTERS, **changes)


@pytest.fixture(scope="module")
def sample():
    return NearestNeighbour(covariates=("x", "b"), ratio=2).fit(simulated_panel(500, effect=-0.8))


def with_y(sample, y):
    return dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes={"y": y}))


def test_bounds_are_those_of_the_sets_mean_changes():
    """Sets of one entry period, all observed: changes by hand."""
    sample = NearestNeighbour(covariates=("x",), ratio=2).fit(simulated_panel(300, effect=-0.8, entries=(9, 10)))
    found = CHECKS["rosenbaum"](given(sample))
    y = sample.panel.outcomes["y"]
    unit = np.concatenate([sample.treated_unit, sample.comparison_unit])
    sets = np.concatenate([sample.treated_set, sample.comparison_set])
    change = y[unit][:, [9, 10]].mean(axis=1) - y[unit, 7]
    wanted = matched_set_bounds(change, np.arange(len(unit)) < sample.n_treated, sets)
    assert found.numbers["gamma"] == pytest.approx(wanted.gamma) and found.numbers["n_sets"] == sample.n_sets
    np.testing.assert_allclose(found.table["p_upper"], wanted.p_upper)


def test_a_stronger_effect_needs_stronger_hidden_differences(sample):
    panel = sample.panel
    after = (panel.entry >= 0)[:, None] & (np.arange(16) >= panel.entry[:, None])
    weak, strong = CHECKS["rosenbaum"](given(sample)), CHECKS["rosenbaum"](given(with_y(sample, panel.outcomes["y"] - 1.0 * after)))
    assert 1 < weak.numbers["gamma"] < strong.numbers["gamma"] and weak.verdict == "information"
    none = CHECKS["rosenbaum"](given(with_y(sample, panel.outcomes["y"] + 0.8 * after)))
    assert np.isnan(none.numbers["gamma"]) and none.numbers["p_value"] > 0.05


def test_sets_of_several_treated_units_or_whole_areas_are_not_testable(sample):
    y = np.random.default_rng(0).normal(size=(6, 8))
    crowd = by_hand(panel_of([4, 4, 4, -1, -1, -1], {"y": y}), [(0, 3), (1, 4), (2, 5)])
    crowd = dataclasses.replace(crowd, treated_set=np.array([0, 0, 1]), comparison_set=np.array([0, 0, 1]), set_entry=np.array([4, 4]))
    assert "exactly one treated" in CHECKS["rosenbaum"](given(crowd)).reason
    assert "whole areas" in CHECKS["rosenbaum"](given(sample, assignment="area")).reason
    assert "no matched sets" in CHECKS["rosenbaum"](given(sample, GroupTimeATT(control="notyet"))).reason


def test_an_outcome_that_is_never_negative_gets_the_e_value_of_its_ratio(sample):
    positive = with_y(sample, np.exp(0.3 * sample.panel.outcomes["y"]))
    check = given(positive)
    ratio = relative_effect(check.effects, positive.panel, quarters=QUARTERS).ratio
    wanted = e_value(ratio.estimate, ratio.lower, ratio.upper)
    numbers = CHECKS["e_value"](check).numbers
    assert (numbers["e_value"], numbers["e_value_limit"], numbers["from_difference"]) == (wanted.estimate, wanted.limit, 0)
    assert numbers["e_value"] > numbers["e_value_limit"] > 1


def test_other_outcomes_get_it_from_the_standardised_difference():
    """One entry period, all observed: the spread of the comparison units' levels by hand."""
    sample = NearestNeighbour(covariates=("x",), ratio=1, replacement=False, caliper=None).fit(simulated_panel(300, effect=-0.8, entries=(9, 10)))
    check = given(sample)
    level = sample.panel.outcomes["y"][sample.comparison_unit][:, [9, 10]]
    whole = overall(check.effects, quarters=QUARTERS)
    wanted = e_value_of_difference(whole.estimate, whole.std_error, float(level.std()))
    numbers = CHECKS["e_value"](check).numbers
    assert (numbers["e_value"], numbers["from_difference"]) == (pytest.approx(wanted.estimate), 1)


def test_where_the_interval_holds_zero_nothing_is_needed(sample):
    panel = sample.panel
    after = (panel.entry >= 0)[:, None] & (np.arange(16) >= panel.entry[:, None])
    numbers = CHECKS["e_value"](given(with_y(sample, panel.outcomes["y"] + 0.8 * after))).numbers
    assert (numbers["e_value_limit"], numbers["excludes_zero"]) == (1.0, 0)
