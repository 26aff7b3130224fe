"""Opening a publisher's file as text: where it must lie, which columns it must have, which councils its rows belong to.

Every reader of this folder hands back a `Delivery`: a relation of text columns named as the contract names them, plus `_file` and `_row`.
Typing, checking and quarantine are the contract's business (`evaluation/ingest/contracts.py`).
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError, DictionaryError

NOT_AVAILABLE, NOT_APPLICABLE, SUPPRESSED = "not available", "not applicable", "suppressed"
MARKS: Mapping[str, str] = {
    "x": SUPPRESSED, "c": SUPPRESSED, "z": NOT_APPLICABLE, ".": NOT_APPLICABLE,
    "..": NOT_AVAILABLE, ":": NOT_AVAILABLE, "NA": NOT_AVAILABLE, "NULL": NOT_AVAILABLE,
}   # the publisher's marks for a value that is not there; never zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """Cells of one column that hold a publisher's mark instead of a number."""

    column: str
    reason: str      # 'suppressed', 'not available' or 'not applicable'
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one reader found, ready for the contract.

    Attributes
    ----------
    table : str
        Contract in the dictionary that the rows must satisfy.
    relation : str
        Name of the relation in the connection; all columns VARCHAR, plus `_file` and `_row` (the line of the file, heading line = 1).
    files : tuple of (Path, rows)
        Every file read, with the rows of data it holds.
    set_aside : tuple of (reason, rows)
        Rows of the files that are no rows of the table (national and regional totals): counted, not checked.
    blanks : tuple of Blank
        Marks that became missing, with the reason.
    """

    table: str
    relation: str
    files: tuple[tuple[Path, int], ...]
    set_aside: tuple[tuple[str, int], ...] = ()
    blanks: tuple[Blank, ...] = ()


def find_file(folder: Path, part: str, name: str) -> Path:
    """The path of a published file, or a `ContractError` that says where it is looked for and how to get it."""
    path = Path(folder) / part / name
    if not path.is_file():
        there = "the folder is there, the file is not" if path.parent.is_dir() else "the folder is not there"
        raise ContractError(f"The published file {part}/{name} must lie in the folder of open data: {there}. "
                            f"Looked in {Path(folder)}. "
                            "Mend EVALUATION_OPEN_DATA, or download the file from its publisher (see the README).")
    return path


def require_columns(path: Path, there: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise a `ContractError` naming every column that a published layout must have and this file has not."""
    there = list(there)
    missing = [column for column in wanted if column not in there]
    if missing:
        raise ContractError(f"{path.name} must have the columns of its published layout: {missing} {'is' if len(missing) == 1 else 'are'} not among "
                            f"its {len(there)} columns. Mend the file, or add the new layout to evaluation/ingest/published.")


def open_text(con: duckdb.DuckDBPyConnection, relation: str, path: Path, wanted: Sequence[str]) -> int:
    """Create a table of a CSV or Parquet file, every value as text, with `_file` and `_row`; returns its number of rows.

    Only the columns asked for are kept. Nothing is guessed: the delimiter is a comma, the quote a double quote, the first line the heading.
    """
    source = (f"read_parquet({literal(path)})" if path.suffix == ".parquet" else
              f"read_csv({literal(path)}, header=true, all_varchar=true, delim=',', quote='\"', escape='\"', strict_mode=true, null_padding=false)")
    try:
        there = [row[0] for row in con.execute(f"describe select * from {source}").fetchall()]
        require_columns(path, there, wanted)
        columns = ", ".join(f'cast("{column}" as varchar) as "{column}"' for column in wanted)
        con.execute(f"create or replace table {relation} as select {columns}, {literal(path.name)} as _file, "
                    f"cast(row_number() over () + 1 as varchar) as _row from {source}")
    except duckdb.Error as problem:
        raise ContractError(f"{path.name} cannot be read as a published table: {str(problem).splitlines()[0]}. "
                            "Mend it: download the file again from its publisher.") from None
    (rows,) = con.execute(f"select count(*) from {relation}").fetchone()
    if not rows:
        raise ContractError(f"{path.name} must hold rows: it has a heading and nothing below it. "
                            "Mend it: download the file again from its publisher.")
    return rows


def literal(text: object) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def number_or_null(column: str) -> str:
    """SQL: a published number as plain text; NULL where the cell holds a mark; thousands commas taken out."""
    text = f'trim("{column}")'
    return f"case when {text} in ({', '.join(literal(mark) for mark in MARKS)}) or {text} = '' then null else replace({text}, ',', '') end"


def school_year(column: str) -> str:
    """SQL: '200607' as the label 2006/07."""
    return f"substr({column}, 1, 4) || '/' || substr({column}, 5, 2)"


def count_blanks(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str], where: str = "true") -> tuple[Blank, ...]:
    """Marks in each column (published name -> contract name), counted by reason."""
    found = []
    for published, named in columns.items():
        rows = con.execute(f'select trim("{published}") as mark, count(*) from {relation} where ({where}) and trim("{published}") in '
                           f"({', '.join(literal(mark) for mark in MARKS)}) group by 1").fetchall()
        reasons: dict[str, int] = {}
        for mark, count in rows:
            reasons[MARKS[mark]] = reasons.get(MARKS[mark], 0) + count
        found += [Blank(column=named, reason=reason, count=count) for reason, count in sorted(reasons.items())]
    return tuple(found)


def match_councils(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], dictionary: Dictionary, *,
                   where: str = "true", lookup: str = "council_lookup") -> str:
    """A table that takes each combination of published labels to a council code; returns its name.

    `columns` are tried in order (GSS code, DfE code, name): the first that the dictionary knows decides. The table has those
    columns and `council_code`. A name that two councils bore (Dorset) means the one of 2012/13.

    Raises
    ------
    ContractError
        Labels that no column resolves; council labels are public, so the message names them.
    """
    keys = ", ".join(f'"{column}"' for column in columns)
    found, unknown = [], []
    for labels in con.execute(f"select distinct {keys} from {relation} where {where} order by all").fetchall():
        code = resolve(labels, dictionary)
        found.append((*labels, code)) if code else unknown.append(" / ".join(str(label) for label in labels if label))
    if unknown:
        (where_from,) = con.execute(f"select any_value(_file) from {relation}").fetchone()
        raise ContractError(f"Every council of {where_from} must be in the dictionary: {len(unknown)} are not ({'; '.join(unknown[:5])}). "
                            "Mend the file, or add the council or its alias to data_dictionary/councils.csv.")
    columns_typed = ", ".join(f'"{column}" varchar' for column in columns)
    con.execute(f"create or replace table {lookup} ({columns_typed}, council_code varchar)")
    con.executemany(f"insert into {lookup} values ({', '.join('?' * (len(columns) + 1))})", found)
    return lookup


def resolve(labels: Sequence[str | None], dictionary: Dictionary) -> str | None:
    """Code of the council that the first known label means, or None."""
    for label in labels:
        text = (label or "").strip()
        if text in MARKS or not text:
            continue
        try:
            return dictionary.resolve_council(text).code
        except DictionaryError:
            continue
    return None


def join_on(columns: Sequence[str], left: str, right: str) -> str:
    """SQL: equality of columns that may be NULL."""
    return " and ".join(f'{left}."{column}" is not distinct from {right}."{column}"' for column in columns)
