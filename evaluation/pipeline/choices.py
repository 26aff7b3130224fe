"""From the names in a plan to specs: the matcher and the estimators with their options, checked against what each method knows."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

import numpy as np
from pydantic import TypeAdapter, ValidationError

from evaluation.errors import PlanError
from evaluation.matching import MATCHERS
from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.matching.score import Score
from evaluation.models import ESTIMATORS
from evaluation.plan import Plan
from evaluation.plan.faults import in_words
from evaluation.plan.methods import SecondEstimator

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
    refuse_unknown(chosen.options, kind, chosen.method, "matching", FROM_ELSEWHERE)
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
    spec = made(kind, options, "matching")
    if spec.estimand in ("ATC", "ATE"):
        raise PlanError(f"`matching.estimand` of a study must be about those who joined (ATT, ATO or ATM): it is {spec.estimand!r}. Mend the "
                        "plan.")
    return spec


def with_later_entry(plan: Plan, sample: MatchedSample) -> MatchedSample:
    """The sample with what the plan's rule on later entry needs: chances of joining, from what is matched on and recent primary outcomes."""
    if plan.comparison.on_later_entry == "censor":
        return sample
    from evaluation.models.later_entry import with_chances_of_joining

    records = [name for name in plan.outcomes.primary if name in sample.panel.outcomes]
    covariates = dict.fromkeys((*plan.matching.exact, *plan.matching.score.covariates))
    return with_chances_of_joining(sample, covariates=tuple(covariates), records=records, last=plan.estimator.window[1])


def estimator(plan: Plan, second: SecondEstimator | None = None) -> object:
    """The plan's estimator, or one of its second ones, as a spec: its own options, then those of the plan's that it shares.

    Raises
    ------
    PlanError
        An option that the method does not know, or of a kind or size that it does not take.
    """
    chosen, place = plan.estimator, "estimator" if second is None else "second_estimators"
    method, own = (chosen.method, chosen.options) if second is None else (second.method, second.options)
    kind = ESTIMATORS[method]
    refuse_unknown(own, kind, method, place, ())
    names = {field.name for field in fields(kind)}
    shared = {"window": chosen.window, "anticipation": chosen.anticipation, "quarters": chosen.headline.event_times}
    shared["on_later_entry"] = plan.comparison.on_later_entry
    if second is None and shared["on_later_entry"] != "censor" and "on_later_entry" not in names:
        raise PlanError(f"`comparison.on_later_entry: {shared['on_later_entry']}` is for matched_did and matched_levels: the plan's method is "
                        f"{method}, which leaves comparison units out from their own entry. Write censor, or choose one of the two.")
    if counts_from_a_base(method):
        shared["base"] = chosen.base
    elif second is None and chosen.base != type(chosen).model_fields["base"].default:      # the default is filled in when a plan is kept
        raise PlanError(f"`estimator.base` is no option of the method {method}: it compares with what its own rule says, not with one event time. "
                        "Take it out of the plan.")
    return made(kind, {name: value for name, value in shared.items() if name in names} | own, place)


def counts_from_a_base(method: str) -> bool:
    """Whether a method compares with one event time; for others a base is a rule (varying, universal), or there is none."""
    return any(field.name == "base" and "int" in str(field.type) for field in fields(ESTIMATORS[method]))


def base_of(plan: Plan) -> int:
    """The event time before which the plan's method leaves periods to test: its base, or else the last one before the anticipation."""
    return plan.estimator.base if counts_from_a_base(plan.estimator.method) else -1 - plan.estimator.anticipation


def refuse_unknown(options: Iterable[str], kind: type, method: str, place: str, elsewhere: Sequence[str]) -> None:
    """Refuse options that a method does not have, naming the nearest one."""
    known = [field.name for field in fields(kind) if field.name not in elsewhere]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"it knows {', '.join(known)}."
            raise PlanError(f"`{place}.{name}` is no option of the method {method}; {hint}")


@functools.cache
def adapter(kind: type) -> TypeAdapter:
    """What checks the fields of a spec; it is dear to make and asked for in every report."""
    return TypeAdapter(kind)


def made(kind: type, options: Mapping[str, object], place: str) -> object:
    """A spec from options, each of the type that its field takes."""
    try:
        return adapter(kind).validate_python(options)
    except ValidationError as fault:
        lines = "\n".join(f"  - {in_words({**one, 'loc': (place, *one['loc'])})}" for one in fault.errors())
        raise PlanError(f"{len(fault.errors())} thing(s) to mend in the plan's {place}:\n{lines}") from None
