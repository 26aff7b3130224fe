"""The tasks of a run on a Dask cluster that is there already: the same words in and out as `runner.run_tasks`, and the same fresh processes on its workers.

Dask says where and when; a task still runs in a process of its own with its limits, reads its data by path, leaves its files on the shared disk and
hands back one small record. Needs the extra `cluster`.
"""

from __future__ import annotations

import multiprocessing
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import evaluation
from evaluation.errors import EvaluationError
from evaluation.runs.manifest import code_hash
from evaluation.runs.runner import TURN, Ended, Limits, Stop, Work, run_tasks

CONNECTING = 20.0  # seconds that a scheduler may take to answer


def run_on_cluster(
    work: Work,
    tasks: Sequence[tuple[str, tuple]],
    *,
    scheduler: str,
    limits: Limits | None = None,
    stop: Stop | None = None,
    folder: Path | None = None,
    begun: Callable[[str, int], object] = lambda name, tries: None,
    workers: int = 0,
) -> Iterator[Ended]:
    """Run `work(*arguments)` for each (name, arguments) on the workers of a scheduler; yields each as it ends, never raises for one.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, as tcp://host:port.
    workers : int
        Not used: the cluster has as many as it has.
    begun : callable
        Told each task's name when it is handed to the scheduler.

    Raises
    ------
    EvaluationError
        The extra is not installed, no scheduler answers, or it has no worker.
    """
    limits, stop, waiting = limits or Limits(), stop or Stop(), dict(tasks)
    if not waiting:
        return
    with client_of(scheduler) as client:
        futures = hand_out(client, work, waiting, limits, folder)
        for name in waiting:
            begun(name, 1)
        try:
            for future in as_they_end(client, futures, stop):
                yield end_of(futures.pop(future), future)
        finally:
            client.cancel(list(futures), force=True)
        for name in futures.values():
            yield Ended(name=name, state="cancelled", fault="the run was stopped before it was made")


def client_of(scheduler: str) -> Any:
    """A connection to a scheduler with workers."""
    try:
        from distributed import Client
    except ImportError:
        raise EvaluationError("A cluster needs the package distributed, which is not installed. In the project's folder: "
                              ".venv/bin/python -m pip install --require-hashes -r requirements-dev.lock") from None
    try:
        client = Client(scheduler, timeout=CONNECTING, set_as_default=False)
    except (OSError, TimeoutError, ValueError):
        raise EvaluationError(
            f"--scheduler must be the address of a Dask scheduler that runs: none answers at {scheduler} within {CONNECTING:.0f} seconds."
            " Start one by `dask scheduler`, and workers by `dask worker ADDRESS --nthreads 1`."
        ) from None
    if not client.scheduler_info()["workers"]:
        client.close()
        raise EvaluationError(f"The scheduler at {scheduler} must have a worker, and has none. Start some by `dask worker {scheduler} --nthreads 1`.")
    return client


def hand_out(client: Any, work: Work, waiting: dict[str, tuple], limits: Limits, folder: Path | None) -> dict[Any, str]:
    """Future -> name of its task."""
    batch, code, place = uuid.uuid4().hex[:8], own_code(), None if folder is None else str(Path(folder).resolve())
    return {
        client.submit(
            on_worker,
            f"{work.__module__}:{work.__name__}",
            name,
            arguments,
            asdict(limits),
            place,
            code,
            key=f"{name}-{batch}",
            pure=False,
            retries=0,
        ): name
        for name, arguments in waiting.items()
    }


def as_they_end(client: Any, futures: dict[Any, str], stop: Stop) -> Iterator[Any]:
    """Futures in the order in which they end, until all have or a stop is asked for."""
    from distributed import as_completed

    ended = as_completed(list(futures), loop=client.loop)
    while not ended.is_empty() and not stop.asked:
        if ended.has_ready():
            yield from ended.next_batch(block=False)
        else:
            stop.event.wait(TURN / 5)


def end_of(name: str, future: Any) -> Ended:
    """How a task ended; of a fault of the cluster only the kind."""
    if future.status == "finished":
        return Ended(**future.result())
    if future.status == "cancelled":
        return Ended(name=name, state="failed-system", fault="the scheduler was lost while it was made")
    kind = type(future.exception()).__name__
    words = "each worker that began it died, as happens when memory runs out" if kind == "KilledWorker" else f"a fault of the cluster ({kind})"
    return Ended(name=name, state="failed-system", fault=words)


def on_worker(work: str, name: str, arguments: tuple, limits: dict[str, Any], folder: str | None, code: str) -> dict[str, Any]:
    """On a worker: run one task in a fresh process, and end it when the scheduler no longer wants it."""
    from distributed import get_worker

    if code != own_code():
        fault = "the worker has another version of this program than the runner; install the same on every machine"
        return asdict(Ended(name=name, state="failed-system", fault=fault))
    if folder is not None and not Path(folder).is_dir():
        return asdict(
            Ended(name=name, state="failed-system", fault="the worker does not see the run's folder; keep it on a disk that all machines share")
        )
    multiprocessing.current_process().daemon = False  # a nanny's worker may not start processes otherwise
    worker, stop, over = get_worker(), Stop(ends_server=False), threading.Event()
    key = worker.get_current_task()
    threading.Thread(target=watch, args=(worker, key, stop, over), daemon=True).start()
    try:
        (end,) = run_tasks(found(work), [(name, tuple(arguments))], workers=1, limits=Limits(**limits), stop=stop, folder=folder and Path(folder))
    finally:
        over.set()
    return asdict(end)


def watch(worker: Any, key: str, stop: Stop, over: threading.Event) -> None:
    """Ask for a stop when a task is cancelled or given to another worker, or when its runner is gone."""
    while not over.wait(TURN):
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            stop.event.set()
            return


def found(work: str) -> Work:
    """A callable by module and name."""
    from importlib import import_module

    module, name = work.split(":")
    return getattr(import_module(module), name)


@cache
def own_code() -> str:
    """Hash of the package as it is installed here."""
    return code_hash([Path(evaluation.__file__).parent])
