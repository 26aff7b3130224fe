"""Strata: which rows may be matched with which, by entry period and exact keys."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.matching.candidates import Candidates

KEY_DECIMALS = 8               # exact keys that are numbers agree when they agree to 8 decimals
WHOLE = 2.0**52                # floats from here up have no decimals


def strata_of(rows: Candidates, exact: Sequence[str], *, missing: str = "unmatched") -> np.ndarray:
    """One integer per combination of entry period and exact keys, in their order; -1 where a key is missing; shape (n,)."""
    code = np.unique(rows.period, return_inverse=True)[1] if rows.period.any() else np.zeros(len(rows), dtype=np.int64)
    lost = np.zeros(len(rows), dtype=bool)
    for name in exact:
        values = rows.column(name)
        if getattr(values.dtype, "kind", "O") == "f":
            values = np.where(np.abs(values) < WHOLE, np.round(np.clip(values, -WHOLE, WHOLE), KEY_DECIMALS), values)
        key, levels = pd.factorize(values, sort=True)
        if missing == "unmatched":
            lost |= key < 0
        code = code * (len(levels) + 1) + key + 1
        code = np.unique(code, return_inverse=True)[1] if int(code.max(initial=0)) > 4 * len(code) else code
    if exact:
        code = pd.factorize(code, sort=True)[0]
    return np.where(lost, -1, code) if lost.any() else code


def periods_with_both(rows: Candidates) -> np.ndarray:
    """Rows of entry periods with both treated and comparison rows: others say nothing about the score and would separate it."""
    code = np.unique(rows.period, return_inverse=True)[1] if rows.period.any() else np.zeros(len(rows), dtype=np.int64)
    n_treated, n = np.bincount(code, weights=rows.treated), np.bincount(code)
    return ((n_treated > 0) & (n_treated < n))[code]


def cut_further(stratum: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Strata cut further by a column; -1 where either is missing."""
    code, levels = pd.factorize(key, sort=True)
    both = pd.factorize(stratum * (len(levels) + 1) + code, sort=True)[0]
    return np.where((stratum < 0) | (code < 0), -1, both)
