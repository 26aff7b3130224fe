"""The page of each outcome: the finding, its levels over time, the gap over time, and what could have been seen."""

from __future__ import annotations

from evaluation.disclosure.release import ReportContent
from evaluation.reporting import time_figures
from evaluation.reporting.blocks import Block, Heading, Paragraph, Section, slug
from evaluation.reporting.page_parts import figure_of, told
from evaluation.reporting.words import in_words, range_in_words, sentence


def outcome_pages(content: ReportContent) -> Section:
    """For each outcome: the finding, levels over time, the gap over time, and what could have been seen."""
    blocks: list[Block] = [Heading(text="Each outcome", id="sec-outcomes")]
    if note := next((study.later_note for study in content.event_studies if study.later_note), ""):
        blocks.append(Paragraph(lead="Later periods.", text=note))
    ordered = sorted(content.outcomes, key=lambda result: result.status != "estimated")  # those without a number last
    for result in ordered:
        name = result.label[:1].lower() + result.label[1:]
        blocks += [
            Heading(
                text=result.label if name.startswith(result.domain.lower()) else f"{result.domain}: {name}",
                id=f"sec-{slug(result.outcome)}",
                level=3,
            ),
            Paragraph(text=result.sentence),
        ]
        if result.status == "estimated":
            blocks += told(
                ("Measure.", sentence(result.measure)),
                ("What could have been seen.", result.detectable_sentence),
                ("Charts.", result.charts_note),
                ("This area alone.", result.own_note),
                ("Payment by results.", "" if in_words(result.payment_by_results) == "[z]" else result.payment_by_results_note),
            )
        blocks += _pictures(content, result.outcome)
    return Section(tuple(blocks))


def _pictures(content: ReportContent, outcome: str) -> list[Block]:
    blocks: list[Block] = []
    for trend in (trend for trend in content.trends if trend.outcome == outcome and trend.lines):
        rows = tuple((period, *(in_words(line.values[j]) for line in trend.lines)) for j, period in enumerate(trend.periods))
        blocks.append(
            figure_of(
                content,
                f"fig-trend-{slug(outcome)}",
                trend.title,
                trend.subtitle,
                time_figures.trend(trend),
                ("Period", *(line.name for line in trend.lines)),
                rows,
            )
        )
    for study in (study for study in content.event_studies if study.outcome == outcome and study.points):
        rows = tuple((point.label, time_figures.PHASES[point.phase], in_words(point.estimate), range_in_words(point)) for point in study.points)
        blocks += [
            figure_of(
                content,
                f"fig-event-{slug(outcome)}",
                study.title,
                study.subtitle,
                time_figures.event_study(study),
                ("Period", "Phase", "Gap", "95% interval"),
                rows,
            ),
            *told(("Trend before.", study.pre_trend)),
        ]
    return blocks
