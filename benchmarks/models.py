"""How long effects take on a panel of families by quarter, and how much memory, beside pyfixest, linearmodels and csdid.

    python benchmarks/models.py --families 1000000 --json FILE [--tasks NAME ...] [--repeats 3] [--ours]
    python benchmarks/models.py --growth --json FILE        (2,000 to 1,000,000 families, and the slope)

Every task runs in a process of its own on the same data: 20 quarters, 150 councils, five entry cohorts and families never treated, two covariates
that shift both entry and trend. Ours are whole public calls from a panel in memory to an estimate with errors clustered by council; peers are given
their long frame in memory. Seconds are the best of the repeats; memory is the peak above the loaded data.
"""
from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import growth, in_a_process, measure

SEED, QUARTERS, COUNCILS = 20261124, 20, 150
COHORTS = (6, 8, 10, 12, 14)
SIZES = (2_000, 20_000, 200_000, 1_000_000)
AFTER = (0, 5)
DRAWS = 9_999
MOST_FAMILIES = {("csdid", "group-time, doubly robust, two covariates"): 200_000, ("linearmodels", "two-way fixed effects"): 1_000_000,
                 ("pyfixest", "Poisson, cohort by quarter"): 20_000}


# ---- data -------------------------------------------------------------------------

def make(families: int, folder: Path) -> None:
    """Outcomes, counts, entry, councils and covariates as arrays on disk."""
    rng = np.random.default_rng(SEED + families)
    x, council = rng.normal(size=(families, 2)), rng.integers(0, COUNCILS, families)
    joins = rng.random(families) < 1 / (1 + np.exp(0.4 - 0.5 * x[:, 0]))
    entry = np.where(joins, rng.choice(COHORTS, families), -1)
    quarter = np.arange(QUARTERS)
    treated = (entry >= 0)[:, None] & (quarter >= entry[:, None])
    shock = rng.normal(0, 0.05, (COUNCILS, QUARTERS))[council]
    level = rng.normal(size=families)[:, None] + 0.05 * quarter + 0.03 * x[:, :1] * quarter + shock
    y = level + rng.normal(size=(families, QUARTERS)) + 0.2 * treated
    count = rng.poisson(np.exp(0.2 * rng.normal(size=families)[:, None] + 0.02 * quarter - 0.2 * treated))
    for name, values in (("x", x), ("council", council), ("entry", entry), ("y", y), ("count", count.astype(float))):
        np.save(folder / f"{name}.npy", values)


def panel_of(folder: Path):
    """The arrays as our panel."""
    import pandas as pd

    from evaluation.panel.types import Panel
    from evaluation.periods import Periods

    x, council, entry, y, count = (np.load(folder / f"{name}.npy") for name in ("x", "council", "entry", "y", "count"))
    n = len(y)
    code = np.array([f"E{i:08d}" for i in range(COUNCILS)])[council]
    units = pd.DataFrame({"unit_id": [f"F{i:07d}" for i in range(n)], "council_code": code, "area": code, "pool": "", "entry": entry,
                          "eligible_from": 0, "eligible_to": QUARTERS - 1, "x0": x[:, 0], "x1": x[:, 1]})
    return Panel(unit="family", periods=Periods(kind="quarter", first=8040, last=8040 + QUARTERS - 1), units=units, outcomes={"y": y, "count": count})


def long_of(folder: Path):
    """The arrays as a long frame, for the peers."""
    import pandas as pd

    x, council, entry, y, count = (np.load(folder / f"{name}.npy") for name in ("x", "council", "entry", "y", "count"))
    n = len(y)
    family, quarter = np.repeat(np.arange(n), QUARTERS), np.tile(np.arange(QUARTERS), n)
    of = entry[family]
    return pd.DataFrame({"family": family, "quarter": quarter, "council": council[family], "y": y.ravel(), "count": count.ravel(),
                         "first": np.where(of >= 0, of, 0), "d": ((of >= 0) & (quarter >= of)).astype(float), "x0": x[family, 0], "x1": x[family, 1]})


# ---- ours -------------------------------------------------------------------------

def estimated(spec_of: Callable[[], object], *, outcome: str = "y", clusters: str = "council") -> Callable:
    """A task: fit and the headline with its error."""
    def prepare(folder: Path) -> Callable[[], object]:
        from evaluation.models import overall

        panel, spec = panel_of(folder), spec_of()
        return lambda: overall(spec.fit(panel, outcome), quarters=AFTER, clusters=clusters)
    return prepare


def named(name: str, **options: object) -> Callable[[], object]:
    """An estimator of the registry."""
    def spec() -> object:
        from evaluation.models import ESTIMATORS

        return ESTIMATORS[name](**options)
    return spec


def event_study_of(folder: Path) -> Callable[[], object]:
    """Group-time effects and all four of their summaries, with errors."""
    from evaluation.models import GroupTimeATT, aggregate

    panel = panel_of(folder)

    def work() -> object:
        effects = GroupTimeATT().fit(panel, "y")
        return [aggregate(effects, kind, clusters="council")[1] for kind in ("event", "cohort", "calendar", "simple")][-1]
    return work


def draws(folder: Path) -> Callable[[], object]:
    """Simultaneous bands of an event study from draws of councils; the effects are there already."""
    from evaluation.models import GroupTimeATT
    from evaluation.models.families_of_tests import simultaneous_event_study

    effects = GroupTimeATT().fit(panel_of(folder), "y")
    return lambda: simultaneous_event_study(effects, clusters="council", n_draws=DRAWS, rng=np.random.default_rng(SEED))


def wild(folder: Path) -> Callable[[], object]:
    """Wild cluster bootstrap of the headline, with its interval by inversion; the effects are there already."""
    from evaluation.models import GroupTimeATT
    from evaluation.models.summaries import average, chosen_cells
    from evaluation.models.wild_effects import wild_test

    effects = GroupTimeATT().fit(panel_of(folder), "y")
    headline = average(effects, chosen_cells(effects, quarters=AFTER, cohorts="complete"))
    return lambda: wild_test(effects, headline, rng=np.random.default_rng(SEED))


OURS: dict[str, Callable[[Path], Callable[[], object]]] = {
    "group-time, no covariates": estimated(named("group_time")),
    "group-time, no covariates, errors by family": estimated(named("group_time"), clusters="unit"),
    "group-time, all four summaries": event_study_of,
    "group-time, not yet treated": estimated(named("group_time", control="notyet")),
    "group-time, doubly robust, two covariates": estimated(named("group_time", method="dr", covariates=("x0", "x1"))),
    "two-way fixed effects": estimated(named("two_way", window=(-QUARTERS, QUARTERS), anticipation=0)),
    "imputation": estimated(named("imputation")),
    "extended two-way": estimated(named("extended_two_way")),
    "Poisson, cohort by quarter": estimated(named("extended_two_way", family="poisson"), outcome="count"),
    f"{DRAWS:,} draws of councils, simultaneous bands": draws,
    f"wild cluster bootstrap, {DRAWS:,} draws": wild,
}


# ---- peers ------------------------------------------------------------------------

def pyfixest_two_way(folder: Path) -> Callable[[], object]:
    """feols with family and quarter effects."""
    import pyfixest as pf

    long = long_of(folder)[["family", "quarter", "council", "y", "d"]]
    return lambda: _of_pyfixest(pf.feols("y ~ d | family + quarter", data=long, vcov={"CRV1": "council"}), "d")


def pyfixest_poisson(folder: Path) -> Callable[[], object]:
    """fepois with a dummy for every cell."""
    import pyfixest as pf

    long = long_of(folder)
    long["cell"] = np.where(long["d"] > 0, long["first"].astype(str) + "-" + long["quarter"].astype(str), "none")
    return lambda: _of_pyfixest(pf.fepois("count ~ i(cell, ref='none') | first + quarter", data=long, vcov={"CRV1": "council"}), None)


def _of_pyfixest(fit: object, name: str | None) -> tuple[float, float]:
    where = 0 if name is None else list(fit.coef().index).index(name)
    return float(fit.coef().iloc[where]), float(fit.se().iloc[where])


def linearmodels_two_way(folder: Path) -> Callable[[], object]:
    """PanelOLS with family and quarter effects."""
    from linearmodels.panel import PanelOLS

    long = long_of(folder)[["family", "quarter", "council", "y", "d"]].set_index(["family", "quarter"])

    def work() -> tuple[float, float]:
        fit = PanelOLS(long["y"], long[["d"]], entity_effects=True, time_effects=True).fit(cov_type="clustered", clusters=long["council"])
        return float(fit.params["d"]), float(fit.std_errors["d"])
    return work


def csdid_group_time(formula: str | None) -> Callable:
    """csdid's ATT(g,t) and its simple summary."""
    def prepare(folder: Path) -> Callable[[], object]:
        from csdid.att_gt import ATTgt

        long = long_of(folder)[["family", "quarter", "council", "y", "first", "x0", "x1"]]

        def work() -> tuple[float, float]:
            fit = ATTgt(yname="y", tname="quarter", idname="family", gname="first", data=long, control_group=["nevertreated"], xformla=formula,
                        clustervar="council").fit(est_method="dr", base_period="universal", bstrap=False)
            whole = fit.aggte(typec="dynamic", min_e=AFTER[0], max_e=AFTER[1], bstrap=False, cband=False)
            return float(np.ravel(whole.atte["overall_att"])[0]), float(np.ravel(whole.atte["overall_se"])[0])
        return work
    return prepare


PEERS: dict[str, dict[str, Callable[[Path], Callable[[], object]]]] = {
    "group-time, no covariates": {"csdid": csdid_group_time(None)},
    "group-time, doubly robust, two covariates": {"csdid": csdid_group_time("y ~ x0 + x1")},
    "two-way fixed effects": {"pyfixest": pyfixest_two_way, "linearmodels": linearmodels_two_way},
    "Poisson, cohort by quarter": {"pyfixest": pyfixest_poisson},
}


# ---- running ----------------------------------------------------------------------

def run_one(task: str, who: str, folder: Path, repeats: int) -> dict[str, object]:
    """One task in this process."""
    work = (OURS[task] if who == "ours" else PEERS[task][who])(folder)
    found, done = measure(work, repeats)
    if isinstance(done, tuple):
        return {**found, "estimate": done[0], "std_error": done[1]}
    number = isinstance(getattr(done, "estimate", None), float)
    return {**found, "estimate": done.estimate if number else None, "std_error": done.std_error if number else None}


def table(families: int, tasks: list[str], repeats: int, *, with_peers: bool) -> dict[str, dict[str, object]]:
    """Every task with its peers."""
    out = {}
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        make(families, folder)
        for task in tasks:
            asked = ["ours", *([who for who in PEERS.get(task, {}) if families <= MOST_FAMILIES.get((who, task), families)] if with_peers else [])]
            out[task] = {who: in_a_process([sys.executable, __file__, "--one", task, "--who", who, "--folder", room, "--repeats",
                                            str(repeats if who == "ours" else 1)]) for who in asked}
            print(f"{task:<50}" + "   ".join(f"{who}: {said(result)}" for who, result in out[task].items()), flush=True)
    return out


def said(result: dict[str, object]) -> str:
    """One result in words."""
    if "failed" in result:
        return str(result["failed"])
    words = f"{result['seconds']:.3f} s, {result['peak_mb']:.0f} MB"
    return words + (f", {result['estimate']:.5f} ({result['std_error']:.5f})" if result["estimate"] is not None else "")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tasks", nargs="*")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ours", action="store_true", help="without the peers")
    parser.add_argument("--growth", action="store_true", help="2,000 to 1,000,000 families, ours only")
    for hidden in ("--one", "--who", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(run_one(asked.one, asked.who, Path(asked.folder), asked.repeats)))
        return
    tasks = asked.tasks or list(OURS)
    if unknown := [task for task in tasks if task not in OURS]:
        raise SystemExit(f"No task is called {unknown[0]!r}. There are: {', '.join(OURS)}.")
    if asked.growth:
        found = growth(SIZES, lambda families: table(families, tasks, 3, with_peers=False), tasks, large=20_000)
    else:
        found = table(asked.families, tasks, asked.repeats, with_peers=not asked.ours)
    if asked.json:
        families = list(SIZES) if asked.growth else asked.families
        asked.json.write_text(json.dumps({"families": families, "seed": SEED, "tasks": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
