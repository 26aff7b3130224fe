"""Fees for who pays and who gains: by the rules, year by year in the plan's prices, or the plan's own in their place."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.payment_by_results.fees import Payment
from evaluation.pipeline.fees import fees_of
from tests.findings.worths import plan
from tests.value.cases import BOOK

LEDGER = Ledger(profile=RULES["ten_five"])
OWN = {"pounds": 100_000, "price_year": "2012/13", "source": "claims paid"}
# HM Treasury, GDP deflators, September 2019, 2014/15 = 100: 2012/13 96.7559, 2013/14 98.6228
IN_2012_13, IN_2013_14 = 100 / 96.7559, 100 / 98.6228


def payment(n_attached: int = 60, n_results: int = 30, fee_by: str = "attachment", **by_year: float):
    """What a page of payment knows of the fees."""
    years = {name.replace("y", "").replace("_", "/"): pounds for name, pounds in by_year.items()}
    total = sum(years.values())
    paid = Payment(attachment=total, results=0.0, n_attached=n_attached, n_results=n_results, outside=0, by_year=years)
    return SimpleNamespace(framework=SimpleNamespace(title="Rules of 2012"), paid=paid, fee_by=fee_by)


def found(given=None, first: int = 2012, share: float = 1.0, **value):
    return fees_of(plan(**value), given, share=share, book=BOOK, first=first, ledger=LEDGER)


def test_each_years_fees_are_brought_to_the_prices_of_the_plan_and_discounted():
    by_hand = 160_000 * IN_2012_13 + 90_000 * IN_2013_14 / 1.035  # 165,364.6 + 88,170.8 = 253,535.4
    fees = found(payment(y2012_13=160_000.0, y2013_14=90_000.0))
    assert by_hand == pytest.approx(253_535.4, abs=0.1) and fees.pounds == 250_000
    assert "Rules of 2012" in fees.source and "the year of joining, in 2014/15 prices" in fees.source and not fees.reason
    assert "the year of the claim" in found(payment(fee_by="claim", y2012_13=160_000.0)).source


def test_a_fee_of_another_year_is_worth_something_else():
    one, other = (found(payment(**{year: 99_400.0})).pounds for year in ("y2012_13", "y2013_14"))
    assert (one, other) == (100_000, 97_000)  # 102,732.8 and 97,379.7 to two figures


def test_the_plans_own_fees_win_and_what_the_rules_would_give_stands_beside_them():
    fees = found(payment(y2012_13=160_000.0), fees=OWN, share=0.5)
    assert fees.pounds == pytest.approx(50_000 * IN_2012_13) and fees.by_rules == 170_000  # 165,364.6
    assert fees.source == "as the plan gives them (claims paid)"
    assert found(None, fees=OWN).by_rules is None and not fees.gap
    late = payment(y2012_13=160_000.0)
    late.paid = dataclasses.replace(late.paid, outside=3)
    assert found(late).gap and found(late, fees=OWN).gap


@pytest.mark.parametrize("few", [{"n_results": 9}, {"n_attached": 9}])
def test_fees_behind_which_few_families_stand_are_not_told(few):
    fees = found(payment(y2012_13=160_000.0, **few))
    assert (fees.pounds, fees.source) == (0.0, "") and "fewer than 10 families" in fees.reason
    assert found(payment(y2012_13=160_000.0, **few), fees=OWN).by_rules is None


def test_without_fees_there_is_a_reason_and_without_a_framework_none():
    assert "pays nothing for the years of this study" in found(payment()).reason
    assert found().reason == found().source == ""


def test_a_year_without_a_deflator_is_a_reason_and_no_error():
    assert "2024/25' is not" in found(payment(y2024_25=1_000.0)).reason
