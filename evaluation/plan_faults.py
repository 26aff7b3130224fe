"""What is wrong with a plan, in words: which key, what must hold, the nearest right name. Which keys there are is said in `plan.py`."""

from __future__ import annotations

import difflib
import re

from pydantic import BaseModel

from evaluation.plan_data import Section


def all_in_words(faults: list[dict], plan: type[BaseModel]) -> tuple[str, ...]:
    """Every fault once; of a misspelt word not also that it is no list of words."""
    words = {key_of(fault) for fault in faults if fault["type"] == "literal_error"}
    told = (fault for fault in faults if fault["type"] != "tuple_type" or key_of(fault) not in words)
    return tuple(dict.fromkeys(in_words(fault, plan) for fault in told))


def in_words(fault: dict, plan: type[BaseModel]) -> str:
    """One fault of a plan: which key, what must hold, how to mend it."""
    where = key_of(fault)
    if fault["type"] == "extra_forbidden":
        known = keys_at(fault["loc"][:-1], plan)
        hint = nearest(fault["loc"][-1], known) or f"known keys here: {', '.join(known)}."
        return f"`{where}` is not a key of a plan; {hint}"
    if fault["type"] == "missing":
        return f"`{where}` is missing; every plan needs it (see studies/demonstration/plan.yml)."
    if fault["type"] == "literal_error":
        known = re.findall(r"'([^']+)'", fault["ctx"]["expected"])
        return f"`{where}` must be one of {', '.join(known)}, and is not; {nearest(fault['input'], known) or 'mend it.'}"
    return f"`{where}`: {fault['msg'].removeprefix('Value error, ')}."


def nearest(word: object, known: list[str]) -> str:
    """The known word that a misspelt one is likest to, as a question; nothing where it is like none."""
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean `{near[0]}`?" if near else ""


def key_of(fault: dict) -> str:
    """The key of a plan that a fault is about, without the forms that its value may have."""
    return ".".join(str(part) for part in fault["loc"] if "[" not in str(part)) or "the plan"


def keys_at(place: tuple, plan: type[BaseModel]) -> list[str]:
    """Names of the keys that a section of the plan may have."""
    section = plan
    for name in place:
        field = section.model_fields.get(str(name))
        section = next((kind for kind in Section.__subclasses__() if field and kind.__name__ in str(field.annotation)), section)
    return sorted(section.model_fields)
