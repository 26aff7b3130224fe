from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from evaluation.errors import PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.full import FullMatching, full_by_assignment
from evaluation.matching.generalised_full import GeneralisedFull
from evaluation.matching.matcher import KnownScore
from evaluation.matching.problem import Limit
from evaluation.matching.search.full_limits import limited_pairs
from evaluation.matching.search.full_line import full_pairs
from evaluation.matching.search.neighbourhoods import nearest_cover, seeded_sets
from tests.matching.panels import simulated_panel
from tests.matching.problems import problem_of
from tests.matching.references import COVARIATES, SETS, candidates_for, known_for, reference, score_of, subclass_of, weights_of
from tests.matching.valid import assert_valid_match, assert_valid_sample

cases = st.integers(0, 10**6)
widths = st.sampled_from([float("inf"), 0.1, 0.3, 0.5, 1.0, 2.0, 5.0])


def on_line(problem):
    return full_pairs(problem.score, problem.stratum, problem.focal, ~problem.focal, problem.rows.id, width=problem.width)


def with_limits(problem, most_focal, most_other):
    return limited_pairs(problem.score, problem.stratum, problem.focal, ~problem.focal, problem.rows.id, most_focal=most_focal, most_other=most_other)


def gaps(problem, x=None):
    return np.abs(problem.score[:, None] - problem.score) if x is None else np.sqrt(np.square(x[:, None] - x).sum(axis=2))


def random_problem(seed, width=float("inf"), n_most=30):
    """Sides mixed, apart, or in clusters of one side whose spread is near the caliper; scores with and without ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, n_most))
    focal = rng.random(n) < rng.choice([0.15, 0.4, 0.6])
    cluster = np.sort(rng.integers(0, 4, n))
    if rng.random() < 0.4:
        focal = cluster % 2 == 0
    score = (rng.integers(0, 12, n).astype(float), rng.integers(0, 30, n) / 10, rng.normal(size=n), cluster + 0.9 * rng.random(n))[rng.integers(4)]
    return problem_of(score + focal * rng.choice([0, 0, 1, 3]), rng.integers(-1, 2, n), focal, rng.permutation(n), width=width), rng


def assert_stars(problem, first, second):
    """Allowed pairs, each once, of which one row has no other."""
    n = len(problem)
    assert problem.focal[first].all() and not problem.focal[second].any() and problem.admissible(first, second).all()
    assert len(set(zip(first, second, strict=True))) == len(first)
    assert (np.minimum(np.bincount(first, minlength=n)[first], np.bincount(second, minlength=n)[second]) == 1).all()


def by_milp(problem, x=None, *, most_focal=None, most_other=None):
    """The smallest total distance with everyone in a pair who can be, or with as few left out as limits allow; and how many are in."""
    total, inside = 0.0, 0
    for s in np.unique(problem.stratum[problem.stratum >= 0]):
        f, o = (np.flatnonzero(side & (problem.stratum == s)) for side in (problem.focal, ~problem.focal))
        i, j = np.nonzero(problem.admissible(f[:, None], o))
        if not len(i):
            continue
        rows = np.zeros((len(f) + len(o), len(i)))
        rows[i, np.arange(len(i))] = rows[len(f) + j, np.arange(len(i))] = 1
        of_f, of_o = min(most_other or len(o), len(o)), min(most_focal or len(f), len(f))
        least, most = (rows.sum(axis=1) > 0).astype(float), np.repeat([of_f, of_o], [len(f), len(o)]).astype(float)
        if len(o) > of_f * len(f):
            least, most = np.repeat([of_f, 0.0], [len(f), len(o)]), np.repeat([of_f, 1.0], [len(f), len(o)])
        if len(f) > of_o * len(o):
            least, most = np.repeat([0.0, of_o], [len(f), len(o)]), np.repeat([1.0, of_o], [len(f), len(o)])
        found = milp(gaps(problem, x)[f[i], o[j]], constraints=LinearConstraint(rows, least, most), bounds=Bounds(0, 1), integrality=np.ones(len(i)))
        total += found.fun
        inside += int((rows @ found.x.round() > 0).sum())
    return total, inside


def partitions(n):
    """All ways to give n rows numbers of sets, each way once."""
    for code in product(range(n), repeat=n):
        if all(code[k] <= max(code[:k], default=-1) + 1 for k in range(n)):
            yield np.array(code)


def summed(problem, number):
    """Sum of the distances of both sides inside sets; inf if a set lacks a side or has several of both."""
    total, gap = 0.0, gaps(problem)
    for k in range(number.max() + 1):
        f, o = (np.flatnonzero((number == k) & side) for side in (problem.focal, ~problem.focal))
        if min(len(f), len(o)) != 1:
            return np.inf
        total += gap[f[:, None], o].sum()
    return total


def longest(gap, focal, number, *, across=False):
    """Longest distance between two rows of a set, or of both sides of a set; inf if a set lacks a side."""
    same = number[:, None] == number
    if not all(len(set(focal[number == k])) == 2 for k in np.unique(number)):
        return np.inf
    return float(gap[same & ((focal[:, None] != focal) | (not across))].max())


def total_inside(match, score):
    """Sum of the distances of both sides inside the sets of a match."""
    number = match.subclass()
    same = (number[:, None] == number) & (number >= 0)
    return float(np.abs(score[:, None] - score)[same & (match.rows.treated[:, None] & ~match.rows.treated)].sum())


def test_sets_are_found_by_hand():
    # 0.0 T, 0.1 T and 0.2 C go together; 5.0 T has 4.9 C and 5.3 C; 9.0 C is nearest to 5.0 T too
    match = FullMatching(covariates=("x",)).match(
        rows := Candidates.of_table(pd.DataFrame({"t": [1, 1, 1, 0, 0, 0, 0], "x": [0.0, 0.1, 5.0, 0.2, 4.9, 5.3, 9.0]}), treated="t"),
        known=KnownScore(value=rows.column("x")))
    assert_valid_match(match)
    assert match.subclass().tolist() == [1, 1, 0, 1, 0, 0, 0]
    assert total_inside(match, rows.column("x")) == pytest.approx(0.2 + 0.1 + 0.1 + 0.3 + 4.0)
    # ATT: treated 1; a comparison weighs the treated of its set over the comparisons of its set
    assert match.raw_weights().tolist() == pytest.approx([1, 1, 1, 2, 1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize(("estimand", "weights"), [
    ("ATT", [1, 1, 1, 2, 0.5, 0.5]), ("ATC", [0.5, 0.5, 2, 1, 1, 1]), ("ATE", [1.5, 1.5, 3, 3, 1.5, 1.5])])
def test_weights_are_those_of_the_estimand(estimand, weights):
    rows = Candidates.of_table(pd.DataFrame({"t": [1, 1, 1, 0, 0, 0], "x": [0.0, 0.1, 5.0, 0.2, 4.9, 5.3]}), treated="t")
    match = FullMatching(covariates=("x",), estimand=estimand).match(rows, known=KnownScore(value=rows.column("x")))
    assert_valid_match(match)
    assert match.raw_weights().tolist() == pytest.approx(weights)


@settings(max_examples=25, deadline=None)
@given(seed=cases)
def test_sets_equal_the_best_of_all_partitions(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    focal = rng.permutation(np.arange(n) < rng.integers(1, n))
    problem = problem_of(rng.integers(0, 9, n) if seed % 2 else rng.normal(size=n), np.zeros(n, dtype=int), focal)
    first, second = on_line(problem)
    assert_stars(problem, first, second)
    assert set(first) | set(second) == set(range(n))
    assert gaps(problem)[first, second].sum() == pytest.approx(min(summed(problem, number) for number in partitions(n)), abs=1e-9)


@settings(max_examples=120, deadline=None)
@given(seed=cases, width=widths)
def test_only_rows_out_of_reach_are_left_out_and_the_total_is_the_smallest(seed, width):
    problem, _ = random_problem(seed, width)
    first, second = on_line(problem)
    assert_stars(problem, first, second)
    total, inside = by_milp(problem)
    assert len(set(first)) + len(set(second)) == inside
    assert gaps(problem)[first, second].sum() == pytest.approx(total, abs=1e-7)


def test_a_caliper_forbids_pairing_far_rows_one_to_one():
    # 3 treated at 0, 0.1 and 0.9, 3 others at 1, 1.8 and 1.85; caliper 1: in order the second pair would be 1.7 long; so four pairs, not three
    problem = problem_of([0.0, 0.1, 0.9, 1.0, 1.8, 1.85], [0] * 6, [1, 1, 1, 0, 0, 0], width=1.0)
    first, second = on_line(problem)
    assert set(zip(first, second, strict=True)) == {(0, 3), (1, 3), (2, 4), (2, 5)}


@settings(max_examples=80, deadline=None)
@given(seed=cases, most_focal=st.sampled_from([None, 1, 2, 4]), most_other=st.sampled_from([None, 1, 2, 5]))
def test_limits_are_kept_and_the_total_is_the_smallest(seed, most_focal, most_other):
    problem, _ = random_problem(seed, n_most=24)
    first, second = with_limits(problem, most_focal, most_other)
    assert_stars(problem, first, second)
    assert (np.bincount(first) <= (most_other or len(problem))).all() and (np.bincount(second) <= (most_focal or len(problem))).all()
    total, inside = by_milp(problem, most_focal=most_focal, most_other=most_other)
    assert len(set(first)) + len(set(second)) == inside
    assert gaps(problem)[first, second].sum() == pytest.approx(total, abs=1e-7)


@settings(max_examples=50, deadline=None)
@given(seed=cases, width=widths, kind=st.sampled_from(["near", "far", "differ", "covariates"]))
def test_calipers_on_columns_columns_that_differ_and_covariates_give_the_smallest_total(seed, width, kind):
    problem, rng = random_problem(seed, width, n_most=20)
    n = len(problem)
    x = rng.normal(size=(n, 2)) if kind == "covariates" else None
    limit = Limit(name="v", values=rng.integers(0, 10, n).astype(float), width={"near": 2.0, "far": -4.0}.get(kind, 1.0))
    problem = replace(problem, limits=(limit,) if kind in ("near", "far") else (), differ=(rng.integers(-1, 3, n),) if kind == "differ" else ())
    first, second = full_by_assignment(problem, x)
    assert_stars(problem, first, second)
    total, inside = by_milp(problem, x)
    assert len(set(first)) + len(set(second)) == inside
    assert gaps(problem, x)[first, second].sum() == pytest.approx(total, abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(seed=cases, width=widths)
def test_the_order_of_rows_does_not_matter(seed, width):
    problem, rng = random_problem(seed, width)
    shuffled = problem.keep(rng.permutation(len(problem)))
    for way in (on_line, lambda p: with_limits(p, 2, 3), lambda p: full_by_assignment(p, None)):
        one, other = ({tuple(pair) for pair in np.column_stack([p.rows.id[side] for side in way(p)])} for p in (problem, shuffled))
        assert one == other


@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize(("name", "options"), [
    ("full_att", {}), ("full_att_tight", {}), ("full_ate", {"estimand": "ATE"}), ("full_atc", {"estimand": "ATC"}),
    ("full_att_caliper", {"caliper": 0.2}), ("full_att_limits_tight", {"most_treated": 2, "most_comparison": 6})])
def test_total_distance_is_matchits_or_less(data, name, options):
    """Many full matchings have the same total (of two rows on either side of a third, either may be its partner): so totals and counts are compared,
    and, of the tight ones, the number of sets and the effective sample size."""
    ref = reference(f"{data}_{name}")
    match = FullMatching(covariates=COVARIATES[data], **options).match(candidates_for(ref), known=known_for(ref))
    assert_valid_match(match)
    total = total_inside(match, score_of(ref))
    assert total <= ref["total_distance"] + 1e-8
    assert np.array_equal(match.raw_weights() > 0, weights_of(ref) > 0)
    assert match.weights()[match.rows.treated].sum() == pytest.approx(weights_of(ref)[match.rows.treated].sum())
    if name == "full_att_limits_tight" or (name, data) == ("full_att_tight", "generated"):
        assert match.effective_sample_size() == pytest.approx(ref["nn"]["Matched (ESS)"]["Control"])
    if "tight" in name:
        assert total == pytest.approx(ref["total_distance"], abs=1e-8)
        assert match.n_sets == subclass_of(ref).max() + 1


@pytest.mark.parametrize("spec", [FullMatching, GeneralisedFull])
@pytest.mark.parametrize("options", [{}, {"caliper": 0.05}, {"exact": ("council_code", "b")}, {"distance": "mahalanobis"}])
def test_risk_sets_give_a_valid_sample(spec, options):
    sample = spec(covariates=("x", "b"), **options).fit(simulated_panel(seed=4, entries=(6, 8)))
    assert_valid_sample(sample)
    assert sample.n_sets < sample.n_treated


def test_nearby_first_leaves_those_without_anyone_nearby_to_the_rest():
    sample = FullMatching(covariates=("x",), tiers=("council_code",)).fit(simulated_panel(200, councils=80))
    assert_valid_sample(sample)
    assert set(sample.origin) == {"council_code", "elsewhere"}


@pytest.mark.parametrize("spec", [FullMatching, GeneralisedFull])
def test_for_the_effect_on_all_every_row_left_out_has_its_reason(spec):
    # 50 and 90 are out of reach, stratum b has one side only, the last has no stratum
    table = pd.DataFrame({"t": [1, 0, 0, 1, 1, 0, 0], "x": [0.0, 0.1, 50.0, 90.0, 0.2, 0.3, 0.1], "s": ["a", "a", "a", "a", "b", None, "a"]})
    rows = Candidates.of_table(table, treated="t")
    match = spec(covariates=("x",), exact=("s",), estimand="ATE", caliper=1.0).match(rows, known=KnownScore(value=rows.column("x"), width=1.0))
    assert_valid_match(match)
    assert match.audit().set_index("outcome")["count"].to_dict() == {
        "asked for": 7, "matched": 3, "stratum_missing": 1, "no_comparison_in_stratum": 1, "outside_caliper": 2}


def test_limits_leave_out_those_too_many():
    rows = Candidates.of_table(pd.DataFrame({"t": [1, 1, 1, 1, 0], "x": [0.0, 1.0, 2.0, 3.0, 1.1]}), treated="t")
    match = FullMatching(covariates=("x",), most_treated=2).match(rows, known=KnownScore(value=rows.column("x")))
    assert match.treated.tolist() == [1, 2] and match.audit()["outcome"].tolist() == ["asked for", "matched", "no_comparison_left"]
    other = FullMatching(covariates=("x",), most_treated=2, estimand="ATC").match(rows, known=KnownScore(value=rows.column("x")))
    assert other.treated.tolist() == [1, 2] and other.comparison.tolist() == [4]


@pytest.mark.parametrize("wrong", [{"ratio": 2}, {"distance": "manhattan"}, {"most_treated": 0}, {"most_comparison": 3, "caliper": 0.2},
                                   {"most_comparison": 3, "anti_exact": ("b",)}, {"estimand": "ATO"}])
def test_a_wrong_option_of_full_matching_is_refused(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        FullMatching(covariates=("x",), **wrong)


@pytest.mark.parametrize("wrong", [{"distance": "manhattan"}, {"fewest_treated": 0}, {"caliper": 0.2, "fewest_comparison": 2}, {"caliper": 0.0},
                                   {"caliper": 0.2, "distance": "mahalanobis"}, {"caliper_unit": "metres"}])
def test_a_wrong_option_of_generalised_full_matching_is_refused(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        GeneralisedFull(covariates=("x",), **wrong)


@settings(max_examples=25, deadline=None)
@given(seed=cases, fewest=st.sampled_from([(1, 1), (1, 2), (2, 1)]), dimensions=st.integers(1, 2))
def test_generalised_sets_are_as_near_as_promised(seed, fewest, dimensions):
    """One of each side: the longest distance of both sides is the smallest of all partitions; else any two are within four times the best."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(sum(fewest), 7))
    side = rng.permutation(np.arange(n) < rng.integers(fewest[0], n - fewest[1] + 1))
    z = np.sort(rng.integers(0, 9, (n, dimensions)) if seed % 2 else rng.normal(size=(n, dimensions)), axis=0)
    gap = np.sqrt(np.square(z[:, None] - z).sum(axis=2))
    enough = [number for number in partitions(n) if all(((number == k) & s).sum() >= few for k in range(number.max() + 1)
                                                        for s, few in zip((side, ~side), fewest, strict=True))]
    if fewest == (1, 1):
        a, b = nearest_cover(z, np.zeros(n, dtype=int), side, np.inf)
        assert set(a) | set(b) == set(range(n)) and (side[a] != side[b]).all()
        assert gap[a, b].max() == pytest.approx(min(longest(gap, side, number, across=True) for number in enough))
        return
    number = seeded_sets(z, np.zeros(n, dtype=int), side, fewest)
    assert all(((number == k) & s).sum() >= few for k in np.unique(number) for s, few in zip((side, ~side), fewest, strict=True))
    assert longest(gap, side, number) <= 4 * min(longest(gap, side, way) for way in enough) + 1e-9


@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_generalised_sets_are_quickmatchs_equal_on_its_own_objective(data, estimand):
    ref = reference(f"{data}_quick_{estimand.lower()}")
    match = GeneralisedFull(covariates=COVARIATES[data], estimand=estimand).match(candidates_for(ref), known=known_for(ref))
    assert_valid_match(match)
    gap, treated = np.abs(score_of(ref)[:, None] - score_of(ref)), match.rows.treated
    assert np.array_equal(match.raw_weights() > 0, weights_of(ref) > 0)
    assert longest(gap, treated, match.subclass(), across=True) <= longest(gap, treated, subclass_of(ref), across=True) + 1e-12
    assert total_inside(match, score_of(ref)) < ref["total_distance"]
    assert match.n_sets >= subclass_of(ref).max() + 1


@pytest.mark.parametrize("options", [{}, {"distance": "mahalanobis"}, {"fewest_comparison": 3}, {"fewest_treated": 2, "distance": "euclidean"}])
def test_generalised_sets_do_not_hang_on_the_order_of_rows(options):
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"t": rng.random(300) < 0.3, "x": np.round(rng.normal(size=300), 1), "b": rng.integers(0, 3, 300)})
    table["id"] = rng.permutation(300)

    def sets(which):
        match = GeneralisedFull(covariates=("x", "b"), **options).match(rows := Candidates.of_table(which, treated="t", id="id"))
        assert_valid_match(match)
        sizes = [np.bincount(numbers) for numbers in (match.treated_set, match.comparison_set)]
        assert sizes[0].min() >= options.get("fewest_treated", 1) and sizes[1].min() >= options.get("fewest_comparison", 1)
        return {frozenset(rows.id[match.subclass() == k]) for k in range(match.n_sets)}
    assert sets(table) == sets(table.sample(frac=1, random_state=1))
