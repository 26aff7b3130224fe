"""A folder of delivered files becomes checked tables, or one error with every fault.

Nothing is guessed: delimiters, encodings and ragged rows are reported, never mended in silence. How a kind of file is opened is its reader's
business, and what the texts must be the contract's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary, Table
from evaluation.errors import ContractError
from evaluation.ingest.contracts import check_relation, is_plain_name
from evaluation.ingest.csv_files import read_csv
from evaluation.ingest.deliveries import CONTROL, Control, compare_control, compare_register, enter, read_control
from evaluation.ingest.households import find_households
from evaluation.ingest.opening import Unreadable, digest_of, unreadable
from evaluation.ingest.parquet_files import read_parquet
from evaluation.ingest.tables import CheckedTable, Fault, reject
from evaluation.ingest.workbooks import read_workbook
from evaluation.nearest import nearest

READERS = {".csv": read_csv, ".parquet": read_parquet, ".xlsx": read_workbook}
MEMORY = "1300MB"  # for DuckDB; what does not fit goes to the room
LOCKS = (".~lock.{name}#", "~${name}")  # what office programmes leave beside a file that is open


def receive_extracts(
    folder: Path, dictionary: Dictionary, *, room: Path, tables: Sequence[str] | None = None, register: Path | None = None
) -> dict[str, CheckedTable]:
    """Read and check the delivered tables of a folder.

    Parameters
    ----------
    folder : Path
        Holds `<table>.csv`, `<table>.parquet` or `<table>.xlsx`, and delivery.yml where the source states its day and rows.
    room : Path
        Where kept and quarantined rows are written.
    tables : names, optional
        Tables that must be there; by default whatever is delivered. Tables that these refer to must be there as well.
    register : Path, optional
        Folder of the register of deliveries: what came before is compared, and what is accepted is entered.

    Returns
    -------
    dict of name -> CheckedTable, in order of name

    Raises
    ------
    ContractError
        One error with every fault of every file, where at least one rejects a file.
    DictionaryError
        The contracts themselves are wrong.
    """
    found = inspect_extracts(folder, dictionary, room=room, tables=tables, register=register)
    if found.refused:
        raise reject(found.faults)
    return dict(found.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a delivery holds, refused or not: the tables that could be checked, in order of name, and every fault of every file."""

    tables: Mapping[str, CheckedTable]
    faults: tuple[Fault, ...]

    @property
    def refused(self) -> bool:
        """Whether anything rejects a file, and so the delivery."""
        return any(fault.severity == "reject" for fault in self.faults)


def inspect_extracts(
    folder: Path, dictionary: Dictionary, *, room: Path, tables: Sequence[str] | None = None, register: Path | None = None
) -> Inspection:
    """Like `receive_extracts`, but a delivery that is refused is described and not raised; only one that was accepted is entered in the register.

    Raises
    ------
    ContractError
        There is no such folder, or its delivery.yml cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ContractError(f"Delivered tables lie in a folder: {folder.name!r} is none. Mend the folder's path, or make the delivery first.")
    control = read_control(folder)
    found, of_folder = find_files(folder, dictionary, tables)
    faults, checked = [*of_folder, *files_not_there(control, folder)], {}
    for name in in_order_of_reference(found, dictionary):
        try:
            checked[name] = receive_table(found[name], dictionary.tables[name], dictionary, room=room, parents=checked, control=control)
            faults += checked[name].faults
        except ContractError as error:
            faults += error.faults
    across = find_households(checked)
    keys = {name: dictionary.tables[name].key for name in checked}
    if register is not None and checked:
        across += compare_register(checked, keys, register)
    faults += across
    for fault in (
        [*of_folder, *across] if checked else ()
    ):  # what belongs to no one table alone travels with the table that it names, or with the first
        name = fault.table if fault.table in checked else min(checked)
        checked[name] = dataclasses.replace(checked[name], faults=(fault, *checked[name].faults))
    inspection = Inspection(tables=dict(sorted(checked.items())), faults=tuple(faults))
    if register is not None and not inspection.refused:
        enter(checked, keys, register)
    return inspection


def files_not_there(control: Control, folder: Path) -> list[Fault]:
    """Files that delivery.yml names and the folder lacks."""
    there = {path.name for path in folder.iterdir()}
    lacking = sorted(set(control.files) - there)
    return (
        [
            Fault(
                table="delivery",
                reason="control_differs",
                severity="reject",
                must_hold=f"every file that {CONTROL} states must be there: {len(lacking)} of {len(control.files)} are not",
                mend="Transfer the missing files, or mend what the source states.",
            )
        ]
        if lacking
        else []
    )


def find_files(folder: Path, dictionary: Dictionary, tables: Sequence[str] | None) -> tuple[dict[str, Path], list[Fault]]:
    """Table -> its one file, and the faults of the folder."""
    there: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in READERS and not path.name.startswith(("~", ".")):
            there.setdefault(path.stem.lower(), []).append(path)
    faults = [unknown_file(name, dictionary) for name in there if name not in dictionary.tables]
    wanted = [name for name in there if name in dictionary.tables] if tables is None else list(tables)
    if not wanted:
        must_hold = "the folder must hold CSV, Parquet or XLSX files named after tables, such as families.csv: it holds none"
        faults.append(missing_file("delivery", must_hold))
    found: dict[str, Path] = {}
    for name in with_parents(wanted, dictionary):
        paths = there.get(name, [])
        if len(paths) == 1:
            found[name] = paths[0]
        elif paths:
            faults.append(
                Fault(
                    table=name,
                    reason="two_files",
                    mend="Take all but one away.",
                    severity="reject",
                    must_hold=f"a table comes in one file: {', '.join(path.name for path in paths)} are there",
                )
            )
        else:
            hint = nearest(name, [stem for stem in there if stem not in dictionary.tables])
            faults.append(missing_file(name, f"the file {name}.csv, .parquet or .xlsx must be delivered: it is missing{hint}"))
    return found, faults


def unknown_file(name: str, dictionary: Dictionary) -> Fault:
    """A file that is no table; its name is shown where it cannot be a person's."""
    near = nearest(name, dictionary.tables)
    return Fault(
        table=name if near and is_plain_name(name) else "delivery",
        reason="unknown_file",
        severity="warn",
        must_hold=f"a delivered file is named after a table: this one is not{near}",
        mend="It is not read. Rename it, or take it away.",
    )


def missing_file(table: str, must_hold: str) -> Fault:
    mend = "Deliver the file, or mend the folder or the file's name."
    return Fault(table=table, reason="missing_file", must_hold=must_hold, mend=mend, severity="reject")


def parents_of(name: str, dictionary: Dictionary) -> list[str]:
    found = {(v.references or "").partition(".")[0] for v in dictionary.tables[name].columns.values()}
    return sorted(found & set(dictionary.tables) - {name})


def with_parents(names: Iterable[str], dictionary: Dictionary) -> list[str]:
    """The tables and all that they refer to."""
    wanted, queue = [], list(names)
    while queue:
        name = queue.pop(0)
        if name not in wanted:
            wanted.append(name)
            queue += parents_of(name, dictionary) if name in dictionary.tables else []
    return wanted


def in_order_of_reference(found: Mapping[str, Path], dictionary: Dictionary) -> list[str]:
    """Tables with those they refer to first."""
    ordered: list[str] = []
    waiting = sorted(found)
    while waiting:
        ready = [name for name in waiting if not set(parents_of(name, dictionary)) & set(waiting)] or waiting[:1]
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def receive_table(
    path: Path, table: Table, dictionary: Dictionary, *, room: Path, parents: Mapping[str, CheckedTable], control: Control | None = None
) -> CheckedTable:
    """Read one file and apply its table's contract; every fault names the file."""
    control = control or Control()
    try:
        return of_file(path, checked_file(path, table, dictionary, room=room, parents=parents, control=control))
    except Unreadable as problem:
        raise reject([problem.fault]) from None
    except ContractError as error:
        raise reject([dataclasses.replace(fault, file=path.name) for fault in error.faults]) from None


def checked_file(
    path: Path, table: Table, dictionary: Dictionary, *, room: Path, parents: Mapping[str, CheckedTable], control: Control
) -> CheckedTable:
    """The table of a file that did not change while it was read."""
    room.mkdir(parents=True, exist_ok=True)
    if any((path.parent / lock.format(name=path.name)).exists() for lock in LOCKS):
        raise Unreadable(
            unreadable(
                table, path, "it must not be open in another programme: its lock lies beside it", "Close it, and check again.", "changed_while_read"
            )
        )
    before = path.stat()
    with duckdb.connect(config={"temp_directory": str(room / ".duckdb"), "memory_limit": MEMORY}) as con:
        source, faults = READERS[path.suffix.lower()](con, path, table)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or digest_of(path) != source.sha256:
            raise Unreadable(
                unreadable(
                    table, path, "it must not change while it is read: it did", "Wait until it is written, and deliver again.", "changed_while_read"
                )
            )
        checked = check_relation(
            con,
            "delivered",
            table,
            sources=[source],
            room=room,
            dictionary=dictionary,
            parents=parents,
            faults=faults,
            extracted=control.extract_date,
            complete=control.complete(path.name),
        )
    stated = compare_control(control, checked, table)
    if stated:
        raise reject([*stated, *checked.faults])
    return checked


def of_file(path: Path, checked: CheckedTable) -> CheckedTable:
    """A table whose faults name their file."""
    return dataclasses.replace(checked, faults=tuple(dataclasses.replace(fault, file=path.name) for fault in checked.faults))
