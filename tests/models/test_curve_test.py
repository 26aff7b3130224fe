"""The specification curve's joint test: by hand, at its limits, and at its size."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import EstimationError
from evaluation.models.curve_test import curve_test


def test_the_three_statistics_and_their_p_values_by_hand():
    # estimates 1, 2, 9 with errors 1, 1, 3: z 1, 2, 3; median 2; two significant with the median's sign; mean z 2
    draws = np.array([[0, 0, 0], [3, 3, 3], [-3, -2.5, 0], [1, 1, 9]], dtype=float)
    found = curve_test(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 3.0]), draws)
    assert (found.n, found.median, found.n_same_sign_significant, found.mean_z) == (3, 2.0, 2, 2.0)
    # medians 0, 3, -2.5, 1: two as far as 2; significant with the median's sign 0, 2, 2, 1 (of z 3, 3, 1; -3, -2.5, 0; 1, 1, 3): two as many
    assert (found.p_median, found.p_share) == (3 / 5, 3 / 5)
    # mean z 0, 7/3, -5.5/3, 5/3: one as far as 2
    assert found.p_mean_z == 2 / 5


def test_specifications_that_are_one_have_the_p_value_of_that_one():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(4_999, 1))
    found = curve_test(np.full(6, 1.7), np.ones(6), one @ np.ones((1, 6)))
    alone = (1 + (np.abs(one) >= 1.7).sum()) / 5_000
    assert found.p_median == found.p_mean_z == pytest.approx(alone)


def test_the_order_of_specifications_does_not_matter():
    rng = np.random.default_rng(2)
    values, errors, draws = rng.normal(size=5), rng.uniform(0.5, 2, 5), rng.normal(size=(999, 5))
    order = rng.permutation(5)
    one, other = curve_test(values, errors, draws), curve_test(values[order], errors[order], draws[:, order])
    for name in one.__slots__:
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12)


def test_a_null_is_rejected_as_often_as_the_size_says():
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(3, 8))  # eight specifications of three sources of error
    errors = np.sqrt((mix**2).sum(axis=0))
    draws = rng.normal(size=(999, 3)) @ mix
    p = np.array([(found.p_median, found.p_mean_z) for found in (curve_test(rng.normal(size=3) @ mix, errors, draws) for _ in range(1_000))])
    assert np.all(np.abs((p < 0.05).mean(axis=0) - 0.05) < 0.025)  # binomial, 3.6 standard errors


@pytest.mark.parametrize("values, errors, draws", [([1.0, np.nan], [1, 1], (9, 2)), ([1.0, 1.0], [1, 0], (9, 2)), ([1.0, 1.0], [1, 1], (9, 3))])
def test_a_specification_without_a_number_or_draws_is_refused(values, errors, draws):
    with pytest.raises(EstimationError, match="Leave out"):
        curve_test(np.array(values), np.array(errors, dtype=float), np.zeros(draws))
