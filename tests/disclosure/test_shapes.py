"""Shapes are searched for in an order that takes little time: they find what the plain ones find, which say first what may not stand before."""

from __future__ import annotations

import random
import re

import pytest

from evaluation.disclosure.scan import KIND, SMALL, found_in, words_and_others
from evaluation.disclosure.shapes import BORN, END, MONTHS, SHAPES, START

PLAIN = {
    "a pupil number (UPN)": re.compile(rf"{START}[A-HJ-NP-RT-Z]\d{{11}}[\dA-HJ-NP-RT-Z]{END}", re.I),
    "a National Insurance number": re.compile(
        rf"{START}(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]{END}"
    ),
    "an NHS number": re.compile(r"(?<!\d\.)(?<![\w+\-])\d{3}([ -]?)\d{3}\1\d{4}(?!\w|[.\-]\d)"),
    "a postcode": re.compile(rf"{START}([A-Z]{{1,2}})\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{{2}}{END}"),
    "a date of birth": re.compile(
        rf"(?<!\d\.)(?<![\d/\-])(?:(?:0?[1-9]|[12]\d|3[01])([/.\-])(?:0?[1-9]|1[0-2])\1{BORN}|{BORN}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![\d/\-])"
    ),
    "a date of birth in words": re.compile(
        rf"(?:born|birth|d\.?o\.?b\.?)\W{{0,4}}(?:on|in|:|=)?\W{{0,3}}\d{{1,2}}(?:st|nd|rd|th)? (?:{MONTHS})[a-z]* {BORN}", re.I
    ),
    "an e-mail address": re.compile(r"(?<![\w.])[\w.+\-]+@[\w\-]+(?:\.[a-z]{2,})+", re.I),
    "a telephone number": re.compile(r"(?<!\d\.)(?<![\w+\-])(?:\+44 ?7|07)\d{3} ?\d{3} ?\d{3}(?!\w|\.\d)"),
}
PLAIN_SMALL = re.compile(
    rf"(?<![\w.,+\-\u2212\u2013/])(?<!of )(?<!to )([1-9]) (?:of (?:the |these |them )?)?{KIND}{{0,2}}(?:families|people|children|adults|pupils)\b"
)
WHOLE = (
    "T123456789012", "z123456789012", "AB 12 34 56 C", "GB123456C", "AB123456C", "943 476 5919", "943-476-5919", "9434765919", "BA1 2QR", "SW1A 1AA",
    "1.2.2011", "31/12/1999", "07-7-2003", "2011-02-28", "1987-11-30", "born on 3rd March 2011", "D.O.B.: 3 Mar 2001", "dob 31 december 1999",
    "Birth in 1 May 2015", "a.b+c@d-e.org", "x@y.co.uk", "+44 7700 900 123", "07700900123",
    "3 families", "7 of the treated children", "1 other pupils",
)  # fmt: skip
BESIDE = ("", " ", ".", ",", "/", "-", "+", "1", "0", "3.", "12.", "a", "Z", "_", "\n", "of ", "to ", "(", "\u2212", "\u2013", "é", "M 1.5 20.25 L ")


def texts(n: int, seed: int) -> list[str]:
    """Things that are found, things cut short or run together, and what may stand beside them."""
    rng = random.Random(seed)

    def piece() -> str:
        whole = rng.choice(WHOLE)
        if rng.random() < 0.4:
            at = rng.randrange(len(whole))
            whole = whole[:at] + rng.choice(("", "7", "B", " ", "-", ".")) + whole[at + 1 :]
        return rng.choice(BESIDE) + whole + rng.choice(BESIDE)

    return ["".join(piece() for _ in range(rng.randint(1, 4))) for _ in range(n)]


def spans(shape: re.Pattern, text: str) -> list[tuple[int, str, str | None]]:
    return [(found.start(), found[0], found[1] if shape.groups else None) for found in shape.finditer(text)]


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_finds_what_the_plain_one_finds(name):
    plain, found = PLAIN[name], 0
    for text in texts(4_000, 11):
        assert spans(SHAPES[name][0], text) == spans(plain, text), text
        found += bool(plain.search(text))
    assert found > 100


def test_counts_in_words_are_found_as_the_plain_search_finds_them():
    many = texts(4_000, 12)
    assert [spans(SMALL, text) for text in many] == [spans(PLAIN_SMALL, text) for text in many]
    assert sum(bool(PLAIN_SMALL.search(text)) for text in many) > 50


def test_identifiers_of_one_word_and_others_are_both_found_and_nothing_else():
    known = {"f0012345", "ab/12", "ab 0012 345", "4711-x", "p0000001", "f0099999"}
    words, others = words_and_others(known)
    assert words == {"f0012345", "p0000001", "f0099999"} and set(others) == known - words
    text = "F0012345, xp0000001 and AB/12; ab 0012 3456, 4711-x."
    assert found_in(text, words, others) == {"f0012345", "ab/12", "4711-x"}
    assert found_in(text, words, []) == {"f0012345"} and found_in(text, set(), others) == {"ab/12", "4711-x"}
