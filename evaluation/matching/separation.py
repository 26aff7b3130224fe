"""Separation: covariates that decide who enters, so that a score has no finite estimate. Finds whether any do, and which.

Costs some linear programmes, so it is asked only where a fit shows signs of running away.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.matching.row_chunks import CHUNK, centred, chunks

TOLERANCE = 1e-6               # a row nearer than this to the dividing plane, in standard deviations, lies on it
FIRST_ROWS = 400               # of each kind, before rows that contradict are added
ADDED_ROWS = 400
MAX_ROUNDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """A combination of columns on which all rows that enter lie at or beyond all that do not: complete or quasi-complete separation.

    Attributes
    ----------
    columns : tuple of int
        No part of them separates.
    n_rows : int
        Rows looked at.
    n_decided : int
        Rows off the dividing plane: all or some.
    value : tuple of int, or None
        For a column of two values: how many rows have the value that decides, and how many of them enter.
    """

    columns: tuple[int, ...]
    n_rows: int
    n_decided: int
    value: tuple[int, int] | None = None

    def in_words(self, names: Sequence[str]) -> str:
        """What separates, without a row's value."""
        if self.value is not None:
            return f"{str(names[self.columns[0]])!r} has a value with {self.value[0]:,} rows of which {self.value[1]:,} enter"
        where = "all" if self.n_decided == self.n_rows else f"{self.n_decided:,} of"
        border = "" if self.n_decided == self.n_rows else ", and the others lie on the border"
        listed = ", ".join(repr(str(names[j])) for j in self.columns)
        return f"{'a combination of ' * (len(self.columns) > 1)}{listed} decides it in {where} {self.n_rows:,} rows{border}"


def find_separation(x: np.ndarray, y: np.ndarray, use: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> Separation | None:
    """The separation of `y` by the columns of `x` in the rows to be used; None where there is none.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        No constant and no collinear columns.
    y : ndarray of 0 and 1, shape (n,)
    use : ndarray of bool, shape (n,)
    centre, scale : ndarray, shape (p,)
        Means and standard deviations of the columns.

    Notes
    -----
    Single columns are compared first, then a linear programme looks for a dividing plane: with rows a_i = (2 y_i - 1)(1, z_i), the largest sum of
    a_i d over -1 <= d <= 1 subject to a_i d >= 0 is above 0 just where there is separation. It starts from some rows and adds those that contradict
    its answer, so that its size hardly grows with n. Columns that are not needed are then taken out one by one, the last first.

    References
    ----------
    Albert and Anderson (1984), DOI 10.1093/biomet/71.1.1. Konis (2007), Linear programming algorithms for detecting separated data in binary
    logistic regression models, DPhil thesis, Oxford.
    """
    for j in range(x.shape[1]):
        if (found := _by_one(x[use, j], y[use] == 1, j)) is not None:
            return found
    search = _Search(x, np.where(use, np.where(y == 1, 1.0, -1.0), 0.0), centre, scale)
    columns = list(range(x.shape[1]))
    plane = search.plane(columns)
    if plane is None:
        return None
    for j in reversed(range(x.shape[1])):
        fewer = [k for k in columns if k != j]
        if fewer and (other := search.plane(fewer)) is not None:
            columns, plane = fewer, other
    return Separation(columns=tuple(columns), n_rows=int(use.sum()), n_decided=int((search.side(plane) > TOLERANCE).sum()))


def _by_one(x: np.ndarray, enters: np.ndarray, j: int) -> Separation | None:
    """Separation by one column."""
    low1, high1, low0, high0 = x[enters].min(), x[enters].max(), x[~enters].min(), x[~enters].max()
    if high1 > low0 and low1 < high0:
        return None
    if ((x == min(low0, low1)) | (x == max(high0, high1))).all():
        pure = next(rows for rows in (x == max(high0, high1), x == min(low0, low1)) if enters[rows].all() or not enters[rows].any())
        return Separation(columns=(j,), n_rows=len(x), n_decided=int(pure.sum()), value=(int(pure.sum()), int(enters[pure].sum())))
    at = low0 if high1 <= low0 else high0                    # the plane goes through the innermost row that does not enter
    tied = (x == at).sum() if (x[enters] == at).any() else 0
    return Separation(columns=(j,), n_rows=len(x), n_decided=int(len(x) - tied))


class _Search:
    """Dividing planes, by a linear programme over rows that is fed the rows which contradict it."""

    def __init__(self, x: np.ndarray, sign: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> None:
        self.x, self.sign, self.centre, self.by = x, sign, centre, np.concatenate([[1.0], scale])
        self.total = self._sums()
        self.rows = np.concatenate([kind[:: max(1, len(kind) // FIRST_ROWS)] for kind in (np.flatnonzero(sign > 0), np.flatnonzero(sign < 0))])

    def plane(self, columns: Sequence[int]) -> np.ndarray | None:
        """A plane of these columns with all rows on their side or on it; shape (p + 1,), the intercept first; None without one."""
        for _ in range(MAX_ROUNDS):
            plane = self._of_rows(columns)
            if not (np.abs(plane[1:]) > TOLERANCE).any():
                return None
            side = self.side(plane)
            against = np.flatnonzero(side < -TOLERANCE)
            if not len(against):
                return plane
            self.rows = np.union1d(self.rows, against[np.argsort(side[against], kind="stable")[:ADDED_ROWS]])
        return None

    def side(self, plane: np.ndarray) -> np.ndarray:
        """How far each row lies on its own side of a plane, in standard deviations; 0 for rows not used; shape (n,)."""
        out, slopes, buffer = np.empty(len(self.x)), plane / self.by, self._buffer()
        for c in chunks(len(self.x)):
            out[c] = self.sign[c] * (slopes @ centred(self.x[c], self.centre, buffer))
        return out

    def _of_rows(self, columns: Sequence[int]) -> np.ndarray:
        """The best plane for the rows at hand; zeros without one."""
        from scipy.optimize import linprog

        use = np.concatenate([[0], np.asarray(columns) + 1])
        z = centred(self.x[self.rows], self.centre, np.empty((len(self.by), len(self.rows)))).T / self.by
        bounds = [(None, None)] + [(-1.0, 1.0)] * len(columns)
        result = linprog(-self.total[use], A_ub=-self.sign[self.rows, None] * z[:, use], b_ub=np.zeros(len(self.rows)), bounds=bounds,
                         method="highs")
        plane = np.zeros(len(self.by))
        if result.status == 0:
            plane[use] = result.x
        return plane

    def _sums(self) -> np.ndarray:
        total, buffer = np.zeros(len(self.by)), self._buffer()
        for c in chunks(len(self.x)):
            total += centred(self.x[c], self.centre, buffer) @ self.sign[c]
        return total / self.by

    def _buffer(self) -> np.ndarray:
        return np.empty((len(self.by), min(len(self.x), CHUNK)))
