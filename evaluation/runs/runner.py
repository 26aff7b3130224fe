"""Many tasks at the same time, each in a fresh process with limits of its own: one that fails, hangs or is killed stops no other.

The work comes as a callable that leaves its files on disk and returns a small record; nothing heavy travels between processes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.errors import EvaluationError
from evaluation.runs.folder_lock import at_work
from evaluation.runs.processes import (
    died_in_words,
    end_server,
    end_tree,
    end_with,
    handle_of,
    is_alive,
    limit_memory,
    one_thread,
    parent_of,
)
from evaluation.runs.states import State, state_of_fault

if TYPE_CHECKING:
    import psutil

Work = Callable[..., Any]
Executor = Callable[..., "Iterator[Ended]"]  # `run_tasks`, or another with its parameters and promises
PRELOADED = ("evaluation.runs.ready",)  # what every report needs, made once
TURN = 0.5  # seconds between looks at the clock
STARTS = 4  # times that a process is asked for, and that a task is begun again because the server of processes died under it
GOING = 10.0  # seconds that a killed process may take to be gone
ALIKE = {"PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}  # in the environment of every task and every kernel
ENVIRONMENT = threading.Lock()  # one at a time changes the environment that processes are born with


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one task may use.

    Attributes
    ----------
    seconds : float
        Wall time; then the task and all it started are killed.
    memory : int or None
        Bytes of data for each process of the task.
    tries : int
        How often a task whose process was killed is begun; a task that fails by itself is never repeated.
    """

    seconds: float = 900.0
    memory: int | None = None
    tries: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One task that ended: its small record, or the state and what went wrong in safe words."""

    name: str
    state: State = "done"
    result: Any = None
    fault: str = ""
    seconds: float = 0.0
    tries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A request to stop, made once by a signal or by whoever reads the results; it ends the server of processes too, unless others use it."""

    event: threading.Event = field(default_factory=threading.Event)
    ends_server: bool = True

    @contextmanager
    def on_signals(self) -> Iterator[Stop]:
        """While inside, Ctrl-C and SIGTERM ask for a stop instead of ending the process; a second one ends it."""
        names = (signal.SIGINT, signal.SIGTERM)
        before = {name: signal.getsignal(name) for name in names}

        def ask(number: int, frame: object) -> None:
            self.event.set()
            for name in names:
                signal.signal(name, before[name])

        for name in names:
            signal.signal(name, ask)
        try:
            yield self
        finally:
            for name in names:
                signal.signal(name, before[name])

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.event.is_set()


@dataclass(slots=True)
class Running:
    """A task under way."""

    name: str
    process: multiprocessing.process.BaseProcess
    ended: Connection
    alive: Connection  # held open here: its other end tells the task that this process lives
    began: float
    tries: int
    itself: psutil.Process | None = None
    server: psutil.Process | None = None  # the process that it was forked from, whose death says nothing about the task

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def end(self) -> None:
        """Kill it with all it started, and let go of it once it is gone, so that no second one of its name works beside it."""
        self.alive.close()
        if is_alive(self.itself) or self.process.is_alive():
            end_tree(self.process.pid)
        self.process.join()
        until = time.monotonic() + GOING
        while is_alive(self.itself) and time.monotonic() < until:  # one whose server died is nobody's child: only asking tells when it is gone
            time.sleep(0.01)
        self.ended.close()


def run_tasks(
    work: Work,
    tasks: Sequence[tuple[str, tuple]],
    *,
    workers: int,
    limits: Limits | None = None,
    stop: Stop | None = None,
    folder: Path | None = None,
    begun: Callable[[str, int], object] = lambda name, tries: None,
) -> Iterator[Ended]:
    """Run `work(*arguments)` for each (name, arguments); yields each as it ends, never raises for one.

    Parameters
    ----------
    work : callable
        Importable by name; its arguments and its record are small (the record is JSON).
    tasks : sequence of (name, arguments)
        A name that stands twice is run once.
    workers : int
        Tasks at the same time; one fewer after each that ran out of memory, but never none.
    stop : Stop, optional
        Once asked for, no task is begun, those under way are killed, and all that is left is yielded as cancelled.
    folder : Path, optional
        Where the tasks write: the next runner of it waits until the last of them is gone.
    begun : callable
        Told each task's name and number of tries when it begins.
    """
    limits, stop = limits or Limits(), stop or Stop()
    waiting = deque((name, arguments, 1) for name, arguments in dict(tasks).items())
    arguments_of, context, running = dict(tasks), context_for_tasks(work.__module__) if tasks else None, []
    losses: Counter[str] = Counter()
    try:
        while (waiting or running) and not stop.asked:
            while waiting and len(running) < workers:
                name, arguments, tries = waiting.popleft()
                begun(name, tries)
                running.append(begin(context, work, name, arguments, tries, limits, folder))
            for one in over(running, limits):
                running.remove(one)
                end = end_of(one, limits)
                one.end()
                lost = end.result == "killed" and one.server is not None and not is_alive(one.server)
                losses[one.name] += lost
                if end.result == "killed" and (losses[one.name] < STARTS if lost else one.tries < limits.tries):
                    waiting.appendleft((one.name, arguments_of[one.name], one.tries + (not lost)))
                    continue
                workers = max(workers - 1, 1) if "memory" in end.fault else workers
                yield replace(end, result=None) if end.result == "killed" else end
        for one in running:
            one.end()
        while running:
            one = running.pop()
            yield Ended(name=one.name, state="cancelled", fault="the run was stopped while it was made", seconds=round(one.seconds, 1), tries=one.tries)
        for name, _, tries in waiting:
            yield Ended(name=name, state="cancelled", fault="the run was stopped before it began", tries=tries)
    finally:
        for one in running:
            one.end()
        if stop.asked and stop.ends_server:
            end_server()


def context_for_tasks(module: str) -> multiprocessing.context.BaseContext:
    """How fresh processes are made: from a server that has imported what every report needs, where the system has one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module, *PRELOADED])
    return context


def make_ready(work: Work) -> None:
    """Start the server of processes for a work that comes later: it has much to import, while there is something else to do."""
    if context_for_tasks(work.__module__).get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        with pinned():
            ensure_running()


def begin(
    context: multiprocessing.context.BaseContext,
    work: Work,
    name: str,
    arguments: tuple,
    tries: int,
    limits: Limits,
    folder: Path | None = None,
    starts: int = STARTS,
) -> Running:
    """Start one task; again where the server of processes was killed, which is found out by asking it for one."""
    ended, tells = context.Pipe(duplex=False)
    watched, alive = context.Pipe(duplex=False)
    process = context.Process(target=carry_out, args=(work, arguments, tells, watched, limits.memory, folder), name=name, daemon=True)
    try:
        with pinned():
            process.start()
        itself = handle_of(process.pid)
        return Running(name, process, ended, alive, time.monotonic(), tries, itself, parent_of(itself))
    except (EOFError, OSError):
        ended.close()
        alive.close()
        if starts == 1:
            raise
    finally:
        tells.close()
        watched.close()
    time.sleep(TURN)
    return begin(context, work, name, arguments, tries, limits, folder, starts - 1)


@contextmanager
def pinned() -> Iterator[None]:
    """The environment that tasks are born with; this process gets its own back."""
    with ENVIRONMENT:
        before = dict(os.environ)
        one_thread()
        os.environ |= ALIKE
        try:
            yield
        finally:
            for name in set(os.environ) - set(before):
                del os.environ[name]
            os.environ.update(before)


def carry_out(work: Work, arguments: tuple, tells: Connection, watched: Connection, memory: int | None, folder: Path | None = None) -> None:
    """In the task's process: do the work, tell how it ended in one message."""
    if os.name == "posix":
        os.setsid()  # Ctrl-C in the terminal reaches the runner alone
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with(watched)
    limit_memory(memory)
    try:
        with at_work(folder):
            if watched.poll():
                return  # its runner is gone, and the next one may be at work
            told = {"result": work(*arguments)}
    except MemoryError:
        told = {"state": "failed-system", "fault": "it needed more memory than its limit; allow more by --memory"}
    except EvaluationError as fault:
        killed = getattr(fault, "cause", "") == "died"
        told = {"state": state_of_fault(fault), "fault": str(fault)} | ({"result": "killed"} if killed else {})
    except OSError as fault:
        told = {"state": "failed-system", "fault": f"the system refused a file ({os.strerror(fault.errno) if fault.errno else type(fault).__name__})"}
    except Exception as fault:  # named by its kind only: its words may hold rows
        told = {"state": "failed-system", "fault": f"a fault of this program ({type(fault).__name__})"}
    tells.send_bytes(json.dumps(told).encode())


def over(running: Sequence[Running], limits: Limits) -> list[Running]:
    """Those that have told their end, died, or used up their time."""
    soon = wait([thing for one in running for thing in (one.ended, one.process.sentinel)], timeout=TURN)
    return [one for one in running if one.ended in soon or one.process.sentinel in soon or one.seconds > limits.seconds]


def end_of(one: Running, limits: Limits) -> Ended:
    """How a task ended."""
    common = {"name": one.name, "seconds": round(one.seconds, 1), "tries": one.tries}
    try:
        if one.ended.poll():
            return Ended(**common, **json.loads(one.ended.recv_bytes()))
    except (EOFError, OSError, ValueError):
        pass  # a message cut short is no message
    if one.process.is_alive() and one.seconds > limits.seconds:
        return Ended(**common, state="timed-out", fault=f"it took longer than {limits.seconds:,.0f} seconds; allow more by --seconds")
    one.process.join(1)
    return Ended(**common, state="failed-system", fault=died_in_words(one.process.exitcode), result="killed")
