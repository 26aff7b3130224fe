"""What a delivery says of itself, and the register of what was delivered before."""
from __future__ import annotations

import json

import pytest

from evaluation.errors import ContractError
from evaluation.ingest.deliveries import read_control
from evaluation.ingest.reading import inspect_extracts, receive_extracts
from tests.faults.case import corpus_dictionary
from tests.faults.writing import event_text

DAYS = tuple(f"2012-01-{day:02d}" for day in range(1, 11))


@pytest.fixture
def deliver(tmp_path):
    """deliver(*days) -> inspection, with the register of the room."""
    def run(*days: str):
        (tmp_path / "events.csv").write_text(event_text(*days), encoding="utf-8")
        return inspect_extracts(tmp_path, corpus_dictionary(), room=tmp_path / "room", register=tmp_path / "register")
    return run


def reasons(found) -> set[str]:
    return {fault.reason for fault in found.faults} - {"missing_optional"}


def test_the_register_holds_digests_and_no_value(deliver, tmp_path):
    deliver(*DAYS)
    entry = json.loads((tmp_path / "register" / "register.json").read_text())["events"]
    assert set(entry) == {"file", "sha256", "kept", "content_hash", "rows"} and entry["kept"] == 10
    assert all(b"QZX" not in path.read_bytes() for path in (tmp_path / "register").iterdir())


def test_a_refused_delivery_is_not_entered(deliver, tmp_path):
    deliver(*DAYS)
    before = (tmp_path / "register" / "register.json").read_bytes()
    found = deliver(*(day.replace("2012", "2013") for day in DAYS))
    assert found.refused and reasons(found) == {"history_changed"}
    assert (tmp_path / "register" / "register.json").read_bytes() == before


def test_the_order_of_rows_is_no_change(deliver, tmp_path):
    deliver(*DAYS)
    lines = event_text(*DAYS).splitlines(keepends=True)
    (tmp_path / "events.csv").write_text(lines[0] + "".join(reversed(lines[1:])), encoding="utf-8")
    again = inspect_extracts(tmp_path, corpus_dictionary(), room=tmp_path / "room", register=tmp_path / "register")
    assert reasons(again) == set()


def test_each_delivery_is_compared_with_the_last_one_accepted(deliver):
    deliver(*DAYS)
    assert reasons(deliver(*DAYS, "2012-02-01")) == set()
    assert reasons(deliver(*DAYS)) == {"history_changed"}          # one row of eleven is gone


def test_a_register_that_cannot_be_read_is_refused(deliver, tmp_path):
    deliver(*DAYS)
    (tmp_path / "register" / "register.json").write_text("{", encoding="utf-8")
    with pytest.raises(ContractError, match="register of deliveries"):
        deliver(*DAYS)


@pytest.mark.parametrize("content", [
    "files: 3", "- a", "extract_day: 2012-01-01", "extract_date: soon", "files: {events.csv: {rows: -1}}", "a: [", "\x00"])
def test_a_control_file_that_is_none_is_refused_without_showing_it(tmp_path, content):
    (tmp_path / "delivery.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ContractError, match="delivery.yml must state"):
        read_control(tmp_path)


def test_a_file_that_is_stated_must_be_there(tmp_path):
    (tmp_path / "events.csv").write_text(event_text(*DAYS), encoding="utf-8")
    (tmp_path / "delivery.yml").write_text("files: {events.csv: {rows: 10}, spells.csv: {rows: 3}}\n", encoding="utf-8")
    with pytest.raises(ContractError, match="every file that delivery.yml states must be there: 1 of 2 are not"):
        receive_extracts(tmp_path, corpus_dictionary(), room=tmp_path / "room")
