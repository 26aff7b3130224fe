"""Methods that compare inside cells: subclasses of the score, coarsened cells and pairs in them, exact cells."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import Candidates
from evaluation.matching.cells import cells_of
from evaluation.matching.coarsened import CoarsenedExact, CoarsenedPairs, freedman_diaconis, scott, sturges
from evaluation.matching.exact import ExactMatching
from evaluation.matching.matcher import KnownScore
from evaluation.matching.subclassification import Subclassification, filled, quantile_cuts, subclassify
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.references import (
    COVARIATES,
    candidates_for,
    data_of,
    known_for,
    pairs_made,
    pairs_of,
    reference,
    subclass_of,
    weights_of,
)
from tests.matching.valid import assert_valid_match, assert_valid_sample

WEIGHTS = 1e-10                # stored to 15 digits
FOUR = {"lalonde": COVARIATES["lalonde"], "generated": ("x1", "x2", "b1", "grp")}
FACTORS = {"lalonde": ("race", "married", "nodegree"), "generated": ("grp", "b1")}
ESTIMANDS = ("ATT", "ATC", "ATE")
SPECS = {
    **{f"{data}_subclass_{e.lower()}": Subclassification(covariates=COVARIATES[data], estimand=e) for data in COVARIATES for e in ESTIMANDS},
    **{f"{data}_cem_{e.lower()}": CoarsenedExact(covariates=FOUR[data], estimand=e) for data in COVARIATES for e in ESTIMANDS},
    **{f"{data}_cem_quintiles": CoarsenedExact(covariates=COVARIATES[data], cutpoints="q5") for data in COVARIATES},
    **{f"{data}_exact_factors_{e.lower()}": ExactMatching(covariates=FACTORS[data], estimand=e) for data in COVARIATES for e in ("ATT", "ATE")},
    "lalonde_exact_att": ExactMatching(covariates=COVARIATES["lalonde"]),
    "lalonde_cem_bins": CoarsenedExact(covariates=COVARIATES["lalonde"], cutpoints={"age": 4, "educ": "exact", "re74": 5, "re75": 1}),
    "generated_cem_bins": CoarsenedExact(covariates=COVARIATES["generated"], cutpoints={"x1": 4, "x2": 4, "x3": 3, "x4": 1},
                                         grouping={"grp": [["north", "centre"], ["east", "west", "south"]]}),
    "lalonde_cem_cutpoints": CoarsenedExact(covariates=COVARIATES["lalonde"], cutpoints={
        "age": [20, 25, 30, 40], "educ": [8.5, 11.5, 12.5], "re74": [1, 5000, 15000], "re75": [1, 5000]}),
    "generated_cem_cutpoints": CoarsenedExact(covariates=COVARIATES["generated"], cutpoints={
        "x1": [40, 50, 60], "x2": [-0.8, 0, 0.8], "x3": [2, 5, 8], "x4": [-0.3, 0.3]}),
}


def table_of(n=200, seed=1, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, b, area = rng.normal(size=n), rng.integers(0, 2, n), rng.choice(list("pqr"), n)
    return pd.DataFrame({"joined": rng.random(n) < 1 / (1 + np.exp(0.7 - x)), "x": x, "b": b, "area": area, **columns})


def matched(spec, table, **known):
    return spec.match(Candidates.of_table(table, treated="joined"), **known)


def as_partition(cell) -> set[frozenset]:
    return {frozenset(np.flatnonzero(cell == one).tolist()) for one in np.unique(cell[cell >= 0])}


@pytest.mark.parametrize("name", list(SPECS))
def test_weights_cells_and_balance_equal_matchits(name):
    ref, spec = reference(name), SPECS[name]
    match = spec.match(candidates_for(ref), known=known_for(ref) if spec.uses_score() else None)
    assert_valid_match(match)
    np.testing.assert_allclose(match.weights(), weights_of(ref), atol=WEIGHTS)
    assert as_partition(match.subclass()) == as_partition(subclass_of(ref))
    ours = match.diagnostics().assign(covariate=lambda t: t["covariate"].str.replace(r"\[(.*)\]", r"\1", regex=True)).set_index("covariate")
    theirs = pd.DataFrame(ref["balance_matched"]).T.astype(float).drop(index="distance", errors="ignore")
    both = theirs.index.intersection(ours.index)
    assert len(both) >= 3
    np.testing.assert_allclose(ours.loc[both, "mean_comparison_after"], theirs.loc[both, "Means Control"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.loc[both, "smd_after"], theirs.loc[both, "Std. Mean Diff."], atol=1e-7)


@pytest.mark.parametrize("order", ["data", "closest"])
@pytest.mark.parametrize("data", list(COVARIATES))
def test_pairs_in_coarsened_cells_equal_matchits(data, order):
    ref = reference(f"{data}_cem_k2k{'_closest' if order == 'closest' else ''}")
    match = CoarsenedPairs(covariates=FOUR[data], order=order).match(candidates_for(ref))
    assert_valid_match(match)
    if data == "generated":
        assert pairs_made(match) == pairs_of(ref)
        return
    # 63 rows of lalonde share all covariates with another: which of them is taken differs, what the pairs look like does not
    columns = data_of(data)[list(FOUR[data])]

    def looks(pairs):
        return sorted((tuple(columns.loc[i]), tuple(columns.loc[j])) for i, j in pairs)
    assert len(pairs_made(match)) == len(pairs_of(ref)) and looks(pairs_made(match)) == looks(pairs_of(ref))


# ---------------------------------------------------------------- subclasses

@pytest.mark.parametrize(("count", "minimum", "after"), [
    ([3, 0, 2], 1, [2, 1, 2]),             # 2 to spare below, 1 above: from below
    ([0, 0, 4], 1, [1, 1, 2]),
    ([2, 0, 0, 5], 1, [2, 1, 1, 3]),
    ([5, 0, 2, 1, 0, 5], 2, [3, 2, 2, 2, 2, 2]),      # the last three as MatchIt 4.7.2's subclass_scoot
    ([4, 0, 2, 0, 8, 5, 2], 3, [3, 3, 3, 3, 3, 3, 3]),
    ([8, 0, 2, 3, 1, 8, 17], 3, [6, 3, 3, 3, 3, 4, 17]),
])
def test_empty_subclasses_are_filled_from_their_neighbours(count, minimum, after):
    assert filled(count, [True] * len(count), minimum) == after


@settings(max_examples=60, deadline=None)
@given(count=st.lists(st.integers(0, 6), min_size=1, max_size=8), wanted=st.lists(st.booleans(), min_size=8, max_size=8), minimum=st.integers(1, 3))
def test_filling_ends_with_the_least_number_in_every_wanted_subclass(count, wanted, minimum):
    wanted = wanted[:len(count)]
    count[0] += max(0, minimum * sum(wanted) - sum(count))
    after = filled(count, wanted, minimum)
    assert sum(after) == sum(count) and min(after) >= 0
    assert all(n >= minimum for n, want in zip(after, wanted, strict=True) if want)


def moved_by_row(score, treated, cuts):
    """MatchIt's rule on rows, word for word, for one stratum and a minimum of 1."""
    sub = np.unique(np.searchsorted(cuts, score, side="right"), return_inverse=True)[1]
    n = sub.max() + 1
    for side in (True, False):
        while True:
            count = np.bincount(sub[treated == side], minlength=n)
            if count.min() > 0:
                break
            s = int(np.flatnonzero(count == 0)[0])
            pull = sum((count[k] - 1) / (k - s) for k in range(n) if count[k] > 1 and k != s)
            left = s == n - 1 or (s > 0 and pull <= 0)
            giver = next(k for k in (range(s - 1, -1, -1) if left else range(s + 1, n)) if count[k] > 0)
            rows = np.flatnonzero((treated == side) & (sub == giver))
            sub[rows[np.argmax(score[rows]) if left else np.argmin(score[rows])]] = s
    return sub


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 7))
def test_subclasses_of_one_stratum_equal_moving_row_by_row(seed, k):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3 * k, 60))
    treated = rng.permutation(np.arange(n) < max(k, n // 3))
    score = rng.normal(size=n) + 2.5 * treated
    cuts = quantile_cuts(score[treated], np.linspace(0, 1, k + 1))[1:-1]
    found = subclassify(score, np.zeros(n, dtype=int), treated, np.arange(n), cuts=cuts, minimum=1, whole=False)
    if (~treated).sum() >= k:
        assert as_partition(found.number) == as_partition(moved_by_row(score, treated, cuts))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), minimum=st.integers(0, 3), whole=st.booleans())
def test_every_subclass_has_its_least_number_of_each_side_in_score_order(seed, minimum, whole):
    rng = np.random.default_rng(seed)
    n = 80
    score, stratum, treated, ids = rng.normal(size=n).round(1), rng.integers(0, 4, n), rng.random(n) < 0.4, rng.permutation(n)
    sides = np.array([[(treated[stratum == s] == side).sum() for side in (True, False)] for s in range(4)])
    stratum = np.where((sides >= max(minimum, 1)).all(axis=1)[stratum], stratum, -1)
    found = subclassify(score, stratum, treated, ids, cuts=np.array([-0.8, 0.0, 0.8]), minimum=minimum, whole=whole)
    inside = found.number >= 0
    assert not inside[stratum < 0].any() and (minimum == 0 or inside[(stratum >= 0) & (treated | whole)].all())
    for cell in np.unique(found.number[inside]):
        rows = found.number == cell
        assert len(np.unique(stratum[rows])) == 1
        assert min(treated[rows].sum(), (~treated[rows]).sum()) >= max(minimum, 1)
    for s in range(4):
        for side in (True, False):
            rows = np.flatnonzero(inside & (stratum == s) & (treated == side))
            assert (np.diff(found.number[rows[np.lexsort((ids[rows], score[rows]))]]) >= 0).all()


def test_cut_points_are_those_of_the_treated_who_can_be_matched():
    # treated scores 0, 1, 2, 3 in stratum 'a' and 100 in 'b', where nobody is left to compare with: the median is 1.5
    table = pd.DataFrame({"joined": [1, 1, 1, 1, 1, 0, 0], "x": range(7), "s": list("aaaabaa")})
    score = np.array([0.0, 1.0, 2.0, 3.0, 100.0, 1.4, 1.6])
    match = matched(Subclassification(covariates=("x",), subclasses=2, exact=("s",)), table, known=KnownScore(value=score))
    assert match.subclass().tolist() == [0, 0, 1, 1, -1, 0, 1]
    assert match.audit().to_numpy().tolist() == [["asked for", 5], ["matched", 4], ["no_comparison_in_stratum", 1]]


def test_a_stratum_too_small_for_its_subclasses_has_neighbours_joined_and_says_so():
    # stratum 'b' has treated rows in three subclasses and one comparison row: one subclass; the comparison row in a subclass without treated is left
    table = pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0], "s": list("aaaaaaabbbb"), "x": range(11)})
    score = np.array([0.5, 1.5, 2.5, 0.6, 1.6, 2.6, 3.5, 0.4, 1.4, 2.4, 1.0])
    match = matched(Subclassification(covariates=("x",), cutpoints=(1, 2, 3), exact=("s",)), table, known=KnownScore(value=score))
    assert as_partition(match.subclass()) == {frozenset(part) for part in ([0, 3], [1, 4], [2, 5], [7, 8, 9, 10])}
    assert match.notes == ("In 1 of 2 strata there were too few rows for all their subclasses: neighbours were joined.",
                           "In 1 of 2 strata rows were moved to the next subclass, so that each has both sides.")


def test_equal_scores_give_fewer_subclasses_and_a_note():
    table = pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0], "x": range(6)})
    match = matched(Subclassification(covariates=("x",), subclasses=6), table, known=KnownScore(value=np.array([1.0, 1, 2, 1, 2, 2])))
    assert match.notes[0] == "The score has ties: only 4 subclasses of the 6 asked for differ."
    assert as_partition(match.subclass()) == {frozenset([0, 1, 3]), frozenset([2, 4, 5])}


# ---------------------------------------------------------------- cells

def test_numbers_of_bins_are_those_of_r():
    lalonde, generated = data_of("lalonde"), data_of("generated")
    found = [(sturges(x), scott(x), freedman_diaconis(x)) for x in
             (lalonde["age"].to_numpy(float), lalonde["re74"].to_numpy(float), generated["x3"].to_numpy(), np.r_[np.zeros(90), 1:11.0],
              np.r_[np.zeros(2000), 1.0, 2.0])]
    assert found == [(11, 10, 14), (11, 14, 19), (11, 16, 23), (8, 8, 11), (12, 145, 145)]       # nclass.Sturges, nclass.scott, nclass.FD of R 4.2.2


def test_cells_of_many_columns_do_not_run_over():
    rng = np.random.default_rng(3)
    codes = [rng.integers(0, 1000, 500) for _ in range(12)]
    codes = [np.r_[code, code] for code in codes]
    cell = cells_of(np.zeros(1000, dtype=int), codes)
    assert np.array_equal(cell[:500], cell[500:]) and len(np.unique(cell)) == 500 == cell.max() + 1


def test_values_that_are_grouped_count_as_one_and_others_stay():
    table = pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0], "area": ["a", "b", "c", "b", "d", "c"], "n": [1, 2, 3, 1, 2, 3]})
    match = matched(CoarsenedExact(covariates=("area", "n"), cutpoints={"n": 1}, grouping={"area": [["a", "b"]]}), table)
    assert as_partition(match.subclass()) == {frozenset([0, 1, 3]), frozenset([2, 5])}
    two_valued = matched(CoarsenedExact(covariates=("area", "n"), cutpoints={"n": 1}), table.assign(n=[1, 1, 1, 0, 0, 0]))
    assert as_partition(two_valued.subclass()) == {frozenset([1, 3]), frozenset([2, 5])}
    by_number = matched(CoarsenedExact(covariates=("n",), grouping={"n": [[1, 3]]}), table)
    assert as_partition(by_number.subclass()) == {frozenset([0, 2, 3, 5]), frozenset([1, 4])}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), bins=st.integers(2, 5))
def test_coarsened_cells_are_the_groups_of_a_plain_table(seed, bins):
    table = table_of(150, seed)
    match = matched(CoarsenedExact(covariates=("x", "area"), cutpoints={"x": bins}, exact=("b",)), table)
    width = (table["x"].max() - table["x"].min()) / bins
    band = np.minimum((table["x"] - table["x"].min()) // width, bins - 1)
    groups = table.groupby([band, "area", "b"])["joined"]
    share = groups.transform("sum") / (groups.transform("size") - groups.transform("sum"))
    expected = np.where(groups.transform("nunique") < 2, 0.0, np.where(table["joined"], 1.0, share))
    np.testing.assert_allclose(match.raw_weights(), expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_coarsened_pairs_lie_inside_cells_and_use_a_row_once_leaving_none_over(seed):
    table = table_of(120, seed)
    options = {"covariates": ("x", "b"), "cutpoints": {"x": [-1.0, 0.0, 1.0]}}
    pairs, cells = matched(CoarsenedPairs(**options), table), matched(CoarsenedExact(**options), table)
    assert_valid_match(pairs)
    cell, made = cells.subclass(), np.array(sorted(pairs_made(pairs)))
    assert (cell[made[:, 0]] == cell[made[:, 1]]).all() and len(np.unique(made)) == made.size
    sides = [np.bincount(cell[(cell >= 0) & (table["joined"] == side)]) for side in (True, False)]
    assert len(made) == np.minimum(*sides).sum()


SHUFFLED = [Subclassification(covariates=("x",), exact=("area",)), Subclassification(covariates=("x",), estimand="ATE", minimum=2),
            CoarsenedExact(covariates=("x", "b"), cutpoints="fd"), CoarsenedPairs(covariates=("x", "b"), cutpoints=3),
            ExactMatching(covariates=("b",), exact=("area",))]


@pytest.mark.parametrize("spec", SHUFFLED, ids=lambda spec: type(spec).__name__)
def test_the_order_of_rows_does_not_matter(spec):
    table = table_of(150)
    order = np.random.default_rng(4).permutation(150)
    one, other = (matched(spec, which).raw_weights() for which in (table, table.iloc[order]))
    np.testing.assert_allclose(other, one[order], rtol=1e-12)


@pytest.mark.parametrize("spec", [Subclassification(covariates=("x",), subclasses=3), CoarsenedExact(covariates=("x",), cutpoints=4),
                                  CoarsenedPairs(covariates=("x",), cutpoints=4), ExactMatching(covariates=("b",))],
                         ids=lambda spec: type(spec).__name__)
def test_sets_lie_inside_entry_periods(spec):
    panel = simulated_panel(400)
    sample = spec.fit(panel)
    assert_valid_sample(sample)
    assert len(np.unique(sample.set_entry)) == len(np.unique(panel.entry[panel.entry >= 0]))


def test_a_missing_key_or_covariate_leaves_a_row_out_with_its_reason():
    table = table_of(60, area=[None, *["p"] * 59], x=[0.1, np.nan, *np.linspace(-1, 1, 58)], joined=[True] * 30 + [False] * 30)
    match = matched(ExactMatching(covariates=("b",), exact=("area",)), table)
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 30, "matched": 29, "stratum_missing": 1}
    match = matched(CoarsenedExact(covariates=("x",), cutpoints=2), table)
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 30, "matched": 29, "covariate_missing": 1}


@pytest.mark.parametrize("spec", [CoarsenedExact(covariates=("x", "one")), CoarsenedPairs(covariates=("x", "one")),
                                  ExactMatching(covariates=("one",)), ExactMatching(covariates=("b", "word")),
                                  Subclassification(covariates=("x", "one"))])
def test_a_covariate_with_one_value_is_refused_by_name(spec):
    with pytest.raises(EstimationError, match="'(one|word)'"):
        matched(spec, table_of(one=1.0, word="w"))


def test_cells_with_one_side_only_everywhere_are_refused():
    table = pd.DataFrame({"joined": [1, 1, 0, 0], "area": ["a", "b", "c", "d"]})
    with pytest.raises(CommonSupportError, match="satisfies the plan"):
        matched(ExactMatching(covariates=("area",)), table)


@pytest.mark.parametrize(("method", "wrong", "words"), [
    (Subclassification, {"subclasses": 1}, "at least 2"),
    (Subclassification, {"minimum": -1}, "at least 0"),
    (Subclassification, {"quantiles": (0.5, 1.0)}, "between 0 and 1"),
    (Subclassification, {"estimand": "ATO"}, "ATT or ATC or ATE"),
    (CoarsenedExact, {"covariates": ()}, "at least one column"),
    (CoarsenedExact, {"cutpoints": 0}, "number of bins from 1 up"),
    (CoarsenedExact, {"cutpoints": {"x": "q1"}}, "number of bins from 1 up"),
    (CoarsenedExact, {"cutpoints": {"x": [1.0, np.inf]}}, "finite cut points"),
    (CoarsenedExact, {"cutpoints": {"z": 3}}, "must name covariates: 'z'"),
    (CoarsenedExact, {"cutpoints": {"x": 3}, "grouping": {"x": [[1, 2]]}}, "either cut or grouped"),
    (CoarsenedExact, {"grouping": {"x": ["a", "b"]}}, "lists of values"),
    (CoarsenedExact, {"grouping": {"x": [["a"], ["a", "b"]]}}, "each value once"),
    (CoarsenedExact, {"formula": "x"}, "has none"),
    (CoarsenedExact, {"discard": "both"}, "needs a score"),
    (CoarsenedPairs, {"order": "random"}, "closest, farthest or data"),
    (CoarsenedPairs, {"distance": "score"}, "must be mahalanobis"),
    (CoarsenedPairs, {"estimand": "ATE"}, "ATT or ATC"),
    (ExactMatching, {"covariates": ()}, "at least one column"),
    (ExactMatching, {"history": ("y",)}, "has none"),
])
def test_a_wrong_option_is_refused_when_the_spec_is_made(method, wrong, words):
    with pytest.raises(PlanError, match=words):
        method(**{"covariates": ("x",), **wrong})


@pytest.mark.parametrize(("options", "words"), [
    ({"cutpoints": {"area": 3}}, "'area' is not one. Use `matching.grouping`"),
    ({"grouping": {"area": [["p", "nowhere"]]}}, "1 of those of 'area' are not"),
    ({"grouping": {"b": [["0", "1"]]}}, "They are numbers"),
])
def test_what_cannot_be_cut_or_grouped_is_refused_by_name(options, words):
    with pytest.raises(PlanError, match=words):
        matched(CoarsenedExact(covariates=("area", "b"), **options), table_of())


def test_history_is_cut_like_any_number():
    panel = panel_of([12, 12, -1, -1], {"y": np.repeat([[0.0], [9.0], [1.0], [8.0]], 16, axis=1)}, x=[1.0, 1.0, 1.1, 0.9], ids=list("abcd"))
    sample = CoarsenedExact(covariates=("x",), cutpoints={"x": 1, "history of y": [5.0]}, history=("y",)).fit(panel)
    assert sample.comparison_unit[np.argsort(sample.comparison_set)].tolist() == [2, 3]
