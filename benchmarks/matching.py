"""How long matching takes on 1,000,000 rows, and how much memory, beside scikit-learn, causalml and MatchIt.

    python benchmarks/matching.py --rows 1000000 --json FILE [--tasks NAME ...] [--repeats 3] [--ours]
    python benchmarks/matching.py --growth --json FILE        (10,000 to 3,000,000 rows, and the slope)

Every task runs in a process of its own, on the same data: 20 covariates (12 continuous, 5 binary, 3 rounded log-normal), 150 councils, logistic
selection of a tenth. Ours are whole public calls: table to candidates, checks, labels, reasons, weights; matching is given the score, as are the
peers. Seconds are the best of the repeats; memory is the peak above the loaded data. A peer that is not installed says so. MatchIt runs in the
`Rscript` of the path (its library from R_LIBS); causalml in the python of CAUSALML_PYTHON, else in this one.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import growth, in_a_process, measure

SEED = 20261124
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
MOST_ROWS = {                  # beyond which a peer is not asked: dense matrices, or many minutes
    ("MatchIt", "optimal 1:1"): 10_000, ("MatchIt", "optimal full"): 10_000, ("MatchIt", "optimal 1:1, caliper"): 0,
    ("MatchIt", "Mahalanobis on five covariates in a caliper"): 100_000, ("causalml", "nearest 1:1, caliper"): 100_000,
    ("causalml", "depleted 1:1, caliper"): 100_000,
}
COVARIATES = [f"x{j:02d}" for j in range(20)]
SEVERAL = tuple(COVARIATES[:5])


# ---- data -------------------------------------------------------------------------

def make(rows: int, folder: Path) -> None:
    """Covariates, council, treatment and the fitted score of a population, as arrays on disk."""
    from evaluation.matching.propensity import fit_logit

    rng = np.random.default_rng(SEED + rows)
    x = np.empty((rows, 20), order="F")
    x[:, :12] = rng.normal(size=(rows, 12))
    x[:, 12:17] = rng.random((rows, 5)) < rng.uniform(0.1, 0.6, 5)
    x[:, 17:] = np.round(np.exp(rng.normal(size=(rows, 3))), 1)
    beta = rng.normal(0, 0.25, 20)
    eta = (x - x.mean(axis=0)) / x.std(axis=0) @ beta
    low, high = -12.0, 6.0
    for _ in range(60):                                  # intercept for a tenth treated
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(eta + middle)))).mean() < 0.1 else (low, middle)
    treated = rng.random(rows) < 1 / (1 + np.exp(-(eta + low)))
    np.save(folder / "x.npy", x)
    np.save(folder / "treated.npy", treated)
    np.save(folder / "council.npy", rng.integers(0, 150, rows))
    np.save(folder / "score.npy", fit_logit(x, treated, names=COVARIATES).linear_predictor)


def make_depleted(folder: Path, rows: int = 200_000) -> None:
    """Two fifths treated, strongly selected on one score: comparison rows run out."""
    rng = np.random.default_rng(SEED)
    z = rng.normal(size=rows)
    treated = rng.random(rows) < 1 / (1 + np.exp(0.7 - 1.5 * z))
    for name, value in (("x", z[:, None]), ("treated", treated), ("council", rng.integers(0, 150, rows)), ("score", z)):
        np.save(folder / f"{name}.npy", value)


class Data:
    """The arrays, and our table of them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.x, self.treated, self.council, self.score = (np.load(folder / f"{name}.npy") for name in ("x", "treated", "council", "score"))

    def table(self):
        """A frame of the covariates, the council and the treatment; covariates are not copied."""
        import pandas as pd

        frame = pd.DataFrame(self.x, columns=COVARIATES[:self.x.shape[1]], copy=False)
        return frame.assign(council=self.council, joined=self.treated)


# ---- ours -------------------------------------------------------------------------

def matched(spec_of: Callable, *, known: bool = True) -> Callable[[Data], Callable[[], object]]:
    """A task: a table is made beforehand, as a user has it; candidates and match are timed."""
    def prepare(data: Data) -> Callable[[], object]:
        from evaluation.matching import Candidates
        from evaluation.matching.matcher import KnownScore

        table = data.table()
        spec = spec_of()

        def work() -> object:
            rows = Candidates.of_table(table, treated="joined")
            if not known:
                return spec.match(rows)
            use = np.ones(len(table), dtype=bool) if spec.caliper is None else None
            width = float("inf") if use is not None else spec.caliper * float(np.std(data.score, ddof=1))
            return spec.match(rows, known=KnownScore(value=data.score, width=width))
        return work
    return prepare


def named(name: str, **options: object) -> Callable:
    """A matcher of the registry."""
    def make_spec() -> object:
        from evaluation.matching import MATCHERS

        return MATCHERS[name](**{"covariates": tuple(COVARIATES), **options})
    return make_spec


def nearest(**options: object) -> Callable:
    """Nearest neighbours on a known score: the covariates play no part, so one is named."""
    return named("nearest_neighbour", **{"covariates": ("x00",), "ratio": 1, "replacement": False, **options})


def logit(data: Data) -> Callable[[], object]:
    """The propensity score alone."""
    from evaluation.matching.propensity import fit_logit

    return lambda: fit_logit(data.x, data.treated, names=COVARIATES)


def balance(data: Data) -> Callable[[], object]:
    """Balance of 20 covariates before and after, without pair distances."""
    match = matched(named("nearest_neighbour", ratio=1, replacement=False))(data)()
    return lambda: match.diagnostics()


def whole(data: Data) -> Callable[[], object]:
    """Score, exact 1:1 on the council, and the balance of all covariates."""
    from evaluation.matching import Candidates

    table = data.table()
    spec = named("nearest_neighbour", ratio=1, replacement=False, exact=("council",))()

    def work() -> object:
        match = spec.match(Candidates.of_table(table, treated="joined"))
        match.diagnostics()
        return match
    return work


OURS: dict[str, Callable[[Data], Callable[[], object]]] = {
    "logit": logit,
    "nearest 1:1, caliper": matched(nearest()),
    "nearest 1:1, no caliper": matched(nearest(caliper=None)),
    "nearest 1:1, exact on 150 councils, caliper": matched(nearest(exact=("council",))),
    "nearest 3:1, caliper": matched(nearest(ratio=3)),
    "nearest 1:1, closest first, caliper": matched(nearest(order="closest")),
    "nearest 1:1 with replacement, caliper": matched(nearest(replacement=True)),
    "Mahalanobis on five covariates in a caliper": matched(named("nearest_covariates", covariates=SEVERAL, ratio=1, caliper=0.2, replacement=False)),
    "optimal 1:1": matched(named("optimal_pairs", covariates=("x00",), ratio=1, caliper=None)),
    "optimal 1:1, caliper": matched(named("optimal_pairs", covariates=("x00",), ratio=1)),
    "optimal full": matched(named("full", covariates=("x00",), caliper=None)),
    "generalised full": matched(named("generalised_full", covariates=("x00",), caliper=None)),
    "subclassification (6)": matched(named("subclassification"), known=False),
    "coarsened exact, four covariates and council": matched(named("coarsened_exact", covariates=(*COVARIATES[:4],), exact=("council",)), known=False),
    "inverse probability": matched(named("inverse_probability"), known=False),
    "entropy balancing": matched(named("entropy_balancing"), known=False),
    "balance of 20 covariates, before and after": balance,
    "whole run: score, exact 1:1, balance": whole,
}
DEPLETED: dict[str, Callable[[Data], Callable[[], object]]] = {
    "depleted 1:1": matched(nearest(caliper=None)),
    "depleted 1:1, caliper": matched(nearest()),
    "depleted 1:1, exact on 150 councils, caliper": matched(nearest(exact=("council",))),
}


# ---- peers ------------------------------------------------------------------------

def sklearn_logit(data: Data) -> Callable[[], object]:
    """scikit-learn's logistic regression without a penalty."""
    from sklearn.linear_model import LogisticRegression

    return lambda: LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(data.x, data.treated)


def sklearn_neighbours(data: Data) -> Callable[[], object]:
    """scikit-learn's nearest neighbour with replacement, then the caliper."""
    from sklearn.neighbors import NearestNeighbors

    def work() -> int:
        distance, _ = NearestNeighbors(n_neighbors=1).fit(data.score[~data.treated, None]).kneighbors(data.score[data.treated, None])
        return int((distance[:, 0] <= 0.2 * data.score.std(ddof=1)).sum())
    return work


def sklearn_mahalanobis(data: Data) -> Callable[[], object]:
    """scikit-learn's nearest neighbour on five whitened covariates, with replacement and no caliper."""
    from sklearn.neighbors import NearestNeighbors

    def work() -> int:
        z = data.x[:, :5] @ np.linalg.cholesky(np.linalg.inv(np.cov(data.x[:, :5], rowvar=False)))
        NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(z[~data.treated]).kneighbors(z[data.treated])
        return int(data.treated.sum())
    return work


SKLEARN = {
    "logit": sklearn_logit,
    "nearest 1:1 with replacement, caliper": sklearn_neighbours,
    "Mahalanobis on five covariates in a caliper": sklearn_mahalanobis,
}

CAUSALML = """
import json, sys, time
import numpy as np, pandas as pd
from causalml.match import NearestNeighborMatch
folder, task, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
frame = pd.DataFrame({name: np.load(f"{folder}/{name}.npy").astype(float) for name in ("score", "council", "treated")})
hwm = lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
open("/proc/self/clear_refs", "w").write("5")
before = hwm()
seconds = []
for _ in range(repeats):
    start = time.perf_counter()
    if "replacement" in task:
        found = NearestNeighborMatch(replace=True, ratio=1, random_state=1, n_jobs=2).match(frame, "treated", ["score"])
    else:
        found = NearestNeighborMatch(replace=False, ratio=1, random_state=1).match(frame, "treated", ["score"])
    seconds.append(time.perf_counter() - start)
peak = hwm() - before
print(json.dumps({"seconds": min(seconds), "peak_mb": peak, "matched": int(found["treated"].sum())}))
"""
CAUSALML_TASKS = ("nearest 1:1, caliper", "nearest 1:1 with replacement, caliper", "depleted 1:1, caliper")

MATCHIT = """
suppressMessages(library(MatchIt))
args <- commandArgs(TRUE); folder <- args[1]; task <- args[2]; repeats <- as.integer(args[3]); n <- as.integer(args[4]); p <- as.integer(args[5])
read <- function(name, k) readBin(file.path(folder, paste0(name, ".bin")), "double", k)
d <- as.data.frame(matrix(read("x", n * p), n, p)); names(d) <- sprintf("x%02d", seq_len(p) - 1)
d$joined <- as.integer(read("treated", n)); d$council <- as.integer(read("council", n)); score <- read("score", n)
f <- reformulate(sprintf("x%02d", seq_len(p) - 1), "joined"); one <- joined ~ x00
peak <- function() as.numeric(sub("[^0-9]*([0-9]+).*", "\\\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
ask <- switch(task,
  "logit" = function() glm(f, binomial, d),
  "nearest 1:1, caliper" = , "depleted 1:1, caliper" = function() matchit(one, d, distance = score, caliper = .2),
  "nearest 1:1, no caliper" = , "depleted 1:1" = function() matchit(one, d, distance = score),
  "nearest 1:1, exact on 150 councils, caliper" = , "depleted 1:1, exact on 150 councils, caliper" =
    function() matchit(one, d, distance = score, caliper = .2, exact = ~council),
  "nearest 3:1, caliper" = function() matchit(one, d, distance = score, caliper = .2, ratio = 3),
  "nearest 1:1, closest first, caliper" = function() matchit(one, d, distance = score, caliper = .2, m.order = "closest"),
  "nearest 1:1 with replacement, caliper" = function() matchit(one, d, distance = score, caliper = .2, replace = TRUE),
  "Mahalanobis on five covariates in a caliper" = function() matchit(one, d, distance = score, caliper = .2, mahvars = ~x00 + x01 + x02 + x03 + x04),
  "optimal 1:1" = function() matchit(one, d, method = "optimal", distance = score),
  "optimal full" = function() matchit(one, d, method = "full", distance = score),
  "generalised full" = function() matchit(one, d, method = "quick", distance = score),
  "subclassification (6)" = function() matchit(f, d, method = "subclass", subclass = 6),
  "coarsened exact, four covariates and council" = function() matchit(joined ~ x00 + x01 + x02 + x03 + factor(council), d, method = "cem"),
  "inverse probability" = function() WeightIt::weightit(f, d, method = "glm", estimand = "ATT"),
  "entropy balancing" = function() WeightIt::weightit(f, d, method = "ebal", estimand = "ATT"),
  "balance of 20 covariates, before and after" = { m <- matchit(f, d, distance = score, caliper = .2)
    function() summary(m, pair.dist = FALSE) },
  "whole run: score, exact 1:1, balance" = function() {
    m <- matchit(f, d, link = "linear.logit", caliper = .2, exact = ~council); summary(m, pair.dist = FALSE); m })
if (is.null(ask)) quit(status = 3)
invisible(gc(FALSE)); try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE); start <- peak()
seconds <- c(); for (i in seq_len(repeats)) { gc(FALSE); seconds <- c(seconds, system.time(done <- ask())[["elapsed"]]) }
w <- if (inherits(done, "matchit") || inherits(done, "weightit")) done$weights else NULL
matched <- if (is.null(w)) "null" else sprintf("%d", sum(w[d$joined == 1] > 0))
cat(sprintf('{"seconds": %.4f, "peak_mb": %.0f, "matched": %s}\\n', min(seconds), peak() - start, matched))
"""


# ---- running ----------------------------------------------------------------------

def measured(work: Callable[[], object], repeats: int) -> dict[str, object]:
    """Best seconds, peak memory above the loaded data, and treated rows matched."""
    found, done = measure(work, repeats)
    return {**found, "matched": len(np.unique(done.treated)) if hasattr(done, "treated") else done if isinstance(done, int) else None}


def run_one(task: str, who: str, folder: Path, repeats: int) -> dict[str, object]:
    """One task in this process."""
    tasks = {**OURS, **DEPLETED} if who == "ours" else SKLEARN
    return measured(tasks[task](Data(folder)), repeats)


def ours(task: str, folder: Path, repeats: int) -> dict[str, object]:
    """Our task in a process of its own."""
    return in_a_process([sys.executable, __file__, "--one", task, "--who", "ours", "--folder", str(folder), "--repeats", str(repeats)])


def peers(task: str, folder: Path, repeats: int) -> dict[str, dict[str, object]]:
    """The same task by whoever has it."""
    found, rows = {}, len(np.load(folder / "treated.npy", mmap_mode="r"))
    asked = {who: rows <= MOST_ROWS.get((who, task), rows) for who in ("MatchIt", "causalml")}
    if task in SKLEARN:
        found["scikit-learn"] = in_a_process([sys.executable, __file__, "--one", task, "--who", "sklearn", "--folder", str(folder), "--repeats",
                                              str(repeats)])
    if task in CAUSALML_TASKS and asked["causalml"]:
        found["causalml"] = in_a_process([os.environ.get("CAUSALML_PYTHON", sys.executable), "-c", CAUSALML, str(folder), task, "1"])
    if shutil.which("Rscript") and asked["MatchIt"]:
        data = Data(folder)
        for name in ("x", "treated", "council", "score"):
            if not (folder / f"{name}.bin").exists():
                np.asarray(getattr(data, name), dtype=float).ravel(order="F").tofile(folder / f"{name}.bin")
        size = [str(len(data.treated)), str(data.x.shape[1])]
        found["MatchIt"] = in_a_process(["Rscript", "-e", MATCHIT, str(folder), task, str(repeats), *size])
    return found


def table(rows: int, tasks: list[str], repeats: int, *, with_peers: bool) -> dict[str, dict[str, object]]:
    """Every task with its peers."""
    out = {}
    with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as hard:
        make(rows, Path(plain))
        make_depleted(Path(hard))
        for task in tasks:
            folder = Path(hard) if task in DEPLETED else Path(plain)
            out[task] = {"ours": ours(task, folder, repeats), **(peers(task, folder, repeats) if with_peers else {})}
            print(f"{task:<48}" + "   ".join(f"{who}: {said(result)}" for who, result in out[task].items()), flush=True)
    return out


def said(result: dict[str, object]) -> str:
    """One result in words."""
    if "failed" in result:
        return str(result["failed"])
    return f"{result['seconds']:.2f} s, {result['peak_mb']:.0f} MB" + (f", {result['matched']:,} matched" if result["matched"] is not None else "")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tasks", nargs="*")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ours", action="store_true", help="without the peers")
    parser.add_argument("--growth", action="store_true", help="10,000 to 3,000,000 rows, ours only")
    for hidden in ("--one", "--who", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(run_one(asked.one, asked.who, Path(asked.folder), asked.repeats)))
        return
    tasks = asked.tasks or [*OURS, *(() if asked.growth else DEPLETED)]
    unknown = [task for task in tasks if task not in {**OURS, **DEPLETED}]
    if unknown:
        raise SystemExit(f"No task is called {unknown[0]!r}. There are: {', '.join([*OURS, *DEPLETED])}.")
    if asked.growth:
        found = growth(SIZES, lambda rows: table(rows, tasks, 2, with_peers=False), tasks, large=100_000)
    else:
        found = table(asked.rows, tasks, asked.repeats, with_peers=not asked.ours)
    if asked.json:
        asked.json.write_text(json.dumps({"rows": list(SIZES) if asked.growth else asked.rows, "seed": SEED, "tasks": found}, indent=1) + "\n",
                              encoding="utf-8")


if __name__ == "__main__":
    main()
