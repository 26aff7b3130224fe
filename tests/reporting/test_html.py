from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.errors import ReportError
from evaluation.reporting import canvas, html
from evaluation.reporting.blocks import Figure, Paragraph, Table
from evaluation.reporting.brand import HOUSE

VOID = {"meta", "path", "use", "link", "br", "img", "rect", "line"}


class Reader(HTMLParser):
    """Elements with their attributes, and whether every tag was closed."""

    def __init__(self, page: str):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def read(page) -> Reader:
    return Reader(page)


def contrast(a: str, b: str) -> float:
    """Ratio of WCAG 2.2, definition 'contrast ratio'."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_tag_is_closed(read):
    assert read.open == []


def test_the_page_has_one_h1_a_language_a_title_and_a_skip_link(read, content):
    assert len(read.all("h1")) == 1 and len(read.all("main")) == 1
    assert read.all("html") == [{"lang": "en-GB"}]
    assert read.all("a")[0] == {"class": "skip", "href": "#main"}


def test_the_page_needs_nothing_from_outside_and_runs_no_script(page, read):
    assert not read.all("script") and not read.all("link") and not read.all("iframe")
    beside = {attributes["href"] for attributes in read.all("a") if not attributes["href"].startswith("#")}
    assert {Path(name).suffix for name in beside} == {".pdf", ".ods", ".xlsx"} and len({Path(name).stem for name in beside}) == 1
    assert set(re.findall(r"""(?:src|href)=["']((?!#|data:)[^"']*)""", page)) == beside
    assert re.findall(r"url\(((?!#|data:)[^)]*)\)", page) == []
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)


def test_ids_are_unique_and_every_link_inside_the_page_leads_somewhere(read):
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {attributes["href"][1:] for attributes in read.all("a") if attributes["href"].startswith("#")} | {
        attributes["aria-labelledby"] for _, attributes in read.elements if "aria-labelledby" in attributes
    }
    wanted |= {attributes["xlink:href"][1:] for attributes in read.all("use")}
    assert wanted <= set(ids)


def test_headings_do_not_skip_a_level(read):
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    main = levels[levels.index(1) :]
    assert all(after <= before + 1 for before, after in zip(main, main[1:], strict=False))


def test_every_table_has_a_caption_and_headers_with_scope(page):
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert tables
    for table in tables:
        assert "<caption" in table and all('scope="' in head for head in re.findall(r"<th\b[^>]*>", table))
        body = table[table.index("<tbody>") :]
        assert all(row.startswith('<th scope="row"') for row in re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL))


def test_every_chart_is_one_image_with_alternative_text_and_its_data_in_a_table(page, blocks):
    charts = re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL)
    assert len(charts) == sum(isinstance(block, Figure) for block in blocks)
    for chart in charts:
        assert re.search(r'<svg role="img" aria-label="[^"]{40,}"', chart)
        assert re.search(r"<details><summary>Data behind Figure \d+</summary>.*<table", chart, flags=re.DOTALL)


def test_every_table_block_has_its_number(page, blocks):
    for n in range(1, 1 + sum(isinstance(block, Table) for block in blocks)):
        assert f"Table {n}." in page


def test_simulated_data_are_named_in_title_and_banner_and_real_data_are_not(page, content):
    title = re.search(r"<title>(.*?)</title>", page)[1]
    assert (html.SIMULATED in title) == content.study.simulated
    assert ('<p class="simulated">SIMULATED DATA' in page) == content.study.simulated
    assert ("@page" in page) == content.study.simulated


@pytest.mark.parametrize(
    "ink, ground",
    [
        ("#0b0c0c", "#ffffff"),
        ("#505a5f", "#ffffff"),
        ("#505a5f", "#f3f2f1"),
        ("#1a5a9a", "#ffffff"),
        ("#ffffff", "#801650"),
        ("#ffffff", HOUSE),
        ("#a63b00", "#ffffff"),
    ],
)
def test_words_stand_out_from_their_ground_at_four_and_a_half_to_one(ink, ground):
    assert contrast(ink, ground) >= 4.5


@pytest.mark.parametrize("mark", [canvas.BLUE, canvas.PALE_BLUE, canvas.GREY, canvas.TURQUOISE])
def test_marks_stand_out_from_white_at_three_to_one(mark):
    assert contrast(mark, "#ffffff") >= 3  # the palette's orange reaches 2.9: it always has a shape and words of its own


def test_blocks_without_a_cover_make_no_page():
    with pytest.raises(ReportError, match="one cover"):
        html.document([Paragraph(text="alone")])
