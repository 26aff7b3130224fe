"""Power by simulation: families that never had the programme, an effect of known size put on some of them, and an estimator asked to find it.

For staggered entry and for binary or count outcomes, where closed forms mislead. Closed forms and the placebo of a matched design are in `power.py`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.special import betaincinv, stdtr

from evaluation.errors import PlanError
from evaluation.models.added_effect import AddedEffect
from evaluation.models.contrasts import outcome_array
from evaluation.panel.types import NEVER, Panel

LEVEL = 0.95                   # of the Monte Carlo intervals


class Estimator(Protocol):
    """An estimate of one draw: `y` (n_units, n_periods), `entry` (n_units,) with -1 for comparison units, `cluster` (n_units,)."""

    def __call__(self, y: np.ndarray, entry: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
        """Estimate, standard error and degrees of freedom; NaN where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDesign:
    """How many units enter a draw, and when the treated join.

    Attributes
    ----------
    n_treated, n_comparison : int
        Units per draw; with assignment by cluster, clusters.
    entries : tuple of int
        Columns in which treated units may join.
    shares : tuple of float
        Share of treated units by entry; equal by default.
    assignment : 'unit' or 'cluster'
        Whether units are treated singly or whole clusters (councils) together.
    """

    n_treated: int
    n_comparison: int
    entries: tuple[int, ...]
    shares: tuple[float, ...] = ()
    assignment: Literal["unit", "cluster"] = "unit"

    def __post_init__(self) -> None:
        shares = self.shares or (1 / len(self.entries),) * len(self.entries) if self.entries else ()
        if self.n_treated < 1 or self.n_comparison < 1 or not self.entries or min(self.entries) < 1 or len(shares) != len(self.entries) \
                or min(shares) < 0 or not sum(shares) > 0 or self.assignment not in ("unit", "cluster"):
            raise PlanError("A simulated design needs treated and comparison units, entry columns from 1 on, a share of 0 or more for each of them, "
                            f"and assignment unit or cluster: it has {self.n_treated} and {self.n_comparison}, {self.entries}, {self.shares} and "
                            f"{self.assignment!r}.")
        object.__setattr__(self, "shares", tuple(share / sum(shares) for share in shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower:
    """Power by size of effect.

    Attributes
    ----------
    sizes : ndarray, shape (n_sizes,)
    power, lower, upper : ndarray, shape (n_sizes,)
        Share of draws whose two-sided test rejects, and its exact (Clopper-Pearson) 95% Monte Carlo interval. At size 0 it's the size of the test.
    true_effect : ndarray, shape (n_sizes,)
        Mean over draws of the effect put on treated units' periods after entry, in the outcome's unit.
    mean_estimate, sd_estimate, mean_std_error : ndarray, shape (n_sizes,)
        A mean estimate far from the true effect is bias; a mean standard error far from the estimates' spread is a wrong error.
    coverage : ndarray, shape (n_sizes,)
        Share of draws whose interval holds that draw's true effect (the mean over all periods after entry).
    n_estimated : ndarray of int, shape (n_sizes,)
        Draws with an estimate and an error; the others count as not detected.
    n_draws : int
    """

    sizes: np.ndarray
    power: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    true_effect: np.ndarray
    mean_estimate: np.ndarray
    sd_estimate: np.ndarray
    mean_std_error: np.ndarray
    coverage: np.ndarray
    n_estimated: np.ndarray
    n_draws: int

    def detectable(self, power: float = 0.8) -> float:
        """The smallest effect (absolute value of `true_effect`) with the power asked for, between sizes by straight lines; NaN if beyond the sizes.

        Negative and positive sizes are read apart; the smaller of the two is given.
        """
        found = [_crossing(np.abs(self.true_effect[side]), self.power[side], power) for side in (self.sizes <= 0, self.sizes >= 0)]
        found = [value for value in found if math.isfinite(value)]
        return min(found) if found else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledDiD:
    """A fast estimator for draws: every entry cohort's change from the base less the never treated units' change, averaged by treated units.

    Attributes
    ----------
    base : int
        Event time of the base period.
    quarters : (int, int)
        Event times averaged.
    errors : 'unit' or 'cluster'
        By unit, on all units less 1; or by cluster (councils), on the smaller arm's clusters less 1.

    Notes
    -----
    The estimate and the errors are those of `GroupTimeATT` with that base, read by `overall` (CR1), where nothing is missing (tested).
    """

    base: int = -4
    quarters: tuple[int, int] = (1, 4)
    errors: Literal["unit", "cluster"] = "unit"

    def __call__(self, y: np.ndarray, entry: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
        treated = entry >= 0
        influence, enters, total, n = np.zeros(len(y)), np.zeros(len(y), dtype=bool), 0.0, 0
        cohorts = np.unique(entry[treated])
        for g in cohorts[(cohorts + self.base >= 0) & (cohorts + self.quarters[1] < y.shape[1])]:
            change = y[:, g + self.quarters[0]:g + self.quarters[1] + 1].mean(axis=1) - y[:, g + self.base]
            a, b = np.flatnonzero((entry == g) & np.isfinite(change)), np.flatnonzero(~treated & np.isfinite(change))
            if len(a) and len(b):
                without = change[b].mean()
                influence[a] = change[a] - without
                influence[b] -= (change[b] - without) * (len(a) / len(b))
                enters[a] = enters[b] = True
                total, n = total + influence[a].sum(), n + len(a)
        if not n:
            return math.nan, math.nan, math.nan
        influence[treated & enters] -= total / n
        return total / n, *self._error(influence / n, enters, treated, cluster)

    def _error(self, influence: np.ndarray, enters: np.ndarray, treated: np.ndarray, cluster: np.ndarray) -> tuple[float, float]:
        """Standard error and degrees of freedom from sums of influence."""
        code = cluster if self.errors == "cluster" else np.arange(len(enters))
        sums = np.bincount(code, weights=influence)
        g, *arms = (len(np.unique(code[side])) for side in (enters, enters & treated, enters & ~treated))
        df = min(arms) - 1
        return (math.sqrt(float(sums @ sums) * g / (g - 1)), float(df)) if df > 0 else (math.nan, math.nan)


def untreated_outcomes(panel: Panel, outcome: str, *, sealed_from: int | None = None, anticipation: int = 1) -> np.ndarray:
    """Outcomes of a panel before any programme: NaN from each unit's entry less the anticipation on, and from `sealed_from` on for all.

    Returns
    -------
    ndarray, shape (n_units, n_periods)
    """
    y = outcome_array(panel, outcome)
    column = np.arange(y.shape[1])
    last = np.where(panel.entry >= 0, panel.entry - anticipation, y.shape[1])
    return np.where(column < np.minimum(last, y.shape[1] if sealed_from is None else sealed_from)[:, None], y, np.nan)


def simulate_power(untreated: np.ndarray, design: SimulatedDesign, *, sizes: Sequence[float], estimate: Estimator, rng: np.random.Generator,
                   added: AddedEffect | None = None, cluster: np.ndarray | None = None, draws: int = 300, size: float = 0.05,
                   progress: Callable[[int, int], None] | None = None) -> SimulatedPower:
    """Power of an estimator by size of effect, on resampled untreated units.

    Parameters
    ----------
    untreated : ndarray, shape (n_units, n_periods)
        Outcomes without the programme (`untreated_outcomes`); NaN where not observed.
    design : SimulatedDesign
    sizes : sequence of float
        Of the effect, on the scale of `added`; 0 gives the size of the test.
    estimate : callable
        As `Estimator`: `PooledDiD`, or `by_spec` for an estimator of a plan.
    cluster : ndarray of int, shape (n_units,), optional
        Councils, from 0 up. With assignment by cluster they are drawn whole; otherwise units are drawn singly and keep their council.
    draws : int
    size : float
        Of the two-sided t test.
    progress : callable, optional
        Called with draws done and draws in all.

    Notes
    -----
    Each draw takes units (or whole clusters) with replacement, treats some of them at random, with entries by the design's shares, adds the effect
    from entry on and estimates. All sizes of a draw share units, entries and random numbers, so that the curve is smooth. Draws are independent
    streams. As the assignment is random, selection, matching and trends that differ are not in it: power is that of the estimator where its
    assumption holds.

    Raises
    ------
    PlanError
        The design asks for entries outside the periods, or a size would take outcomes out of their range.
    """
    y = np.asarray(untreated, dtype=float)
    cluster = np.zeros(len(y), dtype=np.int64) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    sizes, added = np.asarray(sizes, dtype=float), added or AddedEffect()
    _check_draws(y, design, cluster, draws)
    could_be_treated = y[:, min(design.entries):]
    for one in sizes:
        added.check(could_be_treated, float(one))
    mean = _mean(could_be_treated)
    found = np.full((4, draws, len(sizes)), np.nan)            # estimate, standard error, degrees of freedom, true effect
    for i, (first, second) in enumerate(rng.integers(0, 2**63, (draws, 2))):
        units, entry, code = _draw(y, design, cluster, np.random.default_rng(first))
        after = (entry >= 0)[:, None] & (np.arange(y.shape[1]) >= entry[:, None])
        for j, one in enumerate(sizes):
            values = units.copy()
            values[after] = added.added(units[after], float(one), np.random.default_rng(second), mean=mean)
            found[:3, i, j] = estimate(values, entry, code)
            found[3, i, j] = _mean(values[after] - units[after])
        if progress is not None:
            progress(i + 1, draws)
    return _summarised(sizes, *found, size=size)


def by_spec(spec: object, *, quarters: tuple[int, int] = (1, 4), calendar: Sequence[int] = (), assignment: Literal["unit", "area"] = "unit",
            **reading: object) -> Estimator:
    """An estimator of whole panels (`UnmatchedDiD`, `GroupTimeATT`, `TwoWay`, ...) as `simulate_power` asks for it.

    Parameters
    ----------
    spec : estimator with `fit(panel, outcome, calendar=)`
    quarters, assignment, reading
        As in `inference.overall`.
    """
    from evaluation.models.inference import overall

    def estimate(y: np.ndarray, entry: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
        found = overall(spec.fit(_panel(y, entry, cluster), "y", calendar=calendar), quarters=quarters, assignment=assignment, **reading)
        return found.estimate, found.std_error, found.df

    return estimate


def _draw(y: np.ndarray, design: SimulatedDesign, cluster: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, entries and clusters of one draw."""
    n = design.n_treated + design.n_comparison
    joins = rng.choice(design.entries, design.n_treated, p=design.shares)
    entry = np.concatenate([joins, np.full(design.n_comparison, NEVER)])
    if design.assignment == "unit":
        rows = rng.integers(0, len(y), n)
        return y[rows], entry, cluster[rows]
    order = np.argsort(cluster, kind="stable")
    start, count = np.searchsorted(cluster[order], np.arange(n_clusters := int(cluster.max()) + 1)), np.bincount(cluster)
    chosen = rng.integers(0, n_clusters, n)
    code = np.repeat(np.arange(n), count[chosen])
    within = np.arange(len(code)) - np.repeat(np.cumsum(count[chosen]) - count[chosen], count[chosen])
    return y[order[np.repeat(start[chosen], count[chosen]) + within]], entry[code], code


def _summarised(sizes: np.ndarray, estimate: np.ndarray, std_error: np.ndarray, df: np.ndarray, truth: np.ndarray, *, size: float) -> SimulatedPower:
    known = np.isfinite(estimate) & (std_error > 0) & (df > 0)
    safe = np.where(known, std_error, 1.0), np.where(known, np.minimum(df, 1e12), 1.0)

    def p_value(gap: np.ndarray) -> np.ndarray:
        return 2 * stdtr(safe[1], -np.abs(np.where(known, gap, 0.0)) / safe[0])

    hits, n, draws = (p_value(estimate) < size).sum(axis=0), known.sum(axis=0), len(estimate)
    lower, upper = proportion_interval(hits, draws)
    mean, error = (np.where(known, part, 0.0).sum(axis=0) / np.maximum(n, 1) for part in (estimate, std_error))
    spread = np.sqrt((np.where(known, estimate - mean, 0.0) ** 2).sum(axis=0) / np.maximum(n - 1, 1))
    covered = (known & (p_value(estimate - truth) >= size)).sum(axis=0) / np.maximum(n, 1)
    return SimulatedPower(sizes=sizes, power=hits / draws, lower=lower, upper=upper, true_effect=truth.mean(axis=0), coverage=covered, n_draws=draws,
                          n_estimated=n, **{name: np.where(n > 0, part, np.nan) for name, part in
                                            (("mean_estimate", mean), ("sd_estimate", spread), ("mean_std_error", error))})


def proportion_interval(hits: np.ndarray, draws: int, *, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Clopper-Pearson interval of a share of draws."""
    hits = np.asarray(hits, dtype=float)
    tail = (1 - level) / 2
    lower = np.where(hits > 0, betaincinv(np.maximum(hits, 1e-9), draws - hits + 1, tail), 0.0)
    return lower, np.where(hits < draws, betaincinv(hits + 1, np.maximum(draws - hits, 1e-9), 1 - tail), 1.0)


def _crossing(effect: np.ndarray, power: np.ndarray, wanted: float) -> float:
    order = np.argsort(effect)
    effect, power = effect[order], power[order]
    above = np.flatnonzero(power >= wanted)
    if not len(above) or not len(effect):
        return math.nan
    i = int(above[0])
    if i == 0:
        return float(effect[0]) if effect[0] > 0 else math.nan
    return float(effect[i - 1] + (effect[i] - effect[i - 1]) * (wanted - power[i - 1]) / (power[i] - power[i - 1]))


def _check_draws(y: np.ndarray, design: SimulatedDesign, cluster: np.ndarray, draws: int) -> None:
    if y.ndim != 2 or len(cluster) != len(y) or len(y) < 2 or draws < 1 or max(design.entries) >= y.shape[1]:
        raise PlanError("A simulation needs untreated outcomes of two units or more by periods, a cluster for each, entry columns inside the periods "
                        f"and a draw: outcomes are {y.shape}, clusters {cluster.shape}, the last entry {max(design.entries)}, draws {draws}.")


def _mean(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if seen.size else math.nan


def _panel(y: np.ndarray, entry: np.ndarray, cluster: np.ndarray) -> Panel:
    import pandas as pd

    from evaluation.periods import Periods
    place = np.char.add("C", cluster.astype(str))
    units = pd.DataFrame({"unit_id": np.char.add("U", np.char.zfill(np.arange(len(y)).astype(str), 7)), "council_code": place, "area": place,
                          "pool": "", "entry": entry, "eligible_from": 0, "eligible_to": y.shape[1] - 1})
    return Panel(unit="family", periods=Periods(kind="quarter", first=8000, last=8000 + y.shape[1] - 1), units=units, outcomes={"y": y})
