"""How each outcome becomes money: `values.yml`, read and checked. Prices themselves are in `unit_costs.py`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from evaluation.errors import DictionaryError
from evaluation.frozen import Frozen

Mix = dict[str, float]


class Agency(Frozen):
    """Who may gain or pay, and at which level of government."""

    label: str
    level: Literal["local", "national", "private"]


class Ranged(Frozen):
    """An assumption with its low and high end."""

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def in_order(self) -> Ranged:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value:g} must lie between its ends {self.low:g} and {self.high:g}")
        return self


class CashableClass(Frozen):
    """How much of a saving of this class is money that can be spent elsewhere."""

    label: str
    share: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class Optimism(Frozen):
    """How far effects are scaled down, by grade of confidence."""

    grades: dict[int, float]
    note: str

    @field_validator("grades")
    @classmethod
    def shares(cls, grades: dict[int, float]) -> dict[int, float]:
        if any(not 0 <= share < 1 for share in grades.values()):
            raise ValueError("every grade's share must lie from 0 to below 1")
        return grades


class PersistenceDefault(Frozen):
    """How long an effect lasts after the periods measured: years, and what is left of it each year."""

    years: int = Field(ge=0)
    retained: float = Field(ge=0, le=1)
    low: int = Field(ge=0)
    high: int = Field(ge=0)
    note: str


class ShareDefault(Frozen):
    """A share with its ends, and where it comes from."""

    share: float = Field(ge=0)
    low: float = Field(ge=0)
    high: float = Field(ge=0)
    note: str


class TimesDefault(Frozen):
    """A factor with its ends, and where it comes from."""

    times: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    note: str


class Valuation(Frozen):
    """How one outcome is valued.

    Attributes
    ----------
    costs, costs_low, costs_high : code -> amount
        Unit costs that one cost unit is made of, and the mix at either end.
    unit : str
        The cost unit, in words: 'claimants for a year'.
    measured : float
        Cost units per unit of the outcome and time.
    times_a_year : float
        How often a year the outcome counts: 4 for a count a quarter, 3 for a count a term, 1 for a share or a rate.
    people : str
        'families', or a covariate by period whose mean over the matched programme units multiplies.
    number : Ranged
        Further factor from what is measured to cost units.
    grade : int
        Confidence, 1 to 6.
    """

    costs: Mix = Field(min_length=1)
    costs_low: Mix | None = None
    costs_high: Mix | None = None
    unit: str
    measured: float = Field(gt=0)
    times_a_year: float = Field(gt=0)
    people: str = "families"
    number: Ranged
    words: str
    grade: int
    note: str

    @field_validator("costs", "costs_low", "costs_high")
    @classmethod
    def amounts(cls, mix: Mix | None) -> Mix | None:
        if mix is not None and (any(not amount > 0 for amount in mix.values()) or abs(sum(mix.values()) - 1) > 1e-6):
            raise ValueError(f"amounts must be above 0 and add up to 1; they add up to {sum(mix.values()):g}")
        return mix

    def codes(self) -> tuple[str, ...]:
        """Every unit cost that the mix or one of its ends names."""
        return tuple(dict.fromkeys([*self.costs, *(self.costs_low or {}), *(self.costs_high or {})]))


class Valuations(Frozen):
    """All that `values.yml` holds."""

    agencies: dict[str, Agency]
    cashable: dict[str, CashableClass]
    cashable_note: str
    optimism: Optimism
    persistence: PersistenceDefault
    unmatched: ShareDefault
    programme_cost: TimesDefault
    outcomes: dict[str, Valuation]

    @field_validator("cashable", mode="before")
    @classmethod
    def as_text(cls, value: Mapping) -> dict:
        """YAML reads a bare `none` as text but `null` as nothing: keys are text."""
        return {str(key): entry for key, entry in value.items()}

    @model_validator(mode="after")
    def known_grades(self) -> Valuations:
        wrong = [name for name, valuation in self.outcomes.items() if valuation.grade not in self.optimism.grades]
        if wrong:
            raise ValueError(f"the grade of {', '.join(wrong)} is none of {', '.join(map(str, self.optimism.grades))}")
        return self


def read_valuations(path: Path) -> Valuations:
    """Read and check `values.yml`.

    Raises
    ------
    DictionaryError
        With every fault found.
    """
    return _valuations_of(path.name, path.read_text(encoding="utf-8"))


@lru_cache(maxsize=8)
def _valuations_of(name: str, text: str) -> Valuations:
    """Valuations of a text: every report asks for the same."""
    try:
        return Valuations.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        faults = "\n".join(f"  - {'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors())
        raise DictionaryError(f"data_dictionary/{name}: {error.error_count()} thing(s) to mend:\n{faults}") from None
