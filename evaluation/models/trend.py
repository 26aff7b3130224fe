"""What remains of an effect if the drift before the programme had gone on."""
from __future__ import annotations

import numpy as np

from evaluation.errors import EstimationError
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import Assignment, Clusters, average, chosen_cells, cluster_codes, cluster_names, covariance_of, estimate_of, mean_of


def less_continued_trend(effects: Effects, *, before: tuple[int, ...], quarters: tuple[int, int], clusters: Clusters = "auto",
                         assignment: Assignment = "unit") -> Estimate:
    """The headline less the straight continuation of the drift before, with the error of both.

    Parameters
    ----------
    before : tuple of int
        Event times before the base on which the drift is fitted (generalised least squares through the base).
    quarters : (int, int)
        Event times of the headline.

    Notes
    -----
    A different assumption, not a better estimate: the drift is taken to go on at its own pace. With few periods before, its error is large.

    Raises
    ------
    EstimationError
        No period before is observed, or the effects have no base.
    """
    if effects.base is None or effects.row_weight is None:
        raise EstimationError("A drift before needs an estimator with one base period. Use matched_did.")
    times = effects.cells["event_time"].to_numpy()
    parts = {e: part for e in before if not (part := average(effects, times == e)).reason and part.contribution.any()}
    if not parts:
        raise EstimationError("No period before the base is observed. Lengthen `periods` or move `estimator.base`.")
    enters = np.logical_or.reduce([part.enters for part in parts.values()])
    codes = [cluster_codes(effects, name)[enters] for name in cluster_names(effects, clusters, assignment)]
    covariance = covariance_of(np.column_stack([part.contribution[enters] for part in parts.values()]), codes)
    distance = np.array(list(parts), dtype=float) - effects.base
    try:
        precision = np.linalg.inv(covariance)
    except np.linalg.LinAlgError:
        raise EstimationError("The periods before the base move together: no drift can be fitted to them.") from None
    slope = precision @ distance / (distance @ precision @ distance)
    reach = (quarters[0] + quarters[1]) / 2 - effects.base
    headline = average(effects, chosen_cells(effects, quarters=quarters, cohorts="complete"))
    return estimate_of(effects, mean_of([headline, *parts.values()], np.concatenate([[1.0], -reach * slope])), clusters=clusters, assignment=assignment)
