"""Shared by the readers of files: the fault of a file that cannot be read, and loading rows of texts with their numbers into DuckDB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from evaluation.dictionary import Table
from evaluation.ingest.tables import Fault
from evaluation.ingest.values import TOTALS, literal


class Unreadable(Exception):
    """A file cannot be read; carries the fault. Caught in `reading`."""

    def __init__(self, fault: Fault):
        super().__init__(fault.reason)
        self.fault = fault


def unreadable(table: Table, path: Path, must_hold: str, mend: str, reason: str = "unreadable_file") -> Fault:
    """The fault of a file."""
    return Fault(table=table.name, reason=reason, must_hold=must_hold, mend=mend, severity="reject", file=path.name)


def require_single(names: Sequence[str], table: Table, path: Path) -> None:
    """Raise where a name stands twice in a heading, case aside; names that the contract does not know are not printed."""
    low = [name.strip().lower() for name in names if name.strip()]
    twice = {name for name in low if low.count(name) > 1}
    if twice:
        shown = ", ".join(sorted(twice & set(table.columns))) or "one that the contract does not know"
        raise Unreadable(unreadable(table, path, f"a column stands once in the heading: {shown} stands twice", "Take one away.", "duplicate_column"))


def heading_names(names: Sequence[str]) -> list[str]:
    """Names under which columns are loaded: those of the heading, a number where there is none, never one of our own columns."""
    return [name if name.strip() and not name.strip().startswith("_") else f"column_{number}" for number, name in enumerate(names, start=1)]


def known_names(table: Table) -> set[str]:
    """Names and aliases of a table's columns, in small letters."""
    return {name.lower() for v in table.columns.values() for name in (v.name, *v.aliases)}


def heading_elsewhere(rows: Iterable[Sequence[str]], table: Table, path: Path) -> Fault | None:
    """The fault of a heading that stands below the row in which the contract expects it; None where it stands nowhere."""
    known = known_names(table)
    for number, cells in enumerate(rows, start=1):
        if len(known & {cell.strip().lower() for cell in cells}) >= min(2, len(known)):
            return unreadable(
                table,
                path,
                f"the heading must stand in row {table.skip_rows + 1}: it stands in row {number}",
                f"Take the rows above it away, or state `skip_rows: {number - 1}` in the table's contract.",
                "heading_elsewhere",
            )
    return None


def load_batches(con: duckdb.DuckDBPyConnection, batches: Iterable, names: Sequence[str], label: str, *, first: int = 2) -> None:
    """Create `delivered`: the batches' columns as text, `_file`, and `_row` counted from `first`."""
    import pyarrow as pa

    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), pa.field("_row", pa.int64())])

    def numbered() -> Iterator[pa.RecordBatch]:
        start = first
        for batch in batches:
            rows = pa.array(range(start, start + batch.num_rows), pa.int64())
            start += batch.num_rows
            yield pa.RecordBatch.from_arrays([*batch.columns, rows], schema=schema)

    con.register("incoming", pa.RecordBatchReader.from_batches(schema, numbered()))
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT *, {literal(label)} AS _file FROM incoming")
    finally:
        con.unregister("incoming")


def add_ragged(con: duckdb.DuckDBPyConnection, label: str, ragged: Sequence[tuple[int, str]]) -> None:
    """Put the rows that the parser skipped into `delivered`, with `_fault` and `_line`, and number the others around them."""
    import pyarrow as pa

    rows = sorted(ragged)
    con.register(
        "ragged",
        pa.table(
            {
                "_row": pa.array([row for row, _ in rows], pa.int64()),
                "_line": pa.array([line for _, line in rows], pa.string()),
                "since": pa.array([row - before for before, (row, _) in enumerate(rows)], pa.int64()),  # rows numbered from here stand after it
                "skipped": pa.array(range(1, len(rows) + 1), pa.int64()),
            }
        ),
    )
    total = f"regexp_matches(lower(ltrim(_line, '\" ')), '{TOTALS}')"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT a.* EXCLUDE (_row), a._row + coalesce(r.skipped, 0) AS _row, NULL::VARCHAR AS _fault, NULL::VARCHAR AS _line
        FROM delivered AS a ASOF LEFT JOIN (SELECT since, max(skipped) AS skipped FROM ragged GROUP BY since) AS r ON a._row >= r.since
        UNION ALL BY NAME
        SELECT {literal(label)} AS _file, _row, CASE WHEN {total} THEN 'looks_like_total:' ELSE 'ragged_row:' END AS _fault, _line FROM ragged""")
    con.execute("DROP TABLE delivered; ALTER TABLE numbered RENAME TO delivered")
    con.unregister("ragged")


def rows_of(con: duckdb.DuckDBPyConnection) -> int:
    """Rows in `delivered`."""
    return con.execute("SELECT count(*) FROM delivered").fetchall()[0][0]


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
