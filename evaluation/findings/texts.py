"""Sentences about the design: methods, the trend before, the glossary. Computed from plan and numbers, never from a study's name."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import number
from evaluation.findings.numbers import OutcomeNumbers, change_unit_of
from evaluation.findings.present import Nouns, lower_first
from evaluation.matching.matcher import Matcher
from evaluation.models.effects import Estimate
from evaluation.plan import Plan

TAKEN_AS_FIXED = {"pairs": "", "strata": ", with strata treated as fixed", "weights": ", with weights treated as fixed"}  # by what a matched set is
PERIOD_NOUN = {"quarter": "quarter", "school_year": "school year", "year": "year"}

GLOSSARY = (
    (
        "Comparison group",
        (
            "Similar units that had not joined the programme, chosen by matching. What happened to them stands for what would have happened without"
            " the programme."
        ),
    ),
    (
        "Before and after change",
        (
            "How much the programme's own units changed, where records are by quarter from the mean of the last four quarters before. It mixes the"
            " programme with everything else that changed, and with families recovering from the crisis at which they joined. Charts and effects"
            " count from the base period instead, so that a chart may move otherwise."
        ),
    ),
    (
        "Payment-by-results rate",
        "The share of families for whom a council could claim a result under the programme's rules. It has no comparison group and is not an effect.",
    ),
    (
        "Effect",
        (
            "The programme's units compared with matched comparison units: the difference between their changes. Also called the average effect on"
            " the treated (ATT)."
        ),
    ),
    (
        "Strength of evidence",
        (
            "0 to 5. Points are lost for comparing without drawing at random, for small size, imbalance, units left out or lost from sight, a trend"
            " before, results that depend on choices, a comparison group that was helped too, and few places."
        ),
    ),
    ("95% interval", "The range in which the true value is likely to lie. If it includes zero, the data are compatible with no effect."),
    (
        "Smallest visible effect, or smallest detectable difference",
        "The difference that a study of this size would find four times out of five. Smaller true differences would usually be missed.",
    ),
    (
        "Standardised mean difference",
        "The gap between two groups in a characteristic, in standard deviations of the programme group. Under 0.1 is good balance.",
    ),
    ("Percentage point", "The difference between two percentages: from 10% to 8% is 2 percentage points."),
    ("Base period", "The period from which change is measured. It lies some time before the start, because families join at a crisis."),
    ("Placebo", "The comparison made where there can be no effect: at a date before the programme, or in places without it. It finds chance alone."),
    ("Caliper", "How far apart two matched units may lie at most."),
    ("Kaplan-Meier", "A share over time when some are lost from sight on the way: those still seen stand for them."),
    ("Fieller's method", "An interval for the ratio of two estimates that stays right where the lower one is uncertain."),
    (
        "[c], [x], [z], [low]",
        (
            "[c] not shown, because few people, or all but a few, stand behind it; [x] not available; [z] does not apply; [low] rounds to zero, but"
            " is not zero."
        ),
    ),
)

WEIGHTED = (
    " The others then count by the inverse of their chance of not having joined, given what is matched on and their primary outcomes in the two"
    " periods before; intervals take these weights as known."
)


def trend_before(numbers: OutcomeNumbers, nouns: Nouns) -> str:
    """What the periods before say, with the power of the test."""
    trend, name = numbers.trend, lower_first(numbers.outcome.label)
    if trend is None or trend.verdict == "not testable":
        return f"Not testable for {name}. {trend.reason if trend else ''}".strip()
    unit = change_unit_of(numbers.outcome)
    digits = 3 if trend.slope_detectable < 0.1 else 2 if trend.slope_detectable < 1 else 1
    slope = number(trend.slope, digits, signed=True).text
    power = (
        f"The test would usually have seen the groups drift apart by {number(trend.slope_detectable, digits).text} {unit} a period or more"
        if math.isfinite(trend.slope_detectable)
        else "The power of the test could not be computed"
    )
    periods = f"{trend.n_periods} earlier period{'s' if trend.n_periods != 1 else ''}"
    if trend.verdict == "failed":
        return f"The groups were not moving alike over {periods}: the gap changed by {slope} {unit} a period."
    return f"No difference found over {periods}: the gap changed by {slope} {unit} a period. {power}; a smaller drift could hide in it."


def adjusted_sentence(numbers: OutcomeNumbers) -> str:
    """The headline if the earlier drift had gone on."""
    trend = numbers.trend
    if trend is None or trend.adjusted is None or not math.isfinite(trend.adjusted.lower):
        return ""
    digits = 3 if trend.adjusted.std_error < 0.1 else 2 if trend.adjusted.std_error < 1 else 1
    adjusted = trend.adjusted
    low, high = number(adjusted.lower, digits, signed=True).text, number(adjusted.upper, digits, signed=True).text
    verdict = "includes zero" if adjusted.lower <= 0 <= adjusted.upper else "excludes zero"
    return (
        f"If the earlier drift had gone on unchanged, what remains is {number(adjusted.estimate, digits, signed=True).text}"
        f" {change_unit_of(numbers.outcome)} (95% interval {low} to {high}), which {verdict}."
    )


def in_label(dictionary: Dictionary, name: str) -> str:
    """A covariate or an outcome as the middle of a sentence says it."""
    outcome = dictionary.outcomes.get(name)
    return lower_first(dictionary.covariates.get(name, outcome.label if outcome else name.replace("_", " ")))


def counting(matcher: Matcher) -> str:
    """How programme units count in the average."""
    if matcher.estimand == "ATT" and matcher.sampling_weights is None:
        return "every matched programme unit counts alike"
    return f"programme units count by their weight ({'overlap of both groups' if matcher.estimand != 'ATT' else 'sampling'})"


def effect_in_words(plan: Plan, matcher: Matcher, estimator: object) -> str:
    """What is compared with what: the plan's estimator in plain words, or its own where it is not the usual one."""
    period, chosen = PERIOD_NOUN[plan.periods.kind], plan.estimator
    inside = {"pairs": "inside matched sets", "strata": "inside strata", "weights": "of weighted groups inside each entry period"}[matcher.KIND]
    first, last = chosen.headline.event_times
    counted = "joining" if plan.programme.first_full_period is None else f"{plan.programme.first_full_period}, the first full {period}"
    names = ("that period" if plan.programme.first_full_period else f"the {period} of joining", f"{period} {first}", f"{period}s {first} to {last}")
    span = names[2] if first != last else names[1] if first else names[0]
    left_out = chosen.anticipation
    left = (
        f"The {period if left_out == 1 else f'{left_out} {period}s'} before the start {'is' if left_out == 1 else 'are'} neither before nor after."
        if left_out
        else ""
    )
    if chosen.method != "matched_did":
        words = estimator.in_words()
        among = f"; {counting(matcher)}" if chosen.method == "matched_levels" else ""
        return f"{words[:1].upper()}{words[1:]}, averaged over {span}{among}. {left if hasattr(estimator, 'anticipation') else ''}".strip()
    return (
        f"Difference-in-differences {inside}: change from the {period} {-chosen.base} before {counted} to {span}, "
        f"programme less comparison; {counting(matcher)}. {left}".strip()
    )


def uncertainty_in_words(plan: Plan, matcher: Matcher, found: Sequence[Estimate]) -> str:
    """How the intervals were made, from the estimates themselves."""
    known = [one for one in found if one.method != "none"]
    by_place = plan.programme.assignment == "area"
    if not known:
        return "No interval could be given."
    if all(one.method.startswith("placebo areas") for one in known):
        return (
            "Intervals hold the effects that placebo areas do not reject: as many councils as each area has, drawn from those without the programme,"
            " each with a weighted mix of its own. Beside an estimate stands how many such draws there were."
        )
    made = sorted({f"{one.method}, on {one.clusters}{'' if by_place else TAKEN_AS_FIXED[matcher.KIND]}" for one in known})
    cautions = sorted({one.caution for one in known if one.caution})
    parts = (
        f"Standard errors: {'; '.join(made)}. Intervals use the t distribution.",
        *cautions,
        "Placebo assignments of the same sizes are re-matched and re-estimated."
        if by_place
        else "Intervals are for these places, not for places like them.",
    )
    return " ".join(parts)


def methods(
    plan: Plan, dictionary: Dictionary, matcher: Matcher, estimator: object, found: Sequence[Estimate], notes: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """The methods section, from the plan, its matcher and its estimator, and the estimates `found` by them."""
    many = {"family": "families", "person": "people", "school": "schools", "council": "councils", "small_area": "small areas"}[plan.unit]
    period = PERIOD_NOUN[plan.periods.kind]
    verb = "matched" if matcher.KIND == "pairs" else "compared"
    return (
        ("Question", plan.question),
        (
            "Who is compared",
            (
                f"Each area is compared with {many} that never had the programme, weighted so that together they ran as it did before."
                if hasattr(estimator, "weigh")
                else f"Inside each entry {period}, {many} that joined are {verb} with {many} that were eligible and had not yet joined; "
                "whether those joined later is not used, because it was not known then. From their own later entry they are left out."
                f"{WEIGHTED if plan.comparison.on_later_entry == 'weight' else ''}"
                if plan.comparison.candidates == "eligible_not_yet_joined_at_index"
                else f"{many.capitalize()} that joined are {verb} with {many} that never joined in the periods studied."
                if plan.programme.first_full_period
                else f"Inside each entry {period}, {many} that joined are {verb} with {many} that were eligible and never joined in the periods"
                " studied. That was not known then, and it leaves out those whose troubles grew: the effect may look worse than it is."
            ),
        ),
        ("Matching", matcher.in_plain_words(lambda name: in_label(dictionary, name))),
        ("Matching, in the terms of the trade", f"{matcher.in_words()}."),
        *((("How the data were put together", " ".join(notes)),) if notes else ()),
        ("Effect", effect_in_words(plan, matcher, estimator)),
        ("Uncertainty", uncertainty_in_words(plan, matcher, found)),
        ("Smallest detectable difference", "The standard error times the sum of the t quantiles for 97.5% and 80%."),
        (
            "Trend before",
            (
                "Only periods that entered neither the score nor the base are tested. The verdict is 'failed' when the joint test of all of them, the"
                " test of a straight drift, or (where places were assigned) the permutation of places rejects at 5%; several tests fail more"
                " often than one, which errs on the side of caution."
            ),
        ),
        (
            "Strength of evidence",
            (
                "Starts from 5. Two points are lost without random assignment; one each for a detectable effect over 25% of the level, a standardised"
                " difference over 0.1 after matching, under 80% matched or one group lost from sight more often, a trend before that differs or"
                " cannot be tested, a placebo or leaving one council out that concludes otherwise, other support of the comparison group that"
                " changes the effect, and fewer than 20 assigned places. Half a point each is lost where the test of the trend before would usually"
                " have seen (in four studies out of five) only a drift of over 25% of the level by the time the effect is measured, where only"
                " another base, or only another estimator, concludes otherwise, where another base concludes the same but its interval leaves the"
                " estimate out, and where other choices, or other support, could not be tested. What is left is rounded up."
            ),
        ),
        ("Reproducibility", f"Plan {plan.hash()[:12]}, seed {plan.seed}. The same plan and data give the same files, byte for byte."),
    )
