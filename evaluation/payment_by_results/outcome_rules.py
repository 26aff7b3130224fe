"""One outcome, one rule: how many families had the problem when joining and meet the framework's rule for that outcome alone.

The simple reading that stands beside an outcome's effect, on a panel's family-by-quarter arrays. The framework's own result, which is asked of
each child, minor and adult and of several problems at once, is in `results.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.panel.types import Panel
from evaluation.payment_by_results.framework import Framework, ResultRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsClaimed:
    """How many programme families had the problem when joining, and how many could be claimed as a result.

    Attributes
    ----------
    n_problem : int
        Families with the problem in the periods before joining.
    n_result : int
        Of these, families that meet the rule within the framework's time.
    n_undetermined : int
        Families whose records do not show whether they had the problem or met the rule; in neither number above.
    """

    n_problem: int
    n_result: int
    n_undetermined: int
    words: str
    departs: str


def around_entry(values: np.ndarray, entry: np.ndarray, first: int, last: int) -> np.ndarray:
    """Values at event times first .. last of each unit; NaN outside the panel's periods; shape (n_units, last - first + 1)."""
    columns = entry[:, None] + np.arange(first, last + 1)
    inside = (columns >= 0) & (columns < values.shape[1])
    picked = values[np.arange(len(values))[:, None], np.clip(columns, 0, values.shape[1] - 1)]
    return np.where(inside, picked, np.nan)


def sums_of_runs(values: np.ndarray, length: int) -> np.ndarray:
    """Sums over every `length` columns in a row; NaN when one of them is not observed."""
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=1).sum(axis=2)


def collected_columns(values: np.ndarray) -> np.ndarray:
    """The columns in which anyone is observed, moved to the front of each row in order (school terms skip a quarter)."""
    order = np.argsort(np.isnan(values), axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1)


def apply_rule(
    rule: ResultRule, outcomes: Mapping[str, np.ndarray], outcome: str, entry: np.ndarray, claim_within: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each unit had the problem before joining and met the rule after; both NaN where the records do not show it.

    Returns
    -------
    problem, result : ndarray of float, shape (n_units,)
        1, 0 or NaN.
    """
    values = outcomes[rule.counts or outcome]
    if rule.rule == "falls_by":
        before = around_entry(values, entry, -rule.over, -1).sum(axis=1)
        after = sums_of_runs(around_entry(values, entry, 1, claim_within), rule.over)
        met = after <= (1 - rule.share) * before[:, None]
        problem = np.where(np.isnan(before), np.nan, before > 0)
        return problem, known(met, np.isfinite(after))
    if rule.rule == "stays_off":
        before = around_entry(values, entry, -1, -1)[:, 0]
        after = sums_of_runs(around_entry(values, entry, 1, claim_within), rule.over)
        return np.where(np.isnan(before), np.nan, before > 0), known(after == 0, np.isfinite(after))
    before = collected_columns(around_entry(values, entry, -4, -1))[:, :3]
    after = collected_columns(around_entry(values, entry, 1, claim_within))[:, : max(rule.over, 1)]
    problem = np.where(np.isfinite(before).any(axis=1), np.nanmax(np.nan_to_num(before, nan=-np.inf), axis=1) >= rule.threshold, np.nan)
    enough = np.isfinite(after).all(axis=1)
    return problem, np.where(enough, (np.nan_to_num(after) < rule.threshold).all(axis=1), np.nan)


def known(met: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """1 where any observed run meets the rule, 0 where none does, NaN where no run is observed."""
    return np.where((met & observed).any(axis=1), 1.0, np.where(observed.any(axis=1), 0.0, np.nan))


def results_claimed(panel: Panel, framework: Framework, outcome: str, units: np.ndarray) -> ResultsClaimed | None:
    """Apply a framework's rule for one outcome to programme units (rows of the panel); None when it has no rule for it."""
    rule = framework.results.get(outcome)
    if rule is None or (rule.counts or outcome) not in panel.outcomes:
        return None
    chosen = {name: values[units] for name, values in panel.outcomes.items()}
    problem, result = apply_rule(rule, chosen, outcome, panel.entry[units], framework.claim_within.whole)
    had = problem == 1
    return ResultsClaimed(
        n_problem=int((had & np.isfinite(result)).sum()),
        n_result=int((had & (result == 1)).sum()),
        n_undetermined=int((np.isnan(problem) | (had & np.isnan(result))).sum()),
        words=rule.words,
        departs=rule.departs,
    )
