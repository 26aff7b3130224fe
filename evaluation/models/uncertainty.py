"""How sure several numbers of the same effects are: which method stands behind their errors, chosen by a published rule, and why.

The rule, by what is clustered on:

* **matched sets, units, or both** (families assigned within councils): CR1, t with G - 1 degrees of freedom. Sets of equal weight have equal
  leverage, so that this is the one-sample t test of set differences; it conditions on these councils.
* **areas or councils**: CR2 with Satterthwaite's degrees of freedom, whatever their number, because few or unequal clusters make CR1 too small and
  with many both agree. With fewer than `FEW_TREATED` treated clusters it is given with the caution that only the permutation of areas tests it.
* **more than `MANY` such clusters**, effects that adjust for covariates, and effects without row weights: CR1, for the smaller arm's clusters less 1.
* a single cluster, a single treated cluster, or an error of zero: no interval, with the reason.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.models.bias_reduced import BlockSums, cr2
from evaluation.models.clusters import IN_WORDS, Assignment, Clusters, cluster_codes, cluster_names, count_of, covariance_of, degrees_of_freedom
from evaluation.models.effects import Effects
from evaluation.models.summaries import Grid, Summary

Errors = Literal["auto", "CR1"]
FEW_TREATED = 5
MANY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """Covariance of several numbers.

    Attributes
    ----------
    covariance : ndarray, shape (k, k)
    df : ndarray, shape (k,)
        Degrees of freedom of each number's t.
    words : str
        What was clustered on.
    n_clusters : int
        Of the way with the fewest.
    method : str
    caution : str
        What a reader must know about the method; '' where nothing.
    reason : str
        Why there is no interval; '' otherwise.
    """

    covariance: np.ndarray
    df: np.ndarray
    words: str
    n_clusters: int
    method: str
    caution: str = ""
    reason: str = ""


def uncertainty_of(effects: Effects, summaries: Sequence[Summary], *, clusters: Clusters = "auto", assignment: Assignment = "unit",
                   errors: Errors = "auto") -> Uncertainty:
    """The covariance of summaries of the same effects, by the rule of this module; `errors` 'CR1' asks for the usual ones whatever the rule says."""
    names = cluster_names(effects, clusters, assignment)
    words = " and ".join(IN_WORDS[name] for name in names)
    enters = np.logical_or.reduce([part.enters for part in summaries])
    treated, k = effects.rows["treated"].to_numpy(), len(summaries)
    counts, with_treated = ([count_of(effects, name, rows) for name in names] for rows in (enters, enters & treated))
    n = min(counts)
    refused = (f"one cluster of {words} gives no standard error" if n < 2
               else f"one treated cluster of {words} gives no standard error" if min(with_treated) < 2 else "")
    if refused:
        nan = np.full((k, k), np.nan)
        return Uncertainty(covariance=nan, df=nan[0], words=words, n_clusters=n, method="none", reason=refused)
    codes = [cluster_codes(effects, name)[enters] for name in names]
    contributions = np.column_stack([part.contribution[enters] for part in summaries])
    smaller = degrees_of_freedom(effects, enters, names)
    by_place = names[0] in ("area", "council")
    if errors == "auto" and by_place and smaller >= 1 and n <= MANY and _are_contrasts_of_means(effects, summaries):
        covariance, df = _bias_reduced(effects, summaries, enters, codes[0])
        method = "CR2 cluster-robust, Satterthwaite degrees of freedom"
    else:
        covariance, df = covariance_of(contributions, codes, counts), np.full(k, float(smaller))
        method = "CR1 cluster-robust" if len(names) == 1 else "CR1 two-way cluster-robust"
    reason = f"too few clusters of {words} on one side for a standard error" if smaller < 1 else ""
    caution = (f"With {with_treated[0]} treated {words} the interval is not reliable by itself; the permutation of areas is the test."
               if by_place and with_treated[0] < FEW_TREATED else "")
    return Uncertainty(covariance=covariance, df=df, words=words, n_clusters=n, method=method, caution=caution, reason=reason)


def _are_contrasts_of_means(effects: Effects, summaries: Sequence[Summary]) -> bool:
    return effects.row_weight is not None and not effects.adjusted and all(part.cells is not None for part in summaries)


def _bias_reduced(effects: Effects, summaries: Sequence[Summary], enters: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = block_sums(effects, summaries, enters, code)
    return cr2(blocks.sums, blocks.contrasts, shares=blocks.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Numbers as contrasts of weighted means.

    Attributes
    ----------
    sums : BlockSums
        By cluster; every cell with weight in a number is two blocks of observations, its comparison and its treated rows.
    means : ndarray, shape (n_blocks,)
        0 for comparison blocks and the cell's effect for treated ones: only their difference is known.
    contrasts : ndarray, shape (k, n_blocks)
    shares : ndarray, shape (n_clusters, k)
        What clusters contribute through the cells' shares in each number.
    """

    sums: BlockSums
    means: np.ndarray
    contrasts: np.ndarray
    shares: np.ndarray


def block_sums(effects: Effects, summaries: Sequence[Summary], enters: np.ndarray, code: np.ndarray) -> Blocks:
    """The observations behind summaries, added up by cluster, cell and arm; `code` is the cluster of each row that `enters`."""
    estimated = (effects.cells["status"] == "estimated").to_numpy()
    coefficients = np.array([np.where(estimated, part.cells, 0.0) for part in summaries])
    cells = np.flatnonzero((coefficients != 0).any(axis=0))
    grid, code = Grid.of(effects), np.unique(code, return_inverse=True)[1]
    rows, treated = np.flatnonzero(enters), effects.rows["treated"].to_numpy()[enters]
    units, shape = effects.rows["n_units"].to_numpy()[enters], (int(code.max()) + 1, 2 * len(cells))
    sums = {name: np.zeros(shape) for name in BlockSums.__slots__}
    for j, cell in enumerate(cells):
        at = int(np.searchsorted(effects.event_times, effects.cells["event_time"].iloc[cell]))
        here = grid.place[grid.cohort[rows], at] == cell
        weight = np.where(here, effects.row_weight[rows, at], 0.0)
        weighted = np.where(here, effects.influence[rows, at] * effects.cells["weight"].iloc[cell], 0.0) * np.where(treated, 1.0, -1.0)
        per_unit = np.divide(weight, units, out=np.zeros_like(weight), where=weight > 0)
        parts = {"count": np.where(weight > 0, units, 0.0), "weight": weight, "squares": weight * per_unit, "weighted": weighted,
                 "residual": np.divide(weighted, per_unit, out=np.zeros_like(weight), where=per_unit > 0)}
        for name, values in parts.items():
            for arm, side in enumerate((~treated, treated)):
                sums[name][:, 2 * j + arm] = np.bincount(code, weights=values * side, minlength=shape[0])
    through_cells = np.column_stack([(grid.spread(one) * effects.influence).sum(axis=1)[enters] for one in coefficients])
    contributions = np.column_stack([part.contribution[enters] for part in summaries])
    shares = np.column_stack([np.bincount(code, weights=column, minlength=shape[0]) for column in (contributions - through_cells).T])
    contrasts = np.stack([-coefficients[:, cells], coefficients[:, cells]], axis=-1).reshape(len(summaries), -1)
    means = np.stack([np.zeros(len(cells)), effects.cells["estimate"].to_numpy()[cells]], axis=-1).ravel()
    return Blocks(sums=BlockSums(**sums), means=means, contrasts=contrasts, shares=shares)
