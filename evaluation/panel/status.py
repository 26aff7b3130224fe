"""Why a family's outcome is missing in a period, and whether the outcome exists for the family at all.

An outcome that ended because the child left school age is another thing than one that was not linked: payment by results and reports
count them apart.
"""
from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from evaluation.errors import PlanError
from evaluation.panel.types import Panel


class Status(IntEnum):
    """What is known of an outcome in one period of one family. Where several hold, the first in this order is given."""

    OBSERVED = 0
    NOT_COLLECTED = 1      # the quarter has no school term
    MOVED = 2              # the family has left the council's area
    NOBODY = 3             # no member is, or has been, in the outcome's population
    AGED_OUT = 4           # the last member who was in it has grown out of it
    LEFT = 5               # the last member who was in it has left the family
    DIED = 6               # the last member who was in it has died
    NOT_COVERED = 7        # the source is not complete for the council throughout
    NOT_LINKED = 8         # a member in it is not linked to the source
    NOT_KNOWN = 9          # members are linked, and the source says nothing (no possible session, activity or address not known)
    LOOKS_BACK = 10        # the family has joined, and a value would still be about the time before


IN_WORDS = {
    Status.OBSERVED: "observed", Status.NOT_COLLECTED: "nothing is collected in this quarter", Status.MOVED: "the family has moved away",
    Status.NOBODY: "nobody in the family is in the outcome's population", Status.AGED_OUT: "the last member in it has grown out of it",
    Status.LEFT: "the last member in it has left the family", Status.DIED: "the last member in it has died",
    Status.NOT_COVERED: "the source is not complete", Status.NOT_LINKED: "a member is not linked to the source",
    Status.NOT_KNOWN: "the source does not say", Status.LOOKS_BACK: "it would still be about the time before joining",
}
ENDED = (Status.AGED_OUT, Status.LEFT, Status.DIED)      # the outcome existed and exists no longer


def exists_at(panel: Panel, outcome: str, units: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whether an outcome exists for families on the first day of their index quarters: a member is in its population, linked or not.

    Parameters
    ----------
    units, columns : ndarray of int, shape (n_pairs,)
        Row of the family and column of its index quarter (of joining, or of the matched set).

    Returns
    -------
    ndarray of bool, shape (n_pairs,)
        True for outcomes of the family itself (anti-social behaviour), which need no member.

    Raises
    ------
    PlanError
        The panel does not hold the outcome.
    """
    _check(panel, outcome)
    if outcome not in panel.members:
        return np.ones(len(units), dtype=bool)
    return panel.members[outcome][units, columns] > 0


def existing_at(panel: Panel, units: np.ndarray, columns: np.ndarray) -> dict[str, np.ndarray]:
    """For every outcome of the panel, whether it exists for each family at its index quarter (`exists_at`)."""
    return {name: exists_at(panel, name, units, columns) for name in panel.outcomes}


def statuses(panel: Panel, outcome: str, units: np.ndarray, columns: np.ndarray) -> dict[Status, int]:
    """How many pairs of family and quarter are observed, and how many are missing for which reason; reasons without a pair are left out."""
    _check(panel, outcome)
    found = np.bincount(panel.status[outcome][units, columns], minlength=len(Status))
    return {status: int(found[status]) for status in Status if found[status]}


def families_by_status(panel: Panel, outcome: str, units: np.ndarray, columns: np.ndarray) -> dict[Status, int]:
    """How many different families stand behind each number of `statuses`; a family may stand behind several."""
    _check(panel, outcome)
    pair = np.unique(units * len(Status) + panel.status[outcome][units, columns])
    found = np.bincount(pair % len(Status), minlength=len(Status))
    return {status: int(found[status]) for status in Status if found[status]}


def ended(panel: Panel, outcome: str) -> Mapping[Status, np.ndarray]:
    """Where an outcome has come to an end, and why; each array has shape (n_units, n_periods)."""
    _check(panel, outcome)
    return {status: panel.status[outcome] == status for status in ENDED}


def _check(panel: Panel, outcome: str) -> None:
    if outcome not in panel.status:
        raise PlanError(f"Why an outcome is missing is known for families' outcomes in the panel: {outcome!r} is not one of "
                        f"{', '.join(panel.status) or 'any'}. Name one of them in the plan.")
