"""Councils' effects with their covariance, ready for pooling: from an `Effects`, from small councils' own variances, from counts.

Pooling itself is in `pooling.py` and `shrinkage.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.models.clusters import Assignment, Clusters
from evaluation.models.effects import Effects
from evaluation.models.places import in_all, of_places, table_of
from evaluation.models.uncertainty import uncertainty_of

FEWEST = 10                    # treated families under which a council's own variance is not used


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilEffects:
    """Councils' effects and how they vary together.

    Attributes
    ----------
    names : tuple of str
    theta : ndarray, shape (n_councils,)
        NaN where a council has no estimate.
    covariance : ndarray, shape (n_councils, n_councils)
        After variance pooling.
    n_units : ndarray of int, shape (n_councils,)
        Treated units behind each effect.
    own_std_error : ndarray, shape (n_councils,)
        Before variance pooling; NaN where there is none.
    pooled : ndarray of bool, shape (n_councils,)
        Councils whose variance is the pooled one.
    unit_variance : float
        The pooled variance of one unit's contribution.
    table : DataFrame
        Each council's own estimate, as `by_council` gives it.
    """

    names: tuple[str, ...]
    theta: np.ndarray
    covariance: np.ndarray
    n_units: np.ndarray
    own_std_error: np.ndarray
    pooled: np.ndarray
    unit_variance: float
    table: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledVariances:
    """Sampling covariance of councils' effects with small councils' variances from all councils.

    Attributes
    ----------
    covariance : ndarray, shape (n_councils, n_councils)
    pooled : ndarray of bool, shape (n_councils,)
        Where the pooled variance is used.
    unit_variance : float
        Pooled variance of one unit.
    df : ndarray, shape (n_councils,)
        Degrees of freedom of each variance: units less 1, or those of the pooled one.
    """

    covariance: np.ndarray
    pooled: np.ndarray
    unit_variance: float
    df: np.ndarray


def council_effects(effects: Effects, *, quarters: tuple[int, int] = (1, 4), cohorts: Sequence[int] | Literal["complete"] | None = "complete",
                    clusters: Clusters = "auto", assignment: Assignment = "unit", fewest: int = FEWEST) -> CouncilEffects:
    """Each council's effect on its treated units, and their covariance with variances of small councils pooled.

    Parameters
    ----------
    quarters, cohorts, clusters, assignment
        As in `places.by_council`, whose standard errors are the ones taken.
    fewest : int
        Councils with fewer treated units take the pooled variance (`pool_small_variances`); 0 for none.

    Raises
    ------
    EstimationError
        Effects can't be told apart by council, or fewer than two councils have an estimate with a standard error.
    """
    effects, found = of_places(effects, quarters=quarters, cohorts=cohorts, clusters=clusters, assignment=assignment)
    table, at = table_of(found, by="council_code"), np.flatnonzero([not one.summary.reason for one in found])
    if len(at) < 2:
        raise EstimationError("Councils' effects need two councils with an estimate: there are fewer. Widen `programme.councils` or the headline.")
    together = uncertainty_of(effects, [in_all(effects, found[i]) for i in at], clusters=clusters, assignment=assignment)
    if together.reason:
        raise EstimationError(f"Councils' effects need errors: {together.reason}.")
    v = np.full((len(table), len(table)), np.nan)
    v[np.ix_(at, at)] = together.covariance
    own = table["std_error"].to_numpy(dtype=float)
    n = table["n_treated"].to_numpy()
    done = pool_small_variances(_with_variances(v, own**2), n, fewest=fewest)
    return CouncilEffects(names=tuple(table["council_code"]), theta=table["estimate"].to_numpy(dtype=float), covariance=done.covariance, n_units=n,
                          own_std_error=own, pooled=done.pooled, unit_variance=done.unit_variance, table=table)


def pool_small_variances(covariance: np.ndarray, n_units: np.ndarray, *, fewest: int = FEWEST) -> PooledVariances:
    """The councils' covariance with the variance of every council under `fewest` units replaced by pooled unit variance / units.

    A variance from five families is itself off by a factor of two or more, and inverse variances weigh the councils that look precise by luck.

    Parameters
    ----------
    covariance : ndarray, shape (n_councils, n_councils) or (n_councils,)
        Sampling covariance of the councils' effects; NaN or 0 on the diagonal where a council has no variance of its own.
    n_units : ndarray of int, shape (n_councils,)
        Treated units behind each effect.
    fewest : int

    Raises
    ------
    EstimationError
        No council has a variance and two units.

    Notes
    -----
    Unit variance of council c: u_c = n_c s_c^2. Pooled: sum (n_c - 1) u_c / sum (n_c - 1) over councils with a variance, all sizes. Small councils:
    s_c^2 = pooled / n_c. Covariances are scaled with the standard errors, so that correlations stay; a council without a variance of its own has
    none with others.
    """
    v = np.asarray(covariance, dtype=float)
    v = np.diag(v) if v.ndim == 1 else v
    n, own = np.asarray(n_units, dtype=float), np.diag(v)
    known = np.isfinite(own) & (own > 0) & (n > 1)
    if not known.any():
        raise EstimationError("Variance pooling needs a council with a standard error and two treated units: there is none. "
                              "Cluster on matched sets or units: councils as clusters say nothing about one council.")
    unit_variance = float(((n - 1) * n * np.nan_to_num(own))[known].sum() / (n - 1)[known].sum())
    small = (n < fewest) & (n > 0)
    new = np.where(small, unit_variance / np.maximum(n, 1), own)
    return PooledVariances(covariance=_with_variances(v, new), pooled=small, unit_variance=unit_variance,
                           df=np.where(small, (n - 1)[known].sum(), n - 1))


def log_rate_contrast(counts: np.ndarray, exposure: np.ndarray, contrast: np.ndarray, *, dispersion: float | np.ndarray = 1.0,
                      correction: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log rate ratios of councils' counts, such as the ratio of two ratios of a difference-in-differences.

    Parameters
    ----------
    counts, exposure : ndarray, shape (n_councils, n_cells)
        Events, and family-quarters (or the like) in which they could happen; matched comparison cells with their weighted sums.
    contrast : ndarray, shape (n_cells,)
        (1, -1) for a ratio; (1, -1, -1, 1) for treated after, treated before, comparison after, comparison before.
    dispersion : float or ndarray, broadcast against `counts`
        Variance over mean of a cell's count: 1 for Poisson; above it where the same families offend again and again, or where counts are weighted.
    correction : float
        Added to every count of a council that has a zero cell.

    Returns
    -------
    log_ratio, variance : ndarray, shape (n_councils,)
        NaN where a cell has no exposure.
    corrected : ndarray of bool, shape (n_councils,)
        Councils with a zero cell: few events, and an estimate that the correction draws towards 0.

    Notes
    -----
    log ratio = sum c_j log(y_j / e_j), variance = sum c_j^2 dispersion / y_j (delta method). Checked against R metafor 3.8-1 `escalc('IRR')`.
    """
    counts, exposure = np.asarray(counts, dtype=float), np.asarray(exposure, dtype=float)
    c = np.asarray(contrast, dtype=float)
    if counts.shape != exposure.shape or counts.shape[-1:] != c.shape or (counts < 0).any() or not correction > 0:
        raise EstimationError(f"Log rate ratios need counts >= 0, exposures of their shape, one contrast weight per cell and a correction above 0: "
                              f"shapes are {counts.shape}, {exposure.shape} and {c.shape}.")
    corrected = ((counts == 0) & (c != 0)).any(axis=1)
    y = counts + np.where(corrected, correction, 0.0)[:, None]
    usable = np.where((exposure > 0).all(axis=1), 1.0, np.nan)
    rate = np.log(y) - np.log(np.where(exposure > 0, exposure, 1.0))
    return rate @ c * usable, (dispersion * c**2 / y).sum(axis=1) * usable, corrected


def _with_variances(v: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """A covariance with other variances and the same correlations; none where a council had no variance."""
    own = np.diag(v)
    known = np.isfinite(own) & (own > 0)
    scale = np.sqrt(np.divide(variances, own, out=np.zeros(len(own)), where=known & np.isfinite(variances)))
    out = np.where(known[:, None] & known, v, 0.0) * np.outer(scale, scale)
    out[np.diag_indices(len(out))] = variances
    return out
