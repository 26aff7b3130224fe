"""Donor weights of a synthetic comparison: the point of a simplex that comes nearest to a treated unit. Arrays in, arrays out.

Who is treated and who may be a donor is decided in `synthetic_series.py`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TIE = 1e-8                     # of the mean squared distance of the donors: makes the weights unique, as an even spread among equally good ones
WEIGHTLESS = 1e-12             # a weight below this is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """What donor weights are to make small.

    Attributes
    ----------
    demeaned : bool
        Whether every unit's mean of the periods before is taken off first (an intercept).
    ridge : float
        Penalty on the sum of squared weights, 0 or more, in units of the standardised discrepancy: 0 keeps the nearest point, a large one makes all
        weights equal.
    importance : ndarray, shape (n_covariates,)
        How much a covariate's squared standardised gap counts beside the path's mean squared standardised gap, which counts 1.
    """

    demeaned: bool
    ridge: float
    importance: np.ndarray

    def weights(self, path: np.ndarray, donors: np.ndarray, x: np.ndarray, donors_x: np.ndarray) -> np.ndarray:
        """Weights of the donors, 0 or more and adding up to 1, shape (n_donors,).

        Parameters
        ----------
        path : ndarray, shape (n_before,)
            The treated unit's outcomes before.
        donors : ndarray, shape (n_donors, n_before)
        x, donors_x : ndarray, shape (n_covariates,) and (n_donors, n_covariates)

        Notes
        -----
        With gaps d_t on the path and c_k in the covariates, minimises mean_t(d_t^2) / s^2 + sum_k v_k c_k^2 / s_k^2 + ridge sum_j w_j^2, where s^2
        is the donors' variance in a period, averaged over periods (after means are taken off, if they are), and s_k^2 their variance in a covariate:
        V by inverse variance times `importance`, not searched for (Abadie, Diamond and Hainmueller 2010, DOI 10.1198/jasa.2009.ap08746, section 2.3,
        leave V to the analyst or to a search; the search is not unique and rewards fit by chance).
        """
        if self.demeaned:
            path, donors = path - path.mean(), donors - donors.mean(axis=1, keepdims=True)
        points = np.column_stack([(donors - path) / (spread(donors, demeaned=False) * np.sqrt(len(path))),
                                  (donors_x - x) * np.sqrt(self.importance) / _spread_each(donors_x)])
        return nearest_in_hull(points, ridge=self.ridge)


def nearest_in_hull(points: np.ndarray, *, ridge: float = 0.0) -> np.ndarray:
    """Weights w >= 0 with sum 1 that minimise |sum_j w_j p_j|^2 + ridge |w|^2, shape (n_points,).

    Parameters
    ----------
    points : ndarray, shape (n_points, n_dimensions)
        Differences between donors and the treated unit.

    Notes
    -----
    Exact, by one non-negative least-squares problem (Lawson and Hanson 1974, chapter 23): min |[B; k 1'] u - [0; k]|^2 over u >= 0 has the solution
    u = s w, with w the minimum sought and s > 0, whatever k > 0; so no large penalty stands for the sum. Of several minima the one with the
    smallest sum of squares is taken, through a ridge of `TIE`.
    """
    from scipy.optimize import nnls

    size = float(np.mean(np.sum(points**2, axis=1)))
    if not size > 0:
        return np.full(len(points), 1 / len(points))
    n, scaled = len(points), points / np.sqrt(size)
    stacked = np.vstack([scaled.T, np.sqrt(ridge / size + TIE) * np.eye(n), np.ones((1, n))])
    wanted = np.zeros(len(stacked))
    wanted[-1] = 1.0
    u = nnls(stacked, wanted, maxiter=30 * n)[0]
    w = np.where(u > WEIGHTLESS * u.sum(), u, 0.0)
    return w / w.sum()


def spread(donors: np.ndarray, *, demeaned: bool) -> float:
    """Root of the variance between donors, averaged over periods; 1 where they are all alike.

    Parameters
    ----------
    donors : ndarray, shape (n_donors, n_periods)
    demeaned : bool
        Whether every donor's mean is to be taken off first.
    """
    value = float(np.sqrt(np.mean(np.var(donors - donors.mean(axis=1, keepdims=True) * demeaned, axis=0))))
    return value if value > 0 else 1.0


def _spread_each(x: np.ndarray) -> np.ndarray:
    value = x.std(axis=0)
    return np.where(value > 0, value, 1.0)
