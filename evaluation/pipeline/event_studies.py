"""The event studies of all places together with their covariance, made once and protected in every round of the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evaluation.disclosure.event_studies import EventStudies, ProtectedEventStudy, protected
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.whose import ALL, measured
from evaluation.errors import EvaluationError
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.findings.standing import PlanStanding
from evaluation.findings.study import OutcomeStudy
from evaluation.models.event_numbers import EventNumbers, event_numbers
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.outcome_sets import fitted
from evaluation.pipeline.scopes import NOUNS, scope_of, whose_of

FILE = "event_studies.json"  # in the room: what a re-estimation pack may hold


def event_studies_of(analysis: Analysis, standing: PlanStanding) -> Callable[[Ledger], EventStudies]:
    """What a ledger makes of the event studies; the numbers are worked out here, once."""
    many, whose = NOUNS[analysis.plan.unit][1], whose_of(analysis, scope_of(analysis, ALL))
    found = {name: numbers_of(analysis, study) for name, study in analysis.studies.items()}

    def under(ledger: Ledger) -> EventStudies:
        studies = []
        for name, (study, (numbers, reason)) in ((name, (analysis.studies[name], one)) for name, one in found.items()):
            outcome = study.numbers.outcome
            about = ProtectedEventStudy(outcome=name, label=outcome.label, change_unit=change_unit_of(outcome),
                                        exploratory=standing.is_exploratory(name), reason=reason)
            if numbers is not None:
                population = measured(whose.estimated(), name, f"{ALL}, {name}")
                about = protected(numbers, study.numbers.effect, ledger, about, of=many, population=population,
                                  behind=[row.behind for row in study.events], fewest=study.numbers.fewest)
            studies.append(about)
        return EventStudies(studies=tuple(studies))

    return under


def numbers_of(analysis: Analysis, study: OutcomeStudy) -> tuple[EventNumbers | None, str]:
    """One outcome's numbers on the printed scale, or why there are none."""
    outcome, plan = study.numbers.outcome, analysis.plan
    if study.numbers.status != "estimated":
        return None, study.numbers.reason or "not estimated"
    try:
        effects = fitted(analysis.estimating, outcome, analysis.sets.own[outcome.name])
        found = event_numbers(effects, quarters=analysis.estimating.headline, assignment=plan.programme.assignment)
    except EvaluationError as fault:
        return None, fault.for_report()
    except np.linalg.LinAlgError:
        return None, "its numbers move together, so they have no covariance"
    factor = factor_of(outcome)
    return replace(found, values=found.values * factor, covariance=found.covariance * factor**2), ""
