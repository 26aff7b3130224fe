import numpy as np
import pytest

from evaluation.errors import EstimationError
from evaluation.matching import NearestNeighbour
from evaluation.models import GroupTimeATT, MatchedDiD
from evaluation.models.inference import estimate_of
from evaluation.models.summaries import average, chosen_cells
from evaluation.models.wild import WildBootstrap
from evaluation.models.wild_effects import as_regression, wild_test
from tests.matching.panels import panel_of, simulated_panel


@pytest.fixture(scope="module", params=[(6, 7), (6, 9)], ids=["one entry date", "three entry dates"])
def effects(request):
    return GroupTimeATT().fit(simulated_panel(300, entries=request.param, effect=-0.5), "y")


def _headline(effects):
    return average(effects, chosen_cells(effects, quarters=(0, 2), cohorts="complete"))


def test_the_regression_of_a_headline_has_its_estimate_and_errors(effects):
    fit, contrast = as_regression(effects, _headline(effects), "council")
    found = estimate_of(effects, _headline(effects), clusters="council")
    assert contrast @ fit.coefficients == pytest.approx(found.estimate)
    assert found.method.startswith("CR3")
    assert np.sqrt(contrast @ fit.covariance("CR3") @ contrast) == pytest.approx(found.std_error)
    assert fit.degrees_of_freedom(contrast, "CR3") == pytest.approx(found.df)


def test_eight_councils_are_enumerated_and_agree_with_signs_drawn_by_hand(effects):
    """Unrestricted scores, all 256 patterns: the t statistic of every pattern from a regression of its own."""
    spec = WildBootstrap(residuals="unrestricted", multiplier="rademacher")
    found = wild_test(effects, _headline(effects), spec=spec, rng=np.random.default_rng(0))
    assert found.enumerated and found.n_clusters == 8 and found.n_draws == 256
    fit, contrast = as_regression(effects, _headline(effects), "council")
    m, t = fit.bread @ contrast, []
    for pattern in range(256):
        signs = 1.0 - 2.0 * (pattern >> np.arange(8) & 1)
        total = signs @ fit.score
        scores = signs[:, None] * fit.score - np.einsum("gkl,l->gk", fit.gram, fit.bread @ total)
        t.append((m @ total) / np.sqrt(((scores @ m) ** 2).sum() * 8 / 7))
    actual = contrast @ fit.coefficients / np.sqrt(((fit.score @ m) ** 2).sum() * 8 / 7)
    # the pattern of all signs alike is the sample itself: not less than it, but for rounding
    assert found.p_value == pytest.approx(np.mean(np.abs(t) >= abs(actual) * (1 - 1e-9)), abs=1 / 256)


def test_the_interval_by_inversion_holds_the_estimate_and_zero_exactly_when_it_is_not_rejected(effects):
    found = wild_test(effects, _headline(effects), rng=np.random.default_rng(1))
    assert found.lower < found.estimate < found.upper
    assert (found.lower <= 0 <= found.upper) == (found.p_value >= 0.05)


def test_numbers_that_are_no_contrast_of_means_clustered_one_way_are_refused():
    panel = panel_of(simulated_panel(200).entry, simulated_panel(200).outcomes, x=simulated_panel(200).units["x"])
    adjusted = GroupTimeATT(method="reg", covariates=("x",)).fit(panel, "y")
    with pytest.raises(EstimationError, match="contrast of means"):
        wild_test(adjusted, _headline(adjusted), rng=np.random.default_rng(0))
    matched = MatchedDiD().fit(NearestNeighbour(covariates=("x",)).fit(simulated_panel(300)), "y")
    with pytest.raises(EstimationError, match="one kind of cluster"):
        wild_test(matched, _headline(matched), clusters="auto", rng=np.random.default_rng(0))
