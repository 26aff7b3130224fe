"""Batches put to the test: random SIGKILLs, and many councils against the clock.

    python -m benchmarks.batch kills --kills 100        # make kills
    python -m benchmarks.batch scale --councils 150 --json docs/results/runs_scale.json        # from records to released reports
    python -m benchmarks.batch scaling --councils 24 --json docs/results/runs_scaling.json     # 1 and 2 workers, two workers of a cluster
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from evaluation.locations import project_file
from evaluation.pipeline.batch import standings
from evaluation.runs.files import PARTIAL, hashes_of
from evaluation.runs.records import read_record

FEW = {"E06000022": 120, "E06000017": 20, "E06000030": 120, "E08000006": 120, "E06000010": 120, "E10000019": 120}
KINDS = ("runner", "server", "worker", "kernel")
CODE = "from evaluation.cli import main; main()"
CHANCES = (0.35, 0.05, 0.3, 0.3)
FIRST_DAY, LAST_DAY = dt.date(2011, 1, 1), dt.date(2015, 12, 31)  # of the demonstration's records
LONGEST = 240.0  # seconds that a batch of a few councils may take before it counts as hung


@dataclass(slots=True)
class Tally:
    """What kills did."""

    kills: Counter = field(default_factory=Counter)
    begun: int = 0
    finished: int = 0
    torn: int = 0
    left_running: int = 0
    rounds: int = 0

    @property
    def redone(self) -> int:
        """Reports begun more often than was needed."""
        return self.begun - self.finished

    def allowed(self, workers: int) -> int:
        """One redo for each kill and each worker that it reached."""
        return sum(count * (workers if kind in ("runner", "server") else 1) for kind, count in self.kills.items())


def plan_of(folder: Path, families: dict[str, int], *, study: str, change=lambda plan: None) -> Path:
    """The demonstration with other councils, as a plan of its own."""
    plan = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    plan["study"], plan["data"] = study, {"kind": "simulated", "families": families}
    plan["matching"]["exact"] = ["council_code", "has_child_5_15"]
    change(plan)
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return path


def start(
    plan: Path, out: Path, *, workers: int, resume: bool = True, environment: dict[str, str] | None = None, more: tuple[str, ...] = ()
) -> subprocess.Popen:
    """A batch in a process of its own."""
    given = ["--out", str(out), "--workers", str(workers), *(["--resume"] if resume else []), *more]
    command = [sys.executable, "-c", CODE, "batch", str(plan), *given]
    root = str(Path(__file__).resolve().parents[1])
    given = os.environ | {"PYTHONPATH": root} | (environment or {})
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, text=True, env=given)


def kind_of(process: psutil.Process) -> str:
    """What a process of a batch does: 'server', 'worker', 'kernel' or 'other'."""
    try:
        words, parent = " ".join(process.cmdline()), process.ppid()
    except psutil.Error:
        return "other"
    if "evaluation.runs.kernel" in words:
        return "kernel"
    if "forkserver" in words:
        return "server" if not leads(process.pid) else "kernel" if leads(parent) else "worker"
    return "other"


def leads(pid: int) -> bool:
    """Whether a process leads a session of its own, as workers do, and kernels that workers fork."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def below(runner: int) -> list[psutil.Process]:
    """Every process that a runner started, and those that these started."""
    try:
        return psutil.Process(runner).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_one(runner: subprocess.Popen, rng: random.Random, tally: Tally) -> list[psutil.Process]:
    """Kill one random process of a batch that runs; gives all that were alive."""
    family = below(runner.pid)
    found: dict[str, list[int]] = {"runner": [runner.pid]}
    for one in family:
        found.setdefault(kind_of(one), []).append(one.pid)
    there = [kind for kind in KINDS if kind in found]
    kind = rng.choices(there, [CHANCES[KINDS.index(kind)] for kind in there])[0]
    try:
        os.kill(rng.choice(found[kind]), signal.SIGKILL)
    except ProcessLookupError:
        return family
    tally.kills[kind] += 1
    if kind == "runner":
        runner.wait()
        tally.left_running += still_there(family)
    return family


def still_there(family: list[psutil.Process], within: float = 5.0) -> int:
    """Workers and kernels that outlive their runner by more than some seconds (a server still importing when it is orphaned ends after that)."""
    until = time.monotonic() + within
    while (alive := [one for one in family if works(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    return len(alive)


def works(process: psutil.Process) -> bool:
    """Whether a worker or kernel is alive."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE and kind_of(process) in ("worker", "kernel")
    except psutil.Error:
        return False


def wait_for_work(runner: subprocess.Popen, rng: random.Random, within: float = 40.0) -> None:
    """Wait until a kernel runs and some moments more; one time in seven only those moments."""
    until = time.monotonic() + (0.0 if rng.random() < 1 / 7 else within)
    while runner.poll() is None and time.monotonic() < until:
        if any(works(one) and kind_of(one) == "kernel" for one in below(runner.pid)):
            break
        time.sleep(0.2)
    time.sleep(rng.uniform(0.0, 6.0))


def torn(run: Path) -> int:
    """Reports under their final names that their record does not describe, and files of the release that are cut short."""
    wrong = sum(record is not None and record.state == "stale" for record in standings(run).values())
    for path in (run / "release").rglob("*"):
        if path.is_file() and not path.name.startswith(PARTIAL) and path.suffix in {".html", ".pdf", ".json"}:
            content = path.read_bytes().rstrip()
            wrong += not content.endswith({".html": b"</html>", ".pdf": b"%%EOF", ".json": b"}"}[path.suffix])
    return wrong


def new_round(run: Path) -> None:
    """Take every report away and keep what they share."""
    for name in ("rendering", "release/councils"):
        shutil.rmtree(run / name, ignore_errors=True)
    for path in (run / "done").glob("*.json"):
        if path.stem != "study":
            path.unlink()
    for name in ("batch.jsonl", "release/audit.json", "release/index.html", "batch.html"):
        (run / name).unlink(missing_ok=True)


def count_begun(run: Path) -> int:
    """Reports begun in this round, by the log."""
    log = run / "batch.jsonl"
    return sum("begun" in json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")) if log.is_file() else 0


def kills(folder: Path, *, n: int, workers: int, seed: int, families: dict[str, int] = FEW, change=lambda plan: None) -> dict:
    """Kill `n` random processes of batches under way, go on each time, and say what was torn, lost or made twice."""
    rng, plan, tally = random.Random(seed), plan_of(folder, families, study="kills", change=change), Tally()
    whole = start(plan, folder / "runs", workers=workers, resume=False)
    _, told = whole.communicate(timeout=LONGEST)
    assert whole.returncode == 0, told
    (run,) = (folder / "runs" / "kills").iterdir()
    reference = released(run)
    while sum(tally.kills.values()) < n:
        new_round(run)
        tally.rounds += 1
        runner, began, family = None, time.monotonic(), []
        while True:
            runner = runner or start(plan, folder / "runs", workers=workers)
            wait_for_work(runner, rng)
            if runner.poll() is not None:
                runner.communicate()
                if all(record is not None and record.finished for record in standings(run).values()) and runner.returncode == 0:
                    break
                runner = None
                continue
            if sum(tally.kills.values()) < n and time.monotonic() - began < LONGEST:
                family = kill_one(runner, rng, tally)
                tally.torn += torn(run)
            if runner.poll() is not None:
                runner.communicate()
                runner = None
        tally.torn += released(run) != reference
        tally.begun += count_begun(run)
        tally.finished += len(standings(run))
        tally.left_running += still_there(family, 1.0)
        print(f"  round {tally.rounds}: {dict(tally.kills)} kills so far, {tally.redone} reports redone, {tally.torn} torn", flush=True)
    began, before = time.monotonic(), stamps(run)
    last = start(plan, folder / "runs", workers=workers)
    last.communicate(timeout=LONGEST)
    return {
        "kills": dict(sorted(tally.kills.items())),
        "rounds": tally.rounds,
        "reports": tally.finished,
        "torn": tally.torn,
        "lost": sum(record is None or not record.finished for record in standings(run).values()),
        "redone": tally.redone,
        "redone_allowed": tally.allowed(workers),
        "left_running_after_5_s": tally.left_running,
        "left_unfinished": len(list(run.rglob(f"{PARTIAL}*"))),
        "resume_seconds": round(time.monotonic() - began, 1),
        "resume_recomputed": sum(stamps(run)[code] != stamp for code, stamp in before.items()),
    }


def stamps(run: Path) -> dict[str, int]:
    """When each record was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (run / "done").glob("*.json")}


def released(run: Path) -> dict[str, str]:
    """Every file that may leave, by hash."""
    return hashes_of((path for path in (run / "release").rglob("*") if path.is_file()), run)


def scale(folder: Path, *, councils: int, workers: int, seed: int) -> dict:
    """Councils of 18 to 4,000 families from records to released reports."""
    families = some_councils(councils, seed)
    plan, began = plan_of(folder, families, study="scale"), time.monotonic()
    runner = start(plan, folder / "runs", workers=workers, resume=False)
    most = 0.0
    while runner.poll() is None:
        used = 0
        for one in [psutil.Process(runner.pid), *below(runner.pid)]:
            try:
                used += one.memory_info().rss
            except psutil.Error:
                continue
        most = max(most, used / 1e9)
        time.sleep(1)
    _, told = runner.communicate()
    (run,) = (folder / "runs" / "scale").iterdir()
    if not (run / "log.jsonl").is_file():
        raise SystemExit(told)
    steps = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = [record.seconds for code in standings(run) if (record := read_record(run, code))]
    return {
        "councils": len(families),
        "workers": workers,
        "families": sum(families.values()),
        "exit_code": runner.returncode,
        "states": dict(Counter(record.state for record in standings(run).values() if record)),
        "seconds": round(time.monotonic() - began),
        "steps": {step["step"][:60]: step["seconds"] for step in steps},
        "seconds_a_report": round(sum(seconds) / max(len(seconds), 1), 1),
        "most_memory_gb_all_processes": round(most, 1),
        "told": told[-500:],
    }


def scaling(folder: Path, *, councils: int, seed: int) -> dict:
    """The reports of one batch made anew by one worker, by two, by two workers of a cluster, and by a cluster of which one worker is killed."""
    from benchmarks.loopback import Cluster

    plan = plan_of(folder, some_councils(councils, seed, most=400), study="scaling")
    whole = start(plan, folder / "runs", workers=2, resume=False)
    _, told = whole.communicate()
    assert whole.returncode == 0, told
    (run,) = (folder / "runs" / "scaling").iterdir()
    reference, found = released(run), {}
    (folder / "dask").mkdir()
    cluster = Cluster(folder / "dask")
    try:
        for name, workers, more in (
            ("1 worker", 1, ()),
            ("2 workers", 2, ()),
            ("2 workers of a cluster", 1, ("--scheduler", cluster.address)),
            ("2 workers of a cluster, one killed", 1, ("--scheduler", cluster.address)),
        ):
            new_round(run)
            began, runner = time.monotonic(), start(plan, folder / "runs", workers=workers, more=more)
            if "killed" in name:
                wait_for_records(run, councils // 3)
                cluster.workers[0].kill()
            _, told = runner.communicate()
            finished = sum(record is not None and record.finished for record in standings(run).values())
            found[name] = {
                "seconds": round(time.monotonic() - began, 1),
                "finished": finished,
                "exit_code": runner.returncode,
                "same_bytes": released(run) == reference,
            }
            print(f"  {name}: {found[name]} {told[-300:]}", flush=True)
    finally:
        cluster.close()
    return {"reports": councils, "processors": os.cpu_count(), "ways": found}


def wait_for_records(run: Path, n: int, within: float = 600.0) -> None:
    """Wait until so many reports are done."""
    until = time.monotonic() + within
    while len(list((run / "done").glob("[EW]*.json"))) < n and time.monotonic() < until:
        time.sleep(0.1)


def some_councils(n: int, seed: int, most: int = 4000) -> dict[str, int]:
    """Councils with 18 families to `most`, more small ones than large."""
    from evaluation.dictionary import load_dictionary

    rng = random.Random(seed)
    there = (code for code, one in load_dictionary().councils.items() if one.exists_on(FIRST_DAY) and one.exists_on(LAST_DAY))
    codes = sorted(code for code in there if code.startswith("E"))[:n]
    return {code: round(18 * (most / 18) ** rng.random() ** 1.5) for code in codes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kills", "scale", "scaling"))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--councils", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--keep", type=Path, default=None, help="a new folder to work in and to keep")
    parser.add_argument("--json", type=Path, default=None, help="write what was found to this file too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch-") as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            "kills": lambda: kills(folder, n=asked.kills, workers=asked.workers, seed=asked.seed),
            "scale": lambda: scale(folder, councils=asked.councils, workers=asked.workers, seed=asked.seed),
            "scaling": lambda: scaling(folder, councils=asked.councils, seed=asked.seed),
        }[asked.what]()
        print(json.dumps(found, indent=1))
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.what == "kills":
        bad = {name: found[name] for name in ("torn", "lost", "left_running_after_5_s", "resume_recomputed") if found[name]}
        raise SystemExit(f"FAILED: {bad}" if bad or found["redone"] > found["redone_allowed"] else 0)


if __name__ == "__main__":
    main()
