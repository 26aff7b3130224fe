"""What is reckoned of pages before they are set anew: against the pages that are then set."""

from __future__ import annotations

import dataclasses

import pytest

from evaluation.reporting import flow, full_pages, pages, typesetting, typst_source
from evaluation.reporting.blocks import Bullets, Contents, Heading, Paragraph
from evaluation.reporting.pages import MOST_EMPTY, Setting, Tried
from tests.reporting.small_blocks import COVER, figure, table

REPORT = (COVER, Contents(), Heading(text="One", id="sec-one"), Paragraph(text="word " * 300), figure("fig-one", 500), table("tab-one", 36),
          Paragraph(text="words " * 300), figure("fig-two", 500), Paragraph(text="word " * 500),
          Heading(text="Two", id="sec-two", last_part=True), *(table(f"tab-{n}", 28) for n in range(6)), Paragraph(text="words " * 500))
WHOLE = frozenset(filter(typst_source.kept_whole, REPORT))
OFF = 0.15  # of a page: by so much reckoning may miss a page that moved


def as_set(order=REPORT, last_air=1.0) -> Tried:
    """A report as Typst sets it."""
    made = typst_source.source(order, last_air=last_air, with_places=True)
    return Tried(setting=Setting(order=order, air=1.0, last_air=last_air), pages=typesetting.pages_of(made))


def reckoned(found: Tried, order=REPORT, last_air=1.0) -> tuple[tuple[float, ...], dict]:
    """What is reckoned of another order and air."""
    sizes = flow.stretched(flow.sizes_of(found.setting.order, found.pages), order, last_air - found.setting.last_air)
    return flow.flowed(order, sizes, found.pages, WHOLE)


@pytest.fixture(scope="module")
def first() -> Tried:
    return as_set()


def test_pages_are_reckoned_as_they_were_set(first):
    shares, page_of = reckoned(first)
    assert len(shares) == len(first.shares) and shares == pytest.approx(first.shares, abs=OFF)
    assert [page_of[block] for block in REPORT] == [page for page, _ in first.pages.starts]


def test_a_report_whose_charts_leave_pages_empty_is_mended_by_one_other_setting(first):
    assert first.worst > MOST_EMPTY
    setting = flow.rearranged(first, [first], WHOLE)
    again = as_set(setting.order, setting.last_air)
    assert setting.order != REPORT and max(again.shares) <= 1 / 3
    shares, _ = reckoned(first, setting.order, setting.last_air)
    assert len(shares) == len(again.shares) and shares == pytest.approx(again.shares, abs=OFF)


@pytest.mark.parametrize("last_air", [0.7, 1.3, 1.7])
def test_more_or_less_air_of_the_last_part_is_reckoned_as_it_is_then_set(first, last_air):
    again = as_set(last_air=last_air)
    assert pages.length_of(reckoned(first, last_air=last_air)[0]) == pytest.approx(again.length, abs=0.25)
    assert abs(again.length - first.length) > 0.25                                           # so that the line above could fail


def test_what_was_tried_is_not_tried_again_and_corrects_what_is_reckoned(first):
    one = flow.rearranged(first, [first], WHOLE)
    longer = dataclasses.replace(first.pages, number=first.pages.number + 1, ends=(*first.pages.ends, (first.pages.number + 1, 0.1)))
    other = flow.rearranged(first, [first, Tried(setting=one, pages=longer)], WHOLE)         # as if it had ended far from what was reckoned
    assert other.order == one.order and abs(other.last_air - one.last_air) > flow.NEAR


def test_charts_keep_their_order_among_charts_and_tables_among_tables():
    blocks = (Heading(text="One", id="sec-one"), figure("fig-a"), Paragraph(text="p"), table("tab-a", 3), figure("fig-b"), table("tab-b", 3))
    page_of = dict(zip(blocks, (1, 2, 2, 2, 2, 3), strict=True))
    assert [getattr(block, "id", "p") for block in flow.pulled(blocks, 1, page_of)] == ["sec-one", "p", "tab-a", "fig-a", "fig-b", "tab-b"]
    assert flow.pulled(blocks, 2, page_of) == blocks
    after_table = (table("tab-a", 3), table("tab-b", 3))
    assert flow.pulled(after_table, 1, dict.fromkeys(after_table, 2)) == after_table
    under_another = (figure("fig-a"), Heading(text="Two", id="sec-two"), Paragraph(text="p"))
    assert flow.pulled(under_another, 1, dict.fromkeys(under_another, 2)) == under_another


def test_equal_paragraphs_have_one_size_and_places_of_their_own():
    again = (COVER, Contents(), Heading(text="One", id="sec-one"), Bullets(items=("a",)), Bullets(items=("a",)), Paragraph(text="word " * 700))
    found = as_set(again).pages
    assert found.starts[3] < found.starts[4]
    assert flow.sizes_of(again, found)[again[3]] == pytest.approx(found.starts[4][1] - found.starts[3][1], abs=1e-3)


def test_a_report_is_set_few_times_before_it_is_printed(blocks, monkeypatch):
    tried, pages_of = [], full_pages.pages_of
    monkeypatch.setattr(full_pages, "pages_of", lambda made: tried.append(made) or pages_of(made))
    full_pages.settled(blocks)
    assert len(tried) <= 4
