"""What a framework pays: fees by the year of attachment (or of the claim), for a share of the families, up to a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from evaluation.payment_by_results.framework import FeeYear, Framework
from evaluation.payment_by_results.results import NONE, Results
from evaluation.periods import Periods

FeeBy = Literal["attachment", "claim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Pounds for families attached and for results, with what lay outside the schedule.

    Attributes
    ----------
    attachment, results : float
        After the paid share and the cap at the target.
    n_attached, n_results : int
        Families attached and results inside the schedule's years.
    outside : int
        Families attached in years for which the schedule has no fee.
    by_year : financial year -> float
        Pounds of both by the year whose fee they are: of attachment, and for results that or the claim's. They add up to `total`.
    """

    attachment: float
    results: float
    n_attached: int
    n_results: int
    outside: int
    by_year: Mapping[str, float]

    @property
    def total(self) -> float:
        """Both together."""
        return self.attachment + self.results


def full_payment(framework: Framework, families: int) -> Fraction:
    """The most that a framework pays for so many families: share paid x families x maximum, in pounds."""
    return framework.fees.paid_share.value * families * framework.fees.maximum.value


def turned_around(by_route: Mapping[str, int]) -> int:
    """Results by routes that stand alone, added up: a family has one result."""
    return sum(by_route.values())


def financial_year(column: np.ndarray, periods: Periods) -> np.ndarray:
    """Calendar year in which the financial year (from 1 April) of each quarter begins."""
    number = periods.first + column
    return number // 4 - (number % 4 == 0)


def year_label(year: int) -> str:
    """'2012/13'."""
    return f"{year}/{(year + 1) % 100:02d}"


def fee_years(framework: Framework, column: np.ndarray, periods: Periods) -> list[FeeYear | None]:
    """The schedule's year of each quarter; None where it has none."""
    return [framework.fees.years.get(year_label(int(year))) for year in financial_year(column, periods)]


def fee_of_results(framework: Framework, results: Results, periods: Periods, *, by: FeeBy) -> np.ndarray:
    """Result fee of each row in pounds, before the paid share and the cap; 0 without a result, NaN outside the schedule; shape (n_rows,)."""
    column = fee_column(results, by)
    fees = np.zeros(len(results))
    for row, year in enumerate(fee_years(framework, column, periods)):
        if results.route[row] != NONE:
            fees[row] = np.nan if year is None else year.results[framework.claimable[results.route[row]]]
    return fees


def fee_column(results: Results, by: FeeBy) -> np.ndarray:
    """The quarter whose year says what a result pays; shape (n_rows,)."""
    return results.start if by == "attachment" else results.start + results.met


def payment(framework: Framework, results: Results, periods: Periods, *, target: int | None = None, by: FeeBy = "attachment") -> Payment:
    """What is paid for families that joined.

    Parameters
    ----------
    results : Results
        Rows of programme families, each once.
    target : int, optional
        Families for which the framework pays at most; no cap without it.

    Notes
    -----
    The cap scales amounts by target / families where there are more of them than the target: which families a council claims for first is not known.
    """
    years = fee_years(framework, results.start, periods)
    attached = np.array([np.nan if year is None else year.attachment for year in years])
    fees = fee_of_results(framework, results, periods, by=by)
    share = float(framework.fees.paid_share.value)

    def paid(amounts: np.ndarray, count: int) -> np.ndarray:
        return share * np.nan_to_num(amounts) * (min(1.0, target / count) if target is not None and count else 1.0)

    n_attached, n_results = int(np.isfinite(attached).sum()), int((fees > 0).sum())
    for_joining, for_results = paid(attached, n_attached), paid(fees, n_results)
    year = financial_year(np.concatenate([results.start, fee_column(results, by)]), periods)
    amount = np.concatenate([for_joining, for_results])
    by_year = {year_label(int(one)): float(amount[year == one].sum()) for one in np.unique(year[amount > 0])}
    return Payment(attachment=float(for_joining.sum()), results=float(for_results.sum()), n_attached=n_attached, n_results=n_results,
                   outside=int(np.isnan(attached).sum()), by_year=by_year)
