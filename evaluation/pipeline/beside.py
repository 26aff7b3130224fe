"""Councils' effects on an outcome beside each other, from the effects of the whole study."""

from __future__ import annotations

import math

import numpy as np

from evaluation.dictionary import Outcome
from evaluation.errors import EstimationError
from evaluation.findings.beside import Beside
from evaluation.findings.numbers import factor_of, scaled
from evaluation.matching.sample import MatchedSample
from evaluation.models.council_effects import council_effects
from evaluation.models.effects import Effects, Estimate
from evaluation.models.pooling import random_effects
from evaluation.models.shrinkage import shrink
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.subgroups import FewestOf

FEWEST = 3  # councils with an estimate, for a spread between them
LEAST = 10  # families on either side, under which a council's own estimate is noise whose size is not known either
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
    found, spread = shrink(theta, together.covariance), random_effects(theta, together.covariance)
    if found.reason or np.isfinite(found.effect).sum() < FEWEST:
        return None
    factor, order = factor_of(outcome), np.argsort(-together.n_units, kind="stable")
    place = sample.panel.units["council_code"].astype(str).to_numpy()[sample.treated_unit]
    own = [scaled(Estimate(**{name: table.loc[code, name] for name in Estimate.__slots__}), factor) for code in together.names]
    parts = [sample.keep(place == code) for code in together.names]
    fewest = [0 if part is None else fewest_of(outcome, part) for part in parts]
    return Beside(
        codes=tuple(together.names[i] for i in order),
        own=tuple(own[i] for i in order),
        **{name: (getattr(found, kind) * factor)[order] for name, kind in (("shrunk", "effect"), ("std_error", "std_error"), ("lower", "lower"),
                                                                           ("upper", "upper"))},
        own_share=found.own_share[order],
        fewest=np.array([NO_OCCURRENCE if fewest[i] is None else fewest[i] for i in order]),
        mean=found.mean * factor,
        new_lower=found.new_lower * factor,
        new_upper=found.new_upper * factor,
        p_value=spread.q_p_value,
        tau=math.sqrt(spread.tau2) * abs(factor),
        tau_lower=math.sqrt(spread.tau2_lower) * abs(factor),
        tau_upper=math.sqrt(spread.tau2_upper) * abs(factor),
        i2=spread.i2,
    )
