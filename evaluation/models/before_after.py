"""The first of the three numbers: treated units after against themselves before. Never called an effect."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import mean_of_columns, outcome_array
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """Means of treated units before and after entry, over the units observed in both.

    Attributes
    ----------
    before, after : float
    change : Estimate
        After minus before.
    """

    before: float
    after: float
    change: Estimate


def before_after(sample: MatchedSample | Panel, outcome: str, *, before: tuple[int, int] = (-4, -1), after: tuple[int, int] = (1, 4),
                 clusters: str = "unit", only: np.ndarray | None = None) -> BeforeAfter:
    """Mean of treated units over event times after entry, less their mean before.

    Parameters
    ----------
    sample : MatchedSample or Panel
        Its matched treated units, or all treated units of a panel.
    before, after : (int, int)
        First and last event times. In quarters, each unit's means are over the seasons of `after` that are observed on both sides, each season
        weighing the same (a term seen only after would be compared with another season); where `before` lacks one of these seasons, and in other
        periods, over all that is observed.
    clusters : 'unit', 'area' or 'council_code'
        Column of `panel.units` within which changes are dependent.
    only : ndarray of bool, shape (n_units,), optional
        Units of `panel.units` to keep (a council's).

    Notes
    -----
    Variance: CR1 of the mean change, t interval with G - 1 degrees of freedom; with one unit a cluster this is the plain standard error of a mean.
    """
    panel = sample if isinstance(sample, Panel) else sample.panel
    unit = np.flatnonzero(panel.entry >= 0) if isinstance(sample, Panel) else sample.treated_unit
    unit = unit if only is None else unit[only[unit]]
    entry = panel.entry[unit]
    y = outcome_array(panel, outcome)
    first, last = _means(panel, y, unit, entry, *(np.arange(window[0], window[1] + 1) for window in (before, after)))
    seen = np.isfinite(first) & np.isfinite(last)
    if not seen.any():
        return BeforeAfter(before=float("nan"), after=float("nan"), change=_estimate(np.empty(0), np.empty(0, dtype=int), clusters))
    column = "unit_id" if clusters == "unit" else clusters
    code = pd.factorize(panel.units[column].to_numpy()[unit[seen]])[0]
    return BeforeAfter(before=float(first[seen].mean()), after=float(last[seen].mean()), change=_estimate((last - first)[seen], code, clusters))


def _means(panel: Panel, y: np.ndarray, unit: np.ndarray, entry: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means before and after of each unit, over the same seasons where the windows hold them; shape (n,) each."""
    seasons = np.unique(after % 4)
    if panel.periods.kind != "quarter" or not np.isin(seasons, before % 4).all():
        return mean_of_columns(y, unit, entry, before), mean_of_columns(y, unit, entry, after)
    first, last = (np.stack([mean_of_columns(y, unit, entry, times[times % 4 == season]) for season in seasons]) for times in (before, after))
    both = np.isfinite(first) & np.isfinite(last)
    n = both.sum(axis=0)
    return tuple(np.divide(np.where(both, side, 0.0).sum(axis=0), n, out=np.full(len(unit), np.nan), where=n > 0) for side in (first, last))


def _estimate(change: np.ndarray, code: np.ndarray, clusters: str) -> Estimate:
    nan, n = float("nan"), len(change)
    g = int(code.max()) + 1 if n else 0
    words = {"unit": "units", "area": "areas", "council_code": "councils"}.get(clusters, clusters)
    mean = float(change.mean()) if n else nan
    sums = np.bincount(code, weights=change - mean) / n if n else np.empty(0)
    error = float(np.sqrt(sums @ sums * g / (g - 1))) if g > 1 else nan
    common = dict(estimate=mean, n_treated=n, n_comparison=0, clusters=words, n_clusters=g)
    if not error > 1e-12 * abs(mean) or not error > 0:
        reason = "no treated unit is observed before and after" if not n else f"one cluster of {words}, or no spread, gives no standard error"
        return Estimate(std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, method="none", reason=reason, **common)
    half = float(stdtrit(g - 1, 0.975)) * error
    return Estimate(std_error=error, lower=mean - half, upper=mean + half, df=g - 1, p_value=float(2 * stdtr(g - 1, -abs(mean) / error)),
                    method="CR1 cluster-robust", **common)
