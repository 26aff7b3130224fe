"""How strong something that was not recorded would have to be to explain the headline away."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.errors import EvaluationError
from evaluation.models.checks.given import SIZE, CheckInput, CheckResult, conclusion, headline, headline_cells, not_testable
from evaluation.models.checks.sets import has_sets, mean_changes
from evaluation.models.contrasts import at_columns, outcome_array
from evaluation.models.relative import relative_effect
from evaluation.models.rosenbaum import matched_set_bounds
from evaluation.models.unmeasured import EValue, e_value, e_value_of_difference


def rosenbaum(given: CheckInput) -> CheckResult:
    """Rosenbaum's bounds: how unlike in their odds of joining matched units must be, unseen, for the finding to be chance.

    For information. Sets of one treated unit and any number of comparison units, by their mean change over the headline. Table: `gamma`, `p_lower`,
    `p_upper`. Numbers: `gamma` (at which the upper bound of the p value passes 5%; NaN where it does at 1, inf never), `p_value` (at 1), `n_sets`.

    Notes
    -----
    The sets are taken as independent and every set counts alike: with comparison units that serve several sets the bounds are too favourable.

    References
    ----------
    Rosenbaum (2007), DOI 10.1111/j.1541-0420.2006.00717.x.
    """
    effects, name = given.effects, "rosenbaum"
    if not has_sets(effects) or not effects.sets_are_clusters:
        return not_testable(name, "the estimator has no matched sets of single units")
    if given.assignment == "area":
        return not_testable(name, "whole areas joined, not single units")
    change, weight = mean_changes(effects, headline_cells(given))
    treated, sets = effects.rows["treated"].to_numpy(), effects.rows["set"].to_numpy()
    enters = weight > 0
    n = int(sets.max()) + 1
    arms = [np.bincount(sets[enters & side], minlength=n) for side in (treated, ~treated)]
    whole = ((arms[0] == 1) & (arms[1] > 0))[sets] & enters
    if whole.sum() < enters.sum() or not enters.any():
        return not_testable(name, "some matched sets have not exactly one treated unit")
    try:
        found = matched_set_bounds(change[whole], treated[whole], sets[whole], size=SIZE)
    except EvaluationError:
        return not_testable(name, "the matched sets tell nothing apart")
    table = pd.DataFrame({"gamma": found.gammas, "p_lower": found.p_lower, "p_upper": found.p_upper})
    numbers = {"gamma": float(found.gamma), "p_value": float(found.p_upper[0]), "n_sets": int(found.n_sets)}
    return CheckResult(name=name, verdict="information", table=table, numbers=numbers)


def e_value_of_headline(given: CheckInput) -> CheckResult:
    """The E-value: how strongly something unrecorded must go with joining and with the outcome to explain the headline away.

    For information. From the ratio of the treated units' level to their level without the programme where the outcome is never negative and both
    are above 0; else from the difference in standard deviations of the comparison units' outcome. Table: `ratio`, `lower`, `upper`. Numbers:
    `e_value` (of the estimate), `e_value_limit` (of the nearer end of its interval; 1 where that holds zero), `ratio`, `from_difference` (1 or 0),
    `excludes_zero`.

    References
    ----------
    VanderWeele and Ding (2017), DOI 10.7326/M16-2607.
    """
    whole, name = headline(given), "e_value"
    if not np.isfinite(whole.std_error):
        return not_testable(name, whole.reason or "the headline has no interval")
    if given.effects.row_weight is None:
        return not_testable(name, "the estimator has no weights of treated units")
    try:
        found = _of_ratio(given)
        from_difference = found is None
        found = e_value_of_difference(whole.estimate, whole.std_error, _spread(given)) if found is None else found
    except EvaluationError:
        return not_testable(name, "the outcome does not vary among comparison units")
    numbers = {"e_value": found.estimate, "e_value_limit": found.limit if conclusion(whole) else 1.0, "ratio": found.ratio,
               "from_difference": int(from_difference), "excludes_zero": abs(conclusion(whole))}
    table = pd.DataFrame([{"ratio": found.ratio, "lower": found.lower, "upper": found.upper}])
    return CheckResult(name=name, verdict="information", table=table, numbers=numbers)


def _of_ratio(given: CheckInput) -> EValue | None:
    """The E-value of the relative effect; None where there is no ratio."""
    if np.nanmin(outcome_array(given.sample.panel, given.effects.outcome), initial=0.0) < 0:
        return None
    ratio = relative_effect(given.effects, given.sample.panel, quarters=given.quarters, cohorts=given.cohorts, clusters=given.clusters,
                            assignment=given.assignment).ratio
    return e_value(ratio.estimate, ratio.lower, ratio.upper) if np.isfinite(ratio.lower) and ratio.lower > 0 else None


def _spread(given: CheckInput) -> float:
    """Standard deviation of the comparison rows' outcome over the headline, by their weight."""
    effects = given.effects.each_unit()                     # rows of compressed units are no units of the panel
    y = outcome_array(given.sample.panel, effects.outcome)
    side = ~effects.rows["treated"].to_numpy()
    times = sorted(set(effects.cells["event_time"][headline_cells(given)]))
    column = np.searchsorted(effects.event_times, times)
    values = at_columns(y, effects.rows["unit"].to_numpy()[side, None], effects.rows["cohort"].to_numpy()[side, None] + np.array(times))
    weight = np.where(np.isfinite(values), effects.row_weight[side][:, column], 0.0)
    if not weight.sum() > 0:
        return 0.0
    mean = np.average(np.nan_to_num(values), weights=weight)
    return float(np.sqrt(np.average((np.nan_to_num(values) - mean) ** 2, weights=weight)))
