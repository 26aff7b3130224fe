"""The regression on the lagged outcome, against statsmodels and by hand."""
import dataclasses

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.matching.risk_sets import risk_sets
from evaluation.models import MatchedDiD, event_study, overall
from evaluation.models.lagged_outcome import LaggedOutcome, ancova, ancova_cells
from tests.matching.panels import panel_of, simulated_panel
from tests.models.valid import assert_valid_effects

RTOL = 1e-10                   # the same least squares by another factorisation
LAG, Y = np.array([3.0, 5, 0, 2, 4]), np.array([6.0, 8, 1, 1, 4])
TREATED = np.array([True, True, False, False, False])


@pytest.fixture(scope="module")
def sample():
    return NearestNeighbour(covariates=("x",), exact=("b",), ratio=2, replacement=True).fit(simulated_panel(500, effect=-0.5, missing=0.05))


def _design(sample, g, e, lags, covariates=()):
    """Rows of one cell of a matched sample, with their weights shared out again set by set, in loops."""
    panel, y = sample.panel, sample.panel.outcomes["y"]
    keep = []
    for s in np.flatnonzero(sample.set_entry == g):
        arms = []
        for side in ("treated", "comparison"):
            units, weights = (getattr(sample, f"{side}_{name}")[getattr(sample, f"{side}_set") == s] for name in ("unit", "weight"))
            arm = []
            for i, w in zip(units, weights, strict=True):
                past, own = [_mean_seen(y[i, [g + lag for lag in group if 0 <= g + lag < y.shape[1]]]) for group in lags], panel.entry[i]
                free = side == "treated" or own < 0 or g + e < own
                if free and np.isfinite([y[i, g + e], *past]).all():
                    arm.append((y[i, g + e], side == "treated", w, [*past, *panel.units.loc[i, list(covariates)]], i, s))
            arms.append(arm)
        if all(arms):
            scale = sum(row[2] for row in arms[0]) / sum(row[2] for row in arms[1])
            keep += arms[0] + [(*row[:2], row[2] * scale, *row[3:]) for row in arms[1]]
    return keep


def _mean_seen(values):
    seen = values[np.isfinite(values)]
    return seen.mean() if len(seen) else np.nan


def _statsmodels(rows, **how):
    x = sm.add_constant(np.column_stack([[row[1] for row in rows], [row[3] for row in rows]]).astype(float))
    return sm.WLS([row[0] for row in rows], x, weights=[row[2] for row in rows]).fit(**how)


@pytest.mark.parametrize(("spec", "lags"), [
    (LaggedOutcome(window=(-5, 3)), [(-5, -4, -3, -2)]),
    (LaggedOutcome(lags=(-2,), window=(-5, 3)), [(-2,)]),
    (LaggedOutcome(lags=(-2, -4), window=(-5, 3), covariates=("x",)), [(-4,), (-2,)])])
def test_a_cell_equals_weighted_least_squares_of_statsmodels_with_errors_by_unit(sample, spec, lags):
    effects = spec.fit(sample, "y")
    assert_valid_effects(effects)
    cells = effects.cells[(effects.cells["status"] == "estimated") & effects.cells["event_time"].isin([-5, 0, 3])]
    assert len(cells) > 10
    for _, cell in cells.iterrows():
        rows = _design(sample, cell["cohort"], cell["event_time"], lags, spec.covariates)
        unit = np.array([row[4] for row in rows])
        fit = _statsmodels(rows, cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False})
        assert cell["estimate"] == pytest.approx(fit.params[1], rel=RTOL)
        mine = (effects.rows["cohort"] == cell["cohort"]).to_numpy()
        influence = effects.influence[mine, np.searchsorted(effects.event_times, cell["event_time"])]
        sums = np.bincount(effects.rows["unit"][mine], weights=influence)
        assert np.sqrt(sums @ sums) == pytest.approx(fit.bse[1], rel=1e-8)
        assert (cell["n_treated"], cell["n_comparison"]) == tuple(len({r[4] for r in rows if r[1] == arm}) for arm in (True, False))


def test_the_overall_error_is_that_of_statsmodels_with_the_factor_of_clusters(sample):
    one = sample.keep(sample.treated_entry == 7)
    effects = LaggedOutcome(lags=(-3,), window=(-5, 3)).fit(one, "y")
    found = overall(effects, quarters=(2, 2), clusters="set")
    rows = _design(one, 7, 2, [(-3,)])
    sets = np.array([row[5] for row in rows])
    fit = _statsmodels(rows, cov_type="cluster", cov_kwds={"groups": sets, "use_correction": False})
    g = len(set(sets))
    assert found.estimate == pytest.approx(fit.params[1], rel=RTOL)
    assert found.std_error == pytest.approx(fit.bse[1] * np.sqrt(g / (g - 1)), rel=1e-8)
    assert found.n_clusters == g and found.df == g - 1


def test_on_a_panel_all_rows_of_a_risk_set_count_the_same():
    panel = simulated_panel(300, effect=-0.5, missing=0.03)
    effects = LaggedOutcome(lags=(-2,), window=(-4, 2), covariates=("x",)).fit(panel, "y")
    assert_valid_effects(effects)
    at, y = risk_sets(panel), panel.outcomes["y"]
    for g in np.unique(at.entry):
        unit, treated = (a[at.entry == g] for a in (at.unit, at.treated))
        own = panel.entry[unit]
        use = np.isfinite(y[unit, g + 2] + y[unit, g - 2]) & (treated | (own < 0) | (own > g + 2))
        x = np.column_stack([treated, y[unit, g - 2], panel.units["x"].to_numpy()[unit]])[use]
        fit = sm.OLS(y[unit, g + 2][use], sm.add_constant(x.astype(float))).fit(cov_type="HC0")
        rows = (effects.rows["cohort"] == g).to_numpy()
        assert effects.cells.set_index(["cohort", "event_time"])["estimate"][(g, 2)] == pytest.approx(fit.params[1], rel=RTOL)
        assert np.linalg.norm(effects.influence[rows, -1]) == pytest.approx(fit.bse[1], rel=1e-8)


def test_five_units_by_hand():
    # slopes inside the arms: treated 2 / 2, comparison 6 / 8, together 8 / 10; means of the lag 4 and 2, of the outcome 7 and 2: 5 - 0.8 x 2 = 3.4
    estimate, influence = ancova(Y[:, None], TREATED, LAG[:, None], np.ones(5))
    assert estimate[0] == pytest.approx(3.4)
    # what the lag leaves of treatment: d - 0.4 - (2.4 / 14.8)(lag - 2.8), whose sum of squares is 1.2 - 2.4^2 / 14.8
    u = TREATED - 0.4 - 2.4 / 14.8 * (LAG - 2.8)
    residual = Y - 2 - 3.4 * TREATED - 0.8 * (LAG - 2)
    np.testing.assert_allclose(influence[:, 0], u * residual / (1.2 - 2.4**2 / 14.8), atol=1e-12)


def test_it_differs_from_differences_by_one_less_the_slope_times_the_gap_before():
    # the identity behind the order of the two estimates (Angrist and Pischke 2009, 5.4)
    differences = (Y - LAG)[TREATED].mean() - (Y - LAG)[~TREATED].mean()
    gap = LAG[TREATED].mean() - LAG[~TREATED].mean()
    assert differences - ancova(Y[:, None], TREATED, LAG[:, None], np.ones(5))[0][0] == pytest.approx((0.8 - 1) * gap)


def test_periods_that_are_lags_are_an_exact_zero_and_the_mean_of_the_periods_before_none(sample):
    several = LaggedOutcome(lags=(-4, -2), window=(-5, 1)).fit(sample, "y")
    base = several.cells[several.cells["status"] == "base"]
    assert set(base["event_time"]) == {-4, -2} and (base["estimate"] == 0).all() and several.base is None
    assert LaggedOutcome(lags=(-4,)).fit(sample, "y").base == -4
    table = event_study(several)
    assert table.loc[table["event_time"].isin([-4, -2]), "phase"].eq("base").all()
    mean = LaggedOutcome(window=(-5, 1)).fit(NearestNeighbour(covariates=("x",)).fit(simulated_panel(400, seed=3)), "y")
    before = mean.cells[mean.cells["event_time"].between(-5, -2)].groupby("cohort")["estimate"].mean()
    assert before.abs().max() < 1e-10 and mean.base is None


def test_a_lag_that_nobody_varies_in_leaves_the_difference_in_means():
    y = np.column_stack([np.zeros((6, 3)), [1.0, 3, 0, 1, 0, 1]])
    effects = LaggedOutcome(lags=(-2,), window=(-2, 0)).fit(panel_of([3, 3, -1, -1, -1, -1], {"y": y}), "y")
    assert overall(effects, quarters=(0, 0)).estimate == pytest.approx(1.5)


def test_cells_that_determine_their_regression_are_not_estimable():
    rng = np.random.default_rng(0)
    two_treated = panel_of([3, 3, -1, -1], {"y": rng.normal(size=(4, 4))}, x=rng.normal(size=4), z=[1.0, 1, 0, 0])
    with pytest.raises(EstimationError, match="more of them than coefficients"):
        LaggedOutcome(lags=(-2,), window=(-2, 0), covariates=("x",)).fit(two_treated, "y")
    with pytest.raises(EstimationError, match="none are"):                             # z is treatment
        LaggedOutcome(lags=(-2,), window=(-2, 0), covariates=("z",)).fit(two_treated, "y")
    assert ancova(np.ones((3, 1)), np.ones(3, bool), np.ones((3, 0)), np.ones(3)) is None


def test_columns_with_the_same_rows_are_fitted_together_as_one_by_one():
    rng = np.random.default_rng(1)
    y, treated, x = rng.normal(size=(30, 4)), np.arange(30) < 12, rng.normal(size=(30, 2))
    weights = rng.integers(0, 3, (30, 1)) * np.ones((1, 4))
    weights[3, 2] = 0.0
    estimate, influence = ancova_cells(y, treated, x, weights)
    for j in range(4):
        one = ancova_cells(y[:, [j]], treated, x, weights[:, [j]])
        np.testing.assert_allclose(estimate[j], one[0][0], rtol=1e-12)
        np.testing.assert_allclose(influence[:, j], one[1][:, 0], rtol=1e-9, atol=1e-14)


@given(st.integers(0, 10_000), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_a_shift_and_a_scale_of_outcome_and_lag_go_through(seed, shift, scale):
    rng = np.random.default_rng(seed)
    lag, treated, w = rng.normal(size=20), np.arange(20) % 3 == 0, rng.uniform(0.5, 2, 20)
    y = lag + rng.normal(size=20)
    one, psi = ancova(y[:, None], treated, lag[:, None], w)
    two, phi = ancova(scale * y[:, None] + shift, treated, scale * lag[:, None] + shift, w)
    tolerance = 1e-9 * (abs(shift) + scale)                       # digits lost to a large constant
    assert two[0] == pytest.approx(scale * one[0], abs=tolerance)
    np.testing.assert_allclose(phi, scale * psi, atol=tolerance)


def test_quarters_that_are_not_collected_are_named_and_an_earlier_one_stands_in_for_the_lag():
    sample = NearestNeighbour(covariates=("x",)).fit(simulated_panel(400))
    effects = LaggedOutcome(lags=(-2,), window=(-5, 3)).fit(sample, "y", calendar=(1, 2, 4))       # columns 2, 6, 10 are third quarters
    status = effects.cells.set_index(["cohort", "event_time"])["status"]
    assert {key for key in status.index[status == "not_collected"]} == {key for key in status.index if sum(key) % 4 == 2}
    assert status[(8, -2)] == "not_collected" and status[(8, -3)] == "base" and status[(9, -2)] == "base"


def test_rows_without_a_covariate_are_left_out_and_counted(sample):
    units = sample.panel.units.assign(x=sample.panel.units["x"].where(np.arange(len(sample.panel)) % 10 > 0))
    thinner = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, units=units))
    effects = LaggedOutcome(covariates=("x",), window=(-5, 3)).fit(thinner, "y")
    assert_valid_effects(effects)
    assert "lack a covariate" in effects.notes[0]
    assert not effects.row_weight[(effects.rows["unit"] % 10 == 0).to_numpy()].any()


def test_selection_on_the_lag_is_its_case_and_selection_on_a_lasting_level_is_not():
    """Null effect. Chosen for last year's outcome: differences from it are biased by regression to the mean, the regression is not; chosen for the
    lasting level the two change places."""
    def estimates(chosen_for):
        rng = np.random.default_rng(5)
        level = rng.normal(size=(20_000, 1))
        y = level + rng.normal(size=(20_000, 4))
        reason = y[:, 1] if chosen_for == "lag" else level[:, 0]
        panel = panel_of(np.where(reason + 0.5 * rng.normal(size=len(y)) > 1.5, 3, -1), {"y": y}, one=1.0)
        unit = np.flatnonzero(panel.entry >= 0), np.flatnonzero(panel.entry < 0)
        change = y[:, 3] - y[:, 1]
        return (overall(LaggedOutcome(lags=(-2,), window=(-3, 0)).fit(panel, "y"), quarters=(0, 0)).estimate,
                change[unit[0]].mean() - change[unit[1]].mean())

    regression, differences = estimates("lag")
    assert abs(regression) < 0.1 and differences < -0.8
    regression, differences = estimates("level")
    assert regression > 0.5 and abs(differences) < 0.1


def test_its_words_name_its_own_assumption_and_no_bound(sample):
    words = LaggedOutcome(covariates=("x",)).in_words()
    assert "another assumption than parallel trends" in words and "the mean outcome of the periods before and x" in words
    assert "the outcome 4 and 2 periods before entry" in LaggedOutcome(lags=(-2, -4)).in_words()
    assert "bound" not in words and LaggedOutcome(lags=(-2, -4)).lags == (-4, -2)


@pytest.mark.parametrize("how", [{"lags": "mean"}, {"lags": ()}, {"lags": (-1,)}, {"lags": (2,)}, {"lags": (-2.5,)}])
def test_lags_that_are_not_before_the_anticipation_are_refused(how):
    with pytest.raises(PlanError, match="`estimator.lags` must be pre_mean or event times of -2 or earlier"):
        LaggedOutcome(**how)


def test_other_bad_options_are_refused(sample):
    with pytest.raises(PlanError, match="Widen `estimator.window`"):
        LaggedOutcome(window=(-1, 4))
    with pytest.raises(PlanError, match="'z' is not one of y"):
        LaggedOutcome().fit(sample, "z")
    with pytest.raises(PlanError, match="`estimator.covariates` must be fixed columns .* income is not"):
        LaggedOutcome(covariates=("income",)).fit(sample, "y")


def test_with_differences_it_shares_rows_weights_and_counts_on_complete_data():
    sample = NearestNeighbour(covariates=("x",)).fit(simulated_panel(300))
    ours, theirs = LaggedOutcome(lags=(-4,)).fit(sample, "y"), MatchedDiD(base=-4).fit(sample, "y")
    known = theirs.cells["status"].isin(["estimated", "base"])
    assert ours.cells.loc[known, ["cohort", "event_time", "n_treated", "n_comparison", "weight"]].equals(
        theirs.cells.loc[known, ["cohort", "event_time", "n_treated", "n_comparison", "weight"]])
    assert (ours.cells.loc[known, "status"] == theirs.cells.loc[known, "status"]).all()
    np.testing.assert_allclose(ours.row_weight, theirs.row_weight)
