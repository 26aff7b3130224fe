"""The propensity score: a weighted logit by iteratively reweighted least squares on arrays, with standard errors.

Reads the design in row chunks, so that it never copies it. What the rows and covariates are is decided in `risk_sets.py`.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError

CHUNK = 65_536                 # rows per pass: the chunk and its weights stay in cache
RELATIVE_DEVIANCE = 1e-8       # R's glm stops here; we take one more step
COLLINEAR = 1e-10              # share of a column's variance left after the columns before it
SEPARATED_ERROR = 10.0         # standard error of a standardised coefficient that no finite estimate has
MAX_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitFit:
    """A fitted logit.

    Attributes
    ----------
    names : tuple of str, length p + 1
        'intercept', then the columns as given.
    coefficients, std_errors : ndarray, shape (p + 1,)
        On the scale of the columns as given; errors from the expected information.
    linear_predictor : ndarray, shape (n,)
        Log odds of each row.
    converged : bool
    iterations : int
    deviance : float
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    std_errors: np.ndarray
    linear_predictor: np.ndarray
    converged: bool
    iterations: int
    deviance: float

    @property
    def probability(self) -> np.ndarray:
        """Fitted probability of each row, shape (n,)."""
        return _expit(self.linear_predictor)


def fit_logit(x: np.ndarray, y: np.ndarray, *, names: Sequence[str], weights: np.ndarray | None = None) -> LogitFit:
    """Maximum-likelihood logit of `y` on an intercept and the columns of `x`; no penalty.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Covariates, no missing values, no intercept.
    y : ndarray of bool or 0/1, shape (n,)
    names : sequence of str, length p
        Names of the columns, for messages and for the result.
    weights : ndarray, shape (n,), optional
        Frequency weights, >= 0; they multiply each row's likelihood.

    Raises
    ------
    EstimationError
        Only one kind of row, a constant or collinear column, or separation (a column or a combination predicts entry perfectly). Columns are named.

    Notes
    -----
    Columns are centred and scaled inside, and coefficients carried back. Stops when the deviance changes by less than 1e-8 of itself, as R's glm
    does, then takes one more Newton step. Checked against statsmodels' GLM.

    Examples
    --------
    >>> fit = fit_logit(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 0, 1]), names=["x"])
    >>> fit.coefficients.round(6).tolist(), fit.converged
    ([0.0, 0.0], True)
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    names = tuple(names)
    _refuse_one_kind(y, weights)
    centre, scale = _moments(x, weights, names)
    _refuse_collinear(x, weights, centre, scale, names)
    _refuse_separating_binary(x, y, weights, names)
    beta, information, deviance, iterations, converged = _newton(x, y, weights, centre, scale)
    covariance = np.linalg.inv(information)
    _refuse_separated(beta, covariance, deviance, y, weights, names, converged)
    back = _back_transform(centre, scale)
    coefficients = back @ beta
    return LogitFit(names=("intercept", *names), coefficients=coefficients, std_errors=np.sqrt(np.diag(back @ covariance @ back.T)),
                    linear_predictor=coefficients[0] + x @ coefficients[1:], converged=converged, iterations=iterations, deviance=deviance)


def _expit(eta: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(eta, -700, 700)))


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))


def _moments(x: np.ndarray, weights: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column; refuses constant columns."""
    used = weights > 0
    low, high = np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for c in _chunks(len(x)):
        low, high = np.minimum(low, x[c][used[c]].min(axis=0, initial=np.inf)), np.maximum(high, x[c][used[c]].max(axis=0, initial=-np.inf))
    if constant := [name for name, a, b in zip(names, low, high, strict=True) if not b > a]:
        raise EstimationError(f"Every covariate of the score must vary: {_list(constant)} is the same in all {used.sum():,} rows (or missing). "
                              "Take it out of `matching.score.covariates`.")
    centre = weights @ x / weights.sum()
    variance = sum((weights[c] @ (x[c] - centre) ** 2 for c in _chunks(len(x))), np.zeros(x.shape[1]))
    return centre, np.sqrt(variance / weights.sum())


def _standardised(x: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A chunk with an intercept and centred, scaled columns."""
    z = np.empty((len(x), x.shape[1] + 1))
    z[:, 0] = 1.0
    np.subtract(x, centre, out=z[:, 1:])
    z[:, 1:] /= scale
    return z


def _newton(x, y, weights, centre, scale):
    """Newton steps on standardised columns; returns coefficients, information, deviance, number of steps, converged."""
    mean = weights @ y / weights.sum()
    beta = np.zeros(x.shape[1] + 1)
    beta[0] = np.log(mean / (1 - mean))
    score, information, deviance = _pass(x, y, weights, centre, scale, beta)
    for step in range(1, MAX_STEPS + 1):
        try:
            direction = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return beta, information + 1e-12 * np.eye(len(beta)), deviance, step, False
        before, length = deviance, 1.0
        while True:
            trial = beta + length * direction
            score, information, deviance = _pass(x, y, weights, centre, scale, trial)
            if deviance <= before * (1 + 1e-9) or length < 1e-4:
                break
            length /= 2
        beta = trial
        if abs(before - deviance) < RELATIVE_DEVIANCE * (abs(deviance) + 0.1):
            try:
                beta = beta + np.linalg.solve(information, score)
            except np.linalg.LinAlgError:
                return beta, information + 1e-12 * np.eye(len(beta)), deviance, step, False
            _, information, deviance = _pass(x, y, weights, centre, scale, beta)
            return beta, information, deviance, step + 1, True
    return beta, information, deviance, MAX_STEPS, False


def _pass(x, y, weights, centre, scale, beta):
    """Score, information and deviance at `beta`, added up over chunks."""
    score, information, deviance = np.zeros(len(beta)), np.zeros((len(beta), len(beta))), 0.0
    for c in _chunks(len(y)):
        z = _standardised(x[c], centre, scale)
        eta = z @ beta
        p = _expit(eta)
        w = weights[c]
        score += z.T @ (w * (y[c] - p))
        information += (z * (w * p * (1 - p))[:, None]).T @ z
        deviance += 2 * float(w @ (np.logaddexp(0, eta) - y[c] * eta))
    return score, information, deviance


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


def _refuse_collinear(x, weights, centre, scale, names) -> None:
    """Gram-Schmidt on the correlation matrix: names the first column that the columns before it determine."""
    gram = sum(((z := (x[c] - centre) / scale).T @ (z * weights[c][:, None]) for c in _chunks(len(x))), np.zeros((x.shape[1], x.shape[1])))
    left = gram / weights.sum()
    for j, name in enumerate(names):
        if left[j, j] < COLLINEAR:
            raise EstimationError(f"The covariates of the score must not determine each other: {name!r} is a combination of {_list(names[:j])}. "
                                  "Take one of them out of `matching.score.covariates`.")
        left = left - np.outer(left[:, j], left[j]) / left[j, j]


def _refuse_separating_binary(x, y, weights, names) -> None:
    """A two-valued column inside one of whose values nobody (or everybody) enters has no finite coefficient."""
    used = weights > 0
    for j, name in enumerate(names):
        low, high = x[used, j].min(), x[used, j].max()
        upper = used & (x[:, j] == high)
        if (upper.sum() + (used & (x[:, j] == low)).sum()) != used.sum():
            continue
        for rows in (upper, used & ~upper):
            if y[rows].min() == y[rows].max():
                raise EstimationError(f"A score has no finite estimate where a covariate decides entry (separation): {name!r} has a value with "
                                      f"{rows.sum():,} rows of which {int(y[rows].sum()):,} enter. Match exactly on it, or take it out of "
                                      "`matching.score.covariates`.")


def _refuse_separated(beta, covariance, deviance, y, weights, names, converged) -> None:
    """Complete or quasi-complete separation by a combination of columns."""
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    if converged and errors.max() < SEPARATED_ERROR and deviance > 1e-6 * float(weights @ y):
        return
    largest = [names[j] for j in np.argsort(-np.abs(beta[1:]))[:3]]
    raise EstimationError(f"A score has no finite estimate where covariates decide entry (separation): the largest coefficients are those of "
                          f"{_list(largest)} ({int(y.sum()):,} of {len(y):,} rows enter). Take covariates out of `matching.score.covariates`.")


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(str(name)) for name in names)
