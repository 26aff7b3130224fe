"""How protected numbers, intervals and dates are written. What they mean is said in the release, never here."""

from __future__ import annotations

import datetime as dt
import re

from evaluation.disclosure.release import EventPoint, Shown, ShownInterval

HARD_SPACE = "\u00a0"
SYMBOLS = (
    ("[c]", "confidential: the number could point to single families"),
    ("[x]", "not available in the data"),
    ("[z]", "not applicable"),
    ("[low]", "rounds to zero, but is not zero"),
)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def minus(text: str) -> str:
    """Text with a true minus before numbers: '-0.3' becomes '\u22120.3'; ranges and codes stay as they are."""
    return re.sub(r"(?<![\w\u00a0)])-(?=[\d.\u00a3])", "\u2212", text)


def in_words(number: Shown | None, otherwise: str = "[z]") -> str:
    """A number as printed, or the symbol that stands in its place; `otherwise` where there is no such number."""
    if number is None:
        return otherwise
    return minus(number.text or number.symbol or otherwise)


def range_in_words(interval: ShownInterval | EventPoint | None, otherwise: str = "[z]") -> str:
    """'\u22121.0 to 0.4', not broken between lines."""
    if interval is None:
        return otherwise
    lower, upper = in_words(interval.lower, otherwise), in_words(interval.upper, otherwise)
    return lower if interval.lower.value is None and lower == upper else f"{lower} to {upper}".replace(" ", HARD_SPACE)


def interval_in_words(interval: ShownInterval | EventPoint | None, otherwise: str = "[z]") -> str:
    """'\u22120.3 (\u22121.0 to 0.4)', not broken between lines."""
    if interval is None:
        return otherwise
    estimate, span = in_words(interval.estimate, otherwise), range_in_words(interval, otherwise)
    return estimate if estimate == span else f"{estimate} ({span})".replace(" ", HARD_SPACE)


def signed(number: Shown | None) -> str:
    """A number with its sign, as effects are printed."""
    text = in_words(number)
    return f"+{text}" if number is not None and number.value is not None and number.value > 0 and not text.startswith("+") else text


def date_in_words(iso: str) -> str:
    """'2026-11-24' as '24 November 2026'."""
    day = dt.date.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def sentence(text: str) -> str:
    """Text that ends in a full stop, question or exclamation mark."""
    text = text.strip()
    return text if not text or text[-1] in ".?!" else text + "."


def capital(text: str) -> str:
    """Text with a capital first letter; the rest stays."""
    return text[:1].upper() + text[1:]
