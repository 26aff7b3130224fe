"""Synthetic comparisons: weights against R, gaps by hand, placebo inference against every placebo of a published panel."""
import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, by_council, event_study, overall, permute_areas, placebo_gaps
from evaluation.models.synthetic_control import SyntheticControl
from evaluation.models.synthetic_did import SyntheticDiD, period_weights
from evaluation.models.synthetic_placebo import placebo_p, rmspe_ratio, synthetic_study
from evaluation.models.synthetic_series import Block, series_of
from evaluation.models.synthetic_weights import Discrepancy, nearest_in_hull
from tests.matching.panels import panel_of
from tests.models.valid import assert_valid_effects

HERE = Path(__file__).parents[1] / "reference" / "synth"
PROP99 = json.loads((HERE / "prop99.json").read_text())
ENTRY = 19                     # 1989
EXACT = 1e-6                   # two exact solvers, one with a ridge of 1e-8 of the donors' distance
IPOP = 2e-3                    # an interior-point solver stopped at eight figures of its objective, which is flat at its foot
AFTER = (0, 11)


@pytest.fixture(scope="module")
def california():
    """The published panel: 39 states by 31 years."""
    states = pd.read_csv(HERE / "california_prop99.csv", sep=";").pivot(index="State", columns="Year", values="PacksPerCapita")
    made_up = pd.read_csv(HERE / "made_up_covariates.csv").set_index("state").loc[states.index]
    return panel_of(np.where(states.index == "California", ENTRY, -1), {"y": states.to_numpy()}, ids=states.index, a=made_up["a"].to_numpy(),
                    b=made_up["b"].to_numpy())


def _spec(**how):
    return SyntheticControl(**{"window": (-ENTRY, 11), "anticipation": 0, **how})


def _study(panel, spec=None, quarters=AFTER, n_draws=99, seed=0):
    return synthetic_study(spec or _spec(), panel, "y", quarters=quarters, n_draws=n_draws, rng=np.random.default_rng(seed))


@pytest.mark.parametrize(("fitted_to", "ridge", "case"), [
    ("level", 0.0, "level"), ("course", 0.0, "course"), ("level", 0.05, "level_ridge"), ("course", 0.05, "course_ridge")])
def test_weights_and_gaps_on_the_published_panel_equal_quadprog(california, fitted_to, ridge, case):
    found, wanted = _study(california, _spec(fitted_to=fitted_to, ridge=ridge), n_draws=1), PROP99[case]
    weights = found.donors.set_index("council_code")["weight"].reindex(list(wanted["weights"]), fill_value=0.0)
    np.testing.assert_allclose(weights, list(wanted["weights"].values()), atol=10 * EXACT)
    np.testing.assert_allclose(found.gaps[0], wanted["gap"], atol=100 * EXACT)                     # outcomes are about 100
    assert found.average.estimate == pytest.approx(wanted["estimate"], rel=EXACT)
    assert found.areas["rmspe_before"][0] == pytest.approx(wanted["rmspe"], rel=EXACT)


def test_the_estimate_in_levels_is_the_one_that_synthdid_approaches(california):
    estimate, synthdid = _study(california, _spec(fitted_to="level"), n_draws=1).average.estimate, PROP99["synthdid"]
    assert abs(estimate - synthdid["sc_converged"]) < 0.005 < abs(estimate - synthdid["sc_default"]) < 0.15


def test_with_importance_given_it_equals_synth_with_v_given(california):
    wanted = PROP99["synth_with_v"]
    found = _study(california, _spec(fitted_to="level", covariates=("a", "b"), importance=tuple(wanted["importance"])), n_draws=1)
    weights = found.donors.set_index("council_code")["weight"].reindex(list(wanted["weights"]), fill_value=0.0)
    np.testing.assert_allclose(weights, list(wanted["weights"].values()), atol=IPOP)
    assert found.average.estimate == pytest.approx(wanted["estimate"], rel=IPOP)


SDID = SyntheticDiD(window=(-ENTRY, 11), anticipation=0)


def test_synthetic_differences_on_the_published_panel_equal_quadprog_and_nearly_synthdid(california):
    found, wanted = _study(california, SDID, n_draws=1), PROP99["sdid"]
    assert_valid_effects(found.effects)
    weights = found.donors.set_index("council_code")["weight"].reindex(list(wanted["weights"]), fill_value=0.0)
    np.testing.assert_allclose(weights, list(wanted["weights"].values()), atol=10 * EXACT)
    np.testing.assert_allclose(found.gaps[0], wanted["gap"], atol=100 * EXACT)
    y = np.delete(california.outcomes["y"], 2, axis=0)                     # California is third
    np.testing.assert_allclose(period_weights(y[:, :ENTRY], y[:, ENTRY:]), wanted["periods"], atol=10 * EXACT)
    assert found.average.estimate == pytest.approx(wanted["estimate"], rel=EXACT)
    assert found.average.estimate == pytest.approx(PROP99["synthdid"]["sdid_converged"], rel=1e-4)
    assert found.average.estimate == pytest.approx(PROP99["synthdid"]["sdid_default"], abs=0.005)       # -15.60 as published


@pytest.mark.parametrize(("kind", "spec"), [("level", _spec(fitted_to="level")), ("course", _spec()), ("sdid", SDID)])
def test_the_placebo_p_values_are_those_of_every_state_treated_in_turn_in_r(california, kind, spec):
    found = _study(california, spec)
    placebo = pd.read_csv(HERE / "placebo.csv").query("kind == @kind")
    own, area = PROP99[kind], found.areas.iloc[0]
    before, after = (np.sqrt(np.mean(np.square(side))) for side in (own["gap"][:ENTRY], own["gap"][ENTRY:]))
    larger = (placebo["rmspe_after"] / placebo["rmspe_before"] >= after / before).sum()
    assert area["ratio_p_value"] == pytest.approx((1 + larger) / 39)
    assert area["p_value"] == found.average.p_value == pytest.approx((1 + (placebo["estimate"].abs() >= abs(own["estimate"])).sum()) / 39)
    np.testing.assert_allclose(np.sort(found.placebos[:, ENTRY:].mean(axis=1)), np.sort(placebo["estimate"]), atol=100 * EXACT)
    # of 38 placebos the 38th smallest is the first to leave fewer than 5% above
    assert found.average.upper - found.average.estimate == pytest.approx(placebo["estimate"].abs().max(), abs=100 * EXACT)


def _hand():
    """A treated area between two donors, above both by 1, and a far donor; it falls by 3 after entry in column 3, and so does nobody else."""
    y = np.array([[3.0, 4, 5, 3, 3], [1, 3, 2, 2, 4], [3, 3, 6, 6, 4], [9, 0, 9, 0, 9]])     # half of the second and third: 2 3 4 4 4
    return panel_of([3, -1, -1, -1], {"y": y}), SyntheticControl(window=(-3, 1), anticipation=0)


def test_an_area_between_two_donors_by_hand():
    panel, spec = _hand()
    effects = spec.fit(panel, "y")
    assert_valid_effects(effects)
    np.testing.assert_allclose(effects.cells["estimate"], [0, 0, 0, -2, -2], atol=1e-6)
    np.testing.assert_allclose(effects.row_weight[:3, 0], [1, 0.5, 0.5], atol=1e-6)
    level = dataclasses.replace(spec, fitted_to="level").fit(panel, "y")                     # the hull lies below the area
    assert level.cells["estimate"][:3].mean() > 0.3


def test_the_gap_is_the_weighted_difference_of_changes_from_the_mean_before(california):
    effects = _spec().fit(california, "y")
    y, rows = california.outcomes["y"], effects.rows
    change = y - y[:, :ENTRY].mean(axis=1, keepdims=True)
    by_hand = np.zeros(31)
    for unit, treated, weight in zip(rows["unit"], rows["treated"], effects.row_weight[:, 0], strict=True):
        by_hand += (weight if treated else -weight) * change[unit]
    np.testing.assert_allclose(effects.cells["estimate"], by_hand, atol=1e-10)


def _councils(effect=0.0, seed=0, n=40, n_periods=16, entries=(10, 10, 10)):
    """Councils on two common courses with loadings, noise; an area of two and two of one join."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, 1)) + rng.uniform(0, 1, (n, 2)) @ rng.normal(size=(2, n_periods)).cumsum(axis=1) + 0.3 * rng.normal(size=(n, n_periods))
    entry, area = np.full(n, -1), np.array([f"own{i:02d}" for i in range(n)], dtype=object)
    entry[:4], area[:2] = [entries[0], *entries], "both"
    y += effect * ((entry >= 0)[:, None] & (np.arange(n_periods) >= entry[:, None]))
    panel = panel_of(entry, {"y": y}, areas=area, x=rng.normal(size=n))
    size = np.outer(rng.uniform(1, 5, n), np.ones(n_periods))
    return dataclasses.replace(panel, denominators={"y": size})


SPEC = SyntheticControl(window=(-9, 3))


def test_councils_of_an_area_are_averaged_by_their_denominators_before_entry():
    panel = _councils()
    effects = SPEC.fit(panel, "y")
    assert_valid_effects(effects)
    rows = (effects.rows["area"] == "both") & effects.rows["treated"]
    size = panel.denominators["y"][:2, 0]
    np.testing.assert_allclose(effects.row_weight[rows, 0], 2 * size / size.sum())
    plain = SPEC.fit(dataclasses.replace(panel, denominators={}), "y")
    np.testing.assert_allclose(plain.row_weight[rows, 0], 1)


def test_the_average_over_areas_weights_them_by_their_councils_and_equals_the_effects():
    found = _study(_councils(effect=-1.0), SPEC, (0, 3))
    areas = found.areas.set_index("area")
    assert areas["n_councils"].to_dict() == {"both": 2, "own02": 1, "own03": 1}
    assert found.average.estimate == pytest.approx((2 * areas["estimate"]["both"] + areas["estimate"]["own02"] + areas["estimate"]["own03"]) / 4)
    assert found.average.estimate == pytest.approx(overall(found.effects, quarters=(0, 3)).estimate)
    np.testing.assert_allclose(found.average_gap, event_study(found.effects)["estimate"])
    by_area = by_council(found.effects, quarters=(0, 3), by="area").set_index("area")["estimate"]
    np.testing.assert_allclose(by_area, areas["estimate"])
    assert areas["n_placebos"].to_dict() == {"both": 99, "own02": 36, "own03": 36} and len(found.placebos) == 99


def test_a_large_effect_is_found_and_its_interval_agrees_with_its_p_value():
    found = _study(_councils(effect=-2.0), SPEC, (0, 3), n_draws=199)
    assert found.average.p_value == found.average_ratio_p_value == pytest.approx(1 / 200)
    assert found.average.lower < -2 < found.average.upper < 0
    draws = np.abs(found.placebos[:, 9:].mean(axis=1))
    for value, rejected in ((found.average.upper - 1e-9, False), (found.average.upper + 1e-9, True)):       # a constant effect inside, and outside
        assert ((1 + (draws >= abs(found.average.estimate - value)).sum()) / 200 <= 0.05) == rejected


def test_staggered_areas_keep_their_own_event_time_and_donors():
    panel = _councils(effect=-2.0, entries=(8, 10, 12))
    never, late = (SyntheticControl(window=(-7, 1), donors=donors) for donors in ("never", "notyet"))
    effects = never.fit(panel, "y")
    assert_valid_effects(effects)
    assert set(effects.cells["cohort"]) == {8, 10, 12}
    after = effects.cells[effects.cells["event_time"] >= 0]
    assert (after["estimate"] + 2).abs().max() < 1.2
    assert panel.entry[effects.rows.loc[~effects.rows["treated"], "unit"]].max() == -1
    pool = {g: set(panel.entry[rows]) for g, rows in series_of(late, panel, "y").pool.items()}
    assert pool == {8: {-1, 12}, 10: {-1}, 12: {-1}}                              # entry after 8 + 1 + 1 only
    assert_valid_effects(late.fit(panel, "y"))


def test_donors_set_aside_for_other_placebo_areas_give_nothing():
    series = series_of(SPEC, _councils(), "y")
    free = series.fit(10, np.array([4, 5]))
    kept = series.fit(10, np.array([4, 5]), without=free.donors[:3])
    assert not set(kept.donors) & {4, 5, *free.donors[:3]} and kept.weights.sum() == pytest.approx(1)


def test_an_area_without_enough_periods_or_donors_is_left_out_with_its_reason():
    panel = _councils()
    y = panel.outcomes["y"].copy()
    y[2, :9] = np.nan
    y[30:, 12] = np.nan
    found = _study(dataclasses.replace(panel, outcomes={"y": y}), SPEC, (0, 3), n_draws=20)
    assert_valid_effects(found.effects)
    row = found.areas.set_index("area").loc["own02"]
    assert row["reason"] == "observed in fewer than 3 periods before" and np.isnan(row["estimate"]) and np.isnan(found.gaps[1]).all()
    assert found.donors["unit"].max() < 30 and found.average.n_treated == 3
    notes = " ".join(found.effects.notes)
    assert "1 of 3 treated areas have no synthetic comparison" in notes and "Up to 10 possible donors" in notes and "fitted to 8 periods" in notes
    with pytest.raises(EstimationError, match="No treated area has a synthetic comparison for 'y': fewer than two donors"):
        SPEC.fit(dataclasses.replace(panel, outcomes={"y": np.where((panel.entry < 0)[:, None] & (np.arange(16) == 12), np.nan, y)}), "y")


def test_a_period_in_which_an_area_is_not_seen_is_a_hole_in_its_gap_alone():
    panel = _councils()
    y = panel.outcomes["y"].copy()
    y[1, 11], y[3, 4] = np.nan, np.nan
    effects = SPEC.fit(dataclasses.replace(panel, outcomes={"y": y}), "y")
    assert_valid_effects(effects)
    assert effects.cells.set_index("event_time")["n_treated"].loc[[0, 1, -6]].tolist() == [4, 2, 3]


def test_an_exact_fit_before_makes_the_ratio_say_nothing():
    seen = np.ones(4, bool)
    assert rmspe_ratio(np.array([0.0, 0, 0, 1]), seen & (np.arange(4) < 3), np.arange(4) == 3, 1.0) == np.inf
    assert rmspe_ratio(np.array([3.0, 3, 3, 4]), np.arange(4) < 3, np.arange(4) == 3, 1.0) == pytest.approx(4 / 3)
    assert placebo_p(np.inf, np.array([np.inf, 1.0, np.nan])) == pytest.approx(2 / 3)
    few = _study(_councils(), SyntheticControl(window=(-4, 3)), (0, 3), n_draws=20)
    assert (few.areas["ratio_p_value"] >= few.areas["n_placebos"].rdiv(1)).all() and "fewer than 10" in " ".join(few.effects.notes)


def test_too_few_placebos_give_a_p_value_and_no_interval():
    panel, spec = _hand()
    average = _study(panel, spec, (0, 1)).average
    assert average.p_value >= 0.25
    assert np.isnan(average.lower) and average.reason == "3 placebo areas are too few for a 95% interval"


def test_placebo_tests_under_the_null_reject_about_as_often_as_they_say():
    p = np.array([_study(_councils(seed=s, n=24), SPEC, (0, 3), n_draws=19, seed=s).average.p_value for s in range(60)])
    # 5% of 60 is 3; above 9 with probability 0.001. The mean of p is .525, its standard error .037
    assert (p <= 0.05).sum() <= 9 and 0.40 < p.mean() < 0.65


def test_permutation_of_areas_runs_it_as_any_estimator():
    panel = _councils(effect=-2.0)
    matcher = NearestNeighbour(covariates=("x",), caliper=None)
    asked = dict(quarters=(0, 3), n_draws=15, rng=np.random.default_rng(0))
    null = permute_areas(panel, matcher, SPEC, ("y",), **asked)["y"]
    assert null.estimate == pytest.approx(overall(SPEC.fit(panel, "y"), quarters=(0, 3)).estimate) and null.p_value == pytest.approx(1 / 16)
    own = {null.name: null for null in placebo_gaps(matcher.fit(panel), matcher, SPEC, ("y",), **asked)}
    study = _study(panel, SPEC, (0, 3)).areas.set_index("area")
    assert own["own02"].estimate == pytest.approx(study["estimate"]["own02"]) and own["own02"].p_value == pytest.approx(study["p_value"]["own02"])


def test_equal_weights_of_a_huge_ridge_are_a_plain_difference_in_differences():
    panel = dataclasses.replace(_councils(effect=-1.0), denominators={})
    effects = SyntheticControl(window=(-9, 3), ridge=1e9).fit(panel, "y")
    one = NearestNeighbour(covariates=("x",), caliper=None).fit(panel)
    n, donors = 4, np.flatnonzero(panel.entry < 0)
    everyone = dataclasses.replace(one, set_entry=np.array([10]), treated_unit=np.arange(n), treated_set=np.zeros(n, int), treated_weight=np.ones(n),
                                   comparison_unit=donors, comparison_set=np.zeros(len(donors), int), kind="weights", origin=None,
                                   comparison_weight=np.full(len(donors), n / len(donors)))
    did = MatchedDiD(base="pre_mean", window=(-9, 3)).fit(everyone, "y")
    np.testing.assert_allclose(effects.cells["estimate"], did.cells["estimate"], atol=1e-8)
    assert overall(effects, quarters=(0, 3)).estimate == pytest.approx(overall(did, quarters=(0, 3)).estimate)


@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(1, 8))
@settings(max_examples=60)
def test_weights_satisfy_the_conditions_of_a_minimum_whatever_the_order(seed, n, k):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, k)) + rng.normal(size=k)
    w = nearest_in_hull(points)
    assert (w >= 0).all() and w.sum() == pytest.approx(1)
    slope = points @ (w @ points)                                          # every point with weight has the least slope
    assert (slope - w @ slope).min() > -1e-6 * np.sum(points**2)
    order = rng.permutation(n)
    np.testing.assert_allclose(nearest_in_hull(points[order]), w[order], atol=1e-7)
    np.testing.assert_allclose(nearest_in_hull(1e3 * points), w, atol=1e-7)


def test_of_many_exact_fits_the_most_even_is_taken():
    points = np.array([[-1.0], [1.0], [-1.0], [1.0], [0.0]])
    np.testing.assert_allclose(nearest_in_hull(points), 0.2, atol=1e-7)
    np.testing.assert_allclose(nearest_in_hull(np.zeros((4, 2))), 0.25)


@given(st.integers(0, 10_000), st.floats(-1e4, 1e4), st.floats(1e-2, 1e2))
@settings(max_examples=40)
def test_a_shift_and_a_scale_of_the_outcome_leave_the_weights(seed, shift, scale):
    rng = np.random.default_rng(seed)
    path, donors, x, donors_x = rng.normal(size=8), rng.normal(size=(12, 8)), rng.normal(size=2), rng.normal(size=(12, 2))
    for demeaned in (True, False):
        how = Discrepancy(demeaned=demeaned, ridge=0.1, importance=np.array([1.0, 0.5]))
        one, two = how.weights(path, donors, x, donors_x), how.weights(scale * path + shift, scale * donors + shift, 3 * x - 1, 3 * donors_x - 1)
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_same_seed_gives_the_same_result_and_the_panel_stays():
    panel = _councils()
    before = panel.outcomes["y"].copy()
    one, two, other = _study(panel, SPEC, (0, 3)), _study(panel, SPEC, (0, 3)), _study(panel, SPEC, (0, 3), seed=1)
    assert np.array_equal(one.placebos, two.placebos) and not np.array_equal(one.placebos, other.placebos)
    assert np.array_equal(before, panel.outcomes["y"])


@pytest.mark.parametrize(("how", "message"), [
    ({"fitted_to": "trend"}, "`estimator.fitted_to` must be one of course, level"),
    ({"donors": "all"}, "`estimator.donors` must be one of never, notyet"),
    ({"ridge": -1.0}, "must be 0 or more"),
    ({"covariates": ("x",), "importance": (1.0, 2.0)}, "one number for each of 1 covariates"),
    ({"covariates": ("x",), "importance": (float("nan"),)}, "must be 0 or more"),
    ({"covariates": ("x",), "ridge": -0.1}, "must be 0 or more"),
    ({"window": (-3, 2)}, "needs 3 event times before the anticipation of 1: the window begins at -3")])
def test_bad_options_are_refused(how, message):
    with pytest.raises(PlanError, match=message):
        SyntheticControl(**how)


def test_a_panel_it_is_not_made_for_is_refused():
    panel = _councils()
    with pytest.raises(PlanError, match="unit is family"):
        SPEC.fit(dataclasses.replace(panel, unit="family"), "y")
    with pytest.raises(PlanError, match="'z' is not one of y"):
        SPEC.fit(panel, "z")
    with pytest.raises(PlanError, match="income is not"):
        dataclasses.replace(SPEC, covariates=("income",)).fit(panel, "y")
    with pytest.raises(PlanError, match="`headline.quarters` must run from an event time of 0"):
        _study(panel, SPEC, (1, 4))
    crowd = panel_of([5, *[-1] * 1200], {"y": np.zeros((1201, 8))})
    with pytest.raises(PlanError, match="up to 1,000 donors"):
        SyntheticControl(window=(-5, 1)).fit(crowd, "y")


def _block(n_members):
    rng, e = np.random.default_rng(0), np.arange(-8, 3)
    return Block(area=rng.normal(size=11), donors=rng.normal(size=(9, 11)), before=e < -1, after=e >= 0, x=np.empty(0), donors_x=np.empty((9, 0)),
                 n_members=n_members)


def test_synthetic_differences_take_any_areas_and_refuse_bad_options():
    found = _study(_councils(effect=-2.0, entries=(8, 10, 12)), SyntheticDiD(window=(-7, 3)), (0, 3))
    assert_valid_effects(found.effects)
    assert abs(found.average.estimate + 2) < 0.6 and found.average.p_value == 0.01
    one, two = (SyntheticDiD().weigh(_block(n)) for n in (1, 2))
    assert np.sum(two[0] ** 2) < np.sum(one[0] ** 2) and np.array_equal(one[1], two[1])          # more councils, more ridge
    with pytest.raises(PlanError, match="`estimator.donors` must be one of never, notyet"):
        SyntheticDiD(donors="all")
    with pytest.raises(PlanError, match="needs 3 event times before"):
        SyntheticDiD(window=(-3, 2))
    assert "periods before weighted to those after" in SyntheticDiD().in_words()


def test_its_words_say_what_the_weights_are_fitted_to():
    assert _spec(covariates=("a",)).in_words() == ("synthetic comparison: never treated donors weighted to the treated area's course "
                                                   "(means taken off) and a before entry")
