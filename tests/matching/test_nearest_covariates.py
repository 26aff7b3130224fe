"""Nearest neighbours on several covariates: the rule by brute force, the pairs of MatchIt 4.7.2, and its issue 236.

In `generated` no two distances are equal, so pairs and weights must be MatchIt's. In `lalonde` 63 rows share all covariates with another row: of
equally near rows we take the smaller id and MatchIt the last one that it scans. What follows a tie may differ too; so there the distances must be the
same where a tie leaves the same values behind, and everywhere the first pair that differs must be a tie.
"""
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.errors import CommonSupportError, PlanError
from evaluation.matching import Candidates, NearestCovariates
from evaluation.matching.matcher import KnownScore
from evaluation.matching.problem import REASONS, Limit
from evaluation.matching.search import neighbours, pairing_on_coordinates
from evaluation.matching.search.distances import distance_columns, whitened
from evaluation.matching.search.pairing_on_coordinates import pair_on_coordinates
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.problems import problem_of
from tests.matching.references import (
    COVARIATES,
    SETS,
    as_pairs,
    candidates_for,
    data_of,
    known_for,
    pairs_made,
    pairs_of,
    reference,
    weights_of,
)
from tests.matching.valid import assert_valid_match, assert_valid_sample

TOTAL = 1e-8                   # sums of distances in another order, from moments added up in another order
ON = {"lalonde": ("age", "educ", "re75"), "generated": ("x1", "x2", "x3")}
IN_STRATA = {"lalonde": {"exact": ("race", "married"), "covariate_calipers": {"age": 5}, "covariate_caliper_unit": "absolute"},
             "generated": {"exact": ("grp", "b1"), "covariate_calipers": {"x1": 8}, "covariate_caliper_unit": "absolute"}}
SPECS = {
    "nn_mahalanobis": {}, "nn_robust_mahalanobis": {"distance": "robust_mahalanobis"}, "nn_scaled_euclidean": {"distance": "scaled_euclidean"},
    "nn_euclidean": {"distance": "euclidean"}, "nn_mahalanobis_closest": {"order": "closest"},
    "nn_mahalanobis_replace_ratio3": {"replacement": True, "ratio": 3}, "nn_mahvars_caliper": {"caliper": 0.2},
}
TIES_PART_WAYS = ("nn_scaled_euclidean", "nn_euclidean")   # in lalonde, a tie between different rows leaves different ones to those who choose later
# Made in R for these tests, on `generated`: pairs and the sum of their distances, m <- matchit(treat ~ x1 + x2 + x3 + x4 + b1 + grp, generated, ...)
ALSO = [
    # distance = "mahalanobis", s.weights = sw; estimand = "ATC", replace = TRUE; the same of the other distances
    ({}, True, 139, 157.735429107493),
    ({"estimand": "ATC", "replacement": True}, True, 461, 673.730360931517),
    ({"distance": "robust_mahalanobis"}, True, 139, 144.549014174284),
    ({"distance": "robust_mahalanobis", "estimand": "ATC", "replacement": True}, True, 461, 649.856169797498),
    ({"distance": "scaled_euclidean"}, True, 139, 157.400443677112),
    ({"distance": "scaled_euclidean", "estimand": "ATC", "replacement": True}, True, 461, 668.922050396354),
    # replace = TRUE, reuse.max = 2, ratio = 2, antiexact = ~grp, caliper = c(x1 = -3, x2 = 1.5), std.caliper = FALSE
    ({"replacement": True, "reuse_max": 2, "ratio": 2, "anti_exact": ("grp",), "covariate_calipers": {"x1": -3, "x2": 1.5},
      "covariate_caliper_unit": "absolute"}, False, 278, 886.714402752386),
    ({"order": "farthest"}, False, 139, 161.820548773840),
    # mahvars = ~ x1 + x2 + x3, caliper = .2; with estimand = "ATC"; m.order = "farthest"; m.order = "closest", ratio = 2
    ({"caliper": 0.2, "on": ON["generated"], "estimand": "ATC"}, False, 137, 264.588947389676),
    ({"caliper": 0.2, "on": ON["generated"], "order": "farthest"}, False, 137, 114.842126256769),
    ({"caliper": 0.2, "on": ON["generated"], "order": "closest", "ratio": 2}, False, 227, 199.490553559053),
    # mahvars = ~ x1 + grp, caliper = .3, m.order = "smallest"
    ({"caliper": 0.3, "on": ("x1", "grp"), "order": "smallest"}, False, 137, 50.649781874091),
]


@pytest.fixture
def tiny_searches(monkeypatch):
    """Windows, trees and lists so small that every way of finding a candidate is walked."""
    for name, value in {"DENSE": 2, "ALONE": 3, "KEPT": 2, "NEAREST": 2, "ROWS": 2, "LOOK": 2}.items():
        monkeypatch.setattr(neighbours, name, value)
    monkeypatch.setattr(pairing_on_coordinates, "FEWEST", 2)
    monkeypatch.setattr(pairing_on_coordinates, "MOST", 5)


def spec_of(data, name, **options):
    on = ON[data] if "mahvars" in name else ()
    return NearestCovariates(covariates=COVARIATES[data], on=on, **{**SPECS.get(name, {}), **options})


def coordinates(spec, rows):
    return whitened(distance_columns(rows, spec.on or spec.covariates), rows.treated, rows.weights, spec.distance)


def distances(z, pairs):
    return np.array([np.linalg.norm(z[i] - z[j]) for i, j in sorted(pairs)])


def match_as(ref, spec):
    return spec.match(candidates_for(ref), known=known_for(ref) if "distance" in ref else None)


# ---- MatchIt -----------------------------------------------------------------------

@pytest.mark.parametrize("name", list(SPECS))
def test_pairs_and_weights_are_those_of_matchit(name):
    ref = reference(f"generated_{name}")
    match = match_as(ref, spec_of("generated", name))
    assert pairs_made(match) == pairs_of(ref)
    np.testing.assert_allclose(match.weights(), weights_of(ref), atol=1e-12)


@pytest.mark.parametrize("name", list(SPECS))
def test_with_ties_distances_are_those_of_matchit(name):
    ref = reference(f"lalonde_{name}")
    spec, rows = spec_of("lalonde", name), candidates_for(ref)
    z, match = coordinates(spec, rows), match_as(ref, spec)
    ours, theirs = pairs_made(match), pairs_of(ref)
    assert len(ours) == len(theirs)
    assert (match.weights() > 0)[rows.treated].tolist() == (weights_of(ref) > 0)[rows.treated].tolist()
    one, other = np.sort(distances(z, ours)), np.sort(distances(z, theirs))
    if name in TIES_PART_WAYS:
        assert one.sum() == pytest.approx(other.sum(), rel=1e-3)
        assert_first_difference_is_a_tie(z, ours, theirs)
    else:
        np.testing.assert_allclose(one, other, atol=TOTAL)


def assert_first_difference_is_a_tie(z, ours, theirs):
    """In the order of choice, which is that of the rows."""
    one, other = dict(ours), dict(theirs)
    differ = min(i for i in one if one[i] != other[i])
    assert np.linalg.norm(z[differ] - z[one[differ]]) == pytest.approx(np.linalg.norm(z[differ] - z[other[differ]]), abs=TOTAL)


@pytest.mark.parametrize(("options", "weighted", "n_pairs", "total"), ALSO)
def test_weights_sides_orders_and_limits_give_the_distances_of_matchit(options, weighted, n_pairs, total):
    ref = {"data": "generated", "call": "s.weights" if weighted else ""}
    spec = NearestCovariates(covariates=COVARIATES["generated"], **options)
    score = reference("generated_nn")["distance"]
    caliper = spec.caliper or np.inf
    known = KnownScore(value=np.asarray(score), width=caliper * np.std(score, ddof=1)) if spec.uses_score() else None
    match = spec.match(candidates_for(ref), known=known)
    assert_valid_match(match)
    found = distances(coordinates(spec, match.rows), as_pairs(match.pairs()["treated"], match.pairs()["comparison"]))
    assert (len(found), found.sum()) == (n_pairs, pytest.approx(total, abs=TOTAL))


@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("distance", ["mahalanobis", "scaled_euclidean"])
def test_exact_strata_with_a_caliper_on_a_covariate_match_as_each_stratum_would(data, distance):
    """MatchIt's issue 236: its own pairs are fewer or leave the caliper; what its authors' strata give by themselves is stored beside them."""
    ref = reference(f"{data}_nn_{distance}_exact_caliper")
    spec = spec_of(data, "", distance=distance, **IN_STRATA[data])
    match = match_as(ref, spec)
    ours, right = pairs_made(match), pairs_of(ref, "pairs_by_stratum")
    assert len(ours) == len(right) >= len(ref["pairs"])
    z, (name, width) = coordinates(spec, match.rows), next(iter(spec.covariate_calipers.items()))
    np.testing.assert_allclose(np.sort(distances(z, ours)), np.sort(distances(z, right)), atol=TOTAL)
    assert data == "lalonde" or ours == right == pairs_of(ref, "pairs_greedy")
    values = data_of(data)[name].to_numpy()
    assert max(abs(values[i] - values[j]) for i, j in ours) <= width


# ---- the rule, word for word -------------------------------------------------------

def greedy(problem, z, first, ratio, by_distance):
    """Rounds; the smallest (distance, id) of what is left and allowed; all distances in one table. Pairs in the order of choice."""
    ids, left, gap = problem.rows.id, problem.capacity.copy(), np.round(np.sqrt(np.square(z[:, None] - z).sum(axis=2)), 8)
    others = np.flatnonzero(~problem.focal)
    pairs, mine = [], {i: [] for i in np.flatnonzero(problem.focal).tolist()}

    def nearest(i):
        there = others[problem.admissible(i, others) & (left[others] > 0) & np.isfinite(gap[i, others])].tolist()
        return min((j for j in there if j not in mine[i]), key=lambda j: (gap[i, j], ids[j]), default=None)

    active = list(mine)
    for _ in range(ratio):
        found = {i: nearest(i) for i in active}
        turn = [i for i in active if found[i] is not None]
        turn.sort(key=lambda i: (-gap[i, found[i]] if by_distance else first[i], ids[i]))
        active = []
        while turn:
            i = min(turn, key=lambda i: (gap[i, j], ids[i]) if (j := nearest(i)) is not None else (np.inf, 0)) if by_distance > 0 else turn[0]
            turn.remove(i)
            if (j := nearest(i)) is not None:
                pairs.append((i, j))
                mine[i].append(j)
                left[j] -= 1
                active.append(i)
    return pairs


def random_problem(seed):
    """Coordinates, calipers of both kinds, columns that must differ, missing values; whole numbers in half the cases, so that ties are common."""
    rng = np.random.default_rng(seed)
    n, q = int(rng.integers(3, 50)), int(rng.integers(1, 4))
    z = rng.integers(0, 3, (n, q)).astype(float) if rng.random() < 0.5 else rng.normal(size=(n, q))
    z[rng.random(n) < rng.choice([0.0, 0.1])] = np.nan
    near = np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n))
    limits = [Limit(name="a", values=near, width=width) for width in rng.choice([1.0, -0.5, 0.3], size=int(rng.integers(0, 3)), replace=False)]
    differ = [rng.integers(-1, 3, n)] if rng.random() < 0.3 else []
    capacity = np.where(rng.random(n) < 0.1, 0, rng.choice([1, 1, 2, n]))
    problem = problem_of(rng.integers(0, 4, n) / 2, rng.integers(-1, 3, n) if rng.random() < 0.5 else np.zeros(n, dtype=int),
                         rng.random(n) < rng.choice([0.2, 0.5]), rng.permutation(n), width=float(rng.choice([np.inf, 1.0, 0.5])),
                         capacity=capacity, limits=limits, differ=differ)
    return problem, z, rng.integers(0, 5, n).astype(float), int(rng.integers(1, 4))


def assert_pairs_are_greedy(seed):
    problem, z, first, ratio = random_problem(seed)
    for by_distance in (0, 1, -1):
        pairs = pair_on_coordinates(problem, z, first=first, ratio=ratio, by_distance=by_distance)
        assert set(zip(pairs.focal.tolist(), pairs.other.tolist(), strict=True)) == set(greedy(problem, z, first, ratio, by_distance))
        assert_reasons_are_right(problem, z, pairs)


def assert_reasons_are_right(problem, z, pairs):
    whole, others = np.isfinite(z).all(axis=1), np.flatnonzero(~problem.focal & np.isfinite(z).all(axis=1))
    assert (pairs.reason[~problem.focal] == 0).all() and (pairs.reason[pairs.focal] == 0).all()
    for i in np.setdiff1d(np.flatnonzero(problem.focal), pairs.focal).tolist():
        wanted = ("stratum_missing" if problem.stratum[i] < 0 else "covariate_missing" if not whole[i]
                  else "no_comparison_in_stratum" if not (problem.stratum[others] == problem.stratum[i]).any()
                  else "no_comparison_left" if problem.admissible(i, others).any() else "outside_caliper")
        assert REASONS[pairs.reason[i]] == wanted


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pairs_and_reasons_equal_brute_force(seed):
    assert_pairs_are_greedy(seed)


def test_pairs_and_reasons_equal_brute_force_however_candidates_are_found(tiny_searches):
    for seed in range(150):
        assert_pairs_are_greedy(seed)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("by_distance", [0, 1])
def test_trees_find_what_whole_windows_find(discrete, by_distance, monkeypatch):
    """Half of the rows are treated, so that those who choose late must look far; the caliper makes slabs, and points of many rows where discrete."""
    rng = np.random.default_rng(4)
    n = 3000
    z = rng.integers(0, 4, (n, 3)).astype(float) if discrete else rng.normal(size=(n, 3))
    problem = problem_of(np.round(rng.normal(size=n), 3), np.zeros(n, dtype=int), rng.random(n) < 0.5, rng.permutation(n), width=0.5)

    def pairs():
        found = pair_on_coordinates(problem, z, first=-problem.score, ratio=1, by_distance=by_distance)
        return set(zip(found.focal.tolist(), found.other.tolist(), strict=True)), found.reason.tolist()
    windows = pairs()
    for name, value in {"DENSE": 20, "ALONE": 50}.items():
        monkeypatch.setattr(neighbours, name, value)
    assert pairs() == windows


# ---- properties --------------------------------------------------------------------

def random_table(seed, n=120):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"age": np.round(rng.normal(40, 9, n)), "need": rng.integers(0, 4, n), "area": rng.choice(["n", "s", "w"], n),
                          "council": rng.choice(list("ABCDE"), n)}, index=rng.permutation(n))
    table["joined"] = rng.random(n) < 1 / (1 + np.exp(0.6 - 0.05 * (table["age"] - 40)))
    return table


OPTIONS = st.fixed_dictionaries({
    "distance": st.sampled_from(["mahalanobis", "robust_mahalanobis", "scaled_euclidean", "euclidean"]), "ratio": st.integers(1, 2),
    "caliper": st.sampled_from([None, 0.3]), "replacement": st.booleans(), "order": st.sampled_from(["auto", "random", "closest"]),
    "covariate_calipers": st.sampled_from([{}, {"age": 0.7}, {"age": -0.1}]), "anti_exact": st.sampled_from([(), ("area",)]),
    "exact": st.sampled_from([(), ("need",)])})


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), options=OPTIONS)
def test_no_pair_leaves_a_caliper_or_its_stratum_and_the_counts_add_up(seed, options):
    table = random_table(seed)
    match = NearestCovariates(covariates=("age", "need", "area"), **options).match(Candidates.of_table(table, treated="joined"))
    assert_valid_match(match)
    pairs = match.pairs()
    one, other = (table.iloc[pairs[side]].reset_index(drop=True) for side in ("treated", "comparison"))
    gap, spread = (one["age"] - other["age"]).abs(), table["age"].std()
    for width in options["covariate_calipers"].values():
        assert (gap <= width * spread + 1e-9).all() if width > 0 else (gap > -width * spread).all()
    for name in options["exact"]:
        assert (one[name] == other[name]).all()
    for name in options["anti_exact"]:
        assert (one[name] != other[name]).all()
    if options["caliper"]:
        assert (pairs["distance"] <= match.width).all()
    audit = match.audit().set_index("outcome")["count"]
    assert audit["asked for"] == audit.drop("asked for").sum() == table["joined"].sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), options=OPTIONS)
def test_the_order_of_rows_does_not_matter(seed, options):
    table = random_table(seed)
    order = np.random.default_rng(seed).permutation(len(table))

    def pairs(rows):
        made = NearestCovariates(covariates=("age", "need", "area"), **options).match(Candidates.of_table(rows, treated="joined")).pairs()
        return as_pairs(rows.index[made["treated"]], rows.index[made["comparison"]])
    assert pairs(table) == pairs(table.iloc[order])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), options=OPTIONS, estimand=st.sampled_from(["ATT", "ATC"]))
def test_exact_keys_equal_each_stratum_by_itself_on_the_distance_of_all_rows(seed, options, estimand):
    spec = NearestCovariates(covariates=("age", "need", "area"), **{**options, "exact": ("council",), "estimand": estimand, "order": "auto"})
    rows = Candidates.of_table(random_table(seed), treated="joined")
    try:
        together = spec.match(rows)
    except CommonSupportError:
        assume(False)                                      # nobody can be matched, together or apart
    z, council = coordinates(spec, rows), rows.column("council")
    focal = ~rows.treated if estimand == "ATC" else rows.treated
    limits, differ = spec.limits(rows)
    whole = problem_of(np.nan_to_num(together.score), np.zeros(len(rows), dtype=int), focal, rows.id, limits=limits, differ=differ,
                       width=together.width if spec.caliper else np.inf, capacity=spec.capacities(len(rows)))
    sign = 0.0 if spec.caliper is None else -1.0 if estimand == "ATT" else 1.0
    apart = []
    for name in np.unique(council):
        here = np.flatnonzero(council == name)
        pairs = pair_on_coordinates(whole.keep(here), z[here], first=sign * whole.score[here], ratio=spec.ratio)
        apart += [(here[i], here[j]) if estimand == "ATT" else (here[j], here[i]) for i, j in zip(pairs.focal, pairs.other, strict=True)]
    assert pairs_made(together) == set(apart)


# ---- by hand -----------------------------------------------------------------------

#                      treated ....   comparison ..................
HAND = pd.DataFrame({
    "joined":           [1,   1,      0,    0,    0,    0],
    "x":                [0.0, 1.0,    0.4,  1.5,  3.0,  9.0],
    "y":                [0.0, 0.0,    0.3,  0.0,  0.0,  0.0],
    "score":            [0.0, 1.0,    9.0,  1.1,  0.2,  1.0],
    "council":          ["A", "B",    "B",  "A",  "A",  "C"],
})


def hand(**options):
    known = KnownScore(value=HAND["score"].to_numpy(), width=options.get("caliper") or np.inf)
    spec = NearestCovariates(**{"covariates": ("x", "y"), "distance": "euclidean", **options})
    return spec.match(Candidates.of_table(HAND, treated="joined"), known=known if spec.uses_score() else None)


@pytest.mark.parametrize(("options", "pairs"), [
    ({}, {(0, 2), (1, 3)}),                                        # 0.5 from row 2, and 0.5 from row 3
    ({"order": "largest"}, {(1, 3), (0, 2)}),
    ({"caliper": 0.2}, {(1, 3), (0, 4)}),                          # row 2 is near but had quite another score
    ({"exact": ("council",)}, {(0, 3), (1, 2)}),
    ({"anti_exact": ("council",)}, {(0, 2), (1, 3)}),
    ({"covariate_calipers": {"x": -1.9}, "covariate_caliper_unit": "absolute"}, {(0, 4), (1, 5)}),
    ({"ratio": 2}, {(0, 2), (0, 4), (1, 3), (1, 5)}),              # everyone's first comes first: row 0 then takes row 4
    ({"ratio": 2, "replacement": True}, {(0, 2), (0, 3), (1, 2), (1, 3)}),
    ({"on": ("y",)}, {(0, 3), (1, 4)}),                            # three rows are equally near on y: the smaller identifier
    ({"estimand": "ATC", "replacement": True}, {(0, 2), (1, 3), (1, 4), (1, 5)}),
])
def test_nearest_units_are_found_by_hand(options, pairs):
    assert pairs_made(hand(**options)) == pairs


def test_distances_that_differ_in_their_last_digits_are_ties():
    table = pd.DataFrame({"joined": [1, 0, 0], "x": [0.3, 0.5, 0.1]})
    assert 0.3 - 0.1 < 0.5 - 0.3                                   # in floating point
    match = NearestCovariates(covariates=("x",), distance="euclidean").match(Candidates.of_table(table, treated="joined"))
    assert pairs_made(match) == {(0, 1)}


def test_a_random_order_follows_its_seed():
    table = random_table(3)
    table["age"] = 40.0 + np.arange(len(table)) % 2                # hardly anyone is unlike another, so that who chooses first decides
    rows = Candidates.of_table(table, treated="joined")
    one, same, other = (pairs_made(NearestCovariates(covariates=("age", "need"), order="random", seed=seed).match(rows)) for seed in (1, 1, 2))
    assert one == same != other


def test_rows_without_a_column_of_the_distance_are_left_out_with_that_reason():
    table = HAND.assign(z=[np.nan, 1.0, 2.0, np.nan, 1.5, 4.0])
    match = NearestCovariates(covariates=("x",), on=("x", "z"), distance="euclidean").match(Candidates.of_table(table, treated="joined"))
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 2, "matched": 1, "covariate_missing": 1}
    assert pairs_made(match) == {(1, 2)}


def test_nearby_units_come_first_and_the_distance_stays_that_of_all_rows():
    match = hand(tiers=("council",), distance="mahalanobis")
    assert pairs_made(match) == {(0, 3), (1, 2)}
    assert match.origin.tolist() == ["council", "council"]


def test_entry_periods_are_matched_apart_and_history_joins_the_distance():
    panel = simulated_panel(400, missing=0.05)
    sample = NearestCovariates(covariates=("x", "b"), history=("y",), replacement=True, ratio=2).fit(panel)
    assert_valid_sample(sample)
    assert sample.match.method.startswith("2:1 nearest-neighbour matching with replacement on the Mahalanobis distance over x, b, history of y")
    assert not np.isfinite(sample.match.score).any()


def test_a_comparison_unit_used_up_in_one_tier_is_no_missing_stratum_in_the_next():
    panel = panel_of([1, 1, -1], {"y": np.zeros((3, 4))}, x=[0.0, 0.1, 0.2], c=[1.0, 3.0, 2.0], councils=["A", "A", "A"], areas=["A"] * 3)
    sample = NearestCovariates(covariates=("x", "c"), distance="euclidean", tiers=("council_code",)).fit(panel)
    assert sample.dropped["reason"].tolist() == ["no_comparison_left"]


@pytest.mark.parametrize(("options", "words"), [
    ({"distance": "chebyshev"}, "`matching.distance` must be mahalanobis"),
    ({"order": "nearest"}, "`matching.order` must be one of auto, largest"),
    ({"on": "x"}, "`matching.on` must be a list"),
    ({"covariates": ()}, "A distance needs at least one column"),
    ({"reuse_max": 2}, "needs `matching.replacement`"),
    ({"reuse_max": 0, "replacement": True}, "`matching.reuse_max` must be at least 1"),
    ({"formula": "x + y"}, "`matching.formula` is for a score here"),
    ({"history": ("y",), "on": ("x",)}, "`matching.history` is for a score here"),
    ({"discard": "treated", "estimand": "ATE"}, "Pairs have no average over everyone"),
    ({"ratio": 0}, "`matching.ratio` must be at least 1"),
    ({"caliper": -1.0}, "`matching.caliper` must be above 0"),
    ({"covariate_calipers": {"x": 0.0}}, "numbers other than 0"),
])
def test_a_wrong_option_is_refused_when_the_spec_is_made(options, words):
    with pytest.raises(PlanError, match=words):
        NearestCovariates(**{"covariates": ("x", "y"), **options})


def test_the_methods_words_say_what_was_done():
    assert hand().method == ("1:1 nearest-neighbour matching without replacement on the Euclidean distance over x, y, no caliper, exact on entry "
                             "period")
    spec = NearestCovariates(covariates=("x", "y"), on=("x",), caliper=0.2, replacement=True, reuse_max=3, exact=("council_code",))
    assert spec.in_words() == (
        "1:1 nearest-neighbour matching with replacement (each unit at most 3 times) on the Mahalanobis distance over x, a caliper of 0.2 standard "
        "deviations of the linear predictor, the score being the linear predictor of a logit of entry (x, y), exact on entry period, council code")
    assert spec.in_plain_words().startswith("Each programme unit has up to 1 nearest neighbour on x together, no further than 0.2 standard")
    assert spec.columns_used() == ("x", "y", "council_code")
