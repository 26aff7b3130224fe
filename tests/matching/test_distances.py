"""Coordinates give the distances of MatchIt 4.7.2, and what a reader would expect of them."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.matching import Candidates
from evaluation.matching.search.distances import KINDS, average_ranks, distance_columns, whitened
from tests.matching.references import COVARIATES, candidates_for

# In R: D <- mahalanobis_dist(treat ~ x1 + x2 + x3 + x4 + b1 + grp, data = generated, s.weights = NULL or sw); c(sum(D), D[1, 1], D[139, 461], max(D))
MATCHIT = {
    ("mahalanobis", False): (269545.175512689690, 2.232122725028, 5.663746946527, 8.929554056584),
    ("mahalanobis", True): (269531.593906514754, 2.249032005946, 5.758614875716, 8.939379549304),
    ("robust_mahalanobis", False): (227988.655627778440, 2.314016384465, 4.313489971186, 6.615290990914),
    ("robust_mahalanobis", True): (228055.131212204695, 2.327302935527, 4.359968804280, 6.678244509614),
    ("scaled_euclidean", False): (283857.976717398968, 2.204487036866, 6.019341138286, 9.598292581163),
    ("scaled_euclidean", True): (283907.401249025657, 2.216711680936, 6.035285201315, 9.610848017172),
    ("euclidean", False): (824075.229291995754, 9.785251376434, 19.627344537150, 57.052304979028),
    ("euclidean", True): (824075.229291995754, 9.785251376434, 19.627344537150, 57.052304979028),
}


def between(z, treated=None):
    """Distances of all pairs, or of treated and comparison rows."""
    left, right = (z, z) if treated is None else (z[treated], z[~treated])
    return np.sqrt(np.square(left[:, None] - right).sum(axis=2))


@pytest.mark.parametrize(("kind", "weighted"), list(MATCHIT))
def test_distances_are_those_of_matchit(kind, weighted):
    rows = candidates_for({"data": "generated", "call": "s.weights" if weighted else ""})
    x = distance_columns(rows, COVARIATES["generated"])
    d = between(whitened(x, rows.treated, rows.weights, kind), rows.treated)
    assert (d.sum(), d[0, 0], d[138, 460], d.max()) == pytest.approx(MATCHIT[kind, weighted], rel=1e-11)


def test_the_mahalanobis_distance_is_found_by_hand():
    # within groups: x is -1, 1, -1, 1 and y is -2, -2, 2, 2 about their means, uncorrelated; variances 4 / 2 = 2 and 16 / 2 = 8
    x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0], [5.0, 5.0], [7.0, 5.0], [5.0, 9.0], [7.0, 9.0]])
    z = whitened(x, np.arange(8) < 4, np.ones(8), "mahalanobis")
    variances = np.array([8 / 6, 32 / 6])                  # eight rows, two groups: 6 degrees of freedom
    assert between(z)[0, 7] == pytest.approx(np.sqrt(49 / variances[0] + 81 / variances[1]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_units_and_mixtures_of_columns_do_not_change_a_mahalanobis_distance(seed):
    rng = np.random.default_rng(seed)
    x, treated, w = rng.normal(size=(40, 3)), np.arange(40) < 15, rng.uniform(0.5, 2, 40)
    mixed = x @ rng.normal(size=(3, 3)) * 100 + 7
    for weights in (np.ones(40), w):
        np.testing.assert_allclose(between(whitened(mixed, treated, weights, "mahalanobis")), between(whitened(x, treated, weights, "mahalanobis")),
                                   rtol=1e-4)
    np.testing.assert_allclose(between(whitened(np.exp(x), treated, w, "robust_mahalanobis")), between(whitened(x, treated, w, "robust_mahalanobis")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_does_not_vary_changes_nothing(kind):
    rng = np.random.default_rng(1)
    x, treated = rng.normal(size=(30, 2)), np.arange(30) < 10
    more = np.column_stack([x[:, 0], np.full(30, 5.0), x[:, 1]])
    np.testing.assert_allclose(between(whitened(more, treated, np.ones(30), kind)), between(whitened(x, treated, np.ones(30), kind)), atol=1e-12)
    assert (between(whitened(more[:, 1:2], treated, np.ones(30), kind)) == 0).all()


def test_an_indicator_for_every_level_gives_the_mahalanobis_distance_of_all_but_one():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"age": rng.normal(size=60), "area": rng.choice(["n", "s", "w"], 60), "joined": rng.random(60) < 0.4})
    rows = Candidates.of_table(table, treated="joined")
    every, fewer = distance_columns(rows, ("age", "area")), rows.matrix(("age", "area"))[0]
    assert (every.shape[1], fewer.shape[1]) == (4, 3)
    one, other = (between(whitened(x, rows.treated, np.ones(60), "mahalanobis")) for x in (every, fewer))
    np.testing.assert_allclose(one, other, atol=1e-10)


def test_rows_that_differ_in_a_text_are_one_apart():
    rows = Candidates.of_table(pd.DataFrame({"area": ["n", "s", "w"], "joined": [1, 0, 0]}), treated="joined")
    z = whitened(distance_columns(rows, ("area",)), rows.treated, np.ones(3), "euclidean")
    np.testing.assert_allclose(between(z), 1 - np.eye(3), atol=1e-12)


def test_a_column_that_varies_between_the_groups_only_cannot_be_scaled_and_is_left_out():
    x = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [2.0, 3.0]])
    for kind in ("mahalanobis", "scaled_euclidean"):
        z = whitened(x, np.array([True, True, False, False]), np.ones(4), kind)
        assert between(z)[0].tolist() == pytest.approx([0, 2**0.5, 0, 2**0.5])


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_does_not_change_a_distance(kind):
    rng = np.random.default_rng(3)
    x, treated, w, order = rng.normal(size=(50, 4)), rng.random(50) < 0.3, rng.uniform(1, 2, 50), rng.permutation(50)
    np.testing.assert_allclose(between(whitened(x[order], treated[order], w[order], kind)), between(whitened(x, treated, w, kind))[order][:, order],
                               atol=1e-11)


def test_equal_values_share_their_mean_rank():
    assert average_ranks(np.array([5.0, 1.0, 5.0, 9.0, 5.0])).tolist() == [3.0, 1.0, 3.0, 5.0, 3.0]
