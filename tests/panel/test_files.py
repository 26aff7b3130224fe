"""A panel written and read again is the panel that was built, field by field."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from evaluation.panel.files import load_panel, save_panel
from evaluation.panel.types import FlowStep
from tests.matching.panels import simulated_panel


def test_every_field_of_a_panel_comes_back(tmp_path):
    made = simulated_panel(n=40, missing=0.1)
    shape = made.outcomes["y"].shape
    made = dataclasses.replace(
        made,
        denominators={"y": np.arange(shape[0] * shape[1], dtype=float).reshape(shape)},
        varying={"needs, one": np.ones(shape)},
        status={"y": np.full(shape, 3, dtype=np.int8)},
        members={"y": np.full(shape, 2, dtype=np.int16)},
        flow=(FlowStep(step="received", reason="in the delivery", count=40, of="families"),),
        notes=("councils added together",),
        looks_back={"y": 1},
        breaks=((4, "counted in another way"),),
    )
    save_panel(made, tmp_path)
    read = load_panel(tmp_path)
    for field in dataclasses.fields(made):
        one, other = getattr(made, field.name), getattr(read, field.name)
        assert field.name == "units" or one, f"{field.name} is empty here, so nothing is shown of it"
        if field.name == "units":
            pd.testing.assert_frame_equal(one, other, check_exact=True)
        elif isinstance(one, dict) and field.name != "looks_back":
            assert [(name, values.dtype, values.tobytes()) for name, values in one.items()] == [
                (name, values.dtype, values.tobytes()) for name, values in other.items()]
        else:
            assert one == other, field.name
