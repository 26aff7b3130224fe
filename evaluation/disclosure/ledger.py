"""The ledger: the only place where a number becomes one that may be shown, with a record of each.

It rounds, suppresses and words numbers. It does not decide what is worth saying (that is `findings.py`), and it does not look at numbers together:
the audit does, and hands back `Repair`s, which a second ledger applies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evaluation.disclosure.population import Population, as_population
from evaluation.disclosure.release import Shown, ShownInterval
from evaluation.disclosure.rules import PEOPLE, Profile
from evaluation.errors import DisclosureError
from evaluation.models.effects import Estimate

CONFIDENTIAL = Shown(value=None, text="[c]", symbol="[c]")
NOT_AVAILABLE = Shown(value=None, text="[x]", symbol="[x]")
NOT_APPLICABLE = Shown(value=None, text="[z]", symbol="[z]")
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One number that was asked for, and what became of it.

    `n` and `true` are for the audit alone and are never written out; everything else is what a reader has.

    Attributes
    ----------
    statistic : 'count', 'share', 'mean', 'estimate', 'text' or 'number'
        What kind of number: the audit knows what can be told from each.
    step : float
        Distance between two values that could have been printed: its precision.
    base : int
        To what a count was rounded; 0 where it is hidden.
    low, high : float
        Integers between which a reader can place the count (of a share: its part).
    n : int or None
        People or families behind it.
    true : float or None
        The count itself (of a share: its part; of a rate: its events).
    """

    what: str
    population: str
    shown: Shown
    who: Population = field(default_factory=lambda: Population(name=""), repr=False)
    statistic: str = "number"
    of: str = ""
    step: float = 0.0
    base: int = 1
    low: float = -math.inf
    high: float = math.inf
    n: int | None = field(default=None, repr=False)
    true: float | None = field(default=None, repr=False)
    repaired: bool = False
    asked: str = ""  # the name under which several numbers are asked for together: an estimate and its interval

    @property
    def key(self) -> str:
        """What a repair is addressed to: a population for its count, a population and a name for any other number."""
        return self.who.identity if self.statistic == "count" else f"{self.who.identity}|{self.statistic}|{self.asked or self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What the audit asks of one number: a coarser base, fewer decimals, or nothing shown."""

    base: int = 0
    whole: bool = False  # no decimals
    hidden: bool = False
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Publishes numbers under one profile and remembers them.

    Attributes
    ----------
    repairs : key -> Repair
        What an audit of an earlier ledger asks for.
    audit : object or None
        The record of the audit that found these numbers safe.
    spans : code -> (first, last)
        Which entries were published for which report.
    """

    profile: Profile
    entries: list[Entry] = field(default_factory=list)
    repairs: Mapping[str, Repair] = field(default_factory=dict)
    audit: object = None
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)

    def keep(self, what: str, population: str | Population, shown: Shown, **about: object) -> Shown:
        """Record a number and hand it on."""
        who = as_population(population)
        self.entries.append(Entry(what=what, population=who.name, shown=shown, who=who, **about))
        return shown

    def of_report(self, code: str) -> list[Entry]:
        """What was published for one report."""
        first, last = self.spans[code]
        return self.entries[first:last]

    def withholds(self, what: str, population: str | Population, statistic: str) -> bool:
        """Whether an audit asks for a number not to be shown."""
        return self.repairs.get(f"{as_population(population).identity}|{statistic}|{what}", Repair()).hidden

    def small(self, number: float, of: str) -> bool:
        """Whether a count of people or families is under the threshold; nobody is no small group, unless the profile hides noughts."""
        least = 0 if self.profile.zeros == "hidden" and self.profile.protects else 1
        return of in PEOPLE and least <= number < self.profile.threshold

    def few(self, part: float, whole: float, of: str) -> bool:
        """Whether a small group stands on either side of a split, nobody and all included: each would say something of everybody."""
        return of in PEOPLE and self.profile.protects and min(part, whole - part) < self.profile.threshold

    def count(self, number: int, *, of: str, what: str, population: str | Population, within: int | None = None) -> Shown:
        """A count. People and families: [c] under the threshold, else rounded; places: as it is.

        Parameters
        ----------
        within : int, optional
            Of how many these are the ones with an attribute: then none and all are hidden as well, where the profile judges noughts.
        """
        who = as_population(population)
        repair = self.repairs.get(who.identity, Repair()) if of in PEOPLE else Repair()
        about = {"statistic": "count", "of": of, "n": number, "true": number}
        if repair.hidden:
            return self.keep(what, who, CONFIDENTIAL, **about, base=0, low=0, repaired=True)
        if self.small(number, of) or (within is not None and self.profile.zeros != "shown" and self.few(number, within, of)):
            known_some = within is None and self.profile.zeros != "hidden"
            high = self.profile.threshold - 1 if within is None else within
            return self.keep(what, who, CONFIDENTIAL, **about, base=0, low=1 if known_some else 0, high=high)
        base = max(self.base_of(of), repair.base)
        value = to_base(number, base)
        low, high = span(value, base, least=self.profile.threshold if of in PEOPLE and number else 0)
        shown = Shown(value=value, text=f"{value:,.0f}")
        return self.keep(what, who, shown, **about, step=base, base=base, low=low, high=high, repaired=base > self.base_of(of))

    def base_of(self, of: str) -> int:
        """The base that counts of something are rounded to."""
        return self.profile.base if of in PEOPLE else 1

    def rounded(self, number: float, of: str) -> float:
        """A count to the profile's base, halves up."""
        return to_base(number, self.base_of(of))

    def share(self, part: int, whole: int, *, of: str, what: str, population: str | Population) -> Shown:
        """A percentage from rounded counts; [c] where the part or the rest is a small group, zero and all included."""
        who = as_population(population)
        about = {"statistic": "share", "of": of, "n": whole, "true": part}
        if self.few(part, whole, of) or self.withholds(what, who, "share"):
            return self.keep(what, who, CONFIDENTIAL, **about, low=0)
        if whole == 0:
            return self.keep(what, who, NOT_APPLICABLE, **about)
        value = float(round(100 * self.rounded(part, of) / self.rounded(whole, of)))
        low, high = told_by_share(value, self.rounded(whole, of), self.base_of(of))
        return self.keep(what, who, Shown(value=value, text=f"{value:.0f}%"), **about, step=1, low=low, high=high)

    def level(
        self,
        value: float,
        *,
        n: int,
        of: str,
        digits: int,
        what: str,
        population: str | Population,
        per: float = 0.0,
        fewest: int | None = None,
        largest: float | None = None,
        two_largest: float | None = None,
    ) -> Shown:
        """An average over `n` units to a stated number of decimals; [x] when it does not exist.

        Parameters
        ----------
        per : float
            The value of one event to one unit: 100 for percentages and rates per hundred; 0 where the value is no rate of events.
        fewest : int, optional
            Units with, or without, an event, whichever is fewer.
        largest, two_largest : float, optional
            Share of the total that the largest contributor has, and the two largest.
        """
        who = as_population(population)
        digits = 0 if self.repairs.get(f"{who.identity}|mean|{what}", Repair()).whole else digits
        events = value * n / per if per and math.isfinite(value) else None
        about = {"statistic": "mean", "of": of, "n": n, "step": 10.0**-digits, "base": int(per), "true": events}
        hidden = of in PEOPLE and (
            n < self.profile.cohort
            or (fewest is not None and fewest < self.profile.threshold)
            or dominated(largest, two_largest, self.profile)
            or self.withholds(what, who, "mean")
        )
        return self.keep(what, who, CONFIDENTIAL if hidden else number(value, digits), **about)

    def percentile(self, values: Sequence[float], share: float, *, of: str, digits: int, what: str, population: str | Population) -> Shown:
        """A percentile as a band that holds at least a threshold of units on each side of the point; [c] where there are too few; no extremes.

        Raises
        ------
        DisclosureError
            A minimum or a maximum is asked for: it is one unit's value.
        """
        if not 0 < share < 1:
            raise DisclosureError(f"{what}: a minimum or a maximum is one unit's value and may not be shown. Ask for a percentile between 0 and 1.")
        ordered, need = sorted(values), self.profile.threshold if of in PEOPLE else 0
        at = math.ceil(share * len(ordered)) - 1 if ordered else 0
        about = {"statistic": "text", "of": of, "n": len(ordered)}
        if not ordered or min(at, len(ordered) - 1 - at) < 2 * need:
            return self.keep(what, population, CONFIDENTIAL if ordered and need else NOT_AVAILABLE, **about)
        if not need:
            return self.keep(what, population, number(ordered[at], digits), **about)
        low, high = mean_of(ordered[at - need : at]), mean_of(ordered[at + 1 : at + 1 + need])
        text = f"{number(low, digits).text} to {number(high, digits).text}"
        return self.keep(what, population, Shown(value=None, text=text), **about)

    def interval(
        self,
        estimate: Estimate,
        *,
        of: str,
        digits: int | None = None,
        what: str,
        population: str | Population,
        compared_of: str | None = None,
        fewest: int | None = None,
    ) -> ShownInterval:
        """An estimate with its interval, to the decimals of a standard error of two figures.

        Parameters
        ----------
        fewest : int, optional
            Units with, or without, an event on either side, whichever is fewest.
        """
        who = as_population(population)
        about = {"statistic": "estimate", "of": of, "n": estimate.n_treated, "asked": what}
        short = min(estimate.n_treated, estimate.n_comparison)
        hidden = of in PEOPLE and (
            short < self.profile.cohort
            or too_few_degrees(estimate, self.profile)
            or (fewest is not None and fewest < self.profile.threshold)
            or self.withholds(what, who, "estimate")
        )
        if hidden or not math.isfinite(estimate.estimate):
            symbol = CONFIDENTIAL if math.isfinite(estimate.estimate) else NOT_AVAILABLE
            shown = self.keep(what, who, symbol, **about)
            return ShownInterval(estimate=shown, lower=symbol, upper=symbol, method=estimate.reason or estimate.method)
        own = decimals(estimate.std_error)
        places = own if digits is None else min(digits, own + 1) if of in PEOPLE else digits  # one more, so that a column has one number of decimals
        shown = [
            self.keep(f"{what}, {name}", who, number(value, places, signed=True), **about, step=10.0**-places)
            for name, value in (("estimate", estimate.estimate), ("lower", estimate.lower), ("upper", estimate.upper))
        ]
        clusters = f", {estimate.n_clusters:,} {estimate.clusters}" if estimate.clusters and of not in PEOPLE else ""
        return ShownInterval(estimate=shown[0], lower=shown[1], upper=shown[2], method=f"{estimate.method}{clusters}")

    def derived(self, value: float, digits: int, *, what: str, population: str | Population = "derived", signed: bool = False) -> Shown:
        """A number worked out from numbers that are protected already, such as a ratio of two printed levels."""
        return self.keep(what, population, number(value, digits, signed=signed), statistic="derived", step=10.0**-digits)

    def said(self, text: str, *, what: str, population: str | Population = "derived") -> str:
        """A piece of text with a number in it, worked out from protected numbers or coarse words of a true one."""
        self.keep(what, population, Shown(value=None, text=text), statistic="text")
        return text


def too_few_degrees(estimate: Estimate, profile: Profile) -> bool:
    """Whether an estimate has fewer residual degrees of freedom than its groups may have: units less two means."""
    return estimate.n_treated + estimate.n_comparison - 2 < profile.degrees_of_freedom


def dominated(largest: float | None, two_largest: float | None, profile: Profile) -> bool:
    """Whether one contributor, or two, have more of a total than they may."""
    return (largest is not None and largest > profile.largest) or (two_largest is not None and two_largest > profile.two_largest)


def mean_of(values: Sequence[float]) -> float:
    """The mean of a few values."""
    return sum(values) / len(values)


def to_base(number: float, base: int) -> float:
    """A number to the nearest multiple of a base, halves up."""
    return float(base * math.floor(number / base + 0.5))


def span(value: float, base: int, *, least: int = 0) -> tuple[float, float]:
    """The integers that round to a value.

    >>> span(100, 5), span(10, 5, least=10), span(100, 10), span(7, 1)
    ((98, 102), (10, 12), (95, 104), (7, 7))
    """
    return max(math.ceil(value - base / 2), least, 0), math.ceil(value + base / 2) - 1


def told_by_share(percent: float, whole: float, base: int) -> tuple[float, float]:
    """The integers that the part can be, from a whole percentage of rounded counts.

    >>> told_by_share(33, 30, 5)
    (8, 12)
    """
    parts = [base * k for k in range(int(whole // base) + 1) if round(100 * base * k / whole) == percent]
    return (span(parts[0], base)[0], span(parts[-1], base)[1]) if parts else (0, whole + base)


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
    sign = "" if zero else MINUS if rounded < 0 else "+" if signed else ""
    return Shown(value=rounded, text=f"{sign}{text}")


def with_repair(ledger: Ledger, repairs: Mapping[str, Repair]) -> Ledger:
    """An empty ledger under the same rule, which applies repairs."""
    return replace(ledger, entries=[], spans={}, repairs=dict(repairs))
