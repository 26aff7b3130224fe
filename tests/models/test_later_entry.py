"""Comparison units that have not joined, counted by the inverse of their chance of that."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models import MatchedDiD, MatchedLevels, overall
from evaluation.models.later_entry import CHANCE_OF_JOINING, TRUNCATED_AT, inverse_of_staying, with_chances, with_chances_of_joining
from tests.matching.panels import panel_of
from tests.models.test_matched_did import cell, sample_of
from tests.models.valid import assert_valid_effects

WITHIN = 3.5       # Monte Carlo standard errors
START, PERIODS = 4, 10
WEIGHT = MatchedDiD(base=-1, window=(-1, 2), anticipation=0, on_later_entry="weight")


def world(seed: int, *, n: int = 200, ratio: int = 3, slope: float = 1.2) -> MatchedSample:
    """Nothing changes at entry. A state on record, `x`, moves the outcome; comparison families join more often after a quarter of high `x`."""
    rng = np.random.default_rng(seed)
    size = n * (1 + ratio)
    x = np.empty((size, PERIODS))
    x[:, 0] = rng.normal(size=size)
    for t in range(1, PERIODS):
        x[:, t] = 0.7 * x[:, t - 1] + np.sqrt(1 - 0.7**2) * rng.normal(size=size)
    y = x + rng.normal(size=(size, 1)) + 0.5 * rng.normal(size=(size, PERIODS))
    entry = np.where(np.arange(size) < n, START, -1)
    for t in range(START + 1, PERIODS):
        joins = (entry < 0) & (rng.random(size) < 1 / (1 + np.exp(2 - slope * x[:, t - 1])))
        entry[joins] = t
    where = np.full(size, "E01")
    panel = panel_of(entry, {"y": y, "x": x}, unit="family", councils=where, areas=where)
    sets = np.repeat(np.arange(n), ratio)
    return MatchedSample(panel=panel, method="by hand", set_entry=np.full(n, START), treated_unit=np.arange(n), treated_set=np.arange(n),
                         treated_weight=np.ones(n), comparison_unit=np.arange(n, size), comparison_set=sets,
                         comparison_weight=np.full(n * ratio, 1 / ratio), candidates=pd.DataFrame(), balance=pd.DataFrame(), dropped=pd.DataFrame())


@pytest.fixture
def four_families():
    """U0 joins in quarter 1; U1 to U3 are its set, and U3 joins in quarter 2."""
    panel = panel_of([1, -1, -1, 2], {"y": [[0, 1, 4, 4], [0, 0, 1, 2], [0, 0, 3, 4], [0, 0, 9, 9]]}, councils=["E01"] * 4)
    chance = np.zeros((4, 4))
    chance[1:, 2:] = [[0.5, 0.0], [0.2, 0.5], [0.3, 0.0]]
    return with_chances(sample_of(panel, {0: [1, 2, 3]}), chance)


def test_those_left_count_by_the_inverse_of_their_chance_of_not_having_joined(four_families, monkeypatch):
    monkeypatch.setattr("evaluation.models.later_entry.TRUNCATED_AT", 1.0)
    effects = WEIGHT.fit(four_families, "y")
    assert_valid_effects(effects)
    # quarter 1: nobody could have joined since entry, and U3 has not: 1 - 0
    assert cell(effects, 1, 0)["estimate"] == 1
    # quarter 2: U1 counts 1 / .5 = 2, U2 1 / .8 = 1.25, U3 has joined: 4 - (2 * 1 + 1.25 * 3) / 3.25
    assert cell(effects, 1, 1)["estimate"] == pytest.approx(4 - 5.75 / 3.25)
    # quarter 3: U1 2, U2 1 / (.8 * .5) = 2.5: 4 - (2 * 2 + 2.5 * 4) / 4.5
    assert cell(effects, 1, 2)["estimate"] == pytest.approx(4 - 14 / 4.5)
    assert MatchedLevels(window=(0, 2), on_later_entry="weight").fit(four_families, "y").cells["estimate"].tolist() == pytest.approx(
        [1, 4 - 5.75 / 3.25, 4 - 14 / 4.5])


def test_weights_are_cut_at_their_99th_percentile_among_those_left(four_families):
    inverse = inverse_of_staying(four_families, np.array([0, 1, 2]))
    assert inverse[:, 0].tolist() == [1, 1, 1]
    assert inverse[:2, 1].tolist() == pytest.approx([np.quantile([2, 1.25], TRUNCATED_AT), 1.25])
    assert inverse[:2, 2].tolist() == pytest.approx([2, np.quantile([2, 2.5], TRUNCATED_AT)])


def test_a_set_whose_comparison_families_have_all_joined_stays_and_others_of_its_entry_period_speak_for_it():
    panel = panel_of([1, 1, 2, -1, -1], {"y": [[0, 0, 5, 5], [0, 0, 3, 3], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 2, 2]]}, councils=["E01"] * 5)
    sample = sample_of(panel, {0: [2], 1: [3, 4]})
    censored = replace(WEIGHT, on_later_entry="censor").fit(sample, "y")
    weighted = WEIGHT.fit(with_chances(sample, np.zeros((5, 4))), "y")
    assert_valid_effects(weighted)
    assert cell(censored, 1, 1)[["estimate", "n_treated"]].tolist() == [3 - 1.5, 1]
    assert cell(weighted, 1, 1)[["estimate", "n_treated"]].tolist() == [4 - 1.5, 2]


def test_without_a_chance_of_joining_weights_change_nothing():
    sample = world(1, n=40)
    never = replace(sample, panel=replace(sample.panel, units=sample.panel.units.assign(entry=np.where(np.arange(160) < 40, START, -1))))
    weighted = with_chances_of_joining(never, covariates=(), records=("x",), last=2)
    assert (weighted.panel.varying[CHANCE_OF_JOINING] == 0).all()
    one, other = (overall(spec.fit(weighted, "y"), quarters=(1, 2)) for spec in (WEIGHT, replace(WEIGHT, on_later_entry="censor")))
    assert (one.estimate, one.std_error) == pytest.approx((other.estimate, other.std_error), rel=1e-12)


def test_chances_are_those_of_a_pooled_regression_on_records_before_the_period():
    sample = world(2)
    chance = with_chances_of_joining(sample, covariates=(), records=("x",), last=4).panel.varying[CHANCE_OF_JOINING]
    entry, x = sample.panel.entry, sample.panel.outcomes["x"]
    unit, at = np.nonzero(_followed(entry))
    design = sm.add_constant(np.column_stack([x[unit, at - 1], at]))
    link = sm.families.links.CLogLog()
    reference = sm.GLM((entry[unit] == at).astype(float), design, family=sm.families.Binomial(link=link)).fit(tol=1e-12)
    np.testing.assert_allclose(chance[unit, at], reference.predict(design), rtol=1e-6)
    assert (chance[np.arange(PERIODS) > np.where(entry < 0, PERIODS, entry)[:, None]] == 0).all()


def _followed(entry: np.ndarray) -> np.ndarray:
    """Quarters in which comparison families could join, up to four after their set's."""
    columns = np.arange(PERIODS)
    return (entry != START)[:, None] & (columns > START) & (columns <= START + 4) & ((entry < 0)[:, None] | (columns <= entry[:, None]))


def test_what_happens_from_a_period_on_does_not_move_its_chance():
    sample = world(3)
    changed = replace(sample, panel=replace(sample.panel, outcomes={**sample.panel.outcomes, "x": sample.panel.outcomes["x"].copy()}))
    changed.panel.outcomes["x"][:, 8:] = 99.0        # chances up to quarter 8 read quarters up to 7, and are fitted on them
    one, other = (with_chances_of_joining(part, covariates=(), records=("x",), last=4).panel.varying[CHANCE_OF_JOINING] for part in (sample, changed))
    np.testing.assert_array_equal(one[:, :9], other[:, :9])
    assert (one[:, 9] != other[:, 9]).any()


def test_a_family_of_a_council_that_nobody_can_join_has_no_chance():
    sample = world(4)
    councils = sample.panel.units["council_code"].where(sample.panel.entry >= 0, np.where(np.arange(len(sample.panel)) % 2, "E01", "E02"))
    part = replace(sample, panel=replace(sample.panel, units=sample.panel.units.assign(council_code=councils)))
    chance = with_chances_of_joining(part, covariates=("council_code",), records=("x",), last=4).panel.varying[CHANCE_OF_JOINING]
    closed = (councils == "E02").to_numpy()
    assert (chance[closed] == 0).all() and (chance[~closed] > 0).any()


def test_where_nothing_tells_who_joins_the_chance_is_the_share_that_does():
    """Three families in one quarter, one joins: too few to tell by anything, and the quarter is the same for all."""
    panel = panel_of([1, -1, -1, 2], {"y": np.arange(16.0).reshape(4, 4)}, councils=["E01"] * 4)
    found = with_chances_of_joining(sample_of(panel, {0: [1, 2, 3]}), covariates=(), records=(), last=1).panel.varying[CHANCE_OF_JOINING]
    assert found[1:, 2] == pytest.approx(np.full(3, 1 / 3))


def test_a_model_that_cannot_be_fitted_says_what_to_do():
    sample = world(5)
    x = np.where(np.arange(PERIODS) + 1 == sample.panel.entry[:, None], 1.0, 0.0) + 1e-3 * sample.panel.outcomes["x"]
    decided = replace(sample, panel=replace(sample.panel, outcomes={**sample.panel.outcomes, "x": x}))
    with pytest.raises(EstimationError, match=r"cannot be fitted: .*separation.* Where: comparison\.on_later_entry: weight\. .* or choose censor"):
        with_chances_of_joining(decided, covariates=(), records=("x",), last=4)
    with pytest.raises(EstimationError, match="needs the chances of joining"):
        WEIGHT.fit(sample, "y")
    with pytest.raises(PlanError, match=r"`comparison\.on_later_entry` must be one of censor, weight: it is 'drop'"):
        MatchedDiD(on_later_entry="drop")


@pytest.mark.slow
def test_weights_take_away_the_bias_of_censoring_that_records_explain_and_intervals_cover():
    """400 null studies; weighted intervals cover within 3.5 binomial standard errors of 95%, or more."""
    found = {"censor": [], "weight": []}
    for seed in range(400):
        sample = with_chances_of_joining(world(seed), covariates=(), records=("x",), last=4)
        for rule, rows in found.items():
            one = overall(MatchedDiD(base=-3, window=(-4, 4), on_later_entry=rule).fit(sample, "y"), quarters=(1, 4))
            rows.append((one.estimate, one.std_error, one.lower <= 0 <= one.upper))
    bias, noise, covers = ({rule: measure(np.array(rows, dtype=float)) for rule, rows in found.items()} for measure in (
        lambda rows: rows[:, 0].mean(), lambda rows: rows[:, 0].std(ddof=1) / np.sqrt(len(rows)), lambda rows: rows[:, 2].mean()))
    assert bias["censor"] > 10 * noise["censor"]
    assert abs(bias["weight"]) < WITHIN * noise["weight"] + 0.1 * bias["censor"]
    assert covers["weight"] > 0.95 - WITHIN * np.sqrt(0.95 * 0.05 / 400)
    assert covers["censor"] < covers["weight"]
