import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from threadpoolctl import threadpool_limits

from evaluation.errors import EstimationError
from evaluation.matching.propensity import LINKS, fit_binary, fit_logit
from evaluation.matching.row_chunks import CHUNK
from evaluation.matching.separation import find_separation
from tests.matching.references import COVARIATES, data_of, reference

COEFFICIENT = 1e-8             # both run Newton to convergence
ERROR = 1e-6
R_STOPS = {"logit": 1e-8, "probit": 5e-6, "cloglog": 5e-5}       # R's glm stops at a change of the deviance of 1e-8: this is what it leaves
LETTERS = list("abcde")


def _statsmodels(x, y, weights=None, link="logit"):
    import statsmodels.api as sm
    links = {"logit": sm.families.links.Logit, "cloglog": sm.families.links.CLogLog, "probit": sm.families.links.Probit}
    return sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial(link=links[link]()), freq_weights=weights).fit(tol=1e-14, maxiter=300)


def _random(n=2000, p=5, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * [1, 10, 0.1, 1, 1] + [0, 500, 0, 0, 3]
    y = rng.random(n) < 1 / (1 + np.exp(1 - x[:, 0] + 0.05 * (x[:, 1] - 500)))
    return x, y


def _reference_design(name):
    table = data_of(name)
    x = pd.get_dummies(table[list(COVARIATES[name])], drop_first=True, dtype=float)
    return x.to_numpy(), table["treat"].to_numpy(), list(x), table


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", list(LINKS))
def test_a_fit_equals_statsmodels_glm(link, weighted):
    x, y = _random()
    weights = np.random.default_rng(4).integers(0, 4, len(y)).astype(float) if weighted else None
    ours, theirs = fit_binary(x, y, names=LETTERS, weights=weights, link=link), _statsmodels(x, y.astype(float), weights, link)
    assert ours.converged
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.deviance, theirs.deviance, rtol=1e-10)
    np.testing.assert_allclose(ours.probability, theirs.fittedvalues, atol=1e-8)
    np.testing.assert_allclose(ours.predict(x), ours.linear_predictor, atol=1e-9)


@pytest.mark.parametrize("name, spec, link", [("lalonde", "nn", "logit"), ("generated", "nn", "logit"), ("generated", "nn_sampling_weights", "logit"),
                                              ("lalonde", "nn_cloglog", "cloglog"), ("generated", "nn_cloglog", "cloglog"),
                                              ("lalonde", "nn_probit", "probit"), ("generated", "nn_probit", "probit")])
def test_a_fit_equals_the_stored_scores_of_matchit(name, spec, link):
    x, y, names, table = _reference_design(name)
    weights = table["sw"].to_numpy() if "sampling" in spec else None
    fit = fit_binary(x, y, names=names, weights=weights, link=link)
    np.testing.assert_allclose(fit.probability, reference(f"{name}_{spec}")["distance"], atol=R_STOPS[link])


def test_logit_on_lalonde_equals_statsmodels_glm(open_data):
    psid = pd.concat([pd.read_csv(open_data / "lalonde" / f"{name}.csv") for name in ("nsw_dw_445", "psid1")])
    names = ["age", "educ", "black", "hisp", "marr", "nodeg", "re74", "re75"]
    x, y = psid[names].to_numpy(float), psid["trt"].to_numpy(float)
    ours, theirs = fit_logit(x, y, names=names), _statsmodels(x, y)
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.probability, theirs.fittedvalues, atol=1e-9)


@pytest.mark.parametrize("link", list(LINKS))
def test_a_fit_adds_up_over_chunks_of_rows(link):
    x, y = _random(n=2 * CHUNK + 500)
    theirs = _statsmodels(x, y.astype(float), link=link)
    np.testing.assert_allclose(fit_binary(x, y, names=LETTERS, link=link).coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)


def test_a_fit_does_not_depend_on_the_number_of_threads():
    x, y = _random(n=3 * CHUNK)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(fit_logit(x, y, names=LETTERS))
    assert np.array_equal(fits[0].linear_predictor, fits[1].linear_predictor) and np.array_equal(fits[0].std_errors, fits[1].std_errors)


def test_a_fit_depends_neither_on_the_order_of_rows_nor_on_how_they_are_stored():
    x, y = _random(n=CHUNK + 77)
    fit, order = fit_logit(x, y, names=LETTERS), np.random.default_rng(0).permutation(len(y))
    np.testing.assert_allclose(fit_logit(np.asfortranarray(x), y, names=LETTERS).linear_predictor, fit.linear_predictor, atol=1e-11)
    np.testing.assert_allclose(fit_logit(x[order], y[order], names=LETTERS).linear_predictor, fit.linear_predictor[order], atol=1e-11)


def test_a_weight_counts_as_so_many_rows():
    x, y = _random(300)
    count = np.random.default_rng(2).integers(0, 4, 300)
    weighted, repeated = fit_logit(x, y, names=LETTERS, weights=count), fit_logit(np.repeat(x, count, axis=0), np.repeat(y, count), names=LETTERS)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-9)
    np.testing.assert_allclose(weighted.std_errors, repeated.std_errors, rtol=1e-7)


def test_coefficients_are_shown_as_a_table():
    x, y = _random()
    table = fit_logit(x, y, names=LETTERS).table()
    assert list(table) == ["covariate", "coefficient", "std_error"] and table["covariate"].tolist() == ["intercept", *LETTERS]


def test_a_column_far_from_zero_costs_no_digits():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(500, 1))
    y = rng.random(500) < 1 / (1 + np.exp(-z[:, 0]))
    far = np.round(z * 2**20) / 2**20                        # exact after the shift
    np.testing.assert_allclose(fit_logit(far + 2**20, y, names=["a"]).linear_predictor, fit_logit(far, y, names=["a"]).linear_predictor, atol=1e-9)


def test_a_missing_covariate_is_named():
    x, y = _random()
    x[:3, 1] = np.nan
    with pytest.raises(EstimationError, match="missing or infinite are 'b' in 3 of 2,000 rows"):
        fit_logit(x, y, names=LETTERS)


def test_a_constant_covariate_is_named():
    x, y = _random()
    x[:, 2] = 0.1
    with pytest.raises(EstimationError, match="'c' is the same in all 2,000 rows"):
        fit_logit(x, y, names=LETTERS)


def test_a_collinear_covariate_is_named_with_those_that_determine_it():
    x, y = _random()
    x[:, 3] = x[:, 0] + 2 * x[:, 1]
    with pytest.raises(EstimationError, match="'d' is a combination of 'a', 'b'. "):
        fit_logit(x, y, names=LETTERS)


def test_a_score_needs_rows_of_both_kinds():
    x, y = _random()
    for kind, n in ((np.zeros(len(y)), "0"), (np.ones(len(y)), "2,000")):
        with pytest.raises(EstimationError, match=f"{n} of 2,000 enter"):
            fit_logit(x, kind, names=LETTERS)


@pytest.mark.parametrize("link", list(LINKS))
def test_a_binary_covariate_inside_which_nobody_enters_is_named(link):
    x, y = _random()
    x[:, 4] = np.random.default_rng(0).random(len(y)) < 0.2
    y[x[:, 4] == 1] = False
    n = int(x[:, 4].sum())
    with pytest.raises(EstimationError, match=rf"separation\): 'e' has a value with {n:,} rows of which 0 enter"):
        fit_binary(x, y, names=LETTERS, link=link)


@pytest.mark.parametrize("link", list(LINKS))
def test_complete_separation_by_a_threshold_is_named(link):
    x, _ = _random()
    with pytest.raises(EstimationError, match=r"separation\): 'a' decides it in all 2,000 rows"):
        fit_binary(x, x[:, 0] > 0.3, names=LETTERS, link=link)


def test_quasi_complete_separation_by_a_threshold_is_named():
    x, y = _random()
    x[:, 3] = np.where(y, np.maximum(x[:, 3], 0.0), np.minimum(x[:, 3], 0.0))         # ties at 0 on both sides
    border = int((x[:, 3] == 0).sum())
    with pytest.raises(EstimationError, match=rf"'d' decides it in {2000 - border:,} of 2,000 rows, and the others lie on the border"):
        fit_logit(x, y, names=LETTERS)


@pytest.mark.parametrize("link", list(LINKS))
def test_separation_by_a_combination_names_its_columns_and_no_others(link):
    x, _ = _random(n=600)
    x[:, 1] = np.random.default_rng(9).normal(size=600)
    with pytest.raises(EstimationError, match=r"separation\): a combination of 'a', 'd' decides it"):
        fit_binary(x, x[:, 0] + x[:, 3] > 0, names=LETTERS, link=link)


def test_one_row_beyond_the_others_is_no_separation():
    x, _ = _random()
    y = x[:, 0] > 0.3
    y[np.argmin(x[:, 0])] = True
    assert fit_logit(x, y, names=LETTERS).converged


def _separates(x, y, columns):
    """Konis' linear programme on all rows."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    a = (2 * y - 1)[:, None] * np.column_stack([np.ones(len(x)), z[:, columns]])
    plane = linprog(-a.sum(axis=0), A_ub=-a, b_ub=np.zeros(len(x)), bounds=[(None, None)] + [(-1, 1)] * len(columns)).x
    return bool(np.abs(plane[1:]).max() > 1e-6)


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 10**6), strength=st.sampled_from([0.5, 2.0, 8.0]))
def test_a_fit_is_refused_just_where_there_is_separation_and_no_named_column_is_needless(seed, strength):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(12, 50)), int(rng.integers(1, 5))
    x = rng.integers(0, rng.integers(2, 6), size=(n, p)).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(-strength * (x - x.mean(axis=0)) @ rng.normal(size=p)))).astype(float)
    if np.ptp(y) == 0 or np.linalg.matrix_rank(np.column_stack([np.ones(n), x])) <= p:
        return
    every = list(range(p))
    expected = _separates(x, y, every)
    found = find_separation(x, y, np.ones(n, dtype=bool), x.mean(axis=0), x.std(axis=0))
    assert (found is not None) == expected
    if expected:
        columns = list(found.columns)
        assert _separates(x, y, columns)
        assert not any(_separates(x, y, [k for k in columns if k != j]) for j in columns if len(columns) > 1)
    for link in LINKS:
        if expected:
            with pytest.raises(EstimationError, match="separation"):
                fit_binary(x, y, names=every, link=link)
        else:
            assert fit_binary(x, y, names=every, link=link).converged
