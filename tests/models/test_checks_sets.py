"""Effects without some rows equal a second fit without them; differences set by set; one council left out; weight on few units."""
import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, overall
from evaluation.models.checks.given import headline_cells
from evaluation.models.checks.sets import gaps, only_at, weight_in, without_rows
from tests.matching.panels import panel_of, simulated_panel
from tests.models.valid import assert_valid_effects

QUARTERS = (0, 3)
RTOL = 1e-10                    # the same sums in another order


def given(sample, estimator=None, **changes):
    estimator = estimator or MatchedDiD()
    return CheckInput(sample=sample, estimator=estimator, effects=estimator.fit(sample, "y"), **{"quarters": QUARTERS} | changes)


@pytest.fixture(scope="module")
def sample():
    return NearestNeighbour(covariates=("x", "b"), ratio=3).fit(simulated_panel(500, effect=-0.3, missing=0.05))


def _only(sample, treated, comparison):
    """The sample with some members only, weights as they were."""
    return dataclasses.replace(sample, match=None, **{f"{side}_{part}": getattr(sample, f"{side}_{part}")[kept] for side, kept in
                                                      (("treated", treated), ("comparison", comparison)) for part in ("unit", "set", "weight")})


def test_effects_without_rows_are_those_of_a_second_fit_without_them(sample):
    rng = np.random.default_rng(3)
    treated, comparison = rng.random(sample.n_treated) < 0.8, rng.random(len(sample.comparison_unit)) < 0.7
    less = without_rows(MatchedDiD().fit(sample, "y"), ~np.concatenate([treated, comparison]))
    again = MatchedDiD().fit(_only(sample, treated, comparison), "y")
    assert_valid_effects(less)
    kept = less.cells.merge(again.cells, on=["cohort", "event_time"], suffixes=("", "_again"))
    assert len(kept) == len(again.cells)
    for name in ("estimate", "weight", "n_treated", "n_comparison"):
        np.testing.assert_allclose(kept[name], kept[f"{name}_again"], rtol=RTOL, atol=RTOL)
    one, two = (overall(effects, quarters=QUARTERS) for effects in (less, again))
    for name in ("estimate", "std_error", "df", "n_treated", "n_comparison", "n_clusters"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=RTOL)


def test_no_row_dropped_changes_nothing(sample):
    effects = MatchedDiD().fit(sample, "y")
    same = without_rows(effects, np.zeros(len(effects.rows), dtype=bool))
    np.testing.assert_allclose(same.influence, effects.influence, atol=1e-12)
    np.testing.assert_allclose(same.row_weight, effects.row_weight, atol=1e-12)


def test_a_set_that_loses_its_comparison_rows_is_left_out():
    """Two sets: 5 - 1 = 4 and 2 - 0 = 2. Without the second's comparison unit only the first is left."""
    y = np.zeros((4, 3))
    y[:, 2] = [5, 2, 1, 0]
    effects = MatchedDiD(base=-1, window=(-1, 0), anticipation=0).fit(by_hand(panel_of([2, 2, -1, -1], {"y": y})), "y")
    assert overall(effects, quarters=(0, 0), cohorts=None).estimate == pytest.approx(3.0)
    less = without_rows(effects, (effects.rows["unit"] == 3).to_numpy())
    assert overall(less, quarters=(0, 0), cohorts=None).estimate == pytest.approx(4.0)
    gone = without_rows(effects, (effects.rows["unit"] >= 2).to_numpy())
    assert (gone.cells["status"] == "no_comparison").all()


def by_hand(panel, pairs=((0, 2), (1, 3))):
    """A sample of pairs of panel rows, all of one entry period."""
    base = NearestNeighbour(covariates=("x",), caliper=None, ratio=1).fit(simulated_panel(60))
    treated, comparison = (np.array(side) for side in zip(*pairs, strict=True))
    sets, n = np.arange(len(pairs)), len(pairs)
    return dataclasses.replace(base, panel=panel, set_entry=panel.entry[treated], treated_unit=treated, treated_set=sets, treated_weight=np.ones(n),
                               comparison_unit=comparison, comparison_set=sets, comparison_weight=np.ones(n), match=None, origin=None,
                               dropped=base.dropped.iloc[:0])


def test_gaps_are_the_differences_inside_the_sets(sample):
    """Brute force from the outcomes, for sets that are complete; their weighted mean is the headline."""
    given_ = given(sample)
    found = gaps(given_.effects, headline_cells(given_))
    y, panel = sample.panel.outcomes["y"], sample.panel
    for row, gap in list(zip(found.row, found.gap, strict=True))[:40]:
        unit, of, parts = given_.effects.rows["unit"][row], given_.effects.rows["set"][row], []
        g = int(sample.set_entry[of])
        for e in range(QUARTERS[0], QUARTERS[1] + 1):
            others = sample.comparison_unit[sample.comparison_set == of]
            change = y[others, g + e] - y[others, g - 4]
            change = change[np.isfinite(change) & ((panel.entry[others] < 0) | (g + e < panel.entry[others]))]
            own = y[unit, g + e] - y[unit, g - 4]
            if np.isfinite(own) and len(change):
                parts.append(own - change.mean())
        assert gap == pytest.approx(np.mean(parts), rel=1e-9)
    assert np.average(found.gap, weights=found.weight) == pytest.approx(overall(given_.effects, quarters=QUARTERS).estimate)


def test_effects_at_some_event_times_have_the_same_headline(sample):
    effects = MatchedDiD().fit(sample, "y")
    some, every = (overall(which, quarters=QUARTERS) for which in (only_at(effects, range(QUARTERS[0], QUARTERS[1] + 1)), effects))
    for name in ("estimate", "std_error", "df", "n_treated", "n_comparison"):
        assert getattr(some, name) == pytest.approx(getattr(every, name), rel=RTOL)


def test_without_a_council_is_the_estimate_of_the_sets_of_all_others(sample):
    found = CHECKS["leave_one_council_out"](given(sample))
    councils = sample.panel.units["council_code"].to_numpy()
    assert found.verdict in ("passed", "failed") and found.numbers["n_councils"] == 8
    for row in found.table.itertuples():
        rest = overall(MatchedDiD().fit(sample.keep(councils[sample.treated_unit] != row.council_code), "y"), quarters=QUARTERS)
        assert (row.estimate, row.std_error) == (pytest.approx(rest.estimate), pytest.approx(rest.std_error))


def test_a_headline_that_rests_on_one_council_fails(sample):
    """The effect of one council is made enormous: without it the interval includes zero."""
    panel = sample.panel
    here = (panel.units["council_code"] == "E03").to_numpy() & (panel.entry >= 0)
    after = np.arange(16) >= panel.entry[:, None]
    y = panel.outcomes["y"] + np.where(here[:, None] & after, -12.0, 0.0) + 0.3 * ((panel.entry >= 0)[:, None] & after)
    moved = dataclasses.replace(sample, panel=dataclasses.replace(panel, outcomes={"y": y}))
    found = CHECKS["leave_one_council_out"](given(moved))
    assert found.verdict == "failed" and found.numbers["n_changes"] >= 1
    table = found.table.set_index("council_code")
    assert found.numbers["highest"] == table["estimate"].max() == table.loc["E03", "estimate"]
    assert found.numbers["largest_move"] == pytest.approx(abs(table.loc["E03", "estimate"] - overall(MatchedDiD().fit(moved, "y"),
                                                                                                     quarters=QUARTERS).estimate))


def test_with_areas_a_council_leaves_as_a_comparison_too(sample):
    found = CHECKS["leave_one_council_out"](given(sample, assignment="area"))
    councils = sample.panel.units["council_code"].to_numpy()
    assert len(found.table) >= 2
    for row in found.table.itertuples():
        stays = [councils[unit] != row.council_code for unit in (sample.treated_unit, sample.comparison_unit)]
        rest = overall(MatchedDiD().fit(_only(sample, *stays), "y"), quarters=QUARTERS, assignment="area")
        assert row.estimate == pytest.approx(rest.estimate)


def test_one_council_alone_or_no_sets_is_not_testable(sample):
    councils = sample.panel.units["council_code"].to_numpy()
    one = sample.keep(councils[sample.treated_unit] == "E01")
    assert "one council" in CHECKS["leave_one_council_out"](given(one)).reason
    assert "no matched sets" in CHECKS["leave_one_council_out"](given(sample, GroupTimeATT(control="notyet"))).reason


def test_concentration_adds_up_the_weight_of_each_unit(sample):
    check = given(sample)
    numbers = CHECKS["concentration"](check).numbers
    effects = check.effects
    side = ~effects.rows["treated"].to_numpy()
    weight = weight_in(effects, headline_cells(check))[side]
    total = np.bincount(effects.rows["unit"].to_numpy()[side], weights=weight)
    total = np.sort(total[total > 0])[::-1]
    assert numbers["largest"] == pytest.approx(total[0] / total.sum())
    assert numbers["top_5_percent"] == pytest.approx(total[: int(np.ceil(0.05 * len(total)))].sum() / total.sum())
    assert numbers["ess"] == pytest.approx(total.sum() ** 2 / (total**2).sum()) and numbers["n_comparison"] == len(total)
    assert weight.sum() == pytest.approx(weight_in(effects, headline_cells(check))[~side].sum())


def test_one_comparison_unit_that_carries_much_weight_fails():
    y = np.random.default_rng(0).normal(size=(30, 3))
    panel = panel_of([2] * 20 + [-1] * 10, {"y": y})
    spec = MatchedDiD(base=-1, window=(-1, 0), anticipation=0)
    found = CHECKS["concentration"](given(by_hand(panel, [(i, 20 if i < 11 else 10 + i) for i in range(20)]), spec, quarters=(0, 0)))
    assert found.verdict == "failed" and found.numbers["largest"] == pytest.approx(11 / 20) and found.numbers["most_uses"] == 11
