"""Nearest neighbours on the score of joining, inside entry periods and exact strata."""
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.matching.matcher import PairMatcher
from evaluation.matching.pairing import pair_nearest
from evaluation.matching.problem import Problem, Sets


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbour(PairMatcher):
    """The nearest comparison units of each treated unit, on the score of a pooled discrete-time logit of entry.

    The estimand is the effect on the treated who can be matched: those left out are listed with their reason.

    Attributes
    ----------
    replacement : bool
        Whether a unit may serve several treated units of one entry period. It may always serve several entry periods.

    Notes
    -----
    Ties go to the smaller `unit_id`; scores are compared to 10 decimals. Without replacement treated units choose from the largest score down and
    everyone gets a first comparison before anyone a second.

    References
    ----------
    Austin (2011), DOI 10.1002/pst.433 (caliper on the logit scale).
    Li, Propert and Rosenbaum (2001), DOI 10.1198/016214501753208573 (risk-set matching).
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    ratio: int = 3
    replacement: bool = True

    def solve(self, problem: Problem) -> Sets:
        """Pairs on the score."""
        pairs = pair_nearest(problem.score, problem.stratum, problem.focal, problem.rows.id, ratio=self.ratio, width=problem.width,
                             replacement=self.replacement)
        return Sets.of_pairs(pairs.treated, pairs.comparison, pairs.reason)

    def in_words(self) -> str:
        on, exact = self.common_words()
        how = "with" if self.replacement else "without"
        return f"{self.ratio}:1 nearest-neighbour matching {how} replacement on {self.score.in_words()} {on}, {self.caliper_words()}, {exact}"
