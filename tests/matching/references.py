"""Reads the stored results of MatchIt and its companions: `tests/reference/matchit` says where they come from and what their ties do.

Integers are places in the data's order of rows, which is also the order that settles ties in `candidates_for`.
"""
from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.matching.candidates import Candidates
from evaluation.matching.match import Match
from evaluation.matching.matcher import KnownScore

FOLDER = Path(__file__).parents[1] / "reference" / "matchit"
COVARIATES = {"lalonde": ("age", "educ", "race", "married", "nodegree", "re74", "re75"), "generated": ("x1", "x2", "x3", "x4", "b1", "grp")}
SETS = tuple(COVARIATES)


@functools.cache
def reference(name: str) -> dict:
    """A stored result, such as 'lalonde_nn'; its `distance` is there wherever one was fitted."""
    found = json.loads((FOLDER / "results" / f"{name}.json").read_text())
    if "distance_in" in found:
        found["distance"] = reference(found["distance_in"])["distance"]
    return found


@functools.cache
def data_of(name: str) -> pd.DataFrame:
    """The rows of 'lalonde' or 'generated'; `id` is text."""
    return pd.read_csv(FOLDER / f"{name}.csv", dtype={"id": str})


def candidates_for(ref: dict) -> Candidates:
    """The rows that a result matched, with its sampling weights if it had any; ties go to the earlier row."""
    weights = "sw" if "s.weights" in ref["call"] else None
    return Candidates.of_table(data_of(ref["data"]), treated="treat", weights=weights)


def score_of(ref: dict) -> np.ndarray:
    """The score that was matched, shape (n_rows,)."""
    return np.asarray(ref["distance"], dtype=float)


def known_for(ref: dict) -> KnownScore:
    """The score and its caliper, for `Matcher.match(rows, known=...)`."""
    return KnownScore(value=score_of(ref), width=ref.get("caliper", {}).get("distance", float("inf")))


def rows_of(ref: dict, ids) -> np.ndarray:
    """Places of identifiers."""
    return pd.Index(data_of(ref["data"])["id"]).get_indexer([str(one) for one in ids])


def ids_of(ref: dict) -> np.ndarray:
    """Identifiers as text, shape (n_rows,)."""
    return data_of(ref["data"])["id"].to_numpy()


def weights_of(ref: dict) -> np.ndarray:
    """Weights on MatchIt's scale (or WeightIt's), without sampling weights, 0 for those not matched; shape (n_rows,)."""
    out = np.zeros(len(data_of(ref["data"])))
    out[rows_of(ref, ref["weights"])] = list(ref["weights"].values())
    return out


def subclass_of(ref: dict) -> np.ndarray:
    """Number of the set of each row from 0 up, in no meaningful order; -1 where it is in none; shape (n_rows,)."""
    out = np.full(len(data_of(ref["data"])), -1)
    out[rows_of(ref, ref["subclass"])] = pd.factorize(np.array(list(ref["subclass"].values())))[0]
    return out


def discarded_of(ref: dict) -> set[int]:
    """Rows outside common support."""
    return set(rows_of(ref, ref["discarded"]).tolist())


def pairs_of(ref: dict, key: str = "pairs") -> set[tuple[int, int]]:
    """(treated row, comparison row) of every pair; other `key`s: 'pairs_by_stratum', 'pairs_greedy'."""
    return as_pairs(*(rows_of(ref, side) for side in zip(*ref[key], strict=True)))


def pairs_made(match: Match) -> set[tuple[int, int]]:
    """(treated row, comparison row) of every pair of a match of ours."""
    table = match.pairs()
    return as_pairs(table["treated"], table["comparison"])


def as_pairs(treated, comparison) -> set[tuple[int, int]]:
    """Pairs as a set of integers."""
    return set(zip(map(int, treated), map(int, comparison), strict=True))


def total_distance(ref: dict, pairs: set[tuple[int, int]]) -> float:
    """Sum of the score differences over pairs: what `ref["total_distance"]` holds."""
    score = score_of(ref)
    return float(sum(abs(score[i] - score[j]) for i, j in pairs))
