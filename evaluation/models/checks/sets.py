"""Effects without some of their rows, and differences set by set: exact algebra on influence rows, no second fit."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.models.contrasts import count_distinct, divide, sum_by
from evaluation.models.effects import Effects


def has_sets(effects: Effects) -> bool:
    """Whether rows are units inside matched sets whose effects are plain weighted differences."""
    return effects.row_weight is not None and not effects.adjusted and effects.has_sets


def only_at(effects: Effects, event_times: Sequence[int]) -> Effects:
    """The effects at some event times only."""
    inside = np.isin(effects.event_times, list(event_times))
    cells = effects.cells[effects.cells["event_time"].isin(list(event_times))].reset_index(drop=True)
    return replace(effects, cells=cells, event_times=effects.event_times[inside], influence=effects.influence[:, inside],
                   row_weight=effects.row_weight[:, inside], moves=None if effects.moves is None else effects.moves[:, inside],
                   by_unit=None, units=None)


def weight_in(effects: Effects, cells: np.ndarray) -> np.ndarray:
    """Summed weight of each row over some cells, shape (n_rows,)."""
    grid = _Grid.of(effects)
    return (grid.values(cells.astype(float), 0.0)[grid.cohort] * effects.row_weight).sum(axis=1)


def without_rows(effects: Effects, dropped: np.ndarray) -> Effects:
    """The effects had some rows never been there: equal to fitting the sample without them.

    Parameters
    ----------
    effects : Effects
        Of matched sets (`has_sets`).
    dropped : ndarray of bool, shape (n_rows,)
        The weight of a set's treated rows that stay is shared out again over its comparison rows that stay; a set without either is left out.

    Notes
    -----
    With W a cell's weight, w a row's and psi its influence, W psi / w is a treated row's change less its cell's mean, and minus a comparison row's.
    Only differences inside sets are needed, so changes are counted from the comparison mean of the cell.
    """
    grid, treated = _Grid.of(effects), effects.rows["treated"].to_numpy()
    change = _changes(effects, grid)
    sets = np.unique(effects.rows["set"].to_numpy(), return_inverse=True)[1]
    n = int(sets.max()) + 1
    weight = np.where(dropped[:, None], 0.0, effects.row_weight)
    wanted, total = sum_by(sets[treated], weight[treated], n), sum_by(sets[~treated], weight[~treated], n)
    enters = (wanted > 0) & (total > 0)
    weight = np.where(enters[sets], weight * np.where(treated[:, None], 1.0, np.nan_to_num(divide(wanted, total))[sets]), 0.0)
    return _of_changes(effects, grid, change, weight)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Differences between treated rows and their sets' comparison rows.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Treated rows that enter, in `effects.rows`.
    gap : ndarray, shape (n,)
        Change of the row less the weighted mean change of its set's comparison rows, averaged over event times by its weight.
    weight : ndarray, shape (n,)
        Summed weight; the mean of `gap` by it is the average over the cells.
    """

    row: np.ndarray
    gap: np.ndarray
    weight: np.ndarray


def gaps(effects: Effects, cells: np.ndarray) -> Gaps:
    """Differences set by set over some cells of effects of matched sets.

    Parameters
    ----------
    cells : ndarray of bool, shape (n_cells,)
    """
    grid, treated = _Grid.of(effects), effects.rows["treated"].to_numpy()
    change = _changes(effects, grid)
    sets = np.unique(effects.rows["set"].to_numpy(), return_inverse=True)[1]
    n = int(sets.max()) + 1
    weight = effects.row_weight * grid.values(cells.astype(float), 0.0)[grid.cohort]
    other = divide(sum_by(sets[~treated], (weight * change)[~treated], n), sum_by(sets[~treated], weight[~treated], n))[sets]
    own = np.where(treated[:, None], weight, 0.0)
    total = own.sum(axis=1)
    row = np.flatnonzero(total > 0)
    difference = np.where(own > 0, own * (change - np.nan_to_num(other)), 0.0).sum(axis=1)
    return Gaps(row=row, gap=difference[row] / total[row], weight=total[row])


def mean_changes(effects: Effects, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean change of every row over some cells, counted from the cells' comparison means, and its summed weight (0 where it does not enter)."""
    grid = _Grid.of(effects)
    weight = effects.row_weight * grid.values(cells.astype(float), 0.0)[grid.cohort]
    total = weight.sum(axis=1)
    return np.nan_to_num(divide((weight * _changes(effects, grid)).sum(axis=1), total)), total


@dataclass(frozen=True, slots=True)
class _Grid:
    """Values of cells by cohort and event time, and each row's cohort."""

    place: np.ndarray          # (n_cohorts, n_event_times): row of cells, -1 where there is none
    cohort: np.ndarray         # (n_rows,)

    @classmethod
    def of(cls, effects: Effects) -> _Grid:
        cohorts = np.unique(effects.cells["cohort"].to_numpy())
        place = np.full((len(cohorts), len(effects.event_times)), -1)
        column = np.searchsorted(effects.event_times, effects.cells["event_time"].to_numpy())
        place[np.searchsorted(cohorts, effects.cells["cohort"].to_numpy()), column] = np.arange(len(effects.cells))
        return cls(place, np.searchsorted(cohorts, effects.rows["cohort"].to_numpy()))

    def values(self, of_cells: np.ndarray, otherwise: float) -> np.ndarray:
        """Shape (n_cohorts, n_event_times)."""
        return np.where(self.place >= 0, of_cells[self.place], otherwise)


def _changes(effects: Effects, grid: _Grid) -> np.ndarray:
    """Change of every row at every event time, counted from its cell's comparison mean; 0 where it does not enter."""
    size = grid.values(effects.cells["weight"].to_numpy(dtype=float), 0.0)[grid.cohort]
    att = grid.values(np.nan_to_num(effects.cells["estimate"].to_numpy(dtype=float)), 0.0)[grid.cohort]
    treated = effects.rows["treated"].to_numpy()[:, None]
    deviation = np.nan_to_num(divide(size * effects.influence, effects.row_weight))
    return np.where(effects.row_weight > 0, np.where(treated, deviation + att, -deviation), 0.0)


def _of_changes(effects: Effects, grid: _Grid, change: np.ndarray, weight: np.ndarray) -> Effects:
    """The effects that changes with weights make; a cell that was estimated and has lost all its rows is one without a comparison."""
    treated, n = effects.rows["treated"].to_numpy(), len(grid.place)
    size = sum_by(grid.cohort[treated], weight[treated], n)
    mean_treated, mean_comparison = (divide(sum_by(grid.cohort[side], (weight * change)[side], n), size) for side in (treated, ~treated))
    mean = np.nan_to_num(np.where(treated[:, None], mean_treated[grid.cohort], mean_comparison[grid.cohort]))
    sign = np.where(treated, 1.0, -1.0)[:, None]
    influence = np.where(weight > 0, sign * weight * (change - mean), 0.0) * np.nan_to_num(divide(1.0, size))[grid.cohort]
    cells, status = effects.cells.copy(), effects.cells["status"].to_numpy()
    there = grid.place >= 0
    counts = {"weight": size, "estimate": mean_treated - mean_comparison, "n_treated": sum_by(grid.cohort[treated], 1.0 * (weight[treated] > 0), n),
              "n_comparison": count_distinct(grid.cohort[~treated], effects.rows["unit"].to_numpy()[~treated], weight[~treated] > 0, n)}
    new = {name: np.zeros(len(cells)) for name in counts}
    for name, values in counts.items():
        new[name][grid.place[there]] = values[there]
    lost = np.isin(status, ("estimated", "base")) & ~(new["weight"] > 0)
    cells["status"] = np.where(lost, "no_comparison", status)
    cells["estimate"] = np.where(lost, np.nan, np.where(status == "base", 0.0, np.where(status == "estimated", new["estimate"], np.nan)))
    for name, kind in (("weight", float), ("n_treated", int), ("n_comparison", int)):
        cells[name] = new[name].astype(kind)
    return replace(effects, cells=cells, influence=influence, row_weight=weight, by_unit=None, units=None)
