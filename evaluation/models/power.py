"""What size of effect a comparison could have seen."""
from __future__ import annotations

import math

from scipy.special import stdtrit


def minimum_detectable_effect(std_error: float, df: float = math.inf, *, power: float = 0.8, size: float = 0.05) -> float:
    """The smallest true effect, in the outcome's unit, that a two-sided test of size `size` finds with probability `power`.

    Returns
    -------
    float
        (t of 1 - size/2, plus t of power) times the standard error, with the interval's degrees of freedom; NaN where there is no standard error.

    References
    ----------
    Bloom (1995), DOI 10.1177/0193841X9501900504.

    Examples
    --------
    >>> round(minimum_detectable_effect(1.0), 3), round(minimum_detectable_effect(1.0, df=15), 3)
    (2.802, 2.998)
    """
    if not (std_error > 0 and df > 0):
        return math.nan
    finite = df if math.isfinite(df) else 1e12               # t with so many degrees of freedom is the normal to all digits
    return float((stdtrit(finite, 1 - size / 2) + stdtrit(finite, power)) * std_error)
