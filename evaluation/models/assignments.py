"""The ways in which a programme could have been assigned: to some of the units of each stratum."""
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

CELLS = 2_000_000              # assignments times units made at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """A programme given to some of the units of each stratum.

    Attributes
    ----------
    treated : ndarray of bool, shape (n_units,)
        What was done; units are what was assigned (families, or councils).
    strata : ndarray of int, shape (n_units,)
        Sorted. Each keeps its number of treated units in every reassignment.
    """

    treated: np.ndarray
    strata: np.ndarray

    @property
    def sizes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Start, units and treated units of every stratum."""
        start = np.flatnonzero(np.diff(self.strata, prepend=self.strata[0] - 1))
        return start, np.diff(start, append=len(self.strata)), np.add.reduceat(self.treated.astype(int), start)

    @property
    def count(self) -> int:
        """Assignments there are."""
        _, n, k = self.sizes
        return math.prod(math.comb(int(a), int(b)) for a, b in zip(n, k, strict=True))

    def every(self) -> Iterator[np.ndarray]:
        """All assignments once, in blocks of shape (m, n_units)."""
        start, n, k = self.sizes
        parts = [_patterns(int(a), int(b)) for a, b in zip(n, k, strict=True)]
        total, size = self.count, self._block()
        for first in range(0, total, size):
            at = np.arange(first, min(first + size, total))
            chosen = np.empty((len(at), len(self.treated)), dtype=bool)
            for part, begin in zip(parts, start, strict=True):
                at, here = np.divmod(at, len(part))
                chosen[:, begin:begin + part.shape[1]] = part[here]
            yield chosen

    def draws(self, n_draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Random assignments, in blocks of shape (m, n_units)."""
        start, n, k = self.sizes
        slot = np.arange(len(self.treated)) - np.repeat(start, n) < np.repeat(k, n)
        for first in range(0, n_draws, self._block()):
            m = min(self._block(), n_draws - first)
            chosen = np.zeros((m, len(self.treated)), dtype=bool)
            if (k == 1).all():
                at = start + (rng.random((m, len(n))) * n).astype(int)
            else:
                at = np.argsort(np.repeat(np.arange(len(n)), n) + rng.random(chosen.shape), axis=1)[:, slot]
            np.put_along_axis(chosen, at, True, axis=1)
            yield chosen

    def _block(self) -> int:
        return max(1, CELLS // len(self.treated))


def _patterns(n: int, k: int) -> np.ndarray:
    """All ways to treat k of n units, shape (ways, n)."""
    ways = np.array(list(combinations(range(n), k)), dtype=int).reshape(math.comb(n, k), k)
    out = np.zeros((len(ways), n), dtype=bool)
    np.put_along_axis(out, ways, True, axis=1)
    return out
