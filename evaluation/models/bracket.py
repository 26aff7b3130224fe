"""The end of an interval, where a test's p value falls to its size: by halving a bracket, to the last digit."""
from __future__ import annotations

import math
from collections.abc import Callable

STEPS = 200                    # halvings of a bracket: to the last digit


def end_of_interval(p_value: Callable[[float], float], *, estimate: float, step: float, side: float, alpha: float, widest: float) -> float:
    """The furthest value on one side of the estimate that is not rejected.

    Parameters
    ----------
    p_value : callable
        Two-sided p value of a null; 1 or near it at the estimate.
    step : float
        First width of the bracket, which is doubled until its far end is rejected.
    side : -1.0 or 1.0
    widest : float
        Width beyond which no end is sought: the answer is then infinite.

    >>> round(end_of_interval(lambda null: 1 - abs(null), estimate=0.0, step=0.3, side=1.0, alpha=0.25, widest=10.0), 9)
    0.75
    """
    inside = estimate
    while p_value(estimate + side * step) > alpha:
        inside, step = estimate + side * step, 2 * step
        if step > widest:
            return side * math.inf
    outside = estimate + side * step
    for _ in range(STEPS):
        middle = 0.5 * (inside + outside)
        if middle in (inside, outside):
            break
        if p_value(middle) > alpha:
            inside = middle
        else:
            outside = middle
    return float(inside)
