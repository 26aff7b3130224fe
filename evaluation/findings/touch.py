"""What may have reached comparison families from the programme, or been taken from them: shares of both groups, without a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evaluation.disclosure.ledger import CONFIDENTIAL, NOT_APPLICABLE, NOT_AVAILABLE, Ledger, number
from evaluation.disclosure.release import Check, Shown, TableContent
from evaluation.disclosure.whose import ALL
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns
from evaluation.findings.summary import listed
from evaluation.findings.support import time_words

if TYPE_CHECKING:
    import pandas as pd

Pairs = Mapping[str, tuple[Shown, Shown]]  # way -> share of programme, and of comparison families

LABELS = {
    "programme_in_area": "Lived in a small area with a programme family",
    "person_of_programme": "Shared a member with another programme family",
    "service_ended": "Another service ended",
    "service_ended_in_council": "The same, in councils with the programme",
    "service_began": "Another service began",
}
IN_COUNCIL = "service_ended_in_council"
SPREAD = ("programme_in_area", "person_of_programme")  # ways by which the programme may have reached comparison families
SERVICES = ("service_ended", "service_ended_in_council", "service_began")
VERBS = {
    "programme_in_area": "lived in the same small area as another family in the programme",
    "person_of_programme": "shared a member with another family in the programme",
    "service_ended": "lost another service",
    "service_ended_in_council": "of councils with the programme lost another service",
    "service_began": "began another service",
}
MEANING = {
    SPREAD: "If help reached comparison families so, the effects shown are rather too small. Records show that a way was open, not that it was used.",
    SERVICES: "Where one group lost or began other services more often than the other, a part of the effects may be that of these services.",
}


def present_ways(
    numbers: PopulationNumbers, labels: tuple[str, ...], ledger: Ledger, nouns: Nouns
) -> tuple[tuple[Check, ...], tuple[TableContent, ...]]:
    """Lines for 'how far to trust it' and the table behind them; none where no way is known.

    Parameters
    ----------
    labels : tuple of str
        Of the outcomes that the report shows: the lines concern them all.
    """
    if numbers.ways_everywhere.empty:
        return (), ()
    everywhere = shown_pairs(numbers.ways_everywhere, ALL, ledger, nouns)
    own = everywhere if numbers.together else shown_pairs(numbers.ways, nouns.scope, ledger, nouns)
    return checks(numbers, own, everywhere, labels, ledger, nouns), table(numbers, own, everywhere, ledger, nouns)


def shown_pairs(ways: pd.DataFrame, place: str, ledger: Ledger, nouns: Nouns) -> Pairs:
    """For every way, the share of programme and of comparison families in whole per cent; [c] where few, or all but a few, are touched."""
    sides, rows = ("treated", "comparison"), {row.way: row for row in ways.itertuples()}
    found = {way: tuple(share_of(row, side, place, ledger, nouns) for side in sides) for way, row in rows.items()}
    if IN_COUNCIL in found and few_elsewhere(rows["service_ended"], rows[IN_COUNCIL], ledger, nouns):
        found[IN_COUNCIL] = tuple(ledger.keep(f"{LABELS[IN_COUNCIL].lower()}, {side}", place, CONFIDENTIAL) for side in sides)
    return found


def few_elsewhere(everywhere: object, here: object, ledger: Ledger, nouns: Nouns) -> bool:
    """Whether the shares of all comparison families and of those of some councils would leave a small group between them."""
    outside, touched = everywhere.of_comparison - here.of_comparison, everywhere.n_comparison - here.n_comparison
    return outside > 0 and (ledger.few(touched, outside, nouns.many) or ledger.small(outside, nouns.many))


def share_of(row: object, side: str, place: str, ledger: Ledger, nouns: Nouns) -> Shown:
    """One arm's share."""
    share, part, whole = (getattr(row, f"{what}_{side}") for what in ("share", "n", "of"))
    what = f"{LABELS[row.way].lower()}, {side}"
    if whole < max(ledger.profile.threshold, 1):
        return ledger.keep(what, place, CONFIDENTIAL if whole else NOT_AVAILABLE)
    hidden = ledger.few(part, whole, nouns.many)
    return ledger.keep(what, place, CONFIDENTIAL if hidden else number(100 * share, 0))


def checks(numbers: PopulationNumbers, own: Pairs, everywhere: Pairs, labels: tuple[str, ...], ledger: Ledger, nouns: Nouns) -> tuple[Check, ...]:
    """A line on ways from the programme, and one on other services."""
    lines = []
    for name, asked in (("Ways to the comparison group", SPREAD), ("Other services", SERVICES)):
        there = [way for way in asked if way in everywhere]
        if not there or not labels:
            continue
        text = f"Up to {time_words(3 * numbers.headline[1])} after joining, {told(there, own, everywhere, nouns)}. {MEANING[asked]}"
        sentence = ledger.said(text, what=f"check: {name}", population=nouns.scope)
        about = "All outcomes" if len(labels) > 1 else labels[0]
        lines.append(Check(name=name, outcome=about, verdict="information", sentence=sentence, outcomes=labels))
    return tuple(lines)


def told(asked: Sequence[str], own: Pairs, everywhere: Pairs, nouns: Nouns) -> str:
    """Shares of both groups here; those of all places where these may not be shown, or of one group; then what cannot be told at all."""
    here = [way for way in asked if shows(own, way) == 2]
    elsewhere = [way for way in asked if way not in here and shows(everywhere, way) > shows(own, way)]
    half = [way for way in asked if way not in (*here, *elsewhere) and shows(own, way)]
    hidden = [f"how many {nouns.many} {VERBS[way]}" for way in asked if way not in (*here, *elsewhere, *half)]
    parts = [in_words(way, own[way], nouns) for way in (*here, *half)]
    if elsewhere:
        parts.append("in all places of the study together " + " and ".join(in_words(way, everywhere[way], nouns) for way in elsewhere))
    if hidden:
        parts.append(f"{listed(hidden)} {'is' if len(hidden) == 1 else 'are'} not shown")
    return "; ".join(parts)


def shows(pairs: Pairs, way: str) -> int:
    """How many of the two shares of a way may be shown."""
    return sum(one.value is not None for one in pairs[way]) if way in pairs else 0


def in_words(way: str, pair: tuple[Shown, Shown], nouns: Nouns) -> str:
    """'12% of comparison and 15% of programme families lived in ...'; of the group whose share may be shown, where the other's may not."""
    treated, comparison = pair
    if treated.value is None:
        return f"{comparison.text}% of comparison {nouns.many} {VERBS[way]}, and the share of programme {nouns.many} is not shown"
    if comparison.value is None:
        return f"{treated.text}% of programme {nouns.many} {VERBS[way]}, and the share of comparison {nouns.many} is not shown"
    return f"{comparison.text}% of comparison and {treated.text}% of programme {nouns.many} {VERBS[way]}"


def table(numbers: PopulationNumbers, own: Pairs, everywhere: Pairs, ledger: Ledger, nouns: Nouns) -> tuple[TableContent, ...]:
    """Every way with the shares of both groups, here and in all places, and of how many it is known."""
    here = bool(own) and not numbers.together
    columns = [f"{side}{place}" for place in ((" here", ", all places") if here else ("",)) for side in ("Programme", "Comparison")]
    rows = []
    for row in numbers.ways_everywhere.itertuples():
        cells = [*(own[row.way] if here else ()), *everywhere[row.way]]
        share = number(100 * row.known_comparison, 0) if row.way != IN_COUNCIL else NOT_APPLICABLE  # would count the families of other councils
        rows.append((LABELS[row.way], *(cell.text for cell in cells), ledger.keep(f"known: {row.way}", ALL, share).text))
    return (
        TableContent(
            id="ways",
            title=f"What may have reached comparison {nouns.many} from the programme, and other services of both groups",
            columns=("Way", *columns, "Known of comparison"),
            rows=tuple(rows),
            notes=(
                f"Per cent of matched {nouns.many}, comparison {nouns.many} by weight, from the quarter of joining up to quarter"
                f" {numbers.headline[1]} after it.",
            ),
        ),
    )
