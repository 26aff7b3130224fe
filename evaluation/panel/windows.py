"""How long programme families were supported, for how much of a window after joining, why it ended, and how far they can be followed.

A window of 6, 12, 18 or 24 months is the two, four, six or eight whole quarters after the quarter of joining (event times 1 to 2, 4, 6, 8).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import Panel
from evaluation.periods import first_day

WINDOWS = (6, 12, 18, 24)      # months
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Support of every programme family of a panel.

    Attributes
    ----------
    unit : ndarray of int, shape (n_joined,)
        Row of the panel.
    begins, ends : ndarray of datetime64[D]
        Day of joining and last day of support; NaT where it went on at the panel's end.
    reason : ndarray of str
        Code of the exit reason; '' while support goes on or where none was given.
    """

    unit: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    reason: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One window of every programme family.

    Attributes
    ----------
    months : int
    unit : ndarray of int, shape (n_joined,)
    days_supported : ndarray of int
        Days from joining to the window's end on which the family was supported, as far as the panel reaches.
    share_supported : ndarray of float
        Share of the window's days under support; NaN where the panel does not reach the window's end.
    quarters_followed : ndarray of int
        Quarters of the window in which the family is in the panel and has not moved away.
    whole : ndarray of bool
        Whether that is all of them.
    partial : ndarray of bool
        Partial exposure: support was still going on when the window (or the panel) ended, so the window shows less than the whole of it.
    """

    months: int
    unit: np.ndarray
    days_supported: np.ndarray
    share_supported: np.ndarray
    quarters_followed: np.ndarray
    whole: np.ndarray
    partial: np.ndarray


def event_times(months: int) -> tuple[int, int]:
    """First and last event time of a window of months.

    Raises
    ------
    PlanError
        The window is no whole number of quarters.
    """
    if months < 3 or months % 3:
        raise PlanError(f"A window is a whole number of quarters, such as 6, 12, 18 or 24 months: {months} is not. Mend the number.")
    return 1, months // 3


def support_of(tables: Mapping[str, CheckedTable], panel: Panel) -> Support:
    """Days of joining and leaving, and exit reasons, of the panel's programme families.

    Raises
    ------
    ContractError
        The panel is not one of these families.
    """
    with duckdb.connect() as con:
        rows = con.execute("""SELECT family_id, entry_date, exit_date, coalesce(exit_reason, '') AS reason FROM read_parquet(?)
            WHERE entry_date IS NOT NULL ORDER BY family_id""", [str(tables["families"].path)]).df()
    joined = np.flatnonzero(panel.entry >= 0)
    ids = rows["family_id"].to_numpy().astype(str)
    wanted = panel.units["unit_id"].to_numpy()[joined].astype(str)
    place = np.searchsorted(ids, wanted).clip(max=max(len(ids) - 1, 0))
    if len(joined) and (not len(ids) or (ids[place] != wanted).any()):
        raise ContractError("Support is read for the programme families of the panel: the table of families holds other ones. "
                            "Pass the tables that the panel was built from.")
    days = {name: rows[f"{name}_date"].to_numpy().astype("datetime64[D]")[place] for name in ("entry", "exit")}
    over = days["exit"] < _day(panel, len(panel.periods))
    return Support(unit=joined, begins=days["entry"], ends=np.where(over, days["exit"], np.datetime64("NaT", "D")),
                   reason=np.where(over, rows["reason"].to_numpy().astype(str)[place], ""))


def exposure(support: Support, panel: Panel, months: int) -> Exposure:
    """Dose and follow-up of every programme family over a window."""
    first, last = event_times(months)
    entry = panel.entry[support.unit]
    opens, closes = _first_days(panel, entry + first), _first_days(panel, entry + last + 1)             # the day after the window
    reach = _day(panel, len(panel.periods))
    until = np.where(np.isnat(support.ends), reach, support.ends + DAY)                                 # the day after support, as far as is known
    days = _days(np.minimum(until, np.minimum(closes, reach)) - support.begins)
    inside = _days(np.minimum(until, closes) - opens)
    seen_to = np.minimum(panel.units["eligible_to"].to_numpy()[support.unit], len(panel.periods) - 1)
    followed = np.clip(seen_to - (entry + first) + 1, 0, last - first + 1)
    ended = ~np.isnat(support.ends) & (support.ends < closes)
    return Exposure(months=months, unit=support.unit, days_supported=days,
                    share_supported=np.where(closes <= reach, inside / np.maximum(_days(closes - opens), 1), np.nan),
                    quarters_followed=followed, whole=followed == last - first + 1, partial=~ended)


def exposures(support: Support, panel: Panel, windows: Sequence[int] = WINDOWS) -> pd.DataFrame:
    """One row per window: families joined and followed throughout, mean dose among these, and how many were still supported at its end.

    Columns `months`, `n_joined`, `n_followed` (throughout), `mean_days` and `mean_share` (of those followed), `n_partial` (of those followed).
    """
    rows = []
    for months in windows:
        found = exposure(support, panel, months)
        rows.append({"months": months, "n_joined": len(found.unit), "n_followed": int(found.whole.sum()),
                     "mean_days": _mean(found.days_supported[found.whole]), "mean_share": _mean(found.share_supported[found.whole]),
                     "n_partial": int((found.whole & found.partial).sum())})
    return pd.DataFrame(rows)


def exits(support: Support, panel: Panel, reasons: Sequence[str]) -> pd.DataFrame:
    """One row per exit reason, then those without one and those still supported: families, and median days of support among them.

    Columns `reason` ('' where none was given, 'supported' while it goes on), `n`, `median_days`.
    """
    ended = ~np.isnat(support.ends)
    groups = {reason: ended & (support.reason == reason) for reason in (*reasons, "")} | {"supported": ~ended}
    days = _days(np.where(ended, support.ends + DAY, _day(panel, len(panel.periods))) - support.begins)
    return pd.DataFrame([{"reason": reason, "n": int(chosen.sum()), "median_days": float(np.median(days[chosen])) if chosen.any() else np.nan}
                         for reason, chosen in groups.items()])


def median_duration(support: Support, panel: Panel) -> float:
    """Median days of support, counting support that goes on as lasting at least so long (Kaplan and Meier 1958); NaN where over half go on.

    References
    ----------
    Kaplan and Meier (1958), DOI 10.1080/01621459.1958.10501452.
    """
    ended = ~np.isnat(support.ends)
    days = _days(np.where(ended, support.ends + DAY, _day(panel, len(panel.periods))) - support.begins)
    left = 1.0
    for length in np.unique(days[ended]):
        left *= 1 - (ended & (days == length)).sum() / (days >= length).sum()
        if left <= 0.5:
            return float(length)
    return float("nan")


def _day(panel: Panel, column: int) -> np.datetime64:
    """First day of a column; may lie beyond the panel."""
    return np.datetime64(first_day(panel.periods.first + int(column), "quarter"), "D")


def _first_days(panel: Panel, columns: np.ndarray) -> np.ndarray:
    """First day of each of many columns; each different one is looked up once."""
    different, place = np.unique(columns, return_inverse=True)
    return np.array([_day(panel, column) for column in different], dtype="datetime64[D]")[place]


def _days(spans: np.ndarray) -> np.ndarray:
    return np.maximum(spans.astype("timedelta64[D]").astype(np.int64), 0)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
