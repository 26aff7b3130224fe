"""Work shared out over forks: the same results in the same order, faults in their place, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from evaluation.errors import EstimationError
from evaluation.runs.forks import ForkDied, in_forks

HELD = np.arange(10_000.0)  # forks have it without its being sent


def test_results_come_in_the_order_of_the_items_whoever_is_quick():
    def work(item: int) -> tuple[int, float]:
        time.sleep(0.02 * (item % 3))
        return item, float(HELD[item:].sum())

    found = in_forks(work, range(9), workers=3)
    assert found == [(item, float(HELD[item:].sum())) for item in range(9)] == in_forks(work, range(9), workers=1)
    assert in_forks(work, [], workers=3) == []


def test_the_work_is_done_in_other_processes_that_are_gone_afterwards():
    pids = set(in_forks(lambda item: (time.sleep(0.05), os.getpid())[1], range(6), workers=2))
    assert len(pids) == 2 and os.getpid() not in pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert set(in_forks(lambda item: os.getpid(), range(6), workers=1)) == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_stands_in_the_place_of_its_result_and_stops_no_other(workers):
    def work(item: int) -> int:
        if item == 1:
            raise EstimationError("One council has nobody to compare with. Name another.")
        return 10 * item

    first, fault, *others = in_forks(work, range(4), workers=workers)
    assert (first, others) == (0, [20, 30])
    assert isinstance(fault, EstimationError) and str(fault).startswith("One council")


class Awkward(Exception):
    def __init__(self, words: str):
        super().__init__(words)
        self.held = lambda: words  # goes through no pickle


def test_a_fault_that_does_not_go_through_pickle_is_told_by_its_kind():
    def work(item: int) -> int:
        raise Awkward("one")

    found = in_forks(work, range(2), workers=2)
    assert [str(fault) for fault in found] == ["Awkward", "Awkward"]


def test_a_fork_that_is_killed_is_told_with_what_to_do():
    def work(item: int) -> int:
        if item == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(ForkDied, match="SIGKILL, as happens when memory runs out.*--workers 1"):
        in_forks(work, range(4), workers=2)
    assert {child.pid for child in psutil.Process().children()} <= before


ORPHANS = """
import os, sys, time
from evaluation.runs.forks import in_forks
def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)
in_forks(work, range(2), workers=2)
"""


def test_forks_end_when_their_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True)
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    until = time.monotonic() + 5
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)
