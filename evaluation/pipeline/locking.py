"""A plan's lock: what was fixed, when and by whom, before outcomes were seen; what was changed since, and why.

The lock lies beside the plan as `<plan>.lock.json`: a chain of entries, each with the hash of the one before, so that order does not rest on clocks
and nothing can be taken out unseen.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.errors import PlanError
from evaluation.findings.standing import PlanStanding, exploratory_outcomes
from evaluation.plan import Plan, read_plan
from evaluation.runs.files import canonical, sha256, write_whole

FREE = ("title", "question", "report", "programme.councils", "data.folder", "disclosure")  # keys that change no estimate
Kind = Literal["locked", "amended", "outcomes opened"]


class Entry(BaseModel):
    """One entry of a lock.

    Attributes
    ----------
    plan : mapping
        The plan with every default filled in; {} where outcomes were opened.
    outcomes_seen : bool
        Whether outcomes after joining had been seen when it was made.
    previous : str
        Hash of the entry before; '' for the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    plan_hash: str
    plan: Mapping[str, object] = {}
    time: str
    signer: str
    reason: str = ""
    outcomes_seen: bool = False
    previous: str = ""

    def hash(self) -> str:
        """SHA-256 of the entry."""
        return sha256(canonical(self.model_dump(mode="json")))


def lock_path(plan_path: Path) -> Path:
    """Where the lock of a plan lies."""
    return Path(plan_path).with_suffix(".lock.json")


def read_lock(plan_path: Path) -> tuple[Entry, ...]:
    """The entries of a plan's lock in order; none where it has not been locked.

    Raises
    ------
    PlanError
        The file was altered: an entry does not fit the one before.
    """
    path = lock_path(plan_path)
    if not path.is_file():
        return ()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Entry.model_validate(one) for one in content["entries"])
        told = (*(one.previous for one in entries), content["last"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise PlanError(f"{path} must be a lock as `evaluation plan lock` writes it, and cannot be read. Bring that file back.") from None
    if not entries or told != ("", *(one.hash() for one in entries)):
        raise PlanError(f"{path} was altered after it was written: its entries do not follow from each other. Bring back the file that was written.")
    return entries


def write_lock(plan_path: Path, entries: tuple[Entry, ...]) -> None:
    """Write a lock whole."""
    content = {"entries": [one.model_dump(mode="json") for one in entries], "last": entries[-1].hash()}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        write_whole(lock_path(plan_path), text.encode())
    except OSError as fault:
        raise PlanError(f"The lock must be written beside the plan, and its folder refuses it ({fault.strerror}). Move the study.") from None


def append(plan_path: Path, entries: tuple[Entry, ...], **fields: object) -> tuple[Entry, ...]:
    """A lock with one more entry, written."""
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    entry = Entry(time=now, previous=entries[-1].hash() if entries else "", **fields)
    write_lock(plan_path, (*entries, entry))
    return (*entries, entry)


def lock_plan(plan_path: Path, *, signer: str | None = None) -> Iterator[str]:
    """Lock a complete plan; says what was fixed.

    Raises
    ------
    PlanError
        The plan is not complete, or it is locked already.
    """
    plan, entries = complete(plan_path), read_lock(plan_path)
    if entries:
        raise PlanError(f"{plan_path} is locked since {entries[0].time}. To change a locked plan: evaluation plan amend {plan_path} --reason ..., "
                        "with --outcomes-not-seen or --outcomes-seen.")
    who = signer or user_name()
    append(plan_path, (), kind="locked", plan_hash=plan.hash(), plan=plan.model_dump(mode="json"), signer=who)
    yield f"{plan_path} is locked by {who}. Hash {plan.hash()}"
    yield f"  primary outcomes    {', '.join(plan.outcomes.primary)}"
    yield f"  secondary outcomes  {', '.join(plan.outcomes.secondary) or 'none'}"
    yield f"  Keep {lock_path(plan_path).name} beside the plan. What is changed from now on is labelled exploratory, unless it is amended first."


def amend_plan(plan_path: Path, *, reason: str, outcomes_seen: bool | None, signer: str | None = None) -> Iterator[str]:
    """Amend a locked plan to what the file says now, with the reason and whether outcomes had been seen.

    Raises
    ------
    PlanError
        It is not locked, nothing was changed, there is no reason, it is not said whether outcomes had been seen, or they are said to be unseen
        after a run opened them.
    """
    plan, entries = complete(plan_path), read_lock(plan_path)
    if not entries:
        raise PlanError(f"{plan_path} is not locked, so there is nothing to amend. Lock it first: evaluation plan lock {plan_path}")
    if not reason.strip():
        raise PlanError("An amendment must give its reason. Give it by --reason.")
    if outcomes_seen is None:
        raise PlanError("An amendment must say whether anybody had seen outcomes after joining. Add --outcomes-not-seen or --outcomes-seen.")
    opened = [one for one in entries if one.kind == "outcomes opened"]
    if opened and not outcomes_seen:
        raise PlanError(f"Outcomes were opened by a run on {opened[0].time}, so this amendment comes after they were seen. Say --outcomes-seen.")
    changes = differences(in_force(entries).plan, plan.model_dump(mode="json"))
    if not changes:
        raise PlanError(f"{plan_path} says what is locked already. Change it first, then amend.")
    append(
        plan_path,
        entries,
        kind="amended",
        plan_hash=plan.hash(),
        plan=plan.model_dump(mode="json"),
        signer=signer or user_name(),
        reason=reason.strip(),
        outcomes_seen=outcomes_seen,
    )
    yield f"{plan_path} is amended, outcomes {'seen' if outcomes_seen else 'not seen'}. Hash {plan.hash()}"
    yield from (f"  {in_words(change)}" for change in changes)
    if outcomes_seen:
        yield "  These changes are labelled exploratory in every output, because outcomes had been seen."


def diff_plan(plan_path: Path) -> Iterator[str]:
    """How a plan as it stands differs from what was locked, and the history of its lock."""
    plan, entries = complete(plan_path), read_lock(plan_path)
    if not entries:
        yield f"{plan_path} is not locked."
        return
    for entry in entries:
        seen = " after outcomes had been seen" if entry.outcomes_seen else ""
        yield f"  {entry.time}  {entry.kind}{seen} by {entry.signer}, plan {entry.plan_hash[:12]}" + (f": {entry.reason}" if entry.reason else "")
    changes = differences(in_force(entries).plan, plan.model_dump(mode="json"))
    yield "The plan is what its lock says." if not changes else f"The plan differs from its lock in {len(changes)} thing(s):"
    yield from (f"  {in_words(change)}" for change in changes)


def lock_in_words(plan_path: Path, plan: Plan) -> str:
    """Whether a plan is locked, and whether it still says what its lock says."""
    entries = read_lock(plan_path)
    if not entries:
        return "none; a run fixes the plan itself (evaluation plan lock)"
    n = len(differences(in_force(entries).plan, plan.model_dump(mode="json")))
    told = "the plan is what it says" if not n else f"the plan differs from it in {n} thing{'' if n == 1 else 's'} (evaluation plan diff)"
    return f"{entries[0].time} by {entries[0].signer}; {told}"


def record_opening(plan_path: Path, plan: Plan) -> tuple[Entry, ...]:
    """Note in a plan's lock that a run opens the outcomes; once for each plan. Without a lock nothing is written: the run's own folder says it."""
    entries = read_lock(plan_path)
    if not entries or any(one.kind == "outcomes opened" and one.plan_hash == plan.hash() for one in entries):
        return entries
    return append(plan_path, entries, kind="outcomes opened", plan_hash=plan.hash(), signer=user_name(), outcomes_seen=True)


def user_name() -> str:
    """The user's name; 'unknown' where the machine has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def complete(plan_path: Path) -> Plan:
    """A plan that is complete, valid and names what exists."""
    from evaluation.dictionary import load_dictionary
    from evaluation.pipeline.receive import check_names

    plan = read_plan(plan_path)
    check_names(plan, load_dictionary())
    return plan


def in_force(entries: tuple[Entry, ...]) -> Entry:
    """The last lock or amendment."""
    return [one for one in entries if one.kind != "outcomes opened"][-1]


def confirmatory(entries: tuple[Entry, ...]) -> Entry:
    """The last lock or amendment made before outcomes were seen."""
    return [one for one in entries if one.kind != "outcomes opened" and not one.outcomes_seen][-1]


Change = tuple[str, object, object]  # key, what was locked, what is there; None where it is missing


def standing_of(plan_path: Path, plan: Plan) -> PlanStanding:
    """How a plan that is run relates to its lock; without one, it is fixed by the run itself."""
    entries = read_lock(plan_path)
    if not entries:
        return PlanStanding()
    fixed, now = confirmatory(entries), plan.model_dump(mode="json")
    changed = tuple(key for key, _, _ in differences(fixed.plan, now) if not is_free(key))
    late = [one for one in entries if one.kind == "amended" and one.outcomes_seen]
    return PlanStanding(
        locked=fixed.time,
        outcomes=exploratory_outcomes(fixed.plan["outcomes"], now["outcomes"]),
        changes=tuple(key for key in changed if not key.startswith("outcomes.")),
        reasons=tuple(one.reason for one in late) if changed else (),
    )


def differences(locked: Mapping[str, object], now: Mapping[str, object], place: str = "") -> tuple[Change, ...]:
    """Keys of two plans that differ, with both values; a section that only one has is taken apart too."""
    found: list[Change] = []
    for key in sorted({*locked, *now}):
        one, other = locked.get(key), now.get(key)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other, f"{place}{key}.")
        else:
            found.append((f"{place}{key}", one, other))
    return tuple(found)


def in_words(change: Change) -> str:
    """One difference as a line."""
    key, locked, now = change
    return f"{key}: {json.dumps(locked, ensure_ascii=False)} -> {json.dumps(now, ensure_ascii=False)}"


def is_free(key: str) -> bool:
    """Whether a key changes no estimate."""
    return any(key == free or key.startswith(f"{free}.") for free in FREE)
