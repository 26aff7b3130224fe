"""How long reports take: one council's from its released content, and every council of a study from records to the scanned release.

    python -m benchmarks.reports [--plan PLAN] [--council CODE] [--run RUN] [--repeats N] [--json FILE]

The study is run once by its own command, on two workers; then one council's report is made again from what that run released, alone in a fresh
process and in parts. `--run` takes a finished run instead. Wall seconds depend on what else the machine does; CPU seconds hardly do. What follows the
notebook is timed in fresh processes that have made another, short report: libraries are imported, and Typst remembers no page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.measuring import in_a_process, measure
from evaluation.locations import project_file

PLAN, COUNCIL = "studies/community_budgets_2011/plan.yml", "E10000018"
TARGETS = {"one report, from its content to its files": 10.0, "of which after the notebook": 1.0, "the study, from records to release": 180.0}
CODE = "from evaluation.cli import main; main()"
ALONE = """import sys
from pathlib import Path
from evaluation.runs.notebooks import render_report
render_report(Path(sys.argv[1]), Path(sys.argv[2]))"""


def timed(command: list[str]) -> tuple[float, str]:
    """Wall seconds of one command line of `evaluation`, and what it said."""
    room = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CODE, *command], env=room, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"evaluation {command[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
    return time.perf_counter() - start, done.stdout


def whole_study(plan: Path, out: Path, workers: int) -> tuple[float, Path]:
    """Seconds from records to the scanned release of all councils, and the run's folder."""
    seconds, _ = timed(["run", str(plan), "--workers", str(workers), "--out", str(out)])
    (audit,) = out.glob("*/*/release/audit.json")
    return seconds, audit.parents[1]


AFTER = """import json, sys, tempfile, time
from pathlib import Path
from evaluation.disclosure.release import ReportContent
from evaluation.reporting import html, pdf, spreadsheet
from evaluation.reporting.blocks import blocks_of
from evaluation.reporting.export import export
from evaluation.reporting.workbook import workbook
content, executed, what = sys.argv[1:]
blocks, told = blocks_of(json.loads(Path(executed).read_text(encoding="utf-8"))), ReportContent.read(content)
with tempfile.TemporaryDirectory() as folder:
    export(blocks[:12], Path(folder), told)
    book = workbook(told, blocks)
    works = {"export": lambda: export(blocks, Path(folder), told), "html": lambda: html.document(blocks), "pdf": lambda: pdf.document(blocks)}
    works |= {ending: lambda write=write: write(book) for ending, write in spreadsheet.FORMATS.items()}
    wall, cpu = time.perf_counter(), time.process_time()
    works[what]()
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}))"""
PARTS = {"of which after the notebook": "export", "  web page": "html", "  PDF": "pdf", "  .ods": ".ods", "  .xlsx": ".xlsx"}


def parts(content: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of the notebook, of the export and each edition, and of the scans; best of some."""
    from evaluation.disclosure.release import ReportContent
    from evaluation.disclosure.scan import scan
    from evaluation.reporting.blocks import blocks_of
    from evaluation.reporting.export import export
    from evaluation.runs.notebooks import COUNCIL_REPORT, execute_notebook

    with tempfile.TemporaryDirectory() as folder:
        executed, notebook = Path(folder) / "executed.ipynb", project_file(COUNCIL_REPORT)
        found = {"the notebook": best(lambda: execute_notebook(notebook, executed, {"content_path": str(content)}), repeats)}
        for task, what in PARTS.items():
            times = [in_a_process([sys.executable, "-c", AFTER, str(content), str(executed), what]) for _ in range(repeats)]
            found[task] = min(times, key=lambda one: one["seconds"])
        files = export(blocks_of(json.loads(executed.read_text(encoding="utf-8"))), Path(folder), ReportContent.read(content))
        for file in files:
            found[f"scan of the {file.suffix}"] = best(lambda file=file: scan([file], ()), repeats)
    return found


def best(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Best wall seconds of some, and CPU seconds of this process in the mean."""
    cpu = time.process_time()
    return {"seconds": measure(work, repeats)[0]["seconds"], "cpu_seconds": (time.process_time() - cpu) / repeats}


def in_a_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """One line a task, with its target where it has one."""
    lines = []
    for task, numbers in found.items():
        target = TARGETS.get(task)
        verdict = "" if target is None else f"  {'under' if numbers['seconds'] < target else 'OVER'} {target:g} s"
        cpu = f"{numbers['cpu_seconds']:8.2f} s CPU" if "cpu_seconds" in numbers else ""
        lines.append(f"{task:<44}{numbers['seconds']:8.2f} s {cpu}{verdict}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, default=project_file(PLAN))
    parser.add_argument("--council", default=COUNCIL)
    parser.add_argument("--run", type=Path, help="a finished run, instead of making one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        run = asked.run
        if run is None:
            seconds, run = whole_study(asked.plan, Path(folder), asked.workers)
            n = len(list((run / "contents").glob("*.json")))
            found["the study, from records to release"] = {"seconds": seconds, "reports": n}
        content = run / "contents" / f"{asked.council}.json"
        room = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", ALONE, str(content.resolve()), folder]
        made = measure(lambda: subprocess.run(command, env=room, check=True), asked.repeats)[0]
        found["one report, from its content to its files"] = {"seconds": made["seconds"]}
        found |= parts(content, asked.repeats)
    print(in_a_table(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
