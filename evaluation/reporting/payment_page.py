"""The page on payment by results: from what may leave to blocks. Its sentences are made in `findings/payment.py`; nothing is computed here."""

from __future__ import annotations

from evaluation.disclosure.release import PaymentResults, PaymentShare, ReportContent, TableContent
from evaluation.reporting import payment_figure
from evaluation.reporting.blocks import Block, Bullets, Callout, Figure, Heading, Paragraph, Section, Table, slug
from evaluation.reporting.words import in_words, interval_in_words, range_in_words, sentence

FRONT = ("payment_four", "payment_results")  # tables that stand before the rules of the comparison


def payment_by_results(content: ReportContent) -> Section:
    """How many met the rule for a payment, and how many similar families met it without the programme."""
    found = content.payment
    if found is None:
        return Section()
    blocks: list[Block] = [
        Heading(text="Payment by results", id="sec-payment"),
        Paragraph(text=found.sentence),
        Callout(title="Matching alone.", text=found.basis),
    ]
    drawn = [line for line in found.shares if not line.reason]
    if drawn:
        blocks += [figure(content, found, drawn), shares_table(found, drawn)]
    hidden = [line.label for line in found.shares if line.reason]
    if hidden:
        blocks.append(
            Paragraph(lead="Not shown.", text=f"{'; '.join(hidden)}: too few families of one side met the rule or failed it, or could be matched.")
        )
    front = [table for table in found.tables if table.id in FRONT]
    rest = [table for table in found.tables if table.id not in FRONT]
    blocks += [block(table) for table in front]
    blocks += [Heading(text="How the rule was applied", id="sec-payment-rules", level=3), Bullets(items=found.notes)]
    return Section((*blocks, *(block(table) for table in rest)))


def figure(content: ReportContent, found: PaymentResults, drawn: list[PaymentShare]) -> Figure:
    """The chart, with the data behind it."""
    plural = content.study.unit_plural
    picture = payment_figure.results(drawn, plural=plural)
    study = content.study
    source = sentence("Source: " + (study.source_line or study.sources[0] if study.sources else study.title))
    rows = tuple(
        (
            line.label,
            in_words(line.programme.estimate),
            range_in_words(line.programme),
            in_words(line.comparison.estimate),
            range_in_words(line.comparison),
        )
        for line in drawn
    )
    return Figure(
        id="fig-payment",
        title=found.title,
        subtitle=f"{found.framework}: of every 100 matched {plural}, how many met the rule, with 95% intervals",
        alt=picture.alt,
        source=f"Simulated data. {source}" if study.simulated else source,
        svg=picture.svg,
        data=Table(
            id="data-payment",
            title=found.title,
            columns=("Families", "Programme", "95% interval", "Matched comparison", "95% interval of it"),
            rows=rows,
        ),
    )


def shares_table(found: PaymentResults, drawn: list[PaymentShare]) -> Table:
    """Official claims on all families beside the shares of matched families and what follows from them."""
    rows = tuple(
        (
            line.label,
            in_words(line.official),
            in_words(line.programme.estimate),
            in_words(line.comparison.estimate),
            interval_in_words(line.difference),
            interval_in_words(line.anyway),
        )
        for line in drawn
    )
    counts = "; ".join(f"{line.label.lower()} {in_words(line.n_treated)} and {in_words(line.n_comparison)}" for line in drawn)
    return Table(
        id="tab-payment",
        title="Claims on all families, and the rule applied to matched families",
        columns=(
            "Families",
            "Official: claims of all attached",
            "Programme, matched (of 100)",
            "Comparison, matched (of 100)",
            "Difference (95% interval)",
            "Of 100 results, anyway (95% interval)",
        ),
        rows=rows,
        notes=(
            "Intervals: 95%, clustered on matched sets and on families that serve in several; the last column by Fieller's method. Over 100 in the"
            " last column: more met the rule without the programme than with it.",
            f"Matched programme and comparison families behind each line: {counts}.",
        ),
    )


def block(table: TableContent) -> Table:
    """A table of the release."""
    return Table(id=f"tab-{slug(table.id)}", title=table.title, columns=table.columns, rows=table.rows, notes=table.notes)
