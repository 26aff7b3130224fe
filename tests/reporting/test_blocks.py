from __future__ import annotations

import dataclasses
import json

import pytest

from evaluation.errors import ReportError
from evaluation.reporting.blocks import KINDS, MIME, Bullets, Figure, Heading, Paragraph, Section, Table, blocks_of, from_json, numbering

SVG = '<svg viewBox="0 0 1 1"></svg>'
DATA = Table(id="data-a", title="Data", columns=("Period", "Gap"), rows=(("2011/12", "\u22120.2"),))


def figure(**changes) -> Figure:
    return Figure(
        **(
            {"id": "fig-a", "title": "Absence fell", "subtitle": "per cent", "source": "Source: made up.", "svg": SVG, "data": DATA}
            | {"alt": "Line chart: absence fell from 6.3 to 5.4 per cent in five years."}
            | changes
        )
    )


def test_a_block_equals_what_its_json_copy_makes(blocks):
    for block in blocks:
        assert from_json(json.loads(json.dumps(block.to_json()))) == block


def test_the_samples_use_every_kind_of_block(blocks, content):
    if not content.study.simulated:
        assert {block.kind for block in blocks} == set(KINDS)


def test_a_block_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Paragraph(text="as it was").text = "otherwise"


@pytest.mark.parametrize("alt", ["", "Absence fell 6.3", "Line chart of the rate of absence, which fell from year to year without a number"])
def test_a_figure_without_a_telling_alternative_text_is_refused(alt):
    with pytest.raises(ReportError, match="alternative text"):
        figure(alt=alt)


@pytest.mark.parametrize("changes", [{"rows": (("only one",),)}, {"title": ""}, {"columns": ("Period", "")}])
def test_a_table_that_does_not_fit_together_is_refused(changes):
    with pytest.raises(ReportError, match="Table data-a"):
        dataclasses.replace(DATA, **changes)


def test_a_notebook_output_carries_the_json_copy_beside_the_html():
    bundle = Section((Paragraph(text="One"), Bullets(items=("Two",))))._repr_mimebundle_()
    assert [plain["kind"] for plain in bundle[MIME]] == ["paragraph", "bullets"]
    assert bundle["text/html"] == "<p>One</p>\n<ul><li>Two</li></ul>"


def test_only_blocks_leave_an_executed_notebook():
    row = {"output_type": "execute_result", "data": {"text/html": "<table>row of a family</table>"}}
    shown = {"output_type": "execute_result", "data": Paragraph(text="A finding.")._repr_mimebundle_()}
    notebook = {"cells": [{"cell_type": "markdown"}, {"outputs": [row]}, {"outputs": [{"output_type": "stream", "text": "row"}, shown]}]}
    assert blocks_of(notebook) == (Paragraph(text="A finding."),)


def test_a_block_of_an_unknown_kind_is_refused():
    with pytest.raises(ReportError, match="must be one of"):
        from_json({"kind": "script", "text": "x"})


def test_figures_and_tables_are_numbered_apart_in_order_of_appearance():
    second = dataclasses.replace(DATA, id="tab-b")
    numbers = numbering((dataclasses.replace(DATA, id="tab-a"), figure(), second, Heading(text="Methods", id="sec-m")))
    assert numbers == {"tab-a": "Table 1", "fig-a": "Figure 1", "tab-b": "Table 2", "sec-m": "Methods"}


def test_a_reference_becomes_a_link_with_the_number_and_unknown_ones_stay_words():
    made = Paragraph(text="@tab-a shows it; ask a@fig-x").html({"tab-a": "Table 1"})
    assert made == '<p><a href="#tab-a">Table 1</a> shows it; ask a@fig-x</p>'


def test_text_cannot_become_markup():
    assert Paragraph(text='<script>alert("x")</script>').html() == "<p>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</p>"


def test_columns_of_numbers_and_symbols_are_known_from_columns_of_words():
    rows = (("a", "1,200", "fell in 2011", "\u22120.3\u00a0(\u22121.0\u00a0to\u00a00.4)"), ("b", "[c]", "rose, as 48 people said", "[x]"))
    table = Table(id="t", title="T", columns=("Who", "Number", "Words", "Interval"), rows=rows)
    assert table.numeric() == (False, True, False, True)
