import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError
from evaluation.matching.propensity import CHUNK, fit_logit

COEFFICIENT = 1e-8             # both run Newton to convergence
ERROR = 1e-6


def _statsmodels(x, y, weights=None):
    import statsmodels.api as sm
    return sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-13, maxiter=100)


def _random(n=2000, p=5, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * [1, 10, 0.1, 1, 1] + [0, 500, 0, 0, 3]
    y = rng.random(n) < 1 / (1 + np.exp(1 - x[:, 0] + 0.05 * (x[:, 1] - 500)))
    return x, y


@pytest.mark.parametrize("weighted", [False, True])
def test_logit_equals_statsmodels_glm(weighted):
    x, y = _random()
    weights = np.random.default_rng(4).integers(0, 4, len(y)).astype(float) if weighted else None
    ours, theirs = fit_logit(x, y, names=list("abcde"), weights=weights), _statsmodels(x, y.astype(float), weights)
    assert ours.converged
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.deviance, theirs.deviance, rtol=1e-10)


def test_logit_on_lalonde_equals_statsmodels_glm(open_data):
    psid = pd.concat([pd.read_csv(open_data / "lalonde" / f"{name}.csv") for name in ("nsw_dw_445", "psid1")])
    names = ["age", "educ", "black", "hisp", "marr", "nodeg", "re74", "re75"]
    x, y = psid[names].to_numpy(float), psid["trt"].to_numpy(float)
    ours, theirs = fit_logit(x, y, names=names), _statsmodels(x, y)
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.probability, theirs.fittedvalues, atol=1e-9)


def test_logit_adds_up_over_chunks_of_rows():
    x, y = _random(n=CHUNK + 5000)
    theirs = _statsmodels(x, y.astype(float))
    np.testing.assert_allclose(fit_logit(x, y, names=list("abcde")).coefficients, theirs.params, rtol=COEFFICIENT, atol=COEFFICIENT)


def test_a_constant_covariate_is_named():
    x, y = _random()
    x[:, 2] = 7.0
    with pytest.raises(EstimationError, match="'c' is the same in all 2,000 rows"):
        fit_logit(x, y, names=list("abcde"))


def test_a_collinear_covariate_is_named():
    x, y = _random()
    x[:, 3] = x[:, 0] + 2 * x[:, 1]
    with pytest.raises(EstimationError, match="'d' is a combination of"):
        fit_logit(x, y, names=list("abcde"))


def test_a_binary_covariate_inside_which_nobody_enters_is_named():
    x, y = _random()
    x[:, 4] = np.random.default_rng(0).random(len(y)) < 0.2
    y[x[:, 4] == 1] = False
    with pytest.raises(EstimationError, match=r"separation\): 'e' has a value"):
        fit_logit(x, y, names=list("abcde"))


def test_separation_by_a_continuous_covariate_is_refused():
    x, _ = _random()
    with pytest.raises(EstimationError, match=r"separation\): the largest coefficients are those of 'a'"):
        fit_logit(x, x[:, 0] > 0.3, names=list("abcde"))


def test_separation_by_a_combination_is_refused():
    x, _ = _random(n=300)
    x[:, 1] = np.random.default_rng(9).normal(size=300)
    with pytest.raises(EstimationError, match="separation"):
        fit_logit(x, x[:, 0] + x[:, 1] > 0, names=list("abcde"))


def test_a_score_needs_rows_of_both_kinds():
    x, y = _random()
    with pytest.raises(EstimationError, match="0 of 2,000 enter"):
        fit_logit(x, np.zeros(len(y)), names=list("abcde"))
