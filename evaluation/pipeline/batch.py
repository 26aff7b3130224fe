"""A batch: a study's reports in a folder that belongs to one plan, code and delivery, so that what was interrupted can be gone on with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from evaluation.dictionary import Dictionary
from evaluation.disclosure.release import ReportContent
from evaluation.errors import EvaluationError, ReportError
from evaluation.locations import open_data_folder
from evaluation.pipeline.batch_page import write_batch_page
from evaluation.pipeline.locking import standing_of
from evaluation.pipeline.manifest import read_manifest
from evaluation.pipeline.report_task import contentless
from evaluation.pipeline.run import RunSummary, checked_plan, code_of_this, estimate, finish, make_reports, run_identifiers
from evaluation.plan import Plan
from evaluation.runs.files import PARTIAL, canonical, file_sha256, hashes_of, sha256, sweep, write_whole
from evaluation.runs.folder_lock import only_runner
from evaluation.runs.manifest import versions
from evaluation.runs.records import DoneRecord, read_record, same, standing
from evaluation.runs.runner import Executor, Limits, Stop
from evaluation.runs.step_cache import FOLDER as STEPS

STUDY = "study"  # the name of the record of what all reports share
NEEDED_SPACE = 200_000_000  # bytes: under this a batch is not begun


def run_batch(
    plan_path: Path,
    *,
    councils: Sequence[str] = (),
    out: Path,
    workers: int,
    resume: bool = False,
    cache: bool = True,
    limits: Limits | None = None,
    scheduler: str | None = None,
    say: Callable[[str], object],
) -> RunSummary:
    """From a plan to released reports, in a folder named by the hash of plan, code, versions, councils and inputs.

    Parameters
    ----------
    resume : bool
        Go on with what an earlier batch of the same plan, code and data left: only what is missing is made.
    cache : bool
        Whether results of costly steps are kept in the batch's folder, to be used again where it is gone on with, and by other choices.
    scheduler : str, optional
        Address of a Dask scheduler whose workers make the reports, instead of processes of this machine; all see `out` under the same path.

    Raises
    ------
    EvaluationError
        Something the user can mend; `FolderInUse` where another process works on this very batch.
    """
    plan, dictionary = checked_plan(plan_path, councils)
    executor = on_cluster(scheduler)
    made_of = identity(plan, Path(plan_path), councils)
    folder = Path(out) / plan.study / f"batch-{sha256(canonical(made_of))[:12]}"
    check_begun(folder, resume, say)
    check_space(folder)
    with only_runner(folder):
        sweep(folder)
        write_whole(folder / "batch.json", canonical(made_of) + b"\n")
        if not shared_is_there(folder):
            kept = folder / STEPS if cache else None
            estimate_shared(plan, Path(plan_path), dictionary, folder, councils=councils, say=say, kept=kept, workers=workers)
        check_inputs(made_of, identity(plan, Path(plan_path), councils))
        summary, fresh = reports_of(folder, workers=workers, limits=limits, executor=executor, say=say)
        write_batch_page(folder, summary)
    finish(summary, read_contents(folder) if fresh else (), say)
    say(f"States and times: {folder / 'batch.html'}")
    return summary


def on_cluster(scheduler: str | None) -> Executor | None:
    """What runs tasks on a cluster, which must answer before anything is computed; None without one."""
    if scheduler is None:
        return None
    from evaluation.runs.cluster import client_of, run_on_cluster

    client_of(scheduler).close()
    return partial(run_on_cluster, scheduler=scheduler)


def reports_of(
    folder: Path, *, workers: int, limits: Limits | None, say: Callable[[str], object], executor: Executor | None = None
) -> tuple[RunSummary, bool]:
    """Make the reports that are missing; whether any had to be made."""
    records = standings(folder)
    if all(record is not None and record.finished for record in records.values()) and is_released(folder, records):
        say(f"All {len(records)} reports are there; nothing to make.")
        return RunSummary.of(folder, records), False
    done = sum(record is not None and record.finished for record in records.values())
    say(f"{done} of {len(records)} reports are there; making the others, {'on the cluster' if executor else f'{workers} at a time'}.")
    with Stop().on_signals() as stop:
        make_reports(
            folder,
            workers=workers,
            say=say,
            identifiers=run_identifiers(folder),
            only_missing=True,
            limits=limits,
            stop=stop,
            executor=executor,
        )
    return RunSummary.of(folder, told_by_disk(folder)), True


def told_by_disk(folder: Path) -> dict[str, DoneRecord]:
    """Every report as its record and files on disk say, whatever the runner remembers: what the exit code rests on is what a later run will find."""
    gone = "its record is not on disk"
    return {code: record or DoneRecord(name=code, state="failed-system", fault=gone) for code, record in standings(folder).items()}


def is_released(folder: Path, records: Mapping[str, DoneRecord]) -> bool:
    """Whether every report made is in a release that passed its audit."""
    lying = [folder / path.replace("rendering/", "release/councils/", 1) for record in records.values() for path in record.files]
    return (folder / "release" / "audit.json").is_file() and "release" in read_manifest(folder) and all(path.is_file() for path in lying)


def standings(folder: Path) -> dict[str, DoneRecord | None]:
    """Every report of a run as it stands; None where none was begun."""
    made = {path.stem: standing(folder, path.stem, file_sha256(path)) for path in sorted((Path(folder) / "contents").glob("*.json"))}
    return made | contentless(folder)


def batch_status(run: Path) -> RunSummary:
    """How far a run is, read without its lock.

    Raises
    ------
    ReportError
        The folder holds no run.
    """
    run = Path(run)
    if not (run / "contents").is_dir():
        raise ReportError(f"{run} holds no reports yet: it has no folder `contents`. Give a folder like runs/<study>/batch-<hash>.")
    waiting = {code: record or DoneRecord(name=code, state="cancelled", fault="not made yet") for code, record in standings(run).items()}
    return RunSummary.of(run, waiting)


def identity(plan: Plan, plan_path: Path, councils: Sequence[str]) -> dict[str, object]:
    """What a batch is made of; another value of any part is another batch, in another folder."""
    return {
        "plan": plan.hash(),
        "code": code_of_this(),
        "versions": dict(versions()),
        "councils": sorted(councils),
        "lock": sha256(canonical(asdict(standing_of(plan_path, plan)))),
        "inputs": inputs_of(plan, plan_path.parent),
    }


def inputs_of(plan: Plan, plan_folder: Path) -> dict[str, str]:
    """Files that the plan's data come from, with their hashes; none for simulated data, which the plan's seed makes."""
    if plan.data.kind == "simulated":
        return {}
    folder = open_data_folder() if plan.data.kind == "open_statistics" else plan_folder / str(plan.data.folder)
    return hashes_of((path for path in folder.rglob("*") if path.is_file()), folder)


def check_inputs(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Whether plan, code and delivery stayed what they were while the study was estimated.

    Raises
    ------
    EvaluationError
        Something changed: reports would be of a mixture.
    """
    changed = [part for part in before if before[part] != after[part]]
    if changed:
        raise EvaluationError(f"The {' and '.join(changed)} of this batch must stay as they are while it runs, and changed. Begin the batch again.")


def check_begun(folder: Path, resume: bool, say: Callable[[str], object]) -> None:
    """Refuse to begin a batch that is there already, unless it is to be gone on with.

    Raises
    ------
    EvaluationError
        There is one.
    """
    there = (folder / "batch.json").is_file()
    if there and not resume:
        raise EvaluationError(f"This plan, code and data have a batch already: {folder}. Add --resume to make what is missing in it, or remove it.")
    if resume and not there:
        say("There is no batch of this plan, code and data to go on with (another plan, code or delivery makes another batch); beginning one.")


def check_space(folder: Path) -> None:
    """Whether the disk has room, before hours are spent.

    Raises
    ------
    EvaluationError
        It has not, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as fault:
        raise EvaluationError(f"{folder} must be a folder that can be written to: {os.strerror(fault.errno or 0)}. Name another by --out.") from None
    if not os.access(folder, os.W_OK):
        raise EvaluationError(f"{folder} must be a folder that can be written to, and is not. Name another by --out.")
    if free < NEEDED_SPACE:
        raise EvaluationError(f"{folder} must have {NEEDED_SPACE / 1e6:,.0f} MB free: it has {free / 1e6:,.0f}. Make room, or name another by --out.")


def estimate_shared(
    plan: Plan,
    plan_path: Path,
    dictionary: Dictionary,
    folder: Path,
    *,
    councils: Sequence[str],
    say: Callable[[str], object],
    kept: Path | None = None,
    workers: int = 1,
) -> None:
    """What all reports share, made aside and brought in whole; its record is written last."""
    room = folder / f"{PARTIAL}{STUDY}"
    room.mkdir()
    estimate(plan, plan_path, dictionary, room, councils=councils, say=say, kept=kept, workers=workers)
    for path in sorted((room / "done").glob("*")):  # beside the records of reports made before, which still hold where contents come out the same
        (folder / "done").mkdir(exist_ok=True)
        os.replace(path, folder / "done" / path.name)
    shutil.rmtree(room / "done", ignore_errors=True)
    for path in sorted(room.iterdir()):
        target = folder / path.name
        shutil.rmtree(target, ignore_errors=True)
        os.replace(path, target)
    room.rmdir()
    shared = [*(folder / "contents").glob("*.json"), *(folder / "release").glob("*.json")]
    DoneRecord(name=STUDY, state="done", made_from=plan.hash(), files=hashes_of(shared, folder)).write(folder)


def shared_is_there(folder: Path) -> bool:
    """Whether what all reports share was made, and is what was written (the audit may have been written since)."""
    record = read_record(folder, STUDY)
    whole = record is not None and bool(record.files) and all(same(folder / path, told) for path, told in record.files.items())
    return whole and not any(one.state == "failed-system" for one in contentless(folder).values())


def read_contents(folder: Path) -> tuple[ReportContent, ...]:
    """The contents of a run's reports."""
    return tuple(ReportContent.read(path) for path in sorted((folder / "contents").glob("*.json")))
