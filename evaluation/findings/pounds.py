"""Pounds as they may be shown: one step of rounding for a whole report, so that printed sums add up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import Shown, ShownInterval
from evaluation.value import Money

SMALLEST_STEP = 1_000.0
LOW = Shown(value=0.0, text="[low]", symbol="[low]")
METHOD = "draws of the effects, joint across outcomes"
MINUS = "\N{MINUS SIGN}\N{WORD JOINER}"  # the joiner keeps the minus and the pound sign on one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Pounds:
    """Words and protects pounds of one report.

    Attributes
    ----------
    step : float
        Everything is rounded to a multiple of it.
    """

    ledger: Ledger
    population: str
    step: float

    def rounded(self, value: float) -> float:
        """Pounds to the step, halves up."""
        return self.step * math.floor(value / self.step + 0.5) + 0.0

    def of(self, money: Money) -> Money:
        """All three numbers to the step."""
        return Money(mean=self.rounded(money.mean), lower=self.rounded(money.lower), upper=self.rounded(money.upper))

    def one(self, what: str, value: float) -> Shown:
        """One sum; [low] where it rounds to zero and is not zero."""
        amount = self.rounded(value)
        return self.ledger.keep(what, self.population, LOW if amount == 0 and value else Shown(value=amount, text=pounds(amount)))

    def range(self, what: str, money: Money) -> ShownInterval:
        """A sum with its interval; ends that round to zero are printed as zero."""
        ends = (Shown(value=self.rounded(end), text=pounds(self.rounded(end))) for end in (money.mean, money.lower, money.upper))
        estimate, lower, upper = (
            self.ledger.keep(f"{what}, {name}", self.population, shown) for name, shown in zip(("mean", "lower", "upper"), ends, strict=True)
        )
        return ShownInterval(estimate=estimate, lower=lower, upper=upper, method=METHOD)


def pounds(amount: float, digits: int = 0) -> str:
    """Pounds with a true minus before the sign.

    >>> pounds(12000.0), pounds(0.126, 2), pounds(-0.001, 2)
    ('£12,000', '£0.13', '£0.00')
    """
    words = f"{abs(amount):,.{digits}f}"
    return (MINUS if amount < 0 and float(words.replace(",", "")) else "") + f"£{words}"


def step_for(money: Money) -> float:
    """The step that keeps three figures of half the width of a result's interval; at least a thousand pounds."""
    half = (money.upper - money.lower) / 2
    return SMALLEST_STEP if half <= 0 else max(10.0 ** (math.floor(math.log10(half)) - 2), SMALLEST_STEP)
