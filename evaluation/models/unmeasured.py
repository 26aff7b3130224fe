"""E-values: how strong something unmeasured would have to be to explain an effect away. Numbers in, numbers out."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from evaluation.errors import PlanError

Scale = Literal["risk_ratio", "rate_ratio", "odds_ratio_rare", "odds_ratio_common"]
SCALES: tuple[str, ...] = ("risk_ratio", "rate_ratio", "odds_ratio_rare", "odds_ratio_common")
# VanderWeele and Ding (2017), table 2: a difference of d standard deviations is about a risk ratio of exp(0.91 d); 0.91 * 1.96 is printed as 1.78.
LOG_RATIO_PER_SD, LOG_RATIO_PER_ERROR = 0.91, 1.78


@dataclass(frozen=True, slots=True, kw_only=True)
class EValue:
    """How strong an unmeasured difference must be, as a risk ratio, with both being treated and the outcome.

    Attributes
    ----------
    estimate : float
        To move the estimate to the null. 1 where it lies there already.
    limit : float
        To move the end of the interval that is nearest the null to it; 1 where the interval holds the null.
    ratio, lower, upper : float
        The risk ratio (or its approximation) that was judged, with its interval.
    null : float
        The ratio that says 'no effect', or the one asked about.
    approximation : str
        How the ratio was approximated, in words; '' where it was not.
    """

    estimate: float
    limit: float
    ratio: float
    lower: float
    upper: float
    null: float = 1.0
    approximation: str = ""


def e_value(ratio: float, lower: float, upper: float, *, scale: Scale = "risk_ratio", null: float = 1.0) -> EValue:
    """The E-value of a ratio and of the nearer end of its interval.

    Parameters
    ----------
    ratio, lower, upper : float
        Above 0, in order.
    scale : str
        'risk_ratio', 'rate_ratio', 'odds_ratio_rare' (outcome in fewer than 15% by the end) or 'odds_ratio_common' (its square root stands for
        the risk ratio).
    null : float
        The true ratio to explain away to; 1 for no effect.

    Returns
    -------
    EValue

    Raises
    ------
    PlanError
        A ratio is not above 0, the three are not in order, or the scale is unknown.

    Notes
    -----
    With RR the ratio over the null, turned round where it is below 1: RR + sqrt(RR (RR - 1)). A statement about strength, not about whether such a
    difference is likely.

    References
    ----------
    VanderWeele and Ding (2017), DOI 10.7326/M16-2607, tables 1 and 2; Ding and VanderWeele (2016), DOI 10.1097/EDE.0000000000000457. Checked
    against R EValue 4.1.4.

    Examples
    --------
    >>> smoking = e_value(10.73, 8.02, 14.36)
    >>> round(smoking.estimate, 2), round(smoking.limit, 2)
    (20.95, 15.52)
    """
    if scale not in SCALES:
        raise PlanError(f"An E-value needs a scale among {', '.join(SCALES)}, not {scale!r}. Mend `scale`.")
    if not (0 < lower <= ratio <= upper < math.inf and 0 < null < math.inf):
        raise PlanError("An E-value needs ratios above 0, the interval around the estimate, and a null above 0. "
                        "Give the ratio, not its logarithm or a difference.")
    power, words = (0.5, "square root of the odds ratio, as the outcome is common") if scale == "odds_ratio_common" else (1.0, "")
    return _of(ratio ** power, lower ** power, upper ** power, null ** power, words)


def e_value_of_difference(difference: float, std_error: float, sd: float) -> EValue:
    """The E-value of a difference in means, through its standardised size.

    Parameters
    ----------
    difference, std_error : float
        In the outcome's unit; the error at least 0.
    sd : float
        Standard deviation of the outcome, above 0 (of comparison units before entry, say: the answer hangs on it).

    Notes
    -----
    An approximation: exp(0.91 d), its interval exp(0.91 d -+ 1.78 s), where d and s are the difference and its error in standard deviations. Good
    for an outcome that is nearly normal; where a level without the programme is known, `e_value` of the ratio is the better one.

    References
    ----------
    VanderWeele and Ding (2017), DOI 10.7326/M16-2607, table 2; Chinn (2000) for the conversion. Checked against R EValue 4.1.4.

    Raises
    ------
    PlanError
        `sd` is not above 0, or the error is negative.
    """
    if not (sd > 0 and std_error >= 0 and math.isfinite(difference)):
        raise PlanError("A standardised difference needs a standard deviation above 0, an error of at least 0 and a finite difference.")
    d, s = difference / sd, std_error / sd
    centre, half = LOG_RATIO_PER_SD * d, LOG_RATIO_PER_ERROR * s
    return _of(math.exp(centre), math.exp(centre - half), math.exp(centre + half), 1.0,
               "risk ratio from the difference in standard deviations: exp(0.91 d)")


def _of(ratio: float, lower: float, upper: float, null: float, words: str) -> EValue:
    end = upper if ratio < null else lower
    held = lower <= null <= upper
    return EValue(estimate=_strength(ratio / null), limit=1.0 if held else _strength(end / null), ratio=ratio, lower=lower, upper=upper, null=null,
                  approximation=words)


def _strength(ratio: float) -> float:
    away = max(ratio, 1 / ratio)
    return away + math.sqrt(away * (away - 1))
