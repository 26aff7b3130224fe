"""How many simulated families join, where, and when: exactly as a plan says, and refused where that cannot be had."""
from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import PlanError
from evaluation.periods import Periods
from evaluation.simulate import Simulation
from evaluation.simulate.spec import OTHERS
from evaluation.simulate.world import _base_of_number

PERIODS = Periods.between("2011-Q1", "2014-Q4", kind="quarter")
BATH, SALFORD, WANDSWORTH = "E06000022", "E08000006", "E09000032"


def entries(tmp_path, dictionary, **options):
    """Entry column of every family, and its council by order of code."""
    spec = Simulation(**{"families": {BATH: 120, SALFORD: 200}, "periods": PERIODS, "seed": 7, "effects": {}} | options)
    truth = spec.write(tmp_path / "d", dictionary=dictionary)
    sizes = spec.sizes(dictionary)
    return truth.entry, np.repeat(list(sizes), list(sizes.values()))


def test_exactly_so_many_families_join_in_each_council_and_none_elsewhere(tmp_path, dictionary):
    entry, council = entries(tmp_path, dictionary, joined={SALFORD: 37})
    assert (entry[council == SALFORD] >= 0).sum() == 37 and (entry[council == BATH] >= 0).sum() == 0


def test_a_number_is_shared_by_all_councils(tmp_path, dictionary):
    entry, council = entries(tmp_path, dictionary, joined=60)
    assert (entry >= 0).sum() == 60 and len(set(council[entry >= 0])) == 2


def test_families_join_between_the_first_and_the_last_quarter_asked_for(tmp_path, dictionary):
    entry, _ = entries(tmp_path, dictionary, joined={BATH: 30}, first_entry=5, last_entry=7)
    assert set(entry[entry >= 0]) == {5, 6, 7}


def test_families_join_in_the_small_areas_asked_for_only(tmp_path, dictionary):
    import pandas as pd

    entry, council = entries(tmp_path, dictionary, joined={SALFORD: 20}, areas={SALFORD: 2})
    stays = pd.read_parquet(tmp_path / "d" / "addresses.parquet").drop_duplicates("family_id")
    codes = sorted(stays.loc[(council == SALFORD), "area_code"].unique())
    assert set(stays.loc[entry >= 0, "area_code"]) == set(codes[:2]) and len(codes) == 5      # 200 families, about 40 an area


def test_a_programme_of_whole_neighbourhoods_takes_every_eligible_family_at_once(tmp_path, dictionary):
    entry, _ = entries(tmp_path, dictionary, areas={SALFORD: 1}, at_once=True, first_entry=6)
    assert set(entry) == {-1, 6} and 15 < (entry == 6).sum() < 60


def test_others_share_what_is_left_among_the_councils_of_2012(dictionary):
    spec = Simulation(periods=PERIODS, seed=7, joined={BATH: 215, OTHERS: 102_000})
    sizes, exactly = spec.sizes(dictionary), spec._exactly(spec.sizes(dictionary), dictionary)
    assert len(sizes) == 152 and exactly.sum() == 102_215 and exactly[list(sizes).index(BATH)] == 215
    assert all(number == int(np.ceil(joins / 0.4)) for number, joins in zip(sizes.values(), exactly, strict=True))


def test_with_no_number_asked_for_the_records_are_those_of_before(tmp_path, dictionary):
    entry, _ = entries(tmp_path, dictionary)
    again, _ = entries(tmp_path / "again", dictionary, last_entry=len(PERIODS) - 1)
    assert (entry == again).all() and 0.3 < (entry >= 0).mean() < 0.5


def test_the_hazard_for_a_number_by_hand():
    # least draw over relative hazard: 0.1 / 1 = 0.1, 0.2 / 2 = 0.1 and 0.3 / 2 = 0.15, 0.5 / 1 = 0.5; the fourth cannot join
    relative = np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 1.0], [0.0, 0.0]])
    draw = np.array([[0.1, 0.5], [0.3, 0.24], [0.1, 0.5], [0.5, 0.5]])
    base = _base_of_number(relative, draw, np.zeros(4, dtype=int), np.array([2]))
    assert base == pytest.approx((0.12 + 0.5) / 2)          # 0.1, 0.12, 0.5: between the second and the third
    assert ((draw < base[:, None] * relative).any(axis=1)).sum() == 2



@pytest.mark.parametrize(("wrong", "words"), [
    ({"joined": {SALFORD: 190}, "last_entry": 4}, "families cannot join: .* Ask for fewer"),
    ({"joined": {WANDSWORTH: 5}}, "E09000032 has none"),
    ({"joined": {BATH: 5}, "areas": {BATH: 90}}, "has 3 small areas"),
])
def test_a_number_that_cannot_join_is_refused(tmp_path, dictionary, wrong, words):
    with pytest.raises(PlanError, match=words):
        entries(tmp_path, dictionary, **wrong)


@pytest.mark.parametrize(("wrong", "words"), [
    ({"joined": -1}, "0 or more families"),
    ({"joined": {BATH: 0}}, "at least one family"),
    ({"first_entry": 6, "last_entry": 5}, "inside the periods"),
    ({"caseload": (0, 3)}, "caseload"),
    ({"costs": {BATH: {"2012/13": -5.0}}}, "0 or more pounds"),
    ({"areas": {BATH: 0}}, "at least 1"),
    ({"at_once": True}, "says in which small areas"),
])
def test_a_simulation_of_joining_that_cannot_be_drawn_says_what_to_mend(wrong, words):
    with pytest.raises(PlanError, match=words):
        Simulation(**{"families": {BATH: 100}, "periods": PERIODS, "seed": 1} | wrong)
