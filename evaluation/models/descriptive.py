"""Plain means of the two arms of a matched sample, by event time: what a trend chart shows. No effect, no interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import at_columns, mean_of_columns, outcome_array, sum_by


def units_behind(
    sample: MatchedSample, outcome: str, event_times: Sequence[int], *, occurrence: bool, together: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """How many distinct units stand behind a mean, as disclosure control counts them.

    Parameters
    ----------
    occurrence : bool
        Whether the outcome says that something happened: then the smaller number of units with, and without, a value above 0, because a share of few
        tells how many there were. Else the units observed.
    together : bool
        Over all event times at once (one number) instead of at each.

    Returns
    -------
    treated, comparison : ndarray of int, shape (n_event_times,) or (1,)
        Comparison units are counted once, however often they serve.
    """
    y, e = outcome_array(sample.panel, outcome), np.asarray(event_times)
    own = sample.panel.entry[sample.comparison_unit][:, None]
    column = sample.comparison_entry[:, None] + e
    comparison = np.where((own >= 0) & (column >= own), np.nan, at_columns(y, sample.comparison_unit[:, None], column))
    treated = at_columns(y, sample.treated_unit[:, None], sample.treated_entry[:, None] + e)
    sides = ((treated, sample.treated_unit), (comparison, sample.comparison_unit))
    return tuple(_behind(values, unit, occurrence, together) for values, unit in sides)


def _behind(values: np.ndarray, unit: np.ndarray, occurrence: bool, together: bool) -> np.ndarray:
    code = np.unique(unit, return_inverse=True)[1]
    seen, occurs = np.isfinite(values).astype(float), (np.nan_to_num(values) > 0).astype(float)
    if together:
        seen, occurs = seen.max(axis=1, keepdims=True), occurs.max(axis=1, keepdims=True)
    n = int(code.max()) + 1
    observed, happened = sum_by(code, seen, n) > 0, sum_by(code, occurs, n) > 0
    if not occurrence:
        return observed.sum(axis=0)
    return np.minimum((observed & happened).sum(axis=0), (observed & ~happened).sum(axis=0))


def group_means(sample: MatchedSample, outcome: str, event_times: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean of matched treated units and of their comparison units (set weights), over the sets observed on both sides.

    Parameters
    ----------
    event_times : sequence of int

    Returns
    -------
    treated, comparison : ndarray, shape (n_event_times,)
        NaN where no set is observed. Comparison units leave from their own entry on.
    """
    y, e = outcome_array(sample.panel, outcome), np.asarray(event_times)
    treated = at_columns(y, sample.treated_unit[:, None], sample.treated_entry[:, None] + e)
    column = sample.comparison_entry[:, None] + e
    own = sample.panel.entry[sample.comparison_unit][:, None]
    comparison = np.where((own >= 0) & (column >= own), np.nan, at_columns(y, sample.comparison_unit[:, None], column))
    seen = np.isfinite(comparison)
    weight = sample.comparison_weight[:, None] * seen
    total = sum_by(sample.comparison_set, weight, sample.n_sets)
    weighted = sum_by(sample.comparison_set, weight * np.where(seen, comparison, 0.0), sample.n_sets)
    set_mean = np.divide(weighted, total, out=np.full(total.shape, np.nan), where=total > 0)[sample.treated_set]
    both = (np.isfinite(treated) & np.isfinite(set_mean)) * sample.treated_weight[:, None]
    count = both.sum(axis=0)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.divide((both * np.where(both > 0, values, 0.0)).sum(axis=0), count, out=np.full(len(e), np.nan), where=count > 0)

    return mean(treated), mean(set_mean)


def mean_changes(sample: MatchedSample, outcome: str, before: Sequence[int], after: Sequence[int]) -> tuple[float, float]:
    """Mean change of matched treated units and of their comparison units (set weights), over the units observed before and after.

    Parameters
    ----------
    before, after : sequence of int
        Event times; each unit's mean is over what is observed of them. Comparison units leave from their own entry on.

    Returns
    -------
    treated, comparison : float
        Over the treated units whose set has a change on both sides; NaN where there is none.
    """
    y, entry = outcome_array(sample.panel, outcome), sample.panel.entry[:, None]
    untreated = np.where((entry >= 0) & (np.arange(y.shape[1]) >= entry), np.nan, y)
    sides = ((y, sample.treated_unit, sample.treated_entry), (untreated, sample.comparison_unit, sample.comparison_entry))
    own, other = (
        mean_of_columns(values, unit, start, np.asarray(after)) - mean_of_columns(values, unit, start, np.asarray(before))
        for values, unit, start in sides
    )
    weight = sample.comparison_weight * np.isfinite(other)
    total = sum_by(sample.comparison_set, weight, sample.n_sets)
    summed = sum_by(sample.comparison_set, weight * np.nan_to_num(other), sample.n_sets)
    in_set = np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)[sample.treated_set]
    both = np.isfinite(own) & np.isfinite(in_set)
    if not both.any():
        return float("nan"), float("nan")
    return tuple(float(np.average(change[both], weights=sample.treated_weight[both])) for change in (own, in_set))
