"""Effects over 6 to 24 months: known answers by hand, whom each speaks about, and which studies have them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.locations import project_file
from evaluation.models import MatchedDiD
from evaluation.pipeline.windows import windows_of
from evaluation.plan import read_plan
from tests.matching.panels import panel_of
from tests.models.test_matched_did import sample_of

EARLY, LATE = 12, 12  # families that join so early that they can be followed for two years, and that can be followed for three quarters
N = EARLY + LATE


@pytest.fixture
def matched():
    """Each family that joined is matched to one that never did; in quarter e after joining its outcome is e higher, give or take 0.1."""
    entry = np.array([5] * EARLY + [10] * LATE + [-1] * N)
    quarters = np.arange(14) - entry[:N, None]
    y = np.zeros((2 * N, 14))
    y[:N] = np.where(quarters >= 1, quarters + 0.1 * np.where(np.arange(N) % 2, 1, -1)[:, None], 0.0)
    panel = panel_of(entry, {"any_offence": y, "unauthorised_absence_rate": y}, unit="family")
    return sample_of(panel, {i: [N + i] for i in range(N)})


def asked(path: str = "studies/demonstration/plan.yml") -> SimpleNamespace:
    return SimpleNamespace(plan=read_plan(project_file(path)))


def rows(matched, dictionary, name: str, path: str = "studies/demonstration/plan.yml"):
    effects = MatchedDiD(base=-4, window=(-5, 8)).fit(matched, name)
    return windows_of(asked(path), dictionary.outcomes[name], effects, matched)


def test_each_window_is_the_mean_of_its_quarters_among_those_followed_to_its_end(matched, dictionary):
    found = {row.months: row.estimate for row in rows(matched, dictionary, "unauthorised_absence_rate")}
    assert {months: round(one.estimate, 9) for months, one in found.items()} == {6: 1.5, 12: 2.5, 18: 3.5, 24: 4.5}
    assert {months: one.n_treated for months, one in found.items()} == {6: N, 12: EARLY, 18: EARLY, 24: EARLY}
    assert all(one.lower < one.estimate < one.upper for one in found.values())


def test_few_with_an_event_are_counted_among_those_followed_to_the_windows_end(matched, dictionary):
    y = matched.panel.outcomes["any_offence"]
    y[:] = 0.0
    y[:4, 6:] = y[N : N + 4, 6:] = 1.0                              # four of those who joined early on either side
    y[EARLY : EARLY + 3, 11:] = y[N + EARLY : N + EARLY + 3, 11:] = 1.0      # three of the others
    found = {row.months: row.fewest for row in rows(matched, dictionary, "any_offence")}
    assert found == {6: 7, 12: 4, 18: 4, 24: 4}
    assert {row.fewest for row in rows(matched, dictionary, "unauthorised_absence_rate")} == {None}


@pytest.mark.parametrize("study", ["community_budgets_2011", "neighbourhood", "whole_place", "lalonde"])
def test_studies_whose_units_do_not_join_one_by_one_in_a_quarter_have_none(matched, dictionary, study):
    assert rows(matched, dictionary, "any_offence", f"studies/{study}/plan.yml") == ()
