"""What the gate out does in the run of a study: the audit before anything is rendered, the record, and the register of real records."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path

import openpyxl
import pytest

from evaluation.disclosure.event_studies import EventStudies
from evaluation.disclosure.finished import numbers_held, strange_numbers
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.orphans import orphans, unprinted
from evaluation.disclosure.population import Population
from evaluation.disclosure.record import known_to, let_out, prepare, register_of
from evaluation.disclosure.release import ReportContent
from evaluation.disclosure.rules import RULES
from evaluation.errors import DisclosureError
from evaluation.pipeline.scanning import scan_release, strange_to

sys.path.insert(0, str(Path(__file__).parents[1] / "reporting"))

from tests.reporting.sample import SAMPLES  # noqa: E402


def audit_of(run) -> dict:
    return json.loads((run / "release" / "audit.json").read_text(encoding="utf-8"))


def test_the_record_says_what_was_looked_at_and_done(small_run):
    record = audit_of(small_run[0])
    audit = record["audit"]
    assert audit["rule"] == "ten_five" and audit["numbers_looked_at"] > 500 and audit["counts_not_linked"] == 0
    assert audit["small_groups_looked_for"] > 0 and audit["narrowest_interval"] >= 5
    assert audit["exceptions"] == [] and record["found"] == 0 and record["files_scanned"] > 5


def test_every_number_of_every_report_is_in_the_ledger(small_run):
    assert audit_of(small_run[0])["numbers_not_in_ledger"] == {}


def test_a_number_put_in_past_the_ledger_is_noticed(small_run):
    content = ReportContent.read(small_run[0] / "contents" / "E06000022.json")
    printed = json.loads((small_run[0] / "release" / "ledger.json").read_text(encoding="utf-8"))["numbers"]
    ledger = Ledger(profile=RULES["ten_five"])
    for entry in printed:
        symbol = entry["text"] if entry["value"] is None and entry["text"].startswith("[") else ""
        ledger.keep(entry["what"], entry["population"], shown_of(entry, symbol))
    assert orphans(content, ledger.entries) == []
    summary = content.summary.model_copy(update={"headline": "In all 1,234.5 incidents were prevented."})
    assert orphans(content.model_copy(update={"summary": summary}), ledger.entries) == [("summary", "1,234.5")]
    flow = content.flow[0].model_copy(update={"count": shown_of({"text": "4,321", "value": 4321.0}, "")})
    assert orphans(content.model_copy(update={"flow": (flow, *content.flow[1:])}), ledger.entries) == [("flow", "4,321")]
    ledger.keep("never printed", "p", shown_of({"text": "98,765.4", "value": 98765.4}, ""))
    contents = [ReportContent.read(path) for path in (small_run[0] / "contents").glob("*.json")]
    beside = {value for study in EventStudies.read(small_run[0] / "event_studies.json").studies for value in study.estimates}  # leave in a pack
    left = [entry for entry in unprinted(contents, ledger.entries) if not (entry.population.startswith("all, ") and entry.shown.value in beside)]
    assert [entry.what for entry in left] == ["never printed"]


@pytest.mark.parametrize("ending", [".html", ".pdf", ".ods", ".xlsx"])
def test_a_finished_report_holds_no_number_that_its_content_does_not(small_run, ending):
    paths = list((small_run[0] / "release" / "councils").rglob(f"*{ending}"))
    assert len(paths) == len(list((small_run[0] / "contents").glob("*.json"))) > 0
    for path in paths:
        content = ReportContent.read(small_run[0] / "contents" / f"{path.parent.name}.json")
        assert strange_numbers(path, content) == []


def put_into(path: Path, target: Path) -> Path:
    """A copy of a finished file with a number of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".html":
        target.write_text(path.read_text(encoding="utf-8").replace("</main>", "<p>98,765.4 families</p></main>"), encoding="utf-8")
    else:
        book = openpyxl.load_workbook(path)
        book.worksheets[-1].append(["Families", 98765.4])
        book.save(target)
    return target


@pytest.mark.parametrize("ending", [".html", ".xlsx"])
def test_a_number_put_into_a_finished_report_holds_the_release(small_run, ending, tmp_path):
    (path,) = (small_run[0] / "release" / "councils" / "E06000022").glob(f"*{ending}")
    for aside, strange in ((path, False), (put_into(path, tmp_path / "E06000022" / path.name), True)):
        found = strange_to(small_run[0])(aside)
        assert bool(found) == strange
    with pytest.raises(DisclosureError, match=r"holds \d+ number\(s\) that the content it was made from does not"):
        scan_release(small_run[0], [aside], set(), workers=1)


def test_how_many_councils_a_summary_shows_is_a_number_of_its_content():
    content = SAMPLES["national"]()
    shown = content.beside[0].model_copy(update={"points": content.beside[0].points * 97})
    assert str(len(shown.points)) in numbers_held(content.model_copy(update={"beside": (shown,)}))
    assert str(len(shown.points)) not in numbers_held(content)


def test_a_number_put_in_past_the_ledger_holds_the_release(room):
    content = SAMPLES["council"]()
    ledger = ledger_of()
    ledger.spans[content.council.code] = (0, 1)
    with pytest.raises(DisclosureError, match=r"held: \d+ number\(s\) of its reports are not in the ledger") as held:
        prepare(room, plan_of(simulated=False), [content], ledger, vintage="v1")
    assert not re.search(r"\d\.\d", str(held.value)), "what was found is not said"
    assert not (room / "released_numbers.json").exists(), "nothing waits to be entered in the register"
    assert sum(json.loads((room / "audit_found.json").read_text(encoding="utf-8"))["numbers_not_in_ledger"].values()) > 10


def shown_of(entry: dict, symbol: str):
    from evaluation.disclosure.release import Shown

    return Shown(value=entry["value"], text=entry["text"], symbol=symbol)


def test_simulated_records_enter_no_register(small_run):
    assert not (small_run[0].parent / "releases.jsonl").exists()


@pytest.fixture
def room(tmp_path):
    room = tmp_path / "study" / ".run1.partial"
    (room / "release").mkdir(parents=True)
    return room


def plan_of(*, simulated: bool) -> types.SimpleNamespace:
    return types.SimpleNamespace(report=types.SimpleNamespace(simulated=simulated), canonical=lambda: "{}")


def ledger_of() -> Ledger:
    ledger = Ledger(profile=RULES["ten_five"])
    ledger.count(192, of="families", what="joined", population=Population.of("all", "programme"))
    return ledger


def test_a_release_enters_the_register_once_its_files_are_clean(room):
    prepare(room, plan_of(simulated=False), (), ledger_of(), vintage="v1")
    assert register_of(room, plan_of(simulated=False)).read("v1") == ([], [])
    let_out(room, {"files_scanned": 3}, {"F0012345"})
    same, _ = register_of(room, plan_of(simulated=False)).read("v1")
    assert [entry.n for entry in same] == [192]
    assert '"release": "run1"' in (room.parent / "releases.jsonl").read_text(encoding="utf-8")
    assert "192" not in (room / "release" / "audit.json").read_text(encoding="utf-8")


def test_a_record_that_holds_an_identifier_is_held_and_nothing_enters_the_register(room):
    prepare(room, plan_of(simulated=False), (), ledger_of(), vintage="v1")
    with pytest.raises(DisclosureError, match="identifier"):
        let_out(room, {"held": ["F0012345"]}, {"F0012345"})
    assert register_of(room, plan_of(simulated=False)).read("v1") == ([], [])


def test_the_scan_of_a_run_knows_the_plans_dates_and_threshold(room):
    plan = {"disclosure": {"profile": "opensafely"}, "report": {"date": "2012-04-01"}, "title": "3 families"}
    (room / "plan.yml").write_text(json.dumps(plan), encoding="utf-8")
    known = known_to(room)
    assert known["threshold"] == 8 and {"2012-04-01", "3 families"} <= set(known["permitted"])
