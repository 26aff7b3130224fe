"""What may have reached comparison families from the programme, or been taken from them: shares of both groups, without a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evaluation.disclosure.ledger import CONFIDENTIAL, NOT_AVAILABLE, Ledger, number
from evaluation.disclosure.release import Check, Shown, TableContent
from evaluation.findings.present import Nouns
from evaluation.findings.support import time_words

if TYPE_CHECKING:
    from evaluation.findings.populations import PopulationNumbers

LABELS = {
    "programme_in_area": "Lived in a small area with a programme family",
    "person_of_programme": "Shared a member with another programme family",
    "service_ended": "Another service ended",
    "service_began": "Another service began",
}
SPREAD = ("programme_in_area", "person_of_programme")  # ways by which the programme may have reached comparison families
SERVICES = ("service_ended", "service_began")
VERBS = {
    "programme_in_area": "lived in the same small area as a family in the programme",
    "person_of_programme": "shared a member with another family in the programme",
    "service_ended": "lost another service",
    "service_began": "began another service",
}
MEANING = {
    SPREAD: "If help reached comparison families so, the effects shown are rather too small. Records show that a way was open, not that it was used.",
    SERVICES: "Where one group lost or began other services more often than the other, a part of the effects may be that of these services.",
}


def shown_pairs(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> dict[str, tuple[Shown, Shown]]:
    """For every way, the share of programme and of comparison families in whole per cent; [c] where few, or all but a few, are touched."""
    sides = ("treated", "comparison")
    return {row.way: tuple(share_of(row, side, ledger, nouns) for side in sides) for row in numbers.ways.itertuples()}


def share_of(row: object, side: str, ledger: Ledger, nouns: Nouns) -> Shown:
    """One arm's share."""
    share, part, whole = (getattr(row, f"{what}_{side}") for what in ("share", "n", "of"))
    what, place = f"{LABELS[row.way].lower()}, {side}", nouns.scope
    if whole < max(ledger.profile.threshold, 1):
        return ledger.keep(what, place, CONFIDENTIAL if whole else NOT_AVAILABLE)
    hidden = ledger.few(part, whole, nouns.many)
    return ledger.keep(what, place, CONFIDENTIAL if hidden else number(100 * share, 0))


def present_ways(
    numbers: PopulationNumbers, labels: tuple[str, ...], ledger: Ledger, nouns: Nouns
) -> tuple[tuple[Check, ...], tuple[TableContent, ...]]:
    """Lines for 'how far to trust it' and the table behind them; none where no way is known.

    Parameters
    ----------
    labels : tuple of str
        Of the outcomes that the report shows: the lines concern them all.
    """
    if numbers.ways.empty:
        return (), ()
    pairs = shown_pairs(numbers, ledger, nouns)
    return checks(numbers, pairs, labels, ledger, nouns), table(numbers, pairs, ledger, nouns)


def checks(
    numbers: PopulationNumbers, pairs: Mapping[str, tuple[Shown, Shown]], labels: tuple[str, ...], ledger: Ledger, nouns: Nouns
) -> tuple[Check, ...]:
    """A line on ways from the programme, and one on other services."""
    lines = []
    for name, asked in (("Ways to the comparison group", SPREAD), ("Other services", SERVICES)):
        told = [in_words(way, pairs[way], nouns) for way in asked if way in pairs]
        if not told or not labels:
            continue
        text = f"In the quarters up to {time_words(3 * numbers.headline[1])} after joining: {'; '.join(told)}. {MEANING[asked]}"
        sentence = ledger.said(text, what=f"check: {name}", population=nouns.scope)
        about = "All outcomes" if len(labels) > 1 else labels[0]
        lines.append(Check(name=name, outcome=about, verdict="information", sentence=sentence, outcomes=labels))
    return tuple(lines)


def in_words(way: str, pair: tuple[Shown, Shown], nouns: Nouns) -> str:
    """'12% of comparison families lived in ..., 15% of programme families'."""
    treated, comparison = pair
    if comparison.value is None and treated.value is None:
        return f"how many {nouns.many} {VERBS[way]} is not shown"
    if comparison.value is None:
        return f"how many comparison {nouns.many} {VERBS[way]} is not shown (programme {nouns.many}: {treated.text}%)"
    beside = "not shown" if treated.value is None else f"{treated.text}%"
    return f"{comparison.text}% of comparison {nouns.many} {VERBS[way]} (programme {nouns.many}: {beside})"


def table(numbers: PopulationNumbers, pairs: Mapping[str, tuple[Shown, Shown]], ledger: Ledger, nouns: Nouns) -> tuple[TableContent, ...]:
    """Every way with the shares of both groups, and of how many it is known."""
    rows = []
    for row in numbers.ways.itertuples():
        known = ledger.keep(f"known: {row.way}", nouns.scope, number(100 * row.known_comparison, 0))
        rows.append((LABELS[row.way], *(cell.text for cell in pairs[row.way]), known.text))
    return (
        TableContent(
            id="ways",
            title=f"What may have reached comparison {nouns.many} from the programme, and other services of both groups",
            columns=("Way", f"Programme {nouns.many} (%)", f"Comparison {nouns.many} (% by weight)", f"Known of comparison {nouns.many} (%)"),
            rows=tuple(rows),
            notes=(f"Matched {nouns.many}, from the quarter of joining up to quarter {numbers.headline[1]} after it.",),
        ),
    )
