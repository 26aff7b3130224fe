"""The same bytes whatever the machine does, and no door to the network while they are made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

import evaluation
from benchmarks.batch import below, plan_of, start
from benchmarks.determinism import matrix, settings
from tests.pipeline.test_batch import light

ROOT = Path(evaluation.__file__).parents[1]
FAMILIES = {"E06000022": 120, "E06000017": 20}

# Python reads sitecustomize.py in every process that it starts, runner and server of processes; workers and kernels are forked with what it did.
WATCH = """
import os, socket, sys
def look(event, given):
    if event == "socket.__new__" and given[1] in (socket.AF_INET, socket.AF_INET6) or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.path.join(os.environ["WATCHED"], f"socket-{os.getpid()}"), "a") as file:
            file.write(event + " of " + " ".join(sys.argv[:3]) + "\\n")
def note():
    open(os.path.join(os.environ["WATCHED"], f"process-{os.getpid()}"), "w").close()
note()
os.register_at_fork(after_in_child=note)
sys.addaudithook(look)
"""


def light_of_few(plan: dict) -> None:
    light(plan)
    plan["data"]["families"] = dict(FAMILIES)


def test_twenty_settings_cover_every_pair_of_threads_and_workers_and_end_as_they_began():
    made = settings(20)
    assert {(one.threads, one.workers) for one in made} == {(t, w) for t in (1, 2, 3, 4) for w in (1, 2, 3, 4)}
    assert (made[0].order, made[-1].order) == (0, 0) and len({one.order for one in made}) == 19


def test_other_threads_workers_orders_of_rows_clock_and_locale_give_the_same_bytes(tmp_path):
    found = matrix(tmp_path, runs=2, families=FAMILIES, change=light_of_few)
    assert found["files"] == {".json": 3, ".html": 4, ".pdf": 2, ".ods": 2, ".xlsx": 2} and found["differing"] == {}


def watched(folder: Path) -> dict[str, str]:
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {"WATCHED": str(folder), "PYTHONPATH": f"{folder / 'site'}{os.pathsep}{ROOT}"}


def doors(folder: Path, process: subprocess.Popen) -> list[str]:
    """Internet sockets that a process and all it started open, by Python's own account and, for libraries in C, by the system's."""
    found = set()
    while process.poll() is None:
        for one in (psutil.Process(process.pid), *below(process.pid)):
            try:
                found |= {f"{place.laddr} of {one.name()}" for place in one.net_connections(kind="inet")}
            except psutil.Error:
                continue
        time.sleep(0.05)
    return [*found, *(path.read_text() for path in folder.glob("socket-*"))]


def test_the_watch_sees_a_socket_of_python_and_one_of_a_library(tmp_path):
    python = "import socket, time; socket.socket(socket.AF_INET)"
    library = "import zmq, time; s = zmq.Context().socket(zmq.REP); s.bind('tcp://127.0.0.1:*'); time.sleep(3)"
    for number, code in enumerate((python, library)):
        folder = tmp_path / str(number)
        told = os.environ | watched(folder)
        assert doors(folder, subprocess.Popen([sys.executable, "-c", code], env=told)), code


def test_a_batch_opens_no_door_to_the_network(tmp_path):
    told = watched(tmp_path / "watch")
    plan = plan_of(tmp_path, FAMILIES, study="closed", change=light_of_few)
    runner = start(plan, tmp_path / "runs", workers=2, resume=False, environment=told)
    found = doors(tmp_path / "watch", runner)
    assert runner.communicate()[1] == "" and runner.returncode == 0 and found == []
    assert len(list((tmp_path / "watch").glob("process-*"))) >= 6  # runner, server, two workers and two kernels
    (run,) = (tmp_path / "runs" / "closed").iterdir()
    assert json.loads((run / "release" / "audit.json").read_text(encoding="utf-8"))["held"] == []
