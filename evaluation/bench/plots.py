"""Pictures of findings: trends of both groups, event studies, verdicts of checks, effects by subgroup. Not protected: for those inside."""

from __future__ import annotations

import numpy as np

from evaluation.bench.findings import Found
from evaluation.bench.views import BLUE, GREY, INK, MUTED, ORANGE, PINK, RULE, SOFT, TURQUOISE, Picture, View, blank_rest, drawing, keyed, titled
from evaluation.findings.numbers import change_unit_of, unit_of
from evaluation.findings.study import EventRow, OutcomeStudy

COLUMNS = 2
LOOKS = {"failed": (PINK, "failed", "white"), "not testable": (RULE, "not testable", INK), "passed": (TURQUOISE, "passed", INK),
         "information": (SOFT, "see text", MUTED)}
COLOURS = {"before": GREY, "base": INK, "left_out": MUTED, "after": BLUE, "later": ORANGE}
WORDS = {"before": "Before", "base": "Base", "left_out": "Left out (anticipation)", "after": "After", "later": "Others have started too"}


def plot_trends(found: Found) -> Picture:
    """Levels of both groups by period, one panel an outcome: do they run side by side before, and what parts after?"""
    shown = [one for one in found.estimated if one.lines]
    n_rows = -(-len(shown) // COLUMNS)
    with drawing(11, 1.2 + 2.3 * n_rows, rows=n_rows, columns=COLUMNS) as (figure, panels):
        for axes, one in zip(blank_rest(panels, len(shown)), shown, strict=True):
            for line, (colour, marker, dash) in zip(one.lines, ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREY, "^", ":")), strict=False):
                axes.plot(line.values, color=colour, marker=marker, markersize=4, linestyle=dash, label=line.name)
            for at, _ in one.marks:
                axes.axvline(at - 0.5, color=MUTED, linewidth=1, linestyle=":")
            _ticks(axes, one.axis)
            axes.set_title(f"{one.numbers.outcome.label} ({unit_of(one.numbers.outcome)})")
            axes.grid(axis="y")
        keyed(figure, panels[0, 0])
        _below(panels, len(shown), "Period" if found.study.plan.programme.first_full_period is not None else "Periods from joining (dotted)")
        titled(figure, f"{found.study.where}: levels of both groups")
    told = "; ".join(f"{one.numbers.outcome.label} {_span(one)}" for one in shown)
    return Picture(figure=figure, alt=f"Lines of both groups for {len(shown)} outcomes. {told}.")


def plot_event_studies(found: Found) -> Picture:
    """Gap between the groups by event time with pointwise 95% intervals, one panel an outcome; the headline's periods shaded."""
    shown = [one for one in found.estimated if one.events]
    n_rows = -(-len(shown) // COLUMNS)
    first, last = found.study.plan.estimator.headline.event_times
    with drawing(11, 1.2 + 2.4 * n_rows, rows=n_rows, columns=COLUMNS) as (figure, panels):
        for axes, one in zip(blank_rest(panels, len(shown)), shown, strict=True):
            axes.axhline(0, color=INK, linewidth=1)
            axes.axvspan(first - 0.5, last + 0.5, color=SOFT)
            for phase in COLOURS:
                _points(axes, [row for row in one.events if row.phase == phase], phase)
            trend = one.numbers.trend.verdict if one.numbers.trend is not None else "not tested"
            axes.set_title(f"{one.numbers.outcome.label} ({change_unit_of(one.numbers.outcome)}); trend before: {trend}",
                           color=PINK if trend == "failed" else INK)
            axes.grid(axis="y")
        if shown:
            keyed(figure, max(panels.ravel(), key=lambda axes: len(axes.get_legend_handles_labels()[1])), columns=5)
        _below(panels, len(shown), f"Periods from joining; shaded: the headline, {first} to {last}")
        titled(figure, f"{found.study.where}: gap to the matched comparison")
    told = "; ".join(f"{one.numbers.outcome.label}: headline {one.numbers.effect.estimate:.2g}" for one in shown)
    return Picture(figure=figure, alt=f"Points with intervals for {len(shown)} outcomes. {told}.")


def plot_checks(found: Found) -> Picture:
    """Verdict of every check of every outcome; read `checks` for what was found."""
    names = list(dict.fromkeys(line.name for one in found.estimated for line in one.checks))
    outcomes = [one.numbers.outcome.label for one in found.estimated]
    failed = sum(line.verdict == "failed" for one in found.estimated for line in one.checks)
    with drawing(3.2 + 1.15 * len(names), 1.6 + 0.42 * len(outcomes)) as (figure, panels):
        axes = panels[0, 0]
        for row, one in enumerate(found.estimated):
            for line in one.checks:
                colour, word, ink = LOOKS.get(line.verdict, LOOKS["information"])
                at = names.index(line.name)
                axes.add_patch(_cell(at, row, colour))
                axes.text(at, row, word, ha="center", va="center", fontsize=9, color=ink, fontweight="bold" if line.verdict == "failed" else "normal")
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(outcomes) - 0.5, -0.5)
        axes.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names], fontsize=9)
        axes.set_yticks(range(len(outcomes)), outcomes)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        titled(figure, f"{found.study.where}: {failed} checks failed")
    return Picture(figure=figure, alt=f"Table of {len(names)} checks by {len(outcomes)} outcomes; {failed} failed.")


def plot_subgroups(shown: View) -> Picture:
    """Forest plot of `subgroups`: one panel an outcome, a line a subgroup."""
    table = shown.table[np.isfinite(shown.table["effect"].to_numpy(dtype=float))]
    outcomes = list(dict.fromkeys(table["outcome"]))
    n_rows = -(-len(outcomes) // COLUMNS)
    with drawing(11, 1.2 + 1.5 * max(n_rows, 1), rows=max(n_rows, 1), columns=COLUMNS) as (figure, panels):
        for axes, outcome in zip(blank_rest(panels, len(outcomes)), outcomes, strict=True):
            part = table[table["outcome"] == outcome].reset_index(drop=True)
            at = np.arange(len(part))
            axes.axvline(0, color=INK, linewidth=1)
            axes.hlines(at, part["lower"], part["upper"], color=BLUE)
            axes.plot(part["effect"], at, "o", color=BLUE)
            axes.set_yticks(at, part["subgroup"].astype(str) + " (" + part["programme units"].map("{:,.0f}".format) + ")")
            axes.set_ylim(len(part) - 0.5, -0.5)
            axes.grid(axis="x")
            axes.set_title(f"{outcome}; test of a difference: p {part['test of difference, p'].iloc[0]}")
        titled(figure, f"{shown.title}. Effects and 95% intervals; programme units in brackets")
    return Picture(figure=figure, alt=f"Intervals of {len(table)} subgroups of {len(outcomes)} outcomes. {shown.title}.")


def _points(axes, rows: list[EventRow], phase: str) -> None:
    if not rows:
        return
    x, y = [row.event_time for row in rows], np.array([row.estimate for row in rows])
    around = np.abs(np.array([[row.lower, row.upper] for row in rows]).T - y)
    marker = {"base": "D", "left_out": "x"}.get(phase, "o")
    axes.errorbar(x, y, around, fmt=marker, color=COLOURS[phase], markersize=5, linewidth=1.3, label=WORDS[phase])


def _ticks(axes, labels) -> None:
    """Every label where there is room, else every second or fourth; numbers alone are said once below."""
    step = 1 if len(labels) <= 10 else 2 if len(labels) <= 24 else 4
    bare = all(label.split()[-1] in ("before", "after", "joining") for label in labels)
    short = [label.replace(" before", "").replace(" after", "") if bare else label for label in labels]
    signed = [f"\u2212{one}" if label.endswith("before") else one for one, label in zip(short, labels, strict=True)]
    axes.set_xticks(range(0, len(labels), step), [signed[at] for at in range(0, len(labels), step)], fontsize=9)


def _below(panels: np.ndarray, used: int, words: str) -> None:
    """Names the axis under the lowest panel of each column."""
    for axes in list(panels.ravel())[max(used - COLUMNS, 0) : used]:
        axes.set_xlabel(words, fontsize=10, color=MUTED)


def _cell(column: int, row: int, colour: str):
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.45), 0.96, 0.9, facecolor=colour, edgecolor="white")


def _span(one: OutcomeStudy) -> str:
    known = [line.values[np.isfinite(line.values)] for line in one.lines[:2]]
    return " and ".join(f"{values[0]:.3g} to {values[-1]:.3g}" for values in known if len(values))
