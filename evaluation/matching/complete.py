"""Rows with every value that matching needs, and what is said of the others."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.errors import CommonSupportError


def complete_rows(*parts: tuple[np.ndarray, Sequence[str]] | None) -> tuple[np.ndarray, dict[str, int]]:
    """Rows with a value in every column, and how many rows lack each column that has gaps."""
    complete, lacking = None, {}
    for x, names in (part for part in parts if part is not None):
        known = np.isfinite(x)
        whole = known.all(axis=1)
        complete = whole if complete is None else complete & whole
        if not whole.all():
            gaps = (~known).sum(axis=0) if len(names) == x.shape[1] else [int((~whole).sum())]
            lacking |= {name: int(count) for name, count in zip(names, gaps, strict=True) if count}
    return complete, lacking


def missing_note(lacking: Mapping[str, int], complete: np.ndarray) -> tuple[str, ...]:
    """How many rows lack what, in a sentence; none where all are complete."""
    if complete.all():
        return ()
    by_name = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
    return (f"{(~complete).sum():,} of {len(complete):,} candidate rows lack a covariate and were left out ({by_name}).",)


def refuse_nobody_complete(treated: np.ndarray, complete: np.ndarray, lacking: Mapping[str, int]) -> None:
    """Raise where a side has no complete row, with the columns that are missing."""
    for side, words in ((treated, "treated"), (~treated, "comparison")):
        if not (side & complete).any():
            by_name = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
            raise CommonSupportError(f"Matching needs rows of both sides with every covariate known: none of the {int(side.sum()):,} {words} rows "
                                     f"has (of {len(treated):,} rows these lack: {by_name}). Deliver the columns, or take them out of the plan.")
