"""Rosenbaum bounds, against R rbounds, sensitivitymv and DOS2, and against enumeration of hidden differences."""
from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from evaluation.errors import EstimationError, PlanError
from evaluation.models.rosenbaum import EXACT_UP_TO, hodges_lehmann_bounds, matched_set_bounds, sign_bounds, signed_rank_bounds
from evaluation.models.rosenbaum_tails import exact_rank_tail, normal_rank_tail, ranks, set_moments

HERE = Path(__file__).parents[1] / "reference" / "rbounds"
R = json.loads((HERE / "results.json").read_text())
LEAD = pd.read_csv(HERE / "lead.csv")
SETS = pd.read_csv(HERE / "sets.csv")
LEAD_DIFFERENCES = (LEAD["exposed"] - LEAD["control"]).to_numpy(dtype=float)
FOUR, FIVE = 0.51e-4, 0.51e-5      # R prints so many decimals


def test_normal_bounds_of_the_signed_rank_test_equal_rbounds():
    d = LEAD_DIFFERENCES[LEAD_DIFFERENCES != 0]
    rank = ranks(np.abs(d))
    found = [normal_rank_tail(rank, rank[d > 0].sum(), gamma / (1 + gamma)) for gamma in R["psens"]["gamma"]]
    assert found == pytest.approx(R["psens"]["upper"], abs=FOUR)


def test_exact_bounds_of_the_signed_rank_test_equal_dos2():
    found = signed_rank_bounds(np.array(R["exact"]["differences"]), R["exact"]["gamma"], alternative="greater")
    assert found.p_upper == pytest.approx(R["exact"]["pval"], abs=1e-12)


def test_exact_bounds_equal_the_enumeration_of_all_signs():
    rank, chance = np.array([1, 2.5, 2.5, 4, 5]), 0.7
    expected = sum(np.prod(np.where(signs, chance, 1 - chance)) for signs in itertools.product([True, False], repeat=5)
                   if rank[list(signs)].sum() >= 9)
    assert exact_rank_tail(rank, 9.0, chance) == pytest.approx(expected)


def test_exact_and_normal_tails_meet_where_one_takes_over_from_the_other():
    rank = np.arange(1.0, EXACT_UP_TO + 1)
    for chance in (0.5, 2 / 3):
        statistic = chance * rank.sum() + 1.7 * np.sqrt(chance * (1 - chance) * (rank ** 2).sum())
        assert normal_rank_tail(rank, statistic, chance) == pytest.approx(exact_rank_tail(rank, statistic, chance), abs=2.5e-3)


def test_bounds_of_the_sign_test_equal_rbounds_of_one_pair_more():
    """rbounds gives P(B > 110) of 122 pairs: that is P(B >= 111)."""
    found = sign_bounds(111, 11, R["binarysens"]["gamma"], alternative="greater")
    assert found.p_upper == pytest.approx(R["binarysens"]["upper"], abs=FIVE)
    assert found.p_lower == pytest.approx(R["binarysens"]["lower"], abs=FIVE)


def test_three_pairs_all_for_the_programme_by_hand():
    """p = (Gamma / (1 + Gamma))^3: 1/8 at 1, 8/27 at 2; doubled for two sides."""
    found = sign_bounds(3, 0, [1, 2], size=0.5)
    assert found.p_upper == pytest.approx([2 / 8, 16 / 27])
    assert found.p_lower == pytest.approx([2 / 8, 2 / 27])
    assert found.gamma == pytest.approx(0.25 ** (1 / 3) / (1 - 0.25 ** (1 / 3)))


def test_hodges_lehmann_bounds_equal_rbounds():
    """hlsens walks in steps of 0.001, and stops at the end of a stretch of equal statistics at Gamma 1 and 2, where ours takes the middle."""
    found = hodges_lehmann_bounds(LEAD_DIFFERENCES, R["hlsens"]["gamma"])
    assert found[:, 0] == pytest.approx([15, 10.25, 8, 6.5, 5], abs=1e-6)
    assert found[:, 1] == pytest.approx([15, 19.5, 23, 25, 26.5], abs=1e-6)
    assert found[2:, 0] == pytest.approx(R["hlsens"]["lower"][2:], abs=2e-3)
    assert found[1:, 1] == pytest.approx(R["hlsens"]["upper"][1:], abs=2e-3)


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_bounds_of_matched_sets_equal_sensitivitymv(alternative):
    found = matched_set_bounds(SETS["outcome"], SETS["treated"] == 1, SETS["set"], R["senmv"]["gamma"], alternative=alternative)
    assert found.p_upper == pytest.approx(R["senmv"][alternative], rel=1e-9, abs=1e-15)


def test_bounds_of_matched_sets_hold_for_every_hidden_difference():
    """Over all 0-1 hidden variables of one set of three, the largest and least mean of the treated score are the bounds."""
    outcome, gamma = np.array([[4.0, 1.0, 2.5]]), 3.0
    scores = outcome[0] - (outcome.sum() - outcome[0]) / 2
    means = []
    for hidden in itertools.product([0, 1], repeat=3):
        odds = gamma ** np.array(hidden)
        means.append(float(odds @ scores / odds.sum()))
    _, low, high, *_ = set_moments(outcome, gamma)
    assert [low, high] == pytest.approx([min(means), max(means)])


def test_for_pairs_the_set_mean_is_the_permutational_t():
    d = np.array([3.0, -1.0, 2.0, 4.0])
    found = matched_set_bounds(np.column_stack([d, np.zeros(4)]).ravel(), np.tile([True, False], 4), np.repeat(np.arange(4), 2), [1.0],
                               alternative="greater")
    assert found.p_upper[0] == pytest.approx(float(ndtr(-8 / np.sqrt(30))))        # sum 8, variance the sum of squares 30


@pytest.mark.parametrize("find", [
    lambda gammas: sign_bounds(30, 9, gammas), lambda gammas: signed_rank_bounds(LEAD_DIFFERENCES, gammas),
    lambda gammas: matched_set_bounds(SETS["outcome"], SETS["treated"] == 1, SETS["set"], gammas)])
def test_at_the_gamma_reported_the_upper_bound_is_five_percent(find):
    at = find([1.0]).gamma
    assert find([at]).p_upper[0] == pytest.approx(0.05, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5).map(lambda x: round(x, 1)).filter(bool), min_size=3, max_size=25), st.floats(1, 6))
def test_bounds_enclose_the_randomised_p_value_and_turn_with_the_sign(values, gamma):
    d = np.array(values)
    found, turned = signed_rank_bounds(d, [1.0, gamma]), signed_rank_bounds(-d, [1.0, gamma])
    assert found.p_lower[1] - 1e-12 <= found.p_upper[0] <= found.p_upper[1] + 1e-12
    assert found.p_upper == pytest.approx(turned.p_upper)


def test_no_gamma_is_reported_for_a_finding_that_chance_explains_already():
    assert np.isnan(sign_bounds(5, 5).gamma)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: sign_bounds(3, 1, [0.5]), PlanError, "at least 1"), (lambda: sign_bounds(0, 0), EstimationError, "discordant"),
    (lambda: sign_bounds(3, 1, alternative="more"), PlanError, "alternative"), (lambda: signed_rank_bounds(np.zeros(3)), EstimationError, "differ"),
    (lambda: matched_set_bounds(np.ones(3), np.array([True, True, False]), np.zeros(3, dtype=int)), EstimationError, "one treated"),
    (lambda: matched_set_bounds(np.ones(1), np.array([True]), np.zeros(1, dtype=int)), EstimationError, "comparison unit")])
def test_what_cannot_be_bounded_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
