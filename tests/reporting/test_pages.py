"""Full pages: how empty each page of a report is, measured on the finished file, and the ways in which pages are filled."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from evaluation.locations import project_file
from evaluation.reporting import full_pages, pdf, typesetting, typst_source
from evaluation.reporting.blocks import Bullets, Contents, Heading, Paragraph
from evaluation.reporting.pages import TORN, Pages
from tests.reporting.emptiness import empty_shares
from tests.reporting.small_blocks import COVER, figure, table


def test_no_page_of_a_report_is_more_than_a_third_empty(printed):
    shares = empty_shares(printed)
    assert max(shares) <= 1 / 3, [f"page {n}: {share:.2f}" for n, share in enumerate(shares, start=1) if share > 1 / 3]


def test_a_chart_that_does_not_fit_lets_what_follows_stand_before_it_and_stays_under_its_heading():
    told = (Paragraph(text="word " * 300), Heading(text="One", id="sec-one"), figure("fig-one", 500), table("tab-one", 30), Bullets(items=("b",)))
    blocks = (COVER, Contents(), *told, Heading(text="Two", id="sec-two"), Paragraph(text="word " * 900))
    shares, made = empty_shares(pdf.document(blocks)), full_pages.settled(blocks)
    before = typesetting.pages_of(typst_source.source(blocks, with_places=True)).shares
    assert max(before[:-1]) > 1 / 3 and max(shares[:-1]) <= 1 / 3
    assert made.index("<sec-one>") < made.index("<tab-one>") < made.index("<fig-one>") < made.index("<sec-two>")


def test_the_last_page_is_filled_by_the_air_of_the_last_part():
    rows = (Heading(text="Tables", id="sec-tables", last_part=True), *(table(f"tab-{n}", 28) for n in range(4)))
    blocks = (COVER, Contents(), Heading(text="One", id="sec-one"), Paragraph(text="word " * 300), *rows)
    assert typesetting.pages_of(typst_source.source(blocks, with_places=True)).shares[-1] > 1 / 3 >= empty_shares(pdf.document(blocks))[-1]


def test_the_foot_of_a_page_is_where_its_last_block_ends_and_a_page_whose_block_goes_on_is_full():
    starts = ((1, 0.0), (1, 0.3), (2, 0.5), (3, 0.0), (3, 0.2))
    ends = ((1, 0.28), (2, 0.48), (2, 0.7), (3, 0.15), (3, 0.9))                              # the second block goes on overleaf
    assert Pages(number=3, starts=starts, ends=ends).shares == pytest.approx((TORN, 0.3, 0.1))
    assert Pages(number=4, starts=starts[:3], ends=(ends[0], (2, 0.48), (4, 0.25))).shares == pytest.approx((TORN, TORN, TORN, 0.75))


def test_how_empty_pages_are_is_what_the_text_of_the_finished_file_says(blocks):
    made = typst_source.source(blocks, with_places=True)
    told = typesetting.pages_of(made)
    measured = empty_shares(bytes(typesetting.compiler().compile(input=made.encode(), format="pdf")))
    assert told.number == len(measured) and len(told.starts) == len(blocks)
    assert told.shares == pytest.approx(measured, abs=0.06)


def test_page_one_of_the_sample_holds_all_that_stands_before_the_contents():
    (sample,) = project_file("reports").glob("*.pdf")
    first = PdfReader(sample).pages[0].extract_text()
    assert "Read this with care" in first and "What to do next" in first and "Released by" in first


def test_contents_stand_in_two_columns_and_name_every_chapter_once(printed, blocks):
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(printed)).pages[:2]).split())
    contents = text[text.rindex("Contents ") : text.rindex("How to read this report")]  # where it is a heading
    assert all(block.text in contents for block in blocks if isinstance(block, Heading) and block.level == 2)
