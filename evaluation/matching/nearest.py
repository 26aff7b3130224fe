"""Nearest neighbours on the score of joining, inside entry periods and exact strata."""
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from evaluation.matching.options import ORDERS, as_tuple, check_whole, refuse
from evaluation.matching.pair_matcher import PairMatcher
from evaluation.matching.problem import Problem, Sets
from evaluation.matching.search.pairing import extremal_ratios, pair_nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbour(PairMatcher):
    """The nearest comparison units of each treated unit, on the score of a pooled discrete-time logit of entry.

    The estimand is the effect on the treated who can be matched: those left out are listed with their reason. With `estimand='ATC'` sides change
    places: treated units are sought for each comparison unit.

    Attributes
    ----------
    replacement : bool
        Whether a unit may serve several treated units of one entry period. It may always serve several entry periods.
    reuse_max : int or None
        With replacement, how many it may serve at most; 1 is as without.
    ratio_range : (int, int) or None
        Fewest and most comparison units of a treated unit, around a mean of `ratio`: the treated with the largest scores, whom few comparison units
        resemble, want the fewest (those with the smallest scores where the treated have the smaller mean).
    order : 'auto', 'largest', 'smallest', 'data', 'random', 'closest' or 'farthest'
        Who chooses first where units are used up: by score, in the order of `unit_id`, by a draw for each unit, the nearest pair that is left, or
        those whose nearest unit is farthest when a round begins. 'auto' is largest for ATT and smallest for ATC.
    seed : int
        Of the random order.
    ties : 'id' or 'share'
        Whether of equally near units the smaller `unit_id` is taken, or all join that are as near as the last one wanted, with equal weight
        (Abadie and Imbens); the latter with replacement only.

    Notes
    -----
    Ties go to the smaller `unit_id`; scores are compared to 10 decimals. Without replacement everyone gets a first comparison before anyone a second,
    and who gets none in a round is out of the later ones. Checked against MatchIt 4.7.2, whose ties go by the order of rows. `ratio_range` keeps to
    its least number for everyone, where MatchIt may give one treated unit fewer when that number is above 1.

    References
    ----------
    Austin (2011), DOI 10.1002/pst.433 (caliper on the logit scale).
    Li, Propert and Rosenbaum (2001), DOI 10.1198/016214501753208573 (risk-set matching).
    Abadie and Imbens (2006), DOI 10.1111/j.1468-0262.2006.00655.x (ties).
    Ming and Rosenbaum (2000), DOI 10.1111/j.0006-341X.2000.00118.x (ratios that vary).
    Rassen and others (2012), DOI 10.1002/pds.3263 (several comparison units, nearest pairs first).
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    ratio: int = 3
    replacement: bool = True
    reuse_max: int | None = None
    ratio_range: tuple[int, int] | None = None
    order: Literal["auto", "largest", "smallest", "data", "random", "closest", "farthest"] = "auto"
    seed: int = 0
    ties: Literal["id", "share"] = "id"

    def __post_init__(self) -> None:
        PairMatcher.__post_init__(self)
        check_whole(self, "reuse_max", least=1, optional=True)
        check_whole(self, "seed", least=0)
        refuse(self.reuse_max is not None and (self.reuse_max < 1 or not self.replacement),
               f"`matching.reuse_max` must be at least 1, and needs `matching.replacement`: it is {self.reuse_max}.")
        refuse(self.order not in ORDERS, f"`matching.order` must be one of {', '.join(ORDERS)}: it is {self.order!r}.")
        refuse(self.ties not in ("id", "share"), f"`matching.ties` must be id or share: it is {self.ties!r}.")
        refuse(self.ties == "share" and not self.is_unlimited(),
               "`matching.ties` can be share only with replacement and without `matching.reuse_max`: else units would be used up.")
        if self.ratio_range is not None:
            self._check_ratio_range()

    def _check_ratio_range(self) -> None:
        as_tuple(self, "ratio_range")
        whole = len(self.ratio_range) == 2 and all(isinstance(number, int) for number in self.ratio_range)
        refuse(not whole or not 1 <= self.ratio_range[0] < self.ratio < self.ratio_range[1],
               f"`matching.ratio_range` must be two whole numbers, the first at least 1 and below `matching.ratio` ({self.ratio}), the second "
               f"above: it is {list(self.ratio_range)}.")

    def is_unlimited(self) -> bool:
        """Whether a unit may serve any number of treated units."""
        return self.replacement and self.reuse_max is None

    def capacities(self, n: int) -> np.ndarray:
        """How many treated units each row may serve: with replacement more than there can be."""
        return np.full(n, n if self.is_unlimited() else self.reuse_max or 1, dtype=np.int64)

    def wanted_ratios(self, problem: Problem) -> np.ndarray:
        """Comparison units wanted by each focal row, shape (n,)."""
        if self.ratio_range is None:
            return np.full(len(problem), self.ratio)
        least, most = self.ratio_range
        return extremal_ratios(problem, mean=self.ratio, least=least, most=most)

    def solve(self, problem: Problem) -> Sets:
        """Pairs on the score."""
        order = ("smallest" if self.estimand == "ATC" else "largest") if self.order == "auto" else self.order
        pairs = pair_nearest(problem, wanted=self.wanted_ratios(problem), order=order, seed=self.seed, ties=self.ties)
        return Sets.of_pairs(pairs)

    def in_words(self) -> str:
        on, exact = self.common_words()
        ratio = f"{self.ratio}:1" if self.ratio_range is None else f"{self.ratio_range[0]}:1 to {self.ratio_range[1]}:1 (mean {self.ratio}:1)"
        how = "without replacement" if not self.replacement else "with replacement"
        if not self.is_unlimited():
            how += f" (each unit at most {self.reuse_max} times)" * (self.reuse_max is not None) + ORDERS[self.order].format(seed=self.seed)
        shared = " (equally near units share)" if self.ties == "share" else ""
        return f"{ratio} nearest-neighbour matching {how}{shared} on {self.score.in_words()} {on}, {self.caliper_words()}, {exact}"

    def plain_method(self) -> str:
        caliper = "without a caliper" if self.caliper is None else f"no further than {self.plain_caliper()} apart"
        reuse = ("no unit is used twice in an entry period" if not self.replacement
                 else "a unit may be used again, and ties go to the smaller identifier" if self.ties == "id"
                 else "a unit may be used again, and equally near units share")
        return f"Each programme unit has up to {self.ratio} nearest neighbour{'s' if self.ratio > 1 else ''} on the score, {caliper}; {reuse}."
