"""All that the content of one report is made from."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.dictionary import Dictionary
from evaluation.disclosure.release import Study, TableContent, Warned
from evaluation.findings import several_tests
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns
from evaluation.findings.strength import Evidence
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.findings.summary import Context
from evaluation.findings.worth import Worth
from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.payment_by_results.numbers import PaymentNumbers
from evaluation.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that the content of one report is made from."""

    plan: Plan
    dictionary: Dictionary
    study: Study
    panel: Panel
    matcher: Matcher
    estimator: object
    sample: MatchedSample  # all places together: balance and overlap are shown for it
    scope: Scope
    studies: tuple[OutcomeStudy, ...]
    nouns: Nouns
    context: Context
    evidence: Evidence
    tables: tuple[TableContent, ...] = ()
    tests: tuple[several_tests.OutcomeTest, ...] = ()
    payment: PaymentNumbers | None = None
    populations: PopulationNumbers | None = None
    warnings: tuple[Warned, ...] = ()
    limits: tuple[str, ...] = ()
    worth: Worth | None = None
