"""The section on value for money: from the release to blocks. Nothing is computed here."""

from __future__ import annotations

from dataclasses import replace

from evaluation.disclosure.release import ReportContent, TableContent, ValueForMoney
from evaluation.reporting import value_figures
from evaluation.reporting.blocks import Block, Bullets, Figure, Heading, Paragraph, Section, Table
from evaluation.reporting.page_parts import figure_of
from evaluation.reporting.words import in_words, interval_in_words


def value_for_money(content: ReportContent) -> Section:
    """All of the section; empty where the plan does not ask for it."""
    value = content.value
    if value is None:
        return Section()
    heading = Heading(text="Value for money", id="sec-value")
    if value.status != "shown":
        return Section((heading, Paragraph(text=value.sentence)))
    blocks: list[Block] = [
        heading,
        Paragraph(lead=f"{value.title}.", text=value.sentence),
        *_tables(value.lenses),
        Bullets(items=value.findings),
        who_gains(content, value),
        *_tables(value.outcomes, value.contrast),
        *([hangs_on(content, value)] if value.swings else []),
        *_tables(value.assumptions),
        Heading(text="Where the prices come from", id="sec-prices", level=3),
        Bullets(items=value.sources),
    ]
    return Section(tuple(blocks))


def who_gains(content: ReportContent, value: ValueForMoney) -> Figure:
    """Who pays and who gains, with the data behind it; fees where there are any."""
    fees = any(line.fees.value for line in value.agencies)
    figure = figure_of(
        content,
        "fig-value-agencies",
        value.agencies_title,
        f"Who pays and who gains: benefits and cost by agency, {value.price_year} prices",
        value_figures.who_gains(value.agencies),
        ("Agency", "Level", "Gains (95% range)", "Pays", *(("Fees",) if fees else ()), "Net"),
        tuple(
            (
                line.label,
                line.level,
                interval_in_words(line.gains),
                in_words(line.pays),
                *((in_words(line.fees),) if fees else ()),
                in_words(line.net),
            )
            for line in value.agencies
        ),
    )
    return _priced(content, value, figure)


def hangs_on(content: ReportContent, value: ValueForMoney) -> Figure:
    """How far each assumption moves the result."""
    figure = figure_of(
        content,
        "fig-value-tornado",
        f"What the net value hangs on most: {value.swings[0].label[:1].lower() + value.swings[0].label[1:]}",
        f"Net value to the public purse at the low and the high end of each assumption, the others as they are, {value.price_year} prices",
        value_figures.tornado(value.swings, value.net.estimate),
        ("Assumption", "Low end", "Net value there", "High end", "Net value there (high)"),
        tuple((line.label, line.low, in_words(line.at_low), line.high, in_words(line.at_high)) for line in value.swings),
    )
    return _priced(content, value, figure)


def _tables(*contents: TableContent | None) -> list[Table]:
    return [
        Table(id=f"tab-{content.id}", title=content.title, columns=content.columns, rows=content.rows, notes=content.notes)
        for content in contents
        if content is not None
    ]


def _priced(content: ReportContent, value: ValueForMoney, figure: Figure) -> Figure:
    """A chart whose source names the prices beside the study."""
    simulated = "Simulated data. " if content.study.simulated else ""
    return replace(figure, source=f"{simulated}Source: this study's effects. {value.sources[0]}")
