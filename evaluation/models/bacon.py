"""What a two-way estimate is made of: Goodman-Bacon's decomposition into comparisons of two cohorts, from additive sums."""
from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.models.cell_sums import CellSums

NEVER, LATER, EARLIER = "never treated", "later treated", "already treated"


def bacon_decomposition(sums: CellSums) -> pd.DataFrame:
    """Every comparison of two cohorts in a two-way estimate, with its weight.

    Weights add up to 1 and the weighted mean of the estimates is the coefficient of `TwoWay(anticipation=0)` with a window of all periods. What
    'already treated' comparisons weigh is how much of the coefficient leans on units whose own effects may still be changing.

    Parameters
    ----------
    sums : CellSums
        Every unit observed in the same periods; periods in which nobody is observed are skipped. Cohorts treated from the first period on are left
        out, as in `TwoWay`.

    Returns
    -------
    DataFrame
        `against` ('never treated', 'later treated' or 'already treated'), `cohort` (entry column of those treated), `comparison` (entry column of
        those compared with; -1 never), `estimate`, `weight`; one row per comparison.

    Raises
    ------
    EstimationError
        Units are observed in different periods, or no two cohorts can be compared.

    References
    ----------
    Goodman-Bacon (2021), DOI 10.1016/j.jeconom.2021.03.014, theorem 1 and eq. 10. Checked against R `bacondecomp` 0.1.3.
    """
    cohort, weight, mean, treated = _cohorts(sums)
    share = treated.mean(axis=1)
    rows = []
    for a, b in combinations(np.argsort(-share, kind="stable"), 2):           # a is treated at least as long as b
        if share[a] > share[b]:
            rows += [(name, cohort[one], cohort[other], gap, weight[a] * weight[b] * size)
                     for name, one, other, gap, size in _compared(a, b, share, mean, treated)]
    table = pd.DataFrame(rows, columns=["against", "cohort", "comparison", "estimate", "weight"])
    if not len(table):
        raise EstimationError("A two-way estimate is made of comparisons of cohorts: these sums hold no two that differ in entry and are seen before "
                              "it. Mend `periods` or the comparison pools in the plan.")
    return table.assign(weight=table["weight"] / table["weight"].sum())


def _cohorts(sums: CellSums) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Entry column, weight, mean outcome by observed period, and whether that is treated; of cohorts that are seen before entry."""
    columns = np.flatnonzero(sums.seen.any(axis=0))
    if not sums.seen[:, columns].all():
        raise EstimationError("A decomposition needs every unit observed in the same periods: some are not. Keep units that are (`observed: full`), "
                              "or read the two-way estimate without it.")
    groups, n = sums.by_place, len(sums.cohort)
    weight = np.bincount(groups.kind, weights=groups.weight, minlength=n)
    total = np.array([np.bincount(groups.kind, weights=groups.total[:, t], minlength=n) for t in columns]).T
    treated = (sums.cohort >= 0)[:, None] & (columns >= sums.cohort[:, None])
    keep = ~treated.all(axis=1)
    return sums.cohort[keep], weight[keep], total[keep] / weight[keep, None], treated[keep]


def _compared(a: int, b: int, share: np.ndarray, mean: np.ndarray, treated: np.ndarray) -> Iterator[tuple[str, int, int, float, float]]:
    """The one or two comparisons of a pair of cohorts: name, treated, compared with, estimate, and weight by unit of both cohorts' weight."""
    gap, before, after = mean[a] - mean[b], ~treated[a], treated[a] & ~treated[b]
    name = LATER if share[b] > 0 else NEVER
    yield name, a, b, gap[after].mean() - gap[before].mean(), (share[a] - share[b]) * (1 - share[a])
    if share[b] > 0:
        yield EARLIER, b, a, gap[after].mean() - gap[treated[b]].mean(), share[b] * (share[a] - share[b])
