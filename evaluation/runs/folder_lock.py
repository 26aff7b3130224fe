"""One runner for one folder: a lock that the system drops by itself when its holder dies, and the holder's name for whoever is refused."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.runs.files import canonical, write_whole


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
        yield
    finally:
        (folder / ".runner.json").unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> str:
    """Who holds a folder, in words."""
    try:
        content = json.loads((Path(folder) / ".runner.json").read_text(encoding="utf-8"))
        return f"process {content['pid']} on {content['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
