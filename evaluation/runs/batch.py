"""Many reports at the same time: one process a report, so that one that fails stops no other. The work comes as a callable."""
from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from evaluation.errors import EvaluationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One task that ended: its result, or what went wrong in safe words."""

    name: str
    result: Any = None
    fault: str = ""


def run_all(work: Callable[..., Any], tasks: Sequence[tuple[str, tuple]], *, workers: int) -> Iterator[Done]:
    """Run `work(*arguments)` for each (name, arguments) in fresh processes; yields each task as it ends, never raises for one."""
    if not tasks:
        return
    with ProcessPoolExecutor(max_workers=min(workers, len(tasks)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(work, *arguments): name for name, arguments in tasks}
        for future in as_completed(futures):
            name = futures[future]
            try:
                yield Done(name=name, result=future.result())
            except EvaluationError as fault:
                yield Done(name=name, fault=str(fault))
            except BrokenProcessPool:
                yield Done(name=name, fault="its process died, as happens when memory runs out; run the report again with --workers 1")
            except Exception as fault:  # a fault of this program in one report must not stop the others; named by its kind only, its words may hold rows
                yield Done(name=name, fault=f"a fault of this program ({type(fault).__name__})")
