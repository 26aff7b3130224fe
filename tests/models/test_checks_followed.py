"""What became of matched units: comparison units that joined or had other support, units lost from sight, and bounds for these."""
import dataclasses

import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, MatchedLevels, overall
from evaluation.models.checks.followed import lee_bounds
from tests.matching.panels import panel_of, simulated_panel
from tests.models.test_checks_sets import by_hand

SPEC = MatchedDiD(base=-1, window=(-1, 1), anticipation=0)


def given(sample, estimator=SPEC, **changes):
    effects = estimator.fit(sample, "y", calendar=changes.get("calendar", ()))
    return CheckInput(sample=sample, estimator=estimator, effects=effects, **{"quarters": (0, 1)} | changes)


@pytest.fixture(scope="module")
def sample():
    panel = simulated_panel(600, effect=-0.3)
    support = np.zeros((600, 16))
    support[np.random.default_rng(4).random(600) < 0.2] = 1.0
    return NearestNeighbour(covariates=("x", "b")).fit(dataclasses.replace(panel, varying={"any_other_support": support}))


def six_families(seen=None, support=None, entry=(2, 2, 2, -1, 3, -1)):
    """Three pairs that start in column 2 of four; the second comparison family joins in column 3."""
    y = np.random.default_rng(0).normal(size=(6, 4))
    y[~np.ones_like(y, dtype=bool) if seen is None else ~seen] = np.nan
    varying = {} if support is None else {"any_other_support": support}
    return by_hand(panel_of(list(entry), {"y": y}, varying=varying), [(0, 3), (1, 4), (2, 5)])


def test_shares_of_comparison_periods_joined_and_supported():
    """Six comparison periods: one after joining; of the other five, one with other support; a set is emptied at the last one."""
    support = np.zeros((6, 4))
    support[5, 3] = 1
    support[0, :] = 1                                     # a treated family's own support does not count
    support[3, 1] = 1                                     # before the start neither
    numbers = CHECKS["contamination"](given(six_families(support=support))).numbers
    assert numbers["share_joined"] == pytest.approx(1 / 6) and numbers["share_supported"] == pytest.approx(1 / 5)
    assert numbers["share_emptied"] == pytest.approx(1 / 3) and numbers["n_supported"] == 1 and numbers["n_free"] == 2


def test_a_panel_without_a_record_of_support_says_so():
    found = CHECKS["contamination"](given(six_families()))
    assert np.isnan(found.numbers["share_supported"]) and found.verdict == "information"
    assert found.table["n_treated"].tolist() == [3, 0, 2, 1]


def test_effects_by_what_became_of_the_comparison_are_those_of_the_sets_alone(sample):
    found = CHECKS["contamination"](given(sample, MatchedDiD(), quarters=(0, 3)))
    support, entry = sample.panel.varying["any_other_support"][:, 0] > 0, sample.panel.entry
    joined = (entry[sample.comparison_unit] >= 0) & (entry[sample.comparison_unit] <= sample.comparison_entry + 3)
    had = support[sample.comparison_unit] & ~((entry[sample.comparison_unit] >= 0) & (entry[sample.comparison_unit] <= sample.comparison_entry))
    alone = []
    for touched in (had, joined):
        sets = np.isin(sample.treated_set, sample.comparison_set[touched])
        alone += [overall(MatchedDiD().fit(sample.keep(which), "y"), quarters=(0, 3)) for which in (~sets, sets)]
    np.testing.assert_allclose(found.table["estimate"], [one.estimate for one in alone])
    assert (found.numbers["n_free"], found.numbers["n_supported"]) == (alone[0].n_treated, alone[1].n_treated)
    assert found.numbers["estimate"] == pytest.approx(alone[0].estimate - alone[1].estimate) and found.verdict == "passed"


def test_support_that_works_makes_the_check_fail(sample):
    panel = sample.panel
    support = panel.varying["any_other_support"][:, :1] > 0
    y = panel.outcomes["y"] - 8.0 * (support & (panel.entry < 0)[:, None] & (np.arange(16) >= 6))
    moved = dataclasses.replace(sample, panel=dataclasses.replace(panel, outcomes={"y": y}))
    found = CHECKS["contamination"](given(moved, MatchedDiD(), quarters=(0, 3)))
    assert found.verdict == "failed" and found.numbers["estimate"] < 0


def test_shares_lost_are_counted_among_those_seen_at_the_base():
    """Treated: one never seen at the base, one lost in one of two periods, one seen. Comparison: lost in both; joined after one; seen."""
    seen = np.ones((6, 4), dtype=bool)
    seen[0, 1] = seen[1, 3] = seen[3, 2] = seen[3, 3] = False
    found = CHECKS["attrition"](given(six_families(seen), cohorts=None))
    assert found.numbers["lost_treated"] == pytest.approx((0.5 + 0) / 2)
    assert found.numbers["lost_comparison"] == pytest.approx((1 + 0 + 0) / 3)
    assert found.numbers["estimate"] == pytest.approx(1 / 4 - 1 / 3) and found.verdict == "not testable" and "hide in so few" in found.reason


def test_attrition_of_one_arm_fails_and_none_passes(sample):
    assert CHECKS["attrition"](given(sample, MatchedDiD())).verdict == "passed"
    panel, rng = sample.panel, np.random.default_rng(8)
    gone = (panel.entry >= 0) & (rng.random(600) < 0.25)
    y = np.where(gone[:, None] & (np.arange(16) >= panel.entry[:, None]), np.nan, panel.outcomes["y"])
    moved = dataclasses.replace(sample, panel=dataclasses.replace(panel, outcomes={"y": y}))
    found = CHECKS["attrition"](given(moved, MatchedDiD()))
    assert found.verdict == "failed" and found.numbers["lost_treated"] > 0.15 and found.numbers["lost_comparison"] == 0
    n = sample.n_treated
    lost = gone[sample.treated_unit]
    assert found.numbers["std_error"] == pytest.approx(np.sqrt(lost.mean() * (1 - lost.mean()) / n), rel=0.02)   # treated units are in one set each
    estimate = overall(MatchedDiD().fit(moved, "y"), quarters=(0, 1)).estimate
    assert found.numbers["bound_lower"] < estimate < found.numbers["bound_upper"]


def test_outcomes_not_collected_in_a_quarter_are_not_lost():
    seen = np.ones((6, 4), dtype=bool)
    seen[:, 3] = False
    sample = six_families(seen, entry=(2, 2, 2, -1, -1, -1))
    quarter = int(sample.panel.periods.first + 3) % 4 + 1
    found = CHECKS["attrition"](given(sample, calendar=tuple({1, 2, 3, 4} - {quarter})))
    assert found.numbers["lost_treated"] == found.numbers["lost_comparison"] == 0 and found.verdict == "passed"


def test_event_times_at_which_an_outcome_looks_back_before_entry_are_not_lost():
    """Entry in column 1; at event times 0 and 1 nobody treated is observed by design, at 2 everybody is."""
    seen = np.ones((6, 4), dtype=bool)
    seen[:3, 1:3] = False
    sample = six_families(seen, entry=(1, 1, 1, -1, -1, -1))
    back = dataclasses.replace(sample, panel=dataclasses.replace(sample.panel, looks_back={"y": 1}))
    spec = MatchedDiD(base=-1, window=(-1, 2), anticipation=0)
    numbers = CHECKS["attrition"](given(back, spec, quarters=(0, 2))).numbers
    assert numbers["lost_treated"] == numbers["lost_comparison"] == 0


def test_without_a_base_or_sets_it_is_not_testable(sample):
    assert "no base" in CHECKS["attrition"](given(sample, MatchedLevels())).reason
    assert "no matched sets" in CHECKS["contamination"](given(sample, GroupTimeATT(control="notyet"))).reason


def test_lee_bounds_trim_the_arm_that_is_seen_more():
    """Treated all seen, half of the comparison lost: half of the treated are trimmed. (1+2)/2 - 5 = -3.5 and (3+4)/2 - 5 = -1.5."""
    one = np.ones(4)
    low, high = lee_bounds(np.array([3.0, 1, 4, 2]), one, np.array([4.0, 6, 9, 9]), np.array([1.0, 1, 0, 0]), 0.0, 0.5)
    assert (low, high) == (pytest.approx(-3.5), pytest.approx(-1.5))
    low, high = lee_bounds(np.array([5.0]), np.ones(1), np.array([3.0, 1, 4, 2]), one, 0.5, 0.0)
    assert (low, high) == (pytest.approx(1.5), pytest.approx(3.5))


def test_lee_bounds_share_a_unit_on_the_edge_and_heed_weights():
    """A quarter of the weight of (1, weight 3) and (5, weight 1) is trimmed: without the top 1; without the bottom (2 x 1 + 5) / 3."""
    low, high = lee_bounds(np.array([1.0, 5]), np.array([3.0, 1]), np.zeros(1), np.ones(1), 0.0, 0.25)
    assert (low, high) == (pytest.approx(1.0), pytest.approx(7 / 3))
    same = lee_bounds(np.array([1.0, 5]), np.array([3.0, 1]), np.zeros(1), np.ones(1), 0.2, 0.2)
    assert same == (pytest.approx(2.0), pytest.approx(2.0))
    assert np.isnan(lee_bounds(np.zeros(1), np.ones(1), np.zeros(1), np.ones(1), 0.0, 1.0)).all()
