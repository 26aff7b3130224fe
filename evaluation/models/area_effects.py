"""Areas' own effects with their covariance, ready for pooling, where a programme was given to areas of one council or a few.

An area of one council has no scatter of its own from which its noise could be told. The gaps of placebo areas of as many councils tell it, and the
matched sets tell how far two areas share comparison units. Pooling itself is in `pooling.py` and `shrinkage.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.matching.sample import MatchedSample
from evaluation.models.permutation import Null

FEWEST_DRAWS = 20              # placebo areas, under which their scatter says little


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEffects:
    """Areas' effects and how they vary together.

    Attributes
    ----------
    names : tuple of str
    theta : ndarray, shape (n_areas,)
        Each area's own gap; NaN where it has none.
    covariance : ndarray, shape (n_areas, n_areas)
        NaN on the diagonal where too few placebo areas tell the noise.
    n_treated, n_comparison : ndarray of int, shape (n_areas,)
        Observed units behind each effect.
    """

    names: tuple[str, ...]
    theta: np.ndarray
    covariance: np.ndarray
    n_treated: np.ndarray
    n_comparison: np.ndarray


def area_effects(sample: MatchedSample, nulls: Sequence[Null], seen: np.ndarray) -> AreaEffects:
    """Each area's own gap, its noise from placebo areas, and the covariance that shared comparison units make.

    Parameters
    ----------
    sample : MatchedSample
        The sets behind the gaps.
    nulls : sequence of Null
        One an area, as `permutation.placebo_gaps` gives them.
    seen : ndarray of bool, shape (n_units,)
        Units of the panel that are observed where the gaps are measured.

    Notes
    -----
    A gap is w'd, the changes d of units times their weights: 1/m for each of an area's m treated units, less the shares of their comparison units.
    With changes that are independent and scatter alike, gaps of two areas have the correlation w_a'w_b / (|w_a| |w_b|). The standard error of a gap
    is the root mean square of the placebo gaps, which holds what matching leaves too.
    """
    areas = sample.panel.units["area"].astype(str).to_numpy()
    weights = np.array([weights_of(sample, areas == null.name, seen) for null in nulls])
    length = np.sqrt((weights**2).sum(axis=1))
    unit = np.divide(weights, length[:, None], out=np.zeros_like(weights), where=length[:, None] > 0)
    noise = np.array([np.sqrt(np.mean(null.draws**2)) if len(null.draws) >= FEWEST_DRAWS else np.nan for null in nulls])
    covariance = unit @ unit.T * np.outer(noise, noise)
    known = np.isfinite(noise) & (length > 0)
    covariance[~known] = covariance[:, ~known] = 0.0
    covariance[~known, ~known] = np.nan
    return AreaEffects(names=tuple(null.name for null in nulls), theta=np.array([null.estimate for null in nulls]), covariance=covariance,
                       n_treated=(weights > 0).sum(axis=1), n_comparison=(weights < 0).sum(axis=1))


def weights_of(sample: MatchedSample, area: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The weight of each unit of the panel in an area's gap, shape (n_units,); zero where the area has no observed set.

    Parameters
    ----------
    area, seen : ndarray of bool, shape (n_units,)
        Units of the area, and units that are observed.
    """
    out = np.zeros(len(sample.panel))
    here = area[sample.treated_unit] & seen[sample.treated_unit]
    of_set = np.bincount(sample.treated_set[here], weights=sample.treated_weight[here], minlength=sample.n_sets)
    there = seen[sample.comparison_unit]
    behind = np.bincount(sample.comparison_set[there], weights=sample.comparison_weight[there], minlength=sample.n_sets)
    of_set = np.where(behind > 0, of_set, 0.0)
    if not of_set.any():
        return out
    here &= behind[sample.treated_set] > 0
    np.add.at(out, sample.treated_unit[here], sample.treated_weight[here] / of_set.sum())
    share = np.divide(of_set, behind, out=np.zeros_like(of_set), where=behind > 0) / of_set.sum()
    np.add.at(out, sample.comparison_unit[there], -sample.comparison_weight[there] * share[sample.comparison_set[there]])
    return out
