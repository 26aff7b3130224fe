"""Checks of a spec's options when it is made: what a plan's keys are checked for, for those who make specs in Python."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real

import numpy as np

from evaluation.errors import PlanError

ORDERS = {                     # who chooses first where rows are used up, in the terms of the trade
    "auto": "",
    "largest": ", from the largest score down",
    "smallest": ", from the smallest score up",
    "data": ", in the order of identifiers",
    "random": ", in a random order (seed {seed})",
    "closest": ", the nearest pairs first",
    "farthest": ", those farthest from their nearest first",
}


def refuse(wrong: bool, words: str) -> None:
    """Raise a `PlanError` that says how to mend it."""
    if wrong:
        raise PlanError(f"{words.strip()} Mend the plan.")


def listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def as_tuple(spec: object, name: str) -> None:
    """Make a field a tuple; a text is no list of one."""
    value = getattr(spec, name)
    refuse(isinstance(value, str), f"`matching.{name}` must be a list: it is the text {value!r}.")
    object.__setattr__(spec, name, tuple(value))


def check_whole(spec: object, name: str, *, least: int, optional: bool = False) -> None:
    """Refuse a field that is no whole number from `least` up."""
    value = getattr(spec, name)
    if optional and value is None:
        return
    refuse(not isinstance(value, Integral) or isinstance(value, bool) or value < least,
           f"`matching.{name}` must be at least {least}{'' if isinstance(value, Integral) else ', a whole number'}: it is {value!r}.")


def check_above_zero(spec: object, name: str) -> None:
    """Refuse a field that is neither none nor a number above 0."""
    value = getattr(spec, name)
    refuse(value is not None and not (is_number(value) and value > 0),
           f"`matching.{name}` must be above 0, or none for no {name}: it is {value!r}.")


def check_widths(spec: object, name: str) -> None:
    """Refuse a field that is no mapping of columns to numbers other than 0."""
    value = getattr(spec, name)
    refuse(not isinstance(value, Mapping), f"`matching.{name}` must give a width for each column: it is {value!r}.")
    for column, width in value.items():
        refuse(not is_number(width) or width == 0, f"`matching.{name}` must be numbers other than 0: {column!r} has {width!r}.")


def check_flags(spec: object) -> None:
    """Refuse a yes-or-no field that is neither true nor false."""
    for field in fields(spec):
        if field.type in ("bool", bool):
            value = getattr(spec, field.name)
            refuse(not isinstance(value, bool | np.bool_), f"`matching.{field.name}` must be true or false: it is {value!r}.")


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(value))
