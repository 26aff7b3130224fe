"""Event studies as they may leave beside a release: protected estimates, standard errors, correlations. No row's influence is in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals, too_few_degrees
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import Frozen, Shown
from evaluation.disclosure.rules import PEOPLE, Profile
from evaluation.models.effects import Estimate
from evaluation.models.event_numbers import EventNumbers, from_correlations

CORRELATION_DIGITS = 3
FIGURES = 2  # of a standard error, where anything is protected
PUBLISHED_FIGURES = 8
WHAT = "event study with covariance"


class ProtectedEventStudy(Frozen):
    """One outcome of all places together, on the printed scale; empty with a reason where it may not leave."""

    outcome: str
    label: str
    change_unit: str
    exploratory: bool = False
    reason: str = ""
    event_times: tuple[int, ...] = ()
    estimates: tuple[float, ...] = ()
    std_errors: tuple[float, ...] = ()
    correlations: tuple[tuple[float, ...], ...] = ()  # the last row and column is the headline's
    base: int | None = None
    anticipation: int = 0
    headline: tuple[int, int] = (1, 4)
    df: float | None = None  # none: normal errors
    clusters: str = ""

    def numbers(self) -> EventNumbers:
        """The numbers to work with.

        Raises
        ------
        ValueError
            The event study is not there; `reason` says why.
        """
        if self.reason:
            raise ValueError(f"{self.label}: {self.reason}")
        covariance = from_correlations(np.array(self.std_errors), np.array(self.correlations))
        return EventNumbers(event_times=np.array(self.event_times), values=np.array(self.estimates), covariance=covariance, base=self.base,
                            anticipation=self.anticipation, headline=self.headline, df=math.inf if self.df is None else self.df,
                            clusters=self.clusters)


class EventStudies(Frozen):
    """The event studies of a run."""

    studies: tuple[ProtectedEventStudy, ...]

    def write(self, path: Path) -> None:
        """Write as JSON, byte-stable."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> EventStudies:
        """Read what `write` wrote."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))


def protected(numbers: EventNumbers, effect: Estimate, ledger: Ledger, about: ProtectedEventStudy, *, of: str, population: Population,
              behind: Sequence[int], fewest: int | None) -> ProtectedEventStudy:
    """An event study through the ledger, whole or not at all: one point that is missing would follow from the others and the headline.

    Parameters
    ----------
    numbers : EventNumbers
        On the printed scale.
    effect : Estimate
        The headline, with the units behind it.
    behind : sequence of int
        Units behind each of its points, as disclosure control counts them.
    fewest : int or None
        Units with, or without, an event on either side, whichever is fewest.
    """
    profile = ledger.profile
    reason = why_withheld(numbers, effect, profile, behind, fewest) if of in PEOPLE else ""
    if not reason and any(ledger.withholds(what, population, "estimate") for what in (WHAT, "effect")):
        reason = "another figure that is shown is for nearly the same group, and the two together would tell of a few"
    kept = {"statistic": "estimate", "of": of, "n": effect.n_treated}
    if reason:
        ledger.keep(WHAT, population, Shown(value=None, text="[c]", symbol="[c]"), asked=WHAT, **kept)
        return about.model_copy(update={"reason": reason})
    errors = numbers.std_errors()
    rounded = profile.protects  # also of areas: their numbers are made from families
    places = [decimals(errors[-1])] * len(errors) if rounded else [figures(value, PUBLISHED_FIGURES) for value in numbers.values]
    estimates = [round(float(value), digits) + 0.0 for value, digits in zip(numbers.values, places, strict=True)]
    names = [*(f"{WHAT}, {time}" for time in numbers.event_times), "effect"]
    for name, value, digits in zip(names, estimates, places, strict=True):
        shown = Shown(value=value, text=f"{value:.{max(digits, 0)}f}")
        ledger.keep(name, population, shown, step=10.0**-digits, asked="effect" if name == "effect" else WHAT, **kept)
    n = FIGURES if rounded else PUBLISHED_FIGURES
    correlations = np.round(numbers.covariance / np.outer(errors, errors), CORRELATION_DIGITS if rounded else PUBLISHED_FIGURES) + 0.0
    return about.model_copy(
        update={
            "event_times": tuple(int(time) for time in numbers.event_times),
            "estimates": tuple(estimates),
            "std_errors": tuple(round(float(error), figures(error, n)) for error in errors),
            "correlations": tuple(tuple(map(float, row)) for row in correlations),
            "base": numbers.base,
            "anticipation": numbers.anticipation,
            "headline": numbers.headline,
            "df": degrees(numbers.df, rounded),
            "clusters": numbers.clusters,
        }
    )


def why_withheld(numbers: EventNumbers, effect: Estimate, profile: Profile, behind: Sequence[int], fewest: int | None) -> str:
    """Why an event study may not leave; '' where it may."""
    k = len(numbers.values)
    short = min(effect.n_treated, effect.n_comparison)
    if short < profile.cohort:
        return f"fewer than {profile.cohort} units stand on one side"
    if too_few_degrees(effect, profile) or numbers.n_clusters - k < profile.degrees_of_freedom or short - k < profile.degrees_of_freedom:
        return f"the covariance of {k} numbers would leave fewer than {profile.degrees_of_freedom} degrees of freedom"
    if min(behind, default=profile.threshold) < profile.threshold or (fewest is not None and fewest < profile.threshold):
        return f"fewer than {profile.threshold} units stand behind some of its points"
    return ""


def figures(value: float, n: int) -> int:
    """Decimals that keep so many figures of a number."""
    return 2 if not math.isfinite(value) or value == 0 else n - 1 - math.floor(math.log10(abs(value)))


def degrees(df: float, rounded: bool) -> float | None:
    """Degrees of freedom: where they count people, the next lower of 10, 20, 40, 80, ..., so that they tell of no count, and intervals err wide."""
    if not math.isfinite(df):
        return None
    return float(10 * 2 ** math.floor(math.log2(df / 10))) if rounded and df >= 10 else round(float(df), 6)
