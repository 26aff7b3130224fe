"""Distances of methods that measure either the score or several covariates: their option, their words, and coordinates of a problem's rows."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from evaluation.matching.matcher import Matcher
from evaluation.matching.options import refuse
from evaluation.matching.problem import Problem
from evaluation.matching.search.distances import Kind, distance_columns, whitened

Distance = Literal["score", "mahalanobis", "robust_mahalanobis", "scaled_euclidean", "euclidean"]
DISTANCES: tuple[str, ...] = get_args(Distance)
WORDS = {"mahalanobis": "Mahalanobis", "robust_mahalanobis": "rank-based Mahalanobis", "scaled_euclidean": "scaled Euclidean",
         "euclidean": "Euclidean"}


def coordinates_of(problem: Problem, covariates: Sequence[str], kind: Kind, *, n_history: int = 0) -> np.ndarray:
    """Coordinates whose Euclidean distance is the wanted one, shape (n_rows, q); NaN where a column is missing.

    Moments are those of the problem's complete rows, added up in the order of identifiers, whatever that of the rows.

    Parameters
    ----------
    n_history : int
        How many of the last columns of `problem.x`, which hold earlier outcomes, belong to the distance.
    """
    rows = problem.rows
    columns = distance_columns(rows, covariates)
    if n_history:
        columns = np.column_stack([columns, problem.x[:, -n_history:]])
    by_id = np.lexsort((rows.period, rows.id))
    by_id = by_id[np.isfinite(columns).all(axis=1)[by_id]]
    z = whitened(columns[by_id], rows.treated[by_id], rows.weights[by_id], kind)
    out = np.full((len(rows), z.shape[1]), np.nan)
    out[by_id] = z
    return out


def refuse_distance(spec: Matcher) -> None:
    """Raise where `spec.distance` is none, or has nothing to measure."""
    refuse(spec.distance not in DISTANCES, f"`matching.distance` must be {', '.join(DISTANCES[:-1])} or {DISTANCES[-1]}: it is {spec.distance!r}.")
    refuse(spec.distance != "score" and not (spec.covariates or spec.history), "A distance needs at least one column: name them in "
           "`matching.covariates`.")


def distance_words(spec: Matcher, caliper: str) -> str:
    """What is measured, inside which caliper and keys: the end of a method's words."""
    on, exact = spec.common_words()
    if spec.distance == "score":
        return f"on {spec.score.in_words()} {on}, {caliper}, {exact}"
    names = ", ".join((*spec.covariates, *(f"history of {name}" for name in spec.history)))
    inside = f"inside {caliper}, the score being {spec.score.in_words()} {on}" if spec.uses_score() else caliper
    return f"on the {WORDS[spec.distance]} distance over {names}, {inside}, {exact}"
