"""An event study as its numbers and their covariance alone: all that is needed for other windows, averages, bands and bounds, and nothing of a row.

Made from effects inside the room (`event_numbers`), or read from what has left it. Arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from evaluation.errors import EstimationError, PlanError
from evaluation.models.clusters import Assignment, cluster_names
from evaluation.models.effects import Effects
from evaluation.models.honest import HonestInterval, relative_magnitudes, smoothness
from evaluation.models.honest_path import event_path
from evaluation.models.joint import joint
from evaluation.models.multiplier import SimultaneousBand, gaussian_draws, simultaneous_band
from evaluation.models.summaries import average, chosen_cells

LEVEL = 0.95
FLOOR = 1e-6  # smallest eigenvalue of a correlation matrix that was rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """A linear combination of an event study's numbers with its pointwise 95% interval."""

    estimate: float
    std_error: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNumbers:
    """Effects by event time and the headline, with their joint covariance.

    Attributes
    ----------
    event_times : ndarray of int, shape (k,)
        Without the base, in order.
    values : ndarray, shape (k + 1,)
        Effects at `event_times`, each over the cohorts seen there; then the headline.
    covariance : ndarray, shape (k + 1, k + 1)
    base : int or None
        Event time at which the effect is 0.
    anticipation : int
        Periods before entry that are neither before nor after.
    headline : (int, int)
        First and last event time of the headline.
    df : float
        Degrees of freedom of t.
    n_clusters : int
        Clusters behind the covariance.
    clusters : str
        What was clustered on.
    """

    event_times: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    base: int | None
    anticipation: int
    headline: tuple[int, int]
    df: float
    n_clusters: int = 0
    clusters: str = ""

    def __post_init__(self) -> None:
        k = len(self.event_times) + 1
        if np.shape(self.values) != (k,) or np.shape(self.covariance) != (k, k):
            raise PlanError(f"An event study of {k - 1} event times and a headline needs {k} values and a covariance of {k} by {k}.")

    def std_errors(self) -> np.ndarray:
        """Standard error of each number, shape (k + 1,)."""
        return np.sqrt(np.diag(self.covariance))

    def combined(self, weights: np.ndarray) -> Combined:
        """Any linear combination; weights of shape (k + 1,)."""
        value, error = float(weights @ self.values), float(np.sqrt(weights @ self.covariance @ weights))
        half = float(stdtrit(self.df, 0.5 + LEVEL / 2)) * error
        return Combined(estimate=value, std_error=error, lower=value - half, upper=value + half,
                        p_value=float(2 * stdtr(self.df, -abs(value) / error)))

    def planned(self) -> Combined:
        """The headline itself."""
        return self.combined(np.eye(len(self.values))[-1])

    def mean_over(self, first: int, last: int) -> Combined:
        """The plain mean of the effects from one event time to another.

        Raises
        ------
        EstimationError
            None of them is there.
        """
        return self.combined(self._window(first, last))

    def _window(self, first: int, last: int) -> np.ndarray:
        there = (self.event_times >= first) & (self.event_times <= last)
        if not there.any():
            raise EstimationError(f"No effect from {first} to {last} is there: event times are {', '.join(map(str, self.event_times))}.")
        return np.append(there / there.sum(), 0.0)

    def band(self, *, rng: np.random.Generator, n_draws: int = 9_999) -> SimultaneousBand:
        """A band that holds the effects at all event times at once with a probability of 95%."""
        covariance = self.covariance[:-1, :-1]
        draws = gaussian_draws(covariance, rng=rng, n_draws=n_draws, df=self.df)
        return simultaneous_band(self.values[:-1], draws, std_error=np.sqrt(np.diag(covariance)), level=LEVEL)

    def before(self) -> np.ndarray:
        """Which event times lie before the base, shape (k,)."""
        if self.base is None:
            raise EstimationError("What was before entry can be judged only with one base period. Use an estimator that has one.")
        return self.event_times < self.base

    def test_before(self) -> tuple[float, int, float]:
        """Joint test that nothing differed before the base (Hotelling's): F, degrees of freedom of the numerator, p value."""
        chosen = np.flatnonzero(self.before())
        theta, v = self.values[chosen], self.covariance[np.ix_(chosen, chosen)]
        k = len(chosen)
        if not k or self.df <= k:
            raise EstimationError(f"{k} effects before the base cannot be tested together with {self.df:.0f} degrees of freedom.")
        f = float(theta @ np.linalg.solve(v, theta)) / k
        if np.isfinite(self.df):
            f *= (self.df - k + 1) / self.df
            return f, k, float(fdtrc(k, self.df - k + 1, f))
        return f, k, float(fdtrc(k, 1e12, f))

    def less_trend(self) -> Combined:
        """The headline less the straight continuation of the drift before the base (generalised least squares through it)."""
        chosen = np.flatnonzero(self.before())
        if not len(chosen):
            raise EstimationError("No effect before the base is there, so no drift can be continued.")
        distance = self.event_times[chosen] - float(self.base)
        precision = np.linalg.inv(self.covariance[np.ix_(chosen, chosen)])
        weights = np.eye(len(self.values))[-1]
        reach = (self.headline[0] + self.headline[1]) / 2 - self.base
        weights[chosen] = -reach * (precision @ distance) / (distance @ precision @ distance)
        return self.combined(weights)

    def robust(self, restriction: Literal["relative", "smooth"], bounds: Sequence[float], *, first: int, last: int) -> HonestInterval:
        """Robust intervals of a window's mean when trends were not quite parallel (`honest.py`); periods between base and entry are left out."""
        self.before()
        there = np.flatnonzero(self.event_times <= last)
        path = event_path(self.values[there], self.covariance[np.ix_(there, there)], self.event_times[there], base=self.base, headline=(first, last))
        return {"relative": relative_magnitudes, "smooth": smoothness}[restriction](path, bounds, df=self.df)


def event_numbers(effects: Effects, *, quarters: tuple[int, int], assignment: Assignment = "unit") -> EventNumbers:
    """The numbers of effects, clustered as their headline is.

    Raises
    ------
    EstimationError
        There is no headline, or no covariance.
    """
    names = cluster_names(effects, "auto", assignment)
    effects = effects.at(names)
    times, e = effects.cells["event_time"].to_numpy(), {}
    for time in sorted(set(times.tolist())):
        part = average(effects, times == time)
        if not part.reason and part.contribution.any():
            e[int(time)] = part
    parts = {str(time): (effects, part) for time, part in e.items()}
    parts["headline"] = (effects, average(effects, chosen_cells(effects, quarters=quarters, cohorts="complete")))
    together = joint(parts, assignment=assignment)
    return EventNumbers(event_times=np.array(list(e), dtype=int), values=together.values, covariance=together.covariance, base=effects.base,
                        anticipation=effects.anticipation, headline=tuple(quarters), df=together.df, n_clusters=together.n_clusters,
                        clusters=" and ".join(names))


def from_correlations(std_errors: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """The covariance of numbers whose standard errors and correlations were rounded: the nearest that has no negative direction.

    Notes
    -----
    Eigenvalues of the correlations under `FLOOR` are raised to it, and the diagonal is brought back to 1.
    """
    values, vectors = np.linalg.eigh((correlations + correlations.T) / 2)
    mended = (vectors * np.maximum(values, FLOOR)) @ vectors.T
    scale = std_errors / np.sqrt(np.diag(mended))
    return mended * np.outer(scale, scale)
