"""Lessons on data with a known answer: the experiment of LaLonde, and simulated families on whom the programme does nothing.

Why before and after misleads, what matching repairs and what it does not, what a test of the trend before can and cannot see.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.bench.views import BLUE, INK, MUTED, ORANGE, PINK, SOFT, Picture, View, drawing, keyed, titled
from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import EvaluationError
from evaluation.findings.numbers import change_unit_of, factor_of, scaled, unit_of
from evaluation.locations import open_data_folder, project_file
from evaluation.matching.sample import MatchedSample
from evaluation.models import CHECKS, CheckInput, MatchedDiD, UnmatchedDiD, UnmatchedLevels, overall
from evaluation.models.before_after import before_after
from evaluation.models.descriptive import group_means
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.benchmark import POOL_WORDS, benchmark_rows
from evaluation.pipeline.checking import near_entry
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.receive import build_panel, receive
from evaluation.plan import Plan, read_plan
from evaluation.plan.data import DataPlan
from evaluation.reporting.words import minus
from evaluation.showing import Face, Showing, face_of

BEFORE = (-4, -1)              # the four seasons before joining
WINDOW = (-8, 8)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Crisis(Showing):
    """Simulated families on whom the programme does nothing: whatever is found is a mistake of the method.

    Attributes
    ----------
    outcome : str
        Name in the dictionary.
    table : DataFrame
        `method`, `estimate`, `lower`, `upper`, `says`.
    """

    plan: Plan
    dictionary: Dictionary
    panel: Panel
    sample: MatchedSample
    outcome: str
    table: pd.DataFrame

    def face(self) -> Face:
        """What each way of looking says of a programme without effect."""
        found = self.dictionary.outcomes[self.outcome]
        wrong = (self.table["says"] != "no effect: right").sum()
        return face_of(f"{found.label}: the programme does nothing, and {wrong} of {len(self.table)} ways of looking say otherwise", self.table,
                       notes=(f"In {change_unit_of(found)}. The truth is exactly 0.", "Families join after a crisis, and crises pass by themselves."))


def lalonde() -> View:
    """National Supported Work: what each comparison group and method makes of an effect that an experiment measured.

    Returns
    -------
    View
        Empty, with the way to mend it, where the published data are not on this machine.
    """
    plan, dictionary = read_plan(project_file("studies/lalonde/plan.yml")), load_dictionary()
    columns = ("comparison group", "method", "estimate", "lower", "upper", "away from the experiment", "largest difference after matching")
    with tempfile.TemporaryDirectory(prefix="evaluation-lesson-") as room:
        try:
            panel = build_panel(receive(plan, Path(room), dictionary, Path(room)), plan, dictionary)
        except EvaluationError:
            title = "The experiment's data are not on this machine: go on with the simulated families below"
            return View(title=title, table=pd.DataFrame(columns=list(columns)),
                        notes=(f"They are looked for in {open_data_folder().name}; the variable EVALUATION_OPEN_DATA names another folder.",))
    rows = benchmark_rows(Estimating(plan=plan), dictionary, panel)
    truth = rows[0].estimate.estimate
    joined = before_after(panel, plan.outcomes.primary[0], before=(-1, -1), after=plan.estimator.headline.event_times).change
    found = [("none: those who joined, before and after", "change of their own", joined, float("nan"))]
    found += [(POOL_WORDS.get(row.pool, row.pool), row.method, row.estimate, row.worst_smd) for row in rows]
    table = pd.DataFrame([(group, method, one.estimate, one.lower, one.upper, one.estimate - truth, worst) for group, method, one, worst in found],
                         columns=list(columns))
    naive = table["away from the experiment"][table["method"].str.contains("unmatched")].abs().max()
    title = f"The experiment found {truth:+,.0f} dollars a year; plain differences are up to {naive:,.0f} away from it"
    return View(title=title, table=table, notes=("LaLonde (1986), with the samples of Dehejia and Wahba (1999).",
                                                 "Matching brings the comparison nearer; it does not make an experiment."))


def plot_lalonde(found: View) -> Picture:
    """The estimates of `lalonde` beside the experiment's."""
    table = found.table[np.isfinite(found.table["estimate"].to_numpy(dtype=float))].reset_index(drop=True)
    with drawing(10, 1.4 + 0.42 * max(len(table), 1)) as (figure, panels):
        axes, at = panels[0, 0], np.arange(len(table))
        if len(table):
            randomised = table["method"].str.contains("randomised")
            truth = table["estimate"][randomised].iloc[0]
            axes.axvline(truth, color=ORANGE, linewidth=1.5, linestyle="--")
            axes.hlines(at, table["lower"], table["upper"], color=BLUE)
            axes.plot(table["estimate"], at, "o", color=BLUE)
            axes.plot(table["estimate"][randomised], at[randomised], "D", color=ORANGE, markersize=8)
            axes.set_yticks(at, table["comparison group"].str.partition(" (")[0] + ": " + table["method"])
            axes.set_xlabel("Effect on earnings in 1978, dollars (dashed: the experiment)", color=MUTED)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.xaxis.set_major_formatter(lambda value, _: minus(f"{value:,.0f}"))
        axes.grid(axis="x")
        titled(figure, found.title)
    return Picture(figure=figure, alt=f"Estimates and intervals of {len(table)} ways of looking. {found.title}.")


def crisis(*, families: int = 3000, seed: int = 7, outcome: str = "any_offence") -> Crisis:
    """Simulate families whom the programme does not change, and look at them in every way.

    Parameters
    ----------
    families : int
        In four councils; about four in ten join.
    outcome : str
        An outcome of families in the dictionary.
    """
    plan, dictionary = read_plan(project_file("studies/demonstration/plan.yml")), load_dictionary()
    plan = plan.model_copy(update={"data": DataPlan(kind="simulated", families=_spread(families), effects={}), "seed": seed})
    with tempfile.TemporaryDirectory(prefix="evaluation-lesson-") as room:
        panel = build_panel(receive(plan, Path(room), dictionary, Path(room)), plan, dictionary)
    sample = replace(matcher(plan), pool="never_joined").fit(panel)
    factor = factor_of(dictionary.outcomes[outcome])
    calendar = dictionary.outcomes[outcome].sources["family"].calendar
    rows = ((words, scaled(found, factor)) for words, found in _ways(panel, sample, outcome, plan, calendar))
    table = pd.DataFrame([{"method": words, "estimate": one.estimate, "lower": one.lower, "upper": one.upper, "says": _says(one)}
                          for words, one in rows])
    return Crisis(plan=plan, dictionary=dictionary, panel=panel, sample=sample, outcome=outcome, table=table)


def plot_crisis(lesson: Crisis) -> Picture:
    """Families that join and families like them, by quarter from joining: up before, down after, without any programme effect."""
    outcome, times = lesson.dictionary.outcomes[lesson.outcome], np.arange(WINDOW[0], WINDOW[1] + 1)
    factor = factor_of(outcome)
    joined, alike = (factor * values for values in group_means(lesson.sample, lesson.outcome, times))
    before, after = (float(np.nanmean(joined[(times >= low) & (times <= high)])) for low, high in (BEFORE, _headline(lesson.plan)))
    with drawing(10, 4.4) as (figure, panels):
        axes = panels[0, 0]
        for (low, high), level, name in ((BEFORE, before, "before"), (_headline(lesson.plan), after, "after")):
            axes.axvspan(low - 0.5, high + 0.5, color=SOFT)
            axes.hlines(level, low - 0.5, high + 0.5, color=PINK, linewidth=2)
            axes.text((low + high) / 2, 0.98, f"mean {name}: {level:.1f}", transform=axes.get_xaxis_transform(), ha="center", va="top", color=PINK,
                      fontweight="bold")
        axes.plot(times, joined, "o-", color=BLUE, label="Families that join")
        axes.plot(times, alike, "s--", color=ORANGE, label="Matched families that never join")
        axes.axvline(-0.5, color=INK, linewidth=1, linestyle=":")
        axes.set_ylabel(unit_of(outcome))
        axes.set_xlabel("Quarters from joining (dotted); the programme does nothing", color=MUTED)
        axes.grid(axis="y")
        axes.margins(y=0.2)
        keyed(figure, axes)
        titled(figure, f"{outcome.label}: {before:.1f} before and {after:.1f} after, and the programme did nothing")
    return Picture(figure=figure, alt=f"Two lines by quarter from joining. Those who join go from {before:.1f} to {after:.1f} without any effect.")


def drift(lesson: Crisis, *, slopes: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)) -> View:
    """Let the groups drift apart by so much a quarter, before and after, and ask the test of the trend before; last, a jump on joining.

    Parameters
    ----------
    slopes : sequence of float
        Drift of the joined families a quarter, in the outcome's printed unit. It is no effect: it began long before.
    """
    outcome, factor = lesson.dictionary.outcomes[lesson.outcome], factor_of(lesson.dictionary.outcomes[lesson.outcome])
    still = _with_drift(lesson, 0.0, 0.0, factor)["estimate"]
    rows = [_with_drift(lesson, slope, 0.0, factor) for slope in slopes]
    rows.append(_with_drift(lesson, 0.0, rows[-1]["estimate"] - still, factor))
    table = pd.DataFrame(rows)
    table.insert(5, "shift of the estimate", table["estimate"] - still)
    hidden = table[(table["trend before"] == "passed") & (table["drift a quarter"] > 0)]
    worst = hidden.loc[hidden["drift a quarter"].idxmax()] if len(hidden) else None
    title = ("The test saw every drift that was tried" if worst is None else
             f"A drift of {worst['drift a quarter']:g} a quarter passes the test and shifts the estimate by {worst['shift of the estimate']:.3g}")
    return View(title=title, table=table, notes=(
        f"In {change_unit_of(outcome)}. The true effect is 0 in every row.",
        f"The test finds {table['found 4 times in 5'].iloc[0]:.1f} a quarter or more four times in five; below that it often says nothing.",
        "Last row: something else that began on the day of joining. No test of the time before can see it."))


def plot_drift(found: View) -> Picture:
    """Estimates of a programme without effect under each drift, by what the test of the trend before said."""
    table = found.table
    drifts, jump = table[table["jump on joining"] == 0], table[table["jump on joining"] != 0]
    with drawing(10, 4.4) as (figure, panels):
        axes = panels[0, 0]
        axes.axhline(0, color=INK, linewidth=1.2)
        for verdict, colour, marker in (("passed", BLUE, "o"), ("failed", PINK, "X"), ("not testable", MUTED, "v")):
            part = drifts[drifts["trend before"] == verdict]
            if len(part):
                around = np.abs(part[["lower", "upper"]].to_numpy().T - part["estimate"].to_numpy())
                axes.errorbar(part["drift a quarter"], part["estimate"], around, fmt=marker, color=colour, markersize=8,
                              label=f"Trend before: {verdict}")
        around = np.abs(jump[["lower", "upper"]].to_numpy().T - jump["estimate"].to_numpy())
        axes.errorbar(jump["drift a quarter"] - 0.08, jump["estimate"], around, fmt="D", markerfacecolor="white", color=ORANGE, markersize=8,
                      label=f"A jump on joining; trend before: {jump['trend before'].iloc[0]}")
        axes.set_xlabel("Drift of the joined families a quarter, which is no effect", color=MUTED)
        axes.set_ylabel("Estimated effect (the truth is 0)")
        axes.grid(axis="y")
        keyed(figure, axes)
        titled(figure, found.title)
    return Picture(figure=figure, alt=f"Estimates with intervals under {len(table)} disturbances. {found.title}.")


def _ways(panel: Panel, sample: MatchedSample, outcome: str, plan: Plan, calendar: Sequence[int]) -> list[tuple[str, Estimate]]:
    quarters, window, ahead = _headline(plan), WINDOW, plan.estimator.anticipation
    levels = UnmatchedLevels(window=window, anticipation=ahead).fit(panel, outcome, calendar=calendar)
    changes = UnmatchedDiD(base=-4, window=window, anticipation=ahead).fit(panel, outcome, calendar=calendar)
    did = {base: MatchedDiD(base=base, window=window, anticipation=0).fit(sample, outcome, calendar=calendar) for base in (-1, plan.estimator.base)}
    return [
        ("before and after, those who joined", before_after(panel, outcome, before=BEFORE, after=quarters).change),
        ("after, those who joined less all others", overall(levels, quarters=quarters)),
        ("change from 4 quarters before, less all others", overall(changes, quarters=quarters)),
        ("matched, change from the last quarter before", overall(did[-1], quarters=quarters)),
        (f"matched, change from {-plan.estimator.base} quarters before", overall(did[plan.estimator.base], quarters=quarters)),
    ]


def _with_drift(lesson: Crisis, slope: float, jump: float, factor: float) -> dict[str, object]:
    """Estimate and verdict after the joined families drift by `slope` a quarter and jump on joining, in the printed unit."""
    panel, name = lesson.panel, lesson.outcome
    since = np.arange(len(panel.periods)) - panel.entry[:, None]
    moved = np.where((panel.entry >= 0)[:, None], slope * since + jump * (since >= 0), 0.0) / factor
    sample = replace(lesson.sample, panel=replace(panel, outcomes={**panel.outcomes, name: panel.outcomes[name] + moved}))
    plan, quarters = lesson.plan, _headline(lesson.plan)
    spec = MatchedDiD(base=plan.estimator.base, window=WINDOW, anticipation=plan.estimator.anticipation)
    effects = spec.fit(sample, name, calendar=lesson.dictionary.outcomes[name].sources["family"].calendar)
    check = CHECKS["pre_trend"](CheckInput(sample=sample, estimator=spec, effects=effects, quarters=quarters, set_aside=near_entry(plan)))
    found = scaled(overall(effects, quarters=quarters), factor)
    return {"drift a quarter": slope, "jump on joining": jump, "estimate": found.estimate, "lower": found.lower, "upper": found.upper,
            "trend before": check.verdict, "p": f"{check.numbers.get('p_value', float('nan')):.3f}",
            "found 4 times in 5": check.numbers.get("slope_detectable", float("nan")) * factor}


def _says(found: Estimate) -> str:
    if not np.isfinite(found.lower):
        return "nothing: no interval"
    return "no effect: right" if found.lower <= 0 <= found.upper else f"a {'fall' if found.estimate < 0 else 'rise'}: wrong"


def _headline(plan: Plan) -> tuple[int, int]:
    return plan.estimator.headline.event_times


def _spread(families: int) -> dict[str, int]:
    codes = ("E06000022", "E09000032", "E08000015", "E06000030")
    return {code: families // len(codes) for code in codes}
