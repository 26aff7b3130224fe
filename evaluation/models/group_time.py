"""Group-time average treatment effects of Callaway and Sant'Anna on a panel, with and without covariates.

ATT(g,t) and influence only; their summaries are in `inference.py`. Without covariates everything is read from sums (`cell_sums.py`); with covariates
every cohort's score and regression are fitted once for all its cells that compare the same units.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.cell_sums import CellSums, Groups, cell_sums, each_unit, weighted_sums
from evaluation.models.cohort_cells import CohortCells, Control, Means, Observed, cohort_cells, contribution, means, status_of
from evaluation.models.conditional_att import ConditionalATT, conditional_att
from evaluation.models.contrasts import BASE, ESTIMATED, NOT_ESTIMABLE, cells_frame, collected, outcome_array
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.panel_effects import Contribution, panel_effects
from evaluation.panel.types import Panel

METHODS = {"none": "without covariates", "reg": "outcome regression", "ipw": "inverse probability weights", "dr": "doubly robust"}
OBSERVED = {"pairs": "", "full": ", units observed in every period", "rcs": ", repeated cross-sections"}


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
    observed : 'pairs', 'full' or 'rcs'
        A cell uses units seen at both its dates, units seen in every period of the panel, or (without covariates) whoever is seen at either date.
    weights : str or None
        Column of `panel.units` with sampling or matching weights of 0 or more.
    trim : float
        Comparison units at least this likely to be treated are left out (DRDID's default).

    References
    ----------
    Callaway and Sant'Anna (2021), DOI 10.1016/j.jeconom.2020.12.001, eq. 2.2 to 2.6; Sant'Anna and Zhao (2020), DOI 10.1016/j.jeconom.2020.06.003.
    Checked against R `did` (stored results) and csdid 0.4.3.
    """

    control: Control = "never"
    base: Literal["varying", "universal"] = "universal"
    anticipation: int = 0
    method: Literal["none", "reg", "ipw", "dr"] = "none"
    covariates: tuple[str, ...] = ()
    window: tuple[int, int] | None = None
    observed: Observed = "pairs"
    weights: str | None = None
    trim: float = 0.995

    def __post_init__(self) -> None:
        choices = {"control": ("never", "notyet"), "base": ("varying", "universal"), "method": tuple(METHODS), "observed": tuple(OBSERVED)}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise PlanError(f"`estimator.{name}` must be one of {', '.join(allowed)}: it is {getattr(self, name)!r}. Mend the plan.")
        if (self.method == "none") != (not self.covariates):
            raise PlanError(f"`estimator.method: {self.method}` and `estimator.covariates: {list(self.covariates)}` do not go together: "
                            "'none' takes no covariates and the others need at least one. Mend the plan.")
        if self.observed == "rcs" and self.covariates:
            raise PlanError("`estimator.observed: rcs` compares different units at the two dates and takes no covariates here: "
                            f"{', '.join(self.covariates)} are given. Mend the plan: `observed: pairs`, or no covariates.")
        if self.window is not None:
            object.__setattr__(self, "window", checked_window(self.window, max(self.anticipation, 0)))
        if self.anticipation < 0:
            raise PlanError(f"`estimator.anticipation` must be 0 or more: it is {self.anticipation}. Mend the plan.")
        if not 0 < self.trim <= 1:
            raise PlanError(f"`estimator.trim` must be a probability above 0: it is {self.trim}. Mend the plan.")

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """ATT(g,t) with influence by place, by unit for errors, and unit by unit (`Effects.each_unit`).

        Parameters
        ----------
        sample : Panel, or MatchedSample (its panel is used)
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all. The base is taken as it falls.
        """
        panel = sample if isinstance(sample, Panel) else sample.panel
        y, x = outcome_array(panel, outcome), _columns(panel, self.covariates, "covariates")
        usable = np.isfinite(x).all(axis=1)
        weights = None if self.weights is None else _columns(panel, (self.weights,), "weights")[:, 0]
        if not usable.all():
            y = np.where(usable[:, None], y, np.nan)
        sums = cell_sums(y, panel.entry, panel.units[["council_code", "area"]], weights=weights)
        event_times = self._event_times(len(panel.periods))
        compared = {int(g): self._compared(sums, int(g), event_times) for g in sums.cohorts()}
        sides = {g: (means(sums, cells, cells.treated), means(sums, cells, cells.comparison)) for g, cells in compared.items()}
        is_collected = collected(panel.periods, calendar)
        status = {g: status_of(cells, sides[g][0].count, sides[g][1].count, is_collected, self.base == "universal") for g, cells in compared.items()}
        found = self._found(panel, y, x, weights, sums, compared, sides, status)
        table = _cells(event_times, compared, sides, status, found.estimate) if compared else None
        if table is None or not (table["status"] == "estimated").any():
            raise EstimationError(f"No ATT(g,t) of {outcome!r} can be estimated: no cohort has a base, treated units and comparison units "
                                  f"({self.control} treated) observed together. Mend `periods`, `estimator.control` or the pools in the plan.")
        notes = () if usable.all() else (f"{(~usable).sum():,} of {len(usable):,} units lack a covariate and were left out.",)
        effects = panel_effects(panel, outcome, sums, table, event_times, found.contribution, units=found.units, estimator=self.in_words(),
                                base=-1 - self.anticipation if self.base == "universal" else None, anticipation=self.anticipation, notes=notes,
                                adjusted=self.method != "none" or self.observed == "rcs", compressed=found.compressed)
        return effects if weights is None else effects.each_unit()      # sums by place do not tell how unequal weights are inside it

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        given = f" given {', '.join(self.covariates)}" if self.covariates else ""
        against = {"never": "never treated", "notyet": "not yet treated"}[self.control]
        weighted = f", weighted by {self.weights}" if self.weights else ""
        return (f"group-time average effects (Callaway and Sant'Anna), {METHODS[self.method]}{given}, against {against} units, {self.base} base"
                f"{OBSERVED[self.observed]}{weighted}")

    def _event_times(self, n_periods: int) -> np.ndarray:
        first, last = self.window or (1 - n_periods, n_periods - 1)
        return np.arange(first, last + 1)

    def _compared(self, sums: CellSums, g: int, event_times: np.ndarray) -> CohortCells:
        then = np.full(len(event_times), g - 1 - self.anticipation)
        if self.base == "varying":
            then = np.where(event_times >= 0, then, g + event_times - 1)
        # cells before g may use cohorts that join before g, as long as both dates lie before their entry
        return cohort_cells(sums, g, g + event_times, then, control=self.control, anticipation=self.anticipation, observed=self.observed)

    def _found(self, panel, y, x, weights, sums, compared, sides, status) -> _Found:
        """Estimates of every cohort, and how what each group adds to them is read: without covariates from sums, with them from units."""
        if self.method == "none":
            def read(groups: Groups, g: int) -> Contribution:
                return contribution(*sides[g], compared[g], groups, status[g])

            change = {g: [side.mean[0] - side.mean[1] for side in both] for g, both in sides.items()}
            estimate = {g: treated - comparison for g, (treated, comparison) in change.items()}
            return _Found(estimate, read, lambda: each_unit(y, panel.entry, weights=weights), True)
        units, row = each_unit(y, panel.entry, weights=weights)
        given = _Given(units=units, x=x[row], method=self.method, names=self.covariates, trim=self.trim)
        place = _place_rows(panel, row, sums)
        added = {g: _added_up(given, compared[g], status[g], sums, place) for g in compared}

        def read(groups: Groups, g: int) -> Contribution:
            return added[g].contribution if groups is sums.by_place else _unit_by_unit(given, compared[g], status[g])
        return _Found({g: part.estimate for g, part in added.items()}, read, lambda: (units, row), False)


@dataclass(frozen=True, slots=True)
class _Found:
    """Estimates by cohort, what groups add to them, and every unit; `compressed` where influence is linear in sums."""

    estimate: dict[int, np.ndarray]
    contribution: Callable[[Groups, int], Contribution]
    units: Callable[[], tuple[Groups, np.ndarray]]
    compressed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """Units with their covariates, and how these are used."""

    units: Groups
    x: np.ndarray
    method: str
    names: tuple[str, ...]
    trim: float


@dataclass(frozen=True, slots=True)
class _Added:
    """A cohort's conditional estimates, and influence added up by place."""

    estimate: np.ndarray
    contribution: Contribution


def _columns(panel: Panel, names: Sequence[str], option: str) -> np.ndarray:
    if unknown := [name for name in names if name not in panel.units]:
        raise PlanError(f"`estimator.{option}` must be fixed columns of the panel's units: {', '.join(unknown)} is not. "
                        f"There are {', '.join(panel.units.columns)}.")
    return panel.units[list(names)].to_numpy(dtype=float)


def _cells(event_times: np.ndarray, compared: dict[int, CohortCells], sides: dict[int, tuple[Means, Means]], status: dict[int, np.ndarray],
           estimate: dict[int, np.ndarray]) -> pd.DataFrame:
    cohorts = list(compared)
    treated, comparison = ([sides[g][arm] for g in cohorts] for arm in (0, 1))
    return cells_frame(np.array(cohorts), event_times, estimate=np.array([estimate[g] for g in cohorts]),
                       weight=np.array([side.weight[0] for side in treated]), n_treated=np.array([side.count for side in treated]),
                       n_comparison=np.array([side.count for side in comparison]), status=np.array([status[g] for g in cohorts]))


def _place_rows(panel: Panel, row: np.ndarray, sums: CellSums) -> np.ndarray:
    """Group of `sums.by_place` to which each unit belongs."""
    keys = pd.MultiIndex.from_frame(sums.places)
    return keys.get_indexer(pd.MultiIndex.from_frame(panel.units.iloc[row][["council_code", "area"]]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Cells of a cohort that compare the same units, and their estimate."""

    columns: np.ndarray
    rows: np.ndarray
    y: np.ndarray
    found: ConditionalATT


def _parts(given: _Given, cells: CohortCells, status: np.ndarray) -> Iterator[_Part]:
    """Every set of cells that compare the same units; cells that fail get their status."""
    kind, weights = given.units.kind, given.units.weight
    use = cells.treated[0] | cells.comparison[0]
    wanted = np.flatnonzero((status == ESTIMATED) | (status == BASE))
    if not len(wanted):
        return
    _, which = np.unique(use[:, wanted], axis=1, return_inverse=True)
    equal = bool((weights == 1).all())
    for number in range(int(which.max()) + 1):
        columns = wanted[which.ravel() == number]
        rows = np.flatnonzero(use[kind, columns[0]])
        own = None if equal else weights[rows]
        y = given.units.total[rows] if equal else given.units.total[rows] / own[:, None]
        try:
            found = conditional_att(y, cells.now[columns], cells.then[columns], cells.treated[0][kind[rows], columns[0]], given.x[rows],
                                    method=given.method, names=given.names, trim=given.trim, weights=own)
        except EstimationError:
            status[columns] = NOT_ESTIMABLE
            continue
        yield _Part(columns=columns, rows=rows, y=y, found=found)


def _added_up(given: _Given, cells: CohortCells, status: np.ndarray, sums: CellSums, place: np.ndarray) -> _Added:
    """Estimates of a cohort, and influence and weights added up over the groups of `sums.by_place`."""
    groups = sums.by_place
    code = np.full((len(sums.cohort), len(sums.places)), -1)
    code[groups.kind, groups.place] = np.arange(len(groups))
    shape = len(groups), len(cells.now)
    estimate, influence, weight = np.full(shape[1], np.nan), np.zeros(shape), np.zeros(shape)
    for part in _parts(given, cells, status):
        group, found, columns = code[given.units.kind[part.rows], place[part.rows]], part.found, part.columns
        total = weighted_sums(group, found.loading, part.y, len(groups))
        features = weighted_sums(group, np.ones(len(group)), found.features, len(groups))
        estimate[columns] = found.att
        influence[:, columns] = total[:, cells.now[columns]] - total[:, cells.then[columns]] + features @ found.coefficients
        weight[:, columns] = np.bincount(group, weights=found.weight, minlength=len(groups))[:, None]
    influence[:, status != ESTIMATED] = 0.0
    return _Added(estimate, Contribution(influence=influence, weight=weight))


def _unit_by_unit(given: _Given, cells: CohortCells, status: np.ndarray) -> Contribution:
    influence, weight = (np.zeros((len(given.units), len(cells.now))) for _ in range(2))
    for part in _parts(given, cells, status):
        change = part.y[:, cells.now[part.columns]] - part.y[:, cells.then[part.columns]]
        influence[np.ix_(part.rows, part.columns)] = part.found.influence(change)
        weight[np.ix_(part.rows, part.columns)] = part.found.weight[:, None]
    influence[:, status != ESTIMATED] = 0.0
    return Contribution(influence=influence, weight=weight)
