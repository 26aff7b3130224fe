"""A small study on simulated records, run once from plan to release."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from evaluation import cli
from evaluation.locations import project_file
from evaluation.periods import Periods
from evaluation.pipeline.run import run_study
from evaluation.simulate import Simulation

FAMILIES = {"E06000022": 400, "E06000017": 20}


def small_plan(folder: Path, change=lambda plan: None) -> Path:
    """The demonstration with two small councils, as a plan of its own."""
    plan = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    plan["study"], plan["data"] = "small", {"kind": "simulated", "families": dict(FAMILIES)}
    plan["matching"]["exact"] = ["council_code", "has_child_5_15"]
    change(plan)
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """(folder of the finished run, the plan's path, the runs' folder)."""
    folder = tmp_path_factory.mktemp("small")
    path = small_plan(folder)
    summary = run_study(path, councils=(), out=folder / "runs", workers=2, say=lambda text: None)
    return summary.folder, path, folder / "runs"


@pytest.fixture(scope="session")
def delivery(tmp_path_factory, dictionary) -> Path:
    """A simulated delivery as CSV files."""
    folder = tmp_path_factory.mktemp("delivery") / "csv"
    Simulation(families=150, councils=2, periods=Periods.between("2011-Q1", "2013-Q4", kind="quarter"), seed=5, fmt="csv").write(
        folder, dictionary=dictionary
    )
    return folder


@pytest.fixture
def spoilt(delivery, tmp_path) -> Path:
    """A copy of the delivery that a test may spoil."""
    shutil.copytree(delivery, tmp_path / "csv")
    return tmp_path / "csv"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command line; gives exit code and everything printed."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["evaluation", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code or 0, told.out + told.err

    return run
