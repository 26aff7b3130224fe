"""All that a study estimated, unprotected: what the recipe makes and the scopes read. It stays in the room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.dictionary import Dictionary
from evaluation.disclosure.release import Warned
from evaluation.findings.study import OutcomeStudy
from evaluation.ingest.tables import CheckedTable
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.payment_by_results.numbers import PaymentStudy
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.outcome_sets import OutcomeSets, outcome_sets
from evaluation.pipeline.placebo import Placebos
from evaluation.pipeline.populations import PopulationStudy
from evaluation.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All that was estimated, unprotected; it stays in the room.

    Attributes
    ----------
    panel : Panel
        Every unit of the plan; `sample.panel` holds those of the main comparison.
    sets : OutcomeSets
        Those of the sample's sets that stand behind each outcome.
    studies : outcome name -> OutcomeStudy
        All places together.
    placebos : outcome name -> Placebos
        Where the programme was assigned to areas.
    payment : PaymentStudy or None
        Payment-by-results rules on all programme families and on a matched sample of their own.
    populations : PopulationStudy or None
        Families behind the numbers; None where the units are no families or areas had the programme.
    benchmark : tuple
        Rows of other comparison groups, where the plan names an experiment to compare with.
    """

    plan: Plan
    dictionary: Dictionary
    tables: Mapping[str, CheckedTable]
    panel: Panel
    sample: MatchedSample
    sets: OutcomeSets
    estimating: Estimating
    studies: Mapping[str, OutcomeStudy]
    placebos: Mapping[str, Placebos]
    payment: PaymentStudy | None = None
    populations: PopulationStudy | None = None
    benchmark: tuple = ()
    warnings: tuple[Warned, ...] = ()

    def sets_of(self, sample: MatchedSample | None) -> OutcomeSets:
        """The sets behind each outcome of a part of the sample."""
        outcomes = [self.dictionary.outcomes[name] for name in self.plan.outcomes.all]
        return outcome_sets(self.plan, outcomes, sample, study=self.sets)
