"""Nearest neighbours on the score give the pairs, weights and total distance of MatchIt 4.7.2.

In `generated` all scores differ, so everything must be equal. In `lalonde` 614 rows have 573 scores: of equally near comparison rows we take the
smaller id, MatchIt the last row of those with a smaller score and the first of the others. There the members of each pair are compared by their
scores, and weights as the share that all rows of one score have together.
"""
from collections import Counter

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.matching.score import Score
from tests.matching.references import (
    COVARIATES,
    SETS,
    candidates_for,
    discarded_of,
    known_for,
    pairs_made,
    pairs_of,
    reference,
    score_of,
    total_distance,
    weights_of,
)

EXACT = 1e-12                  # sums of the same numbers in another order
SCORE = 5e-8                   # MatchIt's logit stops at a relative change of 1e-8; ours takes one more step
REPLACED = {"replacement": True}
CALIPER = {"caliper": 0.2}
ABSOLUTE = {"covariate_caliper_unit": "absolute"}
STRATA = {"lalonde": {"exact": ("race", "married")}, "generated": {"exact": ("grp", "b1")}}
# options of each stored call, or one for each data set
SPECS = {
    "nn": {}, "nn_linear": {}, "nn_probit": {}, "nn_cloglog": {},
    "nn_caliper": CALIPER, "nn_linear_caliper": CALIPER, "nn_caliper_raw": {"caliper": 0.02, "caliper_unit": "absolute"},
    "nn_ratio2": {"ratio": 2}, "nn_ratio3_caliper": {"ratio": 3, **CALIPER}, "nn_variable_ratio": {"ratio": 2, "ratio_range": (1, 4)},
    "nn_replace": REPLACED, "nn_replace_ratio3_caliper": {"ratio": 3, **CALIPER, **REPLACED}, "nn_reuse3": {"reuse_max": 3, **REPLACED},
    "nn_exact": STRATA, "nn_exact_caliper": {name: {**options, **CALIPER} for name, options in STRATA.items()},
    "nn_smallest": {"order": "smallest"}, "nn_data": {"order": "data"}, "nn_farthest": {"order": "farthest"},
    "nn_closest": {"order": "closest"}, "nn_closest_caliper": {"order": "closest", **CALIPER},
    "nn_closest_ratio2_caliper": {"order": "closest", "ratio": 2, **CALIPER},
    "nn_atc": {"estimand": "ATC"}, "nn_atc_replace": {"estimand": "ATC", **REPLACED},
    "nn_covariate_caliper": {"lalonde": {"covariate_calipers": {"age": 3, "re74": 1943.38934361833}, **ABSOLUTE, **CALIPER},
                             "generated": {"covariate_calipers": {"x1": 8, "x2": 0.637760384910104}, **ABSOLUTE, **CALIPER}},
    "nn_negative_caliper": {"lalonde": {"covariate_calipers": {"age": -3}, **ABSOLUTE, "caliper": 0.25},
                            "generated": {"covariate_calipers": {"x1": -3}, **ABSOLUTE, "caliper": 0.25}},
    "nn_antiexact": {"lalonde": {"anti_exact": ("married",)}, "generated": {"anti_exact": ("b1",)}},
    "nn_sampling_weights": {"generated": {}}, "nn_sampling_weights_caliper": {"generated": {"ratio": 2, **CALIPER}},
    "nn_discard_both": {"discard": "both"}, "nn_discard_both_reestimate": {"discard": "both", "reestimate": True},
    "nn_discard_treated": {"discard": "treated"}, "nn_discard_control": {"discard": "comparison"},
}
OTHER_MODELS = ("nn_probit", "nn_cloglog")
CASES = [(data, name) for data in SETS for name, options in SPECS.items() if data in options or not set(options) & set(SETS)]


def spec_of(data, name):
    options = SPECS[name].get(data, SPECS[name])
    return NearestNeighbour(**{"ratio": 1, "replacement": False, "caliper": None, **options}, covariates=COVARIATES[data],
                            score=Score(scale="linear" if "linear" in name else "probability"))


def by_score(score, pairs):
    """How often each two scores are paired."""
    return Counter((score[i], score[j]) for i, j in pairs)


def share_of_scores(score, treated, weights):
    """Share of its side's weight that each side has at each score: weights of mean 1 depend on how many rows of one score were used."""
    key = np.unique(np.column_stack([score, treated]), axis=0, return_inverse=True)[1].ravel()
    return np.bincount(key, weights=weights / np.where(treated, weights[treated].sum(), weights[~treated].sum()))


@pytest.mark.parametrize(("data", "name"), [case for case in CASES if "discard" not in case[1]])
def test_pairs_weights_and_total_distance_are_those_of_matchit(data, name):
    ref = reference(f"{data}_{name}")
    rows, score = candidates_for(ref), score_of(ref)
    match = spec_of(data, name).match(rows, known=known_for(ref))
    ours, theirs = pairs_made(match), pairs_of(ref)
    assert total_distance(ref, ours) == pytest.approx(total_distance(ref, theirs), rel=EXACT)
    if "total_distance" in ref:
        assert total_distance(ref, ours) == pytest.approx(ref["total_distance"], rel=EXACT)
    assert by_score(score, ours) == by_score(score, theirs)
    weights = match.weights() / rows.weights
    np.testing.assert_allclose(share_of_scores(score, rows.treated, weights), share_of_scores(score, rows.treated, weights_of(ref)), atol=EXACT)
    if data == "generated":
        assert ours == theirs
        np.testing.assert_allclose(weights, weights_of(ref), atol=EXACT)


@pytest.mark.parametrize(("data", "name"), [case for case in CASES if case[1] not in OTHER_MODELS])
def test_our_own_score_and_caliper_lead_to_the_same_pairs(data, name):
    ref = reference(f"{data}_{name}")
    match = spec_of(data, name).match(candidates_for(ref))
    inside = np.isfinite(match.score)
    np.testing.assert_allclose(match.score[inside], score_of(ref)[inside], atol=SCORE)
    assert match.width == pytest.approx(ref.get("caliper", {}).get("distance", np.nan), abs=SCORE, nan_ok=True)
    assert set(match.discarded.tolist()) == discarded_of(ref)
    ours, theirs = pairs_made(match), pairs_of(ref)
    score = np.round(score_of(ref), 7)
    assert by_score(score, ours) == by_score(score, theirs)
    if data == "generated":
        assert ours == theirs


def test_sharing_ties_uses_all_matches_that_abadie_and_imbens_would():
    # no two scores are equal in `generated`: Match(ties = TRUE) makes 139 matches of 139 treated rows
    ref = reference("generated_nn_replace")
    spec = NearestNeighbour(covariates=COVARIATES["generated"], ratio=1, caliper=None, ties="share")
    assert len(pairs_made(spec.match(candidates_for(ref), known=known_for(ref)))) == reference("effect_generated_abadie_imbens_score_M1")["n_matches"]


def test_on_lalonde_24_of_185_treated_share_their_nearest_score_with_several():
    ref = reference("lalonde_nn_replace")
    match = NearestNeighbour(covariates=COVARIATES["lalonde"], ratio=1, caliper=None, ties="share").match(candidates_for(ref), known=known_for(ref))
    sizes = np.bincount(match.comparison_set)
    assert (sizes > 1).sum() == 24 and len(sizes) == 185
    np.testing.assert_allclose(match.comparison_weight, 1 / sizes[match.comparison_set])
    score = score_of(ref)
    one = {i: abs(score[i] - score[j]) for i, j in pairs_of(ref)}
    assert all(abs(score[i] - score[j]) == one[i] for i, j in pairs_made(match))
