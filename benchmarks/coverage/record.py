"""What many runs say of an interval: bias, error, coverage, size, each with its Monte Carlo bounds."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from benchmarks.coverage.runs import NUMBERS, Runs

MONTE_CARLO = 0.999
Z = float(ndtri(0.5 + MONTE_CARLO / 2))
LEVEL, SIZE = 0.95, 0.05
COVERAGE_ROOM, SIZE_ROOM = 0.01, 0.01      # what 5,000 runs of an exact interval may show
MOST_BIAS = 0.1                            # standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One analysis of one design, over its runs.

    Attributes
    ----------
    runs : int
    without : float
        Share of runs that gave no interval.
    bias : float
        Mean of estimate less truth, in empirical standard deviations of the estimate.
    bias_bound : float
        Half the width of its 99.9% Monte Carlo interval.
    effect_size : float
        The truth, in the same unit.
    error_ratio : float
        Root mean square of the standard errors over the empirical standard deviation of the estimates with an interval.
    coverage, rejects : float
        Share of intervals that hold the truth, and of tests of zero with p < 0.05, among runs with an interval; NaN where there is none.
    df : float
        Median degrees of freedom.
    cautioned : float
        Share of the runs with an interval whose interval comes with a caution in words.
    methods : mapping of str to float
        Share of runs by method of the interval, or by the reason why there is none.
    warned : mapping of str to float
        Share of runs in which a check failed; NaN where it could never be made.
    """

    suite: str
    design: str
    outcome: str
    treated: int
    effect: float
    analysis: str
    runs: int
    without: float
    bias: float
    bias_bound: float
    error_ratio: float
    coverage: float
    rejects: float
    df: float
    cautioned: float
    methods: dict[str, float]
    warned: dict[str, float]

    @property
    def n_intervals(self) -> int:
        """Runs with an interval."""
        return round(self.runs * (1 - self.without))


def record_of(suite: str, design, analysis: str, done: Runs) -> Record:
    """The record of an analysis from its runs."""
    x = dict(zip(NUMBERS, np.asarray(done.numbers[analysis], dtype=float).T, strict=True))
    truth = design.world.effect
    seen, tested = ~np.isnan(x["lower"]) & ~np.isnan(x["upper"]), ~np.isnan(x["p_value"])
    told = [reason or method for reason, method in zip(done.reason[analysis], done.method[analysis], strict=True)]
    return Record(
        suite=suite, design=design.name, outcome=design.world.outcome, treated=design.world.treated, effect=truth, analysis=analysis,
        runs=len(seen), without=float(1 - seen.mean()), **_bias_of(x["estimate"], truth),
        error_ratio=_error_ratio(x["estimate"], x["std_error"]), coverage=_share((x["lower"] <= truth)[seen] & (truth <= x["upper"])[seen]),
        rejects=_share(x["p_value"][tested] < SIZE), df=float(np.median(x["df"][seen])) if seen.any() else float("nan"),
        cautioned=_share(np.array([bool(words) for words in done.caution[analysis]])[seen]),
        methods={name: count / len(told) for name, count in Counter(told).most_common()},
        warned={check: _share(np.array(verdicts) == "failed") for check, verdicts in done.checks[analysis].items() if verdicts})


def bound(share: float, n: int) -> float:
    """Half the width of the 99.9% Monte Carlo interval of a share of n runs that should be `share`."""
    return Z * float(np.sqrt(share * (1 - share) / n)) if n else float("nan")


def covers_enough(record: Record) -> bool | None:
    """Whether coverage is 94 to 96%, or with fewer than 5,000 runs inside the 99.9% bounds of an exact interval; None without intervals."""
    if not record.n_intervals:
        return None
    return bool(abs(record.coverage - LEVEL) <= max(COVERAGE_ROOM, bound(LEVEL, record.n_intervals)))


def size_holds(record: Record) -> bool | None:
    """Whether a null effect is found in at most 6% of runs, or the upper 99.9% bound of an exact test; None with an effect."""
    if not record.n_intervals or record.effect != 0:
        return None
    return bool(record.rejects <= SIZE + max(SIZE_ROOM, bound(SIZE, record.n_intervals)))


def is_unbiased(record: Record) -> bool | None:
    """Whether the Monte Carlo interval of the bias reaches inside a tenth of a standard error; None without estimates."""
    return None if np.isnan(record.bias) else bool(abs(record.bias) - record.bias_bound < MOST_BIAS)


def failures(records: Sequence[Record]) -> list[str]:
    """Records that miss a target, in words."""
    out = []
    for record in records:
        where = f"{record.analysis}, {record.outcome}, {record.treated:,} families, {'effect' if record.effect else 'no effect'}"
        where += f" (caution in {record.cautioned:.0%})" * (record.cautioned > 0)
        if covers_enough(record) is False:
            out.append(f"{where}: coverage {record.coverage:.1%}")
        if size_holds(record) is False:
            out.append(f"{where}: size {record.rejects:.1%}")
        if is_unbiased(record) is False:
            out.append(f"{where}: bias {record.bias:+.2f} standard errors")
    return out


def _share(hits: np.ndarray) -> float:
    return float(np.mean(hits)) if len(hits) else float("nan")


def _bias_of(estimate: np.ndarray, truth: float) -> dict[str, float]:
    there = estimate[np.isfinite(estimate)]
    if len(there) < 2:
        return {"bias": float("nan"), "bias_bound": float("nan")}
    return {"bias": float((there.mean() - truth) / there.std(ddof=1)), "bias_bound": Z / float(np.sqrt(len(there)))}


def _error_ratio(estimate: np.ndarray, std_error: np.ndarray) -> float:
    there = np.isfinite(estimate) & np.isfinite(std_error)
    return float(np.sqrt(np.mean(std_error[there] ** 2)) / estimate[there].std(ddof=1)) if there.sum() > 1 else float("nan")
