"""What every delivered table of a simulated world is made from, and who and what reaches it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from evaluation.dictionary import Dictionary
from evaluation.simulate.absence import Absence
from evaluation.simulate.composition import Composition
from evaluation.simulate.details import Details, draw_codes
from evaluation.simulate.quarters import Calendar
from evaluation.simulate.world import World

# Shares of codes; codes that the dictionary does not know are left out.
SHARES = {
    "referral_reason": {"education": 0.35, "crime_asb": 0.25, "work": 0.15, "safeguarding": 0.20, "other": 0.05},
    "exit_reason": {"completed": 0.75, "withdrew": 0.12, "other": 0.13},
    "offence_type": {"violence": 0.25, "robbery": 0.02, "burglary": 0.05, "theft": 0.28, "damage": 0.15, "drugs": 0.12, "motoring": 0.05,
                     "other": 0.08},
    "incident_type": {"nuisance": 0.60, "harassment": 0.15, "damage": 0.15, "other": 0.10},
    "action": {"none": 0.55, "warning": 0.25, "contract": 0.10, "injunction": 0.04, "housing": 0.06},
    "activity": {"education": 0.72, "training": 0.14, "employment": 0.14},
    "service": {"early_help": 0.4, "parenting": 0.3, "youth_offending_team": 0.15, "mental_health": 0.15},
}
DAY = np.timedelta64(1, "D")
NOT_A_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the tables are made from.

    Attributes
    ----------
    gone : ndarray of int, shape (n_families,)
        Column in which the family moves away (nothing is recorded from there on); the number of columns where it stays.
    linked : source -> ndarray of bool, shape (n_people,)
    last_day : source -> ndarray of datetime64[D], shape (n_councils,)
        Last day on which each council's source is complete.
    costs : council code -> financial year -> pounds
        Published costs of the programme; drawn for councils that are not named.
    caseload : (int, int)
        Least and most families of a key worker.
    """

    dictionary: Dictionary
    councils: tuple[str, ...]
    calendar: Calendar
    families: Composition
    world: World
    absence: Absence
    details: Details
    seed: int
    linked: Mapping[str, np.ndarray]
    last_day: Mapping[str, np.ndarray]
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    caseload: tuple[int, int] = (5, 15)
    family_ids: np.ndarray = field(init=False)
    person_ids: np.ndarray = field(init=False)
    gone: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        stays = np.isnat(self.families.moves)
        object.__setattr__(self, "family_ids", numbered("F", self.families.n_families))
        object.__setattr__(self, "person_ids", numbered("P", len(self.families.family)))
        object.__setattr__(self, "gone", np.where(stays, len(self.calendar), self.calendar.column(self.families.moves + DAY)))

    def known(self, source: str, person: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Whether a record of a linked person reaches the delivery: dated within coverage and before the family moved away."""
        family = self.families.family[person]
        return self.linked[source][person] & self.recorded(source, family, days)

    def recorded(self, source: str, family: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Whether a day lies within the source's coverage and before the family moved away."""
        return (days <= self.last_day[source][self.families.council[family]]) & (self.calendar.column(days) < self.gone[family])

    def codes(self, column: str, size: int, rng: np.random.Generator, table: str) -> np.ndarray:
        """Codes of a column, drawn by their shares among those that the dictionary lists."""
        variable = self.dictionary.tables[table].columns[column]
        known = {code: share for code, share in SHARES[column].items() if not variable.codes or code in variable.codes}
        return draw_codes(known or dict.fromkeys(variable.codes, 1.0), size, rng)


def numbered(letter: str, n: int) -> np.ndarray:
    """Identifiers in order: letter and number with leading zeros; sorted as text."""
    width = max(len(str(n)), 6)
    return np.char.add(letter, np.char.zfill(np.arange(1, n + 1).astype(str), width))


def take_ids(ids: np.ndarray, rows: np.ndarray) -> pa.Array:
    return pa.array(ids).take(pa.array(rows))
