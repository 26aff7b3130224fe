"""The matched sample of the results page: the plan's matcher, exact on the problems before joining and on the presence of a child and of an adult.

It is a sample of its own: families without a recorded problem cannot have a result and are left out, as are those whose time for claims runs past
the records; what the rule compares with (how bad each problem was before joining, and how bad in the last quarter) joins the score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.payment_by_results.results import Results, Rules

PATTERN = "problem_pattern"
PRESENCE = ("has_child_5_15", "has_adult_working_age")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedResults:
    """A matched sample with the results of its members, in their order."""

    sample: MatchedSample
    treated: Results
    comparison: Results


def panel_of_problems(panel: Panel, rules: Rules) -> Panel:
    """The panel with the pattern of problems by column and how bad they were; NaN where a family cannot serve at that column."""
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
    return replace(panel, varying={**panel.varying, PATTERN: pattern, **severity})


def severity_names(problem: str) -> tuple[str, str]:
    """Names of how bad a problem was before joining, and in the last quarter alone."""
    return f"{problem}_before", f"{problem}_last_quarter"


def matcher_of_results(matcher: Matcher, panel: Panel) -> Matcher:
    """The plan's matcher for results: more exact keys, and the severities that vary among those who can serve in the score."""
    presence = tuple(name for name in PRESENCE if name in panel.varying)
    exact = tuple(dict.fromkeys((*matcher.exact, PATTERN, *presence)))
    if matcher.formula is not None:
        return replace(matcher, exact=exact)
    can_serve = np.isfinite(panel.varying[PATTERN])
    severe = [name for name in panel.varying if name.endswith(("_before", "_last_quarter")) and np.ptp(panel.varying[name][can_serve], axis=0) > 0]
    return replace(matcher, exact=exact, covariates=tuple(dict.fromkeys((*matcher.covariates, *severe))))


def match_results(matcher: Matcher, panel: Panel, rules: Rules) -> MatchedResults:
    """Match, and apply the framework to both arms from the column of each set.

    Raises
    ------
    CommonSupportError, EstimationError
        As `Matcher.fit`: nobody can be matched, or the score cannot be estimated.
    """
    wide = panel_of_problems(panel, rules)
    sample = matcher_of_results(matcher, wide).fit(wide)
    return MatchedResults(sample=sample, treated=rules.results(sample.treated_unit, sample.treated_entry, panel.entry),
                          comparison=rules.results(sample.comparison_unit, sample.comparison_entry, panel.entry))
