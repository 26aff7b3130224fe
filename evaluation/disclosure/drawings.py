"""Marks and lines of drawings, in pages and in PDF: one for each of many units is a table of rows that can be read back.

A chart may hold a point for each period and for each council. What else a PDF can carry (arrays, streams that no page needs) is looked at as well.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.disclosure.shapes import LONGEST

if TYPE_CHECKING:
    import pikepdf

MARKS: Mapping[str, tuple[str, ...]] = {
    "use": ("x", "y", "transform"),
    "circle": ("cx", "cy", "transform"),
    "ellipse": ("cx", "cy", "transform"),
    "rect": ("x", "y", "width", "height", "transform"),
    "line": ("x1", "y1", "x2", "y2", "transform"),
    "polygon": ("points", "transform"),
    "polyline": ("points", "transform"),
    "path": ("d", "transform"),
    "image": ("x", "y", "transform"),
}
ARRAY = f"more than {LONGEST} numbers in a row"
SCRIPT = "packed numbers"
STRANGE_PICTURE = "a picture that is a row of values"
NARROW = 8  # pixels: a picture narrower than this is a row of values
VERTEX = re.compile(r"[MLHVCSQTAmlhvcsqta]|[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
COARSE = 3  # times as many marks of one form but of different sizes a page may have: lines of several charts
OF_FONTS = frozenset({"/Widths", "/W", "/W2", "/Index", "/Nums", "/Kids", "/K", "/Range", "/Domain", "/Differences", "/DW2", "/Functions"})
DRAWN = "q Q cm Do re m l c v y h W W* S s f F f* B B* b b* n sh"  # what draws and ends lines; text and colours take part in none
LINES = {"m", "l", "c", "v", "y", "h"}
NEEDED = frozenset({"/Metadata", "/XRef", "/ObjStm", "/Pattern", "/CMap", "/XObject", "/EmbeddedFile"})


def mark_of(tag: str, given: Mapping[str, str]) -> tuple | None:
    """Where a mark of a drawing stands; None of what is none."""
    return tuple(given.get(name, "") for name in MARKS[tag]) if tag in MARKS else None


def vertices(path: str) -> int:
    """Points of a line as SVG writes it (`d`, or `points`).

    >>> vertices("M 0 0 L 1 1 2 2 C 1 1 2 2 3 3"), vertices("0,0 1,1 2,2")
    (4, 3)
    """
    takes, numbers, found = 2, 0, 0
    for token in VERTEX.findall(path):
        if token.upper() in TAKES:
            found, numbers, takes = found + numbers // takes, 0, TAKES[token.upper()]
        else:
            numbers += 1
    return found + numbers // takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """How what a PDF holds is looked through (`rows.py`): the texts of its pages, one text, and something embedded."""

    pages: Callable[[Sequence[str]], Iterator[str]]
    piece: Callable[..., Iterator[str]]
    unknown: Callable[..., Iterator[str]]


def of_pdf(content: bytes, inside: Inside, *, most: int = LONGEST, depth: int = 0) -> Iterator[str]:
    """A PDF: marks and lines of its pages, columns of bare numbers, arrays, and streams that no page needs."""
    import pikepdf

    from evaluation.disclosure.carriers import pages_of

    yield from inside.pages(pages_of(content))
    tail = content[content.rfind(b"%%EOF") + 5 :].strip()
    yield from inside.unknown(tail, depth=depth + 1) if tail else ()
    with pikepdf.open(io.BytesIO(content)) as document:
        for page in document.pages:
            yield from of_page(page, most)
        used = streams_in_use(document)
        for thing in document.objects:
            yield from of_object(thing, used, inside, most, depth)


def of_page(page: pikepdf.Page | pikepdf.Stream, most: int) -> Iterator[str]:
    """Lines with too many points, and marks of one form and size, or of one form, too often."""
    forms: dict[tuple, set[tuple]] = defaultdict(set)
    rough: dict[tuple, set[tuple]] = defaultdict(set)
    longest = 0
    for start, form in figures(page):
        longest = max(longest, len(form))
        forms[tuple(form)].add(start)
        rough[tuple(name for name, *_ in form)].add(start)
    if longest > most:
        yield f"a line of more than {LONGEST} points"
    if any(len(places) > most for places in forms.values()) or any(len(places) > COARSE * most for places in rough.values()):
        yield f"a drawing with more than {LONGEST} marks of one kind"


def figures(page: pikepdf.Page | pikepdf.Stream) -> Iterator[tuple[tuple, list[tuple]]]:
    """Every line of a page's drawings: where it begins, and its further points from there; pictures and forms by where they stand."""
    import pikepdf

    stack, here = [], (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    start, form = None, []
    for operands, operator in pikepdf.parse_content_stream(page, DRAWN):
        name = str(operator)
        if name == "q":
            stack.append(here)
        elif name == "Q" and stack:
            here = stack.pop()
        elif name == "cm":
            here = combined([float(one) for one in operands], here)
        elif name == "Do":
            yield (round(here[4], 2), round(here[5], 2)), [("Do", str(operands[0]))]
        elif name == "re":
            x, y, width, height = (float(one) for one in operands)
            yield moved(x, y, here), [("re", round(width, 2), round(height, 2))]
        elif name == "m":
            if form:
                yield moved(*start, here), form
            start, form = (float(operands[0]), float(operands[1])), [("m",)]
        elif name in LINES and start is not None and operands:
            form.append((name, round(float(operands[-2]) - start[0], 2), round(float(operands[-1]) - start[1], 2)))
        elif name not in LINES and form:
            yield moved(*start, here), form
            start, form = None, []
    if form:
        yield moved(*start, here), form


def combined(inner: list[float], outer: tuple[float, ...]) -> tuple[float, ...]:
    """One change of coordinates after another."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def moved(x: float, y: float, here: tuple[float, ...]) -> tuple[float, float]:
    """A point on the page."""
    a, b, c, d, e, f = here
    return round(a * x + c * y + e, 2), round(b * x + d * y + f, 2)


def streams_in_use(document: pikepdf.Pdf) -> set[tuple[int, int]]:
    """Streams that pages, fonts and colours need."""
    import pikepdf

    used: set[tuple[int, int]] = set()

    def note(thing: object) -> None:
        if isinstance(thing, pikepdf.Stream):
            used.add(thing.objgen)
        elif isinstance(thing, pikepdf.Array):
            for one in thing:
                note(one)

    for page in document.pages:
        note(page.obj.get("/Contents"))
    for thing in document.objects:
        if isinstance(thing, pikepdf.Dictionary):
            for name in ("/FontFile", "/FontFile2", "/FontFile3", "/ToUnicode", "/CIDToGIDMap", "/CIDSet", "/N", "/Encoding"):
                note(thing.get(name))
            glyphs = thing.get("/CharProcs")
            for one in glyphs.values() if isinstance(glyphs, pikepdf.Dictionary) else ():
                note(one)
        if isinstance(thing, pikepdf.Array) and len(thing) == 2 and str(thing[0]) == "/ICCBased":
            note(thing)
        for name in ("/ColorSpace",) if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream) else ():
            space = thing.get(name)
            for one in space.values() if isinstance(space, pikepdf.Dictionary) else ():
                note(one)
            note(space)
    return used


def of_object(thing: pikepdf.Object, used: set[tuple[int, int]], inside: Inside, most: int, depth: int) -> Iterator[str]:
    """One object of a PDF: long arrays and texts; a stream that nothing needs; small pictures; what is attached."""
    import pikepdf

    for key, array in arrays_of(thing):
        if key not in OF_FONTS and sum(not isinstance(one, pikepdf.Object) for one in array) > LONGEST:
            yield ARRAY
    for text in texts_of(thing):
        yield from inside.piece(text, depth=depth)
    if not isinstance(thing, pikepdf.Stream):
        return
    kind, sub = str(thing.get("/Type", "")), str(thing.get("/Subtype", ""))
    if sub == "/Image":
        width, height = int(thing.get("/Width", 0)), int(thing.get("/Height", 0))
        if min(width, height) <= NARROW and width * height > LONGEST:
            yield STRANGE_PICTURE
    elif sub == "/Form":
        yield from of_page(thing, most)
    elif kind in ("/EmbeddedFile", "/Metadata"):
        yield from inside.unknown(thing.read_bytes(), most=most, depth=depth + 1)
    elif thing.objgen not in used and kind not in NEEDED and sub not in ("/CIDFontType0C", "/Type1C", "/OpenType"):
        yield SCRIPT


def arrays_of(thing: object, key: str = "") -> Iterator[tuple[str, pikepdf.Array]]:
    """Arrays of an object with the name they stand under; objects it points to are visited on their own."""
    import pikepdf

    if isinstance(thing, pikepdf.Array):
        yield key, thing
    inner: list[tuple[str, object]] = []
    if isinstance(thing, pikepdf.Array):
        inner = [(key, one) for one in thing]
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        inner = [(name, thing[name]) for name in thing.keys()]
    for name, one in inner:
        if isinstance(one, pikepdf.Object) and not one.is_indirect:
            yield from arrays_of(one, name)


def texts_of(thing: object) -> Iterator[str]:
    """Texts of an object."""
    from evaluation.disclosure.carriers import strings_of

    yield from strings_of(thing)
