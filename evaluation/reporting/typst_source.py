"""Blocks to Typst source.

Every string goes into the source as a string literal in code mode, so that no text of a release can be read as Typst.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, singledispatch

from evaluation.errors import ReportError
from evaluation.reporting.blocks import (
    Block,
    Bullets,
    Callout,
    Contents,
    Cover,
    Definitions,
    Figure,
    Heading,
    KeyFindings,
    Paragraph,
    SignOff,
    Table,
    numbering,
    referenced,
)
from evaluation.reporting.brand import legible
from evaluation.reporting.fonts import FAMILY, text_width
from evaluation.reporting.html import SIMULATED, cover_of
from evaluation.reporting.words import date_in_words

TEXT_WIDTH = 482.0  # points between the margins of the page
CELL_INSET = 5.0  # points, left and right of a cell's text
TABLE_SIZE = 10.0  # points
LINE, ROW = 12.0, 9.0  # points: a line of a table, and what stands above and below the lines of a row
WHOLE = 200.0  # points: a table up to so high is kept on one page

LAYOUT = r"""
#let brand = rgb(%(brand)s); #let ink = rgb("#0b0c0c"); #let muted = rgb("#505a5f"); #let soft = rgb("#f3f2f1")
#let rule = rgb("#b1b4b6"); #let warn = rgb("#801650")
#set document(title: %(title)s, description: %(description)s, keywords: (%(keywords)s,),
  date: datetime(year: %(year)d, month: %(month)d, day: %(day)d))
#set text(font: %(font)s, size: 12pt, lang: "en", region: "GB", fill: ink)
#set par(justify: false)
#set page(paper: "a4", margin: (x: 20mm, top: 24mm, bottom: 17mm), header-ascent: 5mm, footer-descent: 4mm,
  header: context { if counter(page).get().first() > 1 { set text(size: 10pt, fill: muted); %(banner)s
    grid(columns: (1fr, auto), column-gutter: 8mm, [#%(short)s], [#%(council)s]) } },
  footer: context { set text(size: 10pt, fill: muted); [#%(reference)s #h(1fr) Page #counter(page).display() of #counter(page).final().first()] })
#set list(indent: 2pt, body-indent: 6pt)
#show heading: set block(sticky: true)
#show heading.where(level: 1): set text(size: 19pt)
#show heading.where(level: 2): set text(size: 14pt)
#show link: set text(fill: rgb("#1a5a9a"))
#set figure(gap: 0.6em)
#set figure.caption(position: top)
#show figure.where(kind: table): set block(breakable: true)
#show figure.caption: it => block(width: 100%%, sticky: true, align(left, text(weight: "bold")[
  #text(fill: brand)[#it.supplement #context it.counter.display(it.numbering).] #it.body]))
#set table(stroke: (x, y) => (bottom: 0.6pt + rule), fill: (x, y) => if y == 0 { soft })
#show table: set text(size: %(table)gpt, number-width: "tabular", hyphenate: false)
#show table: set par(leading: 0.45em)
#show table.cell.where(y: 0): set text(weight: "bold")
#set table.cell(breakable: false)
#let note(body) = block(above: 0.4em, below: 0.5em, text(size: 10pt, fill: muted, body))
#let fitted(body) = context {
  let room = 280mm - here().position().y
  let size = (12pt, 11.5pt, 11pt, 10.5pt, 10pt).find(size => measure({ set text(size: size); body }, width: 170mm).height <= room)
  set text(size: if size == none { 10pt } else { size })
  body
}
#let contents = context {
  let chapters = heading.where(level: 1, outlined: true)
  let all = query(chapters)
  let half = all.at(calc.ceil(all.len() / 2), default: all.last()).location()
  grid(columns: (1fr, 1fr), column-gutter: 10mm,
    outline(title: none, target: selector(chapters).before(half, inclusive: false)), outline(title: none, target: selector(chapters).after(half)))
}
#let boxed(body, ..more) = block(width: 100%%, above: 0.7em, below: 0.7em, inset: (x: 12pt, y: 6pt), ..more, body)
"""

AIRY = r"""
#let air = %(air).3f
#set par(leading: (0.3em + air * 0.2em), spacing: (0.28em + air * 0.3em))
#set list(spacing: (0.25em + air * 0.3em))
#set table(inset: (x: %(inset)gpt, y: air * 4.5pt))
#show heading: set block(above: air * 1.1em, below: 0.55em)
"""
AT, END = "#metadata(none) <at>\n", "#metadata(none) <end>"  # marks where a block begins, and where its last line or frame stands
PLACES = """#let asked = %s
#place(context if asked {
  for it in query(selector.or(<at>, <end>)) {
    let at = it.location().position()
    link(str(it.label) + ":" + str(at.page) + ":" + str(at.y / 1mm), box(width: 1pt, height: 1pt))
  }
})
"""


def source(
    blocks: Sequence[Block],
    *,
    told: Mapping[Block, str] | None = None,
    air: float = 1.0,
    last_air: float = 1.0,
    apart: bool = True,
    with_places: bool = False,
) -> str:
    """The report as Typst source; what stands before the contents is in the largest type in which it fits a page.

    Parameters
    ----------
    told : mapping of Block to str, optional
        The source of each block, where it is known.
    air, last_air : float
        Times the usual space between rows, charts and headings; `last_air` from the heading on that begins the report's last part.
    apart : bool
        Whether page one stands alone; else the contents follow on it.
    with_places : bool
        Whether the first page tells where blocks begin. One word of the source differs, so that Typst sets little anew.
    """
    numbers = numbering(tuple(blocks))
    told = {block: typst_of(block, numbers) for block in blocks} if told is None else told
    first = next((i for i, block in enumerate(blocks) if block.kind == Contents.kind), 0)
    last = next((block for block in blocks if isinstance(block, Heading) and block.last_part), None)
    banner, page_one, rest = (
        "\n".join((airy(last_air) if block is last else "") + AT + told[block] for block in part)
        for part in (blocks[:1], blocks[1 : max(first, 1)], blocks[max(first, 1) :])
    )
    begin = _layout(cover_of(blocks)) + airy(air) + PLACES % str(with_places).lower() + banner
    return "\n".join([begin, f"#fitted[\n{page_one}]" if page_one else "", ("#pagebreak()\n" if page_one and apart else "") + rest])


def airy(air: float) -> str:
    """Typst source that sets how much space stands between lines, rows, charts and headings from here on."""
    return AIRY % {"air": air, "inset": CELL_INSET}


@lru_cache(maxsize=128)
def column_widths(table: Table) -> list[float]:
    """Shares of the page for each column: every longest word fits, the rest goes where text is long.

    Returns
    -------
    list of float
        Points; they add up to the width of the page.
    """
    cells = [[(name, 700)] + [(row[j], 400) for row in table.rows] for j, name in enumerate(table.columns)]
    least = [
        max(text_width(word, TABLE_SIZE, weight) for text, weight in column for word in text.split(" ") or [""]) + 2 * CELL_INSET + 1
        for column in cells
    ]
    wish = [
        max(text_width(text, TABLE_SIZE, weight) * (1.0 if weight == 400 else 0.4) for text, weight in column) + 2 * CELL_INSET + 1
        for column in cells
    ]
    spare = TEXT_WIDTH - sum(least)
    if spare <= 0:
        return [TEXT_WIDTH * width / sum(least) for width in least]
    more = [max(want - width, 0.0) for want, width in zip(wish, least, strict=True)]
    if sum(more) <= spare:
        rest = (spare - sum(more)) / len(least)
        return [width + add + rest for width, add in zip(least, more, strict=True)]
    damped = [add**0.75 for add in more]
    return [width + spare * add / sum(damped) for width, add in zip(least, damped, strict=True)]


def height(table: Table) -> float:
    """About how high a table is, in points: its lines, as words fill the columns, and its notes."""
    widths = [width - 2 * CELL_INSET for width in column_widths(table)]
    lines = (max(math.ceil(text_width(cell, TABLE_SIZE) / width) for cell, width in zip(row, widths, strict=True)) for row in table.rows)
    notes = sum(math.ceil(text_width(note, TABLE_SIZE) / TEXT_WIDTH) for note in table.notes)
    return sum(LINE * max(n, 1) + ROW for n in lines) + LINE * notes + 2 * (LINE + ROW)


def kept_whole(block: Block) -> bool:
    """Whether a block is not broken over pages."""
    return isinstance(block, Figure) or (isinstance(block, Table) and height(block) <= WHOLE)


# ---- blocks to Typst -----------------------------------------------------------------------------------------------------------------------------


@singledispatch
def typst_of(block: Block, numbers: Mapping[str, str]) -> str:
    """Typst source of one block."""
    raise ReportError(f"A block of kind {block.kind!r} has no place in the PDF. Add it to evaluation/reporting/typst_source.py.")


@typst_of.register
def _(block: Cover, numbers: Mapping[str, str]) -> str:
    banner = f'#block(below: 9pt, text(size: 12pt, weight: "bold")[{SIMULATED}: no real families])\n' if block.simulated else ""
    return (
        f"#v(-11mm)\n#block(width: 100%, fill: {'warn' if block.simulated else 'brand'}, "
        "inset: (bottom: 3mm), outset: (x: 20mm, top: 24mm), above: 0pt, below: 0pt)[\n"
        f"#set text(fill: white); #set par(leading: 0.45em)\n{banner}"
        '#show title: set text(size: 20pt, weight: "bold"); #show title: set block(above: 0pt, below: 8pt)\n'
        "#title()\n"
        f"#{_q(date_in_words(block.date))} #h(1fr) Reference #{_q(block.reference)}]\n#v(-1mm)\n"
    )


@typst_of.register
def _(block: Heading, numbers: Mapping[str, str]) -> str:
    return f"#heading(level: {block.level - 1})[#{_q(block.text)}] <{block.id}>\n"


@typst_of.register
def _(block: Paragraph, numbers: Mapping[str, str]) -> str:
    lead = f"#strong[#{_q(block.lead)}] " if block.lead else ""
    return f"#par[{lead}{_inline(block.text, numbers)}{END}]\n"


@typst_of.register
def _(block: Bullets, numbers: Mapping[str, str]) -> str:
    return f"#list({_items(block.items, numbers, END)})\n"


@typst_of.register
def _(block: Definitions, numbers: Mapping[str, str]) -> str:
    ends = [*[""] * (len(block.items) - 1), END]
    items = ", ".join(f"terms.item([#{_q(term)}], [{_inline(text, numbers)}{end}])" for (term, text), end in zip(block.items, ends, strict=True))
    return f"#terms(separator: [: ], hanging-indent: 12pt, {items})\n"


@typst_of.register
def _(block: KeyFindings, numbers: Mapping[str, str]) -> str:
    items = f"\n#list({_items(block.items, numbers)})" if block.items else ""
    return f'#boxed(fill: soft, stroke: (left: 5pt + brand))[#par[#text(size: 13pt, weight: "bold")[#{_q(block.headline)}]]{items}\n{END}]\n'


@typst_of.register
def _(block: Callout, numbers: Mapping[str, str]) -> str:
    return f"#boxed(stroke: 2pt + warn)[#strong[#{_q(block.title)}] {_inline(block.text, numbers)}{END}]\n"


@typst_of.register
def _(block: SignOff, numbers: Mapping[str, str]) -> str:
    lines = ", ".join(f"[#{_q(line)}: #box(width: 1fr, stroke: (bottom: 0.6pt + muted))]" for line in block.lines)
    box = "width: 100%, breakable: false, above: 0.7em, stroke: 0.8pt + muted, inset: 6pt"
    return f"#block({box})[#grid(columns: (1.4fr, 1fr, 1fr), column-gutter: 12pt, {lines})\n{END}]\n"


@typst_of.register
def _(block: Contents, numbers: Mapping[str, str]) -> str:
    return "#heading(level: 1, outlined: false)[Contents]\n#contents\n"


@typst_of.register
def _(block: Table, numbers: Mapping[str, str]) -> str:
    columns = ", ".join(f"{width:.1f}fr" for width in column_widths(block))
    align = ", ".join("right" if number else "left" for number in block.numeric())
    head = ", ".join(
        f"table.cell(align: {'right' if number else 'left'} + bottom)[#{_q(column)}]"
        for column, number in zip(block.columns, block.numeric(), strict=True)
    )
    rows = ",\n".join(", ".join(f"[#{_q(cell)}]" for cell in row) for row in block.rows)
    grid = f"table(columns: ({columns},), align: ({align},), table.header({head}),\n{rows})"
    made = f"#figure(kind: table, caption: [#{_q(block.title)}], {grid}) <{block.id}>"
    whole = "\n".join([made, *(f"#note[{_inline(note, numbers)}]" for note in block.notes), END])
    return f"#block(breakable: {'false' if kept_whole(block) else 'true'}, above: air * 0.9em, below: air * 0.9em)[{whole}]\n"


@typst_of.register
def _(block: Figure, numbers: Mapping[str, str]) -> str:
    alt = _q(block.alt)
    image = f'image(bytes({_q(block.svg)}), format: "svg", width: 100%, alt: {alt})'
    return (
        f"#block(breakable: false, above: air * 1.2em, below: air * 1.2em)[#figure(kind: image, alt: {alt}, caption: [#{_q(block.title)} "
        f'#linebreak()#text(size: 11pt, weight: "regular", fill: muted)[#{_q(block.subtitle)}]], {image}) <{block.id}>\n'
        f"#note[#{_q(block.source)}]\n{END}]\n"
    )


# ---- parts ---------------------------------------------------------------------------------------------------------------------------------------


def _layout(cover: Cover) -> str:
    year, month, day = map(int, cover.date.split("-"))
    title = f"{cover.title}: {cover.council}" + (f" ({SIMULATED.lower()})" if cover.simulated else "")
    banner = (
        f'block(width: 100%, fill: warn, inset: 3pt, below: 6pt, align(center, text(fill: white, weight: "bold")[{SIMULATED}]));'
        if cover.simulated
        else ""
    )
    return LAYOUT % {
        "brand": _q(legible(cover.colour)),
        "title": _q(title),
        "description": _q(cover.question),
        "keywords": f"{_q('evaluation')}, {_q(cover.council)}",
        "year": year,
        "month": month,
        "day": day,
        "font": _q(FAMILY),
        "banner": banner,
        "short": _q(cover.title),
        "council": _q(cover.council),
        "reference": _q(cover.reference),
        "table": TABLE_SIZE,
    }


def _q(text: str) -> str:
    """A Typst string literal: JSON's escapes are Typst's once control characters are gone."""
    return json.dumps(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text), ensure_ascii=False)


def _items(items: Sequence[str], numbers: Mapping[str, str], end: str = "") -> str:
    return ", ".join(f"[{_inline(item, numbers)}{end if n == len(items) else ''}]" for n, item in enumerate(items, start=1))


def _inline(text: str, numbers: Mapping[str, str]) -> str:
    return "".join(f"#link(<{key}>)[#{_q(words)}];" if key else f"#{_q(words)};" for words, key in referenced(text, numbers) if words)
