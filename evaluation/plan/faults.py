"""What is wrong with a plan, in words: which key, what must hold, the nearest right name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from evaluation.frozen import fields_at
from evaluation.plan.whole import Plan


def all_in_words(faults: Sequence[dict]) -> tuple[str, ...]:
    """Every fault once; of a misspelt word not also that it is no list of words."""
    words = {key_of(fault) for fault in faults if fault["type"] == "literal_error"}
    told = (fault for fault in faults if fault["type"] != "tuple_type" or key_of(fault) not in words)
    return tuple(dict.fromkeys(in_words(fault) for fault in told))


def in_words(fault: dict) -> str:
    """One fault of a plan: which key, what must hold, how to mend it."""
    where = key_of(fault)
    if fault["type"] == "extra_forbidden":
        known = sorted(fields_at(Plan, fault["loc"][:-1]))
        hint = near(fault["loc"][-1], known) or f"known keys here: {', '.join(known)}."
        return f"`{where}` is not a key of a plan; {hint}"
    if fault["type"] == "missing":
        return f"`{where}` is missing; every plan needs it (see studies/demonstration/plan.yml)."
    if fault["type"] == "literal_error":
        known = re.findall(r"'([^']+)'", fault["ctx"]["expected"])
        return f"`{where}` must be one of {', '.join(known)}, and is not; {near(fault['input'], known) or 'mend it.'}"
    return f"`{where}`: {fault['msg'].removeprefix('Value error, ')}."


def near(word: object, known: Sequence[str]) -> str:
    """The known word that a misspelt one is likest to, as a question; nothing where it is like none."""
    found = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean `{found[0]}`?" if found else ""


def key_of(fault: dict) -> str:
    """The key of a plan that a fault is about, without the forms that its value may have."""
    return ".".join(str(part) for part in fault["loc"] if "[" not in str(part)) or "the plan"
