"""The same delivery again and again: with other numbers of threads and workers, its rows in other orders, and on another clock, locale and hash seed.

python -m benchmarks.determinism                 # 20 runs: threads 1 to 4 x workers 1 to 4, and four of them again; prints the differing bytes
python -m benchmarks.determinism --runs 4        # a corner of it
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batch import plan_of, start
from evaluation.pipeline.verify import Verified, compare

FEW = {"E06000022": 200, "E06000030": 60, "E06000017": 20}
KINDS = (".json", ".html", ".pdf", ".ods", ".xlsx")
ZONES = ("UTC", "Europe/London", "Pacific/Auckland", "America/St_Johns")
LOCALES = ("C.UTF-8", "C", "POSIX")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What may differ between two runs of the same bytes; order 0 is the rows as they were delivered."""

    number: int
    threads: int
    workers: int
    order: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the process."""
        threads = {f"{library}_NUM_THREADS": str(self.threads) for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")}
        return threads | {"TZ": ZONES[self.number % 4], "LC_ALL": LOCALES[self.number % 3], "PYTHONHASHSEED": str(self.number)}

    def __str__(self) -> str:
        return f"run {self.number + 1}: {self.threads} threads, {self.workers} workers, rows in order {self.order}"


def settings(runs: int) -> tuple[Setting, ...]:
    """So many runs over threads 1 to 4 and workers 1 to 4, the far corner second; each with rows in an order of its own, the last as the first."""
    pairs = [(threads, workers) for threads in (1, 2, 3, 4) for workers in (1, 2, 3, 4)]
    pairs = [pairs[0], pairs[-1], *pairs[1:-1], *pairs]
    made = [Setting(number=n, threads=pairs[n % 32][0], workers=pairs[n % 32][1], order=n) for n in range(runs)]
    return tuple(made) if runs < 3 else (*made[:-1], Setting(number=runs - 1, threads=1, workers=1, order=0))


def matrix(folder: Path, *, runs: int, families: dict[str, int] = FEW, change: Callable[[dict], object] = lambda plan: None) -> dict:
    """Run a delivery in every setting, and count the bytes in which its releases differ from the first."""
    deliver(folder / "delivery", families)
    first, found, began = None, {}, time.monotonic()
    for setting in settings(runs):
        room = folder / str(setting.number)
        shuffled(folder / "delivery", room / "data", setting.order)
        release = released_by(room, setting, families, change)
        first = first or release
        found[str(setting)] = compare(first, release)
        sys.stdout.write(f"  {setting}: {told(found[str(setting)])}\n")
        sys.stdout.flush()
        if release is not first:
            shutil.rmtree(room)
    kinds = {kind: sum(path.suffix == kind for path in first.rglob("*")) for kind in KINDS}
    differing = {name: dict(one.differing) for name, one in found.items() if not one.same}
    return {
        "runs": len(found),
        "files": {kind: count for kind, count in kinds.items() if count},
        "differing_bytes": sum(n for files in differing.values() for n in files.values()),
        "differing": differing,
        "seconds": round(time.monotonic() - began),
    }


def told(one: Verified) -> str:
    """One comparison in words."""
    return f"{one.files} files, {sum(n for _, n in one.differing):,} differing bytes" + "".join(f"; {path} {n:,}" for path, n in one.differing)


def released_by(room: Path, setting: Setting, families: dict[str, int], change: Callable[[dict], object]) -> Path:
    """The release of one run in processes of its own."""

    def asked(plan: dict) -> None:
        change(plan)
        plan.update(data={"kind": "extracts", "folder": "data"})

    plan = plan_of(room, families, study="same", change=asked)
    runner = start(plan, room / "runs", workers=setting.workers, resume=False, environment=setting.environment)
    _, fault = runner.communicate()
    if runner.returncode:
        raise SystemExit(f"{setting}: exit code {runner.returncode}. {fault[-800:]}")
    (run,) = (room / "runs" / "same").iterdir()
    return run / "release"


def deliver(folder: Path, families: dict[str, int]) -> None:
    """Write a simulated delivery."""
    from evaluation.dictionary import load_dictionary
    from evaluation.periods import Periods
    from evaluation.simulate import Simulation

    Simulation(families=families, periods=Periods.between("2011-Q1", "2015-Q4", kind="quarter"), seed=5).write(folder, dictionary=load_dictionary())
    shutil.rmtree(folder / "_truth", ignore_errors=True)


def shuffled(delivery: Path, target: Path, order: int) -> None:
    """A copy of a delivery with its rows in another order; as it was for order 0."""
    import pyarrow.parquet
    from numpy.random import default_rng

    target.mkdir(parents=True)
    for path in sorted(delivery.glob("*.parquet")):
        table = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(table.take(default_rng(order).permutation(len(table))) if order else table, target / path.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=None, help="a new folder to work in and to keep")
    parser.add_argument("--json", type=Path, default=None, help="write what was found to this file too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="determinism-") as temporary:
        found = matrix(asked.keep or Path(temporary), runs=asked.runs)
    sys.stdout.write(json.dumps(found, indent=1) + f"\n{found['differing_bytes']:,} differing bytes in {found['runs']} runs\n")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(found["differing_bytes"] > 0)


if __name__ == "__main__":
    main()
