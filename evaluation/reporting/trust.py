"""How far to trust a report: where points of strength were lost, every check's verdict, and the tables for whoever looks closer.

Findings, verdicts and their reasons are sentences of the content; here they are put in order and beside each other, nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluation.disclosure.release import Check, ReportContent, TableContent
from evaluation.reporting.blocks import Block, Bullets, Callout, Heading, Paragraph, Section, Table, slug

WIDEST = 7  # columns of ten-point type on a portrait page
WIDEST_OF_WORDS = 8  # where cells are a word or two
VERDICTS = {"passed": "Passed", "failed": "Failed", "not testable": "Not testable", "information": "Noted"}
READING = (
    "Failed: the check speaks against the comparison. Not testable: these data cannot tell, which is no reason for trust. Noted: a figure to weigh,"
    " without a verdict. [z]: the plan does not ask it of this outcome."
)


def how_far_to_trust(content: ReportContent) -> Section:
    """How the strength of evidence was reached, the verdict of every check, what those that failed found, and warnings."""
    strength = content.strength
    blocks: list[Block] = [
        Heading(text="How far to trust the results", id="sec-trust", last_part=True),
        Paragraph(
            lead=f"{strength.score} out of 5: {strength.label}.", text="The evidence starts at 5 points; @tab-strength shows where points were lost."
        ),
        Table(
            id="tab-strength",
            title="How the strength of the evidence was reached",
            columns=("Question", "Points lost", "Reason"),
            rows=tuple((point.criterion, f"{point.lost:g}", point.reason) for point in strength.points),
        ),
    ]
    if content.checks:
        blocks += [*split(verdicts(content.checks, [result.label for result in content.outcomes]), WIDEST_OF_WORDS), *against(content.checks)]
    if content.warnings:
        blocks += [
            Heading(text="Warnings", id="sec-warnings", level=3),
            *(Callout(title="Warning.", text=warned.sentence) for warned in content.warnings),
        ]
    return Section(tuple(blocks))


def verdicts(checks: Sequence[Check], order: Sequence[str]) -> TableContent:
    """The verdict of every check on every outcome, these in the report's order; the title counts those that failed, and those that gave one."""
    names, there = tuple(dict.fromkeys(check.name for check in checks)), {one for check in checks for one in of(check)}
    outcomes = tuple(sorted(there, key=lambda one: (order.index(one) if one in order else len(order), one)))
    found = {(check.name, one): VERDICTS[check.verdict] for check in checks for one in of(check)}
    failed = sum(any(found.get((name, one)) == "Failed" for one in outcomes) for name in names)
    judged = sum(any(found.get((name, one)) in ("Passed", "Failed") for one in outcomes) for name in names)
    return TableContent(
        id="checks",
        title=title_of(failed, judged, len(names)),
        columns=("Check", *outcomes),
        rows=tuple((name, *(found.get((name, one), "[z]") for one in outcomes)) for name in names),
        notes=(READING,),
    )


def title_of(failed: int, judged: int, n: int) -> str:
    """How many checks failed, of how many that passed or failed for some outcome, of how many made."""
    if not judged:
        return "No check gave a verdict"
    of = f"{judged} of {n} gave a verdict"
    if not failed:
        return "No check failed" if judged == n else f"No check failed; {of}"
    return f"{failed} of {n} checks failed for at least one outcome" + ("" if judged == n else f"; {of}")


def of(check: Check) -> tuple[str, ...]:
    """Outcomes that a check speaks about."""
    return check.outcomes or (check.outcome or "All outcomes",)


def against(checks: Sequence[Check]) -> list[Block]:
    """What the checks that failed found, and where the others are told."""
    failed = [check for check in checks if check.verdict == "failed"]
    told: list[Block] = [Paragraph(text="What every check found is in @tab-check-details.")]
    if failed:
        told.insert(0, Heading(text="What speaks against the comparison", id="sec-against", level=3))
        told.insert(1, Bullets(items=tuple(f"{check.name}, {check.outcome[:1].lower()}{check.outcome[1:]}: {check.sentence}" for check in failed)))
    return told


def limits(content: ReportContent) -> Section:
    """What the study cannot say."""
    if not content.limits:
        return Section()
    return Section((Heading(text="What this study cannot say", id="sec-limits"), Bullets(items=content.limits)))


def tables(content: ReportContent) -> Section:
    """Further tables of the release, wide ones in parts that fit the page, and what every check found."""
    parts: list[Block] = [part for table in content.tables for part in split(table)]
    if content.checks:
        parts.append(
            Table(
                id="tab-check-details",
                title="What each check found",
                columns=("Check", "What was found"),
                rows=tuple(details(content.checks)),
            )
        )
    return Section((Heading(text="Further tables", id="sec-tables"), *parts)) if parts else Section()


def details(checks: Sequence[Check]) -> Iterator[tuple[str, str]]:
    """What every check found, check by check."""
    names = tuple(dict.fromkeys(check.name for check in checks))
    for check in sorted(checks, key=lambda check: names.index(check.name)):
        verdict = "" if check.verdict == "information" or check.sentence.startswith(VERDICTS[check.verdict]) else f"{VERDICTS[check.verdict]}. "
        yield f"{check.name}: {check.outcome[:1].lower()}{check.outcome[1:]}" if check.outcome else check.name, verdict + check.sentence


def split(table: TableContent, widest: int = WIDEST) -> list[Table]:
    """A table in parts of at most so many columns and nearly the same width; each part repeats the row headers."""
    key = f"tab-{slug(table.id)}"
    if len(table.columns) <= widest:
        return [Table(id=key, title=table.title, columns=table.columns, rows=table.rows, notes=table.notes)]
    n_values = len(table.columns) - 1
    n_parts = -(-n_values // (widest - 1))
    width = -(-n_values // n_parts)
    parts = [range(start, min(start + width, n_values + 1)) for start in range(1, n_values + 1, width)]
    return [
        Table(
            id=f"{key}-{n}",
            title=f"{table.title} (part {n} of {len(parts)})",
            columns=(table.columns[0], *(table.columns[j] for j in part)),
            rows=tuple((row[0], *(row[j] for j in part)) for row in table.rows),
            notes=table.notes if n == len(parts) else (),
        )
        for n, part in enumerate(parts, start=1)
    ]
