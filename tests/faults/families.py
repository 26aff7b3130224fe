"""A delivery of thirty families in the project's own contracts, and what its panel must show.

Family 0 to 9 join on 15 May 2012, the others do not. Each has an adult and a child of ten; every source is complete from 2010 to 2013.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.dictionary import load_dictionary
from evaluation.panel.families import build_families
from evaluation.periods import Periods
from tests.faults.writing import table

FAMILIES = (
    "family_id",
    "council_code",
    "first_eligible_date",
    "entry_date",
    "exit_date",
    "exit_reason",
    "referral_reason",
    "criterion_crime_asb_date",
    "criterion_education_date",
    "criterion_work_date",
    "key_worker_caseload",
)
PEOPLE = ("person_id", "family_id", "member_from", "member_to", "birth_month", "sex", "role", "sen", "free_school_meals", "ethnicity_group")
SOURCES = ("education", "police", "benefits", "employment")
TERMS = tuple(f"{year}/{year - 1999:02d}-{term}" for year in (2011, 2012, 2013) for term in ("autumn", "spring", "summer"))
N = 30


def family_rows(number: int = N) -> list[list[str]]:
    """The roster."""
    return [[f"QZXF{i:03d}", "E06000022", "2011-06-01", "2012-05-15" if i < 10 else "", "", "", "education", "", "", "", ""] for i in range(number)]


def people_rows(number: int = N) -> list[list[str]]:
    """An adult and a child of each."""
    adults = [[f"QZXP{i:03d}", f"QZXF{i:03d}", "2011-01-01", "", "1980-05", "F", "adult", "", "", "white"] for i in range(number)]
    return adults + [[f"QZXC{i:03d}", f"QZXF{i:03d}", "2011-01-01", "", "2002-03", "M", "child", "none", "N", "white"] for i in range(number)]


def write_families(
    folder: Path, families: list[list[str]], people: list[list[str]], *, last: str = "2013-12-31", terms: tuple[str, ...] = TERMS
) -> None:
    """The tables of a study of families."""
    table("families", FAMILIES, *families)(folder)
    table("people", PEOPLE, *people)(folder)
    ids = sorted({row[0] for row in people})
    table("links", ("person_id", "source", "status"), *((one, source, "linked") for one in ids for source in SOURCES))(folder)
    councils = sorted({row[1] for row in families})
    table(
        "source_coverage",
        ("source", "council_code", "first_date", "last_date"),
        *((source, council, "2010-01-01", last) for source in (*SOURCES, "asb") for council in councils),
    )(folder)
    children = [one for one in ids if one.startswith("QZXC")]
    table(
        "attendance",
        ("person_id", "term", "possible_sessions", "authorised_sessions", "unauthorised_sessions"),
        *((child, term, "120", "3", "6") for child in children for term in terms),
    )(folder)
    table(
        "benefit_spells",
        ("person_id", "benefit", "start_date", "end_date"),
        ("QZXP000", "jsa", "2012-02-01", "2012-12-31"),
        *((f"QZXP{i:03d}", "jsa", "2012-02-01", "") for i in range(10, 30)),
    )(folder)


def covered_to_2013(folder: Path) -> None:
    """The delivery as it should be."""
    write_families(folder, family_rows(), people_rows())


def panel_of(received, *outcomes: str):
    """The panel of quarters from 2012 to 2014."""
    return build_families(received, load_dictionary(), periods=Periods.between("2012-Q1", "2014-Q4", kind="quarter"), outcomes=list(outcomes))


def row_of(panel, family: int) -> int:
    """The row of a family."""
    return panel.units["unit_id"].tolist().index(f"QZXF{family:03d}")


def followed_past_the_extract(received) -> None:
    """Quarters after the last day of a source are missing, never zero."""
    values = panel_of(received, "out_of_work_benefit").outcomes["out_of_work_benefit"]
    assert np.isfinite(values[:, :8]).all() and np.isnan(values[:, 8:]).all()


def spanning_entry(received) -> None:
    """A spell over the day of joining counts in the quarters before and after it, once each."""
    panel = panel_of(received, "out_of_work_benefit")
    assert panel.outcomes["out_of_work_benefit"][row_of(panel, 0), :8].tolist() == [100, 100, 100, 100, 0, 0, 0, 0]
    assert panel.entry[row_of(panel, 0)] == 1
