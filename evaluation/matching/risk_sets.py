"""Risk sets: who could have been compared with whom in each entry period, and what was known of them by then.

Turns a panel into candidate rows (unit, entry period) with covariates as at that period, and fits the pooled entry score on them.
How candidates are paired is the matchers' business.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching.propensity import LogitFit, fit_logit
from evaluation.panel.types import Panel

Eligibility = Literal["auto", "before", "at"]


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


def risk_sets(panel: Panel, *, eligibility: Eligibility = "auto") -> RiskSets:
    """Candidates at every entry period s: units not yet joined and eligible; whether they join later is not used.

    Treated rows are the units with entry s. Comparison rows have `entry` -1 or later than s, `eligible_to` >= s and `eligible_from` < s ('before')
    or <= s ('at'). 'auto' is 'before' for families, whose eligibility must be known before they could have been chosen, and 'at' for other units.

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
        rows = np.flatnonzero((entry == s) | (eligible & ((entry < 0) | (entry > s))))
        parts.append((rows, np.full(len(rows), s), entry[rows] == s))
    if not parts:
        raise CommonSupportError("No unit enters the programme inside the panel's periods. Mend `programme.entry` or `periods` in the plan.")
    unit, at, treated = (np.concatenate(column) for column in zip(*parts, strict=True))
    if treated.all():
        raise CommonSupportError(f"No unit is at risk beside the {treated.sum():,} that enter. Mend `comparison.pools` or the eligibility dates.")
    return RiskSets(unit=unit, entry=at, treated=treated)


def values_at(panel: Panel, rows: RiskSets, name: str) -> np.ndarray:
    """A named covariate as at each row's entry period: a `varying` array's column, or a fixed column of `units`; shape (n_rows,)."""
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


def covariate_matrix(panel: Panel, rows: RiskSets, covariates: Sequence[str], history: Sequence[str],
                     window: tuple[int, int]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Covariates of the score, one column each, and their names; NaN where missing; shape (n_rows, n_covariates)."""
    columns = [np.asarray(values_at(panel, rows, name), dtype=float) for name in covariates]
    columns += [history_mean(panel, rows, name, window) for name in history]
    names = (*covariates, *(f"history of {name}" for name in history))
    return (np.column_stack(columns) if columns else np.empty((len(rows), 0))), names


def strata(panel: Panel, rows: RiskSets, exact: Sequence[str]) -> np.ndarray:
    """One integer per combination of entry period and exact keys; -1 where a key is missing; shape (n_rows,)."""
    code = pd.factorize(rows.entry, sort=True)[0]
    missing = np.zeros(len(rows), dtype=bool)
    for name in exact:
        key, levels = pd.factorize(np.asarray(values_at(panel, rows, name)), sort=True)
        missing |= key < 0
        code = pd.factorize(code * (len(levels) + 1) + key + 1, sort=True)[0]
    return np.where(missing, -1, code)


def entry_score(panel: Panel, rows: RiskSets, x: np.ndarray, names: Sequence[str]) -> LogitFit:
    """One discrete-time logit of entry over all unit-periods at risk, with an effect for each entry period; a plain logit where there is one.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_covariates)
        Complete covariates of the rows.

    Raises
    ------
    EstimationError
        See `fit_logit`; also when no covariate is named.
    """
    if not len(names):
        raise EstimationError("A score needs at least one covariate. Name slow covariates in `matching.score.covariates`.")
    periods = np.unique(rows.entry)
    dummies = (rows.entry[:, None] == periods[1:]).astype(float)
    labels = [f"enters {panel.periods.label(s)}" for s in periods[1:]]
    return fit_logit(np.column_stack([x, dummies]), rows.treated, names=[*names, *labels])
