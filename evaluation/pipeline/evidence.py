"""What the strength of evidence is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import PEOPLE, rule_of
from evaluation.findings.present import why_hidden
from evaluation.findings.strength import Evidence
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.scopes import NOUNS


def evidence_of(analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy]) -> Evidence:
    """What the strength rating looks at."""
    many, threshold = NOUNS[analysis.plan.unit][1], rule_of(analysis.plan.disclosure.profile).threshold
    measured = [
        study.numbers
        for study in studies
        if study.numbers.primary and study.numbers.status == "estimated" and not why_hidden(study.numbers, threshold, many)
    ]
    shares = [
        numbers.detectable / abs(numbers.comparison_level)
        for numbers in measured
        if numbers.comparison_level and math.isfinite(numbers.comparison_level)
    ]
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
        worst_smd=float(sample.balance["smd_after"].abs().max()),
        matched_share=min(matched / joined, 1.0) if joined and (matched or many not in PEOPLE) else math.nan,
        trends=tuple(numbers.trend.verdict for numbers in measured if numbers.trend is not None),
        n_places=int(sample.panel.units["area"][sample.panel.entry >= 0].nunique()) if by_area else None,
    )
