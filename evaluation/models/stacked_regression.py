"""Two-way regressions of rows that each have their own window: own arrays, and linearmodels' PanelOLS on the same rows.

A row is a unit, or a unit of a matched set; periods are counted inside a block (an entry cohort). Which enter is decided in `two_way.py`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.models.within_regression import Normal

NO_VARIATION = 1e-12           # treatment with less of its variation than this left after the effects does not vary within them
DUMMIES = 20_000_000           # above as many dummy entries linearmodels solves iteratively instead (160 MB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Rows by periods.

    Attributes
    ----------
    unit, sets : ndarray of int, shape (n_rows,)
        Row of the panel's units, and matched set (-1 without).
    treated : ndarray of bool, shape (n_rows,)
    block : ndarray of int, shape (n_rows,)
        Rows of one block share their period effects.
    y : ndarray, shape (n_rows, n_periods)
        NaN where an observation does not enter.
    d : ndarray of bool, shape (n_rows, n_periods)
        Whether it is treated.
    weight : ndarray, shape (n_rows,)
    """

    unit: np.ndarray
    sets: np.ndarray
    treated: np.ndarray
    block: np.ndarray
    y: np.ndarray
    d: np.ndarray
    weight: np.ndarray


def own_two_way(stack: Stack, outcome: str) -> tuple[float, np.ndarray]:
    """Coefficient of treatment with row and block-by-period effects, and the influence of each row, shape (n_rows,).

    Notes
    -----
    Frisch and Waugh: outcome and treatment are freed of row means, then of period effects from each block's normal equations of n_periods unknowns.
    """
    seen = np.isfinite(stack.y)
    refuse_untreated(outcome, int((stack.d & seen).sum()), int(seen.sum()))
    block = np.unique(stack.block, return_inverse=True)[1].ravel()
    y, d = np.where(seen, stack.y, 0.0), (stack.d & seen).astype(float)
    for b in range(int(block.max()) + 1):
        here = block == b
        y[here], d[here] = _free_of_effects(y[here], d[here], seen[here], stack.weight[here])
    spread = float(stack.weight @ (d * d).sum(axis=1))
    if not spread > NO_VARIATION * float(stack.weight @ (stack.d & seen).sum(axis=1)):
        raise no_variation(outcome)
    att = float(stack.weight @ (d * y).sum(axis=1)) / spread
    return att, stack.weight * (d * (y - att * d)).sum(axis=1) / spread


def linearmodels_two_way(stack: Stack, outcome: str) -> tuple[float, np.ndarray]:
    """The same from linearmodels' PanelOLS, which makes the effects and the residuals."""
    from linearmodels.panel import PanelOLS
    from linearmodels.panel.utility import AbsorbingEffectError

    row, j = np.nonzero(np.isfinite(stack.y))
    d = (stack.d[row, j]).astype(float)
    refuse_untreated(outcome, int(d.sum()), len(d))
    index = pd.MultiIndex.from_arrays([row, stack.block[row] * stack.y.shape[1] + j], names=["entity", "time"])
    y, d, w = (pd.Series(values, index=index, name=name) for values, name in ((stack.y[row, j], "y"), (d, "d"), (stack.weight[row], "w")))
    one = pd.Series(1.0, index=index, name="one").to_frame()
    how = {"debiased": False, "low_memory": len(y) * len(np.unique(index.codes[1])) > DUMMIES}
    try:
        fit = PanelOLS(y, d.to_frame(), weights=w, entity_effects=True, time_effects=True).fit(**how)
        residual_d = PanelOLS(d, one, weights=w, entity_effects=True, time_effects=True).fit(**how).resids.to_numpy()
    except (AbsorbingEffectError, ValueError, np.linalg.LinAlgError) as error:
        raise no_variation(outcome) from error
    weight = w.to_numpy()
    score = weight * residual_d * fit.resids.to_numpy()
    spread = float(weight @ residual_d**2)
    return float(fit.params.iloc[0]), np.bincount(row, weights=score / spread, minlength=len(stack.unit))


def refuse_untreated(outcome: str, n_treated: int, n: int) -> None:
    """Raise unless some observations are treated and some are not."""
    if not 0 < n_treated < n:
        raise EstimationError(f"A two-way estimate of {outcome!r} needs treated observations after entry and others: {n_treated:,} of {n:,} are "
                              "treated. Mend `periods` or `estimator.window` in the plan.")


def no_variation(outcome: str) -> EstimationError:
    """The error of a treatment that the effects determine."""
    return EstimationError(f"A two-way estimate of {outcome!r} cannot be computed: treatment does not vary within units and periods. "
                           "Mend `periods`, `estimator.window` or the comparison pools in the plan.")


def _free_of_effects(y: np.ndarray, d: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of the outcome and of treatment on the row and period effects of one block."""
    n = np.maximum(seen.sum(axis=1), 1)
    centre = [np.where(seen, values - (values.sum(axis=1) / n)[:, None], 0.0) for values in (y, d)]
    share = seen * (weight / n)[:, None]
    normal = Normal.of(np.diag(weight @ seen) - share.T @ seen)
    out = []
    for values in centre:
        effect = np.where(seen, normal.inverse @ (weight @ values), 0.0)
        out.append(np.where(seen, values - (effect - (effect.sum(axis=1) / n)[:, None]), 0.0))
    return out[0], out[1]
