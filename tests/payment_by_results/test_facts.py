"""Facts of persons: the same counts as the panel of families makes, and membership, spells and terms that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from small_records import adult, asb, benefit, child, day, exclusion, family, offence, term

from evaluation.errors import ContractError
from evaluation.ingest.reading import receive_extracts
from evaluation.panel.families import build_families
from evaluation.payment_by_results.reading import read_facts
from evaluation.periods import Periods
from evaluation.simulate import Simulation

PERIODS = Periods.between("2011-Q1", "2013-Q4", kind="quarter")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory, dictionary):
    """(panel, facts) of 300 simulated families."""
    folder = tmp_path_factory.mktemp("facts")
    Simulation(families=300, councils=2, periods=PERIODS, seed=7).write(folder / "delivery", dictionary=dictionary)
    tables = receive_extracts(folder / "delivery", dictionary, room=folder)
    outcomes = ("offences", "asb_incidents", "unauthorised_absence_rate", "fixed_exclusions", "out_of_work_benefit")
    panel = build_families(tables, dictionary, periods=PERIODS, outcomes=outcomes)
    return panel, read_facts(tables, panel, (("housing",),))


def test_offences_of_minors_and_adults_add_up_to_those_of_the_panel(simulated):
    panel, facts = simulated
    seen = np.isfinite(panel.outcomes["offences"])
    both = sum(facts.events[name].number for name in ("offences_by_minors", "offences_by_adults"))
    assert seen.any() and both[seen].sum() > 0
    np.testing.assert_array_equal(both[seen], panel.outcomes["offences"][seen])
    unseen = facts.events["offences_by_minors"].unseen | facts.events["offences_by_adults"].unseen
    assert not unseen[seen].any()


def test_anti_social_behaviour_is_that_of_the_panel(simulated):
    panel, facts = simulated
    seen = np.isfinite(panel.outcomes["asb_incidents"])
    np.testing.assert_array_equal(facts.events["asb"].number[seen], panel.outcomes["asb_incidents"][seen])
    assert not facts.events["asb"].unseen[seen].any()
    assert (facts.events["asb_actions"].number <= facts.events["asb"].number).all()


def test_absence_and_exclusions_of_children_add_up_to_those_of_the_family(simulated):
    panel, facts = simulated
    children, n = facts.children, len(panel)
    sums = {name: np.stack([np.bincount(children.people.unit, weights=column, minlength=n) for column in getattr(children, name).T], axis=1)
            for name in ("possible", "unauthorised", "fixed")}
    seen = np.isfinite(panel.outcomes["unauthorised_absence_rate"])
    rate = 100 * sums["unauthorised"][seen] / sums["possible"][seen]
    np.testing.assert_allclose(rate, panel.outcomes["unauthorised_absence_rate"][seen])
    known = np.isfinite(panel.outcomes["fixed_exclusions"])
    np.testing.assert_array_equal(sums["fixed"][known], panel.outcomes["fixed_exclusions"][known])


def test_a_benefit_on_the_last_day_is_a_benefit_in_the_quarter(simulated):
    panel, facts = simulated
    adults, benefits = facts.adults, panel.outcomes["out_of_work_benefit"]
    for column in (3, 7, 11):
        on = adults.people.there(column) & adults.claimed_on(int(adults.last_days[column]))
        claims = np.bincount(adults.people.unit[on], minlength=len(panel)) > 0
        seen = np.isfinite(benefits[:, column])
        assert (benefits[seen & claims, column] == 100).all()


def test_what_happens_in_a_quarter_that_membership_covers_in_part_does_not_count(apply):
    people = [adult("p", "f"), child("a", "f", member_to="2012-03-30")]
    _, rules, _ = apply(families=[family("f")], people=people, offences=[offence("a", 3), offence("a", 4)])
    assert rules.facts.events["offences_by_minors"].number[0].tolist()[3:5] == [1, 0]
    assert rules.facts.events["offences_by_minors"].leaves.tolist() == [4]


def test_an_incident_counts_once_by_family_or_by_the_member_on_the_day(apply):
    people = [adult("p", "f"), child("a", "f", member_to=day(5, 20))]
    incidents = [asb(5, 0, family_id="f", person_id="a"), asb(5, 10, person_id="a"), asb(5, 30, person_id="a")]      # the last after it left
    _, rules, _ = apply(families=[family("f")], people=people, asb_incidents=incidents)
    assert rules.facts.events["asb"].number[0, 5] == 2


def test_july_belongs_to_the_summer_term_and_september_to_the_autumn_term(apply):
    excluded = [{"person_id": "a", "date": date, "kind": "fixed"} for date in ("2012-07-04", "2012-08-04", "2012-09-04")]
    _, rules, _ = apply(families=[family("f")], people=[adult("p", "f"), child("a", "f")], exclusions=[*excluded, exclusion("a", 5)])
    assert rules.facts.children.fixed[0].tolist() == [0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0]


def test_overlapping_and_adjoining_spells_are_one(apply):
    spells = [benefit("p", "2012-01-01", "2012-01-31"), benefit("p", "2012-01-20", "2012-02-10", "esa"),
              benefit("p", "2012-02-11", "2012-02-20", "jsa"), benefit("p", "2012-03-01")]
    _, rules, _ = apply(families=[family("f")], people=[adult("p", "f")], benefit_spells=spells)
    adults = rules.facts.adults
    assert len(adults.any_claim[0]) == 2
    assert adults.days(adults.any_claim, int(adults.last_days[4]), 91).tolist() == [51 + 31]      # 1 January to 20 February, March
    assert sorted(adults.claims) == ["esa", "income_support", "jsa"]


def test_a_child_in_two_families_counts_in_each_while_a_member(apply):
    people = [adult("p", "f"), adult("q", "g"), child("a", "f", member_to="2011-12-31"), child("a", "g", member_from="2012-01-01")]
    _, rules, _ = apply(families=[family("f"), family("g")], people=people, attendance=[term("a", 3, 10), term("a", 4, 20)])
    assert rules.facts.children.unauthorised[:, 3:5].tolist() == [[10, 0], [0, 20]]


def test_a_delivery_without_links_is_refused_with_what_to_do(simulated):
    with pytest.raises(ContractError, match="people, links, source_coverage missing"):
        read_facts({}, simulated[0])
