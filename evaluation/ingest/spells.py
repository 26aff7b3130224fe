"""Rows that last from a day to a day: spells that are still open, overlap, or should not be open at once.

The last day belongs to the spell unless the contract says otherwise: two spells of which one ends the day before the other begins do not overlap.
"""

from __future__ import annotations

from evaluation.ingest.tables import Fault
from evaluation.ingest.values import literal, quoted
from evaluation.ingest.work import Work

FOREVER = "DATE '9999-12-31'"


def find_spells(work: Work) -> list[Fault]:
    """Every fault of a table's spells; overlapping ones are set aside, merged or kept as the contract says."""
    spells = work.table.spells
    if spells is None or not {spells.begins, spells.ends} <= set(work.present):
        return []
    start, end = quoted(spells.begins), quoted(spells.ends)
    last = end if spells.last_day == "inclusive" else f"({end} - 1)"
    of = ", ".join(quoted(name) for name in spells.of)
    found = []
    if spells.last_day == "exclusive":
        found += work.add(
            "empty_spell",
            spells.ends,
            f'SELECT _id, "_file", "_row" FROM ({work.typed}) WHERE "_fault" IS NULL AND {end} = {start}',
            must_hold="a spell must last a day: its last day does not belong to it, and is its first",
            mend="Mend the days at their source.",
        )
    rows = work.sound if spells.overlap == "merge" else work.standing      # only what is right in all else may be merged
    work.make(
        "_spells",
        f"""
        SELECT _id, "_file", "_row", {", ".join(dict.fromkeys([*(quoted(name) for name in (*spells.of, *spells.apart)), start, end]))},
            coalesce({last}, {FOREVER}) AS _last FROM ({rows}) WHERE {start} IS NOT NULL AND ({end} IS NULL OR {end} >= {start})""",
    )
    found += work.note(
        "open_spell",
        spells.ends,
        f'SELECT "_row" FROM _spells WHERE {end} IS NULL',
        severity="normalise",
        must_hold="spells without an end are open, and known up to the day to which the source is complete",
        mend="Nothing to mend.",
    )
    found += not_apart(work)
    if spells.overlap == "keep":
        return found
    work.make(
        "_runs",
        f"""
        SELECT *, sum(_starts::INTEGER) OVER (PARTITION BY {of} ORDER BY {start}, _last, _id) AS _run FROM (
            SELECT *, coalesce({start} > max(_last) OVER (PARTITION BY {of} ORDER BY {start}, _last, _id
                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS _starts FROM _spells)""",
    )
    work.make(
        "_overlapping",
        f"SELECT *, row_number() OVER (PARTITION BY {of}, _run ORDER BY {start}, _last, _id) AS _place FROM _runs "
        f"QUALIFY count(*) OVER (PARTITION BY {of}, _run) > 1",
    )
    return found + (merged(work, of) if spells.overlap == "merge" else set_aside(work))


def set_aside(work: Work) -> list[Fault]:
    """All spells that overlap another."""
    spells = work.table.spells
    return work.add(
        "overlapping_spells",
        ", ".join(spells.of),
        'SELECT _id, "_file", "_row" FROM _overlapping',
        must_hold=f"{spells.what} must not overlap (all of them are set aside)",
        mend=spells.mend,
    )


def merged(work: Work, of: str) -> list[Fault]:
    """Overlapping spells as one: the first row lasts to the last day of all, the others are dropped."""
    spells, end = work.table.spells, quoted(work.table.spells.ends)
    work.make(
        "_changes",
        f"""
        SELECT _id, _end FROM (SELECT _id, _place, CASE WHEN bool_or({end} IS NULL) OVER w THEN NULL ELSE max({end}) OVER w END AS _end
                               FROM _overlapping WINDOW w AS (PARTITION BY {of}, _run)) WHERE _place = 1""",
    )
    work.changed = {spells.ends: "CASE WHEN g._id IS NOT NULL THEN g._end ELSE k.{column} END"}
    return work.add(
        "merged_spell",
        spells.begins,
        'SELECT _id, "_file", "_row" FROM _overlapping WHERE _place > 1',
        severity="drop",
        must_hold="spells that overlap an earlier one of the same kind are merged into it",
        mend="Nothing to mend; ask why they overlap.",
    )


def not_apart(work: Work) -> list[Fault]:
    """Spells of two kinds that should not be open at once; a warning."""
    spells, found = work.table.spells, []
    start = quoted(spells.begins)
    for column, pairs in spells.apart.items():
        other = [quoted(name) for name in spells.of if name != column]
        same = " AND ".join(f"a.{name} = b.{name}" for name in other) or "true"
        for one, two in pairs:
            sql = f"""SELECT DISTINCT a."_row" AS "_row" FROM _spells AS a JOIN _spells AS b ON {same} AND a.{quoted(column)} = {literal(one)}
                      AND b.{quoted(column)} = {literal(two)} AND a.{start} <= b._last AND b.{start} <= a._last"""
            found += work.note(
                "open_at_once",
                column,
                sql,
                must_hold=f"spells of {one} and {two} should not be open at once",
                mend="Ask the source which one was paid; both are kept.",
            )
    return found
