"""Blocks to finished files: HTML and PDF under their final names, or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.reporting import html, pdf
from evaluation.reporting.blocks import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Where a report's files are, and how long they took.

    Attributes
    ----------
    html, pdf : Path
    seconds : float
        Wall time from the release to the files.
    """

    html: Path
    pdf: Path
    seconds: float


def export(blocks: Sequence[Block], folder: Path) -> tuple[Path, Path]:
    """Write `<stem>.html` and `<stem>.pdf` into `folder`; both are made before either is written.

    Returns
    -------
    tuple of Path
        The web page and the PDF.
    """
    name = html.cover_of(blocks).stem
    page, made = html.document(blocks).encode("utf-8"), pdf.document(blocks)
    return write_whole(folder / f"{name}.html", page), write_whole(folder / f"{name}.pdf", made)


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
