"""How whole a delivery is: people linked by source, and cells left empty, for families that joined and for those that did not.

Counts are people's and may be small: they are for those inside, and no part of a release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from evaluation.dictionary import Dictionary
from evaluation.ingest.tables import CheckedTable
from evaluation.ingest.values import literal, quoted

POOLS = {"joined": "families that joined", "not_joined": "families that did not join"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole by pool: `what` of `where`, and for each pool (part, whole)."""

    where: str
    what: str
    joined: tuple[int, int]
    not_joined: tuple[int, int]


def linkage_by_pool(tables: Mapping[str, CheckedTable]) -> list[Share]:
    """People linked, sought and not found, and without a word, by source; nothing where families, people or links are missing."""
    if not {"families", "people", "links"} <= set(tables):
        return []
    with opened(tables) as con:
        rows = con.execute("""
            SELECT s.source, coalesce(l.status, 'no_row') AS status, count(*) FILTER (p.joined), count(*) FILTER (NOT p.joined)
            FROM (SELECT DISTINCT source FROM links) AS s CROSS JOIN pool_of_person AS p
            LEFT JOIN links AS l ON l.source = s.source AND l.person_id = p.person_id GROUP BY ALL ORDER BY ALL""").fetchall()
        joined, others = con.execute("SELECT count(*) FILTER (joined), count(*) FILTER (NOT joined) FROM pool_of_person").fetchone()
    return [Share(where=source, what=status, joined=(one, joined), not_joined=(two, others)) for source, status, one, two in rows]


def empty_by_pool(tables: Mapping[str, CheckedTable], dictionary: Dictionary) -> list[Share]:
    """Empty cells of the columns that may be empty, in tables that name a family or a person."""
    if not {"families", "people"} <= set(tables):
        return []
    with opened(tables) as con:
        return [share for name in sorted(tables) for share in empty_cells(con, name, dictionary)]


def empty_cells(con: duckdb.DuckDBPyConnection, name: str, dictionary: Dictionary) -> Iterator[Share]:
    """The empty cells of one table."""
    columns = dictionary.tables[name].columns
    nullable = [column for column, variable in columns.items() if variable.nullable]
    links = {"family_id": "pool_of_family", "person_id": "pool_of_person"}
    named = {column: pool for column, pool in links.items() if column in columns}
    if not named or not nullable:
        return
    joins = " ".join(f"LEFT JOIN {pool} ON {pool}.{column} = t.{column}" for column, pool in named.items())
    joined = f"coalesce({', '.join(f'{pool}.joined' for pool in named.values())})"
    parts = ", ".join(f"count(*) FILTER ({joined} AND t.{quoted(column)} IS NULL), count(*) FILTER (NOT {joined} AND t.{quoted(column)} IS NULL)"
                      for column in nullable)
    row = con.execute(f"SELECT count(*) FILTER ({joined}), count(*) FILTER (NOT {joined}), {parts} FROM {quoted(name)} AS t {joins}").fetchall()[0]
    for number, column in enumerate(nullable):
        yield Share(where=name, what=column, joined=(row[2 + 2 * number], row[0]), not_joined=(row[3 + 2 * number], row[1]))


def opened(tables: Mapping[str, CheckedTable]) -> duckdb.DuckDBPyConnection:
    """A connection with a view of every table, and the pool of every family and person; someone who was in both counts as joined."""
    con = duckdb.connect()
    for name, table in tables.items():
        con.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM read_parquet({literal(table.path)})")
    con.execute("CREATE TEMP TABLE pool_of_family AS SELECT family_id, entry_date IS NOT NULL AS joined FROM families")
    con.execute(
        "CREATE TEMP TABLE pool_of_person AS SELECT person_id, bool_or(joined) AS joined FROM people JOIN pool_of_family USING (family_id) "
        "GROUP BY person_id"
    )
    return con
