"""What may pass from programme families to those they are compared with: neighbours, people of two families, services that end elsewhere.

Records show only where a way is open, not that anything passed along it; the shares say how far the comparison may be touched.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from evaluation.ingest.tables import CheckedTable
from evaluation.panel.room import open_tables
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Families of one side of a matched sample, once for every set.

    Attributes
    ----------
    unit, column : ndarray of int, shape (n,)
        Row of the panel and column of the set's entry period.
    weight : ndarray of float, shape (n,)
    """

    unit: np.ndarray
    column: np.ndarray
    weight: np.ndarray


Touch = Callable[[Arm], np.ndarray]


def ways(tables: Mapping[str, CheckedTable], panel: Panel, *, after: tuple[int, int] = (1, 4)) -> dict[str, Touch]:
    """Every way that the tables delivered can show, by name: whether it is open for each member of an arm (1 or 0, NaN where it is not known).

    `programme_in_area`: another programme family that had joined lives in the family's small area in some quarter of `after`;
    `person_of_programme`: a person of the family is a member of another family that has joined by the end of `after`;
    `service_ended`: a service open on the first day of the index quarter ended by the end of `after`;
    `service_ended_in_council`: the same among families of councils where families join the programme, whose services it may have displaced; only
    where the panel has other councils too;
    `service_began`: another service began in the index quarter or in `after`.
    """
    found: dict[str, Touch] = {}
    if "addresses" in tables:
        number = near(areas(tables, panel), panel)
        found["programme_in_area"] = lambda arm: _near_programme(number, arm, after)
    pairs = shared_people(tables, panel)
    found["person_of_programme"] = lambda arm: _shares_person(pairs, panel, arm, after)
    if "other_support" in tables:
        services = _services(tables, panel)
        found["service_ended"] = lambda arm: _service(services, panel, arm, after, "ended")
        own = in_programme_councils(panel)
        if not own.all():
            found["service_ended_in_council"] = lambda arm: np.where(own[arm.unit], _service(services, panel, arm, after, "ended"), np.nan)
        found["service_began"] = lambda arm: _service(services, panel, arm, after, "began")
    return found


def spillover(tables: Mapping[str, CheckedTable], panel: Panel, treated: Arm, comparison: Arm, *, after: tuple[int, int] = (1, 4)) -> pd.DataFrame:
    """Share of each arm that is near the programme, shares a person with it, or loses or gains another service after the index.

    Parameters
    ----------
    tables : those the panel was built from; a row is left out where its table was not delivered
    after : (int, int)
        First and last event time.

    Returns
    -------
    DataFrame
        One row per way of `ways`, with the columns of `shares_touched`.
    """
    touched = {way: (touch(treated), touch(comparison)) for way, touch in ways(tables, panel, after=after).items()}
    return shares_touched(touched, treated, comparison)


def shares_touched(touched: Mapping[str, tuple[np.ndarray, np.ndarray]], treated: Arm, comparison: Arm) -> pd.DataFrame:
    """Weighted shares of both arms for which each way is open.

    Parameters
    ----------
    touched : way -> (of treated, of comparison members)
        1 or 0, NaN where it is not known.

    Returns
    -------
    DataFrame
        Columns `way`, `share_treated`, `share_comparison` (weighted), `n_treated`, `n_comparison` (different families touched), `of_treated`,
        `of_comparison` (different families of whom it is known) and `known_comparison` (share of the comparison weight for which it is known).
    """
    columns = ["way", "share_treated", "n_treated", "of_treated", "share_comparison", "n_comparison", "of_comparison", "known_comparison"]
    return pd.DataFrame([_row(way, both, (treated, comparison)) for way, both in touched.items()], columns=columns)


def _row(way: str, both: tuple[np.ndarray, np.ndarray], arms: tuple[Arm, Arm]) -> dict[str, object]:
    row: dict[str, object] = {"way": way}
    for name, is_so, arm in zip(("treated", "comparison"), both, arms, strict=True):
        known = np.isfinite(is_so)
        row[f"share_{name}"] = float(np.average(is_so[known], weights=arm.weight[known])) if arm.weight[known].sum() > 0 else float("nan")
        row[f"n_{name}"], row[f"of_{name}"] = len(np.unique(arm.unit[known & (is_so == 1)])), len(np.unique(arm.unit[known]))
        row[f"known_{name}"] = float(arm.weight[known].sum() / arm.weight.sum())
    return row


# ---- neighbours -----------------------------------------------------------------

def areas(tables: Mapping[str, CheckedTable], panel: Panel) -> np.ndarray:
    """Small area in which each family lives on the first day of each quarter, as a number; -1 where it is not known; shape (n_units, n_periods)."""
    rows = _of_panel(tables, panel, "addresses", "area_code, from_date, to_date")
    found = np.full((len(panel), len(panel.periods)), -1, dtype=np.int64)
    code = pd.factorize(rows["area_code"], sort=True)[0]
    first, last = _columns_open(rows["from_date"], rows["to_date"], panel)
    for column in range(found.shape[1]):
        there = (first <= column) & (column <= last)
        found[rows["u"].to_numpy()[there], column] = code[there]
    return found


def near(area: np.ndarray, panel: Panel) -> np.ndarray:
    """Other programme families that have joined before each quarter and live in the same area in it; NaN where the area is not known."""
    found = np.full(area.shape, np.nan)
    entry = panel.entry
    for column in range(area.shape[1]):
        known = area[:, column] >= 0
        in_programme = (entry >= 0) & (entry < column) & known
        number = np.bincount(area[in_programme, column], minlength=int(area.max(initial=0)) + 1)
        found[known, column] = number[area[known, column]] - in_programme[known]
    return found


def _near_programme(number: np.ndarray, arm: Arm, after: tuple[int, int]) -> np.ndarray:
    columns = arm.column[:, None] + np.arange(after[0], after[1] + 1)
    inside = columns < number.shape[1]
    value = np.where(inside, number[arm.unit[:, None], np.clip(columns, 0, number.shape[1] - 1)], np.nan)
    known = np.isfinite(value)
    return np.where(known.any(axis=1), (np.nan_to_num(value) > 0).any(axis=1), np.nan)


# ---- people of two families -----------------------------------------------------

def shared_people(tables: Mapping[str, CheckedTable], panel: Panel) -> pd.DataFrame:
    """Pairs of different families of the panel with a person in common, at the same time or one after the other.

    Columns `u`, `v` (rows of the panel, each pair both ways) and `together` (whether there is one who is a member of both at once).
    """
    with _open(tables, panel) as con:
        return con.sql("""WITH m AS (SELECT u, person_id, member_from AS a, coalesce(member_to, DATE '2200-01-01') AS b
                FROM people JOIN unit USING (family_id))
            SELECT s.u, t.u AS v, bool_or(s.a <= t.b AND t.a <= s.b) AS together FROM m s JOIN m t USING (person_id) WHERE s.u <> t.u
            GROUP BY ALL ORDER BY s.u, v""").df()


def _shares_person(pairs: pd.DataFrame, panel: Panel, arm: Arm, after: tuple[int, int]) -> np.ndarray:
    """The earliest joining of a family with a person in common, against the end of the window."""
    entry = np.where(panel.entry >= 0, panel.entry, np.iinfo(np.int64).max)
    earliest = np.full(len(panel), np.iinfo(np.int64).max)
    np.minimum.at(earliest, pairs["u"].to_numpy(), entry[pairs["v"].to_numpy()])
    return (earliest[arm.unit] <= arm.column + after[1]).astype(float)


# ---- other services -------------------------------------------------------------

def in_programme_councils(panel: Panel) -> np.ndarray:
    """Whether families live in a council where families of the panel join the programme; shape (n_units,)."""
    council = panel.units["council_code"]
    return council.isin(council[panel.entry >= 0].unique()).to_numpy(dtype=bool)


def _services(tables: Mapping[str, CheckedTable], panel: Panel) -> pd.DataFrame:
    rows = _of_panel(tables, panel, "other_support", "start_date, end_date")
    first, last = _columns_open(rows["start_date"], rows["end_date"], panel)
    return pd.DataFrame({"u": rows["u"], "first": first, "last": last, "begins": _columns(rows["start_date"], panel)})


def _service(services: pd.DataFrame, panel: Panel, arm: Arm, after: tuple[int, int], what: str) -> np.ndarray:
    """Whether a service of the family ended (having been open on the index quarter's first day), or began, by the end of the window."""
    pairs = pd.DataFrame({"u": arm.unit, "index": arm.column, "end": arm.column + after[1], "row": np.arange(len(arm.unit))})
    pairs = pairs.merge(services, on="u")
    ended = (pairs["first"] <= pairs["index"]) & pairs["last"].between(pairs["index"], pairs["end"])
    is_so = ended if what == "ended" else pairs["begins"].between(pairs["index"], pairs["end"])
    found = np.zeros(len(arm.unit))
    found[pairs.loc[is_so, "row"].unique()] = 1.0
    return np.where(arm.column + after[1] < len(panel.periods), found, np.nan)


# ---- rows of the panel's families -----------------------------------------------

def _open(tables: Mapping[str, CheckedTable], panel: Panel) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    open_tables(con, tables)
    con.register("unit_ids", pd.DataFrame({"family_id": panel.units["unit_id"].astype(str), "u": np.arange(len(panel))}))
    con.execute("CREATE TABLE unit AS SELECT * FROM unit_ids")
    return con


def _of_panel(tables: Mapping[str, CheckedTable], panel: Panel, name: str, columns: str) -> pd.DataFrame:
    with _open(tables, panel) as con:
        return con.sql(f"SELECT u, {columns} FROM {name} JOIN unit USING (family_id) ORDER BY u, {columns}").df()


def _columns(days: pd.Series, panel: Panel) -> np.ndarray:
    """Column of each day; far beyond the panel where there is none."""
    day = days.to_numpy().astype("datetime64[D]")
    quarter = 4 * 1970 + day.astype("datetime64[M]").astype(np.int64) // 3 - panel.periods.first
    return np.where(np.isnat(day), 10_000, quarter)


def _columns_open(begins: pd.Series, ends: pd.Series, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """First and last column on whose first day something dated is open."""
    day = begins.to_numpy().astype("datetime64[D]")
    first_of_quarter = (day.astype("datetime64[M]").astype(np.int64) // 3 * 3).astype("datetime64[M]").astype("datetime64[D]")
    return _columns(begins, panel) + (day > first_of_quarter), _columns(ends, panel)
