"""What the programme may change: outcomes, where each is taken from, and whom it is measured on."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from evaluation.frozen import Frozen

Unit = Literal["family", "person", "school", "council", "small_area"]


class Population(Frozen):
    """Whom an outcome of families is measured on; ages in completed years at the start of the period.

    Attributes
    ----------
    presence : the covariate that says whether a family has such a member; '' where there is none
    """

    name: str
    label: str
    role: Literal["child", "adult"] | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    presence: str = ""


class OutcomeSource(Frozen):
    """Where an outcome is taken from, for one unit of analysis.

    Attributes
    ----------
    kind : how it is made
        `ratio_of_sums` numerator over denominator; `share_of_people` with numerator / denominator >= threshold;
        `any_event` and `count_events` dated by `column`; `any_spell` from `column` to `end_column` touching the period; `any_sustained_spell`
        that on the period's last day has gone on for `weeks` without a break of more than `gap_days`; `value` of `column`.
    multiply : factor after which the value stands in the outcome's unit
    calendar : quarters of the year (1 to 4) in which anything is collected; empty means all
    by_term : events of July count to the second quarter (summer term), those of September to the fourth (autumn term); August has none
    link_source : source in `links` and `source_coverage` for which the person must be linked and the period covered
    coverage_source : source in `source_coverage`; the link source unless stated
    members : name of the population in the family
    thresholds : first school year -> threshold from that year on, where it changed
    by_address : an event that names neither person nor family counts to the family that lived at its address on the day
    unknown_where : rows of spells that say only that nothing is known; a period that one of them touches is missing
    looks_back : whole periods before its own that a value is about too; it is missing until they all lie after the period of joining
    """

    table: str
    kind: Literal["ratio_of_sums", "share_of_people", "any_event", "count_events", "any_spell", "any_sustained_spell", "value"]
    numerator: str | None = None
    denominator: str | None = None
    column: str | None = None
    end_column: str | None = None
    multiply: float = 1.0
    calendar: tuple[Literal[1, 2, 3, 4], ...] = ()
    by_term: bool = False
    link_source: str | None = None
    coverage_source: str | None = None
    members: str | None = None
    where: str | None = None
    threshold: float | None = None
    thresholds: Mapping[str, float] = Field(default_factory=dict)
    by_address: bool = False
    unknown_where: str | None = None
    weeks: int | None = Field(default=None, ge=1)
    gap_days: int = Field(default=0, ge=0)
    looks_back: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def is_complete(self) -> OutcomeSource:
        needs = ("numerator", "denominator") if self.kind in ("ratio_of_sums", "share_of_people") else ("column",)
        threshold = () if self.thresholds else ("threshold",)
        needs += {"share_of_people": threshold, "any_spell": ("end_column",), "any_sustained_spell": ("end_column", "weeks")}.get(self.kind, ())
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise ValueError(f"kind {self.kind} needs {', '.join(missing)}")
        reach = 0 if self.weeks is None else (self.weeks - 1) // 13
        if self.looks_back < reach:
            raise ValueError(f"{self.weeks} weeks reach back over {reach} whole quarter(s): looks_back must say so and is {self.looks_back}")
        for year in self.thresholds:
            if not re.fullmatch(r"\d{4}/\d{2}", year):
                raise ValueError(f"thresholds stand by school year, written like 2010/11: {year!r} is not")
        return self

    @property
    def coverage(self) -> str | None:
        """The source whose coverage bounds what is observed."""
        return self.coverage_source or self.link_source


class Outcome(Frozen):
    """One thing that the programme may change."""

    name: str
    domain: Literal["truancy", "offending", "anti_social_behaviour", "employment"]
    label: str
    measure: str
    unit: str
    change_unit: str
    direction: Literal["lower_is_better", "higher_is_better"]
    scale: Literal["rate", "any", "count", "amount"]
    population: str
    unit_cost: str | None = None
    sources: Mapping[Unit, OutcomeSource]

    @field_validator("sources")
    @classmethod
    def of_small_areas(cls, value: Mapping[Unit, OutcomeSource]) -> Mapping[Unit, OutcomeSource]:
        """A small area's outcome is its families' together: it has their source."""
        return {**value, "small_area": value["family"]} if "family" in value else value
