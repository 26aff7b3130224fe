import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import GroupTimeATT, MatchedDiD
from evaluation.models.families_of_tests import adjusted_tests, simultaneous_event_study
from evaluation.models.summaries import average, chosen_cells
from tests.matching.panels import panel_of, simulated_panel


@pytest.mark.parametrize("clusters", ["unit", "council"])
def test_a_simultaneous_band_holds_the_pointwise_interval_and_leaves_the_base_alone(clusters):
    effects = GroupTimeATT().fit(simulated_panel(400, effect=-0.5), "y")
    table = simultaneous_event_study(effects, clusters=clusters, rng=np.random.default_rng(0), n_draws=999)
    shown = table["std_error"] > 0
    assert (table["band_lower"][shown] <= table["lower"][shown]).all() and (table["band_upper"][shown] >= table["upper"][shown]).all()
    assert table.loc[table["phase"] == "base", ["band_lower", "band_upper"]].isna().all(axis=None)
    np.testing.assert_allclose(table["estimate"] - table["band_lower"], table["band_upper"] - table["estimate"])
    again = simultaneous_event_study(effects, clusters=clusters, rng=np.random.default_rng(0), n_draws=999)
    assert again.equals(table)


def test_the_band_of_many_independent_clusters_is_that_of_a_joint_normal():
    """Reused units: two-way clusters, normal draws; the critical value lies between the pointwise one and Bonferroni's."""
    sample = NearestNeighbour(covariates=("x",), ratio=2).fit(simulated_panel(400))
    table = simultaneous_event_study(MatchedDiD().fit(sample, "y"), rng=np.random.default_rng(1))
    shown = table[table["std_error"] > 0]
    critical = ((shown["band_upper"] - shown["estimate"]) / shown["std_error"]).to_numpy()
    assert np.ptp(critical) < 1e-9 and 2.2 < critical[0] < 3.1


def test_outcomes_that_are_the_same_are_not_adjusted_by_romano_and_wolf_and_independent_ones_as_by_holm():
    sample = NearestNeighbour(covariates=("x",), replacement=False, ratio=1).fit(simulated_panel(500, effect=-0.35))
    y = sample.panel.outcomes["y"]
    outcomes = {"a": y, "b": 2 * y, "c": np.random.default_rng(0).permutation(y)}
    sample = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes=outcomes))

    def part(name):
        effects = MatchedDiD().fit(sample, name)
        return effects, average(effects, chosen_cells(effects, quarters=(0, 3), cohorts="complete"))
    same = adjusted_tests({"a": part("a"), "b": part("b")}, rng=np.random.default_rng(2))
    assert same["romano_wolf"].to_numpy() == pytest.approx(same["p_value"], abs=0.02)
    assert same["holm"].to_numpy() == pytest.approx(np.minimum(2 * same["p_value"], 1))
    apart = adjusted_tests({"a": part("a"), "c": part("c")}, rng=np.random.default_rng(2)).set_index("name")
    assert apart["romano_wolf"].to_numpy() == pytest.approx(apart["holm"].to_numpy(), abs=0.03)
    assert (apart["benjamini_hochberg"] <= apart["holm"] + 1e-12).all()


def test_bands_by_family_are_those_of_every_family_not_of_the_compressed_rows():
    rng = np.random.default_rng(3)
    panel = panel_of(np.repeat([1, -1], 500), {"y": rng.normal(size=(1000, 3))})
    effects = GroupTimeATT().fit(panel, "y")

    def critical(given):
        table = simultaneous_event_study(given, clusters="unit", rng=np.random.default_rng(0))
        shown = table[table["std_error"] > 0]
        return ((shown["band_upper"] - shown["estimate"]) / shown["std_error"]).iloc[0]
    assert critical(effects) == pytest.approx(critical(effects.each_unit()), abs=0.04)
