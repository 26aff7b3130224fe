"""Dose, duration and exits of programme families in words: how long supported, how far followed, why support ended, who grew out of what."""

from __future__ import annotations

import math

from evaluation.disclosure.ledger import NOT_AVAILABLE, Ledger, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import Shown, TableContent
from evaluation.disclosure.whose import ALL
from evaluation.findings.populations import GrownOut, PopulationNumbers
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.reach import NEARLY_ALL, count_of_part, started

DAYS_A_MONTH = 365.25 / 12
SUPPORTED = "supported"  # instead of a reason: support goes on
WORDS = {"": "no reason given", SUPPORTED: "still supported when the records ended"}


def time_words(months: int) -> str:
    """'a year', 'two years', '18 months'."""
    return {12: "a year", 24: "two years", 36: "three years"}.get(months, f"{months} months")


def sentences(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> tuple[str, ...]:
    """How long support lasted, whom the effects show in the middle of it, and who grew out of an outcome's population; none of a small group."""
    if ledger.small(numbers.n_joined, nouns.many) or not numbers.n_joined:
        return ()
    grown = (grown_out(one, numbers, ledger, nouns) for one in numbers.grown_out)
    return (duration(numbers, ledger, nouns), *partial(numbers, ledger, nouns), *grown)


def duration(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> str:
    """Median length of support in whole months: a day would be one family's."""
    if not math.isfinite(numbers.median_days):
        return f"More than half of the {nouns.many} were still supported when the records ended."
    months = round(numbers.median_days / DAYS_A_MONTH)
    if months < 1:
        return ledger.said(f"Half of the {nouns.many} were supported for less than a month.", what="median support", population=nouns.scope)
    shown = ledger.keep("median support, months", nouns.scope, number(months, 0))
    return f"Half of the {nouns.many} were supported for about {shown.text} month{'' if months == 1 else 's'} or longer."


def partial(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> tuple[str, ...]:
    """How many were still supported at the end of the time that effects speak about."""
    months = 3 * numbers.headline[1]
    row = next((row for row in numbers.windows.itertuples() if row.months == months), None)
    if row is None or row.n_followed == 0:
        return ()
    followed, going_on = count_followed(row, numbers, ledger, nouns), count_partial(row, numbers, ledger, nouns)
    when = f"The effects in this report are looked at up to {time_words(months)} after joining."
    if followed.value is None and followed != NEARLY_ALL:
        return (f"{when} How many {nouns.many} could be followed so long is not shown.",)
    of = f"Of the {nouns.many} followed so long (nearly all)" if followed == NEARLY_ALL else f"Of the {followed.text} {nouns.many} followed so long"
    if going_on.value is None:
        return (f"{when} {of}, how many were still supported at its end is not shown.",)
    return (f"{when} {of}, {going_on.text} were still supported at its end (partial exposure): of them the effects show a part of the support only.",)


def grown_out(one: GrownOut, numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> str:
    """How many grew out of a population: an end of the outcome that is no success; those of all places where this report's may not be shown."""
    existing, grown = grown_counts(one, one.n_existing, one.n_grown, numbers.n_joined, nouns.whose.code, ledger, nouns)
    later, where = f"{time_words(3 * numbers.headline[1])} later", ""
    if grown.value is None and not numbers.together:
        existing, grown = grown_counts(one, *one.everywhere, numbers.n_joined_everywhere, ALL, ledger, nouns)
        where = "in all places of the study together, "
    among = "among the" if existing.value is None else f"of the {existing.text}"
    start = started(f"{where}{among} {nouns.many} with {one.label} when they joined,")
    if grown.value is None:
        return f"{start} how many had none of that age left {later} is not shown. An outcome that ends so is missing from then on and is no success."
    return f"{start} {grown.text} had none of that age left {later}: their outcome has ended. It is missing from then on and is no success."


def grown_counts(one: GrownOut, n_existing: int, n_grown: int, n_joined: int, code: str, ledger: Ledger, nouns: Nouns) -> tuple[Shown, Shown]:
    """Families with a member in the population when they joined, and those of them who have none any more, of one place."""
    who = nouns.whose.joined(code).part(f"exists at joining: {one.members}", "yes", f"{code}, {one.label} at joining")
    return (
        count_of_part(n_existing, n_joined, "with a member of the population", who, ledger, nouns),
        ledger.count(n_grown, of=nouns.many, what="grown out", population=who.part("grown out", "yes"), within=n_existing),
    )


# ---- tables --------------------------------------------------------------------------------------------------------------------------------------


def followed(months: int, numbers: PopulationNumbers, nouns: Nouns) -> Population:
    """Families followed throughout a window, each a part of those followed throughout the window before it."""
    who = nouns.whose.joined()
    for shorter in sorted(int(one) for one in numbers.windows["months"] if one <= months):
        who = who.part(f"followed for {shorter} months", "yes", f"{nouns.scope}, followed for {shorter} months")
    return who


def count_followed(row: object, numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> Shown:
    """Families of one row of `exposures` followed throughout."""
    who = followed(row.months, numbers, nouns)
    return count_of_part(row.n_followed, numbers.n_joined, f"followed for {row.months} months", who, ledger, nouns)


def count_partial(row: object, numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> Shown:
    """Families followed throughout and still supported at the window's end."""
    who = followed(row.months, numbers, nouns).part("still supported", "yes")
    return ledger.count(row.n_partial, of=nouns.many, what=f"still supported after {row.months} months", population=who, within=row.n_followed)


def windows_table(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> TableContent | None:
    """Follow-up and dose by window."""
    if ledger.small(numbers.n_joined, nouns.many) or not numbers.n_joined:
        return None
    rows = []
    for row in numbers.windows.itertuples():
        who = followed(row.months, numbers, nouns)
        means = [
            ledger.level(value, n=row.n_followed, of=nouns.many, digits=0, what=f"{what}, {row.months} months", population=who)
            for what, value in (("days of support", row.mean_days), ("share of the window under support", 100 * row.mean_share))
        ]
        cells = [NOT_AVAILABLE, NOT_AVAILABLE] if row.n_followed == 0 else means
        counts = [count(row, numbers, ledger, nouns).text for count in (count_followed, count_partial)]
        rows.append((f"{row.months} months", counts[0], *(cell.text for cell in cells), counts[1]))
    return TableContent(
        id="windows",
        title=f"How far {nouns.many} could be followed, and how long they were supported",
        columns=("Time after joining", f"{nouns.many.capitalize()} followed throughout", "Mean days of support by its end",
                 "Mean share of it under support (%)", "Still supported at its end"),
        rows=tuple(rows),
        notes=(f"Whole quarters after that of joining. {nouns.many.capitalize()} that moved away, or joined too late for the records to reach so"
               " far, are not followed throughout. Still supported at the end: partial exposure.",),
    )  # fmt: skip


def exits_table(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> TableContent | None:
    """Why support ended, every reason by itself: groups that differ between reports would tell what they hide when set beside each other."""
    rows = []
    for row in numbers.exits.itertuples():
        code = str(row.reason)
        label = WORDS.get(code) or lower_first(numbers.reasons[code])
        who = nouns.whose.joined().part("end of support", code or "none", f"{nouns.scope}, {label}")
        shown = ledger.count(int(row.n), of=nouns.many, what=label, population=who, within=numbers.n_joined)
        rows.append((f"{label[:1].upper()}{label[1:]}", shown))
    if not any(shown.value for _, shown in rows):
        return None
    return TableContent(
        id="exits", title="Why support ended", columns=("End of support", nouns.many.capitalize()), rows=tuple((label, n.text) for label, n in rows)
    )
