"""The outcome of the members of a match: values, weights and clusters of one plain outcome, and the interval of any number made from them.

Which number is made is the business of `plain_outcome.py` and `abadie_imbens.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching.candidates import is_numeric, numbers_of
from evaluation.matching.match import Match
from evaluation.models.clusters import IN_WORDS, count_clusters, covariance_of
from evaluation.models.effects import Estimate
from evaluation.models.inference import LEVEL, NO_SPREAD

Cluster = Literal["auto", "set", "unit", "unit_and_set"]
Missing = Literal["refuse", "complete_sets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedOutcome:
    """Members of matched sets with their outcome: one entry per row, or per row and set where a unit serves several sets.

    Attributes
    ----------
    y, weight : ndarray, shape (n,)
    treated, target : ndarray of bool, shape (n,)
        `target`: whether the estimand is about the entry.
    unit, set : ndarray of int, shape (n,)
    x : ndarray, shape (n, n_covariates); names : tuple of str
    kind : str
        As in `Match`.
    remarks : tuple of str
        What was left out.
    """

    y: np.ndarray
    weight: np.ndarray
    treated: np.ndarray
    target: np.ndarray
    unit: np.ndarray
    set: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    kind: str
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, match: Match, outcome: str | np.ndarray, *, covariates: Sequence[str] = (), missing: Missing = "refuse") -> MatchedOutcome:
        """The matched rows' outcome, covariates and weights.

        Raises
        ------
        EstimationError, CommonSupportError
            As `WeightedDifference.fit`.
        """
        refuse_unmatched(match)
        values, (x, names) = outcome_of(match, outcome), match.rows.matrix(covariates)
        row = np.concatenate([match.treated, match.comparison])
        sets = np.concatenate([match.treated_set, match.comparison_set])
        treated = np.arange(len(row)) < len(match.treated)
        known = np.isfinite(values) & np.isfinite(x).all(axis=1)
        keep = _complete(row, sets, known, missing=missing)
        n_lost = len(np.unique(sets[~keep]))
        row, sets, treated, raw = row[keep], sets[keep], treated[keep], np.concatenate([match.treated_weight, match.comparison_weight])[keep]
        refuse_constant(values[row])
        unit = match.rows.unit[row]
        weight = (raw if has_repeats(unit) else _mean_one(raw, treated)) * (1.0 if match.shared else match.rows.weights[row])
        target = {"ATT": treated, "ATC": ~treated}.get(match.estimand, np.ones(len(row), dtype=bool))
        remarks = (f"{n_lost:,} of {match.n_sets:,} sets left out for a missing value",) if n_lost else ()
        return cls(y=values[row], weight=weight, treated=treated, target=target, unit=unit, set=sets, x=x[row], names=names, kind=match.kind,
                   remarks=remarks)

    def clusters(self, cluster: Cluster) -> tuple[str, ...]:
        """What is clustered on: 'set', 'unit', or both."""
        refuse(cluster in ("set", "unit_and_set") and self.kind == "weights",
               f"`cluster: {cluster}` needs matched sets: this match weights everyone. Use auto or unit.")
        if cluster == "auto":
            cluster = "unit" if self.kind != "pairs" else "unit_and_set" if has_repeats(self.unit) else "set"
        return ("unit", "set") if cluster == "unit_and_set" else (cluster,)

    def blank(self, value: float, cluster: Cluster, reason: str = "") -> Estimate:
        """A number without its interval, and why."""
        names, nan = self.clusters(cluster), float("nan")
        return Estimate(estimate=value, std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, n_treated=count_clusters(self.unit[self.treated]),
                        n_comparison=count_clusters(self.unit[~self.treated]), clusters=" and ".join(IN_WORDS[name] for name in names),
                        n_clusters=min(count_clusters(getattr(self, name)) for name in names), method="none", reason=reason)

    def interval(self, value: float, influence: np.ndarray, n_coefficients: int, cluster: Cluster, remarks: tuple[str, ...] = ()) -> Estimate:
        """A number with its cluster-robust interval, from the influence of each entry on it."""
        found, names = self.blank(value, cluster), self.clusters(cluster)
        codes, n, k = [getattr(self, name) for name in names], len(self.y), n_coefficients
        if found.n_clusters < 2:
            return replace(found, reason=f"one cluster of {found.clusters} gives no standard error")
        if min(count_clusters(code[self.treated]) for code in codes) < 2:
            return replace(found, reason=f"one treated cluster of {found.clusters} gives no standard error")
        if n <= k:
            return replace(found, reason=f"{n:,} rows give no standard error with {k:,} coefficients")
        std_error = float(np.sqrt(covariance_of(influence[:, None], codes)[0, 0] * (n - 1) / (n - k)))
        robust = "HC1 robust" if names == ("unit",) and not has_repeats(self.unit) else f"CR1 {'two-way ' * (len(names) - 1)}cluster-robust"
        return with_interval(found, std_error, df=found.n_clusters - 1, method="; ".join((robust, *self.remarks, *remarks)),
                             size=float(np.abs(self.y).max()))


def outcome_of(match: Match, outcome: str | np.ndarray) -> np.ndarray:
    """The outcome of each row as numbers, shape (n_rows,); NaN where not known.

    Raises
    ------
    EstimationError
        It is not numbers, or not one for each row.
    """
    name, n = (f" {outcome!r}", len(match.rows)) if isinstance(outcome, str) else ("", len(match.rows))
    values = match.rows.column(outcome) if isinstance(outcome, str) else np.asarray(outcome)
    values = values if is_numeric(values) or values.ndim != 1 else numbers_of(values, str(outcome)) if isinstance(outcome, str) else values
    if values is None or not is_numeric(values):
        raise EstimationError(f"An outcome must be numbers: the outcome{name} holds text. Code it as numbers, or name another.")
    if values.shape != (n,):
        raise EstimationError(f"An outcome must have one value for each of the {n:,} rows of the match: it has shape {values.shape}. Give it in "
                              "their order.")
    return values.astype(float)


def refuse_unmatched(match: Match) -> None:
    """An effect needs both sides."""
    for side, members in (("treated", match.treated), ("comparison", match.comparison)):
        if not len(members):
            raise CommonSupportError(f"An effect needs matched rows on both sides: no {side} row is matched. Widen the match.")


def refuse_unknown(known: np.ndarray, rows: np.ndarray, remedy: str = "or match only rows that have them") -> None:
    """Every matched row needs its outcome and covariates; `rows` are the matched ones, each once."""
    if not known[rows].all():
        raise EstimationError(f"Every matched row needs its outcome and covariates: {int((~known[rows]).sum()):,} of {len(rows):,} lack one. "
                              f"Mend the table, {remedy}.")


def refuse_constant(y: np.ndarray) -> None:
    """An effect needs an outcome that differs."""
    if not np.ptp(y) > 0:
        raise EstimationError(f"An outcome must vary: it is the same in all {len(y):,} matched rows. Name another outcome, or report its mean.")


def has_repeats(unit: np.ndarray) -> bool:
    """Whether a unit appears more than once."""
    return count_clusters(unit) < len(unit)


def with_interval(found: Estimate, std_error: float, *, df: float, method: str, size: float) -> Estimate:
    """The estimate with its 95% interval from t, or from the normal where `df` is inf; a reason instead where the error is rounding beside `size`."""
    if not std_error > NO_SPREAD * size:
        return replace(found, reason="a standard error of zero is no measure of uncertainty")
    half = float(stdtrit(df, 0.5 + LEVEL / 2)) * std_error
    return replace(found, std_error=std_error, lower=found.estimate - half, upper=found.estimate + half, df=float(df),
                   p_value=float(2 * stdtr(df, -abs(found.estimate) / std_error)), method=method)


def refuse(wrong: bool, words: str) -> None:
    """Raise a `PlanError`."""
    if wrong:
        raise PlanError(words)


def _complete(row: np.ndarray, sets: np.ndarray, known: np.ndarray, *, missing: Missing) -> np.ndarray:
    """Members that stay: all of them, or those of sets in which everything is known."""
    lost = ~known[row]
    if missing == "refuse":
        refuse_unknown(known, np.unique(row), "match only rows that have them, or ask for missing='complete_sets'")
    keep = ~(np.bincount(sets, weights=lost) > 0)[sets]
    if not keep.any():
        raise EstimationError(f"No set is complete: all {int(sets.max()) + 1:,} have a row without its outcome or covariates. Mend the table, or "
                              "match only rows that have them.")
    return keep


def _mean_one(raw: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Weights with mean 1 on each side."""
    weight = raw.copy()
    for side in (treated, ~treated):
        weight[side] /= weight[side].mean()
    return weight
