"""The data officer's page: every count and rule on it, no value, readable by machine and by keyboard."""
from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.ingest.reading import inspect_extracts
from evaluation.reporting.quality import quality_page
from tests.faults.case import corpus_dictionary
from tests.faults.families import covered_to_2013
from tests.faults.writing import event_text, raw, table
from tests.reporting.test_html import Reader

DAYS = ("2012-01-31", "2012-02-31", "soon", "31/12/9999")


def page_of(folder: Path, write, **options) -> str:
    folder.mkdir()
    write(folder)
    dictionary = corpus_dictionary()
    found = inspect_extracts(folder, dictionary, room=folder.parent / "room")
    return quality_page(found.tables, refused=found.faults, dictionary=dictionary, **options)


@pytest.fixture
def page(tmp_path) -> str:
    """Four events: one kept as it is, one on a day that does not exist, one that is no day, one whose day stands for none."""
    return page_of(tmp_path / "delivery", raw("events.csv", event_text(*DAYS).encode()))


def test_the_page_is_whole_and_can_be_used_without_seeing_it(page):
    read = Reader(page)
    assert read.open == [] and len(read.all("h1")) == 1 and read.all("html") == [{"lang": "en-GB"}]
    assert len(read.all("caption")) == len(read.all("table")) > 3
    assert {link["href"].removeprefix("#") for link in read.all("a")} <= {attributes.get("id") for _, attributes in read.elements}
    assert all(region.get("tabindex") == "0" for region in read.all("div") if region.get("role") == "region") and not read.all("script")
    assert all(head.get("scope") in ("col", "row") for head in read.all("th"))


def test_the_page_counts_rows_and_names_rules_and_first_rows_but_no_value(page):
    assert '<th scope="row" class="text">events</th><td>4</td><td>2</td><td>2</td><td>0</td><td>1</td>' in page
    assert "2 of 4 rows were kept in 1 table; 2 rows were set aside." in page
    assert "the calendar has none of these [no_such_date]" in page and "<td>1</td><td>3</td>" in page and "[sentinel_date]" in page
    assert "QZX" not in page and "soon" not in page and "2012-02-31" not in page and "SIMULATED" not in page


def test_a_refused_delivery_is_described_too(tmp_path):
    page = page_of(tmp_path / "delivery", raw("events.csv", b""), simulated=True)
    assert "The delivery is refused: events must be mended first" in page and "[empty_file]" in page and page.count("SIMULATED DATA") >= 2


def test_linkage_and_empty_cells_are_shown_by_pool(tmp_path):
    def write(folder: Path) -> None:
        covered_to_2013(folder)
        links = (folder / "links.csv").read_text().replace("QZXP000,police,linked", "QZXP000,police,not_linked")
        links = links.replace("QZXP020,police,linked\n", "")
        (folder / "links.csv").write_text(links)

    page = page_of(tmp_path / "delivery", write)
    # ten families joined and twenty did not, with two people each: one person of each pool is not linked to the police, one by a row and one by none
    row = '<tr><th scope="row" class="text">police</th><td class="text">{}</td><td>{}</td><td>{}</td></tr>'
    assert row.format("linked", "19 of 20 (95%)", "39 of 40 (98%)") in page
    assert row.format("sought and not found", "1 of 20 (5%)", "0 of 40 (0%)") in page
    assert row.format("no word", "0 of 20 (0%)", "1 of 40 (2%)") in page
    assert '<td class="text">entry_date</td><td>0 of 10 (0%)</td><td>20 of 20 (100%)</td>' in page


def test_an_incident_that_names_only_a_person_counts_in_that_persons_pool(tmp_path):
    def write(folder: Path) -> None:
        covered_to_2013(folder)
        rows = (("I1", "QZXP000", ""), ("I2", "", "QZXF020"), ("I3", "QZXP020", "QZXF020"))     # one of a family that joined, two of one that did not
        table("asb_incidents", ("incident_id", "date", "incident_type", "action", "person_id", "family_id"),
              *((number, "2012-05-01", "nuisance", "none", person, family) for number, person, family in rows))(folder)

    page = page_of(tmp_path / "delivery", write)
    assert '<td class="text">person_id</td><td>0 of 1 (0%)</td><td>1 of 2 (50%)</td>' in page
    assert '<td class="text">family_id</td><td>1 of 1 (100%)</td><td>0 of 2 (0%)</td>' in page
