"""Whether a family's outcome could have been seen in a quarter, and if not, why. What could not be seen is missing, never zero."""
from __future__ import annotations

import datetime as dt

import numpy as np

from evaluation.dictionary import OutcomeSource
from evaluation.panel.membership import population, why_nobody
from evaluation.panel.room import ALWAYS, Room, spans
from evaluation.panel.status import Status
from evaluation.periods import first_day, last_day


def status_of(room: Room, source: OutcomeSource) -> np.ndarray:
    """Status of an outcome by family and quarter, before its own rows are read; shape (n_units, n_periods), int8."""
    key = ("status", source.calendar, source.coverage, source.by_term, source.weeks, source.link_source, source.members, source.by_address)
    if key not in room.cache:
        room.cache[key] = _status(room, source)
    return room.cache[key]


def _status(room: Room, source: OutcomeSource) -> np.ndarray:
    """Reasons are set from the last in order to the first, so that the first that holds stays."""
    status = np.full(room.shape, Status.OBSERVED, dtype=np.int8)
    if source.by_address:
        status[~addresses_known(room)] = Status.NOT_KNOWN
    somebody = None
    if source.link_source:
        somebody, unlinked = population(room, source.members, source.link_source)
        status[unlinked] = Status.NOT_LINKED
    if source.coverage:
        status[~covered(room, source)] = Status.NOT_COVERED
    if somebody is not None:
        status = np.where(somebody, status, why_nobody(room, source.members))
    status[np.arange(room.shape[1]) > room.seen_until[:, None]] = Status.MOVED
    quarters = (room.periods.first + np.arange(room.shape[1])) % 4 + 1
    status[:, ~np.isin(quarters, source.calendar or (1, 2, 3, 4))] = Status.NOT_COLLECTED
    return status


def covered(room: Room, source: OutcomeSource) -> np.ndarray:
    """Whether a source is complete for the family's council throughout the quarter, and for as long before its end as the outcome looks back.

    For events by term, throughout the school term.
    """
    key = ("coverage", source.coverage, source.by_term, source.weeks)
    if key not in room.cache:
        numbers = range(room.periods.first, room.periods.last + 1)
        first = np.array([_first_day(number, source) for number in numbers], dtype="datetime64[D]")
        last = np.array([_last_day(number, source) for number in numbers], dtype="datetime64[D]")
        rows = room.con.execute("SELECT council_code, first_date, last_date FROM source_coverage WHERE source = ? ORDER BY council_code",
                                [source.coverage]).fetchall()
        by_council = {code: (first >= np.datetime64(begins)) & (last <= np.datetime64(ends)) for code, begins, ends in rows}
        nothing = np.zeros(len(room.periods), dtype=bool)
        codes, place = np.unique(room.council, return_inverse=True)
        room.cache[key] = np.array([by_council.get(code, nothing) for code in codes]).reshape(len(codes), -1)[place]
    return room.cache[key]


def _first_day(number: int, source: OutcomeSource) -> dt.date:
    day = first_day(number, "quarter")
    if source.weeks:
        return min(day, last_day(number, "quarter") - dt.timedelta(days=7 * source.weeks - 1))
    return dt.date(day.year, 9, 1) if source.by_term and day.month == 10 else day


def _last_day(number: int, source: OutcomeSource) -> dt.date:
    day = last_day(number, "quarter")
    return dt.date(day.year, 7, 31) if source.by_term and day.month == 6 else day


def addresses_known(room: Room) -> np.ndarray:
    """Whether the key of the family's address is known on every day of the quarter; shape (n_units, n_periods), bool.

    A day between two stays without a key makes its quarter unknown; stays may overlap.
    """
    if "addresses" not in room.cache:
        known = "FROM addresses JOIN fam USING (family_id) WHERE address_id IS NOT NULL"
        whole = room.columns(f"""SELECT u, from_col(min(from_date)) AS a, max(coalesce(to_col(to_date), {ALWAYS})) AS b {known} GROUP BY u""")
        gaps = room.columns(f"""SELECT u, col(before + 1) AS a, col(from_date - 1) AS b FROM (
            SELECT u, from_date, max(coalesce(to_date, DATE '2200-01-01')) OVER (
                PARTITION BY u ORDER BY from_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before {known})
            WHERE from_date > before + 1""")
        there = spans(whole["u"], whole["a"], whole["b"], room.shape) > 0
        room.cache["addresses"] = there & (spans(gaps["u"], gaps["a"], gaps["b"], room.shape) == 0)
    return room.cache["addresses"]
