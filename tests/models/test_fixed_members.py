"""Effects on outcomes of the members of the index."""
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import PlanError
from evaluation.matching.existing import complete_sets
from evaluation.matching.nearest import NearestNeighbour
from evaluation.matching.sample import MatchedSample
from evaluation.models.fixed_members import fixed_members
from evaluation.models.inference import overall
from evaluation.models.matched_did import MatchedDiD
from evaluation.panel.families import build_families
from evaluation.panel.people import build_people
from evaluation.panel.status import exists_at
from evaluation.periods import Periods
from evaluation.simulate import Simulation
from tests.matching.panels import panel_of

PERIODS = Periods.between("2011-Q1", "2014-Q4", kind="quarter")
OUTCOMES = ("unauthorised_absence_rate", "offences_by_minors", "out_of_work_benefit")


@pytest.fixture(scope="module")
def study(tmp_path_factory, dictionary):
    """Two thousand simulated families: panel, matched sample and people."""
    from evaluation.ingest.reading import receive_extracts

    folder = tmp_path_factory.mktemp("records")
    Simulation(families=2_000, councils=2, periods=PERIODS, seed=3).write(folder / "delivery", dictionary=dictionary)
    tables = receive_extracts(folder / "delivery", dictionary, room=folder / "room")
    panel = build_families(tables, dictionary, periods=PERIODS, outcomes=OUTCOMES)
    sample = NearestNeighbour(exact=("council_code",), covariates=("n_children", "lone_parent"), ratio=2).fit(panel)
    return sample, build_people(tables, dictionary, periods=PERIODS, outcomes=OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_effects_of_fixed_members_are_near_those_of_the_family_and_rest_on_the_same_units(study, dictionary, outcome):
    sample, people = study
    calendar = dictionary.outcomes[outcome].sources["family"].calendar
    fixed, usual = fixed_members(MatchedDiD(), sample, people, outcome, calendar=calendar), MatchedDiD().fit(sample, outcome, calendar=calendar)
    assert set(fixed.rows["unit"]) == set(usual.rows["unit"])
    one, other = overall(fixed), overall(usual)
    # few members join, leave or come of age in a year: another set of children, the same size of effect
    assert abs(one.estimate - other.estimate) < 2 * other.std_error and one.estimate != other.estimate
    assert one.std_error == pytest.approx(other.std_error, rel=0.3)


def test_unit_of_several_entry_periods_is_one_cluster(study, dictionary):
    sample, people = study
    effects = fixed_members(MatchedDiD(), sample, people, OUTCOMES[0], calendar=(1, 2, 4))
    assert effects.rows["unit"].duplicated().any() and overall(effects).method == "CR1 two-way cluster-robust"
    assert effects.rows["unit"].max() < len(sample.panel)


def test_outcome_that_the_people_lack_is_refused(study):
    with pytest.raises(PlanError, match="'neet' is not"):
        fixed_members(MatchedDiD(), *study, "neet")


def test_complete_sets_have_the_outcome_on_both_arms_and_keep_their_weight(study):
    sample, _ = study
    kept = complete_sets(sample, OUTCOMES[0])
    assert exists_at(kept.panel, OUTCOMES[0], kept.treated_unit, kept.treated_entry).all()
    assert exists_at(kept.panel, OUTCOMES[0], kept.comparison_unit, kept.comparison_entry).all()
    assert 0 < kept.n_treated < sample.n_treated and kept.n_sets == len(np.unique(kept.comparison_set)) == len(np.unique(kept.treated_set))
    for sets in (sample, kept):
        own, other = (np.bincount(place, weights=weight) for place, weight in
                      ((sets.treated_set, sets.treated_weight), (sets.comparison_set, sets.comparison_weight)))
        np.testing.assert_allclose(own, other)
    assert not kept.balance["mean_treated"].empty and "matched sets are left out" in kept.notes[-1]
    assert complete_sets(kept, OUTCOMES[0]) is kept


def test_members_for_whom_an_outcome_does_not_exist_give_their_weight_to_the_others():
    panel = panel_of([2, 2, -1, -1, -1], {"y": np.zeros((5, 4))}, unit="family")
    there = np.array([1, 1, 1, 0, 0])
    panel = type(panel)(unit="family", periods=panel.periods, units=panel.units, outcomes=panel.outcomes,
                        status={"y": np.zeros((5, 4), dtype=np.int8)}, members={"y": np.repeat(there[:, None], 4, axis=1)})
    empty = pd.DataFrame({"unit": np.empty(0, dtype=int), "entry": np.empty(0, dtype=int)})
    sample = MatchedSample(panel=panel, method="by hand", set_entry=np.array([2, 2]), treated_unit=np.array([0, 1]), treated_set=np.array([0, 1]),
                           treated_weight=np.ones(2), comparison_unit=np.array([2, 3, 4]), comparison_set=np.array([0, 0, 1]),
                           comparison_weight=np.array([0.5, 0.5, 1.0]), candidates=empty, balance=empty, dropped=empty)
    kept = complete_sets(sample, "y")
    assert (kept.treated_unit.tolist(), kept.comparison_unit.tolist(), kept.comparison_weight.tolist()) == ([0], [2], [1.0])
    assert complete_sets(type(sample)(**{name: getattr(sample, name) for name in sample.__slots__} | {"panel": type(panel)(
        unit="family", periods=panel.periods, units=panel.units, outcomes=panel.outcomes, status=panel.status,
        members={"y": np.zeros((5, 4), dtype=int)})}), "y") is None
