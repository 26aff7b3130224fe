"""The numbers of one outcome for one report, before protection. They stay in the room; `present.py` protects and words them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from evaluation.dictionary import Outcome
from evaluation.models.effects import Estimate
from evaluation.payment_by_results import ResultsClaimed

SIZE = 0.05  # of the tests of the trend before
COUNTED_PER = 100.0  # counts of events are printed per 100 families; shares and rates come as percentages already


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendBefore:
    """What the periods before the programme say: held-out periods only.

    Attributes
    ----------
    verdict : 'passed', 'failed' or 'not testable'
        'failed' when the joint test of all periods, the test of a straight drift, or (where areas were assigned) the permutation of areas rejects
        at 5%: more cautious than any alone.
    n_periods : int
        Held-out periods tested jointly.
    slope, slope_detectable : float
        Gap growth per period over them, and the growth that the test would have seen with 80% power; printed scale.
    adjusted : Estimate or None
        The headline less the continuation of that slope.
    """

    verdict: str
    n_periods: int
    p_value: float
    drift_p: float
    slope: float
    slope_detectable: float
    adjusted: Estimate | None
    reason: str = ""
    placebo_p: float | None = None  # joint permutation test of the same periods, where assignment was by area

    def with_placebo(self, p_value: float) -> TrendBefore:
        """The same with the permutation of areas, which may fail what the other tests let pass."""
        return replace(self, placebo_p=p_value, verdict="failed" if p_value < SIZE else self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeNumbers:
    """One outcome, one report. Values on the printed scale (per 100 families for occurrences and counts).

    `status` is 'estimated', 'not_available' or 'not_estimable'; `n_treated` and `n_comparison` count distinct units behind the effect.
    """

    outcome: Outcome
    primary: bool
    status: str
    reason: str = ""
    effect: Estimate | None = None
    before: float = float("nan")
    after: float = float("nan")
    n_before_after: int = 0
    comparison_level: float = float("nan")
    detectable: float = float("nan")
    trend: TrendBefore | None = None
    permutation_p: float | None = None
    results: ResultsClaimed | None = None
    truth: float | None = None
    fewest: int | None = None  # units with, or without, an occurrence, whichever is fewer, on either side; None where it is no occurrence


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate in another unit of measurement."""
    return replace(
        estimate,
        estimate=estimate.estimate * factor,
        std_error=estimate.std_error * factor,
        lower=estimate.lower * factor,
        upper=estimate.upper * factor,
    )


def happens(outcome: Outcome) -> bool:
    """Whether an outcome says that something happened to a family, so that few occurrences point to families."""
    return outcome.scale in ("any", "count")


def factor_of(outcome: Outcome) -> float:
    """From an array's values to what is printed."""
    return COUNTED_PER if outcome.scale == "count" else 1.0


def unit_of(outcome: Outcome) -> str:
    """The printed unit of a level."""
    return counted(outcome.unit) if outcome.scale == "count" else outcome.unit


def change_unit_of(outcome: Outcome) -> str:
    """The printed unit of a change or an effect."""
    return counted(outcome.change_unit) if outcome.scale == "count" else outcome.change_unit


def counted(unit: str) -> str:
    """A unit of counts per family, printed per hundred.

    >>> counted("incidents per family and quarter")
    'per 100 families a quarter'
    """
    return re.sub(r"^\w+ per family and ", f"per {COUNTED_PER:.0f} families a ", unit)
