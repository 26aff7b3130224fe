"""The evaluator's bench: one call for each step of a notebook, from a delivery to findings, other choices beside the plan's, and lessons.

What is shown here is of those inside the secure room: tables and pictures of small groups that no disclosure control has seen. Nothing of it leaves;
what may leave is made by `evaluation run` (see `disclosure`). No statistics are defined here: steps call the packages that the pipeline calls.
Every name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "study": ("Bench", "open_study", "leave"),
    "delivery": ("Received", "receive", "faults", "missing", "linkage", "coverage", "panel", "observed", "plot_observed"),
    "comparison": ("candidates", "plot_joiners", "match", "own", "sets", "left_out", "plot_overlap", "plot_balance"),
    "populations": ("support", "exits", "complete", "unlike", "why_missing", "ways"),
    "findings": ("Found", "estimate", "checks", "bases", "changes", "windows", "detectable", "subgroups"),
    "plots": ("plot_trends", "plot_event_studies", "plot_checks", "plot_subgroups"),
    "reestimate": ("Reopened", "Reestimated", "open_run", "reestimated"),
    "specification_curve": ("Curve", "curve", "plot_curve"),
    "lessons": ("lalonde", "crisis", "plot_crisis", "drift", "plot_drift", "plot_lalonde"),
    "views": ("Picture", "View"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"evaluation.bench.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
