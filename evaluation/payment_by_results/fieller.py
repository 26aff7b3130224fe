"""The interval of a ratio of two estimates by Fieller's method, which holds when the lower one is not far from 0 and says so when it is near it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio with its interval.

    Attributes
    ----------
    value, lower, upper : float
        NaN limits where there is no bounded interval.
    reason : str
        Why there is none; '' otherwise.
    """

    value: float
    lower: float
    upper: float
    reason: str = ""


def fieller(top: float, bottom: float, covariance: np.ndarray, t: float) -> Ratio:
    """Interval of `top / bottom`: all ratios r for which top - r bottom is within `t` standard errors of 0.

    Parameters
    ----------
    covariance : ndarray, shape (2, 2)
        Of (top, bottom).
    t : float
        Quantile, such as 1.96.

    Notes
    -----
    The limits solve (top - r bottom)^2 = t^2 (v11 - 2 r v12 + r^2 v22). They are bounded only where g = t^2 v22 / bottom^2 is under 1, that is where
    the lower number differs from 0 at the same level; otherwise any ratio, or all but a gap, fits the data.

    References
    ----------
    Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B 16, 175-185,
    doi:10.1111/j.2517-6161.1954.tb00159.x.

    Examples
    --------
    >>> found = fieller(0.45, 0.50, np.diag([0.0004, 0.0004]), 1.96)
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.9, 0.8, 1.012)
    """
    nan = float("nan")
    if not bottom > 0:
        return Ratio(value=nan, lower=nan, upper=nan, reason="the number below the line is 0")
    v11, v12, v22 = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    if not (np.isfinite(covariance).all() and v11 > 0):
        return Ratio(value=top / bottom, lower=nan, upper=nan, reason="there is no standard error")
    a, b, c = bottom**2 - t**2 * v22, top * bottom - t**2 * v12, top**2 - t**2 * v11
    if a <= 0:
        return Ratio(value=top / bottom, lower=nan, upper=nan, reason="the number below the line cannot be told from 0")
    half = np.sqrt(max(b**2 - a * c, 0.0))
    return Ratio(value=top / bottom, lower=float((b - half) / a), upper=float((b + half) / a))
