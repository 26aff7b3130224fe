"""The whole plan: its sections, what must hold between them, its periods and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import Field, field_validator, model_validator

from evaluation.periods import Periods
from evaluation.plan.data import DataPlan, Published
from evaluation.plan.leaving import DisclosurePlan, ReportPlan
from evaluation.plan.methods import Balance, Estimator, Matching, Multiplicity, SecondEstimator
from evaluation.plan.question import Comparison, OutcomesPlan, PeriodsPlan, Programme, SubgroupPlan
from evaluation.plan.sections import Section
from evaluation.plan.worth import PaymentPlan, ValuePlan


class Plan(Section):
    """A complete, checked plan.

    Examples
    --------
    >>> from evaluation.locations import project_file
    >>> from evaluation.plan import read_plan
    >>> read_plan(project_file("studies/demonstration/plan.yml")).unit
    'family'
    """

    study: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    question: str
    unit: Literal["family", "person", "school", "council", "small_area"]
    periods: PeriodsPlan
    data: DataPlan
    programme: Programme
    comparison: Comparison = Comparison()
    outcomes: OutcomesPlan
    matching: Matching
    balance: Balance = Balance()
    estimator: Estimator
    second_estimators: tuple[SecondEstimator, ...] = ()
    subgroups: tuple[SubgroupPlan, ...] = ()
    checks: tuple[str, ...] = ()
    multiplicity: Multiplicity = Multiplicity()
    payment_by_results: PaymentPlan | None = None
    value: ValuePlan | None = None
    disclosure: DisclosurePlan
    report: ReportPlan
    seed: int = Field(ge=0)
    published: tuple[Published, ...] = ()

    @field_validator("payment_by_results", mode="before")
    @classmethod
    def by_name(cls, value: object) -> object:
        """A name alone stands for a framework as it is written."""
        return {"framework": value} if isinstance(value, str) else value

    @field_validator("second_estimators", mode="before")
    @classmethod
    def named(cls, value: object) -> object:
        """A name alone stands for a method without options."""
        return [{"method": one} if isinstance(one, str) else one for one in value] if isinstance(value, list | tuple) else value

    @field_validator("subgroups", mode="before")
    @classmethod
    def column_alone(cls, value: object) -> object:
        """A column's name alone stands for its values as groups."""
        return [{"column": one} if isinstance(one, str) else one for one in value] if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def consistent(self) -> Plan:
        score, base = self.matching.score, self.estimator.base
        if score.history and score.history_window[0] <= base <= score.history_window[1] and not self.estimator.allow_matched_base:
            raise ValueError(
                f"estimator.base {base} lies inside the matched history of {', '.join(score.history)} ({score.history_window[0]} to"
                f" {score.history_window[1]}): regression to the mean is then built into the effect. Move the base, drop the history, or set"
                " estimator.allow_matched_base: true"
            )
        if self.outcomes.placebo and "placebo_outcome" not in self.checks:
            raise ValueError("outcomes.placebo is there for the check placebo_outcome: add it to checks, or take the outcomes out")
        if self.programme.assignment == "area" and "romano_wolf" in (self.multiplicity.primary, self.multiplicity.secondary):
            raise ValueError(
                "multiplicity: romano_wolf draws units and matched sets, and this programme was assigned to areas: choose holm or"
                " benjamini_hochberg"
            )
        if self.programme.assignment == "area" and self.comparison.on_later_entry == "weight":
            raise ValueError(
                "comparison.on_later_entry: weight is for units that join one by one, and this programme was assigned to areas: write censor"
            )
        if self.unit in ("family", "small_area") and self.periods.kind != "quarter":
            raise ValueError("families are followed by quarter: periods.kind must be quarter")
        if self.unit == "small_area" and not (self.programme.assignment == "area" and self.programme.first_full_period and self.programme.places):
            raise ValueError("small areas need programme.assignment: area, programme.first_full_period and programme.places with their small_areas")
        if any(isinstance(place.small_areas, int) for place in self.programme.places) and self.data.kind != "simulated":
            raise ValueError("programme.places: a number of small areas stands for areas in simulated records only; give the codes of the areas")
        if beside := {one.beside for one in self.published} - {None}:
            periods = self.resolved_periods()
            if late := [one.by for one in self.published if one.by and not 0 <= periods.index(one.by) < len(periods)]:
                raise ValueError(f"published: `by` must be a quarter of the periods: {', '.join(late)} is not")
            if self.unit != "family":
                raise ValueError("published: only families are counted beside a published figure; take `beside` out")
            if beside - {"joined"} and self.payment_by_results is None:
                raise ValueError("published: claims and results are counted by payment_by_results, which this plan has not; take `beside` out")
        if self.data.kind == "simulated" and not self.report.simulated:
            raise ValueError("simulated data must be marked: set report.simulated: true")
        if self.unit in ("family", "person", "small_area") and self.data.kind != "open_statistics" and set(self.disclosure.names) == {"published"}:
            raise ValueError("the profile `published` is for open statistics only: records of families need ten_five")
        return self

    def resolved_periods(self) -> Periods:
        """The plan's periods as ordinals."""
        return Periods.between(self.periods.first, self.periods.last, kind=self.periods.kind)

    def canonical(self) -> str:
        """The plan with every default filled in, as JSON with sorted keys: what is hashed and kept with a run."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)

    def as_given(self) -> str:
        """The plan without the defaults that were filled in, as JSON: read again, it is the same plan."""
        return json.dumps(self.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=False, indent=1)

    def hash(self) -> str:
        """SHA-256 of the canonical plan."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()
