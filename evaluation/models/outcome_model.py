"""Regressions of an outcome on arrays: weighted least squares and a weighted logit, with the influence of each row on what is read from them.

What the rows and columns are is decided in `plain_outcome.py` and `abadie_imbens.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.propensity import fit_logit

Form = Literal["linear", "logit"]
COLLINEAR = 1e-10              # share of a column's variance left after the columns before it


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeModel:
    """A fitted regression.

    Attributes
    ----------
    form : 'linear' or 'logit'
    coefficients : ndarray, shape (k,)
    bread : ndarray, shape (k, k)
        Inverse of the information, so that the influence of row i on the coefficients is `bread @ design[i]` times `force[i]`.
    force : ndarray, shape (n,)
        Weight times residual of each row.
    """

    form: Form
    coefficients: np.ndarray
    bread: np.ndarray
    force: np.ndarray

    def influence(self, design: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Influence of each row on a function of the coefficients, from its gradient, shape (k,); shape (n,)."""
        return (design @ (self.bread @ gradient)) * self.force

    def mean(self, design: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Weighted mean prediction over the rows of a design, and its gradient, shape (k,)."""
        share, eta = weights / weights.sum(), design @ self.coefficients
        value, slope = (_expit(eta), _expit(eta) * _expit(-eta)) if self.form == "logit" else (eta, np.ones(len(eta)))
        return float(share @ value), (share * slope) @ design


def fit_outcome_model(design: np.ndarray, y: np.ndarray, weights: np.ndarray, *, form: Form, names: Sequence[str]) -> OutcomeModel:
    """Weighted least squares, or a weighted logit by maximum likelihood.

    Parameters
    ----------
    design : ndarray, shape (n, k)
        The intercept first; columns that do not determine each other, of similar size.
    y : ndarray, shape (n,)
        For a logit 0 or 1.
    weights : ndarray, shape (n,)
        Above 0.
    names : sequence of str, length k

    Raises
    ------
    EstimationError
        A logit has no finite estimate, because columns decide the outcome.
    """
    root = np.sqrt(weights)
    if form == "linear":
        q, r = np.linalg.qr(root[:, None] * design)
        coefficients = np.linalg.solve(r, q.T @ (root * y))
        return OutcomeModel(form=form, coefficients=coefficients, bread=_bread(r), force=weights * (y - design @ coefficients))
    try:
        fit = fit_logit(design[:, 1:], y, names=names[1:], weights=weights)
    except EstimationError as fault:
        raise EstimationError(f"A logit of the outcome has no finite estimate where covariates decide the outcome (separation): {len(y):,} rows, "
                              f"{len(names):,} columns. Name fewer covariates, or let both sides share their slopes (slopes='common').") from fault
    p = fit.probability
    r = np.linalg.qr((root * np.sqrt(p * (1 - p)))[:, None] * design, mode="r")
    return OutcomeModel(form=form, coefficients=fit.coefficients, bread=_bread(r), force=weights * (y - p))


def independent_columns(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Columns that vary and are no combination of an intercept and the columns before them; ndarray of bool, shape (k,)."""
    centred = x - weights @ x / weights.sum()
    centred *= np.sqrt(weights)[:, None]
    gram = centred.T @ centred
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > COLLINEAR * np.sqrt(weights.sum()) * np.abs(x).max(axis=0, initial=0.0), scale, np.inf)
    left = gram / np.outer(scale, scale)
    keep = np.zeros(x.shape[1], dtype=bool)
    for j in range(len(keep)):
        keep[j] = left[j, j] > COLLINEAR
        if keep[j]:
            left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return keep


def _bread(r: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(r)
    return inverse @ inverse.T


def _expit(eta: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(eta, -700, 700)))
