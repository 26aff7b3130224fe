"""The panel of small areas by quarter: families' outcomes added up over the families that lived in an area when its programme began.

An area's families are fixed on that day, so that nobody's move changes whose area they count to. An area's value is missing in a quarter in
which fewer than `FEWEST_FAMILIES` of its families are observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.places import areas_of_places, column_means, council_of_area, residence
from evaluation.panel.types import NEVER, REQUIRED, FlowStep, Panel
from evaluation.periods import first_day
from evaluation.plan.data import Place

FEWEST_FAMILIES = 10


def build_small_areas(families: Panel, tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, places: Sequence[Place],
                      started: str) -> Panel:
    """Small areas from the panel of families.

    Parameters
    ----------
    families : Panel
        Families by quarter, joined or not.
    places : sequence of Place
        The places that had the programme, with their small areas.
    started : str
        Label of the first full quarter of the programme.

    Returns
    -------
    Panel
        `area` is the place for its small areas, else the small area itself. Outcomes are means over families (rates: ratios of sums), covariates
        means over families: fixed ones, and those by period in the quarter before the programme.

    Raises
    ------
    PlanError
        The programme begins outside the periods, or a place names areas that are not there.
    ContractError
        No small area has enough families.
    """
    at = families.periods.index(started)
    if not 0 < at < len(families.periods):
        raise PlanError(f"The programme must begin inside the periods, after the first: {started} does not. Mend programme.first_full_period.")
    lived = residence(tables, str(first_day(families.periods.first + at, "quarter")))
    area_of = dict(zip(lived["family_id"], lived["area_code"], strict=True))
    area = families.units["unit_id"].map(area_of)
    size = area.value_counts()
    codes = np.array(sorted(size.index[size >= FEWEST_FAMILIES]))
    if not len(codes):
        raise ContractError(f"A panel of small areas needs areas with at least {FEWEST_FAMILIES} families: none has. Use `unit: family`.")
    rows = np.flatnonzero(area.isin(codes).to_numpy())
    place = np.searchsorted(codes, area.to_numpy(dtype=str)[rows])
    units = _units(codes, lived, places, dictionary, at, len(families.periods))
    units = units.join(_covariates(families, rows, place, len(codes), at))
    outcomes, denominators = {}, {}
    for name, values in families.outcomes.items():
        below = families.denominators.get(name)
        mean, weight = column_means(values[rows], place, len(codes), None if below is None else below[rows])
        behind = column_means(values[rows], place, len(codes))[1]
        outcomes[name] = np.where(behind >= FEWEST_FAMILIES, mean, np.nan)
        denominators[name] = np.where(behind >= FEWEST_FAMILIES, weight, np.nan)
    flow = (FlowStep(step="received", reason="small areas in which families lived", count=len(size), of="small areas"),
            FlowStep(step="dropped", reason=f"fewer than {FEWEST_FAMILIES} families", count=len(size) - len(codes), of="small areas"),
            FlowStep(step="kept", reason="small areas in the panel", count=len(codes), of="small areas"))
    notes = (f"An area's families are those who lived there on the first day of {started}; its value is missing where fewer than {FEWEST_FAMILIES} "
             "of them are observed.", *families.notes[2:])
    return Panel(unit="small_area", periods=families.periods, units=units, outcomes=outcomes, denominators=denominators, flow=flow, notes=notes)


def _units(codes: np.ndarray, lived: pd.DataFrame, places: Sequence[Place], dictionary: Dictionary, at: int, n_periods: int) -> pd.DataFrame:
    """One row per small area: council, place, entry."""
    of_place, council = areas_of_places(places, lived), council_of_area(lived)
    if lost := sorted({name for code, name in of_place.items() if code not in set(codes)}):
        raise PlanError(f"Every small area of a place needs at least {FEWEST_FAMILIES} families: some of {', '.join(lost)} have fewer. Where: "
                        "programme.places. Take other areas.")
    inside = np.array([code in of_place for code in codes])
    councils = council.reindex(codes).to_numpy(dtype=str)
    return pd.DataFrame({
        "unit_id": codes.astype(str), "council_code": councils, "area": [of_place.get(code, code) for code in codes], "pool": "",
        "region": [dictionary.councils[code].region if code in dictionary.councils else "" for code in councils],
        "entry": np.where(inside, at, NEVER), "eligible_from": 0, "eligible_to": np.where(inside, at - 1, n_periods - 1)})


def _covariates(families: Panel, rows: np.ndarray, place: np.ndarray, n: int, at: int) -> pd.DataFrame:
    """Means over an area's families."""
    fixed = [name for name in families.units if name not in REQUIRED and families.units[name].dtype.kind == "f"]
    values = families.units[fixed].to_numpy(dtype=float)[rows]
    found = dict(zip(fixed, column_means(values, place, n)[0].T, strict=True))
    for name, by_period in families.varying.items():
        found[name] = column_means(by_period[rows, at - 1][:, None], place, n)[0][:, 0]
    return pd.DataFrame(found)
