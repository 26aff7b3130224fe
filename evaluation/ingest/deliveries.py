"""What a delivery says of itself, and what was delivered before: delivery.yml beside the files, and the register in the room.

The register keeps digests of files and of rows, and no value; the digests of rows are good for counting what changed, and stay in the room.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
from pydantic import Field, ValidationError

from evaluation.dictionary import Table
from evaluation.errors import ContractError
from evaluation.frozen import Frozen
from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.ingest.values import literal, quoted

CONTROL = "delivery.yml"
SHARE_REWRITTEN = 0.2  # beyond this share of earlier rows gone or changed, history was rewritten


class ControlFile(Frozen):
    """What the source says of one file."""

    rows: int | None = Field(default=None, ge=0)
    sha256: str | None = None


class Control(Frozen):
    """What the source says of a delivery: the day of its extract, rows and digests of files, vintages of codes (`table.column` -> vintage)."""

    extract_date: dt.date | None = None
    files: Mapping[str, ControlFile] = Field(default_factory=dict)
    vintages: Mapping[str, str] = Field(default_factory=dict)

    def complete(self, name: str) -> bool:
        """Whether the rows of a file are stated."""
        return name in self.files and self.files[name].rows is not None


def read_control(folder: Path) -> Control:
    """delivery.yml of a folder; an empty one where there is none.

    Raises
    ------
    ContractError
        It is no such file.
    """
    import yaml

    path = folder / CONTROL
    if not path.is_file():
        return Control()
    try:
        return Control(**(yaml.safe_load(path.read_text(encoding="utf-8")) or {}))
    except (yaml.YAMLError, ValidationError, TypeError, OSError, UnicodeDecodeError):
        raise ContractError(
            f"{CONTROL} must state `extract_date` (a day), `files` (name: {{rows, sha256}}) and `vintages`, or be away: it is none of this. "
            f"Mend it, or take it out of the folder {folder.name!r}."
        ) from None


def compare_control(control: Control, checked: CheckedTable, table: Table) -> list[Fault]:
    """Files that are not what their source says, and codes of another vintage than the contract's."""
    found = []
    for source in checked.sources:
        stated = control.files.get(source.label, ControlFile())
        if stated.rows is not None and stated.rows != source.rows:
            found.append(differs(table, source.label, f"the file must have the {stated.rows:,} rows that {CONTROL} states: it has {source.rows:,}"))
        if stated.sha256 and stated.sha256.lower() != source.sha256:
            found.append(differs(table, source.label, f"the file must have the SHA-256 that {CONTROL} states: it has another"))
    for name, variable in table.columns.items():
        stated = control.vintages.get(f"{table.name}.{name}", "")
        if stated and variable.shape and not variable.shape.endswith(stated):
            found.append(
                Fault(
                    table=table.name,
                    column=name,
                    reason="wrong_vintage",
                    severity="reject",
                    mend="Deliver codes of the contract's vintage.",
                    must_hold=f"codes must be of the vintage {variable.shape.rpartition('_')[2]}: {CONTROL} states {stated}",
                )
            )
    return found


def differs(table: Table, label: str, must_hold: str) -> Fault:
    return Fault(
        table=table.name,
        reason="control_differs",
        must_hold=must_hold,
        file=label,
        severity="reject",
        mend="Transfer the file again, or mend what its source states.",
    )


# ---- what was delivered before


def compare_register(checked: Mapping[str, CheckedTable], keys: Mapping[str, tuple[str, ...]], register: Path) -> list[Fault]:
    """Files that were delivered before, and tables whose earlier rows changed; nothing is written."""
    known = read_register(register)
    found = []
    for name, table in checked.items():
        before = known.get(name)
        if before is None:
            continue
        if table.sources and table.sources[0].sha256 == before["sha256"]:
            found.append(
                Fault(
                    table=name,
                    reason="delivered_before",
                    severity="warn",
                    file=table.sources[0].label,
                    must_hold="a delivery should be new: the same file was delivered before",
                    mend="Ask for the new one, if one is due.",
                )
            )
            continue
        found += changes(table, keys[name], register / before["rows"], len_before=before["kept"])
    return found


def changes(table: CheckedTable, key: tuple[str, ...], earlier: Path, *, len_before: int) -> list[Fault]:
    """Earlier rows that are gone or changed, and new ones, by the digests of rows."""
    if not earlier.is_file():
        return []
    with duckdb.connect() as con:
        new, gone, changed = con.execute(f"""
            SELECT count(*) FILTER (b.k IS NULL), count(*) FILTER (a.k IS NULL), count(*) FILTER (a.h <> b.h)
            FROM ({digests(table.path, key)}) AS a FULL JOIN read_parquet({literal(earlier)}) AS b ON a.k = b.k""").fetchone()
    if not gone and not changed:
        return []
    rewritten = gone + changed > SHARE_REWRITTEN * max(len_before, 1)
    return [
        Fault(
            table=table.name,
            reason="history_changed",
            count=gone + changed,
            severity="reject" if rewritten else "warn",
            must_hold=f"earlier rows should stay as they were: of {len_before:,} delivered before, {gone:,} are gone and {changed:,} changed; "
            f"{new:,} are new",
            mend="Ask the source why its past changed; to accept it, take the table out of the room's register.",
        )
    ]


def digests(path: Path, key: tuple[str, ...]) -> str:
    """SELECT of a 64-bit digest of every row's key and of the whole row."""
    names = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in key)
    return f"SELECT hash(concat_ws(chr(31), {names})) AS k, hash(CAST(t AS VARCHAR)) AS h FROM read_parquet({literal(path)}) AS t"


def read_register(register: Path) -> dict[str, dict]:
    """Table -> what was delivered last; empty where nothing was."""
    path = register / "register.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise ContractError(
            f"The register of deliveries must be as it was written: {path.name} cannot be read. Restore it, or take it away."
        ) from None


def enter(checked: Mapping[str, CheckedTable], keys: Mapping[str, tuple[str, ...]], register: Path) -> Path:
    """Enter a delivery that was accepted; the register's file is replaced whole."""
    import os

    register.mkdir(parents=True, exist_ok=True)
    known = read_register(register)
    with duckdb.connect() as con:
        for name, table in checked.items():
            rows = register / f"{name}.parquet"
            con.execute(f"COPY ({digests(table.path, keys[name])} ORDER BY ALL) TO {literal(rows)} (FORMAT parquet)")
            known[name] = {
                "file": table.sources[0].label,
                "sha256": table.sources[0].sha256,
                "kept": table.rows_kept,
                "content_hash": table.content_hash,
                "rows": rows.name,
            }
    waiting = register / ".register.json"
    waiting.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(waiting, register / "register.json")
    return register / "register.json"
