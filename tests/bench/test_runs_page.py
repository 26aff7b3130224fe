"""The measured part of docs/runs.md is made from stored results; nothing is typed in."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.runs_page import DOCS, many_machines, section, with_section

SCALE = {
    "councils": 150,
    "families": 100_000,
    "workers": 2,
    "exit_code": 0,
    "states": {"done": 140, "not-shown-small-n": 10},
    "seconds": 1500,
    "steps": {"rows received": 60.0, "estimated": 100.0, "every outcome of 150 report(s) estimated": 200.0, "worded and protected": 250.0},
    "seconds_a_report": 10.0,
    "most_memory_gb_all_processes": 4.0,
}
SCALING = {
    "reports": 24,
    "processors": 2,
    "ways": {
        name: {"seconds": seconds, "finished": 24, "exit_code": 0, "same_bytes": True}
        for name, seconds in (("1 worker", 200.0), ("2 workers", 100.0))
    },
}


def test_the_page_says_what_is_stored():
    text = (DOCS / "runs.md").read_text(encoding="utf-8")
    assert with_section(text, DOCS / "results") == text


def test_the_arithmetic_can_be_done_by_hand():
    # 150 s for words of 150 councils with 7 outcomes: 4/7 s a council with 4, so 100 + 150 x 4/7 = 185.7 s = 3.1 minutes for a cohort, all at once;
    # 1,800 reports of 10 s on 40 workers at full speed: 45 each, 450 s = 7.5 minutes; 10.6 in all.
    # One machine: 12 x 185.7 s + 1,800 x 10 s / 2 = 3.1 h
    told = many_machines(SCALE, SCALING)
    assert "3.1 minutes" in told and "7.5 minutes" in told and "11 minutes, against 3.1 hours" in told and "0.6 s a council" in told


def test_what_was_not_measured_is_said_and_a_slow_run_is_not_called_fast(tmp_path: Path):
    assert section(tmp_path).count("Not measured yet") == 4
    (tmp_path / "runs_scale.json").write_text(json.dumps(SCALE), encoding="utf-8")
    assert "25.0 minutes (within the 25" in section(tmp_path) and section(tmp_path).count("Not measured yet") == 3
    (tmp_path / "runs_scale.json").write_text(json.dumps(SCALE | {"seconds": 1600}), encoding="utf-8")
    assert "(over the 25" in section(tmp_path)
