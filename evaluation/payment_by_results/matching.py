"""The matched sample of the results page: the plan's matcher, exact on the problems before joining and on the presence of a child and of an adult.

It is a sample of its own: families without a recorded problem cannot have a result and are left out, as are those whose time for claims runs past
the records. How bad each problem was before joining, and in the last quarter, joins the score, and so does what records say of a longer time before
(`history.py`), where a plan asks for it and enough families joined to tell it. Where a plan weights those who have not joined, so does this sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.models.later_entry import inverse_of_staying, with_chances_of_joining
from evaluation.panel.types import Panel
from evaluation.payment_by_results.history import history_of
from evaluation.payment_by_results.results import Results, Rules

FOR_EACH_COVARIATE = 10  # families that join, for each covariate of a score (Peduzzi and others 1996, DOI 10.1016/S0895-4356(96)00236-3)
PATTERN = "problem_pattern"
PRESENCE = ("has_child_5_15", "has_adult_working_age")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedResults:
    """A matched sample with the results of its members, in their order.

    Attributes
    ----------
    spec : Matcher
        What it was matched by.
    history : int
        Quarters before joining whose records joined the score; 0 where only what the rules look at did.
    staying : ndarray, shape (n_comparison, claim_within), or None
        Inverse chance of not having joined by each claim, from what was matched on and recent records; None where nobody is weighted by it.
    """

    sample: MatchedSample
    treated: Results
    comparison: Results
    spec: Matcher
    history: int = 0
    staying: np.ndarray | None = None


def panel_of_problems(panel: Panel, rules: Rules) -> tuple[Panel, tuple[str, ...]]:
    """The panel with the pattern of problems by column and how bad they were, and the names of the latter.

    The pattern is NaN where a family cannot serve at that column.
    """
    shape = (len(panel), len(panel.periods))
    pattern = np.full(shape, np.nan)
    severity = {name: np.zeros(shape) for problem in rules.problems for name in severity_names(problem)}
    for s in range(shape[1] - rules.claim_within):
        found = rules.pattern(s)
        pattern[:, s] = np.where(found > 0, found, np.nan)
        for problem in rules.problems:
            entry = rules.at_entry(problem, s)
            for name, values in zip(severity_names(problem), (entry.before, entry.recent), strict=True):
                severity[name][:, s] = values
    return replace(panel, varying={**panel.varying, PATTERN: pattern, **severity}), tuple(severity)


def severity_names(problem: str) -> tuple[str, str]:
    """Names of how bad a problem was before joining, and in the last quarter alone."""
    return f"{problem}_before", f"{problem}_last_quarter"


def matcher_of_results(matcher: Matcher, panel: Panel, more: tuple[str, ...] = ()) -> Matcher:
    """The plan's matcher for results: more exact keys, and more in the score, of what varies among those who can serve."""
    presence = tuple(name for name in PRESENCE if name in panel.varying)
    exact = tuple(dict.fromkeys((*matcher.exact, PATTERN, *presence)))
    if matcher.formula is not None:
        return replace(matcher, exact=exact)
    can_serve = np.isfinite(panel.varying[PATTERN])
    varied = [name for name in more if np.ptp(panel.varying[name][can_serve], axis=0) > 0]
    return replace(matcher, exact=exact, covariates=tuple(dict.fromkeys((*matcher.covariates, *varied))))


def match_results(matcher: Matcher, panel: Panel, rules: Rules, *, history: int = 0, weighted_by: Sequence[str] | None = None) -> MatchedResults:
    """Match, and apply the framework to both arms from the column of each set.

    Parameters
    ----------
    history : int
        Quarters before joining whose records join the score; 0 for none. They are left out where fewer than ten families that can serve join for each
        covariate, or where a score with them cannot be estimated.
    weighted_by : sequence of str, optional
        Outcomes whose recent records, with what is matched on, tell the chance of joining that comparison families are weighted against; none are
        weighted by default.

    Raises
    ------
    CommonSupportError, EstimationError
        As `Matcher.fit`: nobody can be matched, or the score cannot be estimated.
    """
    wide, severity = panel_of_problems(panel, rules)
    records = history_of(rules.facts, history) if history and matcher.formula is None else {}
    long = replace(wide, varying={**wide.varying, **records})
    spec = matcher_of_results(matcher, long, (*severity, *records))
    if records and _serving(wide) >= FOR_EACH_COVARIATE * len(spec.covariates):
        try:
            return with_results(spec, long, rules, history, weighted_by)
        except EstimationError:  # records that repeat one another, or decide who joins
            pass
    return with_results(matcher_of_results(matcher, wide, severity), wide, rules, 0, weighted_by)


def _serving(panel: Panel) -> int:
    """Families that join with a pattern of problems that is known."""
    joined = np.flatnonzero(panel.entry >= 0)
    return int(np.isfinite(panel.varying[PATTERN][joined, panel.entry[joined]]).sum())


def with_results(spec: Matcher, panel: Panel, rules: Rules, history: int = 0, weighted_by: Sequence[str] | None = None) -> MatchedResults:
    """Match, and both arms of the sample under the rules."""
    sample = spec.fit(panel)
    return MatchedResults(sample=sample, spec=spec, treated=rules.results(sample.treated_unit, sample.treated_entry, panel.entry),
                          comparison=rules.results(sample.comparison_unit, sample.comparison_entry, panel.entry), history=history,
                          staying=None if weighted_by is None else staying_of(sample, spec, rules.claim_within, weighted_by))


def staying_of(sample: MatchedSample, spec: Matcher, claim_within: int, records: Sequence[str]) -> np.ndarray:
    """Inverse chance that each comparison member has not joined by each claim; shape (n_comparison, claim_within).

    The keys of exact matching tell the chance too, but for the pattern, which is a code; where they decide it, as in councils in which nobody joins,
    only what is in the score does.
    """
    keys = [name for name in spec.exact if name != PATTERN]
    records = [name for name in records if name in sample.panel.outcomes]
    try:
        chances = with_chances_of_joining(sample, covariates=tuple(dict.fromkeys((*keys, *spec.covariates))), records=records, last=claim_within)
    except EstimationError:
        chances = with_chances_of_joining(sample, covariates=spec.covariates, records=records, last=claim_within)
    return inverse_of_staying(chances, np.arange(1, claim_within + 1))
