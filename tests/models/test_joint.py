"""Covariances of any two numbers, and effects by subgroup with their interaction test."""
import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import GroupTimeATT, MatchedDiD, TwoWay
from evaluation.models.inference import estimate_of, overall
from evaluation.models.joint import Joint, joint
from evaluation.models.relative import relative_effect
from evaluation.models.subgroups import by_subgroup, equality, subgroup_labels
from evaluation.models.summaries import average, chosen_cells, mean_of
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_matched_did import sample_of

OWN_COUNT = 1e-3               # alone, a number counts only the clusters that it uses in G / (G - 1)


@pytest.fixture(scope="module")
def sample():
    return NearestNeighbour(covariates=("x",), exact=("b",)).fit(simulated_panel(400, effect=-0.5))


def _at(effects, e):
    return average(effects, (effects.cells["event_time"] == e).to_numpy())


@pytest.mark.parametrize("estimator", [MatchedDiD(), GroupTimeATT()])
@pytest.mark.parametrize("clusters", ["unit", "council", "auto"])
def test_the_covariance_of_two_numbers_gives_the_error_of_their_difference(sample, estimator, clusters):
    effects = estimator.fit(sample, "y").each_unit()
    one, two = _at(effects, 1), _at(effects, 3)
    together = joint({"one": (effects, one), "two": (effects, two)}, clusters=clusters)
    apart = estimate_of(effects, mean_of([one, two], np.array([1.0, -1.0])), clusters=clusters)
    value, error = together.contrast(np.array([1.0, -1.0]))
    assert value == pytest.approx(apart.estimate) and error == pytest.approx(apart.std_error, rel=1e-9)
    alone = [estimate_of(effects, part, clusters=clusters).std_error for part in (one, two)]
    assert together.std_errors() == pytest.approx(alone, rel=OWN_COUNT)


def test_two_outcomes_of_the_same_sets_have_a_covariance(sample):
    y = sample.panel.outcomes["y"]
    both = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes={"y": y, "twice": 2 * y, "other": y[::-1]}))
    parts = {}
    for name in ("y", "twice", "other"):
        effects = MatchedDiD().fit(both, name)
        parts[name] = effects, _at(effects, 2)
    v = joint(parts).covariance
    assert v[0, 1] == pytest.approx(2 * v[0, 0]) and v[1, 1] == pytest.approx(4 * v[0, 0])
    assert abs(v[0, 2]) < v[0, 0]


def test_compressed_rows_of_two_outcomes_are_not_taken_for_the_same_units():
    panel = simulated_panel(200)
    panel = dataclasses.replace(panel, outcomes={"y": panel.outcomes["y"], "z": panel.outcomes["y"] ** 2})
    whole = {name: GroupTimeATT().fit(panel, name) for name in ("y", "z")}
    with pytest.raises(EstimationError, match="each_unit"):
        joint({name: (one.at(("unit",)), _at(one.at(("unit",)), 1)) for name, one in whole.items()} | {
            "w": (whole["y"], _at(whole["y"], 1))}, clusters="unit")
    rows = {name: one.each_unit() for name, one in whole.items()}
    assert joint({name: (one, _at(one, 1)) for name, one in rows.items()}, clusters="unit").covariance.shape == (2, 2)


def test_numbers_clustered_in_different_ways_are_refused(sample):
    matched, pooled = MatchedDiD().fit(sample, "y"), GroupTimeATT().fit(sample, "y").each_unit()
    with pytest.raises(EstimationError, match="share their clusters"):
        joint({"a": (matched, _at(matched, 1)), "b": (pooled, _at(pooled, 1))})


def test_subgroup_effects_and_their_difference_equal_a_regression_with_an_interaction():
    """Sets of one: the set's difference of changes on an intercept and the subgroup, robust to unequal spread."""
    import statsmodels.api as sm
    rng = np.random.default_rng(2)
    group = np.array([0.0, 1.0] * 30)
    panel = panel_of([2] * 60 + [-1] * 60, {"y": rng.normal(size=(120, 4))}, young=np.concatenate([group, 1 - group]))
    sample = sample_of(panel, {i: [60 + i] for i in range(60)})
    found = by_subgroup(MatchedDiD(base=-2, window=(-2, 1), anticipation=0).fit(sample, "y"), subgroup_labels(panel, "young"), quarters=(1, 1))
    y = panel.outcomes["y"]
    difference = (y[:60, 3] - y[:60, 0]) - (y[60:, 3] - y[60:, 0])
    plain = sm.OLS(difference, sm.add_constant(group)).fit(cov_type="HC0")
    assert found.table["estimate"].tolist() == pytest.approx([plain.params[0], plain.params.sum()])
    assert found.differences["difference"].tolist() == pytest.approx([plain.params[1]])
    assert found.differences["std_error"].iloc[0] == pytest.approx(plain.bse[1] * np.sqrt(60 / 59))
    assert found.f == pytest.approx((plain.params[1] / plain.bse[1]) ** 2 * 59 / 60)
    assert (found.df1, found.df2) == (1, 59) and found.p_value == pytest.approx(found.differences["p_value"].iloc[0])


def test_subgroups_average_to_the_whole(sample):
    labels = subgroup_labels(sample.panel, "b")
    for effects in (MatchedDiD().fit(sample, "y"), GroupTimeATT().fit(sample, "y")):
        whole = average(effects, chosen_cells(effects, quarters=(0, 2), cohorts="complete"))
        found = by_subgroup(effects, labels, quarters=(0, 2))
        assert found.table["n_treated"].sum() > 0
        assert found.table["estimate"].min() <= whole.value <= found.table["estimate"].max()


def test_units_whose_subgroup_is_not_known_are_a_group_of_their_own_and_a_single_group_has_no_test(sample):
    labels = subgroup_labels(sample.panel, "b")
    labels[sample.treated_unit[:20]] = None
    found = by_subgroup(MatchedDiD().fit(sample, "y"), labels, quarters=(0, 2))
    assert found.table["subgroup"].tolist() == [0.0, 1.0, "not known"]
    alone = by_subgroup(MatchedDiD().fit(sample, "y"), ["all"] * len(sample.panel), quarters=(0, 2))
    assert alone.joint is None and np.isnan(alone.p_value) and alone.differences.empty


def test_subgroups_need_rows_that_say_whom_they_describe(sample):
    with pytest.raises(EstimationError, match="matched_did"):
        by_subgroup(TwoWay().fit(sample, "y"), subgroup_labels(sample.panel, "b"))
    with pytest.raises(PlanError, match="'age' is not one of"):
        subgroup_labels(sample.panel, "age")


def test_a_subgroup_of_a_covariate_that_varies_is_the_one_at_entry():
    varying = np.array([[0, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=float)
    panel = panel_of([1, 1, -1], {"y": np.zeros((3, 3))}, varying={"need": varying})
    assert pd.Series(subgroup_labels(panel, "need")).tolist() == [1.0, 0.0, 1.0]


def test_joint_errors_of_few_events_are_as_wide_as_each_interval():
    """Forty pairs of which three families had an event: the interval is widened, alone and together."""
    y = np.zeros((80, 3))
    y[:3, 2] = 1.0
    sample = sample_of(panel_of([1] * 40 + [-1] * 40, {"y": y}), {i: [40 + i] for i in range(40)})
    effects = MatchedDiD(base=-1, window=(-1, 1), anticipation=0).fit(sample, "y")
    part = _at(effects, 1)
    alone = estimate_of(effects, part)
    assert "enlarged" in alone.method and "Few treated units" in alone.caution
    assert joint({"one": (effects, part)}).std_errors()[0] == pytest.approx(alone.std_error)


def test_three_subgroups_are_tested_by_hotelling_on_the_degrees_of_freedom_left():
    from scipy.stats import f as f_distribution
    together = Joint(names=("a", "b", "c"), values=np.array([1.0, 2.0, 4.0]), covariance=np.diag([1.0, 1.0, 2.0]), df=12.0, n_clusters=13)
    gap, spread = np.array([1.0, 3.0]), np.array([[2.0, 1.0], [1.0, 3.0]])
    wald = gap @ np.linalg.solve(spread, gap)
    f, df1, df2, p = equality(together)
    assert (df1, df2) == (2, 11) and f == pytest.approx(wald * 11 / (2 * 12)) and p == pytest.approx(f_distribution.sf(f, 2, 11))


@pytest.fixture(scope="module")
def areas():
    """Fifteen treated and twenty-one comparison areas of unequal sizes, one date; `g` splits the families of every area."""
    rng = np.random.default_rng(11)
    area = np.repeat(np.arange(36), rng.integers(4, 12, size=36))
    n, names = len(area), np.array([f"a{i:02d}" for i in range(36)])
    y = 3 + rng.normal(size=(n, 9)) + 0.6 * rng.normal(size=(36, 9))[area]
    return panel_of(np.where(area < 15, 5, -1), {"y": y}, areas=names[area], g=rng.integers(0, 2, size=n).astype(float))


def _only(panel, keep, y=None):
    outcomes = {"y": panel.outcomes["y"][keep] if y is None else y}
    return dataclasses.replace(panel, units=panel.units[keep].reset_index(drop=True), outcomes=outcomes)


def test_a_subgroups_effect_has_the_error_of_the_study_of_that_subgroup_alone(areas):
    """Bias-reduced, with its own degrees of freedom, though other treated families share its cells."""
    found = by_subgroup(GroupTimeATT().fit(areas, "y"), areas.units["g"], quarters=(0, 2), assignment="area").table.set_index("subgroup")
    for g in (0.0, 1.0):
        keep = ((areas.units["g"] == g) | (areas.entry < 0)).to_numpy()
        alone = overall(GroupTimeATT().fit(_only(areas, keep), "y"), quarters=(0, 2), assignment="area")
        assert alone.method.startswith("CR2") and found.loc[g, "method"] == alone.method
        assert found.loc[g, ["estimate", "std_error", "df"]].tolist() == pytest.approx([alone.estimate, alone.std_error, alone.df], rel=1e-9)


def test_a_ratio_has_the_error_of_the_means_that_move_it(areas):
    """Log of L / C moves by the mean of y / L - y / C + change / C over treated rows less that of change / C over the others."""
    y, base, after, treated = areas.outcomes["y"], 4, 5, areas.entry >= 0
    found = relative_effect(GroupTimeATT().fit(areas, "y"), areas, quarters=(0, 0), assignment="area")
    change = y[:, after] - y[:, base]
    level = y[treated, after].mean()
    without = level - (change[treated].mean() - change[~treated].mean())
    z = np.zeros_like(y)
    z[:, after] = change / without + np.where(treated, y[:, after] * (1 / level - 1 / without), 0.0)
    moved = overall(GroupTimeATT().fit(_only(areas, np.ones(len(areas), dtype=bool), z), "y"), quarters=(0, 0), assignment="area")
    assert found.ratio.estimate == pytest.approx(level / without)
    assert (found.ratio.method, found.ratio.std_error, found.ratio.df) == (moved.method, pytest.approx(moved.std_error), pytest.approx(moved.df))
    assert moved.method.startswith("CR2")


def test_a_subgroup_in_which_few_had_an_event_has_a_widened_interval():
    rng = np.random.default_rng(3)
    panel = simulated_panel(300)
    y, g = (rng.random(panel.outcomes["y"].shape) < 0.3).astype(float), (np.arange(len(panel)) % 6 == 0).astype(float)
    y[g == 1] = 0.0
    y[np.flatnonzero((g == 1) & (panel.entry >= 0))[:3]] = rng.random((3, y.shape[1])) < 0.5
    panel = dataclasses.replace(panel, outcomes={"y": y})
    sample = NearestNeighbour(covariates=("x",), exact=("b",)).fit(panel)
    table = by_subgroup(MatchedDiD().fit(sample, "y"), g).table.set_index("subgroup")
    assert "enlarged for few events" in table.loc[1.0, "method"] and "not reliable by itself" in table.loc[1.0, "caution"]
    assert "enlarged" not in table.loc[0.0, "method"]
