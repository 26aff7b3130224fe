"""Many runs of a design, in one or several processes; the same numbers whatever the processes."""
from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.coverage.designs import SHARE_OF_RUNS, WATCHED, Design, Found
from evaluation.errors import CommonSupportError, EstimationError

SEED = 20261124
CHUNK = 50                     # runs handed to a process at a time
NUMBERS = ("estimate", "std_error", "lower", "upper", "p_value", "df")


class Runs:
    """What the analyses of a design said, run by run.

    Attributes
    ----------
    numbers : analysis -> ndarray, shape (n_runs, len(NUMBERS))
        NaN where there is none.
    method, reason, caution : analysis -> list of str
    checks : analysis -> check -> list of str
        Verdicts; empty where checks were not run.
    """

    def __init__(self, analyses: Sequence[str]):
        self.numbers: dict[str, list[tuple[float, ...]]] = {name: [] for name in analyses}
        self.method: dict[str, list[str]] = {name: [] for name in analyses}
        self.reason: dict[str, list[str]] = {name: [] for name in analyses}
        self.caution: dict[str, list[str]] = {name: [] for name in analyses}
        self.checks: dict[str, dict[str, list[str]]] = {name: {check: [] for check in WATCHED} for name in analyses}

    def add(self, other: Runs) -> None:
        """Put further runs behind these."""
        for name in self.numbers:
            self.numbers[name] += other.numbers[name]
            self.method[name] += other.method[name]
            self.reason[name] += other.reason[name]
            self.caution[name] += other.caution[name]
            for check in WATCHED:
                self.checks[name][check] += other.checks[name][check]

    def put(self, name: str, found: Found) -> None:
        """Keep what an analysis said."""
        self.numbers[name].append(tuple(float(getattr(found.estimate, number)) for number in NUMBERS))
        for kept in ("method", "reason", "caution"):
            getattr(self, kept)[name].append(getattr(found.estimate, kept))
        for check, verdict in found.checks.items():
            self.checks[name][check].append(verdict)

    def put_none(self, name: str, reason: str) -> None:
        """Keep that it said nothing, and why."""
        self.numbers[name].append((float("nan"),) * len(NUMBERS))
        for kept, value in (("method", "none"), ("reason", reason), ("caution", "")):
            getattr(self, kept)[name].append(value)


def runs_of(design: Design, first: int, last: int) -> Runs:
    """Runs `first` to `last` - 1 of a design; each has a stream of its own."""
    out = Runs(list(design.analyses))
    key = zlib.crc32(design.key.encode())
    for number in range(first, last):
        panel = design.world.draw(np.random.default_rng([SEED, key, number]))
        for name, analysis in design.analyses.items():
            try:
                out.put(name, analysis.run(panel))
            except (CommonSupportError, EstimationError) as error:
                out.put_none(name, type(error).__name__)
    return out


def run_all(designs: Sequence[Design], runs: int, workers: int) -> Iterator[tuple[Design, Runs]]:
    """All designs in turn, each when it is done; says on the error stream how far it is and how long it will take."""
    tasks = [(design, first, min(first + CHUNK, n)) for design in designs for n in [number_of_runs(design, runs)] for first in range(0, n, CHUNK)]
    cost = np.cumsum([(last - first) * (3 + design.world.treated / 40) for design, first, last in tasks])
    start, told, done = time.monotonic(), 0.0, Runs(())
    for k, part in enumerate(_in_turn(tasks, workers)):
        design, first, _ = tasks[k]
        if first == 0:
            done = Runs(list(design.analyses))
        done.add(part)
        told = _tell(design.key, cost[k] / cost[-1], time.monotonic() - start, told)
        if k + 1 == len(tasks) or tasks[k + 1][0] is not design:
            yield design, done


def number_of_runs(design: Design, runs: int) -> int:
    """How often a design is run: large ones less often, and no fewer than twenty times unless asked."""
    return max(min(runs, 20), int(runs * SHARE_OF_RUNS[design.world.treated]))


def _in_turn(tasks: Sequence[tuple[Design, int, int]], workers: int) -> Iterator[Runs]:
    if workers == 1:
        yield from (runs_of(*task) for task in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(runs_of, *zip(*tasks, strict=True))


def _tell(key: str, share: float, seconds: float, told: float) -> float:
    """Say how far it is: always on a terminal, once a minute elsewhere. Gives when it was last said."""
    words = f"{share:4.0%}  {(seconds / share - seconds) / 60:5.1f} min left  {key:<60}"
    if sys.stderr.isatty():
        print(f"\r{words}", end="" if share < 1 else "\n", file=sys.stderr, flush=True)
    elif seconds - told > 60:
        print(words.rstrip(), file=sys.stderr, flush=True)
        return seconds
    return told
