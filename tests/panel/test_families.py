"""The panel of families: six families, four quarters of 2012, every answer worked out by hand in the comments."""
from __future__ import annotations

import random

import numpy as np
import pytest

from evaluation.errors import ContractError, PlanError
from evaluation.periods import Periods

NAN = np.nan


def row(panel, outcome, unit):
    return panel.outcomes[outcome][panel.units["unit_id"].tolist().index(unit)]


def varying(panel, name, unit):
    return panel.varying[name][panel.units["unit_id"].tolist().index(unit)]


def test_rate_is_sessions_missed_over_sessions_possible_of_the_familys_children(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "overall_absence_rate")
    # f1: 12/120 = 10%; 0/100; nothing collected; 21/140 = 15%
    np.testing.assert_array_equal(row(panel, "unauthorised_absence_rate", "f1"), [10, 0, NAN, 15])
    np.testing.assert_array_equal(row(panel, "overall_absence_rate", "f1"), [15, 0, NAN, 15])
    # f2: 20/160, 10/200; in autumn c2 is 16, so only c3 counts: 20/100
    np.testing.assert_array_equal(row(panel, "unauthorised_absence_rate", "f2"), [12.5, 5, NAN, 20])
    np.testing.assert_array_equal(panel.denominators["unauthorised_absence_rate"][1], [160, 200, NAN, 100])


def test_persistent_absence_counts_children_at_the_threshold_itself(build, delivery):
    panel = build(delivery, "persistent_absence")
    # f1: 18/120 = 15% counts, 0/100, -, 21/140 = 15% counts. f2: c2 20/100 of two children; c2 10/100 does not; c3 21/100
    np.testing.assert_array_equal(row(panel, "persistent_absence", "f1"), [100, 0, NAN, 100])
    np.testing.assert_array_equal(row(panel, "persistent_absence", "f2"), [50, 0, NAN, 100])
    np.testing.assert_array_equal(panel.denominators["persistent_absence"][1], [2, 2, NAN, 1])


def test_family_without_anyone_in_the_population_is_missing_not_zero(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "fixed_exclusions", "any_offence")
    for outcome in ("unauthorised_absence_rate", "fixed_exclusions"):
        assert np.isnan(row(panel, outcome, "f3")).all()      # one adult
        assert np.isnan(row(panel, outcome, "f5")).all()      # a child under 5
    np.testing.assert_array_equal(row(panel, "any_offence", "f3"), [0, 0, 0, 0])


def test_family_with_an_unlinked_member_is_missing_in_that_source_only(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "fixed_exclusions", "any_offence", "adult_in_work")
    assert np.isnan(row(panel, "unauthorised_absence_rate", "f4")).all()      # although a row of c4 was delivered
    assert np.isnan(row(panel, "fixed_exclusions", "f4")).all()
    assert np.isnan(row(panel, "adult_in_work", "f5")).all()
    np.testing.assert_array_equal(row(panel, "any_offence", "f4"), [0, 0, 0, 0])


def test_person_without_a_row_of_links_is_not_linked(build, delivery):
    delivery["links"] = [link for link in delivery["links"] if (link["person_id"], link["source"]) != ("q2", "police")]
    panel = build(delivery, "any_offence")
    # q2 is a member from 1 March: counts, unlinked, in quarters 2 to 4
    np.testing.assert_array_equal(row(panel, "any_offence", "f2"), [0, NAN, NAN, NAN])


def test_quarters_not_covered_throughout_are_missing_not_zero(build, delivery):
    panel = build(delivery, "any_offence", "offences")
    # police records of Wandsworth end on 15 August: the event of 1 July falls in a quarter that is not complete
    np.testing.assert_array_equal(row(panel, "offences", "f5"), [0, 1, NAN, NAN])
    np.testing.assert_array_equal(row(panel, "any_offence", "f5"), [0, 100, NAN, NAN])


def test_source_without_coverage_in_a_council_is_missing_there(build, delivery):
    delivery["source_coverage"] = [c for c in delivery["source_coverage"] if (c["source"], c["council_code"]) != ("asb", "E06000022")]
    panel = build(delivery, "asb_incidents")
    assert np.isnan(row(panel, "asb_incidents", "f4")).all()
    np.testing.assert_array_equal(row(panel, "asb_incidents", "f5"), [0, 0, 0, 0])


def test_people_count_only_in_quarters_that_membership_covers_wholly(build, delivery):
    panel = build(delivery, "unauthorised_absence_rate", "offences")
    # c6 leaves on 20 May: 1/100 in spring, nobody of school age in later terms
    np.testing.assert_array_equal(row(panel, "unauthorised_absence_rate", "f6"), [1, NAN, NAN, NAN])
    # q2 joins on 1 March and offends on 20 March: not counted in the first quarter
    np.testing.assert_array_equal(row(panel, "offences", "f2"), [0, 0, 0, 0])


def test_offences_count_from_the_age_of_ten(build, delivery):
    # p1 twice in quarter 1; c1 at 9 does not count, at 10 on 1 April does
    np.testing.assert_array_equal(row(build(delivery, "offences"), "offences", "f1"), [2, 1, 0, 0])


def test_family_that_moved_away_is_not_observed_from_that_quarter_on(build, delivery):
    panel = build(delivery, "offences", "asb_incidents", "out_of_work_benefit")
    for outcome in panel.outcomes:
        np.testing.assert_array_equal(np.isnan(row(panel, outcome, "f6")), [False, False, False, True])
    assert panel.units.set_index("unit_id").loc["f6", "eligible_to"] == 2


def test_last_address_that_ended_is_a_move_away(build, delivery):
    delivery["addresses"][3]["to_date"] = "2012-03-31"      # f3: the first quarter is complete
    panel = build(delivery, "offences")
    np.testing.assert_array_equal(row(panel, "offences", "f3"), [0, NAN, NAN, NAN])


def test_exclusions_count_to_the_school_term_and_only_fixed_ones(build, delivery):
    # July counts to the summer term (Q2), September and October to the autumn term (Q4); August and the permanent one to none
    np.testing.assert_array_equal(row(build(delivery, "fixed_exclusions"), "fixed_exclusions", "f1"), [0, 1, NAN, 2])


def test_term_not_covered_to_its_last_day_is_missing(build, delivery):
    for cover in delivery["source_coverage"]:
        if cover["source"] == "education":
            cover["last_date"] = "2012-06-30"
    panel = build(delivery, "fixed_exclusions", "unauthorised_absence_rate")
    np.testing.assert_array_equal(row(panel, "fixed_exclusions", "f1"), [0, NAN, NAN, NAN])      # exclusions of July are not in
    np.testing.assert_array_equal(row(panel, "unauthorised_absence_rate", "f1"), [10, 0, NAN, NAN])


def test_incident_counts_once_whoever_it_names(build, delivery):
    panel = build(delivery, "asb_incidents", "any_asb")
    np.testing.assert_array_equal(row(panel, "asb_incidents", "f4"), [0, 3, 0, 0])      # person and family; person; family
    np.testing.assert_array_equal(row(panel, "any_asb", "f4"), [0, 100, 0, 0])
    np.testing.assert_array_equal(row(panel, "asb_incidents", "f6"), [0, 1, 0, NAN])    # of the last day of membership, not of the day after


def test_spell_counts_in_every_quarter_it_touches(build, delivery):
    panel = build(delivery, "out_of_work_benefit")
    np.testing.assert_array_equal(row(panel, "out_of_work_benefit", "f1"), [100, 100, 0, 0])     # 31 March to 1 April
    np.testing.assert_array_equal(row(panel, "out_of_work_benefit", "f3"), [0, 0, 100, 100])     # ended on 31 December; again from August, open
    np.testing.assert_array_equal(row(panel, "out_of_work_benefit", "f4"), [0, 0, 0, 0])         # a child's claim is no adult's


def test_entry_and_eligibility_are_columns_of_the_periods(build, delivery):
    units = build(delivery, "offences").units.set_index("unit_id")
    assert units["entry"].to_dict() == {"f1": 2, "f2": -1, "f3": -1, "f4": -1, "f5": -1, "f6": 0}
    # eligible in 2011-Q2: three quarters before the first; f2 in 2012-Q1
    assert units["eligible_from"].to_dict() == {"f1": -3, "f2": 0, "f3": -3, "f4": -3, "f5": -3, "f6": -3}
    assert units["eligible_to"].to_dict() == {"f1": 3, "f2": 3, "f3": 3, "f4": 3, "f5": 3, "f6": 2}


def test_family_that_joins_after_the_last_period_has_no_entry(build, delivery):
    panel = build(delivery, "offences", periods=Periods.between("2012-Q1", "2012-Q2", kind="quarter"))
    assert panel.units.set_index("unit_id")["entry"].to_dict() == {"f1": -1, "f2": -1, "f3": -1, "f4": -1, "f5": -1, "f6": 0}


def test_families_left_out_are_counted_with_a_reason(build, delivery):
    panel = build(delivery, "offences", councils=["Bath and North East Somerset"])
    assert [(step.step, step.count) for step in panel.flow] == [("received", 7), ("dropped", 1), ("dropped", 1), ("kept", 5)]
    assert panel.flow[2].reason == "joined before 2012-Q1, the first quarter"
    assert panel.units["unit_id"].tolist() == ["f1", "f2", "f3", "f4", "f6"]


def test_fixed_covariates_describe_the_first_eligible_date(build, delivery):
    units = build(delivery, "offences").units.set_index("unit_id")
    # f2 on 10 February 2012: p2 (32), c2 (15), c3 (9); q2 joins in March
    assert units.loc["f2", ["n_children", "n_adults", "n_members", "lone_parent"]].tolist() == [2, 1, 3, 1]
    assert units.loc["f2", ["age_youngest", "age_oldest_child", "age_oldest"]].tolist() == [9, 15, 32]
    assert units.loc["f2", ["any_sen", "any_statement", "any_fsm", "three_or_more_children", "ethnicity_white"]].tolist() == [1, 0, 0, 0, 1]
    assert units.loc["f1", "share_female"] == 0.5
    assert units.loc["f3", ["n_children", "lone_parent"]].tolist() == [0, 0] and np.isnan(units.loc["f3", "age_youngest"])
    assert units.loc["f1", "referral_education"] == 1 and np.isnan(units.loc["f2", "referral_education"])


def test_covariates_by_period_are_known_on_the_quarters_first_day(build, delivery):
    panel = build(delivery, "offences")
    # health from 31 March: open on 1 April, 1 July, 1 October; housing from 1 April is not known before that day: open on 1 July (its last) only
    np.testing.assert_array_equal(varying(panel, "n_needs", "f1"), [0, 1, 2, 1])
    np.testing.assert_array_equal(varying(panel, "housing_need", "f1"), [0, 0, 1, 0])
    np.testing.assert_array_equal(varying(panel, "child_in_need", "f3"), [0, 0, 0, 0])
    np.testing.assert_array_equal(varying(panel, "criterion_work", "f1"), [0, 1, 1, 1])           # met on 1 April
    np.testing.assert_array_equal(varying(panel, "criterion_education", "f1"), [0, 0, 1, 1])      # met on 2 April
    np.testing.assert_array_equal(varying(panel, "n_criteria", "f1"), [0, 1, 2, 2])
    np.testing.assert_array_equal(varying(panel, "n_school_age", "f2"), [2, 2, 1, 1])
    np.testing.assert_array_equal(varying(panel, "has_child_5_15", "f6"), [1, 1, 0, 0])           # c6 is there on 1 April, though not all quarter
    np.testing.assert_array_equal(varying(panel, "has_adult_working_age", "f3"), [1, 1, 1, 1])
    np.testing.assert_array_equal(varying(panel, "quarters_since_eligible", "f2"), [0, 1, 2, 3])
    np.testing.assert_array_equal(varying(panel, "any_other_support", "f2"), [0, 1, 0, 0])


def test_every_covariate_has_a_label_in_the_dictionary(build, delivery, dictionary):
    panel = build(delivery, "offences")
    made = {*panel.varying, *panel.units.columns} - {"unit_id", "council_code", "area", "pool", "entry", "eligible_from", "eligible_to"}
    assert made <= set(dictionary.covariates)


def test_order_of_delivered_rows_does_not_matter(build, delivery, dictionary):
    outcomes = [name for name, outcome in dictionary.outcomes.items() if "family" in outcome.sources]
    first = build(delivery, *outcomes)
    for rows in delivery.values():
        random.Random(1).shuffle(rows)
    second = build(delivery, *outcomes)
    assert first.units.equals(second.units)
    for name in outcomes:
        np.testing.assert_array_equal(first.outcomes[name], second.outcomes[name])


def test_tables_that_may_be_absent_leave_their_covariates_out(build, delivery):
    for name in ("needs", "other_support", "addresses"):
        del delivery[name]
    panel = build(delivery, "offences")
    assert "n_needs" not in panel.varying and "any_other_support" not in panel.varying
    assert any("No table of needs" in note for note in panel.notes)


def test_misspelt_covariate_is_named_with_the_nearest(build, delivery):
    with pytest.raises(PlanError, match="'lone_parents' is not; did you mean 'lone_parent'"):
        build(delivery, "offences", covariates=("entry_period", "council_code", "lone_parents"))


def test_outcome_without_family_records_is_refused(build, delivery):
    with pytest.raises(PlanError, match="'looked_after_offending' is not"):
        build(delivery, "looked_after_offending")


def test_missing_table_is_named(build, delivery):
    del delivery["offences"]
    with pytest.raises(ContractError, match="offences missing"):
        build(delivery, "any_offence")


def test_council_without_families_is_refused_with_a_reason(build, delivery):
    with pytest.raises(ContractError, match="at least one family"):
        build(delivery, "offences", councils=["E08000003"])


def test_periods_other_than_quarters_are_refused(build, delivery):
    with pytest.raises(PlanError, match="quarter"):
        build(delivery, "offences", periods=Periods.between("2011/12", "2012/13", kind="school_year"))
