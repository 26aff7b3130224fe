"""Calipers: how far apart matched rows may be, as a width and in words."""
from __future__ import annotations

from typing import Literal

import numpy as np

from evaluation.matching.candidates import Candidates, numbers_of
from evaluation.matching.options import refuse

Unit = Literal["sd", "absolute"]
INSIDE = 1e-9                  # a caliper's bound is inside, whatever the last digits of a difference


def width_of(caliper: float | None, unit: Unit, values: np.ndarray) -> float:
    """Absolute width of a caliper in standard deviations (n - 1) of `values`, or in their unit; inf without one."""
    if caliper is None:
        return float("inf")
    return caliper * (float(np.std(values, ddof=1)) if unit == "sd" else 1.0)


def on_score_in_words(caliper: float, unit: Unit, scale: str) -> str:
    """A caliper on the score as a methods section may print it."""
    return f"a caliper of {caliper:g} {'standard deviations ' if unit == 'sd' else ''}of the {'linear predictor' if scale == 'linear' else scale}"


def on_score_in_plain_words(caliper: float, unit: Unit) -> str:
    """Its width for a reader without statistics."""
    return f"{caliper:g} {'standard deviations' if unit == 'sd' else 'units'} of the score"


def caliper_column(rows: Candidates, name: str) -> np.ndarray:
    """A column for a caliper as floats; NaN where it is missing or not finite."""
    values = rows.column(name)
    numbers = None if values.dtype.kind == "b" else numbers_of(values, name)
    refuse(numbers is None, f"`matching.covariate_calipers` must name columns of numbers with more than two values: {name!r} is not one. "
           "Use `matching.exact` for it.")
    return np.where(np.isfinite(numbers), numbers, np.nan)
