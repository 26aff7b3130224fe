"""Faults of processes, disks and machines, brought about in a small estimated study whose reports are stand-ins."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from unittest.mock import patch

import psutil

import evaluation
from evaluation.errors import EvaluationError
from evaluation.pipeline.batch import batch_status, reports_of, standings
from evaluation.pipeline.run import checked_plan, estimate
from evaluation.runs import runner
from evaluation.runs.files import PARTIAL, sweep
from evaluation.runs.records import record_path
from evaluation.runs.runner import Ended, Limits, run_tasks
from tests.run_faults import tasks
from tests.run_faults.case import FAMILIES, VICTIM, Tried, broken

ROOT = Path(evaluation.__file__).parents[1]


def light(plan: dict) -> None:
    """Three councils, two outcomes, no checks."""
    plan["data"]["families"] = dict(FAMILIES)
    plan["outcomes"] = {"primary": ["unauthorised_absence_rate"], "secondary": ["adult_in_work"]}
    plan["checks"] = []
    for optional in ("value", "subgroups", "second_estimators", "payment_by_results"):
        plan.pop(optional, None)


@cache
def estimated() -> Path:
    """A study estimated once, before any report; to be copied."""
    from tests.pipeline.conftest import small_plan

    folder = Path(tempfile.mkdtemp(prefix="run-faults-"))
    path = small_plan(folder, light)
    plan, dictionary = checked_plan(path, ())
    (folder / "room").mkdir()
    estimate(plan, path, dictionary, folder / "room", councils=(), say=lambda text: None)
    return folder / "room"


def room_in(folder: Path) -> Path:
    """A copy that a fault may spoil."""
    return Path(shutil.copytree(estimated(), folder / "room"))


def faulty(kind: str, work: object, given: list, **options: object) -> Iterator[Ended]:
    """The tasks as stand-ins of which one goes wrong."""
    return run_tasks(tasks.faulty, [(name, (kind, VICTIM, *arguments)) for name, arguments in given], **options)


def reports(room: Path, kind: str = "", **limits: float) -> Tried:
    """Make what is missing, with a fault."""
    task = partial(faulty, kind) if kind else in_stead
    with patch.object(runner, "PRELOADED", ()):
        summary, _ = reports_of(room, workers=2, limits=Limits(**limits), say=lambda text: None, executor=task)
    left = [path for path in room.rglob(f"{PARTIAL}*")]
    whole = all(path.read_text(encoding="utf-8").endswith("</html>") for path in (room / "rendering").glob("*/*.html"))
    promises = {"nothing_half_written_is_left": not left, "every_file_under_its_name_is_whole": whole}
    return Tried(states=dict(summary.states), said=dict(summary.failed).get(VICTIM, ""), complaints=broken(promises))


def in_stead(work: object, given: list, **options: object) -> Iterator[Ended]:
    """Stand-ins without a fault."""
    return run_tasks(tasks.stand_in, given, **options)


def one_fault(kind: str, **limits: float) -> Callable[[Path], Tried]:
    """One report goes wrong; going on afterwards makes what may be made again, and no other report."""

    def attempt(folder: Path) -> Tried:
        room = room_in(folder)
        tried = reports(room, kind, **limits)
        before = stamps(room)
        again = reports(room)
        untouched = all(stamps(room)[code] == stamp for code, stamp in before.items() if code != VICTIM)
        promises = {"going_on_makes_it": again.states[VICTIM] == "done", "going_on_makes_no_other": untouched}
        return Tried(states=tried.states, said=tried.said, complaints=(*tried.complaints, *broken(promises)))

    return attempt


def stamps(room: Path) -> dict[str, int]:
    """When each record was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (room / "done").glob("*.json")}


def tries_of(room: Path) -> int:
    """How often the faulty report was begun by a work that keeps count."""
    return len(list((room / "begun").glob(f"try-{VICTIM}-*")))


def killed(kind: str, tries: int) -> Callable[[Path], Tried]:
    """A report whose process is killed."""

    def attempt(folder: Path) -> Tried:
        room = room_in(folder)
        tried = reports(room, kind)
        return Tried(states=tried.states, said=tried.said, complaints=(*tried.complaints, *broken({f"begun_{tries}_times": tries_of(room) == tries})))

    return attempt


def poison(folder: Path) -> Tried:
    """A report whose process dies each time, in two runs: each run gives it up after two tries and makes the others once."""
    room = room_in(folder)
    first, kept = reports(room, "killed always"), stamps(room)
    second = reports(room, "killed always")
    others = all(stamps(room)[code] == stamp for code, stamp in kept.items() if code != VICTIM)
    promises = {
        "four_tries_in_all": tries_of(room) == 4,
        "others_are_made_once": others,
        "the_second_run_ends_too": second.states[VICTIM] == "failed-system",
    }
    return Tried(states=first.states, said=first.said, complaints=(*first.complaints, *second.complaints, *broken(promises)))


def disk_full(folder: Path) -> Tried:
    """No space at each of the moments at which a report forces something to disk, one after the other."""
    found = []
    for at in range(1, 9):
        room = room_in(folder / str(at))
        tried = reports(room, f"disk full {at}")
        found.append(tried)
        if tried.states[VICTIM] == "done":
            break  # a report forces fewer things to disk than that
    complaints = [f"write {at + 1}: {words}" for at, one in enumerate(found) for words in one.complaints]
    complaints += [
        f"write {at + 1} ends as {one.states[VICTIM]}" for at, one in enumerate(found[:-1]) if one.states[VICTIM] not in ("failed-system", "done")
    ]
    return Tried(states=found[0].states, said=found[0].said, complaints=tuple(complaints))


def in_process(room: Path, seconds: float = 0.0, environment: Mapping[str, str] | None = None, before: tuple[str, ...] = ()) -> subprocess.Popen:
    """A runner of stand-ins in a process of its own."""
    command = [*before, sys.executable, "-m", "tests.run_faults.runner", str(room), str(seconds)]
    told = os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {})
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=told)


def begun(room: Path, within: float = 120.0) -> None:
    """Wait until a report is begun."""
    until = time.monotonic() + within
    while not list((room / "begun").glob("*")) and time.monotonic() < until:
        time.sleep(0.02)


def told_of(room: Path, **promises: bool) -> Tried:
    """What lies on disk."""
    summary = batch_status(room)
    return Tried(states=dict(summary.states), said=dict(summary.failed).get(VICTIM, ""), complaints=broken(promises))


def runner_killed(folder: Path) -> Tried:
    """A power cut for the processes: the runner is killed, the next goes on."""
    room = room_in(folder)
    one = in_process(room, 1.0)
    begun(room)
    one.kill()
    one.communicate()
    torn = any(record is not None and record.state == "stale" for record in standings(room).values())
    two = in_process(room)
    _, said = two.communicate()
    n = len(list((room / "begun").glob("*")))
    return told_of(room, nothing_torn=not torn, the_next_runner_ends_well=two.returncode == 0, at_most_one_redo_a_worker=n <= len(FAMILIES) + 2)


def runner_stopped(folder: Path) -> Tried:
    """SIGTERM: nothing more is begun, what is under way goes, and it is said what is left."""
    room = room_in(folder)
    one = in_process(room, 60.0)
    begun(room)
    family = psutil.Process(one.pid).children(recursive=True)
    one.send_signal(signal.SIGTERM)
    one.communicate(timeout=120)
    _, alive = psutil.wait_procs(family, timeout=5)
    tried = told_of(room, exit_code_130=one.returncode == 130, no_process_left=not alive)
    return Tried(
        states=tried.states, said=tried.said, complaints=(*tried.complaints, *broken({"going_on_makes_all": reports(room).states[VICTIM] == "done"}))
    )


def second_runner(folder: Path) -> Tried:
    """Two runners of one folder."""
    from evaluation.runs.folder_lock import FolderInUse, only_runner

    room = room_in(folder)
    one = in_process(room, 60.0)
    try:
        begun(room)
        began = time.monotonic()
        try:
            with only_runner(room):
                return Tried.whole("done", "two runners at work")
        except FolderInUse as refused:
            soon = time.monotonic() - began < 1
            told = refused
        return Tried.whole(
            "refused",
            told,
            refused_within_a_second=soon,
            names_its_process=str(one.pid) in str(told),
            status_can_be_read=bool(batch_status(room).states),
        )
    finally:
        one.terminate()
        one.communicate()


def stale_lock(folder: Path) -> Tried:
    """What a dead runner leaves in the folder stops nobody."""
    room = room_in(folder)
    for name in (".lock", ".tasks"):
        (room / name).write_text("", encoding="utf-8")
    (room / ".runner.json").write_text('{"pid": 1, "host": "elsewhere"}', encoding="utf-8")
    one = in_process(room)
    _, said = one.communicate()
    return told_of(room, **{f"starts_{said[-200:]}": one.returncode == 0})


def no_space(folder: Path) -> Tried:
    """A folder that is none, and a disk without room."""
    from evaluation.pipeline import batch

    (folder / "file").write_text("", encoding="utf-8")
    said = []
    for place, needed in ((folder / "file" / "runs", 0), (folder / "runs", 1 << 62)):
        with patch.object(batch, "NEEDED_SPACE", needed):
            try:
                batch.check_space(place)
            except EvaluationError as refused:
                said.append(str(refused))
    return Tried.whole("refused" if len(said) == 2 else "done", " ".join(said))


def spoilt(change: Callable[[Path], object]) -> Callable[[Path], Tried]:
    """A finished report is spoilt: its state says so until it is made again."""

    def attempt(folder: Path) -> Tried:
        room = room_in(folder)
        reports(room)
        change(room)
        tried, kept = told_of(room), stamps(room)
        again = reports(room)
        others = all(stamps(room)[code] == stamp for code, stamp in kept.items() if code != VICTIM)
        promises = {"going_on_makes_it": again.states[VICTIM] == "done", "going_on_makes_no_other": others}
        return Tried(states=tried.states, said=tried.said, complaints=broken(promises))

    return attempt


def altered_page(room: Path) -> None:
    """One byte less."""
    (page,) = (room / "rendering" / VICTIM).glob("*.html")
    content = page.read_bytes()
    page.unlink()
    page.write_bytes(content[:-1])


def clock(folder: Path) -> Tried:
    """Every file is from 1970 or from 2099, and the next run is in another time zone: nothing is made again, nothing else comes out."""
    room = room_in(folder)
    reports(room)
    before = released(room)
    for number, path in enumerate(sorted(path for path in room.rglob("*") if path.is_file())):
        os.utime(path, (number % 2 * 4_070_908_800,) * 2)
    kept = stamps(room)
    one = in_process(room, environment={"TZ": "Pacific/Auckland"})
    one.communicate()
    return told_of(room, ends_well=one.returncode == 0, nothing_made_again=stamps(room) == kept, same_bytes=released(room) == before)


def released(room: Path) -> dict[str, bytes]:
    """What may leave."""
    return {path.relative_to(room).as_posix(): path.read_bytes() for path in sorted((room / "release").rglob("*")) if path.is_file()}


def strange_place(environment: Mapping[str, str], name: str = "room", before: tuple[str, ...] = ()) -> Callable[[Path], Tried]:
    """Another machine: the same bytes as here."""

    def attempt(folder: Path) -> Tried:
        here, there = room_in(folder / "here"), folder / name
        shutil.copytree(here, there)
        reports(here)
        one = in_process(there, environment={name: value.replace("FOLDER", str(folder)) for name, value in environment.items()}, before=before)
        _, said = one.communicate()
        told = {path: content for path, content in released(there).items() if not path.endswith("audit.json")}
        return told_of(
            there,
            same_bytes=all(released(here)[path] == content for path, content in told.items()),
            **{f"ends well {said[-300:]}": one.returncode == 0},
        )

    return attempt


BLOCKED = """
import socket, sys
def look(event, given):
    if event == "socket.__new__" and given[1] != socket.AF_UNIX:
        raise OSError("no network")
sys.addaudithook(look)
"""


def no_network(folder: Path) -> Tried:
    """Every socket but those between processes of this machine raises."""
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(BLOCKED, encoding="utf-8")
    return strange_place({"PYTHONPATH": f"{folder / 'site'}{os.pathsep}{ROOT}", "http_proxy": "http://10.255.255.1:1"})(folder)


def many_tasks(folder: Path) -> Tried:
    """Hundreds of tasks leave no open file, thread, process or memory behind in the runner."""
    from tests.runs import work

    def used() -> tuple[int, int, float]:
        me = psutil.Process()
        return me.num_fds(), me.num_threads(), me.memory_info().rss

    def run(n: int) -> list[str]:
        with patch.object(runner, "PRELOADED", ()):
            return [end.state for end in run_tasks(work.double, [(str(number), (number,)) for number in range(n)], workers=2)]

    run(10)
    files, threads, memory = used()
    states = run(150)
    more = used()
    left = [one for one in multiprocessing.active_children() if one.is_alive()]
    promises = {
        "no_more_open_files": more[0] <= files,
        "no_more_threads": more[1] <= threads,
        "memory_grows_under_5_%": more[2] < 1.05 * memory,
        "no_process_left": not left,
    }
    return Tried.whole("done" if set(states) == {"done"} else "failed-system", states[-1], **promises)


def twice(folder: Path) -> Tried:
    """A report that is asked for twice is made once."""
    room = room_in(folder)

    def doubled(work: object, given: list, **options: object) -> Iterator[Ended]:
        return in_stead(work, [*given, *given], **options)

    with patch.object(runner, "PRELOADED", ()):
        summary, _ = reports_of(room, workers=2, limits=None, say=lambda text: None, executor=doubled)
    return Tried(states=dict(summary.states), complaints=broken({"each_begun_once": len(list((room / "begun").glob("*"))) == len(FAMILIES)}))


def parts_lost(folder: Path) -> Tried:
    """A record torn by a machine that does not keep its promises is no record."""
    room = room_in(folder)
    tried = reports(room, "dies after its record")
    path = record_path(room, VICTIM)
    path.write_bytes(path.read_bytes()[:40])
    promises = {"a_torn_record_is_none": standings(room)[VICTIM] is None, "going_on_makes_it": reports(room).states[VICTIM] == "done"}
    sweep(room)
    return Tried(states=tried.states, said=tried.said, complaints=(*tried.complaints, *broken(promises)))
