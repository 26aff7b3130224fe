"""Effects of places, each worked out on its own rows: the same numbers as from the rows of all."""
import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, UnmatchedDiD
from evaluation.models.council_effects import council_effects
from evaluation.models.effects import Estimate
from evaluation.models.inference import estimate_of
from evaluation.models.joint import joint
from evaluation.models.places import by_council, in_all, of_places
from evaluation.models.summaries import average, chosen_cells
from tests.matching.panels import simulated_panel

QUARTERS = (0, 2)


@pytest.fixture(scope="module")
def panel():
    return simulated_panel(400, councils=8, missing=0.1)


@pytest.fixture(scope="module", params=["sets of one council", "sets across councils", "units serve several sets", "no sets"])
def effects(request, panel):
    if request.param == "no sets":
        return UnmatchedDiD().fit(panel, "y").each_unit()
    matcher = {"sets of one council": NearestNeighbour(covariates=("x",), exact=("council_code",)),
               "sets across councils": NearestNeighbour(covariates=("x",), ratio=2),
               "units serve several sets": NearestNeighbour(covariates=("x",), ratio=2, replacement=True)}[request.param]
    return MatchedDiD().fit(matcher.fit(panel), "y")


def of_all_rows(effects):
    """Each council's summary over all rows of the effects."""
    cells, treated = chosen_cells(effects, quarters=QUARTERS, cohorts="complete"), effects.rows["treated"].to_numpy()
    place = effects.rows["council_code"].to_numpy()
    return {code: average(effects, cells, treated_rows=treated & (place == code)) for code in sorted(set(place[treated]))}


@pytest.mark.parametrize("clusters", ["auto", "unit", "council"])
def test_a_place_has_the_number_and_the_interval_that_all_rows_give_it(effects, clusters):
    table = by_council(effects, quarters=QUARTERS, clusters=clusters).set_index("council_code")
    whole = of_all_rows(effects)
    assert list(table.index) == list(whole)
    for code, summary in whole.items():
        want = estimate_of(effects, summary, clusters=clusters)
        for name in Estimate.__slots__:
            ours, theirs = table.loc[code, name], getattr(want, name)
            assert ours == (pytest.approx(theirs, rel=1e-9, nan_ok=True) if isinstance(theirs, float) else theirs), (code, name)


def test_places_vary_together_as_their_sums_over_all_rows_do(effects):
    found = council_effects(effects, quarters=QUARTERS, fewest=0)
    want = joint({code: (effects, summary) for code, summary in of_all_rows(effects).items()})
    np.testing.assert_allclose(found.theta, want.values, rtol=1e-12)
    np.testing.assert_allclose(correlations(found.covariance), correlations(want.covariance), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), found.own_std_error)      # each with its own number of clusters


def test_a_place_on_its_own_rows_is_the_same_summary_of_all_rows(effects):
    whole = of_all_rows(effects)
    effects, found = of_places(effects, quarters=QUARTERS, cohorts="complete", clusters="auto", assignment="unit")
    for one in found:
        ours, theirs = in_all(effects, one), whole[one.place]
        np.testing.assert_array_equal(ours.enters, theirs.enters)
        np.testing.assert_allclose(ours.contribution, theirs.contribution, rtol=1e-9, atol=1e-15)
        np.testing.assert_array_equal(ours.over.rows, theirs.over.rows)
        np.testing.assert_allclose(ours.over.weighted, theirs.over.weighted, rtol=1e-9, atol=1e-12)


def correlations(covariance):
    return covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
