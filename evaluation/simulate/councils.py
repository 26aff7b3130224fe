"""Councils whose families are simulated must be there in the years of the records, and on the day whose councils the tables name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from evaluation.dictionary import Council, Dictionary
from evaluation.dictionary.councils import REFERENCE_DAY
from evaluation.errors import PlanError
from evaluation.periods import Periods, first_day, last_day


def check_there(asked: Mapping[str, Iterable[str]], periods: Periods, dictionary: Dictionary) -> None:
    """Whether the councils named are there when families are simulated.

    Parameters
    ----------
    asked : place in the plan -> codes

    Raises
    ------
    PlanError
        With every council that is not there, when it is, and the one to name in its place.
    """
    day = dictionary.tables["families"].vintage or REFERENCE_DAY
    years = first_day(periods.first, periods.kind), last_day(periods.last, periods.kind)
    faults = [
        f"  - `{where}` names {council.code} ({council.name}), which was there {in_words(council)}.{instead(council, day, years, dictionary)}"
        for where, codes in asked.items()
        for council in (dictionary.councils[code] for code in codes)
        if not (council.exists_on(day) and overlaps(council, years))
    ]
    if faults:
        raise PlanError(
            f"Simulated families must live in councils that are there in the plan's periods ({periods.label(0)} to {periods.label(len(periods) - 1)})"
            f" and on {day}, the day whose councils the records name:\n" + "\n".join(faults)
        )


def overlaps(council: Council, years: tuple[dt.date, dt.date]) -> bool:
    """Whether a council was there on a day of some years."""
    return (council.first_day is None or council.first_day <= years[1]) and (council.last_day is None or council.last_day >= years[0])


def in_words(council: Council) -> str:
    """From when to when a council was there."""
    begins, ends = (f"from {council.first_day}" if council.first_day else "", f"until {council.last_day}" if council.last_day else "")
    return f"{begins} {ends}".strip() or "all the time"


def instead(council: Council, day: dt.date, years: tuple[dt.date, dt.date], dictionary: Dictionary) -> str:
    """Which councils to name in the place of one; '' where none fits."""
    kin: Sequence[str] = (*council.predecessors, *council.successors)
    there = [dictionary.councils[code] for code in kin if code in dictionary.councils]
    named = [f"{one.code} ({one.name})" for one in there if one.exists_on(day) and overlaps(one, years)]
    return f" Name {' or '.join(named)}." if named else " Take it out, or give other periods."
