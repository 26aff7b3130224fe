"""One pass over the bytes of a text file: its digest, its encoding, its quotation marks, and what should not be there."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from evaluation.dictionary import Table
from evaluation.ingest.opening import unreadable
from evaluation.ingest.tables import Fault

CHUNK = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one pass over a text file's bytes found; `nuls` counts NUL bytes that are left out on reading, `longest` the bytes of the longest line."""

    sha256: str
    bytes: int
    encoding: str  # 'utf-8', 'utf-16', 'cp1252'
    quotes: int
    nuls: int
    longest: int
    ends_with_newline: bool
    faults: tuple[Fault, ...] = ()


def scan_bytes(path: Path, table: Table) -> Scan:
    """One pass over the file: digest, encoding, quotation marks."""
    digest, is_utf8, size, quotes, zeros, last, line, longest = hashlib.sha256(), True, 0, 0, 0, b"", 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        while block := file.read(CHUNK):
            digest.update(block)
            size, quotes, zeros, last = size + len(block), quotes + block.count(b'"'), zeros + block.count(b"\0"), block[-1:]
            is_utf8 = is_utf8 and decodes(decoder, block)
            ends = block.rfind(b"\n")
            longest = max(longest, line + (block.find(b"\n") if ends >= 0 else len(block)))
            line = len(block) - ends - 1 if ends >= 0 else line + len(block)
    encoding, faults = encoding_of(path, table, head, size, zeros, is_utf8 and decodes(decoder, b"", final=True))
    if encoding == "utf-16":
        quotes, zeros = path.read_bytes().decode("utf-16", errors="ignore").count('"'), 0
        last = b"\n" if last in (b"\n", b"\0") else last
    return Scan(
        sha256=digest.hexdigest(),
        bytes=size,
        encoding=encoding,
        quotes=quotes,
        nuls=zeros,
        longest=longest,
        ends_with_newline=last in (b"\n", b"\r", b""),
        faults=tuple(faults),
    )


def decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    """Whether the next bytes are text in the decoder's encoding."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def encoding_of(path: Path, table: Table, head: bytes, size: int, zeros: int, is_utf8: bool) -> tuple[str, list[Fault]]:
    """The encoding, and faults where it is not plain UTF-8."""
    if size == 0:
        return "utf-8", [unreadable(table, path, "it must hold a heading and rows: it is empty", "Deliver the table again.", "empty_file")]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            path.read_bytes().decode("utf-16")
        except UnicodeDecodeError:
            return "utf-16", [unreadable(table, path, "it begins as UTF-16 and must be so to its end: it is not", "Export as UTF-8.", "encoding")]
        return "utf-16", [understood(table, "encoding", "text should be UTF-8: the file says that it is UTF-16 and was read so", "Export as UTF-8.")]
    if zeros > size // 4:
        return "utf-8", [unreadable(table, path, "text must be UTF-8: it looks like UTF-16 without its mark", "Export as UTF-8.", "encoding")]
    found = []
    if zeros:
        found.append(understood(table, "nul_bytes", f"text must hold no NUL bytes: {zeros:,} are left out on reading", "Mend the export."))
    if is_utf8:
        return "utf-8", found
    return not_utf8(path, table, found)


def not_utf8(path: Path, table: Table, found: list[Fault]) -> tuple[str, list[Fault]]:
    """Windows-1252 where the whole file is, a refusal with the first byte where it is not."""
    content = path.read_bytes()
    text = content.decode("utf-8", errors="surrogateescape")
    offset = len(text[: next(place for place, letter in enumerate(text) if "\udc80" <= letter <= "\udcff")].encode())
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        neither = f"text must be UTF-8: byte {offset:,} is neither that nor Windows-1252"
        return "utf-8", [unreadable(table, path, neither, "Export as UTF-8.", "encoding")]
    if any(letter > "\x7f" and not "\udc80" <= letter <= "\udcff" for letter in text.removeprefix("\ufeff")):
        return "utf-8", [
            unreadable(
                table,
                path,
                f"text must be in one encoding: UTF-8 and Windows-1252 are mixed, from byte {offset:,} on",
                "Export the whole table as UTF-8.",
                "encoding",
            )
        ]
    warned = Fault(
        table=table.name,
        reason="encoding",
        must_hold="text should be UTF-8: the file was read as Windows-1252",
        mend="Export as UTF-8.",
        severity="warn",
    )
    return "cp1252", [*found, warned]


def understood(table: Table, reason: str, must_hold: str, mend: str) -> Fault:
    """Something of the whole file that was read in another form."""
    return Fault(table=table.name, reason=reason, must_hold=must_hold, mend=mend, severity="normalise")
