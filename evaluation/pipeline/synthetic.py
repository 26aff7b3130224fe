"""Synthetic comparisons of whole places in the pipeline: the areas' mean gap with its placebo interval in place of an interval by clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.disclosure.ledger import Ledger, decimals, number
from evaluation.disclosure.release import TableContent
from evaluation.errors import EstimationError
from evaluation.findings.numbers import factor_of, scaled
from evaluation.findings.study import OutcomeStudy
from evaluation.matching.sample import MatchedSample
from evaluation.models.permutation import Null
from evaluation.models.power import minimum_detectable_effect
from evaluation.models.synthetic_placebo import SyntheticResult, mean_gap, synthetic_study
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.placebo import Placebos


def is_synthetic(estimating: Estimating) -> bool:
    """Whether the plan's estimator weighs donors, so that placebo areas are its inference."""
    return hasattr(estimating.estimator(), "weigh")


def synthetic_areas(estimating: Estimating, outcomes: Sequence[Outcome], sample: MatchedSample) -> dict[str, Placebos]:
    """Synthetic comparisons of every outcome, with placebo areas; outcomes for which none can be made are left out."""
    plan, found = estimating.plan, {}
    seeds = np.random.SeedSequence(plan.seed).spawn(len(outcomes))
    for outcome, seed in zip(outcomes, seeds, strict=True):
        try:
            result = synthetic_study(
                estimating.estimator(),
                sample,
                outcome.name,
                quarters=estimating.headline,
                n_draws=plan.estimator.permutations,
                rng=np.random.default_rng(seed),
                calendar=outcome.sources[plan.unit].calendar,
            )
        except EstimationError:
            continue
        found[outcome.name] = placebos_of(result, outcome)
    return found


def placebos_of(result: SyntheticResult, outcome: Outcome) -> Placebos:
    """A synthetic study as placebo distributions."""
    times = result.effects.event_times
    after = (times >= result.quarters[0]) & (times <= result.quarters[1])
    draws = np.array([mean_gap(gap, after) for gap in result.placebos])
    programme = null_of(outcome.name, "", result.average.estimate, draws, result.average.p_value, result.average.n_treated)
    areas = {
        row.area: Null(
            outcome=outcome.name,
            name=row.area,
            estimate=row.estimate,
            draws=np.empty(row.n_placebos),
            p_value=row.p_value,
            lower=row.placebo_lower,
            upper=row.placebo_upper,
            n_failed=0,
            n_councils=row.n_councils,
        )
        for row in result.areas.itertuples()
    }
    return Placebos(programme=programme, areas=areas, factor=factor_of(outcome), synthetic=result)


def null_of(outcome: str, name: str, estimate: float, draws: np.ndarray, p_value: float, n_councils: int) -> Null:
    """A placebo distribution from its draws."""
    values = np.sort(draws[np.isfinite(draws)])
    lower, upper = np.quantile(values, [0.025, 0.975]) if len(values) else (math.nan, math.nan)
    return Null(
        outcome=outcome,
        name=name,
        estimate=estimate,
        draws=values,
        p_value=p_value,
        lower=float(lower),
        upper=float(upper),
        n_failed=len(draws) - len(values),
        n_councils=n_councils,
    )


def with_synthetic(study: OutcomeStudy, found: Placebos) -> OutcomeStudy:
    """A study with the synthetic estimate and the intervals of its placebo areas, at the headline and period by period."""
    result, factor = found.synthetic, found.factor
    effect = scaled(result.average, factor)
    level = study.numbers.comparison_level + study.numbers.effect.estimate - effect.estimate
    detectable = minimum_detectable_effect(result.average.std_error, math.inf) * factor
    numbers = replace(study.numbers, effect=effect, comparison_level=level, detectable=detectable)
    half = half_widths(result)
    gap = dict(zip((int(e) for e in result.effects.event_times), result.average_gap, strict=True))
    events = tuple(
        replace(row, estimate=gap[row.event_time] * factor, lower=(gap[row.event_time] - half[row.event_time]) * factor,
                upper=(gap[row.event_time] + half[row.event_time]) * factor)
        for row in study.events
    )
    return replace(study, numbers=numbers, events=events)


def half_widths(result: SyntheticResult) -> Mapping[int, float]:
    """By event time, the distance from zero inside which 95% of the placebo areas' mean gaps lie."""
    return {
        int(e): float(np.quantile(np.abs(column[np.isfinite(column)]), 0.95)) if np.isfinite(column).any() else math.nan
        for e, column in zip(result.effects.event_times, result.placebos.T, strict=True)
    }


def fit_table(placebos: Mapping[str, Placebos], labels: Mapping[str, str], ledger: Ledger) -> tuple[TableContent, ...]:
    """How closely each area was reproduced before, from how many councils, and its gap beside that of placebo areas."""
    rows = []
    for name, found in placebos.items():
        if found.synthetic is None:
            continue
        for row in found.synthetic.areas.itertuples():
            scale = decimals(abs(row.placebo_upper - row.placebo_lower) * found.factor / 4)
            gap, low, high = (
                ledger.keep("synthetic gap", row.area, number(value * found.factor, scale, signed=True)).text
                for value in (row.estimate, row.placebo_lower, row.placebo_upper)
            )
            told = (("years fitted", row.n_before, 0), ("councils behind it", row.effective_donors, 0), ("gap before", row.relative_fit, 2))
            years, donors, fit = (ledger.keep(f"synthetic, {what}", row.area, number(value, digits)).text for what, value, digits in told)
            rows.append((f"{labels[name]}: {row.area}", years, donors, fit, gap, f"{low} to {high}"))
    if not rows:
        return ()
    return (
        TableContent(
            id="synthetic-fit",
            title="Each area beside councils that together ran as it did before",
            columns=("Outcome and area", "Years fitted", "Councils behind it", "Gap before", "Gap after", "95% of placebo areas"),
            rows=tuple(rows),
            notes=(
                "Gap before: root mean square over the years fitted, in standard deviations between councils; over 0.25 the area is not reproduced.",
                "Councils behind it: the number of equally weighted councils that the weights are worth.",
            ),
        ),
    )
