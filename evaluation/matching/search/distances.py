"""Distances on several covariates, as coordinates whose Euclidean distance is the wanted one. Arrays in, arrays out; knows no matchers."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from evaluation.matching.candidates import Candidates

Kind = Literal["mahalanobis", "robust_mahalanobis", "scaled_euclidean", "euclidean"]
KINDS: tuple[str, ...] = get_args(Kind)
SINGULAR = 1e-8                # share of the largest eigenvalue below which a direction has no variance of its own
CONSTANT = 1.5e-8              # range of a column that does not vary: the square root of the machine's precision, as in MatchIt


def whitened(x: np.ndarray, treated: np.ndarray, weights: np.ndarray, kind: Kind) -> np.ndarray:
    """Coordinates whose Euclidean distance is the distance of that kind between rows.

    Moments are those of all rows given, so that a stratum, a council or an entry period never changes what a distance means.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Complete covariates, in any units; text as the columns of `distance_columns`.
    treated : ndarray of bool, shape (n,)
    weights : ndarray, shape (n,)
        Sampling weights, above 0; where all are 1 the unweighted formulas hold.
    kind : 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        On the covariance within groups; on ranks; on standard deviations within groups; on the columns as they are.

    Returns
    -------
    ndarray, shape (n, q)
        q <= p: columns that do not vary are left out, and so are directions that others determine.

    Notes
    -----
    Mahalanobis: the covariance is pooled within the two groups with n - 2 degrees of freedom (Rubin 1980), not that of the comparison rows.
    Robust: average ranks over all rows and their covariance, rescaled so that every column has the variance of ranks without ties (Rosenbaum
    2010, section 8.3). Scaled Euclidean: a column of 0 and 1 has the variance p (1 - p), without a correction. Where a covariance is singular its
    pseudo-inverse is taken. With sampling weights every moment is a weighted one, with the correction 1 - sum of squared shares. All as MatchIt
    4.7.2.

    References
    ----------
    Rubin (1980), DOI 10.2307/2529981. Rosenbaum (2010), Design of Observational Studies, DOI 10.1007/978-1-4419-1213-8.

    Examples
    --------
    >>> z = whitened(np.array([[0.0], [4.0], [0.0], [4.0]]), np.array([True, True, False, False]), np.ones(4), "mahalanobis")
    >>> float(abs(z[0] - z[1])[0].round(6))        # the variance inside each group is 8 on 1 degree of freedom, pooled 16 / 2
    1.414214
    """
    x = np.asarray(x, dtype=float)
    varies = np.ptp(x, axis=0) >= CONSTANT
    if not varies.any():
        return x[:, :1].copy()
    x = x if varies.all() else x[:, varies]
    if kind == "euclidean":
        return x.copy()
    if kind == "scaled_euclidean":
        variance = _variance_within(x, treated, weights)
        return x[:, variance > 0] / np.sqrt(variance[variance > 0])
    if kind == "mahalanobis":
        z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
        scatter, freedom = scatter_within(z, (treated, ~treated), weights)
        return z @ _root_of_inverse(scatter / freedom)
    return _robust(x, weights)


def distance_columns(rows: Candidates, names: Sequence[str]) -> np.ndarray:
    """Named columns for a distance, shape (n, p); NaN where missing.

    A text column becomes an indicator for every level, divided by the square root of 2: two rows that differ in it are 1 apart, as they are
    in a column of 0 and 1.
    """
    x, labels = rows.matrix(names, full=True)
    indicator = [label not in names for label in labels]
    x[:, indicator] /= np.sqrt(2)
    return x


def scatter_within(z: np.ndarray, groups: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Sum of squares and products about each group's mean, over the total weight, shape (p, p); and what to divide it by for a covariance.

    Parameters
    ----------
    z : ndarray, shape (n, p)
        Columns about their means, so that nothing is lost to cancellation.
    groups : sequence of ndarray of bool, shape (n,)
    weights : ndarray, shape (n,)
    """
    plain = bool((weights == 1).all())
    share = weights / weights.sum()
    scatter = z.T @ z / len(z) if plain else (z * share[:, None]).T @ z
    for group in groups:
        own = np.where(group, share, 0.0)
        if own.sum() > 0:
            mean = own @ z / own.sum()
            scatter = scatter - own.sum() * np.outer(mean, mean)
    return scatter, max(len(z) - len(groups), 1) / len(z) if plain else 1 - float(share @ share)


def average_ranks(column: np.ndarray) -> np.ndarray:
    """Ranks from 1 up; equal values share the mean of theirs; shape (n,)."""
    _, code, count = np.unique(column, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[code]


def _robust(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    ranks = np.column_stack([average_ranks(column) for column in x.T])
    ranks -= ranks.mean(axis=0)
    scatter, freedom = scatter_within(ranks, (np.ones(len(x), dtype=bool),), weights)
    spread = np.sqrt(np.diag(scatter / freedom))
    untied = np.sqrt(len(x) * (len(x) + 1) / 12)           # standard deviation of 1, 2, ..., n
    return (ranks / untied) @ _root_of_inverse(scatter / freedom / np.outer(spread, spread))


def _variance_within(x: np.ndarray, treated: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Variance of each column within the groups, shape (p,); p (1 - p) for a column of 0 and 1."""
    z = x - x.mean(axis=0)
    scatter, freedom = scatter_within(z, (treated, ~treated), weights)
    binary = ((x == 0) | (x == 1)).all(axis=0)
    variance = np.diag(scatter)
    variance = np.where(variance > SINGULAR * np.square(z).mean(axis=0), variance, 0.0)
    return np.where(binary, variance, variance / freedom)


def _root_of_inverse(covariance: np.ndarray) -> np.ndarray:
    """A root of the (pseudo-)inverse of a covariance, shape (p, q): rows times it have the identity as covariance."""
    value, vector = np.linalg.eigh(covariance)
    kept = value > SINGULAR * value[-1]
    return vector[:, kept] / np.sqrt(value[kept])
