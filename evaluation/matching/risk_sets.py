"""Risk sets: who could have been compared with whom in each entry period, and what was known of them by then.

Turns a panel into candidate rows (unit, entry period) with covariates as at that period.
How candidates are matched is the matchers' business.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, PlanError
from evaluation.matching.candidates import Candidates, place_in_order, sampling_weights
from evaluation.panel.types import Panel

Eligibility = Literal["auto", "before", "at"]
Pool = Literal["not_yet_joined", "never_joined"]
UNKNOWN_THEN = ("entry", "eligible_to", "unit_id")         # whether and when a unit joins or leaves later; who it is


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSets:
    """Candidate rows of all entry periods, sorted by entry period, then row of the unit.

    Attributes
    ----------
    unit, entry : ndarray of int, shape (n_rows,)
        Row in `panel.units`, and column of the entry period.
    treated : ndarray of bool, shape (n_rows,)
        The unit joins in this very period. A unit that joins later is a comparison row until then.
    """

    unit: np.ndarray
    entry: np.ndarray
    treated: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)

    def keep(self, rows: np.ndarray) -> RiskSets:
        """The rows where a mask is true."""
        return RiskSets(unit=self.unit[rows], entry=self.entry[rows], treated=self.treated[rows])


def risk_sets(panel: Panel, *, eligibility: Eligibility = "auto", pool: Pool = "not_yet_joined") -> RiskSets:
    """Candidates at every entry period s: units not yet joined and eligible; whether they join later is not used.

    Treated rows are the units with entry s. Comparison rows have `entry` -1 or later than s, `eligible_to` >= s and `eligible_from` < s ('before')
    or <= s ('at'). 'auto' is 'before' for families, whose eligibility must be known before they could have been chosen, and 'at' for other units.
    The pool 'never_joined' leaves out those that join later, which was not known at s: a sensitivity, biased against the programme where families
    join because things got worse.

    Raises
    ------
    CommonSupportError
        Nobody enters inside the periods, or no unit is at risk beside those who enter.
    """
    entry = panel.entry
    first, last = (panel.units[name].to_numpy() for name in ("eligible_from", "eligible_to"))
    strict = eligibility == "before" or (eligibility == "auto" and panel.unit == "family")
    parts = []
    for s in np.unique(entry[entry >= 0]):
        eligible = ((first < s) if strict else (first <= s)) & (last >= s)
        rows = np.flatnonzero((entry == s) | (eligible & ((entry < 0) | ((entry > s) & (pool == "not_yet_joined")))))
        parts.append((rows, np.full(len(rows), s), entry[rows] == s))
    if not parts:
        raise CommonSupportError("No unit enters the programme inside the panel's periods. Mend `programme.entry` or `periods` in the plan.")
    unit, at, treated = (np.concatenate(column) for column in zip(*parts, strict=True))
    if treated.all():
        raise CommonSupportError(f"No unit is at risk beside the {treated.sum():,} that enter. Mend `comparison.pools` or the eligibility dates.")
    return RiskSets(unit=unit, entry=at, treated=treated)


def values_at(panel: Panel, rows: RiskSets, name: str) -> np.ndarray:
    """A named covariate as at each row's entry period: a `varying` array's column, or a fixed column of `units`; shape (n_rows,)."""
    if name in UNKNOWN_THEN:
        raise PlanError(f"A covariate of `matching` must be known when a unit could have joined: {name!r} is not. Take it out.")
    if name in panel.varying:
        return panel.varying[name][rows.unit, rows.entry]
    if name in panel.units:
        return panel.units[name].to_numpy()[rows.unit]
    there = sorted([*panel.varying, *panel.units.columns])
    raise PlanError(f"A covariate of `matching` must be in the panel: {name!r} is not. The panel has {', '.join(there)}.")


def history_mean(panel: Panel, rows: RiskSets, outcome: str, window: tuple[int, int]) -> np.ndarray:
    """Mean of an outcome over event times `window` (both included) before each row's entry period; NaN where none was observed; shape (n_rows,)."""
    if outcome not in panel.outcomes:
        raise PlanError(f"`matching.history` must name outcomes of the panel: {outcome!r} is not one of {', '.join(sorted(panel.outcomes))}.")
    values = panel.outcomes[outcome]
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for e in range(window[0], window[1] + 1):
        column = rows.entry + e
        inside = (column >= 0) & (column < values.shape[1])
        y = np.where(inside, values[rows.unit, np.clip(column, 0, values.shape[1] - 1)], np.nan)
        seen = np.isfinite(y)
        total[seen] += y[seen]
        count += seen
    return np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0)


def candidates_of(panel: Panel, *, eligibility: Eligibility = "auto", pool: Pool = "not_yet_joined", weights: str | None = None) -> Candidates:
    """Candidate rows of all entry periods of a panel, with its columns as at each row's entry period.

    Parameters
    ----------
    weights : str, optional
        Column of `panel.units` with sampling weights.

    Raises
    ------
    CommonSupportError
        See `risk_sets`.
    PlanError
        The sampling weights are no numbers above 0.
    """
    return candidates_at(panel, risk_sets(panel, eligibility=eligibility, pool=pool), weights=weights)


def candidates_at(panel: Panel, rows: RiskSets, *, weights: str | None = None) -> Candidates:
    """Candidates of risk sets that are known already."""
    w = np.ones(len(rows)) if weights is None else sampling_weights(values_at(panel, rows, weights), weights)
    return Candidates(treated=rows.treated, period=rows.entry, unit=rows.unit, id=place_in_order(pd.Index(panel.units["unit_id"]))[rows.unit],
                      weights=w, column=lambda name: values_at(panel, rows, name), columns=(*panel.varying, *panel.units.columns),
                      history=lambda outcome, window: history_mean(panel, rows, outcome, window), label=panel.periods.label)
