"""A study's run: folders, progress, release, reports. Nothing appears under its final name before it is complete and scanned."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.record import let_out, prepare, register_of
from evaluation.disclosure.release import ReportContent
from evaluation.errors import EvaluationError, PlanError, ReportError
from evaluation.findings.standing import label
from evaluation.locations import project_file
from evaluation.pipeline.locking import lock_path, record_opening, standing_of
from evaluation.pipeline.manifest import add_release, write_manifest
from evaluation.pipeline.report_task import contentless, record_of, report_files, without_content
from evaluation.pipeline.scanning import run_identifiers, scan_release
from evaluation.plan import Plan, read_plan
from evaluation.runs.files import PARTIAL, file_sha256, sweep, write_whole
from evaluation.runs.manifest import analysis_hash, code_hash, write_json
from evaluation.runs.progress import Progress
from evaluation.runs.records import DoneRecord, record_path, standing
from evaluation.runs.runner import Executor, Limits, Stop, run_tasks
from evaluation.runs.states import State
from evaluation.runs.step_cache import FOLDER as STEPS

Say = Callable[[str], object]
BESIDE = {".html": "Auditor’s pack: assumptions, decisions, data, every estimate, anchors", ".csv": "Register of every estimate (CSV)"}
GIVEN = "plan_as_given.yml"  # the plan without the defaults that were filled in: for making the run, or another like it, again


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run made: the folder that holds it, reports made, and reports that failed with the reason."""

    folder: Path
    made: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, State], ...] = ()

    @classmethod
    def of(cls, folder: Path, records: Mapping[str, DoneRecord]) -> RunSummary:
        """The summary of what done-records tell."""
        ordered = [records[code] for code in sorted(records)]
        return cls(
            folder=folder,
            made=tuple(record.name for record in ordered if record.finished),
            failed=tuple((record.name, record.fault) for record in ordered if not record.finished),
            states=tuple((record.name, record.state) for record in ordered),
        )

    @property
    def complete(self) -> bool:
        """Whether every report was made."""
        return not self.failed

    @property
    def exit_code(self) -> int:
        """0 when every report was made, 130 when the run was stopped, else 1."""
        return 0 if self.complete else 130 if "cancelled" in dict(self.states).values() else 1


def run_study(plan_path: Path, *, councils: Sequence[str], out: Path, workers: int, say: Say, explored: Path | None = None,
              cache: bool = True) -> RunSummary:
    """From a plan to released reports.

    Parameters
    ----------
    explored : Path, optional
        What the release of another run lists as tried in its room: this one lists it too.
    cache : bool
        Whether results of costly steps are kept in the run's folder, to be used again by other choices.

    Raises
    ------
    EvaluationError
        Something the user can mend; what had been made stays in a folder whose name ends in `.failed`.
    """
    plan, dictionary = checked_plan(plan_path, councils)
    name, room = new_room(Path(out) / plan.study, f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{plan.hash()[:8]}")
    try:
        if explored is not None and explored.is_file():
            shutil.copyfile(explored, room / explored.name)
        contents = estimate(plan, Path(plan_path), dictionary, room, councils=councils, say=say, kept=room / STEPS if cache else None,
                            workers=workers)
        summary = make_reports(room, workers=workers, say=say, identifiers=run_identifiers(room))
    except BaseException:
        os.replace(room, room.with_name(f"{name}.failed"))
        raise
    final = room.with_name(name)
    os.replace(room, final)
    summary = replace(summary, folder=final)
    finish(summary, contents, say)
    return summary


def checked_plan(path: Path, councils: Sequence[str]) -> tuple[Plan, Dictionary]:
    """A plan whose names all exist, with the dictionary that knows them; nothing is written before this has passed."""
    from evaluation.pipeline.receive import check_names

    plan, dictionary = read_plan(path), load_dictionary()
    check_names(plan, dictionary)
    check_councils(councils, dictionary)
    return plan, dictionary


def estimate(
    plan: Plan, plan_path: Path, dictionary: Dictionary, room: Path, *, councils: Sequence[str], say: Say, kept: Path | None = None, workers: int = 1
) -> tuple[ReportContent, ...]:
    """From records to the protected content of every report, with the manifest of what it was made from.

    Parameters
    ----------
    kept : Path, optional
        Folder of results of steps that may be used again.
    """
    from threadpoolctl import threadpool_limits

    from evaluation.pipeline.anchors import check_anchors
    from evaluation.pipeline.auditors_pack import FILE as AUDITORS
    from evaluation.pipeline.auditors_pack import auditors_pack
    from evaluation.pipeline.event_studies import FILE as EVENT_STUDIES
    from evaluation.pipeline.event_studies import event_studies_of
    from evaluation.pipeline.recipe import evaluate, release, vintage_of

    clock = Clock(say=say, log=room / "log.jsonl")
    (room / "plan.yml").write_text(plan.canonical() + "\n", encoding="utf-8")  # the lock: written before any outcome is read
    (room / GIVEN).write_text(plan.as_given() + "\n", encoding="utf-8")
    if lock_path(plan_path).is_file():
        shutil.copyfile(lock_path(plan_path), lock_path(room / GIVEN))
    lock = record_opening(plan_path, plan)
    standing = standing_of(plan_path, plan)
    clock.step(f"plan {plan.hash()[:12]} locked{f' on {standing.locked}' if standing.locked else ' by this run'}")
    with threadpool_limits(limits=1):  # sums of floats depend on the number of threads in their last bits
        analysis = evaluate(plan, plan_path.parent, dictionary, room, clock.step, kept=kept)
    code = code_of_this()
    hashed = analysis_hash(plan=plan.canonical(), code=code, tables={name: table.content_hash for name, table in analysis.tables.items()})
    failed: dict[str, Exception] = {}
    with threadpool_limits(limits=1):
        studies = event_studies_of(analysis, standing)
        contents, ledger = release(
            analysis,
            councils,
            analysis_hash=hashed,
            register=register_of(room, plan),
            failed=failed,
            beside=lambda ledger: studies(ledger).write(room / EVENT_STUDIES),
            workers=workers,
            step=clock.step,
        )
    for council, fault in failed.items():
        clock.step(f"{council}: {without_content(room, council, fault).fault}")
    contents = tuple(label(content, standing) for content in contents)
    clock.step(f"{len(contents)} report(s) worded and protected")
    with threadpool_limits(limits=1):
        anchors = check_anchors()
    pack = auditors_pack(plan, analysis.tables, contents, ledger, lock=lock, standing=standing, anchors=anchors)
    pack.write(room / AUDITORS)
    clock.step(pack.told[-1])
    write_release(room, plan, contents, ledger)
    prepare(room, plan, contents, ledger, vintage=vintage_of(analysis))
    write_manifest(room, analysis, hashed=hashed, code=code, lock=lock, councils=tuple(councils), plan_file=plan_path)
    return contents


def code_of_this() -> str:
    """Hash of the code, the dictionary and the notebook in use."""
    return code_hash([Path(__file__).parents[1], project_file("data_dictionary"), project_file("notebooks")])


def new_room(folder: Path, name: str) -> tuple[str, Path]:
    """A run's name and its private folder; a number follows the name where a run of the same second has it already."""
    folder.mkdir(parents=True, exist_ok=True)
    for free in (name, *(f"{name}-{number}" for number in range(2, 1000))):
        room = folder / f".{free}.partial"
        if (folder / free).exists() or (folder / f"{free}.failed").exists():
            continue
        try:
            room.mkdir()
        except FileExistsError:
            continue
        return free, room
    raise EvaluationError(f"{folder} must have room for a run named {name}: it holds a thousand of them. Name another folder by --out.")


@dataclass(slots=True, kw_only=True)
class Clock:
    """Says each step with the seconds since the start, and keeps it in the run's log (no row values)."""

    say: Say
    log: Path
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = time.monotonic()

    def step(self, text: str) -> None:
        """One line of progress."""
        seconds = time.monotonic() - self.began
        self.say(f"[{seconds:6.1f} s] {text}")
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"seconds": round(seconds, 1), "step": text}, ensure_ascii=False) + "\n")


def check_councils(councils: Sequence[str], dictionary: Dictionary) -> None:
    """Whether the councils asked for on the command line exist."""
    for code in councils:
        if code != "all" and code not in dictionary.councils:
            try:
                near = dictionary.resolve_council(code)
            except EvaluationError:
                raise PlanError(f"--council {code}: there is no council with this code. Codes are in data_dictionary/councils.csv.") from None
            raise PlanError(f"--council {code}: give the GSS code of {near.name}, {near.code}.")


def write_release(room: Path, plan: Plan, contents: Sequence[ReportContent], ledger: Ledger) -> None:
    """results.json and the ledger: every number of every report; one content file a report."""
    for folder in ("release/councils", "contents"):
        (room / folder).mkdir(parents=True)
    for content in contents:
        content.write(room / "contents" / f"{content.council.code}.json")
    write_json(
        room / "release" / "results.json",
        {
            "study": plan.study,
            "simulated": plan.report.simulated,
            "reports": {content.council.code: content.model_dump(mode="json") for content in contents},
        },
    )
    write_json(
        room / "release" / "ledger.json",
        {
            "profile": ledger.profile.name,
            "rule": ledger.profile.sentence,
            "numbers": [
                {"what": entry.what, "population": entry.population, "text": entry.shown.text, "value": entry.shown.value} for entry in ledger.entries
            ],
        },
    )


def make_reports(
    room: Path,
    *,
    workers: int,
    say: Say,
    identifiers: set[str],
    councils: Sequence[str] = (),
    only_missing: bool = False,
    limits: Limits | None = None,
    stop: Stop | None = None,
    executor: Executor | None = None,
) -> RunSummary:
    """Every report of a release from its content files: rendered aside, scanned, then brought into the release.

    Parameters
    ----------
    only_missing : bool
        Whether reports that a done-record proves to be there are left as they are.
    executor : callable, optional
        What runs the tasks; processes of this machine without it.
    """
    contents = {path.stem: path for path in sorted((room / "contents").glob("*.json")) if not councils or path.stem in councils}
    if missing := [code for code in councils if code not in contents] or ([] if contents else ["any council"]):
        raise ReportError(f"{room.name} holds no content for {', '.join(missing)}. Run the study first, or name a council of the run.")
    found = {code: standing(room, code, file_sha256(path)) for code, path in contents.items()} if only_missing else {}
    kept = {code: record for code, record in found.items() if record is not None and record.finished}
    for code in contents.keys() - kept.keys():
        record_path(room, code).unlink(missing_ok=True)
    tasks = [(code, (str(path), str(room))) for code, path in contents.items() if code not in kept]
    progress = Progress(say=say, log=room / "batch.jsonl", total=len(tasks), workers=workers)
    records = dict(kept) | ({} if councils else contentless(room))
    for end in (executor or run_tasks)(report_files, tasks, workers=workers, limits=limits, stop=stop, folder=room, begun=progress.begun):
        records[end.name] = record_of(room, end, file_sha256(contents[end.name]))
        progress.ended(records[end.name])
    sweep(room / "rendering")  # a task that was killed leaves what it had not finished
    publish(room, records, identifiers, workers=workers)
    return RunSummary.of(room, records)


def publish(room: Path, records: Mapping[str, DoneRecord], identifiers: set[str], *, workers: int = 1) -> None:
    """Scan what was made, then bring it into the release; the audit is taken away first and written last, so that a release with one is whole."""
    made = sorted(code for code, record in records.items() if record.finished)
    files = [room / path for code in made for path in sorted(records[code].files)]
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=room) as aside:
        pack = write_auditors_pack(room, Path(aside))
        index = write_index(room, Path(aside), {code: record.fault for code, record in records.items() if not record.finished}, pack)
        whole = [*files, *pack, index, room / "release" / "results.json", room / "release" / "ledger.json"]
        scanned = scan_release(room, whole, identifiers, workers=workers)
        (room / "release" / "audit.json").unlink(missing_ok=True)
        for path in files:
            bring(path, room / "release" / "councils" / path.parent.name / path.name)
        for path in (*pack, index):
            os.replace(path, room / "release" / path.name)
    held = sorted(code for code, record in records.items() if not record.finished)
    let_out(room, {"files_scanned": scanned, "identifiers_looked_for": len(identifiers), "found": 0, "held": held}, identifiers)
    add_release(room)


def bring(path: Path, target: Path) -> None:
    """Give a file a second name in the release (a copy where the disk has no links), whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{PARTIAL}{target.name}")
    partial.unlink(missing_ok=True)
    try:
        os.link(path, partial)
    except OSError:
        shutil.copyfile(path, partial)
    os.replace(partial, target)
    partial.unlink(missing_ok=True)  # renaming one name of a file to another of the same file leaves both


def write_auditors_pack(room: Path, aside: Path) -> tuple[Path, ...]:
    """The auditor's pack, written aside: its page with what was tried in the room since, and its register of estimates. None of a run without one."""
    from evaluation.disclosure.auditors import AuditorsPack
    from evaluation.pipeline.auditors_pack import EXPLORED, FILE, explored
    from evaluation.reporting.auditors_page import auditors_page, file_stem, register_csv

    if not (room / FILE).is_file():
        return ()
    pack, tried = AuditorsPack.read(room / FILE), explored(room)
    write_json(room / EXPLORED, tried)
    made = {".html": auditors_page(pack, tried), ".csv": register_csv(pack)}
    return tuple(write_whole(aside / f"{file_stem(pack)}{ending}", text.encode("utf-8")) for ending, text in made.items())


def write_index(room: Path, aside: Path, failed: dict[str, str], beside: Sequence[Path] = ()) -> Path:
    """index.html, written aside: the list of the release's reports with those that lie aside, those that could not be made too."""
    from evaluation.reporting.index import IndexEntry
    from evaluation.reporting.index import write_index as write_page

    entries, study = [], None
    for path in sorted((room / "contents").glob("*.json")):
        try:
            content = ReportContent.read(path)
        except ValueError:
            entries.append(IndexEntry(code=path.stem, name=path.stem, state="failed", headline=failed.get(path.stem, "its content cannot be read")))
            continue
        code, study = content.council.code, content.study
        lying = [*(room / "release" / "councils" / code).glob("*"), *(room / "rendering" / code).glob("*")]
        files = {file.suffix: f"councils/{code}/{file.name}" for file in lying}
        shown = any(outcome.status == "estimated" for outcome in content.outcomes)
        entries.append(
            IndexEntry(
                code=code,
                name=content.council.name,
                state="failed" if code in failed else "made" if shown else "not_shown",
                strength=f"{content.strength.score} of 5: {content.strength.label}",
                headline=failed.get(code, content.summary.headline),
                html=files.get(".html", ""),
                pdf=files.get(".pdf", ""),
                ods=files.get(".ods", ""),
                xlsx=files.get(".xlsx", ""),
            )
        )
    entries += [
        IndexEntry(code=code, name=code, state="failed", headline=reason) for code, reason in sorted(failed.items()) if not is_content(room, code)
    ]
    if study is None:
        raise ReportError("No report's content can be read. Run the study again.")
    date = dt.date.fromisoformat(study.date)
    aside.mkdir(exist_ok=True)
    return write_page(entries, aside, title=study.title, date=f"{date.day} {date:%B %Y}", simulated=study.simulated,
                      beside={path.name: BESIDE[path.suffix] for path in beside})


def is_content(room: Path, code: str) -> bool:
    """Whether a report has a content."""
    return (room / "contents" / f"{code}.json").is_file()


def finish(summary: RunSummary, contents: Sequence[ReportContent], say: Say) -> None:
    """The table at the end."""
    say("")
    verdicts = {content.council.code: content for content in contents}
    for code in filter(verdicts.__contains__, summary.made):
        content = verdicts[code]
        say(f"  {code:<10} {content.council.name[:34]:<34} strength {content.strength.score} of 5   {content.summary.headline}")
    for code, reason in summary.failed:
        say(f"  {code:<10} NOT MADE: {reason}")
    say(f"\n{len(summary.made)} of {len(summary.made) + len(summary.failed)} reports made. Open {summary.folder / 'release' / 'index.html'}")


def report_run(run: Path, *, councils: Sequence[str], workers: int, say: Say) -> RunSummary:
    """Make a finished run's reports again from its release."""
    run = Path(run)
    if not (run / "contents").is_dir():
        raise ReportError(f"{run} is not a finished run: it has no folder `contents`. Give a folder like runs/<study>/<run id>.")
    return make_reports(run, workers=workers, say=say, identifiers=run_identifiers(run), councils=councils)
