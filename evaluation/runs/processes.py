"""One process and everything it started: born with limits, gone with its parent, ended as a whole."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")


def one_thread() -> None:
    """Pin linear algebra to one thread here and in every process started from here; set before numpy is imported."""
    for library in THREADS:
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["VECLIB_MAXIMUM_THREADS"] = "1"


def limit_memory(size: int | None) -> None:
    """Let this process and each that it starts hold at most `size` bytes of data; asking for more is then a MemoryError (Linux; no limit elsewhere)."""
    if size is None or os.name != "posix":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def end_with(parent: Connection) -> None:
    """End this process and what it started as soon as the other end of a pipe is gone, which happens however the parent dies."""

    def wait() -> None:
        try:
            parent.recv_bytes()
        except (EOFError, OSError):
            end_tree(os.getpid())

    threading.Thread(target=wait, name="ends-with-parent", daemon=True).start()


def end_tree(pid: int) -> None:
    """Kill a process and every process that it started; nothing happens where it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        children = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for one in (*children, process):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue


def handle_of(pid: int | None) -> psutil.Process | None:
    """A process by its number and the moment it began, so that another of the same number is never taken for it."""
    import psutil

    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def parent_of(process: psutil.Process | None) -> psutil.Process | None:
    """The process that started another."""
    import psutil

    try:
        return None if process is None else process.parent()
    except psutil.Error:
        return None


def is_alive(process: psutil.Process | None) -> bool:
    """Whether a process runs, and is not only waiting to be forgotten."""
    import psutil

    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_server() -> None:
    """End the server from which this process has its tasks, and all tasks with it."""
    import psutil

    for one in psutil.Process().children():
        try:
            if any("forkserver" in word for word in one.cmdline()):
                end_tree(one.pid)
        except psutil.Error:
            continue


def died_in_words(exit_code: int | None) -> str:
    """How a process died."""
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name if -exit_code in {one.value for one in signal.Signals} else str(-exit_code)
        return f"its process was ended by {name}" + (", as happens when memory runs out" if -exit_code == 9 else "")
    return "its process died without a word"
