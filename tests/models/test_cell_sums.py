"""Additive sums of a panel, and errors by unit from their compressed moments."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EstimationError
from evaluation.models.cell_sums import cell_sums, each_unit


def _panel(rng, n=60, n_periods=5, missing=0.0):
    y = rng.normal(size=(n, n_periods)) + 5
    y[rng.random(y.shape) < missing] = np.nan
    council = rng.integers(0, 4, n).astype(str)
    return y, rng.choice([-1, 2, 3], n), pd.DataFrame({"council_code": council, "area": council})


def test_sums_by_kind_and_place_equal_a_group_by():
    y, entry, places = _panel(np.random.default_rng(0))
    weights = np.random.default_rng(1).uniform(1, 3, len(y))
    sums = cell_sums(y, entry, places, weights=weights)
    plain = pd.DataFrame(y * weights[:, None]).groupby([entry, places["council_code"].to_numpy()]).sum()
    for b in range(len(sums.by_place)):
        key = sums.cohort[sums.by_place.kind[b]], sums.places["council_code"][sums.by_place.place[b]]
        assert sums.by_place.total[b] == pytest.approx(plain.loc[key].to_numpy())
    assert sums.by_place.count.sum() == len(y) and sums.by_place.weight.sum() == pytest.approx(weights.sum())
    assert sums.is_complete and sums.cohorts().tolist() == [2, 3]


@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.2, 0.6]))
@settings(max_examples=25, deadline=None)
def test_any_number_that_is_linear_in_outcomes_has_the_same_sum_of_squares_from_compressed_units(seed, missing):
    rng = np.random.default_rng(seed)
    y, entry, places = _panel(rng, missing=missing)
    weights = rng.uniform(0.5, 2, len(y))
    sums, (units, _) = cell_sums(y, entry, places, weights=weights), each_unit(y, entry, weights=weights)
    slope, level = rng.normal(size=(len(sums.cohort), 5)), rng.normal(size=len(sums.cohort))

    def squares(groups):
        return ((groups.total * slope[groups.kind]).sum(axis=1) + level[groups.kind] * groups.weight) @ (
            (groups.total * slope[groups.kind]).sum(axis=1) + level[groups.kind] * groups.weight)
    assert squares(sums.by_unit) == pytest.approx(squares(units), rel=1e-9)
    assert sums.by_unit.count.sum() == pytest.approx(len(units)) and len(sums.by_unit) <= len(units)


def test_a_large_mean_costs_no_digits_of_the_compressed_moments():
    y, entry, places = _panel(np.random.default_rng(3), n=400)
    sums, (units, _) = cell_sums(y + 1e6, entry, places), each_unit(y + 1e6, entry)

    def squares(groups):
        change = groups.total[:, 4] - groups.total[:, 0]
        return change @ change
    assert len(sums.by_unit) == 3 * 6
    assert squares(sums.by_unit) == pytest.approx(squares(units), rel=1e-8)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_sums_of_two_halves_add_up_to_those_of_the_whole(missing):
    y, entry, places = _panel(np.random.default_rng(4), n=200, missing=missing)
    first = np.arange(len(y)) < 90
    whole = cell_sums(y, entry, places)
    added = cell_sums(y[first], entry[first], places[first]) + cell_sums(y[~first], entry[~first], places[~first])
    assert np.array_equal(whole.cohort, added.cohort) and np.array_equal(whole.seen, added.seen) and whole.places.equals(added.places)
    for name in ("kind", "place", "count", "weight", "total"):
        np.testing.assert_allclose(getattr(added.by_place, name), getattr(whole.by_place, name), atol=1e-9)
    moments = [np.einsum("bi,bj->ij", groups.total, groups.total) for groups in (whole.by_unit, added.by_unit)]
    np.testing.assert_allclose(*moments, rtol=1e-9)


def test_units_without_weight_or_never_seen_are_left_out():
    y, entry, places = _panel(np.random.default_rng(5), n=10)
    y[0] = np.nan
    weights = np.ones(10)
    weights[1] = 0
    assert cell_sums(y, entry, places, weights=weights).by_place.count.sum() == 8
    assert each_unit(y, entry, weights=weights)[1].tolist() == list(range(2, 10))


def test_sums_of_other_periods_and_weights_that_are_no_weights_are_refused():
    y, entry, places = _panel(np.random.default_rng(6), n=10)
    with pytest.raises(EstimationError, match="same periods"):
        cell_sums(y, entry, places) + cell_sums(y[:, :3], entry, places)
    with pytest.raises(EstimationError, match="0 or more"):
        cell_sums(y, entry, places, weights=np.full(10, -1.0))


def test_lasting_levels_far_larger_than_the_changes_cost_no_digits_either():
    rng = np.random.default_rng(7)
    y, entry, places = _panel(rng, n=400)
    y = rng.normal(size=(400, 1)) * 1e6 + rng.normal(size=(400, 5)) * 0.1
    sums, (units, _) = cell_sums(y, entry, places), each_unit(y, entry)

    def squares(groups):
        change = groups.total[:, 4] - groups.total[:, 1]
        return change @ change
    assert squares(sums.by_unit) == pytest.approx(squares(units), rel=1e-6)


def test_a_unit_without_an_area_is_refused():
    y, entry, places = _panel(np.random.default_rng(8), n=10)
    with pytest.raises(EstimationError, match="council and an area"):
        cell_sums(y, entry, places.assign(area=[None, *places["area"][1:]]))
