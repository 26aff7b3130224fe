"""Checks of a comparison: numbers and verdicts, no sentences. One function each, listed in `CHECKS`.

Each takes a `CheckInput` and returns a `CheckResult`; what it lacks makes it 'not testable', never 'passed'.
"""
from __future__ import annotations

from collections.abc import Callable

from evaluation.models.checks.bases import base_period, estimates_by_base
from evaluation.models.checks.before import dip, pre_trend
from evaluation.models.checks.councils import leave_one_council_out
from evaluation.models.checks.followed import attrition, contamination
from evaluation.models.checks.given import POWER, SIZE, CheckInput, CheckResult, Verdict
from evaluation.models.checks.hidden import e_value_of_headline, rosenbaum
from evaluation.models.checks.placebo import placebo_date, placebo_outcome
from evaluation.models.checks.specifications import Specification, other_estimates, other_matches, specification_curve, specifications
from evaluation.models.checks.support import balance, concentration, overlap
from evaluation.models.checks.trends import honest

CHECKS: dict[str, Callable[[CheckInput], CheckResult]] = {
    "pre_trend": pre_trend,
    "dip": dip,
    "base_period": base_period,
    "balance": balance,
    "overlap": overlap,
    "placebo_date": placebo_date,
    "placebo_outcome": placebo_outcome,
    "leave_one_council_out": leave_one_council_out,
    "contamination": contamination,
    "attrition": attrition,
    "concentration": concentration,
    "honest": honest,
    "rosenbaum": rosenbaum,
    "e_value": e_value_of_headline,
    "specifications": specifications,
}

__all__ = ["CHECKS", "POWER", "SIZE", "CheckInput", "CheckResult", "Specification", "Verdict", "estimates_by_base", "other_estimates",
           "other_matches", "specification_curve"]
