"""Cluster-robust errors against clubSandwich and fixest (stored), and against the n x n matrices that they are defined by."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.errors import EstimationError, PlanError
from evaluation.models.bias_reduced import BlockSums, cr2
from evaluation.models.clustered import ClusteredRegression

REFERENCE = Path(__file__).parents[1] / "reference" / "clubsandwich"
RTOL = 1e-8                    # stored with 15 digits; inverse square roots of matrices that are nearly singular lose some
RTOL_DENSE = 1e-9
FEW = pd.read_csv(REFERENCE / "few.csv")
MODELS = pd.read_csv(REFERENCE / "models.csv").fillna("").set_index("model")
COEFFICIENTS, JOINT, CONTRASTS = (pd.read_csv(REFERENCE / f"{name}.csv") for name in ("coefficients", "joint_tests", "contrasts"))
COLUMNS = {"tc": ["tc"], "tc_x": ["tc", "x"], "tu": ["tu"], "tu_x_z": ["tu", "x", "z"], "tc_weighted": ["tc"], "tu_weighted": ["tu"],
           "tu_x_weighted": ["tu", "x"], "tu_by_z": ["tu", "z", "x", "tu:z"], "tu_by_z_weighted": ["tu", "z", "x", "tu:z"], "mean": [],
           "tu_effects": ["tu", "x"], "tu_effects_weighted": ["tu", "x"]}


def fit_of(name):
    """The regression of a stored model, and its columns' names."""
    k, kind = name[3:5], name[6:]
    data = FEW[FEW["set"] == int(k)].assign(**{"tu:z": lambda d: d["tu"] * d["z"], "(Intercept)": 1.0})
    data = data[data["mw"] > 0] if "weighted" in kind else data
    columns = ["(Intercept)", *COLUMNS[kind]]
    x = data[columns].to_numpy(float)
    if "effects" in kind:
        effects = (data["cluster"].to_numpy()[:, None] == np.unique(data["cluster"])[1:]).astype(float)
        x, columns = np.column_stack([x, effects]), [*columns, *[f"effect {i}" for i in range(effects.shape[1])]]
    weights = data["mw"].to_numpy() if "weighted" in kind else None
    return ClusteredRegression.from_rows(x, data["y"].to_numpy(), data["cluster"].to_numpy(), weights=weights), columns


FEW_MODELS = [name for name in MODELS.index if name.startswith("few")]


@pytest.mark.parametrize("name", FEW_MODELS)
def test_errors_and_degrees_of_freedom_are_those_of_clubsandwich(name):
    fit, columns = fit_of(name)
    stored = COEFFICIENTS.query("model == @name and working == 'identity'")
    assert len(stored) >= 4
    for row in stored.itertuples():
        c = (np.array(columns) == row.term).astype(float)
        assert c @ fit.coefficients == pytest.approx(row.estimate, rel=RTOL)
        assert np.sqrt(c @ fit.covariance(row.type) @ c) == pytest.approx(row.se, rel=RTOL), row.type
        assert fit.degrees_of_freedom(c, row.type) == pytest.approx(row.df, rel=RTOL), row.type
        if row.type in ("CR2", "CR3"):
            assert fit.test(c, kind=row.type).p_value == pytest.approx(row.p, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in FEW_MODELS if MODELS.loc[name, "joint"]])
def test_joint_tests_are_those_of_clubsandwich(name):
    fit, columns = fit_of(name)
    terms = MODELS.loc[name, "joint"].split(", ")
    c = np.array([[float(column == term) for column in columns] for term in terms])
    stored = JOINT.query("model == @name and working == 'identity' and test == 'HTZ'")
    assert len(stored) >= 2
    for row in stored.itertuples():
        found = fit.joint_test(c, kind=row.type)
        assert (found.f, found.df1, found.df2) == (pytest.approx(row.statistic, rel=RTOL), row.df_num, pytest.approx(row.df_denom, rel=RTOL))
        assert found.p_value == pytest.approx(row.p, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in FEW_MODELS if MODELS.loc[name, "contrast"]])
def test_contrasts_are_those_of_clubsandwich(name):
    fit, columns = fit_of(name)
    c = np.isin(columns, MODELS.loc[name, "contrast"].split(" + ")).astype(float)
    stored = CONTRASTS.query("model == @name and working == 'identity'")
    assert len(stored) >= 2
    for row in stored.itertuples():
        found = fit.test(c, kind=row.type)
        assert (found.estimate, found.std_error) == (pytest.approx(row.estimate, rel=RTOL), pytest.approx(row.se, rel=RTOL))
        assert fit.degrees_of_freedom(c, row.type) == pytest.approx(row.df, rel=RTOL)


def _change():
    panel = pd.read_csv(REFERENCE.parent / "did" / "panel.csv")
    panel = panel[panel["cohort"].isin([0, 4]) & panel["period"].isin([3, 6])]
    wide = panel.pivot(index=["unit", "cohort", "council", "x1", "x2", "w"], columns="period", values="y").reset_index()
    return wide.assign(dy=wide[6] - wide[3], treated=(wide["cohort"] == 4).astype(float), one=1.0)


@pytest.mark.parametrize("name", ["change", "change_x", "change_weighted", "change_x_weighted"])
def test_weighted_changes_clustered_on_councils_are_those_of_clubsandwich(name):
    data = _change()
    columns = ["one", "treated", "x1", "x2"] if "_x" in name else ["one", "treated"]
    fit = ClusteredRegression.from_rows(data[columns].to_numpy(), data["dy"].to_numpy(), pd.factorize(data["council"])[0],
                                        weights=data["w"].to_numpy() if "weighted" in name else None)
    stored = COEFFICIENTS.query("model == @name and working == 'identity' and term == 'treated'")
    assert len(stored) == 5
    c = (np.array(columns) == "treated").astype(float)
    for row in stored.itertuples():
        assert np.sqrt(c @ fit.covariance(row.type) @ c) == pytest.approx(row.se, rel=RTOL)
        assert fit.degrees_of_freedom(c, row.type) == pytest.approx(row.df, rel=RTOL)


def _panel():
    data = pd.read_csv(REFERENCE.parent / "did" / "panel.csv")
    return data.assign(joined=((data["cohort"] > 0) & (data["period"] >= data["cohort"])).astype(float))


def _within(x, unit):
    return x - pd.DataFrame(x).groupby(unit).transform("mean").to_numpy()


def test_unit_effects_nested_in_councils_may_be_absorbed_first():
    """CR2 and its degrees of freedom from unit deviations equal those with a dummy for every unit, without weights."""
    data = _panel()
    periods = (data["period"].to_numpy()[:, None] == np.unique(data["period"])[1:]).astype(float)
    x = _within(np.column_stack([data["joined"], periods]), data["unit"].to_numpy())
    y = _within(data[["y"]].to_numpy(), data["unit"].to_numpy())[:, 0]
    fit = ClusteredRegression.from_rows(x, y, pd.factorize(data["council"])[0])
    c = np.eye(len(x.T))[0]
    for model in ("twoway_dummies", "unit_plm"):
        stored = COEFFICIENTS[COEFFICIENTS["model"] == model].query("working == 'identity' and type == 'CR2' and term == 'joined'")
        assert len(stored) == 1
        assert c @ fit.coefficients == pytest.approx(stored["estimate"].item(), rel=RTOL)
        assert np.sqrt(c @ fit.covariance("CR2") @ c) == pytest.approx(stored["se"].item(), rel=RTOL)
        assert fit.degrees_of_freedom(c) == pytest.approx(stored["df"].item(), rel=RTOL)


def test_cr1s_is_the_convention_of_fixest():
    import pyfixest
    data = _panel()
    peer = pyfixest.feols("y ~ joined + x1 + x2", data=data, vcov={"CRV1": "council"})
    x = data.assign(one=1.0)[["one", "joined", "x1", "x2"]].to_numpy()
    fit = ClusteredRegression.from_rows(x, data["y"].to_numpy(), pd.factorize(data["council"])[0])
    assert np.sqrt(np.diag(fit.covariance("CR1S"))) == pytest.approx(peer.se().to_numpy(), rel=RTOL)
    nested = pyfixest.feols("y ~ joined + i(period) | unit", data=data, vcov={"CRV1": "council"})
    periods = (data["period"].to_numpy()[:, None] == np.unique(data["period"])[1:]).astype(float)
    unit = data["unit"].to_numpy()
    absorbed = ClusteredRegression.from_rows(_within(np.column_stack([data["joined"], periods]), unit), _within(data[["y"]].to_numpy(), unit)[:, 0],
                                             pd.factorize(data["council"])[0], n_parameters=1)
    assert np.sqrt(absorbed.covariance("CR1S")[0, 0]) == pytest.approx(nested.se()["joined"], rel=1e-7)     # deviations to its own tolerance


def simulated(seed, *, k=3, sizes=(1, 2, 3, 5, 8, 13), spread=1.0):
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(len(sizes)), sizes)
    x = np.column_stack([np.ones(len(code)), rng.normal(size=(len(code), k - 1)) + rng.normal(size=(len(sizes), k - 1))[code]])
    return x, x.sum(axis=1) + rng.normal(size=len(code)), code, np.exp(spread * rng.normal(size=len(code)))


def dense(x, y, code, w, kind, contrast, phi):
    """Variance and degrees of freedom of a contrast from n x n matrices, as in the paper; phi are working variances."""
    weight, n = np.diag(w), len(y)
    m = np.linalg.inv(x.T @ weight @ x)
    h = x @ m @ x.T @ weight
    e, root = y - h @ y, np.diag(np.sqrt(phi))
    left = np.eye(n) - h
    rows, total = [], 0.0
    for g in np.unique(code):
        at = np.flatnonzero(code == g)
        if kind == "CR2":
            u = np.diag(1 / np.sqrt(phi[at]))                  # whitened: A = D^-1 (D (I-H) Phi (I-H)' D')^(-1/2) D
            values, vectors = np.linalg.eigh(u @ left[at] @ np.diag(phi) @ left[at].T @ u)
            half = np.where(values > 1e-10, np.where(values > 1e-10, values, 1) ** -0.5, 0)
            a = np.diag(np.sqrt(phi[at])) @ (vectors * half) @ vectors.T @ u
        else:
            a = {"CR0": np.eye(len(at)), "CR3": np.linalg.inv(left[np.ix_(at, at)]) if kind == "CR3" else None}[kind]
        row = contrast @ m @ x[at].T @ weight[np.ix_(at, at)] @ a
        total += (row @ e[at]) ** 2
        rows.append(row @ left[at] @ root)
    products = np.array(rows) @ np.array(rows).T
    return total, np.trace(products) ** 2 / (products**2).sum()


@pytest.mark.parametrize("working", ["identity", "inverse_variance"])
@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
@pytest.mark.parametrize("seed", range(3))
def test_sums_give_what_the_matrices_of_all_rows_give(kind, working, seed):
    x, y, code, w = simulated(seed)
    contrast = np.array([0.2, 1.0, -0.5])
    phi = np.ones(len(y)) if working == "identity" else 1 / w
    variance, df = dense(x, y, code, w, kind, contrast, phi)
    fit = ClusteredRegression.from_rows(x, y, code, weights=w, working=working)
    assert contrast @ fit.covariance(kind) @ contrast == pytest.approx(variance, rel=RTOL_DENSE)
    assert fit.degrees_of_freedom(contrast, kind) == pytest.approx(df, rel=RTOL_DENSE)


def test_weights_that_hardly_differ_inside_clusters_are_no_trouble():
    """X and WX of a cluster are then almost one column."""
    x, y, code, _ = simulated(4, k=2)
    contrast = np.array([0.0, 1.0])
    for spread in (1e-3, 1e-5, 1e-7, 0.0):
        w = 1 + spread * np.random.default_rng(1).normal(size=len(y))
        variance, df = dense(x, y, code, w, "CR2", contrast, np.ones(len(y)))
        fit = ClusteredRegression.from_rows(x, y, code, weights=w)
        assert contrast @ fit.covariance() @ contrast == pytest.approx(variance, rel=1e-6)
        assert fit.degrees_of_freedom(contrast) == pytest.approx(df, rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_direction_that_one_cluster_alone_decides_is_left_out(weighted):
    """A dummy of one cluster makes its I - H singular: the pseudo-inverse of the matrices of all rows."""
    x, y, code, w = simulated(5, k=2)
    x = np.column_stack([x, code == 3])
    w = w if weighted else np.ones(len(y))
    fit = ClusteredRegression.from_rows(x, y, code, weights=w if weighted else None)
    for contrast in np.eye(3)[:2]:
        variance, df = dense(x, y, code, w, "CR2", contrast, np.ones(len(y)))
        assert contrast @ fit.covariance() @ contrast == pytest.approx(variance, rel=1e-7)
        assert fit.degrees_of_freedom(contrast) == pytest.approx(df, rel=1e-7)


def test_a_contrast_of_weighted_means_agrees_with_the_short_way():
    rng = np.random.default_rng(0)
    code, block, w, y = rng.integers(0, 9, 120), rng.integers(0, 4, 120), rng.uniform(0.2, 2, 120), rng.normal(size=120)
    fit = ClusteredRegression.from_rows(np.eye(4)[block], y, code, weights=w)
    e = y - fit.coefficients[block]

    def add(values):
        return np.bincount(code * 4 + block, weights=values, minlength=36).reshape(9, 4)
    sums = BlockSums(count=add(np.ones(120)), weight=add(w), squares=add(w**2), residual=add(e), weighted=add(w * e))
    c = np.array([-0.3, 0.3, -0.7, 0.7])
    variance, df = cr2(sums, c[None, :])
    assert c @ fit.covariance() @ c == pytest.approx(variance[0, 0], rel=RTOL_DENSE)
    assert fit.degrees_of_freedom(c) == pytest.approx(df[0], rel=RTOL_DENSE)
    from_blocks = ClusteredRegression.from_blocks(sums, fit.coefficients)
    for kind in ("CR1S", "CR2", "CR3"):
        assert from_blocks.covariance(kind) == pytest.approx(fit.covariance(kind), rel=RTOL_DENSE, abs=1e-15)
    assert from_blocks.test(c, kind="CR3").df == pytest.approx(fit.test(c, kind="CR3").df, rel=RTOL_DENSE)


def test_one_row_a_cluster_and_one_mean_is_the_one_sample_t_test():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    found = ClusteredRegression.from_rows(np.ones((4, 1)), y, np.arange(4)).test(np.ones(1))
    assert found.std_error == pytest.approx(y.std(ddof=1) / 2) and found.df == pytest.approx(3)
    plain = stats.ttest_1samp(y, 0)
    assert (found.statistic, found.p_value) == (pytest.approx(plain.statistic), pytest.approx(plain.pvalue))
    assert (found.lower, found.upper) == pytest.approx(tuple(plain.confidence_interval()))


def test_cr3_is_the_jackknife_of_clusters():
    x, y, code, w = simulated(6)
    fit = ClusteredRegression.from_rows(x, y, code, weights=w)
    moves = []
    for g in range(6):
        k = code != g
        moves.append(np.linalg.solve(x[k].T @ (w[k, None] * x[k]), x[k].T @ (w[k] * y[k])) - fit.coefficients)
    assert fit.covariance("CR3") == pytest.approx(np.array(moves).T @ np.array(moves), rel=RTOL_DENSE)


def test_residuals_of_a_fit_made_elsewhere_give_its_errors():
    x, y, code, w = simulated(7)
    fit = ClusteredRegression.from_rows(x, y, code, weights=w)
    from_residuals = ClusteredRegression.from_rows(x, y - x @ fit.coefficients, code, weights=w)
    assert from_residuals.covariance() == pytest.approx(fit.covariance(), rel=1e-7)
    assert from_residuals.coefficients == pytest.approx(np.zeros(3), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(0.01, 100))
def test_units_of_measurement_do_not_matter(seed, of_y, of_w):
    x, y, code, w = simulated(seed)
    one = ClusteredRegression.from_rows(x, y, code, weights=w).test(np.array([0, 1.0, 0]))
    order = np.random.default_rng(seed).permutation(len(y))
    two = ClusteredRegression.from_rows(x[order], of_y * y[order], 7 * code[order] + 3, weights=of_w * w[order]).test(np.array([0, 1.0, 0]))
    assert two.std_error == pytest.approx(of_y * one.std_error, rel=1e-7)
    assert (two.df, two.p_value) == (pytest.approx(one.df, rel=1e-7), pytest.approx(one.p_value, rel=1e-6, abs=1e-12))


def test_rows_without_weight_are_no_rows():
    x, y, code, w = simulated(8)
    w[::3] = 0
    k = w > 0
    whole, part = (ClusteredRegression.from_rows(x[s], y[s], code[s], weights=w[s]) for s in (slice(None), k))
    assert np.array_equal(whole.covariance(), part.covariance()) and whole.n_rows == k.sum()


def test_a_joint_test_of_one_contrast_is_its_t_test_squared():
    x, y, code, w = simulated(9)
    fit = ClusteredRegression.from_rows(x, y, code, weights=w)
    one, joint = fit.test(np.array([0, 1.0, 0]), null=0.3), fit.joint_test(np.array([0, 1.0, 0]), null=0.3)
    assert (joint.f, joint.df2, joint.p_value) == (pytest.approx(one.statistic**2), pytest.approx(one.df), pytest.approx(one.p_value))


def test_more_contrasts_than_clusters_can_test_give_no_p_value():
    x, y, code, _ = simulated(10, k=3, sizes=(4, 4, 4))
    found = ClusteredRegression.from_rows(x, y, code).joint_test(np.eye(3))
    assert np.isnan(found.p_value)


def test_what_cannot_be_estimated_is_refused():
    x, y, code, w = simulated(0)
    with pytest.raises(EstimationError, match="there is one"):
        ClusteredRegression.from_rows(x, y, np.zeros(len(y), dtype=int))
    with pytest.raises(EstimationError, match="combinations"):
        ClusteredRegression.from_rows(np.column_stack([x, x[:, 1] - x[:, 2]]), y, code)
    with pytest.raises(EstimationError, match="finite"):
        ClusteredRegression.from_rows(x, y, code, weights=-w)
    with pytest.raises(PlanError, match="working"):
        ClusteredRegression.from_rows(x, y, code, weights=w, working="exchangeable")
    fit = ClusteredRegression.from_rows(x, y, code)
    with pytest.raises(PlanError, match="CR0, CR1, CR1S, CR2, CR3"):
        fit.covariance("HC1")
    with pytest.raises(EstimationError, match="together"):
        ClusteredRegression(coefficients=fit.coefficients, gram=fit.gram, score=fit.score, n_rows=fit.n_rows, plain_gram=fit.gram)
    with pytest.raises(EstimationError, match="shapes"):
        ClusteredRegression(coefficients=fit.coefficients[:2], gram=fit.gram, score=fit.score, n_rows=fit.n_rows)
    with pytest.raises(EstimationError, match="combinations of each other"):
        fit.joint_test(np.array([[0, 1.0, 0], [0, 2.0, 0]]))
