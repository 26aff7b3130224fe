"""What the ledger shows and what it holds back."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.disclosure.ledger import CONFIDENTIAL, NOT_AVAILABLE, Ledger, decimals, number
from evaluation.disclosure.rules import RULES
from evaluation.models.effects import Estimate

ESTIMATE = Estimate(
    estimate=-1.2345,
    std_error=0.456,
    lower=-2.13,
    upper=-0.34,
    df=100,
    p_value=0.01,
    n_treated=40,
    n_comparison=90,
    clusters="sets",
    n_clusters=40,
    method="CR1",
)


@pytest.fixture
def ledger():
    return Ledger(profile=RULES["ten_five"])


@pytest.mark.parametrize("count, text", [(0, "0"), (1, "[c]"), (9, "[c]"), (10, "10"), (12, "10"), (13, "15"), (1_238, "1,240")])
def test_counts_of_families_are_hidden_under_ten_and_rounded_to_five(ledger, count, text):
    assert ledger.count(count, of="families", what="joined", population="all").text == text


def test_counts_of_councils_are_as_they_are(ledger):
    assert ledger.count(3, of="councils", what="n", population="all").text == "3"


@given(part=st.integers(0, 3_000), rest=st.integers(0, 3_000))
def test_a_percentage_tells_no_more_than_the_rounded_counts_beside_it(part, rest):
    ledger, whole = Ledger(profile=RULES["ten_five"]), part + rest
    shown = ledger.share(part, whole, of="families", what="share", population="all")
    if min(part, rest) < 10:
        assert shown.symbol == "[c]"
    else:
        assert shown.value == round(100 * ledger.rounded(part, "families") / ledger.rounded(whole, "families"))


def test_none_and_all_are_not_shown_as_a_share(ledger):
    assert (
        ledger.share(0, 50, of="families", what="s", population="p") == ledger.share(50, 50, of="families", what="s", population="p") == CONFIDENTIAL
    )


@pytest.mark.parametrize("side", ["n_treated", "n_comparison"])
def test_an_effect_needs_ten_families_on_each_side(ledger, side):
    assert ledger.interval(dataclasses.replace(ESTIMATE, **{side: 9}), of="families", what="effect", population="p").estimate == CONFIDENTIAL


def test_an_effect_keeps_two_figures_of_its_standard_error(ledger):
    shown = ledger.interval(ESTIMATE, of="families", what="effect", population="p")
    assert [shown.estimate.text, shown.lower.text, shown.upper.text] == ["\N{MINUS SIGN}1.23", "\N{MINUS SIGN}2.13", "\N{MINUS SIGN}0.34"]


def test_an_effect_that_does_not_exist_is_not_available(ledger):
    missing = dataclasses.replace(ESTIMATE, estimate=math.nan)
    assert ledger.interval(missing, of="families", what="effect", population="p").estimate == NOT_AVAILABLE


def test_every_number_is_remembered(ledger):
    ledger.count(3, of="families", what="a", population="p")
    ledger.level(1.0, n=50, of="families", digits=1, what="b", population="p")
    assert [(entry.what, entry.shown.text) for entry in ledger.entries] == [("a", "[c]"), ("b", "1.0")]


def test_a_value_that_rounds_to_zero_has_no_sign():
    assert number(-0.004, 2, signed=True).text == "0.00"


@pytest.mark.parametrize("error, places", [(0.0123, 3), (0.123, 2), (1.23, 1), (12.3, 0), (123.0, 0), (1e-9, 4), (math.nan, 2)])
def test_decimals_follow_the_standard_error(error, places):
    assert decimals(error) == places


@pytest.mark.parametrize("asked, shown", [(None, "1.23"), (1, "1.2"), (3, "1.234"), (6, "1.234")])
def test_an_effect_on_people_has_at_most_one_decimal_more_than_its_error_bears(ledger, asked, shown):
    assert ledger.interval(ESTIMATE, of="families", digits=asked, what="effect", population="p").estimate.text == f"\N{MINUS SIGN}{shown}"


def test_the_entries_of_an_interval_are_repaired_together(ledger):
    ledger.interval(ESTIMATE, of="families", what="effect", population="p")
    assert len({entry.key for entry in ledger.entries}) == 1 and len(ledger.entries) == 3


def test_a_number_worked_out_from_protected_ones_and_a_sentence_are_remembered(ledger):
    assert ledger.derived(12.34, 1, what="distance").text == "12.3" and ledger.said("about 5%", what="coarse") == "about 5%"
    assert [entry.shown.text for entry in ledger.entries] == ["12.3", "about 5%"]
