"""Strength of evidence, 0 to 5, by a published rule: which points are lost and why.

The rule: start from 5. An experiment keeps it; matched comparison without random assignment loses 2. One point each is lost when the smallest
detectable effect is over a quarter of the level without the programme, when a covariate stays unbalanced after matching, when under 80% of programme
units could be matched or one group was lost from sight more often, when the trend before the programme differs or could not be tested, when a placebo
or leaving one council out would conclude otherwise, when comparison units that had other support change the effect, and when fewer than 20 places
were assigned. Half a point each is lost when the test of the trend before was too weak, when only another base, or only another estimator, would
conclude otherwise, when another base concludes the same but its interval leaves the estimate out, and when other choices, or other support, could not
be tested. What is left is rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.disclosure.release import Strength, StrengthPoint

LABELS = ("cannot support a conclusion", "very weak", "weak", "moderate", "strong", "very strong")
DETECTABLE_SHARE, BALANCED, MATCHED_SHARE, PLACES = 0.25, 0.1, 0.8, 20
BASES = "other base periods"  # some of them lie where families are in crisis: alone they take half a point
ESTIMATORS = "other estimators"  # their intervals may only be wider: alone they take half a point
MOVED = "moved"  # a verdict: the conclusion is the same, but another base's interval leaves the plan's estimate out
COMPARED = "they were compared with similar ones."


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rating looks at. Shares are between 0 and 1; NaN where unknown.

    Attributes
    ----------
    detectable_share : float
        Largest detectable effect of a main outcome as a share of its level without the programme.
    trends : tuple of str
        Verdicts of the main outcomes.
    hidden_drift : float
        The largest drift that a test of the trend before would usually have missed, carried on from the base to the headline, as a share of the
        level without the programme; NaN where the power of a test is not known.
    n_places : int or None
        Assigned places where assignment is by place.
    other_choices : mapping
        Verdicts of what would show that another choice concludes otherwise: name in words -> verdicts of the main outcomes; of other estimators also
        of other outcomes that page one tells as worse.
    why_untested : tuple of str
        Why the trend before could not be tested, as whole sentences.
    contamination, attrition : tuple of str
        Verdicts of the main outcomes.
    """

    many: str  # 'families', 'councils'
    randomised: bool
    detectable_share: float
    worst_smd: float
    matched_share: float
    trends: tuple[str, ...]
    n_places: int | None
    hidden_drift: float
    other_choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    contamination: tuple[str, ...] = ()
    attrition: tuple[str, ...] = ()
    why_untested: tuple[str, ...] = ()


def near_limit(value: float, limit: float) -> str:
    """A number to 2 decimals; to 3 where 2 could not tell it from its limit."""
    return f"{value:.3f}" if abs(value - limit) < 0.005 else f"{value:.2f}"


def rate(evidence: Evidence) -> Strength:
    """Apply the rule."""
    many = evidence.many
    points = (
        design(evidence.randomised, many),
        point("Size", lost(not evidence.detectable_share <= DETECTABLE_SHARE), size_reason(evidence.detectable_share)),
        point("Balance", lost(not evidence.worst_smd <= BALANCED), balance_reason(evidence.worst_smd)),
        coverage(evidence.matched_share, evidence.attrition, many),
        trend_before(evidence.trends, evidence.hidden_drift, evidence.why_untested),
        sensitivity(evidence.other_choices),
        contamination(evidence.contamination, many),
        places(evidence.n_places),
    )
    score = max(0, math.ceil(5 - sum(one.lost for one in points)))
    return Strength(score=score, label=LABELS[score], points=points)


def point(criterion: str, points_lost: float, reason: str) -> StrengthPoint:
    """One criterion."""
    return StrengthPoint(criterion=criterion, lost=points_lost, reason=reason)


def design(randomised: bool, many: str) -> StrengthPoint:
    """Who decided who joined."""
    drawn = f"The {many} of the programme were drawn at random."
    return point("Design", 0.0 if randomised else 2.0, drawn if randomised else f"{drawn.replace('were', 'were not')[:-1]}; {COMPARED}")


def balance_reason(worst: float) -> str:
    """How alike the groups are."""
    if not math.isfinite(worst):
        return "Balance could not be measured."
    where = "in all matched sets or in those behind a main outcome"
    return f"After matching the largest standardised difference, {where}, is {near_limit(worst, BALANCED)}; under {BALANCED} is the aim."


def coverage(share: float, attrition: Sequence[str], many: str) -> StrengthPoint:
    """How many the result speaks for, and whether one group was lost from sight more often afterwards."""
    apart = "failed" in attrition
    seen = f" One group was lost from sight more often than the other in at least one main outcome, which may make the {many} left unlike."
    return point("Coverage", lost(apart or not share >= MATCHED_SHARE), coverage_reason(share, many) + (seen if apart else ""))


def trend_before(trends: Sequence[str], hidden_drift: float, why_untested: Sequence[str]) -> StrengthPoint:
    """Whether the groups moved alike before, and whether the test could have told."""
    name = "Trend before"
    if "failed" in trends:
        return point(name, 1.0, "The gap between the groups was already changing before the programme in at least one main outcome.")
    if "not testable" in trends or not trends:
        untested = "For at least one main outcome it was not tested whether the groups moved alike before the programme."
        return point(name, 1.0, " ".join((untested, *why_untested)))
    alike = "The groups moved alike before the programme in the periods that could be tested"
    if hidden_drift <= DETECTABLE_SHARE:
        return point(name, 0.0, f"{alike}, and the test would usually have seen a drift that matters.")
    bands = ((1.0, "more than the whole level"), (0.5, "over half of the level"), (DETECTABLE_SHARE, "over a quarter of the level"))
    size = next((words for limit, words in bands if hidden_drift > limit), None)
    weak = (
        f"only a drift that comes to {size} by the time the effect is measured would usually have been seen (in four studies out of five)"
        if size
        else "how large a drift it would usually have seen is not known"
    )
    return point(name, 0.5, f"{alike}, but for at least one main outcome the test was weak: {weak}.")


def sensitivity(other_choices: Mapping[str, Sequence[str]]) -> StrengthPoint:
    """Whether another choice would conclude otherwise."""
    name = "Sensitivity"
    against = [words for words, verdicts in other_choices.items() if "failed" in verdicts]
    moved = [words for words, verdicts in other_choices.items() if MOVED in verdicts and words not in against]
    held = [words for words, verdicts in other_choices.items() if "passed" in verdicts and words not in (*against, *moved)]
    if against:
        alone = against in ([BASES], [ESTIMATORS])
        told = "another choice would conclude otherwise" if alone else "this speaks against the result"
        return point(name, 0.5 if alone else 1.0, f"For at least one outcome told on page one {told}: {', '.join(against)}.")
    if moved:
        same = "No other choice that could be tried would conclude otherwise, but for at least one main outcome the estimate moves"
        return point(name, 0.5, f"{same}: the interval by {', '.join(moved)} leaves the plan's estimate out.")
    if held:
        return point(name, 0.0, f"Nothing that could be tried speaks against the result of any outcome told on page one: {', '.join(held)}.")
    return point(name, 0.5, "Whether another choice would conclude otherwise could not be tested.")


def contamination(verdicts: Sequence[str], many: str) -> StrengthPoint:
    """Whether comparison units that had other support change the effect."""
    name, support = "Contamination", "other support that comparison"
    if "failed" in verdicts:
        return point(name, 1.0, f"For at least one main outcome {support} {many} had changes the effect.")
    if "passed" in verdicts:
        return point(name, 0.0, f"No clear sign that {support} {many} had changes the effect, where it could be tested.")
    return point(name, 0.5, f"Whether {support} {many} had changes the effect could not be tested, or is not shown.")


def places(n_places: int | None) -> StrengthPoint:
    """How many places the chance rests on."""
    if n_places is None:
        return point("Places", 0.0, "Assignment was not by place.")
    told = f"The programme was assigned to {n_places} place{'' if n_places == 1 else 's'}; chance differences between places are large."
    return point("Places", lost(n_places < PLACES), told)


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
