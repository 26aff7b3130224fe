"""What charts are drawn on: a page in points with its colours, fonts and marks. Which charts there are stands in `figures.py` and its neighbours.

Lengths are points on a page 482 points wide, so 12 points here are 12 points in print. Colours are the Analysis Function's; a difference never
rests on colour alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.reporting.fonts import FAMILY, FILES, font_file, text_width
from evaluation.reporting.words import minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 482.0  # points: the text width of the printed page
SIZE = 12.0  # points: smallest text in a chart
LINE = 15.0  # points from line to line
INK, MUTED, RULE, SOFT = "#0b0c0c", "#505a5f", "#b1b4b6", "#f3f2f1"
BLUE, ORANGE, GREY, TURQUOISE = "#12436D", "#F46A25", "#3D3D3D", "#28A197"
ORANGE_WORDS, PALE_BLUE = "#A63B00", "#6C8FB0"  # orange fails as text on white; pale blue keeps 3:1 against white


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart and what it says in words."""

    svg: str
    alt: str


@contextmanager
def blank(height: float) -> Iterator[Figure]:
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
def page_in_points(height: float) -> Iterator[tuple[Figure, Axes]]:
    """Axes that are the page itself, in points, without lines."""
    with blank(height) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(0, height)
        axes.axis("off")
        yield figure, axes


@contextmanager
def chart(height: float, *, left: float, right: float, top: float, bottom: float) -> Iterator[tuple[Figure, Axes]]:
    """One pair of axes with margins in points."""
    with blank(height) as figure:
        yield figure, figure.add_axes((left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height))


def svg_of(figure: Figure, name: str) -> str:
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


def mark(axes: Axes, x: float | None, y: float, marker: str, *, face: str, edge: str, size: float = 8.5) -> None:
    if x is not None:
        axes.plot(x, y, marker, markerfacecolor=face, markeredgecolor=edge, markeredgewidth=2, markersize=size, zorder=3, clip_on=False)


def above(axes: Axes, points: float):
    """x in data, y in shares of the axes, lifted by `points`."""
    from matplotlib.transforms import ScaledTranslation

    return axes.get_xaxis_transform() + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


def right_of(axes: Axes, points: float):
    """y in data, x in shares of the axes, moved right by `points`."""
    from matplotlib.transforms import ScaledTranslation

    return axes.get_yaxis_transform() + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)


def side_of(axes: Axes, x: float) -> str:
    """Alignment that keeps words at x inside the plot."""
    low, high = axes.get_xlim()
    share = (x - low) / (high - low)
    return "left" if share < 0.2 else "right" if share > 0.8 else "center"


def row_centres(lines: Sequence[int], *, pad: float) -> tuple[list[float], float]:
    """Centres of rows from the bottom up, each as tall as its label needs, and their height together; in points."""
    centres, at = [], 0.0
    for n in lines:
        centres.append(at + (n * LINE + pad) / 2)
        at += n * LINE + pad
    return centres, at


def give_room(axes: Axes, values: Sequence[float | None], *, vertical: bool = False, share: float = 0.08, floor: float | None = None) -> None:
    """Limits that hold all values with some room; never below `floor` when nothing lies below it."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    pad = share * ((high - low) or abs(high) or 1.0)
    low, high = low - pad, high + pad
    if floor is not None and min(known) >= floor:
        low = floor if low < floor or min(known) < 0.6 * max(known) else low
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_major_locator(whole_ticks(5))
    axis.set_major_formatter(_tick_words(axis))
    if not vertical:
        axes.grid(axis="x")


def whole_ticks(n: int):
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


def key_above(figure: Figure, height: float, left: float, entries: Sequence[tuple[str, str, str, str]]) -> None:
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


def period_ticks(axes: Axes, labels: Sequence[str], *, always: Sequence[int]) -> None:
    """Labels of periods, as many as fit without touching; those in `always` come first."""
    scale = axes.get_position().width * WIDTH / (axes.get_xlim()[1] - axes.get_xlim()[0])
    taken: list[int] = []
    for x in (*always, *range(0, len(labels), 2), *range(1, len(labels), 2)):
        if all(abs(x - other) * scale > (text_width(labels[x]) + text_width(labels[other])) / 2 + 8 for other in taken):
            taken.append(x)
    axes.set_xticks(sorted(taken), [minus(labels[x]) for x in sorted(taken)])
