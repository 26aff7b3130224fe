"""Every study of `studies/` run from its plan to finished reports: seconds, peak memory, and what page one says.

    python benchmarks/studies.py [--json FILE] [--only STUDY ...] [--every-council] [--docs]

Each study runs in a process of its own, on one worker. The national one makes the nation's report and three councils'; `--every-council` makes
all 152. Wall seconds depend on what else the machine does; CPU seconds hardly do.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDIES = {
    "wandsworth_frp": ("wandsworth_frp/plan.yml", ()),
    "community_budgets_2011": ("community_budgets_2011/plan.yml", ()),
    "troubled_families_2012": ("troubled_families_2012/plan.yml", ("all", "E08000025", "E09000032", "E06000022")),
    "wirral_locality": ("wirral/locality.yml", ()),
    "wirral": ("wirral/plan.yml", ()),
    "whole_place": ("whole_place/plan.yml", ()),
    "neighbourhood": ("neighbourhood/plan.yml", ()),
    "bathnes_connecting_families": ("bathnes_connecting_families/plan.yml", ()),
}
NATIONAL = "troubled_families_2012"
STORED, PAGE, MARKS = ROOT / "docs" / "results" / "studies.json", ROOT / "docs" / "studies.md", ("<!-- figures -->", "<!-- end -->")


def run_one(name: str, *, every_council: bool) -> dict[str, object]:
    """Seconds (in all, and until every report was worded), CPU seconds, peak memory, and headlines by report."""
    from measuring import peak_mb

    from evaluation.pipeline.run import run_study

    place, councils = STUDIES[name]
    worded: list[float] = []
    start = time.perf_counter()

    def say(text: str) -> None:
        if "worded and protected" in text:
            worded.append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as out:
        made = run_study(ROOT / "studies" / place, councils=() if every_council else councils, out=Path(out), workers=1, say=say)
        seconds = time.perf_counter() - start
        found = json.loads((made.folder / "release" / "results.json").read_text(encoding="utf-8"))["reports"]
        files = [path.name for path in (made.folder / "release" / "councils").rglob("*.*")]
    headlines = {code: one["summary"]["headline"] for code, one in found.items()}
    return {"seconds": seconds, "worded_s": worded[0], "cpu_s": sum(os.times()[:4]), "peak_mb": peak_mb(), "reports": len(made.made),
            "failed": [code for code, _ in made.failed], "files": len(files), "headlines": headlines}


def write_page() -> None:
    """The page's figures again from the stored results."""
    found = json.loads(STORED.read_text(encoding="utf-8"))
    lines = ["| study | reports | seconds | until worded | CPU seconds | peak MB |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| `{name}` | {one['reports']} | {one['seconds']:,.0f} | {one['worded_s']:,.0f} | {one['cpu_s']:,.0f} | {one['peak_mb']:,.0f} |"
              for name, one in found.items()]
    lines += ["", "What page one says first:", ""]
    lines += [f"* `{name}`: {next(iter(one['headlines'].values()))}" for name, one in found.items()]
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(MARKS[0])[0], text.partition(MARKS[1])[2]
    PAGE.write_text("\n".join([before + MARKS[0], *lines, MARKS[1] + after]), encoding="utf-8")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", type=Path, help="where the figures are written")
    asked.add_argument("--only", nargs="+", choices=sorted(STUDIES), help="these studies only")
    asked.add_argument("--every-council", action="store_true", help="all 152 reports of the national study")
    asked.add_argument("--one", choices=sorted(STUDIES), help=argparse.SUPPRESS)
    asked.add_argument("--docs", action="store_true", help="write the figures of docs/results/studies.json into docs/studies.md, and nothing else")
    options = asked.parse_args()
    if options.docs:
        write_page()
        return
    if options.one:
        print(json.dumps(run_one(options.one, every_council=options.every_council)))
        return
    found: dict[str, object] = json.loads(options.json.read_text(encoding="utf-8")) if options.json and options.json.is_file() else {}
    for name in options.only or STUDIES:
        command = [sys.executable, __file__, "--one", name] + (["--every-council"] if options.every_council and name == NATIONAL else [])
        room = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
        done = subprocess.run(command, capture_output=True, text=True, env=room, check=False)
        if done.returncode:
            raise SystemExit(f"{name} could not be run:\n{done.stderr[-2000:]}")
        found[name] = one = json.loads(done.stdout.strip().splitlines()[-1])
        print(f"{name:<28} {one['seconds']:7.1f} s  {one['cpu_s']:7.1f} CPU s  worded after {one['worded_s']:7.1f} s  {one['peak_mb']:7.0f} MB  "
              f"{one['reports']} report(s)", flush=True)
        found = {key: found[key] for key in STUDIES if key in found}
        if options.json:
            options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
