"""What size of effect a comparison can see: before outcomes are opened, after, and by how many families, councils or quarters.

Closed forms and the placebo before entry. Power by simulation is in `simulated_power.py`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import nctdtr, stdtrit

from evaluation.errors import PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.clusters import Assignment, Clusters, cluster_codes, cluster_names
from evaluation.models.contrasts import Base, outcome_array
from evaluation.models.effects import Effects
from evaluation.models.matched_did import MatchedDiD, MatchedLevels, check_base
from evaluation.models.summaries import Summary, average, chosen_cells
from evaluation.models.uncertainty import uncertainty_of

NORMAL = 1e12                  # t with so many degrees of freedom is the normal to all digits
ENOUGH = 0.5                   # share of the design's treated units that a placebo should have before a shorter window is tried
STAND_IN = "stand-in"
MOST_UNITS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectableBefore:
    """The minimum detectable effect of a matched design, from periods before entry only.

    Attributes
    ----------
    mde : float
        In the outcome's unit; NaN with a `reason`.
    std_error : float
        Expected standard error of the headline.
    df : float
        Degrees of freedom the headline's interval will have, by the same rule.
    n_treated : int
        Treated units of the headline's complete cohorts, if all are observed.
    n_placebo : int
        Treated units of the placebo that the variance comes from.
    shift : int
        Periods by which the placebo lies before entry, at the least.
    quarters : (int, int)
        Event times of the placebo's headline: shorter than the design's where history is short.
    covariance : ndarray, shape (n_quarters, n_quarters)
        Of the placebo's effects by event time, at the design's number of treated units; input of `needed_quarters`.
    clusters : str
    power, size : float
    reason, caution : str
        Why there is no number; what makes it rough. '' otherwise.
    """

    mde: float
    std_error: float
    df: float
    n_treated: int
    n_placebo: int
    shift: int
    quarters: tuple[int, int]
    covariance: np.ndarray
    clusters: str
    power: float
    size: float
    reason: str = ""
    caution: str = ""


def minimum_detectable_effect(std_error: float, df: float = math.inf, *, power: float = 0.8, size: float = 0.05) -> float:
    """The smallest true effect, in the outcome's unit, that a two-sided test of size `size` finds with probability `power`.

    Returns
    -------
    float
        (t of 1 - size/2, plus t of power) times the standard error, with the interval's degrees of freedom; NaN where there is no standard error.

    References
    ----------
    Bloom (1995), DOI 10.1177/0193841X9501900504.

    Examples
    --------
    >>> round(minimum_detectable_effect(1.0), 3), round(minimum_detectable_effect(1.0, df=15), 3)
    (2.802, 2.998)
    """
    if not (std_error > 0 and df > 0):
        return math.nan
    finite = min(df, NORMAL)
    return float((stdtrit(finite, 1 - size / 2) + stdtrit(finite, power)) * std_error)


def power_at(effect: np.ndarray | float, std_error: np.ndarray | float, df: np.ndarray | float = math.inf, *, size: float = 0.05) -> np.ndarray:
    """Probability that a two-sided t test finds a true effect: a power curve, over effects or over standard errors.

    Parameters
    ----------
    effect, std_error, df : float or ndarray
        Broadcast together.

    Returns
    -------
    ndarray
        By the non-central t with non-centrality effect / std_error, both tails; checked against statsmodels `TTestPower`. Bloom's minimum detectable
        effect has 80% of it to within a point from 8 degrees of freedom.

    Examples
    --------
    >>> power_at(np.array([0.0, 1.4, 2.8]), 1.0).round(2).tolist()
    [0.05, 0.29, 0.8]
    """
    finite = np.minimum(df, 1e6)
    shift = np.abs(np.asarray(effect, dtype=float)) / std_error
    critical = stdtrit(finite, 1 - size / 2)
    return np.asarray(1 - nctdtr(finite, shift, critical) + nctdtr(finite, shift, -critical))


def planned_std_error(unit_sd: float, n_treated: float, *, ratio: float = 1.0, cluster_size: float = 1.0, intracluster: float = 0.0) -> float:
    """Standard error of a difference in mean change, for planning without any data.

    Parameters
    ----------
    unit_sd : float
        Standard deviation of one unit's change from the base, in the outcome's unit.
    n_treated : float
        Treated units.
    ratio : float
        Comparison units per treated unit, each used once.
    cluster_size, intracluster : float
        Units per cluster and their intracluster correlation, where clusters are assigned: variance times 1 + (cluster_size - 1) intracluster.

    Examples
    --------
    >>> planned_std_error(2.0, 50, ratio=1.0)
    0.4
    """
    inflation = 1 + (cluster_size - 1) * intracluster
    return math.sqrt(unit_sd**2 * inflation * (1 / n_treated + 1 / (ratio * n_treated)))


def needed_units(effect: float, std_error: float, n_units: int, df: float | None = None, *, power: float = 0.8, size: float = 0.05) -> int:
    """How many treated units of dependence would make an effect detectable, other things equal.

    Parameters
    ----------
    effect : float
        To be detected, not 0; its sign does not matter.
    std_error, n_units, df
        Of the design at hand: `n_units` matched treated families, or treated councils where councils are assigned; df is n_units - 1 by default.

    Notes
    -----
    The standard error falls with the root of the number, degrees of freedom grow in proportion to it.

    Examples
    --------
    >>> needed_units(0.5, 0.4, 50)
    254
    """
    if not (effect and std_error > 0 and n_units > 1):
        raise PlanError("The number of units needed for an effect needs an effect other than 0, a standard error and two units: one is missing.")
    df = n_units - 1 if df is None else df

    def sees(n: int) -> bool:
        return minimum_detectable_effect(std_error * math.sqrt(n_units / n), df * n / n_units, power=power, size=size) <= abs(effect)

    return _first(sees, 2, MOST_UNITS)


def needed_quarters(effect: float, covariance: np.ndarray, df: float = math.inf, *, power: float = 0.8, size: float = 0.05) -> int | None:
    """How many quarters of follow-up averaged together would make an effect detectable; None if more than there are in `covariance`.

    Parameters
    ----------
    covariance : ndarray, shape (n_quarters, n_quarters)
        Of the effects by event time (`DetectableBefore.covariance`). Outcomes of one family hang together, so that more quarters help less and less.
    """
    for k in range(1, len(covariance) + 1):
        std_error = math.sqrt(max(covariance[:k, :k].mean(), 0.0))
        if minimum_detectable_effect(std_error, df, power=power, size=size) <= abs(effect):
            return k
    return None


def detectable_before(sample: MatchedSample, outcome: str, *, base: Base = -4, quarters: tuple[int, int] = (1, 4), window: tuple[int, int] = (-8, 8),
                      anticipation: int = 1, calendar: Sequence[int] = (), clusters: Clusters = "auto", assignment: Assignment = "unit",
                      sealed_from: int | None = None, power: float = 0.8, size: float = 0.05) -> DetectableBefore:
    """The smallest effect a matched design can see, before any outcome at or after entry is read.

    A placebo: every set's entry is moved back until the headline's quarters end before the anticipation, and the same effect, with the same base and
    the same clusters, is estimated there. Its variance stands for the headline's. No estimate of an effect is returned.

    Parameters
    ----------
    base, quarters, window, anticipation, calendar, clusters, assignment
        As in `MatchedDiD` and `overall`; base None is `MatchedLevels`.
    sealed_from : int, optional
        Column from which nothing is read for any unit, where a plan seals by date: later sets' placebos are moved back further.

    Notes
    -----
    Variance: that of the placebo's headline, times the Kish number of treated clusters in the placebo over that in the design, where short history
    loses early cohorts. Where less than half of the treated have the history, the placebo's quarters are cut from the end; their mean then varies
    more, so that the number errs on the cautious side. Degrees of freedom come from the design itself, fitted to a stand-in outcome. It assumes that
    sets vary after entry as before, and that all are observed.

    Raises
    ------
    PlanError
        The base or the quarters contradict the window.
    """
    _check(base, quarters, window, anticipation)
    y = outcome_array(sample.panel, outcome)
    how = {"calendar": calendar, "clusters": clusters, "assignment": assignment}
    design = _headline(_stand_in(sample, y, sealed_from), STAND_IN, _spec(base, window, anticipation, quarters[1]), quarters, **how)
    tries = [_headline(_moved(sample, y, outcome, last, anticipation, sealed_from), outcome, _spec(base, window, anticipation, last),
                       (quarters[0], last), **how) for last in range(quarters[1], quarters[0] - 1, -1)]
    known = [one for one in tries if np.isfinite(one.variance) and one.variance > 0]
    if not known or not np.isfinite(design.df):
        return _unknown(design, known, power, size)
    best = next((one for one in known if one.n_treated >= ENOUGH * design.n_treated), max(known, key=lambda one: one.n_treated))
    scale = best.kish / design.kish
    std_error = math.sqrt(best.variance * scale)
    return DetectableBefore(mde=minimum_detectable_effect(std_error, design.df, power=power, size=size), std_error=std_error, df=design.df,
                            n_treated=design.n_treated, n_placebo=best.n_treated, shift=best.quarters[1] + anticipation + 1, quarters=best.quarters,
                            covariance=best.covariance * scale, clusters=best.words, power=power, size=size, caution=_caution(best, design))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headline:
    """What the headline of a design or of a placebo varies by; never its estimate."""

    variance: float
    covariance: np.ndarray
    df: float
    n_treated: int
    kish: float
    quarters: tuple[int, int]
    words: str
    reason: str


def _headline(sample: MatchedSample, outcome: str, spec: MatchedDiD | MatchedLevels, quarters: tuple[int, int], *, calendar: Sequence[int],
              clusters: Clusters, assignment: Assignment) -> _Headline:
    effects = spec.fit(sample, outcome, calendar=calendar)
    cells = chosen_cells(effects, quarters=quarters, cohorts="complete")
    whole = average(effects, cells)
    empty = np.full((0, 0), np.nan)
    if whole.reason:
        return _Headline(variance=math.nan, covariance=empty, df=math.nan, n_treated=0, kish=0.0, quarters=quarters, words="", reason=whole.reason)
    times = effects.cells["event_time"].to_numpy()
    parts = [average(effects, cells & (times == e)) for e in np.unique(times[cells])]
    found = uncertainty_of(effects, [whole, *parts], clusters=clusters, assignment=assignment)
    n, kish = _treated(effects, whole, cluster_names(effects, clusters, assignment)[0])
    return _Headline(variance=float(found.covariance[0, 0]), covariance=found.covariance[1:, 1:], df=float(found.df[0]), n_treated=n, kish=kish,
                     quarters=quarters, words=found.words, reason=found.reason)


def _treated(effects: Effects, whole: Summary, cluster: str) -> tuple[int, float]:
    """Distinct treated units that enter, and the Kish number of their clusters."""
    rows = whole.enters & effects.rows["treated"].to_numpy()
    weight = np.bincount(cluster_codes(effects, cluster)[rows], weights=effects.row_weight[rows].max(axis=1))
    return len(np.unique(effects.rows["unit"].to_numpy()[rows])), float(weight.sum() ** 2 / (weight**2).sum())


def _spec(base: Base, window: tuple[int, int], anticipation: int, last: int) -> MatchedDiD | MatchedLevels:
    """The estimator with a window that ends with the headline, so that nothing later is read."""
    if base is None:
        return MatchedLevels(window=(min(window[0], 0), last), anticipation=anticipation)
    return MatchedDiD(base=base, window=(window[0], last), anticipation=anticipation)


def _moved(sample: MatchedSample, y: np.ndarray, outcome: str, last: int, anticipation: int, sealed_from: int | None) -> MatchedSample:
    """The sample with every set's entry moved back, and only what was before entry in the outcome."""
    entry = sample.set_entry - (last + anticipation + 1)
    if sealed_from is not None:
        entry = np.minimum(entry, sealed_from - 1 - last)
    seen = np.where(_before_entry(sample, y.shape, sealed_from), y, np.nan)
    panel = replace(sample.panel, outcomes={outcome: seen})
    return replace(sample, panel=panel, set_entry=entry, match=None)


def _stand_in(sample: MatchedSample, y: np.ndarray, sealed_from: int | None) -> MatchedSample:
    """The sample with an outcome of zeros for units that were observed before entry."""
    seen = (np.isfinite(y) & _before_entry(sample, y.shape, sealed_from)).any(axis=1)
    return replace(sample, panel=replace(sample.panel, outcomes={STAND_IN: np.where(seen[:, None], np.zeros(y.shape), np.nan)}), match=None)


def _before_entry(sample: MatchedSample, shape: tuple[int, int], sealed_from: int | None) -> np.ndarray:
    """Where a unit's outcome may be read: before its latest set's entry, and before the seal."""
    latest = np.full(shape[0], -1)
    for unit, entry in ((sample.treated_unit, sample.treated_entry), (sample.comparison_unit, sample.comparison_entry)):
        np.maximum.at(latest, unit, entry)
    joined = sample.panel.entry >= 0
    latest[joined] = np.minimum(latest[joined], sample.panel.entry[joined])
    if sealed_from is not None:
        latest = np.minimum(latest, sealed_from)
    return np.arange(shape[1]) < latest[:, None]


def _caution(best: _Headline, design: _Headline) -> str:
    parts = []
    if best.quarters != design.quarters:
        parts.append(f"history is short, so that the variance comes from {best.quarters[1] - best.quarters[0] + 1} periods instead of "
                     f"{design.quarters[1] - design.quarters[0] + 1}")
    if best.n_treated < design.n_treated:
        parts.append(f"{best.n_treated / design.n_treated:.0%} of the treated have the history that the placebo needs")
    return "; ".join(parts)


def _unknown(design: _Headline, known: list[_Headline], power: float, size: float) -> DetectableBefore:
    reason = "the periods before entry are too few for a placebo of the same distance" if not known else design.reason
    if design.reason:
        reason = f"the design has no standard error: {design.reason}"
    return DetectableBefore(mde=math.nan, std_error=math.nan, df=design.df, n_treated=design.n_treated, n_placebo=0, shift=0,
                            quarters=design.quarters, covariance=np.full((0, 0), np.nan), clusters=design.words, power=power, size=size,
                            reason=reason)


def _check(base: Base, quarters: tuple[int, int], window: tuple[int, int], anticipation: int) -> None:
    if quarters[0] > quarters[1] or quarters[0] < 0:
        raise PlanError(f"`headline.quarters` must run from an earlier to a later event time, 0 or after: they are {quarters[0]} to {quarters[1]}. "
                        "Mend the plan.")
    if base is not None:
        check_base(base, window, anticipation)


def _first(holds, low: int, limit: int) -> int:
    """The smallest integer from `low` on at which something holds that, once true, stays true."""
    high = low
    while not holds(high) and high < limit:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
