"""Effects after matching on one outcome of a plain table: a weighted difference, and means predicted with and without the programme.

The outcomes of a panel are the business of `matched_did.py`; the matching estimator with bias correction is in `abadie_imbens.py`.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.match import Match
from evaluation.models.effects import Estimate
from evaluation.models.matched_outcome import Cluster, MatchedOutcome, Missing, refuse
from evaluation.models.outcome_model import COLLINEAR, Form, OutcomeModel, fit_outcome_model, independent_columns

Slopes = Literal["common", "by_arm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedDifference:
    """Average effect as the coefficient of treatment in a weighted regression of the outcome; the weighted difference in means without covariates.

    The estimand is that of the match, among those it kept. Assumes that matched rows with the same covariates would have had the same outcome on
    average without the programme.

    Attributes
    ----------
    covariates : tuple of str
        Columns that enter the regression, whether or not they were matched on. Text becomes indicators; columns that determine each other are left
        out, and the result's `method` names them.
    slopes : 'common' or 'by_arm'
        Whether covariates have one slope, or one each among the treated and the others. By arm they are centred on those the estimand is about, so
        that the coefficient is their average effect.
    cluster : 'auto', 'set', 'unit' or 'unit_and_set'
        What errors are clustered on. 'auto': the matched set where sets are pairs and no unit is in two; unit and set, two-way, where a unit serves
        several; the unit where sets are strata or everyone is weighted (heteroskedasticity-robust errors, HC1).
    missing : 'refuse' or 'complete_sets'
        Whether a matched row without a known outcome or covariate stops the estimate, or takes its whole set out.

    Notes
    -----
    Weights are the match's, with mean 1 on each side, times sampling weights. Where units serve several sets the rows are memberships, each with its
    raw weight in the set. Variance: (n - 1) / (n - k) times, for each way of clustering, G / (G - 1) times the sum over clusters of squared sums
    of influence, with n rows, k coefficients and G clusters; two-way it is set + unit - both, or the larger of the two where that is not positive.
    The interval is from t with G - 1 degrees of freedom, the smaller G of two. Weights count as fixed: with estimated weights (inverse probability,
    entropy balancing) errors are usually too large for the effect on the treated.
    An error of zero, a single cluster or a single treated cluster gives NaN and a reason.
    With replacement, two-way errors of a difference without covariates tend to be too large, those of sets alone are too small (simulated:
    `tests/models/test_plain_outcome.py`); `AbadieImbens` is near.

    References
    ----------
    Abadie and Spiess (2022), DOI 10.1080/01621459.2020.1840383 (errors after matching without replacement).
    Cameron, Gelbach and Miller (2011), DOI 10.1198/jbes.2010.07136 (two-way clusters).
    Checked against R: MatchIt 4.7.2 with lm and sandwich 3.0-2, `vcovCL(type = "HC1")`.

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.matching import NearestNeighbour
    >>> from evaluation.matching.candidates import Candidates
    >>> ages, joined = np.tile([30.0, 40.0, 50.0, 60.0], 5), np.repeat([True, False], [8, 12])
    >>> table = pd.DataFrame({"joined": joined, "age": ages, "days": ages / 10 + 2 * joined + np.tile([0.0, 0.5, 1.0, 1.5, 2.0], 4)})
    >>> match = NearestNeighbour(covariates=("age",), ratio=1, replacement=False).match(Candidates.of_table(table, treated="joined"))
    >>> found = WeightedDifference().fit(match, "days")
    >>> found.clusters, found.n_clusters, round(found.estimate, 2)
    ('matched sets', 8, 1.75)
    """

    covariates: tuple[str, ...] = ()
    slopes: Slopes = "common"
    cluster: Cluster = "auto"
    missing: Missing = "refuse"

    def __post_init__(self) -> None:
        check_options(self)

    def fit(self, match: Match, outcome: str | np.ndarray) -> Estimate:
        """The effect and its interval.

        Parameters
        ----------
        outcome : str or ndarray, shape (n_rows,)
            A column of the match's rows, or one number for each of them; NaN where not known.

        Raises
        ------
        EstimationError
            The outcome is not numbers, is the same in all matched rows, or is not known in some of them.
        CommonSupportError
            No comparison row is matched.
        PlanError
            The way of clustering does not suit the match.
        """
        data = MatchedOutcome.of(match, outcome, covariates=self.covariates, missing=self.missing)
        fitted = _Regression.of(data, form="linear", slopes=self.slopes)
        gradient = np.eye(len(fitted.model.coefficients))[1]
        return fitted.interval(float(fitted.model.coefficients[1]), gradient, self.cluster)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        if not self.covariates:
            return "difference in weighted means"
        return f"weighted regression of the outcome on {_regressors(self)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GComputation:
    """Mean outcome of those the estimand is about, predicted with and without the programme: differences and ratios of means or risks.

    A weighted regression of the outcome on treatment and covariates is fitted in the matched sample, everyone it is about is predicted twice, and
    the predictions are averaged with the match's weights: over the matched treated for the effect on the treated, the matched comparison rows for
    the effect on those, else over all matched rows. For an outcome of 0 and 1 the difference is the risk difference and the ratio the risk ratio,
    whatever the odds.

    Attributes
    ----------
    covariates, cluster, missing
        As in `WeightedDifference`.
    form : 'logit' or 'linear'
        A logit, for an outcome of 0 and 1, or least squares.
    slopes : 'by_arm' or 'common'
        Whether the treated and the others each have their own slopes.

    Notes
    -----
    Errors by the delta method from the cluster-robust covariance of the coefficients, as in `WeightedDifference`; those averaged over and the weights
    count as fixed.

    References
    ----------
    Snowden, Rose and Mortimer (2011), DOI 10.1093/aje/kwq472 (g-computation).
    Checked against R: MatchIt 4.7.2 with glm (quasibinomial) and sandwich 3.0-2.
    """

    covariates: tuple[str, ...] = ()
    form: Form = "logit"
    slopes: Slopes = "by_arm"
    cluster: Cluster = "auto"
    missing: Missing = "refuse"

    def __post_init__(self) -> None:
        check_options(self)
        refuse(self.form not in ("logit", "linear"), f"`form` must be logit or linear: it is {self.form!r}.")

    def fit(self, match: Match, outcome: str | np.ndarray) -> PredictedMeans:
        """Both means and how they compare.

        Raises
        ------
        EstimationError
            As `WeightedDifference.fit`; or, with a logit, the outcome is not 0 and 1, or covariates decide it.
        CommonSupportError, PlanError
            As `WeightedDifference.fit`.
        """
        data = MatchedOutcome.of(match, outcome, covariates=self.covariates, missing=self.missing)
        if self.form == "logit":
            _refuse_not_binary(data)
        fitted = _Regression.of(data, form=self.form, slopes=self.slopes)
        (a, da), (b, db) = fitted.mean(treated=True), fitted.mean(treated=False)
        return PredictedMeans(
            treated=a, comparison=b, difference=fitted.interval(a - b, da - db, self.cluster),
            log_ratio=fitted.interval_of_logs((a, da), (b, db), self.cluster),
            log_odds_ratio=fitted.interval_of_logs((a, da), (b, db), self.cluster, odds=True))

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        model = "logit" if self.form == "logit" else "linear regression"
        return f"mean predictions with and without the programme from a weighted {model} of the outcome on {_regressors(self)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedMeans:
    """Mean outcome of those the estimand is about with and without the programme.

    Attributes
    ----------
    treated, comparison : float
        Mean predicted if all of them, and if none of them, had the programme; a risk where the outcome is 0 and 1.
    difference : Estimate
        In the outcome's unit, or as a difference of risks.
    log_ratio, log_odds_ratio : Estimate
        Natural logarithms of the ratio of means and of the odds ratio; NaN with a reason where a mean is not above 0, or an odds not defined.
    """

    treated: float
    comparison: float
    difference: Estimate
    log_ratio: Estimate
    log_odds_ratio: Estimate

    @property
    def ratio(self) -> tuple[float, float, float]:
        """Ratio of means (of risks), and its 95% interval."""
        found = self.log_ratio
        return tuple(float(np.exp(value)) for value in (found.estimate, found.lower, found.upper))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Regression:
    """A regression of the outcome on treatment and standardised covariates."""

    data: MatchedOutcome
    model: OutcomeModel
    z: np.ndarray              # covariates, centred on the target and scaled
    slopes: Slopes
    kept: np.ndarray           # columns of the design that are no combination of those before
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, data: MatchedOutcome, *, form: Form, slopes: Slopes) -> _Regression:
        z = _standardised(data)
        whole = _design(data.treated, z, slopes)
        names = ("intercept", "treated", *data.names, *(f"treated x {name}" for name in data.names if slopes == "by_arm"))
        kept = np.append(True, independent_columns(whole[:, 1:], data.weight))
        model = fit_outcome_model(whole[:, kept], data.y, data.weight, form=form,
                                  names=[name for name, stays in zip(names, kept, strict=True) if stays])
        return cls(data=data, model=model, z=z, slopes=slopes, kept=kept,
                   left_out=tuple(name for name, stays in zip(names, kept, strict=True) if not stays))

    def mean(self, *, treated: bool) -> tuple[float, np.ndarray]:
        """Mean prediction over the target if all, or none, of it were treated; and its gradient."""
        target = self.data.target
        design = _design(np.full(target.sum(), treated), self.z[target], self.slopes)[:, self.kept]
        return self.model.mean(design, self.data.weight[target])

    def interval(self, value: float, gradient: np.ndarray, cluster: Cluster) -> Estimate:
        """A function of the coefficients with its interval by the delta method."""
        influence = self.model.influence(_design(self.data.treated, self.z, self.slopes)[:, self.kept], gradient)
        remarks = (f"{', '.join(self.left_out)} left out (constant, or a combination of others)",) if self.left_out else ()
        return self.data.interval(value, influence, len(gradient), cluster, remarks)

    def interval_of_logs(self, one: tuple[float, np.ndarray], two: tuple[float, np.ndarray], cluster: Cluster, *, odds: bool = False) -> Estimate:
        """The log of the ratio of two means, or of their odds."""
        (a, da), (b, db) = one, two
        if not min(a, b) > 0 or (odds and not max(a, b) < 1):
            return self.data.blank(float("nan"), cluster, "odds need means between 0 and 1" if odds else "a ratio needs means above 0")
        value, gradient = np.log(a / b), da / a - db / b
        if odds:
            value, gradient = value - np.log((1 - a) / (1 - b)), da / (a * (1 - a)) - db / (b * (1 - b))
        return self.interval(float(value), gradient, cluster)


def check_options(spec: WeightedDifference | GComputation) -> None:
    """Refuse options that are none, and make `covariates` a tuple."""
    refuse(isinstance(spec.covariates, str), f"`covariates` must be a list: it is the text {spec.covariates!r}.")
    object.__setattr__(spec, "covariates", tuple(spec.covariates))
    for name, known in (("slopes", Slopes), ("cluster", Cluster), ("missing", Missing)):
        refuse(getattr(spec, name) not in known.__args__, f"`{name}` must be one of {', '.join(known.__args__)}: it is {getattr(spec, name)!r}.")


def _standardised(data: MatchedOutcome) -> np.ndarray:
    """Covariates centred on the target's weighted mean, in standard deviations of all entries."""
    spread = data.x.std(axis=0)
    spread = np.where(spread > COLLINEAR * np.abs(data.x).max(axis=0, initial=0.0), spread, np.inf)      # a constant column becomes 0
    centre = np.average(data.x[data.target], axis=0, weights=data.weight[data.target])
    return (data.x - centre) / spread


def _design(treated: np.ndarray, z: np.ndarray, slopes: Slopes) -> np.ndarray:
    """Columns: an intercept, treatment, covariates, and treatment times covariates where slopes are by arm."""
    d = treated.astype(float)[:, None]
    return np.hstack([np.ones_like(d), d, z, *([d * z] if slopes == "by_arm" else [])])


def _regressors(spec: WeightedDifference | GComputation) -> str:
    """The right-hand side in words."""
    listed = "".join(f", {name}" for name in spec.covariates)
    return f"treatment{listed}{', with slopes by arm' if listed and spec.slopes == 'by_arm' else ''}"


def _refuse_not_binary(data: MatchedOutcome) -> None:
    if not np.isin(data.y, (0, 1)).all():
        raise EstimationError("A logit needs an outcome of 0 and 1: this one has other values. Code it so, or ask for form='linear'.")
    for side, words in ((data.treated, "treated"), (~data.treated, "comparison")):
        if not np.ptp(data.y[side]) > 0:
            raise EstimationError(f"A logit needs both outcomes on each side: all {int(side.sum()):,} matched {words} rows have the same. Ask for "
                                  "form='linear'.")
