"""Delivered files read as text: CSV, Parquet and workbooks, with the row number of every row.

Nothing is guessed: delimiters, encodings and ragged rows are reported, never mended in silence. What the texts must be is the contract's business.
Row numbers count records as a spreadsheet shows them, the heading being row 1 (a line break inside quotes does not count).
"""
from __future__ import annotations

import codecs
import csv
import dataclasses
import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary, Table, nearest
from evaluation.errors import ContractError
from evaluation.ingest.contracts import OWN, check_relation, literal, no_heading, quoted
from evaluation.ingest.tables import CheckedTable, Fault, Source, reject

SUFFIXES = (".csv", ".parquet", ".xlsx")
DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar"}
EXCEL_ROWS = 1_048_576
CHUNK = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one pass over a text file's bytes found."""

    sha256: str
    bytes: int
    encoding: str            # 'utf-8', 'utf-16', 'cp1252'
    quotes: int
    ends_with_newline: bool
    fault: Fault | None = None


class Unreadable(Exception):
    """A file cannot be read; carries the fault. Caught in this module."""

    def __init__(self, fault: Fault):
        super().__init__(fault.reason)
        self.fault = fault


def receive_extracts(folder: Path, dictionary: Dictionary, *, room: Path, tables: Sequence[str] | None = None) -> dict[str, CheckedTable]:
    """Read and check the delivered tables of a folder.

    Parameters
    ----------
    folder : Path
        Holds `<table>.csv`, `<table>.parquet` or `<table>.xlsx`.
    room : Path
        Where kept and quarantined rows are written.
    tables : names, optional
        Tables that must be there; by default whatever is delivered. Tables that these refer to must be there as well.

    Returns
    -------
    dict of name -> CheckedTable, in order of name

    Raises
    ------
    ContractError
        One error with every fault of every file, where at least one rejects a file.
    DictionaryError
        The contracts themselves are wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ContractError(f"Delivered tables lie in a folder: {folder.name!r} is none. Mend the folder's path, or make the delivery first.")
    found, of_folder = find_files(folder, dictionary, tables)
    faults, checked = list(of_folder), {}
    for name in in_order_of_reference(found, dictionary):
        try:
            checked[name] = receive_table(found[name], dictionary.tables[name], dictionary, room=room, parents=checked)
            faults += checked[name].faults
        except ContractError as error:
            faults += error.faults
    if any(fault.severity == "reject" for fault in faults):
        raise reject(faults)
    first = min(checked)   # the folder's warnings travel with the first table
    checked[first] = dataclasses.replace(checked[first], faults=(*of_folder, *checked[first].faults))
    return dict(sorted(checked.items()))


def find_files(folder: Path, dictionary: Dictionary, tables: Sequence[str] | None) -> tuple[dict[str, Path], list[Fault]]:
    """Table -> its one file, and the faults of the folder."""
    there: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(("~", ".")):
            there.setdefault(path.stem.lower(), []).append(path)
    faults = [Fault(table=name, reason="unknown_file", severity="warn", mend="It is not read. Rename it, or take it away.",
                    must_hold=f"a delivered file is named after a table: this one is not{nearest(name, dictionary.tables)}")
              for name in there if name not in dictionary.tables]
    wanted = [name for name in there if name in dictionary.tables] if tables is None else list(tables)
    if not wanted:
        faults.append(missing_file("delivery", "the folder must hold files named after tables, such as families.csv: it holds none"))
    found: dict[str, Path] = {}
    for name in with_parents(wanted, dictionary):
        paths = there.get(name, [])
        if len(paths) == 1:
            found[name] = paths[0]
        elif paths:
            faults.append(Fault(table=name, reason="two_files", mend="Take all but one away.", severity="reject",
                                must_hold=f"a table comes in one file: {', '.join(path.name for path in paths)} are there"))
        else:
            hint = nearest(name, [stem for stem in there if stem not in dictionary.tables])
            faults.append(missing_file(name, f"the file {name}.csv, .parquet or .xlsx must be delivered: it is missing{hint}"))
    return found, faults


def missing_file(table: str, must_hold: str) -> Fault:
    mend = "Deliver the file, or mend the folder or the file's name."
    return Fault(table=table, reason="missing_file", must_hold=must_hold, mend=mend, severity="reject")


def parents_of(name: str, dictionary: Dictionary) -> list[str]:
    found = {(v.references or "").partition(".")[0] for v in dictionary.tables[name].columns.values()}
    return sorted(found & set(dictionary.tables) - {name})


def with_parents(names: Iterable[str], dictionary: Dictionary) -> list[str]:
    """The tables and all that they refer to."""
    wanted, queue = [], list(names)
    while queue:
        name = queue.pop(0)
        if name not in wanted:
            wanted.append(name)
            queue += parents_of(name, dictionary) if name in dictionary.tables else []
    return wanted


def in_order_of_reference(found: Mapping[str, Path], dictionary: Dictionary) -> list[str]:
    """Tables with those they refer to first."""
    ordered: list[str] = []
    waiting = sorted(found)
    while waiting:
        ready = [name for name in waiting if not set(parents_of(name, dictionary)) & set(waiting)] or waiting[:1]
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def receive_table(path: Path, table: Table, dictionary: Dictionary, *, room: Path, parents: Mapping[str, CheckedTable]) -> CheckedTable:
    """Read one file and apply its table's contract."""
    room.mkdir(parents=True, exist_ok=True)
    before = path.stat()
    with duckdb.connect(config={"temp_directory": str(room / ".duckdb")}) as con:
        try:
            source, faults = READERS[path.suffix.lower()](con, path, table)
        except Unreadable as problem:
            raise reject([problem.fault]) from None
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise reject([unreadable(table, path, "it must not change while it is read: it did", "Wait until it is written, and deliver again.")])
        return check_relation(con, "delivered", table, sources=[source], room=room, dictionary=dictionary, parents=parents, faults=faults)


def unreadable(table: Table, path: Path, must_hold: str, mend: str, reason: str = "unreadable_file") -> Fault:
    return Fault(table=table.name, reason=reason, must_hold=f"{path.name}: {must_hold}", mend=mend, severity="reject")


# ---- CSV --------------------------------------------------------------------

def read_csv(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from a CSV file: comma, double quotes, a heading, UTF-8 (UTF-16 with its mark and Windows-1252 are understood)."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    scan = scan_bytes(path, table)
    if scan.fault and scan.fault.severity == "reject":
        raise Unreadable(scan.fault)
    faults = [scan.fault] if scan.fault else []
    names = read_heading(path, scan.encoding, table)
    if scan.quotes % 2:
        raise Unreadable(unreadable(table, path, "every quotation mark that opens must close: one does not "
                                    f"(look at line {line_of_odd_quotes(path, scan.encoding)})", "Mend the quotes in the export."))
    ragged: list[tuple[int, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        ragged.append((row.number, row.text))
        return "skip"

    arrived = [heading if heading.strip() else f"column_{number}" for number, heading in enumerate(names, start=1)]
    delivered = io.BytesIO(path.read_bytes().decode(scan.encoding).encode()) if scan.encoding != "utf-8" else path
    try:
        reader = arrow_csv.open_csv(
            delivered, read_options=arrow_csv.ReadOptions(use_threads=False, block_size=CHUNK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=scan.quotes > 0, ignore_empty_lines=False, invalid_row_handler=set_aside),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False))
        if reader.schema.names != names:
            raise Unreadable(unreadable(table, path, "its heading must stand in one row without quotes around line breaks", "Mend the heading."))
        load_batches(con, reader, arrived, path.name)
    except (pa.ArrowInvalid, duckdb.Error):      # DuckDB wraps what the parser raises while it streams
        raise Unreadable(unreadable(table, path, "it must be a table of fields separated by commas: it cannot be read so",
                                    "Export the table again as CSV.")) from None
    if not scan.ends_with_newline:
        faults.append(Fault(table=table.name, reason="no_final_newline", must_hold="the last row should end with a line break: it may be cut off",
                            mend="Compare the number of rows with the source.", severity="warn"))
    if ragged:
        add_ragged(con, path.name, ragged)
    return Source(label=path.name, sha256=scan.sha256, bytes=scan.bytes, rows=rows_of(con)), faults


def scan_bytes(path: Path, table: Table) -> Scan:
    """One pass over the file: digest, encoding, quotation marks."""
    digest, is_utf8, size, quotes, zeros, last = hashlib.sha256(), True, 0, 0, 0, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        while block := file.read(CHUNK):
            digest.update(block)
            size, quotes, zeros, last = size + len(block), quotes + block.count(b'"'), zeros + block.count(b"\0"), block[-1:]
            is_utf8 = is_utf8 and decodes(decoder, block)
    encoding, fault = encoding_of(path, table, head, size, zeros, is_utf8 and decodes(decoder, b"", final=True))
    if encoding == "utf-16":
        quotes = path.read_bytes().decode("utf-16", errors="ignore").count('"')
        last = b"\n" if last in (b"\n", b"\0") else last
    return Scan(sha256=digest.hexdigest(), bytes=size, encoding=encoding, quotes=quotes, ends_with_newline=last in (b"\n", b"\r", b""), fault=fault)


def decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def encoding_of(path: Path, table: Table, head: bytes, size: int, zeros: int, is_utf8: bool) -> tuple[str, Fault | None]:
    """The encoding, and a fault where it is not plain UTF-8."""
    if size == 0:
        return "utf-8", unreadable(table, path, "it must hold a heading and rows: it is empty", "Deliver the table again.", "empty_file")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            path.read_bytes().decode("utf-16")
        except UnicodeDecodeError:
            return "utf-16", unreadable(table, path, "it begins as UTF-16 and must be so to its end: it is not", "Export as UTF-8.", "encoding")
        return "utf-16", warn_encoding(table, "UTF-16")
    if zeros:
        guess = "it looks like UTF-16 without its mark" if zeros > size // 4 else "it holds NUL bytes"
        return "utf-8", unreadable(table, path, f"text must be UTF-8: {guess}", "Export as UTF-8.", "encoding")
    if is_utf8:
        return "utf-8", None
    content = path.read_bytes()
    text = content.decode("utf-8", errors="surrogateescape")
    offset = len(text[:next(place for place, letter in enumerate(text) if "\udc80" <= letter <= "\udcff")].encode())
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        neither = f"text must be UTF-8: byte {offset:,} is neither that nor Windows-1252"
        return "utf-8", unreadable(table, path, neither, "Export as UTF-8.", "encoding")
    if any(letter > "\x7f" and not "\udc80" <= letter <= "\udcff" for letter in text.removeprefix("\ufeff")):
        return "utf-8", unreadable(table, path, f"text must be in one encoding: UTF-8 and Windows-1252 are mixed, from byte {offset:,} on",
                                   "Export the whole table as UTF-8.", "encoding")
    return "cp1252", warn_encoding(table, "Windows-1252")


def warn_encoding(table: Table, name: str) -> Fault:
    must_hold = f"text should be UTF-8: the file was read as {name}"
    return Fault(table=table.name, reason="encoding", must_hold=must_hold, mend="Export as UTF-8.", severity="warn")


def read_heading(path: Path, encoding: str, table: Table) -> list[str]:
    """The heading's names; raises where another delimiter was used or a name stands twice."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline=None) as file:
        line = file.readline(1 << 20).removesuffix("\n")
    names = next(csv.reader([line]), [])
    known = {name.lower() for v in table.columns.values() for name in (v.name, *v.aliases)}
    matches = len(known & {name.strip().lower() for name in names})
    for delimiter, word in DELIMITERS.items():
        if matches < min(2, len(known)) and len(known & {name.strip(' "').lower() for name in line.split(delimiter)}) > matches:
            raise Unreadable(unreadable(table, path, f"fields must be separated by commas: the heading looks like {delimiter!r} ({word})",
                                        "Export with commas.", "wrong_delimiter"))
    if not matches:      # the first row may hold data: name nothing of it
        raise Unreadable(no_heading(table))
    require_single(names, table, path)
    return names


def require_single(names: Sequence[str], table: Table, path: Path) -> None:
    """Raise where a name stands twice in a heading, case aside; names that the contract does not know are not printed."""
    low = [name.strip().lower() for name in names if name.strip()]
    twice = {name for name in low if low.count(name) > 1}
    if twice:
        shown = ", ".join(sorted(twice & set(table.columns))) or "one that the contract does not know"
        raise Unreadable(unreadable(table, path, f"a column stands once in the heading: {shown} stands twice", "Take one away.", "duplicate_column"))


def line_of_odd_quotes(path: Path, encoding: str) -> int:
    """The first line of the file with an odd number of quotation marks."""
    with path.open(encoding=encoding, errors="replace") as file:
        return next((number for number, line in enumerate(file, start=1) if line.count('"') % 2), 1)


def load_batches(con: duckdb.DuckDBPyConnection, batches: Iterable, names: Sequence[str], label: str) -> None:
    """Create `delivered`: the batches' columns as text, `_file`, and `_row` counted from 2."""
    import pyarrow as pa

    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), pa.field("_row", pa.int64())])

    def numbered() -> Iterator[pa.RecordBatch]:
        start = 2
        for batch in batches:
            rows = pa.array(range(start, start + batch.num_rows), pa.int64())
            start += batch.num_rows
            yield pa.RecordBatch.from_arrays([*batch.columns, rows], schema=schema)

    con.register("incoming", pa.RecordBatchReader.from_batches(schema, numbered()))
    con.execute(f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT *, {literal(label)} AS _file FROM incoming")
    con.unregister("incoming")


def add_ragged(con: duckdb.DuckDBPyConnection, label: str, ragged: Sequence[tuple[int, str]]) -> None:
    """Put the rows that the parser skipped into `delivered`, with `_fault` and `_line`, and number the others around them."""
    import pyarrow as pa

    rows = sorted(ragged)
    con.register("ragged", pa.table({
        "_row": pa.array([row for row, _ in rows], pa.int64()), "_line": pa.array([line for _, line in rows], pa.string()),
        "since": pa.array([row - before for before, (row, _) in enumerate(rows)], pa.int64()),     # rows numbered from here stand after it
        "skipped": pa.array(range(1, len(rows) + 1), pa.int64())}))
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT a.* EXCLUDE (_row), a._row + coalesce(r.skipped, 0) AS _row, NULL::VARCHAR AS _fault, NULL::VARCHAR AS _line
        FROM delivered AS a ASOF LEFT JOIN (SELECT since, max(skipped) AS skipped FROM ragged GROUP BY since) AS r ON a._row >= r.since
        UNION ALL BY NAME SELECT {literal(label)} AS _file, _row, 'ragged_row:' AS _fault, _line FROM ragged""")
    con.execute("DROP TABLE delivered; ALTER TABLE numbered RENAME TO delivered")
    con.unregister("ragged")


def rows_of(con: duckdb.DuckDBPyConnection) -> int:
    return con.execute("SELECT count(*) FROM delivered").fetchone()[0]


# ---- Parquet and workbooks --------------------------------------------------

def read_parquet(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from a Parquet file, every value as text."""
    source = f"read_parquet({literal(path)})"
    try:
        names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        columns = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names if name not in OWN)
        con.execute(f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT {columns}, {literal(path.name)} AS _file, "
                    f"CAST(file_row_number + 2 AS VARCHAR) AS _row FROM read_parquet({literal(path)}, file_row_number = true)")
    except duckdb.Error:
        raise Unreadable(unreadable(table, path, "it must be a Parquet file: it cannot be read as one", "Write the file again.")) from None
    return Source(label=path.name, sha256=digest_of(path), bytes=path.stat().st_size, rows=rows_of(con)), []


def read_workbook(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from the sheet named after the table, or the only sheet, of a workbook."""
    import pyarrow as pa
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
    except (CalamineError, OSError, ValueError):
        raise Unreadable(unreadable(table, path, "it must be a workbook without a password: it cannot be read", "Save the workbook again.")) from None
    if merged:
        raise Unreadable(unreadable(table, path, "cells must not be merged: some are", "Take the merging away."))
    if len(cells) >= EXCEL_ROWS:
        raise Unreadable(unreadable(table, path, f"a workbook holds at most {EXCEL_ROWS:,} rows, and this one is full: it is likely cut off",
                                    "Deliver the table as CSV or Parquet."))
    if not cells:
        raise Unreadable(unreadable(table, path, "it must hold a heading and rows: it is empty", "Deliver the table again.", "empty_file"))
    heading = [cell_text(cell).strip() or f"column_{number}" for number, cell in enumerate(cells[0], start=1)]
    require_single(heading, table, path)
    columns = [pa.array([cell_text(row[number]) for row in cells[1:]], pa.string()) for number in range(len(heading))]
    load_batches(con, [pa.RecordBatch.from_arrays(columns, names=heading)], heading, path.name)
    return Source(label=path.name, sha256=digest_of(path), bytes=path.stat().st_size, rows=rows_of(con)), []


def cell_text(cell: object) -> str:
    """A workbook's cell as text: whole numbers without '.0', days in ISO form."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


READERS = {".csv": read_csv, ".parquet": read_parquet, ".xlsx": read_workbook}
