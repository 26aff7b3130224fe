"""Bad inputs 95 to 100: deliveries sent twice, very large ones, hostile texts, damaged files, files still being written."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from unittest import mock

import duckdb

from evaluation.ingest.reading import READERS, receive_extracts
from tests.faults.case import Case
from tests.faults.files import NOTES
from tests.faults.writing import KEEP, aside, events, raw, reject, table, text_of, warn

DAYS = tuple(f"2012-01-{day:02d}" for day in range(1, 11))


def twice(first, second):
    """Receives one delivery and then another, with one register."""

    def receive(folder, dictionary, room):
        register = room / "deliveries"
        first(folder)
        receive_extracts(folder, dictionary, room=room, register=register)
        second(folder)
        return receive_extracts(folder, dictionary, room=room, register=register)

    return receive


def while_written(folder, dictionary, room):
    """Receives a file that grows while it is read."""

    def growing(con, path, table):
        found = READERS_OF_TODAY[".csv"](con, path, table)
        with path.open("a", encoding="utf-8") as file:
            file.write("QZXE9999,QZXP9,2012-01-31\n")
        return found

    with mock.patch.dict(READERS, {".csv": growing}):
        return receive_extracts(folder, dictionary, room=room)


def rewritten_alike(folder, dictionary, room):
    """Receives a file that is written anew, with the same size and time, while it is read."""

    def changing(con, path, table):
        found = READERS_OF_TODAY[".csv"](con, path, table)
        before = path.stat()
        path.write_text(path.read_text().replace("2012-01-01", "2012-02-01"), encoding="utf-8")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return found

    with mock.patch.dict(READERS, {".csv": changing}):
        return receive_extracts(folder, dictionary, room=room)


READERS_OF_TODAY = dict(READERS)


def parquet(change):
    """A Parquet file whose bytes are changed."""

    def make(folder: Path) -> None:
        path = folder / "events.parquet"
        duckdb.execute(
            f"COPY (SELECT 'QZX' || i AS event_id, '2012-01-31' AS date FROM range(5000) t(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        path.write_bytes(change(path.read_bytes()))

    return make


def bomb(folder: Path) -> None:
    """A small archive that unfolds to half a gigabyte."""
    with zipfile.ZipFile(folder / "events.xlsx", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(320):
            part.write(b" " * (1 << 20))


def with_password(folder: Path) -> None:
    """A workbook with a password is no archive but a compound file."""
    (folder / "events.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 4096)


def wide(folder: Path) -> None:
    """Three hundred columns that nobody knows, and a cell of five megabytes."""
    heading = ["event_id", "date", "note", *(f"more_{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300))]
    rows = [[f"QZXE{n}", "2012-01-31", "x" * (5_000_000 if n == 3 else 3), *["y"] * 300] for n in range(20)]
    (folder / "events.csv").write_text(text_of(heading, rows), encoding="utf-8")


def many_faults(folder: Path) -> None:
    """Twenty thousand rows, ten thousand of them wrong in ten thousand ways."""
    table("events", ("event_id", "date"), *((f"QZXE{n}", "2012-01-31" if n % 2 else f"QZX{n}") for n in range(20_000)))(folder)


def kept_as_text(*texts: str):
    def prove(received):
        from evaluation.ingest.fault_sheet import write_fault_sheet

        assert received["events"].frame()["note"].tolist() == list(texts)
        room = received["events"].path.parents[1]
        import openpyxl

        for row in openpyxl.load_workbook(write_fault_sheet(received, room)).active.iter_rows():
            assert not any(cell.data_type == "f" or str(cell.value).startswith(("=", "@", "+")) for cell in row)

    return prove


FORMULAS = ("=cmd|' /C calc'!A0", "@SUM(1+1)", "+1", "-1+1")
MARKUP = ("<b>x</b>", "$x$", "{{ x }}", "../../etc")


def escaped_on_the_page(received) -> None:
    from evaluation.reporting.quality import quality_page

    page = quality_page(received, refused=())
    assert "<b>x</b>" not in page and "<script>" not in page


CASES = (
    Case(
        number=95,
        name="the same file again",
        make=lambda folder: None,
        receive=twice(events(*DAYS), events(*DAYS)),
        expect=warn("delivered_before", words=("events.csv",)),
    ),
    Case(
        number=95,
        name="a later delivery that only adds",
        make=lambda folder: None,
        receive=twice(events(*DAYS), events(*DAYS, "2012-02-01")),
        expect=KEEP,
    ),
    Case(
        number=95,
        name="a later delivery with another past",
        make=lambda folder: None,
        receive=twice(events(*DAYS), events("2012-03-01", *DAYS[1:], "2012-02-01")),
        expect=warn("history_changed", words=("of 10 delivered before, 0 are gone and 1 changed; 1 are new",)),
    ),
    Case(
        number=95,
        name="a later delivery with a past rewritten",
        make=lambda folder: None,
        receive=twice(events(*DAYS), events(*(day.replace("2012", "2013") for day in DAYS))),
        expect=reject("history_changed", words=("10 changed",)),
    ),
    Case(number=96, name="three hundred columns and a cell of five megabytes", make=wide, expect=aside("too_long", column="note", rows=(5,))),
    Case(
        number=96,
        name="ten thousand different faults",
        make=many_faults,
        expect=aside("wrong_type", column="date", count=10_000, rows=(2, 4, 6, 8, 10)),
    ),
    Case(
        number=97,
        name="formulas in texts",
        expect=KEEP,
        prove=kept_as_text(*FORMULAS),
        make=raw("events.csv", text_of(NOTES, [(f"QZXE{n}", "2012-01-31", text) for n, text in enumerate(FORMULAS)]).encode()),
    ),
    Case(
        number=98,
        name="markup and paths in texts",
        expect=KEEP,
        prove=escaped_on_the_page,
        make=raw("events.csv", text_of(NOTES, [(f"QZXE{n}", "2012-01-31", text) for n, text in enumerate(MARKUP)]).encode()),
    ),
    Case(
        number=98,
        name="markup and paths in headings and names of files",
        expect=warn("unknown_column", words=("column number 4",)),
        prove=escaped_on_the_page,
        make=lambda folder: (
            raw("events.csv", text_of((*NOTES, "<b>x</b>"), [("QZXE1", "2012-01-31", "x", "y")]).encode())(folder),
            (folder / "<script>.csv").write_text("a\n"),
        ),
    ),
    Case(
        number=99,
        name="Parquet that is none",
        make=parquet(lambda content: b"PAR1 not at all"),
        expect=reject("unreadable_file", words=("events.parquet",)),
    ),
    Case(number=99, name="Parquet cut off", make=parquet(lambda content: content[: len(content) // 2]), expect=reject("unreadable_file")),
    Case(
        number=99,
        name="Parquet with a damaged page",
        make=parquet(lambda content: content[:100] + bytes(200) + content[300:]),
        expect=reject("unreadable_file"),
    ),
    Case(number=99, name="an archive that unfolds without bound", make=bomb, expect=reject("unreadable_file", words=("events.xlsx",))),
    Case(number=99, name="a workbook with a password", make=with_password, expect=reject("unreadable_file", words=("password",))),
    Case(
        number=100,
        name="a file that grows while it is read",
        make=events(*DAYS),
        receive=while_written,
        expect=reject("changed_while_read", words=("events.csv",)),
    ),
    Case(number=100, name="a file rewritten while it is read", make=events(*DAYS), receive=rewritten_alike, expect=reject("changed_while_read")),
    Case(
        number=100,
        name="a file open in another programme",
        make=lambda folder: (events(*DAYS)(folder), (folder / ".~lock.events.csv#").touch()),
        expect=reject("changed_while_read"),
    ),
)
