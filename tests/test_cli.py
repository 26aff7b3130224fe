"""The command line as a user meets it: help at once, exit codes, and messages on the right stream."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import evaluation
from evaluation import cli
from evaluation.locations import project_file
from evaluation.pipeline.run import RunSummary
from tests.pipeline.conftest import small_plan

STUDIES = sorted(project_file("studies").glob("*/*.yml"))
HEAVY = ("numpy", "pandas", "duckdb", "scipy", "matplotlib", "statsmodels", "linearmodels", "sklearn", "papermill", "typst", "pikepdf", "pyarrow")
COMMANDS = ("plan", "check", "simulate", "run", "report", "pack")


def process(*arguments: object) -> subprocess.CompletedProcess:
    """The command line in a process of its own."""
    path = os.pathsep.join(filter(None, (str(Path(evaluation.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=120, check=False
    )


@pytest.fixture
def ended(monkeypatch):
    """Run a command in this process; gives its exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["evaluation", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0

    return run


def test_help_loads_no_heavy_library():
    code = f"import sys, evaluation.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert process("-c", code).stdout.strip() == "[]"


def test_help_names_every_command():
    told = process("-m", "evaluation.cli", "--help")
    assert told.returncode == 0 and all(f" {name} " in told.stdout for name in COMMANDS)


def test_a_fault_that_can_be_mended_goes_to_stderr_with_exit_code_2_and_no_traceback(tmp_path):
    told = process("-m", "evaluation.cli", "run", tmp_path / "none.yml", "--out", tmp_path / "runs")
    assert told.returncode == 2 and told.stdout == "" and not (tmp_path / "runs").exists()
    assert told.stderr.startswith("Not done. There is no plan at") and "Traceback" not in told.stderr


@pytest.mark.parametrize("arguments", [["run"], ["simulate", "--families", "0", "out"], ["check", "--nonsense", "x"], ["nonsense"]])
def test_a_wrong_call_is_told_with_exit_code_2(ended, capsys, arguments):
    assert ended(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_is_told_with_exit_code_2_and_no_traceback(ended, capsys, tmp_path):
    (tmp_path / "a_file").write_text("mine", encoding="utf-8")
    assert ended("simulate", tmp_path / "a_file" / "out", "--families", 60, "--councils", 1, "--last", "2012-Q4") == 2
    told = capsys.readouterr().err
    assert told.startswith(f"Not done. {tmp_path / 'a_file'}") and "must be a place" in told and "Traceback" not in told


@pytest.mark.parametrize("number, mend", [(errno.EACCES, "Name another place"), (errno.ENOSPC, "Make room there")])
def test_what_the_machine_refuses_is_told_with_the_way_to_mend_it(ended, monkeypatch, capsys, tmp_path, number, mend):
    def refuse(*given, **named):
        raise OSError(number, os.strerror(number), "runs/study")

    monkeypatch.setattr("evaluation.pipeline.run_study", refuse)
    assert ended("run", tmp_path) == 2
    assert "runs/study must be a place" in (told := capsys.readouterr().err) and mend in told


def test_a_fault_of_the_program_is_not_passed_off_as_the_users(monkeypatch, tmp_path):
    def fail(*given, **named):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "evaluation/gone.py")

    monkeypatch.setattr("evaluation.pipeline.run_study", fail)
    monkeypatch.setattr(sys, "argv", ["evaluation", "run", str(tmp_path)])
    with pytest.raises(FileNotFoundError):
        cli.main()


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_plan_of_every_study_is_complete_and_told(ended, capsys, path):
    assert ended("plan", "check", path) == 0
    told = capsys.readouterr().out
    assert "the plan is complete" in told and "primary" in told


@pytest.mark.parametrize("failed, code", [((), 0), ((("E06000017", "its process died"),), 1)])
@pytest.mark.parametrize("command, function", [("run", "run_study"), ("batch", "run_batch"), ("status", "batch_status"), ("report", "report_run")])
def test_a_report_that_could_not_be_made_gives_exit_code_1(ended, monkeypatch, tmp_path, command, function, failed, code):
    summary = RunSummary(folder=tmp_path, made=("E06000022",), failed=failed)
    monkeypatch.setattr(f"evaluation.pipeline.{function}", lambda *given, **named: summary)
    assert ended(command, tmp_path) == code


def test_a_batch_that_was_stopped_gives_exit_code_130(ended, monkeypatch, tmp_path):
    stopped = RunSummary(folder=tmp_path, made=(), failed=(("E06000022", "the run was stopped"),), states=(("E06000022", "cancelled"),))
    monkeypatch.setattr("evaluation.pipeline.run_batch", lambda *given, **named: stopped)
    assert ended("batch", tmp_path / "plan.yml") == 130


def test_a_plan_is_locked_compared_and_amended_by_the_command_line(ended, capsys, tmp_path):
    path = small_plan(tmp_path, lambda plan: plan.pop("value"))
    assert ended("plan", "lock", path, "--signer", "A. Analyst") == 0 and ended("plan", "diff", path) == 0
    assert "A. Analyst" in capsys.readouterr().out
    path.write_text(path.read_text(encoding="utf-8").replace("caliper: 0.2", "caliper: 0.1"), encoding="utf-8")
    assert ended("plan", "diff", path) == 0 and "matching.caliper: 0.2 -> 0.1" in capsys.readouterr().out
    assert ended("plan", "amend", path, "--reason", "too wide") == 2  # whether outcomes had been seen must be said
    assert ended("plan", "amend", path, "--reason", "too wide", "--outcomes-not-seen") == 0
    assert ended("plan", "amend", path, "--reason", "again", "--outcomes-not-seen") == 2 and "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("same, code", [(True, 0), (False, 1)])
def test_a_run_that_comes_out_otherwise_gives_exit_code_1(ended, monkeypatch, tmp_path, same, code):
    monkeypatch.setattr("evaluation.pipeline.verify.verify_run", lambda run, **named: SimpleNamespace(same=same))
    assert ended("verify", tmp_path) == code


@pytest.mark.parametrize("command, verb", [("reestimate", "reestimate.reestimate"), ("curve", "curve.curve"), ("batch", "run_batch")])
def test_no_cache_reaches_every_command_that_keeps_steps(ended, monkeypatch, tmp_path, command, verb):
    asked = {}
    summary = RunSummary(folder=tmp_path, made=(), failed=())
    monkeypatch.setattr(f"evaluation.pipeline.{verb}", lambda *given, **named: asked.update(named) or summary)
    more = {"reestimate": ("--set", "seed=1"), "curve": (tmp_path / "grid.yml",)}.get(command, ())
    ended(command, tmp_path, *more, "--no-cache")
    assert asked["cache"] is False


@pytest.mark.parametrize("command", [("pack",), ("reestimate", "--set", "seed=1"), ("verify",)])
def test_a_folder_that_is_no_run_is_told_with_exit_code_2(ended, capsys, tmp_path, command):
    assert ended(command[0], tmp_path, *command[1:]) == 2
    assert "finished run" in capsys.readouterr().err


def test_no_cache_reaches_the_run(ended, monkeypatch, tmp_path):
    asked = {}
    summary = RunSummary(folder=tmp_path, made=(), failed=())
    monkeypatch.setattr("evaluation.pipeline.run_study", lambda plan, **named: asked.update(named) or summary)
    ended("run", tmp_path / "plan.yml", "--no-cache")
    assert asked["cache"] is False


def test_councils_and_workers_reach_the_run(ended, monkeypatch, tmp_path):
    asked = {}

    def run_study(plan, **named):
        asked.update(plan=plan, **named)
        return RunSummary(folder=tmp_path, made=(), failed=())

    monkeypatch.setattr("evaluation.pipeline.run_study", run_study)
    ended("run", tmp_path / "plan.yml", "--council", "E06000022", "--council", "E06000017", "--workers", 3, "--out", tmp_path / "runs")
    asked.pop("say")
    assert asked == {"plan": tmp_path / "plan.yml", "councils": ("E06000022", "E06000017"), "workers": 3, "out": tmp_path / "runs", "cache": True}


def test_simulated_records_are_marked_and_pass_their_check(ended, capsys, tmp_path):
    out = tmp_path / "simulated"
    assert ended("simulate", out, "--families", 60, "--councils", 1, "--last", "2012-Q4") == 0
    assert "SIMULATED records of 60 families" in capsys.readouterr().out and (out / "SIMULATED_DATA.txt").is_file()
    assert ended("check", out) == 0 and "Every row satisfies its contract" in capsys.readouterr().out


def test_a_misspelt_table_or_council_is_told_with_the_nearest(ended, capsys, tmp_path):
    assert ended("check", tmp_path, "--table", "familes") == 2
    assert "'familes' is none (did you mean 'families'?)" in capsys.readouterr().err
    assert ended("run", project_file("studies/demonstration/plan.yml"), "--council", "E0600022", "--out", tmp_path) == 2
    assert "Did you mean E06000022, Bath and North East Somerset?" in capsys.readouterr().err
    assert ended("run", project_file("studies/demonstration/plan.yml"), "--council", "nowhere at all", "--out", tmp_path) == 2
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("quarter", ["2012-Q5", "2012", "soon"])
def test_a_quarter_that_is_none_is_refused(ended, capsys, tmp_path, quarter):
    assert ended("simulate", tmp_path / "out", "--families", 60, "--last", quarter) == 2
    assert quarter in capsys.readouterr().err and not (tmp_path / "out").exists()
