"""The payment-by-results step of a study of families: facts, results of every programme family, and their own matched sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.errors import CommonSupportError, EstimationError
from evaluation.findings.study import Scope
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import Panel
from evaluation.payment_by_results.agreement import read_claims
from evaluation.payment_by_results.by_family import by_family
from evaluation.payment_by_results.framework import Framework, NeedEnds
from evaluation.payment_by_results.matching import match_results
from evaluation.payment_by_results.numbers import PaymentNumbers, PaymentStudy, numbers_of
from evaluation.payment_by_results.reading import read_facts
from evaluation.payment_by_results.results import Rules
from evaluation.pipeline.choices import matcher
from evaluation.plan import Plan


def study_payment(plan: Plan, framework: Framework | None, tables: Mapping[str, CheckedTable], panel: Panel) -> PaymentStudy | None:
    """A plan's framework applied to its families; None where the plan has none or its units are not families.

    A matched sample that cannot be made is a reason on the page, not an error of the run.
    """
    if plan.unit != "family" or framework is None or plan.payment_by_results is None:
        return None
    needs = tuple(problem.needs for problem in framework.problems.values() if isinstance(problem, NeedEnds))
    facts = read_facts(tables, panel, needs)
    rules = Rules(framework=framework, facts=facts, missing=plan.payment_by_results.missing)
    if not rules.problems:
        return None
    joined = np.flatnonzero(panel.entry >= 0)
    attached = rules.results(joined, panel.entry[joined], panel.entry)
    lenient = replace(rules, missing="neutral").results(joined, panel.entry[joined], panel.entry)
    claims = read_claims(tables["results_claimed"], panel) if "results_claimed" in tables else None
    study = PaymentStudy(panel=panel, rules=rules, attached=attached, lenient=lenient, matched=None, claims=claims)
    try:
        weighted_by = plan.outcomes.primary if plan.comparison.on_later_entry == "weight" else None
        matched = match_results(matcher(plan), panel, rules, history=plan.payment_by_results.history, weighted_by=weighted_by)
    except (CommonSupportError, EstimationError) as fault:
        return replace(study, reason=fault.for_report())
    return replace(study, matched=matched)


def write_families(study: PaymentStudy, plan: Plan, room: Path) -> None:
    """One row per programme family into the run's room, for those inside: it is never released."""
    (room / "payment").mkdir(parents=True, exist_ok=True)
    by_family(study, fee_by=plan.payment_by_results.result_fee_year).to_parquet(room / "payment" / "families.parquet", index=False)


def payment_of(study: PaymentStudy | None, plan: Plan, scope: Scope) -> PaymentNumbers | None:
    """The numbers of one report."""
    if study is None or plan.payment_by_results is None:
        return None
    codes = study.panel.units["council_code"].to_numpy(dtype=str)
    inside = np.ones(len(codes), dtype=bool) if scope.code == "all" else codes == scope.code
    target = plan.payment_by_results.target
    return numbers_of(study, inside, target=target.get(scope.code) if isinstance(target, dict) else target,
                      fee_by=plan.payment_by_results.result_fee_year, everywhere=len(np.unique(codes)) > 1 and scope.code != "all",
                      claims_by=plan.payment_by_results.claims_by)
