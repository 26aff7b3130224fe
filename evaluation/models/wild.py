"""Wild cluster bootstrap of one contrast of a clustered regression, from sums by cluster alone: its cost does not depend on the number of rows.

Restricted (the null imposed, WCR) or unrestricted (WCU), studentised with CR1. What is resampled is the sign (or the size) of every cluster's scores.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.models.bracket import end_of_interval
from evaluation.models.clustered import ClusteredRegression

Multiplier = Literal["auto", "rademacher", "webb"]
Residuals = Literal["restricted", "unrestricted"]
Tails = Literal["symmetric", "equal"]
ENUMERATED = 4096              # sign patterns that are all used, where there are no more
FEW = 7                        # up to so many clusters the sign patterns give too coarse a p value
TIE = 1e-9                     # relative: draws that repeat the sample's statistic to rounding count as ties
BLOCK = 1024                   # draws made at a time
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WildBootstrap:
    """How the wild cluster bootstrap is made.

    Attributes
    ----------
    residuals : 'restricted' or 'unrestricted'
        Whether the null is imposed on the scores that are resampled. Restricted is the one to report.
    multiplier : 'auto', 'rademacher' or 'webb'
        Signs, or Webb's six points. 'auto': signs, and six points up to `FEW` clusters, where 2^(clusters - 1) p values are too few.
    n_draws : int
        Draws where sign patterns are not all used; they are when there are no more than the larger of `ENUMERATED` and this.
    tails : 'symmetric' or 'equal'
        p value from |t|, or twice the smaller tail.
    level : float
        Of the interval.

    Raises
    ------
    PlanError
        An option is none of these.

    Notes
    -----
    With v_g the multiplier, s~_g the scores at the null and M = (X'WX)^-1, a draw has numerator n = c'M sum v_g s~_g and
    variance sum over g of (c'M (v_g s~_g - G_g M sum v_h s~_h))^2, times G/(G-1). Both follow from products of the matrix of multipliers with a
    handful of columns. s~ is linear in the null, so n is linear and the variance quadratic in it: the interval by inversion costs no new draws.

    References
    ----------
    Cameron, Gelbach and Miller (2008), DOI 10.1162/rest.90.3.414; Webb (2023), DOI 10.1111/caje.12661; Roodman, Nielsen, MacKinnon and Webb (2019),
    DOI 10.1177/1536867X19830877, section 5; MacKinnon (2023), DOI 10.1016/j.ecosta.2021.11.009. Checked against brute force over all sign patterns,
    R fwildclusterboot 0.13.0 (whose strict inequality leaves out the draws that repeat the sample) and wildboottest 0.3.2.
    """

    residuals: Residuals = "restricted"
    multiplier: Multiplier = "auto"
    n_draws: int = 9_999
    tails: Tails = "symmetric"
    level: float = 0.95

    def __post_init__(self) -> None:
        allowed = {"residuals": ("restricted", "unrestricted"), "multiplier": ("auto", "rademacher", "webb"), "tails": ("symmetric", "equal")}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise PlanError(f"`{name}` of the wild bootstrap must be one of {', '.join(values)}: it is {getattr(self, name)!r}. Mend the plan.")
        if not (isinstance(self.n_draws, int) and self.n_draws >= 99 and 0.5 <= self.level < 1):
            raise PlanError(f"The wild bootstrap needs 99 draws or more and a level from 0.5 to below 1: they are {self.n_draws} and {self.level}.")

    def test(self, fit: ClusteredRegression, contrast: np.ndarray, *, rng: np.random.Generator, null: float = 0.0) -> WildTest:
        """Test of `null` for a contrast of the coefficients, shape (k,), with its interval by inversion."""
        return self.sample(fit, contrast, rng=rng).test(null)

    def sample(self, fit: ClusteredRegression, contrast: np.ndarray, *, rng: np.random.Generator) -> WildSample:
        """All draws of the bootstrap, ready to test any null; the same `rng` state gives the same multipliers for any regression of as many clusters.

        Raises
        ------
        EstimationError
            The contrast has no CR1 error, or is zero.
        """
        c = np.asarray(contrast, dtype=float)
        estimate, variance = float(c @ fit.coefficients), float(c @ fit.covariance("CR1") @ c)
        if not variance > 0:
            raise EstimationError("A wild bootstrap needs a contrast with a CR1 standard error above zero: it is zero. Look at the contrast.")
        g = fit.n_clusters
        kind = ("webb" if g <= FEW else "rademacher") if self.multiplier == "auto" else self.multiplier
        enumerated = kind == "rademacher" and 2**g <= max(ENUMERATED, self.n_draws)
        blocks = sign_patterns(g) if enumerated else multipliers(kind, self.n_draws, g, rng)
        numerator, spread = _polynomials(fit, c, blocks, self.residuals)
        return WildSample(estimate=estimate, std_error=float(np.sqrt(variance)), numerator=numerator, spread=spread * (g / (g - 1)),
                          spec=self, multiplier=kind, enumerated=enumerated, n_clusters=g)


@dataclass(frozen=True, slots=True, kw_only=True)
class WildTest:
    """What the wild bootstrap found.

    Attributes
    ----------
    estimate, std_error, statistic : float
        The contrast, its CR1 error and (estimate - null) / error.
    p_value, lower, upper : float
        Of the bootstrap. A bound is infinite where no null far away is rejected.
    n_draws, n_clusters : int
    multiplier : str
        'rademacher' or 'webb'.
    enumerated : bool
        Whether all sign patterns were used: nothing is then left to chance.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    lower: float
    upper: float
    n_draws: int
    n_clusters: int
    multiplier: str
    enumerated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WildSample:
    """Draws of the bootstrap as polynomials in d = estimate - null.

    Attributes
    ----------
    numerator : ndarray, shape (n_draws, 2)
        n = n0 + n1 d.
    spread : ndarray, shape (n_draws, 3)
        Squared error v0 + v1 d + v2 d^2.
    """

    estimate: float
    std_error: float
    numerator: np.ndarray
    spread: np.ndarray
    spec: WildBootstrap
    multiplier: str
    enumerated: bool
    n_clusters: int

    def statistics(self, null: float = 0.0) -> np.ndarray:
        """Bootstrap t statistics under a null, shape (n_draws,); infinite where a draw has no spread."""
        d = self.estimate - null if self.spec.residuals == "restricted" else 0.0
        numerator = self.numerator[:, 0] + self.numerator[:, 1] * d
        spread = self.spread @ np.array([1.0, d, d * d])
        rounding = 1e-14 * (np.abs(self.spread) @ np.array([1.0, abs(d), d * d]))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > rounding, numerator / np.sqrt(np.maximum(spread, 0.0)), np.sign(numerator) * np.inf)

    def p_value(self, null: float = 0.0) -> float:
        """Share of draws at least as far out as the sample; with random draws the sample is counted as one of them."""
        t = (self.estimate - null) / self.std_error
        drawn, room = self.statistics(null), TIE * max(abs(t), 1.0)
        if self.spec.tails == "symmetric":
            return self._share(int(np.count_nonzero(np.abs(drawn) >= abs(t) - room)))
        tails = [self._share(int(np.count_nonzero(side))) for side in (drawn >= t - room, drawn <= t + room)]
        return min(1.0, 2 * min(tails))

    def test(self, null: float = 0.0) -> WildTest:
        """The test of a null, and the interval of nulls that are not rejected."""
        return WildTest(estimate=self.estimate, std_error=self.std_error, statistic=(self.estimate - null) / self.std_error,
                        p_value=self.p_value(null), lower=self._bound(-1.0), upper=self._bound(1.0), n_draws=len(self.numerator),
                        n_clusters=self.n_clusters, multiplier=self.multiplier, enumerated=self.enumerated)

    def _share(self, count: int) -> float:
        n = len(self.numerator)
        return count / n if self.enumerated else (count + 1) / (n + 1)

    def _bound(self, side: float) -> float:
        """Where the p value falls to 1 - level on one side of the estimate."""
        return end_of_interval(self.p_value, estimate=self.estimate, step=self.std_error, side=side, alpha=1 - self.spec.level,
                               widest=1e9 * self.std_error)


def sign_patterns(n_clusters: int) -> Iterator[np.ndarray]:
    """All patterns of signs, in blocks of shape (up to `BLOCK`, n_clusters)."""
    for start in range(0, 2**n_clusters, BLOCK):
        number = np.arange(start, min(start + BLOCK, 2**n_clusters))
        yield 1.0 - 2.0 * (number[:, None] >> np.arange(n_clusters) & 1)


def multipliers(kind: str, n_draws: int, n_clusters: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random signs ('rademacher'), or points of Webb's six-point distribution ('webb'), mean 0 and variance 1, in blocks."""
    for start in range(0, n_draws, BLOCK):
        shape = min(BLOCK, n_draws - start), n_clusters
        if kind == "webb":
            yield np.concatenate([WEBB, -WEBB])[rng.integers(0, 6, shape, dtype=np.uint8)]
        else:
            bits = np.unpackbits(np.frombuffer(rng.bytes(-(-shape[0] * n_clusters // 8)), dtype=np.uint8), count=shape[0] * n_clusters)
            yield 1.0 - 2.0 * bits.reshape(shape)


def _polynomials(fit: ClusteredRegression, c: np.ndarray, blocks: Iterator[np.ndarray], residuals: Residuals) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and squared errors (without G/(G-1)) of the draws, as polynomials in estimate - null.

    Scores at the null are score + push d with push_g = G_g M c / (c'M c). With m = M c, own = m'score, back_g = M G_g m: the error's terms are
    v_g (own_g + own1_g d) - back_g'(total + total1 d), squared and added up over clusters.
    """
    m = fit.bread @ c
    push = fit.gram @ m
    back = push @ fit.bread
    push = push / (c @ m) if residuals == "restricted" else np.zeros_like(push)
    own = np.column_stack([fit.score @ m, push @ m])
    k = len(c)
    columns = np.concatenate([own, fit.score, push, own[:, :1] * back, own[:, 1:] * back], axis=1)
    squares, gram = np.column_stack([own[:, 0] ** 2, 2 * own[:, 0] * own[:, 1], own[:, 1] ** 2]), back.T @ back
    numerator, spread = [], []
    for v in blocks:
        sums = v @ columns
        numerator.append(sums[:, :2])
        a, b, p, q = (sums[:, 2 + i * k:2 + (i + 1) * k] for i in range(4))
        ga, gb = a @ gram, b @ gram
        quadratic = np.column_stack([_dot(ga, a), 2 * _dot(ga, b), _dot(gb, b)])
        cross = np.column_stack([_dot(p, a), _dot(p, b) + _dot(q, a), _dot(q, b)])
        spread.append((v * v) @ squares - 2 * cross + quadratic)
    return np.concatenate(numerator), np.concatenate(spread)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)
