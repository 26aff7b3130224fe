import numpy as np
import pytest

from evaluation.matching.left_out import left_out_table
from evaluation.matching.nearest import NearestNeighbour
from tests.matching.panels import panel_of, simulated_panel


def test_those_left_out_differ_by_what_put_them_out_of_reach():
    # two of group 0 find the comparison units of their group; the one of group 1, at 10, finds nobody
    panel = panel_of([2, 2, 2, -1, -1], {"y": np.zeros((5, 4))}, x=np.array([0.0, 2, 10, 0, 2]), group=np.array([0, 0, 1, 0, 0]))
    found = NearestNeighbour(covariates=("x",), exact=("group",), caliper=None).fit(panel)
    table = left_out_table(found).set_index("covariate").loc["x"]
    assert (table["mean_matched"], table["mean_left_out"], table["n_matched"], table["n_left_out"]) == (1.0, 10.0, 2, 1)
    assert table["smd"] == pytest.approx(9 / np.std([0, 2, 10], ddof=1))


def test_nobody_left_out_leaves_an_empty_table():
    found = NearestNeighbour(covariates=("x",), caliper=None).fit(simulated_panel(60))
    assert left_out_table(found).empty and found.dropped.empty
