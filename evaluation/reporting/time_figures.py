"""Charts over time: the levels of both groups, and the gap between them period by period. Protected numbers in, pictures and words out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from evaluation.disclosure.release import EventPoint, EventStudy, Shown, Trend
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
    TURQUOISE,
    WIDTH,
    Drawing,
    above,
    chart,
    give_room,
    period_ticks,
    svg_of,
)
from evaluation.reporting.fonts import text_width, wrapped
from evaluation.reporting.words import in_words, interval_in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PHASES = {"before": "Before", "base": "Base", "left_out": "Left out", "after": "After", "later": "Early start against later start"}


def event_study(study: EventStudy) -> Drawing:
    """Gap between programme and comparison units by period, with 95% intervals; what is not the programme's effect is drawn apart."""
    points = study.points
    strip = _phase_strip(points, width=WIDTH - 44 - 12)
    deep = max(len(lines) for _, _, _, lines in strip)
    top = deep * LINE + 8
    with chart(132 + top, left=44, right=12, top=top, bottom=22) as (figure, axes):
        axes.axhline(0, color=INK, lw=1)
        for x, point in enumerate(points):
            _event_point(axes, x, point)
        axes.set_xlim(-0.6, len(points) - 0.4)
        shown = [number.value for point in points for number in (point.estimate, point.lower, point.upper)]
        give_room(axes, shown + [0.0], vertical=True, share=0.14)
        for phase, first, last, lines in strip:
            if phase == "left_out":
                axes.axvspan(first - 0.5, last + 0.5, color=SOFT, lw=0, zorder=0)
            if first > 0:
                axes.axvline(first - 0.5, color=RULE, lw=1, ls=(0, (2, 2)))
            axes.text(
                (first + last) / 2,
                1,
                "\n".join(lines),
                transform=above(axes, 6),
                ha="center",
                va="bottom",
                color=_phase_colour(phase),
                weight="bold" if phase == "after" else "normal",
                linespacing=1.15,
            )
        if sum(point.phase == "after" for point in points) == 1:
            _label_last(axes, points)
        period_ticks(axes, [point.label for point in points], always=[x for x, point in enumerate(points) if point.phase in ("base", "after")])
        axes.grid(axis="y")
        svg = svg_of(figure, f"event-{study.outcome}")
    return Drawing(svg, _event_alt(study))


def trend(shown: Trend) -> Drawing:
    """Levels by period, one line a group, each named at its end; lettered rules mark breaks of the series."""
    ends = [_last(line.values) for line in shown.lines]
    room = min(max(text_width(line.name, weight=700) for line in shown.lines), 118.0) + 16
    names = [wrapped(line.name, room - 16, weight=700) for line in shown.lines]
    keys = [wrapped(f"{chr(65 + n)}: {words}", WIDTH - 10) for n, (_, words) in enumerate(shown.marks)]
    below = 22 + LINE * sum(map(len, keys)) + (6 if keys else 0)
    top, body = (22 if keys else 8), max(108.0, LINE * sum(map(len, names)))
    with chart(body + top + below, left=44, right=room, top=top, bottom=below) as (figure, axes):
        for line, style in zip(shown.lines, _styles(), strict=False):
            values = [float("nan") if number.value is None else number.value for number in line.values]
            axes.plot(range(len(values)), values, clip_on=False, **style)
        axes.set_xlim(-0.4, len(shown.periods) - 0.6)
        give_room(axes, [number.value for line in shown.lines for number in line.values], vertical=True, floor=0.0)
        _name_ends(axes, ends, names, body)
        for index, letters in _rules(shown.marks):
            axes.axvline(index - 0.5, color=MUTED, lw=1, ls=(0, (3, 3)), zorder=0)
            axes.text(index - 0.5, 1, letters, transform=above(axes, 5), ha="center", va="bottom", color=INK, weight="bold")
        figure.text(
            4 / WIDTH, (below - 26) / (body + top + below), "\n".join(line for key in keys for line in key), va="top", color=INK, linespacing=1.2
        )
        period_ticks(axes, shown.periods, always=[0])
        axes.grid(axis="y")
        svg = svg_of(figure, f"trend-{shown.outcome}")
    told = "; ".join(
        f"{line.name} from {_first_text(line.values)} in {shown.periods[0]} to {_last_text(line.values)} in {shown.periods[-1]}"
        for line in shown.lines
    )
    return Drawing(
        svg,
        f"Line chart of {len(shown.periods)} periods. {told}."
        + "".join(f" Mark {key[0]}: {words}." for key, (_, words) in zip((chr(65 + n) for n in range(len(shown.marks))), shown.marks, strict=True)),
    )


def _rules(marks: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Where rules stand and their letters; what falls in the same period shares a rule: 'A, B'."""
    letters: dict[int, list[str]] = {}
    for n, (index, _) in enumerate(marks):
        letters.setdefault(index, []).append(chr(65 + n))
    return [(index, ", ".join(found)) for index, found in letters.items()]


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
