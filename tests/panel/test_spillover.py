"""Ways from the programme to the families compared with it: the six families of conftest, four quarters of 2012."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.panel.spillover import Arm, areas, near, shared_people, spillover


def arm(*units, column=1, weight=1.0):
    return Arm(unit=np.array(units), column=np.full(len(units), column), weight=np.full(len(units), weight))


@pytest.fixture
def rows(delivery):
    """f1 joins in the third quarter, f6 in the first; f2 and f1 live in area 2, f6 in area 6, the others apart."""
    for number, area in ((1, 2), (2, 2), (3, 3), (4, 6), (5, 5), (6, 6)):
        delivery["addresses"][number]["area_code"] = f"E0190000{area}"
    delivery["addresses"][3]["from_date"] = "2012-05-01"
    return delivery


def test_area_is_that_of_the_quarters_first_day(rows, build, receive):
    rows["addresses"][2]["to_date"] = "2012-06-30"
    rows["addresses"].append({"family_id": "f2", "area_code": "E01900003", "from_date": "2012-07-01", "address_id": "x"})
    found = areas(receive(rows), build(rows, "offences"))
    assert found[1].tolist() == [0, 0, 1, 1] and found[2].tolist() == [-1, -1, 1, 1] and found[0].tolist() == [0] * 4


def test_neighbours_are_other_programme_families_that_joined_before(rows, build, receive):
    panel = build(rows, "offences")
    found = near(areas(receive(rows), panel), panel)
    assert found[1].tolist() == [0, 0, 0, 1]                                     # f1 joined in the third quarter
    assert found[3].tolist() == [0, 1, 1, 1]                                     # f6 in the first
    assert found[5].tolist() == [0, 0, 0, 0] and np.isnan(found[2, :2]).all()    # no neighbour of itself; area of f3 not known


def test_shares_are_weighted_and_leave_out_what_is_not_known(rows, build, receive):
    panel = build(rows, "offences")
    rows["addresses"][3]["from_date"] = "2013-05-01"                             # f3 is never placed
    comparison = Arm(unit=np.array([1, 2, 3, 4]), column=np.full(4, 1), weight=np.array([1.0, 5, 2, 3]))
    table = spillover(receive(rows), panel, arm(5), comparison, after=(1, 2)).set_index("way")
    row = table.loc["programme_in_area"]
    assert row["share_comparison"] == pytest.approx((1 + 2) / (1 + 2 + 3)) and row["n_comparison"] == 2
    assert row["known_comparison"] == pytest.approx(6 / 11) and row["share_treated"] == 0


def test_person_of_two_families_is_a_way_whether_at_once_or_in_turn(rows, build, receive):
    def again(person_id, family_id, **more):
        other = next(person for person in rows["people"] if person["person_id"] == person_id)
        return other | {"family_id": family_id} | more
    rows["people"] += [again("c3", "f1"), again("c6", "f4", member_from="2012-06-01", member_to=None)]
    panel = build(rows, "asb_incidents")
    pairs = shared_people(receive(rows), panel)
    assert pairs[["u", "v", "together"]].values.tolist() == [[0, 1, True], [1, 0, True], [3, 5, False], [5, 3, False]]
    share = spillover(receive(rows), panel, arm(5), arm(1, 2, 3), after=(1, 1)).set_index("way").loc["person_of_programme"]
    assert share["n_comparison"] == 2 and share["share_comparison"] == pytest.approx(2 / 3)
    # f1 joins in column 2: at an index in column 0 followed to column 1 it has not
    assert spillover(receive(rows), panel, arm(5), arm(1, column=0), after=(1, 1)).set_index("way").loc["person_of_programme", "n_comparison"] == 0


def test_service_that_ends_after_the_index_is_told_from_one_that_begins(rows, build, receive):
    rows["other_support"] = [
        {"family_id": "f2", "service": "early_help", "start_date": "2012-01-01", "end_date": "2012-06-30"},      # open at column 1, ends in it
        {"family_id": "f3", "service": "early_help", "start_date": "2012-04-02", "end_date": "2012-09-30"},      # begins in column 1
        {"family_id": "f4", "service": "early_help", "start_date": "2012-01-01"},                                # goes on
        {"family_id": "f5", "service": "early_help", "start_date": "2011-01-01", "end_date": "2012-03-31"}]      # was over
    panel = build(rows, "offences")
    table = spillover(receive(rows), panel, arm(5), arm(1, 2, 3, 4), after=(1, 1)).set_index("way")
    assert table.loc["service_ended", ["n_comparison", "share_comparison"]].tolist() == [1, 0.25]
    assert table.loc["service_began", ["n_comparison", "share_comparison"]].tolist() == [1, 0.25]
    later = spillover(receive(rows), panel, arm(5), arm(1, column=3), after=(1, 4)).set_index("way")
    assert later.loc["service_ended", "known_comparison"] == 0 and np.isnan(later.loc["service_ended", "share_comparison"])


def test_tables_not_delivered_leave_their_ways_out(rows, build, receive):
    del rows["addresses"], rows["other_support"]
    panel = build(rows, "offences")
    assert spillover(receive(rows), panel, arm(5), arm(1))["way"].tolist() == ["person_of_programme"]


def test_order_of_rows_does_not_matter(rows, build, receive):
    panel = build(rows, "offences")
    first = spillover(receive(rows), panel, arm(0, 5), arm(1, 2, 3))
    for table in rows.values():
        table.reverse()
    second = spillover(receive(rows), panel, arm(5, 0), arm(3, 1, 2))
    assert first.equals(second)


def test_services_lost_in_councils_with_the_programme_are_told_apart_only_where_there_are_other_councils(rows, build, receive):
    rows["other_support"] = [
        {"family_id": "f2", "service": "early_help", "start_date": "2012-01-01", "end_date": "2012-06-30"},
        {"family_id": "f3", "service": "early_help", "start_date": "2012-01-01", "end_date": "2012-06-30"},
        {"family_id": "f4", "service": "early_help", "start_date": "2012-01-01"}]
    panel, tables = build(rows, "offences"), receive(rows)

    def living(*codes):
        lived = replace(panel, units=panel.units.assign(council_code=list(codes)))
        return spillover(tables, lived, arm(5), arm(1, 2, 3), after=(1, 1)).set_index("way")

    assert "service_ended_in_council" not in living(*["E1"] * 6).index
    table = living("E1", "E1", "E2", "E1", "E2", "E1")                                   # f3 and f5 live where nobody joins
    assert table.loc["service_ended", ["n_comparison", "of_comparison"]].tolist() == [2, 3]
    here = table.loc["service_ended_in_council"]
    assert here[["n_comparison", "of_comparison"]].tolist() == [1, 2] and here["share_comparison"] == 0.5       # f2 of f2 and f4
