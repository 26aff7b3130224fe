"""A batch: killed and gone on with, refused twice at once, one failure that stops no other, and the same bytes whatever the machine does."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pypdf import PdfReader

from benchmarks import batch as bench
from benchmarks import determinism
from evaluation.errors import EstimationError, EvaluationError
from evaluation.pipeline import batch, recipe
from evaluation.pipeline.batch import batch_status, check_inputs, run_batch, standings
from evaluation.pipeline.report_task import check_whole
from evaluation.pipeline.run import checked_plan, estimate, make_reports
from evaluation.runs.files import file_sha256
from evaluation.runs.records import DoneRecord
from tests.pipeline.conftest import small_plan

QUIET = {"say": lambda text: None}


def light(plan: dict) -> None:
    """Two small councils, two outcomes, no checks: seconds instead of minutes."""
    plan["data"]["families"] = {"E06000022": 200, "E06000017": 20}
    plan["outcomes"] = {"primary": ["unauthorised_absence_rate"], "secondary": ["adult_in_work"]}
    plan["checks"] = []
    for optional in ("value", "subgroups", "second_estimators", "payment_by_results"):
        plan.pop(optional, None)


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Path:
    return small_plan(tmp_path_factory.mktemp("batch"), light)


@pytest.fixture(scope="module")
def finished(plan, tmp_path_factory) -> Path:
    """The folder of a batch that ended well."""
    return run_batch(plan, out=tmp_path_factory.mktemp("runs"), workers=2, **QUIET).folder


@pytest.fixture
def own(finished, tmp_path) -> Path:
    """A copy that a test may spoil, in a runs folder of its own."""
    target = tmp_path / finished.parent.name / finished.name
    shutil.copytree(finished, target)
    return target


def resume(plan, own, **options):
    return run_batch(plan, out=own.parents[1], workers=2, resume=True, **{**QUIET, **options})


def test_every_pdf_of_a_batch_passes_an_independent_check(finished):
    from page import ValidationProfile, validate_pdf

    made = sorted((finished / "release").rglob("*.pdf"))
    broken = {
        (path.name, failure.rule_id)
        for path in made
        for profile in (ValidationProfile.PDF_UA_1, ValidationProfile.PDF_A_2A)
        for failure in validate_pdf(str(path), profile=profile).failures
    }
    assert len(made) == 2 and broken == set()


def test_no_page_of_a_batch_is_more_than_a_third_empty(finished):
    from tests.reporting.emptiness import empty_shares

    shares = {path.name: empty_shares(path.read_bytes()) for path in sorted((finished / "release").rglob("*.pdf"))}
    assert len(shares) == 2 and {name: max(found) for name, found in shares.items() if max(found) > 1 / 3} == {}


def test_page_one_of_every_report_of_a_batch_holds_all_that_stands_before_the_contents(finished):
    for path in sorted((finished / "release").rglob("*.pdf")):
        first = PdfReader(path).pages[0].extract_text()
        assert "Released by" in first and "What to do next" in first, path.name


def release_of(run: Path) -> dict[str, str]:
    return {path.relative_to(run).as_posix(): file_sha256(path) for path in sorted((run / "release").rglob("*")) if path.is_file()}


def test_a_batch_leaves_a_release_records_states_and_a_page(finished):
    assert dict(batch_status(finished).states) == {"E06000022": "done", "E06000017": "not-shown-small-n"}
    page = (finished / "batch.html").read_text(encoding="utf-8")
    assert "2 reports." in page and "too few families" in page and "release/councils/E06000022/" in page
    log = [json.loads(line) for line in (finished / "batch.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(line["ended"] for line in log if "ended" in line) == ["E06000017", "E06000022"]
    assert not list(finished.rglob(".partial*")) and (finished / "release" / "audit.json").is_file()


def test_a_batch_that_is_there_is_not_begun_again_by_mistake(plan, finished):
    with pytest.raises(EvaluationError, match="--resume"):
        run_batch(plan, out=finished.parents[1], workers=1, **QUIET)


def test_going_on_with_a_finished_batch_makes_nothing(plan, own):
    stamps = {path: path.stat().st_mtime_ns for path in own.rglob("*.json") if path.name not in ("batch.json", ".runner.json")}
    said = []
    assert resume(plan, own, say=said.append).complete
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and "nothing to make" in said[0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: next((run / "rendering/E06000022").glob("*.pdf")).unlink(),
        lambda run: next((run / "rendering/E06000022").glob("*.html")).write_text("<p>torn"),
        lambda run: (run / "done/E06000022.json").write_text("{"),
        lambda run: DoneRecord(name="E06000022", state="failed-system", fault="no space").write(run),
    ],
    ids=["missing", "torn", "record torn", "failed"],
)
def test_going_on_makes_only_what_is_missing_and_gives_the_same_bytes(plan, own, finished, spoil):
    spoil(own)
    kept = (own / "done/E06000017.json").stat().st_mtime_ns
    assert resume(plan, own).complete and release_of(own) == release_of(finished)
    assert (own / "done/E06000017.json").stat().st_mtime_ns == kept


def test_what_all_reports_share_is_made_again_when_it_is_torn(plan, own, finished):
    content = own / "contents" / "E06000022.json"
    content.write_bytes(content.read_bytes()[:100])
    assert resume(plan, own).complete and release_of(own) == release_of(finished)


@pytest.mark.parametrize(
    "fault, state, words",
    [
        (EstimationError("Every programme family joined in one quarter."), "failed-model", "joined in one quarter"),
        (KeyError("F0012345"), "failed-system", "a fault of this program (KeyError)"),
    ],
)
def test_a_council_whose_content_cannot_be_made_stops_no_other_and_shows_no_value(plan, tmp_path, monkeypatch, fault, state, words):
    made = recipe.inputs_of

    def failing(analysis, scope, *others):
        if scope.code == "E06000022":
            raise fault
        return made(analysis, scope, *others)

    monkeypatch.setattr(recipe, "inputs_of", failing)
    said = []
    summary = run_batch(plan, out=tmp_path, workers=1, say=said.append)
    assert dict(summary.states) == {"E06000022": state, "E06000017": "not-shown-small-n"} and summary.exit_code == 1
    assert words in dict(summary.failed)["E06000022"] and any("E06000022: " in line and words in line for line in said)
    for page in ("batch.html", "release/index.html"):
        text = (summary.folder / page).read_text(encoding="utf-8")
        assert words in text and "F0012345" not in text
    monkeypatch.undo()
    again = run_batch(plan, out=tmp_path, workers=1, resume=True, **QUIET)
    assert dict(again.states)["E06000022"] == (state if state == "failed-model" else "done")  # what fails by itself is not tried again


def test_nothing_but_two_paths_goes_to_a_task(own):
    class Seen(Exception):
        """The tasks were handed over."""

    def executor(function, tasks, **named):
        raise Seen(tasks)

    bench.new_round(own)
    with pytest.raises(Seen) as handed:
        make_reports(own, workers=1, identifiers=set(), executor=executor, **QUIET)
    (tasks,) = handed.value.args
    assert [name for name, _ in tasks] == ["E06000017", "E06000022"]
    assert all(type(part) is str and Path(part).exists() for _, parts in tasks for part in parts) and len(pickle.dumps(tasks)) < 2_000


def test_another_plan_is_another_batch(plan, own):
    other = small_plan(own.parents[1], lambda content: (light(content), content["matching"].update(ratio=1)))
    assert batch.identity(checked_plan(other, ())[0], other, ()) != json.loads((own / "batch.json").read_text(encoding="utf-8"))


def test_a_delivery_that_changes_while_a_batch_runs_stops_it():
    with pytest.raises(EvaluationError, match="inputs of this batch must stay as they are"):
        check_inputs({"plan": "a", "inputs": {"x": "1"}}, {"plan": "a", "inputs": {"x": "2"}})


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_computed(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "estimate_shared", lambda *given, **named: pytest.fail("computed"))
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="--out"):
        run_batch(plan, out=tmp_path / "file", workers=1, **QUIET)
    monkeypatch.setattr(batch, "NEEDED_SPACE", 1 << 62)
    with pytest.raises(EvaluationError, match="MB free"):
        run_batch(plan, out=tmp_path / "runs", workers=1, **QUIET)


@pytest.mark.parametrize("page, pdf", [(b"whole", b"%PDF-1.7 cut"), (b"whole", b""), (b"<p>cut", b"%PDF-1.7\n%%EOF\n"), (b"", b"%PDF-1.7\n%%EOF\n")])
def test_a_report_cut_short_or_of_another_analysis_is_never_taken_as_done(finished, tmp_path, page, pdf):
    from evaluation.disclosure.release import ReportContent
    from evaluation.errors import ReportError

    content = ReportContent.read(finished / "contents" / "E06000022.json")
    whole = f"<p>{content.study.analysis_hash}</p></html>".encode()
    (tmp_path / "one.html").write_bytes(whole if page == b"whole" else page)
    (tmp_path / "one.pdf").write_bytes(pdf)
    with pytest.raises(ReportError, match="must be a whole"):
        check_whole(tmp_path / "one.html", tmp_path / "one.pdf", content)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_batch_that_is_told_to_stop_leaves_no_process_says_what_is_left_and_can_be_gone_on_with(plan, own, finished):
    bench.new_round(own)
    runner = bench.start(plan, own.parents[1], workers=2)
    until = time.monotonic() + 60
    while not any(bench.works(one) for one in bench.below(runner.pid)) and time.monotonic() < until:
        time.sleep(0.1)
    family = bench.below(runner.pid)
    assert [one for one in family if bench.works(one)]
    runner.send_signal(signal.SIGTERM)
    told = time.monotonic()
    runner.communicate(timeout=60)
    assert bench.still_there(family, max(5 - (time.monotonic() - told), 0.5)) == 0
    assert runner.returncode == 130 and "cancelled" in dict(batch_status(own).states).values()
    assert "the run was stopped" in (own / "batch.html").read_text(encoding="utf-8")
    assert resume(plan, own).complete and release_of(own) == release_of(finished)


@pytest.mark.kills
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_processes_killed_at_random_tear_and_lose_nothing(tmp_path):
    found = bench.kills(tmp_path, n=4, workers=2, seed=4, families={"E06000022": 100, "E06000017": 20, "E06000030": 20}, change=light_of_three)
    assert sum(found["kills"].values()) >= 4
    assert (found["torn"], found["lost"], found["left_running_after_5_s"], found["left_unfinished"], found["resume_recomputed"]) == (0, 0, 0, 0, 0)
    assert found["redone"] <= found["redone_allowed"]


def light_of_three(plan: dict) -> None:
    families = plan["data"]["families"]
    light(plan)
    plan["data"]["families"] = families


def test_a_second_runner_of_the_same_batch_is_refused_and_its_status_can_be_read(plan, own):
    from evaluation.runs.folder_lock import FolderInUse

    hold = (
        "import sys, time\nfrom evaluation.runs.folder_lock import only_runner\n"
        "with only_runner(sys.argv[1]):\n print('held', flush=True); time.sleep(60)"
    )
    root = str(Path(bench.__file__).parents[1])
    other = subprocess.Popen([sys.executable, "-c", hold, str(own)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root})
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse, match=str(other.pid)):
            resume(plan, own)
        assert batch_status(own).complete
    finally:
        other.kill()
        other.communicate()


def test_rows_in_another_order_give_the_same_content_byte_for_byte(tmp_path, dictionary):
    from evaluation.periods import Periods
    from evaluation.simulate import Simulation

    delivery = tmp_path / "delivery"
    families = {"E06000022": 200, "E06000017": 20}
    Simulation(families=families, periods=Periods.between("2011-Q1", "2015-Q4", kind="quarter"), seed=5).write(delivery, dictionary=dictionary)
    made = []
    for order in (0, 1, 2):
        room = tmp_path / str(order)
        determinism.shuffled(delivery, room / "data", order)
        path = small_plan(room, lambda plan: (light(plan), plan.update(data={"kind": "extracts", "folder": "data"})))
        estimate(checked_plan(path, ())[0], path, dictionary, room, councils=(), **QUIET)
        made.append({path.name: path.read_bytes() for path in (*(room / "contents").iterdir(), room / "release" / "ledger.json")})
    assert made[0] == made[1] == made[2] and len(made[0]) == 3


def test_the_status_of_a_batch_that_is_not_there_is_told(tmp_path):
    with pytest.raises(EvaluationError, match="holds no reports yet"):
        batch_status(tmp_path)


def test_a_report_whose_content_changed_is_stale(own):
    content = own / "contents" / "E06000022.json"
    content.write_text(content.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert standings(own)["E06000022"].state == "stale" and standings(own)["E06000017"].state == "not-shown-small-n"
