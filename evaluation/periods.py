"""Calendar periods as ordinal integers: quarters, school years, years.

A period is an integer below the boundary and a label (`2011-Q1`, `2006/07`, `1975`) above it.
What happens in a period is none of this module's business.
"""
from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from evaluation.errors import PlanError

Kind = Literal["quarter", "school_year", "year"]
FORMATS = {"quarter": "2011-Q1", "school_year": "2006/07", "year": "1975"}


def ordinal(label: str, kind: Kind) -> int:
    """The integer of a period's label.

    Quarters count `4 * year + quarter - 1`; a school year counts as the calendar year in which it begins (September).

    Raises
    ------
    PlanError
        The label is not of the kind's form.

    Examples
    --------
    >>> ordinal("2011-Q1", "quarter"), ordinal("2006/07", "school_year"), ordinal("1975", "year")
    (8044, 2006, 1975)
    """
    text = str(label).strip()
    if kind == "quarter" and (found := re.fullmatch(r"(\d{4})-?Q([1-4])", text)):
        return 4 * int(found[1]) + int(found[2]) - 1
    if kind == "school_year" and (found := re.fullmatch(r"(\d{4})[/-]?(\d{2})", text)):
        if (int(found[1]) + 1) % 100 == int(found[2]):
            return int(found[1])
    if kind == "year" and re.fullmatch(r"\d{4}", text):
        return int(text)
    raise PlanError(f"A {kind.replace('_', ' ')} is written like {FORMATS.get(kind, '?')}: {text!r} is not. "
                    "Mend the label in the plan or in the table's contract.")


def label(number: int, kind: Kind) -> str:
    """The label of a period's integer; the inverse of `ordinal`."""
    if kind == "quarter":
        return f"{number // 4}-Q{number % 4 + 1}"
    if kind == "school_year":
        return f"{number}/{(number + 1) % 100:02d}"
    return str(number)


def first_day(number: int, kind: Kind) -> dt.date:
    """The first calendar day of a period."""
    if kind == "quarter":
        return dt.date(number // 4, 3 * (number % 4) + 1, 1)
    return dt.date(number, 9 if kind == "school_year" else 1, 1)


def last_day(number: int, kind: Kind) -> dt.date:
    """The last calendar day of a period."""
    return first_day(number + 1, kind) - dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """A run of consecutive periods, first and last included.

    Attributes
    ----------
    kind : 'quarter', 'school_year' or 'year'
    first, last : int
        Ordinals (see `ordinal`). Column `j` of an outcome array is period `first + j`.

    Examples
    --------
    >>> periods = Periods.between("2011-Q1", "2011-Q4", kind="quarter")
    >>> len(periods), periods.labels()[0], periods.index("2011-Q3")
    (4, '2011-Q1', 2)
    """

    kind: Kind
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise PlanError(f"Periods end before they begin: {label(self.first, self.kind)} to {label(self.last, self.kind)}. "
                            "Mend `periods` in the plan.")

    @classmethod
    def between(cls, first: str, last: str, *, kind: Kind) -> Periods:
        """Periods from two labels."""
        return cls(kind=kind, first=ordinal(first, kind), last=ordinal(last, kind))

    def __len__(self) -> int:
        return self.last - self.first + 1

    def labels(self) -> list[str]:
        """Labels of all periods, in order."""
        return [label(number, self.kind) for number in range(self.first, self.last + 1)]

    def index(self, text: str) -> int:
        """Column of a labelled period; it may lie outside 0 .. len - 1."""
        return ordinal(text, self.kind) - self.first

    def label(self, index: int) -> str:
        """Label of a column."""
        return label(self.first + int(index), self.kind)
