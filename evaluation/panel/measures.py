"""Outcomes of families by quarter. DuckDB adds whole numbers, in one pass over a table for all outcomes made from it; numpy takes ratios afterwards.

What an outcome is, and which rows count, is declared in data_dictionary/outcomes.yml; nothing here knows an outcome by name.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.dictionary import OutcomeSource
from evaluation.panel.membership import member_spans, table_of
from evaluation.panel.observation import status_of
from evaluation.panel.room import ALWAYS, Room, spans
from evaluation.panel.status import Status

SUMS, EVENTS = ("ratio_of_sums", "share_of_people"), ("any_event", "count_events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One outcome as whole numbers, by unit and quarter.

    Attributes
    ----------
    number : ndarray of int, shape (n_units, n_periods)
        Sessions missed, children at the threshold, events, or spells; without meaning where the status is not OBSERVED.
    denominator : the same shape, or None where the outcome is no rate
    status : the same shape, int8
        See `Status`.
    """

    number: np.ndarray
    denominator: np.ndarray | None
    status: np.ndarray

    def value(self, source: OutcomeSource) -> np.ndarray:
        """The outcome in its unit; NaN where it could not have been seen."""
        seen = self.status == Status.OBSERVED
        if self.denominator is not None:
            return source.multiply * np.divide(self.number, self.denominator, out=np.full(seen.shape, np.nan), where=seen)
        value = self.number.astype(float) if source.kind == "count_events" else (self.number > 0) * float(source.multiply)
        value[~seen] = np.nan
        return value


def count(room: Room, sources: Mapping[str, OutcomeSource]) -> Iterator[tuple[str, Counted]]:
    """Every outcome asked for; those that read the same rows of a table in one pass."""
    passes: dict[tuple, list[str]] = {}
    for name, source in sources.items():
        by = "sums" if source.kind in SUMS else "events" if source.kind in EVENTS else "spells"
        passes.setdefault((by, source.table, source.members, source.by_term, source.by_address, source.column, source.end_column), []).append(name)
    for (by, *_), names in passes.items():
        yield from {"sums": _rates, "events": _counts, "spells": _spells}[by](room, {name: sources[name] for name in names})


def _rates(room: Room, sources: Mapping[str, OutcomeSource]) -> Iterator[tuple[str, Counted]]:
    """Sessions added up, or children at or above the threshold among those with any session."""
    parts = {name: _parts(room, source) for name, source in sources.items()}
    once = list(dict.fromkeys(part for pair in parts.values() for part in pair))
    sums = dict(zip(once, _sums_of_members(room, next(iter(sources.values())), once), strict=True))
    made = {}                                                    # one status for all outcomes of the same denominator
    for name, source in sources.items():
        number, denominator = (sums[part] for part in parts[name])
        key = parts[name][1], id(status_of(room, source))
        if key not in made:
            made[key] = _not_known(status_of(room, source), denominator == 0)
        yield name, Counted(number=number, denominator=denominator, status=made[key])


def _not_known(status: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    return np.where((status == Status.OBSERVED) & unknown, np.int8(Status.NOT_KNOWN), status)


def _parts(room: Room, source: OutcomeSource) -> tuple[str, str]:
    """What is added up for the numerator and the denominator, as whole numbers of each row."""
    where = f"({source.where}) AND " if source.where else ""
    if source.kind == "share_of_people":
        threshold = threshold_sql(room, source)
        return (f"({where}{source.denominator} > 0 AND {source.numerator} >= {threshold} * ({source.denominator}))::INTEGER",
                f"({where}{source.denominator} > 0)::INTEGER")
    if source.where:
        return f"CASE WHEN {source.where} THEN {source.numerator} ELSE 0 END", f"CASE WHEN {source.where} THEN {source.denominator} ELSE 0 END"
    return source.numerator, source.denominator


def threshold_sql(room: Room, source: OutcomeSource) -> str:
    """The threshold as a decimal (so that 21 of 140 is 15%), by the school year of column `c` where it changed."""
    if not source.thresholds:
        return repr(source.threshold)
    cases = [f"WHEN c >= {column} THEN {threshold!r}" for column, threshold in reversed(changes(room, source))]
    return f"(CASE {' '.join(cases)} END)"


def changes(room: Room, source: OutcomeSource) -> list[tuple[int, float]]:
    """Column of the first term of each school year in which the threshold changed (negative before the panel), and the threshold from there."""
    return [(4 * int(year[:4]) + 3 - room.periods.first, threshold) for year, threshold in sorted(source.thresholds.items())]


def _counts(room: Room, sources: Mapping[str, OutcomeSource]) -> Iterator[tuple[str, Counted]]:
    """Number of events."""
    conditions = [f"({source.where or 'true'})::INTEGER" for source in sources.values()]
    numbers = _sums_of_events(room, next(iter(sources.values())), conditions)
    for (name, source), number in zip(sources.items(), numbers, strict=True):
        yield name, Counted(number=number, denominator=None, status=status_of(room, source))


# ---- rows of events -------------------------------------------------------------

def column_sql(room: Room, source: OutcomeSource) -> str:
    """The column of an event's row: of its school term, or of its day."""
    if source.column is None:
        year, first = "CAST(substr(term, 1, 4) AS INTEGER)", room.periods.first
        seasons = f"WHEN 'autumn' THEN 4 * {year} + 3 WHEN 'spring' THEN 4 * {year} + 4 WHEN 'summer' THEN 4 * {year} + 5"
        return f"CASE substr(term, 9) {seasons} END - {first}"
    if source.by_term:
        return f"col({source.column}) + CASE month({source.column}) WHEN 7 THEN -1 WHEN 9 THEN 1 WHEN 8 THEN NULL ELSE 0 END"
    return f"col({source.column})"


def _added_up(room: Room, rows: str, n_sums: int) -> list[np.ndarray]:
    """Sums of whole numbers by family and quarter over a query with the columns u, c and x0, x1, ..."""
    width = len(room.periods)
    added = ", ".join(f"CAST(sum(x{i}) AS BIGINT) AS s{i}" for i in range(n_sums))
    found = room.columns(f"SELECT CAST(u AS BIGINT) * {width} + c AS cell, {added} FROM ({rows}) WHERE c BETWEEN 0 AND {width - 1} GROUP BY cell")
    arrays = []
    for i in range(n_sums):
        array = np.zeros(room.shape[0] * width, dtype=np.int32)
        array[found["cell"]] = found[f"s{i}"]
        arrays.append(array.reshape(room.shape))
    return arrays


def _rows(room: Room, source: OutcomeSource, parts: Sequence[str], where: str = "true") -> str:
    """Rows of a table inside the panel's quarters: all its columns, their column `c`, and the parts."""
    named = ", ".join(f"{part} AS x{i}" for i, part in enumerate(parts))
    return (f"SELECT *, {named} FROM (SELECT *, {column_sql(room, source)} AS c FROM {source.table} WHERE {where}) "
            f"WHERE c BETWEEN 0 AND {len(room.periods) - 1}")


def _sums_of_members(room: Room, source: OutcomeSource, parts: Sequence[str], where: str = "true") -> list[np.ndarray]:
    return _added_up(room, _of_members(room, source, parts, where), len(parts))


def _of_members(room: Room, source: OutcomeSource, parts: Sequence[str], where: str) -> str:
    member_spans(room, source.members)
    names = ", ".join(f"e.x{i}" for i in range(len(parts)))
    return f"""SELECT m.u, e.c, {names} FROM ({_rows(room, source, parts, where)}) e
        JOIN {table_of(room, source.members)} m USING (person_id) WHERE e.c BETWEEN m.lo AND m.hi"""


def _sums_of_events(room: Room, source: OutcomeSource, parts: Sequence[str]) -> list[np.ndarray]:
    """An event that names the family counts there; else where its person is a member on the day; else, if asked, where its address is lived at."""
    anything = " OR ".join(f"({part})::BOOLEAN" for part in parts)
    if "family_id" not in room.dictionary.tables[source.table].columns:
        return _sums_of_members(room, source, parts, anything)
    names = ", ".join(f"x{i}" for i in range(len(parts)))
    rows = _rows(room, source, parts, anything)
    queries = [f"SELECT f.u, c, {names} FROM ({rows}) e JOIN fam f USING (family_id)",
               f"""SELECT m.u, c, {names} FROM ({rows}) e JOIN member m USING (person_id)
                   WHERE e.family_id IS NULL AND e.{source.column} >= m.member_from AND (m.member_to IS NULL OR e.{source.column} <= m.member_to)"""]
    if source.by_address:
        queries.append(f"""SELECT a.u, c, {names} FROM ({rows}) e
            JOIN (SELECT DISTINCT f.u, address_id, from_date, to_date FROM addresses JOIN fam f USING (family_id)) a USING (address_id)
            WHERE e.family_id IS NULL AND e.person_id IS NULL
              AND e.{source.column} >= a.from_date AND (a.to_date IS NULL OR e.{source.column} <= a.to_date)""")
    return _added_up(room, " UNION ALL ".join(queries), len(parts))


# ---- rows of spells -------------------------------------------------------------

def _spells(room: Room, sources: Mapping[str, OutcomeSource]) -> Iterator[tuple[str, Counted]]:
    """Number of spells of members in the population that touch the quarter, or have gone on long enough on its last day."""
    touching = {name: source for name, source in sources.items() if source.kind == "any_spell"}
    rows = _touched(room, touching) if touching else {}
    for i, (name, source) in enumerate(touching.items()):
        status = status_of(room, source)
        if source.unknown_where:
            status = _not_known(status, _at(room, rows, rows[f"y{i}"] == 1) > 0)
        yield name, Counted(number=_at(room, rows, rows[f"x{i}"] == 1), denominator=None, status=status)
    for name, source in sources.items():
        if name not in touching:
            yield name, Counted(number=_sustained(room, source), denominator=None, status=status_of(room, source))


def _touched(room: Room, sources: Mapping[str, OutcomeSource]) -> dict[str, np.ndarray]:
    """First and last column that each spell of a member touches, and which outcomes it counts for (x) or leaves unknown (y)."""
    source = next(iter(sources.values()))
    member_spans(room, source.members)
    flags = ", ".join(f"({one.where or 'true'})::UTINYINT AS x{i}, ({one.unknown_where or 'false'})::UTINYINT AS y{i}"
                      for i, one in enumerate(sources.values()))
    return room.columns(f"""SELECT m.u, greatest(col(e.{source.column}), m.lo) AS a, least(coalesce(col(e.{source.end_column}), {ALWAYS}), m.hi) AS b,
            e.* EXCLUDE (person_id, {source.column}, {source.end_column})
        FROM (SELECT person_id, {source.column}, {source.end_column}, {flags} FROM {source.table}) e
        JOIN {table_of(room, source.members)} m USING (person_id)""")


def _at(room: Room, rows: Mapping[str, np.ndarray], chosen: np.ndarray) -> np.ndarray:
    return spans(rows["u"][chosen], rows["a"][chosen], rows["b"][chosen], room.shape)


def _sustained(room: Room, source: OutcomeSource) -> np.ndarray:
    """Spells of a person with breaks of up to `gap_days` are one; it counts in quarters on whose last day it has gone on for `weeks`."""
    member_spans(room, source.members)
    start, end = source.column, f"coalesce({source.end_column}, DATE '2200-01-01')"
    rows = room.columns(f"""
        WITH spell AS (SELECT person_id, {start} AS a, {end} AS b FROM {source.table} WHERE {source.where or 'true'}),
        marked AS (SELECT *, coalesce(a > max(b) OVER (PARTITION BY person_id ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                              + {source.gap_days + 1}, true)::INTEGER AS new FROM spell),
        run AS (SELECT *, sum(new) OVER (PARTITION BY person_id ORDER BY a, b ROWS UNBOUNDED PRECEDING) AS number FROM marked),
        whole AS (SELECT person_id, min(a) AS a, max(b) AS b FROM run GROUP BY person_id, number)
        SELECT m.u, greatest(col(w.a + {7 * source.weeks - 1}), m.lo) AS a, least(to_col(w.b), m.hi) AS b
        FROM whole w JOIN {table_of(room, source.members)} m USING (person_id)""")
    return spans(rows["u"], rows["a"], rows["b"], room.shape)
