"""Effects on the treated units of each council or area, made from their own sets."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.models.clusters import Assignment, Clusters, cluster_names
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import estimate_of
from evaluation.models.summaries import Summary, average, chosen_cells, share_within
from evaluation.models.uncertainty import Errors

By = Literal["council_code", "area"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEffect:
    """The average effect on one place's treated units.

    Attributes
    ----------
    place : str
    estimate : Estimate
    summary : Summary
        Over `rows` alone.
    rows : ndarray of int
        Rows of the effects that stand in a set (or cohort) with the place's treated units.
    share_within : float
        Share of comparison weight from the same place; NaN without sets.
    """

    place: str
    estimate: Estimate
    summary: Summary
    rows: np.ndarray
    share_within: float


def by_council(effects: Effects, *, quarters: tuple[int, int] = (1, 4), cohorts: Sequence[int] | Literal["complete"] | None = "complete",
               clusters: Clusters = "auto", assignment: Assignment = "unit", errors: Errors = "auto", by: By = "council_code") -> pd.DataFrame:
    """Average effect on each council's (or area's) treated units; one row each.

    Returns
    -------
    DataFrame
        The council or area, the columns of an `Estimate`, and `share_within`: the share of comparison weight from the same council or area. An
        interval of sets or units stands alone only where `share_within` is 1; with comparison units from outside it leaves out shocks between
        councils.

    Raises
    ------
    EstimationError
        The estimator adjusts for covariates or has no row weights, so that its effects cannot be told apart by council.
    """
    return table_of(of_places(effects, quarters=quarters, cohorts=cohorts, clusters=clusters, assignment=assignment, errors=errors, by=by)[1], by=by)


def of_places(effects: Effects, *, quarters: tuple[int, int], cohorts: Sequence[int] | Literal["complete"] | None, clusters: Clusters,
              assignment: Assignment, errors: Errors = "auto", by: By = "council_code") -> tuple[Effects, list[PlaceEffect]]:
    """Effects on places in order of their names, and the effects whose rows they speak of (one row per unit where units are the clusters).

    Each place is worked out on its own rows: with many councils the others would cost time and memory in the square of their number.
    """
    if effects.row_weight is None or effects.adjusted:
        raise EstimationError(f"Effects by council need an estimator whose rows say whom they describe: {effects.estimator!r} is not one. "
                              "Use `matched_did` for effects by council.")
    names = cluster_names(effects, clusters, assignment)
    if names == ("unit",):
        effects = effects.each_unit()
    cells = chosen_cells(effects, quarters=quarters, cohorts=cohorts)
    found = []
    for place, rows in _rows_of_places(effects, by):
        part = effects.of_rows(rows)
        places = part.rows[by].to_numpy()
        summary = average(part, cells, treated_rows=part.rows["treated"].to_numpy() & (places == place))
        estimate = estimate_of(part, summary, clusters="unit_and_set" if len(names) > 1 else names[0], assignment=assignment, errors=errors)
        found.append(PlaceEffect(place=place, estimate=estimate, summary=summary, rows=rows, share_within=share_within(part, cells, places, place)))
    return effects, found


def table_of(found: Sequence[PlaceEffect], *, by: By) -> pd.DataFrame:
    """Places' effects as `by_council` gives them."""
    return pd.DataFrame([{by: one.place, **{name: getattr(one.estimate, name) for name in Estimate.__slots__}, "share_within": one.share_within}
                         for one in found])


def in_all(effects: Effects, one: PlaceEffect) -> Summary:
    """A place's number as a summary of the effects of all places."""
    return one.summary.among(len(effects.rows), one.rows)


def _rows_of_places(effects: Effects, by: By) -> list[tuple[str, np.ndarray]]:
    """Each place with treated units, and the rows of these units' sets (of their cohorts where there are no sets), in rising order."""
    key, treated = effects.set_or_cohort(), effects.rows["treated"].to_numpy()
    order = np.argsort(key, kind="stable")
    keys, first, count = np.unique(key[order], return_index=True, return_counts=True)
    found = []
    for place, own in pd.Series(key[treated]).groupby(effects.rows[by].to_numpy()[treated]):
        at = np.searchsorted(keys, own.unique())
        members = np.concatenate([order[start:start + n] for start, n in zip(first[at], count[at], strict=True)])
        found.append((place, np.sort(members)))
    return found
