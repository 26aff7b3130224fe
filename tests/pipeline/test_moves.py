"""What a chart's title says of both groups: only what holds of the sets that are drawn and of those that the effect is of."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.pipeline import estimate


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
