"""Tables delivered as Parquet: every value as text, so that the same contract applies as to any other file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from evaluation.dictionary import Table
from evaluation.ingest.contracts import OWN
from evaluation.ingest.opening import Unreadable, digest_of, require_single, rows_of, unreadable
from evaluation.ingest.tables import Fault, Source
from evaluation.ingest.values import literal, quoted


def read_parquet(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from a Parquet file, every value as text."""
    source = f"read_parquet({literal(path)})"
    try:
        names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        require_single([name for name in names if name not in OWN], table, path)
        columns = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names if name not in OWN)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT {columns}{',' if columns else ''} {literal(path.name)} AS _file, "
            f"CAST(file_row_number + 2 AS VARCHAR) AS _row FROM read_parquet({literal(path)}, file_row_number = true)"
        )
    except (duckdb.Error, UnicodeDecodeError):
        raise Unreadable(
            unreadable(table, path, "it must be a whole Parquet file: it cannot be read as one", "Write or transfer the file again.")
        ) from None
    return Source(label=path.name, sha256=digest_of(path), bytes=path.stat().st_size, rows=rows_of(con)), []
