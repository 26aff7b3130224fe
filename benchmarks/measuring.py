"""Seconds and memory of a piece of work, alone in a process: shared by the benchmarks."""
from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 900                    # seconds after which a task is given up


def measure(work: Callable[[], object], repeats: int) -> tuple[dict[str, float], object]:
    """Best seconds, peak memory in MB above what was there before, and what the work gave."""
    before = forget_peak()
    seconds, done = [], None
    for _ in range(repeats):
        done = None
        start = time.perf_counter()
        done = work()
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds), "peak_mb": peak_mb() - before}, done


def forget_peak() -> float:
    """Let the peak of this process's memory begin anew, where the system can (Linux), and give it in MB."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass
    return peak_mb()


def peak_mb() -> float:
    """Peak memory of this process, in MB, since it was last forgotten."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(command: list[str]) -> dict[str, object]:
    """The JSON that a command prints last, or why there is none."""
    room = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=room)
    except subprocess.TimeoutExpired:
        return {"failed": f"over {LIMIT} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return {"failed": said[-1][:200] if said else f"exit code {done.returncode}"}
    return json.loads(done.stdout.strip().splitlines()[-1])
