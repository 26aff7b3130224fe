"""Which cohorts and periods are untreated, which are held out as leads, and the cells that two first steps serve, put side by side.

Shared by the estimators that compare a treated cell with what untreated ones predict: `imputation.py` and `extended_two_way.py`.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.models.cell_sums import Groups
from evaluation.models.contrasts import cells_frame
from evaluation.models.panel_effects import Contribution


class Part(Protocol):
    """Cells of one cohort at consecutive event times."""

    estimate: np.ndarray
    weight: np.ndarray
    n_treated: np.ndarray
    n_comparison: np.ndarray
    status: np.ndarray

    def contribution(self, groups: Groups) -> Contribution:
        """What groups add to the cells."""
        ...


def check_leads(anticipation: int, leads: int, window: tuple[int, int] | None) -> None:
    """Refuse options that estimators on untreated cells share.

    Raises
    ------
    PlanError
        A number below 0, or a window that does not run to an event time of 0 or after.
    """
    if anticipation < 0 or leads < 0:
        raise PlanError(f"`estimator.anticipation` and `estimator.leads` must be 0 or more: they are {anticipation} and {leads}. Mend the plan.")
    if window is not None and (window[0] > window[1] or window[1] < 0):
        raise PlanError(f"`estimator.window` must run from an earlier event time to a later one, 0 or after: it is {window}. Mend the plan.")


def event_times_of(window: tuple[int, int] | None, n_periods: int, leads: int) -> np.ndarray:
    """Event times of a window, or all that a panel can have, from the first lead on."""
    first, last = window or (1 - n_periods, n_periods - 1)
    return np.arange(max(first, -leads), last + 1)


def untreated_columns(cohort: np.ndarray, n_periods: int, anticipation: int) -> np.ndarray:
    """Whether each cohort (entry columns, -1 never) is untreated in a period, shape (n_cohorts, n_periods)."""
    return (cohort < 0)[:, None] | (np.arange(n_periods) < cohort[:, None] - anticipation)


def leads_of(cohort: np.ndarray, is_collected: np.ndarray, anticipation: int, leads: int) -> np.ndarray:
    """Which periods are leads of each cohort, shape (n_cohorts, n_periods); the first collected period is none, so that something is left."""
    column, first = np.arange(len(is_collected)), int(np.argmax(is_collected))
    until = cohort[:, None] - anticipation
    return (cohort >= 0)[:, None] & (column < until) & (column >= until - leads) & (column > first)


def cells_of_parts(parts: Mapping[int, Sequence[Part]], event_times: np.ndarray) -> pd.DataFrame:
    """The table of cells of an `Effects`; a cohort's parts hold its event times in order."""
    columns = {name: np.array([np.concatenate([getattr(part, name) for part in both]) for both in parts.values()])
               for name in ("estimate", "weight", "n_treated", "n_comparison", "status")}
    return cells_frame(np.array(list(parts)), event_times, **columns)


def contribution_of_parts(parts: Sequence[Part], groups: Groups) -> Contribution:
    """What groups add to all cells of a cohort."""
    found = [part.contribution(groups) for part in parts]
    return Contribution(influence=np.hstack([one.influence for one in found]), weight=np.hstack([one.weight for one in found]))
