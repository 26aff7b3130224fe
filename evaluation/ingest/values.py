"""How a delivered text becomes a typed value, as SQL in DuckDB: what is understood, what means missing and for which reason.

Everything here is an expression over one column; which rows fail is said in `value_checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.dictionary import Variable
from evaluation.ingest.shapes import SHAPES

SPACES = " \t\r\n\u00a0\u200b\ufeff"
UNSEEN = "[\\x{00}-\\x{1f}\\x{7f}\\x{a0}\\x{ad}\\x{200b}-\\x{200f}\\x{2060}\\x{feff}]"  # characters that no identifier holds and no eye sees
TERMS = ("autumn", "spring", "summer")
TRUE, FALSE = ("true", "t", "1", "1.0", "yes", "y"), ("false", "f", "0", "0.0", "no", "n")
SUPPRESSED = {  # marks of published tables; a figure behind one exists or may exist, so it is never zero
    "*": "suppressed",
    "c": "suppressed",
    "[c]": "suppressed",
    "<5": "suppressed",
    "~": "suppressed",
    "x": "unavailable",
    "X": "unavailable",
    "[x]": "unavailable",
    "..": "unavailable",
    ".": "unavailable",
    ":": "unavailable",
    "z": "not_applicable",
    "[z]": "not_applicable",
    "-": "not_applicable",
    "low": "rounds_to_zero",
    "[low]": "rounds_to_zero",
}
SENTINEL_DAYS = ("0001-01-01", "1900-01-01", "1901-01-01", "9999-12-31")  # what systems write where no day is known
SERIAL_ORIGIN = {"excel_1900": "1899-12-30", "excel_1904": "1904-01-01"}
NUMERIC = ("integer", "number")
TOTALS = "^(grand |sub-?)?totals?( |:|$)|^(source|notes?|footnotes?|figures? (are|is))s?[: ]"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def texts(values: Sequence[str]) -> str:
    return "(" + ", ".join(literal(value) for value in values) + ")"


def raw_text(column: str) -> str:
    """A delivered cell without spaces at its ends."""
    return f"trim({quoted(column)}, {literal(SPACES)})"


def missing_texts(variable: Variable) -> dict[str, str]:
    """Texts that mean missing -> the reason: those of the contract, marks of suppression in numbers, days that no system means."""
    found = {code: SUPPRESSED.get(code, "missing_code") for code in variable.missing_codes if code}
    if variable.type in NUMERIC and variable.nullable:
        found = {**SUPPRESSED, **found}
    if variable.type == "date":
        low, high = str(variable.minimum or "0001-01-02"), str(variable.maximum or "9999-12-30")
        outside = [day for day in SENTINEL_DAYS if not low <= day <= high]
        found = {**{day_as(day, form): "sentinel_date" for day in outside for form in variable.formats}, **found}
    return found


def day_as(iso: str, form: str) -> str:
    """A day in one of the forms of a column; written out because strftime drops the zeros of year 1."""
    year, month, day = iso.split("-")
    return form.replace("%Y", year).replace("%m", month).replace("%d", day).replace("%y", year[2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the texts of one column need before they are read; what no text of the column needs is left out of every later pass.

    Attributes
    ----------
    trim : some have spaces at their ends
    missing : some mean missing
    unseen : some hold characters that nobody sees
    """

    trim: bool = True
    missing: bool = True
    unseen: bool = True


ALL_NEEDS = Needs()


def needs_of(variable: Variable, column: str) -> tuple[str, str, str]:
    """Aggregates that say what a column's texts need, in the order of `Needs`."""
    text, codes = raw_text(column), missing_texts(variable)
    missing = f"bool_or({text} IN {texts(tuple(codes))})" if codes else "false"
    unseen = f"bool_or(regexp_matches({quoted(column)}, '{UNSEEN}'))" if variable.type == "id" else "false"
    return f"bool_or({text} <> {quoted(column)})", missing, unseen


def cleaned_text(variable: Variable, column: str | None, needs: Needs = ALL_NEEDS) -> str:
    """A delivered cell as text: NULL where it is empty or means missing; identifiers without characters that nobody sees."""
    if column is None:
        return "NULL::VARCHAR"
    text = raw_text(column) if needs.trim else quoted(column)
    kept = text
    if variable.type == "id" and needs.unseen:
        kept = f"CASE WHEN regexp_matches({text}, '{UNSEEN}') THEN nullif(regexp_replace({text}, '{UNSEEN}', '', 'g'), '') ELSE {text} END"
    codes = ["", *missing_texts(variable)] if needs.missing else [""]
    cleaned = f"CASE WHEN {text} IN {texts(codes)} THEN NULL ELSE {kept} END" if len(codes) > 1 or kept != text else f"nullif({text}, '')"
    if variable.width and variable.pad:
        padded = f"lpad(x, greatest({variable.width}, length(x))::INTEGER, '0')"
        return f"(SELECT CASE WHEN regexp_full_match(x, '[0-9]+') THEN {padded} ELSE x END FROM (SELECT {cleaned} AS x))"
    return cleaned


def typed_value(variable: Variable) -> str:
    """The typed value of a cleaned text `c_x`; NULL where the text is no such value."""
    c = quoted("c_" + variable.name)
    consecutive = f"(TRY_CAST(left({c}, 4) AS INTEGER) + 1) % 100 = TRY_CAST(right({{}}, 2) AS INTEGER)"
    match variable.type:
        case "id":
            return typed_identifier(variable, c)
        case "integer":
            plain, quick = plain_number(variable, c), f"TRY_CAST({c} AS BIGINT)"      # '120.5' casts to 120, hence the comparison
            slow = f"CASE WHEN TRY_CAST({plain} AS DOUBLE) = TRY_CAST({plain} AS BIGINT) THEN TRY_CAST({plain} AS BIGINT) END"
            return f"CASE WHEN CAST({quick} AS VARCHAR) = {c} THEN {quick} ELSE {slow} END"
        case "year":
            return f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}(\\.0+)?') THEN TRY_CAST(left({c}, 4) AS INTEGER) END"
        case "number":
            plain = plain_number(variable, c)
            return f"CASE WHEN isfinite(TRY_CAST({plain} AS DOUBLE)) THEN TRY_CAST({plain} AS DOUBLE) END"
        case "date":
            return typed_day(variable, c)
        case "month":
            return f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}-(0[1-9]|1[0-2])(-01)?([ T]00:00:00)?') THEN left({c}, 7) END"
        case "boolean":
            return f"CASE WHEN lower({c}) IN {texts(TRUE)} THEN true WHEN lower({c}) IN {texts(FALSE)} THEN false END"
        case "school_year" | "financial_year":
            return (
                f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}[/-]?([0-9]{{2}}|[12][0-9]{{3}})') AND {consecutive.format(c)} "
                f"THEN left({c}, 4) || '/' || right({c}, 2) {one_year(variable, c)}END"
            )
        case "term":
            form = f"regexp_full_match(lower({c}), '[12][0-9]{{3}}/[0-9]{{2}}-({'|'.join(TERMS)})')"
            return f"CASE WHEN {form} AND {consecutive.format(f'left({c}, 7)')} THEN lower({c}) END"
        case _:
            return c


def typed_identifier(variable: Variable, c: str) -> str:
    """An identifier, NULL where a spreadsheet has lost its digits, or where it is not of the column's shape and may be missing."""
    kept = f"CASE WHEN contains(upper({c}), 'E+') AND regexp_full_match({c}, '[0-9.]+[eE]\\+[0-9]+') THEN NULL ELSE {c} END"
    if variable.shape is None:
        return kept
    shape = SHAPES[variable.shape]
    return f"CASE WHEN {shape.holds(c)} THEN {shape.written(c)} END"


def plain_number(variable: Variable, c: str) -> str:
    """A number's text without thousands marks, and without the signs that the contract allows."""
    if "decimal_comma" in variable.marks:
        return f"replace(replace({bare_number(variable, c)}, '.', ''), ',', '.')"
    bare = bare_number(variable, c)
    thousands = (
        f"(contains({bare}, ',') OR contains({bare}, ' ') OR contains({bare}, '\u00a0')) AND "
        f"regexp_full_match({bare}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}}|[ \u00a0][0-9]{{3}})+(\\.[0-9]+)?')"
    )
    return f"CASE WHEN {thousands} THEN translate({bare}, ', \u00a0', '') ELSE {bare} END"


def bare_number(variable: Variable, c: str) -> str:
    signs = "".join({"pounds": "\u00a3", "per_cent": "%"}.get(mark, "") for mark in variable.marks)
    return f"trim({c}, {literal(signs + ' ')})" if signs else c


def typed_day(variable: Variable, c: str) -> str:
    """A day in the declared forms and no other; ISO days are tried first by the quicker cast where they are declared."""
    day = f"CASE WHEN length({c}) > 10 AND (suffix({c}, ' 00:00:00') OR suffix({c}, 'T00:00:00')) THEN left({c}, 10) ELSE {c} END"
    found = f"try_strptime({day}, [{', '.join(literal(form) for form in variable.formats)}])"
    otherwise = ""
    if variable.serial:
        otherwise += (
            f" WHEN regexp_full_match({c}, '[1-9][0-9]{{4}}(\\.0+)?') THEN DATE '{SERIAL_ORIGIN[variable.serial]}' + CAST(left({c}, 5) AS INTEGER)"
        )
    if variable.pivot_year is not None:
        year = f"CAST(right({c}, 2) AS INTEGER)"
        otherwise += (
            f" WHEN regexp_full_match({c}, '[0-9]{{2}}/[0-9]{{2}}/[0-9]{{2}}') THEN try_strptime(left({c}, 6) || "
            f"(CASE WHEN {year} >= {variable.pivot_year} THEN '19' ELSE '20' END) || right({c}, 2), '%d/%m/%Y')::DATE"
        )
    if variable.timezone:
        otherwise += f" WHEN regexp_full_match({c}, '{TIMED}') THEN (TRY_CAST({c} AS TIMESTAMPTZ) AT TIME ZONE {literal(variable.timezone)})::DATE"
    return f"CASE WHEN year({found}) >= 1000 THEN {found}::DATE{otherwise} END"


TIMED = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?([.][0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


def one_year(variable: Variable, c: str) -> str:
    """A branch for years of one number, where the contract says which end they name."""
    if variable.single_year is None:
        return ""
    first = f"CAST({c} AS INTEGER)" + ("" if variable.single_year == "start" else " - 1")
    return f"WHEN regexp_full_match({c}, '(19|20)[0-9]{{2}}') THEN ({first})::VARCHAR || '/' || right(({first} + 1)::VARCHAR, 2) "
