"""The effect over 6, 12, 18 and 24 months after joining: the plan's estimator, averaged over as many quarters."""

from __future__ import annotations

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.findings.numbers import factor_of, happens, scaled
from evaluation.findings.study import WindowRow
from evaluation.matching.sample import MatchedSample
from evaluation.models.checks.given import fewest_events
from evaluation.models.effects import Effects
from evaluation.models.inference import overall
from evaluation.models.summaries import complete_cohorts
from evaluation.panel.windows import WINDOWS, event_times
from evaluation.pipeline.estimating import Estimating


def windows_of(estimating: Estimating, outcome: Outcome, effects: Effects, sample: MatchedSample) -> tuple[WindowRow, ...]:
    """One row a window, on the printed scale; none where units do not join by themselves in a quarter of their own, or beyond the plan's window."""
    plan = estimating.plan
    if plan.periods.kind != "quarter" or plan.programme.assignment != "unit" or plan.programme.first_full_period is not None:
        return ()
    asked = {months: event_times(months) for months in WINDOWS if event_times(months)[1] <= plan.estimator.window[1]}
    return tuple(window_row(months, quarters, outcome, effects, sample) for months, quarters in asked.items())


def window_row(months: int, quarters: tuple[int, int], outcome: Outcome, effects: Effects, sample: MatchedSample) -> WindowRow:
    """One window: the effect on those who joined early enough to be followed to its end, and the fewest with, or without, an occurrence in it."""
    found = overall(effects, quarters=quarters)
    part = sample.keep(np.isin(sample.treated_entry, complete_cohorts(effects, quarters))) if happens(outcome) else None
    fewest = None if part is None else fewest_events(part, outcome.name, range(quarters[0], quarters[1] + 1))
    return WindowRow(months=months, estimate=scaled(found, factor_of(outcome)), fewest=fewest)
