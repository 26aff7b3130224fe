"""Kernels of reports: forked from their task with everything imported, and as fresh as kernels started by name."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import psutil
import pytest

from evaluation.runs.forked_kernel import waiting_kernel
from evaluation.runs.processes import end_server
from evaluation.runs.runner import Limits, run_tasks
from tests.runs import work

pytestmark = pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")

TELL = """
import json, os, sys
mine = {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}
print(json.dumps({
    "pid": os.getpid(), "parent": os.getppid(), "leads": os.getsid(0) == os.getpid(), "mark": hasattr(os, "mark"), "seed": sys.flags.hash_randomization,
    "libraries": [name in sys.modules for name in ("matplotlib.figure", "evaluation.reporting.council")],
    "files": [path for path in mine.values() if path.startswith(code)], "threads": os.environ["OMP_NUM_THREADS"],
    "place": sys.path, "input": mine["0"],
}))
os.mark = 1
"""


def ended(folder: Path, codes: list[str], **limits) -> list:
    tasks = [(str(number), (str(folder), code)) for number, code in enumerate(codes)]
    return sorted(run_tasks(work.in_a_kernel, tasks, workers=1, limits=Limits(**limits), folder=folder), key=lambda end: end.name)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> list[tuple[int, dict]]:
    """Two tasks, one after the other: the number of each, and what its kernel says of itself."""
    end_server()  # one that other tests began may have imported less
    ends = ended(tmp_path_factory.mktemp("kernels"), [TELL, TELL])
    assert [end.state for end in ends] == ["done", "done"], ends
    return [(end.result["pid"], json.loads(end.result["printed"])) for end in ends]


def test_each_task_has_a_kernel_of_its_own_that_it_forked_ready_to_work(told):
    assert len({pid for pid, _ in told} | {one["pid"] for _, one in told}) == 4
    for pid, one in told:
        assert one["parent"] == pid and one["leads"] and one["libraries"] == [True, True]


def test_a_kernel_has_nothing_of_the_one_before_it_nor_a_file_of_its_task(told):
    for _, one in told:
        assert not one["mark"] and one["files"] == [] and one["input"] == os.devnull


def test_a_forked_kernel_works_as_one_started_by_name(told, tmp_path):
    named = json.loads(work.in_a_kernel(str(tmp_path), TELL)["printed"])
    assert named["libraries"] == [False, False] and named["parent"] == os.getpid()
    for _, one in told:
        assert os.getcwd() not in (*one["place"], *named["place"])  # nothing that lies there is imported by chance
        assert all(one[name] == named[name] for name in ("threads", "seed"))


def test_a_forked_kernel_that_dies_is_told_apart(tmp_path):
    (end,) = ended(tmp_path, ["import os; os._exit(1)"], tries=1)
    assert end.state == "failed-system" and "its process" not in end.fault


def test_a_fault_in_a_cell_is_told_as_ever(tmp_path):
    (end,) = ended(tmp_path, ["raise KeyError('F0012345')"])
    assert end.state == "failed-system" and "code cell 2 raised KeyError." in end.fault and "F0012345" not in end.fault


@pytest.mark.parametrize(("end", "state"), [("time.sleep(600)", "timed-out"), ("os.kill(os.getppid(), 9); time.sleep(600)", "failed-system")])
def test_a_kernel_goes_with_its_task_however_that_ends(tmp_path, end, state):
    told = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); {end}"
    (found,) = ended(tmp_path, [told], seconds=8 if state == "timed-out" else 120, tries=1)
    pid, until = int((tmp_path / "pid").read_text()), time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert found.state == state and not psutil.pid_exists(pid)


def test_a_process_that_is_no_task_forks_no_kernel():
    with waiting_kernel() as waiting:
        assert waiting is None
