"""The auditor's pack as an accessible page, and its register of estimates as CSV. What it says is decided in the pack; nothing is computed here."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from evaluation.disclosure.auditors import AuditorsPack, Specification
from evaluation.disclosure.release import TableContent
from evaluation.reporting.blocks import Block, Bullets, Heading, Paragraph, SignOff, Table, escaped, numbering, slug
from evaluation.reporting.html import SIMULATED, navigation, page
from evaluation.reporting.words import date_in_words
from evaluation.reporting.workbook import INTERVAL, cell, plain

STEM = "auditors_pack"
MOST = 300  # rows of one table on the page; the CSV holds all
COLUMNS = ("Report", "Outcome", "Kind", "Choice", "Estimate (95% interval)", "Unit")
KINDS = (
    "Main and secondary: what the plan asks first. Sensitivity and subgroup: other choices that the plan names. Exploratory: not in the plan that was"
    " locked before outcomes were seen. A table that may not be shown at all is not in the register."
)
AGAIN = (
    "In the room: evaluation verify, with the run’s folder. It makes the run again from its plan and data and counts every byte of the release that"
    " differs. audit.json beside this page is the gate’s record; ledger.json holds every number that left."
)
EXPLORED = "Exploratory: tried in the room after the run, numbers not released"


def file_stem(pack: AuditorsPack) -> str:
    """Begins the names of the pack's files."""
    return f"{STEM}_simulated" if pack.study.simulated else STEM


def auditors_page(pack: AuditorsPack, explored: Sequence[tuple[str, ...]]) -> str:
    """The page as text."""
    study, blocks = pack.study, blocks_of(pack, explored)
    numbers = numbering(blocks)
    body = "\n".join(block.html(numbers) for block in blocks)
    about = f"{date_in_words(study.date)}. Reference {study.reference}. Plan {study.plan_hash[:12]}, analysis {study.analysis_hash[:12]}."
    main = f'<main id="main"><h1>{escaped(study.title)}: auditor’s pack</h1><p class="about">{escaped(about)}</p>\n{body}</main>'
    title = f"{study.title}: auditor’s pack" + (f" ({SIMULATED})" if study.simulated else "")
    return page(title, study.title, navigation(blocks), main, description=f"Auditor’s pack of the study {study.title}", simulated=study.simulated)


def blocks_of(pack: AuditorsPack, explored: Sequence[tuple[str, ...]]) -> tuple[Block, ...]:
    """The pack in the order in which an auditor asks."""
    roles = tuple((role.role.capitalize(), role.duty, role.name or "not named in the plan") for role in pack.roles)
    flow = tuple((f"{line.label}{': ' + line.reason if line.reason else ''}", line.count.text) for line in pack.flow)
    return (
        Heading(text="In short", id="sec-short"),
        Bullets(items=pack.told),
        Heading(text="Who answers for what", id="sec-roles"),
        Table(id="tab-roles", title="Roles", columns=("Role", "Duty", "Name"), rows=roles),
        Heading(text="Assumptions log", id="sec-assumptions"),
        block(pack.assumptions),
        Heading(text="Decisions log", id="sec-decisions"),
        block(pack.history),
        block(pack.decisions),
        Heading(text="Data log", id="sec-data"),
        Bullets(items=pack.study.sources),
        block(pack.data),
        Table(id="tab-flow", title="From all units received to those analysed, with reasons", columns=("Step", study_units(pack)), rows=flow,
              notes=(pack.study.disclosure_rule,)),
        Heading(text="Every estimate", id="sec-estimates"),
        Paragraph(text=KINDS),
        *estimates(pack),
        *tried(explored),
        Heading(text="Anchors", id="sec-anchors"),
        block(pack.anchors),
        Heading(text="How to make the run again", id="sec-again"),
        Paragraph(text=AGAIN),
        Heading(text="Assurance statement", id="sec-statement"),
        Bullets(items=pack.statement),
        SignOff(lines=tuple(f"{role.role.capitalize()}{f' ({role.name})' if role.name else ''}, name, date and signature" for role in pack.roles)),
    )


def study_units(pack: AuditorsPack) -> str:
    """'Families'."""
    return pack.study.unit_plural.capitalize()


def block(table: TableContent) -> Table:
    """A table of the pack."""
    return Table(id=f"tab-{slug(table.id)}", title=table.title, columns=table.columns,
                 rows=tuple(tuple(one or "[z]" for one in row) for row in table.rows), notes=table.notes)


def estimates(pack: AuditorsPack) -> list[Block]:
    """The register, a table a report; only where to find it when it is long."""
    reports = list(dict.fromkeys(one.report for one in pack.specifications))
    where = Paragraph(text=f"The whole register is in {file_stem(pack)}.csv beside this page.")
    if not reports or len(pack.specifications) > 10 * MOST:
        return [where]
    tables: list[Block] = [where]
    for report in reports:
        rows = [row_of(one)[1:] for one in pack.specifications if one.report == report]
        for at in range(0, len(rows), MOST):
            part, name = tuple(rows[at : at + MOST]), f"tab-estimates-{slug(report)}-{at}"
            tables.append(Table(id=name, title=f"Estimates of report {report}", columns=COLUMNS[1:], rows=part))
    return tables


def tried(explored: Sequence[tuple[str, ...]]) -> list[Block]:
    """Choices tried in the room after the run."""
    if not explored:
        return [Paragraph(text="No other choice was registered in the room when this page was made.")]
    columns = ("Register entry", "What was changed", "Specifications", "Report")
    return [Table(id="tab-explored", title=EXPLORED, columns=columns, rows=tuple(explored))]


def row_of(one: Specification) -> tuple[str, ...]:
    """One line of the register."""
    return (one.report, one.outcome, one.kind, one.choice, one.estimate, one.unit)


def register_csv(pack: AuditorsPack) -> str:
    """The register of estimates, intervals in columns of their own; no text in it begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS[:4], "Estimate", "Lower end of 95% interval", "Upper end of 95% interval", "Unit"))
    for one in pack.specifications:
        writer.writerow([*map(plain, row_of(one)[:4]), *in_columns(one.estimate), plain(one.unit)])
    return out.getvalue()


def in_columns(estimate: str) -> tuple[str, str, str]:
    """'-0.3 (-1.0 to 0.4)' as three numbers; the words in the first column where there is no interval."""
    found = INTERVAL.match(estimate)
    if found is None:
        return plain(estimate), "[z]", "[z]"
    return tuple(f"{cell(part).value:.{cell(part).digits}f}" for part in found.groups())
