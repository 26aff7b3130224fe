"""Robust intervals for an effect when trends were not parallel, but not too different either (Rambachan and Roth).

Arrays in, arrays out. The two ways to say 'not too different' have a file each: `honest_relative` (steps no larger than those seen before) and
`honest_smooth` (bends no larger than M). Both need the joint covariance of the event study and one base period before entry.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from evaluation.errors import PlanError
from evaluation.models.honest_path import EventPath
from evaluation.models.honest_relative import relative_end, relative_identified
from evaluation.models.honest_smooth import smooth_identified, smooth_limits

LEVEL = 0.95
RELATIVE_BOUNDS = (0.0, 0.5, 1.0, 1.5, 2.0)
FIRST_TRIES, TRIES, ROUNDS, DOUBLINGS = 17, 9, 5, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HonestInterval:
    """Robust intervals of one effect, by how far trends may have differed.

    Attributes
    ----------
    restriction : 'relative' or 'smooth'
    bounds : ndarray, shape (m,)
        Mbar (a multiple of the largest step before) or M (the largest bend, in the outcome's unit per period squared).
    lower, upper : ndarray, shape (m,)
        Ends of the robust interval in the outcome's unit.
    identified_lower, identified_upper : ndarray, shape (m,)
        What the effect could be if the event study were known without error; NaN where the periods before contradict the bound.
    estimate, original_lower, original_upper : float
        The effect if trends were parallel, with its usual interval.
    breakdown : float
        The largest bound at which the robust interval still excludes 0; NaN where not even the interval at bound 0 does.
    seen_before : float
        The largest step per period (relative) or bend (smooth; NaN with one period before) among the estimates before entry: the scale of `bounds`.
    weights : ndarray, shape (n_after,)
        The effect is this weighting of the periods after.
    after : ndarray, shape (n_after,)
        Their event times.
    """

    restriction: Literal["relative", "smooth"]
    bounds: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    identified_lower: np.ndarray
    identified_upper: np.ndarray
    estimate: float
    original_lower: float
    original_upper: float
    breakdown: float
    seen_before: float
    weights: np.ndarray
    after: np.ndarray


def relative_magnitudes(path: EventPath, bounds: Sequence[float] = RELATIVE_BOUNDS, *, level: float = LEVEL,
                        df: float | None = None) -> HonestInterval:
    """Robust intervals if the steps of the difference in trends after entry are at most Mbar times the largest step before it.

    Parameters
    ----------
    path : EventPath
        The event study and the effect asked for.
    bounds : sequence of float
        Values of Mbar, >= 0; 1 says 'no worse than the worst step before entry'.
    level : float
        Coverage that is held when the restriction is true.
    df : float, optional
        Degrees of freedom of the errors: the covariance is multiplied by the square of the ratio of Student's to the normal quantile, so that the
        interval at Mbar = 0 is Student's. The paper has normal errors with known covariance (None); with few clusters that is too short.

    Returns
    -------
    HonestInterval

    Raises
    ------
    PlanError
        A bound is negative or not finite, `level` is not between 0 and 1, or `df` is not above 0.

    Notes
    -----
    Conditional and least-favourable hybrid test (kappa = alpha / 10) of every value, on the moments of the periods after, inverted; the union over
    which step before was the largest, and its sign (see `honest_relative`). Ends of the smallest interval that holds the set.

    References
    ----------
    Rambachan and Roth (2023), section 3 and Delta^RM of section 2.4.1, DOI 10.1093/restud/rdad018; Andrews, Roth and Pakes (2023),
    DOI 10.1093/restud/rdac062. Checked against the bounds printed by R HonestDiD for the Medicaid example and against HonestDiD 0.2.6.
    """
    def excludes(mbar: np.ndarray) -> np.ndarray:
        return side * relative_end(scaled, mbar, 1 - level, -side) > 0

    side = float(np.sign(path.effect()))
    scaled = _scaled(path, level, df)
    mbar = _checked(bounds, level)
    seen = float(np.abs(path.steps_before()).max())
    limits = tuple(relative_end(scaled, mbar, 1 - level, end) for end in (-1.0, 1.0))
    return _result("relative", path, scaled, mbar, limits, relative_identified(path, mbar), breakdown(excludes, 1.0), seen, level)


def smoothness(path: EventPath, bounds: Sequence[float], *, level: float = LEVEL, df: float | None = None) -> HonestInterval:
    """Robust intervals if the slope of the difference in trends changes by at most M between one period and the next.

    M = 0 continues the straight line. Parameters, returns and errors are as in `relative_magnitudes`, `bounds` being values of M in the outcome's
    unit per period squared.

    Raises
    ------
    EstimationError
        The covariance of the bends before entry is singular: fewer clusters than periods.

    Notes
    -----
    The fixed-length interval: of all linear estimators, the one whose interval, widened for its largest possible bias, is shortest. Found exactly,
    along the path on which bias is traded for variance (see `honest_smooth`).

    References
    ----------
    Rambachan and Roth (2023), section 4.1 and Delta^SD of section 2.4.2, DOI 10.1093/restud/rdad018. Checked against the bounds printed by R
    HonestDiD for the Medicaid example and against HonestDiD 0.2.6.
    """
    def excludes(m: np.ndarray) -> np.ndarray:
        lower, upper = smooth_limits(scaled, m, 1 - level)
        return (lower > 0) | (upper < 0)

    scaled = _scaled(path, level, df)
    m, bends = _checked(bounds, level), path.bends_before()
    seen = float(np.abs(bends).max()) if len(bends) else float("nan")
    return _result("smooth", path, scaled, m, smooth_limits(scaled, m, 1 - level), smooth_identified(path, m),
                   breakdown(excludes, scaled.std_error()), seen, level)


def _result(restriction: Literal["relative", "smooth"], path: EventPath, scaled: EventPath, bounds: np.ndarray,
            limits: tuple[np.ndarray, np.ndarray], identified: tuple[np.ndarray, np.ndarray], breaks: float, seen: float,
            level: float) -> HonestInterval:
    half = float(-ndtri((1 - level) / 2)) * scaled.std_error()
    return HonestInterval(restriction=restriction, bounds=bounds, lower=limits[0], upper=limits[1], identified_lower=identified[0],
                          identified_upper=identified[1], estimate=path.effect(), original_lower=path.effect() - half,
                          original_upper=path.effect() + half, breakdown=breaks, seen_before=seen, weights=path.weights,
                          after=path.after)


def breakdown(excludes: Callable[[np.ndarray], np.ndarray], scale: float) -> float:
    """The largest bound up to which every interval excludes 0; NaN where the interval at bound 0 holds it.

    Parameters
    ----------
    excludes : function of an array of bounds
        Whether the interval at each excludes 0.
    scale : float
        A first guess of the size of the bound; any positive number.

    Notes
    -----
    Tries outwards from 0, so that a larger bound at which a test happens to reject again is not counted; then narrows to about 1e-5 of the range
    that was tried first.
    """
    if not excludes(np.zeros(1))[0]:
        return float("nan")
    low, high = 0.0, scale
    for _ in range(DOUBLINGS):
        low, high, found = _narrowed(excludes, low, high, FIRST_TRIES)
        if found:
            break
        low, high = high, 2 * high
    else:
        return float("inf")
    for _ in range(ROUNDS):
        low, high, _ = _narrowed(excludes, low, high, TRIES)
    return (low + high) / 2


def _narrowed(excludes: Callable[[np.ndarray], np.ndarray], low: float, high: float, n: int) -> tuple[float, float, bool]:
    """The first of n - 1 slices of a range at whose end 0 is held, and whether there is one; else the range itself."""
    tries = np.linspace(low, high, n)
    holds = ~excludes(tries[1:])
    if not holds.any():
        return low, high, False
    first = int(np.argmax(holds))
    return float(tries[first]), float(tries[first + 1]), True


def _scaled(path: EventPath, level: float, df: float | None) -> EventPath:
    """The event study with its covariance widened for degrees of freedom."""
    if df is None or np.isinf(df):
        return path
    if not df > 0:
        raise PlanError(f"Degrees of freedom must be above 0, not {df}. Leave `df` out for normal errors.")
    tail = (1 - level) / 2
    return replace(path, covariance=path.covariance * float(stdtrit(df, tail) / ndtri(tail)) ** 2)


def _checked(bounds: Sequence[float], level: float) -> np.ndarray:
    values = np.atleast_1d(np.asarray(bounds, dtype=float))
    if not len(values) or not (np.isfinite(values) & (values >= 0)).all():
        raise PlanError("Bounds on the difference in trends must be numbers of 0 or more, at least one. Mend `bounds`.")
    if not 0 < level < 1:
        raise PlanError(f"A level lies between 0 and 1, not {level}. Mend `level`.")
    return values


__all__ = ["EventPath", "HonestInterval", "breakdown", "relative_magnitudes", "smoothness"]
