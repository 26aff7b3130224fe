"""A small study received once; its panel or plan is spoilt, and the whole way from matching to protected contents is run again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np

from evaluation.dictionary import load_dictionary
from evaluation.disclosure.release import ReportContent
from evaluation.panel.types import Panel
from evaluation.pipeline import recipe
from evaluation.plan import Plan
from evaluation.runs.states import State, state_of_fault, state_of_outcomes
from tests.pipeline.studied import changed_plan
from tests.run_faults.case import FAMILIES

LIGHT = {
    "data": {"kind": "simulated", "families": FAMILIES},
    "outcomes": {"primary": ["any_offence"], "secondary": ["adult_in_work"]},
    "matching.exact": ["council_code", "has_child_5_15"],
    "matching.score": {"model": "logit", "covariates": ["n_children", "lone_parent", "any_fsm", "n_needs"]},
    "checks": ["pre_trend"],
    "subgroups": [],
    "value": None,
    "payment_by_results": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run said: the state of each report, the fault of each that was not made, the contents that were, and the fault of the whole study."""

    states: dict[str, State]
    faults: dict[str, str] = field(default_factory=dict)
    contents: dict[str, ReportContent] = field(default_factory=dict)
    whole: str = ""

    def said(self, code: str) -> str:
        """All text of one report, or why there is none."""
        return self.contents[code].model_dump_json() if code in self.contents else self.faults.get(code, self.whole)

    def outcome(self, code: str, name: str = "any_offence"):
        """One outcome of one report."""
        return next(one for one in self.contents[code].outcomes if one.outcome == name)


def plan_of(changes: dict[str, object] | None = None) -> Plan:
    """The demonstration with three councils, two outcomes and one check."""
    return changed_plan("studies/demonstration/plan.yml", {**LIGHT, **(changes or {})})


@cache
def received() -> tuple:
    """(dictionary, checked tables, panel, folder) of the small study."""
    folder, dictionary, plan = Path(tempfile.mkdtemp(prefix="run-faults-")), load_dictionary(), plan_of()
    tables = recipe.receive(plan, folder, dictionary, folder)
    return dictionary, tables, recipe.panel_of(tables, plan, dictionary, None), folder


def run_study_with(*, panel: Callable[[Panel], Panel] = lambda panel: panel, plan: dict[str, object] | None = None, **patches: object) -> Told:
    """Run everything after the receiving, with another panel, plan or parts of the recipe."""
    dictionary, tables, given, folder = received()
    asked, failed = plan_of(plan), {}
    codes = tuple(FAMILIES)
    with (
        patch.object(recipe, "receive", lambda *_: tables),
        patch.object(recipe, "panel_of", lambda *_: panel(copied(given))),
        patch.multiple(recipe, **patches) if patches else patch.object(recipe, "benchmark", lambda *_: ()),
    ):
        try:
            analysis = recipe.evaluate(asked, folder, dictionary, folder, lambda text: None)
            contents, _ = recipe.release(analysis, (), analysis_hash="0" * 64, failed=failed)
        except Exception as fault:
            return Told(states=dict.fromkeys(codes, state_of_fault(fault)), whole=f"{type(fault).__name__}: {fault}")
    states = {content.council.code: state_of_outcomes(one.status for one in content.outcomes) for content in contents}
    states |= {code: state_of_fault(fault) for code, fault in failed.items()}
    return Told(states=states, faults={code: str(fault) for code, fault in failed.items()}, contents={one.council.code: one for one in contents})


def copied(panel: Panel) -> Panel:
    """A panel that may be changed in place."""
    arrays = ("outcomes", "denominators", "varying", "status", "members")
    return replace(panel, units=panel.units.copy(), **{name: {key: values.copy() for key, values in getattr(panel, name).items()} for name in arrays})


def of(panel: Panel, code: str) -> np.ndarray:
    """Rows of one council."""
    return (panel.units["council_code"] == code).to_numpy()
