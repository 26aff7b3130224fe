"""Fifty releases stand up to twelve attacks, which break releases that are not protected. `make attacks RELEASES=1000` tries more."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.disclosure.audit import audited
from evaluation.disclosure.rules import rule_of
from tests.attacks.attackers import ATTACKS
from tests.attacks.score import attack
from tests.attacks.world import families, publish

RELEASES = 50
UNPROTECTED = 10


@pytest.fixture(scope="module")
def protected():
    return attack(range(RELEASES))


@pytest.fixture(scope="module")
def off():
    return attack(range(UNPROTECTED), "off")


@pytest.fixture(scope="module")
def blanked():
    return attack(range(UNPROTECTED), "blanked")


def test_there_are_twelve_attacks(protected):
    assert len(ATTACKS) == len(protected.by_attack) == 12


@pytest.mark.parametrize("name", [one.__name__ for one in ATTACKS])
def test_no_small_cell_is_recovered_and_none_is_placed_within_five(protected, name):
    score = protected.by_attack[name]
    assert score.at_risk >= RELEASES / 2, "the attack has too little to attack"
    assert score.recovered == 0
    assert score.narrowest >= 5, score.where


@pytest.mark.parametrize("name", [one.__name__ for one in ATTACKS])
def test_each_attack_recovers_over_half_of_the_cells_without_protection(off, name):
    assert off.by_attack[name].share > 0.5


@pytest.mark.parametrize("name", ["linked_tables", "matched_less_all", "two_releases"])
def test_blanking_small_counts_alone_is_broken(blanked, name):
    assert blanked.by_attack[name].share > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["ons_srs", "opensafely", "uk_llc"])
def test_other_rules_stand_up_too(profile):
    score = attack(range(3), profile)
    assert score.together.recovered == 0 and score.together.narrowest >= 5, score.together.where


def test_repairs_are_few(protected):
    """Protection is not bought by hiding everything: most counts over the threshold are shown."""
    world = families(np.random.default_rng([20261124, 1]))
    _, ledger = audited(lambda ledger: publish(ledger, world), rule_of("ten_five"))
    large = [entry for entry in ledger.entries if entry.statistic == "count" and entry.n >= 10 and entry.what != "with police contact"]
    assert sum(entry.shown.symbol == "[c]" for entry in large) <= 0.15 * len(large)
