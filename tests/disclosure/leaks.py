"""Planted leaks: made-up identifiers, and every place of a finished file where one can hide."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import openpyxl
import pikepdf
import typst
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from evaluation.disclosure.shapes import AREAS, UPN_LETTERS

KNOWN = {f"F{number:07d}" for number in range(1_000, 1_400)} | {f"P{number:07d}" for number in range(5_000, 5_400)} | {"Zyzzyva Quill", "AB/0012345"}
NAMES = ("Zyzzyva Quill", "AB/0012345")


def upn(rng: np.random.Generator) -> str:
    digits = [int(one) for one in rng.integers(0, 10, 12)]
    return UPN_LETTERS[sum(weight * digit for weight, digit in zip(range(2, 14), digits, strict=True)) % 23] + "".join(map(str, digits))


def nhs(rng: np.random.Generator) -> str:
    while True:
        digits = [int(one) for one in rng.integers(0, 10, 9)]
        check = (11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11) % 11
        if check < 10 and digits[0]:
            text = "".join(map(str, (*digits, check)))
            return text if rng.random() < 0.5 else f"{text[:3]} {text[3:6]} {text[6:]}"


def nino(rng: np.random.Generator) -> str:
    pair = "".join(rng.choice(list("ABCEHJLMPRSTWX"), 2)).replace("NT", "AB")
    return f"{pair}{rng.integers(0, 1_000_000):06d}{rng.choice(list('ABCD'))}"


def postcode(rng: np.random.Generator) -> str:
    inward = "".join(rng.choice(list("ABDEFGHJLNPQRSTUWXYZ"), 2))
    return f"{rng.choice(AREAS)}{rng.integers(1, 30)} {rng.integers(1, 10)}{inward}"


def born(rng: np.random.Generator) -> str:
    return f"{rng.integers(1940, 2013)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"


def of_the_run(rng: np.random.Generator) -> str:
    return str(rng.choice(sorted(KNOWN - set(NAMES))))


def of_their_kind(rng: np.random.Generator) -> str:
    return f"F{rng.integers(2_000_000, 9_000_000):07d}"


SECRETS: tuple[Callable[[np.random.Generator], str], ...] = (
    of_the_run,
    lambda rng: str(rng.choice(NAMES)),
    of_their_kind,
    upn,
    nhs,
    nino,
    postcode,
    born,
    lambda rng: of_the_run(rng).lower(),
    lambda rng: f"{of_the_run(rng).lower()}@example.org",
)

# ---- carriers ------------------------------------------------------------------------------------------------------------------------------------

PAGE = "<!doctype html><html><head><title>Report</title></head><body><p>In all 190 families joined.</p>{}</body></html>"


def page(body: str) -> Callable[[Path, str], Path]:
    """A page with the leak at `{}` of the body."""

    def write(folder: Path, secret: str) -> Path:
        path = folder / "report.html"
        path.write_text(PAGE.format(body.replace("{}", secret)), encoding="utf-8")
        return path

    return write


def changed(body: str, change: Callable[[str], str]) -> Callable[[Path, str], Path]:
    """A page with the leak in another form."""
    return lambda folder, secret: page(body)(folder, change(secret))


def picture(secret: str, kind: bytes = b"tEXt") -> bytes:
    """A PNG picture with a text chunk."""
    text = secret.encode()
    data = {b"tEXt": b"Comment\0" + text, b"zTXt": b"Comment\0\0" + zlib.compress(text), b"iTXt": b"Comment\0\1\0\0\0" + zlib.compress(text)}[kind]

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    body = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + chunk(kind, data)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def printed(source: str) -> Callable[[Path, str], Path]:
    """A PDF from Typst markup with the leak at `{}`."""

    def write(folder: Path, secret: str) -> Path:
        path = folder / "report.pdf"
        path.write_bytes(typst.compile(source.replace("{}", secret).encode(), format="pdf"))
        return path

    return write


def reworked(work: Callable[[pikepdf.Pdf, str], None]) -> Callable[[Path, str], Path]:
    """A PDF that is changed after it was made."""

    def write(folder: Path, secret: str) -> Path:
        path = printed("#set page(width: 9cm)\nNothing to see here.")(folder, "")
        with pikepdf.open(path, allow_overwriting_input=True) as document:
            work(document, secret)
            document.save(path, fix_metadata_version=False)
        return path

    return write


def metadata(document: pikepdf.Pdf, secret: str) -> None:
    document.Root.Metadata = document.make_stream(f"<x><title>{secret}</title></x>".encode(), Type=pikepdf.Name.Metadata)


def attachment(document: pikepdf.Pdf, secret: str) -> None:
    document.attachments["rows.csv"] = pikepdf.AttachedFileSpec(document, f"id\n{secret}\n".encode(), filename="rows.csv")


def keywords(document: pikepdf.Pdf, secret: str) -> None:
    document.docinfo["/Keywords"] = secret


def workbook(work: Callable[[openpyxl.Workbook, str], None]) -> Callable[[Path, str], Path]:
    """A workbook with the leak somewhere."""

    def write(folder: Path, secret: str) -> Path:
        book, path = openpyxl.Workbook(), folder / "tables.xlsx"
        book.active["A1"] = "Families"
        work(book, secret)
        book.save(path)
        return path

    return write


def in_a_cell(book: openpyxl.Workbook, secret: str) -> None:
    book.active["B7"] = secret


def in_a_hidden_sheet(book: openpyxl.Workbook, secret: str) -> None:
    sheet = book.create_sheet("workings")
    sheet.sheet_state, sheet["ZZ900"] = "veryHidden", secret


def in_a_comment(book: openpyxl.Workbook, secret: str) -> None:
    book.active["A1"].comment = Comment(f"see {secret}", "somebody")


def in_a_name(book: openpyxl.Workbook, secret: str) -> None:
    book.defined_names["who"] = DefinedName("who", attr_text=f'"{secret}"')


def in_the_properties(book: openpyxl.Workbook, secret: str) -> None:
    book.properties.creator = secret


def document(folder: Path, secret: str) -> Path:
    """An OpenDocument spreadsheet."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book, path = OpenDocumentSpreadsheet(), folder / "tables.ods"
    table, row, cell = Table(name="t"), TableRow(), TableCell()
    cell.addElement(P(text=secret))
    row.addElement(cell)
    table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save(str(path))
    return path


def text_file(name: str, content: str) -> Callable[[Path, str], Path]:
    """A file of text with the leak at `{}`."""

    def write(folder: Path, secret: str) -> Path:
        path = folder / name
        path.write_text(content.replace("{}", secret), encoding="utf-8")
        return path

    return write


def results(folder: Path, secret: str) -> Path:
    path = folder / "results.json"
    escaped = "".join(f"\\u{ord(one):04x}" for one in secret)
    path.write_text(f'{{"summary": "For {escaped} only"}}', encoding="utf-8")
    return path


def notebook(folder: Path, secret: str, *, traceback: bool = False) -> Path:
    path = folder / "report.ipynb"
    error = {"output_type": "error", "ename": "KeyError", "evalue": secret, "traceback": ["Traceback", f"KeyError: {secret}"]}
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": encoded(picture(secret))}}
    cells = [{"cell_type": "code", "metadata": {}, "source": [], "outputs": [error if traceback else shown]}]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


def named(folder: Path, secret: str) -> Path:
    path = folder / f"report_{'F0001001' if '/' in secret else secret}.csv"  # no name of a file holds a stroke
    path.write_text("a\n1\n", encoding="utf-8")
    return path


def bare_picture(folder: Path, secret: str) -> Path:
    path = folder / "chart.png"
    path.write_bytes(picture(secret, b"zTXt"))
    return path


def entities(secret: str) -> str:
    return "".join(f"&#{ord(one)};" for one in secret)


ALT = "#figure(image(bytes(\"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>\"), format: \"svg\", alt: \"Chart of {}\"))"
CARRIERS: dict[str, Callable[[Path, str], Path]] = {
    "page text": page("<p>See {} there.</p>"),
    "attribute": page('<td data-id="{}">1</td>'),
    "comment": page("<!-- {} -->"),
    "script": page('<script type="application/json">{"rows": ["{}"]}</script>'),
    "entities": changed("<p>{}</p>", entities),
    "cut by tags": changed("<p>{}</p>", lambda secret: f"{secret[:4]}<b>{secret[4:]}</b>"),
    "soft hyphens": changed("<p>{}</p>", lambda secret: "\u00ad".join(secret)),
    "address of a link": changed('<a href="x?q={}">x</a>', quote),
    "drawing in a page": changed('<img src="data:image/svg+xml;base64,{}">', lambda secret: encoded(f"<svg><desc>{secret}</desc></svg>".encode())),
    "picture in a page": changed('<img src="data:image/png;base64,{}">', lambda secret: encoded(picture(secret, b"iTXt"))),
    "pdf text": printed("Nothing but #raw(\"{}\") here"),
    "pdf alternative text": printed(ALT),
    "pdf keywords": reworked(keywords),
    "pdf metadata": reworked(metadata),
    "pdf attachment": reworked(attachment),
    "cell": workbook(in_a_cell),
    "hidden sheet": workbook(in_a_hidden_sheet),
    "cell comment": workbook(in_a_comment),
    "defined name": workbook(in_a_name),
    "workbook properties": workbook(in_the_properties),
    "ods cell": document,
    "results": results,
    "notebook picture": notebook,
    "traceback in a notebook": lambda folder, secret: notebook(folder, secret, traceback=True),
    "log": text_file("log.jsonl", '{"step": "read {}"}\n'),
    "csv": text_file("tables.csv", "who,n\n{},10\n"),
    "drawing": text_file("chart.svg", "<svg><metadata>{}</metadata></svg>"),
    "picture": bare_picture,
    "file name": named,
}
