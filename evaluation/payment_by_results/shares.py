"""The share of matched families who meet a framework's result, with the programme and among their matched comparison families.

Both shares come from the same matched sets, rule, time and treatment of missing records. The comparison rests on unconfoundedness given what was
matched on (the problems before joining among it), not on parallel trends: it is matching, not difference-in-differences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from evaluation.matching.sample import MatchedSample
from evaluation.models.clusters import IN_WORDS, count_clusters, covariance_of
from evaluation.models.effects import Estimate
from evaluation.models.inference import LEVEL
from evaluation.payment_by_results.fieller import Ratio, fieller
from evaluation.payment_by_results.results import Results

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One arm of matched sets: members who are followed at all.

    Attributes
    ----------
    unit, set : ndarray of int, shape (n,)
    weight : ndarray, shape (n,)
    met, followed : ndarray of int, shape (n,)
        As in `Results`.
    staying : ndarray, shape (n, claim_within), or None
        Inverse chance of not having joined by each claim; None where nobody is weighted by it.
    """

    unit: np.ndarray
    set: np.ndarray
    weight: np.ndarray
    met: np.ndarray
    followed: np.ndarray
    staying: np.ndarray | None = None

    def keep(self, rows: np.ndarray) -> Side:
        """Some of the members."""
        return Side(unit=self.unit[rows], set=self.set[rows], weight=self.weight[rows], met=self.met[rows], followed=self.followed[rows],
                    staying=None if self.staying is None else self.staying[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of both arms, their difference and ratio; shares as fractions of 1.

    Attributes
    ----------
    programme, comparison : Estimate
        Intervals on the log-odds scale, so that they stay inside 0 and 1.
    difference : Estimate
        Programme less comparison.
    ratio : Ratio
        Comparison over programme: of those who met the rule, how many would have met it anyway, were the programme to prevent none.
    fewest : int
        The smallest number of distinct families with, or without, a result on either side, as disclosure control counts them.
    joined : float
        The comparison share had every comparison family that joined counted as never meeting the rule: the lower bound for their censoring.
    n_lost : int
        Distinct comparison families that were followed for a part of the time only.
    reason : str
        Why there is no number; '' otherwise.
    """

    programme: Estimate
    comparison: Estimate
    difference: Estimate
    ratio: Ratio
    fewest: int
    joined: float
    n_lost: int
    reason: str = ""


def matched_shares(sample: MatchedSample, treated: Results, comparison: Results, *, route: str | None = None,
                   only: np.ndarray | None = None, staying: np.ndarray | None = None) -> Shares:
    """Shares of the families of matched sets who meet the result.

    Parameters
    ----------
    sample : MatchedSample
    treated, comparison : Results
        Rows in the order of the sample's treated and comparison members.
    route : str, optional
        One route taken alone; any by default.
    only : ndarray of bool, shape (n_treated,), optional
        Treated members whose sets are looked at; all by default.
    staying : ndarray, shape (n_comparison, claim_within), optional
        Inverse chance that each comparison member has not joined by each claim: what those left count.

    Notes
    -----
    Each share is 1 less the Kaplan-Meier product over quarterly claims of 1 - d / r, with d the weight of families that first meet the rule and r the
    weight of those followed and without a result so far. A family that is lost sight of leaves r, and its weight passes to those still followed in
    its arm: evenly, or with `staying` to those who were as likely to join (Robins and Finkelstein 2000; errors take these weights as known). A family
    that is followed for no time leaves its set; comparison weights then share the set's weight anew, and a set with an empty side is dropped from
    both. Errors: linearised, clustered as `errors` says, t with the clusters of the smaller arm less 1.
    """
    one, two = sides(sample, treated, comparison, route=route, only=only, staying=staying)
    if not len(one.unit) or not len(two.unit):
        return nothing("nobody in matched sets could be followed")
    values, influences = zip(*(share_met(side, treated.claim_within) for side in (one, two)), strict=True)
    fewest = min(fewest_of(side) for side in (one, two))
    covariance, df, clusters, n_clusters = errors(one, two, influences, sample.kind)
    blank = blank_estimate(one, two, clusters, n_clusters)
    joined = float((two.weight * (two.met > 0)).sum() / two.weight.sum())
    n_lost = len(np.unique(two.unit[(two.followed < comparison.claim_within) & (two.met == 0)]))
    if not np.isfinite(covariance).all():
        bare = [replace(blank, estimate=value) for value in (*values, values[0] - values[1])]
        return Shares(programme=bare[0], comparison=bare[1], difference=bare[2], ratio=fieller(values[1], values[0], covariance, NAN), fewest=fewest,
                      joined=joined, n_lost=n_lost, reason=blank.reason)
    t = float(stdtrit(df, 0.5 + LEVEL / 2))
    spread = np.sqrt(np.diag(covariance))
    gap = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    return Shares(programme=share_estimate(blank, values[0], spread[0], t, df), comparison=share_estimate(blank, values[1], spread[1], t, df),
                  difference=difference_estimate(blank, values[0] - values[1], gap, t, df),
                  ratio=fieller(values[1], values[0], covariance[::-1, ::-1], t), fewest=fewest, joined=joined, n_lost=n_lost)


def sides(sample: MatchedSample, treated: Results, comparison: Results, *, route: str | None, only: np.ndarray | None,
          staying: np.ndarray | None = None) -> tuple[Side, Side]:
    """Both arms of the sets whose families are followed, comparison weights adding up to the treated ones' in every set."""
    met, followed = zip(*((found.met, found.followed) if route is None else found.met_by[route] for found in (treated, comparison)), strict=True)
    one = Side(unit=sample.treated_unit, set=sample.treated_set, weight=sample.treated_weight, met=met[0], followed=followed[0])
    two = Side(unit=sample.comparison_unit, set=sample.comparison_set, weight=sample.comparison_weight, met=met[1], followed=followed[1],
               staying=staying)
    chosen = (one.followed > 0) & (np.ones(len(one.unit), dtype=bool) if only is None else only)
    one, two = one.keep(chosen), two.keep((two.followed > 0) & (two.weight > 0))
    totals = [np.bincount(side.set, weights=side.weight, minlength=sample.n_sets) for side in (one, two)]
    both = (totals[0] > 0) & (totals[1] > 0)
    one, two = one.keep(both[one.set]), two.keep(both[two.set])
    return one, replace(two, weight=two.weight * (totals[0] / np.where(both, totals[1], 1.0))[two.set])


def share_met(side: Side, claim_within: int) -> tuple[float, np.ndarray]:
    """The weighted share that meets the rule by the last claim, and each member's influence on it."""
    survival, slope = 1.0, np.zeros(len(side.unit))
    for step in range(1, claim_within + 1):
        at_risk = (side.followed >= step) & ((side.met == 0) | (side.met >= step))
        weight = side.weight * at_risk if side.staying is None else side.weight * at_risk * side.staying[:, step - 1]
        total, now = weight.sum(), weight * (side.met == step)
        if not total > 0 or not now.sum() > 0:
            continue
        hazard = now.sum() / total
        if hazard >= 1:
            return 1.0, np.zeros(len(side.unit))
        slope += (now - weight * hazard) / (total * (1 - hazard))
        survival *= 1 - hazard
    return float(1 - survival), survival * slope


def fewest_of(side: Side) -> int:
    """Distinct families with a result, or without, whichever is fewer."""
    counts = [len(np.unique(side.unit[chosen])) for chosen in (side.met > 0, side.met == 0)]
    return min(counts)


def errors(one: Side, two: Side, influences: tuple[np.ndarray, np.ndarray], kind: str) -> tuple[np.ndarray, float, str, int]:
    """Covariance of the two shares, degrees of freedom, what was clustered on, and how many clusters.

    Sets of pairs are clusters, and so are families where one serves in several sets; strata and weights are taken as fixed, families the clusters.
    """
    contributions = np.zeros((len(one.unit) + len(two.unit), 2))
    contributions[: len(one.unit), 0], contributions[len(one.unit) :, 1] = influences
    unit, sets = np.concatenate([one.unit, two.unit]), np.concatenate([one.set, two.set])
    names = ("unit",) if kind != "pairs" else ("unit", "set") if count_clusters(unit) < len(unit) else ("set",)
    codes = [np.unique({"unit": unit, "set": sets}[name], return_inverse=True)[1] for name in names]
    smaller = [min(count_clusters(code[: len(one.unit)]), count_clusters(code[len(one.unit) :])) for code in codes]
    n_clusters, words = min(count_clusters(code) for code in codes), " and ".join(IN_WORDS[name] for name in names)
    if min(smaller) < 2:
        return np.full((2, 2), NAN), NAN, words, n_clusters
    return covariance_of(contributions, codes), float(min(smaller) - 1), words, n_clusters


def blank_estimate(one: Side, two: Side, clusters: str, n_clusters: int) -> Estimate:
    """Counts of an estimate without its number."""
    return Estimate(estimate=NAN, std_error=NAN, lower=NAN, upper=NAN, df=NAN, p_value=NAN, n_treated=len(np.unique(one.unit)),
                    n_comparison=len(np.unique(two.unit)), clusters=clusters, n_clusters=n_clusters, method="none",
                    reason="too few matched sets for a standard error")


def share_estimate(blank: Estimate, value: float, std_error: float, t: float, df: float) -> Estimate:
    """A share with an interval that is symmetric in log odds."""
    if not (0 < value < 1 and std_error > 0):
        return replace(blank, estimate=value, reason="everybody or nobody met the rule, so there is no interval")
    logit, half = np.log(value / (1 - value)), t * std_error / (value * (1 - value))
    lower, upper = (float(1 / (1 + np.exp(-(logit + sign * half)))) for sign in (-1, 1))
    return replace(blank, estimate=value, std_error=float(std_error), lower=lower, upper=upper, df=df, method="cluster-robust, log odds", reason="")


def difference_estimate(blank: Estimate, value: float, std_error: float, t: float, df: float) -> Estimate:
    """A difference of shares with its symmetric interval."""
    if not std_error > 0:
        return replace(blank, estimate=value, reason="a standard error of zero is no measure of uncertainty")
    return replace(blank, estimate=value, std_error=std_error, lower=value - t * std_error, upper=value + t * std_error, df=df,
                   p_value=float(2 * stdtr(df, -abs(value) / std_error)), method="CR1 cluster-robust", reason="")


def nothing(reason: str) -> Shares:
    """No shares, and why."""
    none = Estimate(estimate=NAN, std_error=NAN, lower=NAN, upper=NAN, df=NAN, p_value=NAN, n_treated=0, n_comparison=0, clusters="", n_clusters=0,
                    method="none", reason=reason)
    return Shares(programme=none, comparison=none, difference=none, ratio=Ratio(value=NAN, lower=NAN, upper=NAN, reason=reason), fewest=0, joined=NAN,
                  n_lost=0, reason=reason)
