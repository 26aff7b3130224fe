import dataclasses

import numpy as np
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models import MatchedDiD, overall, permute_areas, placebo_gaps
from evaluation.models.permutation import _Places, _reassigned, _treated_areas
from tests.matching.panels import panel_of

DID = MatchedDiD(base=-2, window=(-3, 1), anticipation=1)
MATCHER = NearestNeighbour(covariates=("x",), ratio=3, caliper=None)


def councils(effect=0.0, seed=0, n=90):
    """Councils in three regions; two areas of three and four areas of one join in year 4."""
    rng = np.random.default_rng(seed)
    area = np.array([f"own{i:02d}" for i in range(n)], dtype=object)
    area[[0, 3, 6]], area[[1, 4, 7]] = "north", "south"        # regions are i % 3, so that an area lies in one region
    entry = np.full(n, -1)
    entry[[0, 3, 6, 1, 4, 7, 10, 20, 30, 41]] = 4
    y = rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 7)) + effect * ((entry >= 0)[:, None] & (np.arange(7) >= 4))
    panel = panel_of(entry, {"y": y, "z": rng.normal(size=(n, 7))}, areas=area, x=rng.normal(size=n))
    panel.units["region"] = [f"R{i % 3}" for i in range(n)]
    return panel


def _permute(panel, n=60, seed=1, **how):
    return permute_areas(panel, MATCHER, DID, ("y", "z"), quarters=(0, 1), n_draws=n, rng=np.random.default_rng(seed), **how)


def test_placebo_areas_keep_the_sizes_and_lie_in_one_region():
    panel = councils()
    areas, places = _treated_areas(panel), _Places.of(panel, "region")
    assert [len(c) for _, c in areas] == [3, 3, 1, 1, 1, 1]
    for seed in range(20):
        units = _reassigned(panel, places, areas, np.random.default_rng(seed)).units
        treated = units[units["entry"] == 4]
        assert sorted(treated.groupby("area").size(), reverse=True) == [3, 3, 1, 1, 1, 1]
        assert treated.groupby("area")["region"].nunique().eq(1).all()
        assert len(treated) == 10 and set(units.loc[units["entry"] < 0, "entry"]) == {-1}


def test_the_actual_gap_is_the_overall_estimate_and_a_large_effect_is_found():
    panel = councils(effect=1.5)
    found = _permute(panel)
    assert found["y"].estimate == pytest.approx(overall(DID.fit(MATCHER.fit(panel), "y"), quarters=(0, 1)).estimate)
    assert found["y"].p_value == pytest.approx(1 / 61)
    assert found["z"].p_value > 0.05
    assert found["y"].lower < found["y"].draws.mean() < found["y"].upper < found["y"].estimate
    assert (found["y"].n_failed, found["y"].n_councils) == (0, 10)


def test_trends_before_are_tested_jointly_against_the_placebo_draws():
    panel = councils()
    quiet = _permute(panel, 100, before=(-3,))["y"]
    assert quiet.before_times == (-3,) and quiet.before_p_value > 0.05
    drifting = panel.outcomes["y"] + np.where((panel.entry >= 0)[:, None], 2.0 * np.arange(7), 0.0)
    loud = _permute(dataclasses.replace(panel, outcomes={"y": drifting, "z": panel.outcomes["z"]}), 100, before=(-3,))
    assert loud["y"].before_p_value == pytest.approx(1 / 101) and loud["z"].before_p_value > 0.05
    unasked = _permute(panel, 5)["y"]
    assert unasked.before_times == () and np.isnan(unasked.before_p_value)


def test_the_same_seed_gives_the_same_draws():
    panel = councils()
    one, two, other = _permute(panel, 10), _permute(panel, 10), _permute(panel, 10, seed=2)
    assert np.array_equal(one["y"].draws, two["y"].draws) and not np.array_equal(one["y"].draws, other["y"].draws)


@dataclasses.dataclass(frozen=True)
class WholeFits:
    """An estimator that can but fit."""

    spec: MatchedDiD = DID

    def fit(self, sample, outcome, *, calendar=()):
        return self.spec.fit(sample, outcome, calendar=calendar)


def test_draws_from_cells_alone_are_those_from_whole_fits():
    panel = councils()
    asked = {"quarters": (0, 1), "n_draws": 10, "before": (-3,)}
    quick, whole = (permute_areas(panel, MATCHER, spec, ("y", "z"), rng=np.random.default_rng(1), **asked) for spec in (DID, WholeFits()))
    for name in ("y", "z"):
        assert np.array_equal(quick[name].draws, whole[name].draws) and quick[name].before_p_value == whole[name].before_p_value


def test_the_panel_stays_as_it_was():
    panel = councils()
    units = panel.units.copy()
    _permute(panel, 3)
    assert panel.units.equals(units)


def test_an_area_that_no_region_can_hold_is_an_error():
    panel = councils()
    panel.units["region"] = [f"R{i}" for i in range(len(panel))]
    with pytest.raises(EstimationError, match="sizes 3, 3, 1, 1, 1, 1"):
        _permute(panel, 1, regions="region")
    with pytest.raises(PlanError, match="'county' is not"):
        _permute(panel, 1, regions="county")


def test_schools_follow_their_council():
    panel = councils()
    twice = np.repeat(np.arange(len(panel)), 2)
    schools = panel_of(panel.entry[twice], {"y": panel.outcomes["y"][twice]}, unit="school", councils=panel.units["council_code"].to_numpy()[twice],
                       areas=panel.units["area"].to_numpy()[twice], x=panel.units["x"].to_numpy()[twice])
    units = _reassigned(schools, _Places.of(schools, None), _treated_areas(schools), np.random.default_rng(0)).units
    assert units.groupby("council_code")["entry"].nunique().eq(1).all() and (units["entry"] == 4).sum() == 20


def test_an_areas_own_gap_stands_beside_pseudo_areas_of_its_size():
    panel = councils(effect=1.5)
    sample = MATCHER.fit(panel)
    found = placebo_gaps(sample, MATCHER, DID, ("y",), quarters=(0, 1), n_draws=40, rng=np.random.default_rng(0), regions="region")
    by_name = {null.name: null for null in found}
    assert {null.n_councils for null in found} == {1, 3} and len(found) == 6
    assert len(by_name["north"].draws) == 40 and len(by_name["own10"].draws) == 80          # every never-treated council once
    sets = panel.units["area"].to_numpy()[sample.treated_unit] == "north"
    effects = DID.fit(sample, "y")
    first = effects.rows["treated"].to_numpy() & (effects.rows["area"] == "north").to_numpy()
    assert sets.sum() == first.sum() == 3
    assert by_name["north"].p_value < 0.05 and abs(by_name["north"].estimate - 1.5) < 0.6


def test_a_pseudo_area_is_compared_with_its_neighbours_on_the_score_by_hand():
    panel = councils()
    sample = MATCHER.fit(panel)
    null = next(n for n in placebo_gaps(sample, MATCHER, DID, ("y",), quarters=(0, 0), n_draws=1, rng=np.random.default_rng(0)) if n.n_councils == 1)
    at_risk = sample.candidates[~sample.candidates["treated"]]
    unit, score, y = at_risk["unit"].to_numpy(), at_risk["score"].to_numpy(), panel.outcomes["y"]
    change = y[unit, 4] - y[unit, 2]
    gaps = []
    for i in range(len(unit)):
        others = np.delete(np.arange(len(unit)), i)
        nearest = others[np.argsort(np.abs(score[others] - score[i]), kind="stable")[:3]]
        gaps.append(change[i] - change[nearest].mean())
    np.testing.assert_allclose(null.draws, np.sort(gaps))


def test_draws_that_cannot_be_matched_are_counted():
    panel = councils()
    panel = dataclasses.replace(panel, units=panel.units.assign(key=[str(i) if i > 45 else "a" for i in range(len(panel))]))
    tight = dataclasses.replace(MATCHER, exact=("key",))
    found = permute_areas(panel, tight, DID, ("y",), quarters=(0, 0), n_draws=5, rng=np.random.default_rng(3))["y"]
    assert len(found.draws) + found.n_failed == 5
