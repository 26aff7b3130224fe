"""Bad inputs 1 to 19: days, and rows that last from a day to a day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.faults.case import Case, Expect
from tests.faults.families import covered_to_2013, followed_past_the_extract, spanning_entry
from tests.faults.writing import KEEP, aside, blank, events, normalise, reject, spells, table, warn, workbook

GOOD = tuple(f"2012-{month:02d}-{day:02d}" for month in range(1, 11) for day in range(1, 21))  # two hundred days
DMY = tuple(f"{day:02d}/{month:02d}/2012" for month in range(1, 11) for day in range(1, 21))
OFFICIAL = ("%d/%m/%Y",)


def days_are(*days: str | None):
    """Proves the days of the events, in the order of their identifiers."""

    def prove(received):
        found = [
            None if value is None else str(value)[:10] for value in received["events"].frame()["date"].astype(object).where(lambda x: x.notna(), None)
        ]
        assert found == list(days), found

    return prove


def mac(book, sheet):
    sheet.append(["event_id", "date"])
    sheet.append(["QZX1", dt.date(2012, 5, 1)])


def with_extract(write, day: str):
    def make(folder: Path) -> None:
        write(folder)
        (folder / "delivery.yml").write_text(f"extract_date: {day}\n", encoding="utf-8")

    return make


def people_and_event(born: str, day: str, name: str = "offences"):
    """One adult of one family with one event."""

    def make(folder: Path) -> None:
        covered_to_2013(folder)
        text = (folder / "people.csv").read_text(encoding="utf-8").replace("1980-05", born, 1)
        (folder / "people.csv").write_text(text, encoding="utf-8")
        table(
            name,
            ("offence_id", "person_id", "date", "offence_type", "disposal"),
            ("QZXO1", "QZXP000", day, "theft", "caution"),
            *((f"QZXO{n}", "QZXP001", "2012-05-01", "theft", "caution") for n in range(2, 30)),
        )(folder)

    return make


CASES = (
    Case(number=1, name="day first, as declared", make=events("30/04/2012", "05/06/2012"), expect=KEEP, prove=days_are("2012-04-30", "2012-06-05")),
    Case(number=2, name="one row month first", make=events(*DMY, "12/25/2012"), expect=aside("month_first", column="date", rows=(202,))),
    Case(
        number=2,
        name="a file month first",
        make=events(*DMY[:50], *(f"12/{day}/2012" for day in range(20, 28))),
        also=("month_first",),
        expect=reject("month_first", column="date", words=("8 of 58", "events.csv", "Export days as 2011-04-30")),
    ),
    Case(
        number=3,
        name="no day above twelve, forms not declared",
        make=events("01/04/2012", "02/05/2012", "11/12/2012"),
        expect=reject("ambiguous_days", column="date", words=("none is above 12", "formats", "events.yml")),
    ),
    Case(
        number=3,
        name="no day above twelve, form declared",
        make=events("01/04/2012", "11/12/2012"),
        expect=KEEP,
        contract={"events": {"date.formats": OFFICIAL}},
        prove=days_are("2012-04-01", "2012-12-11"),
    ),
    Case(
        number=4,
        name="two forms in one column",
        make=events("2012-04-30", "30/04/2012", "2012-05-01"),
        expect=warn("mixed_forms", words=("1 of 3",)),
        prove=days_are("2012-04-30", "2012-04-30", "2012-05-01"),
    ),
    Case(number=4, name="a form that is not declared", make=events("2012-04-30", "30.04.2012"), expect=aside("wrong_type", column="date", rows=(3,))),
    Case(number=5, name="a spreadsheet's serial number", make=events("2015-04-03", "42097"), expect=aside("excel_serial", column="date", rows=(3,))),
    Case(
        number=5,
        name="serial numbers, declared",
        make=events("42097"),
        contract={"events": {"date.serial": "excel_1900"}},
        expect=KEEP,
        prove=days_are("2015-04-03"),
    ),
    Case(
        number=6,
        name="a workbook that counts from 1904",
        make=workbook("events.xlsx", mac, days_from_1904=True),
        expect=KEEP,
        prove=days_are("2012-05-01"),
    ),
    Case(
        number=6,
        name="serial numbers from 1904, declared",
        make=events("40635"),
        contract={"events": {"date.serial": "excel_1904"}},
        expect=KEEP,
        prove=days_are("2015-04-03"),
    ),
    Case(
        number=7, name="a day with a time", make=events("2015-06-30T23:00:00Z", "2015-06-30"), expect=aside("time_of_day", column="date", rows=(2,))
    ),
    Case(
        number=7,
        name="a day with a time, zone declared",
        make=events("2015-06-30T23:00:00Z", "2015-12-30T23:00:00Z"),
        contract={"events": {"date.timezone": "Europe/London"}},
        expect=warn("time_of_day", column="date"),
        prove=days_are("2015-07-01", "2015-12-30"),
    ),
    Case(number=8, name="years of two digits", make=events("01/02/15", "2015-02-01"), expect=aside("two_digit_year", column="date", rows=(2,))),
    Case(
        number=8,
        name="years of two digits, pivot declared",
        make=events("01/02/15", "13/02/95"),
        contract={"events": {"date.pivot_year": 50}},
        expect=KEEP,
        prove=days_are("2015-02-01", "1995-02-13"),
    ),
    Case(
        number=9,
        name="days that the calendar lacks",
        make=events("30/02/2015", "31/04/2015", "29/02/2015", "2015-02-29", "28/02/2015"),
        expect=aside("no_such_date", column="date", rows=(2, 3, 4, 5)),
    ),
    Case(
        number=10,
        name="days that stand for none",
        make=events("01/01/1900", "1901-01-01", "31/12/9999", "0001-01-01", "2015-01-31"),
        expect=blank("sentinel_date", column="date", count=4),
        prove=days_are(None, None, None, None, "2015-01-31"),
    ),
    Case(
        number=11,
        name="an event after the extract",
        make=with_extract(events("2015-03-31", "2015-04-01"), "2015-03-31"),
        expect=aside("after_extract", column="date", rows=(3,), words=("2015-03-31",)),
    ),
    Case(
        number=12,
        name="an event before birth",
        make=people_and_event("2013-05", "2012-02-01"),
        also=("rule_broken", "orphan_key"),
        expect=aside("rule_broken", column="member_after_birth"),
    ),
    Case(
        number=12,
        name="a person born after an event",
        make=people_and_event("2004-05", "2003-02-01"),
        expect=aside("too_young", column="date", rows=(2,), words=("offences.date", "people.birth_month")),
    ),
    Case(number=13, name="a member older than 110", make=people_and_event("1900-01", "2012-02-01"), expect=warn("very_old", column="birth_month")),
    Case(number=13, name="a parent younger than the child plus twelve", make=people_and_event("1999-05", "2012-02-01"), expect=warn("young_parent")),
    Case(
        number=14,
        name="an end before its start",
        make=spells(("1", "jsa", "2012-05-01", "2012-04-01"), ("2", "jsa", "2012-05-01", "")),
        expect=aside("rule_broken", column="in_order", rows=(2,), words=("ends on or after",)),
    ),
    Case(
        number=15,
        name="a spell without an end",
        make=spells(("1", "jsa", "2012-05-01", ""), ("2", "jsa", "2012-05-01", "2012-06-01")),
        expect=normalise("open_spell", column="end_date", rows=(2,)),
    ),
    Case(number=16, name="periods after the extract", make=covered_to_2013, expect=KEEP, prove=followed_past_the_extract),
    Case(
        number=17,
        name="spells that overlap",
        make=spells(
            ("1", "jsa", "2012-01-01", "2012-03-31"),
            ("1", "jsa", "2012-03-01", "2012-05-31"),
            ("1", "jsa", "2013-01-01", ""),
            ("2", "jsa", "2012-01-01", ""),
        ),
        expect=aside("overlapping_spells", column="person_id, kind", rows=(2, 3), count=2),
    ),
    Case(
        number=17,
        name="spells that overlap, merging declared",
        make=spells(("1", "jsa", "2012-01-01", "2012-03-31"), ("1", "jsa", "2012-03-01", "2012-05-31"), ("1", "jsa", "2012-04-01", "2012-04-02")),
        contract={"spells": {"spells": {"overlap": "merge"}}},
        expect=(Expect(action="drop", reason="merged_spell", rows=(3, 4)), *KEEP),
        prove=lambda received: _end(received, "2012-05-31"),
    ),
    Case(
        number=18,
        name="spells a day apart",
        make=spells(("1", "jsa", "2012-01-01", "2012-03-31"), ("1", "jsa", "2012-04-01", "2012-04-01")),
        expect=KEEP,
    ),
    Case(
        number=18,
        name="a spell of no length where ends are exclusive",
        make=spells(("1", "jsa", "2012-01-01", "2012-04-01"), ("1", "jsa", "2012-04-01", "2012-05-01"), ("2", "jsa", "2012-04-01", "2012-04-01")),
        contract={"spells": {"spells": {"last_day": "exclusive"}}},
        expect=aside("empty_spell", column="end_date", rows=(4,)),
    ),
    Case(number=19, name="a spell over the start of support", make=covered_to_2013, expect=KEEP, prove=spanning_entry),
)


def _end(received, day: str) -> None:
    frame = received["spells"].frame()
    assert len(frame) == 1 and str(frame["end_date"][0].date()) == day, frame
