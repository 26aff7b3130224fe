"""A matching problem as arrays, and its solution: what every method takes and gives. Knows no panels and no tables."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.matching.candidates import Candidates

REASONS = ("", "stratum_missing", "covariate_missing", "outside_common_support", "no_comparison_in_stratum", "outside_caliper", "no_comparison_left",
           "trimmed", "not_selected", "cannot_be_balanced")
(MATCHED, STRATUM_MISSING, COVARIATE_MISSING, OUTSIDE_COMMON_SUPPORT, NO_COMPARISON_IN_STRATUM, OUTSIDE_CALIPER, NO_COMPARISON_LEFT,
 TRIMMED, NOT_SELECTED, CANNOT_BE_BALANCED) = range(len(REASONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How near two matched rows must be on one column (`width` >= 0, the bound inside), or how far apart (`width` < 0, the bound outside)."""

    name: str
    values: np.ndarray
    width: float

    def holds(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Whether pairs of rows obey it."""
        gap = np.abs(self.values[i] - self.values[j])
        return gap <= self.width if self.width >= 0 else gap > -self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Rows that may be matched, with what decides it. Shapes are (n,) unless said; n is the number of rows here.

    Attributes
    ----------
    rows : Candidates
        Complete rows inside common support.
    focal : ndarray of bool
        Rows for which others are sought: the treated, or the comparison rows where the estimand is the effect on those.
    stratum : ndarray of int
        One per combination of entry period and exact keys; -1 where a key is missing. Only rows of one stratum may be matched.
    x : ndarray, shape (n, n_covariates)
        Complete covariates, named in `names`.
    score : ndarray
        On the scale that is matched; NaN where no score was fitted.
    probability : ndarray
        Of being treated; NaN where no score was fitted.
    width : float
        Largest distance on the score, included; inf without a caliper.
    limits : tuple of Limit
        Calipers on named columns.
    differ : tuple of ndarray of int
        Codes on which matched rows must not agree (anti-exact); -1 (missing) agrees with nothing.
    capacity : ndarray of int
        How many sets a row may join as one of the others.
    """

    rows: Candidates
    focal: np.ndarray
    stratum: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    score: np.ndarray
    probability: np.ndarray
    width: float
    limits: tuple[Limit, ...]
    differ: tuple[np.ndarray, ...]
    capacity: np.ndarray

    def __len__(self) -> int:
        return len(self.focal)

    @property
    def is_plain(self) -> bool:
        """Whether the score, its caliper and the strata alone decide who may be matched."""
        return not self.limits and not self.differ

    def admissible(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Whether pairs of rows may be matched: stratum, caliper, limits and columns that must differ. `i` and `j` broadcast."""
        may = (self.stratum[i] == self.stratum[j]) & (self.stratum[i] >= 0)
        if np.isfinite(self.width):
            may &= np.abs(self.score[i] - self.score[j]) <= self.width
        for limit in self.limits:
            may &= limit.holds(i, j)
        for code in self.differ:
            may &= (code[i] != code[j]) | (code[i] < 0)
        return may

    def keep(self, mask: np.ndarray) -> Problem:
        """The rows where a mask is true."""
        return replace(self, rows=self.rows.keep(mask), focal=self.focal[mask], stratum=self.stratum[mask], x=self.x[mask], score=self.score[mask],
                       probability=self.probability[mask], limits=tuple(replace(limit, values=limit.values[mask]) for limit in self.limits),
                       differ=tuple(code[mask] for code in self.differ), capacity=self.capacity[mask])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """`focal[k]` is paired with `other[k]`: rows, one focal row after the other, each with its comparison rows in the order of choice.

    `reason` has one entry per row (place in `REASONS`): 0 where a focal row is paired, and for rows that are not focal.
    """

    focal: np.ndarray
    other: np.ndarray
    reason: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """Matched sets: members on both sides with their weights, and why focal rows are in none.

    Attributes
    ----------
    focal, focal_set : ndarray of int; focal_weight : ndarray of float
        Row of the problem, number of the set from 0 up, and weight; one entry per member.
    other, other_set, other_weight
        The same of those they are compared with. Inside every set the weights of both sides add up to the same where the estimand is the effect on
        the focal rows.
    reason : ndarray of int8, shape (n,)
        Place in `REASONS`; 0 for members, and for rows that are not focal.
    notes : tuple of str
        What a reader must know of how they were found, in sentences.
    """

    focal: np.ndarray
    focal_set: np.ndarray
    focal_weight: np.ndarray
    other: np.ndarray
    other_set: np.ndarray
    other_weight: np.ndarray
    reason: np.ndarray
    notes: tuple[str, ...] = ()

    @classmethod
    def of_pairs(cls, pairs: Pairs) -> Sets:
        """One set per focal row: weight 1, shared equally among those it is paired with."""
        focal, other, reason = pairs.focal, pairs.other, pairs.reason
        place = np.full(len(reason), -1, dtype=np.int64)
        first = np.zeros(len(reason), dtype=bool)
        first[focal] = True
        firsts = np.flatnonzero(first)
        place[firsts] = np.arange(len(firsts))
        code = place[focal]
        size = np.bincount(code, minlength=len(firsts))
        return cls(focal=firsts, focal_set=np.arange(len(firsts)), focal_weight=np.ones(len(firsts)), other=other, other_set=code,
                   other_weight=1.0 / size[code], reason=reason)

    @classmethod
    def of_strata(cls, subclass: np.ndarray, focal: np.ndarray, estimand: str, reason: np.ndarray) -> Sets:
        """One set per subclass (-1: in none) with rows of both sides.

        Weights for the effect on the focal rows: 1, and n_focal / n_other of the subclass; for the effect on all ('ATE'): n / n_focal and
        n / n_other.
        """
        n = int(subclass.max(initial=-1)) + 1
        inside = subclass >= 0
        own, rest = (np.bincount(subclass[inside & side], minlength=n) for side in (focal, ~focal))
        number = np.cumsum((own > 0) & (rest > 0)) - 1
        inside[inside] = ((own > 0) & (rest > 0))[subclass[inside]]
        a, b = np.flatnonzero(inside & focal), np.flatnonzero(inside & ~focal)
        sa, sb = subclass[a], subclass[b]
        if estimand == "ATE":
            weight_a, weight_b = (own + rest)[sa] / own[sa], (own + rest)[sb] / rest[sb]
        else:
            weight_a, weight_b = np.ones(len(a)), own[sb] / rest[sb]
        return cls(focal=a, focal_set=number[sa], focal_weight=weight_a, other=b, other_set=number[sb], other_weight=weight_b, reason=reason)

    @classmethod
    def joined(cls, parts: Sequence[Sets]) -> Sets:
        """Sets of several solutions of the same rows as one; reasons are the last's."""
        start, columns = 0, {name: [] for name in ("focal", "focal_set", "focal_weight", "other", "other_set", "other_weight")}
        for part in parts:
            for name, column in columns.items():
                column.append(getattr(part, name) + (start if name.endswith("_set") else 0))
            start += int(part.focal_set.max(initial=-1)) + 1
        return cls(**{name: np.concatenate(column) for name, column in columns.items()}, reason=parts[-1].reason,
                   notes=tuple(note for part in parts for note in part.notes))
