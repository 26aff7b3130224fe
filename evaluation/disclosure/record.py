"""The record of a release (`audit.json`): what the audit did, what the scan looked at, who let what out. Once out, it is entered in the register."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.disclosure.ledger import Entry, Ledger
from evaluation.disclosure.orphans import numbers_of_plan, orphans
from evaluation.disclosure.register import NAME, Register, as_json, entry_of, kept
from evaluation.disclosure.release import ReportContent
from evaluation.errors import DisclosureError

if TYPE_CHECKING:
    from evaluation.plan import Plan

PENDING = "released_numbers.json"  # in the room, not in its folder `release`: true sizes are in it
AUDIT = "audit.json"
FOUND = "audit_found.json"  # in the room: what the audit did, until the files are out and the record is complete
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def register_of(room: Path, plan: Plan) -> Register | None:
    """The register of a study, beside its runs; none where the records are simulated, as they are of nobody."""
    return None if plan.report.simulated else Register(path=room.parent / NAME)


def prepare(room: Path, plan: Plan, contents: Sequence[ReportContent], ledger: Ledger, *, vintage: str) -> None:
    """Write what the audit found, and aside what the register has to know once the files are out.

    Raises
    ------
    DisclosureError
        A report holds a number that did not go through the ledger: nobody has looked at it, so nothing may leave.
    """
    audit = ledger.audit.as_json() if ledger.audit is not None else {}
    planned = numbers_of_plan(plan.canonical())
    found = Counter(place for content in contents for place, _ in orphans(content, ledger.of_report(content.council.code), planned))
    _write(room / FOUND, {"audit": audit, "numbers_not_in_ledger": dict(found)})
    if found:
        places = ", ".join(f"{n} in `{place}`" for place, n in sorted(found.items()))
        raise DisclosureError(
            f"The release is held: {found.total()} number(s) of its reports are not in the ledger ({places}; fields of ReportContent). Nobody has"
            " looked at them. Publish them through the ledger (`Ledger.count`, `level`, `interval`, `derived` or `said`)."
        )
    if register_of(room, plan) is not None:
        _write(room / PENDING, {"vintage": vintage, "numbers": [as_json(entry) for entry in kept(ledger.entries)]})


def known_to(room: Path) -> dict[str, object]:
    """What the scan of a run is told besides its identifiers: dates and sentences of the plan, which are no one's, and the threshold in force."""
    from evaluation.disclosure.rules import rule_of

    path = room / "plan.yml"
    plan = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rule = rule_of(plan.get("disclosure", {}).get("profile", "ten_five"))
    return {"permitted": [*texts_in(plan), *DATE.findall(json.dumps(plan))], "threshold": rule.threshold, "points": most_points(room)}


def most_points(room: Path) -> int:
    """Points of the longest chart of a release that has one for each council: shrunken effects beside each other."""
    contents = (json.loads(path.read_text(encoding="utf-8")) for path in sorted((room / "contents").glob("*.json")))
    return max((len(one["points"]) for content in contents for one in content.get("beside", ())), default=0)


def texts_in(read: object) -> list[str]:
    """All texts of a plan."""
    if isinstance(read, dict):
        return [text for part in read.values() for text in texts_in(part)]
    if isinstance(read, list):
        return [text for part in read for text in texts_in(part)]
    return [read] if isinstance(read, str) else []


def let_out(room: Path, scanned: Mapping[str, object], identifiers: Iterable[str]) -> None:
    """Complete the record after the scan, scan it as well, and enter the release in the register."""
    from evaluation.disclosure.scan import scan

    record, found = room / "release" / AUDIT, room / FOUND
    before = json.loads(found.read_text(encoding="utf-8")) if found.is_file() else {}
    _write(record, before | dict(scanned))
    scan([record], identifiers)
    if (room / PENDING).is_file():
        pending = json.loads((room / PENDING).read_text(encoding="utf-8"))
        Register(path=room.parent / NAME).add(numbers_of(pending), release=room.name.strip(".").removesuffix(".partial"), vintage=pending["vintage"])


def numbers_of(pending: Mapping) -> list[Entry]:
    """The numbers that a release brought out."""
    return [entry_of(read) for read in pending["numbers"]]


def _write(path: Path, content: Mapping) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
