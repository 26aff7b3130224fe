"""What changed and how sure we are: one file per estimator, one line each in `ESTIMATORS`; summaries, checks, pooling and power beside them.

An estimator is a frozen spec with `fit(sample, outcome, *, calendar=()) -> Effects`; for the outcome of a plain table there are
`WeightedDifference`, `AbadieImbens` and `GComputation` with `fit(match, outcome)`. Every name is loaded when it is first used, so that importing this
package costs nothing. (A function that has its module's name is imported from there: `from evaluation.models.joint import joint`.)
"""
from __future__ import annotations

from importlib import import_module

_HOME = {
    "abadie_imbens": ("AbadieImbens",),
    "bacon": ("bacon_decomposition",),
    "before_after": ("BeforeAfter",),
    "cell_sums": ("CellSums",),
    "checks": ("CHECKS", "CheckInput", "CheckResult"),
    "effects": ("Effects", "Estimate"),
    "event_study_regression": ("TwoWayEventStudy",),
    "extended_two_way": ("ExtendedTwoWay",),
    "families_of_tests": ("adjusted_tests", "simultaneous_event_study"),
    "group_time": ("GroupTimeATT",),
    "imputation": ("Imputation",),
    "inference": ("aggregate", "event_study", "overall"),
    "joint": ("Joint",),
    "lagged_outcome": ("LaggedOutcome",),
    "matched_did": ("MatchedDiD", "MatchedLevels"),
    "permutation": ("Null", "permute_areas", "placebo_gaps"),
    "places": ("by_council",),
    "plain_outcome": ("GComputation", "PredictedMeans", "WeightedDifference"),
    "pooling": ("random_effects",),
    "power": ("detectable_before", "minimum_detectable_effect"),
    "relative": ("relative_effect",),
    "shrinkage": ("shrink",),
    "simulated_power": ("SimulatedDesign", "simulate_power"),
    "subgroups": ("by_subgroup", "subgroup_labels"),
    "summaries": ("complete_cohorts",),
    "synthetic_control": ("SyntheticControl",),
    "synthetic_did": ("SyntheticDiD",),
    "synthetic_placebo": ("synthetic_study",),
    "two_way": ("TwoWay",),
    "unmatched": ("UnmatchedDiD", "UnmatchedLevels"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
_ESTIMATORS = {
    "matched_did": "MatchedDiD",
    "matched_levels": "MatchedLevels",
    "unmatched_did": "UnmatchedDiD",
    "unmatched_levels": "UnmatchedLevels",
    "group_time": "GroupTimeATT",
    "two_way": "TwoWay",
    "event_study_regression": "TwoWayEventStudy",
    "imputation": "Imputation",
    "extended_two_way": "ExtendedTwoWay",
    "lagged_outcome": "LaggedOutcome",
    "synthetic_control": "SyntheticControl",
    "synthetic_did": "SyntheticDiD",
}

__all__ = sorted((*_MODULE_OF, "ESTIMATORS"))


def __getattr__(name: str) -> object:
    if name == "ESTIMATORS":
        value: object = {key: __getattr__(kind) for key, kind in _ESTIMATORS.items()}
    elif name in _MODULE_OF:
        value = getattr(import_module(f"evaluation.models.{_MODULE_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
