"""This council beside all others: a page with a chart for each main outcome, and what it says in a sentence."""

from __future__ import annotations

from evaluation.disclosure.release import BesideCouncils, ReportContent
from evaluation.disclosure.whose import ALL
from evaluation.reporting import figures
from evaluation.reporting.blocks import Block, Figure, Heading, Paragraph, Section, slug
from evaluation.reporting.page_parts import figure_of
from evaluation.reporting.words import interval_in_words, signed

READING_OF_AREAS = (
    "Each mark is one area's effect, drawn towards the mean of all: the noisier it is, the more. Areas stand in the order of their number of"
    " councils. The order says nothing about merit, and marks whose intervals overlap cannot be told apart."
)
READING = (
    "Each mark is one council's effect, drawn towards the mean of all: the fewer its families, the more. Councils stand in the order of their number"
    " of families. The order says nothing about merit, and marks whose intervals overlap cannot be told apart."
)


def beside_others(content: ReportContent) -> Section:
    """Shrunken effects of all councils, this one labelled; the summary of all councils has them in `national.py`."""
    if not content.beside or content.council.code == ALL:
        return Section()
    blocks: list[Block] = [Heading(text="This council beside others", id="sec-beside"), Paragraph(text=READING)]
    for shown in content.beside:
        blocks += [
            caterpillar(content, shown),
            Paragraph(text=shown.sentence),
        ]
    return Section(tuple(blocks))


def caterpillar(content: ReportContent, shown: BesideCouncils) -> Figure:
    """The chart of all councils' effects on one outcome; the report's own council has its name."""
    name = content.council.name
    return figure_of(
        content,
        f"fig-beside-{slug(shown.outcome)}",
        shown.title,
        f"Effect ({shown.change_unit}) with 95% interval; {order_of(content)}{drawn_beside(shown, place_of(content))}",
        figures.beside(shown, name, place=place_of(content), order=order_of(content)),
        (place_of(content).capitalize(), "Effect drawn towards the mean (95% interval)"),
        rows_of(shown, name, place_of(content)),
    )


def drawn_beside(shown: BesideCouncils, place: str) -> str:
    """What the dashed line and the band of the chart are, where they are drawn."""
    line = "" if shown.mean.value is None else f". Dashed line: the mean of the {place}s' effects"
    if shown.lower.value is None or shown.upper.value is None:
        return line
    return f"{line}. Shaded band: where another {place}'s true effect would probably lie"


def place_of(content: ReportContent) -> str:
    """What the effects are of: councils of families, or areas of councils that began together."""
    return "council" if content.study.unit == "family" else "area"


def order_of(content: ReportContent) -> str:
    """In which order places stand."""
    return "councils with most families first" if place_of(content) == "council" else f"areas with most {content.study.unit_plural} first"


def rows_of(shown: BesideCouncils, name: str, place: str = "council") -> tuple[tuple[str, str], ...]:
    """The data behind the chart."""
    other = f"Another {place}" if any(one.is_own for one in shown.points) else "A council" if place == "council" else "An area"
    marks = tuple((name if one.is_own else other, interval_in_words(one.effect)) for one in shown.points)
    between = f"{signed(shown.lower)} to {signed(shown.upper)}"
    return (*marks, (f"Mean of the {place}s' effects", signed(shown.mean)), (f"Where another {place}'s true effect would lie", between))
