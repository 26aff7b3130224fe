"""Which score of joining a matcher uses: the model, and the scale on which distances are measured. The logit itself is in `propensity.py`."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.propensity import LogitFit, fit_logit

SCORE_DECIMALS = 10            # scores nearer than this are ties: sums over rows differ in their last digits with the order of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A model of joining.

    Attributes
    ----------
    model : str
        'logit', or another model of `fit`.
    scale : 'linear' or 'probability'
        What distances and calipers are measured on: the linear predictor (log odds), or the probability.
    options : mapping
        Options of a scikit-learn classifier.
    seed : int
        For a classifier that draws.
    """

    model: str = "logit"
    scale: Literal["linear", "probability"] = "linear"
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "probability"):
            raise PlanError(f"`matching.score.scale` must be linear or probability: it is {self.scale!r}. Mend the plan.")

    def fit(self, rows: Candidates, x: np.ndarray, names: Sequence[str]) -> ScoreFit:
        """The score of each row: one model over all rows at risk, with an effect for each entry period.

        Parameters
        ----------
        x : ndarray, shape (n_rows, n_covariates)
            Complete covariates of the rows.

        Raises
        ------
        EstimationError
            No covariate is named, or the model has no finite estimate (constant, collinear or separating covariates; they are named).
        """
        if not len(names):
            raise EstimationError("A score needs at least one covariate. Name slow covariates in `matching.score.covariates`.")
        periods = np.unique(rows.period)
        if len(periods) > 1:
            x = np.column_stack([x, (rows.period[:, None] == periods[1:]).astype(float)])
        labels = [f"enters {rows.label(s)}" for s in periods[1:]]
        weights = None if (rows.weights == 1).all() else rows.weights
        fit = fit_logit(x, rows.treated, names=[*names, *labels], weights=weights)
        value = fit.linear_predictor if self.scale == "linear" else fit.probability
        return ScoreFit(value=np.round(value, SCORE_DECIMALS), probability=fit.probability, model=fit)

    def in_plain_words(self) -> str:
        """The model for a reader without statistics; the covariates follow."""
        scale = "log odds" if self.scale == "linear" else "probability"
        return f"The score is the {scale} of joining in one {self.model} over all places"

    def in_words(self) -> str:
        """The model as a methods section may print it."""
        return "the linear predictor of a logit of entry" if self.scale == "linear" else "the probability of entry of a logit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFit:
    """A fitted score.

    Attributes
    ----------
    value : ndarray, shape (n,)
        On the scale that is matched, to 10 decimals.
    probability : ndarray, shape (n,)
    model : LogitFit or None
        Coefficients and standard errors, where the model has them.
    """

    value: np.ndarray
    probability: np.ndarray
    model: LogitFit | None = None
