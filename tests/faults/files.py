"""Bad inputs 20 to 40: bytes, delimiters, rows and headings."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.faults.case import Case, Expect
from tests.faults.days_and_spells import days_are
from tests.faults.writing import EVENTS, KEEP, aside, event_rows, event_text, events, normalise, raw, reject, table, text_of, warn, workbook

DAYS = ("2012-01-31", "2012-02-29", "2012-03-31")
MANY = tuple(f"2012-{month:02d}-{day:02d}" for month in range(1, 11) for day in range(1, 21))
NOTES = ("event_id", "date", "note")


def notes(*texts: str) -> str:
    """Events with a note."""
    return text_of(NOTES, [(f"QZXE{number}", "2012-01-31", text) for number, text in enumerate(texts, start=1)])


def note_is(text: str):
    def prove(received):
        assert received["events"].frame()["note"].tolist() == [text] * len(received["events"].frame()), received["events"].frame()["note"].tolist()

    return prove


def ids_are(*ids: str):
    def prove(received):
        assert received["events"].frame()["event_id"].tolist() == list(ids)

    return prove


def controlled(rows: int, *, sha256: str = ""):
    def make(folder: Path) -> None:
        events(*DAYS)(folder)
        stated = f", sha256: '{sha256}'" if sha256 else ""
        (folder / "delivery.yml").write_text(f"files:\n  events.csv: {{rows: {rows}{stated}}}\n", encoding="utf-8")

    return make


def titled(book, sheet):
    sheet.append(["Events of the year"])
    sheet.append([None])
    sheet.append(["event_id", "date"])
    sheet.append(["QZX1", "2012-01-31"])


MIXED_ENDS = event_text(*DAYS).replace("\n", "\r\n", 2)
RAGGED = event_text(*MANY).replace("2012-01-02\n", "2012-01-02,x,y\n").replace(",2012-01-03\n", "\n")
FILES_RAGGED = event_text(*MANY[:100]).replace("2012-01-0", "2012-01-0,")

CASES = (
    Case(number=20, name="a byte-order mark", make=raw("events.csv", event_text(*DAYS).encode("utf-8-sig")), expect=KEEP, prove=days_are(*DAYS)),
    *(
        Case(
            number=21,
            name=f"UTF-16 {order} with its mark",
            make=raw("events.csv", mark + event_text(*DAYS).encode(f"utf-16-{order}")),
            expect=normalise("encoding"),
            prove=days_are(*DAYS),
        )
        for order, mark in (("le", b"\xff\xfe"), ("be", b"\xfe\xff"))
    ),
    Case(
        number=22,
        name="UTF-16 without its mark",
        make=raw("events.csv", event_text(*DAYS).encode("utf-16-le")),
        expect=reject("encoding", words=("looks like UTF-16", "events.csv")),
    ),
    Case(
        number=23,
        name="Windows-1252",
        make=raw("events.csv", notes("Si\u00e2n\u2019s").encode("cp1252")),
        expect=warn("encoding", words=("Windows-1252",)),
        prove=note_is("Si\u00e2n\u2019s"),
    ),
    Case(
        number=24,
        name="two encodings in one file",
        make=raw("events.csv", notes("Si\u00e2n").encode() + b"QZXE9,2012-01-31,Si\xe2n\n"),
        expect=reject("encoding", words=("from byte 61 on",)),
    ),
    Case(
        number=25,
        name="text encoded twice",
        make=raw("events.csv", notes("Si\u00c3\u00a2n").encode()),
        expect=warn("double_encoding", column="note", rows=(2,)),
    ),
    Case(
        number=26,
        name="NUL bytes",
        make=raw("events.csv", event_text(*DAYS).replace("0001", "0\x00001", 1).encode()),
        expect=normalise("nul_bytes"),
        prove=ids_are("QZXE0001", "QZXE0002", "QZXE0003"),
    ),
    Case(
        number=26,
        name="characters that nobody sees",
        make=raw("events.csv", event_text(*DAYS).replace("0001", "00\u200b01\u00a0\x07", 1).encode()),
        expect=normalise("unseen_characters", column="event_id", rows=(2,)),
        prove=ids_are("QZXE0001", "QZXE0002", "QZXE0003"),
    ),
    Case(
        number=27, name="line ends of old", make=raw("events.csv", event_text(*DAYS).replace("\n", "\r").encode()), expect=KEEP, prove=days_are(*DAYS)
    ),
    Case(number=27, name="two kinds of line ends", make=raw("events.csv", MIXED_ENDS.encode()), expect=KEEP, prove=days_are(*DAYS)),
    *(
        Case(
            number=28,
            name=f"delimiter {delimiter!r}",
            make=raw("events.csv", event_text(*DAYS).replace(",", delimiter).encode()),
            expect=reject("wrong_delimiter", words=(f"looks like {delimiter!r}",)),
        )
        for delimiter in ";\t|"
    ),
    Case(
        number=29,
        name="a quote that does not close",
        make=raw("events.csv", event_text(*DAYS).replace("QZXP0002", '"QZXP0002').encode()),
        expect=reject("open_quote", words=("look at line 3",)),
    ),
    Case(
        number=30,
        name="a line break in quotes",
        make=raw("events.csv", (notes('"two\nlines"') + "QZXE5,2012-02-31,x\n").encode()),
        expect=aside("no_such_date", rows=(3,)),
    ),
    Case(number=31, name="rows too long and too short", make=raw("events.csv", RAGGED.encode()), expect=aside("ragged_row", rows=(3, 4), count=2)),
    Case(
        number=31,
        name="more than one in a hundred",
        make=raw("events.csv", FILES_RAGGED.encode()),
        also=("ragged_row",),
        expect=reject("ragged_file", words=("9 of 100",)),
    ),
    Case(
        number=32,
        name="a last row cut off",
        make=raw("events.csv", event_text(*DAYS).encode()[:-14]),
        expect=reject("cut_off", words=("row 4", "events.csv")),
    ),
    Case(
        number=32, name="only the last line break missing", make=raw("events.csv", event_text(*DAYS).encode()[:-1]), expect=warn("no_final_newline")
    ),
    Case(
        number=33,
        name="rows that differ from what is stated",
        make=controlled(4),
        expect=reject("control_differs", words=("4 rows", "has 3", "events.csv")),
    ),
    Case(number=33, name="a digest that differs", make=controlled(3, sha256="0" * 64), expect=reject("control_differs", words=("SHA-256",))),
    Case(number=33, name="as stated", make=controlled(3, sha256=hashlib.sha256(event_text(*DAYS).encode()).hexdigest()), expect=KEEP),
    Case(number=34, name="an empty file", make=raw("events.csv", b""), expect=reject("empty_file", words=("heading and rows: it is empty",))),
    Case(
        number=34,
        name="a heading alone",
        make=raw("events.csv", event_text().encode()),
        expect=reject("empty_file", words=("none below its heading",)),
    ),
    Case(
        number=34,
        name="no heading",
        make=raw("events.csv", event_text(*DAYS).partition("\n")[2].encode()),
        expect=reject("missing_column", words=("first row must be a heading",)),
    ),
    Case(
        number=35,
        name="titles above the heading",
        make=raw("events.csv", ("Events of the year\n\n" + event_text(*DAYS)).encode()),
        expect=reject("heading_elsewhere", words=("it stands in row 3", "skip_rows: 2")),
    ),
    Case(
        number=35,
        name="titles above the heading of a workbook",
        make=workbook("events.xlsx", titled),
        expect=reject("heading_elsewhere", words=("it stands in row 3",)),
    ),
    Case(
        number=35,
        name="titles above the heading, declared",
        make=raw("events.csv", ("Events of the year\n\n" + event_text(*DAYS, "2012-02-31")).encode()),
        contract={"events": {"skip_rows": 2}},
        expect=aside("no_such_date", rows=(7,)),
    ),
    Case(
        number=36,
        name="totals and notes below",
        make=raw("events.csv", (event_text(*DAYS) + "Total,,3 events\nSource: the office\n").encode()),
        expect=aside("looks_like_total", rows=(6,)),
        also=("wrong_type",),
        prove=lambda received: _reasons(received, {5: "looks_like_total:", 6: "looks_like_total:"}),
    ),
    Case(
        number=36,
        name="a total that fits its column",
        make=raw("figures.csv", b"line_id,sessions,absent\nL1,100,3\nL2,120,4\nTotal,220,8\n"),
        expect=aside("looks_like_total", rows=(4,), words=("stands in 1 of 2 columns",)),
    ),
    Case(
        number=37,
        name="blank rows below",
        make=raw("events.csv", (event_text(*DAYS) + ",,\n,,\n\n").encode()),
        expect=(Expect(action="drop", reason="blank_rows", rows=(5, 6), count=3), *KEEP),
    ),
    Case(
        number=38,
        name="a column twice",
        make=raw("events.csv", text_of((*EVENTS, "date"), [(*row, row[2]) for row in event_rows(DAYS)]).encode()),
        expect=reject("duplicate_column", words=("date stands twice",)),
    ),
    Case(
        number=38,
        name="a column twice but for case and space",
        make=raw("events.csv", text_of((*EVENTS, "DATE "), [(*row, row[2]) for row in event_rows(DAYS)]).encode()),
        expect=reject("duplicate_column"),
    ),
    Case(
        number=39,
        name="an unknown column",
        make=table("events", (*EVENTS, "colour"), *((*row, "red") for row in event_rows(DAYS))),
        expect=warn("unknown_column", column="colour"),
    ),
    Case(number=39, name="an optional column missing", make=events(*DAYS), expect=warn("missing_optional", column="note")),
    Case(
        number=39,
        name="a required column missing",
        make=table("events", ("event_id", "person_id", "dates"), *event_rows(DAYS)),
        expect=reject("missing_column", column="date", words=("did you mean 'dates'",)),
    ),
    Case(
        number=40,
        name="columns in another order",
        make=table("events", ("DATE", "event_id"), ("2012-01-31", "QZXE1")),
        expect=KEEP,
        prove=days_are("2012-01-31"),
    ),
)


def _reasons(received, wanted: dict[int, str]) -> None:
    import duckdb

    rows = duckdb.execute("SELECT _row::INTEGER, _reasons FROM read_parquet(?)", [str(received["events"].quarantine)]).fetchall()
    assert {row: wanted[row] for row, reasons in rows if wanted[row] in reasons} == wanted, rows
