"""Identifiers with a check of their own: published examples, and every single digit changed."""
from __future__ import annotations

import duckdb
import pytest

from evaluation.ingest.shapes import LAST_LSOA_2011, SHAPES


def holds(shape: str, text: str) -> bool:
    return duckdb.execute(f"SELECT coalesce({SHAPES[shape].holds('c')}, false) FROM (SELECT ?::VARCHAR AS c)", [text]).fetchall()[0][0]


@pytest.mark.parametrize("shape, text", [
    ("upn", "H801200001001"), ("upn", "U80120000100A"),                       # worked out by hand in tests/faults/identities.py
    ("nhs_number", "9434765919"), ("nhs_number", "943 476 5919"),             # the example of the NHS Data Dictionary
    ("nino", "AB123456C"), ("nino", "ab 12 34 56 d"), ("postcode", "SW1A 1AA"), ("postcode", "M1 1AE"), ("postcode", "gir 0aa"),
    ("lsoa_2011", "E01000001"), ("lsoa_2011", LAST_LSOA_2011), ("lsoa_2011", "W01001958"), ("lsoa_2021", "E01035762")])
def test_a_real_one_is_one(shape, text):
    assert holds(shape, text)


@pytest.mark.parametrize("shape, text", [
    ("upn", "S801200001001"), ("upn", "H80120000100"), ("upn", "h801200001001"), ("nhs_number", "943476591"), ("nhs_number", "943476591X"),
    ("nhs_number", ""), ("nino", "QQ123456C"), ("nino", "BG123456A"), ("nino", "DA123456A"), ("nino", "AB123456E"), ("nino", "AO123456A"),
    ("postcode", "SW1A"), ("postcode", "1AA SW1A"), ("postcode", "SW1A 1A"), ("lsoa_2011", "E01033769"), ("lsoa_2011", "E02000001"),
    ("lsoa_2021", "S01006506")])
def test_what_is_none_is_none(shape, text):
    assert not holds(shape, text)


@pytest.mark.parametrize("shape, text, digits", [("upn", "H801200001001", range(1, 13)), ("nhs_number", "9434765919", range(10))])
def test_a_single_wrong_digit_is_always_noticed(shape, text, digits):
    for place in digits:
        for digit in "0123456789".replace(text[place], ""):
            assert not holds(shape, text[:place] + digit + text[place + 1:]), (place, digit)
