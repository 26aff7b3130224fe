"""What a run says while it goes on: how far it is, how long it still takes, and every failure by name as it happens."""

from __future__ import annotations

import json

import pytest

from evaluation.runs import progress
from evaluation.runs.progress import Progress
from evaluation.runs.records import DoneRecord


@pytest.fixture
def told(tmp_path, monkeypatch):
    """(the progress of four reports, what it has said, a clock that a test moves)."""
    said, clock = [], [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    return Progress(say=said.append, log=tmp_path / "batch.jsonl", total=4, workers=2, began=clock[0]), said, clock


def test_each_end_is_said_at_once_with_the_time_left_at_the_pace_so_far(told):
    going, said, clock = told
    for code, after in (("E1", 120), ("E2", 120), ("E3", 60), ("E4", 60)):
        clock[0] += after
        going.ended(DoneRecord(name=code, state="done", seconds=100.0))
        assert len(said) == going.ended_so_far
    assert [line.partition("; ")[2] for line in said] == ["about 6 minutes left", "about 4 minutes left", "about 2 minutes left", ""]
    assert said[0].startswith("  1/4 E1: report made in 100.0 s") and said[3] == "  4/4 E4: report made in 100.0 s"


def test_a_failure_is_named_with_its_state_and_reason_as_it_happens(told):
    going, said, clock = told
    clock[0] += 60
    going.ended(DoneRecord(name="E1", state="failed-model", fault="Every programme family joined in one quarter."))
    going.ended(DoneRecord(name="E2", state="done-with-limits", seconds=1.0))
    going.ended(DoneRecord(name="E3", state="not-shown-small-n", seconds=1.0))
    assert said[0] == "  1/4 E1: failed-model: Every programme family joined in one quarter.; about 3 minutes left"
    assert "with limits" in said[1] and "nothing can be shown" in said[2]


def test_the_log_holds_a_line_for_each_beginning_and_end(told):
    going, _, _ = told
    going.begun("E1", 1)
    going.begun("E1", 2)
    going.ended(DoneRecord(name="E1", state="failed-system", fault="its process was ended by SIGKILL", seconds=3.0, tries=2))
    lines = [json.loads(line) for line in going.log.read_text(encoding="utf-8").splitlines()]
    assert lines[:2] == [{"begun": "E1", "tries": 1}, {"begun": "E1", "tries": 2}]
    assert lines[2] == {"ended": "E1", "state": "failed-system", "seconds": 3.0, "tries": 2, "fault": "its process was ended by SIGKILL"}
