"""Councils that came out of a split one, carried back before the split by their schools.

Constant geography adds a split council's successors together, which is no use where only one of them had the programme. Schools say where they lie
in later years: their sessions before the split, added up by later council, give each successor a past of its own. Only what is published by school
can be carried back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.geography import names_of

COUNTS = ("enrolments", "possible_sessions", "authorised_sessions", "unauthorised_sessions", "persistent_absentees")
KEYS = ("council_code", "school_year", "school_type", "year_breakdown")


def carried_back(tables: Mapping[str, CheckedTable], dictionary: Dictionary) -> tuple[dict[str, CheckedTable], tuple[str, ...]]:
    """The tables with rows of successors in place of those of every split council, and a sentence for each.

    Parameters
    ----------
    tables : name -> CheckedTable
        `council_year` tables, one of them with sessions (`council_year/school_absence`), and `school_year`.

    Returns
    -------
    tables, notes
        Rows of the split council are taken out of every `council_year` table. Schools that closed before the split are in no successor: the notes
        say what share of sessions those that lived on make up.

    Raises
    ------
    ContractError
        Schools, or councils' absence, were not delivered.
    """
    by_council = {key: table for key, table in tables.items() if table.name == "council_year"}
    if "school_year" not in tables or not by_council:
        raise ContractError("Carrying councils back by their schools needs the tables council_year and school_year: add `school_absence` and "
                            "`schools` to data.tables, or take out data.split_by_schools.")
    schools, out = str(tables["school_year"].path), dict(tables)
    with duckdb.connect() as con:
        split = split_councils(con, [str(table.path) for table in by_council.values()], dictionary)
        notes = tuple(_note(con, schools, old, after, dictionary) for old, after in split.items())
        for key, table in by_council.items():
            path = table.path.with_name("council_year_carried_back.parquet")
            _write(con, table.path, path, schools, split, with_schools="possible_sessions" in _filled(con, table.path))
            out[key] = replace(table, path=path)
    return out, notes


def split_councils(con: duckdb.DuckDBPyConnection, paths: list[str], dictionary: Dictionary) -> dict[str, tuple[str, ...]]:
    """Split council -> its successors, of councils that report in the tables as one and later as several."""
    codes = {code for (code,) in con.execute("SELECT DISTINCT council_code FROM read_parquet(?, union_by_name=true)", [paths]).fetchall()}
    split = {code: tuple(after for after in dictionary.councils[code].successors if after in codes) for code in sorted(codes)}
    return {code: after for code, after in split.items() if len(after) > 1}


def _filled(con: duckdb.DuckDBPyConnection, path: Path) -> set[str]:
    """Counts of which a table holds any."""
    names = [row[0] for row in con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall() if row[0] in COUNTS]
    counted = con.execute(f"SELECT {', '.join(f'count({name})' for name in names)} FROM read_parquet(?)", [str(path)]).fetchone() if names else ()
    return {name for name, count in zip(names, counted, strict=True) if count}


def _lived_on(schools: str, old: str, after: tuple[str, ...]) -> str:
    """SQL of a split council's rows by school, with the later council of each school; NULL for schools that closed before."""
    listed = ", ".join(f"'{code}'" for code in after)
    return f"""SELECT s.* EXCLUDE (council_code), later.council_code FROM read_parquet('{schools}') s LEFT JOIN (
        SELECT urn, arg_max(council_code, school_year) AS council_code FROM read_parquet('{schools}') WHERE council_code IN ({listed}) GROUP BY urn
    ) later USING (urn) WHERE s.council_code = '{old}'"""


def _write(con: duckdb.DuckDBPyConnection, source: Path, path: Path, schools: str, split: Mapping[str, tuple[str, ...]], *,
           with_schools: bool) -> None:
    """One council_year table with successors' rows before the split, where it holds what schools publish."""
    out = ", ".join(f"'{code}'" for code in split) or "''"
    parts = [f"SELECT * FROM read_parquet('{source}') WHERE council_code NOT IN ({out})"]
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in COUNTS)
    for old, after in split.items() if with_schools else ():
        rows = f"SELECT * FROM ({_lived_on(schools, old, after)}) WHERE council_code IS NOT NULL"
        for kind in ("school_type", "'total'"):
            parts.append(f"SELECT council_code, school_year, {kind} AS school_type, any_value(year_breakdown) AS year_breakdown, "
                         f"count(DISTINCT urn) AS schools, {sums} FROM ({rows}) GROUP BY ALL")
    con.execute(f"COPY ({' UNION ALL BY NAME '.join(parts)} ORDER BY council_code, school_year, school_type) TO '{path}' (FORMAT parquet)")


def _note(con: duckdb.DuckDBPyConnection, schools: str, old: str, after: tuple[str, ...], dictionary: Dictionary) -> str:
    """What was carried back, and how much of the split council it is."""
    (share,) = con.execute(f"SELECT 100.0 * sum(possible_sessions) FILTER (council_code IS NOT NULL) / sum(possible_sessions) "
                           f"FROM ({_lived_on(schools, old, after)})").fetchone()
    return (f"Absence of {names_of(after, dictionary)} before they replaced {names_of([old], dictionary)} is that of their schools of later years, "
            f"{share:.0f}% of the sessions then; their exclusions before are not known.")
