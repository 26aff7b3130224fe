"""The 28 councils of the 16 first-phase Community Budget areas (families with complex needs), launched in April 2011."""
from __future__ import annotations

from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary
from evaluation.ingest.published.opening import Delivery, find_file, join_on, match_councils, open_text

PART, FILE = "community_budgets", "first_phase_28_councils.csv"
LABELS = ["new_la_code", "old_la_code", "la_name"]


def read_programme_areas(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """One row per council with its area and start, as text rows of `programme_areas`."""
    path = find_file(folder, PART, FILE)
    rows = open_text(con, "first_phase", path, [*LABELS, "first_phase_area", "start_date"])
    lookup = match_councils(con, "first_phase", LABELS, dictionary, lookup="first_phase_lookup")
    con.execute(f"""
        create or replace table programme_areas_delivered as
        select council_code, first_phase_area as area, start_date, _file, _row
        from first_phase as file left join {lookup} as known on {join_on(LABELS, 'file', 'known')}""")
    return Delivery(table="programme_areas", relation="programme_areas_delivered", files=((path, rows),))
