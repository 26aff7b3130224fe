"""Charts of a report, as SVG with text as text: protected numbers in, picture and alternative text out.

Lengths are points on a page 482 points wide, so 12 points here are 12 points in print. Colours are the Analysis Function's; a difference never
rests on colour alone. Only aggregates are drawn: no chart has a mark for a single family.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from evaluation.disclosure.release import BalanceLine, BesideCouncils, EventPoint, EventStudy, FlowLine, OutcomeResult, Overlap, Placebo, Shown, Trend
from evaluation.reporting.fonts import FAMILY, FILES, font_file, text_width, wrapped
from evaluation.reporting.words import in_words, interval_in_words, minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 482.0  # points: the text width of the printed page
SIZE = 12.0  # points: smallest text in a chart
LINE = 15.0  # points from line to line
INK, MUTED, RULE, SOFT = "#0b0c0c", "#505a5f", "#b1b4b6", "#f3f2f1"
BLUE, ORANGE, GREY, TURQUOISE = "#12436D", "#F46A25", "#3D3D3D", "#28A197"
ORANGE_WORDS, PALE_BLUE = "#A63B00", "#6C8FB0"  # orange fails as text on white; pale blue keeps 3:1 against white
PHASES = {"before": "Before", "base": "Base", "left_out": "Left out", "after": "After", "later": "Early start against later start"}
ALIKE = 0.1  # standardised difference within which two groups are commonly called alike


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart and what it says in words."""

    svg: str
    alt: str


# ---- the charts ----------------------------------------------------------------------------------------------------------------------------------


def flow(lines: Sequence[FlowLine]) -> Drawing:
    """Boxes from all units received down to those analysed; to the right, who left at each stage and why."""
    stages = _stages(lines)
    left, gap, right = 236.0, 15.0, WIDTH - 236.0 - 36.0
    boxes = [
        (_box(f"{in_words(stage.count)}", stage.label, left), [_box(in_words(line.count), line.label, right, line.reason) for line in gone])
        for stage, gone in stages
    ]
    heights = [max(len(stage) * LINE + 14, sum(len(box) * LINE for box in gone) + 14 if gone else 0) for stage, gone in boxes]
    total = sum(heights) + gap * (len(heights) - 1) + 4
    with _page(total) as (figure, axes):
        y = total - 2
        for number, ((stage, gone), height) in enumerate(zip(boxes, heights, strict=True)):
            _draw_box(axes, 1, y, left, height, stage)
            if gone:
                _draw_box(axes, WIDTH - right - 1, y, right, height, [line for box in gone for line in box], soft=True)
                _arrow(axes, (left + 1, y - height / 2), (WIDTH - right - 2, y - height / 2))
            if number + 1 < len(boxes):
                _arrow(axes, (left / 2, y - height), (left / 2, y - height - gap))
            y -= height + gap
        svg = _svg(figure, "flow")
    told = "; ".join(f"{line.label} {in_words(line.count)}" for line in lines)
    return Drawing(svg, f"Flow chart of {len(stages)} stages. {told}.")


def balance(lines: Sequence[BalanceLine]) -> Drawing:
    """Love plot: standardised difference of each covariate before and after matching; within 0.1 shaded."""
    lines = sorted(lines, key=lambda line: abs(line.before.value or 0.0))
    label = min(max(text_width(line.covariate) for line in lines), 180.0) + 10
    names = [wrapped(line.covariate, label - 10) for line in lines]
    ys, tall = _rows([len(name) for name in names], pad=8)
    height = tall + 66
    with _chart(height, left=label, right=14, top=26, bottom=40) as (figure, axes):
        axes.axvspan(-ALIKE, ALIKE, color=SOFT, lw=0)
        axes.axvline(0, color=INK, lw=1)
        for y, line in zip(ys, lines, strict=True):
            known = [number.value for number in (line.before, line.after) if number.value is not None]
            axes.plot([min(known, default=0), max(known, default=0)], [y, y], color=RULE, lw=1.5, zorder=1)
            _mark(axes, line.before.value, y, "D", face="white", edge=ORANGE)
            _mark(axes, line.after.value, y, "o", face=BLUE, edge=BLUE)
            if not known:
                axes.text(0, y, f" {in_words(line.after)}", va="center", color=MUTED)
        axes.set_yticks(ys, ["\n".join(name) for name in names], color=INK)
        axes.set_ylim(0, tall)
        _room(axes, [number.value for line in lines for number in (line.before, line.after)] + [-0.15, 0.15])
        axes.set_xlabel("Standardised difference (shaded: within 0.1 either way)", color=MUTED, loc="right")
        _key(figure, height, label, [("D", "white", ORANGE, "Before matching"), ("o", BLUE, BLUE, "After matching")])
        svg = _svg(figure, "balance")
    before, after = _largest([line.before for line in lines]), _largest([line.after for line in lines])
    told = "; ".join(f"{line.covariate} from {in_words(line.before)} to {in_words(line.after)}" for line in lines[:-7:-1])
    return Drawing(
        svg, f"Dot plot of {len(lines)} characteristics. The largest standardised difference is {before} before matching and {after} after. {told}."
    )


def overlap(shown: Overlap, *, plural: str) -> Drawing:
    """Shares of programme units above the line and of comparison units below it, by bin of the score."""
    height = 205.0
    with _chart(height, left=44, right=8, top=4, bottom=40) as (figure, axes):
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
        axes.yaxis.set_major_locator(_whole_ticks(5))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        axes.grid(axis="y")
        axes.set_xlabel(shown.axis, color=MUTED, loc="right")
        svg = _svg(figure, "overlap")
    return Drawing(
        svg,
        f"Mirrored bars over {len(shown.treated)} bins. Programme {plural} lie between {_span(shown.edges, shown.treated)}, "
        f"comparison {plural} between {_span(shown.edges, shown.comparison)}.",
    )


def event_study(study: EventStudy) -> Drawing:
    """Gap between programme and comparison units by period, with 95% intervals; what is not the programme's effect is drawn apart."""
    points = study.points
    strip = _phase_strip(points, width=WIDTH - 44 - 12)
    deep = max(len(lines) for _, _, _, lines in strip)
    top = deep * LINE + 8
    with _chart(132 + top, left=44, right=12, top=top, bottom=22) as (figure, axes):
        axes.axhline(0, color=INK, lw=1)
        for x, point in enumerate(points):
            _event_point(axes, x, point)
        axes.set_xlim(-0.6, len(points) - 0.4)
        _room(axes, [number.value for point in points for number in (point.estimate, point.lower, point.upper)] + [0.0], vertical=True, share=0.14)
        for phase, first, last, lines in strip:
            if phase == "left_out":
                axes.axvspan(first - 0.5, last + 0.5, color=SOFT, lw=0, zorder=0)
            if first > 0:
                axes.axvline(first - 0.5, color=RULE, lw=1, ls=(0, (2, 2)))
            axes.text(
                (first + last) / 2,
                1,
                "\n".join(lines),
                transform=_above(axes, 6),
                ha="center",
                va="bottom",
                color=_phase_colour(phase),
                weight="bold" if phase == "after" else "normal",
                linespacing=1.15,
            )
        if sum(point.phase == "after" for point in points) == 1:
            _label_last(axes, points)
        _period_ticks(axes, [point.label for point in points], always=[x for x, point in enumerate(points) if point.phase in ("base", "after")])
        axes.grid(axis="y")
        svg = _svg(figure, f"event-{study.outcome}")
    return Drawing(svg, _event_alt(study))


def trend(shown: Trend) -> Drawing:
    """Levels by period, one line a group, each named at its end; lettered rules mark breaks of the series."""
    ends = [_last(line.values) for line in shown.lines]
    room = min(max(text_width(line.name, weight=700) for line in shown.lines), 118.0) + 16
    names = [wrapped(line.name, room - 16, weight=700) for line in shown.lines]
    keys = [wrapped(f"{chr(65 + n)}: {words}", WIDTH - 10) for n, (_, words) in enumerate(shown.marks)]
    below = 22 + LINE * sum(map(len, keys)) + (6 if keys else 0)
    top, body = (22 if keys else 8), max(108.0, LINE * sum(map(len, names)))
    with _chart(body + top + below, left=44, right=room, top=top, bottom=below) as (figure, axes):
        for line, style in zip(shown.lines, _styles(), strict=False):
            values = [float("nan") if number.value is None else number.value for number in line.values]
            axes.plot(range(len(values)), values, clip_on=False, **style)
        axes.set_xlim(-0.4, len(shown.periods) - 0.6)
        _room(axes, [number.value for line in shown.lines for number in line.values], vertical=True, floor=0.0)
        _name_ends(axes, ends, names, body)
        for n, (index, _) in enumerate(shown.marks):
            axes.axvline(index - 0.5, color=MUTED, lw=1, ls=(0, (3, 3)), zorder=0)
            axes.text(index - 0.5, 1, chr(65 + n), transform=_above(axes, 5), ha="center", va="bottom", color=INK, weight="bold")
        figure.text(
            4 / WIDTH, (below - 26) / (body + top + below), "\n".join(line for key in keys for line in key), va="top", color=INK, linespacing=1.2
        )
        _period_ticks(axes, shown.periods, always=[0])
        axes.grid(axis="y")
        svg = _svg(figure, f"trend-{shown.outcome}")
    told = "; ".join(
        f"{line.name} from {_first_text(line.values)} in {shown.periods[0]} to {_last_text(line.values)} in {shown.periods[-1]}"
        for line in shown.lines
    )
    return Drawing(
        svg,
        f"Line chart of {len(shown.periods)} periods. {told}."
        + "".join(f" Mark {key[0]}: {words}." for key, (_, words) in zip((chr(65 + n) for n in range(len(shown.marks))), shown.marks, strict=True)),
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
    height = sum(head + foot + gap + _rows([len(name) for name in names], pad=10)[1] for _, _, names in panels)
    with _blank(height) as figure:
        y = height
        for unit, rows, names in panels:
            ys, tall = _rows([len(name) for name in reversed(names)], pad=10)
            axes = figure.add_axes((left / WIDTH, (y - head - tall) / height, (WIDTH - left - right) / WIDTH, tall / height))
            figure.text(left / WIDTH, (y - head + 5) / height, unit[:1].upper() + unit[1:], color=MUTED)
            figure.text((WIDTH - right + 10) / WIDTH, (y - head + 5) / height, "Effect (95% interval)", color=MUTED)
            _forest_panel(axes, rows[::-1], names[::-1], ys, tall)
            y -= head + tall + foot + gap
        svg = _svg(figure, "effects")
    told = "; ".join(f"{result.label} {interval_in_words(result.effect)} {result.change_unit}" for result in results)
    return Drawing(svg, f"Dot and interval chart of {len(results)} outcomes, zero marked. {told}.")


def placebo(shown: Placebo) -> Drawing:
    """The area's own gap beside the range that holds 95 in 100 placebo areas."""
    with _chart(98, left=14, right=14, top=24, bottom=22) as (figure, axes):
        if shown.lower.value is not None and shown.upper.value is not None:
            axes.barh(0, shown.upper.value - shown.lower.value, left=shown.lower.value, height=0.62, color="#CFD9E2", edgecolor=BLUE, lw=1)
            axes.text(
                (shown.lower.value + shown.upper.value) / 2,
                1,
                f"95 in 100 of {shown.n_placebo:,} placebo areas",
                transform=_above(axes, 2),
                ha="center",
                va="bottom",
                color=BLUE,
            )
        axes.axvline(0, color=INK, lw=1)
        _mark(axes, shown.gap.value, 0, "D", face=ORANGE, edge="white", size=11)
        axes.set_ylim(-1, 1)
        _room(axes, [shown.gap.value, shown.lower.value, shown.upper.value, 0.0], share=0.18)
        if shown.gap.value is not None:
            axes.text(
                shown.gap.value,
                -0.42,
                f"This area {in_words(shown.gap)}",
                ha=_side(axes, shown.gap.value),
                va="top",
                color=ORANGE_WORDS,
                weight="bold",
            )
        axes.set_yticks([])
        svg = _svg(figure, f"placebo-{shown.outcome}")
    return Drawing(
        svg,
        f"Strip chart. This area's gap is {in_words(shown.gap)}; 95 in 100 of {shown.n_placebo:,} placebo areas lie between "
        f"{in_words(shown.lower)} and {in_words(shown.upper)}.",
    )


def beside(shown: BesideCouncils, name: str) -> Drawing:
    """Every council's effect with its interval, this one labelled; a band where another council's true effect would lie."""
    points = [(x, one) for x, one in enumerate(shown.points) if one.effect.estimate.value is not None]
    with _chart(190, left=44, right=14, top=26, bottom=24) as (figure, axes):
        if shown.lower.value is not None and shown.upper.value is not None:
            axes.axhspan(shown.lower.value, shown.upper.value, color="#CFD9E2", lw=0)
        if shown.mean.value is not None:
            axes.axhline(shown.mean.value, color=BLUE, lw=1, ls=(0, (4, 3)))
        axes.axhline(0, color=INK, lw=1)
        for x, one in points:
            colour, width = (ORANGE, 3.0) if one.is_own else (PALE_BLUE, 1.5 if len(points) < 60 else 1.0)
            axes.plot([x, x], [one.effect.lower.value, one.effect.upper.value], color=colour, lw=width, zorder=3 if one.is_own else 2)
            _mark(axes, x, one.effect.estimate.value, "D" if one.is_own else "o", face=colour, edge="white", size=9 if one.is_own else 6)
        axes.set_xlim(-1, len(shown.points))
        axes.set_xticks([])
        axes.set_xlabel("Councils, those with most families first", color=MUTED, loc="right")
        _room(axes, [number.value for _, one in points for number in (one.effect.lower, one.effect.upper)] + [0.0], vertical=True, share=0.12)
        for x, one in points:
            if one.is_own:
                side = "left" if x < len(shown.points) / 2 else "right"
                axes.text(x, 1, f" {name} " if side == "left" else f"{name} ", transform=_beside_top(axes), ha=side, va="bottom", color=ORANGE_WORDS,
                          weight="bold")
        svg = _svg(figure, f"beside-{shown.outcome}")
    own = next((f"{name} {interval_in_words(one.effect)}. " for one in shown.points if one.is_own), "")
    return Drawing(
        svg,
        f"Dot and interval chart of {len(shown.points)} councils. {own}The mean is {in_words(shown.mean)}; another council's true effect would lie "
        f"between {in_words(shown.lower)} and {in_words(shown.upper)}.",
    )


def _beside_top(axes: Axes):
    """Across in data, up in shares of the axes."""
    return axes.get_xaxis_transform()


# ---- drawing -------------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def _blank(height: float) -> Iterator[Figure]:
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for weight in FILES:
        if str(font_file(weight)) not in known:
            fontManager.addfont(font_file(weight))
    style = {
        "font.family": [FAMILY],
        "font.size": SIZE,
        "svg.fonttype": "none",
        "svg.hashsalt": "evaluation",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.edgecolor": RULE,
        "axes.labelcolor": INK,
        "axes.labelsize": SIZE,
        "axes.axisbelow": True,
        "grid.color": "#dee0e2",
        "grid.linewidth": 0.8,
        "xtick.color": RULE,
        "ytick.color": RULE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": SIZE,
        "ytick.labelsize": SIZE,
        "ytick.major.size": 0,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
    }
    with matplotlib.rc_context(style):
        yield Figure(figsize=(WIDTH / 72, height / 72), dpi=72)


@contextmanager
def _page(height: float) -> Iterator[tuple[Figure, Axes]]:
    """Axes that are the page itself, in points, without lines."""
    with _blank(height) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(0, height)
        axes.axis("off")
        yield figure, axes


@contextmanager
def _chart(height: float, *, left: float, right: float, top: float, bottom: float) -> Iterator[tuple[Figure, Axes]]:
    """One pair of axes with margins in points."""
    with _blank(height) as figure:
        yield figure, figure.add_axes((left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height))


def _svg(figure: Figure, name: str) -> str:
    """SVG without dates or metadata; ids begin with `name`, so that many charts can stand in one page."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue().decode("utf-8")
    text = text[text.index("<svg ") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*|<defs>\s*<style.*?</style>\s*</defs>\s*|<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|href="#|url\(#)', lambda found: f"{found[1]}{_safe(name)}-", text)
    return text.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1).strip()


def _safe(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def _mark(axes: Axes, x: float | None, y: float, marker: str, *, face: str, edge: str, size: float = 8.5) -> None:
    if x is not None:
        axes.plot(x, y, marker, markerfacecolor=face, markeredgecolor=edge, markeredgewidth=2, markersize=size, zorder=3, clip_on=False)


def _above(axes: Axes, points: float):
    """x in data, y in shares of the axes, lifted by `points`."""
    from matplotlib.transforms import ScaledTranslation

    return axes.get_xaxis_transform() + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


def _room(axes: Axes, values: Sequence[float | None], *, vertical: bool = False, share: float = 0.08, floor: float | None = None) -> None:
    """Limits that hold all values with some room; never below `floor` when nothing lies below it."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    pad = share * ((high - low) or abs(high) or 1.0)
    low, high = low - pad, high + pad
    if floor is not None and min(known) >= floor:
        low = floor if low < floor or min(known) < 0.6 * max(known) else low
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_major_locator(_whole_ticks(5))
    axis.set_major_formatter(_tick_words(axis))
    if not vertical:
        axes.grid(axis="x")


def _whole_ticks(n: int):
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(n, steps=[1, 2, 2.5, 5, 10])


def _tick_words(axis):
    """Plain tick labels: thousands separated, a true minus, decimals only where the step asks for them."""

    def words(value: float, _: int) -> str:
        ticks = axis.get_majorticklocs()
        step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
        decimals = next((d for d in range(5) if abs(round(step, d) - step) < 1e-9 * max(step, 1e-12) + 1e-12), 4)
        return minus(f"{0.0 if abs(value) < 1e-12 else value:,.{decimals}f}")

    return words


def _key(figure: Figure, height: float, left: float, entries: Sequence[tuple[str, str, str, str]]) -> None:
    """A row of marks and their words above the plot; the marks differ in shape."""
    from matplotlib.lines import Line2D

    x = left + 6
    for marker, face, edge, words in entries:
        figure.add_artist(
            Line2D(
                [x / WIDTH],
                [(height - 10) / height],
                marker=marker,
                markerfacecolor=face,
                markeredgecolor=edge,
                markeredgewidth=2,
                markersize=8.5,
                ls="",
            )
        )
        figure.text((x + 10) / WIDTH, (height - 10) / height, words, va="center_baseline", color=INK)
        x += text_width(words) + 34


def _period_ticks(axes: Axes, labels: Sequence[str], *, always: Sequence[int]) -> None:
    """Labels of periods, as many as fit without touching; those in `always` come first."""
    scale = axes.get_position().width * WIDTH / (axes.get_xlim()[1] - axes.get_xlim()[0])
    taken: list[int] = []
    for x in (*always, *range(0, len(labels), 2), *range(1, len(labels), 2)):
        if all(abs(x - other) * scale > (text_width(labels[x]) + text_width(labels[other])) / 2 + 8 for other in taken):
            taken.append(x)
    axes.set_xticks(sorted(taken), [minus(labels[x]) for x in sorted(taken)])


# ---- parts of single charts ----------------------------------------------------------------------------------------------------------------------


def _stages(lines: Sequence[FlowLine]) -> list[tuple[FlowLine, list[FlowLine]]]:
    stages: list[tuple[FlowLine, list[FlowLine]]] = []
    for line in lines:
        if line.level == 0 or not stages:
            stages.append((line, []))
        else:
            stages[-1][1].append(line)
    return stages


def _box(count: str, label: str, width: float, reason: str = "") -> list[tuple[str, bool]]:
    words = f"{label}: {reason}" if reason else label
    return [(count, True), *((line, False) for line in wrapped(words, width - 18))]


def _draw_box(axes: Axes, x: float, top: float, width: float, height: float, lines: Sequence[tuple[str, bool]], *, soft: bool = False) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, top - height), width, height, facecolor=SOFT if soft else "white", edgecolor=RULE if soft else BLUE, lw=1.2))
    start = top - (height - len(lines) * LINE) / 2 - 0.5 * LINE
    for number, (line, bold) in enumerate(lines):
        axes.text(x + 9, start - number * LINE, line, va="center_baseline", weight="bold" if bold else "normal", color=INK)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.2, "shrinkA": 0, "shrinkB": 0})


def _largest(numbers: Sequence[Shown]) -> str:
    known = [number for number in numbers if number.value is not None]
    return in_words(max(known, key=lambda number: abs(number.value))) if known else "not shown"


def _span(edges: Sequence[float], numbers: Sequence[Shown]) -> str:
    filled = [j for j, number in enumerate(numbers) if (number.value or 0) > 0] or [0]
    return minus(f"{edges[filled[0]]:g} and {edges[filled[-1] + 1]:g}")


def _phase_strip(points: Sequence[EventPoint], *, width: float) -> list[tuple[str, int, int, list[str]]]:
    """Runs of points of one phase: (phase, first, last, words wrapped to the run's width)."""
    each, runs, at = width / len(points), [], 0
    for phase, run in groupby(point.phase for point in points):
        n = len(list(run))
        runs.append((phase, at, at + n - 1, wrapped(PHASES[phase], max(n * each - 4, 1), weight=700 if phase == "after" else 400)))
        at += n
    return runs


def _phase_colour(phase: str) -> str:
    return {"after": BLUE, "later": MUTED, "left_out": MUTED}.get(phase, INK)


def _event_point(axes: Axes, x: int, point: EventPoint) -> None:
    colour = PALE_BLUE if point.phase in ("later", "left_out") else BLUE
    if point.lower.value is not None and point.upper.value is not None and point.phase != "base":
        axes.plot([x, x], [point.lower.value, point.upper.value], color=colour, lw=2.4, solid_capstyle="butt")
    if point.estimate.value is not None:
        hollow = point.phase in ("base", "later", "left_out")
        axes.plot(
            x,
            point.estimate.value,
            "s" if point.phase in ("later", "left_out") else "o",
            markerfacecolor="white" if hollow else colour,
            markeredgecolor=colour,
            markeredgewidth=1.8,
            markersize=7,
            zorder=3,
        )


def _label_last(axes: Axes, points: Sequence[EventPoint]) -> None:
    """Print the number over the last point that counts as the effect."""
    after = [x for x, point in enumerate(points) if point.phase == "after" and point.estimate.value is not None]
    if after:
        point = points[after[-1]]
        top = max(number.value for number in (point.estimate, point.upper) if number.value is not None)
        axes.annotate(
            in_words(point.estimate),
            (after[-1], top),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=BLUE,
            weight="bold",
            zorder=4,
        )


def _event_alt(study: EventStudy) -> str:
    before = [point for point in study.points if point.phase == "before" and point.estimate.value is not None]
    told = [f"Points with 95% intervals for {len(study.points)} periods, {study.subtitle[:1].lower() + study.subtitle[1:]}."]
    if before:
        low, high = (pick(before, key=lambda point: point.estimate.value) for pick in (min, max))
        told.append(f"Before, estimates lie between {in_words(low.estimate)} and {in_words(high.estimate)}.")
    told += [f"{point.label}: {interval_in_words(point)}." for point in study.points if point.phase == "after"][:8]
    later = [point for point in study.points if point.phase == "later"]
    if later:
        told.append(f"The {len(later)} later points compare an early start with a later start.")
    return " ".join(told)


def _last(values: Sequence[Shown]) -> float | None:
    return next((number.value for number in reversed(values) if number.value is not None), None)


def _first_text(values: Sequence[Shown]) -> str:
    return in_words(values[0])


def _last_text(values: Sequence[Shown]) -> str:
    return in_words(values[-1])


def _styles() -> Iterator[dict]:
    yield {"color": BLUE, "lw": 2.4, "ls": "-"}
    yield {"color": GREY, "lw": 2.0, "ls": (0, (5, 2))}
    yield {"color": ORANGE, "lw": 2.4, "ls": "-", "marker": "o", "ms": 5.5}
    yield {"color": TURQUOISE, "lw": 2.4, "ls": (0, (1, 1)), "marker": "s", "ms": 5.5}


def _name_ends(axes: Axes, ends: Sequence[float | None], names: Sequence[list[str]], body: float) -> None:
    """Names at the right end of their lines, pushed apart where they would touch."""
    low, high = axes.get_ylim()
    colours = (BLUE, GREY, ORANGE_WORDS, "#0F6B64")
    todo = sorted((n for n, end in enumerate(ends) if end is not None), key=lambda n: -ends[n])
    wanted = [(high - ends[n]) / (high - low) * body for n in todo]
    placed = _apart(wanted, [len(names[n]) * LINE for n in todo], body)
    for n, y in zip(todo, placed, strict=True):
        axes.text(
            axes.get_xlim()[1] + 0.02 * len(axes.lines),
            high - y / body * (high - low),
            "\n".join(names[n]),
            va="center",
            color=colours[n % 4],
            weight="bold",
            linespacing=1.1,
        )


def _apart(wanted: Sequence[float], heights: Sequence[float], body: float) -> list[float]:
    """Centres of stacked labels near `wanted` (from the top) that do not overlap and stay within `body` where they fit."""
    placed: list[float] = []
    for want, height in zip(wanted, heights, strict=True):
        floor = placed[-1] + (heights[len(placed) - 1] + height) / 2 if placed else height / 2
        placed.append(max(want, floor))
    limit = body
    for n in range(len(placed) - 1, -1, -1):
        placed[n] = min(placed[n], limit - heights[n] / 2)
        limit = placed[n] - heights[n] / 2
    return placed


def _first_with(results: Sequence[OutcomeResult], unit: str) -> int:
    return next(n for n, result in enumerate(results) if result.change_unit == unit)


def _forest_panel(axes: Axes, rows: Sequence[OutcomeResult], names: Sequence[list[str]], ys: Sequence[float], tall: float) -> None:
    axes.axvline(0, color=INK, lw=1)
    for y, result in zip(ys, rows, strict=True):
        effect = result.effect
        if effect.lower.value is not None and effect.upper.value is not None:
            axes.plot([effect.lower.value, effect.upper.value], [y, y], color=BLUE, lw=2.6, solid_capstyle="butt")
        _mark(axes, effect.estimate.value, y, "o", face=BLUE, edge="white")
        axes.text(1, y, interval_in_words(effect), transform=_beside(axes, 10), va="center", color=INK)
    axes.set_yticks(ys, ["\n".join(name) for name in names])
    axes.set_ylim(0, tall)
    _room(axes, [number.value for result in rows for number in (result.effect.estimate, result.effect.lower, result.effect.upper)] + [0.0])


def _rows(lines: Sequence[int], *, pad: float) -> tuple[list[float], float]:
    """Centres of rows from the bottom up, each as tall as its label needs, and their height together; in points."""
    centres, at = [], 0.0
    for n in lines:
        centres.append(at + (n * LINE + pad) / 2)
        at += n * LINE + pad
    return centres, at


def _beside(axes: Axes, points: float):
    """y in data, x in shares of the axes, moved right by `points`."""
    from matplotlib.transforms import ScaledTranslation

    return axes.get_yaxis_transform() + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)


def _side(axes: Axes, x: float) -> str:
    """Alignment that keeps words at x inside the plot."""
    low, high = axes.get_xlim()
    share = (x - low) / (high - low)
    return "left" if share < 0.2 else "right" if share > 0.8 else "center"
