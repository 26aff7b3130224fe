"""Effects: ATT by cohort and event time with influence functions. Every summary is a weighting of them.

What every estimator returns. Standard errors, intervals and summaries are algebra on `influence`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.models.columns import column
from evaluation.showing import Face, Showing, face_of, written


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimate(Showing):
    """One number and how sure we are; pointwise 95% interval.

    Attributes
    ----------
    estimate, std_error, lower, upper : float
        In the outcome's unit; NaN where not estimable (see `reason`).
    df : float
        Degrees of freedom of the t distribution behind the interval; inf for normal.
    p_value : float
        Two-sided test of zero by the same method as the interval.
    n_treated, n_comparison : int
        Distinct treated and comparison units behind the number.
    clusters : str, n_clusters : int
        What was clustered on, and how many.
    method : str
        'CR1 cluster-robust', 'permutation of areas', ...
    reason : str
        Why it could not be estimated; '' otherwise.
    caution : str
        What a reader must know about the interval; '' where nothing.
    """

    estimate: float
    std_error: float
    lower: float
    upper: float
    df: float
    p_value: float
    n_treated: int
    n_comparison: int
    clusters: str
    n_clusters: int
    method: str
    reason: str = ""
    caution: str = ""

    def __repr__(self) -> str:
        if self.reason:
            return f"<Estimate: none, because {self.reason}>"
        return (f"<Estimate: {written(self.estimate)}, 95% interval {written(self.lower)} to {written(self.upper)}, p {self.p_value:.3f}; "
                f"{self.n_treated:,} treated, {self.n_comparison:,} comparison units; {self.method}>")

    def face(self) -> Face:
        """The number, its interval and what both rest on."""
        row = {"estimate": self.estimate, "95% interval, lower": self.lower, "upper": self.upper, "standard error": self.std_error,
               "p": f"{self.p_value:.3f}", "treated units": self.n_treated, "comparison units": self.n_comparison}
        basis = f"{self.method}; {self.n_clusters:,} {self.clusters}; {written(self.df)} degrees of freedom." if self.clusters else self.method
        return face_of(f"Estimate: none, because {self.reason}" if self.reason else "Estimate", pd.DataFrame([row]), notes=(basis, self.caution))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Effects(Showing):
    """Group-time (or entry-period by event-time) average effects on the treated of one outcome.

    Attributes
    ----------
    outcome : str
    estimator : str
        In words that a methods section may print.
    base : int or None
        Event time of the base period; its cell is an exact 0. None where there is no single one (levels, mean of the periods before, two-way).
    anticipation : int
        Periods before entry that are neither before nor after.
    cells : DataFrame, one row per (cohort, event_time)
        `cohort` (entry column), `period` (column), `event_time`, `estimate`, `n_treated`, `n_comparison`, `weight` (treated units, or their summed
        weights, observed in the cell), `status` ('estimated', 'base', 'outside_periods', 'not_collected', 'no_base', 'not_observed', 'no_comparison',
        'not_estimable', 'looks_back'). `estimate` is NaN unless estimated or base.
    rows : DataFrame, one row per (unit, matched set or cohort), in the order of `influence`
        `unit` (row in panel.units), `set` int (-1 where the estimator has no matched sets), `cohort` int, `treated` bool, `council_code` str,
        `area` str, `n_units` (units the row stands for: 1, unless rows are sums). Estimators of whole panels keep their units added up by place
        (`unit` is then below 0); `at` gives the rows that a clustering needs, `each_unit` one row per unit.
    event_times : ndarray of int, shape (n_event_times,)
    influence : ndarray, shape (n_rows, n_event_times)
        Contribution of each row to ATT(its cohort, event time), scaled so that the variance of a cell is the sum over clusters of
        (sum of `influence` over the cluster's rows) squared; sums to zero inside every cohort and event time; 0 where a row does not enter.
    notes : tuple of str
    row_weight : ndarray, shape (n_rows, n_event_times), or None
        Weight of each row in its cell: treated rows add up to the cell's `weight`, comparison rows of a set (or cohort) to its treated rows' weight;
        0 where a row does not enter. None where an estimator has no such weights (two-way effects): its cells have fixed weights in every summary.
    sets_are_clusters : bool
        Whether matched sets are units of dependence (pairs are; strata of covariates and weighted entry periods are not).
    adjusted : bool
        Whether a model stands between the rows and the estimate (covariates, imputation, a regression of cohorts by period, different units at the
        two dates), so that it is no contrast of two means: effects on some of the treated, and CR2, cannot be read from its rows.
    moves : ndarray of bool, shape (n_rows, n_event_times), or None
        Whether a row's change (or level) is not 0: with outcomes that are mostly 0, how many units the estimate rests on. None where not kept.
    stands_for : ndarray of int, shape (n_rows,), or None
        Where several rows stand for the same units (compressed ones): which units, as a code; each of them carries all their `n_units`.
    by_unit, units : callable or None
        What `at` and `each_unit` call; None where rows are units already.
    """

    outcome: str
    estimator: str
    base: int | None
    anticipation: int
    cells: pd.DataFrame
    rows: pd.DataFrame
    event_times: np.ndarray
    influence: np.ndarray
    notes: tuple[str, ...] = field(default=())
    row_weight: np.ndarray | None = None
    adjusted: bool = False
    sets_are_clusters: bool = True
    moves: np.ndarray | None = None
    stands_for: np.ndarray | None = None
    by_unit: Callable[[], Effects] | None = None
    units: Callable[[], Effects] | None = None

    def face(self) -> Face:
        """The average effect at every event time; intervals need the clusters of the design, and so are asked for."""
        cells = self.cells[self.cells["status"].isin(["estimated", "base"])]
        weight = cells["weight"].to_numpy(dtype=float)
        parts = cells.assign(sum=cells["estimate"] * weight, all=weight, cohorts=1).groupby("event_time")
        table = parts[["sum", "all", "n_treated", "cohorts"]].sum().reset_index()
        table = table.assign(effect=table["sum"] / table["all"].where(table["all"] > 0))[["event_time", "effect", "n_treated", "cohorts"]]
        return face_of(f"Effects on {self.outcome.replace('_', ' ')} by event time", table, names={"n_treated": "treated units"},
                       notes=(f"{self.estimator[:1].upper()}{self.estimator[1:]}.",
                              "Intervals: evaluation.models.event_study(effects) and overall(effects).", *self.notes))

    @property
    def is_compressed(self) -> bool:
        """Whether rows stand for units without being units: their squares add up as the units' do, and nothing else."""
        return self.stands_for is not None

    def at(self, clusters: Sequence[str]) -> Effects:
        """The same effects with rows that can be clustered on units, where that is asked for; `clusters` as from `cluster_names`."""
        return self.by_unit() if self.by_unit is not None and tuple(clusters) == ("unit",) else self

    def each_unit(self) -> Effects:
        """The same effects with one row per unit and cohort (or set): the influence function."""
        return self if self.units is None else self.units()

    @property
    def has_sets(self) -> bool:
        """Whether rows stand in matched sets."""
        return bool((column(self.rows, "set") >= 0).all())

    def set_or_cohort(self) -> np.ndarray:
        """Each row's matched set; its cohort where there are no sets."""
        return column(self.rows, "set" if self.has_sets else "cohort")

    def of_rows(self, rows: np.ndarray) -> Effects:
        """The same cells with some rows alone, in rising order; they are what they are, and no longer tell of units behind them."""
        return replace(self, rows=self.rows.iloc[rows], influence=self.influence[rows], by_unit=None, units=None,
                       **{name: None if (kept := getattr(self, name)) is None else kept[rows] for name in ("row_weight", "moves", "stands_for")})
