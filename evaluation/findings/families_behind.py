"""Families behind the numbers of a report, protected and worded: what stands in which of its sections."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import Check, OutcomeResult, Populations, TableContent
from evaluation.findings import missing_values, reach, support, touch
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns


def present_populations(
    numbers: PopulationNumbers, results: Sequence[OutcomeResult], ledger: Ledger, nouns: Nouns
) -> tuple[Populations, tuple[Check, ...], tuple[TableContent, ...]]:
    """What stands in 'who took part' and 'who the results speak for', lines of 'how far to trust it', and full tables; protected and worded.

    Parameters
    ----------
    results : sequence of OutcomeResult
        Every outcome of the report, protected.
    """
    labels = tuple(result.label for result in results if result.status == "estimated")
    content = Populations(
        support=support.sentences(numbers, ledger, nouns),
        windows=support.windows_table(numbers, ledger, nouns),
        exits=support.exits_table(numbers, ledger, nouns),
        reach=reach.sentences(numbers, ledger, nouns),
        complete=reach.complete_table(numbers, results, ledger, nouns),
        left_out=reach.left_out_table(numbers, ledger, nouns),
    )
    checks, ways = touch.present_ways(numbers, labels, ledger, nouns)
    tables = (*missing_values.table(numbers, ledger, nouns), *ways) if labels else ()  # where no outcome is shown, nothing stands behind one
    return content, checks, tables
