"""Cluster-robust variances for few clusters (CR2, CR3) of contrasts of weighted means, with Satterthwaite's degrees of freedom, from sums by cluster.

Every effect here is a contrast of weighted means of two arms in a number of cells. Then the adjustment matrices of CR2 need no more than five sums
per cluster, cell and arm, whatever the number of rows.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TINY = 1e-12                   # an eigenvalue below this share of the largest has no direction of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSums:
    """Sums over the observations of a cluster in a block (an arm of a cell); every array has shape (n_clusters, n_blocks).

    Attributes
    ----------
    count : observations
    weight, squares : sums of their weights and of squared weights
    residual, weighted : sums of residuals from the block's weighted mean, plain and weighted
    """

    count: np.ndarray
    weight: np.ndarray
    squares: np.ndarray
    residual: np.ndarray
    weighted: np.ndarray


def cr2(sums: BlockSums, contrasts: np.ndarray, *, shares: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of contrasts of the blocks' weighted means, and the degrees of freedom of each.

    Parameters
    ----------
    contrasts : ndarray, shape (k, n_blocks)
        Coefficient of each block's mean.
    shares : ndarray, shape (n_clusters, k), optional
        What else each cluster contributes to the numbers (through the cells' shares in them); added without adjustment.

    Returns
    -------
    covariance : ndarray, shape (k, k)
    degrees_of_freedom : ndarray, shape (k,)
        NaN where no cluster has any weight.

    Notes
    -----
    Least squares on block dummies with weights w and working model of independent, equal errors: in block k with total weight W and total squared
    weight S, (I - H)(I - H)' of a cluster is I - (1w' + w1') / W + 11' S / W^2, of which only the plane of 1 and w differs from I. Its inverse square
    root A is taken in that plane; V = sum over clusters of (sum over blocks of c w'A e / W)^2. With p_g = (I - H)' a_g, a_g the cluster's row of
    that sum, the degrees of freedom are (sum p_g'p_g)^2 / sum (p_g'p_h)^2.

    References
    ----------
    Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), DOI 10.1080/07350015.2016.1247004, eq. 8 to 11. Checked against R clubSandwich 0.5.8.
    """
    total, total_squares = sums.weight.sum(axis=0), sums.squares.sum(axis=0)
    plane = _Plane.of(sums, total, total_squares)
    c = np.where(total > 0, contrasts / np.where(total > 0, total, 1.0), 0.0)
    scores = (sums.weighted + plane.pull(sums.residual, sums.weighted)) @ c.T + (0.0 if shares is None else shares)
    inner = plane.of_weights()
    return scores.T @ scores, np.array([_satterthwaite(inner, one, total, total_squares) for one in c])


def cr3(sums: BlockSums, contrasts: np.ndarray, *, shares: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The same with CR3: each cluster's residuals as if its block means had been made without it (the jackknife), without the factor (G - 1) / G.

    Parameters and returns as of `cr2`. With s a cluster's weight in a block of weight W, (I - H)^-1 multiplies its score by 1 / (1 - s / W); a
    cluster that is all of a block adds nothing.

    References
    ----------
    Bell and McCaffrey (2002); degrees of freedom as in Pustejovsky and Tipton (2018). Checked against R clubSandwich 0.5.8 by way of `clustered.py`.
    """
    total, total_squares = sums.weight.sum(axis=0), sums.squares.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    left = 1.0 - sums.weight / safe
    grow = np.divide(1.0, left, out=np.zeros_like(left), where=left > TINY)
    c = np.where(total > 0, contrasts / safe, 0.0)
    scores = (sums.weighted * grow) @ c.T + (0.0 if shares is None else shares)
    inner = sums.weight * grow, sums.squares * grow, sums.squares * grow**2
    return scores.T @ scores, np.array([_satterthwaite(inner, one, total, total_squares) for one in c])


@dataclass(frozen=True, slots=True)
class _Plane:
    """A = I + U K U' in the plane U = (1, w) of every cluster and block; `k` has shape (n_clusters, n_blocks, 2, 2), `gram` is U'U."""

    gram: np.ndarray
    k: np.ndarray

    @classmethod
    def of(cls, sums: BlockSums, total: np.ndarray, total_squares: np.ndarray) -> _Plane:
        used = total > 0
        gram = np.stack([np.stack([sums.count, sums.weight], -1), np.stack([sums.weight, sums.squares], -1)], -2)
        safe = np.where(used, total, 1.0)
        middle = np.zeros((len(total), 2, 2))
        middle[:, 0, 0] = np.where(used, total_squares / safe**2, 0.0)
        middle[:, 0, 1] = middle[:, 1, 0] = np.where(used, -1.0 / safe, 0.0)
        scale = np.sqrt(np.einsum("gkii->gki", gram))
        scale = np.where(scale > 0, scale, 1.0)
        size, direction = _eigen(gram / (scale[..., :, None] * scale[..., None, :]))
        root = np.where(size > TINY * size[..., -1:], np.sqrt(np.maximum(size, 0.0)), 0.0)
        basis = direction * np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)[..., None, :] / scale[..., :, None]
        inside = np.swapaxes(basis, -1, -2) @ gram                      # Q'U, with Q = U basis
        value, vector = _eigen(inside @ middle @ np.swapaxes(inside, -1, -2))
        value = 1.0 + value
        shrink = np.where(value > TINY, 1.0 / np.sqrt(np.where(value > TINY, value, 1.0)), 0.0) - 1.0
        return cls(gram, basis @ (vector * shrink[..., None, :]) @ np.swapaxes(vector, -1, -2) @ np.swapaxes(basis, -1, -2))

    def pull(self, residual: np.ndarray, weighted: np.ndarray) -> np.ndarray:
        """w'A e less w'e."""
        return np.einsum("gki,gkij,gkj->gk", self.gram[..., 1, :], self.k, np.stack([residual, weighted], -1))

    def of_weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """1'A w, w'A w and w'A A w."""
        toward = self.k @ self.gram[..., 1, :, None]                    # A w = w + U toward
        coefficient = toward[..., 0] + np.array([0.0, 1.0])
        along = np.einsum("gkij,gkj->gki", self.gram, coefficient)
        return along[..., 0], along[..., 1], (coefficient * along).sum(axis=-1)


def _eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (smaller first) and eigenvectors (columns) of symmetric matrices of two rows, shape (..., 2, 2), in closed form."""
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    middle, reach, angle = (a + d) / 2, np.hypot((a - d) / 2, b), np.arctan2(b, (a - d) / 2) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([middle - reach, middle + reach], -1), np.stack([np.stack([-sin, cos], -1), np.stack([cos, sin], -1)], -2)


def _satterthwaite(inner: tuple[np.ndarray, np.ndarray, np.ndarray], c: np.ndarray, total: np.ndarray, total_squares: np.ndarray) -> float:
    """Degrees of freedom from 1'a, w'a and a'a of every cluster and block, but for c / W."""
    plain, weighted, square = inner
    one, two = plain * c, weighted * c
    safe = np.where(total > 0, total, 1.0)
    cross = (one / safe) @ two.T
    products = (one * total_squares / safe**2) @ one.T - cross - cross.T
    products[np.diag_indices_from(products)] += (square * c**2).sum(axis=1)
    spread = float((products**2).sum())
    return float(np.trace(products)) ** 2 / spread if spread > 0 else float("nan")
