"""TwoWay against linearmodels' own covariance and pyfixest."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, TwoWay, overall
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_matched_did import sample_of


def _long(panel):
    n, t = panel.outcomes["y"].shape
    unit, time = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    entry = panel.entry[unit]
    return pd.DataFrame({"unit": unit, "time": time, "y": panel.outcomes["y"].ravel(), "d": ((entry >= 0) & (time >= entry)).astype(float)}).dropna()


@pytest.fixture(scope="module")
def panel():
    return simulated_panel(300, effect=-0.4, missing=0.05)


def test_the_panel_estimate_and_its_error_equal_linearmodels(panel):
    from linearmodels.panel import PanelOLS
    found = overall(TwoWay(window=(-20, 20), anticipation=0).fit(panel, "y"))
    long = _long(panel).set_index(["unit", "time"])
    theirs = PanelOLS(long["y"], long[["d"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, debiased=False, auto_df=False, count_effects=False)
    g = found.n_clusters
    assert found.estimate == pytest.approx(theirs.params["d"])
    assert found.std_error == pytest.approx(theirs.std_errors["d"] * np.sqrt(g / (g - 1)), rel=1e-6)
    assert (found.clusters, g) == ("units", 300)


def test_the_panel_estimate_and_its_error_equal_pyfixest(panel):
    pf = pytest.importorskip("pyfixest")
    found = overall(TwoWay(window=(-20, 20), anticipation=0).fit(panel, "y"))
    theirs = pf.feols("y ~ d | unit + time", data=_long(panel), vcov={"CRV1": "unit"}, ssc=pf.ssc(k_adj=False, G_adj=True))
    assert found.estimate == pytest.approx(float(theirs.coef()["d"]), rel=1e-6)
    assert found.std_error == pytest.approx(float(theirs.se()["d"]), rel=1e-5)


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
    found = TwoWay(window=(-2, 1), anticipation=0, quarters=(1, 1)).fit(sample, "y")
    assert found.cells["estimate"].iloc[0] == pytest.approx(change[:5].mean() - change[5:].mean())


def test_staggered_entry_on_a_panel_is_noted(panel):
    assert "staggered" in TwoWay().fit(panel, "y").notes[0]


def test_without_treated_observations_there_is_no_estimate():
    with pytest.raises(EstimationError, match="0 of 16 are treated"):
        TwoWay().fit(panel_of([-1] * 4, {"y": np.ones((4, 4))}), "y")
    with pytest.raises(PlanError, match="Mend the plan"):
        TwoWay(quarters=(3, 1))
