"""Equivalence and power of pre-trend tests, against R pretrends, scipy and simulation."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import foldnorm, multivariate_normal, ncf, t

from evaluation.errors import EstimationError, PlanError
from evaluation.models.equivalence import EffectsBefore, equivalence, inside_box, pre_trend_power

R = json.loads((Path(__file__).parents[1] / "reference" / "rbounds" / "pretrends.json").read_text())
SIGMA = np.array(R["sigma"])
HE_WANG = EffectsBefore(event_times=np.array([-4, -3, -2]), base=-1, estimates=np.array(R["beta"][:3]), covariance=SIGMA[:3, :3])
RTOL_SLOPE = 5e-4           # R integrates by quasi Monte Carlo and prints 0.05205 in one run and 0.05206 in another
ATOL_BOX = 3e-4


def test_slopes_that_would_be_seen_equal_r_pretrends():
    found = pre_trend_power(HE_WANG, reach=1, powers=R["power"])
    assert found.slope_any == pytest.approx(R["slope"], rel=RTOL_SLOPE)
    assert found.slope_any[0] == pytest.approx(R["readme"]["slope50"], rel=RTOL_SLOPE)


@pytest.mark.parametrize("after", range(4))
def test_bias_among_studies_that_pass_equals_what_pretrends_prints(after):
    found = pre_trend_power(HE_WANG, reach=after + 1, with_headline=SIGMA[3 + after, :3], powers=[0.5])
    assert found.bias_any_if_passed[0] == pytest.approx(R["readme"]["meanAfterPretesting_post"][after], rel=RTOL_SLOPE)


@pytest.mark.parametrize(("k", "rho"), [(1, 0.0), (3, 0.9), (8, 0.5), (12, 0.9)])
def test_probabilities_of_a_box_equal_scipys(k, rho):
    v, mean, half = (1 - rho) * np.eye(k) + rho, -0.2 * np.arange(1, k + 1), np.full(k, 1.96)
    expected = multivariate_normal.cdf(half, mean, v, lower_limit=-half, maxpts=200_000 * k, abseps=1e-6, releps=1e-6, rng=np.random.default_rng(0))
    assert inside_box(mean, v, half)[0] == pytest.approx(expected, abs=ATOL_BOX)


def test_the_mean_inside_a_box_equals_simulation():
    v, mean, half = np.array([[1.0, 0.6], [0.6, 2.0]]), np.array([0.5, -1.0]), np.array([1.5, 2.0])
    draws = np.random.default_rng(3).multivariate_normal(mean, v, size=400_000)
    kept = draws[(np.abs(draws) < half).all(axis=1)]
    assert inside_box(mean, v, half)[1] == pytest.approx(kept.mean(axis=0), abs=0.01)


def test_the_joint_test_has_the_power_asked_for():
    found = pre_trend_power(replace(HE_WANG, df=20), reach=2, powers=[0.5, 0.8])
    precision, distance = np.linalg.inv(SIGMA[:3, :3]), np.array([-3, -2, -1])
    nc = found.slope_joint ** 2 * (distance @ precision @ distance)
    critical = ncf.ppf(0.95, 3, 18, 0)
    assert ncf.sf(critical, 3, 18, nc) == pytest.approx([0.5, 0.8], abs=1e-6)
    assert found.bias_joint == pytest.approx(2 * found.slope_joint)


def test_fewer_degrees_of_freedom_hide_steeper_drifts():
    many, few = (pre_trend_power(replace(HE_WANG, df=df), reach=1) for df in (np.inf, 6))
    assert (few.slope_any > many.slope_any).all()
    assert (few.slope_joint > many.slope_joint).all()
    assert np.isnan(pre_trend_power(replace(HE_WANG, df=2), reach=1).slope_joint).all()


def test_equivalence_of_two_periods_by_hand():
    """Errors 1 and 2, no covariance, t of 95% at 10 df 1.8125: max(0.5 + 1.8125, 1 + 3.625); mean 0.25 with error sqrt(5) / 2."""
    before = EffectsBefore(event_times=np.array([-2, -1]), base=-3, estimates=np.array([-0.5, 1.0]), covariance=np.diag([1.0, 4.0]), df=10)
    found = equivalence(before, reach=4, asked=4.0)
    q = t.ppf(0.95, 10)
    assert found.every == pytest.approx(1 + 2 * q)
    assert found.average == pytest.approx(0.25 + q * np.sqrt(5) / 2)
    assert found.slope == pytest.approx((1 * -0.5 / 1 + 2 * 1.0 / 4) / (1 / 1 + 4 / 4))
    assert found.slope_bound == pytest.approx(abs(found.slope) + q * 2 ** -0.5)
    assert found.bias_bound == pytest.approx(4 * found.slope_bound)
    assert found.p_value == pytest.approx(max(t.cdf(-3.5, 10), t.cdf(-1.5, 10)))


def test_the_p_value_at_the_smallest_bound_is_the_size():
    before = replace(HE_WANG, df=15)
    assert equivalence(before, reach=1, asked=equivalence(before, reach=1).every).p_value == pytest.approx(0.05)


def test_the_folded_bound_is_that_of_scipys_folded_normal_and_never_larger():
    found = equivalence(HE_WANG, reach=1)
    b, s = np.abs(HE_WANG.estimates), HE_WANG.std_errors()
    tails = foldnorm.cdf(b / s, found.every_folded / s)
    assert tails.max() == pytest.approx(0.05, abs=1e-6)
    assert found.every_folded <= found.every


def test_equivalence_is_claimed_wrongly_no_more_often_than_its_size():
    """2,000 studies with one effect exactly at the bound; 6.5% is the 99.9% limit of a true 5%."""
    rng, bound = np.random.default_rng(8), 0.25
    truth = np.array([-bound, 0.0, 0.0])
    draws = rng.multivariate_normal(truth, SIGMA[:3, :3], size=2_000)
    q = 1.6448536
    claimed = (np.abs(draws) + q * HE_WANG.std_errors() <= bound).all(axis=1)
    same = [equivalence(replace(HE_WANG, estimates=b), reach=1).every <= bound for b in draws[:100]]
    assert same == claimed[:100].tolist()
    assert claimed.mean() <= 0.065


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: equivalence(HE_WANG, reach=1, asked=-1), PlanError, "at least 0"), (lambda: replace(HE_WANG, base=-2), PlanError, "other than the base"),
    (lambda: pre_trend_power(HE_WANG, reach=1, powers=[0.01]), PlanError, "power"),
    (lambda: replace(HE_WANG, covariance=np.zeros((3, 3))), EstimationError, "above 0"),
    (lambda: equivalence(replace(HE_WANG, covariance=np.ones((3, 3))), reach=1), EstimationError, "fewer clusters than periods")])
def test_what_cannot_be_tested_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
