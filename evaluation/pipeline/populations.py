"""Who stands behind the numbers of a study of families: dose and follow-up, complete sets, those left out, what was seen, and ways between the arms.

What does not depend on the report is worked out once (`study_populations`), then each report takes its own families (`populations_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.disclosure.whose import ALL
from evaluation.findings.compared import label_of
from evaluation.findings.populations import CompleteSets, GrownOut, PopulationNumbers, Seen
from evaluation.findings.study import Scope
from evaluation.ingest.tables import CheckedTable
from evaluation.matching.left_out import left_out_table
from evaluation.matching.sample import MatchedSample
from evaluation.panel.spillover import Arm, shares_touched, ways
from evaluation.panel.status import Status, exists_at, families_by_status, statuses
from evaluation.panel.types import Panel
from evaluation.panel.windows import WINDOWS, Support, exits, exposures, median_duration, support_of
from evaluation.pipeline.outcome_sets import OutcomeSets, population_of
from evaluation.plan import Plan

AT_QUARTER = " at the start of the quarter"  # ends the label of a population by age


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationStudy:
    """All places together, unprotected.

    Attributes
    ----------
    complete : outcome name -> DataFrame or None
        Balance of the sets behind the outcome; None where there are none.
    left_out : DataFrame
        As `left_out_table` makes it, with the columns `label` and `binary`.
    touched : way -> (of treated, of comparison members of the whole sample)
    ways : DataFrame
        The shares that they make.
    seen : tuple of Seen
    grown_out : name of a population -> (families with a member in it when they joined, those of them without any at the headline's end)
    """

    support: Support
    complete: Mapping[str, pd.DataFrame | None]
    left_out: pd.DataFrame
    touched: Mapping[str, tuple[np.ndarray, np.ndarray]]
    ways: pd.DataFrame
    seen: tuple[Seen, ...]
    grown_out: Mapping[str, tuple[int, int]]


def study_populations(plan: Plan, dictionary: Dictionary, tables: Mapping[str, CheckedTable], sets: OutcomeSets) -> PopulationStudy | None:
    """What all reports of a study of families share; None for other units, and where areas had the programme."""
    if plan.unit != "family" or plan.programme.assignment == "area" or "families" not in tables:
        return None
    sample, panel = sets.whole, sets.whole.panel
    touch, arms = ways(tables, panel, after=plan.estimator.headline.event_times), arms_of(sample)
    complete = {name: None if own is None else own.balance for name, own in sets.own.items() if name in panel.status}
    touched = {way: (function(arms[0]), function(arms[1])) for way, function in touch.items()}
    return PopulationStudy(
        support=support_of(tables, panel),
        complete=complete,
        left_out=labelled(left_out_table(sample), sample, plan, dictionary),
        touched=touched,
        ways=shares_touched(touched, *arms),
        seen=tuple(seen_of(plan, dictionary, sample)),
        grown_out=grown_out(plan, dictionary, panel, np.flatnonzero(panel.entry >= 0)),
    )


def members_of(dictionary: Dictionary, panel: Panel, outcome: str) -> str:
    """Name of an outcome's population; '' where it is the family itself."""
    return population_of(dictionary.outcomes[outcome], panel)


def arms_of(sample: MatchedSample) -> tuple[Arm, Arm]:
    """Both sides of a sample."""
    return (
        Arm(unit=sample.treated_unit, column=sample.treated_entry, weight=sample.treated_weight),
        Arm(unit=sample.comparison_unit, column=sample.comparison_entry, weight=sample.comparison_weight),
    )


def labelled(table: pd.DataFrame, sample: MatchedSample, plan: Plan, dictionary: Dictionary) -> pd.DataFrame:
    """The table of those left out with covariates in words, and which of them a family has or has not."""
    if table.empty:
        return table.assign(label=[], binary=[])
    columns = zip(sample.match.names, sample.match.x.T, strict=True)
    binary = {name: bool(np.isin(column[np.isfinite(column)], (0, 1)).all()) for name, column in columns}
    return table.assign(label=[label_of(name, dictionary, plan) for name in table["covariate"]], binary=table["covariate"].map(binary))


# ---- one report ----------------------------------------------------------------------------------------------------------------------------------


def populations_of(
    study: PopulationStudy | None, plan: Plan, dictionary: Dictionary, sample: MatchedSample, scope: Scope, inside: np.ndarray
) -> PopulationNumbers | None:
    """The numbers of one report.

    Parameters
    ----------
    sample : MatchedSample
        All places together.
    inside : ndarray of bool, shape (n_units,)
        Units of the report's place.
    """
    if study is None:
        return None
    panel, headline = sample.panel, plan.estimator.headline.event_times
    support = part_of(study.support, inside)
    windows = sorted({*WINDOWS, 3 * headline[1]})
    table = dictionary.tables["families"]
    codes = table.columns["exit_reason"].codes or {}
    return PopulationNumbers(
        headline=headline,
        n_joined=len(support.unit),
        n_matched=scope.counts["matched"],
        n_comparison=scope.counts["comparison"],
        n_joined_everywhere=len(study.support.unit),
        windows=exposures(support, panel, windows),
        exits=exits(support, panel, tuple(codes)),
        reasons=codes,
        median_days=median_duration(support, panel) if len(support.unit) else float("nan"),
        grown_out=tuple(
            GrownOut(
                members=members,
                label=dictionary.populations[members].label.removesuffix(AT_QUARTER),
                n_existing=counts[0],
                n_grown=counts[1],
                everywhere=study.grown_out[members],
            )
            for members, counts in grown_out(plan, dictionary, panel, support.unit).items()
        ),
        complete=tuple(complete_of(study, plan, dictionary, panel)),
        left_out=study.left_out,
        n_left_out=sample.dropped["unit"].nunique(),
        seen=() if scope.sample is None else study.seen if scope.code == ALL else tuple(seen_of(plan, dictionary, scope.sample)),
        seen_everywhere=study.seen,
        ways=own_ways(study, sample, scope, inside),
        ways_everywhere=study.ways,
        together=scope.code == ALL,
    )


def part_of(support: Support, inside: np.ndarray) -> Support:
    """Support of the families of one place."""
    own = inside[support.unit]
    return replace(support, unit=support.unit[own], begins=support.begins[own], ends=support.ends[own], reason=support.reason[own])


def grown_out(plan: Plan, dictionary: Dictionary, panel: Panel, joined: np.ndarray) -> dict[str, tuple[int, int]]:
    """Families with a child in a population when they joined, and those whose last one grew out of it by the headline's end; by population."""
    found: dict[str, tuple[int, int]] = {}
    for name in (name for name in plan.outcomes.all if name in panel.status):
        members = members_of(dictionary, panel, name)
        population = dictionary.populations.get(members)
        if members in found or population is None or population.maximum_age is None or population.role == "adult":
            continue
        units = joined[exists_at(panel, name, joined, panel.entry[joined])]
        pairs = pairs_of(panel, units, panel.entry[units], plan.estimator.headline.event_times)
        found[members] = len(units), families_by_status(panel, name, *pairs).get(Status.AGED_OUT, 0) if len(units) else 0
    return found


def pairs_of(
    panel: Panel, units: np.ndarray, entry: np.ndarray, headline: tuple[int, int], until: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Units and columns of the headline's quarters that the panel reaches, up to a column before `until` where that is 0 or more."""
    columns = entry[:, None] + np.arange(headline[0], headline[1] + 1)
    reached = columns < len(panel.periods)
    if until is not None:
        reached &= (until[:, None] < 0) | (columns < until[:, None])
    return np.broadcast_to(units[:, None], columns.shape)[reached], columns[reached]


def complete_of(study: PopulationStudy, plan: Plan, dictionary: Dictionary, panel: Panel) -> list[CompleteSets]:
    """Whom each outcome needs, and the balance of all its sets of the study."""
    found = []
    for name, balance in study.complete.items():
        worst = None if balance is None or balance["smd_after"].isna().all() else balance.loc[balance["smd_after"].abs().idxmax()]
        members = members_of(dictionary, panel, name)
        whom = dictionary.populations[members].label.removesuffix(AT_QUARTER) if members else "the family itself"
        found.append(
            CompleteSets(
                outcome=name,
                label=dictionary.outcomes[name].label,
                members=members,
                whom=whom,
                smd=float("nan") if worst is None else float(worst["smd_after"]),
                covariate="" if worst is None else label_of(worst["covariate"], dictionary, plan),
            )
        )
    return found


def seen_of(plan: Plan, dictionary: Dictionary, sample: MatchedSample) -> list[Seen]:
    """What was observed of each outcome in each arm over the headline's quarters; comparison families until they join."""
    panel, headline = sample.panel, plan.estimator.headline.event_times
    own = panel.entry[sample.comparison_unit]
    arms = {
        "programme": (sample.treated_unit, pairs_of(panel, sample.treated_unit, sample.treated_entry, headline)),
        "comparison": (sample.comparison_unit, pairs_of(panel, sample.comparison_unit, sample.comparison_entry, headline, own)),
    }
    return [
        Seen(
            label=dictionary.outcomes[name].label,
            arm=arm,
            quarters=statuses(panel, name, *pairs),
            families=families_by_status(panel, name, *pairs),
            n_families=len(np.unique(units)),
        )
        for name in plan.outcomes.all
        if name in panel.status
        for arm, (units, pairs) in arms.items()
    ]


def own_ways(study: PopulationStudy, sample: MatchedSample, scope: Scope, inside: np.ndarray) -> pd.DataFrame:
    """Shares of the report's own matched families for whom each way is open."""
    if scope.sample is None:
        return pd.DataFrame()
    treated = np.ones(sample.n_treated, dtype=bool) if scope.code == ALL else inside[sample.treated_unit]
    sets = np.zeros(sample.n_sets, dtype=bool)
    sets[sample.treated_set[treated]] = True
    comparison = sets[sample.comparison_set]
    touched = {way: (first[treated], second[comparison]) for way, (first, second) in study.touched.items()}
    return shares_touched(touched, *arms_of(scope.sample))
