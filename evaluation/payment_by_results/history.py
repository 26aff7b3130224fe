"""What records say of families in the time before each quarter, lately and over a longer time, whatever a framework's rule counts.

A rule looks at a quarter or two of one record. Families that join have often been in trouble for longer, and in a crisis that no record names but
that leaves its mark in several: comparison families matched on these as well had more nearly as much of both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.payment_by_results.facts import Adults, Children, Facts
from evaluation.payment_by_results.problems import any_of

DAYS = 91  # the last days of a quarter in which a spell is looked for
LATELY = {"sessions_missed": 2}  # quarters that are 'lately': one, and two of which a term always lies in one


def history_of(facts: Facts, quarters: int) -> dict[str, np.ndarray]:
    """Two measures of every record before each column: lately, and over so many quarters.

    Parameters
    ----------
    quarters : int
        Length of the longer time; where the records begin later, what there is of it.

    Returns
    -------
    name -> ndarray, shape (n_families, n_columns)
        Share of quarters with an offence (an incident, a claim, ...), of sessions missed, and needs that began in a quarter, among those that were
        seen; 0 where none was.
    """
    found = {}
    for name, (values, seen) in by_quarter(facts).items():
        found[f"{name}_lately"] = mean_before(values, seen, LATELY.get(name, 1))
        found[f"{name}_long"] = mean_before(values, seen, quarters)
    return found


def by_quarter(facts: Facts) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Record -> (what happened in each quarter, how much of it was seen), of those delivered; shape (n_families, n_columns) each."""
    found = {name: ((events.number > 0) & ~events.unseen, ~events.unseen) for name, events in facts.events.items()}
    found |= {} if facts.needs_begun is None else {"needs_begun": (np.where(facts.here, facts.needs_begun, 0), facts.here)}
    found |= {} if facts.children is None else of_children(facts.children, len(facts.here))
    return found | ({} if facts.adults is None else of_adults(facts.adults, len(facts.here)))


def of_children(children: Children, n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sessions missed without leave, of those possible; terms with a fixed-period exclusion."""
    missed, possible, excluded = (by_family(values, children.people.unit, n) for values in (children.unauthorised, children.possible, children.fixed))
    seen = possible > 0
    return {"sessions_missed": (missed, possible), "excluded": ((excluded > 0) & seen, seen)}


def of_adults(adults: Adults, n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Quarters in which any adult claimed an out-of-work benefit; was in work."""
    found = {}
    for name, spells in (("claiming", adults.any_claim), ("working", adults.work)):
        there = [any_of((adults.days(spells, int(day), DAYS) > 0) & adults.people.there(column), adults.people.unit, n)
                 for column, day in enumerate(adults.last_days)]
        found[name] = (np.stack(there, axis=1) & adults.covered, adults.covered)
    return found


def by_family(values: np.ndarray, unit: np.ndarray, n: int) -> np.ndarray:
    """Sums over the members of each family; shape (n, n_columns)."""
    return np.stack([np.bincount(unit, weights=column, minlength=n) for column in values.T], axis=1)


def mean_before(values: np.ndarray, seen: np.ndarray, quarters: int) -> np.ndarray:
    """Sum of values over sum of what was seen, over so many columns before each; 0 where nothing was seen.

    Examples
    --------
    >>> mean_before(np.array([[1, 0, 0]]), np.array([[1, 1, 0]]), 2).tolist()
    [[0.0, 1.0, 0.5]]
    """
    happened, there = (_sums_before(array, quarters) for array in (values, seen))
    return np.divide(happened, there, out=np.zeros(values.shape), where=there > 0)


def _sums_before(values: np.ndarray, quarters: int) -> np.ndarray:
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1, dtype=float)], axis=1)
    column = np.arange(values.shape[1])
    return total[:, column] - total[:, np.maximum(column - quarters, 0)]
