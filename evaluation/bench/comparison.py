"""Who is compared with whom: who could be, who was, how alike they are, and who was left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.bench.study import Bench
from evaluation.bench.views import BLUE, GREY, INK, MUTED, ORANGE, RULE, SOFT, Picture, View, drawing, keyed, table_of, titled
from evaluation.errors import CommonSupportError
from evaluation.findings.compared import REASONS, label_of
from evaluation.matching.balance import balance_table, risk_set_weights
from evaluation.matching.risk_sets import candidates_of
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import matcher, with_later_entry

ALIKE = 0.1
BINS = 24


def candidates(panel: Panel, study: Bench) -> View:
    """By entry period: who joined, and who could have joined then and had not: whom they may be compared with."""
    spec = matcher(study.plan)
    rows = candidates_of(panel, eligibility=spec.eligibility, pool=spec.pool, weights=spec.sampling_weights)
    inside = study.inside(panel)[rows.unit]
    table = table_of(
        [
            {"entry period": panel.periods.label(int(period)), "joined": int((rows.treated & inside & (rows.period == period)).sum()),
             "could have joined": int((~rows.treated & inside & (rows.period == period)).sum())}
            for period in np.intersect1d(np.unique(rows.period), study.entries(panel))
        ],
        ("entry period", "joined", "could have joined"),
    )
    few = table["could have joined"] / table["joined"].where(table["joined"] > 0)
    thin = f"; where fewest, {few.min():.1f} could have joined for each that did" if few.notna().any() else ""
    return View(title=f"{study.where}: {int(table['joined'].sum()):,} programme units{thin}", table=table,
                notes=("Candidates of the council itself; the plan may look further. Whether they join later is not known then, and not used.",))


def plot_joiners(panel: Panel, study: Bench) -> Picture:
    """Bars of `candidates`: joined, and how many could have joined for each of them."""
    table = candidates(panel, study).table
    at = np.arange(len(table))
    with drawing(10, 4.2, rows=2, share_x=True) as (figure, panels):
        for axes, column, colour in zip(panels[:, 0], ("joined", "could have joined"), (BLUE, ORANGE), strict=True):
            bars = axes.bar(at, table[column], color=colour, width=0.8)
            axes.bar_label(bars, fontsize=9, color=INK, fmt="{:,.0f}")
            axes.set_title(f"{column[:1].upper()}{column[1:]}")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.margins(y=0.2)
        panels[1, 0].set_xticks(at, table["entry period"], rotation=90, fontsize=9)
        titled(figure, f"{study.where}: {int(table['joined'].sum()):,} programme units")
    return Picture(figure=figure, alt=f"Bars by entry period: {int(table['joined'].sum()):,} joined over {len(table)} periods.")


def match(panel: Panel, study: Bench) -> MatchedSample:
    """The plan's matching over all places together: the score is never fitted on one small council."""
    return with_later_entry(study.plan, matcher(study.plan).fit(panel))


def own(sample: MatchedSample, study: Bench) -> MatchedSample:
    """The council's and cohort's own sets, with their own balance and their own left out.

    Raises
    ------
    CommonSupportError
        None of them was matched.
    """
    if not study.council and not study.cohort[0]:
        return sample
    inside, entries = study.inside(sample.panel), study.entries(sample.panel)
    kept = sample.keep(inside[sample.treated_unit] & np.isin(sample.treated_entry, entries), inside)
    if kept is None:
        raise CommonSupportError(f"None of those who joined was matched: {study.where}. Widen the cohort, or take all places together, and look at "
                                 "`left_out`.")
    at_risk = kept.candidates[np.isin(kept.candidates["entry"], entries)].reset_index(drop=True)
    left = sample.dropped[inside[sample.dropped["unit"]] & np.isin(sample.dropped["entry"], entries)].reset_index(drop=True)
    return replace(kept, candidates=at_risk, dropped=left, balance=_own_balance(sample, kept, inside, entries), match=None)


def sets(sample: MatchedSample) -> View:
    """What the matched sets look like: sizes, how often a comparison unit serves, how far apart on the score."""
    size, serves = np.bincount(sample.comparison_set, minlength=sample.n_sets), np.bincount(sample.comparison_unit)
    serves, distance = serves[serves > 0], _distances(sample)
    rows = [
        ("Programme units matched", f"{sample.n_treated:,} of {sample.n_treated + len(sample.dropped):,}"),
        ("Comparison units", f"{len(serves):,}, worth {sample.effective_sample_size():,.0f} of equal weight"),
        ("Comparison units in a set", f"{size.min()} to {size.max()}, mean {size.mean():.1f}"),
        ("Sets that a comparison unit serves", f"1 to {serves.max()}, mean {serves.mean():.1f}; {100 * (serves > 1).mean():.0f}% serve several"),
        ("Distance on the score inside sets", _distance_words(distance, sample.caliper_width)),
    ]
    return View(title=f"{sample.n_sets:,} matched sets", table=pd.DataFrame(rows, columns=["what", "found"]), notes=(f"{sample.method}.",))


def left_out(sample: MatchedSample) -> View:
    """Programme units without a match, by reason: the effect does not speak about them."""
    counts = sample.dropped["reason"].value_counts().sort_index()
    joined = sample.n_treated + len(sample.dropped)
    table = table_of([{"reason": REASONS.get(reason, reason), "programme units": int(count), "of those who joined (%)": 100 * count / joined}
                      for reason, count in counts.items()], ("reason", "programme units", "of those who joined (%)"))
    return View(title=f"{len(sample.dropped):,} of {joined:,} who joined were not matched", table=table,
                notes=("The effect is about those matched; nothing is said of the others.",))


def plot_overlap(sample: MatchedSample) -> Picture:
    """The score of programme units, of all who could have joined, and of the comparison units chosen."""
    frame = sample.candidates[np.isfinite(sample.candidates["score"].to_numpy(dtype=float))]
    if frame.empty:
        return _without("no score was used in matching")
    score, treated = frame["score"].to_numpy(dtype=float), frame["treated"].to_numpy(dtype=bool)
    edges = np.linspace(*np.quantile(score, [0.002, 0.998]), BINS + 1)
    chosen, weight = _scores_of(sample, sample.comparison_unit, sample.comparison_entry), sample.comparison_weight
    with drawing(9, 4.2) as (figure, panels):
        axes = panels[0, 0]
        for values, w, style in (
            (score[~treated], None, {"color": GREY, "linewidth": 1.2, "linestyle": "--", "label": "All who could have joined"}),
            (score[treated], None, {"fill": True, "color": BLUE, "alpha": 0.35, "label": "Programme units"}),
            (chosen, weight, {"color": ORANGE, "linewidth": 2.0, "label": "Comparison units chosen, by weight"}),
        ):
            known = np.isfinite(values)
            count = np.histogram(np.clip(values[known], edges[0], edges[-1]), edges, weights=None if w is None else w[known])[0]
            axes.stairs(100 * count / max(count.sum(), 1e-12), edges, **style)
        axes.set_ylabel("Per cent of each group")
        axes.set_xlabel("Score of joining (outer bins hold what lies beyond)")
        axes.grid(axis="y")
        keyed(figure, axes)
        inside = np.mean((score[treated] >= score[~treated].min()) & (score[treated] <= score[~treated].max()))
        titled(figure, f"{100 * inside:.0f}% of programme units lie inside the range of those who could have joined")
    return Picture(figure=figure, alt=f"Three outlines of the score. {100 * inside:.0f}% of programme units lie inside the range of the others.")


def plot_balance(sample: MatchedSample, study: Bench) -> Picture:
    """Love plot: standardised difference of every covariate before and after matching; within 0.1 shaded."""
    table = sample.balance.assign(size=sample.balance["smd_before"].abs()).sort_values("size", na_position="first", ignore_index=True)
    names, at = [label_of(name, study.dictionary, study.plan) for name in table["covariate"]], np.arange(len(table))
    over = int((table["smd_after"].abs() >= ALIKE).sum())
    with drawing(9, 1.8 + 0.32 * len(table)) as (figure, panels):
        axes = panels[0, 0]
        axes.axvspan(-ALIKE, ALIKE, color=SOFT)
        axes.axvline(0, color=INK, linewidth=1)
        axes.hlines(at, table["smd_before"], table["smd_after"], color=RULE)
        axes.plot(table["smd_before"], at, "D", markerfacecolor="white", markeredgecolor=ORANGE, markeredgewidth=1.8, label="Before matching")
        axes.plot(table["smd_after"], at, "o", color=BLUE, label="After matching")
        axes.set_yticks(at, names)
        axes.set_xlabel("Difference in standard deviations of the programme group (shaded: within 0.1 either way)", color=MUTED)
        axes.grid(axis="x")
        keyed(figure, axes)
        some = f"{len(table) - over} of {len(table)} covariates are" if over else "every covariate is"
        titled(figure, f"{study.where}: after matching, {some} within 0.1")
    return Picture(figure=figure, alt=f"Dot plot of {len(table)} covariates before and after matching; {over} differ by 0.1 or more after.")


def _own_balance(sample: MatchedSample, kept: MatchedSample, inside: np.ndarray, entries: np.ndarray) -> pd.DataFrame:
    """Balance of the kept sets against all of the council who could have joined in the same periods; of the whole sample where no match is kept."""
    if sample.match is None:
        return kept.balance
    rows, width = sample.match.rows, len(sample.panel.periods)
    key = rows.unit * width + rows.period
    after = np.zeros(len(key))
    order = np.argsort(key)
    for unit, entry, weight in ((kept.treated_unit, kept.treated_entry, kept.treated_weight),
                                (kept.comparison_unit, kept.comparison_entry, kept.comparison_weight)):
        np.add.at(after, order[np.searchsorted(key[order], unit * width + entry)], weight)
    x, names = sample.match.x, list(sample.match.names)
    if np.isfinite(sample.match.score).any():
        x, names = np.column_stack([x, sample.match.score]), [*names, sample.match.score_name]
    use = np.isfinite(x).all(axis=1) & ((after > 0) | inside[rows.unit] & np.isin(rows.period, entries))
    before = risk_set_weights(rows.period[use], rows.treated[use], rows.weights[use])
    return balance_table(x[use], names, treated=rows.treated[use], before=before, after=after[use])


def _scores_of(sample: MatchedSample, unit: np.ndarray, entry: np.ndarray) -> np.ndarray:
    """Score of members; NaN for those that are not among the sample's candidates (found outside the council)."""
    width, frame = len(sample.panel.periods), sample.candidates
    key = frame["unit"].to_numpy() * width + frame["entry"].to_numpy()
    order = np.argsort(key)
    place = np.searchsorted(key[order], unit * width + entry).clip(max=len(key) - 1)
    there = key[order][place] == unit * width + entry
    return np.where(there, frame["score"].to_numpy(dtype=float)[order][place], np.nan)


def _distances(sample: MatchedSample) -> np.ndarray:
    if sample.kind != "pairs":
        return np.empty(0)
    focal = np.full(sample.n_sets, np.nan)
    focal[sample.treated_set] = _scores_of(sample, sample.treated_unit, sample.treated_entry)
    found = np.abs(_scores_of(sample, sample.comparison_unit, sample.comparison_entry) - focal[sample.comparison_set])
    return found[np.isfinite(found)]


def _distance_words(distance: np.ndarray, caliper: float) -> str:
    if not len(distance):
        return "no score, or no pairs"
    width = f", caliper {caliper:.3f}" if np.isfinite(caliper) else ""
    return f"median {np.median(distance):.3f}, largest {distance.max():.3f}{width}"


def _without(reason: str) -> Picture:
    with drawing(6, 1.0) as (figure, panels):
        panels[0, 0].set_axis_off()
        titled(figure, f"Nothing to draw: {reason}")
    return Picture(figure=figure, alt=f"Nothing to draw: {reason}.")
