"""Deliveries of a few families, worked out by hand: rows as dicts, the tables they make, and the panel built from them."""
from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.parquet
import pytest

from evaluation.ingest.tables import CheckedTable
from evaluation.panel.families import build_families
from evaluation.periods import Periods

YEAR = Periods.between("2012-Q1", "2012-Q4", kind="quarter")
BATH, WANDSWORTH = "E06000022", "E09000032"
ARROW = {"date": pa.date32(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
SOURCES = ("education", "police", "benefits", "employment", "activity")
TABLES = ("families", "people", "links", "source_coverage", "attendance", "exclusions", "offences", "asb_incidents", "benefit_spells",
          "employment_spells", "activity_spells", "needs", "other_support", "addresses")


def day(text):
    return None if text is None else dt.date.fromisoformat(text)


def checked(folder, dictionary, name, rows):
    """A checked table of the dictionary's columns from rows given as dicts; what a row leaves out is missing."""
    columns = dictionary.tables[name].columns
    arrays = {}
    for column, variable in columns.items():
        values = [row.get(column) for row in rows]
        arrays[column] = pa.array([day(v) if variable.type == "date" else v for v in values], type=ARROW.get(variable.type, pa.string()))
    path = folder / f"{name}.parquet"
    pa.parquet.write_table(pa.table(arrays), path)
    return CheckedTable(name=name, path=path, rows_in=len(rows), rows_kept=len(rows), rows_quarantined=0, rows_dropped=0, content_hash="")


def person(person_id, family_id, born, role="child", **more):
    usual = {"member_from": "2006-01-01", "sex": "F", "ethnicity_group": "white"}
    usual |= {"sen": "none", "free_school_meals": False} if role == "child" else {}
    return {"person_id": person_id, "family_id": family_id, "birth_month": born, "role": role} | usual | more


def family(family_id, council=BATH, **more):
    return {"family_id": family_id, "council_code": council, "first_eligible_date": "2011-06-15"} | more


def term(person_id, label, possible, unauthorised, authorised=0):
    return {"person_id": person_id, "term": label, "possible_sessions": possible, "authorised_sessions": authorised,
            "unauthorised_sessions": unauthorised}


def offence(number, person_id, date):
    return {"offence_id": f"o{number}", "person_id": person_id, "date": date, "offence_type": "theft", "disposal": "caution"}


@pytest.fixture
def delivery():
    """Six families, and f0 that joined before the year. Not linked: c4 to education, p5 to employment. Police records of Wandsworth end in August."""
    rows = {
        "families": [
            family("f0", entry_date="2011-11-01"),
            family("f1", entry_date="2012-08-15", criterion_work_date="2012-04-01", criterion_education_date="2012-04-02",
                   referral_reason="education"),
            family("f2", first_eligible_date="2012-02-10"),
            family("f3"),
            family("f4"),
            family("f5", council=WANDSWORTH),
            family("f6", entry_date="2012-02-01", exit_date="2012-11-10", exit_reason="moved"),
        ],
        "people": [
            person("p0", "f0", "1975-01", "adult"),
            person("p1", "f1", "1975-06", "adult", sex="M"), person("c1", "f1", "2002-03"),                # c1: 9 on 1 January, 10 from 1 April
            person("p2", "f2", "1980-01", "adult"), person("q2", "f2", "1979-01", "adult", member_from="2012-03-01"),
            person("c2", "f2", "1996-05", sen="support"), person("c3", "f2", "2003-01"),                   # c2: 15 on 1 April, 16 on 1 July
            person("p3", "f3", "1990-01", "adult"),
            person("p4", "f4", "1970-01", "adult"), person("c4", "f4", "2001-01"),
            person("p5", "f5", "1970-01", "adult"), person("c5", "f5", "2009-02"),                         # c5: 2 to 3 years old
            person("p6", "f6", "1970-01", "adult"), person("c6", "f6", "2001-01", member_to="2012-05-20"),
        ],
        "attendance": [
            term("c1", "2011/12-spring", 120, 12, 6), term("c1", "2011/12-summer", 100, 0), term("c1", "2012/13-autumn", 140, 21),
            term("c2", "2011/12-spring", 100, 20), term("c3", "2011/12-spring", 60, 0),
            term("c2", "2011/12-summer", 100, 10), term("c3", "2011/12-summer", 100, 0),
            term("c2", "2012/13-autumn", 100, 100), term("c3", "2012/13-autumn", 100, 20, 1),
            term("c4", "2011/12-spring", 100, 50),
            term("c6", "2011/12-spring", 100, 1), term("c6", "2011/12-summer", 100, 99),
        ],
        "exclusions": [
            {"person_id": "c1", "date": "2012-02-03", "kind": "permanent"},
            *({"person_id": "c1", "date": date, "kind": "fixed", "sessions": 4} for date in ("2012-07-10", "2012-08-02", "2012-09-20", "2012-10-01")),
        ],
        "offences": [
            offence(1, "p1", "2012-01-01"), offence(2, "p1", "2012-03-31"), offence(3, "c1", "2012-03-15"), offence(4, "c1", "2012-04-01"),
            offence(5, "p5", "2012-06-30"), offence(6, "p5", "2012-07-01"), offence(7, "q2", "2012-03-20"), offence(8, "p6", "2012-11-01"),
        ],
        "asb_incidents": [
            {"incident_id": "a1", "date": "2012-05-01", "incident_type": "nuisance", "action": "none", "person_id": "p4", "family_id": "f4"},
            {"incident_id": "a2", "date": "2012-05-02", "incident_type": "nuisance", "action": "none", "person_id": "c4"},
            {"incident_id": "a3", "date": "2012-05-03", "incident_type": "nuisance", "action": "none", "family_id": "f4"},
            {"incident_id": "a4", "date": "2012-05-21", "incident_type": "nuisance", "action": "none", "person_id": "c6"},   # c6 had left
            {"incident_id": "a5", "date": "2012-05-20", "incident_type": "nuisance", "action": "none", "person_id": "c6"},
        ],
        "benefit_spells": [
            {"person_id": "p1", "benefit": "jsa", "start_date": "2012-03-31", "end_date": "2012-04-01"},
            {"person_id": "p3", "benefit": "esa", "start_date": "2011-01-01", "end_date": "2011-12-31"},
            {"person_id": "p3", "benefit": "esa", "start_date": "2012-08-01"},
            {"person_id": "c4", "benefit": "jsa", "start_date": "2012-01-01"},
        ],
        "employment_spells": [{"person_id": "p5", "start_date": "2010-01-01"}],
        "activity_spells": [{"person_id": "c2", "activity": "neet", "start_date": "2012-09-10", "end_date": "2012-09-30"}],
        "needs": [
            {"family_id": "f1", "need": "housing", "start_date": "2012-04-01", "end_date": "2012-07-01"},
            {"family_id": "f1", "need": "health", "start_date": "2012-03-31"},
            {"family_id": "f3", "need": "child_in_need", "start_date": "2010-01-01", "end_date": "2011-12-31"},
        ],
        "other_support": [{"family_id": "f2", "service": "early_help", "start_date": "2012-01-01", "end_date": "2012-06-30"}],
        "addresses": [{"family_id": f"f{i}", "area_code": "E01900001", "from_date": "2005-01-01", "address_id": f"u{i}"} for i in range(7)],
    }
    people = [row["person_id"] for row in rows["people"]]
    missed = {("c4", "education"), ("p5", "employment")}
    rows["links"] = [{"person_id": p, "source": s, "status": "not_linked" if (p, s) in missed else "linked"} for p in people for s in SOURCES]
    rows["source_coverage"] = [{"source": s, "council_code": c, "first_date": "2010-01-01", "last_date": "2013-03-31"} for s in (*SOURCES, "asb")
                               for c in (BATH, WANDSWORTH)]
    for row in rows["source_coverage"]:
        if (row["source"], row["council_code"]) == ("police", WANDSWORTH):
            row["last_date"] = "2012-08-15"
    return rows


@pytest.fixture
def receive(tmp_path, dictionary):
    """Checked tables of the rows of a delivery."""
    return lambda rows: {name: checked(tmp_path, dictionary, name, rows[name]) for name in rows}


@pytest.fixture
def build(receive, dictionary):
    """The panel of the rows of a delivery."""
    def build(rows, *outcomes, periods=YEAR, **options):
        return build_families(receive(rows), dictionary, periods=periods, outcomes=outcomes, **options)
    return build
