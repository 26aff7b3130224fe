"""The colour of a council's own reports: what its row of `brand_colours.csv` says, made dark enough to be read. Charts keep the house's colours."""

from __future__ import annotations

import csv
import re

from evaluation.errors import ReportError
from evaluation.locations import project_file

HOUSE = "#12436D"  # of reports of councils without a row, and of all other pages
FILE = "brand_colours.csv"
LEAST = 4.5  # contrast with white that words need (WCAG 2.2, 1.4.3)
STEP = 0.98  # by which a colour is darkened until it reaches that


def colour_of(council: str) -> str:
    """A council's colour as its row says it, the house's without one.

    Raises
    ------
    ReportError
        The row holds no colour.
    """
    with (project_file("data_dictionary") / FILE).open(encoding="utf-8", newline="") as file:
        found = {row["council_code"]: (row["colour"] or "").strip() for row in csv.DictReader(file)}
    return checked(found.get(council, HOUSE), council)


def checked(colour: str, whose: str) -> str:
    """The colour itself, if it is one."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ReportError(
            f"The colour of {whose} must be # and six hexadecimal digits, such as {HOUSE}: it is something else."
            f" Where: data_dictionary/{FILE}. Mend its row, or take it out for the house's colour."
        )
    return colour


def legible(colour: str) -> str:
    """The colour, darkened until white words on it, and words in it on white, have 4.5:1.

    >>> legible("#12436D"), legible("#ffdd00")
    ('#12436D', '#887600')
    """
    share, shown = 1.0, checked(colour, "a report")
    while contrast_with_white(shown) < LEAST:
        share *= STEP
        shown = "#" + "".join(f"{int(part * share):02x}" for part in parts(colour))
    return shown


def parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast_with_white(colour: str) -> float:
    """Contrast ratio of WCAG 2.2 with white."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in parts(colour))]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
