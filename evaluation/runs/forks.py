"""Work on what a process holds in memory, shared out over its forks: nothing heavy is copied or sent, only results come back."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from evaluation.errors import EvaluationError
from evaluation.runs.processes import died_in_words, end_tree, end_with

Item, Result = TypeVar("Item"), TypeVar("Result")


class ForkDied(EvaluationError):
    """A process that worked out a part of the results ended without them."""


@dataclass(slots=True)
class Fork:
    """A process that works on one item after another."""

    process: multiprocessing.process.BaseProcess
    line: Connection  # items go out by their place, results come back
    alive: Connection  # held open here: its other end tells the fork that this process lives


def in_forks(work: Callable[[Item], Result], items: Sequence[Item], *, workers: int) -> list[Result | Exception]:
    """`work(item)` for each item, in their order; the fault in the place of a result that could not be made.

    Parameters
    ----------
    work : callable
        Anything, closures too: a fork has all that this process holds. What it changes is lost; its results must go through pickle.
    workers : int
        Processes at the same time. With one, with one item, or elsewhere than on Linux (where forks are not safe), the work is done here.

    Raises
    ------
    ForkDied
        A fork was killed, as happens when memory runs out.
    """
    workers = min(workers, len(items))
    if workers < 2 or sys.platform != "linux":
        return [attempt(work, item) for item in items]
    results: dict[int, Result | Exception] = {}
    waiting = iter(range(len(items)))
    with forks(work, items, workers) as working:
        lines = {fork.line: fork for fork in working}
        for line in list(lines):
            hand_out(line, waiting, lines)
        while lines:
            for line in wait(list(lines)):
                try:
                    at, results[at] = line.recv()
                except (EOFError, OSError):
                    process = lines[line].process
                    process.join()
                    raise ForkDied(f"A part of the estimates was not made: {died_in_words(process.exitcode)}. Give the run more memory, or run it "
                                   "with --workers 1, which needs the least.") from None
                hand_out(line, waiting, lines)
    return [results[at] for at in range(len(items))]


def attempt(work: Callable[[Item], Result], item: Item) -> Result | Exception:
    """A result, or the fault that stands in its way."""
    try:
        return work(item)
    except Exception as fault:
        return fault


def hand_out(line: Connection, waiting: Iterator[int], lines: dict[Connection, Fork]) -> None:
    """Send the next item's place, or none and let go of the line."""
    at = next(waiting, None)
    with suppress(OSError):  # it is gone: reading from it will tell
        line.send(at)
    if at is None:
        del lines[line]


@contextmanager
def forks(work: Callable, items: Sequence, workers: int) -> Iterator[list[Fork]]:
    """Forks that wait for items; all are gone at the end, whatever happens."""
    context, working = multiprocessing.get_context("fork"), []
    try:
        for _ in range(workers):
            line, theirs = context.Pipe()
            watched, alive = context.Pipe(duplex=False)
            ours = [line, alive, *(end for fork in working for end in (fork.line, fork.alive))]
            process = context.Process(target=carry_on, args=(work, items, theirs, watched, ours), daemon=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons warn of threads: none of ours holds a lock here
                process.start()
            theirs.close()
            watched.close()
            working.append(Fork(process, line, alive))
        yield working
        for fork in working:
            fork.process.join()
    finally:
        for fork in working:
            fork.line.close()
            fork.alive.close()
            if fork.process.is_alive():
                end_tree(fork.process.pid)
            fork.process.join()


def carry_on(work: Callable, items: Sequence, line: Connection, watched: Connection, ours: Sequence[Connection]) -> None:
    """In a fork: work on the items asked for until there are none."""
    for end in ours:
        end.close()  # else this fork would keep its parent's ends of the pipes open, and nobody would see that the parent is gone
    os.setsid()  # Ctrl-C in the terminal reaches the runner alone
    end_with(watched)
    try:
        while (at := line.recv()) is not None:
            line.send((at, sendable(attempt(work, items[at]))))
    except (EOFError, OSError):
        return  # the parent is gone


def sendable(result: Result) -> Result | Exception:
    """A result; of a fault that does not go through pickle its kind."""
    if not isinstance(result, Exception):
        return result
    try:
        pickle.loads(pickle.dumps(result))
    except Exception:
        return RuntimeError(type(result).__name__)
    return result
