"""The Bacon decomposition against R bacondecomp (stored), and what it must add up to."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError
from evaluation.models import TwoWay
from evaluation.models.bacon import bacon_decomposition
from evaluation.models.cell_sums import cell_sums
from tests.matching.panels import panel_of, simulated_panel
from tests.models.two_way_panels import REFERENCE, mpdta_panel, reference_panel

EXACT = 1e-12
NAMES = {"never treated": "Treated vs Untreated", "later treated": "Earlier vs Later Treated", "already treated": "Later vs Earlier Treated"}


def _sums(panel, weights=None):
    return cell_sums(panel.outcomes["y"], panel.entry, panel.units[["council_code", "area"]], weights=weights)


def _assert_equal_to_r(panel, data, first):
    theirs = pd.read_csv(REFERENCE / "two_way" / "bacon.csv").query("data == @data").set_index(["treated", "untreated"])
    ours = bacon_decomposition(_sums(panel))
    assert len(ours) == len(theirs)
    for row in ours.itertuples():
        one = theirs.loc[row.cohort + first, row.comparison + first if row.comparison >= 0 else 0]
        assert (row.estimate, row.weight) == (pytest.approx(one["estimate"], rel=1e-9), pytest.approx(one["weight"], rel=1e-9))
        assert NAMES[row.against] == one["type"]


def test_comparisons_and_weights_equal_r_bacondecomp_on_the_generated_panel():
    _assert_equal_to_r(reference_panel("panel"), "panel", 1)


def test_comparisons_and_weights_equal_r_bacondecomp_on_mpdta(open_data):
    _assert_equal_to_r(mpdta_panel(open_data), "mpdta", 2003)


@pytest.mark.parametrize("weighted", [False, True])
def test_weights_add_up_to_one_and_the_weighted_mean_is_the_two_way_estimate(weighted):
    panel = simulated_panel(300, effect=-0.4)
    panel.units["w"] = np.random.default_rng(0).uniform(0.2, 3, 300)
    table = bacon_decomposition(_sums(panel, panel.units["w"].to_numpy() if weighted else None))
    two_way = TwoWay(window=(-20, 20), anticipation=0, weights="w" if weighted else None).fit(panel, "y").cells["estimate"].iloc[0]
    assert table["weight"].sum() == pytest.approx(1.0, abs=EXACT) and (table["weight"] > 0).all()
    assert table["weight"] @ table["estimate"] == pytest.approx(two_way, rel=EXACT)


def test_one_cohort_against_the_never_treated_is_one_comparison():
    y = np.array([[1.0, 2, 7], [3, 4, 9], [0, 1, 2], [2, 3, 4]])             # treated: 1.5 more each before, +5 after; comparison +1 a period
    table = bacon_decomposition(_sums(panel_of([2, 2, -1, -1], {"y": y})))
    assert table.values.tolist() == [["never treated", 2, -1, 4.0, 1.0]]     # (8 - 2.5) - (3 - 1.5)


def test_units_treated_from_the_first_period_on_are_left_out():
    panel = simulated_panel(200)
    entry = np.where(np.arange(200) < 9, 0, panel.entry)
    one = bacon_decomposition(cell_sums(panel.outcomes["y"], entry, panel.units[["council_code", "area"]]))
    other = bacon_decomposition(cell_sums(panel.outcomes["y"][9:], entry[9:], panel.units[["council_code", "area"]][9:]))
    pd.testing.assert_frame_equal(one, other)


def test_periods_nobody_is_observed_in_are_skipped():
    panel = simulated_panel(200, effect=1.0)
    panel.outcomes["y"][:, 3] = np.nan
    table = bacon_decomposition(_sums(panel))
    two_way = TwoWay(window=(-20, 20), anticipation=0).fit(panel, "y").cells["estimate"].iloc[0]
    assert table["weight"] @ table["estimate"] == pytest.approx(two_way, rel=EXACT)


def test_units_observed_in_different_periods_and_a_single_cohort_are_refused():
    with pytest.raises(EstimationError, match="every unit observed in the same periods"):
        bacon_decomposition(_sums(simulated_panel(50, missing=0.1)))
    with pytest.raises(EstimationError, match="no two that differ in entry"):
        bacon_decomposition(_sums(panel_of([2] * 4, {"y": np.ones((4, 4))})))
