"""Blocks to finished files: HTML, PDF and spreadsheets under their final names, or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evaluation.disclosure.release import ReportContent
from evaluation.reporting import html, pdf, spreadsheet
from evaluation.reporting.blocks import Block
from evaluation.reporting.workbook import workbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Where a report's files are, and how long they took.

    Attributes
    ----------
    html, pdf : Path
    spreadsheets : tuple of Path
        The tables as .ods and .xlsx.
    seconds : float
        Wall time from the release to the files.
    """

    html: Path
    pdf: Path
    spreadsheets: tuple[Path, ...]
    seconds: float


def export(blocks: Sequence[Block], folder: Path, content: ReportContent) -> tuple[Path, ...]:
    """Write `<stem>.html`, `.pdf`, `.ods` and `.xlsx` into `folder`; all are made before one is written.

    Parameters
    ----------
    content : ReportContent
        What the blocks were made from, for the spreadsheets' cover and notes.

    Returns
    -------
    tuple of Path
        In the order above.
    """
    name, book = html.cover_of(blocks).stem, workbook(content, blocks)
    with ThreadPoolExecutor(max_workers=1) as beside:  # Typst lets go of Python's lock while it sets pages
        printed = beside.submit(pdf.document, blocks)
        page = html.document(blocks).encode("utf-8")
        sheets = {ending: write(book) for ending, write in spreadsheet.FORMATS.items()}
        made = {".html": page, ".pdf": printed.result(), **sheets}
    return tuple(write_whole(folder / f"{name}{ending}", whole) for ending, whole in made.items())


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file under a temporary name beside it, then rename: a reader finds the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
