"""The straight drift before the programme, and what remains of an effect if it had gone on."""
from __future__ import annotations

import numpy as np

from evaluation.errors import EstimationError
from evaluation.models.clusters import Assignment, Clusters, cluster_names
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import estimate_of
from evaluation.models.summaries import Summary, average, chosen_cells, mean_of
from evaluation.models.uncertainty import uncertainty_of


def drift_before(effects: Effects, *, before: tuple[int, ...], clusters: Clusters = "auto", assignment: Assignment = "unit") -> Estimate:
    """The drift of the gap per period over the event times `before`, straight and through the base (generalised least squares).

    One number has more power against a drift than a joint test of all periods. Raises as `less_continued_trend`.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    parts, slope = _slope(effects, before, clusters, assignment)
    return estimate_of(effects, mean_of(parts, slope), clusters=clusters, assignment=assignment)


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
    effects = effects.at(cluster_names(effects, clusters, assignment))
    parts, slope = _slope(effects, before, clusters, assignment)
    reach = (quarters[0] + quarters[1]) / 2 - effects.base
    headline = average(effects, chosen_cells(effects, quarters=quarters, cohorts="complete"))
    return estimate_of(effects, mean_of([headline, *parts], np.concatenate([[1.0], -reach * slope])), clusters=clusters, assignment=assignment)


def _slope(effects: Effects, before: tuple[int, ...], clusters: Clusters, assignment: Assignment) -> tuple[list[Summary], np.ndarray]:
    """The effects before the base, and the weights that make their slope through it."""
    if effects.base is None or effects.row_weight is None:
        raise EstimationError("A drift before needs an estimator with one base period. Use matched_did.")
    times = effects.cells["event_time"].to_numpy()
    parts = {e: part for e in before if not (part := average(effects, times == e)).reason and part.contribution.any()}
    if not parts:
        raise EstimationError("No period before the base is observed. Lengthen `periods` or move `estimator.base`.")
    covariance = uncertainty_of(effects, list(parts.values()), clusters=clusters, assignment=assignment).covariance
    distance = np.array(list(parts), dtype=float) - effects.base
    try:
        precision = np.linalg.inv(covariance)
    except np.linalg.LinAlgError:
        raise EstimationError("The periods before the base move together: no drift can be fitted to them.") from None
    return list(parts.values()), precision @ distance / (distance @ precision @ distance)
