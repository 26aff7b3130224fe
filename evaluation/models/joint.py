"""Several numbers together: the covariance of any two summaries, of one outcome or of several, from the same clusters."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.models.clusters import Assignment, Clusters, cluster_names, count_of, degrees_of_freedom, positive
from evaluation.models.effects import Effects
from evaluation.models.summaries import Summary
from evaluation.models.uncertainty import uncertainty_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Numbers with their joint covariance.

    Attributes
    ----------
    names : tuple of str, length k
    values : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
        Cluster-robust: of numbers of one outcome by the rule of `uncertainty.py`, as their own intervals are; of several outcomes CR1.
    df : float
        Degrees of freedom of t, and denominator of F: those of the number with the fewest.
    n_clusters : int
    sums : ndarray, shape (n_clusters, k), or None
        Contributions by cluster, for draws; None where clusters run two ways, or rows are compressed units (which are no clusters to draw signs for).
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    df: float
    n_clusters: int
    sums: np.ndarray | None = None

    def std_errors(self) -> np.ndarray:
        """Standard error of each number, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def contrast(self, weights: np.ndarray) -> tuple[float, float]:
        """A linear combination of the numbers, and its standard error."""
        return float(weights @ self.values), float(np.sqrt(weights @ self.covariance @ weights))


def joint(parts: Mapping[str, tuple[Effects, Summary]], *, clusters: Clusters = "auto", assignment: Assignment = "unit") -> Joint:
    """The joint covariance of summaries.

    Parameters
    ----------
    parts : name -> (effects, summary of these effects)
        Summaries of one outcome share its `Effects`; those of several outcomes must come from the same units, one row each (`Effects.each_unit`),
        or be clustered by place.

    Raises
    ------
    EstimationError
        A summary has no number, or their clusters differ in kind.
    """
    effects, summaries = zip(*parts.values(), strict=True)
    if reason := next((f"{name}: {part.reason}" for name, (_, part) in parts.items() if part.reason), ""):
        raise EstimationError(f"A joint covariance needs every number: {reason}. Leave it out.")
    kinds = {cluster_names(one, clusters, assignment) for one in effects}
    if len(kinds) != 1:
        raise EstimationError("Numbers have a joint covariance when they share their clusters: some are clustered one way and some another. "
                              "Name `clusters`.")
    names = kinds.pop()
    if names == ("unit",) and len({id(one) for one in effects}) > 1 and any(one.units is not None for one in effects):
        raise EstimationError("Numbers of several outcomes clustered on units need one row per unit. Summarise `effects.each_unit()`.")
    terms = [(name,) for name in names] + ([names] if len(names) == 2 else [])
    sums = [_aligned([_by_cluster(one, part, term) for one, part in zip(effects, summaries, strict=True)]) for term in terms]
    counts = [_clusters(effects, summaries, term, matrix) for term, matrix in zip(terms, sums, strict=True)]
    meats = [matrix.T @ matrix * _factor(count) for matrix, count in zip(sums, counts, strict=True)]
    df = min(degrees_of_freedom(one, part.enters, names) for one, part in zip(effects, summaries, strict=True))
    covariance = meats[0] if len(meats) == 1 else positive(*meats)
    if all(one is effects[0] for one in effects):
        found = uncertainty_of(effects[0], summaries, clusters=clusters, assignment=assignment)
        if found.reason:
            raise EstimationError(f"A joint covariance needs errors: {found.reason}.")
        df = float(found.df.min())
        covariance = found.covariance
    return Joint(names=tuple(parts), values=np.array([part.value for part in summaries]), df=float(df), n_clusters=min(counts[:len(names)]),
                 covariance=covariance, sums=None if len(names) > 1 or any(one.is_compressed for one in effects) else sums[0])


def _clusters(effects: tuple[Effects, ...], summaries: tuple[Summary, ...], term: tuple[str, ...], sums: np.ndarray) -> int:
    """Clusters behind several numbers together; rows of compressed units are fewer than the units they stand for."""
    if len(term) > 1:
        return len(sums)
    return max(len(sums), *(count_of(one, term[0], part.enters) for one, part in zip(effects, summaries, strict=True)))


def _factor(g: int) -> float:
    return g / (g - 1) if g > 1 else 1.0


def _by_cluster(effects: Effects, summary: Summary, names: tuple[str, ...]) -> pd.Series:
    """Contributions added up by cluster, under the clusters' own names."""
    keys = [effects.rows[{"council": "council_code"}.get(name, name)].to_numpy()[summary.enters] for name in names]
    return pd.Series(summary.contribution[summary.enters]).groupby(keys).sum()


def _aligned(sums: list[pd.Series]) -> np.ndarray:
    return pd.concat(sums, axis=1).sort_index().fillna(0.0).to_numpy()
