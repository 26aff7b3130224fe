"""Charts of who is compared and of effects, as SVG with text as text: protected numbers in, picture and alternative text out.

Only aggregates are drawn: no chart has a mark for a single family. Charts over time are in `time_figures.py`, the page they are drawn on in
`canvas.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from evaluation.disclosure.release import BalanceLine, BesideCouncils, FlowLine, OutcomeResult, Overlap, Placebo, Shown
from evaluation.reporting.canvas import (
    BLUE,
    GREY,
    INK,
    LINE,
    MUTED,
    ORANGE,
    ORANGE_WORDS,
    PALE_BLUE,
    RULE,
    SOFT,
    WIDTH,
    Drawing,
    above,
    blank,
    chart,
    give_room,
    key_above,
    mark,
    page_in_points,
    right_of,
    row_centres,
    side_of,
    svg_of,
    whole_ticks,
)
from evaluation.reporting.fonts import text_width, wrapped
from evaluation.reporting.words import capital, in_words, interval_in_words, minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALIKE = 0.1  # standardised difference within which two groups are commonly called alike


def flow(lines: Sequence[FlowLine]) -> Drawing:
    """Boxes from all units received down to those analysed; to the right, who left at each stage and why."""
    stages = _stages(lines)
    left, gap, right = 236.0, 15.0, WIDTH - 236.0 - 36.0
    boxes = [
        (_box(in_words(stage.count), stage.label, left), [_box(in_words(line.count), line.label, right, line.reason) for line in gone])
        for stage, gone in stages
    ]
    heights = [max(len(stage) * LINE + 14, sum(len(box) * LINE for box in gone) + 14 if gone else 0) for stage, gone in boxes]
    total = sum(heights) + gap * (len(heights) - 1) + 4
    with page_in_points(total) as (figure, axes):
        y = total - 2
        for number, ((stage, gone), height) in enumerate(zip(boxes, heights, strict=True)):
            _draw_box(axes, 1, y, left, height, stage)
            if gone:
                _draw_box(axes, WIDTH - right - 1, y, right, height, [line for box in gone for line in box], soft=True)
                _arrow(axes, (left + 1, y - height / 2), (WIDTH - right - 2, y - height / 2))
            if number + 1 < len(boxes):
                _arrow(axes, (left / 2, y - height), (left / 2, y - height - gap))
            y -= height + gap
        svg = svg_of(figure, "flow")
    told = "; ".join(f"{line.label} {in_words(line.count)}" for line in lines)
    return Drawing(svg, f"Flow chart of {len(stages)} stages. {told}.")


def balance(lines: Sequence[BalanceLine]) -> Drawing:
    """Love plot: standardised difference of each covariate before and after matching; within 0.1 shaded."""
    lines = sorted(lines, key=lambda line: abs(line.before.value or 0.0))
    label = min(max(text_width(line.covariate) for line in lines), 180.0) + 10
    names = [wrapped(line.covariate, label - 10) for line in lines]
    ys, tall = row_centres([len(name) for name in names], pad=8)
    height = tall + 66
    with chart(height, left=label, right=14, top=26, bottom=40) as (figure, axes):
        axes.axvspan(-ALIKE, ALIKE, color=SOFT, lw=0)
        axes.axvline(0, color=INK, lw=1)
        for y, line in zip(ys, lines, strict=True):
            known = [number.value for number in (line.before, line.after) if number.value is not None]
            axes.plot([min(known, default=0), max(known, default=0)], [y, y], color=RULE, lw=1.5, zorder=1)
            mark(axes, line.before.value, y, "D", face="white", edge=ORANGE)
            mark(axes, line.after.value, y, "o", face=BLUE, edge=BLUE)
            if not known:
                axes.text(0, y, f" {in_words(line.after)}", va="center", color=MUTED)
        axes.set_yticks(ys, ["\n".join(name) for name in names], color=INK)
        axes.set_ylim(0, tall)
        give_room(axes, [number.value for line in lines for number in (line.before, line.after)] + [-0.15, 0.15])
        axes.set_xlabel("Standardised difference (shaded: within 0.1 either way)", color=MUTED, loc="right")
        key_above(figure, height, label, [("D", "white", ORANGE, "Before matching"), ("o", BLUE, BLUE, "After matching")])
        svg = svg_of(figure, "balance")
    before, after = _largest([line.before for line in lines]), _largest([line.after for line in lines])
    told = "; ".join(f"{line.covariate} from {in_words(line.before)} to {in_words(line.after)}" for line in lines[:-7:-1])
    return Drawing(
        svg, f"Dot plot of {len(lines)} characteristics. The largest standardised difference is {before} before matching and {after} after. {told}."
    )


def overlap(shown: Overlap, *, plural: str) -> Drawing:
    """Shares of programme units above the line and of comparison units below it, by bin of the score."""
    height = 205.0
    with chart(height, left=44, right=8, top=4, bottom=40) as (figure, axes):
        widths = [b - a for a, b in zip(shown.edges, shown.edges[1:], strict=False)]
        for numbers, sign, colour, hatch in ((shown.treated, 1, BLUE, ""), (shown.comparison, -1, ORANGE, "")):
            axes.bar(
                shown.edges[:-1],
                [sign * (number.value or 0.0) for number in numbers],
                widths,
                align="edge",
                color=colour,
                edgecolor="white",
                hatch=hatch,
            )
        axes.axhline(0, color=INK, lw=1)
        top = max([number.value or 0.0 for number in (*shown.treated, *shown.comparison)] + [1.0])
        axes.set_ylim(-1.45 * top, 1.45 * top)
        axes.text(0.01, 0.97, f"Programme {plural}, per cent in each bin", transform=axes.transAxes, va="top", color=BLUE, weight="bold")
        axes.text(0.01, 0.03, f"Comparison {plural}, per cent in each bin", transform=axes.transAxes, va="bottom", color=ORANGE_WORDS, weight="bold")
        axes.yaxis.set_major_locator(whole_ticks(5))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        axes.grid(axis="y")
        axes.set_xlabel(shown.axis, color=MUTED, loc="right")
        svg = svg_of(figure, "overlap")
    return Drawing(
        svg,
        f"Mirrored bars over {len(shown.treated)} bins. Programme {plural} lie between {_span(shown.edges, shown.treated)}, "
        f"comparison {plural} between {_span(shown.edges, shown.comparison)}.",
    )


def effects(results: Sequence[OutcomeResult]) -> Drawing:
    """Forest plot: one row an outcome, one axis a unit of change, numbers printed beside each row."""
    results = [result for result in results if result.effect is not None and result.effect.estimate.value is not None]
    groups = [
        (unit, list(rows)) for unit, rows in groupby(sorted(results, key=lambda r: _first_with(results, r.change_unit)), key=lambda r: r.change_unit)
    ]
    right = max(text_width(interval_in_words(result.effect)) for result in results) + 22
    left, head, foot, gap = 150.0, 20.0, 20.0, 6.0
    panels = [(unit, rows, [wrapped(result.label, left - 12) for result in rows]) for unit, rows in groups]
    height = sum(head + foot + gap + row_centres([len(name) for name in names], pad=10)[1] for _, _, names in panels)
    with blank(height) as figure:
        y = height
        for unit, rows, names in panels:
            ys, tall = row_centres([len(name) for name in reversed(names)], pad=10)
            axes = figure.add_axes((left / WIDTH, (y - head - tall) / height, (WIDTH - left - right) / WIDTH, tall / height))
            figure.text(left / WIDTH, (y - head + 5) / height, unit[:1].upper() + unit[1:], color=MUTED)
            figure.text((WIDTH - right + 10) / WIDTH, (y - head + 5) / height, "Effect (95% interval)", color=MUTED)
            _forest_panel(axes, rows[::-1], names[::-1], ys, tall)
            y -= head + tall + foot + gap
        svg = svg_of(figure, "effects")
    told = "; ".join(f"{result.label} {interval_in_words(result.effect)} {result.change_unit}" for result in results)
    return Drawing(svg, f"Dot and interval chart of {len(results)} outcomes, zero marked. {told}.")


def placebo(shown: Placebo) -> Drawing:
    """The area's own gap beside the range that holds 95 in 100 placebo areas."""
    with chart(98, left=14, right=14, top=24, bottom=22) as (figure, axes):
        if shown.lower.value is not None and shown.upper.value is not None:
            axes.barh(0, shown.upper.value - shown.lower.value, left=shown.lower.value, height=0.62, color="#CFD9E2", edgecolor=BLUE, lw=1)
            axes.text(
                (shown.lower.value + shown.upper.value) / 2,
                1,
                f"95 in 100 of {shown.n_placebo:,} placebo areas",
                transform=above(axes, 2),
                ha="center",
                va="bottom",
                color=BLUE,
            )
        axes.axvline(0, color=INK, lw=1)
        mark(axes, shown.gap.value, 0, "D", face=ORANGE, edge="white", size=11)
        axes.set_ylim(-1, 1)
        give_room(axes, [shown.gap.value, shown.lower.value, shown.upper.value, 0.0], share=0.18)
        if shown.gap.value is not None:
            axes.text(
                shown.gap.value,
                -0.42,
                f"This area {in_words(shown.gap)}",
                ha=side_of(axes, shown.gap.value),
                va="top",
                color=ORANGE_WORDS,
                weight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # the rule at zero does not cross the words
            )
        axes.set_yticks([])
        svg = svg_of(figure, f"placebo-{shown.outcome}")
    return Drawing(
        svg,
        f"Strip chart. This area's gap is {in_words(shown.gap)}; 95 in 100 of {shown.n_placebo:,} placebo areas lie between "
        f"{in_words(shown.lower)} and {in_words(shown.upper)}.",
    )


def beside(shown: BesideCouncils, name: str, *, place: str = "council", order: str = "councils with most families first") -> Drawing:
    """Every council's (or area's) effect with its interval, this one labelled; a band where another council's true effect would lie."""
    points = [(x, one) for x, one in enumerate(shown.points) if one.effect.estimate.value is not None]
    top = 26 if any(one.is_own for _, one in points) else 8
    with chart(164 + top, left=44, right=14, top=top, bottom=24) as (figure, axes):
        if shown.lower.value is not None and shown.upper.value is not None:
            axes.axhspan(shown.lower.value, shown.upper.value, color="#CFD9E2", lw=0)
        if shown.mean.value is not None:
            axes.axhline(shown.mean.value, color=BLUE, lw=1, ls=(0, (4, 3)))
        axes.axhline(0, color=INK, lw=1)
        for x, one in points:
            colour, width = (ORANGE, 3.0) if one.is_own else (PALE_BLUE, 1.5 if len(points) < 60 else 1.0)
            axes.plot([x, x], [one.effect.lower.value, one.effect.upper.value], color=colour, lw=width, zorder=3 if one.is_own else 2)
            edge, size = ("white", 9) if one.is_own else (colour, 5)
            mark(axes, x, one.effect.estimate.value, "D" if one.is_own else "o", face=colour, edge=edge, size=size)
        axes.set_xlim(-1, len(shown.points))
        axes.set_xticks([])
        axes.set_xlabel(capital(order), color=MUTED, loc="right")
        give_room(axes, [number.value for _, one in points for number in (one.effect.lower, one.effect.upper)] + [0.0], vertical=True, share=0.12)
        for x, one in points:
            if one.is_own:
                side = "left" if x < len(shown.points) / 2 else "right"
                words = f" {name} " if side == "left" else f"{name} "
                axes.text(x, 1, words, transform=axes.get_xaxis_transform(), ha=side, va="bottom", color=ORANGE_WORDS, weight="bold")
        svg = svg_of(figure, f"beside-{shown.outcome}")
    own = next((f"{name} {interval_in_words(one.effect)}. " for one in shown.points if one.is_own), "")
    return Drawing(
        svg,
        f"Dot and interval chart of {len(shown.points)} {place}s. {own}The mean is {in_words(shown.mean)}; another {place}'s true effect would lie "
        f"between {in_words(shown.lower)} and {in_words(shown.upper)}.",
    )


def _stages(lines: Sequence[FlowLine]) -> list[tuple[FlowLine, list[FlowLine]]]:
    stages: list[tuple[FlowLine, list[FlowLine]]] = []
    for line in lines:
        if line.level == 0 or not stages:
            stages.append((line, []))
        else:
            stages[-1][1].append(line)
    return stages


def _box(count: str, label: str, width: float, reason: str = "") -> list[tuple[str, str]]:
    """Lines of a box, each a number and words beside it; only the first has a number."""
    words, room = f"{label}: {reason}" if reason else label, width - 24 - text_width(count, weight=700)
    return [(count if n == 0 else "", line) for n, line in enumerate(wrapped(words, room))]


def _draw_box(axes: Axes, x: float, top: float, width: float, height: float, lines: Sequence[tuple[str, str]], *, soft: bool = False) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, top - height), width, height, facecolor=SOFT if soft else "white", edgecolor=RULE if soft else BLUE, lw=1.2))
    start = top - (height - len(lines) * LINE) / 2 - 0.5 * LINE
    beside = 0.0
    for number, (count, line) in enumerate(lines):
        if count:
            axes.text(x + 9, start - number * LINE, count, va="center_baseline", weight="bold", color=INK)
            beside = text_width(count, weight=700) + 6
        axes.text(x + 9 + beside, start - number * LINE, line, va="center_baseline", color=INK)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.2, "shrinkA": 0, "shrinkB": 0})


def _largest(numbers: Sequence[Shown]) -> str:
    known = [number for number in numbers if number.value is not None]
    return in_words(max(known, key=lambda number: abs(number.value))) if known else "not shown"


def _span(edges: Sequence[float], numbers: Sequence[Shown]) -> str:
    filled = [j for j, number in enumerate(numbers) if (number.value or 0) > 0] or [0]
    return minus(f"{edges[filled[0]]:g} and {edges[filled[-1] + 1]:g}")


def _first_with(results: Sequence[OutcomeResult], unit: str) -> int:
    return next(n for n, result in enumerate(results) if result.change_unit == unit)


def _forest_panel(axes: Axes, rows: Sequence[OutcomeResult], names: Sequence[list[str]], ys: Sequence[float], tall: float) -> None:
    axes.axvline(0, color=INK, lw=1)
    for y, result in zip(ys, rows, strict=True):
        effect = result.effect
        if effect.lower.value is not None and effect.upper.value is not None:
            axes.plot([effect.lower.value, effect.upper.value], [y, y], color=BLUE, lw=2.6, solid_capstyle="butt")
        mark(axes, effect.estimate.value, y, "o", face=BLUE, edge="white")
        axes.text(1, y, interval_in_words(effect), transform=right_of(axes, 10), va="center", color=INK)
    axes.set_yticks(ys, ["\n".join(name) for name in names])
    axes.set_ylim(0, tall)
    give_room(axes, [number.value for result in rows for number in (result.effect.estimate, result.effect.lower, result.effect.upper)] + [0.0])
