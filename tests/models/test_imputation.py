"""Imputation against R didimputation (stored), least squares on dummies, and the estimators it must agree with."""
import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models import GroupTimeATT, event_study, overall
from evaluation.models.imputation import Imputation
from tests.matching.panels import panel_of, simulated_panel
from tests.models.two_way_panels import long_of, mpdta_panel, reference_panel, stored, table_of, with_g
from tests.models.valid import assert_valid_effects

EXACT = 1e-9                   # R solves sparse normal equations; its variance goes through fitted values
DEMEANED = 1e-5                # pyfixest's did2s demeans by iteration to 1e-6 and takes no other tolerance
DATA = ["panel", "unbalanced"]
CLUSTERS = ["unit", "council"]


def _average(effects, chosen, clusters):
    """Average of cells with fixed weights, and its error without G / (G - 1): what R reports."""
    weights = np.where(chosen & (effects.cells["status"] == "estimated"), effects.cells["weight"], 0.0)
    found = overall(effects, weights=weights, clusters=clusters, errors="CR1")
    return found.estimate, found.std_error / with_g(1.0, found.n_clusters)


def _assert_horizons(effects, theirs, clusters):
    for term, row in theirs.iterrows():
        estimate, error = _average(effects, effects.cells["event_time"] == int(term), clusters)
        assert estimate == pytest.approx(row["estimate"], rel=EXACT)
        assert error == pytest.approx(row["se"], rel=EXACT)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("clusters", CLUSTERS)
def test_averages_with_fixed_weights_and_their_errors_equal_r_didimputation(data, clusters):
    effects = Imputation().fit(reference_panel(data), "y")
    assert_valid_effects(effects)
    estimate, error = _average(effects, effects.cells["event_time"] >= 0, clusters)
    theirs = stored()[f"imputation_{data}_{clusters}"].loc["treat"]
    assert (estimate, error) == (pytest.approx(theirs["estimate"], rel=EXACT), pytest.approx(theirs["se"], rel=EXACT))
    _assert_horizons(effects, stored()[f"imputation_horizons_{data}_{clusters}"], clusters)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("clusters", CLUSTERS)
def test_leads_on_untreated_observations_equal_r_didimputation(data, clusters):
    effects = Imputation(leads=3).pre_trends(reference_panel(data), "y")
    assert_valid_effects(effects)
    ours, theirs = table_of(effects, clusters).loc[-1], stored()[f"imputation_leads_{data}_{clusters}"]
    each = (np.isfinite(reference_panel(data).outcomes["y"]) & _untreated(reference_panel(data))).sum(axis=1)
    n, g = each.sum(), {"unit": (each > 0).sum(), "council": 12}[clusters]                # fixest counts units seen once as clusters
    for e in (-3, -2, -1):
        assert ours.loc[e, "estimate"] == pytest.approx(theirs.loc[str(e), "estimate"], rel=EXACT)
        # didimputation's leads come from fixest with its default factor, in which 3 leads and 8 periods are counted
        assert with_g(ours.loc[e, "se"], g) * np.sqrt((n - 1) / (n - 11)) == pytest.approx(theirs.loc[str(e), "se"], rel=EXACT)


def _untreated(panel):
    return (panel.entry < 0)[:, None] | (np.arange(8) < panel.entry[:, None])


def test_mpdta_equals_r_didimputation(open_data):
    effects = Imputation().fit(mpdta_panel(open_data), "y")
    estimate, error = _average(effects, effects.cells["event_time"] >= 0, "unit")
    theirs = stored()["imputation_mpdta_unit"].loc["treat"]
    assert (estimate, error) == (pytest.approx(theirs["estimate"], rel=EXACT), pytest.approx(theirs["se"], rel=EXACT))
    _assert_horizons(effects, stored()["imputation_horizons_mpdta_unit"], "unit")


def test_the_overall_error_with_shares_is_that_of_two_stage_least_squares():
    pf = pytest.importorskip("pyfixest")
    panel = reference_panel("panel")
    cells = Imputation(leads=0).fit(panel, "y")
    found = overall(cells, quarters=(0, 7), cohorts=None, clusters="unit")
    long = long_of(panel).assign(unit=lambda d: d["unit"].astype(int))
    theirs = pf.did2s(long, yname="y", first_stage="~ 0 | unit + time", second_stage="~ d", treatment="d", cluster="unit")
    assert found.estimate == pytest.approx(float(theirs.coef()["d"]), rel=DEMEANED)
    assert found.std_error == pytest.approx(with_g(float(theirs.se()["d"]), 300), rel=DEMEANED)


@pytest.mark.parametrize("missing", [0.0, 0.25])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_cells_equal_what_dummies_of_untreated_observations_predict(missing, anticipation):
    panel = simulated_panel(40, n_periods=7, entries=(3, 6), effect=1.0, missing=missing, seed=5)
    panel.units["w"] = np.random.default_rng(1).uniform(0.5, 2, 40)
    effects = Imputation(anticipation=anticipation, leads=1, weights="w").fit(panel, "y")
    assert_valid_effects(effects)
    for held_out, cells in ((True, effects.cells["event_time"] < -anticipation), (False, effects.cells["event_time"] >= -anticipation)):
        gaps = _gaps(panel, anticipation, held_out)
        for cell in effects.cells[cells & (effects.cells["status"] == "estimated")].itertuples():
            here = gaps[(gaps["entry"] == cell.cohort) & (gaps["time"] == cell.period)]
            assert cell.estimate == pytest.approx(np.average(here["gap"], weights=here["w"]), rel=1e-8)
            assert (cell.n_treated, cell.weight) == (len(here), pytest.approx(here["w"].sum()))


def _gaps(panel, anticipation, held_out):
    """Outcomes less the prediction of weighted least squares on unit and period dummies of untreated observations."""
    long = long_of(panel).assign(w=lambda d: panel.units["w"].to_numpy()[d["unit"]])
    until = np.where(long["entry"] < 0, 99, long["entry"] - anticipation)
    lead = held_out & (long["entry"] >= 0) & (long["time"] == until - 1)
    use = ((long["time"] < until) & ~lead).to_numpy()
    design = pd.get_dummies(long[["unit", "time"]].astype(str), dtype=float).to_numpy()
    root = np.sqrt(long["w"].to_numpy())[:, None]
    found = np.linalg.lstsq((design * root)[use], (long["y"].to_numpy() * root[:, 0])[use])[0]
    seen = np.isin(long["unit"], long["unit"][use])
    return long.assign(gap=long["y"] - design @ found)[seen]


def test_one_cohort_and_one_period_before_is_the_group_time_estimate():
    panel = simulated_panel(200, n_periods=4, entries=(1, 2), effect=0.5)
    one, other = Imputation().fit(panel, "y"), GroupTimeATT().fit(panel, "y")
    ours, theirs = table_of(one, "unit"), table_of(other, "unit")
    pd.testing.assert_frame_equal(ours.loc[1].loc[0:2], theirs.loc[1].loc[0:2], rtol=1e-9)


@pytest.mark.parametrize("spec", [Imputation(weights="w"), Imputation(weights="w", anticipation=1, leads=2)])
def test_influence_is_the_derivative_with_respect_to_a_unit_weight(spec):
    panel, step = simulated_panel(60, n_periods=8, entries=(3, 6), missing=0.1), 1e-4
    panel.units["w"] = np.random.default_rng(0).uniform(0.5, 2, 60)
    effects = spec.fit(panel, "y").each_unit()
    estimated = (effects.cells["status"] == "estimated").to_numpy()
    for unit in (0, 11, 35):
        moved = []
        for sign in (1, -1):
            w = panel.units["w"].to_numpy(copy=True)
            w[unit] *= 1 + sign * step
            moved.append(spec.fit(dataclasses.replace(panel, units=panel.units.assign(w=w)), "y").cells["estimate"].to_numpy())
        rows = effects.rows.reset_index().query("unit == @unit").set_index("cohort")["index"]
        ours = [effects.influence[rows[g], np.searchsorted(effects.event_times, e)] if g in rows else 0.0
                for g, e in effects.cells.loc[estimated, ["cohort", "event_time"]].to_numpy()]
        np.testing.assert_allclose(ours, ((moved[0] - moved[1]) / (2 * step))[estimated], atol=1e-7)


def test_errors_by_unit_come_from_compressed_units():
    effects = Imputation().fit(simulated_panel(300, missing=0.1), "y")
    assert_valid_effects(effects.each_unit())
    pd.testing.assert_frame_equal(table_of(effects, "unit"), table_of(effects.each_unit(), "unit"), rtol=1e-9)


def test_leads_are_near_zero_where_trends_are_parallel_and_not_where_they_are_not():
    panel = simulated_panel(600, effect=-0.5, seed=3)
    tilt = np.where(panel.entry < 0, 0.0, 0.3)[:, None] * np.arange(16)
    for y, parallel in ((panel.outcomes["y"], True), (panel.outcomes["y"] + tilt, False)):
        given = dataclasses.replace(panel, outcomes={"y": y})
        for table in (event_study(Imputation().fit(given, "y")), event_study(Imputation().pre_trends(given, "y"))):
            leads = table[table["event_time"] < 0]
            assert leads["event_time"].tolist() == [-4, -3, -2, -1]
            assert (np.abs(leads["estimate"] / leads["std_error"]).max() < 4) == parallel


def test_what_cannot_be_imputed_has_a_status():
    """Columns 0 to 5; a cohort in the first period, one in the second (nothing to hold out before it), and from 4 on nobody untreated."""
    y = np.random.default_rng(0).normal(size=(30, 6))
    effects = Imputation(leads=2).fit(panel_of([0] * 3 + [1] * 12 + [4] * 15, {"y": y}), "y")
    assert_valid_effects(effects)
    status = effects.cells.set_index(["cohort", "event_time"])["status"]
    assert status[0].tolist() == ["outside_periods"] * 2 + ["no_base"] * 6
    assert status[1].loc[-2:5].tolist() == ["outside_periods", "no_base"] + ["estimated"] * 3 + ["no_comparison"] * 2 + ["outside_periods"]
    assert status[4].loc[0:1].tolist() == ["no_comparison"] * 2
    assert effects.notes == ("3 units are treated from the first period on and are left out.",)


def test_treated_units_never_seen_untreated_are_left_out_and_counted():
    panel = simulated_panel(200, seed=2)
    y = panel.outcomes["y"].copy()
    lost = np.flatnonzero(panel.entry >= 0)[:5]
    y[lost] = np.where(np.arange(16) < panel.entry[lost, None], np.nan, y[lost])
    effects = Imputation().fit(dataclasses.replace(panel, outcomes={"y": y}), "y")
    kept = np.delete(np.arange(200), lost)
    rest = dataclasses.replace(panel, outcomes={"y": panel.outcomes["y"][kept]}, units=panel.units.iloc[kept].reset_index(drop=True))
    assert effects.notes == ("5 treated units are never observed untreated and are left out.",)
    np.testing.assert_allclose(effects.cells["estimate"], Imputation().fit(rest, "y").cells["estimate"], rtol=1e-9)


def test_quarters_in_which_nothing_is_collected_are_as_if_not_observed():
    panel = simulated_panel(300, missing=0.1)
    third = panel.periods.first + np.arange(16)
    blank = np.where(third % 4 == 2, np.nan, panel.outcomes["y"])
    one = Imputation().fit(panel, "y", calendar=(1, 2, 4)).cells
    other = Imputation().fit(dataclasses.replace(panel, outcomes={"y": blank}), "y").cells
    np.testing.assert_allclose(one["estimate"], other["estimate"])
    assert set(one.loc[other["status"] == "not_observed", "status"]) <= {"not_collected", "not_observed"}
    assert (one["status"] == "not_collected").any()


def test_nothing_to_compare_with_is_an_error():
    with pytest.raises(EstimationError, match="No effect of 'y'"):
        Imputation().fit(panel_of([2] * 4, {"y": np.zeros((4, 4))}), "y")
    with pytest.raises(EstimationError, match="leads` of 1 or more"):
        Imputation(leads=0).pre_trends(simulated_panel(50), "y")


@pytest.mark.parametrize("wrong", [{"anticipation": -1}, {"leads": -1}, {"window": (2, 1)}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        Imputation(**wrong)


@pytest.mark.slow
def test_the_estimate_recovers_effects_that_differ_by_cohort_and_council_clustered_intervals_cover_them():
    found = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        council = np.repeat(np.arange(50), 6)
        entry = rng.choice([-1, 3, 5], 300)
        after = (entry >= 0)[:, None] & (np.arange(8) >= entry[:, None])
        effect = after * (0.2 * entry[:, None] + 0.1 * np.arange(8))
        names = council.astype(str)
        y = rng.normal(size=(50, 8))[council] + rng.normal(size=(300, 8)) + effect
        effects = Imputation(leads=0).fit(panel_of(entry, {"y": y}, councils=names, areas=names), "y")
        one = overall(effects, weights=effects.cells["status"].eq("estimated") * effects.cells["weight"], clusters="council")
        truth = effect[after].mean()
        found.append((one.estimate - truth, one.std_error, one.lower <= truth <= one.upper))
    gap, error, covered = np.array(found, dtype=float).T
    assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(600)
    assert covered.mean() == pytest.approx(0.95, abs=0.03)                # 3 Monte Carlo errors
    assert error.mean() == pytest.approx(gap.std(), rel=0.15)
