"""Made-up releases for tests of the reporting, and the blocks that a report makes of them."""

from __future__ import annotations

from evaluation.disclosure.release import ReportContent
from evaluation.reporting import beside, council, national, outcome_page, payment_page, reach_page, trust, value_page
from evaluation.reporting.blocks import Block
from tests.reporting.sample_council import council_report
from tests.reporting.sample_family import family_report, held_report, national_report

SAMPLES = {"council": council_report, "family": family_report, "held": held_report, "national": national_report}

SECTIONS = (
    council.page_one,
    council.how_to_read,
    council.who_took_part,
    council.who_is_compared,
    reach_page.who_results_speak_for,
    council.what_changed,
    national.councils_together,
    outcome_page.outcome_pages,
    council.this_area,
    beside.beside_others,
    payment_page.payment_by_results,
    value_page.value_for_money,
    trust.how_far_to_trust,
    trust.limits,
    trust.tables,
    council.methods,
    council.glossary,
    council.accessibility,
)


def blocks_from(content: ReportContent) -> tuple[Block, ...]:
    return tuple(block for section in SECTIONS for block in section(content))
