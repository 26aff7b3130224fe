"""Councils' or areas' effects on an outcome beside each other, from the effects of the whole study."""

from __future__ import annotations

import math

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.errors import EstimationError
from evaluation.findings.beside import Beside
from evaluation.findings.numbers import factor_of, scaled
from evaluation.matching.sample import MatchedSample
from evaluation.models.area_effects import area_effects
from evaluation.models.council_effects import council_effects
from evaluation.models.effects import Effects, Estimate
from evaluation.models.pooling import random_effects
from evaluation.models.shrinkage import shrink
from evaluation.pipeline.choices import base_of
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.placebo import Placebos
from evaluation.pipeline.subgroups import FewestOf

FEWEST = 3  # councils with an estimate, for a spread between them
LEAST = 10  # families on either side, under which a council's own estimate is noise whose size is not known either
NORMAL = 1.96  # standard errors either side, 95% of the normal distribution
NO_OCCURRENCE = np.iinfo(np.int64).max


def beside_of(estimating: Estimating, outcome: Outcome, effects: Effects, sample: MatchedSample, fewest_of: FewestOf) -> Beside | None:
    """Councils' effects with their shrunken values; None where places had the programme, or fewer than three councils have families enough.

    Parameters
    ----------
    fewest_of : callable
        Of the outcome and a sample: the smallest number of units behind an occurrence, or None.
    """
    plan = estimating.plan
    if plan.unit != "family" or plan.programme.assignment == "area" or effects.row_weight is None or effects.adjusted:
        return None
    try:
        together = council_effects(effects, quarters=estimating.headline)
    except EstimationError:
        return None
    table = together.table.set_index("council_code").loc[list(together.names)]
    large = (table[["n_treated", "n_comparison"]].min(axis=1) >= LEAST).to_numpy()
    theta = np.where(large, together.theta, np.nan)
    factor = factor_of(outcome)
    pooled = pooled_of(theta, together.covariance, together.n_units, factor)
    if pooled is None:
        return None
    order, numbers = pooled
    place = sample.panel.units["council_code"].astype(str).to_numpy()[sample.treated_unit]
    own = [scaled(Estimate(**{name: table.loc[code, name] for name in Estimate.__slots__}), factor) for code in together.names]
    parts = [sample.keep(place == code) for code in together.names]
    fewest = [0 if part is None else fewest_of(outcome, part) for part in parts]
    return Beside(
        codes=tuple(together.names[i] for i in order),
        own=tuple(own[i] for i in order),
        fewest=np.array([NO_OCCURRENCE if fewest[i] is None else fewest[i] for i in order]),
        **numbers,
    )


def beside_areas(estimating: Estimating, outcome: Outcome, placebos: Placebos, sample: MatchedSample) -> Beside | None:
    """Areas' effects with their shrunken values, noise from placebo areas; None where comparisons are weighted mixes or data are not published.

    Gaps of small areas or of areas whose placebo areas are not kept one by one are not shrunk: nothing tells how they vary together.
    """
    if estimating.plan.data.kind != "open_statistics" or placebos.synthetic is not None:
        return None
    found = area_effects(sample, tuple(placebos.areas.values()), seen_in(estimating, outcome, sample))
    pooled = pooled_of(found.theta, found.covariance, found.n_treated, placebos.factor)
    if pooled is None:
        return None
    order, numbers = pooled
    noise = np.sqrt(np.diag(found.covariance))
    own = [own_of_area(found.theta[i], noise[i], int(found.n_treated[i]), int(found.n_comparison[i]), placebos.factor) for i in order]
    fewest = np.full(len(order), NO_OCCURRENCE)
    return Beside(codes=tuple(found.names[i] for i in order), own=tuple(own), fewest=fewest, place="area", **numbers)


def seen_in(estimating: Estimating, outcome: Outcome, sample: MatchedSample) -> np.ndarray:
    """Units observed at the base and all through the headline, shape (n_units,), where all areas began in one period."""
    panel, (first, last) = sample.panel, estimating.headline
    start = int(panel.entry.max())
    columns = [start + base_of(estimating.plan), *range(start + first, start + last + 1)]
    return np.isfinite(panel.outcomes[outcome.name][:, columns]).all(axis=1)


def own_of_area(gap: float, noise: float, n_treated: int, n_comparison: int, factor: float) -> Estimate:
    """An area's own gap with the noise of placebo areas, on the printed scale."""
    half = NORMAL * noise
    estimate = Estimate(estimate=gap, std_error=noise, lower=gap - half, upper=gap + half, df=math.inf, p_value=math.nan, n_treated=n_treated,
                        n_comparison=n_comparison, clusters="placebo areas", n_clusters=0, method="noise of placebo areas")
    return scaled(estimate, factor)


def pooled_of(theta: np.ndarray, covariance: np.ndarray, n_units: np.ndarray, factor: float) -> tuple[np.ndarray, dict[str, object]] | None:
    """Places in order of their number of units, and what pooling says of them on the printed scale; None where fewer than three can be pooled."""
    found, spread = shrink(theta, covariance), random_effects(theta, covariance)
    if found.reason or np.isfinite(found.effect).sum() < FEWEST:
        return None
    order = np.argsort(-n_units, kind="stable")
    lines = {"shrunk": found.effect, "std_error": found.std_error, "lower": found.lower, "upper": found.upper}
    return order, {
        **{name: (line * factor)[order] for name, line in lines.items()},
        "own_share": found.own_share[order],
        "mean": found.mean * factor,
        "new_lower": found.new_lower * factor,
        "new_upper": found.new_upper * factor,
        "p_value": spread.q_p_value,
        "tau": math.sqrt(spread.tau2) * abs(factor),
        "tau_lower": math.sqrt(spread.tau2_lower) * abs(factor),
        "tau_upper": math.sqrt(spread.tau2_upper) * abs(factor),
        "i2": spread.i2,
    }
