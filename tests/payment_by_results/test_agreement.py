"""Claims as delivered, and how they agree with results recomputed from the records."""

from __future__ import annotations

import numpy as np
from small_records import adult, checked, child, day, family, terms

from evaluation.payment_by_results.agreement import agreement, read_claims


def claims_of(panel, tmp_path, dictionary, rows):
    return read_claims(checked(tmp_path, dictionary, "results_claimed", rows), panel)


def test_claims_and_results_are_crossed_over_families_whose_result_is_known(apply, tmp_path, dictionary):
    names = ("both", "claimed", "late", "neither", "recomputed", "unknown")
    people = [person for f in names for person in (adult(f"p{f}", f), child(f"a{f}", f))]
    met, failed = ("both", "recomputed"), ("claimed", "late", "neither")
    after = dict.fromkeys(met, 0) | dict.fromkeys(failed, 20)
    attendance = [row for f, missed in after.items() for row in terms(f"a{f}", (20,) * 3, (missed,) * 3)]
    panel, _, results = apply(families=[family(f) for f in names], people=people, attendance=attendance, unlinked={("aunknown", "education")})
    rows = [{"family_id": f, "claim_date": day(8), "route": "a"} for f in ("both", "claimed", "unknown")]
    rows.append({"family_id": "late", "claim_date": day(9), "route": "a"})                 # after the time for claims
    found = agreement(results, claims_of(panel, tmp_path, dictionary, rows))
    assert (found.both, found.claimed_only, found.recomputed_only, found.neither) == (1, 1, 1, 2)
    assert (found.n, found.n_agree) == (5, 3)


def test_the_first_of_several_claims_counts_and_they_are_told(apply, tmp_path, dictionary):
    panel, _, _ = apply(families=[family("f"), family("g")], people=[adult("p", "f"), adult("q", "g")])
    rows = [{"family_id": "f", "claim_date": day(8), "route": "c"}, {"family_id": "f", "claim_date": day(6), "route": "a"}]
    found = claims_of(panel, tmp_path, dictionary, rows)
    assert (found.column.tolist(), found.route.tolist(), found.several) == ([6, -1], ["a", ""], 1)


def test_claims_of_families_outside_the_panel_are_left_out(apply, tmp_path, dictionary):
    panel, _, _ = apply(families=[family("f")], people=[adult("p", "f")])
    found = claims_of(panel, tmp_path, dictionary, [{"family_id": "z", "claim_date": day(6), "route": "a"}])
    np.testing.assert_array_equal(found.column, [-1])
