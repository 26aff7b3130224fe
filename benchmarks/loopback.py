"""A Dask scheduler and workers on loopback, in processes that stand for machines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


def dask(*words: str, folder: Path) -> subprocess.Popen:
    """A Dask process that writes its log into a folder."""
    log = (folder / f"{words[0]}-{time.time_ns()}.log").open("w")
    command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
    return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)})


class Cluster:
    """A scheduler and two workers, one of them under a nanny as `dask worker` has it."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        self.scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", folder=folder)
        self.address = self.told(r"Scheduler at:\s+(tcp://\S+)")
        for extra in (("--no-nanny",), ()):
            self.add(*extra)

    def add(self, *extra: str) -> None:
        """One more worker."""
        words = ("worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--death-timeout", "30", "--no-dashboard", *extra)
        self.workers.append(dask(*words, "--local-directory", str(self.folder), folder=self.folder))
        self.told(r"Registered to:", times=len(self.workers))

    def told(self, pattern: str, *, times: int = 1, within: float = 90.0) -> str:
        """Wait until the logs say something."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            found = [one for path in self.folder.glob("*.log") for one in re.finditer(pattern, path.read_text())]
            if len(found) >= times:
                return found[0].groups()[0] if found[0].groups() else ""
            time.sleep(0.1)
        raise AssertionError([path.read_text()[-500:] for path in self.folder.glob("*.log")])

    def close(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            for one in (*psutil.Process(process.pid).children(recursive=True), process) if process.poll() is None else ():
                one.kill()
            process.wait()
