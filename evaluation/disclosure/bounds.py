"""What a reader can work out about a hidden count: linear programmes over everything that is published.

The unknowns are counts of units in the smallest cells that published populations distinguish; each published number is a constraint. Solved by
HiGHS (Huangfu and Hall 2018, DOI 10.1007/s12532-017-0130-5), as shipped with scipy.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from evaluation.disclosure.population import Population
from evaluation.errors import DisclosureError

EPSILON = 1e-6
REST = "(rest)"  # of a dimension whose named values are not known to be all
SPREADS = 24  # programmes that move all hidden cells at once, before those still narrow get programmes of their own
MOST_CELLS = 400_000
FAR = 1e7  # nothing counted here is larger


Target = tuple[tuple[Population, int], ...]  # populations added (+1) and taken away (-1): joined less matched


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A reader knows that a population, or a whole less its parts, has between `low` and `high` units."""

    target: Target
    low: float
    high: float

    @classmethod
    def about(cls, who: Population, low: float, high: float) -> Claim:
        """A claim about one population."""
        return cls(target=((who, 1),), low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Integers that a hidden count can be, for a reader."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """0 where the count is known exactly."""
        return self.high - self.low


@dataclass(slots=True)
class Space:
    """The smallest cells, and the constraints that hold between them whatever is published: parts are no larger than what they are parts of.

    A node that is published as a whole only, as are all its parts, has one unknown instead of one in every cell.

    Attributes
    ----------
    nodes : (group, path) -> its place among nodes
    dimensions : name -> the values that tell cells apart
    cells : list of tuple
        Every combination of them.
    first : ndarray of int, shape (n_nodes + 1,)
        Where the unknowns of each node begin.
    """

    nodes: dict[tuple, int]
    dimensions: dict[str, tuple[str, ...]]
    cells: list[tuple[str, ...]]
    first: np.ndarray
    _chosen: dict = field(default_factory=dict)

    @classmethod
    def of(cls, populations: Sequence[Population]) -> Space:
        """Cells that tell all these populations apart; what no population names in a dimension is one cell.

        Raises
        ------
        DisclosureError
            There are too many to audit: fails closed.
        """
        nodes: dict[tuple, int] = {}
        in_cells: set[tuple] = set()
        named: dict[str, dict[str, None]] = {}
        for who in populations:
            above = [(who.group, who.path[:length]) for length in range(len(who.path) + 1)]
            for node in above:
                nodes.setdefault(node, len(nodes))
            in_cells.update(above if who.where else ())
            for dimension, values in who.where:
                named.setdefault(dimension, {}).update(dict.fromkeys(sorted(values)))
        dimensions = {dimension: (*values, REST) for dimension, values in named.items()}
        n_cells = math.prod(len(values) for values in dimensions.values())
        first = np.cumsum([0, *(n_cells if node in in_cells else 1 for node in nodes)])
        if first[-1] > MOST_CELLS:
            raise DisclosureError(
                f"The audit can look at {MOST_CELLS:,} cells at once, and the release and those before it make"
                f" {first[-1]:,}. Publish fewer breakdowns together."
            )
        return cls(nodes=nodes, dimensions=dimensions, cells=list(itertools.product(*dimensions.values())), first=first)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return int(self.first[-1])

    def columns(self, who: Population) -> np.ndarray:
        """Unknowns that add up to a population."""
        node = self.nodes[who.group, who.path]
        if not self.is_in_cells(node):
            return self.first[node : node + 1]
        if who.where not in self._chosen:
            limits, names = dict(who.where), tuple(self.dimensions)
            inside = [all(value in limits[name] for name, value in zip(names, cell, strict=True) if name in limits) for cell in self.cells]
            self._chosen[who.where] = np.flatnonzero(inside)
        return self.first[node] + self._chosen[who.where]

    def is_in_cells(self, node: int) -> bool:
        """Whether a node has an unknown in every cell; with one cell both are the same."""
        return self.first[node + 1] - self.first[node] == len(self.cells)

    def structure(self) -> sparse.csr_matrix:
        """Rows that are nought or more: a population less the parts of each of its splits, which do not overlap.

        Parts with one unknown may lie in whichever cells the parts beside them leave free: they and those together are no more than the whole.
        """
        splits: dict[tuple, list[int]] = {}
        for (group, path), node in self.nodes.items():
            if path:
                splits.setdefault((group, path[:-1], path[-1][0]), []).append(node)
        rows: list[list[tuple[np.ndarray, float]]] = []
        for (group, path, _), parts in splits.items():
            whole, split = self.nodes[group, path], [part for part in parts if self.is_in_cells(part)]
            if split:
                rows += [[(self.first[node] + [cell], sign) for node, sign in signed(whole, split)] for cell in range(len(self.cells))]
            if len(split) < len(parts):
                rows.append([(np.arange(self.first[node], self.first[node + 1]), sign) for node, sign in signed(whole, parts)])
        return matrix_of(rows, self.size)


def signed(whole: int, parts: Sequence[int]) -> list[tuple[int, float]]:
    """A whole less its parts."""
    return [(whole, 1.0), *((part, -1.0) for part in parts)]


@dataclass(slots=True)
class Reader:
    """A reader who knows every claim, and works out what hidden counts can be."""

    space: Space
    matrix: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray
    deadline: float
    told: tuple[Target, ...]  # what the last rows are about

    @classmethod
    def of(cls, claims: Sequence[Claim], targets: Sequence[Target], *, seconds: float) -> Reader:
        """A reader of these claims."""
        space = Space.of([who for target in (*(claim.target for claim in claims), *targets) for who, _ in target])
        inner, told = space.structure(), tuple(claim.target for claim in claims)
        return cls(
            space=space,
            matrix=sparse.vstack([inner, _rows(told, space)]).tocsr(),
            low=np.concatenate([np.zeros(inner.shape[0]), [claim.low for claim in claims]]),
            high=np.concatenate([np.full(inner.shape[0], np.inf), [claim.high for claim in claims]]),
            deadline=time.monotonic() + seconds,
            told=told,
        )

    def ranges(self, targets: Sequence[Target], *, enough: float) -> list[Range]:
        """For each target the integers it can be; a search ends as soon as it is seen to be at least `enough` wide.

        Raises
        ------
        DisclosureError
            Time is over, or the claims contradict each other: fails closed.
        """
        if not targets:
            return []
        wanted = _rows(targets, self.space)
        low, high = np.full(len(targets), np.inf), np.full(len(targets), -np.inf)
        draw, stuck, before = np.random.default_rng(0), 0, len(targets) + 1
        for turn in range(SPREADS):
            narrow = _width(low, high) < enough
            stuck, before = (stuck + 1 if narrow.sum() == before else 0), narrow.sum()
            if not narrow.any() or (turn > 1 and stuck > 1):
                break
            signs = np.ones(len(targets)) if turn < 2 else draw.choice([-1.0, 1.0], len(targets))
            self._seen((signs * narrow * (1 if turn % 2 else -1)) @ wanted, wanted, low, high)
        for place in np.flatnonzero(_width(low, high) < enough):
            for sign in (1.0, -1.0):
                self._seen(sign * wanted[[place]].toarray()[0], wanted, low, high)
        return [Range(low=float(math.ceil(a - EPSILON)), high=float(math.floor(b + EPSILON))) for a, b in zip(low, high, strict=True)]

    def binding(self, target: Target) -> list[str]:
        """Identities of the populations whose claims hold a target where it is, the most binding first: those with a price (dual value)."""
        from scipy.optimize import linprog

        cost = _rows([target], self.space).toarray()[0]
        above, below = np.isfinite(self.high), np.isfinite(self.low)
        matrix = sparse.vstack([self.matrix[above], -self.matrix[below]]).tocsr()
        limits = np.concatenate([self.high[above], -self.low[below]])
        rows = np.concatenate([np.flatnonzero(above), np.flatnonzero(below)]) - (len(self.low) - len(self.told))
        price = np.zeros(len(self.told))
        for sign in (1.0, -1.0):
            found = linprog(sign * cost, A_ub=matrix, b_ub=limits, bounds=(0, FAR), method="highs")
            if found.status == 0:
                np.add.at(price, rows[rows >= 0], np.abs(found.ineqlin.marginals)[rows >= 0])
        places = [place for place in np.argsort(-price, kind="stable") if price[place] > EPSILON and len(self.told[place]) == 1]
        return [self.told[place][0][0].identity for place in places]

    def _seen(self, cost: np.ndarray, wanted: sparse.csr_matrix, low: np.ndarray, high: np.ndarray) -> None:
        """Solve for one direction, and widen what is known to be possible by the solution."""
        value = wanted @ self.solve(np.asarray(cost).ravel())
        np.minimum(low, value, out=low)
        np.maximum(high, value, out=high)

    def solve(self, cost: np.ndarray) -> np.ndarray:
        """The cheapest counts that agree with every claim."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DisclosureError("The audit ran out of time before it had looked at all hidden counts, so nothing may leave. Publish less together.")
        found = milp(cost, constraints=LinearConstraint(self.matrix, self.low, self.high), bounds=Bounds(0, FAR), options={"time_limit": left})
        if found.x is None:
            why = "contradict each other" if found.status == 2 else f"could not be looked at together ({found.message})"
            raise DisclosureError(f"The published counts {why}: a population is named wrongly, or a count belongs to another one. Nothing may leave.")
        return found.x


def _width(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    width = np.full(len(low), -1.0)
    known = np.isfinite(low) & np.isfinite(high)
    width[known] = np.floor(high[known] + EPSILON) - np.ceil(low[known] - EPSILON)
    return width


def _rows(targets: Sequence[Target], space: Space) -> sparse.csr_matrix:
    return matrix_of([[(space.columns(who), float(sign)) for who, sign in target] for target in targets], space.size)


def matrix_of(rows: Sequence[Sequence[tuple[np.ndarray, float]]], n_columns: int) -> sparse.csr_matrix:
    """Sums of unknowns: each row adds up groups of columns with their signs."""
    parts = [(place, columns, sign) for place, row in enumerate(rows) for columns, sign in row]
    sizes = [len(columns) for _, columns, _ in parts]
    places, signs = (np.repeat([part[at] for part in parts], sizes) for at in (0, 2))
    columns = np.concatenate([columns for _, columns, _ in parts]) if parts else np.zeros(0, dtype=int)
    return sparse.csr_matrix((signs.astype(float), (places.astype(int), columns)), shape=(len(rows), n_columns))
