"""What a chart's title says of both groups: only what holds of the sets that are drawn and of those that the effect is of."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evaluation.panel.types import Panel
from evaluation.periods import Periods
from evaluation.pipeline import estimate
from evaluation.pipeline.receive import of_pool


@pytest.mark.parametrize(
    ("everyone", "followed", "told"),
    [((-1, -1), (-1, -1), (-1, -1)), ((-1, -1), (1, -1), (0, -1)), ((1, 0), (-1, 0), (0, 0))],
)
def test_a_group_moved_only_where_all_sets_and_those_of_the_effect_did(monkeypatch, everyone, followed, told):
    part, kept = SimpleNamespace(), []
    sample = SimpleNamespace(treated_entry=np.array([3, 4, 3]), keep=lambda chosen: kept.append(chosen.tolist()) or part)
    monkeypatch.setattr(estimate, "complete_cohorts", lambda effects, quarters: [3])
    monkeypatch.setattr(estimate, "signs_of", lambda estimating, outcome, one: followed if one is part else everyone)
    assert estimate.moves_of(SimpleNamespace(headline=(1, 4)), None, sample, None) == told
    assert kept == [[True, False, True]]


@pytest.mark.parametrize(
    ("before", "after", "sign"), [(8.40, 8.43, 0), (8.40, 8.49, 1), (35.0, 34.2, -1), (0.0, 0.1, 1), (0.0, 0.0, 0), (np.nan, 1.0, 0)]
)
def test_a_change_that_no_chart_shows_is_none(monkeypatch, before, after, sign):
    def means(sample, outcome, times):
        value = np.array([after if len(list(times)) > 1 else before])
        return value, value

    monkeypatch.setattr(estimate, "group_means", means)
    monkeypatch.setattr(estimate, "base_of", lambda plan: -4)
    assert estimate.signs_of(SimpleNamespace(plan=None, headline=(1, 4)), SimpleNamespace(name="y"), None) == (sign, sign)


def test_a_programme_family_of_another_place_never_serves_and_is_followed_as_long_as_before():
    units = pd.DataFrame({"unit_id": list("abcd"), "council_code": "E1", "area": "E1", "pool": ["here", "elsewhere", "here", "elsewhere"],
                          "entry": [4, -1, -1, 6], "eligible_from": [0, 0, 0, 2], "eligible_to": [7, 7, 7, 5]})
    found = of_pool(Panel(unit="family", periods=Periods.between("2011-Q1", "2012-Q4", kind="quarter"), units=units, outcomes={}), "elsewhere").units
    assert found["unit_id"].tolist() == ["a", "b", "d"] and found["eligible_to"].tolist() == [7, 7, 5]
    assert found["eligible_from"].tolist() == [8, 0, 2]                                         # after the last of eight quarters: never
