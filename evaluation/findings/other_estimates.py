"""The same effect told otherwise: with other base periods, estimators and comparison groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals
from evaluation.disclosure.release import OutcomeResult, TableContent
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.present import Nouns, lower_first, verdict
from evaluation.findings.study import OutcomeStudy
from evaluation.findings.summary import listed
from evaluation.models.effects import Estimate


def base_table(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger, *, whole: bool = True) -> tuple[TableContent, ...]:
    """The headline with other base periods, matched and unmatched, side by side; `whole` if no outcome with an estimate is left out."""
    rows = []
    for study, result in shown:
        digits = decimals(study.numbers.effect.std_error)
        for row in study.bases:
            cells = [
                ledger.interval(estimate, of=nouns.many, digits=digits, what=f"base {row.base}", population=result.outcome)
                for estimate in (row.matched, row.unmatched)
            ]
            rows.append((f"{result.label}: base {row.base}", *(words_of(cell) for cell in cells)))
    if not rows:
        return ()
    return (
        TableContent(
            id="base-periods",
            title=base_title([study for study, _ in shown], whole=whole),
            columns=("Outcome and base", "Matched", "Unmatched"),
            rows=tuple(rows),
            notes=(
                "Estimate with 95% interval. Large differences between bases near the start are a sign of families joining at a crisis.",
                "Unmatched: all candidates at risk are the comparison.",
            ),
        ),
    )


def side_of_zero(estimate: Estimate, digits: int) -> int:
    """-1 or 1 where the interval as printed leaves zero out, by the side it lies on; 0 where it holds zero."""
    return 1 if round(estimate.lower, digits) > 0 else -1 if round(estimate.upper, digits) < 0 else 0


def concludes_otherwise(numbers: OutcomeNumbers, other: Estimate) -> bool:
    """Whether another estimate's interval says something else about zero than the headline; False where it has no interval."""
    if not (np.isfinite(other.lower) and np.isfinite(other.upper)):
        return False
    digits = decimals(numbers.effect.std_error)
    own = 0 if verdict(numbers) == "not_detectable" else side_of_zero(numbers.effect, digits)
    return side_of_zero(other, digits) != own


def other_base_concludes_otherwise(study: OutcomeStudy) -> bool:
    """Whether with another base the conclusion would differ."""
    return any(concludes_otherwise(study.numbers, row.matched) for row in study.bases if not row.is_plans)


def moved_by_base(study: OutcomeStudy) -> bool:
    """Whether another base gives an interval that, as printed, leaves the plan's estimate out, whatever it says about zero."""
    effect, digits = study.numbers.effect, decimals(study.numbers.effect.std_error)
    ranges = [(row.matched.lower, row.matched.upper) for row in study.bases]
    return any(np.isfinite(low) and not round(low, digits) <= round(effect.estimate, digits) <= round(high, digits) for low, high in ranges)


def depends_on_base(study: OutcomeStudy) -> bool:
    """Whether another base gives an interval that leaves the plan's estimate out, or one that says something else about zero."""
    return moved_by_base(study) or other_base_concludes_otherwise(study)


def base_title(studies: Sequence[OutcomeStudy], *, whole: bool = True) -> str:
    """Whether the base period matters, as a title: for the outcomes of the table, which says so where it is not `whole`."""
    names = [lower_first(study.numbers.outcome.label) for study in studies if depends_on_base(study)]
    of = "" if whole else f" for the {'outcome' if len(studies) == 1 else 'outcomes'} shown here"
    return f"The estimate depends on the base period for {listed(names)}" if names else f"The estimate does not depend on the base period{of}"


def other_table(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger) -> tuple[TableContent, ...]:
    """The headline by other estimators and comparison groups."""
    rows = []
    for study, result in shown:
        for other in study.others:
            digits = decimals(study.numbers.effect.std_error)
            cell = ledger.interval(other.estimate, of=nouns.many, digits=digits, what=other.label, population=result.outcome)
            rows.append((f"{result.label}: {lower_first(other.label)}", words_of(cell), other.note or other.estimate.reason))
    if not rows:
        return ()
    columns = ("Outcome and estimator", "Estimate (95% interval)", "Note")
    if not any(row[2] for row in rows):
        columns, rows = columns[:2], [row[:2] for row in rows]
    return (TableContent(id="other-estimates", title="Other estimates of the same effect", columns=columns, rows=tuple(rows)),)


def words_of(cell: object) -> str:
    """An interval in one table cell."""
    return cell.estimate.text if cell.estimate.value is None else f"{cell.estimate.text} ({cell.lower.text} to {cell.upper.text})"
