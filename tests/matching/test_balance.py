import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.matching import NearestNeighbour, balance
from evaluation.matching.balance import (
    COLUMNS,
    Sides,
    Term,
    balance_table,
    common_support_share,
    full_table,
    overlap_histogram,
    risk_set_weights,
    weighted_variance,
    with_products,
)
from evaluation.matching.distributions import overlap_coefficient, pair_distance, reference_bandwidth
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
    # lone: all treated are, so their p (1 - p) is 0; pooled over six rows it is 4 x 1/4 x 3/4 / 6 = 1/8. After: 1 against 1/2
    assert table.loc["lone", "smd_before"] == pytest.approx(0.75 / np.sqrt(1 / 8)) and table.loc["lone", "sd_treated"] == 0
    assert table.loc["lone", "smd_after"] == pytest.approx(0.5 / np.sqrt(1 / 8)) and np.isnan(table.loc["lone", "variance_ratio_before"])


def table_of(x, treated, before=None, after=None, *, estimand="ATT", stratum=None, n_strata=1, sets=None, **asked):
    """The full table of columns named a, b, ..."""
    x = np.asarray(x, dtype=float)
    ones = np.ones(len(x))
    sides = Sides.of(np.asarray(treated, dtype=bool), before=ones if before is None else before, after=ones if after is None else after,
                     estimand=estimand, stratum=stratum, n_strata=n_strata)
    return full_table([Term(name="abcdefgh"[j], values=lambda j=j: x[:, j]) for j in range(x.shape[1])], sides, sets=sets, **asked)


def test_distributions_of_six_families_by_hand():
    x, treated = [[1.0], [3], [2], [1], [3], [8]], [1, 1, 0, 0, 0, 0]
    line = table_of(x, treated, after=np.array([1.0, 1, 0, 1, 1, 0])).iloc[0]
    # at 1, 2, 3, 8 the treated have 1/2, 1/2, 1, 1 and the comparison families 1/4, 1/2, 3/4, 1: gaps 1/4, 0, 1/4, 0
    assert (line["ecdf_mean_before"], line["ks_before"]) == (0.125, 0.25)
    # after: 1/2, 1/2, 1, 1 on both sides
    assert (line["ecdf_mean_after"], line["ks_after"]) == (0, 0)


def test_a_binary_covariates_distributions_are_apart_by_the_difference_in_shares():
    line = table_of([[1.0], [0], [0], [0], [1]], [1, 1, 0, 0, 0]).iloc[0]
    assert line[["type", "ecdf_mean_before", "ks_before"]].tolist() == ["binary", pytest.approx(1 / 6), pytest.approx(1 / 6)]


@pytest.mark.parametrize(("estimand", "variance"), [("ATT", 2), ("ATC", 29 / 3), ("ATE", (2 + 29 / 3) / 2), ("ATO", (2 + 29 / 3) / 2)])
def test_the_estimand_decides_whose_deviation_divides(estimand, variance):
    line = table_of([[1.0], [3], [2], [1], [3], [8]], [1, 1, 0, 0, 0, 0], estimand=estimand).iloc[0]
    assert line["smd_before"] == pytest.approx(-1.5 / np.sqrt(variance)) and line["sd_treated"] == pytest.approx(np.sqrt(2))


def test_a_covariate_without_any_spread_differs_by_0_or_cannot_be_estimated():
    table = table_of([[0.1, 1], [0.1, 1], [0.1, 0], [0.1, 0]], [1, 1, 0, 0])
    assert table["smd_before"].tolist() == [0.0, pytest.approx(np.nan, nan_ok=True)] and table["sd"].isna().all()
    assert table["variance_ratio_before"].isna().all()


def test_the_deviation_of_a_constant_is_not_taken_from_rounding():
    line = table_of([[0.1], [0.1], [0.1], [0.5], [0.7], [0.3]], [1, 1, 1, 0, 0, 0]).iloc[0]
    assert line["smd_before"] == pytest.approx((0.1 - 0.5) / np.sqrt(0.08 / 5))     # pooled: 0 and 0.08 over six rows less one, as in MatchIt


def test_a_share_of_1_that_rounding_lifts_above_1_has_no_variance():
    for seed in range(50):
        weights = np.random.default_rng(seed).exponential(size=7)
        assert weighted_variance(np.ones(7), weights) == 0 == weighted_variance(np.zeros(7), weights)


def random_case(seed, n, *, ties):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=n), rng.integers(0, 4, n) if ties else rng.exponential(size=n), rng.integers(0, 2, n)])
    treated = rng.random(n) < 0.4
    treated[:4] = [True, True, False, False]
    weights = rng.exponential(size=n), np.where(rng.random(n) < 0.5, rng.exponential(size=n), 0)
    weights[1][:4] = 1
    return x, treated, *weights


cases = st.builds(random_case, st.integers(0, 10_000), st.integers(6, 60), ties=st.booleans())


@settings(deadline=None, max_examples=40)
@given(cases, st.floats(1e-3, 1e3))
def test_weights_times_a_constant_change_nothing(case, factor):
    x, treated, before, after = case
    one, two = (table_of(x, treated, before * f, after * f, overlap=True).drop(columns=["covariate", "type"]) for f in (1, factor))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(cases, st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(case, seed):
    x, treated, before, after = case
    order = np.random.default_rng(seed).permutation(len(x))
    stratum = (np.arange(len(x)) // 4) % 3
    for strata in ({}, {"n_strata": 3}):
        one = table_of(x, treated, before, after, stratum=stratum if strata else None, **strata).drop(columns=["covariate", "type"])
        two = table_of(x[order], treated[order], before[order], after[order], stratum=stratum[order] if strata else None,
                       **strata).drop(columns=["covariate", "type"])
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(cases)
def test_equal_weights_before_and_after_give_equal_measures_inside_their_bounds(case):
    x, treated, before, _ = case
    table = table_of(x, treated, before, before, overlap=True)
    for measure in ("smd", "variance_ratio", "ecdf_mean", "ks", "overlap"):
        np.testing.assert_array_equal(table[f"{measure}_before"], table[f"{measure}_after"])
    assert table["ks_before"].between(0, 1 + 1e-12).all() and table["overlap_before"].dropna().between(0, 1).all()
    assert (table["ecdf_mean_before"] <= table["ks_before"] + 1e-12).all()


@settings(deadline=None, max_examples=40)
@given(cases)
def test_a_table_by_stratum_equals_that_of_each_stratum_alone_but_for_the_deviation(case):
    x, treated, before, after = case
    stratum = np.random.default_rng(len(x)).integers(0, 4, len(x))
    table = table_of(x, treated, before, after, stratum=stratum, n_strata=4, overlap=True)
    for k in range(4):
        here = stratum == k
        part = table[table["stratum"] == k].reset_index(drop=True)
        if not (treated[here].any() and (~treated[here]).any()):
            assert part[["smd_before", "ks_before", "ks_after", "overlap_before"]].isna().all(axis=None)
            continue
        alone = table_of(x[here], treated[here], before[here], after[here], overlap=True)
        for column in [name for name in alone if name.startswith(("mean", "variance", "ecdf", "ks", "overlap"))]:
            if part["type"].tolist() == alone["type"].tolist():     # a few rows of a covariate may hold 0 and 1 only
                np.testing.assert_allclose(part[column], alone[column], rtol=1e-9, atol=1e-12, err_msg=column)
        known = part["sd"].notna()
        np.testing.assert_allclose(part["smd_before"][known], ((part["mean_treated"] - part["mean_comparison_before"]) / part["sd"])[known])
    np.testing.assert_allclose(table["sd"], np.tile(table_of(x, treated, before, after)["sd"], 4))


def test_the_largest_gap_equals_scipys():
    from scipy.stats import ks_2samp

    x, treated, _, _ = random_case(3, 500, ties=True)
    found = table_of(x, treated)["ks_before"]
    for j in range(3):
        assert found[j] == pytest.approx(ks_2samp(x[treated, j], x[~treated, j]).statistic)


def test_a_second_worker_changes_no_digit(monkeypatch):
    x, treated, before, after = random_case(5, 30_000, ties=True)
    tables = []
    for few, workers in ((0, 2), (0, 5), (10**9, 1)):
        monkeypatch.setattr(balance, "FEW_ROWS", few)
        monkeypatch.setattr(balance, "WORKERS", workers)
        tables.append(table_of(np.repeat(x, 2, axis=1), treated, before, after, overlap=True))
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)


def test_columns_by_row_and_by_column_in_memory_give_the_same():
    x, treated, before, after = random_case(6, 50, ties=False)
    rows, columns = (balance_table(order(x), list("abc"), treated=treated, before=before, after=after)
                     for order in (np.ascontiguousarray, np.asfortranarray))
    pd.testing.assert_frame_equal(rows, columns, check_exact=True)
    assert tuple(rows) == COLUMNS


def test_overlap_of_two_normal_distributions_is_near_the_known_area():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=20_000), rng.normal(1, size=200_000)
    found = overlap_coefficient(a, b, np.ones(len(a)), np.ones(len(b)), bandwidth=reference_bandwidth(a))
    assert found == pytest.approx(2 * norm.cdf(-0.5), abs=0.01)


def test_overlap_of_separated_sides_is_0_and_of_a_constant_is_1():
    one = np.ones(3)
    assert overlap_coefficient(np.arange(3.0), np.arange(5.0, 8), one, one, bandwidth=0.5) == 0
    assert overlap_coefficient(one, one, one, one, bandwidth=0.0) == 1
    assert np.isnan(overlap_coefficient(one, one, one, one * 0, bandwidth=0.5))


def test_overlap_keeps_a_far_value_on_the_grid():
    x = np.append(np.random.default_rng(0).normal(size=500), 1e7)
    one = np.ones(len(x))
    assert overlap_coefficient(x, x, one, one, bandwidth=reference_bandwidth(x)) == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_the_pair_distance_equals_the_mean_over_all_pairs(seed, n1, n0, n_sets):
    rng = np.random.default_rng(seed)
    (x1, s1), (x0, s0) = ((rng.integers(0, 9, n) / 2, rng.integers(0, n_sets, n)) for n in (n1, n0))
    pairs = [abs(a - b) for a, i in zip(x1, s1, strict=True) for b, j in zip(x0, s0, strict=True) if i == j]
    assert pair_distance(x1, s1, x0, s0) == pytest.approx(np.mean(pairs) if pairs else np.nan, nan_ok=True)


def test_products_leave_out_binary_squares_and_levels_of_one_column():
    x = {"age": np.array([1.0, 2]), "lone": np.array([0.0, 1]), "area[a]": np.array([True, False]), "area[b]": np.array([False, True])}
    terms = [Term(name=name, values=lambda v=v: v, column="area" if "area" in name else "") for name, v in x.items()]
    terms.append(Term(name="score", values=lambda: np.zeros(2), is_score=True))
    found = with_products(terms, squares=True, interactions=True)
    assert [term.name for term in found] == [*x, "age squared", "age * lone", "age * area[a]", "age * area[b]", "lone * area[a]", "lone * area[b]",
                                             "score"]
    assert found[4].values().tolist() == [1, 4] and found[6].values().tolist() == [1, 0]
    assert with_products(terms, squares=False, interactions=False) == terms


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
