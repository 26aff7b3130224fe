"""Full pages: how empty each page of a report is, measured on the finished file, and the ways in which pages are filled."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader

from evaluation.reporting import pages, pdf
from evaluation.reporting.blocks import Bullets, Contents, Cover, Figure, Heading, Paragraph, Table
from tests.reporting.emptiness import empty_shares

COVER = Cover(title="T", council="C", question="Q?", date="2026-11-24", reference="R", stem="s", simulated=False)


def figure(id: str, height: int = 300) -> Figure:
    size = f'width="482" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 482 {height}"><rect {size}/></svg>'
    table = Table(id=id.replace("fig", "data"), title="D", columns=("Who", "N"), rows=(("a", "1"),))
    return Figure(id=id, title="T", subtitle="S", alt="A chart of a number that is 1 in this example of a chart.", source="S.", svg=svg, data=table)


def table(id: str, rows: int) -> Table:
    return Table(id=id, title="T", columns=("Who", "N"), rows=tuple((f"row {n}", str(n)) for n in range(rows)))


def test_no_page_of_a_report_is_more_than_a_third_empty(printed):
    shares = empty_shares(printed)
    assert max(shares) <= 1 / 3, [f"page {n}: {share:.2f}" for n, share in enumerate(shares, start=1) if share > 1 / 3]


def test_a_chart_that_does_not_fit_lets_what_follows_stand_before_it_and_stays_under_its_heading():
    told = (Paragraph(text="word " * 300), Heading(text="One", id="sec-one"), figure("fig-one", 500), table("tab-one", 30), Bullets(items=("b",)))
    blocks = (COVER, Contents(), *told, Heading(text="Two", id="sec-two"), Paragraph(text="word " * 900))
    shares, made = empty_shares(pdf.document(blocks)), pdf.settled(blocks)
    before = pdf.emptiness(pdf.source(blocks))
    assert max(before[:-1]) > 1 / 3 and max(shares[:-1]) <= 1 / 3
    assert made.index("<sec-one>") < made.index("<tab-one>") < made.index("<fig-one>") < made.index("<sec-two>")


def test_the_last_page_is_filled_by_the_air_of_the_last_part():
    rows = (Heading(text="Tables", id="sec-tables", last_part=True), *(table(f"tab-{n}", 28) for n in range(4)))
    blocks = (COVER, Contents(), Heading(text="One", id="sec-one"), Paragraph(text="word " * 300), *rows)
    assert pdf.emptiness(pdf.source(blocks))[-1] > 1 / 3 >= empty_shares(pdf.document(blocks))[-1]


def test_charts_keep_their_order_among_charts_and_tables_among_tables():
    blocks = (Heading(text="One", id="sec-one"), figure("fig-a"), Paragraph(text="p"), table("tab-a", 3), figure("fig-b"), table("tab-b", 3))
    order = [getattr(block, "id", "p") for block in pages.pulled(blocks, 1, {"fig-a": 2, "tab-a": 2, "fig-b": 2, "tab-b": 3})]
    assert order == ["sec-one", "p", "tab-a", "fig-a", "fig-b", "tab-b"]
    assert [getattr(block, "id", "p") for block in pages.pulled(blocks, 2, {"tab-b": 3})] == [getattr(block, "id", "p") for block in blocks]
    after_table = (table("tab-a", 3), table("tab-b", 3))
    assert pages.pulled(after_table, 1, {"tab-a": 2, "tab-b": 2}) == after_table
    under_another = (figure("fig-a"), Heading(text="Two", id="sec-two"), Paragraph(text="p"))
    assert pages.pulled(under_another, 1, {"fig-a": 2}) == under_another


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


def test_air_is_chosen_nearest_to_the_usual_and_learns_from_what_was_tried():
    assert pages.air_for([(1.0, 9.5)]) == pytest.approx(1 + 0.22 / pages.STRETCH)            # to 9.72 rather than back to 8.97
    assert pages.air_for([(1.0, 9.1)]) == pytest.approx(1 - 0.13 / pages.STRETCH)            # to 8.97 rather than on to 9.72
    assert pages.air_for([(1.0, 9.5), (1.2, 9.6)]) == pytest.approx(1 + 0.22 / 0.5)          # half a page for twice the air
    assert 1.0 < pages.air_for([(1.0, 9.5), (1.24, 9.5)]) <= pages.MOST_AIR                  # nothing learnt: some air
    assert pages.air_for([(1.0, 9.5), (1.2, 9.51)]) <= pages.MOST_AIR                        # none is in reach


def test_contents_stand_in_two_columns_and_name_every_chapter_once(printed, blocks):
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(printed)).pages[:2]).split())
    contents = text[text.rindex("Contents ") : text.rindex("How to read this report")]  # where it is a heading
    assert all(block.text in contents for block in blocks if isinstance(block, Heading) and block.level == 2)
