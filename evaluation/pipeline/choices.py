"""From the names in a plan to specs: the matcher with its options, checked against what the method knows."""

from __future__ import annotations

import difflib
from dataclasses import fields

import numpy as np
from pydantic import TypeAdapter, ValidationError

from evaluation.errors import PlanError
from evaluation.matching import MATCHERS
from evaluation.matching.matcher import Matcher
from evaluation.matching.score import Score
from evaluation.plan import Plan, in_words

FROM_ELSEWHERE = ("covariates", "formula", "score", "exact", "history", "history_window", "pool")  # keys with a place of their own in the plan

POOLS = {"eligible_not_yet_joined_at_index": "not_yet_joined", "never_joined": "never_joined"}


def seed_of(plan: Plan) -> int:
    """A seed for scores that draw, from the plan's."""
    return int(np.random.SeedSequence(plan.seed).generate_state(1)[0])


def matcher(plan: Plan) -> Matcher:
    """The plan's matcher as a spec.

    Raises
    ------
    PlanError
        An option that the method does not know (with the nearest one that it does), or of a kind or size that it does not take.
    """
    chosen, kind = plan.matching, MATCHERS[plan.matching.method]
    known = [field.name for field in fields(kind) if field.name not in FROM_ELSEWHERE]
    for name in chosen.options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"it knows {', '.join(known)}."
            raise PlanError(f"`matching.{name}` is no option of the method {chosen.method}; {hint}")
    given = chosen.score
    score = Score(model=given.model, scale=given.scale, options=given.options, folds=given.folds, seed=seed_of(plan))
    options = {
        "covariates": given.covariates,
        "formula": given.formula,
        "score": score,
        "exact": chosen.exact,
        "history": given.history,
        "history_window": given.history_window,
        "pool": POOLS[plan.comparison.candidates],
        **chosen.options,
    }
    try:
        spec = TypeAdapter(kind).validate_python(options)
        if spec.estimand in ("ATC", "ATE"):
            raise PlanError(f"`matching.estimand` of a study must be about those who joined (ATT, ATO or ATM): it is {spec.estimand!r}. Mend the "
                            "plan.")
        return spec
    except ValidationError as fault:
        lines = "\n".join(f"  - {in_words({**one, 'loc': ('matching', *one['loc'])})}" for one in fault.errors())
        raise PlanError(f"{len(fault.errors())} thing(s) to mend in the plan's matching:\n{lines}") from None
