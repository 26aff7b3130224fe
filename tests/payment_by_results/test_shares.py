"""Shares of matched families who meet the rule: worked examples, censoring, weights, intervals and Fieller's ratio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.payment_by_results.fieller import fieller
from evaluation.payment_by_results.results import Results
from evaluation.payment_by_results.shares import Side, fewest_of, matched_shares, share_met
from evaluation.periods import Periods

PERIODS = Periods.between("2011-Q1", "2013-Q4", kind="quarter")


def results(met, followed=None, claim_within=4):
    met, n = np.array(met), len(met)
    no = np.zeros(n, dtype=bool)
    followed = np.full(n, claim_within) if followed is None else np.array(followed)
    return Results(unit=np.arange(n), start=np.full(n, 4), applies={}, route=np.where(met > 0, 0, -1), met=met, followed=followed,
                   met_by={"a": (met, followed)}, aged_out=no, left=no, missing=no, claim_within=claim_within)


def sample(n_sets, ratio=1, comparison_unit=None):
    """Sets of one treated family and `ratio` comparison families."""
    n = n_sets * (1 + ratio)
    units = pd.DataFrame({"unit_id": [f"f{i:05d}" for i in range(n)], "council_code": "E1", "area": "E1", "pool": "", "entry": 4, "eligible_from": 0,
                          "eligible_to": 11})
    panel = Panel(unit="family", periods=PERIODS, units=units, outcomes={})
    none = pd.DataFrame({"unit": [], "entry": [], "reason": []})
    comparison = np.arange(n_sets, n) if comparison_unit is None else np.array(comparison_unit)
    return MatchedSample(panel=panel, method="by hand", set_entry=np.full(n_sets, 4), treated_unit=np.arange(n_sets), treated_set=np.arange(n_sets),
                         treated_weight=np.ones(n_sets), comparison_unit=comparison, comparison_set=np.repeat(np.arange(n_sets), ratio),
                         comparison_weight=np.full(n_sets * ratio, 1 / ratio), candidates=pd.DataFrame(), balance=pd.DataFrame(), dropped=none)


def side(met, followed, weight=None):
    n = len(met)
    return Side(unit=np.arange(n), set=np.arange(n), weight=np.ones(n) if weight is None else np.array(weight, dtype=float), met=np.array(met),
                followed=np.array(followed))


def test_shares_are_counts_when_everybody_is_followed():
    found = matched_shares(sample(4), results([2, 3, 0, 0]), results([4, 0, 0, 0]))
    assert (found.programme.estimate, found.comparison.estimate) == (pytest.approx(0.5), pytest.approx(0.25))
    assert (found.difference.estimate, found.ratio.value) == (pytest.approx(0.25), pytest.approx(0.5))


def test_a_family_that_is_lost_sight_of_gives_its_weight_to_those_still_followed():
    # five families: one meets in quarter 1; one is lost after it; of three still followed one meets in quarter 3: 1 - 4/5 * 2/3
    assert share_met(side([1, 0, 3, 0, 0], [4, 1, 4, 4, 4]), 4)[0] == pytest.approx(1 - 4 / 5 * 2 / 3)


def test_families_that_have_not_joined_count_for_those_as_likely_to_join():
    # two that may join with chance one half, of whom one does, and two that never do; one of the former meets the rule, none of the latter
    one = side([0, 2, 0, 0], [1, 4, 4, 4])
    staying = np.array([[1, 2, 2, 2], [1, 2, 2, 2], [1, 1, 1, 1], [1, 1, 1, 1]])
    assert share_met(one, 4)[0] == pytest.approx(1 / 3)
    assert share_met(replace(one, staying=staying), 4)[0] == pytest.approx(2 / 4)              # both of the former would have
    assert share_met(replace(one, staying=np.ones((4, 4))), 4)[0] == share_met(one, 4)[0]


def test_weights_against_joining_recover_the_share_where_records_tell_who_joins():
    rng, n, claim_within = np.random.default_rng(5), 40_000, 4
    troubled = rng.random(n) < 0.5
    meets = np.where(rng.random(n) < np.where(troubled, 0.3, 0.7), rng.integers(1, 5, size=n), 0)
    chance = np.where(troubled, 0.25, 0.05)                                                     # of joining in a quarter
    joins = np.argmax(np.c_[rng.random((n, claim_within)) < chance[:, None], np.ones(n, dtype=bool)], axis=1)
    followed = joins                                                                            # until the quarter before
    lost = (meets == 0) | (meets > followed)
    rows = followed > 0
    one = side(np.where(lost, 0, meets)[rows], np.where(lost, followed, claim_within)[rows])
    staying = ((1 - chance)[:, None] ** -np.arange(1.0, claim_within + 1))[rows]
    truth, error = (meets > 0).mean(), (0.5 * 0.5 / n) ** 0.5
    assert share_met(one, claim_within)[0] - truth > 8 * error
    assert abs(share_met(replace(one, staying=staying), claim_within)[0] - truth) < 4 * error


def test_set_weights_count_comparison_families_in_parts():
    found = matched_shares(sample(2, ratio=2), results([1, 0]), results([1, 0, 0, 0]))
    assert found.comparison.estimate == pytest.approx(0.25)


def test_a_family_followed_for_no_time_leaves_its_set_and_an_emptied_set_leaves_both_sides():
    found = matched_shares(sample(3, ratio=2), results([1, 0, 1]), results([1, 0, 0, 0, 0, 0], followed=[4, 0, 4, 4, 0, 0]))
    assert found.programme.n_treated == 2                                              # the third set has nobody to compare with
    assert found.programme.estimate == pytest.approx(0.5)
    assert found.comparison.estimate == pytest.approx(0.5)                             # set 1: the one who is left met; set 2: neither


def test_the_bound_counts_those_lost_sight_of_as_not_meeting_the_rule():
    found = matched_shares(sample(4), results([1, 0, 0, 0]), results([1, 0, 0, 0], followed=[4, 2, 4, 4]))
    assert found.comparison.estimate == pytest.approx(0.25) and found.joined == pytest.approx(0.25)
    later = matched_shares(sample(4), results([1, 0, 0, 0]), results([3, 0, 0, 0], followed=[4, 2, 4, 4]))
    assert later.comparison.estimate == pytest.approx(1 / 3) and later.joined == pytest.approx(0.25)
    assert later.n_lost == 1


def test_standard_errors_are_those_of_a_share_without_sets_that_share_families():
    rng = np.random.default_rng(1)
    met = (rng.random(400) < 0.3).astype(int)
    found = matched_shares(sample(400), results(met), results(np.roll(met, 1)))
    p = met.mean()
    assert found.programme.std_error == pytest.approx(np.sqrt(p * (1 - p) / 399), rel=1e-9)


def test_the_kaplan_meier_error_agrees_with_greenwoods_formula():
    rng = np.random.default_rng(2)
    n = 500
    event, lost = rng.integers(1, 9, n), rng.integers(1, 9, n)
    met = np.where((event <= 4) & (event <= lost), event, 0)
    followed = np.where(met > 0, 4, np.minimum(lost, 4))
    value, influence = share_met(side(met, followed), 4)
    at_risk = np.array([((followed >= t) & ((met == 0) | (met >= t))).sum() for t in range(1, 5)])
    d = np.array([(met == t).sum() for t in range(1, 5)])
    greenwood = (1 - value) * np.sqrt((d / (at_risk * (at_risk - d))).sum())
    assert np.sqrt((influence**2).sum()) == pytest.approx(greenwood, rel=1e-9)
    assert influence.sum() == pytest.approx(0, abs=1e-12)


def test_a_comparison_family_in_several_sets_makes_the_interval_wider():
    met = np.tile([1, 0], 20)
    once = matched_shares(sample(40), results(met), results(np.tile([1, 0, 0, 0], 10)))
    shared = matched_shares(sample(40, comparison_unit=40 + np.tile([0, 1, 2, 3], 10)), results(met), results(np.tile([1, 0, 0, 0], 10)))
    assert shared.comparison.estimate == once.comparison.estimate
    assert shared.comparison.std_error > 2 * once.comparison.std_error
    assert shared.comparison.n_comparison == 4


def test_the_interval_of_a_share_stays_inside_nought_and_one():
    found = matched_shares(sample(30), results([1] + [0] * 29), results([1] * 29 + [0]))
    assert 0 < found.programme.lower < found.programme.upper < 1 and 0 < found.comparison.lower < found.comparison.upper < 1


def test_everybody_meeting_the_rule_has_no_interval_and_says_so():
    found = matched_shares(sample(30), results([1] * 30), results([1] * 15 + [0] * 15))
    assert found.programme.estimate == 1 and "everybody or nobody" in found.programme.reason


def test_nobody_followed_is_a_reason_not_a_number():
    found = matched_shares(sample(3), results([0, 0, 0], followed=[0, 0, 0]), results([0, 0, 0]))
    assert np.isnan(found.difference.estimate) and found.reason


def test_the_order_of_members_does_not_matter():
    rng = np.random.default_rng(3)
    met, other = rng.integers(0, 5, 60), rng.integers(0, 5, 60)
    there = matched_shares(sample(60), results(met), results(other))
    order = rng.permutation(60)
    mixed = sample(60, comparison_unit=60 + order)
    back = matched_shares(mixed, results(met[order]), results(other[order]))
    assert back.difference.estimate == pytest.approx(there.difference.estimate)
    assert back.difference.std_error == pytest.approx(there.difference.std_error)


def test_few_families_with_or_without_a_result_are_counted_once_each():
    assert fewest_of(side([1, 0, 0, 2], [4, 4, 4, 4])) == 2
    assert fewest_of(Side(unit=np.array([0, 0, 1]), set=np.arange(3), weight=np.ones(3), met=np.array([1, 1, 0]), followed=np.full(3, 4))) == 1


# ---- Fieller


def test_fieller_holds_all_ratios_that_a_test_would_not_reject():
    top, bottom, covariance, t = 0.45, 0.50, np.array([[4e-4, 1e-4], [1e-4, 4e-4]]), 1.96
    found = fieller(top, bottom, covariance, t)
    for r in (found.lower, found.upper):
        se = np.sqrt(covariance[0, 0] - 2 * r * covariance[0, 1] + r**2 * covariance[1, 1])
        assert abs(top - r * bottom) / se == pytest.approx(t)


def test_fieller_is_near_the_delta_method_when_the_lower_number_is_sure():
    found = fieller(0.4, 0.8, np.diag([1e-4, 1e-6]), 1.96)
    se = np.sqrt(1e-4 + 0.25 * 1e-6) / 0.8
    assert (found.upper - found.lower) / 2 == pytest.approx(1.96 * se, rel=1e-3)


def test_fieller_gives_no_limits_where_the_lower_number_may_be_nought():
    found = fieller(0.3, 0.05, np.diag([1e-3, 1e-3]), 1.96)
    assert np.isnan(found.lower) and "cannot be told from 0" in found.reason
    assert fieller(0.3, 0.0, np.diag([1e-3, 1e-3]), 1.96).reason


def test_fieller_covers_the_true_ratio_as_often_as_it_should():
    rng, hits, runs = np.random.default_rng(4), 0, 2000
    for _ in range(runs):
        top, bottom = 0.2 + 0.05 * rng.normal(), 0.3 + 0.06 * rng.normal()
        found = fieller(top, bottom, np.diag([0.05**2, 0.06**2]), norm.ppf(0.975))
        hits += found.lower <= 0.2 / 0.3 <= found.upper
    assert hits / runs == pytest.approx(0.95, abs=3.3 * np.sqrt(0.95 * 0.05 / runs))


def test_strata_are_taken_as_fixed_and_families_are_the_clusters():
    from dataclasses import replace

    rng = np.random.default_rng(5)
    met, other = (rng.random((2, 60)) < 0.4).astype(int)
    pairs = sample(60)
    strata = replace(pairs, kind="strata", set_entry=np.array([4]), treated_set=np.zeros(60, dtype=int), comparison_set=np.zeros(60, dtype=int))
    found = matched_shares(strata, results(met), results(other))
    p, q = met.mean(), other.mean()
    assert found.difference.std_error == pytest.approx(np.sqrt((p * (1 - p) + q * (1 - q)) / 60 * 120 / 119))
    assert found.difference.df == 59 and found.difference.clusters == "units"
