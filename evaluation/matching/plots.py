"""Pictures of balance for a notebook: how far apart the sides are before and after matching. Each returns a matplotlib Figure.

They show single values of small groups, and so are for the analyst only: what a report may print is drawn by `reporting/figures.py`.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.balance import full_table
from evaluation.matching.thresholds import Thresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from evaluation.matching.match import Match

INK, MUTED, RULE, BLUE, ORANGE = "#0b0c0c", "#505a5f", "#b1b4b6", "#12436D", "#F46A25"
POINTS = 1000                  # of a drawn distribution function
BINS = 40


def love_plot(table: pd.DataFrame, *, limit: float = 0.1) -> Figure:
    """Absolute standardised mean differences before and after matching, one line per covariate, the largest before on top.

    Parameters
    ----------
    table : DataFrame
        Of `Match.balance` or `Match.diagnostics`, not by stratum.
    limit : float
        Difference below which the sides count as alike.

    Raises
    ------
    PlanError
        The table has several lines for a covariate.
    """
    if not table["covariate"].is_unique:
        raise PlanError("A love plot shows one line per covariate: this table has several, as one by stratum does. Give it the lines of one stratum.")
    verdict = Thresholds(smd=limit, variance_ratio=None).judge(table)
    shown = table.assign(before=table["smd_before"].abs(), after=table["smd_after"].abs()).sort_values("before", kind="stable", na_position="first")
    figure, axes = _page(7.5, 1.6 + 0.28 * len(shown))
    height = np.arange(len(shown))
    axes.hlines(height, shown["before"], shown["after"], color=RULE, linewidth=1)
    axes.scatter(shown["before"], height, marker="D", s=34, facecolors="white", edgecolors=ORANGE, linewidths=1.5, label="Before matching", zorder=3)
    axes.scatter(shown["after"], height, marker="o", s=34, color=BLUE, label="After matching", zorder=4)
    axes.axvline(limit, color=MUTED, linestyle="--", linewidth=1, label=f"Limit: {limit:g}")
    axes.set_yticks(height, shown["covariate"] + np.where(shown["type"] == "score", " (score)", "") if "type" in shown else shown["covariate"])
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("Absolute difference in means, in standard deviations before matching")
    some = "Every covariate differs" if verdict.passed else f"{verdict.n_within} of {verdict.n_judged} covariates differ"
    _title(figure, f"{some} by less than {limit:g} standard deviations after matching")
    _legend(figure, axes)
    return figure


def ecdf_plot(match: Match, covariate: str) -> Figure:
    """Cumulative shares of both sides by a covariate or the score, before and after matching.

    Parameters
    ----------
    covariate : str
        A name in the table of `Match.diagnostics`.

    Raises
    ------
    PlanError
        There is no such covariate.
    """
    x, sides, line = _column(match, covariate)
    figure, panels = _page(9.0, 4.4, panels=2)
    ticks = np.unique(np.quantile(x, np.linspace(0, 1, POINTS)))
    for axes, weights, when in zip(panels, sides.weights, ("Before matching", "After matching"), strict=True):
        for part, name, colour, dashes in _parts(sides.n_treated):
            axes.step(ticks, _shares_up_to(ticks, x[part], weights[part]), where="post", color=colour, linestyle=dashes, linewidth=1.8, label=name)
        axes.set_title(when, loc="left", fontsize=10, color=INK)
        axes.set_xlabel(covariate)
        axes.set_ylim(0, 1.02)
    panels[0].set_ylabel("Share of rows at or below")
    _title(figure, f"Distributions of {covariate} are at most {line['ks_after']:.2f} apart after matching, against {line['ks_before']:.2f} before")
    _legend(figure, panels[0])
    return figure


def overlap_plot(match: Match) -> Figure:
    """Histogram of the score, the treated upwards and the comparison rows downwards, before matching in outline and after it filled.

    Raises
    ------
    PlanError
        The match has no score.
    """
    x, sides, line = _column(match, match.score_name)
    figure, axes = _page(7.5, 4.6)
    edges = np.linspace(*np.quantile(x, [0.001, 0.999]), BINS + 1)
    inside = np.clip(x, edges[0], edges[-1])
    for (part, name, colour, _), sign in zip(_parts(sides.n_treated), (1, -1), strict=True):
        before, after = (sign * 100 * np.histogram(inside[part], edges, weights=w[part])[0] / w[part].sum() for w in sides.weights)
        axes.stairs(after, edges, fill=True, color=colour, alpha=0.75, label=f"{name}, after matching")
        axes.stairs(before, edges, color=INK, linewidth=1.2, linestyle="-" if sign > 0 else "--", label=f"{name}, before matching")
        axes.text(0.99, 0.5 + 0.46 * sign, name, transform=axes.transAxes, ha="right", va="center", fontsize=10, color=INK)
    axes.axhline(0, color=INK, linewidth=0.8)
    tallest = 1.1 * max(map(abs, axes.get_ylim()))
    axes.set_ylim(-tallest, tallest)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlabel(f"Score: {match.score_name} (outer bars hold what lies beyond)")
    axes.set_ylabel("Rows, % of each side")
    _title(figure, f"Scores overlap by {line['overlap_after']:.0%} after matching, against {line['overlap_before']:.0%} before")
    _legend(figure, axes, columns=2)
    return figure


def _column(match: Match, name: str) -> tuple:
    """Values and sides of one column that balance is shown for, and its line of the table."""
    terms = {term.name: term for term in match.terms(every_level=True)}
    if name not in terms:
        raise PlanError(f"A picture of balance must be of a covariate that was matched, or of the score: {name!r} is not one of {', '.join(terms)}.")
    sides = match.sides()
    return terms[name].values()[sides.place].astype(float), sides, full_table([terms[name]], sides, overlap=True).iloc[0]


def _parts(n_treated: int) -> tuple:
    return (slice(None, n_treated), "Treated", BLUE, "-"), (slice(n_treated, None), "Comparison", ORANGE, "--")


def _shares_up_to(ticks: np.ndarray, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted share of rows at or below each tick."""
    order = np.argsort(x)
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    return total[np.searchsorted(x[order], ticks, side="right")] / total[-1]


def _page(width: float, height: float, *, panels: int = 1) -> tuple:
    """An empty figure in inches that a notebook shows once, when it is a cell's value."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, panels, figsize=(width, height), sharey=True, layout="constrained")
    pyplot.close(figure)
    for each in np.atleast_1d(axes):
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="x", color=RULE, linewidth=0.5, alpha=0.6)
        each.set_axisbelow(True)
    return figure, axes


def _title(figure: Figure, words: str) -> None:
    figure.suptitle(words, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK, wrap=True)


def _legend(figure: Figure, axes: Axes, *, columns: int = 3) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=columns, frameon=False, fontsize=9)
