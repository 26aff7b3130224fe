"""The generated panel of tests/reference/did and what R made of it (tests/reference/two_way)."""
from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.panel.types import Panel
from evaluation.periods import Periods
from tests.matching.panels import panel_of

REFERENCE = Path(__file__).parents[1] / "reference"


@cache
def long_panel() -> pd.DataFrame:
    """One row per unit and period."""
    return pd.read_csv(REFERENCE / "did" / "panel.csv")


@cache
def stored() -> dict[str, pd.DataFrame]:
    """Estimates and errors of R by spec, indexed by term."""
    table = pd.read_csv(REFERENCE / "two_way" / "results.csv", dtype={"term": str})
    return {spec: part.set_index("term")[["estimate", "se"]] for spec, part in table.groupby("spec")}


@cache
def reference_panel(data: str) -> Panel:
    """'panel' or 'unbalanced'; cohort 3 of R enters in column 2."""
    long = long_panel()
    wide = {name: long.pivot(index="unit", columns="period", values=name).to_numpy(dtype=float)
            for name in ("y", "count", "binary", "exposure", "kept")}
    kept = (wide["kept"] == 1) | (data == "panel")
    units = long.groupby("unit").first()
    council = units["council"].astype(str).to_numpy()
    outcomes = {name: np.where(kept, wide[name], np.nan) for name in ("y", "count", "binary")}
    panel = panel_of(np.where(units["cohort"] > 0, units["cohort"] - 1, -1), outcomes, unit="family", ids=units.index.astype(str),
                     councils=council, areas=council, w=units["w"].to_numpy(), periods=Periods(kind="year", first=2001, last=2008))
    return Panel(unit=panel.unit, periods=panel.periods, units=panel.units, outcomes=panel.outcomes, denominators={"count": wide["exposure"]})


def mpdta_panel(folder: Path) -> Panel:
    """Teenage employment by county, 2003 to 2007."""
    long = pd.read_csv(folder / "mpdta" / "mpdta.csv")
    county = long.groupby("countyreal").first()
    return panel_of(np.where(county["first.treat"] > 0, county["first.treat"] - 2003, -1),
                    {"y": long.pivot(index="countyreal", columns="year", values="lemp").to_numpy()}, ids=county.index.astype(str),
                    periods=Periods(kind="year", first=2003, last=2007))


def long_of(panel: Panel, outcome: str = "y") -> pd.DataFrame:
    """The panel as a peer library takes it: one row per observation."""
    n, t = panel.outcomes[outcome].shape
    unit, time = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    entry = panel.entry[unit]
    return pd.DataFrame({"unit": unit, "time": time, "y": panel.outcomes[outcome].ravel(), "d": ((entry >= 0) & (time >= entry)).astype(float),
                         "entry": entry, "council": panel.units["council_code"].to_numpy()[unit]}).dropna()


def table_of(effects, clusters: str) -> pd.DataFrame:
    """Every cell's CR1 error without small-sample factors, beside its estimate; indexed by cohort and event time."""
    from evaluation.models.clusters import cluster_codes

    at = effects.at(("unit",)) if clusters == "unit" else effects
    code, out = cluster_codes(at, clusters), {}
    for cell in effects.cells[effects.cells["status"] == "estimated"].itertuples():
        rows = (at.rows["cohort"] == cell.cohort).to_numpy()
        sums = np.bincount(code[rows], weights=at.influence[rows, np.searchsorted(at.event_times, cell.event_time)])
        out[cell.cohort, cell.event_time] = cell.estimate, np.sqrt(sums @ sums)
    return pd.DataFrame(out, index=["estimate", "se"]).T


def with_g(se: float, g: int) -> float:
    """An error with G / (G - 1)."""
    return se * np.sqrt(g / (g - 1))
