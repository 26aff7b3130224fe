"""A workbook as files: XLSX and ODS, the same bytes from the same workbook. What stands in the cells is decided in `workbook.py`."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from evaluation.reporting.workbook import Cell, Sheet, Workbook

FONT, SIZE = "Arial", 12  # points: the Analysis Function's smallest
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member of the file: a zip holds no earlier time
ROOT = re.compile(r"<office:document[^>]*>")
NAMESPACE = re.compile(r' xmlns:([\w-]+)="[^"]*"')
TIMES = re.compile(r"<(dcterms:created|dcterms:modified|meta:creation-date|dc:date)\b[^>]*>[^<]*</\1>")
WIDE, NARROW, LONG = 44, 18, 100  # characters


def xlsx(book: Workbook) -> bytes:
    """The workbook for Excel, every table marked as one."""
    from openpyxl import Workbook as Book
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.table import Table

    made = Book()
    made.remove(made.active)
    made.properties.title, made.properties.subject, made.properties.creator = book.title, book.subject, "evaluation"
    made.properties.language = "en-GB"
    for sheet in book.sheets:
        page = made.create_sheet(sheet.name)
        for row, cells in enumerate(_grid(sheet), start=1):
            for column, one in enumerate(cells, start=1):
                _set_xlsx(page.cell(row=row, column=column), one, bold=row == 1 or _is_header(sheet, row), heading=row == 1)
        for column, width in enumerate(widths(sheet), start=1):
            page.column_dimensions[get_column_letter(column)].width = width
        if sheet.header:
            first, last = len(sheet.lines) + 1, len(sheet.lines) + 1 + len(sheet.rows)
            page.add_table(Table(displayName=f"{sheet.name}_data", ref=f"A{first}:{get_column_letter(len(sheet.header))}{last}"))
    out = io.BytesIO()
    made.save(out)
    return repacked(out.getvalue())


def _set_xlsx(place, one: Cell, *, bold: bool, heading: bool) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.hyperlink import Hyperlink

    number = one.value is not None
    place.value = one.value if number else one.text
    if number:
        place.number_format = _number_format(one)
    else:
        place.data_type = "s"  # a text stays a text whatever it begins with
    if one.link:
        place.hyperlink = Hyperlink(ref=place.coordinate, location=f"'{one.link}'!A1", display=one.text)
    place.font = Font(name=FONT, size=SIZE + 2 if heading else SIZE, bold=bold, underline="single" if one.link else None)
    place.alignment = Alignment(wrap_text=not heading and not number, vertical="top", horizontal="right" if number else "left")


def _number_format(one: Cell) -> str:
    digits = f".{'0' * one.digits}" if one.digits else ""
    before, after = (f'"{text}"' if text else "" for text in (one.before, one.after))
    return f"{before}{'#,##0' if one.grouped else '0'}{digits}{after}"


def ods(book: Workbook) -> bytes:
    """The workbook as OpenDocument."""
    with _own_namespaces():
        return _ods(book)


@contextmanager
def _own_namespaces() -> Iterator[None]:
    """The library keeps the namespaces of every document of the process in one place and writes them all: here only those of this one."""
    from odf.element import Element

    others = dict(Element.namespaces)
    Element.namespaces.clear()
    try:
        yield
    finally:
        Element.namespaces.update(others)


def _ods(book: Workbook) -> bytes:
    from odf.dc import Language, Subject, Title
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import DatabaseRange, DatabaseRanges, Table, TableColumn, TableRow

    made = OpenDocumentSpreadsheet()
    for kind, text in ((Title, book.title), (Subject, book.subject), (Language, "en-GB")):
        made.meta.addElement(kind(text=text))
    style, ranges = _ods_styles(made), DatabaseRanges()
    for sheet in book.sheets:
        page = Table(name=sheet.name)
        for width in widths(sheet):
            page.addElement(TableColumn(stylename=style(f"column-{width}")))
        for row, cells in enumerate(_grid(sheet), start=1):
            line = TableRow()
            for one in cells:
                line.addElement(_ods_cell(one, style, bold=_is_header(sheet, row), heading=row == 1))
            page.addElement(line)
        made.spreadsheet.addElement(page)
        if sheet.header:
            first, last = len(sheet.lines) + 1, len(sheet.lines) + 1 + len(sheet.rows)
            where = f"{sheet.name}.A{first}:{sheet.name}.{_letters(len(sheet.header))}{last}"
            ranges.addElement(DatabaseRange(name=f"{sheet.name}_data", targetrangeaddress=where))
    made.spreadsheet.addElement(ranges)
    out = io.BytesIO()
    made.save(out)
    return repacked(out.getvalue())


def _ods_cell(one: Cell, style: Callable[..., object], *, bold: bool, heading: bool):
    from odf.table import TableCell
    from odf.text import A, P

    if one.value is not None:
        place = TableCell(valuetype="float", value=repr(one.value), stylename=style("number", one))
    else:
        place = TableCell(valuetype="string", stylename=style("heading" if heading else "header" if bold else "text"))
    paragraph = P(text="" if one.link else one.text)
    if one.link:
        paragraph.addElement(A(href=f"#{one.link}.A1", type="simple", text=one.text))
    place.addElement(paragraph)
    return place


def _ods_styles(made) -> Callable[..., object]:
    """Styles of a document by name, each made when it is first asked for."""
    from odf.number import Number, NumberStyle
    from odf.number import Text as Around
    from odf.style import ParagraphProperties, Style, TableCellProperties, TableColumnProperties, TextProperties

    known: dict[object, object] = {}

    def number_style(one: Cell) -> object:
        name = f"N{one.digits}{'g' if one.grouped else ''}{'p' if one.before else ''}{'c' if one.after else ''}"
        if name not in known:
            shape = NumberStyle(name=name)
            parts = (Around(text=one.before) if one.before else None,
                     Number(decimalplaces=one.digits, minintegerdigits=1, grouping="true" if one.grouped else "false"),
                     Around(text=one.after) if one.after else None)
            for part in parts:
                if part is not None:
                    shape.addElement(part)
            made.automaticstyles.addElement(shape)
            known[name] = shape
        return known[name]

    def cell_style(name: str, **more) -> object:
        found = Style(name=name, family="table-cell", **more)
        bold, size = ("bold" if name in ("heading", "header") else "normal"), f"{SIZE + 2 if name == 'heading' else SIZE}pt"
        found.addElement(TableCellProperties(verticalalign="top", wrapoption="no-wrap" if name == "heading" or more else "wrap"))
        found.addElement(ParagraphProperties(textalign="end" if more else "start"))
        found.addElement(TextProperties(fontfamily=FONT, fontsize=size, fontweight=bold, language="en", country="GB"))
        return found

    def column_style(name: str) -> object:
        found = Style(name=name, family="table-column")
        found.addElement(TableColumnProperties(columnwidth=f"{0.25 * int(name.partition('-')[2]):.2f}cm"))
        return found

    def style(name: str, one: Cell | None = None) -> object:
        key = name if one is None else f"number-{number_style(one).getAttribute('name')}"
        if key not in known:
            known[key] = (column_style(key) if name.startswith("column") else
                          cell_style(key) if one is None else cell_style(key, datastylename=number_style(one)))
            made.automaticstyles.addElement(known[key])
        return known[key]

    return style


def widths(sheet: Sheet) -> tuple[int, ...]:
    """Widths of a sheet's columns in characters: names, then long texts wide, numbers narrow."""
    if not sheet.header:
        return (LONG,)
    found = []
    for j in range(len(sheet.header)):
        longest = max((len(row[j].text) for row in sheet.rows), default=0)
        found.append(WIDE if j == 0 else LONG if longest > 3 * NARROW else max(NARROW, longest + 2))
    return tuple(found)


def _grid(sheet: Sheet) -> Iterator[tuple[Cell, ...]]:
    yield from ((line,) for line in sheet.lines)
    if sheet.header:
        yield tuple(Cell(text=name) for name in sheet.header)
    yield from sheet.rows


def _is_header(sheet: Sheet, row: int) -> bool:
    return bool(sheet.header) and row == len(sheet.lines) + 1


def _letters(column: int) -> str:
    return (_letters((column - 1) // 26) if column > 26 else "") + chr(65 + (column - 1) % 26)


def repacked(made: bytes) -> bytes:
    """A zipped document that does not depend on when and after what it was written: one date for every member, none in its metadata, and in
    OpenDocument those namespaces that are used (odfpy declares whatever the process has met before)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename in ("docProps/core.xml", "meta.xml", "content.xml", "styles.xml"):
                content = _settled(content.decode("utf-8")).encode("utf-8")
            entry = zipfile.ZipInfo(member.filename, EPOCH)
            entry.compress_type = member.compress_type
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return out.getvalue()


def _settled(xml: str) -> str:
    xml = TIMES.sub("", xml)
    root = ROOT.search(xml)
    if root is None:
        return xml
    bare = NAMESPACE.sub("", root[0])
    used = [found for found in sorted(NAMESPACE.finditer(root[0]), key=lambda one: one[1]) if f"{found[1]}:" in bare + xml[root.end() :]]
    head, end = (bare[:-2], "/>") if bare.endswith("/>") else (bare[:-1], ">")
    return xml[: root.start()] + head + "".join(found[0] for found in used) + end + xml[root.end() :]


FORMATS: Mapping[str, Callable[[Workbook], bytes]] = {".ods": ods, ".xlsx": xlsx}
