"""Wild cluster bootstrap against brute force over all sign patterns and fwildclusterboot (stored)."""
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models.clustered import ClusteredRegression
from evaluation.models.wild import WEBB, WildBootstrap, multipliers

REFERENCE = Path(__file__).parents[1] / "reference"
RNG = np.random.default_rng
ROUNDING = 1e-9
STORED = pd.read_csv(REFERENCE / "wildboottest" / "fwildclusterboot.csv")
PEER = pd.read_csv(REFERENCE / "wildboottest" / "wildboottest.csv")
FEW = pd.read_csv(REFERENCE / "clubsandwich" / "few.csv").assign(one=1.0)


def simulated(n_clusters, seed=0, k=3, largest=12):
    rng = RNG(seed)
    code = np.repeat(np.arange(n_clusters), rng.integers(1, largest, n_clusters))
    x = np.column_stack([np.ones(len(code)), code < n_clusters // 3, rng.normal(size=(len(code), k - 2))])
    return x, x.sum(axis=1) + 0.5 * rng.normal(size=n_clusters)[code] + rng.normal(size=len(code)), code


def refitted(x, y, code, c, null, restricted, patterns, w):
    """t of the sample and of every pattern, each from a regression of its own on all rows."""
    g = code.max() + 1
    m = np.linalg.inv(x.T @ (w[:, None] * x))

    def t(outcome, centre):
        b = m @ x.T @ (w * outcome)
        s = np.array([(x[code == i] * (w * (outcome - x @ b))[code == i, None]).sum(axis=0) for i in range(g)])
        return (c @ b - centre) / np.sqrt(g / (g - 1) * (c @ m @ s.T @ s @ m @ c))
    b = m @ x.T @ (w * y)
    if restricted:
        b = b - m @ c * (c @ b - null) / (c @ m @ c)
    e = y - x @ b
    return t(y, null), np.array([t(x @ b + v[code] * e, c @ b) for v in patterns])


@pytest.mark.parametrize("residuals", ["restricted", "unrestricted"])
@pytest.mark.parametrize("null", [0.0, 0.7])
@pytest.mark.parametrize("weighted", [False, True])
def test_draws_from_sums_are_those_of_refitting_every_sign_pattern(residuals, null, weighted):
    x, y, code = simulated(8)
    w = RNG(1).uniform(0.3, 2, len(y)) if weighted else np.ones(len(y))
    c = np.array([0.3, 1.0, 0.0])
    fit = ClusteredRegression.from_rows(x, y, code, weights=w)
    sample = WildBootstrap(residuals=residuals).sample(fit, c, rng=RNG(0))
    actual, drawn = refitted(x, y, code, c, null, residuals == "restricted", np.array(list(product([1, -1], repeat=8))), w)
    assert np.sort(sample.statistics(null)) == pytest.approx(np.sort(drawn), abs=ROUNDING)
    assert sample.p_value(null) == np.mean(np.abs(drawn) >= abs(actual) - ROUNDING)
    one_sided = WildBootstrap(residuals=residuals, tails="equal").sample(fit, c, rng=RNG(0)).p_value(null)
    assert one_sided == min(1, 2 * min(np.mean(drawn >= actual - ROUNDING), np.mean(drawn <= actual + ROUNDING)))


@pytest.mark.parametrize("row", list(STORED.itertuples()), ids=lambda r: f"{r.set} {r.formula} {r.null} {r.impose} {r.tails}")
def test_full_enumeration_is_that_of_fwildclusterboot(row):
    """It counts draws beyond the sample's |t| alone: with the null imposed two draws repeat the sample, and ours counts them."""
    data = FEW[(FEW["set"] == row.set) & ((FEW["mw"] > 0) | (not row.weighted))]
    columns = ["one", *row.formula.split(" ~ ")[1].split(" + ")]
    fit = ClusteredRegression.from_rows(data[columns].to_numpy(float), data["y"].to_numpy(), data["cluster"].to_numpy(),
                                        weights=data["mw"].to_numpy() if row.weighted else None)
    spec = WildBootstrap(residuals="restricted" if row.impose else "unrestricted", multiplier="rademacher", n_draws=2**row.set,
                         tails="symmetric" if row.tails == "two-tailed" else "equal")
    sample = spec.sample(fit, (np.array(columns) == row.param).astype(float), rng=RNG(0))
    ties = 2 / 2**row.set if row.impose else 0.0
    assert sample.enumerated and len(sample.numerator) == 2**row.set
    assert (row.estimate - row.null) / sample.std_error == pytest.approx(row.t, rel=1e-9)
    assert sample.p_value(row.null) == pytest.approx(row.p + ties, abs=1e-12)
    if row.impose:             # its bounds lie between two steps of the p value
        for bound, outward in ((row.lower, -1), (row.upper, 1)):
            nudge, room = outward * 0.002 * (row.upper - row.lower), 8 / 2**row.set
            assert sample.p_value(bound - nudge) - ties >= 0.05 - room and sample.p_value(bound + nudge) - ties <= 0.05 + room
    else:
        found = sample.test(row.null)
        assert (found.lower, found.upper) == pytest.approx((row.lower, row.upper), abs=5e-9)       # its search stops at 1e-9


@pytest.mark.parametrize("row", list(PEER.itertuples()), ids=lambda r: f"{r.terms} {r.impose}")
def test_full_enumeration_is_that_of_wildboottest(row):
    """It counts the two draws that repeat the sample, or not, as rounding has it."""
    data = FEW[FEW["set"] == 10]
    columns = ["one", *row.terms.split(" + ")]
    fit = ClusteredRegression.from_rows(data[columns].to_numpy(float), data["y"].to_numpy(), data["cluster"].to_numpy())
    spec = WildBootstrap(residuals="restricted" if row.impose else "unrestricted")
    found = spec.sample(fit, (np.arange(len(columns)) == 1).astype(float), rng=RNG(0)).p_value()
    assert row.draws == 1024 and any(found == pytest.approx(row.p + ties, abs=1e-12) for ties in ([0.0, 2 / 1024] if row.impose else [0.0]))


@pytest.mark.parametrize("residuals", ["restricted", "unrestricted"])
@pytest.mark.parametrize("tails", ["symmetric", "equal"])
def test_the_interval_holds_the_nulls_that_are_not_rejected(residuals, tails):
    x, y, code = simulated(10, seed=2)
    fit, c = ClusteredRegression.from_rows(x, y, code), np.array([0, 1.0, 0])
    sample = WildBootstrap(residuals=residuals, tails=tails, level=0.9).sample(fit, c, rng=RNG(0))
    found = sample.test()
    step = 1e-9 * found.std_error
    assert found.lower < found.estimate < found.upper
    for bound, outward in ((found.lower, -1), (found.upper, 1)):
        assert sample.p_value(bound - outward * step) > 0.1 and sample.p_value(bound + outward * step) <= 0.1


def test_five_clusters_of_signs_cannot_reject_and_the_interval_says_so():
    x, y, code = simulated(5)
    fit = ClusteredRegression.from_rows(x, y + 50 * x[:, 1], code)
    found = WildBootstrap(multiplier="rademacher").test(fit, np.array([0, 1.0, 0]), rng=RNG(0))
    assert found.p_value == 1 / 16 and (found.lower, found.upper) == (-np.inf, np.inf)


def test_up_to_seven_clusters_take_six_points_and_more_take_signs():
    def choice(n, **how):
        x, y, code = simulated(n, seed=3)
        found = WildBootstrap(**how).test(ClusteredRegression.from_rows(x, y, code), np.array([0, 1.0, 0]), rng=RNG(0))
        return found.multiplier, found.enumerated, found.n_draws
    assert choice(7, n_draws=99) == ("webb", False, 99)
    assert choice(8, n_draws=99) == ("rademacher", True, 256)
    assert choice(12, n_draws=99) == ("rademacher", True, 4096)
    assert choice(13, n_draws=999) == ("rademacher", False, 999)
    assert choice(13, n_draws=9_999) == ("rademacher", True, 8192)


def test_random_draws_come_near_all_sign_patterns():
    """Three Monte Carlo errors of 9,999 draws are 0.015."""
    x, y, code = simulated(14, seed=4)
    fit, c = ClusteredRegression.from_rows(x, y, code), np.array([0, 1.0, 0])
    every = WildBootstrap(n_draws=2**14).sample(fit, c, rng=RNG(0))
    some = WildBootstrap(n_draws=9_999).sample(fit, c, rng=RNG(0))
    assert every.enumerated and not some.enumerated
    for null in (0.2, 0.5, 2.0):
        assert some.p_value(null) == pytest.approx(every.p_value(null), abs=0.015)


def test_webb_points_have_mean_0_variance_1():
    v = np.concatenate(list(multipliers("webb", 60_000, 3, RNG(0))))
    assert v.mean() == pytest.approx(0, abs=0.01) and v.var() == pytest.approx(1, abs=0.01)
    assert set(np.unique(v).round(6)) == set(np.concatenate([WEBB, -WEBB]).round(6))


def test_regressions_of_several_outcomes_share_their_multipliers():
    x, y, code = simulated(15, seed=5)
    c = np.array([0, 1.0, 0])
    one, two = (WildBootstrap(n_draws=500).sample(ClusteredRegression.from_rows(x, scale * y, code), c, rng=RNG(9)) for scale in (1.0, -3.0))
    assert one.statistics() == pytest.approx(-two.statistics(), rel=1e-7)


def test_the_bootstrap_does_not_depend_on_the_number_of_rows():
    x, y, code = simulated(9, seed=6)
    c = np.array([0, 1.0, 0])
    one, many = (WildBootstrap().test(ClusteredRegression.from_rows(np.repeat(x, n, 0), np.repeat(y, n), np.repeat(code, n)), c, rng=RNG(0))
                 for n in (1, 5))
    assert (many.p_value, many.lower) == (one.p_value, pytest.approx(one.lower, rel=1e-9))


def test_bad_options_and_a_contrast_without_an_error_are_refused():
    for wrong in ({"residuals": "null"}, {"multiplier": "normal"}, {"tails": "left"}):
        with pytest.raises(PlanError, match="must be one of"):
            WildBootstrap(**wrong)
    with pytest.raises(PlanError, match="99 draws"):
        WildBootstrap(n_draws=9)
    x, y, code = simulated(6)
    with pytest.raises(EstimationError, match="above zero"):
        WildBootstrap().test(ClusteredRegression.from_rows(x, y, code), np.zeros(3), rng=RNG(0))
