"""Whether matched sides are alike enough: limits on measures of balance, and which covariates are beyond them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import PlanError

LABELS = {"smd": "standardised mean difference", "variance_ratio": "variance ratio", "ecdf_mean": "mean distance of distribution functions",
          "ks": "largest distance of distribution functions", "overlap": "overlap of densities"}
NAMED = 5                      # covariates beyond the limits that a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which covariates are beyond the limits after matching.

    Attributes
    ----------
    table : DataFrame, one row per covariate and measure beyond its limit, the standardised differences first, the largest foremost
        What names the covariate in the table that was judged (`covariate`, and a stratum's column), `measure`, `value`, `limit` in words. A
        standardised difference is NaN, and beyond its limit, where the means differ and nothing varies inside either side.
    n_judged, n_within : int
        Covariates (in a table by stratum: of each stratum).
    sentence : str
        The verdict as a report may print it.
    """

    table: pd.DataFrame
    n_judged: int
    n_within: int
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether every covariate is within every limit."""
        return self.n_within == self.n_judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits on balance after matching; None for a measure that is not judged.

    Attributes
    ----------
    smd : float or None
        Absolute standardised mean difference must be below it.
    variance_ratio : (float, float) or None
        Lowest and highest ratio of variances, both allowed; binary covariates have none and pass.
    ecdf_mean, ks : float or None
        Mean and largest distance of the distribution functions must be below it.
    overlap : float or None
        Overlap of densities must be at least that.

    Examples
    --------
    >>> table = pd.DataFrame({"covariate": ["age", "lone"], "smd_after": [0.02, -0.31], "variance_ratio_after": [1.1, np.nan]})
    >>> Thresholds().judge(table).sentence
    '1 of 2 covariates is within the limits after matching (standardised mean difference below 0.1, variance ratio from 0.5 to 2). Beyond them: lone.'
    """

    smd: float | None = 0.1
    variance_ratio: tuple[float, float] | None = (0.5, 2.0)
    ecdf_mean: float | None = None
    ks: float | None = None
    overlap: float | None = None

    def __post_init__(self) -> None:
        if self.variance_ratio is not None:
            object.__setattr__(self, "variance_ratio", tuple(self.variance_ratio))
            if len(self.variance_ratio) != 2 or not 0 <= self.variance_ratio[0] <= 1 <= self.variance_ratio[1]:
                raise PlanError(f"Limits on the variance ratio must be two numbers on either side of 1: they are {self.variance_ratio}. "
                                "Mend the thresholds.")
        for name in ("smd", "ecdf_mean", "ks", "overlap"):
            value = getattr(self, name)
            if value is not None and not (0 < value and (name == "smd" or value <= 1)):
                raise PlanError(f"The limit on {name} must be above 0{'' if name == 'smd' else ' and at most 1'}: it is {value}. "
                                "Mend the thresholds.")

    def judge(self, table: pd.DataFrame) -> Verdict:
        """Judge a table of `Match.diagnostics`. Its score is not a covariate and is not judged, nor is a stratum without matched rows on both sides.

        Raises
        ------
        PlanError
            A limit is set on a measure that the table does not hold.
        """
        table = table[_seen(table) & (table["type"] != "score" if "type" in table else True)]
        keys = list(table.columns[:list(table.columns).index("covariate") + 1])
        beyond, found = np.zeros(len(table), dtype=bool), []
        for measure, words, outside in self._limits():
            column = f"{measure}_after"
            if column not in table:
                raise PlanError(f"A limit is set on {measure}, which this table of balance does not hold. Take `Match.diagnostics` "
                                f"{'with `overlap` ' if measure == 'overlap' else ''}or leave the limit out.")
            value = table[column].to_numpy()
            fails = outside(value) | (np.isnan(value) & (measure == "smd"))
            beyond |= fails
            part = table.loc[fails, keys].assign(measure=LABELS[measure], value=value[fails], limit=words)
            found.append(part.iloc[np.argsort(-np.abs(part["value"].to_numpy()), kind="stable")])
        failed = pd.concat(found, ignore_index=True) if found else table[keys].iloc[:0].assign(measure="", value=np.nan, limit="")
        return Verdict(table=failed, n_judged=len(table), n_within=int((~beyond).sum()), sentence=self._sentence(table[keys], failed, beyond))

    def in_words(self) -> str:
        """The limits as a report may print them."""
        return ", ".join(f"{LABELS[measure]} {words}" for measure, words, _ in self._limits()) or "none are set"

    def _limits(self) -> Iterator[tuple]:
        """Each limit that is set: its measure, the limit in words, and whether values are beyond it."""
        for name in ("smd", "variance_ratio", "ecdf_mean", "ks", "overlap"):
            limit = getattr(self, name)
            if limit is None:
                continue
            if name == "variance_ratio":
                yield name, f"from {limit[0]:g} to {limit[1]:g}", lambda v, limit=limit: (v < limit[0]) | (v > limit[1])
            elif name == "overlap":
                yield name, f"at least {limit:g}", lambda v, limit=limit: v < limit
            else:
                yield name, f"below {limit:g}", lambda v, limit=limit: np.abs(v) >= limit

    def _sentence(self, names: pd.DataFrame, failed: pd.DataFrame, beyond: np.ndarray) -> str:
        n, within = len(beyond), int((~beyond).sum())
        limits = self.in_words()
        what = "covariates" if names.shape[1] == 1 else f"covariates by {names.columns[0].replace('_', ' ')}"
        share = f"All {n:,}" if within == n else f"{within:,} of {n:,}" if within else f"None of {n:,}"
        head = f"{share} {what} {'is' if within == 1 < n else 'are'} within the limits "
        labels = list(dict.fromkeys(", ".join(map(str, row)) for row in failed[names.columns].itertuples(index=False)))
        more = f" and {len(labels) - NAMED:,} more" if len(labels) > NAMED else ""
        tail = f" Beyond them: {'; '.join(labels[:NAMED])}{more}." if labels else ""
        return f"{head}after matching ({limits}).{tail}"


def _seen(table: pd.DataFrame) -> np.ndarray:
    """Rows where both sides have a mean after matching: a stratum may have lost one."""
    return table[[name for name in ("mean_treated_matched", "mean_comparison_after") if name in table]].notna().all(axis=1).to_numpy()
