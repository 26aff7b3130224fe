"""A column of a frame as an array, taken out once: a report asks for the same few columns of its effects many thousand times."""

from __future__ import annotations

import weakref

import numpy as np
import pandas as pd

_taken: dict[int, tuple[weakref.ref, dict[str, np.ndarray]]] = {}  # by frame, for as long as the frame lives


def column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column's values; not to be written to, as the frame is not.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit": [1, 2]})
    >>> column(frame, "unit"), column(frame, "unit") is column(frame, "unit")
    (array([1, 2]), True)
    """
    key = id(frame)
    kept = _taken.get(key)
    if kept is None or kept[0]() is not frame:
        kept = _taken[key] = (weakref.ref(frame, lambda gone: _forget(key, gone)), {})
    if name not in kept[1]:
        kept[1][name] = frame[name].to_numpy()
    return kept[1][name]


def _forget(key: int, gone: weakref.ref) -> None:
    """Let a frame's arrays go with it, unless another frame has its place by now."""
    if key in _taken and _taken[key][0] is gone:
        del _taken[key]
