"""Effects as draws: many sets of effects that fit the data, joint across outcomes, in place of one point each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import EstimationError


@dataclass(frozen=True, slots=True, kw_only=True)
class JointEffects:
    """Effects on several outcomes with their joint uncertainty.

    Attributes
    ----------
    outcomes : tuple of str, length k
    estimates : ndarray, shape (k,)
        In each outcome's own unit.
    std_errors : ndarray, shape (k,)
        As reported beside each effect.
    correlation : ndarray, shape (k, k)
        Of the estimates, from their influence functions.
    df : float
        Degrees of freedom of t: those of the estimate with the fewest; inf is normal.
    """

    outcomes: tuple[str, ...]
    estimates: np.ndarray
    std_errors: np.ndarray
    correlation: np.ndarray
    df: float

    def __post_init__(self) -> None:
        k = len(self.outcomes)
        shapes = self.estimates.shape, self.std_errors.shape, self.correlation.shape
        whole = shapes == ((k,), (k,), (k, k)) and np.isfinite(self.estimates).all() and np.isfinite(self.correlation).all()
        if not whole or not (self.std_errors >= 0).all() or not self.df > 0:
            raise EstimationError(
                f"Draws need a finite estimate, a standard error of 0 or more and a correlation for each of {k} outcome(s), and degrees of freedom"
                " above 0. Leave out of value.outcomes what could not be estimated."
            )

    def covariance(self) -> np.ndarray:
        """Covariance of the estimates, shape (k, k)."""
        return self.correlation * np.outer(self.std_errors, self.std_errors)

    def draws(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of all effects together from the multivariate t distribution, shape (n, k).

        Notes
        -----
        Estimate + L z sqrt(df / chi2), where L L' is the covariance: each effect by itself then has the interval that is reported for it, but for
        degrees of freedom, which are those of the least certain. Draws come in pairs mirrored at the estimate, so that their mean is the estimate.
        """
        half = -(-n // 2)
        values, vectors = np.linalg.eigh(self.correlation)
        root = vectors * np.sqrt(np.clip(values, 0.0, None))
        normal = rng.standard_normal((half, len(self.outcomes))) @ root.T
        stretch = np.sqrt(self.df / rng.chisquare(self.df, size=(half, 1))) if np.isfinite(self.df) else 1.0
        away = normal * stretch * self.std_errors
        return self.estimates + np.concatenate([away, -away])[:n]


def independent(outcomes: Sequence[str], estimates: Sequence[float], std_errors: Sequence[float], df: float = np.inf) -> JointEffects:
    """Effects whose errors have nothing to do with each other."""
    return JointEffects(
        outcomes=tuple(outcomes), estimates=np.array(estimates, dtype=float), std_errors=np.array(std_errors, dtype=float),
        correlation=np.eye(len(outcomes)), df=df,
    )  # fmt: skip
