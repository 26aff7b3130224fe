"""The conditional and least-favourable hybrid test when steps after entry are at most Mbar times the largest step before (Delta^RM).

For one candidate of the largest step before, c = +-(step s), the moments of a period after say: +-(step t) - Mbar h_t c <= 0. The test statistic is
the value of a linear programme over the unknown path of effects; its dual has few vertices, whatever the number of periods. With
x = effect - value tested, W = sum |w_t| h_t (w_t: how much of the effect step t carries, h_t: its length), the statistic is the largest of

    (x - Mbar W c) / n_up,   (-x - Mbar W c) / n_down,   -2 Mbar h_t c / (sd of the two moments of step t, added), for every t

where n_up and n_down add |w_t| times the standard deviations of the moments used. So no programme is solved: all values, steps, signs and Mbar are
tested at once, and the least-favourable critical value is an integral in one dimension instead of a simulation.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from evaluation.models.honest_path import EventPath

KAPPA = 0.1                 # share of the test's size spent on the least-favourable first stage (Andrews, Roth and Pakes 2023)
NODES, WIDE = np.polynomial.legendre.leggauss(64), 8.5
GRID, BISECTIONS = 241, 24
SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """Everything that the tests of an event study share, by Mbar (rows) and candidate step and sign (columns), shape (n_bounds, n_candidates).

    `rows` (..., 4, 2): the four statistics that can be largest, as weights of (x, c); `gram` (..., 4, 4): their covariance.
    """

    effect: float
    step: np.ndarray
    rows: np.ndarray
    gram: np.ndarray
    critical: np.ndarray
    alpha: float

    def accepts(self, values: np.ndarray) -> np.ndarray:
        """Whether any candidate's test keeps a value of the effect; `values` and the answer have shape (n_bounds, n_values)."""
        x = self.effect - values
        statistics = (self.rows[:, :, None, :, 0] * x[:, None, :, None]
                      + self.rows[:, :, None, :, 1] * self.step[None, :, None, None])
        return _keeps(statistics, self.gram, self.critical, self.alpha).any(axis=1)


def relative_end(path: EventPath, mbar: np.ndarray, alpha: float, side: float) -> np.ndarray:
    """One end (`side` -1: lower, 1: upper) of the smallest interval that holds the confidence set for each Mbar, shape (n_bounds,).

    The effect under parallel trends is always in the set; from it outwards the last value kept on a grid is refined by bisection.
    """
    moments = _moments(path, mbar, alpha)
    return _end(moments, side * _farthest(moments))


def relative_identified(path: EventPath, mbar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the effect could be for each Mbar if the event study were known, shape (n_bounds,) each."""
    carried = float(np.abs(path.reach()) @ path.lengths()[len(path.before):])
    half = mbar * carried * float(np.abs(path.steps_before()).max())
    return path.effect() - half, path.effect() + half


def _moments(path: EventPath, mbar: np.ndarray, alpha: float) -> _Moments:
    p, v = len(path.before), path.covariance
    after, h, w = path.step_rows()[p:], path.lengths()[p:], path.reach()
    largest = np.vstack([path.slope_rows_before(), -path.slope_rows_before()])
    variance = np.einsum("ij,jk,ik->i", largest, v, largest)
    scale = mbar[:, None, None] * h                                                       # (bounds, 1, after)
    sds = {side: np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", after, v, after) + scale ** 2 * variance[:, None]
                                    - 2 * side * scale * (largest @ v @ after.T), 0)) for side in (1, -1)}
    up = (np.abs(w) * np.where(w >= 0, sds[1], sds[-1])).sum(axis=-1)
    down = (np.abs(w) * np.where(w >= 0, sds[-1], sds[1])).sum(axis=-1)
    pair = (sds[1] + sds[-1]) / h
    rows = _rows(mbar, float(np.abs(w) @ h), up, down, pair)
    both = np.stack([np.broadcast_to(path.effect_row(), largest.shape), largest], axis=1)   # (candidates, 2, k)
    joint = both @ v @ both.swapaxes(1, 2)
    gram = rows @ joint @ rows.swapaxes(-1, -2)
    return _Moments(effect=path.effect(), step=largest @ path.estimates, rows=rows, gram=gram, alpha=alpha,
                    critical=_least_favourable(rows, joint, alpha * KAPPA))


def _rows(mbar: np.ndarray, carried: float, up: np.ndarray, down: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Weights of (x, c) in the statistics: above, below, and the narrowest and widest pair of moments, shape (n_bounds, n_candidates, 4, 2)."""
    m = np.broadcast_to(mbar[:, None], up.shape)
    x = np.stack([1 / up, -1 / down, np.zeros_like(up), np.zeros_like(up)], axis=-1)
    c = np.stack([-m * carried / up, -m * carried / down, -2 * m / pair.min(axis=-1), -2 * m / pair.max(axis=-1)], axis=-1)
    return np.stack([x, c], axis=-1)


def _least_favourable(rows: np.ndarray, joint: np.ndarray, size: float) -> np.ndarray:
    """The 1 - size quantile of the largest statistic when every moment binds, shape (n_bounds, n_candidates).

    Given c, the statistics bound x from both sides and c from below: one integral over c, solved by bisection.
    """
    sd_x, sd_c = np.sqrt(joint[:, 0, 0]), np.sqrt(joint[:, 1, 1])
    rho = np.clip(joint[:, 0, 1] / (sd_x * sd_c), -1, 1)[:, None]
    rest = np.sqrt(np.maximum(1 - rho ** 2, 1e-14))
    n_up, n_down = 1 / rows[..., 0, 0], -1 / rows[..., 1, 0]
    slope = -rows[..., 0, 1] * n_up * sd_c                                                # Mbar W sd(c)
    narrow = -rows[..., 2, 1] * sd_c                                                      # c / this is the narrowest pair's statistic
    low, high = np.zeros(rows.shape[:2]), np.full(rows.shape[:2], -ndtri(size / 4))      # four statistics of variance at most 1
    for _ in range(BISECTIONS):
        k = (low + high) / 2
        first = np.maximum(-np.divide(k, narrow, out=np.full_like(k, np.inf), where=narrow > 0), -WIDE)
        z = first[..., None] + (WIDE - first[..., None]) * (NODES[0] + 1) / 2
        weight = (WIDE - first[..., None]) / 2 * NODES[1] * np.exp(-z ** 2 / 2) / np.sqrt(2 * np.pi)
        above = ((k * n_up)[..., None] + slope[..., None] * z) / sd_x[:, None]
        below = -((k * n_down)[..., None] + slope[..., None] * z) / sd_x[:, None]
        held = ((ndtr((above - rho * z) / rest) - ndtr((below - rho * z) / rest)) * weight).sum(axis=-1)
        low, high = np.where(held < 1 - size, k, low), np.where(held < 1 - size, high, k)
    return (low + high) / 2


def _keeps(statistics: np.ndarray, gram: np.ndarray, critical: np.ndarray, alpha: float) -> np.ndarray:
    """Whether the hybrid test keeps; `statistics` (n_bounds, n_candidates, n_values, 4), the answer without the last axis.

    Given which statistic is the largest, it is normal between the limits that keep it so; below the least-favourable critical value besides.
    """
    top = np.argmax(statistics, axis=-1)
    eta = np.take_along_axis(statistics, top[..., None], axis=-1)[..., 0]
    covariance = np.take_along_axis(gram, top[..., None], axis=2)                          # (bounds, candidates, values, 4)
    variance = np.take_along_axis(covariance, top[..., None], axis=-1)[..., 0]
    safe = np.where(variance > 0, variance, 1.0)
    share = covariance / safe[..., None]
    rest = statistics - share * eta[..., None]
    gap = 1 - share
    limit = np.divide(rest, gap, out=np.zeros_like(rest), where=np.abs(gap) > SAME)
    lowest = np.where(gap > SAME, limit, -np.inf).max(axis=-1)
    highest = np.minimum(np.where(gap < -SAME, limit, np.inf).min(axis=-1), critical[..., None])
    kappa = alpha * KAPPA
    tail = _log_tail(lowest / np.sqrt(safe), eta / np.sqrt(safe), highest / np.sqrt(safe))
    rejected = (eta > critical[..., None]) | ((eta > 0) & (variance > 0) & (tail < np.log((alpha - kappa) / (1 - kappa))))
    return ~rejected


def _log_tail(low: np.ndarray, value: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Log of P(Z > value) given low <= Z <= high, for a standard normal Z far out as well; 0 where value lies outside."""
    inside = (low <= value) & (value <= high)
    low, value, high = (np.where(inside, part, fill) for part, fill in ((low, -1.0), (value, 0.0), (high, 1.0)))
    outer = log_ndtr(-high)
    with np.errstate(divide="ignore"):
        return np.where(inside, _log_less(log_ndtr(-value), outer) - _log_less(log_ndtr(-low), outer), 0.0)


def _log_less(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log(exp(a) - exp(b)) for a >= b."""
    return a + np.log1p(-np.exp(np.minimum(b - a, 0.0)))


def _farthest(moments: _Moments) -> np.ndarray:
    """A distance from the effect beyond which every value is rejected by the first stage, shape (n_bounds,)."""
    n = np.maximum(1 / moments.rows[..., 0, 0], -1 / moments.rows[..., 1, 0])
    bias = np.abs(moments.rows[..., 0, 1] / moments.rows[..., 0, 0] * moments.step)
    return 1.001 * (bias + moments.critical * n).max(axis=1)


def _end(moments: _Moments, reach: np.ndarray) -> np.ndarray:
    """The outermost value kept between the effect and `reach` away from it, on the side that reach's sign says."""
    share = np.linspace(0.0, 1.0, GRID)
    kept = moments.accepts(moments.effect + reach[:, None] * share)
    last = GRID - 1 - np.argmax(kept[:, ::-1], axis=1)
    low, high = share[last], share[np.minimum(last + 1, GRID - 1)]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        keep = moments.accepts(moments.effect + (reach * middle)[:, None])[:, 0]
        low, high = np.where(keep, middle, low), np.where(keep, high, middle)
    return moments.effect + reach * low
