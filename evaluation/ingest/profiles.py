"""What a whole column shows and no single row does: forms that are mixed, units that changed, values understood in another form.

Each profile is one or more aggregates, and all of a table's profiles are taken in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluation.dictionary import Variable
from evaluation.ingest.tables import Fault
from evaluation.ingest.values import UNSEEN, literal, quoted, raw_text
from evaluation.ingest.work import Work

SHARE_MONTH_FIRST = 0.01  # beyond this share of a column's days the file was written month first
FEW = 5  # fewer rows than this show nothing of a column
DAMAGED = "\u00c3[\u0080-\u00bf]|\u00e2\u20ac|\u00c2[\u0080-\u00bf]"  # UTF-8 read as Windows-1252 and saved again

Judge = Callable[[tuple], Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Aggregates over the typed rows, and what is said of them."""

    aggregates: tuple[str, ...]
    judge: Judge


def find_profiles(work: Work) -> list[Fault]:
    """Every fault that a column shows as a whole."""
    profiles = [profile for variable in work.table.columns.values() if variable.name in work.present for profile in profiles_of(work, variable)]
    profiles += [of_rule(work, rule) for rule in work.table.rules if rule.severity == "warn"] + of_councils(work)
    if not profiles:
        return []
    aggregates = [sql for profile in profiles for sql in profile.aggregates]
    row = list(work.con.execute(f'SELECT {", ".join(aggregates)} FROM ({work.typed}) WHERE "_fault" IS NULL').fetchone())
    found = []
    for profile in profiles:
        values, row = row[: len(profile.aggregates)], row[len(profile.aggregates) :]
        fault = profile.judge(tuple(values))
        found += [fault] if fault else []
    return found


def counted(condition: str) -> tuple[str, str]:
    """Rows that hold a condition, and the first of them."""
    return f"count(*) FILTER ({condition})", f'min("_row", 5) FILTER ({condition})'


def noted(
    work: Work, variable: str, condition: str, reason: str, must_hold: str, mend: str = "Nothing to mend.", severity: str = "normalise"
) -> Profile:
    """A profile that counts rows."""

    def judge(found: tuple) -> Fault | None:
        return work.fault(reason, variable, must_hold, mend, severity, found[0], found[1]) if found[0] else None

    return Profile(aggregates=counted(condition), judge=judge)


def profiles_of(work: Work, variable: Variable) -> list[Profile]:
    """The profiles of one column."""
    c, value, found = quoted("c_" + variable.name), quoted(variable.name), []
    if variable.type in ("text", "id"):
        found.append(
            noted(
                work,
                variable.name,
                f"strlen({c}) <> length({c}) AND regexp_matches({c}, '{DAMAGED}')",
                "double_encoding",
                "text must be written in its encoding once: these look as if they had been encoded twice",
                "Export from the source as UTF-8.",
                "warn",
            )
        )
    if variable.type == "id" and variable.shape and variable.nullable:
        found.append(
            noted(
                work,
                variable.name,
                f"{c} IS NULL",
                "missing_identifier",
                "an identifier should be there: these rows cannot be linked by it",
                "Deliver it where it is known.",
                "warn",
            )
        )
    if variable.type == "integer" and not variable.references:
        found.append(
            noted(
                work,
                variable.name,
                f"{value} IS NOT NULL AND CAST({value} AS VARCHAR) <> {c}",
                "rewritten",
                "numbers in another form (3.0, 1e3, 1,234) are understood",
            )
        )
    if variable.type == "number":
        found += number_profiles(work, variable, c, value)
    if variable.type == "date":
        found += day_profiles(work, variable, c, value)
    if variable.name in work.table.typical:
        found.append(of_median(work, variable.name))
    return found


def number_profiles(work: Work, variable: Variable, c: str, value: str) -> list[Profile]:
    """Thousands marks and signs; shares and percentages mixed in one column."""
    found = [
        noted(
            work,
            variable.name,
            f"{value} IS NOT NULL AND regexp_matches({c}, '[, \u00a0\u00a3%]')",
            "rewritten",
            "numbers in another form (1,234; \u00a35; 5%) are understood",
        )
    ]
    if variable.unit in ("%", "per cent"):
        low = f"{value} > 0 AND {value} <= 1"

        def judge(row: tuple) -> Fault | None:
            few, many, first = row
            if min(few, many) < max(2, 0.02 * (few + many)):
                return None
            return work.fault(
                "mixed_units",
                variable.name,
                "percentages must all be from 0 to 100: some of these look like shares from 0 to 1",
                "Export the column in one unit.",
                "reject",
                few,
                first,
            )

        found.append(Profile(aggregates=(f"count(*) FILTER ({low})", f"count(*) FILTER ({value} > 5)", counted(low)[1]), judge=judge))
    return found


def day_profiles(work: Work, variable: Variable, c: str, value: str) -> list[Profile]:
    """Days month first, days that may be, days in several forms, days that came with a time."""
    slashed = f"{c} IS NOT NULL AND regexp_full_match({c}, '[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}')"
    month_first = f"{slashed} AND {value} IS NULL AND try_strptime({c}, '%m/%d/%Y') IS NOT NULL"
    past_twelve = f"{slashed} AND TRY_CAST(string_split({c}, '/')[1] AS INTEGER) > 12"
    stated = "formats" in variable.model_fields_set

    def judge(row: tuple) -> Fault | None:
        days, slashes, months, beyond, first = row
        where = f"data_dictionary/tables/{work.table.name}.yml"
        if months >= FEW and months > SHARE_MONTH_FIRST * days:
            return work.fault(
                "month_first",
                variable.name,
                f"days must come before months: {months:,} of {days:,} can only be read month first, so all may be",
                "Export days as 2011-04-30.",
                "reject",
                months,
                first,
            )
        if slashes and slashes == days and not beyond and not months and not stated and "%d/%m/%Y" in variable.formats:
            return work.fault(
                "ambiguous_days",
                variable.name,
                "it must be certain which number is the day: none is above 12 in the whole column",
                f'Export days as 2011-04-30, or state `formats: ["%d/%m/%Y"]` for the column in {where}.',
                "reject",
                slashes,
            )
        if slashes and slashes < days:
            return work.fault(
                "mixed_forms",
                variable.name,
                f"days should be in one form: {slashes:,} of {days:,} are written with slashes",
                "Nothing to mend if both forms are right; ask why a file has two.",
                "warn",
                slashes,
            )
        return None

    found = [
        Profile(
            aggregates=(
                f"count({c})",
                f"count(*) FILTER ({slashed})",
                f"count(*) FILTER ({month_first})",
                f"count(*) FILTER ({past_twelve})",
                counted(month_first)[1],
            ),
            judge=judge,
        )
    ]
    if variable.timezone:
        found.append(
            noted(
                work,
                variable.name,
                f"{value} IS NOT NULL AND length({c}) > 10 AND contains({c}, ':')",
                "time_of_day",
                f"times with their zone are read as the day in {variable.timezone}",
                "Export days.",
                "warn",
            )
        )
    return found


def of_median(work: Work, name: str) -> Profile:
    """Whether a column's median lies where it usually does."""
    low, high = work.table.typical[name]

    def judge(row: tuple) -> Fault | None:
        median, rows = row
        if rows < FEW or median is None or low <= median <= high:
            return None
        return work.fault(
            "unusual_median",
            name,
            f"the median is usually from {low:g} to {high:g} and is not: the unit may have changed (days for sessions)",
            "Ask the source for the unit, and deliver in the unit of the contract.",
            "warn",
        )

    return Profile(aggregates=(f"median({quoted(name)})", f"count({quoted(name)})"), judge=judge)


def of_rule(work: Work, rule: object) -> Profile:
    """A rule whose rows are kept and counted."""
    return noted(work, rule.name, f"NOT coalesce(TRY({rule.sql}), true)", "rule_broken", rule.reason, rule.mend, "warn")


def of_councils(work: Work) -> list[Profile]:
    """Councils carried over to the contract's vintage; codes of two systems in one column."""
    found = []
    for lookup in work.council_notes:
        found.append(
            noted(
                work, lookup.column, f"{lookup.carried}", "council_carried_over", f"councils of another day are read as those of {work.table.vintage}"
            )
        )
        if {"gss", "dfe"} <= lookup.kinds:
            fault = work.fault(
                "mixed_codes",
                lookup.column,
                "councils must be named in one way: GSS codes and DfE numbers are mixed in the column",
                "Export one kind of code; rows may have come from two places.",
                "reject",
            )
            found.append(Profile(aggregates=("1",), judge=lambda row, fault=fault: fault))
    return found


def stripped_identifiers(work: Work) -> list[Fault]:
    """Identifiers that held characters which nobody sees (NUL, no-break or zero-width spaces), and were read without them."""
    found = []
    for variable in work.table.columns.values():
        if variable.type == "id" and variable.name in work.present and work.needs[variable.name].unseen:
            text = raw_text(work.present[variable.name])
            sql = f"SELECT {work.row} AS _row FROM {work.relation} WHERE regexp_matches({text}, {literal(UNSEEN)})"
            found += work.note(
                "unseen_characters",
                variable.name,
                sql,
                must_hold="identifiers are read without characters that nobody sees",
                mend="Mend the export; the rows are listed in the sheet of faults.",
                severity="normalise",
            )
    return found
