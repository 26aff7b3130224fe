"""Who is compared with whom: one file per method, one line each in `MATCHERS`.

A matcher is a frozen spec with `fit(panel) -> MatchedSample` and `match(candidates) -> Match`. What follows from a match is in `models`.

Examples
--------
A table of one's own: one row per family, who joined, and what was known of them before.

>>> import numpy as np, pandas as pd
>>> rng = np.random.default_rng(1)
>>> table = pd.DataFrame({"age": rng.normal(35, 8, 400), "needs": rng.poisson(2, 400), "council": rng.choice(["North", "South"], 400)})
>>> table["joined"] = rng.random(400) < 1 / (1 + np.exp(1.5 - 0.3 * table["needs"]))
>>> table["absence"] = 5 + table["needs"] - 1.0 * table["joined"] + rng.normal(0, 1, 400)
>>> spec = NearestNeighbour(covariates=("age", "needs"), exact=("council",), ratio=1, replacement=False)
>>> match = spec.match(Candidates.of_table(table, treated="joined"))
>>> match.audit()
              outcome  count
0           asked for    121
1             matched    114
2     outside_caliper      2
3  no_comparison_left      5
>>> Thresholds().judge(match.diagnostics()).sentence
'All 2 covariates are within the limits after matching (standardised mean difference below 0.1, variance ratio from 0.5 to 2).'
>>> from evaluation.models import WeightedDifference
>>> effect = WeightedDifference(covariates=("age", "needs")).fit(match, "absence")
>>> round(effect.lower, 1), round(effect.upper, 1), effect.clusters
(-1.2, -0.7, 'matched sets')
"""
from __future__ import annotations

from evaluation.matching.candidates import Candidates
from evaluation.matching.cardinality import CardinalityMatching, CardinalityPairs
from evaluation.matching.coarsened import CoarsenedExact, CoarsenedPairs
from evaluation.matching.entropy_balancing import EntropyBalancing
from evaluation.matching.exact import ExactMatching
from evaluation.matching.full import FullMatching
from evaluation.matching.generalised_full import GeneralisedFull
from evaluation.matching.inverse_probability import InverseProbability
from evaluation.matching.match import Match
from evaluation.matching.nearest import NearestNeighbour
from evaluation.matching.nearest_covariates import NearestCovariates
from evaluation.matching.optimal import OptimalPairs
from evaluation.matching.sample import MatchedSample
from evaluation.matching.score import Score
from evaluation.matching.subclassification import Subclassification
from evaluation.matching.thresholds import Thresholds

MATCHERS = {
    "nearest_neighbour": NearestNeighbour,
    "nearest_covariates": NearestCovariates,
    "optimal_pairs": OptimalPairs,
    "full": FullMatching,
    "generalised_full": GeneralisedFull,
    "subclassification": Subclassification,
    "coarsened_exact": CoarsenedExact,
    "coarsened_pairs": CoarsenedPairs,
    "exact": ExactMatching,
    "cardinality": CardinalityMatching,
    "cardinality_pairs": CardinalityPairs,
    "inverse_probability": InverseProbability,
    "entropy_balancing": EntropyBalancing,
}

__all__ = ["MATCHERS", "Candidates", "Match", "MatchedSample", "Score", "Thresholds", *sorted(kind.__name__ for kind in MATCHERS.values())]
