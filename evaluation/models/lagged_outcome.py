"""The outcome after entry given the outcome before: a regression with the lagged outcome (ANCOVA), cell by cell.

Another assumption than that of differences; which of the two holds no data can say. Differences are in `matched_did.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.risk_sets import risk_sets
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import (
    BASE,
    ESTIMATED,
    LOOKS_BACK,
    NOT_ESTIMABLE,
    NOT_OBSERVED,
    at_columns,
    base_column,
    cell_status,
    cells_frame,
    collected,
    count_distinct,
    divide,
    mean_of_columns,
    outcome_array,
    rows_frame,
    sees_before,
    sum_by,
)
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.outcome_model import independent_columns
from evaluation.panel.types import Panel

DETERMINED = 1e-10             # share of the treatment's variance left by the lags and covariates, below which they decide who is treated


@dataclass(frozen=True, slots=True, kw_only=True)
class LaggedOutcome:
    """Average effect on the treated from a regression of the outcome on treatment and on the outcome before entry.

    Every cell (entry cohort and event time) has its own regression with an intercept, in which treated and comparison units share the slope of the
    lagged outcome. Assumes ignorability given the lagged outcome: without the programme, treated units would have fared on average as comparison
    units with the same earlier outcome (and covariates) did, on the regression's line. That is not parallel trends. It fails where families were
    chosen for a lasting level that one noisy past outcome measures badly (regression to the mean then passes for an effect), and it holds where they
    were chosen for that outcome itself.

    Attributes
    ----------
    lags : 'pre_mean' or tuple of int
        The mean of what is observed over the event times of the window before the anticipation, or event times (negative, before the anticipation),
        one regressor each. Where an outcome is not collected the latest collected period before stands in. Cells of such periods are an exact 0.
    window : (int, int)
        First and last event time.
    anticipation : int
        Periods before entry that are neither before nor after.
    covariates : tuple of str
        Fixed columns of `panel.units`. Units that lack one are left out.

    Notes
    -----
    On a matched sample rows have their set's weights: comparison units are censored from their own entry, and the weights of a set are shared out
    again over those observed, as in `MatchedDiD`. On a panel all rows of a risk set count the same. The influence of row i is the treatment's row of
    (X'WX)^-1 times x_i w_i r_i; with one row per cluster and CR1 the error is HC0 times G / (G - 1). With `pre_mean` the cells before entry show how
    periods of the mean differ from it and average to about 0: they are no placebo.

    With one lag, estimates by differences and by the lagged outcome lie on two sides of each other in a known order when (i) the slope of the lag is
    below 1 in the comparison group and (ii) one group's earlier outcomes lie stochastically below the other's (Angrist and Pischke 2009, section 5.4,
    for linear models; Ding and Li 2019, DOI 10.1017/pan.2019.25, without). They hold the true effect between them only if, besides, one of
    their two assumptions is true. Neither estimate is a limit of anything otherwise, and the report does not call it one.

    References
    ----------
    Checked against statsmodels WLS (coefficients, cluster-robust and HC0 errors), to 1e-10.
    """

    lags: tuple[int, ...] | Literal["pre_mean"] = "pre_mean"
    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1
    covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        if self.lags == "pre_mean":
            if self.window[0] >= -self.anticipation:
                raise PlanError(f"`estimator.lags: pre_mean` needs event times before the anticipation of {self.anticipation}: the window begins at "
                                f"{self.window[0]}. Widen `estimator.window`.")
            return
        if isinstance(self.lags, str) or not len(self.lags) or not all(isinstance(e, int) and e < -self.anticipation for e in self.lags):
            raise PlanError(f"`estimator.lags` must be pre_mean or event times of {-self.anticipation - 1} or earlier (before the anticipation): "
                            f"it is {self.lags!r}. Mend the plan.")
        object.__setattr__(self, "lags", tuple(sorted(set(self.lags))))

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT by entry cohort and event time, with influence rows per (unit, matched set), or per (unit, cohort) of a panel.

        Parameters
        ----------
        sample : MatchedSample, or Panel (its risk sets)
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.

        Raises
        ------
        PlanError
            Outcome or covariates are not in the panel.
        EstimationError
            No cell can be estimated.
        """
        rows = _Rows.of(sample)
        y = outcome_array(rows.panel, outcome)
        is_collected = collected(rows.panel.periods, calendar)
        y, event_times = np.where(is_collected, y, np.nan), np.arange(self.window[0], self.window[1] + 1)
        lags = self._lags(y, rows, is_collected)
        x = np.column_stack([lags, _covariates(rows.panel, self.covariates)[rows.unit]])
        now = at_columns(y, rows.unit[:, None], rows.entry[:, None] + event_times)
        weight = rows.weights(_at_risk(now, rows, event_times) & np.isfinite(x).all(axis=1)[:, None])
        cohorts, code = np.unique(rows.entry, return_inverse=True)
        estimate, influence = _by_cohort(now, x, weight, rows.treated, code, len(cohorts))
        status = self._status(cohorts, event_times, is_collected, code, rows, now, lags, weight)
        status[(status == NOT_OBSERVED) & sees_before(rows.panel, outcome, event_times)] = LOOKS_BACK
        status[(status == ESTIMATED) & ~np.isfinite(estimate)] = NOT_ESTIMABLE
        if not (status == ESTIMATED).any():
            raise EstimationError(f"A regression of {outcome!r} on its lag needs treated and comparison units observed at `estimator.lags` and at "
                                  f"some event time from {self.window[0]} to {self.window[1]}, more of them than coefficients: none are. Mend "
                                  "`periods`, `estimator.lags` or `estimator.window` in the plan.")
        influence[(status != ESTIMATED)[code]] = 0.0
        row_weight = rows.balanced(weight, code, len(cohorts))
        row_weight[~np.isin(status, (ESTIMATED, BASE))[code]] = 0.0
        return Effects(outcome=outcome, estimator=self.in_words(), base=self._base(), anticipation=self.anticipation,
                       cells=_cells(cohorts, event_times, code, rows, weight, estimate, status), event_times=event_times, influence=influence,
                       rows=rows_frame(rows.panel, rows.unit, rows.sets, cohorts[code], rows.treated), row_weight=row_weight, adjusted=True,
                       sets_are_clusters=rows.are_pairs, notes=_notes(x))

    def in_words(self) -> str:
        """The method as a methods section may print it, with its assumption."""
        if self.lags == "pre_mean":
            lagged = "the mean outcome of the periods before"
        else:
            lagged = f"the outcome {' and '.join(str(-e) for e in self.lags)} periods before entry"
        given = f" and {', '.join(self.covariates)}" if self.covariates else ""
        return (f"regression of the outcome on {lagged}{given} (lagged outcome, ANCOVA), which assumes that units alike in it would have fared alike "
                "without the programme: another assumption than parallel trends")

    def _lags(self, y: np.ndarray, rows: _Rows, is_collected: np.ndarray) -> np.ndarray:
        """Lagged outcomes, shape (n_rows, n_lags); NaN where not observed."""
        if self.lags == "pre_mean":
            return mean_of_columns(y, rows.unit, rows.entry, np.arange(self.window[0], -self.anticipation))[:, None]
        columns = np.column_stack([base_column(rows.entry, e, is_collected) for e in self.lags])
        return at_columns(y, rows.unit[:, None], columns)

    def _status(self, cohorts, event_times, is_collected, code, rows: _Rows, now, lags, weight) -> np.ndarray:
        n, treated = len(cohorts), rows.treated[:, None]
        n_treated = sum_by(code, ((weight > 0) & treated).astype(float), n) * (sum_by(code, weight * ~treated, n) > 0)
        seen = sum_by(code, (np.isfinite(now) & treated).astype(float), n)
        has_lags = sum_by(code, np.isfinite(lags).all(axis=1)[:, None] & treated, n)[:, 0] > 0
        status = cell_status(cohorts, event_times, base=np.full(n, -1), has_base=has_lags, n_treated=n_treated, treated_seen=seen,
                             is_collected=is_collected)
        if self.lags != "pre_mean":
            for e in self.lags:
                column = base_column(cohorts, e, is_collected)[:, None]
                status[(cohorts[:, None] + event_times == column) & (column >= 0) & (status == ESTIMATED)] = BASE
        return status

    def _base(self) -> int | None:
        return self.lags[0] if self.lags != "pre_mean" and len(self.lags) == 1 else None


def ancova_cells(y: np.ndarray, treated: np.ndarray, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficient of treatment in a weighted regression on an intercept, treatment and `x`, one regression per column of `y`.

    Parameters
    ----------
    y : ndarray, shape (n, m)
    treated : ndarray of bool, shape (n,)
    x : ndarray, shape (n, k)
    weights : ndarray, shape (n, m)
        0 where a row does not enter; its `y` and `x` are then ignored.

    Returns
    -------
    estimate : ndarray, shape (m,)
        NaN where an arm is empty, there are no more rows than coefficients, or `x` decides who is treated.
    influence : ndarray, shape (n, m)
        Sums to 0 in every column.
    """
    estimate, influence = np.full(y.shape[1], np.nan), np.zeros(y.shape)
    _, first, which = np.unique(weights, axis=1, return_index=True, return_inverse=True)
    for number, column in enumerate(first):
        here, rows = np.flatnonzero(which.ravel() == number), np.flatnonzero(weights[:, column] > 0)
        found = ancova(y[np.ix_(rows, here)], treated[rows], x[rows], weights[rows, column])
        if found is not None:
            estimate[here], influence[np.ix_(rows, here)] = found
    return estimate, influence


def ancova(y: np.ndarray, treated: np.ndarray, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The regressions of `ancova_cells` for rows that all enter with weights of shape (n,); None where there is no estimate.

    Notes
    -----
    Frisch, Waugh and Lovell: with u the part of treatment that the intercept and `x` leave unexplained, the coefficient is sum(w u y) / sum(w u^2)
    and row i's influence w_i u_i r_i / sum(w u^2). Columns of `x` that are constant or repeat others are left out.
    """
    if treated.all() or not treated.any():
        return None
    x = x[:, independent_columns(x, weights)] if x.shape[1] else x
    if len(y) <= x.shape[1] + 2:
        return None
    d = _centred(treated.astype(float)[:, None], weights)
    root, x, y = np.sqrt(weights)[:, None], _centred(x, weights), _centred(y, weights)
    q = np.linalg.qr(root * x)[0]
    u = d - _explained(q, root, d)
    spread = float(weights @ u[:, 0] ** 2)
    if not spread > DETERMINED * float(weights @ d[:, 0] ** 2):
        return None
    estimate = (weights * u[:, 0]) @ y / spread
    left = y - d * estimate
    residual = left - _explained(q, root, left)
    return estimate, (weights * u[:, 0])[:, None] * residual / spread


def _centred(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values - weights @ values / weights.sum()


def _explained(q: np.ndarray, root: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Fitted values of a weighted regression whose weighted design has the orthonormal basis `q`."""
    return (q @ (q.T @ (root * values))) / root


def _covariates(panel: Panel, names: Sequence[str]) -> np.ndarray:
    if unknown := [name for name in names if name not in panel.units]:
        raise PlanError(f"`estimator.covariates` must be fixed columns of the panel's units: {', '.join(unknown)} is not. "
                        f"There are {', '.join(panel.units.columns)}.")
    return panel.units[list(names)].to_numpy(dtype=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows of the regressions: members of matched sets with their weights, or rows of risk sets."""

    panel: Panel
    unit: np.ndarray
    entry: np.ndarray
    treated: np.ndarray
    sets: np.ndarray           # -1 on a panel
    weight: np.ndarray
    are_pairs: bool

    @classmethod
    def of(cls, sample: MatchedSample | Panel) -> _Rows:
        if isinstance(sample, Panel):
            rows = risk_sets(sample)
            return cls(panel=sample, unit=rows.unit, entry=rows.entry, treated=rows.treated, sets=np.full(len(rows), -1),
                       weight=np.ones(len(rows)), are_pairs=False)
        sets = np.concatenate([sample.treated_set, sample.comparison_set])
        return cls(panel=sample.panel, unit=np.concatenate([sample.treated_unit, sample.comparison_unit]), entry=sample.set_entry[sets],
                   treated=np.arange(len(sets)) < sample.n_treated, sets=sets,
                   weight=np.concatenate([sample.treated_weight, sample.comparison_weight]), are_pairs=sample.kind == "pairs")

    def weights(self, enters: np.ndarray) -> np.ndarray:
        """Weights of the rows that enter, shape (n_rows, n_event_times); in every matched set both arms add up to the treated members' weight."""
        weight = np.where(enters, self.weight[:, None], 0.0)
        if (self.sets < 0).any():
            return weight
        n, treated = int(self.sets.max()) + 1, self.treated[:, None]
        wanted, there = sum_by(self.sets, weight * treated, n), sum_by(self.sets, weight * ~treated, n)
        share = np.nan_to_num(divide(wanted, there))
        return np.where(treated, weight * (there > 0)[self.sets], weight * share[self.sets])

    def balanced(self, weight: np.ndarray, code: np.ndarray, n: int) -> np.ndarray:
        """Weights with comparison rows added up to the treated rows' weight in every cohort."""
        treated = self.treated[:, None]
        share = np.nan_to_num(divide(sum_by(code, weight * treated, n), sum_by(code, weight * ~treated, n)))
        return np.where(treated, weight * (share > 0)[code], weight * share[code])


def _at_risk(now: np.ndarray, rows: _Rows, event_times: np.ndarray) -> np.ndarray:
    """Whether each row is observed and, if a comparison row, has not entered itself."""
    own = rows.panel.entry[rows.unit]
    joined = (~rows.treated & (own >= 0))[:, None] & (rows.entry[:, None] + event_times >= own[:, None])
    return np.isfinite(now) & ~joined


def _by_cohort(now: np.ndarray, x: np.ndarray, weight: np.ndarray, treated: np.ndarray, code: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates, shape (n_cohorts, n_event_times), and influence of the rows."""
    estimate, influence = np.full((n, now.shape[1]), np.nan), np.zeros(now.shape)
    for k in range(n):
        own = np.flatnonzero(code == k)
        estimate[k], influence[own] = ancova_cells(now[own], treated[own], x[own], weight[own])
    return estimate, influence


def _cells(cohorts, event_times, code, rows: _Rows, weight, estimate, status) -> pd.DataFrame:
    n, treated = len(cohorts), rows.treated[:, None]
    return cells_frame(cohorts, event_times, estimate=estimate, status=status, weight=sum_by(code, weight * treated, n),
                       n_treated=count_distinct(code, rows.unit, (weight > 0) & treated, n),
                       n_comparison=count_distinct(code, rows.unit, (weight > 0) & ~treated, n))


def _notes(x: np.ndarray) -> tuple[str, ...]:
    lost = int((~np.isfinite(x).all(axis=1)).sum())
    return (f"{lost:,} of {len(x):,} rows are not observed at the lags or lack a covariate and were left out.",) if lost else ()
