"""Randomisation inference on arrays: how often would another assignment of the programme have given a gap as large?

Treatment is assigned again to whole clusters (councils) within strata, or to families within matched sets; all assignments are used where they are
few. The outcome is given: where the match has to be made again for every placebo, `permutation.py` does that.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.models.assignments import Assignments
from evaluation.models.bracket import end_of_interval

Statistic = Literal["difference", "studentised", "within_strata"] | Callable[[np.ndarray, np.ndarray], np.ndarray]
NAMED = ("difference", "studentised", "within_strata")
ENUMERATED = 20_000            # assignments that are all used, where there are no more
TIE = 1e-9                     # relative: assignments that repeat the actual statistic to rounding count as ties


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomisationTest:
    """What reassignment found.

    Attributes
    ----------
    estimate : float
        The effect that the statistic takes for zero (for a statistic of one's own: the middle of effects not rejected; NaN where unbounded).
    statistic : float
        Of the actual assignment under the null.
    p_value, p_greater, p_less : float
        Two-sided by absolute value; one-sided. The actual assignment is counted.
    lower, upper : float
        Constant effects that are not rejected; infinite where no effect, however large, can be.
    n_assignments : int
        Used, with the actual one.
    exact : bool
        Whether these are all there are.
    """

    estimate: float
    statistic: float
    p_value: float
    p_greater: float
    p_less: float
    lower: float
    upper: float
    n_assignments: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomisationInference:
    """How reassignment is done.

    Attributes
    ----------
    statistic : 'difference', 'studentised', 'within_strata' or callable
        Difference in weighted means; the same over its error from the spread of units in each arm (Welch, units as wholes), which holds its size
        also where effects differ or arms are unequal; mean of the strata's differences, weighted by their treated weight (matched sets). A callable
        takes the units' weighted mean outcomes, shape (n_units,), and assignments, shape (m, n_units), and gives m numbers.
    n_draws : int
        Where there are more than `ENUMERATED` assignments.
    level : float
        Of the interval.

    Notes
    -----
    Tests Fisher's sharp null that the effect is the same number for every unit. p = share of assignments, the actual one counted, with |T| at least
    the actual |T|: with draws (1 + hits) / (1 + draws) (Phipson and Smyth 2010, DOI 10.2202/1544-6115.1585). The interval holds the constant
    effects tau that are not rejected when tau is taken off the treated units' outcomes; T's numerator is linear in tau and its squared error
    quadratic, so that the inversion needs no new assignments (a callable is called again for each).

    References
    ----------
    Fisher (1935), The Design of Experiments, chapter 2; Imbens and Rubin (2015), chapter 5; MacKinnon and Webb (2020),
    DOI 10.1016/j.jeconom.2020.04.024 (few treated clusters); Wu and Ding (2021), DOI 10.1080/01621459.2020.1750415 (studentised). Checked against
    brute force and Fisher's exact test.
    """

    statistic: Statistic = "difference"
    n_draws: int = 9_999
    level: float = 0.95

    def __post_init__(self) -> None:
        if not callable(self.statistic) and self.statistic not in NAMED:
            raise PlanError(f"The statistic of randomisation inference must be {', '.join(NAMED)} or a function: it is {self.statistic!r}. "
                            "Mend the plan.")
        if not (isinstance(self.n_draws, int) and self.n_draws >= 99 and 0.5 <= self.level < 1):
            raise PlanError(f"Randomisation inference needs 99 draws or more and a level from 0.5 to below 1: they are {self.n_draws} and "
                            f"{self.level}. Mend the plan.")

    def test(self, y: np.ndarray, treated: np.ndarray, *, rng: np.random.Generator, clusters: np.ndarray | None = None,
             strata: np.ndarray | None = None, weights: np.ndarray | None = None, null: float = 0.0) -> RandomisationTest:
        """Test of a constant effect `null`, and the interval of those not rejected.

        Parameters
        ----------
        y : ndarray, shape (n,)
            Outcome (or change) of each row.
        treated : ndarray of bool, shape (n,)
        clusters : ndarray of int, shape (n,), optional
            What the programme was assigned to; rows where not given. A cluster lies in one arm and one stratum.
        strata : ndarray of int, shape (n,), optional
            Inside which assignments are exchanged: regions, or matched sets; all together where not given.
        weights : ndarray, shape (n,), optional
            Fixed weights of rows, > 0; they stay with the row whatever its arm.

        Raises
        ------
        EstimationError
            Values that are missing, a cluster in both arms or in two strata, or only one possible assignment.
        """
        units = _Units.of(y, treated, clusters, strata, weights)
        exact = units.design.count <= ENUMERATED
        if units.design.count < 2:
            raise EstimationError("Randomisation inference needs a stratum with treated and comparison units: there is none. Take wider strata.")
        blocks = units.design.every() if exact else units.design.draws(self.n_draws, rng)
        if callable(self.statistic):
            reference = _OwnStatistic(units, self.statistic, np.concatenate(list(blocks)), exact)
        else:
            reference = _Polynomials.of(units, self.statistic, blocks, exact)
        alpha = 1 - self.level
        bounds = [_bound(reference, side, alpha) for side in (-1.0, 1.0)]
        estimate = reference.estimate if not callable(self.statistic) else float(np.mean(bounds)) if np.isfinite(bounds).all() else math.nan
        two_sided, greater, less = reference.p_values(null)
        return RandomisationTest(estimate=estimate, statistic=float(reference.actual(null)), p_value=two_sided, p_greater=greater, p_less=less,
                                 lower=bounds[0], upper=bounds[1], n_assignments=reference.n + (not exact), exact=exact)


@dataclass(frozen=True, slots=True)
class _Units:
    """What is assigned: sums of weights and of weighted outcomes, in the order of strata."""

    design: Assignments
    weight: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, y, treated, clusters, strata, weights) -> _Units:
        y, treated = np.asarray(y, dtype=float), np.asarray(treated, dtype=bool)
        w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
        if not np.isfinite(y).all() or not (np.isfinite(w) & (w > 0)).all():
            raise EstimationError("Randomisation inference needs an outcome and a weight above 0 in every row: some are missing. "
                                  "Leave those rows out.")
        code = np.arange(len(y)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        stratum = np.zeros(len(y), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
        n = np.bincount(code)
        first = np.unique(code, return_index=True)[1]
        if (np.bincount(code, weights=treated) % n != 0).any() or (stratum != stratum[first][code]).any():
            raise EstimationError("A cluster must lie in one arm and one stratum: some do not. Mend the clusters or the strata.")
        order = np.argsort(stratum[first], kind="stable")
        design = Assignments(treated=treated[first][order], strata=stratum[first][order])
        return cls(design, np.bincount(code, weights=w)[order], np.bincount(code, weights=w * y)[order])


@dataclass(frozen=True, slots=True)
class _Polynomials:
    """T = (n0 + n1 tau) / sqrt(s0 + s1 tau + s2 tau^2) of every assignment, tau the effect taken off treated outcomes."""

    numerator: np.ndarray      # (n, 2)
    spread: np.ndarray         # (n, 3)
    own: tuple[np.ndarray, np.ndarray]
    is_exact: bool

    @classmethod
    def of(cls, units: _Units, statistic: str, blocks: Iterator[np.ndarray], is_exact: bool) -> _Polynomials:
        rule = {"difference": _difference, "studentised": _studentised, "within_strata": _within_strata}[statistic]
        found = [rule(units, block.astype(float)) for block in blocks]
        own = rule(units, units.design.treated[None, :].astype(float))
        return cls(*(np.concatenate(part) for part in zip(*found, strict=True)), own, is_exact)

    @property
    def n(self) -> int:
        return len(self.numerator)

    @property
    def estimate(self) -> float:
        return float(-self.own[0][0, 0] / self.own[0][0, 1])

    @property
    def scale(self) -> float:
        return float(np.std(self.numerator[:, 0])) or 1.0

    def actual(self, tau: float) -> float:
        return float(_value(*self.own, tau)[0])

    def p_values(self, tau: float) -> tuple[float, float, float]:
        """Two-sided, greater, less."""
        size = float(np.abs(self.own[0][0]) @ [1.0, abs(tau)]) / math.sqrt(float(self.own[1][0] @ [1.0, tau, tau * tau]) or 1.0)
        return _shares(_value(self.numerator, self.spread, tau), self.actual(tau), size, self.is_exact)


@dataclass(frozen=True, slots=True)
class _OwnStatistic:
    """A statistic given as a function, computed anew for every effect asked about."""

    units: _Units
    function: Callable[[np.ndarray, np.ndarray], np.ndarray]
    assignments: np.ndarray
    is_exact: bool

    @property
    def n(self) -> int:
        return len(self.assignments)

    @property
    def estimate(self) -> float:
        """Where to start looking: the difference in weighted means."""
        numerator, _ = _difference(self.units, self.units.design.treated[None, :].astype(float))
        return float(-numerator[0, 0] / numerator[0, 1])

    @property
    def scale(self) -> float:
        return float(np.std(self.units.total / self.units.weight)) or 1.0

    def actual(self, tau: float) -> float:
        return float(self.function(self._values(tau), self.units.design.treated[None, :])[0])

    def p_values(self, tau: float) -> tuple[float, float, float]:
        actual = self.actual(tau)
        return _shares(self.function(self._values(tau), self.assignments), actual, abs(actual), self.is_exact)

    def _values(self, tau: float) -> np.ndarray:
        return self.units.total / self.units.weight - tau * self.units.design.treated


def _shares(drawn: np.ndarray, actual: float, size: float, is_exact: bool) -> tuple[float, float, float]:
    room = TIE * max(size, np.finfo(float).tiny)
    hits = (int(np.count_nonzero(side)) for side in (np.abs(drawn) >= abs(actual) - room, drawn >= actual - room, drawn <= actual + room))
    two_sided, greater, less = (h / len(drawn) if is_exact else (1 + h) / (1 + len(drawn)) for h in hits)
    return two_sided, greater, less


def _value(numerator: np.ndarray, spread: np.ndarray, tau: float) -> np.ndarray:
    """T of every assignment; infinite where an assignment has no spread at all."""
    top, below = numerator @ [1.0, tau], spread @ [1.0, tau, tau * tau]
    rounding = 1e-14 * (np.abs(spread) @ [1.0, abs(tau), tau * tau])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > rounding, top / np.sqrt(np.maximum(below, 0.0)), np.sign(top) * np.inf)


def _bound(reference: _Polynomials | _OwnStatistic, side: float, alpha: float) -> float:
    """Where the two-sided p value falls to alpha on one side of the estimate."""
    return end_of_interval(lambda null: reference.p_values(null)[0], estimate=reference.estimate, step=reference.scale, side=side, alpha=alpha,
                           widest=1e6 * reference.scale)


def _difference(units: _Units, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference in weighted means of the outcome (n0) and, with minus, of the actual treatment (n1)."""
    gaps = _gaps(units, chosen, np.column_stack([units.total, units.weight * units.design.treated]))
    return gaps * [1.0, -1.0], np.tile([1.0, 0.0, 0.0], (len(chosen), 1))


def _gaps(units: _Units, chosen: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Differences in weighted means of columns of weighted values, shape (m, number of columns)."""
    size, sums = chosen @ units.weight, chosen @ columns
    return sums / size[:, None] - (columns.sum(axis=0) - sums) / (units.weight.sum() - size)[:, None]


def _studentised(units: _Units, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The difference, and the sum over arms of n / (n - 1) times the squared sums of weighted deviations of units over the arm's weight."""
    w, moved = units.weight, units.weight * units.design.treated
    columns = np.column_stack([units.total, moved])
    products = [units.total**2, units.total * moved, moved**2, w * units.total, w * moved, w**2]
    spread = np.zeros((len(chosen), 3))
    for arm in (chosen, 1 - chosen):
        size, n = arm @ w, arm.sum(axis=1)
        yy, yd, dd, wy, wd, ww = (arm @ product for product in products)
        y, d = ((arm @ columns) / size[:, None]).T
        parts = [yy - 2 * y * wy + y * y * ww, -2 * (yd - y * wd - d * wy + y * d * ww), dd - 2 * d * wd + d * d * ww]
        spread += np.column_stack(parts) * np.divide(n, n - 1, out=np.zeros(len(n)), where=n > 1)[:, None] / size[:, None] ** 2
    return _gaps(units, chosen, columns) * [1.0, -1.0], spread


def _within_strata(units: _Units, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences inside strata that have both arms, weighted by the strata's actual treated weight."""
    start, n, k = units.design.sizes
    both = (k > 0) & (k < n)
    share = np.where(both, np.add.reduceat(units.weight * units.design.treated, start), 0.0)
    share = share / share.sum()

    def by_stratum(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, start, axis=-1)
    whole, size = by_stratum(units.weight), by_stratum(chosen * units.weight)
    out = []
    for values in (units.total, -units.weight * units.design.treated):
        sums = by_stratum(chosen * values)
        inside = np.divide(sums, size, out=np.zeros_like(sums), where=both & (size > 0))
        outside = np.divide(by_stratum(values) - sums, whole - size, out=np.zeros_like(sums), where=both & (whole - size > 0))
        out.append((inside - outside) @ share)
    return np.column_stack(out), np.tile([1.0, 0.0, 0.0], (len(chosen), 1))
