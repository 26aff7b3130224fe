"""Records of one person of a source become one row of the commonest parts."""
from __future__ import annotations

import pandas as pd

from evaluation.linkage.keys import PARTS, pseudonymised
from evaluation.linkage.merging import FOLLOWERS, merged, numbered

KEY = b"0123456789abcdef0123456789abcdef"
ROWS = pd.DataFrame([
    {"first_name": "Amy", "surname": "Hayson", "birth_date": "2001-08-18", "postcode": "BA2 1AB", "sex": "F"},
    {"first_name": "Amy", "surname": "ayson", "birth_date": None, "postcode": None, "sex": "F"},
    {"first_name": "Any", "surname": "Hayson", "birth_date": "2001-08-19", "postcode": None, "sex": None},
    {"first_name": "Jack", "surname": "Kelly", "birth_date": "1996-10-03", "postcode": None, "sex": "M"},
])


def records(**columns):
    return pseudonymised(ROWS, KEY).assign(**columns)


def test_the_commonest_of_each_field_is_taken_of_equals_the_first_and_missing_parts_are_made_good():
    given = records(source="police", of_person=["a", "a", "a", "b"])
    found = merged(given, numbered(given))
    expected = pseudonymised(ROWS.iloc[[0, 3]], KEY).reset_index(drop=True)       # Amy twice, Hayson twice, the first of two days
    pd.testing.assert_frame_equal(found[list(PARTS)], expected[list(PARTS)], check_dtype=False)


def test_a_number_counts_within_its_source_and_a_record_without_one_stands_alone():
    assert numbered(records(source=["police", "police", "education", "police"], of_person=["a", "a", "a", None])).tolist() == [0, 0, 1, 2]
    assert numbered(records(source="police", of_person=None)).tolist() == [0, 1, 2, 3]
    assert numbered(records()).tolist() == [0, 1, 2, 3]


def test_every_part_belongs_to_one_field():
    assert sorted(part for lead, parts in FOLLOWERS.items() for part in (lead, *parts)) == sorted(PARTS)
