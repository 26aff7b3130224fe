import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.matching.problem import REASONS
from evaluation.matching.search.pairing import pair_nearest
from evaluation.matching.search.places import line_up, stable_order
from tests.matching.problems import as_lists, greedy, problem_of

cases = st.integers(0, 10**6)
MANY = 10**6                   # sets that a row may join where it is used with replacement


def small_problem(seed, spread, **options):
    """Up to 30 rows; scores are small integers where `spread` is small, so that ties in distance and in score are common."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    score = rng.integers(0, spread, n) / (1 if spread < 10 else 100)
    return problem_of(score, rng.integers(-1, 3, n), rng.random(n) < 0.4, rng.permutation(n), **options)


def pairs_of(problem, ratio=1, **options):
    return pair_nearest(problem, wanted=np.full(len(problem), ratio), **options)


@settings(max_examples=150, deadline=None)
@given(seed=cases, ratio=st.integers(1, 4), replacement=st.booleans(), width=st.sampled_from([float("inf"), 2.0, 1.0]),
       spread=st.sampled_from([3, 1000]))
def test_pairs_equal_brute_force(seed, ratio, replacement, width, spread):
    problem = small_problem(seed, spread, width=width, capacity=MANY if replacement else 1)
    assert as_lists(pairs_of(problem, ratio)) == greedy(problem, np.full(len(problem), ratio), "largest")


@settings(max_examples=50, deadline=None)
@given(seed=cases, replacement=st.booleans())
def test_the_order_of_rows_does_not_matter(seed, replacement):
    rng = np.random.default_rng(seed)
    n = 40
    score, stratum, treated, ids = rng.integers(0, 6, n).astype(float), rng.integers(0, 2, n), rng.random(n) < 0.4, rng.permutation(n)

    def found(rows):
        pairs = pairs_of(problem_of(score[rows], stratum[rows], treated[rows], ids[rows], width=2.0, capacity=MANY if replacement else 1), 2)
        return {(ids[rows][i], ids[rows][j]) for i, j in zip(pairs.focal, pairs.other, strict=True)}
    assert found(np.arange(n)) == found(rng.permutation(n))


def test_every_treated_row_left_out_has_its_reason():
    #              A: alone in its stratum  B: missing key  C: too far  D and E want the same one row (E has the larger score)
    score = np.array([0.0, 0.0, 9.0, 5.0, 5.1, 5.05, 7.0])
    stratum = np.array([9, -1, 1, 1, 1, 1, 1])
    treated = np.array([True, True, True, True, True, False, False])
    pairs = pairs_of(problem_of(score, stratum, treated, width=0.2))
    reasons = [REASONS[code] for code in pairs.reason[treated]]
    assert reasons == ["no_comparison_in_stratum", "stratum_missing", "outside_caliper", "no_comparison_left", ""]
    assert (pairs.focal.tolist(), pairs.other.tolist()) == ([4], [5])


@pytest.mark.parametrize(("width", "n_pairs"), [(0.5, 1), (0.49999, 0)])
def test_the_caliper_itself_is_inside(width, n_pairs):
    assert len(pairs_of(problem_of([1.0, 1.5], [0, 0], [True, False], width=width, capacity=MANY)).focal) == n_pairs


def test_everyone_gets_a_first_comparison_before_anyone_a_second():
    # two treated at 2 and 1, comparisons at 1.6 and 1.4: the larger score takes 1.6 and must leave 1.4 to the other
    assert as_lists(pairs_of(problem_of([2.0, 1.0, 1.6, 1.4], [0] * 4, [True, True, False, False]), 2)) == {0: [2], 1: [3]}


def test_pairs_come_row_after_row_and_each_with_its_nearest_first():
    pairs = pairs_of(problem_of([5.0, 1.0, 1.4, 0.9, 5.2, 4.9], [0] * 6, [True, True, False, False, False, False], capacity=MANY), 2)
    assert (pairs.focal.tolist(), pairs.other.tolist()) == ([0, 0, 1, 1], [5, 4, 3, 2])


def test_nobody_to_compare_with_and_nobody_to_be_compared_are_no_errors():
    assert pairs_of(problem_of([1.0, 2.0], [0, 0], [True, True])).reason.tolist() == [REASONS.index("no_comparison_in_stratum")] * 2
    assert len(pairs_of(problem_of([1.0, 2.0], [0, 0], [False, False])).focal) == 0


@settings(max_examples=100, deadline=None)
@given(seed=cases, n=st.integers(0, 60), spread=st.integers(1, 40), strata=st.sampled_from([1, 3, 70_000]))
def test_rows_stand_in_the_order_of_stratum_score_and_id(seed, n, spread, strata):
    """70,000 strata need more than 16 bits."""
    rng = np.random.default_rng(seed)
    score, stratum, focal, ids = rng.integers(0, spread, n).astype(float), rng.integers(-1, strata, n), rng.random(n) < 0.5, rng.permutation(n)
    assert stable_order(score).tolist() == np.argsort(score, kind="stable").tolist()
    pool, seekers = line_up(problem_of(score, stratum, focal, ids))
    for found, side in ((pool, ~focal), (seekers, focal)):
        rows = np.flatnonzero(side & (stratum >= 0))
        assert found.row.tolist() == rows[np.lexsort((ids[rows], score[rows], stratum[rows]))].tolist()
    assert seekers.row[seekers.by_id()].tolist() == sorted(seekers.row.tolist(), key=lambda i: ids[i])
    for k, i in enumerate(seekers.row.tolist()):
        own = np.flatnonzero(pool.stratum == stratum[i])
        assert seekers.high[k] - seekers.low[k] == len(own) and (not len(own) or seekers.low[k] == own[0])
        assert seekers.start[k] - seekers.low[k] == (score[pool.row[own]] < score[i]).sum()
