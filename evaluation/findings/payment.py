"""Payment by results in words: how many met the rule with the programme, how many similar families met it without, and what was claimed.

A result is a claim, never an effect; the comparison is of matched families and says nothing about which of them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from evaluation.disclosure.ledger import CONFIDENTIAL, NOT_AVAILABLE, Ledger, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import PaymentResults, PaymentShare, Shown, ShownInterval
from evaluation.disclosure.whose import ALL, Whose
from evaluation.findings.payment_tables import among, programme, time_words
from evaluation.findings.payment_tables import tables as payment_tables
from evaluation.findings.study import Scope
from evaluation.models.effects import Estimate
from evaluation.payment_by_results.hidden import STRENGTHS, lowest_share
from evaluation.payment_by_results.numbers import Group, PaymentNumbers
from evaluation.payment_by_results.shares import Shares

MANY = "families"
WEIGHTED = (
    " Comparison families that have not joined count by the inverse of their chance of not having joined, given what was matched on and their primary"
    " outcomes in the two quarters before; intervals take these weights as known."
)
RECALLED = {"only_applying": "that only problems which applied at entry must be met"}  # in words, where a key of a framework is none
HIDDEN = ShownInterval(estimate=CONFIDENTIAL, lower=CONFIDENTIAL, upper=CONFIDENTIAL, method="")


def payment_results(numbers: PaymentNumbers, ledger: Ledger, scope: Scope) -> PaymentResults:
    """Protect and word everything that one report says about payment by results."""
    shares = tuple(share_line(group, ledger, scope) for group in numbers.groups)
    first, everywhere = (next((line for line in shares if line.kind == kind and not line.reason), None) for kind in ("all", "everywhere"))
    return PaymentResults(
        framework=numbers.framework.title,
        status="not_shown" if first is None else "shown",
        title=title(first or everywhere),
        sentence=sentence(first, numbers) if first is not None else not_shown(shares, everywhere, numbers),
        basis=basis(numbers),
        shares=shares,
        tables=payment_tables(numbers, ledger, scope),
        notes=notes(numbers, first or everywhere, ledger, scope),
    )


def why_hidden(shares: Shares, threshold: int) -> str:
    """Why shares may not be shown; '' where they may."""
    if not math.isfinite(shares.programme.estimate):
        return f"{shares.reason or shares.programme.reason}"
    if min(shares.programme.n_treated, shares.programme.n_comparison) < threshold:
        return f"fewer than {threshold} matched families stand behind it on one side"
    if shares.fewest < threshold:
        return f"fewer than {threshold} families of one side met the rule, or all but a few did"
    if not math.isfinite(shares.difference.lower):
        return shares.difference.reason or shares.reason
    return ""


def share_line(group: Group, ledger: Ledger, scope: Scope) -> PaymentShare:
    """One kind of families, through the ledger."""
    own = replace(scope, code=ALL) if group.kind == "everywhere" else scope
    place = among(programme(own), group.label)
    official = ledger.share(group.n_official, group.n_attached, of=MANY, what="claims of families attached", population=place)
    reason, shares = why_hidden(group.shares, ledger.profile.threshold), group.shares
    if reason:
        ledger.keep("shares meeting the rule", place, CONFIDENTIAL)
        return PaymentShare(
            label=group.label,
            kind=group.kind,
            official=official,
            programme=HIDDEN,
            comparison=HIDDEN,
            difference=HIDDEN,
            anyway=HIDDEN,
            n_treated=CONFIDENTIAL,
            n_comparison=CONFIDENTIAL,
            reason=reason,
        )
    treated = per_cent(shares.programme, "programme families meeting the rule", place, ledger)
    comparison = per_cent(shares.comparison, "comparison families meeting the rule", place, ledger)
    return PaymentShare(
        label=group.label,
        kind=group.kind,
        official=official,
        programme=treated,
        comparison=comparison,
        difference=difference(shares, treated, comparison, place, ledger),
        anyway=anyway(shares, treated, comparison, place, ledger),
        n_treated=ledger.count(
            shares.programme.n_treated, of=MANY, what="matched programme families", population=place.part("payment by results: matched", "yes")
        ),
        n_comparison=ledger.count(
            shares.programme.n_comparison, of=MANY, what="matched comparison families", population=compared(own, group.label)
        ),
    )


def compared(scope: Scope, label: str) -> Population:
    """Comparison families of one line of a report."""
    return Whose(code=scope.code).panel(f"{scope.code}, payment by results").part(f"payment by results: compared in {scope.code}, {label}", "yes")


def per_cent(estimate: Estimate, what: str, place: Population, ledger: Ledger) -> ShownInterval:
    """A share in whole per cent: a decimal beside a count would tell the numerator."""
    n = min(estimate.n_treated, estimate.n_comparison)
    parts = [
        ledger.level(100 * value, n=n, of=MANY, digits=0, what=f"{what}, {name}", population=place)
        for name, value in (("share", estimate.estimate), ("lower", estimate.lower), ("upper", estimate.upper))
    ]
    return ShownInterval(estimate=parts[0], lower=parts[1], upper=parts[2], method=estimate.method)


def difference(shares: Shares, programme: ShownInterval, comparison: ShownInterval, place: Population, ledger: Ledger) -> ShownInterval:
    """Points between the printed shares, with the interval of their difference."""
    found = shares.difference
    interval = ledger.interval(
        replace(found, estimate=100 * found.estimate, lower=100 * found.lower, upper=100 * found.upper),
        of=MANY,
        digits=0,
        what="difference of shares",
        population=place,
    )
    gap = ledger.keep("difference of printed shares", place, number(programme.estimate.value - comparison.estimate.value, 0, signed=True))
    return interval.model_copy(update={"estimate": gap})


def anyway(shares: Shares, programme: ShownInterval, comparison: ShownInterval, place: Population, ledger: Ledger) -> ShownInterval:
    """For every 100 that met the rule, how many met it without the programme: the printed shares' ratio with Fieller's interval."""
    ratio = shares.ratio
    if not math.isfinite(ratio.lower) or not programme.estimate.value:
        shown = ledger.keep("met it anyway, of 100", place, NOT_AVAILABLE)
        return ShownInterval(estimate=shown, lower=shown, upper=shown, method=ratio.reason)
    value = 100 * comparison.estimate.value / programme.estimate.value
    parts = [
        ledger.keep(f"met it anyway, of 100, {name}", place, number(shown, 0))
        for name, shown in (("ratio", value), ("lower", 100 * ratio.lower), ("upper", 100 * ratio.upper))
    ]
    return ShownInterval(estimate=parts[0], lower=parts[1], upper=parts[2], method="Fieller")


# ---- sentences -----------------------------------------------------------------------------------------------------------------------------------


def title(line: PaymentShare | None) -> str:
    """The finding above the chart."""
    if line is None:
        return "How many similar families met the rule cannot be shown"
    where = "All places together: " if line.kind == "everywhere" else ""
    return (
        f"{where}{line.programme.estimate.text} of every 100 programme families met the rule for a payment, and {line.comparison.estimate.text} of"
        " every 100 similar families outside it"
    )


def sentence(line: PaymentShare, numbers: PaymentNumbers) -> str:
    """Page one: both shares, what may be said of their difference, and how many results would have come anyway."""
    return (
        f"Within {time_words(numbers.claim_within)} of joining, {line.programme.estimate.text} of every 100 matched programme families met the"
        f" rule for a payment, and so did {line.comparison.estimate.text} of every 100 similar families outside it{gap_words(line)}."
        f" {anyway_words(line)} A result is a claim, not an effect."
    )


def gap_words(line: PaymentShare) -> str:
    """What may be said of the difference."""
    lower, upper = line.difference.lower, line.difference.upper
    if lower.value > 0:
        return f" (likely between {unsigned(lower)} and {unsigned(upper)} fewer)"
    if upper.value < 0:
        return f" (likely between {unsigned(upper)} and {unsigned(lower)} more)"
    return f" (no difference could be detected: {lower.text} to {upper.text})"


def unsigned(shown: Shown) -> str:
    """A number's text without its sign, where a word says which way it goes."""
    return shown.text.lstrip("+\N{MINUS SIGN}")


def anyway_words(line: PaymentShare) -> str:
    """How many of 100 results would have come without the programme; never which."""
    shown = line.anyway
    if shown.estimate.value is None:
        return "How many results would have come anyway cannot be said."
    between = f"(between {shown.lower.text} and {shown.upper.text})"
    if shown.estimate.value > 100:
        return f"For every 100 results with the programme, similar families had {shown.estimate.text} without it {between}."
    return f"Of every 100 results, about {shown.estimate.text} {between} would have come anyway; nobody can say which."


def not_shown(shares: tuple[PaymentShare, ...], everywhere: PaymentShare | None, numbers: PaymentNumbers) -> str:
    """Page one where this report's own shares cannot be shown; those of all places together stand in."""
    if not shares:
        return f"No matched comparison could be made for payment by results. {numbers.reason}".strip()
    small = shares[0].reason.startswith("fewer than")
    reason = shares[0].reason if small else f"no interval could be computed: {shares[0].reason}"
    together = (
        ""
        if everywhere is None
        else f" In all places of the study together {everywhere.programme.estimate.text} of every 100 programme families met it, and"
        f" {everywhere.comparison.estimate.text} of every 100 similar families."
    )
    return (
        f"How many similar families outside the programme met the rule for a payment is not shown here, because {reason}.{together} A result is a"
        " claim, not an effect."
    )


def basis(numbers: PaymentNumbers) -> str:
    """What the comparison rests on."""
    problems = ", ".join(numbers.framework.problems[name].label.lower() for name in numbers.problems)
    return (
        f"Programme families with a recorded problem are compared with families that had the same problems ({problems}) in the same quarter and the"
        " same presence of a child of school age and of an adult of working age, and that were alike in the plan's characteristics and in"
        f" {alike(numbers)}. The same rule, time and treatment of gaps in the records apply to both groups. The comparison rests on matching"
        " alone: it holds if nothing that was not recorded made both joining and meeting the rule more likely. It does not use the trends before, as"
        " the effects in this report do. The share that would have met the rule anyway is a number of families; it cannot say which, and it supposes"
        " that the programme kept no family from meeting the rule."
    )


def notes(numbers: PaymentNumbers, line: PaymentShare | None, ledger: Ledger, scope: Scope) -> tuple[str, ...]:
    """Rules of the comparison that a reader must know."""
    gaps = "leaves the family's result unknown" if numbers.missing == "not_judged" else "does not stand in the way of a result (the plan's choice)"
    official = (
        "claims as the council made them" if numbers.n_claimed is not None else "results recomputed from the records (no claims were delivered)"
    )
    return (
        f"A result may be claimed at the end of any quarter within {time_words(numbers.claim_within)} after the quarter of joining; for a comparison"
        " family the same time runs from the quarter in which its match joined.",
        "A comparison family that joins the programme is followed until the quarter before. A family of either group that moves away, or whose"
        " records end or cannot show the rule, is followed until then. From then on its weight passes to those still followed (Kaplan-Meier)."
        + (WEIGHTED if numbers.weighted else ""),
        f"A person who should be judged and is in no record {gaps}.",
        f"Official: {official}, as a share of all families attached, matched or not.",
        hidden_note(line, ledger),
        *matched_note(numbers, ledger, scope),
        *bound_note(numbers, ledger, scope),
        *recalled_note(numbers),
    )


def hidden_note(line: PaymentShare | None, ledger: Ledger) -> str:
    """What no record holds, and how low the share could be were it known, from the printed share."""
    hidden = (
        "Families often join at a crisis, and with deeper lasting trouble, than records show. Comparison families then had less of either, and their"
        " share is rather too high than too low."
    )
    if line is None or not line.comparison.estimate.value:
        return hidden
    whose = "all places" if line.kind == "everywhere" else "this report"
    low = [
        ledger.keep(f"comparison share at the least, strength {strength:g}", f"payment by results, {whose}", number(value, 0)).text
        for strength, value in ((strength, lowest_share(line.comparison.estimate.value, strength)) for strength in STRENGTHS.values())
    ]
    return (
        f"{hidden} Had something on no record been {' or '.join(STRENGTHS)} more common among comparison families than among programme families,"
        f" and made meeting the rule as much more likely, the comparison share of {line.comparison.estimate.text} of every 100 ({whose}) would be"
        f" no lower than {' or '.join(low)} without it."
    )


def alike(numbers: PaymentNumbers) -> str:
    """In what both groups were alike beyond the problems themselves."""
    records = f" and in what records said of the {time_words(numbers.history)} before" if numbers.history else ""
    return f"how bad each problem had been{records}"


def matched_note(numbers: PaymentNumbers, ledger: Ledger, scope: Scope) -> tuple[str, ...]:
    """How many programme families could be matched, and how alike both groups are over all places."""
    if not numbers.groups:
        return ()
    of, matched = (
        ledger.count(count, of=MANY, what=what, population=among(programme(scope), what))
        for what, count in (("with a problem and time enough", numbers.n_matchable), ("matched", numbers.n_matched))
    )
    told = ""
    if "[c]" not in (of.symbol, matched.symbol):
        told = f"{of.text} programme families had a recorded problem when joining and time enough in the records; {matched.text} could be matched. "
    worst = ledger.keep("largest standardised difference after matching", "payment by results", number(numbers.balance, 2))
    return (f"{told}After matching, the largest standardised difference over all places is {worst.text}; under 0.1 is good.",)


def bound_note(numbers: PaymentNumbers, ledger: Ledger, scope: Scope) -> tuple[str, ...]:
    """The comparison share had all who were lost sight of not met the rule."""
    if not numbers.groups or why_hidden(numbers.groups[0].shares, ledger.profile.threshold):
        return ()
    shares = numbers.groups[0].shares
    if shares.n_lost < max(ledger.profile.threshold, 1) or not math.isfinite(shares.joined):
        return ()
    low = ledger.level(
        100 * shares.joined,
        n=shares.programme.n_comparison,
        of=MANY,
        digits=0,
        what="comparison share, lost sight of as not met",
        population=scope.code,
    )
    return (
        f"Had every comparison family that was lost sight of (most of them because they joined) failed the rule, the comparison share would be "
        f"{low.text} of every 100: the least that it could be.",
    )


def recalled_note(numbers: PaymentNumbers) -> tuple[str, ...]:
    """Numbers of the framework that no source at hand confirms."""
    places = numbers.framework.recalled()
    if not places:
        return ()
    heads = dict.fromkeys(place.split(".")[1] if place.startswith("problems.") else place.split(".")[0] for place in places)
    labels = [
        numbers.framework.problems[head].label.lower() if head in numbers.framework.problems else RECALLED.get(head, head.replace("_", " "))
        for head in heads
    ]
    return (
        f"Some of the framework's numbers are recalled and not confirmed by a source at hand ({', '.join(labels)}); they can be changed in its file.",
    )
