from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from evaluation.disclosure.release import EventPoint, EventStudy, FlowLine, Shown, Trend, TrendLine
from evaluation.reporting import figures, time_figures
from evaluation.reporting.blocks import Figure
from evaluation.reporting.fonts import text_width
from tests.reporting.sample import SAMPLES, blocks_from
from tests.reporting.sample_parts import interval, number

NAMESPACE = "{http://www.w3.org/2000/svg}"
SLACK = 1.0  # points: side bearings, which the measured advance widths include
PALETTE = {
    "#12436d",
    "#f46a25",
    "#3d3d3d",
    "#28a197",
    "#a63b00",
    "#6c8fb0",
    "#cfd9e2",
    "#0b0c0c",
    "#505a5f",
    "#b1b4b6",
    "#f3f2f1",
    "#dee0e2",
    "#ffffff",
    "#0f6b64",
}


def words_of(svg: str) -> list[tuple[str, float, float, float, float, float]]:
    """Every line of text of a chart: words, left, top, right, bottom, size; measured by the font's own advance widths."""
    found = []
    for element in ET.fromstring(svg).iter(f"{NAMESPACE}text"):
        style = element.attrib["style"]
        size = float(re.search(r"([\d.]+)px", style)[1])
        weight = 700 if "700" in style or "bold" in style else 400
        width = text_width(element.text, size, weight)
        x, y = float(element.attrib.get("x", 0)), float(element.attrib.get("y", 0))
        if move := re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", element.attrib.get("transform", "")):
            x, y = x + float(move[1]), y + float(move[2])
        left = x - width * {"middle": 0.5, "end": 1.0}.get(re.search(r"text-anchor: (\w+)", style)[1] if "text-anchor" in style else "", 0.0)
        found.append((element.text, left, y - 0.7 * size, left + width, y + 0.2 * size, size))
    return found


def assert_legible(svg: str) -> None:
    """No word cut, no word over another, none below 12 points."""
    _, _, wide, tall = (float(part) for part in ET.fromstring(svg).attrib["viewBox"].split())
    words = words_of(svg)
    assert words
    for text, left, top, right, bottom, size in words:
        assert size >= 12, text
        assert left >= -SLACK and right <= wide + SLACK and top >= -SLACK and bottom <= tall + SLACK, f"{text!r} is cut"
    for n, (text, left, top, right, bottom, _) in enumerate(words):
        for other, left2, top2, right2, bottom2, _ in words[:n]:
            assert right <= left2 + SLACK or right2 <= left + SLACK or bottom <= top2 + SLACK or bottom2 <= top + SLACK, (
                f"{text!r} lies over {other!r}"
            )


def charts() -> list[Figure]:
    return [block for make in SAMPLES.values() for block in blocks_from(make()) if isinstance(block, Figure)]


@pytest.fixture(scope="module")
def drawn() -> list[Figure]:
    found = charts()
    assert len(found) > len(SAMPLES)
    return found


def test_every_word_of_every_chart_is_whole_apart_and_large_enough(drawn):
    for figure in drawn:
        assert_legible(figure.svg)


def test_charts_are_the_same_bytes_each_time(drawn):
    assert [figure.svg for figure in charts()] == [figure.svg for figure in drawn]


def test_charts_use_the_house_colours_only(drawn):
    for figure in drawn:
        assert {colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", figure.svg)} <= PALETTE


def test_charts_carry_no_date_no_metadata_and_no_style_sheet(drawn):
    for figure in drawn:
        assert not re.search(r"<metadata|<style|<script|dc:|http://(?!www\.w3\.org)", figure.svg)


def test_no_chart_has_more_marks_than_numbers_behind_it(drawn):
    for figure in drawn:
        marks = figure.svg.count("<use ")
        numbers = sum(len(row) - 1 for row in figure.data.rows)
        assert marks <= numbers + 40, figure.id  # ticks of the axes are drawn as marks too


def test_alternative_text_holds_the_estimates_that_count():
    content = SAMPLES["council"]()
    alt = time_figures.event_study(content.event_studies[0]).alt
    after = next(point for point in content.event_studies[0].points if point.phase == "after")
    assert after.label in alt and after.estimate.text.replace("-", "\u2212") in alt and "early start" in alt


def _study(phases: list[str], *, scale: float = 1.0) -> EventStudy:
    points = tuple(
        EventPoint(event_time=t, label=str(t - 4), phase=phase, estimate=number(scale * (t % 5 - 2), 2, True),
                   lower=number(scale * (t % 5 - 4), 2, True), upper=number(scale * (t % 5), 2, True))
        for t, phase in enumerate(phases))  # fmt: skip
    return EventStudy(outcome="o", label="O", title="T", subtitle="Gap, points", points=points, pre_trend="")


@pytest.mark.parametrize("scale", [0.01, 1.0, 1234.0])
@pytest.mark.parametrize(
    "phases", [["before", "base", "after"], ["before"] * 6 + ["base"] + ["left_out"] + ["after"] * 8, ["before"] * 2 + ["base", "left_out", "after"]]
)
def test_event_studies_of_any_length_and_scale_are_legible(phases, scale):
    assert_legible(time_figures.event_study(_study(phases, scale=scale)).svg)


def test_what_is_not_the_programmes_effect_is_drawn_hollow_and_named():
    svg = time_figures.event_study(SAMPLES["council"]().event_studies[0]).svg
    assert "Early start against later start" in svg
    hollow = svg.lower().count(f"fill: #ffffff; stroke: {figures.PALE_BLUE.lower()}")
    assert hollow >= 8  # the seven later points and the one left out


def test_a_missing_number_leaves_a_gap_in_a_line_and_is_not_zero():
    held = Shown(value=None, text="[x]", symbol="[x]")
    values = (number(5), number(6), held, number(5), number(6))
    line = TrendLine(name="Councils", values=values)
    svg = time_figures.trend(Trend(outcome="o", label="O", title="T", subtitle="S", periods=tuple("abcde"), lines=(line,))).svg
    path = max(re.findall(r'<path d="([^"]*)"[^>]*stroke: #12436d', svg), key=len)
    assert path.count("M") == 2


def test_names_at_the_ends_of_lines_are_pushed_apart_and_stay_inside():
    placed = time_figures._apart([50, 50, 51], [15, 30, 15], 130)
    gaps = [b - a for a, b in zip(placed, placed[1:], strict=False)]
    assert gaps[0] >= 22.5 and gaps[1] >= 22.5
    assert time_figures._apart([128, 129], [15, 15], 130)[-1] <= 122.5


def test_a_flow_of_one_held_stage_still_draws():
    drawing = figures.flow([FlowLine(label="Families who joined", count=Shown(value=None, text="[c]", symbol="[c]"))])
    assert "[c]" in drawing.svg and "[c]" in drawing.alt


def test_long_names_large_numbers_and_many_rows_stay_legible():
    content = SAMPLES["council"]()
    long = "Share of families with an adult of working age who claims an out-of-work benefit"
    rows = tuple(line.model_copy(update={"covariate": f"{long} {n}"}) for n, line in enumerate(content.balance * 3))
    assert_legible(figures.balance(rows).svg)
    earnings = content.outcomes[0].model_copy(
        update={"label": long, "change_unit": "pounds a year at prices of 1982", "effect": interval(-15204.8, 18345.1, "robust", 0)}
    )
    assert_legible(figures.effects([earnings, *content.outcomes, earnings.model_copy(update={"outcome": "second"})]).svg)
    stages = [FlowLine(label=f"{long} {n}", count=number(1000 * n, 0), reason="" if n % 3 else long, level=int(n % 3 == 2)) for n in range(9)]
    assert_legible(figures.flow(stages).svg)
    trend = content.trends[0]
    lines = tuple(line.model_copy(update={"name": f"{line.name} in the whole of the region"}) for line in (*trend.lines, trend.lines[0]))
    marks = tuple((n, f"{long} {n}") for n in (3, 4, 5, 6, 7))
    assert_legible(time_figures.trend(trend.model_copy(update={"lines": lines, "marks": marks})).svg)


def test_marks_of_one_period_share_a_rule_and_are_both_explained():
    trend = SAMPLES["council"]().trends[0].model_copy(update={"marks": ((2, "A new census"), (3, "Schools change"), (3, "Programme starts"))})
    drawing = time_figures.trend(trend)
    assert_legible(drawing.svg)
    told = [text for text, *_ in words_of(drawing.svg)]
    assert told.count("A") == told.count("B, C") == 1 and not {"B", "C"} & set(told)
    assert {"A: A new census", "B: Schools change", "C: Programme starts"} <= set(told) and "Mark C: Programme starts." in drawing.alt


@pytest.mark.parametrize("gap", [-9.0, -2.7, 0.0, 2.1, 12.0])
def test_an_areas_own_gap_is_legible_wherever_it_lies(gap):
    assert_legible(figures.placebo(SAMPLES["council"]().placebos[1].model_copy(update={"gap": number(gap, 1, True)})).svg)


def test_overlap_of_one_full_bin_is_legible():
    shown = SAMPLES["council"]().overlap
    full = tuple(number(100.0 * (j == 0)) for j in range(len(shown.treated)))
    assert_legible(figures.overlap(shown.model_copy(update={"treated": full, "comparison": full}), plural="families").svg)
