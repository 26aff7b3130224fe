"""Sections of a plan about money: payment by results, and what effects are worth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from evaluation.plan.sections import Section


class PaymentPlan(Section):
    """Payment by results: the framework by name, and what the plan sets in place of its rules."""

    framework: str = Field(pattern=r"^[a-z0-9_]+$")
    target: int | dict[str, int] | None = None  # families for which the framework pays at most; by council where several
    result_fee_year: Literal["attachment", "claim"] = "attachment"  # which year's result fee is paid (recalled: by attachment)
    claim_within: int | None = Field(default=None, ge=1, le=24)  # quarters after joining; the framework's by default
    claims_by: str = ""  # the rules by which claims were made, where they were others than the framework's: told beside how far both agree
    history: int = Field(default=0, ge=0, le=24)  # quarters before joining whose records join the score of the results' own matching; 0 for none
    missing: Literal["not_judged", "neutral"] = "not_judged"  # of a person who should be judged and is in no record

    @field_validator("target")
    @classmethod
    def above_zero(cls, value: int | dict[str, int] | None) -> int | dict[str, int] | None:
        if wrong := [target for target in (value.values() if isinstance(value, dict) else [value]) if target is not None and target < 1]:
            raise ValueError(f"a target is a number of families above 0, not {wrong[0]}")
        return value


class ValuedOutcome(Section):
    """An outcome that is valued, and parts of its unit cost that are not, because another outcome pays for them."""

    leave_out: tuple[str, ...] = ()  # codes of parts


class DeliveryCost(Section):
    """What the programme cost, where no table `programme_costs` says it: by financial year, or per family that joined."""

    by_year: dict[str, float] = {}  # financial year -> pounds
    per_family: float | None = None  # spread evenly over `quarters` from joining
    quarters: int = Field(default=4, ge=1)
    price_year: str
    source: str

    @model_validator(mode="after")
    def one_way(self) -> DeliveryCost:
        if bool(self.by_year) == (self.per_family is not None):
            raise ValueError("give either by_year or per_family")
        if min([*self.by_year.values(), self.per_family or 0.0]) < 0:
            raise ValueError("the cost of a programme is 0 or more pounds; a negative one is given (income of the council belongs in value.fees)")
        return self


class FeesReceived(Section):
    """Payment-by-results fees that the council received from central government: they stand in who pays and who gains only."""

    pounds: float = Field(ge=0)
    price_year: str
    source: str


class ValuePlan(Section):
    """What the effects are worth: outcomes valued, price year, cost of delivery, and the assumptions that no record tells."""

    price_year: str  # financial year: '2014/15'
    lens: tuple[Literal["fiscal", "economic", "social"], ...] = ("fiscal", "economic", "social")
    outcomes: dict[str, ValuedOutcome] = Field(min_length=1)
    cost: DeliveryCost | None = None  # none: the table programme_costs
    borne_by: dict[str, float] = {"council": 1.0}  # agency -> share of the cost of delivery
    fees: FeesReceived | None = None
    unmatched_share: float | None = Field(default=None, ge=0, le=1)  # of a matched family's effect, for families without a match
    persistence_years: int | None = Field(default=None, ge=0)  # that the effect goes on after the quarters of the headline
    draws: int = Field(default=10_000, ge=1_000)

    @field_validator("outcomes", mode="before")
    @classmethod
    def named(cls, value: object) -> object:
        """A list of names stands for outcomes valued whole."""
        return {name: {} for name in value} if isinstance(value, list | tuple) else {name: kept or {} for name, kept in dict(value).items()}

    @model_validator(mode="after")
    def borne(self) -> ValuePlan:
        if abs(sum(self.borne_by.values()) - 1) > 1e-9 or min(self.borne_by.values()) < 0:
            raise ValueError(f"the shares of borne_by must be 0 or more and add up to 1; they add up to {sum(self.borne_by.values()):g}")
        return self
