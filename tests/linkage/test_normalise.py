"""One way of writing: what is the same person's becomes the same text, and what cannot be read is missing."""
from __future__ import annotations

from datetime import date

import pytest

from evaluation.linkage import normalise
from evaluation.linkage.nicknames import FORMAL, SHORT_FORMS

# US National Archives, "Soundex System": the examples of its rules, and those for double letters, side by side, H and W, vowels between.
ARCHIVES = {"Washington": "W252", "Lee": "L000", "Gutierrez": "G362", "Pfister": "P236", "Jackson": "J250", "Tymczak": "T522", "VanDeusen": "V532",
            "Ashcraft": "A261", "Robert": "R163", "Rupert": "R163", "Rubin": "R150", "Honeyman": "H555"}


@pytest.mark.parametrize("name", ARCHIVES)
def test_soundex_is_that_of_the_archives(name):
    assert normalise.soundex(normalise.surname(name)) == ARCHIVES[name]


@pytest.mark.parametrize("written", ["O'Brien-Smith", "OBRIEN SMITH", "  o’brien smith ", "Ó Brien-Smith"])
def test_one_surname_is_one_word_however_it_is_written(written):
    assert normalise.surname(written) == "OBRIENSMITH"


@pytest.mark.parametrize("written, first", [("Mary Jane", "MARY"), ("Mrs Mary", "MARY"), ("Zoë", "ZOE"), ("J", None), ("Unknown", None), ("", None),
                                            (None, None), (float("nan"), None), ("123", None)])
def test_the_first_of_the_first_names_counts_and_what_is_no_name_is_missing(written, first):
    assert normalise.first_name(written) == first


def test_short_forms_lead_to_one_name_and_no_short_form_is_a_formal_name_of_others():
    assert normalise.formal("BOB") == normalise.formal("ROBERT") == "ROBERT" and normalise.formal("ZARA") == "ZARA"
    shorts = [short for words in SHORT_FORMS.values() for short in words.split()]
    assert len(shorts) == len(set(shorts)) and not set(FORMAL) & set(SHORT_FORMS)


@pytest.mark.parametrize("written", ["2009-03-31", "31/03/2009", "31.3.2009", "2009-03-31 00:00:00", date(2009, 3, 31)])
def test_one_birthday_is_one_day_however_it_is_written(written):
    assert normalise.birthday(written) == date(2009, 3, 31)


@pytest.mark.parametrize("written", ["31/02/2009", "1900-01-01", "01/01/1970", "March 2009", "", None])
def test_a_day_that_is_none_or_stands_for_none_is_missing(written):
    assert normalise.birthday(written) is None


@pytest.mark.parametrize("written, found", [("ba2 1ab", ("BA21AB", "BA21")), ("EC1A1BB", ("EC1A1BB", "EC1A1")), ("ZZ99 3VZ", None), ("Bath", None),
                                            (None, None)])
def test_a_postcode_has_its_sector_and_no_fixed_address_is_missing(written, found):
    assert normalise.postcode(written) == found


def test_sex_is_read_from_words_and_letters():
    assert [normalise.sex(word) for word in ("M", "female", " f ", "U", None)] == ["M", "F", "F", None, None]
