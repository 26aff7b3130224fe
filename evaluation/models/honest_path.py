"""An event study laid out as steps and bends: what the sensitivity analyses of trends share."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError, PlanError


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPath:
    """Estimates before and after the base period, their covariance, and the effect asked for.

    Attributes
    ----------
    before, after : ndarray, increasing, shape (n_before,) and (n_after,)
        Event times; all of `before` lie before the base, all of `after` behind it. Gaps are allowed: a bound on a step or bend grows with its length.
    base : float
        Event time of the base period, at which the estimate is 0.
    estimates : ndarray, shape (n_before + n_after,)
        In the order of `before`, then `after`; all against the same base.
    covariance : ndarray, shape (n_before + n_after, n_before + n_after)
    weights : ndarray, shape (n_after,)
        The effect asked for is this weighting of the estimates after.
    """

    before: np.ndarray
    after: np.ndarray
    base: float
    estimates: np.ndarray
    covariance: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        k = len(self.before) + len(self.after)
        if not len(self.before) or not len(self.after):
            raise EstimationError("How trends differed before says something only with an estimate before the base and one after entry: "
                                  f"there are {len(self.before)} before and {len(self.after)} after. Lengthen `periods` or move `estimator.base`.")
        if np.shape(self.estimates) != (k,) or np.shape(self.covariance) != (k, k) or np.shape(self.weights) != np.shape(self.after):
            raise PlanError(f"An event study of {k} periods needs {k} estimates, a covariance of {k} by {k}, and a weight for each period after.")
        if not (np.diff(np.concatenate([self.before, [self.base], self.after])) > 0).all():
            raise PlanError("Periods must increase from those before the base, through the base, to those after. Sort them and leave the base out.")
        if not (np.isfinite(self.estimates).all() and np.isfinite(self.covariance).all() and (np.diag(self.covariance) > 0).all()):
            raise EstimationError("Every period of an event study needs an estimate and a standard error above 0. Leave out the periods without.")
        if not np.any(self.weights):
            raise PlanError("The effect asked for must give weight to a period after entry. Mend `weights`.")

    def effect(self) -> float:
        """The effect if trends were parallel."""
        return float(self.weights @ self.estimates[len(self.before):])

    def std_error(self) -> float:
        """Its standard error."""
        a = self.effect_row()
        return float(np.sqrt(a @ self.covariance @ a))

    def effect_row(self) -> np.ndarray:
        """Weights of all estimates in the effect, shape (n_before + n_after,)."""
        return np.concatenate([np.zeros(len(self.before)), self.weights])

    def lengths(self) -> np.ndarray:
        """Length in periods of every step from one event time to the next, the base included, shape (n_before + n_after,)."""
        return np.diff(np.concatenate([self.before, [self.base], self.after]))

    def step_rows(self) -> np.ndarray:
        """Rows that make the change from each event time to the next out of the estimates, shape (n_before + n_after, n_before + n_after)."""
        p, k = len(self.before), len(self.estimates)
        level = np.insert(np.eye(k), p, 0.0, axis=0)
        return np.diff(level, axis=0)

    def slope_rows_before(self) -> np.ndarray:
        """Rows that make the change per period of each step before the base, shape (n_before, n_before + n_after)."""
        p = len(self.before)
        return self.step_rows()[:p] / self.lengths()[:p, None]

    def bend_lengths(self) -> np.ndarray:
        """Distance between the middles of neighbouring steps, shape (n_before + n_after - 1,)."""
        h = self.lengths()
        return (h[:-1] + h[1:]) / 2

    def bend_rows_before(self) -> np.ndarray:
        """Rows that make the change of slope per period between steps before the base, shape (n_before - 1, n_before + n_after)."""
        return np.diff(self.slope_rows_before(), axis=0) / self.bend_lengths()[:len(self.before) - 1, None]

    def steps_before(self) -> np.ndarray:
        """Estimated change per period of each step before the base, shape (n_before,)."""
        return self.slope_rows_before() @ self.estimates

    def bends_before(self) -> np.ndarray:
        """Estimated change of slope per period before the base, shape (n_before - 1,)."""
        return self.bend_rows_before() @ self.estimates

    def reach(self) -> np.ndarray:
        """How much of the effect each step after the base carries (the weights of the periods at its end and later), shape (n_after,)."""
        return np.cumsum(self.weights[::-1])[::-1]


def event_path(estimates: Sequence[float], covariance: np.ndarray, event_times: Sequence[int], *, base: int, headline: tuple[int, int],
               first_after: int = 0) -> EventPath:
    """An event study as the sensitivity analyses take it.

    Parameters
    ----------
    estimates : sequence of float, shape (k,)
    covariance : ndarray, shape (k, k)
        Joint and clustered as the headline's.
    event_times : sequence of int, shape (k,)
        Any order; the base may be among them (its estimate is 0) and is taken out.
    base : int
        One event time for all ('universal'); a base that moves with the event time makes steps, not levels.
    headline : (int, int)
        The effect asked for is the plain mean of the event times from the first to the last.
    first_after : int
        First event time that the programme may have touched (entry less anticipation). Times between the base and this are left out.

    Raises
    ------
    EstimationError, PlanError
        There is nothing before or after, an estimate has no error, or the headline has no observed period.
    """
    times, v = np.asarray(event_times), np.asarray(covariance, dtype=float)
    keep = np.flatnonzero((times < base) | ((times > base) & (times >= first_after)))
    keep = keep[np.argsort(times[keep])]
    before, after = times[keep][times[keep] < base], times[keep][times[keep] > base]
    asked = (after >= headline[0]) & (after <= headline[1])
    if not asked.any():
        raise EstimationError(f"The headline's periods {headline[0]} to {headline[1]} need an estimate after entry: there is none. Mend `quarters`.")
    return EventPath(before=before, after=after, base=base, estimates=np.asarray(estimates, dtype=float)[keep], covariance=v[np.ix_(keep, keep)],
                     weights=asked / asked.sum())
