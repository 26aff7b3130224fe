"""Entropy balancing: the weights nearest to equal ones under which both sides have the same means, inside entry periods and exact strata."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from evaluation.errors import CommonSupportError
from evaluation.matching.candidates import numbers_of
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import refuse
from evaluation.matching.problem import CANNOT_BE_BALANCED, MATCHED, Problem, Sets
from evaluation.matching.row_chunks import CHUNK, chunks, one_thread
from evaluation.matching.weighting import TARGETS, weighted_sets

SETTLED = 1e-11                # largest gap left, in standard deviations, at which steps end
DEPENDENT = 1e-13              # directions with a smaller share of the largest variance count as collinear
MAX_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyBalancing(Matcher):
    """Everyone, weighted so that the means of all covariates agree exactly with those of the rows whose effect is wanted; there is no score.

    Attributes
    ----------
    moments : int
        1: means; 2: means of squares as well, and so variances; 3: of cubes as well. Columns with two values need only their mean.
    base_weights : str or None
        A column of weights above 0 from which the weights depart as little as they can, instead of equal ones.
    tolerance : float
        Largest difference of means that may be left, in standard deviations.

    Notes
    -----
    Among weights w with the wanted means, those with the least sum of w log(w / b): they are b exp(z l), with l from Newton's steps on the convex
    dual. Each entry period and exact stratum is balanced by itself. Where no weights can reach the means, because they lie outside what the other
    side's rows can make up, those of the set are left out (`cannot_be_balanced`); where no set can be balanced, an error names the covariates.
    Columns that others determine are balanced with them. Sampling weights multiply the weights found, as in WeightIt 2.0, with which these agree.

    References
    ----------
    Hainmueller (2012), DOI 10.1093/pan/mpr025, equations 5 to 9. Zhao and Percival (2017), DOI 10.1515/jci-2016-0010.
    Kallberg and Waernbaum (2023), DOI 10.1016/j.ecosta.2023.11.004 (the effect on all).

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.matching import Candidates
    >>> table = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "age": [30.0, 50.0, 20.0, 40.0, 60.0]})
    >>> found = EntropyBalancing(covariates=("age",), moments=2).match(Candidates.of_table(table, treated="joined"))
    >>> found.raw_weights().round(6).tolist()
    [1.0, 1.0, 0.25, 1.5, 0.25]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    KIND: ClassVar[str] = "weights"
    moments: int = 1
    base_weights: str | None = None
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        refuse(self.moments not in (1, 2, 3), f"`matching.moments` must be 1, 2 or 3: it is {self.moments}.")
        refuse(not 0 < self.tolerance < 0.1, f"`matching.tolerance` must be above 0 and below 0.1 standard deviations: it is {self.tolerance}.")
        refuse(self.formula is not None, "`matching.formula` is for a score: entropy balancing has none. Name columns in `matching.covariates`.")
        refuse(not self.covariates and not self.history,
               "Entropy balancing needs at least one covariate. Name slow covariates in `matching.score.covariates`.")

    def uses_score(self) -> bool:
        return False

    def columns_used(self) -> tuple[str, ...]:
        return (*Matcher.columns_used(self), *((self.base_weights,) if self.base_weights else ()))

    def solve(self, problem: Problem) -> Sets:
        """One set of each stratum whose sides can be balanced."""
        with one_thread():
            terms = Terms.of(problem.x, problem.focal, problem.names, self.moments)
            found = self._balanced(problem, terms)
        weight, reason = np.zeros(len(problem)), np.full(len(problem), MATCHED, dtype=np.int8)
        for one in found:
            if one.gap > self.tolerance:
                reason[one.own] = reason[one.rest] = CANNOT_BE_BALANCED
                continue
            weight[one.own] = 1.0
            for side, tilt in zip((one.rest, one.own), one.tilts, strict=False):
                weight[side] = tilt.shares / problem.rows.weights[side]
        failed = [one for one in found if one.gap > self.tolerance]
        if failed and len(failed) == len(found):
            raise _unbalanced(failed, terms.names)
        sets = weighted_sets(problem, weight, reason, everyone=self.estimand == "ATE")
        return replace(sets, notes=_notes(found, failed, terms.names))

    def in_words(self) -> str:
        on, exact = self.common_words()
        what = {1: "means", 2: "means and variances", 3: "means, variances and skewness"}[self.moments]
        base = "" if self.base_weights is None else f", starting from {self.base_weights.replace('_', ' ')}"
        return f"entropy balancing of {what} to {TARGETS[self.estimand]} {on}{base}, {exact}"

    def plain_method(self) -> str:
        if self.estimand == "ATT":
            return ("Comparison units are given weights, inside each entry period and group of equal characteristics, under which their averages "
                    "equal those of the units that joined.")
        return f"Units are given weights under which the averages of both sides equal those of {TARGETS[self.estimand]}."

    def _base(self, problem: Problem) -> np.ndarray:
        if self.base_weights is None:
            return np.ones(len(problem))
        base = numbers_of(problem.rows.column(self.base_weights), self.base_weights)
        refuse(base is None, f"`matching.base_weights` must be a column of numbers: {self.base_weights!r} is text.")
        wrong = int((~(np.isfinite(base) & (base > 0))).sum())
        refuse(wrong > 0, f"`matching.base_weights` must be numbers above 0: {wrong:,} of {len(base):,} in {self.base_weights!r} are not.")
        return base

    def _balanced(self, problem: Problem, terms: Terms) -> list[_Balanced]:
        """Weights of every stratum with both sides: those of the other side, and for the effect on all those of the focal side as well."""
        base, sampling = self._base(problem) * problem.rows.weights, problem.rows.weights
        found = []
        for own, rest in _sides(problem.stratum, problem.focal):
            goal = terms.means(np.concatenate([own, rest]) if self.estimand == "ATE" else own, sampling)
            sides = (rest, own) if self.estimand == "ATE" else (rest,)
            found.append(_Balanced(own, rest, [tilted(terms.lines(side, goal), base[side], tolerance=self.tolerance) for side in sides]))
        return found


class _Balanced(NamedTuple):
    own: np.ndarray            # places of the focal rows
    rest: np.ndarray
    tilts: list[Tilt]          # of the rest, then of the focal rows

    @property
    def gap(self) -> float:
        return max(tilt.gap for tilt in self.tilts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is balanced: columns in standard deviations, then the squares and cubes of those with more than two values.

    Attributes
    ----------
    x : ndarray, shape (n, p)
    centre, scale : ndarray, shape (p,)
        Of the rows whose effect is wanted.
    powers : tuple of ndarray of int
        For the powers 2, 3, ...: which columns.
    spread : ndarray, shape (k,)
        Standard deviation of each term among those rows; among all where it is 0.
    names : tuple of str, length k
    """

    x: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    powers: tuple[np.ndarray, ...]
    spread: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, x: np.ndarray, focal: np.ndarray, names: Sequence[str], moments: int) -> Terms:
        """The terms of columns `x`, on the scale of the focal rows."""
        many = np.array([j for j in range(x.shape[1]) if moments > 1 and not _has_two_values(x[:, j])], dtype=np.int64)
        words = {1: "", 2: " squared", 3: " cubed"}
        labels = [*names, *(f"{names[j]}{words[k]}" for k in range(2, moments + 1) for j in many)]
        raw = cls(x=x, centre=np.zeros(x.shape[1]), scale=np.ones(x.shape[1]), powers=(), spread=np.ones(0), names=())
        centre, scale = _moments_of(raw, focal)
        lines = replace(raw, centre=centre, scale=scale, powers=(many,) * (moments - 1))
        return replace(lines, spread=_moments_of(lines, focal)[1], names=tuple(labels))

    def lines(self, rows: np.ndarray, goal: np.ndarray | None = None) -> np.ndarray:
        """Terms of rows at the places given, one line each; less their goal and in standard deviations where there is one; shape (k, n_rows)."""
        p = self.x.shape[1]
        out = np.empty((p + sum(map(len, self.powers)), len(rows)))
        for c in chunks(len(rows)):
            u = out[:p, c]
            np.subtract(self.x.T[:, rows[c]], self.centre[:, None], out=u)
            u /= self.scale[:, None]
            at = p
            for power, columns in enumerate(self.powers, start=2):
                out[at:at + len(columns), c] = u[columns] ** power
                at += len(columns)
            if goal is not None:
                out[:, c] -= goal[:, None]
                out[:, c] /= self.spread[:, None]
        return out

    def means(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted mean of each term over rows, shape (k,)."""
        return self.lines(rows) @ weights[rows] / weights[rows].sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tilt:
    """Weights of rows that bring their means to a goal, as near as could be.

    Attributes
    ----------
    shares : ndarray, shape (n,)
        Positive; they add up to 1.
    gap : float
        Largest distance of a mean from its goal.
    blamed : tuple of int
        Where the goal was not met: the terms that keep it out of reach.
    """

    shares: np.ndarray
    gap: float
    blamed: tuple[int, ...] = ()


def tilted(z: np.ndarray, base: np.ndarray, *, tolerance: float = 1e-6) -> Tilt:
    """Weights proportional to base * exp(l z) under which every line of `z` has mean 0.

    Parameters
    ----------
    z : ndarray, shape (k, n)
        Terms less their goal, in standard deviations.
    base : ndarray, shape (n,)
        Above 0.
    tolerance : float
        A goal that is proved to be further off than this is given up.

    Notes
    -----
    Newton's steps on log(sum of base * exp(l z)), which is convex, halved until it falls. A step on collinear lines is the shortest one. Where l z is
    below 0 for all rows, no weights whatever have mean 0: by the triangle inequality some mean stays at least max(l z) / sum |l| away.
    """
    log_base = np.log(base / base.sum())
    multipliers, along = np.zeros(len(z)), np.zeros(len(base))
    value, shares = _log_sum(log_base, along)
    nearest = np.inf
    for _ in range(MAX_STEPS):
        mean, spread = _mean_and_covariance(z, shares)
        gap = float(np.abs(mean).max(initial=0.0))
        nearest = min(nearest, gap)
        if gap <= SETTLED:
            break
        if -along.max() > tolerance * np.abs(multipliers).sum() > 0:
            return Tilt(shares=shares, gap=nearest, blamed=_to_blame(z, np.abs(multipliers)))
        direction = -np.linalg.lstsq(spread, mean, rcond=DEPENDENT)[0]
        fall, step = -float(mean @ direction), direction @ z
        if not fall > SETTLED**2:
            break
        length = 1.0
        while True:
            trial, shares = _log_sum(log_base, along + length * step)
            if trial <= value - 1e-4 * length * fall + 1e-15 or length < 1e-8:
                break
            length /= 2
        value, along, multipliers = trial, along + length * step, multipliers + length * direction
    return Tilt(shares=shares, gap=gap, blamed=_to_blame(z, np.abs(mean)) if gap > tolerance else ())


def _log_sum(log_base: np.ndarray, along: np.ndarray) -> tuple[float, np.ndarray]:
    """Log of the sum of base * exp(along), and each row's share of it."""
    exponent = log_base + along
    top = exponent.max()
    exponent -= top
    shares = np.exp(exponent, out=exponent)
    total = shares.sum()
    shares /= total
    return float(top + np.log(total)), shares


def _mean_and_covariance(z: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the lines under weights that add up to 1."""
    mean, products = np.zeros(len(z)), np.zeros((len(z), len(z)))
    buffer = np.empty((len(z), min(CHUNK, z.shape[1])))
    for c in chunks(z.shape[1]):
        part = np.multiply(z[:, c], np.sqrt(shares[c]), out=buffer[:, :len(shares[c])])
        mean += z[:, c] @ shares[c]
        products += part @ part.T
    return mean, products - np.outer(mean, mean)


def _to_blame(z: np.ndarray, pull: np.ndarray) -> tuple[int, ...]:
    """Terms whose goal lies beyond every row; where there is none, those that pull most."""
    beyond = np.flatnonzero((z.min(axis=1) > 0) | (z.max(axis=1) < 0))
    if len(beyond):
        return tuple(map(int, beyond))
    order = np.argsort(-pull, kind="stable")[:5]
    return tuple(int(j) for j in order if pull[j] > 0.2 * pull[order[0]])


def _sides(stratum: np.ndarray, focal: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of focal and of other rows in each stratum that has both."""
    key = (stratum + 1) * 2 + ~focal
    key = key.astype(np.uint16) if key.max(initial=0) < 2**16 else key         # sorted faster
    order = np.argsort(key, kind="stable")
    ends = np.cumsum(np.bincount(key))
    for s in range(2, len(ends) - 1, 2):
        own, rest = order[ends[s - 1]:ends[s]], order[ends[s]:ends[s + 1]]
        if len(own) and len(rest):
            yield own, rest


def _has_two_values(x: np.ndarray) -> bool:
    low, high = x.min(initial=np.inf), x.max(initial=-np.inf)
    return bool(((x == low) | (x == high)).all())


def _moments_of(terms: Terms, focal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each term among focal rows; the deviation among all rows where it is 0, and 1 where that is 0."""
    lines = terms.lines(np.flatnonzero(focal))
    spread = lines.std(axis=1)
    if (flat := spread <= 1e-12 * np.abs(lines).max(axis=1)).any():
        every = terms.lines(np.arange(len(focal)))[flat].std(axis=1)
        spread[flat] = np.where(every > 0, every, 1.0)
    return lines.mean(axis=1), spread


def _notes(found: Sequence[_Balanced], failed: Sequence[_Balanced], names: Sequence[str]) -> tuple[str, ...]:
    """How near the means came, and what could not be balanced."""
    if not found:
        return ()
    apart = {id(one) for one in failed}
    gap = max(one.gap for one in found if id(one) not in apart)
    near = f"Entropy balancing brought every mean within {gap:.1g} standard deviations of its goal."
    if not failed:
        return (near,)
    return near, (f"{len(failed):,} of {len(found):,} sets of entry period and exact keys, with {sum(len(one.own) for one in failed):,} rows whose "
                  f"effect is wanted, could not be balanced ({_blamed(failed, names)}).")


def _blamed(failed: Sequence[_Balanced], names: Sequence[str]) -> str:
    """The terms that keep goals out of reach, most often first."""
    count = Counter(names[j] for one in failed for tilt in one.tilts for j in tilt.blamed)
    return ", ".join(repr(name) for name, _ in count.most_common(5))


def _unbalanced(failed: Sequence[_Balanced], names: Sequence[str]) -> CommonSupportError:
    nearest = min(one.gap for one in failed)
    return CommonSupportError(f"Weights must be able to bring the means of both sides together: in none of {len(failed):,} sets of entry period and "
                              f"exact keys can they. Out of reach: {_blamed(failed, names)}; the nearest came within {nearest:.2g} standard "
                              "deviations. Take those out of `matching.score.covariates`, lower `matching.moments`, or add comparison pools.")
