"""The colour of a council's own reports: taken from its row, refused where it is none, and always dark enough to be read."""

from __future__ import annotations

import dataclasses

import pytest

from evaluation.errors import ReportError
from evaluation.locations import project_file
from evaluation.reporting import brand, html, typst_source
from tests.reporting.test_html import contrast
from tests.reporting.test_pdf import COVER


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A function that makes the file of colours."""

    def made(*rows: str) -> None:
        (tmp_path / brand.FILE).write_text("\n".join(("council_code,colour", *rows)) + "\n", encoding="utf-8")
        monkeypatch.setattr(brand, "project_file", lambda name: tmp_path)

    return made


def test_a_council_with_a_row_has_its_own_colour_and_others_have_the_houses(colours):
    colours("E06000022,#005C5C")
    assert (brand.colour_of("E06000022"), brand.colour_of("E08000015"), brand.colour_of("all")) == ("#005C5C", brand.HOUSE, brand.HOUSE)


@pytest.mark.parametrize("colour", ["", "green", "#12345", "#12436G", "12436D", "#12436D;}"])
def test_what_is_no_colour_is_refused_with_where_and_how_to_mend(colours, colour):
    colours(f"E06000022,{colour}")
    with pytest.raises(ReportError, match=r"(?s)colour of E06000022 must be # and six.*brand_colours.csv. Mend its row"):
        brand.colour_of("E06000022")


@pytest.mark.parametrize("colour", ["#12436D", "#ffdd00", "#FFFFFF", "#00a5e3", "#767676", "#777777"])
def test_a_colour_is_darkened_until_it_reads_at_four_and_a_half_to_one_and_no_further(colour):
    shown = brand.legible(colour)
    assert contrast(shown, "#ffffff") >= 4.5 and contrast(shown, "#ffffff") < max(contrast(colour, "#ffffff"), 4.5) + 0.3
    assert (shown == colour) == (contrast(colour, "#ffffff") >= 4.5)


def test_both_editions_use_the_colour_that_can_be_read():
    cover = dataclasses.replace(COVER, colour="#ffdd00")
    page, layout = html.document([cover]), typst_source._layout(cover)
    assert f".band{{background:{brand.legible('#ffdd00')}" in page and ".number{color:" + brand.legible("#ffdd00") in page
    assert brand.legible("#ffdd00") in layout and "ffdd00;color:#fff" not in page and "BRAND" not in page


def test_every_row_that_is_shipped_is_a_colour():
    lines = (project_file("data_dictionary") / brand.FILE).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "council_code,colour" and all(brand.checked(line.split(",")[1], line) for line in lines[1:])
