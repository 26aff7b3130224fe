"""The same differences without matching: all candidates at risk are the comparison. For tables side by side, and for experiments."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.risk_sets import risk_sets
from evaluation.matching.sample import MatchedSample
from evaluation.models.cohorts import CohortRows, difference_in_means, effects_of, status_of
from evaluation.models.contrasts import BASE, ESTIMATED, collected, differences, outcome_array
from evaluation.models.effects import Effects
from evaluation.models.matched_did import base_in_words, check_base, checked_window
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedDiD:
    """Change of each entry cohort from its base, less the change of every candidate at risk in its entry period.

    All treated candidates enter, matched or not. Comparison units are censored from their own entry, as in `MatchedDiD`, whose fields these are.
    """

    base: int | str = -4
    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        check_base(self.base, self.window, self.anticipation)

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT by entry cohort and event time, with influence rows per (unit, cohort).

        Parameters
        ----------
        sample : MatchedSample or Panel
            The candidates of a matched sample (rows with complete covariates), or the risk sets of a panel.
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
        """
        return _fit(sample, outcome, base=self.base, window=self.window, anticipation=self.anticipation, calendar=calendar, estimator=self.in_words())

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return f"difference-in-differences against all candidates at risk, unmatched, {base_in_words(self.base)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedLevels:
    """Level of each entry cohort less the level of every candidate at risk: the naive comparison, and the right one in an experiment."""

    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """Differences in levels by entry cohort and event time; see `UnmatchedDiD.fit`."""
        return _fit(sample, outcome, base=None, window=self.window, anticipation=self.anticipation, calendar=calendar, estimator=self.in_words())

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return "difference in levels against all candidates at risk, unmatched"


def _fit(sample, outcome, *, base, window, anticipation, calendar, estimator) -> Effects:
    panel, unit, entry, treated = _candidates(sample)
    y = outcome_array(panel, outcome)
    event_times = np.arange(window[0], window[1] + 1)
    before = np.arange(window[0], -anticipation)
    is_collected = collected(panel.periods, calendar)
    parts = []
    for g in np.unique(entry[treated]):
        rows = entry == g
        parts.append(_cohort(y, unit[rows], treated[rows], int(g), panel.entry, event_times, base, before, is_collected))
    if not any((part.status == ESTIMATED).any() for part in parts):
        raise EstimationError(f"An estimate of {outcome!r} needs treated and comparison units observed at the base and at some event time from "
                              f"{window[0]} to {window[1]}: none are. Mend `periods`, `estimator.base` or `estimator.window` in the plan.")
    return effects_of(panel, outcome, parts, event_times, estimator=estimator, base=base if isinstance(base, int) else None,
                      anticipation=anticipation)


def _candidates(sample: MatchedSample | Panel) -> tuple[Panel, np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(sample, Panel):
        rows = risk_sets(sample)
        return sample, rows.unit, rows.entry, rows.treated
    table = sample.candidates
    return sample.panel, table["unit"].to_numpy(), table["entry"].to_numpy(), table["treated"].to_numpy()


def _cohort(y, unit, treated, g, own_entry, event_times, base, before, is_collected) -> CohortRows:
    found = differences(y, unit, np.full(len(unit), g), event_times, base=base, before=before, is_collected=is_collected)
    joined = (own_entry[unit] >= 0)[:, None] & (g + event_times >= own_entry[unit][:, None]) & ~treated[:, None]
    change = np.where(joined, np.nan, found.change)
    estimate, influence, weight = difference_in_means(change, treated)
    status = status_of(change, treated, g + event_times, np.broadcast_to(found.has_base.any(), event_times.shape), is_collected)
    status[(g + event_times == found.base.max(initial=-1)) & (status == ESTIMATED)] = BASE
    influence[:, status != ESTIMATED] = 0.0
    return CohortRows(cohort=g, unit=unit, treated=treated, estimate=estimate, n_treated=np.isfinite(change[treated]).sum(axis=0),
                       n_comparison=np.isfinite(change[~treated]).sum(axis=0), status=status, influence=influence, weight=weight)
