"""What is appraised: units, window, costs and assumptions. And its lines: pounds per unit of effect, by outcome, part and agency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from evaluation.errors import PlanError
from evaluation.periods import Periods
from evaluation.value.price_book import PriceBook
from evaluation.value.timeline import Timeline, in_prices, timeline, years_of_effect
from evaluation.value.unit_costs import Part
from evaluation.value.valuations import Mix


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What no record says. `None` takes the value of `values.yml`.

    Attributes
    ----------
    mixes : outcome -> mix of unit costs
    numbers : outcome -> cost units per unit measured
    grade : int, optional
        One grade of confidence for all outcomes.
    adjusted : bool
        Whether effects are scaled down by grade of confidence, gains and losses alike.
    persistence_years : int, optional
        Years that the effect goes on after the window.
    unmatched_share : float, optional
        Share of a matched unit's effect that a unit without a match is given.
    cost_times : float, optional
        Factor on the programme's cost.
    """

    mixes: Mapping[str, Mix] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    grade: int | None = None
    adjusted: bool = True
    persistence_years: int | None = None
    unmatched_share: float | None = None
    cost_times: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One appraisal.

    Attributes
    ----------
    price_year : str
        Financial year in whose prices everything stands.
    outcomes : outcome -> codes of parts of its cost that are left out
    saves : outcome -> +1 or -1
        +1 where a rise of the outcome saves money, -1 where a fall does.
    people : outcome -> float
        What a unit counts as (its mean number of children, ...).
    entries, weights : ndarray, shape (n_groups,)
        Entry column of each group of matched units, and units in it.
    window : (int, int)
        First and last event time of the effect.
    unmatched : float
        Programme units without a match.
    costs : financial year -> (pounds, price year)
        Full cost of delivery.
    """

    book: PriceBook
    price_year: str
    outcomes: Mapping[str, Sequence[str]]
    saves: Mapping[str, int]
    people: Mapping[str, float]
    periods: Periods
    entries: np.ndarray
    weights: np.ndarray
    window: tuple[int, int]
    costs: Mapping[str, tuple[float, str]]
    unmatched: float = 0.0
    assumptions: Assumptions = Assumptions()

    def __post_init__(self) -> None:
        if not float(np.sum(self.weights)) > 0:
            raise PlanError("An appraisal needs matched programme units: there are none. Widen the matching, or leave the plan's `value` out.")

    def assuming(self, **changed: object) -> Case:
        """The same with some assumptions changed."""
        return replace(self, assumptions=replace(self.assumptions, **changed))

    def mix(self, outcome: str) -> Mix:
        """Unit costs at which an outcome is valued."""
        return self.assumptions.mixes.get(outcome, self.book.valuation(outcome).costs)

    def units_per_effect(self, outcome: str) -> float:
        """Cost units saved by one unit of effect on one unit for a year; negative where a rise costs."""
        valuation = self.book.valuation(outcome)
        number = self.assumptions.numbers.get(outcome, valuation.number.value)
        return self.saves[outcome] * valuation.measured * valuation.times_a_year * number * self.people.get(outcome, 1.0)

    def kept(self, outcome: str) -> float:
        """What is left of an effect after scaling it down for optimism."""
        grades = self.book.valuations.optimism.grades
        grade = self.assumptions.grade if self.assumptions.grade is not None else self.book.valuation(outcome).grade
        return 1 - grades[grade] if self.assumptions.adjusted else 1.0

    def timeline(self) -> Timeline:
        """Unit-years of effect and pounds of cost, by financial year."""
        defaults, chosen = self.book.valuations, self.assumptions
        years = defaults.persistence.years if chosen.persistence_years is None else chosen.persistence_years
        share = defaults.unmatched.share if chosen.unmatched_share is None else chosen.unmatched_share
        times = defaults.programme_cost.times if chosen.cost_times is None else chosen.cost_times
        matched = float(np.sum(self.weights))
        weights = np.asarray(self.weights, dtype=float) * (1 + share * self.unmatched / matched)
        effect = years_of_effect(self.periods, self.entries, weights, self.window, years=years, retained=defaults.persistence.retained)
        costs = in_prices(self.costs, self.book.deflators, self.price_year)
        return timeline(effect, {year: pounds * times for year, pounds in costs.items()})

    def discounts(self) -> np.ndarray:
        """Worth in the first year of a pound in each year of the timeline, shape (n_years,)."""
        return np.array([self.book.discounts.factor(number) for number in range(len(self.timeline().costs))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Pounds per unit of effect on one outcome that one agency gains, for one part of a unit cost; discounted, all units and years together."""

    outcome: str
    part: Part
    agency: str
    pounds: float

    def counts_in(self, lens: str) -> bool:
        """Whether the line belongs to a lens: transfers count for the public purse only; society counts everything else once."""
        if lens == "social":
            return not self.part.transfer
        return self.part.lens == lens


def lines_of(case: Case) -> tuple[Line, ...]:
    """Every line of an appraisal."""
    stream, discounts, deflators = case.timeline(), case.discounts(), case.book.deflators
    unit_years = float(stream.unit_years @ discounts)
    found = []
    for outcome, leave_out in case.outcomes.items():
        per_effect = case.units_per_effect(outcome) * case.kept(outcome) * unit_years
        for part, pounds, year in case.book.parts(case.mix(outcome), leave_out):
            price = pounds * deflators.factor(year, case.price_year)
            found += [
                Line(outcome=outcome, part=part, agency=agency, pounds=per_effect * price * share) for agency, share in part.agencies.items()
            ]
    return tuple(found)
