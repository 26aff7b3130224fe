"""Fees: totals as they were published, the fee table by year, and what a cap does."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.locations import project_file
from evaluation.payment_by_results import read_framework
from evaluation.payment_by_results.fees import fee_of_results, financial_year, full_payment, payment, turned_around, year_label
from evaluation.payment_by_results.results import Results
from evaluation.periods import Periods

PERIODS = Periods.between("2012-Q1", "2016-Q4", kind="quarter")
A, C = 0, 1                                                              # places of the routes a and c in `claimable`


@pytest.fixture
def framework():
    return read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml")


def rows(start, route, met):
    """Results of families by the column in which they joined, route (-1: none) and claim."""
    n = len(start)
    no = np.zeros(n, dtype=bool)
    return Results(unit=np.arange(n), start=np.array(start), applies={}, route=np.array(route), met=np.array(met), followed=np.full(n, 4), met_by={},
                   aged_out=no, left=no, missing=no, claim_within=4)


@pytest.mark.parametrize(
    ("council", "families", "pounds"),
    [("Sheffield", 1_680, 5_600_000), ("Wandsworth", 660, 2_200_000)],  # S38, S39: exactly
)
def test_published_totals_are_families_times_five_sixths_times_four_thousand(framework, council, families, pounds):
    assert full_payment(framework, families) == pounds


@pytest.mark.parametrize(
    ("council", "families", "millions"),
    [("Birmingham", 4_180, 13.93), ("Lancashire", 2_630, 8.77), ("Wirral", 910, 3.03)],  # S38: just under 14 million, 8.8 million; S40 has 3.3
)
def test_published_totals_to_two_decimals_of_a_million(framework, council, families, millions):
    assert round(float(full_payment(framework, families)) / 1e6, 2) == millions


def test_families_turned_around_are_results_of_both_routes_added_up():
    assert turned_around({"a": 77_270, "c": 8_033}) == 85_303            # S97: autumn 2014
    assert turned_around({"a": 63_151, "c": 6_357}) == 69_508            # S97: the quarter before
    assert turned_around({"a": 1_253, "c": 117}) == 1_370                # S28: Devon


@pytest.mark.parametrize(("year", "attachment", "most"), [("2012/13", 3_200, 800), ("2013/14", 2_400, 1_600), ("2014/15", 1_600, 2_400)])
def test_the_fee_table(framework, year, attachment, most):
    fee = framework.fees.years[year]
    assert (fee.attachment, max(fee.results.values())) == (attachment, most)
    assert fee.attachment + fee.results["c"] == framework.fees.maximum.value
    assert (fee.results["a"], fee.results["a_b"]) == (most - 100, most)


def test_a_financial_year_begins_in_april():
    assert [year_label(int(year)) for year in financial_year(np.arange(5), PERIODS)] == ["2011/12", "2012/13", "2012/13", "2012/13", "2012/13"]


def test_a_result_is_paid_by_the_year_of_attachment_unless_the_plan_says_claim(framework):
    found = rows(start=[4], route=[A], met=[2])                           # joined in January to March 2013, claimed in July to September
    assert fee_of_results(framework, found, PERIODS, by="attachment").tolist() == [700]
    assert fee_of_results(framework, found, PERIODS, by="claim").tolist() == [1_500]


def test_payment_adds_attachment_and_results_for_five_sixths(framework):
    found = rows(start=[1, 1, 5, 9], route=[A, -1, C, -1], met=[4, 0, 3, 0])
    paid = payment(framework, found, PERIODS)
    assert paid.attachment == pytest.approx(5 / 6 * (3_200 + 3_200 + 2_400 + 1_600))
    assert paid.results == pytest.approx(5 / 6 * (700 + 1_600))
    assert (paid.n_attached, paid.n_results, paid.outside) == (4, 2, 0)


def test_pounds_stand_in_the_year_whose_fee_they_are_and_add_up(framework):
    found = rows(start=[1, 1, 5, 9], route=[A, -1, C, -1], met=[4, 0, 3, 0])  # results in April to June 2013 and January to March 2014
    attached = {"2012/13": 5 / 6 * (3_200 + 3_200 + 700), "2013/14": 5 / 6 * (2_400 + 1_600), "2014/15": 5 / 6 * 1_600}
    assert payment(framework, found, PERIODS).by_year == pytest.approx(attached)
    claimed = {"2012/13": 5 / 6 * 6_400, "2013/14": 5 / 6 * (2_400 + 1_500 + 1_600), "2014/15": 5 / 6 * 1_600}
    by_claim = payment(framework, found, PERIODS, by="claim", target=2)
    assert sum(by_claim.by_year.values()) == pytest.approx(by_claim.total) and by_claim.by_year["2014/15"] == pytest.approx(claimed["2014/15"] / 2)
    assert payment(framework, found, PERIODS, by="claim").by_year == pytest.approx(claimed)


def test_nothing_is_paid_outside_the_schedule_and_it_is_counted(framework):
    paid = payment(framework, rows(start=[0, 15], route=[A, A], met=[4, 4]), PERIODS)     # 2011/12 and 2015/16
    assert (paid.total, paid.n_results, paid.outside) == (0, 0, 2)


def test_no_more_than_the_target_is_paid(framework):
    found = rows(start=[1] * 10, route=[A] * 10, met=[4] * 10)
    assert payment(framework, found, PERIODS, target=5).total == pytest.approx(payment(framework, found, PERIODS).total / 2)
    assert payment(framework, found, PERIODS, target=20).total == payment(framework, found, PERIODS).total
