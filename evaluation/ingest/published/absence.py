"""Pupil absence in schools in England (DfE, 2018/19 release): councils, the nation, and every school.

Persistent absence here is the release's own 10 per cent measure, recomputed by the publisher for all years; session counts are the safer outcome.
The 2006/07 to 2011/12 counts cover five half terms, later ones six (`year_breakdown`): levels are not comparable across that break.
"""
from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.ingest.published.opening import (
    Delivery,
    count_blanks,
    find_file,
    join_on,
    literal,
    match_councils,
    number_or_null,
    open_text,
    school_year,
)

PART, COUNCILS_FILE, SCHOOLS_FILE = "school_absence", "absence_national_region_la.csv.gz", "absence_school_level.parquet"
COUNTS = {"enrolments": "enrolments", "sess_possible": "possible_sessions", "sess_authorised": "authorised_sessions",
          "sess_unauthorised": "unauthorised_sessions", "enrolments_pa_10_exact": "persistent_absentees"}
SCHOOL_TYPES = {"Total": "total", "State-funded primary": "primary", "State-funded secondary": "secondary", "Special": "special"}
LABELS = ("new_la_code", "old_la_code", "la_name")


def read_absence(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """Council rows of the absence release as text rows of `council_year`; national and regional rows are set aside."""
    path = find_file(folder, PART, COUNCILS_FILE)
    counts = {"num_schools": "schools", **COUNTS}
    rows = open_text(con, "absence_file", path, ["geographic_level", "time_period", "year_breakdown", "school_type", *LABELS, *counts])
    councils = "geographic_level = 'Local authority'"
    _select(con, "absence_councils", "absence_file", counts, dictionary, where=councils)
    return Delivery(table="council_year", relation="absence_councils", files=((path, rows),),
                    set_aside=_set_aside(con, "absence_file", councils), blanks=count_blanks(con, "absence_file", counts, councils))


def read_schools(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """Every school and year of the absence release as text rows of `school_year`."""
    path = find_file(folder, PART, SCHOOLS_FILE)
    rows = open_text(con, "absence_schools_file", path, ["urn", "laestab", "time_period", "year_breakdown", "school_type", *LABELS, *COUNTS])
    _select(con, "absence_schools", "absence_schools_file", COUNTS, dictionary, 
            extra="nullif(trim(file.urn), '') as urn, regexp_replace(file.laestab, '\\.0$', '') as school_number, ")
    return Delivery(table="school_year", relation="absence_schools", files=((path, rows),), blanks=count_blanks(con, "absence_schools_file", COUNTS))


def national_absence(folder: Path) -> pd.DataFrame:
    """England's absence by school year, all schools.

    Returns
    -------
    DataFrame, one row per school year
        `school_year`, `year_breakdown`, `published` (overall absence, per cent of possible sessions, as printed), `recomputed` (from session counts,
        not rounded), `unauthorised` (per cent, from session counts), `schools`.
    """
    con = duckdb.connect()
    path = find_file(folder, PART, COUNCILS_FILE)
    open_text(con, "absence_file", path, ["geographic_level", "time_period", "year_breakdown", "school_type", "num_schools",
                                          "sess_possible", "sess_overall", "sess_unauthorised", "sess_overall_percent"])
    return con.execute(f"""
        select {school_year('time_period')} as school_year, year_breakdown, cast(sess_overall_percent as decimal(9, 1))::double as published,
               100.0 * sess_overall::bigint / sess_possible::bigint as recomputed,
               100.0 * sess_unauthorised::bigint / sess_possible::bigint as unauthorised, num_schools::integer as schools
        from absence_file where geographic_level = 'National' and school_type = 'Total' order by 1""").df()


def _select(con, relation: str, file: str, counts: dict[str, str], dictionary: Dictionary, *, where: str = "true", extra: str = "") -> None:
    """Create the relation of contract columns from a file's table."""
    lookup = match_councils(con, file, LABELS, dictionary, where=where, lookup=f"{relation}_lookup")
    kinds = " ".join(f"when {literal(published)} then {literal(named)}" for published, named in SCHOOL_TYPES.items())
    numbers = ", ".join(f"{number_or_null(published)} as {named}" for published, named in counts.items())
    con.execute(f"""
        create or replace table {relation} as
        select {extra}council_code, {school_year('time_period')} as school_year, case school_type {kinds} else school_type end as school_type,
               split_part(year_breakdown, ' ', 1) as year_breakdown, {numbers}, _file, _row
        from (select * from {file} where {where}) as file left join {lookup} as known on {join_on(LABELS, 'file', 'known')}""")


def _set_aside(con, file: str, councils: str) -> tuple[tuple[str, int], ...]:
    rows = con.execute(f"select lower(geographic_level), count(*) from {file} where not ({councils}) group by 1 order by 1").fetchall()
    return tuple((f"{level} row, not a council", count) for level, count in rows)
