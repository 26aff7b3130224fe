"""The full form of faults, with values: a spreadsheet for the data officer that stays inside the room.

Every other message, log and page has the safe form, without values. Texts are escaped, so that no cell is taken for a formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary, Table
from evaluation.dictionary.tables import identifiers
from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.ingest.values import literal, quoted

HEADING = ("File", "Row", "Column", "Value", "Reason", "What must hold", "How to mend it")
MOST = 100_000  # rows of a sheet; beyond it the Parquet of the quarantine holds them all
FORMULA = ("=", "+", "-", "@", "\t", "\r")
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
WIDTHS = (24, 9, 22, 30, 20, 70, 60)


def write_fault_sheet(tables: Mapping[str, CheckedTable], room: Path, faults: Iterable[Fault] = (), dictionary: Dictionary | None = None) -> Path:
    """Write `faults.xlsx` into the room: every row set aside with the values at fault, and every value that is missing for a reason.

    Parameters
    ----------
    tables : name -> CheckedTable
        Tables that were checked; of refused ones the quarantine in the room is read.
    room : Path
        Holds `quarantine/` and `blanks/`.
    faults : faults, optional
        For what must hold and how to mend it; those of the tables by default.
    """
    import openpyxl

    said = {
        (fault.table, f"{fault.reason}:{fault.column}"): fault for fault in (*faults, *(one for table in tables.values() for one in table.faults))
    }
    book = openpyxl.Workbook(write_only=True)
    fill(book.create_sheet("Faults"), HEADING, limited(rows_at_fault(room, said, dictionary)), WIDTHS)
    fill(book.create_sheet("Missing for a reason"), ("Table", "File", "Row", "Column", "Reason"), limited(rows_blanked(room)), (20, 24, 9, 22, 20))
    path = room / "faults.xlsx"
    room.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def fill(sheet: object, heading: Sequence[str], rows: Iterable[Sequence[object]], widths: Sequence[int]) -> None:
    """Write a heading that stays in view and rows of escaped cells."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    cells = [WriteOnlyCell(sheet, value=text) for text in heading]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    for row in rows:
        sheet.append([escaped(value) for value in row])


def escaped(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, without characters that none can hold."""
    if not isinstance(value, str):
        return value
    text = UNWRITABLE.sub("\ufffd", value)[:32_000]
    return f"'{text}" if text.startswith(FORMULA) else text


def limited(rows: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    """The first rows, and a last one that says that there are more."""
    for number, row in enumerate(rows):
        if number == MOST:
            yield (f"More than {MOST:,} rows: the others are in the Parquet files of the room.",)
            return
        yield row


def rows_at_fault(room: Path, said: Mapping[tuple[str, str], Fault], dictionary: Dictionary | None) -> Iterator[Sequence[object]]:
    """One row per row set aside and reason, with the value."""
    for path in sorted((room / "quarantine").glob("*.parquet")):
        table = dictionary.tables.get(path.stem) if dictionary else None
        with duckdb.connect() as con:
            result = con.execute(f"SELECT * FROM read_parquet({literal(path)})")
            names = [column[0] for column in result.description]
            while rows := result.fetchmany(1_000):
                for values in rows:
                    row = dict(zip(names, values, strict=True))
                    for mark in row["_reasons"]:
                        yield of_mark(path.stem, row, mark, said, table)


def of_mark(name: str, row: Mapping[str, object], mark: str, said: Mapping[tuple[str, str], Fault], table: Table | None) -> Sequence[object]:
    """One line of the sheet."""
    reason, _, column = mark.partition(":")
    fault = said.get((name, mark))
    rule = next((rule for rule in table.rules if rule.name == column), None) if table else None
    columns = sorted(identifiers(rule.sql) & set(table.columns)) if rule else [part.strip() for part in column.split(",")]
    shown = [value_of(row, one, table) for one in columns if one]
    value = (
        "; ".join(f"{one}: {text}" for one, text in zip(columns, shown, strict=False))
        if len(columns) > 1
        else next(iter(shown), row.get("_line") or "")
    )
    if reason == "excel_serial":
        value = f"{value} (would be {serial_day(value)})"
    return (row["_file"], int(row["_row"]), column, value, reason, fault.must_hold if fault else "", fault.mend if fault else "")


def value_of(row: Mapping[str, object], column: str, table: Table | None) -> str:
    """The delivered text of a column of the contract, whatever its heading was."""
    aliases = table.columns[column].aliases if table and column in table.columns else ()
    low = {str(name).strip().lower(): value for name, value in row.items()}
    return str(next((low[name.lower()] for name in (column, *aliases) if low.get(name.lower()) is not None), ""))


def serial_day(text: str) -> str:
    """The day that a spreadsheet's serial number means where it counts from 1900."""
    import datetime as dt

    return str(dt.date(1899, 12, 30) + dt.timedelta(days=int(float(text))))


def rows_blanked(room: Path) -> Iterator[Sequence[object]]:
    """One row per value that is missing for a reason."""
    for path in sorted((room / "blanks").glob("*.parquet")):
        with duckdb.connect() as con:
            result = con.execute(f'SELECT {literal(path.stem)}, "_file", "_row", {quoted("column")}, reason FROM read_parquet({literal(path)})')
            while rows := result.fetchmany(1_000):
                yield from rows
