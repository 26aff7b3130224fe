"""The recipe: a plan's data become a panel, matched sets, effects, findings, and the protected content of every report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.disclosure.audit import Waiver, audited
from evaluation.disclosure.ledger import Ledger, with_repair
from evaluation.disclosure.register import Register
from evaluation.disclosure.release import ReportContent, Warned
from evaluation.disclosure.rules import rule_of
from evaluation.disclosure.whose import fingerprint
from evaluation.errors import PlanError
from evaluation.findings.content import assemble
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.ingest.tables import CheckedTable
from evaluation.locations import project_file
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.payment_by_results import read_framework
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.beside import beside_areas
from evaluation.pipeline.checking import placebo_lines, with_trend_verdict
from evaluation.pipeline.choices import with_later_entry
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.match_step import match_of
from evaluation.pipeline.outcome_sets import outcome_sets
from evaluation.pipeline.panel_step import panel_of
from evaluation.pipeline.payment import study_payment, write_families
from evaluation.pipeline.placebo import Placebos, placebo_areas
from evaluation.pipeline.populations import study_populations
from evaluation.pipeline.receive import of_pool, receive
from evaluation.pipeline.report_inputs import inputs_of, worked_out
from evaluation.pipeline.scopes import scopes_of, wanted
from evaluation.pipeline.sealing import seal, unseal
from evaluation.pipeline.synthetic import is_synthetic, synthetic_areas, with_synthetic
from evaluation.plan import Plan
from evaluation.runs.forks import in_forks

if TYPE_CHECKING:
    from evaluation.simulate import Truth

Step = Callable[[str], object]


def evaluate(plan: Plan, plan_folder: Path, dictionary: Dictionary, room: Path, step: Step, *, kept: Path | None = None,
             councils: Sequence[str] = ()) -> Analysis:
    """From records to effects.

    Parameters
    ----------
    councils : sequence of str
        Reports that will be asked for: one that cannot be is refused before anything is estimated.
    kept : Path, optional
        Folder of results of steps that may be used again.
    """
    tables = receive(plan, plan_folder, dictionary, room)
    step(received_in_words(tables))
    for line in set_aside(tables):
        step(line)
    everyone = panel_of(tables, plan, dictionary, kept)
    step(f"panel of {len(everyone):,} {everyone.unit} units and {len(everyone.periods)} periods")
    wanted(plan, everyone.units, councils)
    sample = match_blind(plan, everyone, room, tables=tables, kept=kept)
    panel = sample.panel
    step("matched, outcomes after joining unseen")
    estimating = Estimating(
        plan=plan,
        framework=framework_of(plan),
        truth_of=truth_of(plan, room, tables),
        placebos=tuple(dictionary.outcomes[name] for name in plan.outcomes.placebo),
        covariates=dictionary.covariates,
    )
    joined = np.flatnonzero(panel.entry >= 0)
    sets = outcome_sets(plan, [dictionary.outcomes[name] for name in plan.outcomes.all], sample)
    studies = {}
    for name in plan.outcomes.all:
        studies[name] = study_outcome(estimating, dictionary.outcomes[name], sets, joined)
        step(f"{dictionary.outcomes[name].label}: {studies[name].numbers.status.replace('_', ' ')}")
    payment = study_payment(plan, estimating.framework, tables, panel)
    if payment is not None:
        write_families(payment, plan, room)
        step("payment-by-results rules applied to programme families and to their matched comparison families")
    populations = study_populations(plan, dictionary, tables, sets)
    if populations is not None:
        step("families behind the numbers: support, complete sets, those left out, ways to comparison families")
    placebos = {}
    if plan.programme.assignment == "area":
        measured = [dictionary.outcomes[name] for name, study in studies.items() if study.numbers.status == "estimated"]
        if is_synthetic(estimating):
            placebos = synthetic_areas(estimating, measured, sample)
            studies |= {name: with_synthetic(studies[name], found) for name, found in placebos.items()}
        else:
            placebos = placebo_areas(estimating, measured, sample)
            main = {name for name in placebos if name in plan.outcomes.primary}
            found = {name: beside_areas(estimating, dictionary.outcomes[name], placebos[name], sample) for name in main}
            studies |= {name: replace(studies[name], beside=one) for name, one in found.items()}
        studies |= {name: with_placebos(studies[name], found, plan) for name, found in placebos.items()}
        step(f"{plan.estimator.permutations:,} placebo assignments compared and estimated again")
    return Analysis(
        plan=plan,
        dictionary=dictionary,
        tables=tables,
        panel=everyone,
        sample=sample,
        sets=sets,
        estimating=estimating,
        studies=studies,
        placebos=placebos,
        payment=payment,
        populations=populations,
        benchmark=benchmark(estimating, dictionary, everyone),
        warnings=(*warnings_of(panel), *quarantine_warning(tables)),
    )


def match_blind(plan: Plan, everyone: Panel, room: Path, *, tables: Mapping[str, CheckedTable], kept: Path | None = None) -> MatchedSample:
    """The plan's match, made from a panel without outcomes after joining; the sample is handed on with them.

    Parameters
    ----------
    tables : mapping
        What the panel was made from.
    kept : Path, optional
        Folder of results of steps that may be used again.
    """
    unseen = seal(everyone, plan, room)
    sample = match_of(plan, main_comparison(plan, unseen), tables, kept)
    return with_later_entry(plan, replace(sample, panel=main_comparison(plan, unseal(unseen, plan, room))))


def main_comparison(plan: Plan, panel: Panel) -> Panel:
    """Programme units and those of the plan's first comparison pool."""
    return of_pool(panel, first_pool(plan, panel)) if plan.comparison.pools else panel


def release(
    analysis: Analysis,
    councils: Sequence[str],
    *,
    analysis_hash: str,
    register: Register | None = None,
    failed: dict[str, Exception] | None = None,
    beside: Callable[[Ledger], object] | None = None,
    workers: int = 1,
    step: Step = lambda text: None,
) -> tuple[tuple[ReportContent, ...], Ledger]:
    """The protected content of every report asked for (of all, when none is named), and the ledger of what they show.

    Parameters
    ----------
    failed : council code -> its fault
        Receives the councils whose content cannot be made; they stop no other. Without it the first fault is raised.
    beside : callable, optional
        Publishes what leaves beside the reports; called after them in every round of the audit, so that all is looked at together.
    workers : int
        Processes that work out the effects of places at the same time.

    Raises
    ------
    DisclosureError
        Numbers tell too much together, or together with those of earlier releases, and cannot be repaired.
    Exception
        The fault of the only report, or the first where none can be made.
    """
    asked, scopes = analysis.plan.disclosure, scopes_of(analysis, councils)
    worked = dict(zip([scope.code for scope in scopes], in_forks(partial(worked_out, analysis), scopes, workers=workers), strict=True))
    step(f"every outcome of {len(scopes)} report(s) estimated")
    earlier, changed = register.read(vintage_of(analysis)) if register else ((), ())

    def make(ledger: Ledger) -> tuple[ReportContent, ...]:
        def content_of(scope: Scope) -> tuple[ReportContent, Ledger]:
            if isinstance(fault := worked[scope.code], Exception):
                raise fault
            own = with_repair(ledger, ledger.repairs)
            return assemble(inputs_of(analysis, scope, worked[scope.code], own, analysis_hash), own), own

        contents, to_make = [], [scope for scope in scopes if scope.code not in (failed or ())]
        for scope, found in zip(to_make, in_forks(content_of, to_make, workers=workers), strict=True):
            if isinstance(found, Exception):
                if failed is None:
                    raise found
                failed[scope.code] = found
                continue
            contents.append(found[0])
            first, last = len(ledger.entries), len(ledger.entries) + len(found[1].entries)
            ledger.entries += found[1].entries
            ledger.spans[scope.code] = (first, last)
        if beside is not None:
            beside(ledger)
        return tuple(contents)

    waivers = [Waiver(**one.model_dump()) for one in asked.exceptions]
    contents, ledger = audited(make, rule_of(asked.profile), earlier=earlier, changed=changed, waivers=waivers)
    if not contents and failed:
        raise next(iter(failed.values()))
    return contents, ledger


def vintage_of(analysis: Analysis) -> str:
    """Which state of the data a release is about: a hash of every table."""
    return fingerprint([f"{name} {table.content_hash}" for name, table in sorted(analysis.tables.items())])


def with_placebos(study: OutcomeStudy, found: Placebos, plan: Plan) -> OutcomeStudy:
    """A study with the p values of placebo assignments, and the lines that report them."""
    trend = study.numbers.trend
    trend = trend.with_placebo(found.programme.before_p_value) if trend is not None and trend.n_periods else trend
    numbers = replace(study.numbers, permutation_p=found.p_value, trend=trend)
    checks = with_trend_verdict(study.checks, numbers, plan)
    return replace(study, numbers=numbers, checks=(*checks, *placebo_lines(numbers, len(found.programme.draws))))


def set_aside(tables: Mapping[str, CheckedTable]) -> list[str]:
    """Where rows were quarantined, and why: for those inside."""
    return [
        f"  {name}: {table.rows_quarantined:,} of {table.rows_in:,} rows set aside (quarantine/{table.name}.parquet): "
        + "; ".join(sorted({fault.reason for fault in table.faults if fault.severity == "quarantine"}))
        for name, table in tables.items()
        if table.rows_quarantined
    ]


def received_in_words(tables: Mapping[str, CheckedTable]) -> str:
    """How many rows came in, and what became of them."""
    rows_in, kept = sum(table.rows_in for table in tables.values()), sum(table.rows_kept for table in tables.values())
    quarantined = sum(table.rows_quarantined for table in tables.values())
    return (
        f"{rows_in:,} rows received in {len(tables)} tables: {kept:,} kept, {quarantined:,} quarantined, {rows_in - kept - quarantined:,} dropped by"
        " a declared rule"
    )


def first_pool(plan: Plan, panel: Panel) -> str:
    """The plan's main comparison pool, which must have units.

    Raises
    ------
    PlanError
        None of the data delivered belongs to it.
    """
    pool = plan.comparison.pools[0]
    if not (panel.units["pool"] == pool).any():
        raise PlanError(f"comparison.pools names {pool!r} first, and no unit received belongs to it. Deliver it, or name another pool first.")
    return pool


def framework_of(plan: Plan):
    """The payment-by-results framework of the plan, if any, with the plan's own time for claims."""
    asked = plan.payment_by_results
    if asked is None:
        return None
    framework = read_framework(project_file("data_dictionary") / "payment_by_results" / f"{asked.framework}.yml")
    return framework if asked.claim_within is None else framework.with_claims_within(asked.claim_within)


def truth_of(plan: Plan, room: Path, tables: Mapping[str, CheckedTable]):
    """The known effect as a function of outcome, identifiers of units and columns; None for real data."""
    if plan.data.kind != "simulated":
        return None
    from evaluation.simulate import Truth

    truth = Truth.read(room / "delivery")
    return truth_of_areas(truth, tables, plan) if plan.unit == "small_area" else truth.effect


def truth_of_areas(truth: Truth, tables: Mapping[str, CheckedTable], plan: Plan):
    """The known effect on small areas: the mean over the families that lived there when the programme began."""
    from evaluation.panel.places import residence
    from evaluation.periods import first_day

    at = plan.resolved_periods().index(str(plan.programme.first_full_period))
    lived = residence(tables, str(first_day(plan.resolved_periods().first + at, "quarter")))
    of_area = lived.groupby("area_code")["family_id"].agg(list)

    def effect(outcome: str, areas: np.ndarray, columns: np.ndarray) -> float:
        families = [np.array(of_area[area]) for area in areas]
        pairs = np.concatenate(families), np.repeat(columns, [len(one) for one in families])
        return truth.effect(outcome, *pairs, weights=np.repeat([1 / len(one) for one in families], [len(one) for one in families]))

    return effect


def benchmark(estimating: Estimating, dictionary: Dictionary, panel: Panel) -> tuple:
    """Every comparison group of the plan against the experiment, where there is one."""
    if estimating.plan.comparison.experiment is None:
        return ()
    from evaluation.pipeline.benchmark import benchmark_rows

    return benchmark_rows(estimating, dictionary, panel)


def quarantine_warning(tables: Mapping[str, CheckedTable]) -> tuple[Warned, ...]:
    """That rows were left out because they broke their contract; the share in words, because a count of few rows may point to a family."""
    rows_in, rows = sum(table.rows_in for table in tables.values()), sum(table.rows_quarantined for table in tables.values())
    if not rows:
        return ()
    share = rows / rows_in
    words = "under 0.1%" if share < 0.001 else "0.1 to 1%" if share < 0.01 else "over 1%"
    return (
        Warned(
            code="QUARANTINE",
            sentence=(
                f"{words[:1].upper()}{words[1:]} of the delivered rows broke a rule of their contract and were set aside; the figures are made"
                " without them."
            ),
        ),
    )


def warnings_of(panel: Panel) -> tuple[Warned, ...]:
    """Named warnings that every report of the study carries."""
    found = [
        Warned(
            code="SERIES_BREAK",
            sentence=(
                f"A series is counted in another way: {words}. Levels are not comparable across {panel.periods.label(column)}; "
                "the comparison with other places is, because the change is the same everywhere."
            ),
        )
        for column, words in panel.breaks
    ]
    return tuple(found)
