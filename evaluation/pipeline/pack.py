"""A re-estimation pack: what of a run may leave the room for somebody to estimate again, without a row.

Frozen plan, code and lock, event studies with their covariance, protected tables, balance, a simulated twin. It passes the gate as a release does.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from evaluation.disclosure.event_studies import EventStudies
from evaluation.disclosure.record import known_to
from evaluation.disclosure.release import ReportContent
from evaluation.disclosure.rules import rule_of
from evaluation.errors import EvaluationError
from evaluation.locations import project_file
from evaluation.pipeline.event_studies import FILE as EVENT_STUDIES
from evaluation.pipeline.locking import lock_path
from evaluation.pipeline.manifest import lock_file_hash, read_manifest
from evaluation.pipeline.run import GIVEN, run_identifiers
from evaluation.pipeline.twin import twin_plan, why_no_twin
from evaluation.plan import read_plan
from evaluation.runs.files import PARTIAL, canonical, hashes_of, write_whole

FOLDER = "pack"
RECORD = "pack.json"
ALLOWED = frozenset({".json", ".csv", ".yml", ".md", ".txt"})
LOCK = "requirements.lock"


def make_pack(run: Path, *, say: Callable[[str], object]) -> Path:
    """Make the pack of a finished run, in its folder `pack`; gives that folder.

    Raises
    ------
    EvaluationError
        The run has no release that passed the gate, or the pack does not pass it: no pack is left then, an earlier one neither.
    """
    run = Path(run)
    shutil.rmtree(run / FOLDER, ignore_errors=True)
    told = check_released(run)
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=run) as name:
        aside = Path(name) / FOLDER
        fill(run, aside, told)
        scanned = passed(run, aside)
        os.replace(aside, run / FOLDER)
    for study in EventStudies.read(run / FOLDER / EVENT_STUDIES).studies:
        standing = " (exploratory)" if study.exploratory else ""
        say(f"  {study.label}{standing}: {study.reason or f'{len(study.event_times)} event times with their covariance'}")
    say(f"{scanned} files scanned, nothing found. The pack may leave: {run / FOLDER}")
    return run / FOLDER


def check_released(run: Path) -> dict[str, object]:
    """The manifest of a run whose release passed the gate.

    Raises
    ------
    EvaluationError
        There is no such release.
    """
    told = read_manifest(run)
    if not (run / "release" / "audit.json").is_file() or not (run / EVENT_STUDIES).is_file():
        raise EvaluationError(f"{run} must hold a release that passed the gate, with its event studies, and does not. Make the run again.")
    return told


def fill(run: Path, folder: Path, told: Mapping[str, object]) -> None:
    """Write every file of a pack."""
    contents = [ReportContent.read(path) for path in sorted((run / "contents").glob("*.json"))]
    folder.mkdir()
    for source, name in ((run / GIVEN, "plan.yml"), (run / EVENT_STUDIES, EVENT_STUDIES), *((run / "release" / f"{name}.json", f"{name}.json")
                                                                                        for name in ("results", "ledger", "audit"))):
        shutil.copyfile(source, folder / name)
    if lock_path(run / GIVEN).is_file():
        shutil.copyfile(lock_path(run / GIVEN), folder / "plan.lock.json")
    code = {name: told[name] for name in ("analysis_hash", "plan_hash", "code", "lock_file", "versions", "seeds")}
    write_whole(folder / "code.json", json.dumps(code, indent=1, sort_keys=True).encode() + b"\n")
    if told["lock_file"] and told["lock_file"] == lock_file_hash():  # another one is not the run's
        shutil.copyfile(project_file(LOCK), folder / "requirements.txt")
    write_whole(folder / "balance.csv", balance_csv(contents).encode())
    plan = read_plan(run / GIVEN)
    without = why_no_twin(plan)
    if not without:
        twin = twin_plan(yaml.safe_load((run / GIVEN).read_text(encoding="utf-8")), contents, rule_of(plan.disclosure.profile))
        write_whole(folder / "twin" / "plan.yml", yaml.safe_dump(twin, sort_keys=False, allow_unicode=True).encode())
    write_whole(folder / "README.md", readme(contents[0], EventStudies.read(run / EVENT_STUDIES), without).encode())


def balance_csv(contents: Sequence[ReportContent]) -> str:
    """Balance of every covariate before and after matching, all places together, as the reports show it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("before", "after", "variance_ratio_before", "variance_ratio_after", "mean_treated", "mean_comparison_before", "mean_comparison_after")
    writer.writerow(("covariate", *names))
    for line in contents[0].balance:
        shown = [getattr(line, name) for name in names]
        writer.writerow((line.covariate, *(one.text if one.value is None else f"{one.value:g}" for one in shown)))
    return out.getvalue()


def passed(run: Path, folder: Path) -> int:
    """Scan a pack as a release is scanned, and leave the record of it inside; the number of files."""
    from evaluation.disclosure.scan import scan

    files, known = sorted(path for path in folder.rglob("*") if path.is_file()), known_to(run)
    identifiers = run_identifiers(run)
    scanned = scan(files, identifiers, allowed=ALLOWED, **known)
    record = {"files": hashes_of(files, folder), "files_scanned": scanned, "identifiers_looked_for": len(identifiers), "found": 0}
    write_whole(folder / RECORD, canonical(record) + b"\n")
    scan([folder / RECORD], identifiers, allowed=ALLOWED, **known)
    return scanned


def read_pack(pack: Path) -> EventStudies:
    """The event studies of a pack.

    Raises
    ------
    EvaluationError
        It is no pack, or a file is not what passed the gate.
    """
    pack = Path(pack)
    try:
        told = json.loads((pack / RECORD).read_text(encoding="utf-8"))["files"]
        now = hashes_of((pack / name for name in told), pack)
    except (OSError, ValueError, KeyError):
        raise EvaluationError(f"{pack} must be a pack as `evaluation pack` makes it, and is not. Give the folder with {RECORD}.") from None
    if changed := [name for name in told if told[name] != now[name]]:
        raise EvaluationError(f"{pack}: {', '.join(changed)} changed since the pack passed the gate. Bring back what was handed over.")
    return EventStudies.read(pack / EVENT_STUDIES)


def readme(content: ReportContent, studies: EventStudies, without: str) -> str:
    """What is in the pack and how to use it; `without` says why there is no twin, '' where there is one."""
    study = content.study
    there = [one for one in studies.studies if not one.reason]
    held = [f"* {one.label}: {one.reason}" for one in studies.studies if one.reason]
    lines = [
        f"# {study.title}: re-estimation pack{' (SIMULATED DATA: no real families)' if study.simulated else ''}",
        "",
        f"Plan {study.plan_hash[:12]}, analysis {study.analysis_hash[:12]}. {study.disclosure_rule}",
        "",
        "What is worked out from this pack is exploratory: the plan's estimate stays the one that is reported.",
        "",
        "| file | what it is |",
        "| --- | --- |",
        "| plan.yml, plan.lock.json | the plan as it was given, and its lock where it has one |",
        "| code.json, requirements.txt | version, commit and hash of the code, versions and seeds; the lock of its dependencies, where it is there |",
        f"| {EVENT_STUDIES} | effects by event time and the headline, with standard errors, correlations and degrees of freedom |",
        "| results.json, ledger.json, audit.json | every protected table of the reports; every number that left; the gate's record |",
        "| balance.csv | balance of each covariate before and after matching |",
        *([] if without else ["| twin/plan.yml | the same plan on simulated families, as many as the release says and with effects as it found |"]),
        f"| {RECORD} | hash of each file, and that it was scanned |",
        "",
        "## Other windows, averages, bands and bounds",
        "",
        "Effects are of all places together, on the printed scale, to the decimals of the reports; the effect at each event time is over the families"
        " seen there. Where people are protected, standard errors have two figures, correlations three decimals, and degrees of freedom are the next"
        " lower of 10, 20, 40, 80 and so on: results agree with those of the room to that rounding.",
        "",
        *(example(there[0].outcome, there[0].headline) if there else ["No event study may leave this time."]),
        *(["", "Not in the pack:", "", *held] if held else []),
        "",
        "## The whole plan again",
        "",
        *(["    evaluation run twin/plan.yml", "",
           "The twin's records are drawn anew from the dictionary and written to `delivery` in the new run's folder, table by table as a delivery has"
           " them. They show that the plan runs and what its output looks like, and nothing of the programme. Change the plan, run it on the twin,"
           " then send it to whoever may run it in the room."]
          if not without else [without]),
    ]
    return "\n".join(lines) + "\n"


def example(outcome: str, headline: tuple[int, int]) -> list[str]:
    """Python that works on the pack."""
    first, last = headline
    return [
        "    import numpy as np",
        "    from evaluation.pipeline.pack import read_pack",
        "",
        f'    found = {{one.outcome: one for one in read_pack(".").studies}}["{outcome}"].numbers()',
        "    found.planned()                                            # the headline with its interval",
        f"    found.mean_over({first}, {last + 2})                                      # another window: the plain mean of its event times",
        "    found.combined(weights)                                    # any average: a weight for each event time, and for the headline",
        "    found.band(rng=np.random.default_rng(1))                   # a band that holds all event times at once",
        "    found.test_before()                                        # F, degrees of freedom, p",
        "    found.less_trend()                                         # the headline less the drift before, continued",
        f'    found.robust("relative", [0.5, 1.0], first={first}, last={last})       # bounds when trends differed as before; or "smooth"',
    ]
