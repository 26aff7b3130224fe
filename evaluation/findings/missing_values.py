"""Why values are missing, for each outcome and arm: an outcome that came to an end is told apart from one not seen, and neither is zero."""

from __future__ import annotations

from evaluation.disclosure.ledger import CONFIDENTIAL, Ledger, number
from evaluation.disclosure.release import Shown, TableContent
from evaluation.disclosure.whose import ALL
from evaluation.findings.populations import PopulationNumbers, Seen
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.reach import NEARLY_ALL
from evaluation.panel.status import Status

REASONS = {
    "Grown out of it": (Status.AGED_OUT,),
    "Nobody, left or died": (Status.NOBODY, Status.LEFT, Status.DIED),
    "Moved away": (Status.MOVED,),
    "Not in the records": (Status.NOT_COVERED, Status.NOT_LINKED, Status.NOT_KNOWN),
}
LOW = Shown(value=0.0, text="[low]", symbol="[low]")


def table(numbers: PopulationNumbers, ledger: Ledger, nouns: Nouns) -> tuple[TableContent, ...]:
    """Per cent of the headline's quarters by why the outcome was not observed, all places together; beside it what was observed here."""
    if not may_show(numbers.seen_everywhere, ledger):
        return ()
    own = numbers.seen if not numbers.together and may_show(numbers.seen, ledger) else ()
    rows = []
    for place, one in enumerate(numbers.seen_everywhere):
        here = [kept("observed here", own[place], cells(own[place], ledger, nouns)[0], nouns.scope, ledger)] if own else []
        shown = zip(("observed", *REASONS), cells(one, ledger, nouns), strict=True)
        rows.append((f"{one.label}: {one.arm}", *here, *(kept(name, one, cell, ALL, ledger) for name, cell in shown)))
    first, last = numbers.headline
    places = "" if numbers.together else ", all places of the study together" + (" but for the first column" if own else "")
    return (
        TableContent(
            id="missing-values",
            title=title(numbers, nouns),
            columns=("Outcome and group", *(("Observed here", "Observed, all places") if own else ("Observed",)), *REASONS),
            rows=tuple(rows),
            notes=(
                f"Per cent of the quarters {first} to {last} after joining of matched {nouns.many}{places}; without quarters in which nothing is"
                f" collected, those after the records end, and those of comparison {nouns.many} after they joined.",
                "Grown out of it: the last member whom the outcome needs has passed its age. Nobody, left or died: there is no such member, or the"
                " last one has left the family or died. What was not observed is missing and never counted as zero or as a success.",
            ),
        ),
    )


def may_show(seen: tuple[Seen, ...], ledger: Ledger) -> bool:
    """Whether every arm has families enough."""
    return bool(seen) and min(one.n_families for one in seen) >= max(ledger.profile.threshold, 1)


def kept(what: str, one: Seen, cell: Shown, place: str, ledger: Ledger) -> str:
    """A cell, through the ledger."""
    return ledger.keep(f"quarters: {what}", f"{place}, {one.label}, {one.arm}", cell).text


def cells(one: Seen, ledger: Ledger, nouns: Nouns) -> list[Shown]:
    """One row: the share observed, then the reasons; a reason behind which few families stand is not shown, nor is what would tell it."""
    groups = [(Status.OBSERVED,), *REASONS.values()]
    quarters = [sum(one.quarters.get(status, 0) for status in group) for group in groups]
    behind = [sum(one.families.get(status, 0) for status in group) for group in groups]
    whole = sum(quarters)
    if not whole:
        return [Shown(value=None, text="[z]", symbol="[z]")] * len(groups)
    shown = [per_cent(part, whole) for part in quarters]
    hidden = [place for place in range(1, len(groups)) if behind[place] and ledger.small(behind[place], nouns.many)]
    others = [place for place in range(1, len(groups)) if quarters[place] and place not in hidden]
    if hidden and not others:
        shown[0] = NEARLY_ALL if quarters[0] >= 0.9 * whole else CONFIDENTIAL
    elif len(hidden) == 1:
        hidden.append(min(others, key=lambda place: quarters[place]))
    for place in hidden:
        shown[place] = CONFIDENTIAL
    return shown


def per_cent(part: int, whole: int) -> Shown:
    """A whole percentage; [low] where it rounds to zero but is not."""
    return LOW if part and round(100 * part / whole) == 0 else number(100 * part / whole, 0)


def title(numbers: PopulationNumbers, nouns: Nouns) -> str:
    """Of which outcome least was seen, and of how much."""
    seen = [(one.quarters.get(Status.OBSERVED, 0) / total, one) for one in numbers.seen_everywhere if (total := without_gaps(one))]
    if not seen:
        return f"Why values of {nouns.many} are missing"
    share, least = min(seen, key=lambda pair: pair[0])
    if share > 0.95:
        return "Nearly every outcome was observed nearly always"
    words = "about half" if 0.4 <= share <= 0.6 else "most" if share > 0.6 else "less than half"
    return f"Why values are missing: least was seen of {lower_first(least.label)}, {words} of the quarters in the {least.arm} group"


def without_gaps(one: Seen) -> int:
    """Quarters in which something is collected."""
    return sum(n for status, n in one.quarters.items() if status != Status.NOT_COLLECTED)
