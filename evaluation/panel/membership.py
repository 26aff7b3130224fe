"""Who is in an outcome's population, in which quarters, and how that ended: by age, by leaving the family, or by death.

A person counts in the quarters that membership of the family covers wholly, by the age at the start of the quarter.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.panel.room import ALWAYS, Room, spans
from evaluation.panel.status import Status

ENDS = (Status.DIED, Status.LEFT, Status.AGED_OUT)      # of two that end together, the later in this list is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Columns of each membership of a population; one row per membership that is in it at some time, in order of family and person.

    Attributes
    ----------
    k, unit : ndarray of int
        Row of the membership, and of its family.
    first, last : ndarray of int
        First and last column in which the member counts.
    there : ndarray of int
        Last column on whose first day the member is in the population.
    end : ndarray of int
        Place in `ENDS` of why it ended; without meaning while it lasts.
    """

    k: np.ndarray
    unit: np.ndarray
    first: np.ndarray
    last: np.ndarray
    there: np.ndarray
    end: np.ndarray


def table_of(room: Room, members: str | None) -> str:
    """Name of the table of a population's spans in the room: (k, u, person_id, lo, hi, there, why)."""
    return f"{'with' if room.grain == 'person' else 'in'}_{members or 'all_members'}"


def member_spans(room: Room, members: str | None) -> Spans:
    """When each membership counts in a population; kept as the table `table_of(room, members)` too.

    Where the units are persons, they count by their age alone, whether they are still members or not, until they die.
    """
    name = table_of(room, members)
    if name not in room.cache:
        room.con.execute(f"CREATE TABLE {name} AS {_spans_sql(room, members)}")
        rows = room.columns(f"SELECT k, u, lo, hi, there, why FROM {name} ORDER BY k")
        room.cache[name] = Spans(k=rows["k"], unit=rows["u"], first=rows["lo"], last=rows["hi"], there=rows["there"], end=rows["why"])
    return room.cache[name]


def _spans_sql(room: Room, members: str | None) -> str:
    """The first day of column c is month 3 * (periods.first + c); a member of `age` months then is in the population when low <= age < high."""
    population = room.dictionary.populations.get(members) if members else None
    low = 12 * (population.minimum_age or 0) if population else 0
    high = 12 * (population.maximum_age + 1) if population and population.maximum_age is not None else 12 * 200
    role = f"AND role = '{population.role}'" if population and population.role else ""
    unit, begins, ends = ("u", "from_col(member_from)", "member_to") if room.grain == "family" else ("k", "-10000", "died_on - 1")
    return f"""SELECT k, {unit} AS u, person_id, lo, CAST(least(membership, by_age) AS SMALLINT) AS hi,
               CAST(least(coalesce(col({ends}), {ALWAYS}), by_age) AS SMALLINT) AS there,
               CAST(CASE WHEN by_age <= membership THEN 2 WHEN dies THEN 0 ELSE 1 END AS TINYINT) AS why
        FROM (SELECT *, CAST(greatest({begins}, CAST(ceil((birth + {low}) / 3) AS INTEGER) - {room.periods.first}) AS SMALLINT) AS lo,
                     CAST(ceil((birth + {high}) / 3) AS INTEGER) - 1 - {room.periods.first} AS by_age,
                     coalesce(to_col({ends}), {ALWAYS}) AS membership
              FROM member WHERE true {role})
        WHERE lo <= greatest(hi, there)"""


def members_there(room: Room, members: str | None) -> np.ndarray:
    """Members of a population on the first day of each quarter; shape (n_units, n_periods)."""
    key = ("there", members)
    if key not in room.cache:
        found = member_spans(room, members)
        room.cache[key] = spans(found.unit, found.first, found.there, room.shape).astype(np.int16)
    return room.cache[key]


def population(room: Room, members: str | None, link_source: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether a family has members of a population throughout each quarter, and whether one of them is not linked to a source."""
    key = ("population", members, link_source)
    if key not in room.cache:
        found = member_spans(room, members)
        linked = np.zeros(len(room.unit), dtype=bool)
        linked[room.columns(f"SELECT k FROM member JOIN links USING (person_id) WHERE source = '{link_source}' AND status = 'linked'")["k"]] = True
        missed = ~linked[found.k]
        somebody = spans(found.unit, found.first, found.last, room.shape) > 0
        room.cache[key] = (somebody, spans(found.unit[missed], found.first[missed], found.last[missed], room.shape) > 0)
    return room.cache[key]


def why_nobody(room: Room, members: str | None) -> np.ndarray:
    """How the last membership of a population ended before each quarter, as a `Status`; NOBODY where there was none yet.

    Shape (n_units, n_periods), int8. Has a meaning only where nobody is in the population.
    """
    key = ("ended", members)
    if key not in room.cache:
        found = member_spans(room, members)
        n, width = len(ENDS), room.shape[1]
        over = (found.last < width - 1) & (found.last >= found.first)
        column = np.maximum(found.last[over] + 1, 0)
        latest = np.full(room.shape, -1, dtype=np.int16)                       # n * last column + end, so that the latest end wins
        order = n * (np.maximum(found.last[over], -1) + 1) + found.end[over]
        np.maximum.at(latest, (found.unit[over], column), order.astype(np.int16))
        np.maximum.accumulate(latest, axis=1, out=latest)
        codes = np.array([*ENDS, Status.NOBODY], dtype=np.int8)
        room.cache[key] = codes[np.where(latest < 0, n, latest % n)]
    return room.cache[key]
