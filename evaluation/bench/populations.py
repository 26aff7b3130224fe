"""Who stands behind the numbers at the bench: support and exits, complete sets, those left out, why values are missing, ways between the groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.bench.delivery import Received
from evaluation.bench.study import Bench
from evaluation.bench.views import View, table_of
from evaluation.findings.compared import label_of
from evaluation.findings.present import lower_first
from evaluation.findings.support import DAYS_A_MONTH, WORDS
from evaluation.findings.touch import LABELS
from evaluation.matching.existing import complete_sets
from evaluation.matching.left_out import left_out_table
from evaluation.matching.sample import MatchedSample
from evaluation.panel.spillover import spillover
from evaluation.panel.status import IN_WORDS, Status
from evaluation.panel.types import Panel
from evaluation.panel.windows import Support, exposures, median_duration, support_of
from evaluation.panel.windows import exits as exits_of
from evaluation.pipeline.populations import arms_of, seen_of

NO_FAMILIES = "Not told: the units are no families"


def support(panel: Panel, received: Received) -> View:
    """How far the cohort's programme families can be followed, and how long they were supported, by window after joining."""
    columns = ("months", "joined", "followed throughout", "mean days of support", "mean share of the window", "still supported at its end")
    own = _support(panel, received)
    if own is None:
        return View(title=NO_FAMILIES, table=table_of([], columns))
    table, days = exposures(own, panel), median_duration(own, panel) if len(own.unit) else float("nan")
    lasted = f"half were supported for {days / DAYS_A_MONTH:.0f} months or longer" if np.isfinite(days) else "more than half are still supported"
    return View(title=f"{received.study.where}: {lasted}", table=table.set_axis(list(columns), axis=1),
                notes=("Still supported at a window's end: the window shows a part of the support only (partial exposure).",))


def exits(panel: Panel, received: Received) -> View:
    """Why support ended, with median days of support."""
    columns = ("end of support", "families", "median days")
    own = _support(panel, received)
    if own is None:
        return View(title=NO_FAMILIES, table=table_of([], columns))
    reasons = received.study.dictionary.tables["families"].columns["exit_reason"].codes or {}
    table = exits_of(own, panel, tuple(reasons)).assign(reason=lambda rows: [WORDS.get(code) or reasons[code] for code in rows["reason"]])
    return View(title=f"{received.study.where}: why support ended", table=table.set_axis(list(columns), axis=1))


def _support(panel: Panel, received: Received) -> Support | None:
    if panel.unit != "family" or "families" not in received.tables:
        return None
    whole = support_of(received.tables, panel)
    own = np.isin(whole.unit, received.study.joined(panel))
    return replace(whole, unit=whole.unit[own], begins=whole.begins[own], ends=whole.ends[own], reason=whole.reason[own])


def complete(sample: MatchedSample, whole: MatchedSample, study: Bench) -> View:
    """For each outcome, the sample's units in sets in which it exists on both sides, and the balance of all such sets of the whole match."""
    columns = ("outcome", "programme units", "comparison units", "largest difference after (SD)", "characteristic")
    rows = []
    for name in (name for name in study.plan.outcomes.all if name in sample.panel.status):
        own, everywhere = complete_sets(sample, name), complete_sets(whole, name)
        worst = None if everywhere is None else everywhere.balance.loc[everywhere.balance["smd_after"].abs().idxmax()]
        units = (0, 0) if own is None else (own.n_treated, len(np.unique(own.comparison_unit)))
        told = (float("nan"), "") if worst is None else (worst["smd_after"], label_of(worst["covariate"], study.dictionary, study.plan))
        rows.append((study.dictionary.outcomes[name].label, *units, *told))
    if not rows:
        return View(title=NO_FAMILIES, table=table_of([], columns))
    fewest = min(rows, key=lambda row: row[1])
    return View(title=f"{study.where}: of {sample.n_treated:,} matched, {fewest[1]:,} are behind {lower_first(fewest[0])}",
                table=pd.DataFrame(rows, columns=list(columns)), notes=("Differences are those of all places together, as the match is.",))


def unlike(sample: MatchedSample, study: Bench) -> View:
    """How programme units without a match differ from those with one; of the whole match, which is made over all places together."""
    table = left_out_table(sample)
    if table.empty:
        return View(title="Nobody was left out, or the match itself is not kept: give the whole match, as `bench.match` makes it", table=table)
    table = table.assign(covariate=[label_of(name, study.dictionary, study.plan) for name in table["covariate"]])
    return View(title=f"{table['n_left_out'].max():,} left out; they differ most in {table.loc[table['smd'].abs().idxmax(), 'covariate'].lower()}",
                table=table.sort_values("smd", key=np.abs, ascending=False, ignore_index=True),
                notes=("Differences in standard deviations, left out less matched. Nothing is said of those left out.",))


def why_missing(sample: MatchedSample, study: Bench) -> View:
    """Per cent of the headline's quarters in which each outcome was observed, and why it was not, by group; comparison families until they join."""
    if sample.panel.unit != "family":
        return View(title=NO_FAMILIES, table=table_of([], ("outcome", "group")))
    seen = seen_of(study.plan, study.dictionary, sample)
    there = [status for status in Status if any(one.quarters.get(status) for one in seen)]
    rows = [{"outcome": one.label, "group": one.arm} | {IN_WORDS[status]: 100 * one.quarters.get(status, 0) / sum(one.quarters.values())
                                                        for status in there} for one in seen if one.quarters]
    return View(title=f"{study.where}: why values are missing (% of quarters)", table=pd.DataFrame(rows),
                notes=("An outcome that the last child has grown out of has ended: that is no success.",))


def ways(sample: MatchedSample, received: Received) -> View:
    """Shares of both groups for whom a way from the programme is open, or another service ended or began."""
    if sample.panel.unit != "family":
        return View(title=NO_FAMILIES, table=table_of([], ("way",)))
    found = spillover(received.tables, sample.panel, *arms_of(sample), after=received.study.plan.estimator.headline.event_times)
    rows = [{"way": LABELS[row.way], "programme (%)": 100 * row.share_treated, "comparison (%)": 100 * row.share_comparison,
             "programme families": row.n_treated, "comparison families": row.n_comparison, "known of comparison (%)": 100 * row.known_comparison}
            for row in found.itertuples()]
    return View(title=f"{received.study.where}: what may have reached comparison families", table=pd.DataFrame(rows),
                notes=("Records show where a way was open, not that anything passed along it.",))
