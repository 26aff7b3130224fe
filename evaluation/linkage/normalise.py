"""One way of writing a name, a day of birth, a postcode and a sex, so that equal people give equal text before anything is hashed.

What cannot be read is None: missing, and never a guess. Nothing is hashed here.
"""
from __future__ import annotations

import re
import unicodedata
from datetime import date

from evaluation.linkage.nicknames import FORMAL

TITLES = frozenset("MR MRS MISS MS MX DR MASTER REV".split())
NO_NAME = frozenset("UNKNOWN NOTKNOWN NOTGIVEN NOTSTATED NONE NULL NA BABY INFANT TEST".split())
NO_BIRTHDAY = frozenset({date(1900, 1, 1), date(1901, 1, 1), date(1970, 1, 1), date(1800, 1, 1)})      # what systems put where the day is not known
DAYS = (re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ].*)?"), re.compile(r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})"))
POSTCODE = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)(\d)([A-Z]{2})")
CODES = {letter: digit for digit, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), start=1) for letter in letters}


def letters(text: object) -> str:
    """Capital letters A to Z and spaces: accents, hyphens and apostrophes are taken away."""
    plain = unicodedata.normalize("NFKD", str(text)).upper()
    return " ".join(re.sub(r"[^A-Z\s]", "", plain).split())


def first_name(text: object) -> str | None:
    """The first of the first names, without a title; an initial is no name."""
    words = [word for word in letters(text).split() if word not in TITLES] if _there(text) else []
    return words[0] if words and len(words[0]) > 1 and "".join(words) not in NO_NAME else None


def surname(text: object) -> str | None:
    """The whole surname as one word: SMITH-JONES and Smith Jones are SMITHJONES."""
    word = letters(text).replace(" ", "") if _there(text) else ""
    return word if word and word not in NO_NAME else None


def formal(name: str) -> str:
    """The name that a short form stands for; the name itself where it is none."""
    return FORMAL.get(name, name)


def soundex(name: str) -> str:
    """American Soundex as the census archives code it: a letter and three digits.

    References
    ----------
    US National Archives, "Soundex System": letters of one code beside each other, or with H or W between them, count once; vowels part them.
    """
    code, last = name[0], CODES.get(name[0])
    for letter in name[1:]:
        digit = CODES.get(letter)
        if digit and digit != last:
            code += str(digit)
        if letter not in "HW":
            last = digit
    return (code + "000")[:4]


def birthday(text: object) -> date | None:
    """Day of birth, from a date, 2009-03-31 or 31/03/2009; None for a day that stands for one not known."""
    if isinstance(text, date):
        text = text.strftime("%Y-%m-%d")
    found = next((match for form in DAYS if _there(text) and (match := form.fullmatch(str(text).strip()))), None)
    try:
        day = None if found is None else date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        return None
    return None if day in NO_BIRTHDAY else day


def postcode(text: object) -> tuple[str, str] | None:
    """A postcode and its sector, as BA21AB and BA21; None for a form that is none, and for ZZ99, which stands for no address."""
    found = POSTCODE.fullmatch(re.sub(r"[^A-Z0-9]", "", str(text).upper())) if _there(text) else None
    return None if found is None or found[1] == "ZZ99" else ("".join(found.groups()), found[1] + found[2])


def sex(text: object) -> str | None:
    """M, F or None."""
    return {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F"}.get(str(text).strip().upper()) if _there(text) else None


def _there(text: object) -> bool:
    return text is not None and text == text and str(text).strip() != ""
