"""What is wrong with a plan, in words."""

from __future__ import annotations

import difflib

from evaluation.frozen import fields_at
from evaluation.plan.whole import Plan


def in_words(fault: dict) -> str:
    """One fault of a plan: which key, what must hold, how to mend it."""
    where = ".".join(str(part) for part in fault["loc"]) or "the plan"
    if fault["type"] == "extra_forbidden":
        known = sorted(fields_at(Plan, fault["loc"][:-1]))
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known keys here: {', '.join(known)}."
        return f"`{where}` is not a key of a plan; {hint}"
    if fault["type"] == "missing":
        return f"`{where}` is missing; every plan needs it (see studies/demonstration/plan.yml)."
    return f"`{where}`: {fault['msg'].removeprefix('Value error, ')}."
