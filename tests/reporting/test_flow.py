"""What is reckoned of pages before they are set anew: against the pages that are then set."""

from __future__ import annotations

import pytest

from evaluation.reporting import flow, full_pages, pages, typesetting, typst_source
from evaluation.reporting.blocks import Bullets, Contents, Heading, Paragraph
from evaluation.reporting.pages import MOST_EMPTY, Setting, Tried
from tests.reporting.small_blocks import COVER, figure, table

REPORT = (COVER, Contents(), Heading(text="One", id="sec-one"), Paragraph(text="word " * 300), figure("fig-one", 500), table("tab-one", 36),
          Paragraph(text="words " * 300), figure("fig-two", 500), Paragraph(text="word " * 500),
          Heading(text="Two", id="sec-two", last_part=True), *(table(f"tab-{n}", 28) for n in range(6)), Paragraph(text="words " * 500))
OFF = 0.15  # of a page: by so much reckoning may miss a page that moved


def as_set(**setting) -> tuple[Tried, flow.Places]:
    """A report as Typst sets it, and where its blocks stand."""
    one = Setting(order=setting.pop("order", REPORT), **{"air": 1.0, **setting})
    made = typst_source.source(one.order, air=one.air, last_air=one.last_air, with_places=True)
    found = Tried(setting=one, shares=tuple(typesetting.emptiness(made)))
    whole = frozenset(filter(typst_source.kept_whole, one.order))
    return found, flow.Places(starts=tuple(flow.standing(*at, found.shares) for at in typesetting.places_of(made)), whole=whole)


@pytest.fixture(scope="module")
def first() -> tuple[Tried, flow.Places]:
    return as_set()


def test_pages_are_reckoned_as_they_were_set(first):
    found, places = first
    shares, page_of = flow.flowed(REPORT, flow.sizes_of(REPORT, places, found.shares), places)
    assert len(shares) == len(found.shares) and shares == pytest.approx(found.shares, abs=OFF)
    assert [page_of[block] for block in REPORT] == [page for page, _ in places.starts]


def test_a_report_whose_charts_leave_pages_empty_is_mended_by_one_other_setting(first):
    found, places = first
    assert found.worst > MOST_EMPTY
    setting = flow.rearranged(found, places, [found])
    sizes = flow.stretched(flow.sizes_of(REPORT, places, found.shares), setting.order, setting.last_air - 1)
    reckoned, _ = flow.flowed(setting.order, sizes, places)
    again, _ = as_set(order=setting.order, last_air=setting.last_air)
    assert setting.order != REPORT and max(again.shares) <= 1 / 3
    assert len(reckoned) == len(again.shares) and reckoned == pytest.approx(again.shares, abs=OFF)


@pytest.mark.parametrize("last_air", [0.7, 1.3, 1.7])
def test_more_or_less_air_of_the_last_part_is_reckoned_as_it_is_then_set(first, last_air):
    found, places = first
    sizes = flow.stretched(flow.sizes_of(REPORT, places, found.shares), REPORT, last_air - 1)
    again, _ = as_set(last_air=last_air)
    assert pages.length_of(flow.flowed(REPORT, sizes, places)[0]) == pytest.approx(again.length, abs=0.25)
    assert abs(again.length - found.length) > 0.25                                           # so that the line above could fail


def test_what_was_tried_is_not_tried_again_and_corrects_what_is_reckoned(first):
    found, places = first
    one = flow.rearranged(found, places, [found])
    tried = Tried(setting=one, shares=(*[0.0] * 8, 0.9))                                     # as if it had ended far from what was reckoned
    other = flow.rearranged(found, places, [found, tried])
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


def test_a_mark_below_the_last_line_of_a_page_is_the_top_of_the_next():
    assert flow.standing(1, 0.5, (0.4, 0.0)) == (1, 0.5)
    assert flow.standing(1, 0.6, (0.4, 0.0)) == (2, 0.0)
    assert flow.standing(2, 0.9, (0.4, 0.5)) == (2, 0.9)


def test_equal_paragraphs_have_one_size_and_places_of_their_own():
    again = (COVER, Contents(), Heading(text="One", id="sec-one"), Bullets(items=("a",)), Bullets(items=("a",)), Paragraph(text="word " * 700))
    found, places = as_set(order=again)
    assert places.starts[3] < places.starts[4]
    assert flow.sizes_of(again, places, found.shares)[again[3]] == pytest.approx(places.starts[4][1] - places.starts[3][1], abs=1e-3)


def test_a_report_is_set_few_times_before_it_is_printed(blocks, monkeypatch):
    tried, pictures = [], full_pages.emptiness
    monkeypatch.setattr(full_pages, "emptiness", lambda made: tried.append(made) or pictures(made))
    full_pages.settled(blocks)
    assert len(tried) <= 3
