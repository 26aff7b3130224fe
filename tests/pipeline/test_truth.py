"""The demonstration's plan on 20,000 simulated families: every effect is near its known truth, the before/after change is not."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from evaluation.findings.numbers import factor_of
from evaluation.findings.present import verdict
from evaluation.locations import project_file
from evaluation.models.before_after import before_after
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.outcome_sets import outcome_sets
from evaluation.pipeline.receive import build_panel, receive
from evaluation.pipeline.recipe import framework_of, truth_of
from evaluation.plan import Plan

SEED, FAMILIES = 20261124, 20_000  # fixed beforehand
WITHIN = 3.5  # standard errors: about one chance in two thousand an outcome
VISIBLY = 2.0  # standard errors of the change itself


@pytest.fixture(scope="module")
def found(tmp_path_factory, dictionary):
    """(plan, panel, Estimating, outcome -> OutcomeStudy) of the demonstration with more families."""
    content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    content["data"]["families"], content["seed"] = FAMILIES, SEED
    plan, room = Plan.model_validate(content), tmp_path_factory.mktemp("truth")
    tables = receive(plan, room, dictionary, room)
    panel = build_panel(tables, plan, dictionary)
    sample = matcher(plan).fit(panel)
    estimating = Estimating(plan=plan, framework=framework_of(plan), truth_of=truth_of(plan, room, tables))
    sets = outcome_sets(plan, [dictionary.outcomes[name] for name in plan.outcomes.all], sample)
    joined = np.flatnonzero(panel.entry >= 0)
    studies = {name: study_outcome(estimating, dictionary.outcomes[name], sets, joined, deep=False) for name in plan.outcomes.all}
    return plan, panel, estimating, studies


def test_every_main_and_secondary_effect_is_near_its_truth(found):
    plan, panel, _, studies = found
    assert len(panel) == FAMILIES and list(studies) == list(plan.outcomes.all)
    numbers = {name: study.numbers for name, study in studies.items()}
    assert {each.status for each in numbers.values()} == {"estimated"}
    distance = {name: (each.effect.estimate - each.truth) / each.effect.std_error for name, each in numbers.items()}
    assert {name: round(gap, 2) for name, gap in distance.items() if abs(gap) > WITHIN} == {}


def test_the_before_after_change_is_visibly_wrong_beside_it(found):
    _, panel, estimating, studies = found
    joined = panel.entry >= 0
    distance = {}
    for name, study in studies.items():
        change = before_after(panel, name, before=estimating.before_window(), after=estimating.headline, only=joined).change
        assert change.estimate * factor_of(study.numbers.outcome) == pytest.approx(study.numbers.after - study.numbers.before)
        distance[name] = (change.estimate - study.numbers.truth / factor_of(study.numbers.outcome)) / change.std_error
    assert min(distance["any_offence"], distance["asb_incidents"]) < -VISIBLY  # families fall back by themselves after a crisis


def test_the_known_truth_is_zero_where_no_effect_was_asked_for_and_less_elsewhere(found):
    truths = {name: study.numbers.truth for name, study in found[3].items()}
    assert {name for name, truth in truths.items() if truth == 0} == {"out_of_work_benefit", "adult_in_work"}
    assert all(truth < 0 for name, truth in truths.items() if truth)


def test_no_effect_is_claimed_where_there_is_none(found):
    assert {verdict(found[3][name].numbers) for name in ("out_of_work_benefit", "adult_in_work")} == {"not_detectable"}
