"""Members one by one, and outcomes of those who were there at an index: the six families of conftest, worked out by hand."""
from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import PlanError
from evaluation.panel.families import build_families
from evaluation.panel.people import at_index, build_people
from evaluation.panel.status import Status
from evaluation.periods import Periods

NAN = np.nan
YEAR = Periods.between("2012-Q1", "2012-Q4", kind="quarter")
SEEN, C, MOVED, NO, AGED, LEFT, DIED, COVER, LINK, KNOWN, BACK = Status


@pytest.fixture
def people(receive, dictionary):
    def build(rows, *outcomes, periods=YEAR):
        return build_people(receive(rows), dictionary, periods=periods, outcomes=outcomes)
    return build


def of(people, outcome, unit, column):
    """The outcome of family f`unit` (f0 joined before the year and is no row) at an index column."""
    found = at_index(people, outcome, np.array([unit - 1]), np.array([column]))
    return found.values[0], found.status[0].tolist(), int(found.n_members[0])


def test_each_child_has_its_own_values_by_quarter(people, delivery):
    found = people(delivery, "unauthorised_absence_rate")
    assert found.person_id.tolist() == ["c1", "c2", "c3", "c4", "c6"] and found.unit.tolist() == [0, 1, 1, 3, 5]
    np.testing.assert_array_equal(found.values("unauthorised_absence_rate")[:3], [[10, 0, NAN, 15], [20, 10, NAN, NAN], [0, 0, NAN, 20]])
    # c6 left the family in May and is followed; the family moved away in November
    np.testing.assert_array_equal(found.values("unauthorised_absence_rate")[4], [1, 99, NAN, NAN])


def test_family_at_index_is_its_children_of_then_followed_to_sixteen(people, delivery):
    found = people(delivery, "unauthorised_absence_rate", "persistent_absence")
    # f2 in the first quarter: c2 and c3; c2 is 16 from July, then c3 alone
    values, status, n = of(found, "unauthorised_absence_rate", 2, 0)
    np.testing.assert_array_equal(values, [12.5, 5, NAN, 20])
    assert (status, n) == ([SEEN, SEEN, C, SEEN], 2)
    # from the third quarter on: c3 only, before too
    values, _, n = of(found, "unauthorised_absence_rate", 2, 2)
    np.testing.assert_array_equal(values, [0, 0, NAN, 20])
    assert n == 1
    np.testing.assert_array_equal(of(found, "persistent_absence", 2, 0)[0], [50, 0, NAN, 100])


def test_child_who_left_is_followed_at_an_index_before_and_absent_at_one_after(people, delivery):
    found = people(delivery, "unauthorised_absence_rate")
    np.testing.assert_array_equal(of(found, "unauthorised_absence_rate", 6, 1)[0], [1, 99, NAN, NAN])
    values, status, n = of(found, "unauthorised_absence_rate", 6, 2)
    assert n == 0 and status == [NO] * 4 and np.isnan(values).all()


def test_children_who_have_all_grown_up_are_aged_out_and_one_who_comes_of_age_later_never_counts(people, delivery):
    delivery["people"][6]["birth_month"] = "2007-06"      # c3 is 5 from 1 July
    found = people(delivery, "fixed_exclusions")
    values, status, n = of(found, "fixed_exclusions", 2, 0)
    np.testing.assert_array_equal(values, [0, 0, NAN, NAN])
    assert (status, n) == ([SEEN, SEEN, C, AGED], 1)
    assert of(found, "fixed_exclusions", 2, 2)[1] == [NO, NO, C, SEEN]


def test_child_not_linked_makes_the_family_missing_and_a_dead_one_no_longer_counts(people, delivery):
    assert of(people(delivery, "fixed_exclusions"), "fixed_exclusions", 4, 0)[1] == [LINK, LINK, C, LINK]
    delivery["people"][5]["died_on"] = "2012-05-01"       # c2
    found = people(delivery, "unauthorised_absence_rate")
    np.testing.assert_array_equal(of(found, "unauthorised_absence_rate", 2, 0)[0], [12.5, 0, NAN, 20])


def test_young_person_whose_activity_is_not_known_leaves_the_family_unknown(people, delivery):
    delivery["people"][6]["birth_month"] = "1995-01"      # c3 is 17: a second young person beside c2, 16 from July
    delivery["activity_spells"].append({"person_id": "c3", "activity": "not_known", "start_date": "2012-12-01"})
    values, status, n = of(people(delivery, "neet"), "neet", 2, 2)
    np.testing.assert_array_equal(values, [0, 0, 100, NAN])
    assert (status, n) == ([SEEN, SEEN, SEEN, KNOWN], 2)


def test_rows_of_families_are_those_of_the_panel_and_single_children_add_up_to_it(receive, dictionary, delivery):
    tables, asked = receive(delivery), {"periods": YEAR, "outcomes": ("unauthorised_absence_rate", "offences_by_minors", "out_of_work_benefit")}
    panel, found = build_families(tables, dictionary, **asked), build_people(tables, dictionary, **asked)
    for name in asked["outcomes"]:
        for unit in range(len(panel)):
            for column in range(4):      # at an index in the quarter itself those counted are the same, where nobody joins or leaves in it
                if panel.status[name][unit, column] == SEEN:
                    assert at_index(found, name, np.array([unit]), np.array([column])).values[0, column] == panel.outcomes[name][unit, column]


def test_order_and_number_of_pairs_do_not_matter(people, delivery):
    found = people(delivery, "unauthorised_absence_rate")
    units, columns = np.array([1, 0, 5, 2, 1]), np.array([0, 2, 1, 3, 2])
    whole = at_index(found, "unauthorised_absence_rate", units, columns)
    order = np.array([4, 2, 0, 1, 3])
    other = at_index(found, "unauthorised_absence_rate", units[order], columns[order])
    np.testing.assert_array_equal(whole.values[order], other.values)
    np.testing.assert_array_equal(whole.status[order], other.status)
    assert at_index(found, "unauthorised_absence_rate", units[:0], columns[:0]).values.shape == (0, 4)


def test_outcome_of_the_family_itself_has_no_single_members(people, delivery):
    with pytest.raises(PlanError, match="asb_incidents is the family's own"):
        people(delivery, "asb_incidents")
    with pytest.raises(PlanError, match="'neet' is not"):
        at_index(people(delivery, "offences"), "neet", np.array([0]), np.array([0]))
