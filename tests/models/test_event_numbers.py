"""An event study as numbers and covariance gives what its rows give; rounded correlations stay a covariance."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, overall
from evaluation.models.event_numbers import EventNumbers, event_numbers, from_correlations
from evaluation.models.inference import event_study
from evaluation.models.trend import less_continued_trend
from tests.matching.panels import simulated_panel

CLUSTERS = 1e-3  # G / (G - 1) counts the clusters of all numbers together: a part of them in the standard error of one


@pytest.fixture(scope="module")
def effects():
    sample = NearestNeighbour(covariates=("x",), ratio=2).fit(simulated_panel(300, effect=0.4))
    return MatchedDiD(base=-2, window=(-4, 4), anticipation=1).fit(sample, "y")


@pytest.fixture(scope="module")
def numbers(effects) -> EventNumbers:
    return event_numbers(effects, quarters=(1, 3))


def test_the_headline_is_that_of_the_rows(effects, numbers):
    wanted, found = overall(effects, quarters=(1, 3)), numbers.planned()
    assert found.estimate == pytest.approx(wanted.estimate) and found.std_error == pytest.approx(wanted.std_error, rel=CLUSTERS)


def test_effects_by_event_time_are_those_of_the_rows(effects, numbers):
    table = event_study(effects).set_index("event_time")
    there = table.loc[numbers.event_times]
    assert numbers.values[:-1] == pytest.approx(there["estimate"].to_numpy())
    assert numbers.std_errors()[:-1] == pytest.approx(there["std_error"].to_numpy(), rel=CLUSTERS)
    assert numbers.base == -2 and -2 not in numbers.event_times


def test_the_headline_less_the_drift_is_that_of_the_rows(effects, numbers):
    before = tuple(int(time) for time in numbers.event_times if time < -2)
    wanted = less_continued_trend(effects, before=before, quarters=(1, 3))
    assert numbers.less_trend().estimate == pytest.approx(wanted.estimate, rel=CLUSTERS)
    assert numbers.less_trend().std_error == pytest.approx(wanted.std_error, rel=CLUSTERS)


def by_hand(**changes) -> EventNumbers:
    """Two periods before, two after; independent errors of 1 and 2; headline the mean of both after."""
    given = {
        "event_times": np.array([-3, -2, 0, 1]),
        "values": np.array([0.0, 0.0, 2.0, 4.0, 3.0]),
        "covariance": np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 4, 0, 2], [0, 0, 0, 4, 2], [0, 0, 2, 2, 2]], dtype=float),
        "base": -1,
        "anticipation": 0,
        "headline": (0, 1),
        "df": float("inf"),
    }
    return EventNumbers(**(given | changes))


def test_averages_by_hand():
    found = by_hand().mean_over(0, 1)
    assert (found.estimate, found.std_error) == (3.0, pytest.approx(np.sqrt(2))) and found.lower == pytest.approx(3 - 1.959964 * np.sqrt(2))
    assert by_hand().mean_over(1, 9).estimate == 4.0


def test_the_joint_test_by_hand():
    f, k, p = by_hand(values=np.array([1.0, 2.0, 0, 0, 0])).test_before()
    assert (f, k) == (2.5, 2) and p == pytest.approx(np.exp(-2.5), rel=1e-6)  # chi-squared of two degrees: exp(-x / 2) at 5
    f, k, _ = by_hand(values=np.array([1.0, 2.0, 0, 0, 0]), df=10.0).test_before()
    assert f == pytest.approx(2.5 * 9 / 10)  # Hotelling


def test_a_band_is_wider_than_one_interval_and_narrower_than_bonferroni():
    band = by_hand().band(rng=np.random.default_rng(1))
    assert 1.96 < band.critical < 2.5 and (band.upper - band.lower)[2] == pytest.approx(2 * band.critical * 2)


def test_what_is_not_there_is_refused():
    with pytest.raises(EstimationError, match="5 to 6"):
        by_hand().mean_over(5, 6)
    with pytest.raises(EstimationError, match="base period"):
        by_hand(base=None).less_trend()
    with pytest.raises(PlanError, match="needs 5 values"):
        by_hand(values=np.zeros(4))


def test_rounded_correlations_give_a_covariance_with_the_errors_that_were_told():
    errors, wild = np.array([1.0, 2.0, 3.0]), np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])  # no correlation matrix
    found = from_correlations(errors, wild)
    assert np.sqrt(np.diag(found)) == pytest.approx(errors) and np.linalg.eigvalsh(found).min() > 0
    good = np.array([[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]])
    assert from_correlations(errors, good) == pytest.approx(good * np.outer(errors, errors))
