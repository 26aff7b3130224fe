from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.problem import Pairs, Sets
from evaluation.models.abadie_imbens import AbadieImbens, Edges, local_variance, sphering
from tests.matching.references import candidates_for, data_of, reference, score_of
from tests.models.matches import match_of, pairs_match, small_table, stored_match, strata_match

RTOL = 1e-8                     # the references have 15 digits
X = ("x1", "x2", "x3")
ESTIMANDS = ("ATT", "ATC")


def _nearest(rows, squared, estimand, *, m=1, tolerance=0.0, within=None):
    """Pairs of every focal row with the m nearest rows of the other side and those as near: focal, other."""
    focal = np.flatnonzero(rows.treated == (estimand == "ATT"))
    other = np.flatnonzero(rows.treated != (estimand == "ATT"))
    distance = squared[np.ix_(focal, other)]
    if within is not None:
        distance = np.where(within[np.ix_(focal, other)], distance, np.inf)
    reach = np.sort(distance, axis=1)[:, m - 1]
    i, j = np.nonzero((distance <= reach[:, None] + tolerance) & np.isfinite(distance))
    return focal[i], other[j]


def _squared(x):
    z = (x @ np.linalg.cholesky(np.linalg.inv(np.atleast_2d(np.cov(x.T)))))
    return ((z[:, None] - z[None]) ** 2).sum(axis=2)


def _matches(name, estimands=("ATT",)):
    """The matches that a call of `Match` makes, made here by going through all pairs."""
    stored = reference(f"effect_generated_abadie_imbens_{name}")
    rows, x = candidates_for(stored), data_of("generated")[list(X)].to_numpy()
    if "score_in" in stored:
        x = score_of(reference(stored["score_in"]))[:, None]
        rows = small_table(rows.treated, score=x[:, 0], y=rows.column("y"))
    near = (np.abs(x[:, None] - x[None]) <= 0.5 * x.std(axis=0, ddof=1)).all(axis=2) if "caliper" in name else None
    options = {"m": 3 if "M3" in name else 1, "tolerance": 1e-5 if "default_tolerance" in name else 0.0, "within": near}
    columns = {"score": x[:, 0], "covariates": ("score",)} if "score_in" in stored else {"covariates": X}
    return stored, [pairs_match(rows, *_nearest(rows, _squared(x), estimand, **options), estimand=estimand, **columns) for estimand in estimands]


NAMES = [f"{on}_M{m}{adjusted}{variance}" for on in ("score", "mahalanobis") for m in (1, 3) for adjusted in ("", "_adjusted")
         for variance in ("", "_varcalc1")]


@pytest.mark.parametrize("name", [*NAMES, "score_M1_default_tolerance"])
def test_estimate_and_error_equal_those_of_matching_in_r(name):
    stored, (match,) = _matches(name)
    variance = "constant" if "Var.calc = 0" in stored["call"] else "score" if "score_in" in stored else "covariates"
    found = AbadieImbens(covariates=match.names if "adjusted" in name else (), variance=variance).fit(match, "y")
    assert len(match.comparison) == stored["n_matches"]
    assert found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
    assert found.std_error == pytest.approx(stored["se"], rel=RTOL)


def test_with_a_caliper_the_error_counts_only_those_matched_unlike_matching_in_r():
    """`Match` counts the 8 treated rows beyond the caliper as matched with a difference of 0; the estimate leaves them out, as ours does."""
    stored, (match,) = _matches("mahalanobis_M1_caliper")
    found = AbadieImbens().fit(match, "y")
    assert found.n_treated == stored["n_matches"] == 131 and found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
    assert np.sqrt(131**2 * found.std_error**2 + 8 * found.estimate**2) / 139 == pytest.approx(stored["se"], rel=RTOL)


@pytest.mark.parametrize("estimand", ["ATC", "ATE"])
def test_effects_on_the_comparison_rows_and_on_all_equal_those_of_matching_in_r(estimand):
    stored, matches = _matches(f"mahalanobis_M1_adjusted_varcalc1_{estimand.lower()}", ("ATC",) if estimand == "ATC" else ESTIMANDS)
    found = AbadieImbens(covariates=X).fit(matches[0], "y", mirrored=matches[1] if estimand == "ATE" else None)
    assert found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
    assert found.std_error == pytest.approx(stored["se"], rel=RTOL)


def _plain(y, treated, x, pairs, neighbours):
    """Estimate and error without correction, by loops over rows; the variance about a row over itself and its nearest, ties included."""
    squared, n = _squared(x), len(y)
    used, squares, difference = np.zeros(n), np.zeros(n), {}
    for i in sorted(set(pairs[0].tolist())):
        others = pairs[1][pairs[0] == i]
        used[others] += 1 / len(others)
        squares[others] += 1 / len(others) ** 2
        difference[i] = (y[i] - y[others].mean()) * (1 if treated[i] else -1)
    effect, n_focal = np.mean(list(difference.values())), len(difference)
    total = sum((d - effect) ** 2 for d in difference.values())
    for i in range(n):
        peers = np.flatnonzero((treated == treated[i]) & (np.arange(n) != i))
        reach = np.sort(squared[i, peers])[neighbours - 1]
        about = np.var(np.append(y[peers[squared[i, peers] <= reach * (1 + 1e-9) + 1e-12]], y[i]), ddof=1)
        total += (used[i] ** 2 + 2 * (i in difference) * used[i] - squares[i]) * about
    return effect, np.sqrt(total) / n_focal


@pytest.mark.parametrize("both", [False, True])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 3), neighbours=st.integers(1, 4))
def test_small_tables_with_ties_give_what_loops_over_rows_give(both, seed, m, neighbours):
    rng = np.random.default_rng(seed)
    treated = np.arange(24) % 3 == 0
    x, y = np.column_stack([rng.integers(0, 3, 24), rng.integers(0, 4, 24)]).astype(float), rng.normal(size=24)
    rows = small_table(treated, a=x[:, 0], b=x[:, 1], y=y)
    pairs = [_nearest(rows, _squared(x), estimand, m=m, tolerance=1e-9) for estimand in ESTIMANDS]
    matches = [pairs_match(rows, *pair, estimand=estimand, covariates=("a", "b")) for pair, estimand in zip(pairs, ESTIMANDS, strict=True)]
    found = AbadieImbens(neighbours=neighbours).fit(matches[0], "y", mirrored=matches[1] if both else None)
    together = tuple(np.concatenate(side) for side in zip(*pairs, strict=True)) if both else pairs[0]
    assert (found.estimate, found.std_error) == pytest.approx(_plain(y, treated, x, together, neighbours))


def test_the_estimate_and_error_are_those_worked_out_by_hand():
    """Treated 5, 9, 7 against comparison rows 3, 3, 6, the 3 used twice: differences 2, 6, 1, mean 3. The nearest to x = 1 among the comparison
    rows is x = 2 with outcome 6: variance (3 - 6)^2 / 2 = 4.5. Variance: (1 + 9 + 4 + (2^2 - 2) 4.5) / 9 = 23 / 9."""
    rows = small_table([1, 1, 1, 0, 0, 0], y=[5.0, 9.0, 7.0, 3.0, 6.0, 8.0], x=[1.0, 1.1, 2.0, 1.0, 2.0, 9.0])
    found = AbadieImbens().fit(pairs_match(rows, [0, 1, 2], [3, 3, 4], covariates=("x",)), "y")
    assert (found.estimate, found.std_error) == pytest.approx((3.0, np.sqrt(23 / 9)))
    assert found.upper == pytest.approx(3 + 1.959963985 * np.sqrt(23 / 9)) and found.df == np.inf
    assert (found.n_treated, found.n_comparison) == (3, 2)


def test_without_reuse_the_error_is_that_of_paired_differences():
    match = stored_match("generated_nn")
    found, y = AbadieImbens().fit(match, "y"), match.rows.column("y")
    difference = y[match.treated] - y[match.comparison]
    assert (found.estimate, found.std_error) == pytest.approx((difference.mean(), difference.std() / np.sqrt(len(difference))))


def test_a_linear_outcome_is_corrected_exactly():
    """y = 2 x + 1 for those treated: poor matches give another number, the correction gives 1."""
    rng = np.random.default_rng(5)
    x, treated = np.append(rng.uniform(2, 6, 15), rng.uniform(0, 5, 25)), np.arange(40) < 15
    rows = small_table(treated, x=x, y=2 * x + treated)
    match = pairs_match(rows, *_nearest(rows, _squared(x[:, None]), "ATT", m=2), covariates=("x",))
    assert AbadieImbens().fit(match, "y").estimate != pytest.approx(1.0, abs=0.01)
    corrected = AbadieImbens(covariates=("x",)).fit(match, "y")
    assert corrected.estimate == pytest.approx(1.0)


def test_columns_that_determine_each_other_are_left_out_of_the_correction_and_named():
    match = stored_match("generated_nn_replace")
    x1 = match.rows.column("x1")
    table = small_table(match.rows.treated, x1=x1, twice=2 * x1, y=match.rows.column("y"))
    again = pairs_match(table, match.treated[match.comparison_set], match.comparison, covariates=("x1",))
    one, two = (AbadieImbens(covariates=names).fit(again, "y") for names in (("x1",), ("x1", "twice")))
    assert (two.estimate, two.std_error) == pytest.approx((one.estimate, one.std_error))
    assert "twice left out" in two.method and "left out" not in one.method


def test_the_result_says_that_the_score_is_taken_as_known():
    scored, plain = stored_match("generated_nn_replace"), stored_match("generated_nn_mahalanobis_replace_ratio3")
    assert "score taken as known" in AbadieImbens().fit(scored, "y").method
    assert "score" not in AbadieImbens(variance="constant").fit(plain, "y").method


def test_rows_that_are_not_matched_may_lack_the_outcome():
    match = stored_match("generated_nn_replace")
    y = match.rows.column("y").copy()
    y[np.flatnonzero(match.raw_weights() == 0)[:40]] = np.nan
    assert np.isfinite(AbadieImbens().fit(match, y).std_error)
    y[match.comparison[:1]] = np.nan
    with pytest.raises(EstimationError, match="1 of 241 lack one"):
        AbadieImbens().fit(match, y)


def test_distances_do_not_depend_on_units_or_on_columns_said_twice():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    one, two = x, np.column_stack([x @ np.diag([1, 1e6, 1e-6]), 3 * x[:, 0], np.ones(60)])
    found = [local_variance(p, y, np.ones(60, dtype=bool), sphering(p), neighbours=3) for p in (one, two)]
    assert found[1] == pytest.approx(found[0])


def test_edges_share_each_focal_row_among_its_matches():
    edges = Edges.of(stored_match("generated_nn_replace_ratio3_caliper"))
    assert edges.sums(np.ones(len(edges.other))) == pytest.approx(1.0)
    assert edges.use(600).sum() == pytest.approx(len(edges.focal))


def test_a_match_that_is_not_made_of_pairs_is_refused():
    rows = small_table([1, 1, 0, 0], y=[1.0, 2.0, 0.0, 1.5])
    pairs = pairs_match(rows, [0, 1], [2, 3])
    sets, one = Sets.of_pairs(Pairs(focal=np.array([0, 1]), other=np.array([2, 3]), reason=np.zeros(4, dtype=np.int8))), np.zeros(2, dtype=int)
    two_focal = match_of(rows, replace(sets, focal_set=one, other_set=one))
    for match, words in ((strata_match(rows, [0, 0, 0, 0]), "pairs for the effect on one side"), (two_focal, "one focal row"),
                         (stored_match("generated_nn_sampling_weights"), "sampling weights"), (pairs, "needs the covariates")):
        with pytest.raises(PlanError, match=words):
            AbadieImbens().fit(match, "y")
    with pytest.raises(PlanError, match="needs the score"):
        AbadieImbens(variance="score").fit(pairs, "y")
    for mirrored in (pairs, pairs_match(small_table([1, 0], y=[1.0, 2.0]), [1], [0], estimand="ATC")):
        with pytest.raises(PlanError, match="one ATT and one ATC"):
            AbadieImbens().fit(pairs, "y", mirrored=mirrored)


def test_too_few_rows_for_the_variance_are_refused_with_their_number():
    rows = small_table([1, 1, 0], y=[1.0, 2.0, 0.5], x=[1.0, 2.0, 3.0])
    with pytest.raises(EstimationError, match="needs 1 other rows of its side: there are 0"):
        AbadieImbens().fit(pairs_match(rows, [0, 1], [2, 2], covariates=("x",)), "y")
    assert np.isfinite(AbadieImbens(variance="constant").fit(pairs_match(rows, [0, 1], [2, 2]), "y").std_error)


@pytest.mark.parametrize(("options", "words"), [({"variance": "bootstrap"}, "variance"), ({"neighbours": 0}, "neighbours"),
                                                ({"covariates": "x"}, "list")])
def test_options_that_are_none_are_refused(options, words):
    with pytest.raises(PlanError, match=words):
        AbadieImbens(**options)
