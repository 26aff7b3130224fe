"""Placebo inference for synthetic comparisons: every donor, or random groups of as many donors as an area has councils, treated in turn.

What the gaps are is in `synthetic_control.py`. Placebo inference for matched sets is in `permutation.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects, Estimate
from evaluation.models.synthetic_control import effects_of, fitted
from evaluation.models.synthetic_series import Fit, Series, SyntheticSpec, series_of
from evaluation.panel.types import Panel

LEVEL = 0.95
EXACT = 1e-3                   # a root mean square gap before entry below this many standard deviations between donors is an exact fit


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticResult:
    """Gaps of treated areas beside those of placebo areas.

    Attributes
    ----------
    effects : Effects
        The same gaps as effects, for tables and charts; its standard errors take the donor weights as known.
    quarters : (int, int)
        Event times over which gaps are averaged.
    areas : DataFrame, one row per treated area and entry period
        `area`, `cohort`, `n_councils`, `n_before` (periods fitted), `n_donors` (with weight), `effective_donors` (Kish), `rmspe_before`,
        `rmspe_after` (over `quarters`), `relative_fit` (`rmspe_before` in standard deviations between donors), `estimate` (mean gap over
        `quarters`), `p_value`, `placebo_lower`, `placebo_upper` (2.5th and 97.5th centile of the placebo areas' mean gaps),
        `ratio` (of the RMSPE after to that before; infinite where the fit is exact), `ratio_p_value`, `n_placebos`,
        `reason` (why there is no gap).
        Either p value is (1 + placebos at least as large) / (1 + placebos).
    gaps : ndarray, shape (n_areas, n_event_times)
        In the order of `areas`; NaN where there is none.
    donors : DataFrame
        `area`, `cohort`, `unit` (row in `panel.units`), `council_code`, `weight`; donors with weight.
    average : Estimate
        The areas' mean gap, weighted by their councils. `std_error` is the root mean square of the placebo averages; the interval holds the constant
        effects that the placebo test does not reject, so that it and `p_value` agree.
    average_gap : ndarray, shape (n_event_times,)
    average_ratio_p_value : float
        The same test with the RMSPE ratio of the average gap. Placebo assignments have fewer donors to fit with, which with few donors (20 in our
        simulation: 7 to 8% at 5%) makes it reject too often; `average.p_value` does not (4 to 6%).
    placebos : ndarray, shape (n_placebos, n_event_times)
        Average gaps of placebo assignments; fewer than were asked for where some could not be fitted.
    """

    effects: Effects
    quarters: tuple[int, int]
    areas: pd.DataFrame
    gaps: np.ndarray
    donors: pd.DataFrame
    average: Estimate
    average_gap: np.ndarray
    average_ratio_p_value: float
    placebos: np.ndarray


def synthetic_study(spec: SyntheticSpec, sample: MatchedSample | Panel, outcome: str, *, quarters: tuple[int, int], n_draws: int,
                    rng: np.random.Generator, calendar: Sequence[int] = ()) -> SyntheticResult:
    """Synthetic comparisons of every treated area, with placebo p values of each and of their average.

    An area of one council is set beside every donor of its entry period treated in turn, with the other donors as its pool; an area of m councils
    beside `n_draws` random groups of m donors. The average is set beside `n_draws` assignments of placebo areas of the same sizes, fitted again with
    none of their councils a donor, as none of the treated ones is; where there is one area only, beside that area's placebos. Donors that cannot be
    fitted themselves are in no placebo area. For a test that draws from treated councils too, pass the spec to `permutation.permute_areas`.

    Parameters
    ----------
    quarters : (int, int)
        First and last event time, 0 or later, over which gaps are averaged.
    n_draws : int
    calendar : sequence of int
        Quarters of the year (1 to 4) in which the outcome is collected; empty for all.

    Notes
    -----
    The p values are exact where every council was as likely to be given the programme. It was not: read them as how unusual the gap would be among
    untreated councils (Abadie, Diamond and Hainmueller 2010, DOI 10.1198/jasa.2009.ap08746, section 3.4; for several areas Cavallo and others 2013,
    DOI 10.1162/REST_a_00413). With m placebos none is below 1 / (1 + m).
    """
    if quarters[0] < 0 or quarters[1] < quarters[0] or quarters[1] > spec.window[1]:
        raise PlanError(f"`headline.quarters` must run from an event time of 0 or more to a later one in the window, which ends at {spec.window[1]}: "
                        f"they are {quarters[0]} to {quarters[1]}. Mend the plan.")
    series = series_of(spec, sample, outcome, calendar=calendar)
    fits, reasons = fitted(series)
    after = (series.event_times >= quarters[0]) & (series.event_times <= quarters[1])
    each = {entry: _each_donor(series, entry) for entry in sorted({entry for entry, _ in fits.values()})}
    pools = {(entry, size): _pseudo_areas(series, entry, size, each[entry], n_draws, rng)
             for entry, size in sorted({(entry, len(fit.members)) for entry, fit in fits.values()})}
    rows = [_area_row(series, number, fits, reasons, pools, after) for number in range(len(series.areas))]
    if len(fits) == 1:
        placebos = _gaps(next(iter(pools.values())), len(after))
    else:
        placebos = _assignments(series, list(fits.values()), each, n_draws, rng)
    sizes = np.array([len(fit.members) for _, fit in fits.values()])
    average_gap = weighted_gap(np.array([fit.gap for _, fit in fits.values()]), sizes)
    before = np.logical_or.reduce([fit.before for _, fit in fits.values()])
    scale = float(np.mean([fit.spread for _, fit in fits.values()]))
    return SyntheticResult(
        effects=effects_of(series), quarters=quarters, areas=pd.DataFrame(rows), donors=_donor_table(series, fits), average_gap=average_gap,
        gaps=np.array([fits[k][1].gap if k in fits else np.full(len(after), np.nan) for k in range(len(series.areas))]), placebos=placebos,
        average=_estimate(average_gap, placebos, after, fits),
        average_ratio_p_value=placebo_p(rmspe_ratio(average_gap, before, after, scale),
                                        np.array([rmspe_ratio(gap, before, after, scale) for gap in placebos])))


def rmspe_ratio(gap: np.ndarray, before: np.ndarray, after: np.ndarray, scale: float) -> float:
    """Root mean square gap after over that before; infinite where the fit before is exact beside `scale`, NaN where a side is not observed."""
    (first, last) = (gap[side][np.isfinite(gap[side])] for side in (before, after))
    if not len(first) or not len(last):
        return float("nan")
    low = float(np.sqrt(np.mean(first**2)))
    return float(np.sqrt(np.mean(last**2))) / low if low > EXACT * scale else float("inf")


def placebo_p(value: float, draws: np.ndarray) -> float:
    """(1 + draws at least as large) / (1 + draws), of draws that are numbers; NaN without any."""
    draws = draws[~np.isnan(draws)]
    if np.isnan(value) or not len(draws):
        return float("nan")
    return float((1 + (draws >= value * (1 - 1e-12)).sum()) / (1 + len(draws)))


def weighted_gap(gaps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over areas of what is observed at each event time, shape (n_event_times,)."""
    seen = np.isfinite(gaps)
    total = weights @ seen
    return np.divide(weights @ np.where(seen, gaps, 0.0), total, out=np.full(gaps.shape[1], np.nan), where=total > 0)


def mean_gap(gap: np.ndarray, after: np.ndarray) -> float:
    """Mean of what is observed after entry; NaN where nothing is."""
    seen = gap[after][np.isfinite(gap[after])]
    return float(seen.mean()) if len(seen) else float("nan")


def _each_donor(series: Series, entry: int) -> list[Fit]:
    """Every donor of an entry period treated in turn, where it can be fitted."""
    found = (series.fit(entry, donor) for donor in series.pool[entry][:, None])
    return [fit for fit in found if isinstance(fit, Fit)]


def _pseudo_areas(series: Series, entry: int, size: int, each: list[Fit], n_draws: int, rng: np.random.Generator) -> list[Fit]:
    """Placebo areas of one entry period and size."""
    able = _members(each)
    if size == 1 or size > len(able) - 2:
        return each if size == 1 else []
    found = (series.fit(entry, np.sort(rng.choice(able, size, replace=False))) for _ in range(n_draws))
    return [fit for fit in found if isinstance(fit, Fit)]


def _assignments(series: Series, fits: list[tuple[int, Fit]], each: dict[int, list[Fit]], n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Average gaps of assignments in which placebo areas of the treated areas' sizes share no council, nor give each other donors."""
    keys = sorted(((entry, len(fit.members)) for entry, fit in fits), key=lambda key: (-key[1], key[0]))
    able, sizes = {entry: _members(each[entry]) for entry, _ in keys}, np.array([size for _, size in keys])
    averages = []
    for _ in range(n_draws):
        groups = _disjoint(keys, able, rng)
        if groups is None:
            break
        taken = np.concatenate(groups)
        found = [series.fit(entry, members, without=taken) for (entry, _), members in zip(keys, groups, strict=True)]
        if all(isinstance(fit, Fit) for fit in found):
            averages.append(weighted_gap(np.array([fit.gap for fit in found]), sizes))
    return np.array(averages).reshape(-1, len(series.event_times))


def _disjoint(keys: list[tuple[int, int]], able: dict[int, np.ndarray], rng: np.random.Generator) -> list[np.ndarray] | None:
    """A random group of donors for each (entry period, size), no unit twice; None where there are too few."""
    taken = np.empty(0, dtype=int)
    groups = []
    for entry, size in keys:
        free = np.setdiff1d(able[entry], taken)
        if size > len(free) - 2:
            return None
        groups.append(np.sort(rng.choice(free, size, replace=False)))
        taken = np.concatenate([taken, groups[-1]])
    return groups


def _members(fits: list[Fit]) -> np.ndarray:
    return np.concatenate([fit.members for fit in fits]) if fits else np.empty(0, dtype=int)


def _gaps(fits: list[Fit], n_event_times: int) -> np.ndarray:
    return np.array([fit.gap for fit in fits]).reshape(-1, n_event_times)


def _area_row(series: Series, number: int, fits: dict, reasons: dict, pools: dict, after: np.ndarray) -> dict[str, object]:
    area, entry, members = series.areas[number]
    row = {"area": area, "cohort": entry, "n_councils": len(members), "n_before": 0, "n_donors": 0, "effective_donors": 0.0}
    nan = float("nan")
    if number in reasons:
        numbers = dict.fromkeys(("rmspe_before", "rmspe_after", "relative_fit", "estimate", "p_value", "placebo_lower", "placebo_upper", "ratio",
                                 "ratio_p_value"), nan)
        return {**row, **numbers, "n_placebos": 0, "reason": reasons[number]}
    fit = fits[number][1]
    placebos = pools[entry, len(members)]
    estimate, ratio = mean_gap(fit.gap, after), rmspe_ratio(fit.gap, fit.before, after, fit.spread)
    seen = fit.gap[after][np.isfinite(fit.gap[after])]
    others = np.array([mean_gap(other.gap, after) for other in placebos])
    others = others[np.isfinite(others)]
    lower, upper = np.quantile(others, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(others) else (nan, nan)
    return {**row, "n_before": int(fit.before.sum()), "n_donors": len(fit.donors), "effective_donors": fit.effective_donors(),
            "rmspe_before": fit.rmspe_before(), "rmspe_after": float(np.sqrt(np.mean(seen**2))) if len(seen) else nan,
            "relative_fit": fit.rmspe_before() / fit.spread, "estimate": estimate,
            "p_value": placebo_p(abs(estimate), np.abs(others)), "placebo_lower": float(lower), "placebo_upper": float(upper), "ratio": ratio,
            "ratio_p_value": placebo_p(ratio, np.array([rmspe_ratio(other.gap, other.before, after, other.spread) for other in placebos])),
            "n_placebos": len(placebos), "reason": "" if len(seen) else "not observed after entry"}


def _donor_table(series: Series, fits: dict[int, tuple[int, Fit]]) -> pd.DataFrame:
    parts = [pd.DataFrame({"area": series.areas[number][0], "cohort": entry, "unit": fit.donors,
                           "council_code": series.panel.units["council_code"].to_numpy()[fit.donors], "weight": fit.weights})
             for number, (entry, fit) in fits.items()]
    return pd.concat(parts, ignore_index=True)


def _estimate(gap: np.ndarray, placebos: np.ndarray, after: np.ndarray, fits: dict[int, tuple[int, Fit]]) -> Estimate:
    """The average gap with its placebo test and the interval of constant effects which that test does not reject."""
    value, nan = mean_gap(gap, after), float("nan")
    draws = np.array([mean_gap(placebo, after) for placebo in placebos])
    draws = np.sort(np.abs(draws[np.isfinite(draws)]))
    common = dict(estimate=value, df=nan, n_treated=sum(len(fit.members) for _, fit in fits.values()), clusters="areas", n_clusters=len(fits),
                  n_comparison=len({unit for _, fit in fits.values() for unit in fit.donors.tolist()}))
    if not len(draws) or not np.isfinite(value):
        return Estimate(std_error=nan, lower=nan, upper=nan, p_value=nan, method="none", **common,
                        reason="the areas are not observed after entry" if len(draws) else "no placebo area could be made")
    rank = int(np.ceil(LEVEL * (1 + len(draws)) - 1e-9))
    half, reason = (float(draws[rank - 1]), "") if rank <= len(draws) else (nan, f"{len(draws)} placebo areas are too few for a 95% interval")
    return Estimate(std_error=float(np.sqrt(np.mean(draws**2))), lower=value - half, upper=value + half, p_value=placebo_p(abs(value), draws),
                    method=f"placebo areas ({len(draws):,})", reason=reason, **common)
