"""Appraisals and outcomes from which the words of the value section are made."""

from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import OutcomeResult
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore
from evaluation.findings.present import Nouns, present
from evaluation.findings.worth import Worth
from evaluation.models.effects import Estimate
from evaluation.plan.worth import ValuePlan
from evaluation.value import Case, appraise, calculate, swings
from tests.value.cases import OUTCOMES, case, effects

FAMILIES = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)
TREND = TrendBefore(verdict="passed", n_periods=3, p_value=0.5, drift_p=0.5, slope=0.1, slope_detectable=1.0, adjusted=None)


def estimate(value: float, half: float) -> Estimate:
    return Estimate(
        estimate=value, std_error=half / 1.98, lower=value - half, upper=value + half, df=99, p_value=0.5, n_treated=100, n_comparison=100,
        clusters="matched sets", n_clusters=100, method="CR1 cluster-robust",
    )  # fmt: skip


def plan(**changed) -> ValuePlan:
    return ValuePlan.model_validate({"price_year": "2014/15", "outcomes": list(OUTCOMES), **changed})


def results(
    dictionary: Dictionary, ledger: Ledger, offences: tuple = (-5.0, 4.0), benefit: tuple = (-2.0, 3.0), verdict: str = "passed"
) -> list[OutcomeResult]:
    """Both outcomes as a report shows them: offences per 100 families, benefit in percentage points."""
    trend, made = dataclasses.replace(TREND, verdict=verdict), []
    for name, (value, half) in zip(OUTCOMES, (offences, benefit), strict=True):
        numbers = OutcomeNumbers(
            outcome=dictionary.outcomes[name], primary=True, status="estimated", effect=estimate(value, half), before=40.0, after=35.0,
            n_before_after=100, comparison_level=40.0, detectable=5.0, trend=trend, fewest=30,
        )  # fmt: skip
        made.append(present(numbers, ledger, FAMILIES))
    return made


def worth(offences: float = -0.05, benefit: float = -2.0, given: Case | None = None, **changed) -> Worth:
    """The worked example of tests/value/test_known_answer.py as a report's appraisal."""
    given = given or case()
    known = effects(offences, benefit)
    adjusted, plain = (appraise(one, known, n_draws=2_000, rng=np.random.default_rng(1)) for one in (given, given.assuming(adjusted=False)))
    return Worth(
        **{
            "plan": plan(), "status": "shown", "adjusted": adjusted, "plain": plain, "swings": swings(given, known), "units": 100.0,
            "calculator": calculate(given, np.array([-0.1, -6.0]), np.array([-0.06, -5.0]), known.estimates, OUTCOMES),
            "cost_words": "The cost is known.", **changed,
        }
    )  # fmt: skip
