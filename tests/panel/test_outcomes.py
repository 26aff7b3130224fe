"""Outcomes by child, adult and address, and why one is missing: the six families of conftest, four quarters of 2012, worked out by hand."""
from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import ContractError, PlanError
from evaluation.panel.status import IN_WORDS, Status, ended, existing_at, exists_at, statuses
from evaluation.periods import Periods

NAN = np.nan
SEEN, C, M, NO, AGED, LEFT, DIED, COVER, LINK, KNOWN, BACK = Status


def row(panel, outcome, unit):
    return panel.outcomes[outcome][panel.units["unit_id"].tolist().index(unit)]


def status(panel, outcome, unit):
    return panel.status[outcome][panel.units["unit_id"].tolist().index(unit)].tolist()


def offend(number, person_id, date, disposal="caution"):
    return {"offence_id": f"o{number}", "person_id": person_id, "date": date, "offence_type": "theft", "disposal": disposal}


def incident(number, date, **named):
    return {"incident_id": f"a{number}", "date": date, "incident_type": "nuisance", "action": "none"} | named


def test_offences_of_minors_and_of_adults_add_up_to_all(build, delivery):
    panel = build(delivery, "offences", "offences_by_minors", "offences_by_adults", "any_offence_by_minors", "any_offence_by_adults")
    np.testing.assert_array_equal(row(panel, "offences_by_adults", "f1"), [2, 0, 0, 0])
    # c1 is 9 in the first quarter: no minor of 10 to 17 in the family, so nothing could be seen
    np.testing.assert_array_equal(row(panel, "offences_by_minors", "f1"), [NAN, 1, 0, 0])
    np.testing.assert_array_equal(row(panel, "any_offence_by_minors", "f1"), [NAN, 100, 0, 0])
    np.testing.assert_array_equal(row(panel, "any_offence_by_adults", "f5"), [0, 100, NAN, NAN])
    np.testing.assert_array_equal(np.nansum([row(panel, f"offences_by_{who}", "f1") for who in ("minors", "adults")], axis=0),
                                  row(panel, "offences", "f1"))


def test_offender_who_turns_eighteen_counts_as_an_adult_from_the_next_quarter_on(build, delivery):
    delivery["people"][5]["birth_month"] = "1994-05"      # c2 of f2: 17 on 1 April, 18 on 1 July
    delivery["offences"] = [offend(1, "c2", "2012-06-30"), offend(2, "c2", "2012-07-01")]
    panel = build(delivery, "offences_by_minors", "offences_by_adults")
    np.testing.assert_array_equal(row(panel, "offences_by_minors", "f2"), [0, 1, NAN, NAN])      # c3 is 9
    np.testing.assert_array_equal(row(panel, "offences_by_adults", "f2"), [0, 0, 1, 0])
    assert status(panel, "offences_by_minors", "f2") == [SEEN, SEEN, AGED, AGED]


def test_custody_counts_offences_for_which_it_was_ordered(build, delivery):
    delivery["offences"] = [offend(1, "p1", "2012-02-01"), offend(2, "p1", "2012-05-01", "custody"), offend(3, "p1", "2012-05-02", "custody")]
    np.testing.assert_array_equal(row(build(delivery, "any_custody"), "any_custody", "f1"), [0, 100, 0, 0])


def test_fixed_and_permanent_exclusions_are_two_outcomes(build, delivery):
    panel = build(delivery, "fixed_exclusions", "permanent_exclusions", "any_fixed_exclusion")
    np.testing.assert_array_equal(row(panel, "permanent_exclusions", "f1"), [1, 0, NAN, 0])
    np.testing.assert_array_equal(row(panel, "fixed_exclusions", "f1"), [0, 1, NAN, 2])
    np.testing.assert_array_equal(row(panel, "any_fixed_exclusion", "f1"), [0, 100, NAN, 100])


def test_persistent_absence_has_three_thresholds(build, delivery):
    panel = build(delivery, "persistent_absence_20", "persistent_absence", "persistent_absence_10")
    # f2: c2 misses 20, 10, - of 100; c3 misses 0, 0, 21
    np.testing.assert_array_equal(row(panel, "persistent_absence_20", "f2"), [50, 0, NAN, 100])
    np.testing.assert_array_equal(row(panel, "persistent_absence", "f2"), [50, 0, NAN, 100])
    np.testing.assert_array_equal(row(panel, "persistent_absence_10", "f2"), [50, 50, NAN, 100])
    # f1 misses 18/120 = 15%, 0 and 21/140 = 15%: at none of the terms 20%
    np.testing.assert_array_equal(row(panel, "persistent_absence_20", "f1"), [0, 0, NAN, 0])


@pytest.mark.parametrize(("year", "missed", "expected"), [("2009/10", 19, 0), ("2009/10", 20, 100), ("2010/11", 15, 100), ("2014/15", 14, 0),
                                                          ("2015/16", 10, 100)])
def test_threshold_of_persistent_absence_is_that_of_the_school_year(build, delivery, year, missed, expected):
    first = f"{year[:4]}-Q4"
    term = {"person_id": "c1", "term": f"{year}-autumn", "possible_sessions": 100, "authorised_sessions": 0, "unauthorised_sessions": missed}
    delivery["attendance"] = [term]
    for cover in delivery["source_coverage"]:
        cover |= {"first_date": "2008-01-01", "last_date": "2017-12-31"}
    delivery["families"] = [family | {"first_eligible_date": "2008-01-01", "entry_date": None, "exit_date": None, "exit_reason": None}
                            for family in delivery["families"]]
    periods = Periods.between(first, first, kind="quarter")
    np.testing.assert_array_equal(row(build(delivery, "persistent_absence_by_year", periods=periods), "persistent_absence_by_year", "f1"), [expected])


def test_change_of_threshold_inside_the_panel_is_a_break_of_the_series(build, delivery):
    periods = Periods.between("2015-Q3", "2016-Q1", kind="quarter")
    assert build(delivery, "persistent_absence", periods=periods).breaks == ()
    (column, words), = build(delivery, "persistent_absence_by_year", periods=periods).breaks
    assert column == 1 and "10% of sessions" in words


def test_incident_known_only_by_address_counts_to_who_lives_there_on_the_day(build, delivery):
    delivery["addresses"][4] |= {"to_date": "2012-06-30"}                                     # f4 moves house: u4, then v4
    delivery["addresses"].append({"family_id": "f4", "area_code": "E01900002", "from_date": "2012-07-01", "address_id": "v4"})
    delivery["asb_incidents"] += [incident(11, "2012-06-30", address_id="u4"), incident(12, "2012-07-01", address_id="u4"),
                                  incident(13, "2012-07-01", address_id="v4"), incident(14, "2012-08-01", address_id="v9"),
                                  incident(15, "2012-08-01", family_id="f3", address_id="v4")]
    panel = build(delivery, "asb_incidents", "asb_incidents_with_address", "any_asb_with_address")
    np.testing.assert_array_equal(row(panel, "asb_incidents", "f4"), [0, 3, 0, 0])
    np.testing.assert_array_equal(row(panel, "asb_incidents_with_address", "f4"), [0, 4, 1, 0])      # of u4 to 30 June, of v4 from 1 July
    np.testing.assert_array_equal(row(panel, "any_asb_with_address", "f4"), [0, 100, 100, 0])
    np.testing.assert_array_equal(row(panel, "asb_incidents_with_address", "f3"), [0, 0, 1, 0])      # it names f3: not counted at v4 too


def test_incident_at_an_address_of_two_families_counts_to_each(build, delivery):
    delivery["addresses"][3]["address_id"] = "u4"
    delivery["asb_incidents"] = [incident(1, "2012-02-01", address_id="u4")]
    panel = build(delivery, "asb_incidents_with_address")
    for unit in ("f3", "f4"):
        np.testing.assert_array_equal(row(panel, "asb_incidents_with_address", unit), [1, 0, 0, 0])
    assert any("several live there" in note for note in panel.notes)


def test_family_without_a_key_of_its_address_is_missing_where_incidents_at_addresses_count(build, delivery):
    delivery["addresses"][4]["to_date"] = "2012-04-30"
    delivery["addresses"] += [{"family_id": "f4", "area_code": "E01900002", "from_date": "2012-05-02", "address_id": "v4"}]      # 1 May is unknown
    del delivery["addresses"][3]["address_id"]
    panel = build(delivery, "asb_incidents_with_address", "asb_incidents")
    assert status(panel, "asb_incidents_with_address", "f4") == [SEEN, KNOWN, SEEN, SEEN]
    assert status(panel, "asb_incidents_with_address", "f3") == [KNOWN] * 4
    assert status(panel, "asb_incidents", "f4") == [SEEN] * 4


def test_outcome_by_address_without_the_table_of_addresses_is_refused(build, delivery):
    del delivery["addresses"]
    with pytest.raises(ContractError, match="addresses missing"):
        build(delivery, "any_asb_with_address")


def test_benefits_are_told_apart_by_type(build, delivery):
    panel = build(delivery, "out_of_work_benefit", "jobseekers_allowance", "sickness_benefit", "income_support")
    np.testing.assert_array_equal(row(panel, "jobseekers_allowance", "f1"), [100, 100, 0, 0])
    np.testing.assert_array_equal(row(panel, "sickness_benefit", "f3"), [0, 0, 100, 100])
    np.testing.assert_array_equal(row(panel, "income_support", "f3"), [0, 0, 0, 0])


def spell(person_id, start, end=None):
    return {"person_id": person_id, "start_date": start, "end_date": end}


@pytest.mark.parametrize(("spells", "thirteen", "twenty_six"), [
    # 91 days to 30 June begin on 1 April, 182 days on 1 January; 92 and 184 days to 30 September begin on 2 July and 2 April
    ([("2012-04-01", None)], [0, 100, 100, 100], [0, 0, 100, 100]),
    ([("2012-04-02", None)], [0, 0, 100, 100], [0, 0, 100, 100]),
    ([("2012-04-03", None)], [0, 0, 100, 100], [0, 0, 0, 100]),
    ([("2011-01-01", "2012-06-30")], [100, 100, 0, 0], [100, 100, 0, 0]),
    ([("2011-01-01", "2012-06-29")], [100, 0, 0, 0], [100, 0, 0, 0]),
    ([("2011-01-01", "2012-02-10"), ("2012-02-18", None)], [100] * 4, [100] * 4),            # seven days without work
    ([("2011-01-01", "2012-02-10"), ("2012-02-19", None)], [0, 100, 100, 100], [0, 0, 100, 100]),
    ([("2011-01-01", "2013-01-01"), ("2011-05-01", "2011-06-01")], [100] * 4, [100] * 4),    # a short job beside a long one
])
def test_employment_is_continuous_over_breaks_of_up_to_a_week(build, delivery, spells, thirteen, twenty_six):
    delivery["employment_spells"] = [spell("p3", *one) for one in spells]
    panel = build(delivery, "continuous_employment", "continuous_employment_26")
    np.testing.assert_array_equal(row(panel, "continuous_employment", "f3"), thirteen)
    np.testing.assert_array_equal(row(panel, "continuous_employment_26", "f3"), twenty_six)


def test_continuous_employment_is_missing_where_records_do_not_reach_back_far_enough(build, delivery):
    for cover in delivery["source_coverage"]:
        if cover["source"] == "employment":
            cover["first_date"] = "2012-01-01"
    panel = build(delivery, "adult_in_work", "continuous_employment", "continuous_employment_26")
    assert status(panel, "adult_in_work", "f3") == [SEEN] * 4
    assert status(panel, "continuous_employment", "f3") == [SEEN] * 4                           # 91 days to 31 March begin on 1 January
    assert status(panel, "continuous_employment_26", "f3") == [COVER, SEEN, SEEN, SEEN]


def test_an_outcome_that_looks_back_is_missing_until_its_quarters_all_lie_after_the_one_of_joining(build, delivery):
    delivery["employment_spells"] = [spell("p1", "2010-01-01"), spell("p3", "2010-01-01"), spell("p6", "2010-01-01")]
    panel = build(delivery, "continuous_employment", "continuous_employment_26")
    assert status(panel, "continuous_employment_26", "f1") == [SEEN, SEEN, BACK, BACK]            # joins in the third quarter
    assert status(panel, "continuous_employment_26", "f6") == [BACK, BACK, SEEN, M]               # joins in the first, moves in the fourth
    assert status(panel, "continuous_employment_26", "f3") == [SEEN] * 4                          # does not join
    np.testing.assert_array_equal(row(panel, "continuous_employment_26", "f1"), [100, 100, NAN, NAN])
    np.testing.assert_array_equal(row(panel, "continuous_employment", "f1"), [100] * 4)           # 13 weeks lie in one quarter
    assert panel.looks_back == {"continuous_employment_26": 1}


def test_two_adults_who_work_in_turn_are_not_one_who_works_on(build, delivery):
    delivery["employment_spells"] = [spell("p2", "2011-01-01", "2012-05-15"), spell("q2", "2012-05-16")]
    panel = build(delivery, "adult_in_work", "continuous_employment")
    np.testing.assert_array_equal(row(panel, "adult_in_work", "f2"), [100] * 4)
    np.testing.assert_array_equal(row(panel, "continuous_employment", "f2"), [100, 0, 100, 100])


def test_young_people_count_from_sixteen_to_eighteen_and_unknown_activity_is_missing(build, delivery):
    panel = build(delivery, "neet")
    np.testing.assert_array_equal(row(panel, "neet", "f2"), [NAN, NAN, 100, 0])              # c2 is 16 from 1 July
    assert status(panel, "neet", "f2") == [NO, NO, SEEN, SEEN]
    delivery["activity_spells"].append({"person_id": "c2", "activity": "not_known", "start_date": "2012-12-31"})
    panel = build(delivery, "neet")
    assert status(panel, "neet", "f2") == [NO, NO, SEEN, KNOWN]
    assert np.isnan(row(panel, "neet", "f2")[3])


def test_every_reason_why_an_outcome_is_missing_is_told(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "offences", "adult_in_work")
    assert status(panel, "unauthorised_absence_rate", "f3") == [NO, NO, C, NO]               # one adult
    assert status(panel, "unauthorised_absence_rate", "f4") == [LINK, LINK, C, LINK]
    assert status(panel, "unauthorised_absence_rate", "f6") == [SEEN, LEFT, C, M]               # c6 left in May; the family in November
    assert status(panel, "offences", "f5") == [SEEN, SEEN, COVER, COVER]
    for name, values in panel.outcomes.items():
        np.testing.assert_array_equal(np.isnan(values), panel.status[name] != SEEN)
    assert set(IN_WORDS) == set(Status)


def test_outcome_that_ended_because_the_last_child_grew_up_is_told_from_one_who_left_or_died(build, delivery):
    delivery["people"] = [person for person in delivery["people"] if person["person_id"] != "c3"]      # c2 of f2: 16 on 1 July
    assert status(build(delivery, "unauthorised_absence_rate"), "unauthorised_absence_rate", "f2") == [SEEN, SEEN, C, AGED]
    delivery["people"][5]["member_to"] = "2012-03-31"
    assert status(build(delivery, "unauthorised_absence_rate"), "unauthorised_absence_rate", "f2") == [SEEN, LEFT, C, LEFT]
    delivery["people"][5] |= {"member_to": None, "died_on": "2012-02-03"}
    panel = build(delivery, "unauthorised_absence_rate")
    assert status(panel, "unauthorised_absence_rate", "f2") == [DIED, DIED, C, DIED]         # the quarter of a death is not covered wholly
    assert {reason: int(where.sum()) for reason, where in ended(panel, "unauthorised_absence_rate").items()} == {AGED: 0, LEFT: 1, DIED: 3}


def test_term_of_a_linked_child_without_a_possible_session_is_not_known(build, delivery):
    delivery["attendance"] = [term for term in delivery["attendance"] if (term["person_id"], term["term"]) != ("c1", "2011/12-summer")]
    assert status(build(delivery, "unauthorised_absence_rate"), "unauthorised_absence_rate", "f1") == [SEEN, KNOWN, C, SEEN]


def test_outcome_exists_at_index_where_a_member_is_in_its_population_linked_or_not(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "asb_incidents", "adult_in_work", "neet")
    units = np.arange(6)                                                                     # f1 ... f6
    # absence in the third quarter: c1, c3 (c2 is 16), nobody, c4 (not linked), a child of 3, c6 has left
    assert exists_at(panel, "unauthorised_absence_rate", units, np.full(6, 2)).tolist() == [True, True, False, True, False, False]
    assert exists_at(panel, "neet", units, np.full(6, 2)).tolist() == [False, True, False, False, False, False]
    assert all(exists_at(panel, "asb_incidents", units, np.full(6, 2)))
    found = existing_at(panel, np.array([5, 5]), np.array([0, 2]))                           # f6 with c6, and without
    assert {name: values.tolist() for name, values in found.items()} == {
        "unauthorised_absence_rate": [True, False], "asb_incidents": [True, True], "adult_in_work": [True, True], "neet": [False, False]}
    assert statuses(panel, "neet", units, np.full(6, 2)) == {SEEN: 1, NO: 4, AGED: 1}      # p3 was 18 in 2008


def test_existence_of_an_outcome_that_is_not_in_the_panel_is_refused(build, delivery):
    with pytest.raises(PlanError, match="'neet' is not one of offences"):
        exists_at(build(delivery, "offences"), "neet", np.array([0]), np.array([0]))
