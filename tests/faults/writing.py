"""How the corpus writes its deliveries: small files of good rows, into which a case puts what is wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.case import CANARY, Expect

EVENTS = ("event_id", "person_id", "date")
SPELLS = ("person_id", "kind", "start_date", "end_date")
PERSONS = ("person_id", "family_id", "first_name", "surname", "birth_date", "sex", "postcode", "member_from", "member_to")


def text_of(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A CSV text; nothing is quoted, so a case may break it."""
    return "".join(",".join(row) + "\n" for row in (heading, *rows))


def table(name: str, heading: Sequence[str], *rows: Sequence[str]) -> Callable[[Path], object]:
    """Writes one CSV file of texts."""
    return lambda folder: (folder / f"{name}.csv").write_text(text_of(heading, rows), encoding="utf-8")


def raw(name: str, content: bytes) -> Callable[[Path], object]:
    """Writes one file of bytes."""
    return lambda folder: (folder / name).write_bytes(content)


def event_rows(days: Sequence[str]) -> list[tuple[str, str, str]]:
    """An event a day given; identifiers are canaries."""
    return [(f"{CANARY}E{number:04d}", f"{CANARY}P{number:04d}", day) for number, day in enumerate(days, start=1)]


def events(*days: str) -> Callable[[Path], object]:
    """Writes events on these days, in rows 2 and on."""
    return table("events", EVENTS, *event_rows(days))


def event_text(*days: str) -> str:
    """The text of such events."""
    return text_of(EVENTS, event_rows(days))


def figures(column: str, *values: str, others: str = "") -> Callable[[Path], object]:
    """Writes figures with one column (and others, given as 'name=value,...', the same in every row)."""
    more = [part.split("=") for part in others.split(",") if part]
    heading = ("line_id", column, *(name for name, _ in more))
    return table(
        "figures", heading, *((f"{CANARY}L{number:04d}", value, *(text for _, text in more)) for number, value in enumerate(values, start=1))
    )


def pupils(column: str, *values: str) -> Callable[[Path], object]:
    """Writes pupils with one number."""
    return table("pupils", ("pupil_id", column), *((f"{CANARY}S{number:04d}", value) for number, value in enumerate(values, start=1)))


def spells(*rows: Sequence[str]) -> Callable[[Path], object]:
    """Writes spells; the person is named by a digit."""
    return table("spells", SPELLS, *((f"{CANARY}P{row[0]}", *row[1:]) for row in rows))


def persons(*rows: Sequence[str]) -> Callable[[Path], object]:
    """Writes people by name; identifiers of people and families by a digit."""
    return table("persons", PERSONS, *((f"{CANARY}P{row[0]}", f"{CANARY}F{row[1]}", *row[2:]) for row in rows))


def workbook(name: str, fill: Callable, *, days_from_1904: bool = False) -> Callable[[Path], object]:
    """Writes a workbook that `fill(book, sheet)` has filled."""

    def write(folder: Path) -> None:
        import openpyxl
        from openpyxl.utils.datetime import CALENDAR_MAC_1904

        book = openpyxl.Workbook()
        if days_from_1904:
            book.epoch = CALENDAR_MAC_1904
        fill(book, book.active)
        book.save(folder / name)

    return write


def long_workbook(name: str, heading: Sequence[str], rows: int) -> Callable[[Path], object]:
    """Writes a workbook of many rows without an office library, which would take minutes."""

    def cells(values: Sequence[str], number: int) -> str:
        return (
            f'<row r="{number}">'
            + "".join(f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{value}</t></is></c>' for n, value in enumerate(values))
            + "</row>"
        )

    def write(folder: Path) -> None:
        spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006"
        body = "".join(cells((f"{CANARY}{number}", "2012-01-01"), number) for number in range(2, rows + 1))
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
                '<Override PartName="/xl/worksheets/sheet1.xml" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
                'Target="xl/workbook.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/workbook.xml",
                f'<workbook xmlns="{spread}" xmlns:r="{office}"><sheets><sheet name="events" sheetId="1" r:id="rId1"/></sheets></workbook>',
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" '
                'Target="worksheets/sheet1.xml"/></Relationships>',
            )
            archive.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{spread}"><sheetData>{cells(heading, 1)}{body}</sheetData></worksheet>')

    return write


def reject(reason: str = "", **more: object) -> tuple[Expect, ...]:
    """The file is refused."""
    return (Expect(action="reject", reason=reason, **more),)


def aside(reason: str, **more: object) -> tuple[Expect, ...]:
    """Rows are set aside."""
    return (Expect(action="quarantine", reason=reason, **more),)


def blank(reason: str, **more: object) -> tuple[Expect, ...]:
    """Values are blanked with a reason, and their rows kept."""
    return (Expect(action="blank", reason=reason, **more), Expect(action="keep"))


def warn(reason: str, **more: object) -> tuple[Expect, ...]:
    """A warning; the rows are kept."""
    return (Expect(action="warn", reason=reason, **more), Expect(action="keep"))


def normalise(reason: str, **more: object) -> tuple[Expect, ...]:
    """Understood in another form, and counted."""
    return (Expect(action="normalise", reason=reason, **more), Expect(action="keep"))


KEEP = (Expect(action="keep"),)
