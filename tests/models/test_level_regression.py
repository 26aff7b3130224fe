import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, overall
from evaluation.models.level_regression import level_regression
from tests.matching.panels import panel_of

ENTRY, PERIODS = 12, 21


def families(n=4000, seed=3):
    """Families with a permanent level (variance 1) that raises joining, and passing trouble (variance 1, autocorrelation 0.5); no effect at all."""
    rng = np.random.default_rng(seed)
    level, noise = rng.normal(size=n), np.empty((n, PERIODS))
    noise[:, 0] = rng.normal(size=n)
    for t in range(1, PERIODS):
        noise[:, t] = 0.5 * noise[:, t - 1] + rng.normal(size=n) * np.sqrt(0.75)
    joins = rng.random(n) < 1 / (1 + np.exp(1.5 - level))
    return panel_of(np.where(joins, ENTRY, -1), {"y": level[:, None] + noise}, unit="family", councils=["E1"] * n, areas=["E1"] * n)


@pytest.fixture(scope="module")
def matched_on_history():
    return NearestNeighbour(history=("y",), history_window=(-8, -3), ratio=1).fit(families())


def test_the_reliability_is_that_of_the_process(matched_on_history):
    # the mean of six periods has variance 1 + 0.39 (autocorrelated noise), of which 1 is permanent: 0.72
    found = level_regression(matched_on_history, "y", (-8, -3))
    assert found.reliability == pytest.approx(0.72, abs=0.06)
    assert found.expected == pytest.approx((1 - found.reliability) * found.gap)


def test_the_expected_drift_is_the_false_effect_that_a_base_inside_the_history_gives(matched_on_history):
    found = level_regression(matched_on_history, "y", (-8, -3))
    effect = overall(MatchedDiD(base=-4, window=(-8, 8)).fit(matched_on_history, "y"), quarters=(0, 8))
    assert effect.estimate > 3 * effect.std_error                    # an effect where there is none
    assert found.expected == pytest.approx(effect.estimate, abs=2.5 * effect.std_error)


def test_one_period_of_history_has_no_reliability(matched_on_history):
    found = level_regression(matched_on_history, "y", (-3, -3))
    assert np.isfinite(found.gap) and np.isnan(found.reliability) and np.isnan(found.expected)
