"""The trap: what regression to the mean does to every base and every way of comparing, with no effect at all.

The process is that of the project's design: an outcome is a permanent level (standard deviation 1) plus a passing state (autocorrelation 0.5,
standard deviation 1); who joins is decided by the level, by the quarter before entry, by both or by neither, and a little by a slow covariate.
"""
from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from benchmarks.coverage.designs import NEAR_ENTRY
from benchmarks.coverage.record import Z
from benchmarks.coverage.worlds import panel_of
from evaluation.matching import NearestNeighbour
from evaluation.matching.sample import MatchedSample
from evaluation.models import CHECKS, CheckInput, MatchedDiD, UnmatchedDiD, overall
from evaluation.models.before_after import before_after
from evaluation.models.level_regression import level_regression
from evaluation.panel.types import Panel
from evaluation.payment_by_results import ResultRule, apply_rule

SEED = 20261124
SELECTIONS = ("level", "dip", "both", "none")
FAMILIES, PERIODS, ENTRY, STAY = 6_000, 24, 12, 0.5
AFTER = (0, 8)                 # the design's nine quarters
HISTORY = (-8, -3)
BASES = (-1, -2, -4, "pre_mean")
MATCHINGS = ("unmatched", "slow", "slow and history", "history")
PROBLEM = ResultRule(rule="stays_below", threshold=1.0, over=3, words="below 1 in three quarters in a row, for families at or above 1 in one of the "
                                                                      "three before joining")
# Bias with base -4 and the mean of nine quarters after, from the design's own script (30 runs of 6,000 families, sd of one run 0.05)
DESIGN = {
    "history": {"level": 0.23, "dip": 0.03, "both": 0.19, "none": 0.00},
    "slow and history": {"level": 0.25, "dip": 0.03, "both": 0.20, "none": 0.01},
    "slow": {"level": 0.00, "dip": -0.02, "both": 0.00, "none": 0.00},
    "unmatched": {"level": 0.00, "dip": -0.01, "both": 0.00, "none": 0.00},
}
DESIGN_RUNS, DESIGN_SD, ROUNDING = 30, 0.05, 0.005


def families(selection: str, rng: np.random.Generator) -> Panel:
    """A panel without any effect, `x` slow, and the six quarters of history each as a column."""
    level, x = rng.normal(size=FAMILIES), rng.normal(size=FAMILIES)
    noise = rng.normal(size=(FAMILIES, PERIODS))
    for t in range(1, PERIODS):
        noise[:, t] = STAY * noise[:, t - 1] + np.sqrt(1 - STAY**2) * noise[:, t]
    last = noise[:, ENTRY - 1]
    pull = {"level": level, "dip": last, "both": 0.7 * level + 0.7 * last, "none": 0.0}[selection]
    joins = rng.random(FAMILIES) < 1 / (1 + np.exp(1.5 - pull - 0.3 * x))
    y = level[:, None] + noise
    past = {f"y{-e}": y[:, ENTRY + e] for e in range(HISTORY[0], HISTORY[1] + 1)}
    return panel_of(y, np.where(joins, ENTRY, -1), np.zeros(FAMILIES, dtype=int), x=x, **past)


def one_run(selection: str, number: int) -> dict[str, float]:
    """Every number of one panel, by name."""
    panel = families(selection, np.random.default_rng([SEED, zlib.crc32(selection.encode()), number]))
    past = tuple(f"y{-e}" for e in range(HISTORY[0], HISTORY[1] + 1))
    samples = {"unmatched": panel} | {name: NearestNeighbour(covariates=covariates, ratio=1, caliper=None).fit(panel, balance=pd.DataFrame())
                                      for name, covariates in (("slow", ("x",)), ("slow and history", ("x", *past)), ("history", past))}
    out = {f"{name}, base {base}": _estimate(sample, base) for name, sample in samples.items() for base in BASES}
    out["before/after"] = before_after(panel, "y").change.estimate
    out |= _paid(panel) | _default(panel) | _named_history(panel)
    return out


def _estimate(sample: MatchedSample | Panel, base: int | str) -> float:
    spec = UnmatchedDiD if isinstance(sample, Panel) else MatchedDiD
    room = 1 if base == "pre_mean" else min(1, -base - 1)
    return overall(spec(base=base, anticipation=room).fit(sample, "y"), quarters=AFTER).estimate


def _paid(panel: Panel) -> dict[str, float]:
    """Shares whose problem ended, of the programme's families and of the others as if they had joined then."""
    treated = panel.entry >= 0
    problem, result = apply_rule(PROBLEM, panel.outcomes, "y", np.full(len(panel), ENTRY), 4)
    return {name: float(result[who & (problem == 1)].mean()) for name, who in (("ended, programme", treated), ("ended, others", ~treated))}


def _default(panel: Panel) -> dict[str, float]:
    """What a plan does by default, and the checks on it."""
    return _checked("default", NearestNeighbour(covariates=("x",)), panel)


def _named_history(panel: Panel) -> dict[str, float]:
    """The same with the plan's own option for history in the score, and how far LEVEL_REGRESSION says that it is off."""
    matcher = NearestNeighbour(covariates=("x",), history=("y",), history_window=HISTORY)
    return _checked("history option", matcher, panel)


def _checked(name: str, matcher: NearestNeighbour, panel: Panel) -> dict[str, float]:
    sample, spec = matcher.fit(panel, balance=pd.DataFrame()), MatchedDiD()
    effects = spec.fit(sample, "y")
    found = overall(effects)
    given = CheckInput(sample=sample, estimator=spec, effects=effects, matched_history=matcher.used_event_times(), set_aside=NEAR_ENTRY)
    out = {name: found.estimate, f"{name}, rejects": float(found.p_value < 0.05)}
    out |= {f"{name}, {check} failed": float(CHECKS[check](given).verdict == "failed") for check in ("pre_trend", "dip")}
    return out | ({f"{name}, expected": level_regression(sample, "y", HISTORY).expected} if matcher.history else {})


def run_trap(runs: int, workers: int) -> list[dict[str, object]]:
    """Mean, standard deviation of one run and 99.9% Monte Carlo half-width of every number, by selection."""
    tasks = [(selection, number) for selection in SELECTIONS for number in range(runs)]
    found: dict[str, list[Mapping[str, float]]] = {selection: [] for selection in SELECTIONS}
    for k, (task, values) in enumerate(zip(tasks, _in_turn(tasks, workers), strict=True)):
        found[task[0]].append(values)
        if sys.stderr.isatty():
            print(f"\r{(k + 1) / len(tasks):4.0%}  {task[0]}", end="", file=sys.stderr, flush=True)
    return [{"selection": selection, "number": name, "mean": float(values.mean()), "sd": float(values.std(ddof=1)),
             "bound": Z * float(values.std(ddof=1)) / np.sqrt(len(values)), "runs": runs}
            for selection, each in found.items() for name in each[0] for values in [np.array([run[name] for run in each])]]


def design_agrees(rows: Sequence[Mapping[str, object]]) -> list[tuple[str, str, float, float, float]]:
    """(matching, selection, the design's bias, ours, the largest difference of chance): 99.9% bounds of two sets of runs, and rounding."""
    ours = {(row["number"], row["selection"]): row for row in rows}
    out = []
    for name, table in DESIGN.items():
        for selection, there in table.items():
            row = ours[f"{name}, base -4", selection]
            out.append((name, selection, there, row["mean"], float(np.hypot(row["bound"], Z * DESIGN_SD / np.sqrt(DESIGN_RUNS))) + ROUNDING))
    return out


def _in_turn(tasks: Sequence[tuple[str, int]], workers: int):
    if workers == 1:
        yield from (one_run(*task) for task in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one_run, *zip(*tasks, strict=True), chunksize=5)
