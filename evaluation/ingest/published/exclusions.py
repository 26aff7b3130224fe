"""Permanent and fixed-period exclusions by council (DfE, 2006/07 to 2016/17), tidied by the publisher of the file.

Councils carry names only. In 2008/09 the reorganised counties keep their pupils under the old name and their exclusions under the new ones:
only the two added together (the constant geography of `panel/published.py`) give a rate.
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

PART, FILE = "exclusions", "clean_la_data.csv"
COUNTS = {"headcount": "headcount", "perm_excl": "permanent_exclusions", "fixed_excl": "fixed_exclusions"}
SCHOOL_TYPES = {"Total": "total", "Primary": "primary", "Secondary": "secondary", "Special": "special"}


def read_exclusions(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """Council rows of the exclusions file as text rows of `council_year`; national, regional and nameless rows are set aside."""
    path = find_file(folder, PART, FILE)
    rows = open_text(con, "exclusions_file", path, ["year", "level", "la_name", "school_type", *COUNTS])
    nameless = "coalesce(trim(la_name), '') in ('', 'NA', 'NULL')"
    councils = f"level = 'Local authority' and not ({nameless})"
    lookup = match_councils(con, "exclusions_file", ["la_name"], dictionary, where=councils, lookup="exclusions_lookup")
    kinds = " ".join(f"when {literal(published)} then {literal(named)}" for published, named in SCHOOL_TYPES.items())
    numbers = ", ".join(f"{number_or_null(published)} as {named}" for published, named in COUNTS.items())
    con.execute(f"""
        create or replace table exclusions_councils as
        select council_code, {school_year('"year"')} as school_year, case school_type {kinds} else school_type end as school_type,
               cast(null as varchar) as year_breakdown, {numbers}, _file, _row
        from (select * from exclusions_file where {councils}) as file left join {lookup} as known on {join_on(['la_name'], 'file', 'known')}""")
    aside = con.execute(f"""
        select case when level = 'Local authority' then 'council not named by the publisher' else lower(level) || ' row, not a council' end, count(*)
        from exclusions_file where not ({councils}) group by 1 order by 1""").fetchall()
    return Delivery(table="council_year", relation="exclusions_councils", files=((path, rows),), set_aside=tuple(aside),
                    blanks=count_blanks(con, "exclusions_file", COUNTS, councils))


def national_exclusions(folder: Path) -> pd.DataFrame:
    """England's exclusions by school year, all schools.

    Returns
    -------
    DataFrame, one row per school year
        `school_year`, `headcount` (pupils), `permanent`, `fixed` (exclusions), `published_rate` and `rate` (fixed-period exclusions per 100 pupils,
        as printed and from the counts).
    """
    con = duckdb.connect()
    open_text(con, "exclusions_file", find_file(folder, PART, FILE), ["year", "level", "school_type", *COUNTS, "fixed_excl_rate"])
    return con.execute(f"""
        select {school_year('"year"')} as school_year, headcount::integer as headcount, perm_excl::integer as permanent, fixed_excl::integer as fixed,
               fixed_excl_rate::double as published_rate, 100.0 * fixed_excl::integer / headcount::integer as rate
        from exclusions_file where level = 'National' and school_type = 'Total' order by 1""").df()
