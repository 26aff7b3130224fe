"""A bad input, what must come of it, and the judge: never a traceback, never silent, every row accounted for, no value said."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.dictionary.reading import read_table
from evaluation.errors import EvaluationError
from evaluation.ingest.reading import receive_extracts
from evaluation.ingest.tables import CheckedTable, Fault

CANARY = "QZX"  # begins every identifier and name that a case plants; no message may hold it
Action = Literal["reject", "quarantine", "blank", "warn", "normalise", "drop", "keep"]
Prove = Callable[[dict[str, CheckedTable]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must be said: the action, its reason, where, and words of the message."""

    action: Action
    reason: str = ""
    column: str = ""
    rows: tuple[int, ...] = ()
    count: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bad input.

    Attributes
    ----------
    number : row of the list of bad inputs in the guide to trust (3.4)
    name : what is wrong
    make : writes the delivery into a folder
    expect : what must come of it, all of it
    also : reasons that may stand beside, rows set aside for the same fault
    contract : table -> changes of its contract; of a column by `column.field`
    prove : looks at what was received, and asserts
    receive : how it is received, where not by `receive_extracts` alone
    """

    number: int
    name: str
    make: Callable[[Path], object]
    expect: tuple[Expect, ...]
    also: tuple[str, ...] = ()
    contract: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prove: Prove | None = None
    receive: Callable[[Path, Dictionary, Path], dict[str, CheckedTable]] | None = None


@lru_cache
def corpus_dictionary() -> Dictionary:
    """The project's dictionary with the contracts of the corpus beside its own."""
    known = load_dictionary()
    own = {path.stem: read_table(path) for path in sorted((Path(__file__).parent / "contracts").glob("*.yml"))}
    return known.model_copy(update={"tables": {**known.tables, **own}})


def with_changes(dictionary: Dictionary, changes: Mapping[str, Mapping[str, Any]]) -> Dictionary:
    """A dictionary in which fields of contracts differ."""
    tables = dict(dictionary.tables)
    for name, fields in changes.items():
        table = tables[name]
        columns = dict(table.columns)
        for path, value in fields.items():
            column, dot, what = path.partition(".")
            if dot:
                columns[column] = columns[column].model_copy(update={what: value})
        whole = {key: value for key, value in fields.items() if "." not in key}
        if whole.pop("columns_alone", False):  # a table by itself, without those that it refers to
            columns = {key: value.model_copy(update={"references": None}) for key, value in columns.items()}
        if isinstance(whole.get("spells"), Mapping):
            whole["spells"] = table.spells.model_copy(update=whole["spells"])
        tables[name] = table.model_copy(update={"columns": columns, **whole})
    return dictionary.model_copy(update={"tables": tables})


def judge(case: Case, folder: Path) -> list[str]:
    """What is not as expected; nothing where all is."""
    case.make(folder)
    dictionary = with_changes(corpus_dictionary(), case.contract)
    room = folder.parent / f"{folder.name}_room"
    received: dict[str, CheckedTable] = {}
    try:
        received = (case.receive or receive)(folder, dictionary, room)
        faults = [fault for table in received.values() for fault in table.faults]
        said = ""
    except EvaluationError as error:
        faults, said = list(getattr(error, "faults", ())), str(error)
        if not faults and not any(expect.action == "reject" and all(word in said for word in expect.words) for expect in case.expect):
            return [f"refused without a fault: {said}"]
    except Exception:
        return ["traceback: " + traceback.format_exc(limit=-2)]
    found = [complaint for expect in case.expect for complaint in complaints(expect, faults, received, said)]
    found += unexpected(case, faults) + unbalanced(received)
    texts = said + "".join(fault.text() for fault in faults) + repr(faults)
    found += ["a value is said"] if CANARY in texts.upper() else []
    if case.prove and received:
        try:
            case.prove(received)
        except Exception as error:  # whatever a proof meets is a complaint, so that the other cases are tried
            found.append(f"not proven: {error!r}")
    return found


def receive(folder: Path, dictionary: Dictionary, room: Path) -> dict[str, CheckedTable]:
    """The usual way in."""
    return receive_extracts(folder, dictionary, room=room)


def complaints(expect: Expect, faults: list[Fault], received: Mapping[str, CheckedTable], said: str) -> list[str]:
    """What of one expectation is not met."""
    if expect.action == "keep":
        aside = [fault.reason for fault in faults if fault.severity in ("reject", "quarantine")]
        return [f"not kept: {aside} {said}"] if aside or not received else []
    if not expect.reason:
        return [] if all(word in said for word in expect.words) else [f"words {expect.words} not in: {said}"]
    hits = [fault for fault in faults if fault.reason == expect.reason and fault.severity == expect.action and expect.column in ("", fault.column)]
    if not hits:
        return [f"no {expect.action} for {expect.reason}: {[(fault.severity, fault.reason, fault.column) for fault in faults]}"]
    hit = hits[0]
    found = []
    if expect.rows and hit.first_rows[: len(expect.rows)] != expect.rows:
        found.append(f"rows {hit.first_rows} are not {expect.rows}")
    if expect.count and hit.count != expect.count:
        found.append(f"{hit.count} rows are not {expect.count}")
    found += [f"{word!r} is not in: {hit.text()}" for word in expect.words if word not in hit.text()]
    if not hit.mend or not hit.must_hold:
        found.append("does not say what must hold and how to mend it")
    if expect.action == "quarantine" and not hit.file:
        found.append("does not name the file")
    return found


def unexpected(case: Case, faults: list[Fault]) -> list[str]:
    """Refusals and rows set aside that the case did not ask for."""
    allowed = {expect.reason for expect in case.expect} | set(case.also) | ({"too_many_faults"} if "too_many_faults" in case.also else set())
    return [
        f"unexpected {fault.severity}: {fault.text()}"
        for fault in faults
        if fault.severity in ("reject", "quarantine") and fault.reason not in allowed
    ]


def unbalanced(received: Mapping[str, CheckedTable]) -> list[str]:
    """Tables whose rows do not add up, in memory or on disc."""
    found = []
    for table in received.values():
        aside = 0 if table.quarantine is None else duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(table.quarantine)]).fetchall()[0][0]
        kept = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(table.path)]).fetchall()[0][0]
        if (kept, aside) != (table.rows_kept, table.rows_quarantined) or table.rows_in != kept + aside + table.rows_dropped:
            found.append(f"rows of {table.name} do not add up")
        if table.sources and table.sources[0].rows != table.rows_in:
            found.append(f"rows of {table.name} were lost on reading")
    return found


def try_all(cases: tuple[Case, ...]) -> dict[int, list[str]]:
    """Number -> what is not as expected, over all variants of it."""
    found: dict[int, list[str]] = {}
    for case in cases:
        with tempfile.TemporaryDirectory() as room:
            folder = Path(room) / "delivery"
            folder.mkdir()
            found.setdefault(case.number, []).extend(f"{case.name}: {complaint}" for complaint in judge(case, folder))
    return found
