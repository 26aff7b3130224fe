"""A sample on a panel of fewer units says the same of its sets."""
from __future__ import annotations

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, UnmatchedDiD, overall
from tests.matching.panels import simulated_panel


@pytest.fixture(scope="module")
def sides():
    """Some treated members' sets, on the whole panel and on that of a third of its units and theirs."""
    sample = NearestNeighbour(covariates=("x", "b")).fit(simulated_panel(500, effect=-0.3))
    inside = np.arange(len(sample.panel)) % 3 == 0
    own = sample.keep(inside[sample.treated_unit], inside)
    return own, own.within(inside), inside


def test_members_weights_and_entries_stay(sides):
    whole, part, inside = sides
    assert len(part.panel) < len(whole.panel) and len(part.panel) >= inside.sum()
    for side in ("treated_unit", "comparison_unit"):
        ids = [sample.panel.units["unit_id"].to_numpy()[getattr(sample, side)].tolist() for sample in (whole, part)]
        assert ids[0] == ids[1]
    np.testing.assert_array_equal(part.comparison_weight, whole.comparison_weight)


@pytest.mark.parametrize("estimator", [MatchedDiD(), UnmatchedDiD()])
def test_estimates_and_intervals_are_the_same(sides, estimator):
    whole, part, _ = sides
    one, two = (overall(estimator.fit(sample, "y"), quarters=(0, 3)) for sample in (whole, part))
    assert (one.estimate, one.std_error, one.n_treated, one.n_comparison) == (two.estimate, two.std_error, two.n_treated, two.n_comparison)


def test_the_sample_it_came_from_is_left_as_it_was(sides):
    whole, part, _ = sides
    assert part.candidates["unit"].max() < len(part.panel) and whole.candidates["unit"].max() >= len(part.panel)
