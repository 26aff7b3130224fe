import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import (
    GroupTimeATT,
    MatchedDiD,
    TwoWay,
    UnmatchedDiD,
    by_council,
    complete_cohorts,
    event_study,
    minimum_detectable_effect,
    overall,
)
from evaluation.models.clusters import covariance_of
from evaluation.models.inference import aggregate
from evaluation.models.summaries import average, chosen_cells
from evaluation.models.wild_effects import as_regression
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_matched_did import sample_of

RTOL = 1e-9


def _set_differences(sample, quarters, base):
    """One row per (set, event time): change of the treated unit less the mean change of its comparison units; complete data only."""
    y, rows = sample.panel.outcomes["y"], []
    for s, (unit, g) in enumerate(zip(sample.treated_unit, sample.set_entry, strict=True)):
        others = sample.comparison_unit[sample.comparison_set == s]
        for e in range(quarters[0], quarters[1] + 1):
            rows.append((s, y[unit, g + e] - y[unit, g + base] - (y[others, g + e] - y[others, g + base]).mean()))
    return pd.DataFrame(rows, columns=["set", "difference"])


@pytest.fixture(scope="module")
def one_to_one():
    """No unit is in two sets; comparison units never join, so that nothing is censored."""
    panel = simulated_panel(300, entries=(6, 9))
    panel = panel_of(np.where(panel.entry >= 7, 8, panel.entry), panel.outcomes, x=panel.units["x"])
    treated, never = np.flatnonzero(panel.entry >= 0)[:60], np.flatnonzero(panel.entry < 0)
    return sample_of(panel, {t: never[2 * i:2 * i + 2] for i, t in enumerate(treated)})


def test_the_standard_error_equals_a_regression_of_set_differences_clustered_on_sets(one_to_one):
    import statsmodels.api as sm
    found = overall(MatchedDiD(base=-4).fit(one_to_one, "y"), quarters=(1, 4))
    data = _set_differences(one_to_one, (1, 4), -4)
    plain = sm.OLS(data["difference"], np.ones(len(data))).fit(cov_type="cluster", cov_kwds={"groups": data["set"], "use_correction": False})
    g = data["set"].nunique()
    assert found.clusters == "matched sets" and found.n_clusters == g and found.df == g - 1
    assert found.estimate == pytest.approx(plain.params.iloc[0], rel=RTOL)
    assert found.std_error == pytest.approx(plain.bse.iloc[0] * np.sqrt(g / (g - 1)), rel=RTOL)


def test_area_clusters_equal_the_same_regression_clustered_on_areas(one_to_one):
    import statsmodels.api as sm
    entry = one_to_one.panel.entry
    areas = [f"a{i % 12}" if e >= 0 else f"b{i % 20}" for i, e in enumerate(entry)]
    panel = panel_of(np.where(entry >= 0, 7, -1), one_to_one.panel.outcomes, areas=areas)
    sample = sample_of(panel, {t: one_to_one.comparison_unit[one_to_one.comparison_set == s] for s, t in enumerate(one_to_one.treated_unit)})
    found = overall(MatchedDiD(base=-4).fit(sample, "y"), quarters=(2, 2), assignment="area", errors="CR1")
    y, g = panel.outcomes["y"], sample.set_entry
    unit = np.concatenate([sample.treated_unit, sample.comparison_unit])
    at = np.concatenate([g, g[sample.comparison_set]])
    change, d = y[unit, at + 2] - y[unit, at - 4], np.arange(len(unit)) < sample.n_treated
    weight, area = np.concatenate([np.ones(len(g)), sample.comparison_weight]), panel.units["area"].to_numpy()[unit]
    groups = {"groups": pd.factorize(area)[0], "use_correction": False}
    plain = sm.WLS(change, sm.add_constant(d.astype(float)), weights=weight).fit(cov_type="cluster", cov_kwds=groups)
    n = len(np.unique(area))
    assert found.estimate == pytest.approx(plain.params[1], rel=RTOL)
    assert found.std_error == pytest.approx(plain.bse[1] * np.sqrt(n / (n - 1)), rel=RTOL)
    assert (found.clusters, found.n_clusters, found.df) == ("areas", n, 11)


def test_reuse_is_clustered_on_units_and_sets():
    sample = NearestNeighbour(covariates=("x",)).fit(simulated_panel(300))
    effects = MatchedDiD().fit(sample, "y")
    found = overall(effects, quarters=(0, 2))
    summary = average(effects, chosen_cells(effects, quarters=(0, 2), cohorts="complete"))
    rows = effects.rows[summary.enters]
    c = summary.contribution[summary.enters]

    def one_way(keys):
        sums = pd.Series(c).groupby([rows[k].to_numpy() for k in keys]).sum()
        return (sums**2).sum() * len(sums) / (len(sums) - 1)
    assert found.clusters == "units and matched sets"
    assert found.std_error**2 == pytest.approx(one_way(["unit"]) + one_way(["set"]) - one_way(["unit", "set"]))
    assert found.n_clusters == found.df + 1 == rows["set"].nunique()


def test_unmatched_errors_equal_a_regression_clustered_on_units():
    """One cohort, one event time: a difference in means with HC0 times G / (G - 1)."""
    import statsmodels.api as sm
    panel = simulated_panel(200, entries=(6, 7))
    found = overall(UnmatchedDiD().fit(panel, "y"), quarters=(2, 2))
    use = (panel.entry == 6) | ((panel.entry < 0) & (panel.units["eligible_from"].to_numpy() < 6))
    change = (panel.outcomes["y"][:, 8] - panel.outcomes["y"][:, 2])[use]
    plain = sm.OLS(change, sm.add_constant((panel.entry[use] == 6).astype(float))).fit(cov_type="HC0")
    assert found.estimate == pytest.approx(plain.params[1])
    assert found.std_error == pytest.approx(plain.bse[1] * np.sqrt(use.sum() / (use.sum() - 1)))
    assert found.clusters == "units"


def test_by_council_of_a_partition_averages_to_the_overall_estimate():
    sample = NearestNeighbour(covariates=("x",), exact=("council_code",)).fit(simulated_panel(400, missing=0.1))
    for estimator in (MatchedDiD(), UnmatchedDiD(), GroupTimeATT(control="notyet")):
        effects = estimator.fit(sample, "y")
        whole = average(effects, chosen_cells(effects, quarters=(0, 2), cohorts="complete"))
        parts, weights = [], []
        cells = chosen_cells(effects, quarters=(0, 2), cohorts="complete")
        for code in np.unique(effects.rows["council_code"]):
            rows = (effects.rows["treated"] & (effects.rows["council_code"] == code)).to_numpy()
            parts.append(average(effects, cells, treated_rows=rows))
            chosen = effects.cells[cells]
            weights.append(sum(effects.row_weight[rows & (effects.rows["cohort"] == g).to_numpy(), np.searchsorted(effects.event_times, e)].sum()
                               for g, e in zip(chosen["cohort"], chosen["event_time"], strict=True)))
        assert np.average([p.value for p in parts], weights=weights) == pytest.approx(whole.value)
        assert all(abs(p.contribution.sum()) < 1e-9 for p in parts)
    matched = MatchedDiD().fit(sample, "y")
    assert by_council(matched, quarters=(0, 2))["share_within"].eq(1).all()


def test_effects_by_council_need_plain_differences():
    panel = simulated_panel(200)
    for effects in (GroupTimeATT(method="reg", covariates=("x",)).fit(panel, "y"), TwoWay().fit(panel, "y")):
        with pytest.raises(EstimationError, match="matched_did"):
            by_council(effects)


def test_the_headline_uses_cohorts_with_complete_windows_only():
    effects = UnmatchedDiD().fit(simulated_panel(400), "y")       # 16 quarters, cohorts 6 to 11: quarters 1 to 4 are whole for all, 1 to 6 for 6 to 9
    assert complete_cohorts(effects, (1, 4)) == [6, 7, 8, 9, 10, 11]
    assert complete_cohorts(effects, (1, 6)) == [6, 7, 8, 9]
    assert overall(effects, quarters=(1, 6)).n_treated < overall(effects, quarters=(1, 6), cohorts=None).n_treated


def test_own_weights_replace_treated_units():
    effects = UnmatchedDiD().fit(simulated_panel(400), "y")
    cells = effects.cells
    weights = ((cells["event_time"] == 2) & cells["cohort"].isin([6, 8])).to_numpy().astype(float)
    assert overall(effects, weights=weights).estimate == pytest.approx(cells.loc[weights > 0, "estimate"].mean())
    with pytest.raises(PlanError, match="Own weights"):
        overall(effects, weights=weights[1:])
    not_there = (cells["status"] == "outside_periods").to_numpy().astype(float)
    assert overall(effects, weights=not_there).reason == "a cell with weight could not be estimated"


def test_no_standard_error_from_one_cluster_or_without_spread(one_to_one):
    panel = one_to_one.panel
    units = np.arange(len(panel))
    same = sample_of(panel_of(panel.entry, {"y": np.outer(np.ones(len(panel)), np.arange(16.0))}), {0: units[-2:]} if panel.entry[0] >= 0 else
                     {int(one_to_one.treated_unit[0]): one_to_one.comparison_unit[:2]})
    alone = overall(MatchedDiD().fit(same, "y"), quarters=(1, 4))
    assert alone.reason.startswith("one cluster") and np.isnan(alone.std_error) and np.isnan(alone.p_value)
    flat = panel_of(panel.entry, {"y": np.outer(np.ones(len(panel)), np.arange(16.0))})
    pairs = {int(t): one_to_one.comparison_unit[one_to_one.comparison_set == s] for s, t in enumerate(one_to_one.treated_unit)}
    flat = sample_of(flat, pairs)
    zero = overall(MatchedDiD().fit(flat, "y"), quarters=(1, 4))
    assert zero.estimate == 0 and np.isnan(zero.std_error) and "standard error of zero" in zero.reason
    one_area = panel_of(panel.entry, panel.outcomes, areas=np.where(panel.entry >= 0, "only", "other"))
    one_area = sample_of(one_area, pairs)
    assert "one treated cluster of areas" in overall(MatchedDiD().fit(one_area, "y"), quarters=(1, 4), assignment="area").reason


def test_a_set_cluster_is_refused_where_there_are_no_sets():
    effects = UnmatchedDiD().fit(simulated_panel(200), "y")
    with pytest.raises(PlanError, match="needs matched sets"):
        overall(effects, clusters="set")


def test_two_way_covariance_falls_back_on_the_larger_dimension():
    rng = np.random.default_rng(0)
    c = rng.normal(size=(4, 1))
    unit, sets = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert covariance_of(c, [unit, sets])[0, 0] > 0


def test_minimum_detectable_effect_is_2_8_standard_errors_for_many_clusters():
    assert minimum_detectable_effect(0.5) == pytest.approx(0.5 * (1.959964 + 0.841621), rel=1e-6)
    assert minimum_detectable_effect(1.0, 15) == pytest.approx(2.131450 + 0.866245, rel=1e-6)      # t tables
    assert np.isnan(minimum_detectable_effect(float("nan"), 10)) and np.isnan(minimum_detectable_effect(1.0, 0))


def test_simple_aggregate_is_the_overall_estimate_of_all_cells_after_entry():
    effects = GroupTimeATT().fit(simulated_panel(300), "y")
    assert aggregate(effects, "simple")[1] == overall(effects, quarters=(0, 99), cohorts=None)


def test_weights_that_differ_inside_a_council_are_seen_by_its_errors_and_councils_that_hold_both_arms_are_counted_once():
    panel = simulated_panel(400, councils=6, effect=-0.5)
    panel = dataclasses.replace(panel, units=panel.units.assign(w=np.random.default_rng(0).lognormal(size=400)))
    effects = GroupTimeATT(weights="w").fit(panel, "y")
    assert (effects.rows["unit"] >= 0).all()
    found = overall(GroupTimeATT().fit(panel, "y"), quarters=(0, 2), clusters="council")
    assert found.n_clusters == 6 and found.method.startswith("CR3") and found.caution == ""


@pytest.mark.parametrize(("dates", "method"), [((6,), "CR3"), ((6, 7, 8, 9), "CR2")])
def test_eight_treated_areas_have_cr3_when_they_join_together_and_cr2_when_they_join_two_at_a_time(dates, method):
    rng = np.random.default_rng(5)
    area = np.repeat(np.arange(30), 6)
    entry = np.where(area < 8, np.array(dates)[area % len(dates)], -1)
    y = rng.normal(size=(180, 12)) + rng.normal(size=30)[area][:, None]
    names = np.array([f"a{i:02d}" for i in range(30)])[area]
    effects = GroupTimeATT().fit(panel_of(entry, {"y": y}, areas=names, councils=names), "y")
    found = overall(effects, quarters=(0, 1), assignment="area")
    assert found.method.startswith(method)
    fit, contrast = as_regression(effects, average(effects, chosen_cells(effects, quarters=(0, 1), cohorts="complete")), "area")
    assert found.std_error == pytest.approx(np.sqrt(contrast @ fit.covariance(method) @ contrast))


def test_areas_that_join_one_after_another_are_counted_by_arm():
    """Three areas join at two dates and serve as comparison areas before: few treated areas, whatever their later part."""
    rng = np.random.default_rng(4)
    area = np.repeat(np.arange(15), 8)
    entry = np.select([area == 0, area == 1, area == 2], [6, 6, 9], -1)
    y = rng.normal(size=(120, 12)) + rng.normal(size=15)[area][:, None]
    names = np.array([f"a{i:02d}" for i in range(15)])[area]
    effects = GroupTimeATT(control="notyet").fit(panel_of(entry, {"y": y}, areas=names, councils=names), "y")
    found = overall(effects, quarters=(0, 1), assignment="area")
    assert found.method.startswith("CR3") and "only the permutation of areas tests" in found.caution


@pytest.mark.parametrize("assignment", ["area", "unit"])
def test_the_base_period_is_a_nought_without_an_error_whatever_is_clustered_on(assignment):
    rng, area = np.random.default_rng(4), np.repeat(np.arange(12), 4)
    y = rng.normal(size=(48, 6)) + area[:, None] / 10
    panel = panel_of(np.where(area % 2 == 0, 3, -1), {"y": y}, areas=[f"a{i}" for i in area])
    table = event_study(GroupTimeATT(anticipation=1).fit(panel, "y"), assignment=assignment).set_index("event_time")
    assert table.loc[-2, "phase"] == "base" and table.loc[-2, "estimate"] == 0 and np.isnan(table.loc[-2, "std_error"])
    assert table.loc[0, "std_error"] > 0
