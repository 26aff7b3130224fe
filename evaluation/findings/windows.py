"""The effect over 6, 12, 18 and 24 months after joining, in one table: whether what is found depends on how long families are followed."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.disclosure.ledger import Ledger, decimals
from evaluation.disclosure.release import OutcomeResult, ShownInterval, TableContent
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.study import OutcomeStudy
from evaluation.findings.summary import listed

NOT_ASKED = "[z]"  # the estimate of another design has no such window


def table(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger) -> tuple[TableContent, ...]:
    """One row an outcome, one column a window; none where no outcome has windows.

    Parameters
    ----------
    shown : sequence
        Outcomes that may be shown period by period: windows tell as much as single periods do.
    """
    told = [(study, result) for study, result in shown if study.windows]
    months = sorted({row.months for study, _ in told for row in study.windows})
    if not months:
        return ()
    found = {result.label: cells_of(study, result, nouns, ledger) for study, result in told}
    columns = ("Outcome", *(f"{one} months" for one in months))
    units = dict.fromkeys(result.change_unit for _, result in told)
    return (
        TableContent(
            id="effect-windows",
            title=title({label: list(cells.values()) for label, cells in found.items()}, nouns),
            columns=columns,
            rows=tuple((label, *(words_of(cells.get(one)) for one in months)) for label, cells in found.items()),
            notes=(
                f"Effect (95% interval), the mean of the whole quarters after that of joining; {'; '.join(units)}. Each time is that of"
                f" {nouns.many} who joined early enough to be followed to its end: longer times speak about fewer {nouns.many}, who joined earlier."
                " [x]: nobody joined so early.",
            ),
        ),
    )


def cells_of(study: OutcomeStudy, result: OutcomeResult, nouns: Nouns, ledger: Ledger) -> dict[int, ShownInterval]:
    """The protected effect of every window."""
    digits = decimals(study.numbers.effect.std_error)
    return {
        row.months: ledger.interval(
            row.estimate, of=nouns.many, digits=digits, what=f"effect over {row.months} months", population=result.outcome, fewest=row.fewest
        )
        for row in study.windows
    }


def words_of(cell: ShownInterval | None) -> str:
    """One cell of the table."""
    if cell is None:
        return NOT_ASKED
    return cell.estimate.text if not has_interval(cell) else f"{cell.estimate.text} ({cell.lower.text} to {cell.upper.text})"


def concludes(cell: ShownInterval) -> int:
    """-1 or 1 where the printed interval leaves zero out, by the side it lies on; 0 where it holds zero."""
    return 1 if cell.lower.value > 0 else -1 if cell.upper.value < 0 else 0


def has_interval(cell: ShownInterval) -> bool:
    """Whether an estimate is shown with both its ends."""
    return all(part.value is not None for part in (cell.estimate, cell.lower, cell.upper))


def title(found: dict[str, Sequence[ShownInterval]], nouns: Nouns) -> str:
    """For which outcomes another time after joining would lead to another conclusion, as far as is shown."""
    told = {label: {concludes(cell) for cell in cells if has_interval(cell)} for label, cells in found.items()}
    differ = [lower_first(label) for label, conclusions in told.items() if len(conclusions) > 1]
    if not any(told.values()):
        return f"Effects over 6 to 24 months are not shown, because few {nouns.many} stand behind them"
    if differ:
        return f"How long {nouns.many} are followed matters for {listed(differ)}"
    return f"How long {nouns.many} are followed does not change what is found"
