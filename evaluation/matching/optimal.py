"""Optimal pairs: the smallest total distance there is, on the score of joining or on several covariates, with fine balance on request."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from evaluation.matching.cells import cells_of
from evaluation.matching.coordinates import Distance, coordinates_of, distance_words, refuse_distance
from evaluation.matching.options import as_tuple, listed, refuse
from evaluation.matching.pair_matcher import PairMatcher
from evaluation.matching.problem import Problem, Sets
from evaluation.matching.search.assignment import pair_by_assignment
from evaluation.matching.search.fine_balance import pair_finely
from evaluation.matching.search.optimal_line import pair_optimally


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimalPairs(PairMatcher):
    """Pairs with the smallest total distance, without replacement, inside entry periods and exact strata.

    A caliper leaves out only what can't be matched: of all ways to pair, those with the most treated units matched come first, then those with the
    most comparison units (up to `ratio` each), then the smallest total distance. So with `ratio` k a treated unit has fewer than k, but at least
    one, only where more can't be had, with a caliper or without. The estimand is the effect on the treated who are matched: those left out are
    listed with their reason.

    Attributes
    ----------
    distance : 'score', 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        What is added up: the distance on the score, or one over the covariates (see `whitened`); the caliper always is on the score.
    fine : tuple of str
        Columns whose levels, all combined, the comparison units shall have as often as their treated units, inside each entry period; a missing
        value is a level. Where that can't be had, the counts differ by as little as can be without leaving out anybody; a note says by how much.

    Notes
    -----
    On the score alone, 1,000,000 rows take seconds. A distance over covariates, calipers on columns, columns that must differ and fine balance weigh
    single pairs: at most 20 million may be allowed (1,500 treated and 13,000 comparison rows of one stratum without a caliper); fine balance takes
    a second for 10,000 rows and minutes for 100,000. Of several best solutions one is taken by the order of scores and identifiers, never by that of
    rows.

    References
    ----------
    Rosenbaum (1989), DOI 10.1080/01621459.1989.10478868.
    Yang, Small, Silber and Rosenbaum (2012), DOI 10.1111/j.1541-0420.2011.01691.x (near-fine balance).

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> from evaluation.matching.matcher import KnownScore
    >>> rows = Candidates.of_table(pd.DataFrame({"joined": [1, 1, 0, 0], "x": [2.0, 1.9, 1.8, 0.5]}), treated="joined")
    >>> match = OptimalPairs(covariates=("x",), caliper=None).match(rows, known=KnownScore(value=rows.column("x")))
    >>> match.pairs()[["treated", "comparison"]].to_numpy().tolist(), float(match.pairs()["distance"].sum().round(6))
    ([[0, 2], [1, 3]], 1.6)
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    distance: Distance = "score"
    fine: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        PairMatcher.__post_init__(self)
        as_tuple(self, "fine")
        refuse_distance(self)
        refuse(bool(self.fine and self.tiers), "`matching.fine` counts over all units at once: it can't be had with `matching.tiers`. "
               "Take one of them out.")

    def uses_score(self) -> bool:
        return self.distance == "score" or self.caliper is not None or self.discard != "none"

    def columns_used(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*PairMatcher.columns_used(self), *self.fine)))

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """As every pair matcher, with the distance measured once, over all rows."""
        if self.distance != "score":
            problem = replace(problem, x=coordinates_of(problem, self.covariates, self.distance, n_history=len(self.history)), names=())
        return PairMatcher.solve_in_tiers(self, problem)

    def solve(self, problem: Problem) -> Sets:
        """Pairs of a problem whose `x` holds coordinates, where a distance over covariates is added up."""
        coordinates = None if self.distance == "score" else problem.x
        if self.fine:
            found = pair_finely(problem, levels_of(problem, self.fine), coordinates, ratio=self.ratio)
            return replace(Sets.of_pairs(found.pairs), notes=(self._balance_note(found.deviation),))
        if coordinates is None and problem.is_plain:
            pairs = pair_optimally(problem.score, problem.stratum, problem.focal, ~problem.focal & (problem.capacity > 0), problem.rows.id,
                                   ratio=self.ratio, width=problem.width)
        else:
            pairs = pair_by_assignment(problem, coordinates, ratio=self.ratio)
        return Sets.of_pairs(pairs)

    def in_words(self) -> str:
        fine = f", fine balance on {listed(self.fine)}" if self.fine else ""
        return f"{self.ratio}:1 optimal matching without replacement {distance_words(self, self.caliper_words())}{fine}"

    def plain_method(self) -> str:
        most = "one other unit" if self.ratio == 1 else f"up to {self.ratio} other units"
        fine = f" Together those have {listed(self.fine)} as often as the units they are compared with." if self.fine else ""
        return f"Each unit is compared with {most}, each used once, so that all differences together are as small as can be.{fine}"

    def _balance_note(self, deviation: int) -> str:
        if not deviation:
            return f"Fine balance on {listed(self.fine)} holds exactly."
        return (f"Fine balance on {listed(self.fine)} can't be had: summed over its levels, the counts of comparison units differ by {deviation:,} "
                "from those of the units they are compared with, which is the least there can be.")


def levels_of(problem: Problem, names: tuple[str, ...]) -> np.ndarray:
    """One integer per combination of entry period and levels of the columns; a missing value is a level; shape (n_rows,)."""
    period = np.unique(problem.rows.period, return_inverse=True)[1]
    return cells_of(period, [pd.factorize(problem.rows.column(name), sort=True)[0] + 1 for name in names])
