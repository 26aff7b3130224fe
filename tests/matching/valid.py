"""What must always hold of a matched sample."""
from __future__ import annotations

import numpy as np

from evaluation.matching.sample import MatchedSample

REASONS = {"outside_caliper", "no_comparison_in_stratum", "stratum_missing", "covariate_missing", "no_comparison_left"}
BALANCE = {"covariate", "mean_treated", "mean_comparison_before", "mean_comparison_after", "sd_treated", "smd_before", "smd_after",
           "variance_ratio_before", "variance_ratio_after"}


def assert_valid_sample(sample: MatchedSample) -> None:
    """Sets are made of units that were at risk, weights sum to 1, and every treated unit is matched or left out with a reason."""
    entry = sample.panel.entry
    assert (entry[sample.set_treated] == sample.set_entry).all()
    own, at = entry[sample.pair_comparison], sample.set_entry[sample.pair_set]
    assert ((own < 0) | (own > at)).all()
    assert (sample.pair_comparison != sample.set_treated[sample.pair_set]).all()
    assert (sample.pair_weight > 0).all()
    assert np.allclose(np.bincount(sample.pair_set, weights=sample.pair_weight, minlength=sample.n_treated), 1.0)
    pairs = np.column_stack([sample.pair_set, sample.pair_comparison])
    assert len(np.unique(pairs, axis=0)) == len(pairs)

    candidates = set(map(tuple, sample.candidates.loc[~sample.candidates["treated"], ["unit", "entry"]].to_numpy()))
    assert set(zip(sample.pair_comparison, at, strict=True)) <= candidates
    assert BALANCE <= set(sample.balance.columns)
    assert set(sample.dropped["reason"]) <= REASONS
    accounted = sorted([*sample.set_treated, *sample.dropped["unit"]])
    assert accounted == np.flatnonzero(entry >= 0).tolist()
    assert 0 < sample.effective_sample_size() <= len(np.unique(sample.pair_comparison)) + 1e-9
