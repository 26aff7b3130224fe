"""Frozen values made from entries of the dictionary's files and of plans: no field but those they know, and which fields those are."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Part of a file of settings: frozen, and no field but those it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def fields_at(model: type[BaseModel], place: Iterable[object]) -> tuple[str, ...]:
    """Fields allowed at a place of an entry: the names on the way from the entry down to it; names of its own and numbers stay where they are."""
    for name in place:
        field = model.model_fields.get(str(name))
        model = next(models_in(field.annotation), model) if field else model
    return tuple(model.model_fields)


def models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    """Models that a field's type names, the outermost first."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)
