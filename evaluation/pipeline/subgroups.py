"""Effects by subgroup of a plan: labels of families from its columns, effects, and whether they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.errors import EstimationError
from evaluation.findings.numbers import factor_of, scaled
from evaluation.findings.study import SubgroupStudy
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects, Estimate
from evaluation.models.subgroups import by_subgroup, subgroup_labels
from evaluation.panel.types import Panel
from evaluation.pipeline.estimating import Estimating
from evaluation.plan.question import SubgroupPlan

FewestOf = Callable[[Outcome, MatchedSample], int | None]
NO_OCCURRENCE = np.iinfo(np.int64).max
YES_NO = {0.0: "no", 1.0: "yes"}


def subgroups_of(estimating: Estimating, outcome: Outcome, effects: Effects, sample: MatchedSample, fewest_of: FewestOf) -> tuple[SubgroupStudy, ...]:
    """Effects by every subgroup that the plan asks for; none where the estimator cannot tell families apart.

    Parameters
    ----------
    fewest_of : callable
        Of the outcome and a sample: the smallest number of units behind an occurrence, or None where the outcome is none.
    """
    if effects.row_weight is None or effects.adjusted:
        return ()
    found = (subgroup(one, estimating, outcome, effects, sample, fewest_of) for one in estimating.plan.subgroups)
    return tuple(one for one in found if one is not None)


def subgroup(asked: SubgroupPlan, estimating: Estimating, outcome: Outcome, effects: Effects, sample: MatchedSample,
             fewest_of: FewestOf) -> SubgroupStudy | None:
    """Effects by one characteristic; None where all families are alike in it."""
    labels = np.array(words_of(asked, sample.panel), dtype=object)
    try:
        found = by_subgroup(effects, labels, quarters=estimating.headline, assignment=estimating.plan.programme.assignment)
    except EstimationError:
        return None
    names, factor = list(found.table["subgroup"]), factor_of(outcome)
    if len(names) < 2:
        return None
    of_treated = np.where(labels == None, "not known", labels)[sample.treated_unit]                      # noqa: E711
    parts = [sample.keep(of_treated == name) for name in names]
    fewest = [0 if part is None else fewest_of(outcome, part) for part in parts]                          # none: nobody of the group was matched
    return SubgroupStudy(
        label=estimating.covariates.get(asked.column, asked.column), groups=tuple(map(str, names)), p_value=found.p_value,
        estimates=tuple(scaled(Estimate(**{field: row[field] for field in Estimate.__slots__}), factor) for _, row in found.table.iterrows()),
        fewest=tuple(NO_OCCURRENCE if one is None else one for one in fewest),
    )  # fmt: skip


def words_of(asked: SubgroupPlan, panel: Panel) -> Sequence[str | None]:
    """The group of every unit in words; None where it is not known."""
    values = subgroup_labels(panel, asked.column)
    if asked.bands:
        return [None if value is None else band(float(value), asked.bands) for value in values]
    return [None if value is None else YES_NO.get(value, f"{value:g}" if isinstance(value, float) else str(value)) for value in values]


def band(value: float, edges: Sequence[float]) -> str:
    """The band of a value: under the first edge, from one edge to under the next, or the last and over."""
    place = int(np.searchsorted(edges, value, side="right"))
    if place == 0:
        return f"under {edges[0]:g}"
    return f"{edges[-1]:g} and over" if place == len(edges) else f"{edges[place - 1]:g} to under {edges[place]:g}"
