"""The register of releases: written once a release is out, read before the next."""

from __future__ import annotations

import json

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.population import Population
from evaluation.disclosure.register import Register
from evaluation.disclosure.rules import RULES
from evaluation.errors import DisclosureError


@pytest.fixture
def ledger():
    ledger, all_of_them = Ledger(profile=RULES["ten_five"]), Population.of("all", "programme", {"council": ["a"]}, ("m", "yes"), fingerprint="f")
    ledger.count(192, of="families", what="joined", population=all_of_them)
    ledger.count(3, of="families", what="few", population=all_of_them.part("left", "yes", "left"))
    ledger.share(40, 100, of="families", what="share", population=all_of_them)
    ledger.count(7, of="councils", what="places", population=all_of_them)
    ledger.count(50, of="families", what="unlinked", population="somewhere")
    return ledger


def test_what_is_read_is_what_was_written(tmp_path, ledger):
    register = Register(path=tmp_path / "study" / "releases.jsonl")
    register.add(ledger.entries, release="r1", vintage="v1")
    same, other = register.read("v1")
    assert same == ledger.entries[:3] and other == []
    assert [entry.who.fingerprint for entry in same] == ["f", "f", "f"]
    same, other = register.read("v2")
    assert same == [] and other == ledger.entries[:3]


def test_the_same_release_again_adds_nothing(tmp_path, ledger):
    register = Register(path=tmp_path / "releases.jsonl")
    for release in ("r1", "r2"):
        register.add(ledger.entries, release=release, vintage="v1")
    assert len(register.path.read_text(encoding="utf-8").splitlines()) == 1
    ledger.count(60, of="families", what="more", population=Population.of("b", "programme", {"council": ["b"]}))
    register.add(ledger.entries, release="r3", vintage="v1")
    lines = [json.loads(line) for line in register.path.read_text(encoding="utf-8").splitlines()]
    assert [(line["release"], len(line["numbers"])) for line in lines] == [("r1", 3), ("r3", 1)]


def test_no_register_means_that_nothing_is_out(tmp_path):
    assert Register(path=tmp_path / "releases.jsonl").read("v1") == ([], [])


@pytest.mark.parametrize("line", ["{", '{"vintage": "v1"}', '{"vintage": "v1", "numbers": [{"what": 1}]}'])
def test_a_register_that_cannot_be_read_holds_the_release(tmp_path, ledger, line):
    register = Register(path=tmp_path / "releases.jsonl")
    register.add(ledger.entries, release="r1", vintage="v1")
    with register.path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(DisclosureError, match="line 2.*cannot be read"):
        register.read("v1")
