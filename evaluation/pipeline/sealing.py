"""Outcomes after joining, kept apart: matching is handed a panel without them, and only the estimating step, with the locked plan, opens them.

The seal keeps the analysis from looking, by construction: no matcher can reach what is not in its panel. It does not keep a person with the right to
read the run's folder from reading the delivered tables.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.errors import PlanError
from evaluation.panel.types import NEVER, Panel
from evaluation.plan import Plan
from evaluation.runs.files import canonical, file_sha256, write_whole

FOLDER = "sealed"


def sealed_cells(panel: Panel) -> np.ndarray:
    """Which unit-periods are sealed, shape (n_units, n_periods): at and after joining; for units that never join, from the last joining on.

    History before joining stays open, because plans may match on it.
    """
    entry, columns = panel.entry, np.arange(len(panel.periods))
    last = entry.max(initial=NEVER)
    first_sealed = np.where(entry > NEVER, entry, last if last > NEVER else len(columns))
    return columns >= first_sealed[:, None]


def seal(panel: Panel, plan: Plan, room: Path) -> Panel:
    """Write the outcomes after joining to files of their own, and give the panel without them.

    Returns
    -------
    Panel
        The same, with NaN where an outcome is sealed.
    """
    folder, cells = Path(room) / FOLDER, sealed_cells(panel)
    folder.mkdir(parents=True, exist_ok=True)
    hashes, blind = {}, {}
    for name, values in panel.outcomes.items():
        np.save(folder / f"{name}.npy", values[cells])
        hashes[name] = file_sha256(folder / f"{name}.npy")
        blind[name] = np.where(cells, np.nan, values)
    write_whole(folder / "seal.json", canonical({"plan_hash": plan.hash(), "outcomes": hashes, "opened": False}) + b"\n")
    return replace(panel, outcomes=blind)


def unseal(panel: Panel, plan: Plan, room: Path) -> Panel:
    """Put the sealed outcomes back, under the plan that they were sealed with.

    Raises
    ------
    PlanError
        The plan is another one, or a sealed file is not what was sealed.
    """
    folder, cells = Path(room) / FOLDER, sealed_cells(panel)
    told = json.loads((folder / "seal.json").read_text(encoding="utf-8"))
    if told["plan_hash"] != plan.hash():
        raise PlanError(
            f"Outcomes were sealed under the plan {told['plan_hash'][:12]} and this is {plan.hash()[:12]}. Run that plan, or begin anew."
        )
    opened = {}
    for name, values in panel.outcomes.items():
        path = folder / f"{name}.npy"
        if not path.is_file() or file_sha256(path) != told["outcomes"].get(name):
            raise PlanError(f"The sealed outcome {name} must be what was sealed, and its file is altered or missing. Run the study again.")
        opened[name] = values.copy()
        opened[name][cells] = np.load(path)
    write_whole(folder / "seal.json", canonical(told | {"opened": True}) + b"\n")
    return replace(panel, outcomes=opened)
