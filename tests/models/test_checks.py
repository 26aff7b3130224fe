import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.matching.thresholds import Thresholds
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, MatchedLevels, TwoWay, UnmatchedDiD, event_study, overall
from evaluation.models.checks import estimates_by_base
from tests.matching.panels import simulated_panel

VERDICTS = {"passed", "failed", "not testable", "information"}


def given(sample, estimator=None, **changes):
    estimator = estimator or MatchedDiD()
    return CheckInput(sample=sample, estimator=estimator, effects=estimator.fit(sample, "y"), quarters=(0, 3), **changes)


@pytest.fixture(scope="module")
def sample():
    return NearestNeighbour(covariates=("x", "b")).fit(simulated_panel(500, effect=-0.3))


def _moved(sample, shift):
    """The sample with `shift(event time)` added to treated units' outcomes."""
    panel = sample.panel
    e = np.arange(panel.outcomes["y"].shape[1]) - panel.entry[:, None]
    y = panel.outcomes["y"] + np.where((panel.entry >= 0)[:, None], shift(e), 0.0)
    return dataclasses.replace(sample, panel=dataclasses.replace(panel, outcomes={"y": y}))


@pytest.mark.parametrize("name", list(CHECKS))
@pytest.mark.parametrize("estimator", [MatchedDiD(), MatchedLevels(), UnmatchedDiD(), GroupTimeATT(control="notyet"), TwoWay()])
def test_every_check_gives_a_verdict_or_says_why_not(name, estimator, sample):
    found = CHECKS[name](given(sample, estimator))
    assert found.name == name and found.verdict in VERDICTS
    assert (found.verdict == "not testable") == bool(found.reason)


def test_a_trend_before_entry_is_found(sample):
    assert CHECKS["pre_trend"](given(sample)).verdict == "passed"
    steep = CHECKS["pre_trend"](given(_moved(sample, lambda e: 0.3 * e)))
    assert steep.verdict == "failed" and steep.numbers["slope"] == pytest.approx(0.3, abs=0.08)


def test_the_pre_trend_test_is_a_hotelling_test_of_set_means(sample):
    """One cohort, no reuse: F equals the one-sample Hotelling statistic of the sets' differences before entry."""
    panel = simulated_panel(200, entries=(9, 10))
    sample = NearestNeighbour(covariates=("x",), ratio=1, replacement=False, caliper=None).fit(panel)
    found = CHECKS["pre_trend"](given(sample))
    y, times = panel.outcomes["y"], [-8, -7, -6, -5, -3, -2]
    gap = y[sample.treated_unit] - y[sample.comparison_unit]
    d = np.column_stack([gap[:, 9 + e] - gap[:, 5] for e in times])
    n, k = d.shape
    t2 = n * d.mean(axis=0) @ np.linalg.inv(np.cov(d.T)) @ d.mean(axis=0)
    assert found.numbers["f"] == pytest.approx(t2 * (n - k) / (k * (n - 1)))
    assert (found.numbers["df1"], found.numbers["df2"]) == (k, n - k)
    assert found.table["event_time"].tolist() == times


def test_periods_that_entered_the_score_are_not_tested(sample):
    some = CHECKS["pre_trend"](given(sample, matched_history=(-8, -7, -6)))
    assert some.table["event_time"].tolist() == [-5, -3, -2]
    none = CHECKS["pre_trend"](given(sample, matched_history=tuple(range(-8, 0))))
    assert none.verdict == "not testable" and "entered the score" in none.reason


def test_fewer_clusters_than_periods_is_not_testable():
    sample = NearestNeighbour(covariates=("x",), ratio=1, caliper=None).fit(simulated_panel(14, seed=5))
    found = CHECKS["pre_trend"](given(sample, cohorts=None))
    assert found.verdict == "not testable" and "clusters cannot test" in found.reason


def test_the_detectable_slopes_have_the_power_named():
    """scipy's non-central F at each slope; with the distances and the covariance of the effects tested, worked out from set means."""
    from scipy import stats
    panel = simulated_panel(200, entries=(9, 10))
    pairs = NearestNeighbour(covariates=("x",), ratio=1, replacement=False, caliper=None).fit(panel)
    found = CHECKS["pre_trend"](given(pairs)).numbers
    gap = panel.outcomes["y"][pairs.treated_unit] - panel.outcomes["y"][pairs.comparison_unit]
    times = np.array([-8, -7, -6, -5, -3, -2])
    d = gap[:, 9 + times] - gap[:, 5:6]
    n, k = d.shape
    t, precision = times + 4.0, np.linalg.inv(np.cov(d.T) / n)
    for end, power in (("", 0.8), ("_50", 0.5)):
        lack = found[f"slope_detectable{end}"] ** 2 * (t @ precision @ t)
        assert stats.ncf.sf(stats.f.ppf(0.95, k, n - k), k, n - k, lack) == pytest.approx(power, abs=1e-6)
        assert found[f"bias{end}"] == pytest.approx(found[f"slope_detectable{end}"] * (1.5 + 4))       # from the base to the middle of 0 to 3
    each = np.abs(d.mean(axis=0)) + stats.t.ppf(0.95, n - 1) * d.std(axis=0, ddof=1) / np.sqrt(n)
    assert found["bound"] == pytest.approx(each.max()) and found["bias_bound"] == pytest.approx(found["slope_bound"] * 5.5)


def test_a_dip_before_entry_is_found_and_measured(sample):
    assert CHECKS["dip"](given(sample)).verdict == "passed"
    found = CHECKS["dip"](given(_moved(sample, lambda e: np.where(e == -1, 0.8, 0.0))))
    assert found.verdict == "failed" and found.numbers["lower"] < 0.8 < found.numbers["upper"]


def test_the_base_table_shows_how_a_dip_moves_the_estimate(sample):
    found = CHECKS["base_period"](given(_moved(sample, lambda e: np.where(e == -1, 5.0, 0.0))))
    assert found.table["base"].tolist() == [-1, -2, -4, "pre_mean"]
    matched = found.table.set_index("base")["matched"]
    assert matched[-1] < matched[-2] - 4 and found.numbers["spread_matched"] > 4
    table = event_study(MatchedDiD().fit(sample, "y"), quarters=(0, 3))
    assert np.isfinite(table["estimate"]).all()


def test_a_base_inside_the_anticipation_leaves_it_the_periods_after_that_base(sample):
    found = estimates_by_base(given(sample, MatchedDiD(base=-4, anticipation=3)))
    assert list(found) == [-1, -2, -4, "pre_mean"]
    alone = MatchedDiD(base=-2, anticipation=1).fit(sample, "y")
    assert found[-2][0] == overall(alone, quarters=(0, 3))


@pytest.mark.parametrize("base", [-1, -2, -4, "pre_mean"])
def test_an_estimate_with_another_base_is_that_of_the_whole_window(base, sample):
    room = 0 if base == -1 else 1
    whole = [kind(base=base, window=(-8, 8), anticipation=room).fit(sample, "y") for kind in (MatchedDiD, UnmatchedDiD)]
    for found, wanted in zip(estimates_by_base(given(sample))[base], (overall(effects, quarters=(0, 3)) for effects in whole), strict=True):
        # the order in which columns are added up differs, nothing else
        assert (found.estimate, found.lower, found.upper) == pytest.approx((wanted.estimate, wanted.lower, wanted.upper), rel=1e-12)


@pytest.mark.parametrize("estimator", [MatchedLevels(), GroupTimeATT(control="notyet"), TwoWay()])
def test_an_estimator_without_a_base_to_move_has_no_row_under_another_base(estimator, sample):
    assert estimates_by_base(given(sample, estimator)) == {}


def test_balance_fails_at_its_target(sample):
    good = CHECKS["balance"](given(sample))
    assert good.verdict == "passed" and good.numbers["largest_after"] < 0.1 < good.numbers["largest_before"]
    strict = CHECKS["balance"](given(sample, limits=Thresholds(smd=good.numbers["largest_after"], variance_ratio=None)))
    assert strict.verdict == "failed" and strict.numbers["n_over"] == 1
    whole = CHECKS["balance"](given(sample, limits=Thresholds(ks=0.001)))
    assert whole.verdict == "failed" and "largest distance of distribution functions below 0.001" in whole.judged_by
    part = CHECKS["balance"](given(sample.keep(np.arange(sample.n_treated) < 20), limits=Thresholds(ks=0.001)))
    assert "distribution" not in part.judged_by and part.verdict in ("passed", "failed")      # what its own table holds is judged


def test_overlap_counts_who_was_left_out_and_why():
    sample = NearestNeighbour(covariates=("x",), caliper=0.001, replacement=False, ratio=1).fit(simulated_panel(200))
    numbers = CHECKS["overlap"](given(sample)).numbers
    left = sum(count for name, count in numbers.items() if name.startswith("dropped_"))
    assert left == numbers["n_treated"] - numbers["n_matched"] > 0
    assert numbers["share_matched"] == numbers["n_matched"] / numbers["n_treated"]
