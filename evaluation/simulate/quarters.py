"""The quarters of a simulation: the plan's periods and a year of history before them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.periods import Periods, first_day

HISTORY = 4                                        # quarters of records before the first period
TERMS = {4: "autumn", 1: "spring", 2: "summer"}    # calendar quarter -> school term; nothing is collected in the third


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Quarters as columns. Column `HISTORY` is the first of the plan's periods.

    Attributes
    ----------
    first : int
        Ordinal of column 0 (see `evaluation.periods`).
    starts : ndarray of datetime64[D], shape (n_columns + 1,)
        First day of every column, and the day after the last.
    """

    first: int
    starts: np.ndarray

    @classmethod
    def over(cls, periods: Periods) -> Calendar:
        """The columns of a plan's periods with their history."""
        first = periods.first - HISTORY
        return cls(first=first, starts=np.array([first_day(q, "quarter") for q in range(first, periods.last + 2)], dtype="datetime64[D]"))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def quarters(self) -> np.ndarray:
        """Calendar quarter (1 to 4) of each column."""
        return (self.first + np.arange(len(self))) % 4 + 1

    @property
    def school(self) -> np.ndarray:
        """Columns in which a school term is collected; shape (n_columns,), bool."""
        return np.isin(self.quarters, list(TERMS))

    @property
    def lengths(self) -> np.ndarray:
        """Days in each column."""
        return np.diff(self.starts).astype(int)

    @property
    def months(self) -> np.ndarray:
        """First month of each column, as `12 * year + month - 1`."""
        return 3 * (self.first + np.arange(len(self)))

    def column(self, days: np.ndarray) -> np.ndarray:
        """Column that holds each day; -1 before the first, `len` after the last."""
        return np.searchsorted(self.starts, days, side="right") - 1

    def day(self, columns: np.ndarray, share: np.ndarray) -> np.ndarray:
        """A day inside each column; `share` in [0, 1) says how far through it."""
        return self.starts[columns] + (share * self.lengths[columns]).astype("timedelta64[D]")

    def term_labels(self) -> list[str]:
        """Label of each column's school term ('' in the third quarter)."""
        labels = []
        for number in range(self.first, self.first + len(self)):
            year, quarter = divmod(number, 4)
            start = year if quarter == 3 else year - 1
            labels.append(f"{start}/{(start + 1) % 100:02d}-{TERMS[quarter + 1]}" if quarter + 1 in TERMS else "")
        return labels
