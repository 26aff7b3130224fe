"""Multiplier bootstrap of many numbers at once from what each cluster contributes to them, and simultaneous bands over them.

No re-estimation: a draw multiplies every cluster's contribution by an independent variable of mean 0 and variance 1. With very many clusters
`gaussian_draws` takes the covariance instead.
"""
from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from evaluation.errors import EstimationError, PlanError

Kind = Literal["rademacher", "mammen", "webb"]
KINDS = ("rademacher", "mammen", "webb")
STREAM = 256                   # draws that share one Philox stream; the numbers of a seed depend on it, and on nothing else
MAMMEN = (1 - math.sqrt(5)) / 2, (1 + math.sqrt(5)) / 2
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5, 0.5, 1.0, 1.5])) * np.repeat([1.0, -1.0], 3)
IQR_NORMAL = float(ndtri(0.75) - ndtri(0.25))
NO_DIRECTION = 1e-12           # relative eigenvalue of a covariance that is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class SimultaneousBand:
    """Numbers with a band that holds all of them at once with the probability `level`.

    Attributes
    ----------
    estimate, std_error, lower, upper : ndarray, shape (k,)
        NaN bounds where a number has no error (a base period): it is no part of the band.
    critical : float
        What multiplies the errors; between the pointwise value and Bonferroni's.
    level : float
    n_draws : int
    """

    estimate: np.ndarray
    std_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    critical: float
    level: float
    n_draws: int


def multiplier_draws(contributions: np.ndarray, *, rng: np.random.Generator, n_draws: int = 9_999, kind: Kind = "rademacher",
                     n_threads: int = 1) -> np.ndarray:
    """Draws of the estimates' sampling error: products of the clusters' contributions with random multipliers.

    Parameters
    ----------
    contributions : ndarray, shape (n_clusters, k)
        Sums of influence over each cluster, scaled so that a number's variance is the sum of their squares (as in `Effects.influence`); times
        sqrt(G / (G - 1)) for draws with the variance of CR1.
    rng : Generator
        Gives the key of the Philox streams and is used for nothing else: the draws depend on its state alone, not on threads or blocks.
    kind : 'rademacher', 'mammen' or 'webb'
        Signs; Mammen's two points, of third moment 1; Webb's six points.

    Returns
    -------
    ndarray, shape (n_draws, k)

    Raises
    ------
    PlanError, EstimationError

    References
    ----------
    Callaway and Sant'Anna (2021), DOI 10.1016/j.jeconom.2020.12.001, algorithm 1; Mammen (1993), DOI 10.1214/aos/1176349025;
    Webb (2023), DOI 10.1111/caje.12661.
    """
    if kind not in KINDS:
        raise PlanError(f"Multipliers must be one of {', '.join(KINDS)}: they are {kind!r}. Mend the plan.")
    values = np.ascontiguousarray(contributions, dtype=float)
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all() or n_draws < 1:
        raise EstimationError("Multiplier draws need finite contributions of two clusters or more, in a table of clusters by numbers.")
    key = rng.integers(0, 2**63, size=2, dtype=np.uint64)
    out = np.empty((n_draws, values.shape[1]))

    def fill(stream: int) -> None:
        part = out[stream * STREAM:(stream + 1) * STREAM]
        generator = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, stream]))
        np.matmul(_multipliers(kind, len(part), len(values), generator), values, out=part)

    streams = range(-(-n_draws // STREAM))
    if n_threads == 1:
        for stream in streams:
            fill(stream)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(fill, streams))
    return out


def gaussian_draws(covariance: np.ndarray, *, rng: np.random.Generator, n_draws: int = 9_999, df: float = math.inf) -> np.ndarray:
    """Draws of the sampling error from its covariance, shape (n_draws, k): what the multipliers tend to as clusters become many.

    Parameters
    ----------
    covariance : ndarray, shape (k, k)
        Positive semi-definite.
    df : float
        Finite: multivariate t (a common chi-squared divisor), for the critical value beside t intervals with these degrees of freedom.
    """
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-8 * max(values[-1], 0.0) or not df > 0:
        raise EstimationError("A covariance must have no negative eigenvalue, and degrees of freedom be above 0. Mend the call.")
    kept = values > NO_DIRECTION * values[-1]
    draws = rng.standard_normal((n_draws, int(kept.sum()))) @ (vectors[:, kept] * np.sqrt(values[kept])).T
    return draws if math.isinf(df) else draws / np.sqrt(rng.chisquare(df, n_draws) / df)[:, None]


def iqr_standard_errors(draws: np.ndarray) -> np.ndarray:
    """Standard errors as the interquartile range of draws over that of a standard normal, as R `did` gives; shape (k,).

    Quartiles are order statistics (the smallest draw with at least a quarter, or three quarters, at or below it), which is R's type 1.
    """
    n = len(draws)
    low, high = math.ceil(0.25 * n) - 1, math.ceil(0.75 * n) - 1
    ordered = np.partition(np.ascontiguousarray(draws.T), [low, high], axis=1)
    return (ordered[:, high] - ordered[:, low]) / IQR_NORMAL


def simultaneous_critical_value(draws: np.ndarray, std_error: np.ndarray, *, level: float = 0.95) -> float:
    """The `level` quantile (R's type 1) of the largest absolute draw in standard errors: sup-t.

    Numbers without an error above 0 are left out. Montiel Olea and Plagborg-Moller (2019), DOI 10.1002/jae.2656, algorithm 1.
    """
    there = std_error > 0
    if not there.any() or not 0 < level < 1:
        raise EstimationError("A simultaneous band needs a number with an error above 0 and a level between 0 and 1.")
    largest = np.abs(draws[:, there] / std_error[there]).max(axis=1)
    at = math.ceil(level * len(largest) - 1e-9) - 1
    return float(np.partition(largest, at)[at])


def simultaneous_band(estimate: np.ndarray, draws: np.ndarray, *, std_error: np.ndarray | None = None, level: float = 0.95) -> SimultaneousBand:
    """A band that holds all numbers at once.

    Parameters
    ----------
    estimate : ndarray, shape (k,)
    draws : ndarray, shape (n_draws, k)
        From `multiplier_draws` or `gaussian_draws`.
    std_error : ndarray, shape (k,), optional
        Those of the pointwise intervals; from the draws' interquartile range where not given.
    """
    error = iqr_standard_errors(draws) if std_error is None else np.asarray(std_error, dtype=float)
    critical = simultaneous_critical_value(draws, error, level=level)
    half = np.where(error > 0, critical * error, np.nan)
    return SimultaneousBand(estimate=estimate, std_error=error, lower=estimate - half, upper=estimate + half, critical=critical, level=level,
                            n_draws=len(draws))


def _multipliers(kind: Kind, n_draws: int, n_clusters: int, generator: np.random.Generator) -> np.ndarray:
    shape = n_draws, n_clusters
    if kind == "rademacher":
        bits = np.unpackbits(np.frombuffer(generator.bytes(-(-n_draws * n_clusters // 8)), dtype=np.uint8), count=n_draws * n_clusters)
        return 1.0 - 2.0 * bits.reshape(shape)
    if kind == "webb":
        return WEBB[generator.integers(0, 6, shape, dtype=np.uint8)]
    low, high = MAMMEN
    return np.where(generator.random(shape) < high / math.sqrt(5), low, high)
