import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import MATCHERS, NearestNeighbour
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.valid import assert_valid_sample


@pytest.mark.parametrize("name", list(MATCHERS))
@pytest.mark.parametrize("options", [{}, {"replacement": False}, {"ratio": 1, "caliper": None}, {"exact": ("council_code", "b")},
                                     {"history": ("y",)}])
def test_every_matcher_gives_a_valid_sample_and_leaves_its_panel_as_it_was(name, options):
    panel = simulated_panel(missing=0.1)
    before = panel.units.copy(), panel.outcomes["y"].copy()
    assert_valid_sample(MATCHERS[name](covariates=("x",), **options).fit(panel))
    assert panel.units.equals(before[0]) and np.array_equal(panel.outcomes["y"], before[1], equal_nan=True)


def test_nearest_units_are_found_by_hand():
    # x of the treated 1 and 3; of the others 0.8, 1.3, 2.9, 9: the two nearest are (0.8, 1.3) and (2.9, 1.3). The score is increasing in x.
    panel = panel_of([2, 2, -1, -1, -1, -1], x=[1.0, 3.0, 0.8, 1.3, 2.9, 9.0])
    sample = NearestNeighbour(covariates=("x",), ratio=2, caliper=None).fit(panel)
    assert_valid_sample(sample)
    assert {s: sorted(sample.comparison_unit[sample.comparison_set == s]) for s in (0, 1)} == {0: [2, 3], 1: [3, 4]}
    assert sample.comparison_weight.tolist() == [0.5] * 4
    assert sample.effective_sample_size() == pytest.approx(2.0**2 / (0.5**2 + 1 + 0.5**2))


def test_without_replacement_no_unit_is_used_twice_in_an_entry_period_but_may_serve_others():
    sample = NearestNeighbour(covariates=("x",), ratio=2, replacement=False).fit(simulated_panel())
    used = np.column_stack([sample.comparison_entry, sample.comparison_unit])
    assert len(np.unique(used, axis=0)) == len(used)
    assert len(np.unique(sample.comparison_unit)) < len(used)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), caliper=st.sampled_from([0.02, 0.1, 0.5]), replacement=st.booleans())
def test_the_caliper_is_never_violated(seed, caliper, replacement):
    sample = NearestNeighbour(covariates=("x", "b"), caliper=caliper, replacement=replacement).fit(simulated_panel(150, seed=seed))
    assert_valid_sample(sample)
    score = sample.candidates.set_index(["unit", "entry"])["score"]
    assert sample.caliper_width == pytest.approx(caliper * sample.candidates["score"].std())
    at = sample.comparison_entry
    gap = (score.loc[list(zip(sample.treated_unit[sample.comparison_set], at, strict=True))].to_numpy()
           - score.loc[list(zip(sample.comparison_unit, at, strict=True))].to_numpy())
    assert (np.abs(gap) <= sample.caliper_width).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), replacement=st.booleans())
def test_the_order_of_units_does_not_matter(seed, replacement):
    panel = simulated_panel(120, seed=seed)
    order = np.random.default_rng(seed).permutation(len(panel))
    units = panel.units.iloc[order].reset_index(drop=True)
    shuffled = panel_of(units["entry"], {"y": panel.outcomes["y"][order]}, unit="family", ids=units["unit_id"],
                        eligible_from=units["eligible_from"], councils=units["council_code"], x=units["x"], b=units["b"])

    def pairs(which):
        sample = NearestNeighbour(covariates=("x",), exact=("b",), replacement=replacement).fit(which)
        ids = which.units["unit_id"].to_numpy()
        return set(zip(ids[sample.treated_unit[sample.comparison_set]], ids[sample.comparison_unit], strict=True))
    assert pairs(panel) == pairs(shuffled)


def test_exact_strata_equal_matching_each_stratum_on_the_same_score():
    panel = simulated_panel(300)
    sample = NearestNeighbour(covariates=("x",), exact=("council_code", "b")).fit(panel)
    for name in ("council_code", "b"):
        values = panel.units[name].to_numpy()
        assert (values[sample.treated_unit[sample.comparison_set]] == values[sample.comparison_unit]).all()


def test_units_that_cannot_be_matched_are_left_out_with_their_reason():
    # U0 has no x; U1 has no stratum key; U2 is alone in stratum 'b'; U3 lies far away; U4 is matched
    x = [np.nan, 0.0, 0.0, 50.0, 0.1, *np.linspace(-1, 1, 12), 2.0]
    key = ["a", None, "b", "a", "a", *["a"] * 12, "a"]
    panel = panel_of([2, 2, 2, 2, 2, *[-1] * 13], x=x, key=key)
    sample = NearestNeighbour(covariates=("x",), exact=("key",), caliper=0.05).fit(panel)
    assert_valid_sample(sample)
    assert sample.dropped["reason"].tolist() == ["covariate_missing", "stratum_missing", "no_comparison_in_stratum", "outside_caliper"]
    assert sample.notes == ("1 of 18 candidate rows lack a covariate and were left out (x 1).",)


def test_an_entry_period_without_candidates_is_left_out_and_does_not_spoil_the_score():
    panel = panel_of([1, 3, 3, -1, -1, -1, -1], x=[0.0, 0.2, 1.0, 0.5, 0.1, 1.2, -1.0], eligible_from=[0, 0, 0, 2, 2, 2, 2],
                     eligible_to=[0, 0, 0, 3, 3, 3, 3])
    sample = NearestNeighbour(covariates=("x",), caliper=None).fit(panel)
    assert_valid_sample(sample)
    assert sample.dropped[["unit", "reason"]].to_numpy().tolist() == [[0, "no_comparison_in_stratum"]]


def test_nobody_matched_is_an_error_that_says_how_to_mend_it():
    panel = panel_of([2, 2, -1, -1], x=[1.0, 5.0, 1.5, 0.2], key=["a", "a", "b", "b"])
    with pytest.raises(CommonSupportError, match="Widen `matching.caliper`"):
        NearestNeighbour(covariates=("x",), exact=("key",)).fit(panel)


def test_a_score_without_covariates_is_refused():
    with pytest.raises(EstimationError, match="at least one covariate"):
        NearestNeighbour().fit(simulated_panel(50))


@pytest.mark.parametrize("wrong", [{"ratio": 0}, {"caliper": 0.0}, {"exact": "council_code"}, {"history_window": (-3, 0)}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        NearestNeighbour(covariates=("x",), **wrong)


def test_used_event_times_are_those_of_the_history():
    assert NearestNeighbour(covariates=("x",)).used_event_times() == ()
    assert NearestNeighbour(covariates=("x",), history=("y",), history_window=(-4, -3)).used_event_times() == (-4, -3)
