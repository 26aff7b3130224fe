import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.matching.pairing import pair_nearest
from evaluation.matching.problem import REASONS


def brute_force(score, stratum, treated, ids, ratio, width, replacement):
    """The rule, word for word: rounds, largest score first, smallest (distance, id) among what is left and within reach."""
    focal = sorted(np.flatnonzero(treated), key=lambda i: (-score[i], ids[i]))
    chosen, used, out = {i: [] for i in focal}, set(), list(focal)
    for _ in range(ratio):
        for i in list(out):
            there = [j for j in np.flatnonzero(~treated) if stratum[j] == stratum[i] >= 0 and abs(score[j] - score[i]) <= width
                     and j not in chosen[i] and (replacement or j not in used)]
            if not there:
                out.remove(i)
                continue
            best = min(there, key=lambda j: (abs(score[j] - score[i]), ids[j]))
            chosen[i].append(best)
            used.add(best)
    return {i: set(js) for i, js in chosen.items() if js}


def as_sets(pairs):
    out = {}
    for i, j in zip(pairs.treated, pairs.comparison, strict=True):
        out.setdefault(i, set()).add(j)
    return out


cases = st.integers(0, 10**6)


@settings(max_examples=150, deadline=None)
@given(seed=cases, ratio=st.integers(1, 4), replacement=st.booleans(), width=st.sampled_from([float("inf"), 2.0, 1.0]),
       spread=st.sampled_from([3, 1000]))
def test_pairs_equal_brute_force(seed, ratio, replacement, width, spread):
    """Scores are small integers in half the cases, so that ties in distance and in score are common."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    score, stratum = rng.integers(0, spread, n) / (1 if spread == 3 else 100), rng.integers(-1, 3, n)
    treated, ids = rng.random(n) < 0.4, rng.permutation(n)
    pairs = pair_nearest(score, stratum, treated, ids, ratio=ratio, width=width, replacement=replacement)
    assert as_sets(pairs) == brute_force(score, stratum, treated, ids, ratio, width, replacement)


@settings(max_examples=50, deadline=None)
@given(seed=cases, replacement=st.booleans())
def test_the_order_of_rows_does_not_matter(seed, replacement):
    rng = np.random.default_rng(seed)
    n = 40
    score, stratum, treated, ids = rng.integers(0, 6, n).astype(float), rng.integers(0, 2, n), rng.random(n) < 0.4, rng.permutation(n)
    order = rng.permutation(n)

    def found(rows):
        pairs = pair_nearest(score[rows], stratum[rows], treated[rows], ids[rows], ratio=2, width=2.0, replacement=replacement)
        return {(ids[rows][i], ids[rows][j]) for i, j in zip(pairs.treated, pairs.comparison, strict=True)}
    assert found(np.arange(n)) == found(order)


def test_every_treated_row_left_out_has_its_reason():
    #              A: alone in its stratum  B: missing key  C: too far  D and E want the same one row (E has the larger score)
    score = np.array([0.0, 0.0, 9.0, 5.0, 5.1, 5.05, 7.0])
    stratum = np.array([9, -1, 1, 1, 1, 1, 1])
    treated = np.array([True, True, True, True, True, False, False])
    pairs = pair_nearest(score, stratum, treated, np.arange(7), ratio=1, width=0.2, replacement=False)
    reasons = [REASONS[code] for code in pairs.reason[treated]]
    assert reasons == ["no_comparison_in_stratum", "stratum_missing", "outside_caliper", "no_comparison_left", ""]
    assert (pairs.treated.tolist(), pairs.comparison.tolist()) == ([4], [5])


@pytest.mark.parametrize(("width", "n_pairs"), [(0.5, 1), (0.49999, 0)])
def test_the_caliper_itself_is_inside(width, n_pairs):
    pairs = pair_nearest(np.array([1.0, 1.5]), np.zeros(2, dtype=int), np.array([True, False]), np.arange(2), ratio=1, width=width, replacement=True)
    assert len(pairs.treated) == n_pairs


def test_everyone_gets_a_first_comparison_before_anyone_a_second():
    # two treated at 2 and 1, comparisons at 1.6 and 1.4: the larger score takes 1.6 and must leave 1.4 to the other
    pairs = pair_nearest(np.array([2.0, 1.0, 1.6, 1.4]), np.zeros(4, dtype=int), np.array([True, True, False, False]), np.arange(4), ratio=2,
                         width=float("inf"), replacement=False)
    assert as_sets(pairs) == {0: {2}, 1: {3}}
