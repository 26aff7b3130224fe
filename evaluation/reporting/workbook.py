"""The tables of a report as worksheets of plain cells: cover, contents, notes, then one table a sheet, by the Analysis Function's layout.

From the report's content and its blocks, so that the spreadsheet holds what the report holds, under the same numbers. How cells become
files is in `spreadsheet.py`.

References
----------
Government Analysis Function, Releasing statistics in spreadsheets: cover, contents and notes; title in A1, one table a sheet, no merged or blank
cells, symbols [c], [x], [z], [low].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.disclosure.release import ReportContent
from evaluation.reporting.blocks import Block, Figure, Table, numbering, referenced
from evaluation.reporting.words import HARD_SPACE, SYMBOLS, capital, date_in_words, sentence

SIMULATED = "SIMULATED DATA: no real families"
NOTHING = "[z]"  # stands where a report's table leaves a cell empty
_NUMBER = r"[+\u2212-]?\u00a3?\d[\d,]*(?:\.\d+)?%?"
NUMBER = re.compile(f"^{_NUMBER}$")
INTERVAL = re.compile(rf"^({_NUMBER}) \(({_NUMBER}) to ({_NUMBER})\)$")
RANGE = re.compile(rf"^({_NUMBER}) (?:to|and) ({_NUMBER})$")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a text that begins so would be worked out by a spreadsheet, at the latest from CSV


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        What is seen; a text that a spreadsheet would take for a formula begins with an apostrophe.
    value : float or None
        The number, None for a text.
    digits : int
        Decimals that are shown.
    grouped : bool
        Whether thousands are separated.
    before, after : str
        What stands around the number: a pound sign, a per cent sign (the value is then in per cent).
    link : str
        Name of the sheet to which the cell leads; '' for none.
    """

    text: str
    value: float | None = None
    digits: int = 0
    grouped: bool = False
    before: str = ""
    after: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One worksheet: lines of text from A1 down, then one table under its header row.

    Attributes
    ----------
    name : str
        Letters, digits and underscores.
    lines : tuple of Cell
        Column A; the first is the title.
    header : tuple of str
        Unique names of the columns; empty for a sheet without a table.
    rows : tuple of tuple of Cell
    """

    name: str
    lines: tuple[Cell, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """Sheets in order, and what the file says about itself."""

    title: str
    subject: str
    sheets: tuple[Sheet, ...]


def workbook(content: ReportContent, blocks: Sequence[Block]) -> Workbook:
    """The workbook of one report.

    Parameters
    ----------
    content : ReportContent
        For cover and notes.
    blocks : sequence of Block
        The report's, in order: every table, and the table behind every figure, becomes a sheet.
    """
    numbers = numbering(tuple(blocks))
    tables = tuple(_table_sheet(content, block, numbers) for block in blocks if isinstance(block, Table | Figure))
    about = f"{content.council.name}: {content.study.title}"
    return Workbook(
        title=about + (f" ({SIMULATED})" if content.study.simulated else ""),
        subject=content.study.question,
        sheets=(_cover(content, about), _contents(content, tables), _notes(content), *tables),
    )


def cell(text: str) -> Cell:
    """A cell from a printed text: a number where it is one, else the text.

    Examples
    --------
    >>> cell("−1,234.50").value, cell("−1,234.50").digits, cell("45%").after, cell("[c]").value
    (-1234.5, 2, '%', None)
    >>> cell("=1+1").text
    "'=1+1"
    """
    text = text.replace(HARD_SPACE, " ").strip()
    if NUMBER.match(text):
        bare = text.replace("\u2212", "-").strip("+%").replace("\u00a3", "").replace(",", "")
        return Cell(
            text=text,
            value=float(bare) + 0.0,
            digits=len(bare.partition(".")[2]),
            grouped="," in text,
            before="\u00a3" if "\u00a3" in text else "",
            after="%" if text.endswith("%") else "",
        )
    return Cell(text=plain(text))


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula, also once it is saved as CSV; a marker for none."""
    text = text.replace(HARD_SPACE, " ").strip()
    if not text:
        return NOTHING
    return f"'{text}" if text.startswith(FORMULA) else text


def columns_of(name: str, cells: Sequence[str]) -> list[tuple[str, list[Cell]]]:
    """A column of a report as columns of a spreadsheet: intervals become numbers in columns of their own.

    Examples
    --------
    >>> [(name, cells[0].value) for name, cells in columns_of("Effect (95% interval)", ["−0.3 (−1.0 to 0.4)"])]
    [('Effect', -0.3), ('Effect: lower end of 95% interval', -1.0), ('Effect: upper end of 95% interval', 0.4)]
    """
    texts = [text.replace(HARD_SPACE, " ").strip() for text in cells]
    symbols = {symbol for symbol, _ in SYMBOLS} | {""}
    base = re.sub(r"\s*\(95% interval\)$", "", name)
    for pattern, names, lone in (
        (INTERVAL, (base, f"{base}: lower end of 95% interval", f"{base}: upper end of 95% interval"), lambda text: (text, NOTHING, NOTHING)),
        (RANGE, (f"{name}: lower end", f"{name}: upper end"), None),
    ):
        found = [pattern.match(text) for text in texts]
        rest = [text for text, one in zip(texts, found, strict=True) if not one and text not in symbols]
        if any(found) and (not rest or (lone and all(NUMBER.match(text) for text in rest))):
            parts = [
                one.groups() if one else lone(text) if lone and NUMBER.match(text) else (text,) * len(names)
                for text, one in zip(texts, found, strict=True)
            ]
            return [(name, [cell(part[j]) for part in parts]) for j, name in enumerate(names)]
    return [(name, [cell(text) for text in texts])]


def _table_sheet(content: ReportContent, block: Table | Figure, numbers: dict[str, str]) -> Sheet:
    table, figure = (block.data, block) if isinstance(block, Figure) else (block, None)
    heads, *cells = table.columns, *table.rows
    made = [(plain(heads[0]), [Cell(text=plain(row[0])) for row in cells])]  # the first cell of each row is its name, never a number
    for j in range(1, len(heads)):
        made += columns_of(heads[j], [row[j] for row in cells])
    used = [f"{symbol} {meaning}" for symbol, meaning in SYMBOLS if any(one.text == symbol for _, column in made for one in column)]
    title = f"{numbers[block.id]}: {block.title}"
    lines = [
        title,
        SIMULATED if content.study.simulated else "",
        f"Data behind the chart. {sentence(figure.subtitle)}" if figure else "",
        figure.source if figure else "",
        *("".join(words for words, _ in referenced(note, numbers)) for note in table.notes),
        f"Symbols: {'; '.join(used)}." if used and not any("[" in note for note in table.notes) else "",
        "This worksheet contains one table.",
    ]
    return Sheet(
        name=numbers[block.id].replace(" ", "_"),
        lines=tuple(Cell(text=plain(line)) for line in lines if line),
        header=_unique([name for name, _ in made]),
        rows=tuple(zip(*(column for _, column in made), strict=True)),
    )


def _cover(content: ReportContent, about: str) -> Sheet:
    study = content.study
    lines = (
        about,
        SIMULATED if study.simulated else "",
        study.question,
        f"{date_in_words(study.date)}. Reference {sentence(study.reference)}",
        content.summary.headline,
        f"Strength of evidence: {content.strength.score} out of 5, {content.strength.label}.",
        "This workbook holds every table of the report, and the data behind every chart, under the report's own numbers.",
        "The web page and the PDF of the same name say what the numbers mean; read them with the notes.",
    )
    return Sheet(name="Cover", lines=tuple(Cell(text=plain(line)) for line in lines if line))


def _contents(content: ReportContent, tables: Sequence[Sheet]) -> Sheet:
    notes = ("Notes", "Symbols, what the numbers are, sources and methods")
    rows = [notes, *((table.name, table.lines[0].text) for table in tables)]
    return Sheet(
        name="Contents",
        lines=_head(content, "Contents"),
        header=("Worksheet", "Title"),
        rows=tuple((Cell(text=name, link=name), Cell(text=title)) for name, title in rows),
    )


def _notes(content: ReportContent) -> Sheet:
    study, many = content.study, content.study.unit_plural
    rows = [
        *((f"Symbol {symbol}", capital(meaning)) for symbol, meaning in SYMBOLS),
        ("Before and after change", f"How the {many} in the programme changed. It says nothing about why."),
        ("Payment by results", "Results claimed under the programme's rules. It is not an effect."),
        ("Effect", f"The change compared with similar {many} outside the programme, with its 95% interval."),
        ("Disclosure control", study.disclosure_rule),
        *(("Source", source) for source in study.sources),
        *(("Caveat", caveat) for caveat in content.summary.caveats),
        *(("Warning", warned.sentence) for warned in content.warnings),
        *(("Limit", limit) for limit in content.limits),
        *((f"Method: {heading[:1].lower()}{heading[1:]}", text) for heading, text in content.methods),
        ("Hash of the plan", study.plan_hash),
        ("Hash of the analysis", study.analysis_hash),
        ("Seed", f"{study.seed}"),
        ("Software", ", ".join(f"{name} {version}" for name, version in study.versions)),
    ]
    return Sheet(
        name="Notes",
        lines=_head(content, "Notes"),
        header=("Subject", "Note"),
        rows=tuple(tuple(Cell(text=plain(text)) for text in row) for row in rows),
    )


def _head(content: ReportContent, title: str) -> tuple[Cell, ...]:
    lines = (title, SIMULATED if content.study.simulated else "", "This worksheet contains one table.")
    return tuple(Cell(text=line) for line in lines if line)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, a number behind those that come again: a table marked as one needs different names."""
    seen: dict[str, int] = {}
    found = []
    for name in map(plain, names):
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)
