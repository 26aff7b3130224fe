"""How long a delivery of attendance takes from a CSV file to kept and quarantined rows, and how much memory.

    python benchmarks/ingest.py [--rows 10000000] [--json FILE]

Every row goes through the whole contract (more than twenty checks, keys and duplicates among them); one row in a thousand is at fault, in one of
eight ways. Reading and checking run in a process of their own. Bars: 10 million rows in under 60 s and 2 GB on two cores.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAULT_EVERY = 1_000
WAYS = ("'8.01X'", "''", "'-1'", "'9999'", "'#REF!'", "'12,34'", "'many'", "'3.5'")     # of possible_sessions
SQL = """
COPY (SELECT 'P' || lpad((i // 12)::VARCHAR, 8, '0') AS person_id,
        (2010 + (i % 12) // 3)::VARCHAR || '/' || lpad(((2011 + (i % 12) // 3) % 100)::VARCHAR, 2, '0') || '-' ||
        ['autumn', 'spring', 'summer'][(i % 3)::INTEGER + 1] AS term,
        CASE WHEN i % {every} = 0 THEN [{ways}][((i // {every}) % {n})::INTEGER + 1] ELSE (110 + i % 20)::VARCHAR END AS possible_sessions,
        i % 7 AS authorised_sessions, i % 11 AS unauthorised_sessions
      FROM range({rows}) t(i)) TO '{path}' (HEADER)"""


def make_delivery(path: Path, rows: int) -> None:
    """Write the attendance of rows / 12 pupils over twelve terms."""
    import duckdb

    duckdb.execute(SQL.format(every=FAULT_EVERY, ways=", ".join(WAYS), n=len(WAYS), rows=rows, path=path))


def measure(path: Path) -> dict[str, float]:
    """Seconds and peak memory of reading and checking the file, and what became of its rows."""
    from measuring import peak_mb

    from evaluation.dictionary import load_dictionary
    from evaluation.ingest.reading import receive_table
    from evaluation.ingest.value_checks import checks_of

    dictionary = load_dictionary()
    table = dictionary.tables["attendance"]
    before, start, cpu = peak_mb(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=path.parent) as room:
        checked = receive_table(path, table, dictionary, room=Path(room), parents={})
        seconds = time.perf_counter() - start
    checks = sum(len(checks_of(variable)) for variable in table.columns.values()) + len(table.rules)
    return {"rows": checked.rows_in, "kept": checked.rows_kept, "quarantined": checked.rows_quarantined, "checks": checks,
            "seconds": round(seconds, 1), "cpu_seconds": round(time.process_time() - cpu, 1), "peak_GB": round(peak_mb() / 1024, 2),
            "before_GB": round(before / 1024, 2),
            "faults": {f"{fault.reason}:{fault.column}": fault.count for fault in checked.faults}}


def main() -> None:
    """Make the delivery, measure in a process of its own, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "attendance.csv"
        make_delivery(path, asked.rows)
        places = [str(ROOT), str(Path(__file__).parent)]
        code = (f"import json, sys; sys.path[:0] = {places!r}; from pathlib import Path; import ingest; "
                f"print(json.dumps(ingest.measure(Path({str(path)!r}))))")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for what, value in found.items():
        print(f"{what:<12} {value}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
