"""Seconds and memory of a piece of work, alone in a process: shared by the benchmarks."""
from __future__ import annotations

import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Sequence
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


def growth(sizes: Sequence[int], table: Callable[[int], dict[str, dict[str, dict]]], tasks: Sequence[str], *, large: int) -> dict[str, object]:
    """Seconds and memory of our tasks by size, and the slope of log seconds on log size from `large` up; printed as it goes.

    Parameters
    ----------
    table : callable
        Of a size: for every task, who took how long ('ours' at least).
    """
    found, out = {size: table(size) for size in sizes}, {}
    for task in tasks:
        of = {size: result[task]["ours"] for size, result in found.items()}
        seconds = {size: one["seconds"] for size, one in of.items() if "seconds" in one}
        points = [(math.log(size), math.log(s)) for size, s in seconds.items() if size >= large]
        out[task] = {"seconds": seconds, "peak_mb": {size: one.get("peak_mb") for size, one in of.items()}, "slope": slope(points)}
        print(f"{task:<50} slope {out[task]['slope']:.2f}   " + "   ".join(f"{size:,}: {s:.3f} s" for size, s in seconds.items()))
    return out


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope through points; NaN with fewer than two."""
    if len(points) < 2:
        return math.nan
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
