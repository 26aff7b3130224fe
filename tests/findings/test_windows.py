"""Effects over 6 to 24 months: what the table shows, what its title says, and what it hides."""

from __future__ import annotations

import math

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings import windows
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.present import Nouns, present
from evaluation.findings.study import OutcomeStudy, WindowRow
from evaluation.models.effects import Estimate

MINUS = "\N{MINUS SIGN}"
FAMILIES = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)


def estimate(value: float, half: float = 2.0, n: int = 200) -> Estimate:
    return Estimate(
        estimate=value, std_error=half / 2, lower=value - half, upper=value + half, df=100, p_value=0.5, n_treated=n, n_comparison=n,
        clusters="matched sets", n_clusters=n, method="CR1 cluster-robust",
    )  # fmt: skip


@pytest.fixture
def made(dictionary):
    """The table of one outcome with the windows given: months -> (estimate, fewest)."""

    def table(**found: tuple[Estimate, int | None]):
        numbers = OutcomeNumbers(
            outcome=dictionary.outcomes["out_of_work_benefit"], primary=True, status="estimated", effect=estimate(-5.0), before=48.0, after=40.0,
            n_before_after=200, comparison_level=45.0, detectable=3.0, fewest=60,
        )  # fmt: skip
        rows = tuple(WindowRow(months=int(key[1:]), estimate=one, fewest=fewest) for key, (one, fewest) in found.items())
        ledger = Ledger(profile=RULES["ten_five"])
        study = OutcomeStudy(numbers=numbers, windows=rows)
        return windows.table([(study, present(numbers, ledger, FAMILIES))], FAMILIES, ledger), ledger

    return table


def test_every_window_has_its_column_and_every_number_is_the_ledgers(made):
    (table,), ledger = made(m6=(estimate(-4.0), 60), m12=(estimate(-5.0), 60), m24=(estimate(-6.0), 60))
    assert table.columns == ("Outcome", "6 months", "12 months", "24 months")
    assert table.rows[0][1:] == tuple(f"{MINUS}{one}.0 ({MINUS}{one + 2}.0 to {MINUS}{one - 2}.0)" for one in (4, 5, 6))
    kept = {entry.shown.text for entry in ledger.entries}
    assert {f"{MINUS}{one}.0" for one in (2, 3, 4, 5, 6, 7, 8)} <= kept


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (estimate(-6.0), "How long families are followed does not change what is found"),
        (estimate(-1.0), "How long families are followed matters for out-of-work benefits"),
        (estimate(5.0), "How long families are followed matters for out-of-work benefits"),
        (estimate(math.nan), "How long families are followed does not change what is found"),
    ],
)
def test_the_title_says_whether_another_time_would_conclude_otherwise(made, last, words):
    (table,), _ = made(m12=(estimate(-5.0), 60), m24=(last, 60))
    assert table.title == words


def test_windows_of_few_families_or_few_events_are_hidden_and_one_that_nobody_reaches_is_not_available(made):
    (table,), _ = made(m6=(estimate(-4.0, n=9), 60), m12=(estimate(-5.0), 9), m24=(estimate(math.nan), None))
    assert table.rows[0][1:] == ("[c]", "[c]", "[x]")
    assert table.title == "Effects over 6 to 24 months are not shown, because few families stand behind them"


def test_without_windows_there_is_no_table(made):
    assert made()[0] == ()
