"""Effects of estimators whose influence is linear in sums of units: rows by place, by unit for errors, and unit by unit on request."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from evaluation.models.cell_sums import CellSums, Groups
from evaluation.models.contrasts import sees_before
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What groups of units add to the cells of one cohort.

    Attributes
    ----------
    influence : ndarray, shape (n_groups, n_event_times)
        As in `Effects`, added up over the group's units.
    weight : ndarray, shape (n_groups, n_event_times)
        As `row_weight`; for treated groups at least. 0 where a group does not enter.
    """

    influence: np.ndarray
    weight: np.ndarray


ContributionOf = Callable[[Groups, int], Contribution]       # groups and the cohort (entry column; -1 for an estimate of all cohorts)


def panel_effects(panel: Panel, outcome: str, sums: CellSums, cells: pd.DataFrame, event_times: np.ndarray, contribution: ContributionOf, *,
                  units: Callable[[], tuple[Groups, np.ndarray]], estimator: str, base: int | None, anticipation: int, notes: tuple[str, ...] = (),
                  adjusted: bool = False, has_weights: bool = True, compressed: bool = True) -> Effects:
    """Put an estimate from sums together.

    Parameters
    ----------
    cells : DataFrame
        As `Effects.cells`.
    contribution : callable
        Of (groups, cohort): what they add to that cohort's cells.
    units : callable
        Every unit as a group of its own, and its row in `panel.units`.
    has_weights : bool
        Whether cells are averages over treated units; otherwise summaries weight cells as they stand.
    compressed : bool
        Whether influence is linear in sums, so that `sums.by_unit` serves for errors clustered by unit.
    """
    early = sees_before(panel, outcome, cells["event_time"].to_numpy()) & (cells["status"] == "not_observed").to_numpy()
    cells = cells.assign(status=cells["status"].where(~early, "looks_back")) if early.any() else cells
    common = dict(outcome=outcome, estimator=estimator, base=base, anticipation=anticipation, cells=cells, event_times=event_times, notes=notes,
                  adjusted=adjusted)
    cohorts = np.unique(cells["cohort"].to_numpy())

    def rows_of(groups: Groups, unit: np.ndarray, places: pd.DataFrame | None) -> dict:
        parts = [_rows_of_cohort(groups, int(g), sums.cohort, contribution(groups, int(g)), unit) for g in cohorts]
        table = pd.concat([part[0] for part in parts], ignore_index=True)
        group = np.concatenate([part[1] for part in parts])
        for name in ("council_code", "area"):
            table.insert(len(table.columns) - 1, name, "" if places is None else places[name].to_numpy()[group])
        return dict(rows=table, influence=np.concatenate([part[2] for part in parts]),
                    row_weight=np.concatenate([part[3] for part in parts]) if has_weights else None)

    @cache
    def by_unit() -> Effects:
        groups, n = sums.by_unit, len(sums.by_unit)
        rows = rows_of(groups, np.arange(n), None)
        row = rows["rows"]["unit"].to_numpy()
        behind = np.bincount(groups.kind, weights=groups.count)
        alone = groups.count[row] == 1
        table = rows["rows"].assign(n_units=np.where(alone, 1.0, behind[groups.kind[row]]))
        return Effects(**common, **{**rows, "rows": table}, stands_for=np.where(alone, row, n + groups.kind[row]), units=each_unit)

    @cache
    def each_unit() -> Effects:
        groups, unit = units()
        return Effects(**common, **rows_of(groups, unit, panel.units.iloc[unit]))

    here = sums.places.iloc[sums.by_place.place]
    return Effects(**common, **rows_of(sums.by_place, -1 - np.arange(len(sums.by_place)), here), units=each_unit,
                   by_unit=by_unit if compressed else each_unit)


def _rows_of_cohort(groups: Groups, cohort: int, cohort_of_kind: np.ndarray, found: Contribution, unit: np.ndarray):
    """Rows of the groups that enter a cohort's cells: table, place among the groups, influence, weight."""
    enters = np.flatnonzero((found.weight != 0).any(axis=1) | (found.influence != 0).any(axis=1))
    own = cohort_of_kind[groups.kind[enters]]
    table = pd.DataFrame({"unit": unit[enters], "set": -1, "cohort": cohort, "treated": (own == cohort) if cohort >= 0 else own >= 0,
                          "n_units": groups.count[enters]})
    return table, enters, found.influence[enters], found.weight[enters]

