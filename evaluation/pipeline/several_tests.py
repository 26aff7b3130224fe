"""p values of a report's outcomes, adjusted within the plan's families."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.findings.several_tests import FAMILIES, OutcomeTest
from evaluation.findings.study import OutcomeStudy
from evaluation.models.clusters import cluster_names
from evaluation.models.families_of_tests import adjusted_tests
from evaluation.models.inference import chosen_cells
from evaluation.models.multiplicity import benjamini_hochberg, holm
from evaluation.models.summaries import average
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.outcome_sets import OutcomeSets, fitted
from evaluation.simulate.streams import stream


def tests_of(analysis: Analysis, sets: OutcomeSets, studies: Sequence[OutcomeStudy]) -> tuple[OutcomeTest, ...]:
    """Every test of one report: those of placebo assignments where there are some, else those of the intervals."""
    found: list[OutcomeTest] = []
    for family in FAMILIES:
        members = [study for study in studies if tested(study) and study.numbers.primary == (family == "primary")]
        if not members:
            continue
        method = getattr(analysis.plan.multiplicity, family)
        p_values = np.array([p_value(study) for study in members])
        adjusted = by_method(analysis, sets, members, p_values, method)
        found += [
            OutcomeTest(outcome=study.numbers.outcome.name, family=family, method=method, p_value=float(p), adjusted=float(q))
            for study, p, q in zip(members, p_values, adjusted, strict=True)
        ]
    return tuple(found)


def tested(study: OutcomeStudy) -> bool:
    """Whether an outcome has a test."""
    return study.numbers.status == "estimated" and np.isfinite(p_value(study))


def p_value(study: OutcomeStudy) -> float:
    """The p value that the report's verdict rests on."""
    numbers = study.numbers
    return float(numbers.effect.p_value if numbers.permutation_p is None else numbers.permutation_p)


def by_method(analysis: Analysis, sets: OutcomeSets, members: Sequence[OutcomeStudy], p_values: np.ndarray, method: str) -> np.ndarray:
    """Adjusted p values of one family."""
    if method == "romano_wolf":
        return stepdown(analysis, sets, members, p_values)
    return {"holm": holm, "benjamini_hochberg": benjamini_hochberg, "none": np.asarray}[method](p_values)


def stepdown(analysis: Analysis, sets: OutcomeSets, members: Sequence[OutcomeStudy], p_values: np.ndarray) -> np.ndarray:
    """Romano and Wolf's p values from joint draws of the family's effects, never below those of the tests alone; Holm's where there are no draws."""
    estimating, parts = analysis.estimating, {}
    for study in members:
        outcome = study.numbers.outcome
        effects = fitted(estimating, outcome, sets.own[outcome.name])
        effects = effects.at(cluster_names(effects, "auto", "unit"))
        parts[outcome.name] = (effects, average(effects, chosen_cells(effects, quarters=estimating.headline, cohorts="complete")))
    alike = len({cluster_names(effects, "auto", "unit") for effects, _ in parts.values()}) == 1
    try:
        found = adjusted_tests(parts, rng=stream(analysis.plan.seed, "several tests"), clusters="auto" if alike else "unit_and_set")
        found = found["romano_wolf"].to_numpy()
    except EvaluationError:
        return holm(p_values)
    return np.maximum(found, p_values)
