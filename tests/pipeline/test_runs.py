"""From a plan to a release: what lies where, what is protected, the same bytes again, and one failure that stops no other."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
from pypdf import PdfReader

from evaluation.errors import DisclosureError, ReportError
from evaluation.pipeline import run
from evaluation.pipeline.run import report_run
from evaluation.pipeline.verify import verify_run
from evaluation.runs.files import hashes_of, sha256
from evaluation.runs.records import DoneRecord
from evaluation.runs.runner import Ended

CODES = ("E06000017", "E06000022")


def files(release: Path) -> dict[str, bytes]:
    return {path.relative_to(release).as_posix(): path.read_bytes() for path in sorted(release.rglob("*")) if path.is_file()}


def written_in(path: Path) -> str:
    """Text of a page, or of every part of a workbook."""
    if path.suffix not in (".ods", ".xlsx"):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as packed:
        return " ".join(packed.read(name).decode("utf-8") for name in packed.namelist())


def test_the_release_holds_reports_results_ledger_audit_and_index(small_run):
    assert sorted(files(small_run[0] / "release")) == sorted(
        [
            "audit.json",
            "auditors_pack_simulated.csv",
            "auditors_pack_simulated.html",
            "index.html",
            "ledger.json",
            "results.json",
            *(f"councils/{code}/small_{code}_simulated.{kind}" for code in CODES for kind in ("html", "ods", "pdf", "xlsx")),
        ]
    )


def test_the_plan_lies_resolved_beside_manifest_and_log_and_nothing_is_half_written(small_run):
    names = {path.name for path in small_run[0].iterdir()}
    assert {"plan.yml", "manifest.json", "log.jsonl", "tables", "release"} <= names
    assert not [path for path in small_run[2].rglob("*") if ".partial" in path.name]
    manifest = json.loads((small_run[0] / "manifest.json").read_text(encoding="utf-8"))
    for table in manifest["tables"].values():
        assert table["rows_in"] == table["rows_kept"] + table["rows_quarantined"] + table["rows_dropped"]


def test_no_identifier_of_a_family_or_person_is_in_any_file_that_may_leave(small_run):
    with duckdb.connect() as con:
        ids = {
            row[0]
            for table, column in (("families", "family_id"), ("people", "person_id"))
            for row in con.execute(f"select {column} from read_parquet('{small_run[0]}/tables/{table}.parquet')").fetchall()
        }
    assert len(ids) > 1_000
    for path in (small_run[0] / "release").rglob("*"):
        if not path.is_file():
            continue
        text = " ".join(page.extract_text() for page in PdfReader(path).pages) if path.suffix == ".pdf" else written_in(path)
        assert not [identifier for identifier in ids if identifier in text], path.name


def test_simulated_data_say_so_on_every_page_and_in_every_name(small_run):
    paths = list((small_run[0] / "release" / "councils").rglob("*.*"))
    assert {path.suffix for path in paths} == {".html", ".ods", ".pdf", ".xlsx"}
    for path in paths:
        assert "simulated" in path.name
        if path.suffix == ".pdf":
            assert all("SIMULATED" in page.extract_text().upper() for page in PdfReader(path).pages)
        else:
            assert "SIMULATED DATA" in written_in(path)


def test_a_council_too_small_to_show_gets_a_report_without_a_number_of_its_outcomes(small_run):
    content = json.loads((small_run[0] / "release" / "results.json").read_text(encoding="utf-8"))["reports"]["E06000017"]
    assert {outcome["status"] for outcome in content["outcomes"]} == {"not_shown"}
    assert all(outcome["effect"] is None and outcome["before"] is None for outcome in content["outcomes"])
    assert "nothing can be shown" in content["summary"]["headline"]


def test_every_number_of_an_outcome_is_in_the_ledger(small_run):
    release = small_run[0] / "release"
    told = {entry["text"] for entry in json.loads((release / "ledger.json").read_text(encoding="utf-8"))["numbers"]}
    for content in json.loads((release / "results.json").read_text(encoding="utf-8"))["reports"].values():
        for outcome in content["outcomes"]:
            shown = [value for value in outcome.values() if isinstance(value, dict) and "text" in value]
            shown += [outcome["effect"][side] for side in ("estimate", "lower", "upper")] if outcome["effect"] else []
            assert {value["text"] for value in shown} <= told


def protected(part) -> list[dict]:
    """Every number in a content, however deep."""
    if isinstance(part, dict):
        return [part] if {"text", "value", "symbol"} <= set(part) else [found for value in part.values() for found in protected(value)]
    return [found for value in part for found in protected(value)] if isinstance(part, list) else []


def test_every_number_of_every_chart_and_line_is_in_the_ledger(small_run):
    release = small_run[0] / "release"
    told = {(entry["text"], entry["value"]) for entry in json.loads((release / "ledger.json").read_text(encoding="utf-8"))["numbers"]}
    for content in json.loads((release / "results.json").read_text(encoding="utf-8"))["reports"].values():
        numbers = protected(content)
        assert len(numbers) > (90 if content["council"]["code"] == "E06000017" else 200)
        # the ends of an interval without an estimate are its symbol once more
        assert [number for number in numbers if (number["text"], number["value"]) not in told and not number["symbol"]] == []


def test_a_council_too_small_to_show_has_no_chart_or_table_of_its_outcomes(small_run):
    content = json.loads((small_run[0] / "release" / "results.json").read_text(encoding="utf-8"))["reports"]["E06000017"]
    assert not content["event_studies"] and not content["trends"] and not content["placebos"] and not content["tables"]
    assert not re.search(r"\d+%|\d\.\d", " ".join([*content["summary"]["findings"], content["summary"]["could_have_seen"]]))


def test_the_audit_counts_every_file_and_every_identifier(small_run):
    audit = json.loads((small_run[0] / "release" / "audit.json").read_text(encoding="utf-8"))
    kept = json.loads((small_run[0] / "manifest.json").read_text(encoding="utf-8"))["tables"]
    assert audit["files_scanned"] == len(files(small_run[0] / "release")) - 1  # all but the audit itself
    assert audit["identifiers_looked_for"] == kept["families"]["rows_kept"] + kept["people"]["rows_kept"]
    assert audit["found"] == 0 and audit["held"] == []


@pytest.fixture
def copied(small_run, tmp_path) -> Path:
    """A copy of the finished run that a test may spoil."""
    return Path(shutil.copytree(small_run[0], tmp_path / "run"))


def drawn(work, tasks, **options):
    """Stands in for the processes that make reports: a short page for each but Rutland's, which fails."""
    for name, (content_path, room) in tasks:
        if name == "E06000017":
            yield Ended(name=name, state="failed-system", fault="a fault of this program (ZeroDivisionError)")
            continue
        content = Path(content_path).read_bytes()
        page = Path(room) / "rendering" / name / f"small_{name}_simulated.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.unlink(missing_ok=True)
        page.write_text(f"<p>{json.loads(content)['limits'][0]}</p>", encoding="utf-8")
        DoneRecord(name=name, state="done", made_from=sha256(content), files=hashes_of([page], Path(room))).write(Path(room))
        yield Ended(name=name)


def test_a_run_with_a_report_that_fails_releases_the_others_and_says_so(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "run_tasks", drawn)
    said = []
    summary = run.run_study(small_run[1], councils=(), out=tmp_path, workers=1, say=said.append)
    assert summary.made == ("E06000022",) and [code for code, _ in summary.failed] == ["E06000017"] and not summary.complete
    assert [folder.name for folder in (tmp_path / "small").iterdir()] == [summary.folder.name]
    assert any("NOT MADE" in line for line in said) and "1 of 2 reports made" in said[-1]
    assert json.loads((summary.folder / "release" / "audit.json").read_text(encoding="utf-8"))["held"] == ["E06000017"]
    assert "No report" in (summary.folder / "release" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("table, column", [("families", "family_id"), ("people", "person_id")])
def test_a_report_that_holds_an_identifier_is_held_and_the_release_stays_as_it_was(copied, monkeypatch, table, column):
    with duckdb.connect() as con:
        secret = con.execute(f"select {column} from read_parquet('{copied}/tables/{table}.parquet') limit 1 offset 7").fetchone()[0]
    path, before = copied / "contents" / "E06000022.json", files(copied / "release")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["limits"][0] = f"See {secret}."  # which the index does not print
    path.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(run, "run_tasks", drawn)
    with pytest.raises(DisclosureError, match="The release is held") as held:
        report_run(copied, councils=("E06000022",), workers=1, say=lambda text: None)
    assert secret not in str(held.value) and files(copied / "release") == before


def test_an_identifier_that_would_reach_only_the_index_is_held_too(copied, monkeypatch):
    with duckdb.connect() as con:
        secret = con.execute(f"select family_id from read_parquet('{copied}/tables/families.parquet') limit 1").fetchone()[0]
    ended = [Ended(name=code, state="failed-system", fault=f"row of {secret}") for code in CODES]
    monkeypatch.setattr(run, "run_tasks", lambda work, tasks, **options: iter(ended))
    with pytest.raises(DisclosureError):
        report_run(copied, councils=(), workers=1, say=lambda text: None)
    assert not [name for name, held in files(copied / "release").items() if secret.encode() in held]


def test_a_report_of_a_council_that_the_run_does_not_hold_is_refused(copied):
    with pytest.raises(ReportError, match="E08000015"):
        report_run(copied, councils=("E06000022", "E08000015"), workers=1, say=lambda text: None)


def test_the_three_numbers_differ_in_name_and_place(small_run):
    content = json.loads((small_run[0] / "release" / "results.json").read_text(encoding="utf-8"))["reports"]["E06000022"]
    absence = next(outcome for outcome in content["outcomes"] if outcome["outcome"] == "unauthorised_absence_rate")
    assert absence["status"] == "estimated"
    assert {"before_after", "payment_by_results", "effect", "truth"} <= {name for name, value in absence.items() if value is not None}


def test_a_run_made_again_gives_the_same_bytes_and_one_altered_byte_is_found(copied):
    page = copied / "release" / "councils" / "E06000022" / "small_E06000022_simulated.html"
    content = page.read_bytes()
    page.unlink()  # it is one file with its rendering
    page.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    said = []
    found = verify_run(copied, workers=1, say=said.append)
    assert found.files == len(files(copied / "release"))
    assert found.differing == (("councils/E06000022/small_E06000022_simulated.html", 1),)
    assert said[-1] == f"{found.files} files compared, 1 differing bytes in 1 of them."


def test_reports_made_again_from_the_release_are_the_same_bytes_and_one_that_fails_stops_no_other(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run[0], run)
    before = files(run / "release")
    assert report_run(run, councils=(), workers=2, say=lambda text: None).complete and files(run / "release") == before
    (run / "contents" / "E06000017.json").write_text("{}", encoding="utf-8")
    summary = report_run(run, councils=(), workers=2, say=lambda text: None)
    assert [code for code, _ in summary.failed] == ["E06000017"] and summary.made == ("E06000022",) and not summary.complete
    index = (run / "release" / "index.html").read_text(encoding="utf-8")
    assert "No report" in index and "Bath and North East Somerset" in index
