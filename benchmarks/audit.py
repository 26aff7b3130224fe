"""How long the audit of a whole release takes, and how that grows with councils.

    python benchmarks/audit.py [--councils 28 75 150] [--json FILE]

A made-up programme: councils in nine regions and eight cohorts, from a few families to some hundreds; counts of those who joined by council, region,
nation and cohort, of those matched, rates and effects. Each size runs in a process of its own, on one thread. Bar: 150 councils, with more than 1,400
numbers, in under 60 s on two cores.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

REGIONS, COHORTS, SEED = 9, 8, 20261129
SIZES = (14, 18, 25, 40, 60, 90, 160, 320)


def families(councils: int) -> dict[str, np.ndarray]:
    """One row a family: council, cohort, whether matched, whether an offence followed."""
    rng = np.random.default_rng([SEED, councils])
    council = np.repeat(np.arange(councils), rng.choice(SIZES, councils))
    n = len(council)
    return {"council": council, "region": council % REGIONS, "cohort": np.minimum(rng.geometric(0.3, n) - 1, COHORTS - 1),
            "matched": rng.random(n) > rng.choice([0.01, 0.05, 0.2], councils)[council],
            "event": rng.random(n) < rng.choice([0.08, 0.2, 0.4], councils)[council]}


def publish(ledger, world: dict[str, np.ndarray], councils: int) -> None:
    """Every table of the release, through the ledger."""
    from evaluation.disclosure.population import Population

    def count(chosen: np.ndarray, where: dict, name: str, *path: tuple[str, str]) -> None:
        who = Population.of(name, "programme", {key: [str(one) for one in values] for key, values in where.items()}, *path)
        ledger.count(int(chosen.sum()), of="families", what="joined", population=who)

    everyone = np.ones(len(world["council"]), dtype=bool)
    places = [("nation", everyone, {})]
    places += [(f"region {r}", world["region"] == r, {"council": range(r, councils, REGIONS)}) for r in range(min(REGIONS, councils))]
    places += [(f"council {c}", world["council"] == c, {"council": [c]}) for c in range(councils)]
    for name, here, where in places:
        count(here, where, name)
        for k in range(COHORTS):
            count(here & (world["cohort"] == k), {**where, "cohort": [k]}, f"{name}, cohort {k}")
        count(here & world["matched"], where, f"{name}, matched", ("matching", "matched"))
        about(ledger, world, here, Population.of(name, "programme", {key: [str(one) for one in values] for key, values in where.items()}))


def about(ledger, world: dict[str, np.ndarray], here: np.ndarray, who) -> None:
    """A rate and an effect of one place."""
    from evaluation.models.effects import Estimate

    n, events = int(here.sum()), int(world["event"][here].sum())
    fewest = min(events, n - events)
    ledger.level(100 * events / n, n=n, of="families", digits=0, what="offenders per 100", per=100, fewest=fewest, population=who)
    error = 50 / np.sqrt(n)
    effect = Estimate(estimate=-2.0, std_error=error, lower=-2 - 2 * error, upper=-2 + 2 * error, df=2 * n - 2, p_value=0.5, n_treated=n,
                      n_comparison=n, clusters="", n_clusters=0, method="difference")
    ledger.interval(effect, of="families", what="effect", fewest=fewest, population=who)


def one_size(councils: int) -> dict[str, object]:
    """Seconds, memory, numbers and small groups of the audit of one release."""
    from measuring import peak_mb

    from evaluation.disclosure.audit import audited
    from evaluation.disclosure.rules import rule_of

    world = families(councils)
    start, cpu = time.perf_counter(), time.process_time()
    _, ledger = audited(lambda ledger: publish(ledger, world, councils), rule_of("ten_five"))
    found = ledger.audit
    return {"councils": councils, "families": len(world["council"]), "numbers": found.numbers, "small_groups": found.cells,
            "narrowest": found.narrowest, "rounded_further": len(found.rounded), "withheld": found.withheld,
            "seconds": round(time.perf_counter() - start, 1), "cpu_seconds": round(time.process_time() - cpu, 1), "peak_mb": round(peak_mb())}


def main() -> None:
    """Measure each size in a process of its own, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--councils", type=int, nargs="+", default=[28, 75, 150])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one_size(asked.one)))
        return
    from measuring import in_a_process, slope

    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    found = [in_a_process([sys.executable, __file__, "--one", str(councils)]) for councils in asked.councils]
    for one in found:
        print("  ".join(f"{what} {value}" for what, value in one.items()))
    done = [(np.log(one["councils"]), np.log(one["cpu_seconds"])) for one in found if one.get("cpu_seconds")]
    print(f"CPU seconds grow as councils to the power {slope(done):.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
