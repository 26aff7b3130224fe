"""Small areas: where families lived, which areas belong to the places of a plan, and who lives in a place and who elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd

from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import Panel
from evaluation.plan.data import Place

ELSEWHERE = "elsewhere"        # `pool` of families that live outside every place


def residence(tables: Mapping[str, CheckedTable], on: str | None = None) -> pd.DataFrame:
    """Small area of every family with an address: on a day, or on its first eligible date; the first known one where it had none yet.

    Parameters
    ----------
    on : str, optional
        A day like 2013-04-01.

    Returns
    -------
    DataFrame
        `family_id`, `council_code`, `area_code`; one row per family, sorted by family.

    Raises
    ------
    ContractError
        No addresses were delivered.
    """
    if "addresses" not in tables:
        raise ContractError("A plan with small areas needs to know where families lived: the table addresses is missing. Deliver it, or take "
                            "`small_areas` out of programme.places.")
    day = "f.first_eligible_date" if on is None else f"DATE '{on}'"
    with duckdb.connect() as con:
        return con.execute(f"""
            SELECT family_id, any_value(f.council_code) AS council_code,
                   coalesce(arg_max(a.area_code, a.from_date) FILTER (a.from_date <= {day}), arg_min(a.area_code, a.from_date)) AS area_code
            FROM read_parquet(?) a JOIN read_parquet(?) f USING (family_id) GROUP BY family_id ORDER BY family_id""",
                           [str(tables["addresses"].path), str(tables["families"].path)]).df()


def council_of_area(lived: pd.DataFrame) -> pd.Series:
    """Council of most families of each small area, by area code, sorted; of two with as many, the first by code."""
    counted = lived.groupby(["area_code", "council_code"], as_index=False).size().sort_values(["area_code", "size", "council_code"],
                                                                                             ascending=[True, False, True])
    return counted.drop_duplicates("area_code").set_index("area_code")["council_code"]


def areas_of_places(places: Sequence[Place], lived: pd.DataFrame) -> dict[str, str]:
    """Area code -> name of its place. A number of small areas takes the council's next ones by code.

    Raises
    ------
    PlanError
        An area is not among those in which families lived, a council has too few, or an area is in two places.
    """
    council = council_of_area(lived)
    free = {code: sorted(council.index[council == code]) for code in {place.councils[0] for place in places}}
    found: dict[str, str] = {}
    for place in places:
        if place.small_areas is None:
            continue
        there, asked = free[place.councils[0]], place.small_areas
        codes = there[:asked] if isinstance(asked, int) else list(asked)
        wrong = [code for code in codes if code not in there]
        if wrong or (isinstance(asked, int) and len(codes) < asked):
            raise PlanError(f"The small areas of {place.name} must be among those of {place.councils[0]} in which families lived, each in one place: "
                            f"{f'{len(wrong)} of {len(codes)} are not' if wrong else f'{len(codes)} are left and {asked} asked for'}. "
                            "Where: programme.places. Mend `small_areas`.")
        free[place.councils[0]] = [code for code in there if code not in codes]
        found |= dict.fromkeys(codes, place.name)
    return found


def with_localities(panel: Panel, tables: Mapping[str, CheckedTable], places: Sequence[Place]) -> Panel:
    """Families with the place they lived in as their `pool`, `elsewhere` outside every place.

    Families that live beside programme families may feel the programme too: a plan keeps them out of the comparison by
    `comparison.pools: [elsewhere]`.
    """
    lived = residence(tables)
    place = lived["area_code"].map(areas_of_places(places, lived)).fillna(ELSEWHERE)
    pool = panel.units["unit_id"].map(dict(zip(lived["family_id"], place, strict=True))).fillna(ELSEWHERE)
    return replace(panel, units=panel.units.assign(pool=pool.to_numpy(dtype=object)))


def column_means(values: np.ndarray, place: np.ndarray, n: int, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean of rows by place and column, and the weight behind each; NaN where nothing was observed.

    Parameters
    ----------
    values, weights : ndarray, shape (n_rows, n_columns)
        NaN where not observed.
    place : ndarray of int, shape (n_rows,)
        0 to n - 1.

    Returns
    -------
    mean, weight : ndarray, shape (n, n_columns)
    """
    seen = np.isfinite(values)
    weight = np.where(seen, 1.0 if weights is None else np.nan_to_num(weights), 0.0)
    top, bottom = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
    np.add.at(top, place, np.where(seen, values, 0.0) * weight)
    np.add.at(bottom, place, weight)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0), bottom
