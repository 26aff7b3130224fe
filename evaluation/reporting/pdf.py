"""The tagged PDF of a report: PDF/UA-1 and PDF/A-2a, the same bytes every time."""

from __future__ import annotations

import datetime as dt
import io
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from evaluation.errors import ReportError
from evaluation.reporting.blocks import Block
from evaluation.reporting.full_pages import settled
from evaluation.reporting.html import cover_of
from evaluation.reporting.typesetting import compiler

STANDARDS = ["ua-1", "a-2a"]


def document(blocks: Sequence[Block]) -> bytes:
    """The whole PDF.

    Raises
    ------
    ReportError
        Typst refuses the document (a figure has no alternative text), or warns (a letter is in no font, page numbers do not settle).
    """
    import typst

    day = dt.date.fromisoformat(cover_of(blocks).date)
    try:
        made, warned = compiler().compile_with_warnings(
            input=settled(blocks).encode("utf-8"),
            format="pdf",
            pdf_standards=STANDARDS,
            timestamp=dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC),
        )
    except typst.TypstError as fault:
        raise ReportError(
            f"The PDF must satisfy PDF/UA-1 and PDF/A-2a: Typst says '{fault.message}'. Mend the block in evaluation/reporting."
        ) from fault
    if warned:
        raise ReportError(f"The PDF must be set without a warning: Typst says '{warned[0].message}'. Mend the block in evaluation/reporting.")
    return finished(made)


def finished(made: bytes) -> bytes:
    """The PDF of Typst's with what its Python wheel does not reach: row headers, and page contents whose ends cannot be misread."""
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(made)) as pdf:
        _tag_row_headers(pdf)
        _end_streams_plainly(pdf)
        pdf.save(out, deterministic_id=True, fix_metadata_version=False)
    return out.getvalue()


def _tag_row_headers(pdf: Any) -> None:
    """The first cell of each table row becomes that row's header; Typst 0.15 tags the header row only."""
    import pikepdf

    for row in _body_rows(pdf.Root.StructTreeRoot, False):
        cell = next((child for child in _children(row) if child.get("/S") == pikepdf.Name.TD), None)
        if cell is not None:
            before = cell.get("/A")
            told = list(before) if isinstance(before, pikepdf.Array) else [] if before is None else [before]
            cell.S = pikepdf.Name.TH
            cell.A = pikepdf.Array([*told, pikepdf.Dictionary(O=pikepdf.Name.Table, Scope=pikepdf.Name.Row)])


def _end_streams_plainly(pdf: Any) -> None:
    """A space is added to page contents whose compressed bytes end in a line end: a reader may take it for the one before `endstream`.

    ISO 19005-2 asks that a stream's length be its number of bytes; a checker that finds the end by searching counts one byte less. White space in a
    page's content means nothing.
    """
    import pikepdf

    line_end = (b"\r", b"\n")
    for page in pdf.pages:
        content = page.obj.get("/Contents")
        for stream in content if isinstance(content, pikepdf.Array) else [content]:
            whole = stream.read_bytes() if stream.read_raw_bytes().endswith(line_end) else b""
            while stream.read_raw_bytes().endswith(line_end):
                whole += b" "
                stream.write(zlib.compress(whole), filter=pikepdf.Name.FlateDecode)


def _children(element: Any) -> list[Any]:
    import pikepdf

    kids = element.get("/K")
    kids = [] if kids is None else list(kids) if isinstance(kids, pikepdf.Array) else [kids]
    return [kid for kid in kids if isinstance(kid, pikepdf.Dictionary)]


def _body_rows(element: Any, in_body: bool) -> Iterator[Any]:
    kind = str(element.get("/S", ""))
    if in_body and kind == "/TR":
        yield element
        return
    for child in _children(element):
        yield from _body_rows(child, in_body or kind == "/TBody")
