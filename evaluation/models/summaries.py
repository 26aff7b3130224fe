"""Summaries of effects: every one is a weighting of cells, and a sum of contributions of rows. How sure they are is in `inference.py`."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evaluation.errors import PlanError
from evaluation.models.columns import column
from evaluation.models.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What the means of a number are taken over, where they are not those of whole cells; both arrays of shape (n_rows, n_event_times).

    Attributes
    ----------
    weight : ndarray
        Weight of each row in its arm of its cell; 0 where it has none.
    weighted : ndarray
        Weight times the row's observation less its arm's mean in the cell.
    rows : ndarray of int, or None
        Which rows of the effects these are, in rising order; None for all.
    """

    weight: np.ndarray
    weighted: np.ndarray
    rows: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A number as a sum of contributions of rows: what every interval is made from.

    Attributes
    ----------
    value : float
    contribution : ndarray, shape (n_rows,)
        In the order of `Effects.rows`; the variance is the sum over clusters of (sum of contributions) squared.
    enters : ndarray of bool, shape (n_rows,)
        Rows that have weight in the number, whatever their contribution.
    reason : str
        Why there is no number; '' otherwise.
    cells : ndarray, shape (n_cells,), or None
        Coefficient of each cell's contrast of treated and comparison means; None where the number is no sum of such contrasts.
    over : Observations or None
        What those means are taken over, where not all rows of a cell with their own weights (an effect on some of the treated, a ratio).
    """

    value: float
    contribution: np.ndarray
    enters: np.ndarray
    reason: str = ""
    cells: np.ndarray | None = None
    over: Observations | None = None


def chosen_cells(effects: Effects, *, quarters: tuple[int, int], cohorts: Sequence[int] | Literal["complete"] | None) -> np.ndarray:
    """Estimated cells of the cohorts and event times asked for, as a mask over `effects.cells`."""
    if quarters[0] > quarters[1]:
        raise PlanError(f"`headline.quarters` must run from an earlier to a later event time: they are {quarters[0]} to {quarters[1]}. "
                        "Mend the plan.")
    e = column(effects.cells, "event_time")
    is_one_number = effects.row_weight is None and len(effects.event_times) == 1      # whose event time means nothing
    return estimated(effects) & cohort_mask(effects, cohorts, quarters) & ((e >= quarters[0]) & (e <= quarters[1]) | is_one_number)


def complete_cohorts(effects: Effects, quarters: tuple[int, int]) -> list[int]:
    """Entry columns of cohorts for which every event time of `quarters` is estimated, or falls where the outcome is not collected or looks back."""
    cells = effects.cells
    if effects.row_weight is None:
        return sorted(set(cells["cohort"]))
    cohort, e, status = (column(cells, name) for name in ("cohort", "event_time", "status"))
    inside = (e >= quarters[0]) & (e <= quarters[1])
    cohorts, code = np.unique(cohort[inside], return_inverse=True)
    is_estimated = (status == "estimated")[inside]
    by_design = np.isin(status, ("not_collected", "looks_back"))[inside]
    whole = np.bincount(code, weights=is_estimated | by_design, minlength=len(cohorts)) == quarters[1] - quarters[0] + 1
    some = np.bincount(code, weights=is_estimated, minlength=len(cohorts)) > 0
    return [int(g) for g in cohorts[whole & some]]


def phase(event_time: int, anticipation: int) -> str:
    """'before', 'left_out' (the anticipation) or 'after'."""
    return "after" if event_time >= 0 else "left_out" if event_time >= -anticipation else "before"


def average(effects: Effects, cells: np.ndarray, *, scale: np.ndarray | None = None, treated_rows: np.ndarray | None = None,
            base_too: bool = False) -> Summary:
    """Average over cells, weighted by treated units, with the influence of the cells' shares.

    Parameters
    ----------
    cells : ndarray of bool, shape (n_cells,)
        Cells of `effects.cells`; those not estimated are left out.
    scale : ndarray, shape (n_cells,), optional
        Multiplies the weight of every treated unit in a cell.
    treated_rows : ndarray of bool, shape (n_rows,), optional
        Treated rows to average over, where not all: a council's.
    """
    cells = cells & (estimated(effects) | (base_too & (column(effects.cells, "status") == "base")))
    none = np.zeros(len(effects.rows))
    if not cells.any():
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="no cell could be estimated")
    if effects.row_weight is None:
        return of_fixed_weights(effects, np.where(cells, effects.cells["weight"], 0.0))
    asked = np.isin(effects.event_times, column(effects.cells, "event_time")[cells])
    effects = replace(effects, event_times=effects.event_times[asked], influence=effects.influence[:, asked], row_weight=effects.row_weight[:, asked],
                      moves=None)
    weights = cells * (1.0 if scale is None else scale)
    if treated_rows is not None:
        return _of_some(effects, weights, treated_rows, asked)
    grid = Grid.of(effects)
    share = grid.spread(weights) * effects.row_weight
    focal = np.where(column(effects.rows, "treated")[:, None], share, 0.0)
    size = weights * column(effects.cells, "weight")
    total = size.sum()
    if not total > 0:
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="no treated unit is observed")
    att = grid.spread(np.nan_to_num(column(effects.cells, "estimate")))
    value = float(size @ np.nan_to_num(column(effects.cells, "estimate")) / total)
    coefficient = grid.spread(size) / total
    contribution = (coefficient * effects.influence + focal * (att - value) / total).sum(axis=1)
    return Summary(value=value, contribution=contribution, enters=(share != 0).any(axis=1) | (contribution != 0), cells=size / total)


def _of_some(effects: Effects, weights: np.ndarray, treated_rows: np.ndarray, asked: np.ndarray) -> Summary:
    """Average over some treated rows, made from their sets (or cohorts) alone: with many councils the others would fill the memory."""
    n, treated = len(effects.rows), column(effects.rows, "treated")
    key = column(effects.rows, "set") if (column(effects.rows, "set") >= 0).all() else column(effects.rows, "cohort")
    involved = np.zeros(int(key.max()) + 1, dtype=bool)
    involved[key[treated & treated_rows]] = True
    rows = np.flatnonzero(involved[key])
    part = replace(effects, rows=effects.rows.iloc[rows], influence=effects.influence[rows], row_weight=effects.row_weight[rows])
    grid = Grid.of(part)
    focal = np.where((treated & treated_rows)[rows][:, None], grid.spread(weights) * part.row_weight, 0.0)
    if not focal.sum() > 0:
        return Summary(value=float("nan"), contribution=np.zeros(n), enters=np.zeros(n, dtype=bool), reason="no treated unit is observed")
    some = _of_some_treated(part, grid, focal, focal.sum(), treated[rows])
    contribution, enters = np.zeros(n), np.zeros(n, dtype=bool)
    contribution[rows], enters[rows] = some.contribution, some.enters
    over = Observations(weight=_at(asked, some.over.weight), weighted=_at(asked, some.over.weighted), rows=rows)
    return replace(some, contribution=contribution, enters=enters, over=over)


def mean_of(parts: Sequence[Summary], weights: np.ndarray | None = None) -> Summary:
    """A fixed weighting of summaries of the same effects; the plain mean by default. Weights need not sum to 1 (a contrast)."""
    w = np.full(len(parts), 1 / len(parts)) if weights is None else np.asarray(weights, dtype=float)
    return Summary(value=float(sum(a * part.value for a, part in zip(w, parts, strict=True))),
                   contribution=sum(a * part.contribution for a, part in zip(w, parts, strict=True)),
                   enters=np.logical_or.reduce([part.enters for part in parts]), reason=next((part.reason for part in parts if part.reason), ""),
                   cells=None if any(part.cells is None or part.over is not None for part in parts)
                   else sum(a * part.cells for a, part in zip(w, parts, strict=True)))


@dataclass(frozen=True, slots=True)
class Grid:
    """Carries values of cells to rows by event times."""

    place: np.ndarray          # (n_cohorts, n_event_times): row of cells
    cohort: np.ndarray         # (n_rows,): cohort's place

    @classmethod
    def of(cls, effects: Effects) -> Grid:
        cohort, event_time = column(effects.cells, "cohort"), column(effects.cells, "event_time")
        cohorts = np.unique(cohort)
        place = np.full((len(cohorts), len(effects.event_times)), -1)
        here = np.flatnonzero(np.isin(event_time, effects.event_times))
        place[np.searchsorted(cohorts, cohort[here]), np.searchsorted(effects.event_times, event_time[here])] = here
        return cls(place, np.searchsorted(cohorts, column(effects.rows, "cohort")))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of cells, shape (n_cells,), at every row and event time."""
        return np.where(self.place >= 0, np.asarray(values, dtype=float)[self.place], 0.0)[self.cohort]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of rows' values by cohort and event time, shape (n_cohorts, n_event_times)."""
        return np.column_stack([np.bincount(self.cohort, weights=column, minlength=len(self.place)) for column in values.T])

    def means(self, weight: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Weighted means by cohort and event time, at every row; 0 where nothing has weight."""
        total = self.sums(weight)
        return np.divide(self.sums(weight * values), total, out=np.zeros_like(total), where=total > 0)[self.cohort]


def _of_some_treated(effects: Effects, grid: Grid, focal: np.ndarray, total: float, treated: np.ndarray) -> Summary:
    """Average over some treated rows: their own changes, and their sets' comparison rows in proportion.

    With w the row weights, W the cell's weight and psi the influence, W psi / w is a treated row's change less its cell's mean; a comparison row's
    W psi is -w (change - mean). Both are centred again in every cell on the means of those who enter here.
    """
    cell_weight, att = grid.spread(column(effects.cells, "weight")), grid.spread(np.nan_to_num(column(effects.cells, "estimate")))
    deviation = cell_weight * effects.influence
    key = np.where(effects.rows["set"] >= 0, effects.rows["set"], effects.rows["cohort"])
    key = np.unique(key, return_inverse=True)[1]
    n = int(key.max()) + 1
    asked = np.column_stack([np.bincount(key, weights=column, minlength=n) for column in focal.T])
    there = np.column_stack([np.bincount(key, weights=column, minlength=n) for column in (effects.row_weight * treated[:, None]).T])
    part = np.divide(asked, there, out=np.zeros_like(asked), where=there > 0)[key]
    side = ~treated[:, None] * part
    weight = side * effects.row_weight
    size = grid.sums(focal)
    shift = grid.sums(side * deviation)                          # minus the comparison rows' mean deviation in the cell
    shift = np.divide(shift, size, out=np.zeros_like(shift), where=size > 0)[grid.cohort]
    own = np.divide(deviation, effects.row_weight, out=np.zeros_like(deviation), where=treated[:, None] & (effects.row_weight > 0))
    value = float((focal * (own + att + shift)).sum() / total)
    contribution = (focal * (own + att + shift - value) + side * deviation - weight * shift).sum(axis=1) / total
    over = Observations(weight=focal + weight, weighted=focal * (own - grid.means(focal, own)) - side * deviation + weight * shift)
    return Summary(value=value, contribution=contribution, enters=(over.weight > 0).any(axis=1), over=over,
                   cells=_on_cells(effects, grid, size) / total)


def whole_cells(effects: Effects) -> Observations:
    """Every row with its own weight: what the means of an effect on all treated units are taken over."""
    arm = np.where(column(effects.rows, "treated"), 1.0, -1.0)[:, None]
    return Observations(weight=effects.row_weight, weighted=effects.influence * Grid.of(effects).spread(column(effects.cells, "weight")) * arm)


def _on_cells(effects: Effects, grid: Grid, values: np.ndarray) -> np.ndarray:
    """Values by cohort and event time, at the rows of `effects.cells`."""
    found = np.zeros(len(effects.cells))
    there = grid.place >= 0
    found[grid.place[there]] = values[there]
    return found


def _at(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of some columns among all; 0 elsewhere."""
    found = np.zeros((len(values), len(columns)))
    found[:, columns] = values
    return found


def of_fixed_weights(effects: Effects, weights: np.ndarray) -> Summary:
    """Average of cells with fixed weights: no influence of shares."""
    none = np.zeros(len(effects.rows))
    if weights.shape != (len(effects.cells),) or (weights < 0).any() or not weights.sum() > 0:
        raise PlanError(f"Own weights must be one number of 0 or more for each of the {len(effects.cells):,} cells, and not all 0. "
                        "Mend `headline.weights`.")
    if (~estimated(effects) & (weights > 0)).any():
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="a cell with weight could not be estimated")
    w = weights / weights.sum()
    spread = Grid.of(effects).spread(w)
    enters = (spread > 0) & (True if effects.row_weight is None else effects.row_weight != 0)
    contribution = (spread * effects.influence).sum(axis=1)
    return Summary(value=float(w @ np.nan_to_num(column(effects.cells, "estimate"))), contribution=contribution,
                   enters=enters.any(axis=1) | (contribution != 0), cells=w)


def share_within(effects: Effects, cells: np.ndarray, places: np.ndarray, place: object) -> float:
    """Share of comparison weight that comes from the same place, over the sets of a place's treated rows."""
    treated, sets = column(effects.rows, "treated"), column(effects.rows, "set")
    if (sets < 0).any():
        return float("nan")
    weight = (Grid.of(effects).spread(cells) * effects.row_weight).sum(axis=1)
    home = np.isin(sets, sets[treated & (places == place)]) & ~treated
    return float(weight[home & (places == place)].sum() / weight[home].sum()) if weight[home].sum() > 0 else float("nan")


def cohort_mask(effects: Effects, cohorts: Sequence[int] | str | None, quarters: tuple[int, int]) -> np.ndarray:
    if cohorts is None:
        return np.ones(len(effects.cells), dtype=bool)
    if isinstance(cohorts, str) and cohorts != "complete":
        raise PlanError(f"`cohorts` must be complete, none, or a list of entry periods: it is {cohorts!r}.")
    chosen = complete_cohorts(effects, quarters) if isinstance(cohorts, str) else list(cohorts)
    return effects.cells["cohort"].isin(chosen).to_numpy()


def estimated(effects: Effects) -> np.ndarray:
    return column(effects.cells, "status") == "estimated"


def followed(effects: Effects, periods: int) -> Effects:
    """Effects of which only the cells of a balanced event study stay estimated."""
    cells = effects.cells
    last = int(cells["period"][estimated(effects)].max())
    stays = (last - cells["cohort"] >= periods) & cells["event_time"].between(periods - last, periods)
    return replace(effects, cells=cells.assign(status=cells["status"].where(stays, "not_chosen")))
