"""Done-records and files: what a later run may trust, and what it must make again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evaluation
from evaluation.runs import files
from evaluation.runs.files import canonical, file_sha256, hashes_of, move_whole, sweep, write_whole
from evaluation.runs.folder_lock import FolderInUse, only_runner, wait_for_tasks
from evaluation.runs.records import DoneRecord, read_record, record_path, standing
from evaluation.runs.states import state_of_outcomes

ROOT = str(Path(evaluation.__file__).parents[1])


@pytest.fixture
def made(tmp_path):
    """A run's folder with one report and its record."""
    page = write_whole(tmp_path / "rendering" / "E1" / "page.html", b"<p>one</p>")
    DoneRecord(name="E1", state="done", made_from="abc", files=hashes_of([page], tmp_path), seconds=2.5).write(tmp_path)
    return tmp_path


def test_a_record_is_read_as_it_was_written_and_stands_while_nothing_changes(made):
    assert read_record(made, "E1") == standing(made, "E1", "abc") and standing(made, "E1", "abc").finished


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: (run / "rendering/E1/page.html").write_text("<p>two</p>"),
        lambda run: (run / "rendering/E1/page.html").unlink(),
        lambda run: (run / "rendering/E1/page.html").write_bytes(b""),
    ],
)
def test_a_report_whose_file_is_altered_missing_or_torn_is_stale(made, spoil):
    spoil(made)
    assert standing(made, "E1", "abc").state == "stale"


def test_a_report_of_another_content_is_stale(made):
    assert standing(made, "E1", "abd").state == "stale"


@pytest.mark.parametrize("cut", [0, 1, 40, -2])
def test_a_record_cut_short_is_no_record(made, cut):
    path = record_path(made, "E1")
    path.write_bytes(path.read_bytes()[:cut])
    assert read_record(made, "E1") is None


def test_a_record_altered_by_hand_is_no_record(made):
    content = json.loads(record_path(made, "E1").read_text(encoding="utf-8"))
    record_path(made, "E1").write_text(json.dumps(content | {"state": "done-with-limits"}), encoding="utf-8")
    assert read_record(made, "E1") is None


def test_a_file_that_cannot_be_finished_leaves_the_old_one_and_no_remains(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "one.json", b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["one.json"]


def test_what_was_left_unfinished_is_swept_anywhere_and_nothing_else(tmp_path):
    for name in (".partial-a/b", "c/.partial-d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    write_whole(tmp_path / "whole", b"")
    assert {path.name for path in sweep(tmp_path)} == {".partial-a", ".partial-d"}
    assert {path.name for path in tmp_path.rglob("*")} == {"c", "whole"}


def test_a_moved_file_is_the_same_file(tmp_path):
    source = write_whole(tmp_path / "a" / "x", b"content")
    told = file_sha256(source)
    assert file_sha256(move_whole(source, tmp_path / "b" / "x")) == told and not source.exists()


def test_one_content_has_one_text_whatever_the_order_of_its_keys():
    assert canonical({"b": 1, "a": [2, "ä"]}) == canonical({"a": [2, "ä"], "b": 1}) == '{"a":[2,"ä"],"b":1}'.encode()


@pytest.mark.parametrize(
    "statuses, state",
    [
        (["estimated"], "done"),
        (["estimated", "not_available"], "done"),
        (["estimated", "not_estimable"], "done-with-limits"),
        (["estimated", "not_shown"], "done-with-limits"),
        (["not_shown", "not_shown"], "not-shown-small-n"),
    ],
)
def test_the_state_of_a_report_follows_from_its_outcomes(statuses, state):
    assert state_of_outcomes(statuses) == state


HOLD = """
import sys, time
from evaluation.runs.folder_lock import only_runner
with only_runner(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_runner_of_a_folder_is_refused_at_once_and_a_killed_one_leaves_no_lock(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ROOT})
    try:
        assert other.stdout.readline() == "held\n"
        began = time.monotonic()
        with pytest.raises(FolderInUse, match=f"process {other.pid} on"), only_runner(tmp_path):
            pass
        assert time.monotonic() - began < 1
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    with only_runner(tmp_path):
        assert (tmp_path / ".runner.json").is_file()


WORK = """
import sys, time
from evaluation.runs.folder_lock import at_work
with at_work(sys.argv[1]):
    print("at work", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def task_left_behind(folder: Path, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-c", WORK, str(folder), str(seconds)]
    left = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ROOT})
    assert left.stdout.readline() == "at work\n"
    left.stdout.close()
    return left


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_runner_waits_until_the_last_task_of_an_earlier_one_is_gone(tmp_path):
    tasks = [task_left_behind(tmp_path, seconds) for seconds in (0.2, 1.5)]
    with only_runner(tmp_path):
        assert [task.wait(0.2) for task in tasks] == [0, 0]


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_task_that_does_not_end_is_named_and_one_that_is_killed_holds_nothing(tmp_path):
    task = task_left_behind(tmp_path, 60)
    try:
        with pytest.raises(FolderInUse, match="free of tasks of an earlier runner"):
            wait_for_tasks(tmp_path, 0.2)
    finally:
        task.kill()
        task.wait()
    wait_for_tasks(tmp_path, 0.2)


def test_sweeping_is_not_stopped_by_what_goes_while_it_looks(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name / ".partial-x").mkdir(parents=True)
    walk = os.walk

    def slow(folder):
        for place in walk(folder):
            yield place
            shutil.rmtree(tmp_path / "b", ignore_errors=True)

    monkeypatch.setattr(files.os, "walk", slow)
    assert [path.parent.name for path in sweep(tmp_path)] == ["a"]


def test_a_folder_is_free_again_after_a_fault(tmp_path):
    with pytest.raises(ZeroDivisionError), only_runner(tmp_path):
        raise ZeroDivisionError
    with only_runner(tmp_path):
        pass
