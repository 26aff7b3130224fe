"""Rosenbaum bounds: how unlike in their chance of joining matched units would have to be, unseen, for a finding to be chance.

Gamma is the largest ratio of the odds of being the treated one, between two units of a matched set that look alike. At 1 the set is as good as
randomised; at each larger Gamma the p value lies between two bounds. Arrays in, arrays out. The sets are taken as independent: with units used in
several sets, or whole areas that join, the bounds are too favourable.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import bdtrc, ndtr

from evaluation.errors import EstimationError, PlanError
from evaluation.models.rosenbaum_tails import exact_rank_tail, normal_rank_tail, ranks, set_moments

Alternative = Literal["greater", "less", "two-sided"]
ALTERNATIVES: tuple[str, ...] = ("greater", "less", "two-sided")
GAMMAS = (1.0, 1.25, 1.5, 2.0, 3.0)
EXACT_UP_TO = 200           # pairs with a difference; above, the normal p value is at most about 0.002 too large near 0.05
SIZE, LARGEST = 0.05, 1e6
Tail = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RosenbaumBounds:
    """Bounds of a p value by how strong a hidden difference could be.

    Attributes
    ----------
    gammas : ndarray, shape (n_gammas,)
    p_lower, p_upper : ndarray, shape (n_gammas,)
    gamma : float
        The Gamma at which the upper bound passes `size`: hidden differences below it cannot explain the finding. NaN where the p value is above
        `size` already at 1; infinite where no hidden difference can.
    size : float
    test : str
        'sign', 'signed_rank' or 'set_mean'.
    n_sets : int
        Sets that carry information (discordant pairs, pairs that differ, sets).
    """

    gammas: np.ndarray
    p_lower: np.ndarray
    p_upper: np.ndarray
    gamma: float
    size: float
    test: str
    n_sets: int


def sign_bounds(n_for: int, n_against: int, gammas: Sequence[float] = GAMMAS, *, alternative: Alternative = "two-sided",
                size: float = SIZE) -> RosenbaumBounds:
    """Bounds for pairs with a yes-or-no outcome (McNemar's test), or for the signs of differences.

    Parameters
    ----------
    n_for : int
        Discordant pairs in which the treated unit has the outcome (or the larger value).
    n_against : int
        Discordant pairs in which the comparison unit has it.
    gammas : sequence of float
        At least 1.
    alternative : 'greater', 'less' or 'two-sided'
        Which change counts against chance; two-sided doubles the smaller tail.
    size : float
        The p value to be passed.

    Returns
    -------
    RosenbaumBounds

    Raises
    ------
    EstimationError
        No pair is discordant.
    PlanError
        A Gamma is below 1, or an option is unknown.

    Notes
    -----
    P(B >= n_for), B binomial with probability Gamma / (1 + Gamma) (upper) or 1 / (1 + Gamma) (lower) over the discordant pairs; exact.

    References
    ----------
    Rosenbaum (2002), Observational Studies, section 4.3.2, DOI 10.1007/978-1-4757-3692-2 (its table 4.1 has the normal approximation). R rbounds
    2.2 `binarysens` gives P(B > n_for) instead, that is, the bounds of one pair more; checked with that allowed for.
    """
    n = n_for + n_against
    _need_sets(n, "discordant pairs")

    def tails(gamma: float, count: int) -> tuple[float, float]:
        return tuple(float(bdtrc(count - 1, n, p)) if count else 1.0 for p in (1 / (1 + gamma), gamma / (1 + gamma)))

    return _bounds(lambda gamma: tails(gamma, n_for), lambda gamma: tails(gamma, n_against), gammas, alternative, size, "sign", n)


def signed_rank_bounds(differences: np.ndarray, gammas: Sequence[float] = GAMMAS, *, alternative: Alternative = "two-sided",
                       size: float = SIZE) -> RosenbaumBounds:
    """Bounds for Wilcoxon's signed-rank test of pairs, by their differences (treated less comparison; for changes, of the changes).

    Parameters, returns and errors as in `sign_bounds`; differences of 0 are left out, ties have average ranks. Exact up to 200 pairs, else normal.

    References
    ----------
    Rosenbaum (2002), section 4.3.3, DOI 10.1007/978-1-4757-3692-2. Normal tails checked against R rbounds 2.2 `psens`, exact ones
    against DOS2 0.5.2 `senWilcoxExact`.
    """
    d = np.asarray(differences, dtype=float)
    d = d[np.isfinite(d) & (d != 0)]
    _need_sets(len(d), "pairs that differ")
    rank, tail = ranks(np.abs(d)), exact_rank_tail if len(d) <= EXACT_UP_TO else normal_rank_tail

    def tails(gamma: float, positive: np.ndarray) -> tuple[float, float]:
        return tuple(tail(rank, float(rank[positive].sum()), p) for p in (1 / (1 + gamma), gamma / (1 + gamma)))

    return _bounds(lambda gamma: tails(gamma, d > 0), lambda gamma: tails(gamma, d < 0), gammas, alternative, size, "signed_rank", len(d))


def matched_set_bounds(outcome: np.ndarray, treated: np.ndarray, sets: np.ndarray, gammas: Sequence[float] = GAMMAS, *,
                       alternative: Alternative = "two-sided", size: float = SIZE) -> RosenbaumBounds:
    """Bounds for sets of one treated and any number of comparison units: the mean of treated less mean comparison over sets.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        The outcome, or its change since the base.
    treated : ndarray of bool, shape (n,)
    sets : ndarray of int, shape (n,)
        The set of each unit. Every set counts the same, whatever its size.
    gammas, alternative, size
        As in `sign_bounds`.

    Raises
    ------
    EstimationError
        A set has not exactly one treated and at least one comparison unit, or an outcome is missing.

    Notes
    -----
    Permutational t: a unit's score is its outcome less the mean of the others of its set. In each set the hidden difference is put where it makes the
    expected score largest; normal approximation, sets separately (asymptotically the true bound).

    References
    ----------
    Rosenbaum (2007), DOI 10.1111/j.1541-0420.2006.00717.x; Gastwirth, Krieger and Rosenbaum (2000), DOI 10.1111/1467-9868.00249, for the separable
    approximation. Checked against R sensitivitymv 1.4.3, `senmv(method = "t")`.
    """
    blocks = _blocks(np.asarray(outcome, dtype=float), np.asarray(treated, dtype=bool), np.asarray(sets))
    n = sum(len(block) for block in blocks)

    def tails(gamma: float, side: float) -> tuple[float, float]:
        statistic, low, high, low_variance, high_variance = np.sum([set_moments(side * block, gamma) for block in blocks], axis=0)
        return _normal(statistic - low, low_variance), _normal(statistic - high, high_variance)

    return _bounds(lambda gamma: tails(gamma, 1.0), lambda gamma: tails(gamma, -1.0), gammas, alternative, size, "set_mean", n)


def hodges_lehmann_bounds(differences: np.ndarray, gammas: Sequence[float] = GAMMAS) -> np.ndarray:
    """Smallest and largest Hodges-Lehmann estimate of a constant effect on pairs, by Gamma, shape (n_gammas, 2).

    The effect at which the signed-rank statistic of the differences less that effect is what Gamma's extremes expect.

    References
    ----------
    Rosenbaum (1993), DOI 10.1080/01621459.1993.10476405. Checked against R rbounds 2.2 `hlsens` to its step.
    """
    d = np.asarray(differences, dtype=float)
    d = d[np.isfinite(d)]
    _need_sets(len(d), "pairs")
    whole = len(d) * (len(d) + 1) / 2
    return np.array([[_where_statistic_is(d, whole * gamma / (1 + gamma)), _where_statistic_is(d, whole / (1 + gamma))] for gamma in _ratios(gammas)])


def _where_statistic_is(d: np.ndarray, target: float) -> float:
    """The effect at which the signed-rank statistic falls through a value: the middle of the stretch on which it equals it."""
    reach = float(np.abs(d).max()) + 1.0
    ends = [_falls(lambda tau, side=side: side(_statistic(d - tau), target), -reach, reach) for side in (np.greater, np.greater_equal)]
    return float(np.mean(ends))


def _statistic(d: np.ndarray) -> float:
    rank = ranks(np.abs(d))
    return float(rank[d > 0].sum() + rank[d == 0].sum() / 2)


def _falls(above: Callable[[float], bool], low: float, high: float) -> float:
    """Where a condition that holds at `low` ceases, by bisection to the precision of the range."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2


def _blocks(outcome: np.ndarray, treated: np.ndarray, sets: np.ndarray) -> list[np.ndarray]:
    """Outcomes by set, the treated unit first; one array (n_sets, m) for each number m of units in a set."""
    _, code, counts = np.unique(sets, return_inverse=True, return_counts=True)
    one = np.bincount(code, weights=treated, minlength=len(counts)) == 1
    if not len(counts) or not (one & (counts > 1)).all() or not np.isfinite(outcome).all():
        raise EstimationError(f"Every matched set needs one treated unit, at least one comparison unit and outcomes for all: of {len(counts):,} sets "
                              f"{int((~(one & (counts > 1))).sum()):,} have not. Leave these out.")
    order = np.lexsort((~treated, code))
    size = counts[code[order]]
    return [outcome[order][size == m].reshape(-1, m) for m in np.unique(counts)]


def _normal(deviation: float, variance: float) -> float:
    return float(ndtr(-deviation / np.sqrt(variance))) if variance > 0 else float(deviation <= 0)


def _bounds(greater: Tail, less: Tail, gammas: Sequence[float], alternative: Alternative, size: float, test: str, n: int) -> RosenbaumBounds:
    """Both bounds at every Gamma, and the Gamma at which the upper one passes the size."""
    if alternative not in ALTERNATIVES or not 0 < size < 1:
        raise PlanError(f"Rosenbaum bounds need an alternative among {', '.join(ALTERNATIVES)} and a size between 0 and 1, "
                        f"not {alternative!r} and {size}.")
    ratios = _ratios(gammas)
    tail = less if alternative == "less" or (alternative == "two-sided" and less(1.0)[1] < greater(1.0)[1]) else greater
    times = 2 if alternative == "two-sided" else 1
    lower, upper = np.minimum(1.0, times * np.array([tail(gamma) for gamma in ratios])).T
    passes = _passes(lambda gamma: times * tail(gamma)[1], size)
    return RosenbaumBounds(gammas=ratios, p_lower=lower, p_upper=upper, gamma=passes, size=size, test=test, n_sets=n)


def _passes(p_upper: Callable[[float], float], size: float) -> float:
    """The Gamma at which a rising bound passes the size."""
    if p_upper(1.0) > size:
        return float("nan")
    high = 2.0
    while p_upper(high) <= size:
        high *= 2
        if high > LARGEST:
            return float("inf")
    return float(brentq(lambda gamma: p_upper(gamma) - size, high / 2, high, xtol=1e-9))


def _ratios(gammas: Sequence[float]) -> np.ndarray:
    ratios = np.atleast_1d(np.asarray(gammas, dtype=float))
    if not len(ratios) or not (np.isfinite(ratios) & (ratios >= 1)).all():
        raise PlanError("Gamma is a ratio of odds of at least 1: 1 for none, 2 for twice the odds. Mend `gammas`.")
    return ratios


def _need_sets(n: int, what: str) -> None:
    if not n:
        raise EstimationError(f"Rosenbaum bounds need {what}: there are none, so nothing is to be explained. Leave the check out.")
