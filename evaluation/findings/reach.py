"""Who the results speak for: those not matched and how they differ, and the families behind each outcome. Nothing is extended to the others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.disclosure.ledger import CONFIDENTIAL, Ledger, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import OutcomeResult, Shown, TableContent
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.strength import BALANCED
from evaluation.findings.summary import listed

NEARLY_ALL = Shown(value=None, text="nearly all")
MOST_NAMED = 3  # differences of those not matched that a sentence names
NOT_EXTENDED = (
    "The effects in this report are those on matched {many}, each on those who have whom the outcome needs; no figure is extended to the others."
)

WHOM_NEEDED = (
    "The effect on an outcome that needs a member of the family ({whom}) rests on the matched sets with such a member on both sides on the first day"
    " of the quarter of joining. Others are left out, and the weights of comparison families are shared out again inside each set. All that is said"
    " of the effect rests on the same sets; what became of families before and after, and payment by results, do not."
)


def sentences(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> tuple[str, ...]:
    """How many were matched, how the others differ, and that nothing is said of them."""
    joined, matched = (
        ledger.count(count, of=nouns.many, what=what, population=who)
        for what, count, who in (("joined", numbers.n_joined, nouns.whose.joined()), ("matched", numbers.n_matched, nouns.whose.matched()))
    )
    told = f"How many programme {nouns.many} could be matched is not shown."
    if joined.value is not None and matched.value is not None:
        some = "All, or nearly all," if joined.value == matched.value else matched.text
        told = f"{some} of the {joined.text} programme {nouns.many} could be matched."
    return (told, unlike(numbers, ledger, nouns), NOT_EXTENDED.format(many=nouns.many))


def unlike(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> str:
    """In what those not matched differ most, all places together."""
    where = "" if numbers.together else "in all places of the study together, "
    if numbers.n_left_out == 0:
        return started(f"{where}no programme family was left without a match.")
    if ledger.small(numbers.n_left_out, nouns.many) or numbers.left_out.empty:
        return started(f"{where}too few programme {nouns.many} were left without a match to say how they differ.")
    shown = [(row.label, row.smd) for row in numbers.left_out.itertuples() if may_show(row, ledger, nouns) and math.isfinite(row.smd)]
    apart = sorted((one for one in shown if round(abs(one[1]), 2) >= BALANCED), key=lambda one: -abs(one[1]))
    if not apart:
        return started(f"{where}those who were not matched are like those who were in what could be compared.")
    named = [f"{lower_first(label)} ({number(abs(smd), 2).text} {'higher' if smd > 0 else 'lower'})" for label, smd in apart[:MOST_NAMED]]
    rest = len(apart) - MOST_NAMED
    more = f", and also in {rest} other characteristic{'s' if rest > 1 else ''}" if rest > 0 else ""
    text = f"{where}those who were not matched differ {'most ' if more else ''}from the matched in {listed(named)}{more}; all in standard deviations."
    return ledger.said(started(text), what="how those not matched differ", population="all places")


def count_of_part(n: int, whole: int, what: str, population: Population, ledger: Ledger, nouns: Nouns) -> Shown:
    """A count of a part of families whose number is shown too: 'nearly all' where it is the whole but for a small group, which both would tell."""
    if n >= ledger.profile.threshold > whole - n:
        return ledger.keep(what, nouns.scope, NEARLY_ALL if n >= 0.9 * whole else CONFIDENTIAL)
    return ledger.count(n, of=nouns.many, what=what, population=population)


def started(text: str) -> str:
    """A sentence that begins with a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def may_show(row: object, ledger: Ledger, nouns: Nouns) -> bool:
    """Whether a characteristic stands on enough families of both groups, with and without it where it is one that they have or have not."""
    if min(row.n_matched, row.n_left_out) < ledger.profile.threshold:
        return False
    parts = ((row.mean_matched, row.n_matched), (row.mean_left_out, row.n_left_out))
    return not row.binary or not any(ledger.few(round(mean * n), n, nouns.many) for mean, n in parts)


def left_out_table(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> TableContent | None:
    """Means of matched programme families and of those not matched; all places together, as the match is."""
    if numbers.left_out.empty or ledger.small(numbers.n_left_out, nouns.many):
        return None
    rows, where = [], "" if numbers.together else "; all places of the study together"
    for row in numbers.left_out.itertuples():
        means = [mean_of(row, side, ledger, nouns) for side in ("matched", "left_out")]
        hidden = any(cell.symbol == "[c]" for cell in means)
        apart = ledger.keep("difference of those not matched", row.label, CONFIDENTIAL if hidden else number(row.smd, 2, signed=True))
        rows.append((row.label, *(cell.text for cell in means), apart.text))
    return TableContent(
        id="left-out",
        title=f"Programme {nouns.many} that could not be matched, beside those that could{where}",
        columns=("Characteristic", "Matched", "Not matched", "Difference in standard deviations"),
        rows=tuple(rows),
        notes=(f"Means when joining, of programme {nouns.many} in whom the characteristic is known; shares in per cent.",),
    )


def mean_of(row: object, side: str, ledger: Ledger, nouns: Nouns) -> Shown:
    """A mean of one group; of a characteristic that families have or have not, a share from rounded counts."""
    value, n = getattr(row, f"mean_{side}"), int(getattr(row, f"n_{side}"))
    if not may_show(row, ledger, nouns):
        return ledger.keep(f"mean, {side}", row.label, CONFIDENTIAL)
    if row.binary:
        return ledger.share(round(value * n), n, of=nouns.many, what=f"mean, {side}", population=row.label)
    return ledger.level(value, n=n, of=nouns.many, digits=1, what=f"mean, {side}", population=row.label)


# ---- complete sets -------------------------------------------------------------------------------------------------------------------------------


def complete_table(numbers: PopulationNumbers, results: Sequence[OutcomeResult], ledger: Ledger, nouns: Nouns) -> TableContent | None:
    """The families behind each outcome's effect, and how alike its sets are.

    An outcome has one number of families, the one behind its effect. How many stand in its complete sets, seen or not, is no second one: of three
    populations that are parts of each other (matched, in complete sets, behind the effect) two may differ by a small group.
    """
    if ledger.small(numbers.n_matched, nouns.many) or not numbers.complete:
        return None
    rows, shown = [], {result.outcome: (result.n_treated, result.n_comparison) for result in results if result.status == "estimated"}
    for one in numbers.complete:
        counts = shown.get(one.outcome, (CONFIDENTIAL, CONFIDENTIAL))
        worst = ledger.keep("largest difference after matching", f"all places, {one.label}, complete sets", number(one.smd, 2, signed=True))
        rows.append((one.label, f"{one.whom[:1].upper()}{one.whom[1:]}", *(count.text for count in counts), worst.text, one.covariate or "[x]"))
    return TableContent(
        id="complete-sets",
        title=complete_title(numbers, nouns),
        columns=("Outcome", "Whom it needs", f"Programme {nouns.many}", f"Comparison {nouns.many}", "Largest difference after matching",
                 "Characteristic in which it is"),
        rows=tuple(rows),
        notes=("Each effect rests on the matched sets that have whom the outcome needs on both sides on the first day of the quarter of joining, and"
               " on those of them who were seen in the quarters compared. Other sets are left out, weights are shared out again and balance is worked"
               f" out again{'' if numbers.together else ', all places of the study together'}: in standard deviations; under {BALANCED:g} is good.",),
    )  # fmt: skip


def whom_needed(numbers: PopulationNumbers | None, nouns: Nouns) -> tuple[tuple[str, str], ...]:
    """For the methods: that outcomes of a member of the family rest on sets with such a member, where some do."""
    found = () if numbers is None or not nouns.whose.by_sets else numbers.complete
    whom = dict.fromkeys(one.whom for one in found if one.members)
    return (("Whom an outcome needs", WHOM_NEEDED.format(whom="; ".join(whom))),) if whom else ()


def complete_title(numbers: PopulationNumbers, nouns: Nouns) -> str:
    """For how many outcomes the groups behind them still differ."""
    judged = [one for one in numbers.complete if math.isfinite(one.smd)]
    apart = [lower_first(one.label) for one in judged if round(abs(one.smd), 2) >= BALANCED]
    if not judged:
        return f"The {nouns.many} behind each outcome"
    if not apart:
        return f"The {nouns.many} behind each outcome are alike in what was measured"
    if len(apart) == len(judged):
        return f"The {nouns.many} behind {'the outcome' if len(apart) == 1 else 'every outcome'} still differ in what was measured"
    return f"The {nouns.many} behind {listed(apart)} still differ in what was measured, those behind the other outcomes do not"
