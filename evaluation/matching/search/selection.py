"""The largest selection of rows whose sums stay near zero: arrays in, counts out. Knows no covariates and no matchers.

First the linear relaxation, whose optimum bounds every selection, and in which almost all rows are whole; then whole numbers for the few rows that
are not and for those nearest to changing sides, more of them each time, until the bound is reached or the search is given up.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

WHOLE = 1e-6                   # a count this near a whole number is one
TOUCH = 1e-6                   # a sum may pass its bound by this, in the units of the columns: the solver's own tolerance is 1e-7
CLOSER = (0.0, 1e-5, 1e-3)     # how much a bound is drawn in where rounding has passed it
NODES = 500                    # of the search tree, where only some rows may change
LAST_NODES = 10_000            # where all may
FEWEST = 40                    # rows that may change at first, beside those that are not whole
GROWTH = 5
INFEASIBLE = 2                 # scipy's status


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a selection must keep: for every column |sum of gap| <= tolerance * sum of size, and `equal` sums of 0.

    Attributes
    ----------
    gap : ndarray, shape (n, p)
        What one of each kind of row adds to the sums.
    size : ndarray, shape (n,)
        What it adds to the number that the tolerances multiply, >= 0.
    tolerance : ndarray, shape (p,)
    equal : sparse array, shape (m, n)
        Sums that must be 0.
    most : ndarray of int, shape (n,)
        How many rows of each kind there are.
    worth : ndarray of int, shape (n,)
        What is made large: the sum of it over what is selected.
    """

    gap: np.ndarray
    size: np.ndarray
    tolerance: np.ndarray
    equal: sparse.csr_array
    most: np.ndarray
    worth: np.ndarray

    def keeps(self, count: np.ndarray) -> bool:
        """Whether a selection keeps to it."""
        spare = self.tolerance * (self.size @ count) - np.abs(self.gap.T @ count)
        return bool((spare >= -TOUCH).all() and (np.abs(self.equal @ count) < WHOLE).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A selection, and how near it is to the largest.

    Attributes
    ----------
    count : ndarray of int, shape (n,)
        How many of each kind of row; all 0 where nothing can be selected, or nothing was found.
    worth, bound : int
        Of this selection, and the most that any could have.
    is_timed_out : bool
        Whether the time limit ended the search; another machine may then select otherwise.
    """

    count: np.ndarray
    worth: int
    bound: int
    is_timed_out: bool

    @property
    def gap(self) -> float:
        """Share of the bound that is missing; 0 where the selection is proven largest."""
        return (self.bound - self.worth) / self.bound if self.bound else 0.0


def largest_selection(program: Program, *, gap: float, time_limit: float) -> Selection:
    """The largest selection that keeps to a program, or one near it.

    Parameters
    ----------
    gap : float >= 0
        Share of the bound that may be missing. The search stops there, or after `LAST_NODES` nodes over all rows.
    time_limit : float
        Seconds.

    Notes
    -----
    In a corner of the relaxation at most as many rows are fractional as there are constraints, whatever the number of rows, so that a search over
    those and a few more almost always comes near the bound. Solved by HiGHS; the same program always has the same answer unless time runs out.

    References
    ----------
    Zubizarreta, Paredes and Rosenbaum (2014), DOI 10.1214/13-AOAS713 (cardinality matching).
    Balas and Zemel (1980), DOI 10.1287/opre.28.5.1130 (search in a core of the columns).
    Huangfu and Hall (2018), DOI 10.1007/s12532-017-0130-5 (HiGHS).
    """
    end = monotonic() + time_limit
    relaxed = _relaxation(program, time_limit)
    if relaxed is None:
        return Selection(count=np.zeros(len(program.size), dtype=np.int64), worth=0, bound=int(program.worth @ program.most), is_timed_out=True)
    share, bound, pull = relaxed
    count, worth, timed_out = np.zeros(len(share), dtype=np.int64), 0, False
    partial = np.abs(share - np.round(share)) > WHOLE
    order = np.lexsort((np.arange(len(share)), np.where(partial, -1.0, np.abs(pull))))
    n_free = int(partial.sum()) + FEWEST
    while bound - worth > gap * bound:
        free = np.sort(order[:n_free])
        found, at_most, timed_out = _whole(program, np.round(share).astype(np.int64), free, (worth + 1, bound), gap=gap, end=end)
        if found is not None:
            count, worth = found, int(program.worth @ found)
        if n_free >= len(share):
            bound = max(at_most, worth)
        if timed_out or n_free >= len(share):
            break
        n_free *= GROWTH
    return Selection(count=count, worth=worth, bound=bound, is_timed_out=timed_out and bound - worth > gap * bound)


def least_excess(program: Program) -> tuple[float, np.ndarray]:
    """By how much every tolerance would have to grow until something can be selected, and which columns stand in the way; NaN where nothing helps.

    Returns
    -------
    float
        0 where something can be selected, in part at least.
    ndarray of int
        Places of the columns whose sums are then at their bounds.
    """
    n, p = program.gap.shape
    up = sparse.hstack([sparse.csr_array(program.gap.T), -np.ones((p, 1))])
    down = sparse.hstack([sparse.csr_array(-program.gap.T), -np.ones((p, 1))])
    one = sparse.hstack([sparse.csr_array(program.size[None]), np.zeros((1, 1))])
    equal = sparse.hstack([program.equal, sparse.csr_array((program.equal.shape[0], 1))])
    right = np.append(1.0, np.zeros(program.equal.shape[0]))
    solved = linprog(np.append(np.zeros(n), 1.0), A_ub=sparse.vstack([up, down]), b_ub=np.tile(program.tolerance, 2),
                     A_eq=sparse.vstack([one, equal]), b_eq=right, bounds=(0, None), method="highs")
    if solved.x is None:
        return float("nan"), np.zeros(0, dtype=np.int64)
    spare = np.abs(program.gap.T @ solved.x[:n]) - program.tolerance
    return float(solved.x[-1]), np.flatnonzero(spare > solved.x[-1] - TOUCH)


def _relaxation(program: Program, seconds: float) -> tuple[np.ndarray, int, np.ndarray] | None:
    """A corner where rows may be taken in part, the bound that it gives, and what one more of each row would add; None when time runs out."""
    n, p = program.gap.shape
    equal, near = _constraints(program, np.arange(n))
    bounds = np.column_stack([np.concatenate([np.zeros(n), np.full(p, -np.inf), np.zeros(2)]),
                              np.concatenate([program.most, np.full(p + 2, np.inf)])])
    target = np.append(np.zeros(n + p + 1), -1.0)
    for method in ("highs-ipm", "highs-ds"):
        solved = linprog(target, A_ub=near, b_ub=np.zeros(near.shape[0]), A_eq=equal, b_eq=np.zeros(equal.shape[0]), bounds=bounds, method=method,
                         options={"time_limit": max(seconds, 0.01)})
        if solved.status == 0:
            return solved.x[:n], int(np.floor(-solved.fun + WHOLE)), (solved.lower.marginals + solved.upper.marginals)[:n]
        if solved.status == 1:
            break
    return None


def _whole(program: Program, count: np.ndarray, free: np.ndarray, worth: tuple[int, int], *, gap: float,
           end: float) -> tuple[np.ndarray | None, int, bool]:
    """The largest selection in which only `free` rows may differ from `count`, of a worth in a range; the most that it could be worth, or less than
    the range where nothing can be; and whether time ran out."""
    n, p = len(free), program.gap.shape[1]
    fixed = count.copy()
    fixed[free] = 0
    equal, near = _constraints(program, free)
    right = -np.concatenate([program.gap.T @ fixed, [program.size @ fixed, program.worth @ fixed], program.equal @ fixed])
    bounds = Bounds(np.concatenate([np.zeros(n), np.full(p, -np.inf), [0.0, worth[0]]]),
                    np.concatenate([program.most[free], np.full(p + 1, np.inf), [worth[1]]]))
    target, whole = np.append(np.zeros(n + p + 1), -1.0), np.append(np.ones(n), np.zeros(p + 2))
    nodes = NODES if n < len(count) else LAST_NODES
    for closer in CLOSER:
        if (left := end - monotonic()) <= 0:
            return None, worth[1], True
        within = -closer * np.tile(program.tolerance > 0, 2)
        solved = milp(target, integrality=whole, bounds=bounds, options={"node_limit": nodes, "time_limit": left, "mip_rel_gap": gap},
                      constraints=[LinearConstraint(equal, right, right), LinearConstraint(near, -np.inf, within)])
        at_most = worth[0] - 1 if solved.status == INFEASIBLE else \
            worth[1] if solved.mip_dual_bound is None else int(np.floor(min(-solved.mip_dual_bound, worth[1]) + WHOLE))
        if solved.x is None:
            return None, at_most, end <= monotonic()
        found = fixed.copy()
        found[free] = np.round(solved.x[:n]).astype(np.int64)
        if program.keeps(found):
            return found, at_most, end <= monotonic()
    return None, worth[1], False


def _constraints(program: Program, free: np.ndarray) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Rows that must equal something, and rows that must not pass 0; columns: the rows that may change, the p sums, the size, the worth."""
    n, p, m = len(free), program.gap.shape[1], program.equal.shape[0]
    sums, minus, tolerance = sparse.csr_array(sparse.eye_array(p)), sparse.csr_array([[-1.0]]), sparse.csr_array(-program.tolerance[:, None])
    equal = sparse.block_array([
        [sparse.csr_array(program.gap[free].T), -sums, None, None],
        [sparse.csr_array(program.size[free][None]), None, minus, None],
        [sparse.csr_array(program.worth[free][None].astype(float)), None, None, minus],
        [program.equal[:, free], None, None, sparse.csr_array((m, 1))]], format="csr")
    none = sparse.csr_array((p, n)), sparse.csr_array((p, 1))
    return equal, sparse.block_array([[none[0], sign * sums, tolerance, none[1]] for sign in (1.0, -1.0)], format="csr")


def equal_counts(groups: Sequence[np.ndarray], weight: np.ndarray) -> sparse.csr_array:
    """Sums of `weight` over every value of every group code that must be 0; shape (number of values, n).

    Parameters
    ----------
    groups : sequence of ndarray of int, shape (n,)
    weight : ndarray, shape (n,)
    """
    n = len(weight)
    parts = [sparse.csr_array((weight, (code, np.arange(n))), shape=(int(code.max(initial=-1)) + 1, n)) for code in groups]
    return sparse.csr_array(sparse.vstack(parts)) if parts else sparse.csr_array((0, n))


def thinned(program: Program, kind: np.ndarray) -> Program:
    """The program where rows of one kind (shape (n,), from 0 up in the order of first rows) are counted together."""
    first = np.unique(kind, return_index=True)[1]
    return replace(program, gap=program.gap[first], size=program.size[first], equal=program.equal[:, first], worth=program.worth[first],
                   most=np.bincount(kind, weights=program.most).astype(np.int64))
