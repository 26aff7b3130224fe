"""Which fields an entry knows at a place of it, and the nearest right name of a misspelt one."""

from __future__ import annotations

import pytest

from evaluation.dictionary import Outcome, Table
from evaluation.dictionary.outcomes import OutcomeSource
from evaluation.dictionary.tables import Rule, Spells
from evaluation.frozen import Frozen, fields_at
from evaluation.nearest import did_you_mean, nearest
from evaluation.plan import Plan
from evaluation.plan.leaving import ExceptionPlan
from evaluation.plan.methods import Matching, Score
from evaluation.plan.worth import DeliveryCost


@pytest.mark.parametrize(
    ("model", "place", "there"),
    [
        (Table, (), Table),
        (Table, ("rules", 0), Rule),
        (Table, ("spells",), Spells),
        (Table, ("typical", "sessions"), Table),  # numbers by column: no fields of its own
        (Outcome, ("sources", "family"), OutcomeSource),
        (Plan, ("matching",), Matching),
        (Plan, ("matching", "score"), Score),
        (Plan, ("value", "cost"), DeliveryCost),
        (Plan, ("disclosure", "exceptions", 2), ExceptionPlan),
    ],
)
def test_the_fields_of_a_place_are_those_of_the_part_that_stands_there(model: type[Frozen], place: tuple, there: type[Frozen]):
    assert fields_at(model, place) == tuple(there.model_fields)


def test_a_name_that_is_near_is_asked_for_and_one_that_is_far_is_not():
    assert nearest("absense", ["absence", "offences"]) == " (did you mean 'absence'?)" and nearest("height", ["absence"]) == ""
    assert did_you_mean("height", ["absence"], otherwise="known are absence.") == "known are absence."
    assert did_you_mean("absenze", ["absence"], cutoff=0.9) == ""
