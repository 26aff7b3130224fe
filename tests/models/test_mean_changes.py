"""Before/after changes of both arms of a matched sample over the same units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.matching.sample import MatchedSample
from evaluation.models import MatchedDiD, overall
from evaluation.models.descriptive import mean_changes
from tests.matching.panels import panel_of, simulated_panel


def matched(panel):
    return NearestNeighbour(covariates=("x",), exact=(), ratio=1, caliper=None).fit(panel)


def test_the_gap_between_the_changes_is_the_effect_from_the_same_base():
    panel = simulated_panel(300, seed=3, effect=0.7, entries=(6, 7))  # one entry period: nobody is censored
    sample = matched(panel)
    treated, comparison = mean_changes(sample, "y", [-4], [1, 2, 3, 4])
    effects = MatchedDiD(base=-4, window=(-5, 5), anticipation=1).fit(sample, "y")
    assert treated - comparison == pytest.approx(overall(effects, quarters=(1, 4)).estimate)


def test_only_units_seen_before_and_after_count_and_later_joiners_leave():
    # U0 joins in period 2; U1 and U2 are like it, U2 joins in period 4; U3 joins in 2 and is not seen after
    y = np.array([[5, 5, 4, 3, 3], [2, 2, 2, 1, 1], [8, 8, 8, 6, 0], [9, 9, np.nan, np.nan, np.nan]], dtype=float)
    panel = panel_of([2, -1, 4, 2], {"y": y}, unit="family", x=[0.0, 0.0, 0.0, 0.0], eligible_to=[4, 4, 3, 4])
    sample = MatchedSample(
        panel=panel, method="by hand", set_entry=np.array([2, 2]), treated_unit=np.array([0, 3]), treated_set=np.array([0, 1]),
        treated_weight=np.ones(2), comparison_unit=np.array([1, 2, 1]), comparison_set=np.array([0, 0, 1]),
        comparison_weight=np.array([0.5, 0.5, 1.0]), candidates=pd.DataFrame(), balance=pd.DataFrame(), dropped=pd.DataFrame(),
    )  # fmt: skip
    treated, comparison = mean_changes(sample, "y", [-2, -1], [1, 2])
    assert treated == -2.0  # U0: 5 to 3
    assert comparison == pytest.approx((-1.0 + -2.0) / 2)  # U1: 2 to 1; U2: 8 to 6, its 0 after joining left out


def test_nothing_seen_gives_nothing():
    panel = simulated_panel(100, seed=3, entries=(6, 7))
    assert np.isnan(mean_changes(matched(panel), "y", [-40], [1])).all()
