"""The summary of all councils: whom it covers, how far councils differ, and no council told apart."""

from __future__ import annotations

import pytest

from evaluation.reporting import beside, national
from evaluation.reporting.blocks import Figure, Heading, Table
from tests.reporting.sample import SAMPLES
from tests.reporting.sample_parts import number


@pytest.fixture(scope="module")
def summary():
    return SAMPLES["national"]()


@pytest.fixture(scope="module")
def section(summary):
    return tuple(national.councils_together(summary))


def test_it_says_whom_it_covers_and_how_far_councils_differ(section, summary):
    tables = {block.id: block for block in section if isinstance(block, Table)}
    shown = summary.beside[0]
    result = next(result for result in summary.outcomes if result.outcome == shown.outcome)
    assert tables["tab-coverage"].rows[0][0] == result.label and tables["tab-coverage"].rows[0][3:] == ("9", "1")
    assert tables["tab-spread"].rows[0][2:] == ("0.9 (0.0 to 2.1)", "38%", "\N{MINUS SIGN}2.8 to \N{MINUS SIGN}1.0")


def test_no_council_is_named_in_the_chart_or_its_table(section, summary):
    charts = [block for block in section if isinstance(block, Figure)]
    assert len(charts) == len(summary.beside) > 0
    for chart in charts:
        assert {row[0] for row in chart.data.rows[:-2]} == {"A council"} and summary.council.name not in chart.svg


def test_a_chart_says_what_its_dashed_line_and_its_band_are_where_it_has_them(section, summary):
    line, band = ". Dashed line: the mean of the councils' effects", ". Shaded band: where another council's true effect would probably lie"
    assert all(chart.subtitle.endswith(line + band) for chart in section if isinstance(chart, Figure))
    hidden = number(0.0, 1).model_copy(update={"value": None, "text": "[c]", "symbol": "[c]"})
    shown = summary.beside[0]
    assert beside.drawn_beside(shown.model_copy(update={"mean": hidden}), "council") == band
    assert beside.drawn_beside(shown.model_copy(update={"upper": hidden}), "area") == ". Dashed line: the mean of the areas' effects"


def test_only_the_summary_has_these_pages_and_only_a_councils_report_the_other(summary):
    family = SAMPLES["family"]()
    assert tuple(national.councils_together(family)) == () and tuple(beside.beside_others(summary)) == ()
    assert any(isinstance(block, Heading) for block in beside.beside_others(family))


def test_the_words_follow_the_spread(summary):
    def told(**numbers) -> str:
        shown = summary.beside[0]
        spread = shown.spread.model_copy(update={name: number(value, 1) for name, value in numbers.items()})
        return national.spread_in_words(shown.model_copy(update={"spread": spread}))

    assert told().startswith("As the best guess, 38% of the scatter") and "no spread at all would fit" in told()
    assert told(tau_lower=0.4).startswith("38% of the scatter") and "0.9 (0.4 to 2.1)" in told(tau_lower=0.4)
    assert "no spread at all" not in told(tau_lower=0.4)
    assert told(tau=0.0, tau_upper=0.0).startswith("The estimates scatter even less than chance would make them")
    nothing = summary.beside[0].spread.model_copy(update={"tau_upper": number(0.0, 1)})
    assert national.tau_in_words(nothing) == "less than chance gives"
    assert "no more than small numbers" in told(tau=0.0) and "up to 2.1" in told(tau=0.0)
    assert national.spread_in_words(summary.beside[0].model_copy(update={"spread": None})) == summary.beside[0].sentence


def test_areas_of_councils_are_told_as_areas(summary):
    areas = summary.model_copy(update={"study": summary.study.model_copy(update={"unit": "council", "unit_plural": "councils"})})
    section = tuple(national.councils_together(areas))
    headings = [block.text for block in section if isinstance(block, Heading)]
    assert headings == ["All areas together", "Every area's effect"]
    tables = {block.id: block for block in section if isinstance(block, Table)}
    assert tables["tab-coverage"].columns == ("Main outcome", "Programme councils", "Comparison councils", "Areas shown", "Areas without figures")
    assert tables["tab-spread"].columns[2:] == ("Spread of areas (95% interval)", "Share not chance", "Another area's true effect")
    told = " ".join([block.text for block in section if hasattr(block, "text")] + [item for block in section for item in getattr(block, "items", ())])
    assert "All areas began in the same month" in told and "one area's effect" in told and "Another council" not in told and "famil" not in told
    assert "scatter of areas' estimates" in national.spread_in_words(areas.beside[0], "area")
    for chart in (block for block in section if isinstance(block, Figure)):
        assert "areas. " in chart.alt and chart.data.columns[0] == "Area" and {row[0] for row in chart.data.rows[:-2]} == {"An area"}
        assert "Areas with most councils first" in chart.svg
