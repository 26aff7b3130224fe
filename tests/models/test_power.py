import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, minimum_detectable_effect, overall
from evaluation.models.power import detectable_before, needed_quarters, needed_units, planned_std_error, power_at
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_matched_did import sample_of


def matched(seed=3, **options):
    return NearestNeighbour(covariates=("x", "b"), ratio=2).fit(simulated_panel(seed=seed, **options))


@pytest.fixture(scope="module")
def long_history():
    return matched(n=500, n_periods=24, entries=(12, 16))


def own_pairs(y, entry):
    """Every joining unit with a never treated one of its own, for outcomes made by hand."""
    entry = np.asarray(entry)
    joined, never = np.flatnonzero(entry >= 0), np.flatnonzero(entry < 0)
    return sample_of(panel_of(entry, {"y": y}, unit="family"), {int(t): [int(c)] for t, c in zip(joined, never, strict=True)})


def test_the_minimum_detectable_effect_is_that_of_the_normal_and_of_t():
    assert minimum_detectable_effect(2.0) == pytest.approx(2 * (1.959963985 + 0.841621234), rel=1e-8)
    assert minimum_detectable_effect(1.0, 15) > minimum_detectable_effect(1.0, 60) > minimum_detectable_effect(1.0)
    assert all(math.isnan(minimum_detectable_effect(*none)) for none in ((0.0,), (math.nan,), (1.0, 0)))


@pytest.mark.parametrize("n", [9, 16, 50, 300])
def test_power_equals_statsmodels(n):
    from statsmodels.stats.power import TTestIndPower, TTestPower
    effects = np.array([0.1, 1.0, 2.0, 3.5]) / math.sqrt(n)    # beyond, statsmodels gives NaN
    one = [TTestPower().power(effect, n, 0.05, df=n - 1) for effect in effects]
    np.testing.assert_allclose(power_at(effects, 1 / math.sqrt(n), n - 1), one, rtol=1e-7)
    two = [TTestIndPower().power(effect, n, 0.05, df=3 * n - 2, ratio=2) for effect in effects]
    np.testing.assert_allclose(power_at(effects, planned_std_error(1.0, n, ratio=2), 3 * n - 2), two, rtol=1e-7)


@pytest.mark.parametrize("df", [8, 20, 100])
def test_the_minimum_detectable_effect_has_eighty_per_cent_power_by_the_non_central_t(df):
    assert power_at(minimum_detectable_effect(1.3, df), 1.3, df) == pytest.approx(0.8, abs=0.01)
    from statsmodels.stats.power import TTestPower
    exact = TTestPower().solve_power(nobs=df + 1, alpha=0.05, power=0.8) * math.sqrt(df + 1)
    assert minimum_detectable_effect(1.0, df) == pytest.approx(exact, rel=0.02)


def test_power_without_an_effect_is_the_size_and_both_directions_count_alike():
    assert power_at(0.0, 1.0, 12) == pytest.approx(0.05) and power_at(-2.0, 1.0, 12) == power_at(2.0, 1.0, 12)
    assert power_at(0.0, 1.0, size=0.01) == pytest.approx(0.01)


def test_power_equals_simulated_t_tests():
    rng = np.random.default_rng(1)
    from scipy.stats import t
    x = rng.normal(0.8, 1.0, (40000, 10))
    statistic = x.mean(axis=1) / (x.std(axis=1, ddof=1) / math.sqrt(10))
    assert power_at(0.8, 1 / math.sqrt(10), 9) == pytest.approx((np.abs(statistic) > t.ppf(0.975, 9)).mean(), abs=0.01)     # 4 Monte Carlo errors


def test_a_planned_error_is_that_of_simulated_equal_clusters():
    rng, m, clusters, rho = np.random.default_rng(2), 20, 24, 0.1
    shocks = rng.normal(0, math.sqrt(rho), (4000, 2 * clusters, 1)) + rng.normal(0, math.sqrt(1 - rho), (4000, 2 * clusters, m))
    gap = shocks[:, :clusters].mean(axis=(1, 2)) - shocks[:, clusters:].mean(axis=(1, 2))
    # a standard deviation of 4,000 runs has an error of 1.1%
    assert planned_std_error(1.0, m * clusters, cluster_size=m, intracluster=rho) == pytest.approx(gap.std(), rel=0.04)


def test_needed_units_are_the_fewest_that_see_the_effect():
    n = needed_units(-0.3, 0.5, 40)

    def mde(k):
        return minimum_detectable_effect(0.5 * math.sqrt(40 / k), 39 * k / 40)

    assert mde(n) <= 0.3 < mde(n - 1)
    from statsmodels.stats.power import TTestPower
    exact = TTestPower().solve_power(effect_size=0.3 / (0.5 * math.sqrt(40)), alpha=0.05, power=0.8)
    assert n == pytest.approx(exact, rel=0.01)
    assert needed_units(10.0, 0.5, 40) <= 5 and needed_units(0.3, 0.5, 40, df=math.inf) < n
    with pytest.raises(PlanError, match="effect other than 0"):
        needed_units(0.0, 0.5, 40)


def test_needed_quarters_are_the_fewest_and_none_where_more_do_not_help():
    covariance = 0.04 * (0.5 + 0.5 * np.eye(6))                # mean of k: 0.04 (0.5 + 0.5 / k); at k = 2: 0.03
    assert needed_quarters(minimum_detectable_effect(math.sqrt(0.03)), covariance) == 2
    assert needed_quarters(minimum_detectable_effect(math.sqrt(0.0301)), covariance) == 2
    assert needed_quarters(minimum_detectable_effect(math.sqrt(0.0299)), covariance) == 3
    assert needed_quarters(minimum_detectable_effect(math.sqrt(0.02)), covariance) is None


def test_the_placebo_before_entry_reads_nothing_at_or_after_entry(long_history):
    panel = long_history.panel
    y = panel.outcomes["y"]
    latest = np.zeros(len(y))                                  # entry of a family's latest set; families in no set are poisoned throughout
    np.maximum.at(latest, long_history.comparison_unit, long_history.comparison_entry)
    latest[long_history.treated_unit] = long_history.treated_entry
    after = np.arange(y.shape[1]) >= latest[:, None]
    before = detectable_before(long_history, "y")
    for poison in (np.nan, np.inf, 1e9):
        sample = replace(long_history, panel=replace(panel, outcomes={"y": np.where(after, poison, y)}))
        found = detectable_before(sample, "y")
        assert (found.mde, found.df, found.n_treated) == (before.mde, before.df, before.n_treated)
        np.testing.assert_array_equal(found.covariance, before.covariance)
    assert np.isfinite(before.mde)


def test_a_seal_by_date_is_kept_for_every_unit(long_history):
    y = long_history.panel.outcomes["y"]
    first = int(long_history.set_entry.min())
    before = detectable_before(long_history, "y", sealed_from=first)
    poisoned = np.where(np.arange(y.shape[1]) >= first, np.inf, y)
    found = detectable_before(replace(long_history, panel=replace(long_history.panel, outcomes={"y": poisoned})), "y", sealed_from=first)
    assert found.mde == before.mde and np.isfinite(found.mde)


def test_the_number_before_foretells_the_one_after_where_nothing_changes(long_history):
    before, after = detectable_before(long_history, "y"), overall(MatchedDiD().fit(long_history, "y"))
    assert before.df == after.df and before.n_treated == after.n_treated and before.clusters == after.clusters
    assert before.mde == pytest.approx(minimum_detectable_effect(after.std_error, after.df), rel=0.2)
    assert before.shift == 6 and before.quarters == (1, 4) and before.caution == ""


def test_it_foretells_the_right_number_on_average_in_a_simulation():
    ratios = []
    for seed in range(12):
        sample = matched(seed=seed, n=260, n_periods=22, entries=(12, 14))
        ratios.append(detectable_before(sample, "y").std_error / overall(MatchedDiD().fit(sample, "y")).std_error)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)     # each has an error of about 0.08


def test_by_hand_the_standard_error_is_that_of_the_placebo_changes_of_pairs():
    rng = np.random.default_rng(0)
    entry = np.repeat([12, -1], 15)
    y = rng.normal(size=(30, 18))
    found = detectable_before(own_pairs(y, entry), "y", base=-4, quarters=(1, 4))
    # moved back by 6: base in column 2, after in columns 7 to 10; entry is 12, anticipation 11
    change = y[:, 7:11].mean(axis=1) - y[:, 2]
    gaps = change[:15] - change[15:]
    assert found.std_error == pytest.approx(gaps.std(ddof=1) / math.sqrt(15), rel=1e-12)
    assert found.df == 14 and found.mde == pytest.approx(minimum_detectable_effect(found.std_error, 14))
    by_quarter = np.column_stack([y[:, 6 + e] - y[:, 2] for e in range(1, 5)])
    np.testing.assert_allclose(found.covariance, np.cov((by_quarter[:15] - by_quarter[15:]).T) / 15, rtol=1e-10)


def test_levels_have_their_own_number():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(30, 18))
    found = detectable_before(own_pairs(y, np.repeat([12, -1], 15)), "y", base=None, quarters=(1, 4))
    gaps = y[:15, 7:11].mean(axis=1) - y[15:, 7:11].mean(axis=1)
    assert found.std_error == pytest.approx(gaps.std(ddof=1) / math.sqrt(15), rel=1e-12)


def test_cohorts_with_too_short_a_history_are_made_up_for_in_proportion_and_said():
    rng = np.random.default_rng(5)
    entry = np.concatenate([np.repeat([8, 13], [10, 20]), np.full(30, -1)])
    y = rng.normal(size=(60, 20))
    found = detectable_before(own_pairs(y, entry), "y")
    change = y[:, 8:12].mean(axis=1) - y[:, 3]                 # cohort 13 only: moved to 7
    gaps = change[10:30] - change[40:60]
    assert found.std_error == pytest.approx(gaps.std(ddof=1) / math.sqrt(20) * math.sqrt(20 / 30), rel=1e-12)
    assert (found.n_placebo, found.n_treated, found.df) == (20, 30, 29) and "67% of the treated" in found.caution


def test_a_short_history_takes_fewer_quarters_and_says_so_and_none_gives_the_reason():
    rng = np.random.default_rng(6)
    entry, y = np.repeat([8, -1], 15), rng.normal(size=(30, 14))
    found = detectable_before(own_pairs(y, entry), "y")
    assert found.quarters == (1, 2) and "2 periods instead of 4" in found.caution and np.isfinite(found.mde)
    none = detectable_before(own_pairs(y, np.repeat([5, -1], 15)), "y")
    assert math.isnan(none.mde) and "too few for a placebo" in none.reason and none.df == 14


def test_one_pair_has_no_standard_error_and_says_so():
    found = detectable_before(own_pairs(np.zeros((2, 20)), [12, -1]), "y")
    assert math.isnan(found.mde) and "design has no standard error" in found.reason


def test_the_mean_of_earlier_periods_and_areas_are_followed(long_history):
    pre_mean = detectable_before(long_history, "y", base="pre_mean")
    assert pre_mean.mde < detectable_before(long_history, "y").mde               # a mean of seven varies less than one period
    areas = detectable_before(long_history, "y", assignment="area")
    assert areas.clusters == "areas" and areas.df == overall(MatchedDiD().fit(long_history, "y"), assignment="area").df


@pytest.mark.parametrize("options", [{"base": 2}, {"base": -1, "anticipation": 1}, {"quarters": (4, 1)}, {"quarters": (-3, -1)}])
def test_a_design_that_contradicts_itself_is_refused(long_history, options):
    with pytest.raises(PlanError, match="Mend the plan"):
        detectable_before(long_history, "y", **options)
