"""docs/linkage.md: its commands run as they are printed, and its tables are those of the stored results."""
from __future__ import annotations

import json
import re
import runpy
import shlex
import sys

import pytest

from benchmarks.coverage.pages import filled
from benchmarks.linkage import PEOPLE, PRECISION, RECALL, RECORDS, THRESHOLD, WORLDS, blocks
from evaluation import cli
from evaluation.locations import project_file


@pytest.fixture
def page():
    return project_file("docs/linkage.md").read_text(encoding="utf-8")


@pytest.fixture
def stored():
    return json.loads(project_file("docs/results/linkage.json").read_text(encoding="utf-8"))


def test_the_commands_run_as_they_are_printed(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for line in re.search("```sh\n(.*?)```", page, re.DOTALL)[1].splitlines():
        program, *words = shlex.split(line)
        monkeypatch.setattr(sys, "argv", words[1:] if program == "python" else [program, *words])
        if program == "python":
            runpy.run_module(words[1], run_name="__main__")
        else:
            with pytest.raises(SystemExit) as end:
                cli.main()
            assert not end.value.code, capsys.readouterr().err
    written = {path.name for path in (tmp_path / "room" / "linked").iterdir()}
    assert written == {"links.parquet", "matches.parquet", "link_rates.csv", "threshold_police.csv", "model.csv", "linkage.json"}
    assert all(name.replace("police", "<source>") in page for name in written)


def test_the_page_shows_the_stored_results(page, stored):
    assert filled(page, blocks(stored)) == page


def test_stored_results_are_of_the_whole_benchmark_and_hold_what_is_promised(stored):
    assert (stored["people"], stored["records"], stored["threshold"]) == (PEOPLE, RECORDS, THRESHOLD)
    assert {(row["world"], row["numbers"]) for row in stored["quality"]} == {("alike", True), *((name, False) for name in WORLDS)}
    (row,) = (row for row in stored["quality"] if row["numbers"] and row["threshold"] == THRESHOLD)
    assert row["precision"] >= PRECISION and row["recall"] >= RECALL


def test_the_threshold_of_the_benchmark_is_that_of_the_command():
    default = next(option for option in cli.link_app.registered_commands if option.name == "records").callback.__defaults__
    assert THRESHOLD in default
