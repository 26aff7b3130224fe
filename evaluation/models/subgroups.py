"""Effects on parts of the treated (families with young children, with a parent out of work), and whether they differ."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from evaluation.errors import EstimationError, PlanError
from evaluation.models.clusters import Assignment, Clusters
from evaluation.models.effects import Effects, Estimate
from evaluation.models.inference import estimate_of
from evaluation.models.joint import Joint, joint
from evaluation.models.summaries import average, chosen_cells
from evaluation.panel.types import Panel
from evaluation.showing import Face, Showing, face_of

FEWEST = 2                     # treated units a part needs, for an effect with an error
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SubgroupEffects(Showing):
    """Effects by subgroup and the test that they are the same.

    Attributes
    ----------
    table : DataFrame, one row per subgroup
        `subgroup` and the fields of an `Estimate`.
    joint : Joint or None
        Values and covariance of the subgroups with an estimate; None where there are fewer than two.
    f, df1, df2, p_value : float
        Test that all these effects are equal; NaN where it cannot be made.
    differences : DataFrame
        `subgroup`, `compared_with` (the first), `difference`, `std_error`, `p_value`; unadjusted for their number.
    """

    table: pd.DataFrame
    joint: Joint | None
    f: float
    df1: float
    df2: float
    p_value: float
    differences: pd.DataFrame

    def face(self) -> Face:
        """Each subgroup's effect, and the one test that they differ."""
        shown = self.table[["subgroup", "estimate", "lower", "upper", "n_treated", "n_comparison"]]
        same = (f"Test that these effects are the same: p {self.p_value:.3f}." if np.isfinite(self.p_value)
                else "That these effects are the same cannot be tested: fewer than two have an interval, or there are too few clusters.")
        return face_of("Effects by subgroup", shown, names={"n_treated": "treated units", "n_comparison": "comparison units"},
                       notes=(same, "A subgroup's own interval does not say whether it differs from the others."))


def by_subgroup(effects: Effects, labels: Sequence[object], *, quarters: tuple[int, int] = (1, 4),
                cohorts: Sequence[int] | Literal["complete"] | None = "complete", clusters: Clusters = "auto",
                assignment: Assignment = "unit") -> SubgroupEffects:
    """Average effect on each subgroup of the treated units, and the interaction test.

    Parameters
    ----------
    labels : sequence, length n_units
        Subgroup of each row of the panel's units; missing ones are shown as a group of their own, 'not known'.
    quarters, cohorts, clusters, assignment
        As in `overall`.

    Raises
    ------
    EstimationError
        The estimator adjusts for covariates or has no row weights, so that its effects cannot be told apart by unit.

    Notes
    -----
    A subgroup's effect compares its treated units with their own sets' comparison units (or with the cohort's comparison units in proportion). The
    test is Hotelling's F on differences from the first subgroup: W (df - k + 1) / (k df) on k and df - k + 1 degrees of freedom. Subgroups that were
    not in the plan are exploratory, and their number belongs beside the p value.
    """
    if effects.row_weight is None or effects.adjusted:
        raise EstimationError(f"Effects by subgroup need an estimator whose rows say whom they describe: {effects.estimator!r} is not one. "
                              "Use `matched_did`.")
    effects = effects.each_unit()
    labels = pd.Series(labels, dtype=object)
    label = labels.where(labels.notna(), UNKNOWN).to_numpy()[effects.rows["unit"].to_numpy()]
    cells = chosen_cells(effects, quarters=quarters, cohorts=cohorts)
    treated = effects.rows["treated"].to_numpy()
    names = sorted(pd.unique(label[treated]), key=lambda name: (name == UNKNOWN, str(name)))
    parts = {name: average(effects, cells, treated_rows=treated & (label == name)) for name in names}
    shown = {name: estimate_of(effects, part, clusters=clusters, assignment=assignment) for name, part in parts.items()}
    table = pd.DataFrame([{"subgroup": name, **{field: getattr(found, field) for field in Estimate.__slots__}} for name, found in shown.items()])
    tested = [name for name, found in shown.items() if np.isfinite(found.std_error) and found.n_treated >= FEWEST]
    if len(tested) < 2:
        nan = float("nan")
        return SubgroupEffects(table=table, joint=None, f=nan, df1=nan, df2=nan, p_value=nan, differences=_differences(None))
    together = joint({str(name): (effects, parts[name]) for name in tested}, clusters=clusters, assignment=assignment)
    return SubgroupEffects(table=table, joint=together, differences=_differences(together), **dict(zip(("f", "df1", "df2", "p_value"),
                           equality(together), strict=True)))


def subgroup_labels(panel: Panel, column: str) -> np.ndarray:
    """Labels of a fixed covariate of the panel's units, or of a varying one at each unit's entry; shape (n_units,), None where not known.

    Raises
    ------
    PlanError
        The panel has no such column.
    """
    if column in panel.units:
        values = panel.units[column].to_numpy()
    elif column in panel.varying:
        values = panel.varying[column][np.arange(len(panel)), np.maximum(panel.entry, 0)]
    else:
        raise PlanError(f"A subgroup must be a column of the panel: {column!r} is not one of "
                        f"{', '.join([*panel.units.columns, *panel.varying])}. Mend `subgroups` in the plan.")
    return np.array([None if pd.isna(value) else value for value in values], dtype=object)


def equality(together: Joint) -> tuple[float, float, float, float]:
    """F, its degrees of freedom and p value of the test that all numbers are equal; NaN where there are too few clusters."""
    k = len(together.values) - 1
    contrast = np.column_stack([-np.ones(k), np.eye(k)])
    gap, spread = contrast @ together.values, contrast @ together.covariance @ contrast.T
    df2 = together.df - k + 1
    if df2 < 1 or np.linalg.matrix_rank(spread) < k:
        return float("nan"), float(k), float("nan"), float("nan")
    f = float(gap @ np.linalg.solve(spread, gap)) * df2 / (k * together.df)
    return f, float(k), float(df2), float(fdtrc(k, df2, f))


def _differences(together: Joint | None) -> pd.DataFrame:
    from scipy.special import stdtr

    rows = []
    for j in range(1, 0 if together is None else len(together.names)):
        weights = np.zeros(len(together.names))
        weights[[0, j]] = -1.0, 1.0
        value, error = together.contrast(weights)
        p = float(2 * stdtr(together.df, -abs(value) / error)) if error > 0 else float("nan")
        rows.append((together.names[j], together.names[0], value, error, p))
    return pd.DataFrame(rows, columns=["subgroup", "compared_with", "difference", "std_error", "p_value"])
