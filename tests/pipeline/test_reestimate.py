"""Another choice for a finished run: the plan's own numbers again, the new ones beside them, and the curve over a grid."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from evaluation.errors import EvaluationError, PlanError
from evaluation.pipeline.curve import curve
from evaluation.pipeline.reestimate import grid_of, parsed, reestimate
from evaluation.pipeline.reopen import changed_plan, plan_given
from evaluation.plan import read_plan


@pytest.fixture(scope="module")
def run(small_run, tmp_path_factory) -> Path:
    """A copy of the finished run without its delivery: its tables are enough."""
    return Path(shutil.copytree(small_run[0], tmp_path_factory.mktemp("again") / "run", ignore=shutil.ignore_patterns("delivery", "rendering")))


def said_and_told(work, *given, **named):
    said: list[str] = []
    path = work(*given, say=said.append, **named)
    return "\n".join(said), json.loads(path.read_text(encoding="utf-8"))


def test_the_old_numbers_are_those_of_the_run_and_the_new_ones_those_of_the_new_plan(run):
    said, told = said_and_told(reestimate, run, settings=["matching.caliper=0.05", "matching.ratio=1"])
    assert told["exploratory"] and told["changes"] == {"matching.caliper": 0.05, "matching.ratio": 1} and "Exploratory" in said
    assert told["plan_hash"]["old"] == json.loads((run / "manifest.json").read_text(encoding="utf-8"))["plan_hash"] != told["plan_hash"]["new"]
    absence = told["outcomes"]["unauthorised_absence_rate"]
    assert absence["old"]["estimate"] != absence["new"]["estimate"] and absence["new"]["n_treated"] <= absence["old"]["n_treated"]


def test_the_old_numbers_of_a_council_are_those_of_its_report(run):
    _, told = said_and_told(reestimate, run, settings=["matching.ratio=1"], council="E06000022")
    report = json.loads((run / "release" / "results.json").read_text(encoding="utf-8"))["reports"]["E06000022"]
    compared = 0
    for outcome in report["outcomes"]:
        if outcome["status"] == "estimated" and outcome["outcome"] in ("unauthorised_absence_rate", "any_offence", "out_of_work_benefit"):
            shown = outcome["effect"]["estimate"]["value"]
            assert abs(told["outcomes"][outcome["outcome"]]["old"]["estimate"] - shown) <= 0.0501 * max(abs(shown), 1)
            compared += 1
    assert compared == 3


def test_the_same_settings_give_the_same_bytes(run):
    path = [reestimate(run, settings=["matching.ratio=2"], say=lambda text: None) for _ in range(2)]
    assert path[0] == path[1]
    before = path[0].read_bytes()
    assert reestimate(run, settings=["matching.ratio=2"], say=lambda text: None).read_bytes() == before


def test_another_estimator_leaves_out_a_base_that_it_does_not_have(run):
    plan = changed_plan(plan_given(run), dict([parsed("estimator=two_way")]))
    assert plan.estimator.method == "two_way" and "base" not in plan.estimator.model_fields_set


@pytest.mark.parametrize(
    "setting, words",
    [
        ("matching.calliper=0.1", "caliper"),
        ("matching.caliper=wide", "caliper"),
        ("estimator.base=3", "base"),
        ("matching.method=nearest_neighbor", "nearest_neighbour"),
        ("nonsense", "write a key of the plan"),
        ("seed.root=1", "no keys of its own"),
    ],
)
def test_a_setting_that_no_plan_may_have_is_refused_by_name(run, setting, words):
    with pytest.raises(PlanError, match=words):
        reestimate(run, settings=[setting], say=lambda text: None)


def test_a_run_or_council_that_is_not_there_is_refused(run, tmp_path):
    with pytest.raises(EvaluationError, match="finished run"):
        reestimate(tmp_path, settings=["seed=1"], say=lambda text: None)
    with pytest.raises(PlanError, match="E08000015"):
        reestimate(run, settings=["matching.ratio=1"], council="E08000015", say=lambda text: None)


def test_a_plan_as_it_was_given_is_the_same_plan(small_run, tmp_path):
    assert read_plan(small_run[0] / "plan_as_given.yml").hash() == read_plan(small_run[1]).hash()
    assert "multiplicity" not in yaml.safe_load((small_run[0] / "plan_as_given.yml").read_text(encoding="utf-8"))


def test_a_curve_shows_every_specification_and_tests_them_together(run, tmp_path):
    grid = tmp_path / "grid.yml"
    grid.write_text("matching.caliper: [0.1, 0.2]\nestimator: [matched_did, two_way]\n", encoding="utf-8")
    said, told = said_and_told(curve, run, grid)
    assert len(told["specifications"]) == 5 and told["specifications"][0]["changes"] == {}
    test = told["tests"]["unauthorised_absence_rate"]
    estimates = sorted(one["outcomes"]["unauthorised_absence_rate"]["estimate"] for one in told["specifications"][1:])
    assert test["n"] == 4 and test["median"] == pytest.approx((estimates[1] + estimates[2]) / 2) and 0 < test["p_median"] <= 1
    assert "joint test over 4 specifications" in said and "none is picked" in said


@pytest.mark.parametrize("text", ["", "- 1", "matching.caliper: 0.1", "matching.caliper: []"])
def test_a_grid_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "grid.yml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match="lists of values"):
        grid_of(tmp_path / "grid.yml")


def test_a_grid_that_is_not_there_is_told_as_missing(tmp_path):
    with pytest.raises(PlanError, match="There is no grid at .*none.yml. Write a file"):
        grid_of(tmp_path / "none.yml")


def test_a_grid_too_large_is_refused_and_a_small_one_is_multiplied_out(tmp_path):
    path = tmp_path / "grid.yml"
    path.write_text(yaml.safe_dump({"seed": list(range(30)), "matching.ratio": list(range(20))}), encoding="utf-8")
    with pytest.raises(PlanError, match="600 specifications"):
        grid_of(path)
    path.write_text("estimator: [a, b]\nseed: [1, 2]\n", encoding="utf-8")
    assert grid_of(path) == [{"estimator.method": m, "seed": s} for m in "ab" for s in (1, 2)]
