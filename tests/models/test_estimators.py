"""What holds for every estimator of `ESTIMATORS`."""
import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from evaluation.errors import PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import ESTIMATORS, overall
from tests.matching.panels import panel_of, simulated_panel
from tests.models.valid import assert_same_estimate, assert_valid_effects

ALL = list(ESTIMATORS)
OF_PLACES = ("synthetic_control", "synthetic_did")       # for a few large units, not for families


def _panel(name, n=400, missing=0.05, **options):
    """Families in eight councils; for estimators of places, councils that are areas of their own, a few of them treated."""
    if name not in OF_PLACES:
        return simulated_panel(n, missing=missing, **options)
    panel = simulated_panel(60, entries=(8, 10), **options)
    entry = np.where(np.arange(60) < 12, panel.entry, -1)
    return panel_of(entry, panel.outcomes, unit="council", x=panel.units["x"], b=panel.units["b"])


def _matched(panel):
    return NearestNeighbour(covariates=("x",), exact=("b",) if len(panel) > 100 else (), caliper=0.2 if len(panel) > 100 else None).fit(panel)


@pytest.fixture
def sample(name):
    return _matched(_panel(name, effect=-0.5))


def _with_outcome(sample, y):
    return dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, outcomes={"y": y}))


def _headline(name, sample):
    return overall(ESTIMATORS[name]().fit(sample, "y"), quarters=(0, 3))


@pytest.mark.parametrize("name", ALL)
def test_effects_are_valid_and_the_sample_stays_as_it_was(name, sample):
    y = sample.panel.outcomes["y"].copy()
    effects = ESTIMATORS[name]().fit(sample, "y")
    assert_valid_effects(effects)
    assert effects.outcome == "y" and effects.estimator
    assert np.array_equal(sample.panel.outcomes["y"], y, equal_nan=True)


@pytest.mark.parametrize("name", ALL)
def test_a_constant_added_to_the_outcome_changes_nothing(name, sample):
    assert_same_estimate(_headline(name, sample), _headline(name, _with_outcome(sample, sample.panel.outcomes["y"] + 7)), rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_scaling_the_outcome_scales_the_effect_and_its_error(name, sample):
    one, three = _headline(name, sample), _headline(name, _with_outcome(sample, sample.panel.outcomes["y"] * 3))
    assert three.estimate == pytest.approx(3 * one.estimate) and three.std_error == pytest.approx(3 * one.std_error)
    assert three.p_value == pytest.approx(one.p_value, rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_units_does_not_matter(name, sample):
    panel = sample.panel
    order = np.random.default_rng(0).permutation(len(panel))
    units = panel.units.iloc[order].reset_index(drop=True)
    shuffled = panel_of(units["entry"], {"y": panel.outcomes["y"][order]}, unit=panel.unit, ids=units["unit_id"],
                        eligible_from=units["eligible_from"], councils=units["council_code"], x=units["x"], b=units["b"])
    assert_same_estimate(_headline(name, sample), _headline(name, _matched(shuffled)), rtol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_a_relabelled_council_changes_nothing(name, sample):
    units = sample.panel.units.assign(council_code="Z" + sample.panel.units["council_code"], area="Z" + sample.panel.units["area"])
    renamed = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, units=units))
    assert _headline(name, sample) == _headline(name, renamed)


@pytest.mark.parametrize("name", ALL)
def test_a_known_effect_lies_inside_four_standard_errors(name):
    # levels are confounded without matching: there only the sign of the bias is known
    found = _headline(name, _matched(_panel(name, 1500, missing=0.0, effect=-0.5, seed=11)))
    if name != "unmatched_levels":
        assert abs(found.estimate + 0.5) < 4 * found.std_error
    else:
        assert found.estimate > -0.3


@pytest.mark.parametrize("name", ALL)
def test_an_unknown_outcome_is_refused(name, sample):
    with pytest.raises(PlanError, match="'z' is not one of y"):
        ESTIMATORS[name]().fit(sample, "z")


def test_importing_models_does_not_import_the_heavy_libraries():
    heavy = ("statsmodels", "linearmodels", "sklearn", "scipy.stats", "matplotlib")
    code = f"import sys, evaluation.models; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
