"""The scan of finished files: code that does not know the ledger looks for identifiers of the run's records.

Fails closed: a file that cannot be read is held. Only the identifiers' number and the file are named, never the identifier.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from evaluation.errors import DisclosureError

ALLOWED = {".html", ".pdf", ".json", ".ods", ".xlsx", ".csv"}
SHORTEST = 4  # characters: a shorter identifier cannot be told from a number
WORD = re.compile(rf"[a-z0-9]{{{SHORTEST},}}")
TYPEFACE = re.compile(r"data:font/[a-z0-9]+;base64,[A-Za-z0-9+/=]+")
TAG = re.compile(r"<[^>]*>")
EMBEDDED = re.compile(r"data:[a-z/+\-]+;base64,([A-Za-z0-9+/=]+)")
CUT = re.compile(r"([-\u00ad])[ ]*\n[ ]*")  # a word that goes on in the next line, by its own hyphen or by a soft one


def text_of(path: Path) -> str:
    """All text of a file that may leave: markup of HTML and what is embedded in it, JSON with its escapes resolved, everything of a PDF, every member
    of a workbook."""
    if path.suffix == ".pdf":
        return "\n".join(of_pdf(path))
    if path.suffix in {".html", ".json", ".csv"}:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            text = f"{text}\n{json.dumps(json.loads(text), ensure_ascii=False)}"
        text = TYPEFACE.sub(" ", text)
        embedded = [base64.b64decode(part).decode("utf-8", "replace") for part in EMBEDDED.findall(text)]
        return html.unescape("\n".join([text, *embedded]))
    if path.suffix in {".ods", ".xlsx"}:
        return "\n".join(of_workbook(path))
    raise DisclosureError(f"{path.name}: the scan cannot read {path.suffix} files, so it may not leave. Take it out of the release folder.")


def of_pdf(path: Path) -> Iterator[str]:
    """Text of a PDF: its pages, also with words joined that a line end cuts; every string inside (alternative texts, bookmarks, links, title);
    its XML metadata and attached files."""
    import pikepdf
    from pypdf import PdfReader

    for page in PdfReader(path).pages:
        text = page.extract_text()
        yield from (text, CUT.sub(r"\1", text), CUT.sub("", text))
    with pikepdf.open(path) as document:
        for thing in document.objects:
            yield from strings_of(thing)
            if isinstance(thing, pikepdf.Stream) and thing.get("/Type") in ("/Metadata", "/EmbeddedFile"):
                yield thing.read_bytes().decode("utf-8", "replace")


def of_workbook(path: Path) -> Iterator[str]:
    """Every member of a workbook with its name and comment: its markup as it stands, and its text with the markup between letters taken away.

    Raises
    ------
    DisclosureError
        A member is not text, so that nobody knows what it holds.
    """
    with zipfile.ZipFile(path) as packed:
        yield packed.comment.decode("utf-8", "replace")
        for member in packed.infolist():
            yield f"{member.filename} {member.comment.decode('utf-8', 'replace')}"
            try:
                text = packed.read(member).decode("utf-8")
            except UnicodeDecodeError:
                raise DisclosureError(
                    f"{path.name} holds {Path(member.filename).suffix or 'a file'} that is no text, so the scan cannot read it. Take it out of the "
                    "release folder."
                ) from None
            yield from (html.unescape(text), html.unescape(TAG.sub("", text)), html.unescape(TAG.sub(" ", text)))


def strings_of(thing: object) -> Iterator[str]:
    """Strings of one PDF object; objects it points to are visited on their own."""
    import pikepdf

    if isinstance(thing, pikepdf.String):
        yield str(thing)
    elif isinstance(thing, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream):
        for inner in list(thing) if isinstance(thing, pikepdf.Array) else [thing[key] for key in thing.keys()]:
            if isinstance(inner, pikepdf.Object) and not inner.is_indirect:
                yield from strings_of(inner)


def found_in(text: str, identifiers: set[str]) -> set[str]:
    """Those identifiers (lower case) that stand in a text, with no further letter or digit beside them."""
    text = text.lower()
    pieces = {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}
    plain = identifiers.intersection(WORD.findall(text))
    likely = (one for one in identifiers if one[:SHORTEST] in pieces and one[-SHORTEST:] in pieces and not WORD.fullmatch(one) and one in text)
    return plain | {one for one in likely if re.search(rf"(?<![a-z0-9]){re.escape(one)}(?![a-z0-9])", text)}


def scan(files: Iterable[Path], identifiers: Iterable[str]) -> int:
    """Look for identifiers in finished files and in their names, in capitals or not.

    Identifiers of fewer than four characters are not looked for: any number would be one.

    Returns
    -------
    int
        Number of files scanned, all clean.

    Raises
    ------
    DisclosureError
        A file holds an identifier, is of a forbidden type, or cannot be read.
    """
    secret = {str(identifier).lower() for identifier in identifiers if len(str(identifier)) >= SHORTEST}
    scanned = 0
    for path in files:
        if path.suffix not in ALLOWED:
            raise DisclosureError(f"{path.name}: files of type {path.suffix or '(none)'} may not leave. Take it out of the release folder.")
        found = found_in(f"{readable(path)}\n{path.stem}", secret)
        if found:
            where = f"The name of a {path.suffix} file" if found_in(path.stem, secret) else path.name
            raise DisclosureError(
                f"{where} holds {len(found)} identifier(s) of the run's records. The release is held; find the block that prints them."
            )
        scanned += 1
    return scanned


def readable(path: Path) -> str:
    """Text of a file.

    Raises
    ------
    DisclosureError
        The file cannot be read, so that nobody knows what it holds.
    """
    import pikepdf
    from pypdf.errors import PyPdfError

    try:
        return text_of(path)
    except (PyPdfError, pikepdf.PdfError, ValueError, binascii.Error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as fault:
        raise DisclosureError(
            f"{path.name} cannot be read by the scan ({type(fault).__name__}), so it may not leave. Make it again, or take it out of the release"
            " folder."
        ) from None
