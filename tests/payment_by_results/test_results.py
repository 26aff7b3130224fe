"""The rules of 2012 on families that can be checked by hand: who had which problem, who met the rule, by which route and when."""

from __future__ import annotations

import numpy as np
import pytest
from small_records import JOINS, adult, asb, benefit, child, exclusion, family, offence, term, terms, work

from evaluation.payment_by_results.results import either, first_met


def one(apply, **rows):
    """Results of the one family `f`."""
    rows.setdefault("families", [family("f")])
    return apply(**rows)[2]


# ---- children's schooling


def test_each_child_must_stay_under_fifteen_per_cent_not_the_family_as_a_whole(apply):
    people = [adult("p", "f"), child("a", "f"), child("b", "f")]
    good = one(apply, people=people, attendance=[*terms("a", (20, 20, 20), (14, 14, 14)), *terms("b", (0, 0, 0), (0, 0, 0))])
    bad = one(apply, people=people, attendance=[*terms("a", (20, 20, 20), (15, 15, 15)), *terms("b", (0, 0, 0), (0, 0, 0))])   # family's rate: 7.5%
    assert (good.applies["schooling"][0], good.met[0], good.route[0]) == (1, 4, 0)      # three terms after joining are there in the fourth quarter
    assert (bad.applies["schooling"][0], bad.met[0], bad.followed[0]) == (1, 0, 4)


def test_absence_is_of_the_three_terms_together(apply):
    people = [adult("p", "f"), child("a", "f")]
    met = one(apply, people=people, attendance=terms("a", (40, 3, 2), (30, 10, 4)))         # 45 of 300 before: 15%; 44 of 300 after
    assert (met.applies["schooling"][0], met.met[0]) == (1, 4)
    none = one(apply, people=people, attendance=terms("a", (40, 3, 1), (30, 10, 4)))        # 44 of 300 before: no problem
    assert (none.applies["schooling"][0], none.met[0]) == (0, 0)


def test_three_fixed_exclusions_are_a_problem_and_fewer_than_three_a_result(apply):
    people, there = [adult("p", "f"), child("a", "f")], terms("a", (0, 0, 0), (0, 0, 0))
    before = [exclusion("a", 0), exclusion("a", 1), exclusion("a", 3)]
    two, three = (one(apply, people=people, attendance=there, exclusions=[*before, *(exclusion("a", 7, n) for n in range(k))]) for k in (2, 3))
    assert (two.applies["schooling"][0], two.met[0], three.met[0]) == (1, 4, 0)


def test_a_permanent_exclusion_is_a_problem_at_entry_only(apply):
    found = one(apply, people=[adult("p", "f"), child("a", "f")], attendance=terms("a", (0, 0, 0), (0, 0, 0)),
                exclusions=[exclusion("a", 3, kind="permanent"), exclusion("a", 7, kind="permanent")])
    assert (found.applies["schooling"][0], found.met[0]) == (1, 4)


def test_a_child_that_grows_too_old_leaves_the_rule_met_by_ageing_out(apply):
    people = [adult("p", "f"), child("a", "f", born="1996-08")]                     # 16 in August 2012: not in the terms of columns 7 and 8
    found = one(apply, people=people, attendance=terms("a", (50, 50, 50), (50, 50, 50)))
    assert (found.met[0], found.aged_out[0], found.left[0]) == (4, True, False)


def test_a_child_that_leaves_the_family_leaves_the_rule_met_and_says_so(apply):
    people = [adult("p", "f"), child("a", "f", member_to="2012-06-15")]
    found = one(apply, people=people, attendance=terms("a", (50, 50, 50), (50, 50, 50)))
    assert (found.met[0], found.aged_out[0], found.left[0]) == (4, False, True)


def test_a_brother_who_is_still_judged_decides_when_another_has_aged_out(apply):
    people = [adult("p", "f"), child("a", "f", born="1996-08"), child("b", "f")]
    attendance = [*terms("a", (50, 50, 50), (50, 50, 50)), *terms("b", (50, 50, 50), (50, 50, 50))]
    assert one(apply, people=people, attendance=attendance).met[0] == 0


def test_a_child_without_a_record_leaves_the_result_unknown_or_counts_as_neutral_as_asked(apply):
    people, attendance = [adult("p", "f"), child("a", "f")], [term("a", column, 50) for column in (0, 1, 3)]
    strict = one(apply, people=people, attendance=attendance)
    lenient = apply(families=[family("f")], people=people, attendance=attendance, missing="neutral")[2]
    assert (strict.met[0], strict.known[0]) == (0, False)
    assert (lenient.met[0], lenient.missing[0]) == (4, True)


def test_a_child_that_is_not_linked_is_never_taken_for_one_that_attends(apply):
    found = one(apply, people=[adult("p", "f"), child("a", "f")], unlinked={("a", "education")})
    assert np.isnan(found.applies["schooling"][0]) and not found.known[0]


# ---- offending of minors, anti-social behaviour of all


def test_offences_of_minors_alone_count(apply):
    people = [adult("p", "f"), child("a", "f")]
    attendance = terms("a", (0, 0, 0), (0, 0, 0))
    adults_only = one(apply, people=people, attendance=attendance, offences=[offence("p", 3)])
    minors = one(apply, people=people, attendance=attendance, offences=[offence("a", 3), offence("p", 5), offence("p", 6)])
    assert adults_only.applies["youth_offending"][0] == 0
    assert (minors.applies["youth_offending"][0], minors.met[0]) == (1, 2)              # six months after joining, whatever the adult does


def test_offending_must_fall_by_a_third(apply):
    people, attendance = [adult("p", "f"), child("a", "f")], terms("a", (0, 0, 0), (0, 0, 0))
    before = [offence("a", 3, n) for n in range(3)]

    def after(n):
        return [offence("a", column, k) for column in (5, 6, 7, 8) for k in range(n)]

    assert one(apply, people=people, attendance=attendance, offences=[*before, *after(1)]).met[0] == 2        # 2 in six months against 3: down 33.3%
    assert one(apply, people=people, attendance=attendance, offences=[*before, *after(2)]).met[0] == 0


def test_a_result_through_an_offender_who_turned_eighteen_is_by_ageing_out(apply):
    people = [adult("p", "f"), child("a", "f", born="1994-05")]                         # 18 in May 2012
    found = one(apply, people=people, offences=[offence("a", 3), *(offence("a", c) for c in (7, 8))])
    assert (found.applies["youth_offending"][0], found.met[0] > 0, found.aged_out[0]) == (1, True, True)


def test_anti_social_behaviour_of_the_whole_family_must_fall_by_sixty_per_cent(apply):
    people = [adult("p", "f"), child("a", "f")]
    before = [asb(3, n, family_id="f", action="warning" if n else "contract") for n in range(5)]

    def after(n):
        return [asb(column, k, person_id="a") for column in (6, 8) for k in range(n)]

    attendance = terms("a", (0, 0, 0), (0, 0, 0))
    two, three = (one(apply, people=people, attendance=attendance, asb_incidents=[*before, *after(n)]) for n in (2, 3))
    assert (two.applies["asb"][0], two.met[0], three.met[0]) == (1, 2, 0)


def test_incidents_without_an_action_do_not_make_the_criterion_of_2012(apply):
    found = one(apply, people=[adult("p", "f")], asb_incidents=[asb(3, n, family_id="f", action="warning") for n in range(5)])
    assert (found.applies["asb"][0], found.met[0]) == (0, 0)


def test_every_problem_that_applied_must_be_met_at_the_same_claim(apply):
    people = [adult("p", "f"), child("a", "f")]
    attendance = terms("a", (20, 20, 20), (0, 0, 0))                                    # schooling: met in the fourth quarter
    calm, trouble = ([asb(3, 0, family_id="f", action="contract"), *later] for later in ([], [asb(8, 0, family_id="f")]))
    assert one(apply, people=people, attendance=attendance, asb_incidents=calm).met[0] == 4
    assert one(apply, people=people, attendance=attendance, asb_incidents=trouble).met[0] == 0


# ---- work


def test_one_adult_off_benefit_and_in_work_is_a_result_without_the_other_route(apply):
    found = one(apply, people=[adult("p", "f"), child("a", "f")], attendance=terms("a", (50, 50, 50), (50, 50, 50)),
                benefit_spells=[benefit("p", "2011-01-01", "2012-05-20")], employment_spells=[work("p", "2012-05-21")])
    assert (found.applies["schooling"][0], found.applies["work"][0]) == (1, 1)
    assert (found.met[0], found.route[0]) == (2, 1)                                     # thirteen weeks by the end of September 2012


def test_jobseekers_must_work_for_twenty_six_of_thirty_weeks(apply):
    people = [adult("p", "f")]

    def found(code):
        return one(apply, people=people, benefit_spells=[benefit("p", "2011-01-01", "2012-05-20", code)], employment_spells=[work("p", "2012-05-21")])

    assert found("esa").met[0] == 2
    assert found("jsa").met[0] == 3                                                     # 182 days by 18 November 2012


def test_a_gap_of_up_to_four_weeks_does_not_end_a_jobseekers_claim_to_work(apply):
    people, claims = [adult("p", "f")], [benefit("p", "2011-01-01", "2012-03-31", "jsa")]
    short, long = ([work("p", "2012-04-01", "2012-07-31"), work("p", start)] for start in ("2012-08-29", "2012-09-20"))
    assert one(apply, people=people, benefit_spells=claims, employment_spells=short).met[0] == 3     # 214 days of April to October less 28 ...
    assert one(apply, people=people, benefit_spells=claims, employment_spells=long).met[0] == 4


def test_work_beside_a_benefit_that_goes_on_is_no_result(apply):
    found = one(apply, people=[adult("p", "f")], benefit_spells=[benefit("p", "2011-01-01")], employment_spells=[work("p", "2012-02-01")])
    assert (found.applies["work"][0], found.met[0], found.followed[0]) == (1, 0, 4)


def test_another_adult_in_work_does_not_stand_for_the_one_on_benefit(apply):
    people = [adult("p", "f"), adult("q", "f")]
    found = one(apply, people=people, benefit_spells=[benefit("p", "2011-01-01")], employment_spells=[work("q", "2012-02-01")])
    assert found.met[0] == 0


# ---- following families


def test_a_comparison_family_is_followed_until_it_joins(apply):
    people = [adult("p", "f"), child("a", "f")]
    panel, rules, _ = apply(families=[family("f", joins=7)], people=people, attendance=terms("a", (20, 20, 20), (0, 0, 0)))
    found = rules.results(np.array([0]), np.array([JOINS]), panel.entry)
    assert (found.met[0], found.followed[0], found.known[0]) == (0, 2, False)           # joins in the third quarter of its set
    kept = rules.results(np.array([0]), np.array([JOINS]), np.array([-1]))
    assert kept.met[0] == 4


def test_the_same_code_gives_both_arms_the_same_answer(apply):
    people = [person for f in ("f", "g") for person in (adult(f"p{f}", f), child(f"a{f}", f))]
    attendance = [row for f in ("f", "g") for row in terms(f"a{f}", (20, 20, 20), (0, 0, 20))]
    panel, rules, joined = apply(families=[family("f"), family("g", joins=None)], people=people, attendance=attendance)
    other = rules.results(np.array([1]), np.array([JOINS]), panel.entry)
    assert (joined.met[0], joined.route[0], joined.followed[0]) == (other.met[0], other.route[0], other.followed[0])


def test_records_that_end_leave_the_result_unknown_not_refused(apply):
    found = one(apply, people=[adult("p", "f"), child("a", "f")], attendance=terms("a", (20, 20, 20), (0, 0, 0)), coverage_ends="2012-12-31")
    assert (found.met[0], found.known[0]) == (0, False)


def test_a_family_without_a_problem_has_no_result(apply):
    found = one(apply, people=[adult("p", "f"), child("a", "f")], attendance=terms("a", (0, 0, 0), (0, 0, 0)))
    assert (found.met[0], found.route[0], found.known[0]) == (0, -1, True)


def test_the_order_of_rows_does_not_matter(apply):
    people = [person for f in ("f", "g") for person in (adult(f"p{f}", f), child(f"a{f}", f))]
    attendance = [*terms("af", (20, 20, 20), (0, 0, 0)), *terms("ag", (20, 20, 20), (0, 50, 50))]
    there = apply(families=[family("f"), family("g")], people=people, attendance=attendance)[2]
    back = apply(families=[family("g"), family("f")], people=people[::-1], attendance=attendance[::-1])[2]
    assert there.met.tolist() == back.met.tolist() == [4, 0]


def test_unknown_and_met_make_met_unknown_and_refused_make_unknown():
    found = either([np.array([[np.nan, np.nan, 0.0]]), np.array([[1.0, 0.0, 0.0]])])
    np.testing.assert_array_equal(found, [[1, np.nan, 0]])


def test_what_comes_after_the_first_unknown_step_is_not_looked_at():
    met, followed = first_met(np.array([[0, np.nan, 1.0]]))
    assert (met[0], followed[0]) == (0, 1)


@pytest.mark.parametrize("name", ["troubled_families_2015", "supporting_families_2022", "bathnes_outcomes_plan"])
def test_other_frameworks_ask_for_ninety_per_cent_attendance(apply, name):
    from evaluation.locations import project_file
    from evaluation.payment_by_results import read_framework

    other = read_framework(project_file("data_dictionary") / "payment_by_results" / f"{name}.yml")
    people = [adult("p", "f"), child("a", "f")]
    good, bad = (apply(families=[family("f")], people=people, under=other, attendance=terms("a", (12, 12, 12), (missed,) * 3))[2]
                 for missed in (9, 11))
    assert (good.applies["schooling"][0], good.met[0]) == (1, 4)
    assert bad.met[0] == 0


def test_a_need_must_be_closed_for_six_months(apply):
    from evaluation.locations import project_file
    from evaluation.payment_by_results import read_framework

    other = read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2015.yml")

    def ends(date):
        needs = [{"family_id": "f", "need": "child_in_need", "start_date": "2011-10-01", "end_date": date}]
        return apply(families=[family("f")], people=[adult("p", "f")], under=other, needs=needs)[2]

    assert ends("2012-03-20").met[0] == 2                                               # open on joining; none in the next two quarters
    assert ends("2012-04-20").met[0] == 3
    assert ends(None).met[0] == 0
