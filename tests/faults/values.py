"""Bad inputs 41 to 62: numbers, marks, codes, labels, workbooks, and what must add up."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.faults.case import Case, Expect
from tests.faults.files import NOTES, ids_are
from tests.faults.writing import KEEP, aside, blank, figures, long_workbook, normalise, persons, pupils, raw, reject, table, text_of, warn, workbook


def column_is(column: str, *values: object, name: str = "figures"):
    """Proves the values of a column, None for missing."""

    def prove(received):
        found = received[name].frame()[column].astype(object)
        assert found.where(found.notna(), None).tolist() == list(values), found.tolist()

    return prove


def reasons_are(**wanted: int):
    """Proves that missing values keep their reasons in the room."""

    def prove(received):
        rows = duckdb.execute("SELECT reason, count(*) FROM read_parquet(?) GROUP BY ALL", [str(received["figures"].blanks)]).fetchall()
        assert dict(rows) == wanted, rows

    return prove


def hidden(book, sheet):
    sheet.append(["event_id", "date"])
    for number in range(1, 4):
        sheet.append([f"QZX{number}", "2012-01-31"])
    sheet.row_dimensions[3].hidden = True
    sheet.title = "events"
    book.create_sheet("Old").sheet_state = "hidden"


def texts_of_numbers(book, sheet):
    sheet.append(["line_id", "sessions"])
    sheet.append(["QZX1", "120"])
    sheet.append(["QZX2", 130])


def merged(book, sheet):
    hidden(book, sheet)
    sheet.merge_cells("A2:A3")


def formula(book, sheet):
    sheet.append(["event_id", "date"])
    sheet.append(["QZX1", "=TODAY()"])


def sheet_of(rows: int):
    """A CSV of exactly as many lines as a spreadsheet holds."""

    def make(folder: Path) -> None:
        (folder / "events.csv").write_text("event_id,date\n" + "".join(f"QZX{n},2012-01-31\n" for n in range(rows - 1)), encoding="utf-8")

    return make


def adding(*rows: tuple[str, str, str, str]):
    return table("figures", ("line_id", "sessions", "authorised", "unauthorised", "absent"), *((f"QZXL{n}", *row) for n, row in enumerate(rows)))


def exclusion(sessions: str):
    return table(
        "exclusions",
        ("person_id", "date", "kind", "sessions"),
        ("QZXP1", "2012-01-31", "fixed", sessions),
        *((f"QZXP{n}", "2012-01-31", "fixed", "4") for n in range(2, 30)),
    )


ALONE = {"exclusions": {"columns_alone": True}}
TERM = ("100", "120", "130", "140", "150", "160")
MARKS = ("*", "c", "[c]", "x", "z", "low", "~", "<5", "..", "-")

CASES = (
    Case(
        number=41,
        name="days for sessions",
        make=figures("sessions", "60", "65", "63", "58", "61", "60"),
        expect=warn("unusual_median", column="sessions"),
    ),
    Case(
        number=42,
        name="thousands marks",
        make=raw("figures.csv", b'line_id,money,sessions\nQZX1,"1,234.50",120\nQZX2,1 234.50,120\n'),
        expect=normalise("rewritten", column="money", count=2),
        prove=column_is("money", 1234.5, 1234.5),
    ),
    Case(
        number=42,
        name="thousands marks where they do not belong",
        make=raw("figures.csv", b'line_id,money\nQZX1,"12,34"\n'),
        expect=aside("wrong_type", column="money"),
    ),
    Case(
        number=43,
        name="pounds, per cent and decimal commas",
        make=raw("figures.csv", '\ufeffline_id,money,rate\nQZX1,\u00a35,5%\nQZX2,"5,5",5\n'.encode()),
        expect=aside("wrong_type", column="money", rows=(2, 3)),
    ),
    Case(
        number=43,
        name="pounds and per cent, declared",
        make=raw("figures.csv", "line_id,money,rate\nQZX1,\u00a35.50 ,5%\n".encode()),
        contract={"figures": {"money.marks": ("pounds",), "rate.marks": ("per_cent",)}},
        expect=normalise("rewritten"),
        prove=column_is("money", 5.5),
    ),
    Case(
        number=43,
        name="decimal commas, declared",
        make=raw("figures.csv", b'line_id,money\nQZX1,"1.234,5"\n'),
        contract={"figures": {"money.marks": ("decimal_comma",)}},
        expect=KEEP,
        prove=column_is("money", 1234.5),
    ),
    Case(
        number=44,
        name="negatives in brackets or with the sign behind",
        make=figures("sessions", "(3)", "3-", *TERM),
        expect=aside("wrong_type", column="sessions", rows=(2, 3)),
    ),
    Case(
        number=45,
        name="marks of suppression",
        make=figures("sessions", *MARKS, *TERM),
        expect=blank("suppressed", column="sessions", count=5),
        prove=reasons_are(suppressed=5, unavailable=2, not_applicable=2, rounds_to_zero=1),
    ),
    Case(
        number=46,
        name="codes for missing, declared",
        make=figures("sessions", "NULL", "N/A", *TERM),
        expect=blank("missing_code", column="sessions", count=2),
    ),
    Case(
        number=46,
        name="codes for missing, not declared",
        make=figures("sessions", "-9", "999", "unknown", "NaN", "none", *TERM),
        expect=aside("wrong_type", column="sessions", rows=(4, 5, 6)),
        also=("out_of_range",),
    ),
    Case(
        number=47,
        name="surnames that look like codes",
        expect=KEEP,
        prove=column_is("surname", "Null", "Na", "None", "True", name="persons"),
        make=persons(
            *(
                (str(n), str(n), "QZX", surname, "1980-05-01", "F", "AB1 2CD", "2012-01-31", "")
                for n, surname in enumerate(("Null", "Na", "None", "True"))
            )
        ),
    ),
    Case(
        number=48,
        name="whole numbers written otherwise",
        make=figures("sessions", "120.0", "1e2", "130"),
        expect=normalise("rewritten", column="sessions", count=2),
        prove=column_is("sessions", 120, 100, 130),
    ),
    Case(number=48, name="no whole number", make=figures("sessions", "120.5", "130"), expect=aside("wrong_type", rows=(2,))),
    Case(
        number=49,
        name="identifiers that lost their digits",
        make=pupils("upn", "8.01E+12", "1.23457E+15", ""),
        expect=reject("digits_lost", column="upn", rows=(2, 3), words=("Export the column again as text",)),
    ),
    Case(number=50, name="leading zeros lost", make=pupils("urn", "1234", "101234"), expect=aside("zeros_lost", column="urn", rows=(2,))),
    Case(
        number=50,
        name="leading zeros put back, declared",
        make=pupils("urn", "1234", "101234"),
        contract={"pupils": {"urn.pad": True}},
        expect=KEEP,
        prove=column_is("urn", "001234", "101234", name="pupils"),
    ),
    Case(
        number=51,
        name="identifiers that became days",
        make=pupils("urn", "SEP-12", "01-Feb", "123456"),
        expect=aside("date_for_id", column="urn", rows=(2, 3)),
    ),
    Case(
        number=52,
        name="a spreadsheet's errors",
        make=figures("sessions", "#REF!", "#VALUE!", "#DIV/0!", *TERM),
        expect=aside("spreadsheet_error", column="sessions", rows=(2, 3, 4)),
    ),
    Case(
        number=52,
        name="a spreadsheet's errors in words",
        make=raw("events.csv", text_of(NOTES, [("QZXE1", "2012-01-31", "#REF!")]).encode()),
        expect=aside("spreadsheet_error", column="note"),
    ),
    Case(
        number=53,
        name="true and false in many forms",
        make=figures("employed", "Y", "y", "Yes", "1", "TRUE", "T", "N", "-1"),
        expect=aside("wrong_type", column="employed", rows=(9,)),
        prove=column_is("employed", *[True] * 6, False),
    ),
    Case(
        number=54,
        name="hidden rows and sheets",
        make=workbook("events.xlsx", hidden),
        expect=(*warn("hidden_rows", words=("1 are",)), Expect(action="warn", reason="hidden_sheet")),
    ),
    Case(
        number=54, name="numbers stored as text", make=workbook("figures.xlsx", texts_of_numbers), expect=KEEP, prove=column_is("sessions", 120, 130)
    ),
    Case(number=54, name="merged cells", make=workbook("events.xlsx", merged), expect=reject("merged_cells")),
    Case(
        number=54, name="formulas without a value", make=workbook("events.xlsx", formula), expect=reject("formula_without_value", words=("1 hold",))
    ),
    Case(
        number=55,
        name="as many rows as an old spreadsheet holds",
        make=long_workbook("events.xlsx", ("event_id", "date"), 65_536),
        expect=reject("cut_off", words=("65,536",)),
    ),
    Case(number=55, name="as many rows as a spreadsheet holds", make=sheet_of(1_048_576), expect=reject("cut_off", words=("1,048,576",))),
    Case(number=56, name="a negative count", make=figures("sessions", "-1", *TERM), expect=aside("out_of_range", column="sessions", rows=(2,))),
    Case(
        number=57,
        name="more absences than sessions",
        make=adding(("120", "100", "30", "130"), ("120", "1", "2", "3")),
        expect=aside("rule_broken", column="absence_within_possible", rows=(2,)),
    ),
    Case(number=58, name="no possible sessions", make=figures("sessions", "0", *TERM), expect=warn("rule_broken", column="some_possible", rows=(2,))),
    Case(
        number=58,
        name="more sessions than a year has",
        make=figures("sessions", "421", *TERM),
        expect=aside("out_of_range", column="sessions", rows=(2,)),
    ),
    Case(number=58, name="a rate above a hundred", make=figures("rate", "101", "50", "-1"), expect=aside("out_of_range", column="rate", rows=(2, 4))),
    Case(
        number=59,
        name="parts that do not add up",
        make=adding(("120", "1", "2", "4"), ("120", "1", "2", "3")),
        expect=aside("rule_broken", column="adds_up", rows=(2,)),
    ),
    Case(
        number=60,
        name="an exclusion longer than a year allows",
        make=exclusion("91"),
        contract=ALONE,
        expect=aside("out_of_range", column="sessions", rows=(2,)),
    ),
    Case(
        number=60,
        name="an exclusion not in half days",
        make=exclusion("4.5"),
        contract=ALONE,
        expect=aside("wrong_type", column="sessions", rows=(2,)),
    ),
    Case(
        number=61,
        name="shares and percentages mixed",
        make=figures("rate", "12.5", "0.11", "8.1", "0.3", "40", "22"),
        expect=reject("mixed_units", column="rate", rows=(3, 5)),
    ),
    Case(
        number=62,
        name="rows twice",
        make=raw("events.csv", (text_of(NOTES, [("QZXE1", "2012-01-31", "a"), ("QZXE2", "2012-01-31", "b")]) + "QZXE1,2012-01-31,a\n").encode()),
        expect=(Expect(action="drop", reason="exact_duplicates", rows=(4,), count=1), *KEEP),
        prove=ids_are("QZXE1", "QZXE2"),
    ),
)
