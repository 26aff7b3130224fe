"""Placebo assignments for programmes that were assigned to areas: one null distribution for the programme, one for each area's own gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.findings.numbers import factor_of
from evaluation.findings.study import PlaceboGap
from evaluation.matching.sample import MatchedSample
from evaluation.models.permutation import Null, permute_areas, placebo_gaps
from evaluation.models.synthetic_placebo import SyntheticResult
from evaluation.pipeline.checking import not_held_out
from evaluation.pipeline.choices import base_of, matcher
from evaluation.pipeline.estimating import Estimating

AREA_DRAWS = 499
REGION, HOME = "region", "council_code_of_area"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebos:
    """Placebo distributions of one outcome."""

    programme: Null
    areas: Mapping[str, Null]
    factor: float
    synthetic: SyntheticResult | None = None  # where the areas' comparisons are weighted, not matched

    @property
    def p_value(self) -> float:
        """Two-sided permutation p value of the programme's effect."""
        return self.programme.p_value

    def of_area(self, area: str) -> PlaceboGap | None:
        """One area's gap on the printed scale; None where it could not be estimated."""
        null = self.areas.get(area)
        if null is None or not np.isfinite(null.p_value):
            return None
        return PlaceboGap(
            area=area, gap=null.estimate * self.factor, lower=null.lower * self.factor, upper=null.upper * self.factor, n_placebo=len(null.draws)
        )


def placebo_areas(estimating: Estimating, outcomes: Sequence[Outcome], sample: MatchedSample) -> dict[str, Placebos]:
    """Permute the assignment of areas for all outcomes at once: every draw is matched and estimated again."""
    plan, names, sample = estimating.plan, [outcome.name for outcome in outcomes], by_place(sample)
    if not names or plan.estimator.permutations == 0:
        return {}
    seeds = np.random.SeedSequence(plan.seed).spawn(2)
    common = {"quarters": estimating.headline, "regions": HOME if HOME in sample.panel.units else REGION}
    before = tuple(e for e in range(plan.estimator.window[0], base_of(plan)) if e not in not_held_out(plan))
    programme = permute_areas(
        sample.panel,
        matcher(plan),
        estimating.estimator(),
        names,
        n_draws=plan.estimator.permutations,
        rng=np.random.default_rng(seeds[0]),
        before=before,
        **common,
    )
    areas = placebo_gaps(sample, matcher(plan), estimating.estimator(), names, n_draws=AREA_DRAWS, rng=np.random.default_rng(seeds[1]), **common)
    return {
        outcome.name: Placebos(
            programme=programme[outcome.name], areas={null.name: null for null in areas if null.outcome == outcome.name}, factor=factor_of(outcome)
        )
        for outcome in outcomes
    }


def by_place(sample: MatchedSample) -> MatchedSample:
    """A sample whose places are councils; each small area is a place of its own, and placebo places are drawn inside its council."""
    units = sample.panel.units
    if sample.panel.unit != "small_area":
        return sample
    panel = replace(sample.panel, units=units.assign(**{HOME: units["council_code"], "council_code": units["unit_id"]}))
    return replace(sample, panel=panel)
