"""Which population is a part of which."""

from __future__ import annotations

import pytest

from evaluation.disclosure.population import Population, as_population

ALL = Population.of("all", "programme")
NORTH = Population.of("north", "programme", {"council": ["a", "b"]})
A = Population.of("a", "programme", {"council": ["a"]})
YOUNG_A = Population.of("young in a", "programme", {"council": ["a"], "cohort": ["1"]})
MATCHED_A = A.part("matching", "matched", "matched in a")


@pytest.mark.parametrize(
    "whole, part", [(ALL, NORTH), (ALL, A), (NORTH, A), (A, YOUNG_A), (NORTH, YOUNG_A), (A, MATCHED_A), (ALL, MATCHED_A), (NORTH, MATCHED_A), (A, A)]
)
def test_a_population_holds_its_parts_and_is_no_part_of_them(whole, part):
    assert whole.holds(part)
    assert whole == part or not part.holds(whole)


def test_other_groups_other_parts_and_unlinked_populations_hold_nothing():
    assert not ALL.holds(Population.of("all", "comparison"))
    assert not MATCHED_A.holds(A.part("matching", "outside caliper"))
    assert not as_population("all").holds(A) and not ALL.holds(as_population("a"))


def test_one_set_has_one_identity_whatever_its_name():
    assert Population.of("other name", "programme", {"council": ["b", "a"]}).identity == NORTH.identity != A.identity
    assert as_population("x").identity == "?x" and not as_population("x").linked
    assert Population.from_json(MATCHED_A.as_json()) == MATCHED_A
