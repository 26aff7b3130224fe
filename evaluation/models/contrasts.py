"""Differences by event time: the arithmetic that the array estimators share. Arrays in, arrays out; names and options are in the estimators."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.panel.types import Panel
from evaluation.periods import Periods

Base = int | Literal["pre_mean"] | None
STATUSES = ("estimated", "base", "outside_periods", "not_collected", "no_base", "not_observed", "no_comparison", "not_estimable",
            "looks_back")
ESTIMATED, BASE, OUTSIDE, NOT_COLLECTED, NO_BASE, NOT_OBSERVED, NO_COMPARISON, NOT_ESTIMABLE, LOOKS_BACK = range(len(STATUSES))


def outcome_array(panel: Panel, outcome: str) -> np.ndarray:
    """An outcome's array, shape (n_units, n_periods).

    Raises
    ------
    PlanError
        The panel has no such outcome.
    """
    if outcome not in panel.outcomes:
        raise PlanError(f"An estimator needs an outcome of the panel: {outcome!r} is not one of {', '.join(sorted(panel.outcomes)) or 'none'}.")
    return np.asarray(panel.outcomes[outcome], dtype=float)


def at_columns(y: np.ndarray, unit: np.ndarray, column: np.ndarray) -> np.ndarray:
    """`y[unit, column]`, NaN where a column lies outside the periods; `unit` broadcasts against `column`."""
    inside = (column >= 0) & (column < y.shape[1])
    return np.where(inside, y[unit, np.clip(column, 0, y.shape[1] - 1)], np.nan)


def collected(periods: Periods, calendar: Sequence[int]) -> np.ndarray:
    """Whether an outcome is collected in each column; `calendar` holds quarters of the year (1 to 4), empty for all; shape (n_periods,)."""
    if not len(calendar) or periods.kind != "quarter":
        return np.ones(len(periods), dtype=bool)
    return np.isin(np.arange(periods.first, periods.last + 1) % 4 + 1, list(calendar))


def base_column(cohorts: np.ndarray, base: int, is_collected: np.ndarray) -> np.ndarray:
    """Column of the base period of each cohort: the latest collected one at or before cohort + base; -1 where there is none."""
    latest = np.maximum.accumulate(np.where(is_collected, np.arange(len(is_collected)), -1))
    wanted = cohorts + base
    return np.where((wanted >= 0) & (wanted < len(latest)), latest[np.clip(wanted, 0, len(latest) - 1)], -1)


def value_at_base(y: np.ndarray, unit: np.ndarray, entry: np.ndarray, base: int, is_collected: np.ndarray, *,
                  latest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row's outcome at its base, the base's column, and whether it has one; shape (n_rows,) each.

    Where the base period is not collected, the value lies on the straight line between the collected periods on both sides of it, so that the base is
    no nearer to entry and no further away for some cohorts than for others; the column is -1 then. Where the next collected period comes after event
    time `latest`, the latest one before stands in.
    """
    earlier = base_column(entry, base, is_collected)
    later = np.append(_next_collected(is_collected), -1)[np.clip(entry + base, 0, len(is_collected))]
    between = (earlier >= 0) & (later > earlier) & (later <= entry + latest)
    then = at_columns(y, unit, earlier)
    if not between.any():
        return then, earlier, earlier >= 0
    share = np.where(between, (entry + base - earlier) / np.where(between, later - earlier, 1), 0.0)
    line = (1 - share) * then + share * at_columns(y, unit, later)
    return np.where(between, line, then), np.where(between, -1, earlier), earlier >= 0


def _next_collected(is_collected: np.ndarray) -> np.ndarray:
    """The earliest collected column at or after each; -1 where there is none."""
    n = len(is_collected)
    earliest = np.minimum.accumulate(np.where(is_collected, np.arange(n), n)[::-1])[::-1]
    return np.where(earliest < n, earliest, -1)


def mean_of_columns(y: np.ndarray, unit: np.ndarray, entry: np.ndarray, event_times: np.ndarray) -> np.ndarray:
    """Mean of what is observed over event times, shape (n,); NaN where nothing is."""
    values = at_columns(y, unit[:, None], entry[:, None] + event_times)
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    return np.divide(np.where(seen, values, 0.0).sum(axis=1), count, out=np.full(len(unit), np.nan), where=count > 0)


def sum_by(code: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Sums of the rows of `values` by code, shape (n, n_columns)."""
    if values.ndim == 1:
        return np.bincount(code, weights=values, minlength=n)
    return np.column_stack([np.bincount(code, weights=values[:, j], minlength=n) for j in range(values.shape[1])])


def count_distinct(code: np.ndarray, unit: np.ndarray, enters: np.ndarray, n: int) -> np.ndarray:
    """Distinct units that enter, by code and column; shape (n, n_columns)."""
    if not len(code):
        return np.zeros((n, enters.shape[1]), dtype=int)
    order = np.lexsort((unit, code))
    c, u = code[order], unit[order]
    first = np.ones(len(c), dtype=bool)
    first[1:] = (c[1:] != c[:-1]) | (u[1:] != u[:-1])
    starts = np.flatnonzero(first)
    return sum_by(c[starts], np.logical_or.reduceat(enters[order], starts, axis=0).astype(float), n).astype(int)


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise quotient, NaN where the denominator is 0."""
    out = np.full(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), np.nan)
    return np.divide(numerator, denominator, out=out, where=np.asarray(denominator) > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Changes from the base, or levels, of rows at event times.

    Attributes
    ----------
    change : ndarray, shape (n_rows, n_event_times)
        NaN where either date is not observed.
    base : ndarray of int, shape (n_rows,)
        Column of each row's base period; -1 where there is none, or no single one.
    has_base : ndarray of bool, shape (n_rows,)
    """

    change: np.ndarray
    base: np.ndarray
    has_base: np.ndarray


def differences(y: np.ndarray, unit: np.ndarray, entry: np.ndarray, event_times: np.ndarray, *, base: Base, before: np.ndarray,
                is_collected: np.ndarray) -> Differences:
    """Changes from the base at every event time.

    Parameters
    ----------
    unit, entry : ndarray of int, shape (n_rows,)
    base : int, 'pre_mean' or None
        Event time of the base period (`value_at_base`), the mean over event times `before`, or levels.
    """
    now = at_columns(y, unit[:, None], entry[:, None] + event_times)
    column = np.full(len(unit), -1)
    if base is None:
        return Differences(change=now, base=column, has_base=np.ones(len(unit), dtype=bool))
    if base == "pre_mean":
        then = mean_of_columns(y, unit, entry, before)
        return Differences(change=now - then[:, None], base=column, has_base=np.isfinite(then))
    then, column, has_base = value_at_base(y, unit, entry, base, is_collected, latest=before[-1])
    return Differences(change=now - then[:, None], base=column, has_base=has_base)


def cell_status(cohorts: np.ndarray, event_times: np.ndarray, *, base: np.ndarray, has_base: np.ndarray, n_treated: np.ndarray,
                treated_seen: np.ndarray, is_collected: np.ndarray) -> np.ndarray:
    """Index into `STATUSES` of each cell, shape (n_cohorts, n_event_times); `n_treated` are those with a comparison, `treated_seen` all."""
    column = cohorts[:, None] + event_times
    inside = (column >= 0) & (column < len(is_collected))
    status = np.where(n_treated > 0, ESTIMATED, np.where(treated_seen > 0, NO_COMPARISON, NOT_OBSERVED))
    status[~has_base] = NO_BASE
    status[inside & (column == base[:, None]) & (n_treated > 0)] = BASE
    status[inside & ~is_collected[np.clip(column, 0, len(is_collected) - 1)]] = NOT_COLLECTED
    status[~inside] = OUTSIDE
    return status


def sees_before(panel: Panel, outcome: str, event_times: np.ndarray) -> np.ndarray:
    """Event times at which an outcome that looks back still sees the time before entry, and so is observed for no treated unit."""
    reach = panel.looks_back.get(outcome, 0)
    return (event_times >= 0) & (event_times <= reach) & (reach > 0)


def cells_frame(cohorts: np.ndarray, event_times: np.ndarray, *, estimate: np.ndarray, weight: np.ndarray, n_treated: np.ndarray,
                n_comparison: np.ndarray, status: np.ndarray) -> pd.DataFrame:
    """The table of cells of an `Effects`, from arrays of shape (n_cohorts, n_event_times)."""
    estimate = np.where(status == BASE, 0.0, np.where(status == ESTIMATED, estimate, np.nan))
    g, e = np.repeat(cohorts, len(event_times)), np.tile(event_times, len(cohorts))
    shown = (status == ESTIMATED) | (status == BASE)
    counts = {name: np.where(shown, n, 0).ravel().astype(int) for name, n in (("n_treated", n_treated), ("n_comparison", n_comparison))}
    return pd.DataFrame({"cohort": g, "period": g + e, "event_time": e, "estimate": estimate.ravel(), **counts,
                         "weight": np.where(shown, weight, 0.0).ravel(), "status": np.array(STATUSES)[status.ravel()]})


def rows_frame(panel: Panel, unit: np.ndarray, sets: np.ndarray, cohort: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    """The table of rows of an `Effects`."""
    places = {name: _named(panel.units[name], unit) for name in ("council_code", "area")}
    return pd.DataFrame({"unit": unit, "set": sets, "cohort": cohort, "treated": treated, **places, "n_units": 1.0})


def _named(column: pd.Series, unit: np.ndarray) -> pd.Categorical:
    """Names of rows as codes of a category: millions of rows share a few hundred names."""
    if len(unit) < len(column):
        codes, names = pd.factorize(column.iloc[unit].to_numpy(dtype=object))
        return pd.Categorical.from_codes(codes, categories=names)
    codes, names = pd.factorize(column.to_numpy(dtype=object))
    return pd.Categorical.from_codes(codes[unit], categories=names)
