"""Cohort against pool: the treated units of an entry cohort against all its comparison units, as differences of weighted means.

Shared by the unmatched and the group-time estimators. Never makes pairs, so it scales with units, not with sets.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.models.contrasts import (
    ESTIMATED,
    LOOKS_BACK,
    NO_BASE,
    NO_COMPARISON,
    NOT_COLLECTED,
    NOT_OBSERVED,
    OUTSIDE,
    cells_frame,
    rows_frame,
    sees_before,
)
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRows:
    """One cohort's cells and rows, before they are put together.

    Attributes
    ----------
    cohort : int
    unit : ndarray of int, shape (n_rows,)
    treated : ndarray of bool, shape (n_rows,)
    estimate, n_treated, n_comparison, status : ndarray, shape (n_event_times,)
    influence, weight : ndarray, shape (n_rows, n_event_times)
        As in `Effects`.
    """

    cohort: int
    unit: np.ndarray
    treated: np.ndarray
    estimate: np.ndarray
    n_treated: np.ndarray
    n_comparison: np.ndarray
    status: np.ndarray
    influence: np.ndarray
    weight: np.ndarray


def difference_in_means(change: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean change of treated rows less that of comparison rows, by column.

    Parameters
    ----------
    change : ndarray, shape (n_rows, n_event_times)
        NaN where a row does not enter.
    treated : ndarray of bool, shape (n_rows,)

    Returns
    -------
    estimate : ndarray, shape (n_event_times,)
        NaN where an arm is empty.
    influence, weight : ndarray, shape (n_rows, n_event_times)
        A treated row has weight 1; comparison rows share the number of treated rows equally.
    """
    enters = np.isfinite(change)
    n_treated, n_comparison = enters[treated].sum(axis=0), enters[~treated].sum(axis=0)
    both = (n_treated > 0) & (n_comparison > 0)
    safe_t, safe_c = np.maximum(n_treated, 1), np.maximum(n_comparison, 1)
    filled = np.where(enters, change, 0.0)
    mean_t, mean_c = filled[treated].sum(axis=0) / safe_t, filled[~treated].sum(axis=0) / safe_c
    use = enters & both
    influence = np.where(use, np.where(treated[:, None], (filled - mean_t) / safe_t, -(filled - mean_c) / safe_c), 0.0)
    weight = np.where(use, np.where(treated[:, None], 1.0, n_treated / safe_c), 0.0)
    return np.where(both, mean_t - mean_c, np.nan), influence, weight


def status_of(change: np.ndarray, treated: np.ndarray, column: np.ndarray, has_base: np.ndarray, is_collected: np.ndarray) -> np.ndarray:
    """Index into `STATUSES` of each event time, but for the base itself; shape (n_event_times,)."""
    n_treated, n_comparison = np.isfinite(change[treated]).sum(axis=0), np.isfinite(change[~treated]).sum(axis=0)
    status = np.where(n_treated == 0, NOT_OBSERVED, np.where(n_comparison == 0, NO_COMPARISON, ESTIMATED))
    inside = (column >= 0) & (column < len(is_collected))
    status[~has_base] = NO_BASE
    status[inside & ~is_collected[np.clip(column, 0, len(is_collected) - 1)]] = NOT_COLLECTED
    status[~inside] = OUTSIDE
    return status


def effects_of(panel: Panel, outcome: str, parts: list[CohortRows], event_times: np.ndarray, *, estimator: str, base: int | None,
               anticipation: int) -> Effects:
    """Put the cohorts together."""
    columns = {name: np.array([getattr(part, name) for part in parts]) for name in ("estimate", "n_treated", "n_comparison", "status")}
    columns["status"][(columns["status"] == NOT_OBSERVED) & sees_before(panel, outcome, event_times)] = LOOKS_BACK
    cells = cells_frame(np.array([part.cohort for part in parts]), event_times, weight=columns["n_treated"].astype(float), **columns)
    unit = np.concatenate([part.unit for part in parts])
    cohort = np.concatenate([np.full(len(part.unit), part.cohort) for part in parts])
    rows = rows_frame(panel, unit, np.full(len(unit), -1), cohort, np.concatenate([part.treated for part in parts]))
    return Effects(outcome=outcome, estimator=estimator, base=base, anticipation=anticipation, cells=cells, rows=rows, event_times=event_times,
                   influence=np.concatenate([part.influence for part in parts]), row_weight=np.concatenate([part.weight for part in parts]))
