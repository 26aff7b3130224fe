"""How long simulated records and their panel take, and how much memory: 10,000 and 100,000 families with sixteen quarters.

    python benchmarks/simulate.py [FAMILIES ...]

Each size runs in a process of its own. Bars: 100,000 families written in under 60 s and 6 GB, their panel in under 40 s, on two cores.
"""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZES = (10_000, 100_000)


def measure(families: int) -> dict[str, float]:
    """Seconds and peak memory of writing, checking and building the panel of simulated records."""
    from evaluation.dictionary import load_dictionary
    from evaluation.ingest.reading import receive_extracts
    from evaluation.panel.families import build_families
    from evaluation.periods import Periods
    from evaluation.simulate import Simulation

    dictionary, periods = load_dictionary(), Periods.between("2011-Q1", "2014-Q4", kind="quarter")
    outcomes = [name for name, outcome in dictionary.outcomes.items() if "family" in outcome.sources]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        marks = [time.perf_counter()]
        Simulation(families=families, periods=periods, seed=1).write(folder / "delivery", dictionary=dictionary)
        marks.append(time.perf_counter())
        memory_simulate = peak_memory()
        tables = receive_extracts(folder / "delivery", dictionary, room=folder / "room")
        marks.append(time.perf_counter())
        build_families(tables, dictionary, periods=periods, outcomes=outcomes)
        marks.append(time.perf_counter())
    simulate, check, panel = (later - earlier for earlier, later in zip(marks, marks[1:], strict=False))
    return {"families": families, "simulate_s": simulate, "check_s": check, "panel_s": panel, "simulate_GB": memory_simulate, "all_GB": peak_memory()}


def peak_memory() -> float:
    """Peak memory of this process in GB; NaN where the system does not say."""
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def main(sizes: tuple[int, ...]) -> None:
    for families in sizes:
        places = [str(ROOT), str(Path(__file__).parent)]
        code = f"import json, sys; sys.path[:0] = {places!r}; import simulate; print(json.dumps(simulate.measure({families})))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print("  ".join(f"{name} {value:,.0f}" if name == "families" else f"{name} {value:.2f}" for name, value in found.items()))


if __name__ == "__main__":
    main(tuple(int(text) for text in sys.argv[1:]) or SIZES)
