"""The extended two-way model against R fixest and etwfe (stored), statsmodels, and the estimators it must agree with."""
import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models import GroupTimeATT, overall
from evaluation.models.extended_two_way import ExtendedTwoWay
from evaluation.models.imputation import Imputation
from evaluation.models.inference import aggregate
from tests.matching.panels import panel_of
from tests.models.two_way_panels import long_panel, reference_panel, stored, table_of, with_g
from tests.models.valid import assert_valid_effects

EXACT = 1e-8                   # R's iterations stop at 1e-12 in the deviance
LAST_BUT_ONE = 1e-5            # fixest's errors of Poisson and logit models are from the weights before the last step
SAME = 1e-9
SATURATED = {"linear": ("y", {}), "poisson": ("count", {"family": "poisson", "report": "ratio"}),
             "poisson_offset": ("count", {"family": "poisson", "report": "ratio", "exposure": "count"}),
             "logit": ("binary", {"family": "logit", "report": "ratio"})}
KINDS = [("y", {}), ("y", {"control": "never"}), ("count", {"family": "poisson"}), ("count", {"family": "poisson", "report": "ratio"}),
         ("count", {"family": "poisson", "exposure": "count"}), ("count", {"family": "poisson", "exposure": "count", "report": "ratio"}),
         ("count", {"family": "poisson", "exposure": "rate"}), ("count", {"family": "poisson", "control": "never", "report": "ratio"}),
         ("binary", {"family": "logit"}), ("binary", {"family": "logit", "control": "never"}), ("binary", {"family": "logit", "report": "ratio"})]


@pytest.mark.parametrize("model", SATURATED)
@pytest.mark.parametrize("data", ["panel", "unbalanced"])
@pytest.mark.parametrize(("clusters", "g"), [("unit", 300), ("council", 12)])
def test_cells_and_errors_equal_the_saturated_regression_of_r_fixest(model, data, clusters, g):
    outcome, options = SATURATED[model]
    effects = ExtendedTwoWay(**options).fit(reference_panel(data), outcome)
    assert_valid_effects(effects)
    ours, theirs = table_of(effects, clusters), stored()[f"saturated_{model}_{data}_{clusters}"]
    cells = theirs[theirs.index.str.startswith("cell::")]
    assert len(cells) == (ours.index.get_level_values(1) >= 0).sum() == 16
    for term, row in cells.iterrows():
        cohort, period = divmod(int(term.split("::")[1]), 100)
        cell = ours.loc[(cohort - 1, period - cohort)]
        assert cell["estimate"] == pytest.approx(row["estimate"], rel=EXACT)
        assert with_g(cell["se"], g) == pytest.approx(row["se"], rel=EXACT if model == "linear" else LAST_BUT_ONE)


@pytest.mark.parametrize("family", ["poisson", "logit"])
@pytest.mark.parametrize("control", ["notyet", "never"])
def test_averages_on_the_outcome_scale_equal_r_etwfe(family, control):
    outcome = {"poisson": "count", "logit": "binary"}[family]
    effects = ExtendedTwoWay(family=family, control=control).fit(reference_panel("panel"), outcome)
    after, n, k = (effects.cells["event_time"] >= 0) & (effects.cells["status"] == "estimated"), 2400, {"notyet": 28, "never": 40}[control]
    label = {"simple": effects.cells["status"], "event": effects.cells["event_time"], "group": effects.cells["cohort"] + 1}
    for kind, values in label.items():
        for term, row in stored()[f"etwfe_{family}_{control}_{kind}"].iterrows():
            chosen = after if kind == "simple" else after & (values == int(term))
            if not chosen.any():                                          # etwfe shows leads of 'never' as well
                continue
            found = overall(effects, weights=chosen * effects.cells["weight"], clusters="unit")
            assert found.estimate == pytest.approx(row["estimate"], rel=1e-6)         # marginaleffects at fixest's default tolerance
            assert found.std_error * np.sqrt((n - 1) / (n - k)) == pytest.approx(row["se"], rel=1e-4)      # and its numerical derivatives


@pytest.mark.parametrize(("outcome", "family", "exposure"),
                         [("count", "poisson", "none"), ("count", "poisson", "count"), ("binary", "logit", "none")])
def test_cells_and_errors_equal_the_saturated_regression_of_statsmodels(outcome, family, exposure):
    import statsmodels.api as sm
    long = long_panel()[long_panel()["kept"] == 1]
    design, _ = _saturated(long)
    kind = {"poisson": sm.families.Poisson(), "logit": sm.families.Binomial()}[family]
    given = {"exposure": long["exposure"]} if exposure == "count" else {}
    fit = sm.GLM(long[outcome], design, family=kind, **given).fit(tol=1e-14, maxiter=100, cov_type="cluster", cov_kwds={
        "groups": long["unit"], "use_correction": False})
    ours = table_of(ExtendedTwoWay(family=family, exposure=exposure, report="ratio").fit(reference_panel("unbalanced"), outcome), "unit")
    for name in design.columns[design.columns.str.startswith("cell_")]:
        cohort, period = divmod(int(name[5:]), 100)
        cell = ours.loc[(cohort - 1, period - cohort)]
        assert (cell["estimate"], cell["se"]) == (pytest.approx(fit.params[name], rel=EXACT), pytest.approx(fit.bse[name], rel=EXACT))


@pytest.mark.parametrize("exposure", ["none", "count"])
def test_log_rate_ratios_equal_the_saturated_regression_of_pyfixest(exposure):
    pf = pytest.importorskip("pyfixest")
    long = long_panel().assign(cell=lambda d: _saturated(d)[1], log_exposure=lambda d: np.log(d["exposure"]))
    given = {"offset": "log_exposure"} if exposure == "count" else {}
    theirs = pf.fepois("count ~ i(cell, ref=0) | cohort + period", data=long, vcov="iid", iwls_tol=1e-12, **given).coef()
    ours = table_of(ExtendedTwoWay(family="poisson", exposure=exposure, report="ratio").fit(reference_panel("panel"), "count"), "unit")["estimate"]
    for term, value in theirs.items():
        cohort, period = divmod(int(term.split("::")[1]), 100)
        assert ours[cohort - 1, period - cohort] == pytest.approx(value, rel=EXACT)
    assert len(theirs) == 16


def _saturated(long):
    """Indicators of cohorts, periods and treated cells (the first cohort and cell left out), and the cell of every row."""
    cell = np.where((long["cohort"] > 0) & (long["period"] >= long["cohort"]), long["cohort"] * 100 + long["period"], 0)
    design = pd.get_dummies(pd.DataFrame({"cohort": long["cohort"], "period": long["period"], "cell": cell}).astype(str), dtype=float)
    return design.drop(columns=["cohort_0", "cell_0"]), cell


def test_a_rate_weighted_by_its_exposure_equals_the_poisson_regression_of_statsmodels():
    import statsmodels.api as sm
    panel, long = reference_panel("panel"), long_panel()
    rate = dataclasses.replace(panel, outcomes={"rate": panel.outcomes["count"] / panel.denominators["count"]},
                               denominators={"rate": panel.denominators["count"]})
    ours = table_of(ExtendedTwoWay(family="poisson", exposure="rate", leads=0).fit(rate, "rate"), "unit")["estimate"]
    design, cell = _saturated(long)
    fit = sm.GLM(long["count"], design, family=sm.families.Poisson(), exposure=long["exposure"]).fit(tol=1e-12, maxiter=100)
    without = design.assign(**{name: 0.0 for name in design if name.startswith("cell_")})
    expected = long.assign(mean=fit.predict(without, exposure=long["exposure"]), cell=cell)[cell > 0]
    expected = expected.groupby("cell")[["count", "mean", "exposure"]].sum()
    theirs = (expected["count"] - expected["mean"]) / expected["exposure"]
    assert len(theirs) == len(ours)
    for code, value in theirs.items():
        assert ours[code // 100 - 1, code % 100 - code // 100] == pytest.approx(value, rel=EXACT)


@pytest.mark.parametrize(("outcome", "options"), KINDS)
def test_influence_is_the_derivative_with_respect_to_a_unit_weight(outcome, options):
    panel = reference_panel("unbalanced")                    # shared with other tests: its table is not changed
    panel = dataclasses.replace(panel, units=panel.units.assign(w=np.random.default_rng(0).uniform(0.5, 2, 300)))
    spec = ExtendedTwoWay(**options, weights="w")
    effects = spec.fit(panel, outcome).each_unit()
    assert_valid_effects(effects)
    step, estimated = 1e-4, (effects.cells["status"] == "estimated").to_numpy()
    for unit in (0, 7, 33):
        moved = []
        for sign in (1, -1):
            w = panel.units["w"].to_numpy(copy=True)
            w[unit] *= 1 + sign * step
            moved.append(spec.fit(dataclasses.replace(panel, units=panel.units.assign(w=w)), outcome).cells["estimate"].to_numpy())
        slope = ((moved[0] - moved[1]) / (2 * step))[estimated]
        rows = effects.rows.reset_index().query("unit == @unit").set_index("cohort")["index"]
        ours = [effects.influence[rows[g], np.searchsorted(effects.event_times, e)] if g in rows else 0.0
                for g, e in effects.cells.loc[estimated, ["cohort", "event_time"]].to_numpy()]
        np.testing.assert_allclose(ours, slope, atol=1e-5 * np.abs(slope).max())


@pytest.mark.parametrize(("outcome", "options"), KINDS)
def test_errors_by_unit_come_from_compressed_units(outcome, options):
    effects = ExtendedTwoWay(**options).fit(reference_panel("unbalanced"), outcome)
    assert_valid_effects(effects)
    pd.testing.assert_frame_equal(table_of(effects, "unit"), table_of(effects.each_unit(), "unit"), rtol=SAME)


def test_the_linear_model_is_imputation_against_not_yet_and_group_time_against_never_treated_units():
    panel = reference_panel("panel")
    for one, other in ((ExtendedTwoWay(), Imputation()), (ExtendedTwoWay(control="never"), GroupTimeATT()),
                       (ExtendedTwoWay(anticipation=1), Imputation(anticipation=1)),
                       (ExtendedTwoWay(control="never", anticipation=1), GroupTimeATT(anticipation=1))):
        ours, theirs = one.fit(panel, "y"), other.fit(panel, "y")
        pd.testing.assert_frame_equal(table_of(ours, "unit"), table_of(theirs, "unit"), rtol=SAME)
        both = [effects.cells.set_index(["cohort", "event_time"])[["weight", "n_treated", "status"]] for effects in (ours, theirs)]
        shown = both[1]["status"].isin(["estimated", "base"])
        pd.testing.assert_frame_equal(both[0][shown], both[1][shown])
        for kind in ("simple", "cohort", "calendar", "event"):
            sums = [aggregate(effects, kind, clusters="council")[1] for effects in (ours, theirs)]
            assert sums[0].estimate == pytest.approx(sums[1].estimate, rel=SAME)


def test_a_ratio_and_a_difference_say_the_same_of_a_cell():
    """Rate ratio = treated mean / (treated mean - difference)."""
    panel = reference_panel("panel")
    difference, ratio = (ExtendedTwoWay(family="poisson", report=report).fit(panel, "count").cells.set_index(["cohort", "event_time"])
                         for report in ("difference", "ratio"))
    for (g, e), cell in difference[difference["status"] == "estimated"].iterrows():
        mean = panel.outcomes["count"][panel.entry == g, g + e].mean()
        assert ratio.loc[(g, e), "estimate"] == pytest.approx(np.log(mean / (mean - cell["estimate"])), rel=SAME)


def test_a_cohort_or_a_period_without_events_is_not_estimable_and_the_others_stand():
    rng = np.random.default_rng(1)
    y = rng.poisson(1.5, (90, 6)).astype(float)
    entry = np.repeat([-1, 2, 4], 30)
    silent_cohort, silent_period, silent_after = y.copy(), y.copy(), y.copy()
    silent_cohort[entry == 2, :2] = 0
    silent_period[:, 3] = 0
    silent_after[entry == 4, 5] = 0

    def cells(values, **options):
        effects = ExtendedTwoWay(family="poisson", leads=0, **options).fit(panel_of(entry, {"y": values}), "y")
        assert_valid_effects(effects)
        return effects.cells.set_index(["cohort", "event_time"])
    one = cells(silent_cohort)
    assert one.loc[2, "status"][:4].tolist() == ["not_estimable"] * 4 and one.loc[4, "status"][:2].tolist() == ["estimated"] * 2
    alone = ExtendedTwoWay(family="poisson", leads=0).fit(panel_of(entry[entry != 2], {"y": y[entry != 2]}), "y").cells.set_index("event_time")
    assert one.loc[(4, 0), "estimate"] == pytest.approx(alone.loc[0, "estimate"], rel=SAME)
    two = cells(silent_period)
    assert two.loc[2, "status"][:4].tolist() == ["estimated", "not_estimable", "estimated", "estimated"]
    assert cells(silent_after).loc[(4, 1), "estimate"] < 0
    assert cells(silent_after, report="ratio").loc[(4, 1), "status"] == "not_estimable"


def test_separation_that_no_margin_shows_is_found():
    """The never treated have events in periods 0 and 1 only, the cohort in 2 and 3 only: nothing ties their levels together."""
    from evaluation.models.cell_regression import fit_cells
    events = np.array([[3.0, 5, 0, 0, 0], [0, 0, 4, 2, 6]])
    fit = fit_cells(events, np.full((2, 5), 10.0), np.array([[True] * 5, [False, False, True, True, False]]), "poisson")
    assert fit.use.tolist() == [[True, True, False, False, False], [False, False, True, True, False]]
    assert fit.identified().tolist() == [[True, True, False, False, False], [False, False, True, True, False]]


def test_separated_cells_leave_the_limit_of_maximum_likelihood_to_the_others():
    """What stays is what a likelihood with a very small number of events in the zero cells gives."""
    from evaluation.models.cell_regression import fit_cells
    events, use = np.array([[3.0, 5, 4, 0], [2, 6, 3, 0], [0, 0, 0, 2]]), np.ones((3, 4), dtype=bool)
    assert fit_cells(events, np.full((3, 4), 20.0), use, "poisson").use.all()           # every margin has events: finite
    use[:2, 3] = False
    fit = fit_cells(events, np.full((3, 4), 20.0), use, "poisson")
    assert not fit.use[2, :3].any() and fit.use[2, 3]
    near = fit_cells(np.where(events == 0, 1e-9, events), np.full((3, 4), 20.0), use, "poisson")
    np.testing.assert_allclose(fit.eta[:2, :3], near.eta[:2, :3], atol=1e-7)


def test_what_cannot_be_compared_has_a_status():
    y = np.random.default_rng(0).normal(size=(30, 6))
    effects = ExtendedTwoWay(leads=2).fit(panel_of([0] * 3 + [1] * 12 + [4] * 15, {"y": y}), "y")
    assert_valid_effects(effects)
    status = effects.cells.set_index(["cohort", "event_time"])["status"]
    assert status[0].tolist() == ["outside_periods"] * 2 + ["no_base"] * 6
    assert status[1].loc[-2:5].tolist() == ["outside_periods", "no_base"] + ["estimated"] * 3 + ["no_comparison"] * 2 + ["outside_periods"]
    assert status[4].loc[0:1].tolist() == ["no_comparison"] * 2
    assert effects.notes == ("3 units are treated from the first period on and are left out.",)


def test_never_treated_comparison_has_a_base_of_exactly_zero_and_is_refused_where_there_is_none():
    panel = reference_panel("panel")
    effects = ExtendedTwoWay(family="logit", control="never", anticipation=1).fit(panel, "binary")
    assert effects.base == -2 and effects.cells.query("status == 'base'")["event_time"].tolist() == [-2] * 4
    treated = dataclasses.replace(panel, units=panel.units.assign(entry=np.where(panel.entry < 0, 7, panel.entry)))
    with pytest.raises(EstimationError, match="No effect of 'y'"):
        ExtendedTwoWay(control="never").fit(treated, "y")


def test_a_base_that_is_not_collected_gives_way_to_the_quarter_before_it():
    panel = panel_of([4] * 20 + [-1] * 20, {"y": np.random.default_rng(0).normal(size=(40, 8))})       # column 3 is the fourth quarter
    effects = ExtendedTwoWay(control="never").fit(panel, "y", calendar=(1, 2, 3))
    status = effects.cells.set_index("event_time")["status"]
    assert (status[-1], status[-2], status[3]) == ("not_collected", "base", "not_collected")


@pytest.mark.parametrize("wrong", [{"family": "probit"}, {"control": "all"}, {"exposure": "count"}, {"report": "ratio"}, {"anticipation": -1},
                                   {"leads": -1}, {"window": (2, 1)}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        ExtendedTwoWay(**wrong)


def test_an_outcome_that_the_family_cannot_have_and_denominators_that_are_not_there_are_refused():
    panel = reference_panel("panel")
    with pytest.raises(EstimationError, match="poisson model needs outcomes of 0 or more"):
        ExtendedTwoWay(family="poisson").fit(panel, "y")
    with pytest.raises(EstimationError, match="at most 1"):
        ExtendedTwoWay(family="logit").fit(panel, "count")
    with pytest.raises(PlanError, match="needs the denominators of 'binary'"):
        ExtendedTwoWay(family="poisson", exposure="rate").fit(panel, "binary")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["poisson", "logit"])
def test_the_estimate_recovers_effects_that_are_parallel_on_its_own_scale_and_intervals_cover_them(family):
    found = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        council = np.repeat(np.arange(50), 8)
        entry, column = rng.choice([-1, 3, 4], 400), np.arange(6)
        level = np.select([entry == 3, entry == 4], [0.4, -0.3], 0.0) - 0.2
        eta = level[:, None] + 0.1 * column
        after = (entry >= 0)[:, None] & (column >= entry[:, None])
        names, shock = council.astype(str), rng.gamma(10, 0.1, 50)[council][:, None]
        if family == "poisson":
            without, treated = np.exp(eta), np.exp(eta - 0.4)
            y = rng.poisson(shock * np.where(after, treated, without))        # the council's factor has mean 1
        else:
            without, treated = (1 / (1 + np.exp(-x)) for x in (eta, eta - 0.6))
            y = rng.binomial(1, np.where(after, treated, without))
        truth = (treated - without)[after].mean()
        effects = ExtendedTwoWay(family=family, leads=0).fit(panel_of(entry, {"y": y}, councils=names, areas=names), "y")
        one = overall(effects, weights=effects.cells["status"].eq("estimated") * effects.cells["weight"], clusters="council")
        found.append((one.estimate - truth, one.std_error, one.lower <= truth <= one.upper))
    gap, error, covered = np.array(found, dtype=float).T
    assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(600)
    assert covered.mean() == pytest.approx(0.95, abs=0.03)                # 3 Monte Carlo errors
    assert error.mean() == pytest.approx(gap.std(), rel=0.15)
