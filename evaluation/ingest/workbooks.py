"""Tables delivered as workbooks: the sheet of the table, its cells as text, and what a workbook hides.

Values are read by calamine; formulas without a value, hidden rows and filters are looked for in the workbook's own parts, for calamine
gives no word of them.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import duckdb

from evaluation.dictionary import Table
from evaluation.ingest.opening import (
    Unreadable,
    digest_of,
    heading_elsewhere,
    heading_names,
    known_names,
    load_batches,
    require_single,
    rows_of,
    unreadable,
)
from evaluation.ingest.tables import Fault, Source

LARGEST = 4 << 30  # bytes that a workbook may unfold to
FOLDED = 1_000  # times that it may be larger unfolded, once it is larger than SMALL
SMALL = 1 << 28


def read_workbook(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from the sheet named after the table, or the only sheet, of a workbook.

    Raises
    ------
    Unreadable
        It is no workbook, has a password, unfolds without bound, or its cells are merged or without their values; it carries the fault.
    """
    import pyarrow as pa

    require_bounded(path, table)
    cells, faults = cells_and_faults(path, table)
    cells = cells[table.skip_rows :]
    if not cells:
        raise Unreadable(unreadable(table, path, "it must hold a heading and rows: it is empty", "Deliver the table again.", "empty_file"))
    heading = [cell_text(cell).strip() for cell in cells[0]]
    if not known_names(table) & {name.lower() for name in heading}:
        elsewhere = heading_elsewhere(([cell_text(cell) for cell in row] for row in cells[:50]), table, path)
        if elsewhere:
            raise Unreadable(elsewhere)
    require_single(heading, table, path)
    names = heading_names(heading)
    columns = [pa.array([cell_text(row[number]) for row in cells[1:]], pa.string()) for number in range(len(names))]
    load_batches(con, [pa.RecordBatch.from_arrays(columns, names=[str(n) for n in range(len(names))])], names, path.name, first=2 + table.skip_rows)
    return Source(label=path.name, sha256=digest_of(path), bytes=path.stat().st_size, rows=rows_of(con)), faults


def require_bounded(path: Path, table: Table) -> None:
    """Raise where a workbook is no archive, or unfolds to far more than a table."""
    try:
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        raise Unreadable(cannot_be_read(path, table)) from None
    if unfolded > LARGEST or (unfolded > SMALL and unfolded > FOLDED * path.stat().st_size):
        raise Unreadable(
            unreadable(
                table,
                path,
                "a workbook must unfold to a table: this one unfolds to far more than its size allows",
                "Save the workbook again, or deliver CSV.",
            )
        )


def cannot_be_read(path: Path, table: Table) -> Fault:
    return unreadable(table, path, "it must be a workbook without a password: it cannot be read", "Save the workbook again.")


def cells_and_faults(path: Path, table: Table) -> tuple[list[list[object]], list[Fault]]:
    """The cells of the table's sheet, and what the workbook hides."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = book.sheet_names
        name = next((sheet for sheet in sheets if sheet.strip().lower() == table.name), sheets[0] if len(sheets) == 1 else None)
        if name is None:
            raise Unreadable(unreadable(table, path, f"a workbook has one sheet, or one named {table.name}: it has {len(sheets)}", "Name the sheet."))
        sheet = book.get_sheet_by_name(name)
        merged = getattr(sheet, "merged_cell_ranges", None)
        cells = sheet.to_python(skip_empty_area=False)
        hidden = [one.name for one in book.sheets_metadata if "hidden" in str(one.visible).lower()]
        look = inside(path, sheets.index(name))
    except (CalamineError, OSError, ValueError, KeyError, zipfile.BadZipFile, ElementTree.ParseError, EOFError, RuntimeError, NotImplementedError):
        raise Unreadable(cannot_be_read(path, table)) from None
    if merged:
        raise Unreadable(unreadable(table, path, "cells must not be merged: some are", "Take the merging away.", "merged_cells"))
    if look["formulas"]:
        raise Unreadable(
            unreadable(
                table,
                path,
                f"a cell must hold a value: {look['formulas']:,} hold a formula whose value was not saved",
                "Open the workbook, let it calculate, and save values.",
                "formula_without_value",
            )
        )
    faults = []
    if look["rows"] or look["filter"]:
        faults.append(hides(table, "hidden_rows", f"no row should be hidden or filtered away: {look['rows']:,} are, and were read like the others"))
    if hidden:
        faults.append(hides(table, "hidden_sheet", f"no sheet should be hidden: {len(hidden)} are, and were not read"))
    return cells, faults


def hides(table: Table, reason: str, must_hold: str) -> Fault:
    return Fault(table=table.name, reason=reason, must_hold=must_hold, severity="warn", mend="Ask why, and deliver what is meant to be read only.")


def inside(path: Path, number: int) -> dict[str, int]:
    """Formulas without a value, hidden rows and filters of a sheet, from its XML."""
    found = {"formulas": 0, "rows": 0, "filter": 0}
    with zipfile.ZipFile(path) as archive:
        name = sheet_part(archive, number)
        if name is None:
            return found
        with archive.open(name) as part:
            for element in finished(part):
                tag = element.tag.rpartition("}")[2]
                if tag == "c":
                    kinds = {child.tag.rpartition("}")[2]: child for child in element}
                    found["formulas"] += "f" in kinds and "is" not in kinds and not (getattr(kinds.get("v"), "text", None))
                elif tag == "row":
                    found["rows"] += element.get("hidden") in ("1", "true")
                    element.clear()
                elif tag == "autoFilter":
                    found["filter"] += len(element) > 0
    return found


def finished(part: object) -> Iterator[ElementTree.Element]:
    """Every element of an XML part once it is whole."""
    return (element for _, element in ElementTree.iterparse(part, events=("end",)))


def sheet_part(archive: zipfile.ZipFile, number: int) -> str | None:
    """Name of the part that holds the workbook's sheet of a number; None where the workbook names it otherwise."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = {link.get("Id"): link.get("Target", "") for link in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))}
    sheets = [element for element in book.iter() if element.tag.rpartition("}")[2] == "sheet"]
    if number >= len(sheets):
        return None
    link = next((value for key, value in sheets[number].attrib.items() if key.endswith("}id")), "")
    target = links.get(link, "")
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return name if name in archive.namelist() else None


def cell_text(cell: object) -> str:
    """A workbook's cell as text: whole numbers without '.0', days in ISO form."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)
