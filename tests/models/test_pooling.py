import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, by_council
from evaluation.models.council_effects import council_effects, log_rate_contrast, pool_small_variances
from evaluation.models.pooling import contrasts, heterogeneity, leave_one_out, q_profile, random_effects, reml, usable
from evaluation.models.shrinkage import posterior_given_tau, posterior_of_tau, shrink
from tests.matching.panels import simulated_panel

REFERENCE = json.loads((Path(__file__).parent.parent / "reference/metafor/pooling.json").read_text())
RTOL = 1e-12                   # metafor's `rma` ran to a threshold of 1e-14
RTOL_OPTIMISED = 1e-7          # its `rma.mv` maximises numerically (BFGS)
DIAGONAL = ("bcg", "spread", "alike", "two")
COUNCILS = (np.array([0.5, -0.2, 0.9, 0.1, -0.6, 0.3]), np.array([0.04, 0.09, 0.02, 0.2, 0.05, 0.1]))


def stored(name):
    data = {key: np.array(value) if isinstance(value, list) else value for key, value in REFERENCE[name].items()}
    return data["theta"], data["covariance"], data


def some_covariance(n, seed=3):
    rng = np.random.default_rng(seed)
    load = rng.normal(size=(n, 4))
    return np.diag(rng.uniform(0.02, 0.3, n)) + 0.05 * load @ load.T


@pytest.mark.parametrize("name", DIAGONAL)
def test_mean_interval_heterogeneity_and_prediction_equal_metafor(name):
    theta, v, ref = stored(name)
    found = random_effects(theta, v, guard="none")
    ours = [found.mean, found.std_error, found.lower, found.upper, found.df, found.tau2, found.i2, found.q, found.q_p_value, found.prediction_lower,
            found.prediction_upper]
    theirs = [ref["mean"], ref["std_error"], *ref["interval"], ref["df"], ref["tau2"], ref["i2"], ref["q"], ref["q_p"], *ref["prediction"]]
    np.testing.assert_allclose(ours, theirs, rtol=RTOL, atol=1e-15)
    assert found.noise_share == pytest.approx(1 - ref["i2"], abs=1e-13)


@pytest.mark.parametrize("name", ["bcg", "spread", "alike"])
def test_the_interval_of_tau_equals_metafor(name):
    theta, v, ref = stored(name)
    found = random_effects(theta, v)
    np.testing.assert_allclose([found.tau2_lower, found.tau2_upper], ref["tau2_interval"], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", DIAGONAL)
def test_the_guarded_error_and_dersimonian_laird_equal_metafor(name):
    theta, v, ref = stored(name)
    guarded, moments = random_effects(theta, v), random_effects(theta, v, between="dersimonian_laird", guard="none")
    np.testing.assert_allclose([guarded.std_error, guarded.lower, guarded.upper], [ref["guarded_std_error"], *ref["guarded_interval"]], rtol=RTOL)
    np.testing.assert_allclose([moments.tau2, moments.mean, moments.std_error, moments.i2],
                               [ref["dl_tau2"], ref["dl_mean"], ref["dl_std_error"], ref["dl_i2"]], rtol=RTOL)


def test_councils_that_agree_by_chance_get_a_narrow_plain_interval_and_each_guard_mends_it():
    theta, v, ref = stored("alike")
    width = {guard: np.diff([(found := random_effects(theta, v, guard=guard)).lower, found.upper])[0] for guard in
             ("none", "at_least_fixed", "at_least_wald")}
    assert width["none"] < np.diff(ref["fixed_interval"])[0] == pytest.approx(width["at_least_fixed"], rel=RTOL)
    assert width["at_least_fixed"] < width["at_least_wald"]


@pytest.mark.parametrize("name", ["bcg", "spread", "alike"])
def test_leaving_each_council_out_equals_metafor(name):
    theta, v, ref = stored(name)
    found, theirs = leave_one_out(theta, v, guard="none"), ref["leave_one_out"]
    for ours, key in ((found.mean, "mean"), (found.std_error, "std_error"), (found.tau2, "tau2")):
        np.testing.assert_allclose(ours, theirs[key], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", DIAGONAL)
def test_predictions_given_tau_equal_metafor(name):
    theta, v, ref = stored(name)
    effect, covariance = posterior_given_tau(theta, np.diag(v), ref["tau2"])
    np.testing.assert_allclose(effect, ref["blup"], rtol=1e-11)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), ref["blup_std_error"], rtol=1e-11)


def test_dependent_councils_equal_metafor_with_the_full_covariance():
    theta, v, ref = stored("shared")
    found = random_effects(theta, v)
    np.testing.assert_allclose([found.mean, found.tau2, found.i2], [ref["mean"], ref["tau2"], ref["i2"]], rtol=RTOL_OPTIMISED)
    np.testing.assert_allclose([found.q, found.q_p_value], [ref["q"], ref["q_p"]], rtol=1e-10)
    effect, _ = posterior_given_tau(theta, v, ref["tau2"])
    np.testing.assert_allclose(effect, ref["blup"], rtol=1e-10)
    z, d = contrasts(theta, v)

    def likelihood(t):
        return -0.5 * (np.log(d + t) + z**2 / (d + t)).sum()

    assert likelihood(found.tau2) >= likelihood(ref["tau2"])


def test_a_vector_of_variances_equals_a_diagonal_covariance_and_ignoring_dependence_is_another_answer():
    theta, v = COUNCILS
    assert random_effects(theta, v) == random_effects(theta, np.diag(v))
    theta, v, _ = stored("shared")
    assert abs(random_effects(theta, np.diag(v)).tau2 / random_effects(theta, v).tau2 - 1) > 0.05


@pytest.mark.parametrize("seed", range(6))
def test_reml_is_the_global_maximum_of_the_restricted_likelihood_written_with_matrices(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    v = some_covariance(n, seed) * np.outer(s := rng.uniform(0.1, 3, n), s)
    theta = rng.normal(size=n)

    def likelihood(t):
        m = v + t * np.eye(n)
        w, one = np.linalg.inv(m), np.ones(n)
        r = theta - (one @ w @ theta) / (one @ w @ one)
        return -0.5 * (np.linalg.slogdet(m)[1] + math.log(one @ w @ one) + r @ w @ r)

    tau2 = random_effects(theta, v).tau2
    best = max(likelihood(t) for t in np.concatenate([[0.0], np.geomspace(1e-5, 30, 4000)]))
    assert likelihood(tau2) >= best - 1e-10


def test_of_two_peaks_of_the_likelihood_the_higher_is_taken():
    z, d = np.array([0.05, 0.04, 3.0, -3.0, 2.9]), np.array([1e-4, 1e-4, 1.0, 1.0, 1.0])
    grid = np.geomspace(1e-8, 20, 20000)
    deviance = (np.log(d + grid[:, None]) + z**2 / (d + grid[:, None])).sum(axis=1)
    inner = (deviance[1:-1] < deviance[:-2]) & (deviance[1:-1] < deviance[2:])
    assert inner.sum() == 2
    assert reml(z, d) == pytest.approx(grid[deviance.argmin()], rel=2e-3)


def test_the_ends_of_the_interval_of_tau_put_cochrans_q_at_the_quantiles_of_chi_squared():
    from scipy.stats import chi2
    z, d = contrasts(stored("shared")[0], stored("shared")[1])
    for end, p in zip(q_profile(z, d), (0.975, 0.025), strict=True):
        assert (z**2 / (d + end)).sum() == pytest.approx(chi2.ppf(p, len(z)), rel=1e-9)


def test_one_council_is_no_pool_and_two_give_a_wide_interval():
    alone = random_effects(np.array([0.4]), np.array([0.1]))
    assert alone.mean == 0.4 and math.isnan(alone.lower) and "two councils" in alone.reason
    pair = random_effects(np.array([0.3, -0.4]), np.array([0.02, 0.05]))
    assert pair.df == 1 and pair.upper - pair.lower > 8 and not pair.reason
    shrunken = shrink(np.array([0.3, -0.4]), np.array([0.02, 0.05]))
    assert np.isnan(shrunken.effect).all() and "three councils" in shrunken.reason and np.isnan(shrunken.probability_below(0.0)).all()
    none = random_effects(np.array([np.nan]), np.array([0.1]))
    assert none.n_councils == 0 and math.isnan(none.mean) and none.reasons == ("no estimate",)


def test_councils_without_an_estimate_or_an_error_are_left_out_with_the_reason_and_change_nothing():
    theta, v = COUNCILS
    more, wider = np.concatenate([theta, [np.nan, 9.0, 9.0]]), np.concatenate([v, [0.1, np.nan, 0.0]])
    found, before = random_effects(more, wider), random_effects(theta, v)
    assert found.reasons[6:] == ("no estimate", "no standard error", "a standard error of zero is no measure of uncertainty")
    assert (found.mean, found.tau2, found.upper) == (before.mean, before.tau2, before.upper)
    shrunken, plain = shrink(more, wider), shrink(theta, v)
    np.testing.assert_array_equal(shrunken.effect[:6], plain.effect)
    assert np.isnan(shrunken.effect[6:]).all() and np.isnan(shrunken.covariance[6:]).all() and np.isnan(shrunken.probability_below_mean()[6:]).all()
    left = leave_one_out(more, wider)
    np.testing.assert_array_equal(left.mean[:6], leave_one_out(theta, v).mean)
    assert np.isnan(left.mean[6:]).all()


@pytest.mark.parametrize(("covariance", "words"), [
    (np.ones((3, 3)), "not positive definite"), (np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.0]]), "symmetric"), (np.ones(2), "its shape is"),
    (np.array([[1, np.nan, 0], [np.nan, 1, 0], [0, 0, 1.0]]), "finite")])
def test_a_covariance_that_is_none_is_refused(covariance, words):
    with pytest.raises(EstimationError, match=words):
        random_effects(np.array([1.0, 2.0, 4.0]), covariance)


@pytest.mark.parametrize("option", [{"between": "ml"}, {"guard": True}, {"level": 95}])
def test_an_option_that_is_not_one_is_refused(option):
    with pytest.raises(PlanError, match=next(iter(option))):
        random_effects(*COUNCILS, **option)


def test_a_new_councils_estimate_is_less_certain_than_its_true_effect():
    found = random_effects(*COUNCILS)
    assert found.predict() == pytest.approx((found.prediction_lower, found.prediction_upper))
    assert found.predict(0.5)[0] < found.predict()[0] < found.lower


def test_welchs_test_equals_r():
    ref = REFERENCE["welch"]
    unit, council = np.array(ref["unit"]), np.array(ref["council"])
    n = np.bincount(council)
    mean = np.bincount(council, unit) / n
    variance = np.array([unit[council == c].var(ddof=1) for c in range(len(n))]) / n
    found = heterogeneity(mean, variance, df=n - 1)
    np.testing.assert_allclose([found.statistic, found.df1, found.df2, found.p_value], [ref["f"], *ref["df"], ref["p"]], rtol=1e-12)


def test_the_test_of_a_covariance_from_few_clusters_is_hotellings():
    theta, v = COUNCILS
    q, f, few = heterogeneity(theta, v), heterogeneity(theta, v, df=20.0), heterogeneity(theta, v, df=4.0)
    assert f.statistic == pytest.approx(q.statistic * 16 / (5 * 20)) and (f.df1, f.df2) == (5, 16) and q.p_value < f.p_value
    assert heterogeneity(theta, v, df=1e9).p_value == pytest.approx(q.p_value, rel=1e-6)
    assert math.isnan(few.p_value) and "too few" in few.method
    with pytest.raises(EstimationError, match="share families"):
        heterogeneity(theta, some_covariance(6), df=np.full(6, 9.0))


@settings(max_examples=30)
@given(st.floats(-5, 5), st.floats(0.01, 100), st.integers(0, 50))
def test_shift_scale_and_order_of_councils_change_only_what_they_should(shift, scale, seed):
    rng = np.random.default_rng(seed)
    theta, v = rng.normal(size=5), some_covariance(5, seed)
    order = rng.permutation(5)
    one, two = shrink(theta, v), shrink(shift + scale * theta[order], scale**2 * v[np.ix_(order, order)])
    np.testing.assert_allclose(two.effect, shift + scale * one.effect[order], rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(two.std_error, scale * one.std_error[order], rtol=1e-6)
    np.testing.assert_allclose(two.probability_below_mean(), one.probability_below_mean()[order], atol=1e-6)
    a, b = random_effects(theta, v), random_effects(shift + scale * theta[order], scale**2 * v[np.ix_(order, order)])
    np.testing.assert_allclose([b.mean, b.std_error, b.tau2], [shift + scale * a.mean, scale * a.std_error, scale**2 * a.tau2], rtol=1e-6,
                               atol=1e-7 * scale)


def test_shrunken_effects_equal_brute_force_over_mean_and_tau():
    theta, v = np.array([0.5, -0.2, 0.9, 0.1]), some_covariance(4)
    rng = np.random.default_rng(8)
    tau = np.tan((np.arange(4000) + 0.5) / 4000 * np.pi / 2)                     # own grid, uniform in the angle
    log = np.empty((4000, 1))
    effect, second, below = np.empty((4000, 4)), np.empty((4000, 4, 4)), np.empty((4000, 4))
    for i, t in enumerate(tau):
        m = v + t**2 * np.eye(4)
        w, one = np.linalg.inv(m), np.ones(4)
        s2 = 1 / (one @ w @ one)
        mu = s2 * (one @ w @ theta)
        r = theta - mu
        log[i] = -0.5 * (np.linalg.slogdet(m)[1] - math.log(s2) + r @ w @ r) + math.log(1 + t**2)
        gain = t**2 * w
        effect[i] = mu + gain @ r
        lift = one - gain @ one
        within = t**2 * (np.eye(4) - gain)
        second[i] = within + s2 * np.outer(lift, lift)
        below[i] = ndtr(-(gain @ r) / np.sqrt(np.diag(within) + s2 * (gain @ one) ** 2))       # true effect less the mean, both unknown
    weight = np.exp(log - log.max()).ravel()
    weight /= weight.sum()
    mean = weight @ effect
    off = effect - mean
    covariance = np.einsum("i,ijk->jk", weight, second) + (off * weight[:, None]).T @ off
    found = shrink(theta, v)
    np.testing.assert_allclose(found.effect, mean, rtol=1e-5)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-4)
    np.testing.assert_allclose(found.probability_below_mean(), weight @ below, rtol=1e-4)
    drawn = rng.choice(4000, 40000, p=weight)
    root = np.sqrt(second[drawn][:, 0, 0])
    draws = effect[drawn, 0] + root * rng.normal(size=len(drawn))
    assert found.probability_below(0.3)[0] == pytest.approx((draws < 0.3).mean(), abs=0.01)       # 40,000 draws: 4 standard errors
    assert (draws < found.lower[0]).mean() == pytest.approx(0.025, abs=0.004)
    assert (draws > found.upper[0]).mean() == pytest.approx(0.025, abs=0.004)


def test_the_quadrature_over_tau_has_converged():
    for seed, n, scale in ((1, 3, 0.1), (2, 3, 50.0), (3, 18, 0.5), (4, 60, 20.0)):
        v = some_covariance(n, seed)
        theta = np.random.default_rng(seed).normal(size=n) * scale
        z, d = contrasts(theta, v)
        means = [(weight / (1 + tau2 / d.mean())).sum() for tau2, weight in (posterior_of_tau(z, d, nodes=nodes) for nodes in (48, 64, 400))]
        np.testing.assert_allclose(means, means[-1], rtol=1e-10)


def test_small_councils_move_most_and_the_spread_of_shrunken_effects_is_the_smaller():
    theta, v, _ = stored("spread")
    found = shrink(theta, v)
    assert (np.diff(found.own_share[np.argsort(v)]) <= 1e-12).all()
    assert found.effect.std() < theta.std() and (found.std_error < found.own_std_error)[v > np.median(v)].all()
    away = np.abs(found.effect - found.mean) <= np.abs(theta - found.mean) + 1e-9
    assert away.all()


def test_shares_of_own_estimate_are_the_change_of_the_effect_with_it():
    theta, v = np.array([0.5, -0.2, 0.9]), some_covariance(3)
    tau2 = np.array([0.3])
    one, step = posterior_given_tau(theta, v, tau2[0])[0], 1e-6
    slope = [(posterior_given_tau(theta + step * np.eye(3)[c], v, tau2[0])[0][c] - one[c]) / step for c in range(3)]
    lots = np.random.default_rng(0).normal(size=397)
    big, bigv = np.concatenate([theta, lots * 3]), np.concatenate([np.diag(v), np.full(397, 1e-3)])
    assert 0 < min(slope) < 1
    found = shrink(big, bigv)                      # with many councils tau is known: own share = tau2 / (tau2 + v)
    tau2 = random_effects(big, bigv).tau2
    np.testing.assert_allclose(found.own_share[:3], tau2 / (tau2 + np.diag(v)), rtol=2e-2)


def test_intervals_do_not_collapse_where_the_estimate_of_tau_is_zero():
    theta, v, ref = stored("alike")
    assert ref["tau2"] == 0
    found = shrink(theta, v)
    assert (found.std_error > 1.2 * ref["blup_std_error"]).all() and found.tau > 0
    assert (found.lower < ref["mean"]).all() and (ref["mean"] < found.upper).all()


def test_probabilities_of_lying_beyond_a_threshold_are_those_of_the_interval():
    found = shrink(*COUNCILS)
    for c in range(6):
        assert found.probability_below(found.lower[c])[c] == pytest.approx(0.025, abs=1e-9)
        assert found.probability_below(found.upper[c])[c] == pytest.approx(0.975, abs=1e-9)
    below = found.probability_below_mean()
    assert below[4] > 0.8 and below[2] < 0.2                   # the lowest and the highest of the six
    assert not [name for name in dir(found) if "rank" in name]


def test_a_known_council_among_many_equal_ones_has_the_normal_probability():
    theta, v = np.concatenate([[1.0], np.tile([-1.0, 1.0], 250)]), np.concatenate([[0.5], np.full(500, 1e-4)])
    found = shrink(theta, v)                                   # tau2 is 1, mean 0: posterior N(2/3, 1/3)
    assert found.effect[0] == pytest.approx(2 / 3, abs=0.01)
    assert found.probability_below(0.0)[0] == pytest.approx(ndtr(-(2 / 3) / math.sqrt(1 / 3)), abs=0.01)


def test_small_councils_take_the_pooled_unit_variance_and_keep_their_correlations():
    v = np.array([[0.5, 0.1, 0.0], [0.1, 0.1, 0.02], [0.0, 0.02, 0.04]])
    found = pool_small_variances(v, np.array([4, 20, 50]))
    unit = (3 * 4 * 0.5 + 19 * 20 * 0.1 + 49 * 50 * 0.04) / (3 + 19 + 49)        # (6 + 38 + 98) / 71 = 2
    assert unit == 2.0 == pytest.approx(found.unit_variance)
    np.testing.assert_allclose(np.diag(found.covariance), [2.0 / 4, 0.1, 0.04])
    assert found.pooled.tolist() == [True, False, False] and found.df.tolist() == [71, 19, 49]
    smaller = pool_small_variances(v, np.array([2, 20, 50]), fewest=10)
    own = v[0, 1] / math.sqrt(v[0, 0] * v[1, 1])
    new = smaller.covariance
    assert new[0, 1] / math.sqrt(new[0, 0] * new[1, 1]) == pytest.approx(own)
    np.testing.assert_array_equal(pool_small_variances(v, np.array([4, 20, 50]), fewest=0).covariance, v)


def test_a_council_of_one_family_gets_a_variance_from_the_others():
    found = pool_small_variances(np.array([np.nan, 0.1, 0.0, 0.04]), np.array([1, 20, 5, 50]))
    assert found.covariance[0, 0] == pytest.approx(found.unit_variance) and found.covariance[2, 2] == pytest.approx(found.unit_variance / 5)
    assert not random_effects(np.array([1.0, 0.5, 0.4, 0.2]), found.covariance).reason
    with pytest.raises(EstimationError, match="two treated units"):
        pool_small_variances(np.array([np.nan, np.nan]), np.array([1, 1]))


def test_log_rate_ratios_of_counts_equal_metafor_zero_cells_included():
    ref = {key: np.array(value) for key, value in REFERENCE["counts"].items() if key != "call"}
    counts, exposure = np.column_stack([ref["x1"], ref["x2"]]), np.column_stack([ref["t1"], ref["t2"]])
    log_ratio, variance, corrected = log_rate_contrast(counts, exposure, np.array([1, -1]))
    np.testing.assert_allclose(log_ratio, ref["theta"], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(variance, ref["variance"], rtol=1e-13)
    assert corrected.tolist() == (counts == 0).any(axis=1).tolist()


def test_a_ratio_of_rate_ratios_has_the_spread_of_simulated_counts():
    rng = np.random.default_rng(4)
    exposure = np.array([200.0, 200.0, 600.0, 600.0])
    counts = rng.poisson(exposure * [0.2, 0.3, 0.24, 0.28], (20000, 4))
    found, variance, _ = log_rate_contrast(counts, np.broadcast_to(exposure, counts.shape), np.array([1, -1, -1, 1]))
    assert found.mean() == pytest.approx(math.log(0.2 / 0.3 / (0.24 / 0.28)), abs=0.01)
    assert variance.mean() == pytest.approx(found.var(), rel=0.05)
    wider = log_rate_contrast(counts[:2], np.broadcast_to(exposure, (2, 4)), np.array([1, -1, -1, 1]), dispersion=3.0)[1]
    np.testing.assert_allclose(wider, 3 * variance[:2])
    with pytest.raises(EstimationError, match="correction above 0"):
        log_rate_contrast(counts, counts.T, np.array([1, -1]))


@pytest.fixture(scope="module")
def matched():
    panel = simulated_panel(500, councils=10, effect=-0.5)
    return MatchedDiD().fit(NearestNeighbour(covariates=("x",), ratio=2).fit(panel), "y")


def test_councils_effects_are_those_of_the_council_table_with_small_variances_pooled(matched):
    found, table = council_effects(matched, fewest=18), by_council(matched)
    assert found.names == tuple(table["council_code"])
    np.testing.assert_array_equal(found.theta, table["estimate"])
    np.testing.assert_array_equal(found.own_std_error, table["std_error"])
    assert found.pooled.tolist() == (table["n_treated"] < 18).tolist() and 0 < found.pooled.sum() < 10
    own = np.where(found.pooled, found.unit_variance / found.n_units, found.own_std_error**2)
    np.testing.assert_allclose(np.diag(found.covariance), own)
    shared = found.covariance[~np.eye(10, dtype=bool)]
    assert (shared != 0).any()                                 # comparison families serve several councils
    pooled = random_effects(found.theta, found.covariance)
    assert pooled.n_councils == 10 and not pooled.reason


def test_arrays_given_stay_as_they_were():
    theta, v = COUNCILS[0].copy(), some_covariance(6)
    kept = v.copy()
    shrink(theta, v), random_effects(theta, v), pool_small_variances(v, np.full(6, 5)), leave_one_out(theta, v)
    np.testing.assert_array_equal(v, kept)
    np.testing.assert_array_equal(theta, COUNCILS[0])
    assert usable(theta, v).keep.all()


def test_pooled_intervals_cover_with_small_councils_among_large_ones():
    rng = np.random.default_rng(5)
    runs, truth, tau, hits = 150, -0.1, 0.2, np.zeros(3)
    for _ in range(runs):
        n = np.exp(rng.uniform(np.log(5), np.log(200), 18)).astype(int)
        true = rng.normal(truth, tau, 18)
        theta = true + rng.normal(size=18) / np.sqrt(n)
        v = pool_small_variances(rng.chisquare(n - 1) / (n - 1) / n, n).covariance
        pooled, shrunken = random_effects(theta, v), shrink(theta, v)
        hits += [pooled.lower < truth < pooled.upper, ((shrunken.lower < true) & (true < shrunken.upper)).mean(),
                 shrunken.new_lower < rng.normal(truth, tau) < shrunken.new_upper]
    assert (hits / runs > 0.89).all(), hits / runs            # 95% less 3.4 Monte Carlo standard errors of 150 runs
