"""The propensity score: a weighted regression of a yes or no by Newton's steps on arrays, with standard errors.

Reads the design in row chunks, so that it never copies it. What the rows and covariates are is decided in `score.py`; covariates that leave no
finite estimate are found in `separation.py`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.matching.row_chunks import CHUNK, centred, chunks, one_thread
from evaluation.matching.separation import find_separation

COLLINEAR = 1e-10              # share of a column's variance left after the columns before it
CONSTANT = 1e-13               # standard deviation as a share of the mean: what rounding leaves of a constant column
CONVERGED = 1e-18              # promised fall of the deviance as a share of it: the last step then moves a log odds by about 1e-9
FASTER = 0.1                   # from one step to the next the promised fall shrinks to less than this, unless a coefficient runs away
CALM_STEPS = 8                 # steps before a slow fall is looked into
RUNAWAY_ERROR = 10.0           # standard error of a standardised coefficient that hardly any finite estimate has
MAX_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a probability follows from a linear predictor. All have a concave log likelihood.

    Attributes
    ----------
    words : str
        The model's name in a methods section.
    probability : function of linear predictors to probabilities
    predictor : function of probabilities to linear predictors
    terms : function of (linear predictors, 0/1 outcomes)
        Slope, curvature (minus the second derivative) and minus the value of each row's log likelihood.
    expected : function of linear predictors to expected curvatures, or None
        None where the curvature does not depend on the outcome.
    """

    words: str
    probability: Callable[[np.ndarray], np.ndarray]
    predictor: Callable[[np.ndarray], np.ndarray]
    terms: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
    expected: Callable[[np.ndarray], np.ndarray] | None = None


def expit(eta: np.ndarray) -> np.ndarray:
    """Probability of log odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(eta, -700, 700)))


def log_odds(p: np.ndarray) -> np.ndarray:
    """Log odds of a probability."""
    return np.log(p) - np.log1p(-p)


def _logit_terms(eta: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = expit(eta)
    return y - p, p * (1 - p), np.logaddexp(0, eta) - y * eta


def _hazard(eta: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(eta, -700, 6.5))         # beyond 6.5 the probability of not entering is below 1e-288


def _cloglog_terms(eta: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    h = _hazard(eta)
    slope = h / np.expm1(h)
    return (y * slope - (1 - y) * h, np.maximum(y * slope * (h + slope - 1), 0) + (1 - y) * h,
            (1 - y) * h - y * np.log(-np.expm1(-h)))


def _cloglog_expected(eta: np.ndarray) -> np.ndarray:
    h = _hazard(eta)
    return h * h / np.expm1(h)


def _mills(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normal density over the probability of one and of none, and the logs of these probabilities."""
    from scipy.special import log_ndtr

    one, none = log_ndtr(eta), log_ndtr(-eta)
    density = -eta**2 / 2 - np.log(2 * np.pi) / 2
    return np.exp(density - one), np.exp(density - none), one, none


def _probit_terms(eta: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    one, none, log_one, log_none = _mills(eta)
    return y * one - (1 - y) * none, y * one * (one + eta) + (1 - y) * none * (none - eta), -y * log_one - (1 - y) * log_none


def _probit_expected(eta: np.ndarray) -> np.ndarray:
    one, none, _, _ = _mills(eta)
    return one * none


def _normal(eta: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(eta)


def _normal_quantile(p: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(p)


LINKS = {
    "logit": Link(words="logit", probability=expit, predictor=log_odds, terms=_logit_terms),
    "cloglog": Link(words="complementary log-log model", probability=lambda eta: -np.expm1(-_hazard(eta)),
                    predictor=lambda p: np.log(-np.log1p(-p)), terms=_cloglog_terms, expected=_cloglog_expected),
    "probit": Link(words="probit", probability=_normal, predictor=_normal_quantile, terms=_probit_terms, expected=_probit_expected),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryFit:
    """A fitted regression of a yes or no.

    Attributes
    ----------
    names : tuple of str, length p + 1
        'intercept', then the columns as given.
    coefficients, std_errors : ndarray, shape (p + 1,)
        On the scale of the columns as given; errors from the expected information, which takes weights as counts of rows.
    linear_predictor : ndarray, shape (n,)
        Of each row: log odds with the logit link.
    converged : bool
    iterations : int
    deviance : float
    link : 'logit', 'cloglog' or 'probit'
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    std_errors: np.ndarray
    linear_predictor: np.ndarray
    converged: bool
    iterations: int
    deviance: float
    link: str = "logit"

    @property
    def probability(self) -> np.ndarray:
        """Fitted probability of each row, shape (n,)."""
        return LINKS[self.link].probability(self.linear_predictor)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Linear predictor of other rows, shape (n_other,); `x` has the columns that were fitted."""
        return self.coefficients[0] + x @ self.coefficients[1:]

    def table(self) -> pd.DataFrame:
        """Coefficients: `covariate`, `coefficient`, `std_error`; one row each, the intercept first."""
        return pd.DataFrame({"covariate": self.names, "coefficient": self.coefficients, "std_error": self.std_errors})


def fit_logit(x: np.ndarray, y: np.ndarray, *, names: Sequence[str], weights: np.ndarray | None = None) -> BinaryFit:
    """Maximum-likelihood logit of `y` on an intercept and the columns of `x`; no penalty. See `fit_binary`.

    Examples
    --------
    >>> fit = fit_logit(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 0, 1]), names=["x"])
    >>> fit.coefficients.round(6).tolist(), fit.converged
    ([0.0, 0.0], True)
    """
    return fit_binary(x, y, names=names, weights=weights, link="logit")


def fit_binary(x: np.ndarray, y: np.ndarray, *, names: Sequence[str], weights: np.ndarray | None = None, link: str = "logit") -> BinaryFit:
    """Maximum-likelihood regression of `y` on an intercept and the columns of `x` with a link; no penalty.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Covariates, no missing values, no intercept; stored by row or by column.
    y : ndarray of bool or 0/1, shape (n,)
    names : sequence of str, length p
        Names of the columns, for messages and for the result.
    weights : ndarray, shape (n,), optional
        Sampling or frequency weights, >= 0; they multiply each row's likelihood.
    link : 'logit', 'cloglog' or 'probit'

    Raises
    ------
    EstimationError
        Only one kind of row, a column with missing values, a constant or collinear column, or separation (a column or a combination of columns
        decides entry). The columns are named.

    Notes
    -----
    Newton's steps on centred and scaled columns, halving one that raises the deviance; coefficients are carried back. It goes on to full
    convergence, where R's glm stops at a relative change of the deviance of 1e-8: fitted probabilities of stored MatchIt 4.7.2 runs agree to 1e-8
    (logit), 3e-6 (probit) and 3e-5 (cloglog), which is what R's stop leaves. Sums are made on one thread in a fixed order.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, section 2.5, DOI 10.1007/978-1-4899-3242-6. Checked against statsmodels' GLM.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    names = tuple(names)
    _refuse_one_kind(y, weights)
    with one_thread():
        design = _design(x, y, weights, names)
        fit = _newton(design, LINKS[link], names)
        back = _back_transform(design.centre, design.scale)
        coefficients = back @ fit.beta
        predictor = _predictor(design, fit.beta)
    errors = np.sqrt(np.diag(back @ np.linalg.inv(fit.information) @ back.T))
    return BinaryFit(names=("intercept", *names), coefficients=coefficients, std_errors=errors, linear_predictor=predictor, converged=True,
                     iterations=fit.steps, deviance=fit.deviance, link=link)


class _Design(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    centre: np.ndarray         # weighted means
    scale: np.ndarray          # weighted standard deviations
    gram: np.ndarray           # weighted sums of products of the intercept and the standardised columns
    toward: np.ndarray         # their weighted sums over the rows with y = 1


class _Newton(NamedTuple):
    beta: np.ndarray           # of the intercept and the standardised columns
    information: np.ndarray    # expected, one step before
    deviance: float
    steps: int


def _design(x: np.ndarray, y: np.ndarray, weights: np.ndarray, names: tuple[str, ...]) -> _Design:
    """One pass for the means, one for all products; refuses missing, constant and collinear columns."""
    centre = weights @ x / weights.sum()
    _refuse_missing(x, centre, names)
    gram, toward = np.zeros((x.shape[1] + 1, x.shape[1] + 1)), np.zeros(x.shape[1] + 1)
    buffer = _buffer(x)
    for c in chunks(len(y)):
        z = centred(x[c], centre, buffer)
        toward += z @ (weights[c] * y[c])
        z *= np.sqrt(weights[c])
        gram += z @ z.T
    scale = np.sqrt(np.diag(gram)[1:] / weights.sum())
    _refuse_constant(centre, scale, names, int((weights > 0).sum()))
    by = np.concatenate([[1.0], scale])
    design = _Design(x, y, weights, centre, scale, gram / np.outer(by, by), toward / by)
    _refuse_collinear(design.gram[1:, 1:] / weights.sum(), names)
    return design


def _newton(design: _Design, link: Link, names: tuple[str, ...]) -> _Newton:
    """Newton's steps from the model without covariates; looks for separation once, where steps stay long or an error is large."""
    beta, score, information, deviance = _without_covariates(design, link)
    promised, examined = np.inf, False
    for step in range(1, MAX_STEPS + 1):
        direction = _solve(information, score)
        before, promised = promised, np.inf if direction is None else float(score @ direction)
        done = promised <= CONVERGED * (deviance + 0.1)
        slow = step > CALM_STEPS and not promised < FASTER * before
        if not examined and (direction is None or slow or (done and _has_runaway(information))):
            _refuse_separated(design, names)
            examined = True
        if direction is None:
            break
        if done:
            expected = information if link.expected is None else _expected(design, link, beta)
            return _Newton(beta + direction, expected, deviance, step)
        beta, score, information, deviance = _downhill(design, link, beta, direction, deviance)
    largest = [names[j] for j in np.argsort(-np.abs(beta[1:]))[:3]]
    raise EstimationError(f"A score must settle: this one did not in {step} steps. The largest coefficients are those of {_list(largest)}. "
                          "Take covariates out of `matching.score.covariates`.")


def _without_covariates(design: _Design, link: Link) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Coefficients, score, information and deviance of the intercept alone: the products give them without another pass."""
    total, ones = design.gram[0, 0], design.toward[0]
    beta = np.zeros(len(design.toward))
    beta[0] = link.predictor(ones / total)
    slope, curvature, loss = link.terms(np.full(2, beta[0]), np.array([1.0, 0.0]))
    score = slope[0] * design.toward + slope[1] * (design.gram[0] - design.toward)
    mean = (ones * curvature[0] + (total - ones) * curvature[1]) / total
    return beta, score, mean * design.gram, 2 * float(ones * loss[0] + (total - ones) * loss[1])


def _downhill(design: _Design, link: Link, beta: np.ndarray, direction: np.ndarray, deviance: float):
    """The first of the steps 1, 1/2, 1/4, ... that does not raise the deviance: coefficients, score, information, deviance."""
    length = 1.0
    while True:
        trial = beta + length * direction
        score, information, after = _pass(design, link, trial)
        if after <= deviance * (1 + 1e-9) or length < 1e-4:
            return trial, score, information, after
        length /= 2


def _pass(design: _Design, link: Link, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Score, information and deviance at `beta`, added up over chunks."""
    by = np.concatenate([[1.0], design.scale])
    score, information, loss = np.zeros(len(beta)), np.zeros((len(beta), len(beta))), 0.0
    slopes, buffer = beta / by, _buffer(design.x)
    for c in chunks(len(design.y)):
        z, w = centred(design.x[c], design.centre, buffer), design.weights[c]
        slope, curvature, row_loss = link.terms(slopes @ z, design.y[c])
        score += z @ (w * slope)
        loss += float(w @ row_loss)
        z *= np.sqrt(w * curvature)
        information += z @ z.T
    return score / by, information / np.outer(by, by), 2 * loss


def _expected(design: _Design, link: Link, beta: np.ndarray) -> np.ndarray:
    """Expected information at `beta`."""
    by = np.concatenate([[1.0], design.scale])
    information, slopes, buffer = np.zeros((len(beta), len(beta))), beta / by, _buffer(design.x)
    for c in chunks(len(design.y)):
        z = centred(design.x[c], design.centre, buffer)
        z *= np.sqrt(design.weights[c] * link.expected(slopes @ z))
        information += z @ z.T
    return information / np.outer(by, by)


def _predictor(design: _Design, beta: np.ndarray) -> np.ndarray:
    """Linear predictor of each row, from centred columns: a column far from 0 would cost digits."""
    predictor, buffer = np.empty(len(design.y)), _buffer(design.x)
    slopes = beta / np.concatenate([[1.0], design.scale])
    for c in chunks(len(design.y)):
        predictor[c] = slopes @ centred(design.x[c], design.centre, buffer)
    return predictor


def _buffer(x: np.ndarray) -> np.ndarray:
    return np.empty((x.shape[1] + 1, min(len(x), CHUNK)))


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray | None:
    """The scoring step; None where the information is singular."""
    try:
        direction = np.linalg.solve(information, score)
    except np.linalg.LinAlgError:
        return None
    return direction if np.isfinite(direction).all() and score @ direction >= 0 else None


def _has_runaway(information: np.ndarray) -> bool:
    """Whether a standardised coefficient has an error that hardly any finite estimate has."""
    variance = np.diag(np.linalg.inv(information))[1:]
    return not (variance < RUNAWAY_ERROR**2).all()


def _back_transform(centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Matrix that carries standardised coefficients to the scale of the columns."""
    back = np.diag(np.concatenate([[1.0], 1 / scale]))
    back[0, 1:] = -centre / scale
    return back


def _refuse_one_kind(y: np.ndarray, weights: np.ndarray) -> None:
    ones = int((y[weights > 0] == 1).sum())
    if ones == 0 or ones == int((weights > 0).sum()):
        raise EstimationError(f"A score needs rows that enter and rows that do not: {ones:,} of {int((weights > 0).sum()):,} enter. "
                              "Mend the programme's entry or the comparison pools in the plan.")


def _refuse_missing(x: np.ndarray, centre: np.ndarray, names: tuple[str, ...]) -> None:
    if np.isfinite(centre).all():
        return
    gaps = ", ".join(f"{name!r} in {int((~np.isfinite(x[:, j])).sum()):,}" for j, name in enumerate(names) if not np.isfinite(centre[j]))
    raise EstimationError(f"Every covariate of the score must be known in every row: missing or infinite are {gaps} of {len(x):,} rows. "
                          "Leave those rows out, or take the covariate out of `matching.score.covariates`.")


def _refuse_constant(centre: np.ndarray, scale: np.ndarray, names: tuple[str, ...], n: int) -> None:
    if constant := [name for name, a, s in zip(names, np.abs(centre), scale, strict=True) if not s > CONSTANT * a]:
        raise EstimationError(f"Every covariate of the score must vary: {_list(constant)} is the same in all {n:,} rows. "
                              "Take it out of `matching.score.covariates`.")


def _refuse_collinear(correlation: np.ndarray, names: tuple[str, ...]) -> None:
    """Elimination on the correlation matrix: names the first column that columns before it determine, and those columns."""
    left = correlation.copy()
    for j, name in enumerate(names):
        if left[j, j] < COLLINEAR:
            share = np.linalg.solve(correlation[:j, :j], correlation[:j, j])
            others = [names[k] for k in np.flatnonzero(np.abs(share) > 1e-4)]
            raise EstimationError(f"The covariates of the score must not determine each other: {name!r} is a combination of {_list(others)}. "
                                  "Take one of them out of `matching.score.covariates`.")
        left = left - np.outer(left[:, j], left[j]) / left[j, j]


def _refuse_separated(design: _Design, names: tuple[str, ...]) -> None:
    """Raises with the columns that decide entry, if any do."""
    found = find_separation(design.x, design.y, design.weights > 0, design.centre, design.scale)
    if found is not None:
        raise EstimationError(f"A score has no finite estimate where covariates decide entry (separation): {found.in_words(names)}. Match exactly on "
                              "such a covariate, or take it out of `matching.score.covariates`.")


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(str(name)) for name in names)
