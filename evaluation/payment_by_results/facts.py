"""Facts of persons that payment-by-results rules ask for: by child and term, adult and day, minor and quarter, as whole numbers.

What facts are; how they are read from checked tables is in `reading.py`, and no rule is applied here. A fact that could not have been seen is unseen,
never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.periods import Periods

FAR = 10_000  # a column beyond every panel


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Memberships of one population, and the quarters in which they count.

    Attributes
    ----------
    unit : ndarray of int, shape (n_members,)
        Row of the family.
    first, last : ndarray of int, shape (n_members,)
        First and last column in which the membership counts.
    ages_out, leaves : ndarray of int, shape (n_members,)
        First column in which the person is too old; first column that membership no longer covers wholly. `FAR` where never.
    linked : ndarray of bool, shape (n_members,)
        Whether the person is linked to every source asked for.
    """

    unit: np.ndarray
    first: np.ndarray
    last: np.ndarray
    ages_out: np.ndarray
    leaves: np.ndarray
    linked: np.ndarray

    def there(self, column: int) -> np.ndarray:
        """Whether each membership counts in a column; shape (n_members,)."""
        return (self.first <= column) & (column <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A count of events by family and quarter.

    Attributes
    ----------
    number : ndarray of int, shape (n_families, n_columns)
    unseen : ndarray of bool, the same shape
        The source is not complete, the family has moved away, or a member of the population is not linked.
    unit, column, ages_out, leaves : ndarray of int, shape (n_events,)
        Family and column of each event of a person, and when that person grows too old for the population or leaves the family. Empty where events
        are the whole family's.
    """

    number: np.ndarray
    unseen: np.ndarray
    unit: np.ndarray
    column: np.ndarray
    ages_out: np.ndarray
    leaves: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Schooling by child and term.

    Attributes
    ----------
    people : People
        Children aged 5 to 15 at the start of the term; linked to education records.
    possible, unauthorised, authorised, fixed, permanent : ndarray of int, shape (n_children, n_columns)
        Sessions and exclusions in the terms in which the child counts.
    covered : ndarray of bool, shape (n_families, n_columns)
    school : ndarray of bool, shape (n_columns,)
        Quarters in which a term is collected.
    """

    people: People
    possible: np.ndarray
    unauthorised: np.ndarray
    authorised: np.ndarray
    fixed: np.ndarray
    permanent: np.ndarray
    covered: np.ndarray
    school: np.ndarray

    def terms(self, before: int, n: int) -> list[int]:
        """The last `n` collected columns before a column; fewer where the records begin later."""
        return [column for column in range(before) if self.school[column]][-n:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adults:
    """Benefits and work of adults aged 18 to 64, by day.

    Attributes
    ----------
    people : People
        Linked to benefit records.
    works_linked : ndarray of bool, shape (n_adults,)
        Linked to employment records too.
    claims : benefit code -> spells (adult, first day, last day), days as ordinals; spells of one code do not overlap
    any_claim, work : the same, for any benefit and for work
    last_days : ndarray of int, shape (n_columns,)
        Ordinal of the last day of each column.
    covered : ndarray of bool, shape (n_families, n_columns)
        Both sources are complete.
    """

    people: People
    works_linked: np.ndarray
    claims: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    any_claim: tuple[np.ndarray, np.ndarray, np.ndarray]
    work: tuple[np.ndarray, np.ndarray, np.ndarray]
    last_days: np.ndarray
    covered: np.ndarray

    def days(self, spells: tuple[np.ndarray, np.ndarray, np.ndarray], last: int, length: int) -> np.ndarray:
        """Days of spells among the `length` days that end with day `last`, by adult."""
        adult, begins, ends = spells
        inside = np.minimum(ends, last) - np.maximum(begins, last - length + 1) + 1
        return np.bincount(adult, weights=np.maximum(inside, 0), minlength=len(self.people.unit)).astype(np.int64)

    def claimed_on(self, day: int, benefit: str | None = None) -> np.ndarray:
        """Whether each adult claims a benefit (any, where none is named) on a day."""
        return self.days(self.any_claim if benefit is None else self.claims[benefit], day, 1) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Needs of one group of kinds: open on the first day of a quarter, and open on any day of it; shape (n_families, n_columns), bool."""

    at_start: np.ndarray
    in_quarter: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts that a framework's problems ask for. What was not delivered is None, and its problems cannot be judged.

    Attributes
    ----------
    periods : Periods
    here : ndarray of bool, shape (n_families, n_columns)
        The family still lives in the council's area at the end of the quarter.
    events : name -> Events
    needs : codes joined by '+' -> Needs
    needs_begun : ndarray of int, shape (n_families, n_columns), or None
        Needs of any kind that began in each quarter.
    """

    periods: Periods
    here: np.ndarray
    children: Children | None = None
    adults: Adults | None = None
    events: Mapping[str, Events]
    needs: Mapping[str, Needs]
    needs_begun: np.ndarray | None = None
