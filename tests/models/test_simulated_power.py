import math

import numpy as np
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models import GroupTimeATT, UnmatchedDiD, overall
from evaluation.models.added_effect import AddedEffect
from evaluation.models.power import planned_std_error, power_at
from evaluation.models.simulated_power import (
    PooledDiD,
    SimulatedDesign,
    by_spec,
    proportion_interval,
    simulate_power,
    untreated_outcomes,
)
from tests.matching.panels import panel_of

STAGGERED = SimulatedDesign(n_treated=60, n_comparison=120, entries=(6, 8, 10))


def families(n=300, periods=18, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, periods))


def test_power_equals_the_closed_form_for_normal_changes():
    y = np.random.default_rng(3).normal(size=(2000, 12))       # change of a mean of 4 from one period: variance 1 + 1/4
    sizes = [0.0, 0.2, 0.4, 0.6]
    design = SimulatedDesign(n_treated=50, n_comparison=100, entries=(6,))
    found = simulate_power(y, design, sizes=sizes, estimate=PooledDiD(), rng=np.random.default_rng(1), draws=600)
    expected = power_at(np.array(sizes), planned_std_error(math.sqrt(1.25), 50, ratio=2), 148)
    wide = proportion_interval(found.power * 600, 600, level=0.999)
    assert ((wide[0] <= expected) & (expected <= wide[1])).all(), (found.power, expected)
    np.testing.assert_allclose(found.mean_std_error, planned_std_error(math.sqrt(1.25), 50, ratio=2), rtol=0.03)
    assert (np.abs(found.coverage - 0.95) < 0.03).all()


def test_power_equals_the_closed_form_for_equal_clusters():
    rng = np.random.default_rng(4)
    shock, n = rng.normal(size=(400, 12)), 400 * 10
    y = np.repeat(0.5 * shock, 10, axis=0) + rng.normal(size=(n, 12))
    design = SimulatedDesign(n_treated=15, n_comparison=15, entries=(6,), assignment="cluster")
    found = simulate_power(y, design, sizes=[0.0, 0.4, 0.7], estimate=PooledDiD(errors="cluster"), rng=np.random.default_rng(2), draws=400,
                           cluster=np.repeat(np.arange(400), 10))
    variance, rho = 1.25 * (0.25 + 1), 0.25 / 1.25
    std_error = planned_std_error(math.sqrt(variance), 150, cluster_size=10, intracluster=rho)
    expected = power_at(np.array([0.0, 0.4, 0.7]), std_error, 14)
    assert (np.abs(found.power - expected) < 0.09).all(), (found.power, expected)          # df 14 in place of 28 makes the test cautious
    by_unit = simulate_power(y, design, sizes=[0.0], estimate=PooledDiD(), rng=np.random.default_rng(2), draws=150,
                             cluster=np.repeat(np.arange(400), 10))
    assert by_unit.lower[0] > 0.1                              # errors that ignore the councils find effects that aren't there


def test_power_equals_brute_force_with_plain_regressions():
    import statsmodels.api as sm
    y, rng = families(), np.random.default_rng(9)
    design, hits, runs = SimulatedDesign(n_treated=40, n_comparison=80, entries=(8,)), 0, 250
    for _ in range(runs):
        rows = rng.integers(0, len(y), 120)
        treated = np.arange(120) < 40
        change = y[rows, 9:13].mean(axis=1) + 0.5 * treated - y[rows, 4]
        fit = sm.OLS(change, sm.add_constant(treated.astype(float))).fit(cov_type="HC1", use_t=True)
        hits += fit.pvalues[1] < 0.05
    found = simulate_power(y, design, sizes=[0.5], estimate=PooledDiD(), rng=np.random.default_rng(1), draws=500)
    error = math.sqrt(found.power[0] * (1 - found.power[0]) * (1 / runs + 1 / 500))
    assert abs(found.power[0] - hits / runs) < 3.5 * error


def test_the_fast_estimator_equals_group_time_effects_by_unit_and_by_council():
    y, rng = families(90), np.random.default_rng(5)
    entry, council = rng.choice([-1, -1, 6, 9, 13], 90), rng.integers(0, 7, 90)
    panel = panel_of(entry, {"y": y}, unit="family", councils=council.astype(str), areas=council.astype(str))
    effects = GroupTimeATT(anticipation=3).fit(panel, "y")     # base -4
    for errors, clusters in (("unit", "unit"), ("cluster", "council")):
        found = overall(effects, clusters=clusters, errors="CR1")
        estimate, std_error, df = PooledDiD(errors=errors)(y, entry, council)
        np.testing.assert_allclose([estimate, std_error, df], [found.estimate, found.std_error, found.df], rtol=1e-10)


def test_an_estimator_of_a_plan_gives_the_same_as_the_fast_one():
    design = SimulatedDesign(n_treated=25, n_comparison=50, entries=(8,))        # one cohort: nobody else is yet to join
    how = dict(sizes=[0.0, 0.6], draws=15)
    plan = simulate_power(families(), design, estimate=by_spec(UnmatchedDiD(window=(-4, 4))), rng=np.random.default_rng(7), **how)
    fast = simulate_power(families(), design, estimate=PooledDiD(), rng=np.random.default_rng(7), **how)
    np.testing.assert_allclose(plan.mean_estimate, fast.mean_estimate, rtol=1e-10)
    np.testing.assert_allclose(plan.mean_std_error, fast.mean_std_error, rtol=1e-10)
    np.testing.assert_array_equal(plan.power, fast.power)


@pytest.mark.parametrize(("outcome", "scale", "size"), [
    ("continuous", "absolute", -0.3), ("continuous", "relative", -0.3), ("count", "relative", -0.3), ("count", "relative", 0.4),
    ("count", "absolute", -0.2), ("count", "absolute", 0.2), ("binary", "absolute", -0.1), ("binary", "absolute", 0.1),
    ("binary", "relative", -0.3), ("binary", "relative", 0.3)])
def test_added_effects_move_the_mean_by_their_size_and_keep_values_valid(outcome, scale, size):
    rng = np.random.default_rng(1)
    y = rng.poisson(rng.gamma(0.5, 1.6, (400, 1)), (400, 200)).astype(float)
    y = (y > 0).astype(float) if outcome == "binary" else y
    y[:5, :3] = np.nan
    kept, mean = y.copy(), np.nanmean(y)
    effect = AddedEffect(outcome=outcome, scale=scale)
    effect.check(y, size)
    found = effect.added(y, size, rng, mean=mean)
    assert np.nanmean(found) - mean == pytest.approx(size * mean if scale == "relative" else size, abs=0.02 * mean)
    assert np.array_equal(np.isnan(found), np.isnan(y)) and np.array_equal(y, kept, equal_nan=True)
    if outcome == "count":
        assert np.nanmin(found) >= 0 and np.array_equal(found[5:], np.floor(found[5:]))
        if scale == "relative":
            assert (found[5:][y[5:] == 0] == 0).all()
    if outcome == "binary":
        assert set(np.unique(found[5:])) == {0.0, 1.0}


def test_a_thinned_poisson_count_is_poisson():
    rng = np.random.default_rng(2)
    found = AddedEffect(outcome="count", scale="relative").added(rng.poisson(3.0, (400, 400)).astype(float), -0.4, rng, mean=3.0)
    assert found.mean() == pytest.approx(1.8, rel=0.01) and found.var() == pytest.approx(1.8, rel=0.02)


@pytest.mark.parametrize(("outcome", "scale", "size", "words"), [
    ("count", "relative", -1.2, "more than there is"), ("count", "relative", 1.4, "up to 1"), ("count", "absolute", -0.9, "more than there is"),
    ("binary", "absolute", 0.9, "above 1"), ("binary", "relative", -1.1, "more than there is")])
def test_effects_beyond_the_range_are_refused_before_any_draw(outcome, scale, size, words):
    y = np.random.default_rng(0).integers(0, 2, (50, 16)).astype(float)

    def never(*_):
        raise AssertionError("an estimate was asked for")

    with pytest.raises(PlanError, match=words):
        simulate_power(y, STAGGERED, sizes=[0.0, size], estimate=never, rng=np.random.default_rng(1), added=AddedEffect(outcome=outcome, scale=scale))


@pytest.mark.parametrize("outcome", ["count", "binary"])
def test_outcomes_of_another_kind_are_refused(outcome):
    with pytest.raises(EstimationError, match="hold other values"):
        simulate_power(families(), STAGGERED, sizes=[-0.1], estimate=PooledDiD(), rng=np.random.default_rng(1), added=AddedEffect(outcome=outcome))


def test_counts_and_shares_are_found_without_bias_with_staggered_entry():
    rng = np.random.default_rng(3)
    y = rng.poisson(rng.gamma(0.6, 1.5, (300, 1)), (300, 18)).astype(float)
    for outcome, values, sizes in (("count", y, [-0.5, 0.0]), ("binary", (y > 0).astype(float), [-0.2, 0.0])):
        added = AddedEffect(outcome=outcome, scale="relative" if outcome == "count" else "absolute")
        found = simulate_power(values, STAGGERED, sizes=sizes, estimate=PooledDiD(), rng=np.random.default_rng(2), added=added, draws=300)
        assert (np.abs(found.mean_estimate - found.true_effect) < 4 * found.sd_estimate / math.sqrt(300)).all()
        assert found.power[0] > 0.5 and found.lower[1] <= 0.05 <= found.upper[1] and (found.coverage > 0.9).all()


def test_the_same_seed_gives_the_same_curve_and_progress_is_told():
    told = []
    one, two, other = (simulate_power(families(), STAGGERED, sizes=[0.3], estimate=PooledDiD(), rng=np.random.default_rng(seed), draws=20,
                                      progress=lambda done, total: told.append((done, total))) for seed in (1, 1, 2))
    assert one.power[0] == two.power[0] and one.mean_estimate[0] == two.mean_estimate[0] != other.mean_estimate[0]
    assert told[:20] == [(i, 20) for i in range(1, 21)]


def test_power_rises_with_the_effect_and_the_detectable_one_is_read_between_sizes():
    found = simulate_power(families(), STAGGERED, sizes=[0.0, 0.2, 0.4, 0.6, 0.8], estimate=PooledDiD(), rng=np.random.default_rng(1))
    assert (np.diff(found.power) >= 0).all()
    at = found.detectable(0.8)
    assert np.interp(at, found.true_effect, found.power) == pytest.approx(0.8)
    assert at == pytest.approx(2.8 * found.mean_std_error[0], rel=0.12)           # the closed form, at 300 draws
    weak = simulate_power(families(), STAGGERED, sizes=[0.0, 0.1], estimate=PooledDiD(), rng=np.random.default_rng(1), draws=20)
    assert math.isnan(weak.detectable())
    less = simulate_power(families(), STAGGERED, sizes=[-0.8, -0.4, 0.0], estimate=PooledDiD(), rng=np.random.default_rng(1), draws=50)
    assert 0.4 < less.detectable(0.8) < 0.8


def test_draws_without_an_estimate_count_as_not_detected():
    late = SimulatedDesign(n_treated=5, n_comparison=5, entries=(2, 8), shares=(0.5, 0.5))    # no base before column 0 for the cohort of 2
    found = simulate_power(families(), late, sizes=[3.0], estimate=PooledDiD(), rng=np.random.default_rng(1), draws=200)
    # without a base, or with one treated family left of five, there is no error: 6 draws in 32
    assert 150 < found.n_estimated[0] < 180 and found.power[0] <= found.n_estimated[0] / 200
    never = simulate_power(families(), SimulatedDesign(n_treated=5, n_comparison=5, entries=(2,)), sizes=[3.0], estimate=PooledDiD(),
                           rng=np.random.default_rng(1), draws=5)
    assert never.n_estimated[0] == 0 and never.power[0] == 0 and math.isnan(never.mean_estimate[0]) and math.isnan(never.mean_std_error[0])


def test_monte_carlo_intervals_equal_statsmodels():
    from statsmodels.stats.proportion import proportion_confint
    hits = np.array([0, 1, 37, 100])
    for ours, theirs in zip(proportion_interval(hits, 100), proportion_confint(hits, 100, method="beta"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_untreated_outcomes_end_before_entry_and_before_the_seal():
    y = np.arange(24.0).reshape(3, 8)
    panel = panel_of([4, -1, 7], {"y": y})
    seen = np.isfinite(untreated_outcomes(panel, "y", anticipation=1))
    assert seen.sum(axis=1).tolist() == [3, 8, 6]
    assert np.isfinite(untreated_outcomes(panel, "y", sealed_from=4)).sum(axis=1).tolist() == [3, 4, 4]


def test_whole_councils_are_drawn_and_treated_together():
    seen = []

    def look(y, entry, cluster):
        for code in np.unique(cluster):
            assert len(np.unique(entry[cluster == code])) == 1
            assert len(np.unique(y[cluster == code, 0])) == 1  # the council's own mark
        seen.append(len(np.unique(cluster)))
        return 0.0, 1.0, 5.0

    council = np.repeat([7, 3, 9], [2, 5, 3])
    y = np.repeat(council[:, None].astype(float), 10, axis=1)
    design = SimulatedDesign(n_treated=2, n_comparison=2, entries=(4,), assignment="cluster")
    simulate_power(y, design, sizes=[0.0], estimate=look, rng=np.random.default_rng(1), cluster=council, draws=10)
    assert seen == [4] * 10


@pytest.mark.parametrize("wrong", [{"n_treated": 0}, {"entries": ()}, {"entries": (0,)}, {"entries": (4, 5), "shares": (1.0,)},
                                   {"assignment": "area"}, {"entries": (4,), "shares": (-1.0,)}])
def test_a_design_that_is_none_is_refused(wrong):
    with pytest.raises(PlanError, match="simulated design"):
        SimulatedDesign(**({"n_treated": 5, "n_comparison": 5, "entries": (4,)} | wrong))


def test_entries_beyond_the_periods_and_unknown_effects_are_refused():
    with pytest.raises(PlanError, match="entry columns inside"):
        simulate_power(families(periods=8), STAGGERED, sizes=[0.0], estimate=PooledDiD(), rng=np.random.default_rng(1))
    with pytest.raises(PlanError, match="continuous, count or binary"):
        AddedEffect(outcome="rate")
