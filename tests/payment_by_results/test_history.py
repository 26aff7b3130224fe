"""What records say of the time before a quarter: hand-made families, what was not seen, and that nothing later is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from small_records import adult, asb, benefit, child, day, exclusion, family, offence, term

from evaluation.payment_by_results.history import history_of, mean_before


@pytest.fixture
def facts(apply):
    """Family a: two adults' offences, a child absent in spring and summer, incidents, a claim from column 2 on. Family b: nothing."""
    _, rules, _ = apply(
        families=[family("a"), family("b")], people=[adult("pa", "a"), child("ka", "a"), adult("pb", "b"), child("kb", "b")],
        offences=[offence("pa", 1), offence("pa", 1, 1), offence("pa", 3), offence("pa", 6)],
        attendance=[term("ka", 0, 30), term("ka", 1, 10), term("ka", 3, 20), term("kb", 0, 0), term("kb", 1, 0), term("kb", 3, 0)],
        exclusions=[exclusion("ka", 1)], asb_incidents=[asb(3, family_id="a"), asb(4, family_id="a")],
        benefit_spells=[benefit("pa", day(2))], needs=[{"family_id": "a", "need": need, "start_date": day(c)} for need, c in
                                                      (("housing", 1), ("health", 3), ("health", 4))])  # fmt: skip
    return rules.facts


def test_each_record_lately_and_long_by_hand(facts):
    found = {name: values[0, 4] for name, values in history_of(facts, 4).items()}          # family a, before column 4
    assert found["offences_by_adults_lately"] == 1 and found["offences_by_adults_long"] == 2 / 4        # columns 1 and 3; two in one are one
    assert found["sessions_missed_lately"] == 20 / 100 and found["sessions_missed_long"] == pytest.approx(60 / 300)
    assert found["excluded_lately"] == 0 and found["excluded_long"] == 1 / 3                # one of three terms
    assert found["asb_lately"] == 1 and found["asb_long"] == 1 / 4                          # the incident of column 4 itself is not before it
    assert found["needs_begun_lately"] == 1 and found["needs_begun_long"] == 2 / 4
    assert found["claiming_lately"] == 1 and found["claiming_long"] == 2 / 4


def test_a_family_in_no_record_has_nought_everywhere(facts):
    assert all((values[1] == 0).all() for values in history_of(facts, 8).values())


def test_the_longer_time_is_what_there_is_of_it(facts):
    values = history_of(facts, 8)["offences_by_adults_long"][0]
    assert values[0] == 0 and values[2] == 1 / 2 and values[8] == 3 / 8


def test_nothing_of_a_quarter_or_later_is_looked_at(facts):
    from dataclasses import replace

    before = history_of(facts, 8)
    cut = {name: replace(one, number=np.where(np.arange(one.number.shape[1]) < 4, one.number, 9)) for name, one in facts.events.items()}
    after = history_of(replace(facts, events=cut), 8)
    for name in before:
        np.testing.assert_array_equal(after[name][:, :5], before[name][:, :5])
    assert any((after[name] != before[name]).any() for name in before)


def test_quarters_that_were_not_seen_do_not_count(apply):
    _, rules, _ = apply(families=[family("a"), family("b")], people=[adult("pa", "a"), adult("pb", "b")], offences=[offence("pa", 3)],
                        unlinked={("pb", "police")})
    found = history_of(rules.facts, 4)["offences_by_adults_long"]
    assert found[0, 4] == 1 / 4 and found[1, 4] == 0
    assert mean_before(np.array([[1, 0, 1, 0]]), np.array([[1, 0, 1, 1]]), 4)[0, 3] == 1    # two quarters seen, both with an event
