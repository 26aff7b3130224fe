"""Runners, servers and workers killed at random moments: nothing torn, nothing lost, at most one redo a kill and worker, nothing left running."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import evaluation
from evaluation.runs.records import standing
from tests.runs.kill_batch import content_of

ROOT = Path(evaluation.__file__).parents[1]
WORKERS = 2


def start(folder: Path, n: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.runs.kill_batch", str(folder), str(n), str(WORKERS)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)})


def family_of(runner: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(runner.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def torn(folder: Path) -> list[str]:
    """Files under their final names that are not whole, and records that describe something else than what lies there."""
    files = [path for path in (folder / "rendering").glob("T*/*.bin") if path.read_bytes() != content_of(path.parent.name, int(path.stem))]
    records = [path for path in (folder / "done").glob("*.json") if standing(folder, path.stem, "content").state != "done"]
    return [path.as_posix() for path in (*files, *records)]


def batch_under_kills(folder: Path, *, n_kills: int, n: int, seed: int) -> tuple[dict[str, int], list[psutil.Process]]:
    """Kill at random until enough, going on each time; gives kills by kind and every process that was ever seen."""
    rng, kills, seen, runner = random.Random(seed), {"runner": 0, "other": 0}, {}, start(folder, n)
    while sum(kills.values()) < n_kills and not (runner.poll() == 0):
        time.sleep(rng.uniform(0.0, 0.4))
        family = family_of(runner)
        seen |= {one.pid: one for one in family}
        if not family:
            runner = start(folder, n) if runner.poll() not in (None, 0) else runner
            continue
        victim = runner.pid if rng.random() < 0.4 else rng.choice(family).pid
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills["runner" if victim == runner.pid else "other"] += 1
        if victim == runner.pid:
            runner.wait()
            assert torn(folder) == []
            runner = start(folder, n)
    while runner.wait() != 0:
        runner = start(folder, n)
    return kills, list(seen.values())


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_task_killed_as_often_as_it_is_tried_is_told_by_the_exit_code_and_made_by_the_next_runner(tmp_path):
    runner, killed = start(tmp_path, 1), set()
    while runner.poll() is None:
        for one in family_of(runner):
            if one.pid not in killed and list((tmp_path / "begun").glob("*")) and leads_a_session(one):
                killed.add(one.pid)
                one.kill()
        time.sleep(0.01)
    assert runner.returncode == 1 and len(killed) == 2 and not list((tmp_path / "done").glob("*.json"))
    assert start(tmp_path, 1).wait() == 0 and len(list((tmp_path / "done").glob("*.json"))) == 1


def leads_a_session(process: psutil.Process) -> bool:
    """Whether a process is a task."""
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("n_kills", [12, pytest.param(100, marks=pytest.mark.kills)])
def test_killed_batches_lose_tear_and_repeat_nothing_more_than_they_must(tmp_path, n_kills):
    n, kills, rounds, begun = 30, {"runner": 0, "other": 0}, 0, 0
    while sum(kills.values()) < n_kills:
        folder = tmp_path / str(rounds)
        folder.mkdir()
        found, seen = batch_under_kills(folder, n_kills=n_kills - sum(kills.values()), n=n, seed=rounds)
        kills, rounds = {kind: kills[kind] + found[kind] for kind in kills}, rounds + 1
        begun += len(list((folder / "begun").iterdir())) - n
        assert torn(folder) == [] and len(list((folder / "done").glob("*.json"))) == n and not list(folder.rglob(".partial*"))
        until = time.monotonic() + 5
        while any(map(alive, seen)) and time.monotonic() < until:
            time.sleep(0.1)
        assert not [one for one in seen if alive(one)]
        stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
        assert start(folder, n).wait() == 0 and (folder / "to_do").read_text() == "0"
        assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    print(f"{kills} in {rounds} rounds of {n}: {begun} tasks begun again")
    assert begun <= WORKERS * sum(kills.values())
