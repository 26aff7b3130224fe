"""One entry cohort against its comparison units, cell by cell, from additive sums.

Which units compare is decided here; options are in the estimators.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.models.cell_sums import CellSums, Groups
from evaluation.models.contrasts import BASE, ESTIMATED, NO_BASE, NO_COMPARISON, NOT_COLLECTED, NOT_OBSERVED, OUTSIDE, divide
from evaluation.models.panel_effects import Contribution

Control = Literal["never", "notyet"]
Observed = Literal["pairs", "full", "rcs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortCells:
    """Who is compared in each cell of a cohort.

    Attributes
    ----------
    cohort : int
        Entry column.
    now, then : ndarray of int, shape (n_cells,)
        Columns that are compared: a period and its base, clipped to the panel.
    inside : ndarray of bool, shape (2, n_cells)
        Whether the period, and its base, lie in the panel.
    treated, comparison : ndarray of bool, shape (2, n_kinds, n_cells)
        Whether units of a kind enter the cell on either side, at the period and at the base.
    """

    cohort: int
    now: np.ndarray
    then: np.ndarray
    inside: np.ndarray
    treated: np.ndarray
    comparison: np.ndarray


def cohort_cells(sums: CellSums, cohort: int, now: np.ndarray, then: np.ndarray, *, control: Control, anticipation: int,
                 observed: Observed) -> CohortCells:
    """Who may be compared in each cell.

    Parameters
    ----------
    now, then : ndarray of int, shape (n_cells,)
        Column of each cell's period and of its base; outside the panel there is nothing.
    control : 'never' or 'notyet'
        Comparison units: those never treated, or all not treated before the later of the two dates plus the anticipation.
    observed : 'pairs', 'full' or 'rcs'
        Units seen at both dates, in all periods, or at either date (repeated cross-sections).
    """
    n = sums.n_periods
    inside = np.array([(now >= 0) & (now < n), (then >= 0) & (then < n)])
    t, b = np.clip(now, 0, n - 1), np.clip(then, 0, n - 1)
    at = np.array([sums.seen[:, t], sums.seen[:, b]]) & inside.all(axis=0)
    if observed != "rcs":
        at = np.broadcast_to(at.all(axis=0) if observed == "pairs" else at.all(axis=0) & sums.seen.all(axis=1)[:, None], at.shape)
    own = sums.cohort == cohort
    pool = np.broadcast_to((sums.cohort < 0)[:, None], at.shape[1:])
    if control == "notyet":
        pool = pool | (sums.cohort[:, None] > np.maximum(now, then) + anticipation)
    return CohortCells(cohort=cohort, now=t, then=b, inside=inside, treated=at & own[:, None], comparison=at & (pool & ~own[:, None]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Weighted means of one side of a cohort's cells, at the period and at the base.

    Attributes
    ----------
    use : ndarray of bool, shape (2, n_kinds, n_cells)
    weight : ndarray, shape (2, n_cells)
        Sum of weights.
    mean : ndarray, shape (2, n_cells)
        NaN where nobody is seen.
    count : ndarray of int, shape (n_cells,)
        Units at the period.
    """

    use: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    count: np.ndarray


def means(sums: CellSums, cells: CohortCells, use: np.ndarray) -> Means:
    """Weighted means of those who enter."""
    groups = sums.by_place
    enters = use[:, groups.kind]
    weight = np.einsum("b,dbe->de", groups.weight, enters)
    total = np.array([(groups.total[:, column] * side).sum(axis=0) for column, side in zip((cells.now, cells.then), enters, strict=True)])
    return Means(use=use, weight=weight, mean=divide(total, weight), count=np.rint(groups.count @ enters[0]).astype(int))


def share_of(side: Means, cells: CohortCells, groups: Groups) -> np.ndarray:
    """Influence of groups on one side's mean change, shape (n_groups, n_cells); 0 where they do not enter."""
    out = np.zeros((len(groups), len(cells.now)))
    for sign, column, use, weight, mean in zip((1, -1), (cells.now, cells.then), side.use, side.weight, side.mean, strict=True):
        deviation = groups.total[:, column] - groups.weight[:, None] * np.nan_to_num(mean)
        out += np.where(use[groups.kind], sign * deviation / np.where(weight > 0, weight, 1.0), 0.0)
    return out


def contribution(treated: Means, comparison: Means, cells: CohortCells, groups: Groups, shown: np.ndarray) -> Contribution:
    """What groups add to a cohort's cells; 0 in cells that are not `shown`."""
    influence = share_of(treated, cells, groups) - share_of(comparison, cells, groups)
    scale = np.nan_to_num(divide(treated.weight[0], comparison.weight[0]))
    weight = groups.weight[:, None] * (treated.use[0][groups.kind] + scale * comparison.use[0][groups.kind])
    return Contribution(influence=np.where(shown == ESTIMATED, influence, 0.0), weight=np.where((shown == ESTIMATED) | (shown == BASE), weight, 0.0))


def status_of(cells: CohortCells, n_treated: np.ndarray, n_comparison: np.ndarray, is_collected: np.ndarray, base_is_zero: bool) -> np.ndarray:
    """Index into `STATUSES` of each cell."""
    status = np.where(n_treated == 0, NOT_OBSERVED, np.where(n_comparison == 0, NO_COMPARISON, ESTIMATED))
    if base_is_zero:
        status[(cells.now == cells.then) & (status == ESTIMATED)] = BASE
    status[~cells.inside[1]] = NO_BASE
    status[cells.inside[0] & ~is_collected[cells.now]] = NOT_COLLECTED
    status[~cells.inside[0]] = OUTSIDE
    return status
