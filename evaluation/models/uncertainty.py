"""How sure several numbers of the same effects are: their covariance by the method that `ladder.py` chooses, and why.

What is clustered on, and how many clusters the smaller arm has, decide: CR1 with t for matched sets and families (enlarged where few families had an
event); CR3 and CR2 with Satterthwaite's degrees of freedom for areas or councils; no interval from one cluster. The ladder's docstring holds the
simulations that set its steps; they had one entry date. Where areas join at several, so that fewer than five stand in some cell, CR2 takes the place
of CR3, which then makes errors 1.2 to 1.6 times too large (`docs/coverage.md`).
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evaluation.models.bias_reduced import cr2, cr3
from evaluation.models.blocks import blocks_of
from evaluation.models.clusters import IN_WORDS, Assignment, Clusters, cluster_codes, cluster_names, count_of, covariance_of, degrees_of_freedom
from evaluation.models.columns import column
from evaluation.models.effects import Effects
from evaluation.models.ladder import FEW, Choice, choose
from evaluation.models.summaries import Grid, Summary

Errors = Literal["auto", "CR1"]
IN_SHORT = {"CR1": "CR1 cluster-robust", "CR1_padded": "CR1 cluster-robust, enlarged for few events",
            "CR2": "CR2 cluster-robust, Satterthwaite degrees of freedom", "CR3": "CR3 cluster-robust, Satterthwaite degrees of freedom"}
WIDE = "Few {words} share a date of joining, so the interval errs on the wide side: a real effect is more easily missed."      # docs/coverage.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """Covariance of several numbers.

    Attributes
    ----------
    covariance : ndarray, shape (k, k)
    df : ndarray, shape (k,)
        Degrees of freedom of each number's t.
    words : str
        What was clustered on.
    n_clusters : int
        Of the way with the fewest.
    method : str
    caution : str
        What a reader must know about the method; '' where nothing.
    reason : str
        Why there is no interval; '' otherwise.
    """

    covariance: np.ndarray
    df: np.ndarray
    words: str
    n_clusters: int
    method: str
    caution: str = ""
    reason: str = ""


def uncertainty_of(effects: Effects, summaries: Sequence[Summary], *, clusters: Clusters = "auto", assignment: Assignment = "unit",
                   errors: Errors = "auto") -> Uncertainty:
    """The covariance of summaries of the same effects, by the rule of this module; `errors` 'CR1' asks for the usual ones whatever the rule says."""
    names = cluster_names(effects, clusters, assignment)
    words = " and ".join(IN_WORDS[name] for name in names)
    enters = np.logical_or.reduce([part.enters for part in summaries])
    treated, k = column(effects.rows, "treated"), len(summaries)
    codes = [cluster_codes(effects, name) for name in names]
    ways = list(zip(names, codes, strict=True))
    counts, with_treated = ([count_of(effects, name, rows, code) for name, code in ways] for rows in (enters, enters & treated))
    n = min(counts)
    refused = (f"one cluster of {words} gives no standard error" if n < 2
               else f"one treated cluster of {words} gives no standard error" if min(with_treated) < 2 else "")
    if refused:
        nan = np.full((k, k), np.nan)
        return Uncertainty(covariance=nan, df=nan[0], words=words, n_clusters=n, method="none", reason=refused)
    smaller = degrees_of_freedom(effects, enters, names, codes)
    codes = [code[enters] for code in codes]
    contributions = np.column_stack([part.contribution[enters] for part in summaries])
    means = _are_contrasts_of_means(effects, summaries)
    choice = _chosen(effects, names, codes, summaries, enters, counts, with_treated, means) if errors == "auto" else USUAL
    scattered = False
    if choice.error in ("CR2", "CR3") and smaller >= 1:
        blocks = blocks_of(effects, summaries, enters, codes[0])
        scattered = choice.error == "CR3" and choice.test == "t" and blocks.fewest < FEW
        choice = replace(choice, error="CR2") if scattered else choice
        covariance, df = (cr2 if choice.error == "CR2" else cr3)(blocks.sums, blocks.contrasts, shares=blocks.shares if blocks.fewest == 1 else None)
    else:
        covariance, df = covariance_of(contributions, codes, counts), np.full(k, float(smaller))
        if choice.error == "CR1_padded":
            covariance = covariance + np.diag(_padding(contributions, codes[-1]))
    caution = WIDE.format(words=words) if scattered else _caution(choice, words)
    reason = f"too few clusters of {words} on one side for a standard error" if smaller < 1 else ""
    method = IN_SHORT[choice.error] if len(names) == 1 else IN_SHORT[choice.error].replace("CR1", "CR1 two-way")
    return Uncertainty(covariance=covariance, df=df, words=words, n_clusters=n, method=method, caution=caution, reason=reason)


USUAL = Choice(error="CR1", test="t", beside=(), standing="reliable", words="")


def _chosen(effects: Effects, names: tuple[str, ...], codes: Sequence[np.ndarray], summaries: Sequence[Summary], enters: np.ndarray,
            counts: list[int], with_treated: list[int], means: bool) -> Choice:
    """The ladder's choice; where areas are the clusters it looks at the arm with fewer of them, or at all where they hold both arms."""
    if names[0] not in ("area", "council"):
        return choose("families", n_treated=with_treated[-1], n_clusters=counts[-1], n_events=_events(effects, summaries), reused=len(names) > 1)
    if _share_cohorts(effects, codes[0], enters):
        found = choose("areas", n_treated=counts[0], n_clusters=2 * counts[0], adjusted=not means)
        return replace(found, test="t", beside=("wild",), words="")
    other = count_of(effects, names[0], enters & ~column(effects.rows, "treated"))
    return choose("areas", n_treated=with_treated[0], n_clusters=with_treated[0] + other, adjusted=not means)


def _share_cohorts(effects: Effects, code: np.ndarray, enters: np.ndarray) -> bool:
    """Whether some cluster holds treated and comparison rows of one entry cohort: families within councils, not areas that join one after another."""
    treated, cohort = (column(effects.rows, name)[enters] for name in ("treated", "cohort"))
    key = (cohort - cohort.min()) * (int(code.max()) + 1) + code
    return bool(np.isin(key[treated], key[~treated]).any())


def _events(effects: Effects, summaries: Sequence[Summary]) -> int | None:
    """Treated units whose value is not 0 in some cell of the numbers; None where all are so (no events are counted), or where it is not known."""
    if effects.moves is None or any(part.cells is None for part in summaries):
        return None
    used = np.logical_or.reduce([part.cells != 0 for part in summaries])
    here = Grid.of(effects).spread(used) > 0
    unit, treated = column(effects.rows, "unit"), column(effects.rows, "treated")
    enters = np.logical_or.reduce([part.enters for part in summaries]) & treated
    moved, there = (len(np.unique(unit[rows])) for rows in (enters & (effects.moves & here).any(axis=1), enters))
    return moved if moved < there else None


def _padding(contributions: np.ndarray, code: np.ndarray) -> np.ndarray:
    """What `padded_variance` adds to the CR1 variance of each number."""
    sums = np.column_stack([np.bincount(code, weights=column) for column in contributions.T])
    n = int(np.count_nonzero(np.bincount(code)))
    return 2 * n / (n - 1) * (sums**2).max(axis=0)


def _caution(choice: Choice, words: str) -> str:
    if choice.standing != "flagged":
        return ""
    if choice.error == "CR1_padded":
        return "Few treated units had an event, so the interval is widened and is not reliable by itself."
    if choice.test == "randomisation":
        return f"One arm has so few {words} that the interval is not reliable by itself; only the permutation of areas tests the effect."
    return f"There are so few {words} that the interval is not reliable by itself."


def _are_contrasts_of_means(effects: Effects, summaries: Sequence[Summary]) -> bool:
    return effects.row_weight is not None and not effects.adjusted and all(part.cells is not None for part in summaries)
