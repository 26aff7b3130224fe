"""The room of one table while its contract is applied: the relation of texts, the typed query, and the rows found at fault so far.

What is looked for lies in the modules beside it; each takes a `Work`, marks rows with reasons, and says what it found.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from evaluation.dictionary import Dictionary, Table, Variable
from evaluation.ingest.council_codes import Lookup, council_lookup
from evaluation.ingest.tables import Fault, Severity
from evaluation.ingest.value_checks import Check, checks_of
from evaluation.ingest.values import ALL_NEEDS, Needs, cleaned_text, literal, needs_of, quoted, typed_value

BITS = 60  # checks per integer mask
DROPS = ("exact_duplicates", "later_entry", "merged_spell")  # reasons for which a row is dropped by a declared rule


class Work:
    """The SQL of one table: what each column is, what each check is, and which rows were found at fault.

    Attributes
    ----------
    typed : str
        SELECT of `_id`, `_file`, `_row`, `_fault`, cleaned texts `c_x` and typed columns `x`, one row per row of the relation.
    bad : str
        Table of rows at fault: `_id`, `_file`, `_row`, `_fault`, `_blank`, the masks of failed checks, and `_also`: 'reason:column|...'.
    changed : dict of column -> SQL
        How kept values are carried over from `_changes` (merged spells).
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, relation: str, table: Table, dictionary: Dictionary, present: Mapping[str, str]):
        self.con, self.table, self.dictionary, self.present = con, table, dictionary, present
        self.bad, self.made = "_bad_rows", ["_bad_rows"]
        self.relation = self.as_table(relation)
        self.columns = list(table.columns)
        there = {row[0] for row in con.execute(f"DESCRIBE {self.relation}").fetchall()}
        self.fault_on_reading = '"_fault"' if "_fault" in there else "NULL"
        self.row = 'TRY_CAST("_row" AS BIGINT)'
        self.needs = self.look_over()
        self.typed = self.typed_query()
        self.checks = self.all_checks()
        self.changed: dict[str, str] = {}

    def all_checks(self) -> list[Check]:
        """The checks of every column and the rules of the table that set rows aside."""
        found = [check for variable in self.table.columns.values() for check in checks_of(variable)]
        found += [
            Check(column=rule.name, reason="rule_broken", sql=f"NOT coalesce(TRY({rule.sql}), true)", must_hold=rule.reason, mend=rule.mend)
            for rule in self.table.rules
            if rule.severity == "quarantine"
        ]
        return found + self.council_checks

    def as_table(self, relation: str) -> str:
        """A relation whose rows have a `rowid`: views are copied."""
        is_table = self.con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [relation]).fetchone()[0]
        if is_table:
            return relation
        self.make("_copied_rows", f"SELECT * FROM {relation}")
        return "_copied_rows"

    def make(self, name: str, sql: str) -> None:
        """Make a temporary table, taken away at the end."""
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        if name not in self.made:
            self.made.append(name)

    def clear(self) -> None:
        """Take away every table that was made."""
        for name in self.made:
            self.con.execute(f"DROP TABLE IF EXISTS {name}")

    def text_of(self, variable: Variable) -> str:
        """SQL of a column's cleaned text."""
        return cleaned_text(variable, self.present.get(variable.name), self.needs.get(variable.name, ALL_NEEDS))

    def typed_among(self, ids: str) -> str:
        """The typed query over the rows of a query of ids alone: the others are never read."""
        return self.typed.replace(f"FROM {self.relation})", f"FROM {self.relation} WHERE rowid IN ({ids}))", 1)

    def look_over(self) -> dict[str, Needs]:
        """One pass over the texts: what each column's need before they are read."""
        there = {name: self.table.columns[name] for name in self.present}
        aggregates = [sql for name, variable in there.items() for sql in needs_of(variable, self.present[name])]
        row = self.con.execute(f"SELECT {', '.join(aggregates)} FROM {self.relation}").fetchall()[0]
        flags = [tuple(bool(flag) for flag in row[place : place + 3]) for place in range(0, len(row), 3)]
        return {
            name: Needs(trim=trim or unseen, missing=missing, unseen=unseen) for name, (trim, missing, unseen) in zip(there, flags, strict=True)
        }

    def typed_query(self) -> str:
        """The typed query, with a lookup joined for every column of councils."""
        cleaned = ", ".join(f"{self.text_of(v)} AS {quoted('c_' + v.name)}" for v in self.table.columns.values())
        inner = f'SELECT rowid AS _id, "_file", {self.row} AS "_row", {self.fault_on_reading} AS "_fault", {cleaned} FROM {self.relation}'
        joins, typed, self.council_checks, self.council_notes = "", [], [], []
        for number, variable in enumerate(self.table.columns.values()):
            if variable.references == "councils.code":
                lookup = self.councils_of(variable, f"_councils_{number}")
                joins += lookup.join
                typed.append(f"{lookup.value} AS {quoted(variable.name)}")
                self.council_checks += lookup.checks
                self.council_notes.append(lookup)
            else:
                typed.append(f"{typed_value(variable)} AS {quoted(variable.name)}")
        return f"SELECT t.*, {', '.join(typed)} FROM ({inner}) AS t{joins}"

    def councils_of(self, variable: Variable, name: str) -> Lookup:
        """The lookup of a column of councils, its table made."""
        texts = self.con.execute(f"SELECT DISTINCT {self.text_of(variable)} FROM {self.relation}").fetchall()
        lookup = council_lookup(variable, name, [text for (text,) in texts if text is not None], self.dictionary, self.table.vintage)
        self.make(name, "SELECT NULL::VARCHAR AS text, NULL::VARCHAR AS code, false AS carried LIMIT 0")
        if lookup.rows:
            self.con.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", lookup.rows)
        return lookup

    @property
    def masks(self) -> list[str]:
        """Columns of the bad rows that hold the failed checks, as bits."""
        return [f"_m{number}" for number in range(max(1, -(-len(self.checks) // BITS)))]

    def mark_of(self, number: int) -> str:
        """SQL: whether a bad row failed a check."""
        return f"{self.masks[number // BITS]} & {1 << (number % BITS)} <> 0"

    @property
    def sound(self) -> str:
        """SQL: the typed rows without any mark so far."""
        return f"SELECT * FROM ({self.typed}) WHERE _id NOT IN (SELECT _id FROM {self.bad})"

    @property
    def standing(self) -> str:
        """SQL: the typed rows that were read and are not dropped, whatever else is wrong with them."""
        dropped = " OR ".join(f"starts_with(_also, '{reason}:')" for reason in DROPS)
        return f'SELECT * FROM ({self.typed}) WHERE "_fault" IS NULL AND _id NOT IN (SELECT _id FROM {self.bad} WHERE coalesce({dropped}, false))'

    def add(self, reason: str, column: str, sql: str, *, must_hold: str, mend: str, severity: Severity = "quarantine") -> list[Fault]:
        """Mark the rows of a query (`_id`, `_file`, `_row`) with one more reason; the fault, or none where there is no row."""
        self.make("_added", sql)
        count, first = self.con.execute('SELECT count(*), min("_row", 5) FROM _added').fetchone()
        if not count:
            return []
        zeros = ", ".join("0" for _ in self.masks)
        mark = literal(f"{reason}:{column}")
        self.con.execute(f"UPDATE {self.bad} SET _also = concat_ws('|', _also, {mark}) WHERE _id IN (SELECT _id FROM _added)")
        self.con.execute(
            f'INSERT INTO {self.bad} SELECT _id, "_file", "_row", NULL, false, {zeros}, {mark} FROM _added '
            f"WHERE _id NOT IN (SELECT _id FROM {self.bad})"
        )
        return [self.fault(reason, column, must_hold, mend, severity, count, first)]

    def note(self, reason: str, column: str, sql: str, *, must_hold: str, mend: str, severity: Severity = "warn") -> list[Fault]:
        """Count the rows of a query that gives `_row` without marking them; the fault, or none where there is no row."""
        count, first = self.con.execute(f'SELECT count(*), min("_row", 5) FROM ({sql})').fetchone()
        return [self.fault(reason, column, must_hold, mend, severity, count, first)] if count else []

    def fault(self, reason: str, column: str, must_hold: str, mend: str, severity: Severity, count: int = 0, first: list[int] | None = None) -> Fault:
        """A fault of this table."""
        return Fault(
            table=self.table.name,
            column=column,
            reason=reason,
            must_hold=must_hold,
            count=count,
            first_rows=tuple(first or ()),
            mend=mend,
            severity=severity,
        )
