"""Simulated null effects: intervals cover zero as often as they say, and regression to the mean is where the design says it is. Slow."""
import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, UnmatchedDiD, overall
from tests.matching.panels import panel_of, simulated_panel

RUNS = 200
COVERED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)      # three binomial standard deviations above 5%


@pytest.mark.slow
@pytest.mark.parametrize("replacement", [True, False])
def test_intervals_miss_a_null_effect_about_one_time_in_twenty(replacement):
    missed, errors, estimates = 0, [], []
    for seed in range(RUNS):
        sample = NearestNeighbour(covariates=("x",), ratio=2, replacement=replacement).fit(simulated_panel(250, seed=1000 + seed))
        found = overall(MatchedDiD().fit(sample, "y"), quarters=(1, 4))
        missed += not found.lower < 0 < found.upper
        errors.append(found.std_error)
        estimates.append(found.estimate)
    assert missed / RUNS <= COVERED
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.2)


# Bias of base -4, mean of nine quarters after, under no effect; rows of the design's table (sd of one run 0.05)
TABLE = {
    "level": {"history": 0.23, "slow and history": 0.25, "slow": 0.00, "none": 0.00},
    "dip": {"history": 0.03, "slow and history": 0.03, "slow": -0.02, "none": -0.01},
    "both": {"history": 0.19, "slow and history": 0.20, "slow": 0.00, "none": 0.00},
    "none": {"history": 0.00, "slow and history": 0.01, "slow": 0.00, "none": 0.00},
}
REPEATS, N = 6, 4000
TOLERANCE = 3 * 0.06 / np.sqrt(REPEATS)


def _families(selection, rng, periods=24, entry=12, rho=0.5):
    level, x, shocks = rng.normal(size=N), rng.normal(size=N), rng.normal(size=(N, periods))
    noise = np.empty((N, periods))
    noise[:, 0] = shocks[:, 0]
    for t in range(1, periods):
        noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho**2) * shocks[:, t]
    last = noise[:, entry - 1]
    pull = {"level": level, "dip": last, "both": 0.7 * level + 0.7 * last, "none": 0 * level}[selection]
    joins = rng.random(N) < 1 / (1 + np.exp(1.5 - pull - 0.3 * x))
    y = level[:, None] + noise
    past = {f"y{e}": y[:, entry + e] for e in range(-8, -2)}
    return panel_of(np.where(joins, entry, -1), {"y": y}, unit="family", x=x, **past)


@pytest.mark.slow
@pytest.mark.parametrize("selection", TABLE)
def test_regression_to_the_mean_is_as_the_design_says(selection):
    past = tuple(f"y{e}" for e in range(-8, -2))
    designs = {"history": past, "slow and history": ("x", *past), "slow": ("x",)}
    found = {name: [] for name in (*designs, "none")}
    rng = np.random.default_rng(20261124)
    for _ in range(REPEATS):
        panel = _families(selection, rng)
        for name, covariates in designs.items():
            sample = NearestNeighbour(covariates=covariates, ratio=1, caliper=None).fit(panel)
            found[name].append(overall(MatchedDiD().fit(sample, "y"), quarters=(0, 8)).estimate)
        found["none"].append(overall(UnmatchedDiD().fit(panel, "y"), quarters=(0, 8)).estimate)
    for name, values in found.items():
        assert np.mean(values) == pytest.approx(TABLE[selection][name], abs=TOLERANCE), (name, np.mean(values))


@pytest.mark.slow
def test_staggered_entry_with_censoring_is_unbiased_under_parallel_trends():
    errors = []
    for seed in range(40):
        sample = NearestNeighbour(covariates=("x",)).fit(simulated_panel(800, seed=seed, effect=-0.4, missing=0.1))
        found = overall(MatchedDiD().fit(sample, "y"), quarters=(1, 3))
        errors.append((found.estimate + 0.4) / found.std_error)
    assert abs(np.mean(errors)) < 3 / np.sqrt(40)
