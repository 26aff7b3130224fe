"""Claims as delivered, and how they agree with results recomputed from the records."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from small_records import adult, checked, child, day, family, terms

from evaluation.ingest.reading import receive_extracts
from evaluation.locations import project_file
from evaluation.panel.families import build_families
from evaluation.payment_by_results import read_framework
from evaluation.payment_by_results.agreement import agreement, read_claims
from evaluation.payment_by_results.reading import read_facts
from evaluation.payment_by_results.results import Rules
from evaluation.periods import Periods
from evaluation.simulate import Simulation
from evaluation.simulate.delivery import SHARES
from evaluation.simulate.spec import LINK_RATES


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


# ---- simulated claims ----------------------------------------------------------------------------------------------------------------------------


def simulated(folder, dictionary, **changed):
    """Results of all programme families by the rules of 2012, and the claims that a simulated council made."""
    quarters = Periods.between("2011-Q1", "2014-Q4", kind="quarter")
    Simulation(families=2_000, councils=["E06000022"], periods=quarters, seed=3, **changed).write(folder / "delivery", dictionary=dictionary)
    tables = receive_extracts(folder / "delivery", dictionary, room=folder / "room")
    panel = build_families(tables, dictionary, councils=None, periods=quarters, outcomes=("any_offence",), covariates=())
    framework = read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml")
    joined = np.flatnonzero(panel.entry >= 0)
    results = Rules(framework=framework, facts=read_facts(tables, panel)).results(joined, panel.entry[joined], panel.entry)
    return tables, results, read_claims(tables["results_claimed"], panel)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, dictionary):
    """Records in which everybody is linked, so that they hold what the council saw."""
    return simulated(tmp_path_factory.mktemp("whole"), dictionary, link_rates=dict.fromkeys(LINK_RATES, (1.0, 1.0)))


def test_nobody_claims_for_a_family_that_had_no_problem_when_it_joined(whole):
    _, results, claims = whole
    had = np.logical_or.reduce([values == 1 for values in results.applies.values()])
    claimed = claims.column[results.unit] >= 0
    assert claimed.sum() > 100 and had.mean() < 0.9  # or the test could not fail
    assert not (claimed & ~had).any()


def test_a_claim_by_work_is_for_a_family_on_benefit_and_another_for_one_with_another_problem(whole):
    _, results, claims = whole
    claimed, route = claims.column[results.unit] >= 0, claims.route[results.unit]
    others = np.logical_or.reduce([results.applies[name] == 1 for name in ("schooling", "youth_offending", "asb")])
    assert (results.applies["work"][claimed & (route == "c")] == 1).all()
    assert others[claimed & np.isin(route, ("a", "a_b"))].all()


def test_on_whole_records_no_claim_is_without_a_result_and_some_results_are_not_claimed(whole):
    found = agreement(*whole[1:])
    assert found.claimed_only == 0 and 0 < found.recomputed_only < found.both
    assert found.n_agree / found.n > 0.85


def test_with_usual_links_claims_and_records_agree_on_most_families(tmp_path, dictionary):
    found = agreement(*simulated(tmp_path, dictionary)[1:])
    assert found.n_agree / found.n > 0.8 and found.claimed_only < 0.05 * found.n  # 48% before claims asked for the problem


def test_actions_after_incidents_come_by_their_shares(whole):
    with duckdb.connect() as con:
        counts = dict(con.execute("SELECT action, count(*) FROM read_parquet(?) GROUP BY action", [str(whole[0]["asb_incidents"].path)]).fetchall())
    total = sum(counts.values())
    assert all(abs(counts[action] / total - share) < 0.03 for action, share in SHARES["action"].items())
