"""What an experiment found, beside each way of comparing."""

from __future__ import annotations

import math

from evaluation.disclosure.ledger import Ledger, decimals
from evaluation.disclosure.release import TableContent
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.scopes import NOUNS


def anchor_of(analysis: Analysis, ledger: Ledger) -> str:
    """What the experiment says beside the main estimate."""
    randomised = next((row for row in analysis.benchmark if row.pool == analysis.plan.comparison.experiment), None)
    main = analysis.studies[analysis.plan.outcomes.primary[0]].numbers.effect
    if randomised is None or main is None:
        return ""
    digits = decimals(main.std_error)
    gap = main.estimate - randomised.estimate.estimate
    inside = main.lower <= randomised.estimate.estimate <= main.upper
    many = NOUNS[analysis.plan.unit][1]
    if any(ledger.small(min(one.n_treated, one.n_comparison), many) for one in (main, randomised.estimate)):
        return ""
    measured_by = ledger.derived(randomised.estimate.estimate, 0, what="the experiment's effect", population=randomised.pool, signed=True).text
    distance = ledger.derived(abs(gap), digits, what="distance from the experiment", population="page one").text
    return (
        f"An experiment measured the same effect: {measured_by}. The matched estimate lands"
        f" {distance} {'above' if gap > 0 else 'below'} it; its 95% interval {'includes' if inside else 'does not include'} the"
        " experiment's figure."
    )


def benchmark_table(analysis: Analysis, ledger: Ledger, many: str) -> tuple[TableContent, ...]:
    """How far each comparison group lands from the experiment."""
    from evaluation.pipeline.benchmark import POOL_WORDS

    if not analysis.benchmark:
        return ()
    truth = analysis.benchmark[0].estimate.estimate
    rows = []
    for row in analysis.benchmark:
        cell = ledger.interval(row.estimate, of=many, digits=0, what="benchmark", population=row.pool)
        distance, worst = "the anchor", "[z]"
        if row is not analysis.benchmark[0]:
            away = row.estimate.estimate - truth if cell.estimate.value is not None else math.nan
            distance = ledger.derived(away, 0, what=f"distance, {row.method}", population=row.pool, signed=True).text
        if math.isfinite(row.worst_smd):
            worst = ledger.derived(row.worst_smd, 2, what=f"imbalance, {row.method}", population=row.pool).text
        rows.append(
            (f"{POOL_WORDS.get(row.pool, row.pool)}: {row.method}", cell.estimate.text, f"{cell.lower.text} to {cell.upper.text}", distance, worst)
        )
    return (
        TableContent(
            id="benchmark",
            title="How far each comparison lands from the experiment",
            columns=("Comparison group and method", "Estimate", "95% interval", "Distance from the experiment", "Largest imbalance after matching"),
            rows=tuple(rows),
            notes=(
                (
                    "Imbalance: standardised mean difference of the worst covariate; under 0.1 is the aim. Where several people are equally near, the"
                    " one with the smaller identifier is taken; another order gives other estimates."
                ),
            ),
        ),
    )
