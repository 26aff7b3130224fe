"""Tables delivered as CSV: commas, double quotes, one heading, a row number for every row. Nothing is sniffed.

Row numbers count records as a spreadsheet shows them, the heading being row 1 (a line break inside quotes does not count).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb

from evaluation.dictionary import Table
from evaluation.ingest.contracts import no_heading
from evaluation.ingest.encodings import CHUNK, Scan, scan_bytes
from evaluation.ingest.opening import (
    Unreadable,
    add_ragged,
    heading_elsewhere,
    heading_names,
    known_names,
    load_batches,
    require_single,
    rows_of,
    unreadable,
)
from evaluation.ingest.tables import Fault, Source

DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar"}
BLOCKS = (CHUNK, 1 << 26, (1 << 30) - 1)  # bytes of a parser's block, tried in turn: a row must fit into one
LONGEST_HEADING, LOOK_FOR_HEADING = 1 << 20, 50


def read_csv(con: duckdb.DuckDBPyConnection, path: Path, table: Table) -> tuple[Source, list[Fault]]:
    """Make `delivered` from a CSV file: comma, double quotes, a heading, UTF-8 (UTF-16 with its mark and Windows-1252 are understood).

    Raises
    ------
    Unreadable
        The file is no such table; it carries the fault.
    """
    scan = scan_bytes(path, table)
    refusal = next((fault for fault in scan.faults if fault.severity == "reject"), None)
    if refusal:
        raise Unreadable(refusal)
    names = read_heading(path, scan.encoding, table)
    if scan.quotes % 2:
        raise Unreadable(
            unreadable(
                table,
                path,
                f"every quotation mark that opens must close: one does not (look at line {line_of_odd_quotes(path, scan.encoding)})",
                "Mend the quotes in the export.",
                "open_quote",
            )
        )
    ragged = parse(con, path, table, scan, names)
    faults = list(scan.faults)
    if not scan.ends_with_newline:
        faults.append(end_of_file(table, path, ragged, rows_of(con) + len(ragged) + table.skip_rows + 1))
    if ragged:
        add_ragged(con, path.name, ragged)
    return Source(label=path.name, sha256=scan.sha256, bytes=scan.bytes, rows=rows_of(con)), faults


def parse(con: duckdb.DuckDBPyConnection, path: Path, table: Table, scan: Scan, names: list[str]) -> list[tuple[int, str]]:
    """Load the rows that have as many fields as the heading; the number and text of the others."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    skip = table.skip_rows
    for block in [size for size in BLOCKS if size > scan.longest] or BLOCKS[-1:]:
        ragged: list[tuple[int, str]] = []

        def set_aside(row: arrow_csv.InvalidRow, ragged: list = ragged) -> str:
            ragged.append((row.number, row.text))
            return "skip"

        try:
            reader = arrow_csv.open_csv(
                text_of(path, scan),
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=block, skip_rows=skip),
                parse_options=arrow_csv.ParseOptions(newlines_in_values=scan.quotes > 0, ignore_empty_lines=False, invalid_row_handler=set_aside),
                convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
            if reader.schema.names != names:
                raise Unreadable(unreadable(table, path, "its heading must stand in one row without quotes around line breaks", "Mend the heading."))
            load_batches(con, reader, heading_names(names), path.name, first=2 + skip)
            return ragged
        except (pa.ArrowInvalid, duckdb.Error) as error:  # DuckDB wraps what the parser raises while it streams
            if "straddl" not in str(error) and "block" not in str(error):
                break
    raise Unreadable(
        unreadable(table, path, "it must be a table of fields separated by commas: it cannot be read so", "Export the table again as CSV.")
    ) from None


def text_of(path: Path, scan: Scan) -> Path | io.BufferedReader:
    """What the parser is given: the file itself, or its text without NUL bytes and in UTF-8, recoded as it is read."""
    if scan.encoding == "utf-8" and not scan.nuls:
        return path
    return io.BufferedReader(Recoded(path, scan.encoding), buffer_size=CHUNK)


class Recoded(io.RawIOBase):
    """A file's text in UTF-8 without NUL characters, a piece at a time: a delivery may be larger than the memory."""

    def __init__(self, path: Path, encoding: str, *, chunk: int = CHUNK) -> None:
        super().__init__()
        self._file, self._chunk = path.open("rb"), chunk
        self._decoder, self._left = codecs.getincrementaldecoder(encoding)(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        """Fill as much of the buffer as the next piece does; 0 at the end."""
        while not self._left:
            piece = self._file.read(self._chunk)
            self._left = self._decoder.decode(piece, final=not piece).replace("\0", "").encode()
            if not piece:
                break
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()


def end_of_file(table: Table, path: Path, ragged: list[tuple[int, str]], last: int) -> Fault:
    """A file that ends without a line break: cut off where its last row lacks fields, and perhaps where not."""
    if any(number == last for number, _ in ragged):
        return unreadable(
            table,
            path,
            f"the last row must be whole: row {last:,} ends before its last field and without a line break",
            "Transfer the file again, and compare its size and rows with the source.",
            "cut_off",
        )
    return Fault(
        table=table.name,
        reason="no_final_newline",
        must_hold="the last row should end with a line break: it may be cut off",
        mend="Compare the number of rows with the source.",
        severity="warn",
    )


def read_heading(path: Path, encoding: str, table: Table) -> list[str]:
    """The heading's names; raises where another delimiter was used, where the heading stands elsewhere or a name stands twice."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline=None) as file:
        lines = [line.removesuffix("\n").replace("\0", "") for line in first_lines(file, LOOK_FOR_HEADING + table.skip_rows)]
    line = lines[table.skip_rows] if len(lines) > table.skip_rows else ""
    names = cells_of(line)
    known = known_names(table)
    matches = len(known & {name.strip().lower() for name in names})
    for delimiter, word in DELIMITERS.items():
        if matches < min(2, len(known)) and len(known & {name.strip(' "').lower() for name in line.split(delimiter)}) > matches:
            raise Unreadable(
                unreadable(
                    table,
                    path,
                    f"fields must be separated by commas: the heading looks like {delimiter!r} ({word})",
                    "Export with commas.",
                    "wrong_delimiter",
                )
            )
    if not matches:  # the first row may hold data: name nothing of it
        raise Unreadable(heading_elsewhere(map(cells_of, lines), table, path) or no_heading(table))
    require_single(names, table, path)
    return names


def first_lines(file: io.TextIOBase, count: int) -> Iterator[str]:
    """The first lines of a text, each cut at a length that no heading has."""
    return islice(iter(lambda: file.readline(LONGEST_HEADING), ""), count)


def cells_of(line: str) -> list[str]:
    """The cells of one line of CSV; none where it is too broken to be one."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def line_of_odd_quotes(path: Path, encoding: str) -> int:
    """The first line of the file with an odd number of quotation marks."""
    with path.open(encoding=encoding, errors="replace") as file:
        return next((number for number, line in enumerate(file, start=1) if line.count('"') % 2), 1)
