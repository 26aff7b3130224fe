"""The faults of a run that take a second or two; `make run-faults` tries all forty."""

from __future__ import annotations

import dataclasses

import pytest

from evaluation.runs.states import STATES
from tests.run_faults.case import ENDS, VICTIM, Tried, complaints_about, try_fault
from tests.run_faults.corpus import FAULTS

QUICK = [fault for fault in FAULTS if fault.quick]


def test_there_are_forty_faults_and_among_their_ends_every_state_of_a_report():
    assert [fault.number for fault in FAULTS] == list(range(1, 41)) and {fault.end for fault in FAULTS} == set(ENDS) > set(STATES)


@pytest.mark.parametrize("fault", QUICK, ids=lambda fault: f"{fault.number} {fault.title}")
def test_a_fault_ends_as_it_must_and_the_others_finish(fault, tmp_path):
    assert try_fault(fault, tmp_path) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"states": {VICTIM: "done", "E06000030": "done", "E06000017": "done"}},
        {"states": {VICTIM: "failed-system", "E06000030": "cancelled", "E06000017": "done"}},
        {"states": {VICTIM: "failed-system", "E06000030": "done"}},
        {"said": "it ended"},
        {"said": "SIGKILL while F0012345 was read"},
        {"complaints": ("no process left",)},
    ],
)
def test_another_end_a_lost_neighbour_silence_a_shown_value_and_a_broken_promise_are_found(wrong):
    right = Tried(states={VICTIM: "failed-system", "E06000030": "done", "E06000017": "done"}, said="ended by SIGKILL")
    assert complaints_about(FAULTS[0], right) == [] and len(complaints_about(FAULTS[0], dataclasses.replace(right, **wrong))) == 1
