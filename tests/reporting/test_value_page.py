"""The section on value for money as blocks, HTML and PDF."""

from __future__ import annotations

import re

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.value import present_value
from evaluation.findings.worth import Worth
from evaluation.reporting import html, pdf, value_page
from evaluation.reporting.blocks import Figure, Table
from tests.findings.worths import FAMILIES, plan, results, worth
from tests.reporting.sample import SAMPLES, blocks_from
from tests.value.cases import case


@pytest.fixture(scope="module")
def content(dictionary):
    """A release of families with the worked example as its value; it has fees, and families without a match."""
    ledger = Ledger(profile=RULES["ten_five"])
    made = worth(given=case(unmatched=25.0), unmatched=25.0, fees=50_000.0)
    return SAMPLES["family"]().model_copy(update={"value": present_value(made, results(dictionary, ledger), ledger, FAMILIES)})


@pytest.fixture(scope="module")
def section(content):
    return tuple(value_page.value_for_money(content))


def test_a_release_without_value_has_no_section():
    assert tuple(value_page.value_for_money(SAMPLES["family"]())) == ()


@pytest.mark.parametrize("status", ["not_shown", "not_estimated"])
def test_a_release_whose_value_may_not_be_shown_says_why_and_nothing_else(status):
    value = present_value(Worth(plan=plan(), status=status, reason="few stand behind it"), [], Ledger(profile=RULES["ten_five"]), FAMILIES)
    heading, told = value_page.value_for_money(SAMPLES["family"]().model_copy(update={"value": value}))
    assert heading.id == "sec-value" and "few stand behind it" in told.text


def test_the_section_holds_who_pays_the_tornado_the_contrast_and_the_assumptions(section):
    ids = [block.id for block in section if isinstance(block, (Figure, Table))]
    assert ids == ["tab-value-lenses", "fig-value-agencies", "tab-value-outcomes", "tab-value-contrast", "fig-value-tornado", "tab-value-assumptions"]


def test_each_chart_has_its_data_beside_it_and_its_numbers_in_words(section, content):
    gains, tornado = (block for block in section if isinstance(block, Figure))
    assert [row[0] for row in gains.data.rows] == [line.label for line in content.value.agencies] and "Fees" in gains.data.columns
    assert [row[0] for row in tornado.data.rows] == [line.label for line in content.value.swings]
    council_line = content.value.agencies[0]
    bars = f"Council gains {council_line.gains.estimate.text}, pays {council_line.pays.text}, fees {council_line.fees.text}"
    assert f"{bars}, net {council_line.net.text}" in gains.alt and "Fees passed on" in gains.svg
    assert content.value.net.estimate.text in tornado.alt
    for figure in (gains, tornado):
        assert "GMCA unit cost database v1.4" in figure.source and figure.source.startswith("Simulated data.")


def test_fees_have_no_column_where_there_are_none(content):
    lines = tuple(line.model_copy(update={"fees": line.fees.model_copy(update={"value": 0.0, "text": "£0"})}) for line in content.value.agencies)
    without = content.model_copy(update={"value": content.value.model_copy(update={"agencies": lines})})
    gains = next(block for block in value_page.value_for_money(without) if isinstance(block, Figure))
    assert gains.data.columns == ("Agency", "Level", "Gains (95% range)", "Pays", "Net")


def test_both_editions_hold_the_section_with_the_same_pounds(content):
    blocks = blocks_from(content)
    page, printed = html.document(blocks), pdf.document(blocks)
    assert printed.startswith(b"%PDF") and 'id="sec-value"' in page
    for text in (content.value.net.estimate.text, content.value.agencies[0].pays.text):
        assert text in page
    titles = re.findall(r"<title>(.*?)</title>", page)
    assert titles and page.count("<table") == page.count("</table>")


def test_pounds_stand_flush_right_and_a_minus_is_never_parted_from_its_pounds(section):
    lenses, contrast = (block for block in section if isinstance(block, Table) and block.id in ("tab-value-lenses", "tab-value-contrast"))
    assert lenses.numeric()[1:6] == (True,) * 5 and contrast.numeric() == (False, True)
    cells = [cell for table in (lenses, contrast) for row in table.rows for cell in row]
    assert any("\N{MINUS SIGN}" in cell for cell in cells) and not any("\N{MINUS SIGN}£" in cell for cell in cells)
