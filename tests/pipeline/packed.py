"""A small run estimated and let out without reports being rendered: what the packs are made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from evaluation.dictionary import Dictionary
from evaluation.locations import project_file
from evaluation.pipeline.locking import lock_plan
from evaluation.pipeline.run import checked_plan, estimate, publish, run_identifiers
from evaluation.runs.step_cache import FOLDER

FAMILIES = {"E06000022": 400, "E06000017": 60}
ROLES = {"commissioner": "A Director", "analyst": "An Analyst", "assurer": "An Assurer"}


def plan_of(folder: Path, change=lambda plan: None) -> Path:
    """The demonstration with two small councils and two outcomes, with another estimator and named roles."""
    plan = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    plan["study"], plan["data"] = "small", {"kind": "simulated", "families": dict(FAMILIES)}
    plan["outcomes"] = {"primary": ["unauthorised_absence_rate"], "secondary": ["adult_in_work"]}
    plan["matching"]["exact"] = ["council_code", "has_child_5_15"]
    plan["second_estimators"] = [{"method": "two_way"}]
    plan["subgroups"], plan["checks"] = ["lone_parent"], ["pre_trend", "dip", "balance", "overlap"]
    plan["report"]["roles"] = dict(ROLES)
    del plan["value"], plan["payment_by_results"]
    change(plan)
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return path


def released(folder: Path, dictionary: Dictionary, change=lambda plan: None, *, locked: bool = True) -> Path:
    """The folder of a run that was locked, estimated and let out."""
    path = plan_of(folder, change)
    if locked:
        list(lock_plan(path, signer="A Signer"))
    return made_of(path, folder / "run", dictionary)


def made_of(path: Path, room: Path, dictionary: Dictionary) -> Path:
    """A run of a plan, in a folder that is not there yet."""
    room.mkdir()
    plan, _ = checked_plan(path, ())
    estimate(plan, path, dictionary, room, councils=(), say=lambda text: None, kept=room / FOLDER)
    publish(room, {}, run_identifiers(room))
    shutil.rmtree(room / "delivery")
    return room
