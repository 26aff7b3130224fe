"""Disclosure rules by name, and the strictest of several."""

from __future__ import annotations

import typing

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import OWNERS, RULES, rule_of
from evaluation.errors import DisclosureError
from evaluation.plan.leaving import DisclosurePlan, ProfileName


def test_a_plan_may_name_every_profile():
    assert set(typing.get_args(ProfileName)) == {*RULES, *OWNERS}


@pytest.mark.parametrize(
    "name, one, seven, nine, none, twelve",
    [
        ("ten_five", "[c]", "[c]", "[c]", "0", "10"),
        ("ons_srs", "[c]", "[c]", "[c]", "0", "12"),
        ("uk_llc", "[c]", "[c]", "[c]", "[c]", "12"),
        ("opensafely", "[c]", "[c]", "10", "[c]", "10"),
        ("nhs_hes", "[c]", "[c]", "10", "0", "10"),
        ("dfe_legacy", "[c]", "7", "9", "0", "12"),
        ("published", "1", "7", "9", "0", "12"),
    ],
)
def test_counts_under_each_rule(name, one, seven, nine, none, twelve):
    ledger = Ledger(profile=rule_of(name))
    shown = [ledger.count(number, of="families", what="n", population="p").text for number in (1, 7, 9, 0, 12)]
    assert shown == [one, seven, nine, none, twelve]


def test_the_strictest_of_each_parameter_is_in_force():
    rule = rule_of(("dfe_legacy", "opensafely", "moj"))
    assert (rule.threshold, rule.base, rule.zeros, rule.cohort, rule.largest) == (10, 5, "hidden", 60, 0.4375)
    assert rule.name == "dfe_legacy+opensafely+moj"


def test_the_rule_of_one_owner_is_that_of_the_strictest_owners_of_its_data():
    assert (rule_of("mhclg").threshold, rule_of("mhclg").cohort, rule_of("mhclg").name) == (10, 60, "mhclg")


def test_open_statistics_beside_records_do_not_weaken_the_rule():
    assert rule_of(("published", "ten_five")).threshold == 10


def test_the_sentence_states_the_parameters():
    assert "under 8" in rule_of("opensafely").sentence and "(none included)" in rule_of("opensafely").sentence
    assert "nearest 5" in rule_of("ten_five").sentence and "none or all of a group" in rule_of("ten_five").sentence
    assert "shown as they are" in rule_of("ons_srs").sentence and "at least 60 families" in rule_of("moj").sentence
    assert "published" in rule_of("published").sentence


def test_recalled_rules_are_marked():
    assert "recalled" in RULES["moj"].note and "check" in RULES["opensafely"].note


def test_exceptions_need_a_name_a_reason_and_a_day():
    given = {"number": "a: b", "name": "A. Checker", "reason": "agreed with the owner", "date": "2026-11-24"}
    assert DisclosurePlan(profile="ten_five", exceptions=[given]).exceptions[0].date == "2026-11-24"
    for missing in given:
        with pytest.raises(ValueError, match=missing):
            DisclosurePlan(profile="ten_five", exceptions=[{key: value for key, value in given.items() if key != missing}])
    for key, wrong in (("reason", "because"), ("date", "yesterday"), ("name", "")):
        with pytest.raises(ValueError):
            DisclosurePlan(profile="ten_five", exceptions=[given | {key: wrong}])


def test_none_or_all_of_a_group_are_hidden_where_the_rule_judges_noughts():
    for name, text in (("ten_five", "[c]"), ("nhs_hes", "0")):
        ledger = Ledger(profile=rule_of(name))
        assert ledger.count(0, of="families", what="n", population="p", within=18).text == text
    ledger = Ledger(profile=rule_of("ten_five"))
    shown = [ledger.count(n, of="families", what="n", population="p", within=30).text for n in (30, 25, 20, 10, 9)]
    assert shown == ["[c]", "[c]", "20", "10", "[c]"]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_minimum_and_no_maximum(share):
    with pytest.raises(DisclosureError, match="one unit's value"):
        Ledger(profile=rule_of("ten_five")).percentile(range(100), share, of="families", digits=0, what="days", population="p")


def test_a_percentile_is_a_band_of_means_of_ten():
    ledger = Ledger(profile=rule_of("ten_five"))
    shown = ledger.percentile([10 * n for n in range(61)], 0.5, of="families", digits=0, what="days", population="p")
    assert shown.text == "245 to 355"  # at 300: the ten below have mean 245, the ten above 355
    assert ledger.percentile(range(40), 0.5, of="families", digits=0, what="days", population="p").text == "[c]"
    assert ledger.percentile(range(60), 0.9, of="families", digits=0, what="days", population="p").text == "[c]"
    assert ledger.percentile([], 0.5, of="families", digits=0, what="days", population="p").text == "[x]"
    assert Ledger(profile=rule_of("published")).percentile(range(11), 0.5, of="families", digits=0, what="d", population="p").text == "5"


@pytest.mark.parametrize(
    "about, text",
    [
        ({}, "3.0"),
        ({"fewest": 9}, "[c]"),
        ({"fewest": 10}, "3.0"),
        ({"largest": 0.44}, "[c]"),
        ({"largest": 0.43, "two_largest": 0.87}, "[c]"),
        ({"largest": 0.43, "two_largest": 0.86}, "3.0"),
    ],
)
def test_averages_of_few_events_or_of_one_large_contributor_are_hidden(about, text):
    ledger = Ledger(profile=rule_of("ten_five"))
    assert ledger.level(3.0, n=40, of="families", digits=1, what="mean", population="p", **about).text == text


def test_an_average_needs_the_rules_cohort():
    for n, text in ((59, "[c]"), (60, "3")):
        assert Ledger(profile=rule_of("moj")).level(3.0, n=n, of="families", digits=0, what="mean", population="p").text == text
