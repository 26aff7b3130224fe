"""Studies in which the programme does nothing: their net value is minus the cost on average, and its interval holds that as often as it says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evaluation.matching.sample import MatchedSample
from evaluation.models import MatchedDiD, overall
from evaluation.pipeline.value import correlated
from evaluation.value import JointEffects, appraise
from tests.matching.panels import panel_of
from tests.value.cases import OUTCOMES, case

N_STUDIES, N_PAIRS, COST = 1_000, 40, 122_946.38
ESTIMATING = SimpleNamespace(headline=(1, 4), plan=SimpleNamespace(programme=SimpleNamespace(assignment="unit")))


def study(rng: np.random.Generator) -> MatchedSample:
    """Pairs followed for 13 quarters; families that offend more are on benefit more in the same quarters, and nothing changes at entry."""
    shape = (2 * N_PAIRS, 13)
    trouble = rng.normal(size=(shape[0], 1)) + rng.normal(size=shape)
    offences = rng.poisson(0.15 * np.exp(0.8 * trouble - 0.6))
    benefit = 100.0 * (trouble + rng.normal(size=shape) > 0.3)
    panel = panel_of(np.repeat([8, -1], N_PAIRS), {"offences": offences, "out_of_work_benefit": benefit}, unit="family")
    pairs = np.arange(N_PAIRS)
    return MatchedSample(
        panel=panel, method="by hand", set_entry=np.full(N_PAIRS, 8), treated_unit=pairs, treated_set=pairs, treated_weight=np.ones(N_PAIRS),
        comparison_unit=N_PAIRS + pairs, comparison_set=pairs, comparison_weight=np.ones(N_PAIRS), candidates=pd.DataFrame(), balance=pd.DataFrame(),
        dropped=pd.DataFrame(),
    )  # fmt: skip


def effects_of(sample: MatchedSample) -> JointEffects:
    """Effects with their joint uncertainty, as a run of a study makes them."""
    effects = [MatchedDiD(base=-4, window=(-8, 4), anticipation=1).fit(sample, name) for name in OUTCOMES]
    found = [overall(one, quarters=(1, 4)) for one in effects]
    together = correlated(ESTIMATING, OUTCOMES, effects)
    scale = together.std_errors()
    return JointEffects(
        outcomes=OUTCOMES, estimates=np.array([one.estimate for one in found]), std_errors=np.array([one.std_error for one in found]),
        correlation=together.covariance / np.outer(scale, scale), df=min(one.df for one in found),
    )  # fmt: skip


@pytest.mark.slow
def test_over_a_thousand_null_studies_the_mean_value_is_minus_the_cost_and_intervals_hold_it():
    rng, rows = np.random.default_rng(5), []
    for _ in range(N_STUDIES):
        known = effects_of(study(rng))
        made = appraise(case(people={}), known, n_draws=2_000, rng=rng)
        net = made.net()
        rows.append((net.mean, net.lower < -made.cost < net.upper, known.correlation[0, 1]))
    net, held, correlation = np.array(rows).T
    error = net.std(ddof=1) / np.sqrt(N_STUDIES)
    assert abs(net.mean() + COST) < 3.5 * error and error < 0.03 * COST
    assert 0.93 < held.mean() < 0.97  # 95 in 100 and 2.9 standard errors of a share of 1,000
    assert correlation.mean() > 0.1  # the outcomes go together: draws that took them apart would be too narrow
