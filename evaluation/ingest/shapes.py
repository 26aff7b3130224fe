"""Identifiers with a check of their own, as SQL: pupil numbers, National Insurance and NHS numbers, postcodes, small areas.

The letters and weights are those of the publishers' own descriptions: UPN (DfE, A guide to unique pupil numbers: weights 2 to 13, modulus 23),
NHS number (NHS Data Dictionary: weights 10 to 2, modulus 11), National Insurance number (HMRC NIM39110: letters not used), postcode (the form
of BS 7666). The last small area of 2011 is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # 23: without I, O and S
LAST_LSOA_2011 = "E01033768"  # recalled, not verified: change it here if the publisher says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A known form.

    Attributes
    ----------
    in_words : what the value must be
    holds, written : SQL over the text's SQL: whether it is one, and how it is written
    action : what is done with one that is not: 'blank' the value (never guess it) or 'quarantine' the row
    """

    in_words: str
    holds: Callable[[str], str]
    written: Callable[[str], str] = lambda c: c
    action: Literal["blank", "quarantine"] = "blank"


def upn_holds(c: str) -> str:
    """Check letter of a pupil number, permanent (13 characters, digits) or temporary (a letter at the end)."""
    digits = " + ".join(f"{place} * CAST(substr({c}, {place}, 1) AS INTEGER)" for place in range(2, 13))
    last = f"(CASE WHEN regexp_matches({c}, '[0-9]$') THEN CAST(right({c}, 1) AS INTEGER) ELSE strpos('{UPN_LETTERS}', right({c}, 1)) - 1 END)"
    form = f"regexp_full_match({c}, '[{UPN_LETTERS}][0-9]{{11}}[0-9{UPN_LETTERS}]')"
    return f"CASE WHEN {form} THEN substr('{UPN_LETTERS}', ({digits} + 13 * {last}) % 23 + 1, 1) = left({c}, 1) ELSE false END"


def nhs_holds(c: str) -> str:
    """Modulus 11 of an NHS number, spaces aside."""
    bare = f"replace({c}, ' ', '')"
    total = " + ".join(f"{11 - place} * CAST(substr({bare}, {place}, 1) AS INTEGER)" for place in range(1, 10))
    return f"CASE WHEN regexp_full_match({bare}, '[0-9]{{10}}') THEN (11 - ({total}) % 11) % 11 = CAST(right({bare}, 1) AS INTEGER) ELSE false END"


def nino_holds(c: str) -> str:
    """Letters and digits of a National Insurance number, spaces and case aside."""
    bare = f"replace(upper({c}), ' ', '')"
    return (
        f"regexp_full_match({bare}, '[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{{6}}[A-D]') "
        f"AND left({bare}, 2) NOT IN ('BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ')"
    )


SHAPES: dict[str, Shape] = {
    "upn": Shape(in_words="a pupil number whose check letter fits", holds=upn_holds, action="quarantine"),
    "nhs_number": Shape(in_words="an NHS number whose check digit fits", holds=nhs_holds, written=lambda c: f"replace({c}, ' ', '')"),
    "nino": Shape(in_words="a National Insurance number", holds=nino_holds, written=lambda c: f"replace(upper({c}), ' ', '')"),
    "postcode": Shape(
        in_words="a postcode",
        holds=lambda c: f"regexp_full_match(upper({c}), '(GIR ?0AA|[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}})')",
        written=lambda c: f"upper({c})",
    ),
    "lsoa_2011": Shape(
        in_words="a small area (LSOA) of 2011",
        action="quarantine",
        holds=lambda c: f"regexp_full_match({c}, '[EW]01[0-9]{{6}}') AND (left({c}, 1) = 'W' OR {c} <= '{LAST_LSOA_2011}')",
    ),
    "lsoa_2021": Shape(in_words="a small area (LSOA) of 2021", holds=lambda c: f"regexp_full_match({c}, '[EW]01[0-9]{{6}}')", action="quarantine"),
}
