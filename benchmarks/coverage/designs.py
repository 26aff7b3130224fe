"""Which analyses are run on which worlds: the two suites. Matching is part of every run that has any."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from benchmarks.coverage.worlds import World
from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, Effects, GroupTimeATT, MatchedDiD, UnmatchedDiD, overall
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel

QUARTERS = (1, 4)
WINDOW = (-8, 5)
SIZES = (18, 60, 300, 3_000)
OUTCOMES = ("binary", "count", "rate")
SHARE_OF_RUNS = {18: 1.0, 60: 1.0, 300: 0.4, 3_000: 0.1}       # of the runs asked for
NEAR_ENTRY = (-3, -2, -1)      # between base and entry: a plan leaves them to the dip test
BEFORE = ("pre_trend", "dip")
WATCHED = (*BEFORE, "attrition", "leave_one_council_out")
UNSEEN = pd.DataFrame()        # stands for tables of balance, which nobody reads here
Assignment = Literal["unit", "area"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one analysis says of one panel: its estimate, and the verdict of each check."""

    estimate: Estimate
    checks: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """An estimator, the matcher before it where it takes a matched sample, and the checks that are made of it."""

    estimator: MatchedDiD | UnmatchedDiD | GroupTimeATT
    matcher: NearestNeighbour | None = None
    assignment: Assignment = "unit"
    checks: tuple[str, ...] = ()

    def run(self, panel: Panel) -> Found:
        """The whole way from a panel to an interval."""
        sample = panel if self.matcher is None else self.matcher.fit(panel, balance=UNSEEN)
        effects = self.estimator.fit(sample, "y")
        found = overall(effects, quarters=QUARTERS, assignment=self.assignment)
        return Found(estimate=found, checks=self._verdicts(sample, effects) if self.checks else {})

    def _verdicts(self, sample, effects: Effects) -> dict[str, str]:
        given = CheckInput(sample=sample, estimator=self.estimator, effects=effects, quarters=QUARTERS, assignment=self.assignment,
                           matched_history=self.matcher.used_event_times(), set_aside=NEAR_ENTRY)
        return {name: CHECKS[name](given).verdict for name in self.checks}


def matched(ratio: int = 3, *, exact: tuple[str, ...] = ("council_code", "kind"), history: tuple[str, ...] = (), **options: object) -> Analysis:
    """Matched difference-in-differences as a plan has it by default: nearest neighbours with replacement on what is slow, base -4."""
    matcher = NearestNeighbour(covariates=("x",), ratio=ratio, exact=exact, history=history)
    return Analysis(matcher=matcher, estimator=MatchedDiD(window=WINDOW), **options)


def group_time(**options: object) -> Analysis:
    """Group-time effects against families that have not joined yet."""
    assignment = options.pop("assignment", "unit")
    return Analysis(estimator=GroupTimeATT(control="notyet", window=WINDOW, **options), assignment=assignment)


FAMILIES = {"matched 3:1": matched(3), "matched 1:1": matched(1)}
PLAIN = {"group-time": group_time(), "group-time, doubly robust": group_time(method="dr", covariates=("x",)),
         "unmatched": Analysis(estimator=UnmatchedDiD(window=WINDOW))}
BY_AREA = {"matched 3:1, by area": matched(3, exact=("kind",), assignment="area"), "group-time, by area": group_time(assignment="area")}
DEFAULT = {"matched 3:1": matched(3, checks=BEFORE)}
LEAVING = {"matched 3:1": matched(3, checks=(*BEFORE, "attrition"))}
ACROSS = {name: matched(3, exact=exact, checks=(*BEFORE, "leave_one_council_out"))
          for name, exact in (("matched 3:1 in the council", ("council_code", "kind")), ("matched 3:1 across councils", ("kind",)))}
ON_HISTORY = DEFAULT | {"matched 3:1 on history": matched(3, history=("y",), checks=BEFORE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A world and the analyses that are run on the same panels of it.

    Attributes
    ----------
    name : str
        Its own in its suite, without outcome, size and effect.
    """

    name: str
    world: World
    analyses: Mapping[str, Analysis]

    @property
    def key(self) -> str:
        """A name of its own among all designs."""
        world = self.world
        return f"{self.name}, {world.outcome}, {world.treated}, {'effect' if world.has_effect else 'null'}"


def correctness() -> list[Design]:
    """Worlds that meet the assumption of the analyses on them, with an effect and without."""
    kinds = {"families": ({}, FAMILIES), "families, no shocks": ({"kind_trend": False, "shock": 0.0}, PLAIN),
             "areas": ({"by_area": True, "kind_trend": False}, BY_AREA)}
    return [Design(name=name, world=World(outcome=outcome, treated=size, has_effect=effect, **options), analyses=analyses)
            for size in SIZES for name, (options, analyses) in kinds.items() for outcome in OUTCOMES for effect in (False, True)]


def stress() -> list[Design]:
    """Worlds that do not, without an effect: what is found is bias, and what a check should find."""
    kinds = {"slow covariate": ({"selection": "slow"}, ON_HISTORY), "level": ({"selection": "level"}, ON_HISTORY),
             "dip": ({"selection": "dip"}, ON_HISTORY), "both": ({"selection": "both"}, ON_HISTORY),
             "attrition": ({"attrition": "informative"}, LEAVING), "shock to one council": ({"struck": True}, ACROSS),
             "trend in the covariate": ({"x_trend": 4.0}, DEFAULT)}
    return [Design(name=name, world=World(outcome=outcome, treated=size, has_effect=False, **options), analyses=analyses)
            for size in SIZES for name, (options, analyses) in kinds.items() for outcome in OUTCOMES]


SUITES = {"correctness": correctness, "stress": stress}
