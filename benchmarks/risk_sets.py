"""How long matching and the matched estimate take: `python benchmarks/risk_sets.py [families ...]`. Simulated families, 16 quarters, ratio 3."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, UnmatchedDiD, event_study, overall
from evaluation.panel.types import NEVER, Panel
from evaluation.periods import Periods

N_PERIODS = 16


def families(n: int, seed: int = 20261124) -> Panel:
    """A panel of families with one slow covariate, two exact keys and a third of the families joining."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    entry = np.where(rng.random(n) < 1 / (1 + np.exp(0.8 - 0.6 * x)), rng.integers(5, 12, n), NEVER)
    y = x[:, None] + rng.normal(size=(n, N_PERIODS)) - 0.3 * ((entry >= 0)[:, None] & (np.arange(N_PERIODS) >= entry[:, None]))
    council = np.array([f"E{i:03d}" for i in range(28)])[rng.integers(0, 28, n)]
    units = pd.DataFrame({"unit_id": [f"F{i:07d}" for i in range(n)], "council_code": council, "area": council, "pool": "", "entry": entry,
                          "eligible_from": rng.integers(0, 5, n),
                          "eligible_to": N_PERIODS - 1, "x": x, "has_child": rng.integers(0, 2, n)})
    return Panel(unit="family", periods=Periods(kind="quarter", first=8044, last=8044 + N_PERIODS - 1), units=units, outcomes={"y": y})


def timed(words: str, work: Callable[[], object]) -> object:
    """Do it once and print the seconds."""
    start = time.perf_counter()
    done = work()
    print(f"  {words:<42}{time.perf_counter() - start:8.2f} s")
    return done


def measure(n: int) -> None:
    """Print one block."""
    panel = families(n)
    print(f"{n:,} families")
    with_ = NearestNeighbour(covariates=("x",), exact=("council_code", "has_child"))
    without = replace(with_, replacement=False)
    timed("match 3:1 without replacement", lambda: without.fit(panel))
    sample = timed("match 3:1 with replacement", lambda: with_.fit(panel))
    effects = timed("matched difference-in-differences", lambda: MatchedDiD().fit(sample, "y"))
    timed("overall estimate", lambda: overall(effects))
    timed("event study", lambda: event_study(effects))
    unmatched = timed("unmatched difference-in-differences", lambda: UnmatchedDiD().fit(sample, "y"))
    timed("overall estimate, unmatched", lambda: overall(unmatched))


if __name__ == "__main__":
    for size in [int(text) for text in sys.argv[1:]] or [20_000]:
        measure(size)
