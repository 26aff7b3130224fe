"""What a pre-trend test could have missed: equivalence bounds, slopes that would go unseen, and the bias that they would bring.

'Not significant' says nothing with few families. Here are the numbers that do: how large the differences before entry could still be, and how steep a
drift the test would find half the time, or four times in five. Arrays in, arrays out.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import fdtri, ncfdtr, ndtr, ndtri, stdtr, stdtrit

from evaluation.errors import EstimationError, PlanError

SIZE = 0.05
POWERS = (0.5, 0.8)
POINTS = 4096               # of the lattice; probabilities to 3e-4 with correlations of 0.9, closer below
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsBefore:
    """Effects before entry that should be zero, held out of the score and the base.

    Attributes
    ----------
    event_times : ndarray, shape (k,)
    base : float
        Event time of the base period, at which the effect is 0; it may lie among the others.
    estimates : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
        Joint and clustered.
    df : float
        Degrees of freedom of the errors; infinite for normal ones.
    """

    event_times: np.ndarray
    base: float
    estimates: np.ndarray
    covariance: np.ndarray
    df: float = float("inf")

    def __post_init__(self) -> None:
        k = len(self.event_times)
        if not k or not self.df > 0 or np.shape(self.estimates) != (k,) or np.shape(self.covariance) != (k, k) or self.base in self.event_times:
            raise PlanError(f"Effects before entry need event times other than the base, one estimate each ({k}), a covariance of {k} by {k} and "
                            "degrees of freedom above 0.")
        if not (np.isfinite(self.estimates).all() and np.isfinite(self.covariance).all() and (np.diag(self.covariance) > 0).all()):
            raise EstimationError("Every effect before entry needs an estimate and a standard error above 0. Leave out the periods without.")

    def std_errors(self) -> np.ndarray:
        """Standard error of each effect, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def distance(self) -> np.ndarray:
        """Periods from the base, negative before it, shape (k,)."""
        return np.asarray(self.event_times, dtype=float) - self.base

    def precision(self) -> np.ndarray:
        """Inverse of the covariance, shape (k, k).

        Raises
        ------
        EstimationError
            It is singular: fewer clusters than periods.
        """
        if np.linalg.matrix_rank(self.covariance) < len(self.estimates):
            raise EstimationError(f"{len(self.estimates)} periods before entry move together: fewer clusters than periods. Shorten `periods`.")
        return np.linalg.inv(self.covariance)

    def slope(self) -> tuple[float, float]:
        """The straight drift per period through the base (generalised least squares), and its standard error."""
        precision, t = self.precision(), self.distance()
        information = float(t @ precision @ t)
        return float(t @ precision @ self.estimates) / information, information ** -0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Within which bound the effects before entry are shown to be near zero.

    Attributes
    ----------
    every : float
        Smallest bound within which every effect lies (two one-sided tests of each; size held for all together).
    every_folded : float
        The same by the most powerful test of each (normal errors): never larger, and 0 where all estimates happen to lie very near 0.
    average : float
        Smallest bound within which their plain mean lies.
    slope, slope_bound : float
        The straight drift per period, and the smallest bound within which it lies.
    bias_bound : float
        The bias of the headline if the drift were as large as `slope_bound` and went on.
    p_value : float
        Of 'some effect is beyond `asked`'; NaN where nothing was asked.
    asked : float
    """

    every: float
    every_folded: float
    average: float
    slope: float
    slope_bound: float
    bias_bound: float
    p_value: float = float("nan")
    asked: float = float("nan")


def equivalence(before: EffectsBefore, *, reach: float, asked: float | None = None, size: float = SIZE) -> Equivalence:
    """How large the effects before entry could still be.

    Parameters
    ----------
    before : EffectsBefore
    reach : float
        Periods from the base to the middle of the headline: a drift of 1 per period biases the headline by this.
    asked : float, optional
        A bound that matters, in the outcome's unit; then `p_value` is given.
    size : float
        Of the test; the bound is the farther end of the 1 - 2 size interval.

    Raises
    ------
    EstimationError
        The covariance is singular.
    PlanError
        `asked` is negative or `size` is not between 0 and 0.5.

    Notes
    -----
    Two one-sided tests of an effect b with error s reject 'beyond d' when |b| + t s <= d, with t Student's 1 - size quantile; all effects are within
    d when each is (intersection of unions, which holds the size). Folded: d solves F((d - |b|) / s) + F(-(d + |b|) / s) = 1 - size.

    References
    ----------
    Hartman and Hidalgo (2018), DOI 10.1111/ajps.12387; Dette and Schumann (2024), DOI 10.1080/07350015.2024.2308121 (maximum, intersection-union; and
    average).
    """
    if not 0 < size < 0.5 or (asked is not None and not asked >= 0):
        raise PlanError(f"An equivalence test needs a bound of at least 0 and a size between 0 and 0.5, not {asked} and {size}.")
    t, b, s = _student(before.df, 1 - size), np.abs(before.estimates), before.std_errors()
    mean_error = float(np.sqrt(before.covariance.mean()))
    slope, slope_error = before.slope()
    slope_bound = abs(slope) + t * slope_error
    p_value = float("nan") if asked is None else float(_distribution(before.df, (b - asked) / s).max())
    return Equivalence(every=float((b + t * s).max()), every_folded=max(_folded_bound(*one, size) for one in zip(b, s, strict=True)),
                       average=abs(float(before.estimates.mean())) + t * mean_error, slope=slope, slope_bound=slope_bound,
                       bias_bound=slope_bound * abs(reach), p_value=p_value, asked=float("nan") if asked is None else float(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrendPower:
    """Drifts that a look at the periods before entry would find with a given power, and what they would do to the headline.

    Attributes
    ----------
    power : ndarray, shape (n,)
    slope_any : ndarray, shape (n,)
        The drift per period for which some effect before is significant on its own with this power: how people read the plot.
    slope_joint : ndarray, shape (n,)
        The same for the joint F test; NaN where there are too few degrees of freedom for it.
    bias_any, bias_joint : ndarray, shape (n,)
        Bias of the headline by such a drift.
    bias_any_if_passed : ndarray, shape (n,)
        Bias by the drift `slope_any` in the studies in which nothing was significant; NaN without the headline's covariance.
    """

    power: np.ndarray
    slope_any: np.ndarray
    slope_joint: np.ndarray
    bias_any: np.ndarray
    bias_joint: np.ndarray
    bias_any_if_passed: np.ndarray


def pre_trend_power(before: EffectsBefore, *, reach: float, with_headline: np.ndarray | None = None, powers: Sequence[float] = POWERS,
                    size: float = SIZE) -> PreTrendPower:
    """The slopes that the periods before entry would have shown.

    Parameters
    ----------
    before : EffectsBefore
        Only `event_times`, `base`, `covariance` and `df` enter: power does not depend on what was found.
    reach : float
        As in `equivalence`.
    with_headline : ndarray, shape (k,), optional
        Covariance of the headline with each effect before; says how much passing the test selects.
    powers : sequence of float
        Each above `size` and below 1.
    size : float
        Of each test.

    Raises
    ------
    EstimationError
        The covariance is singular.
    PlanError
        A power is not above `size` and below 1.

    Notes
    -----
    Any: 1 - P(all |b_t| < t s_t), with b normal around slope * distance (the box is integrated on a lattice; Genz 1992), t Student's quantile.
    Joint: the non-central F on k and df + 1 - k degrees of freedom of Hotelling's test with df + 1 clusters, as `checks.pre_trend` uses it.
    The bias given a pass adds c'V^-1 (E[b | pass] - E[b]) with c the headline's covariance with b.

    References
    ----------
    Roth (2022), DOI 10.1257/aeri.20210236, section I; checked against R pretrends 0.1.0 (He and Wang example). Genz (1992),
    DOI 10.1080/10618600.1992.10477010.
    """
    if not all(size < power < 1 for power in powers):
        raise PlanError(f"A power lies above the size of the test ({size}) and below 1. Mend `powers`.")
    precision, t = before.precision(), before.distance()
    half = _student(before.df, 1 - size / 2) * before.std_errors()
    slopes = np.array([_slope_seen(t, before.covariance, half, power) for power in powers])
    information = float(t @ precision @ t)
    joint = np.array([np.sqrt(noncentrality(len(t), before.df, power, size) / information) for power in powers])
    passed = np.full(len(slopes), np.nan)
    if with_headline is not None:
        passed = np.array([slope * reach + with_headline @ precision @ (inside_box(slope * t, before.covariance, half)[1] - slope * t)
                           for slope in slopes])
    return PreTrendPower(power=np.asarray(powers, dtype=float), slope_any=slopes, slope_joint=joint, bias_any=slopes * reach,
                         bias_joint=joint * reach, bias_any_if_passed=passed)


def noncentrality(k: int, df: float, power: float, size: float = SIZE) -> float:
    """Non-centrality at which the joint test of k effects has a power; NaN with fewer than k degrees of freedom.

    `df` + 1 is the number of clusters; the test has k and df + 1 - k degrees of freedom.
    """
    rest = df + 1 - k
    if rest <= 0:
        return float("nan")
    rest = min(rest, 1e9)                                             # so many are infinite to all digits
    critical = float(fdtri(k, rest, 1 - size))
    high = 10.0
    while ncfdtr(k, rest, high, critical) > 1 - power:
        high *= 2
    return float(brentq(lambda nc: ncfdtr(k, rest, nc, critical) - (1 - power), 1e-9, high))


def inside_box(mean: np.ndarray, covariance: np.ndarray, half: np.ndarray) -> tuple[float, np.ndarray]:
    """P(|b_t| < half_t for all t) for b normal, and the mean of b given that.

    Parameters
    ----------
    mean, half : ndarray, shape (k,)
    covariance : ndarray, shape (k, k), positive definite

    Notes
    -----
    Coordinates one after another, each uniform inside its limits given the earlier ones, on a folded lattice: no random numbers.
    """
    lower = np.linalg.cholesky(covariance)
    uniform, z, weight = _lattice(len(mean)), np.zeros((POINTS, len(mean))), np.ones(POINTS)
    for i in range(len(mean)):
        centre = mean[i] + z[:, :i] @ lower[i, :i]
        low, high = (ndtr((end - centre) / lower[i, i]) for end in (-half[i], half[i]))
        weight = weight * (high - low)
        z[:, i] = ndtri(np.clip(low + uniform[:, i] * (high - low), 1e-300, 1 - 1e-16))
    total = weight.sum()
    given = mean + lower @ (weight @ z / total) if total > 0 else np.full(len(mean), np.nan)
    return float(total / POINTS), given


def _lattice(k: int) -> np.ndarray:
    """Points in the unit cube, shape (POINTS, k): multiples of square roots of primes, folded so that the two ends of an axis meet."""
    if k > len(PRIMES):
        raise EstimationError(f"The power of {k} periods before entry taken one by one is given for at most {len(PRIMES)}. Shorten `periods`.")
    return np.abs(2 * ((np.arange(1, POINTS + 1)[:, None] * np.sqrt(PRIMES[:k])) % 1) - 1)


def _slope_seen(distance: np.ndarray, covariance: np.ndarray, half: np.ndarray, power: float) -> float:
    """The slope at which the box is left with a power (above that at slope 0, which several looks make larger than the size)."""
    def lack(slope: float) -> float:
        return inside_box(slope * distance, covariance, half)[0] - (1 - power)

    if lack(0.0) <= 0:
        return 0.0
    high = float((half / np.abs(distance)).min())
    while lack(high) > 0:
        high *= 2
    return float(brentq(lack, 0.0, high, xtol=1e-9 * high))


def _folded_bound(b: float, s: float, size: float) -> float:
    """The smallest d for which |N(d, s)| falls below b with probability at most size."""
    def excess(d: float) -> float:
        return float(ndtr((b - d) / s) - ndtr((-b - d) / s)) - size

    return 0.0 if excess(0.0) <= 0 else float(brentq(excess, 0.0, b - ndtri(size) * s + s, xtol=1e-12 * s))


def _student(df: float, probability: float) -> float:
    return float(ndtri(probability) if np.isinf(df) else stdtrit(df, probability))


def _distribution(df: float, t: np.ndarray) -> np.ndarray:
    return ndtr(t) if np.isinf(df) else stdtr(df, t)
