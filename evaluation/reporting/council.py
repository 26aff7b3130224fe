"""The sections of a council's report: from what may leave (`ReportContent`) to blocks. The notebook calls these, one a cell.

Findings, verdicts and their reasons are sentences of the content; here they are put in order and beside each other, nothing is computed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evaluation.disclosure.release import BalanceLine, OutcomeResult, ReportContent, Shown
from evaluation.errors import ReportError
from evaluation.locations import seen
from evaluation.reporting import figures, reach_page
from evaluation.reporting.blocks import (
    Block,
    Bullets,
    Contents,
    Cover,
    Definitions,
    Heading,
    KeyFindings,
    Paragraph,
    Section,
    SignOff,
    Table,
    slug,
)
from evaluation.reporting.brand import colour_of
from evaluation.reporting.page_parts import figure_of, symbols_used, together, told
from evaluation.reporting.words import SYMBOLS, in_words, interval_in_words, range_in_words, sentence

IN_PLACE = {"estimated": "[z]", "not_available": "[x]", "not_estimable": "[z]", "not_shown": "[c]"}  # what stands where a number does not exist


def read(content_path: str | Path) -> ReportContent:
    """The release of one report.

    Raises
    ------
    ReportError
        The file is missing or is no release.
    """
    if not str(content_path).strip():
        raise ReportError("`content_path` names no release yet. Put a file of a finished run into the first cell: "
                          "runs/<study>/<run id>/contents/<council>.json.")
    path = seen(content_path)
    if not path.is_file():
        raise ReportError(f"The release of a report must be there: {path.name} is not. Run the evaluation first, or mend `content_path`.")
    try:
        return ReportContent.read(path)
    except ValueError as fault:
        count = getattr(fault, "error_count", lambda: 1)()
        raise ReportError(
            f"{path.name} must be a release written by this version of evaluation: {count} fields are missing or wrong. Run the evaluation again."
        ) from None


def stem(content: ReportContent) -> str:
    """Name of the report's files without ending: study, council's code, and whether the data are simulated.

    Examples
    --------
    'community_budgets_2011_E08000001', 'demonstration_E06000022_simulated'
    """
    parts = (content.study.name, content.council.code)
    if not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in parts):
        raise ReportError(
            "A study's name and a council's code must be letters, digits, hyphens and underscores, as they name files. Mend the plan or councils.csv."
        )
    return "_".join(parts) + ("_simulated" if content.study.simulated else "")


# ---- page one ------------------------------------------------------------------------------------------------------------------------------------


def page_one(content: ReportContent) -> Section:
    """Everything a chief executive needs, and nothing that needs another page."""
    study, summary = content.study, content.summary
    blocks: list[Block] = [
        Cover(
            title=study.title,
            council=content.council.name,
            question=study.question,
            date=study.date,
            reference=study.reference,
            stem=stem(content),
            simulated=study.simulated,
            colour=colour_of(content.council.code),
        ),
        Heading(text="Summary", id="sec-summary"),
        KeyFindings(headline=summary.headline, items=summary.findings),
        *(Paragraph(text=text) for text in summary.paragraphs),
        three_numbers(
            [result for result in content.outcomes if result.primary and result.status == "estimated"]
            or [result for result in content.outcomes if result.primary],
            id="tab-three",
            title="What changed, and how much of it the comparison supports",
            truth=study.simulated,
        ),
        Paragraph(lead="How strong is the evidence?", text=_strength(content)),
        *told(
            ("What could have been seen.", summary.could_have_seen),
            ("Payment by results.", summary.payment_by_results),
            ("Value for money.", summary.value),
        ),
    ]
    if summary.caveats:
        blocks += [Paragraph(lead="Read this with care.", text=" ".join(sentence(caveat) for caveat in summary.caveats))]
    if summary.next_steps:
        blocks += [Paragraph(lead="What to do next.", text=" ".join(sentence(step) for step in summary.next_steps))]
    return Section((*blocks, SignOff(lines=("Released by", "Role", "Date"))))


def how_to_read(content: ReportContent) -> Section:
    """Contents, and the few conventions that every number of the report keeps."""
    symbols = "; ".join(f"{symbol} {meaning}" for symbol, meaning in SYMBOLS)
    return Section(
        (
            Contents(),
            Heading(text="How to read this report", id="sec-read"),
            Bullets(
                items=(
                    f"The before and after change is how the {content.study.unit_plural} in the programme changed. It says nothing about why.",
                    "The payment by results rate counts results claimed under the programme's rules. It is not an effect.",
                    (
                        f"The effect is the change compared with similar {content.study.unit_plural} outside the programme. "
                        "It is the only number that speaks about the programme."
                    ),
                    (
                        "The smallest visible effect is the one that a study of this size would find four times out of five. Smaller effects are"
                        " found now and then; those that are found tend to look larger than they are."
                    ),
                    "A percentage point is the difference between two percentages: from 6% to 5% is a change of 1 percentage point.",
                    (
                        "A 95% interval is the range of effects that fit the data. Where it includes zero, the data cannot tell an effect from none; "
                        "that does not show that there was none."
                    ),
                    f"Symbols stand where there is no number: {symbols}.",
                )
            ),
        )
    )


def three_numbers(results: Sequence[OutcomeResult], *, id: str, title: str, truth: bool = False) -> Table:
    """Before and after change, payment by results rate and effect: three columns with three names."""
    units = list(dict.fromkeys(result.change_unit for result in results if result.status != "not_available"))
    one = len(units) == 1
    usual = max(units, key=lambda unit: sum(result.change_unit == unit for result in results), default="")
    others = [f"{result.label[:1].lower() + result.label[1:]}: {result.change_unit}" for result in results if result.change_unit != usual]
    columns = ["Outcome", "Before and after change", "Payment by results", "Effect (95% interval)", "Smallest visible effect"]
    rows = []
    for result in results:
        other = IN_PLACE[result.status]
        row = [
            result.label,
            in_words(result.before_after, other),
            in_words(result.payment_by_results, other),
            interval_in_words(result.effect, other),
            in_words(result.detectable, other),
        ]
        rows.append((*row, in_words(result.truth, other)) if truth else tuple(row))
    return Table(
        id=id,
        title=f"{title}, {usual}" if one else title,
        columns=(*columns, "True effect (simulated)") if truth else tuple(columns),
        rows=tuple(rows),
        notes=(*(() if one or not units else (f"In {usual}; {'; '.join(others)}.",)), *symbols_used(rows)),
    )


# ---- the sections --------------------------------------------------------------------------------------------------------------------------------


def who_took_part(content: ReportContent) -> Section:
    """The council, its area, the way from all units to those analysed, and how long families were supported."""
    council, study = content.council, content.study
    items = [("Programme", study.programme), ("Council", council.name if council.region else ""), ("Region", council.region), ("Area", council.area)]
    if len(council.area_members) > 1:
        items.append((f"The {len(council.area_members)} councils of the area", ", ".join(council.area_members)))
    blocks: list[Block] = [
        Heading(text="Who took part", id="sec-part"),
        Definitions(items=tuple((term, text) for term, text in items if text)),
    ]
    if content.flow:
        drawn = figures.flow(content.flow)
        rows = tuple((line.label, in_words(line.count), line.reason or "stays") for line in content.flow)
        blocks.append(
            figure_of(
                content,
                "fig-flow",
                content.titles.flow or f"From all {study.unit_plural} to those analysed",
                f"Number of {study.unit_plural} at each stage, and why others left{together(content)}",
                drawn,
                ("Stage", "Number", "Reason for leaving"),
                rows,
            )
        )
    return Section((*blocks, *reach_page.support(content)))


def who_is_compared(content: ReportContent) -> Section:
    """Balance before and after matching, and overlap of the scores."""
    plural = content.study.unit_plural
    blocks: list[Block] = [Heading(text="Who is compared with whom", id="sec-compared")]
    if content.balance:
        columns, rows = _balance_rows(content.balance)
        blocks += [
            figure_of(
                content,
                "fig-balance",
                content.titles.balance or f"How alike programme and comparison {plural} were, before and after matching",
                f"Difference between the groups in standard deviations of the programme group{together(content)}",
                figures.balance(content.balance),
                columns,
                rows,
            ),
            Table(
                id="tab-means",
                title=f"Means of the characteristics that {plural} were matched on{together(content)}",
                columns=("Characteristic", "Programme, matched", "Comparison before matching", "Comparison after matching"),
                rows=tuple(
                    (line.covariate, in_words(line.mean_treated), in_words(line.mean_comparison_before), in_words(line.mean_comparison_after))
                    for line in content.balance
                ),
            ),
        ]
    if content.overlap is not None and not any(bar.value for bar in content.overlap.treated):
        few = f"How many had which score is not shown: few programme {plural} stand behind each range."
        blocks += told(("", f"{content.overlap.sentence} {few}"))
    elif content.overlap is not None:
        shown = content.overlap
        rows = tuple(
            (f"{low:g} to {high:g}", in_words(treated), in_words(comparison))
            for low, high, treated, comparison in zip(shown.edges, shown.edges[1:], shown.treated, shown.comparison, strict=False)
        )
        blocks += [
            *told(("", shown.sentence)),
            figure_of(
                content,
                "fig-overlap",
                content.titles.overlap or "Where the two groups overlap",
                f"Per cent of {plural} by {shown.axis[:1].lower() + shown.axis[1:]}{together(content)}",
                figures.overlap(shown, plural=plural),
                ("Range of the score", "Programme (%)", "Comparison (%)"),
                rows,
            ),
        ]
    return _section(blocks, "Nothing can be shown here without pointing to single families.")


def what_changed(content: ReportContent) -> Section:
    """All outcomes in one chart and two tables."""
    study, results = content.study, content.outcomes
    numbers = [_levels(content)]
    if any(not result.primary or result.status == "not_available" for result in results):
        numbers.insert(
            0,
            three_numbers(
                results, id="tab-all", title="Three different numbers for every outcome: change, payment and effect", truth=study.simulated
            ),
        )
    chart: list[Block] = []
    shown = [result for result in results if result.effect is not None and result.effect.estimate.value is not None]
    if shown:
        rows = tuple(
            (result.label, result.change_unit, in_words(result.effect.estimate), range_in_words(result.effect), result.effect.method)
            for result in shown
        )
        chart = [
            figure_of(
                content,
                "fig-effects",
                content.titles.effects or "Effect on each outcome",
                f"Change compared with similar {study.unit_plural}, with 95% interval",
                figures.effects(shown),
                ("Outcome", "Unit", "Effect", "95% interval", "Interval from"),
                rows,
            )
        ]
    return Section((Heading(text="What changed", id="sec-changed"), numbers[0], *chart, *numbers[1:]))


def this_area(content: ReportContent) -> Section:
    """The area's own gap beside the gaps of placebo areas: a chart of each main outcome, words on others where few placebo areas show such a gap."""
    if not content.placebos:
        return Section()
    unit_of = {result.outcome: result.change_unit for result in content.outcomes}
    primary = {result.outcome for result in content.outcomes if result.primary}
    blocks: list[Block] = [
        Heading(text="This area beside others", id="sec-area"),
        Table(
            id="tab-placebo",
            title="This area's own gaps, and where gaps of areas without a programme lie",
            columns=("Outcome and unit", "This area", "95 in 100 placebo areas lie between", "Placebo areas"),
            rows=tuple(
                (
                    f"{shown.label} ({unit_of[shown.outcome]})",
                    in_words(shown.gap),
                    f"{in_words(shown.lower)} and {in_words(shown.upper)}",
                    f"{shown.n_placebo:,}",
                )
                for shown in content.placebos
            ),
            notes=(
                (
                    f"A placebo area is made of {content.study.unit_plural} that had no programme, as many as the area has, and is compared and"
                    " measured in the same way."
                ),
                *left_out(content.outcomes),
            ),
        ),
        *told(*((f"{shown.label}.", shown.sentence) for shown in content.placebos if shown.outside and shown.outcome not in primary)),
    ]
    for shown in (shown for shown in content.placebos if shown.outcome in primary):
        rows = (
            ("This area's gap", in_words(shown.gap)),
            ("Lower end of 95 in 100 placebo areas", in_words(shown.lower)),
            ("Upper end", in_words(shown.upper)),
            ("Number of placebo areas", f"{shown.n_placebo:,}"),
        )
        blocks += [
            figure_of(
                content,
                f"fig-placebo-{slug(shown.outcome)}",
                shown.title,
                f"{shown.label}: gap between the area and its comparison {content.study.unit_plural}",
                figures.placebo(shown),
                ("What", "Value"),
                rows,
            ),
            *told(("", shown.sentence)),
        ]
    return Section(tuple(blocks))


def left_out(results: Sequence[OutcomeResult]) -> tuple[str, ...]:
    """Outcomes whose own gap is withheld, and why."""
    found = [result for result in results if result.own_note]
    if not found:
        return ()
    names = "; ".join(result.label[:1].lower() + result.label[1:] for result in found)
    return (f"Not in this table: {names}. {found[0].own_note}",)


def methods(content: ReportContent) -> Section:
    """How it was done, with which data and which software, so that it can be done again."""
    study = content.study
    blocks: list[Block] = [Heading(text="Methods and data", id="sec-methods")]
    blocks += [Paragraph(lead=sentence(heading), text=text) for heading, text in content.methods]
    blocks += [
        Heading(text="Data", id="sec-data", level=3),
        Bullets(items=study.sources),
        Paragraph(lead="Disclosure control.", text=study.disclosure_rule),
        Heading(text="Doing it again", id="sec-again", level=3),
        Definitions(
            items=(
                ("Hash of the plan", study.plan_hash),
                ("Hash of the analysis", study.analysis_hash),
                ("Seed", str(study.seed)),
                ("Software", ", ".join(f"{name}{chr(0xA0)}{version}" for name, version in study.versions)),
            )
        ),
    ]
    return Section(tuple(blocks))


def glossary(content: ReportContent) -> Section:
    """Terms of the report."""
    if not content.glossary:
        return Section()
    return Section((Heading(text="Glossary", id="sec-glossary"), Definitions(items=content.glossary)))


def accessibility(content: ReportContent) -> Section:
    """What was done for readers with assistive technology, and what was not."""
    return Section(
        (
            Heading(text="Accessibility", id="sec-accessibility"),
            Paragraph(
                text=(
                    "This report comes as a web page and as a PDF with the same content. The web page is the main edition: it needs no script, "
                    "reflows on a narrow screen, and holds the data behind every chart as a table. It is written to meet WCAG 2.2 at level AA, and "
                    "pages like it are checked in a browser by machine. The PDF is tagged to PDF/UA-1 and checked by machine."
                )
            ),
            Paragraph(
                text=(
                    "The tables, and the data behind the charts, also come as a spreadsheet in two formats, ODS and XLSX, with the same content: one "
                    "table a sheet with its headings in one row, no merged cells, and symbols explained on the sheet of notes."
                )
            ),
            Paragraph(
                text=(
                    "Charts have alternative text, and no difference rests on colour alone. "
                    "The files have not yet been tried by people who use screen readers."
                )
            ),
        )
    )


# ---- parts ---------------------------------------------------------------------------------------------------------------------------------------


def _section(blocks: list[Block], otherwise: str) -> Section:
    return Section((*blocks, Paragraph(text=otherwise)) if len(blocks) == 1 else tuple(blocks))


def _strength(content: ReportContent) -> str:
    strength = content.strength
    lost = [f"{point.criterion.lower()} ({point.lost:g})" for point in strength.points if point.lost]
    points = f" Points were lost for {', '.join(lost)} (@tab-strength)." if lost else ""
    return f"{strength.score} out of 5: {strength.label}.{points}"


def _levels(content: ReportContent) -> Table:
    plural, levels = content.study.unit_plural, []
    for result in content.outcomes:
        other = IN_PLACE[result.status]
        levels.append(
            (
                f"{result.label} ({result.unit})",
                *(
                    in_words(number, other)
                    for number in (
                        result.before,
                        result.after,
                        result.programme_level,
                        result.comparison_level,
                        result.n_treated,
                        result.n_comparison,
                    )
                ),
            )
        )
    return Table(
        id="tab-levels",
        title=f"Levels before and after, and how many {plural} stand behind them",
        columns=("Outcome and unit", "Before", "After", "Matched, after", "Matched, without", f"Programme {plural}", f"Comparison {plural}"),
        rows=tuple(levels),
        notes=(
            (
                f"Before and after: all {plural} of the programme that were observed. Matched, after: those that were matched; beside it what they"
                f" would have had without the programme, estimated from the comparison group. The last two columns count the {plural} behind the"
                " effect."
            ),
            *symbols_used(levels),
        ),
    )


def _balance_rows(lines: Sequence[BalanceLine]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    def shown(line: BalanceLine) -> tuple[Shown, ...]:
        return line.before, line.after, line.variance_ratio_before, line.variance_ratio_after

    columns = ("Characteristic", "Standardised difference before", "Standardised difference after", "Variance ratio before", "Variance ratio after")
    return columns, tuple((line.covariate, *(in_words(number) for number in shown(line))) for line in lines)
