"""Numbers as contrasts of weighted means, added up by cluster: what CR2 and CR3 are made from (`bias_reduced.py`)."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.models.bias_reduced import BlockSums
from evaluation.models.effects import Effects
from evaluation.models.summaries import Grid, Observations, Summary, whole_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Numbers as contrasts of weighted means.

    Attributes
    ----------
    sums : BlockSums
        By cluster; every cell with weight in a number is two blocks of observations, its comparison and its treated rows.
    contrasts : ndarray, shape (k, n_blocks)
    shares : ndarray, shape (n_clusters, k)
        What clusters contribute through the cells' shares in each number.

    Notes
    -----
    The effect asked for is that on these areas, so their shares are fixed, and shares carry the noise of the cells' own means, for which CR2 and CR3
    have allowed already: with several entry dates they made errors 1.1 to 1.6 times too large. Only where one cluster is all of a block, whose own
    mean then tells nothing of its spread, do shares stand in for it.
    """

    sums: BlockSums
    contrasts: np.ndarray
    shares: np.ndarray

    @property
    def fewest(self) -> int:
        """Clusters in the smallest block with weight in a number; 0 where no block has any (the base period)."""
        used = (self.contrasts != 0).any(axis=0)
        return int((self.sums.weight[:, used] > 0).sum(axis=0).min()) if used.any() else 0


def blocks_of(effects: Effects, summaries: Sequence[Summary], enters: np.ndarray, code: np.ndarray) -> Blocks:
    """The observations behind summaries, added up by cluster, cell and arm; `code` is the cluster of each row that `enters`.

    Summaries over whole cells share their blocks; one over observations of its own (`Summary.over`) has blocks of its own.
    """
    code = np.unique(code, return_inverse=True)[1]
    k, n_clusters = len(summaries), int(code.max()) + 1
    parts, contrasts, shares = [], [], np.zeros((n_clusters, k))
    for numbers, over in _by_observations(effects, summaries):
        estimated = (effects.cells["status"] == "estimated").to_numpy()
        coefficients = np.array([np.where(estimated, summaries[i].cells, 0.0) for i in numbers])
        cells = np.flatnonzero((coefficients != 0).any(axis=0))
        sums = _sums(effects, over, cells, np.flatnonzero(enters), code, n_clusters)
        here = np.zeros((k, 2 * len(cells)))
        here[numbers] = np.stack([-coefficients[:, cells], coefficients[:, cells]], axis=-1).reshape(len(numbers), -1)
        total = sums.weight.sum(axis=0)
        through = sums.weighted @ np.divide(here, total, out=np.zeros_like(here), where=total > 0).T
        shares[:, numbers] -= through[:, numbers]
        parts.append(sums)
        contrasts.append(here)
    for i, part in enumerate(summaries):
        shares[:, i] += np.bincount(code, weights=part.contribution[enters], minlength=n_clusters)
    together = BlockSums(**{name: np.concatenate([getattr(sums, name) for sums in parts], axis=1) for name in BlockSums.__slots__})
    return Blocks(sums=together, contrasts=np.concatenate(contrasts, axis=1), shares=shares)


def _by_observations(effects: Effects, summaries: Sequence[Summary]) -> Iterator[tuple[list[int], Observations]]:
    """Places of the summaries that are taken over the same observations, and these."""
    whole = [i for i, part in enumerate(summaries) if part.over is None]
    if whole:
        yield whole, whole_cells(effects)
    for i, part in enumerate(summaries):
        if part.over is not None:
            yield [i], part.over


def _sums(effects: Effects, over: Observations, cells: np.ndarray, rows: np.ndarray, code: np.ndarray, n_clusters: int) -> BlockSums:
    """Sums by cluster (of `rows`, by `code`), and by cell and arm: comparison and treated rows of the first cell, of the second, ..."""
    grid, lines = Grid.of(effects), rows                       # `lines`: where the rows lie in the observations
    if over.rows is not None:
        lines = np.flatnonzero(np.isin(over.rows, rows))
        kept = np.searchsorted(rows, over.rows[lines])
        rows, code = rows[kept], code[kept]
    treated, units = (effects.rows[name].to_numpy()[rows] for name in ("treated", "n_units"))
    event_time = effects.cells["event_time"].to_numpy()
    sums = {name: np.zeros((n_clusters, 2 * len(cells))) for name in BlockSums.__slots__}
    for j, cell in enumerate(cells):
        at = int(np.searchsorted(effects.event_times, event_time[cell]))
        here = np.flatnonzero((grid.place[grid.cohort[rows], at] == cell) & (over.weight[lines, at] > 0))
        weight, weighted, n = over.weight[lines[here], at], over.weighted[lines[here], at], units[here]
        values = {"count": n, "weight": weight, "squares": weight**2 / n, "weighted": weighted, "residual": weighted * n / weight}
        place = 2 * code[here] + treated[here]
        for name, value in values.items():
            sums[name][:, 2 * j:2 * j + 2] = np.bincount(place, weights=value, minlength=2 * n_clusters).reshape(-1, 2)
    return BlockSums(**sums)
