"""Rows that share a key: exact duplicates, later rows of a unit, units in both lists, and copies among which nobody may choose."""

from __future__ import annotations

from evaluation.ingest.tables import Fault
from evaluation.ingest.values import quoted
from evaluation.ingest.work import Work

SHARE_BLOWN_UP = 0.5  # beyond this share of exact duplicates a table was joined to another, not delivered twice by mistake
FEW = 20


def mark_repeats(work: Work) -> list[Fault]:
    """Rows that share a key: exact duplicates beyond the first are dropped if the contract says so, all other copies set aside."""
    key = [quoted(name) for name in work.table.key]
    whole = " AND ".join(f"{name} IS NOT NULL" for name in key)
    if not may_repeat(work, key):
        return []
    work.make("_twice", f'SELECT {", ".join(key)} FROM ({work.typed}) WHERE "_fault" IS NULL AND {whole} GROUP BY ALL HAVING count(*) > 1')
    if not work.con.execute("SELECT count(*) FROM _twice").fetchone()[0]:
        return []
    match = " AND ".join(f"r.{name} = d.{name}" for name in key)
    faulty = f"SELECT _id FROM {work.bad}"
    same = ", ".join(quoted(name) for name in work.columns)
    # `_drops`: a fault-free row that repeats, in every column, a fault-free row that stands before it.
    drops = f'_sound AND row_number() OVER (PARTITION BY _sound, {same} ORDER BY "_file", "_row", _id) > 1'
    work.make(
        "_copies",
        f"""
        SELECT *, {drops if "exact_duplicates" in work.table.drop else "false"} AS _drops FROM (
            SELECT r._id, r."_file", r."_row", r._id NOT IN ({faulty}) AS _sound, {", ".join("r." + quoted(name) for name in work.columns)}
            FROM ({work.typed}) AS r JOIN _twice AS d ON {match} WHERE r."_fault" IS NULL)""",
    )
    dropped = work.add(
        "exact_duplicates",
        "",
        'SELECT _id, "_file", "_row" FROM _copies WHERE _drops',
        must_hold="exact duplicates of a row are dropped",
        mend="Nothing to mend; ask why rows came twice.",
        severity="drop",
    )
    both, later = in_both_lists(work, key), later_rows(work, key)
    work.make(
        "_repeated",
        f"""
        SELECT _id, "_file", "_row", _drops, count(*) FILTER (NOT _drops) OVER (PARTITION BY {", ".join(key)}) > 1 AS _shares FROM _copies""",
    )
    shared = work.add(
        "duplicate_key",
        ", ".join(work.table.key),
        'SELECT _id, "_file", "_row" FROM _repeated WHERE _shares AND NOT _drops',
        must_hold="rows must not share a key (all copies are set aside)",
        mend="Decide which row is right and deliver only that one.",
    )
    return [*dropped, *blown_up(work, dropped), *both, *later, *shared]


def may_repeat(work: Work, key: list[str]) -> bool:
    """Whether some key may stand twice, by digests of 64 bits: as many digests as rows say for certain that none does, in little memory."""
    rows, digests = work.con.execute(f"SELECT count(*), count(DISTINCT hash({', '.join(key)})) FROM ({work.typed})").fetchall()[0]
    return rows != digests


def blown_up(work: Work, dropped: list[Fault]) -> list[Fault]:
    """A table most of whose rows are repeats was multiplied by a join."""
    rows = work.con.execute(f"SELECT count(*) FROM {work.relation}").fetchone()[0]
    if not dropped or rows < FEW or dropped[0].count <= SHARE_BLOWN_UP * rows:
        return []
    return [
        work.fault(
            "multiplied_rows",
            "",
            f"a row must stand once: {dropped[0].count:,} of {rows:,} repeat another, as after a join to a table with several rows a key",
            "Deliver the table before it was joined to another.",
            "reject",
        )
    ]


def in_both_lists(work: Work, key: list[str]) -> list[Fault]:
    """Units that come both with and without what only units of the programme have."""
    if work.table.joined is None:
        return []
    column = quoted(work.table.joined)
    both = f"count({column}) OVER (PARTITION BY {', '.join(key)}) BETWEEN 1 AND count(*) OVER (PARTITION BY {', '.join(key)}) - 1"
    return work.note(
        "in_both_lists",
        work.table.joined,
        f'SELECT "_row" FROM (SELECT "_row", {both} AS _both FROM _copies WHERE NOT _drops) WHERE _both',
        must_hold="a unit must be in the programme or among its comparisons, once: some come in both lists",
        mend=f"Deliver each once, with {work.table.joined} where it joined.",
        severity="reject",
    )


def later_rows(work: Work, key: list[str]) -> list[Fault]:
    """Later of several rows of a unit, by the contract's day; they are dropped from `_copies` as well."""
    if work.table.keep_first is None:
        return []
    day, parts = quoted(work.table.keep_first), ", ".join(key)
    work.make(
        "_later",
        f"""
        SELECT _id, "_file", "_row" FROM (SELECT *, rank() OVER (PARTITION BY {parts} ORDER BY {day}) > 1 AS _after,
            bool_and(_sound AND {day} IS NOT NULL) OVER (PARTITION BY {parts}) AS _dated FROM _copies WHERE NOT _drops) WHERE _after AND _dated""",
    )
    found = work.add(
        "later_entry",
        work.table.keep_first,
        "SELECT * FROM _later",
        severity="drop",
        must_hold=f"of several rows of a unit the first {work.table.keep_first} counts; later ones are dropped",
        mend="Nothing to mend if units may begin again; the rows are listed in the sheet of faults.",
    )
    work.con.execute("UPDATE _copies SET _drops = true WHERE _id IN (SELECT _id FROM _later)")
    return found
