"""An effect of known size put on untreated outcomes so that they stay what they are: counts stay counts, zeros and ones stay zeros and ones."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError

Outcome = Literal["continuous", "count", "binary"]
Scale = Literal["absolute", "relative"]
IN_WORDS = {"count": "counts", "binary": "zeros and ones"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedEffect:
    """How an effect of a given size is put on untreated outcomes so that values stay valid.

    Attributes
    ----------
    outcome : 'continuous', 'count' or 'binary'
    scale : 'absolute' or 'relative'
        Size in the outcome's unit per period, or as a share of the untreated mean (-0.2: a fifth less).

    Notes
    -----
    Continuous: added, or multiplied. Counts, reductions: every event is kept with probability 1 + relative size (thinning: a Poisson count stays one,
    an overdispersed one stays a count). Counts, increases: every event brings another one with probability of the relative size; absolute increases
    add a Poisson count. Binary: ones turn to zeros, or zeros to ones, at the rate that moves the mean by the size. An absolute reduction of counts or
    shares is shared out in proportion to what there is.
    """

    outcome: Outcome = "continuous"
    scale: Scale = "absolute"

    def __post_init__(self) -> None:
        if self.outcome not in ("continuous", "count", "binary") or self.scale not in ("absolute", "relative"):
            raise PlanError("An added effect is of a continuous, count or binary outcome, absolute or relative: it is "
                            f"{self.outcome!r}, {self.scale!r}.")

    def check(self, untreated: np.ndarray, size: float) -> None:
        """Refuse a size that would leave the outcome's range, or outcomes of another kind.

        Raises
        ------
        PlanError
            The size would take outcomes below 0, a share above 1, or a count above twice itself.
        EstimationError
            The outcomes are no counts, or no zeros and ones.
        """
        if self.outcome == "continuous":
            return
        values = untreated[np.isfinite(untreated)]
        if (values < 0).any() or (values != np.floor(values)).any() or self.outcome == "binary" and (values > 1).any():
            raise EstimationError(f"An effect on a {self.outcome} outcome needs {IN_WORDS[self.outcome]}: the untreated outcomes hold other values. "
                                  "Name another kind of outcome.")
        mean = float(values.mean()) if values.size else 0.0
        share = self._share(size, mean)
        if share < -1:
            raise PlanError(f"An effect can't take away more than there is: a size of {size:.3g} is more than the untreated mean. Use a smaller one.")
        if self.outcome == "count" and self.scale == "relative" and share > 1:
            raise PlanError(f"A count's relative increase can be simulated up to 1 (twice as many): it is {share:.3g}. Use a smaller one.")
        if self.outcome == "binary" and share * mean > 1 - mean:
            raise PlanError(f"A share can't rise above 1: a size of {size:.3g} would do that. Use a smaller one.")

    def added(self, untreated: np.ndarray, size: float, rng: np.random.Generator, *, mean: float) -> np.ndarray:
        """Outcomes with the effect; NaN stays NaN.

        Parameters
        ----------
        untreated : ndarray, any shape
            Outcomes without the programme, of the kind that `check` lets pass.
        mean : float
            Their mean in the population, which turns absolute sizes into probabilities.
        """
        if size == 0:
            return untreated
        if self.outcome == "continuous":
            return untreated + size if self.scale == "absolute" else untreated * (1 + size)
        out, seen = untreated.copy(), np.isfinite(untreated)
        values, share = untreated[seen], self._share(size, mean)
        if self.outcome == "binary":
            out[seen] = _flipped(values, share, mean, rng)
        elif share > 0 and self.scale == "absolute":
            out[seen] = values + rng.poisson(size, values.shape)
        else:
            out[seen] = _thinned(values, share, rng)
        return out

    def _share(self, size: float, mean: float) -> float:
        """A size as a share of the untreated mean."""
        if self.scale == "relative":
            return size
        return size / mean if mean > 0 else math.copysign(math.inf, size) if size else 0.0


def _thinned(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Events kept with probability 1 + share, or doubled with probability share."""
    events = counts.astype(np.int64)
    return rng.binomial(events, 1 + share).astype(float) if share < 0 else counts + rng.binomial(events, share)


def _flipped(values: np.ndarray, share: float, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Ones to zeros, or zeros to ones."""
    draw = rng.random(values.shape)
    return np.where(draw < -share, 0.0, values) if share < 0 else np.where(draw < share * mean / (1 - mean), 1.0, values)
