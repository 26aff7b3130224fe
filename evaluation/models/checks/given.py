"""What a check is given and what it returns, and the algebra that several checks share."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.matching.sample import MatchedSample
from evaluation.matching.thresholds import Thresholds
from evaluation.models.clusters import Assignment, Clusters, cluster_names
from evaluation.models.descriptive import units_behind
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import estimate_of, overall
from evaluation.models.summaries import Summary, average, chosen_cells, complete_cohorts
from evaluation.models.uncertainty import uncertainty_of
from evaluation.showing import Face, Showing, face_of

Verdict = Literal["passed", "failed", "not testable", "information"]
SIZE, POWER = 0.05, 0.80
OF_ESTIMATE = ("estimate", "std_error", "lower", "upper", "p_value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """What a check may look at: one outcome's effects and where they come from.

    Attributes
    ----------
    sample : MatchedSample
    estimator : object
        The spec that made `effects`; checks that fit again change its base.
    effects : Effects
    calendar : tuple of int
        Quarters of the year in which the outcome is collected; empty for all.
    quarters, cohorts, clusters, assignment
        As in `overall`.
    matched_history : tuple of int
        Event times whose outcomes entered the score (`NearestNeighbour.used_event_times`).
    set_aside : tuple of int
        Further event times that a test of the trend before leaves alone: those near entry, where the dip has its own test.
    placebo_outcomes : name -> tuple of int
        Outcomes of the panel that the programme cannot move, and the quarters in which each is collected (empty for all).
    limits : Thresholds
        Of balance after matching.
    """

    sample: MatchedSample
    estimator: object
    effects: Effects
    calendar: tuple[int, ...] = ()
    quarters: tuple[int, int] = (1, 4)
    cohorts: tuple[int, ...] | Literal["complete"] | None = "complete"
    clusters: Clusters = "auto"
    assignment: Assignment = "unit"
    matched_history: tuple[int, ...] = ()
    set_aside: tuple[int, ...] = ()
    placebo_outcomes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    limits: Thresholds = Thresholds(variance_ratio=None)

    def __post_init__(self) -> None:
        """Rows that the clusters asked for need, once for all checks."""
        object.__setattr__(self, "effects", self.effects.at(cluster_names(self.effects, self.clusters, self.assignment)))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckResult(Showing):
    """What a check found.

    Attributes
    ----------
    name : str
    verdict : 'passed', 'failed', 'not testable' or 'information'
    table : DataFrame
    numbers : mapping of str to float
        Named in each check's docstring; NaN where there is none.
    reason : str
        Why it is not testable; '' otherwise.
    judged_by : str
        The limits that decided, in words, where the plan may set them.
    """

    name: str
    verdict: Verdict
    table: pd.DataFrame
    numbers: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    judged_by: str = ""

    def face(self) -> Face:
        """The verdict, the numbers behind it, and the table where it is one of aggregates."""
        found = pd.DataFrame([{"number": name.replace("_", " "), "value": value} for name, value in self.numbers.items()])
        because = f": {self.reason}" if self.reason else ""
        return face_of(f"{self.name.replace('_', ' ').capitalize()}: {self.verdict}{because}", found, notes=(self.judged_by,))


def not_testable(name: str, reason: str, table: pd.DataFrame | None = None) -> CheckResult:
    """A check that could not be made, with the reason."""
    return CheckResult(name=name, verdict="not testable", table=pd.DataFrame() if table is None else table, reason=reason)


def cohorts_of(given: CheckInput) -> Sequence[int] | None:
    """Entry columns of the headline's cohorts; None for all."""
    return complete_cohorts(given.effects, given.quarters) if given.cohorts == "complete" else given.cohorts


def headline_cells(given: CheckInput) -> np.ndarray:
    """Cells of the headline, as a mask over `effects.cells`."""
    return chosen_cells(given.effects, quarters=given.quarters, cohorts=given.cohorts)


def at_event_time(given: CheckInput, event_time: int, *, base_too: bool = False) -> Summary:
    """The effect at one event time over the headline's cohorts."""
    cells = given.effects.cells
    mask = (cells["event_time"] == event_time).to_numpy()
    if (cohorts := cohorts_of(given)) is not None:
        mask = mask & cells["cohort"].isin(list(cohorts)).to_numpy()
    return average(given.effects, mask, base_too=base_too)


def held_out(given: CheckInput) -> dict[int, Summary]:
    """Effects before entry that entered neither the score nor the base, by event time: those that can tell something about the trend."""
    effects, used = given.effects, {*given.matched_history, *given.set_aside}
    times = [int(e) for e in effects.event_times if e < -effects.anticipation and e not in used]
    return {e: part for e in times if not (part := at_event_time(given, e)).reason and part.contribution.any()}


def covariance_between(given: CheckInput, parts: Sequence[Summary]) -> tuple[np.ndarray, float]:
    """Cluster-robust covariance of several summaries by the rule of `uncertainty.py`, and the clusters it is worth: degrees of freedom plus 1."""
    found = uncertainty_of(given.effects, parts, clusters=given.clusters, assignment=given.assignment)
    return found.covariance, float(found.df.min()) + 1 if not found.reason else 0.0


def with_interval(given: CheckInput, summary: Summary, effects: Effects | None = None) -> Estimate:
    """A summary of the effects given (or of others), with the interval of the study's clusters."""
    return estimate_of(given.effects if effects is None else effects, summary, clusters=given.clusters, assignment=given.assignment)


def headline(given: CheckInput) -> Estimate:
    """The plan's number, as the report shows it."""
    return summarised(given, given.effects)


def summarised(given: CheckInput, effects: Effects) -> Estimate:
    """The headline of other effects of the same kind, by the same clusters where they have them."""
    clusters = given.clusters if given.clusters not in ("set", "unit_and_set") or effects.has_sets else "auto"
    return overall(effects, quarters=given.quarters, cohorts=given.cohorts, clusters=clusters, assignment=given.assignment)


def of_estimate(found: Estimate) -> dict[str, float]:
    """The numbers of an estimate that a check hands on."""
    return {name: float(getattr(found, name)) for name in OF_ESTIMATE}


def conclusion(found: Estimate) -> int:
    """-1 or 1 where the interval excludes zero, by the estimate's sign; 0 where it does not, or there is none."""
    return int(np.sign(found.estimate)) if np.isfinite(found.lower) and not found.lower <= 0 <= found.upper else 0


def has_base(estimator: object) -> bool:
    """Whether an estimator's base is an event time or the mean of those before, not a rule ('universal', 'varying') or nothing."""
    own = getattr(estimator, "base", None)
    return hasattr(estimator, "window") and (isinstance(own, int) or own == "pre_mean")


def fewest_events(sample: MatchedSample, outcome: str, *windows: Sequence[int]) -> int:
    """The smallest number of distinct units with, or without, an outcome above 0 in any of the windows of event times, on either side."""
    return min(int(side[0]) for times in windows for side in units_behind(sample, outcome, list(times), occurrence=True, together=True))
