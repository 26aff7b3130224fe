"""batch.html: every report with its state, failures first, and how to go on."""

from __future__ import annotations

import re

import pytest

from evaluation.pipeline.batch_page import write_batch_page
from evaluation.pipeline.run import RunSummary
from evaluation.runs.records import DoneRecord
from evaluation.runs.states import FINISHED, STATES, WORDS


def page_of(folder, states) -> str:
    """The page of a batch whose reports ended so."""
    records = {}
    for number, state in enumerate(states):
        code = f"E0600000{number}"
        fault = "" if state in FINISHED else f"reason <{state}> & more"
        files = {f"rendering/{code}/one two.html": "0" * 64} if state in FINISHED else {}
        records[code] = DoneRecord(name=code, state=state, fault=fault, files=files, seconds=1.5, tries=number + 1)
        records[code].write(folder)
    return write_batch_page(folder, RunSummary.of(folder, records)).read_text(encoding="utf-8")


def test_every_state_has_its_words_and_failures_come_first(tmp_path):
    page = page_of(tmp_path / "batch-1", STATES)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", page)
    assert len(rows) == len(STATES) == 9 and "9 reports." in page
    assert [next(state for state in STATES if f">{WORDS[state]}<" in row) for row in rows] == list(reversed(STATES))
    assert all("reason &lt;" in row and "<a " not in row for row in rows[:6])
    assert all("release/councils/E0600000" in row and "one%20two.html" in row and "reason" not in row for row in rows[6:])
    assert [re.findall(r">(\d)<", row)[-1] for row in rows] == ["9", "8", "7", "6", "5", "4", "3", "2", "1"]  # tries


@pytest.mark.parametrize("states, asks", [(FINISHED, False), (("done", "cancelled"), True)])
def test_it_says_how_to_go_on_only_where_something_is_missing(tmp_path, states, asks):
    page = page_of(tmp_path / "batch-1", states)
    assert ("--resume" in page) == asks and "stays inside" in page
