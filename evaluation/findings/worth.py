"""What one report says about money, before protection: the appraisal and what stands around it. It stays in the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.plan.worth import ValuePlan
from evaluation.value import Appraised, Calculator, Swing


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """An appraisal for one report, or the reason why there is none.

    Attributes
    ----------
    status : 'shown', 'not_shown' or 'not_estimated'
        Whether few families stand behind an effect, or an effect or the cost is not known.
    adjusted, plain : Appraised or None
        With effects scaled down for optimism, and as they are.
    units : float
        Matched programme units that the effects are multiplied by, rounded as counts are shown.
    unmatched : float
        Programme units without a match, rounded.
    cost_words : str
        Where the cost comes from, as a sentence; '' where it is not known.
    fees : float
        Payment-by-results fees in the prices of the year.
    fees_source, fees_reason : str
        Where they come from, to follow the sum; why there are none although the plan has a framework.
    fees_by_rules : float or None
        What the framework's rules give, where the plan's own fees stand in their place.
    fees_gap : bool
        Whether the schedule of those rules has no fee for some of the years.
    together : bool
        Whether the report is of one place and the money that of all places, judged together.
    """

    plan: ValuePlan
    status: Literal["shown", "not_shown", "not_estimated"]
    reason: str = ""
    adjusted: Appraised | None = None
    plain: Appraised | None = None
    swings: tuple[Swing, ...] = ()
    calculator: Calculator | None = None
    units: float = 0.0
    unmatched: float = 0.0
    cost_words: str = ""
    fees: float = 0.0
    fees_source: str = ""
    fees_reason: str = ""
    fees_by_rules: float | None = None
    fees_gap: bool = False
    together: bool = False
