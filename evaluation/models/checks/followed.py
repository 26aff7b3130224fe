"""What became of matched units after the index date: comparison units that joined or got other help, and units lost from sight."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.matching.sample import MatchedSample
from evaluation.models.checks.given import (
    SIZE,
    CheckInput,
    CheckResult,
    cohorts_of,
    fewest_events,
    has_base,
    headline,
    headline_cells,
    not_testable,
    of_estimate,
    with_interval,
)
from evaluation.models.checks.sets import has_sets
from evaluation.models.contrasts import at_columns, collected, mean_of_columns, outcome_array, rows_frame, sees_before, value_at_base
from evaluation.models.effects import Effects, Estimate
from evaluation.models.power import minimum_detectable_effect
from evaluation.models.summaries import average, mean_of

DIFFERENTIAL = 0.05             # difference between the arms' shares lost that is too large; the What Works Clearinghouse's cautious limits are near
OTHER_SUPPORT = "any_other_support"       # covariate by period of a panel of families


def contamination(given: CheckInput) -> CheckResult:
    """Did comparison units join later or get other support, and is the effect another one where they got none?

    Fails where the effect among sets without a comparison unit in other support, from entry to the headline's end, differs from that among the other
    sets (5%); for information where no support is recorded or too few sets are left on one side. Later joining is counted, not tested: units join
    at a crisis, so the sets in which none joins are those whose comparison units fared better, and the effect looks worse there. Table: the effect
    in sets by what became of their comparison units. Numbers: `share_joined` and `share_supported` (of the comparison weight over the headline's
    periods: censored because the unit had joined; of the rest, receiving other support, NaN where the panel does not say), `share_emptied` (treated
    weight of sets with every comparison unit joined at the headline's last period), `n_supported`, `n_free` (treated units in sets with and without
    support), `n_comparison`, and of the difference (free less supported) `estimate`, `std_error`, `lower`, `upper`, `p_value`, `detectable` (80%
    power), `n_events` (fewest units with, or without, an outcome above 0 over the headline or at the base, in either kind of set).
    """
    sample, name = given.sample, "contamination"
    if not has_sets(given.effects):
        return not_testable(name, "the estimator has no matched sets")
    inside = _in_headline(given, sample.set_entry)
    joined, supported = _joined(sample, given.quarters[1]), _supported(sample, given.quarters[1])
    after = np.arange(given.quarters[1] + 1) >= given.quarters[0]
    weight = (sample.comparison_weight * inside[sample.comparison_set])[:, None] * _inside_periods(sample, given.quarters[1]) * after
    if not weight.sum() > 0:
        return not_testable(name, "no comparison unit enters the headline")
    free = weight * ~joined
    own = sample.treated_weight * inside[sample.treated_set]
    emptied = np.bincount(sample.comparison_set, weights=sample.comparison_weight * ~joined[:, -1], minlength=sample.n_sets) == 0
    shares = {"share_joined": float((weight * joined).sum() / weight.sum()),
              "share_supported": float((free * supported).sum() / free.sum()) if free.sum() > 0 else float("nan"),
              "share_emptied": float(own[emptied[sample.treated_set]].sum() / own.sum())}
    return _by_touch(given, _sets_with(sample, joined), _sets_with(sample, np.nan_to_num(supported) * ~joined > 0), shares)


def attrition(given: CheckInput) -> CheckResult:
    """Were matched units of one arm lost from sight more often? The share seen at the base but not in the headline's periods, by arm.

    Passes where the interval of the difference lies within 5 percentage points, fails where it leaves zero out and reaches further, and is not
    testable where it is too wide for either. Comparison units are followed until they join. Table: one row per arm. Numbers:
    `lost_treated`, `lost_comparison` (mean shares of the headline's collected periods not observed), `estimate` (their difference), `std_error`,
    `lower`, `upper`, `p_value`, `detectable` (80% power), `bound_lower`, `bound_upper` (the effect if those lost more from one arm had all been its
    extremes), `headline_error`, `n_treated`, `n_comparison`, `n_trimmed` (units whose extremes the bounds leave out).

    References
    ----------
    Bounds: Lee (2009), DOI 10.1111/j.1467-937X.2009.00536.x, with weights: of the arm seen more often, the share by which it is seen more is trimmed
    from the top or the bottom of its changes. They assume that being in the programme moves everyone's chance of being seen the same way.
    """
    if not has_base(given.estimator):
        return not_testable("attrition", "the estimator has no base period from which units are followed")
    treated, comparison = (_followed(given, *arm) for arm in _arms(given.sample))
    if not treated.weight.sum() > 0 or not comparison.weight.sum() > 0:
        return not_testable("attrition", "no unit of one arm is seen at the base with periods of the headline to follow")
    found = _difference(given, treated, comparison)
    lost = [float(np.average(arm.lost, weights=arm.weight)) for arm in (treated, comparison)]
    if found.reason and any(lost):
        return not_testable("attrition", found.reason)
    bounds = lee_bounds(treated.change, treated.weight * (1 - treated.lost), comparison.change, comparison.weight * (1 - comparison.lost), *lost)
    table = pd.DataFrame({"arm": ["treated", "comparison"], "share_lost": lost, "n_units": [found.n_treated, found.n_comparison]})
    numbers = {"lost_treated": lost[0], "lost_comparison": lost[1]} | of_estimate(found)
    numbers |= {"detectable": minimum_detectable_effect(found.std_error, found.df), "bound_lower": bounds[0], "bound_upper": bounds[1],
                "headline_error": headline(given).std_error, "n_treated": found.n_treated, "n_comparison": found.n_comparison}
    behind = found.n_treated if lost[0] < lost[1] else found.n_comparison
    numbers["n_trimmed"] = behind * (1 - (1 - max(lost)) / (1 - min(lost))) if max(lost) < 1 else float("nan")
    reach = 0.0 if not any(lost) else max(abs(found.lower), abs(found.upper))
    if reach > DIFFERENTIAL and found.p_value >= SIZE:
        why = f"a difference of over {100 * DIFFERENTIAL:.0f} percentage points between the arms could hide in so few units"
        return CheckResult(name="attrition", verdict="not testable", table=table, numbers=numbers, reason=why)
    return CheckResult(name="attrition", verdict="failed" if reach > DIFFERENTIAL else "passed", table=table, numbers=numbers,
                       judged_by=f"a difference within {100 * DIFFERENTIAL:.0f} percentage points")


def lee_bounds(treated: np.ndarray, treated_weight: np.ndarray, comparison: np.ndarray, comparison_weight: np.ndarray, lost_treated: float,
               lost_comparison: float) -> tuple[float, float]:
    """Lower and upper bound of a difference in means under one-sided selection (Lee 2009).

    Parameters
    ----------
    treated, comparison : ndarray, shape (n,)
        Values seen; anything where the weight is 0.
    treated_weight, comparison_weight : ndarray, shape (n,)
    lost_treated, lost_comparison : float
        Shares not seen; the arm with the smaller one is trimmed.
    """
    seen = 1 - lost_treated, 1 - lost_comparison
    if not min(seen) > 0:
        return float("nan"), float("nan")
    share = 1 - min(seen) / max(seen)
    low_t, high_t = _trimmed(treated, treated_weight, share if seen[0] > seen[1] else 0.0)
    low_c, high_c = _trimmed(comparison, comparison_weight, share if seen[1] > seen[0] else 0.0)
    return low_t - high_c, high_t - low_c


def _trimmed(values: np.ndarray, weight: np.ndarray, share: float) -> tuple[float, float]:
    """Weighted means without the top share, and without the bottom share, of the weight."""
    order = np.argsort(values[weight > 0], kind="stable")
    v, w = values[weight > 0][order], weight[weight > 0][order]
    kept = (1 - share) * w.sum()
    low = np.clip(kept - (np.cumsum(w) - w), 0, w)
    high = np.clip(kept - (np.cumsum(w[::-1]) - w[::-1]), 0, w[::-1])[::-1]
    return float(v @ low / low.sum()), float(v @ high / high.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """One arm's members that were seen at the base, in sets of the headline's cohorts."""

    unit: np.ndarray
    sets: np.ndarray
    weight: np.ndarray         # 0 for members that are not followed
    lost: np.ndarray           # share of the periods followed that is not observed
    change: np.ndarray         # mean observed change from the base; 0 where none is


def _arms(sample: MatchedSample):
    yield sample.treated_unit, sample.treated_set, sample.treated_weight, np.full(sample.n_treated, -1)
    yield sample.comparison_unit, sample.comparison_set, sample.comparison_weight, sample.panel.entry[sample.comparison_unit]


def _followed(given: CheckInput, unit: np.ndarray, sets: np.ndarray, weight: np.ndarray, own_entry: np.ndarray) -> _Followed:
    sample, spec = given.sample, given.estimator
    y, is_collected = outcome_array(sample.panel, given.effects.outcome), collected(sample.panel.periods, given.calendar)
    entry = sample.set_entry[sets]
    if spec.base == "pre_mean":
        then = mean_of_columns(y, unit, entry, np.arange(spec.window[0], -spec.anticipation))
    else:
        then, _, _ = value_at_base(y, unit, entry, spec.base, is_collected, latest=-spec.anticipation - 1)
    column = entry[:, None] + np.arange(given.quarters[0], given.quarters[1] + 1)
    asked = (column < len(is_collected)) & is_collected[np.clip(column, 0, len(is_collected) - 1)]
    asked &= ((own_entry[:, None] < 0) | (column < own_entry[:, None])) & ~sees_before(sample.panel, given.effects.outcome, column - entry[:, None])
    seen = asked & np.isfinite(at_columns(y, unit[:, None], column))
    n_asked, n_seen = asked.sum(axis=1), seen.sum(axis=1)
    counts = _in_headline(given, entry) & np.isfinite(then) & (n_asked > 0)
    now = np.where(seen, at_columns(y, unit[:, None], column), 0.0).sum(axis=1)
    change = np.where(counts & (n_seen > 0), np.divide(now, np.maximum(n_seen, 1)) - np.nan_to_num(then), 0.0)
    return _Followed(unit=unit, sets=sets, weight=np.where(counts, weight, 0.0), lost=1 - n_seen / np.maximum(n_asked, 1), change=change)


def _difference(given: CheckInput, treated: _Followed, comparison: _Followed) -> Estimate:
    """Mean share lost of treated less comparison units, with the interval of the study's clusters."""
    arms, total = (treated, comparison), treated.weight.sum()
    weight = np.concatenate([treated.weight, comparison.weight * (total / comparison.weight.sum())])
    is_treated = np.arange(len(weight)) < len(treated.weight)
    lost = np.concatenate([arm.lost for arm in arms])
    mean = [float(np.average(arm.lost, weights=arm.weight)) for arm in arms]
    influence = np.where(is_treated, 1, -1) * weight * (lost - np.where(is_treated, *mean)) / total
    rows = rows_frame(given.sample.panel, *(np.concatenate([getattr(arm, name) for arm in arms]) for name in ("unit", "sets")),
                      np.full(len(weight), -1), is_treated)
    cells = pd.DataFrame({"cohort": [-1], "period": [-1], "event_time": [given.quarters[0]], "estimate": [mean[0] - mean[1]], "n_treated": [0],
                          "n_comparison": [0], "weight": [total], "status": ["estimated"]})
    effects = Effects(outcome="lost", estimator="share not observed", base=None, anticipation=0, cells=cells, rows=rows,
                      event_times=np.array([given.quarters[0]]), influence=influence[:, None], row_weight=weight[:, None],
                      sets_are_clusters=given.effects.sets_are_clusters)
    return with_interval(given, average(effects, np.array([True])), effects)


def _in_headline(given: CheckInput, entry: np.ndarray) -> np.ndarray:
    """Whether sets of an entry period belong to the headline's cohorts."""
    cohorts: Sequence[int] | None = cohorts_of(given)
    return np.ones(len(entry), dtype=bool) if cohorts is None else np.isin(entry, list(cohorts))


def _columns(sample: MatchedSample, last: int) -> np.ndarray:
    """Columns of the comparison members from entry to event time `last`."""
    return sample.comparison_entry[:, None] + np.arange(last + 1)


def _inside_periods(sample: MatchedSample, last: int) -> np.ndarray:
    return _columns(sample, last) < len(sample.panel.periods)


def _joined(sample: MatchedSample, last: int) -> np.ndarray:
    """Whether a comparison member has joined by each event time from 0 to `last`."""
    own = sample.panel.entry[sample.comparison_unit][:, None]
    return (own >= 0) & (_columns(sample, last) >= own)


def _supported(sample: MatchedSample, last: int) -> np.ndarray:
    """Whether it had other support; NaN where the panel does not say."""
    support = sample.panel.varying.get(OTHER_SUPPORT)
    shape = _columns(sample, last)
    return np.full(shape.shape, np.nan) if support is None else np.nan_to_num(at_columns(support, sample.comparison_unit[:, None], shape)) > 0


def _sets_with(sample: MatchedSample, happened: np.ndarray) -> np.ndarray:
    """Sets with a comparison member to which something happened at some event time, shape (n_sets,)."""
    found = np.zeros(sample.n_sets, dtype=bool)
    found[sample.comparison_set[happened.any(axis=1) & (sample.comparison_weight > 0)]] = True
    return found


def _by_touch(given: CheckInput, joined: np.ndarray, supported: np.ndarray, shares: dict[str, float]) -> CheckResult:
    """The effect by what became of the sets' comparison units, and the difference that other support makes."""
    effects, cells = given.effects, headline_cells(given)
    treated, sets = effects.rows["treated"].to_numpy(), effects.rows["set"].to_numpy()
    kinds = {"no other support": ~supported, "some other support": supported, "none joined": ~joined, "some joined": joined}
    parts = {kind: average(effects, cells, treated_rows=treated & which[sets]) for kind, which in kinds.items()}
    found = {kind: with_interval(given, part) for kind, part in parts.items()}
    table = pd.DataFrame([{"sets": kind} | of_estimate(one) | {"n_treated": one.n_treated} for kind, one in found.items()])
    free, other = (found[kind] for kind in ("no other support", "some other support"))
    numbers = shares | {"n_free": free.n_treated, "n_supported": other.n_treated, "n_comparison": headline(given).n_comparison}
    if not (np.isfinite(free.std_error) and np.isfinite(other.std_error)):
        return CheckResult(name="contamination", verdict="information", table=table, numbers=numbers)
    difference = with_interval(given, mean_of([parts["no other support"], parts["some other support"]], np.array([1.0, -1.0])))
    numbers |= of_estimate(difference) | {"detectable": minimum_detectable_effect(difference.std_error, difference.df)}
    numbers["n_events"] = min(_events(given, given.sample.keep(side[given.sample.treated_set])) for side in (supported, ~supported))
    verdict = "information" if difference.reason else "failed" if difference.p_value < SIZE else "passed"
    return CheckResult(name="contamination", verdict=verdict, table=table, numbers=numbers)


def _events(given: CheckInput, sample: MatchedSample | None) -> int:
    base = getattr(given.estimator, "base", None)
    windows = [range(given.quarters[0], given.quarters[1] + 1), *([[base]] if isinstance(base, int) else [])]
    return 0 if sample is None else fewest_events(sample, given.effects.outcome, *windows)
