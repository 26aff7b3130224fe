"""What Typst is asked: its fonts and its compiler, how empty the pages of a source are, and where its blocks stand."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from evaluation.reporting.fonts import font_file
from evaluation.reporting.pages import TEXT_AREA, white_below

PICTURE = 18.0  # points an inch of the pictures that pages are judged by
PAGE = 297.0  # millimetres: the height of a page


@lru_cache
def fonts() -> Any:
    """One set of fonts for all reports of a process; no font of the machine is used."""
    import typst

    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=sorted({str(font_file(weight).parent) for weight in (400, 700)})
    )


@lru_cache
def compiler() -> Any:
    """One compiler for all reports of a process."""
    import typst

    return typst.Compiler(font_paths=fonts())


def emptiness(made: str) -> list[float]:
    """The share of each page that is white at its bottom, of what headers and footers leave; from small pictures of the pages."""
    pictures = compiler().compile(input=made.encode("utf-8"), format="png", ppi=PICTURE)
    return [white_below(picture) for picture in ([pictures] if isinstance(pictures, bytes) else pictures)]


def places_of(made: str) -> list[tuple[int, float]]:
    """The page on which each block begins and the share of its text area above it, told by links that are put into the first page.

    A query of Typst's would set all pages anew; a PDF of the very source that was set before costs a tenth of it.
    """
    import pikepdf

    top, foot = (share * PAGE for share in TEXT_AREA)
    with pikepdf.open(io.BytesIO(compiler().compile(input=made.encode("utf-8"), format="pdf", pdf_tags=False))) as pdf:
        links = (str(note.A.get("/URI", "")) for page in pdf.pages for note in page.get("/Annots", ()) if "/A" in note)
        told = [link.split(":") for link in links if link.startswith("at:")]
    return [(int(page), (float(down) - top) / (foot - top)) for _, page, down in told]
