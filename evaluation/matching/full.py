"""Optimal full matching: everyone who can be matched is, in sets as tight as can be."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from evaluation.matching.coordinates import Distance, coordinates_of, distance_words, refuse_distance
from evaluation.matching.options import check_whole, refuse
from evaluation.matching.pair_matcher import PairMatcher
from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, NO_COMPARISON_LEFT, OUTSIDE_CALIPER, STRATUM_MISSING, Problem, Sets
from evaluation.matching.search.assignment import Allowed, assigned
from evaluation.matching.search.full_limits import limited_pairs
from evaluation.matching.search.full_line import full_pairs, without_chains


@dataclass(frozen=True, slots=True, kw_only=True)
class FullMatching(PairMatcher):
    """Sets of one treated and some comparison units, or of one comparison and some treated units, with everyone in one who can be.

    The sum of the distances between each set's one unit and its others is the smallest there is. With a caliper only units with nobody of the other
    side inside it are left out. Weights make the effect that on the treated, on the comparison units, or on all.

    Attributes
    ----------
    caliper : float or None
        Largest distance on the score between a set's one unit and its others.
    distance : 'score', 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        What is added up: the distance on the score, or one over the covariates (see `whitened`); the caliper always is on the score.
    most_treated, most_comparison : int or None
        Most units of that side in a set; on the score, without calipers or columns that must differ. Where a side of an exact stratum is too many,
        as few as can be are left out.

    Notes
    -----
    On the score alone, 1,000,000 rows take seconds. A distance over covariates, calipers on columns, and columns that must differ weigh single pairs:
    at most 20 million may be allowed. Effective sample sizes are small where many share one unit: limits help. `ratio` means nothing here.

    References
    ----------
    Rosenbaum (1991), DOI 10.1111/j.2517-6161.1991.tb01848.x. Hansen (2004), DOI 10.1198/016214504000000647.

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.matching.candidates import Candidates
    >>> from evaluation.matching.matcher import KnownScore
    >>> rows = Candidates.of_table(pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0], "x": [0.0, 0.1, 5.0, 0.2, 4.9, 5.3]}), treated="joined")
    >>> FullMatching(covariates=("x",)).match(rows, known=KnownScore(value=rows.column("x"))).subclass().tolist()
    [1, 1, 0, 1, 0, 0]
    """

    UNUSED: ClassVar[tuple[str, ...]] = ("ratio",)
    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    caliper: float | None = None
    distance: Distance = "score"
    most_treated: int | None = None
    most_comparison: int | None = None

    def __post_init__(self) -> None:
        PairMatcher.__post_init__(self)
        refuse(self.ratio != 1, f"`matching.ratio` has no meaning in full matching: it is {self.ratio}. Limit sets by `matching.most_comparison`.")
        refuse_distance(self)
        for name in ("most_treated", "most_comparison"):
            check_whole(self, name, least=1, optional=True)
        refuse(self._is_limited() and (self.distance != "score" or self.caliper is not None or bool(self.covariate_calipers or self.anti_exact)),
               "`matching.most_treated` and `matching.most_comparison` are for full matching on the score alone: take out `matching.caliper` (none), "
               "`matching.covariate_calipers`, `matching.anti_exact` and `matching.distance`.")

    def uses_score(self) -> bool:
        return self.distance == "score" or self.caliper is not None or self.discard != "none"

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """As every pair matcher, with the distance measured once, over all rows."""
        if self.distance != "score":
            problem = replace(problem, x=coordinates_of(problem, self.covariates, self.distance, n_history=len(self.history)), names=())
        return PairMatcher.solve_in_tiers(self, problem)

    def solve(self, problem: Problem) -> Sets:
        """Sets of a problem whose `x` holds coordinates, where a distance over covariates is added up."""
        return sets_of_stars(problem, *self._pairs(problem), self.estimand, rest=NO_COMPARISON_LEFT if self._is_limited() else OUTSIDE_CALIPER)

    def in_words(self) -> str:
        sizes = "".join(f", at most {most} {side} per set" for most, side in ((self.most_treated, "treated"), (self.most_comparison, "comparison"))
                        if most is not None)
        return f"optimal full matching {distance_words(self, self.caliper_words())}{sizes}"

    def plain_method(self) -> str:
        return ("Every unit that can be compared is put into a small group: one that joined with some that did not, or one that did not join with "
                "some that did, so that all differences inside groups together are as small as can be.")

    def _is_limited(self) -> bool:
        return self.most_treated is not None or self.most_comparison is not None

    def _pairs(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        if self.distance != "score" or not problem.is_plain:
            return full_by_assignment(problem, None if self.distance == "score" else problem.x)
        arrays = problem.score, problem.stratum, problem.focal, ~problem.focal & (problem.capacity > 0), problem.rows.id
        if not self._is_limited():
            return full_pairs(*arrays, width=problem.width)
        most = (self.most_comparison, self.most_treated) if self.estimand == "ATC" else (self.most_treated, self.most_comparison)
        return limited_pairs(*arrays, most_focal=most[0], most_other=most[1])


def full_by_assignment(problem: Problem, coordinates: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an optimal full matching where single pairs must be weighed; as `full_pairs`.

    Everyone goes to the nearest, unless two do better by going to each other: which two is an assignment problem of what that saves.

    Raises
    ------
    EstimationError
        More than 20 million pairs are allowed.
    """
    allowed = Allowed.of(problem, coordinates)
    i, j, far = allowed.i, allowed.j, allowed.distance
    nearest = [_nearest_of_each(side, far, other) for side, other in ((i, j), (j, i))]
    own = np.full(len(allowed.focal), np.inf), np.full(len(allowed.other), np.inf)
    for distance, side, pair in zip(own, (i, j), nearest, strict=True):
        distance[side[pair]] = far[pair]
    saved = own[0][i] + own[1][j] - far
    worth = np.flatnonzero(saved > 0)
    both = worth[assigned(i[worth], j[worth], -saved[worth], np.zeros(len(allowed.focal)), len(allowed.other))]
    rest = [pair[~np.isin(side[pair], side[both])] for side, pair in zip((i, j), nearest, strict=True)]
    pairs = np.unique(np.concatenate([both, *rest]))
    pairs = pairs[np.lexsort((pairs, -far[pairs]))]
    n = len(allowed.focal)
    a, b = without_chains(i[pairs], n + j[pairs])
    return allowed.focal[a], allowed.other[b - n]


def _nearest_of_each(side: np.ndarray, distance: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The shortest pair of each row of a side that has any."""
    order = np.lexsort((other, distance, side))
    return order[np.append(True, side[order][1:] != side[order][:-1])[:len(order)]]


def sets_of_stars(problem: Problem, first: np.ndarray, second: np.ndarray, estimand: str, *, rest: int) -> Sets:
    """Sets of pairs of which one row always has no other pair; `rest` is the reason of rows whose stratum has both sides."""
    n = len(problem)
    of_first = np.bincount(first, minlength=n)[first] > 1
    of_second = np.bincount(second, minlength=n)[second] > 1
    middle = np.where(of_first | ~of_second, first, second)
    number = np.full(n, -1)
    number[first] = number[second] = middle
    return sets_of_numbers(problem, number, estimand, rest=rest)


def sets_of_numbers(problem: Problem, number: np.ndarray, estimand: str, *, rest: int) -> Sets:
    """Sets of rows with the same number (-1: in none); `rest` is the reason of rows whose stratum has both sides."""
    numbers, code = np.unique(number, return_inverse=True)
    code = code - int((numbers < 0).any())
    usable = (problem.stratum >= 0) & (problem.focal | (problem.capacity > 0))
    there = [np.unique(problem.stratum[usable & side]) for side in (problem.focal, ~problem.focal)]
    both = np.isin(problem.stratum, np.intersect1d(*there))
    why = np.where(problem.stratum < 0, STRATUM_MISSING, np.where(both, rest, NO_COMPARISON_IN_STRATUM))
    wanted = (problem.focal | (estimand == "ATE")) & (code < 0)
    return Sets.of_strata(code, problem.focal, estimand, np.where(wanted, why, 0).astype(np.int8))
