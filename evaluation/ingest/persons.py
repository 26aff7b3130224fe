"""What identifiers say of people across rows and tables: references without a row, two people under one identifier, one under two.

Nothing here decides who somebody is: conflicts are set aside, likenesses are listed, and twins stay two.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.ingest.values import literal, quoted, texts
from evaluation.ingest.work import Work


def mark_orphans(work: Work, parents: Mapping[str, CheckedTable]) -> list[Fault]:
    """Rows that refer to no kept row of a parent table."""
    found = []
    for variable in work.table.columns.values():
        parent, _, column = (variable.references or "").partition(".")
        if parent not in parents or variable.name not in work.present:
            continue
        there = f"SELECT DISTINCT {quoted(column)} AS value FROM read_parquet({literal(parents[parent].path)})"
        sql = (
            f'SELECT r._id, r."_file", r."_row" FROM ({work.typed}) AS r ANTI JOIN ({there}) AS p ON r.{quoted(variable.name)} = p.value '
            f'WHERE r.{quoted(variable.name)} IS NOT NULL AND r."_fault" IS NULL'
        )
        found += work.add(
            "orphan_key",
            variable.name,
            sql,
            must_hold=f"the value must be among the kept rows of {parent}.{column}",
            mend=f"Deliver the missing rows of {parent} (or mend those set aside), or take these rows out.",
        )
    return found


def mark_conflicts(work: Work) -> list[Fault]:
    """All rows of an identifier whose unchanging facts differ: two people under one number, at once or one after the other."""
    constant = work.table.constant
    if constant is None or constant.of not in work.present:
        return []
    of, unknown = quoted(constant.of), texts(constant.unknown or ("",))
    differs = " OR ".join(
        f"count(DISTINCT CASE WHEN CAST({quoted(name)} AS VARCHAR) NOT IN {unknown} THEN {quoted(name)} END) > 1" for name in constant.columns
    )
    work.make("_conflicts", f'SELECT {of} AS _of FROM ({work.typed}) WHERE "_fault" IS NULL AND {of} IS NOT NULL GROUP BY {of} HAVING {differs}')
    rows = f'FROM ({work.typed}) AS r JOIN _conflicts AS d ON r.{of} = d._of WHERE r."_fault" IS NULL'
    names = ", ".join(constant.columns)
    apart = again(work, of)
    what = f"{constant.of} must stand for one person: {names} differ between rows of one"
    found = (
        work.add(
            "reused_id",
            constant.of,
            f'SELECT r._id, r."_file", r."_row" {rows} AND d._of IN ({apart})',
            must_hold=f"{what}, with a gap between them, as where a number was given again (all rows are set aside)",
            mend="Ask the source which rows are whose, and deliver two numbers.",
        )
        if apart
        else []
    )
    others = f" AND d._of NOT IN ({apart})" if apart else ""
    return found + work.add(
        "conflicting_id",
        constant.of,
        f'SELECT r._id, r."_file", r."_row" {rows}{others}',
        must_hold=f"{what} (all rows are set aside)",
        mend="Find out which row is right, and mend the others at their source.",
    )


def again(work: Work, of: str) -> str:
    """SQL of the identifiers in conflict whose rows follow one another with a gap; '' where the table has no spells."""
    spells = work.table.spells
    if spells is None:
        return ""
    start, end = quoted(spells.begins), quoted(spells.ends)
    before = f"max(coalesce({end}, DATE '9999-12-31')) OVER (PARTITION BY {of} ORDER BY {start} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return (
        f"SELECT _of FROM (SELECT d._of, coalesce({start} > {before} + 1, true) AS _gap FROM ({work.typed}) AS r JOIN _conflicts AS d "
        f'ON r.{of} = d._of WHERE "_fault" IS NULL) GROUP BY _of HAVING bool_and(_gap)'
    )


def list_alike(work: Work) -> list[Fault]:
    """Rows that agree in what points to one person and differ in the key; listed, never merged."""
    alike = [quoted(name) for name in work.table.alike if name in work.present]
    if not alike:
        return []
    known = " AND ".join(f"{name} IS NOT NULL" for name in alike)
    key = "concat_ws(chr(31), " + ", ".join(quoted(name) for name in work.table.key) + ")"
    sql = f"""SELECT "_row" FROM ({work.typed}) WHERE "_fault" IS NULL AND {known}
              QUALIFY count(DISTINCT {key}) OVER (PARTITION BY {", ".join(alike)}) > 1"""
    return work.note(
        "alike",
        ", ".join(work.table.alike),
        sql,
        must_hold="people who agree in these columns have several identifiers: one person, perhaps",
        mend="Nothing is merged. The rows are for whoever links the records.",
    )
