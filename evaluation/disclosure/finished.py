"""Numbers of finished files that nothing of their report accounts for: a page, a PDF or a workbook may hold what its content holds, and no more.

That the content holds nothing but what the ledger published is looked at before it is rendered (`orphans.py`). Labels of axes are told by where they
stand: evenly spaced numbers at evenly spaced places.
"""

from __future__ import annotations

import html
import math
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from evaluation.disclosure.carriers import pages_of
from evaluation.disclosure.orphans import STRUCTURAL, TOKEN, bare
from evaluation.disclosure.release import ReportContent, Shown

FURNITURE = re.compile(
    r"(?:Table|Figure|Section|Page|page)s?\s\d+(?:\s(?:of|and|to)\s\d+)?|(?:\. ){4,}\.?\s?\d+|WCAG 2\.2|PDF/UA-1"
    r"|from 6% to 5% is a change of 1 percentage point"
    r"|(?:fewer than|under|below|at least|over|up to) \d[\d,]*"
)
UNSHOWN = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.S | re.I)
DRAWING = re.compile(r"<svg\b.*?</svg>", re.S | re.I)
LABEL = re.compile(r"<text\b([^>]*)>(.*?)</text>", re.S | re.I)
PLACE = {name: re.compile(rf'\b{name}="(-?[\d.]+)"') for name in ("x", "y")}
ALONE = re.compile(r"[+\-\u2212]?\u2060?\u00a3?\d[\d,]*(?:\.\d+)?%?")
EVEN = 0.02  # of a step: how far places may lie from even ones
FEWEST_LABELS = 2
STEPS = (1.0, 2.0, 2.5, 5.0)  # times a power of ten: between the labels of an axis
CUT = re.compile(r"(?<=\d,) (?=\d{3}(?!\d))")  # where a line ends inside a long number
SHEETS = re.compile(r"xl/worksheets/.*\.xml|content\.xml|xl/sharedStrings\.xml")
TYPED = re.compile(r'office:value="([^"]*)"|<c\b(?![^>]*\bt="(?:s|inlineStr|str)")[^>]*>\s*<v>([^<]*)</v>')
WRITTEN = re.compile(r"<t\b[^>]*>([^<]*)</t>|<text:p\b[^>]*>(.*?)</text:p>", re.S)


def strange_numbers(path: Path, content: ReportContent) -> list[str]:
    """Numbers of a finished file that are not in the content it was made from.

    They stay inside: what is said of them is how many they are.
    """
    known = numbers_held(content)
    kind = path.suffix.lower()
    if kind == ".html":
        return list(of_page(path.read_text(encoding="utf-8"), known))
    if kind == ".pdf":  # its drawings are those of the page, whose labels of axes are told there
        page = path.with_suffix(".html")
        return list(of_pdf(path.read_bytes(), known | (labels_of(page.read_text(encoding="utf-8")) if page.is_file() else frozenset())))
    if kind in (".xlsx", ".ods"):
        return list(of_workbook(path, known))
    return []


def numbers_held(content: ReportContent) -> frozenset[str]:
    """Every number of a report's content: shown ones, those in texts, plain ones such as edges of bins and years, and how many councils are shown."""
    councils = (str(len(one.points)) for one in content.beside)
    return frozenset(bare(token) for text in (*_texts(content), *councils) for token in TOKEN.findall(joined(text)))


def _texts(thing: object) -> Iterator[str]:
    if isinstance(thing, Shown):
        yield thing.text
    elif isinstance(thing, str):
        yield thing
    elif isinstance(thing, bool) or thing is None:
        return
    elif isinstance(thing, int | float):
        yield f"{thing:,.10g}"
        yield f"{thing:.10g}"
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _texts(part)
    elif hasattr(type(thing), "model_fields"):
        for name in type(thing).model_fields:
            yield from _texts(getattr(thing, name))


def joined(text: str) -> str:
    """A text without the signs that keep a number on one line."""
    return text.replace("\u2060", "")


def unknown(text: str, known: frozenset[str]) -> list[str]:
    """Numbers of a text that are not known, and are none of structure or of the page's own words."""
    text = STRUCTURAL.sub(" ", FURNITURE.sub(" ", joined(text)))
    return [token for token in TOKEN.findall(text) if bare(token) not in known]


def of_page(page: str, known: frozenset[str]) -> Iterator[str]:
    """Numbers of a page's words and tables, and of its drawings but for the labels of axes."""
    body = UNSHOWN.sub(" ", page)
    for drawing in DRAWING.findall(body):
        yield from of_drawing(drawing, known)
    for piece in re.split(r"<[^>]*>", DRAWING.sub(" ", body)):
        yield from unknown(html.unescape(piece), known)


def of_drawing(drawing: str, known: frozenset[str]) -> Iterator[str]:
    """Numbers of a drawing that are not known and label no axis."""
    labels = labels_in(drawing)
    axes = set(on_axes(labels))
    for at, (_, text) in enumerate(labels):
        if at not in axes:
            yield from unknown(text, known)


def labels_of(page: str) -> frozenset[str]:
    """Numbers on the axes of a page's drawings."""
    found: set[str] = set()
    for drawing in DRAWING.findall(page):
        labels = labels_in(drawing)
        found |= {bare(joined(labels[at][1])) for at in on_axes(labels)}
    return frozenset(found)


def labels_in(drawing: str) -> list[tuple[str, str]]:
    """Texts of a drawing with the attributes that say where they stand."""
    return [(given, html.unescape(re.sub(r"<[^>]*>", "", text)).strip()) for given, text in LABEL.findall(drawing)]


def on_axes(labels: list[tuple[str, str]]) -> Iterator[int]:
    """Labels that are a scale: numbers alone in one line, evenly spaced in value and in place, by a round step."""
    lines: dict[tuple[str, str], list[tuple[float, float, int]]] = defaultdict(list)
    for at, (given, text) in enumerate(labels):
        places = {name: found[1] for name, shape in PLACE.items() if (found := shape.search(given))}
        if ALONE.fullmatch(text) and len(places) == 2:
            for own, other in (("x", "y"), ("y", "x")):
                lines[own, places[own]].append((float(places[other]), value_of(text), at))
    for line in lines.values():
        if len(line) >= FEWEST_LABELS and is_scale(sorted(line)):
            yield from (at for *_, at in line)


def is_scale(line: list[tuple[float, float, int]]) -> bool:
    """Whether numbers go up, or down, or down and up again, by one step at one distance."""
    gaps = [after[0] - before[0] for before, after in zip(line, line[1:], strict=False)]
    steps = [abs(after[1] - before[1]) for before, after in zip(line, line[1:], strict=False)]
    even = all(abs(one - some[0]) <= EVEN * abs(some[0]) for some in (gaps, steps) for one in some)
    return even and is_round(steps[0]) and all(abs(value / steps[0] - round(value / steps[0])) < EVEN for _, value, _ in line)


def is_round(step: float) -> bool:
    """Whether a step is one that axes have."""
    return step > 0 and any(math.isclose(step, one * 10.0 ** math.floor(math.log10(step) + 1e-9), rel_tol=1e-6) for one in STEPS)


def value_of(text: str) -> float:
    """The number that a label stands for."""
    return float(re.sub(r"[^\d.\-]", "", text.replace("\u2212", "-")))


def of_pdf(content: bytes, known: frozenset[str]) -> Iterator[str]:
    """Numbers of a PDF's pages, but for the numbers of the pages."""
    pages = pages_of(content)
    for number, page in enumerate(pages, start=1):
        text, own = " ".join(page.split()), known | {str(number), str(len(pages))}
        yield from min(unknown(text, own), unknown(CUT.sub("", text), own), key=len)


def of_workbook(path: Path, known: frozenset[str]) -> Iterator[str]:
    """Numbers of a workbook's cells, typed or written."""
    values = {round(float(token.replace(",", "").replace("\u2212", "-")), 10) for token in known if re.fullmatch(r"[\d.,]*\d", token)}
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if SHEETS.fullmatch(part):
                text = archive.read(part).decode("utf-8")
                yield from (number for number in typed(text) if not is_known(number, values))
                for pair in WRITTEN.findall(text):
                    yield from unknown(html.unescape(re.sub(r"<[^>]*>", "", "".join(pair))), known)


def typed(text: str) -> Iterable[str]:
    """Numbers that cells hold as numbers."""
    return ("".join(pair) for pair in TYPED.findall(text) if "".join(pair).strip())


def is_known(number: str, values: set[float]) -> bool:
    """Whether a cell's number is one of the report's, as it is or as a share of one."""
    value = abs(float(number))
    return round(value, 10) in values or round(100 * value, 10) in values
