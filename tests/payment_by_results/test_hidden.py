"""How much a hidden cause could matter: its two parts by hand and against statsmodels, and what it says of a cause that was left out."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.payment_by_results.hidden import gaps, slopes


def test_gaps_are_inside_strata_by_the_number_who_join():
    x = np.array([[1.0], [3.0], [0.0], [2.0], [5.0], [4.0], [9.0]])
    treated = np.array([True, True, False, False, True, False, True])
    strata = np.array([0, 0, 0, 0, 1, 1, 2])                       # in stratum 2 nobody is left to compare with
    assert gaps(x, treated, strata)[0] == pytest.approx((2 * (2.0 - 1.0) + 1 * (5.0 - 4.0)) / 3)


def test_slopes_are_those_of_a_weighted_regression_with_a_level_for_each_stratum():
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    strata, weight = rng.integers(0, 3, 400), rng.uniform(0.2, 2, 400)
    x = rng.normal(size=(400, 2)) + strata[:, None]
    y = (rng.random(400) < 0.3 + 0.1 * (x[:, 0] > 1)).astype(float)
    expected = sm.WLS(y, np.column_stack([x, np.eye(3)[strata]]), weights=weight).fit().params[:2]
    np.testing.assert_allclose(slopes(x, y, strata, weight), expected, rtol=1e-9)


def test_a_covariate_that_does_not_vary_has_no_slope():
    x = np.column_stack([np.ones(50), np.arange(50.0)])
    assert slopes(x, np.arange(50.0), np.zeros(50, dtype=int), np.ones(50)).tolist() == pytest.approx([0, 1])


def test_gap_times_slope_is_the_bias_of_leaving_a_cause_out():
    """Two groups compared without a cause that differs by 0.5 and lowers the share by 0.2: off by 0.1."""
    rng = np.random.default_rng(4)
    treated = np.arange(200_000) < 100_000
    cause = (rng.random(200_000) < np.where(treated, 0.75, 0.25)).astype(float)
    met = (rng.random(200_000) < 0.5 - 0.2 * cause).astype(float)
    one = np.zeros(200_000, dtype=int)
    found = gaps(cause[:, None], treated, one) * slopes(cause[~treated, None], met[~treated], one[~treated], np.ones(100_000))
    assert found[0] == pytest.approx(met[treated].mean() - met[~treated].mean(), abs=0.01)
