"""A panel as plain files: units as Parquet, arrays as NPZ, the rest as JSON. They hold rows, so they stay in the room."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.panel.types import FlowStep, Panel
from evaluation.periods import Periods

ARRAYS = ("outcomes", "denominators", "varying", "status", "members")


def save_panel(panel: Panel, folder: Path) -> None:
    """Write a panel into an empty folder."""
    panel.units.to_parquet(folder / "units.parquet")
    for kind in ARRAYS:
        np.savez(folder / f"{kind}.npz", **{f"a{number}": values for number, values in enumerate(getattr(panel, kind).values())})
    about = {
        "unit": panel.unit,
        "periods": asdict(panel.periods),
        "types": {str(name): str(kind) for name, kind in panel.units.dtypes.items()},
        "arrays": {kind: list(getattr(panel, kind)) for kind in ARRAYS},
        "flow": [asdict(step) for step in panel.flow],
        "notes": list(panel.notes),
        "looks_back": dict(panel.looks_back),
        "breaks": [[int(column), words] for column, words in panel.breaks],
    }
    (folder / "panel.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def load_panel(folder: Path) -> Panel:
    """Read what `save_panel` wrote."""
    about = json.loads((folder / "panel.json").read_text(encoding="utf-8"))
    arrays = {}
    for kind, names in about["arrays"].items():
        with np.load(folder / f"{kind}.npz", allow_pickle=False) as held:
            arrays[kind] = {name: held[f"a{number}"] for number, name in enumerate(names)}
    return Panel(
        unit=about["unit"],
        periods=Periods(**about["periods"]),
        units=pd.read_parquet(folder / "units.parquet").astype(about["types"]),
        flow=tuple(FlowStep(**step) for step in about["flow"]),
        notes=tuple(about["notes"]),
        looks_back=about["looks_back"],
        breaks=tuple((column, words) for column, words in about["breaks"]),
        **arrays,
    )
