import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EstimationError
from evaluation.models.multiplicity import benjamini_hochberg, holm, romano_wolf

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(P_VALUES)
def test_holm_and_benjamini_hochberg_are_those_of_statsmodels(p):
    from statsmodels.stats.multitest import multipletests
    for ours, name in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        assert ours(np.array(p)) == pytest.approx(multipletests(p, method=name)[1], abs=1e-12)


def test_holm_by_hand():
    """Of three: 0.01 x 3, then 0.03 x 2, then 0.04 x 1, which may not fall below 0.06."""
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_a_number_without_a_test_is_not_counted():
    p = np.array([0.01, np.nan, 0.03])
    assert holm(p) == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)
    assert benjamini_hochberg(p) == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)
    draws = np.random.default_rng(0).normal(size=(99, 3))
    with_gap = romano_wolf(np.array([2.0, np.nan, 1.0]), draws)
    assert np.isnan(with_gap[1]) and np.array_equal(with_gap[[0, 2]], romano_wolf(np.array([2.0, 1.0]), draws[:, [0, 2]]))
    assert np.isnan(holm(np.array([np.nan]))).all()


def stepdown(t, draws):
    """The definition, one test at a time."""
    left, floor, out = list(range(len(t))), 0.0, np.zeros(len(t))
    while left:
        j = max(left, key=lambda i: abs(t[i]))
        reached = sum(max(abs(row[i]) for i in left) >= abs(t[j]) for row in draws)
        floor = max(floor, (1 + reached) / (1 + len(draws)))
        out[j] = floor
        left.remove(j)
    return out


@pytest.mark.parametrize("seed", range(5))
def test_romano_wolf_is_the_stepdown_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(199, 1))
    draws, t = common + rng.normal(size=(199, 5)), rng.normal(size=5) * 2
    assert romano_wolf(t, draws) == pytest.approx(stepdown(t, draws))


def test_romano_wolf_of_one_test_is_its_own_p_value_and_of_copies_the_same():
    draws = np.random.default_rng(1).normal(size=(999, 1))
    own = (1 + (np.abs(draws[:, 0]) >= 1.7).sum()) / 1000
    assert romano_wolf(np.array([1.7]), draws) == pytest.approx([own])
    assert romano_wolf(np.array([1.7, -1.7, 1.7]), np.column_stack([draws, -draws, draws])) == pytest.approx([own] * 3)


def test_romano_wolf_is_near_holm_for_independent_tests_and_below_it_for_dependent_ones():
    from scipy.stats import norm
    rng, t = np.random.default_rng(2), np.array([2.6, 2.3, 1.9, 0.4])
    plain = holm(2 * norm.sf(t))
    independent = romano_wolf(t, rng.normal(size=(20_000, 4)))
    assert independent == pytest.approx(plain, abs=0.03) and (independent <= plain + 0.01).all()
    dependent = romano_wolf(t, rng.normal(size=(20_000, 1)) + 0.3 * rng.normal(size=(20_000, 4)))
    assert (dependent[:3] < 0.9 * plain[:3]).all()


def test_a_draw_that_repeats_the_sample_counts():
    assert romano_wolf(np.array([2.0]), np.array([[2.0 * (1 - 1e-13)], [1.0], [0.0]])) == pytest.approx([0.5])


def test_what_is_no_p_value_or_no_draw_is_refused():
    with pytest.raises(EstimationError, match="0 to 1"):
        holm(np.array([0.2, 1.2]))
    with pytest.raises(EstimationError, match="as many columns"):
        romano_wolf(np.array([1.0, 2.0]), np.zeros((9, 3)))
    with pytest.raises(EstimationError, match="without gaps"):
        romano_wolf(np.array([1.0]), np.full((9, 1), np.nan))
