"""How one report of a run can end, and which of these count as finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from evaluation.errors import CommonSupportError, ContractError, DictionaryError, EstimationError, LinkageError, PlanError, ReportError

State = Literal[
    "done", "done-with-limits", "not-shown-small-n", "failed-data", "failed-model", "failed-system", "timed-out", "cancelled", "stale"
]
STATES: tuple[State, ...] = get_args(State)
FINISHED: tuple[State, ...] = ("done", "done-with-limits", "not-shown-small-n")
WORDS: dict[State, str] = {
    "done": "done",
    "done-with-limits": "done, some numbers could not be shown or estimated",
    "not-shown-small-n": "done, nothing can be shown: too few families",
    "failed-data": "failed: the data or the plan do not allow it",
    "failed-model": "failed: the effect cannot be estimated",
    "failed-system": "failed: the program or the machine",
    "timed-out": "stopped: took longer than its limit",
    "cancelled": "not made: the run was stopped",
    "stale": "out of date: its content or files are not those it was made with",
}


def state_of_fault(fault: BaseException) -> State:
    """The state in which an error leaves a report."""
    if isinstance(fault, EstimationError | CommonSupportError):
        return "failed-model"
    if isinstance(fault, ContractError | DictionaryError | LinkageError | PlanError):
        return "failed-data"
    return "timed-out" if isinstance(fault, ReportError) and fault.cause == "time" else "failed-system"


def state_of_outcomes(statuses: Iterable[str]) -> State:
    """The state of a report that was made, from the statuses of its outcomes.

    Parameters
    ----------
    statuses : 'estimated', 'not_available', 'not_estimable' or 'not_shown', one an outcome

    Examples
    --------
    >>> state_of_outcomes(["estimated", "not_shown"]), state_of_outcomes(["not_shown", "not_shown"])
    ('done-with-limits', 'not-shown-small-n')
    """
    found = set(statuses)
    if found == {"not_shown"}:
        return "not-shown-small-n"
    return "done" if found <= {"estimated", "not_available"} else "done-with-limits"
