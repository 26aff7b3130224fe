"""Rows that are no records: totals and footnotes below a table, told by their first words."""
from __future__ import annotations

from evaluation.ingest.tables import Fault
from evaluation.ingest.values import NUMERIC, TOTALS, quoted
from evaluation.ingest.work import Work

MUST_HOLD, MEND = "a row must be a record: these look like totals or footnotes", "Take totals and notes out of the export."


def mark_totals(work: Work) -> list[Fault]:
    """Rows whose identifier, or first filled cell where they are at fault already, says that they are a total or a note."""
    present = [quoted("c_" + name) for name in work.present]
    identifiers = [quoted("c_" + name) for name in work.present if work.table.columns[name].type == "id"]
    at_fault = f'SELECT _id FROM {work.bad} WHERE "_fault" IS NULL AND NOT _blank'
    says = f"regexp_matches(lower(coalesce({', '.join(present)})), '{TOTALS}')"
    rows = [f'SELECT _id, "_file", "_row" FROM ({work.typed_among(at_fault)}) WHERE {says}']
    if identifiers:
        named = " OR ".join(total_word(c) for c in identifiers)
        rows.append(f'SELECT _id, "_file", "_row" FROM ({work.typed}) WHERE "_fault" IS NULL AND ({named})')
    work.make("_totals", " UNION ".join(rows))
    if not work.con.execute("SELECT count(*) FROM _totals").fetchall()[0][0]:
        return []
    return work.add("looks_like_total", "", "SELECT * FROM _totals", must_hold=MUST_HOLD + sums_in_words(work), mend=MEND)


def total_word(c: str) -> str:
    """SQL: whether an identifier is the word of a total; dear only for those that hold its letters."""
    return f"CASE WHEN contains({c}, 'ota') OR contains({c}, 'OTA') THEN regexp_matches(lower({c}), '{TOTALS}') ELSE false END"


def sums_in_words(work: Work) -> str:
    """' (...)': in how many columns of numbers such a row holds the sum of all others; '' where there is no such column."""
    columns = [quoted(name) for name in work.present if work.table.columns[name].type in NUMERIC]
    if not columns:
        return ""
    there = f"SELECT *, _id IN (SELECT _id FROM _totals) AS _total FROM ({work.typed})"
    sums = ", ".join(f"sum({name}) FILTER (NOT _total) AS {name}" for name in columns)
    agree = " + ".join(f"coalesce(bool_or(t.{name} = s.{name}), false)::INTEGER" for name in columns)
    found = work.con.execute(f"SELECT {agree} FROM ({there}) AS t, (SELECT {sums} FROM ({there})) AS s WHERE t._total").fetchall()[0][0]
    return f" (the sum of all other rows stands in {found} of {len(columns)} column{'' if len(columns) == 1 else 's'} of numbers)"
