"""TwoWay against R fixest (stored), pyfixest, linearmodels' own covariance and least squares on dummies."""
import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, TwoWay, overall
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_matched_did import sample_of
from tests.models.two_way_panels import long_of, reference_panel, stored
from tests.models.valid import assert_same_estimate, assert_valid_effects

EXACT = 1e-10                  # the same algebra in another order
EVERYTHING = {"window": (-20, 20), "anticipation": 0}


@pytest.fixture(scope="module")
def panel():
    return simulated_panel(300, effect=-0.4, missing=0.05)


@pytest.mark.parametrize("data", ["panel", "unbalanced"])
@pytest.mark.parametrize("clusters", ["unit", "council"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_panel_estimate_and_its_error_equal_r_fixest(data, clusters, weights):
    effects = TwoWay(**EVERYTHING, weights=weights).fit(reference_panel(data), "y")
    assert_valid_effects(effects)
    found = overall(effects, clusters=clusters)
    theirs = stored()[f"two_way_{data}_{clusters}{'_weighted' if weights else ''}"].loc["d"]
    assert found.estimate == pytest.approx(theirs["estimate"], rel=EXACT)
    assert found.std_error == pytest.approx(theirs["se"], rel=EXACT)


@pytest.mark.parametrize(("data", "clusters"), [("panel", "unit"), ("unbalanced", "unit"), ("panel", "council")])
def test_the_default_error_of_fixest_is_ours_times_a_factor_that_counts_effects_not_nested_in_clusters(data, clusters):
    panel = reference_panel(data)
    found, n = overall(TwoWay(**EVERYTHING).fit(panel, "y"), clusters=clusters), np.isfinite(panel.outcomes["y"]).sum()
    k = 1 + 8                  # treatment and periods; unit effects are nested in units and in councils
    assert found.std_error * np.sqrt((n - 1) / (n - k)) == pytest.approx(stored()[f"two_way_{data}_{clusters}_default"].loc["d", "se"], rel=EXACT)


def test_the_panel_estimate_and_its_error_equal_linearmodels(panel):
    from linearmodels.panel import PanelOLS
    found = overall(TwoWay(**EVERYTHING).fit(panel, "y"))
    long = long_of(panel).set_index(["unit", "time"])
    theirs = PanelOLS(long["y"], long[["d"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, debiased=False, auto_df=False, count_effects=False)
    g = found.n_clusters
    assert found.estimate == pytest.approx(theirs.params["d"], rel=EXACT)
    assert found.std_error == pytest.approx(theirs.std_errors["d"] * np.sqrt(g / (g - 1)), rel=EXACT)
    assert (found.clusters, g) == ("units", 300)


def test_the_panel_estimate_and_its_error_equal_pyfixest(panel):
    pf = pytest.importorskip("pyfixest")
    found = overall(TwoWay(**EVERYTHING).fit(panel, "y"))
    theirs = pf.feols("y ~ d | unit + time", data=long_of(panel), vcov={"CRV1": "unit"}, ssc=pf.ssc(k_adj=False, G_adj=True), fixef_tol=1e-13)
    assert found.estimate == pytest.approx(float(theirs.coef()["d"]), rel=EXACT)
    assert found.std_error == pytest.approx(float(theirs.se()["d"]), rel=EXACT)


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"window": (-3, 2), "anticipation": 0}, {"quarters": (0, 1)}])
@pytest.mark.parametrize("calendar", [(), (1, 2, 4)])
def test_both_backends_agree_on_a_panel(options, calendar):
    panel = simulated_panel(200, effect=-0.4, missing=0.1)
    panel.units["w"] = np.random.default_rng(3).uniform(0, 2, 200).round(1)
    one, other = (TwoWay(**options, backend=backend).fit(panel, "y", calendar=calendar) for backend in ("sums", "linearmodels"))
    for clusters in ("unit", "council"):
        assert_same_estimate(overall(one, clusters=clusters), overall(other, clusters=clusters))
    assert one.notes == other.notes
    assert one.cells.equals(other.cells.assign(estimate=one.cells["estimate"]))


def test_both_backends_agree_on_a_matched_sample():
    sample = NearestNeighbour(covariates=("x",), ratio=2).fit(simulated_panel(120, entries=(6, 9), effect=1.0, missing=0.1))
    one, other = (TwoWay(window=(-3, 2), backend=backend).fit(sample, "y") for backend in ("sums", "linearmodels"))
    assert_valid_effects(one)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-12)
    assert one.rows.equals(other.rows)
    for clusters in ("auto", "unit", "council"):
        assert_same_estimate(overall(one, clusters=clusters), overall(other, clusters=clusters))


def test_one_row_per_unit_gives_the_errors_of_compressed_units(panel):
    effects = TwoWay(**EVERYTHING).fit(panel, "y")
    assert_valid_effects(effects.each_unit())
    assert len(effects.rows) < len(effects.each_unit().rows) == 300
    for clusters in ("unit", "council"):
        assert_same_estimate(overall(effects, clusters=clusters), overall(effects.each_unit(), clusters=clusters))


def test_two_periods_of_matched_pairs_equal_the_matched_difference():
    """With one period before and one after, and one comparison a set, both estimators are the mean of differences of changes."""
    rng = np.random.default_rng(0)
    panel = panel_of([1] * 20 + [-1] * 20, {"y": rng.normal(size=(40, 2))})
    sample = sample_of(panel, {i: [20 + i] for i in range(20)})
    one = overall(TwoWay(window=(-1, 0), anticipation=0).fit(sample, "y"))
    other = overall(MatchedDiD(base=-1, window=(-1, 0), anticipation=0).fit(sample, "y"), quarters=(0, 0))
    assert one.estimate == pytest.approx(other.estimate)
    assert one.std_error == pytest.approx(other.std_error)
    assert (one.clusters, one.n_clusters) == ("matched sets", 20)


def test_the_stacked_regression_equals_weighted_least_squares_on_dummies():
    sample = NearestNeighbour(covariates=("x",), ratio=2).fit(simulated_panel(60, entries=(6, 8), effect=1.0))
    found = TwoWay(window=(-3, 2), anticipation=1).fit(sample, "y")
    rows = []
    y, own = sample.panel.outcomes["y"], sample.panel.entry
    for s, (t, g) in enumerate(zip(sample.treated_unit, sample.set_entry, strict=True)):
        mine = sample.comparison_set == s
        for u, w, d in [(t, 1.0, 1), *((u, w, 0) for u, w in zip(sample.comparison_unit[mine], sample.comparison_weight[mine], strict=True))]:
            rows += [(f"{s}-{u}", f"{g}-{e}", y[u, g + e], w, d * (e >= 0)) for e in (-3, -2, 0, 1, 2) if d or own[u] < 0 or g + e < own[u]]
    long = pd.DataFrame(rows, columns=["entity", "time", "y", "w", "d"])
    design = pd.get_dummies(long[["entity", "time"]], dtype=float).assign(d=long["d"])
    root = np.sqrt(long["w"].to_numpy())
    theirs = np.linalg.lstsq(design.to_numpy() * root[:, None], long["y"].to_numpy() * root)[0]
    assert found.cells["estimate"].tolist() == pytest.approx([theirs[design.columns.get_loc("d")]])


def test_quarters_restrict_the_periods_after():
    panel = panel_of([2] * 5 + [-1] * 5, {"y": np.random.default_rng(1).normal(size=(10, 4))})
    y, sample = panel.outcomes["y"], sample_of(panel, {i: [5 + i] for i in range(5)})
    change = y[:, 3] - y[:, :2].mean(axis=1)
    for given in (sample, panel):      # on the panel the never treated keep period 2, whose effect takes up what they did then
        found = TwoWay(window=(-2, 1), anticipation=0, quarters=(1, 1)).fit(given, "y").cells["estimate"].iloc[0]
        assert found == pytest.approx(change[:5].mean() - change[5:].mean())


def test_staggered_entry_on_a_panel_is_noted(panel):
    assert "staggered" in TwoWay().fit(panel, "y").notes[0]


def test_units_treated_from_the_first_period_on_are_left_out_and_counted(panel):
    entry = panel.entry.copy()
    entry[:7] = 0
    late = dataclasses.replace(panel, units=panel.units.assign(entry=entry))
    rest = dataclasses.replace(panel, units=panel.units.assign(entry=entry)[7:].reset_index(drop=True), outcomes={"y": panel.outcomes["y"][7:]})
    for backend in ("sums", "linearmodels"):
        one, other = (TwoWay(backend=backend).fit(given, "y") for given in (late, rest))
        assert one.cells["estimate"].iloc[0] == pytest.approx(other.cells["estimate"].iloc[0], rel=EXACT)
        assert one.notes[-1].startswith("7 units are treated from the first period on")


def test_units_seen_once_have_no_part_and_are_not_counted():
    y = np.random.default_rng(0).normal(size=(12, 3))
    y[0, :2] = y[6, 1:] = np.nan
    panel = panel_of([2] * 6 + [-1] * 6, {"y": y})
    for backend in ("sums", "linearmodels"):
        cell = TwoWay(window=(-2, 0), anticipation=0, backend=backend).fit(panel, "y").cells.iloc[0]
        assert (cell["n_treated"], cell["n_comparison"]) == (5, 5)


@pytest.mark.parametrize("backend", ["sums", "linearmodels"])
def test_without_treated_observations_or_without_variation_there_is_no_estimate(backend):
    two_way = TwoWay(backend=backend)
    with pytest.raises(EstimationError, match="0 of 16 are treated"):
        two_way.fit(panel_of([-1] * 4, {"y": np.ones((4, 4))}), "y")
    with pytest.raises(EstimationError, match="does not vary within units and periods"):
        two_way.fit(panel_of([2] * 4, {"y": np.random.default_rng(0).normal(size=(4, 4))}), "y")


@pytest.mark.parametrize("wrong", [{"quarters": (3, 1)}, {"backend": "stata"}, {"window": (3, 1)}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        TwoWay(**wrong)


def test_weights_that_are_no_column_or_beside_matched_weights_are_refused(panel):
    with pytest.raises(PlanError, match="'w' is not one of"):
        TwoWay(weights="w").fit(panel, "y")
    with pytest.raises(PlanError, match="weights of their own"):
        TwoWay(weights="x").fit(NearestNeighbour(covariates=("x",)).fit(panel), "y")


@pytest.mark.slow
def test_the_estimate_recovers_a_common_effect_and_council_clustered_intervals_cover_it():
    found = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        council = np.repeat(np.arange(50), 6)
        entry = np.where(rng.random(300) < 0.5, 4, -1)
        y = rng.normal(size=(50, 8))[council] + rng.normal(size=(300, 8)) + 0.7 * ((entry >= 0)[:, None] & (np.arange(8) >= 4))
        names = council.astype(str)
        one = overall(TwoWay(anticipation=0).fit(panel_of(entry, {"y": y}, councils=names, areas=names), "y"), clusters="council")
        found.append((one.estimate, one.std_error, one.lower <= 0.7 <= one.upper))
    estimate, error, covered = np.array(found, dtype=float).T
    assert abs(estimate.mean() - 0.7) < 3 * estimate.std() / np.sqrt(600)
    assert covered.mean() == pytest.approx(0.95, abs=0.03)                # 3 Monte Carlo errors
    assert error.mean() == pytest.approx(estimate.std(), rel=0.15)
