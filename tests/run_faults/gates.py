"""Faults of what comes in, what the run is made of, and what would leave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest.mock import patch

from evaluation.errors import EvaluationError
from evaluation.pipeline import batch
from evaluation.pipeline.run import checked_plan
from evaluation.runs.states import state_of_fault
from tests.run_faults.case import FAMILIES, VICTIM, Tried, broken
from tests.run_faults.reports import altered_page, light, released, reports, room_in, spoilt


def refusal(attempt) -> str:
    """What a refusal says; '' where nothing is refused."""
    try:
        attempt()
    except EvaluationError as refused:
        return str(refused)
    return ""


def delivery_in(folder: Path) -> Path:
    """A small delivery and its plan."""
    from evaluation.dictionary import load_dictionary
    from evaluation.periods import Periods
    from evaluation.simulate import Simulation
    from tests.pipeline.conftest import small_plan

    periods = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
    Simulation(families={code: 20 for code in FAMILIES}, periods=periods, seed=5).write(folder / "data", dictionary=load_dictionary())
    shutil.rmtree(folder / "data" / "_truth", ignore_errors=True)
    return small_plan(folder, lambda plan: (light(plan), plan.update(data={"kind": "extracts", "folder": "data"})))


def altered_or_torn(folder: Path) -> Tried:
    """A delivered table that is cut short stops the study; a finished page that is altered is made again."""
    from evaluation.dictionary import load_dictionary
    from evaluation.pipeline.receive import receive

    made = spoilt(altered_page)(folder / "page")
    plan = delivery_in(folder)
    path = folder / "data" / "offences.parquet"
    path.write_bytes(path.read_bytes()[:500])
    promises = broken({"an_altered_page_is_stale": made.states[VICTIM] == "stale"})
    try:
        receive(checked_plan(plan, ())[0], folder, load_dictionary(), folder)
    except EvaluationError as fault:
        return Tried(states=dict.fromkeys(FAMILIES, state_of_fault(fault)), said=str(fault), complaints=(*made.complaints, *promises))
    return Tried.whole("done", "the torn table was taken")


def changed_while_running(folder: Path) -> Tried:
    """A delivered file is changed while the study is estimated."""
    plan_path = delivery_in(folder)
    plan, _ = checked_plan(plan_path, ())

    def estimated(*given: object, **named: object) -> None:
        path = folder / "data" / "offences.parquet"
        path.write_bytes(path.read_bytes() + b" ")

    with patch.object(batch, "estimate_shared", estimated):
        said = refusal(lambda: batch.run_batch(plan_path, out=folder / "runs", workers=1, say=lambda text: None))
    nothing = not list((folder / "runs").rglob("*.html"))
    return Tried.whole("refused" if said else "done", said, nothing_of_a_mixture_is_made=nothing)


def other_code(folder: Path) -> Tried:
    """The code changes between two runs: another batch, in another folder; a content of other code makes its report stale."""
    plan_path = delivery_in(folder)
    plan, _ = checked_plan(plan_path, ())
    before = batch.identity(plan, plan_path, ())
    with patch.object(batch, "code_of_this", lambda: "other"):
        after = batch.identity(plan, plan_path, ())
    room = room_in(folder)
    reports(room)
    content = room / "contents" / f"{VICTIM}.json"
    content.write_bytes(content.read_bytes() + b"\n")
    states = {code: record.state for code, record in batch.standings(room).items()}
    return Tried(states=states, said="stale", complaints=broken({"another_batch": before != after}))


def unknown_names(folder: Path) -> Tried:
    """A misspelt key, a parameter of another type, and a council that is not there."""
    from evaluation.runs.notebooks import check_parameters
    from tests.pipeline.conftest import small_plan

    (folder / "a").mkdir(parents=True)
    misspelt = small_plan(folder / "a", lambda plan: plan.update(disclosur={"profile": "ten_five"}))
    good = small_plan(folder, light)
    declared = {"content_path": ("str", False)}
    said = [
        refusal(lambda: checked_plan(misspelt, ())),
        refusal(lambda: checked_plan(good, ("E99999999",))),
        refusal(lambda: check_parameters(declared, {"content_pth": "x"}, "report.ipynb")),
        refusal(lambda: check_parameters(declared, {"content_path": 7}, "report.ipynb")),
    ]
    return Tried.whole("refused" if all(said) else "done", " ".join(said))


def undecided(folder: Path) -> Tried:
    """The audit's linear programmes come to no end."""
    from evaluation.disclosure import audit
    from tests.run_faults.study import run_study_with

    with patch.object(audit, "SECONDS", 0.0):
        told = run_study_with()
    return Tried.whole("held" if told.whole.startswith("DisclosureError") else "done", told.whole or "let out")


def one_leak(folder: Path) -> Tried:
    """One report of all holds an identifier: nothing of the release changes."""
    room = room_in(folder)
    reports(room)
    before = released(room)
    secret = next(iter(batch.run_identifiers(room)))
    path = room / "contents" / f"{VICTIM}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["limits"][0] = f"See {secret}."
    path.write_text(json.dumps(content), encoding="utf-8")
    said = refusal(lambda: reports(room))
    return Tried.whole(
        "held" if said else "done",
        said,
        names_the_file=f"small_{VICTIM}" in said,
        shows_no_identifier=secret not in said,
        nothing_that_left_is_changed=released(room) == before,
    )
