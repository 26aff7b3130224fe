"""Sections of a plan about what leaves: the rule of disclosure, and the report with those who answer for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from evaluation.plan.sections import Section, as_day

ProfileName = Literal[
    "ten_five", "published", "ons_srs", "uk_llc", "opensafely", "nhs_hes", "dfe_legacy", "dwp_statxplore", "moj", "mhclg"
]


class ExceptionPlan(Section):
    """A number that someone lets out although the audit would hold it: printed in the release's record."""

    number: str = Field(min_length=1)  # a pattern of 'population: what', as in the ledger
    name: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    date: str

    @field_validator("date", mode="before")
    @classmethod
    def a_day(cls, value: object) -> str:
        return as_day(value)


class DisclosurePlan(Section):
    """The rule of what may leave: one profile, or those of all owners of the data, of which the strictest is in force."""

    profile: ProfileName | tuple[ProfileName, ...] = Field(min_length=1)
    exceptions: tuple[ExceptionPlan, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles named."""
        return (self.profile,) if isinstance(self.profile, str) else self.profile


class Roles(Section):
    """Who answers for the study, in the Aqua Book's words; '' where nobody is named."""

    commissioner: str = ""
    analyst: str = ""
    assurer: str = ""
    approver: str = ""


class ReportPlan(Section):
    date: str  # printed; the run's own clock is never printed
    reference: str
    simulated: bool = False
    roles: Roles = Roles()

    @field_validator("date", mode="before")
    @classmethod
    def a_day(cls, value: object) -> str:
        return as_day(value)
