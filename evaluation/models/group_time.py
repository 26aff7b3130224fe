"""Group-time average treatment effects of Callaway and Sant'Anna on a panel, with and without covariates.

ATT(g,t) and influence rows only; their summaries are in `inference.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.propensity import fit_logit
from evaluation.matching.sample import MatchedSample
from evaluation.models.cohorts import CohortCells, difference_in_means, effects_of, status_of
from evaluation.models.contrasts import BASE, ESTIMATED, NOT_ESTIMABLE, at_columns, collected, outcome_array
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel

TRIM = 0.995                   # comparison units more likely than this to be treated are left out (DRDID's default)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTimeATT:
    """ATT(g,t): the average effect in period t on the units first treated in period g.

    Assumes parallel trends (given the covariates, where a method uses them) between cohort g and its comparison units, and no anticipation beyond
    `anticipation` periods.

    Attributes
    ----------
    control : 'never' or 'notyet'
        Comparison units: those that never join in the panel, or all that have not joined by the later of the two dates plus the
        anticipation.
    base : 'varying' or 'universal'
        'universal' compares every period with g - 1 - anticipation; 'varying' does so from g on, and compares a period before g with the one
        before it.
    anticipation : int
    method : 'none', 'reg', 'ipw' or 'dr'
        No covariates; outcome regression; inverse probability weights; doubly robust.
    covariates : tuple of str
        Fixed columns of `panel.units`. Units that lack one are left out.
    window : (int, int) or None
        Event times kept; None for all that the panel has.

    Notes
    -----
    Units enter a cell when they are observed at both dates (pairs). Weights are equal. Of a matched sample only the panel is used.

    References
    ----------
    Callaway and Sant'Anna (2021), DOI 10.1016/j.jeconom.2020.12.001, eq. 2.2 to 2.6; Sant'Anna and Zhao (2020), DOI 10.1016/j.jeconom.2020.06.003.
    Checked against R `did` 2.5.1 (stored results on mpdta) and csdid 0.4.3.
    """

    control: Literal["never", "notyet"] = "never"
    base: Literal["varying", "universal"] = "universal"
    anticipation: int = 0
    method: Literal["none", "reg", "ipw", "dr"] = "none"
    covariates: tuple[str, ...] = ()
    window: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        choices = {"control": ("never", "notyet"), "base": ("varying", "universal"), "method": ("none", "reg", "ipw", "dr")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise PlanError(f"`estimator.{name}` must be one of {', '.join(allowed)}: it is {getattr(self, name)!r}. Mend the plan.")
        if (self.method == "none") != (not self.covariates):
            raise PlanError(f"`estimator.method: {self.method}` and `estimator.covariates: {list(self.covariates)}` do not go together: "
                            "'none' takes no covariates and the others need at least one. Mend the plan.")
        if self.anticipation < 0:
            raise PlanError(f"`estimator.anticipation` must be 0 or more: it is {self.anticipation}. Mend the plan.")

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT(g,t) with influence rows per (unit, cohort).

        Parameters
        ----------
        sample : Panel, or MatchedSample (its panel is used)
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all. The base is taken as it falls.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        y, x = outcome_array(panel, outcome), _covariates(panel, self.covariates)
        event_times = self._event_times(len(panel.periods))
        usable = np.isfinite(x).all(axis=1)
        is_collected = collected(panel.periods, calendar)
        parts = [self._cohort(y, x, usable, panel.entry, int(g), event_times, is_collected) for g in np.unique(panel.entry[panel.entry >= 0])]
        if not any((part.status == ESTIMATED).any() for part in parts):
            raise EstimationError(f"No ATT(g,t) of {outcome!r} can be estimated: no cohort has a base, treated units and comparison units "
                                  f"({self.control} treated) observed together. Mend `periods`, `estimator.control` or the pools in the plan.")
        notes = () if usable.all() else (f"{(~usable).sum():,} of {len(usable):,} units lack a covariate and were left out.",)
        base = -1 - self.anticipation if self.base == "universal" else None
        return effects_of(panel, outcome, parts, event_times, estimator=self.in_words(), base=base,
                          anticipation=self.anticipation, notes=notes, adjusted=self.method != "none")

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        how = {"none": "without covariates", "reg": "outcome regression", "ipw": "inverse probability weights", "dr": "doubly robust"}[self.method]
        given = f" given {', '.join(self.covariates)}" if self.covariates else ""
        against = {"never": "never treated", "notyet": "not yet treated"}[self.control]
        return f"group-time average effects (Callaway and Sant'Anna), {how}{given}, against {against} units, {self.base} base"

    def _event_times(self, n_periods: int) -> np.ndarray:
        first, last = self.window or (1 - n_periods, n_periods - 1)
        return np.arange(first, last + 1)

    def _base_columns(self, g: int, event_times: np.ndarray) -> np.ndarray:
        universal = np.full(len(event_times), g - 1 - self.anticipation)
        return universal if self.base == "universal" else np.where(event_times >= 0, universal, g + event_times - 1)

    def _cohort(self, y, x, usable, entry, g, event_times, is_collected) -> CohortCells:
        # cells before g may use cohorts that join before g, as long as both dates lie before their entry
        unit = np.flatnonzero(usable & ((entry == g) | (entry < 0) | (self.control == "notyet")))
        column, base = g + event_times, self._base_columns(g, event_times)
        treated = entry[unit] == g
        change = at_columns(y, unit[:, None], column) - at_columns(y, unit[:, None], base)
        untreated = (entry[unit] < 0)[:, None] | (entry[unit][:, None] > np.maximum(column, base) + self.anticipation)
        change = np.where(treated[:, None] | untreated, change, np.nan)
        used = treated | np.isfinite(change).any(axis=1)
        unit, treated, change = unit[used], treated[used], change[used]
        status = status_of(change, treated, column, base >= 0, is_collected)
        if self.base == "universal":
            status[(column == base) & (status == ESTIMATED)] = BASE
        estimate, influence, weight = difference_in_means(change, treated)
        if self.method != "none":
            estimate, influence, weight = _with_covariates(change, treated, x[unit], self.method, self.covariates, status)
        influence[:, status != ESTIMATED] = 0.0
        return CohortCells(cohort=g, unit=unit, treated=treated, estimate=estimate, n_treated=np.isfinite(change[treated]).sum(axis=0),
                           n_comparison=np.isfinite(change[~treated]).sum(axis=0), status=status, influence=influence, weight=weight)


def _covariates(panel: Panel, names: Sequence[str]) -> np.ndarray:
    if unknown := [name for name in names if name not in panel.units]:
        raise PlanError(f"`estimator.covariates` must be fixed columns of the panel's units: {', '.join(unknown)} is not. "
                        f"There are {', '.join(panel.units.columns)}.")
    return panel.units[list(names)].to_numpy(dtype=float)


def _with_covariates(change, treated, x, method, names, status):
    """Estimates, influence and weights of one cohort, event time by event time; changes `status` where a cell cannot be estimated."""
    estimate, influence, weight = np.full(change.shape[1], np.nan), np.zeros(change.shape), np.zeros(change.shape)
    for j in np.flatnonzero((status == ESTIMATED) | (status == BASE)):
        rows = np.isfinite(change[:, j])
        try:
            estimate[j], influence[rows, j], weight[rows, j] = conditional_att(change[rows, j], treated[rows], x[rows], method=method, names=names)
        except EstimationError:
            status[j] = NOT_ESTIMABLE
    return estimate, influence, weight


def conditional_att(change: np.ndarray, treated: np.ndarray, x: np.ndarray, *, method: str,
                    names: Sequence[str]) -> tuple[float, np.ndarray, np.ndarray]:
    """Two-period, two-group ATT given covariates.

    Parameters
    ----------
    change : ndarray, shape (n,)
    treated : ndarray of bool, shape (n,)
    x : ndarray, shape (n, p)
        Covariates without an intercept.
    method : 'reg', 'ipw' or 'dr'

    Returns
    -------
    att : float
    influence : ndarray, shape (n,)
        Divided by n, so that its sum of squares is the variance.
    weight : ndarray, shape (n,)
        1 for treated rows; comparison rows' weights (implied by the regression, or the inverse probability weights), summing to the number treated.

    Raises
    ------
    EstimationError
        The comparison units do not determine the regression, or the score cannot be estimated.

    Notes
    -----
    Sant'Anna and Zhao (2020): outcome regression eq. 2.2, inverse probability weights normalised to 1 (Hajek), doubly robust eq. 3.1 with influence
    function 3.3 including both nuisance estimates. The score is the logit, the outcome model least squares on the comparison units.
    """
    n, d = len(change), treated.astype(float)
    z = np.column_stack([np.ones(n), x])
    odds, score_influence = (np.ones(n), None) if method == "reg" else _odds(treated, x, z, names)
    fitted, fit_influence = (np.zeros(n), None) if method == "ipw" else _regression(change, d, z)
    left = change - fitted
    eta_treated = (d @ left) / d.sum()
    treated_part = d * (left - eta_treated)
    if fit_influence is not None:
        treated_part = treated_part - fit_influence @ (z * d[:, None]).mean(axis=0)
    treated_part = treated_part / d.mean()
    if method == "reg":
        weight = d + (1 - d) * (z @ np.linalg.solve((z * (1 - d)[:, None]).T @ z, d @ z))
        return float(eta_treated), treated_part / n, weight
    w = odds * (1 - d)
    eta_comparison = (w @ left) / w.sum()
    comparison_part = w * (left - eta_comparison) + score_influence @ (z * (w * (left - eta_comparison))[:, None]).mean(axis=0)
    if fit_influence is not None:
        comparison_part = comparison_part - fit_influence @ (z * w[:, None]).mean(axis=0)
    comparison_part = comparison_part / w.mean()
    return float(eta_treated - eta_comparison), (treated_part - comparison_part) / n, d + w * d.sum() / w.sum()


def _odds(treated: np.ndarray, x: np.ndarray, z: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Odds of treatment (0 beyond the trimming bound for comparison rows) and the influence of the logit's coefficients, shape (n, p + 1)."""
    p = np.minimum(fit_logit(x, treated, names=names).probability, 1 - 1e-6)
    information = (z * (p * (1 - p))[:, None]).T @ z / len(z)
    influence = (z * (treated - p)[:, None]) @ np.linalg.inv(information)
    return np.where(treated | (p < TRIM), p / (1 - p), 0.0), influence


def _regression(change: np.ndarray, d: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fitted changes from least squares on the comparison rows, and the influence of its coefficients, shape (n, p + 1)."""
    moment = (z * (1 - d)[:, None]).T @ z / len(z)
    if np.linalg.cond(moment) > 1e15:
        raise EstimationError(f"The comparison units must determine the outcome regression: {int((1 - d).sum()):,} units and {z.shape[1]:,} "
                              "coefficients (or collinear covariates). Take covariates out of `estimator.covariates`.")
    inverse = np.linalg.inv(moment)
    fitted = z @ (inverse @ (z.T @ ((1 - d) * change) / len(z)))
    return fitted, (z * ((1 - d) * (change - fitted))[:, None]) @ inverse
