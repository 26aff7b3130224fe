"""Comparison groups against an experiment: naive, matched and matched difference-in-differences, and how far each lands from the experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evaluation.dictionary import Dictionary
from evaluation.errors import CommonSupportError, EstimationError
from evaluation.findings.numbers import factor_of, scaled
from evaluation.models import MatchedDiD, MatchedLevels, UnmatchedLevels
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.estimate import missing_estimate
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.receive import of_pool

POOL_WORDS = {"nsw_experiment": "the experiment's own comparison group", "psid1": "PSID-1 (a household panel)", "cps1": "CPS-1 (a population survey)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRow:
    """One comparison group by one method."""

    outcome: str
    pool: str
    method: str
    estimate: Estimate
    worst_smd: float  # largest standardised mean difference after matching; NaN without matching
    matched_share: float


def benchmark_rows(estimating: Estimating, dictionary: Dictionary, panel: Panel) -> tuple[BenchmarkRow, ...]:
    """All rows, the experiment first; a pool that was not delivered has none (its absence is told by the flow of people received)."""
    plan, rows = estimating.plan, []
    for name in plan.outcomes.all:
        if plan.unit not in dictionary.outcomes[name].sources:
            continue
        factor = factor_of(dictionary.outcomes[name])
        there = set(panel.units["pool"])
        for pool in (pool for pool in (plan.comparison.experiment, *plan.comparison.pools) if pool in there):
            rows += [replace(row, estimate=scaled(row.estimate, factor)) for row in pool_rows(estimating, panel, pool, name)]
    return tuple(rows)


def pool_rows(estimating: Estimating, panel: Panel, pool: str, outcome: str) -> list[BenchmarkRow]:
    """The naive difference of a pool, and what matching makes of it; the experiment needs no matching."""
    plan, nan = estimating.plan, float("nan")
    chosen = of_pool(panel, pool)
    window = {"window": plan.estimator.window, "anticipation": plan.estimator.anticipation}
    randomised = pool == plan.comparison.experiment
    naive = estimating.summarised(UnmatchedLevels(**window).fit(chosen, outcome))
    rows = [
        BenchmarkRow(
            outcome=outcome,
            pool=pool,
            method="difference in means, as randomised" if randomised else "difference in means, unmatched",
            estimate=naive,
            worst_smd=nan,
            matched_share=1.0,
        )
    ]
    if randomised:
        return rows
    try:
        sample = matcher(plan).fit(chosen)
    except (CommonSupportError, EstimationError) as fault:
        return [
            *rows,
            BenchmarkRow(
                outcome=outcome, pool=pool, method="matched", estimate=missing_estimate(fault.for_report()), worst_smd=nan, matched_share=0.0
            ),
        ]
    share = sample.n_treated / (chosen.entry >= 0).sum()
    worst = float(sample.balance["smd_after"].abs().max())
    for words, spec in (
        ("matched, difference in levels", MatchedLevels(**window)),
        ("matched, difference-in-differences", MatchedDiD(base=plan.estimator.base, **window)),
    ):
        rows.append(
            BenchmarkRow(
                outcome=outcome,
                pool=pool,
                method=words,
                estimate=estimating.summarised(spec.fit(sample, outcome)),
                worst_smd=worst,
                matched_share=share,
            )
        )
    return rows
