"""Members of families one by one, so that a family's outcome can be formed from those who were there at an index period and followed from then on.

A comparison family has an index period for every matched set that it serves, so its value cannot stand in one array of the panel:
`at_index` forms it for each pair of family and index.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from evaluation.dictionary import Dictionary, OutcomeSource
from evaluation.errors import PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.families import family_sources
from evaluation.panel.measures import Counted, count
from evaluation.panel.membership import member_spans
from evaluation.panel.room import Room, open_room
from evaluation.panel.status import Status
from evaluation.periods import Periods

# What a family's status is from those of its members: the first of these that one of them has.
OF_SPELLS = (Status.NOT_COLLECTED, Status.MOVED, Status.NOT_COVERED, Status.NOT_LINKED, Status.NOT_KNOWN, Status.OBSERVED, Status.NOBODY,
             Status.AGED_OUT, Status.LEFT, Status.DIED)
OF_EVENTS = (*OF_SPELLS[:4], Status.OBSERVED, Status.NOT_KNOWN, *OF_SPELLS[6:])      # a child without a possible session adds nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Members of families by quarter, each followed by age alone (whether still a member or not) while the family lives in the council's area.

    Attributes
    ----------
    unit : ndarray of int, shape (n_people,)
        Row of the family in the panel of the same tables, periods and councils; ascending. A person of two families stands once in each.
    person_id : ndarray of str, shape (n_people,)
    counted : outcome -> Counted, arrays of shape (n_people, n_periods)
        NOBODY in quarters in which the person is too young for the outcome's population, AGED_OUT when grown out of it.
    first, last : outcome -> ndarray of int, shape (n_people,)
        First and last column on whose first day the person is a member of the family and in the outcome's population.
    sources : outcome -> OutcomeSource
    """

    periods: Periods
    unit: np.ndarray
    person_id: np.ndarray
    counted: Mapping[str, Counted]
    first: Mapping[str, np.ndarray]
    last: Mapping[str, np.ndarray]
    sources: Mapping[str, OutcomeSource]

    def values(self, outcome: str) -> np.ndarray:
        """An outcome of each person in its unit; NaN where it could not have been seen; shape (n_people, n_periods)."""
        return self.counted[outcome].value(self.sources[outcome])


@dataclass(frozen=True, slots=True, kw_only=True)
class AtIndex:
    """An outcome of families formed from those who were in its population at an index period.

    Attributes
    ----------
    values : ndarray, shape (n_pairs, n_periods)
        In the outcome's unit; NaN where it could not have been seen.
    status : the same shape, int8
        See `Status`: AGED_OUT where every one of them has grown out of the population.
    n_members : ndarray of int, shape (n_pairs,)
        How many they are.
    """

    values: np.ndarray
    status: np.ndarray
    n_members: np.ndarray


def build_people(tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, periods: Periods, outcomes: Sequence[str],
                 councils: Sequence[str] | None = None) -> People:
    """Members who are at some time in the population of one of the outcomes.

    Parameters
    ----------
    tables, periods, outcomes, councils
        As for `build_families`; rows of families are the same for the same arguments.

    Raises
    ------
    PlanError
        An outcome is one of the family itself (anti-social behaviour), or is not to be had.
    ContractError
        A table is missing, or no family is left.
    """
    sources = family_sources(tables, dictionary, periods, outcomes)
    of_family = [name for name, source in sources.items() if not source.link_source]
    if of_family:
        raise PlanError(f"An outcome of single members is made from records linked to them: {', '.join(of_family)} is the family's own. "
                        "Where: outcomes. Take it from the panel of families.")
    with duckdb.connect() as con:
        families, _, _ = open_room(con, tables, dictionary, periods, councils)
        spans = {members: member_spans(families, members) for members in dict.fromkeys(source.members for source in sources.values())}
        inside = {members: (found.first < len(periods)) & (found.there >= 0) for members, found in spans.items()}
        kept = np.unique(np.concatenate([found.k[inside[members]] for members, found in spans.items()]))
        room = _of_people(families, kept)
        first, last = {}, {}
        for name, source in sources.items():
            found, chosen = spans[source.members], inside[source.members]
            place = np.searchsorted(kept, found.k[chosen])
            first[name], last[name] = np.zeros(len(kept), dtype=np.int32), np.full(len(kept), -1, dtype=np.int32)
            first[name][place], last[name][place] = found.first[chosen], found.there[chosen]
        counted = dict(count(room, sources))
        ids = con.sql("SELECT person_id FROM member ORDER BY k").df()["person_id"].to_numpy().astype(str)
    return People(periods=periods, unit=families.unit[kept], person_id=ids, counted={name: counted[name] for name in sources}, first=first, last=last,
                  sources=sources)


def _of_people(families: Room, kept: np.ndarray) -> Room:
    """A room whose units are memberships: the table `member` keeps those asked for, numbered anew."""
    families.con.register("kept_members", {"k": kept, "n": np.arange(len(kept), dtype=np.int32)})
    families.con.execute("CREATE OR REPLACE TABLE member AS SELECT n AS k, m.* EXCLUDE (k) FROM member m JOIN kept_members USING (k) ORDER BY n")
    families.con.unregister("kept_members")
    unit = families.unit[kept]
    return replace(families, n_units=len(kept), council=families.council[unit], seen_until=families.seen_until[unit], unit=np.arange(len(kept)),
                   grain="person", cache={})


def at_index(people: People, outcome: str, units: np.ndarray, columns: np.ndarray) -> AtIndex:
    """An outcome of families over all periods, formed from the members who were in its population on the first day of an index quarter.

    For school outcomes: the children of 5 to 15 at the index, each followed to 16 whether still in the family or not; children who come of
    school age or join later never count.

    Parameters
    ----------
    units, columns : ndarray of int, shape (n_pairs,)
        Row of the family and column of its index quarter: of joining for a programme family, of the matched set for a comparison family.

    Raises
    ------
    PlanError
        The outcome was not asked for when the people were built.
    """
    if outcome not in people.counted:
        raise PlanError(f"An outcome at index is one of those that the people were built with, {', '.join(people.counted)}: {outcome!r} is not. "
                        "Name it in `build_people`.")
    units, columns, counted = np.asarray(units, dtype=np.int64), np.asarray(columns, dtype=np.int64), people.counted[outcome]
    pair, person = _there(people, outcome, units, columns)
    spells = people.sources[outcome].kind in ("any_spell", "any_sustained_spell")
    shape = len(units), len(people.periods)
    seen = counted.status[person] == Status.OBSERVED
    together = Counted(number=_added(counted.number[person] * seen, pair, shape),
                       denominator=None if counted.denominator is None else _added(counted.denominator[person] * seen, pair, shape),
                       status=_first_of(counted.status[person], pair, shape, OF_SPELLS if spells else OF_EVENTS))
    return AtIndex(values=together.value(people.sources[outcome]), status=together.status, n_members=np.bincount(pair, minlength=len(units)))


def _there(people: People, outcome: str, units: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair and person of everyone who was in the population at the pair's index; pairs ascending."""
    begins, ends = np.searchsorted(people.unit, units, side="left"), np.searchsorted(people.unit, units, side="right")
    size = ends - begins
    pair = np.repeat(np.arange(len(units)), size)
    person = np.repeat(begins, size) + np.arange(len(pair)) - np.repeat(np.cumsum(size) - size, size)
    there = (people.first[outcome][person] <= columns[pair]) & (columns[pair] <= people.last[outcome][person])
    return pair[there], person[there]


def _added(values: np.ndarray, pair: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Sums over the members of each pair; pairs ascending."""
    total = np.zeros(shape, dtype=np.int64)
    if len(pair):
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        total[pair[first]] = np.add.reduceat(values, first, axis=0)
    return total


def _first_of(status: np.ndarray, pair: np.ndarray, shape: tuple[int, int], order: Sequence[Status]) -> np.ndarray:
    """The first status in an order that a member of each pair has; NOBODY where there is no member."""
    rank = np.empty(len(Status), dtype=np.int8)
    rank[list(order)] = np.arange(len(order))
    found = np.full(shape, order.index(Status.NOBODY), dtype=np.int8)
    if len(pair):
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        found[pair[first]] = np.minimum.reduceat(rank[status], first, axis=0)
    return np.array(order, dtype=np.int8)[found]
