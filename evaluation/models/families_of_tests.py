"""Several numbers read together: bands that hold all of an event study at once, and p values adjusted for the number of outcomes."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtr

from evaluation.models.clusters import Assignment, Clusters, cluster_names
from evaluation.models.effects import Effects
from evaluation.models.inference import event_study
from evaluation.models.joint import Joint, joint
from evaluation.models.multiplicity import benjamini_hochberg, holm, romano_wolf
from evaluation.models.multiplier import gaussian_draws, multiplier_draws, simultaneous_band
from evaluation.models.summaries import Summary, average, cohort_mask

N_DRAWS = 9_999


def simultaneous_event_study(effects: Effects, *, rng: np.random.Generator, cohorts: Sequence[int] | Literal["complete"] | None = None,
                             quarters: tuple[int, int] = (1, 4), clusters: Clusters = "auto", assignment: Assignment = "unit", level: float = 0.95,
                             n_draws: int = N_DRAWS) -> pd.DataFrame:
    """`event_study` with a simultaneous band: with probability `level` it holds the effects at all event times at once.

    Parameters
    ----------
    rng : Generator
        Made from the plan's seed.
    cohorts, quarters, clusters, assignment
        As in `event_study`.

    Returns
    -------
    DataFrame
        The columns of `event_study`, and `band_lower`, `band_upper`: wider than the pointwise interval, NaN where there is none.

    Notes
    -----
    Draws multiply the clusters' contributions by random signs (by a normal with the joint covariance where clusters run two ways); the band is the
    pointwise standard error times the quantile of the largest absolute draw, and never narrower than the pointwise interval.
    """
    effects = effects.at(cluster_names(effects, clusters, assignment))
    table = event_study(effects, cohorts=cohorts, quarters=quarters, clusters=clusters, assignment=assignment)
    has_error = (table["std_error"] > 0).to_numpy()
    nan = np.full(len(table), np.nan)
    if not has_error.any():
        return table.assign(band_lower=nan, band_upper=nan)
    mask = cohort_mask(effects, cohorts, quarters)
    at = {str(e): (effects, average(effects, mask & (effects.cells["event_time"].to_numpy() == e))) for e in table["event_time"][has_error]}
    draws = draws_of(joint(at, clusters=clusters, assignment=assignment), rng=rng, n_draws=n_draws)
    shown = table[has_error]
    # multiplier draws have the variance of CR1; in units of their own errors they meet whichever errors the table shows
    unit = draws / draws.std(axis=0)
    band = simultaneous_band(shown["estimate"].to_numpy(), unit * shown["std_error"].to_numpy(), std_error=shown["std_error"].to_numpy(), level=level)
    lower, upper = nan.copy(), nan.copy()
    lower[has_error] = np.minimum(band.lower, shown["lower"])
    upper[has_error] = np.maximum(band.upper, shown["upper"])
    return table.assign(band_lower=lower, band_upper=upper)


def adjusted_tests(parts: Mapping[str, tuple[Effects, Summary]], *, rng: np.random.Generator, clusters: Clusters = "auto",
                   assignment: Assignment = "unit", n_draws: int = N_DRAWS) -> pd.DataFrame:
    """Tests of zero for several outcomes (or horizons), with p values adjusted for their number.

    Parameters
    ----------
    parts : name -> (effects, summary)
        As in `joint`.

    Returns
    -------
    DataFrame, one row per name
        `name, estimate, std_error, p_value`, and adjusted: `holm`, `romano_wolf` (any false finding; the second uses the tests' dependence),
        `benjamini_hochberg` (share of false findings).
    """
    together = joint(parts, clusters=clusters, assignment=assignment)
    error = together.std_errors()
    t = together.values / error
    p = 2 * stdtr(together.df, -np.abs(t))
    draws = draws_of(together, rng=rng, n_draws=n_draws)
    return pd.DataFrame({"name": together.names, "estimate": together.values, "std_error": error, "p_value": p, "holm": holm(p),
                         "romano_wolf": romano_wolf(t, draws / draws.std(axis=0)), "benjamini_hochberg": benjamini_hochberg(p)})


def draws_of(together: Joint, *, rng: np.random.Generator, n_draws: int = N_DRAWS) -> np.ndarray:
    """Draws of the joint sampling error, shape (n_draws, k): by signs of clusters, or normal where clusters run two ways."""
    if together.sums is None:
        return gaussian_draws(together.covariance, rng=rng, n_draws=n_draws)
    return multiplier_draws(together.sums, rng=rng, n_draws=n_draws)
