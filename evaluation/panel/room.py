"""The room in which families' records are joined: DuckDB over the delivered Parquet files, with families and memberships as whole numbers."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import NEVER, FlowStep
from evaluation.periods import Periods

ALWAYS = 10_000          # a column beyond every panel: 'not ended yet'


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """An open connection with the tables `fam` (u: row of the family) and `member` (k: row of the membership), and the size of the panel.

    Attributes
    ----------
    council : ndarray of str, shape (n_units,)
    seen_until : ndarray of int, shape (n_units,)
        Last column in which the family lives in the council's area.
    unit : ndarray of int, shape (n_memberships,)
        Row of the family of each membership.
    grain : 'family' or 'person'
        What a row of an outcome is: a family, or one person of a family (a membership), followed by age alone.
    cache : dict
        Counts of populations and coverage that several outcomes share.
    """

    con: duckdb.DuckDBPyConnection
    dictionary: Dictionary
    periods: Periods
    n_units: int
    council: np.ndarray
    seen_until: np.ndarray
    unit: np.ndarray
    grain: Literal["family", "person"] = "family"
    cache: dict = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_units, len(self.periods)

    def columns(self, sql: str) -> dict[str, np.ndarray]:
        """A query's columns as plain arrays of whole numbers (the query leaves no missing value)."""
        return {name: np.asarray(values) for name, values in self.con.sql(sql).fetchnumpy().items()}


def open_tables(con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable]) -> None:
    """A view of every delivered table under its name."""
    for name, table in tables.items():
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{str(table.path).replace(chr(39), 2 * chr(39))}')")


def open_room(con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable], dictionary: Dictionary, periods: Periods,
              councils: Sequence[str] | None) -> tuple[Room, pd.DataFrame, tuple[FlowStep, ...]]:
    """The room, one row per family with what a panel requires, and how many families stayed or left.

    Raises
    ------
    ContractError
        No family is left.
    """
    open_tables(con, tables)
    codes = None if councils is None else [dictionary.resolve_council(council).code for council in councils]
    chosen = "true" if codes is None else "council_code IN (" + ", ".join(f"'{code}'" for code in codes) + ")"
    _make_tables(con, periods, chosen, with_addresses="addresses" in tables)
    frame = con.sql(f"""SELECT family_id, council_code, coalesce(col(entry_date), {ALWAYS}) AS entry, col(first_eligible_date) AS eligible, seen_until
        FROM fam ORDER BY u""").df()
    if frame.empty:
        raise ContractError("A panel needs at least one family: none is left after leaving out other councils and families that joined before "
                            f"{periods.label(0)}. Mend `periods` or `programme.councils` in the plan, or deliver the families.")
    units = _units(frame, dictionary, len(periods) - 1)
    unit = np.asarray(con.sql("SELECT u FROM member ORDER BY k").fetchnumpy()["u"])
    room = Room(con=con, dictionary=dictionary, periods=periods, n_units=len(units), council=units["council_code"].to_numpy().astype(str),
                seen_until=frame["seen_until"].to_numpy(), unit=unit)
    return room, units, _flow(con, chosen, councils is not None, len(units), periods)


def _units(frame: pd.DataFrame, dictionary: Dictionary, last: int) -> pd.DataFrame:
    entry, seen_until = frame["entry"].to_numpy(), frame["seen_until"].to_numpy()
    council = frame["council_code"].to_numpy().astype(str)
    region = {code: dictionary.councils[code].region if code in dictionary.councils else "" for code in np.unique(council)}
    return pd.DataFrame({"unit_id": frame["family_id"].astype(str), "council_code": council, "area": council, "pool": "",
                         "region": [region[code] for code in council],
                         "entry": np.where(entry <= last, entry, NEVER), "eligible_from": frame["eligible"].to_numpy().astype(np.int64),
                         "eligible_to": np.minimum(seen_until, last).astype(np.int64)})


def _flow(con: duckdb.DuckDBPyConnection, chosen: str, of_councils: bool, n_kept: int, periods: Periods) -> tuple[FlowStep, ...]:
    received, asked = (con.sql(f"SELECT count(*) FROM families WHERE {where}").fetchall()[0][0] for where in ("true", chosen))
    steps = [("received", "families delivered", received), ("dropped", "of councils outside the study", received - asked),
             ("dropped", f"joined before {periods.label(0)}, the first quarter", asked - n_kept), ("kept", "families in the panel", n_kept)]
    return tuple(FlowStep(step=step, reason=reason, count=count, of="families") for step, reason, count in steps
                 if of_councils or reason != "of councils outside the study")


def _make_tables(con: duckdb.DuckDBPyConnection, periods: Periods, chosen: str, *, with_addresses: bool) -> None:
    """The tables `fam` and `member`, and how days become columns: col, from_col (first that begins on or after), to_col (last that ends by)."""
    con.execute(f"CREATE MACRO col(d) AS CAST(4 * year(d) + quarter(d) - 1 - {periods.first} AS INTEGER)")
    con.execute("CREATE MACRO from_col(d) AS col(d) + (d <> date_trunc('quarter', d))::INTEGER")
    con.execute("CREATE MACRO to_col(d) AS col(d + 1) - 1")
    left = "SELECT NULL::VARCHAR AS family_id, NULL::DATE AS left_on WHERE false"
    if with_addresses:
        left = "SELECT family_id, CASE WHEN bool_or(to_date IS NULL) THEN NULL ELSE max(to_date) END AS left_on FROM addresses GROUP BY family_id"
    con.execute(f"""CREATE TABLE fam AS
        SELECT CAST(row_number() OVER (ORDER BY family_id) - 1 AS INTEGER) AS u, * FROM (
            SELECT f.*, coalesce(to_col(least(left_on, CASE WHEN exit_reason = 'moved' THEN exit_date END)), {ALWAYS}) AS seen_until
            FROM families f LEFT JOIN ({left}) USING (family_id)
            WHERE {chosen} AND coalesce(col(entry_date), 0) >= 0)
        ORDER BY family_id""")
    # A death ends membership on the day before it, so that the quarter of the death is not wholly covered.
    con.execute("""CREATE TABLE member AS
        SELECT CAST(row_number() OVER (ORDER BY u, person_id) - 1 AS INTEGER) AS k, * FROM (
            SELECT f.u, p.person_id, p.role, p.sex, p.sen, p.free_school_meals, p.ethnicity_group, p.member_from, p.died_on,
                   least(p.member_to, p.died_on - 1) AS member_to, coalesce(p.died_on <= p.member_to + 1, p.died_on IS NOT NULL) AS dies,
                   CAST(12 * CAST(substr(birth_month, 1, 4) AS INTEGER) + CAST(substr(birth_month, 6, 2) AS INTEGER) - 1 AS INTEGER) AS birth
            FROM people p JOIN fam f USING (family_id))
        ORDER BY u, person_id""")


def spans(unit: np.ndarray, first: np.ndarray, last: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How many spans of columns `first` to `last` (both included) cover each unit and column; shape `shape`, int32."""
    first, last = np.maximum(first, 0), np.minimum(last, shape[1] - 1)
    kept = first <= last
    width = shape[1] + 1
    starts = unit[kept].astype(np.int64) * width
    change = np.bincount(starts + first[kept], minlength=shape[0] * width).astype(np.int32)
    change -= np.bincount(starts + last[kept] + 1, minlength=shape[0] * width).astype(np.int32)
    return change.reshape(shape[0], width)[:, :-1].cumsum(axis=1, dtype=np.int32)
