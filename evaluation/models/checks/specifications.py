"""Other defensible choices: the headline under each, side by side. A small set without matching again, and a hook for any other."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd

from evaluation.errors import EvaluationError
from evaluation.matching.sample import MatchedSample
from evaluation.models.checks.bases import anticipation_with, other_bases
from evaluation.models.checks.given import CheckInput, CheckResult, conclusion, has_base, headline, not_testable, of_estimate, summarised
from evaluation.models.effects import Estimate
from evaluation.models.matched_did import MatchedLevels
from evaluation.models.unmatched import UnmatchedDiD


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One other way to analyse the same outcome.

    Attributes
    ----------
    name : str
        As the table of the curve shows it.
    estimator : mapping or object
        Options of the plan's estimator to change, or another estimator's spec.
    matcher : mapping
        Options of the plan's matcher to change: the sample is then matched again.
    """

    name: str
    estimator: Mapping[str, object] | object = field(default_factory=dict)
    matcher: Mapping[str, object] = field(default_factory=dict)


def specification_curve(given: CheckInput, specifications: Sequence[Specification], *, matcher: object | None = None) -> pd.DataFrame:
    """The headline under the plan's choices (first row) and under each other specification, all by the plan's clusters and cohorts' rule.

    Parameters
    ----------
    matcher : object, optional
        The plan's matcher, needed where a specification changes it. A sample is matched once for each set of changes.

    Returns
    -------
    DataFrame
        `name`, `estimate`, `std_error`, `lower`, `upper`, `p_value`, `n_treated`, `n_comparison`, `reason` (why there is no number; '' otherwise).

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), DOI 10.1038/s41562-020-0912-z.
    """
    samples: dict[str, MatchedSample | str] = {}
    rows = [_row("the plan's", headline(given))]
    for one in specifications:
        key = repr(sorted(one.matcher.items(), key=lambda item: item[0]))
        if key not in samples:
            samples[key] = _matched(given, one.matcher, matcher)
        rows.append(_row(one.name, _estimated(given, one, samples[key])))
    return pd.DataFrame(rows)


def other_estimates(estimator: object) -> tuple[Specification, ...]:
    """The small set that needs no matching again: other bases, levels instead of changes, everyone at risk instead of matched units."""
    if not has_base(estimator):
        return ()
    window, anticipation = estimator.window, estimator.anticipation
    bases = [Specification(name=f"base {base}", estimator={"base": base, "anticipation": anticipation_with(estimator, base)})
             for base in other_bases(estimator) if base != estimator.base]
    return (*bases, Specification(name="levels", estimator=MatchedLevels(window=window, anticipation=anticipation)),
            Specification(name="unmatched", estimator=UnmatchedDiD(base=estimator.base, window=window, anticipation=anticipation)))


def other_matches(matcher: object, *, ratios: Sequence[int] = (1, 2, 5), calipers: Sequence[float] = (0.1, 0.2, 0.5)) -> tuple[Specification, ...]:
    """Other sizes of set and calipers that a matcher has options for, and each exact column left out in turn; for a curve with matching again."""
    known = {one.name for one in fields(matcher)}
    found = [Specification(name=f"{option} {value}", matcher={option: value}) for option, values in (("ratio", ratios), ("caliper", calipers))
             if option in known for value in values if value != getattr(matcher, option)]
    exact = tuple(getattr(matcher, "exact", ()))
    found += [Specification(name=f"not exact on {column}", matcher={"exact": tuple(c for c in exact if c != column)}) for column in exact]
    return tuple(found)


def specifications(given: CheckInput) -> CheckResult:
    """Does the headline depend on one choice of analysis? The estimate under other bases, in levels and without matching.

    For information: the alternatives assume other things, and some (levels, no matching) less plausible ones. Table: `specification_curve`. Numbers:
    `n` (other specifications with a number), `lowest`, `highest`, `n_same_sign` (as the plan's), `n_same_conclusion` (about zero),
    `headline_error`.
    """
    own = headline(given)
    table = specification_curve(given, other_estimates(given.estimator))
    found = table.iloc[1:][np.isfinite(table["std_error"].iloc[1:])]
    if found.empty or not np.isfinite(own.lower):
        return not_testable("specifications", "no other specification of this estimator could be estimated" if found.empty else own.reason, table)
    excludes = np.where((found["lower"] > 0) | (found["upper"] < 0), np.sign(found["estimate"]), 0)
    numbers = {"n": len(found), "lowest": float(found["estimate"].min()), "highest": float(found["estimate"].max()),
               "headline_error": own.std_error, "n_same_sign": int((np.sign(found["estimate"]) == np.sign(own.estimate)).sum()),
               "n_same_conclusion": int((excludes == conclusion(own)).sum())}
    return CheckResult(name="specifications", verdict="information", table=table, numbers=numbers)


def _matched(given: CheckInput, changes: Mapping[str, object], matcher: object | None) -> MatchedSample | str:
    """The sample of the plan, or of its matcher with other options; the reason where there is none."""
    if not changes:
        return given.sample
    if matcher is None:
        return "the plan's matcher was not given"
    try:
        return replace(matcher, **changes).fit(given.sample.panel)
    except EvaluationError as fault:
        return str(fault)


def _estimated(given: CheckInput, one: Specification, sample: MatchedSample | str) -> Estimate | str:
    if isinstance(sample, str):
        return sample
    try:
        spec = replace(given.estimator, **one.estimator) if isinstance(one.estimator, Mapping) else one.estimator
        return summarised(given, spec.fit(sample, given.effects.outcome, calendar=given.calendar))
    except EvaluationError as fault:
        return str(fault)


def _row(name: str, found: Estimate | str) -> dict[str, object]:
    if isinstance(found, str):
        nan = float("nan")
        return {"name": name} | dict.fromkeys(("estimate", "std_error", "lower", "upper", "p_value"), nan) | {"n_treated": 0, "n_comparison": 0,
                                                                                                       "reason": found}
    return {"name": name} | of_estimate(found) | {"n_treated": found.n_treated, "n_comparison": found.n_comparison, "reason": found.reason}
