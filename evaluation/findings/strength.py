"""Strength of evidence, 0 to 5, by a published rule: which points are lost and why.

The rule: start from 5. An experiment keeps it; matched comparison without random assignment loses 2. One point each is lost when the smallest
detectable effect is over a quarter of the level without the programme, when a covariate stays unbalanced after matching, when under 80% of programme
units could be matched, when the trend before the programme differs or could not be tested, and when fewer than 20 places were assigned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluation.disclosure.release import Strength, StrengthPoint

LABELS = ("cannot support a conclusion", "very weak", "weak", "moderate", "strong", "very strong")
DETECTABLE_SHARE, BALANCED, MATCHED_SHARE, PLACES = 0.25, 0.1, 0.8, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rating looks at. Shares are between 0 and 1; NaN where unknown."""

    many: str  # 'families', 'councils'
    randomised: bool
    detectable_share: float  # largest detectable effect of a primary outcome as a share of its level without the programme
    worst_smd: float
    matched_share: float
    trends: tuple[str, ...]  # verdicts of the primary outcomes
    n_places: int | None  # assigned places where assignment is by place, else None


def near_limit(value: float, limit: float) -> str:
    """A number to 2 decimals; to 3 where 2 could not tell it from its limit."""
    return f"{value:.3f}" if abs(value - limit) < 0.005 else f"{value:.2f}"


def rate(evidence: Evidence) -> Strength:
    """Apply the rule."""
    trend = "failed" if "failed" in evidence.trends else "not testable" if "not testable" in evidence.trends or not evidence.trends else "passed"
    criteria = (
        (
            "Design",
            0.0 if evidence.randomised else 2.0,
            (
                f"The {evidence.many} of the programme were drawn at random."
                if evidence.randomised
                else f"The {evidence.many} of the programme were not drawn at random; they were compared with similar ones."
            ),
        ),
        ("Size", lost(not evidence.detectable_share <= DETECTABLE_SHARE), size_reason(evidence.detectable_share)),
        (
            "Balance",
            lost(not evidence.worst_smd <= BALANCED),
            (
                f"After matching the largest standardised difference is {near_limit(evidence.worst_smd, BALANCED)}; under {BALANCED} is the aim."
                if math.isfinite(evidence.worst_smd)
                else "Balance could not be measured."
            ),
        ),
        ("Coverage", lost(not evidence.matched_share >= MATCHED_SHARE), coverage_reason(evidence.matched_share, evidence.many)),
        (
            "Trend before",
            lost(trend != "passed"),
            {
                "passed": "The groups moved alike before the programme in the periods that could be tested.",
                "failed": "The gap between the groups was already changing before the programme in at least one main outcome.",
                "not testable": "For at least one main outcome there were no earlier periods to test whether the groups moved alike.",
            }[trend],
        ),
        (
            "Places",
            lost(evidence.n_places is not None and evidence.n_places < PLACES),
            (
                "Assignment was not by place."
                if evidence.n_places is None
                else f"The programme was assigned to {evidence.n_places} places; chance differences between places are large."
            ),
        ),
    )
    points = tuple(StrengthPoint(criterion=name, lost=points_lost, reason=reason) for name, points_lost, reason in criteria)
    score = max(0, 5 - int(sum(point.lost for point in points)))
    return Strength(score=score, label=LABELS[score], points=points)


def lost(failed: bool) -> float:
    """One point when a criterion fails."""
    return 1.0 if failed else 0.0


def size_reason(share: float) -> str:
    """What the size of the study could see, in words."""
    if not math.isfinite(share):
        return "No effect could be estimated, so nothing could have been detected."
    if share >= 1:
        return "For at least one main outcome not even its complete disappearance could have been detected."
    return f"The least sensitive main outcome needed a change of {100 * share:.0f}% to be detected; up to {100 * DETECTABLE_SHARE:.0f}% is the aim."


def coverage_reason(share: float, many: str) -> str:
    """How many programme units the result speaks for; in broad bands, which cannot be turned back into a count."""
    if not math.isfinite(share):
        return f"How many {many} of the programme could be matched cannot be shown, or none could."
    bands = ((0.995, "All or nearly all"), (0.9, "Over 90%"), (0.8, "80 to 90%"), (0.5, "Between half and 80%"), (0.0, "Under half"))
    words = next(text for limit, text in bands if share >= limit)
    return f"{words} of the programme's {many} could be matched; the result speaks for them only."
