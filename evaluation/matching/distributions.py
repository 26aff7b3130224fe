"""How far two weighted distributions lie apart: moments, distribution functions, overlap, distances inside sets. Arrays in, arrays out."""
from __future__ import annotations

from itertools import pairwise

import numpy as np

CELLS_PER_BANDWIDTH = 8        # of the grid on which densities are estimated
MOST_CELLS = 2**15
ROUNDING = 1e-12               # of sums that are 0, or add up to 1, but for their last digits


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products. Not by BLAS, whose threads change the last digits and stand in each other's way when columns are worked on side by side."""
    return np.einsum("i,i->", a, b)


def cell_sums(weights: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the weights, and of their squares, in each run of rows between two bounds; shape (n_cells,)."""
    parts = [weights[a:b] for a, b in pairwise(bounds.tolist())]
    return np.array([part.sum() for part in parts]), np.array([dot(part, part) for part in parts])


def cell_moments(x: np.ndarray, weights: np.ndarray, bounds: np.ndarray, *, binary: bool,
                 sums: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and variance of each run of rows between two bounds; NaN where it has no weight.

    Parameters
    ----------
    x, weights : ndarray, shape (n,)
    bounds : ndarray of int, shape (n_cells + 1,)
        Rows `bounds[k]` up to `bounds[k + 1]` are cell k.
    binary : bool
        Whether `x` holds 0 and 1 only: the variance is then p (1 - p). Otherwise it is the weighted sum of squares about the mean, times
        sum w / ((sum w)^2 - sum w^2), which is 1 / (n - 1) for equal weights; NaN for a single row.
    sums : optional
        `cell_sums` of the weights, if known.
    """
    mean, variance = np.full((2, len(bounds) - 1), np.nan)
    totals, squares = cell_sums(weights, bounds) if sums is None else sums
    room = totals**2 - squares
    for k, (a, b) in enumerate(pairwise(bounds.tolist())):
        if totals[k] > 0:
            mean[k] = dot(weights[a:b], x[a:b]) / totals[k]
            if binary:
                variance[k] = spread if (spread := mean[k] * (1 - mean[k])) > ROUNDING else 0.0
            elif room[k] > ROUNDING * totals[k] ** 2:
                variance[k] = dot(weights[a:b], (x[a:b] - mean[k]) ** 2) * totals[k] / room[k]
    return mean, variance


def signed_shares(totals: np.ndarray) -> np.ndarray:
    """What weights are multiplied by, so that they add up to 1 over the treated and to -1 over the comparison rows of each stratum.

    Parameters
    ----------
    totals : ndarray, shape (2, n_strata)
        Weight of each side of each stratum.

    Returns
    -------
    ndarray, shape (2, n_strata)
        0 in a stratum that lacks either side.
    """
    return np.divide([[1.0], [-1.0]], totals, out=np.zeros(totals.shape), where=(totals > 0).all(axis=0))


def ecdf_gaps(x: np.ndarray, shares: np.ndarray, stratum: np.ndarray | None = None, *, n_strata: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Mean and largest absolute gap between weighted distribution functions of the treated and of the comparison rows.

    Both are over the distinct values of `x` in the stratum, each counted once and whether or not its rows have weight; the largest is the
    Kolmogorov-Smirnov statistic.

    Parameters
    ----------
    x : ndarray, shape (n,)
    shares : ndarray, shape (n, n_times)
        Weights that add up to 1 over the treated and to -1 over the comparison rows of each stratum.
    stratum : ndarray of int, shape (n,), optional
        From 0 to `n_strata` - 1.

    Returns
    -------
    mean, largest : ndarray, shape (n_times, n_strata)
        0 for a stratum without shares, NaN for one without rows.
    """
    order = np.argsort(x)
    if stratum is not None:
        order = order[np.argsort(stratum[order], kind="stable")]
        stratum = stratum[order]
    x = x[order]
    last = np.ones(len(x), dtype=bool)                   # last row of each distinct value
    np.not_equal(x[1:], x[:-1], out=last[:-1])
    if stratum is not None:
        last[:-1] |= stratum[1:] != stratum[:-1]
    bounds = np.array([0, last.sum()]) if stratum is None else np.searchsorted(stratum[last], np.arange(n_strata + 1))
    there, every = np.diff(bounds) > 0, last.all()
    mean, largest = np.full((2, shares.shape[1], n_strata), np.nan)
    shares = np.take(shares, order, axis=0)
    for time in range(shares.shape[1]):
        gap = np.abs(np.cumsum(shares[:, time]))
        gap = gap if every else gap[last]
        mean[time, there] = np.add.reduceat(gap, bounds[:-1][there]) / np.diff(bounds)[there]
        largest[time, there] = np.maximum.reduceat(gap, bounds[:-1][there])
    return mean, largest


def reference_bandwidth(x: np.ndarray) -> float:
    """Scott's normal-reference bandwidth of a Gaussian kernel: 1.06 min(sd, interquartile range / 1.34) n^(-1/5); 0 without spread.

    References
    ----------
    Scott, D. W. (1992), Multivariate Density Estimation, eq. 6.17, DOI 10.1002/9780470316849.
    """
    if len(x) < 2:
        return 0.0
    low, high = np.quantile(x, [0.25, 0.75])
    spread = x.std(ddof=1)
    return float(1.06 * (min(spread, (high - low) / 1.34) or spread) * len(x) ** -0.2)


def overlap_coefficient(x1: np.ndarray, x0: np.ndarray, weights1: np.ndarray, weights0: np.ndarray, *, bandwidth: float) -> float:
    """Area under the lower of two weighted densities: 1 where they are the same, 0 where they share no ground; NaN where a side has no weight.

    Gaussian kernels on a grid of an eighth of the bandwidth (at most 32,768 cells over the range of both), each row's weight shared between the
    two cells next to it. Cobalt reports 1 minus this, from a grid of 512 points: they agree to about 0.002.

    References
    ----------
    Franklin, J. M. et al. (2014), Statistics in Medicine 33(10), 1685-1699, DOI 10.1002/sim.6058.
    """
    total1, total0 = weights1.sum(), weights0.sum()
    if not (total1 > 0 and total0 > 0):
        return float("nan")
    low, high = min(x1.min(), x0.min()), max(x1.max(), x0.max())
    if x1.min() > x0.max() or x0.min() > x1.max():
        return 0.0
    if not bandwidth > 0:
        return 1.0 if low == high else float("nan")
    from scipy.ndimage import gaussian_filter1d

    low, high = low - 4 * bandwidth, high + 4 * bandwidth
    n = int(np.clip(np.ceil((high - low) / bandwidth * CELLS_PER_BANDWIDTH), 64, MOST_CELLS))
    step = (high - low) / n
    densities = [gaussian_filter1d(_binned((x - low) / step, w, n + 1) / total, bandwidth / step, mode="constant")
                 for x, w, total in ((x1, weights1, total1), (x0, weights0, total0))]
    return float(np.clip(np.minimum(*densities).sum(), 0.0, 1.0))        # the filter leaves rounding of either sign


def _binned(place: np.ndarray, weights: np.ndarray, n: int) -> np.ndarray:
    """Weight at each whole place, every row's shared between the two next to it."""
    cell = place.astype(np.int64)
    right = weights * (place - cell)
    return np.bincount(cell, weights - right, n) + np.bincount(cell + 1, right, n + 1)[:n]


def pair_distance(treated: np.ndarray, treated_set: np.ndarray, comparison: np.ndarray, comparison_set: np.ndarray) -> float:
    """Mean absolute difference between treated and comparison members of the same set, every such pair counting once.

    O(n log n) however large the sets: between two neighbouring values of a set lie as many pairs as there are members of one side below and of
    the other above.

    Parameters
    ----------
    treated, comparison : ndarray
        Values of the members of each side.
    treated_set, comparison_set : ndarray of int
        Their sets, from 0 up.
    """
    x, sets = np.concatenate([treated, comparison]), np.concatenate([treated_set, comparison_set])
    order = np.lexsort((x, sets))
    x, sets, is_treated = x[order], sets[order], order < len(treated)
    size = np.bincount(sets)
    n1 = np.bincount(treated_set, minlength=len(size))
    ends = np.cumsum(size)
    below1 = np.cumsum(is_treated) - (np.cumsum(n1) - n1)[sets]
    below0 = np.arange(1, len(x) + 1) - (ends - size)[sets] - below1
    above1, above0 = n1[sets] - below1, (size - n1)[sets] - below0
    step = np.diff(x, append=x[-1:])
    step[ends[size > 0] - 1] = 0.0
    n_pairs = (n1.astype(float) * (size - n1)).sum()
    return float(dot(step, (below1 * above0 + below0 * above1).astype(float)) / n_pairs) if n_pairs else float("nan")
