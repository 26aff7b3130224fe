"""The fixed-length interval when the slope of the difference in trends may change by at most M per period (Delta^SD).

Write b for the estimated bends before the base and y for the effect less the continued last slope before it. Every estimator whose bias is bounded
is y - z'b for some z, and its largest bias is M (K + |z_1| + |z_2| + ...), where K comes from the bends from the base onwards, which nothing tells.
So the estimators that trade bias for variance best are a lasso path: z minimises var(y - z'b) / 2 + mu (|z_1| + ...), and mu runs from 0 (least
variance) to where z = 0 (least bias). The path is straight between knots and does not depend on M.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from evaluation.errors import EstimationError
from evaluation.models.honest_path import EventPath

SLICES = 12                 # tries in each straight piece of the path before the golden section
GOLDEN = (np.sqrt(5) - 1) / 2
SAME = 1e-10                # events nearer than this (relative) to the last are the last: what entered has left 0, what left has not come back


def smooth_limits(path: EventPath, m: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the shortest fixed-length interval for each M, shape (n_m,) each.

    Raises
    ------
    EstimationError
        The covariance of the bends before is singular.
    """
    bends, line = path.bend_rows_before(), _line_row(path)
    v = path.covariance
    r, q = bends @ v @ line, bends @ v @ bends.T
    if len(q) and np.linalg.matrix_rank(q) < len(q):
        raise EstimationError(f"{len(q)} bends before entry move together: fewer clusters than periods. Shorten `periods` or cluster more finely.")
    knots = lasso_knots(q, r)
    known, variance = _unknown_bends(path), float(line @ v @ line)

    def half_length(place: np.ndarray) -> np.ndarray:
        z = _on_path(knots, place)
        spread = np.sqrt(np.maximum(variance - 2 * z @ r + np.einsum("...i,ij,...j->...", z, q, z), 0))
        return spread * folded_quantile(m * (known + np.abs(z).sum(axis=-1)) / spread, alpha)

    place = _lowest(half_length, len(m), len(knots) - 1)
    centre = float(line @ path.estimates) - _on_path(knots, place) @ path.bends_before()
    half = half_length(place)
    return centre - half, centre + half


def smooth_identified(path: EventPath, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the effect could be for each M if the event study were known; NaN where bends before exceed M."""
    centre, half = float(_line_row(path) @ path.estimates), m * _unknown_bends(path)
    bends = np.abs(path.bends_before())
    fits = m >= (bends.max() if len(bends) else 0.0)
    return np.where(fits, centre - half, np.nan), np.where(fits, centre + half, np.nan)


def folded_quantile(bias: np.ndarray, alpha: float) -> np.ndarray:
    """The 1 - alpha quantile of |N(bias, 1)|, bias >= 0.

    Newton's steps from above the root, where the distribution function is concave, so that none overshoots.
    """
    bias = np.asarray(bias, dtype=float)
    c = bias - ndtri(alpha / 2)
    for _ in range(60):
        density = np.exp(-0.5 * (c - bias) ** 2) + np.exp(-0.5 * (c + bias) ** 2)
        step = (ndtr(c - bias) - ndtr(-c - bias) - (1 - alpha)) / (density / np.sqrt(2 * np.pi))
        c = c - step
        if np.abs(step).max(initial=0.0) < 1e-13:
            break
    return c


def lasso_knots(q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Knots of the path of z that minimise z'qz / 2 - r'z + mu |z|_1 as mu falls from the largest |r| to 0, shape (n_knots, k).

    Between neighbouring rows the solution is straight. `q` is positive definite.

    References
    ----------
    Osborne, Presnell and Turlach (2000), DOI 10.1093/imanum/20.3.389: one coordinate enters or leaves at each knot.
    """
    k = len(r)
    knots, active, sign = [np.zeros(k)], np.zeros(k, dtype=bool), np.zeros(k)
    mu = float(np.abs(r).max()) if k else 0.0
    if mu > 0:
        first = int(np.argmax(np.abs(r)))
        active[first], sign[first] = True, np.sign(r[first])
    while mu > 0:
        level, fall = np.zeros(k), np.zeros(k)                       # z = level - mu * fall
        block = q[np.ix_(active, active)]
        level[active], fall[active] = np.linalg.solve(block, r[active]), np.linalg.solve(block, sign[active])
        mu, changed, new = _next_event(q, r, active, level, fall, mu)
        z = level - mu * fall
        if changed >= 0:
            active[changed], sign[changed] = new != 0, new
            z[changed] = 0.0
        knots.append(np.where(active, z, 0.0))
    return np.array(knots)


def _next_event(q: np.ndarray, r: np.ndarray, active: np.ndarray, level: np.ndarray, fall: np.ndarray, mu: float) -> tuple[float, int, float]:
    """The largest mu below the present one at which a coordinate enters (with a sign) or leaves (sign 0); mu 0 and -1 where there is none."""
    best, changed, new = 0.0, -1, 0.0
    below = mu * (1 - SAME)
    gap, tilt = r - q @ level, q @ fall                               # gradient of the fit: gap + mu * tilt
    for j in range(len(r)):
        if active[j]:
            tries = [(level[j] / fall[j], 0.0)] if fall[j] else []
        else:
            tries = [(gap[j] / (s - tilt[j]), s) for s in (1.0, -1.0) if abs(s - tilt[j]) > SAME]
        for at, s in tries:
            if best < at < below:
                best, changed, new = float(at), j, s
    return best, changed, new


def _line_row(path: EventPath) -> np.ndarray:
    """The effect less the last slope before the base, continued."""
    far = float(path.reach() @ path.lengths()[len(path.before):])
    return path.effect_row() - far * path.slope_rows_before()[-1]


def _unknown_bends(path: EventPath) -> float:
    """Largest bias of the continued line per unit of M: by the bends at the base and after it."""
    p = len(path.before)
    carried = path.reach() * path.lengths()[p:]
    left = np.cumsum(carried[::-1])[::-1]
    return float(np.abs(left) @ path.bend_lengths()[p - 1:])


def _on_path(knots: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Points of the path at places 0 (first knot) to n_knots - 1 (last)."""
    low = np.minimum(place.astype(int), max(len(knots) - 2, 0))
    high = np.minimum(low + 1, len(knots) - 1)
    part = (place - low)[..., None]
    return knots[low] * (1 - part) + knots[high] * part


def _lowest(half_length: Callable[[np.ndarray], np.ndarray], n: int, last: int) -> np.ndarray:
    """Where on the path each of n half-lengths is least: a scan, then a golden section (a half-length along the path has one valley)."""
    tries = np.linspace(0.0, last, last * SLICES + 1)
    best = tries[np.argmin(half_length(np.broadcast_to(tries[:, None], (len(tries), n))), axis=0)]
    low, high = np.maximum(best - 1 / SLICES, 0.0), np.minimum(best + 1 / SLICES, last)
    for _ in range(45):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        left = half_length(a) <= half_length(b)
        low, high = np.where(left, low, a), np.where(left, b, high)
    ends = np.array([best, (low + high) / 2])
    return ends[np.argmin([half_length(one) for one in ends], axis=0), np.arange(n)]
