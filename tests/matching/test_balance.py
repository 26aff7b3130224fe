import numpy as np
import pandas as pd
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.matching.balance import balance_table, common_support_share, overlap_histogram, risk_set_weights, weighted_variance
from tests.matching.panels import panel_of, simulated_panel


def test_balance_of_six_families_by_hand():
    x = np.array([[1.0, 1], [3, 1], [2, 0], [1, 1], [3, 0], [8, 0]])
    treated = np.array([True, True, False, False, False, False])
    after = np.array([1.0, 1, 0, 1, 1, 0])             # matched to the third and fourth comparison families
    table = balance_table(x, ["age", "lone"], treated=treated, before=np.ones(6), after=after).set_index("covariate")
    # age: treated mean 2, sd sqrt(2); comparison mean 3.5 before, 2 after; variances 2 / (29/3) and 2 / 2
    assert table.loc["age", "smd_before"] == pytest.approx((2 - 3.5) / np.sqrt(2))
    assert table.loc["age", "smd_after"] == pytest.approx(0.0)
    assert table.loc["age", "variance_ratio_before"] == pytest.approx(2 / (29 / 3))
    assert table.loc["age", "variance_ratio_after"] == pytest.approx(1.0)
    # lone: all treated are, so p (1 - p) is 0 and there is no scale
    assert np.isnan(table.loc["lone", "smd_before"]) and np.isnan(table.loc["lone", "variance_ratio_before"])


def test_a_binary_covariate_is_scaled_by_p_times_1_minus_p():
    x = np.array([1.0, 0, 0, 0, 1, 1, 0])
    assert weighted_variance(x[:4], np.ones(4)) == pytest.approx(0.25 * 0.75)


def test_weighted_variance_of_equal_weights_is_the_sample_variance():
    x = np.random.default_rng(0).normal(size=20)
    assert weighted_variance(x, np.full(20, 0.3)) == pytest.approx(x.var(ddof=1))


def test_before_matching_an_entry_period_counts_as_its_treated_units_do():
    entry = np.array([1, 1, 1, 2, 2, 2, 2])
    treated = np.array([True, False, False, True, True, False, False])
    assert risk_set_weights(entry, treated).tolist() == [1, 0.5, 0.5, 1, 1, 1, 1]


def test_the_balance_of_a_matched_sample_equals_a_weighted_mean_by_hand():
    panel = simulated_panel(300)
    sample = NearestNeighbour(covariates=("x", "b")).fit(panel)
    x = panel.units["x"].to_numpy()
    line = sample.balance.set_index("covariate").loc["x"]
    assert line["mean_comparison_after"] == pytest.approx((sample.comparison_weight @ x[sample.comparison_unit]) / sample.n_treated)
    assert line["mean_treated_matched"] == pytest.approx(x[sample.treated_unit].mean())
    assert line["smd_after"] == pytest.approx((line["mean_treated_matched"] - line["mean_comparison_after"]) / x[panel.entry >= 0].std(ddof=1))
    assert abs(line["smd_after"]) < 0.1 < abs(line["smd_before"])
    assert sample.balance["covariate"].tolist() == ["x", "b", "linear predictor"]


def test_lalonde_differences_before_matching_equal_the_published_ones(open_data):
    """Standardised differences of the NSW treated and PSID-1, treated sd, from means and deviations by plain pandas."""
    people = pd.concat([pd.read_csv(open_data / "lalonde" / file).query(f"trt == {trt}") for file, trt in (("nsw_dw_445.csv", 1), ("psid1.csv", 0))])
    names = ["age", "educ", "black", "nodeg", "re75"]
    panel = panel_of(np.where(people["trt"] == 1, 1, -1), **{name: people[name].to_numpy(float) for name in names})
    found = NearestNeighbour(covariates=tuple(names), caliper=None).fit(panel).balance.set_index("covariate")["smd_before"]
    t, c = (people[people["trt"] == k] for k in (1, 0))
    for name in names:
        sd = np.sqrt(t[name].mean() * (1 - t[name].mean())) if name in ("black", "nodeg") else t[name].std()
        assert found[name] == pytest.approx((t[name].mean() - c[name].mean()) / sd)


def test_overlap_shares_sum_to_one():
    rng = np.random.default_rng(0)
    score, treated = rng.normal(size=500), rng.random(500) < 0.3
    table = overlap_histogram(score, treated, bins=10)
    assert table[["treated", "comparison"]].sum().tolist() == pytest.approx([1, 1])
    assert table[["n_treated", "n_comparison"]].sum().tolist() == [treated.sum(), (~treated).sum()]
    assert common_support_share(np.array([0.0, 5, 1, 2]), np.array([False, True, True, False])) == 0.5
