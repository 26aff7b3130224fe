"""The measured part of docs/runs.md from stored results, and what follows from it for more machines.

    python -m benchmarks.batch scale --councils 150 --json docs/results/runs_scale.json
    python -m benchmarks.batch scaling --councils 24 --json docs/results/runs_scaling.json
    python -m benchmarks.determinism --json docs/results/runs_determinism.json
    python -m benchmarks.batch kills --json docs/results/runs_kills.json
    python -m benchmarks.runs_page
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
FROM, TO = "<!-- measured: from docs/results/runs_*.json by benchmarks/runs_page.py -->", "<!-- end of measured -->"
COUNCILS, COHORTS, OUTCOMES, MACHINES, WORKERS = 150, 12, 4, 20, 2
ESTIMATED = 7  # outcomes of the plan that `scale` runs
PLACES_BEGIN = "every outcome of"  # the first step that grows with the councils
TARGET = 25  # minutes for 150 councils


def stored(folder: Path, name: str) -> dict | None:
    """A stored result; None where it was not measured."""
    path = folder / f"runs_{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def section(folder: Path) -> str:
    """The measured part, between its marks."""
    tell = {"scale": scale, "scaling": scaling, "determinism": determinism, "kills": kills}
    found = {name: stored(folder, name) for name in tell}
    parts = [words(found[name]) if found[name] else f"Not measured yet: {name}." for name, words in tell.items()]
    if found["scale"] and found["scaling"]:
        parts.append(many_machines(found["scale"], found["scaling"]))
    return "\n\n".join([FROM, *parts, TO])


def scale(found: Mapping) -> str:
    """Many councils from records to reports."""
    minutes = found["seconds"] / 60
    states = ", ".join(f"{n} {state}" for state, n in sorted(found["states"].items()))
    rows = [f"| {step} | {seconds:,.0f} s |" for step, seconds in found["steps"].items()]
    return "\n".join(
        [
            f"**{found['councils']} councils** with {found['families']:,} families, from records to released reports, {found['workers']} workers:"
            f" {minutes:.1f} minutes ({'within' if minutes <= TARGET else 'over'} the {TARGET} that were asked), at most"
            f" {found['most_memory_gb_all_processes']} GB in all processes (pages that forks share are counted in each); {states}."
            f" A report took {found['seconds_a_report']} s in its process."
            f"{found.get('note', '')}",
            "",
            "| when it was reached | after |",
            "| --- | --- |",
            *rows,
            f"| everything released | {found['seconds']:,.0f} s |",
        ]
    )


def scaling(found: Mapping) -> str:
    """The same reports by other numbers of workers."""
    first = next(iter(found["ways"].values()))["seconds"]
    rows = [
        f"| {way} | {one['seconds']:,.1f} s | {first / one['seconds']:.2f} times | {one['finished']} of {found['reports']} |"
        f" {'the same' if one['same_bytes'] else 'NOT THE SAME'} |"
        for way, one in found["ways"].items()
    ]
    head = "| who makes the reports | time | speed | finished | bytes released |"
    return "\n".join([f"**{found['reports']} reports** of one batch, on {found['processors']} processors:", "", head, "| --- " * 5 + "|", *rows])


def determinism(found: Mapping) -> str:
    """Differing bytes."""
    files = ", ".join(f"{n} {kind}" for kind, n in found["files"].items())
    return (
        f"**The same bytes**: {found['runs']} runs with 1 to 4 threads, 1 to 4 workers, rows in other orders, other time zones, locales and hash"
        f" seeds: {found['differing_bytes']:,} differing bytes ({files} a run)."
    )


def kills(found: Mapping) -> str:
    """What kills did."""
    kinds = ", ".join(f"{n} {kind}" for kind, n in found["kills"].items())
    return (
        f"**{sum(found['kills'].values())} SIGKILLs** ({kinds}) in {found['rounds']} rounds: {found['torn']} torn, {found['lost']} lost,"
        f" {found['redone']} reports made again of {found['redone_allowed']} allowed, {found['left_running_after_5_s']} processes left. Going on with"
        f" the finished batch made {found['resume_recomputed']} reports again and took {found['resume_seconds']} s."
    )


def many_machines(scale: Mapping, scaling: Mapping) -> str:
    """Arithmetic for more machines: estimation on one machine a cohort, reports on all."""
    steps, at = list(scale["steps"]), list(scale["steps"].values())
    shared = at[next(place for place, step in enumerate(steps) if step.startswith(PLACES_BEGIN)) - 1]
    words = at[-1] - shared
    a_council = words / scale["councils"] * OUTCOMES / ESTIMATED
    batch = shared + COUNCILS * a_council
    one, two = (scaling["ways"][name]["seconds"] for name in ("1 worker", "2 workers"))
    gain = min(one / two / 2, 1.0)
    a_report = scale["seconds_a_report"]
    reports = COUNCILS * COHORTS
    rendering = math.ceil(reports / (MACHINES * WORKERS)) * a_report / gain
    total = (batch * math.ceil(COHORTS / MACHINES) + rendering) / 60
    alone = batch * COHORTS + reports * a_report / WORKERS / gain
    return (
        f"**{COUNCILS} councils x {COHORTS} cohorts x {OUTCOMES} outcomes on {MACHINES} machines** of {WORKERS} processors. A cohort is a batch,"
        f" estimated on one machine, {min(COHORTS, MACHINES)} at a time: {shared:,.0f} s for what all councils share and {a_council:.1f} s a council"
        f" with {OUTCOMES} outcomes ({words:,.0f} s / {scale['councils']} councils x {OUTCOMES} / {ESTIMATED} outcomes), so {batch / 60:.1f} minutes."
        f" {reports:,} reports of {a_report} s on {MACHINES * WORKERS} workers at {gain:.0%} of their speed alone: {rendering / 60:.1f} minutes."
        f" In all {total:.0f} minutes, against {alone / 3600:.1f} hours on one machine. This is"
        " arithmetic, not a measurement: the shared disk and the network are taken to be no slower than the local disk."
    )


def with_section(text: str, folder: Path) -> str:
    """A page with its measured part made anew."""
    before, rest = text.split(FROM)
    return before + section(folder) + rest.split(TO)[1]


def main() -> None:
    """Write the page."""
    page = DOCS / "runs.md"
    page.write_text(with_section(page.read_text(encoding="utf-8"), DOCS / "results"), encoding="utf-8")


if __name__ == "__main__":
    main()
