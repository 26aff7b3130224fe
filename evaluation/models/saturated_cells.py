"""Cells of a model that is saturated in treated cohorts and periods: each is its own mean against the linear predictor of untreated cells.

Between the regression on the table (`cell_regression.py`) and the estimator that says which cells are untreated (`extended_two_way.py`).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.models.cell_regression import CellFit
from evaluation.models.cell_sums import CellSums, Groups, cell_sums, each_unit, weighted_sums
from evaluation.models.contrasts import (
    BASE,
    ESTIMATED,
    NO_BASE,
    NO_COMPARISON,
    NOT_COLLECTED,
    NOT_ESTIMABLE,
    NOT_OBSERVED,
    OUTSIDE,
    collected,
    divide,
    outcome_array,
)
from evaluation.models.panel_effects import Contribution
from evaluation.models.within_regression import unit_weights
from evaluation.panel.types import Panel

Exposure = Literal["none", "count", "rate"]
Report = Literal["difference", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Sums by cohort and period.

    Attributes
    ----------
    sums : CellSums
        Of events, and with an exposure of it in as many columns again.
    units : callable
        Every unit as a group of its own, and its row.
    is_collected : ndarray of bool, shape (n_periods,)
    measure : 'none', 'count' or 'rate'
    cohorts : ndarray of int, shape (n_cohorts,)
        Entry columns, -1 first where some are never treated.
    code : ndarray of int, shape (n_kinds,)
        Row of `cohorts`.
    events, exposure, size, count : ndarray, shape (n_cohorts, n_periods)
        Weighted events; their exposure (units where there is none); weight of a cell in averages (units, or the exposure of rates); units observed.
    """

    sums: CellSums
    units: Callable[[], tuple[Groups, np.ndarray]]
    is_collected: np.ndarray
    measure: Exposure
    cohorts: np.ndarray
    code: np.ndarray
    events: np.ndarray
    exposure: np.ndarray
    size: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, panel: Panel, outcome: str, *, calendar: Sequence[int], weights: str | None, measure: Exposure) -> Table:
        """Add a panel's outcome up; what is not collected counts as not observed.

        Raises
        ------
        PlanError
            A measure of exposure is asked for and the panel has no denominators of the outcome.
        """
        is_collected, w = collected(panel.periods, calendar), unit_weights(panel, weights)
        y = np.where(is_collected, outcome_array(panel, outcome), np.nan) if not is_collected.all() else outcome_array(panel, outcome)
        if measure != "none":
            y = _with_exposure(panel, outcome, y, measure)
        sums = cell_sums(y, panel.entry, panel.units[["council_code", "area"]], weights=w)
        cohorts, code = np.unique(sums.cohort, return_inverse=True)
        groups, row = sums.by_place, code.ravel()[sums.by_place.kind]
        own = [weighted_sums(row, np.ones(len(row)), values, len(cohorts))
               for values in (_events(sums, groups, measure), _exposure(sums, groups, measure), _size(sums, groups, measure),
                              groups.count[:, None] * _seen(sums, measure)[groups.kind])]
        return cls(sums=sums, units=lambda: each_unit(y, panel.entry, weights=w), is_collected=is_collected, measure=measure, cohorts=cohorts,
                   code=code.ravel(), events=own[0], exposure=own[1], size=own[2], count=own[3])

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.is_collected)


def _with_exposure(panel: Panel, outcome: str, y: np.ndarray, measure: Exposure) -> np.ndarray:
    """Events, then exposure in as many columns; NaN in both where either is not known or nothing is exposed."""
    if outcome not in panel.denominators:
        raise PlanError(f"`estimator.exposure: {measure}` needs the denominators of {outcome!r}: the panel has those of "
                        f"{', '.join(sorted(panel.denominators)) or 'no outcome'}. Mend the plan.")
    exposure = np.asarray(panel.denominators[outcome], dtype=float)
    if (exposure < 0).any():
        raise EstimationError(f"An exposure must be 0 or more: {int((exposure < 0).sum()):,} values of the denominators of {outcome!r} are not. "
                              "Mend the panel.")
    both = np.empty((len(y), 2 * y.shape[1]))
    both[:, :y.shape[1]], both[:, y.shape[1]:] = y * exposure if measure == "rate" else y, exposure
    unknown = ~(np.isfinite(y) & (exposure > 0))
    if unknown.any():
        both[np.hstack([unknown, unknown])] = np.nan
    return both


def _seen(sums: CellSums, measure: Exposure) -> np.ndarray:
    return sums.seen if measure == "none" else sums.seen[:, :sums.n_periods // 2]


def _events(sums: CellSums, groups: Groups, measure: Exposure) -> np.ndarray:
    return groups.total if measure == "none" else groups.total[:, :sums.n_periods // 2]


def _exposure(sums: CellSums, groups: Groups, measure: Exposure) -> np.ndarray:
    return groups.weight[:, None] * sums.seen[groups.kind] if measure == "none" else groups.total[:, sums.n_periods // 2:]


def _size(sums: CellSums, groups: Groups, measure: Exposure) -> np.ndarray:
    return _exposure(sums, groups, measure) if measure == "rate" else groups.weight[:, None] * _seen(sums, measure)[groups.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturated:
    """Cells of one cohort that one regression is held against.

    Attributes
    ----------
    table : Table
    fit : CellFit
    row : int
        The cohort's row of the table.
    column : ndarray of int, shape (n_cells,)
        Period of each cell, clipped to the panel.
    mean : ndarray, shape (n_cells,)
        What a treated unit's events are compared with, by exposure, in the influence of its own cell.
    scale : ndarray, shape (n_cells,)
        Divides it.
    through : ndarray, shape (n_cells,)
        Derivative of the cell with respect to its untreated linear predictor.
    centred : ndarray, shape (n_cells,)
        What is taken off by unit of size, so that the influence adds up to 0.
    row_size : ndarray, shape (n_cohorts, n_cells)
        Weight in the cell by unit of size: 1 for the treated; untreated cells of other cohorts in its period add up to theirs.
    estimate, weight, n_treated, n_comparison : ndarray, shape (n_cells,)
    status : ndarray of int, shape (n_cells,)
    """

    table: Table
    fit: CellFit
    row: int
    column: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    through: np.ndarray
    centred: np.ndarray
    row_size: np.ndarray
    estimate: np.ndarray
    weight: np.ndarray
    n_treated: np.ndarray
    n_comparison: np.ndarray
    status: np.ndarray

    def contribution(self, groups: Groups) -> Contribution:
        """What groups add to the cells."""
        table, column = self.table, self.column
        events, exposure, size = (read(table.sums, groups, table.measure) for read in (_events, _exposure, _size))
        code, loading = table.code[groups.kind], self.fit.loadings(self.row, column) * self.through
        residual = events - exposure * np.where(self.fit.use, self.fit.link.mean(self.fit.eta), 0.0)[code]
        influence = np.empty((len(groups), len(column)))
        for c, each in enumerate(loading):
            here = code == c
            influence[here] = residual[here] @ each
        own = code == self.row
        deviation = events[own][:, column] - exposure[own][:, column] * self.mean - size[own][:, column] * self.centred
        influence[own] += deviation / self.scale
        shown, weight = np.isin(self.status, (ESTIMATED, BASE)), size[:, column] * self.row_size[code]
        return Contribution(influence=np.where(self.status == ESTIMATED, influence, 0.0), weight=np.where(shown, weight, 0.0))


def saturated_cells(table: Table, fit: CellFit, untreated: np.ndarray, cohort: int, event_times: np.ndarray, *, base: int,
                    report: Report) -> Saturated:
    """Cells of a cohort at some event times.

    Parameters
    ----------
    untreated : ndarray of bool, shape (n_cohorts, n_periods)
        Cells that were given to the regression.
    base : int
        Column of the cohort's base, whose cell is an exact 0; -1 where there is no single one.
    """
    row, inside = int(np.searchsorted(table.cohorts, cohort)), (cohort + event_times >= 0) & (cohort + event_times < table.n_periods)
    column = np.clip(cohort + event_times, 0, table.n_periods - 1)
    others = untreated[:, column] & (np.arange(len(table.cohorts)) != row)[:, None]
    events, exposure, size = (values[row, column] * inside for values in (table.events, table.exposure, table.size))
    n_treated, n_comparison = np.rint(table.count[row, column] * inside).astype(int), (table.count[:, column] * others * inside).sum(axis=0)
    read = _difference if report == "difference" else _ratio
    found = read(fit, row, column, events, np.where(exposure > 0, exposure, 1.0), np.where(size > 0, size, 1.0))
    good = fit.identified()[row, column] & np.isfinite(found["estimate"])
    status = np.where(n_comparison == 0, NO_COMPARISON, np.where(good, ESTIMATED, NOT_ESTIMABLE))
    status[n_treated == 0] = NOT_OBSERVED
    status[untreated[row, column]] = NO_BASE
    status[inside & (column == base) & (n_treated > 0) & (n_comparison > 0)] = BASE
    status[not (untreated[row] & (table.count[row] > 0)).any()] = NO_BASE
    status[inside & ~table.is_collected[column]] = NOT_COLLECTED
    status[~inside] = OUTSIDE
    pool = (table.size[:, column] * others).sum(axis=0)
    row_size = others * np.nan_to_num(divide(size, pool))
    row_size[row] = 1.0
    return Saturated(table=table, fit=fit, row=row, column=column, row_size=row_size, weight=size, n_treated=n_treated,
                     n_comparison=np.rint(n_comparison).astype(int), status=status,
                     **{name: np.where(status == ESTIMATED, values, 1.0 if name == "scale" else 0.0) for name, values in found.items()})


def _difference(fit: CellFit, row: int, column: np.ndarray, events: np.ndarray, exposure: np.ndarray, size: np.ndarray) -> dict[str, np.ndarray]:
    """Mean of the treated less their mean without the programme."""
    eta = fit.eta[row, column]
    mean = fit.link.mean(eta)
    estimate = (events - exposure * mean) / size
    return dict(estimate=estimate, mean=mean, scale=size, centred=estimate, through=-exposure * fit.link.slope(eta) / size)


def _ratio(fit: CellFit, row: int, column: np.ndarray, events: np.ndarray, exposure: np.ndarray, size: np.ndarray) -> dict[str, np.ndarray]:
    """Linear predictor of the treated less that without the programme; infinite at the ends of the range."""
    mean = events / exposure
    with_it = fit.link.inverse(mean)
    return dict(estimate=with_it - fit.eta[row, column], mean=mean, scale=exposure * fit.link.slope(with_it), centred=np.zeros(len(column)),
                through=-np.ones(len(column)))
