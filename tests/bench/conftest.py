"""A small finished run: 460 simulated families of two councils, two outcomes, estimated and released but not rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from evaluation import bench
from evaluation.locations import project_file
from evaluation.pipeline.manifest import write_manifest
from evaluation.pipeline.recipe import evaluate, release
from evaluation.pipeline.run import GIVEN
from evaluation.plan import read_plan

FAMILIES = {"E06000022": 400, "E06000017": 60}


@pytest.fixture(scope="session")
def plan_path(tmp_path_factory) -> Path:
    plan = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    plan["study"], plan["data"] = "small", {"kind": "simulated", "families": dict(FAMILIES)}
    plan["outcomes"] = {"primary": ["unauthorised_absence_rate", "asb_incidents"]}
    plan["matching"]["exact"] = ["council_code", "has_child_5_15"]
    del plan["value"]
    plan["checks"] = ["pre_trend", "dip", "balance", "overlap"]
    path = tmp_path_factory.mktemp("plan") / "plan.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def run(plan_path, tmp_path_factory, dictionary) -> Path:
    plan, room = read_plan(plan_path), tmp_path_factory.mktemp("runs") / "small-1"
    room.mkdir()
    analysis = evaluate(plan, plan_path.parent, dictionary, room, lambda text: None)
    (room / "plan.yml").write_text(plan.canonical() + "\n", encoding="utf-8")
    (room / GIVEN).write_text(plan.as_given() + "\n", encoding="utf-8")
    write_manifest(room, analysis, hashed="0" * 64, code="", lock=(), councils=(), plan_file=plan_path)
    (room / "contents").mkdir()
    for content in release(analysis, ["E06000022"], analysis_hash="0" * 64)[0]:
        content.write(room / "contents" / f"{content.council.code}.json")
    return room


@pytest.fixture(scope="session")
def study(plan_path, run, tmp_path_factory) -> bench.Bench:
    """The larger council at the bench, with the run's delivery."""
    return bench.open_study(plan_path, council="E06000022", delivery=run / "delivery", room=tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="session")
def received(study) -> bench.Received:
    return bench.receive(study)


@pytest.fixture(scope="session")
def panel(received):
    return bench.panel(received)


@pytest.fixture(scope="session")
def matched(panel, study):
    return bench.match(panel, study)


@pytest.fixture(scope="session")
def own(matched, study):
    return bench.own(matched, study)


@pytest.fixture(scope="session")
def found(own, study) -> bench.Found:
    return bench.estimate(own, study)


@pytest.fixture(scope="session")
def opened(run) -> bench.Reopened:
    return bench.open_run(run)
