"""Robust intervals for trends that parted: what the check hands to `models.honest`, and what it says."""
import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, MatchedDiD, MatchedLevels, overall
from evaluation.models.honest import EventPath, relative_magnitudes
from tests.matching.panels import simulated_panel

QUARTERS = (0, 2)
LOOSE = 1e-3                    # ends are found by narrowing a grid


def given(sample, estimator=None, **changes):
    estimator = estimator or MatchedDiD(base=-2, window=(-4, 2))
    return CheckInput(sample=sample, estimator=estimator, effects=estimator.fit(sample, "y"), quarters=QUARTERS, **changes)


def pairs(effect=-0.3, n=300):
    """One cohort in disjoint pairs."""
    panel = simulated_panel(n, effect=effect, entries=(9, 10))
    return NearestNeighbour(covariates=("x",), ratio=1, replacement=False, caliper=None).fit(panel)


def test_it_equals_the_intervals_of_the_set_means_worked_out_by_hand():
    sample = pairs()
    found = CHECKS["honest"](given(sample))
    y = sample.panel.outcomes["y"]
    gap = y[sample.treated_unit] - y[sample.comparison_unit]
    d = np.column_stack([gap[:, 9 + e] - gap[:, 7] for e in (-4, -3, 0, 1, 2)])
    n = len(d)
    path = EventPath(before=np.array([-4, -3]), after=np.array([0, 1, 2]), base=-2, estimates=d.mean(axis=0), covariance=np.cov(d.T) / n,
                     weights=np.full(3, 1 / 3))
    wanted = relative_magnitudes(path, (0.0, 1.0), df=n - 1)
    relative = found.table[found.table["restriction"] == "relative"].set_index("bound")
    for place, bound in enumerate((0.0, 1.0)):
        assert relative.loc[bound, ["lower", "upper"]].tolist() == pytest.approx([wanted.lower[place], wanted.upper[place]], abs=LOOSE)
    assert found.numbers["step_before"] == pytest.approx(np.abs(np.diff([*d.mean(axis=0)[:2], 0])).max())


def test_at_no_departure_it_is_the_headlines_interval():
    sample = NearestNeighbour(covariates=("x", "b")).fit(simulated_panel(500, effect=-0.3))
    check = given(sample)
    whole = overall(check.effects, quarters=QUARTERS)
    zero = CHECKS["honest"](check).table.query("restriction == 'relative' and bound == 0")
    assert zero[["lower", "upper"]].to_numpy()[0] == pytest.approx([whole.lower, whole.upper], abs=LOOSE)


def test_a_larger_effect_breaks_down_later():
    small, large = (CHECKS["honest"](given(pairs(effect=effect))).numbers for effect in (-1.0, -3.0))
    assert small["excludes_zero"] == large["excludes_zero"] == 1 and 0 < small["breakdown"] < large["breakdown"]
    none = CHECKS["honest"](given(pairs(effect=0.0))).numbers
    assert none["excludes_zero"] == 0 and np.isnan(none["breakdown"])


def test_one_period_before_gives_no_bends_but_an_answer():
    found = CHECKS["honest"](given(pairs(), MatchedDiD(base=-2, window=(-3, 2))))
    assert found.verdict == "information" and np.isnan(found.numbers["breakdown_smooth"])
    assert set(found.table["restriction"]) == {"relative"}


def test_without_held_out_periods_or_a_base_or_clusters_enough_it_is_not_testable():
    sample = pairs()
    assert "held-out" in CHECKS["honest"](given(sample, matched_history=(-4, -3))).reason
    assert "no single base" in CHECKS["honest"](given(sample, MatchedLevels(window=(-4, 2)))).reason
    few = sample.keep(np.arange(sample.n_treated) < 4)
    assert "too few clusters" in CHECKS["honest"](given(few)).reason


def test_missing_outcomes_do_not_stop_it():
    sample = pairs()
    y = sample.panel.outcomes["y"].copy()
    y[np.random.default_rng(0).random(y.shape) < 0.05] = np.nan
    holes = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes={"y": y}))
    assert CHECKS["honest"](given(holes)).verdict == "information"
