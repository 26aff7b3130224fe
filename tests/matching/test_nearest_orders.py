"""Who chooses when, reuse, ties and limits: the same pairs as a plain program makes, word for word."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.matching.problem import REASONS, Limit
from evaluation.matching.search import free
from evaluation.matching.search.pairing import extremal_ratios, pair_nearest
from tests.matching.problems import as_lists, greedy, problem_of
from tests.matching.test_pairing import MANY, cases, pairs_of, small_problem

ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest")
orders, spreads, widths = st.sampled_from(ORDERS), st.sampled_from([3, 8, 1000]), st.sampled_from([float("inf"), 2.0, 1.0, 0.0])


def limited(problem, rng, kinds):
    """The problem with limits on more columns and one that must differ, as `kinds` says; two are narrow enough to cut strata."""
    n = len(problem)
    near = Limit(name="a", values=np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 4, n)), width=1.0)
    narrow = Limit(name="c", values=np.where(rng.random(n) < 0.1, np.nan, rng.integers(-9, 9, n) / 10), width=0.2)
    narrower = Limit(name="d", values=rng.integers(0, 30, n).astype(float), width=float(rng.integers(1, 4)))
    far = Limit(name="b", values=rng.integers(0, 5, n).astype(float), width=-2.0)
    return problem_of(problem.score, problem.stratum, problem.focal, problem.rows.id, width=problem.width, capacity=problem.capacity,
                      limits=[limit for limit in (near, far, narrow, narrower) if limit.name in kinds],
                      differ=[rng.integers(-1, 3, n)] if "differ" in kinds else [])


@settings(max_examples=400, deadline=None)
@given(seed=cases, order=orders, ratio=st.integers(1, 4), reuse=st.integers(1, 3), width=widths, spread=spreads)
def test_every_order_and_any_reuse_equal_brute_force(seed, order, ratio, reuse, width, spread):
    problem = small_problem(seed, spread, width=width, capacity=reuse)
    found = pair_nearest(problem, wanted=np.full(len(problem), ratio), order=order, seed=seed)
    assert as_lists(found) == greedy(problem, np.full(len(problem), ratio), order, seed=seed)


@settings(max_examples=200, deadline=None)
@given(seed=cases, order=orders, spread=spreads)
def test_any_capacity_and_any_number_wanted_equal_brute_force(seed, order, spread):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, spread, width=2.0)
    problem = problem_of(problem.score, problem.stratum, problem.focal, problem.rows.id, width=2.0, capacity=rng.integers(0, 4, len(problem)))
    wanted = rng.integers(1, 5, len(problem))
    assert as_lists(pair_nearest(problem, wanted=wanted, order=order, seed=seed)) == greedy(problem, wanted, order, seed=seed)


@settings(max_examples=400, deadline=None)
@given(seed=cases, order=orders, ratio=st.integers(1, 3), reuse=st.sampled_from([0, 1, 2, MANY]), width=widths, spread=spreads,
       kinds=st.sampled_from(["a", "b", "c", "d", "cd", "abcd", "ac", ("differ",), ("a", "b", "c", "differ")]), span=st.sampled_from([1, 2, 16]))
def test_limits_and_columns_that_must_differ_equal_brute_force(seed, order, ratio, reuse, width, spread, kinds, span):
    """Windows of one place on either side must grow, and walks end early."""
    problem = limited(small_problem(seed, spread, width=width, capacity=reuse), np.random.default_rng(seed), kinds)
    before = free.SPAN, free.STEPS
    free.SPAN, free.STEPS = span, span
    try:
        found = pair_nearest(problem, wanted=np.full(len(problem), ratio), order=order, seed=seed)
    finally:
        free.SPAN, free.STEPS = before
    assert as_lists(found) == greedy(problem, np.full(len(problem), ratio), order, seed=seed)


@settings(max_examples=200, deadline=None)
@given(seed=cases, ratio=st.integers(1, 4), width=widths, spread=spreads, limits=st.booleans())
def test_all_that_are_as_near_as_the_last_share(seed, ratio, width, spread, limits):
    problem = small_problem(seed, spread, width=width, capacity=MANY)
    problem = limited(problem, np.random.default_rng(seed), "ac") if limits else problem
    found = as_lists(pairs_of(problem, ratio, ties="share"))
    expected = greedy(problem, np.full(len(problem), ratio), "largest", ties="share")
    assert {i: set(js) for i, js in found.items()} == {i: set(js) for i, js in expected.items()}


@settings(max_examples=200, deadline=None)
@given(seed=cases, reuse=st.integers(0, 2), limits=st.booleans())
def test_reasons_are_those_that_a_look_at_every_pair_gives(seed, reuse, limits):
    problem = small_problem(seed, 8, width=1.0, capacity=reuse)
    problem = limited(problem, np.random.default_rng(seed), ("c", "differ")) if limits else problem
    pairs = pairs_of(problem)
    others = np.flatnonzero(~problem.focal)
    for i in np.flatnonzero(problem.focal).tolist():
        if i in pairs.focal:
            expected = ""
        elif problem.stratum[i] < 0:
            expected = "stratum_missing"
        elif not (problem.stratum[others] == problem.stratum[i]).any():
            expected = "no_comparison_in_stratum"
        else:
            expected = "no_comparison_left" if problem.admissible(i, others).any() else "outside_caliper"
        assert REASONS[pairs.reason[i]] == expected


def test_equal_scores_on_both_sides_of_a_cut_are_kept_apart():
    # two focal rows at 6 may only have those with c = 10: the first takes the one at 5.5, the second the one at 5, and not the other at 5 (c = 0)
    problem = problem_of([6.0, 6.0, 5.0, 5.0, 5.5], [0] * 5, [True, True, False, False, False],
                         limits=[Limit(name="c", values=np.array([10.0, 10.0, 0.0, 10.0, 10.0]), width=1.0)])
    assert as_lists(pairs_of(problem)) == {0: [4], 1: [3]}


def test_orders_by_hand():
    # focal at 1, 2 and 6; comparison rows at 1.9, 2.5 and 3
    problem = problem_of([1.0, 2.0, 6.0, 1.9, 2.5, 3.0], [0] * 6, [True] * 3 + [False] * 3)
    assert as_lists(pairs_of(problem, order="largest")) == {2: [5], 1: [3], 0: [4]}
    assert as_lists(pairs_of(problem, order="smallest")) == {0: [3], 1: [4], 2: [5]}
    assert as_lists(pairs_of(problem, order="closest")) == {1: [3], 0: [4], 2: [5]}
    # nearest at first: 0.9, 0.1 and 3 away
    assert as_lists(pairs_of(problem, order="farthest")) == {2: [5], 0: [3], 1: [4]}


def test_a_random_order_hangs_on_the_seed_and_on_nothing_else():
    rng = np.random.default_rng(1)
    n = 300
    score, focal, ids, stratum = np.round(rng.normal(size=n), 2), rng.random(n) < 0.4, rng.permutation(n), rng.integers(0, 3, n)

    def found(rows, seed):
        pairs = pairs_of(problem_of(score[rows], stratum[rows], focal[rows], ids[rows]), order="random", seed=seed)
        return set(zip(ids[rows[pairs.focal]].tolist(), ids[rows[pairs.other]].tolist(), strict=True))
    everyone = found(np.arange(n), 4)
    assert everyone == found(rng.permutation(n), 4) != found(np.arange(n), 5)
    assert everyone == set().union(*(found(np.flatnonzero(stratum == s), 4) for s in range(3)))


@pytest.mark.parametrize("order", ORDERS)
def test_a_long_run_of_seekers_beside_a_few_places_takes_no_longer_than_its_length(order):
    """20,000 seekers crowd into a gap narrower than that between two places, then into one score: walking past used places would take minutes."""
    n = 20_000
    crowd, places = np.linspace(0.0, 1e-3, n), np.linspace(-n, -1.0, n)
    for score in (crowd, np.zeros(n)):
        problem = problem_of(np.concatenate([score, places]), np.zeros(2 * n, dtype=int), np.arange(2 * n) < n)
        pairs = pairs_of(problem, order=order)
        assert len(pairs.focal) == n


def test_ratios_follow_the_score_and_keep_their_mean():
    # 5 focal rows want 2 on average, 1 at least and 4 at most: 5 beyond the least make one of 4 and one of 3; the largest scores want the least
    problem = problem_of([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], [0] * 6, [True] * 5 + [False])
    assert extremal_ratios(problem, mean=2, least=1, most=4)[:5].tolist() == [1, 1, 1, 3, 4]
    mirrored = problem_of([-5.0, -4.0, -3.0, -2.0, -1.0, 0.0], [0] * 6, [True] * 5 + [False])
    assert extremal_ratios(mirrored, mean=2, least=1, most=4)[:5].tolist() == [1, 1, 1, 3, 4]


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 40), least=st.integers(1, 4), more=st.integers(1, 4), most=st.integers(1, 4))
def test_ratios_lie_between_the_least_and_the_most(n, least, more, most):
    problem = problem_of(np.arange(n + 1.0), np.zeros(n + 1, dtype=int), np.arange(n + 1) > 0)
    wanted = extremal_ratios(problem, mean=least + more, least=least, most=least + more + most)[1:]
    assert wanted.sum() == n * (least + more) and wanted.min() >= least and wanted.max() <= least + more + most


def test_ties_that_would_fill_the_memory_are_refused(monkeypatch):
    from evaluation.errors import PlanError
    monkeypatch.setattr(free, "MOST_SHARED", 10)
    problem = problem_of(np.zeros(10), np.zeros(10, dtype=int), np.arange(10) < 5, capacity=MANY)
    with pytest.raises(PlanError, match="25 pairs would share ties, more than 10"):
        pairs_of(problem, ties="share")
