"""Rows of two hundred families, a number each, and every place of a finished file where they can lie."""

from __future__ import annotations

import array
import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pikepdf

from tests.disclosure.leaks import PAGE, document, printed, reworked, workbook

Write = Callable[[Path, np.ndarray], Path]
FEW = 18  # families of a small council: packed numbers are held from so few on


def values(rng: np.random.Generator, n: int = 200) -> np.ndarray:
    """Days missed, one a family."""
    return np.round(rng.gamma(1.2, 9.0, n), 2)


def spoken(rows: np.ndarray, between: str = ",") -> str:
    return between.join(f"{one:g}" for one in rows)


def coded(rows: np.ndarray, kind: str = "d") -> str:
    return base64.b64encode(array.array(kind, rows.tolist() if kind in "df" else [int(one) for one in rows]).tobytes()).decode("ascii")


def page(body: Callable[[np.ndarray], str]) -> Write:
    """A page with the rows in its body."""

    def write(folder: Path, rows: np.ndarray) -> Path:
        path = folder / "report.html"
        path.write_text(PAGE.format(body(rows)), encoding="utf-8")
        return path

    return write


def svg(marks: Callable[[np.ndarray], str]) -> Write:
    return page(lambda rows: f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 90">{marks(rows)}</svg>')


def results(value: Callable[[np.ndarray], object], name: str = "results.json") -> Write:
    def write(folder: Path, rows: np.ndarray) -> Path:
        path = folder / name
        path.write_text(json.dumps({"study": "small", "more": value(rows)}), encoding="utf-8")
        return path

    return write


def notebook(output: Callable[[np.ndarray], dict]) -> Write:
    def write(folder: Path, rows: np.ndarray) -> Path:
        path = folder / "report.ipynb"
        cell = {"cell_type": "code", "metadata": {}, "source": [], "outputs": [{"output_type": "display_data", "metadata": {}, "data": output(rows)}]}
        path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
        return path

    return write


def pdf(work: Callable[[pikepdf.Pdf, np.ndarray], None]) -> Write:
    """A PDF that is changed after it was made."""
    return lambda folder, rows: reworked(lambda made, _: work(made, rows))(folder, "")


def drawn(commands: Callable[[np.ndarray], str]) -> Write:
    """A PDF with drawing commands behind its page."""
    return pdf(lambda made, rows: made.pages[0].contents_add(made.make_stream(commands(rows).encode())))


def matplotlib_chart(kind: str) -> Write:
    """What matplotlib makes of a scatter plot of families."""

    def write(folder: Path, rows: np.ndarray) -> Path:
        from matplotlib.figure import Figure

        figure, path = Figure(), folder / f"chart.{kind}"
        figure.subplots().plot(range(len(rows)), rows, "o")
        figure.savefig(path)
        return path

    return write


def in_typst(folder: Path, rows: np.ndarray) -> Path:
    """A scatter plot that goes into the PDF as our own charts do."""
    marks = "".join(f"<circle cx='{at}' cy='{one:g}' r='1'/>" for at, one in enumerate(rows))
    return printed(f"#image(bytes(\"<svg xmlns='http://www.w3.org/2000/svg' width='250' height='90'>{marks}</svg>\"), format: \"svg\")")(folder, "")


def picture(rows: np.ndarray) -> bytes:
    """A grey picture, one pixel a family."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    pixels = zlib.compress(b"\0" + bytes(int(one) % 256 for one in rows))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows), 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png(rows: np.ndarray) -> bytes:
    return picture(np.ones(1)) + array.array("d", rows.tolist()).tobytes()


def chunked(rows: np.ndarray) -> bytes:
    """A picture with a chunk of its own."""
    whole, data = picture(np.ones(1)), b"famS" + array.array("d", rows.tolist()).tobytes()
    at = whole.index(b"IDAT") - 4
    return whole[:at] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + whole[at:]


def pivot_cache(folder: Path, rows: np.ndarray) -> Path:
    """A workbook with the records that a pivot table was made from, a few of them."""
    import zipfile

    path = workbook(lambda book, _: None)(folder, "")
    records = "".join(f'<r><n v="{one:g}"/></r>' for one in rows[:20])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/pivotCache/pivotCacheRecords1.xml", f"<pivotCacheRecords>{records}</pivotCacheRecords>")
    return path


def hidden_sheet(folder: Path, rows: np.ndarray) -> Path:
    """A few words and numbers in a sheet that is not shown."""

    def fill(book: openpyxl.Workbook, _: str) -> None:
        sheet = book.create_sheet("workings")
        sheet.sheet_state, sheet["A1"] = "hidden", f"{rows[0]:g} days"

    return workbook(fill)(folder, "")


def cells(hidden: bool) -> Write:
    def fill(book: openpyxl.Workbook, rows: np.ndarray) -> None:
        sheet = book.create_sheet("workings") if hidden else book.active
        for at, one in enumerate(rows, start=1):
            sheet.cell(at, 1, one if not hidden else f"Family {at}")
            sheet.cell(at, 2, at)

    return lambda folder, rows: workbook(lambda book, _: fill(book, rows))(folder, "")


def hidden_columns(folder: Path, rows: np.ndarray) -> Path:
    def fill(book: openpyxl.Workbook, _: str) -> None:
        for at, one in enumerate(rows[:40], start=1):
            book.active.cell(at, 9, f"{one:g} days")
        book.active.column_dimensions["I"].hidden = True

    return workbook(fill)(folder, "")


def ods(folder: Path, rows: np.ndarray) -> Path:
    """An OpenDocument sheet with the numbers in attributes alone."""
    import zipfile

    source = document(folder, "x")
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    more = "".join(f'<table:table-row><table:table-cell office:value="{one:g}"/></table:table-row>' for one in rows)
    parts["content.xml"] = parts["content.xml"].replace(b"</table:table>", more.encode() + b"</table:table>")
    with zipfile.ZipFile(source, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return source


def image_object(made: pikepdf.Pdf, rows: np.ndarray) -> None:
    made.pages[0].Resources["/XObject"] = pikepdf.Dictionary(
        Im0=made.make_stream(
            bytes(int(one) % 256 for one in rows),
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=len(rows),
            Height=1,
            BitsPerComponent=8,
            ColorSpace=pikepdf.Name.DeviceGray,
        )
    )


def array_object(made: pikepdf.Pdf, rows: np.ndarray) -> None:
    made.Root.Rows = made.make_indirect(pikepdf.Array([float(one) for one in rows]))


def stream_object(made: pikepdf.Pdf, rows: np.ndarray) -> None:
    made.Root.Rows = made.make_stream(spoken(rows).encode())


def attached(made: pikepdf.Pdf, rows: np.ndarray) -> None:
    made.attachments["x.bin"] = pikepdf.AttachedFileSpec(made, array.array("f", rows.tolist()).tobytes(), filename="x.bin")


def markers(rows: np.ndarray) -> str:
    return "".join(f" q 1 0 0 1 {at} {one:.2f} cm 0 0 m 1 0 l 1 1 l 0 1 l h f Q" for at, one in enumerate(rows))


def long_line(rows: np.ndarray) -> str:
    return "0 0 m " + " ".join(f"{at} {one:.2f} l" for at, one in enumerate(rows)) + " S"


def bars(rows: np.ndarray) -> str:
    return " ".join(f"{at} 0 1 {one:.2f} re f" for at, one in enumerate(rows))


def behind_the_end(folder: Path, rows: np.ndarray) -> Path:
    path = printed("#set page(width: 9cm)\nNothing to see here.")(folder, "")
    path.write_bytes(path.read_bytes() + array.array("d", rows.tolist()).tobytes())
    return path


def text_file(name: str, text: Callable[[np.ndarray], str]) -> Write:
    def write(folder: Path, rows: np.ndarray) -> Path:
        path = folder / name
        path.write_text(text(rows), encoding="utf-8")
        return path

    return write


def table(folder: Path, rows: np.ndarray) -> Path:
    body = "".join(f"<tr><th>Family {at}</th><td>{one:g}</td></tr>" for at, one in enumerate(rows))
    return page(lambda _: f"<table>{body}</table>")(folder, rows)


def drawing_packed(rows: np.ndarray) -> str:
    marks = "".join(f'<circle cx="{at}" cy="{one:g}" r="1"/>' for at, one in enumerate(rows))
    return base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg">{marks}</svg>'.encode()).decode("ascii")


def plotly(rows: np.ndarray) -> dict:
    return {"application/vnd.plotly.v1+json": {"data": [{"type": "scatter", "y": {"dtype": "f8", "bdata": coded(rows)}}]}}


def points(rows: np.ndarray) -> list[dict]:
    return [{"x": at, "y": one} for at, one in enumerate(rows)]


def framed(rows: np.ndarray) -> dict:
    return {"text/html": ["<table>", *(f"<tr><td>{at}</td><td>{one:g}</td></tr>" for at, one in enumerate(rows)), "</table>"]}


def print_of(rows: np.ndarray) -> dict:
    return {"text/plain": [f"{at}    {one:g}\n" for at, one in enumerate(rows)]}


CARRIERS: dict[str, Write] = {
    "script of a page": page(lambda rows: f"<script>const y = new Float64Array([{spoken(rows)}]);</script>"),
    "json in a page": page(lambda rows: f'<script type="application/json">{json.dumps(points(rows))}</script>'),
    "packed in a page": page(lambda rows: f'<div data-y="{coded(rows)}"></div>'),
    "address of data": page(lambda rows: f'<a href="data:application/octet-stream;base64,{coded(rows, "f")}">x</a>'),
    "typeface that is none": page(lambda rows: f"<style>@font-face{{src:url(data:font/woff2;base64,{coded(rows)})}}</style>"),
    "hexadecimal": page(lambda rows: f"<!-- {array.array('d', rows.tolist()).tobytes().hex()} -->"),
    "attribute": page(lambda rows: f'<p data-days="{spoken(rows, " ")}">Days</p>'),
    "attributes of many": page(lambda rows: "".join(f'<i data-day="{one:g}"></i>' for one in rows)),
    "comment": page(lambda rows: f"<!-- {spoken(rows, '; ')} -->"),
    "style": page(lambda rows: f"<style>p{{--days: {spoken(rows, ' ')}}}</style>"),
    "list": page(lambda rows: f"<ul>{''.join(f'<li>{one:g}</li>' for one in rows)}</ul>"),
    "table of families": table,
    "text alternative": page(lambda rows: f'<img alt="Days: {spoken(rows, ", ")}" src="">'),
    "line of a drawing": svg(lambda rows: f'<path d="M{" L".join(f"{at} {one:g}" for at, one in enumerate(rows))}"/>'),
    "points of a drawing": svg(lambda rows: f'<polyline points="{" ".join(f"{at},{one:g}" for at, one in enumerate(rows))}"/>'),
    "circles": svg(lambda rows: "".join(f'<circle cx="{at}" cy="{one:g}" r="1"/>' for at, one in enumerate(rows))),
    "bars": svg(lambda rows: "".join(f'<rect x="{at}" y="0" width="1" height="{one:g}"/>' for at, one in enumerate(rows))),
    "markers by reference": svg(lambda rows: "".join(f'<use href="#m" x="{at}" y="{one:g}"/>' for at, one in enumerate(rows))),
    "paths, one a family": svg(lambda rows: "".join(f'<path d="M{at} {one:g}h1v1z"/>' for at, one in enumerate(rows))),
    "drawing in a picture": page(lambda rows: f'<img src="data:image/svg+xml;base64,{drawing_packed(rows)}" alt="">'),
    "picture of a pixel each": page(lambda rows: f'<img src="data:image/png;base64,{base64.b64encode(picture(rows)).decode()}" alt="">'),
    "behind a picture's end": page(lambda rows: f'<img src="data:image/png;base64,{base64.b64encode(png(rows)).decode()}" alt="">'),
    "results": results(lambda rows: rows.tolist()),
    "results, objects": results(lambda rows: points(rows)),
    "results, by name": results(lambda rows: {f"u{at}": one for at, one in enumerate(rows)}),
    "results, pairs": results(lambda rows: [[at, one] for at, one in enumerate(rows)]),
    "results, texts": results(lambda rows: [f"{one:g}" for one in rows]),
    "results, packed": results(lambda rows: coded(rows)),
    "results, compressed": results(lambda rows: base64.b64encode(gzip.compress(spoken(rows).encode())).decode()),
    "results, a sentence": results(lambda rows: f"Days were {spoken(rows, ', ')}."),
    "notebook, a frame": notebook(framed),
    "notebook, printed": notebook(print_of),
    "notebook, plotly": notebook(plotly),
    "pdf, markers": drawn(markers),
    "pdf, a line": drawn(long_line),
    "pdf, bars": drawn(bars),
    "pdf, a chart of typst": in_typst,
    "pdf, a chart of matplotlib": matplotlib_chart("pdf"),
    "svg of matplotlib": matplotlib_chart("svg"),
    "pdf, a column of text": lambda folder, rows: printed("#for one in ({}) [#one #linebreak()]")(folder, spoken(rows)),
    "pdf, a table of families": lambda folder, rows: printed("#for one in ({}) [Family #calc.rem(int(one * 100), 997), #one #linebreak()]")(
        folder, spoken(rows)
    ),
    "pdf, a picture": pdf(image_object),
    "pdf, an array": pdf(array_object),
    "pdf, a stream": pdf(stream_object),
    "pdf, attached": pdf(attached),
    "pdf, behind its end": behind_the_end,
    "chunk of a picture": page(lambda rows: f'<img src="data:image/png;base64,{base64.b64encode(chunked(rows)).decode()}" alt="">'),
    "workbook, pivot table": pivot_cache,
    "workbook, a sheet not shown": hidden_sheet,
    "workbook": cells(hidden=False),
    "workbook, hidden sheet": cells(hidden=True),
    "workbook, hidden column": hidden_columns,
    "workbook, properties": lambda folder, rows: workbook(lambda book, _: setattr(book.properties, "description", spoken(rows)))(folder, ""),
    "ods, values alone": ods,
    "csv": text_file("tables.csv", lambda rows: "days,n\n" + "".join(f"{one:g},1\n" for one in rows)),
    "csv of families": text_file("tables.csv", lambda rows: "who,days\n" + "".join(f"unit {at},{one:g}\n" for at, one in enumerate(rows))),
}
PACKED = ("packed in a page", "address of data", "typeface that is none", "hexadecimal", "results, packed", "notebook, plotly", "pdf, behind its end")
