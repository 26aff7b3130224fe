"""What changed and how sure we are: one file per estimator, one line each in `ESTIMATORS`; summaries, checks and power beside them.

An estimator is a frozen spec with `fit(sample, outcome, *, calendar=()) -> Effects`; for the outcome of a plain table there are `WeightedDifference`,
`AbadieImbens` and `GComputation` with `fit(match, outcome)`. Heavy libraries are imported inside the functions that use them.
"""
from __future__ import annotations

from evaluation.models.abadie_imbens import AbadieImbens
from evaluation.models.before_after import BeforeAfter, before_after
from evaluation.models.checks import CHECKS, CheckInput, CheckResult
from evaluation.models.effects import Effects, Estimate
from evaluation.models.group_time import GroupTimeATT
from evaluation.models.inference import aggregate, by_council, event_study, overall
from evaluation.models.matched_did import MatchedDiD, MatchedLevels
from evaluation.models.permutation import Null, permute_areas, placebo_gaps
from evaluation.models.plain_outcome import GComputation, PredictedMeans, WeightedDifference
from evaluation.models.power import minimum_detectable_effect
from evaluation.models.summaries import complete_cohorts
from evaluation.models.two_way import TwoWay
from evaluation.models.unmatched import UnmatchedDiD, UnmatchedLevels

ESTIMATORS = {
    "matched_did": MatchedDiD,
    "matched_levels": MatchedLevels,
    "unmatched_did": UnmatchedDiD,
    "unmatched_levels": UnmatchedLevels,
    "group_time": GroupTimeATT,
    "two_way": TwoWay,
}

__all__ = ["CHECKS", "ESTIMATORS", "AbadieImbens", "BeforeAfter", "CheckInput", "CheckResult", "Effects", "Estimate", "GComputation", "GroupTimeATT",
           "MatchedDiD", "MatchedLevels", "Null", "PredictedMeans", "TwoWay", "UnmatchedDiD", "UnmatchedLevels", "WeightedDifference", "aggregate",
           "before_after", "by_council", "complete_cohorts", "event_study", "minimum_detectable_effect", "overall", "permute_areas", "placebo_gaps"]
