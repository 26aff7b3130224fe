"""A contract applied to a relation of texts: typed rows are kept, faulty rows set aside with their reasons, none lost.

All work is SQL in DuckDB, generated from the table's entry in the data dictionary. Opening files is the readers' business.
"""
from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary, Table, Variable, nearest
from evaluation.errors import DictionaryError
from evaluation.ingest.tables import CheckedTable, Fault, Source, reject

BITS = 60                      # checks per integer mask
SPACES = " \t\r\n\u00a0\u200b\ufeff"
TERMS = ("autumn", "spring", "summer")
TRUE, FALSE = ("true", "t", "1", "1.0", "yes", "y"), ("false", "f", "0", "0.0", "no", "n")
OWN = ("_file", "_row", "_fault", "_line")   # columns that the readers add
WRITTEN = {
    "id": "an identifier with all its digits (a spreadsheet's 1.2E+12 has lost them)",
    "integer": "a whole number", "number": "a number",
    "date": "a day written like 2011-04-30 or 30/04/2011", "month": "a month written like 2011-04", "boolean": "true or false (or 1/0, yes/no)",
    "year": "a year of four digits", "school_year": "a school year written like 2011/12", "financial_year": "a financial year written like 2011/12",
    "term": "a school term written like 2011/12-autumn, -spring or -summer",
}
MEND_TYPE = {
    "id": "Export the column as text.",
    "date": "Export days in one of these forms: not month first, no two-digit years, no spreadsheet serial numbers.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition under which a row is at fault; `sql` is over the cleaned texts `c_<column>` and the typed columns."""

    column: str
    reason: str
    sql: str
    must_hold: str
    mend: str


def check_relation(
    con: duckdb.DuckDBPyConnection, relation: str, table: Table, *, sources: Sequence[Source] = (), room: Path, dictionary: Dictionary,
    parents: Mapping[str, CheckedTable] | None = None, faults: Sequence[Fault] = (),
) -> CheckedTable:
    """Apply a table's contract to a relation.

    Parameters
    ----------
    relation : str
        Name of a table or view in `con`: the contract's columns as VARCHAR plus `_file` and `_row` (row number as seen in the file, heading = 1).
        Optional: `_fault`, a reason found on reading for which the row is set aside unseen, and `_line`, its text.
    sources : what was read, for the record
    room : Path
        Folder for `tables/<table>.parquet` and `quarantine/<table>.parquet`.
    parents : checked tables, optional
        Tables that this one refers to: a row whose reference is not among their kept rows is an orphan and set aside.
    faults : faults found on reading, added to the result

    Returns
    -------
    CheckedTable

    Raises
    ------
    ContractError
        A required column is missing, there is no row, or more rows are at fault than the contract allows; it holds every fault found.
    DictionaryError
        A rule of the contract is no valid condition.
    """
    present, found = match_columns(con, relation, table)
    rows_in = con.execute(f"SELECT count(*) FROM {relation}").fetchone()[0]
    if rows_in == 0:
        found.append(Fault(table=table.name, reason="empty_file", must_hold="the file must hold rows: it has none below its heading",
                           mend="Deliver the table again, or leave it out of the plan.", severity="reject"))
    if any(fault.severity == "reject" for fault in (*faults, *found)):
        raise reject((*faults, *found))
    work = Work(con, relation, table, dictionary, present)
    try:
        found += work.find_faults(parents or {})
        return work.finish(rows_in=rows_in, sources=tuple(sources), room=room, faults=(*faults, *found))
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
    missing = [v.name for v in table.columns.values() if v.name not in present and v.required]
    if not present:   # the first row may hold data: name nothing of it
        return present, [no_heading(table)]
    for name in missing:
        hint = nearest(name, [known for known in there if is_plain_name(known)])
        faults.append(Fault(table=table.name, column=name, reason="missing_column", must_hold=f"the column must be delivered: it is missing{hint}",
                            mend="Mend the heading, or deliver the column.", severity="reject"))
    for name in there.values():
        shown, which = (name, "the column") if is_plain_name(name) else ("", f"column number {place[name]}")
        faults.append(Fault(table=table.name, column=shown, reason="unknown_column", severity="warn",
                            must_hold=f"the contract does not know {which}{nearest(name, missing)}",
                            mend="It is not read. Take it out, or mend its heading."))
    return present, faults


def is_plain_name(name: str) -> bool:
    """Whether a heading may be printed: letters and underscores only, for a broken heading may hold an identifier or a date."""
    return name.replace("_", "").isalpha() and len(name) <= 40


def no_heading(table: Table) -> Fault:
    """The fault of a table whose first row names none of its columns."""
    names = ", ".join(v.name for v in table.columns.values() if v.required)
    return Fault(table=table.name, reason="missing_column", must_hold=f"the first row must be a heading with {names}: it has none of them",
                 mend="Deliver the table with its heading in the first row.", severity="reject")


class Work:
    """The SQL of one table: what each column is, what each check is, and which rows were found at fault."""

    def __init__(self, con: duckdb.DuckDBPyConnection, relation: str, table: Table, dictionary: Dictionary, present: Mapping[str, str]):
        self.con, self.table, self.dictionary, self.present = con, table, dictionary, present
        self.bad = "_bad_rows"
        self.made = [self.bad]
        self.relation = self.as_table(relation)
        self.columns = list(table.columns)
        there = {row[0] for row in con.execute(f"DESCRIBE {self.relation}").fetchall()}
        self.fault_on_reading = '"_fault"' if "_fault" in there else "NULL"
        self.row = 'TRY_CAST("_row" AS BIGINT)'
        self.typed = self.typed_query()
        self.checks = [check for variable in table.columns.values() for check in checks_of(variable)]
        for rule in table.rules:
            broken = f"NOT coalesce(TRY({rule.sql}), true)"
            self.checks.append(Check(column=rule.name, reason="rule_broken", sql=broken, must_hold=rule.reason, mend=rule.mend))

    def as_table(self, relation: str) -> str:
        """A relation whose rows have a `rowid`: views are copied."""
        is_table = self.con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [relation]).fetchone()[0]
        if is_table:
            return relation
        self.make("_copied_rows", f"SELECT * FROM {relation}")
        return "_copied_rows"

    def make(self, name: str, sql: str) -> None:
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        if name not in self.made:
            self.made.append(name)

    def clear(self) -> None:
        for name in self.made:
            self.con.execute(f"DROP TABLE IF EXISTS {name}")

    # -- typing

    def typed_query(self) -> str:
        """SELECT of rowid, `_file`, `_row`, `_fault`, cleaned texts `c_x` and typed columns `x`, one row per row of the relation."""
        cleaned = ", ".join(f"{cleaned_text(v, self.present.get(v.name))} AS {quoted('c_' + v.name)}" for v in self.table.columns.values())
        inner = f'SELECT rowid AS _id, "_file", {self.row} AS "_row", {self.fault_on_reading} AS "_fault", {cleaned} FROM {self.relation}'
        joins, typed = "", []
        for number, variable in enumerate(self.table.columns.values()):
            if variable.references == "councils.code":
                lookup = self.council_lookup(number, variable)
                joins += f" LEFT JOIN {lookup} ON {lookup}.text = t.{quoted('c_' + variable.name)}"
                typed.append(f"{lookup}.code AS {quoted(variable.name)}")
            else:
                typed.append(f"{typed_value(variable)} AS {quoted(variable.name)}")
        return f"SELECT t.*, {', '.join(typed)} FROM ({inner}) AS t{joins}"

    def council_lookup(self, number: int, variable: Variable) -> str:
        """A table from the spellings delivered to the codes that they mean."""
        name, column = f"_councils_{number}", self.present.get(variable.name)
        rows = self.con.execute(f"SELECT DISTINCT {cleaned_text(variable, column)} FROM {self.relation}").fetchall()
        known = [(text, council.code) for (text,) in rows if text is not None and (council := self.dictionary.find_council(text)) is not None]
        self.make(name, "SELECT NULL::VARCHAR AS text, NULL::VARCHAR AS code LIMIT 0")
        if known:
            self.con.executemany(f"INSERT INTO {name} VALUES (?, ?)", known)
        return name

    # -- finding faults

    def find_faults(self, parents: Mapping[str, CheckedTable]) -> list[Fault]:
        """Fill the table of bad rows (`_id`, what) and say what was found."""
        self.mark_rows()
        marks = self.count_marks()
        orphans = self.mark_orphans(parents)
        return [*marks, *orphans, *self.mark_duplicates(), *self.mark_overlaps()]

    @property
    def masks(self) -> list[str]:
        return [f"_m{number}" for number in range(max(1, -(-len(self.checks) // BITS)))]

    def mark_rows(self) -> None:
        """Rows that fail a check, one bit per check; rows that the reader set aside; blank rows."""
        blank = " AND ".join(f"{quoted('c_' + name)} IS NULL" for name in self.columns)
        masks = []
        for number, mask in enumerate(self.masks):
            part = self.checks[number * BITS:(number + 1) * BITS]
            bits = " + ".join(f"CASE WHEN {check.sql} THEN {1 << bit} ELSE 0 END::BIGINT" for bit, check in enumerate(part)) or "0"
            masks.append(f'CASE WHEN "_fault" IS NOT NULL OR ({blank}) THEN 0 ELSE {bits} END AS {mask}')
        any_bit = " OR ".join(f"{mask} <> 0" for mask in self.masks)
        sql = (f'SELECT _id, "_file", "_row", "_fault", ("_fault" IS NULL AND {blank}) AS _blank, {", ".join(masks)} FROM ({self.typed})')
        try:
            self.make(self.bad, f'SELECT *, NULL::VARCHAR AS _also FROM ({sql}) WHERE {any_bit} OR "_fault" IS NOT NULL OR _blank')
        except duckdb.Error as error:
            raise self.blame_rule(error) from None

    def blame_rule(self, error: duckdb.Error) -> Exception:
        for rule in self.table.rules:
            try:
                self.con.execute(f"SELECT ({rule.sql})::BOOLEAN FROM ({self.typed}) LIMIT 0")
            except duckdb.Error as problem:
                return DictionaryError("A rule is a condition in DuckDB's SQL on the table's columns: "
                                       f"{rule.name!r} is not ({type(problem).__name__}). "
                                       f"Where: tables/{self.table.name}.yml, rules. Mend its `sql`.")
        return error

    def count_marks(self) -> list[Fault]:
        """Faults of the checks, with counts and first rows."""
        tests = [(f"{self.masks[n // BITS]} & {1 << (n % BITS)} <> 0", check) for n, check in enumerate(self.checks)]
        tests += [('"_fault" IS NOT NULL', Check(column="", reason="ragged_row", sql="", must_hold="a row must have as many fields as the heading",
                                                  mend="Look for unquoted commas, missing fields or a cut-off last row.")),
                  ("_blank", Check(column="", reason="blank_rows", sql="", must_hold="blank rows are dropped", mend="Nothing to mend."))]
        found = self.con.execute("SELECT " + ", ".join(f'count(*) FILTER ({test}), min("_row", 5) FILTER ({test})' for test, _ in tests)
                                 + f" FROM {self.bad}").fetchone()
        return [fault_of(self.table, check, found[2 * n], found[2 * n + 1]) for n, (_, check) in enumerate(tests) if found[2 * n]]

    def mark_duplicates(self) -> list[Fault]:
        """Rows that share a key: exact duplicates beyond the first are dropped if the contract says so, all other copies set aside."""
        key = [quoted(name) for name in self.table.key]
        whole = " AND ".join(f"{name} IS NOT NULL" for name in key)
        self.make("_twice", f'SELECT {", ".join(key)} FROM ({self.typed}) WHERE "_fault" IS NULL AND {whole} GROUP BY ALL HAVING count(*) > 1')
        if not self.con.execute("SELECT count(*) FROM _twice").fetchone()[0]:
            return []
        match = " AND ".join(f"r.{name} = d.{name}" for name in key)
        faulty = f"SELECT _id FROM {self.bad}"
        same = ", ".join(quoted(name) for name in self.columns)
        # `_drops`: a fault-free row that repeats, in every column, a fault-free row that stands before it.
        drops = f'_sound AND row_number() OVER (PARTITION BY _sound, {same} ORDER BY "_file", "_row", _id) > 1'
        self.make("_copies", f'''
            SELECT *, {drops if "exact_duplicates" in self.table.drop else "false"} AS _drops FROM (
                SELECT r._id, r."_file", r."_row", r._id NOT IN ({faulty}) AS _sound, {", ".join("r." + quoted(name) for name in self.columns)}
                FROM ({self.typed}) AS r JOIN _twice AS d ON {match} WHERE r."_fault" IS NULL)''')
        self.make("_repeated", f'''
            SELECT _id, "_file", "_row", _drops, count(*) FILTER (NOT _drops) OVER (PARTITION BY {", ".join(key)}) > 1 AS _shares FROM _copies''')
        rows = 'SELECT _id, "_file", "_row" FROM _repeated WHERE '
        dropped = self.add("exact_duplicates", "", rows + "_drops", must_hold="exact duplicates of a row are dropped",
                           mend="Nothing to mend; ask why rows came twice.", severity="drop")
        shared = self.add("duplicate_key", ", ".join(self.table.key), rows + "_shares AND NOT _drops",
                          must_hold="rows must not share a key (all copies are set aside)",
                          mend="Decide which row is right and deliver only that one.")
        return [*dropped, *shared]

    def mark_overlaps(self) -> list[Fault]:
        """Rows whose spell overlaps another of the same unit, exact duplicates aside."""
        spells = self.table.spells
        if spells is None or not {spells.of, spells.begins} <= set(self.present):
            return []
        begins, ends = quoted(spells.begins), f"coalesce({quoted(spells.ends)}, DATE '9999-12-31')"
        order = f"PARTITION BY {quoted(spells.of)} ORDER BY {begins}, _id"
        sql = f'''SELECT _id, "_file", "_row" FROM (
                SELECT _id, "_file", "_row", {begins} AS _begins, {ends} AS _ends, lead({begins}) OVER ({order}) AS _next,
                       max({ends}) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _before
                FROM ({self.typed}) WHERE {quoted(spells.of)} IS NOT NULL AND {begins} IS NOT NULL AND "_fault" IS NULL
                  AND _id NOT IN (SELECT _id FROM {self.bad} WHERE _also = 'exact_duplicates:'))
            WHERE _begins <= _before OR _next <= _ends'''
        return self.add("overlapping_spells", spells.of, sql, must_hold=f"{spells.what} must not overlap (all of them are set aside)",
                        mend=spells.mend)

    def mark_orphans(self, parents: Mapping[str, CheckedTable]) -> list[Fault]:
        """Rows that refer to no kept row of a parent table."""
        found = []
        for variable in self.table.columns.values():
            parent, _, column = (variable.references or "").partition(".")
            if parent not in parents or variable.name not in self.present:
                continue
            there = f"SELECT DISTINCT {quoted(column)} AS value FROM read_parquet({literal(parents[parent].path)})"
            sql = (f'SELECT r._id, r."_file", r."_row" FROM ({self.typed}) AS r ANTI JOIN ({there}) AS p ON r.{quoted(variable.name)} = p.value '
                   f'WHERE r.{quoted(variable.name)} IS NOT NULL AND r."_fault" IS NULL')
            found += self.add("orphan_key", variable.name, sql, must_hold=f"the value must be among the kept rows of {parent}.{column}",
                              mend=f"Deliver the missing rows of {parent} (or mend those set aside), or take these rows out.")
        return found

    def add(self, reason: str, column: str, sql: str, *, must_hold: str, mend: str, severity: str = "quarantine") -> list[Fault]:
        """Add rows to the bad rows for one more reason."""
        self.make("_added", sql)
        count, first = self.con.execute('SELECT count(*), min("_row", 5) FROM _added').fetchone()
        if not count:
            return []
        zeros = ", ".join("0" for _ in self.masks)
        mark = literal(f"{reason}:{column}")
        self.con.execute(f"UPDATE {self.bad} SET _also = concat_ws('|', _also, {mark}) WHERE _id IN (SELECT _id FROM _added)")
        self.con.execute(f'INSERT INTO {self.bad} SELECT _id, "_file", "_row", NULL, false, {zeros}, {mark} FROM _added '
                         f"WHERE _id NOT IN (SELECT _id FROM {self.bad})")
        return [Fault(table=self.table.name, column=column, reason=reason, must_hold=must_hold, count=count, first_rows=tuple(first or ()), mend=mend,
                      severity=severity)]

    # -- writing

    def finish(self, *, rows_in: int, sources: tuple[Source, ...], room: Path, faults: tuple[Fault, ...]) -> CheckedTable:
        blanks, doubles, quarantined = self.decide_fates()
        quarantine = self.write_quarantine(room, quarantined)
        if quarantined > self.table.max_quarantine_share * (rows_in - blanks):
            share = f"at most {self.table.max_quarantine_share:.0%} of rows may be at fault: {quarantined:,} of {rows_in - blanks:,} are"
            raise reject((*faults, Fault(table=self.table.name, reason="too_many_faults", severity="reject", must_hold=share,
                                         mend="Mend the faults listed and deliver the table again.")))
        kept = f"SELECT {', '.join(quoted(name) for name in self.columns)} FROM ({self.typed}) WHERE _id NOT IN (SELECT _id FROM {self.bad})"
        path = room / "tables" / f"{self.table.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        order = ", ".join(quoted(name) for name in self.table.key)
        self.con.execute(f"COPY ({kept} ORDER BY {order}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        rows_kept = self.con.execute(f"SELECT count(*) FROM read_parquet({literal(path)})").fetchone()[0]
        return CheckedTable(
            name=self.table.name, path=path, rows_in=rows_in, rows_kept=rows_kept, rows_quarantined=quarantined, rows_dropped=blanks + doubles,
            dropped=tuple((rule, rows) for rule, rows in (("blank_rows", blanks), ("exact_duplicates", doubles)) if rows),
            quarantine=quarantine, faults=faults, sources=sources, content_hash=hash_rows(self.con, path, self.columns, order))

    def decide_fates(self) -> tuple[int, int, int]:
        """Say of every bad row whether it is blank, a double or set aside; counts of the three. A double has no other mark."""
        fate = "CASE WHEN _blank THEN 'blank' WHEN _also = 'exact_duplicates:' THEN 'double' ELSE 'aside' END"
        self.make("_fates", f"SELECT *, {fate} AS _fate FROM {self.bad}")
        counts = dict(self.con.execute("SELECT _fate, count(*) FROM _fates GROUP BY ALL").fetchall())
        return counts.get("blank", 0), counts.get("double", 0), counts.get("aside", 0)

    def write_quarantine(self, room: Path, rows: int) -> Path | None:
        path = room / "quarantine" / f"{self.table.name}.parquet"
        path.unlink(missing_ok=True)
        if not rows:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        named = [f"CASE WHEN {self.masks[n // BITS]} & {1 << (n % BITS)} <> 0 THEN {literal(check.reason + ':' + check.column)} END"
                 for n, check in enumerate(self.checks)]
        reasons = f"list_filter(list_concat([{', '.join([*named, 'f._fault'])}], coalesce(string_split(f._also, '|'), [])), lambda x: x IS NOT NULL)"
        raw = "r.*" if self.fault_on_reading == "NULL" else 'r.* EXCLUDE ("_fault")'
        self.con.execute(f'''COPY (SELECT {raw}, {reasons} AS _reasons FROM {self.relation} AS r JOIN _fates AS f ON r.rowid = f._id
                             WHERE f._fate = 'aside' ORDER BY f."_file", f."_row", f._id) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)''')
        return path


def fault_of(table: Table, check: Check, count: int, first: list[int] | None) -> Fault:
    severity = "drop" if check.reason == "blank_rows" else "quarantine"
    return Fault(table=table.name, column=check.column, reason=check.reason, must_hold=check.must_hold, count=count, first_rows=tuple(first or ()),
                 mend=check.mend, severity=severity)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def texts(values: Sequence[str]) -> str:
    return "(" + ", ".join(literal(value) for value in values) + ")"


def cleaned_text(variable: Variable, column: str | None) -> str:
    """A delivered cell without spaces at its ends; NULL where it is empty or a missing code."""
    if column is None:
        return "NULL::VARCHAR"
    text = f"trim({quoted(column)}, {literal(SPACES)})"
    missing = ["", *variable.missing_codes]
    return f"CASE WHEN {text} IN {texts(missing)} THEN NULL ELSE {text} END"


def typed_value(variable: Variable) -> str:
    """The typed value of a cleaned text `c_x`; NULL where the text is no such value."""
    c = quoted("c_" + variable.name)
    thousands = f"contains({c}, ',') AND regexp_full_match({c}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+(\\.[0-9]+)?')"
    plain = f"CASE WHEN {thousands} THEN replace({c}, ',', '') ELSE {c} END"
    whole = f"CASE WHEN TRY_CAST({plain} AS DOUBLE) = TRY_CAST({plain} AS BIGINT) THEN TRY_CAST({plain} AS BIGINT) END"
    consecutive = f"(TRY_CAST(left({c}, 4) AS INTEGER) + 1) % 100 = TRY_CAST(right({{}}, 2) AS INTEGER)"
    match variable.type:
        case "id":
            return f"CASE WHEN contains(upper({c}), 'E+') AND regexp_full_match({c}, '[0-9.]+[eE]\\+[0-9]+') THEN NULL ELSE {c} END"
        case "integer":
            return whole
        case "year":
            return f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}(\\.0+)?') THEN TRY_CAST(left({c}, 4) AS INTEGER) END"
        case "number":
            return f"CASE WHEN isfinite(TRY_CAST({plain} AS DOUBLE)) THEN TRY_CAST({plain} AS DOUBLE) END"
        case "date":
            day = f"CASE WHEN length({c}) > 10 AND (suffix({c}, ' 00:00:00') OR suffix({c}, 'T00:00:00')) THEN left({c}, 10) ELSE {c} END"
            found = f"try_strptime({day}, [{', '.join(literal(form) for form in variable.formats)}])"
            return f"CASE WHEN year({found}) >= 1000 THEN {found}::DATE END"
        case "month":
            return f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}-(0[1-9]|1[0-2])(-01)?([ T]00:00:00)?') THEN left({c}, 7) END"
        case "boolean":
            return f"CASE WHEN lower({c}) IN {texts(TRUE)} THEN true WHEN lower({c}) IN {texts(FALSE)} THEN false END"
        case "school_year" | "financial_year":
            return (f"CASE WHEN regexp_full_match({c}, '[12][0-9]{{3}}[/-]?([0-9]{{2}}|[12][0-9]{{3}})') AND {consecutive.format(c)} "
                    f"THEN left({c}, 4) || '/' || right({c}, 2) END")
        case "term":
            form = f"regexp_full_match(lower({c}), '[12][0-9]{{3}}/[0-9]{{2}}-({'|'.join(TERMS)})')"
            return f"CASE WHEN {form} AND {consecutive.format(f'left({c}, 7)')} THEN lower({c}) END"
        case _:
            return c


def checks_of(variable: Variable) -> list[Check]:
    """The checks of one column, from its entry."""
    c, value, found = quoted("c_" + variable.name), quoted(variable.name), []

    def add(reason: str, sql: str, must_hold: str, mend: str) -> None:
        found.append(Check(column=variable.name, reason=reason, sql=sql, must_hold=must_hold, mend=mend))

    where = "or change the contract in data_dictionary/tables"
    if not variable.nullable:
        add("missing_value", f"{c} IS NULL", "the value must not be missing", f"Deliver the values, {where}.")
    if variable.references == "councils.code":
        add("unknown_council", f"{c} IS NOT NULL AND {value} IS NULL", "the value must be a council's code, name or alias",
            "Mend the delivery, or add the spelling to data_dictionary/councils.csv.")
    elif variable.type in WRITTEN:
        mend = MEND_TYPE.get(variable.type, "Mend the delivery.")
        add("wrong_type", f"{c} IS NOT NULL AND {value} IS NULL", f"the value must be {WRITTEN[variable.type]}", mend)
    if variable.codes:
        add("not_a_code", f"{value} IS NOT NULL AND CAST({value} AS VARCHAR) NOT IN {texts(tuple(variable.codes))}",
            f"the value must be one of {', '.join(variable.codes)}", f"Mend the delivery, {where}.")
    if bound := range_test(variable, value):
        add("out_of_range", f"{value} IS NOT NULL AND NOT ({bound})", f"the value must be {range_in_words(variable)}", f"Mend the delivery, {where}.")
    return found


def range_test(variable: Variable, value: str) -> str:
    tests = []
    for bound, sign in ((variable.minimum, ">="), (variable.maximum, "<=")):
        if bound is None:
            continue
        if isinstance(bound, str):
            tests.append(f"left({value}, {len(bound)}) {sign} {literal(bound)}")
        else:
            tests.append(f"{value} {sign} {bound if isinstance(bound, int | float) else f'DATE {literal(bound)}'}")
    return " AND ".join(tests)


def range_in_words(variable: Variable) -> str:
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.minimum is not None and variable.maximum is not None:
        return f"from {variable.minimum} to {variable.maximum}{unit}"
    return f"at least {variable.minimum}{unit}" if variable.minimum is not None else f"at most {variable.maximum}{unit}"


def hash_rows(con: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str], order: str) -> str:
    """SHA-256 of the columns' names and the rows' text, in order of the key."""
    text = " || chr(31) || ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(26))" for name in columns)
    total = hashlib.sha256(chr(31).join(columns).encode())
    with con.cursor() as cursor:
        rows = cursor.sql(f"SELECT encode({text} || chr(30)) AS row FROM read_parquet({literal(path)}) ORDER BY {order}")
        for batch in rows.to_arrow_reader(65_536):
            total.update(b"".join(batch.column(0).to_pylist()))
    return total.hexdigest()
