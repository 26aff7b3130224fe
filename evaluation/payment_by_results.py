"""Payment by results: a framework's result rules applied to records. A result is a claim that could be paid; it is never an effect.

Works on a panel's family-by-quarter arrays. Fees and eligibility are not here yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.errors import DictionaryError
from evaluation.panel.types import Panel


class ResultRule(BaseModel):
    """When a family's result counts, for one outcome."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: Literal["stays_below", "falls_by", "stays_off"]
    over: int = Field(ge=1)  # collected periods in a row
    threshold: float | None = None  # stays_below: the outcome's unit
    share: float | None = Field(default=None, gt=0, le=1)  # falls_by: least fall as a share of the total before joining
    counts: str | None = None  # falls_by: the outcome that is counted
    words: str
    departs: str = ""


class Framework(BaseModel):
    """One payment-by-results framework."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    framework: str
    title: str
    claim_within: int = Field(ge=1)
    results: dict[str, ResultRule]


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


def read_framework(path: Path) -> Framework:
    """Read a framework's rules.

    Raises
    ------
    DictionaryError
        The file is missing or a rule is incomplete.
    """
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yml"))) or "none"
        raise DictionaryError(
            f"There is no payment-by-results framework `{path.stem}` in data_dictionary/payment_by_results; known: {known}. Mend `payment_by_results`"
            " in the plan."
        )
    try:
        return Framework.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise DictionaryError(f"data_dictionary/payment_by_results/{path.name}: {faults}. Mend the file.") from None


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
    problem, result = apply_rule(rule, chosen, outcome, panel.entry[units], framework.claim_within)
    had = problem == 1
    return ResultsClaimed(
        n_problem=int((had & np.isfinite(result)).sum()),
        n_result=int((had & (result == 1)).sum()),
        n_undetermined=int((np.isnan(problem) | (had & np.isnan(result))).sum()),
        words=rule.words,
        departs=rule.departs,
    )
