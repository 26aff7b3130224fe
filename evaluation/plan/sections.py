"""What every section of a plan is, and how a day is written in one."""

from __future__ import annotations

import datetime as dt

from evaluation.frozen import Frozen


class Section(Frozen):
    """Part of a plan: frozen, and no key but those it knows."""


def as_day(value: object) -> str:
    """A day written like 2026-11-24."""
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError(f"write the day as 2026-11-24, not {str(value)!r}") from None
