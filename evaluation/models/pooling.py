"""Several councils' effects together: their mean, how much they differ beyond sampling noise, and what a new council may expect.

Arrays in, arrays out. Each council's own effect shrunk towards the mean is in `shrinkage.py`; councils' effects and their covariance from an
`Effects` are in `council_effects.py`. The programme's effect is neither: it is the ATT weighted by matched treated families (`inference.overall`).
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import chdtrc, chdtri, fdtrc, ndtri, stdtrit

from evaluation.errors import EstimationError, PlanError

BetweenVariance = Literal["reml", "dersimonian_laird"]
Guard = Literal["none", "at_least_wald", "at_least_fixed"]
NO_SPREAD = 1e-12              # a variance below this share of the largest is rounding, not sampling
SYMMETRIC = 1e-9               # relative gap allowed between a covariance and its transpose
ONE_COUNCIL = "fewer than two councils with a standard error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Whether councils' true effects differ, tested.

    Attributes
    ----------
    statistic, df1, df2, p_value : float
        Q on df1 degrees of freedom (df2 is inf), or F on df1 and df2; NaN where there are too few councils.
    method : str
        Which test, in words.
    """

    statistic: float
    df1: float
    df2: float
    p_value: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEffects:
    """The random-effects mean of councils' effects and the spread of the true effects around it.

    Attributes
    ----------
    mean, std_error, lower, upper : float
        What councils' estimates are shrunk towards: every council counts nearly alike where `tau2` is large, whatever its families. It isn't the
        programme's effect. NaN interval where there is a `reason`.
    df : float
        Degrees of freedom of t behind `lower` and `upper`.
    tau2, tau2_lower, tau2_upper : float
        Variance of true effects between councils, and its Q-profile interval; 0 to 0 where councils scatter less than noise nearly always would.
    q, q_df, q_p_value : float
        Cochran's Q (generalised to a full covariance) and its chi-squared test.
    i2, noise_share : float
        Share of the estimates' variance that is between true effects, and 1 less it.
    prediction_lower, prediction_upper : float
        Interval for the true effect of a new council of the same kind.
    n_councils : int
    reasons : tuple of str, one per council given
        '' or why a council is left out.
    method : str
    reason : str
        Why there is no interval; '' otherwise.
    level : float
    """

    mean: float
    std_error: float
    lower: float
    upper: float
    df: float
    tau2: float
    tau2_lower: float
    tau2_upper: float
    q: float
    q_df: float
    q_p_value: float
    i2: float
    noise_share: float
    prediction_lower: float
    prediction_upper: float
    n_councils: int
    reasons: tuple[str, ...]
    method: str
    reason: str = ""
    level: float = 0.95

    def predict(self, std_error: float = 0.0) -> tuple[float, float]:
        """Interval for a new council: for its true effect, or for the estimate it would get with a standard error of its own."""
        half = _t(self.df, self.level) * math.sqrt(self.std_error**2 + self.tau2 + std_error**2)
        return self.mean - half, self.mean + half


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut:
    """The random-effects mean without each council in turn.

    Attributes
    ----------
    mean, std_error, lower, upper, tau2 : ndarray, shape (n_councils,)
        NaN for a council that is left out anyway, and where fewer than two councils remain.
    """

    mean: np.ndarray
    std_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    tau2: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Councils that can be pooled.

    Attributes
    ----------
    theta : ndarray, shape (n_usable,)
    covariance : ndarray, shape (n_usable, n_usable)
    keep : ndarray of bool, shape (n_councils,)
    reasons : tuple of str, one per council
    """

    theta: np.ndarray
    covariance: np.ndarray
    keep: np.ndarray
    reasons: tuple[str, ...] = field(default=())


def random_effects(theta: np.ndarray, covariance: np.ndarray, *, between: BetweenVariance = "reml", guard: Guard = "at_least_wald",
                   level: float = 0.95) -> RandomEffects:
    """The random-effects mean of councils' effects, with heterogeneity and a prediction interval.

    For shrinkage and for the question what councils like these may expect; the programme's effect is the ATT weighted by matched treated families.

    Parameters
    ----------
    theta : ndarray, shape (n_councils,)
        Councils' effects; NaN is left out with a reason.
    covariance : ndarray, shape (n_councils, n_councils) or (n_councils,)
        Their sampling covariance; a vector holds variances of independent estimates. Shared comparison families make estimates dependent.
    between : 'reml' or 'dersimonian_laird'
        How the variance between true effects is found.
    guard : 'at_least_wald', 'at_least_fixed' or 'none'
        The Hartung-Knapp interval is narrow where councils agree by chance. 'at_least_wald' never takes a scale factor below 1; 'at_least_fixed'
        keeps the interval at least as wide as the fixed-effect one; 'none' is the plain one.

    Raises
    ------
    PlanError
        An option is not one of those above.
    EstimationError
        The covariance is not symmetric, not positive definite, or of the wrong shape.

    Notes
    -----
    theta ~ N(mu, V + tau2 I). In the C - 1 directions in which K V K' is diagonal (K orthonormal contrasts, d its eigenvalues, z the contrasts of
    theta) the restricted likelihood is that of independent z_i ~ N(0, d_i + tau2), and Q(tau2) = sum z_i^2 / (d_i + tau2). REML takes the global
    maximum over tau2 >= 0; DerSimonian-Laird is (Q(0) - C + 1) / sum(1 / d_i), at least 0. The interval of tau2 inverts Q(tau2) ~ chi-squared(C - 1).
    The mean's variance is Q(tau2) / (C - 1) times that of generalised least squares, on C - 1 degrees of freedom, as is the prediction interval.
    I2 = tau2 / (tau2 + v), v = (C - 1) / sum(1 / d_i).

    References
    ----------
    Viechtbauer (2005), DOI 10.3102/10769986030003261 (REML); DerSimonian and Laird (1986), DOI 10.1016/0197-2456(86)90046-2; Hartung and Knapp
    (2001), DOI 10.1002/sim.791; Roever, Knapp and Friede (2015), DOI 10.1186/s12874-015-0091-1 (guard); Viechtbauer (2007), DOI 10.1002/sim.2514
    (Q-profile); Higgins and Thompson (2002), DOI 10.1002/sim.1186 (I2). Checked against R metafor 3.8-1, `rma` and `rma.mv`.

    Examples
    --------
    >>> found = random_effects(np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 1.0]))
    >>> round(found.mean, 6), round(found.tau2, 6), round(found.i2, 4)
    (3.0, 6.0, 0.8571)
    """
    _check(between, guard, level)
    used = usable(theta, covariance)
    if len(used.theta) < 2:
        return _alone(used, level)
    z, d = contrasts(used.theta, used.covariance)
    tau2 = reml(z, d) if between == "reml" else dersimonian_laird(z, d)
    mean, variance = generalised_mean(used.theta, used.covariance, tau2)
    df = float(len(z))
    factor = float((z**2 / (d + tau2)).sum()) / df
    std_error = math.sqrt(variance * _guarded(factor, guard, variance, used.covariance, df, level))
    half, reach = (_t(df, level) * math.sqrt(std_error**2 + extra) for extra in (0.0, tau2))
    lower, upper = q_profile(z, d, level=level)
    q, i2 = float((z**2 / d).sum()), tau2 / (tau2 + df / float((1 / d).sum()))
    return RandomEffects(mean=mean, std_error=std_error, lower=mean - half, upper=mean + half, df=df, tau2=tau2, tau2_lower=lower, tau2_upper=upper,
                         q=q, q_df=df, q_p_value=float(chdtrc(df, q)), i2=i2, noise_share=1 - i2, prediction_lower=mean - reach,
                         prediction_upper=mean + reach, n_councils=len(used.theta), reasons=used.reasons, level=level,
                         method=f"random effects ({'REML' if between == 'reml' else 'DerSimonian-Laird'}), Hartung-Knapp interval")


def heterogeneity(theta: np.ndarray, covariance: np.ndarray, *, df: np.ndarray | float = math.inf) -> Heterogeneity:
    """Test that councils' true effects are all the same.

    Parameters
    ----------
    theta, covariance
        As in `random_effects`.
    df : float or ndarray, shape (n_councils,)
        Degrees of freedom of the standard errors. inf: Cochran's Q. A number, for a covariance from that many clusters less 1: Hotelling's F. One per
        council, for independent estimates: Welch's F, without which small councils' Q rejects too often.

    Notes
    -----
    Simulated size at 5% with 18 to 60 councils of 5 to 200 families that do not differ: Q with each council's own variance 15 to 23%, Q with small
    councils' variances pooled (`council_effects.pool_small_variances`) 10 to 12%, Welch's F with own variances 7 to 10%.

    References
    ----------
    Welch (1951), DOI 10.1093/biomet/38.3-4.330 (checked against R `oneway.test`); Cochran (1954), DOI 10.2307/3001666.
    """
    used = usable(theta, covariance)
    k = len(used.theta) - 1
    if k < 1:
        return Heterogeneity(statistic=math.nan, df1=math.nan, df2=math.nan, p_value=math.nan, method=ONE_COUNCIL)
    z, d = contrasts(used.theta, used.covariance)
    q = float((z**2 / d).sum())
    if np.ndim(df):
        return _welch(q, used.covariance, np.asarray(df, dtype=float)[used.keep])
    if math.isinf(df):
        return Heterogeneity(statistic=q, df1=float(k), df2=math.inf, p_value=float(chdtrc(k, q)), method="Cochran's Q")
    df2 = df - k + 1
    if df2 < 1:
        return Heterogeneity(statistic=math.nan, df1=float(k), df2=math.nan, p_value=math.nan, method="too few clusters to compare all councils")
    f = q * df2 / (k * df)
    return Heterogeneity(statistic=f, df1=float(k), df2=float(df2), p_value=float(fdtrc(k, df2, f)), method="Hotelling's F")


def leave_one_out(theta: np.ndarray, covariance: np.ndarray, *, between: BetweenVariance = "reml", guard: Guard = "at_least_wald",
                  level: float = 0.95) -> LeaveOneOut:
    """The random-effects mean without each council in turn: whether one council makes the mean. Parameters as in `random_effects`."""
    keep = usable(theta, covariance).keep
    v = _matrix(covariance, len(keep))
    out = {name: np.full(len(keep), np.nan) for name in LeaveOneOut.__slots__}
    for council in np.flatnonzero(keep):
        others = keep & (np.arange(len(keep)) != council)
        if others.sum() > 1:
            found = random_effects(np.asarray(theta)[others], v[np.ix_(others, others)], between=between, guard=guard, level=level)
            for name, values in out.items():
                values[council] = getattr(found, name)
    return LeaveOneOut(**out)


def usable(theta: np.ndarray, covariance: np.ndarray) -> Usable:
    """The councils that have an effect and a standard error, and for the others the reason.

    Raises
    ------
    EstimationError
        The covariance is of the wrong shape, not symmetric, or not positive definite among the councils that remain.
    """
    theta = np.asarray(theta, dtype=float)
    v = _matrix(covariance, len(theta))
    variance = np.diag(v)
    floor = NO_SPREAD * np.nanmax(np.where(np.isfinite(variance), variance, 0.0), initial=0.0)
    reasons = tuple("no estimate" if not math.isfinite(t) else "no standard error" if not math.isfinite(s) else
                    "a standard error of zero is no measure of uncertainty" if s <= floor else "" for t, s in zip(theta, variance, strict=True))
    keep = np.array([reason == "" for reason in reasons], dtype=bool)
    part = v[np.ix_(keep, keep)]
    if not np.isfinite(part).all() or not np.allclose(part, part.T, rtol=SYMMETRIC, atol=SYMMETRIC * floor / NO_SPREAD):
        raise EstimationError("Covariances of councils' effects must be finite and symmetric: they are not. Mend them, or pass variances alone.")
    if keep.any() and np.linalg.eigvalsh(part)[0] <= floor:
        raise EstimationError(f"The covariance of {keep.sum()} councils' effects is not positive definite: fewer clusters than councils, or two "
                              "councils with the same families. Pass variances alone, or cluster on something finer.")
    return Usable(theta=theta[keep], covariance=part, keep=keep, reasons=reasons)


def contrasts(theta: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Contrasts of councils' effects in the directions in which they are independent, and their sampling variances; shape (n_councils - 1,) each."""
    from scipy.linalg import helmert
    basis = helmert(len(theta))
    d, vectors = np.linalg.eigh(basis @ covariance @ basis.T)
    return vectors.T @ (basis @ theta), d


def reml(z: np.ndarray, d: np.ndarray) -> float:
    """Variance between councils at the global maximum of the restricted likelihood; contrasts and variances as from `contrasts`."""
    from scipy.optimize import brentq
    top = float((z**2 - d).max())                              # beyond it every term of the likelihood falls
    if top <= 0:
        return 0.0
    grid = np.concatenate([[0.0], np.geomspace(1e-8, 1.0, 200) * top])
    total = d + grid[:, None]
    deviance = (np.log(total) + z**2 / total).sum(axis=1)
    best = int(deviance.argmin())
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]

    def slope(tau2: float) -> float:
        return float((1 / (d + tau2) - (z / (d + tau2)) ** 2).sum())

    if slope(low) >= 0:
        return 0.0
    return float(brentq(slope, low, high, xtol=1e-15 * top, rtol=1e-14)) if slope(high) > 0 else top


def dersimonian_laird(z: np.ndarray, d: np.ndarray) -> float:
    """Variance between councils by the method of moments, at least 0."""
    return max(0.0, float((z**2 / d).sum() - len(z)) / float((1 / d).sum()))


def q_profile(z: np.ndarray, d: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of the variance between councils: the values that Cochran's Q does not reject; (0, 0) where it rejects all from below."""
    from scipy.optimize import brentq

    def q(tau2: float) -> float:
        return float((z**2 / (d + tau2)).sum())

    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):             # chdtri takes the upper tail: the lower end goes with the larger quantile
        wanted = float(chdtri(len(z), tail))
        high = float((z**2).sum()) / wanted
        ends.append(0.0 if q(0.0) <= wanted else float(brentq(lambda t, at=wanted: q(t) - at, 0.0, high, xtol=1e-15 * high, rtol=1e-14)))
    return ends[0], ends[1]


def generalised_mean(theta: np.ndarray, covariance: np.ndarray, tau2: float) -> tuple[float, float]:
    """Generalised least squares mean and its variance, given the variance between councils."""
    one = np.ones(len(theta))
    weight = np.linalg.solve(covariance + tau2 * np.eye(len(theta)), one)
    return float(weight @ theta / weight.sum()), float(1 / weight.sum())


def _guarded(factor: float, guard: Guard, variance: float, covariance: np.ndarray, df: float, level: float) -> float:
    """The Hartung-Knapp scale of the mean's variance, not below what the guard asks."""
    if guard == "none":
        return factor
    if guard == "at_least_wald":
        return max(factor, 1.0)
    fixed = generalised_mean(np.zeros(len(covariance)), covariance, 0.0)[1] * float(ndtri(0.5 + level / 2)) ** 2
    return max(factor, fixed / (variance * _t(df, level) ** 2))


def _welch(q: float, covariance: np.ndarray, df: np.ndarray) -> Heterogeneity:
    if np.count_nonzero(covariance - np.diag(np.diag(covariance))):
        raise EstimationError("Welch's test needs independent councils: their estimates share families. Pass one number for `df`.")
    k = len(df)
    share = 1 / np.diag(covariance)
    share = share / share.sum()
    lack = float(((1 - share) ** 2 / df).sum())
    f = q / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    df2 = (k**2 - 1) / (3 * lack)
    return Heterogeneity(statistic=f, df1=float(k - 1), df2=df2, p_value=float(fdtrc(k - 1, df2, f)), method="Welch's F")


def _alone(used: Usable, level: float) -> RandomEffects:
    names = ("std_error", "lower", "upper", "df", "tau2", "tau2_lower", "tau2_upper", "q", "q_df", "q_p_value", "i2", "noise_share",
             "prediction_lower", "prediction_upper")
    return RandomEffects(mean=float(used.theta[0]) if len(used.theta) else math.nan, **dict.fromkeys(names, math.nan), n_councils=len(used.theta),
                         reasons=used.reasons, method="none", reason=ONE_COUNCIL, level=level)


def _matrix(covariance: np.ndarray, n: int) -> np.ndarray:
    v = np.asarray(covariance, dtype=float)
    v = np.diag(v) if v.ndim == 1 else v
    if v.shape != (n, n):
        raise EstimationError(f"{n} councils' effects need {n} variances or a {n} x {n} covariance: its shape is {v.shape}.")
    return v


def _t(df: float, level: float) -> float:
    return float(stdtrit(df, 0.5 + level / 2))


def _check(between: str, guard: str, level: float) -> None:
    if between not in ("reml", "dersimonian_laird"):
        raise PlanError(f"`between` must be reml or dersimonian_laird: it is {between!r}.")
    if guard not in ("none", "at_least_wald", "at_least_fixed"):
        raise PlanError(f"`guard` must be none, at_least_wald or at_least_fixed: it is {guard!r}.")
    if not 0 < level < 1:
        raise PlanError(f"`level` must lie between 0 and 1: it is {level}.")
