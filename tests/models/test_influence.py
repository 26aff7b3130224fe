"""Influence functions against what they mean: how a number moves when one unit counts a little more."""
import dataclasses

import numpy as np
import pytest

from evaluation.models import GroupTimeATT, overall
from evaluation.models.inference import aggregate, event_study
from evaluation.models.relative import relative_effect
from evaluation.models.summaries import average, chosen_cells
from tests.matching.panels import panel_of, simulated_panel

STEP = 1e-5
RTOL = 2e-4                    # of a central difference with this step
SPECS = {
    "none": {}, "not yet": {"control": "notyet"}, "varying": {"base": "varying"}, "rcs": {"observed": "rcs"}, "full": {"observed": "full"},
    "reg": {"method": "reg", "covariates": ("x",)}, "ipw": {"method": "ipw", "covariates": ("x",)},
    "dr": {"method": "dr", "covariates": ("x",), "control": "notyet"},
}


@pytest.fixture(scope="module")
def panel():
    panel = simulated_panel(120, effect=-0.5, missing=0.06, seed=3)
    return dataclasses.replace(panel, units=panel.units.assign(w=np.random.default_rng(0).uniform(0.5, 2.0, len(panel))))


def _moved(panel, unit, step):
    weights = panel.units["w"].to_numpy().copy()
    weights[unit] *= 1 + step
    return dataclasses.replace(panel, units=panel.units.assign(w=weights))


def _derivative(value, panel, unit):
    return (value(_moved(panel, unit, STEP)) - value(_moved(panel, unit, -STEP))) / (2 * STEP)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_influence_is_the_derivative_by_a_units_weight(panel, spec):
    estimator = GroupTimeATT(weights="w", **spec)

    def value(of):
        return overall(estimator.fit(of, "y"), quarters=(0, 2), clusters="unit").estimate

    effects = estimator.fit(panel, "y").each_unit()
    summary = average(effects, chosen_cells(effects, quarters=(0, 2), cohorts="complete"))
    by_unit = np.bincount(effects.rows["unit"], weights=summary.contribution, minlength=len(panel))
    scale = np.abs(by_unit).max()
    for unit in range(0, len(panel), 7):
        assert by_unit[unit] == pytest.approx(_derivative(value, panel, unit), rel=RTOL, abs=1e-6 * scale)


@pytest.mark.parametrize("kind", ["simple", "event", "cohort", "calendar"])
def test_summaries_by_unit_from_compressed_moments_equal_those_from_every_unit(panel, kind):
    for missing in (panel, simulated_panel(200, effect=1.0)):
        effects = GroupTimeATT(control="notyet").fit(missing, "y")
        one, other = aggregate(effects, kind, clusters="unit")[1], aggregate(effects.each_unit(), kind, clusters="unit")[1]
        assert one.estimate == pytest.approx(other.estimate) and one.std_error == pytest.approx(other.std_error, rel=1e-9)
        assert (one.n_treated, one.n_comparison, one.n_clusters) == (other.n_treated, other.n_comparison, other.n_clusters)
        places = [aggregate(e, kind, clusters="council")[1] for e in (effects, effects.each_unit())]
        assert dataclasses.astuple(places[0])[1:] == pytest.approx(dataclasses.astuple(places[1])[1:], nan_ok=True) or (
            places[0].std_error == pytest.approx(places[1].std_error, rel=1e-9) and places[0].n_clusters == places[1].n_clusters)


def test_an_event_study_from_sums_equals_that_from_every_unit(panel):
    effects = GroupTimeATT().fit(panel, "y")
    for clusters in ("unit", "council"):
        one, other = event_study(effects, clusters=clusters), event_study(effects.each_unit(), clusters=clusters)
        for name in ("estimate", "std_error", "lower", "n_treated", "n_comparison"):
            np.testing.assert_allclose(one[name].astype(float), other[name].astype(float), rtol=1e-8, err_msg=name)


def test_the_influence_of_a_ratio_is_its_derivative_too(panel):
    positive = dataclasses.replace(panel, outcomes={"y": panel.outcomes["y"] + 20})
    estimator = GroupTimeATT(weights="w")

    def value(of):
        return np.log(relative_effect(estimator.fit(of, "y"), of, quarters=(0, 2), clusters="unit").ratio.estimate)

    found = relative_effect(estimator.fit(positive, "y"), positive, quarters=(0, 2), clusters="unit")
    moves = np.array([_derivative(value, positive, unit) for unit in range(len(positive))])
    g = found.ratio.n_clusters
    assert found.ratio.std_error == pytest.approx(np.sqrt(moves @ moves * g / (g - 1)), rel=1e-3)
    assert found.counterfactual == pytest.approx(found.level - found.effect.estimate)
    assert found.ratio.estimate == pytest.approx(found.level / found.counterfactual)
    assert found.ratio.lower < found.ratio.estimate < found.ratio.upper


def test_there_is_no_ratio_to_a_level_that_is_not_above_zero(panel):
    low = dataclasses.replace(panel, outcomes={"y": panel.outcomes["y"] - 100})
    found = relative_effect(GroupTimeATT().fit(low, "y"), low, quarters=(0, 2))
    assert np.isnan(found.ratio.estimate) and "not above 0" in found.ratio.reason and np.isfinite(found.effect.estimate)


def test_a_ratio_from_rows_for_errors_by_unit_reads_the_units_themselves(panel):
    positive = dataclasses.replace(panel, outcomes={"y": panel.outcomes["y"] + 20})
    effects = GroupTimeATT().fit(positive, "y")
    one, other = (relative_effect(rows, positive, quarters=(0, 2), clusters="unit") for rows in (effects.at(("unit",)), effects.each_unit()))
    assert one.level == pytest.approx(other.level) and one.ratio.std_error == pytest.approx(other.ratio.std_error)


def test_families_are_counted_where_an_outcome_is_the_same_for_all_of_them():
    y = np.zeros((200, 6))
    y[:, 5] = np.random.default_rng(0).poisson(0.3, 200)
    effects = GroupTimeATT().fit(panel_of(np.repeat([3, -1], 100), {"y": y}), "y")
    table = event_study(effects, clusters="unit")
    there = table[table["estimate"].notna() & (table["phase"] != "base")]
    assert len(there) == 5 and set(there["n_treated"]) == {100} == set(there["n_comparison"])
