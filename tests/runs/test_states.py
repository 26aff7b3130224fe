"""The nine states: each is told in words, stands in the docs, and is reached by something that can happen."""

from __future__ import annotations

from typing import get_args

import pytest

from evaluation.errors import CommonSupportError, ContractError, DictionaryError, EstimationError, LinkageError, PlanError, ReportError
from evaluation.locations import project_file
from evaluation.pipeline.run import RunSummary
from evaluation.runs.files import hashes_of, write_whole
from evaluation.runs.records import DoneRecord, standing
from evaluation.runs.runner import Stop, run_tasks
from evaluation.runs.states import FINISHED, STATES, WORDS, State, state_of_fault, state_of_outcomes
from tests.run_faults.corpus import FAULTS
from tests.runs import work

ASKED = ("done", "done-with-limits", "not-shown-small-n", "failed-data", "failed-model", "failed-system", "timed-out", "cancelled", "stale")


def test_there_are_nine_states_each_with_words_and_a_line_in_the_docs():
    rows = [line.split("|")[1] for line in project_file("docs/runs.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    in_docs = {name.strip() for row in rows for name in row.split(",")}
    assert STATES == get_args(State) == ASKED and set(WORDS) == set(ASKED) <= in_docs
    assert FINISHED == ASKED[:3]


def test_each_state_is_the_end_of_something_that_can_happen(tmp_path):
    reached = {state_of_outcomes(statuses) for statuses in (["estimated"], ["estimated", "not_shown"], ["not_shown"])}
    reached |= {state_of_fault(fault) for fault in (PlanError("x"), EstimationError("x"), KeyError("x"), ReportError("x", cause="time"))}
    stop = Stop()
    stop.event.set()
    reached |= {end.state for end in run_tasks(work.double, [("one", (1,))], workers=1, stop=stop)}
    page = write_whole(tmp_path / "rendering" / "E1" / "page.html", b"<p>one</p>")
    DoneRecord(name="E1", state="done", made_from="abc", files=hashes_of([page], tmp_path)).write(tmp_path)
    reached.add(standing(tmp_path, "E1", "another content").state)
    assert reached == set(ASKED)
    assert {fault.end for fault in FAULTS} >= set(ASKED)  # and of a fault that `make run-faults` brings about


@pytest.mark.parametrize("kind", [ContractError, DictionaryError, LinkageError, PlanError])
def test_what_the_data_do_not_allow_is_no_fault_of_the_machine(kind):
    assert state_of_fault(kind("x")) == "failed-data"


@pytest.mark.parametrize("kind", [EstimationError, CommonSupportError])
def test_what_cannot_be_estimated_is_a_fault_of_the_model(kind):
    assert state_of_fault(kind("x")) == "failed-model"


@pytest.mark.parametrize(
    "states, code",
    [
        (ASKED[:3], 0),
        (("done", "failed-data"), 1),
        (("done", "failed-model"), 1),
        (("done", "failed-system"), 1),
        (("done", "timed-out"), 1),
        (("done", "stale"), 1),
        (("failed-system", "cancelled"), 130),
    ],
)
def test_the_exit_code_is_0_only_where_every_report_is_there(tmp_path, states, code):
    records = {f"E{number}": DoneRecord(name=f"E{number}", state=state) for number, state in enumerate(states)}
    assert RunSummary.of(tmp_path, records).exit_code == code
