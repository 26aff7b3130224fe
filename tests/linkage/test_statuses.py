"""Who is linked, by pool and council, and what the threshold does to an effect; all worked out by hand."""
from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import LinkageError
from evaluation.linkage.link import Candidates
from evaluation.linkage.rates import link_rates, record_counts
from evaluation.linkage.sensitivity import changes, difference, effect_by_threshold
from evaluation.linkage.statuses import statuses

DAY = date(2014, 1, 1)
ROSTER = pd.DataFrame({"person_id": list("abcdef"), "council_code": ["E06000022"] * 4 + ["E09000032"] * 2, "index_date": DAY, "surname": "s",
                       "joined": [True, True, False, False, True, False], "born": ["d", "d", "d", "d", None, "d"]})
# record, source, person, probability, days after the index day
FOUND = [("education", 0, 0.999, 5), ("education", 1, 0.7, 5), ("education", 2, 0.999, 5), ("education", 3, 0.96, 5), ("police", 0, 0.99, 10),
         ("police", 2, 0.97, -10), ("police", 2, 0.6, 20), ("police", 5, 0.3, 20), ("police", 3, 0.8, -400)]


@pytest.fixture
def found():
    best = pd.DataFrame([(record, person, probability, 9.0, 0) for record, (_, person, probability, _) in enumerate(FOUND)],
                        columns=["record", "person", "probability", "weight", "others"])
    return Candidates(best=best, n_records=len(FOUND), n_people=len(ROSTER), parameters=pd.DataFrame())


@pytest.fixture
def records():
    return pd.DataFrame({"source": [source for source, *_ in FOUND], "date": [DAY + timedelta(days=days) for *_, days in FOUND]})


def status_of(found, records, source, threshold=0.95, **options):
    table = statuses(found, options.pop("roster", ROSTER), records["source"].to_numpy(), threshold=threshold, **options)
    return table.loc[table["source"] == source, "status"].tolist()


def test_somebody_whom_a_register_does_not_show_is_not_linked_and_somebody_without_birthday_was_not_sought(found, records):
    assert status_of(found, records, "education") == ["linked", "not_linked", "linked", "linked", "not_attempted", "not_linked"]
    assert status_of(found, records, "education", 0.6) == ["linked", "linked", "linked", "linked", "not_attempted", "not_linked"]


def test_without_an_offence_only_those_whom_a_register_shows_are_linked_to_the_police(found, records):
    # a and c have an offence; d is in a register, but an offence of 0.8 is in doubt; b and f are in no register
    assert status_of(found, records, "police") == ["linked", "not_linked", "linked", "not_linked", "not_attempted", "not_linked"]
    assert status_of(found, records, "police", 0.99) == ["linked", "not_linked", "not_linked", "not_linked", "not_attempted", "not_linked"]


def test_people_of_another_age_are_not_sought(found, records):
    roster = ROSTER.assign(sought=["education police", "police", "education police", "police", "education", None])
    none = "not_attempted"
    assert status_of(found, records, "education", roster=roster) == ["linked", none, "linked", none, none, none]


def test_events_without_a_register_and_unknown_sources_are_refused(found, records):
    with pytest.raises(LinkageError, match="Link a register along"):
        statuses(found, ROSTER, np.array(["police"] * len(FOUND)), threshold=0.95)
    with pytest.raises(LinkageError, match="prison is not"):
        statuses(found, ROSTER, np.where(records["source"] == "police", "prison", records["source"]), threshold=0.95)


def test_rates_count_those_sought_by_pool_and_council(found, records):
    table = statuses(found, ROSTER, records["source"].to_numpy(), threshold=0.95)
    rates = link_rates(table, ROSTER).set_index(["source", "council_code", "pool"])
    row = rates.loc[("education", "all", "families that joined")]
    assert (row["people"], row["linked"], row["not_linked"], row["not_attempted"]) == (3, 1, 1, 1) and row["share"] == 0.5
    assert rates.loc[("education", "all", "all"), "share"] == 3 / 5 and rates.loc[("education", "E06000022", "all"), "share"] == 3 / 4
    assert math.isnan(rates.loc[("education", "E09000032", "families that joined"), "share"])
    assert rates.loc[("education", "all", "all"), "people"] == len(ROSTER)


def test_records_are_linked_in_doubt_or_of_nobody(found, records):
    counts = record_counts(found, records["source"].to_numpy(), 0.95).set_index("source")
    assert counts.loc["police"].to_dict() == {"records": 5, "linked": 2, "in_doubt": 2, "of_nobody": 1}
    assert counts.loc["education"].to_dict() == {"records": 4, "linked": 3, "in_doubt": 1, "of_nobody": 0}


def test_changes_count_events_of_linked_records_in_the_year_on_each_side(found, records):
    assert changes(found.linked(0.95), ROSTER, records, source="police").tolist() == [1, 0, -1, 0, 0, 0]
    assert changes(found.linked(0.5), ROSTER, records, source="police").tolist() == [1, 0, 0, 0, 0, 0]      # 400 days before is outside


def test_difference_is_that_of_means_with_the_error_of_welch():
    from scipy.stats import ttest_ind

    change, joined = np.array([1.0, 3, 2, 0, 0, 1, 5]), np.array([True, True, True, False, False, False, False])
    estimate, error = difference(change, joined)
    assert estimate == pytest.approx(0.5) and estimate / error == pytest.approx(ttest_ind(change[joined], change[~joined], equal_var=False).statistic)
    assert all(map(math.isnan, difference(change[:4], joined[:4])))


@pytest.mark.parametrize("joined, effect, as_zero, shares", [
    ([True, False, True, False, False, False], 0, 1 / 4, (1, 2 / 4)),             # linked (1 + 0) / 2 - (1 + 0) / 2; else less (1 + 0 + 0 + 0) / 4
    ([False] * 6, math.nan, math.nan, (math.nan, 4 / 6)),                         # nobody joined
    ([True, False, False, False, True, True], math.nan, 0, (1 / 3, 1))])          # one linked who joined is too few; (1 + 0 + 0) / 3 on both sides
def test_the_unlinked_are_missing_from_the_effect_and_zero_only_beside_it(found, records, joined, effect, as_zero, shares):
    records = records.assign(source=np.where(records.index == 1, "police", records["source"]))      # at 0.5 a, b, c, d are linked: 1, 1, 0, 0
    table = effect_by_threshold(found, ROSTER.assign(joined=joined, born="d"), records, source="police", thresholds=(0.5,))
    row = table.iloc[0]
    assert row["effect"] == pytest.approx(effect, nan_ok=True) and row["effect_as_zero"] == pytest.approx(as_zero, nan_ok=True)
    assert (row["linked_joined"], row["linked_others"]) == pytest.approx(shares, nan_ok=True)


def test_the_effect_needs_days_on_both_sides(found, records):
    with pytest.raises(LinkageError, match="`index_date` in the roster"):
        effect_by_threshold(found, ROSTER.drop(columns="index_date"), records, source="police")
    with pytest.raises(LinkageError, match="`date` in the records"):
        effect_by_threshold(found, ROSTER, records.drop(columns="date"), source="police")
