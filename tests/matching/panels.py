"""Small panels for tests of matching and models."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.panel.types import NEVER, Panel
from evaluation.periods import Periods


def panel_of(entry, outcomes=None, *, unit="council", eligible_from=0, eligible_to=None, areas=None, councils=None, ids=None, periods=None,
             varying=None, **covariates) -> Panel:
    """A panel from arrays; unit ids are U000, U001, ... in the order given."""
    entry = np.asarray(entry)
    outcomes = {name: np.asarray(values, dtype=float) for name, values in (outcomes or {"y": np.zeros((len(entry), 4))}).items()}
    n_periods = next(iter(outcomes.values())).shape[1]
    periods = periods or Periods(kind="quarter", first=8044, last=8044 + n_periods - 1)
    ids = [f"U{i:05d}" for i in range(len(entry))] if ids is None else ids
    units = pd.DataFrame({"unit_id": ids, "council_code": ids if councils is None else councils, "area": ids if areas is None else areas,
                          "pool": "", "entry": entry, "eligible_from": eligible_from,
                          "eligible_to": n_periods - 1 if eligible_to is None else eligible_to, **covariates})
    return Panel(unit=unit, periods=periods, units=units, outcomes=outcomes, varying=varying or {})


def simulated_panel(n=400, n_periods=16, *, seed=1, effect=0.0, missing=0.0, entries=(6, 12), councils=8) -> Panel:
    """Families with a slow covariate that raises both joining and level; parallel trends hold; a constant effect from entry on."""
    rng = np.random.default_rng(seed)
    x, level = rng.normal(size=n), rng.normal(size=n)
    entry = np.where(rng.random(n) < 1 / (1 + np.exp(0.8 - 0.6 * x)), rng.integers(*entries, n), NEVER)
    y = (level + x)[:, None] + 0.05 * np.arange(n_periods) + rng.normal(size=(n, n_periods))
    y = y + effect * ((entry >= 0)[:, None] & (np.arange(n_periods) >= entry[:, None]))
    y[rng.random(y.shape) < missing] = np.nan
    council = np.array([f"E{i:02d}" for i in range(councils)])[rng.integers(0, councils, n)]
    return panel_of(entry, {"y": y}, unit="family", councils=council, areas=council, eligible_from=rng.integers(0, 4, n), x=x,
                    b=rng.integers(0, 2, n).astype(float))
