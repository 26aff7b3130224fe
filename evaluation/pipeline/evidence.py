"""What the strength of evidence is judged by, from the studies of one report: sizes, balance, and the verdicts of checks on the main outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import PEOPLE, rule_of
from evaluation.findings.numbers import OutcomeNumbers
from evaluation.findings.other_estimates import concludes_otherwise, moved_by_base, other_base_concludes_otherwise
from evaluation.findings.present import lower_first, verdict, why_hidden
from evaluation.findings.strength import BASES, ESTIMATORS, MOVED, Evidence
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.check_sentences import MANY
from evaluation.pipeline.checking import NAMES
from evaluation.pipeline.choices import base_of
from evaluation.pipeline.synthetic import is_synthetic
from evaluation.plan import Plan

OTHER_CHOICES = ("placebo_date", "placebo_outcome", "leave_one_council_out")  # checks that judge whether another choice concludes otherwise


def evidence_of(analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy]) -> Evidence:
    """What the strength rating looks at."""
    many, threshold = MANY[analysis.plan.unit], rule_of(analysis.plan.disclosure.profile).threshold
    shown = [study for study in studies if study.numbers.status == "estimated" and not why_hidden(study.numbers, threshold, many)]
    main = [study for study in shown if study.numbers.primary]
    on_page_one = [study for study in shown if study.numbers.primary or verdict(study.numbers) == "worse"]
    measured = [study.numbers for study in main]
    shares = [share_of_level(numbers.detectable, numbers) for numbers in measured]
    by_area, sample = analysis.plan.programme.assignment == "area", analysis.sample
    joined = int((sample.panel.entry >= 0).sum()) if by_area else scope.counts["joined"]
    matched = sample.n_treated if by_area else scope.counts["matched"]
    if many in PEOPLE:  # a band of the true share beside rounded counts would tell small ones: it is computed from what is printed
        ledger = Ledger(profile=rule_of(analysis.plan.disclosure.profile))
        joined, matched = (0 if ledger.small(count, many) else int(ledger.rounded(count, many)) for count in (joined, matched))
    return Evidence(
        many=many,
        randomised=False,
        detectable_share=max((share for share in shares if math.isfinite(share)), default=math.nan),
        worst_smd=largest_difference(analysis, measured),
        matched_share=min(matched / joined, 1.0) if joined and (matched or many not in PEOPLE) else math.nan,
        trends=tuple(numbers.trend.verdict for numbers in measured if numbers.trend is not None),
        n_places=int(sample.panel.units["area"][sample.panel.entry >= 0].nunique()) if by_area else None,
        hidden_drift=hidden_drift(analysis.plan, measured),
        why_untested=why_untested(measured),
        other_choices={
            BASES: tuple(judged_by_base(study) for study in main),
            ESTIMATORS: tuple(judged_by_estimators(study, threshold, many) for study in on_page_one),
        }
        | {lower_first(NAMES[name]): verdicts_on(main, name) for name in OTHER_CHOICES},
        contamination=verdicts_on(main, "contamination"),
        attrition=verdicts_on(main, "attrition"),
    )


def largest_difference(analysis: Analysis, measured: Sequence[OutcomeNumbers]) -> float:
    """The largest standardised difference after matching: in the whole sample, or in the sets behind a main outcome.

    NaN where there is none, and where a weighted mix is compared with: matching only says who may be in it.
    """
    if is_synthetic(analysis.estimating):
        return math.nan
    samples = [analysis.sample, *(analysis.sets.own.get(numbers.outcome.name) for numbers in measured)]
    found = [float(sample.balance["smd_after"].abs().max()) for sample in samples if sample is not None]
    return max((size for size in found if math.isfinite(size)), default=math.nan)


def share_of_level(size: float, numbers: OutcomeNumbers) -> float:
    """A size as a share of the level without the programme; NaN where there is no such level."""
    level = abs(numbers.comparison_level)
    return size / level if level and math.isfinite(level) else math.nan


def hidden_drift(plan: Plan, measured: Sequence[OutcomeNumbers]) -> float:
    """The largest drift that passed tests of the trend before would usually have missed, by the middle of the headline, as a share of the level."""
    reach = sum(plan.estimator.headline.event_times) / 2 - base_of(plan)
    passed = [numbers for numbers in measured if numbers.trend is not None and numbers.trend.verdict == "passed"]
    sizes = [share_of_level(abs(numbers.trend.slope_detectable) * reach, numbers) for numbers in passed]
    return max(sizes) if sizes and all(math.isfinite(size) for size in sizes) else math.nan


def verdicts_on(main: Sequence[OutcomeStudy], name: str) -> tuple[str, ...]:
    """What one check says of the main outcomes that it was asked of."""
    return tuple(line.verdict for study in main for line in study.checks if line.name == NAMES[name])


def judged_by_base(study: OutcomeStudy) -> str:
    """Whether another base would conclude otherwise, or only moves the estimate; not testable where there is none."""
    if other_base_concludes_otherwise(study):
        return "failed"
    return MOVED if moved_by_base(study) else "passed" if len(study.bases) > 1 else "not testable"


def judged_by_estimators(study: OutcomeStudy, threshold: int, many: str) -> str:
    """Whether one of the plan's second estimators concludes otherwise; not testable where none has an interval that may be shown."""
    found = [other.estimate for other in study.others if math.isfinite(other.estimate.lower) and math.isfinite(other.estimate.upper)]
    found = [one for one in found if many not in PEOPLE or min(one.n_treated, one.n_comparison) >= threshold]
    if not found:
        return "not testable"
    return "failed" if any(concludes_otherwise(study.numbers, one) for one in found) else "passed"


def why_untested(measured: Sequence[OutcomeNumbers]) -> tuple[str, ...]:
    """Why the trend before could not be tested, once each, for the main outcomes of which that is so; no reason with a count of groups in it."""
    untested = [numbers.trend for numbers in measured if numbers.trend is not None and numbers.trend.verdict == "not testable"]
    return tuple(dict.fromkeys(trend.reason for trend in untested if trend.reason and not any(map(str.isdigit, trend.reason))))
