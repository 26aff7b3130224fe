import numpy as np
import pytest
from scipy.stats import norm, t

from evaluation.errors import EstimationError, PlanError
from evaluation.models.multiplier import (
    gaussian_draws,
    iqr_standard_errors,
    multiplier_draws,
    simultaneous_band,
    simultaneous_critical_value,
)

N = 40_000
MONTE_CARLO = 0.02             # 40,000 draws: a standard deviation is known to 0.4%, a 95% quantile of a maximum to about 0.7%


def contributions(n=60, k=5, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, k)) + rng.normal(size=(n, 1))) / np.sqrt(n)


@pytest.mark.parametrize("kind", ["rademacher", "mammen", "webb"])
def test_draws_have_the_covariance_of_the_contributions(kind):
    values = contributions()
    draws = multiplier_draws(values, kind=kind, n_draws=N, rng=np.random.default_rng(1))
    wanted = values.T @ values
    assert np.abs(draws.mean(axis=0)).max() < 4 * np.sqrt(wanted.max() / N)
    assert np.cov(draws.T) == pytest.approx(wanted, abs=MONTE_CARLO * 2 * wanted.max())


@pytest.mark.parametrize("kind,third,fourth", [("rademacher", 0, 1), ("mammen", 1, 2), ("webb", 0, 7 / 6)])
def test_multipliers_have_their_published_moments(kind, third, fourth):
    v = multiplier_draws(np.eye(2), kind=kind, n_draws=200_000, rng=np.random.default_rng(0)).ravel()
    moments = [(v**k).mean() for k in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, third, fourth], abs=0.015)
    assert len(np.unique(v.round(9))) == {"rademacher": 2, "mammen": 2, "webb": 6}[kind]


def test_draws_depend_on_the_seed_alone_not_on_threads_or_on_how_many_are_asked_for():
    values = contributions()
    one, two = (multiplier_draws(values, n_draws=1_000, rng=np.random.default_rng(3), n_threads=n) for n in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(one[:512], multiplier_draws(values, n_draws=512, rng=np.random.default_rng(3)))
    assert not np.array_equal(one, multiplier_draws(values, n_draws=1_000, rng=np.random.default_rng(4)))


def test_more_numbers_leave_the_draws_of_the_first_as_they_were():
    values = contributions()
    some = multiplier_draws(values[:, :2], n_draws=300, rng=np.random.default_rng(3))
    assert multiplier_draws(values, n_draws=300, rng=np.random.default_rng(3))[:, :2] == pytest.approx(some, abs=1e-14)


def test_the_interquartile_range_gives_the_standard_error_of_normal_draws():
    draws = np.random.default_rng(0).normal(size=(N, 2)) * [1.0, 7.0]
    assert iqr_standard_errors(draws) == pytest.approx([1.0, 7.0], rel=MONTE_CARLO)


def test_quartiles_are_order_statistics_by_hand():
    """Of 1 to 8 the quartiles of R's type 1 are the 2nd and the 6th value."""
    assert iqr_standard_errors(np.arange(1.0, 9.0)[:, None]) == pytest.approx([4 / (2 * norm.ppf(0.75))])


def test_the_critical_value_of_one_number_is_pointwise_of_independent_ones_that_of_sidak():
    rng = np.random.default_rng(0)
    one = simultaneous_critical_value(rng.normal(size=(N, 1)), np.ones(1))
    many = simultaneous_critical_value(rng.normal(size=(N, 10)), np.ones(10))
    assert one == pytest.approx(norm.ppf(0.975), rel=MONTE_CARLO)
    assert many == pytest.approx(norm.ppf(0.5 + 0.95**0.1 / 2), rel=MONTE_CARLO)


def test_the_critical_value_is_an_order_statistic_by_hand():
    draws = np.arange(1.0, 21.0)[:, None] * [1, -1]
    assert simultaneous_critical_value(draws, np.ones(2)) == 19.0
    assert simultaneous_critical_value(draws, np.array([2.0, 4.0]), level=0.5) == 5.0


def test_the_gaussian_way_and_many_clusters_agree():
    values = contributions(n=400)
    covariance = values.T @ values
    error = np.sqrt(np.diag(covariance))
    gaussian = simultaneous_critical_value(gaussian_draws(covariance, n_draws=N, rng=np.random.default_rng(1)), error)
    drawn = simultaneous_critical_value(multiplier_draws(values, n_draws=N, rng=np.random.default_rng(2)), error)
    assert gaussian == pytest.approx(drawn, rel=MONTE_CARLO)


def test_few_degrees_of_freedom_widen_the_band_as_t_does():
    draws = gaussian_draws(np.eye(1), n_draws=4 * N, df=6, rng=np.random.default_rng(1))
    assert simultaneous_critical_value(draws, np.ones(1)) == pytest.approx(t.ppf(0.975, 6), rel=MONTE_CARLO)


def test_a_covariance_of_less_than_full_rank_is_drawn_from_as_it_is():
    v = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    draws = gaussian_draws(v, n_draws=50, rng=np.random.default_rng(0))
    assert draws[:, 0] == pytest.approx(draws[:, 1]) and draws[:, 2] == pytest.approx(np.zeros(50), abs=1e-12)


def test_a_band_holds_a_base_period_out():
    values = contributions()
    values[:, 2] = 0.0
    draws = multiplier_draws(values, rng=np.random.default_rng(0))
    band = simultaneous_band(np.zeros(5), draws)
    there = np.array([0, 1, 3, 4])
    assert np.isnan(band.lower[2]) and np.isnan(band.upper[2])
    assert (band.upper[there] == band.critical * band.std_error[there]).all() and band.n_draws == 9_999
    assert norm.ppf(0.975) < band.critical < norm.ppf(1 - 0.025 / 4) * 1.02
    assert simultaneous_band(np.zeros(5), draws, std_error=np.sqrt((values**2).sum(axis=0))).critical == pytest.approx(band.critical, rel=0.05)


def test_a_band_covers_all_numbers_together_as_often_as_it_says():
    """2,000 samples of 200 clusters: 95% within 4 Monte Carlo errors (2 points)."""
    rng, inside = np.random.default_rng(5), 0
    mix = np.linalg.cholesky(0.5 * np.eye(4) + 0.5)
    for _ in range(2_000):
        y = rng.normal(size=(200, 4)) @ mix.T
        centred = (y - y.mean(axis=0)) / np.sqrt(200 * 199)
        draws = multiplier_draws(centred, n_draws=499, rng=rng)
        band = simultaneous_band(y.mean(axis=0), draws, std_error=centred.std(axis=0) * np.sqrt(200))
        inside += bool(((band.lower <= 0) & (band.upper >= 0)).all())
    assert abs(inside / 2_000 - 0.95) < 0.02


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(PlanError, match="rademacher, mammen, webb"):
        multiplier_draws(contributions(), kind="normal", rng=np.random.default_rng(0))
    with pytest.raises(EstimationError, match="finite"):
        multiplier_draws(np.full((5, 2), np.nan), rng=np.random.default_rng(0))
    with pytest.raises(EstimationError, match="two clusters"):
        multiplier_draws(np.ones((1, 2)), rng=np.random.default_rng(0))
    with pytest.raises(EstimationError, match="eigenvalue"):
        gaussian_draws(np.diag([1.0, -1.0]), rng=np.random.default_rng(0))
    with pytest.raises(EstimationError, match="above 0"):
        simultaneous_band(np.zeros(2), np.zeros((9, 2)))
