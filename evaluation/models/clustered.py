"""Cluster-robust inference for weighted least squares from sums by cluster: CR0, CR1, CR2 and CR3, small-sample t and F tests.

Everything after the sums costs the number of clusters times a power of the number of coefficients, whatever the number of rows. Contrasts of weighted
means of arms, which most effects here are, have a shorter way in `bias_reduced.py`; the bootstrap on the same sums is in `wild.py`.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from evaluation.errors import EstimationError, PlanError
from evaluation.models.bias_reduced import BlockSums

Kind = Literal["CR0", "CR1", "CR1S", "CR2", "CR3"]
Working = Literal["identity", "inverse_variance"]
KINDS = ("CR0", "CR1", "CR1S", "CR2", "CR3")
SINGULAR = 1e-10               # an eigenvalue of I - H below this is a direction that one cluster alone decides; it is left out (pseudo-inverse)
NO_DIRECTION = 1e-13           # relative: columns of X and WX that coincide inside a cluster
COLLINEAR = 1e-12              # relative eigenvalue of the scaled X'WX


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastTest:
    """A contrast of coefficients with its t interval.

    Attributes
    ----------
    estimate, std_error, statistic, p_value, lower, upper : float
        In the outcome's unit; two-sided test of `null` and interval at the level asked for.
    df : float
        Degrees of freedom of the t distribution; Satterthwaite's for CR2 and CR3, clusters less 1 for CR0, CR1 and CR1S.
    kind : str
    """

    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    lower: float
    upper: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest:
    """Several contrasts tested together: `f` on `df1` and `df2` degrees of freedom; NaN for f and p where `df2` is not positive."""

    f: float
    df1: int
    df2: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class ClusteredRegression:
    """A weighted least-squares fit as sums by cluster.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
    gram : ndarray, shape (n_clusters, k, k)
        X'WX of each cluster.
    score : ndarray, shape (n_clusters, k)
        X'We of each cluster, e the residuals.
    n_rows : int
    n_parameters : int, optional
        Parameters counted in CR1S beside the columns of X: effects absorbed and *not* nested in clusters, and one for those that are, as fixest does.
        0 by default.
    plain_gram, squared_gram, plain_score : ndarray, optional
        X'X, X'WWX and X'e of each cluster. Given: the working model of CR2 and of the degrees of freedom is independent errors of equal variance,
        whatever the weights. Left out: errors with variances inverse to the weights (or no weights at all).

    Raises
    ------
    EstimationError
        Fewer than two clusters, shapes that do not go together, or columns that are linear combinations of others.

    Notes
    -----
    With M = (X'WX)^-1 and A_g the adjustment of cluster g, V = M (sum of X_g'W_g A_g e_g e_g'A_g'W_g X_g) M, times a factor:

    * CR0: A = I, factor 1. CR1: factor G/(G-1). CR1S: G/(G-1) (N-1)/(N-K), the convention of fixest and Stata, where K leaves out effects nested in
      clusters.
    * CR2: A_g = B_g^(-1/2), B_g the cluster's block of (I-H)(I-H)', so that V is unbiased under the working model; pseudo-inverse where singular.
      B_g = I - U Q U' with U = (X_g, W_g X_g), so that only the 2k x 2k matrix U'U is needed, never one of n_g x n_g. With variances inverse to the
      weights the same is done to the rows times root of the weight (U = X alone); clubSandwich's `inverse_var` with weights that differ inside a
      cluster takes another root of the same equation.
    * CR3: A_g = (I-H_g)^-1, the jackknife of clusters without the factor (G-1)/G.

    Effects of units nested in clusters may be absorbed first (X and y as deviations from unit means): CR2 is then that of the full design where
    there are no weights (Pustejovsky and Tipton 2018, theorem 2); with weights it is that of the weighted deviations and `identity` is not.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181. Pustejovsky and Tipton (2018), DOI 10.1080/07350015.2016.1247004: eq. 5 and 6 (CR2),
    11 (degrees of freedom), 15 to 17 (HTZ). Checked against R clubSandwich 0.5.8 and fixest 0.14.2.
    """

    coefficients: np.ndarray
    gram: np.ndarray
    score: np.ndarray
    n_rows: int
    n_parameters: int = 0
    plain_gram: np.ndarray | None = None
    squared_gram: np.ndarray | None = None
    plain_score: np.ndarray | None = None
    _root: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        g, k = self.score.shape
        extra = [self.plain_gram, self.squared_gram, self.plain_score]
        shapes = [(g, k, k), (g, k, k), (g, k)]
        if any(part is None for part in extra) != all(part is None for part in extra):
            raise EstimationError("`plain_gram`, `squared_gram` and `plain_score` go together: give all of them or none.")
        fits = self.gram.shape == (g, k, k) and self.coefficients.shape == (k,)
        if not fits or any(part is not None and part.shape != shape for part, shape in zip(extra, shapes, strict=True)):
            raise EstimationError(f"Sums of {g:,} clusters and {k} coefficients must have shapes (clusters, {k}, {k}) and (clusters, {k}): "
                                  "some have others. Mend the sums.")
        if g < 2:
            raise EstimationError("A cluster-robust error needs two clusters or more: there is one. Cluster on something finer.")
        object.__setattr__(self, "_root", _root_of_inverse(self.gram.sum(axis=0)))

    @classmethod
    def from_rows(cls, x: np.ndarray, y: np.ndarray, clusters: np.ndarray, *, weights: np.ndarray | None = None, working: Working = "identity",
                  n_parameters: int = 0) -> ClusteredRegression:
        """Fit `y` on `x` and add up by cluster.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            With its constant, if there is to be one.
        y : ndarray, shape (n,)
            The outcome, or the residuals of a fit made elsewhere (the coefficients are then 0, and every error is that of the fit).
        clusters : ndarray of int, shape (n,)
        weights : ndarray, shape (n,), optional
            >= 0; rows of weight 0 are no rows.
        working : 'identity' or 'inverse_variance'
            Working model of CR2 and of the degrees of freedom: errors of equal variance, or with variances inverse to the weights.

        Raises
        ------
        PlanError, EstimationError
        """
        if working not in ("identity", "inverse_variance"):
            raise PlanError(f"`working` must be identity or inverse_variance: it is {working!r}.")
        w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
        if not np.isfinite(w).all() or (w < 0).any() or not np.isfinite(x).all() or not np.isfinite(y).all():
            raise EstimationError("Rows of a clustered regression must be finite and their weights 0 or more: some are not. Leave them out first.")
        used = w > 0
        x, y, w, code = np.asarray(x, dtype=float)[used], np.asarray(y, dtype=float)[used], w[used], np.unique(clusters[used], return_inverse=True)[1]
        gram = _grams(code, x, w)
        root = _root_of_inverse(gram.sum(axis=0))
        coefficients = root @ (root.T @ (x.T @ (w * y)))
        coefficients += root @ (root.T @ (x.T @ (w * (y - x @ coefficients))))          # one step of refinement
        e = y - x @ coefficients
        rest = {}
        if weights is not None and working == "identity":
            rest = {"plain_gram": _grams(code, x, np.ones(len(w))), "squared_gram": _grams(code, x, w**2), "plain_score": _sums(code, x * e[:, None])}
        return cls(coefficients=coefficients, gram=gram, score=_sums(code, x * (w * e)[:, None]), n_rows=len(y), n_parameters=n_parameters, **rest)

    @classmethod
    def from_blocks(cls, sums: BlockSums, means: np.ndarray) -> ClusteredRegression:
        """The regression on a dummy for every block (an arm of a cell) from sums by cluster and block, for CR3 and the wild bootstrap.

        Parameters
        ----------
        sums : BlockSums
        means : ndarray, shape (n_blocks,)
            Weighted mean of each block. All blocks need weight.
        """
        def diagonal(values: np.ndarray) -> np.ndarray:
            return values[:, :, None] * np.eye(values.shape[1])
        return cls(coefficients=means, gram=diagonal(sums.weight), score=sums.weighted, n_rows=int(round(sums.count.sum())),
                   plain_gram=diagonal(sums.count), squared_gram=diagonal(sums.squares), plain_score=sums.residual)

    @property
    def n_clusters(self) -> int:
        return len(self.score)

    @cached_property
    def bread(self) -> np.ndarray:
        """M = (X'WX)^-1, shape (k, k)."""
        return self._root @ self._root.T

    def covariance(self, kind: Kind = "CR2") -> np.ndarray:
        """Covariance of the coefficients, shape (k, k)."""
        scores = self._blocks.scores(self._adjustment(kind)) @ self._root.T
        return self._factor(kind) * scores.T @ scores

    def degrees_of_freedom(self, contrast: np.ndarray, kind: Kind = "CR2") -> float:
        """Satterthwaite's degrees of freedom of one contrast's variance under the working model; NaN where it has no variance.

        (sum of p_g'p_g)^2 / sum of (p_g'p_h)^2 over clusters g and h, where p_g'e is cluster g's part of the contrast.
        """
        products = self._products(np.atleast_2d(contrast), kind)
        spread = products.pair(0, 0, 0, 0)
        return float(products.trace()[0, 0] ** 2 / spread) if spread > 0 else float("nan")

    def test(self, contrast: np.ndarray, *, kind: Kind = "CR2", null: float = 0.0, level: float = 0.95) -> ContrastTest:
        """One contrast of the coefficients, shape (k,), with its t interval and test of `null`."""
        c = np.asarray(contrast, dtype=float)
        std_error = float(np.sqrt(max(c @ self.covariance(kind) @ c, 0.0)))
        df = self.degrees_of_freedom(c, kind) if kind in ("CR2", "CR3") else float(self.n_clusters - 1)
        estimate, nan = float(c @ self.coefficients), float("nan")
        if not (std_error > 0 and df > 0):
            return ContrastTest(estimate=estimate, std_error=nan, df=df, statistic=nan, p_value=nan, lower=nan, upper=nan, kind=kind)
        t, half = (estimate - null) / std_error, float(stdtrit(df, 0.5 + level / 2)) * std_error
        return ContrastTest(estimate=estimate, std_error=std_error, df=df, statistic=t, p_value=float(2 * stdtr(df, -abs(t))),
                            lower=estimate - half, upper=estimate + half, kind=kind)

    def joint_test(self, contrasts: np.ndarray, *, kind: Kind = "CR2", null: np.ndarray | float = 0.0) -> JointTest:
        """Several contrasts, shape (q, k), tested together by the approximate Hotelling test (HTZ).

        Notes
        -----
        Q the Wald statistic, eta = q (q + 1) / sum of Var(d_st) over the entries of the covariance standardised to the identity under the working
        model: F = (eta - q + 1) / (eta q) Q on q and eta - q + 1 degrees of freedom (Pustejovsky and Tipton 2018, eq. 15 to 17).
        """
        c = np.atleast_2d(np.asarray(contrasts, dtype=float))
        q = len(c)
        gap = c @ self.coefficients - null
        v = c @ self.covariance(kind) @ c.T
        omega = self._products(c, kind).trace()
        values, vectors = np.linalg.eigh(omega)
        if values[0] <= COLLINEAR * values[-1]:
            raise EstimationError(f"A joint test of {q} contrasts needs contrasts that are not combinations of each other: they are. Leave some out.")
        products = self._products((vectors / np.sqrt(values)) @ vectors.T @ c, kind)
        spread = sum(products.pair(s, s, t, t) + products.pair(s, t, t, s) for s in range(q) for t in range(q))
        eta = q * (q + 1) / spread
        if eta <= q - 1 or np.linalg.matrix_rank(v, hermitian=True) < q:
            return JointTest(f=float("nan"), df1=q, df2=float(eta - q + 1), p_value=float("nan"))
        f = float((eta - q + 1) / (eta * q) * (gap @ np.linalg.solve(v, gap)))
        return JointTest(f=f, df1=q, df2=float(eta - q + 1), p_value=float(fdtrc(q, eta - q + 1, f)))

    def _factor(self, kind: Kind) -> float:
        g, n, k = self.n_clusters, self.n_rows, len(self.coefficients) + self.n_parameters
        if kind == "CR1S" and n <= k:
            raise EstimationError("CR1S needs more rows than parameters: there are not. Use CR2.")
        return {"CR1": g / (g - 1), "CR1S": g / (g - 1) * (n - 1) / max(n - k, 1)}.get(kind, 1.0)

    @cached_property
    def _blocks(self) -> _Blocks:
        t, k = self._root, len(self.coefficients)
        gram, score = t.T @ self.gram @ t, self.score @ t
        if self.plain_gram is None:
            return _Blocks(gram, score, np.eye(k), 1.0, k)
        plain, squared = t.T @ self.plain_gram @ t, t.T @ self.squared_gram @ t
        scale = float(np.sqrt(np.trace(squared.sum(axis=0)) / np.trace(plain.sum(axis=0))))     # a typical weight: both halves of U of one size
        whole = np.block([[scale * plain, gram], [gram, squared / scale]])
        middle = np.block([[-squared.sum(axis=0) / scale, np.eye(k)], [np.eye(k), np.zeros((k, k))]])
        scores = np.concatenate([np.sqrt(scale) * (self.plain_score @ t), score / np.sqrt(scale)], axis=1)
        return _Blocks(whole, scores, middle, np.sqrt(scale), k)

    def _adjustment(self, kind: Kind) -> np.ndarray:
        if kind not in KINDS:
            raise PlanError(f"A cluster-robust error must be one of {', '.join(KINDS)}: it is {kind!r}. Mend the call.")
        if kind == "CR2":
            return self._blocks.inverse_square_root()
        k = len(self.coefficients)
        inner = np.broadcast_to(np.eye(k), self.gram.shape)
        if kind == "CR3":
            inner = _function_of(np.eye(k) - self._root.T @ self.gram @ self._root, -1.0)
        return self._blocks.of_weighted(inner)

    def _products(self, contrasts: np.ndarray, kind: Kind) -> _Products:
        along = self._adjustment(kind) @ (np.asarray(contrasts, dtype=float) @ self._root).T
        reach = self._blocks.gram @ along
        return _Products(np.swapaxes(along, -1, -2) @ reach, reach, self._blocks.middle)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """U = (X, WX), or X alone, of every cluster in coordinates in which X'WX is the identity; (I-H)(I-H)' = I - U Q U'."""

    gram: np.ndarray           # (n_clusters, m, m): U'U
    score: np.ndarray          # (n_clusters, m): U'e
    middle: np.ndarray         # (m, m): Q
    scale: float               # WX is this times the last k columns of U
    k: int

    def scores(self, adjustment: np.ndarray) -> np.ndarray:
        """(A W X)'e of every cluster; `adjustment` E, shape (n_clusters, m, k), with A W X = U E."""
        return np.einsum("gmk,gm->gk", adjustment, self.score)

    def of_weighted(self, inner: np.ndarray) -> np.ndarray:
        """E of A W X = W X `inner`."""
        above = np.zeros((len(inner), self.gram.shape[-1] - self.k, self.k))
        return np.concatenate([above, self.scale * inner], axis=1)

    def inverse_square_root(self) -> np.ndarray:
        """E of A = (I - U Q U')^(-1/2). With U = P R, P orthonormal: A U = P (I - R Q R')^(-1/2) R, and P = U R^+."""
        size, direction = np.linalg.eigh(self.gram)
        root = np.where(size > NO_DIRECTION * size[:, -1:], np.sqrt(np.maximum(size, 0.0)), 0.0)
        r = root[:, :, None] * np.swapaxes(direction, -1, -2)
        undo = direction * np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)[:, None, :]
        inner = _function_of(np.eye(root.shape[-1]) - r @ self.middle @ np.swapaxes(r, -1, -2), -0.5)
        return self.scale * undo @ inner @ r[:, :, -self.k:]


@dataclass(frozen=True, slots=True)
class _Products:
    """p_sg'p_th for contrasts s, t and clusters g, h: `own` where g = h, less z_sg'Q z_th everywhere."""

    own: np.ndarray            # (n_clusters, q, q)
    reach: np.ndarray          # (n_clusters, m, q): z
    middle: np.ndarray         # (m, m): Q

    def trace(self) -> np.ndarray:
        """Sum over clusters with g = h, shape (q, q)."""
        return self.own.sum(axis=0) - np.einsum("gms,mn,gnt->st", self.reach, self.middle, self.reach)

    def pair(self, a: int, b: int, c: int, d: int) -> float:
        """Sum over clusters g, h of (p_ag'p_bh) (p_cg'p_dh)."""
        one, two = self.own[:, a, b], self.own[:, c, d]
        z = np.moveaxis(self.reach, -1, 0)
        low_one, low_two = (np.einsum("gm,mn,gn->g", z[i], self.middle, z[j]) for i, j in ((a, b), (c, d)))
        far = np.sum((self.middle @ (z[b].T @ z[d]) @ self.middle) * (z[a].T @ z[c]))
        return float(one @ two - one @ low_two - two @ low_one + far)


def _function_of(matrices: np.ndarray, power: float) -> np.ndarray:
    """A power of symmetric matrices, 0 on directions whose eigenvalue is none."""
    values, vectors = np.linalg.eigh(matrices)
    kept = values > SINGULAR
    powered = np.where(kept, np.where(kept, values, 1.0) ** power, 0.0)
    return (vectors * powered[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def _root_of_inverse(gram: np.ndarray) -> np.ndarray:
    """T with T T' the inverse of X'WX."""
    scale = np.sqrt(np.diagonal(gram))
    if not (scale > 0).all():
        raise EstimationError("Every column of a clustered regression must vary: one is zero throughout. Leave it out.")
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    if values[0] <= COLLINEAR * values[-1]:
        raise EstimationError("Columns of a clustered regression must not be combinations of each other: some are. Leave one of them out.")
    return (vectors / np.sqrt(values)) / scale[:, None]


def _sums(code: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of rows by cluster, shape (n_clusters, k)."""
    n = int(code.max()) + 1
    return np.column_stack([np.bincount(code, weights=column, minlength=n) for column in values.T])


def _grams(code: np.ndarray, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X'WX by cluster; one pass over the rows for each pair of columns."""
    k, n = x.shape[1], int(code.max()) + 1
    out = np.empty((n, k, k))
    for i in range(k):
        weighted = weights * x[:, i]
        for j in range(i + 1):
            out[:, i, j] = out[:, j, i] = np.bincount(code, weights=weighted * x[:, j], minlength=n)
    return out
