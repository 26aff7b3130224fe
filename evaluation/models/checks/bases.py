"""The estimate with other base periods, matched and unmatched."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError, PlanError
from evaluation.models.checks.given import CheckInput, CheckResult, has_base, not_testable, summarised
from evaluation.models.contrasts import Base
from evaluation.models.effects import Estimate
from evaluation.models.matched_did import MatchedDiD
from evaluation.models.unmatched import UnmatchedDiD


def base_period(given: CheckInput) -> CheckResult:
    """The estimate with base -1, -2, -4, the plan's and the mean of the periods before, matched and unmatched, side by side.

    Table: `base`, `matched`, `matched_lower`, `matched_upper`, `unmatched`, `unmatched_lower`, `unmatched_upper`. Numbers: `spread_matched`,
    `spread_unmatched` (largest less smallest estimate).
    """
    if not has_base(given.estimator):
        return not_testable("base_period", "the estimator has no base period to move")
    table = pd.DataFrame([
        {"base": base} | {f"{name}{end}": getattr(found, part) for name, found in (("matched", matched), ("unmatched", unmatched))
                          for end, part in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper"))}
        for base, (matched, unmatched) in estimates_by_base(given).items()])
    if table.empty:
        return not_testable("base_period", "no base period is observed")
    numbers = {f"spread_{name}": float(table[name].max() - table[name].min()) for name in ("matched", "unmatched")}
    return CheckResult(name="base_period", verdict="information", table=table, numbers=numbers)


def estimates_by_base(given: CheckInput) -> dict[Base, tuple[Estimate, Estimate]]:
    """The matched and the unmatched estimate with base -1, -2, -4, the estimator's own and the mean of the periods before.

    A base nearer to entry than the anticipation leaves the anticipation only the periods after that base. A base with which nothing can be
    estimated is left out; an estimator without a base period to move gives an empty dict.
    """
    if not has_base(given.estimator):
        return {}
    return {base: pair for base in other_bases(given.estimator) if (pair := _with_base(given, base)) is not None}


def other_bases(estimator: object) -> list[Base]:
    """Event times -1, -2, -4 and the estimator's own, inside its window, then the mean of the periods before."""
    own, first = estimator.base, estimator.window[0]
    return [*sorted({b for b in (-1, -2, -4, own) if isinstance(b, int) and b >= first}, reverse=True), "pre_mean"]


def anticipation_with(estimator: object, base: Base) -> int:
    """The estimator's anticipation, cut short where a base lies inside it."""
    return estimator.anticipation if base == "pre_mean" else min(estimator.anticipation, -base - 1)


def window_needed(estimator: object, base: Base, quarters: tuple[int, int]) -> tuple[int, int]:
    """The event times that an estimate with a base needs, of differences that are taken one event time at a time."""
    first, last = estimator.window
    return (first if base == "pre_mean" else min(base, quarters[0])), min(last, quarters[1])


def _with_base(given: CheckInput, base: Base) -> tuple[Estimate, Estimate] | None:
    """The matched and the unmatched estimate with a base; None where nothing can be estimated with it."""
    room = anticipation_with(given.estimator, base)
    window = window_needed(given.estimator, base, given.quarters)
    own = {"window": window} if isinstance(given.estimator, MatchedDiD) else {}
    try:
        specs = replace(given.estimator, base=base, anticipation=room, **own), UnmatchedDiD(base=base, window=window, anticipation=room)
        matched, unmatched = (summarised(given, spec.fit(given.sample, given.effects.outcome, calendar=given.calendar)) for spec in specs)
    except (EstimationError, PlanError):
        return None
    return (matched, unmatched) if np.isfinite(matched.estimate) else None
