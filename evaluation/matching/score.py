"""Which score of joining a matcher uses: the model, and the scale on which distances are measured.

Regressions of a yes or no are in `propensity.py`; other classifiers are scikit-learn's, loaded where a plan names one.
"""
from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.propensity import LINKS, BinaryFit, expit, fit_binary, log_odds

SCORE_DECIMALS = 10            # scores nearer than this are ties: sums over rows differ in their last digits with the order of rows
FLOOR = 1e-6                   # a classifier's probabilities are kept this far from 0 and 1, where log odds end


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A model of joining.

    Attributes
    ----------
    model : str
        'logit', 'cloglog' (complementary log-log: a hazard of joining in continuous time, seen at intervals), 'probit', or the name of a
        scikit-learn classifier that gives probabilities ('GradientBoostingClassifier').
    scale : 'linear' or 'probability'
        What distances and calipers are measured on: the linear predictor (of a classifier: the log odds), or the probability.
    options : mapping
        Options of a scikit-learn classifier.
    seed : int
        For a classifier that draws, and for the parts of cross-fitting.
    folds : int
        1: one model, fitted to all rows. More: units are drawn into so many parts, and the score of each part comes from a model fitted to the
        others, so that a flexible classifier does not know the answer.

    Notes
    -----
    A classifier sees covariates in standard deviations from their mean, and rows in the order of identifiers. Sampling weights are given to it where
    it takes them; where it does not, they are refused.
    """

    model: str = "logit"
    scale: Literal["linear", "probability"] = "linear"
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    folds: int = 1

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "probability"):
            raise PlanError(f"`matching.score.scale` must be linear or probability: it is {self.scale!r}. Mend the plan.")
        if self.folds < 1:
            raise PlanError(f"`matching.score.folds` must be 1 (one model of all rows) or more parts: it is {self.folds}. Mend the plan.")
        if self.model not in LINKS:
            self._classifier()
        elif self.options:
            raise PlanError(f"`matching.score.options` are those of a scikit-learn classifier: the model {self.model} has none. Mend the plan.")

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
        PlanError
            The classifier refuses its options, or sampling weights.
        """
        if not len(names):
            raise EstimationError("A score needs at least one covariate. Name slow covariates in `matching.score.covariates`.")
        x, names = _with_periods(rows, x, names)
        weights = None if (rows.weights == 1).all() else rows.weights
        if self.folds > 1:
            predictor, model = self._cross_fitted(rows, x, names, weights), None
        elif self.model in LINKS:
            model = fit_binary(x, rows.treated, names=names, weights=weights, link=self.model)
            predictor = model.linear_predictor
        else:
            predictor, model = self._predicted(rows, x, names, weights, x), None
        probability = self._inverse(predictor)
        return ScoreFit(value=np.round(predictor if self.scale == "linear" else probability, SCORE_DECIMALS), probability=probability, model=model)

    def probability_of(self, value: np.ndarray) -> np.ndarray:
        """Probability of joining that belongs to values on the scale that is matched."""
        return value if self.scale == "probability" else self._inverse(value)

    def in_plain_words(self) -> str:
        """The model for a reader without statistics; the covariates follow."""
        scale = "probability" if self.scale == "probability" else "linear predictor" if self.model in ("cloglog", "probit") else "log odds"
        return f"The score is the {scale} of joining in one {LINKS[self.model].words if self.model in LINKS else self.model} over all places"

    def in_words(self) -> str:
        """The model as a methods section may print it."""
        parts = f", cross-fitted in {self.folds} parts of the units" if self.folds > 1 else ""
        if self.model in LINKS:
            model = LINKS[self.model].words
            return (f"the linear predictor of a {model} of entry" if self.scale == "linear" else f"the probability of entry of a {model}") + parts
        scale = "log odds" if self.scale == "linear" else "probability"
        return (f"the {scale} of entry by scikit-learn's {self.model} ({self._options_in_words()}; standardised covariates; probabilities kept "
                f"between {FLOOR:f} and {1 - FLOOR:f}){parts}")

    def _options_in_words(self) -> str:
        """Options given, and the penalty of a logistic regression, which is there unless it is taken away."""
        if self.model != "LogisticRegression":
            return ", ".join(f"{name} = {value}" for name, value in self.options.items()) or "default options"
        strength = self._classifier().get_params()["C"]
        penalty = "no penalty" if np.isinf(strength) else f"coefficients shrunk by a penalty, C = {strength:g}"
        return ", ".join([penalty, *(f"{name} = {value}" for name, value in self.options.items() if name != "C")])

    def _inverse(self, predictor: np.ndarray) -> np.ndarray:
        return LINKS[self.model].probability(predictor) if self.model in LINKS else expit(predictor)

    def _cross_fitted(self, rows: Candidates, x: np.ndarray, names: Sequence[str], weights: np.ndarray | None) -> np.ndarray:
        """Linear predictors of each part of the units from the model of the others."""
        units, of = np.unique(rows.id, return_inverse=True)
        part = (np.random.default_rng(self.seed).permutation(len(units)) % self.folds)[of]
        predictor = np.empty(len(rows))
        for k in range(self.folds):
            out = part == k
            predictor[out] = self._predicted(rows.keep(~out), x[~out], names, None if weights is None else weights[~out], x[out])
        return predictor

    def _predicted(self, rows: Candidates, x: np.ndarray, names: Sequence[str], weights: np.ndarray | None, at: np.ndarray) -> np.ndarray:
        """Linear predictors at the rows `at`, from a model fitted to `rows` and `x`."""
        if self.model in LINKS:
            return fit_binary(x, rows.treated, names=names, weights=weights, link=self.model).predict(at)
        order = np.lexsort((rows.period, rows.id))
        centre, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        model = self._trained((x[order] - centre) / scale, rows.treated[order], None if weights is None else weights[order])
        probability = model.predict_proba((at - centre) / scale)[:, list(model.classes_).index(True)]
        return log_odds(np.clip(probability, FLOOR, 1 - FLOOR))

    def _trained(self, x: np.ndarray, treated: np.ndarray, weights: np.ndarray | None):
        """The classifier, fitted."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.utils.validation import has_fit_parameter

        model = self._classifier()
        if weights is not None and not has_fit_parameter(model, "sample_weight"):
            raise PlanError(f"The score's model must take sampling weights: {self.model} does not. Name another `matching.score.model`, or leave the "
                            "weights out.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                return model.fit(x, treated) if weights is None else model.fit(x, treated, sample_weight=weights)
            except ConvergenceWarning:
                raise EstimationError(f"The score's model must settle: {self.model} did not. Raise `max_iter` in `matching.score.options`, or take "
                                      "covariates out of `matching.score.covariates`.") from None
            except (ValueError, TypeError) as fault:
                raise PlanError(f"The score's model must take its options and the covariates: {self.model} does not. It says: {fault} Mend "
                                "`matching.score`.") from fault

    def _classifier(self):
        """The classifier with its options and seed, not fitted; refuses what it does not know."""
        kind = _classifiers().get(self.model)
        if kind is None:
            raise PlanError(f"`matching.score.model` must be {', '.join(LINKS)} or a classifier of scikit-learn: {self.model!r} is not. "
                            f"{_nearest(self.model, [*LINKS, *_classifiers()])} Mend the plan.")
        known = inspect.signature(kind).parameters
        for name in self.options:
            if name not in known:
                raise PlanError(f"`matching.score.options` must be options of {self.model}: {name!r} is not. {_nearest(name, known)} Mend the plan.")
        if lacking := [name for name, one in known.items() if one.default is one.empty and name not in self.options and one.kind != one.VAR_KEYWORD]:
            raise PlanError(f"A classifier named in `matching.score.model` must need no other model: {self.model} needs {lacking[0]!r}. "
                            "Name another.")
        model = kind(**({"random_state": self.seed} if "random_state" in known else {}) | dict(self.options))
        if not hasattr(model, "predict_proba"):
            raise PlanError(f"A classifier named in `matching.score.model` must give probabilities: {self.model} does not. Name another, such as "
                            "LogisticRegression or GradientBoostingClassifier.")
        return model


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFit:
    """A fitted score.

    Attributes
    ----------
    value : ndarray, shape (n,)
        On the scale that is matched, to 10 decimals.
    probability : ndarray, shape (n,)
    model : BinaryFit or None
        Coefficients and standard errors (`model.table()`), where the model has them: not of a classifier, nor of cross-fitting.
    """

    value: np.ndarray
    probability: np.ndarray
    model: BinaryFit | None = None


def _with_periods(rows: Candidates, x: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The covariates and an indicator of each entry period but the first."""
    periods = np.unique(rows.period)
    if len(periods) == 1:
        return x, list(names)
    indicators = [(rows.period == s).astype(float) for s in periods[1:]]
    return np.vstack([x.T, *indicators]).T, [*names, *(f"enters {rows.label(s)}" for s in periods[1:])]


@cache
def _classifiers() -> dict[str, type]:
    """Classifiers of scikit-learn by name; some seconds at the first call."""
    from sklearn.utils.discovery import all_estimators

    return dict(all_estimators(type_filter="classifier"))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"It knows {', '.join(known)}."
