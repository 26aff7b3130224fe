"""Areas' gaps and their covariance, against weights worked out by hand and gaps of made-up councils whose changes are drawn again and again."""

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, placebo_gaps
from evaluation.models.area_effects import FEWEST_DRAWS, area_effects, weights_of
from evaluation.models.permutation import Null
from tests.matching.panels import panel_of

DID = MatchedDiD(base=-2, window=(-3, 1), anticipation=1)
MATCHER = NearestNeighbour(covariates=("x",), ratio=3, caliper=None)
AREAS = {"north": [0, 3, 6], "south": [1, 4, 7], "own10": [10], "own11": [11]}


def councils(y):
    """Sixty councils; two areas of three and two of one join in year 4, the two single ones alike in `x`, so that they share comparison councils."""
    n = len(y)
    area = np.array([f"own{i:02d}" for i in range(n)], dtype=object)
    entry, x = np.full(n, -1), np.linspace(-1.0, 1.0, n)
    for name, members in AREAS.items():
        area[members], entry[members] = name, 4
    x[11] = x[10]
    panel = panel_of(entry, {"y": y}, areas=area, x=x)
    panel.units["region"] = "all"
    return panel


def changes(rng, n=60):
    """Outcomes that move by independent steps of one size: the changes from base to headline are independent and scatter alike."""
    return np.cumsum(rng.normal(size=(n, 7)), axis=1)


def null(name, draws, estimate=0.0):
    return Null(outcome="y", name=name, estimate=estimate, draws=np.asarray(draws, dtype=float), p_value=1.0, lower=-1.0, upper=1.0, n_failed=0,
                n_councils=1)


def test_weights_are_those_of_the_gap():
    panel = councils(changes(np.random.default_rng(0)))
    sample, seen = MATCHER.fit(panel), np.ones(60, dtype=bool)
    found = {one.name: one for one in placebo_gaps(sample, MATCHER, DID, ("y",), quarters=(0, 1), n_draws=25, rng=np.random.default_rng(1))}
    y = panel.outcomes["y"]
    change = y[:, 4:6].mean(axis=1) - y[:, 2]
    for name, members in AREAS.items():
        weight = weights_of(sample, (panel.units["area"] == name).to_numpy(), seen)
        assert weight[members] == pytest.approx(1 / len(members)) and weight.sum() == pytest.approx(0)
        assert weight @ change == pytest.approx(found[name].estimate)


def test_a_unit_that_is_not_observed_has_no_weight_and_the_others_take_it():
    panel = councils(changes(np.random.default_rng(0)))
    sample, seen = MATCHER.fit(panel), np.ones(60, dtype=bool)
    seen[0] = False
    weight = weights_of(sample, (panel.units["area"] == "north").to_numpy(), seen)
    assert weight[0] == 0 and weight[[3, 6]] == pytest.approx(0.5)
    assert not weights_of(sample, (panel.units["area"] == "own10").to_numpy(), np.arange(60) != 10).any()


def test_the_covariance_is_that_of_gaps_drawn_again_and_again():
    rng, sample, seen = np.random.default_rng(5), MATCHER.fit(councils(changes(np.random.default_rng(0)))), np.ones(60, dtype=bool)
    weights = np.array([weights_of(sample, (sample.panel.units["area"] == name).to_numpy(), seen) for name in AREAS])
    drawn = weights @ np.array([(y := changes(rng))[:, 4:6].mean(axis=1) - y[:, 2] for _ in range(4000)]).T
    true = np.cov(drawn)
    noise = np.sqrt(np.diag(true))
    found = area_effects(sample, [null(name, rng.normal(scale=scale, size=20_000)) for name, scale in zip(AREAS, noise, strict=True)], seen)
    assert np.diag(found.covariance) == pytest.approx(np.diag(true), rel=0.05)
    correlation = found.covariance / np.sqrt(np.outer(np.diag(found.covariance), np.diag(found.covariance)))
    assert correlation == pytest.approx(np.corrcoef(drawn), abs=0.05)                      # 4,000 draws: a standard error of 0.016
    assert correlation[2, 3] > 0.2, "two areas with the same comparison councils move together"
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_noise_is_how_far_placebo_gaps_lie_from_zero_so_that_what_matching_leaves_is_in_it():
    sample, seen = MATCHER.fit(councils(changes(np.random.default_rng(0)))), np.ones(60, dtype=bool)
    found = area_effects(sample, [null(name, [1.0, 3.0] * 10) for name in AREAS], seen)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(np.sqrt(5.0))


def test_an_area_with_few_placebo_areas_or_none_observed_has_no_noise_and_shares_none():
    sample, seen = MATCHER.fit(councils(changes(np.random.default_rng(0)))), np.arange(60) != 11
    nulls = [null(name, np.ones(FEWEST_DRAWS - (name == "south"))) for name in AREAS]
    found = area_effects(sample, nulls, seen)
    assert np.isnan(np.diag(found.covariance)).tolist() == [False, True, False, True]
    assert not found.covariance[1, [0, 2, 3]].any() and found.n_treated.tolist() == [3, 3, 1, 0]
