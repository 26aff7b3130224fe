"""Summaries of effects and their uncertainty: every one is a weighting of cells and of influence rows.

Pointwise 95% intervals from cluster sums of influence. Permutation of areas is in `permutation.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from evaluation.errors import EstimationError, PlanError
from evaluation.models.effects import Effects, Estimate

Clusters = Literal["auto", "set", "unit", "unit_and_set", "area", "council"]
Assignment = Literal["unit", "area"]
LEVEL = 0.95
NO_SPREAD = 1e-12              # a standard error below this share of the number is rounding, not sampling
IN_WORDS = {"set": "matched sets", "unit": "units", "area": "areas", "council": "councils"}
TABLE = ("outcome", "cohort", "period", "event_time", "estimate", "std_error", "lower", "upper", "n_treated", "n_comparison")


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
    """

    value: float
    contribution: np.ndarray
    enters: np.ndarray
    reason: str = ""


def overall(effects: Effects, *, quarters: tuple[int, int] = (1, 4), cohorts: Sequence[int] | Literal["complete"] | None = "complete",
            clusters: Clusters = "auto", assignment: Assignment = "unit", weights: np.ndarray | None = None) -> Estimate:
    """One average effect over event times and entry cohorts, weighted by treated units.

    Parameters
    ----------
    quarters : (int, int)
        First and last event time, both included. Counts the panel's periods, whatever they are.
    cohorts : 'complete', None or sequence of int
        Cohorts whose every collected event time of `quarters` is estimated (the headline), all, or entry columns.
    clusters : 'auto', 'set', 'unit', 'unit_and_set', 'area' or 'council'
        'auto': areas where assignment is by area; else matched sets, or units and sets two-way where a unit serves more than one set; else units.
    assignment : 'unit' or 'area'
        What the programme was assigned to.
    weights : ndarray, shape (n_cells,), optional
        Own fixed weights of the cells of `effects.cells`, >= 0, instead of treated units.

    Notes
    -----
    Variance: sum over clusters of squared sums of influence, times G / (G - 1) (CR1); two-way: unit + set - both (Cameron, Gelbach and Miller 2011,
    each term with its own factor). The interval is from t with G - 1 degrees of freedom, the smaller of two dimensions, and with areas the smaller
    of the treated and the comparison areas less 1. With weights by treated units the influence of the cohorts' shares is in it.
    A single treated cluster, a single cluster or a standard error of zero gives NaN and a reason.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    if weights is not None:
        return estimate_of(effects, _of_fixed_weights(effects, np.asarray(weights, dtype=float)), clusters=clusters, assignment=assignment)
    return estimate_of(effects, average(effects, chosen_cells(effects, quarters=quarters, cohorts=cohorts)), clusters=clusters, assignment=assignment)


def event_study(effects: Effects, *, cohorts: Sequence[int] | Literal["complete"] | None = None, quarters: tuple[int, int] = (1, 4),
                clusters: Clusters = "auto", assignment: Assignment = "unit") -> pd.DataFrame:
    """Average effect at every event time, weighted by treated units; one row per event time.

    Parameters
    ----------
    cohorts, quarters
        'complete' keeps the composition of the headline over `quarters`; None takes at each event time the cohorts there are.

    Returns
    -------
    DataFrame
        `outcome, cohort` (-1: several), `period` (-1), `event_time, estimate, std_error, lower, upper, n_treated, n_comparison`, `phase` ('before',
        'base', 'left_out', 'after') and `reason`. The base is an exact 0 without an interval.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    mask = _cohort_mask(effects, cohorts, quarters)
    rows = []
    for e in effects.event_times:
        cells = mask & (effects.cells["event_time"].to_numpy() == e)
        is_base = bool((cells & (effects.cells["status"] == "base").to_numpy()).any()) and not (cells & _estimated(effects)).any()
        found = estimate_of(effects, average(effects, cells, base_too=is_base), clusters=clusters, assignment=assignment)
        if is_base:
            found = replace(found, estimate=0.0, std_error=float("nan"), lower=float("nan"), upper=float("nan"), reason="base period")
        rows.append((effects.outcome, -1, -1, int(e), found.estimate, found.std_error, found.lower, found.upper, found.n_treated, found.n_comparison,
                     "base" if is_base else phase(int(e), effects.anticipation), found.reason))
    return pd.DataFrame(rows, columns=[*TABLE, "phase", "reason"])


def by_council(effects: Effects, *, quarters: tuple[int, int] = (1, 4), cohorts: Sequence[int] | Literal["complete"] | None = "complete",
               clusters: Clusters = "auto", assignment: Assignment = "unit", by: Literal["council_code", "area"] = "council_code") -> pd.DataFrame:
    """Average effect on each council's (or area's) treated units; one row each.

    Returns
    -------
    DataFrame
        The council or area, the columns of an `Estimate`, and `share_within`: the share of comparison weight from the same council or area. An
        interval of sets or units stands alone only where `share_within` is 1; with comparison units from outside it leaves out shocks between
        councils.

    Raises
    ------
    EstimationError
        The estimator adjusts for covariates or has no row weights, so that its effects cannot be told apart by council.
    """
    if effects.row_weight is None or effects.adjusted:
        raise EstimationError(f"Effects by council need an estimator whose rows say whom they describe: {effects.estimator!r} is not one. "
                              "Use `matched_did` for effects by council.")
    if cluster_names(effects, clusters, assignment) == ("unit",):
        effects = effects.each_unit()
    cells = chosen_cells(effects, quarters=quarters, cohorts=cohorts)
    places = effects.rows[by].to_numpy()
    treated = effects.rows["treated"].to_numpy()
    rows = []
    for place in pd.unique(places[treated]):
        found = average(effects, cells, treated_rows=treated & (places == place))
        estimate = estimate_of(effects, found, clusters=clusters, assignment=assignment)
        rows.append({by: place, **{name: getattr(estimate, name) for name in Estimate.__slots__},
                     "share_within": _share_within(effects, cells, places, place)})
    return pd.DataFrame(rows).sort_values(by, ignore_index=True)


def aggregate(effects: Effects, kind: Literal["simple", "event", "cohort", "calendar"], *, balanced: int | None = None, clusters: Clusters = "auto",
              assignment: Assignment = "unit") -> tuple[pd.DataFrame, Estimate]:
    """The four summaries of Callaway and Sant'Anna (2021, section 3) of the cells from entry on: parts, and their average.

    'simple' weights cells by treated units; 'event' and 'calendar' average their parts equally; 'cohort' by treated units.

    Parameters
    ----------
    balanced : int, optional
        With 'event': only cohorts that the panel follows for so many periods after entry, at event times up to it (and from as many periods
        before as every such cohort has), so that the same cohorts stand behind every event time.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    if balanced is not None:
        effects = _followed(effects, balanced)
    cells = _estimated(effects) & (effects.cells["event_time"].to_numpy() >= 0)
    if kind == "simple":
        whole = estimate_of(effects, average(effects, cells), clusters=clusters, assignment=assignment)
        return pd.DataFrame(columns=["value", "estimate", "std_error"]), whole
    label = effects.cells[{"event": "event_time", "cohort": "cohort", "calendar": "period"}[kind]].to_numpy()
    within = _estimated(effects) if kind == "event" else cells
    scale = np.ones(len(label))
    if kind == "cohort":                       # equal weights inside a cohort, treated units between cohorts
        size = pd.Series(cells.astype(float)).groupby(label).transform("sum").to_numpy()
        scale = np.divide(1.0, size, out=np.zeros(len(size)), where=size > 0)
    parts = {value: average(effects, within & (label == value)) for value in np.unique(label[within])}
    after = [part for value, part in parts.items() if kind != "event" or value >= 0]
    whole = average(effects, cells, scale=scale) if kind == "cohort" else mean_of(after)
    shown = {value: estimate_of(effects, part, clusters=clusters, assignment=assignment) for value, part in parts.items()}
    table = pd.DataFrame([(value, found.estimate, found.std_error) for value, found in shown.items()], columns=["value", "estimate", "std_error"])
    return table, estimate_of(effects, whole, clusters=clusters, assignment=assignment)


def _followed(effects: Effects, periods: int) -> Effects:
    """Effects of which only the cells of a balanced event study stay estimated."""
    cells = effects.cells
    last = int(cells["period"][_estimated(effects)].max())
    stays = (last - cells["cohort"] >= periods) & cells["event_time"].between(periods - last, periods)
    return replace(effects, cells=cells.assign(status=cells["status"].where(stays, "not_chosen")))


def chosen_cells(effects: Effects, *, quarters: tuple[int, int], cohorts: Sequence[int] | Literal["complete"] | None) -> np.ndarray:
    """Estimated cells of the cohorts and event times asked for, as a mask over `effects.cells`."""
    if quarters[0] > quarters[1]:
        raise PlanError(f"`headline.quarters` must run from an earlier to a later event time: they are {quarters[0]} to {quarters[1]}. "
                        "Mend the plan.")
    e = effects.cells["event_time"].to_numpy()
    return _estimated(effects) & _cohort_mask(effects, cohorts, quarters) & ((e >= quarters[0]) & (e <= quarters[1]) | (effects.row_weight is None))


def complete_cohorts(effects: Effects, quarters: tuple[int, int]) -> list[int]:
    """Entry columns of cohorts for which every event time of `quarters` is estimated, or falls where the outcome is not collected."""
    cells = effects.cells
    if effects.row_weight is None:
        return sorted(set(cells["cohort"]))
    wanted = cells[cells["event_time"].between(*quarters)]
    whole = wanted["status"].isin(["estimated", "not_collected"]).groupby(wanted["cohort"]).agg(["all", "size"])
    some = (wanted["status"] == "estimated").groupby(wanted["cohort"]).any()
    keep = whole["all"] & (whole["size"] == quarters[1] - quarters[0] + 1) & some
    return [int(g) for g in keep.index[keep]]


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
    cells = cells & (_estimated(effects) | (base_too & (effects.cells["status"] == "base").to_numpy()))
    none = np.zeros(len(effects.rows))
    if not cells.any():
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="no cell could be estimated")
    if effects.row_weight is None:
        return _of_fixed_weights(effects, np.where(cells, effects.cells["weight"], 0.0))
    asked = np.isin(effects.event_times, effects.cells["event_time"].to_numpy()[cells])
    effects = replace(effects, event_times=effects.event_times[asked], influence=effects.influence[:, asked], row_weight=effects.row_weight[:, asked])
    grid = _Grid.of(effects)
    share = grid.spread(cells * (1.0 if scale is None else scale)) * effects.row_weight
    treated = effects.rows["treated"].to_numpy()
    focal = np.where((treated if treated_rows is None else treated & treated_rows)[:, None], share, 0.0)
    size = cells * (1.0 if scale is None else scale) * effects.cells["weight"].to_numpy()
    total = size.sum() if treated_rows is None else focal.sum()
    if not total > 0:
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="no treated unit is observed")
    if treated_rows is None:
        att = grid.spread(np.nan_to_num(effects.cells["estimate"].to_numpy()))
        value = float(size @ np.nan_to_num(effects.cells["estimate"].to_numpy()) / total)
        coefficient = grid.spread(size) / total
        contribution = (coefficient * effects.influence + focal * (att - value) / total).sum(axis=1)
        return Summary(value=value, contribution=contribution, enters=(share != 0).any(axis=1) | (contribution != 0))
    return _of_some_treated(effects, grid, focal, total, treated)


def mean_of(parts: Sequence[Summary], weights: np.ndarray | None = None) -> Summary:
    """A fixed weighting of summaries of the same effects; the plain mean by default. Weights need not sum to 1 (a contrast)."""
    w = np.full(len(parts), 1 / len(parts)) if weights is None else np.asarray(weights, dtype=float)
    return Summary(value=float(sum(a * part.value for a, part in zip(w, parts, strict=True))),
                   contribution=sum(a * part.contribution for a, part in zip(w, parts, strict=True)),
                   enters=np.logical_or.reduce([part.enters for part in parts]), reason=next((part.reason for part in parts if part.reason), ""))


def estimate_of(effects: Effects, summary: Summary, *, clusters: Clusters = "auto", assignment: Assignment = "unit") -> Estimate:
    """A summary with its cluster-robust interval."""
    names = cluster_names(effects, clusters, assignment)
    treated = effects.rows["treated"].to_numpy()
    n_treated, n_comparison = (_count_units(effects, summary.enters & side) for side in (treated, ~treated))
    words = " and ".join(IN_WORDS[name] for name in names)
    if summary.reason:
        return _without_interval(summary.value, n_treated, n_comparison, words, 0, summary.reason)
    codes = [cluster_codes(effects, name)[summary.enters] for name in names]
    counts = [count_of(effects, name, summary.enters) for name in names]
    with_treated = [count_of(effects, name, summary.enters & treated) for name in names]
    n = min(counts)
    if n < 2:
        return _without_interval(summary.value, n_treated, n_comparison, words, n, f"one cluster of {words} gives no standard error")
    if min(with_treated) < 2:
        return _without_interval(summary.value, n_treated, n_comparison, words, n, f"one treated cluster of {words} gives no standard error")
    variance = float(covariance_of(summary.contribution[summary.enters, None], codes, counts)[0, 0])
    std_error = np.sqrt(max(variance, 0.0))
    if not std_error > NO_SPREAD * max(abs(summary.value), np.finfo(float).tiny):
        return _without_interval(summary.value, n_treated, n_comparison, words, n, "a standard error of zero is no measure of uncertainty")
    df = float(degrees_of_freedom(effects, summary.enters, names))
    if df < 1:
        return _without_interval(summary.value, n_treated, n_comparison, words, n, f"too few clusters of {words} on one side for a standard error")
    half = float(stdtrit(df, 0.5 + LEVEL / 2)) * std_error
    return Estimate(estimate=summary.value, std_error=float(std_error), lower=summary.value - half, upper=summary.value + half, df=df,
                    p_value=float(2 * stdtr(df, -abs(summary.value) / std_error)), n_treated=n_treated, n_comparison=n_comparison, clusters=words,
                    n_clusters=n, method="CR1 cluster-robust" if len(names) == 1 else "CR1 two-way cluster-robust")


def cluster_names(effects: Effects, clusters: Clusters, assignment: Assignment) -> tuple[str, ...]:
    """What is clustered on: one dimension, or unit and set."""
    if clusters not in ("auto", "set", "unit", "unit_and_set", "area", "council"):
        raise PlanError(f"`estimator.cluster` must be auto, set, unit, unit_and_set, area or council: it is {clusters!r}. Mend the plan.")
    has_sets = bool((effects.rows["set"].to_numpy() >= 0).all())
    if clusters in ("set", "unit_and_set") and not has_sets:
        raise PlanError(f"`estimator.cluster: {clusters}` needs matched sets: {effects.estimator!r} has none. Use auto or unit.")
    if clusters == "unit_and_set":
        return ("unit", "set")
    if clusters != "auto":
        return (clusters,)
    if assignment == "area":
        return ("area",)
    if not has_sets or not effects.sets_are_clusters:
        return ("unit",)
    return ("unit", "set") if effects.rows["unit"].duplicated().any() else ("set",)


def cluster_codes(effects: Effects, name: str) -> np.ndarray:
    """Cluster of each row, an integer from 0 up (-1 for `set` where there are none).

    Raises
    ------
    EstimationError
        Rows are sums by place and units are asked for: `Effects.at` gives the rows for them.
    """
    if name == "unit" and (effects.rows["unit"] < 0).any():
        raise EstimationError("Errors clustered on units need rows by unit: these are sums by place. Take `effects.at(('unit',))` first.")
    column = effects.rows[{"council": "council_code"}.get(name, name)].to_numpy()
    return column if column.dtype.kind == "i" else pd.factorize(column)[0]


def covariance_of(contributions: np.ndarray, codes: Sequence[np.ndarray], counts: Sequence[int] | None = None) -> np.ndarray:
    """CR1 covariance of several numbers from their rows' contributions, shape (n_rows, k), clustered in one or two ways.

    `counts` are the clusters of each way, where rows are sums of several; counted from `codes` otherwise.
    """
    def meat(code: np.ndarray, count: int | None = None) -> np.ndarray:
        sums = np.column_stack([np.bincount(code, weights=column) for column in contributions.T])
        g = count_clusters(code) if count is None else count
        return sums.T @ sums * (g / (g - 1) if g > 1 else 1.0)

    if len(codes) == 1:
        return meat(codes[0], None if counts is None else counts[0])
    both = pd.factorize(codes[0].astype(np.int64) * (int(codes[1].max()) + 1) + codes[1])[0]
    return positive(meat(codes[0]), meat(codes[1]), meat(both))


def positive(one: np.ndarray, two: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Two-way covariance; a difference that is not positive gives way to the larger one-way matrix."""
    joint = one + two - both
    larger = one if np.trace(one) >= np.trace(two) else two
    return joint if np.linalg.eigvalsh(joint).min() > 0 else larger


def count_clusters(code: np.ndarray) -> int:
    """Distinct clusters among integer codes."""
    return int(np.count_nonzero(np.bincount(code))) if len(code) else 0


def _count_units(effects: Effects, rows: np.ndarray) -> int:
    """Distinct units behind some rows."""
    unit, n = effects.rows["unit"].to_numpy()[rows], effects.rows["n_units"].to_numpy()[rows]
    _, first = np.unique(unit, return_index=True)
    return int(round(n[first].sum()))


def count_of(effects: Effects, name: str, rows: np.ndarray) -> int:
    """Distinct clusters among some rows."""
    return _count_units(effects, rows) if name == "unit" else count_clusters(cluster_codes(effects, name)[rows])


def degrees_of_freedom(effects: Effects, enters: np.ndarray, names: Sequence[str]) -> int:
    """G - 1 of the smallest dimension; with areas or councils, of the smaller arm."""
    treated = effects.rows["treated"].to_numpy()
    out = []
    for name in names:
        arms = [enters & treated, enters & ~treated] if name in ("area", "council") else [enters]
        out.append(min(count_of(effects, name, arm) for arm in arms if arm.any()) - 1)
    return min(out)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Carries values of cells to rows by event times."""

    place: np.ndarray          # (n_cohorts, n_event_times): row of cells
    cohort: np.ndarray         # (n_rows,): cohort's place

    @classmethod
    def of(cls, effects: Effects) -> _Grid:
        cohorts = np.unique(effects.cells["cohort"].to_numpy())
        place = np.full((len(cohorts), len(effects.event_times)), -1)
        here = np.flatnonzero(np.isin(effects.cells["event_time"].to_numpy(), effects.event_times))
        cells = effects.cells.iloc[here]
        place[np.searchsorted(cohorts, cells["cohort"].to_numpy()), np.searchsorted(effects.event_times, cells["event_time"].to_numpy())] = here
        return cls(place, np.searchsorted(cohorts, effects.rows["cohort"].to_numpy()))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of cells, shape (n_cells,), at every row and event time."""
        return np.where(self.place >= 0, np.asarray(values, dtype=float)[self.place], 0.0)[self.cohort]


def _of_some_treated(effects: Effects, grid: _Grid, focal: np.ndarray, total: float, treated: np.ndarray) -> Summary:
    """Average over some treated rows: their own changes, and their sets' comparison rows in proportion.

    With w the row weights, W the cell's weight and psi the influence, W psi / w is a treated row's change less its cell's mean; a comparison row's
    W psi is -w (change - mean). Both are centred again in every cell on the means of those who enter here.
    """
    cell_weight, att = grid.spread(effects.cells["weight"].to_numpy()), grid.spread(np.nan_to_num(effects.cells["estimate"].to_numpy()))
    deviation = cell_weight * effects.influence
    key = np.where(effects.rows["set"] >= 0, effects.rows["set"], effects.rows["cohort"])
    key = np.unique(key, return_inverse=True)[1]
    n = int(key.max()) + 1
    asked = np.column_stack([np.bincount(key, weights=column, minlength=n) for column in focal.T])
    there = np.column_stack([np.bincount(key, weights=column, minlength=n) for column in (effects.row_weight * treated[:, None]).T])
    part = np.divide(asked, there, out=np.zeros_like(asked), where=there > 0)[key]
    side = ~treated[:, None] * part
    weight = side * effects.row_weight
    size = _cell_sums(grid, focal)
    shift = _cell_sums(grid, side * deviation)                   # minus the comparison rows' mean deviation in the cell
    shift = np.divide(shift, size, out=np.zeros_like(shift), where=size > 0)[grid.cohort]
    own = np.divide(deviation, effects.row_weight, out=np.zeros_like(deviation), where=treated[:, None] & (effects.row_weight > 0))
    value = float((focal * (own + att + shift)).sum() / total)
    contribution = (focal * (own + att + shift - value) + side * deviation - weight * shift).sum(axis=1) / total
    return Summary(value=value, contribution=contribution, enters=((focal > 0) | (weight > 0)).any(axis=1))


def _cell_sums(grid: _Grid, values: np.ndarray) -> np.ndarray:
    """Sums of rows' values by cohort and event time, shape (n_cohorts, n_event_times)."""
    return np.column_stack([np.bincount(grid.cohort, weights=column, minlength=len(grid.place)) for column in values.T])


def _of_fixed_weights(effects: Effects, weights: np.ndarray) -> Summary:
    """Average of cells with fixed weights: no influence of shares."""
    none = np.zeros(len(effects.rows))
    if weights.shape != (len(effects.cells),) or (weights < 0).any() or not weights.sum() > 0:
        raise PlanError(f"Own weights must be one number of 0 or more for each of the {len(effects.cells):,} cells, and not all 0. "
                        "Mend `headline.weights`.")
    if (~_estimated(effects) & (weights > 0)).any():
        return Summary(value=float("nan"), contribution=none, enters=none > 0, reason="a cell with weight could not be estimated")
    w = weights / weights.sum()
    spread = _Grid.of(effects).spread(w)
    enters = (spread > 0) & (True if effects.row_weight is None else effects.row_weight != 0)
    contribution = (spread * effects.influence).sum(axis=1)
    return Summary(value=float(w @ np.nan_to_num(effects.cells["estimate"].to_numpy())), contribution=contribution,
                   enters=enters.any(axis=1) | (contribution != 0))


def _share_within(effects: Effects, cells: np.ndarray, places: np.ndarray, place: object) -> float:
    """Share of comparison weight that comes from the same place, over the sets of a place's treated rows."""
    treated, sets = effects.rows["treated"].to_numpy(), effects.rows["set"].to_numpy()
    if (sets < 0).any():
        return float("nan")
    weight = (_Grid.of(effects).spread(cells) * effects.row_weight).sum(axis=1)
    home = np.isin(sets, sets[treated & (places == place)]) & ~treated
    return float(weight[home & (places == place)].sum() / weight[home].sum()) if weight[home].sum() > 0 else float("nan")


def _cohort_mask(effects: Effects, cohorts: Sequence[int] | str | None, quarters: tuple[int, int]) -> np.ndarray:
    if cohorts is None:
        return np.ones(len(effects.cells), dtype=bool)
    if isinstance(cohorts, str) and cohorts != "complete":
        raise PlanError(f"`cohorts` must be complete, none, or a list of entry periods: it is {cohorts!r}.")
    chosen = complete_cohorts(effects, quarters) if isinstance(cohorts, str) else list(cohorts)
    return effects.cells["cohort"].isin(chosen).to_numpy()


def _estimated(effects: Effects) -> np.ndarray:
    return (effects.cells["status"] == "estimated").to_numpy()


def _without_interval(value: float, n_treated: int, n_comparison: int, clusters: str, n_clusters: int, reason: str) -> Estimate:
    nan = float("nan")
    return Estimate(estimate=value, std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, n_treated=n_treated, n_comparison=n_comparison,
                    clusters=clusters, n_clusters=n_clusters, method="none", reason=reason)
