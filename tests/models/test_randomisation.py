"""Randomisation inference against brute force, Fisher's exact test, and what must hold by design."""
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, hypergeom

from evaluation.errors import EstimationError, PlanError
from evaluation.models.assignments import Assignments
from evaluation.models.randomisation import RandomisationInference

RNG = np.random.default_rng


def gap(y, w, d):
    return np.average(y[d], weights=w[d]) - np.average(y[~d], weights=w[~d])


def clustered(seed=0, n=9, n_treated=3):
    """Rows of clusters of unequal sizes, whole clusters treated."""
    rng = RNG(seed)
    code = np.repeat(np.arange(n), rng.integers(1, 6, n))
    return rng.normal(size=len(code)) + rng.normal(size=n)[code], code < n_treated, code, rng.uniform(0.5, 2, len(code))


def test_six_families_by_hand():
    """Treated 5, 6, 9 and comparison 1, 2, 4: the largest of 20 gaps and, with its mirror image, 2 of 20 as large in absolute value."""
    found = RandomisationInference().test(np.array([5.0, 6, 9, 1, 2, 4]), np.arange(6) < 3, rng=RNG(0))
    assert found.estimate == pytest.approx(20 / 3 - 7 / 3)
    assert (found.p_value, found.p_greater, found.p_less) == (0.1, 0.05, 1.0)
    assert found.exact and found.n_assignments == 20
    assert (found.lower, found.upper) == (-np.inf, np.inf)             # 2 of 20 never fall to 5%


@pytest.mark.parametrize("null", [0.0, 0.6])
def test_clusters_reassigned_are_what_brute_force_gives(null):
    y, d, code, w = clustered()
    found = RandomisationInference().test(y, d, clusters=code, weights=w, rng=RNG(0), null=null)
    shifted = y - null * d
    gaps = np.array([gap(shifted, w, np.isin(code, chosen)) for chosen in combinations(range(9), 3)])
    actual = gap(shifted, w, d)
    assert found.n_assignments == 84 and found.statistic == pytest.approx(actual)
    assert found.p_value == np.mean(np.abs(gaps) >= abs(actual) - 1e-12)
    assert found.p_greater == np.mean(gaps >= actual - 1e-12) and found.p_less == np.mean(gaps <= actual + 1e-12)


def test_strata_keep_their_numbers_of_treated():
    y, d, code, w = clustered(1, n=10, n_treated=4)
    region = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 1])
    found = RandomisationInference().test(y, d, clusters=code, strata=region[code], weights=w, rng=RNG(0))
    gaps = np.array([gap(y, w, np.isin(code, [*a, *b]))
                     for a, b in product(combinations(np.flatnonzero(region == 0), 2), combinations(np.flatnonzero(region == 1), 2))])
    assert found.n_assignments == 100 and found.p_value == np.mean(np.abs(gaps) >= abs(gap(y, w, d)) - 1e-12)


def welch(y, d):
    return (y[d].mean() - y[~d].mean()) / np.sqrt(y[d].var(ddof=1) / d.sum() + y[~d].var(ddof=1) / (~d).sum())


def test_the_studentised_statistic_is_that_of_welch():
    rng = RNG(2)
    y, d = rng.normal(size=9), np.arange(9) < 4
    found = RandomisationInference(statistic="studentised").test(y, d, rng=rng, null=0.2)
    every = [np.isin(np.arange(9), chosen) for chosen in combinations(range(9), 4)]
    drawn = np.array([welch(y - 0.2 * d, e) for e in every])
    assert found.statistic == pytest.approx(welch(y - 0.2 * d, d))
    assert found.p_value == np.mean(np.abs(drawn) >= abs(found.statistic) - 1e-9)


def test_a_function_of_ones_own_gives_what_the_named_statistic_gives():
    y, d, code, _ = clustered(3)
    means = np.bincount(code, weights=y) / np.bincount(code)

    def difference(values, chosen):
        return np.array([values[c].mean() - values[~c].mean() for c in chosen])
    own = RandomisationInference(statistic=difference, level=0.9).test(means, np.arange(9) < 3, rng=RNG(0))
    named = RandomisationInference(level=0.9).test(means, np.arange(9) < 3, rng=RNG(0))
    assert (own.p_value, own.p_less) == (named.p_value, named.p_less)
    assert (own.lower, own.upper) == (pytest.approx(named.lower), pytest.approx(named.upper))


def sets(seed, n=6, size=3):
    rng = RNG(seed)
    stratum = np.repeat(np.arange(n), size)
    return rng.normal(size=n * size) + rng.normal(size=n)[stratum], np.arange(n * size) % size == 0, stratum


def test_families_reassigned_inside_matched_sets_are_what_brute_force_gives():
    y, d, stratum = sets(0)
    found = RandomisationInference(statistic="within_strata").test(y, d, strata=stratum, rng=RNG(0))
    table = y.reshape(6, 3)
    gaps = np.array([np.mean([row[i] - (row.sum() - row[i]) / 2 for row, i in zip(table, chosen, strict=True)])
                     for chosen in product(range(3), repeat=6)])
    assert found.n_assignments == 729 and found.estimate == pytest.approx(gaps[0])
    assert found.p_value == np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-12)


def test_pairs_are_flips_of_signs():
    y, d, stratum = sets(1, n=8, size=2)
    found = RandomisationInference(statistic="within_strata").test(y, d, strata=stratum, rng=RNG(0))
    change = y[0::2] - y[1::2]
    flips = np.array(list(product([1, -1], repeat=8))) @ change / 8
    assert found.p_value == np.mean(np.abs(flips) >= abs(change.mean()) - 1e-12)


def test_strata_of_one_arm_only_stand_aside():
    y, d, stratum = sets(2)
    more = RandomisationInference(statistic="within_strata").test(
        np.append(y, [90.0, -70.0]), np.append(d, [True, False]), strata=np.append(stratum, [90, 91]), rng=RNG(0))
    without = RandomisationInference(statistic="within_strata").test(y, d, strata=stratum, rng=RNG(0))
    assert (more.p_value, more.n_assignments) == (without.p_value, without.n_assignments)
    assert (more.estimate, more.lower, more.upper) == pytest.approx((without.estimate, without.lower, without.upper))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(0, 7), st.integers(1, 9), st.integers(0, 9))
def test_a_binary_outcome_is_fishers_exact_test(a_size, a_hits, b_size, b_hits):
    a_hits, b_hits = min(a_hits, a_size), min(b_hits, b_size)
    y = np.r_[np.arange(a_size) < a_hits, np.arange(b_size) < b_hits].astype(float)
    d = np.arange(a_size + b_size) < a_size
    found = RandomisationInference().test(y, d, rng=RNG(0))
    table = [[a_hits, a_size - a_hits], [b_hits, b_size - b_hits]]
    assert found.p_greater == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
    assert found.p_less == pytest.approx(fisher_exact(table, alternative="less").pvalue)
    if a_size == b_size:       # two-sided, the tests order tables alike where the arms are of one size
        assert found.p_value == pytest.approx(min(1.0, fisher_exact(table).pvalue))
    counts = np.arange(a_size + 1)
    gaps = counts / a_size - (a_hits + b_hits - counts) / b_size
    chance = hypergeom(len(y), a_hits + b_hits, a_size).pmf(counts)
    assert found.p_value == pytest.approx(chance[np.abs(gaps) >= abs(found.estimate) - 1e-12].sum())


@pytest.mark.parametrize("statistic", ["difference", "studentised", "within_strata"])
def test_the_interval_holds_the_effects_that_are_not_rejected(statistic):
    y, d, stratum = sets(3, n=7, size=2) if statistic == "within_strata" else (*clustered(4, n=11, n_treated=5)[:2], None)
    code = None if stratum is not None else clustered(4, n=11, n_treated=5)[2]
    spec = RandomisationInference(statistic=statistic, level=0.9)
    found = spec.test(y, d, clusters=code, strata=stratum, rng=RNG(0))
    width = found.upper - found.lower
    assert 0 < width < 20

    def p(tau):
        return spec.test(y, d, clusters=code, strata=stratum, rng=RNG(0), null=tau).p_value
    for inside in np.linspace(found.lower + 1e-6 * width, found.upper - 1e-6 * width, 9):
        assert p(inside) > 0.1
    assert p(found.lower - 1e-6 * width) <= 0.1 and p(found.upper + 1e-6 * width) <= 0.1
    assert p(found.estimate) == 1.0


def test_draws_come_near_all_assignments():
    """24,310 assignments are drawn from; 3 Monte Carlo errors of 19,999 draws are 0.011."""
    rng = RNG(5)
    y, d = rng.normal(size=17) + 0.5 * (np.arange(17) < 8), np.arange(17) < 8
    found = RandomisationInference(n_draws=19_999).test(y, d, rng=rng)
    assert not found.exact and found.n_assignments == 20_000
    chosen = np.array(list(combinations(range(17), 8)))
    gaps = y[chosen].mean(axis=1) - (y.sum() - y[chosen].sum(axis=1)) / 9
    assert found.p_value == pytest.approx(np.mean(np.abs(gaps) >= abs(found.estimate) - 1e-12), abs=0.011)


@pytest.mark.parametrize("treated", [(1, 1, 1), (2, 1, 3)])
def test_random_assignments_are_equally_likely_and_keep_the_strata(treated):
    strata = np.repeat([0, 1, 2], [3, 2, 4])
    d = np.concatenate([np.arange(n) < k for n, k in zip((3, 2, 4), treated, strict=True)])
    design = Assignments(treated=d, strata=strata)
    drawn = np.concatenate(list(design.draws(24_000, RNG(0))))
    assert (np.add.reduceat(drawn.astype(int), [0, 3, 5], axis=1) == treated).all()
    every = np.concatenate(list(design.every()))
    assert len(np.unique(every, axis=0)) == len(every) == design.count == 24
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 24 and abs(counts - 1_000).max() < 4.5 * np.sqrt(1_000)


def test_the_same_seed_gives_the_same_test_and_order_of_rows_does_not_matter():
    y, d, code, w = clustered(6, n=24, n_treated=9)
    spec = RandomisationInference(n_draws=499)
    one = spec.test(y, d, clusters=code, weights=w, rng=RNG(1))
    assert one == spec.test(y, d, clusters=code, weights=w, rng=RNG(1)) and not one.exact
    order = RNG(2).permutation(len(y))
    two = spec.test(y[order], d[order], clusters=code[order], weights=w[order], rng=RNG(1))
    assert (two.p_value, two.lower) == (one.p_value, pytest.approx(one.lower))


@pytest.mark.parametrize("statistic", ["difference", "studentised"])
def test_size_is_held_over_all_assignments_whatever_the_outcome(statistic):
    """Whichever 3 of 8 were treated: at most 5% of the 56 assignments are rejected at 5%, and a fifth at 20%."""
    y, spec = RNG(7).exponential(size=8), RandomisationInference(statistic=statistic)
    p = np.array([spec.test(y, np.isin(np.arange(8), chosen), rng=RNG(0)).p_value for chosen in combinations(range(8), 3)])
    assert (p <= 0.05).mean() <= 0.05 and (p <= 0.2).mean() <= 0.2 and (p <= 0.2).any()


def test_what_cannot_be_reassigned_is_refused():
    y, d, code, w = clustered()
    spec = RandomisationInference()
    with pytest.raises(EstimationError, match="one arm and one stratum"):
        spec.test(y, np.arange(len(y)) % 2 == 0, clusters=code, rng=RNG(0))
    with pytest.raises(EstimationError, match="one arm and one stratum"):
        spec.test(y, d, clusters=code, strata=np.arange(len(y)), rng=RNG(0))
    with pytest.raises(EstimationError, match="wider strata"):
        spec.test(y, d, clusters=code, strata=code, rng=RNG(0))
    with pytest.raises(EstimationError, match="missing"):
        spec.test(np.where(np.arange(len(y)) == 1, np.nan, y), d, clusters=code, rng=RNG(0))
    with pytest.raises(EstimationError, match="missing"):
        spec.test(y, d, clusters=code, weights=0 * w, rng=RNG(0))
    with pytest.raises(PlanError, match="within_strata or a function"):
        RandomisationInference(statistic="median")
    with pytest.raises(PlanError, match="99 draws"):
        RandomisationInference(n_draws=10)
