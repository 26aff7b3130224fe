"""Generalised linear models with cohort and period effects on a table of cohorts by periods, where a unit's mean depends on both only.

The score of a canonical family is linear in outcomes, so that sums by cell are enough. Which cells are untreated is decided in `extended_two_way.py`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.models.within_regression import Normal

Family = Literal["gaussian", "poisson", "logit"]
STEP = 1e-9                    # Newton's last step in the linear predictor; the error left is about its square
ROUNDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A family with its canonical link.

    Attributes
    ----------
    mean, slope : callable
        Of the linear predictor: the mean, and its derivative.
    inverse : callable
        Of a mean: the linear predictor; infinite at the ends of the range.
    bottom, top : float
        Ends of the range of the mean.
    """

    mean: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    bottom: float
    top: float


def _expit(eta: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(eta, -700, 700)))


def _log(mean: np.ndarray) -> np.ndarray:
    return np.log(mean, out=np.full(np.shape(mean), -np.inf), where=np.asarray(mean) > 0)


LINKS = {
    "gaussian": Link(mean=lambda eta: eta, slope=np.ones_like, inverse=lambda mean: mean, bottom=-np.inf, top=np.inf),
    "poisson": Link(mean=lambda eta: np.exp(np.minimum(eta, 700)), slope=lambda eta: np.exp(np.minimum(eta, 700)), inverse=_log, bottom=0.0,
                    top=np.inf),
    "logit": Link(mean=_expit, slope=lambda eta: _expit(eta) * _expit(-eta), inverse=lambda mean: _log(mean) - _log(1 - mean), bottom=0.0, top=1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFit:
    """A fitted table.

    Attributes
    ----------
    link : Link
    use : ndarray of bool, shape (n_cohorts, n_periods)
        Cells that decide the estimate; those that others predict perfectly are out.
    eta : ndarray, shape (n_cohorts, n_periods)
        Linear predictor, of other cells as well.
    normal : Normal
        Of the information of cohort effects, then period effects.
    """

    link: Link
    use: np.ndarray
    eta: np.ndarray
    normal: Normal

    def identified(self) -> np.ndarray:
        """Whether the linear predictor of each cell is determined by the cells in use, shape (n_cohorts, n_periods)."""
        n_cohorts, n_periods = self.eta.shape
        numbers = np.zeros((n_cohorts + n_periods, n_cohorts * n_periods))
        cell = np.arange(n_cohorts * n_periods)
        numbers[cell // n_periods, cell] = numbers[n_cohorts + cell % n_periods, cell] = 1.0
        return self.normal.identifies(numbers).reshape(self.eta.shape)

    def loadings(self, cohort: int, column: np.ndarray) -> np.ndarray:
        """What a residual in any cell adds to the linear predictor of a cohort's cells, shape (n_cohorts, n_periods, n_columns)."""
        n_cohorts = len(self.eta)
        on = self.normal.inverse[:, cohort][:, None] + self.normal.inverse[:, n_cohorts + column]
        return (on[:n_cohorts, None] + on[None, n_cohorts:]) * self.use[:, :, None]


def fit_cells(events: np.ndarray, exposure: np.ndarray, use: np.ndarray, family: Family) -> CellFit:
    """Maximum (quasi-)likelihood of cohort and period effects.

    Parameters
    ----------
    events, exposure : ndarray, shape (n_cohorts, n_periods)
        Sums of outcomes, and of exposures (of weights, where there are none); the mean of a cell is `events / exposure`.
    use : ndarray of bool, shape (n_cohorts, n_periods)
        Cells in the regression.

    Raises
    ------
    EstimationError
        Newton's method doesn't settle.

    Notes
    -----
    Cells at the end of the range (no events, or nothing but events) that lie between groups of cohorts and periods which nothing else ties together
    are predicted perfectly (separation) and leave the regression; what they would have determined is then not identified.
    """
    link = LINKS[family]
    use = tied(events, exposure, use & (exposure > 0), link)
    y, n = np.where(use, events, 0.0), np.where(use, exposure, 0.0)
    start = link.inverse(np.divide(y.sum(axis=1), n.sum(axis=1), out=np.zeros(len(y)), where=n.sum(axis=1) > 0))
    effects = np.concatenate([np.where(np.isfinite(start), start, 0.0), np.zeros(y.shape[1])])
    for _ in range(ROUNDS):
        eta = effects[:len(y), None] + effects[len(y):]
        normal = Normal.of(information(n * link.slope(eta)))
        residual = y - n * link.mean(eta)
        step = normal.inverse @ np.concatenate([residual.sum(axis=1), residual.sum(axis=0)])
        moved = np.abs(np.where(use, step[:len(y), None] + step[len(y):], 0.0)).max(initial=0.0)
        effects = effects + step * min(1.0, 2.0 / moved if moved > 0 and family != "gaussian" else 1.0)
        if moved <= STEP * max(1.0, np.abs(eta[use]).max(initial=0.0)) or family == "gaussian":
            eta = effects[:len(y), None] + effects[len(y):]
            return CellFit(link=link, use=use, eta=eta, normal=Normal.of(information(n * link.slope(eta))))
    raise EstimationError(f"A {family} regression on cohort and period effects does not settle in {ROUNDS:,} rounds. Mend `periods`, or add "
                          "comparison pools.")


def information(v: np.ndarray) -> np.ndarray:
    """Information of cohort and period effects from that of each cell's linear predictor, shape (n_cohorts + n_periods,) twice."""
    return np.block([[np.diag(v.sum(axis=1)), v], [v.T, np.diag(v.sum(axis=0))]])


def tied(events: np.ndarray, exposure: np.ndarray, use: np.ndarray, link: Link) -> np.ndarray:
    """Cells of `use` that are not predicted perfectly.

    Notes
    -----
    In the graph of cohorts and periods an inner cell ties both ways, a cell at the bottom of the range lets its period effect fall without end and so
    points from cohort to period, one at the top the other way. A finite estimate exists where every cell lies inside a strongly connected component.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if np.isinf(link.bottom):
        return use
    mean = np.divide(events, exposure, out=np.full(use.shape, np.nan), where=use)
    (n_cohorts, n_periods), c, t = use.shape, *np.nonzero(use)
    down, up = mean[c, t] > link.bottom, mean[c, t] < link.top      # may not fall, may not rise: an edge for each
    tail = np.concatenate([c[up], n_cohorts + t[down]])
    head = np.concatenate([n_cohorts + t[up], c[down]])
    edges = coo_array((np.ones(len(tail)), (tail, head)), shape=(n_cohorts + n_periods,) * 2)
    part = connected_components(edges, directed=True, connection="strong")[1]
    return use & (part[:n_cohorts, None] == part[n_cohorts:])
