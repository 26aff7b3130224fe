"""Cells: rows that agree on something, and the sets they make. Shared by the methods that compare inside cells."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError
from evaluation.matching.problem import NO_COMPARISON_IN_STRATUM, STRATUM_MISSING, Problem, Sets


def cells_of(stratum: np.ndarray, codes: Iterable[np.ndarray]) -> np.ndarray:
    """One integer per combination of stratum and codes, without gaps; -1 where the stratum is; shape (n,).

    Parameters
    ----------
    codes : iterable of ndarray of int >= 0, shape (n,)
    """
    cell = np.where(stratum < 0, 0, stratum)
    for code in codes:
        cell = cell * (int(code.max(initial=0)) + 1) + code
        if int(cell.max(initial=0)) > 4 * len(cell):
            cell = pd.factorize(cell)[0]
    cell = pd.factorize(np.where(stratum < 0, -1, cell), sort=True)
    return cell[0] - int((cell[1] < 0).any())


def with_both_sides(stratum: np.ndarray, focal: np.ndarray, *, least: int = 1) -> np.ndarray:
    """Rows of strata (-1: of none) that have so many rows of each side; shape (n,)."""
    inside = stratum >= 0
    n = int(stratum.max(initial=-1)) + 1
    both = np.minimum(*(np.bincount(stratum[inside & side], minlength=n) for side in (focal, ~focal))) >= least
    return inside & np.append(both, False)[stratum]


def sets_of_cells(problem: Problem, cell: np.ndarray, estimand: str, *, notes: tuple[str, ...] = ()) -> Sets:
    """Sets of the rows that share a cell (-1: in none), and the reasons of those that share it with none of the other side.

    Parameters
    ----------
    cell : ndarray of int, shape (n,)
        Never shared by rows of two strata.
    """
    alone = ~with_both_sides(cell, problem.focal)
    wanted = problem.focal | (estimand == "ATE")
    reason = np.where(wanted & alone, np.where(problem.stratum < 0, STRATUM_MISSING, NO_COMPARISON_IN_STRATUM), 0).astype(np.int8)
    return replace(Sets.of_strata(np.where(alone, -1, cell), problem.focal, estimand, reason), notes=notes)


def refuse_constant(problem: Problem, covariates: Sequence[str]) -> None:
    """Raise where a covariate has one value only: it says nothing, and is most often a mistake."""
    constant = [name for name in covariates if len(values := values_of(problem, name)) and (values == values[0]).all()]
    if constant:
        raise EstimationError(f"A covariate must vary to be matched on: {', '.join(map(repr, constant))} {'has' if len(constant) == 1 else 'have'} "
                              f"one value in all {len(problem):,} candidate rows. Take it out of `matching.covariates`.")


def values_of(problem: Problem, name: str) -> np.ndarray:
    """A covariate as a number where it is one, else as text; shape (n,)."""
    return problem.x[:, problem.names.index(name)] if name in problem.names else problem.rows.column(name)
