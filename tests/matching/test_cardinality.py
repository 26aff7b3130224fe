"""The largest balanced selection: tolerances are kept, nothing larger exists, and what is not proven is said."""
from itertools import chain, combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import Candidates
from evaluation.matching.balance import weighted_variance
from evaluation.matching.cardinality import CardinalityMatching, CardinalityPairs
from evaluation.matching.search.selection import Program, equal_counts, largest_selection, least_excess, thinned
from tests.matching.panels import simulated_panel
from tests.matching.references import COVARIATES, candidates_for, reference, weights_of
from tests.matching.valid import assert_valid_match, assert_valid_sample

TOUCH = 1e-6                   # of a sum of standardised differences: the solver's tolerance


def table_of(n=200, seed=1, shift=0.7, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z, area = rng.normal(size=n), rng.normal(size=n), rng.choice(list("pqr"), n)
    return pd.DataFrame({"joined": rng.random(n) < 1 / (1 + np.exp(1 - shift * (x + z))), "x": x, "z": z, "area": area, **columns})


def matched(spec, table):
    return spec.match(Candidates.of_table(table, treated="joined"))


def largest_gap(match, names) -> float:
    """Largest absolute difference of means over the deviation of the treated, over all columns with all their levels."""
    x, treated, w = match.rows.matrix(names, full=True)[0], match.rows.treated, match.raw_weights()
    sd = [np.sqrt(weighted_variance(column[treated], np.ones(treated.sum()))) for column in x.T]
    means = [w[side] @ x[side] / w[side].sum() for side in (treated, ~treated)]
    return float(np.abs((means[0] - means[1]) / sd).max())


# ---------------------------------------------------------------- against MatchIt with HiGHS

@pytest.mark.parametrize("data", list(COVARIATES))
@pytest.mark.parametrize("method", [CardinalityMatching, CardinalityPairs])
def test_as_many_are_selected_as_matchit_selects_inside_its_tolerance(method, data):
    ref, names = reference(f"{data}_cardinality"), COVARIATES[data]
    rows = candidates_for(ref)
    x, columns = rows.matrix(names, full=True)
    tolerances = {name: 0.05 * float(np.sqrt(weighted_variance(column[rows.treated], np.ones(rows.treated.sum())))) for name, column in
                  zip(columns, x.T, strict=True)}                 # MatchIt divides by the deviation of the treated
    match = method(covariates=names, estimand="ATM", tolerances=tolerances, tolerance_unit="absolute").match(rows)
    assert_valid_match(match)
    assert largest_gap(match, names) <= 0.05 + TOUCH
    selected = match.raw_weights() > 0
    assert [selected[side].sum() for side in (rows.treated, ~rows.treated)] == [(weights_of(ref) > 0)[rows.treated].sum()] * 2
    assert "no selection that keeps the tolerances has more" in match.notes[0]


@pytest.mark.parametrize(("data", "estimand", "options", "sizes"), [
    # MatchIt 4.7.2 with highs 1.12, tols .05, ratio NA (ATT, ATE): treated, comparison
    ("lalonde", "ATT", {"gap": 0.0}, (185, 99)), ("generated", "ATT", {"gap": 0.0}, (139, 250)),
    ("lalonde", "ATE", {"gap": 0.0}, (33, 225)), ("generated", "ATE", {"gap": 0.0}, (70, 404)),
])
def test_profiles_are_as_large_as_matchits(data, estimand, options, sizes):
    names = COVARIATES[data]
    match = CardinalityMatching(covariates=names, estimand=estimand, **options).match(candidates_for(reference(f"{data}_cardinality")))
    assert_valid_match(match)
    assert tuple((match.raw_weights() > 0)[side].sum() for side in (match.rows.treated, ~match.rows.treated)) == sizes
    assert match.balance()["smd_after"].abs().max() <= 0.05 + TOUCH
    assert match.notes == (f"{sizes[1] + sizes[0] * (estimand == 'ATE')} of {len(match.rows) if estimand == 'ATE' else (~match.rows.treated).sum()} "
                           f"{'rows' if estimand == 'ATE' else 'comparison rows'} are selected: no selection that keeps the tolerances has more.",)


# ---------------------------------------------------------------- against all subsets

def subsets(n):
    return chain.from_iterable(combinations(range(n), k) for k in range(n + 1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), tolerance=st.sampled_from([0.05, 0.2, 0.5]))
def test_no_subset_of_comparison_rows_that_resembles_the_treated_is_larger(seed, tolerance):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"joined": np.arange(14) < 4, "x": rng.normal(size=14), "b": rng.integers(0, 2, 14)})
    table.loc[:1, "b"] = [0, 1]
    spec = CardinalityMatching(covariates=("x", "b"), tolerance=tolerance, gap=0.0)
    scale = [np.sqrt(weighted_variance(table.loc[:3, name].to_numpy(float), np.ones(4))) for name in ("x", "b")]
    gap = (table[["x", "b"]].to_numpy()[4:] - table[["x", "b"]].to_numpy()[:4].mean(axis=0)) / scale
    best = max(len(s) for s in subsets(10) if not s or (np.abs(gap[list(s)].mean(axis=0)) <= tolerance).all())
    if best == 0:
        with pytest.raises(CommonSupportError, match="No selection of"):
            matched(spec, table)
        return
    match = matched(spec, table)
    assert_valid_match(match)
    assert (match.raw_weights()[4:] > 0).sum() == best and largest_gap(match, ("x", "b")) <= tolerance + TOUCH


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), fine=st.booleans(), ratio=st.sampled_from([1, 2]))
def test_no_selection_from_both_sides_is_larger(seed, fine, ratio):
    rng = np.random.default_rng(seed)
    x, key = rng.normal(size=(11, 2)), rng.integers(0, 2, 11)
    focal, tolerance = np.arange(11) < 4, 0.3
    program = Program(gap=np.where(focal[:, None], -1.0, 1 / ratio) * x, size=focal.astype(float), tolerance=np.full(2, tolerance),
                      equal=equal_counts([key if fine else np.zeros(11, dtype=int)], np.where(focal, -float(ratio), 1.0)),
                      most=np.ones(11, dtype=int), worth=focal.astype(int))
    found = largest_selection(program, gap=0.0, time_limit=60)
    best = 0
    for t, c in product(subsets(4), subsets(7)):
        t, c = list(t), [4 + j for j in c]
        if t and len(c) == ratio * len(t) and (np.abs(x[c].mean(axis=0) - x[t].mean(axis=0)) <= tolerance).all() and \
                (not fine or all((key[c] == k).sum() == ratio * (key[t] == k).sum() for k in (0, 1))):
            best = max(best, len(t))
    assert found.worth == best == found.bound and not found.is_timed_out
    assert program.keeps(found.count)


# ---------------------------------------------------------------- what must always hold

@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE", "ATM"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_tolerances_are_kept_in_the_balance_table_and_the_bound_is_above(estimand, seed):
    table = table_of(300, seed, shift=0.3)
    match = matched(CardinalityMatching(covariates=("x", "z", "area"), estimand=estimand, tolerances={"x": 0.01, "area": 0.1}), table)
    assert_valid_match(match)
    after = match.balance().set_index("covariate")["smd_after"].abs()
    assert after["x"] <= 0.01 + TOUCH and after["z"] <= 0.05 + TOUCH and after.drop(["x", "z"]).max() <= 0.1 + TOUCH
    kept = {"ATT": match.rows.treated, "ATC": ~match.rows.treated}.get(estimand)
    assert kept is None or (match.raw_weights()[kept] > 0).all()
    assert "% may be missing" in match.notes[0] or "has more" in match.notes[0]


@pytest.mark.parametrize("spec", [CardinalityMatching(covariates=("x", "area")),
                                  CardinalityMatching(covariates=("x", "z"), estimand="ATM", fine=("area",)),
                                  CardinalityPairs(covariates=("x", "z"), exact=("area",), within="sample")])
def test_the_order_of_rows_does_not_matter(spec):
    table = table_of(150)
    table.loc[50:60, "x"] = 0.3
    order = np.random.default_rng(4).permutation(150)
    one, other = (matched(spec, which).raw_weights() for which in (table, table.iloc[order]))
    np.testing.assert_array_equal(other > 0, (one > 0)[order])


def test_selections_inside_strata_equal_those_of_each_stratum_alone():
    table = table_of(240)
    spec = {"covariates": ("x", "z"), "estimand": "ATM", "tolerance": 0.1, "tolerance_unit": "absolute"}
    together = matched(CardinalityMatching(exact=("area",), **spec), table)
    assert together.n_sets == 3
    for area in "pqr":
        part = np.flatnonzero(table["area"] == area)
        alone = matched(CardinalityMatching(**spec), table.iloc[part].reset_index(drop=True))
        np.testing.assert_array_equal(together.raw_weights()[part], alone.raw_weights())


def test_over_the_whole_sample_more_can_be_kept_and_the_ratio_holds_in_every_stratum():
    table = table_of(240, shift=1.0)
    options = {"covariates": ("x", "z"), "estimand": "ATM", "exact": ("area",), "tolerance": 0.02}
    apart, whole = (matched(CardinalityMatching(within=within, **options), table) for within in ("stratum", "sample"))
    assert (whole.raw_weights() > 0).sum() >= (apart.raw_weights() > 0).sum()
    assert whole.balance()["smd_after"].abs().max() <= 0.02 + TOUCH
    assert np.array_equal(np.bincount(whole.treated_set), np.bincount(whole.comparison_set))


def test_fine_balance_makes_values_equally_frequent():
    table = table_of(300, seed=9)
    match = matched(CardinalityMatching(covariates=("x", "z"), estimand="ATM", ratio=2, fine=("area",)), table)
    used = table[match.raw_weights() > 0]
    count = used.groupby(["area", "joined"]).size().unstack()
    assert (count[False] == 2 * count[True]).all() and match.balance()["smd_after"].abs().max() <= 0.05 + TOUCH


def test_squares_can_be_balanced_through_a_formula():
    table = table_of(400, seed=2)
    match = matched(CardinalityMatching(covariates=("x",), formula="x + I(x**2)", tolerance=0.01), table)
    w, treated = match.raw_weights(), table["joined"].to_numpy()
    for column in (table["x"].to_numpy(), table["x"].to_numpy() ** 2):
        gap = np.average(column[~treated], weights=w[~treated]) - column[treated].mean()
        assert abs(gap) <= 0.01 * column[treated].std(ddof=1) + TOUCH


def test_pairs_of_the_selected_have_the_smallest_total_distance():
    table = table_of(120, seed=3)
    options = {"covariates": ("x", "z"), "estimand": "ATM"}
    chosen, pairs = matched(CardinalityMatching(**options), table), matched(CardinalityPairs(distance="euclidean", **options), table)
    assert_valid_match(pairs)
    assert np.array_equal(chosen.raw_weights() > 0, pairs.raw_weights() > 0)
    x = table[["x", "z"]].to_numpy()
    cost = np.linalg.norm(x[np.sort(pairs.treated)][:, None] - x[np.sort(pairs.comparison)][None], axis=2)
    made = pairs.pairs()
    total = np.linalg.norm(x[made["treated"]] - x[made["comparison"]], axis=1).sum()
    assert total == pytest.approx(cost[linear_sum_assignment(cost)].sum(), rel=1e-9)


@pytest.mark.parametrize("spec", [CardinalityMatching(covariates=("x", "b"), tolerance=0.1),
                                  CardinalityMatching(covariates=("x", "b"), estimand="ATM", within="sample"),
                                  CardinalityPairs(covariates=("x", "b"), tolerance=0.1)])
def test_sets_lie_inside_entry_periods(spec):
    sample = spec.fit(simulated_panel(400))
    assert_valid_sample(sample)
    assert len(np.unique(sample.set_entry)) == 6


def test_sampling_weights_enter_the_means():
    table = table_of(300, seed=5).assign(w=lambda t: np.where(t["x"] > 0, 2.0, 0.5))
    match = CardinalityMatching(covariates=("x", "z"), tolerance=0.02).match(Candidates.of_table(table, treated="joined", weights="w"))
    assert match.balance()["smd_after"].abs().max() <= 0.02 + TOUCH
    with pytest.raises(PlanError, match="no sampling weights"):
        CardinalityMatching(covariates=("x",), estimand="ATM").match(Candidates.of_table(table, treated="joined", weights="w"))


# ---------------------------------------------------------------- what is said

def test_whose_effect_it_is_is_said():
    table = table_of(200, seed=6, shift=2.0)
    some = matched(CardinalityMatching(covariates=("x", "z"), estimand="ATM"), table)
    every = matched(CardinalityMatching(covariates=("x", "z"), estimand="ATM", tolerance=5.0), table)
    assert some.notes[-1] == "The effect is that on the treated rows that are selected, not on all."
    assert every.notes[-1] == "All treated rows are selected: the effect is that on the treated."
    assert set(some.audit()["outcome"]) == {"asked for", "matched", "not_selected"}


def test_a_search_that_is_cut_short_says_how_far_from_the_largest_it_may_be():
    rng = np.random.default_rng(8)
    n = 300
    program = Program(gap=rng.normal(size=(n, 12)) + 0.4, size=np.ones(n), tolerance=np.full(12, 0.005), equal=sparse.csr_array((0, n)),
                      most=np.ones(n, dtype=int), worth=np.ones(n, dtype=int))
    found = largest_selection(program, gap=0.0, time_limit=0.4)
    assert found.is_timed_out and 0 <= found.worth < found.bound and 0 < found.gap <= 1
    none = largest_selection(program, gap=0.0, time_limit=0.0)
    assert none.worth == 0 and none.bound > 0
    table = pd.DataFrame({f"x{j}": column for j, column in enumerate(rng.normal(size=(12, 600)))}).assign(joined=np.arange(600) < 100)
    with pytest.raises(CommonSupportError, match="before the time limit. Raise `matching.tolerance` or `matching.time_limit`"):
        matched(CardinalityMatching(covariates=tuple(f"x{j}" for j in range(12)), time_limit=1e-6), table)


def test_rows_that_are_alike_are_counted_together_and_the_first_taken():
    # treated mean 0.5; of forty comparison rows ten have 1: ten of those with 0 balance them exactly
    table = pd.DataFrame({"joined": [1, 1, *[0] * 40], "x": [0, 1, *[0] * 30, *[1] * 10]})
    match = matched(CardinalityMatching(covariates=("x",), tolerance=0.0), table)
    assert np.flatnonzero(match.raw_weights()[2:]).tolist() == [*range(10), *range(30, 40)]
    program = Program(gap=np.array([[1.0], [2.0], [1.0]]), size=np.ones(3), tolerance=np.ones(1), equal=sparse.csr_array((0, 3)),
                      most=np.ones(3, dtype=int), worth=np.ones(3, dtype=int))
    assert thinned(program, np.array([0, 1, 0])).most.tolist() == [2, 1]


def test_strata_that_cannot_be_balanced_are_left_out_with_their_reason():
    table = pd.DataFrame({"joined": [1, 1, 0, 0, 0, 1, 1, 0, 0], "x": [0.0, 1.0, 0.0, 1.0, 0.4, 5.0, 6.0, -5.0, -6.0], "s": list("aaaaabbbb")})
    match = matched(CardinalityMatching(covariates=("x",), exact=("s",)), table)
    assert match.audit().to_numpy().tolist() == [["asked for", 4], ["matched", 2], ["cannot_be_balanced", 2]]
    assert match.notes == ("3 of 5 comparison rows are selected: no selection that keeps the tolerances has more.",
                           "In 1 of 2 strata no selection was found that keeps the tolerances: 2 rows whose effect is wanted are left out.")


def test_what_stands_in_the_way_is_named_with_the_least_that_can_be_reached():
    # treated x: 0 and 2 (mean 1, deviation 1.41); the nearest comparison row is 1.42 away: 1.0 deviations
    table = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "x": [0.0, 2.0, 2.4142, 5.0, 6.0], "z": [0.0, 1.0, 0.4, 0.6, 0.5]})
    with pytest.raises(CommonSupportError, match="in standard deviations, of 'x' 1. Raise"):
        matched(CardinalityMatching(covariates=("x", "z")), table)
    with pytest.raises(CommonSupportError, match="in the units of the columns, of 'x' 1.4. Raise"):
        matched(CardinalityMatching(covariates=("x", "z"), tolerance_unit="absolute"), table)
    with pytest.raises(CommonSupportError, match="No value of `matching.fine`"):
        matched(CardinalityMatching(covariates=("x",), estimand="ATM", fine=("k",), tolerance=9.0), table.assign(k=list("aabbb")))
    excess, columns = least_excess(Program(gap=np.array([[0.2, 1.0]]), size=np.ones(1), tolerance=np.array([0.1, 0.1]),
                                           equal=sparse.csr_array((0, 1)), most=np.ones(1, dtype=int), worth=np.ones(1, dtype=int)))
    assert excess == pytest.approx(0.9) and columns.tolist() == [1]


def test_a_missing_value_of_a_finely_balanced_column_leaves_a_row_out():
    table = table_of(100, area=[None, *["p", "q"] * 49, "p"], joined=[True] * 20 + [False] * 80)
    match = matched(CardinalityMatching(covariates=("x",), estimand="ATM", fine=("area",)), table)
    assert match.audit().set_index("outcome")["count"]["covariate_missing"] == 1


def test_a_constant_covariate_is_refused_by_name():
    with pytest.raises(EstimationError, match="'one'"):
        matched(CardinalityMatching(covariates=("x", "one")), table_of(one=1.0))


@pytest.mark.parametrize(("wrong", "words"), [
    ({"covariates": ()}, "at least one column"), ({"tolerance": -0.1}, "from 0 up"), ({"tolerances": {"x": np.nan}}, r"tolerances\['x'\]"),
    ({"tolerance_unit": "percent"}, "sd or absolute"), ({"within": "council"}, "stratum or sample"), ({"ratio": 0, "estimand": "ATM"}, "at least 1"),
    ({"ratio": 2}, "goes with the estimand ATM"), ({"fine": ("area",)}, "goes with the estimand ATM"), ({"within": "sample"}, "the estimand ATM"),
    ({"fine": "area"}, "must be a list"), ({"gap": 1.0}, "below 1"), ({"time_limit": 0}, "above 0"), ({"estimand": "ATO"}, "ATE or ATM"),
])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong, words):
    with pytest.raises(PlanError, match=words):
        CardinalityMatching(**{"covariates": ("x",), **wrong})


def test_a_tolerance_for_no_column_is_refused():
    with pytest.raises(PlanError, match="'y' is not one"):
        matched(CardinalityMatching(covariates=("x",), tolerances={"y": 0.1}), table_of())
