"""Families behind the numbers: how long they were supported, whom the results speak for, and who was left out. Sentences are those of the content."""

from __future__ import annotations

from evaluation.disclosure.release import ReportContent, TableContent
from evaluation.reporting.blocks import Block, Bullets, Heading, Paragraph, Section, Table, slug


def who_results_speak_for(content: ReportContent) -> Section:
    """Who was matched, how the others differ, and the families behind each outcome; nothing where the units are no families."""
    found = content.populations
    if found is None:
        return Section()
    blocks: list[Block] = [Heading(text="Who the results speak for", id="sec-reach"), Paragraph(text=" ".join(found.reach))]
    blocks += [block(table) for table in (found.left_out, found.complete) if table is not None]
    told = ["What they were like before and after is in @tab-levels."] if found.complete else []
    if any(table.id == "missing-values" for table in content.tables):
        told.append("Why values are missing, outcome by outcome, is in @tab-missing-values.")
    if told:
        blocks.append(Paragraph(text=" ".join(told)))
    return Section(tuple(blocks))


def support(content: ReportContent) -> list[Block]:
    """For 'who took part': dose, follow-up, exits, and who grew out of an outcome's population."""
    found = content.populations
    if found is None or not found.support:
        return []
    blocks: list[Block] = [Heading(text="How long families were supported", id="sec-support", level=3), Bullets(items=found.support)]
    return blocks + [block(table) for table in (found.windows, found.exits) if table is not None]


def block(table: TableContent) -> Table:
    """A table of the release."""
    return Table(id=f"tab-{slug(table.id)}", title=table.title, columns=table.columns, rows=table.rows, notes=table.notes)
