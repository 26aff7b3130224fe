"""Families are simulated in councils that are there in the records' years: another is refused by name before anything is drawn."""

from __future__ import annotations

import pytest

from evaluation.errors import PlanError
from evaluation.periods import Periods
from evaluation.pipeline import check_plan
from evaluation.pipeline.locking import lock_path, lock_plan
from evaluation.simulate import Simulation
from evaluation.simulate.councils import check_there
from tests.pipeline.conftest import small_plan

OF_THEN, OF_NOW = "E10000009", "E06000059"  # Dorset, the county until March 2019 and the unitary council since


def years(first: str, last: str) -> Periods:
    return Periods.between(first, last, kind="quarter")


@pytest.mark.parametrize(
    "codes, periods, words",
    [
        ([OF_NOW], ("2011-Q1", "2015-Q4"), "E06000059 (Dorset), which was there from 2019-04-01. Name E10000009 (Dorset)."),
        ([OF_NOW], ("2015-Q1", "2020-Q4"), "E06000059 (Dorset), which was there from 2019-04-01. Name E10000009 (Dorset)."),
        ([OF_THEN], ("2020-Q1", "2023-Q4"), "E10000009 (Dorset), which was there until 2019-03-31. Take it out, or give other periods."),
        (["E06000058"], ("2011-Q1", "2015-Q4"), 
         "E06000058 (Bournemouth, Christchurch and Poole), which was there from 2019-04-01."
         " Name E06000028 (Bournemouth) or E06000029 (Poole) or E10000009 (Dorset)."),
    ],
)
def test_a_council_of_other_years_is_refused_with_the_one_to_name(dictionary, codes, periods, words):
    with pytest.raises(PlanError) as told:
        check_there({"data.families": codes}, years(*periods), dictionary)
    assert str(told.value).splitlines()[1] == f"  - `data.families` names {words}"


def test_councils_of_those_years_pass_also_where_one_ends_within_them(dictionary):
    check_there({"data.families": [OF_THEN, "E06000022"]}, years("2011-Q1", "2015-Q4"), dictionary)
    check_there({"data.families": [OF_THEN]}, years("2015-Q1", "2020-Q4"), dictionary)


def test_every_council_that_is_not_there_is_named_at_once(dictionary):
    with pytest.raises(PlanError) as told:
        check_there({"data.families": [OF_NOW, "E06000022"], "data.joined": ["E06000066"]}, years("2011-Q1", "2015-Q4"), dictionary)
    assert str(told.value).count("\n  - ") == 2 and "`data.joined` names E06000066" in str(told.value) and "E06000022" not in str(told.value)


def test_plan_check_lock_and_simulation_refuse_it_before_anything_is_written(tmp_path, dictionary):
    path = small_plan(tmp_path, lambda plan: plan["data"]["families"].update({OF_NOW: 60}))
    for check in (check_plan, lock_plan):
        with pytest.raises(PlanError, match=OF_NOW):
            list(check(path))
    assert not lock_path(path).exists()
    with pytest.raises(PlanError, match=OF_NOW):
        Simulation(families={OF_NOW: 60}, periods=years("2011-Q1", "2013-Q4"), seed=1).write(tmp_path / "records", dictionary=dictionary)
    assert not (tmp_path / "records").exists()


def test_others_are_the_councils_of_2012(tmp_path, dictionary):
    others = {"E06000022": 30, "others": 300}
    sizes = Simulation(families=0, joined=others, periods=years("2011-Q1", "2013-Q4"), seed=1).sizes(dictionary)
    assert OF_THEN in sizes and OF_NOW not in sizes
    check_there({"councils": sizes}, years("2011-Q1", "2013-Q4"), dictionary)
