"""Many reports at the same time: each ends for itself, and a fault is told without a value."""

from __future__ import annotations

import operator
import os

from evaluation.runs.batch import run_all


def test_a_task_that_fails_stops_no_other_and_shows_no_value():
    done = {end.name: end for end in run_all(operator.getitem, [("good", ({"a": 7}, "a")), ("bad", ({}, "F0012345"))], workers=2)}
    assert done["good"].result == 7 and not done["good"].fault
    assert done["bad"].fault == "a fault of this program (KeyError)" and done["bad"].result is None


def test_a_process_that_dies_is_told_with_what_to_do():
    (end,) = run_all(os._exit, [("dead", (3,))], workers=1)
    assert "--workers 1" in end.fault


def test_no_task_starts_no_process():
    assert list(run_all(operator.add, [], workers=4)) == []
