"""What changed: the three numbers, checks, other bases, subgroups and what could have been seen. Numbers of those inside, not protected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.bench.study import Bench, asked_for
from evaluation.bench.views import View, table_of
from evaluation.errors import EvaluationError
from evaluation.findings.numbers import OutcomeNumbers, change_unit_of, factor_of
from evaluation.findings.present import verdict
from evaluation.findings.study import OutcomeStudy
from evaluation.matching.sample import MatchedSample
from evaluation.models.before_after import before_after
from evaluation.models.power import needed_units
from evaluation.models.subgroups import by_subgroup, subgroup_labels
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.outcome_sets import OutcomeSets, fitted, outcome_sets
from evaluation.pipeline.recipe import framework_of, truth_of
from evaluation.showing import Face, Showing, face_of

VERDICTS = {"better": "better", "worse": "worse", "not_detectable": "not detectable here",
            "explained_by_trend": "cannot be told from the trend before", "none": "no estimate"}
TENTH = 0.1                    # of the level without the programme: a change that many programmes hope for


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Found(Showing):
    """Every outcome of one sample, as the pipeline works it out; `sets` are those behind each."""

    study: Bench
    sample: MatchedSample
    sets: OutcomeSets
    studies: tuple[OutcomeStudy, ...]

    @property
    def estimated(self) -> tuple[OutcomeStudy, ...]:
        """Outcomes with an estimate."""
        return tuple(one for one in self.studies if one.numbers.status == "estimated")

    def face(self) -> Face:
        """Three numbers side by side, which never stand for each other."""
        rows = [_row(one.numbers, self.study.plan.data.kind == "simulated") for one in self.studies]
        seen = sum(verdict(one.numbers) in ("better", "worse") for one in self.studies)
        title = f"{self.study.where}: {seen} of {len(self.studies)} outcomes differ from similar units by more than chance"
        return face_of(title, pd.DataFrame(rows), notes=(
            "The change says nothing about why; payment by results is no effect; only the effect compares with similar units.",
            "Not protected: for those inside."))


def estimate(sample: MatchedSample, study: Bench, *, outcomes: str = "all") -> Found:
    """Effects, checks and trends of the plan's outcomes on a sample, by the pipeline's own steps.

    Parameters
    ----------
    outcomes : str
        Names with commas between; 'all' for those of the plan.
    """
    plan = study.plan
    estimating = Estimating(plan=plan, framework=framework_of(plan), truth_of=truth_of(plan, study.room, sample),
                            placebos=tuple(study.dictionary.outcomes[name] for name in plan.outcomes.placebo))
    asked = [study.dictionary.outcomes[name] for name in asked_for(outcomes, plan)]
    joined, sets = study.joined(sample.panel), outcome_sets(plan, asked, sample)
    return Found(study=study, sample=sample, sets=sets, studies=tuple(study_outcome(estimating, outcome, sets, joined) for outcome in asked))


def checks(found: Found) -> View:
    """Every check of every outcome with its verdict; those that failed first."""
    order = {"failed": 0, "not testable": 1, "passed": 2, "information": 3}
    rows = [{"outcome": one.numbers.outcome.label, "check": line.name, "verdict": line.verdict, "found": line.sentence}
            for one in found.estimated for line in one.checks]
    rows.sort(key=lambda row: order.get(row["verdict"], 4))
    failed = sum(row["verdict"] == "failed" for row in rows)
    return View(title=f"{failed} of {len(rows)} checks failed", table=table_of(rows, ("outcome", "check", "verdict", "found")))


def bases(found: Found) -> View:
    """The headline under other base periods, matched and unmatched: where they part, something moved before joining."""
    rows = [
        {"outcome": one.numbers.outcome.label, "base": row.base, "matched": row.matched.estimate, "lower": row.matched.lower,
         "upper": row.matched.upper, "unmatched": row.unmatched.estimate}
        for one in found.estimated for row in one.bases
    ]
    return View(title="The headline under other bases", table=table_of(rows, ("outcome", "base", "matched", "lower", "upper", "unmatched")),
                notes=("Who joins at a crisis recovers without help too: a base close to joining credits that to the programme.",))


def changes(found: Found) -> View:
    """Before and after over the same seasons of each unit: all who joined, and those of them who were matched, beside the effect on these."""
    estimating = Estimating(plan=found.study.plan)
    rows = []
    for numbers in (one.numbers for one in found.estimated):
        outcome, factor = numbers.outcome, factor_of(numbers.outcome)
        matched = before_after(found.sample, outcome.name, before=estimating.before_window(), after=estimating.headline)
        rows.append({"outcome": outcome.label, "unit": change_unit_of(outcome), "all who joined": numbers.after - numbers.before,
                     "those matched": factor * matched.change.estimate, "effect": numbers.effect.estimate,
                     "units, all": numbers.n_before_after, "units, matched": matched.change.n_treated})
    columns = ("outcome", "unit", "all who joined", "those matched", "effect", "units, all", "units, matched")
    return View(title="Before and after, which is no effect", table=table_of(rows, columns),
                notes=("Where all who joined and those matched changed differently, the effect speaks about other units than the change does.",))


def windows(found: Found) -> View:
    """The effect over 6, 12, 18 and 24 months after joining, each of those who joined early enough to be followed to its end."""
    rows = [
        {"outcome": one.numbers.outcome.label, "months": row.months, "estimate": row.estimate.estimate, "lower": row.estimate.lower,
         "upper": row.estimate.upper, "matched units": row.estimate.n_treated}
        for one in found.estimated for row in one.windows
    ]
    return View(title="The effect by time after joining", table=table_of(rows, ("outcome", "months", "estimate", "lower", "upper", "matched units")),
                notes=("Longer times speak about fewer units, who joined earlier.",))


def detectable(found: Found) -> View:
    """The smallest effect this sample shows with 80% power, beside the level without the programme, and how many would show a tenth of it."""
    rows = []
    for numbers in (one.numbers for one in found.estimated):
        effect, level = numbers.effect, numbers.comparison_level
        asked = TENTH * abs(level)
        enough = asked > 0 and np.isfinite(effect.std_error)
        needed = needed_units(asked, effect.std_error, effect.n_treated, effect.df if np.isfinite(effect.df) else None) if enough else float("nan")
        rows.append({"outcome": numbers.outcome.label, "unit": change_unit_of(numbers.outcome), "standard error": effect.std_error,
                     "smallest effect shown": numbers.detectable, "level without": level,
                     "smallest, as % of level": 100 * numbers.detectable / abs(level) if level else float("nan"),
                     "matched units": effect.n_treated, "needed for a tenth of the level": needed})
    blind = sum(row["smallest effect shown"] >= abs(row["level without"]) for row in rows)
    title = (f"For {blind} of {len(rows)} outcomes, not even a change as large as the whole level could be seen" if blind
             else "Every outcome could show a change smaller than its whole level")
    return View(title=title, table=pd.DataFrame(rows), notes=("80% power, two-sided 5%. Needed: programme units, all else alike.",))


def subgroups(found: Found, column: str) -> View:
    """Effects by subgroup with the one test that they differ.

    Parameters
    ----------
    column : str
        A covariate of the panel, fixed or as it was on joining.
    """
    plan, rows, tests = found.study.plan, [], []
    labels = subgroup_labels(found.sample.panel, column)
    estimating = Estimating(plan=plan)
    for outcome in (one.numbers.outcome for one in found.estimated):
        factor = factor_of(outcome)
        try:
            effects = fitted(estimating, outcome, found.sets.own[outcome.name])
            parts = by_subgroup(effects, labels, quarters=estimating.headline, assignment=plan.programme.assignment)
        except EvaluationError as fault:
            rows.append({"outcome": outcome.label, "reason": str(fault).split(". ")[0]})
            continue
        tests.append(parts.p_value)
        for part in parts.table.itertuples():
            rows.append({"outcome": outcome.label, "subgroup": _level(part.subgroup), "effect": part.estimate * factor, "lower": part.lower * factor,
                         "upper": part.upper * factor, "programme units": part.n_treated, "test of difference, p": f"{parts.p_value:.3f}"
                         if np.isfinite(parts.p_value) else "not testable", "reason": part.reason})
    columns = ("outcome", "subgroup", "effect", "lower", "upper", "programme units", "test of difference, p", "reason")
    name = found.study.dictionary.covariates.get(column, column.replace("_", " "))
    known = [p for p in tests if np.isfinite(p)]
    told = f"{sum(p < 0.05 for p in known)} of {len(known)} tests of a difference below 5%" if known else "no difference can be tested"
    return View(title=f"{name}: {told}", table=table_of(rows, columns),
                notes=("Exploratory unless the plan named it: judge by the test, never by one interval.",))


def _row(numbers: OutcomeNumbers, simulated: bool) -> dict[str, object]:
    effect, results = numbers.effect, numbers.results
    row = {"outcome": numbers.outcome.label, "unit": change_unit_of(numbers.outcome), "before": numbers.before, "after": numbers.after,
           "before and after change": numbers.after - numbers.before,
           "payment by results (%)": 100 * results.n_result / results.n_problem if results and results.n_problem else None,
           "effect": effect.estimate if effect else None, "lower": effect.lower if effect else None, "upper": effect.upper if effect else None,
           "smallest effect shown": numbers.detectable, "finding": VERDICTS[verdict(numbers)] if effect else numbers.reason or "not available"}
    return row | ({"true effect (simulated)": numbers.truth} if simulated else {})


def _level(label: object) -> str:
    return {0.0: "no", 1.0: "yes"}.get(label, str(label)) if isinstance(label, float) else str(label)
