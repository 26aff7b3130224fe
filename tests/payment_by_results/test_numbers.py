"""Counts of one report on families that can be checked by hand: criteria, claims by route, problems, and whose counts they are."""

from __future__ import annotations

import numpy as np
import pytest
from small_records import adult, asb, benefit, checked, child, day, family, terms

from evaluation.payment_by_results.agreement import read_claims
from evaluation.payment_by_results.numbers import PaymentStudy, by_criteria, has_claim, numbers_of, take

BAD, GOOD = (20, 20, 20), (0, 0, 0)


@pytest.fixture
def study(apply, tmp_path, dictionary):
    """a: all three criteria, no result. b: schooling and work, result by schooling. c: schooling, result. d: none. e: not linked to schools."""
    names = "abcde"
    people = [person for f in names for person in (adult(f"p{f}", f), child(f"k{f}", f))]
    attendance = [*terms("ka", BAD, BAD), *terms("kb", BAD, GOOD), *terms("kc", BAD, GOOD), *terms("kd", GOOD, GOOD)]
    panel, rules, results = apply(
        families=[*(family(f) for f in names), family("z", joins=None)], people=[*people, adult("pz", "z")], attendance=attendance,
        unlinked={("ke", "education")}, benefit_spells=[benefit("pa", "2011-01-01"), benefit("pb", "2011-01-01")],
        asb_incidents=[asb(3, family_id="a", action="contract"), *(asb(c, family_id="a") for c in (5, 6, 7, 8))])  # fmt: skip
    rows = [{"family_id": "a", "claim_date": day(8), "route": "c"}, {"family_id": "b", "claim_date": day(8), "route": "a_b"}]
    claims = read_claims(checked(tmp_path, dictionary, "results_claimed", rows), panel)
    return PaymentStudy(panel=panel, rules=rules, attached=results, lenient=results, matched=None, claims=claims)


def test_families_are_counted_by_how_many_criteria_the_records_show(study):
    assert by_criteria(study.rules, study.attached) == (1, 1, 2, 1)


def test_counts_of_one_report_are_of_its_own_families(study):
    everyone = numbers_of(study, np.ones(6, dtype=bool), target=5, fee_by="attachment", everywhere=False)
    assert (everyone.n_claimed, everyone.n_attached, everyone.n_eligible, everyone.target) == (2, 5, 6, 5)
    assert (everyone.n_problem, everyone.n_known, everyone.n_result, everyone.by_route) == (3, 4, 2, {"a": 2, "c": 0})
    assert (everyone.agreement.both, everyone.agreement.claimed_only, everyone.agreement.recomputed_only) == (1, 1, 1)
    one = numbers_of(study, np.arange(6) == 2, target=None, fee_by="attachment", everywhere=False)
    assert (one.n_claimed, one.n_attached, one.n_result) == (0, 1, 1)


def test_recomputed_results_stand_in_where_no_claims_were_delivered(study):
    from dataclasses import replace

    assert has_claim(study, study.attached).tolist() == [True, True, False, False, False]
    assert has_claim(replace(study, claims=None), study.attached).tolist() == [False, True, True, False, False]


def test_some_rows_keep_everything_that_belongs_to_them(study):
    part = take(study.attached, np.array([1, 2]))
    assert part.met.tolist() == [4, 4] and part.met_by["a"][0].tolist() == [4, 4] and part.applies["work"].tolist() == [1, 0]
