"""What a fault of a run is, and what was seen when it was tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.runs.states import FINISHED, STATES

VICTIM, OTHER, SMALL = "E06000022", "E06000030", "E06000017"
FAMILIES = {VICTIM: 240, OTHER: 200, SMALL: 20}
REFUSED = "refused"  # nothing was begun: exit code 2, and what to mend
HELD = "held"  # nothing left: the whole release stays inside
ENDS = (*STATES, REFUSED, HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a fault.

    Attributes
    ----------
    states : council -> state
        Of every report; the faulty one is that of VICTIM.
    said : str
        What whoever runs it is told about the faulty report, or why nothing was begun.
    complaints : tuple of str
        Promises that were not kept besides the state.
    """

    states: Mapping[str, str]
    said: str = ""
    complaints: tuple[str, ...] = ()

    @classmethod
    def whole(cls, end: str, said: object, **promises: bool) -> Tried:
        """An end of the whole run, and promises by name with whether each was kept."""
        return cls(states=dict.fromkeys(FAMILIES, end), said=str(said), complaints=broken(promises))


def broken(promises: Mapping[str, bool]) -> tuple[str, ...]:
    """Promises that were not kept, in words."""
    return tuple(name.replace("_", " ") for name, kept in promises.items() if not kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of the list in docs/runs.md.

    Attributes
    ----------
    number : int
    title : str
    end : str
        The right state of the faulty report, or 'refused' or 'held' where the whole run ends so.
    words : tuple of str
        What the reader must be told.
    attempt : callable
        Takes an empty folder, brings the fault about, gives what became of it.
    quick : bool
        Whether it takes a second or two, so that it is tried with every test run.
    alone : bool
        Whether the fault is one council's, so that all others must finish.
    """

    number: int
    title: str
    end: str
    words: tuple[str, ...] = ()
    attempt: Callable[[Path], Tried]
    quick: bool = False
    alone: bool = True


def complaints_about(fault: Fault, tried: Tried) -> list[str]:
    """What is not as it must be."""
    found = list(tried.complaints)
    if (end := tried.states.get(VICTIM)) != fault.end:
        found.append(f"ends as {end}, not {fault.end}: {tried.said[:300]}")
    if fault.alone:
        found += [f"{code} ends as {state}" for code, state in tried.states.items() if code != VICTIM and state not in FINISHED]
        found += [f"{code} is missing" for code in FAMILIES if code not in tried.states]
    found += [f"does not say {words!r}: {tried.said[:300]}" for words in fault.words if words not in tried.said]
    return found + (["shows a family's identifier"] if "F0012345" in tried.said else [])


def try_fault(fault: Fault, folder: Path) -> list[str]:
    """Bring a fault about; what is not as it must be, a fault of the attempt itself too."""
    try:
        return complaints_about(fault, fault.attempt(folder))
    except Exception as raised:
        return [f"raised {type(raised).__name__}: {raised}"[:600]]
