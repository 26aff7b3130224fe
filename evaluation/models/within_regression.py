"""Least squares with unit effects from additive sums: a unit's design depends on its cohort and pattern of observation only.

Normal equations are sums over kinds of units, and a unit's influence is linear in its outcomes. What is regressed on what is decided in `two_way.py`,
`event_study_regression.py` and `imputation.py`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.models.cell_sums import CellSums, Groups, cell_sums, each_unit
from evaluation.models.contrasts import collected, outcome_array
from evaluation.panel.types import Panel

COLLINEAR = 1e-11              # a direction with less of the largest eigenvalue than this is determined by the others
IN_SPAN = 1e-7                 # a number with more of its length than this outside the span of the design is not identified


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSums:
    """Sums of one outcome of a panel, and what `panel_effects` asks for beside them.

    Attributes
    ----------
    sums : CellSums
    is_collected : ndarray of bool, shape (n_periods,)
    units : callable
        Every unit as a group of its own, and its row.
    """

    sums: CellSums
    is_collected: np.ndarray
    units: Callable[[], tuple[Groups, np.ndarray]]


def panel_sums(panel: Panel, outcome: str, *, calendar: Sequence[int], weights: str | None) -> PanelSums:
    """Add up an outcome; what is not collected counts as not observed.

    Parameters
    ----------
    calendar : sequence of int
        Quarters of the year (1 to 4) in which the outcome is collected; empty for all.
    weights : str or None
        Column of `panel.units` with weights of 0 or more.
    """
    y, is_collected, w = outcome_array(panel, outcome), collected(panel.periods, calendar), unit_weights(panel, weights)
    if not is_collected.all():
        y = np.where(is_collected, y, np.nan)
    return PanelSums(sums=cell_sums(y, panel.entry, panel.units[["council_code", "area"]], weights=w), is_collected=is_collected,
                     units=lambda: each_unit(y, panel.entry, weights=w))


def unit_weights(panel: Panel, name: str | None) -> np.ndarray | None:
    """A column of the panel's units as weights; None for equal ones."""
    if name is None:
        return None
    if name not in panel.units:
        raise PlanError(f"`estimator.weights` must be a fixed column of the panel's units: {name!r} is not one of {', '.join(panel.units.columns)}. "
                        "Mend the plan.")
    return panel.units[name].to_numpy(dtype=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """The inverse of a normal matrix that may lack directions, and whether a number can be read from it.

    Attributes
    ----------
    inverse : ndarray, shape (k, k)
        Pseudo-inverse.
    lost : ndarray, shape (k, n_lost)
        Directions that the design does not determine, in scaled coordinates.
    scale : ndarray, shape (k,)
    """

    inverse: np.ndarray
    lost: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> Normal:
        """From a symmetric matrix that is not negative."""
        scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
        scale[scale == 0] = 1.0
        size, direction = np.linalg.eigh(matrix / np.outer(scale, scale))
        kept = size > COLLINEAR * max(size[-1], 1.0)
        root = direction[:, kept] / np.sqrt(size[kept]) / scale[:, None]
        return cls(inverse=root @ root.T, lost=direction[:, ~kept], scale=scale)

    def identifies(self, numbers: np.ndarray) -> np.ndarray:
        """Whether linear functions of the coefficients, shape (k, m), are determined by the design; shape (m,)."""
        scaled = numbers / self.scale[:, None]
        return np.linalg.norm(self.lost.T @ scaled, axis=0) <= IN_SPAN * np.linalg.norm(scaled, axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinFit:
    """A fitted regression with unit effects.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
    normal : Normal
    design : ndarray, shape (n_kinds_of_cohort, n_periods, k)
        Before unit effects are taken out.
    cohort : ndarray of int, shape (n_kinds,)
        Row of `design` of each kind of unit.
    use : ndarray of bool, shape (n_kinds, n_periods)
        Periods of each kind that enter.
    fitted : ndarray, shape (n_kinds_of_cohort, n_periods)
        Without the unit effect.
    """

    coefficients: np.ndarray
    normal: Normal
    design: np.ndarray
    cohort: np.ndarray
    use: np.ndarray
    fitted: np.ndarray = field(repr=False)

    def influence(self, groups: Groups, numbers: np.ndarray) -> np.ndarray:
        """Influence of groups on linear functions of the coefficients, given by their gradients, shape (k, m); shape (n_groups, m)."""
        loading = self.design @ (self.normal.inverse @ numbers)
        residual = less_unit_mean(groups, self.use, self.fitted[self.cohort])
        own, out = self.cohort[groups.kind], np.empty((len(groups), numbers.shape[1]))
        for c, each in enumerate(loading):
            here = own == c
            out[here] = residual[here] @ each
        return out


def less_unit_mean(groups: Groups, use: np.ndarray, fitted: np.ndarray | None = None) -> np.ndarray:
    """Weighted outcomes (less `fitted`, by kind) minus their mean over the periods in use; 0 elsewhere; shape (n_groups, n_periods)."""
    mask = use[groups.kind]
    values = groups.total if fitted is None else groups.total - groups.weight[:, None] * fitted[groups.kind]
    values = np.where(mask, values, 0.0)
    mean = values.sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    return np.where(mask, values - mean[:, None], 0.0)


def fit_within(sums: CellSums, design: np.ndarray, use: np.ndarray) -> WithinFit:
    """Least squares with an effect of each unit, weighted by unit weights.

    Parameters
    ----------
    design : ndarray, shape (n_cohorts, n_periods, k)
        Columns for units of each cohort, in the order of `np.unique(sums.cohort)`; those that determine each other share the burden.
    use : ndarray of bool, shape (n_kinds, n_periods)
        Observations that enter.

    Notes
    -----
    With S a kind's pattern, n its periods in use and W the weight of its units, M = sum W (diag(S) - S S' / n) over a cohort's kinds, the normal
    matrix is the sum of X' M X over cohorts (Frisch and Waugh), exact for unbalanced panels.
    """
    cohort = np.unique(sums.cohort, return_inverse=True)[1].ravel()
    groups = sums.by_place
    weight = np.bincount(groups.kind, weights=groups.weight, minlength=len(cohort))
    changes = less_unit_mean(groups, use)
    matrix, right = np.zeros((design.shape[2], design.shape[2])), np.zeros(design.shape[2])
    for c, x in enumerate(design):
        matrix += x.T @ _within_moments(use[cohort == c], weight[cohort == c]) @ x
        right += x.T @ changes[cohort[groups.kind] == c].sum(axis=0)
    normal = Normal.of(matrix)
    coefficients = normal.inverse @ right
    return WithinFit(coefficients=coefficients, normal=normal, design=design, cohort=cohort, use=use, fitted=design @ coefficients)


def _within_moments(use: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum over units of the matrix that takes a unit's mean off, shape (n_periods, n_periods)."""
    seen = use.astype(float)
    share = weight / np.maximum(seen.sum(axis=1), 1)
    return np.diag(weight @ seen) - (seen * share[:, None]).T @ seen


def period_effects(n_cohorts: int, n_periods: int) -> np.ndarray:
    """The design of period effects alone, shape (n_cohorts, n_periods, n_periods)."""
    return np.broadcast_to(np.eye(n_periods), (n_cohorts, n_periods, n_periods))


def entry_effects(cohorts: np.ndarray, n_periods: int, column_of: Callable[[np.ndarray], np.ndarray], n_columns: int) -> np.ndarray:
    """Period effects, then indicators of treated units by event time.

    Parameters
    ----------
    cohorts : ndarray of int, shape (n_cohorts,)
        Entry columns, -1 where never.
    column_of : callable
        Of event times: the indicator each belongs to, -1 for none.
    """
    design = np.zeros((len(cohorts), n_periods, n_periods + n_columns))
    design[:, :, :n_periods] = np.eye(n_periods)
    for c in np.flatnonzero(cohorts >= 0):
        column = column_of(np.arange(n_periods) - cohorts[c])
        there = np.flatnonzero(column >= 0)
        design[c, there, n_periods + column[there]] = 1.0
    return design


def units_in_use(sums: CellSums, use: np.ndarray) -> np.ndarray:
    """Units by kind and period in use, shape (n_kinds, n_periods)."""
    count = np.bincount(sums.by_place.kind, weights=sums.by_place.count, minlength=len(sums.cohort))
    return count[:, None] * use


def always_treated(sums: CellSums, is_collected: np.ndarray, anticipation: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Kinds of units whose cohort has no period before the programme may be felt, shape (n_kinds,), and a note that counts their units."""
    n_before = np.concatenate([[0], np.cumsum(is_collected)])
    out = (sums.cohort >= 0) & (n_before[np.clip(sums.cohort - anticipation, 0, len(is_collected))] == 0)
    n = round(sums.by_place.count[out[sums.by_place.kind]].sum())
    return out, (f"{n:,} units are treated from the first period on and are left out.",) if n else ()


def refuse_nothing(found: bool, outcome: str, what: str, mend: str) -> None:
    """Raise where no cell could be estimated."""
    if not found:
        raise EstimationError(f"No {what} of {outcome!r} can be estimated: no cohort is seen before and after entry beside comparison units. "
                              f"Mend {mend} in the plan.")
