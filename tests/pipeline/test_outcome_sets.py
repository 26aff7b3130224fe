"""The sets behind each outcome: three sets by hand of which one is complete only in part and one not at all, and all that rests on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.locations import project_file
from evaluation.matching.sample import MatchedSample
from evaluation.models.clusters import cluster_names
from evaluation.models.inference import chosen_cells
from evaluation.models.joint import joint
from evaluation.models.summaries import average
from evaluation.panel.types import Panel
from evaluation.periods import Periods
from evaluation.pipeline.checks import check_plan
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.outcome_sets import OutcomeSets, fitted, outcome_sets
from evaluation.pipeline.value import mean_people
from tests.matching.panels import panel_of
from tests.pipeline.studied import changed_plan

ABSENCE, INCIDENTS, WORK = "unauthorised_absence_rate", "asb_incidents", "adult_in_work"
PERIODS = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
ENTRY = 8                                                                     # first quarter of 2013
PLAIN = {"checks": [], "subgroups": [], "payment_by_results": None, "value": None, "outcomes.secondary": ["adult_in_work"]}

#        C   A   B   c   a   b   b*     sets: C with c; A with a; B with b and b*. C and b* have no child of school age on joining
AFTER = [30, 6, 9, 10, 8, 9, 20]                                              # 10 for all before
CHILDREN = [0, 1, 1, 1, 1, 1, 0]


@pytest.fixture
def plan():
    return changed_plan("studies/demonstration/plan.yml", PLAIN)


def panel(children=CHILDREN) -> Panel:
    values = np.full((7, len(PERIODS)), 10.0)
    values[:, ENTRY + 1 :] = np.array(AFTER)[:, None]
    made = panel_of([ENTRY] * 3 + [-1] * 4, {ABSENCE: values, INCIDENTS: values, WORK: values}, unit="family", councils="E06000022", areas="",
                    periods=PERIODS)
    members = {ABSENCE: np.repeat(np.array(children)[:, None], len(PERIODS), axis=1), WORK: np.ones((7, len(PERIODS)), dtype=int)}
    return replace(made, status={name: np.zeros((7, len(PERIODS)), dtype=np.int8) for name in made.outcomes}, members=members)


@pytest.fixture
def sample() -> MatchedSample:
    balance = pd.DataFrame({"covariate": ["n_children"], "smd_before": [0.2], "smd_after": [0.05]})
    rows = pd.DataFrame({"unit": np.empty(0, dtype=int), "entry": np.empty(0, dtype=int)})
    return MatchedSample(
        panel=panel(), method="by hand", set_entry=np.full(3, ENTRY), treated_unit=np.arange(3), treated_set=np.arange(3), treated_weight=np.ones(3),
        comparison_unit=np.array([3, 4, 5, 6]), comparison_set=np.array([0, 1, 2, 2]), comparison_weight=np.array([1, 1, 0.5, 0.5]),
        candidates=rows.assign(treated=False, score=0.0), balance=balance, dropped=rows.assign(reason=""),
    )  # fmt: skip


def sets_of(plan, dictionary, sample, names=(ABSENCE, INCIDENTS, WORK)) -> OutcomeSets:
    return outcome_sets(plan, [dictionary.outcomes[name] for name in names], sample)


def numbers(plan, dictionary, sample, name):
    found = study_outcome(Estimating(plan=plan), dictionary.outcomes[name], sets_of(plan, dictionary, sample), np.arange(3))
    return found.numbers


def test_absence_is_estimated_on_families_with_a_child_whatever_was_seen_of_the_others(plan, dictionary, sample):
    found = numbers(plan, dictionary, sample, ABSENCE)
    # A against a: (6 - 10) - (8 - 10) = -2; B against b: (9 - 10) - (9 - 10) = 0. With all sets: C 20, A -2, B -1 - (-1 + 10) / 2 = -5.5: 12.5 / 3
    assert found.effect.estimate == pytest.approx(-1.0)
    assert (found.effect.n_treated, found.effect.n_comparison) == (2, 2)
    assert found.comparison_level == pytest.approx(7.5 + 1.0)                  # A and B after, less the effect
    assert found.n_before_after == 3                                           # all who joined, matched or not


def test_an_outcome_of_the_family_itself_rests_on_all_matched_sets_as_it_did(plan, dictionary, sample):
    found = numbers(plan, dictionary, sample, INCIDENTS)
    assert found.effect.estimate / 100 == pytest.approx(12.5 / 3)               # per 100 families
    assert (found.effect.n_treated, found.effect.n_comparison) == (3, 4)
    assert sets_of(plan, dictionary, sample).own[INCIDENTS] is sample


def test_outcomes_that_need_the_same_members_share_one_sample_and_others_do_not(plan, dictionary, sample):
    both = sets_of(plan, dictionary, replace(sample, panel=with_exclusions(sample.panel)), (ABSENCE, "fixed_exclusions", WORK))
    assert both.own[ABSENCE] is both.own["fixed_exclusions"] is not both.own[WORK] and both.own[WORK] is both.whole


def with_exclusions(panel: Panel) -> Panel:
    return replace(panel, **{name: {**getattr(panel, name), "fixed_exclusions": getattr(panel, name)[ABSENCE]} for name in
                             ("outcomes", "status", "members")})


def test_charts_and_counts_behind_them_are_of_the_same_sets_as_the_effect(plan, dictionary, sample):
    found = study_outcome(Estimating(plan=plan), dictionary.outcomes[ABSENCE], sets_of(plan, dictionary, sample), np.arange(3))
    after = found.axis.index("1 after")
    assert [line.values[after] for line in found.lines] == pytest.approx([7.5, 8.5])      # A, B; a, b
    assert [line.behind[after] for line in found.lines] == [2, 2]
    assert next(row for row in found.events if row.event_time == 1).behind == 2


def test_where_no_set_is_complete_the_reason_says_so(plan, dictionary, sample):
    nobody = replace(sample, panel=panel([1, 1, 1, 0, 0, 0, 0]))
    found = numbers(plan, dictionary, nobody, ABSENCE)
    assert found.status == "not_estimable" and "on both sides" in found.reason
    assert numbers(plan, dictionary, nobody, INCIDENTS).status == "estimated"
    assert "could be matched" in sets_of(plan, dictionary, None).why_none()


def test_areas_are_judged_by_matches_made_anew_and_keep_all_sets(plan, dictionary, sample):
    by_area = plan.model_copy(update={"programme": plan.programme.model_copy(update={"assignment": "area"})})
    assert sets_of(by_area, dictionary, sample).own[ABSENCE] is sample


def test_sets_keep_their_numbers_so_that_outcomes_move_together_in_the_right_sets(plan, dictionary, sample):
    """Absence lost the first set: by their own order its sets 0 and 1 would stand beside work's 0 and 1, which are other families."""
    sets, estimating = sets_of(plan, dictionary, sample), Estimating(plan=plan)
    assert sets.own[ABSENCE].numbers.tolist() == [1, 2] and sets.own[ABSENCE].keep(np.array([False, True])).numbers.tolist() == [2]
    parts = {}
    for name in (ABSENCE, WORK):
        effects = fitted(estimating, dictionary.outcomes[name], sets.own[name])
        parts[name] = effects, average(effects, chosen_cells(effects, quarters=(1, 4), cohorts="complete"))
    assert {cluster_names(one, "auto", "unit") for one, _ in parts.values()} == {("set",)}
    # deviations of set differences from their mean, over their number: absence -1, 1 over 2; work 20, -2, -5.5 less 12.5 / 3, over 3
    absence, work = np.array([0, -1, 1]) / 2, (np.array([20, -2, -5.5]) - 12.5 / 3) / 3
    assert joint(parts).covariance[0, 1] == pytest.approx(1.5 * absence @ work)   # CR1: 3 sets of 2 degrees of freedom


def test_a_part_of_the_sample_shows_the_balance_of_all_complete_sets(plan, dictionary, sample):
    study = sets_of(plan, dictionary, sample)
    study = replace(study, own={**study.own, ABSENCE: replace(study.own[ABSENCE], balance=sample.balance.assign(smd_after=0.3))})
    part = outcome_sets(plan, [dictionary.outcomes[ABSENCE]], sample.keep(np.array([True, True, False])), study=study)
    assert part.own[ABSENCE].treated_unit.tolist() == [1] and part.own[ABSENCE].balance["smd_after"].item() == 0.3


def test_a_family_counts_in_the_value_of_an_outcome_that_it_can_have(sample):
    assert mean_people(sample, ABSENCE, "families", (1, 4)) == pytest.approx(2 / 3)         # A and B of A, B and C
    assert mean_people(sample, INCIDENTS, "families", (1, 4)) == 1.0


@pytest.mark.parametrize(("exact", "lacking"), [
    (["council_code", "has_child_5_15", "has_adult_working_age"], []), (["council_code"], ["has_child_5_15", "has_adult_working_age"]),
    (["has_child_5_15"], ["has_adult_working_age"])])
def test_a_plan_that_does_not_match_on_whom_its_outcomes_need_is_told_which_and_how_to_mend_it(tmp_path, exact, lacking):
    content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    content["matching"]["exact"] = exact
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    told = [line for line in check_plan(tmp_path / "plan.yml") if line.startswith("  warning")]
    assert len(told) == len(lacking)
    for line, column in zip(told, lacking, strict=True):
        assert f"matching.exact lacks {column}" in line and f"Add {column} to matching.exact" in line
        assert ("Unauthorised absence, Fixed-period exclusions" in line) == (column == "has_child_5_15")
