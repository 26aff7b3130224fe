"""One row per programme family, as an auditor inside would read it."""

from __future__ import annotations

import numpy as np
from small_records import adult, benefit, checked, child, day, family, terms, work

from evaluation.payment_by_results.agreement import read_claims
from evaluation.payment_by_results.by_family import by_family
from evaluation.payment_by_results.numbers import PaymentStudy


def test_every_family_has_its_problems_result_route_quarter_and_fee(apply, tmp_path, dictionary):
    names = ("aged", "failed", "hidden", "works")
    people = [adult(f"p{f}", f) for f in names] + [child("aaged", "aged", born="1996-08"), *(child(f"a{f}", f) for f in names[1:3])]
    attendance = [row for f, after in (("aged", 50), ("failed", 20)) for row in terms(f"a{f}", (20,) * 3, (after,) * 3)]
    panel, rules, results = apply(
        families=[family(f, joins=5) if f == "works" else family(f) for f in names], people=people, attendance=attendance,
        unlinked={("ahidden", "education")}, benefit_spells=[benefit("pworks", "2011-01-01", "2012-08-20")],
        employment_spells=[work("pworks", "2012-08-21")])  # fmt: skip
    claims = read_claims(checked(tmp_path, dictionary, "results_claimed", [{"family_id": "aged", "claim_date": day(8), "route": "a"}]), panel)
    study = PaymentStudy(panel=panel, rules=rules, attached=results, lenient=results, matched=None, claims=claims)
    rows = by_family(study, fee_by="attachment").set_index("family_id")
    assert rows["result"].to_dict() == {"aged": "yes", "failed": "no", "hidden": "not known", "works": "yes"}
    assert rows["route"].fillna("").to_dict() == {"aged": "a", "failed": "", "hidden": "", "works": "c"}
    assert rows.loc["aged", ["joined", "claimed_in", "aged_out", "claim_delivered"]].tolist() == ["2012-Q1", "2013-Q1", True, "2013-Q1"]
    assert rows.loc["works", ["joined", "claimed_in", "criterion_work", "criterion_education"]].tolist() == ["2012-Q2", "2012-Q4", 1.0, 0.0]
    assert np.isnan(rows.loc["aged", "attachment_fee"])                       # joined in the financial year 2011/12, before the schedule
    assert rows.loc["works", ["attachment_fee", "result_fee"]].tolist() == [3200, 800]
    assert np.isnan(rows.loc["hidden", "criterion_education"]) and rows.loc["failed", "criterion_crime_asb"] == 0
