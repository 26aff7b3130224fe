"""Generalised full matching: everyone in a set with both sides, near each other on the score or on several covariates, at any scale."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.matching.caliper import Unit, on_score_in_plain_words, on_score_in_words, width_of
from evaluation.matching.coordinates import Distance, coordinates_of, distance_words, refuse_distance
from evaluation.matching.full import sets_of_numbers, sets_of_stars
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import check_above_zero, check_whole, refuse
from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, OUTSIDE_CALIPER, Problem, Sets
from evaluation.matching.search.neighbourhoods import nearest_cover, seeded_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralisedFull(Matcher):
    """Sets of treated and comparison units, with everyone in one who can be, such that the longest distance inside sets is as short as can be.

    With one of each side enough, no treated and comparison unit of a set are farther apart than any way to put everyone into sets must allow; with
    more required, at most four times as far. `FullMatching` makes the sum of distances smallest instead, on the score. Weights make the effect that
    on the treated, on the comparison units, or on all.

    Attributes
    ----------
    distance : 'score', 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        On the score, or over the covariates (see `whitened`).
    caliper : float or None
        Largest distance on the score; units with nobody of the other side inside it are left out, and nobody else.
    caliper_unit : 'sd' or 'absolute'
        Standard deviations (n - 1) of the score over all rows that are not discarded, or units of the score.
    fewest_treated, fewest_comparison : int
        Units of each side that every set must have.

    Notes
    -----
    Against quickmatch 0.2.2 on its own objective: the same longest distance and number of sets, a smaller sum of distances.

    References
    ----------
    Sävje, Higgins and Sekhon (2021), DOI 10.1017/pan.2020.32.

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.matching.candidates import Candidates
    >>> from evaluation.matching.matcher import KnownScore
    >>> rows = Candidates.of_table(pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0], "x": [0.0, 0.1, 5.0, 0.2, 4.9, 5.3]}), treated="joined")
    >>> GeneralisedFull(covariates=("x",)).match(rows, known=KnownScore(value=rows.column("x"))).subclass().tolist()
    [1, 1, 0, 1, 0, 0]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    distance: Distance = "score"
    caliper: float | None = None
    caliper_unit: Unit = "sd"
    fewest_treated: int = 1
    fewest_comparison: int = 1

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        refuse_distance(self)
        check_above_zero(self, "caliper")
        refuse(self.caliper_unit not in ("sd", "absolute"), f"`matching.caliper_unit` must be sd or absolute: it is {self.caliper_unit!r}.")
        for name in ("fewest_treated", "fewest_comparison"):
            check_whole(self, name, least=1)
        refuse(self.caliper is not None and (self.distance != "score" or not self._is_plain()),
               "`matching.caliper` of generalised full matching is on the score, for sets with at least one unit of each side: take it out (none), "
               "or `matching.distance`, `matching.fewest_treated` and `matching.fewest_comparison`.")

    def uses_score(self) -> bool:
        return self.distance == "score" or self.discard != "none"

    def reach(self, score: np.ndarray) -> float:
        return width_of(self.caliper, self.caliper_unit, score)

    def solve(self, problem: Problem) -> Sets:
        """Sets grown from nearest neighbours."""
        z = (problem.score[:, None] if self.distance == "score"
             else coordinates_of(problem, self.covariates, self.distance, n_history=len(self.history)))
        along = (z[:, 0],) if z.shape[1] == 1 else ()
        order = np.lexsort((problem.rows.id, *along, problem.stratum))
        order = order[problem.stratum[order] >= 0]
        arrays = z[order], problem.stratum[order], problem.rows.treated[order]
        if self._is_plain():
            a, b = (order[side] for side in nearest_cover(*arrays, problem.width if self.distance == "score" else float("inf")))
            first = problem.focal[a]
            return sets_of_stars(problem, np.where(first, a, b), np.where(first, b, a), self.estimand, rest=OUTSIDE_CALIPER)
        number = np.full(len(problem), -1)
        number[order] = seeded_sets(*arrays, (self.fewest_treated, self.fewest_comparison))
        return sets_of_numbers(problem, number, self.estimand, rest=NO_COMPARISON_IN_STRATUM)

    def in_words(self) -> str:
        caliper = "no caliper" if self.caliper is None else on_score_in_words(self.caliper, self.caliper_unit, self.score.scale)
        sizes = "" if self._is_plain() else f", at least {self.fewest_treated} treated and {self.fewest_comparison} comparison rows per set"
        return f"generalised full matching {distance_words(self, caliper)}{sizes}"

    def plain_method(self) -> str:
        return "Every unit that can be compared is put into a small group with both, some that joined and some that did not, near each other."

    def plain_rules(self, label: Callable[[str], str]) -> list[str]:
        if self.caliper is None:
            return Matcher.plain_rules(self, label)
        width = on_score_in_plain_words(self.caliper, self.caliper_unit)
        return [*Matcher.plain_rules(self, label), f"Units of a group are no further than {width} apart."]

    def _is_plain(self) -> bool:
        return self.fewest_treated == self.fewest_comparison == 1
