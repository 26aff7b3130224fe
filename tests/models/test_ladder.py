import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import EstimationError, PlanError
from evaluation.models.ladder import Choice, choose, padded_variance


def method(regime, treated, clusters, **how):
    found = choose(regime, n_treated=treated, n_clusters=clusters, **how)
    return found.error, found.test, found.beside, found.standing


@pytest.mark.parametrize("treated,clusters,wanted", [
    (0, 30, ("none", "none", (), "none")),
    (30, 30, ("none", "none", (), "none")),
    (1, 30, ("none", "randomisation", (), "none")),
    (2, 30, ("CR3", "randomisation", (), "flagged")),
    (4, 150, ("CR3", "randomisation", (), "flagged")),
    (26, 30, ("CR3", "randomisation", (), "flagged")),
    (5, 10, ("CR3", "t", ("wild",), "reliable")),
    (11, 60, ("CR3", "t", ("wild",), "reliable")),
    (12, 60, ("CR2", "t", ("wild",), "reliable")),
    (48, 60, ("CR2", "t", ("wild",), "reliable")),
    (20, 60, ("CR2", "t", (), "reliable")),
    (400, 1_200, ("CR1", "t", (), "reliable")),
])
def test_areas_are_judged_by_their_smaller_arm(treated, clusters, wanted):
    assert method("areas", treated, clusters) == wanted


@pytest.mark.parametrize("treated,clusters,wanted", [
    (3, 40, ("CR1", "randomisation", (), "flagged")),
    (8, 40, ("CR1", "t", ("randomisation",), "flagged")),
    (15, 40, ("CR1", "t", ("randomisation",), "reliable")),
])
def test_adjusted_effects_of_areas_have_cr1_and_a_flag_while_it_is_too_small(treated, clusters, wanted):
    assert method("areas", treated, clusters, adjusted=True) == wanted


@pytest.mark.parametrize("sets,how,wanted", [
    (1, {}, ("none", "none", (), "none")),
    (9, {}, ("CR1", "t", ("randomisation",), "flagged")),
    (10, {}, ("CR1", "t", ("randomisation",), "reliable")),
    (18, {"n_events": 4}, ("CR1_padded", "t", ("randomisation",), "flagged")),
    (18, {"n_events": 5}, ("CR1", "t", ("randomisation",), "reliable")),
    (60, {"reused": True}, ("CR1", "t", (), "reliable")),
    (3_000, {}, ("CR1", "t", (), "reliable")),
])
def test_families_are_judged_by_their_sets_and_events(sets, how, wanted):
    assert method("families", sets, sets, **how) == wanted


@given(st.sampled_from(["families", "areas"]), st.integers(0, 2_000), st.integers(0, 2_000), st.booleans())
def test_every_choice_says_why_and_no_error_means_no_interval(regime, one, two, adjusted):
    found = choose(regime, n_treated=min(one, two), n_clusters=max(one, two), adjusted=adjusted)
    assert isinstance(found, Choice) and found.words.endswith(".")
    assert (found.error == "none") == (found.standing == "none")
    assert ("not reliably testable" in found.words) or found.standing != "flagged"
    assert found == choose(regime, n_treated=min(one, two), n_clusters=max(one, two), adjusted=adjusted)


def test_words_tell_when_no_effect_could_be_distinguished():
    assert "too few" in choose("areas", n_treated=2, n_clusters=6).words          # 15 choices: the smallest p value is 1/15
    assert math.comb(7, 2) == 21 and "too few" not in choose("areas", n_treated=2, n_clusters=7).words


def test_words_name_the_method_and_the_clusters():
    assert "CR2" in choose("areas", n_treated=15, n_clusters=40).words and "by area" in choose("areas", n_treated=15, n_clusters=40).words
    assert "serve several sets" in choose("families", n_treated=60, n_clusters=60, reused=True).words


def test_a_padded_variance_is_that_of_two_more_sets_as_far_out_as_the_farthest():
    """Contributions -1, -1, 2: squares 6, and twice 4 more, times 3/2."""
    assert padded_variance(np.array([-1.0, -1.0, 2.0])) == pytest.approx(21.0)


def test_padding_restores_the_coverage_of_rare_events():
    """18 sets of one to three, one family in ten with an event: t covers 90 in 100, padded 95 (4,000 runs, 4 Monte Carlo errors 1.4)."""
    from scipy.special import stdtrit
    rng, n = np.random.default_rng(0), 18
    propensity = rng.beta(2, 18, size=(4_000, n))
    d = (rng.random((4_000, n)) < propensity) - (rng.random((4_000, n, 3)) < propensity[..., None]).mean(axis=-1)
    d = d[d.std(axis=1) > 0]
    contributions = (d - d.mean(axis=1, keepdims=True)) / n
    plain = np.sqrt(n / (n - 1) * (contributions**2).sum(axis=1))
    padded = np.sqrt([padded_variance(row) for row in contributions])
    plain, padded = (np.mean(np.abs(d.mean(axis=1)) <= stdtrit(n - 1, 0.975) * error) for error in (plain, padded))
    assert plain < 0.92 and padded > 0.936


def test_what_cannot_be_is_refused():
    with pytest.raises(PlanError, match="families or areas"):
        choose("schools", n_treated=3, n_clusters=9)
    with pytest.raises(PlanError, match="among all clusters"):
        choose("areas", n_treated=12, n_clusters=9)
    with pytest.raises(EstimationError, match="two clusters"):
        padded_variance(np.array([1.0]))
