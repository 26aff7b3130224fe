"""One outcome in words: verdict, title, sentences and protected numbers. Three numbers side by side, never mixed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from evaluation.disclosure.ledger import CONFIDENTIAL, NOT_APPLICABLE, Ledger, decimals, number
from evaluation.disclosure.release import OutcomeResult, Shown
from evaluation.disclosure.rules import PEOPLE
from evaluation.disclosure.whose import Whose, measured
from evaluation.findings.numbers import OutcomeNumbers, change_unit_of, unit_of

DOMAINS = {"truancy": "Truancy", "offending": "Offending", "anti_social_behaviour": "Anti-social behaviour", "employment": "Employment"}
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Nouns:
    """How a study speaks of its units: 'family', 'families'; and of its programme's start."""

    one: str
    many: str
    started: str
    scope: str  # whose effect is shown: 'the 16 areas together', 'families in Bath and North East Somerset', ...
    published: bool  # published statistics: what is not in them is "not available in published data"
    whose: Whose = field(default_factory=Whose)  # names the populations behind numbers, for the audit


def verdict(numbers: OutcomeNumbers) -> str:
    """'better', 'worse', 'not_detectable' or 'explained_by_trend', from the interval as printed, the permutation and the trend before."""
    effect = numbers.effect
    if effect is None or not math.isfinite(effect.lower):
        return "none"
    digits = decimals(effect.std_error)
    seen = not round(effect.lower, digits) <= 0 <= round(effect.upper, digits)  # the interval as it is printed: one that ends at 0.0 includes it
    if numbers.permutation_p is not None:
        seen = seen and numbers.permutation_p < SIGNIFICANT
    if not seen:
        return "not_detectable"
    if numbers.trend is not None and numbers.trend.verdict == "failed":
        return "explained_by_trend"
    lower_is_better = numbers.outcome.direction == "lower_is_better"
    return "better" if (effect.estimate < 0) == lower_is_better else "worse"


def lower_first(text: str) -> str:
    """A label inside a sentence."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def title_of(numbers: OutcomeNumbers, found: str, nouns: Nouns) -> str:
    """The finding as a title: beside what similar units lead to expect, because their levels may lie the other way round."""
    name = lower_first(numbers.outcome.label)
    side = "lower" if numbers.effect is not None and numbers.effect.estimate < 0 else "higher"
    told = f"{numbers.outcome.label}: {side} than expected from similar {nouns.many}"
    drift = "; the gap was already changing before" if drifted(numbers) else ""
    return {
        "better": f"{told}, a better outcome",
        "worse": f"{told}, a worse outcome",
        "not_detectable": f"No effect on {name} could be detected{drift}",
        "explained_by_trend": f"The gap in {name} cannot be told apart from the trend before the programme",
        "none": f"No estimate for {name}",
    }[found]


def out_of(shown: Shown, numbers: OutcomeNumbers, nouns: Nouns) -> str:
    """A level in natural words."""
    if numbers.outcome.scale == "any":
        return f"{shown.text} of every 100 {'families' if nouns.many == 'small areas' else nouns.many}"  # an area's share is one of its families
    return with_unit(shown.text, unit_of(numbers.outcome))


def with_unit(text: str, unit: str) -> str:
    """A number and its unit: '5.0% of pupils', '8 per 100 families'."""
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}"


def sentence_of(numbers: OutcomeNumbers, found: str, nouns: Nouns, shown: dict[str, Shown]) -> str:
    """The finding as one sentence (two at most), from protected numbers."""
    label, change = numbers.outcome.label, change_unit_of(numbers.outcome)
    below_zero = shown["comparison"].value is not None and shown["comparison"].value < 0
    share = "%" if unit_of(numbers.outcome).startswith("%") and numbers.outcome.scale != "any" and not below_zero else ""
    levels = f"{out_of(shown['after'], numbers, nouns)} instead of {'none' if below_zero else shown['comparison'].text}{share}"
    interval = f"between {shown['lower'].text} and {shown['upper'].text} {change}"
    if found == "not_detectable":
        drift = " The gap between the groups was already changing before the programme, so this is no fair comparison." if drifted(numbers) else ""
        return f"{label}: no effect could be detected ({levels}; the difference is likely to lie {interval}).{drift}"
    if found == "explained_by_trend":
        return (
            f"{label}: it was {levels}, but the gap to similar {nouns.many} was already moving before the programme. "
            "The difference cannot be put down to the programme."
        )
    return f"{label}: a {found} outcome ({levels}; the difference is likely to lie {interval})."


def drifted(numbers: OutcomeNumbers) -> bool:
    """Whether the gap between the groups was changing before the programme."""
    return numbers.trend is not None and numbers.trend.verdict == "failed"


def detectable_sentence(numbers: OutcomeNumbers, shown: Shown, level: Shown) -> str:
    """What could have been seen, against the level without the programme."""
    if shown.value is None or level.value is None:
        return ""
    start = (
        f"{numbers.outcome.label}: only a difference of {shown.text} {change_unit_of(numbers.outcome)} or more could be relied on to show (in four"
        " studies out of five)"
    )
    if numbers.outcome.direction == "lower_is_better" and level.value > 0:
        if shown.value >= level.value:
            much = "more than" if shown.value > level.value else "as much as"
            return f"{start}, {much} the whole rate of {level.text}: no reduction could have been detected."
        return f"{start}, {100 * shown.value / level.value:.0f}% of the rate without the programme."
    return f"{start}."


def described(numbers: OutcomeNumbers) -> dict[str, object]:
    """What an outcome is, whatever was found."""
    outcome = numbers.outcome
    return {
        "outcome": outcome.name,
        "label": outcome.label,
        "domain": DOMAINS[outcome.domain],
        "measure": outcome.measure,
        "unit": unit_of(outcome),
        "change_unit": change_unit_of(outcome),
        "primary": numbers.primary,
    }


def without_estimate(numbers: OutcomeNumbers, status: str, title: str, sentence: str) -> OutcomeResult:
    """An outcome that has no number to show, with the reason."""
    return OutcomeResult(
        **described(numbers),
        status=status,
        verdict="none",
        title=title,
        sentence=sentence,
    )


def present(numbers: OutcomeNumbers, ledger: Ledger, nouns: Nouns) -> OutcomeResult:
    """Protect one outcome's numbers and put them in words."""
    outcome = numbers.outcome
    if numbers.status == "not_available":
        where = "not available in published data" if nouns.published else "not in the data delivered"
        return without_estimate(
            numbers, "not_available", f"{outcome.label}: {where}", f"{outcome.label}: {where}, so nothing can be said about it here."
        )
    if numbers.status == "not_estimable" or numbers.effect is None:
        return without_estimate(
            numbers, "not_estimable", f"{outcome.label}: could not be estimated", f"{outcome.label}: could not be estimated. {numbers.reason}"
        )
    if reason := why_hidden(numbers, ledger.profile.threshold, nouns.many):
        return without_estimate(numbers, "not_shown", f"{outcome.label}: not shown", f"{outcome.label}: not shown, because {reason}.")
    if ledger.withholds("effect", measured(nouns.whose.estimated(), outcome.name, ""), "estimate"):
        reason = "another figure that is shown is for nearly the same group, and the two together would tell of a few"
        return without_estimate(numbers, "not_shown", f"{outcome.label}: not shown", f"{outcome.label}: not shown, because {reason}.")
    if not math.isfinite(numbers.effect.lower):
        return without_estimate(
            numbers,
            "not_estimable",
            f"{outcome.label}: could not be estimated",
            f"{outcome.label}: no interval could be computed. {numbers.effect.reason}",
        )
    return estimated(numbers, ledger, nouns)


def why_hidden(numbers: OutcomeNumbers, threshold: int, many: str) -> str:
    """Why an outcome may not be shown: too few people behind it in one of the two groups; '' where it may."""
    if many not in PEOPLE or numbers.effect is None:
        return ""
    if min(numbers.effect.n_treated, numbers.effect.n_comparison) < threshold:
        return f"fewer than {threshold} {many} stand behind the number in one of the two groups"
    if numbers.fewest is not None and numbers.fewest < threshold:
        return f"what it counts happened in fewer than {threshold} {many} of one of the two groups, or in all but a few"
    return ""


def estimated(numbers: OutcomeNumbers, ledger: Ledger, nouns: Nouns) -> OutcomeResult:
    """An outcome with an effect: all numbers through the ledger, then the words."""
    outcome, effect, found = numbers.outcome, numbers.effect, verdict(numbers)
    name = f"{nouns.scope}, {outcome.name}"
    population = measured(nouns.whose.estimated(), outcome.name, name)
    joined = measured(nouns.whose.joined(), outcome.name, f"{name}, all who joined")
    compared = measured(nouns.whose.estimated_against(), outcome.name, name)
    digits = decimals(effect.std_error)
    interval = ledger.interval(effect, of=nouns.many, digits=digits, what="effect", population=population)

    places = 0 if outcome.scale == "any" and nouns.many in PEOPLE else digits  # a decimal beside a count would tell the numerator

    per = 100.0 if outcome.scale in ("any", "count") else 0.0

    def level(value: float, what: str, decimals_shown: int = places) -> Shown:
        return ledger.level(value, n=effect.n_treated, of=nouns.many, digits=decimals_shown, what=what, population=population, per=per)

    def own(value: float, what: str) -> Shown:
        return ledger.level(value, n=numbers.n_before_after, of=nouns.many, digits=places, what=what, population=joined, per=per)

    after_matched = level(numbers.comparison_level + effect.estimate, "after")
    comparison = level(numbers.comparison_level, "level without the programme")
    detectable = level(numbers.detectable, "detectable difference", digits)
    before, after = own(numbers.before, "before"), own(numbers.after, "after")
    change = change_of(before, after)
    share, note = results_share(numbers, ledger, nouns, name)
    shown = {"after": after_matched, "comparison": comparison, "estimate": interval.estimate, "lower": interval.lower, "upper": interval.upper}
    return OutcomeResult(
        **described(numbers),
        status="estimated",
        verdict=found,
        title=title_of(numbers, found, nouns),
        sentence=sentence_of(numbers, found, nouns, shown),
        before=before,
        after=after,
        before_after=ledger.keep("before/after change", name, change),
        payment_by_results=share,
        payment_by_results_note=note,
        effect=interval,
        programme_level=after_matched,
        comparison_level=comparison,
        detectable=detectable,
        detectable_sentence=ledger.said(detectable_sentence(numbers, detectable, comparison), what="detectable difference in words", population=name),
        n_treated=ledger.count(effect.n_treated, of=nouns.many, what="treated", population=population),
        n_comparison=ledger.count(effect.n_comparison, of=nouns.many, what="comparison", population=compared),
        truth=None if numbers.truth is None else ledger.keep("known truth (simulated)", name, number(numbers.truth, digits, signed=True)),
    )


def change_of(before: Shown, after: Shown) -> Shown:
    """After less before, from the numbers as they are shown; where one is hidden, so is the change."""
    if before.value is None or after.value is None:
        return before if before.value is None else after
    places = min(len(one.text.partition(".")[2]) for one in (before, after))
    return number(round(after.value, places) - round(before.value, places), places, signed=True)


def results_share(numbers: OutcomeNumbers, ledger: Ledger, nouns: Nouns, population: str) -> tuple[Shown, str]:
    """The payment-by-results rate with its rule; [z] where the framework has no rule for the outcome."""
    results = numbers.results
    if results is None:
        return ledger.keep("payment by results", population, NOT_APPLICABLE), "No payment-by-results rule applies to this outcome here."
    rule = f"A success is {results.words}." + (f" Departs from the framework: {results.departs}." if results.departs else "")
    if results.n_problem < max(ledger.profile.threshold, 1):
        return ledger.keep("payment by results", population, CONFIDENTIAL), rule
    return ledger.share(results.n_result, results.n_problem, of=nouns.many, what="payment by results", population=population), rule
