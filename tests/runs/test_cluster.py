"""A real Dask scheduler with two workers on loopback: the same ends as with processes, a killed worker loses nothing, nothing is left running."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.loopback import Cluster
from evaluation.errors import EvaluationError
from evaluation.runs import cluster
from evaluation.runs.cluster import run_on_cluster
from evaluation.runs.records import standing
from evaluation.runs.runner import Ended, Limits, Stop
from tests.runs import kill_batch, work

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


def ended(two, function, tasks, **options) -> dict[str, Ended]:
    return {end.name: end for end in run_on_cluster(function, tasks, scheduler=two.address, **options)}


def test_tasks_run_in_fresh_processes_of_their_own_with_one_thread_each(two, tmp_path):
    found = ended(two, work.tells_process, [(name, (str(tmp_path),)) for name in "abcd"], folder=tmp_path)
    assert [end.state for end in found.values()] == ["done"] * 4 and {end.result["threads"] for end in found.values()} == {"1"}
    assert len({end.result["pid"] for end in found.values()}) == 4 == len(list(tmp_path.glob("told-*")))


@pytest.mark.parametrize(
    "kind, state", [("data", "failed-data"), ("model", "failed-model"), ("secret", "failed-system"), ("memory", "failed-system")]
)
def test_a_task_that_fails_has_the_state_it_has_without_a_cluster_and_shows_no_value(two, kind, state):
    found = ended(two, work.raises, [("one", (kind,))])
    assert found["one"].state == state and "F0012345" not in found["one"].fault


def test_a_task_that_hangs_is_timed_out_and_one_killed_once_is_begun_again(two, tmp_path):
    for name in ("hangs", "killed"):
        (tmp_path / name).mkdir()
    assert ended(two, work.hangs, [("one", (str(tmp_path / "hangs"),))], limits=Limits(seconds=2))["one"].state == "timed-out"
    assert ended(two, work.killed, [("one", (str(tmp_path / "killed"), 1))])["one"].result == {"tries": 2}


def test_a_stop_ends_what_is_under_way_on_the_workers(two, tmp_path):
    stop = Stop()
    threading.Thread(target=lambda: (first_in(tmp_path), stop.event.set())).start()
    found = ended(two, work.hangs, [(name, (str(tmp_path),)) for name in "abcdef"], stop=stop)
    assert {end.state for end in found.values()} == {"cancelled"} and len(found) == 6
    until = time.monotonic() + 20
    while (alive := [path.name for path in tmp_path.iterdir() if psutil.pid_exists(int(path.name))]) and time.monotonic() < until:
        time.sleep(0.1)
    assert alive == []


def first_in(folder: Path) -> None:
    until = time.monotonic() + 60
    while not list(folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)


def test_a_worker_with_other_code_or_without_the_folder_makes_nothing(two, tmp_path, monkeypatch):
    there = ended(two, work.double, [("one", (1,))], folder=tmp_path / "not there")
    assert there["one"].state == "failed-system" and "that all machines share" in there["one"].fault
    monkeypatch.setattr(cluster, "own_code", lambda: "other")
    found = ended(two, work.double, [("one", (1,))])
    assert found["one"].state == "failed-system" and "another version" in found["one"].fault


def test_a_scheduler_that_does_not_answer_is_told_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECTING", 1.0)
    with pytest.raises(EvaluationError, match="none answers at tcp://127.0.0.1:9"):
        list(run_on_cluster(work.double, [("one", (1,))], scheduler="tcp://127.0.0.1:9"))


def test_a_killed_worker_loses_and_tears_nothing(two, tmp_path):
    n, victim = 12, two.workers[0]
    threading.Thread(target=lambda: (third_of(tmp_path / "begun", n), victim.kill())).start()
    tasks = [(f"T{number}", (str(tmp_path), f"T{number}")) for number in range(n)]
    found = ended(two, kill_batch.task, tasks, folder=tmp_path)
    assert victim.wait(5) == -9 and {end.state for end in found.values()} == {"done"} and len(found) == n
    assert [standing(tmp_path, name, "content").state for name, _ in tasks] == ["done"] * n
    files = list((tmp_path / "rendering").glob("T*/*.bin"))
    assert len(files) == 2 * n and all(path.read_bytes() == kill_batch.content_of(path.parent.name, int(path.stem)) for path in files)
    assert len(list((tmp_path / "begun").iterdir())) <= n + 1  # one redo for one kill
    two.workers.remove(victim)


def third_of(folder: Path, n: int) -> None:
    until = time.monotonic() + 60
    while not (folder.is_dir() and len(list(folder.iterdir())) > n / 3) and time.monotonic() < until:
        time.sleep(0.02)
