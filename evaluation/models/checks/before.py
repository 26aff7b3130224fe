"""Checks of the time before entry: the trend on held-out periods, and the dip."""
from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from evaluation.models.checks.given import (
    POWER,
    SIZE,
    CheckInput,
    CheckResult,
    at_event_time,
    cohorts_of,
    covariance_between,
    headline_cells,
    held_out,
    not_testable,
    of_estimate,
    with_interval,
)
from evaluation.models.checks.sets import only_at
from evaluation.models.equivalence import EffectsBefore, equivalence, noncentrality
from evaluation.models.inference import event_study
from evaluation.models.summaries import mean_of


def pre_trend(given: CheckInput) -> CheckResult:
    """Are all effects before entry zero? Only on periods that entered neither the score nor the base.

    Numbers: `f`, `df1`, `df2`, `p_value`, `largest` (largest absolute effect before), `slope` (generalised least-squares trend per period through the
    base), `slope_detectable` and `slope_detectable_50` (the trend per period that the test finds with 80% and with 50% power), `bias` and `bias_50`
    (what these would put into the headline), `bound` and `slope_bound` (within which every effect before, and the trend, lie with 95% confidence:
    equivalence tests), `bias_bound` (what that trend would put into the headline), `n_cells`, `n_clusters`.

    Notes
    -----
    Wald statistic W of the k effects with their cluster-robust covariance, and G - 1 the fewest degrees of freedom of any of them (`uncertainty.py`);
    F = W (G - k) / (k (G - 1)) on k and G - k degrees of freedom (Hotelling), which with few clusters is far from chi-squared. The detectable slope
    solves the power of the non-central F (Roth 2022, DOI 10.1257/aeri.20210236); bounds as in `equivalence`. The bias of a slope is the slope times
    the distance from the base to the mean event time of the headline. With areas, `permute_areas(before=...)` is the test to prefer.
    """
    effects = given.effects
    if effects.base is None or effects.row_weight is None:
        return not_testable("pre_trend", "the estimator has no single base period before entry")
    parts = held_out(given)
    if not parts:
        return not_testable("pre_trend", f"every period before entry that was observed {_used_for(given)}")
    table = event_study(only_at(effects, list(parts)), cohorts=cohorts_of(given), quarters=given.quarters, clusters=given.clusters,
                        assignment=given.assignment)
    theta = np.array([part.value for part in parts.values()])
    v, g = covariance_between(given, list(parts.values()))
    k = len(theta)
    if g <= k or np.linalg.matrix_rank(v) < k:
        return not_testable("pre_trend", f"{g:.0f} clusters cannot test {k} periods together", table)
    before = EffectsBefore(event_times=np.array(list(parts)), base=effects.base, estimates=theta, covariance=v, df=g - 1)
    f = float(theta @ before.precision() @ theta) * (g - k) / (k * (g - 1))
    p_value, reach = float(fdtrc(k, g - k, f)), _reach(given)
    bounds = equivalence(before, reach=reach, size=SIZE)
    numbers = {"f": f, "df1": k, "df2": g - k, "p_value": p_value, "largest": float(np.abs(theta).max()), "n_cells": k, "n_clusters": g,
               "slope": bounds.slope, "bound": bounds.every, "slope_bound": bounds.slope_bound, "bias_bound": bounds.bias_bound}
    return CheckResult(name="pre_trend", verdict="failed" if p_value < SIZE else "passed", table=table, numbers=numbers | _detectable(before, reach))


def dip(given: CheckInput) -> CheckResult:
    """Did treated units move away from their comparison units just before entry? The last periods before entry against all earlier ones.

    'Last' are the anticipation's periods, or the one before entry where there is no anticipation. Numbers: `estimate`, `std_error`,
    `lower`, `upper`, `p_value`.
    """
    effects = given.effects
    if effects.base is None or effects.row_weight is None:
        return not_testable("dip", "the estimator has no single base period before entry")
    last = -max(effects.anticipation, 1)
    late = [at_event_time(given, e, base_too=True) for e in range(last, 0)]
    early = [at_event_time(given, int(e), base_too=True) for e in effects.event_times if e < last]
    late, early = ([part for part in side if not part.reason] for side in (late, early))
    if not late or not early:
        return not_testable("dip", "the periods just before entry, or the earlier ones, are not observed")
    weights = np.concatenate([np.full(len(late), 1 / len(late)), np.full(len(early), -1 / len(early))])
    found = with_interval(given, mean_of([*late, *early], weights))
    if found.reason:
        return not_testable("dip", found.reason)
    numbers = of_estimate(found)
    return CheckResult(name="dip", verdict="failed" if found.p_value < SIZE else "passed", table=pd.DataFrame([numbers]), numbers=numbers)


def _detectable(before: EffectsBefore, reach: float) -> dict[str, float]:
    """Slopes found with 80% and 50% power, and what each would put into the headline."""
    t = before.distance()
    information = float(t @ before.precision() @ t)
    slopes = {end: float(np.sqrt(noncentrality(len(t), before.df, power, SIZE) / information)) for end, power in (("", POWER), ("_50", 0.5))}
    return {f"slope_detectable{end}": slope for end, slope in slopes.items()} | {f"bias{end}": slope * reach for end, slope in slopes.items()}


def _reach(given: CheckInput) -> float:
    """Periods from the base to the mean event time of the headline, by treated units."""
    cells = given.effects.cells[headline_cells(given)]
    return float(np.average(cells["event_time"], weights=cells["weight"])) - given.effects.base if len(cells) else float("nan")


def _used_for(given: CheckInput) -> str:
    """Where the periods before entry went, when none is left to test."""
    where = ["is the base", *(["entered the score"] if given.matched_history else []), *(["lies near entry"] if given.set_aside else [])]
    return where[0] if len(where) == 1 else f"{', '.join(where[:-1])} or {where[-1]}"
