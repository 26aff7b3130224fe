"""The text of a finished file, with all the places in it where text can hide. Knows file formats, and nothing of what is looked for."""

from __future__ import annotations

import base64
import binascii
import functools
import html
import json
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from evaluation.errors import DisclosureError

TYPEFACE = re.compile(r"data:font/[a-z0-9]+;base64,[A-Za-z0-9+/=]+")
EMBEDDED = re.compile(r"data:[a-zA-Z0-9/+.\-]+(?:;[a-zA-Z0-9=\-]+)*;base64,([A-Za-z0-9+/=\s]+)")
IN_LINE = re.compile(r"data:[a-zA-Z0-9/+.\-]+(?:;[a-zA-Z0-9=\-]+)*,([^\"')\s>]+)")
TAG = re.compile(r"<[^<>]*>")
BLOCK = re.compile(
    r"</?(?:p|div|t[dhr]|c|row|li|[uo]l|h[1-6]|section|table|body|head|title|br|text|desc|svg|script|style)\b[^<>]*>", re.I
)  # ends a word
CUT = re.compile(r"([-\u00ad])[ ]*\n[ ]*")  # a word that goes on in the next line, by its own hyphen or by a soft one
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u202a-\u202e]")
PNG = b"\x89PNG\r\n\x1a\n"
DEEPEST = 4  # files inside files
LARGEST = 200_000_000  # bytes of one file inside another: more is no report


def text_of(path: Path) -> str:
    """All text of a file: what it shows, and what stands in tags, attributes, metadata, hidden sheets, attachments and pictures.

    Raises
    ------
    DisclosureError
        It is of a kind that cannot be looked into.
    ValueError, OSError, zipfile.BadZipFile, ...
        It is broken.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DisclosureError(f"{path.name}: the scan cannot read {path.suffix} files, so it may not leave. Take it out of the release folder.")
    return plain("\n".join(reader(path.read_bytes())))


def plain(text: str) -> str:
    """Text as a reader sees it: one form of each character, nothing unseen inside words."""
    return UNSEEN.sub("", unicodedata.normalize("NFKC", text))


def of_markup(content: bytes, depth: int = 0) -> Iterator[str]:
    """HTML, SVG or XML: as it is, without its tags (words that a tag cuts are joined), and what is embedded in it."""
    text = TYPEFACE.sub(" ", content.decode("utf-8"))
    for found in EMBEDDED.findall(text):
        yield from of_unknown(base64.b64decode(re.sub(r"\s", "", found)), depth + 1)
    text = EMBEDDED.sub(" ", text)
    resolved = html.unescape(text)
    yield resolved
    yield html.unescape(TAG.sub("", BLOCK.sub("\n", text)))
    yield html.unescape(TAG.sub(" ", text))
    yield from (unquote(found) for found in IN_LINE.findall(resolved))
    if "%" in resolved or "\\u" in resolved:
        yield unquote(resolved)
        yield _unescaped(resolved)


def _unescaped(text: str) -> str:
    """Escapes of scripts resolved."""
    return re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1] or found[2], 16)), text)


def of_json(content: bytes, depth: int = 0) -> Iterator[str]:
    """JSON: as it is, with its escapes resolved, and its texts as markup where they are such (outputs of a notebook)."""
    text = content.decode("utf-8")
    read = json.loads(text)
    yield text
    yield json.dumps(read, ensure_ascii=False)
    yield from _texts(read, depth)


def _texts(read: object, depth: int) -> Iterator[str]:
    if isinstance(read, str):
        if "<" in read or "data:" in read or "%" in read:
            yield from of_markup(read.encode("utf-8", "replace"), depth + 1)
        elif len(read) > 40 and re.fullmatch(r"[A-Za-z0-9+/=\s]+", read):
            yield from _decoded(read, depth)
    elif isinstance(read, list):
        if read and all(isinstance(part, str) for part in read):
            yield "".join(read)
            yield from _texts("".join(read), depth)
        for part in read:
            yield from _texts(part, depth)
    elif isinstance(read, dict):
        for part in read.values():
            yield from _texts(part, depth)


def _decoded(text: str, depth: int) -> Iterator[str]:
    """What a long text may be in base64: a picture in a notebook."""
    try:
        yield from of_unknown(base64.b64decode(re.sub(r"\s", "", text), validate=True), depth + 1)
    except (binascii.Error, ValueError):
        return


def of_lines(content: bytes, depth: int = 0) -> Iterator[str]:
    """Plain text, a log, or one JSON value a line."""
    text = content.decode("utf-8")
    yield text
    yield _unescaped(text)


def of_unknown(content: bytes, depth: int = 0) -> Iterator[str]:
    """Something inside a file, by what it begins with.

    Raises
    ------
    DisclosureError
        Files lie too deep inside each other.
    """
    if depth > DEEPEST:
        raise DisclosureError(f"files lie more than {DEEPEST} deep inside each other: the scan does not go further. Take them apart.")
    if content.startswith(PNG):
        yield from of_png(content)
    elif content.startswith(b"%PDF"):
        yield from of_pdf(content, depth)
    elif content.startswith(b"PK\x03\x04"):
        yield from of_zip(content, depth)
    elif content.startswith(b"\x1f\x8b"):
        yield from of_unknown(zlib.decompress(content, 31), depth + 1)
    elif content.lstrip()[:1] == b"<":
        yield from of_markup(content, depth)
    else:
        yield content.decode("utf-8", "replace")
        if b"\0" in content:
            yield content.decode("utf-16-le", "ignore")


def of_png(content: bytes, depth: int = 0) -> Iterator[str]:
    """The text chunks of a PNG picture, and what follows its end."""
    if not content.startswith(PNG):
        raise ValueError("no PNG picture")
    at = len(PNG)
    while at + 8 <= len(content):
        (size,), kind = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        data, at = content[at + 8 : at + 8 + size], at + 12 + size
        if kind == b"tEXt":
            yield data.replace(b"\0", b"\n").decode("latin-1")
        elif kind == b"zTXt":
            name, _, packed = data.partition(b"\0")
            yield f"{name.decode('latin-1')}\n{zlib.decompress(packed[1:]).decode('latin-1')}"
        elif kind == b"iTXt":
            yield from _international(data)
        elif kind in (b"eXIf", b"iCCP"):
            yield data.decode("latin-1")
        elif kind == b"IEND":
            yield content[at:].decode("latin-1")
            return


def _international(data: bytes) -> Iterator[str]:
    """An iTXt chunk: keyword, compressed or not, language, translated keyword, text."""
    name, _, rest = data.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    language, translated, text = rest.split(b"\0", 2)
    yield from (name.decode("latin-1"), language.decode("latin-1"), translated.decode("utf-8", "replace"))
    yield (zlib.decompress(text) if packed else text).decode("utf-8", "replace")


def of_zip(content: bytes, depth: int = 0) -> Iterator[str]:
    """A workbook, a document or an archive: every part of it by name, shown or not."""
    import io

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield archive.comment.decode("utf-8", "replace")
        for part in archive.infolist():
            if part.file_size > LARGEST:
                raise ValueError("a part of it is too large")
            yield f"{part.filename} {part.comment.decode('utf-8', 'replace')}"
            if not part.is_dir():
                yield from of_unknown(archive.read(part), depth + 1)


def of_pdf(content: bytes, depth: int = 0) -> Iterator[str]:
    """Text of a PDF: its pages, also with words joined that a line end cuts; every string inside (alternative texts, bookmarks, links, title,
    notes); its XML metadata, attached files and pictures; what stands before and after it."""
    import io

    import pikepdf

    for text in pages_of(content):
        yield from (text, CUT.sub(r"\1", text), CUT.sub("", text))
    yield content[: max(content.find(b"%PDF"), 0)].decode("latin-1")
    yield content[content.rfind(b"%%EOF") :].decode("latin-1")
    with pikepdf.open(io.BytesIO(content)) as document:
        for thing in document.objects:
            yield from strings_of(thing)
            if isinstance(thing, pikepdf.Stream) and thing.get("/Type") in ("/Metadata", "/EmbeddedFile"):
                yield from of_unknown(thing.read_bytes(), depth + 1)


@functools.lru_cache(maxsize=2)
def pages_of(content: bytes) -> tuple[str, ...]:
    """Text of each page of a PDF; kept, as more than one part of the scan reads it."""
    import io

    from pypdf import PdfReader

    return tuple(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def strings_of(thing: object) -> Iterator[str]:
    """Strings of one PDF object; objects it points to are visited on their own."""
    import pikepdf

    if isinstance(thing, pikepdf.String):
        yield str(thing)
    elif isinstance(thing, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream):
        for inner in list(thing) if isinstance(thing, pikepdf.Array) else [thing[key] for key in thing.keys()]:
            if isinstance(inner, pikepdf.Object) and not inner.is_indirect:
                yield from strings_of(inner)


READERS: dict[str, Callable[[bytes], Iterator[str]]] = {
    ".html": of_markup,
    ".svg": of_markup,
    ".json": of_json,
    ".ipynb": of_json,
    ".csv": of_lines,
    ".txt": of_lines,
    ".md": of_lines,
    ".log": of_lines,
    ".jsonl": of_lines,
    ".yml": of_lines,
    ".pdf": of_pdf,
    ".xlsx": of_zip,
    ".ods": of_zip,
    ".png": of_png,
}
