"""Stored results, and the parts of the documentation that are made from them."""
from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.coverage.figures import draw_coverage, draw_trap
from benchmarks.coverage.record import Record
from benchmarks.coverage.tables import (
    TITLES,
    correctness_table,
    design_table,
    drift_table,
    markdown,
    methods_table,
    records_of,
    shares_table,
    stress_table,
    trap_table,
    verdict_lines,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = {"trap": "regression_to_the_mean.md", "correctness": "coverage.md", "stress": "coverage.md"}
LIBRARIES = ("numpy", "scipy", "pandas")


def stored(suite: str, runs: int, found: Sequence[Record] | Sequence[Mapping[str, object]]) -> dict[str, object]:
    """What is kept of a suite: no date, no machine."""
    rows = [asdict(row) if isinstance(row, Record) else dict(row) for row in found]
    return {"suite": suite, "command": f"python -m benchmarks.coverage {suite} --runs {runs}",
            "versions": {"python": ".".join(platform.python_version_tuple()[:2])} | {name: version(name) for name in LIBRARIES},
            "rows": [_rounded(row) for row in rows]}


def write_json(result: Mapping[str, object], path: Path) -> None:
    """Results as JSON, a row on each line; a number that is not there is null."""
    head = {name: value for name, value in result.items() if name != "rows"}
    rows = ",\n".join(" " + json.dumps(row, allow_nan=False) for row in result["rows"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(head)[:-1] + ', "rows": [\n' + rows + "\n]}\n", encoding="utf-8")


def blocks(result: Mapping[str, object]) -> dict[str, str]:
    """The parts of a page that a suite's results fill, by the name of their marker."""
    suite, rows = result["suite"], result["rows"]
    made = f"`{result['command']}` with Python {result['versions']['python']}, " + ", ".join(f"{n} {result['versions'][n]}" for n in LIBRARIES) + "."
    if suite == "trap":
        return {"trap command": made, "trap": markdown(*trap_table(rows)), "trap shares": markdown(*shares_table(rows)),
                "trap drift": markdown(*drift_table(rows)), "trap design": markdown(*design_table(rows))}
    records = records_of(rows)
    if suite == "stress":
        return {"stress command": made, "stress": markdown(*stress_table(records))}
    tables = "\n\n".join(f"### {title}\n\n{markdown(*correctness_table(records, name))}" for name, title in TITLES.items())
    return {"correctness command": made, "correctness": tables, "correctness methods": markdown(*methods_table(records)),
            "correctness verdict": "\n".join(f"- {line}" for line in verdict_lines(records))}


def filled(page: str, parts: Mapping[str, str]) -> str:
    """A page with what stands between `<!-- name -->` and `<!-- end -->` replaced."""
    for name, text in parts.items():
        pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"A page must have `<!-- {name} -->` and `<!-- end -->` on lines of their own: it has not. Put them back.")
        page = pattern.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def write_pages(results: Sequence[Mapping[str, object]], docs: Path = DOCS) -> None:
    """Put results into the documentation: tables between their markers, figures, and the results themselves."""
    for result in results:
        suite = result["suite"]
        write_json(result, docs / "results" / f"{suite}.json")
        path = docs / PAGE[suite]
        path.write_text(filled(path.read_text(encoding="utf-8"), blocks(result)), encoding="utf-8")
        if suite == "trap":
            draw_trap(result["rows"], docs / "figures" / "trap.svg")
        elif suite == "correctness":
            draw_coverage(records_of(result["rows"]), docs / "figures" / "coverage.svg")


def read_json(path: Path) -> dict[str, object]:
    """Results that were stored."""
    return json.loads(path.read_text(encoding="utf-8"))


def _rounded(value: object) -> object:
    """Numbers to six digits, and null for those that are not there."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
