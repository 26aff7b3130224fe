import numpy as np
import pytest

from evaluation.models.before_after import before_after
from tests.matching.panels import panel_of


def test_before_and_after_by_hand():
    # U0 joins in 2: before 1, 3 (mean 2), after 5, 7 (mean 6): +4. U1: before 2 (one missing), after 2, 4: +1. U2 has nothing after. U3 never joins.
    y = [[1, 3, 5, 7], [np.nan, 2, 2, 4], [9, 9, np.nan, np.nan], [0, 0, 99, 99]]
    found = before_after(panel_of([2, 2, 2, -1], {"y": y}), "y", before=(-2, -1), after=(0, 1))
    assert (found.before, found.after, found.change.estimate) == (2.0, 4.5, 2.5)
    assert found.change.std_error == pytest.approx(np.std([4, 1], ddof=1) / np.sqrt(2))
    assert (found.change.n_treated, found.change.df) == (2, 1)


def test_the_interval_is_that_of_a_paired_t_test():
    from scipy import stats
    y = np.random.default_rng(0).normal(size=(30, 4))
    found = before_after(panel_of([2] * 30, {"y": y}), "y", before=(-1, -1), after=(1, 1)).change
    test = stats.ttest_rel(y[:, 3], y[:, 1])
    assert found.p_value == pytest.approx(test.pvalue)
    assert (found.lower, found.upper) == pytest.approx(tuple(test.confidence_interval()))


def test_changes_of_one_area_are_one_cluster():
    panel = panel_of([2] * 4, {"y": np.random.default_rng(1).normal(size=(4, 4))}, areas=["a", "a", "b", "b"])
    found = before_after(panel, "y", before=(-1, -1), after=(1, 1), clusters="area").change
    assert (found.n_clusters, found.df, found.clusters) == (2, 1, "areas")


def test_only_the_units_asked_for_enter():
    panel = panel_of([1, 1, 1], {"y": [[0, 1, 0, 0], [0, 5, 0, 0], [0, 9, 0, 0]]})
    assert before_after(panel, "y", before=(-1, -1), after=(0, 0), only=np.array([True, True, False])).change.estimate == 3


def test_nothing_observed_gives_no_number_and_a_reason():
    found = before_after(panel_of([1, -1], {"y": np.full((2, 4), np.nan)}), "y")
    assert np.isnan(found.before) and found.change.reason == "no treated unit is observed before and after"


def test_quarters_before_and_after_are_of_the_same_seasons():
    nan = np.nan
    # entry in column 4: columns 0 to 3 before, 5 to 8 after, of seasons 0 1 2 3 and 1 2 3 0. U0 lacks season 2 after: 0, 1 and 3 are left.
    y = [[10, 20, 90, 30, 7, 21, nan, 33, 14], [nan] * 4 + [7, 1, 2, 3, 4], [1, 2, nan, nan, 7, nan, nan, 6, 8]]
    found = before_after(panel_of([4, 4, -1], {"y": np.array(y)}), "y")
    assert (found.before, found.after) == (20.0, pytest.approx((21 + 33 + 14) / 3)) and found.change.n_treated == 1
    # two quarters after are compared with the same two before; the other unit's season 1 is not seen after, its season 2 not before
    found = before_after(panel_of([4, -1, 4], {"y": np.array(y)}), "y", after=(1, 4))
    assert found.change.n_treated == 2 and found.before == pytest.approx((20 + 1) / 2) and found.after == pytest.approx((68 / 3 + 8) / 2)
    halves = before_after(panel_of([4, -1, -1], {"y": np.array(y)}), "y", after=(1, 2))
    assert (halves.before, halves.after) == (20.0, 21.0)


def test_seasons_do_not_pass_for_change():
    season = np.tile([0.0, 5.0, 9.0, 2.0], 3)
    y = np.array([season, season])
    y[0, 6] = np.nan                                   # without one quarter after, the plain mean of the others would differ from that before
    found = before_after(panel_of([4, 4], {"y": y}), "y").change
    assert found.estimate == 0
