"""All that the content of one report is made from, put together."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import rule_of
from evaluation.findings.inputs import Inputs
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns
from evaluation.findings.several_tests import OutcomeTest
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.findings.worth import Worth
from evaluation.payment_by_results.numbers import PaymentNumbers
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.choices import estimator, matcher
from evaluation.pipeline.evidence import evidence_of
from evaluation.pipeline.experiment import benchmark_table
from evaluation.pipeline.known import published_table
from evaluation.pipeline.limits import base_warning, level_warnings, limits_of
from evaluation.pipeline.page_one import context_of
from evaluation.pipeline.payment import payment_of
from evaluation.pipeline.populations import populations_of
from evaluation.pipeline.scope_studies import sets_in, studies_of
from evaluation.pipeline.scopes import NOUNS, joined_in, place_of, whose_of
from evaluation.pipeline.several_tests import tests_of
from evaluation.pipeline.sources import study_of
from evaluation.pipeline.synthetic import fit_table
from evaluation.pipeline.value import worth_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """The numbers of one report, unprotected, which stay the same whatever the audit asks for."""

    studies: tuple[OutcomeStudy, ...]
    tests: tuple[OutcomeTest, ...]
    payment: PaymentNumbers | None
    populations: PopulationNumbers | None
    worth: Worth | None


def worked_out(analysis: Analysis, scope: Scope) -> Worked:
    """Everything about one report that takes time."""
    plan, many = analysis.plan, NOUNS[analysis.plan.unit][1]
    studies, sets, payment = studies_of(analysis, scope), sets_in(analysis, scope), payment_of(analysis.payment, plan, scope)
    rule = Ledger(profile=rule_of(plan.disclosure.profile))
    return Worked(
        studies=studies,
        tests=tests_of(analysis, sets, studies),
        payment=payment,
        populations=populations_of(analysis.populations, plan, analysis.dictionary, analysis.sample, scope, place_of(analysis, scope)),
        worth=worth_of(analysis, scope, sets, studies, joined_in(analysis, scope), rule, many, payment=payment),
    )


def inputs_of(analysis: Analysis, scope: Scope, worked: Worked, ledger: Ledger, analysis_hash: str) -> Inputs:
    """Everything the content of one report is made from."""
    plan, studies = analysis.plan, worked.studies
    one, many = NOUNS[plan.unit]
    nouns = Nouns(
        one=one,
        many=many,
        started=plan.programme.started,
        scope=scope.code,
        published=plan.data.kind == "open_statistics",
        whose=whose_of(analysis, scope),
    )
    return Inputs(
        plan=plan,
        dictionary=analysis.dictionary,
        study=study_of(analysis, nouns, ledger, analysis_hash),
        panel=analysis.panel,
        matcher=matcher(plan),
        estimator=estimator(plan),
        sample=analysis.sample,
        scope=scope,
        studies=studies,
        nouns=nouns,
        context=context_of(analysis, scope, studies, nouns, ledger, worked.tests),
        evidence=evidence_of(analysis, scope, studies),
        tests=worked.tests,
        tables=(
            *benchmark_table(analysis, ledger, many),
            *fit_table(analysis.placebos, {name: analysis.dictionary.outcomes[name].label for name in analysis.placebos}, ledger),
            *published_table(analysis, scope, ledger),
        ),
        payment=worked.payment,
        populations=worked.populations,
        warnings=(*analysis.warnings, *level_warnings(analysis, ledger), *base_warning(studies, ledger.profile.threshold, many)),
        limits=limits_of(analysis, nouns),
        worth=worked.worth,
    )
