"""Checks of the match: balance, overlap, and how far the comparison rests on few units."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.matching.balance import common_support_share, overlap_histogram, risk_set_weights
from evaluation.models.checks.given import CheckInput, CheckResult, headline_cells, not_testable
from evaluation.models.checks.sets import weight_in

LARGEST_SHARE = 0.05            # of the comparison weight, that one unit may carry


def balance(given: CheckInput) -> CheckResult:
    """Is every covariate after matching within the plan's limits, the standardised mean difference above all?

    Numbers: `largest_before`, `largest_after` (absolute standardised differences), `n_over` (covariates beyond a limit), `n` (covariates). The score
    counts as a covariate. Limits on distribution functions or on overlap are judged on the whole study's match.
    """
    table, limits = given.sample.balance, given.limits
    whole = limits.ecdf_mean is not None or limits.ks is not None or limits.overlap is not None
    if whole and given.sample.match is None:               # a council's part of the study: what its table holds is judged
        limits, whole = replace(limits, ecdf_mean=None, ks=None, overlap=None), False
    judged = limits.judge(given.sample.match.diagnostics(overlap=limits.overlap is not None).drop(columns="type") if whole else table)
    numbers = {"largest_before": float(table["smd_before"].abs().max()), "largest_after": float(table["smd_after"].abs().max()),
               "n_over": judged.n_judged - judged.n_within, "n": judged.n_judged}
    return CheckResult(name="balance", verdict="passed" if judged.passed else "failed", table=table, numbers=numbers, judged_by=limits.in_words())


def overlap(given: CheckInput) -> CheckResult:
    """Where the scores of treated and comparison units lie, and how many treated units found comparison units.

    Table: `overlap_histogram` of the scores. Numbers: `share_matched`, `share_in_support`, `n_treated`, `n_matched`, `ess` (effective comparison
    units), and `dropped_<reason>`.
    """
    sample = given.sample
    at_risk = sample.candidates[np.isfinite(sample.candidates["score"])]
    if at_risk.empty:
        return not_testable("overlap", "this way of matching has no score")
    treated = at_risk["treated"].to_numpy()
    weights = risk_set_weights(at_risk["entry"].to_numpy(), treated)
    total = sample.n_treated + len(sample.dropped)
    numbers = {"share_matched": sample.n_treated / total, "share_in_support": common_support_share(at_risk["score"].to_numpy(), treated),
               "n_treated": total, "n_matched": sample.n_treated, "ess": sample.effective_sample_size()}
    numbers |= {f"dropped_{reason}": int(count) for reason, count in sample.dropped["reason"].value_counts().sort_index().items()}
    return CheckResult(name="overlap", verdict="information", table=overlap_histogram(at_risk["score"].to_numpy(), treated, weights), numbers=numbers)


def concentration(given: CheckInput) -> CheckResult:
    """Does the comparison rest on a few units? Shares of its weight in the headline.

    Fails where one unit carries more than 5%. Table: `units` (share of comparison units, most used first), `weight` (the share of weight they carry).
    Numbers: `largest`, `top_1_percent`, `top_5_percent` (shares of weight of the most used unit, 1% and 5% of the units, rounded up to whole units),
    `ess` (Kish size), `ess_ratio` (to the number of comparison units), `most_uses`, `mean_uses` (sets that a unit serves), `n_comparison`.
    """
    effects = given.effects.each_unit()
    if effects.row_weight is None or (effects.rows["unit"] < 0).any():
        return not_testable("concentration", "the estimator gives no weights to single comparison units")
    comparison = ~effects.rows["treated"].to_numpy()
    weight = weight_in(effects, headline_cells(given))
    enters = comparison & (weight > 0)
    if not enters.any():
        return not_testable("concentration", "no comparison unit enters the headline")
    code = np.unique(effects.rows["unit"].to_numpy()[enters], return_inverse=True)[1]
    total = np.bincount(code, weights=weight[enters])
    uses = np.bincount(code)
    carried = np.cumsum(np.sort(total)[::-1]) / total.sum()
    n = len(total)
    ess = float(total.sum() ** 2 / (total**2).sum())
    table = pd.DataFrame({"units": np.arange(1, n + 1) / n, "weight": carried})
    numbers = {"largest": float(carried[0]), "top_1_percent": float(carried[-(-n // 100) - 1]), "top_5_percent": float(carried[-(-n // 20) - 1]),
               "ess": ess, "ess_ratio": ess / n, "most_uses": int(uses.max()), "mean_uses": float(uses.mean()), "n_comparison": n}
    verdict = "failed" if carried[0] > LARGEST_SHARE else "passed"
    return CheckResult(name="concentration", verdict=verdict, table=table, numbers=numbers, judged_by=f"no unit over {100 * LARGEST_SHARE:.0f}%")
