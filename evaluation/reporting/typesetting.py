"""What Typst is asked: its fonts and its compiler, and where the blocks of a source stand on its pages."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from evaluation.reporting.fonts import font_file
from evaluation.reporting.pages import TEXT_AREA, Pages

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


def pages_of(made: str) -> Pages:
    """Where the blocks of a source begin and end, told by links that are put into its first page where it says `with_places`.

    A query of Typst's would set all pages anew; a PDF of a source that differs from this in a word costs a tenth of it.
    """
    import pikepdf

    top, foot = (share * PAGE for share in TEXT_AREA)
    with pikepdf.open(io.BytesIO(compiler().compile(input=made.encode("utf-8"), format="pdf", pdf_tags=False))) as pdf:
        links = (str(note.A.get("/URI", "")).split(":") for note in pdf.pages[0].get("/Annots", ()) if "/A" in note)
        told = [(link[0], int(link[1]), (float(link[2]) - top) / (foot - top)) for link in links if link[0] in ("at", "end")]
        starts, ends = (tuple((page, down) for kind, page, down in told if kind == one) for one in ("at", "end"))
        return Pages(number=len(pdf.pages), starts=starts, ends=ends)
