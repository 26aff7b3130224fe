"""Discounting: what a pound in a later year is worth in the first, in real terms, at rates that fall with distance."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import DictionaryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Years `first` to `last` ahead (None: for ever) at one real rate a year."""

    first: int
    last: int | None
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountSchedule:
    """Real discount rates by distance in years; year 0 is the first and is not discounted.

    Examples
    --------
    >>> two = DiscountSchedule(segments=(Segment(first=0, last=30, rate=0.035), Segment(first=31, last=None, rate=0.03)), source="")
    >>> round(two.factor(1), 6), round(two.factor(31), 6)
    (0.966184, 0.345901)

    References
    ----------
    HM Treasury, The Green Book, annex on discounting: the lower rate of a later segment applies to the years of that segment only.
    """

    segments: tuple[Segment, ...]
    source: str

    def factor(self, years: int) -> float:
        """Worth now of a pound so many years ahead: every year is discounted at the rate of its own segment."""
        worth = 1.0
        for part in self.segments:
            begins = max(part.first, 1)
            ends = years if part.last is None else min(part.last, years)
            worth /= (1 + part.rate) ** max(ends - begins + 1, 0)
        return worth


def read_discount_rates(path: Path) -> DiscountSchedule:
    """Read the schedule.

    Raises
    ------
    DictionaryError
        Segments leave a gap, overlap or do not begin at 0, or a rate is not between 0 and 1.
    """
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    try:
        found = tuple(
            Segment(first=int(row["years_from"]), last=int(row["years_to"]) if row["years_to"] else None, rate=float(row["rate"])) for row in rows
        )
    except ValueError:
        raise DictionaryError(f"{path.name} must hold whole years and rates like 0.035: some row does not. Mend the file.") from None
    starts = [0, *((part.last or 0) + 1 for part in found[:-1])]
    in_order = bool(found) and [part.first for part in found] == starts and found[-1].last is None
    if not in_order or any(not 0 <= part.rate < 1 for part in found):
        raise DictionaryError(
            f"{path.name} must run from year 0 without gap or overlap to an open end, at rates from 0 to 1: it has {len(found)} segment(s) that do"
            " not. Mend years_from, years_to and rate."
        )
    return DiscountSchedule(segments=found, source=rows[0]["source"])
