"""A contract applied to a relation of texts: typed rows are kept, faulty rows set aside with their reasons, none lost.

All work is SQL in DuckDB, generated from the table's entry in the data dictionary. Opening files is the readers' business.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary, Table
from evaluation.errors import DictionaryError
from evaluation.ingest import totals
from evaluation.ingest.blanks import blank_values, write_blanks
from evaluation.ingest.days import mark_future, mark_too_young
from evaluation.ingest.persons import list_alike, mark_conflicts, mark_orphans
from evaluation.ingest.profiles import find_profiles, stripped_identifiers
from evaluation.ingest.repeats import mark_repeats
from evaluation.ingest.spells import find_spells
from evaluation.ingest.tables import CheckedTable, Fault, Source, reject
from evaluation.ingest.value_checks import Check
from evaluation.ingest.values import literal, quoted
from evaluation.ingest.work import BITS, DROPS, Work
from evaluation.nearest import nearest

OWN = ("_file", "_row", "_fault", "_line")  # columns that the readers add
SHARE_RAGGED, FEW_RAGGED = 0.01, 5  # beyond this share, and with more rows than this, the file is no table of this heading
CUT_OFF_AT = (65_536, 1_048_576)  # rows that a spreadsheet holds, heading included
ON_READING = {  # reasons that readers give a row
    "ragged_row": ("a row must have as many fields as the heading", "Look for unquoted commas, missing fields or a cut-off last row."),
    "looks_like_total": (totals.MUST_HOLD, totals.MEND),
}


def check_relation(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    table: Table,
    *,
    sources: Sequence[Source] = (),
    room: Path,
    dictionary: Dictionary,
    parents: Mapping[str, CheckedTable] | None = None,
    faults: Sequence[Fault] = (),
    extracted: dt.date | None = None,
    complete: bool = False,
) -> CheckedTable:
    """Apply a table's contract to a relation.

    Parameters
    ----------
    relation : str
        Name of a table or view in `con`: the contract's columns as VARCHAR plus `_file` and `_row` (row number as seen in the file, heading = 1).
        Optional: `_fault`, a reason found on reading for which the row is set aside unseen, and `_line`, its text.
    sources : what was read, for the record
    room : Path
        Folder for `tables/<table>.parquet`, `quarantine/<table>.parquet` and `blanks/<table>.parquet`.
    parents : checked tables, optional
        Tables that this one refers to: a row whose reference is not among their kept rows is an orphan and set aside.
    faults : faults found on reading, added to the result
    extracted : date, optional
        Day of the extract: a later day in a row is set aside.
    complete : bool
        The number of rows was stated by the source and agrees.

    Returns
    -------
    CheckedTable

    Raises
    ------
    ContractError
        A required column is missing, there is no row, a column shows that the file is wrong, or more rows are at fault than the contract allows;
        it holds every fault found.
    DictionaryError
        A rule of the contract is no valid condition.
    """
    present, found = match_columns(con, relation, table)
    rows_in = con.execute(f"SELECT count(*) FROM {relation}").fetchone()[0]
    found += faults_of_size(table, rows_in, complete)
    if any(fault.severity == "reject" for fault in (*faults, *found)):
        raise reject((*faults, *found))
    work = Work(con, relation, table, dictionary, present)
    try:
        found += find_faults(work, parents or {}, extracted)
        return finish(work, rows_in=rows_in, sources=tuple(sources), room=room, faults=(*faults, *found))
    finally:
        work.clear()


def match_columns(con: duckdb.DuckDBPyConnection, relation: str, table: Table) -> tuple[dict[str, str], list[Fault]]:
    """Contract column -> column of the relation (case and aliases aside), and the faults of the heading."""
    headings = [row[0] for row in con.execute(f"DESCRIBE {relation}").fetchall() if row[0] not in OWN]
    there, place = {name.strip().lower(): name for name in headings}, {name: number for number, name in enumerate(headings, start=1)}
    present, faults = {}, []
    for variable in table.columns.values():
        name = next((name.lower() for name in (variable.name, *variable.aliases) if name.lower() in there), None)
        if name:
            present[variable.name] = there.pop(name)
    missing = [v.name for v in table.columns.values() if v.name not in present]
    if not present:  # the first row may hold data: name nothing of it
        return present, [no_heading(table)]
    for name in missing:
        hint, required = nearest(name, [known for known in there if is_plain_name(known)]), table.columns[name].required
        faults.append(
            Fault(
                table=table.name,
                column=name,
                reason="missing_column" if required else "missing_optional",
                must_hold=f"the column {'must' if required else 'may'} be delivered: it is missing{hint}",
                mend="Mend the heading, or deliver the column.",
                severity="reject" if required else "warn",
            )
        )
    for name in there.values():
        shown, which = (name, "the column") if is_plain_name(name) else ("", f"column number {place[name]}")
        faults.append(
            Fault(
                table=table.name,
                column=shown,
                reason="unknown_column",
                severity="warn",
                must_hold=f"the contract does not know {which}{nearest(name, missing)}",
                mend="It is not read. Take it out, or mend its heading.",
            )
        )
    return present, faults


def is_plain_name(name: str) -> bool:
    """Whether a heading may be printed: small letters and underscores only, for a broken heading may hold a name, an identifier or a date."""
    return re.fullmatch("[a-z][a-z_]{0,39}", name) is not None


def no_heading(table: Table) -> Fault:
    """The fault of a table whose first row names none of its columns."""
    names = ", ".join(v.name for v in table.columns.values() if v.required)
    return Fault(
        table=table.name,
        reason="missing_column",
        must_hold=f"the first row must be a heading with {names}: it has none of them",
        mend="Deliver the table with its heading in the first row.",
        severity="reject",
    )


def faults_of_size(table: Table, rows: int, complete: bool) -> list[Fault]:
    """A table without rows, or with as many as a spreadsheet holds."""
    if rows == 0:
        return [
            Fault(
                table=table.name,
                reason="empty_file",
                must_hold="the file must hold rows: it has none below its heading",
                mend="Deliver the table again, or leave it out of the plan.",
                severity="reject",
            )
        ]
    if rows + 1 in CUT_OFF_AT and not complete:
        return [
            Fault(
                table=table.name,
                reason="cut_off",
                severity="reject",
                must_hold=f"a table must be whole: this one has {rows + 1:,} rows, all that a spreadsheet holds, and is likely cut off",
                mend="Export from the source as CSV or Parquet; if it is whole, state its rows in delivery.yml.",
            )
        ]
    return []


# ---- finding faults


def find_faults(work: Work, parents: Mapping[str, CheckedTable], extracted: dt.date | None) -> list[Fault]:
    """Fill the table of bad rows (`_id`, what) and say what was found."""
    mark_rows(work)
    found = [*count_marks(work), *totals.mark_totals(work), *blank_values(work), *stripped_identifiers(work), *find_profiles(work)]
    found += mark_future(work, extracted) + mark_orphans(work, parents) + mark_too_young(work, parents) + mark_conflicts(work)
    return [*found, *mark_repeats(work), *find_spells(work), *list_alike(work)]


def mark_rows(work: Work) -> None:
    """Rows that fail a check, one bit per check; rows that the reader set aside; blank rows."""
    blank = " AND ".join(f"{quoted('c_' + name)} IS NULL" for name in work.columns)
    masks = []
    for number, mask in enumerate(work.masks):
        part = work.checks[number * BITS : (number + 1) * BITS]
        bits = " + ".join(f"CASE WHEN {check.sql} THEN {1 << bit} ELSE 0 END::BIGINT" for bit, check in enumerate(part)) or "0"
        masks.append(f'CASE WHEN "_fault" IS NOT NULL OR ({blank}) THEN 0 ELSE {bits} END AS {mask}')
    any_bit = " OR ".join(f"{mask} <> 0" for mask in work.masks)
    sql = f'SELECT _id, "_file", "_row", "_fault", ("_fault" IS NULL AND {blank}) AS _blank, {", ".join(masks)} FROM ({work.typed})'
    try:
        work.make(work.bad, f'SELECT *, NULL::VARCHAR AS _also FROM ({sql}) WHERE {any_bit} OR "_fault" IS NOT NULL OR _blank')
    except duckdb.Error as error:
        raise blame_rule(work, error) from None


def blame_rule(work: Work, error: duckdb.Error) -> Exception:
    """The rule of the contract that is no condition, or the error itself."""
    for rule in work.table.rules:
        try:
            work.con.execute(f"SELECT ({rule.sql})::BOOLEAN FROM ({work.typed}) LIMIT 0")
        except duckdb.Error as problem:
            return DictionaryError(
                "A rule is a condition in DuckDB's SQL on the table's columns: "
                f"{rule.name!r} is not ({type(problem).__name__}). "
                f"Where: tables/{work.table.name}.yml, rules. Mend its `sql`."
            )
    return error


def count_marks(work: Work) -> list[Fault]:
    """Faults of the checks, with counts and first rows."""
    tests = [(work.mark_of(number), check) for number, check in enumerate(work.checks)]
    tests += [
        (f"\"_fault\" = '{reason}:'", Check(column="", reason=reason, sql="", must_hold=must_hold, mend=mend))
        for reason, (must_hold, mend) in ON_READING.items()
    ]
    tests.append(("_blank", Check(column="", reason="blank_rows", sql="", must_hold="blank rows are dropped", mend="Nothing to mend.")))
    found = work.con.execute(
        "SELECT " + ", ".join(f'count(*) FILTER ({test}), min("_row", 5) FILTER ({test})' for test, _ in tests) + f" FROM {work.bad}"
    ).fetchone()
    faults = [fault_of(work.table, check, found[2 * n], found[2 * n + 1]) for n, (_, check) in enumerate(tests) if found[2 * n]]
    ragged, rows = (
        sum(fault.count for fault in faults if fault.reason == "ragged_row"),
        work.con.execute(f"SELECT count(*) FROM {work.relation}").fetchone()[0],
    )
    if ragged > FEW_RAGGED and ragged > SHARE_RAGGED * rows:
        faults.append(
            work.fault(
                "ragged_file",
                "",
                f"at most {SHARE_RAGGED:.0%} of rows may have another number of fields than the heading: {ragged:,} of {rows:,} have",
                "Quote fields that hold commas, and export again.",
                "reject",
            )
        )
    return faults


def fault_of(table: Table, check: Check, count: int, first: list[int] | None) -> Fault:
    """The fault of a check that rows failed."""
    severity = "drop" if check.reason == "blank_rows" else check.severity
    return Fault(
        table=table.name,
        column=check.column,
        reason=check.reason,
        must_hold=check.must_hold,
        count=count,
        first_rows=tuple(first or ()),
        mend=check.mend,
        severity=severity,
    )


# ---- writing


def finish(work: Work, *, rows_in: int, sources: tuple[Source, ...], room: Path, faults: tuple[Fault, ...]) -> CheckedTable:
    """Write what was kept, set aside and blanked; every row accounted for."""
    fates = decide_fates(work)
    blanks, quarantined = fates.pop("blank_rows", 0), fates.pop("aside", 0)
    quarantine, blanked = write_quarantine(work, room, quarantined), write_blanks(work, room)
    if quarantined > work.table.max_quarantine_share * (rows_in - blanks):
        share = f"at most {work.table.max_quarantine_share:.0%} of rows may be at fault: {quarantined:,} of {rows_in - blanks:,} are"
        faults += (work.fault("too_many_faults", "", share, "Mend the faults listed and deliver the table again.", "reject"),)
    if any(fault.severity == "reject" for fault in faults):
        raise reject(faults)
    path, order = room / "tables" / f"{work.table.name}.parquet", ", ".join(quoted(name) for name in work.table.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    work.con.execute(f"COPY ({kept_rows(work)} ORDER BY {order}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
    rows_kept = work.con.execute(f"SELECT count(*) FROM read_parquet({literal(path)})").fetchone()[0]
    dropped = {"blank_rows": blanks, **{reason: fates.get(reason, 0) for reason in DROPS}}
    return CheckedTable(
        name=work.table.name,
        path=path,
        rows_in=rows_in,
        rows_kept=rows_kept,
        rows_quarantined=quarantined,
        rows_dropped=sum(dropped.values()),
        dropped=tuple((rule, rows) for rule, rows in dropped.items() if rows),
        quarantine=quarantine,
        blanks=blanked,
        faults=faults,
        sources=sources,
        content_hash=hash_rows(work.con, path, work.columns),
    )


def kept_rows(work: Work) -> str:
    """SELECT of the sound rows, with what merging changed."""
    if not work.changed:
        return f"SELECT {', '.join(quoted(name) for name in work.columns)} FROM ({work.sound})"
    columns = [
        f"{work.changed[name].format(column=quoted(name))} AS {quoted(name)}" if name in work.changed else f"k.{quoted(name)}"
        for name in work.columns
    ]
    return f"SELECT {', '.join(columns)} FROM ({work.sound}) AS k LEFT JOIN _changes AS g ON g._id = k._id"


def decide_fates(work: Work) -> dict[str, int]:
    """Say of every bad row whether it is blank, dropped by a rule or set aside; counts. A dropped row has no other mark."""
    drops = " ".join(f"WHEN regexp_full_match(_also, '{reason}:[a-z_]*') THEN '{reason}'" for reason in DROPS)
    clean = f'"_fault" IS NULL AND {" AND ".join(f"{mask} = 0" for mask in work.masks)}'
    fate = f"CASE WHEN _blank THEN 'blank_rows' WHEN NOT ({clean}) THEN 'aside' {drops} ELSE 'aside' END"
    work.make("_fates", f"SELECT *, {fate} AS _fate FROM {work.bad}")
    return dict(work.con.execute("SELECT _fate, count(*) FROM _fates GROUP BY ALL").fetchall())


def write_quarantine(work: Work, room: Path, rows: int) -> Path | None:
    """Write the rows set aside, as delivered, with their reasons; None where there is none."""
    path = room / "quarantine" / f"{work.table.name}.parquet"
    path.unlink(missing_ok=True)
    if not rows:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [f"CASE WHEN {work.mark_of(n)} THEN {literal(check.reason + ':' + check.column)} END" for n, check in enumerate(work.checks)]
    reasons = f"list_filter(list_concat([{', '.join([*named, 'f._fault'])}], coalesce(string_split(f._also, '|'), [])), lambda x: x IS NOT NULL)"
    raw = "r.*" if work.fault_on_reading == "NULL" else 'r.* EXCLUDE ("_fault")'
    work.con.execute(f"""COPY (SELECT {raw}, {reasons} AS _reasons FROM {work.relation} AS r JOIN _fates AS f ON r.rowid = f._id
                         WHERE f._fate = 'aside' ORDER BY f."_file", f."_row", f._id) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)""")
    return path


def hash_rows(con: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> str:
    """SHA-256 of the columns' names and the rows' text, in the file's order, which is that of the key."""
    text = " || chr(31) || ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(26))" for name in columns)
    total = hashlib.sha256(chr(31).join(columns).encode())
    with con.cursor() as cursor:
        rows = cursor.sql(f"SELECT encode({text} || chr(30)) AS row FROM read_parquet({literal(path)})")
        for batch in rows.to_arrow_reader(65_536):
            total.update(b"".join(batch.column(0).to_pylist()))
    return total.hexdigest()
