"""Bad inputs 79 to 94: councils and areas, records of offences, benefits and schools, and tables that do not fit each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.faults.case import Case, Expect
from tests.faults.families import TERMS, covered_to_2013, family_rows, panel_of, people_rows, write_families
from tests.faults.values import column_is
from tests.faults.writing import KEEP, aside, figures, normalise, pupils, raw, reject, spells, table, text_of, warn

OFFENCES = ("offence_id", "person_id", "date", "offence_type", "disposal")
ASB = ("incident_id", "date", "incident_type", "action", "person_id", "family_id")
ALONE = {"columns_alone": True}
INCIDENT = ("QZXI1", "2012-05-01", "nuisance", "none")


def offences(*rows: tuple[str, ...], heading=OFFENCES):
    """The thirty families with offences of adults and children, one of them as given."""

    def make(folder: Path) -> None:
        covered_to_2013(folder)
        usual = [(f"QZXO{n:03d}", "QZXP001", "2012-05-01", "theft", "caution") for n in range(30)]
        table("offences", heading, *rows, *usual)(folder)

    return make


def without_spring(folder: Path) -> None:
    """Nothing was collected in the spring of 2013."""
    write_families(folder, family_rows(), people_rows(), terms=tuple(term for term in TERMS if term != "2012/13-spring"))


def spring_is_missing(received) -> None:
    values = panel_of(received, "unauthorised_absence_rate").outcomes["unauthorised_absence_rate"]
    assert np.isnan(values[:, 4]).all() and np.isfinite(values[:, [0, 1, 3, 5, 7]]).all()


def unlinked_is_kept(received) -> None:
    assert received["asb_incidents"].rows_kept == 2


def strangers(count: int):
    """Offences of people whom the roster lacks."""
    return offences(*((f"QZXX{n}", f"QZXZ{n}", "2012-05-01", "theft", "caution") for n in range(count)))


def no_links(folder: Path) -> None:
    """Three people have no word in `links`."""
    covered_to_2013(folder)
    path = folder / "links.csv"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith(("QZXP000", "QZXP001", "QZXC000"))))


def ask_for_another_council(folder, dictionary, room):
    """What a run does with a council that the data lack."""
    from evaluation.pipeline.run import check_councils

    check_councils(["E99999999"], dictionary)
    raise AssertionError("not refused")


CASES = (
    Case(
        number=79,
        name="a council's new code for an old day",
        make=figures("council_code", "E06000060", "E10000002", "E06000066"),
        expect=normalise("council_carried_over", column="council_code", count=2),
        prove=column_is("council_code", "E10000002", "E10000002", "E10000027"),
    ),
    Case(
        number=80,
        name="parts of a county that was split",
        make=figures("council_code", "E06000061", "E06000062", "E06000063"),
        expect=normalise("council_carried_over", count=3),
        prove=column_is("council_code", "E10000021", "E10000021", "E10000006"),
    ),
    Case(
        number=80,
        name="a council merged from several",
        make=figures("council_code", "E06000058", "E06000022"),
        expect=aside("council_of_another_day", column="council_code", rows=(2,), words=("2012-09-01",)),
    ),
    Case(
        number=81,
        name="councils by name",
        expect=KEEP,
        prove=column_is("council_code", "E08000035", "E08000035", "E06000010", "E08000013"),
        make=raw("figures.csv", b'line_id,council_code\nQZX1,leeds\nQZX2,LEEDS CITY COUNCIL\nQZX3,"Kingston upon Hull, City of"\nQZX4,St. Helens\n'),
    ),
    Case(
        number=81,
        name="a council misspelt",
        make=figures("council_code", "Leedds", "Leeds"),
        expect=aside("unknown_council", column="council_code", rows=(2,), words=("did you mean 'Leeds'",)),
    ),
    Case(
        number=82,
        name="two systems of codes in one column",
        make=figures("council_code", "383", "E08000035", "E06000022"),
        expect=reject("mixed_codes", column="council_code"),
    ),
    Case(
        number=82,
        name="an establishment's number for a council's",
        make=figures("council_code", "3834001", "383"),
        expect=aside("unknown_council", rows=(2,)),
    ),
    Case(
        number=83,
        name="councils of Wales, Scotland and nowhere",
        make=figures("council_code", "W06000015", "S12000036", "X99999999", "E08000035"),
        expect=aside("unknown_council", column="council_code", rows=(2, 3, 4)),
    ),
    Case(
        number=84,
        name="a small area of another vintage",
        make=pupils("lsoa", "E01033769", "E01000001", "W01000001"),
        expect=aside("failed_check", column="lsoa", rows=(2,), words=("of 2011",)),
    ),
    Case(
        number=84,
        name="another vintage stated",
        expect=reject("wrong_vintage", column="lsoa", words=("2011", "2021")),
        make=lambda folder: (pupils("lsoa", "E01000001")(folder), (folder / "delivery.yml").write_text('vintages: {pupils.lsoa: "2021"}\n')),
    ),
    Case(
        number=85,
        name="days of conviction for days of offence",
        make=offences(heading=("offence_id", "person_id", "conviction_date", "offence_type", "disposal")),
        expect=reject("missing_column", column="date"),
    ),
    Case(
        number=86,
        name="an offence before the age of ten",
        make=offences(("QZXX", "QZXC001", "2011-12-01", "theft", "caution")),
        expect=aside("too_young", column="date", rows=(2,), words=("was 10",)),
    ),
    Case(
        number=87,
        name="an incident known by address alone",
        contract={"asb_incidents": ALONE},
        prove=unlinked_is_kept,
        make=table("asb_incidents", (*ASB, "address_id"), (*INCIDENT, "", "", "QZXA1"), ("QZXI2", *INCIDENT[1:], "QZXP1", "", "")),
        expect=KEEP,
    ),
    Case(
        number=87,
        name="an incident of nobody and nowhere",
        contract={"asb_incidents": {**ALONE, "max_quarantine_share": 1.0}},
        make=table("asb_incidents", (*ASB, "address_id"), (*INCIDENT, "", "", ""), ("QZXI2", *INCIDENT[1:], "QZXP1", "", "")),
        expect=aside("rule_broken", column="person_family_or_address", rows=(2,)),
    ),
    Case(
        number=88,
        name="two benefits open at once",
        make=spells(("1", "jsa", "2012-05-01", ""), ("1", "universal_credit", "2013-05-01", ""), ("2", "jsa", "2012-05-01", "")),
        expect=warn("open_at_once", column="kind", rows=(3,), words=("universal_credit and jsa",)),
    ),
    Case(
        number=89,
        name="someone in work who earned nothing, or less",
        make=figures("money", "0", "-5", "100", others="employed=Y"),
        expect=warn("rule_broken", column="earnings_of_workers", rows=(2, 3)),
    ),
    Case(
        number=90,
        name="school years in three forms",
        make=figures("school_year", "2014/15", "201415", "2015"),
        expect=reject("ambiguous_year", column="school_year", rows=(4,), words=("single_year",)),
    ),
    Case(
        number=90,
        name="school years by their end, declared",
        make=figures("school_year", "2014/15", "201415", "2015"),
        contract={"figures": {"school_year.single_year": "end"}},
        expect=KEEP,
        prove=column_is("school_year", *["2014/15"] * 3),
    ),
    Case(number=91, name="a term in which nothing was collected", make=without_spring, expect=KEEP, prove=spring_is_missing),
    Case(
        number=92,
        name="rows multiplied by a join",
        make=raw("events.csv", text_of(("event_id", "date", "parent"), [(f"QZXE{n // 3}", "2012-01-31", f"QZX{n}") for n in range(30)]).encode()),
        expect=reject("multiplied_rows", words=("20 of 30",)),
    ),
    Case(number=93, name="people whom the roster lacks", make=strangers(1), expect=aside("orphan_key", column="person_id", rows=(2,))),
    Case(
        number=93,
        name="too many people whom the roster lacks",
        make=strangers(5),
        expect=reject("too_many_faults", words=("5 of 35",)),
        also=("orphan_key",),
    ),
    Case(number=93, name="people of whom no source says anything", make=no_links, expect=warn("not_in_links", count=3)),
    Case(
        number=94,
        name="a council that does not exist",
        make=covered_to_2013,
        expect=(Expect(action="reject", words=("E99999999", "councils.csv")),),
        receive=ask_for_another_council,
    ),
)
