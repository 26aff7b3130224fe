"""The scan of finished files: code that does not know the ledger looks for identifiers of the run's records.

Fails closed: a file that cannot be read is held. Only the identifiers' number and the file are named, never the identifier.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from evaluation.errors import DisclosureError

ALLOWED = {".html", ".pdf", ".json", ".ods", ".xlsx", ".csv"}
TOKEN = re.compile(r"[A-Za-z0-9_\-]{4,}")


def text_of(path: Path) -> str:
    """All text of a file that may leave: markup and metadata of HTML and JSON, pages and metadata of a PDF."""
    if path.suffix == ".pdf":
        from pypdf import PdfReader

        reader = PdfReader(path)
        return "\n".join([page.extract_text() for page in reader.pages] + [str(value) for value in (reader.metadata or {}).values()])
    if path.suffix in {".html", ".json", ".csv"}:
        text = re.sub(r"data:[a-z/+\-]+;base64,[A-Za-z0-9+/=]+", " ", path.read_text(encoding="utf-8"))
        return html.unescape(text)
    raise DisclosureError(f"{path.name}: the scan cannot read {path.suffix} files, so it may not leave. Take it out of the release folder.")


def scan(files: Iterable[Path], identifiers: Iterable[str]) -> int:
    """Look for identifiers in finished files and in their names.

    Returns
    -------
    int
        Number of files scanned, all clean.

    Raises
    ------
    DisclosureError
        A file holds an identifier, is of a forbidden type, or cannot be read.
    """
    secret = {str(identifier) for identifier in identifiers}
    scanned = 0
    for path in files:
        if path.suffix not in ALLOWED:
            raise DisclosureError(f"{path.name}: files of type {path.suffix or '(none)'} may not leave. Take it out of the release folder.")
        found = secret.intersection(TOKEN.findall(text_of(path) + " " + path.stem))
        if found:
            raise DisclosureError(
                f"{path.name} holds {len(found)} identifier(s) of the run's records. The release is held; find the block that prints them."
            )
        scanned += 1
    return scanned
