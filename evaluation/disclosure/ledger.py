"""The ledger: the only place where a number becomes one that may be shown, with a record of each.

It rounds, suppresses and words numbers. It does not decide what is worth saying (that is `findings.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from evaluation.disclosure.release import Shown, ShownInterval
from evaluation.disclosure.rules import PEOPLE, Profile
from evaluation.models.effects import Estimate

CONFIDENTIAL = Shown(value=None, text="[c]", symbol="[c]")
NOT_AVAILABLE = Shown(value=None, text="[x]", symbol="[x]")
NOT_APPLICABLE = Shown(value=None, text="[z]", symbol="[z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One number that was asked for, and what became of it. Holds the protected value only."""

    what: str
    population: str
    shown: Shown


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Publishes numbers under one profile and remembers them."""

    profile: Profile
    entries: list[Entry] = field(default_factory=list)

    def keep(self, what: str, population: str, shown: Shown) -> Shown:
        """Record a number and hand it on."""
        self.entries.append(Entry(what=what, population=population, shown=shown))
        return shown

    def small(self, number: float, of: str) -> bool:
        """Whether a count of people or families is above zero and under the threshold."""
        return of in PEOPLE and 0 < number < self.profile.threshold

    def count(self, number: int, *, of: str, what: str, population: str) -> Shown:
        """A count. People and families: [c] under the threshold, else rounded; places: as it is."""
        if self.small(number, of):
            return self.keep(what, population, CONFIDENTIAL)
        rounded = self.rounded(number, of)
        return self.keep(what, population, Shown(value=rounded, text=f"{rounded:,.0f}"))

    def rounded(self, number: float, of: str) -> float:
        """A count to the profile's base, halves up."""
        base = self.profile.base if of in PEOPLE else 1
        return float(base * math.floor(number / base + 0.5))

    def share(self, part: int, whole: int, *, of: str, what: str, population: str) -> Shown:
        """A percentage from rounded counts; [c] where the part or the rest is a small group, zero and all included."""
        if of in PEOPLE and self.profile.threshold and min(part, whole - part) < self.profile.threshold:
            return self.keep(what, population, CONFIDENTIAL)
        if whole == 0:
            return self.keep(what, population, NOT_APPLICABLE)
        value = float(round(100 * self.rounded(part, of) / self.rounded(whole, of)))
        return self.keep(what, population, Shown(value=value, text=f"{value:.0f}%"))

    def level(self, value: float, *, n: int, of: str, digits: int, what: str, population: str) -> Shown:
        """An average over `n` units to a stated number of decimals; [x] when it does not exist."""
        if of in PEOPLE and n < self.profile.threshold:
            return self.keep(what, population, CONFIDENTIAL)
        return self.keep(what, population, number(value, digits))

    def interval(
        self, estimate: Estimate, *, of: str, digits: int | None = None, what: str, population: str, compared_of: str | None = None
    ) -> ShownInterval:
        """An estimate with its interval, to the decimals of a standard error of two figures."""
        short = min(estimate.n_treated, estimate.n_comparison)
        if (of in PEOPLE and short < self.profile.threshold) or not math.isfinite(estimate.estimate):
            symbol = CONFIDENTIAL if math.isfinite(estimate.estimate) else NOT_AVAILABLE
            return ShownInterval(estimate=self.keep(what, population, symbol), lower=symbol, upper=symbol, method=estimate.reason or estimate.method)
        places = decimals(estimate.std_error) if digits is None else digits
        shown = [
            self.keep(f"{what}, {name}", population, number(value, places, signed=True))
            for name, value in (("estimate", estimate.estimate), ("lower", estimate.lower), ("upper", estimate.upper))
        ]
        clusters = f", {estimate.n_clusters:,} {estimate.clusters}" if estimate.clusters and of not in PEOPLE else ""
        return ShownInterval(estimate=shown[0], lower=shown[1], upper=shown[2], method=f"{estimate.method}{clusters}")


def decimals(std_error: float) -> int:
    """Decimals that keep two figures of a standard error, at most four."""
    if not math.isfinite(std_error) or std_error <= 0:
        return 2
    return int(min(max(1 - math.floor(math.log10(std_error)), 0), 4))


def number(value: float, digits: int, *, signed: bool = False) -> Shown:
    """A number to so many decimals, with a true minus sign; [x] when it does not exist."""
    if not math.isfinite(value):
        return NOT_AVAILABLE
    rounded = round(value, digits) + 0.0
    text = f"{abs(rounded):,.{digits}f}"
    zero = float(text.replace(",", "")) == 0
    sign = "" if zero else "\N{MINUS SIGN}" if rounded < 0 else "+" if signed else ""
    return Shown(value=rounded, text=f"{sign}{text}")
