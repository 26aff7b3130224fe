"""What must always hold of a matched sample."""
from __future__ import annotations

import numpy as np

from evaluation.matching.match import Match
from evaluation.matching.problem import REASONS
from evaluation.matching.sample import MatchedSample

BALANCE = {"covariate", "mean_treated", "mean_comparison_before", "mean_comparison_after", "sd_treated", "smd_before", "smd_after",
           "variance_ratio_before", "variance_ratio_after"}


def assert_valid_match(match: Match) -> None:
    """Members are on their side, weights positive, sets have both sides, and every row wanted is matched or left out with a reason."""
    treated = match.rows.treated
    assert treated[match.treated].all() and not treated[match.comparison].any()
    assert (match.treated_weight > 0).all() and (match.comparison_weight > 0).all()
    assert set(match.treated_set) == set(match.comparison_set) == set(range(match.n_sets))
    sides = ((match.treated, match.treated_set, match.treated_weight), (match.comparison, match.comparison_set, match.comparison_weight))
    for rows, sets, _ in sides:
        assert len(set(zip(rows, sets, strict=True))) == len(rows)
        assert (match.rows.period[rows] == match.rows.period[match.treated[np.unique(match.treated_set, return_index=True)[1]]][sets]).all()
    wanted, there = (np.bincount(sets, weights=weight, minlength=match.n_sets) for _, sets, weight in sides)
    assert np.allclose(wanted, there, rtol=1e-9)
    focal = match.rows.treated if match.estimand != "ATC" else ~match.rows.treated
    asked = np.ones(len(treated), dtype=bool) if match.estimand == "ATE" else focal
    used = np.zeros(len(treated), dtype=bool)
    used[match.treated] = used[match.comparison] = True
    assert np.array_equal(np.flatnonzero(asked & ~used), np.sort(match.left_out)) and (match.reason > 0).all()


def assert_valid_sample(sample: MatchedSample) -> None:
    """Sets are made of units that were at risk, weights sum to 1, and every treated unit is matched or left out with a reason."""
    entry = sample.panel.entry
    assert (entry[sample.treated_unit] == sample.treated_entry).all()
    own, at = entry[sample.comparison_unit], sample.comparison_entry
    assert ((own < 0) | (own > at)).all()
    assert (sample.comparison_weight > 0).all()
    assert (sample.treated_weight > 0).all()
    sides = ((sample.treated_set, sample.treated_weight), (sample.comparison_set, sample.comparison_weight))
    wanted, there = (np.bincount(sets, weights=weight, minlength=sample.n_sets) for sets, weight in sides)
    assert np.allclose(wanted, there, rtol=1e-9) and (wanted > 0).all()
    if sample.kind == "pairs" and sample.n_sets == sample.n_treated and (sample.match is None or (sample.match.rows.weights == 1).all()):
        assert np.allclose(wanted, 1.0)
    pairs = np.column_stack([sample.comparison_set, sample.comparison_unit])
    assert len(np.unique(pairs, axis=0)) == len(pairs)

    candidates = set(map(tuple, sample.candidates.loc[~sample.candidates["treated"], ["unit", "entry"]].to_numpy()))
    assert set(zip(sample.comparison_unit, at, strict=True)) <= candidates
    assert BALANCE <= set(sample.balance.columns)
    assert set(sample.dropped["reason"]) <= set(REASONS[1:])
    accounted = sorted([*sample.treated_unit, *sample.dropped["unit"]])
    assert accounted == np.flatnonzero(entry >= 0).tolist()
    assert 0 < sample.effective_sample_size() <= len(np.unique(sample.comparison_unit)) + 1e-9
