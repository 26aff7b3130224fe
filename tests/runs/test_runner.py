"""Tasks in processes of their own: every bad end has its state, stops no other, shows no value, and leaves nothing running."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from evaluation.runs.runner import Ended, Limits, Stop, run_tasks
from tests.runs import work


def ended(function, tasks, workers=2, **options) -> dict[str, Ended]:
    return {end.name: end for end in run_tasks(function, tasks, workers=workers, **options)}


def is_gone(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_every_task_ends_with_its_own_record_and_one_named_twice_is_run_once():
    found = list(run_tasks(work.double, [("a", (1,)), ("b", (2,)), ("a", (1,))], workers=2))
    assert sorted((end.name, end.state, end.result["twice"]) for end in found) == [("a", "done", 2), ("b", "done", 4)]


@pytest.mark.parametrize(
    "kind, state, words",
    [
        ("data", "failed-data", "attendance must be there"),
        ("model", "failed-model", "nothing to estimate"),
        ("report", "failed-system", "a block is missing"),
        ("secret", "failed-system", "a fault of this program (KeyError)"),
        ("disk", "failed-system", "the system refused a file (No space left on device)"),
        ("memory", "failed-system", "it needed more memory than its limit; allow more by --memory"),
    ],
)
def test_a_task_that_fails_has_the_state_of_its_fault_and_shows_no_value(kind, state, words):
    (end,) = run_tasks(work.raises, [("one", (kind,))], workers=1)
    assert (end.state, end.fault, end.result, end.tries) == (state, words, None, 1)


def test_a_task_whose_process_is_killed_is_begun_once_more(tmp_path):
    (end,) = run_tasks(work.killed, [("one", (str(tmp_path), 1))], workers=1)
    assert (end.state, end.result, end.tries) == ("done", {"tries": 2}, 2)


def test_a_task_that_is_killed_each_time_is_given_up_and_stops_no_other(tmp_path):
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
    found = ended(work.killed, [("bad", (str(tmp_path / "bad"), 9)), ("good", (str(tmp_path / "good"), 0))])
    assert found["bad"].state == "failed-system" and "SIGKILL" in found["bad"].fault and found["bad"].tries == 2
    assert found["good"].state == "done" and len(list((tmp_path / "bad").iterdir())) == 2


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes where Linux lists them")
def test_a_task_whose_server_was_killed_is_gone_before_it_is_begun_again_and_is_not_blamed(tmp_path):
    thread = threading.Thread(target=kill_the_server_of_each_new_task, args=(tmp_path, 2))
    thread.start()
    (end,) = run_tasks(work.told_of, [("one", (str(tmp_path), 3.0))], workers=1)
    thread.join()
    began, ended = (sorted(tmp_path.glob(f"{word}-*")) for word in ("began", "ended"))
    assert (end.state, end.tries) == ("done", 1) and len(began) == 3  # its own two tries would be used up
    assert [path.name for path in ended] == [f"ended-{end.result['pid']}"]  # the others were killed, not left to work on


def kill_the_server_of_each_new_task(folder: Path, times: int) -> None:
    seen: set[str] = set()
    while len(seen) < times:
        for path in folder.glob("began-*"):
            if path.name not in seen:
                seen.add(path.name)
                psutil.Process(int(path.name.split("-")[1])).parent().kill()
        time.sleep(0.02)


def test_a_report_whose_kernel_died_is_begun_once_more():
    (end,) = run_tasks(work.raises, [("one", ("kernel",))], workers=1)
    assert (end.state, end.tries, end.result) == ("failed-system", 2, None)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes where Linux lists them")
def test_a_task_that_hangs_is_stopped_with_all_that_it_started(tmp_path):
    (end,) = run_tasks(work.hangs, [("one", (str(tmp_path),))], workers=1, limits=Limits(seconds=3))
    assert end.state == "timed-out" and "longer than 3 seconds" in end.fault
    (child,) = (int(path.name) for path in tmp_path.iterdir())
    assert is_gone(child)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the limit is one of Linux")
def test_a_task_that_takes_more_memory_than_its_limit_fails_by_name():
    found = ended(work.takes_much, [("little", (1_000,)), ("much", (3_000_000_000,))], limits=Limits(memory=1_000_000_000))
    assert found["little"].result == {"size": 1_000}
    assert found["much"].state == "failed-system" and "memory" in found["much"].fault


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes where Linux lists them")
def test_a_stop_ends_what_is_under_way_begins_nothing_more_and_names_all_that_is_left(tmp_path):
    stop, began = Stop(), time.monotonic()
    tasks = [(name, (str(tmp_path / name),)) for name in ("a", "b", "c")]
    for _, (folder,) in tasks:
        Path(folder).mkdir()
    ends = run_tasks(work.hangs, tasks, workers=1, stop=stop, limits=Limits(seconds=60))
    threading.Thread(target=lambda: (wait_for(tmp_path / "a"), stop.event.set())).start()
    found = {end.name: end.state for end in ends}
    assert found == dict.fromkeys("abc", "cancelled") and time.monotonic() - began < 30
    (child,) = (int(path.name) for path in (tmp_path / "a").iterdir())
    assert is_gone(child) and not list((tmp_path / "b").iterdir())


def wait_for(folder: Path) -> None:
    until = time.monotonic() + 20
    while not list(folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)


def test_tasks_work_with_one_thread_each_and_the_runner_keeps_its_own_number(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    (end,) = run_tasks(work.tells_threads, [("one", ())], workers=1)
    assert end.result == {"threads": "1"} and os.environ["OPENBLAS_NUM_THREADS"] == "2"


def test_what_every_report_needs_is_there_when_its_process_begins():
    (end,) = run_tasks(work.tells_what_is_ready, [("one", ())], workers=1)
    assert end.result == {"papermill": True, "typst": True, "openpyxl": True, "typefaces": 2, "network": False}


EARLY = """
import psutil
from evaluation.runs.runner import make_ready, run_tasks
from tests.runs import work
def below():
    return {one.pid for one in psutil.Process().children()}
make_ready(work.double)
early = below()
(end,) = run_tasks(work.double, [("a", (1,))], workers=1)
print(len(early) > 0, below() == early, end.result)
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")
def test_the_server_of_processes_is_there_before_there_is_work_for_it():
    root = str(Path(__file__).parents[2])
    told = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, cwd=root, env=os.environ | {"PYTHONPATH": root})
    assert told.stdout.strip() == "True True {'twice': 2}", told.stderr


def test_no_task_starts_no_process():
    assert list(run_tasks(work.double, [], workers=4)) == []
