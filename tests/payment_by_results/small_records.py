"""Records small enough to check by hand.

Twelve quarters from 2011-Q1; the family joins in column 4 (2012-Q1). Terms before joining lie in columns 0, 1 and 3, after it in 5, 7 and 8.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.parquet

from evaluation.ingest.tables import CheckedTable
from evaluation.periods import Periods, first_day

PERIODS = Periods.between("2011-Q1", "2013-Q4", kind="quarter")
JOINS, BATH = 4, "E06000022"
ARROW = {"date": pa.date32(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
SOURCES = ("education", "police", "benefits", "employment")
TABLES = ("families", "people", "links", "source_coverage", "attendance", "exclusions", "offences", "asb_incidents", "benefit_spells",
          "employment_spells", "needs", "results_claimed")
SEASON = {1: "spring", 2: "summer", 4: "autumn"}


def checked(folder, dictionary, name, rows):
    """A checked table of the dictionary's columns from rows given as dicts; what a row leaves out is missing."""
    arrays = {}
    for column, variable in dictionary.tables[name].columns.items():
        values = [row.get(column) for row in rows]
        values = [None if v is None else dt.date.fromisoformat(v) for v in values] if variable.type == "date" else values
        arrays[column] = pa.array(values, type=ARROW.get(variable.type, pa.string()))
    path = folder / f"{name}.parquet"
    pa.parquet.write_table(pa.table(arrays), path)
    return CheckedTable(name=name, path=path, rows_in=len(rows), rows_kept=len(rows), rows_quarantined=0, rows_dropped=0, content_hash="")


def day(column, days=10):
    """A day of a quarter as ISO text."""
    return (first_day(PERIODS.first + column, "quarter") + dt.timedelta(days=days)).isoformat()


def family(family_id, joins=JOINS, **more):
    entry = {} if joins is None else {"entry_date": day(joins)}
    return {"family_id": family_id, "council_code": BATH, "first_eligible_date": "2011-01-05"} | entry | more


def adult(person_id, family_id, **more):
    return {"person_id": person_id, "family_id": family_id, "birth_month": "1975-01", "role": "adult", "member_from": "2000-01-01", "sex": "F",
            "ethnicity_group": "white"} | more


def child(person_id, family_id, born="2001-01", **more):
    return adult(person_id, family_id, birth_month=born, role="child", member_from="2003-01-01") | {"sen": "none", "free_school_meals": False} | more


def term(person_id, column, unauthorised, possible=100):
    quarter = (PERIODS.first + column) % 4 + 1
    year = (PERIODS.first + column) // 4 - (quarter != 4)
    return {"person_id": person_id, "term": f"{year}/{(year + 1) % 100:02d}-{SEASON[quarter]}", "possible_sessions": possible,
            "authorised_sessions": 0, "unauthorised_sessions": unauthorised}


def terms(person_id, before, after):
    """Three terms before joining and three after it, each of 100 sessions."""
    return [term(person_id, column, missed) for column, missed in zip((0, 1, 3, 5, 7, 8), (*before, *after), strict=True)]


def exclusion(person_id, column, n=0, kind="fixed"):
    return {"person_id": person_id, "date": day(column, 10 + n), "kind": kind}


def offence(person_id, column, n=0):
    return {"offence_id": f"{person_id}{column}{n}", "person_id": person_id, "date": day(column, 10 + n), "offence_type": "theft", "disposal": "fine"}


def asb(column, n=0, action="none", **whom):
    return {"incident_id": f"{whom}{column}{n}", "date": day(column, 10 + n), "incident_type": "nuisance", "action": action} | whom


def benefit(person_id, start, end=None, code="income_support"):
    return {"person_id": person_id, "benefit": code, "start_date": start, "end_date": end}


def work(person_id, start, end=None):
    return {"person_id": person_id, "start_date": start, "end_date": end}
