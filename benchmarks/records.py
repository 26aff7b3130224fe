"""Seconds and memory of turning linked records into a panel of families, straight from Parquet: 10,000, 100,000 and 400,000 families.

    python benchmarks/records.py [--families 10000 100000 400000] [--json FILE] [--folder FOLDER]

Records are simulated (24 quarters, a year of history before them), at most 25,000 families at a time; larger numbers are copies of these under
other identifiers, written key by key as the contracts write them. Events are made up to 100 rows a family (40 million at 400,000): offences,
incidents and exclusions are repeated on other days under other identifiers until that number is reached; attendance and spells stay as simulated.
Only the building of the panel is measured, with every outcome of families, each size in a process of its own with two threads for DuckDB.
Bars: 400,000 families, 1.5 million people, 40 million event rows, 24 quarters in under 120 s and 6 GB.
"""
from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))

from measuring import in_a_process, measure, slope  # noqa: E402

SIZES = (10_000, 100_000, 400_000)
AT_A_TIME = 25_000
EVENTS_PER_FAMILY = 100
REPEATED = {"offences": "offence_id", "asb_incidents": "incident_id", "exclusions": None}
EVENTS = (*REPEATED, "attendance", "benefit_spells", "employment_spells", "activity_spells")
KEYS = ("family_id", "person_id", "offence_id", "incident_id", "address_id")


def periods():
    from evaluation.periods import Periods

    return Periods.between("2011-Q1", "2016-Q4", kind="quarter")


def write(families: int, folder: Path) -> None:
    """The delivery of a number of families, as checked tables would lie in a room."""
    from evaluation.dictionary import load_dictionary
    from evaluation.simulate import Simulation

    dictionary = load_dictionary()
    once, copies = min(families, AT_A_TIME), -(-families // AT_A_TIME)
    Simulation(families=once, periods=periods(), seed=1, councils=20).write(folder / "once", dictionary=dictionary)
    with duckdb.connect() as con:
        con.execute("SET threads = 2; SET memory_limit = '4GB'")
        files = {file.stem: file for file in sorted((folder / "once").glob("*.parquet"))}
        rows = {name: con.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0] for name, file in files.items()}
        fixed = sum(rows[name] for name in EVENTS if name not in REPEATED)
        times = max(-(-(EVENTS_PER_FAMILY * once - fixed) // sum(rows[name] for name in REPEATED)), 1)
        for name, file in files.items():
            copy(con, dictionary, name, file, folder / f"{name}.parquet", copies, times if name in REPEATED else 1)
    shutil.rmtree(folder / "once")


def copy(con: duckdb.DuckDBPyConnection, dictionary, name: str, file: Path, target: Path, copies: int, times: int) -> None:
    """One table: copies of its families under other identifiers, each row of it repeated on other days."""
    columns = []
    for column in dictionary.tables[name].columns:
        there = column in [row[0] for row in con.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()]
        value = f"chr(CAST(65 + copy AS INTEGER)) || {column}" if column in KEYS else column
        if times > 1 and column == REPEATED[name]:
            value += " || '-' || turn"
        if times > 1 and column == "date":
            value = "CAST(date + CAST(turn * 3 AS INTEGER) AS DATE)"
        columns.append(f"{value} AS {column}" if there else f"NULL AS {column}")
    shared = {"source_coverage", "programme_costs"}
    copies = 1 if name in shared else copies
    parts = [f"SELECT {', '.join(columns)} FROM (SELECT *, {number} AS copy FROM '{file}'), range({times}) AS t(turn)" for number in range(copies)]
    con.execute(f"COPY ({' UNION ALL '.join(parts)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def build(folder: Path) -> dict[str, object]:
    """Seconds and peak memory of the panel of a delivery, and its size."""
    import numpy as np

    from evaluation.dictionary import load_dictionary
    from evaluation.ingest.tables import CheckedTable
    from evaluation.panel.families import build_families

    dictionary, tables, rows = load_dictionary(), {}, {}
    for file in sorted(folder.glob("*.parquet")):
        rows[file.stem] = duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0]
        tables[file.stem] = CheckedTable(name=file.stem, path=file, rows_in=rows[file.stem], rows_kept=rows[file.stem], rows_quarantined=0,
                                         rows_dropped=0, content_hash="")
    outcomes = [name for name, outcome in dictionary.outcomes.items() if "family" in outcome.sources]
    start = time.process_time()
    found, panel = measure(lambda: build_families(tables, dictionary, periods=periods(), outcomes=outcomes), 1)
    found["cpu_seconds"] = time.process_time() - start
    observed = {name: round(float(np.isfinite(values).mean()), 3) for name, values in panel.outcomes.items()}
    return found | {"families": len(panel), "people": rows["people"], "events": sum(rows[name] for name in EVENTS), "quarters": len(panel.periods),
                    "outcomes": len(panel.outcomes), "observed": observed}


def of_size(families: int, folder: Path) -> dict[str, object]:
    """Write a delivery and measure its panel, each in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        for verb in ("write", "build"):
            found = in_a_process([sys.executable, __file__, verb, str(families), name])
            if "failed" in found:
                return found
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path, help="where the records are written for a while; 3 GB at 400,000 families")
    asked = parser.parse_args()
    results = {}
    for families in asked.families:
        found = results[families] = of_size(families, asked.folder)
        print(f"{families:>9,} families   " + (found["failed"] if "failed" in found else
              f"{found['people']:,} people, {found['events']:,} event rows, {found['quarters']} quarters, {found['outcomes']} outcomes: "
              f"{found['seconds']:.1f} s ({found['cpu_seconds']:.1f} s of processor), {found['peak_mb']:,.0f} MB"), flush=True)
    sizes = {str(size): found for size, found in results.items()}
    print("\n" + scale_table(sizes) + "\n")
    points = {unit: slope_of(results, unit) for unit in ("seconds", "cpu_seconds", "peak_mb")}
    print("growth per family (1: in proportion): " + ", ".join(f"{unit} {value:.2f}" for unit, value in points.items()))
    if asked.json:
        command = "python benchmarks/records.py --families " + " ".join(str(size) for size in asked.families)
        asked.json.write_text(json.dumps({"command": command, "sizes": sizes, "slopes": points}, indent=1) + "\n", encoding="utf-8")


def scale_table(sizes: dict[str, dict]) -> str:
    """The table of docs/records.md, in Markdown."""
    lines = ["| families | people | event rows | quarters | seconds | processor seconds | peak memory (MB) |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {found['families']:,} | {found['people']:,} | {found['events']:,} | {found['quarters']} | {found['seconds']:.1f} "
              f"| {found['cpu_seconds']:.1f} | {found['peak_mb']:,.0f} |" for found in sizes.values() if "failed" not in found]
    return "\n".join(lines)


def slope_of(results: dict[int, dict], unit: str) -> float:
    import math

    return slope([(math.log(size), math.log(found[unit])) for size, found in results.items() if unit in found])


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("write", "build"):
        verb, families, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
        print(json.dumps(build(folder) if verb == "build" else {"written": write(families, folder)}))
    else:
        main()
