"""What several pages of a report are put together from: a chart with its words and its table, texts that may be empty, notes on symbols."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.disclosure.release import ReportContent
from evaluation.reporting.blocks import Figure, Paragraph, Table
from evaluation.reporting.canvas import Drawing
from evaluation.reporting.words import SYMBOLS, capital, sentence


def figure_of(
    content: ReportContent, id: str, title: str, subtitle: str, drawn: Drawing, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> Figure:
    study = content.study
    source = sentence("Source: " + (study.source_line or study.sources[0] if study.sources else study.title))
    return Figure(
        id=id,
        title=title,
        subtitle=subtitle,
        alt=drawn.alt,
        source=f"Simulated data. {source}" if study.simulated else source,
        svg=drawn.svg,
        data=Table(id=id.replace("fig-", "data-", 1), title=title, columns=columns, rows=rows),
    )


def told(*pairs: tuple[str, str]) -> list[Paragraph]:
    """Paragraphs of the texts that there are."""
    return [Paragraph(lead=lead, text=text) for lead, text in pairs if text]


def together(content: ReportContent) -> str:
    """Says that a chart is of the whole study, where the report is one council's."""
    return "" if content.council.code == "all" else "; all places of the study together"


def symbols_used(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    used = [f"{symbol} {meaning}" for symbol, meaning in SYMBOLS if any(symbol in cell for row in rows for cell in row)]
    return (capital("; ".join(used)) + ".",) if used else ()
