"""Matches made by hand from stored sets, so that effects are tested apart from the matchers."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.matching.candidates import Candidates
from evaluation.matching.match import Match
from evaluation.matching.problem import Pairs, Sets
from tests.matching.references import COVARIATES, candidates_for, pairs_of, reference, score_of, subclass_of


def match_of(rows: Candidates, sets: Sets, *, kind="pairs", estimand="ATT", covariates=(), score=None) -> Match:
    """The match of given sets, focal side first."""
    treated, comparison = ((sets.focal, sets.focal_set, sets.focal_weight), (sets.other, sets.other_set, sets.other_weight))
    if estimand == "ATC":
        treated, comparison = comparison, treated
    x, names = rows.matrix(covariates)
    return Match(method="by hand", kind=kind, estimand=estimand, rows=rows, x=x, names=names, model=None,
                 score=np.full(len(rows), np.nan) if score is None else score,
                 treated=treated[0], treated_set=treated[1], treated_weight=treated[2], comparison=comparison[0], comparison_set=comparison[1],
                 comparison_weight=comparison[2], left_out=np.empty(0, int), reason=np.empty(0, int), discarded=np.empty(0, int))


def pairs_match(rows: Candidates, focal, other, **options) -> Match:
    """The match in which `focal[k]` is paired with `other[k]`."""
    sets = Sets.of_pairs(Pairs(focal=np.asarray(focal), other=np.asarray(other), reason=np.zeros(len(rows), dtype=np.int8)))
    return match_of(rows, sets, **options)


def strata_match(rows: Candidates, subclass, *, estimand="ATT", kind="strata", **options) -> Match:
    """The match whose sets are subclasses."""
    focal = ~rows.treated if estimand == "ATC" else rows.treated
    sets = Sets.of_strata(np.asarray(subclass), focal, estimand, np.zeros(len(rows), dtype=np.int8))
    return match_of(rows, sets, kind=kind, estimand=estimand, **options)


def weights_match(rows: Candidates, weight: np.ndarray, *, estimand="ATT") -> Match:
    """The match that weights everyone."""
    a, b = np.flatnonzero(rows.treated & (weight > 0)), np.flatnonzero(~rows.treated & (weight > 0))
    sets = Sets(focal=a, focal_set=np.zeros(len(a), dtype=int), focal_weight=weight[a], other=b, other_set=np.zeros(len(b), dtype=int),
                other_weight=weight[b], reason=np.zeros(len(rows), dtype=np.int8))
    return match_of(rows, sets, kind="weights", estimand=estimand)


def stored_match(name: str) -> Match:
    """The match that MatchIt made, such as 'lalonde_nn'."""
    ref = reference(name)
    rows = candidates_for(ref)
    options = {"covariates": COVARIATES[ref["data"]], "score": score_of(ref) if "distance" in ref else None}
    if "pairs" in ref:
        pairs = np.array(sorted(pairs_of(ref)))
        return pairs_match(rows, pairs[:, 0], pairs[:, 1], **options)
    return strata_match(rows, subclass_of(ref), estimand=ref["estimand"], **options)


def small_table(treated, **columns) -> Candidates:
    """Candidates of a table typed in."""
    return Candidates.of_table(pd.DataFrame({"joined": treated, **columns}), treated="joined")
