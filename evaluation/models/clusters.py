"""What errors are clustered on, and the covariance that follows from contributions of rows."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.models.columns import column
from evaluation.models.effects import Effects

Clusters = Literal["auto", "set", "unit", "unit_and_set", "area", "council"]
Assignment = Literal["unit", "area"]
IN_WORDS = {"set": "matched sets", "unit": "units", "area": "areas", "council": "councils"}


def cluster_names(effects: Effects, clusters: Clusters, assignment: Assignment) -> tuple[str, ...]:
    """What is clustered on: one dimension, or unit and set."""
    if clusters not in ("auto", "set", "unit", "unit_and_set", "area", "council"):
        raise PlanError(f"`estimator.cluster` must be auto, set, unit, unit_and_set, area or council: it is {clusters!r}. Mend the plan.")
    has_sets = effects.has_sets
    if clusters in ("set", "unit_and_set") and not has_sets:
        raise PlanError(f"`estimator.cluster: {clusters}` needs matched sets: {effects.estimator!r} has none. Use auto or unit.")
    if clusters == "unit_and_set":
        return ("unit", "set")
    if clusters != "auto":
        return (clusters,)
    if assignment == "area":
        return ("area",)
    if not has_sets or not effects.sets_are_clusters:
        return ("unit",)
    return ("unit", "set") if pd.Index(column(effects.rows, "unit")).has_duplicates else ("set",)


def cluster_codes(effects: Effects, name: str) -> np.ndarray:
    """Cluster of each row, an integer from 0 up (-1 for `set` where there are none).

    Raises
    ------
    EstimationError
        Rows are sums by place and units are asked for: `Effects.at` gives the rows for them.
    """
    if name == "unit" and (column(effects.rows, "unit") < 0).any():
        raise EstimationError("Errors clustered on units need rows by unit: these are sums by place. Take `effects.at(('unit',))` first.")
    found = column(effects.rows, {"council": "council_code"}.get(name, name))
    return found if found.dtype.kind == "i" else pd.factorize(found)[0]


def covariance_of(contributions: np.ndarray, codes: Sequence[np.ndarray], counts: Sequence[int] | None = None) -> np.ndarray:
    """CR1 covariance of several numbers from their rows' contributions, shape (n_rows, k), clustered in one or two ways.

    `counts` are the clusters of each way, where rows are sums of several; counted from `codes` otherwise.
    """
    def meat(code: np.ndarray, count: int | None = None) -> np.ndarray:
        sums = np.column_stack([np.bincount(code, weights=column) for column in contributions.T])
        g = count_clusters(code) if count is None else count
        return sums.T @ sums * (g / (g - 1) if g > 1 else 1.0)

    if len(codes) == 1:
        return meat(codes[0], None if counts is None else counts[0])
    both = pd.factorize(codes[0].astype(np.int64) * (int(codes[1].max()) + 1) + codes[1])[0]
    return positive(meat(codes[0]), meat(codes[1]), meat(both))


def positive(one: np.ndarray, two: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Two-way covariance; a difference that is not positive gives way to the larger one-way matrix."""
    joint = one + two - both
    larger = one if np.trace(one) >= np.trace(two) else two
    return joint if np.linalg.eigvalsh(joint).min() > 0 else larger


def count_clusters(code: np.ndarray) -> int:
    """Distinct clusters among integer codes."""
    return int(np.count_nonzero(np.bincount(code))) if len(code) else 0


def count_units(effects: Effects, rows: np.ndarray) -> int:
    """Distinct units behind some rows."""
    unit = (column(effects.rows, "unit") if effects.stands_for is None else effects.stands_for)[rows]
    n = column(effects.rows, "n_units")[rows]
    if not len(unit) or unit.min() < 0:
        _, first = np.unique(unit, return_index=True)
        return int(round(n[first].sum()))
    stands_for = np.zeros(int(unit.max()) + 1)
    stands_for[unit[::-1]] = n[::-1]              # the first row of a unit is written last
    return int(round(stands_for.sum()))


def count_of(effects: Effects, name: str, rows: np.ndarray, code: np.ndarray | None = None) -> int:
    """Distinct clusters among some rows; `code` is the cluster of every row, where that is known already."""
    return count_units(effects, rows) if name == "unit" else count_clusters((cluster_codes(effects, name) if code is None else code)[rows])


def degrees_of_freedom(effects: Effects, enters: np.ndarray, names: Sequence[str], codes: Sequence[np.ndarray | None] | None = None) -> int:
    """G - 1 of the smallest dimension; of the smaller arm where a cluster lies in one arm (areas, councils, units without sets)."""
    treated = column(effects.rows, "treated")
    out = []
    for name, code in zip(names, codes or [None] * len(names), strict=True):
        arms = [enters & treated, enters & ~treated] if name in ("area", "council") or names == ("unit",) else [enters]
        out.append(min(count_of(effects, name, arm, code) for arm in arms if arm.any()) - 1)
    return min(out)
