"""Councils carried back before a split by their schools: by hand, and Cheshire on published data."""
from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evaluation.errors import ContractError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.split_councils import COUNTS, carried_back

OLD, EAST, WEST, BATH = "DFE875", "E06000049", "E06000050", "E06000022"


def table(name: str, rows: list[tuple], columns: list[str], room: Path, file: str) -> CheckedTable:
    (room / file).mkdir()
    frame = pd.DataFrame(rows, columns=columns)
    frame.to_parquet(room / file / f"{name}.parquet")
    return CheckedTable(name=name, path=room / file / f"{name}.parquet", rows_in=len(frame), rows_kept=len(frame), rows_quarantined=0, rows_dropped=0,
                        content_hash="")


@pytest.fixture
def tables(tmp_path):
    """Three schools of the old council: one is East's later, one West's, one closed before the split."""
    sessions = {"s1": 100, "s2": 300, "s3": 50}
    schools = [(urn, "2007/08", OLD, "primary", "five", 10, number, 4, 2, 1) for urn, number in sessions.items()]
    schools += [("s1", "2009/10", EAST, "primary", "five", 10, 110, 4, 2, 1), ("s2", "2009/10", WEST, "primary", "five", 10, 310, 4, 2, 1)]
    after = [(EAST, "2009/10"), (WEST, "2009/10")]
    councils = [(code, year, "total", "five", 3, 30, 450, 12, 6, 3) for code, year in [(OLD, "2007/08"), (BATH, "2007/08"), *after]]
    exclusions = [(code, year, "total", 100, 5) for code, year in [(OLD, "2007/08"), *after]]
    keys = ["council_code", "school_year", "school_type"]
    return {
        "school_year": table("school_year", schools, ["urn", "school_year", "council_code", "school_type", "year_breakdown", *COUNTS], tmp_path, "a"),
        "council_year/school_absence": table("council_year", councils, [*keys, "year_breakdown", "schools", *COUNTS], tmp_path, "b"),
        "council_year/exclusions": table("council_year", exclusions, [*keys, "headcount", "fixed_exclusions"], tmp_path, "c"),
    }


def test_each_successor_has_the_sessions_of_its_later_schools(tables, dictionary):
    found, notes = carried_back(tables, dictionary)
    absence = pd.read_parquet(found["council_year/school_absence"].path).set_index(["council_code", "school_year", "school_type"])
    assert absence["possible_sessions"].to_dict() == {
        (BATH, "2007/08", "total"): 450, (EAST, "2007/08", "total"): 100, (EAST, "2007/08", "primary"): 100, (EAST, "2009/10", "total"): 450,
        (WEST, "2007/08", "total"): 300, (WEST, "2007/08", "primary"): 300, (WEST, "2009/10", "total"): 450}
    assert len(notes) == 1 and "89% of the sessions then" in notes[0]        # 400 of 450


def test_what_schools_do_not_publish_is_missing_before_the_split(tables, dictionary):
    found, _ = carried_back(tables, dictionary)
    exclusions = pd.read_parquet(found["council_year/exclusions"].path)
    assert sorted(zip(exclusions["council_code"], exclusions["school_year"], strict=True)) == [(EAST, "2009/10"), (WEST, "2009/10")]


def test_tables_are_left_as_they_were(tables, dictionary):
    carried_back(tables, dictionary)
    assert OLD in set(pd.read_parquet(tables["council_year/school_absence"].path)["council_code"])


def test_without_schools_councils_cannot_be_carried_back(tables, dictionary):
    with pytest.raises(ContractError, match="add `school_absence` and `schools` to data.tables"):
        carried_back({name: one for name, one in tables.items() if name != "school_year"}, dictionary)
