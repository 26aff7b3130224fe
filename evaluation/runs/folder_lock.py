"""One runner for one folder: a lock that the system drops by itself when its holder dies, and the holder's name for whoever is refused.

A runner that is killed leaves tasks that need a moment to notice. Each holds a second lock, shared by all tasks of the folder; the next runner waits
until the last of them is gone, so that no task of an earlier runner writes beside its own.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.runs.files import canonical, write_whole


TASKS = ".tasks"  # the file that tasks hold together
PATIENCE = 60.0  # seconds that a runner waits for tasks of an earlier one; they notice its death at once and end


class FolderInUse(EvaluationError):
    """Another process works in the folder."""


@contextmanager
def only_runner(folder: Path) -> Iterator[None]:
    """Hold a folder for this process.

    Raises
    ------
    FolderInUse
        At once, naming the process that holds it.

    Notes
    -----
    `flock` (a byte-range lock on Windows): it ends with its process, however that ends, so there is no stale lock to remove. Network shares without
    `flock` are not protected; keep runs on a local disk.
    """
    import filelock

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise FolderInUse(
            f"{folder} must be worked on by one runner at a time: {holder(folder)} has it. Wait for it to end, stop it, or name another folder by"
            " --out. `evaluation status` shows how far it is."
        ) from None
    try:
        write_whole(folder / ".runner.json", canonical({"pid": os.getpid(), "host": socket.gethostname()}))
        wait_for_tasks(folder)
        yield
    finally:
        (folder / ".runner.json").unlink(missing_ok=True)
        lock.release()


@contextmanager
def at_work(folder: Path | None) -> Iterator[None]:
    """Be one of a folder's tasks: the lock is this process's own and goes with it, however it ends."""
    if folder is None or os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(Path(folder) / TASKS, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with suppress(OSError):  # a share without locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def wait_for_tasks(folder: Path, seconds: float = PATIENCE) -> None:
    """Wait until no task of an earlier runner is at work in a folder.

    Raises
    ------
    FolderInUse
        One still is.
    """
    if os.name != "posix":
        return
    import fcntl

    handle, until = os.open(Path(folder) / TASKS, os.O_RDWR | os.O_CREAT, 0o644), time.monotonic() + seconds
    try:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise FolderInUse(
                        f"{folder} must be free of tasks of an earlier runner: one still works in it after {seconds:.0f} seconds. Wait for it to end,"
                        " or stop it."
                    ) from None
                time.sleep(0.05)
            except OSError:
                return None  # a share without locks
    finally:
        os.close(handle)


def holder(folder: Path) -> str:
    """Who holds a folder, in words."""
    try:
        content = json.loads((Path(folder) / ".runner.json").read_text(encoding="utf-8"))
        return f"process {content['pid']} on {content['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
