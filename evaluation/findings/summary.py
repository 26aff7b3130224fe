"""Page one: what was found, for whom, compared with whom, what could have been seen, and what to do next. No p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import OutcomeResult, Strength, Summary
from evaluation.findings.present import Nouns, lower_first

TOLD_ELSEWHERE = ("Size",)  # page one says what could have been seen on a line of its own
WORTH_SEEING = 0.10  # of the level: the change for which we say how large a study would have to be
NUMBER_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What page one needs besides the outcomes.

    Attributes
    ----------
    scope : str
        For whom the headline speaks, to open a sentence: 'In Bath and North East Somerset', 'In the 16 first-phase areas together'.
    who : str
        What was evaluated, who joined, when, how many: whole sentences.
    compared_with : str
        With whom they were compared: whole sentences.
    n_effective : int
        Units or places that the precision rests on, for saying how many would be needed; `effective_noun` says of what.
    extra_caveats : tuple of str
        The study's own caveats, most important first; they precede the general ones.
    anchor : str
        What an experiment says beside the estimate; '' where there is none.
    own : str
        The area's own gap, in a sentence; '' where the report is not about an area.
    n_available : int
        How many units or places of the kind of `effective_noun` there are at all; `available_noun` says of what.
    """

    programme: str
    nouns: Nouns
    scope: str
    who: str
    compared_with: str
    n_effective: int
    effective_noun: str
    extra_caveats: tuple[str, ...] = ()
    anchor: str = ""
    own: str = ""
    n_available: int = 0
    available_noun: str = ""


def words(count: int) -> str:
    """A small count in words."""
    return NUMBER_WORDS[count] if count < len(NUMBER_WORDS) else f"{count}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'; after a 'no' the last word is 'or'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def headline(results: Sequence[OutcomeResult], context: Context) -> str:
    """The finding in one sentence, from the verdicts of the main outcomes."""
    primary = [result for result in results if result.primary]
    measured = [result for result in primary if result.status == "estimated"]
    if not measured:
        if any(result.status == "not_shown" for result in primary):
            return f"{context.scope} nothing can be shown: too few {context.nouns.many} stand behind the numbers."
        return f"{context.scope} nothing can be estimated: no main outcome could be measured."
    parts = [
        part
        for verdict, text in (
            ("better", "{names} came out better than among similar {many}"),
            ("worse", "{names} came out worse than among similar {many}"),
            ("explained_by_trend", "the gap in {names} cannot be told apart from the trend before"),
            ("not_detectable", "no effect on {names} could be detected"),
        )
        if (part := phrase(measured, verdict, text, context.nouns.many))
    ]
    return f"{context.scope} {clauses(parts)}{without_number(primary)}."


def clauses(parts: Sequence[str]) -> str:
    """Statements with a comma before the last: each may hold an 'and' of its own."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def without_number(primary: Sequence[OutcomeResult]) -> str:
    """'; one of the four main outcomes could not be measured': those that few families stand behind apart from those without a measurement."""
    hidden = sum(result.status == "not_shown" for result in primary)
    missing = sum(result.status not in ("estimated", "not_shown") for result in primary)
    told = [f"{words(count)} {what}" for count, what in ((missing, "could not be measured"), (hidden, "cannot be shown")) if count]
    if not told:
        return ""
    first, *more = told
    number, _, what = first.partition(" ")
    return f"; {number} of the {words(len(primary))} main outcomes {what}" + "".join(f" and {one}" for one in more)


def phrase(results: Sequence[OutcomeResult], verdict: str, text: str, many: str) -> str:
    """The part of the headline about one verdict; '' when no outcome has it."""
    names = [lower_first(result.label) for result in results if result.verdict == verdict]
    return text.format(names=listed(names, "or" if verdict == "not_detectable" else "and"), many=many) if names else ""


def findings(results: Sequence[OutcomeResult]) -> tuple[str, ...]:
    """One sentence a measured main outcome; those without a number for the same reason share one. Another outcome is told where it came out worse."""
    primary = [result for result in results if result.primary]
    told = [result.sentence for result in primary if result.status in ("estimated", "not_estimable")]
    for status in ("not_available", "not_shown"):
        alike = [result for result in primary if result.status == status]
        if len(alike) == 1:
            told.append(alike[0].sentence)
        elif alike:
            names = listed([lower_first(result.label) for result in alike])
            told.append(
                f"{names[:1].upper()}{names[1:]}:"
                + alike[0].sentence.partition(":")[2].replace("about it here", "about them here").replace("It is", "They are")
            )
    told += [f"{result.sentence} It is not one of the main outcomes." for result in results if not result.primary and result.verdict == "worse"]
    return tuple(told)


def could_have_seen(results: Sequence[OutcomeResult]) -> str:
    """The minimum detectable effects of the main outcomes."""
    measured = [result for result in results if result.primary and result.detectable is not None and result.detectable.value is not None]
    if not measured:
        return "No main outcome could be estimated, so no effect of any size could have been seen here."
    seen = [part for result in measured if (part := detectable_part(result))]
    hidden = [lower_first(result.label) for result in measured if not detectable_part(result)]
    first = f"The smallest change that could be relied on to show was {listed(seen)} of the rate." if seen else ""
    second = f"For {listed(hidden)} not even a complete reduction could have been detected." if hidden else ""
    return " ".join(text for text in (first, second, found_though_smaller(measured)) if text)


def found_though_smaller(results: Sequence[OutcomeResult]) -> str:
    """That an effect was found which is smaller than what could be relied on to show: such findings tend to be too large."""
    names = [
        lower_first(result.label)
        for result in results
        if result.verdict in ("better", "worse") and abs(result.effect.estimate.value) < result.detectable.value
    ]
    if not names:
        return ""
    which = f"finding on {names[0]} is" if len(names) == 1 else f"findings on {listed(names)} are"
    return f"The {which} smaller than that; such findings tend to look larger than they are."


def detectable_part(result: OutcomeResult) -> str:
    """'7% (unauthorised absence)' of the rate; '' where not even a complete reduction could have been seen."""
    level, name = result.comparison_level, lower_first(result.label)
    if level is None or not level.value or level.value <= 0:
        return ""
    share = result.detectable.value / level.value
    return f"{100 * share:.0f}% ({name})" if share < 1 else ""


def printed_share(results: Sequence[OutcomeResult], unrounded: float) -> float:
    """The largest detectable effect of a main outcome as a share of its level, from the numbers as printed; `unrounded` where one is not printed."""
    measured = [result for result in results if result.primary and result.status == "estimated"]
    sizes = [(result.detectable, result.comparison_level) for result in measured]
    if not sizes or any(part is None or not part.value for pair in sizes for part in pair):
        return unrounded
    return max(detectable.value / abs(level.value) for detectable, level in sizes)


def by_results(results: Sequence[OutcomeResult], nouns: Nouns) -> str:
    """What payment by results says, and why it differs from an effect."""
    claims = [
        result for result in results if result.primary and result.payment_by_results is not None and result.payment_by_results.value is not None
    ]
    if not claims:
        if nouns.published:
            return "No rate is shown: published figures hold no claims of single families."
        if any(result.payment_by_results is not None and result.payment_by_results.symbol == "[c]" for result in results if result.primary):
            return "No payment-by-results rate is shown: too few families stand behind it."
        return "No payment-by-results rate is shown: this study applies no rule of payment to its main outcomes."
    rates = listed([f"{result.payment_by_results.text} ({lower_first(result.label)})" for result in claims])
    return f"Of {nouns.many} with the problem when joining, {rates} met the rule for a payment. That is not an effect: nothing is compared."


def units_needed(results: Sequence[OutcomeResult], context: Context) -> str:
    """How large a study would have to be, for the least sensitive main outcome that showed nothing."""
    needs = []
    for result in results:
        level, seen = (None if shown is None else shown.value for shown in (result.comparison_level, result.detectable))
        if result.primary and result.verdict == "not_detectable" and level and seen is not None:
            needs.append(((seen / (WORTH_SEEING * abs(level))) ** 2, result))
    if not needs or context.n_effective == 0:
        return ""
    ratio, result = max(needs, key=lambda need: need[0])
    if ratio <= 1:
        return ""
    needed = f"about {two_figures(ratio * context.n_effective)} {context.effective_noun}"
    change = f"a change of {100 * WORTH_SEEING:.0f}%"
    if context.n_available and ratio * context.n_effective > context.n_available:
        return (
            f"This design cannot answer the question for {lower_first(result.label)}: {change} would take {needed} to see, and there are"
            f" {context.n_available:,} {context.available_noun}."
        )
    return f"To see {change} in {lower_first(result.label)}, {needed} would be needed: pool councils before judging."


def two_figures(value: float) -> str:
    """A number to two significant figures, with thousands separators."""
    if value <= 0 or not math.isfinite(value):
        return "an unknown number of"
    step = 10 ** max(math.floor(math.log10(value)) - 1, 0)
    return f"{step * math.ceil(value / step):,.0f}"


def next_steps(results: Sequence[OutcomeResult], context: Context) -> tuple[str, ...]:
    """What a council can do with this."""
    measured = [result for result in results if result.primary and result.status == "estimated"]
    steps = []
    if worse := sum(result.verdict == "worse" for result in measured):
        which = "outcomes that were" if worse > 1 else "outcome that was"
        steps.append(f"Look first at the {which} worse: check records and practice there before anything is expanded.")
    if any(result.verdict == "explained_by_trend" for result in measured):
        steps.append("Do not quote the gap as the programme's effect: it was already opening before the programme.")
    if needed := units_needed(results, context):
        steps.append(needed)
    if better := sum(result.verdict == "better" for result in measured):
        steps.append(f"Repeat the comparison before relying on the better outcome{'s' if better > 1 else ''}.")
    if any(result.status == "not_available" for result in results if result.primary):
        missing = listed([lower_first(result.label) for result in results if result.primary and result.status == "not_available"])
        steps.append(f"Arrange linked records of families for {missing}.")
    return tuple(steps[:4]) or ("Repeat the comparison when more records are in.",)


def caveats(strength: Strength, context: Context) -> tuple[str, ...]:
    """The three biggest: the study's own, then the criteria that lost points."""
    general = [
        point.reason for point in sorted(strength.points, key=lambda point: -point.lost) if point.lost and point.criterion not in TOLD_ELSEWHERE
    ]
    return tuple([*context.extra_caveats, *general][:3])


def with_strength(text: str, results: Sequence[OutcomeResult], strength: Strength) -> str:
    """The headline with the rating beside any outcome that came out better or worse."""
    if any(result.verdict in ("better", "worse") for result in results if result.primary):
        return f"{text.removesuffix('.')} (evidence: {strength.score} out of 5, {strength.label})."
    return text


def summarise(
    results: Sequence[OutcomeResult], strength: Strength, context: Context, value: str = "", *, ledger: Ledger | None = None
) -> Summary:
    """Page one of a report; `value` is its sentence on value for money. What is worked out from protected numbers goes into the ledger."""
    seen, steps = could_have_seen(results), next_steps(results, context)
    for text in (seen, *steps, context.own) if ledger is not None else ():
        ledger.said(text, what="worked out on page one", population=context.scope)
    null = any(result.verdict == "not_detectable" for result in results if result.primary)
    paragraphs = [f"{context.who} {context.compared_with}" + (" No detectable effect does not mean that nothing changed." if null else "")]
    paragraphs += [text for text in (context.own, context.anchor) if text]
    return Summary(
        headline=with_strength(headline(results, context), results, strength),
        paragraphs=tuple(paragraphs),
        findings=findings(results),
        could_have_seen=seen,
        payment_by_results=by_results(results, context.nouns),
        value=value,
        caveats=caveats(strength, context),
        next_steps=steps,
    )
