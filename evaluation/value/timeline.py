"""When effects and costs fall: financial years from April to March, family-years of effect and pounds of cost in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.errors import PlanError
from evaluation.periods import Periods, first_day
from evaluation.value.deflators import Deflators

YEAR_OF = {"quarter": 0.25, "school_year": 1.0, "year": 1.0}  # length of a period


def financial_year_of(periods: Periods, column: int) -> int:
    """The calendar year in which the financial year of a period's first day begins.

    >>> quarters = Periods.between("2012-Q1", "2012-Q4", kind="quarter")
    >>> financial_year_of(quarters, 0), financial_year_of(quarters, 1)
    (2011, 2012)
    """
    day = first_day(periods.first + int(column), periods.kind)
    return day.year - (day.month < 4)


def label_of(year: int) -> str:
    """A financial year as it is written.

    >>> label_of(2012)
    '2012/13'
    """
    return f"{year}/{(year + 1) % 100:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Consecutive financial years, with what falls in each.

    Attributes
    ----------
    first : int
        Calendar year in which the first financial year begins; it is year 0 of discounting.
    unit_years : ndarray, shape (n_years,)
        Years of effect of all units together (a unit in its effect for a quarter is 0.25).
    costs : ndarray, shape (n_years,)
        Pounds of programme cost in the prices of one year.
    """

    first: int
    unit_years: np.ndarray
    costs: np.ndarray

    def labels(self) -> list[str]:
        """The financial years."""
        return [label_of(self.first + number) for number in range(len(self.costs))]


def years_of_effect(
    periods: Periods, entries: np.ndarray, weights: np.ndarray, window: tuple[int, int], *, years: int = 0, retained: float = 0.0
) -> dict[int, float]:
    """Unit-years of effect by financial year.

    Parameters
    ----------
    entries : ndarray of int
        Entry column of each group of units.
    weights : ndarray
        Units in each group.
    window : (int, int)
        First and last event time at which the effect was measured.
    years, retained : int, float
        How many years the effect goes on after the window, and what is left of it each year, of the year before.
    """
    length, found = YEAR_OF[periods.kind], {}
    steps = [(event_time, 1.0) for event_time in range(window[0], window[1] + 1)]
    after = round(years / length)
    steps += [(window[1] + 1 + n, retained ** (1 + int(n * length))) for n in range(after)]
    for event_time, left in steps:
        for entry, weight in zip(entries, weights, strict=True):
            year = financial_year_of(periods, int(entry) + event_time)
            found[year] = found.get(year, 0.0) + float(weight) * length * left
    return found


def timeline(unit_years: Mapping[int, float], costs: Mapping[int, float]) -> Timeline:
    """Both streams on one run of years, from the first in which anything falls.

    Raises
    ------
    PlanError
        A cost is negative.
    """
    if any(cost < 0 for cost in costs.values()):
        raise PlanError(
            "The cost of a programme is 0 or more pounds in every year: a negative one is given. Mend value.cost or the table programme_costs; income"
            " of the council belongs in value.fees."
        )
    spent = [year for year, cost in costs.items() if cost] + [year for year, amount in unit_years.items() if amount]
    first, last = min(spent), max(spent)
    span = range(first, last + 1)
    return Timeline(
        first=first, unit_years=np.array([unit_years.get(year, 0.0) for year in span]), costs=np.array([costs.get(year, 0.0) for year in span])
    )


def in_prices(costs: Mapping[str, tuple[float, str]], deflators: Deflators, price_year: str) -> dict[int, float]:
    """Costs by financial year (pounds, price year of each) in the prices of one year, by the calendar year in which the financial year begins."""
    return {int(year[:4]): pounds * deflators.factor(of, price_year) for year, (pounds, of) in costs.items()}
