"""How many effects were tested, and what is left of each when their number is counted: one table, by families of outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import OutcomeResult, Shown, TableContent
from evaluation.findings.present import lower_first, verdict, why_hidden
from evaluation.findings.study import OutcomeStudy
from evaluation.findings.summary import listed, words

SIZE = 0.05
METHODS = {
    "holm": "Holm: the chance of any false finding in the family stays under the size, whatever the dependence of the tests",
    "romano_wolf": "Romano and Wolf: the chance of any false finding in the family stays under the size, by the dependence found in the data",
    "benjamini_hochberg": "Benjamini and Hochberg: the expected share of false findings among the findings stays under the size",
    "none": "not adjusted",
}
OTHER_REPORTS = " Reports of other councils make tests of their own, which are not counted here."
FAMILIES = {"primary": "main", "secondary": "secondary"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTest:
    """One test of no effect.

    Attributes
    ----------
    outcome : str
    family : 'primary' or 'secondary'
    method : 'holm', 'romano_wolf', 'benjamini_hochberg' or 'none'
    p_value, adjusted : float
        Of the test alone, and counted with the others of its family.
    """

    outcome: str
    family: str
    method: str
    p_value: float
    adjusted: float


def table(
    tests: Sequence[OutcomeTest],
    shown: Sequence[tuple[OutcomeStudy, OutcomeResult]],
    n_planned: int,
    ledger: Ledger,
    *,
    charted: Sequence[tuple[OutcomeStudy, OutcomeResult]],
    one_of_many: bool,
) -> tuple[TableContent, ...]:
    """The tests that a report may show.

    Parameters
    ----------
    n_planned : int
        Outcomes that the plan asks for, tested or not.
    charted : sequence
        Those of `shown` that the tables of bases and windows hold.
    one_of_many : bool
        Whether other reports of the study test effects of their own.
    """
    results = {result.outcome: result for _, result in shown}
    told = [test for test in tests if test.outcome in results]
    if not told:
        return ()
    rows = tuple(
        (
            results[test.outcome].label,
            FAMILIES[test.family],
            ledger.keep("p value", test.outcome, p_shown(test.p_value)).text,
            ledger.keep("adjusted p value", test.outcome, p_shown(test.adjusted)).text,
        )
        for test in told
    )
    notes = (counted(told, n_planned) + (OTHER_REPORTS if one_of_many else ""), *methods(told), others(shown, charted), *lost(told, results))
    return (
        TableContent(
            id="tests",
            title=title(told),
            columns=("Outcome", "Family", "p value", "Adjusted p value"),
            rows=rows,
            notes=tuple(ledger.said(note, what="tests counted", population="study") for note in notes),
        ),
    )


def p_shown(p: float) -> Shown:
    """A p value to three decimals, never nought."""
    return Shown(value=max(round(p, 3), 0.001), text=f"{p:.3f}" if p >= 0.001 else "under 0.001")


def title(tests: Sequence[OutcomeTest]) -> str:
    """How many tests stay after adjustment."""
    left = sum(test.adjusted < SIZE for test in tests)
    if len(tests) == 1:
        return f"The one effect tested {'differs' if left else 'does not differ'} from zero by more than chance"
    verb = "differ" if left > 1 else "differs"
    return f"With all tests counted, {words(left) if left else 'none'} of the {words(len(tests))} effects {verb} from zero by more than chance"


def counted(tests: Sequence[OutcomeTest], n_planned: int) -> str:
    """How many were tested, of how many planned."""
    parts = [f"{words(n)} {FAMILIES[family]}" for family in FAMILIES if (n := sum(test.family == family for test in tests))]
    untested = n_planned - len(tests)
    more = (
        f" {words(untested).capitalize()} more planned {'outcome' if untested == 1 else 'outcomes'} could not be tested or shown." if untested else ""
    )
    return (
        f"{words(len(tests)).capitalize()} {'effect was' if len(tests) == 1 else 'effects were'} tested in this report ({', '.join(parts)}).{more}"
    )


def methods(tests: Sequence[OutcomeTest]) -> tuple[str, ...]:
    """How each family was adjusted."""
    found = dict.fromkeys((test.family, test.method) for test in tests)
    return tuple(f"{FAMILIES[family].capitalize()} outcomes: {METHODS[method]}." for family, method in found)


def others(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], charted: Sequence[tuple[OutcomeStudy, OutcomeResult]]) -> str:
    """How many other estimates of the same effects the report's tables hold, and how many checks: told, never adjusted for, never picked from."""
    with_base = sum(2 * len(study.bases) - sum(row.is_plans for row in study.bases) for study, _ in charted)
    windows, estimators = sum(len(study.windows) for study, _ in charted), sum(len(study.others) for study, _ in shown)
    ways = [name for name, n in (("bases", with_base), ("comparisons", with_base), ("windows", windows), ("estimators", estimators)) if n]
    n_ways, n_checks = with_base + windows + estimators, sum(len(study.checks) for study, _ in shown)
    two = " (a row of the table of bases holds two, matched and unmatched; the plan's own matched one is the effect)" if with_base else ""
    estimates = f"{n_ways:,} more estimate{'' if n_ways == 1 else 's'} of the same effects with other {listed(ways)}{two}"
    checks = f"{n_checks:,} check{'' if n_checks == 1 else 's'}"
    return f"Besides, this report gives {f'{estimates}, and {checks}' if n_ways else checks}; none of them decides which effect is shown."


def gone(test: OutcomeTest) -> bool:
    """Whether an outcome differs when looked at alone, by its p value as printed, and no more when all are counted."""
    return p_shown(test.p_value).value < SIZE <= test.adjusted and math.isfinite(test.adjusted)


def caveats(tests: Sequence[OutcomeTest], studies: Sequence[OutcomeStudy], threshold: int, many: str) -> tuple[str, ...]:
    """For page one: main outcomes told as better or worse whose difference could be chance once all main outcomes are counted."""
    told = {
        study.numbers.outcome.name: lower_first(study.numbers.outcome.label)
        for study in studies
        if study.numbers.primary and study.numbers.effect is not None and not why_hidden(study.numbers, threshold, many)
        and verdict(study.numbers) in ("better", "worse")
    }
    main = [test for test in tests if test.family == "primary"]
    names = [told[test.outcome] for test in main if test.outcome in told and gone(test)]
    if not names:
        return ()
    return (f"With all {words(len(main))} main outcomes counted, the finding{'s' if len(names) > 1 else ''} on {listed(names)} could be chance.",)


def lost(tests: Sequence[OutcomeTest], results: dict[str, OutcomeResult]) -> tuple[str, ...]:
    """Outcomes that differ when looked at alone, and no more when all are counted."""
    names = [lower_first(results[test.outcome].label) for test in tests if gone(test)]
    if not names:
        return ()
    return (f"Looked at alone, {listed(names)} would differ from zero by more than chance; with all tests of the family counted, not.",)
