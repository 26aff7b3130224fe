"""Values that are missing for a reason: marks of suppression, codes, days that stand for none, numbers that fail their own check.

Suppressed is not zero, and neither is unknown: the reason of every blanked value is kept in the room, and counted.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.dictionary import Variable
from evaluation.ingest.shapes import SHAPES
from evaluation.ingest.tables import Fault
from evaluation.ingest.values import literal, missing_texts, quoted, raw_text, texts
from evaluation.ingest.work import Work

IN_WORDS = {
    "suppressed": "a suppressed figure is missing, never zero",
    "unavailable": "an unavailable figure is missing, never zero",
    "not_applicable": "a figure that does not apply is missing, never zero",
    "rounds_to_zero": "a figure that rounds to zero is missing, not zero",
    "missing_code": "a code for missing is read as missing",
    "sentinel_date": "a day that stands for none is read as missing",
    "failed_check": "a number that fails its own check is read as missing, never guessed",
}
MEND = {"failed_check": "Look the number up at its source.", "sentinel_date": "Leave the cell empty, or state the day among `missing_codes`."}


def blank_values(work: Work) -> list[Fault]:
    """Find every value that is missing for a reason; leaves `_blanks` (`_file`, `_row`, column, reason)."""
    scans = [scan for variable in work.table.columns.values() if variable.name in work.present for scan in scans_of(work, variable)]
    nothing = "SELECT NULL::VARCHAR AS _file, NULL::BIGINT AS _row, NULL::VARCHAR AS column_name, NULL::VARCHAR AS reason LIMIT 0"
    work.make("_blanks", " UNION ALL ".join(scans) if scans else nothing)
    found = work.con.execute('SELECT column_name, reason, count(*), min("_row", 5) FROM _blanks GROUP BY ALL ORDER BY ALL').fetchall()
    return [
        Fault(
            table=work.table.name,
            column=column,
            reason=reason,
            must_hold=IN_WORDS[reason],
            count=count,
            first_rows=tuple(first or ()),
            mend=MEND.get(reason, "Nothing to mend."),
            severity="blank",
        )
        for column, reason, count, first in found
    ]


def scans_of(work: Work, variable: Variable) -> list[str]:
    """One query per kind of blank in a column."""
    text, codes = raw_text(work.present[variable.name]), missing_texts(variable)
    start = f'SELECT "_file", {work.row} AS _row, {literal(variable.name)} AS column_name, '
    unread = f"{work.fault_on_reading} IS NULL"
    scans = []
    if codes and work.needs[variable.name].missing:
        reason = f"CASE {' '.join(f'WHEN {text} = {literal(code)} THEN {literal(why)}' for code, why in codes.items())} END"
        short = f"length({quoted(work.present[variable.name])}) <= {max(map(len, codes)) + 8}"
        scans.append(f"{start}{reason} AS reason FROM {work.relation} WHERE {short} AND {text} IN {texts(tuple(codes))} AND {unread}")
    if variable.shape and variable.nullable and SHAPES[variable.shape].action == "blank":
        scans.append(
            f"{start}'failed_check' AS reason FROM {work.relation} WHERE {text} NOT IN {texts(('', *codes))} AND "
            f"NOT ({SHAPES[variable.shape].holds(text)}) AND {unread}"
        )
    return scans


def write_blanks(work: Work, room: Path) -> Path | None:
    """Write `_blanks` to `blanks/<table>.parquet` in the room; None where there is none."""
    path = room / "blanks" / f"{work.table.name}.parquet"
    path.unlink(missing_ok=True)
    if not work.con.execute("SELECT count(*) FROM _blanks").fetchone()[0]:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    work.con.execute(f'COPY (SELECT "_file", _row, column_name AS "column", reason FROM _blanks ORDER BY ALL) TO {literal(path)} (FORMAT parquet)')
    return path
