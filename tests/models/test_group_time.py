"""ATT(g,t) and its summaries against R `did` (stored results of the data's own folder) and csdid."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models import GroupTimeATT
from evaluation.models.inference import aggregate
from evaluation.periods import Periods
from tests.matching.panels import panel_of, simulated_panel
from tests.models.valid import assert_valid_effects

ATT, SE = 1e-9, 1e-8           # R's errors are analytic, without a small-sample factor
SCENARIOS = {
    "mpdta_nev_dr": {"control": "never"},
    "mpdta_nyt_dr": {"control": "notyet"},
    "mpdta_nev_reg_cov": {"control": "never", "method": "reg", "covariates": ("lpop",)},
    "mpdta_nev_ipw": {"control": "never"},      # without covariates regression, weights and doubly robust are one
}
KINDS = {"simple": "simple", "group": "cohort", "dynamic": "event", "calendar": "calendar"}


@pytest.fixture(scope="module")
def mpdta(open_data):
    long = pd.read_csv(open_data / "mpdta" / "mpdta.csv")
    wide = long.pivot(index="countyreal", columns="year", values="lemp")
    county = long.groupby("countyreal").first()
    entry = np.where(county["first.treat"] > 0, county["first.treat"] - 2003, -1)
    return panel_of(entry, {"lemp": wide.to_numpy()}, ids=county.index.astype(str), periods=Periods(kind="year", first=2003, last=2007),
                    lpop=county["lpop"].to_numpy()), long


def _cell_errors(effects):
    """Analytic standard error of each cell."""
    effects = effects.each_unit()
    squares = pd.DataFrame(effects.influence**2, columns=effects.event_times).groupby(effects.rows["cohort"]).sum()
    return np.sqrt(squares.stack())


def _unscaled(estimate):
    return estimate.std_error * np.sqrt((estimate.n_clusters - 1) / estimate.n_clusters)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_att_gt_equals_r_did(mpdta, open_data, scenario):
    effects = GroupTimeATT(base="varying", **SCENARIOS[scenario]).fit(mpdta[0], "lemp")
    assert_valid_effects(effects)
    cells, errors = effects.cells.set_index(["cohort", "period"])["estimate"], _cell_errors(effects)
    stored = pd.read_csv(open_data / "mpdta" / "r_ref_attgt.csv").query("scenario == @scenario")
    assert len(stored) == 12 == np.isfinite(cells).sum()
    for row in stored.itertuples():
        g, t = int(row.group) - 2003, int(row.t) - 2003
        assert cells[g, t] == pytest.approx(row.att, rel=ATT)
        assert errors[g, t - g] == pytest.approx(row.se, rel=SE)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("kind", KINDS)
def test_summaries_equal_r_did_with_the_influence_of_cohort_shares(mpdta, open_data, scenario, kind):
    table, whole = aggregate(GroupTimeATT(base="varying", **SCENARIOS[scenario]).fit(mpdta[0], "lemp"), KINDS[kind])
    stored = pd.read_csv(open_data / "mpdta" / "r_ref_aggte.csv").query("scenario == @scenario and type == @kind")
    assert whole.estimate == pytest.approx(stored["overall_att"].iloc[0], rel=ATT)
    assert _unscaled(whole) == pytest.approx(stored["overall_se"].iloc[0], rel=SE)
    if kind != "simple":
        parts = table.set_index(table["value"] + (0 if kind == "dynamic" else 2003))
        assert sorted(parts.index) == sorted(stored["egt"])
        for row in stored.itertuples():
            assert parts.loc[row.egt, "estimate"] == pytest.approx(row.att_egt, rel=ATT)


@pytest.mark.parametrize("control", ["never", "notyet"])
@pytest.mark.parametrize("method", ["reg", "ipw", "dr"])
@pytest.mark.parametrize(("base", "anticipation"), [("varying", 0), ("universal", 0), ("varying", 1), ("universal", 1)])
def test_att_gt_with_covariates_equals_csdid(mpdta, control, method, base, anticipation):
    theirs = _csdid(mpdta[1], control, method, base, anticipation, "lemp ~ lpop")
    effects = GroupTimeATT(control=control, method=method, covariates=("lpop",), base=base, anticipation=anticipation).fit(mpdta[0], "lemp")
    assert_valid_effects(effects)
    _assert_cells_equal(effects, theirs)


def test_att_gt_without_covariates_and_with_anticipation_equals_csdid(mpdta):
    for control in ("never", "notyet"):
        effects = GroupTimeATT(control=control, anticipation=1).fit(mpdta[0], "lemp")
        _assert_cells_equal(effects, _csdid(mpdta[1], control, "dr", "universal", 1, None))


def _csdid(long, control, method, base, anticipation, formula):
    from csdid.att_gt import ATTgt
    kind = {"never": "nevertreated", "notyet": "notyettreated"}[control]
    fit = ATTgt(yname="lemp", tname="year", idname="countyreal", gname="g", data=long.assign(g=long["first.treat"]), control_group=[kind],
                xformla=formula, anticipation=anticipation).fit(est_method=method, base_period=base, bstrap=False)
    found = pd.DataFrame({name: np.asarray(fit.results[name], dtype=float) for name in ("group", "year", "att", "se")})
    return found[np.isfinite(found["att"])]


def _assert_cells_equal(effects, theirs):
    cells, errors = effects.cells.set_index(["cohort", "period"]), _cell_errors(effects)
    compared = 0
    for row in theirs.itertuples():
        g, t = int(row.group) - 2003, int(row.year) - 2003
        if cells.loc[(g, t), "status"] == "base":
            continue
        assert cells.loc[(g, t), "estimate"] == pytest.approx(row.att, rel=1e-8)
        assert errors[g, t - g] == pytest.approx(row.se, rel=1e-7)
        compared += 1
    assert compared == (effects.cells["status"] == "estimated").sum()


def test_the_base_cell_is_an_exact_zero_and_only_universal_bases_have_one():
    panel = simulated_panel(200)
    universal = GroupTimeATT(anticipation=1).fit(panel, "y")
    assert universal.base == -2
    assert universal.cells.query("status == 'base'")["event_time"].unique().tolist() == [-2]
    assert GroupTimeATT(base="varying").fit(panel, "y").base is None


def test_units_without_a_covariate_are_left_out_and_counted():
    panel = simulated_panel(200)
    panel.units.loc[:9, "x"] = np.nan
    effects = GroupTimeATT(method="dr", covariates=("x",)).fit(panel, "y")
    assert effects.notes == ("10 of 200 units lack a covariate and were left out.",)
    assert effects.each_unit().rows["unit"].min() == 10


def test_a_cell_whose_score_is_separated_is_not_estimable_and_the_others_stand():
    panel = simulated_panel(300)
    panel.units["x"] = np.where(panel.entry == 6, 50.0, panel.units["x"])
    effects = GroupTimeATT(method="ipw", covariates=("x",)).fit(panel, "y")
    assert_valid_effects(effects)
    status = effects.cells.groupby("cohort")["status"].agg(set)
    assert "estimated" not in status[6] and "not_estimable" in status[6] and "estimated" in status[7]


def test_no_comparison_at_all_is_an_error():
    with pytest.raises(EstimationError, match="never treated"):
        GroupTimeATT().fit(panel_of([1, 1, 2, 2], {"y": np.zeros((4, 4))}), "y")


@pytest.mark.parametrize("wrong", [{"control": "all"}, {"method": "dr"}, {"covariates": ("x",)}, {"anticipation": -1}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        GroupTimeATT(**wrong)
