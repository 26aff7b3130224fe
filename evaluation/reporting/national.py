"""Pages that only the summary of all councils has: whom it covers, how far effects of councils (or of areas of councils) differ, and all of them in
one chart without names.
"""

from __future__ import annotations

from evaluation.disclosure.release import BesideCouncils, OutcomeResult, ReportContent, Spread
from evaluation.disclosure.whose import ALL
from evaluation.reporting.beside import READING, READING_OF_AREAS, caterpillar, place_of
from evaluation.reporting.blocks import Block, Bullets, Heading, Paragraph, Section, Table
from evaluation.reporting.page_parts import symbols_used
from evaluation.reporting.words import capital, in_words, interval_in_words, signed

MEANING_OF_AREAS = (
    "The programme's effect counts every council once. It speaks of these councils and these years.",
    "The noise of an area's effect is how far placebo areas of as many councils lie from zero; areas that share comparison councils move together.",
    "The spread is the standard deviation of areas' true effects: what would be left of their differences without that noise.",
    "The share that is not chance says how much of the scatter of the marks below is such spread. From few areas it is known only roughly.",
    "Another area's true effect is where that of one more area of this kind would lie, 95 times in 100.",
    "All areas began in the same month. What else reached all of them then is in every mark, and no number here can take it out.",
)
MEANING = (
    "The programme's effect counts every family once. It speaks of these councils and these families.",
    "The spread is the standard deviation of councils' true effects: what would be left of their differences if each had endless families.",
    "The share that is not chance says how much of the scatter of the marks below is such spread. The rest is the noise of small numbers.",
    "Another council's true effect is where that of one more council of this kind would lie, 95 times in 100.",
)


def councils_together(content: ReportContent) -> Section:
    """Coverage, heterogeneity and the caterpillar of each main outcome; nothing in the report of a single council."""
    if content.council.code != ALL or not content.beside:
        return Section()
    place = place_of(content)
    result_of = {result.outcome: result for result in content.outcomes}
    pairs = [(shown, result_of[shown.outcome]) for shown in content.beside]
    blocks: list[Block] = [
        Heading(text=f"All {place}s together", id="sec-councils"),
        coverage(content, pairs),
        spread(pairs, place),
        Bullets(items=MEANING if place == "council" else MEANING_OF_AREAS),
        Heading(text=f"Every {place}'s effect", id="sec-caterpillar", level=3),
        Paragraph(text=READING if place == "council" else READING_OF_AREAS),
    ]
    for shown, _ in pairs:
        blocks += [
            caterpillar(content, shown),
            Paragraph(text=spread_in_words(shown, place)),
        ]
    return Section(tuple(blocks))


def coverage(content: ReportContent, pairs: list[tuple[BesideCouncils, OutcomeResult]]) -> Table:
    """How many families and councils stand behind each main outcome, and how many councils are too small to be shown alone."""
    plural, place = content.study.unit_plural, place_of(content)
    without, told = "without figures", ""
    if place == "council":
        without, told = "too small to show", f"The {plural} of councils that are too small to be shown alone are part of the programme's effect."
    rows = tuple(
        (result.label, in_words(result.n_treated), in_words(result.n_comparison), f"{len(shown.points):,}", f"{shown.n_hidden:,}")
        for shown, result in pairs
    )
    return Table(
        id="tab-coverage",
        title=f"Which {place}s and {plural} the results cover",
        columns=("Main outcome", f"Programme {plural}", f"Comparison {plural}", f"{capital(place)}s shown", f"{capital(place)}s {without}"),
        rows=rows,
        notes=(*((told,) if told else ()), *symbols_used(rows)),
    )


def spread(pairs: list[tuple[BesideCouncils, OutcomeResult]], place: str) -> Table:
    """The programme's effect beside how far councils' (or areas') own effects lie apart."""
    rows = tuple(
        (
            f"{result.label} ({shown.change_unit})",
            interval_in_words(result.effect, "[z]"),
            "[z]" if shown.spread is None else tau_in_words(shown.spread),
            "[z]" if shown.spread is None else f"{in_words(shown.spread.share)}%",
            f"{signed(shown.lower)} to {signed(shown.upper)}",
        )
        for shown, result in pairs
    )
    return Table(
        id="tab-spread",
        title=f"The programme's effect, and how far {place}s differ",
        columns=(
            "Main outcome and unit",
            "Programme's effect (95% interval)",
            f"Spread of {place}s (95% interval)",
            "Share not chance",
            f"Another {place}'s true effect",
        ),
        rows=rows,
        notes=(f"Spread: random effects with the full covariance of {place}s' estimates; the share is I squared.", *symbols_used(rows)),
    )


def tau_in_words(spread: Spread) -> str:
    """'1.2 (0.0 to 3.4)'; words where even the upper end of the interval is nought."""
    if not spread.tau_upper.value:
        return "less than chance gives"
    return f"{in_words(spread.tau)} ({in_words(spread.tau_lower)} to {in_words(spread.tau_upper)})"


def spread_in_words(shown: BesideCouncils, place: str = "council") -> str:
    """What the spread says, before where another council (or area) would lie."""
    if shown.spread is None:
        return shown.sentence
    if not shown.spread.tau_upper.value:
        return (
            f"The estimates scatter even less than chance would make them, so the noise of {place}s may be overstated here, and no spread can be"
            f" told. {shown.sentence}"
        )
    if not shown.spread.tau.value:
        chance = "small numbers" if place == "council" else "chance"
        return (
            f"The estimates scatter no more than {chance} would make them; a spread of up to {in_words(shown.spread.tau_upper)} {shown.change_unit}"
            f" would fit them too. {shown.sentence}"
        )
    found = (
        f"{in_words(shown.spread.share)}% of the scatter of {place}s' estimates is not chance, a standard deviation of true effects of "
        f"{tau_in_words(shown.spread)} {shown.change_unit}"
    )
    best = f"As the best guess, {found}; no spread at all would fit the estimates too." if not shown.spread.tau_lower.value else f"{found}."
    return f"{best} {shown.sentence}"
