"""Matched differences: inside every matched set, the treated unit against the weighted mean of its comparison units.

`MatchedDiD` takes changes from a base period, `MatchedLevels` levels. How sets are found is in `matching`; intervals are in `inference.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import (
    BASE,
    ESTIMATED,
    LOOKS_BACK,
    NOT_OBSERVED,
    Base,
    cell_status,
    cells_frame,
    collected,
    count_distinct,
    differences,
    divide,
    outcome_array,
    rows_frame,
    sees_before,
    sum_by,
)
from evaluation.models.effects import Effects
from evaluation.models.later_entry import inverse_of_staying

WEIGHT_TOLERANCE = 1e-9        # renormalised weights are sums of at most a few hundred shares

LaterEntry = Literal["censor", "weight"]
IN_WORDS = {"censor": "", "weight": "; comparison units that have not joined count by the inverse of their chance of that"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedDiD:
    """Average effect on the matched treated: change from the base period, less the comparison units' change, inside each matched set.

    Assumes that, without the programme, each treated unit would have changed from its base as its comparison units did, and that nothing of the
    programme was felt before `anticipation` periods ahead of entry.

    Attributes
    ----------
    base : int or 'pre_mean'
        Event time of the base period (negative), or the mean of all event times of the window before the anticipation. Where an outcome is not
        collected in a cohort's base period (absence in the summer), the base lies on the straight line between the collected periods on both sides,
        if the later of them is before the anticipation, else at the one before: a base at another distance from entry would see another part of
        what led families to join.
    window : (int, int)
        First and last event time.
    anticipation : int
        Periods before entry that are neither before nor after. It does not move the base.
    on_later_entry : 'censor' or 'weight'
        What the comparison units that have not joined stand for, besides themselves (see Notes).

    Notes
    -----
    The weights of a set are shared out again over the comparison units observed at both dates, and a set with none left is dropped at that event
    time, as is one whose treated unit is not observed at both dates. `eligible_to` decides who may be chosen at entry, not how long they are
    followed.

    'censor' leaves comparison units out from their own entry on: right where joining tells nothing about how they would have gone on. Where units
    join at a crisis, those left have had fewer, and the effect looks worse than it is. 'weight' counts those left by the inverse of their chance of
    not having joined (`later_entry.py`), and comparison weights then add up to the treated ones' inside each entry period and event time, not inside
    each set: a set whose comparison units have all joined stays, and those like them speak for it. That is right where the records before a period
    tell all that both joining and the outcome depend on. Standard errors take the weights as known.

    References
    ----------
    Robins and Finkelstein (2000), DOI 10.1111/j.0006-341X.2000.00779.x; Hernan and Robins (2020), Causal Inference: What If, sections 12.2 to 12.6.

    Raises
    ------
    PlanError
        The base lies outside the window, after entry, or inside the anticipation.
    EstimationError
        'weight' is asked for and the panel has no chances of joining.
    """

    base: int | str = -4
    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1
    on_later_entry: LaterEntry = "censor"

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        check_base(self.base, self.window, self.anticipation)
        check_later_entry(self.on_later_entry)

    def fit(self, sample: MatchedSample, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT by entry cohort and event time, with influence rows per (unit, matched set).

        Parameters
        ----------
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
        """
        return _fit(sample, outcome, self, base=self.base, calendar=calendar)

    def cells(self, sample: MatchedSample, outcome: str, *, calendar: Sequence[int] = ()) -> pd.DataFrame:
        """The cells of `fit` alone, without the rows behind them: all that a placebo assignment needs, in half the time."""
        return _found(sample, outcome, self, base=self.base, calendar=calendar).cells

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return f"difference-in-differences inside matched sets, {base_in_words(self.base)}{IN_WORDS[self.on_later_entry]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedLevels:
    """Average difference in levels between matched treated units and their comparison units, with no base.

    Assumes that matched units would have had the same level without the programme: stronger than parallel changes, and the only choice where no
    period before entry was collected.

    Attributes
    ----------
    window, anticipation, on_later_entry
        As in `MatchedDiD`.
    """

    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1
    on_later_entry: LaterEntry = "censor"

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        check_later_entry(self.on_later_entry)

    def fit(self, sample: MatchedSample, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """Differences in levels by entry cohort and event time; see `MatchedDiD.fit`."""
        return _fit(sample, outcome, self, base=None, calendar=calendar)

    def cells(self, sample: MatchedSample, outcome: str, *, calendar: Sequence[int] = ()) -> pd.DataFrame:
        """The cells of `fit` alone, without the rows behind them: all that a placebo assignment needs, in half the time."""
        return _found(sample, outcome, self, base=None, calendar=calendar).cells

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        return f"difference in levels inside matched sets{IN_WORDS[self.on_later_entry]}"


def checked_window(window: Sequence[int], anticipation: int) -> tuple[int, int]:
    """A window of event times as a pair of integers that reaches entry."""
    first, last = (int(e) for e in window)
    if first > last or last < 0 or anticipation < 0:
        raise PlanError(f"`estimator.window` must run from an earlier to a later event time, 0 or after, and `anticipation` be 0 or more: they are "
                        f"{first} to {last} and {anticipation}. Mend the plan.")
    return first, last


def check_base(base: Base, window: tuple[int, int], anticipation: int) -> None:
    """Refuse a base that lies outside the window or is not before the anticipation."""
    if base == "pre_mean":
        if window[0] >= -anticipation:
            raise PlanError(f"`estimator.base: pre_mean` needs event times before the anticipation of {anticipation}: the window begins at "
                            f"{window[0]}. Widen `estimator.window`.")
        return
    if not isinstance(base, int) or not window[0] <= base < -anticipation:
        raise PlanError(f"`estimator.base` must be an event time from {window[0]} (the window's first) to {-anticipation - 1} (before the "
                        f"anticipation): it is {base}. Mend the plan.")


def check_later_entry(on_later_entry: str) -> None:
    """Refuse a rule that is not known."""
    if on_later_entry not in IN_WORDS:
        raise PlanError(f"`comparison.on_later_entry` must be one of {', '.join(IN_WORDS)}: it is {on_later_entry!r}. Mend the plan.")


def base_in_words(base: Base) -> str:
    """The base as a methods section may print it."""
    if base == "pre_mean":
        return "base the mean of the periods before"
    return "no base" if base is None else f"base {-base} period{'s' if base != -1 else ''} before entry"


@dataclass(frozen=True, slots=True)
class _Found:
    """What both arms say, by entry cohort."""

    cells: pd.DataFrame
    status: np.ndarray             # (n_cohorts, n_event_times)
    arms: _Arms
    influence: np.ndarray          # (n_treated + n_comparison, n_event_times)
    row_weight: np.ndarray         # the same
    code: np.ndarray               # cohort of each of these rows
    cohorts: np.ndarray            # entry column of each cohort
    event_times: np.ndarray
    change: np.ndarray             # (n_treated, n_event_times)


def _found(sample: MatchedSample, outcome: str, spec: MatchedDiD | MatchedLevels, *, base: Base, calendar: Sequence[int]) -> _Found:
    panel = sample.panel
    y = outcome_array(panel, outcome)
    event_times = np.arange(spec.window[0], spec.window[1] + 1)
    is_collected = collected(panel.periods, calendar)
    how = dict(base=base, before=np.arange(spec.window[0], -spec.anticipation), is_collected=is_collected)
    cohorts, cohort_of_set = np.unique(sample.set_entry, return_inverse=True)
    cohort, code = cohort_of_set[sample.treated_set], cohort_of_set[sample.comparison_set]
    treated = differences(y, sample.treated_unit, sample.treated_entry, event_times, **how)
    comparison = differences(y, sample.comparison_unit, sample.comparison_entry, event_times, **how)
    joined = _joined(panel.entry[sample.comparison_unit], sample.comparison_entry, event_times)
    if spec.on_later_entry == "weight":
        inverse = np.where(joined, 0.0, inverse_of_staying(sample, event_times))
        arms = _reweighted(_arms(sample, treated.change, comparison.change), inverse, cohort, code, len(cohorts))
    else:
        arms = _arms(sample, treated.change, np.where(joined, np.nan, comparison.change))
    estimate, influence, row_weight = _by_cohort(arms, cohort, code, len(cohorts))

    n_treated = sum_by(cohort, (arms.treated_weight > 0).astype(float), len(cohorts))
    status = cell_status(
        cohorts, event_times, base=_one_per_cohort(treated.base, cohort, len(cohorts)),
        has_base=_one_per_cohort(treated.has_base, cohort, len(cohorts)) > 0, n_treated=n_treated,
        treated_seen=sum_by(cohort, np.isfinite(treated.change).astype(float), len(cohorts)), is_collected=is_collected)
    status[(status == NOT_OBSERVED) & sees_before(panel, outcome, event_times)] = LOOKS_BACK
    cells = cells_frame(cohorts, event_times, estimate=estimate, weight=sum_by(cohort, arms.treated_weight, len(cohorts)), n_treated=n_treated,
                        status=status, n_comparison=count_distinct(code, sample.comparison_unit, arms.weight > 0, len(cohorts)))
    return _Found(cells, status, arms, influence, row_weight, np.concatenate([cohort, code]), cohorts, event_times, treated.change)


def _fit(sample: MatchedSample, outcome: str, spec: MatchedDiD | MatchedLevels, *, base: Base, calendar: Sequence[int]) -> Effects:
    found = _found(sample, outcome, spec, base=base, calendar=calendar)
    unit, sets = np.concatenate([sample.treated_unit, sample.comparison_unit]), np.concatenate([sample.treated_set, sample.comparison_set])
    influence, row_weight = found.influence, found.row_weight
    influence[(found.status != ESTIMATED)[found.code]] = 0.0
    row_weight[~np.isin(found.status, (ESTIMATED, BASE))[found.code]] = 0.0
    rows = rows_frame(sample.panel, unit, sets, found.cohorts[found.code], np.arange(len(found.code)) < sample.n_treated)
    return Effects(outcome=outcome, estimator=spec.in_words(), base=base if isinstance(base, int) else None, anticipation=spec.anticipation,
                   cells=found.cells, rows=rows, event_times=found.event_times, influence=influence, row_weight=row_weight,
                   moves=np.concatenate([found.arms.treated, found.arms.comparison]) != 0, sets_are_clusters=sample.kind == "pairs",
                   notes=_notes(sample, found.arms, found.change))


@dataclass(frozen=True, slots=True)
class _Arms:
    """Changes of both arms where the set enters, 0 elsewhere, with weights; inside a set both arms' weights add up to the same."""

    treated: np.ndarray            # (n_treated, n_event_times)
    treated_weight: np.ndarray     # (n_treated, n_event_times)
    comparison: np.ndarray         # (n_comparison, n_event_times)
    weight: np.ndarray             # (n_comparison, n_event_times)


def _joined(own_entry: np.ndarray, set_entry: np.ndarray, event_times: np.ndarray) -> np.ndarray:
    """Whether comparison units have joined by each event time of their set."""
    return (own_entry >= 0)[:, None] & (set_entry[:, None] + event_times >= own_entry[:, None])


def _reweighted(arms: _Arms, inverse: np.ndarray, cohort: np.ndarray, code: np.ndarray, n: int) -> _Arms:
    """Comparison weights times the inverse chances of not having joined, scaled to the treated inside each cohort and event time."""
    weight = arms.weight * inverse
    wanted, total = sum_by(cohort, arms.treated_weight, n), sum_by(code, weight, n)
    return _Arms(np.where(total[cohort] > 0, arms.treated, 0.0), np.where(total[cohort] > 0, arms.treated_weight, 0.0),
                 np.where(weight > 0, arms.comparison, 0.0), weight * np.nan_to_num(divide(wanted, total))[code])


def _arms(sample: MatchedSample, treated: np.ndarray, comparison: np.ndarray) -> _Arms:
    """Share the treated weight of every set out again over the comparison units that remain."""
    seen_treated, seen = np.isfinite(treated), np.isfinite(comparison)
    own, weight = sample.treated_weight[:, None] * seen_treated, sample.comparison_weight[:, None] * seen
    wanted, total = sum_by(sample.treated_set, own, sample.n_sets), sum_by(sample.comparison_set, weight, sample.n_sets)
    enters = (wanted > 0) & (total > 0)
    own = np.where(enters[sample.treated_set], own, 0.0)
    share = np.nan_to_num(divide(weight, total[sample.comparison_set])) * wanted[sample.comparison_set]
    weight = np.where(enters[sample.comparison_set], share, 0.0)
    there = sum_by(sample.comparison_set, weight, sample.n_sets)
    if not np.allclose(there, np.where(enters, wanted, 0.0), rtol=WEIGHT_TOLERANCE, atol=WEIGHT_TOLERANCE):
        raise EstimationError("Comparison weights must add up to the treated weight in every matched set and event time: they do not. "
                              "This is a fault of evaluation.models.")
    return _Arms(np.where(own > 0, treated, 0.0), own, np.where(weight > 0, comparison, 0.0), weight)


def _by_cohort(arms: _Arms, cohort: np.ndarray, of_comparison: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates by cohort, influence rows (treated rows first, then comparison rows) and the rows' weights."""
    size = sum_by(cohort, arms.treated_weight, n)
    mean_treated = divide(sum_by(cohort, arms.treated_weight * arms.treated, n), size)
    mean_comparison = divide(sum_by(of_comparison, arms.weight * arms.comparison, n), size)
    share = np.nan_to_num(divide(1.0, size))
    centred = np.where(arms.treated_weight > 0, arms.treated_weight * (arms.treated - mean_treated[cohort]), 0.0) * share[cohort]
    other = np.where(arms.weight > 0, -arms.weight * (arms.comparison - mean_comparison[of_comparison]), 0.0) * share[of_comparison]
    return mean_treated - mean_comparison, np.concatenate([centred, other]), np.concatenate([arms.treated_weight, arms.weight])


def _one_per_cohort(values: np.ndarray, cohort: np.ndarray, n: int) -> np.ndarray:
    """The largest value of each cohort (bases depend on the cohort alone; whether a mean of the periods before exists may differ by unit)."""
    out = np.full(n, -1)
    np.maximum.at(out, cohort, values.astype(int))
    return out


def _notes(sample: MatchedSample, arms: _Arms, treated: np.ndarray) -> tuple[str, ...]:
    emptied = int((np.isfinite(treated) & (arms.treated_weight == 0)).any(axis=1).sum())
    if not emptied:
        return ()
    return (f"{emptied:,} of {sample.n_treated:,} matched treated units have no comparison unit left in their set at some event time (joined later, "
            "or not observed) and are left out there.",)
