"""How often intervals hold what they should, in simulations whose truth is known.

    python -m benchmarks.coverage [correctness] [stress] [trap] [--runs N] [--workers W] [--sizes N ...] [--json FILE] [--markdown] [--docs]
    python -m benchmarks.coverage docs          (the documentation's tables and figures again, from the stored results)

`correctness`: worlds that meet an estimator's assumption; bias, standard error, coverage, size. `stress`: worlds that do not. `trap`: regression to
the mean. N runs are those of `correctness` with 18 and 60 treated families; 300 take two fifths and 3,000 a tenth of them; `stress` a fifth of all
these, and `trap` (of 6,000 families) a twenty-fifth of N.
"""
from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")      # one thread for each process, before numpy is imported

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks.coverage.designs import SIZES, SUITES  # noqa: E402
from benchmarks.coverage.pages import DOCS, PAGE, read_json, stored, write_json, write_pages  # noqa: E402
from benchmarks.coverage.record import Record, record_of  # noqa: E402
from benchmarks.coverage.runs import run_all  # noqa: E402
from benchmarks.coverage.tables import (  # noqa: E402
    TITLES,
    correctness_table,
    design_table,
    drift_table,
    markdown,
    plain,
    shares_table,
    stress_table,
    trap_table,
    verdict_lines,
)
from benchmarks.coverage.trap import run_trap  # noqa: E402

RUNS_FOR_ONE = {"correctness": 1, "stress": 5, "trap": 25}     # runs asked for, for each run of a suite


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, print it, and store it where that is asked for."""
    asked = _parser().parse_args(arguments)
    if asked.what == ["docs"]:
        write_pages([read_json(DOCS / "results" / f"{suite}.json") for suite in PAGE if (DOCS / "results" / f"{suite}.json").is_file()])
        return 0
    results = []
    for suite in asked.what or list(PAGE):
        runs = max(2, asked.runs // RUNS_FOR_ONE[suite])
        found = run_trap(runs, asked.workers) if suite == "trap" else _records(suite, asked, runs)
        _show(suite, found, markdown if asked.markdown else plain)
        results.append(stored(suite, asked.runs, found))
    if asked.json is not None:
        for result in results:
            write_json(result, asked.json if len(results) == 1 else asked.json.with_stem(f"{asked.json.stem}_{result['suite']}"))
    if asked.docs:
        write_pages(results)
    return 0


def _records(suite: str, asked: argparse.Namespace, runs: int) -> list[Record]:
    designs = [design for design in SUITES[suite]() if design.world.treated in asked.sizes]
    return [record_of(suite, design, name, done) for design, done in run_all(designs, runs, asked.workers) for name in design.analyses]


def _show(suite: str, found: list, table) -> None:
    if suite == "trap":
        for part in (trap_table, shares_table, drift_table, design_table):
            print(table(*part(found)), end="\n\n")
    elif suite == "stress":
        print(table(*stress_table(found)), end="\n\n")
    else:
        for name, title in TITLES.items():
            print(f"{title}\n{table(*correctness_table(found, name))}", end="\n\n")
        print("\n".join(verdict_lines(found)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*PAGE, "docs"], help="suites; all without any")
    parser.add_argument("--runs", type=int, default=5_000, help="of the small designs of correctness (default 5,000)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2); the numbers do not depend on it")
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, default=list(SIZES), help="treated families")
    parser.add_argument("--json", type=Path, help="write the results here (a file for each suite)")
    parser.add_argument("--markdown", action="store_true", help="print tables of markdown")
    parser.add_argument("--docs", action="store_true", help="write results, tables and figures into docs/")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
