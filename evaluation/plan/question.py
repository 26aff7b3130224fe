"""Sections of a plan that say what is asked: who joined when, with whom they are compared, over which periods, in which outcomes and groups."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from evaluation.plan.data import Place
from evaluation.plan.sections import Section


class PeriodsPlan(Section):
    kind: Literal["quarter", "school_year", "year"]
    first: str
    last: str

    @field_validator("first", "last", mode="before")
    @classmethod
    def as_text(cls, value: object) -> str:
        return str(value)


class Helped(Section):
    """How many families the programme helped in a council, for saying how thinly an effect is spread."""

    families: int = Field(gt=0)
    children_of_school_age: float = Field(gt=0)  # per family helped
    problem_level: dict[str, float] = {}  # outcome -> level of a helped family's children, in the outcome's unit: their whole problem
    basis: str  # 'as one pilot council planned': stands in a sentence of page one
    source: str


class Programme(Section):
    """Who joined, where and when."""

    name: str
    entry: str  # 'families.entry_date', 'participants.treated' or a published list of councils
    started: str  # in words: 'April 2011'
    councils: tuple[str, ...] = ()  # whose reports are made; empty: every council with programme units
    places: tuple[Place, ...] = ()  # that had the programme; where small areas are named, only families living there can join
    caveat: str = ""  # first thing that page one tells to take care of
    together: bool = False  # a report of all places together beside those of councils
    area: str | None = None  # column that names the places to which the programme was assigned
    first_full_period: str | None = None  # first fully treated period when entry is one date for all
    later_start_elsewhere: str | None = None  # first period in which comparison places started too
    assignment: Literal["unit", "area"] = "unit"
    helped: Helped | None = None
    cost: str | None = None

    @field_validator("first_full_period", "later_start_elsewhere", mode="before")
    @classmethod
    def as_text(cls, value: object) -> str | None:
        return None if value is None else str(value)


class Comparison(Section):
    """With whom programme units are compared."""

    pools: tuple[str, ...] = ()  # values of the units' `pool`; empty: one pool of all units
    candidates: Literal["eligible_not_yet_joined_at_index", "never_joined"] = "eligible_not_yet_joined_at_index"
    on_later_entry: Literal["censor", "weight"] = "censor"  # those left as they are, or by the inverse of their chance of not having joined
    experiment: str | None = None  # the pool that was randomised, where there is one: the anchor


class OutcomesPlan(Section):
    primary: tuple[str, ...] = Field(min_length=1)
    secondary: tuple[str, ...] = ()
    placebo: tuple[str, ...] = ()  # that the programme cannot move: for the check `placebo_outcome`, never reported as effects

    @model_validator(mode="after")
    def apart(self) -> OutcomesPlan:
        if both := [name for name in self.placebo if name in self.all]:
            raise ValueError(f"{', '.join(both)} cannot be a placebo and an outcome of the programme: name each once")
        return self

    @property
    def all(self) -> tuple[str, ...]:
        """Primary outcomes, then secondary ones."""
        return self.primary + self.secondary


class SubgroupPlan(Section):
    """A characteristic by whose groups effects are told apart: a column as it is, or in bands between edges."""

    column: str
    bands: tuple[float, ...] = ()

    @model_validator(mode="after")
    def in_order(self) -> SubgroupPlan:
        if list(self.bands) != sorted(set(self.bands)):
            raise ValueError(f"bands {list(self.bands)} must rise from edge to edge")
        return self
