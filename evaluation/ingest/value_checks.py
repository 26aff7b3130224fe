"""The checks of one column, from its entry in the data dictionary: conditions under which a row is set aside, or its file refused.

A check is SQL over the cleaned texts `c_<column>` and the typed columns. What a text means is said in `values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.dictionary import Variable
from evaluation.ingest.shapes import SHAPES
from evaluation.ingest.values import quoted, texts

WRITTEN = {
    "id": "an identifier with all its digits (a spreadsheet's 1.2E+12 has lost them)",
    "integer": "a whole number",
    "number": "a number",
    "date": "a day written like 2011-04-30 or 30/04/2011",
    "month": "a month written like 2011-04",
    "boolean": "true or false (or 1/0, yes/no)",
    "year": "a year of four digits",
    "school_year": "a school year written like 2011/12",
    "financial_year": "a financial year written like 2011/12",
    "term": "a school term written like 2011/12-autumn, -spring or -summer",
}
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
NOBODY = ("123456789", "1234567890", "0123456789", "unknown", "not known", "n/k", "nk", "none", "n/a", "na", "nil", "tbc", "test", "dummy", "xxx")
LONGEST = {"id": 200, "text": 100_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition under which a row is at fault; `severity` 'reject' refuses the whole file."""

    column: str
    reason: str
    sql: str
    must_hold: str
    mend: str
    severity: Literal["quarantine", "reject"] = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way in which a text is known to go wrong: its own reason and mend, in place of 'wrong_type'."""

    reason: str
    sql: str
    must_hold: str
    mend: str
    severity: Literal["quarantine", "reject"] = "quarantine"


def checks_of(variable: Variable) -> list[Check]:
    """The checks of one column."""
    c, value, found = quoted("c_" + variable.name), quoted(variable.name), []

    def add(reason: str, sql: str, must_hold: str, mend: str, severity: Literal["quarantine", "reject"] = "quarantine") -> None:
        found.append(Check(column=variable.name, reason=reason, sql=sql, must_hold=must_hold, mend=mend, severity=severity))

    where = "or change the contract in data_dictionary/tables"
    if not variable.nullable:
        add("missing_value", f"{c} IS NULL", "the value must not be missing", f"Deliver the values, {where}.")
    if variable.references == "councils.code":
        pass  # council_codes
    elif variable.type in WRITTEN and not (variable.shape and SHAPES[variable.shape].action == "blank" and variable.nullable):
        wrong = f"{c} IS NOT NULL AND {value} IS NULL"
        before = ""
        for kind in kinds_of(variable, c):
            add(kind.reason, f"CASE WHEN {wrong} THEN {before}({kind.sql}) ELSE false END", kind.must_hold, kind.mend, kind.severity)
            before += f"NOT ({kind.sql}) AND "
        last = f"CASE WHEN {wrong} THEN {before}true ELSE false END" if before else wrong
        if variable.shape:
            add(
                "failed_check", last, f"the value must be {SHAPES[variable.shape].in_words}", "Look the number up at its source; it is never guessed."
            )
        elif variable.type != "id":
            add("wrong_type", last, f"the value must be {WRITTEN[variable.type]}", MEND_TYPE.get(variable.type, "Mend the delivery."))
    for kind in faces_of(variable, c):
        add(kind.reason, f"{c} IS NOT NULL AND ({kind.sql})", kind.must_hold, kind.mend)
    if variable.codes:
        add(
            "not_a_code",
            f"{value} IS NOT NULL AND CAST({value} AS VARCHAR) NOT IN {texts(tuple(variable.codes))}",
            f"the value must be one of {', '.join(variable.codes)}",
            f"Mend the delivery, {where}.",
        )
    if bound := range_test(variable, value):
        add("out_of_range", f"{value} IS NOT NULL AND NOT ({bound})", f"the value must be {range_in_words(variable)}", f"Mend the delivery, {where}.")
    return found


MEND_TYPE = {"date": "Export days in one of these forms: not month first, no two-digit years, no spreadsheet serial numbers."}


def kinds_of(variable: Variable, c: str) -> list[Kind]:
    """Known ways in which a text of the column's type goes wrong, tried in this order."""
    error = Kind(
        reason="spreadsheet_error",
        sql=f"regexp_full_match(upper({c}), '#(REF!|VALUE!|DIV/0!|NAME[?]|NUM!|NULL!|N/A)')",
        must_hold="a cell must hold a value: these hold a spreadsheet's error",
        mend="Mend the formula in the source and export again.",
    )
    match variable.type:
        case "id":
            return [
                Kind(
                    reason="digits_lost",
                    sql=f"regexp_full_match({c}, '[0-9.]+[eE]\\+[0-9]+')",
                    severity="reject",
                    must_hold="identifiers must have all their digits: digits were lost in a spreadsheet (1.2E+12)",
                    mend="Export the column again as text, from the source and not from the spreadsheet.",
                )
            ]
        case "date":
            return [error, *kinds_of_day(c)]
        case "school_year" | "financial_year":
            return [
                error,
                Kind(
                    reason="ambiguous_year",
                    sql=f"regexp_full_match({c}, '(19|20)[0-9]{{2}}')",
                    severity="reject",
                    must_hold="a year that spans two must be written like 2011/12: a single year may be its start or its end",
                    mend="Write both years, or state `single_year: start` or `end` for the column in the contract.",
                ),
            ]
        case "integer" | "number" | "month" | "boolean" | "year" | "term":
            return [error]
        case _:
            return []


def kinds_of_day(c: str) -> list[Kind]:
    """Known ways in which a day goes wrong."""
    mend = MEND_TYPE["date"]
    slashed, iso = f"regexp_full_match({c}, '[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}')", f"regexp_full_match({c}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
    month_first = f"{slashed} AND try_strptime({c}, '%m/%d/%Y') IS NOT NULL"
    serial = f"regexp_full_match({c}, '[1-9][0-9]{{4}}(\\.0+)?')"
    return [
        Kind(
            reason="month_first", sql=month_first, must_hold="the day must come before the month: these are days only if read month first", mend=mend
        ),
        Kind(
            reason="no_such_date",
            sql=f"({slashed}) OR ({iso})",
            must_hold="the day must exist: the calendar has none of these",
            mend="Mend the days at their source.",
        ),
        Kind(
            reason="excel_serial",
            sql=serial,
            must_hold="a day must be written out: these look like a spreadsheet's serial numbers "
            "(the sheet of faults shows the days that they would be)",
            mend="Export days as text, or state `serial: excel_1900` in the contract.",
        ),
        Kind(
            reason="two_digit_year",
            sql=f"regexp_full_match({c}, '[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{2}}')",
            must_hold="a year must have four digits",
            mend="Export four digits, or state `pivot_year` in the contract.",
        ),
        Kind(
            reason="time_of_day",
            sql=f"regexp_matches({c}, '^[0-9/-]+[ T][0-9]{{2}}:[0-9]{{2}}')",
            must_hold="a day must come without a time: near midnight the day depends on the zone",
            mend="Export days, or state `timezone: Europe/London` in the contract where the times carry their zone.",
        ),
    ]


def faces_of(variable: Variable, c: str) -> list[Kind]:
    """Texts that are of the type and yet none: for identifiers and free text."""
    if variable.type not in LONGEST or variable.references == "councils.code":
        return []
    errors = f"CASE WHEN starts_with({c}, '#') THEN regexp_full_match(upper({c}), '#(REF!|VALUE!|DIV/0!|NAME[?]|NUM!|NULL!|N/A)') ELSE false END"
    found = [
        Kind(
            reason="spreadsheet_error",
            sql=errors,
            must_hold="a cell must hold a value: these hold a spreadsheet's error",
            mend="Mend the formula in the source and export again.",
        ),
        Kind(
            reason="too_long",
            sql=f"length({c}) > {LONGEST[variable.type]}",
            must_hold=f"a text must have at most {LONGEST[variable.type]:,} characters",
            mend="Look for an unclosed quotation mark or a document in a cell.",
        ),
    ]
    if variable.type == "id":
        found += identifier_faces(variable, c)
    return found


def identifier_faces(variable: Variable, c: str) -> list[Kind]:
    """Identifiers of nobody, identifiers that became days, identifiers that lost their zeros."""
    ends_alike = f"left({c}, 1) = right({c}, 1)"      # spares most identifiers the dearer test
    repeated = f"replace({c}, left({c}, 1), '') = '' AND (length({c}) >= 8 OR (length({c}) >= 4 AND NOT regexp_matches({c}, '[1-9]')))"
    day = f"regexp_full_match(lower({c}), '([0-9]{{1,2}}-({MONTHS})|({MONTHS})-[0-9]{{1,4}})')"
    found = [
        Kind(
            reason="placeholder_id",
            sql=f"CASE WHEN {ends_alike} AND ({repeated}) THEN true WHEN length({c}) < 11 THEN lower({c}) IN {texts(NOBODY)} ELSE false END",
            must_hold="an identifier must be somebody's: these stand for nobody (zeros, one letter repeated, 123456789, 'unknown')",
            mend="Deliver the identifier, or leave the cell empty where the contract allows it.",
        ),
        Kind(
            reason="date_for_id",
            sql=f"CASE WHEN length({c}) <= 8 AND contains({c}, '-') THEN {day} ELSE false END",
            must_hold="an identifier must be as its source wrote it: a spreadsheet made days of these",
            mend="Export the column again as text, from the source and not from the spreadsheet.",
        ),
    ]
    if variable.shape == "upn" and not variable.temporary:
        found.append(
            Kind(
                reason="temporary_id",
                sql=f"regexp_full_match({c}, '[A-Z][0-9]{{11}}[A-Z]')",
                must_hold="a pupil number must be permanent: a letter at its end marks a temporary one",
                mend="Deliver the permanent number, or set `temporary: true` in the contract.",
            )
        )
    if variable.width:
        found.append(
            Kind(
                reason="zeros_lost",
                sql=f"length({c}) < {variable.width} AND regexp_full_match({c}, '[0-9]+')",
                must_hold=f"an identifier must have its {variable.width} digits: leading zeros look lost, and are not put back by guess",
                mend="Export the column again as text, or state `pad: true` in the contract where that is certain.",
            )
        )
    return found


def range_test(variable: Variable, value: str) -> str:
    tests = []
    for bound, sign in ((variable.minimum, ">="), (variable.maximum, "<=")):
        if bound is None:
            continue
        if isinstance(bound, str):
            tests.append(f"left({value}, {len(bound)}) {sign} '{bound}'")
        else:
            tests.append(f"{value} {sign} {bound}" if isinstance(bound, int | float) else f"{value} {sign} DATE '{bound}'")
    return " AND ".join(tests)


def range_in_words(variable: Variable) -> str:
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.minimum is not None and variable.maximum is not None:
        return f"from {variable.minimum} to {variable.maximum}{unit}"
    return f"at least {variable.minimum}{unit}" if variable.minimum is not None else f"at most {variable.maximum}{unit}"
