"""Blocks: what a report is made of. Each shows as accessible HTML in a notebook and carries a JSON copy of itself.

The exporters read only that copy, so HTML and PDF cannot disagree, and whatever is not a block never reaches a council.
Which blocks a report has is decided in `council.py`; how a page looks, in `html.py` and `typst_source.py`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar

from evaluation.errors import ReportError
from evaluation.reporting.brand import HOUSE

MIME = "application/vnd.evaluation.block+json"
SHORTEST_ALT = 40
UNNUMBERED: Mapping[str, str] = MappingProxyType({})
REFERENCE = re.compile(r"@((?:fig|tab|sec)-[\w-]*\w)")
NUMBER = re.compile(r"^[\[(]?[+\-\u2212]?\u2060?\u00a3?[\d.,]+%?([\s\u00a0].*)?$|^\[(c|x|z|low)\]$")


def escaped(text: str) -> str:
    """Text as HTML text or attribute value."""
    return html.escape(text, quote=True)


def slug(text: str) -> str:
    """A name as part of an id: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def referenced(text: str, numbers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pieces of a text as (words, id): id is '' for plain words; a reference (`@fig-balance`) becomes its number ('Figure 3')."""
    at = 0
    for found in REFERENCE.finditer(text):
        if found[1] in numbers:
            yield text[at : found.start()], ""
            yield numbers[found[1]], found[1]
            at = found.end()
    yield text[at:], ""


def inline(text: str, numbers: Mapping[str, str]) -> str:
    """Text as HTML, references as links."""
    return "".join(f'<a href="#{key}">{escaped(words)}</a>' if key else escaped(words) for words, key in referenced(text, numbers))


def titled(key: str, title: str, numbers: Mapping[str, str]) -> str:
    """A title as HTML, with its number when it has one."""
    number = f'<span class="number">{numbers[key]}.</span> ' if key in numbers else ""
    return number + escaped(title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a notebook cell shows and the exporters read."""

    kind: ClassVar[str] = ""

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        """HTML fragment; `numbers` maps ids to 'Figure 3', 'Table 1'."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Plain copy, from which `from_json` makes an equal block."""
        return {"kind": self.kind} | {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {MIME: [self.to_json()], "text/html": self.html(), "text/plain": f"[{self.kind}]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover(Block):
    """The band of the first page, and what the files say about themselves.

    Attributes
    ----------
    stem : str
        File name without its ending.
    date : str
        ISO date of the study.
    simulated : bool
        Every page then says so.
    colour : str
        Of the band and the numbers, as the council has it; darkened where it could not be read.
    """

    kind: ClassVar[str] = "cover"
    title: str
    council: str
    question: str
    date: str
    reference: str
    stem: str
    simulated: bool
    colour: str = HOUSE

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return f'<h1>{escaped(self.title)}: {escaped(self.council)}</h1><p class="lede">{escaped(self.question)}</p>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading(Block):
    """A heading of level 2 (section) or 3."""

    kind: ClassVar[str] = "heading"
    text: str
    id: str
    level: int = 2
    last_part: bool = False     # begins the part of the PDF whose spacing fills the last page

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return f'<h{self.level} id="{self.id}">{escaped(self.text)}</h{self.level}>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph(Block):
    """A paragraph; `lead` is set bold before it."""

    kind: ClassVar[str] = "paragraph"
    text: str
    lead: str = ""

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        lead = f"<strong>{escaped(self.lead)}</strong> " if self.lead else ""
        return f"<p>{lead}{inline(self.text, numbers)}</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets(Block):
    """A list without order."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return "<ul>" + "".join(f"<li>{inline(item, numbers)}</li>" for item in self.items) + "</ul>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions(Block):
    """Terms and what they mean."""

    kind: ClassVar[str] = "definitions"
    items: tuple[tuple[str, str], ...]

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return "<dl>" + "".join(f"<dt>{escaped(term)}</dt><dd>{inline(text, numbers)}</dd>" for term, text in self.items) + "</dl>"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFindings(Block):
    """The headline and the findings under it."""

    kind: ClassVar[str] = "key_findings"
    headline: str
    items: tuple[str, ...]

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        items = "".join(f"<li>{inline(item, numbers)}</li>" for item in self.items)
        return f'<div class="key"><p class="headline">{escaped(self.headline)}</p>' + (f"<ul>{items}</ul>" if items else "") + "</div>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout(Block):
    """A boxed note that must not be read past."""

    kind: ClassVar[str] = "callout"
    title: str
    text: str

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return f'<div class="callout"><p><strong>{escaped(self.title)}</strong> {inline(self.text, numbers)}</p></div>'


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff(Block):
    """Lines to be filled in by whoever releases the report."""

    kind: ClassVar[str] = "sign_off"
    lines: tuple[str, ...]

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return '<div class="signoff">' + "".join(f"<p>{escaped(line)}: <span>not yet filled in</span></p>" for line in self.lines) + "</div>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents(Block):
    """Where the list of contents stands in print; the HTML has it in its navigation."""

    kind: ClassVar[str] = "contents"

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Block):
    """A table without merged cells; the first cell of each row is the row's header.

    Raises
    ------
    ReportError
        Rows and columns do not fit together, or the title is missing.
    """

    kind: ClassVar[str] = "table"
    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = sum(len(row) != len(self.columns) for row in self.rows)
        if wrong or not self.title or not self.columns or not all(self.columns):
            raise ReportError(
                f"Table {self.id} must have a title, a name for each of its {len(self.columns)} columns and rows of that length: "
                f"{wrong} rows are not. Mend the table where the release is made."
            )

    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers (or symbols in their place); such columns are set flush right."""
        return (False, *(_numeric([row[j] for row in self.rows]) for j in range(1, len(self.columns))))

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        caption = titled(self.id, self.title, numbers)
        notes = "".join(f"<p>{inline(note, numbers)}</p>" for note in self.notes)
        return self.grid(caption) + (f'<div class="notes">{notes}</div>' if notes else "")

    def grid(self, caption: str) -> str:
        """The table alone, in a region that scrolls sideways on a narrow screen; `caption` is HTML."""
        align = ["" if number else ' class="text"' for number in self.numeric()]
        head = "".join(f'<th scope="col"{a}>{escaped(column)}</th>' for column, a in zip(self.columns, align, strict=True))
        body = "".join(
            f'<tr><th scope="row" class="text">{escaped(row[0])}</th>'
            + "".join(f"<td{a}>{escaped(cell)}</td>" for cell, a in zip(row[1:], align[1:], strict=True))
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="scroll" role="region" aria-labelledby="{self.id}-caption" tabindex="0"><table id="{self.id}">'
            f'<caption id="{self.id}-caption">{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Block):
    """A chart as SVG with its words: title (the finding), subtitle (what is measured), alternative text, source, and the data behind it.

    Raises
    ------
    ReportError
        The alternative text is too short to say what the chart shows, or holds no number.
    """

    kind: ClassVar[str] = "figure"
    id: str
    title: str
    subtitle: str
    alt: str
    source: str
    svg: str
    data: Table

    def __post_init__(self) -> None:
        if len(self.alt) < SHORTEST_ALT or not re.search(r"\d", self.alt):
            raise ReportError(
                f"Figure {self.id} must have an alternative text of {SHORTEST_ALT} characters or more that holds a number from its data: "
                f"it has {len(self.alt)} characters. Mend it in evaluation/reporting/figures.py."
            )
        if not self.title:
            raise ReportError(f"Figure {self.id} must have a title. Mend it where the release is made.")

    def html(self, numbers: Mapping[str, str] = UNNUMBERED) -> str:
        label = escaped(self.alt)
        svg = self.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
        of = numbers.get(self.id, "the chart")
        return (
            f'<figure id="{self.id}"><figcaption id="{self.id}-caption">{titled(self.id, self.title, numbers)}'
            f'<span class="sub">{escaped(self.subtitle)}</span></figcaption>'
            f'<div class="scroll chart" role="region" aria-labelledby="{self.id}-caption" tabindex="0">{svg}</div>'
            f'<p class="source">{escaped(self.source)}</p>'
            f"<details><summary>Data behind {of}</summary>{self.data.grid(f'Data behind {of}: {escaped(self.data.title)}')}</details></figure>"
        )


KINDS: Mapping[str, type[Block]] = {
    block.kind: block for block in (Cover, Heading, Paragraph, Bullets, Definitions, KeyFindings, Callout, SignOff, Contents, Table, Figure)
}


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks shown by one notebook cell."""

    blocks: tuple[Block, ...] = field(default=())

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {
            MIME: [block.to_json() for block in self],
            "text/html": "\n".join(block.html() for block in self) or "<p>Nothing to show.</p>",
            "text/plain": " ".join(f"[{block.kind}]" for block in self),
        }


def from_json(plain: Mapping[str, Any]) -> Block:
    """The block of which `plain` is the JSON copy."""
    if plain.get("kind") not in KINDS:
        raise ReportError(
            f"A block must be one of {sorted(KINDS)}: {plain.get('kind')!r} is not. Make the notebook's cells with evaluation.reporting.council."
        )
    return KINDS[plain["kind"]](**{name: _frozen(value) for name, value in plain.items() if name != "kind"})


def blocks_of(notebook: Mapping[str, Any]) -> tuple[Block, ...]:
    """Blocks of an executed notebook, in order; everything else that it shows is left behind."""
    return tuple(
        from_json(plain) for cell in notebook["cells"] for output in cell.get("outputs", ()) for plain in output.get("data", {}).get(MIME, ())
    )


def numbering(blocks: tuple[Block, ...]) -> dict[str, str]:
    """Numbers of figures and tables by id, in order of appearance; sections by their heading."""
    words: dict[str, Callable[[int], str]] = {"figure": lambda n: f"Figure {n}", "table": lambda n: f"Table {n}"}
    numbers, count = {}, dict.fromkeys(words, 0)
    for block in blocks:
        if block.kind in words:
            count[block.kind] += 1
            numbers[block.id] = words[block.kind](count[block.kind])
        elif isinstance(block, Heading):
            numbers[block.id] = block.text
    return numbers


def _plain(value: Any) -> Any:
    if isinstance(value, Block):
        return value.to_json()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return from_json(value)
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _numeric(cells: list[str]) -> bool:
    told = [cell for cell in cells if cell]
    return bool(told) and sum(bool(NUMBER.match(cell)) and len(cell) < 40 for cell in told) > len(told) / 2
