"""Full pages: how empty each page of a report is, measured on the finished file, and the ways in which pages are filled."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader

from evaluation.reporting import full_pages, pages, pdf, typesetting, typst_source
from evaluation.reporting.blocks import Bullets, Contents, Heading, Paragraph
from tests.reporting.emptiness import empty_shares
from tests.reporting.small_blocks import COVER, figure, table


def test_no_page_of_a_report_is_more_than_a_third_empty(printed):
    shares = empty_shares(printed)
    assert max(shares) <= 1 / 3, [f"page {n}: {share:.2f}" for n, share in enumerate(shares, start=1) if share > 1 / 3]


def test_a_chart_that_does_not_fit_lets_what_follows_stand_before_it_and_stays_under_its_heading():
    told = (Paragraph(text="word " * 300), Heading(text="One", id="sec-one"), figure("fig-one", 500), table("tab-one", 30), Bullets(items=("b",)))
    blocks = (COVER, Contents(), *told, Heading(text="Two", id="sec-two"), Paragraph(text="word " * 900))
    shares, made = empty_shares(pdf.document(blocks)), full_pages.settled(blocks)
    before = typesetting.emptiness(typst_source.source(blocks))
    assert max(before[:-1]) > 1 / 3 and max(shares[:-1]) <= 1 / 3
    assert made.index("<sec-one>") < made.index("<tab-one>") < made.index("<fig-one>") < made.index("<sec-two>")


def test_the_last_page_is_filled_by_the_air_of_the_last_part():
    rows = (Heading(text="Tables", id="sec-tables", last_part=True), *(table(f"tab-{n}", 28) for n in range(4)))
    blocks = (COVER, Contents(), Heading(text="One", id="sec-one"), Paragraph(text="word " * 300), *rows)
    assert typesetting.emptiness(typst_source.source(blocks))[-1] > 1 / 3 >= empty_shares(pdf.document(blocks))[-1]


@pytest.mark.parametrize("mark, white", [(None, 1.0), (24, 1.0), (152, 0.5), (280, 0.0), (290, 0.0)])
def test_white_is_measured_below_the_last_mark_between_header_and_footer(mark, white):
    page = Image.new("RGB", (210, 297), "white")
    draw = ImageDraw.Draw(page)
    draw.line((10, 10, 200, 10), fill="black")                                              # a header
    draw.line((10, 285, 200, 285), fill="black")                                            # a footer
    if mark and mark > 24:
        draw.rectangle((10, 30, 200, mark - 1), fill="grey")
    out = io.BytesIO()
    page.save(out, format="png")
    assert pages.white_below(out.getvalue()) == pytest.approx(white, abs=0.01)


def test_contents_stand_in_two_columns_and_name_every_chapter_once(printed, blocks):
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(printed)).pages[:2]).split())
    contents = text[text.rindex("Contents ") : text.rindex("How to read this report")]  # where it is a heading
    assert all(block.text in contents for block in blocks if isinstance(block, Heading) and block.level == 2)
