"""The auditor's pack in a release, and the re-estimation pack: complete, through the gate, and enough to estimate again from alone."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from evaluation.disclosure.auditors import AuditorsPack, Specification
from evaluation.disclosure.event_studies import EventStudies
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import ReportContent
from evaluation.disclosure.rules import RULES
from evaluation.errors import DisclosureError, EvaluationError
from evaluation.findings.standing import PlanStanding
from evaluation.locations import project_file
from evaluation.models.event_numbers import event_numbers
from evaluation.pipeline.auditors_pack import (
    FILE,
    explored,
    history_of,
    locked_in_words,
    once_each,
    rows_in_words,
    share_in_words,
    specifications_of,
)
from evaluation.pipeline.locking import Entry
from evaluation.pipeline.manifest import panel_digest
from evaluation.pipeline.pack import make_pack, read_pack
from evaluation.pipeline.recipe import evaluate, release
from evaluation.pipeline.reopen import open_run
from evaluation.pipeline.run import publish, run_identifiers
from evaluation.plan import read_plan
from evaluation.runs.files import hashes_of
from tests.pipeline.packed import ROLES, made_of, released

OUTCOME = "unauthorised_absence_rate"
TWO_FIGURES = 0.05  # the most by which rounding a standard error to two figures moves it


@pytest.fixture(scope="module")
def run(tmp_path_factory, dictionary) -> Path:
    return released(tmp_path_factory.mktemp("packed"), dictionary)


@pytest.fixture
def copied(run, tmp_path) -> Path:
    """The run, to be spoilt."""
    return Path(shutil.copytree(run, tmp_path / "study" / "run"))


@pytest.fixture(scope="module")
def pack(run) -> Path:
    return make_pack(run, say=lambda text: None)


@pytest.fixture(scope="module")
def inside(run):
    """What the room knows and the pack does not: the effects with every row's influence."""
    opened = open_run(run)
    return opened.plan, opened.estimated(opened.plan).effects[OUTCOME]


def page_of(run: Path) -> str:
    return (run / "release" / "auditors_pack_simulated.html").read_text(encoding="utf-8")


def test_the_auditors_page_names_roles_lock_logs_and_a_statement_to_sign(run):
    page = page_of(run)
    assert all(name in page for name in ROLES.values()) and "not named in the plan" in page and "A Signer" in page
    assert all(f'id="sec-{part}"' in page for part in ("roles", "assumptions", "decisions", "data", "estimates", "anchors", "statement"))
    assert "matching.caliper" in page and "SIMULATED DATA" in page and page.count("not yet filled in") == 4
    assert "auditors_pack_simulated.html" in (run / "release" / "index.html").read_text(encoding="utf-8")


def test_the_register_holds_every_estimate_that_the_reports_print(run):
    rows = list(csv.DictReader((run / "release" / "auditors_pack_simulated.csv").open(encoding="utf-8")))
    contents = [ReportContent.read(path) for path in (run / "contents").glob("*.json")]
    for content in contents:
        own = [row for row in rows if row["Report"] == content.council.code]
        plans = {row["Outcome"]: row for row in own if row["Choice"] == "the plan's"}
        assert len(plans) == len(content.outcomes)
        for result in content.outcomes:
            if result.effect is not None and result.effect.estimate.value is not None:
                assert float(plans[result.label]["Estimate"]) == result.effect.estimate.value
                assert float(plans[result.label]["Lower end of 95% interval"]) == result.effect.lower.value
        others = [table for table in content.tables if table.id == "other-estimates" or table.id.startswith(("base-", "subgroups-"))]
        cells = sum(len(table.rows) * (2 if table.id == "base-periods" else 1) for table in others)
        the_plans = sum("(the plan's)" in row[0] for table in others if table.id == "base-periods" for row in table.rows)
        assert len(own) == len(content.outcomes) + cells - the_plans
    assert {row["Kind"] for row in rows} == {"main", "secondary", "sensitivity", "subgroup"}


def test_the_pack_is_scanned_hashed_and_part_of_the_release(run):
    told = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["release"]
    assert {"auditors_pack_simulated.html", "auditors_pack_simulated.csv"} <= told.keys()
    assert json.loads((run / "release" / "audit.json").read_text(encoding="utf-8"))["files_scanned"] == 5


def test_both_packs_are_the_same_bytes_when_the_run_is_made_again_from_its_own_plan(copied, pack, tmp_path, dictionary):
    again = made_of(copied / "plan_as_given.yml", tmp_path / "again", dictionary)
    assert hashes_of((again / "release").glob("*.*"), again) == hashes_of((copied / "release").glob("*.*"), copied)
    other = make_pack(again, say=lambda text: None)
    names = [path.relative_to(pack) for path in pack.rglob("*") if path.is_file()]
    assert len(names) > 10 and [name for name in names if (pack / name).read_bytes() != (other / name).read_bytes()] == []


def test_an_identifier_in_the_auditors_pack_holds_the_release(copied):
    identifiers = run_identifiers(copied)
    pack = AuditorsPack.read(copied / FILE)
    pack.model_copy(update={"told": (*pack.told, f"See {min(identifiers)}.")}).write(copied / FILE)
    with pytest.raises(DisclosureError, match="auditors_pack"):
        publish(copied, {}, identifiers)


def test_what_was_tried_in_the_room_is_listed_as_exploratory_without_its_numbers(copied):
    (copied / "reestimates").mkdir()
    told = {"exploratory": True, "changes": {"matching.caliper": 0.07}, "council": "all", "outcomes": {OUTCOME: {"new": {"estimate": 0.1234567}}}}
    (copied / "reestimates" / "abc.json").write_text(json.dumps(told), encoding="utf-8")
    assert explored(copied) == (("abc", "matching.caliper = 0.07", "1", "all"),)
    publish(copied, {}, run_identifiers(copied))
    page = page_of(copied)
    assert "matching.caliper = 0.07" in page and "Exploratory: tried in the room" in page and "0.1234567" not in page
    shutil.rmtree(copied / "reestimates")
    assert explored(copied) == (("abc", "matching.caliper = 0.07", "1", "all"),)  # kept for making the same bytes again


def test_rows_received_are_told_so_that_no_small_group_follows():
    ledger, published = Ledger(profile=RULES["ten_five"]), Ledger(profile=RULES["published"])
    assert {rows_in_words(rows, ledger) for rows in (12_340, 12_449)} == {"about 12,000"} and rows_in_words(97, ledger) == "under 100"
    assert (share_in_words(0, 500, ledger), share_in_words(3, 500, ledger), share_in_words(30, 500, ledger)) == ("none", "0.1 to 1%", "over 5%")
    assert rows_in_words(12_341, published) == "12,341"


def test_every_file_of_a_pack_is_named_scanned_and_free_of_identifiers(pack, run):
    told = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    there = {path.relative_to(pack).as_posix() for path in pack.rglob("*") if path.is_file()}
    assert set(told["files"]) == there - {"pack.json"} and told["files_scanned"] == len(told["files"]) and told["found"] == 0
    whole = "".join((pack / name).read_text(encoding="utf-8") for name in there)
    assert not [one for one in run_identifiers(run) if one in whole] and "influence" not in whole.replace("influence function", "")


def test_the_headline_and_other_averages_from_the_pack_are_those_of_the_room(pack, inside):
    plan, effects = inside
    truth = event_numbers(effects, quarters=plan.estimator.headline.event_times)
    found = {one.outcome: one for one in read_pack(pack).studies}[OUTCOME].numbers()
    room = 0.05  # half of the last decimal of an estimate printed to one
    for ask in (lambda one: one.planned(), lambda one: one.mean_over(1, 6), lambda one: one.mean_over(0, 2)):
        ours, theirs = ask(found), ask(truth)
        assert ours.estimate == pytest.approx(theirs.estimate, abs=room)
        assert ours.std_error == pytest.approx(theirs.std_error, rel=TWO_FIGURES)
    weights = np.zeros(len(found.values))
    weights[np.flatnonzero(found.event_times == 4)], weights[np.flatnonzero(found.event_times == 1)] = 1, -1
    assert found.combined(weights).std_error == pytest.approx(truth.combined(weights).std_error, rel=2 * TWO_FIGURES)


ALONE = """
import json, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from evaluation.pipeline.pack import read_pack
pack, outcome, run = sys.argv[1:]
found = {one.outcome: one for one in read_pack(pack).studies}[outcome].numbers()
asked = {"planned": found.planned(), "other window": found.mean_over(1, 6), "less trend": found.less_trend()}
told = {name: [one.estimate, one.std_error] for name, one in asked.items()}
print(json.dumps({"told": told} | {whose: [name for name in opened if name.startswith(where)] for whose, where in (("run", run), ("pack", pack))}))
"""


def test_a_pack_that_left_the_room_is_enough_by_itself(pack, run, inside, tmp_path):
    alone = Path(shutil.copytree(pack, tmp_path / "elsewhere" / "pack"))
    command = [sys.executable, "-c", ALONE, str(alone), OUTCOME, str(run)]
    made = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(project_file("."))}, check=True)
    found = json.loads(made.stdout)
    assert found["run"] == [] and len(found["pack"]) > 1
    plan, effects = inside
    truth = event_numbers(effects, quarters=plan.estimator.headline.event_times)
    for name, theirs in (("planned", truth.planned()), ("other window", truth.mean_over(1, 6)), ("less trend", truth.less_trend())):
        estimate, std_error = found["told"][name]
        assert abs(estimate - theirs.estimate) < 0.5 * theirs.std_error and std_error == pytest.approx(theirs.std_error, rel=0.1)


def test_bands_tests_and_bounds_from_the_pack_are_those_of_the_room(pack, inside):
    plan, effects = inside
    truth = event_numbers(effects, quarters=plan.estimator.headline.event_times)
    found = {one.outcome: one for one in read_pack(pack).studies}[OUTCOME].numbers()
    ours, theirs = (one.band(rng=np.random.default_rng(3)) for one in (found, truth))
    assert ours.critical == pytest.approx(theirs.critical, rel=0.03) and 2 < ours.critical < 4
    assert found.less_trend().estimate == pytest.approx(truth.less_trend().estimate, abs=0.5 * truth.less_trend().std_error)
    assert found.less_trend().std_error == pytest.approx(truth.less_trend().std_error, rel=0.1)
    for restriction, bounds in (("relative", [0.5, 1.0]), ("smooth", [0.0, 0.3])):
        a, b = (one.robust(restriction, bounds, first=1, last=4) for one in (found, truth))
        width = b.upper - b.lower
        assert (np.abs(a.lower - b.lower) < 0.1 * width).all() and (np.abs(a.upper - b.upper) < 0.1 * width).all()


def test_the_plan_runs_whole_on_the_simulated_twin(pack, tmp_path, dictionary):
    path = pack / "twin" / "plan.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["data"]["kind"] == "simulated" and content["report"]["simulated"] and content["study"] == "small_twin"
    plan = read_plan(path)
    (tmp_path / "room").mkdir()
    analysis = evaluate(plan, path.parent, dictionary, tmp_path / "room", lambda text: None)
    contents, _ = release(analysis, (), analysis_hash="0" * 64)
    assert {content.council.code for content in contents} == set(content["data"]["families"])
    assert all(study.numbers.status == "estimated" for study in analysis.studies.values())


def test_the_twin_is_as_large_as_the_release_says_and_no_larger_group_is_told(pack, run):
    data = yaml.safe_load((pack / "twin" / "plan.yml").read_text(encoding="utf-8"))["data"]
    contents = [ReportContent.read(path) for path in (run / "contents").glob("*.json")]
    assert {content.council.code for content in contents} == set(data["joined"])
    for content in contents:
        shown = [one.n_treated.value for one in content.outcomes if one.n_treated is not None and one.n_treated.value is not None]
        assert data["joined"][content.council.code] == max(shown, default=RULES["ten_five"].threshold)


def test_a_run_that_did_not_pass_the_gate_gives_no_pack(copied):
    (copied / "release" / "audit.json").unlink()
    with pytest.raises(EvaluationError, match="passed the gate"):
        make_pack(copied, say=lambda text: None)
    assert not (copied / "pack").exists()


def test_a_pack_that_holds_an_identifier_is_not_left_behind(copied):
    path = copied / "plan_as_given.yml"
    path.write_text(path.read_text(encoding="utf-8") + f"# {max(run_identifiers(copied))}\n", encoding="utf-8")
    with pytest.raises(DisclosureError, match="plan.yml"):
        make_pack(copied, say=lambda text: None)
    assert not (copied / "pack").exists() and not list(copied.glob(".partial-*"))


def test_a_pack_that_was_altered_is_refused(pack, tmp_path):
    altered = Path(shutil.copytree(pack, tmp_path / "pack"))
    studies = EventStudies.read(altered / "event_studies.json")
    studies.model_copy(update={"studies": studies.studies[:1]}).write(altered / "event_studies.json")
    with pytest.raises(EvaluationError, match="event_studies.json changed"):
        read_pack(altered)
    with pytest.raises(EvaluationError, match="must be a pack"):
        read_pack(tmp_path)


def test_the_numbers_of_the_pack_are_in_the_ledger(pack):
    ledger = {(entry["what"], entry["value"]) for entry in json.loads((pack / "ledger.json").read_text(encoding="utf-8"))["numbers"]}
    study = {one.outcome: one for one in read_pack(pack).studies}[OUTCOME]
    names = [*(f"event study with covariance, {time}" for time in study.event_times), "effect"]
    assert {(name, value) for name, value in zip(names, study.estimates, strict=True)} <= ledger


class Counted:
    """Counts how often panels are built."""

    def __init__(self, monkeypatch) -> None:
        from evaluation.pipeline import panel_step

        self.built, build = 0, panel_step.build_panel

        def counted(*given):
            self.built += 1
            return build(*given)

        monkeypatch.setattr(panel_step, "build_panel", counted)


def test_a_kept_panel_is_the_panel_that_was_built_and_is_not_built_again(run, monkeypatch):
    counted = Counted(monkeypatch)
    kept, anew = open_run(run).panel, open_run(run, cache=False).panel
    assert counted.built == 1 and panel_digest(kept) == panel_digest(anew)
    assert kept.units.dtypes.to_dict() == anew.units.dtypes.to_dict() and (kept.flow, kept.notes, kept.breaks) == (anew.flow, anew.notes, anew.breaks)
    told = {step["step"]: step["outputs"] for step in json.loads((run / "manifest.json").read_text(encoding="utf-8"))["steps"]}
    assert told["panel"] == {"panel": panel_digest(kept)}


def test_another_option_of_matching_builds_no_panel_and_other_covariates_do(copied, monkeypatch):
    counted, opened = Counted(monkeypatch), open_run(copied)
    opened.sample(opened.changed({"matching.caliper": 0.1, "matching.ratio": 1, "estimator.base": -3}))
    assert counted.built == 0
    for _ in range(2):
        other = open_run(copied)
        other.panel_for(other.changed({"matching.score.covariates": ["n_children"]}))
    assert counted.built == 1


def test_another_programme_has_a_panel_of_its_own(copied, monkeypatch):
    counted, opened = Counted(monkeypatch), open_run(copied)
    assert opened.panel_for(opened.changed({"estimator.base": -3})) is opened.panel and counted.built == 0
    assert opened.panel_for(opened.changed({"programme.councils": ["E06000022"]})) is not opened.panel and counted.built == 1


def test_a_torn_panel_is_built_again(copied, monkeypatch):
    (entry,) = (copied / "steps").glob("panel-*")
    (entry / "outcomes.npz").write_bytes(b"PK")
    counted, whole = Counted(monkeypatch), panel_digest(open_run(copied).panel)
    assert counted.built == 1 and panel_digest(open_run(copied).panel) == whole and counted.built == 1


def test_kept_steps_never_leave(run, pack):
    assert not [path for folder in (run / "release", pack) for path in folder.rglob("*") if "steps" in path.as_posix().removeprefix(str(run))]


def entry(kind: str, **about) -> Entry:
    return Entry(kind=kind, plan_hash="0" * 64, time="2026-03-02T10:00:00Z", signer="A Signer", **about)


def test_the_history_tells_amendments_their_reasons_and_what_is_exploratory(run):
    plan = read_plan(run / "plan_as_given.yml")
    lock = (entry("locked"), entry("outcomes opened", outcomes_seen=True), entry("amended", reason="A wider caliper", outcomes_seen=True))
    standing = PlanStanding(locked="2026-03-02", changes=("matching.caliper",), reasons=("A wider caliper",))
    told = " ".join(locked_in_words(lock, standing))
    assert "locked on 2026-03-02 by A Signer" in told and "amended once, once after outcomes had been seen" in told
    assert "Every effect is exploratory: matching.caliper" in told
    rows = history_of(plan, lock, standing).rows
    assert [row[1] for row in rows] == ["locked", "amended", "differs from the lock: matching.caliper"] and rows[1][3:] == ("A wider caliper", "yes")
    content = ReportContent.read(run / "contents" / "E06000022.json")
    assert {one.kind for one in specifications_of(content, standing)} == {"exploratory"}


def test_an_estimate_of_all_areas_together_counts_once():
    def line(report: str, estimate: str) -> Specification:
        return Specification(report=report, outcome="Y", kind="main", choice="the plan's", estimate=estimate, unit="points")

    same, other = "0.1 (0.0 to 0.2)", "0.3 (0.0 to 0.6)"
    assert [one.report for one in once_each([line("A", same), line("B", same)], 2)] == ["every report"]
    assert [one.report for one in once_each([line("A", same), line("B", other)], 2)] == ["A", "B"]
    assert [one.report for one in once_each([line("A", "not shown"), line("B", "not shown")], 2)] == ["A", "B"]


def test_a_plan_without_a_lock_was_fixed_by_its_run(run):
    told = locked_in_words((), PlanStanding())
    rows = history_of(read_plan(run / "plan_as_given.yml"), (), PlanStanding()).rows
    assert "not locked beforehand" in told[0] and rows[0][1] == "fixed by the run itself"
