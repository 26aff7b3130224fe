"""The panel: units, periods and one array per outcome. What every later step takes.

Built in `families.py` and `published.py`; this file only says what a panel is and what must always hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import ContractError
from evaluation.periods import Periods
from evaluation.showing import Face, Showing, face_of

NEVER = -1  # `entry` of a unit that does not join inside the panel's periods
REQUIRED = ("unit_id", "council_code", "area", "pool", "entry", "eligible_from", "eligible_to")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step of the row flow: how many units stayed or left, and why."""

    step: str  # 'received', 'dropped', 'kept', ...
    reason: str  # in words that a report may print
    count: int
    of: str  # what is counted: 'families', 'councils', ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Panel(Showing):
    """Units by periods.

    Attributes
    ----------
    unit : 'family', 'person', 'school', 'council' or 'small_area'
    periods : Periods
    units : DataFrame, one row per unit, RangeIndex; sorted by `unit_id`
        `unit_id` str; `council_code` str ('' where there is none); `area` str, the place to which the programme was assigned;
        `pool` str ('' or the name of a comparison pool); `entry` int, column of the first treated period or -1 (never inside the periods);
        `eligible_from`, `eligible_to` int, first and last column in which the unit may serve as a comparison; then fixed covariates as floats.
    outcomes : name -> ndarray, shape (n_units, n_periods), float64
        NaN means not observed: never linked, not covered, no such member, suppressed, past the end of the data. Never zero by default.
    denominators : name -> ndarray, shape (n_units, n_periods)
        What an outcome is a rate of (sessions, pupils, children), for adding units up. Absent for outcomes that are no rate.
    varying : name -> ndarray, shape (n_units, n_periods)
        Covariates by period (needs, children of school age, ...), known at the start of the period.
    status : name -> ndarray, shape (n_units, n_periods), int8
        Why an outcome is missing, as a `Status`; families only. Zero where it is observed.
    members : name -> ndarray, shape (n_units, n_periods), whole numbers
        Members of an outcome's population on the first day of each period; families only, and no entry where an outcome is of the family itself.
    flow : tuple of FlowStep
        Units received, dropped and kept, in order.
    notes : tuple of str
        What was done to the data that a reader must know (councils added together, series breaks), in sentences.
    looks_back : name -> int
        Outcomes whose values are about so many periods before their own too; missing until these lie after the period of joining.
    breaks : tuple of (int, str)
        Columns in which a series begins to be counted in another way, and how in words; levels are not comparable across them.
    """

    unit: Literal["family", "person", "school", "council", "small_area"]
    periods: Periods
    units: pd.DataFrame
    outcomes: Mapping[str, np.ndarray]
    denominators: Mapping[str, np.ndarray] = field(default_factory=dict)
    varying: Mapping[str, np.ndarray] = field(default_factory=dict)
    status: Mapping[str, np.ndarray] = field(default_factory=dict)
    members: Mapping[str, np.ndarray] = field(default_factory=dict)
    flow: tuple[FlowStep, ...] = ()
    notes: tuple[str, ...] = ()
    looks_back: Mapping[str, int] = field(default_factory=dict)
    breaks: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.periods))
        missing = [name for name in REQUIRED if name not in self.units]
        arrays = (self.outcomes, self.denominators, self.varying, self.status, self.members)
        wrong = [name for group in arrays for name, array in group.items() if array.shape != shape]
        if missing or wrong:
            raise ContractError(
                f"A panel of {shape[0]} units and {shape[1]} periods lacks unit columns {missing} or has arrays of another shape {wrong}. "
                "Mend the builder in evaluation/panel."
            )

    @property
    def entry(self) -> np.ndarray:
        """Column of each unit's first treated period, -1 where never; shape (n_units,)."""
        return self.units["entry"].to_numpy()

    def keep(self, rows: np.ndarray) -> Panel:
        """The panel of some units; `rows` is a mask of shape (n_units,)."""
        arrays = ("outcomes", "denominators", "varying", "status", "members")
        kept = {name: {key: values[rows] for key, values in getattr(self, name).items()} for name in arrays}
        return replace(self, units=self.units[rows].reset_index(drop=True), **kept)

    def __len__(self) -> int:
        return len(self.units)

    def __repr__(self) -> str:
        return f"<Panel: {self._size()}; {len(self.outcomes)} outcomes>"

    def face(self) -> Face:
        """How many units, over which periods, and how much of each outcome was observed."""
        rows = [{"outcome": name.replace("_", " "), "observed (% of units and periods)": 100 * np.isfinite(values).mean(),
                 "units never observed": int((~np.isfinite(values)).all(axis=1).sum()), "mean": float(np.nanmean(values)) if np.isfinite(values).any()
                 else np.nan} for name, values in self.outcomes.items()]
        return face_of(f"Panel: {self._size()}", pd.DataFrame(rows), notes=self.notes)

    def _size(self) -> str:
        joined = int((self.entry >= 0).sum())
        return f"{len(self):,} {self.unit} units, of which {joined:,} join; {self.periods.label(0)} to {self.periods.label(len(self.periods) - 1)}"
