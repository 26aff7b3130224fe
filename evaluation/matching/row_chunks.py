"""Walking over many rows in chunks that stay in cache, on one thread of linear algebra: the same sums whatever the machine."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache

import numpy as np

CHUNK = 8192                   # rows at a time: 20 columns of them and what is made of them fit a core's second cache


def chunks(n: int) -> Iterator[slice]:
    """The rows 0 to n - 1 in order, `CHUNK` at a time."""
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))


def one_thread() -> AbstractContextManager:
    """Linear algebra on one thread inside this context.

    More threads would add up in another order, and a chunk is too small to gain from them.
    """
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def centred(x: np.ndarray, centre: np.ndarray, out: np.ndarray) -> np.ndarray:
    """An intercept and the centred columns of a chunk of rows, one line per column; shape (p + 1, n_rows).

    Lines are contiguous whether `x` is stored by row or by column, so both give the same sums at the same speed.
    """
    z = out[:, :len(x)]
    z[0] = 1.0
    np.subtract(x.T, centre[:, None], out=z[1:])
    return z
