"""What families and their members show only together: families without an adult or a child, unlikely ages, people never sought in a source.

Nothing is set aside here; every finding is a warning with a count, for a family may well be unusual.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.ingest.values import literal

LARGEST_FAMILY, OLDEST, YOUNGEST_PARENT = 20, 110, 12

MEMBERS = {
    "family_without_adult": ("n_adults = 0 AND n > 0", "a family should have an adult"),
    "family_without_child": ("n_children = 0 AND n > 0", "a family should have a child"),
    "family_without_members": ("n = 0", "a family should have members in `people`"),
    "family_of_one": ("n = 1", "a family should have more than one member"),
    "large_family": (f"n > {LARGEST_FAMILY}", f"a family should have at most {LARGEST_FAMILY} members"),
    "young_parent": (
        f"youngest_adult - oldest_child < 12 * {YOUNGEST_PARENT}",
        f"an adult should be {YOUNGEST_PARENT} years older than some child of the family",
    ),
}


def find_households(checked: Mapping[str, CheckedTable]) -> list[Fault]:
    """Warnings on families and people, from the kept rows."""
    if not {"families", "people"} <= set(checked):
        return []
    with duckdb.connect() as con:
        for name in ("families", "people", "links"):
            if name in checked:
                con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({literal(checked[name].path)})")
        return [*unusual_families(con), *unusual_people(con), *never_sought(con, checked)]


def unusual_families(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    """Families by what their members are."""
    born = "12 * CAST(left(p.birth_month, 4) AS INTEGER) + CAST(right(p.birth_month, 2) AS INTEGER)"
    con.execute(f"""
        CREATE TEMP TABLE households AS
        SELECT f.family_id, count(p.person_id) AS n, count(*) FILTER (p.role = 'adult') AS n_adults, count(*) FILTER (p.role = 'child') AS n_children,
            -min({born}) FILTER (p.role = 'adult') AS youngest_adult, -min({born}) FILTER (p.role = 'child') AS oldest_child
        FROM families AS f LEFT JOIN people AS p USING (family_id) GROUP BY f.family_id""")
    counts = con.execute("SELECT " + ", ".join(f"count(*) FILTER ({sql})" for sql, _ in MEMBERS.values()) + " FROM households").fetchone()
    return [
        Fault(
            table="families",
            reason=reason,
            must_hold=words,
            count=count,
            severity="warn",
            mend="Ask whether the roster is whole; the families are kept.",
        )
        for (reason, (_, words)), count in zip(MEMBERS.items(), counts, strict=True)
        if count
    ]


def unusual_people(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    """People too old to be members."""
    count = con.execute(f"SELECT count(*) FROM people WHERE year(member_from) - CAST(left(birth_month, 4) AS INTEGER) > {OLDEST}").fetchone()[0]
    return (
        [
            Fault(
                table="people",
                column="birth_month",
                reason="very_old",
                count=count,
                severity="warn",
                must_hold=f"a member should be at most {OLDEST} when membership begins",
                mend="Look the month of birth up at its source.",
            )
        ]
        if count
        else []
    )


def never_sought(con: duckdb.DuckDBPyConnection, checked: Mapping[str, CheckedTable]) -> list[Fault]:
    """People without a word in `links`: neither linked nor sought, so that nothing is known of them."""
    if "links" not in checked:
        return []
    count = con.execute("SELECT count(DISTINCT person_id) FROM people ANTI JOIN links USING (person_id)").fetchone()[0]
    return (
        [
            Fault(
                table="links",
                column="person_id",
                reason="not_in_links",
                count=count,
                severity="warn",
                must_hold="every person should have a row per source, linked or not: some have none, and their outcomes are missing, not zero",
                mend="Deliver their linkage status.",
            )
        ]
        if count
        else []
    )
