"""Rows of data in a finished file: one number, or one mark of a drawing, for each of many units, whatever carries them.

It knows file formats and what a report may hold at most, and nothing of the ledger. Drawings and PDF are in `drawings.py`.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import struct
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

from evaluation.disclosure.drawings import ARRAY, NARROW, SCRIPT, STRANGE_PICTURE, Inside, mark_of, of_pdf, vertices
from evaluation.disclosure.shapes import LONGEST

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[-+\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![A-Za-z0-9_])")
ONLY_NUMBERS = re.compile(r"[-+\u2212\u2060]?\s*\u00a3?\d[\d.,\seE+\-\u2212%;|/]*")
LIST = re.compile(rf"[-+\d.][\d.eE+\-]*(?:[\s,;|/]+[-+\d.][\d.eE+\-]*){{{LONGEST},}}")
PACKED = re.compile(r"[A-Za-z0-9+/_\-]{160,}={0,2}|(?:[A-Za-z0-9+/]{60,}\r?\n)+[A-Za-z0-9+/]*={0,2}")
FONT = re.compile(r"data:font/[a-z0-9]+;base64,([A-Za-z0-9+/=]+)")
EMBEDDED = re.compile(r"data:[a-zA-Z0-9/+.\-]*(?:;[a-zA-Z0-9=\-]+)*;base64,([A-Za-z0-9+/=\s]+)")
FONTS = (b"wOF2", b"wOFF", b"OTTO", b"\0\1\0\0", b"true")
PLACE = re.compile(r"all|E(?:0[6-9]|10)\d{6}|DFE\d{3}")  # a council's code, or all together: no small area's, and no unit's
PNG = b"\x89PNG\r\n\x1a\n"
CHUNKS = frozenset("IHDR PLTE IDAT IEND tEXt zTXt iTXt pHYs gAMA cHRM sRGB iCCP tIME bKGD tRNS sBIT eXIf".split())
SEPARATED = re.compile(r"[,;\t|]|\s{2,}")
FULL = 40  # lines of a page that a table fills
SHORT = 60  # characters of a line of a table: longer ones are sentences
FEWEST_BYTES = 100  # of packed numbers: fewer are no family's row each
DEEPEST = 4

KEYED = f"more than {LONGEST} rows of one kind of unit"
HIDDEN = "a hidden sheet, row or column"


def rows_of_data(path: Path, *, points: int = 0) -> list[str]:
    """What a finished file holds that looks like rows of data, in words; never the thing itself.

    Parameters
    ----------
    points : int
        Councils that one chart may show beside its usual marks.
    """
    content, kind, most = path.read_bytes(), path.suffix.lower(), LONGEST + points
    if kind == ".pdf":
        return sorted(set(of_pdf(content, INSIDE, most=most + points)))  # two charts of councils stand on one page
    reader = {".json": of_json, ".ipynb": of_json, ".html": of_markup, ".svg": of_markup}.get(kind, of_unknown)
    return sorted(set(reader(content, most=most)))


def many(text: str) -> bool:
    """Whether one piece of text holds more numbers than a sentence or a cell of a report does."""
    return sum(1 for _ in NUMBER.finditer(text)) > LONGEST


def of_unknown(content: bytes, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """Something embedded, by what it begins with: a picture, a document, text; what is none of these is packed numbers."""
    if depth > DEEPEST:
        yield SCRIPT
    elif content.startswith(PNG):
        yield from of_png(content, most=most, depth=depth)
    elif content.startswith(b"%PDF"):
        yield from of_pdf(content, INSIDE, most=most)
    elif content.startswith(b"PK\x03\x04"):
        yield from of_zip(content, most=most, depth=depth)
    elif content.startswith(b"\x1f\x8b"):
        yield from of_unknown(zlib.decompress(content, 31), most=most, depth=depth + 1)
    elif content.startswith(FONTS):
        return
    elif (text := as_text(content)) is None:
        if len(content) >= FEWEST_BYTES:
            yield SCRIPT
    elif text.lstrip()[:1] == "<":
        yield from of_markup(content, most=most, depth=depth)
    else:
        yield from of_text(text, most=most, depth=depth)


def as_text(content: bytes) -> str | None:
    """Bytes as text; None where they are none."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0e-\x1f]", text) else text


def of_text(text: str, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """Plain text: JSON (one value, or one a line), or lines; more lines of bare numbers than a report's table has are rows."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0][:1] in "[{":
        try:
            for value in [json.loads(text)] if text.rstrip()[-1:] in "]}" and "\n" not in text.strip() else map(json.loads, lines):
                yield from in_json(value, most=most, depth=depth)
            return
        except ValueError:
            pass
    for line in lines:
        yield from of_piece(line, depth=depth)
    yield from of_pages([text])


def of_pages(pages: Sequence[str]) -> Iterator[str]:
    """Lines of a file, or of the pages of one: more of bare numbers, or of one kind of unit, than a report has, on one page or on full ones."""
    runs, kinds = [], []
    for page in pages:
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        runs.append(longest_run(lines))
        kinds.append(same_kind(SEPARATED.split(line)[0] for line in lines if len(line) < SHORT))
    if max(*runs, 0, sum(run for run in runs if run >= FULL // 2)) > LONGEST:
        yield ARRAY
    if max(*kinds, 0, sum(kind for kind in kinds if kind >= FULL)) > LONGEST:
        yield KEYED


def longest_run(pieces: list[str]) -> int:
    """How many pieces of nothing but numbers stand one after the other."""
    longest = run = 0
    for piece in pieces:
        run = run + 1 if ONLY_NUMBERS.fullmatch(piece) else 0
        longest = max(longest, run)
    return longest


def same_kind(labels: Iterator[str]) -> int:
    """How many labels are the same but for a number in them: 'Family 1', 'Family 2', ..."""
    kinds = Counter(re.sub(r"\d+", "#", label.strip()) for label in labels if re.search(r"[A-Za-z].*\d|\d.*[A-Za-z]", label))
    return max(kinds.values(), default=0)


def of_piece(text: str, *, depth: int = 0) -> Iterator[str]:
    """One text of a page or a results file: a list of numbers, or packed ones."""
    if many(text):
        yield ARRAY
    for found in EMBEDDED.findall(text):
        yield from of_unknown(unpacked(found), depth=depth + 1)
    for found in PACKED.findall(EMBEDDED.sub(" ", text)):
        yield from of_packed(found, depth=depth)


def of_packed(text: str, *, depth: int = 0) -> Iterator[str]:
    """A long word: hexadecimal or base64 of something."""
    bare = re.sub(r"\s", "", text)
    if len(bare) < 160:
        return
    if re.fullmatch(r"[0-9a-fA-F]+", bare):
        yield from of_unknown(bytes.fromhex(bare[: len(bare) // 2 * 2]), depth=depth + 1)
    else:
        yield from of_unknown(unpacked(bare), depth=depth + 1)


def unpacked(text: str) -> bytes:
    """Bytes of a base64 text, whichever alphabet and whether or not it is filled up; b'' of none."""
    bare = re.sub(r"[\s=]", "", text).translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""


# ---- JSON ----------------------------------------------------------------------------------------------------------------------------------------


def of_json(content: bytes, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """A results file or a notebook."""
    yield from in_json(json.loads(content.decode("utf-8")), most=most, depth=depth)


def in_json(read: object, *, most: int, depth: int = 0) -> Iterator[str]:
    """A value: lists, or objects, with more bare numbers than a report has are rows. A number with its printed text beside it is a shown one."""
    if isinstance(read, str):
        yield from of_markup(read.encode("utf-8", "replace"), most=most, depth=depth) if "<" in read else of_piece(read, depth=depth)
    elif isinstance(read, list) and read and all(isinstance(part, str) for part in read):
        texts = [part.strip() for part in read]
        if sum(bool(ONLY_NUMBERS.fullmatch(text)) for text in texts) > LONGEST or same_kind(iter(texts)) > LONGEST:
            yield ARRAY
        yield from in_json("".join(read), most=most, depth=depth)
    elif isinstance(read, list | dict):
        parts = read if isinstance(read, list) else list(read.values())
        if not is_shown(read) and not by_place(read) and sum(bare_numbers(part) for part in parts) > LONGEST and is_long(read):
            yield ARRAY
        for part in parts:
            yield from in_json(part, most=most, depth=depth)


def is_long(read: list | dict) -> bool:
    """Whether a list has more members than a report's, or any of its own lists or objects."""
    if len(read) > LONGEST:
        return True
    parts = read if isinstance(read, list) else read.values()
    return any(isinstance(part, list | dict) and len(part) > LONGEST and not by_place(part) for part in parts)


def by_place(read: object) -> bool:
    """Whether an object holds something of each council by its code, as a release of many councils does: what stands there is looked at by itself."""
    return isinstance(read, dict) and bool(read) and all(PLACE.fullmatch(key) for key in read)


def is_shown(read: object) -> bool:
    """Whether an object is a number that went through the ledger, with its printed text."""
    return isinstance(read, dict) and "value" in read and "text" in read


def bare_numbers(read: object) -> int:
    """Numbers in a value that have no printed text beside them."""
    if isinstance(read, bool) or read is None or is_shown(read):
        return 0
    if isinstance(read, int | float):
        return 1
    if isinstance(read, str):
        return int(bool(ONLY_NUMBERS.fullmatch(read.strip())))
    if isinstance(read, list | dict):
        return sum(bare_numbers(part) for part in (read if isinstance(read, list) else read.values()))
    return 0


# ---- HTML, SVG and XML ---------------------------------------------------------------------------------------------------------------------------

TABLES = frozenset({"table", "sheetdata", "table:table"})
ROWS = frozenset({"tr", "row", "table:table-row"})
CELLS = frozenset({"td", "th", "c", "table:table-cell"})
GEOMETRY = frozenset("d points transform style viewbox class id stroke-dasharray values".split())
OF_A_CELL = frozenset({"office:value", "r", "s", "x", "y", "dx", "dy", "width", "height"})
SPOKEN = re.compile(r"data-.*|aria-.*|value|v|val|title|alt|content|label|name|id|href")
SILENT = frozenset({"style", "text:p", "text:span", "t"})


class Markup(HTMLParser):
    """Pieces of a page that could be rows: texts, comments, scripts, attributes, rows of tables, marks of drawings."""

    def __init__(self, *, most: int, depth: int, shared: list[str] | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self.most, self.depth, self.shared = most, depth, shared
        self.found: set[str] = set()
        self.texts: list[str] = []  # outside of rows
        self.tables: list[list[list[str]]] = [[]]
        self.tag, self.kind, self.in_row = "", "", False
        self.attributes: Counter[str] = Counter()
        self.marks: dict[str, set[tuple]] = defaultdict(set)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag, given = tag, {name: value or "" for name, value in attrs}
        if tag == "svg":
            self.end_drawing()
        if tag in TABLES:
            self.tables.append([])
        if tag in ROWS:
            self.tables[-1].append([])
            self.in_row = True
        if tag in CELLS and self.in_row:
            self.kind = given.get("t", "")
            if "office:value" in given:
                self.tables[-1][-1].append(given["office:value"])
        if mark := mark_of(tag, given):
            self.marks[tag].add(mark)
        if max(vertices(given.get("d", "")), vertices(given.get("points", ""))) > self.most:
            self.found.add(f"a line of more than {LONGEST} points")
        self.attributes.update(name for name, value in given.items() if SPOKEN.fullmatch(name) and ONLY_NUMBERS.fullmatch(value))
        if given.get("state") in ("hidden", "veryHidden") or (tag in ("row", "col") and given.get("hidden") in ("1", "true")):
            self.found.add(HIDDEN)
        if given.get("table:display") == "false" or given.get("table:visibility") in ("collapse", "filter"):
            self.found.add(HIDDEN)
        for name, value in given.items():
            if name not in GEOMETRY:
                self.found.update(of_piece(value, depth=self.depth))
            elif name != "d" and name != "points":
                self.found.update((ARRAY,) if LIST.search(value) else ())

    def handle_endtag(self, tag: str) -> None:
        if tag in ROWS:
            self.in_row = False
        if tag in TABLES:
            self.tables.append([])
        if tag == "svg":
            self.end_drawing()

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if not text:
            return
        if self.tag == "style":
            self.found.update((ARRAY,) if LIST.search(text) else ())
            return
        if self.in_row:
            known = self.shared is not None and self.kind == "s" and text.isdigit() and int(text) < len(self.shared)
            self.tables[-1][-1].append(self.shared[int(text)] if known else text)
        else:
            self.texts.append(text)
        self.found.update(of_piece(text, depth=self.depth))
        if "<" in text and self.depth < DEEPEST:  # markup inside markup: a script's, or an escaped one
            self.found.update(of_markup(text.encode(), most=self.most, depth=self.depth + 1))

    def handle_comment(self, data: str) -> None:
        self.found.update(of_piece(data, depth=self.depth))

    def handle_decl(self, decl: str) -> None:
        self.found.update(of_piece(decl, depth=self.depth))

    def handle_pi(self, data: str) -> None:
        self.found.update(of_piece(data, depth=self.depth))

    def unknown_decl(self, data: str) -> None:
        self.found.update(of_piece(data, depth=self.depth))

    def end_drawing(self) -> None:
        """Count the marks of the drawing that ends."""
        if any(len(marks) > self.most for marks in self.marks.values()):
            self.found.add(f"a drawing with more than {LONGEST} marks of one kind")
        self.marks.clear()

    def whole(self) -> set[str]:
        """Everything found, once all is read."""
        self.end_drawing()
        bare = [sum(bool(row) and all(ONLY_NUMBERS.fullmatch(cell) for cell in row) for row in table) for table in self.tables]
        in_tables = max(*bare, sum(rows for rows in bare if rows >= FULL // 2))  # a report has many short tables of years
        if max(in_tables, longest_run(self.texts), *self.attributes.values()) > LONGEST:
            self.found.add(ARRAY)
        if any(same_kind(row[0] for row in table if row) > LONGEST for table in self.tables):
            self.found.add(KEYED)
        return self.found


def of_markup(content: bytes, *, most: int = LONGEST, depth: int = 0, shared: list[str] | None = None) -> Iterator[str]:
    """HTML, SVG or XML with what is embedded in it."""
    text = content.decode("utf-8", "replace")
    for found in FONT.findall(text):
        if not unpacked(found).startswith(FONTS):
            yield SCRIPT
    text = FONT.sub(" ", text)
    for found in EMBEDDED.findall(text):
        yield from of_unknown(unpacked(found), most=most, depth=depth + 1)
    parser = Markup(most=most, depth=depth, shared=shared)
    parser.feed(EMBEDDED.sub(" ", text))
    parser.close()
    yield from parser.whole()


# ---- pictures and archives -----------------------------------------------------------------------------------------------------------------------


def of_png(content: bytes, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """A picture: one that is a row of pixels, chunks that no picture needs, long texts, what follows its end."""
    at = len(PNG)
    while at + 8 <= len(content):
        (size,), kind = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8].decode("latin-1")
        data, at = content[at + 8 : at + 8 + size], at + 12 + size
        if kind == "IHDR":
            width, height = struct.unpack(">II", data[:8])
            if min(width, height) <= NARROW and width * height > LONGEST:
                yield STRANGE_PICTURE
        elif kind not in CHUNKS:
            yield SCRIPT
        elif kind == "zTXt":
            yield from of_unknown(zlib.decompress(data.partition(b"\0")[2][1:]), most=most, depth=depth + 1)
        elif kind == "iTXt":
            packed, rest = data.partition(b"\0")[2][:1] == b"\1", data.partition(b"\0")[2][2:].split(b"\0", 2)[-1]
            yield from of_unknown(zlib.decompress(rest) if packed else rest, most=most, depth=depth + 1)
        elif kind == "tEXt":
            yield from of_unknown(data.partition(b"\0")[2], most=most, depth=depth + 1)
        elif kind == "IEND":
            yield from of_unknown(content[at:], most=most, depth=depth + 1) if content[at:] else ()
            return


def of_zip(content: bytes, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """A workbook: cells with their shared texts, and every other part."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        shared = shared_texts(archive)
        yield from of_piece(archive.comment.decode("utf-8", "replace"))
        for part in archive.infolist():
            if "pivotCache" in part.filename:
                yield SCRIPT
            yield from of_piece(part.comment.decode("utf-8", "replace"))
            data = b"" if part.is_dir() or part.filename.endswith("sharedStrings.xml") else archive.read(part)
            if data.lstrip()[:1] == b"<":
                yield from of_markup(data, most=most, depth=depth + 1, shared=shared)
            elif data:
                yield from of_unknown(data, most=most, depth=depth + 1)


def shared_texts(archive: zipfile.ZipFile) -> list[str]:
    """Texts of a workbook that its cells name by number."""
    name = next((one for one in archive.namelist() if one.endswith("sharedStrings.xml")), None)
    if name is None:
        return []
    items = re.findall(r"<si\b[^>]*?(?:/>|>(.*?)</si>)", archive.read(name).decode("utf-8"), re.S)
    return ["".join(re.findall(r"<t\b[^>]*>(.*?)</t>", item, re.S)) for item in items]


INSIDE = Inside(pages=of_pages, piece=of_piece, unknown=of_unknown)
