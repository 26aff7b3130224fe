import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models import MatchedDiD, MatchedLevels, UnmatchedDiD, UnmatchedLevels, by_council, event_study, overall
from evaluation.models.contrasts import value_at_base
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel
from evaluation.periods import Periods
from tests.matching.panels import panel_of
from tests.models.valid import assert_valid_effects


def sample_of(panel, sets) -> MatchedSample:
    """Matched sets by hand: {treated row: [comparison rows]}."""
    treated = np.array(list(sets))
    pair_set = np.concatenate([np.full(len(c), s) for s, c in enumerate(sets.values())])
    weight = np.concatenate([np.full(len(c), 1 / len(c)) for c in sets.values()])
    at_risk = [(u, int(panel.entry[t]), u == t) for t in sets for u in [t, *sets[t]]]
    return MatchedSample(panel=panel, method="by hand", set_entry=panel.entry[treated], treated_unit=treated,
                         treated_set=np.arange(len(treated)), treated_weight=np.ones(len(treated)), comparison_set=pair_set,
                         comparison_unit=np.concatenate([np.array(c) for c in sets.values()]), comparison_weight=weight,
                         candidates=pd.DataFrame(at_risk, columns=["unit", "entry", "treated"]).drop_duplicates().assign(score=0.0),
                         balance=pd.DataFrame(), dropped=pd.DataFrame(columns=["unit", "entry", "reason"]))


def cell(effects: Effects, g: int, e: int) -> pd.Series:
    return effects.cells.set_index(["cohort", "event_time"]).loc[(g, e)]


@pytest.fixture
def six_families():
    """U0 and U1 join in quarter 2; U2 joins in quarter 3; U3 to U5 never do."""
    y = [[4, 4, 1, 0], [6, 5, 3, 2], [3, 3, 3, 9], [5, 4, 4, 3], [2, 2, 2, 2], [8, 8, 7, 5]]
    return panel_of([2, 2, 3, -1, -1, -1], {"y": y})


DID = MatchedDiD(base=-1, window=(-2, 1), anticipation=0)


def test_the_effect_of_six_families_by_hand(six_families):
    effects = DID.fit(sample_of(six_families, {0: [3, 4], 1: [5]}), "y")
    assert_valid_effects(effects)
    # quarter 2 less quarter 1: U0 -3, U1 -2; U3 0, U4 0, U5 -1. Sets: -3 - 0 = -3 and -2 - (-1) = -1, mean -2
    assert cell(effects, 2, 0)[["estimate", "n_treated", "n_comparison"]].tolist() == [-2.0, 2, 3]
    # quarter 3: U0 -4, U1 -3; U3 -1, U4 0, U5 -3. Sets: -4 + .5 = -3.5 and 0, mean -1.75
    assert cell(effects, 2, 1)["estimate"] == -1.75
    # quarter 0: U0 0, U1 +1; U3 +1, U4 0, U5 0. Sets: -.5 and 1, mean .25
    assert cell(effects, 2, -2)["estimate"] == 0.25
    assert cell(effects, 2, -1)[["estimate", "status"]].tolist() == [0.0, "base"]
    # both quarters after: set means -3.25 and -.5, mean -1.875; CR1 on two sets: sd 2.75 / sqrt(2) over sqrt(2)
    found = overall(effects, quarters=(0, 1))
    assert found.estimate == -1.875
    assert found.std_error == pytest.approx(2.75 / 2)
    assert (found.df, found.clusters, found.n_treated, found.n_comparison) == (1, "matched sets", 2, 3)


@pytest.mark.parametrize("spec", [DID, MatchedLevels(window=(-2, 1), anticipation=0)])
def test_cells_alone_are_the_cells_of_the_fit(six_families, spec):
    sample = sample_of(six_families, {0: [2, 4], 1: [2]})
    pd.testing.assert_frame_equal(spec.cells(sample, "y"), spec.fit(sample, "y").cells)


def test_a_comparison_family_is_censored_from_its_own_entry(six_families):
    effects = DID.fit(sample_of(six_families, {0: [2, 4], 1: [2]}), "y")
    assert_valid_effects(effects)
    # quarter 2: U2 0, U4 0. Sets -3 and -2. Quarter 3: U2 has joined; set 0 keeps U4 (0): -4; set 1 is empty and dropped
    assert cell(effects, 2, 0)["estimate"] == -2.5
    assert cell(effects, 2, 1)[["estimate", "n_treated", "n_comparison"]].tolist() == [-4.0, 1, 1]
    assert effects.notes == ("1 of 2 matched treated units have no comparison unit left in their set at some event time (joined later, or not "
                             "observed) and are left out there.",)


def test_what_is_not_observed_is_left_out_in_pairs(six_families):
    six_families.outcomes["y"][3, 2] = np.nan      # U3 not observed in quarter 2: set 0 keeps U4 there
    six_families.outcomes["y"][1, 1] = np.nan      # U1 not observed at the base: set 1 has no change at all
    effects = DID.fit(sample_of(six_families, {0: [3, 4], 1: [5]}), "y")
    assert_valid_effects(effects)
    assert cell(effects, 2, 0)[["estimate", "n_treated", "n_comparison"]].tolist() == [-3.0, 1, 1]
    assert cell(effects, 2, 1)["estimate"] == -3.5


def test_a_cell_without_comparison_or_outcome_says_so(six_families):
    effects = MatchedDiD(base=-1, window=(-3, 2), anticipation=0).fit(sample_of(six_families, {0: [2], 1: [2]}), "y")
    status = effects.cells.set_index("event_time")["status"]
    assert status.to_dict() == {-3: "outside_periods", -2: "estimated", -1: "base", 0: "estimated", 1: "no_comparison", 2: "outside_periods"}
    six_families.outcomes["y"][:2, 3] = np.nan
    assert cell(DID.fit(sample_of(six_families, {0: [3], 1: [4]}), "y"), 2, 1)["status"] == "not_observed"
    six_families.outcomes["y"][:2, 1] = np.nan
    assert set(DID.fit(sample_of(six_families, {0: [3], 1: [4]}), "y").cells["status"]) == {"not_observed"}


def school_terms(values: np.ndarray) -> Panel:
    """Nothing in the third quarter of a year. Panel from 2011-Q1; U0 joins in 2012-Q3 (column 6), U1 in 2012-Q2 (column 5); U2 never."""
    y = np.array(values, dtype=float)
    y[:, [2, 6]] = np.nan
    return panel_of([6, 5, -1], {"y": y}, periods=Periods(kind="quarter", first=8044, last=8052))


def test_a_base_that_is_not_collected_lies_on_the_line_between_the_periods_on_both_sides():
    values = np.tile(np.arange(9.0) ** 2, (3, 1))
    values[0, [1, 3]] += [10, 4]
    sample = sample_of(school_terms(values), {0: [2], 1: [2]})
    effects = MatchedDiD(base=-4, window=(-5, 2), anticipation=1).fit(sample, "y", calendar=(1, 2, 4))
    # Column 6 - 4 = 2 is a third quarter: the base is the mean of columns 1 and 3, where U0 is 10 and 4 above U2. Column 5 - 4 = 1 is collected.
    assert effects.cells.query("status == 'base'")[["cohort", "period", "event_time"]].to_numpy().tolist() == [[5, 1, -4]]
    assert [cell(effects, 6, e)["estimate"] for e in (-5, -3, 1)] == [10 - 7, 4 - 7, -7]
    assert effects.cells.query("status == 'not_collected'")["period"].unique().tolist() == [2, 6]
    assert overall(effects, quarters=(0, 2)).n_treated == 2       # a quarter that is never collected does not make a cohort incomplete
    unmatched = UnmatchedDiD(base=-4, window=(-5, 2), anticipation=1).fit(sample.panel, "y", calendar=(1, 2, 4))
    assert [cell(unmatched, 6, e)["estimate"] for e in (-5, -3, 1)] == [3, -3, -7] and cell(unmatched, 5, -4)["status"] == "base"


def test_a_line_needs_a_period_before_the_anticipation_on_its_later_side_else_the_period_before_is_the_base():
    sample = sample_of(school_terms(np.tile(np.arange(9.0), (3, 1))), {0: [2], 1: [2]})
    effects = MatchedDiD(base=-4, window=(-5, 2), anticipation=3).fit(sample, "y", calendar=(1, 2, 4))
    assert effects.cells.query("status == 'base'")[["cohort", "event_time"]].to_numpy().tolist() == [[5, -4], [6, -5]]
    yearly = MatchedDiD(base=-3, window=(-5, 2), anticipation=1).fit(sample, "y", calendar=(2,))
    # Only columns 1 and 5: for U0 (column 3) the later one is in the anticipation; for U1 (column 2, third quarter) its own quarter of joining.
    assert yearly.cells.query("status == 'base'")[["cohort", "event_time"]].to_numpy().tolist() == [[5, -4], [6, -5]]


def test_a_line_lies_nearer_to_the_period_that_is_nearer():
    y = np.array([[0.0, 3.0, 9.0, 5.0]])
    value, column, has_base = value_at_base(y, np.array([0]), np.array([4]), -3, np.array([True, False, False, True]), latest=-1)
    assert (value[0], column[0], has_base[0]) == (pytest.approx(5 / 3), -1, True)
    early, _, has_base = value_at_base(y, np.array([0]), np.array([2]), -3, np.ones(4, dtype=bool), latest=-1)
    assert np.isnan(early[0]) and not has_base[0]


def test_event_times_at_which_an_outcome_looks_back_before_entry_are_left_out_of_the_headline(six_families):
    """U0 and U1 join in quarter 2 and are observed again from quarter 3 on: event time 0 still sees the time before."""
    six_families.outcomes["y"][:2, 2] = np.nan
    panel = dataclasses.replace(six_families, looks_back={"y": 0})
    sample = sample_of(panel, {0: [3, 4], 1: [5]})
    assert cell(DID.fit(sample, "y"), 2, 0)["status"] == "not_observed"
    assert overall(DID.fit(sample, "y"), quarters=(0, 1)).reason == "no cell could be estimated"
    back = dataclasses.replace(sample, panel=dataclasses.replace(panel, looks_back={"y": 1}))
    for spec in (DID, MatchedLevels(window=(-2, 1)), UnmatchedDiD(base=-1, window=(-2, 1), anticipation=0)):
        assert cell(spec.fit(back, "y"), 2, 0)["status"] == "looks_back"
    # quarter 3 is event time 1, estimated here though not observed by rule: the headline of 0 to 1 is that of 1 alone
    assert overall(DID.fit(back, "y"), quarters=(0, 1)).estimate == cell(DID.fit(back, "y"), 2, 1)["estimate"] == -1.75


def test_a_cohort_whose_base_lies_before_the_panel_has_no_base():
    panel = panel_of([1, -1], {"y": [[0, 1, 2, 3], [0, 1, 1, 1]]})
    effects = MatchedDiD(base=-2, window=(-2, 1), anticipation=0).fit(sample_of(panel, {0: [1]}), "y")
    assert set(effects.cells["status"]) == {"outside_periods", "no_base"}
    assert overall(effects, quarters=(0, 1)).reason == "no cell could be estimated"


def test_pre_mean_is_the_mean_of_the_periods_before_the_anticipation(six_families):
    effects = MatchedDiD(base="pre_mean", window=(-2, 1), anticipation=0).fit(sample_of(six_families, {0: [3, 4], 1: [5]}), "y")
    assert_valid_effects(effects)
    # means before: U0 4, U1 5.5; U3 4.5, U4 2, U5 8. Quarter 2: -3 - (-.25) and -2.5 - (-1)
    assert cell(effects, 2, 0)["estimate"] == pytest.approx((-2.75 - 1.5) / 2)
    assert effects.base is None


def test_levels_take_no_base(six_families):
    effects = MatchedLevels(window=(0, 1), anticipation=0).fit(sample_of(six_families, {0: [3, 4], 1: [5]}), "y")
    assert_valid_effects(effects)
    assert cell(effects, 2, 0)["estimate"] == pytest.approx(((1 - 3) + (3 - 7)) / 2)


def test_unmatched_estimates_use_every_candidate_at_risk(six_families):
    effects = UnmatchedDiD(base=-1, window=(-2, 1), anticipation=0).fit(six_families, "y")
    assert_valid_effects(effects)
    # quarter 2 less 1: treated -3 and -2; candidates U2 0, U3 0, U4 0, U5 -1. Quarter 3: U2 has joined: U3 -1, U4 0, U5 -3
    assert cell(effects, 2, 0)["estimate"] == pytest.approx(-2.5 + 0.25)
    assert cell(effects, 2, 1)["estimate"] == pytest.approx(-3.5 + 4 / 3)
    # U2's own cohort 3: quarter 3 less 2: +6; U3 -1, U4 0, U5 -2
    assert cell(effects, 3, 0)["estimate"] == pytest.approx(6 + 1)
    levels = UnmatchedLevels(window=(0, 0), anticipation=0).fit(six_families, "y")
    assert cell(levels, 2, 0)["estimate"] == pytest.approx(2 - 4)


@pytest.mark.parametrize("wrong", [{"base": -1, "anticipation": 1}, {"base": 0}, {"base": -9}, {"base": "mean"}, {"window": (2, -2)},
                                   {"window": (-8, -1)}])
def test_a_base_or_window_that_cannot_be_is_refused(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        MatchedDiD(**wrong)


def test_the_event_study_marks_base_anticipation_and_phases(six_families):
    table = event_study(MatchedDiD(base=-2, window=(-2, 1), anticipation=1).fit(sample_of(six_families, {0: [3, 4], 1: [5]}), "y"), quarters=(0, 1))
    assert table["phase"].tolist() == ["base", "left_out", "after", "after"]
    assert table["estimate"].tolist()[0] == 0.0 and np.isnan(table["std_error"].tolist()[0])


def test_effects_by_council_are_means_of_their_own_sets(six_families):
    units = six_families.units.assign(council_code=["A", "B", "B", "A", "B", "C"])
    panel = panel_of(units["entry"], six_families.outcomes, councils=units["council_code"])
    table = by_council(DID.fit(sample_of(panel, {0: [3, 4], 1: [5]}), "y"), quarters=(0, 1)).set_index("council_code")
    assert table["estimate"].to_dict() == {"A": -3.25, "B": -0.5}
    assert table["share_within"].to_dict() == {"A": 0.5, "B": 0.0}
    assert set(table["reason"]) == {"one cluster of matched sets gives no standard error"}
