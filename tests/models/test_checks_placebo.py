"""Effects where there can be none: nothing from after the true start is read, and real differences are found."""
import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, MatchedLevels, TwoWay, UnmatchedDiD, overall
from evaluation.models.checks.placebo import holm, placebo_date
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_checks_sets import by_hand

ESTIMATORS = [MatchedDiD(), MatchedDiD(base="pre_mean"), MatchedLevels(), UnmatchedDiD(), GroupTimeATT(control="notyet", window=(-8, 8)),
              TwoWay(quarters=(0, 1))]


def given(sample, estimator=None, outcome="y", **changes):
    estimator = estimator or MatchedDiD()
    return CheckInput(sample=sample, estimator=estimator, effects=estimator.fit(sample, outcome), **{"quarters": (0, 1)} | changes)


@pytest.fixture(scope="module")
def sample():
    panel = simulated_panel(500, effect=-0.3, entries=(9, 14))
    noise = np.random.default_rng(5).normal(size=panel.outcomes["y"].shape)
    joined = (panel.entry >= 0)[:, None] & (np.arange(16) >= panel.entry[:, None])
    outcomes = {"y": panel.outcomes["y"], "still": noise, "moved": noise + 1.0 * joined, "unseen": np.full(noise.shape, np.nan)}
    return NearestNeighbour(covariates=("x", "b")).fit(dataclasses.replace(panel, outcomes=outcomes))


def with_y(sample, y):
    return dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes={**sample.panel.outcomes, "y": y}))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_value_from_the_start_on_enters_the_placebo(estimator, sample):
    """What treated units had from their start (less the anticipation) on is made absurd: nothing changes, though the effects themselves do."""
    panel = sample.panel
    after = (panel.entry >= 0)[:, None] & (np.arange(16) >= panel.entry[:, None] - estimator.anticipation)
    check = given(sample, estimator)
    poisoned = dataclasses.replace(check, sample=with_y(sample, np.where(after, 1e9, panel.outcomes["y"])))
    found, again = placebo_date(check), placebo_date(poisoned)
    assert found.verdict in ("passed", "failed") and found.numbers == again.numbers


def test_comparison_units_are_not_read_after_their_sets_start_either():
    """One pair, entry in column 8: every value of both units from column 7 on is absurd."""
    y = np.random.default_rng(1).normal(size=(40, 12))
    panel = panel_of([8] * 20 + [-1] * 20, {"y": y})
    sample = by_hand(panel, [(i, 20 + i) for i in range(20)])
    spec = MatchedDiD(base=-2, window=(-4, 2), anticipation=0)
    found = placebo_date(given(sample, spec))
    absurd = y.copy()
    absurd[:, 8:] = np.inf
    assert placebo_date(given(with_y(sample, absurd), spec, quarters=(0, 1))).numbers == found.numbers
    gap = y[:20] - y[20:]
    assert found.numbers["shift"] == 2
    assert found.numbers["estimate"] == pytest.approx((gap[:, [6, 7]].mean(axis=1) - gap[:, 4]).mean())


def test_the_placebo_equals_the_estimate_of_a_sample_that_started_earlier(sample):
    check = given(sample)
    found = placebo_date(check).numbers
    assert (found["shift"], found["first"], found["last"]) == (3, -3, -2)
    earlier = dataclasses.replace(sample, set_entry=sample.set_entry - 3, match=None)
    again = overall(MatchedDiD().fit(earlier, "y"), quarters=(0, 1))
    assert (found["estimate"], found["std_error"]) == (pytest.approx(again.estimate), pytest.approx(again.std_error))


def test_a_drift_before_the_start_fails_and_none_passes(sample):
    panel = sample.panel
    e = np.arange(16) - panel.entry[:, None]
    drift = np.where((panel.entry >= 0)[:, None], 0.4 * e, 0.0)
    assert placebo_date(given(sample)).verdict == "passed"
    found = placebo_date(given(with_y(sample, panel.outcomes["y"] + drift)))
    assert found.verdict == "failed" and found.numbers["lower"] < 0.4 * 3.5 < found.numbers["upper"]


def test_periods_set_aside_near_the_start_are_avoided_where_the_data_reach_back(sample):
    """With base -2 and the quarter before left to the dip, the placebo ends before it; without room it falls back to the shorter shift."""
    spec = MatchedDiD(base=-2, window=(-8, 8), anticipation=0)
    found = placebo_date(given(sample, spec, set_aside=(-1,))).numbers
    assert (found["shift"], found["last"]) == (3, -2)
    short = placebo_date(given(sample, spec, set_aside=tuple(range(-11, 0))))
    assert (short.numbers["shift"], short.numbers["last"]) == (2, -1)


def test_periods_that_entered_the_score_make_it_not_testable(sample):
    assert placebo_date(given(sample, matched_history=(-8, -7, -6))).verdict == "not testable"      # the base of the placebo is -7
    assert "entered the score" in placebo_date(given(sample, matched_history=(-2,))).reason
    assert placebo_date(given(sample, matched_history=(-6,))).verdict == "passed"
    mean = MatchedDiD(base="pre_mean")
    assert placebo_date(given(sample, mean, matched_history=(-6,))).verdict == "not testable"


def test_a_shift_that_reaches_past_the_true_start_or_beyond_the_data_is_not_testable(sample):
    assert "after the true start" in placebo_date(given(sample), shift=2).reason
    assert "enough earlier periods" in placebo_date(given(sample), shift=14).reason


def test_an_outcome_that_cannot_move_passes_and_one_that_moved_fails(sample):
    still = CHECKS["placebo_outcome"](given(sample, placebo_outcomes={"still": ()}))
    assert still.verdict == "passed" and still.numbers["n"] == 1 and still.numbers["detectable"] > 0
    both = CHECKS["placebo_outcome"](given(sample, placebo_outcomes={"still": (), "moved": ()}))
    alone = overall(MatchedDiD().fit(sample, "moved"), quarters=(0, 1))
    assert both.verdict == "failed" and both.numbers["place"] == 1
    assert both.numbers["estimate"] == alone.estimate and both.numbers["smallest_p"] == pytest.approx(2 * alone.p_value)


def test_without_an_outcome_or_with_one_unobserved_it_is_not_testable(sample):
    assert "names no outcome" in CHECKS["placebo_outcome"](given(sample)).reason
    assert CHECKS["placebo_outcome"](given(sample, placebo_outcomes={"unseen": ()})).verdict == "not testable"
    some = CHECKS["placebo_outcome"](given(sample, placebo_outcomes={"still": (), "unseen": ()}))
    assert some.verdict == "not testable" and "some of the outcomes" in some.reason


def test_holm_equals_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.04, 0.001, 0.2, 0.013])
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    assert np.isnan(holm(np.array([np.nan, 0.5]))[0]) and holm(np.array([np.nan, 0.5]))[1] == 0.5
