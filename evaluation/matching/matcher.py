"""What every matcher shares: its covariates, score, exact keys and common support, and the walk from candidates to a match.

A method is one file with one class that adds its own options and `solve`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, PlanError
from evaluation.matching.candidates import Candidates, formula_columns
from evaluation.matching.complete import complete_rows, missing_note, refuse_nobody_complete
from evaluation.matching.match import Match
from evaluation.matching.options import as_tuple, check_flags, listed, refuse
from evaluation.matching.problem import (
    COVARIATE_MISSING,
    MATCHED,
    NO_COMPARISON_IN_STRATUM,
    OUTSIDE_CALIPER,
    OUTSIDE_COMMON_SUPPORT,
    REASONS,
    STRATUM_MISSING,
    Limit,
    Problem,
    Sets,
)
from evaluation.matching.risk_sets import Eligibility, Pool, candidates_of
from evaluation.matching.sample import MatchedSample
from evaluation.matching.score import SCORE_DECIMALS, Score, ScoreFit
from evaluation.matching.strata import periods_with_both, strata_of
from evaluation.panel.types import Panel

Estimand = Literal["ATT", "ATC", "ATE", "ATO", "ATM"]
Discard = Literal["none", "treated", "comparison", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownScore:
    """A score fitted before, and the caliper's width on it: placebo areas keep those of the actual match."""

    value: np.ndarray
    width: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Options that every method has.

    Attributes
    ----------
    covariates : tuple of str
        Columns of the table; or of `panel.units` (fixed) and arrays of `panel.varying` (taken at the entry period). Text becomes indicators.
    formula : str or None
        Right-hand side of a formula for the score, instead of the columns alone; balance is still shown for `covariates`.
    score : Score
        The model of joining.
    estimand : 'ATT', 'ATC', 'ATE', 'ATO' or 'ATM'
        Whose average effect: the treated, the comparison rows, all, those in the overlap, or those a pair match would keep. Each method allows some.
    exact : tuple of str
        Columns on which matched rows must agree; the entry period always is one. Numbers agree to 8 decimals.
    missing_key : 'unmatched' or 'level'
        Whether a missing exact key leaves the row unmatched, or is a value of its own.
    discard : 'none', 'treated', 'comparison' or 'both'
        Which rows are left out when their score lies outside the range of the other side's.
    reestimate : bool
        Whether the score is fitted again without them.
    sampling_weights : str or None
        Column of sampling weights of a panel's units (a table's are given with the table). They enter the score, and multiply the match's weights.
    history, history_window
        Outcomes whose mean over these event times joins the score. Off by default: matching on outcome history brings regression to the mean into a
        difference-in-differences whose base lies inside that history.
    eligibility : 'auto', 'before' or 'at'
        Whether a candidate must have been eligible before the entry period or in it: before for families, at for others.
    pool : 'not_yet_joined' or 'never_joined'
        Whether those that join later may be compared with until then; see `risk_sets`.
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT",)
    UNUSED: ClassVar[tuple[str, ...]] = ()
    KIND: ClassVar[str] = "pairs"
    covariates: tuple[str, ...] = ()
    formula: str | None = None
    score: Score = field(default_factory=Score)
    estimand: Estimand = "ATT"
    exact: tuple[str, ...] = ()
    missing_key: Literal["unmatched", "level"] = "unmatched"
    discard: Discard = "none"
    reestimate: bool = False
    sampling_weights: str | None = None
    history: tuple[str, ...] = ()
    history_window: tuple[int, int] = (-8, -3)
    eligibility: Eligibility = "auto"
    pool: Pool = "not_yet_joined"

    def __post_init__(self) -> None:
        for name in ("covariates", "exact", "history", "history_window"):
            as_tuple(self, name)
        check_flags(self)
        object.__setattr__(self, "exact", tuple(name for name in self.exact if name != "entry_period"))
        refuse(self.estimand not in self.ESTIMANDS, f"`matching.estimand` of this method must be {' or '.join(self.ESTIMANDS)}: it is "
               f"{self.estimand!r}. {'Pairs have no average over everyone: use full matching, strata or weights. ' * (self.estimand == 'ATE')}")
        refuse(self.missing_key not in ("unmatched", "level"), f"`matching.missing_key` must be unmatched or level: it is {self.missing_key!r}.")
        refuse(self.discard not in ("none", "treated", "comparison", "both"),
               f"`matching.discard` must be none, treated, comparison or both: it is {self.discard!r}.")
        refuse(self.discard != "none" and not self.uses_score(), "`matching.discard` needs a score: this method has none.")
        refuse(self.pool not in ("not_yet_joined", "never_joined"), f"`matching.pool` must be not_yet_joined or never_joined: it is {self.pool!r}.")
        refuse(len(self.history_window) != 2 or not self.history_window[0] <= self.history_window[1] < 0,
               f"`matching.history_window` must end before entry (event time -1): it is {self.history_window}.")

    def uses_score(self) -> bool:
        """Whether the method needs a score of joining."""
        return True

    def used_event_times(self) -> tuple[int, ...]:
        """Event times whose outcomes entered the score; a test of trends before must leave them out."""
        return tuple(range(self.history_window[0], self.history_window[1] + 1)) if self.history else ()

    def fit(self, panel: Panel, *, balance: pd.DataFrame | None = None) -> MatchedSample:
        """Match every treated unit of a panel inside its entry period.

        Parameters
        ----------
        balance : DataFrame, optional
            Stands for the sample's where nobody looks at it, as in placebo assignments: it is half the work on a small panel.

        Raises
        ------
        CommonSupportError
            Nobody enters, nobody is at risk beside those who enter, or no treated unit can be matched.
        EstimationError
            The score cannot be estimated (constant, collinear or separating covariates; they are named).
        PlanError
            The estimand is not about those who joined.
        """
        refuse(self.estimand in ("ATC", "ATE"), f"`matching.estimand` of a panel must be about those who joined (ATT, ATO or ATM): it is "
               f"{self.estimand!r}. Match a plain table for the others.")
        return MatchedSample.of(panel, self.match(self.candidates(panel)), balance=balance)

    def candidates(self, panel: Panel) -> Candidates:
        """The rows of a panel that may be matched."""
        return candidates_of(panel, eligibility=self.eligibility, pool=self.pool, weights=self.sampling_weights)

    def match(self, rows: Candidates, *, known: KnownScore | None = None) -> Match:
        """Match candidate rows.

        Parameters
        ----------
        known : KnownScore, optional
            A score of each row fitted before, instead of a new one.

        Raises
        ------
        As `fit`.
        """
        prepared = self._prepare(rows, known)
        problem, reason = prepared.problem, prepared.reason
        sets, origin = self.solve_in_tiers(problem)
        reason[prepared.kept] = sets.reason
        if not len(sets.focal):
            raise CommonSupportError(_nobody(reason[self.wanted(rows)]))
        focal, other = ((prepared.kept[member], number, weight) for member, number, weight in
                        ((sets.focal, sets.focal_set, sets.focal_weight), (sets.other, sets.other_set, sets.other_weight)))
        treated, comparison = (other, focal) if self.estimand == "ATC" else (focal, other)
        wanted = self.wanted(rows)
        left_out = np.flatnonzero(wanted & (reason != MATCHED))
        width = problem.width if np.isfinite(problem.width) else float("nan")
        return Match(matcher=self, method=self.in_words(), kind=self.KIND, estimand=self.estimand, rows=rows, x=prepared.x, names=prepared.names,
                     score=prepared.score, model=prepared.model, treated=treated[0], treated_set=treated[1], treated_weight=treated[2],
                     comparison=comparison[0], comparison_set=comparison[1], comparison_weight=comparison[2], origin=origin,
                     left_out=left_out, reason=reason[left_out], discarded=prepared.discarded, width=width,
                     notes=(*prepared.notes, *sets.notes))

    def solve(self, problem: Problem) -> Sets:
        """The method itself."""
        raise NotImplementedError

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """`solve`, for methods that do not look nearby first."""
        return self.solve(problem), None

    def wanted(self, rows: Candidates) -> np.ndarray:
        """Rows of which each must be matched or left out with a reason."""
        if self.estimand == "ATE":
            return np.ones(len(rows), dtype=bool)
        return ~rows.treated if self.estimand == "ATC" else rows.treated

    def also_needed(self, rows: Candidates) -> tuple[np.ndarray, tuple[str, ...]]:
        """Further columns without which a row cannot be matched, and their names; shape (n, n_columns)."""
        return np.empty((len(rows), 0)), ()

    def limits(self, rows: Candidates) -> tuple[tuple[Limit, ...], tuple[np.ndarray, ...]]:
        """Calipers on named columns, and codes that must differ; methods with pairs have them."""
        return (), ()

    def reach(self, score: np.ndarray) -> float:
        """Width of the caliper on the score."""
        return float("inf")

    def capacities(self, n: int) -> np.ndarray:
        """How many sets each row may join."""
        return np.ones(n, dtype=np.int64)

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        raise NotImplementedError

    def columns_used(self) -> tuple[str, ...]:
        """Columns that the method reads, each once."""
        own = (self.sampling_weights,) if self.sampling_weights else ()
        return tuple(dict.fromkeys((*self.covariates, *(formula_columns(self.formula) if self.formula else ()), *self.exact, *own)))

    def in_plain_words(self, label: Callable[[str], str] = str) -> str:
        """The method for a reader without statistics; `label` says a column in words."""
        on, span = listed([label(name) for name in self.covariates]), f"over event times {self.history_window[0]} to {self.history_window[1]}"
        past = f", and earlier outcomes ({listed([f'{label(name)} {span}' for name in self.history])})" if self.history else ""
        score = f" {self.score.in_plain_words()} on {on}{past}." if self.uses_score() else f" The characteristics are {on}{past}."
        exact = f" Matched units agree exactly on {listed([label(name) for name in self.exact])}." if self.exact else ""
        return "".join((self.plain_method(), score, exact, *(f" {rule}" for rule in self.plain_rules(label))))

    def plain_rules(self, label: Callable[[str], str]) -> list[str]:
        """What else was asked, a sentence each: everything that differs from its default and is not in `plain_method`."""
        rules = []
        if self.formula is not None:
            rules.append(f"The score takes them as {self.formula}.")
        if self.missing_key == "level":
            rules.append("An exact characteristic that is not known counts as one of its own.")
        if self.discard != "none":
            who = {"treated": "Programme units", "comparison": "Comparison units", "both": "Units of either group"}[self.discard]
            again = "; the score is then fitted again" if self.reestimate else ""
            rules.append(f"{who} with a score outside the range of the other group are left out{again}.")
        if self.sampling_weights is not None:
            rules.append(f"Units count by {label(self.sampling_weights)}.")
        return rules

    def plain_method(self) -> str:
        """What is matched with what, in a sentence."""
        words = self.in_words()
        return f"{words[:1].upper()}{words[1:]}."

    def common_words(self) -> tuple[str, str]:
        """What is shared: the end of `in_words`."""
        past = f", and mean {', '.join(self.history)} over event times {self.history_window[0]} to {self.history_window[1]}" if self.history else ""
        exact = ["entry period", *(name.replace("_", " ") for name in self.exact)]
        again = ", score fitted again" if self.reestimate else ""
        support = "" if self.discard == "none" else f", rows outside common support discarded ({self.discard}{again})"
        more = ((" (a missing key as a level)", self.missing_key == "level"), (f", sampling weights {self.sampling_weights}", self.sampling_weights),
                (", only rows that never join", self.pool == "never_joined"))
        return (f"({self.formula or ', '.join(self.covariates)}{past}){support}",
                f"exact on {', '.join(exact)}{''.join(words for words, told in more if told)}")

    def _prepare(self, rows: Candidates, known: KnownScore | None) -> _Prepared:
        x, names = self.covariates_of(rows)
        design, labels = (x, names) if self.formula is None else self._design(rows, x, names)
        complete, lacking = complete_rows((x, names), (design, ["the formula"]) if design is not x else None, self.also_needed(rows))
        notes = missing_note(lacking, complete)
        refuse_nobody_complete(rows.treated, complete, lacking)
        reason = np.where(complete, MATCHED, COVARIATE_MISSING).astype(np.int8)
        kept = np.flatnonzero(complete)
        here, z, d = (rows, x, design) if complete.all() else (rows.keep(kept), x[kept], design[kept])
        stratum = strata_of(here, self.exact, missing=self.missing_key)
        value, probability, model = np.full(len(kept), np.nan), np.full(len(kept), np.nan), None
        inside = np.ones(len(kept), dtype=bool)
        width = float("inf")
        if known is not None:
            value, width = known.value[kept], known.width
        elif self.uses_score():
            inside, value, probability, model, width = self._scored(here, d, labels)
        score = np.full(len(rows), np.nan)
        score[kept] = value
        reason[kept[~inside]] = OUTSIDE_COMMON_SUPPORT
        problem = Problem(rows=here, focal=~here.treated if self.estimand == "ATC" else here.treated, stratum=stratum, x=z, names=names,
                          score=np.where(np.isfinite(value), value, 0.0) if self.uses_score() or known is not None else value,
                          probability=probability, width=width, limits=(), differ=(), capacity=self.capacities(len(kept)))
        if not inside.all():
            problem, kept = problem.keep(inside), kept[inside]
        limits, differ = self.limits(problem.rows)
        return _Prepared(problem=replace(problem, limits=limits, differ=differ), kept=kept, reason=reason, score=score, model=model, x=x, names=names,
                         discarded=np.flatnonzero(reason == OUTSIDE_COMMON_SUPPORT), notes=notes)

    def _scored(self, rows: Candidates, x: np.ndarray, names: Sequence[str]) -> tuple:
        """Which rows lie inside common support, the score on both scales, its model, and the caliper's width."""
        both = periods_with_both(rows)
        fit, probability, value = self._fitted(rows, x, names, both), np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        value[both], probability[both] = fit.value, fit.probability
        inside = ~both | common_support(value, rows.treated, self.discard)
        if self.reestimate and not inside.all():
            again = both & inside
            fit = self._fitted(rows, x, names, again)
            value[again], probability[again] = fit.value, fit.probability
        use = both & inside
        return inside, value, probability, fit.model, self.reach(value[use]) + 0.5 * 10.0**-SCORE_DECIMALS

    def _fitted(self, rows: Candidates, x: np.ndarray, names: Sequence[str], use: np.ndarray) -> ScoreFit:
        if not use.any():
            raise CommonSupportError("No entry period has both treated rows and rows at risk inside common support. Mend `comparison.pools`, the "
                                     "eligibility dates or `matching.discard`.")
        return self.score.fit(rows, x, names) if use.all() else self.score.fit(rows.keep(use), x[use], names)

    def covariates_of(self, rows: Candidates) -> tuple[np.ndarray, tuple[str, ...]]:
        """Covariates, one column each, and their names; NaN where missing."""
        x, names = rows.matrix(self.covariates)
        return _with_history(rows, x, names, self.history, self.history_window)

    def _design(self, rows: Candidates, x: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
        design, labels = rows.of_formula(self.formula)
        return _with_history(rows, design, labels, self.history, self.history_window)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    problem: Problem
    kept: np.ndarray           # candidate row of each row of the problem
    reason: np.ndarray         # int8, one per candidate row
    score: np.ndarray          # one per candidate row
    model: object
    x: np.ndarray
    names: tuple[str, ...]
    discarded: np.ndarray
    notes: tuple[str, ...]


def common_support(score: np.ndarray, treated: np.ndarray, discard: Discard) -> np.ndarray:
    """Rows that are kept; NaN scores are."""
    inside = np.ones(len(score), dtype=bool)
    if discard == "none":
        return inside
    (low1, high1), (low0, high0) = ((np.nanmin(score[side]), np.nanmax(score[side])) for side in (treated, ~treated))
    if discard in ("treated", "both"):
        inside &= ~treated | ~((score < low0) | (score > high0))
    if discard in ("comparison", "both"):
        inside &= treated | ~((score < low1) | (score > high1))
    return inside


def _with_history(rows: Candidates, x: np.ndarray, names: tuple[str, ...], history: Sequence[str], window: tuple[int, int]):
    if not history:
        return x, names
    if rows.history is None:
        raise PlanError("`matching.history` needs a panel: a plain table has no earlier outcomes. Give them as columns.")
    return (np.column_stack([x, *(rows.history(name, window) for name in history)]), (*names, *(f"history of {name}" for name in history)))


def _nobody(reason: np.ndarray) -> str:
    """Why no row that should have been matched was, with the way to mend what stops most."""
    count = np.bincount(reason[reason > 0], minlength=len(REASONS))
    told = ", ".join(f"{count[k]:,} {REASONS[k].replace('_', ' ')}" for k in np.argsort(-count, kind="stable") if count[k])
    mend = {OUTSIDE_CALIPER: "Widen `matching.caliper`", STRATUM_MISSING: "Take the columns that are not known out of `matching.exact`",
            NO_COMPARISON_IN_STRATUM: "Take columns out of `matching.exact`"}.get(int(count.argmax()), "Ask for less in `matching`")
    return (f"No treated unit has a comparison unit that satisfies the plan ({told}). {mend}, or add comparison pools.")
