"""The wild cluster bootstrap of a summary of effects, beside its interval, where few areas or councils are the clusters."""
from __future__ import annotations

import numpy as np

from evaluation.errors import EstimationError
from evaluation.models.blocks import blocks_of
from evaluation.models.clustered import ClusteredRegression
from evaluation.models.clusters import Assignment, Clusters, cluster_codes, cluster_names
from evaluation.models.effects import Effects
from evaluation.models.summaries import Summary
from evaluation.models.wild import WildBootstrap, WildTest


def wild_test(effects: Effects, summary: Summary, *, rng: np.random.Generator, clusters: Clusters = "council", assignment: Assignment = "unit",
              spec: WildBootstrap | None = None) -> WildTest:
    """Test of zero, and an interval by inverting it, with the null imposed on the scores that are resampled.

    Parameters
    ----------
    summary : Summary
        A sum of contrasts of means (`average`, of all or some of the treated): its cells' shares are taken as known.
    clusters, assignment
        As in `overall`; one way.

    Raises
    ------
    EstimationError
        The number is no contrast of means (covariates, an estimator without weights), or clusters run two ways.
    """
    names = cluster_names(effects, clusters, assignment)
    effects = effects.at(names)
    if len(names) != 1 or summary.cells is None or summary.reason or effects.row_weight is None or effects.adjusted:
        raise EstimationError("A wild bootstrap needs a contrast of means clustered one way: this number is none "
                              f"({summary.reason or effects.estimator}). Use `matched_did` or `group_time` without covariates, and one kind of "
                              "cluster.")
    fit, contrast = as_regression(effects, summary, names[0])
    return (spec or WildBootstrap()).test(fit, contrast, rng=rng)


def as_regression(effects: Effects, summary: Summary, name: str) -> tuple[ClusteredRegression, np.ndarray]:
    """The regression on dummies of cells and arms, clustered on `name`, and the contrast of its coefficients that is the summary.

    Of the coefficients only the contrast is known: of all that give it, the shortest are taken; no test of the contrast depends on the others.
    """
    blocks = blocks_of(effects, [summary], summary.enters, cluster_codes(effects, name)[summary.enters])
    contrast = blocks.contrasts[0]
    return ClusteredRegression.from_blocks(blocks.sums, contrast * summary.value / (contrast @ contrast)), contrast
