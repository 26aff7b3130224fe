"""What must always hold of effects."""
from __future__ import annotations

import numpy as np

from evaluation.models.contrasts import STATUSES
from evaluation.models.effects import Effects, Estimate

CELLS = ["cohort", "period", "event_time", "estimate", "n_treated", "n_comparison", "weight", "status"]
ROWS = ["unit", "set", "cohort", "treated", "council_code", "area", "n_units"]


def assert_valid_effects(effects: Effects) -> None:
    """Cells and rows have their columns, estimates stand only where estimated, influence sums to zero, weights balance."""
    cells, rows = effects.cells, effects.rows
    assert list(cells.columns) == CELLS and list(rows.columns) == ROWS
    assert set(cells["status"]) <= set(STATUSES)
    assert not cells.duplicated(["cohort", "event_time"]).any()
    shown = cells["status"].isin(["estimated", "base"])
    assert (np.isfinite(cells["estimate"]) == shown).all()
    assert (cells.loc[cells["status"] == "base", "estimate"] == 0).all()
    assert ((cells["weight"] > 0) == shown).all()
    assert effects.influence.shape == (len(rows), len(effects.event_times))
    assert np.isfinite(effects.influence).all()
    for g, part in rows.groupby("cohort"):
        scale = np.abs(effects.influence[part.index]).sum(axis=0) + 1e-12
        assert (np.abs(effects.influence[part.index].sum(axis=0)) < 1e-7 * scale).all(), g
    if effects.row_weight is not None:
        _assert_weights(effects)


def _assert_weights(effects: Effects) -> None:
    treated = effects.rows["treated"].to_numpy()
    for (g, e), cell in effects.cells.set_index(["cohort", "event_time"]).iterrows():
        rows = (effects.rows["cohort"] == g).to_numpy()
        weight = effects.row_weight[rows, np.searchsorted(effects.event_times, e)]
        if cell["status"] in ("estimated", "base"):
            assert np.isclose(weight[treated[rows]].sum(), cell["weight"])
            assert np.isclose(weight[~treated[rows]].sum(), cell["weight"])


def assert_same_estimate(one: Estimate, other: Estimate, rtol: float = 1e-9) -> None:
    """Equal number, standard error and interval."""
    for name in ("estimate", "std_error", "lower", "upper", "p_value"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=1e-12, err_msg=name)
