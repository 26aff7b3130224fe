"""Nearest neighbours on several covariates at once, inside entry periods and exact strata; also inside a caliper on the score of joining."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from evaluation.matching.coordinates import WORDS, coordinates_of
from evaluation.matching.options import ORDERS, as_tuple, check_whole, listed, refuse
from evaluation.matching.pair_matcher import PairMatcher
from evaluation.matching.problem import Problem, Sets
from evaluation.matching.search.distances import KINDS, Kind
from evaluation.matching.search.pairing_on_coordinates import pair_on_coordinates


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestCovariates(PairMatcher):
    """The nearest comparison units of each treated unit, on a distance over several covariates.

    With a caliper, those inside it on the score of joining: then the distance chooses among comparison units that were about as likely to join.
    The estimand is the effect on the treated who can be matched: those left out are listed with their reason.

    Attributes
    ----------
    distance : 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        See `whitened`; moments are those of all rows, never of a stratum.
    on : tuple of str
        Columns of the distance, text with an indicator for every level; `covariates` (and the history) where empty.
    caliper : float or None
        Largest distance on the score; without one no score is fitted, unless `discard` or `order` needs it.
    replacement : bool
        Whether a unit may serve several treated units of one entry period. It may always serve several entry periods.
    reuse_max : int or None
        With replacement, how many it may serve at most.
    order : 'auto', 'largest', 'smallest', 'data', 'random', 'closest' or 'farthest'
        Who chooses first where units are used up: by score, in the order of `unit_id`, by a draw for each unit, the nearest pair that is left, or
        those whose nearest unit is farthest when a round begins. 'auto' is data, or with a score largest for ATT and smallest for ATC.
    seed : int
        Of the random order.

    Notes
    -----
    Everyone gets a first comparison before anyone a second. Distances, over their spread, are compared to 8 decimals; ties go to the smaller
    `unit_id`, and so the order of rows never matters. Checked against MatchIt 4.7.2, whose ties go by the order of rows; with exact strata and a
    caliper on a covariate it alters that caliper from the second stratum on (its issue 236), and we do not. `outside_caliper` is the reason of
    those without a comparison unit that every caliper and `anti_exact` allow.

    References
    ----------
    Rubin (1980), DOI 10.2307/2529981 (Mahalanobis distance). Rosenbaum and Rubin (1985), DOI 10.2307/2683903 (inside a caliper on the score).
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    distance: Kind = "mahalanobis"
    on: tuple[str, ...] = ()
    caliper: float | None = None
    replacement: bool = False
    reuse_max: int | None = None
    order: Literal["auto", "largest", "smallest", "data", "random", "closest", "farthest"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        PairMatcher.__post_init__(self)
        as_tuple(self, "on")
        refuse(self.distance not in KINDS, f"`matching.distance` must be {', '.join(KINDS[:-1])} or {KINDS[-1]}: it is {self.distance!r}.")
        refuse(not (self.on or self.covariates or self.history), "A distance needs at least one column: name them in `matching.covariates` or "
               "`matching.on`.")
        refuse(self.order not in ORDERS, f"`matching.order` must be one of {', '.join(ORDERS)}: it is {self.order!r}.")
        check_whole(self, "reuse_max", least=1, optional=True)
        check_whole(self, "seed", least=0)
        refuse(self.reuse_max is not None and (self.reuse_max < 1 or not self.replacement),
               f"`matching.reuse_max` must be at least 1, and needs `matching.replacement`: it is {self.reuse_max}.")
        for name, given in (("formula", self.formula is not None), ("history", bool(self.history and self.on))):
            refuse(given and not self.uses_score(), f"`matching.{name}` is for a score here, and this match uses none: give `matching.caliper`, or "
                   f"take `matching.{name}` out.")

    def uses_score(self) -> bool:
        return self.caliper is not None or self.discard != "none" or self.order in ("largest", "smallest")

    def capacities(self, n: int) -> np.ndarray:
        return np.full(n, (self.reuse_max or n) if self.replacement else 1, dtype=np.int64)

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """As every pair matcher, with the distance measured once, over all rows."""
        return PairMatcher.solve_in_tiers(self, replace(problem, x=self._coordinates(problem), names=()))

    def solve(self, problem: Problem) -> Sets:
        """Pairs of a problem whose `x` holds coordinates."""
        order = self._order()
        pairs = pair_on_coordinates(problem, problem.x, first=self._first(problem, order), ratio=self.ratio,
                                    by_distance={"closest": 1, "farthest": -1}.get(order, 0))
        return Sets.of_pairs(pairs)

    def columns_used(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*PairMatcher.columns_used(self), *self.on)))

    def in_words(self) -> str:
        on, exact = self.common_words()
        how = f"{'with' if self.replacement else 'without'} replacement{f' (each unit at most {self.reuse_max} times)' if self.reuse_max else ''}"
        how += ORDERS[self.order].format(seed=self.seed)
        inside = self.caliper_words() if not self.uses_score() else f"{self.caliper_words()}, the score being {self.score.in_words()} {on}"
        return (f"{self.ratio}:1 nearest-neighbour matching {how} on the {WORDS[self.distance]} distance over {', '.join(self._names())}, {inside}, "
                f"{exact}")

    def plain_method(self) -> str:
        caliper = "" if self.caliper is None else f", no further than {self.plain_caliper()} apart"
        reuse = "a unit may be used again" if self.replacement else "no unit is used twice in an entry period"
        return (f"Each programme unit has up to {self.ratio} nearest neighbour{'s' if self.ratio > 1 else ''} on {listed(self._names())} together"
                f"{caliper}; {reuse}.")

    def _names(self) -> tuple[str, ...]:
        """What the distance is over."""
        return self.on or (*self.covariates, *(f"history of {name}" for name in self.history))

    def _order(self) -> str:
        if self.order != "auto":
            return self.order
        if not self.uses_score():
            return "data"
        return "smallest" if self.estimand == "ATC" else "largest"

    def _first(self, problem: Problem, order: str) -> np.ndarray:
        """Focal rows choose in the order of this, smallest first."""
        if order in ("largest", "smallest"):
            return -problem.score if order == "largest" else problem.score
        if order == "random":
            return np.random.default_rng(self.seed).random(int(problem.rows.id.max()) + 1)[problem.rows.id]
        return np.zeros(len(problem))

    def _coordinates(self, problem: Problem) -> np.ndarray:
        """Coordinates of the distance, shape (n, q); NaN where a column is missing."""
        n_history = 0 if self.on else len(self.history)
        return coordinates_of(problem, self.on or self.covariates, self.distance, n_history=n_history)
