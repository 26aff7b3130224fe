"""Treated units that could not be matched: how they differ from those that could, on what was matched on."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.matching.sample import MatchedSample


def left_out_table(sample: MatchedSample) -> pd.DataFrame:
    """One row per covariate of the match: means of matched and of left-out treated units, and their standardised difference.

    Columns `covariate`, `mean_matched`, `mean_left_out`, `smd` (left out less matched, in standard deviations of all treated units; NaN without
    spread), `n_matched`, `n_left_out` (units in which it is known). No rows where nobody is left out or the match itself is not kept.
    """
    match = sample.match
    columns = ["covariate", "mean_matched", "mean_left_out", "smd", "n_matched", "n_left_out"]
    if match is None or not len(match.left_out):
        return pd.DataFrame(columns=columns)
    rows = []
    for name, values in zip(match.names, match.x.T, strict=True):
        matched, other = (values[place][np.isfinite(values[place])] for place in (np.unique(match.treated), np.unique(match.left_out)))
        means = [float(part.mean()) if len(part) else float("nan") for part in (matched, other)]
        spread = np.concatenate([matched, other]).std(ddof=1) if len(matched) + len(other) > 1 else 0.0
        rows.append((name, *means, (means[1] - means[0]) / spread if spread > 0 else float("nan"), len(matched), len(other)))
    return pd.DataFrame(rows, columns=columns)
