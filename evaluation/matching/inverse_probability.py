"""Weighting by the inverse probability of joining, inside entry periods and exact strata."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import refuse
from evaluation.matching.problem import MATCHED, TRIMMED, Problem, Sets
from evaluation.matching.weighting import TARGETS, weighted_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseProbability(Matcher):
    """Everyone, weighted by the probability of joining so that both sides resemble those whose effect is wanted.

    Attributes
    ----------
    bounds : (low, high), 'crump' or None
        Rows with a probability outside are left out of both sides (`trimmed`), which changes whose effect it is; the bounds themselves are inside.
        'crump' chooses them so that the effect on all is estimated with the least variance.
    truncate : float or None
        A quantile of the weights that vary (0.99); larger ones are set to it. Keeps everyone, at the price of some balance.

    Notes
    -----
    With p the probability of joining, weights of a treated and of a comparison row are
    ATT: 1 and p / (1 - p); ATC: (1 - p) / p and 1; ATE: 1 / p and 1 / (1 - p);
    ATO (overlap): 1 - p and p; ATM (matching weights): min(p, 1 - p) / p and min(p, 1 - p) / (1 - p).
    Inside each entry period and exact stratum those of the other side are then scaled: times sampling weights they add up to those of the focal side
    (ATE: both sides add up to the sampling weights of all). `inverse_probability_weights` gives them unscaled, as WeightIt 2.0 does.

    References
    ----------
    Hirano, Imbens and Ridder (2003), DOI 10.1111/1468-0262.00442. Li, Morgan and Zaslavsky (2018), DOI 10.1080/01621459.2016.1260466 (overlap).
    Li and Greene (2013), DOI 10.1515/ijb-2012-0030 (matching weights). Crump, Hotz, Imbens and Mitnik (2009), DOI 10.1093/biomet/asn055 (bounds).

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.matching import Candidates
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 0], "poor": [1, 1, 0, 0, 0, 0]})
    >>> found = InverseProbability(covariates=("poor",)).match(Candidates.of_table(table, treated="joined"))
    >>> found.raw_weights().round(6).tolist()
    [1.0, 1.0, 1.0, 0.333333, 0.333333, 0.333333]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE", "ATO", "ATM")
    KIND: ClassVar[str] = "weights"
    bounds: tuple[float, float] | Literal["crump"] | None = None
    truncate: float | None = None

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        if self.bounds is not None and self.bounds != "crump":
            pair = tuple(self.bounds)
            refuse(isinstance(self.bounds, str) or len(pair) != 2 or not 0 <= pair[0] < pair[1] <= 1,
                   f"`matching.bounds` must be two probabilities, the lower first, or crump: it is {self.bounds!r}.")
            object.__setattr__(self, "bounds", pair)
        refuse(self.truncate is not None and not 0.5 <= self.truncate < 1,
               f"`matching.truncate` must be a quantile of the weights from 0.5 to below 1: it is {self.truncate}.")

    def solve(self, problem: Problem) -> Sets:
        """One set of each stratum, everyone in it weighted."""
        p = np.where(np.isfinite(problem.probability), problem.probability, self.score.probability_of(problem.score))
        inside, trimmed = self._inside(p, problem)
        weight = np.where(inside, inverse_probability_weights(p, problem.rows.treated, self.estimand), 0.0)
        _refuse_infinite(weight)
        weight, cut = self._truncated(weight, problem.focal)
        sets = weighted_sets(problem, weight, np.where(inside, MATCHED, TRIMMED), everyone=self.estimand == "ATE")
        return replace(sets, notes=(*trimmed, *cut))

    def _inside(self, p: np.ndarray, problem: Problem) -> tuple[np.ndarray, tuple[str, ...]]:
        """Rows with a probability inside the bounds, and a sentence on the others."""
        if self.bounds is None:
            return np.ones(len(p), dtype=bool), ()
        low, high = crump_bounds(p, problem.rows.weights) if self.bounds == "crump" else self.bounds
        inside = (p >= low) & (p <= high)
        treated = problem.rows.treated
        return inside, (f"{int((~inside & treated).sum()):,} treated and {int((~inside & ~treated).sum()):,} comparison rows with a probability of "
                        f"joining outside {low:.4g} to {high:.4g} were left out.",)

    def _truncated(self, weight: np.ndarray, focal: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Weights with the largest of those that vary set to their quantile, and a sentence on them."""
        varies = (weight > 0) & ~(focal & (self.estimand in ("ATT", "ATC")))
        if self.truncate is None or not varies.any():
            return weight, ()
        top = np.quantile(weight[varies], self.truncate)
        return (np.where(varies, np.minimum(weight, top), weight),
                (f"{int((weight[varies] > top).sum()):,} weights above {top:.4g} were set to it.",))

    def in_words(self) -> str:
        on, exact = self.common_words()
        model = replace(self.score, scale="probability").in_words()
        cut = "" if self.truncate is None else f", weights above their {self.truncate:.4g} quantile set to it"
        return f"weighting to {TARGETS[self.estimand]} by the inverse of {model} {on}{self._bounds_in_words()}{cut}, {exact}"

    def _bounds_in_words(self) -> str:
        if self.bounds is None:
            return ""
        outside = "the bounds of Crump and others (2009)" if self.bounds == "crump" else f"{self.bounds[0]:g} to {self.bounds[1]:g}"
        return f", rows with a probability outside {outside} left out"

    def plain_method(self) -> str:
        if self.estimand == "ATT":
            return ("Comparison units are given weights, inside each entry period and group of equal characteristics, so that they resemble those "
                    "who joined.")
        return f"Units are given weights, so that those who joined and those who did not both resemble {TARGETS[self.estimand]}."


def inverse_probability_weights(p: np.ndarray, treated: np.ndarray, estimand: str) -> np.ndarray:
    """Weights by the inverse probability of joining, not scaled; shape (n,).

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probability of joining, between 0 and 1.
    treated : ndarray of bool, shape (n,)
    estimand : 'ATT', 'ATC', 'ATE', 'ATO' or 'ATM'
        See `InverseProbability`. inf where a row did what it had no chance of doing.

    Examples
    --------
    >>> inverse_probability_weights(np.array([0.2, 0.2]), np.array([True, False]), "ATE").tolist()
    [5.0, 1.25]
    """
    tilt = {"ATT": p, "ATC": 1 - p, "ATE": np.ones(len(p)), "ATO": p * (1 - p), "ATM": np.minimum(p, 1 - p)}[estimand]
    chance = np.where(treated, p, 1 - p)
    return np.divide(tilt, chance, out=np.where(tilt > 0, np.inf, 0.0), where=chance > 0)


def crump_bounds(p: np.ndarray, sampling: np.ndarray) -> tuple[float, float]:
    """The symmetric range of probabilities in which the average effect has the least variance, where outcomes vary alike everywhere.

    Parameters
    ----------
    p, sampling : ndarray, shape (n,)
        Probabilities of joining, and sampling weights.

    Notes
    -----
    Rows are kept up to the g = 1 / (p (1 - p)) at which (sum of w g) / (sum of w)^2 over the rows kept is least: Crump and others (2009), section 3.
    """
    spread = p * (1 - p)
    g = np.divide(1.0, spread, out=np.full(len(p), np.inf), where=spread > 0)
    order = np.argsort(g, kind="stable")
    g, w = g[order], sampling[order]
    variance = np.cumsum(w * g) / np.cumsum(w) ** 2
    last = np.append(g[1:] > g[:-1], True)                   # rows with one probability stay together
    at = np.flatnonzero(last)[np.argmin(variance[last])]
    low = 0.5 - np.sqrt(max(0.25 - 1 / g[at], 0.0))
    return (0.0, 1.0) if at == len(g) - 1 else (float(low * (1 - 1e-12)), float(1 - low * (1 - 1e-12)))


def _refuse_infinite(weight: np.ndarray) -> None:
    wrong = int((~np.isfinite(weight)).sum())
    if wrong:
        raise EstimationError(f"Weights by the inverse probability of joining must be finite: {wrong:,} of {len(weight):,} rows did what the model "
                              "gives no chance. Set `matching.bounds`, or take covariates out of `matching.score.covariates`.")
