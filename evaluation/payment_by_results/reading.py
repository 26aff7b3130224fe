"""Facts of persons from checked tables, by DuckDB: memberships, counts by quarter and term, spells by day.

Membership is that of the panel of families: a person counts in the quarters that membership covers wholly, by age at the start of the quarter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import numpy as np

from evaluation.errors import ContractError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import Panel
from evaluation.payment_by_results.facts import FAR, Adults, Children, Events, Facts, Needs, People
from evaluation.periods import first_day, last_day

SCHOOL_QUARTERS = (1, 2, 4)
COUNTS = {"offences_by_minors": (10, 17), "offences_by_adults": (18, 120)}  # lowest and highest age at the start of the quarter
ASB_ACTIONS = ("contract", "injunction", "housing")
NEEDED = {
    "schooling": ("attendance", "exclusions"),
    "counted": ("offences", "asb_incidents"),
    "need": ("needs",),
    "employment": ("benefit_spells", "employment_spells"),
}


def read_facts(tables: Mapping[str, CheckedTable], panel: Panel, needs: tuple[tuple[str, ...], ...] = ()) -> Facts:
    """The facts of a panel's families, in the order of `panel.units`.

    Parameters
    ----------
    needs : tuple of tuples of str
        Groups of need codes that problems ask about.

    Raises
    ------
    ContractError
        People, links or coverage were not delivered.
    """
    missing = [name for name in ("people", "links", "source_coverage") if name not in tables]
    if missing:
        raise ContractError(f"Payment-by-results rules need the tables people, links and source_coverage: {', '.join(missing)} missing. Deliver "
                            "them, or take `payment_by_results` out of the plan.")
    with duckdb.connect() as con:
        room = _Room(con, tables, panel)
        here = np.arange(len(panel.periods)) <= panel.units["eligible_to"].to_numpy()[:, None]
        events = {name: _offences(room, here, ages) for name, ages in COUNTS.items()} if "offences" in tables else {}
        events |= _asb(room, here) if "asb_incidents" in tables else {}
        return Facts(
            periods=panel.periods,
            here=here,
            children=_children(room, here) if all(name in tables for name in NEEDED["schooling"]) else None,
            adults=_adults(room, here) if all(name in tables for name in NEEDED["employment"]) else None,
            events=events,
            needs={"+".join(group): _needs(room, group) for group in needs} if "needs" in tables else {},
            needs_begun=_needs_begun(room) if "needs" in tables else None,
        )


# ---- the room ------------------------------------------------------------------------------------------------------------------------------------


class _Room:
    """An open connection with the tables `unit` (u, family_id) and `member` (k, u, person_id, birth, from, to)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable], panel: Panel) -> None:
        import pyarrow as pa

        self.con, self.periods, self.n = con, panel.periods, len(panel)
        self.councils = panel.units["council_code"].to_numpy(dtype=str)
        for name, table in tables.items():
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{str(table.path).replace(chr(39), 2 * chr(39))}')")
        con.register("unit", pa.table({"u": np.arange(self.n), "family_id": panel.units["unit_id"].to_numpy(dtype=str)}))
        con.execute(f"CREATE MACRO col(d) AS CAST(4 * year(d) + quarter(d) - 1 - {panel.periods.first} AS INTEGER)")
        con.execute("CREATE MACRO from_col(d) AS col(d) + (d <> date_trunc('quarter', d))::INTEGER")
        con.execute("CREATE MACRO to_col(d) AS col(d + 1) - 1")
        con.execute("CREATE MACRO day(d) AS CAST(date_diff('day', DATE '0001-01-01', d) + 1 AS BIGINT)")
        con.execute(f"""CREATE TABLE member AS SELECT row_number() OVER (ORDER BY u, person_id) - 1 AS k, * FROM (
            SELECT u, person_id, role, member_from, member_to, from_col(member_from) AS joins, coalesce(to_col(member_to), {FAR}) AS leaves,
                   12 * CAST(substr(birth_month, 1, 4) AS INTEGER) + CAST(substr(birth_month, 6, 2) AS INTEGER) - 1 AS birth
            FROM people JOIN unit USING (family_id)) ORDER BY u, person_id""")

    def arrays(self, sql: str) -> dict[str, np.ndarray]:
        return {name: np.asarray(values) for name, values in self.con.sql(sql).fetchnumpy().items()}

    def people(self, name: str, low: int, high: int, *, role: str | None, sources: tuple[str, ...]) -> People:
        """A population as the table `name` (p, u, person_id, lo, hi) and as arrays, one row per membership."""
        linked = " AND ".join(f"person_id IN (SELECT person_id FROM links WHERE source = '{source}' AND status = 'linked')" for source in sources)
        self.con.execute(f"""CREATE TABLE {name} AS SELECT row_number() OVER (ORDER BY k) - 1 AS p, u, person_id, lo,
                least(leaves, ages_out - 1) AS hi, ages_out, least(leaves, {FAR} - 1) + 1 AS gone, ({linked}) AS linked FROM (
            SELECT *, greatest(joins, CAST(ceil((birth + {12 * low}) / 3) AS INTEGER) - {self.periods.first}) AS lo,
                   CAST(ceil((birth + {12 * (high + 1)}) / 3) AS INTEGER) - {self.periods.first} AS ages_out
            FROM member {f"WHERE role = '{role}'" if role else ''}) WHERE least(leaves, ages_out - 1) >= greatest(lo, 0) ORDER BY k""")
        rows = self.arrays(f"SELECT u, lo, hi, ages_out, gone, linked FROM {name} ORDER BY p")
        return People(unit=rows["u"].astype(np.int64), first=rows["lo"], last=rows["hi"], ages_out=rows["ages_out"], leaves=rows["gone"],
                      linked=rows["linked"].astype(bool))

    def covered(self, source: str, *, by_term: bool = False) -> np.ndarray:
        """Whether a source is complete for the family's council throughout each quarter (school term); shape (n_families, n_columns)."""
        days = np.array([_span(number, by_term) for number in range(self.periods.first, self.periods.last + 1)], dtype="datetime64[D]")
        rows = self.con.execute("SELECT council_code, first_date, last_date FROM source_coverage WHERE source = ?", [source]).fetchall()
        of = {code: (days[:, 0] >= np.datetime64(begins)) & (days[:, 1] <= np.datetime64(ends)) for code, begins, ends in rows}
        codes, place = np.unique(self.councils, return_inverse=True)
        nothing = np.zeros(len(self.periods), dtype=bool)
        return np.array([of.get(code, nothing) for code in codes]).reshape(len(codes), -1)[place]

    def by_cell(self, rows: str, n_rows: int, *sums: str) -> list[np.ndarray]:
        """Sums of whole numbers by row and column over a query with the columns r and c; shape (n_rows, n_columns) each."""
        width = len(self.periods)
        added = ", ".join(f"CAST(sum({expression}) AS BIGINT) AS s{i}" for i, expression in enumerate(sums))
        found = self.arrays(f"SELECT r * {width} + c AS cell, {added} FROM ({rows}) WHERE c BETWEEN 0 AND {width - 1} GROUP BY cell ORDER BY cell")
        arrays = []
        for i in range(len(sums)):
            array = np.zeros(n_rows * width, dtype=np.int16)
            array[found["cell"]] = found[f"s{i}"]
            arrays.append(array.reshape(n_rows, width))
        return arrays


def _span(number: int, by_term: bool) -> tuple[dt.date, dt.date]:
    """First and last day of a quarter, or of the school term that stands for it."""
    first, last = first_day(number, "quarter"), last_day(number, "quarter")
    if by_term and first.month == 10:
        first = dt.date(first.year, 9, 1)
    return first, dt.date(last.year, 7, 31) if by_term and last.month == 6 else last


# ---- the facts -----------------------------------------------------------------------------------------------------------------------------------


def _offences(room: _Room, here: np.ndarray, ages: tuple[int, int]) -> Events:
    name = f"offenders_{ages[0]}"
    people = room.people(name, *ages, role=None, sources=("police",))
    rows = f"SELECT m.u AS r, e.c, m.ages_out, m.gone FROM (SELECT person_id, col(date) AS c FROM offences) e JOIN {name} m USING (person_id) " \
           "WHERE e.c BETWEEN m.lo AND m.hi"
    (number,) = room.by_cell(rows, room.n, "1")
    events = room.arrays(f"SELECT * FROM ({rows}) WHERE c BETWEEN 0 AND {len(room.periods) - 1}")
    unlinked = _spans(people.unit[~people.linked], people.first[~people.linked], people.last[~people.linked], number.shape) > 0
    return Events(number=number, unseen=unlinked | ~room.covered("police") | ~here, unit=events["r"], column=events["c"], ages_out=events["ages_out"],
                  leaves=events["gone"])


def _asb(room: _Room, here: np.ndarray) -> dict[str, Events]:
    """Incidents that name the family, else a person who was a member on the day; all of them, and those with an action."""
    rows = """SELECT f.u AS r, col(date) AS c, action FROM asb_incidents JOIN unit f USING (family_id)
        UNION ALL SELECT m.u, col(e.date), action FROM asb_incidents e JOIN member m USING (person_id)
        WHERE e.family_id IS NULL AND e.date >= m.member_from AND (m.member_to IS NULL OR e.date <= m.member_to)"""
    acted = ", ".join(f"'{action}'" for action in ASB_ACTIONS)
    number, actions = room.by_cell(rows, room.n, "1", f"(action IN ({acted}))::INTEGER")
    unseen, none = ~room.covered("asb") | ~here, np.empty(0, dtype=np.int64)
    return {name: Events(number=part, unseen=unseen, unit=none, column=none, ages_out=none, leaves=none)
            for name, part in (("asb", number), ("asb_actions", actions))}


def _children(room: _Room, here: np.ndarray) -> Children:
    people = room.people("pupils", 5, 15, role="child", sources=("education",))
    year, first = "CAST(substr(term, 1, 4) AS INTEGER)", room.periods.first
    seasons = f"4 * {year} + CASE substr(term, 9) WHEN 'autumn' THEN 3 WHEN 'spring' THEN 4 WHEN 'summer' THEN 5 END - {first}"
    inside = "JOIN pupils m USING (person_id) WHERE e.c BETWEEN m.lo AND m.hi"
    sessions = f"SELECT m.p AS r, e.* FROM (SELECT *, {seasons} AS c FROM attendance) e {inside}"
    possible, unauthorised, authorised = room.by_cell(sessions, len(people.unit), "possible_sessions", "unauthorised_sessions", "authorised_sessions")
    term = "col(date) + CASE month(date) WHEN 7 THEN -1 WHEN 9 THEN 1 WHEN 8 THEN NULL ELSE 0 END"
    events = f"SELECT m.p AS r, e.c, e.kind FROM (SELECT *, {term} AS c FROM exclusions) e {inside}"
    fixed, permanent = room.by_cell(events, len(people.unit), "(kind = 'fixed')::INTEGER", "(kind = 'permanent')::INTEGER")
    quarters = (room.periods.first + np.arange(len(room.periods))) % 4 + 1
    return Children(people=people, possible=possible, unauthorised=unauthorised, authorised=authorised, fixed=fixed, permanent=permanent,
                    covered=room.covered("education", by_term=True) & here, school=np.isin(quarters, SCHOOL_QUARTERS))


def _adults(room: _Room, here: np.ndarray) -> Adults:
    people = room.people("grown", 18, 64, role="adult", sources=("benefits",))
    linked = room.arrays("SELECT p FROM grown JOIN links USING (person_id) WHERE source = 'employment' AND status = 'linked'")["p"]
    works = np.zeros(len(people.unit), dtype=bool)
    works[linked] = True
    codes = [row[0] for row in room.con.sql("SELECT DISTINCT benefit FROM benefit_spells ORDER BY benefit").fetchall()]
    last_days = np.array([last_day(number, "quarter").toordinal() for number in range(room.periods.first, room.periods.last + 1)])
    return Adults(people=people, works_linked=works, last_days=last_days,
                  claims={code: _spells(room, "benefit_spells", f"benefit = '{code}'") for code in codes},
                  any_claim=_spells(room, "benefit_spells", "true"), work=_spells(room, "employment_spells", "true"),
                  covered=room.covered("benefits") & room.covered("employment") & here)


def _spells(room: _Room, table: str, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spells of adults as days, overlapping and adjoining ones as one."""
    last = last_day(room.periods.last, "quarter").toordinal()
    rows = room.arrays(f"""WITH s AS (SELECT p, day(start_date) AS a, coalesce(day(end_date), {last + 1}) AS b
            FROM {table} JOIN grown USING (person_id) WHERE {where}),
        m AS (SELECT *, max(b) OVER (PARTITION BY p ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach FROM s),
        g AS (SELECT *, sum((reach IS NULL OR a > reach + 1)::INTEGER) OVER (PARTITION BY p ORDER BY a, b ROWS UNBOUNDED PRECEDING) AS run FROM m)
        SELECT p, min(a) AS a, max(b) AS b FROM g GROUP BY p, run ORDER BY p, a""")
    return rows["p"].astype(np.int64), rows["a"].astype(np.int64), rows["b"].astype(np.int64)


def _needs(room: _Room, codes: tuple[str, ...]) -> Needs:
    listed = ", ".join(f"'{code}'" for code in codes)
    rows = room.arrays(f"SELECT u, col(start_date) AS a, col(start_date) + 1 AS later, coalesce(col(end_date), {FAR}) AS b FROM needs "
                       f"JOIN unit USING (family_id) WHERE need IN ({listed})")
    shape = (room.n, len(room.periods))
    return Needs(at_start=_spans(rows["u"], rows["later"], rows["b"], shape) > 0, in_quarter=_spans(rows["u"], rows["a"], rows["b"], shape) > 0)


def _needs_begun(room: _Room) -> np.ndarray:
    (number,) = room.by_cell("SELECT u AS r, col(start_date) AS c FROM needs JOIN unit USING (family_id)", room.n, "1")
    return number


def _spans(unit: np.ndarray, first: np.ndarray, last: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How many spans of columns `first` to `last` (both included) cover each family and column."""
    first, last = np.maximum(first, 0), np.minimum(last, shape[1] - 1)
    kept, width = first <= last, shape[1] + 1
    ends = (np.bincount(unit[kept] * width + at[kept] + more, minlength=shape[0] * width) for at, more in ((first, 0), (last, 1)))
    return np.subtract(*ends).reshape(shape[0], width)[:, :-1].cumsum(axis=1)
