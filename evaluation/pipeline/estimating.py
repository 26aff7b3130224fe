"""What stays the same for every outcome of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.models import overall
from evaluation.models.effects import Effects, Estimate
from evaluation.payment_by_results import Framework
from evaluation.pipeline.choices import base_of, estimator
from evaluation.plan import Plan

TruthOf = Callable[[str, np.ndarray, np.ndarray], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimating:
    """What stays the same for every outcome of a study: plan, framework of results, known truth."""

    plan: Plan
    framework: Framework | None = None
    truth_of: TruthOf | None = None
    placebos: tuple[Outcome, ...] = ()  # that the programme cannot move
    covariates: Mapping[str, str] = field(default_factory=dict)  # labels by name

    @property
    def headline(self) -> tuple[int, int]:
        """First and last event time of the headline."""
        return self.plan.estimator.headline.event_times

    def before_window(self) -> tuple[int, int]:
        """The periods before entry of the before/after change: the same four seasons for quarters, else the base period."""
        return (-4, -1) if self.plan.periods.kind == "quarter" else (base_of(self.plan), base_of(self.plan))

    def estimator(self) -> object:
        """The plan's estimator as a spec."""
        return estimator(self.plan)

    def summarised(self, effects: Effects) -> Estimate:
        """The headline of effects, by the plan's clusters."""
        return overall(effects, quarters=self.headline, assignment=self.plan.programme.assignment)
