"""What comes out of ingest: a checked table with its faults, and how a person reads them.

Faults hold counts, columns and row numbers; never a value of a row.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from evaluation.errors import ContractError, EvaluationError

Severity = Literal["reject", "quarantine", "blank", "drop", "normalise", "warn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A delivered file: its name (no path), digest, size and rows of data."""

    label: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault in one column of one table.

    Attributes
    ----------
    table, column : str
        `column` is '' where the fault is the file's, or the rule's name where a rule is broken.
    reason : str
        What is wrong in one word; all of them, with their actions, are listed in docs/deliveries.md.
    must_hold : str
        What must hold, in words.
    count : int
        Rows at fault (0 where the fault is no row's).
    first_rows : tuple of int
        Up to five row numbers as seen in the file, the heading being row 1.
    mend : str
    severity : str
        'reject' the file, 'quarantine' the rows, 'blank' the values with a reason, 'drop' the rows by a declared rule,
        'normalise' (understood in another form and counted), 'warn'
    file : str
        Name of the delivered file, '' where the fault is no file's.
    """

    table: str
    column: str = ""
    reason: str
    must_hold: str
    count: int = 0
    first_rows: tuple[int, ...] = ()
    mend: str
    severity: Severity
    file: str = ""

    def text(self) -> str:
        """The fault in one line, in its safe form: file, column, rule, rows and how to mend, never a value."""
        where = (f"{self.table}.{self.column}" if self.column else self.table) + (f" in {self.file}" if self.file else "")
        rows = f" {self.count:,} row{'' if self.count == 1 else 's'}" if self.count else ""
        first = f", first in row {', '.join(str(row) for row in self.first_rows)}" if self.first_rows else ""
        return f"[{self.reason}] {where}: {self.must_hold}.{rows}{first}{'.' if rows else ''} {self.mend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTable:
    """A delivered table after its contract: kept rows typed in one Parquet file, the others accounted for.

    Attributes
    ----------
    path : Path
        Parquet of the kept rows, columns as in the contract, sorted by key.
    rows_in, rows_kept, rows_quarantined, rows_dropped : int
        rows_in = rows_kept + rows_quarantined + rows_dropped, always.
    dropped : tuple of (rule, rows)
    quarantine : Path or None
        Parquet with the rows set aside as text, `_file`, `_row` and `_reasons` (list of 'reason:column').
    blanks : Path or None
        Parquet of the values that are missing for a reason, of kept rows too: `_file`, `_row`, `column`, `reason`.
    faults : tuple of Fault
    sources : tuple of Source
    content_hash : str
        SHA-256 of the kept rows in order of their key; the order of rows in the delivery does not enter.
    """

    name: str
    path: Path
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_dropped: int
    dropped: tuple[tuple[str, int], ...] = ()
    quarantine: Path | None = None
    blanks: Path | None = None
    faults: tuple[Fault, ...] = ()
    sources: tuple[Source, ...] = ()
    content_hash: str

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_kept + self.rows_quarantined + self.rows_dropped or self.rows_dropped != sum(rows for _, rows in self.dropped):
            raise EvaluationError(f"Every row of {self.name} must be kept, set aside or dropped by a declared rule: {self.rows_in:,} came in, "
                                  f"{self.rows_kept:,} were kept, {self.rows_quarantined:,} set aside, {self.rows_dropped:,} dropped. "
                                  "Nothing is made from it. Report this: it is an error of the programme, not of the delivery.")

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The kept rows as a frame (dates as datetime64), in order of their key."""
        import duckdb

        names = "*" if columns is None else ", ".join(f'"{column}"' for column in columns)
        with duckdb.connect() as con:
            return con.execute(f"SELECT {names} FROM read_parquet(?)", [str(self.path)]).df()


def reject(faults: Iterable[Fault]) -> ContractError:
    """One error that names every fault, those that reject first."""
    faults = tuple(faults)
    order = {"reject": 0, "quarantine": 1}
    shown = sorted((fault for fault in faults if fault.severity in ("reject", "quarantine")), key=lambda fault: order[fault.severity])
    tables = sorted({fault.table for fault in faults if fault.severity == "reject"})
    lines = [f"The delivery breaks its contract in {', '.join(tables)}; nothing is made from it.", *(f"  {fault.text()}" for fault in shown)]
    return ContractError("\n".join(lines), faults)


def describe(tables: Mapping[str, CheckedTable]) -> pd.DataFrame:
    """Rows in, kept, set aside and dropped; one row per table."""
    rows = [{"table": name, "rows_in": table.rows_in, "kept": table.rows_kept, "quarantined": table.rows_quarantined,
             "dropped": table.rows_dropped, "faults": sum(fault.severity == "quarantine" for fault in table.faults),
             "warnings": sum(fault.severity == "warn" for fault in table.faults)} for name, table in tables.items()]
    return pd.DataFrame(rows, columns=["table", "rows_in", "kept", "quarantined", "dropped", "faults", "warnings"])


def describe_faults(faults: Iterable[Fault]) -> pd.DataFrame:
    """Every fault with its count and first rows; one row per fault. Counts are for those inside, not for publication."""
    rows = [{"table": fault.table, "file": fault.file, "column": fault.column, "reason": fault.reason, "severity": fault.severity,
             "rows": fault.count, "first_rows": ", ".join(str(row) for row in fault.first_rows), "must_hold": fault.must_hold, "mend": fault.mend}
            for fault in faults]
    columns = ["table", "file", "column", "reason", "severity", "rows", "first_rows", "must_hold", "mend"]
    return pd.DataFrame(rows, columns=columns)
