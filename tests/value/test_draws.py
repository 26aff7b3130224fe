"""Effects as draws: they have the estimates, errors and correlation that were reported, and the tails of t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import EstimationError
from evaluation.value import JointEffects, independent

N = 40_000


def two(rho: float, df: float) -> JointEffects:
    return JointEffects(
        outcomes=("a", "b"), estimates=np.array([1.0, -2.0]), std_errors=np.array([0.5, 3.0]), correlation=np.array([[1, rho], [rho, 1]]), df=df
    )


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.6, 1.0])
def test_draws_have_the_estimates_and_the_correlation(rho):
    draws = two(rho, np.inf).draws(N, np.random.default_rng(3))
    assert draws.shape == (N, 2) and draws.mean(axis=0) == pytest.approx([1.0, -2.0], abs=1e-12)  # mirrored pairs
    assert draws.std(axis=0) == pytest.approx([0.5, 3.0], rel=0.02)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(rho, abs=0.02)


@pytest.mark.parametrize("df", [5.0, 30.0])
def test_each_effect_alone_has_the_interval_that_is_reported_for_it(df):
    draws = two(0.4, df).draws(N, np.random.default_rng(3))
    ends = np.percentile(draws, [2.5, 97.5], axis=0)
    half = stats.t.ppf(0.975, df) * np.array([0.5, 3.0])
    away = np.abs(ends - np.array([1.0, -2.0]))
    assert away == pytest.approx(np.array([half, half]), rel=0.04)  # 40,000 draws in pairs, four times their error at 5 degrees of freedom


def test_the_same_seed_gives_the_same_draws_and_another_gives_others():
    one, same, other = (two(0.4, 9.0).draws(100, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all() and not (one == other).any()
    assert len(two(0.4, 9.0).draws(7, np.random.default_rng(1))) == 7


@pytest.mark.parametrize("estimates, errors, df", [((np.nan,), (1.0,), 9), ((1.0,), (-1.0,), 9), ((1.0,), (np.nan,), 9), ((1.0,), (1.0,), 0)])
def test_what_was_not_estimated_is_not_drawn(estimates, errors, df):
    with pytest.raises(EstimationError, match="Leave out of value.outcomes what could not be estimated"):
        independent(("a",), estimates, errors, df)
