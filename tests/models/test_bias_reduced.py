"""CR2 and its degrees of freedom against clubSandwich, and against the matrices that they are made from."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.models.bias_reduced import BlockSums, cr2, cr3
from evaluation.models.clustered import ClusteredRegression

FOLDER = Path(__file__).parents[1] / "reference" / "clubsandwich_means"
RTOL = 1e-10
RESULTS = pd.read_csv(FOLDER / "results.csv").set_index("case")


def block_sums(cluster, block, weight, y, n_blocks):
    cluster = np.unique(cluster, return_inverse=True)[1]
    mean = np.array([np.average(y[block == k], weights=weight[block == k]) for k in range(n_blocks)])
    residual, shape = y - mean[block], (cluster.max() + 1, n_blocks)

    def add(values):
        return np.bincount(cluster * n_blocks + block, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
    sums = {"count": np.ones(len(y)), "weight": weight, "squares": weight**2, "residual": residual, "weighted": weight * residual}
    return mean, BlockSums(**{name: add(values) for name, values in sums.items()})


def one_contrast(sums, contrast, shares=None):
    variance, df = cr2(sums, contrast[None, :], shares=None if shares is None else shares[:, None])
    return variance[0, 0], df[0]


@pytest.mark.parametrize("case", RESULTS.index)
def test_contrasts_of_weighted_means_have_the_error_and_degrees_of_freedom_of_clubsandwich(case):
    data = pd.read_csv(FOLDER / "observations.csv").query("case == @case")
    cells = data["cell"].max()
    share = np.arange(1, cells + 1) / np.arange(1, cells + 1).sum()
    contrast = np.column_stack([-share, share]).ravel()
    block = (2 * (data["cell"] - 1) + data["treated"]).to_numpy()
    mean, sums = block_sums(data["cluster"].to_numpy(), block, data["weight"].to_numpy(float), data["y"].to_numpy(), 2 * cells)
    variance, df = one_contrast(sums, contrast)
    stored = RESULTS.loc[case]
    assert contrast @ mean == pytest.approx(stored["estimate"], rel=RTOL)
    assert np.sqrt(variance) == pytest.approx(stored["std_error"], rel=RTOL)
    assert df == pytest.approx(stored["df"], rel=RTOL)


def test_one_observation_a_cluster_and_arms_alike_is_the_two_sample_t_test_of_welch():
    """CR2 is HC2: the variance of each mean with n - 1."""
    rng = np.random.default_rng(0)
    y, block = rng.normal(size=25), np.repeat([0, 1], [10, 15])
    _, sums = block_sums(np.arange(25), block, np.ones(25), y, 2)
    variance, df = one_contrast(sums, np.array([-1.0, 1.0]))
    assert variance == pytest.approx(y[:10].var(ddof=1) / 10 + y[10:].var(ddof=1) / 15)
    assert df == pytest.approx((1 / 10 + 1 / 15) ** 2 / (1 / 10**2 / 9 + 1 / 15**2 / 14))


def test_a_block_that_is_one_cluster_adds_nothing_to_the_variance():
    y = np.array([1.0, 2.0, 4.0, 7.0, 8.0])
    _, sums = block_sums(np.array([0, 0, 1, 2, 3]), np.array([1, 1, 0, 0, 0]), np.ones(5), y, 2)
    assert one_contrast(sums, np.array([-1.0, 1.0]))[0] == pytest.approx(y[2:].var(ddof=1) / 3)


def test_what_clusters_contribute_through_shares_is_added_to_their_scores():
    y = np.array([1.0, 2.0, 4.0, 7.0])
    _, sums = block_sums(np.arange(4), np.array([0, 0, 1, 1]), np.ones(4), y, 2)
    contrast, shares = np.array([-1.0, 1.0]), np.array([0.1, -0.1, 0.2, -0.2])
    scores = np.array([0.5, -0.5, -1.5, 1.5]) / 2 * np.sqrt(2)
    assert one_contrast(sums, contrast, shares)[0] == pytest.approx(((scores + shares) ** 2).sum())


def test_several_contrasts_have_a_covariance_that_gives_the_variance_of_their_difference():
    rng = np.random.default_rng(1)
    cluster, block, weight, y = rng.integers(0, 9, 80), rng.integers(0, 4, 80), rng.uniform(0.2, 2, 80), rng.normal(size=80)
    _, sums = block_sums(cluster, block, weight, y, 4)
    one, two = np.array([-1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0, 1.0])
    v, _ = cr2(sums, np.vstack([one, two]))
    assert v[0, 0] + v[1, 1] - 2 * v[0, 1] == pytest.approx(one_contrast(sums, one - two)[0])


@pytest.mark.parametrize("case", RESULTS.index)
def test_the_jackknife_errors_and_their_degrees_of_freedom_equal_the_regression_on_dummies(case):
    """`clustered.py` is held to clubSandwich; here the same from the sums alone."""
    data = pd.read_csv(FOLDER / "observations.csv").query("case == @case")
    block = (2 * (data["cell"] - 1) + data["treated"]).to_numpy()
    n = block.max() + 1
    mean, sums = block_sums(data["cluster"].to_numpy(), block, data["weight"].to_numpy(float), data["y"].to_numpy(), n)
    contrast = np.tile([-1.0, 1.0], n // 2) * np.repeat(np.arange(1, n // 2 + 1), 2)
    variance, df = cr3(sums, contrast[None, :])
    theirs = ClusteredRegression.from_blocks(sums, mean).test(contrast, kind="CR3")
    assert np.sqrt(variance[0, 0]) == pytest.approx(theirs.std_error, rel=RTOL) and df[0] == pytest.approx(theirs.df, rel=RTOL)
